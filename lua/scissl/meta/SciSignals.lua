---Waits for signals as for a socket: in every loop, beside connections. A handler in C notes that a signal has arrived; no Lua
---runs in it.
---
---@meta SciSignals
---@class SciSignals
local SciSignals = {}

---Makes a SciSignals, which catches signals from now on. `scissl.signals.new` does the same and takes a waiter.
---
---@param ... string names of signals (see `scissl.signals.new`)
---@return SciSignals?
---@return SciSslError? # phase `open`: too many open files
---@raise for no name, and for names of other signals
---@usage
---```lua
---local signals = assert(scissl.SciSignals.new "SIGUSR1")
---print(signals:getfd() >= 0) --> true
---print(select(2, signals:take()):condition()) --> not_ready
---signals:close()
---```
function SciSignals.new(...) end

---Returns the signal that arrived first, without waiting, and forgets it. A signal that arrives several times before that counts
---once.
---
---@return string? # its name
---@return SciSslError? # phase `wait`: `not_ready` (no signal has arrived), `closed`; `other_process` in a child that `fork` made
---@usage
---```lua
---local signals = assert(scissl.SciSignals.new "SIGUSR1")
---print(signals:getfd() >= 0) --> true
---print(select(2, signals:take()):condition()) --> not_ready
---signals:close()
---```
function SciSignals:take() end

---Returns the descriptor that is readable when a signal has arrived, for event loops. Read it with `take` alone.
---
---@return integer # -1 once closed, and in a child that `fork` made
---@usage
---```lua
---local signals = assert(scissl.SciSignals.new "SIGUSR1")
---print(signals:getfd() >= 0) --> true
---print(select(2, signals:take()):condition()) --> not_ready
---signals:close()
---```
function SciSignals:getfd() end

---Handles the signals as before this object was made, unless another object waits for them, or other code has set a handler
---since. A wait ends with the condition `closed`. Calling it again does nothing. The collector does the same.
---
---@return boolean # true
---@see sigaction(2)
---@usage
---```lua
---local signals = assert(scissl.signals.new("SIGUSR1", "SIGTERM"))
---os.execute "kill -USR1 $PPID" -- in a program: another process sends it
---print(signals:wait()) --> SIGUSR1
---print(select(2, signals:wait(0)):condition()) --> timeout
---signals:close()
---```
function SciSignals:close() end

---Waits for a signal, in the way that the option `waiter` of `scissl.signals.new` names.
---
---@param timeout? number seconds; without it, no limit
---@return string? # the name of the signal that arrived first
---@return SciSslError? # phase `wait`: `timeout`, `cancelled`, `closed`; or as `take`
---@raise for anything but 0 or more seconds
---@usage
---```lua
---local signals = assert(scissl.signals.new("SIGUSR1", "SIGTERM"))
---os.execute "kill -USR1 $PPID" -- in a program: another process sends it
---print(signals:wait()) --> SIGUSR1
---print(select(2, signals:wait(0)):condition()) --> timeout
---signals:close()
---```
function SciSignals:wait(timeout) end

return SciSignals
