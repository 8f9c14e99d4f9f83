--- Which coroutine waits for which socket, so that a wait can be ended from outside, in every loop.
--
-- A waiter enters a *ticket* before it sleeps and removes it afterwards. `ticket:wake(answer, reason)` makes the wait
-- return these values soon. It must not resume the coroutine at once: its caller is in the middle of something else.
-- @module scissl.loop.wait_registry

local core = require "scissl.core"

local waiting = {}

local hidden = getmetatable(core)
local owner_of = hidden.ownerOf

-- By the owner of a descriptor: its first ticket, whose `next` is the next one. Of sockets over each other, the owner
-- is the lowest: closing any of them closes all.
local first = setmetatable({}, { __mode = "k" })

--- Enters a ticket: a table with a function `wake`. The fields `next` and `owner` belong to this module while it is
-- here.
-- @param socket
-- @tparam table ticket
function waiting.enter(socket, ticket)
  local owner = owner_of(socket)
  ticket.next, ticket.owner = first[owner], owner
  first[owner] = ticket
end

--- Removes a ticket.
-- @tparam table ticket
function waiting.leave(ticket)
  local owner = ticket.owner
  local at = first[owner]
  if at == ticket then
    first[owner] = ticket.next
    return
  end
  while at do
    if at.next == ticket then
      at.next = ticket.next
      return
    end
    at = at.next
  end
end

--- Ends all waits for a socket.
-- @param socket
-- @param answer true: as if the socket were ready; nil: the wait is cancelled
-- @param[opt] reason why
-- @treturn integer the number of waits
function waiting.wake(socket, answer, reason)
  local count, ticket = 0, first[owner_of(socket)]
  while ticket do
    local following = ticket.next
    ticket:wake(answer, reason)
    count, ticket = count + 1, following
  end
  return count
end

-- A descriptor that is closed leaves epoll and kqueue silently, so its waits would never end; and loops that remember
-- descriptors would take the next socket of that number for the old one. So closing ends the waits first, and the calls
-- that are repeated find the socket closed.
hidden.onClosing(function(object)
  waiting.wake(object, true)
  local descriptor = object:getfd()
  if descriptor < 0 then return end -- a memory transport
  waiting.wake(descriptor, true)
  local cqueues = package.loaded.cqueues
  if type(cqueues) == "table" and cqueues.cancel then cqueues.cancel(descriptor) end
end)

return waiting
