--- A server of DTLS: one socket, and an association for each peer.
--
-- The server works while one of its calls waits: `serve`, `accept`, or `receive` of one of its associations. Datagrams
-- that come between two calls wait in the system.
-- @classmod SciSslDatagramListener

local inner = require "scissl.datagram.listener_parts"
local contexts = require "scissl.server.contexts"
local core = require "scissl.core"
local datagram_options = require "scissl.datagram.datagram_options"
local options = require "scissl.base.option_table"
local receiver = require "scissl.base.receiver"
local report = require "scissl.server.failure_log"
local spawn = require "scissl.loop.spawn"
local poll_waiter = require "scissl.loop.poll_waiter"
local wait = require "scissl.loop.wait"

local now = core.SciSocket.now

local STOP_SECONDS = 30

local Listener = { __name = "SciSslDatagramListener" }
Listener.__index = Listener

local function not_dtls()
  return core.SciSslError.new { phase = "listen", condition = "not_dtls" }
end

-- ---- accepting

local function take_association(self)
  local fresh = self.fresh
  while self.first <= self.last do
    local association = fresh[self.first]
    fresh[self.first] = nil
    self.first = self.first + 1
    if not association.failure then return association end
  end
  return nil
end

--- Waits for the next peer whose handshake is done.
-- @function SciSslDatagramListener:accept
-- @tparam[opt] number timeout seconds; without it, for ever
-- @treturn[1] SciSslAssociation
-- @treturn[2] nil
-- @treturn[2] SciSslError phase `listen`: `timeout`, `closed`, `cancelled`
function Listener:accept(timeout)
  options.checkArgument(1, "accept", timeout, "seconds|nil", 2)
  local association
  local function is_over()
    association = association or take_association(self)
    return association ~= nil or self.closed
  end
  local done, failure = self.turns:await(self, is_over, wait.deadline(timeout), "listen", timeout,
    "the wait for a client")
  if association then return association end
  if self.closed then return nil, inner.closedFailure "listen" end
  return nil, not done and failure or inner.closedFailure "listen"
end

-- ---- serving

local known_options = {
  onAccept = "callable", onAssociation = "callable", onClose = "callable", onError = "callable", spawn = "callable",
}

local function call(run, f, association, message)
  local good, returned = xpcall(f, inner.noteTraceback, association, message)
  if not good then inner.complain(run, returned, "handler", association) end
  return good and returned ~= false
end

-- Each message has a coroutine of its own where the program has a loop, so that a handler may wait.
local function serve_messages(run, association)
  local inbox = association.inbox
  while inbox[1] do
    local message = inner.takeFirst(inbox)
    if run.spawn then run.spawn(function() call(run, run.handler, association, message) end)
    else call(run, run.handler, association, message) end
  end
end

local function serve_new(run)
  local listener = run.listener
  while true do
    local association = take_association(listener)
    if not association then return end
    if run.onAssociation and not call(run, run.onAssociation, association) then association:close() end
  end
end

local function serve_all(run)
  if run.listener.first <= run.listener.last then serve_new(run) end
  local busy, queued = run.busy, run.queued
  run.busy, run.spare = run.spare, busy
  for i = 1, #busy do
    local association = busy[i]
    busy[i], queued[association] = nil, nil
    serve_messages(run, association)
  end
end

local function find_spawn(self, given)
  if given.spawn or wait.blocksThread(self.waiter) then return given.spawn end
  local found = spawn.find(self.waiter)
  if not found then error("call 'serve' inside the loop of its waiter, or give the option 'spawn'", 3) end
  return found
end

-- Ends a server that `stop` stops. Returns how many associations had to be closed.
local function cut(self)
  local count = self.peers.counts.peers
  self:close()
  return count
end

local function has_stopped(self)
  return self.stopBy and (self.peers.counts.peers == 0 or now() >= self.stopBy)
end

-- Messages can be served in C where the thread has nothing else to do. Nil: not here.
local function make_serve(self, run)
  local make = self.peers.makeServe
  if run.spawn or not make or self.waiter ~= poll_waiter or coroutine.isyieldable() then return nil end
  return make(run.handler, inner.noteTraceback, function(raised, association)
    inner.complain(run, raised, "handler", association)
  end)
end

