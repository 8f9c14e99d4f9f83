--- LuaSec's `ssl.context`: contexts, and the functions that set them. `newcontext` of `scissl.luasec` calls these for
-- each parameter. Each returns true, or false (`create`: nil) and why not.
-- @module scissl.luasec.context

local alpn = require "scissl.luasec.alpn"
local core = require "scissl.core"
local describe = require "scissl.luasec.failure"
local options = require "scissl.luasec.names"

local SciSslContext = core.SciSslContext

local context = {}

local Context = {}
local methods = {}
Context.__index = methods

-- ---- arguments

local function complain(index, method, expected, value)
  error(("bad argument #%d to '%s' (%s expected, got %s)"):format(index, method, expected,
    value == nil and "nil" or type(value)), 4)
end

local function check_string(value, index, method)
  if type(value) ~= "string" and type(value) ~= "number" then complain(index, method, "string", value) end
  return tostring(value)
end

local function check(self, method)
  if getmetatable(self) ~= Context then complain(1, method, "SSL:Context", self) end
  return self.tls
end

-- LuaSec's result for that of a setter of scissl; `words` has a place for the reason.
local function answer(done, failure, words)
  if done then return true end
  return false, words:format(describe(failure))
end

-- ---- life

--- Tells whether a value is such a context.
function context.is(value)
  return getmetatable(value) == Context
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
  return setmetatable({ tls = tls, verify = core.SSL_VERIFY_NONE }, Context)
end

function Context:__tostring()
  return ("SSL context: %p"):format(self)
end

-- A context needs no closing, since connections keep what they need, but programs may declare it `<close>`.
function Context.__close() end

--- Makes it a context for servers or for clients.
-- @tparam string mode `"server"` or `"client"`
function context.setmode(self, mode)
  check(self, "setmode")
  mode = check_string(mode, 2, "setmode")
  if mode ~= "server" and mode ~= "client" then return false, ("invalid mode (%s)"):format(mode) end
  self.mode = mode
  return true
end

-- ---- files

--- Trusts the CAs of a file, a directory, or both; uses the CRLs of that file.
function context.locations(self, file, directory)
  local tls = check(self, "locations")
  local done, failure = tls:loadVerifyLocations(file, directory)
  if done then
    self.trusts = true
    if file then tls:loadCrlFile(file) end -- most files contain none, which is no error
  end
  return answer(done, failure, "error loading CA locations (%s)")
end

--- Uses the certificate of a file, and the certificates behind it as its chain.
function context.loadcert(self, file)
  local done, failure = check(self, "loadcert"):useCertificateChainFile(check_string(file, 2, "loadcert"))
  if failure and failure:condition() == "key_mismatch" then return false, "private key does not match public key" end
  return answer(done, failure, "error loading certificate (%s)")
end

-- LuaSec takes any result that is no string for an empty password.
local function password_from(callback)
  if type(callback) ~= "function" then return callback end
  return function()
    local password = callback()
    return type(password) == "string" and password or ""
  end
end

--- Uses the key of a file.
-- @tparam string file
-- @tparam[opt] string|function password a function returns it
function context.loadkey(self, file, password)
  local tls = check(self, "loadkey")
  local done, failure = tls:usePrivateKeyFile(check_string(file, 2, "loadkey"), password_from(password))
  if failure and failure:condition() == "key_mismatch" then return false, "private key does not match public key" end
  return answer(done, failure, "error loading private key (%s)")
end

--- Tells whether the key belongs to the certificate.
function context.checkkey(self)
  return check(self, "checkkey"):checkPrivateKey() ~= nil
end

-- ---- what is offered

--- Sets the ciphers up to TLS 1.2.
function context.setcipher(self, list)
  local done, failure = check(self, "setcipher"):setCipherList(check_string(list, 2, "setcipher"))
  return answer(done, failure, "error setting cipher list (%s)")
end

--- Sets the ciphers of TLS 1.3.
function context.setciphersuites(self, list)
  local done, failure = check(self, "setciphersuites"):setCiphersuites(check_string(list, 2, "setciphersuites"))
  return answer(done, failure, "error setting cipher list (%s)")
end

--- Sets the only group of the key exchange.
function context.setcurve(self, name)
  name = check_string(name, 2, "setcurve")
  if check(self, "setcurve"):setGroups(name) then return true end
  return false, ("elliptic curve '%s' not supported"):format(name)
