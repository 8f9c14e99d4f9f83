--- The waiter `"luv"`: the running coroutine sleeps until a `uv_poll` handle wakes it. The loop is luv's own; the
-- program runs it (`luv.run()`).
-- @module scissl.loop.luv_waiter

local luv = require "luv"
local now = require "scissl.core".SciSocket.now
local text_of = require "scissl.base.safe_text"
local waiting = require "scissl.loop.wait_registry"

-- libuv allows one poll handle for a descriptor, so that all who wait for it share a *watch*. Handles are never closed,
-- only stopped, and serve the next socket of the same number: luv crashes when a program ends before its loop has seen
-- that a handle was closed.
local watches = {} -- by descriptor
local spare_timers = {} -- each a luv timer, which calls what is in `act`

-- ---- going on

local Ticket = {}
Ticket.__index = Ticket

local function release_timer(ticket)
  local timer = ticket.timer
  if not timer then return end
  ticket.timer = nil
  timer.handle:stop()
  timer.act = nil -- luv keeps the function that it calls, and that one would keep the coroutine
  spare_timers[#spare_timers + 1] = timer
end

local function new_timer()
  local timer = { handle = luv.new_timer() }
  timer.ring = function() timer.act() end
  return timer
end

local arm -- below

local function stop_watching(ticket)
  ticket.watch.tickets[ticket] = nil
  waiting.leave(ticket)
  arm(ticket.watch)
end

local function finish(ticket, answer, reason)
  if ticket.over then return end
  ticket.over = true
  release_timer(ticket)
  stop_watching(ticket)
  local good, raised = coroutine.resume(ticket.thread, answer, reason)
  -- Raised from a callback it would end the process.
  if not good then io.stderr:write(debug.traceback(ticket.thread, text_of(raised)), "\n") end
end

-- Starts, or starts over, the ticket's timer, which calls `act`.
local function after(ticket, seconds, act)
  local timer = ticket.timer or table.remove(spare_timers) or new_timer()
  ticket.timer, timer.act = timer, act
  luv.update_time()
  timer.handle:start(math.ceil(math.max(0, seconds) * 1000), 0, timer.ring)
end

function Ticket:wake(answer, reason)
  stop_watching(self)
  after(self, 0, function() finish(self, answer, reason) end)
end

-- libuv's clock counts milliseconds, and may be ahead of ours.
local function expire_at(ticket, deadline)
  after(ticket, deadline - now(), function()
    if now() >= deadline then return finish(ticket, nil) end
    expire_at(ticket, deadline)
  end)
end

-- ---- watching

local function wanted(watch)
  local reads, writes = "", ""
  for ticket in pairs(watch.tickets) do
    if ticket.events:find("r", 1, true) then reads = "r" end
    if ticket.events:find("w", 1, true) then writes = "w" end
  end
  return reads .. writes
end

-- One that hung up or failed is ready for whatever was asked.
local function on_event(watch, failure, events)
  local woken = {}
  for ticket in pairs(watch.tickets) do
    if failure or not events or ticket.events:find("[" .. events .. "]") then woken[#woken + 1] = ticket end
  end
  for _, ticket in ipairs(woken) do finish(ticket, true) end
end

function arm(watch)
  local events = wanted(watch)
  if events == watch.events then return end
  watch.events = events
  if events == "" then return watch.poll:stop() end
  watch.poll:start(events, function(failure, happened)
    local known = type(happened) == "string" and happened:gsub("[^rw]", "") or ""
    on_event(watch, failure, known ~= "" and known or nil)
  end)
end

local function watch_for(descriptor)
  local watch = watches[descriptor]
  if watch then return watch end
  local poll, failure = luv.new_poll(descriptor)
  if not poll then return nil, failure end
  watch = { poll = poll, events = "", tickets = {} }
  watches[descriptor] = watch
  return watch
end

-- Those that wait for a socket which has gone without its `close`, so that its number is another's now.
local function wake_stale(watch, descriptor)
  local stale = {}
  for ticket in pairs(watch.tickets) do
    if type(ticket.socket) ~= "number" and ticket.socket:getfd() ~= descriptor then stale[#stale + 1] = ticket end
  end
  for _, ticket in ipairs(stale) do ticket:wake(true) end
end

return function(socket, events, deadline)
  if not coroutine.isyieldable() then error("the waiter 'luv' works inside a coroutine only", 0) end
  local descriptor = type(socket) == "number" and socket or socket:getfd()
  if descriptor < 0 then return true end -- closed, as the next call will say
  local watch, failure = watch_for(descriptor)
  if not watch then return nil, failure end
  wake_stale(watch, descriptor)
  local ticket = setmetatable({
    socket = socket, events = events, watch = watch, thread = coroutine.running(),
  }, Ticket)
  watch.tickets[ticket] = true
  waiting.enter(socket, ticket)
  arm(watch)
  if deadline then expire_at(ticket, deadline) end
  return coroutine.yield()
end