local function serve(self, run)
  local turns, peers, serve_in_c = self.turns, self.peers, make_serve(self, run)
  local function is_over()
    local news = run.busy[1] or self.first <= self.last
    return self.closed or news or self.stopBy ~= run.stopBy or has_stopped(self)
  end
  while not self.closed do
    serve_all(run)
    if has_stopped(self) then return true, cut(self) end
    run.stopBy = self.stopBy
    local done, failure
    if serve_in_c and not (run.stopBy or turns:isUsed()) then
      done, failure = peers:serve(serve_in_c, is_over)
    else
      done, failure = turns:await(run, is_over, run.stopBy, "listen", nil, "the wait for a message")
    end
    if not (done or self.closed or has_stopped(self)) then return nil, failure end
  end
  return true, 0
end

--- Calls a function for each message of each peer, until the listener is closed or has stopped.
-- @function SciSslDatagramListener:serve
-- @tparam function handler `handler(association, message)`: usually it calls `association:send(reply)`. In a loop (the
--  waiters `"coroutine"`, `"copas"`, `"cqueues"`, `"luv"`) it runs in a coroutine of its own and may wait; otherwise
--  the next message has to wait for it
-- @tparam[opt] table given options:
--
-- * `onAccept(address, port)`: called for each peer that has shown by its cookie that it receives there, before its
--   handshake; where it returns false, there is none
-- * `onAssociation(association)`: called for each peer whose handshake is done; where it returns false, the association
--   is closed
-- * `onClose(association, statistics)`: called for each association that ends, with what `SciSslSocket:statistics`
--   returns
-- * `onError(failure, phase, association)`: called for the SciSslError of a failed handshake (phase `"handshake"`), and
--   for what a handler or another of these functions has raised (`"handler"`). By default each is a line on stderr
-- * `spawn(f)`: starts a coroutine that runs `f`; for loops that scissl does not know
--
-- @treturn[1] boolean true, once the listener is closed or has stopped
-- @treturn[1] integer the associations and unfinished handshakes that `stop` has ended; 0 after `close`
-- @treturn[2] nil
-- @treturn[2] SciSslError the waiter gave up: `cancelled`, `bad_waiter`
-- @raise for a handler that is no function, for unknown options, outside of the waiter's loop, and while another call
--  serves the listener
function Listener:serve(handler, given)
  options.checkArgument(1, "serve", handler, "callable", 2)
  given = options.read("serve", given or {}, known_options, 2)
  if self.run then error("'serve' runs already for this listener", 2) end
  local run = {
    listener = self, handler = handler, onAccept = given.onAccept, onAssociation = given.onAssociation,
    onClose = given.onClose, onError = given.onError or report, spawn = find_spawn(self, given),
    busy = {}, spare = {}, queued = {},
  }
  self.run = run
  local _ <close> = setmetatable({}, { __close = function() self.run = nil end })
  for _, association in pairs(self.peers.list) do inner.noteMessage(self, association) end
  local served, result = serve(self, run)
  return served, result
end

--- Stops a listener that `serve` serves. It begins no more handshakes. Associations may end by themselves within
-- `seconds`: a peer closes, `idleTimeout` passes, or the program closes them. Then the others are closed, with
-- close_notify, and `serve` returns how many. Calling it again changes the time.
--
-- Without `serve` it closes the listener.
-- @function SciSslDatagramListener:stop
-- @tparam[opt=30] number seconds
-- @treturn boolean true
-- @raise for anything but 0 or more seconds
function Listener:stop(seconds)
  options.checkArgument(1, "stop", seconds, "seconds|nil", 2)
  if not self.run then return self:close() end
  self.peers.stopping, self.stopBy = true, wait.deadline(seconds or STOP_SECONDS)
  self.turns:wake(self.run)
  return true
end

--- Tells whether `stop` was called.
-- @function SciSslDatagramListener:isStopping
-- @treturn boolean
function Listener:isStopping()
  return self.stopBy ~= nil
end

-- ---- the context

local function use_context(self, context)
  self.context = context
  self.peers:useContext(context)
  return self
end

