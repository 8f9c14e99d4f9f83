---A loop for coroutines that wait for sockets: what the waiter `"coroutine"` yields to.
---
---   local loop = scissl.scheduler.new()
---   loop:spawn(function()
---     local stream = assert(scissl.connect { host = "localhost", port = 4433, waiter = "coroutine" })
---     …
---   end)
---   loop:run()
---
---What an event costs does not grow with the number of connections: SciPoller keeps them in the kernel, and time-outs
---stand in a heap that an operation touches only where its deadline comes before all those of its coroutine so far.
---A coroutine that raises an error ends alone.
---
---@meta SciScheduler
---@class SciScheduler
local SciScheduler = {}

---Starts a coroutine: it runs when the loop does.
---
---@param f function
---@param ... any what it is called with
---@return thread
---@raise for something that is no function
---@usage
---```lua
---local loop = assert(scissl.scheduler.new())
---for _, word in ipairs { "one", "two" } do
---  loop:spawn(function()
---    loop:sleep(0)
---    print(word)
---  end)
---end
---print(loop:size()) --> 2
---assert(loop:run())
-----> one
-----> two
---```
function SciScheduler:spawn(f, ...) end

---Runs what is ready, waiting for it where nothing is.
---
---@param timeout? number seconds to wait at the most; without it, for ever
---@return boolean? # whether coroutines are left
---@return SciSslError? # phase `wait`, where waiting itself fails
---@usage
---```lua
---local loop = assert(scissl.scheduler.new())
---loop:spawn(function() print "in a coroutine" end) --> in a coroutine
---print(loop:step(0)) --> false -- nothing is left
---print(loop:getfd()) --> … -- another loop may wait for it, then call step(0)
---```
function SciScheduler:step(timeout) end

---Runs until no coroutine is left, or `stop` is called.
---
---@return boolean? # true
---@return SciSslError? # as `step`
---@usage
---```lua
---local loop = assert(scissl.scheduler.new())
---for _, word in ipairs { "one", "two" } do
---  loop:spawn(function()
---    loop:sleep(0)
---    print(word)
---  end)
---end
---print(loop:size()) --> 2
---assert(loop:run())
-----> one
-----> two
---```
function SciScheduler:run() end

---Has `run` return after the round at hand. What waits goes on waiting, and another `run` goes on with it.
---
---@return SciScheduler # the receiver
---@usage
---```lua
---local loop = assert(scissl.scheduler.new())
---loop:spawn(function()
---  loop:stop()
---  loop:sleep(3600)
---end)
---assert(loop:run()) -- returns, though one sleeps
---loop:close()
---```
function SciScheduler:stop() end

---Lets the running coroutine sleep, and the others run.
---
---@param seconds number 0: one round
---@return boolean? # true; nil where it was cancelled
---@return reason?
---@usage
---```lua
---local loop = assert(scissl.scheduler.new())
---for _, word in ipairs { "one", "two" } do
---  loop:spawn(function()
---    loop:sleep(0)
---    print(word)
---  end)
---end
---print(loop:size()) --> 2
---assert(loop:run())
-----> one
-----> two
---```
function SciScheduler:sleep(seconds) end

---Ends what a coroutine waits for: the operation answers nil and a SciSslError, `cancelled`, with the reason.
---
---@param thread thread as `spawn` has answered it
---@param reason? any (default: "cancelled")
---@return boolean # whether it waited for anything
---@usage
---```lua
---local loop = assert(scissl.scheduler.new())
---local sleeper = loop:spawn(function() print(loop:sleep(3600)) end)
---loop:spawn(function() print(loop:cancel(sleeper, "no longer wanted")) end)
---assert(loop:run())
-----> true
-----> nil no longer wanted
---```
function SciScheduler:cancel(thread, reason) end

---Answers how many coroutines have not ended.
---
---@return integer
---@usage
---```lua
---local loop = assert(scissl.scheduler.new())
---for _, word in ipairs { "one", "two" } do
---  loop:spawn(function()
---    loop:sleep(0)
---    print(word)
---  end)
---end
---print(loop:size()) --> 2
---assert(loop:run())
-----> one
-----> two
---```
function SciScheduler:size() end

---Answers a descriptor that is readable when there is something to do for the loop, so that another loop can wait
---for this one and then call `step(0)`. It knows nothing of time-outs.
---
---@return integer # -1 where the way to wait has none
---@usage
---```lua
---local loop = assert(scissl.scheduler.new())
---loop:spawn(function() print "in a coroutine" end) --> in a coroutine
---print(loop:step(0)) --> false -- nothing is left
---print(loop:getfd()) --> … -- another loop may wait for it, then call step(0)
---```
function SciScheduler:getfd() end

---Gives back what the loop holds. Coroutines that have not ended never go on.
---
---@return boolean # true
---@usage
---```lua
---local loop = assert(scissl.scheduler.new())
---loop:spawn(function()
---  loop:stop()
---  loop:sleep(3600)
---end)
---assert(loop:run()) -- returns, though one sleeps
---loop:close()
---```
function SciScheduler:close() end

return SciScheduler
