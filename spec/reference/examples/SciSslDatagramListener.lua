--- SciSslDatagramListener:accept, SciSslDatagramListener:getSockName, SciSslDatagramListener:socket
local server = assert(scissl.datagram.listen { host = "127.0.0.1", port = 0, psk = { sensor = "sixteen bytes ..." } })
print(server:getSockName()) --> 127.0.0.1 …
local association, failure = server:accept(0.1) -- nothing has come
print(association, failure:condition()) --> nil timeout
print(server:socket():isDatagram()) --> true

--- SciSslDatagramListener:serve, SciSslDatagramListener:associations, SciSslDatagramListener:statistics, SciSslDatagramListener:close
local server = assert(scissl.datagram.listen {
  host = "127.0.0.1", port = 0, psk = { sensor = "sixteen bytes ..." }, waiter = "coroutine",
})
local _, port = server:getSockName()
local loop = scissl.scheduler.new()
loop:spawn(function()
  server:serve(function(association, message)
    association:send(message:upper())
    print(#server:associations()) --> 1
  end)
end)
loop:spawn(function()
  local client = assert(scissl.datagram.connect {
    host = "127.0.0.1", port = port, psk = { identity = "sensor", key = "sixteen bytes ..." }, waiter = "coroutine",
  })
  client:send "hello"
  print(client:receive(5)) --> HELLO
  print(server:statistics().handshakes) --> 1
  print(server:close()) --> true
end)
loop:run()

--- SciSslDatagramListener:stop, SciSslDatagramListener:isStopping, SciSslDatagramListener:setContext, SciSslDatagramListener:getContext, SciSslDatagramListener:reload
local context = assert(scissl.SciSslContext.new "DTLS")
assert(context:setPskServer { sensor = "sixteen bytes ..." })
local server = assert(scissl.datagram.listen { host = "127.0.0.1", port = 0, psk = { sensor = "sixteen bytes ..." } })
print(server:reload() == server) --> true
print(server:setContext(context) == server, server:getContext() == context) --> true true
local done, failure = server:reload()
print(done, failure:condition()) --> nil not_reloadable
print(server:stop(5), server:isStopping()) --> true false -- nothing served it: it is closed
