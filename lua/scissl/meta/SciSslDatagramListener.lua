---A server of DTLS: one socket, and an association for each peer.
---
---The server works while one of its calls waits: `serve`, `accept`, or `receive` of one of its associations. Datagrams
---that come between two calls wait in the system.
---
---@meta SciSslDatagramListener
---@class SciSslDatagramListener
local SciSslDatagramListener = {}

---Options of `SciSslDatagramListener:serve`.
---@class scissl.DatagramServeOptions
---@field onAccept? function `onAccept(address, port)`: called for each peer that has shown by its cookie that it receives there, before its handshake; where it returns false, there is none
---@field onAssociation? function `onAssociation(association)`: called for each peer whose handshake is done; where it returns false, the association is closed
---@field onClose? function `onClose(association, statistics)`: called for each association that ends, with what `SciSslSocket:statistics` returns
---@field onError? function `onError(failure, phase, association)`: called for the SciSslError of a failed handshake (phase `"handshake"`), and for what a handler or another of these functions has raised (`"handler"`). By default each is a line on stderr
---@field spawn? function `spawn(f)`: starts a coroutine that runs `f`; for loops that scissl does not know

---Waits for the next peer whose handshake is done.
---
---@param timeout? number seconds; without it, for ever
---@return SciSslAssociation?
---@return SciSslError? # phase `listen`: `timeout`, `closed`, `cancelled`
---@usage
---```lua
---local server = assert(scissl.datagram.listen { host = "127.0.0.1", port = 0, psk = { sensor = "sixteen bytes ..." } })
---print(server:getSockName()) --> 127.0.0.1 …
---local association, failure = server:accept(0.1) -- nothing has come
---print(association, failure:condition()) --> nil timeout
---print(server:socket():isDatagram()) --> true
---```
function SciSslDatagramListener:accept(timeout) end

---Calls a function for each message of each peer, until the listener is closed or has stopped.
---
---@param handler function `handler(association, message)`: usually it calls `association:send(reply)`. In a loop (the waiters `"coroutine"`, `"copas"`, `"cqueues"`, `"luv"`) it runs in a coroutine of its own and may wait; otherwise the next message has to wait for it
---@param given? scissl.DatagramServeOptions options
---@return boolean? # true, once the listener is closed or has stopped
---@return integer|SciSslError # the associations and unfinished handshakes that `stop` has ended; 0 after `close`; the waiter gave up: `cancelled`, `bad_waiter`
---@raise for a handler that is no function, for unknown options, outside of the waiter's loop, and while another call serves the listener
---@usage
---```lua
---local server = assert(scissl.datagram.listen {
---  host = "127.0.0.1", port = 0, psk = { sensor = "sixteen bytes ..." }, waiter = "coroutine",
---})
---local _, port = server:getSockName()
---local loop = scissl.scheduler.new()
---loop:spawn(function()
---  server:serve(function(association, message)
---    association:send(message:upper())
---    print(#server:associations()) --> 1
---  end)
---end)
---loop:spawn(function()
---  local client = assert(scissl.datagram.connect {
---    host = "127.0.0.1", port = port, psk = { identity = "sensor", key = "sixteen bytes ..." }, waiter = "coroutine",
---  })
---  client:send "hello"
---  print(client:receive(5)) --> HELLO
---  print(server:statistics().handshakes) --> 1
---  print(server:close()) --> true
---end)
---loop:run()
---```
function SciSslDatagramListener:serve(handler, given) end

---Stops a listener that `serve` serves. It begins no more handshakes. Associations may end by themselves within
---`seconds`: a peer closes, `idleTimeout` passes, or the program closes them. Then the others are closed, with
---close_notify, and `serve` returns how many. Calling it again changes the time.
---
---Without `serve` it closes the listener.
---
---@param seconds? number (default: 30)
---@return boolean # true
---@raise for anything but 0 or more seconds
---@usage
---```lua
---local context = assert(scissl.SciSslContext.new "DTLS")
---assert(context:setPskServer { sensor = "sixteen bytes ..." })
---local server = assert(scissl.datagram.listen { host = "127.0.0.1", port = 0, psk = { sensor = "sixteen bytes ..." } })
---print(server:reload() == server) --> true
---print(server:setContext(context) == server, server:getContext() == context) --> true true
---local done, failure = server:reload()
---print(done, failure:condition()) --> nil not_reloadable
---print(server:stop(5), server:isStopping()) --> true false -- nothing served it: it is closed
---```
function SciSslDatagramListener:stop(seconds) end

