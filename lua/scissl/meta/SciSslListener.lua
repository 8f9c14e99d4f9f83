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
function SciSslListener:acceptSocket(timeout) end

---Accepts a connection and does the handshake. Where that fails the connection is closed, and the listener goes on.
---
---@param timeout? number seconds to wait for a connection; without it, for ever. The handshake has its own: the option `timeout` of `scissl.listen`
---@return SciSslStream?
---@return SciSslError? # phase `listen`: no connection came in time (`timeout`); `accept`: what the handshake met
function SciSslListener:accept(timeout) end

---Answers where it listens.
---
---@return string # address
---@return integer # port
function SciSslListener:getSockName() end

---Sets the context of the connections that are accepted from now on, for example with a renewed certificate. Those
---that were accepted keep theirs.
---
---@param context SciSslContext
---@return SciSslListener # the receiver
---@raise for anything else
function SciSslListener:setContext(context) end

---Answers the context of the connections that are accepted now.
---
---@return SciSslContext
function SciSslListener:getContext() end

---Answers the listening socket, for event loops.
---
---@return SciSocket
function SciSslListener:socket() end

---Stops listening. Connections that were accepted stay. Harmless twice.
---
---@return boolean # true
function SciSslListener:close() end

return SciSslListener
