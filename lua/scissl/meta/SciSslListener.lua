---A TLS server, in one call.
---
---@meta SciSslListener
---@class SciSslListener
local SciSslListener = {}

---Options of `SciSslListener:serve`.
---@class scissl.ServeOptions
---@field maxConnections? integer how many at a time; more wait to be accepted
---@field onError? function `onError(failure, phase, subject)`: gets what went wrong: the SciSslError of a failed handshake (phase `"handshake"`, with the socket) or of accepting (`"accept"`, with the listener), and what a handler has raised (`"handler"`, with the stream; texts have a traceback). By default the last is written to stderr
---@field spawn? function `spawn(f)`: starts a coroutine, for loops that are not known here

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

---Does the handshake of a connection that `acceptSocket` has answered. Where it fails the connection is closed. Where
---it has sent an alert, it is closed for writing first, and altogether once the client has closed, or two seconds
---later: so the alert arrives.
---
---@param socket SciSslSocket
---@return SciSslStream?
---@return SciSslError? # phase `accept`: what the handshake met
---@usage
---```lua
---local socket = listener:acceptSocket(0)
---if socket then
---  local stream, err = listener:handshake(socket) -- as accept does, with the listener's handlers
---end
---```
function SciSslListener:handshake(socket) end

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

---Accepts connections until the listener is closed, and calls `handler(stream)` for each, in a coroutine of its own:
---neither a slow handshake nor a slow client holds up the others. When the handler returns the stream is closed; what
---it raises ends its own connection only.
---
---With the waiters `"poll"` (default) and `"select"` it brings a loop of its own, and returns when the listener has
---been closed and the last connection has ended. With `"coroutine"`, `"copas"`, `"cqueues"` and `"luv"` it runs in a
---coroutine of that loop, as do the handlers; it returns when the listener is closed.
---
---@param handler function
---@param given? scissl.ServeOptions options
---@return boolean? # true, once the listener is closed
---@return SciSslError? # where accepting is over for another reason: `cancelled`, `bad_waiter`
---@raise for something that is no function, unknown options, and outside of the waiter's loop
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

---Stops listening, which ends `serve` and an `accept` that waits. Connections that were accepted stay. Harmless twice.
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
