// Node's tls: node peer.js WORK CLIENTS COUNT prints microseconds of processor time for one trip or one connection; see
// trip.lua and connections.lua, whose works these are.
"use strict";
const fs = require("fs");
const tls = require("tls");
const { once } = require("events");

const [work, clients, count] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const folder = process.env.BENCH_FOLDER;
const file = (name) => fs.readFileSync(folder + "/" + name);
const versions = { minVersion: "TLSv1.3", maxVersion: "TLSv1.3" };
const clientContext = tls.createSecureContext({ ...versions, ca: file("ca.pem") });
const line = "x".repeat(59);
const share = Math.floor(count / clients);

// Calls take(line) for each line that arrives.
function splitLines(socket, take) {
  let rest = "";
  socket.setEncoding("latin1");
  socket.on("data", (text) => {
    rest += text;
    let from = 0;
    for (let at; (at = rest.indexOf("\n", from)) >= 0; from = at + 1) take(rest.slice(from, at));
    rest = rest.slice(from);
  });
}

const server = tls.createServer({ ...versions, key: file("server.key"), cert: file("server.pem") }, (socket) => {
  socket.setNoDelay(true);
  splitLines(socket, (text) => socket.write(text + "\n"));
  socket.on("error", () => {});
});

async function connect() {
  const socket = tls.connect({ port: server.address().port, host: "127.0.0.1", secureContext: clientContext });
  socket.setNoDelay(true);
  await once(socket, "secureConnect");
  if (!socket.authorized) throw new Error("not verified");
  let waiting;
  splitLines(socket, (text) => waiting(text));
  const exchange = (text) => new Promise((done) => {
    waiting = done;
    socket.write(text + "\n");
  });
  const close = () => new Promise((done) => {
    socket.on("close", done);
    socket.end();
  });
  return { exchange, close };
}

async function check(connection) {
  if (await connection.exchange(line) !== line) throw new Error("not echoed");
}

const works = {
  async trip() {
    const connection = await connect();
    for (let i = 0; i < 3; i++) await check(connection);
    return async () => { for (let i = 0; i < share; i++) await connection.exchange(line); };
  },
  async connections() {
    const one = async () => {
      const connection = await connect();
      await check(connection);
      await connection.close();
    };
    for (let i = 0; i < 3; i++) await one();
    return async () => { for (let i = 0; i < share; i++) await one(); };
  },
};

server.listen(0, "127.0.0.1", 1024, async () => {
  const ready = await Promise.all(Array.from({ length: clients }, works[work]));
  const before = process.cpuUsage();
  await Promise.all(ready.map((run) => run()));
  const used = process.cpuUsage(before);
  console.log(((used.user + used.system) / (share * clients)).toFixed(2));
  process.exit(0);
});
