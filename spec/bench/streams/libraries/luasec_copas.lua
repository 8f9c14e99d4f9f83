-- LuaSec, or what stands for it, under copas 2 or later: see trip.lua. Returns a function that makes the library of an
-- `ssl`.
local copas = require "copas"
local socket = require "socket"
local pause = assert(copas.pause or copas.sleep, "this copas is too old: it has no timers")

copas.setErrorHandler(function(raised, thread)
  io.stderr:write(debug.traceback(thread, tostring(raised)), "\n")
  os.exit(false)
end, true)

return function(ssl)
  local library = {}
  local client_context, server_context

  function library.open(folder)
    client_context = assert(ssl.newcontext {
      mode = "client", protocol = "tlsv1_3", verify = "peer", cafile = folder .. "/ca.pem",
    })
    server_context = assert(ssl.newcontext {
      mode = "server", protocol = "tlsv1_3", certificate = folder .. "/server.pem", key = folder .. "/server.key",
    })
  end

  local function secure(plain, context)
    plain:setoption("tcp-nodelay", true)
    local connection = copas.wrap(plain, context)
    assert(connection:dohandshake())
    return connection
  end

  local function echo(plain)
    local connection = secure(plain, server_context)
    while true do
      local line = connection:receive "*l"
      if not line then return end
      connection:send(line .. "\n")
    end
  end

  function library.run(clients, visit)
    local listener = assert(socket.bind("127.0.0.1", 0, 1024))
    local _, port = listener:getsockname()
    local function connect()
      local plain = assert(socket.tcp())
      plain:settimeout(0)
      assert(copas.connect(plain, "127.0.0.1", port))
      local connection = secure(plain, client_context)
      local function exchange(line)
        connection:send(line .. "\n")
        return connection:receive "*l"
      end
      return exchange, function() connection:close() end
    end
    copas.addserver(listener, echo)
    for _ = 1, clients do copas.addthread(visit, connect) end
    copas.loop()
  end

  function library.pause() pause(0) end

  return library
end
