--- The waiter `"cqueues"`: the running coroutine sleeps in `cqueues.poll`. Programs may also pass sockets and streams
-- to `cqueues.poll` themselves.
-- @module scissl.loop.cqueues_waiter

local cqueues = require "cqueues"
local now = require "scissl.core".SciSocket.now
local waiting = require "scissl.loop.wait_registry"

local Ticket = {}
Ticket.__index = Ticket

function Ticket:pollfd()
  return self.descriptor
end

function Ticket:wake(answer, reason)
  self.woken, self.answer, self.reason = true, answer, reason
  cqueues.cancel(self.descriptor) -- ends every poll for it
end

local function descriptor_of(socket)
  return type(socket) == "number" and socket or socket:getfd()
end

-- cqueues wakes all coroutines that wait for a descriptor, for any event. poll returns the ticket only where its own
-- event has happened.
local function poll(ticket, socket, deadline)
  repeat
    if cqueues.poll(ticket, deadline and math.max(0, deadline - now())) == ticket then return true end
  until ticket.woken or deadline and now() >= deadline or descriptor_of(socket) ~= ticket.descriptor
  return nil
end

return function(socket, events, deadline)
  local descriptor = descriptor_of(socket)
  if descriptor < 0 then return true end -- closed: the next call reports it
  local ticket = setmetatable({ descriptor = descriptor, events = events }, Ticket)
  waiting.enter(socket, ticket)
  local ready = poll(ticket, socket, deadline)
  waiting.leave(ticket)
  if ticket.woken then return ticket.answer, ticket.reason end
  return ready or descriptor_of(socket) ~= descriptor or nil
end
