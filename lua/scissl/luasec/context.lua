--- LuaSec's `ssl.context`: contexts, and the functions that set them. `newcontext` of `scissl.luasec` calls these for
-- each parameter. Each returns true, or false (`create`: nil) and why not.
-- @module scissl.luasec.context

local alpn = require "scissl.luasec.alpn"
local class = require "scissl.luasec.class"
local core = require "scissl.core"
local describe = require "scissl.luasec.failure"
local options = require "scissl.luasec.names"

local SciSslContext = core.SciSslContext
local ask_password = getmetatable(core).luasecAskPassword

local context, methods = {}, {}
local setters = {} -- functions of the module that get the state of a context first

local Context = class.new "SSL:Context"

-- ---- arguments

local function check_string(value, index, method)
  if type(value) == "string" or type(value) == "number" then return tostring(value) end
  class.complain(index, method, ("string expected, got %s"):format(type(value)), 1)
end

-- LuaSec's result for that of a setter of scissl; `words` has a place for the reason.
local function return_done(done, failure, words)
  if done then return true end
  return false, words:format(describe(failure))
end

-- ---- life

--- Returns the state of a context: `tls`, its SciSslContext; `mode`, `verify`, `dane` …; nil for any other value.
function context.state(value)
  return class.state(value, Context)
end

--- Makes a context. It keeps no sessions.
-- @tparam string protocol `"any"`, `"tlsv1_2"`, `"tlsv1_3"` …
function context.create(protocol)
  protocol = check_string(protocol, 1, "create")
  local method = options.protocols[protocol]
  if not method then return nil, ("invalid protocol (%s)"):format(protocol) end
  local tls, failure = SciSslContext.new(method)
  if tls and method == "TLS" then
    -- LuaSec's "any" allows every version that the security level allows.
    local lowered
    lowered, failure = tls:setMinProtocol "TLSv1"
    tls = lowered and tls
  end
  if not tls then return nil, ("error creating context (%s)"):format(describe(failure)) end
  tls:setSessionCacheMode "off"
  return class.object(Context, { tls = tls, verify = core.SSL_VERIFY_NONE })
end

function Context:__tostring()
  return ("SSL context: %p"):format(self)
end

-- A context needs no closing, since connections keep what they need, but programs may declare it `<close>`.
function Context.__close() end

--- Makes it a context for servers or for clients.
-- @tparam string mode `"server"` or `"client"`
function setters.setmode(self, mode)
  mode = check_string(mode, 2, "setmode")
  if mode ~= "server" and mode ~= "client" then return false, ("invalid mode (%s)"):format(mode) end
  self.mode = mode
  return true
end

-- ---- files

--- Trusts the CAs of a file, a directory, or both; uses the CRLs of that file.
function setters.locations(self, file, directory)
  local tls = self.tls
  local done, failure = tls:loadVerifyLocations(file, directory)
  if done then
    self.trusts = true
    if file then tls:loadCrlFile(file) end -- most files contain none, which is no error
  end
  return return_done(done, failure, "error loading CA locations (%s)")
end

--- Uses the certificate of a file, and the certificates behind it as its chain.
function setters.loadcert(self, file)
  local done, failure = self.tls:useCertificateChainFile(check_string(file, 2, "loadcert"))
  if failure and failure:condition() == "key_mismatch" then return false, "private key does not match public key" end
  return return_done(done, failure, "error loading certificate (%s)")
end

-- LuaSec takes any result that is no string for an empty password, and lets OpenSSL ask on the terminal for what is not
-- given.
local function password_from(callback)
  if callback == nil then return ask_password end
  if type(callback) ~= "function" then return callback end
  return function()
    local password = callback()
    return type(password) == "string" and password or ""
  end
end

--- Uses the key of a file.
-- @tparam string file
-- @tparam[opt] string|function password a function returns it; nil: OpenSSL asks on the terminal, if the key needs one
function setters.loadkey(self, file, password)
  local tls = self.tls
  local done, failure = tls:usePrivateKeyFile(check_string(file, 2, "loadkey"), password_from(password))
  if failure and failure:condition() == "key_mismatch" then return false, "private key does not match public key" end
  return return_done(done, failure, "error loading private key (%s)")
end

--- Tells whether the key belongs to the certificate.
function setters.checkkey(self)
  return self.tls:checkPrivateKey() ~= nil
end

-- ---- what is offered

--- Sets the ciphers up to TLS 1.2.
function setters.setcipher(self, list)
  local done, failure = self.tls:setCipherList(check_string(list, 2, "setcipher"))
  return return_done(done, failure, "error setting cipher list (%s)")
end

--- Sets the ciphers of TLS 1.3.
function setters.setciphersuites(self, list)
  local done, failure = self.tls:setCiphersuites(check_string(list, 2, "setciphersuites"))
  return return_done(done, failure, "error setting cipher list (%s)")
end

--- Sets the only group of the key exchange.
function setters.setcurve(self, name)
  name = check_string(name, 2, "setcurve")
  if name:find "^[%w-]+$" and self.tls:setGroups(name) then return true end
  return false, ("elliptic curve '%s' not supported"):format(name)
end

