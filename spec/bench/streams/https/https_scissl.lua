-- The HTTPS server of scissl: see https.lua.
local scissl = require "scissl"
local folder = os.getenv "BENCH_FOLDER"
local RESPONSE = "HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\nHello, world!\n"

local loop = scissl.scheduler.new()
local listener = assert(scissl.listen {
  host = "127.0.0.1", port = 0, waiter = "coroutine",
  certificate = folder .. "/server.pem", privateKey = folder .. "/server.key",
})

local function serve(stream)
  while true do
    local line = stream:read "l"
    if not line then return end
    if line == "\r" then stream:write(RESPONSE) end
  end
end

print((select(2, listener:getSockName())))
io.stdout:flush()
loop:spawn(function() listener:serve(serve) end)
loop:run()
