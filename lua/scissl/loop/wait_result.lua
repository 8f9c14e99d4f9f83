--- Turns what a waiter returned into true or a SciSslError: true, `"r"`, `"w"` or `"rw"` where the socket is ready; or
-- nil or false, and perhaps a reason: `"timeout"`, a SciSslError, or any other value (see `scissl.wait`).
-- @module scissl.loop.wait_result

local core = require "scissl.core"
local peer_of = require "scissl.base.peer_address"
local poll = require "scissl.loop.poll_waiter"
local text_of = require "scissl.base.safe_text"

local SciSslError = core.SciSslError
local count_waits = getmetatable(core).countWaits
local now = core.SciSocket.now

local result = {}

local CHECK_AFTER, LIES = 64, 256 -- waits before a waiter is checked, and wrong results before it is rejected
local EARLY = 0.1 -- seconds by which a loop's clock may be ahead of ours

local counters = setmetatable({}, { __mode = "k" }) -- by socket: a table whose field `timeouts` counts

--- Counts the time-outs of a socket in the field `timeouts` of a table.
function result.countTimeouts(socket, counter)
  counters[socket] = counter
end

function result.timedOut(socket, phase, timeout, what, deadline)
  local counter = counters[socket]
  if counter then counter.timeouts = counter.timeouts + 1 end
  local when = timeout and ("within %.4g seconds"):format(timeout) or "before its deadline"
  local message = ("%s did not finish %s"):format(what or phase, when)
  if deadline and not timeout and now() - deadline > 1 then
    message = "the deadline had already passed; deadlines are moments of SciSocket.now()"
  end
  return SciSslError.new { phase = phase, condition = "timeout", message = message, peer = peer_of(socket) }
end

function result.badWaiter(socket, phase, message, cause)
  return SciSslError.new {
    phase = phase, condition = "bad_waiter", message = message, cause = cause, peer = peer_of(socket),
  }
end

-- The error for a waiter that did not return true.
function result.givenUp(socket, reason, deadline, phase, timeout, what)
  local expired = reason == "timeout" or core.isSslError(reason) and reason:condition() == "timeout"
  local late = deadline and now() >= deadline - EARLY
  if expired or reason == nil and late then return result.timedOut(socket, phase, timeout, what, deadline) end
  if core.isSslError(reason) then return reason end
  return SciSslError.new {
    phase = phase,
    condition = "cancelled",
    message = reason ~= nil and ("the waiter gave up: %s"):format(text_of(reason))
      or deadline and "the waiter gave up before the deadline"
      or "the waiter gave up",
    cause = reason,
    peer = peer_of(socket),
  }
end

-- How often a socket was ready since it was last checked. Ours count that themselves, which takes no memory for each;
-- here are those of others.
local counts = setmetatable({}, { __mode = "k" })

local function count_foreign(socket, count)
  count = count or (counts[socket] or 0) + 1
  counts[socket] = count
  return count
end

local function is_open(socket)
  return type(socket) == "number" or socket:getfd() >= 0
end

-- Checks, once in a while, whether a socket that is said to be ready is ready.
local function is_lie(socket, events)
  local count = count_waits(socket) or count_foreign(socket)
  if count < CHECK_AFTER then return false end
  if is_open(socket) and not poll(socket, events, now()) then return count >= CHECK_AFTER + LIES end
  if not count_waits(socket, 0) then count_foreign(socket, 0) end
  return false
end

--- Forgets what is noted of a socket that closes. The weak tables would keep it until it is collected, and a table that
-- has grown does not shrink.
function result.forget(socket)
  counters[socket], counts[socket] = nil, nil
end

local ready_answers = { [true] = true, r = true, w = true, rw = true }
local negative_answers = { ["nil"] = true, boolean = true }

-- Turns the results of a waiter into those of `wait.ready`.
function result.understand(ready, reason, socket, events, deadline, phase, timeout, what)
  if ready_answers[ready] then
    if not is_lie(socket, events) then return true end
    return nil, result.badWaiter(socket, phase,
      "the waiter returned again and again that the socket is ready, and it was not")
  end
  if negative_answers[type(ready)] then return nil, result.givenUp(socket, reason, deadline, phase, timeout, what) end
  return nil, result.badWaiter(socket, phase,
    ("the waiter returned a value of type %s (true, or nil and a reason expected)"):format(type(ready)))
end

return result
