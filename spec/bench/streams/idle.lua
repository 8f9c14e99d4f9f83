-- The memory of idle connections: lua5.4 idle.lua sockets|streams COUNT prints the resident bytes of a pair of
-- connected ends that have sent a line each way. `sockets`: SciSslSocket alone. `streams`: both ends are streams of one
-- scheduler; the server's waits in the coroutine that serves it, and the client's in one that reads.
--
-- lua5.4 idle.lua gone COUNT prints two numbers: the bytes that the process keeps for each pair after COUNT pairs of
-- streams have come and gone, and those that Lua keeps of them. LOT pairs are open at a time.
local kind, count = arg[1], tonumber(arg[2])
local folder = os.getenv "BENCH_FOLDER"
local here = arg[0]:match "^(.-)[^/]*$"
package.path = ("%s../?.lua;%s../adapters/?.lua;"):format(here, here) .. package.path

local LINE = ("x"):rep(59)
local FIRST = 50 -- pairs that are made before anything is measured
local LOT = 500
local PAGE = 4096

local function resident()
  collectgarbage()
  collectgarbage()
  local file = io.open "/proc/self/statm"
  if file then
    local _, pages = file:read("n", "n")
    file:close()
    return pages * PAGE
  end
  local pipe <close> = assert(io.popen "ps -o rss= -p $PPID")
  return pipe:read "n" * 1024
end

-- Calls open(n), which returns n pairs, and prints the bytes of one of `count` pairs.
local function measure(open)
  local first = open(FIRST)
  local before = resident()
  local many = open(count)
  print(("%.0f"):format((resident() - before) / count))
  return first, many
end

local kinds = {}

function kinds.sockets()
  local adapter = require "bench_scissl"
  adapter.open("TLSv1.3", folder)
  local line = LINE .. "\n"
  local function pass(from, to)
    assert(adapter.write(from, line, 1) == #line)
    local got = 0
    repeat got = got + adapter.read(to) until got == #line
  end
  measure(function(number)
    local made = {}
    for i = 1, number do
      made[i] = { adapter.pair() }
      pass(made[i][1], made[i][2])
      pass(made[i][2], made[i][1])
    end
    return made
  end)
end

local function echo(stream)
  for line in stream:lines() do stream:write(line, "\n") end
end

-- Runs visit(connect, loop) in a coroutine of a scheduler beside a server that echoes.
local function beside_server(visit)
  require "loopback"(folder, { serve = echo }, function(connect, loop)
    visit(function()
      local stream = connect()
      assert(stream:write(LINE, "\n"))
      assert(stream:read "l" == LINE)
      return stream
    end, loop)
  end)
end

function kinds.streams()
  beside_server(function(connect, loop)
    measure(function(number)
      local made = {}
      for i = 1, number do
        made[i] = connect()
        loop:spawn(made[i].read, made[i])
      end
      return made
    end)
  end)
end

local function come_and_go(connect, loop, number)
  local others = loop:size()
  while number > 0 do
    local lot = math.min(number, LOT)
    local made = {}
    for i = 1, lot do made[i] = connect() end
    for i = 1, lot do assert(made[i]:close()) end
    repeat loop:sleep(0) until loop:size() == others -- until the server has closed its ends as well
    number = number - lot
  end
end

function kinds.gone()
  beside_server(function(connect, loop)
    come_and_go(connect, loop, 2 * LOT)
    local before, before_in_lua = resident(), collectgarbage "count"
    come_and_go(connect, loop, count)
    local after = resident()
    print(("%.1f %.1f"):format((after - before) / count, (collectgarbage "count" - before_in_lua) * 1024 / count))
  end)
end

kinds[kind]()
