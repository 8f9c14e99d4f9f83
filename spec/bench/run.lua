-- Runs the peers in rounds that alternate, prints a table and writes build/bench.json:
-- run.lua LUA ROOT BUILD [ROUNDS] [WORK…]
local lua, root, build = arg[1], arg[2], arg[3]
local rounds = math.tointeger(tonumber(arg[4] or 5))
local here = root .. "/spec/bench/"
local works, report = dofile(here .. "works.lua"), dofile(here .. "report.lua")
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
local ROOT_PATTERN = root:gsub("%p", "%%%0") .. "/" -- error messages name files

-- The number that the command prints, or that `pattern` finds; or nil, and the first line of its output.
local function run(text, patience, pattern)
  patience = patience or PATIENCE
  local pipe = assert(io.popen(("timeout %d %s 2>&1"):format(patience, text)))
  local output = pipe:read "a"
  local good, _, status = pipe:close()
  if status == 124 then return nil, ("not done after %d s"):format(patience) end
  local number = good and tonumber(output:match(pattern or "([%d.]+)%s*$"))
  return number, (output:match "^[^\n]*":gsub(ROOT_PATTERN, "", 1))
end

local function succeeds(text)
  return (os.execute(text .. " >/dev/null 2>&1")) == true
end

local function has_module(...)
  local names = {}
  for i, name in ipairs { ... } do names[i] = ("require %q"):format(name) end
  return succeeds(command(lua, "-e", table.concat(names, " ")))
end

local NO_SESSIONS = "cannot: it has no call that resumes a session"

