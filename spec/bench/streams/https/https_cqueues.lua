-- The HTTPS server of cqueues with luaossl: see https.lua.
local cqueues = require "cqueues"
local socket = require "cqueues.socket"
local context = require "openssl.ssl.context"
local pkey = require "openssl.pkey"
local x509 = require "openssl.x509"
local folder = os.getenv "BENCH_FOLDER"
local RESPONSE = "HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\nHello, world!\n"

local function read_file(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

local tls = context.new("TLS", true)
tls:setCertificate(x509.new(read_file(folder .. "/server.pem")))
tls:setPrivateKey(pkey.new(read_file(folder .. "/server.key")))
local loop = cqueues.new()
local listener = assert(socket.listen { host = "127.0.0.1", port = 0 })
assert(listener:listen())

local function serve(connection)
  connection:setmode("b", "bf")
  connection:starttls(tls)
  for line in connection:lines "*L" do
    if line == "\r\n" then
      connection:write(RESPONSE)
      connection:flush()
    end
  end
end

print((select(3, listener:localname())))
io.stdout:flush()
loop:wrap(function()
  for connection in listener:clients { nodelay = true } do loop:wrap(serve, connection) end
end)
for _ in loop:errors() do end -- each ends its own connection
