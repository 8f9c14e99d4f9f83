--- A TLS server, in one call.
-- @classmod SciSslListener

local core = require "scissl.core"
local Configuration = require "scissl.configuration"
local handshake = require "scissl.handshake"
local options = require "scissl.options"
local sni = require "scissl.sni"
local stream = require "scissl.stream"
local wait = require "scissl.wait"

local SciSocket, SciSslSocket = core.SciSocket, core.SciSslSocket

local Listener = { __name = "SciSslListener" }
Listener.__index = Listener

local BACKLOG = 128
local HANDSHAKE_SECONDS = 30 -- nobody may hold up a server for longer by saying nothing

-- ---- accepting

local function accept_tcp(self, timeout)
  local deadline = wait.deadline(timeout)
  while true do
    local accepted, failure = self.plain:accept()
    if accepted then return accepted end
    if failure:condition() ~= "not_ready" then return nil, failure end
    local ready
    ready, failure = wait.ready(self.waiter, self.plain, "r", deadline, "listen", timeout, "the wait for a client")
    if not ready then return nil, failure end
  end
end

local function check_timeout(timeout, caller)
  if timeout ~= nil and not options.is(timeout, "seconds") then
    error(("bad argument #1 to '%s' (number of seconds, not negative, or nil expected)"):format(caller), 3)
  end
end

local function accept_socket(self, timeout)
  local accepted, failure = accept_tcp(self, timeout)
  if not accepted then return nil, failure end
  accepted:setBlocking(false)
  local socket
  socket, failure = SciSslSocket.on(accepted, self.context)
  local ready = socket
  if ready then ready, failure = socket:sslInitialize() end
  if ready then return socket end
  accepted:close()
  return nil, failure
end

--- Accepts a connection and does nothing else, so that a server with coroutines can do the handshake, which depends
-- on the client's pace, in one of them: `scissl.handshake(socket, "accept", …)`, then `scissl.stream(socket)`.
-- @function SciSslListener:acceptSocket
-- @tparam[opt] number timeout seconds to wait for a connection; without it, for ever
-- @treturn[1] SciSslSocket non-blocking, initialised
-- @treturn[2] nil
-- @treturn[2] SciSslError `timeout`; `closed`; or another of `SciSocket:accept`
function Listener:acceptSocket(timeout)
  check_timeout(timeout, "acceptSocket")
  return accept_socket(self, timeout)
end

local function made_of(self, socket, replayable)
  local made = stream(socket, { timeout = self.timeout, maxLine = self.maxLine, waiter = self.waiter })
  made.replayable = table.concat(replayable)
  return made
end

