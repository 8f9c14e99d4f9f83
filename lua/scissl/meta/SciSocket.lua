---A TCP or UDP socket of IPv4 or IPv6, or a Unix-domain socket. It is made blocking and close-on-exec. A write to a peer that
---has gone returns an error and raises no SIGPIPE. `SciSocket.on` takes sockets of other libraries. Every loop that polls
---descriptors can wait for a SciSocket.
---
---@meta SciSocket
---@class SciSocket
local SciSocket = {}

---Returns how many bytes a datagram may have on the path to the peer that the socket is connected with, without the headers of IP
---and UDP, as the system knows it now. The system learns it from the routers on the path.
---
---@return integer? # nil: the system does not know it: the socket is not connected, or is none for datagrams of IP, or the system is not Linux
---@see ip(7)
---@usage
---```lua
---local socket = assert(scissl.SciSocket.newDatagramSocket():connect("127.0.0.1", 9))
---local bytes = socket:pathMtu()
---print(bytes == nil or bytes > 500) --> true -- nil: this system does not know it
---socket:close()
---```
function SciSocket:pathMtu() end

---Makes a stream socket: blocking, close-on-exec, not connected.
---
---@param family? string (default: "inet") `inet` (IPv4), `inet6` or `unix`
---@return SciSocket?
---@return SciSslError? # phase `open`
---@see socket(2)
---@usage
---```lua
---local listener = assert(scissl.SciSocket.newStreamSocket "inet")
---assert(listener:bind("127.0.0.1", 0))
---assert(listener:listen(16))
---local address, port = listener:getSockName()
---local socket = assert(scissl.SciSocket.newStreamSocket())
---assert(socket:connect(address, port))
---local accepted = assert(listener:accept())
---```
function SciSocket.newStreamSocket(family) end

---Makes a socket for datagrams: UDP, or Unix-domain. It is blocking, close-on-exec and not connected. `bind` gives it an address,
---`sendTo` and `recvFrom` exchange datagrams with any peer; `connect` chooses the one peer of `send` and `recv`, and of a
---`SciSslSocket` over it.
---
---@param family? string (default: "inet") `inet` (IPv4), `inet6` or `unix`
---@return SciSocket?
---@return SciSslError? # phase `open`
---@see socket(2), udp(7)
---@usage
---```lua
---local near = assert(scissl.SciSocket.newDatagramSocket())
---local far = assert(scissl.SciSocket.newDatagramSocket():bind("127.0.0.1", 0))
---local host, port = far:getSockName()
---print(near:sendTo("hello", host, port)) --> 5
---print((far:recvFrom())) --> hello
---print(far:isDatagram()) --> true
---```
function SciSocket.newDatagramSocket(family) end

---Makes two sockets that are connected to each other: blocking, close-on-exec, Unix-domain.
---
---@param kind? string (default: "stream") `stream` or `datagram`
---@return SciSocket?
---@return SciSocket|SciSslError # phase `open`
---@see socketpair(2)
---@usage
---```lua
---local near, far = assert(scissl.SciSocket.pair())
---print(near:send "hello") --> 5
---print(far:recv(100)) --> hello
---```
function SciSocket.pair(kind) end

---Closes the socket; twice is harmless. Where another object owns the descriptor, this calls that object's `close`, if it
---has one. Leaving the scope of a `<close>` variable does the same. The garbage collector closes only descriptors that the
---SciSocket owns.
---
---@return boolean? # true
---@return SciSslError? # `owner_failed`, with its `cause`, where the object's `close` raised an error
---@see close(2)
---@usage
---```lua
---local socket = assert(scissl.SciSocket.newStreamSocket())
---print(socket:getfd() == socket:pollfd()) --> true
---socket:close()
---print(socket:getfd()) --> -1
---```
function SciSocket:close() end

---Finds the addresses of a host, best first. Waits for the system's resolver, which has time-outs of its own; a SciLookUp does
---not wait.
---
---@param host string a name, or an address
---@param port any an integer from 0 to 65535, or the name of a service
---@param family? string `inet` or `inet6`; both by default
---@return table[]? # each with `address` (string), `port` (integer) and `family`: what `connect` takes
---@return SciSslError? # phase `resolve`: `host_not_found`, `service_unknown`, `resolver_unavailable` …
---@see getaddrinfo(3)
---@usage
---```lua
---for _, found in ipairs(assert(scissl.SciSocket.resolve("127.0.0.1", 443))) do
---  print(found.family, found.address, found.port) --> inet 127.0.0.1 443
---end
---```
function SciSocket.resolve(host, port, family) end

