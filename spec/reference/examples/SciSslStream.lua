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
end -- said close_notify, and closed

--- SciSslStream:settimeout
stream:settimeout(0.01)
local line, err = stream:read()
print(line, err:condition()) --> nil timeout

--- SciSslStream:socket, SciSslStream:dirty
print(stream:socket():isSecure(), stream:dirty()) --> true false

--- SciSslStream:replayableData
print(peer:replayableData() == "") --> true
