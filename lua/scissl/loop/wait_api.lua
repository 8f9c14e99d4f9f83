--- Waiting until a descriptor is ready, in whatever way the program waits.
--
-- A *waiter* is a function `waiter(socket, events, deadline)` that may yield. `socket` is anything with `getfd`,
-- `events` is `"r"`, `"w"` or `"rw"`, and `deadline` is in seconds on the clock of `SciSocket.now()` (nil: none). A
-- waiter returns
--
-- * true when the socket is ready for the events; `"r"`, `"w"` and `"rw"` mean the same
-- * nil or false, alone or with the reason `"timeout"`, when the deadline has passed
-- * nil or false and another reason when it cannot wait, or the wait was cancelled. A SciSslError is what the operation
--   then returns; any other value becomes the `cause` of a SciSslError `cancelled`
--
-- Every option `waiter` takes such a function, or the name of a module under `scissl.wait`:
--
-- * `"poll"` (default): the thread sleeps, in poll(2). Inside a running loop this stops the whole loop; Lua's `warn`
--   reports it once
-- * `"coroutine"`: the running coroutine yields to `scissl.scheduler`, or to another scheduler that knows what it
--   yields
-- * `"copas"`, `"cqueues"`, `"luv"`: the running coroutine sleeps in that loop
-- * `"select"`: the thread sleeps in LuaSocket's select
--
-- You can write a waiter for any other loop. For a loop that has `on_readable(descriptor, callback)`, `on_writable` and
-- `after(seconds, callback)`, each of which returns a function that cancels it:
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
-- TLS waits for `"r"` or `"w"`, never for both. A waiter may sometimes return true too early. A waiter that does so
-- again and again, returns anything else, or raises, ends the operation with a SciSslError `bad_waiter`.
-- @module scissl.wait

local options = require "scissl.base.option_table"
local wait = require "scissl.loop.wait"
local waiting = require "scissl.loop.wait_registry"

local check = options.checkArgument

local wait_api = {}

--- Finds a waiter.
-- @function scissl.wait.find
-- @param[opt="poll"] waiter a function, or a name: `"poll"`, `"coroutine"`, `"copas"`, `"cqueues"`, `"luv"`,
--  `"select"`, or another module under `scissl.wait`
-- @tparam[opt=1] integer level the stack level that an error points at, as for `error` in the caller
-- @treturn function
-- @raise for an unknown name, a name whose loop is not installed, or a value that cannot be called
function wait_api.find(waiter, level)
  check(2, "wait.find", level, "integer|nil", 2)
  return wait.find(waiter, (level or 1) + 1)
end

--- Turns a time-out into a deadline.
-- @function scissl.wait.deadline
-- @tparam ?number timeout seconds from now
-- @treturn ?number seconds on the clock of `SciSocket.now()`
function wait_api.deadline(timeout)
  check(1, "wait.deadline", timeout, "number|nil", 2)
  return wait.deadline(timeout)
end

--- Waits until a socket is ready, for an operation that has a deadline.
-- @function scissl.wait.ready
-- @tparam function waiter
-- @param socket
-- @tparam string events `"r"`, `"w"` or `"rw"`
-- @tparam ?number deadline
-- @tparam string phase the operation, for errors
-- @tparam ?number timeout the seconds that led to the deadline, for errors
-- @tparam[opt] string what words for what did not finish in time, for errors; otherwise the phase
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] SciSslError `timeout`; `cancelled`: the waiter gave up; `bad_waiter`: it raised, was wrong again and
--  again, or returned what a waiter must not return; or the SciSslError that it returned
function wait_api.ready(waiter, socket, events, deadline, phase, timeout, what)
  check(2, "wait.ready", socket, "pollable", 2)
  check(3, "wait.ready", events, "events", 2)
  check(4, "wait.ready", deadline, "number|nil", 2)
  check(5, "wait.ready", phase, "string|nil", 2)
  check(6, "wait.ready", timeout, "seconds|nil", 2)
  check(7, "wait.ready", what, "string|nil", 2)
  return wait.ready(waiter, socket, events, deadline, phase, timeout, what)
end

--- Lets other coroutines run, in an operation that has run for long without waiting.
-- @function scissl.wait.turn
-- @tparam function waiter
-- @param socket
-- @tparam ?number deadline
-- @tparam string phase the operation, for errors
-- @tparam ?number timeout the seconds that led to the deadline, for errors
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] SciSslError as `wait.ready`
function wait_api.turn(waiter, socket, deadline, phase, timeout)
  check(2, "wait.turn", socket, "pollable", 2)
  check(3, "wait.turn", deadline, "number|nil", 2)
  check(4, "wait.turn", phase, "string|nil", 2)
  check(5, "wait.turn", timeout, "seconds|nil", 2)
  return wait.turn(waiter, socket, deadline, phase, timeout)
end

--- Returns what a TLS call that was not ready waits for.
-- @function scissl.wait.wanted
-- @tparam SciSslSocket socket
-- @param result what the call returned
-- @treturn[1] string `"r"` or `"w"`
-- @treturn[2] nil it does not wait for the network
-- @treturn integer the SSL_ERROR_ code
function wait_api.wanted(socket, result)
  check(1, "wait.wanted", socket, "SciSslSocket|SciSslTrySocket", 2)
  return wait.wanted(socket, result)
end

-- For a stream or a listener, the socket that has the descriptor.
local function bare(target)
  if options.is(target, "SciSslStream") then return require "scissl.stream.link".base(target) end
  if type(target) == "table" and type(target.socket) == "function" then return target:socket() end
  return target
end

local known_options = { timeout = "seconds", deadline = "number", waiter = "string|callable" }

--- Waits until a stream or socket is ready. If it has bytes that were read ahead (it is `dirty`), it is ready at once.
-- @function scissl.wait.on
-- @param target SciSslStream, SciSslSocket, SciSocket, or an object with `getfd`
-- @tparam string events `"r"`, `"w"` or `"rw"`
-- @tparam[opt] table given options:
--
-- * `timeout`: seconds to wait; without it and `deadline` there is no limit
-- * `deadline`: a moment on the clock of `SciSocket.now()`, in place of `timeout`
-- * `waiter`: a name or a function (see `scissl.wait`)
--
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] SciSslError phase `wait`, as `wait.ready`
-- @raise for unknown options
function wait_api.on(target, events, given)
  check(1, "wait.on", target, "pollable", 2)
  check(2, "wait.on", events, "events", 2)
  given = options.read("wait.on", given or {}, known_options, 2)
  if events ~= "w" and type(target) ~= "number" and target.dirty and target:dirty() then return true end
  local waiter = wait.find(given.waiter, 2)
  local deadline = given.deadline or wait.deadline(given.timeout)
  target = bare(target)
  return wait.ready(waiter, target, events, deadline, "wait", given.timeout)
end

--- Cancels all waits of other coroutines for a stream or socket: their operations return nil and a SciSslError,
-- `cancelled`, whose `cause` is the reason. This can end a handshake that is no longer needed. It works with the
-- waiters `"coroutine"` (under `scissl.scheduler`), `"copas"`, `"cqueues"` and `"luv"`.
-- @function scissl.wait.cancel
-- @param target SciSslStream, SciSslSocket or SciSocket
-- @param[opt="cancelled"] reason
-- @treturn integer the number of waits
function wait_api.cancel(target, reason)
  check(1, "wait.cancel", target, "pollable", 2)
  target = bare(target)
  if reason == nil then reason = "cancelled" end
  return waiting.wake(target, nil, reason)
end

return wait_api
