--- Makes a SciSslListener: `scissl.listen`.
-- @module scissl.server.listen

local core = require "scissl.core"
local connections = require "scissl.server.connections"
local context_options = require "scissl.tls.context_options"
local contexts = require "scissl.server.contexts"
local Listener = require "scissl.server.listener"
local listening_socket = require "scissl.server.listening_socket"
local options = require "scissl.base.option_table"
local wait = require "scissl.loop.wait"

local SciSslSocket = core.SciSslSocket

local HANDSHAKE_SECONDS = 30 -- so that a client that sends nothing does not occupy the server
local STREAM_SECONDS = 300 -- the same for one that has finished its handshake

local known_options = context_options.kinds {
  sessions = "serverSessions",
  timeout = "seconds",
  handshakeTimeout = "seconds",
  maxHandshakes = "count",
  maxHandshakesFromOne = "count",
  concurrentHandshakes = "boolean",
  verify = "string|integer",
  psk = "psks|function",
  waiter = "string|callable",
  maxLine = "count",
  maxBuffer = "count",
  sni = "table",
  onClientHello = "callable",
  onCertificate = "callable",
  onVerify = "callable",
}
for name, kind in pairs(listening_socket.kinds) do known_options[name] = kind end

-- A loop has a coroutine for each handshake anyway.
local function check_concurrency(given, waiter)
  if not given.concurrentHandshakes or wait.blocksThread(waiter) then return end
  error("option 'concurrentHandshakes' to 'scissl.listen' is for the waiters 'poll' and 'select'; with others, use "
    .. "acceptSocket and handshake, or serve", 3)
end

