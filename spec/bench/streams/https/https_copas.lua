-- The HTTPS server of copas: lua5.4 https_copas.lua luasec, or with scissl.luasec: lua5.4 https_copas.lua scissl.
if arg[1] == "scissl" then require "scissl.luasec".install() end
local copas, socket, ssl = require "copas", require "socket", require "ssl"
local folder = os.getenv "BENCH_FOLDER"
local RESPONSE = "HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\nHello, world!\n"

local context = assert(ssl.newcontext {
  mode = "server", protocol = "any", key = folder .. "/server.key", certificate = folder .. "/server.pem",
})
local listener = assert(socket.bind("127.0.0.1", 0, 1024))

print((select(2, listener:getsockname())))
io.stdout:flush()
copas.addserver(listener, function(plain)
  plain:setoption("tcp-nodelay", true)
  local connection = copas.wrap(plain, context)
  connection:dohandshake()
  while true do
    local line = connection:receive "*l"
    if not line then return end
    if line == "" then connection:send(RESPONSE) end
  end
end)
copas.loop()
