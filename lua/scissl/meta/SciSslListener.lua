---A TLS server, in one call.
---
---@meta SciSslListener
---@class SciSslListener
local SciSslListener = {}

---Options of `SciSslListener:serve`.
---@class scissl.ServeOptions
---@field maxConnections? integer connections at a time; further clients wait to be accepted
---@field onError? function `onError(failure, phase, subject)`: called for the SciSslError of a failed handshake (phase `"handshake"`, subject: the socket) and of accepting (`"accept"`, the listener), and for what a handler raised (`"handler"`, the stream; a string gets a traceback). By default errors of handlers are written to stderr, and the others are ignored
---@field spawn? function `spawn(f)`: starts a coroutine that runs `f`; for loops that scissl does not know

---Accepts a connection and does nothing else. A server with coroutines does the handshake in a coroutine, since it
---depends on the client's pace: `scissl.handshake(socket, "accept", …)`, then `scissl.stream(socket)`.
---
---@param timeout? number seconds to wait for a connection; without it, forever
---@return SciSslSocket? # non-blocking, initialised
---@return SciSslError? # `timeout`; `closed`; or as `SciSocket:accept`
---@usage
---```lua
---local socket, err = listener:acceptSocket(0)
---if socket then -- make the handshake later, in a coroutine of its own
---  assert(scissl.handshake(socket, "accept", { timeout = 10 }))
---end
---```
function SciSslListener:acceptSocket(timeout) end

---Does the handshake of a connection that `acceptSocket` has returned. If it fails, the connection is closed. If it
---fails with an alert, the connection is closed only for writing at first, and fully when the client has closed, or two
---seconds later, so that the alert arrives.
---
---@param socket SciSslSocket
---@return SciSslStream?
---@return SciSslError? # phase `accept`: why the handshake failed
---@usage
---```lua
---local socket = listener:acceptSocket(0)
---if socket then
---  local stream, err = listener:handshake(socket) -- as accept does, with the listener's handlers
---end
---```
function SciSslListener:handshake(socket) end

---Accepts a connection and does the handshake. If the handshake fails, the connection is closed and the listener stays
---open.
---
---@param timeout? number seconds to wait for a connection; without it, forever. The handshake has its own: the option `timeout` of `scissl.listen`
---@return SciSslStream?
---@return SciSslError? # phase `listen`: no connection arrived in time (`timeout`); `accept`: why the handshake failed
---@usage
---```lua
---local stream, err = listener:accept(0) -- seconds to wait for a client
---print(stream, err:condition()) --> nil timeout
---```
function SciSslListener:accept(timeout) end

---Accepts connections until the listener is closed, and calls `handler(stream)` for each, in a coroutine of its own:
---a slow handshake or a slow client does not delay the others. When the handler returns, its stream is closed; an error
---that it raises ends its own connection only.
---
---With the waiters `"poll"` (default) and `"select"` it runs a loop of its own, and returns when the listener has been
---closed and the last connection has ended. With `"coroutine"`, `"copas"`, `"cqueues"` and `"luv"`, call it in a
---coroutine of that loop; the handlers run in coroutines of that loop, and it returns when the listener is closed.
---
---@param handler function
---@param given? scissl.ServeOptions options
---@return boolean? # true, once the listener is closed
---@return SciSslError? # accepting ended for another reason: `cancelled`, `bad_waiter`
---@raise for a handler that is no function, for unknown options, and outside of the waiter's loop
---@usage
---```lua
---local listener = assert(scissl.listen {
---  host = "127.0.0.1", port = 0, certificate = "server.pem", privateKey = "server.key", waiter = "coroutine",
---})
---local _, port = listener:getSockName()
---local loop = assert(scissl.scheduler.new())
---loop:spawn(function()
---  assert(listener:serve(function(stream) -- each client in a coroutine of its own
---    for line in stream:lines "L" do stream:write(line) end
---  end))
---end)
---loop:spawn(function()
---  local stream = assert(scissl.connect { host = "localhost", port = port, caFile = "ca.pem", waiter = "coroutine" })
---  stream:write "hello\n"
---  print(stream:read()) --> hello
---  stream:close()
---  listener:close()
---end)
---assert(loop:run())
---```
function SciSslListener:serve(handler, given) end

---Returns the address and the port that it listens on.
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

---Sets the context of the connections that are accepted from now on, for example with a renewed certificate. Earlier
---connections keep theirs.
---
---@param context SciSslContext
---@return SciSslListener # the receiver
---@raise for anything else
---@usage
---```lua
---listener:setContext(serverContext) -- a renewed certificate, for connections from now on
---print(listener:getContext() == serverContext) --> true
---```
function SciSslListener:setContext(context) end

---Returns the context of new connections.
---
---@return SciSslContext
---@usage
---```lua
---listener:setContext(serverContext) -- a renewed certificate, for connections from now on
---print(listener:getContext() == serverContext) --> true
---```
function SciSslListener:getContext() end

---Returns the listening socket, for event loops.
---
---@return SciSocket
---@usage
---```lua
---print(listener:getSockName()) --> 127.0.0.1 …
---print(listener:socket():getfd() >= 0) --> true
---listener:close()
---```
function SciSslListener:socket() end

---Stops listening, which ends `serve` and a waiting `accept`. Accepted connections stay open. Calling it again does
---nothing.
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
