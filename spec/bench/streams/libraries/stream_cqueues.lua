-- cqueues with luaossl: see trip.lua.
local cqueues = require "cqueues"
local socket = require "cqueues.socket"
local context = require "openssl.ssl.context"
local pkey = require "openssl.pkey"
local x509 = require "openssl.x509"
local store = require "openssl.x509.store"

local library = {}
local client_context, server_context

local function read_file(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

function library.open(folder)
  client_context, server_context = context.new("TLS", false), context.new("TLS", true)
  for _, made in ipairs { client_context, server_context } do
    made:setOptions(context.OP_NO_TLSv1 | context.OP_NO_TLSv1_1 | context.OP_NO_TLSv1_2)
  end
  local trusted = store.new()
  trusted:add(x509.new(read_file(folder .. "/ca.pem")))
  client_context:setStore(trusted)
  client_context:setVerify(context.VERIFY_PEER)
  server_context:setCertificate(x509.new(read_file(folder .. "/server.pem")))
  server_context:setPrivateKey(pkey.new(read_file(folder .. "/server.key")))
end

local function echo(connection)
  assert(connection:starttls(server_context))
  for line in connection:lines() do connection:write(line, "\n") end
  connection:close()
end

function library.run(clients, visit)
  local loop = cqueues.new()
  local listener = assert(socket.listen { host = "127.0.0.1", port = 0, nodelay = true })
  assert(listener:listen())
  local port = select(3, listener:localname())
  loop:wrap(function()
    for connection in listener:clients { nodelay = true } do
      connection:setmode("bl", "bl")
      loop:wrap(echo, connection)
    end
  end)
  local function connect()
    local connection = assert(socket.connect { host = "127.0.0.1", port = port, nodelay = true })
    connection:setmode("bl", "bl")
    assert(connection:starttls(client_context))
    local function exchange(line)
      connection:write(line, "\n")
      return connection:read "*l"
    end
    return exchange, function() connection:close() end
  end
  for _ = 1, clients do loop:wrap(visit, connect) end
  assert(loop:loop())
end

function library.pause()
  cqueues.sleep(0)
end

return library
