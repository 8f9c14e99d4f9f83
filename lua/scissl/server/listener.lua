--- A TLS server, in one call.
-- @classmod SciSslListener

local core = require "scissl.core"
local context_options = require "scissl.tls.context_options"
local handshake = require "scissl.tls.handshake"
local options = require "scissl.base.option_table"
local parting = require "scissl.stream.linger"
local receiver = require "scissl.base.receiver"
local server = require "scissl.server.server_options"
local sni = require "scissl.server.sni_map"
local stream = require "scissl.stream.stream"
local wait = require "scissl.loop.wait"

local SciSocket, SciSslSocket = core.SciSocket, core.SciSslSocket

local Listener = { __name = "SciSslListener" }
Listener.__index = Listener

local BACKLOG = 128
local HANDSHAKE_SECONDS = 30 -- so that a client that sends nothing does not occupy the server

-- ---- accepting

local function accept_tcp(self, timeout)
  local deadline = wait.deadline(timeout)
  while true do
    local accepted, failure = self.listening:accept()
    if accepted then return accepted end
    if failure:condition() ~= "not_ready" then return nil, failure end
    local ready
    ready, failure = wait.ready(self.waiter, self.plain, "r", deadline, "listen", timeout, "the wait for a client")
    if not ready then return nil, failure end
  end
end

local function check_timeout(timeout, caller)
  if timeout ~= nil and not options.is(timeout, "seconds") then
    local got = options.shown(timeout)
    error(("bad argument #1 to '%s' (0 or more seconds, or nil, expected, got %s)"):format(caller, got), 3)
  end
end

local function accept_socket(self, timeout)
  local socket, failure = accept_tcp(self, timeout)
  parting.sweep()
  if not socket then return nil, failure end
  local ready
  ready, failure = socket:sslInitialize()
  if ready then return socket end
  socket:close()
  return nil, failure
end

--- Accepts a connection and does nothing else. A server with coroutines does the handshake in a coroutine, since it
-- depends on the client's pace: `scissl.handshake(socket, "accept", …)`, then `scissl.stream(socket)`.
-- @function SciSslListener:acceptSocket
-- @tparam[opt] number timeout seconds to wait for a connection; without it, forever
-- @treturn[1] SciSslSocket non-blocking, initialised
-- @treturn[2] nil
-- @treturn[2] SciSslError `timeout`; `closed`; or as `SciSocket:accept`
function Listener:acceptSocket(timeout)
  check_timeout(timeout, "acceptSocket")
  return accept_socket(self, timeout)
end

local function made_of(self, socket, replayable)
  local made = stream(socket, {
    timeout = self.timeout, maxLine = self.maxLine, maxBuffer = self.maxBuffer, waiter = self.waiter,
  })
  made.replayable = table.concat(replayable)
  return made
end

