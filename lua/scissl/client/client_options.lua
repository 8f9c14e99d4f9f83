--- The options of a TLS client: trust store, own certificate, the server name that it sends, and the name or address
-- that it verifies (`verifyHost`).
-- @module scissl.client.client_options

local core = require "scissl.core"
local context_options = require "scissl.tls.context_options"
local number_of = require "scissl.base.object_number"
local options = require "scissl.base.option_table"
local shared_contexts = require "scissl.tls.shared_contexts"
local session_keeper = require "scissl.sessions.keeper"

local SciSslError = core.SciSslError
local byte, sub = string.byte, string.sub
local LEFT, RIGHT, DOT = byte "[", byte "]", byte "."

local client = {}

-- ---- names

--- Turns a host of a URL ("[::1]", "example.com.") into the form that is looked up and that certificates contain.
function client.bareHost(host)
  local first, last = byte(host), byte(host, -1)
  if first == LEFT and last == RIGHT then return sub(host, 2, -2) end
  return last == DOT and sub(host, 1, -2) or host
end

--- Returns "host:port", "[::1]:port".
function client.withPort(host, port)
  return (host:find(":", 1, true) and "[%s]:%s" or "%s:%s"):format(host, port)
end

-- Hosts often come from outside (URLs), so a bad one is returned as an error and not raised.
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

-- Skips records that OpenSSL does not support. If none is left, the connection fails: there would be no check.
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

-- Certificates name hosts in the subjectAltName; the common name is ignored (RFC 9525, section 2).
local function leave_out_common_name(socket, run)
  local flags = run.context:getVerifyHostFlags()
  if run.given.allowCommonName or flags & core.X509_CHECK_FLAG_ALWAYS_CHECK_SUBJECT ~= 0 then return socket end
  return socket:sslSetVerifyHostFlags(flags | core.X509_CHECK_FLAG_NEVER_CHECK_SUBJECT)
end

--- Prepares a SciSslSocket for its handshake. Returns it; or nil and a SciSslError.
function client.prepare(socket, run)
  local given = run.given
  local ready, failure = socket:sslInitialize()
  local verify = given.verify ~= false
  if ready then ready, failure = socket:sslSetVerify(verify and core.SSL_VERIFY_PEER or core.SSL_VERIFY_NONE) end
  if ready and verify then ready, failure = socket:sslRequireCertificate() end
  if ready and verify then ready, failure = leave_out_common_name(socket, run) end
  if ready and verify and run.verifyHost then ready, failure = set_verify_host(socket, run.verifyHost) end
  if ready and run.serverName then ready, failure = socket:sslSetServerName(run.serverName) end
  if ready and given.echConfigs then ready, failure = socket:sslSetEchConfigs(given.echConfigs) end
  if ready and given.tlsa then ready, failure = add_tlsa_records(socket, run) end
  local session = given.session
  if ready and run.sessionKey and not session then
    session = given.sessions:get(run.sessionKey)
    run.offered = session
  end
  if ready and session then ready, failure = socket:setSession(session) end
  if not ready then return nil, failure end
  return socket
end

-- ---- the whole