--- Sets the groups of the key exchange, separated by colons.
function setters.setcurveslist(self, names)
  names = check_string(names, 2, "setcurveslist")
  if self.tls:setGroups(names) then return true end
  return false, ("unknown elliptic curve in \"%s\""):format(names)
end

--- Sets options by LuaSec's names.
function setters.setoptions(self, ...)
  local tls, bits = self.tls, 0
  for i = 1, select("#", ...) do
    local name = check_string(select(i, ...), i + 1, "setoptions")
    if not options.bits[name] then return false, ("invalid option (%s)"):format(name) end
    bits = bits | options.bits[name]
  end
  if bits == 0 then return true end
  local done, failure = tls:setOptions(bits)
  return return_done(done, failure, "error setting options (%s)")
end

--- Sets a function that returns the DH parameters of a server in PEM; it gets false and 1024, as in LuaSec, and
-- is called where a DHE cipher was negotiated.
function setters.setdhparam(self, callback)
  self.dhparam = callback
end

--- Sets the application protocols that a client offers, encoded as TLS sends them.
function setters.setalpn(self, bytes)
  local done, failure = self.tls:setAlpn(alpn.fromWire(check_string(bytes, 2, "setalpn")))
  return return_done(done, failure, "error setting ALPN (%s)")
end

--- Sets the function with which a server chooses the application protocol; it gets and returns encoded lists.
function setters.setalpncb(self, callback)
  self.alpn = function(offered)
    local bytes = callback(alpn.toWire(offered))
    return type(bytes) == "string" and alpn.fromWire(bytes) or nil
  end
  return true
end

-- ---- verification

--- Sets how the peer is verified, by LuaSec's names.
function setters.setverify(self, ...)
  local flags = 0
  for i = 1, select("#", ...) do
    local name = check_string(select(i, ...), i + 1, "setverify")
    if not options.verify[name] then return false, ("invalid verify option (%s)"):format(name) end
    flags = flags | options.verify[name]
  end
  if flags ~= 0 then self.verify = flags end
  return true
end

--- Sets the maximum length of chains.
function setters.setdepth(self, depth)
  local most = math.tointeger(tonumber(depth))
  if not most then class.complain(2, "setdepth", ("number expected, got %s"):format(type(depth))) end
  self.tls:setVerifyDepth(most)
  return true
end

--- Sets further flags: `"lsec_continue"` continues in spite of verification errors, and records them for
-- `getpeerverification`; `"lsec_ignore_purpose"` accepts server certificates from clients; `"crl_check"`,
-- `"crl_check_chain"`.
function methods:setverifyext(...)
  local tls = self.tls
  local continue, ignore, revocation = false, false, {}
  for i = 1, select("#", ...) do
    local name = check_string(select(i, ...), i + 1, "setverifyext")
    if name == "lsec_continue" then continue = true
    elseif name == "lsec_ignore_purpose" then ignore = true
    elseif options.revocation[name] then revocation[#revocation + 1] = options.revocation[name]
    else return false, ("invalid verify option (%s)"):format(name) end
  end
  self.continues, self.notes = continue, continue or ignore
  if ignore then tls:setPurpose "sslserver" end
  if #revocation == 0 then return true end
  local done, failure = tls:setVerifyFlags(revocation)
  return return_done(done, failure, "error setting verify options (%s)")
end

--- Prepares connections for `setdane`. `"no_ee_namechecks"`: a certificate that matches its own record may have any
-- name.
function setters.setdane(self, ...)
  local dane = {}
  for i = 1, select("#", ...) do
    local flag = select(i, ...)
    if flag ~= "no_ee_namechecks" then
      class.complain(i + 1, "setdane", ("invalid option '%s'"):format(tostring(flag)))
    end
    dane.eeNameChecks = false
  end
  self.dane = dane
  return true
end

-- ---- pre-shared keys

local MOST_IDENTITY, MOST_KEY = 255, 512 -- bytes

local function is_key(key)
  return type(key) == "string" and #key > 0 and #key <= MOST_KEY
end

--- Sets the function of a client. It gets the server's hint and the maximum lengths, and returns identity and key.
function setters.setclientpskcb(self, callback)
  local done, failure = self.tls:setPskClient(function(hint)
    local identity, key = callback(hint, MOST_IDENTITY, MOST_KEY)
    if type(identity) == "string" and #identity <= MOST_IDENTITY and is_key(key) then return identity, key end
    return nil
  end)
  self.psk = true
  return return_done(done, failure, "error setting PSK (%s)")
end

--- Sets the function of a server. It gets an identity and the maximum length, and returns the key.
function setters.setserverpskcb(self, callback)
  local done, failure = self.tls:setPskServer(function(identity)
    local key = callback(identity, MOST_KEY)
    return is_key(key) and key or nil
  end, { tellUnknown = true })
  return return_done(done, failure, "error setting PSK (%s)")
end

--- Sets the hint that a server sends to clients.
function setters.setpskhint(self, hint)
  return self.tls:setPskHint(check_string(hint, 2, "setpskhint")) ~= nil
end

class.methods(Context, setters, context)
class.methods(Context, methods, Context.__index)

return context
