--- spec/fuzz/memory.lua: lets the nth allocation of Lua or of OpenSSL fail, in everything that scissl does (scenarios).
-- Runs in the host program memory.c.
--
-- Promises: no crash, no leak; a call raises "not enough memory", or returns a SciSslError with a condition; the
-- promises of spec/fuzz/connection hold; afterwards the same objects work, or close cleanly.

local scissl = require "scissl"
local scenarios = require "spec.fuzz.scenarios"
local samples = require "spec.fuzz.samples"
local pki = require "spec.support.pki"

local memory = _G.memory
local _, names = samples.list(scenarios)

pki.makeAll() -- the fuzzer's own certificates never lack memory

-- Where OpenSSL finds no memory while it looks for the loaders of URIs for the first time, it knows none of them for
-- the rest of the process.
assert(assert(scissl.SciSslContext.new()):addTrustedUri("file:" .. pki.ca.certificateFile))

-- While OpenSSL makes an SSL_CTX it leaves out the signature algorithms and groups for which it finds no memory, and
-- says nothing: connections of such a context may fail. The scenario of makers calls the constructor as it is.
local new_context = scissl.SciSslContext.new

function scissl.SciSslContext.new(...)
  memory.pause(true)
  local results = table.pack(pcall(new_context, ...))
  memory.pause(false)
  if not results[1] then error(results[2], 0) end
  return table.unpack(results, 2, results.n)
end

-- What ran out of memory in Lua raises this, whatever called.
local function is_out_of_memory(err)
  return type(err) == "string" and err:find "not enough memory" ~= nil
end

local function judge(good, ...)
  if good then
    local value, err = ...
    for _, failure in pairs { scissl.isSslError(value) and value, scissl.isSslError(err) and err } do
      if failure then assert(#failure:condition() > 0, "a failure without a condition") end
    end
    return ...
  end
  local raised = ...
  -- What asserts of what is called raise is the SciSslError itself.
  if not (is_out_of_memory(raised) or scissl.isSslError(raised)) then error(raised, 0) end
end

-- Lua tries an allocation that fails again, after a collection. Early allocations are as likely to fail as late ones.
local function arm(random, kind, most)
  local times = kind == "lua" and 2 or 1
  if random:chance(4) then times = random:between(2, 12) end
  if random:chance(8) then times = 1000000 end
  memory.arm(kind, 1 + random:below(1 << random:between(0, most)), times)
end

-- Fails one allocation of all; or some in each third call.
local function attempt_whole(f, ...)
  return judge(pcall(f, ...))
end

local function attempt_each(random, kind)
  local function disarm(...)
    memory.disarm()
    return judge(...)
  end
  return function(f, ...)
    if random:chance(3) then arm(random, kind, 8) end
    return disarm(pcall(f, ...))
  end
end

return function(random, log, n)
  local name = random:pick(names)
  local kind = random:chance(2) and "lua" or "openssl"
  log("scenario %s, %s", name, kind)
  local act, check = scenarios[name](random, log)
  collectgarbage()
  local each = random:chance(2)
  if not each then arm(random, kind, 14) end
  local good, err = pcall(act, each and attempt_each(random, kind) or attempt_whole)
  local lua_count, openssl_count, failed = memory.disarm()
  log("%d allocations of Lua, %d of OpenSSL, %d failed", lua_count, openssl_count, failed)
  if not good and not is_out_of_memory(err) then error(err, 0) end
  check()
  if n % 50 == 49 then
    collectgarbage()
    collectgarbage()
    assert(not memory.leaks(), "leaks, in this iteration or in one of the 49 before")
  end
end
