-- Runs the rows in rounds that alternate between the columns, and prints the table:
-- run.lua LUA ROOT PROGRAMS [ROUNDS | quick] [ROW…]. PROGRAMS: the folder with what is compiled, in which it writes
-- streams.md, the table for README, and streams.json.
local lua, root, programs = arg[1], arg[2], arg[3]
local quick = arg[4] == "quick"
local rounds = quick and 1 or math.tointeger(tonumber(arg[4]))
local chosen = table.pack(select((quick or rounds) and 5 or 4, table.unpack(arg)))
rounds = rounds or 5
local here = root .. "/spec/bench/streams/"
local report = dofile(here .. "report.lua")
local old_modules = dofile(root .. "/spec/support/old_modules.lua")

-- ---- commands

local function quoted(words)
  local list = {}
  for i, word in ipairs(words) do list[i] = "'" .. tostring(word):gsub("'", "'\\''") .. "'" end
  return table.concat(list, " ")
end

local function succeeds(command)
  return (os.execute(command .. " >/dev/null 2>&1")) == true
end

local commands = {}
function commands.lua(file, ...) return { lua, here .. file, ... } end
function commands.node(file, ...) return { "node", here .. file, ... } end
function commands.python(file, ...) return { "python3", here .. file, ... } end
function commands.compiled(name, ...) return { programs .. "/" .. name, ... } end

-- ---- what is installed

local function has_module(name)
  return succeeds(quoted { lua, "-e", ("require %q"):format(name) })
end

-- copas 1 does not know TLS. Debian installs it for another version of Lua.
local function copas_problem()
  local file = old_modules.find "copas"
  if not file then return "copas is not installed" end
  local source <close> = assert(io.open(file))
  if not source:read "a":find("dohandshake", 1, true) then return "copas is installed, but is older than 2" end
  return not has_module "copas" and "copas cannot be loaded" or nil
end

local missing = {}
missing.luasec = not has_module "ssl" and "LuaSec is not installed" or nil
missing.copas = missing.luasec or copas_problem()
missing.cqueues = not (has_module "cqueues" and has_module "openssl.ssl.context") and
  "cqueues is not installed, or luaossl" or nil
missing.luv = not has_module "luv" and "luv is not installed" or nil
missing.node = not succeeds "node --version" and "Node is not installed" or nil
missing.python = not succeeds "python3 -c 'import asyncio, ssl'" and "Python is not installed" or nil
missing.strings = not has_module "bench_strings" and "Lua's headers are not installed" or nil
missing.wrk = not succeeds "command -v wrk" and "wrk is not installed" or nil
local uncounted = not succeeds "valgrind --version" and "valgrind is not installed" or
  not has_module "bench_count" and "valgrind's headers are not installed" or nil

-- Why the command cannot run: its words name what it needs.
local function problem_of(words)
  for _, word in ipairs(words) do
    word = tostring(word)
    for name, problem in pairs(missing) do
      if word:find("^" .. name) or word:find("[/_]" .. name) then return problem end
    end
  end
  if words[3] == "load" then return missing.wrk end
end

-- ---- running

local PATIENCE, GRIND_PATIENCE = 300, 900 -- seconds
local GRIND = { "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--instr-atstart=no" }

