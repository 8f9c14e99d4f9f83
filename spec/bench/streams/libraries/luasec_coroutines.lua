-- LuaSec on LuaSocket, in coroutines: see trip.lua. Returns a function that makes the library of a loop:
--
--    loop.spawn(work, …)        starts a coroutine
--    loop.wait(socket, reason)  sleeps until that is ready for which LuaSec or LuaSocket returned `reason`
--    loop.run()                 runs all coroutines
--    loop.pause()               lets the others run
local socket = require "socket"
local ssl = require "ssl"

return function(loop)
  local wait = loop.wait
  local library = { pause = loop.pause }
  local client_context, server_context

  function library.open(folder)
    client_context = assert(ssl.newcontext {
      mode = "client", protocol = "tlsv1_3", verify = "peer", cafile = folder .. "/ca.pem", options = "all",
    })
    server_context = assert(ssl.newcontext {
      mode = "server", protocol = "tlsv1_3", certificate = folder .. "/server.pem", key = folder .. "/server.key",
      options = "all",
    })
  end

  -- ---- connections

  local function secure(plain, context)
    assert(plain:setoption("tcp-nodelay", true))
    local wrapped = assert(ssl.wrap(plain, context))
    wrapped:settimeout(0)
    while true do
      local done, reason = wrapped:dohandshake()
      if done then return wrapped end
      wait(wrapped, reason)
    end
  end

  local function send(wrapped, text)
    local from = 1
    while true do
      local last, reason, partial = wrapped:send(text, from)
      if last then return end
      from = partial + 1
      wait(wrapped, reason)
    end
  end

  -- Returns nil where the peer has closed.
  local function receive(wrapped)
    local got = ""
    while true do
      local line, reason, partial = wrapped:receive("*l", got)
      if line then return line end
      if reason == "closed" then return nil end
      got = partial
      wait(wrapped, reason)
    end
  end

  local function echo(plain)
    local wrapped = secure(plain, server_context)
    for line in receive, wrapped do send(wrapped, line .. "\n") end
    wrapped:close()
  end

  local function serve(listener)
    while true do
      local plain = listener:accept()
      if plain then loop.spawn(echo, plain)
      else wait(listener, "timeout") end
    end
  end

  function library.run(clients, visit)
    local listener = assert(socket.bind("127.0.0.1", 0, 1024))
    listener:settimeout(0)
    local port = select(2, listener:getsockname())
    local function connect()
      local plain = assert(socket.tcp())
      assert(plain:connect("127.0.0.1", port))
      local wrapped = secure(plain, client_context)
      local function exchange(line)
        send(wrapped, line .. "\n")
        return receive(wrapped)
      end
      return exchange, function() wrapped:close() end
    end
    loop.spawn(serve, listener)
    for _ = 1, clients do loop.spawn(visit, connect) end
    loop.run()
  end

  return library
end
