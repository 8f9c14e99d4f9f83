---Waiting until a descriptor is ready, in whatever way the program waits.
---
---A *waiter* is a function `waiter(socket, events, deadline)` that may yield. `socket` is anything with `getfd`,
---`events` is `"r"`, `"w"` or `"rw"`, and `deadline` is in seconds on the clock of `SciSocket.now()` (nil: none). A
---waiter returns
---
---* true when the socket is ready for the events; `"r"`, `"w"` and `"rw"` mean the same
---* nil or false, alone or with the reason `"timeout"`, when the deadline has passed
---* nil or false and another reason when it cannot wait, or the wait was cancelled. A SciSslError is what the operation
---  then returns; any other value becomes the `cause` of a SciSslError `cancelled`
---
---Every option `waiter` takes such a function, or the name of a module under `scissl.wait`:
---
---* `"poll"` (default): the thread sleeps, in poll(2). Inside a running loop this stops the whole loop; Lua's `warn`
---  reports it once
---* `"coroutine"`: the running coroutine yields to `scissl.scheduler`, or to another scheduler that knows what it
---  yields
---* `"copas"`, `"cqueues"`, `"luv"`: the running coroutine sleeps in that loop
---* `"select"`: the thread sleeps in LuaSocket's select
---
---You can write a waiter for any other loop. For a loop that has `on_readable(descriptor, callback)`, `on_writable` and
---`after(seconds, callback)`, each of which returns a function that cancels it:
---
---   local function waiter(socket, events, deadline)
---     local thread, undo, timer = coroutine.running(), nil, nil
---     local function finish(ready)
---       undo()
---       if timer then timer() end
---       assert(coroutine.resume(thread, ready))
---     end
---     undo = (events == "r" and on_readable or on_writable)(socket:getfd(), function() finish(true) end)
---     timer = deadline and after(deadline - SciSocket.now(), function() finish(nil) end)
---     return coroutine.yield()
---   end
---
---TLS waits for `"r"` or `"w"`, never for both. A waiter may sometimes return true too early. A waiter that does so
---again and again, returns anything else, or raises, ends the operation with a SciSslError `bad_waiter`.
---
---@meta scissl.wait
---@class scissl.wait
local wait = {}

---Options of `scissl.wait.on`.
---@class scissl.WaitOnOptions
---@field timeout? number seconds to wait; without it and `deadline` there is no limit
---@field deadline? number a moment on the clock of `SciSocket.now()`, in place of `timeout`
---@field waiter? string|function a name or a function (see `scissl.wait`)

---Finds a waiter.
---
---@param waiter? any (default: "poll") a function, or a name: `"poll"`, `"coroutine"`, `"copas"`, `"cqueues"`, `"luv"`, `"select"`, or another module under `scissl.wait`
---@param level? integer (default: 1) the stack level that an error points at, as for `error` in the caller
---@return function
---@raise for an unknown name, a name whose loop is not installed, or a value that cannot be called
---@usage
---```lua
---local wait = require "scissl.wait"
---local waiter = wait.find "poll"
---local near, far = scissl.SciSocket.pair()
---print(waiter(near, "w", scissl.SciSocket.now() + 1) ~= nil) --> true
---```
function wait.find(waiter, level) end

---Turns a time-out into a deadline.
---
---@param timeout number? seconds from now
---@return number? # seconds on the clock of `SciSocket.now()`
---@usage
---```lua
---local wait = require "scissl.wait"
---local near, far = scissl.SciSocket.pair()
---local deadline = wait.deadline(0.01)
---local ready, err = wait.ready(wait.find "poll", near, "r", deadline, "read", 0.01)
---print(ready, err:condition()) --> nil timeout
---```
function wait.deadline(timeout) end

---Waits until a socket is ready, for an operation that has a deadline.
---
---@param waiter function
---@param socket any
---@param events string `"r"`, `"w"` or `"rw"`
---@param deadline number?
---@param phase string the operation, for errors
---@param timeout number? the seconds that led to the deadline, for errors
---@param what? string words for what did not finish in time, for errors; otherwise the phase
---@return boolean? # true
---@return SciSslError? # `timeout`; `cancelled`: the waiter gave up; `bad_waiter`: it raised, was wrong again and again, or returned what a waiter must not return; or the SciSslError that it returned
---@usage
---```lua
---local wait = require "scissl.wait"
---local near, far = scissl.SciSocket.pair()
---local deadline = wait.deadline(0.01)
---local ready, err = wait.ready(wait.find "poll", near, "r", deadline, "read", 0.01)
---print(ready, err:condition()) --> nil timeout
---```
function wait.ready(waiter, socket, events, deadline, phase, timeout, what) end

---Lets other coroutines run, in an operation that has run for long without waiting.
---
---@param waiter function
---@param socket any
---@param deadline number?
---@param phase string the operation, for errors
---@param timeout number? the seconds that led to the deadline, for errors
---@return boolean? # true
---@return SciSslError? # as `wait.ready`
---@usage
---```lua
---local wait = require "scissl.wait"
---local near, far = scissl.SciSocket.pair()
---print(wait.turn(wait.find "poll", near, wait.deadline(10), "read", 10)) --> true
---```
function wait.turn(waiter, socket, deadline, phase, timeout) end

---Returns what a TLS call that was not ready waits for.
---
---@param socket SciSslSocket
---@param result any what the call returned
---@return string? # `"r"` or `"w"`; nil it does not wait for the network
---@return integer? # the SSL_ERROR_ code
---@usage
---```lua
---local wait = require "scissl.wait"
---print(wait.wanted(server, server:sslRead())) --> r 2
---```
function wait.wanted(socket, result) end

---Waits until a stream or socket is ready. If it has bytes that were read ahead (it is `dirty`), it is ready at once.
---
---@param target any SciSslStream, SciSslSocket, SciSocket, or an object with `getfd`
---@param events string `"r"`, `"w"` or `"rw"`
---@param given? scissl.WaitOnOptions options
---@return boolean? # true
---@return SciSslError? # phase `wait`, as `wait.ready`
---@raise for unknown options
---@usage
---```lua
---local near, far = scissl.SciSocket.pair()
---print(scissl.wait.on(near, "w", { timeout = 1 })) --> true
---```
function wait.on(target, events, given) end

---Cancels all waits of other coroutines for a stream or socket: their operations return nil and a SciSslError,
---`cancelled`, whose `cause` is the reason. This can end a handshake that is no longer needed. It works with the
---waiters `"coroutine"` (under `scissl.scheduler`), `"copas"`, `"cqueues"` and `"luv"`.
---
---@param target any SciSslStream, SciSslSocket or SciSocket
---@param reason? any (default: "cancelled")
---@return integer # the number of waits
---@usage
---```lua
---local loop = assert(scissl.scheduler.new())
---local near, far = scissl.SciSocket.pair()
---loop:spawn(function()
---  local ready, err = scissl.wait.on(near, "r", { waiter = "coroutine" })
---  print(err:condition()) --> cancelled
---end)
---loop:spawn(function() scissl.wait.cancel(near) end)
---assert(loop:run())
---```
function wait.cancel(target, reason) end

return wait
