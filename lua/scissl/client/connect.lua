--- A verified connection to a server, in one call.
-- @module scissl.client.connect

local core = require "scissl.core"
local context_options = require "scissl.tls.context_options"
local client = require "scissl.client.client_options"
local dial = require "scissl.client.tcp_dial"
local handshake = require "scissl.tls.handshake"
local options = require "scissl.base.option_table"
local parting = require "scissl.stream.linger"
local proxy = require "scissl.client.proxy"
local starttls = require "scissl.stream.starttls"
local stream = require "scissl.stream.stream"
local wait = require "scissl.loop.wait"

local SciSslError, SciSslSocket = core.SciSslError, core.SciSslSocket

-- ---- over TCP

-- How `scissl.client.tcp_dial` makes a SciSslSocket.
local tls = {
  new = function(run, family) return SciSslSocket.new(run.context, family) end,
  prepare = client.prepare,
  -- The first TLS call answers why the connection does not stand.
  explain = function(socket, run, deadline)
    return handshake(socket, "connect", { deadline = deadline, waiter = run.waiter })
  end,
}

-- Names the host in a failure that was found below, where only the socket is known (a time-out).
local function name_host(failure, run)
  if failure:subject() or failure:code() ~= 0 or failure:errno() then return failure end
  return SciSslError.new {
    phase = failure:phase(),
    condition = failure:condition(),
    message = failure:message(),
    subject = run.subject,
    peer = failure:peer(),
    sslError = failure:sslError(),
    cause = failure:cause(),
    traceback = failure:traceback(),
  }
end

local function open(run)
  local socket, failure = dial(run, tls)
  if not socket then return nil, failure end
  local done
  done, failure = handshake(socket, "connect", {
    deadline = run.deadline,
    timeout = run.timeout,
    waiter = run.waiter,
    replayable = run.given.replayable,
    onCertificate = run.given.onCertificate,
    onVerify = run.given.onVerify,
  })
  if done then return socket end
  parting.leave(socket, run.waiter)
  return nil, name_host(failure, run)
end

local function stream_options(run)
  local given = run.given
  return {
    timeout = given.timeout,
    maxLine = given.maxLine,
    maxBuffer = given.maxBuffer,
    waiter = run.waiter,
    onSession = client.keeper(run),
  }
end

local function connect(run)
  local socket, failure = open(run)
  if not socket then return nil, failure end
  return client.writeReplayable(stream(socket, stream_options(run)), run)
end

-- ---- through another stream

local function connect_through(run)
  local carrier, failure = run.given.over, nil
  if run.given.proxy then carrier, failure = proxy.open(run.proxy, run) end
  if not carrier then return nil, failure end
  local made
  made, failure = starttls.over(carrier, run, stream_options(run))
  if made then return client.writeReplayable(made, run) end
  return nil, name_host(failure, run)
end

-- ---- both

local known_options = {
  port = "port",
  timeout = "seconds",
  waiter = "string|callable",
  maxLine = "count",
  maxBuffer = "count",
  over = "table|userdata",
  proxy = "string|table",
}
for name, kind in pairs(client.optionKinds) do known_options[name] = kind end
known_options = context_options.kinds(known_options)

