--- The waiter `"luv"`: the running coroutine sleeps until a `uv_poll` handle wakes it. The loop is luv's own; the
-- program runs it (`luv.run()`).
-- @module scissl.loop.luv_waiter

local core = require "scissl.core"
local handles = require "scissl.loop.luv_handles" -- loads luv
local luv = require "luv"
local luv_ticket = require "scissl.loop.luv_ticket"
local waiting = require "scissl.loop.wait_registry"

local now = core.SciSocket.now
local complain, resume = luv_ticket.complain, coroutine.resume
local are_gone = handles.areGone
local isyieldable, running, yield = coroutine.isyieldable, coroutine.running, coroutine.yield

-- libuv allows one poll handle for a descriptor, so all coroutines that wait for it share a *watch*. Handles are
-- stopped, never closed, and serve the next socket of the same number: luv crashes when a program ends before its loop
-- has seen that a handle was closed.
--
-- A watch whose coroutine waits again at once stays as it is, which saves two system calls. So its handle is stopped
-- only after the coroutine has run; before that, where the socket may be closed without our knowledge.
local watches = {} -- by descriptor

-- A *ticket* is a coroutine that waits for a watch. Its timer goes on when the wait has ended, and rings for a later
-- one.

-- ---- watching

local function wanted(watch)
  local reads, writes = "", ""
  for _, ticket in ipairs(watch.tickets) do
    if ticket.events ~= "w" then reads = "r" end
    if ticket.events ~= "r" then writes = "w" end
  end
  return reads .. writes
end

-- Watches for what the tickets wait for, and for nothing else.
local function arm(watch)
  local events = wanted(watch)
  if events == watch.events then return end
  watch.events = events
  if events ~= "" then return watch.poll:start(events, watch.callback) end
  watch.poll:stop()
  watch.socket = nil
end

-- ---- the end of a wait

-- Takes a ticket off its watch.
local function remove(ticket)
  local tickets = ticket.watch.tickets
  local count = #tickets
  for i = 1, count do
    if tickets[i] == ticket then
      tickets[i] = tickets[count]
      tickets[count] = nil
      return
    end
  end
end

-- Resumes the coroutine of a ticket, which may serve its next wait.
local function finish(ticket, answer, reason)
  local watch, thread = ticket.watch, ticket.thread
  local tickets = watch.tickets
  if tickets[1] == ticket and not tickets[2] then tickets[1] = nil -- the usual case
  else remove(ticket) end
  ticket.thread, ticket.socket, ticket.deadline = false, false, false
  if not watch.tells then arm(watch) end
  ticket.following, watch.spare = watch.spare, ticket
  local good, raised = resume(thread, answer, reason)
  if not good then complain(thread, raised) end
  if not tickets[1] then arm(watch) end
end

-- Tickets that are to end in the loop's next round, each with its results; and the timer that then rings.
local due, bell = {}, nil

local function finish_due()
  local list = due
  due = {}
  for _, one in ipairs(list) do finish(one.ticket, one.answer, one.reason) end
end

local function wake(ticket, answer, reason)
  remove(ticket)
  ticket.deadline = false
  due[#due + 1] = { ticket = ticket, answer = answer, reason = reason }
  if due[2] then return end
  bell = bell or handles.newTimer()
  luv.update_time()
  bell:start(0, 0, finish_due)
end

-- Ends all waits for a descriptor, which may be about to be closed.
local function wake_descriptor(_, descriptor, answer, reason)
  local watch = watches[descriptor]
  if not watch or are_gone() then return 0 end
  local count = #watch.tickets
  for _ = 1, count do wake(watch.tickets[1], answer, reason) end
  arm(watch)
  return count
end

waiting.addLoop(watches, wake_descriptor)

-- Wakes tickets whose socket was closed without `close`, so that another socket has its descriptor now.
local function wake_stale(watch, descriptor)
  for i = #watch.tickets, 1, -1 do
    local socket = watch.tickets[i].socket
    if type(socket) ~= "number" and socket:getfd() ~= descriptor then wake(watch.tickets[i], true) end
  end
end

local kinds = { r = "r", w = "w", rw = "rw" }

-- A descriptor that hung up or failed is ready for every event.
local function on_event(watch, failure, happened)
  local events = not failure and kinds[happened] or ""
  local tickets = watch.tickets
  local only = tickets[1]
  if only and not tickets[2] and (events == "" or events == "rw" or only.events == "rw" or only.events == events) then
    return finish(only, true)
  end
  local woken = {}
  for _, ticket in ipairs(tickets) do
    if events == "" or ticket.events:find("[" .. events .. "]") then woken[#woken + 1] = ticket end
  end
  for _, ticket in ipairs(woken) do remove(ticket) end
  arm(watch)
  for _, ticket in ipairs(woken) do finish(ticket, true) end
end

-- ---- deadlines

-- luv's timers are unreferenced: the watch keeps the loop going while a coroutine waits.
local function set_alarm(ticket, deadline)
  ticket.at = deadline
  luv.update_time()
  ticket.timer:start(math.ceil(math.max(0, deadline - now()) * 1000), 0, ticket.ring)
end

local function ring(ticket)
  ticket.at = false
  local deadline = ticket.deadline
  if not deadline then return end
  if now() >= deadline then return finish(ticket, nil) end
  set_alarm(ticket, deadline) -- of a later wait; or libuv's clock, which counts milliseconds, is ahead
end

local function expire_at(ticket, deadline)
  if not ticket.timer then
    ticket.timer = handles.newTimer()
    ticket.timer:unref()
    ticket.ring = function() ring(ticket) end
  end
  ticket.deadline = deadline
  if not ticket.at or ticket.at > deadline then set_alarm(ticket, deadline) end
end

-- ---- waiting

local function new_watch(descriptor)
  local poll, failure = handles.newPoll(descriptor)
  if not poll then return nil, failure end
  local watch = { poll = poll, events = "", tickets = {}, spare = false, socket = nil, tells = false }
  watch.callback = function(problem, happened) on_event(watch, problem, happened) end
  watches[descriptor] = watch
  return watch
end

-- Has the watch look at the socket. Where its handle was started for another one, the system may have forgotten that.
local function look_at(watch, socket, descriptor)
  wake_stale(watch, descriptor)
  if watch.socket == socket then return end
  if watch.events ~= "" then watch.poll:stop() end
  watch.tells = waiting.knows(socket) and (watch.tells or not watch.tickets[1])
  watch.events, watch.socket = "", socket
end

return function(socket, events, deadline)
  if not isyieldable() then error("the waiter 'luv' works only inside a coroutine", 0) end
  if are_gone() then return nil, "the program ends" end
  local descriptor = type(socket) == "number" and socket or socket:getfd()
  if descriptor < 0 then return true end -- closed: the next call reports it
  local watch = watches[descriptor]
  if not watch then
    local made, failure = new_watch(descriptor)
    if not made then return nil, failure end
    watch = made
  end
  local tickets = watch.tickets
  if tickets[1] or watch.socket ~= socket then look_at(watch, socket, descriptor) end
  local ticket = watch.spare
  if ticket then watch.spare = ticket.following
  else ticket = { watch = watch, deadline = false, at = false, timer = false } end
  ticket.thread, ticket.socket, ticket.events = running(), socket, events
  local count = #tickets
  tickets[count + 1] = ticket
  if count > 0 or watch.events ~= events then arm(watch) end
  if deadline then expire_at(ticket, deadline) end
  return yield()
end
