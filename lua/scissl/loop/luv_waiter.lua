--- The waiter `"luv"`: the running coroutine sleeps until luv's loop wakes it, which the program runs (`luv.run()`).
--
-- A SciPoller watches the sockets, and luv watches the poller's descriptor: one callback serves all sockets that have
-- become ready, most of them without a call of Lua (csrc/net/poller_sleep.c). This file does the rest.
-- @module scissl.loop.luv_waiter

local core = require "scissl.core"
local alarms = require "scissl.loop.alarms"
local handles = require "scissl.loop.luv_handles" -- loads luv
local luv = require "luv"
local luv_poller = require "scissl.loop.luv_poller"
local luv_ticket = require "scissl.loop.luv_ticket"
local waiting = require "scissl.loop.wait_registry"

local now = core.SciSocket.now
local resume = luv_ticket.resume
local are_gone, is_open = handles.areGone, handles.isOpen
local isyieldable, running, yield = coroutine.isyieldable, coroutine.running, coroutine.yield

-- A *ticket* is a coroutine that waits for a descriptor: a list. The first ticket of a descriptor stays when its wait
-- has ended, and serves the next one; those of further coroutines follow it. These places are known in C and in alarms.
local THREAD <const> = 1 -- false: nothing waits by it
local DESCRIPTOR <const>, EVENTS <const>, FOLLOWING <const> = 2, 3, 4
local DEADLINE <const>, AT <const> = 5, 6 -- and its place in the heap
local SOCKET <const> = 8

local tickets = {} -- by descriptor: the first one

local poller, note

-- ---- tickets

-- Returns a ticket of the descriptor that is free.
local function find_ticket(descriptor)
  local last, ticket = nil, tickets[descriptor]
  while ticket do
    if not ticket[THREAD] then return ticket end
    last, ticket = ticket, ticket[FOLLOWING]
  end
  ticket = { false, descriptor, "r", false, false, 0, false, false }
  if last then last[FOLLOWING] = ticket else tickets[descriptor] = ticket end
  return ticket
end

local heap, alarm, rings_at = {}, nil, nil -- of tickets; the timer for all, and for when it is set

-- Takes the ticket off its chain where it is not the first.
local function unlink(ticket)
  local before = tickets[ticket[DESCRIPTOR]]
  if before == ticket then return end
  while before[FOLLOWING] ~= ticket do before = before[FOLLOWING] end
  before[FOLLOWING] = ticket[FOLLOWING]
  alarms.drop(heap, ticket)
end

-- Has the poller watch for what the coroutines of the descriptor wait for, one of them by `new`.
local function arm(descriptor, new)
  local events, count, socket = nil, 0, nil
  local ticket = tickets[descriptor]
  while ticket do
    if ticket[THREAD] or ticket == new then
      count, socket = count + 1, ticket[SOCKET]
      events = (events or ticket[EVENTS]) == ticket[EVENTS] and ticket[EVENTS] or "rw"
    end
    ticket = ticket[FOLLOWING]
  end
  if not events then return poller:disarm(descriptor) end
  return poller:arm(count == 1 and waiting.knows(socket) and socket or descriptor, events)
end

-- ---- the end of a wait

local due, bell = {}, nil -- coroutines that are to be resumed, each with its results; the timer for them

local function finish_due()
  local list = due
  due = {}
  for _, one in ipairs(list) do resume(one.thread, one.answer, one.reason) end
  note(0)
end