--- Listens for TLS connections.
-- @function scissl.listen
-- @tparam table given options:
--
-- * `port` (needed): number; 0: the system chooses one; or the name of a service
-- * `host`: name or address of this machine to listen on; `"*"` (default): all IPv4 addresses; `"::"`: all addresses.
--   A call inside the loop of `waiter` lets other coroutines run while a name is looked up
-- * `path`: a Unix-domain socket, in place of `host` and `port`. `close` removes the path, and `scissl.listen` one to
--   which nothing can connect, because its server was killed
-- * `certificate`, `privateKey`, `passphrase`: the server's own (see SciSslSocketConfiguration). Needed, unless
--   `pkcs12`, `certificates`, `psk`, `sni` or a handler supplies certificates or keys
-- * `pkcs12`: the same in one, path or bytes
-- * `library`: a SciSslLibrary, whose providers do the work
-- * `ocspResponse`: DER, stapled for clients that ask (see `SciSslContext:setOcspResponse`)
-- * `psk`: keys by identities, or a function that finds them (see `SciSslContext:setPskServer`)
-- * `pskHint`: see `SciSslContext:setPskHint`
-- * `keylogFile`: appends the connections' secrets to a file, for debugging: who reads it can decrypt the traffic
-- * `caFile`, `caPath`, `ca`, `trustUri`: the CAs that issue the certificates of clients
-- * `pins`: the public keys that clients may have, in place of the CAs (see `SciSslContext:setPins`)
-- * `serverCertificateTypes`, `clientCertificateTypes`: lists of `"rawPublicKey"` (RFC 7250) and `"x509"`, most
--   preferred first. With raw public keys alone, a `privateKey` needs no certificate
-- * `echKeys`: keys of Encrypted Client Hello, PEM texts or paths, the current one first (see
--   `SciSslContext:setEchKeys`)
-- * `verify`: `"none"`: no certificate request; `"optional"`: asks for a client certificate and verifies one that
--   comes; `"require"`: rejects clients without one (the default where a CA or `pins` are given); or
--   `SSL_VERIFY_…` flags
-- * `profile`: protocols and cipher suites under one name: `"modern"`, `"intermediate"`, `"old"`, or `"server"`, the
--   default (see SciSslSocketConfiguration)
-- * `alpn`, `version`, `minProtocol`, `maxProtocol`, `cipherList`, `ciphersuites`, `groups`, `signatureAlgorithms`,
--   `securityLevel`, `options`, `commands`, `certificates`, `certificateCompression`, `verifyDepth`, `verifyFlags`,
--   `verifyTime`, `purpose`, `crl`, `crlFile`, `acceptedIssuers`, `sessionTimeout`: as in SciSslSocketConfiguration
-- * `configuration`, `context`: a SciSslSocketConfiguration, or a SciSslContext, in place of all fields of one
-- * `sni`: contexts by server name (see `scissl.sni`). If the listener has no certificate of its own, clients that ask
--   for other names are rejected
-- * `onClientHello`, `onCertificate`, `onVerify`: handlers of each handshake (see `scissl.handshake`)
-- * `maxReplayableData`: bytes of early data that a client may send before the handshake is done (none).
--   `stream:replayableData()` returns it; `stream:read()` does not (see `SciSslContext:setMaxReplayableData`)
-- * `timeout`: seconds for each operation of the streams (300; `math.huge`: no limit), and for each handshake
-- * `handshakeTimeout`: seconds for each handshake (`timeout`, or 30)
-- * `maxHandshakes`: handshakes that may be unfinished at a time (1,000); beyond that, the oldest one ends with the
--   condition `too_many_handshakes`
-- * `maxHandshakesFromOne`: those from one IPv4 address, or from one IPv6 network of 64 bits (250)
-- * `concurrentHandshakes`: true: in programs without a loop, `accept` makes the handshakes of several clients at a
--   time, and returns the first that is done
-- * `backlog`: connections that may wait to be accepted (as many as the system allows)
-- * `reusePort`: true: other processes may listen on the same address and port (SO_REUSEPORT), and the system
--   distributes the connections among them
-- * `socket`: in place of `host`, `port`, `backlog` and `reusePort`, a listening socket, as `SciSocket.on` takes it:
--   for example one that the parent process made and shares with other workers
-- * `sessions`: a store that lets other servers resume the sessions of this one, such as
--   `scissl.sessions.redis.new { … }`. Give contexts that `onClientHello` returns to its `serve` beforehand. Where its
--   `keep(socket)` returns a list of sessions, `remove(session)` is called for each of them when a stream is closed
--   that a fatal alert has ended
-- * `waiter`: how to wait (see `scissl.wait`)
-- * `maxLine`, `maxBuffer`: the streams' limits (see `scissl.stream`)
--
-- @treturn[1] SciSslListener
-- @treturn[2] nil
-- @treturn[2] SciSslError phase `load`: a file or setting was rejected; `host_not_found`, `address_in_use`,
--  `permission_denied` …
-- @raise for unknown options and wrong types, a missing certificate, and `verify` without a CA
return function(given)
  given = options.read("scissl.listen", given, known_options, 2)
  listening_socket.check("scissl.listen", given, 2)
  local waiter = wait.find(given.waiter, 2)
  check_concurrency(given, waiter)
  local made, failure = contexts.make("scissl.listen", given, 2)
  if not made then return nil, failure end
  local plain
  plain, failure = listening_socket.open(given, waiter)
  if not plain then return nil, failure end
  return setmetatable({
    given = made.given,
    plain = plain,
    path = given.path,
    listening = assert(SciSslSocket.on(plain, made.context)),
    context = made.context,
    sni = made.sni,
    onClientHello = made.onClientHello,
    waiter = waiter,
    timeout = given.timeout or STREAM_SECONDS,
    handshakeTimeout = given.handshakeTimeout or given.timeout or HANDSHAKE_SECONDS,
    concurrentHandshakes = given.concurrentHandshakes,
    connections = connections(given.maxHandshakes, given.maxHandshakesFromOne),
    maxLine = given.maxLine,
    maxBuffer = given.maxBuffer,
    sessions = given.sessions,
    onCertificate = given.onCertificate,
    onVerify = given.onVerify,
  }, Listener)
end
