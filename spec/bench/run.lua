-- Runs the peers in rounds that alternate, prints a table and writes build/bench.json:
-- run.lua LUA ROOT BUILD [ROUNDS] [WORK…]
local lua, root, build = arg[1], arg[2], arg[3]
local rounds = math.tointeger(tonumber(arg[4] or 5))
local here = root .. "/spec/bench/"
local works = dofile(here .. "works.lua")
local chosen = table.pack(select(rounds and 5 or 4, table.unpack(arg)))
rounds = rounds or 5

local function quoted(text)
  return "'" .. tostring(text):gsub("'", "'\\''") .. "'"
end

local function command(...)
  local words = {}
  for i, word in ipairs { ... } do words[i] = quoted(word) end
  return table.concat(words, " ")
end

-- ---- running

local PATIENCE = 60 -- seconds; each work takes a few

-- Answers the number that the command prints; or nil, and its last line of complaint.
local function run(text)
  local pipe = assert(io.popen(("timeout %d %s 2>&1"):format(PATIENCE, text)))
  local output = pipe:read "a"
  local good, _, status = pipe:close()
  if status == 124 then return nil, ("not done after %d s"):format(PATIENCE) end
  local number = good and tonumber(output:match "([%d.]+)%s*$")
  return number, output:match "^[^\n]*"
end

local function succeeds(text)
  return (os.execute(text .. " >/dev/null 2>&1")) == true
end

local function has_module(...)
  local names = {}
  for i, name in ipairs { ... } do names[i] = ("require %q"):format(name) end
  return succeeds(command(lua, "-e", table.concat(names, " ")))
end

-- By name: what runs it, and whether it is here.
local scissl = command(lua, here .. "driver.lua", "scissl")
local peers = {
  { name = "plain C", program = command(build .. "/peer", "plain"), here = true },
  { name = "tuned C", program = command(build .. "/peer", "tuned"), here = true },
  { name = "scissl", program = scissl, here = true },
  { name = "short records", program = "env BENCH_FIRST_RECORDS=1300 " .. scissl, here = true, only = "^bulk" },
  { name = "LuaSec", program = command(lua, here .. "driver.lua", "luasec"), here = has_module("ssl", "socket") },
  {
    name = "cqueues",
    program = command(lua, here .. "driver.lua", "cqueues"),
    here = has_module("cqueues", "openssl.ssl.context"),
  },
  { name = "Python ssl", program = command("python3", here .. "peer.py"), here = succeeds "python3 -c 'import ssl'" },
  { name = "Node tls", program = command("node", "--expose-gc", here .. "peer.js"), here = succeeds "node --version" },
}

-- ---- results: [work][peer] = list of numbers, or a word where there is none

local results, order = {}, {}

