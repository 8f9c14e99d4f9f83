---A TLS server, in one call.
---
---@meta SciSslListener
---@class SciSslListener
local SciSslListener = {}

---Accepts a connection and does nothing else, so that a server with coroutines can do the handshake, which depends
---on the client's pace, in one of them: `scissl.handshake(socket, "accept", …)`, then `scissl.stream(socket)`.
---
---@param timeout? number seconds to wait for a connection; without it, for ever
---@return SciSslSocket? # non-blocking, initialised
---@return SciSslError? # `timeout`; `closed`; or another of `SciSocket:accept`
---@usage
---```lua
---local socket, err = listener:acceptSocket(0)
---if socket then -- the handshake may be made in a coroutine or a thread of its own
---  assert(scissl.handshake(socket, "accept", { timeout = 10 }))
---end
---```
function SciSslListener:acceptSocket(timeout) end

---Accepts a connection and does the handshake. Where that fails the connection is closed, and the listener goes on.
---
---@param timeout? number seconds to wait for a connection; without it, for ever. The handshake has its own: the option `timeout` of `scissl.listen`
---@return SciSslStream?
---@return SciSslError? # phase `listen`: no connection came in time (`timeout`); `accept`: what the handshake met
---@usage
---```lua
---local stream, err = listener:accept(0) -- seconds to wait for a client
---print(stream, err:condition()) --> nil timeout
---```
function SciSslListener:accept(timeout) end

---Answers where it listens.
---
---@return string # address
---@return integer # port
---@usage
---```lua
---print(listener:getSockName()) --> 127.0.0.1 …
---print(listener:socket():getfd() >= 0) --> true
---listener:close()
---```
function SciSslListener:getSockName() end

---Sets the context of the connections that are accepted from now on, for example with a renewed certificate. Those
---that were accepted keep theirs.
---
---@param context SciSslContext
---@return SciSslListener # the receiver
---@raise for anything else
---@usage
---```lua
---listener:setContext(serverContext) -- a renewed certificate: for whoever connects from now on
---print(listener:getContext() == serverContext) --> true
---```
function SciSslListener:setContext(context) end

---Answers the context of the connections that are accepted now.
---
---@return SciSslContext
---@usage
---```lua
---listener:setContext(serverContext) -- a renewed certificate: for whoever connects from now on
---print(listener:getContext() == serverContext) --> true
---```
function SciSslListener:getContext() end

---Answers the listening socket, for event loops.
---
---@return SciSocket
---@usage
---```lua
---print(listener:getSockName()) --> 127.0.0.1 …
---print(listener:socket():getfd() >= 0) --> true
---listener:close()
---```
function SciSslListener:socket() end

---Stops listening. Connections that were accepted stay. Harmless twice.
---
---@return boolean # true
---@usage
---```lua
---print(listener:getSockName()) --> 127.0.0.1 …
---print(listener:socket():getfd() >= 0) --> true
---listener:close()
---```
function SciSslListener:close() end

return SciSslListener