---Tells whether a text is an IP address, which needs no look-up.
---
---@param text string
---@return string? # `inet` or `inet6`; nil: it is none
---@usage
---```lua
---print(scissl.SciSocket.addressFamily "::1") --> inet6
---print(scissl.SciSocket.addressFamily "localhost") --> nil
---```
function SciSocket.addressFamily(text) end

---Returns the address of the other end as one text, for logs and messages: also while connecting, and after `close`.
---
---@return string? # such as `127.0.0.1:443`, `[::1]:443` or a path; nil where the socket has no peer with an address
---@usage
---```lua
---local socket = assert(scissl.SciSocket.newStreamSocket())
---assert(socket:connect("127.0.0.1", port))
---print(socket:getPeerName()) --> 127.0.0.1 …
---print(socket:peerAddress() == "127.0.0.1:" .. port) --> true
---```
function SciSocket:peerAddress() end

---Returns the address of the other end.
---
---@return string? # address; of a Unix-domain socket its path, empty where it has none
---@return integer|SciSslError # port; 0 for a Unix-domain socket; phase `address`: `not_connected`, `closed`
---@see getpeername(2)
---@usage
---```lua
---local socket = assert(scissl.SciSocket.newStreamSocket())
---assert(socket:connect("127.0.0.1", port))
---print(socket:getPeerName()) --> 127.0.0.1 …
---print(socket:peerAddress() == "127.0.0.1:" .. port) --> true
---```
function SciSocket:getPeerName() end

---Returns the socket's own address.
---
---@return string? # address; of a Unix-domain socket its path, empty where it has none
---@return integer|SciSslError # port; 0 for a Unix-domain socket; phase `address`: `closed`
---@see getsockname(2)
---@usage
---```lua
---local listener = assert(scissl.SciSocket.newStreamSocket "inet")
---assert(listener:bind("127.0.0.1", 0))
---assert(listener:listen(16))
---local address, port = listener:getSockName()
---local socket = assert(scissl.SciSocket.newStreamSocket())
---assert(socket:connect(address, port))
---local accepted = assert(listener:accept())
---```
function SciSocket:getSockName() end

---Adopts a socket that another library has made. Its blocking mode stays as it is.
---
---@param transport any a descriptor number, which the SciSocket then owns; or a SciSocket or any object with `getfd`, `fileno` or `pollfd` (LuaSocket, luv, cqueues), which stays alive and still owns its descriptor: `close` calls the object's `close`
---@param own? boolean (default: false) takes a duplicate of the object's descriptor, close-on-exec, and releases the object
---@return SciSocket?
---@return SciSslError? # phase `adopt`: `not_a_socket`, `not_a_stream`, `closed`
---@usage
---```lua
---local near, far = assert(scissl.SciSocket.pair())
---local adopted = assert(scissl.SciSocket.on(near)) -- or a descriptor, or a socket of LuaSocket, luv, cqueues …
---print(adopted:getfd() == near:getfd()) --> true
---```
function SciSocket.on(transport, own) end

---Connects the socket to a host, or to a path where it is a Unix-domain one. The host's first address of the socket's
---family is tried. On a non-blocking socket this returns at once, while TCP is still connecting.
---
---@param host string a name or an address; or the path
---@param port any an integer from 0 to 65535, or the name of a service
---@return SciSocket? # the receiver
---@return SciSslError? # phase `resolve` or `connect`: `host_not_found`, `connection_refused`, `timeout` …
---@see connect(2)
---@usage
---```lua
---local socket = assert(scissl.SciSocket.newStreamSocket())
---assert(socket:connect("127.0.0.1", port))
---print(socket:getPeerName()) --> 127.0.0.1 …
---print(socket:peerAddress() == "127.0.0.1:" .. port) --> true
---```
function SciSocket:connect(host, port) end

