--- What LuaSec's connections return about the peer, this side, and the negotiated session.
-- @module scissl.luasec.peer

local class = require "scissl.luasec.class"
local core = require "scissl.core"
local strictness = require "scissl.luasec.strictness"
local x509 = require "scissl.luasec.x509"

local peer = { methods = {}, functions = {} }
local methods, functions = peer.methods, peer.functions

-- ---- certificates

local function nth(self, chain_of, n, method)
  if not self.connected then return nil, "closed" end
  n = n == nil and 1 or class.integer(n, 1, method, 2)
  if n < 1 then return nil, "invalid certificate index" end
  return x509.wrap(chain_of(self.tls)[n])
end

local function all(self, chain_of)
  if not self.connected then return nil, "closed" end
  local chain = chain_of(self.tls)
  for i, certificate in ipairs(chain) do chain[i] = x509.wrap(certificate) end
  return chain
end

local peer_chain, local_chain = core.SciSslSocket.peerChain, core.SciSslSocket.localChain

--- Returns the n-th certificate of the peer's chain, its own first; nil where there is none.
function methods.getpeercertificate(self, n)
  return nth(self, peer_chain, n, "getpeercertificate")
end

--- Returns the peer's chain, its own certificate first; empty where it sent none.
function methods.getpeerchain(self)
  return all(self, peer_chain)
end

--- Returns the n-th certificate of our chain.
function methods.getlocalcertificate(self, n)
  return nth(self, local_chain, n, "getlocalcertificate")
end

--- Returns our chain, our own certificate first.
function methods.getlocalchain(self)
  return all(self, local_chain)
end

local function errors_by_depth(noted)
  local errors = {}
  for _, one in ipairs(noted) do
    local place = one.depth + 1
    errors[place] = errors[place] or {}
    table.insert(errors[place], one.text)
  end
  return errors
end

--- Tells whether the peer's certificate was verified. Without strictness this is also true of a peer without one.
-- @treturn[1] boolean true
-- @treturn[2] boolean false
-- @treturn[2] string|table why not; with `verifyext` lists of reasons, by the number of the certificate in the chain
function methods.getpeerverification(self)
  if not self.connected then return false, "closed" end
  local code, text = self.tls:sslVerifyCertificate()
  if code == core.X509_V_OK then return true end
  if code == nil then
    if strictness.isOn() then return false, text end
    return true
  end
  local noted = self.tls:verifyErrors()
  return false, #noted > 0 and errors_by_depth(noted) or text
end

-- ---- secrets

--- Returns the latest Finished message that this side has sent.
function methods.getfinished(self)
  if not self.connected then return nil, "closed" end
  return (self.tls:finished())
end

--- Returns the latest Finished message that the peer has sent.
function methods.getpeerfinished(self)
  if not self.connected then return nil, "closed" end
  return (self.tls:peerFinished())
end

--- Returns keying material that both sides can derive.
-- @tparam string label
-- @tparam integer length bytes
-- @tparam[opt] string context
function methods.exportkeyingmaterial(self, label, length, context)
  if not self.connected then return nil, "closed" end
  local bytes = self.tls:sslExport(label, length, context)
  if bytes then return bytes end
  return nil, "error exporting keying material"
end

-- ---- what was negotiated

--- Returns the application protocol; nil where there is none.
function methods.getalpn(self)
  return self.tls and self.tls:alpnProtocol() or nil
end

--- Returns the server name that was asked for; nil where there is none.
function methods.getsniname(self)
  return self.tls and (self.tls:serverName() or self.asked) or nil
end

--- Returns nil: OpenSSL does not compress any more.
function functions.compression(self)
  if not self.connected then return nil, "closed" end
  return nil
end

--- Returns OpenSSL's description of the cipher, its bits, those of its algorithm, and the protocol.
local function describe(self)
  local cipher = self.tls and self.tls:cipher()
  if not cipher then return end
  local bits, algorithm_bits = cipher:bits()
  return cipher:description() .. "\n", bits + 0.0, algorithm_bits + 0.0, self.tls:version()
end

functions.info = describe

local DESCRIPTION = "^(%S+)%s+%S+%s+Kx=(%S+)%s+Au=(%S+)%s+Enc=(%S+)%s+Mac=(%S+)"

--- Returns what was negotiated: a table of `cipher`, `protocol`, `key`, `authentication`, `encryption`, `mac`, `bits`,
-- `algbits`, `export`; or one of these.
-- @tparam[opt] string field
function methods.info(self, field)
  if not self.connected then return nil, "closed" end
  local info = {}
  local text
  text, info.bits, info.algbits, info.protocol = describe(self)
  if text then
    info.cipher, info.key, info.authentication, info.encryption, info.mac = text:match(DESCRIPTION)
    info.export = false
  end
  if field then return info[field] end
  return next(info) and info
end

return peer
