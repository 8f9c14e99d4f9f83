--- The contexts of a listener, made of its options: its own, and those of its SNI map; and making them anew.
-- @module scissl.server.contexts

local context_options = require "scissl.tls.context_options"
local core = require "scissl.core"
local options = require "scissl.base.option_table"
local server = require "scissl.server.server_options"
local sni = require "scissl.server.sni_map"
local sni_contexts = require "scissl.server.sni_contexts"

local contexts = {}

local replaced_options = context_options.kinds { verify = "string|integer", psk = "psks|function" }

-- A copy of options for `reload`: the program may change its configuration later.
local function copy(given)
  local copied = {}
  for name, value in pairs(given) do copied[name] = value end
  copied.configuration = sni_contexts.kept(given.configuration)
  return copied
end

-- ---- sessions that a store shares

-- The store serves the context that a connection ends up with. A context that has several names is served under the
-- first in alphabetical order, so that it is the same name on all servers.
local function serve_names(store, context, map)
  local names, served = {}, { [context] = true }
  for name in pairs(map.contexts) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local other = map.contexts[name]
    if not served[other] then store:serve(other, name) end
    served[other] = true
  end
end

local function serve_sessions(store, context, handler)
  if not store then return handler end
  store:serve(context)
  if getmetatable(handler) == sni then serve_names(store, context, handler) end
  return store:onClientHello(handler)
end

-- ---- making them

--- Makes the contexts of checked options.
-- @tparam string caller the call, for errors
-- @tparam table given its options
-- @tparam integer level the stack level that an error points at, as for `error` in the caller
-- @treturn[1] table `context`, `onClientHello`, `sni` (its SNI map), `given` (a copy of the options)
-- @treturn[2] nil
-- @treturn[2] SciSslError
function contexts.make(caller, given, level)
  level = level + 1
  local context, failure = server.context(caller, given, level)
  if not context then return nil, failure end
  local handler
  handler, failure = server.helloHandler(caller, given, context, level)
  if failure then return nil, failure end
  return {
    context = context,
    sni = getmetatable(handler) == sni and handler or nil,
    onClientHello = serve_sessions(given.sessions, context, handler),
    given = copy(given),
  }
end

--- Makes the context of other options for an existing listener.
-- @treturn[1] SciSslContext
-- @treturn[1] table the options of the listener from now on
-- @treturn[2] nil
-- @treturn[2] SciSslError
function contexts.replace(caller, listener, given, level)
  level = level + 1
  if type(given) ~= "table" then
    options.checkArgument(1, caller, given, "SciSslContext|table", level)
  end
  local whole = options.read(caller, given, replaced_options, level)
  for _, name in ipairs { "sni", "onClientHello", "onCertificate" } do whole[name] = listener.given[name] end
  local context, failure = server.context(caller, whole, level)
  if not context then return nil, failure end
  return context, copy(whole)
end

--- The options of a listener whose context the program has set.
function contexts.without(given, context)
  return {
    context = context, sni = given.sni, onClientHello = given.onClientHello, onCertificate = given.onCertificate,
  }
end

-- ---- making them anew

local function not_reloadable()
  return core.SciSslError.new {
    phase = "load", condition = "not_reloadable", message = "the listener has a SciSslContext that the program made",
  }
end

--- Makes the contexts of a listener anew: all of them, or none.
-- @treturn[1] SciSslContext the listener's own
-- @treturn[2] nil
-- @treturn[2] SciSslError
function contexts.reload(listener)
  local given, map = listener.given, listener.sni
  if given.context and not map then return nil, not_reloadable() end
  local context, others, failure
  context, failure = server.context("reload", given, 2)
  if context and map then others, failure = sni_contexts.remake(map) end
  if failure then return nil, failure end
  if context ~= listener.context then
    local inherited
    inherited, failure = context:inheritSessions(listener.context)
    if not inherited then return nil, failure end
  end
  if map then
    sni_contexts.use(map, others)
    if listener.sessions then serve_names(listener.sessions, context, map) end
  end
  return context
end

return contexts
