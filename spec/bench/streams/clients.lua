-- What trip.lua and connections.lua share. `PROGRAM LIBRARY CLIENTS COUNT` loads the library and runs CLIENTS clients,
-- which share COUNT works. Each client first calls start(connect, library), which returns a function; when all clients
-- have done that, each calls its function with its share. Prints microseconds of processor time for one work, both ends
-- together. Under callgrind, with bench_count in LUA_CPATH, only the instructions of these works are counted.
local name, clients, count = arg[1], tonumber(arg[2]), tonumber(arg[3])
package.path = arg[0]:match "^(.-)[^/]*$" .. "libraries/?.lua;" .. package.path

local counted, counter = pcall(require, "bench_count")
if not counted then counter = { start = function() end, stop = function() end } end

local library = require("stream_" .. name)
local share = count // clients
local ready, done, began = 0, 0, nil

local function begin()
  if began then return end
  collectgarbage()
  began = os.clock()
  counter.start()
end

local function finish()
  done = done + 1
  if done < clients then return end
  counter.stop()
  print(("%.2f"):format((os.clock() - began) / (share * clients) * 1e6))
  os.exit(true)
end

return function(start)
  local function visit(connect)
    local work = start(connect, library)
    ready = ready + 1
    while ready < clients do library.pause() end
    begin()
    work(share)
    finish()
  end

  library.open(os.getenv "BENCH_FOLDER")
  library.run(clients, visit)
end
