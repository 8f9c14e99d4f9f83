--- A verified connection to a server, in one call.
-- @module scissl.connect

local core = require "scissl.core"
local Configuration = require "scissl.configuration"
local handshake = require "scissl.handshake"
local options = require "scissl.options"
local stream = require "scissl.stream"
local wait = require "scissl.wait"

local SciSslError, SciSocket, SciSslSocket = core.SciSslError, core.SciSocket, core.SciSslSocket

-- ---- names

-- "[::1]" and "example.com." as they are looked up and as they stand in certificates.
local function bare_host(host)
  return host:match("^%[(.*)%]$") or host:match("^(.-)%.?$")
end

-- "fe80::1%eth0" without its zone, which no certificate knows.
local function without_zone(host)
  return host:match("^(.*:.*)%%") or host
end

local function with_port(host, port)
  return (host:find(":", 1, true) and "[%s]:%s" or "%s:%s"):format(host, port)
end

-- Hosts come from outside often enough (URLs), so a bad one is a failure of the world.
local function check_host(host)
  local problem
  if host == "" then problem = "the host name is empty"
  elseif host:find("\0", 1, true) then problem = "the host name contains a NUL byte"
  elseif #host > 255 then problem = "the host name is longer than 255 bytes"
  else return true end
  local subject = host:sub(1, 60):gsub("%c", "?")
  return nil, SciSslError.new { phase = "connect", condition = "bad_host_name", message = problem, subject = subject }
end

-- ---- TLS settings of the socket

local function set_verify_host(socket, wanted)
  if type(wanted) == "table" then return socket:sslSetVerifyHosts(wanted) end
  return socket:sslSetVerifyHost(wanted)
end

-- Records that OpenSSL does not know are passed over, but not all of them: nothing would be left of the check.
local function add_tlsa_records(socket, run)
  local several = type(run.verifyHost) == "table" and run.verifyHost
  local ready, failure = socket:sslSetDane(not several and run.verifyHost or run.host)
  if ready and several then ready, failure = set_verify_host(socket, several) end
  if not ready then return nil, failure end
  local usable = 0
  for _, record in ipairs(run.given.tlsa) do
    ready, failure = socket:sslAddTlsa(record.usage, record.selector, record.matchingType, record.data)
    if ready then usable = usable + 1
    elseif failure:condition() ~= "tlsa_unusable" then return nil, failure end
  end
  if usable > 0 then return socket end
  return nil, failure or SciSslError.new { phase = "option", condition = "tlsa_unusable", subject = run.subject }
end

local function prepare(socket, run)
  local given = run.given
  local ready, failure = socket:sslInitialize()
  local verify = given.verify ~= false
  if ready then ready, failure = socket:sslSetVerify(verify and core.SSL_VERIFY_PEER or core.SSL_VERIFY_NONE) end
  if ready and verify and run.verifyHost then ready, failure = set_verify_host(socket, run.verifyHost) end
  if ready and run.serverName then ready, failure = socket:sslSetServerName(run.serverName) end
  if ready and given.tlsa then ready, failure = add_tlsa_records(socket, run) end
  local session = given.session
  if ready and run.sessionKey and not session then session = given.sessions:get(run.sessionKey) end
  if ready and session then ready, failure = socket:setSession(session) end
  if not ready then return nil, failure end
  return socket
end

-- ---- TCP

-- Each address gets its share of the time that is left, so that one that never answers leaves some to the others.
local function deadline_for(run, addresses_left)
  if not run.deadline then return nil end
  local now = SciSocket.now()
  local share = math.max(0, run.deadline - now) / addresses_left
  return now + share, share
end

-- Answers a socket whose TCP connection stands; or nil, and why this address does not do.
local function reach(address, run, deadline, share)
  local socket, failure = SciSslSocket.new(run.context, address.family)
  if not socket then return nil, failure end
  local connecting
  connecting, failure = socket:connect(address.address, address.port)
  if connecting then connecting, failure = prepare(socket, run) end
  if connecting then
    connecting, failure = wait.ready(run.waiter, socket, "w", deadline, "connect", share, "the TCP connection")
  end
  if connecting and socket:getPeerName() then return socket end
  if connecting then
    -- The first TLS call answers why the connection does not stand.
    connecting, failure = handshake(socket, "connect", { deadline = deadline, waiter = run.waiter })
    if connecting then return socket end
  end
  socket:close()
  return nil, failure
end