-- The numbers that the command prints last, or that `pattern` finds; or nil, and what it printed first.
local function run(words, patience, pattern)
  local command = "BENCH_PROGRAMS=%s timeout %d %s 2>&1"
  local pipe = assert(io.popen(command:format(quoted { programs }, patience, quoted(words))))
  local output = pipe:read "a"
  local good, _, status = pipe:close()
  if status == 124 then return nil, ("not done after %d s"):format(patience) end
  local last = good and output:match(pattern or "([^\n]*)\n*$") or ""
  local numbers = {}
  for number in last:gmatch "%-?%d[%d.]*" do numbers[#numbers + 1] = tonumber(number) end
  if numbers[1] then return numbers end
  return nil, output:match "^[^\n]*"
end

local function count(words, things)
  local command = table.move(words, 1, #words, #GRIND + 1, table.move(GRIND, 1, #GRIND, 1, {}))
  local numbers, complaint = run(command, GRIND_PATIENCE, "Collected : (%d+)")
  return numbers and { numbers[1] / things }, complaint
end

-- results[row.name][column][metric]: a list of numbers; complaints[row.name][column]: why there is none
local results, complaints = {}, {}

local function note(row, column, metric, number)
  local cell = results[row.name][column] or {}
  results[row.name][column] = cell
  cell[metric] = cell[metric] or {}
  table.insert(cell[metric], number)
end

local function measure(row, column, words)
  local problem = problem_of(words) or complaints[row.name][column]
  local numbers
  if not problem then numbers, problem = run(words, PATIENCE) end
  if not numbers then
    complaints[row.name][column] = problem
    return
  end
  for i, metric in ipairs(row.metrics) do
    if numbers[i] then note(row, column, i, numbers[i] * (metric.factor or 1)) end
  end
end

local function sorted_columns(cells)
  local columns = {}
  for column in pairs(cells) do columns[#columns + 1] = column end
  table.sort(columns)
  return columns
end

local function measure_round(rows, round)
  for _, row in ipairs(rows) do
    if round <= (row.rounds or rounds) then
      io.stderr:write(("round %d of %d: %s\n"):format(round, rounds, row.title))
      for _, column in ipairs(sorted_columns(row.cells)) do measure(row, column, row.cells[column]) end
    end
  end
end

local function count_instructions(row)
  for _, column in ipairs(sorted_columns(row.counted)) do
    if not complaints[row.name][column] then
      io.stderr:write(("instructions: %s, %s\n"):format(row.title, column))
      local numbers, complaint
      if row.things then numbers, complaint = count(row.counted[column], row.things)
      else numbers, complaint = run(row.counted[column], GRIND_PATIENCE) end
      if numbers then note(row, column, "instructions", numbers[1])
      else complaints[row.name][column .. ", instructions"] = complaint end
    end
  end
end

-- ---- all of it

local function choose(rows)
  if chosen.n == 0 then return rows end
  local list = {}
  for _, name in ipairs(chosen) do
    local found
    for _, row in ipairs(rows) do found = row.name == name and row or found end
    if not found then
      io.stderr:write(("no row is called '%s'\n"):format(name))
      os.exit(2)
    end
    list[#list + 1] = found
  end
  return list
end

local function output_of(command)
  local pipe <close> = assert(io.popen(command .. " 2>/dev/null"))
  return (pipe:read "a":gsub("%s+$", ""))
end

local function load_average()
  local file = io.open "/proc/loadavg"
  if not file then return "?" end
  local text = file:read "l"
  file:close()
  return text:match "^%S+"
end

local rows = choose(dofile(here .. "rows.lua")(commands, quick))
for _, row in ipairs(rows) do results[row.name], complaints[row.name] = {}, {} end
local started, load_before = os.time(), load_average()
for round = 1, rounds do measure_round(rows, round) end
for _, row in ipairs(rows) do
  if row.counted and not quick then
    if uncounted then complaints[row.name].instructions = uncounted else count_instructions(row) end
  end
end

-- What the figures depend on, in one line.
local function machine()
  local call = run(commands.compiled "system_call", PATIENCE)
  return ("%s, %s processors, %s, %.0f ns for a system call; load average %s before and %s at the end"):format(
    os.date "%Y-%m-%d", output_of "getconf _NPROCESSORS_ONLN",
    output_of(quoted { lua, "-e", 'io.write(require "scissl".OSSslVersion.current():text())' }),
    call and call[1] or -1, load_before, load_average())
end

local facts = machine()
print(facts)
print(("medians of %d rounds in %d s\n"):format(rounds, os.time() - started))
report.print(rows, results, complaints, not quick)
report.write(programs .. "/streams", facts, rows, results, complaints)