local function end_wait(ticket, answer, reason)
  due[#due + 1] = { thread = ticket[THREAD], answer = answer, reason = reason }
  ticket[THREAD], ticket[SOCKET], ticket[DEADLINE] = false, false, false
  unlink(ticket)
  note(-1)
end

-- Has the loop resume in its next round those that are due.
local function ring_bell()
  bell = is_open(bell) and bell or handles.newTimer()
  luv.update_time()
  bell:start(0, 0, finish_due)
end

-- Ends those waits for a descriptor of which `chosen(ticket)` is true. Returns their number.
local function end_waits(descriptor, chosen, answer, reason)
  local count, ticket = 0, tickets[descriptor]
  while ticket do
    local following = ticket[FOLLOWING]
    if ticket[THREAD] and chosen(ticket) then
      end_wait(ticket, answer, reason)
      count = count + 1
    end
    ticket = following
  end
  if count > 0 then arm(descriptor) end
  return count
end

local function every() return true end

-- Ends all waits for a descriptor, which may be about to be closed.
local function wake_descriptor(_, descriptor, answer, reason)
  if are_gone() then return 0 end
  local count = end_waits(descriptor, every, answer, reason)
  if count > 0 then ring_bell() end
  return count
end

waiting.addLoop(tickets, wake_descriptor)

-- Wakes those whose socket was closed without `close`, so that another socket has its descriptor now.
local function wake_stale(descriptor)
  local function is_stale(ticket)
    local socket = ticket[SOCKET]
    return socket and type(socket) ~= "number" and socket:getfd() ~= descriptor
  end
  if end_waits(descriptor, is_stale, true) > 0 then ring_bell() end
end

-- The poller has found the descriptor ready. `finish_due` follows.
local function wake_chain(descriptor, events)
  end_waits(descriptor, function(ticket)
    return events == "rw" or ticket[EVENTS] == "rw" or ticket[EVENTS] == events
  end, true)
end

-- ---- deadlines

local ring

-- The timer is unreferenced: `note` keeps the loop going while a coroutine waits.
local function set_timer()
  local first = heap[1]
  if not first then return end
  if not is_open(alarm) then
    alarm, rings_at = handles.newTimer(), nil
    alarm:unref()
  end
  if rings_at and rings_at <= first[AT] then return end
  rings_at = first[AT]
  luv.update_time()
  alarm:start(math.ceil(math.max(0, rings_at - now()) * 1000), 0, ring)
end

-- An alarm stays when its wait has ended, and may ring too early for the next one. libuv's clock, which counts
-- milliseconds, may be ahead.
function ring()
  rings_at = nil
  local time = now()
  while heap[1] and heap[1][AT] <= time do
    local ticket = heap[1]
    local deadline = ticket[DEADLINE]
    alarms.drop(heap, ticket)
    if deadline and deadline > time then
      alarms.set(heap, ticket)
    elseif deadline and ticket[THREAD] then
      end_waits(ticket[DESCRIPTOR], function(one) return one == ticket end, nil)
    end
  end
  set_timer()
  finish_due()
end

local function expire_at(ticket, deadline)
  ticket[DEADLINE] = deadline
  alarms.set(heap, ticket)
  set_timer()
end

-- ---- the poller

local wake
local poll, is_held -- luv's handle for the poller's descriptor; whether it keeps the loop going

local function watch()
  poll:start("r", wake)
  if not is_held then poll:unref() end
end

-- The program has closed the handle.
local function watch_again()
  local made = handles.newPoll(poller:getfd())
  if not made then return end
  poll = made
  watch()
end

local function hold(held)
  is_held = held
  if not poll then return end
  if not is_open(poll) then watch_again() end
  if held then poll:ref() else poll:unref() end
end

-- Returns a SciPoller whose descriptor luv can watch; nil: this system has none.
local function make_poller()
  local made = assert(core.SciPoller.new())
  local descriptor = made:getfd()
  poll = descriptor >= 0 and handles.newPoll(descriptor) or nil
  if poll then return made end
  made:close()
end

-- ---- waiting

-- Waits where more is needed than `sleep` does. The ticket gets its thread when nothing can fail any more.
local function wait(socket, events, deadline)
  if not isyieldable() then error("the waiter 'luv' works only inside a coroutine", 0) end
  if are_gone() then return nil, "the program ends" end
  local descriptor = type(socket) == "number" and socket or socket:getfd()
  if descriptor < 0 then return true end -- closed: the next call reports it
  if poll and not is_open(poll) then watch_again() end
  wake_stale(descriptor)
  local ticket = find_ticket(descriptor)
  ticket[EVENTS], ticket[SOCKET] = events, socket
  if deadline then expire_at(ticket, deadline) end
  local armed, failure = arm(descriptor, ticket)
  if not armed then
    ticket[SOCKET], ticket[DEADLINE] = false, false
    unlink(ticket)
    note(0)
    return nil, failure
  end
  note(1)
  ticket[THREAD] = running()
  return yield()
end

-- ---- all together

local make_sleepers = getmetatable(core).makeSleepers

poller = make_poller()
local sleep
sleep, wake, note = make_sleepers(poller, tickets, wait, wake_chain, finish_due, hold, luv_ticket.complain)
if poll then
  watch()
  handles.atEnd(function() poller:close() end)
else
  poller = luv_poller.new(function(descriptor, events)
    wake_chain(descriptor, events)
    finish_due()
  end)
end

return sleep
