-- LuaSec on LuaSocket: see driver.lua.
local socket = require "socket"
local ssl = require "ssl"

local adapter = { now = socket.gettime }
local client_context, server_context, listener, port

function adapter.open(version, folder)
  local protocol = version:gsub("%.", "_"):lower() -- "tlsv1_3"
  client_context = assert(ssl.newcontext {
    mode = "client", protocol = protocol, verify = "peer", cafile = folder .. "/ca.pem", curveslist = "X25519:P-256",
    options = "all",
  })
  server_context = assert(ssl.newcontext {
    mode = "server", protocol = protocol, certificate = folder .. "/server.pem", key = folder .. "/server.key",
    curveslist = "X25519:P-256", options = "all",
  })
  listener = assert(socket.bind("127.0.0.1", 0, 1024))
  port = select(2, listener:getsockname())
end

local function wrap(tcp, context)
  assert(tcp:setoption("tcp-nodelay", true))
  local wrapped = assert(ssl.wrap(tcp, context))
  wrapped:settimeout(0)
  return wrapped
end

local function step(wrapped)
  local done, reason = wrapped:dohandshake()
  assert(done or reason == "wantread" or reason == "wantwrite", reason)
  return done
end

function adapter.pair()
  local tcp = socket.tcp()
  assert(tcp:connect("127.0.0.1", port))
  local accepted = assert(listener:accept())
  local client, server = wrap(tcp, client_context), wrap(accepted, server_context)
  local client_done, server_done
  repeat
    client_done = client_done or step(client)
    server_done = server_done or step(server)
  until client_done and server_done
  return client, server
end

function adapter.write(wrapped, data, i)
  local last, reason, partial = wrapped:send(data, i)
  if last then return last - i + 1 end
  assert(reason == "wantwrite" or reason == "timeout", reason)
  return partial - i + 1
end

function adapter.read(wrapped)
  local data, reason, partial = wrapped:receive(16384)
  if data then return #data end
  assert(reason == "wantread" or reason == "timeout", reason)
  return #partial
end

function adapter.close(client, server)
  client:close()
  server:close()
end

return adapter
