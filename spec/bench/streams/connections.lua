-- Whole connections: lua5.4 connections.lua LIBRARY CLIENTS CONNECTIONS. Each client connects, sends a line of 60
-- bytes, reads it back and closes, again and again; all clients and the server that echoes are in this one process,
-- over TLS 1.3 with full handshakes. Prints microseconds of processor time for one connection, both ends together.
-- Under callgrind, with bench_count in LUA_CPATH, only the instructions of these connections are counted. For the
-- libraries see trip.lua.
local name, clients, connections = arg[1], tonumber(arg[2]), tonumber(arg[3])
local here = arg[0]:match "^(.-)[^/]*$"
package.path = here .. "libraries/?.lua;" .. package.path

local counted, counter = pcall(require, "bench_count")
if not counted then counter = { start = function() end, stop = function() end } end

local library = require("stream_" .. name)
local line = ("x"):rep(59)
local share = connections // clients
local ready, done, began = 0, 0, nil

local function once(connect)
  local exchange, close = connect()
  assert(exchange(line) == line)
  close()
end

local function visit(connect)
  for _ = 1, 3 do once(connect) end
  ready = ready + 1
  while ready < clients do library.pause() end
  if not began then
    collectgarbage()
    began = os.clock()
    counter.start()
  end
  for _ = 1, share do once(connect) end
  done = done + 1
  if done < clients then return end
  counter.stop()
  print(("%.2f"):format((os.clock() - began) / (share * clients) * 1e6))
  os.exit(true)
end

library.open(os.getenv "BENCH_FOLDER")
library.run(clients, visit)
