--- Options of `scissl.connect`, `scissl.listen` and `SciSslStream:startTls` that describe a context: the fields of a
-- SciSslSocketConfiguration, or a whole `configuration` or `context` in their place.
-- @module scissl.tls.context_options

local Configuration = require "scissl.tls.configuration"
local fields = require "scissl.tls.configuration_fields"

local context_options = {}

-- Fields whose name has another meaning among the options, or none.
local not_an_option = { timeout = true, verify = true, pskClient = true, pskServer = true }

--- Returns the kinds of a call's options (see `scissl.base.option_table`): its own, `context`, `configuration` and the
-- fields of a configuration. `sessionTimeout` is the field `timeout`.
-- @tparam table own kinds of the call's own options
-- @treturn table
function context_options.kinds(own)
  local known = { context = "SciSslContext", configuration = "SciSslSocketConfiguration", sessionTimeout = "count" }
  for name, kind in pairs(fields) do
    if not not_an_option[name] then known[name] = kind end
  end
  for name, kind in pairs(own) do known[name] = kind end
  return known
end

--- Returns the fields that options set, by options.
-- @tparam table renamed those that set a field of another name
-- @treturn table for `values` and `read`
function context_options.fieldsOf(renamed)
  local set = { sessionTimeout = "timeout" }
  for name in pairs(fields) do
    if not not_an_option[name] then set[name] = name end
  end
  for option, field in pairs(renamed) do set[option] = field end
  return set
end

local function refuse_both(caller, whole, name, level)
  error(("options '%s' and '%s' to '%s' exclude each other"):format(whole, name, caller), level + 1)
end

--- Returns the fields of the configuration that a call's options describe.
-- @tparam string caller the call, for errors
-- @tparam table given its options, checked
-- @tparam integer level the stack level that an error points at, as for `error` in the caller
-- @tparam table set what `fieldsOf` returned
-- @treturn ?table values by fields, which the caller may add to; nil where the options have a `context`
-- @raise where the options have a `context` or `configuration`, and fields beside it
function context_options.values(caller, given, level, set)
  if given.context and given.configuration then refuse_both(caller, "context", "configuration", level + 1) end
  local whole = given.context and "context" or given.configuration and "configuration"
  local values = {}
  for option, value in pairs(given) do
    local field = value ~= false and set[option]
    if field and whole then refuse_both(caller, whole, option, level + 1) end
    if field then values[field] = value end
  end
  if given.context then return nil end
  for name, value in pairs(given.configuration and given.configuration.values or {}) do values[name] = value end
  return values
end

--- Makes the configuration that a call's options describe: as `values`, and returns a SciSslSocketConfiguration.
function context_options.read(caller, given, level, set)
  local values = context_options.values(caller, given, level + 1, set)
  return values and Configuration.new(values)
end

return context_options
