-- An HTTPS server of a dozen lines under load: lua5.4 https.lua load SECONDS COMMAND… starts the server with the
-- command, and wrk with 100 connections, each on a processor core of its own where the system has taskset. Prints three
-- numbers: requests a second; microseconds of the server's processor time for one; and the part of the time that the
-- server was busy, from 0 to 1. Where the server is busy for less than 0.9, wrk is slower than the server, or something
-- else runs on the server's core; then the second number tells more.
-- lua5.4 https.lua try COMMAND… sends a few requests and prints their number; wrk is not needed.
-- lua5.4 https.lua count CONNECTIONS ROUNDS COMMAND… counts the server's instructions for a request by callgrind, with
-- https_load.lua.
--
-- The servers https_NAME do the same: they print their port, read lines up to an empty one, and send a response of 14
-- bytes on a connection that stays open. Each is written as the documentation of its library has it.
local kind = arg[1]
local lua = arg[-1]
local here = arg[0]:match "^(.-)[^/]*$"

local CONNECTIONS = 100
local WARM_UP = 1 -- seconds
local GRIND = "valgrind --tool=callgrind --callgrind-out-file=/dev/null"
local TICK = 0.01 -- seconds, in /proc

local function quoted(words)
  local list = {}
  for i, word in ipairs(words) do list[i] = "'" .. tostring(word):gsub("'", "'\\''") .. "'" end
  return table.concat(list, " ")
end

local function output_of(command)
  local pipe <close> = assert(io.popen(command))
  return pipe:read "a"
end

local function first_line(path)
  local file = io.open(path)
  if not file then return nil end
  local line = file:read "l"
  file:close()
  return line
end

-- ---- processor cores

-- Two processors that are not threads of one core, as prefixes of commands.
local function separate_cores()
  if not os.execute "taskset -c 0 true 2>/dev/null" then return "", "" end
  local siblings = first_line "/sys/devices/system/cpu/cpu0/topology/thread_siblings_list" or "0"
  for processor = 1, 1023 do
    local others = first_line(("/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list"):format(processor))
    if not others then break end
    if others ~= siblings then return "taskset -c 0 ", ("taskset -c %d "):format(processor) end
  end
  return "", ""
end

-- ---- the server

-- Starts the server, calls use(port, process), ends the server, and returns what `use` has returned.
local function with_server(command, use)
  local pipe = assert(io.popen(("echo $$; exec %s"):format(command)))
  local process, port = pipe:read("n", "n")
  local results = table.pack(pcall(use, assert(port, "the server has not started"), process))
  os.execute(("kill %d"):format(process))
  pipe:close()
  if not results[1] then error(results[2], 0) end
  return table.unpack(results, 2, results.n)
end

local function processor_seconds(process)
  local line = first_line(("/proc/%d/stat"):format(process))
  if not line then return 0 end
  local user, system = line:match("^.*%)" .. (" %S+"):rep(11) .. " (%d+) (%d+)") -- the 14th and the 15th field
  return (user + system) * TICK
end

-- ---- load

local function load_with_wrk(prefix, port, seconds)
  local command = "%swrk -t1 -c%d -d%ds https://127.0.0.1:%d/ 2>&1"
  local said = output_of(command:format(prefix, CONNECTIONS, seconds, port))
  local requests, rate = said:match "(%d+) requests in", said:match "Requests/sec:%s*([%d.]+)"
  assert(rate and not said:find "Non%-2xx" and not said:find "connect [1-9]", said)
  return tonumber(requests), tonumber(rate)
end

local kinds = {}

function kinds.load(seconds, ...)
  local server_core, wrk_core = separate_cores()
  with_server(server_core .. quoted { ... }, function(port, process)
    load_with_wrk(wrk_core, port, WARM_UP)
    local before = processor_seconds(process)
    local requests, rate = load_with_wrk(wrk_core, port, tonumber(seconds))
    local used = processor_seconds(process) - before
    print(("%.0f %.2f %.2f"):format(rate, used / requests * 1e6, used / requests * rate))
  end)
end

-- ---- instructions

local function request(port, connections, rounds)
  local words = { lua, here .. "https_load.lua", port, connections, rounds }
  local said = output_of(quoted(words) .. " 2>&1")
  assert(tonumber(said) == connections * rounds, said)
end

local function count(connections, rounds, command)
  local log = os.tmpname()
  with_server(("%s --log-file='%s' %s"):format(GRIND, log, command), function(port)
    request(port, connections, rounds)
  end)
  local file <close> = assert(io.open(log))
  os.remove(log)
  return tonumber(file:read "a":match "Collected : (%d+)")
end

local FEW = 20 -- rounds that cancel the cost of starting and of handshakes

function kinds.count(connections, rounds, ...)
  local command = quoted { ... }
  connections, rounds = math.tointeger(tonumber(connections)), math.tointeger(tonumber(rounds))
  local few, many = count(connections, FEW, command), count(connections, FEW + rounds, command)
  print(("%.0f"):format((many - few) / (connections * rounds)))
end

function kinds.try(...)
  with_server(quoted { ... }, function(port) request(port, 3, 2) end)
  print(6)
end

kinds[kind](select(2, table.unpack(arg)))
