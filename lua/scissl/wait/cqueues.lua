--- The waiter `"cqueues"`: the running coroutine sleeps in `cqueues.poll`. Sockets and streams can be given to
-- `cqueues.poll` themselves, too.
-- @module scissl.wait.cqueues

local cqueues = require "cqueues"
local now = require "scissl.core".SciSocket.now
local waiting = require "scissl.wait.waiting"

local Ticket = {}
Ticket.__index = Ticket

function Ticket:pollfd()
  return self.descriptor
end

function Ticket:wake(answer, reason)
  self.woken, self.answer, self.reason = true, answer, reason
  cqueues.cancel(self.descriptor) -- ends each poll for it
end

return function(socket, events, deadline)
  local descriptor = type(socket) == "number" and socket or socket:getfd()
  if descriptor < 0 then return true end -- closed, as the next call will say
  local ticket = setmetatable({ descriptor = descriptor, events = events }, Ticket)
  waiting.enter(socket, ticket)
  local ready = cqueues.poll(ticket, deadline and math.max(0, deadline - now()))
  waiting.leave(socket, ticket)
  if ticket.woken then return ticket.answer, ticket.reason end
  return ready == ticket or nil
end
