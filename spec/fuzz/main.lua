--- spec/fuzz/main.lua: runs one fuzzer. `lua main.lua NAME SECONDS SEED [FIRST [COUNT]]`, from run.sh.
-- Iteration n follows from (SEED, n). The log names the iteration and each call before it is made, so that it tells
-- what a crash or a hang was in. Ends with "next N" where all went well, and else with the failed iteration.
-- A fuzzer is a function(random, log, n) that raises what it finds.

local Random = require "spec.fuzz.random"

local name, seconds, seed, first, count = ...
seconds, seed, first = tonumber(seconds), math.tointeger(seed), math.tointeger(first or 0)
count = count and math.tointeger(count) or math.maxinteger
local go_on = os.getenv "SCISSL_FUZZ_GO_ON"

local path = os.getenv "SCISSL_FUZZ_LOG"
local file

local function log(format, ...)
  file:write(select("#", ...) == 0 and format or format:format(...), "\n")
end

local function begin(n)
  if file then file:close() end
  file = assert(io.open(path, "wb"))
  file:setvbuf "no"
  log("%s: seed %d, iteration %d", name, seed, n)
end

math.randomseed(seed)
begin(first)
local run = require("spec.fuzz." .. name)
local deadline = os.time() + seconds
local n, findings = first, 0
repeat
  begin(n)
  local ok, message = xpcall(run, debug.traceback, Random.new(seed, n), log, n)
  if not ok then
    findings = findings + 1
    io.stderr:write(("FINDING %s, seed %d, iteration %d: %s\n"):format(name, seed, n, message))
  end
  n = n + 1
until n - first >= count or os.time() >= deadline or findings > 0 and not go_on

-- What ends here must leave nothing behind: LeakSanitizer reports what does.
io.stderr:write(("next %d\n"):format(n))
os.exit(findings == 0, true)