local function reach_any(addresses, run)
  local failures, words = {}, {}
  for i, address in ipairs(addresses) do
    local deadline, share = deadline_for(run, #addresses - i + 1)
    local socket, failure = reach(address, run, deadline, share)
    if socket then return socket end
    failures[i] = failure
    words[i] = ("%s: %s"):format(address.address, select(2, failure:errno()) or failure:message() or failure:reason()
      or failure:condition())
  end
  local first = failures[1]
  return nil, SciSslError.new {
    phase = "connect",
    condition = first:condition(),
    subject = run.subject,
    sslError = first:sslError(),
    errno = first:errno(),
    message = table.concat(words, "; "),
    cause = first,
  }
end

-- ---- both

-- Time-outs are made where nobody knows the host any more.
local function name_host(failure, run)
  if failure:condition() ~= "timeout" or failure:subject() or failure:errno() then return failure end
  return SciSslError.new {
    phase = failure:phase(),
    condition = failure:condition(),
    message = failure:message(),
    subject = run.subject,
  }
end

local function open(run)
  local good, failure = check_host(run.host)
  if not good then return nil, failure end
  local addresses
  addresses, failure = SciSocket.resolve(run.host, run.given.port)
  if not addresses then return nil, failure end
  local socket
  socket, failure = reach_any(addresses, run)
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
  socket:close()
  return nil, name_host(failure, run)
end

-- Two connections with the same key may use each other's sessions: they want the same server, and check it alike.
local function session_key(given, run)
  if not given.sessions then return nil end
  local context = Configuration.numberOf(run.context)
  local parts = { run.host, given.port, run.serverName or "", given.verify ~= false, context }
  local names = type(run.verifyHost) == "table" and run.verifyHost or { run.verifyHost or nil }
  for _, name in ipairs(names) do parts[#parts + 1] = "name " .. name end
  for _, name in ipairs(given.alpn or {}) do parts[#parts + 1] = "alpn " .. name end
  for i, part in ipairs(parts) do parts[i] = ("%d:%s"):format(#tostring(part), part) end
  return table.concat(parts)
end

local known_options = Configuration.optionKinds {
  host = "string",
  port = "port",
  timeout = "seconds",
  serverName = "string|false",
  verify = "boolean",
  verifyHost = "string|strings|false",
  session = "OSSslSession",
  sessions = "table|userdata",
  waiter = "string|callable",
  maxLine = "count",
  tlsa = "table",
  replayable = "string",
  psk = "psk|function",
  onCertificate = "callable",
  onVerify = "callable",
}

-- Trust comes from the system where nothing else is named.
local function find_context(given)
  local configuration = Configuration.ofOptions("scissl.connect", given, 3, { psk = "pskClient" })
  if not configuration then return given.context end
  local named = configuration:caFile() or configuration:caPath() or configuration:ca() or configuration:trustUri()
  if given.verify ~= false then
    configuration:verify(core.SSL_VERIFY_PEER)
    if not named then configuration:defaultTrust(true) end
  end
  return configuration:getSciSslContext()
end

local function chosen(option, default)
  if option == nil then return default end
  return option or nil
end

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
-- * `serverName`: the name to ask the server for (SNI), where that is not `host`; false: none. Addresses are not sent
-- * `verify`: false: no check whatsoever, and so no protection against anybody
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
-- * `session`: an OSSslSession to resume
-- * `sessions`: a store that sessions are taken from and put into, such as `scissl.sessions.memory.new()`. They are
--   kept apart by host, port, application protocols and everything that decides whom this connection trusts
-- * `tlsa`: TLSA records of the host, one of which the server's certificate must match (DANE): a list of tables with
--   `usage`, `selector`, `matchingType` and `data` (see `SciSslSocket:sslSetDane`). They must come from a resolver that
--   has validated them
-- * `replayable`: what to write first. Where `session` allows it, it goes out before the handshake is done, and whoever
--   records it can send it again: use it for requests that change nothing. Where not, or where the server does not take
--   it, it is written after the handshake; `stream:earlyDataStatus()` tells
-- * `onCertificate`, `onVerify`: handlers of the handshake (see `scissl.handshake`)
-- * `waiter`: how to wait (see `scissl.wait`)
-- * `maxLine`: bytes that a line may have (1 MiB)
--
-- @treturn[1] SciSslStream
-- @treturn[2] nil
-- @treturn[2] SciSslError phase `load` where a file or setting is refused; `resolve`: `host_not_found`; `connect`:
--  `timeout`, `connection_refused`, `certificate_expired`, `certificate_wrong_host` … whatever the handshake met
-- @raise for unknown options and wrong types
return function(given)
  options.check("scissl.connect", given, known_options, 2)
  if not given.host then error("option 'host' to 'scissl.connect' is missing", 2) end
  if not given.port then error("option 'port' to 'scissl.connect' is missing", 2) end
  if type(given.verifyHost) == "table" and #given.verifyHost == 0 then
    error("option 'verifyHost' to 'scissl.connect' is an empty list: false lets any name do", 2)
  end
  local waiter = wait.find(given.waiter, 2)
  local context, failure = find_context(given)
  if not context then return nil, failure end
  local host = bare_host(given.host)
  local run = {
    given = given,
    context = context,
    host = host,
    subject = with_port(host, given.port),
    serverName = chosen(given.serverName, without_zone(host)), -- of an address none is sent
    verifyHost = chosen(given.verifyHost, without_zone(host)),
    waiter = waiter,
    timeout = given.timeout,
    deadline = wait.deadline(given.timeout),
  }
  run.sessionKey = session_key(given, run)
  local socket
  socket, failure = open(run)
  if not socket then return nil, failure end
  local made = stream(socket, {
    timeout = given.timeout,
    maxLine = given.maxLine,
    waiter = waiter,
    onSession = run.sessionKey and function(session) given.sessions:put(run.sessionKey, session) end,
  })
  if not given.replayable or socket:earlyDataStatus() == "accepted" then return made end
  local written
  written, failure = made:write(given.replayable)
  if written then return made end
  made:close()
  return nil, failure
end
