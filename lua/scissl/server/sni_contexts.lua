--- What the contexts of an SNI map are made of, and making them anew.
-- @module scissl.server.sni_contexts

local Configuration = require "scissl.tls.configuration"
local options = require "scissl.base.option_table"
local with_profile = require "scissl.server.server_profile"

local contexts = {}

--- Returns a context as it is, and makes one from a configuration or a table of its fields.
function contexts.make(value, level)
  if options.is(value, "SciSslContext") then return value end
  local fields = options.is(value, "SciSslSocketConfiguration") and value.values or value
  if type(fields) == "table" then return with_profile(Configuration.new(fields, level + 1)):getSciSslContext() end
  error(("bad context '%s' of a server name (SciSslContext, SciSslSocketConfiguration or table of its fields expected)")
    :format(options.typeOf(value)), level + 1)
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
    local context, failure = contexts.make(value, 2)
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
