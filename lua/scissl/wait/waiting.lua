--- Who waits for which socket, so that a wait can be ended from outside, in every loop.
--
-- A waiter enters a *ticket* before it sleeps and takes it away afterwards. `ticket:wake(answer, reason)` must see to
-- it that the wait ends soon with these, and must not run the coroutine at once: whoever wakes is in the midst of
-- something else.
-- @module scissl.wait.waiting

local core = require "scissl.core"

local waiting = {}

local first = setmetatable({}, { __mode = "k" }) -- socket -> ticket, whose `next` is the next one's

--- Enters a ticket. It is a table with a function `wake`; the field `next` is ours while it stands here.
-- @param socket
-- @tparam table ticket
function waiting.enter(socket, ticket)
  ticket.next = first[socket]
  first[socket] = ticket
end

--- Takes a ticket away.
-- @param socket
-- @tparam table ticket
function waiting.leave(socket, ticket)
  local at = first[socket]
  if at == ticket then
    first[socket] = ticket.next
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
  local count, ticket = 0, first[socket]
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
local function before_closing(socket)
  waiting.wake(socket, true)
  local cqueues = package.loaded.cqueues
  if type(cqueues) == "table" and cqueues.cancel then
    local descriptor = socket:getfd()
    if descriptor >= 0 then cqueues.cancel(descriptor) end
  end
end

for _, class in ipairs { core.SciSocket, core.SciSslSocket } do
  local close = class.close
  function class.close(...)
    local socket = ...
    if type(socket) == "userdata" then before_closing(socket) end
    local answer, failure = close(...)
    return answer, failure
  end
end

return waiting
