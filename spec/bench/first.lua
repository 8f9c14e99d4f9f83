-- The effect of short first records on a slow line: lua5.4 first.lua WHAT [FIRST] sends 256 KiB from one end to the
-- other, both without descriptors, and passes the bytes on the wire on, packet by packet. FIRST is for
-- sslSetRecordSizing; without it all records are full. WHAT it prints:
--
--    bytes   on the wire until the receiver has its first byte; a line of R bit/s needs 8 * bytes / R seconds for them
--    whole   bytes on the wire for all 256 KiB: the cost for the line
--    speed   MiB/s of both ends, where each 256 KiB begin with short records: the cost for the processor
--
-- All but the speed is exact: it does not depend on a clock.
local what, first = arg[1], tonumber(arg[2])
local folder = os.getenv "BENCH_FOLDER"
local scissl = require "scissl"
local SciSslContext, SciSslSocket = scissl.SciSslContext, scissl.SciSslSocket

local PACKET = 1448 -- bytes of TCP in an Ethernet packet
local PIECE, TIMES = 16384, 400 -- for the speed
local data = ("x"):rep(256 * 1024)

local function prepare()
  local client_context, server_context = assert(SciSslContext.new "TLSv1.3"), assert(SciSslContext.new "TLSv1.3")
  assert(client_context:loadVerifyLocations(folder .. "/ca.pem"))
  assert(client_context:setVerify(scissl.SSL_VERIFY_PEER))
  assert(server_context:useCertificateFile(folder .. "/server.pem"))
  assert(server_context:usePrivateKeyFile(folder .. "/server.key"))
  local client, server = assert(SciSslSocket.onMemory(client_context)), assert(SciSslSocket.onMemory(server_context))
  assert(client:sslInitialize())
  assert(server:sslInitialize())
  return client, server
end

local function pass(from, to)
  local bytes = from:sslDrain()
  if #bytes > 0 then assert(to:sslFeed(bytes) == #bytes) end
end

local function shake_hands(client, server)
  local client_done, server_done
  repeat
    if client_done ~= 1 then client_done = client:sslConnect() end
    pass(client, server)
    if server_done ~= 1 then server_done = server:sslAccept() end
    pass(server, client)
  until client_done == 1 and server_done == 1
  client:sslRead() -- the tickets
end

local client, server = prepare()
shake_hands(client, server)

-- All bytes that the server puts on the wire. It makes more only when sslDrain has taken the last ones.
local function send_all()
  if first then server:sslSetRecordSizing(first) end
  local wire, sent = {}, 0
  while sent < #data do
    local answer = server:sslWrite(data, sent + 1)
    assert(not scissl.isSslError(answer), answer)
    if answer > 0 then sent = sent + answer end
    wire[#wire + 1] = server:sslDrain()
  end
  return table.concat(wire)
end

local function until_first_byte()
  local wire = send_all()
  for at = 1, #wire, PACKET do
    local packet = wire:sub(at, at + PACKET - 1)
    assert(client:sslFeed(packet) == #packet)
    if type(client:sslRead()) == "string" then return at + #packet - 1 end
  end
end

local function receive_all(wire)
  local at, got = 1, 0
  while got < #data do
    if at <= #wire then at = at + client:sslFeed(wire:sub(at, at + PIECE - 1)) end
    local bytes = client:sslRead()
    while type(bytes) == "string" do
      got = got + #bytes
      bytes = client:sslRead()
    end
    assert(not scissl.isSslError(bytes), bytes)
  end
end

local function speed()
  local now = scissl.SciSocket.now
  local begin = now()
  for _ = 1, TIMES do receive_all(send_all()) end
  return TIMES / 4 / (now() - begin)
end

local answers = { bytes = until_first_byte, whole = function() return #send_all() end, speed = speed }
print(answers[what]())
