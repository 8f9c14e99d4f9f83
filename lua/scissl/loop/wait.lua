--- Waiting for a descriptor: what `scissl.wait` does, for modules that have checked the arguments.
-- @module scissl.loop.wait

local core = require "scissl.core"
local options = require "scissl.base.option_table"
local peer_of = require "scissl.base.peer_address"
local poll = require "scissl.loop.poll_waiter"
local text_of = require "scissl.base.safe_text"

local SciSslError = core.SciSslError
local now = core.SciSocket.now

local wait = {}

local own = { "poll", "coroutine", "copas", "cqueues", "luv", "select" }
local CHECK_AFTER, LIES = 64, 256 -- waits for one socket before its waiter is checked, and lies before it is refused
local EARLY = 0.1 -- seconds by which a loop's clock may be ahead of ours

-- ---- finding one

-- Our own are called without protection: what they raise is the caller's mistake, or Ctrl-C.
local trusted = {}

local function is_own(waiter)
  for _, name in ipairs(own) do
    if package.loaded[("scissl.loop.%s_waiter"):format(name)] == waiter then return true end
  end
  return false
end

-- The module is missing, or what it needs is.
local function no_waiter(name, failure)
  if text_of(failure):find(("module 'scissl.wait.%s' not found"):format(name), 1, true) then
    return ("unknown waiter '%s'; use %s, or a function"):format(name, table.concat(own, ", "))
  end
  local missing = text_of(failure):match "module '([^']+)' not found"
  if missing then return ("the waiter '%s' needs the module '%s', which is not installed"):format(name, missing) end
  return ("the waiter '%s' cannot be loaded: %s"):format(name, text_of(failure))
end

--- Finds a waiter.
-- @param[opt="poll"] waiter a function, or a name: `"poll"`, `"coroutine"`, `"copas"`, `"cqueues"`, `"luv"`,
--  `"select"`, or another module under `scissl.wait`
-- @tparam[opt=1] integer level whom an error points at, as for `error` in the caller
-- @treturn function
-- @raise for an unknown name, one whose loop is not installed, or a value that cannot be called
function wait.find(waiter, level)
  if waiter == nil then waiter = "poll" end
  if options.is(waiter, "callable") then
    trusted[waiter] = trusted[waiter] or is_own(waiter) or nil
    return waiter
  end
  level = (level or 1) + 1
  if type(waiter) ~= "string" then
    error(("bad waiter (name or function expected, got %s)"):format(type(waiter)), level)
  end
  local found, module = pcall(require, "scissl.wait." .. waiter)
  if not found then error(no_waiter(waiter, module), level) end
  trusted[module] = is_own(module) or nil
  return module
end

--- Turns a time-out into a deadline.
-- @tparam ?number timeout seconds from now
-- @treturn ?number seconds on the clock of `SciSocket.now()`
function wait.deadline(timeout)
  return timeout and now() + timeout
end

-- ---- what can go wrong

local function timed_out(socket, phase, timeout, what, deadline)
  local when = timeout and ("after %.4g seconds"):format(timeout) or "by its deadline"
  local message = ("%s was not over %s"):format(what or phase, when)
  if deadline and not timeout and now() - deadline > 1 then
    message = "the deadline had already passed; deadlines are moments of SciSocket.now()"
  end
  return SciSslError.new { phase = phase, condition = "timeout", message = message, peer = peer_of(socket) }
end

local function bad_waiter(socket, phase, message, cause)
  return SciSslError.new {
    phase = phase, condition = "bad_waiter", message = message, cause = cause, peer = peer_of(socket),
  }
end

-- What it means that a waiter did not say true.
local function given_up(socket, reason, deadline, phase, timeout, what)
  local expired = reason == "timeout" or core.isSslError(reason) and reason:condition() == "timeout"
  local late = deadline and now() >= deadline - EARLY
  if expired or reason == nil and late then return timed_out(socket, phase, timeout, what, deadline) end
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

