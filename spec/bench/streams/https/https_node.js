// The HTTPS server of Node: see https.lua.
"use strict";
const fs = require("fs");
const https = require("https");
const folder = process.env.BENCH_FOLDER;
const key = fs.readFileSync(folder + "/server.key");
const cert = fs.readFileSync(folder + "/server.pem");
const BODY = "Hello, world!\n";

const server = https.createServer({ key, cert }, (request, response) => {
  response.setHeader("Content-Length", BODY.length);
  response.end(BODY);
});
server.listen(0, "127.0.0.1", 1024, () => console.log(server.address().port));
