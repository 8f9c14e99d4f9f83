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
---@field onAssociation? function `onAssociation(association)`: called for each peer whose handshake is done
---@field onError? function `onError(failure, phase, association)`: called for the SciSslError of a failed handshake (phase `"handshake"`), and for what a handler has raised (`"handler"`). By default each is a line on stderr
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

---Calls a function for each message of each peer, until the listener is closed.
---
---@param handler function `handler(association, message)`: usually it calls `association:send(reply)`. In a loop (the waiters `"coroutine"`, `"copas"`, `"cqueues"`, `"luv"`) it runs in a coroutine of its own and may wait; otherwise the next message has to wait for it
---@param given? scissl.DatagramServeOptions options
---@return boolean? # true, once the listener is closed
---@return SciSslError? # the waiter gave up: `cancelled`, `bad_waiter`
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
---@return table # of integers: `peers` (associations, and handshakes that have not finished), `handshaking` (these), `handshakes` (finished), `hellos` (ClientHellos that were answered by a cookie, or had one), `failed` (a table: failed handshakes by condition), `refused` (peers above `maxPeers`), `replaced` (by a new one of the same peer), `idle` (associations that `idleTimeout` has ended), `received` (messages), `sent` (datagrams), `dropped` (messages above `maxMessages`), `strangers` (datagrams of no peer that are no ClientHello)
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
