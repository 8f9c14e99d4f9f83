// Node's tls: node peer.js WORK VERSION COUNT [EXTRA] prints one number; see works.lua. Both ends in one process.
// Node handles events where the others run a loop.
"use strict";
const fs = require("fs");
const tls = require("tls");

const [work, version, countText, extraText] = process.argv.slice(2);
const count = Number(countText);
const extra = Number(extraText || 0);
const folder = process.env.BENCH_FOLDER;
const read = (name) => fs.readFileSync(`${folder}/${name}`);
const protocol = { minVersion: version, maxVersion: version, ecdhCurve: "X25519:P-256" };
const clientContext = tls.createSecureContext({ ca: read("ca.pem"), ...protocol });

const waiting = []; // for the server's end of the next connection
const server = tls.createServer({ noDelay: true, cert: read("server.pem"), key: read("server.key"), ...protocol });
server.on("secureConnection", (end) => waiting.shift()(end));

const now = () => Number(process.hrtime.bigint()) / 1e9;
const once = (emitter, event) => new Promise((done) => emitter.once(event, done));

async function makePair(session) {
  const other = new Promise((done) => waiting.push(done));
  const client = tls.connect({ port: server.address().port, host: "127.0.0.1", secureContext: clientContext, session,
    checkServerIdentity: () => undefined });
  client.setNoDelay(true);
  client.on("error", () => {});
  const ticket = once(client, "session"); // it may arrive at once
  await once(client, "secureConnect");
  if (!client.authorized || (session && !client.isSessionReused())) throw new Error("not verified, or not resumed");
  const end = await other;
  end.on("error", () => {});
  return [client, end, ticket];
}

function close(pair) {
  for (const end of pair.slice(0, 2)) end.destroy();
}

// Resolves when `length` bytes have arrived.
function receive(end, length) {
  return new Promise((done) => {
    let got = 0;
    const take = (bytes) => {
      got += bytes.length;
      if (got < length) return;
      end.off("data", take);
      done();
    };
    end.on("data", take);
  });
}

async function transfer(from, to, data) {
  const arrived = receive(to, data.length);
  from.write(data);
  await arrived;
}

async function trip(pair, data) {
  await transfer(pair[0], pair[1], data);
  await transfer(pair[1], pair[0], data);
}

async function connect() {
  const pair = await makePair();
  await trip(pair, Buffer.from("x"));
  return pair;
}

const works = {
  async handshake() {
    const begin = now();
    for (let i = 0; i < count; i++) close(await makePair());
    return count / (now() - begin);
  },
  // Always with the first session: Node's server sends no new ticket to a resumed connection.
  async resume() {
    const pair = await makePair();
    const session = await pair[2];
    close(pair);
    const begin = now();
    for (let i = 0; i < count; i++) close(await makePair(session));
    return count / (now() - begin);
  },
  async bulk() {
    const data = Buffer.alloc(extra);
    const pair = await connect();
    const begin = now();
    for (let i = 0; i < count * 1048576 / extra; i++) await transfer(pair[0], pair[1], data);
    return count / (now() - begin);
  },
  async trip() {
    const data = Buffer.alloc(extra);
    const pair = await connect();
    const begin = now();
    for (let i = 0; i < count; i++) await trip(pair, data);
    return (now() - begin) / count * 1e9;
  },
  async oneway() {
    const data = Buffer.alloc(extra);
    const pair = await connect();
    const begin = now();
    for (let i = 0; i < count / 64; i++) {
      const arrived = receive(pair[1], 64 * extra);
      for (let j = 0; j < 64; j++) pair[0].write(data);
      await arrived;
    }
    return (now() - begin) / count * 1e9;
  },
  async idle() {
    const kept = [];
    for (let i = 0; i < 20; i++) kept.push(await connect());
    global.gc();
    const before = process.memoryUsage().rss;
    for (let i = 0; i < count; i++) kept.push(await connect());
    global.gc();
    return (process.memoryUsage().rss - before) / count;
  },
};

server.listen(0, "127.0.0.1", async () => {
  console.log((await works[work]()).toFixed(3));
  process.exit(0);
});
