--- Makes a context from LuaSec's table of parameters.
-- @module scissl.luasec.parameters

local alpn = require "scissl.luasec.alpn"
local context = require "scissl.luasec.context"

-- Calls a setter with each value of a list, or with the one value.
local function apply(setter, made, given)
  if not given then return true end
  if type(given) == "table" then return setter(made, table.unpack(given)) end
  return setter(made, given)
end

local known = {
  "mode", "protocol", "key", "certificate", "password", "certificates", "cafile", "capath", "ciphers", "ciphersuites",
  "verify", "options", "depth", "dhparam", "curveslist", "curve", "verifyext", "alpn", "psk", "dane", "verifyhost",
}

-- Reads each parameter once: metamethods may return something else the second time.
local function read(given)
  local own = {}
  for _, name in ipairs(known) do own[name] = given[name] end
  return own
end

local steps = {}

function steps.mode(made, given)
  return context.setmode(made, given.mode)
end

local function load_identity(made, identity)
  if identity.key then
    local password = identity.password
    if password and type(password) ~= "function" and type(password) ~= "string" then
      return nil, "invalid password type"
    end
    local done, problem = context.loadkey(made, identity.key, password or nil)
    if not done then return nil, problem end
  end
  if not identity.certificate then return true end
  local done, problem = context.loadcert(made, identity.certificate)
  if not done then return nil, problem end
  if identity.key and not context.checkkey(made) then return nil, "private key does not match public key" end
  return true
end

function steps.identities(made, given)
  if given.certificates ~= nil and type(given.certificates) ~= "table" then return nil, "invalid certificates type" end
  for _, identity in ipairs(given.certificates or { given }) do
    if type(identity) ~= "table" then return nil, "invalid certificates type" end
    local done, problem = load_identity(made, read(identity))
    if not done then return nil, problem end
  end
  return true
end

function steps.trust(made, given)
  if not (given.cafile or given.capath) then return true end
  return context.locations(made, given.cafile, given.capath)
end

function steps.ciphers(made, given)
  if not given.ciphers then return true end
  return context.setcipher(made, given.ciphers)
end

function steps.ciphersuites(made, given)
  if not given.ciphersuites then return true end
  return context.setciphersuites(made, given.ciphersuites)
end

function steps.verify(made, given)
  return apply(context.setverify, made, given.verify)
end

function steps.options(made, given)
  return apply(context.setoptions, made, given.options)
end

function steps.depth(made, given)
  if not given.depth then return true end
  return context.setdepth(made, given.depth)
end

function steps.dhparam(made, given)
  if not given.dhparam then return true end
  if type(given.dhparam) ~= "function" then return nil, "invalid DH parameter type" end
  context.setdhparam(made, given.dhparam)
  return true
end

function steps.curves(made, given)
  if given.curveslist then return context.setcurveslist(made, given.curveslist) end
  if given.curve then return context.setcurve(made, given.curve) end
  return true
end

function steps.verifyext(made, given)
  return apply(made.setverifyext, made, given.verifyext)
end

local function set_server_alpn(made, names)
  if type(names) == "function" then
    context.state(made).alpn = names
    return true
  end
  if type(names) ~= "table" then return nil, "invalid ALPN parameter" end
  local checked, problem = alpn.check(names)
  context.state(made).alpn = checked
  return checked, problem
end

local function set_client_alpn(made, names)
  if type(names) == "string" then names = { names } end
  if type(names) ~= "table" then return nil, "invalid ALPN parameter" end
  local checked, problem = alpn.check(names)
  if not checked then return nil, problem end
  return context.setalpn(made, alpn.toWire(checked))
end

function steps.alpn(made, given)
  if not given.alpn then return true end
  return (given.mode == "server" and set_server_alpn or set_client_alpn)(made, given.alpn)
end

local function set_server_psk(made, psk)
  if type(psk) == "function" then return context.setserverpskcb(made, psk) end
  if type(psk) ~= "table" then return nil, "invalid PSK configuration" end
  local hint, callback = psk.hint, psk.callback
  if type(hint) ~= "string" or type(callback) ~= "function" then return nil, "invalid PSK configuration" end
  local done, problem = context.setpskhint(made, hint)
  if not done then return nil, problem or "invalid PSK configuration" end
  return context.setserverpskcb(made, callback)
end

function steps.psk(made, given)
  if not given.psk then return true end
  if given.mode == "server" then return set_server_psk(made, given.psk) end
  if type(given.psk) ~= "function" then return nil, "invalid PSK configuration" end
  return context.setclientpskcb(made, given.psk)
end

function steps.dane(made, given)
  if not given.dane then return true end
  if type(given.dane) == "table" then return context.setdane(made, table.unpack(given.dane)) end
  return context.setdane(made)
end

function steps.verifyhost(made, given)
  if given.verifyhost ~= nil and type(given.verifyhost) ~= "string" then return nil, "invalid verifyhost parameter" end
  context.state(made).host = given.verifyhost
  return true
end

-- LuaSec's order: it decides which error a program sees first.
local order = {
  "mode", "identities", "trust", "ciphers", "ciphersuites", "verify", "options", "depth", "dhparam", "curves",
  "verifyext", "alpn", "psk", "dane", "verifyhost",
}

--- Makes the context.
-- @function scissl.luasec.parameters
-- @tparam table given
-- @return[1] the context
-- @treturn[2] nil
-- @treturn[2] string why not
return function(given)
  if type(given) ~= "table" then
    error(("bad argument #1 to 'newcontext' (table expected, got %s)"):format(type(given)), 2)
  end
  given = read(given)
  local made, problem = context.create(given.protocol)
  if not made then return nil, problem end
  for _, step in ipairs(order) do
    local done
    done, problem = steps[step](made, given)
    if not done then return nil, problem end
  end
  return made
end
