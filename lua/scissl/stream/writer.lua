--- What `SciSslStream:write`, `flush` and `close` do where they have to wait: the queue itself is in C.
-- @module scissl.stream.writer

local link = require "scissl.stream.link"
local wait = require "scissl.loop.wait"

local base_of, link_of = link.base, link.of

local writer = {}

local BYTES <const>, WAITER <const> = 1, 2 -- of a stream
local READ_AWAY, LINGER = 64, 1 -- before closing: reads of unread bytes; seconds

-- Calls `act(object)`, and waits, until it has moved all. Returns its results.
local function repeat_until_done(self, phase, act, object)
  local deadline
  while true do
    local done, failure, events = act(object)
    if not events then return done, failure, not done end
    deadline = deadline or self[BYTES]:deadline()
    done, failure = link_of(self):await(self[WAITER], events, deadline, phase, self[BYTES]:seconds())
    if not done then return nil, failure end
  end
end

--- Sends the whole queue. Returns true; or nil and a failure.
function writer.push(self)
  local bytes = self[BYTES]
  local done, failure, ended = repeat_until_done(self, "write", bytes.send, bytes)
  if done then return true end
  if ended then bytes:drop() end
  return nil, failure
end

--- Sends what the peer takes now, for a read that is about to wait. Returns true where more is left. A failure is not
-- reported here: the next write meets it again.
function writer.pushSome(self)
  local bytes = self[BYTES]
  local due, held = bytes:queued()
  if due == 0 and held == 0 then return false end
  bytes:release()
  local _, _, events = bytes:send()
  return events == "w"
end

--- Ends the writing side. Returns true; or nil and a failure.
function writer.sayEnd(self, phase)
  local way = link_of(self)
  local done, failure = repeat_until_done(self, phase, way.sayEnd, way)
  return done, failure
end

-- ---- before a socket is closed

--- Makes the lowest socket non-blocking.
function writer.stopBlocking(self)
  local socket = base_of(self)
  if socket.isBlocking and socket:isBlocking() then socket:setBlocking(false) end
end

--- Reads and drops what has arrived. A system that closes a socket with unread bytes, or that receives more of them
-- later, resets the connection, and the peer may lose what was written last.
function writer.sweep(self)
  writer.stopBlocking(self)
  for _ = 1, READ_AWAY do
    if not self[BYTES]:receive() then return end
    self[BYTES]:clear()
  end
end

--- Sends close_notify, and reads what has arrived: a socket that is closed with unread bytes resets the connection.
function writer.endConnection(self)
  if self:isSecure() then writer.sayEnd(self, "shutdown") end
  writer.sweep(self)
  local way = link.of(self)
  local lower = way.secure and way.lower
  if lower then
    way:settle()
    lower:sayEnd()
  end
end

-- Whether a TLS 1.3 server may still send the session tickets that follow its handshake.
local function awaits_tickets(socket)
  return socket:version() == "TLSv1.3" and not socket:getSession()
end

--- A TLS client that has only written waits a moment for the tickets before close_notify: unread tickets would reset
-- the connection, and OpenSSL drops those that arrive later.
function writer.awaitTickets(self)
  local deadline = wait.deadline(math.min(self[BYTES]:seconds() or LINGER, LINGER))
  writer.stopBlocking(self)
  for _ = 1, READ_AWAY do
    if not awaits_tickets(link.socket(self)) then return end
    local came, _, events = self[BYTES]:receive()
    if not came and not (events == "r" and link_of(self):await(self[WAITER], "r", deadline, "close")) then return end
  end
end

return writer