-- A digest of all settings of a context: the same in each process that makes the same context.
local function digest_of(value)
  if type(value) ~= "table" then return ("%s %s\0"):format(type(value), tostring(value)) end
  local parts = {}
  for name, item in pairs(value) do parts[#parts + 1] = digest_of(name) .. digest_of(item) end
  table.sort(parts)
  return core.digest("SHA256", table.concat(parts))
end

-- A store that outlives the process (its field `lasting` is true) cannot know a context by its number.
local function identify(context, store)
  if store.lasting then return digest_of(context:describe()) end
  return number_of(context)
end

-- Connections share sessions only where they reach the same server and verify it in the same way.
local function session_key(given, run)
  if not given.sessions then return nil end
  local context = identify(run.context, given.sessions)
  local parts = { run.host, run.port, run.serverName or "", given.verify ~= false, context }
  if given.allowCommonName then parts[#parts + 1] = "common name" end
  local names = type(run.verifyHost) == "table" and run.verifyHost or { run.verifyHost or nil }
  for _, name in ipairs(names) do parts[#parts + 1] = "name " .. name end
  for _, name in ipairs(given.alpn or {}) do parts[#parts + 1] = "alpn " .. name end
  for i, part in ipairs(parts) do parts[i] = ("%d:%s"):format(#tostring(part), part) end
  return table.concat(parts)
end

--- Kinds of the options that describe a client's TLS.
client.optionKinds = {
  host = "string",
  serverName = "string|false",
  verify = "boolean",
  verifyHost = "string|strings|false",
  allowCommonName = "boolean",
  session = "OSSslSession",
  sessions = "clientSessions",
  echConfigs = "string",
  tlsa = "records",
  replayable = "string",
  psk = "psk|function",
  onCertificate = "callable",
  onVerify = "callable",
}

local fields_of_options = context_options.fieldsOf { psk = "pskClient" }

-- Uses the system trust store where the options name no CA.
local function find_context(caller, given, level)
  local values = context_options.values(caller, given, level + 1, fields_of_options)
  if not values then return given.context end
  if given.verify ~= false then
    values.verify = core.SSL_VERIFY_PEER
    if not (values.caFile or values.caPath or values.ca or values.trustUri or values.pins) then
      values.defaultTrust = true
    end
  end
  return shared_contexts.find(values)
end

local function chosen(option, default)
  if option == nil then return default end
  return option or nil
end

--- Turns checked options into the record that `prepare` and the handshake use.
-- @tparam string caller the call, for errors
-- @tparam table given its options
-- @tparam string|integer port the server's, for the key of its sessions
-- @tparam integer level the stack level that an error points at, as for `error` in the caller
-- @treturn[1] table `given`, `host`, `subject`, `context` …
-- @treturn[2] nil
-- @treturn[2] SciSslError phase `load`, or `connect` for a bad host name
-- @raise where the host is missing, or options exclude each other
function client.new(caller, given, port, level)
  level = level + 1
  if not given.host then error(("option 'host' to '%s' is missing"):format(caller), level) end
  if type(given.verifyHost) == "table" and #given.verifyHost == 0 then
    error(("option 'verifyHost' to '%s' is an empty list; false accepts any name"):format(caller), level)
  end
  local context, failure = find_context(caller, given, level)
  if not context then return nil, failure end
  local host = client.bareHost(given.host)
  local good
  good, failure = check_host(host)
  if not good then return nil, failure end
  local run = {
    given = given,
    context = context,
    host = host,
    port = port,
    subject = client.withPort(host, port),
    serverName = chosen(given.serverName, host), -- SciSslSocket sends none for an address
    verifyHost = chosen(given.verifyHost, host),
  }
  run.sessionKey = session_key(given, run)
  return run
end

--- Returns a function that puts the connection's sessions into the store of the options; nil where there is no store.
function client.keeper(run)
  local key, sessions = run.sessionKey, run.given.sessions
  return key and session_keeper.new(sessions, key, run.offered)
end

--- Removes the sessions of the server from the store of the options, where a handshake that offered one has ended with
-- an alert: it could fail again and again (RFC 5246, section 7.2.2).
function client.forget(run, failure)
  local sessions = run.given.sessions
  if not (run.offered and failure:alert()) then return end
  if options.hasMethods(sessions, "remove") then sessions:remove(run.sessionKey) end
end

--- Writes the early data again where the server has not accepted it. Returns the stream; or nil and a SciSslError, and
-- the stream is closed.
function client.writeReplayable(stream, run)
  local data = run.given.replayable
  if not data or stream:earlyDataStatus() == "accepted" then return stream end
  local written, failure = stream:write(data)
  if written then return stream end
  stream:close()
  return nil, failure
end

return client
