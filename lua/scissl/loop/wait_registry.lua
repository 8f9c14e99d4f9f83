--- Who waits for which socket, so that a wait can be ended from outside, in every loop.
--
-- A waiter enters a *ticket* before it sleeps and takes it away afterwards. `ticket:wake(answer, reason)` must see to
-- it that the wait ends soon with these, and must not run the coroutine at once: whoever wakes is in the midst of
-- something else.
-- @module scissl.loop.wait_registry

local core = require "scissl.core"

local waiting = {}

local hidden = getmetatable(core)
local owner_of = hidden.ownerOf

-- What owns a descriptor -> ticket, whose `next` is the next one's. Of sockets over each other the lowest counts: it is
-- closed with those above it, and they with it.
local first = setmetatable({}, { __mode = "k" })

--- Enters a ticket. It is a table with a function `wake`; the fields `next` and `owner` are ours while it stands here.
-- @param socket
-- @tparam table ticket
function waiting.enter(socket, ticket)
  local owner = owner_of(socket)
  ticket.next, ticket.owner = first[owner], owner
  first[owner] = ticket
end

--- Takes a ticket away.
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
-- @param answer true: as if it were ready; nil: the wait is given up
-- @param[opt] reason why
-- @treturn integer how many there were
function waiting.wake(socket, answer, reason)
  local count, ticket = 0, first[owner_of(socket)]
  while ticket do
    local following = ticket.next
    ticket:wake(answer, reason)
    count, ticket = count + 1, following
  end
  return count
end

-- A descriptor that is closed leaves epoll and kqueue without a word, and whoever waits for it would sleep for ever;
-- loops that remember descriptors would take the next socket of that number for the old one. So those who wait go on
-- first, and the call that they repeat finds the socket closed.
hidden.onClosing(function(object)
  waiting.wake(object, true)
  local descriptor = object:getfd()
  if descriptor < 0 then return end -- there is none
  waiting.wake(descriptor, true)
  local cqueues = package.loaded.cqueues
  if type(cqueues) == "table" and cqueues.cancel then cqueues.cancel(descriptor) end
end)

return waiting
