-- A server of DTLS with many peers: datagrams.lua [COUNT [HELLOS [MESSAGES]]]. Prints the memory of the server's
-- process a peer, in bytes, as the system counts it (Linux: VmRSS) and as Lua counts it; the time of a handshake and of
-- a round trip, both ends together; the processor's time that the server takes for a message; and what HELLOS
-- ClientHellos of as many addresses have left behind. The server is this program, started again: a process of its own,
-- so that its memory and time are not those of the clients.
--
-- With BENCH_DATAGRAM_SERVER, the path of a server (datagram_server.c), its memory and time are measured instead.
-- `datagrams.lua memory` and `datagrams.lua message` print one number: for run.lua.
local only = (arg[1] == "memory" or arg[1] == "message") and table.remove(arg, 1) or nil
local count, hellos, messages = tonumber(arg[1]) or 1000, tonumber(arg[2]) or 10000, tonumber(arg[3]) or 20000
local scissl = require "scissl"

local PSK = { identity = "sensor", key = "sixteen bytes ..." }
local SUITE = "ECDHE-PSK-CHACHA20-POLY1305"
local TICKS = 100 -- a second, in which the system counts the processor's time
local now = scissl.SciSocket.now

-- ---- the server: replies to each message, and to "report" with numbers

local function collected()
  collectgarbage()
  collectgarbage()
  return collectgarbage "count" * 1024
end

local function serve()
  local listener = assert(scissl.datagram.listen {
    host = "127.0.0.1", port = 0, psk = { [PSK.identity] = PSK.key }, cipherList = SUITE, maxPeers = 1000000,
    idleTimeout = math.huge,
  })
  print(select(2, listener:getSockName()))
  io.stdout:flush()
  listener:serve(function(association, message)
    if message ~= "report" then return association:send(message) end
    local counts = listener:statistics()
    association:send(("%d %d %d"):format(collected(), counts.peers, counts.hellos))
  end)
end

if arg[1] == "serve" then return serve() end

local words = {}
for _, word in ipairs { "LUA_PATH=" .. package.path, "LUA_CPATH=" .. package.cpath } do
  words[#words + 1] = "'" .. word .. "'"
end
local other = os.getenv "BENCH_DATAGRAM_SERVER"
local interpreter = arg[-1] or "lua5.4"
local command = other and ("'%s'"):format(other)
  or ("env %s '%s' '%s' serve"):format(table.concat(words, " "), interpreter, arg[0])
local server <close> = assert(io.popen("echo $$; exec " .. command))
local pid, port = server:read("n", "n")
local _ <close> = setmetatable({}, { __close = function() os.execute("kill " .. pid) end })

-- What the system says of the server's process: bytes in memory, and seconds of the processor.
local function resident()
  local file <close> = assert(io.open(("/proc/%d/status"):format(pid)))
  return tonumber(file:read "a":match "VmRSS:%s*(%d+)") * 1024
end

local function seconds_used()
  local file <close> = assert(io.open(("/proc/%d/stat"):format(pid)))
  local fields = {}
  for field in file:read "a":match "%)(.*)":gmatch "%S+" do fields[#fields + 1] = field end
  return (tonumber(fields[12]) + tonumber(fields[13])) / TICKS
end

-- ---- the clients

local function connect()
  return assert(scissl.datagram.connect {
    host = "127.0.0.1", port = port, psk = PSK, cipherList = SUITE, timeout = 30,
  })
end

local first = connect()

-- What a server of scissl says of itself.
local function report()
  if other then return { rss = resident(), lua = 0, peers = 0, hellos = 0 } end
  assert(first:send "report")
  local lua, peers, seen = assert(first:receive()):match "(%d+) (%d+) (%d+)"
  return { rss = resident(), lua = tonumber(lua), peers = tonumber(peers), hellos = tonumber(seen) }
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

local associations = {}

local function measure_memory()
  local before, begin = report(), now()
  for i = 1, count do associations[i] = connect() end
  local each = (now() - begin) / count
  local after = report()
  return (after.rss - before.rss) // count, (after.lua - before.lua) // count, each
end

-- The seconds of the server's processor for a message, and those of a round trip, while all peers are there.
local function measure_messages()
  local before, begin = seconds_used(), now()
  for i = 0, messages - 1 do
    local association = associations[i % #associations + 1]
    assert(association:send "a short message")
    assert(association:receive() == "a short message")
  end
  return (seconds_used() - before) / messages, (now() - begin) / messages
end

for _ = 1, 20 do connect():close() end -- what the first peers alone allocate
if only == "memory" then return print((measure_memory())) end
if only == "message" then
  for i = 1, 100 do associations[i] = connect() end
  return print(("%.0f"):format(measure_messages() * 1e9))
end

if not other then
  local before = report()
  flood()
  local after = report()
  print(("spoofed hellos   %d answered, %d peers more, %+d bytes of Lua, %+d bytes resident"):format(
    after.hellos - before.hellos, after.peers - before.peers, after.lua - before.lua, after.rss - before.rss))
end
local rss, lua, handshake = measure_memory()
print(("memory           %d bytes resident a peer, %d of them Lua's (%d peers)"):format(rss, lua, count))
local used, trip = measure_messages()
print(("time             %.0f µs a handshake, %.0f µs a round trip, %.1f µs of the server's processor a message")
  :format(handshake * 1e6, trip * 1e6, used * 1e6))
