---A TLS server, in one call.
---
---@meta SciSslListener
---@class SciSslListener
local SciSslListener = {}

---Options of `SciSslListener:serve`.
---@class scissl.ServeOptions
---@field maxConnections? integer connections in service at a time; handshakes that have not finished do not count
---@field whenFull? string what happens to a client beyond them: `"wait"` (default): it is served when another connection has ended; `"refuse"`: its connection is closed at once, with the condition `too_many_connections` for `onError`
---@field endIdle? number seconds after `listener:stop`; then streams that are idle between two requests end: where something was written and nothing has arrived since, a read that waits fails with the condition `stopping`. It fails once for each stream: a handler may read on, until the deadline. Such an error that leaves a handler is not reported. Without this option such a stream stays until the deadline
---@field onAccept? function `onAccept(socket)`: called before the handshake; where it returns false, the connection is closed
---@field onHandshake? function `onHandshake(stream)`: called before the handler; where it returns false, the handler is not called
---@field onClose? function `onClose(stream, statistics)`: called before a stream closes, with what `SciSslSocket:statistics` returns
---@field onError? function `onError(failure, phase, subject)`: called for the SciSslError of a failed handshake (phase `"handshake"`, subject: the socket) and of accepting (`"accept"`, the listener), and for what a handler or another of these functions has raised (`"handler"`, the stream or socket; a string gets a traceback). By default each is a line on stderr, those of handshakes and of accepting at most ten in ten seconds
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
---if socket then -- the handshake may be made in a coroutine or a thread of its own
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
---@return SciSslError? # phase `accept`: why the handshake failed; `too_many_handshakes`
---@usage
---```lua
---local socket = listener:acceptSocket(0)
---if socket then
---  local stream, err = listener:handshake(socket) -- as accept does, with the listener's handlers
---end
---```
function SciSslListener:handshake(socket) end

---Accepts a connection and does the handshake. If the handshake fails, the connection is closed and the listener stays
---open. A client that sends nothing holds up the others, unless the listener has `concurrentHandshakes`.
---
---@param timeout? number seconds to wait for a connection; without it, forever. The handshake has its own: the option `handshakeTimeout` of `scissl.listen`
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
---@return boolean? # true, once the listener is closed or has stopped
---@return integer|SciSslError # the connections that `stop` has cut; 0 after `close`; accepting ended for another reason: `cancelled`, `bad_waiter`
---@raise for a handler that is no function, for unknown options, outside of the waiter's loop, and while another call serves the listener
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

---Sets the context of the connections that are accepted from now on. Earlier connections keep theirs.
---
---@param context any a SciSslContext; or a table of the options of `scissl.listen` that describe one: `certificate`, `privateKey`, `caFile`, `verify`, `profile`, `configuration` …
---@return SciSslListener? # the receiver
---@return SciSslError? # phase `load`: a file or setting was rejected; the listener keeps its context
---@raise for anything else, and for unknown options
---@usage
---```lua
---listener:setContext(serverContext) -- for the clients that connect from now on
---print(listener:getContext() == serverContext) --> true
---assert(listener:setContext { certificate = "server.pem", privateKey = "server.key", profile = "modern" })
---```
function SciSslListener:setContext(context) end

---Reads the files of the listener's options again: certificates, keys, CAs, CRLs, and those of its SNI map. Later
---connections use what they contain now; earlier ones keep what they have. Clients can go on with their sessions (see
---`SciSslContext:inheritSessions`).
---
---@return SciSslListener? # the receiver
---@return SciSslError? # phase `load`: a file is missing or bad, or a key does not belong to its certificate; the listener and its SNI map stay as they are. `not_reloadable`: `scissl.listen` or `setContext` got a SciSslContext
---@usage
---```lua
---local listener = assert(scissl.listen {
---  host = "127.0.0.1", port = 0, certificate = "server.pem", privateKey = "server.key",
---})
---assert(listener:reload()) -- reads server.pem and server.key again
---```
function SciSslListener:reload() end