--- Connects to a server and does the handshake. The server's certificate must come from somebody trusted and must be
-- for the host asked for, or there is no connection.
-- @function scissl.connect
-- @tparam table given options:
--
-- * `host` (needed): name, or address (`"192.0.2.1"`, `"::1"`). Every address of a name is tried in turn
-- * `port` (needed): number, or the name of a service
-- * `timeout`: seconds for everything up to the end of the handshake (but for the look-up of the name, which the
--   system limits), then for each operation of the stream. Without it, as long as it takes
-- * `caFile`, `caPath`, `ca`, `trustUri`: whom to trust (see SciSslSocketConfiguration). Without them: whom the system
--   trusts, where `SSL_CERT_FILE` and `SSL_CERT_DIR` are honoured. `defaultTrust = true` beside them: both
-- * `verifyHost`: the name or address that the certificate must be for, if not `host`; a list of names: one of them;
--   false: any name will do
-- * `allowCommonName`: true: a certificate may name the host in the common name (CN) of its subject alone, which
--   RFC 9525 does not accept
-- * `serverName`: the name to ask the server for (SNI), where that is not `host`; false: none. Addresses are not sent
-- * `verify`: false: no check whatsoever, and so no protection against anybody. Otherwise anonymous cipher suites of
--   `cipherList` are not offered
-- * `certificate`, `privateKey`, `passphrase`: the client's own (see SciSslSocketConfiguration)
-- * `pkcs12`: the same in one, path or bytes
-- * `ocsp`: `"request"` or `"require"` a proof from the server that its certificate has not been revoked (see
--   `SciSslContext:setOcspPolicy`)
-- * `psk`: a key that the server knows, too: a table with `identity` and `key`, or a function (see
--   `SciSslContext:setPskClient`)
-- * `keylogFile`: appends the connection's secrets to a file, for debugging: it gives them away
-- * `alpn`, `version`, `minProtocol`, `maxProtocol`, `cipherList`, `ciphersuites`, `groups`, `signatureAlgorithms`,
--   `securityLevel`, `options`, `commands`, `certificates`, `verifyDepth`, `verifyFlags`, `verifyTime`, `purpose`,
--   `crl`, `crlFile`, `sessionTimeout`: as in SciSslSocketConfiguration
-- * `configuration`, `context`: a SciSslSocketConfiguration, or a SciSslContext, in place of all fields of one
-- * `session`: an OSSslSession to resume, if the server's chain would pass a full handshake now
-- * `sessions`: a store that sessions are taken from and put into, such as `scissl.sessions.memory.new()`. They are
--   kept apart by host, port, application protocols and everything that decides whom this connection trusts
-- * `tlsa`: TLSA records of the host, one of which the server's certificate must match (DANE): a list of tables with
--   `usage`, `selector`, `matchingType` and `data` (see `SciSslSocket:sslSetDane`). They must come from a resolver that
--   has validated them
-- * `replayable`: what to write first. Where `session` allows it, it goes out before the handshake is done, and whoever
--   records it can send it again: use it for requests that change nothing. Where not, or where the server does not take
--   it, it is written after the handshake; `stream:earlyDataStatus()` tells
-- * `proxy`: an HTTP proxy to go through, as `"http://host:port"` or `"https://user:password@host:port"`, or a table
--   (see `scissl.proxy`). The proxy of an `https` URL has to show a certificate, too. It sees where we connect to, and
--   no more
-- * `over`: a stream to go through, in place of a TCP connection; or an object that moves bytes (see `scissl.tunnel`).
--   It carries the new stream from then on and is closed with it. `port` is not needed then
-- * `onCertificate`, `onVerify`: handlers of the handshake (see `scissl.handshake`)
-- * `waiter`: how to wait (see `scissl.wait`)
-- * `maxLine`, `maxBuffer`: the stream's limits (see `scissl.stream`)
--
-- @treturn[1] SciSslStream
-- @treturn[2] nil
-- @treturn[2] SciSslError phase `load` where a file or setting is refused; `resolve`: `host_not_found`; `connect`:
--  `timeout`, `connection_refused`, `certificate_expired`, `certificate_wrong_host` … whatever the handshake met
-- @raise for unknown options and wrong types
return function(given)
  options.check("scissl.connect", given, known_options, 2)
  if not given.host then error("option 'host' to 'scissl.connect' is missing", 2) end
  if not given.port and not given.over then error("option 'port' to 'scissl.connect' is missing", 2) end
  if given.over and given.proxy then error("options 'over' and 'proxy' to 'scissl.connect' exclude each other", 2) end
  if given.over and not starttls.canCarry(given.over) then
    error("bad option 'over' to 'scissl.connect' (SciSslStream, or object with receive and send expected)", 2)
  end
  local waiter = wait.find(given.waiter, 2)
  local through = given.proxy and proxy.read(given.proxy, 2)
  local run, failure = client.new("scissl.connect", given, given.port or "over", 2)
  if not run then return nil, failure end
  run.waiter, run.timeout, run.deadline = waiter, given.timeout, wait.deadline(given.timeout)
  run.proxy = through
  if through or given.over then return connect_through(run) end
  return connect(run)
end
