--- Waiting for a descriptor until a deadline, and making deadlines of time-outs: what `scissl.wait` does, for modules
-- that have checked the arguments. (The deadline of a stream's operation is made in csrc/stream/stream_bytes.c.)
-- @module scissl.loop.wait

local core = require "scissl.core"
local options = require "scissl.base.option_table"
local poll_waiter = require "scissl.loop.poll_waiter"
local result = require "scissl.loop.wait_result"
local text_of = require "scissl.base.safe_text"

local now = core.SciSocket.now

local wait = {}

local own = { "poll", "coroutine", "copas", "cqueues", "luv", "select" }

-- ---- finding a waiter

-- Our own waiters are called without pcall: they raise only for a mistake of the caller, or for Ctrl-C.
local trusted = {}

local function is_own(waiter)
  for _, name in ipairs(own) do
    if package.loaded[("scissl.loop.%s_waiter"):format(name)] == waiter then return true end
  end
  return false
end

-- Tells a missing waiter from one whose loop is missing.
local function no_waiter(name, failure)
  if text_of(failure):find(("module 'scissl.wait.%s' not found"):format(name), 1, true) then
    return ("unknown waiter '%s'; use %s, or a function"):format(name, table.concat(own, ", "))
  end
  local missing = text_of(failure):match "module '([^']+)' not found"
  if missing then return ("the waiter '%s' needs the module '%s', which is not installed"):format(name, missing) end
  return ("the waiter '%s' cannot be loaded: %s"):format(name, text_of(failure))
end

-- Returns the waiter of that name, or the function itself. Raises at `level`, as `error` in the caller does.
function wait.find(waiter, level)
  if waiter == nil then waiter = "poll" end
  if type(waiter) == "string" then
    local module = package.loaded["scissl.wait." .. waiter]
    if trusted[module] then return module end -- it was found before
  elseif trusted[waiter] then return waiter end
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

-- Whether a waiter stops the thread, and so all coroutines.
function wait.blocksThread(waiter)
  return waiter == package.loaded["scissl.loop.poll_waiter"] or waiter == package.loaded["scissl.loop.select_waiter"]
end

-- How C waits by itself with a waiter, where it has nothing else to do: true: by yielding what the waiter would; the
-- waiter: by calling it, since it is our own and yields; false: not at all.
function wait.inC(waiter)
  if waiter == package.loaded["scissl.loop.coroutine_waiter"] then return true end
  return trusted[waiter] and not wait.blocksThread(waiter) and waiter
end

-- Turns a time-out into a deadline.
function wait.deadline(timeout)
  return timeout and now() + timeout
end

-- ---- waiting

--- As `scissl.wait.ready`.
function wait.ready(waiter, socket, events, deadline, phase, timeout, what)
  -- This also ends a waiter that always says that the socket is ready.
  if deadline and now() >= deadline then return nil, result.timedOut(socket, phase, timeout, what, deadline) end
  if trusted[waiter] then
    local ready, reason = waiter(socket, events, deadline)
    if ready and waiter == poll_waiter then return true end -- the system has said so
    return result.understand(ready, reason, socket, events, deadline, phase, timeout, what)
  end
  local good, ready, reason = pcall(waiter, socket, events, deadline)
  if good then return result.understand(ready, reason, socket, events, deadline, phase, timeout, what) end
  return nil, result.badWaiter(socket, phase, ("the waiter raised an error: %s"):format(text_of(ready)), ready)
end

--- As `scissl.wait.turn`.
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

--- As `scissl.wait.wanted`.
function wait.wanted(socket, value)
  local code = socket:sslGetError(value)
  return events_wanted[code], code
end

return wait
