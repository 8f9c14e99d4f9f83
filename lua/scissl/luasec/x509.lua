--- LuaSec's `ssl.x509`: certificates with LuaSec's methods.
-- @module scissl.luasec.x509

local class = require "scissl.luasec.class"
local core = require "scissl.core"
local utc = require "scissl.base.utc"

local SciSslX509Certificate, SciSslError = core.SciSslX509Certificate, core.SciSslError

local x509 = {}

local Certificate = class.new "SSL:Certificate"
local methods = {}

-- ---- objects

--- Makes LuaSec's certificate of a SciSslX509Certificate.
-- @tparam ?SciSslX509Certificate certificate
-- @return nil where there is none
function x509.wrap(certificate)
  return certificate and class.object(Certificate, { certificate = certificate, encoding = "bytes" })
end

local function check(value, index, method)
  local state = class.state(value, Certificate)
  if state then return state.certificate end
  class.complain(index, method, ("SSL:Certificate expected, got %s"):format(type(value)), 1)
end

--- Reads a certificate from PEM text.
-- @tparam string pem
-- @return the certificate; nil where the text contains none
function x509.load(pem)
  if type(pem) ~= "string" then
    error(("bad argument #1 to 'load' (string expected, got %s)"):format(pem == nil and "no value" or type(pem)), 2)
  end
  return x509.wrap((SciSslX509Certificate.fromPem(pem)))
end

function Certificate:__tostring()
  return ("X509 certificate: %p"):format(self)
end

-- A certificate needs no closing, but LuaSec's programs may declare it `<close>`.
function Certificate.__close() end

-- ---- names

local function list_names(self, fields)
  local names = {}
  for i, field in ipairs(fields) do
    names[i] = { oid = field.oid, name = field.longName, value = field[self.encoding] }
  end
  return names
end

--- Returns the subject: an array of tables with `oid`, `name` and `value`.
function methods:subject()
  return list_names(self, self.certificate:subjectFields())
end

--- Returns the issuer, as `subject`.
function methods:issuer()
  return list_names(self, self.certificate:issuerFields())
end

--- Sets the encoding of `subject` and `issuer`: `"ai5"`: the bytes as they are (default); or `"utf8"`.
-- @treturn boolean whether the encoding is known
function methods:setencode(encoding)
  if type(encoding) ~= "string" then
    error(("bad argument #1 to 'setencode' (string expected, got %s)"):format(type(encoding)), 2)
  end
  if encoding:find "^ai5" then self.encoding = "bytes"
  elseif encoding:find "^utf8" then self.encoding = "value"
  else return false end
  return true
end

local ALT_NAMES = "2.5.29.17"

local kinds = { DNS = "dNSName", email = "rfc822Name", URI = "uniformResourceIdentifier", IP = "iPAddress" }

-- OpenSSL's long names of otherName types.
local other_names = {
  ["1.3.6.1.5.5.7.8.5"] = "XmppAddr",
  ["1.3.6.1.5.5.7.8.7"] = "SRVName",
  ["1.3.6.1.5.5.7.8.8"] = "NAIRealm",
  ["1.3.6.1.5.5.7.8.9"] = "Smtp UTF8 Mailbox",
  ["1.3.6.1.4.1.311.20.2.3"] = "Microsoft User Principal Name",
}

local function append(names, key, value)
  local list = names[key]
  if not list then
    list = {}
    names[key] = list
  end
  list[#list + 1] = value
  return list
end

--- Returns the subjectAltNames, by the OID of that extension: arrays `dNSName`, `rfc822Name`,
-- `uniformResourceIdentifier` and `iPAddress`; other kinds by their OIDs.
function methods:extensions()
  local found = self.certificate:subjectAltNames() or {}
  if #found == 0 then return {} end
  local names = { name = "X509v3 Subject Alternative Name" }
  for _, one in ipairs(found) do
    if kinds[one.type] then append(names, kinds[one.type], one.value)
    elseif one.type == "otherName" then
      append(names, one.oid, one.text or one.value).name = other_names[one.oid] or one.oid
    end
  end
  return { [ALT_NAMES] = names }
end

-- ---- dates

local months = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" }

local function words_of(seconds)
  if not seconds then return nil end
  local at = utc.parts(seconds)
  return ("%s %2d %02d:%02d:%02d %d GMT"):format(months[at.month], at.day, at.hour, at.min, at.sec, at.year)
end

--- Returns the time from which it is valid: `"Nov 25 18:48:44 2026 GMT"`.
function methods:notbefore()
  return words_of(self.certificate:notBefore())
end

--- Returns the time until which it is valid, as `notbefore`.
function methods:notafter()
  return words_of(self.certificate:notAfter())
end

--- Tells whether it is valid at a time, in seconds since the epoch.
function methods:validat(seconds)
  if not tonumber(seconds) then
    class.complain(1, "validat", ("number expected, got %s"):format(type(seconds)))
  end
  seconds = tonumber(seconds)
  local from, to = self.certificate:notBefore(), self.certificate:notAfter()
  return from ~= nil and to ~= nil and from <= seconds and seconds <= to
end

-- ---- the rest

--- Returns the serial number, in hexadecimal.
function methods:serial()
  return self.certificate:serial()
end

local digests = { sha1 = "SHA1", sha256 = "SHA256", sha512 = "SHA512" }

--- Returns the fingerprint, in lower-case hexadecimal.
-- @tparam[opt="sha1"] string algorithm `sha1`, `sha256` or `sha512`
function methods:digest(algorithm)
  local digest = digests[algorithm or "sha1"]
  if not digest then return nil, ("digest algorithm not supported (%s)"):format(algorithm) end
  return self.certificate:fingerprint(digest):lower()
end

--- Returns the certificate as PEM text.
function methods:pem()
  return (self.certificate:toPem())
end

local key_types = { RSA = "RSA", DSA = "DSA", DH = "DH", EC = "EC" }

--- Returns the public key as PEM text, its type (`"RSA"`, `"DSA"`, `"DH"`, `"EC"`, `"Unknown"`) and its bits.
function methods:pubkey()
  local pem = self.certificate:publicPem()
  if not pem then return nil end
  return pem, key_types[self.certificate:keyType()] or "Unknown", self.certificate:keyBits()
end

--- Returns OpenSSL's short name of the signature algorithm.
function methods:getsignaturename()
  return self.certificate:signatureAlgorithm()
end

--- Tells whether this certificate has issued another one, with the intermediates that follow.
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] string why not
function methods:issued(other, ...)
  local intermediates = { ... }
  local certificate = check(other, 1, "issued")
  for i, one in ipairs(intermediates) do intermediates[i] = check(one, i + 1, "issued") end
  local done, failure = certificate:verify({ self.certificate }, { intermediates = intermediates })
  if done then return true end
  local _, text = failure:verifyResult()
  return nil, text or SciSslError.errorHint(failure)
end

class.methods(Certificate, methods, Certificate.__index)

return x509
