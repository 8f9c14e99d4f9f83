--- Contexts by server name: exact names, wildcards and a default, for servers of several hosts.
--
-- An SNI map serves as the handler `onClientHello` of `scissl.handshake`; `scissl.listen { sni = … }` makes one from a
-- table. It may be changed while the server runs: later connections use the change.
-- @classmod SciSslSni

local contexts = require "scissl.server.sni_contexts"
local options = require "scissl.base.option_table"
local receiver = require "scissl.base.receiver"

local Sni = { __name = "SciSslSni" }
Sni.__index = Sni

local check_name, normal = contexts.checkName, contexts.normalName

--- Makes a map.
-- @function scissl.sni.new
-- @tparam table given contexts by names: SciSslContext, SciSslSocketConfiguration, or a table of its fields. The
--  `profile` is `"server"` where none is named. A name is a host name; `"*.example.org"`, where the star stands for one
--  label; or `"*"`: all other names, and clients that send none. Exact names come before wildcards
-- @tparam[opt] table more `others = true`: clients with other names keep the context that the handshake began with;
--  otherwise, without a `"*"`, the alert unrecognized_name rejects them
-- @treturn[1] SciSslSni
-- @treturn[2] nil
-- @treturn[2] SciSslError why the first context that failed could not be made
-- @raise for malformed names, and for values of another kind
-- @see RFC 6066, section 3
function Sni.new(given, more)
  options.checkArgument(1, "scissl.sni.new", given, "table", 2)
  more = options.read("scissl.sni.new", more or {}, { others = "boolean" }, 2)
  contexts.checkAll(given, 2)
  local map = setmetatable({ contexts = {}, given = {}, others = more.others or false }, Sni)
  for key, value in pairs(given) do
    local context, failure = contexts.make(value)
    if not context then return nil, failure end
    local name = check_name(key, 2)
    map.contexts[name], map.given[name] = context, contexts.kept(value)
  end
  return map
end

--- Sets or removes the context of a name.
-- @function SciSslSni:set
-- @tparam string name as for `scissl.sni.new`
-- @param context as there; nil removes it
-- @treturn[1] SciSslSni the receiver
-- @treturn[2] nil
-- @treturn[2] SciSslError the context could not be made; the map stays as it was
function Sni:set(name, context)
  name = check_name(name, 2)
  local made, failure
  if context ~= nil then
    contexts.check(context, 2)
    made, failure = contexts.make(context)
    if not made then return nil, failure end
  end
  self.contexts[name], self.given[name] = made, contexts.kept(context)
  return self
end

--- Reads the files of its configurations again, as `SciSslListener:reload` does. Contexts stay as they are.
-- @function SciSslSni:reload
-- @treturn[1] SciSslSni the receiver
-- @treturn[2] nil
-- @treturn[2] SciSslError the first context that could not be made; the map stays as it was
function Sni:reload()
  local made, failure = contexts.remake(self)
  if not made then return nil, failure end
  contexts.use(self, made)
  return self
end

--- Finds the context for a host.
-- @function SciSslSni:find
-- @tparam ?string name nil: the client sends none
-- @treturn ?SciSslContext
function Sni:find(name)
  if name ~= nil and type(name) ~= "string" then options.checkArgument(1, "find", name, "string|nil", 2) end
  local known = self.contexts
  if name then
    name = normal(name)
    if name == "*" or name:find("*", 1, true) then return known["*"] end
    local found = known[name] or known[name:gsub("^[^%.]+", "*", 1)]
    if found then return found end
  end
  return known["*"]
end

function Sni:__call(_, hello)
  if not options.is(hello, "SciSslClientHello") then
    options.checkArgument(2, "SciSslSni", hello, "SciSslClientHello", 2)
  end
  local context = self:find(hello:serverName())
  if context then return context end
  if self.others then return true end
  local asked = hello:serverName()
  if not asked then
    return false, "unrecognized_name", "the client asked for no host, and the `sni` map has no \"*\""
  end
  return false, "unrecognized_name",
    ("the client asked for %s, which the `sni` map does not have; add it, or \"*\""):format(asked)
end

function Sni:__tostring()
  local names = {}
  for name in pairs(self.contexts) do names[#names + 1] = name end
  table.sort(names)
  return "SciSslSni: " .. table.concat(names, ", ")
end

return receiver.guard(Sni, { new = true })
