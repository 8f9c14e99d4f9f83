--- Which coroutine waits for which socket, so that a wait can be ended from outside, in every loop.
--
-- A waiter enters a *ticket* before it sleeps and removes it afterwards; or it keeps one for each socket, and enters it
-- once. `ticket:wake(result, reason)` makes the wait return these values soon, or returns false where nothing waits. It
-- must not resume the coroutine at once: its caller is in the middle of something else.
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

local is_ours = { SciSocket = true, SciSslSocket = true, SciSslTrySocket = true }

--- Tells whether this module learns of it before the descriptor of a socket is closed: one of ours owns it. Then a
-- ticket may be kept for the socket.
-- @param socket
-- @treturn boolean
function waiting.knows(socket)
  local meta = getmetatable(owner_of(socket))
  return type(meta) == "table" and is_ours[meta.__name] or false
end

-- ---- loops that know by themselves who waits for which descriptor

local loops = setmetatable({}, { __mode = "k" })

--- Notes a loop: `wake(loop, descriptor, result, reason)` ends the waits for a descriptor, and returns their number.
function waiting.addLoop(loop, wake)
  loops[loop] = wake
end

local function wake_in_loops(descriptor, result, reason)
  local count = 0
  for loop, wake in pairs(loops) do count = count + wake(loop, descriptor, result, reason) end
  return count
end

local function ask_descriptor(object)
  return object:getfd()
end

-- Objects of other libraries may raise, or return anything.
local function descriptor_of(object)
  if type(object) == "number" then return object end
  local good, descriptor = pcall(ask_descriptor, object)
  return good and math.type(descriptor) and descriptor or -1
end

local function wake_tickets(owner, result, reason)
  local count, ticket = 0, first[owner]
  while ticket do
    local following = ticket.next
    if ticket:wake(result, reason) ~= false then count = count + 1 end
    ticket = following
  end
  return count
end

--- Ends all waits for a socket.
-- @param socket
-- @param result true: as if the socket were ready; nil: the wait is cancelled
-- @param[opt] reason why
-- @treturn integer the number of waits
function waiting.wake(socket, result, reason)
  local count = wake_tickets(owner_of(socket), result, reason)
  return count + wake_in_loops(descriptor_of(socket), result, reason)
end

-- epoll and kqueue drop a closed descriptor silently: its waiters would sleep for ever, and loops that remember
-- descriptors would take the next socket of that number for the old one. So the waits end first, and the call that each
-- repeats finds the socket closed.
hidden.onClosing(function(object)
  wake_tickets(owner_of(object), true)
  local descriptor = object:getfd()
  if descriptor < 0 then return end -- a memory transport
  wake_tickets(descriptor, true)
  wake_in_loops(descriptor, true)
  local cqueues = package.loaded.cqueues
  if type(cqueues) == "table" and cqueues.cancel then cqueues.cancel(descriptor) end
end)

return waiting
