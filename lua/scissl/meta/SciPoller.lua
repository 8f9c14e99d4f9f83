---Waits for many descriptors, at a cost that does not grow with their number. `scissl.scheduler` uses it.
---
---@meta SciPoller
---@class SciPoller
local SciPoller = {}

---Makes a SciPoller. A child that `fork` makes must make its own.
---
---@param way? string `epoll` (Linux), `kqueue` (macOS and the BSDs) or `poll` (everywhere, and slower the more it waits for); by default the best that the system has
---@return SciPoller?
---@return SciSslError? # phase `open`: `not_in_this_system`, or too many open files
---@see epoll(7), kqueue(2), poll(2)
---@usage
---```lua
---local poller = assert(scissl.SciPoller.new())
---local near, far = assert(scissl.SciSocket.pair())
---local descriptor = assert(poller:arm(near, "r"))
---far:send "hello"
---local count, ready = poller:wait(1)
---print(count, ready[1] == descriptor, ready[2]) --> 1 true r
---poller:arm(near, "r") -- once each time
---poller:disarm(descriptor)
---print(poller:wait(0)) --> 0 …
---```
function SciPoller.new(way) end

---Adds a descriptor to those that `wait` waits for, once: `wait` returns it and forgets it. A second call for the same
---descriptor replaces the first.
---
---@param target any a descriptor number, a SciSocket, or an object with `getfd`, `fileno` or `pollfd`
---@param events string `"r"`, `"w"` or `"rw"`
---@return integer? # the descriptor, as `wait` returns it
---@return SciSslError? # phase `wait`: `closed`, `not_a_socket`
---@usage
---```lua
---local poller = assert(scissl.SciPoller.new())
---local near, far = assert(scissl.SciSocket.pair())
---local descriptor = assert(poller:arm(near, "r"))
---far:send "hello"
---local count, ready = poller:wait(1)
---print(count, ready[1] == descriptor, ready[2]) --> 1 true r
---poller:arm(near, "r") -- once each time
---poller:disarm(descriptor)
---print(poller:wait(0)) --> 0 …
---```
function SciPoller:arm(target, events) end

---Forgets a descriptor. Harmless where it was not armed.
---
---@param descriptor integer
---@return SciPoller # the receiver
---@usage
---```lua
---local poller = assert(scissl.SciPoller.new())
---local near, far = assert(scissl.SciSocket.pair())
---local descriptor = assert(poller:arm(near, "r"))
---far:send "hello"
---local count, ready = poller:wait(1)
---print(count, ready[1] == descriptor, ready[2]) --> 1 true r
---poller:arm(near, "r") -- once each time
---poller:disarm(descriptor)
---print(poller:wait(0)) --> 0 …
---```
function SciPoller:disarm(descriptor) end

---Waits until something is ready, or the time has passed. What hung up or failed is ready: the next call on it reports why.
---
---@param seconds? number for ever by default
---@param results? table a table to write to instead of a new one; its other fields stay
---@return integer? # how many are ready, 0 after the time-out; one call may return only some of them
---@return table|SciSslError # a list of twice as many values: a descriptor, its events (`"r"`, `"w"` or `"rw"`), the next descriptor …; phase `wait`: `closed`
---@usage
---```lua
---local poller = assert(scissl.SciPoller.new())
---local near, far = assert(scissl.SciSocket.pair())
---local descriptor = assert(poller:arm(near, "r"))
---far:send "hello"
---local count, ready = poller:wait(1)
---print(count, ready[1] == descriptor, ready[2]) --> 1 true r
---poller:arm(near, "r") -- once each time
---poller:disarm(descriptor)
---print(poller:wait(0)) --> 0 …
---```
function SciPoller:wait(seconds, results) end

---Returns the way in which it waits.
---
---@return string? # `epoll`, `kqueue` or `poll`; nil once closed
---@usage
---```lua
---local poller = assert(scissl.SciPoller.new "poll")
---print(poller:way(), poller:getfd()) --> poll -1
---poller:close()
---```
function SciPoller:way() end

---Returns a descriptor that is readable as long as `wait` would return at once: one loop can wait for another.
---
---@return integer # -1 where there is none: once closed, and for `poll`
---@usage
---```lua
---local poller = assert(scissl.SciPoller.new "poll")
---print(poller:way(), poller:getfd()) --> poll -1
---poller:close()
---```
function SciPoller:getfd() end

---Closes the poller; what it waits for stays open. Harmless twice.
---
---@return boolean # true
---@usage
---```lua
---local poller = assert(scissl.SciPoller.new "poll")
---print(poller:way(), poller:getfd()) --> poll -1
---poller:close()
---```
function SciPoller:close() end

return SciPoller