--- Does the handshake of a connection that `acceptSocket` has returned. If it fails, the connection is closed. If it
-- fails with an alert, the connection is closed only for writing at first, and fully when the client has closed, or two
-- seconds later, so that the alert arrives.
-- @function SciSslListener:handshake
-- @tparam SciSslSocket socket
-- @treturn[1] SciSslStream
-- @treturn[2] nil
-- @treturn[2] SciSslError phase `accept`: why the handshake failed
function Listener:handshake(socket)
  options.checkArgument(1, "handshake", socket, "SciSslSocket", 2)
  local replayable, take = {}, nil
  if self.context:getMaxReplayableData() > 0 then
    take = function(_, data) replayable[#replayable + 1] = data end
  end
  local done, failure = handshake(socket, "accept", {
    timeout = self.timeout or HANDSHAKE_SECONDS,
    waiter = self.waiter,
    onClientHello = self.onClientHello,
    onCertificate = self.onCertificate,
    onVerify = self.onVerify,
    onReplayable = take,
  })
  if done and self.sessions then self.sessions:keep(socket) end
  if done then return made_of(self, socket, replayable) end
  parting.leave(socket, self.waiter)
  return nil, failure
end

--- Accepts a connection and does the handshake. If the handshake fails, the connection is closed and the listener stays
-- open.
-- @function SciSslListener:accept
-- @tparam[opt] number timeout seconds to wait for a connection; without it, forever. The handshake has its own: the
--  option `timeout` of `scissl.listen`
-- @treturn[1] SciSslStream
-- @treturn[2] nil
-- @treturn[2] SciSslError phase `listen`: no connection arrived in time (`timeout`); `accept`: why the handshake failed
function Listener:accept(timeout)
  check_timeout(timeout, "accept")
  local socket, failure = accept_socket(self, timeout)
  if not socket then return nil, failure end
  return self:handshake(socket)
end

-- ---- serving

--- Accepts connections until the listener is closed, and calls `handler(stream)` for each, in a coroutine of its own:
-- a slow handshake or a slow client does not delay the others. When the handler returns, its stream is closed; an error
-- that it raises ends its own connection only.
--
-- With the waiters `"poll"` (default) and `"select"` it runs a loop of its own, and returns when the listener has been
-- closed and the last connection has ended. With `"coroutine"`, `"copas"`, `"cqueues"` and `"luv"`, call it in a
-- coroutine of that loop; the handlers run in coroutines of that loop, and it returns when the listener is closed.
-- @function SciSslListener:serve
-- @tparam function handler
-- @tparam[opt] table given options:
--
-- * `maxConnections`: connections at a time; further clients wait to be accepted
-- * `onError(failure, phase, subject)`: called for the SciSslError of a failed handshake (phase `"handshake"`, subject:
--   the socket) and of accepting (`"accept"`, the listener), and for what a handler raised (`"handler"`, the stream; a
--   string gets a traceback). By default errors of handlers are written to stderr, and the others are ignored
-- * `spawn(f)`: starts a coroutine that runs `f`; for loops that scissl does not know
--
-- @treturn[1] boolean true, once the listener is closed
-- @treturn[2] nil
-- @treturn[2] SciSslError accepting ended for another reason: `cancelled`, `bad_waiter`
-- @raise for a handler that is no function, for unknown options, and outside of the waiter's loop
function Listener:serve(handler, given)
  return require "scissl.server.accept_loop"(self, handler, given)
end

-- ---- the rest

--- Returns the address and the port that it listens on.
-- @function SciSslListener:getSockName
-- @treturn string address
-- @treturn integer port
function Listener:getSockName()
  return self.plain:getSockName()
end

--- Sets the context of the connections that are accepted from now on, for example with a renewed certificate. Earlier
-- connections keep theirs.
-- @function SciSslListener:setContext
-- @tparam SciSslContext context
-- @treturn SciSslListener the receiver
-- @raise for anything else
function Listener:setContext(context)
  options.checkArgument(1, "setContext", context, "SciSslContext", 2)
  if self.sessions then self.sessions:serve(context) end
  self.context = context
  self.listening = SciSslSocket.on(self.plain, context) or self.listening -- there is none once it is closed
  return self
end

--- Returns the context of new connections.
-- @function SciSslListener:getContext
-- @treturn SciSslContext
function Listener:getContext()
  return self.context
end

--- Returns the listening socket, for event loops.
-- @function SciSslListener:socket
-- @treturn SciSocket
function Listener:socket()
  return self.plain
end

--- Stops listening, which ends `serve` and a waiting `accept`. Accepted connections stay open. Calling it again does
-- nothing.
-- @function SciSslListener:close
-- @treturn boolean true
function Listener:close()
  self.closed = true
  self.plain:close()
  if self.bell then self.bell:send("!") end
  return true
end

Listener.__close = Listener.close

function Listener:__tostring()
  if self.closed then return "SciSslListener: closed" end
  return ("SciSslListener: %s port %s"):format(self:getSockName())
end

receiver.guard(Listener)

-- ---- making one

-- A listening socket that another process may have made and may use as well.
local function adopt(given)
  local plain, failure = SciSocket.on(given)
  if not plain then return nil, failure end
  local done
  done, failure = plain:setBlocking(false)
  if done then return plain end
  return nil, failure
end

local function open(host, port, backlog, shared)
  local addresses, failure = SciSocket.resolve(host == "*" and "0.0.0.0" or host, port)
  if not addresses then return nil, failure end
  local plain
  plain, failure = SciSocket.newStreamSocket(addresses[1].family)
  if not plain then return nil, failure end
  local done = true
  if shared then done, failure = plain:setSockOpt("SO_REUSEPORT", true) end
  if done then done, failure = plain:bind(addresses[1].address, addresses[1].port) end
  if done then done, failure = plain:listen(backlog) end
  if done then done, failure = plain:setBlocking(false) end
  if done then return plain end
  plain:close()
  return nil, failure
end

local known_options = context_options.kinds {
  host = "string",
  port = "port",
  backlog = "count",
  reusePort = "boolean",
  socket = "integer|table|userdata",
  sessions = "serverSessions",
  timeout = "seconds",
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

local function check_place(given)
  if not given.socket then
    if not given.port then error("option 'port' to 'scissl.listen' is missing", 3) end
    return
  end
  for _, name in ipairs { "host", "port", "backlog", "reusePort" } do
    if given[name] ~= nil then
      error(("options 'socket' and '%s' to 'scissl.listen' exclude each other"):format(name), 3)
    end
  end
end

-- The store serves the context that a connection ends up with. A context that has several names is served under the
-- first in alphabetical order, so that it is the same name on all servers.
local function serve_sessions(store, context, handler)
  if not store then return handler end
  store:serve(context)
  if getmetatable(handler) == sni then
    local names, served = {}, { [context] = true }
    for name in pairs(handler.contexts) do names[#names + 1] = name end
    table.sort(names)
    for _, name in ipairs(names) do
      local other = handler.contexts[name]
      if not served[other] then store:serve(other, name) end
      served[other] = true
    end
  end
  return store:onClientHello(handler)
end

--- Listens for TLS connections.
-- @function scissl.listen
-- @tparam table given options:
--
-- * `port` (needed): number; 0: the system chooses one; or the name of a service
-- * `host`: name or address of this machine to listen on; `"*"` (default): all IPv4 addresses; `"::"`: all addresses
-- * `certificate`, `privateKey`, `passphrase`: the server's own (see SciSslSocketConfiguration). Needed, unless
--   `pkcs12`, `certificates`, `psk`, `sni` or a handler supplies certificates or keys
-- * `pkcs12`: the same in one, path or bytes
-- * `ocspResponse`: DER, stapled for clients that ask (see `SciSslContext:setOcspResponse`)
-- * `psk`: keys by identities, or a function that finds them (see `SciSslContext:setPskServer`)
-- * `pskHint`: see `SciSslContext:setPskHint`
-- * `keylogFile`: appends the connections' secrets to a file, for debugging: who reads it can decrypt the traffic
-- * `caFile`, `caPath`, `ca`, `trustUri`: the CAs that issue the certificates of clients
-- * `verify`: `"none"`: no certificate request; `"optional"`: asks for a client certificate and verifies one that
--   comes; `"require"`: rejects clients without one (the default where a CA is named); or `SSL_VERIFY_…` flags
-- * `profile`: protocols and cipher suites under one name: `"modern"`, `"intermediate"`, `"old"`, or `"server"`, the
--   default (see SciSslSocketConfiguration)
-- * `alpn`, `version`, `minProtocol`, `maxProtocol`, `cipherList`, `ciphersuites`, `groups`, `signatureAlgorithms`,
--   `securityLevel`, `options`, `commands`, `certificates`, `verifyDepth`, `verifyFlags`, `verifyTime`, `purpose`,
--   `crl`, `crlFile`, `acceptedIssuers`, `sessionTimeout`: as in SciSslSocketConfiguration
-- * `configuration`, `context`: a SciSslSocketConfiguration, or a SciSslContext, in place of all fields of one
-- * `sni`: contexts by server name (see `scissl.sni`). If the listener has no certificate of its own, clients that ask
--   for other names are rejected
-- * `onClientHello`, `onCertificate`, `onVerify`: handlers of each handshake (see `scissl.handshake`)
-- * `maxReplayableData`: bytes of early data that a client may send before the handshake is done (none).
--   `stream:replayableData()` returns it; `stream:read()` does not (see `SciSslContext:setMaxReplayableData`)
-- * `timeout`: seconds for each handshake (30), and for each operation of the streams (no limit)
-- * `backlog`: connections that may wait to be accepted (128)
-- * `reusePort`: true: other processes may listen on the same address and port (SO_REUSEPORT), and the system
--   distributes the connections among them
-- * `socket`: in place of `host`, `port`, `backlog` and `reusePort`, a listening socket, as `SciSocket.on` takes it:
--   for example one that the parent process made and shares with other workers
-- * `sessions`: a store that lets other servers resume the sessions of this one, such as
--   `scissl.sessions.redis.new { … }`. Give contexts that `onClientHello` returns to its `serve` beforehand
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
  check_place(given)
  local waiter = wait.find(given.waiter, 2)
  local context, failure = server.context("scissl.listen", given, 2)
  if not context then return nil, failure end
  local on_client_hello
  on_client_hello, failure = server.helloHandler("scissl.listen", given, context, 2)
  if failure then return nil, failure end
  on_client_hello = serve_sessions(given.sessions, context, on_client_hello)
  local plain
  if given.socket then plain, failure = adopt(given.socket)
  else plain, failure = open(given.host or "*", given.port, given.backlog or BACKLOG, given.reusePort) end
  if not plain then return nil, failure end
  return setmetatable({
    plain = plain,
    listening = assert(SciSslSocket.on(plain, context)),
    context = context,
    waiter = waiter,
    timeout = given.timeout,
    maxLine = given.maxLine,
    maxBuffer = given.maxBuffer,
    sessions = given.sessions,
    onClientHello = on_client_hello,
    onCertificate = given.onCertificate,
    onVerify = given.onVerify,
  }, Listener)
end
