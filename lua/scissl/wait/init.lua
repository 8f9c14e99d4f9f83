--- Waiting for a descriptor, in whatever way the program waits.
--
-- A *waiter* is a function `waiter(socket, events, deadline)`. It answers true once `socket` (anything with `getfd`)
-- is ready for `events` (`"r"`, `"w"` or `"rw"`), or nil when `deadline` has passed (seconds on the clock of
-- `SciSocket.now()`; nil: none). Where it cannot wait at all it answers nil and a reason.
-- It may yield. Every option `waiter` takes such a function, or the name of a module under `scissl.wait`.
-- @module scissl.wait

local core = require "scissl.core"
local options = require "scissl.options"

local SciSslError = core.SciSslError
local now = core.SciSocket.now

local wait = {}

--- Finds a waiter.
-- @param[opt="poll"] waiter a function, or a name: `"poll"`, `"coroutine"`
-- @tparam[opt=1] integer level whom an error points at, as for `error` in the caller
-- @treturn function
-- @raise for an unknown name, or a value that cannot be called
function wait.find(waiter, level)
  if waiter == nil then waiter = "poll" end
  if options.is(waiter, "callable") then return waiter end
  level = (level or 1) + 1
  if type(waiter) ~= "string" then
    error(("bad waiter (name or function expected, got %s)"):format(type(waiter)), level)
  end
  local found, module = pcall(require, "scissl.wait." .. waiter)
  if not found then error(("no waiter '%s':\n%s"):format(waiter, tostring(module)), level) end
  return module
end

--- Turns a time-out into a deadline.
-- @tparam ?number timeout seconds from now
-- @treturn ?number seconds on the clock of `SciSocket.now()`
function wait.deadline(timeout)
  return timeout and now() + timeout
end

local function timed_out(phase, timeout, what)
  local when = timeout and ("after %.4g seconds"):format(timeout) or "by its deadline"
  local message = ("%s was not over %s"):format(what or phase, when)
  return SciSslError.new { phase = phase, condition = "timeout", message = message }
end

-- What it means that a waiter did not say true.
local function given_up(reason, deadline, phase, timeout, what)
  local expired = reason == "timeout" or core.isSslError(reason) and reason:condition() == "timeout"
  if expired or reason == nil and deadline then return timed_out(phase, timeout, what) end
  if core.isSslError(reason) then return reason end
  return SciSslError.new {
    phase = phase,
    condition = "cancelled",
    message = reason ~= nil and ("the waiter gave up: %s"):format(tostring(reason)) or "the waiter gave up",
    cause = reason,
  }
end

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
-- @treturn[2] SciSslError `timeout`; `cancelled` where the waiter gave up before; what the waiter answered
function wait.ready(waiter, socket, events, deadline, phase, timeout, what)
  -- Also ends a waiter that says "ready" for ever.
  if deadline and now() >= deadline then return nil, timed_out(phase, timeout, what) end
  local ready, reason = waiter(socket, events, deadline)
  if ready then return true end
  return nil, given_up(reason, deadline, phase, timeout, what)
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