---Gives the socket its own address. A TCP socket may take a port that another socket has just left (SO_REUSEADDR).
---
---@param host string a name or an address, `*` for every address of this machine; or the path of a Unix-domain socket, which must not exist yet, and which `close` does not remove
---@param port any an integer from 0 (any that is free) to 65535, or the name of a service
---@return SciSocket? # the receiver
---@return SciSslError? # phase `resolve` or `bind`: `address_in_use`, `permission_denied` …
---@see bind(2)
---@usage
---```lua
---local listener = assert(scissl.SciSocket.newStreamSocket "inet")
---assert(listener:bind("127.0.0.1", 0))
---assert(listener:listen(16))
---local address, port = listener:getSockName()
---local socket = assert(scissl.SciSocket.newStreamSocket())
---assert(socket:connect(address, port))
---local accepted = assert(listener:accept())
---```
function SciSocket:bind(host, port) end

---Lets peers connect to a bound socket.
---
---@param backlog? integer connections that may wait to be accepted; the system's maximum by default
---@return SciSocket? # the receiver
---@return SciSslError? # phase `listen`
---@see listen(2)
---@usage
---```lua
---local listener = assert(scissl.SciSocket.newStreamSocket "inet")
---assert(listener:bind("127.0.0.1", 0))
---assert(listener:listen(16))
---local address, port = listener:getSockName()
---local socket = assert(scissl.SciSocket.newStreamSocket())
---assert(socket:connect(address, port))
---local accepted = assert(listener:accept())
---```
function SciSocket:listen(backlog) end

---Accepts the next connection of a listening socket.
---
---@return SciSocket? # the connection: blocking, close-on-exec
---@return SciSslError? # phase `accept`; `not_ready`, with `SSL_ERROR_WANT_READ`, where the listening socket is non-blocking and no connection waits
---@see accept(2)
---@usage
---```lua
---local listener = assert(scissl.SciSocket.newStreamSocket "inet")
---assert(listener:bind("127.0.0.1", 0))
---assert(listener:listen(16))
---local address, port = listener:getSockName()
---local socket = assert(scissl.SciSocket.newStreamSocket())
---assert(socket:connect(address, port))
---local accepted = assert(listener:accept())
---```
function SciSocket:accept() end

---Tells whether the socket sends and receives datagrams.
---
---@return boolean # false for a stream, such as a TCP connection
---@usage
---```lua
---local near = assert(scissl.SciSocket.newDatagramSocket())
---local far = assert(scissl.SciSocket.newDatagramSocket():bind("127.0.0.1", 0))
---local host, port = far:getSockName()
---print(near:sendTo("hello", host, port)) --> 5
---print((far:recvFrom())) --> hello
---print(far:isDatagram()) --> true
---```
function SciSocket:isDatagram() end

---Sends one datagram to an address.
---
---@param data string may be empty
---@param host string an address, as `recvFrom` returns it, or a name, which is looked up each time; or a path
---@param port any an integer from 0 to 65535, or the name of a service; not needed for a path
---@return integer? # bytes sent: all of them
---@return SciSslError? # phase `send` or `resolve`; `not_ready`, with `SSL_ERROR_WANT_WRITE`, where a non-blocking socket does not take the datagram; `message_too_long`; `not_datagrams`
---@see sendto(2)
---@usage
---```lua
---local near = assert(scissl.SciSocket.newDatagramSocket())
---local far = assert(scissl.SciSocket.newDatagramSocket():bind("127.0.0.1", 0))
---local host, port = far:getSockName()
---print(near:sendTo("hello", host, port)) --> 5
---print((far:recvFrom())) --> hello
---print(far:isDatagram()) --> true
---```
function SciSocket:sendTo(data, host, port) end

---Receives one datagram, whole.
---
---@return string? # the datagram, which may be empty
---@return string|SciSslError # the sender's address; of a Unix-domain socket its path, empty where it has none; phase `recv`; `not_ready`, with `SSL_ERROR_WANT_READ`, where a non-blocking socket has none; `not_datagrams`; `message_too_long`: from a Unix-domain socket, longer than a gibibyte
---@return integer? # the sender's port; 0 for a Unix-domain socket
---@see recvmsg(2)
---@usage
---```lua
---local near = assert(scissl.SciSocket.newDatagramSocket())
---local far = assert(scissl.SciSocket.newDatagramSocket():bind("127.0.0.1", 0))
---local host, port = far:getSockName()
---print(near:sendTo("hello", host, port)) --> 5
---print((far:recvFrom())) --> hello
---print(far:isDatagram()) --> true
---```
function SciSocket:recvFrom() end

