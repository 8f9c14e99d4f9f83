--- A coroutine that sleeps in luv's loop, until an event, `scissl.loop.wait_registry` or its deadline wakes it.
-- @module scissl.loop.luv_ticket

local now = require "scissl.core".SciSocket.now
local handles = require "scissl.loop.luv_handles" -- loads luv
local luv = require "luv"
local text_of = require "scissl.base.safe_text"

-- Timers that no ticket uses. They are stopped and never closed: luv crashes when a program ends before its loop has
-- seen that a handle was closed. Each calls the function in its field `act`.
local spare_timers = {}

local luv_ticket = {}

--- Reports an error that has ended a coroutine. If it left a callback of luv, it would end the process.
function luv_ticket.complain(thread, raised)
  io.stderr:write(debug.traceback(thread, text_of(raised)), "\n")
end

--- Resumes a coroutine, and reports its error.
function luv_ticket.resume(thread, ...)
  local good, raised = coroutine.resume(thread, ...)
  if not good then luv_ticket.complain(thread, raised) end
end

local Ticket = {}
Ticket.__index = Ticket

local function new_timer()
  local timer = { handle = handles.newTimer() }
  timer.ring = function() timer.act() end
  return timer
end

local function release_timer(ticket)
  local timer = ticket.timer
  if not timer then return end
  ticket.timer = nil
  timer.handle:stop()
  timer.act = nil -- luv keeps the function that it calls, and `act` would keep the coroutine
  spare_timers[#spare_timers + 1] = timer
end

-- Starts, or restarts, the ticket's timer.
local function after(ticket, seconds, act)
  local timer = ticket.timer or table.remove(spare_timers) or new_timer()
  ticket.timer, timer.act = timer, act
  luv.update_time()
  timer.handle:start(math.ceil(math.max(0, seconds) * 1000), 0, timer.ring)
end

--- Resumes the coroutine with these values.
function Ticket:finish(answer, reason)
  if self.over then return end
  self.over = true
  release_timer(self)
  self:detach()
  luv_ticket.resume(self.thread, answer, reason)
end

--- Has the loop resume the coroutine with these values in its next round.
function Ticket:wake(answer, reason)
  if handles.areGone() then return false end
  self:detach()
  after(self, 0, function() self:finish(answer, reason) end)
end

--- Has the loop resume the coroutine with nil at the deadline.
function Ticket:expireAt(deadline)
  after(self, deadline - now(), function()
    if now() >= deadline then return self:finish(nil) end
    self:expireAt(deadline) -- libuv's clock counts milliseconds and may be ahead
  end)
end

--- Makes a ticket of the running coroutine.
-- @tparam function detach gets the ticket and takes it out of all lists; it may be called twice
-- @tparam table fields further fields of the ticket
-- @treturn table
function luv_ticket.new(detach, fields)
  fields.thread, fields.detach = coroutine.running(), detach
  return setmetatable(fields, Ticket)
end

return luv_ticket
