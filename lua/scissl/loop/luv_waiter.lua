--- The waiter `"luv"`: the running coroutine sleeps until a `uv_poll` handle wakes it. The loop is luv's own; the
-- program runs it (`luv.run()`).
-- @module scissl.loop.luv_waiter

local luv = require "luv"
local luv_ticket = require "scissl.loop.luv_ticket"
local waiting = require "scissl.loop.wait_registry"

-- libuv allows one poll handle for a descriptor, so all coroutines that wait for it share a *watch*. Handles are
-- stopped, never closed, and serve the next socket of the same number: luv crashes when a program ends before its loop
-- has seen that a handle was closed.
local watches = {} -- by descriptor

-- ---- watching

local function wanted(watch)
  local reads, writes = "", ""
  for ticket in pairs(watch.tickets) do
    if ticket.events:find("r", 1, true) then reads = "r" end
    if ticket.events:find("w", 1, true) then writes = "w" end
  end
  return reads .. writes
end

-- A descriptor that hung up or failed is ready for every event.
local function on_event(watch, failure, events)
  local woken = {}
  for ticket in pairs(watch.tickets) do
    if failure or not events or ticket.events:find("[" .. events .. "]") then woken[#woken + 1] = ticket end
  end
  for _, ticket in ipairs(woken) do ticket:finish(true) end
end

local function arm(watch)
  local events = wanted(watch)
  if events == watch.events then return end
  watch.events = events
  if events == "" then return watch.poll:stop() end
  watch.poll:start(events, function(failure, happened)
    local known = type(happened) == "string" and happened:gsub("[^rw]", "") or ""
    on_event(watch, failure, known ~= "" and known or nil)
  end)
end

local function detach(ticket)
  ticket.watch.tickets[ticket] = nil
  waiting.leave(ticket)
  arm(ticket.watch)
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

-- Wakes tickets whose socket was closed without `close`, so that another socket has its descriptor now.
local function wake_stale(watch, descriptor)
  local stale = {}
  for ticket in pairs(watch.tickets) do
    if type(ticket.socket) ~= "number" and ticket.socket:getfd() ~= descriptor then stale[#stale + 1] = ticket end
  end
  for _, ticket in ipairs(stale) do ticket:wake(true) end
end

return function(socket, events, deadline)
  if not coroutine.isyieldable() then error("the waiter 'luv' works only inside a coroutine", 0) end
  local descriptor = type(socket) == "number" and socket or socket:getfd()
  if descriptor < 0 then return true end -- closed: the next call reports it
  local watch, failure = watch_for(descriptor)
  if not watch then return nil, failure end
  wake_stale(watch, descriptor)
  local ticket = luv_ticket.new(detach, { socket = socket, events = events, watch = watch })
  watch.tickets[ticket] = true
  waiting.enter(socket, ticket)
  arm(watch)
  if deadline then ticket:expireAt(deadline) end
  return coroutine.yield()
end
