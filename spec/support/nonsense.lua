--- spec/support/nonsense.lua: values that no call can use, and what must come of them.
--
--    local nonsense = require "spec.support.nonsense"
--
--    list = nonsense.text(), .number(), .boolean(), .functions(), .list(), .name(), .flags(…), .path(), .pem()
--                                       values that are no text, no number, …; flags takes further values
--    list = nonsense.objects()          objects of other kinds, closed ones among them
--    list = nonsense.plus(list, …)      all values of the lists
--    nonsense.noise, .NUMBERS           a long string of all bytes; numbers that few options take
--    nonsense.closed(object)            the object, after its __close
--    list = nonsense.sorted(set)        its keys
--    text = nonsense.settings(context)  all that is set in a context: luassert takes long to compare large tables
--    nonsense.refused(name, call, …)    calls, which must raise, or return nil and a SciSslError

local assert = require "luassert"
local scissl = require "scissl"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local SciSslContext, SciSslPrivateKey = scissl.SciSslContext, scissl.SciSslPrivateKey
local Certificate = scissl.SciSslX509Certificate

local function closed(object)
  local _ <close> = object
  return object
end

local noise = (function()
  local bytes = {}
  for i = 1, 100000 do bytes[i] = string.char((i * 167 + i // 7 + i // 1000) % 256) end
  return table.concat(bytes)
end)()

local function objects()
  local _, err = SciSslContext.new "no such method"
  return { coroutine.create(print), io.stdout, err, closed(assert(SciSslContext.new())),
    closed(assert(SciSslPrivateKey.fromPem(pki.server.keyPem))),
    closed(assert(Certificate.fromPem(pki.ca.certificatePem))) }
end

local function plus(...)
  local all = {}
  for _, list in ipairs { ... } do table.move(list, 1, #list, #all + 1, all) end
  return all
end

local NUMBERS = { 0 / 0, math.huge, -math.huge, 1.5, 2 ^ 63, math.mininteger, math.maxinteger, -1, "many" }
local function no_text() return plus({ {}, true, print }, objects()) end
local function no_number() return plus({ {}, true, print, "x", 0 / 0, math.huge, 1.5, 2 ^ 63, "1.5" }, objects()) end
local function no_boolean() return plus({ {}, 1, 0, "true", print }, objects()) end
local function no_function() return plus({ {}, 1, "x", true }, objects()) end
local function no_list() return plus({ 1, true, "x", print, { 1 }, { {} }, { true }, { "a\0b" } }, objects()) end
local function no_name() return plus(no_text(), { "", "a\0b", noise, "no such name" }) end
local function no_flags(...)
  return plus({ true, print, { 1 }, { {} }, 1.5, 1 << 62, "", "a\0b", noise, { "no such name" } }, objects(), { ... })
end
local function no_path() return plus(no_text(), { "", pki.folder(), "a\0b", noise, pki.folder() .. "/missing",
  pki.write(noise), pki.write "" }) end
local function no_pem() return plus(no_text(), { "", "\0", noise, ("\0"):rep(1000),
  "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", pki.ca.certificatePem:sub(1, 100) }) end

local function refused(name, call, ...)
  local answers = table.pack(pcall(call, ...))
  local value = select(1, ...)
  local shown = type(value) == "string" and ("%q"):format(value:sub(1, 20)) or tostring(value)
  local words = ("%s with %s"):format(name, shown)
  if not answers[1] then
    assert.are.equal("string", type(answers[2]), words)
    assert.is_true(#answers[2] > 0, words)
  elseif scissl.isSslError(answers[2]) then refusals.check(answers[2])
  else
    assert.is_nil(answers[2], words .. " was taken")
    refusals.check(answers[3])
  end
end

local function sorted(names)
  local list = {}
  for name in pairs(names) do list[#list + 1] = name end
  table.sort(list)
  return list
end

local function spell(value)
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  for name, field in pairs(value) do parts[#parts + 1] = tostring(name) .. "=" .. spell(field) end
  table.sort(parts)
  return "{" .. table.concat(parts, ",") .. "}"
end

local function settings(context) return spell(context:describe()) end

return {
  text = no_text, number = no_number, boolean = no_boolean, functions = no_function, list = no_list, name = no_name,
  flags = no_flags, path = no_path, pem = no_pem, objects = objects, plus = plus, noise = noise, NUMBERS = NUMBERS,
  closed = closed, refused = refused, sorted = sorted, settings = settings,
}
