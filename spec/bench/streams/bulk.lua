-- Long transfers: lua5.4 bulk.lua LIBRARY WORK BYTES. Works: `lines` iterates over lines of 80 bytes, `read_all` reads
-- everything into one string, `write_all` writes one string. The other end is a process of its own, in plain C: see
-- bulk.c, which is compiled as `bulk` in the folder BENCH_PROGRAMS. Prints microseconds of processor time of this end.
-- Under callgrind, with bench_count in LUA_CPATH, the instructions of the work alone are counted. LIBRARY `plain` and
-- `tuned` start the same work in C; `strings` is C in this process that makes the strings: the module bench_strings in
-- LUA_CPATH. Others are in libraries/bulk_NAME.lua, which returns a table of
--
--    library.connect(port, folder)   makes a connection that trusts ca.pem in the folder
--    library.lines(connection), library.read_all(connection)   return the number of lines, and the bytes
--    library.write_all(connection, bytes)
local name, work, bytes = arg[1], arg[2], math.tointeger(tonumber(arg[3]))
local here = arg[0]:match "^(.-)[^/]*$"
package.path = here .. "libraries/?.lua;" .. package.path

local LINE = 80
local program = os.getenv "BENCH_PROGRAMS" .. "/bulk"
local server = assert(io.popen(("'%s' serve %s %d"):format(program, work, bytes)))
local port = assert(server:read "n", "the other end has not started")

local function finish(microseconds)
  print(microseconds)
  server:close()
end

if name == "plain" or name == "tuned" then
  local count = os.getenv "BENCH_COUNT" or "" -- a command, as callgrind
  local pipe = assert(io.popen(("%s '%s' %s %s %d %d"):format(count, program, name, work, port, bytes)))
  finish(pipe:read "l")
  os.exit((pipe:close()))
end

if name == "strings" then
  finish(("%.0f"):format(require "bench_strings"(work, port, bytes)))
  os.exit(true)
end

local counted, counter = pcall(require, "bench_count")
if not counted then counter = { start = function() end, stop = function() end } end

local library = require("bulk_" .. name)
local connection = library.connect(port, os.getenv "BENCH_FOLDER")

local works = {}

function works.lines()
  assert(library.lines(connection) == bytes // LINE)
end

function works.read_all()
  assert(#library.read_all(connection) == bytes)
end

function works.write_all(text)
  library.write_all(connection, text)
end

local text = work == "write_all" and (("x"):rep(LINE - 1) .. "\n"):rep(bytes // LINE) or nil
collectgarbage()
local began = os.clock()
counter.start()
works[work](text)
counter.stop()
local took = os.clock() - began
connection:close()
finish(("%.0f"):format(took * 1e6))
