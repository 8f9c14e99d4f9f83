--- SciSslAssociation:send, SciSslAssociation:receive, SciSslAssociation:longestMessage, SciSslAssociation:peerAddress, SciSslAssociation:socket, SciSslAssociation:settimeout, SciSslAssociation:setdeadline, SciSslAssociation:close
local server = assert(scissl.datagram.listen {
  host = "127.0.0.1", port = 0, psk = { sensor = "sixteen bytes ..." }, waiter = "coroutine",
})
local host, port = server:getSockName()
local loop = scissl.scheduler.new()
loop:spawn(function()
  server:serve(function(association, message) association:send("echo: " .. message) end)
end)
loop:spawn(function()
  local association = assert(scissl.datagram.connect {
    host = host, port = port, psk = { identity = "sensor", key = "sixteen bytes ..." }, waiter = "coroutine",
  })
  assert(association:send "hello")
  print(association:receive(5)) --> echo: hello
  print(association:longestMessage() > 1000) --> true
  print(association:peerAddress() == host .. ":" .. port) --> true
  print(association:socket():version()) --> DTLSv1.2
  association:settimeout(5):setdeadline(scissl.SciSocket.now() + 0.1) -- whichever comes first
  print(select(2, association:receive()):condition()) --> timeout
  print(association:close()) --> true
  server:close()
end)
loop:run()
