-- LuaSec, or what stands for it, under copas 4: see trip.lua. Returns a function that makes the library of an `ssl`.
local copas = require "copas"
local socket = require "socket"

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

  local function echo(plain)
    local connection = copas.wrap(plain, server_context)
    assert(connection:dohandshake())
    while true do
      local line = connection:receive "*l"
      if not line then break end
      connection:send(line .. "\n")
    end
  end

  function library.run(clients, visit, enter)
    local listener = assert(socket.bind("127.0.0.1", 0, 1024))
    local _, port = listener:getsockname()
    copas.addserver(listener, echo)
    for _ = 1, clients do
      copas.addthread(function()
        if enter then enter() end
        local connection = copas.wrap(assert(socket.connect("127.0.0.1", port)), client_context)
        assert(connection:dohandshake())
        visit(function(line)
          connection:send(line .. "\n")
          return connection:receive "*l"
        end)
      end)
    end
    copas.loop()
  end

  function library.pause() copas.pause(0) end

  return library
end
