-- LuaSec, or what stands for it, blocking: each client has an echo server in a process of its own, and its
-- exchanges wait. Only the clients' processor time counts. See trip.lua. Returns a function that makes the library
-- of an `ssl`; `load` is Lua code for a server that returns this `ssl`.
local socket = require "socket"

local server = [[
package.path, package.cpath = %q, %q
local ssl = %s
local socket = require "socket"
local folder = %q
local listener = assert(socket.bind("127.0.0.1", 0))
print((select(2, listener:getsockname())))
io.stdout:flush()
local connection = assert(ssl.wrap(assert(listener:accept()), {
  mode = "server", protocol = "tlsv1_3", certificate = folder .. "/server.pem", key = folder .. "/server.key",
}))
assert(connection:dohandshake())
while true do
  local line = connection:receive "*l"
  if not line then break end
  connection:send(line .. "\n")
end
]]

local lua = arg[-1] -- the interpreter of this program

return function(ssl, load)
  local library = {}
  local context, folder
  local processes = {} -- to collect one would wait for its end

  function library.open(place)
    folder = place
    context = assert(ssl.newcontext {
      mode = "client", protocol = "tlsv1_3", verify = "peer", cafile = folder .. "/ca.pem",
    })
  end

  local function start_server()
    local file = os.tmpname()
    local handle = assert(io.open(file, "w"))
    handle:write(server:format(package.path, package.cpath, load, folder))
    handle:close()
    local process = assert(io.popen(("exec env -u LUA_INIT '%s' '%s'"):format(lua, file)))
    processes[#processes + 1] = process
    local port = tonumber(process:read "l")
    os.remove(file)
    return port
  end

  local function connect()
    local connection = assert(ssl.wrap(assert(socket.connect("127.0.0.1", start_server())), context))
    assert(connection:dohandshake())
    local function exchange(line)
      connection:send(line .. "\n")
      return connection:receive "*l"
    end
    return exchange, function() connection:close() end
  end

  function library.run(clients, visit)
    local threads = {}
    for i = 1, clients do threads[i] = coroutine.wrap(visit) end
    while true do
      for i = 1, clients do threads[i](connect) end
    end
  end

  library.pause = coroutine.yield

  return library
end
