--- A verified connection to a server, in one call.
-- @module scissl.client.connect

local core = require "scissl.core"
local context_options = require "scissl.tls.context_options"
local client = require "scissl.client.client_options"
local dial = require "scissl.client.tcp_dial"
local dial_options = require "scissl.client.dial_options"
local handshake = require "scissl.tls.handshake_loop"
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
}

-- Adds the host to an error of a lower layer, which knew only the socket (a time-out).
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

local function handlers_of(given)
  if not (given.onCertificate or given.onVerify) then return nil end
  return { onCertificate = given.onCertificate, onVerify = given.onVerify }
end

local function open(run)
  local socket, failure = dial(run, tls)
  if not socket then return nil, failure end
  local done
  done, failure = handshake(socket, "connect", run.waiter, run.timeout, run.deadline, handlers_of(run.given),
    run.given.replayable)
  if done then return socket end
  client.forget(run, failure)
  parting.leave(socket, run.waiter)
  return nil, name_host(failure, run)
end

-- The record has them as well: its time-out and its waiter are the stream's, too.
local function stream_options(run)
  local given = run.given
  run.maxLine, run.maxBuffer = given.maxLine, given.maxBuffer
  return run
end

local function connect(run)
  local socket, failure = open(run)
  if not socket then return nil, failure end
  run.onSession = client.keeper(run)
  return client.writeReplayable(stream.make(socket, stream_options(run), 2), run)
end

-- ---- through another stream

local function connect_through(run)
  local carrier, failure = run.given.over, nil
  if run.proxy then carrier, failure = proxy.open(run.proxy, run) end
  if not carrier then return nil, failure end
  local made
  made, failure = starttls.over(carrier, run, stream_options(run))
  if made then return client.writeReplayable(made, run) end
  return nil, name_host(failure, run)
end

-- ---- both

local function try(run)
  if run.proxy or run.given.over then return connect_through(run) end
  return connect(run)
end

-- A server that cannot decrypt the ClientHello names its keys; its certificate for the public name proves that it may.
-- Returns whether to try again, and the ECHConfigList of the next attempt: nil where the name goes in plain text
-- (RFC 9849, section 6.1.6).
local function ech_retry(run, failure)
  local given = run.given
  if given.echRetry == false or given.over or failure:condition() ~= "ech_rejected" then return false end
  local configs = failure:data()
  local sure = not failure:verifyResult() and given.verify ~= false
  return sure and (configs ~= nil or given.echRetry == "plain"), configs
end

-- One retry: a server that does not know the keys that it has just named is misconfigured.
local function try_twice(run)
  local made, failure = try(run)
  if made then return made end
  local again, configs = ech_retry(run, failure)
  if not again then return nil, failure end
  run.given.echConfigs = configs
  local reason
  made, reason = try(run)
  -- This OpenSSL may know no version or algorithm of what the server has named.
  if not made and reason:condition() == "bad_ech_configs" then return nil, failure end
  return made, reason
end

local known_options = {
  port = "port",
  timeout = "seconds",
  waiter = "string|callable",
  maxLine = "count",
  maxBuffer = "count",
  over = "table|userdata",
  proxy = "string|table",
  proxyFromEnvironment = "boolean",
  echRetry = "echRetry",
}
for name, kind in pairs(client.optionKinds) do known_options[name] = kind end
for name, kind in pairs(dial_options.kinds) do known_options[name] = kind end
known_options = context_options.kinds(known_options)

local function check(given, level)
  level = level + 1
  if not given.host then error("option 'host' to 'scissl.connect' is missing", level) end
  if not (given.port or given.over or given.path) then error("option 'port' to 'scissl.connect' is missing", level) end
  if given.over and not starttls.canCarry(given.over) then
    error("bad option 'over' to 'scissl.connect' (SciSslStream, or object with receive and send expected)", level)
  end
  dial_options.check("scissl.connect", given, level)
end

-- Returns the settings of the proxy, or false; or nil and a SciSslError.
local function find_proxy(given, host, level)
  if given.proxy then return proxy.read(given.proxy, level + 1) end
  if given.proxyFromEnvironment then return proxy.fromEnvironment(host) end
  return false
end

