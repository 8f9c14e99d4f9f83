--- What a listener knows of its connections: the handshakes that have not finished, the streams that are open, counts.
--
-- A client that never finishes its handshake costs memory and a descriptor. Beyond a limit, the oldest unfinished
-- handshake ends: so clients that finish theirs are served, however many others stay silent.
-- @module scissl.server.connections

local core = require "scissl.core"
local give_memory_back = require "scissl.server.memory_return"
local network_of = require "scissl.base.network"
local peer_of = require "scissl.base.peer_address"
local queue = require "scissl.base.arrival_queue"
local result = require "scissl.loop.wait_result"
local waiting = require "scissl.loop.wait_registry"

local base_of = require "scissl.stream.link".base

local SciSslError = core.SciSslError
local new_queue, enter, leave, oldest, reserve = queue.new, queue.enter, queue.leave, queue.oldest, queue.reserve

local BYTES <const> = 1 -- of a stream
local WAVE, EBB = 256, 10 -- open streams that count as a wave; the part of them at which it has ended

local Connections = { HANDSHAKES = 1000, HANDSHAKES_FROM_ONE = 250 }
Connections.__index = Connections

-- ---- unfinished handshakes

local Handshake = {}
Handshake.__index = Handshake

-- Ends the note of a handshake, however it has ended. Calling it again does nothing.
function Handshake:close()
  local connections, own = self.connections, self.own
  if not self.place then return end
  leave(connections.unfinished, self.place)
  self.place = nil
  if not own then return end
  leave(own, self.ownPlace)
  if own.count > 0 then return end
  connections.networks[self.network], connections.emptyQueue = nil, own
end

Handshake.__close = Handshake.close

--- Turns the failure of a handshake into what ended it: its own, or the limit.
function Handshake:failureOf(failure)
  if not self.evicted then return failure end
  return SciSslError.new {
    phase = "accept", condition = "too_many_handshakes", message = self.evicted, peer = self.peer, cause = failure,
  }
end

local function evict(handshake, words)
  handshake.evicted, handshake.peer = words, peer_of(handshake.socket)
  handshake:close()
  handshake.socket:close() -- wakes the coroutine that makes the handshake
end

local function make_room(self, own)
  if own and own.count >= self.mostFromOne then
    evict(oldest(own), ("%d clients of this address had not finished their handshakes"):format(own.count))
  end
  local unfinished = self.unfinished
  if unfinished.count >= self.most then
    evict(oldest(unfinished), ("%d clients had not finished their handshakes"):format(unfinished.count))
  end
end

-- One empty queue is used again: most servers know the same few networks.
local function take_queue(self)
  local kept = self.emptyQueue
  self.emptyQueue = nil
  return kept or new_queue()
end

--- Notes that a handshake begins; where there are too many, the oldest one ends.
-- @tparam SciSslSocket socket
-- @treturn table to be closed when the handshake has ended
function Connections:beginHandshake(socket)
  local network = network_of((socket:getPeerName()))
  make_room(self, network and self.networks[network])
  local own = network and (self.networks[network] or take_queue(self))
  local handshake = setmetatable({ -- all at once: a table that grows leaves garbage behind
    connections = self, socket = socket, network = network, own = own, place = false, ownPlace = false,
  }, Handshake)
  result.countTimeouts(socket, self)
  if own then
    self.networks[network] = own
    reserve(own) -- where memory runs out in `enter`, nothing is noted
  end
  handshake.place = enter(self.unfinished, handshake)
  handshake.ownPlace = own and enter(own, handshake)
  return handshake
end

--- Ends the oldest unfinished handshake: the process has no descriptors left.
-- @treturn boolean false: there is none
function Connections:endOldestHandshake()
  if self.unfinished.count == 0 then return false end
  evict(oldest(self.unfinished), "the process has no descriptors left")
  return true
end

function Connections:countFailure(failure)
  local condition = failure:condition()
  self.failed[condition] = (self.failed[condition] or 0) + 1
end

-- ---- streams in service

