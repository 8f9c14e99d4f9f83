--- SciSslListener:accept
local stream, err = listener:accept(0) -- seconds to wait for a client
print(stream, err:condition()) --> nil timeout

--- SciSslListener:acceptSocket
local socket, err = listener:acceptSocket(0)
if socket then -- make the handshake later, in a coroutine of its own
  assert(scissl.handshake(socket, "accept", { timeout = 10 }))
end

--- SciSslListener:getSockName, SciSslListener:socket, SciSslListener:close
print(listener:getSockName()) --> 127.0.0.1 …
print(listener:socket():getfd() >= 0) --> true
listener:close()

--- SciSslListener:setContext, SciSslListener:getContext
listener:setContext(serverContext) -- a renewed certificate, for connections from now on
print(listener:getContext() == serverContext) --> true

--- SciSslListener:handshake
local socket = listener:acceptSocket(0)
if socket then
  local stream, err = listener:handshake(socket) -- as accept does, with the listener's handlers
end

--- SciSslListener:serve
local listener = assert(scissl.listen {
  host = "127.0.0.1", port = 0, certificate = "server.pem", privateKey = "server.key", waiter = "coroutine",
})
local _, port = listener:getSockName()
local loop = assert(scissl.scheduler.new())
loop:spawn(function()
  assert(listener:serve(function(stream) -- each client in a coroutine of its own
    for line in stream:lines "L" do stream:write(line) end
  end))
end)
loop:spawn(function()
  local stream = assert(scissl.connect { host = "localhost", port = port, caFile = "ca.pem", waiter = "coroutine" })
  stream:write "hello\n"
  print(stream:read()) --> hello
  stream:close()
  listener:close()
end)
assert(loop:run())
