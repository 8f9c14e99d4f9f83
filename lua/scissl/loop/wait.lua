--- Waiting for a descriptor, in whatever way the program waits.
--
-- A *waiter* is a function `waiter(socket, events, deadline)`. It answers true once `socket` (anything with `getfd`)
-- is ready for `events` (`"r"`, `"w"` or `"rw"`), or nil when `deadline` has passed (seconds on the clock of
-- `SciSocket.now()`; nil: none). Where it cannot wait at all, or has been told not to, it answers nil and a reason.
-- It may yield. Every option `waiter` takes such a function, or the name of a module under `scissl.wait`:
--
-- * `"poll"` (default): the thread sleeps, in poll(2)
-- * `"coroutine"`: the running coroutine sleeps, under `scissl.scheduler` or any other that knows what it yields
-- * `"copas"`, `"cqueues"`, `"luv"`: the running coroutine sleeps, under that loop
-- * `"select"`: the thread sleeps, in LuaSocket's select
--
-- To write one is to say how one's own loop waits. For a loop that offers `on_readable(descriptor, callback)`,
-- `on_writable` and `after(seconds, callback)`, each of which answers a function that takes it back:
--
--    local function waiter(socket, events, deadline)
--      local thread, undo, timer = coroutine.running(), nil, nil
--      local function finish(ready)
--        undo()
--        if timer then timer() end
--        assert(coroutine.resume(thread, ready))
--      end
--      undo = (events == "r" and on_readable or on_writable)(socket:getfd(), function() finish(true) end)
--      timer = deadline and after(deadline - SciSocket.now(), function() finish(nil) end)
--      return coroutine.yield()
--    end
--
-- What TLS waits for is `"r"` or `"w"`, never both. A waiter that says "ready" too often is no harm, until it says
-- nothing else; one that answers something else, or raises, ends the operation with a SciSslError.
-- @module scissl.wait

local core = require "scissl.core"
local options = require "scissl.base.option_table"
local peer_of = require "scissl.base.peer_address"
local waiting = require "scissl.loop.wait_registry"

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
  if tostring(failure):find(("module 'scissl.wait.%s' not found"):format(name), 1, true) then
    return ("unknown waiter '%s'; use %s, or a function"):format(name, table.concat(own, ", "))
  end
  local missing = tostring(failure):match "module '([^']+)' not found"
  if missing then return ("the waiter '%s' needs the module '%s', which is not installed"):format(name, missing) end
  return ("the waiter '%s' cannot be loaded: %s"):format(name, tostring(failure))
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
    message = reason ~= nil and ("the waiter gave up: %s"):format(tostring(reason))
      or deadline and "the waiter gave up before the deadline"
      or "the waiter gave up",
    cause = reason,
    peer = peer_of(socket),
  }
end

local counts = setmetatable({}, { __mode = "k" }) -- how often each socket was said to be ready since it was checked

-- Whether "ready" is not true, once more after many times.
local function is_lie(socket, events)
  local count = (counts[socket] or 0) + 1
  counts[socket] = count
  if count < CHECK_AFTER then return false end
  if socket:getfd() >= 0 and not socket:wait(events, 0) then return count >= CHECK_AFTER + LIES end
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
  return nil, bad_waiter(socket, phase, ("the waiter raised an error: %s"):format(tostring(ready)), ready)
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
    return nil, bad_waiter(socket, phase, ("the waiter raised an error: %s"):format(tostring(ready)), ready)
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

-- Streams and listeners wait for the socket underneath.
local function bare(target)
  if options.is(target, "SciSslStream") then return target.link:base() end
  if type(target) == "table" and type(target.socket) == "function" then return target:socket() end
  return target
end

local known_options = { timeout = "seconds", deadline = "number", waiter = "string|callable" }

--- Waits for a stream or socket, on one's own account. One that has something to read already (it is `dirty`), which
-- its descriptor does not tell, is ready.
-- @param target SciSslStream, SciSslSocket, SciSocket, or an object with `getfd`
-- @tparam string events `"r"`, `"w"` or `"rw"`
-- @tparam[opt] table given `timeout` (seconds), or `deadline` (on the clock of `SciSocket.now()`); `waiter`
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] SciSslError phase `wait`, as of `wait.ready`
-- @raise for unknown options
function wait.on(target, events, given)
  given = given or {}
  options.check("wait.on", given, known_options, 2)
  if events ~= "w" and type(target) ~= "number" and target.dirty and target:dirty() then return true end
  local waiter = wait.find(given.waiter, 2)
  local deadline = given.deadline or wait.deadline(given.timeout)
  target = bare(target)
  return wait.ready(waiter, target, events, deadline, "wait", given.timeout)
end

--- Ends whatever waits for a stream or socket in other coroutines: the operation that waits answers nil and a
-- SciSslError, `cancelled`, whose `cause` is the reason. So a handshake is ended that nobody wants any more.
-- It works with the waiters `"coroutine"` (under `scissl.scheduler`), `"copas"`, `"cqueues"` and `"luv"`.
-- @param target SciSslStream, SciSslSocket or SciSocket
-- @param[opt="cancelled"] reason
-- @treturn integer how many waits there were
function wait.cancel(target, reason)
  target = bare(target)
  if reason == nil then reason = "cancelled" end
  return waiting.wake(target, nil, reason)
end

return wait
