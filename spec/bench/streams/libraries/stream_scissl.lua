-- scissl: streams under scissl.scheduler; see trip.lua.
local scissl = require "scissl"

local library = {}
local loop, folder

function library.open(place)
  folder = place
  loop = assert(scissl.scheduler.new {
    onError = function(raised, traceback)
      io.stderr:write(tostring(raised), "\n", traceback, "\n")
      os.exit(false)
    end,
  })
end

local function echo(stream)
  for line in stream:lines() do stream:write(line, "\n") end
end

function library.run(clients, visit)
  local listener = assert(scissl.listen {
    host = "127.0.0.1", port = 0, waiter = "coroutine", backlog = 1024,
    certificate = folder .. "/server.pem", privateKey = folder .. "/server.key", version = "TLSv1.3",
  })
  local port = select(2, listener:getSockName())
  loop:spawn(function() assert(listener:serve(echo)) end)
  local function connect()
    local stream = assert(scissl.connect {
      host = "127.0.0.1", port = port, waiter = "coroutine", caFile = folder .. "/ca.pem", version = "TLSv1.3",
    })
    local function exchange(line)
      stream:write(line, "\n")
      return stream:read "l"
    end
    return exchange, function() assert(stream:close()) end
  end
  for _ = 1, clients do loop:spawn(visit, connect) end
  assert(loop:run())
end

function library.pause()
  loop:sleep(0)
end

return library
