-- Line trips: lua5.4 trip.lua LIBRARY CLIENTS TRIPS. Each client sends a line of 60 bytes and reads it back, as often
-- as its share of the trips wants; all clients and the server that echoes are in this one process, over TLS 1.3. Prints
-- microseconds of processor time for one trip. Under callgrind, with bench_count in LUA_CPATH, the instructions of the
-- trips alone are counted. What differs from library to library is in libraries/stream_NAME.lua, which returns a table:
--
--    library.open(folder)           prepares contexts from the files in the folder
--    library.run(clients, visit)    runs the loop: a server that echoes lines, and visit(connect) in a coroutine for
--                                   each client. connect() opens a connection and returns two functions:
--                                   exchange(line) sends a line and returns what comes back; close() closes it
--    library.pause()                lets the other coroutines run
--
-- scissl, scissl_copas, scissl_cqueues, scissl_luv: our streams under these loops. cqueues: its own sockets. luasec:
-- LuaSec in a loop of its own. luasec_copas, luasec_select, luasec_blocking: LuaSec in other ways; face_copas and so
-- on: the same programs with scissl.luasec in place of LuaSec. luv has no TLS of its own: luasec_luv is LuaSec that
-- waits by uv_poll.
local name, clients, trips = arg[1], tonumber(arg[2]), tonumber(arg[3])
local here = arg[0]:match "^(.-)[^/]*$"
package.path = here .. "libraries/?.lua;" .. package.path

local counted, counter = pcall(require, "bench_count")
if not counted then counter = { start = function() end, stop = function() end } end

local library = require("stream_" .. name)
local line = ("x"):rep(59)
local share = trips // clients
local CONNECTING_MOST = 16 -- at a time: under callgrind, servers do not wait for a thousand handshakes
local connecting, ready, done, began = 0, 0, 0, nil

local function visit(connect)
  while connecting == CONNECTING_MOST do library.pause() end
  connecting = connecting + 1
  local exchange = connect()
  for _ = 1, 3 do assert(exchange(line) == line) end
  connecting, ready = connecting - 1, ready + 1
  while ready < clients do library.pause() end
  if not began then
    collectgarbage()
    began = os.clock()
    counter.start()
  end
  for _ = 1, share do exchange(line) end
  done = done + 1
  if done < clients then return end
  counter.stop()
  print(("%.2f"):format((os.clock() - began) / (share * clients) * 1e6))
  os.exit(true)
end

library.open(os.getenv "BENCH_FOLDER")
library.run(clients, visit)
