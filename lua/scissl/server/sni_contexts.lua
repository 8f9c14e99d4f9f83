--- What the contexts of an SNI map are made of, and making them anew.
-- @module scissl.server.sni_contexts

local Configuration = require "scissl.tls.configuration"
local fields_of_configurations = require "scissl.tls.configuration_fields"
local options = require "scissl.base.option_table"
local with_profile = require "scissl.server.server_profile"

local contexts = {}

--- Returns a host name in lower case, without a dot at its end.
function contexts.normalName(name)
  return (name:lower():gsub("%.$", ""))
end

--- Checks that a name is one that a context can be for. Returns it as `normalName` does.
-- @tparam string name
-- @tparam integer level the stack level that an error points at, as for `error` in the caller
function contexts.checkName(name, level)
  local plain = type(name) == "string" and contexts.normalName(name)
  local host = plain and plain:match "^%*%.(.+)$" or plain
  local odd = not host or host == "" or #host > 253 or host:find "[^%w%.%-_]" or host:find "%.%." or host:find "^%."
  if plain == "*" or not odd then return plain end
  error(("bad server name '%s' (a host name, '*.' and a domain, or '*' expected)"):format(tostring(name)), level + 1)
end

--- Checks that a context can be made of a value.
function contexts.check(value, level)
  if options.is(value, "SciSslContext") or options.is(value, "SciSslSocketConfiguration") then return end
  if type(value) ~= "table" then
    error(("bad context '%s' of a server name (SciSslContext, SciSslSocketConfiguration or table of its fields "
      .. "expected)"):format(options.typeOf(value)), level + 1)
  end
  options.read("SciSslSocketConfiguration.new", value, fields_of_configurations, level + 1)
end

--- Checks all names and values of a table of them.
function contexts.checkAll(given, level)
  for name, value in pairs(given) do
    contexts.checkName(name, level + 1)
    contexts.check(value, level + 1)
  end
end

--- Returns a context as it is, and makes one from a checked configuration or table of its fields.
function contexts.make(value)
  if options.is(value, "SciSslContext") then return value end
  local fields = options.is(value, "SciSslSocketConfiguration") and value.values or value
  return with_profile(Configuration.new(fields)):getSciSslContext()
end

--- What a context was made of, as it is now: the program may change its table later.
function contexts.kept(value)
  if options.is(value, "SciSslSocketConfiguration") then return Configuration.new(value.values) end
  if type(value) ~= "table" then return value end
  return Configuration.new(value)
end

--- Makes all contexts of a map anew from what they were made of: all, or none.
-- @treturn[1] table contexts by names, for `use`
-- @treturn[2] nil
-- @treturn[2] SciSslError
function contexts.remake(map)
  local made = {}
  for name, value in pairs(map.given) do
    local context, failure = contexts.make(value)
    if not context then return nil, failure end
    made[name] = context
  end
  return made
end

--- Uses contexts that `remake` has made. Clients can go on with their sessions.
function contexts.use(map, made)
  for name, context in pairs(made) do
    local older = map.contexts[name]
    if older and older ~= context then context:inheritSessions(older) end
    map.contexts[name] = context
  end
end

return contexts
