--- SciSslListener:accept
local stream, err = listener:accept(0) -- seconds to wait for a client
print(stream, err:condition()) --> nil timeout

--- SciSslListener:acceptSocket
local socket, err = listener:acceptSocket(0)
if socket then -- the handshake may be made in a coroutine or a thread of its own
  assert(scissl.handshake(socket, "accept", { timeout = 10 }))
end

--- SciSslListener:getSockName, SciSslListener:socket, SciSslListener:close
print(listener:getSockName()) --> 127.0.0.1 …
print(listener:socket():getfd() >= 0) --> true
listener:close()

--- SciSslListener:setContext, SciSslListener:getContext
listener:setContext(serverContext) -- for the clients that connect from now on
print(listener:getContext() == serverContext) --> true
assert(listener:setContext { certificate = "server.pem", privateKey = "server.key", profile = "modern" })

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

--- SciSslListener:stop, SciSslListener:isStopping
local listener = assert(scissl.listen {
  host = "127.0.0.1", port = 0, certificate = "server.pem", privateKey = "server.key", waiter = "coroutine",
})
local _, port = listener:getSockName()
local loop = assert(scissl.scheduler.new())
loop:spawn(function()
  print(listener:serve(function(stream)
    stream:write(stream:read "L") -- a client that has connected gets its answer
    print(listener:isStopping()) --> true
  end)) --> true 0
end)
loop:spawn(function()
  local stream <close> = assert(scissl.connect { host = "localhost", port = port, caFile = "ca.pem", waiter = "coroutine" })
  listener:stop(10) -- seconds until connections are cut
  stream:write "hello\n"
  print(stream:read()) --> hello
end)
assert(loop:run())

--- SciSslListener:streams, SciSslListener:statistics
print(#listener:streams()) --> 0
local counts = listener:statistics()
print(counts.accepted, counts.handshakes, counts.open) --> 0 0 0

--- SciSslListener:reload
local listener = assert(scissl.listen {
  host = "127.0.0.1", port = 0, certificate = "server.pem", privateKey = "server.key",
})
assert(listener:reload()) -- reads server.pem and server.key again
