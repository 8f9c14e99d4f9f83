-- The cost of a 64-byte round trip while many connections are open: lua5.4 many.lua sockets|streams COUNT TRIPS. Ten
-- connections, spread over all, make the trips in turn; the others are idle. Under callgrind, with bench_count in
-- LUA_CPATH, only the instructions of the trips are counted; otherwise it prints nanoseconds a trip.
--
-- `sockets`: SciSslSocket alone, in the driver's loop. `streams`: a listener that serves each stream in a coroutine,
-- all of them in one scheduler, waiting for requests; the clients' ends are streams of the same scheduler, and the idle
-- ones wait for a reply. All connections but the first resume, which takes less time.
local kind, count, trips = arg[1], tonumber(arg[2]), tonumber(arg[3])
local folder = os.getenv "BENCH_FOLDER"
local here = arg[0]:match "^(.-)[^/]*$"
package.path = ("%s?.lua;%sadapters/?.lua;"):format(here, here) .. package.path

local counted, counter = pcall(require, "bench_count")
if not counted then counter = { start = function() end, stop = function() end } end

local scissl = require "scissl"
local ACTIVE = 10
local MESSAGE = ("x"):rep(64)
local PATIENCE = 3600 -- seconds; the time-outs are part of the cost

-- Calls trip(i) for the active connections, and prints the cost of one trip.
local function measure(trip)
  local step = count // ACTIVE
  for i = 0, ACTIVE - 1 do trip(i * step + 1) end
  collectgarbage()
  local now = scissl.SciSocket.now
  local begin = now()
  counter.start()
  for i = 0, trips - 1 do trip(i % ACTIVE * step + 1) end
  counter.stop()
  print(("%.1f"):format((now() - begin) / trips * 1e9))
end

local kinds = {}

function kinds.sockets()
  local adapter = require "bench_scissl"
  adapter.open("TLSv1.3", folder)
  local pairs_ = {}
  local read, write = adapter.read, adapter.write
  local session
  for i = 1, count do
    local client, server = adapter.pair(session)
    read(client)
    session = adapter.session(client)
    pairs_[i] = { client, server }
  end
  local function pass(from, to)
    assert(write(from, MESSAGE, 1) == #MESSAGE)
    local got = 0
    repeat got = got + read(to) until got == #MESSAGE
  end
  measure(function(i)
    local ends = pairs_[i]
    pass(ends[1], ends[2])
    pass(ends[2], ends[1])
  end)
end

local function answer(stream)
  for request in function() return stream:read(#MESSAGE) end do assert(stream:write(request)) end
end

local function ask(stream)
  assert(stream:write(MESSAGE))
  assert(#assert(stream:read(#MESSAGE)) == #MESSAGE)
end

function kinds.streams()
  require "loopback"(folder, { serve = answer, timeout = PATIENCE }, function(connect, loop)
    local streams = {}
    for i = 1, count do
      local session = i > 1 and streams[i - 1]:getSession() or nil
      streams[i] = connect(session)
      assert(not session or streams[i]:isSessionReused())
      ask(streams[i])
      if (i - 1) % (count // ACTIVE) ~= 0 then loop:spawn(streams[i].read, streams[i], #MESSAGE) end
    end
    measure(function(i) ask(streams[i]) end)
  end)
end

kinds[kind]()