-- The stream's reads look whether it is idle before they wait: C does not wait by itself any more.
local function end_when_idle(stream)
  stream.ending = true
  stream[BYTES]:waitInLua()
end

--- Ends the reads of all streams that are idle, now and later: they wait, something was written, and nothing has
-- arrived since. Each fails once, with the condition `stopping`.
function Connections:endIdle()
  if self.endsIdle then return end
  self.endsIdle = true
  for _, stream in ipairs(self:list()) do
    end_when_idle(stream)
    waiting.wake(base_of(stream), true)
  end
end

--- Notes a stream whose handshake is done. `SciSslStream:close` calls `closing`.
function Connections:open(stream)
  self.handshakes = self.handshakes + 1
  if stream:isSessionReused() then self.resumed = self.resumed + 1 end
  self.streams[stream] = true
  self.openCount = self.openCount + 1
  self.mostOpen = math.max(self.mostOpen, self.openCount)
  if self.endsIdle then end_when_idle(stream) end
end

-- Gives memory back after a wave of connections. Streams that the program has dropped without closing still count.
local function note_closed(self)
  self.openCount = self.openCount - 1
  if self.mostOpen < WAVE or self.openCount > self.mostOpen // EBB then return end
  self.mostOpen = self.openCount
  give_memory_back()
end

local NOTHING = { bytesReceived = 0, bytesSent = 0 }

-- A stream in plain text, after `stopTls`, has no counts.
local function carried_by(stream)
  local socket = stream:socket()
  return socket.statistics and socket:statistics() or NOTHING
end

--- Notes that a stream closes, and counts its bytes while its socket knows them.
function Connections:closing(stream)
  if not self.streams[stream] then return end
  self.streams[stream] = nil
  local carried = carried_by(stream)
  self.bytesReceived = self.bytesReceived + carried.bytesReceived
  self.bytesSent = self.bytesSent + carried.bytesSent
  if self.onClose then self.onClose(stream, carried) end
  note_closed(self)
end

--- Closes a stream without its coroutine, which finds it closed.
function Connections:cut(stream)
  self:closing(stream)
  stream:socket():close()
end

--- Returns the open streams, as a list.
function Connections:list()
  local streams = {}
  for stream in pairs(self.streams) do streams[#streams + 1] = stream end
  return streams
end

--- Returns the sockets whose handshakes have not finished, as a list.
function Connections:unfinishedSockets()
  local sockets, unfinished = {}, self.unfinished
  for place = unfinished.first, unfinished.last do
    if unfinished[place] then sockets[#sockets + 1] = unfinished[place].socket end
  end
  return sockets
end

--- What `SciSslListener:statistics` returns.
function Connections:statistics()
  local failed, received, sent = {}, self.bytesReceived, self.bytesSent
  for condition, count in pairs(self.failed) do failed[condition] = count end
  local streams = self:list()
  for _, stream in ipairs(streams) do
    local carried = carried_by(stream)
    received, sent = received + carried.bytesReceived, sent + carried.bytesSent
  end
  return {
    accepted = self.accepted, handshaking = self.unfinished.count, handshakes = self.handshakes,
    resumed = self.resumed, failed = failed, refused = self.refused, open = #streams, timeouts = self.timeouts,
    bytesReceived = received, bytesSent = sent,
  }
end

--- Makes the note of a listener.
-- @function scissl.server.connections
-- @tparam[opt] integer most unfinished handshakes
-- @tparam[opt] integer most_from_one those from one address
-- @treturn table
return function(most, most_from_one)
  return setmetatable({
    most = most or Connections.HANDSHAKES,
    mostFromOne = most_from_one or Connections.HANDSHAKES_FROM_ONE,
    unfinished = new_queue(),
    networks = {}, -- queues of unfinished handshakes, by network
    streams = setmetatable({}, { __mode = "k" }), -- weak: the program may drop a stream without closing it
    accepted = 0, handshakes = 0, resumed = 0, failed = {}, refused = 0, timeouts = 0,
    bytesReceived = 0, bytesSent = 0,
    openCount = 0, mostOpen = 0, -- since the last wave
  }, Connections)
end
