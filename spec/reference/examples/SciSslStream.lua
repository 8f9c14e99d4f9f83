--- SciSslStream:read
assert(peer:write("one line\n", 42, "rest of it"))
print(stream:read "l") --> one line
print(stream:read("n", 4)) --> 42 rest

--- SciSslStream:lines
assert(peer:write "one\ntwo\n")
peer:close()
for line in stream:lines() do print(line) end
--> one
--> two

--- SciSslStream:write, SciSslStream:flush
assert(stream:write("HTTP/1.0 ", 200, " OK\r\n"))
assert(stream:flush())
print(peer:read "L") --> HTTP/1.0 200 OK…

--- SciSslStream:close
do
  local stream <close> = assert(scissl.connect { host = "localhost", port = port, caFile = "ca.pem" })
end -- close_notify is sent, and the socket is closed

--- SciSslStream:settimeout
stream:settimeout(0.01)
local line, err = stream:read()
print(line, err:condition()) --> nil timeout

--- SciSslStream:socket, SciSslStream:dirty
print(stream:socket():isSecure(), stream:dirty()) --> true false

--- SciSslStream:replayableData
print(peer:replayableData() == "") --> true

--- SciSslStream:readExactly
assert(peer:write "1234")
print(stream:readExactly(4)) --> 1234

--- SciSslStream:readUntil
assert(peer:write "Host: localhost\r\nAccept: */*\r\n\r\nbody")
local head, mark = stream:readUntil("\r\n\r\n", 65536, true)
print(#head, #mark) --> 28 4
print(stream:read(4)) --> body

--- SciSslStream:writev, SciSslStream:setvbuf
assert(stream:writev { "one ", 2, " three\n" }) -- one record
assert(stream:setvbuf "full")
assert(stream:write "kept back, "):write "until\n"
assert(stream:flush())
print(peer:read "l") --> one 2 three
print(peer:read "l") --> kept back, until

--- SciSslStream:seek
print(stream:seek()) --> nil …

--- SciSslStream:closeWrite
assert(stream:write "all that I have to say")
assert(stream:closeWrite())
print(peer:read "a") --> all that I have to say
assert(peer:write "thank you\n")
print(stream:read "l") --> thank you

--- SciSslStream:setdeadline
stream:setdeadline(scissl.SciSocket.now() + 0.01) -- for all following calls together
print(select(2, stream:read()):condition()) --> timeout

--- SciSslStream:events, SciSslStream:timeout, SciSslStream:isSecure, SciSslStream:isSessionReused
print(stream:events(), stream:timeout()) --> r nil
print(stream:isSecure(), stream:isSessionReused()) --> true false

--- SciSslStream:startTls, SciSslStream:stopTls
local near, far = assert(scissl.SciSocket.pair())
local loop = assert(scissl.scheduler.new())
loop:spawn(function()
  local client = assert(scissl.plain.on(near, { waiter = "coroutine", timeout = 10 }))
  client:write "STARTTLS\n"
  print(client:read "l") --> go ahead
  assert(client:startTls { host = "localhost", caFile = "ca.pem" })
  print(client:read "l", client:isSecure()) --> welcome true
  assert(client:stopTls())
  print(client:isSecure()) --> false
  client:close()
end)
loop:spawn(function()
  local server = assert(scissl.plain.on(far, { waiter = "coroutine", timeout = 10 }))
  server:read "l"
  server:write "go ahead\n"
  assert(server:startTls { role = "server", certificate = "server.pem", privateKey = "server.key" })
  server:write "welcome\n"
  assert(server:stopTls())
  server:close()
end)
assert(loop:run())
