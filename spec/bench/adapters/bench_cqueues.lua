-- cqueues with luaossl: see driver.lua.
local cqueues = require "cqueues"
local errno = require "cqueues.errno"
local socket = require "cqueues.socket"
local context = require "openssl.ssl.context"
local pkey = require "openssl.pkey"
local x509 = require "openssl.x509"
local store = require "openssl.x509.store"

-- OpenSSL uses the lower part of a range with a gap: so all other versions must be switched off.
local OTHERS = {
  ["TLSv1.2"] = context.OP_NO_TLSv1 | context.OP_NO_TLSv1_1 | context.OP_NO_TLSv1_3,
  ["TLSv1.3"] = context.OP_NO_TLSv1 | context.OP_NO_TLSv1_1 | context.OP_NO_TLSv1_2,
}

local adapter = { now = cqueues.monotime }
local client_context, server_context, listener, port

local function read_file(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

function adapter.open(version, folder)
  client_context, server_context = context.new("TLS", false), context.new("TLS", true)
  for _, made in ipairs { client_context, server_context } do
    made:setCurvesList "X25519:P-256"
    made:setOptions(OTHERS[version])
  end
  local trusted = store.new()
  trusted:add(x509.new(read_file(folder .. "/ca.pem")))
  client_context:setStore(trusted)
  client_context:setVerify(context.VERIFY_PEER)
  server_context:setCertificate(x509.new(read_file(folder .. "/server.pem")))
  server_context:setPrivateKey(pkey.new(read_file(folder .. "/server.key")))
  listener = assert(socket.listen { host = "127.0.0.1", port = 0 })
  assert(listener:listen())
  port = select(3, listener:localname())
end

local function prepare(plain)
  plain:setmode("bn", "bn")
  plain:setmaxline(65536)
  plain:onerror(function(_, _, code) return code end)
  return plain
end

function adapter.pair()
  local client = prepare(assert(socket.connect { host = "127.0.0.1", port = port, nodelay = true }))
  assert(client:connect(10))
  local server = prepare(assert(listener:accept({ nodelay = true }, 10)))
  local loop = cqueues.new()
  loop:wrap(function() assert(client:starttls(client_context, 10)) end)
  loop:wrap(function() assert(server:starttls(server_context, 10)) end)
  assert(loop:loop())
  return client, server
end

function adapter.write(plain, data, i)
  local sent, code = plain:send(data, i, #data)
  assert(sent > 0 or not code or code == errno.EAGAIN, code)
  plain:flush("n", 0)
  return sent
end

function adapter.read(plain)
  local data, code = plain:recv(-65536)
  if data then return #data end
  assert(code == errno.EAGAIN, code)
  plain:clearerr()
  return 0
end

function adapter.close(client, server)
  client:close()
  server:close()
end

return adapter