-- For each peer: its command, whether it is installed, and what it cannot do (a pattern of works' names, the reason).
local scissl = command(lua, here .. "driver.lua", "scissl")
local peers = {
  { name = "plain C", program = command(build .. "/peer", "plain"), here = true },
  { name = "tuned C", program = command(build .. "/peer", "tuned"), here = true },
  { name = "scissl", program = scissl, here = true },
  { name = "short records", program = "env BENCH_FIRST_RECORDS=1300 " .. scissl, here = true, only = "^bulk" },
  {
    name = "LuaSec",
    program = command(lua, here .. "driver.lua", "luasec"),
    here = has_module("ssl", "socket"),
    cannot = { "^resume", NO_SESSIONS },
  },
  {
    name = "cqueues",
    program = command(lua, here .. "driver.lua", "cqueues"),
    here = has_module("cqueues", "openssl.ssl.context"),
    cannot = { "^resume", NO_SESSIONS },
  },
  { name = "Python ssl", program = command("python3", here .. "peer.py"), here = succeeds "python3 -c 'import ssl'" },
  { name = "Node tls", program = command("node", "--expose-gc", here .. "peer.js"), here = succeeds "node --version" },
}

-- ---- results: [work][peer] = list of numbers, or a text that tells why there is none

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
        elseif peer.cannot and work.name:find(peer.cannot[1]) then
          note(work, peer.name, nil, peer.cannot[2])
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
local SCALE_ROUNDS = 3 -- at most: thousands of handshakes come before each

local function measure_scale()
  for _, count in ipairs(COUNTS) do
    local work = { name = "scale" .. count, title = ("64-byte round trip, %d open"):format(count), unit = "ns" }
    for _, peer in ipairs { peers[1], peers[3] } do
      note(work, peer.name, run(peer.program .. " " .. command("scale", "TLSv1.3", count, 64)))
    end
  end
end

-- ---- loading

local function load_row(name, title, unit)
  return { name = name, title = title, unit = unit, target = 1.1, base = "LuaSec" }
end

local load_work = load_row("load_time", "require: time over an empty script", "ms")
local memory_work = load_row("load_memory", "require: memory over an empty script", "KiB")
local STARTS = 20

local REPORT = [[ local n for l in io.lines "/proc/self/status" do n = n or l:match "^VmRSS:%s*(%d+)" end print(n)]]

-- The average time of `STARTS` processes, in milliseconds.
local function start_time(code)
  local script = ("for i in $(seq %d); do %s; done"):format(STARTS, command(lua, "-e", code))
  local timer = ([[s=$(date +%%s%%N); %s; e=$(date +%%s%%N); echo $((e - s))]]):format(script)
  return run(command("sh", "-c", timer)) / STARTS / 1e6
end

-- The average memory of `STARTS` processes, in KiB: it varies, because libraries are loaded at random addresses.
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

local GRIND = "valgrind --tool=callgrind --callgrind-out-file=/dev/null "
local GRIND_PATIENCE = 400 -- seconds
local FEW, MANY = 200, 1200
local ALLOWANCE = 400 -- instructions above tuned C

local function count_instructions(program, count, reads)
  return run(GRIND .. program .. " " .. command("instructions", "TLSv1.3", count, reads), GRIND_PATIENCE,
    "Collected : (%d+)")
end

local function for_one(program, reads)
  local few, many = count_instructions(program, FEW, reads), count_instructions(program, MANY, reads)
  return few and many and (many - few) / (MANY - FEW)
end

local function instructions_row(name, title)
  return { name = name, title = title, unit = "", allowance = ALLOWANCE }
end

local function measure_instructions()
  local write = instructions_row("write_instructions", "instructions of a 64-byte write")
  local read = instructions_row("read_instructions", "instructions of a 64-byte read")
  for _, peer in ipairs { peers[1], peers[2], peers[3] } do
    local alone, both = for_one(peer.program, 0), for_one(peer.program, 1)
    note(write, peer.name, alone)
    note(read, peer.name, alone and both and both - alone)
  end
end

-- ---- instructions of a round trip beside many connections, by callgrind

local GRIND_TRIPS = 2000

local function measure_scale_instructions()
  local counter = has_module "bench_count"
  for i, count in ipairs(COUNTS) do
    local work = {
      name = "scale_instructions" .. count,
      title = ("instructions of a 64-byte round trip, %d open"):format(count),
      unit = "",
      like = i > 1 and "scale_instructions" .. COUNTS[1],
      within = 0.15,
    }
    for _, kind in ipairs { "sockets", "streams" } do
      if not counter then
        note(work, kind, nil, "not counted: valgrind's headers are not installed")
        goto continue
      end
      io.stderr:write(("%s, %s\n"):format(work.title, kind))
      local collected, complaint = run(GRIND .. "--instr-atstart=no " ..
        command(lua, here .. "many.lua", kind, count, GRIND_TRIPS), GRIND_PATIENCE, "Collected : (%d+)")
      note(work, kind, collected and collected / GRIND_TRIPS, complaint)
      ::continue::
    end
  end
end

-- ---- the first byte on a slow line

local function first_row(name, title, unit)
  return { name = name, title = "256 KiB with and without short first records: " .. title, unit = unit }
end

local first_works = {
  bytes = first_row("first_bytes", "on the wire until the first byte can be read", "bytes"),
  slow = first_row("first_1", "time to the first byte at 1 Mbit/s", "ms"),
  fast = first_row("first_10", "time to the first byte at 10 Mbit/s", "ms"),
  whole = first_row("first_whole", "on the wire for everything", "bytes"),
  speed = first_row("first_speed", "both ends' speed, beginning anew each time", "MiB/s"),
}

local function measure_first(round)
  for name, size in pairs { scissl = "", ["short records"] = "1300" } do
    local program = command(lua, here .. "first.lua")
    if round == 1 then -- they are the same in each round
      local before, complaint = run(program .. " bytes " .. size)
      note(first_works.bytes, name, before, complaint)
      note(first_works.slow, name, before and before * 8 / 1e3, complaint)
      note(first_works.fast, name, before and before * 8 / 1e4, complaint)
      note(first_works.whole, name, run(program .. " whole " .. size))
    end
    note(first_works.speed, name, run(program .. " speed " .. size))
  end
end

-- ---- DTLS

local datagram_works = {
  memory = {
    name = "datagram_memory", title = "a server of DTLS with 1,000 peers: memory a peer", unit = "bytes",
    remarks = { ["plain C"] = "without what the system keeps for a socket of each peer" },
  },
  message = {
    name = "datagram_message", title = "a server of DTLS: processor's time for a message and its reply",
    unit = "ns",
  },
}

-- Both servers have the same clients, which are ours.
local function measure_datagrams()
  for _, kind in ipairs { "memory", "message" } do
    local program = command(lua, here .. "datagrams.lua", kind)
    note(datagram_works[kind], "plain C", run(("env BENCH_DATAGRAM_SERVER=%s %s"):format(
      quoted(build .. "/datagram_server"), program)))
    note(datagram_works[kind], "scissl", run(program))
  end
end

-- ---- all of it

local OTHER_NAMES = {
  server = true, scale = true, loading = true, first = true, datagrams = true, instructions = true,
  scale_instructions = true,
}

local function check_chosen()
  for _, name in ipairs(chosen) do
    local known = OTHER_NAMES[name]
    for _, work in ipairs(works) do known = known or work.name == name end
    if not known then
      io.stderr:write(("no work is called '%s'\n"):format(name))
      os.exit(2)
    end
  end
end

check_chosen()

local function load_average()
  local file = io.open "/proc/loadavg"
  if not file then return "?" end
  local text = file:read "l"
  file:close()
  return text:match "^%S+"
end

local started, load_before = os.time(), load_average()
for round = 1, rounds do
  measure_peers(round)
  if wanted "server" then measure_servers() end
  if wanted "scale" and round <= SCALE_ROUNDS then measure_scale() end
  if wanted "first" then measure_first(round) end
  if wanted "loading" then measure_loading() end
  if wanted "datagrams" then measure_datagrams() end
end
if succeeds "valgrind --version" then
  if wanted "instructions" then measure_instructions() end
  if wanted "scale_instructions" then measure_scale_instructions() end
end

print(("%s, %d rounds in %d s, load average %s before and %s at the end"):format(os.date "%Y-%m-%d", rounds,
  os.time() - started, load_before, load_average()))
local names = {}
for i, peer in ipairs(peers) do names[i] = peer.name end
table.move({ "sockets", "streams" }, 1, 2, #names + 1, names)
for _, work in ipairs(order) do report.print(work, results, names) end
report.printTally(order, results)
report.write(root .. "/build/bench.json", { date = os.date "!%Y-%m-%dT%H:%M:%SZ", rounds = rounds }, order, results)
report.writeMarkdown(build .. "/sockets.md", order, results)
