---The look-up of a host that runs in a thread of its own, so that it does not block the caller: its descriptor becomes readable
---when it is finished. `scissl.connect` uses it. A process has at most 16 such threads; further look-ups wait for one.
---
---@meta SciLookUp
---@class SciLookUp
local SciLookUp = {}

---Begins to look up the addresses of a host. The time-outs are the system resolver's; `close` ends the wait at any time.
---
---@param host string a name, or an address
---@param port any an integer from 0 to 65535, or the name of a service
---@param family? string `inet` or `inet6`; both by default
---@return SciLookUp?
---@return SciSslError? # phase `resolve`: too many open files
---@see getaddrinfo(3)
---@usage
---```lua
---local look_up <close> = assert(scissl.SciLookUp.new("localhost", 443, "inet"))
---scissl.wait.on(look_up, "r", { timeout = 20 })
---local found = assert(look_up:result())[1] -- the first of a list
---print(found.address, found.port, found.family) --> 127.0.0.1 443 inet
---local address = assert(scissl.SciLookUp.new("127.0.0.1", 443))
---print(address:getfd(), #address:result()) --> -1 1
---address:close()
---```
function SciLookUp.new(host, port, family) end

---Returns the addresses of the host, best first, once the look-up is finished.
---
---@return table[]? # as `SciSocket.resolve`
---@return SciSslError? # phase `resolve`: `not_ready`: wait until the look-up is readable; `closed`; or as `SciSocket.resolve`
---@usage
---```lua
---local look_up <close> = assert(scissl.SciLookUp.new("localhost", 443, "inet"))
---scissl.wait.on(look_up, "r", { timeout = 20 })
---local found = assert(look_up:result())[1] -- the first of a list
---print(found.address, found.port, found.family) --> 127.0.0.1 443 inet
---local address = assert(scissl.SciLookUp.new("127.0.0.1", 443))
---print(address:getfd(), #address:result()) --> -1 1
---address:close()
---```
function SciLookUp:result() end

---Returns the descriptor that becomes readable when the look-up is finished. Do not read from it.
---
---@return integer # -1 where there is nothing to wait for: the host is an address, or the look-up is closed
---@usage
---```lua
---local look_up <close> = assert(scissl.SciLookUp.new("localhost", 443, "inet"))
---scissl.wait.on(look_up, "r", { timeout = 20 })
---local found = assert(look_up:result())[1] -- the first of a list
---print(found.address, found.port, found.family) --> 127.0.0.1 443 inet
---local address = assert(scissl.SciLookUp.new("127.0.0.1", 443))
---print(address:getfd(), #address:result()) --> -1 1
---address:close()
---```
function SciLookUp:getfd() end

---Ends the look-up: its result is no longer wanted. Harmless twice. Leaving the scope of a `<close>` variable does the same.
---
---@return boolean # true
---@usage
---```lua
---local look_up <close> = assert(scissl.SciLookUp.new("localhost", 443, "inet"))
---scissl.wait.on(look_up, "r", { timeout = 20 })
---local found = assert(look_up:result())[1] -- the first of a list
---print(found.address, found.port, found.family) --> 127.0.0.1 443 inet
---local address = assert(scissl.SciLookUp.new("127.0.0.1", 443))
---print(address:getfd(), #address:result()) --> -1 1
---address:close()
---```
function SciLookUp:close() end

return SciLookUp
