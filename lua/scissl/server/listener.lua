--- A TLS server, in one call.
-- @classmod SciSslListener

local concurrent = require "scissl.server.concurrent_accept"
local core = require "scissl.core"
local contexts = require "scissl.server.contexts"
local goes_on = require "scissl.base.going_on".goesOn
local handshake = require "scissl.tls.handshake_loop"
local options = require "scissl.base.option_table"
local parting = require "scissl.stream.linger"
local receiver = require "scissl.base.receiver"
local stream = require "scissl.stream.stream"
local wait = require "scissl.loop.wait"
local waiting = require "scissl.loop.wait_registry"
local session_keeper = require "scissl.sessions.keeper"

local SciSocket, SciSslSocket = core.SciSocket, core.SciSslSocket
local accept_now = getmetatable(core).acceptNow

local Listener = { __name = "SciSslListener" }
Listener.__index = Listener

local STOP_SECONDS = 30

-- ---- accepting

local function accept_tcp(self, timeout, waiter)
  local deadline = wait.deadline(timeout)
  local accept = self.context and accept_now or SciSocket.accept
  while true do
    local accepted, failure = accept(self.listening)
    if accepted then return accepted end
    if failure and failure:condition() ~= "not_ready" then return nil, failure end
    local ready
    ready, failure = wait.ready(waiter, self.plain, "r", deadline, "listen", timeout, "the wait for a client")
    if not ready then return nil, failure end
  end
end

local function check_timeout(timeout, caller)
  if timeout ~= nil and not options.is(timeout, "seconds") then
    local got = options.shown(timeout)
    error(("bad argument #1 to '%s' (0 or more seconds, or nil, expected, got %s)"):format(caller, got), 3)
  end
end

local function prepare_plain(socket)
  socket:setSockOpt("TCP_NODELAY", true) -- a Unix-domain socket has no such option
  return socket:setBlocking(false)
end

local function accept_socket(self, timeout, waiter)
  local socket, failure = accept_tcp(self, timeout, waiter)
  parting.sweep()
  if not socket then return nil, failure end
  self.connections.accepted = self.connections.accepted + 1
  if not self.context then return prepare_plain(socket) end
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
  return accept_socket(self, timeout, self.waiter)
end

local function made_of(self, socket, replayable)
  -- Its fields `timeout`, `maxLine`, `maxBuffer` and `waiter` are the stream's options.
  local made = stream.make(socket, self, 2)
  made.replayable = replayable and replayable[1] and table.concat(replayable)
  self.connections:open(made)
  return made
end

local function handlers_of(self)
  if not (self.onClientHello or self.onCertificate or self.onVerify) then return nil end
  return { onClientHello = self.onClientHello, onCertificate = self.onCertificate, onVerify = self.onVerify }
end