--- Connects to a server and does the handshake. The server's certificate must be issued by a trusted CA and name the
-- host; otherwise the connection fails.
-- @function scissl.connect
-- @tparam table given options:
--
-- * `host` (needed): name or address (`"192.0.2.1"`, `"::1"`). The addresses of a name race (RFC 8305): the next one
--   is tried after a quarter of a second, or as soon as one has failed, and the first that replies is used
-- * `port` (needed): number, or the name of a service
-- * `path`: a Unix-domain socket, in place of `port`. `host` is then the name that the certificate must contain
-- * `family`: `"inet"` or `"inet6"`: uses addresses of that family only
-- * `localAddress`, `localPort`: the own IP address and port of the connection; the system chooses what is not given
-- * `keepAlive`: true: the system checks now and then whether an idle peer is still there (SO_KEEPALIVE); a number:
--   after so many seconds
-- * `timeout`: seconds for look-up, connection and handshake together, then for each operation of the stream. Without
--   it there is no limit
-- * `resolver(host, port, family, deadline)`: a function that looks up the host in place of the system. It returns a
--   list of tables with `address` (an IP address), and perhaps `port` and `family`; or nil and a reason. It may yield.
--   `family` is `"inet"`, `"inet6"` or nil (both). It is not called for an address
-- * `caFile`, `caPath`, `ca`, `trustUri`: the CAs to trust (see SciSslSocketConfiguration). Without them the system
--   trust store is used, or what `SSL_CERT_FILE` and `SSL_CERT_DIR` name. `defaultTrust = true` beside them uses both
-- * `verifyHost`: the name or address that the certificate must name, if not `host`; a list: one of these names;
--   false: the name is not checked
-- * `pins`: the public keys that the server may have, in place of CAs and names: a list of pins (see
--   `SciSslContext:setPins`)
-- * `serverCertificateTypes`, `clientCertificateTypes`: lists of `"rawPublicKey"` (RFC 7250) and `"x509"`. A server's
--   raw public key is accepted only by `pins`
-- * `allowCommonName`: true: accepts a certificate that names the host only in the common name (CN) of its subject,
--   which RFC 9525 forbids
-- * `serverName`: the name to send as SNI, if not `host`; false: none is sent. An address is never sent
-- * `verify`: false: nothing is verified, so anyone can intercept the connection. Otherwise the anonymous cipher suites
--   of `cipherList` are not offered
-- * `library`: a SciSslLibrary, whose providers do the work
-- * `certificate`, `privateKey`, `passphrase`: the client's own (see SciSslSocketConfiguration)
-- * `pkcs12`: the same in one, path or bytes
-- * `ocsp`: `"request"` or `"require"`: asks the server for a proof that its certificate has not been revoked (see
--   `SciSslContext:setOcspPolicy`)
-- * `psk`: a pre-shared key: a table with `identity` and `key`, or a function (see `SciSslContext:setPskClient`)
-- * `keylogFile`: appends the connection's secrets to a file, for debugging: who reads it can decrypt the traffic
-- * `alpn`, `version`, `minProtocol`, `maxProtocol`, `cipherList`, `ciphersuites`, `groups`, `signatureAlgorithms`,
--   `securityLevel`, `options`, `commands`, `certificates`, `certificateCompression`, `verifyDepth`, `verifyFlags`,
--   `verifyTime`, `purpose`, `crl`, `crlFile`, `sessionTimeout`: as in SciSslSocketConfiguration
-- * `configuration`, `context`: a SciSslSocketConfiguration, or a SciSslContext, in place of all fields of one
-- * `session`: an OSSslSession to resume. The server's chain is verified again
-- * `sessions`: a store of sessions, such as `scissl.sessions.memory.new()`. Its key is made of host, port, application
--   protocols and everything that decides which servers this connection accepts. Where a handshake with one of its
--   sessions ends with an alert, its method `remove(key)` is called, if it has one; where a fatal alert ends a
--   connection later, `remove(key, session)` for each of its sessions when the stream is closed
-- * `tlsa`: the TLSA records of the host, one of which the server's certificate must match (DANE): a list of tables
--   with `usage`, `selector`, `matchingType` and `data` (see `SciSslSocket:sslSetDane`). Get them from a resolver that
--   validates DNSSEC
-- * `echConfigs`: an ECHConfigList, bytes or base64, as it is in the HTTPS record of the host: hides the server name
--   and the rest of the ClientHello (see `SciSslSocket:sslSetEchConfigs`)
-- * `echRetry`: what to do where the server cannot decrypt that. true (the default): connects once more with the keys
--   that the server names, whose certificate for the public name was verified; false: fails with the condition
--   `ech_rejected`, and the error's `data()` are these keys; `"plain"`: where the server names no keys, connects once
--   more without ECH, and the server name is sent in plain text. With `over` it is false: the stream ends with the
--   attempt
-- * `replayable`: data to write first. Where `session` allows it, it is sent as early data, before the handshake is
--   done. An attacker can record early data and send it again: use it only for requests that change nothing. Otherwise,
--   or where the server rejects it, it is written after the handshake; `stream:earlyDataStatus()` tells which
-- * `proxy`: an HTTP proxy, as `"http://host:port"` or `"https://user:password@host:port"`, or a table with `host`,
--   `port`, `user`, `password` and `tls`: true, or a table of options of `scissl.connect` for the TLS connection to the
--   proxy (`caFile` …). An https proxy is itself verified. A proxy sees host and port, and no plain text
-- * `proxyFromEnvironment`: true: the proxy that `https_proxy` or `all_proxy` names, in lower or upper case, unless
--   `no_proxy` names the host (names with all hosts below them, addresses, IPv4 networks, `*`)
-- * `over`: a stream to use in place of a TCP connection; or an object with `receive(max, deadline)`, which returns
--   bytes, nil at the end, or nil and a reason, and `send(bytes, deadline)`, which sends all of them and returns true,
--   or nil and a reason. The new stream owns it and closes it. `port` is not needed then
-- * `onCertificate`, `onVerify`: handlers of the handshake (see `scissl.handshake`)
-- * `waiter`: how to wait (see `scissl.wait`)
-- * `maxLine`, `maxBuffer`: the stream's limits (see `scissl.stream`)
--
-- @treturn[1] SciSslStream
-- @treturn[2] nil
-- @treturn[2] SciSslError phase `load`: a file or setting was rejected; `resolve`: `host_not_found`; `connect`:
--  `timeout`, `connection_refused`, `certificate_expired`, `certificate_wrong_host` …: the handshake failed
-- @raise for unknown options and wrong types
return function(given)
  given = options.read("scissl.connect", given, known_options, 2)
  check(given, 2)
  local waiter = wait.find(given.waiter, 2)
  local through, failure = find_proxy(given, client.bareHost(given.host), 2)
  if through == nil then return nil, failure end
  local run
  run, failure = client.new("scissl.connect", given, given.port or given.path and "path " .. given.path or "over", 2)
  if not run then return nil, failure end
  if given.path then run.subject = given.path end
  run.waiter, run.timeout, run.deadline = waiter, given.timeout, wait.deadline(given.timeout)
  run.proxy = through or nil -- in most cases the record has eight fields: one more would double its memory
  dial_options.apply(run, given)
  return try_twice(run)
end
