--- A server of DTLS: one socket, and an association for each peer.
--
-- The server works while one of its calls waits: `serve`, `accept`, or `receive` of one of its associations. Datagrams
-- that come between two calls wait in the system.
-- @classmod SciSslDatagramListener

local inner = require "scissl.datagram.listener_parts"
local options = require "scissl.base.option_table"
local receiver = require "scissl.base.receiver"
local report = require "scissl.server.failure_log"
local spawn = require "scissl.loop.spawn"
local wait = require "scissl.loop.wait"

local Listener = { __name = "SciSslDatagramListener" }
Listener.__index = Listener

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

local known_options = { onAssociation = "callable", onError = "callable", spawn = "callable" }

local function note_traceback(raised)
  if type(raised) == "string" then return debug.traceback(raised, 2) end
  return raised == nil and "nil was raised" or raised
end

local function call(run, f, association, message)
  local good, raised = xpcall(f, note_traceback, association, message)
  if not good then run.onError(raised, "handler", association) end
end

-- Each message has a coroutine of its own where the program has a loop, so that a handler may wait.
local function serve_messages(run, association)
  local inbox = association.inbox
  while inbox[1] do
    local message = table.remove(inbox, 1)
    if run.spawn then run.spawn(function() call(run, run.handler, association, message) end)
    else call(run, run.handler, association, message) end
  end
end

local function serve_new(run)
  local listener = run.listener
  while true do
    local association = take_association(listener)
    if not association then return end
    if run.onAssociation then call(run, run.onAssociation, association) end
  end
end

local function serve_all(run)
  serve_new(run)
  local busy = run.busy
  run.busy = {}
  for _, association in ipairs(busy) do
    run.queued[association] = nil
    serve_messages(run, association)
  end
end

local function find_spawn(self, given)
  if given.spawn or wait.blocksThread(self.waiter) then return given.spawn end
  local found = spawn.find(self.waiter)
  if not found then error("call 'serve' inside the loop of its waiter, or give the option 'spawn'", 3) end
  return found
end

--- Calls a function for each message of each peer, until the listener is closed.
-- @function SciSslDatagramListener:serve
-- @tparam function handler `handler(association, message)`: usually it calls `association:send(reply)`. In a loop (the
--  waiters `"coroutine"`, `"copas"`, `"cqueues"`, `"luv"`) it runs in a coroutine of its own and may wait; otherwise
--  the next message has to wait for it
-- @tparam[opt] table given options:
--
-- * `onAssociation(association)`: called for each peer whose handshake is done
-- * `onError(failure, phase, association)`: called for the SciSslError of a failed handshake (phase `"handshake"`), and
--   for what a handler has raised (`"handler"`). By default each is a line on stderr
-- * `spawn(f)`: starts a coroutine that runs `f`; for loops that scissl does not know
--
-- @treturn[1] boolean true, once the listener is closed
-- @treturn[2] nil
-- @treturn[2] SciSslError the waiter gave up: `cancelled`, `bad_waiter`
-- @raise for a handler that is no function, for unknown options, outside of the waiter's loop, and while another call
--  serves the listener
function Listener:serve(handler, given)
  options.checkArgument(1, "serve", handler, "callable", 2)
  given = options.read("serve", given or {}, known_options, 2)
  if self.run then error("'serve' runs already for this listener", 2) end
  local run = {
    listener = self, handler = handler, onAssociation = given.onAssociation, onError = given.onError or report,
    busy = {}, queued = {}, spawn = find_spawn(self, given),
  }
  self.run = run
  local _ <close> = setmetatable({}, { __close = function() self.run = nil end })
  for _, association in pairs(self.peers.list) do inner.noteMessage(self, association) end
  local function is_over() return self.closed or run.busy[1] or self.first <= self.last end
  while not self.closed do
    serve_all(run)
    local done, failure = self.turns:await(run, is_over, nil, "listen", nil, "the wait for a message")
    if not done and not self.closed then return nil, failure end
  end
  return true
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
--  `handshakes` (finished), `hellos` (ClientHellos that were answered by a cookie, or had one), `failed` (a table:
--  failed handshakes by condition), `refused` (peers above `maxPeers`), `replaced` (by a new one of the same peer),
--  `idle`
--  (associations that `idleTimeout` has ended), `received` (messages), `sent` (datagrams), `dropped` (messages above
--  `maxMessages`), `strangers` (datagrams of no peer that are no ClientHello)
function Listener:statistics()
  local copy = {}
  for name, value in pairs(self.peers.counts) do copy[name] = value end
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