end

--- Sets the groups of the key exchange, separated by colons.
function context.setcurveslist(self, names)
  names = check_string(names, 2, "setcurveslist")
  if check(self, "setcurveslist"):setGroups(names) then return true end
  return false, ("unknown elliptic curve in \"%s\""):format(names)
end

--- Sets options by LuaSec's names.
function context.setoptions(self, ...)
  local tls, bits = check(self, "setoptions"), 0
  for i = 1, select("#", ...) do
    local name = check_string(select(i, ...), i + 1, "setoptions")
    if not options.bits[name] then return false, ("invalid option (%s)"):format(name) end
    bits = bits | options.bits[name]
  end
  if bits == 0 then return true end
  local done, failure = tls:setOptions(bits)
  return answer(done, failure, "error setting options (%s)")
end

--- Sets a function that returns the DH parameters of a server in PEM; it gets false and 1024, as OpenSSL asks LuaSec.
function context.setdhparam(self, callback)
  check(self, "setdhparam")
  self.dhparam = callback
end

--- Sets the application protocols that a client offers, encoded as TLS sends them.
function context.setalpn(self, bytes)
  local done, failure = check(self, "setalpn"):setAlpn(alpn.fromWire(check_string(bytes, 2, "setalpn")))
  return answer(done, failure, "error setting ALPN (%s)")
end

--- Sets the function with which a server chooses the application protocol; it gets and returns encoded lists.
function context.setalpncb(self, callback)
  check(self, "setalpncb")
  self.alpn = function(offered)
    local bytes = callback(alpn.toWire(offered))
    return type(bytes) == "string" and alpn.fromWire(bytes) or nil
  end
  return true
end

-- ---- verification

--- Sets how the peer is verified, by LuaSec's names.
function context.setverify(self, ...)
  check(self, "setverify")
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
function context.setdepth(self, depth)
  if math.type(tonumber(depth)) ~= "integer" then complain(2, "setdepth", "number", depth) end
  check(self, "setdepth"):setVerifyDepth(tonumber(depth))
  return true
end

--- Sets further flags: `"lsec_continue"` continues in spite of verification errors, and records them for
-- `getpeerverification`; `"lsec_ignore_purpose"` accepts server certificates from clients; `"crl_check"`,
-- `"crl_check_chain"`.
function methods:setverifyext(...)
  local tls = check(self, "setverifyext")
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
  return answer(done, failure, "error setting verify options (%s)")
end

--- Prepares connections for `setdane`. `"no_ee_namechecks"`: a certificate that matches its own record may have any
-- name.
function context.setdane(self, ...)
  check(self, "setdane")
  local dane = {}
  for i = 1, select("#", ...) do
    local flag = select(i, ...)
    if flag ~= "no_ee_namechecks" then
      error(("bad argument #%d to 'setdane' (invalid option '%s')"):format(i + 1, tostring(flag)), 3)
    end
    dane.eeNameChecks = false
  end
  self.dane = dane
  return true
end

-- ---- pre-shared keys

local MOST_IDENTITY, MOST_KEY = 127, 256 -- bytes

local function is_key(key)
  return type(key) == "string" and #key > 0 and #key <= MOST_KEY
end

--- Sets the function of a client. It gets the server's hint and the maximum lengths, and returns identity and key.
function context.setclientpskcb(self, callback)
  local done, failure = check(self, "setclientpskcb"):setPskClient(function(hint)
    local identity, key = callback(hint, MOST_IDENTITY, MOST_KEY)
    if type(identity) == "string" and #identity <= MOST_IDENTITY and is_key(key) then return identity, key end
    return nil
  end)
  self.psk = true
  return answer(done, failure, "error setting PSK (%s)")
end

--- Sets the function of a server. It gets an identity and the maximum length, and returns the key.
function context.setserverpskcb(self, callback)
  local done, failure = check(self, "setserverpskcb"):setPskServer(function(identity)
    local key = callback(identity, MOST_KEY)
    return is_key(key) and key or nil
  end, { tellUnknown = true })
  return answer(done, failure, "error setting PSK (%s)")
end

--- Sets the hint that a server sends to clients.
function context.setpskhint(self, hint)
  return check(self, "setpskhint"):setPskHint(check_string(hint, 2, "setpskhint")) ~= nil
end

return context