---Tells whether `stop` was called.
---
---@return boolean
---@usage
---```lua
---local context = assert(scissl.SciSslContext.new "DTLS")
---assert(context:setPskServer { sensor = "sixteen bytes ..." })
---local server = assert(scissl.datagram.listen { host = "127.0.0.1", port = 0, psk = { sensor = "sixteen bytes ..." } })
---print(server:reload() == server) --> true
---print(server:setContext(context) == server, server:getContext() == context) --> true true
---local done, failure = server:reload()
---print(done, failure:condition()) --> nil not_reloadable
---print(server:stop(5), server:isStopping()) --> true false -- nothing served it: it is closed
---```
function SciSslDatagramListener:isStopping() end

---Sets the context of the handshakes that begin from now on. Earlier associations keep theirs.
---
---@param context any a SciSslContext of DTLS; or a table of the options of `scissl.datagram.listen` that describe one
---@return SciSslDatagramListener? # the receiver
---@return SciSslError? # phase `load`: a file or setting was rejected; `not_dtls`; the listener keeps its context
---@raise for anything else, and for unknown options
---@usage
---```lua
---local context = assert(scissl.SciSslContext.new "DTLS")
---assert(context:setPskServer { sensor = "sixteen bytes ..." })
---local server = assert(scissl.datagram.listen { host = "127.0.0.1", port = 0, psk = { sensor = "sixteen bytes ..." } })
---print(server:reload() == server) --> true
---print(server:setContext(context) == server, server:getContext() == context) --> true true
---local done, failure = server:reload()
---print(done, failure:condition()) --> nil not_reloadable
---print(server:stop(5), server:isStopping()) --> true false -- nothing served it: it is closed
---```
function SciSslDatagramListener:setContext(context) end

---Reads the files of the listener's options again: certificates, keys, CAs, CRLs, and those of its SNI map. Handshakes
---that begin later use what they contain now. Clients can go on with their sessions.
---
---@return SciSslDatagramListener? # the receiver
---@return SciSslError? # phase `load`: a file is missing or bad, or a key does not belong to its certificate; the listener and its SNI map stay as they are. `not_reloadable`: `listen` or `setContext` got a SciSslContext
---@usage
---```lua
---local context = assert(scissl.SciSslContext.new "DTLS")
---assert(context:setPskServer { sensor = "sixteen bytes ..." })
---local server = assert(scissl.datagram.listen { host = "127.0.0.1", port = 0, psk = { sensor = "sixteen bytes ..." } })
---print(server:reload() == server) --> true
---print(server:setContext(context) == server, server:getContext() == context) --> true true
---local done, failure = server:reload()
---print(done, failure:condition()) --> nil not_reloadable
---print(server:stop(5), server:isStopping()) --> true false -- nothing served it: it is closed
---```
function SciSslDatagramListener:reload() end

---Returns the context of new handshakes.
---
---@return SciSslContext
---@usage
---```lua
---local context = assert(scissl.SciSslContext.new "DTLS")
---assert(context:setPskServer { sensor = "sixteen bytes ..." })
---local server = assert(scissl.datagram.listen { host = "127.0.0.1", port = 0, psk = { sensor = "sixteen bytes ..." } })
---print(server:reload() == server) --> true
---print(server:setContext(context) == server, server:getContext() == context) --> true true
---local done, failure = server:reload()
---print(done, failure:condition()) --> nil not_reloadable
---print(server:stop(5), server:isStopping()) --> true false -- nothing served it: it is closed
---```
function SciSslDatagramListener:getContext() end

---Returns the address and the port of the socket.
---
---@return string # address
---@return integer # port
---@usage
---```lua
---local server = assert(scissl.datagram.listen { host = "127.0.0.1", port = 0, psk = { sensor = "sixteen bytes ..." } })
---print(server:getSockName()) --> 127.0.0.1 …
---local association, failure = server:accept(0.1) -- nothing has come
---print(association, failure:condition()) --> nil timeout
---print(server:socket():isDatagram()) --> true
---```
function SciSslDatagramListener:getSockName() end