local function note(work, peer, number, complaint)
  if not results[work.name] then
    results[work.name] = {}
    order[#order + 1] = work
  end
  local row = results[work.name]
  if number and type(row[peer]) ~= "string" then
    row[peer] = row[peer] or {}
    table.insert(row[peer], number)
  else
    row[peer] = complaint or "failed"
  end
end

local function wanted(name)
  if chosen.n == 0 then return true end
  for _, one in ipairs(chosen) do
    if one == name then return true end
  end
  return false
end

local function measure_peers(round)
  for _, work in ipairs(works) do
    if wanted(work.name) then
      io.stderr:write(("round %d of %d: %s\n"):format(round, rounds, work.title))
      for _, peer in ipairs(peers) do
        local row = results[work.name]
        if peer.only and not work.name:find(peer.only) or row and type(row[peer.name]) == "string" then
          goto continue
        elseif peer.here then
          note(work, peer.name, run(peer.program .. " " .. command(table.unpack(work.run))))
        else
          note(work, peer.name, nil, "not installed")
        end
        ::continue::
      end
    end
  end
end

-- ---- a server with 1,000 connections, and the same load for each

local server_work = {
  name = "server", title = "1,000 connections, 1 KiB request and answer", unit = "/s", more = true, target = 0.85,
}

local function measure_servers()
  local load = command(build .. "/load", "TLSv1.3", 1000, 2)
  note(server_work, "plain C", run(load .. " " .. command(build .. "/server", "TLSv1.3")))
  note(server_work, "scissl", run(load .. " " .. command(lua, here .. "server.lua", "TLSv1.3")))
end

-- ---- many connections

local COUNTS = { 10, 1000, 9900 } -- pairs; many systems allow 20,000 descriptors
local SCALE_ROUNDS = 3 -- at the most: thousands of handshakes come before each

local function measure_scale()
  for _, count in ipairs(COUNTS) do
    local work = { name = "scale" .. count, title = ("64-byte round trip, %d open"):format(count), unit = "ns" }
    for _, peer in ipairs { peers[1], peers[3] } do
      note(work, peer.name, run(peer.program .. " " .. command("scale", "TLSv1.3", count, 64)))
    end
  end
end

-- ---- loading

local load_work = { name = "load_time", title = "require: time over an empty script", unit = "ms", target = 1.1 }
local memory_work = { name = "load_memory", title = "require: memory over an empty script", unit = "KiB", target = 1.1 }
local STARTS = 20

local REPORT = [[ local n for l in io.lines "/proc/self/status" do n = n or l:match "^VmRSS:%s*(%d+)" end print(n)]]

-- Answers what `STARTS` processes take on the average in milliseconds.
local function start_time(code)
  local script = ("for i in $(seq %d); do %s; done"):format(STARTS, command(lua, "-e", code))
  local timer = ([[s=$(date +%%s%%N); %s; e=$(date +%%s%%N); echo $((e - s))]]):format(script)
  return run(command("sh", "-c", timer)) / STARTS / 1e6
end

-- Answers what `STARTS` processes have in memory on the average in KiB: each finds another layout of its libraries.
local function start_memory(code)
  local sum = 0
  for _ = 1, STARTS do sum = sum + run(command(lua, "-e", code .. REPORT)) end
  return sum / STARTS
end

local function measure_loading()
  local candidates = { scissl = 'require "scissl"', LuaSec = has_module "ssl" and 'require "ssl"' or nil }
  local empty_time, empty_memory = start_time "", start_memory ""
  for name, code in pairs(candidates) do
    note(load_work, name, start_time(code) - empty_time)
    note(memory_work, name, start_memory(code) - empty_memory)
  end
end

-- ---- instructions of one call, by callgrind

local function count_instructions(program, count, reads)
  local grind = "valgrind --tool=callgrind --callgrind-out-file=/dev/null "
  local pipe = assert(io.popen(grind .. program .. " " .. command("instructions", "TLSv1.3", count, reads) .. " 2>&1"))
  local collected = pipe:read("a"):match "Collected : (%d+)"
  pipe:close()
  return tonumber(collected)
end

local FEW, MANY = 200, 1200

local function for_one(program, reads)
  return (count_instructions(program, MANY, reads) - count_instructions(program, FEW, reads)) / (MANY - FEW)
end

local function measure_instructions()
  local write = { name = "write_instructions", title = "instructions of a 64-byte write", unit = "", target = "+400" }
  local read = { name = "read_instructions", title = "instructions of a 64-byte read", unit = "", target = "+400" }
  for _, peer in ipairs { peers[1], peers[2], peers[3] } do
    local alone, both = for_one(peer.program, 0), for_one(peer.program, 1)
    note(write, peer.name, alone)
    note(read, peer.name, both - alone)
  end
end

-- ---- what came out

local function sorted(values)
  local copy = table.move(values, 1, #values, 1, {})
  table.sort(copy)
  return copy
end

local function summary(values)
  local list = sorted(values)
  return { min = list[1], median = list[(#list + 1) // 2], max = list[#list] }
end

local function base_of(row)
  return row["plain C"] or row.LuaSec
end

local function print_row(work)
  local row = results[work.name]
  local base = type(base_of(row)) == "table" and summary(base_of(row)).median
  print(("\n%s: %s%s%s"):format(work.name, work.title, work.unit == "" and "" or ", " .. work.unit,
    work.target and ("   (target %s)"):format(work.target) or ""))
  for _, peer in ipairs(peers) do
    local values = row[peer.name]
    if type(values) == "table" then
      local s = summary(values)
      print(("  %-13s %12.1f   %12.1f … %-12.1f %8s"):format(peer.name, s.median, s.min, s.max,
        base and ("%.2f"):format(s.median / base) or ""))
    elseif values then
      print(("  %-13s %s"):format(peer.name, values:sub(1, 70)))
    end
  end
end

local function json(value)
  if type(value) == "number" then return ("%.6g"):format(value) end
  if type(value) == "string" then return '"' .. value:gsub('[%c"\\]', " ") .. '"' end
  local parts = {}
  if #value > 0 then
    for i, item in ipairs(value) do parts[i] = json(item) end
    return "[" .. table.concat(parts, ", ") .. "]"
  end
  for name, item in pairs(value) do parts[#parts + 1] = json(name) .. ": " .. json(item) end
  table.sort(parts)
  return "{" .. table.concat(parts, ",\n") .. "}"
end

local function write_json()
  local file <close> = assert(io.open(root .. "/build/bench.json", "w"))
  local out = { date = os.date "!%Y-%m-%dT%H:%M:%SZ", rounds = rounds, works = {} }
  for _, work in ipairs(order) do
    out.works[work.name] = { title = work.title, unit = work.unit, target = work.target, peers = results[work.name] }
  end
  file:write(json(out), "\n")
end

for round = 1, rounds do
  measure_peers(round)
  if wanted "server" then measure_servers() end
  if wanted "scale" and round <= SCALE_ROUNDS then measure_scale() end
  if wanted "loading" then measure_loading() end
end
if wanted "instructions" and succeeds "valgrind --version" then measure_instructions() end

print(("%s, %d rounds; median, min … max, ratio to plain C"):format(os.date "%Y-%m-%d", rounds))
for _, work in ipairs(order) do print_row(work) end
write_json()