local counts = setmetatable({}, { __mode = "k" }) -- how often each socket was said to be ready since it was checked

local function is_open(socket)
  return type(socket) == "number" or socket:getfd() >= 0
end

-- Whether "ready" is not true, once more after many times.
local function is_lie(socket, events)
  local count = (counts[socket] or 0) + 1
  counts[socket] = count
  if count < CHECK_AFTER then return false end
  if is_open(socket) and not poll(socket, events, now()) then return count >= CHECK_AFTER + LIES end
  counts[socket] = 0
  return false
end

local ready_answers = { [true] = true, r = true, w = true, rw = true }
local negative_answers = { ["nil"] = true, boolean = true }

-- Makes sense of what a waiter answered.
local function understand(ready, reason, socket, events, deadline, phase, timeout, what)
  if ready_answers[ready] then
    if not is_lie(socket, events) then return true end
    return nil, bad_waiter(socket, phase, "the waiter says again and again that the socket is ready, and it is not")
  end
  if negative_answers[type(ready)] then return nil, given_up(socket, reason, deadline, phase, timeout, what) end
  return nil, bad_waiter(socket, phase,
    ("the waiter returned a value of type %s (true, or nil and a reason expected)"):format(type(ready)))
end

-- ---- waiting

--- Waits, for an operation that has a deadline.
-- @tparam function waiter
-- @param socket
-- @tparam string events `"r"`, `"w"` or `"rw"`
-- @tparam ?number deadline
-- @tparam string phase the operation, for errors
-- @tparam ?number timeout the seconds that led to the deadline, for errors
-- @tparam[opt] string what what the time was for, for errors; the phase where it is missing
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] SciSslError `timeout`; `cancelled` where the waiter gave up before; `bad_waiter` where it raised, lied or
--  answered what means nothing; what the waiter answered
function wait.ready(waiter, socket, events, deadline, phase, timeout, what)
  -- Also ends a waiter that says "ready" for ever.
  if deadline and now() >= deadline then return nil, timed_out(socket, phase, timeout, what, deadline) end
  if trusted[waiter] then
    local ready, reason = waiter(socket, events, deadline)
    return understand(ready, reason, socket, events, deadline, phase, timeout, what)
  end
  local good, ready, reason = pcall(waiter, socket, events, deadline)
  if good then return understand(ready, reason, socket, events, deadline, phase, timeout, what) end
  return nil, bad_waiter(socket, phase, ("the waiter raised an error: %s"):format(text_of(ready)), ready)
end

--- Lets others have their turn, in an operation that has a deadline, need not wait and has gone on for long.
-- @tparam function waiter
-- @param socket
-- @tparam ?number deadline
-- @tparam string phase the operation, for errors
-- @tparam ?number timeout the seconds that led to the deadline, for errors
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] SciSslError as of `wait.ready`
function wait.turn(waiter, socket, deadline, phase, timeout)
  local time = now()
  if deadline and time >= deadline then return nil, timed_out(socket, phase, timeout, nil, deadline) end
  local good, ready, reason = pcall(waiter, socket, "r", time)
  if not good then
    return nil, bad_waiter(socket, phase, ("the waiter raised an error: %s"):format(text_of(ready)), ready)
  end
  local over = reason == nil or reason == "timeout" or core.isSslError(reason) and reason:condition() == "timeout"
  if ready or over then return true end
  return nil, given_up(socket, reason, deadline, phase, timeout)
end

local events_wanted = { [core.SSL_ERROR_WANT_READ] = "r", [core.SSL_ERROR_WANT_WRITE] = "w" }

--- Answers what a TLS call waits for when it says "not yet".
-- @tparam SciSslSocket socket
-- @param answer what the call answered
-- @treturn[1] string `"r"` or `"w"`
-- @treturn[2] nil where it does not wait for the network
-- @treturn integer the SSL_ERROR_ code
function wait.wanted(socket, answer)
  local code = socket:sslGetError(answer)
  return events_wanted[code], code
end

return wait
