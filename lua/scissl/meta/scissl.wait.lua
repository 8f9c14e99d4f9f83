---Waiting for a descriptor, in whatever way the program waits.
---
---A *waiter* is a function `waiter(socket, events, deadline)`. It answers true once `socket` (anything with `getfd`)
---is ready for `events` (`"r"`, `"w"` or `"rw"`), or nil when `deadline` has passed (seconds on the clock of
---`SciSocket.now()`; nil: none). Where it cannot wait at all it answers nil and a reason.
---It may yield. Every option `waiter` takes such a function, or the name of a module under `scissl.wait`.
---
---@meta scissl.wait
---@class scissl.wait
local wait = {}

---Finds a waiter.
---
---@param waiter? any (default: "poll") a function, or a name: `"poll"`, `"coroutine"`
---@param level? integer (default: 1) whom an error points at, as for `error` in the caller
---@return function
---@raise for an unknown name, or a value that cannot be called
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
---@return SciSslError? # `timeout`; `cancelled` where the waiter gave up before; what the waiter answered
---@usage
---```lua
---local wait = require "scissl.wait"
---local near, far = scissl.SciSocket.pair()
---local deadline = wait.deadline(0.01)
---local ready, err = wait.ready(wait.find "poll", near, "r", deadline, "read", 0.01)
---print(ready, err:condition()) --> nil timeout
---```
function wait.ready(waiter, socket, events, deadline, phase, timeout, what) end

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

return wait
