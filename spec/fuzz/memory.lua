--- spec/fuzz/memory.lua: lets the nth allocation of Lua or of OpenSSL fail, in everything that scissl does (scenarios).
-- Runs in the host program memory.c.
--
-- Promises: no crash, no leak; a call raises "not enough memory", or returns a SciSslError with a condition; the
-- promises of spec/fuzz/connection hold; afterwards the same objects work, or close cleanly.

local scissl = require "scissl"
local scenarios = require "spec.fuzz.scenarios"
local samples = require "spec.fuzz.samples"

local memory = _G.memory
local _, names = samples.list(scenarios)

-- What ran out of memory in Lua raises this, whatever called.
local function is_out_of_memory(err)
  return type(err) == "string" and err:find "not enough memory" ~= nil
end

local function attempt(f, ...)
  local results = table.pack(pcall(f, ...))
  if results[1] then
    local value, err = results[2], results[3]
    for _, failure in pairs { scissl.isSslError(value) and value, scissl.isSslError(err) and err } do
      if failure then assert(#failure:condition() > 0, "a failure without a condition") end
    end
    return table.unpack(results, 2, results.n)
  end
  -- Raised errors of callbacks and of assert hold the SciSslError itself.
  if is_out_of_memory(results[2]) or scissl.isSslError(results[2]) then return end
  error(results[2], 0)
end

-- Lua tries an allocation that fails again, after a collection. Early allocations are as likely to fail as late ones.
local function arm(random, kind)
  local times = kind == "lua" and 2 or 1
  if random:chance(4) then times = random:between(2, 12) end
  if random:chance(8) then times = 1000000 end
  memory.arm(kind, 1 + random:below(1 << random:between(2, 14)), times)
end

return function(random, log, n)
  local name = random:pick(names)
  local kind = random:chance(2) and "lua" or "openssl"
  log("scenario %s, %s", name, kind)
  local act, check = scenarios[name](random, log)
  collectgarbage()
  arm(random, kind)
  local ok, err = pcall(act, attempt)
  local lua_count, openssl_count, failed = memory.disarm()
  log("%d allocations of Lua, %d of OpenSSL, %d failed", lua_count, openssl_count, failed)
  if not ok and not is_out_of_memory(err) then error(err, 0) end
  check()
  if n % 50 == 49 then
    collectgarbage()
    collectgarbage()
    assert(not memory.leaks(), "leaks, in this iteration or in one of the 49 before")
  end
end