--- Accepts a connection and does the handshake. Where that fails the connection is closed, and the listener goes on.
-- @function SciSslListener:accept
-- @tparam[opt] number timeout seconds to wait for a connection; without it, for ever. The handshake has its own: the
--  option `timeout` of `scissl.listen`
-- @treturn[1] SciSslStream
-- @treturn[2] nil
-- @treturn[2] SciSslError phase `listen`: no connection came in time (`timeout`); `accept`: what the handshake met
function Listener:accept(timeout)
  check_timeout(timeout, "accept")
  local socket, failure = accept_socket(self, timeout)
  if not socket then return nil, failure end
  local replayable, take = {}, nil
  if self.context:getMaxReplayableData() > 0 then
    take = function(_, data) replayable[#replayable + 1] = data end
  end
  local done
  done, failure = handshake(socket, "accept", {
    timeout = self.timeout or HANDSHAKE_SECONDS,
    waiter = self.waiter,
    onClientHello = self.onClientHello,
    onCertificate = self.onCertificate,
    onVerify = self.onVerify,
    onReplayable = take,
  })
  if done then return made_of(self, socket, replayable) end
  socket:close()
  return nil, failure
end

-- ---- the rest

--- Answers where it listens.
-- @function SciSslListener:getSockName
-- @treturn string address
-- @treturn integer port
function Listener:getSockName()
  return self.plain:getSockName()
end

--- Sets the context of the connections that are accepted from now on, for example with a renewed certificate. Those
-- that were accepted keep theirs.
-- @function SciSslListener:setContext
-- @tparam SciSslContext context
-- @treturn SciSslListener the receiver
-- @raise for anything else
function Listener:setContext(context)
  if not options.is(context, "SciSslContext") then
    error(("bad argument #1 to 'setContext' (SciSslContext expected, got %s)"):format(type(context)), 2)
  end
  self.context = context
  return self
end

--- Answers the context of the connections that are accepted now.
-- @function SciSslListener:getContext
-- @treturn SciSslContext
function Listener:getContext()
  return self.context
end

--- Answers the listening socket, for event loops.
-- @function SciSslListener:socket
-- @treturn SciSocket
function Listener:socket()
  return self.plain
end

--- Stops listening. Connections that were accepted stay. Harmless twice.
-- @function SciSslListener:close
-- @treturn boolean true
function Listener:close()
  self.plain:close()
  self.closed = true
  return true
end

Listener.__close = Listener.close

function Listener:__tostring()
  if self.closed then return "SciSslListener: closed" end
  return ("SciSslListener: %s port %s"):format(self:getSockName())
end

-- ---- making one

local verify_flags = {
  none = core.SSL_VERIFY_NONE,
  optional = core.SSL_VERIFY_PEER,
  require = core.SSL_VERIFY_PEER | core.SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
}

-- Who names a CA means client certificates; who asks for those must say whose.
local function check_verify(verify, names_ca, level)
  if verify == nil then return names_ca and verify_flags.require or verify_flags.none end
  local flags = type(verify) == "string" and verify_flags[verify] or verify
  if type(flags) == "string" then
    error(("bad option 'verify' to 'scissl.listen' ('none', 'optional', 'require' or flags expected, got '%s')")
      :format(verify), level + 1)
  end
  if flags ~= verify_flags.none and not names_ca then
    error("option 'verify' to 'scissl.listen' needs caFile, caPath or ca: whose client certificates are accepted?",
      level + 1)
  end
  return flags
end

local function find_context(given)
  if given.ocsp then error("option 'ocsp' to 'scissl.listen' is for clients; a server has 'ocspResponse'", 3) end
  local configuration = Configuration.ofOptions("scissl.listen", given, 3, { psk = "pskServer" })
  if not configuration then
    if given.verify ~= nil then error("options 'context' and 'verify' to 'scissl.listen' exclude each other", 3) end
    return given.context
  end
  local names_ca = configuration:caFile() or configuration:caPath() or configuration:ca()
    or configuration:trustUri() or configuration:defaultTrust()
  if given.verify ~= nil or not configuration:verify() then
    configuration:verify(check_verify(given.verify, names_ca, 3))
  end
  if not (configuration:certificate() or configuration:certificateFilename() or configuration:pkcs12()
      or configuration:pskServer() or given.sni or given.onCertificate
      or given.onClientHello or configuration:certificateChainFilename() or configuration:cipherList()
      or configuration:certificates() or configuration:commands()) then
    error("option 'certificate' to 'scissl.listen' is missing", 3)
  end
  return configuration:getSciSslContext()
end

local function open(host, port, backlog)
  local addresses, failure = SciSocket.resolve(host == "*" and "0.0.0.0" or host, port)
  if not addresses then return nil, failure end
  local plain
  plain, failure = SciSocket.newStreamSocket(addresses[1].family)
  if not plain then return nil, failure end
  local done
  done, failure = plain:bind(addresses[1].address, addresses[1].port)
  if done then done, failure = plain:listen(backlog) end
  if done then done, failure = plain:setBlocking(false) end
  if done then return plain end
  plain:close()
  return nil, failure
end

local known_options = Configuration.optionKinds {
  host = "string",
  port = "port",
  backlog = "count",
  timeout = "seconds",
  verify = "string|integer",
  psk = "psks|function",
  waiter = "string|callable",
  maxLine = "count",
  sni = "table",
  onClientHello = "callable",
  onCertificate = "callable",
  onVerify = "callable",
}

-- The handler that chooses contexts by server name; connections with another name, or none, stay with the listener's
-- own context where that has a certificate.
local function sni_handler(given, has_own)
  if not given.sni then return given.onClientHello end
  if given.onClientHello then error("options 'sni' and 'onClientHello' to 'scissl.listen' exclude each other", 3) end
  if getmetatable(given.sni) == sni then return given.sni end
  return sni.new(given.sni, { others = has_own })
end

--- Listens for TLS connections.
-- @function scissl.listen
-- @tparam table given options:
--
-- * `port` (needed): number, 0 for one that the system chooses, or the name of a service
-- * `host`: name or address of this machine's to listen on; `"*"` (default): all IPv4 addresses, `"::"`: all addresses
-- * `certificate`, `privateKey`, `passphrase`: the server's (see SciSslSocketConfiguration). It needs one, unless there is
--   another source of certificates or keys: `pkcs12`, `certificates`, `psk`, `sni`, a handler
-- * `pkcs12`: the same in one, path or bytes
-- * `ocspResponse`: DER, stapled for clients that ask (see `SciSslContext:setOcspResponse`)
-- * `psk`: keys by identities, or a function that finds them (see `SciSslContext:setPskServer`)
-- * `pskHint`: see `SciSslContext:setPskHint`
-- * `keylogFile`: appends the connections' secrets to a file, for debugging: it gives them away
-- * `caFile`, `caPath`, `ca`, `trustUri`: who signs the certificates of clients
-- * `verify`: `"none"`: clients are not asked for certificates; `"optional"`: asked, and checked if they have one;
--   `"require"`: refused without (the default where a CA is named); or `SSL_VERIFY_…` flags
-- * `alpn`, `version`, `minProtocol`, `maxProtocol`, `cipherList`, `ciphersuites`, `groups`, `signatureAlgorithms`,
--   `securityLevel`, `options`, `commands`, `certificates`, `verifyDepth`, `verifyFlags`, `verifyTime`, `purpose`,
--   `crl`, `crlFile`, `acceptedIssuers`, `sessionTimeout`: as in SciSslSocketConfiguration
-- * `configuration`, `context`: a SciSslSocketConfiguration, or a SciSslContext, in place of all fields of one
-- * `sni`: contexts by the name that the client asks for (see `scissl.sni`). Without a certificate of the listener's
--   own, other names are refused
-- * `onClientHello`, `onCertificate`, `onVerify`: handlers of each handshake (see `scissl.handshake`)
-- * `maxReplayableData`: bytes of early data that clients may send before the handshake is done (none); what came so
--   `stream:replayableData()` answers, and `stream:read()` does not (see `SciSslContext:setMaxReplayableData`)
-- * `timeout`: seconds for each handshake (30), and for each operation of the streams (as long as it takes)
-- * `backlog`: connections that may wait to be accepted (128)
-- * `waiter`: how to wait (see `scissl.wait`)
-- * `maxLine`: bytes that a line may have (1 MiB)
--
-- @treturn[1] SciSslListener
-- @treturn[2] nil
-- @treturn[2] SciSslError phase `load` where a file or setting is refused; `host_not_found`, `address_in_use`,
--  `permission_denied` …
-- @raise for unknown options and wrong types, a missing certificate, and `verify` without a CA
return function(given)
  options.check("scissl.listen", given, known_options, 2)
  if not given.port then error("option 'port' to 'scissl.listen' is missing", 2) end
  local waiter = wait.find(given.waiter, 2)
  local context, failure = find_context(given)
  if not context then return nil, failure end
  local on_client_hello
  on_client_hello, failure = sni_handler(given, context:hasCertificate())
  if failure then return nil, failure end
  local plain
  plain, failure = open(given.host or "*", given.port, given.backlog or BACKLOG)
  if not plain then return nil, failure end
  return setmetatable({
    plain = plain,
    context = context,
    waiter = waiter,
    timeout = given.timeout,
    maxLine = given.maxLine,
    onClientHello = on_client_hello,
    onCertificate = given.onCertificate,
    onVerify = given.onVerify,
  }, Listener)
end
