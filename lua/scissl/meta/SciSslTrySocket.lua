---Two ends that talk to each other in one process: what each says reaches the other by itself, and is noted.
---
---An end answers every method of the SciSslSocket within it. Before each call it is given what the other has said
---meanwhile, and after it what it has said itself is taken to the other; both ends know all that was said so far.
---
---@meta SciSslTrySocket
---@class SciSslTrySocket
local SciSslTrySocket = {}

---Prints what has been said, message by message, in words.
---
---@param what? string|boolean nothing: what is new since the last time; `"all"`: everything; true: from now on each message as it is sent; false: no longer
---@raise for anything else
---@usage
---```lua
---local c, s = scissl.try()
---c:sslConnect()
---print(c:traceText()) --> …ClientHello…
---print(c:said()[1].name) --> ClientHello
---c:trace(false)
---```
function SciSslTrySocket:trace(what) end

---Answers everything that has been said, in the words of `trace`.
---
---@return string # lines of 80 columns at the most; empty where nothing has been said
---@usage
---```lua
---local c, s = scissl.try()
---c:sslConnect()
---print(c:traceText()) --> …ClientHello…
---print(c:said()[1].name) --> ClientHello
---c:trace(false)
---```
function SciSslTrySocket:traceText() end

---Answers what has been said.
---
---@return table[] # in order, each with `from` (`"client"`, `"server"`), `kind` and `name` (as `SciSslSocket:traceEvents`; `"data"` for application data), `length` (bytes) and `words` (what it means)
---@usage
---```lua
---local c, s = scissl.try()
---c:sslConnect()
---print(c:traceText()) --> …ClientHello…
---print(c:said()[1].name) --> ClientHello
---c:trace(false)
---```
function SciSslTrySocket:said() end

---Answers the SciSslSocket within. Its bytes do not move by themselves.
---
---@return SciSslSocket
---@usage
---```lua
---local c, s = scissl.try()
---print(c:socket():isSecure()) --> false
---```
function SciSslTrySocket:socket() end

return SciSslTrySocket
