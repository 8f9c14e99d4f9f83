--- The waiter `"cqueues"`: the running coroutine sleeps in `cqueues.poll`. Programs may also pass sockets and streams
-- to `cqueues.poll` themselves.
-- @module scissl.loop.cqueues_waiter

local cqueues = require "cqueues"
local now = require "scissl.core".SciSocket.now
local waiting = require "scissl.loop.wait_registry"

local poll = cqueues.poll

-- ---- tickets: what cqueues polls, and what ends a wait from outside. cqueues reads the fields `pollfd` and `events`.

local READS <const>, WRITES <const> = 1, 4 -- POLLIN and POLLOUT, on all systems that cqueues knows

local function wake(ticket, answer, reason)
  if not ticket.sleeps then return false end
  ticket.woken, ticket.answer, ticket.reason = true, answer, reason
  cqueues.cancel(ticket.pollfd) -- ends every poll for it
end

local function new_ticket()
  return { pollfd = -1, events = READS, sleeps = false, woken = false, wake = wake }
end

-- By socket of ours: a ticket for all waits that come one after the other.
local kept = setmetatable({}, { __mode = "k" })

local function keep(socket)
  if not waiting.knows(socket) then return nil end
  local ticket = new_ticket()
  kept[socket] = ticket
  waiting.enter(socket, ticket)
  return ticket
end

-- ---- waiting

local function descriptor_of(socket)
  return type(socket) == "number" and socket or socket:getfd()
end

-- cqueues wakes all coroutines that wait for a descriptor, for any event. poll returns the ticket only where its own
-- event has happened.
local function sleep(ticket, socket, events, deadline)
  local descriptor = ticket.pollfd
  ticket.events = events == "r" and READS or events == "w" and WRITES or READS | WRITES
  ticket.sleeps = true
  local ready
  repeat
    ready = poll(ticket, deadline and math.max(0, deadline - now())) == ticket
    local moved = not ready and descriptor_of(socket) ~= descriptor
  until ready or moved or ticket.woken or deadline and now() >= deadline
  ticket.sleeps = false
  if ticket.woken then
    ticket.woken = false
    return ticket.answer, ticket.reason
  end
  return ready or descriptor_of(socket) ~= descriptor or nil
end

return function(socket, events, deadline)
  local descriptor = descriptor_of(socket)
  if descriptor < 0 then return true end -- closed: the next call reports it
  local ticket = kept[socket] or keep(socket)
  if ticket and not ticket.sleeps then
    ticket.pollfd = descriptor
    return sleep(ticket, socket, events, deadline)
  end
  ticket = new_ticket()
  ticket.pollfd = descriptor
  waiting.enter(socket, ticket)
  local answer, reason = sleep(ticket, socket, events, deadline)
  waiting.leave(ticket)
  return answer, reason
end