-- Puts the sessions of a connection into a store of several servers. Returns those that a fatal alert would end; nil
-- where the store does not say which it keeps.
local function keep_sessions(store, socket)
  local stored, sessions = store:keep(socket), {}
  if type(stored) ~= "table" then return nil end
  for _, session in next, stored do
    if options.is(session, "OSSslSession") then sessions[#sessions + 1] = session end
  end
  if socket:isSessionReused() and socket:version() ~= "TLSv1.3" then sessions[#sessions + 1] = socket:getSession() end
  return sessions[1] and sessions
end

local function shake_hands(self, socket, waiter)
  if not self.context then return made_of(self, socket) end
  local replayable, take
  if self.context:getMaxReplayableData() > 0 then
    replayable = {}
    take = function(_, data) replayable[#replayable + 1] = data end
  end
  local noted <close> = self.connections:beginHandshake(socket)
  local seconds = self.handshakeTimeout
  local deadline = wait.deadline(seconds)
  local done, failure = handshake(socket, "accept", waiter, seconds, deadline, handlers_of(self), nil, take)
  if done then
    noted:close() -- a store may wait, and a handshake that is done is not to be ended then
    local stored = self.sessions and keep_sessions(self.sessions, socket)
    local made = made_of(self, socket, replayable)
    if stored then made.kept = session_keeper.of(self.sessions, stored) end
    return made
  end
  failure = noted:failureOf(failure)
  self.connections:countFailure(failure)
  parting.leave(socket, waiter)
  return nil, failure
end

--- Does the handshake of a connection that `acceptSocket` has returned. If it fails, the connection is closed. If it
-- fails with an alert, the connection is closed only for writing at first, and fully when the client has closed, or two
-- seconds later, so that the alert arrives.
-- @function SciSslListener:handshake
-- @tparam SciSslSocket socket
-- @treturn[1] SciSslStream
-- @treturn[2] nil
-- @treturn[2] SciSslError phase `accept`: why the handshake failed; `too_many_handshakes`
function Listener:handshake(socket)
  options.checkArgument(1, "handshake", socket, self.context and "SciSslSocket" or "SciSocket", 2)
  return shake_hands(self, socket, self.waiter)
end

--- Accepts a connection and does the handshake. If the handshake fails, the connection is closed and the listener stays
-- open. A client that sends nothing holds up the others, unless the listener has `concurrentHandshakes`.
-- @function SciSslListener:accept
-- @tparam[opt] number timeout seconds to wait for a connection; without it, forever. The handshake has its own: the
--  option `handshakeTimeout` of `scissl.listen`
-- @treturn[1] SciSslStream
-- @treturn[2] nil
-- @treturn[2] SciSslError phase `listen`: no connection arrived in time (`timeout`); `accept`: why the handshake failed
function Listener:accept(timeout)
  check_timeout(timeout, "accept")
  if self.concurrentHandshakes then
    return concurrent.accept(self, timeout, accept_socket, shake_hands)
  end
  local socket, failure = accept_socket(self, timeout, self.waiter)
  if not socket then return nil, failure end
  return shake_hands(self, socket, self.waiter)
end

-- ---- serving

-- A coroutine that was closed, or that its loop has removed, serves no more.
local function forget_ended(self)
  if not self.bell or goes_on(self.servedBy) then return end
  self.bell:close()
  self.bell = nil
end

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
-- * `maxConnections`: connections in service at a time; handshakes that have not finished do not count
-- * `whenFull`: what happens to a client beyond them: `"wait"` (default): it is served when another connection has
--   ended; `"refuse"`: its connection is closed at once, with the condition `too_many_connections` for `onError`
-- * `endIdle`: seconds after `listener:stop`; then streams that are idle between two requests end: where something was
--   written and nothing has arrived since, a read that waits fails with the condition `stopping`. It fails once for
--   each stream: a handler may read on, until the deadline. Such an error that leaves a handler is not reported.
--   Without this option such a stream stays until the deadline
-- * `onAccept(socket)`: called before the handshake; where it returns false, the connection is closed
-- * `onHandshake(stream)`: called before the handler; where it returns false, the handler is not called
-- * `onClose(stream, statistics)`: called before a stream closes, with what `SciSslSocket:statistics` returns
-- * `onError(failure, phase, subject)`: called for the SciSslError of a failed handshake (phase `"handshake"`, subject:
--   the socket) and of accepting (`"accept"`, the listener), and for what a handler or another of these functions has
--   raised (`"handler"`, the stream or socket; a string gets a traceback). By default each is a line on stderr, those
--   of handshakes and of accepting at most ten in ten seconds
-- * `spawn(f)`: starts a coroutine that runs `f`; for loops that scissl does not know
--
-- @treturn[1] boolean true, once the listener is closed or has stopped
-- @treturn[1] integer the connections that `stop` has cut; 0 after `close`
-- @treturn[2] nil
-- @treturn[2] SciSslError accepting ended for another reason: `cancelled`, `bad_waiter`
-- @raise for a handler that is no function, for unknown options, outside of the waiter's loop, and while another call
--  serves the listener
function Listener:serve(handler, given)
  forget_ended(self)
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

local function check_secure(self, name)
  if not self.context then error(("'%s' on a listener in plain text"):format(name), 3) end
end

local function use_context(self, context)
  if self.sessions then self.sessions:serve(context) end
  self.context = context
  self.listening = SciSslSocket.on(self.plain, context) or self.listening -- there is none once it is closed
  return self
end

--- Sets the context of the connections that are accepted from now on. Earlier connections keep theirs.
-- @function SciSslListener:setContext
-- @param context a SciSslContext; or a table of the options of `scissl.listen` that describe one: `certificate`,
--  `privateKey`, `caFile`, `verify`, `profile`, `configuration` …
-- @treturn[1] SciSslListener the receiver
-- @treturn[2] nil
-- @treturn[2] SciSslError phase `load`: a file or setting was rejected; the listener keeps its context
-- @raise for anything else, and for unknown options
function Listener:setContext(context)
  check_secure(self, "setContext")
  if options.is(context, "SciSslContext") then
    self.given = contexts.without(self.given, context)
    return use_context(self, context)
  end
  local made, given = contexts.replace("setContext", self, context, 2)
  if not made then return nil, given end
  self.given = given
  return use_context(self, made)
end

--- Reads the files of the listener's options again: certificates, keys, CAs, CRLs, and those of its SNI map. Later
-- connections use what they contain now; earlier ones keep what they have. Clients can go on with their sessions (see
-- `SciSslContext:inheritSessions`).
-- @function SciSslListener:reload
-- @treturn[1] SciSslListener the receiver
-- @treturn[2] nil
-- @treturn[2] SciSslError phase `load`: a file is missing or bad, or a key does not belong to its certificate; the
--  listener and its SNI map stay as they are. `not_reloadable`: `scissl.listen` or `setContext` got a SciSslContext
function Listener:reload()
  check_secure(self, "reload")
  local context, failure = contexts.reload(self)
  if not context then return nil, failure end
  return use_context(self, context)
end

--- Stops a listener that `serve` serves. It accepts the clients that have connected before, and no others. Open
-- connections may end by themselves within `seconds`; then they are cut, and unfinished handshakes, too. `serve`
-- returns when no connection is left, and says how many were cut. Calling it again changes the time. Clients that keep
-- their connection open without a request delay it: see `endIdle` of `serve`.
--
-- Without `serve` it closes the listener.
-- @function SciSslListener:stop
-- @tparam[opt=30] number seconds
-- @treturn boolean true
-- @raise for anything but 0 or more seconds
function Listener:stop(seconds)
  check_timeout(seconds, "stop")
  forget_ended(self)
  if not self.bell then return self:close() end
  self.stopBy = wait.deadline(seconds or STOP_SECONDS)
  self.bell:send "!"
  waiting.wake(self.plain, nil, "the listener stops")
  return true
end

--- Tells whether `stop` was called: a handler may then say so to its client, for example with `Connection: close`.
-- @function SciSslListener:isStopping
-- @treturn boolean
function Listener:isStopping()
  return self.stopBy ~= nil
end

--- Returns the open streams of this listener, in no order.
-- @function SciSslListener:streams
-- @treturn {SciSslStream,...}
function Listener:streams()
  return self.connections:list()
end

--- Returns counts.
-- @function SciSslListener:statistics
-- @treturn table of integers: `accepted` (connections), `handshaking` (handshakes that have not finished), `handshakes`
--  (finished), `resumed` (those of them that resumed a session), `failed` (a table: failed handshakes by condition),
--  `refused` (connections that `onAccept` or `maxConnections` refused), `open` (streams), `timeouts` (of handshakes and
--  of the streams' operations), `bytesReceived`, `bytesSent` (of all streams, including what TLS adds)
function Listener:statistics()
  return self.connections:statistics()
end

--- Returns the context of new connections.
-- @function SciSslListener:getContext
-- @treturn ?SciSslContext nil where the listener is in plain text
function Listener:getContext()
  return self.context
end

--- Returns the listening socket, for event loops.
-- @function SciSslListener:socket
-- @treturn SciSocket
function Listener:socket()
  return self.plain
end

--- Stops listening, which ends `serve` and a waiting `accept`. Accepted connections stay open. With
-- `concurrentHandshakes`, handshakes under way end, and streams that `accept` has not returned are closed. Calling it
-- again does nothing.
-- @function SciSslListener:close
-- @treturn boolean true
function Listener:close()
  if self.path and not self.closed then os.remove(self.path) end
  self.closed = true
  self.plain:close()
  concurrent.close(self)
  if self.bell then self.bell:send("!") end
  return true
end

Listener.__close = Listener.close

function Listener:__tostring()
  if self.closed then return "SciSslListener: closed" end
  return ("SciSslListener: %s port %s"):format(self:getSockName())
end

return receiver.guard(Listener)