---Sends bytes. A peer that has gone causes an error, never a SIGPIPE.
---
---@param data string
---@param i? integer (default: 1) first byte to send, as in `string.sub`
---@param j? integer (default: -1) last byte to send
---@return integer? # bytes sent: all of them on a blocking socket, maybe fewer on a non-blocking one or where SO_SNDTIMEO expires
---@return SciSslError? # phase `send`; `not_ready`, with `SSL_ERROR_WANT_WRITE`, where a non-blocking socket takes none
---@see send(2)
---@usage
---```lua
---local near, far = assert(scissl.SciSocket.pair())
---print(near:send "hello") --> 5
---print(far:recv(100)) --> hello
---```
function SciSocket:send(data, i, j) end

---Receives the bytes that have arrived. Waits for the first, not for `max`.
---
---@param max integer bytes at most; one call returns no more than 65536. The rest of a longer datagram is lost
---@return string? # the bytes; empty once the peer has ended its side, and for `max` 0
---@return SciSslError? # phase `recv`; `not_ready`, with `SSL_ERROR_WANT_READ`, where a non-blocking socket has none
---@see recv(2)
---@usage
---```lua
---local near, far = assert(scissl.SciSocket.pair())
---print(near:send "hello") --> 5
---print(far:recv(100)) --> hello
---```
function SciSocket:recv(max) end

