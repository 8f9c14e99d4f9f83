-- Each option that the reference names, of each function that takes a table of them: a value of another type, an absurd
-- number, and a misspelt name are refused in words that name the option, before anything happens.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local stubs = require "spec.fuzz.stubs"

local function copy(given)
  local copied = {}
  for name, value in pairs(given) do copied[name] = value end
  return copied
end

local function nothing() end

local function listener()
  return assert(scissl.listen { host = "127.0.0.1", port = 0, certificate = pki.server.certificate,
    privateKey = pki.server.key })
end

-- Where nothing is refused these begin something that ends at once.
local functions = {
  ["scissl.ConnectOptions"] = { scissl.connect, { host = "127.0.0.1", port = 1, timeout = 5 } },
  ["scissl.PlainConnectOptions"] = { scissl.plain.connect, { host = "127.0.0.1", port = 1, timeout = 5 } },
  ["scissl.ListenOptions"] = { function(given)
    local made, failure = scissl.listen(given)
    return made and made:close(), failure
  end, { port = 0, host = "127.0.0.1", certificate = pki.server.certificate, privateKey = pki.server.key } },
  ["scissl.PlainListenOptions"] = { function(given)
    local made, failure = scissl.plain.listen(given)
    return made and made:close(), failure
  end, { port = 0, host = "127.0.0.1" } },
  ["scissl.ServeOptions"] = { function(given)
    local made <close> = listener()
    made:close()
    return made:serve(nothing, given)
  end, {} },
  ["scissl.StreamOptions"] = { function(given)
    local client <close> = ends.connected()
    return scissl.stream(client, given)
  end, {} },
  ["scissl.HandshakeOptions"] = { function(given)
    local client <close> = ends.pair()
    return scissl.handshake(client, "connect", given)
  end, { timeout = 0 } },
  ["scissl.SchedulerOptions"] = { scissl.scheduler.new, {} },
  ["scissl.FileOptions"] = { scissl.sessions.file.new, { path = pki.folder() .. "/sessions" } },
  ["scissl.MemoryOptions"] = { scissl.sessions.memory.new, {} },
  ["scissl.RedisOptions"] = { scissl.sessions.redis.new, { secret = false } },
  ["scissl.WaitOnOptions"] = { function(given)
    local near <close> = scissl.SciSocket.pair()
    return scissl.wait.on(near, "r", given)
  end, { timeout = 0 } },
}

-- These take every integer, or every number of 0 or more, and more of that kind.
local takes = {
  verify = "flags", options = "flags", verifyFlags = "flags", verifyTime = "any integer", database = "any integer",
  deadline = "any moment",
}

local UNUSUAL = { -1, math.mininteger, -math.huge, 0 / 0 }
local NO_INTEGERS = { 0.5, 1e308, math.huge }

local function has(parameter, kind)
  for _, one in ipairs(parameter.types) do
    if one == kind then return true end
  end
  return false
end

local function values_against(parameter)
  local values = { coroutine.create(nothing) } -- no option takes a thread
  if takes[parameter.name] then return values end
  if not has(parameter, "any") and not has(parameter, "function") then values[#values + 1] = nothing end
  for _, value in ipairs(UNUSUAL) do values[#values + 1] = value end
  if has(parameter, "integer") and not has(parameter, "number") then
    for _, value in ipairs(NO_INTEGERS) do values[#values + 1] = value end
  end
  return values
end

for class, call in pairs(functions) do
  describe(class .. " refuses", function()
    local take, usual = call[1], call[2]
    for _, parameter in ipairs(stubs.fields[class]) do
      local name = parameter.name

      it(("another type and absurd numbers for '%s'"):format(name), function()
        for _, value in ipairs(values_against(parameter)) do
          local given = copy(usual)
          given[name] = value
          local good, result, failure = pcall(take, given)
          local words = ("'%s' = %s: %s, %s"):format(name, tostring(value), tostring(result), tostring(failure))
          assert.is_false(good, words)
          assert.truthy(tostring(result):find("'" .. name .. "'", 1, true) or name == "waiter", words)
          assert.is_nil(tostring(result):find("lua/scissl", 1, true), words)
        end
      end)

      it(("the misspelt '%sx'"):format(name), function()
        local given = copy(usual)
        given[name .. "x"] = 1
        local good, raised = pcall(take, given)
        assert.is_false(good)
        assert.truthy(raised:find(("unknown option '%sx' to "):format(name), 1, true), raised)
        assert.truthy(raised:find(("(did you mean '%s'?)"):format(name), 1, true), raised)
      end)
    end
  end)
end
