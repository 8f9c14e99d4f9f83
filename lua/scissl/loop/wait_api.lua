--- Waiting for a descriptor, in whatever way the program waits.
--
-- A *waiter* is a function `waiter(socket, events, deadline)`. It answers true once `socket` (anything with `getfd`)
-- is ready for `events` (`"r"`, `"w"` or `"rw"`), or nil when `deadline` has passed (seconds on the clock of
-- `SciSocket.now()`; nil: none). Where it cannot wait at all, or has been told not to, it answers nil and a reason.
-- It may yield. Every option `waiter` takes such a function, or the name of a module under `scissl.wait`:
--
-- * `"poll"` (default): the thread sleeps, in poll(2). Inside a running loop this stops the whole loop; Lua's `warn`
--   reports it once
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

local options = require "scissl.base.option_table"
local wait = require "scissl.loop.wait"
local waiting = require "scissl.loop.wait_registry"

local check = options.checkArgument

local wait_api = {}

--- Finds a waiter.
-- @function scissl.wait.find
-- @param[opt="poll"] waiter a function, or a name: `"poll"`, `"coroutine"`, `"copas"`, `"cqueues"`, `"luv"`,
--  `"select"`, or another module under `scissl.wait`
-- @tparam[opt=1] integer level whom an error points at, as for `error` in the caller
-- @treturn function
-- @raise for an unknown name, one whose loop is not installed, or a value that cannot be called
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

--- Waits, for an operation that has a deadline.
-- @function scissl.wait.ready
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
function wait_api.ready(waiter, socket, events, deadline, phase, timeout, what)
  check(2, "wait.ready", socket, "pollable", 2)
  check(3, "wait.ready", events, "events", 2)
  check(4, "wait.ready", deadline, "number|nil", 2)
  check(5, "wait.ready", phase, "string|nil", 2)
  check(6, "wait.ready", timeout, "seconds|nil", 2)
  check(7, "wait.ready", what, "string|nil", 2)
  return wait.ready(waiter, socket, events, deadline, phase, timeout, what)
end

--- Lets others have their turn, in an operation that has a deadline, need not wait and has gone on for long.
-- @function scissl.wait.turn
-- @tparam function waiter
-- @param socket
-- @tparam ?number deadline
-- @tparam string phase the operation, for errors
-- @tparam ?number timeout the seconds that led to the deadline, for errors
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] SciSslError as of `wait.ready`
function wait_api.turn(waiter, socket, deadline, phase, timeout)
  check(2, "wait.turn", socket, "pollable", 2)
  check(3, "wait.turn", deadline, "number|nil", 2)
  check(4, "wait.turn", phase, "string|nil", 2)
  check(5, "wait.turn", timeout, "seconds|nil", 2)
  return wait.turn(waiter, socket, deadline, phase, timeout)
end

--- Answers what a TLS call waits for when it says "not yet".
-- @function scissl.wait.wanted
-- @tparam SciSslSocket socket
-- @param answer what the call answered
-- @treturn[1] string `"r"` or `"w"`
-- @treturn[2] nil where it does not wait for the network
-- @treturn integer the SSL_ERROR_ code
function wait_api.wanted(socket, answer)
  check(1, "wait.wanted", socket, "SciSslSocket|SciSslTrySocket", 2)
  return wait.wanted(socket, answer)
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
-- @function scissl.wait.on
-- @param target SciSslStream, SciSslSocket, SciSocket, or an object with `getfd`
-- @tparam string events `"r"`, `"w"` or `"rw"`
-- @tparam[opt] table given `timeout` (seconds), or `deadline` (on the clock of `SciSocket.now()`); `waiter`
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] SciSslError phase `wait`, as of `wait.ready`
-- @raise for unknown options
function wait_api.on(target, events, given)
  check(1, "wait.on", target, "pollable", 2)
  check(2, "wait.on", events, "events", 2)
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
-- @function scissl.wait.cancel
-- @param target SciSslStream, SciSslSocket or SciSocket
-- @param[opt="cancelled"] reason
-- @treturn integer how many waits there were
function wait_api.cancel(target, reason)
  check(1, "wait.cancel", target, "pollable", 2)
  target = bare(target)
  if reason == nil then reason = "cancelled" end
  return waiting.wake(target, nil, reason)
end

return wait_api
