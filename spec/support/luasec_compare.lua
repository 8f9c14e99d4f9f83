--- spec/support/luasec_compare.lua: asks LuaSec and scissl.luasec the same; every value that they return has to be
-- the same, and of the same type: floats are floats in both.
--
--    local compare = require "spec.support.luasec_compare"
--
--    compare.same(make, ask)          compares ask(make(ssl)) of both modules `ssl`
--    compare.all(it, make, questions)   an `it` for each question, { name, ask }
--    compare.connected(given)         a `make` for two ends of the same implementation, with the handshake done; it
--                                     returns client, server, ssl, and what luasec.connect(given) returned
--    compare.field(owner, name, …), compare.method(owner, name, …)
--                                     what owner.name(…), or owner:name(…), returns or raises, as text
--    compare.said(ask, …)             the same of ask(…)
--    compare.shown(value)             a value as text
--    compare.kind_of(value)           its type, or that of a number

local assert = require "luassert"
local luasec = require "spec.support.luasec"

local function kind_of(value)
  return math.type(value) or type(value)
end

-- The value as text, without what cannot be the same: addresses.
local function shown(value)
  if type(value) == "table" then
    local parts = {}
    for key, inner in pairs(value) do parts[#parts + 1] = ("%s=%s"):format(shown(key), shown(inner)) end
    table.sort(parts)
    return "{" .. table.concat(parts, ", ") .. "}"
  end
  if type(value) == "userdata" then
    local meta = getmetatable(value)
    return ("userdata %s %s"):format(meta and meta.__name, (tostring(value):gsub("0x%x+", "")))
  end
  if type(value) == "function" then return "function" end
  return ("%s %s"):format(kind_of(value), (tostring(value):gsub("0x%x+", "")))
end

-- The results of a call as text, or the error that it raises, without places in files.
local function said(ask, ...)
  local results = table.pack(pcall(ask, ...))
  if not results[1] then
    -- Ours are functions in Lua, which cannot tell a missing argument from nil.
    return "raised: " .. tostring(results[2]):gsub("^[^:]*:%d+: ", ""):gsub("got no value", "got nil")
  end
  local parts = {}
  for i = 2, results.n do parts[#parts + 1] = shown(results[i]) end
  return table.concat(parts, " | ")
end

-- What `owner.name(…)`, or `owner:name(…)`, says when it is called by that name, which is in LuaSec's error texts.
local function called(separator, owner, name, ...)
  local call = load(("local owner = ... return function(...) local all = table.pack(owner%s%s(...)) " ..
    "return table.unpack(all, 1, all.n) end"):format(separator, name))
  return said(call(owner), ...)
end

local function field(owner, name, ...) return called(".", owner, name, ...) end

local function method(owner, name, ...) return called(":", owner, name, ...) end

-- Asks both, and compares.
local function same(make, ask)
  local answers = {}
  for i, ssl in ipairs { luasec.real, luasec.ours } do
    -- The real LuaSec may use another OpenSSL than ours, with "ssl/tls alert" in place of "tls alert".
    answers[i] = said(function() return ask(make(ssl)) end):gsub("ssl/tls alert", "tls alert")
  end
  assert.are.equal(answers[1], answers[2])
end

-- it: busted's
local function all(it, make, questions)
  for _, question in ipairs(questions) do
    it(question[1], function() same(make, question[2]) end)
  end
end

-- Two ends of the same implementation, with the handshake done.
local function connected(given)
  return function(ssl)
    local options = { clientSsl = ssl, serverSsl = ssl }
    for name, value in pairs(given or {}) do options[name] = value end
    local run = luasec.connect(options)
    return run.client, run.server, ssl, run
  end
end

return { all = all, connected = connected, field = field, kind_of = kind_of, method = method, said = said, same = same,
  shown = shown }
