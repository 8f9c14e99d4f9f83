-- A server of DTLS that replies to each message with the same message, as a CoAPS server replies to each request.
--   lua5.4 examples/datagram_server.lua PORT IDENTITY KEY
--   lua5.4 examples/datagram_server.lua PORT --certificate CERTIFICATE_FILE KEY_FILE
-- KEY is the text of a pre-shared key of 16 bytes or more. Port 0: the system chooses one (CoAPS has 5684). To connect:
-- examples/datagram_client.lua; openssl s_client -dtls1_2 -connect localhost:PORT
-- SIGHUP: the certificate is read again. SIGTERM, SIGINT: no new peers; those that there are have one second.
local scissl = require "scissl"

local port, identity = tonumber(arg[1]), arg[2]
if not (port and identity and arg[3]) or identity == "--certificate" and not arg[4] then
  io.stderr:write("usage: datagram_server.lua PORT IDENTITY KEY\n",
    "       datagram_server.lua PORT --certificate CERTIFICATE_FILE KEY_FILE\n")
  os.exit(2)
end

local options = { host = "127.0.0.1", port = port, idleTimeout = 600, waiter = "coroutine" }
if identity == "--certificate" then options.certificate, options.privateKey = arg[3], arg[4]
else options.psk = { [identity] = arg[3] } end

local listener = assert(scissl.datagram.listen(options))
local signals = assert(scissl.signals.new("SIGHUP", "SIGTERM", "SIGINT", { waiter = "coroutine" }))
print(("listening on %s port %d"):format(listener:getSockName()))
io.stdout:flush()

local loop = assert(scissl.scheduler.new())
loop:spawn(function()
  for name in function() return signals:wait() end do
    if name == "SIGHUP" then
      local read, failure = listener:reload()
      print(read and "certificate read again" or tostring(failure))
    else listener:stop(1) end
    io.stdout:flush()
  end
end)
loop:spawn(function()
  local _, cut = assert(listener:serve(function(association, message)
    local sent, failure = association:send(message)
    if not sent then io.stderr:write(tostring(failure), "\n") end
  end, {
    onAssociation = function(association)
      print(("%s: %s"):format(association:peerAddress(), association:socket():cipher():standardName()))
      io.stdout:flush()
    end,
  }))
  print("stopped; peers that were still there: " .. cut)
  signals:close()
end)
assert(loop:run())
