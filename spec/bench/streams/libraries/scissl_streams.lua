-- What the libraries with scissl's streams share: scissl_streams(waiter, spawn, pause, loop) returns the library (see
-- trip.lua). waiter: its name; spawn(f) starts a coroutine; pause() lets the others run; loop() runs them.
local scissl = require "scissl"

local function echo(stream)
  for line in stream:lines() do stream:write(line, "\n") end
end

return function(waiter, spawn, pause, loop)
  local library, folder = { pause = pause }, nil

  function library.open(place) folder = place end

  function library.run(clients, visit)
    local listener = assert(scissl.listen {
      host = "127.0.0.1", port = 0, waiter = waiter, backlog = 1024,
      certificate = folder .. "/server.pem", privateKey = folder .. "/server.key", version = "TLSv1.3",
    })
    local port = select(2, listener:getSockName())
    local function connect()
      local stream = assert(scissl.connect {
        host = "127.0.0.1", port = port, waiter = waiter, caFile = folder .. "/ca.pem", version = "TLSv1.3",
      })
      local function exchange(line)
        stream:write(line, "\n")
        return stream:read "l"
      end
      return exchange, function() assert(stream:close()) end
    end
    spawn(function() assert(listener:serve(echo)) end)
    for _ = 1, clients do spawn(function() visit(connect) end) end
    loop()
  end

  return library
end
