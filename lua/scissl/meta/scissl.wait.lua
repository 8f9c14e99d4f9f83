---Waiting for a descriptor, in whatever way the program waits.
---
---A *waiter* is a function `waiter(socket, events, deadline)`. It answers true once `socket` (anything with `getfd`)
---is ready for `events` (`"r"`, `"w"` or `"rw"`), or nil when `deadline` has passed (seconds on the clock of
---`SciSocket.now()`; nil: none). Where it cannot wait at all, or has been told not to, it answers nil and a reason.
---It may yield. Every option `waiter` takes such a function, or the name of a module under `scissl.wait`:
---
---* `"poll"` (default): the thread sleeps, in poll(2). Inside a running loop this stops the whole loop; Lua's `warn`
---  reports it once
---* `"coroutine"`: the running coroutine sleeps, under `scissl.scheduler` or any other that knows what it yields
---* `"copas"`, `"cqueues"`, `"luv"`: the running coroutine sleeps, under that loop
---* `"select"`: the thread sleeps, in LuaSocket's select
---
---To write one is to say how one's own loop waits. For a loop that offers `on_readable(descriptor, callback)`,
---`on_writable` and `after(seconds, callback)`, each of which answers a function that takes it back:
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
---What TLS waits for is `"r"` or `"w"`, never both. A waiter that says "ready" too often is no harm, until it says
---nothing else; one that answers something else, or raises, ends the operation with a SciSslError.
---
---@meta scissl.wait
---@class scissl.wait
local wait = {}

---Finds a waiter.
---
---@param waiter? any (default: "poll") a function, or a name: `"poll"`, `"coroutine"`, `"copas"`, `"cqueues"`, `"luv"`, `"select"`, or another module under `scissl.wait`
---@param level? integer (default: 1) whom an error points at, as for `error` in the caller
---@return function
---@raise for an unknown name, one whose loop is not installed, or a value that cannot be called
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

---Waits, for an operation that has a deadline.
---
---@param waiter function
---@param socket any
---@param events string `"r"`, `"w"` or `"rw"`
---@param deadline number?
---@param phase string the operation, for errors
---@param timeout number? the seconds that led to the deadline, for errors
---@param what? string what the time was for, for errors; the phase where it is missing
---@return boolean? # true
---@return SciSslError? # `timeout`; `cancelled` where the waiter gave up before; `bad_waiter` where it raised, lied or answered what means nothing; what the waiter answered
---@usage
---```lua
---local wait = require "scissl.wait"
---local near, far = scissl.SciSocket.pair()
---local deadline = wait.deadline(0.01)
---local ready, err = wait.ready(wait.find "poll", near, "r", deadline, "read", 0.01)
---print(ready, err:condition()) --> nil timeout
---```
function wait.ready(waiter, socket, events, deadline, phase, timeout, what) end

---Lets others have their turn, in an operation that has a deadline, need not wait and has gone on for long.
---
---@param waiter function
---@param socket any
---@param deadline number?
---@param phase string the operation, for errors
---@param timeout number? the seconds that led to the deadline, for errors
---@return boolean? # true
---@return SciSslError? # as of `wait.ready`
---@usage
---```lua
---local wait = require "scissl.wait"
---local near, far = scissl.SciSocket.pair()
---print(wait.turn(wait.find "poll", near, wait.deadline(10), "read", 10)) --> true
---```
function wait.turn(waiter, socket, deadline, phase, timeout) end

---Answers what a TLS call waits for when it says "not yet".
---
---@param socket SciSslSocket
---@param answer any what the call answered
---@return string? # `"r"` or `"w"`; nil where it does not wait for the network
---@return integer? # the SSL_ERROR_ code
---@usage
---```lua
---local wait = require "scissl.wait"
---print(wait.wanted(server, server:sslRead())) --> r 2
---```
function wait.wanted(socket, answer) end

---Waits for a stream or socket, on one's own account. One that has something to read already (it is `dirty`), which
---its descriptor does not tell, is ready.
---
---@param target any SciSslStream, SciSslSocket, SciSocket, or an object with `getfd`
---@param events string `"r"`, `"w"` or `"rw"`
---@param given? table `timeout` (seconds), or `deadline` (on the clock of `SciSocket.now()`); `waiter`
---@return boolean? # true
---@return SciSslError? # phase `wait`, as of `wait.ready`
---@raise for unknown options
---@usage
---```lua
---local near, far = scissl.SciSocket.pair()
---print(scissl.wait.on(near, "w", { timeout = 1 })) --> true
---```
function wait.on(target, events, given) end

---Ends whatever waits for a stream or socket in other coroutines: the operation that waits answers nil and a
---SciSslError, `cancelled`, whose `cause` is the reason. So a handshake is ended that nobody wants any more.
---It works with the waiters `"coroutine"` (under `scissl.scheduler`), `"copas"`, `"cqueues"` and `"luv"`.
---
---@param target any SciSslStream, SciSslSocket or SciSocket
---@param reason? any (default: "cancelled")
---@return integer # how many waits there were
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
