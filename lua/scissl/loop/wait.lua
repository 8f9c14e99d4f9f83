--- Waiting for a descriptor: what `scissl.wait` does, for modules that have checked the arguments.
-- @module scissl.loop.wait

local core = require "scissl.core"
local options = require "scissl.base.option_table"
local result = require "scissl.loop.wait_result"
local text_of = require "scissl.base.safe_text"

local now = core.SciSocket.now

local wait = {}

local own = { "poll", "coroutine", "copas", "cqueues", "luv", "select" }

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
  if deadline and now() >= deadline then return nil, result.timedOut(socket, phase, timeout, what, deadline) end
  if trusted[waiter] then
    local ready, reason = waiter(socket, events, deadline)
    return result.understand(ready, reason, socket, events, deadline, phase, timeout, what)
  end
  local good, ready, reason = pcall(waiter, socket, events, deadline)
  if good then return result.understand(ready, reason, socket, events, deadline, phase, timeout, what) end
  return nil, result.badWaiter(socket, phase, ("the waiter raised an error: %s"):format(text_of(ready)), ready)
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
  if deadline and time >= deadline then return nil, result.timedOut(socket, phase, timeout, nil, deadline) end
  local good, ready, reason = pcall(waiter, socket, "r", time)
  if not good then
    return nil, result.badWaiter(socket, phase, ("the waiter raised an error: %s"):format(text_of(ready)), ready)
  end
  local over = reason == nil or reason == "timeout" or core.isSslError(reason) and reason:condition() == "timeout"
  if ready or over then return true end
  return nil, result.givenUp(socket, reason, deadline, phase, timeout)
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