---Stops a listener that `serve` serves. It accepts the clients that have connected before, and no others. Open
---connections may end by themselves within `seconds`; then they are cut, and unfinished handshakes, too. `serve`
---returns when no connection is left, and says how many were cut. Calling it again changes the time. Clients that keep
---their connection open without a request delay it: see `endIdle` of `serve`.
---
---Without `serve` it closes the listener.
---
---@param seconds? number (default: 30)
---@return boolean # true
---@raise for anything but 0 or more seconds
---@usage
---```lua
---local listener = assert(scissl.listen {
---  host = "127.0.0.1", port = 0, certificate = "server.pem", privateKey = "server.key", waiter = "coroutine",
---})
---local _, port = listener:getSockName()
---local loop = assert(scissl.scheduler.new())
---loop:spawn(function()
---  print(listener:serve(function(stream)
---    stream:write(stream:read "L") -- a client that has connected gets its answer
---    print(listener:isStopping()) --> true
---  end)) --> true 0
---end)
---loop:spawn(function()
---  local stream <close> = assert(scissl.connect { host = "localhost", port = port, caFile = "ca.pem", waiter = "coroutine" })
---  listener:stop(10) -- seconds until connections are cut
---  stream:write "hello\n"
---  print(stream:read()) --> hello
---end)
---assert(loop:run())
---```
function SciSslListener:stop(seconds) end

---Tells whether `stop` was called: a handler may then say so to its client, for example with `Connection: close`.
---
---@return boolean
---@usage
---```lua
---local listener = assert(scissl.listen {
---  host = "127.0.0.1", port = 0, certificate = "server.pem", privateKey = "server.key", waiter = "coroutine",
---})
---local _, port = listener:getSockName()
---local loop = assert(scissl.scheduler.new())
---loop:spawn(function()
---  print(listener:serve(function(stream)
---    stream:write(stream:read "L") -- a client that has connected gets its answer
---    print(listener:isStopping()) --> true
---  end)) --> true 0
---end)
---loop:spawn(function()
---  local stream <close> = assert(scissl.connect { host = "localhost", port = port, caFile = "ca.pem", waiter = "coroutine" })
---  listener:stop(10) -- seconds until connections are cut
---  stream:write "hello\n"
---  print(stream:read()) --> hello
---end)
---assert(loop:run())
---```
function SciSslListener:isStopping() end

---Returns the open streams of this listener, in no order.
---
---@return SciSslStream[]
---@usage
---```lua
---print(#listener:streams()) --> 0
---local counts = listener:statistics()
---print(counts.accepted, counts.handshakes, counts.open) --> 0 0 0
---```
function SciSslListener:streams() end

---Returns counts.
---
---@return table # of integers: `accepted` (connections), `handshaking` (handshakes that have not finished), `handshakes` (finished), `resumed` (those of them that resumed a session), `failed` (a table: failed handshakes by condition), `refused` (connections that `onAccept` or `maxConnections` refused), `open` (streams), `timeouts` (of handshakes and of the streams' operations), `bytesReceived`, `bytesSent` (of all streams, including what TLS adds)
---@usage
---```lua
---print(#listener:streams()) --> 0
---local counts = listener:statistics()
---print(counts.accepted, counts.handshakes, counts.open) --> 0 0 0
---```
function SciSslListener:statistics() end

---Returns the context of new connections.
---
---@return SciSslContext? # nil where the listener is in plain text
---@usage
---```lua
---listener:setContext(serverContext) -- for the clients that connect from now on
---print(listener:getContext() == serverContext) --> true
---assert(listener:setContext { certificate = "server.pem", privateKey = "server.key", profile = "modern" })
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

---Stops listening, which ends `serve` and a waiting `accept`. Accepted connections stay open. With
---`concurrentHandshakes`, handshakes under way end, and streams that `accept` has not returned are closed. Calling it
---again does nothing.
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
