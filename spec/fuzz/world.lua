--- spec/fuzz/world.lua: objects of every class for the API fuzzer, fresh in each iteration.
--
--    world[i](random) -> objects …    makes some that belong together

local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local samples = require "spec.fuzz.samples"

local VERSIONS = { "TLSv1.2", "TLSv1.3" }
local TRANSPORTS = { "memory", "pair", "tcp" }

local function server_context(context)
  context:setAlpn { "h2", "http/1.1" }
  context:setSessionCacheMode "both"
  context:setMaxReplayableData(1000)
end

local function connection(random, make)
  local client_identity = random:chance(2) and pki.client or nil
  return make { transport = random:pick(TRANSPORTS), version = random:pick(VERSIONS),
    server = { setup = server_context, verify = client_identity and scissl.SSL_VERIFY_PEER },
    client = { identity = client_identity } }
end

-- A connection that stands at any station of its handshake.
local function suspended(random)
  local client, server = connection(random, ends.pair)
  client:sslSuspendAt("verify", "certificate")
  server:sslSuspendAt("clientHello", "certificate", "verify")
  for _ = 1, random:below(6) do
    client:sslConnect()
    server:sslAccept()
    if client:getfd() < 0 then ends.shuttle(client, server) end
    if random:chance(2) then client:sslApprove() end
    if random:chance(2) then server:sslApprove() end
  end
  return client, server
end

local function streams(random)
  local near, far = assert(scissl.SciSocket.pair())
  return scissl.plain.on(near, { timeout = 0.001 }), scissl.plain.on(far, { timeout = 0.001 }),
    random:chance(2) and scissl.stream(connection(random, ends.connected), { timeout = 0.001 }) or nil
end

local function datagrams(random)
  local make = random:chance(2) and ends.connected or ends.pair
  return make { transport = random:pick { "memory", "datagrams", "udp" }, version = "DTLS" }
end

local function datagram_server()
  local server = assert(scissl.datagram.listen {
    host = "127.0.0.1", port = 0, psk = { sensor = ("k"):rep(16) }, timeout = 0.001,
  })
  return server, server:socket(), (scissl.SciSocket.newDatagramSocket())
end

local function listener()
  return (scissl.listen { host = "127.0.0.1", port = 0, certificate = pki.server.certificateFile,
    privateKey = pki.server.keyFile, timeout = 0.001 })
end

local function configuration()
  return scissl.SciSslSocketConfiguration.new { caFile = pki.ca.certificateFile },
    scissl.sni.new { ["*"] = ends.serverContext(), ["a.example"] = { certificate = pki.server.certificatePem,
      privateKey = pki.server.keyPem } }
end

local function certificates()
  return scissl.SciSslX509Certificate.fromPem(samples.text.certificate),
    scissl.SciSslX509Certificate.fromDer(pki.ca.certificate:toDer()),
    scissl.SciSslPrivateKey.fromPem(samples.text.key),
    scissl.SciSslX509Crl.fromPem(samples.text.crl), scissl.SciSslX509Request.fromPem(samples.text.request)
end

local function sessions(random)
  return scissl.OSSslSession.fromPem(random:pick { samples.text.session12, samples.text.session13 }),
    scissl.sessions.memory.new { max = 3 }, scissl.SciSslClientHello.fromRecords(samples.hello(random:pick(VERSIONS)))
end

-- What waits for signals, and for names. Nothing sends these signals.
local function waits(random)
  return scissl.SciSignals.new(random:pick { "SIGUSR1", "SIGUSR2", "SIGWINCH" }),
    scissl.signals.new("SIGUSR1", { waiter = random:pick { "poll", "coroutine" } }),
    scissl.SciLookUp.new(random:pick { "127.0.0.1", "::1", "localhost" }, random:pick { 0, 80, "http" })
end

local function stores()
  local path = pki.folder() .. "/fuzzed sessions"
  return scissl.sessions.file.new { path = path, max = 3 }, scissl.sessions.file.new { path = path },
    scissl.OSSslSession.fromPem(samples.text.session13), (scissl.plain.listen { host = "127.0.0.1", port = 0 })
end

local function errors()
  local _, refused = scissl.SciSslX509Certificate.fromPem "nonsense"
  return refused, scissl.SciSslError.new { phase = "read", condition = "timeout" }, scissl.OSSslVersion.current()
end

return {
  function(random) return connection(random, ends.pair) end,
  function(random) return connection(random, ends.connected) end,
  function(random)
    local client, server = connection(random, ends.connected)
    return client, server, client:cipher(), client:getSession(), client:peerCertificate()
  end,
  suspended,
  function() return ends.serverContext { setup = server_context }, ends.clientContext() end,
  function() return scissl.SciSocket.pair() end,
  function() return (ends.listener()) end,
  function(random)
    return scissl.SciPoller.new(random:pick { false, "epoll", "poll" } or nil), (scissl.scheduler.new())
  end,
  streams, datagrams, datagram_server, listener, configuration, certificates, sessions, waits, stores, errors,
}