---Ends one direction of the connection, or both; the descriptor stays.
---
---@param how string `"r"`, `"w"` (the peer's `recv` comes to the end of the stream) or `"rw"`
---@return SciSocket? # the receiver
---@return SciSslError? # phase `shutdown`
---@see shutdown(2)
---@usage
---```lua
---local near, far = assert(scissl.SciSocket.pair())
---near:shutdown "w"
---print(far:recv(1) == "") --> true
---```
function SciSocket:shutdown(how) end

---Returns an option of the socket.
---
---@param name string `SO_REUSEADDR`, `SO_REUSEPORT`, `SO_KEEPALIVE`, `TCP_NODELAY`, `IPV6_V6ONLY` (booleans); `SO_RCVBUF`, `SO_SNDBUF`, `SO_ERROR` (an errno, which reading clears; 0: none), `SO_TYPE`, `TCP_KEEPIDLE`, `TCP_KEEPINTVL` (seconds), `TCP_KEEPCNT` (integers); `SO_LINGER` (seconds, or false); `SO_RCVTIMEO`, `SO_SNDTIMEO` (seconds, 0: none)
---@return any? # its value
---@return SciSslError? # phase `option`; `unknown_option` where the system has no such option
---@see getsockopt(2)
---@usage
---```lua
---local socket = assert(scissl.SciSocket.newStreamSocket())
---assert(socket:setSockOpt("SO_KEEPALIVE", true))
---print(socket:getSockOpt "SO_KEEPALIVE") --> true
---```
function SciSocket:getSockOpt(name) end

---Sets an option of the socket.
---
---@param name string as for `getSockOpt`
---@param value any of the type that `getSockOpt` returns
---@return SciSocket? # the receiver
---@return SciSslError? # phase `option`; `unknown_option` where the system has no such option
---@see setsockopt(2)
---@usage
---```lua
---local socket = assert(scissl.SciSocket.newStreamSocket())
---assert(socket:setSockOpt("SO_KEEPALIVE", true))
---print(socket:getSockOpt "SO_KEEPALIVE") --> true
---```
function SciSocket:setSockOpt(name, value) end

---Sets whether calls on the socket wait. A new socket is blocking.
---
---@param blocking boolean
---@return SciSocket? # the receiver
---@return SciSslError? # `closed`
---@see fcntl(2), O_NONBLOCK
---@usage
---```lua
---local near, far = assert(scissl.SciSocket.pair())
---print(near:isBlocking(), near:setBlocking(false):isBlocking()) --> true false
---local bytes, err = near:recv(1)
---print(bytes, err:condition()) --> nil not_ready
---```
function SciSocket:setBlocking(blocking) end

---Sets whether programs that are started later inherit the descriptor. By default they do not. Several processes can serve one
---listening socket that they inherit (`scissl.listen { socket = descriptor }`).
---
---@param inheritable boolean
---@return SciSocket? # the receiver
---@return SciSslError? # `closed`
---@see fcntl(2), FD_CLOEXEC
---@usage
---```lua
---local listener = assert(scissl.SciSocket.newStreamSocket())
---assert(listener:setInheritable(true)) -- programs that this one starts inherit the socket
---```
function SciSocket:setInheritable(inheritable) end

---Tells whether calls on the socket wait. A change by a forked process is seen only after `getfd`, `pollfd` or
---`setInheritable` has been called.
---
---@return boolean?
---@return SciSslError? # `closed`
---@usage
---```lua
---local near, far = assert(scissl.SciSocket.pair())
---print(near:isBlocking(), near:setBlocking(false):isBlocking()) --> true false
---local bytes, err = near:recv(1)
---print(bytes, err:condition()) --> nil not_ready
---```
function SciSocket:isBlocking() end

---Returns the time on a monotonic clock, for deadlines.
---
---@return number # seconds since a fixed moment in the past
---@see clock_gettime(2), CLOCK_MONOTONIC
---@usage
---```lua
---local deadline = scissl.SciSocket.now() + 10 -- of a clock that is never set back
---```
function SciSocket.now() end

---Waits until the socket is ready. A socket that has hung up or failed is ready: the next call on it reports why.
---
---@param events string `"r"`, `"w"` or `"rw"`
---@param seconds? number for ever by default
---@return string? # the events that it is ready for
---@return SciSslError? # phase `wait`: `timeout`, `closed`
---@see poll(2)
---@usage
---```lua
---local near, far = assert(scissl.SciSocket.pair())
---print(near:wait("w", 1)) --> w
---local ready, err = near:wait("r", 0)
---print(ready, err:condition()) --> nil timeout
---```
function SciSocket:wait(events, seconds) end

---Waits until at least one of several is ready. What has hung up or failed is ready: the next call on it reports why.
---
---@param interests table events (`"r"`, `"w"`, `"rw"`), each under its socket: a SciSocket, a descriptor number, or an object with `getfd`, `fileno` or `pollfd`
---@param seconds? number for ever by default
---@return table? # events under the same keys, for those that are ready; empty after the time-out
---@return SciSslError? # phase `wait`: `closed`, `not_a_socket`
---@see poll(2)
---@usage
---```lua
---local near, far = assert(scissl.SciSocket.pair())
---far:send "hello"
---local ready = assert(scissl.SciSocket.poll({ [near] = "r", [far] = "r" }, 1))
---print(ready[near], ready[far]) --> r nil
---```
function SciSocket.poll(interests, seconds) end

---Returns the descriptor, for LuaSocket's `select`, `SciSocket.poll` and other ways to wait.
---
---@return integer # -1 once closed
---@usage
---```lua
---local socket = assert(scissl.SciSocket.newStreamSocket())
---print(socket:getfd() == socket:pollfd()) --> true
---socket:close()
---print(socket:getfd()) --> -1
---```
function SciSocket:getfd() end

---Returns the descriptor, for cqueues.
---
---@return integer # -1 once closed
---@usage
---```lua
---local socket = assert(scissl.SciSocket.newStreamSocket())
---print(socket:getfd() == socket:pollfd()) --> true
---socket:close()
---print(socket:getfd()) --> -1
---```
function SciSocket:pollfd() end

---Tells whether bytes are buffered that poll(2) does not see: never. For LuaSocket's `select`.
---
---@return boolean # false
---@usage
---```lua
---local near, far = assert(scissl.SciSocket.pair())
---print(near:dirty(), near:events(), near:timeout()) --> false r nil
---```
function SciSocket:dirty() end

---Returns the events that the socket waits for, for cqueues.
---
---@return string? # `"w"` while connecting, else `"r"`; nil once closed
---@usage
---```lua
---local near, far = assert(scissl.SciSocket.pair())
---print(near:dirty(), near:events(), near:timeout()) --> false r nil
---```
function SciSocket:events() end

---Returns how long a loop may wait for the socket, for cqueues: it has no time-out of its own.
---
---@return nil
---@usage
---```lua
---local near, far = assert(scissl.SciSocket.pair())
---print(near:dirty(), near:events(), near:timeout()) --> false r nil
---```
function SciSocket:timeout() end

return SciSocket
