-- A server of DTLS with many peers: lua5.4 datagrams.lua [COUNT [HELLOS]]. Prints the memory of the server's process a
-- peer, in bytes, as the system counts it (Linux: VmRSS) and as Lua counts it; the time of a handshake and of a
-- round trip, both ends together; and what HELLOS ClientHellos of as many addresses have left behind.
--
-- The server is this program, started again: a process of its own, so that its memory is not that of the clients.
local count, hellos = tonumber(arg[1]) or 1000, tonumber(arg[2]) or 10000
local scissl = require "scissl"

local PSK = { identity = "sensor", key = "sixteen bytes ..." }
local now = scissl.SciSocket.now

local function resident()
  local status <close> = assert(io.open "/proc/self/status")
  return tonumber(status:read "a":match "VmRSS:%s*(%d+)") * 1024
end

-- ---- the server: replies to each message, and to "report" with numbers

local function collected()
  collectgarbage()
  collectgarbage()
  return collectgarbage "count" * 1024
end

local function serve()
  local listener = assert(scissl.datagram.listen {
    host = "127.0.0.1", port = 0, psk = { [PSK.identity] = PSK.key }, maxPeers = 1000000, idleTimeout = math.huge,
  })
  print(select(2, listener:getSockName()))
  io.stdout:flush()
  listener:serve(function(association, message)
    if message ~= "report" then return association:send(message) end
    local counts = listener:statistics()
    association:send(("%d %d %d %d"):format(resident(), collected(), counts.peers, counts.hellos))
  end)
end

if arg[1] == "serve" then return serve() end

-- ---- the clients

local words = {}
for _, word in ipairs { "LUA_PATH=" .. package.path, "LUA_CPATH=" .. package.cpath } do
  words[#words + 1] = "'" .. word .. "'"
end
local command = ("echo $$; exec env %s lua5.4 '%s' serve"):format(table.concat(words, " "), arg[0])
local server <close> = assert(io.popen(command))
local pid, port = server:read("n", "n")

local function connect()
  return assert(scissl.datagram.connect { host = "127.0.0.1", port = port, psk = PSK, timeout = 30 })
end

local first = connect()

local function report()
  assert(first:send "report")
  local rss, lua, peers, seen = assert(first:receive()):match "(%d+) (%d+) (%d+) (%d+)"
  return { rss = tonumber(rss), lua = tonumber(lua), peers = tonumber(peers), hellos = tonumber(seen) }
end

local function flood()
  local context = assert(scissl.SciSslContext.new "DTLS")
  local client = assert(scissl.SciSslSocket.onMemory(context)):sslInitialize()
  client:sslConnect()
  local hello = client:sslDrain()
  for i = 1, hellos do
    local socket <close> = assert(scissl.SciSocket.newDatagramSocket())
    assert(socket:sendTo(hello, "127.0.0.1", port))
    if i % 20 == 0 then report() end -- the system's queue is short
  end
end

for _ = 1, 20 do connect():close() end -- what the first peers alone allocate
local before = report()
flood()
local after = report()
print(("spoofed hellos   %d answered, %d peers more, %+d bytes of Lua, %+d bytes resident"):format(
  after.hellos - before.hellos, after.peers - before.peers, after.lua - before.lua, after.rss - before.rss))

before = report()
local associations, begin = {}, now()
for i = 1, count do associations[i] = connect() end
local handshake = (now() - begin) / count
after = report()
print(("memory           %d bytes resident a peer, %d of them Lua's (%d peers)"):format(
  (after.rss - before.rss) // count, (after.lua - before.lua) // count, after.peers - before.peers))
begin = now()
for _, association in ipairs(associations) do
  assert(association:send "a short message")
  assert(association:receive() == "a short message")
end
local trip = (now() - begin) / count
print(("time             %.0f µs a handshake, %.0f µs a round trip"):format(handshake * 1e6, trip * 1e6))
os.execute("kill " .. pid)
