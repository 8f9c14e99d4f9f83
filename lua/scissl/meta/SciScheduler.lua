---A loop for coroutines that wait for sockets: the waiter `"coroutine"` yields to it.
---
---   local loop = scissl.scheduler.new()
---   loop:spawn(function()
---     local stream = assert(scissl.connect { host = "localhost", port = 4433, waiter = "coroutine" })
---     …
---   end)
---   loop:run()
---
---The cost of an event does not grow with the number of connections: SciPoller keeps the descriptors in the kernel, and
---deadlines stand in a heap, which an operation changes only where its deadline is earlier than the one set for its
---coroutine. An error in a coroutine ends that coroutine alone.
---
---@meta SciScheduler
---@class SciScheduler
local SciScheduler = {}

---Starts a coroutine: it runs when the loop does.
---
---@param f function
---@param ... any arguments of the function
---@return thread
---@raise for anything but a function
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

---Runs one round: waits until something is ready, and runs that.
---
---@param timeout? number seconds to wait at most; without it, no limit
---@return boolean? # whether coroutines are left
---@return SciSslError? # phase `wait`: waiting itself failed
---@usage
---```lua
---local loop = assert(scissl.scheduler.new())
---loop:spawn(function() print "in a coroutine" end) --> in a coroutine
---print(loop:step(0)) --> false -- no coroutine is left
---print(loop:getfd()) --> … -- another loop can wait for this descriptor, then call step(0)
---```
function SciScheduler:step(timeout) end

---Runs until all coroutines have ended, or `stop` is called.
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

---Makes `run` return after the current round. Waits stay, and a later `run` continues.
---
---@return SciScheduler # the receiver
---@usage
---```lua
---local loop = assert(scissl.scheduler.new())
---loop:spawn(function()
---  loop:stop()
---  loop:sleep(3600)
---end)
---assert(loop:run()) -- returns, although one coroutine sleeps
---loop:close()
---```
function SciScheduler:stop() end

---Lets the running coroutine sleep while the others run.
---
---@param seconds number 0: one round
---@return boolean? # true; nil it was cancelled
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

---Cancels the wait of a coroutine: its operation returns nil and a SciSslError, `cancelled`, with the reason.
---
---@param thread thread what `spawn` returned
---@param reason? any (default: "cancelled")
---@return boolean # whether it was waiting
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

---Returns the number of coroutines that have not ended.
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

---Returns a descriptor that is readable when the loop has something to do, so that another loop can wait for it and
---then call `step(0)`. It does not become readable for deadlines.
---
---@return integer # -1 where the poller has none
---@usage
---```lua
---local loop = assert(scissl.scheduler.new())
---loop:spawn(function() print "in a coroutine" end) --> in a coroutine
---print(loop:step(0)) --> false -- no coroutine is left
---print(loop:getfd()) --> … -- another loop can wait for this descriptor, then call step(0)
---```
function SciScheduler:getfd() end

---Frees the loop's resources. Coroutines that have not ended never continue.
---
---@return boolean # true
---@usage
---```lua
---local loop = assert(scissl.scheduler.new())
---loop:spawn(function()
---  loop:stop()
---  loop:sleep(3600)
---end)
---assert(loop:run()) -- returns, although one coroutine sleeps
---loop:close()
---```
function SciScheduler:close() end

return SciScheduler
