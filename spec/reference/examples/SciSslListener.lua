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
listener:setContext(serverContext) -- a renewed certificate: for whoever connects from now on
print(listener:getContext() == serverContext) --> true