--- Sets the context of the handshakes that begin from now on. Earlier associations keep theirs.
-- @function SciSslDatagramListener:setContext
-- @param context a SciSslContext of DTLS; or a table of the options of `scissl.datagram.listen` that describe one
-- @treturn[1] SciSslDatagramListener the receiver
-- @treturn[2] nil
-- @treturn[2] SciSslError phase `load`: a file or setting was rejected; `not_dtls`; the listener keeps its context
-- @raise for anything else, and for unknown options
function Listener:setContext(context)
  if options.is(context, "SciSslContext") then
    if not datagram_options.isForDatagrams(context) then return nil, not_dtls() end
    self.given = contexts.without(self.given, context)
    return use_context(self, context)
  end
  if type(context) == "table" then context = datagram_options.forServer(context) end
  local made, given = contexts.replace("setContext", self, context, 2)
  if not made then return nil, given end
  if not datagram_options.isForDatagrams(made) then return nil, not_dtls() end
  self.given = given
  return use_context(self, made)
end

--- Reads the files of the listener's options again: certificates, keys, CAs, CRLs, and those of its SNI map. Handshakes
-- that begin later use what they contain now. Clients can go on with their sessions.
-- @function SciSslDatagramListener:reload
-- @treturn[1] SciSslDatagramListener the receiver
-- @treturn[2] nil
-- @treturn[2] SciSslError phase `load`: a file is missing or bad, or a key does not belong to its certificate; the
--  listener and its SNI map stay as they are. `not_reloadable`: `listen` or `setContext` got a SciSslContext
function Listener:reload()
  local context, failure = contexts.reload(self)
  if not context then return nil, failure end
  return use_context(self, context)
end

--- Returns the context of new handshakes.
-- @function SciSslDatagramListener:getContext
-- @treturn SciSslContext
function Listener:getContext()
  return self.context
end

-- ---- the rest

--- Returns the address and the port of the socket.
-- @function SciSslDatagramListener:getSockName
-- @treturn string address
-- @treturn integer port
function Listener:getSockName()
  return self.plain:getSockName()
end

--- Returns the associations whose handshake is done, in no order.
-- @function SciSslDatagramListener:associations
-- @treturn {SciSslAssociation,...}
function Listener:associations()
  local list = {}
  for _, association in pairs(self.peers.list) do
    if association.done then list[#list + 1] = association end
  end
  return list
end

--- Returns counts.
-- @function SciSslDatagramListener:statistics
-- @treturn table of integers: `peers` (associations, and handshakes that have not finished), `handshaking` (these),
--  `handshakes` (finished), `resumed` (those of them that resumed a session), `hellos` (ClientHellos that were answered
--  by a cookie, or had one), `failed` (a table: failed handshakes by condition), `refused` (peers above `maxPeers`,
--  those that `onAccept` refused, and ClientHellos after `stop`), `replaced` (by a new one of the same peer), `idle`
--  (associations that `idleTimeout` has ended), `received` (messages), `sent` (datagrams), `dropped` (messages above
--  `maxMessages`), `strangers` (datagrams of no peer that are no ClientHello), `bytesReceived`, `bytesSent` (of all
--  datagrams)
function Listener:statistics()
  local copy = {}
  for name, value in pairs(self.peers.counts) do copy[name] = value end
  local sent, bytes_sent, bytes_received, messages = self.peers:traffic()
  copy.sent, copy.bytesSent = copy.sent + sent, copy.bytesSent + bytes_sent
  copy.bytesReceived, copy.received = copy.bytesReceived + bytes_received, copy.received + messages
  copy.failed = {}
  for name, value in pairs(self.peers.counts.failed) do copy.failed[name] = value end
  return copy
end

--- Returns the socket, for event loops.
-- @function SciSslDatagramListener:socket
-- @treturn SciSocket
function Listener:socket()
  return self.plain
end

--- Sends close_notify to all peers and closes the socket, which ends `serve`, and all waits. Calling it again does
-- nothing.
-- @function SciSslDatagramListener:close
-- @treturn boolean true
function Listener:close()
  if self.closed then return true end
  for _, association in ipairs(self:associations()) do association:close() end
  self.closed = true
  self.plain:close()
  self.turns:close()
  return true
end

Listener.__close = Listener.close

function Listener:__tostring()
  if self.closed then return "SciSslDatagramListener: closed" end
  return ("SciSslDatagramListener: %s port %s"):format(self:getSockName())
end

return receiver.guard(Listener)
