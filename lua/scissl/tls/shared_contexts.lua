--- The contexts that equal configurations share.
-- @module scissl.tls.shared_contexts

local context_files = require "scissl.tls.context_files"
local fields = require "scissl.tls.configuration_fields"
local make_context = require "scissl.tls.context_maker"
local number_of = require "scissl.base.object_number"
local options = require "scissl.base.option_table"

local shared_contexts = {}

local field_names = {}
for name in pairs(fields) do field_names[#field_names + 1] = name end
table.sort(field_names)

-- ---- equality by value: a text that two equal configurations share

-- Every part begins with its length, so that different values have different texts.
local encode

local encoders = {
  string = function(text) return ("s%d:%s"):format(#text, text) end,
  number = function(number) return ("i%d;"):format(number) end,
  boolean = function(boolean) return boolean and "t" or "f" end,
  table = function(given)
    local parts = {}
    for key, item in pairs(given) do parts[#parts + 1] = encode(key) .. encode(item) end
    table.sort(parts)
    return ("l%d:%s"):format(#parts, table.concat(parts))
  end,
}

function encode(value)
  local encoder = encoders[type(value)]
  if encoder then return encoder(value) end
  if options.is(value, "SciSslX509Certificate") then return encode(value:toPem()) end
  return ("o%d;"):format(number_of(value))
end

--- Returns a text that is the same for equal configurations, and for no others.
-- @tparam table values of fields
-- @treturn string
function shared_contexts.keyOf(values)
  local parts = {}
  for _, name in ipairs(field_names) do
    local value = values[name]
    if name == "version" and value == "TLS" then value = nil end
    if value ~= nil then parts[#parts + 1] = encode(name) .. encode(value) end
  end
  return table.concat(parts)
end

-- ---- places: where a call finds what an earlier call with the same values has computed

-- Fields that never hold a secret, and hold tables only rarely.
local open_fields = {}
for _, name in ipairs {
  "caFile", "caPath", "ciphersuites", "cipherList", "defaultTrust", "groups", "maxProtocol", "minProtocol", "ocsp",
  "options", "profile", "purpose", "securityLevel", "signatureAlgorithms", "timeout", "verify", "verifyDepth",
  "verifyFlags", "version",
} do open_fields[name] = true end

local root, places, PLACES_MAX = {}, 0, 512

-- A tree of tables: by field, by value, by the next field … Its leaves are tables with the key at 1 and the paths of
-- the files at 2. Returns nil where a value is a table or may be a secret.
local function place_of(values)
  if places > PLACES_MAX then root, places = {}, 0 end
  local place = root
  for name, value in next, values do
    if not open_fields[name] or type(value) == "table" then return nil end
    local below = place[name]
    if not below then
      below = {}
      place[name] = below
    end
    place = below[value]
    if not place then
      place = {}
      below[value], places = place, places + 1
    end
  end
  return place
end

local function key_at(place, values)
  if not place then return shared_contexts.keyOf(values) end
  if not place[1] then place[1], place[2] = shared_contexts.keyOf(values), {} end
  return place[1], place[2]
end

-- ---- the contexts

-- A context lives as long as something uses it. The most recent ones stay a little longer, so that consecutive
-- connections do not load the trust store again.
local shared = setmetatable({}, { __mode = "v" })
local stamps = setmetatable({}, { __mode = "k" }) -- by context: the stamp of its files when it was made
local recent, RECENT_MAX = {}, 8

local function forget(context)
  for i, known in ipairs(recent) do
    if known == context then table.remove(recent, i) break end
  end
end

local function remember(context)
  if recent[1] == context then return context end
  forget(context)
  table.insert(recent, 1, context)
  recent[RECENT_MAX + 1] = nil
  return context
end

-- The program may have closed a context that it got from here: then every method of it raises.
local function is_open(context)
  return (pcall(context.getVerify, context))
end

--- Returns the context of a configuration, as `SciSslSocketConfiguration:getSciSslContext`.
-- @tparam table values of fields, checked; nothing changes them later
-- @tparam[opt] string key what `keyOf` returns for them
-- @treturn[1] SciSslContext
-- @treturn[2] nil
-- @treturn[2] SciSslError
function shared_contexts.find(values, key)
  local paths
  if not key then key, paths = key_at(place_of(values), values) end
  -- Taken before the files are read: the next call sees a change that happens meanwhile.
  local stamp = context_files.stampOf(values, paths)
  local known = shared[key]
  if known and stamps[known] == stamp and is_open(known) then return remember(known) end
  local context, failure = make_context(values)
  if not context then return nil, failure end
  if known then forget(known) end
  shared[key], stamps[context] = context, stamp
  return remember(context)
end

--- Forgets all contexts, as `SciSslSocketConfiguration.forgetContexts`.
function shared_contexts.forgetAll()
  recent, root, places = {}, {}, 0
  for key in pairs(shared) do shared[key] = nil end
end

return shared_contexts
