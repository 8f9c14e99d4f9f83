---Two ends of a TLS connection in one process. What each sends reaches the other by itself, and is recorded.
---
---An end has every method of its SciSslSocket. Before each call it receives what the other end has sent, and after the
---call the other end gets what it has sent.
---
---@meta SciSslTrySocket
---@class SciSslTrySocket
local SciSslTrySocket = {}

---Prints the messages that were sent, in words.
---
---@param what? string|boolean nothing: those since the last call; `"all"`: all of them; true: print each message when it is sent, from now on; false: no longer
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

---Returns all messages, as `trace` prints them.
---
---@return string # lines of at most 80 columns; empty where nothing was sent
---@usage
---```lua
---local c, s = scissl.try()
---c:sslConnect()
---print(c:traceText()) --> …ClientHello…
---print(c:said()[1].name) --> ClientHello
---c:trace(false)
---```
function SciSslTrySocket:traceText() end

---Returns the messages that were sent.
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

---Returns the SciSslSocket of this end. Its bytes do not move by themselves.
---
---@return SciSslSocket
---@usage
---```lua
---local c, s = scissl.try()
---print(c:socket():isSecure()) --> false
---```
function SciSslTrySocket:socket() end

return SciSslTrySocket