---Returns the associations whose handshake is done, in no order.
---
---@return SciSslAssociation[]
---@usage
---```lua
---local server = assert(scissl.datagram.listen {
---  host = "127.0.0.1", port = 0, psk = { sensor = "sixteen bytes ..." }, waiter = "coroutine",
---})
---local _, port = server:getSockName()
---local loop = scissl.scheduler.new()
---loop:spawn(function()
---  server:serve(function(association, message)
---    association:send(message:upper())
---    print(#server:associations()) --> 1
---  end)
---end)
---loop:spawn(function()
---  local client = assert(scissl.datagram.connect {
---    host = "127.0.0.1", port = port, psk = { identity = "sensor", key = "sixteen bytes ..." }, waiter = "coroutine",
---  })
---  client:send "hello"
---  print(client:receive(5)) --> HELLO
---  print(server:statistics().handshakes) --> 1
---  print(server:close()) --> true
---end)
---loop:run()
---```
function SciSslDatagramListener:associations() end

---Returns counts.
---
---@return table # of integers: `peers` (associations, and handshakes that have not finished), `handshaking` (these), `handshakes` (finished), `resumed` (those of them that resumed a session), `hellos` (ClientHellos that were answered by a cookie, or had one), `failed` (a table: failed handshakes by condition), `refused` (peers above `maxPeers`, those that `onAccept` refused, and ClientHellos after `stop`), `replaced` (by a new one of the same peer), `idle` (associations that `idleTimeout` has ended), `received` (messages), `sent` (datagrams), `dropped` (messages above `maxMessages`), `strangers` (datagrams of no peer that are no ClientHello), `bytesReceived`, `bytesSent` (of all datagrams)
---@usage
---```lua
---local server = assert(scissl.datagram.listen {
---  host = "127.0.0.1", port = 0, psk = { sensor = "sixteen bytes ..." }, waiter = "coroutine",
---})
---local _, port = server:getSockName()
---local loop = scissl.scheduler.new()
---loop:spawn(function()
---  server:serve(function(association, message)
---    association:send(message:upper())
---    print(#server:associations()) --> 1
---  end)
---end)
---loop:spawn(function()
---  local client = assert(scissl.datagram.connect {
---    host = "127.0.0.1", port = port, psk = { identity = "sensor", key = "sixteen bytes ..." }, waiter = "coroutine",
---  })
---  client:send "hello"
---  print(client:receive(5)) --> HELLO
---  print(server:statistics().handshakes) --> 1
---  print(server:close()) --> true
---end)
---loop:run()
---```
function SciSslDatagramListener:statistics() end

---Returns the socket, for event loops.
---
---@return SciSocket
---@usage
---```lua
---local server = assert(scissl.datagram.listen { host = "127.0.0.1", port = 0, psk = { sensor = "sixteen bytes ..." } })
---print(server:getSockName()) --> 127.0.0.1 …
---local association, failure = server:accept(0.1) -- nothing has come
---print(association, failure:condition()) --> nil timeout
---print(server:socket():isDatagram()) --> true
---```
function SciSslDatagramListener:socket() end

---Sends close_notify to all peers and closes the socket, which ends `serve`, and all waits. Calling it again does
---nothing.
---
---@return boolean # true
---@usage
---```lua
---local server = assert(scissl.datagram.listen {
---  host = "127.0.0.1", port = 0, psk = { sensor = "sixteen bytes ..." }, waiter = "coroutine",
---})
---local _, port = server:getSockName()
---local loop = scissl.scheduler.new()
---loop:spawn(function()
---  server:serve(function(association, message)
---    association:send(message:upper())
---    print(#server:associations()) --> 1
---  end)
---end)
---loop:spawn(function()
---  local client = assert(scissl.datagram.connect {
---    host = "127.0.0.1", port = port, psk = { identity = "sensor", key = "sixteen bytes ..." }, waiter = "coroutine",
---  })
---  client:send "hello"
---  print(client:receive(5)) --> HELLO
---  print(server:statistics().handshakes) --> 1
---  print(server:close()) --> true
---end)
---loop:run()
---```
function SciSslDatagramListener:close() end

return SciSslDatagramListener
