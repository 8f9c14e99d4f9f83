--- SciSocket.newStreamSocket, SciSocket:bind, SciSocket:listen, SciSocket:getSockName, SciSocket:accept
local listener = assert(scissl.SciSocket.newStreamSocket "inet")
assert(listener:bind("127.0.0.1", 0))
assert(listener:listen(16))
local address, port = listener:getSockName()
local socket = assert(scissl.SciSocket.newStreamSocket())
assert(socket:connect(address, port))
local accepted = assert(listener:accept())

--- SciSocket:connect, SciSocket:getPeerName, SciSocket:peerAddress
local socket = assert(scissl.SciSocket.newStreamSocket())
assert(socket:connect("127.0.0.1", port))
print(socket:getPeerName()) --> 127.0.0.1 …
print(socket:peerAddress() == "127.0.0.1:" .. port) --> true

--- SciSocket.pair, SciSocket:send, SciSocket:recv
local near, far = assert(scissl.SciSocket.pair())
print(near:send "hello") --> 5
print(far:recv(100)) --> hello

--- SciSocket.on
local near, far = assert(scissl.SciSocket.pair())
local adopted = assert(scissl.SciSocket.on(near)) -- or a descriptor, or a socket of LuaSocket, luv, cqueues …
print(adopted:getfd() == near:getfd()) --> true

--- SciSocket.addressFamily
print(scissl.SciSocket.addressFamily "::1") --> inet6
print(scissl.SciSocket.addressFamily "localhost") --> nil

--- SciSocket.resolve
for _, found in ipairs(assert(scissl.SciSocket.resolve("127.0.0.1", 443))) do
  print(found.family, found.address, found.port) --> inet 127.0.0.1 443
end

--- SciSocket:setBlocking, SciSocket:isBlocking
local near, far = assert(scissl.SciSocket.pair())
print(near:isBlocking(), near:setBlocking(false):isBlocking()) --> true false
local bytes, err = near:recv(1)
print(bytes, err:condition()) --> nil not_ready

--- SciSocket:wait
local near, far = assert(scissl.SciSocket.pair())
print(near:wait("w", 1)) --> w
local ready, err = near:wait("r", 0)
print(ready, err:condition()) --> nil timeout

--- SciSocket.poll
local near, far = assert(scissl.SciSocket.pair())
far:send "hello"
local ready = assert(scissl.SciSocket.poll({ [near] = "r", [far] = "r" }, 1))
print(ready[near], ready[far]) --> r nil

--- SciSocket.now
local deadline = scissl.SciSocket.now() + 10 -- of a clock that is never set back

--- SciSocket:getSockOpt, SciSocket:setSockOpt
local socket = assert(scissl.SciSocket.newStreamSocket())
assert(socket:setSockOpt("SO_KEEPALIVE", true))
print(socket:getSockOpt "SO_KEEPALIVE") --> true

--- SciSocket:shutdown
local near, far = assert(scissl.SciSocket.pair())
near:shutdown "w"
print(far:recv(1) == "") --> true

--- SciSocket:close, SciSocket:getfd, SciSocket:pollfd
local socket = assert(scissl.SciSocket.newStreamSocket())
print(socket:getfd() == socket:pollfd()) --> true
socket:close()
print(socket:getfd()) --> -1

--- SciSocket:dirty, SciSocket:events, SciSocket:timeout
local near, far = assert(scissl.SciSocket.pair())
print(near:dirty(), near:events(), near:timeout()) --> false r nil

--- SciSocket:setInheritable
local listener = assert(scissl.SciSocket.newStreamSocket())
assert(listener:setInheritable(true)) -- programs that this one starts inherit the socket

--- SciSocket.newDatagramSocket, SciSocket:sendTo, SciSocket:recvFrom, SciSocket:isDatagram
local near = assert(scissl.SciSocket.newDatagramSocket())
local far = assert(scissl.SciSocket.newDatagramSocket():bind("127.0.0.1", 0))
local host, port = far:getSockName()
print(near:sendTo("hello", host, port)) --> 5
print((far:recvFrom())) --> hello
print(far:isDatagram()) --> true

--- SciSocket:pathMtu
local socket = assert(scissl.SciSocket.newDatagramSocket():connect("127.0.0.1", 9))
local bytes = socket:pathMtu()
print(bytes == nil or bytes > 500) --> true -- nil: this system does not know it
socket:close()
