-- What calls of streams cost above those of sockets: lua5.4 calls.lua WORK TIMES. A line of 60 bytes crosses a
-- connection whose ends are both here, as often as TIMES says: `sockets`: by sslWrite and sslRead; instead of one
-- of these: `write`, `write2` (two strings), `line` (read "l"), `count` (read(60)), `some` (read "s"). Prints the bytes
-- that each crossing leaves to the garbage collector. Under callgrind, with bench_count in LUA_CPATH, the instructions
-- of the crossings alone are counted: those of a work less those of `sockets` are what the call adds.
local work, times = arg[1], tonumber(arg[2])
local counted, counter = pcall(require, "bench_count")
if not counted then counter = { start = function() end, stop = function() end } end

local scissl = require "scissl"
local folder = os.getenv "BENCH_FOLDER"

local function open()
  local near, far = assert(scissl.SciSocket.pair())
  local client_context, server_context = scissl.SciSslContext.new "TLSv1.3", scissl.SciSslContext.new "TLSv1.3"
  assert(client_context:loadVerifyLocations(folder .. "/ca.pem"))
  assert(server_context:useCertificateFile(folder .. "/server.pem"))
  assert(server_context:usePrivateKeyFile(folder .. "/server.key"))
  local client = assert(scissl.SciSslSocket.on(near:setBlocking(false), client_context))
  local server = assert(scissl.SciSslSocket.on(far:setBlocking(false), server_context))
  assert(client:sslInitialize())
  assert(server:sslInitialize())
  local shaken, accepted
  repeat
    shaken, accepted = shaken == 1 and 1 or client:sslConnect(), accepted == 1 and 1 or server:sslAccept()
  until shaken == 1 and accepted == 1
  return client, server
end

local client, server = open()
local near, far = scissl.stream(client), scissl.stream(server)
local line = ("x"):rep(59) .. "\n"

local works = {}

function works.sockets()
  client:sslWrite(line)
  server:sslRead()
end

function works.write()
  near:write(line)
  server:sslRead()
end

local words = { line:sub(1, 59), "\n" }
function works.write2()
  near:write(words[1], words[2])
  server:sslRead()
end

function works.line()
  client:sslWrite(line)
  far:read("l")
end

function works.count()
  client:sslWrite(line)
  far:read(60)
end

function works.some()
  client:sslWrite(line)
  far:read("s")
end

local cross = works[work]
for _ = 1, 10 do cross() end
collectgarbage()
collectgarbage "stop"
local before = collectgarbage "count"
counter.start()
for _ = 1, times do cross() end
counter.stop()
print(("%.1f"):format((collectgarbage "count" - before) * 1024 / times))
