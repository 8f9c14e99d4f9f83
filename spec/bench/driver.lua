-- Runs a work with a peer in Lua: lua5.4 driver.lua PEER WORK VERSION COUNT [EXTRA] prints one number; see works.lua.
-- All peers run in the same loop; adapters/PEER.lua returns a table with what differs:
--
--    adapter.open(version, folder)          prepares contexts from the files in the folder
--    adapter.pair([session]) -> a, b        two connected ends, after the handshake
--    adapter.write(end, data, i) -> count   bytes accepted from the i-th on; 0 where it would have to wait
--    adapter.read(end) -> count             bytes received; 0 where it would have to wait
--    adapter.close(a, b)
--    adapter.session(a) -> session          for resumption; may be missing: the peer cannot resume
--    adapter.now() -> seconds               monotonic where the peer has such a clock
local peer, work, version, count, extra = arg[1], arg[2], arg[3], tonumber(arg[4]), tonumber(arg[5])
local folder = os.getenv "BENCH_FOLDER"

-- Plain C in this process that makes a string of what it reads: see peer.c.
if peer == "strings" then
  print(("%.3f"):format(require "bench_peer"(work, version, count, extra)))
  return
end

package.path = arg[0]:match "^(.-)[^/]*$" .. "adapters/?.lua;" .. package.path

local adapter = require("bench_" .. peer)
local now = os.getenv "BENCH_PROCESSOR_TIME" and os.clock or adapter.now
local read, write = adapter.read, adapter.write

local function transfer(from, to, data)
  local sent, got, size = 0, 0, #data
  while got < size do
    if sent < size then sent = sent + write(from, data, sent + 1) end
    while got < size do
      local some = read(to)
      if some == 0 then break end
      got = got + some
    end
  end
end

local function trip(a, b, data)
  transfer(a, b, data)
  transfer(b, a, data)
end

local function connect()
  local a, b = adapter.pair()
  trip(a, b, "x")
  return a, b
end

local works = {}

function works.handshake()
  local begin = now()
  for _ = 1, count do adapter.close(adapter.pair()) end
  return count / (now() - begin)
end

-- Each handshake resumes the session of the one before, as RFC 8446 recommends.
function works.resume()
  local a, b = connect()
  local session = adapter.session(a)
  adapter.close(a, b)
  local begin = now()
  for _ = 1, count do
    a, b = adapter.pair(assert(session))
    session = adapter.session(a)
    adapter.close(a, b)
  end
  return count / (now() - begin)
end

function works.bulk()
  local data = ("x"):rep(extra)
  local a, b = connect()
  local begin = now()
  for _ = 1, count * 1048576 // extra do transfer(a, b, data) end
  return count / (now() - begin)
end

function works.trip()
  local data = ("x"):rep(extra)
  local a, b = connect()
  local begin = now()
  for _ = 1, count do trip(a, b, data) end
  return (now() - begin) / count * 1e9
end

local BATCH = 64

function works.oneway()
  local data = ("x"):rep(extra)
  local a, b = connect()
  local begin = now()
  for _ = 1, count // BATCH do
    for _ = 1, BATCH do assert(write(a, data, 1) == extra) end
    local got = 0
    repeat got = got + read(b) until got == BATCH * extra
  end
  return (now() - begin) / count * 1e9
end

local PAGE = 4096

local function resident()
  collectgarbage()
  collectgarbage()
  local file <close> = assert(io.open "/proc/self/statm")
  return select(2, file:read("n", "n")) * PAGE
end

local function open_many(number)
  local pairs_ = {}
  for i = 1, number do pairs_[i] = { connect() } end
  return pairs_
end

function works.idle()
  local few = open_many(20)
  local before = resident()
  local many = open_many(count)
  return (resident() - before) / count, few, many
end

local ACTIVE, TRIPS = 10, 20000

function works.scale()
  local data = ("x"):rep(extra)
  local many = open_many(count)
  local begin = now()
  for i = 0, TRIPS - 1 do
    local ends = many[i % ACTIVE * (count // ACTIVE) + 1]
    trip(ends[1], ends[2], data)
  end
  return (now() - begin) / TRIPS * 1e9
end

-- For callgrind: `count` writes, each followed by a read where `extra` is 1. The adapter's functions are not used.
function works.instructions()
  local data = ("x"):rep(64)
  local a, b = connect()
  adapter.plain(a, b, data, count, extra == 1)
  return count
end

adapter.open(version, folder)
print(("%.3f"):format((works[work]())))
