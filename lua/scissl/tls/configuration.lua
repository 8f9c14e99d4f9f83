--- A value that describes how connections are made.
--
-- `cfg:name()` reads a field; `cfg:name(value)` sets it and returns the configuration; nil removes it.
-- Configurations with equal fields are equal (`==`), and `getSciSslContext()` returns the same shared context for them.
--
-- | field | kind |
-- |---|---|
-- | `profile` | protocols, cipher suites, groups and options under one name: see below |
-- | `library` | SciSslLibrary, whose providers do the work; OpenSSL's own by default |
-- | `version` | method of the context: `"TLS"` (default), `"TLSv1.2"` … |
-- | `minProtocol`, `maxProtocol` | `"TLSv1.2"` … |
-- | `cipherList`, `ciphersuites`, `groups`, `signatureAlgorithms` | OpenSSL's lists, separated by colons |
-- | `securityLevel` | integer, 0 … 5 |
-- | `options` | `SSL_OP_…` or-ed, or names: `{"no_ticket", "no_renegotiation"}` |
-- | `commands` | commands of OpenSSL's configuration files: `{ {"MinProtocol", "TLSv1.3"}, … }`, or a table by name |
-- | `alpn` | list of application protocols |
-- | `caFile`, `caPath` | PEM file and directory with the CAs to trust |
-- | `ca` | the same as PEM text or SciSslX509Certificate |
-- | `defaultTrust` | true: trusts the system trust store as well |
-- | `trustUri` | URI of further CAs: `file:…`, or another that OpenSSL's stores can read |
-- | `crlFile`, `crl` | CRLs: path, PEM text or DER bytes; the peer's certificate is checked against them |
-- | `verifyFlags` | `X509_V_FLAG_…` bits, or names: `{"crl_check_all", "partial_chain"}` |
-- | `purpose`, `verifyTime` | purpose to verify for, if not `sslserver` or `sslclient`; time, if not now, in seconds |
-- | `pins` | public keys that a peer may have, in place of CAs: list of pins (see `SciSslContext:setPins`) |
-- | `serverCertificateTypes`, `clientCertificateTypes` | lists: see `SciSslContext:setServerCertificateTypes` |
-- | `acceptedIssuers` | client CA list that a server sends: list of certificates and names, or PEM text |
-- | `verify`, `verifyDepth` | integers: `SSL_VERIFY_…` flags, length of chains |
-- | `certificate` | own certificate and its chain: path of a PEM file, PEM text, or SciSslX509Certificate |
-- | `certificateChainFilename` | path: own certificate and its chain |
-- | `certificateFilename` | path: own certificate alone |
-- | `privateKey` | path of a PEM file, PEM text, or SciSslPrivateKey |
-- | `privateKeyFilename` | path. Without either, the key is expected in the file or text of the certificate |
-- | `certificates` | several own ones, one for each key type: list of `{certificate =, privateKey =, passphrase =}` |
-- | `certificateCompression` | list of `"zlib"`, `"brotli"`, `"zstd"` (`SciSslContext:setCertificateCompression`) |
-- | `echKeys` | PEM texts or paths of keys of Encrypted Client Hello, current one first (`SciSslContext:setEchKeys`) |
-- | `passphrase` | string, or function that returns it |
-- | `pkcs12` | key, certificate and chain in one: path of a file, or its bytes; `passphrase` decrypts it |
-- | `ocsp` | `"none"` (default), `"request"`, `"require"`: see `SciSslContext:setOcspPolicy` |
-- | `ocspResponse` | DER: what a server staples |
-- | `pskClient` | pre-shared key: table with `identity` and `key`, or function (`SciSslContext:setPskClient`) |
-- | `pskServer`, `pskHint` | table of keys by identities, or function (`SciSslContext:setPskServer`); text |
-- | `keylogFile` | path: appends the secrets of all connections; true: see `SciSslContext:setKeylogFile` |
-- | `timeout` | seconds for which sessions can be resumed |
-- | `maxReplayableData` | bytes of early data that servers accept (see `SciSslContext:setMaxReplayableData`) |
--
-- Profiles: `"modern"`: TLS 1.3 alone. `"intermediate"`: TLS 1.2 and 1.3, with authenticated encryption and forward
-- secrecy. `"old"`: from TLS 1.0 on, at security level 0, for clients that have nothing better. These three follow
-- Mozilla's recommendations for servers, version 6.0, and 5.8 for `"old"` (https://ssl-config.mozilla.org). `"server"`:
-- authenticated encryption and forward secrecy in the server's order, but ChaCha20 for clients that put it first; it is
-- the default of `scissl.listen` and of the tables in an SNI map. A field that the configuration sets itself comes
-- before the profile's; `options` add to the profile's.
--
-- A server that verifies sends the CAs of `caFile` and `ca` as its client CA list, unless `acceptedIssuers` names
-- others; an empty `acceptedIssuers` sends none. `crl` and `crlFile` set the flag `crl_check`.
--
-- A shared context follows its files: each `getSciSslContext()` checks them, and makes a new context where one has
-- changed (another file, size or time). The same holds for the certificates and CRLs in `caPath` and for the system
-- trust store. Existing connections, listeners and SNI maps keep their context. A file that is rewritten in place with
-- the same size, within the resolution of the file system's clock (usually some milliseconds), looks unchanged: rename
-- a new file over it. URIs other than `file:` are not checked: call `SciSslSocketConfiguration.forgetContexts()` after
-- a change.
-- @classmod SciSslSocketConfiguration

local context_files = require "scissl.tls.context_files"
local fields = require "scissl.tls.configuration_fields"
local options = require "scissl.base.option_table"
local receiver = require "scissl.base.receiver"
local shared_contexts = require "scissl.tls.shared_contexts"

local Configuration = { __name = "SciSslSocketConfiguration" }
Configuration.__index = Configuration

local field_names = {}
for name in pairs(fields) do field_names[#field_names + 1] = name end
table.sort(field_names)

-- ---- the context

local function key_of(configuration)
  configuration.key = configuration.key or shared_contexts.keyOf(configuration.values)
  return configuration.key
end

--- Returns the context that all equal configurations share. The first call makes it and reads its files; a later call
-- makes a new one where a file has changed. A change of the configuration does not change that context: the next call
-- returns another one.
-- @function SciSslSocketConfiguration:getSciSslContext
-- @treturn[1] SciSslContext
-- @treturn[2] nil
-- @treturn[2] SciSslError what SciSslContext returned for the first field that it rejected; a context that was made
--  earlier stays in use
function Configuration:getSciSslContext()
  return shared_contexts.find(self.values, key_of(self))
end

--- Forgets all shared contexts: the next `getSciSslContext()` makes a new one and reads its files again. Existing
-- connections keep theirs. It is needed only for sources that are no files, such as the `trustUri` of a provider, and
-- for files that are rewritten in place (see above).
-- @function SciSslSocketConfiguration.forgetContexts
function Configuration.forgetContexts()
  shared_contexts.forgetAll()
end

-- ---- the fields

local function copy(value)
  if type(value) ~= "table" then return value end
  local copied = {}
  for key, item in pairs(value) do copied[key] = copy(item) end
  return copied
end

local function set(configuration, name, value)
  configuration.values[name] = copy(value)
  configuration.key = nil
  return configuration
end

local function accessor(name, kind)
  return function(self, ...)
    if select("#", ...) == 0 then return copy(self.values[name]) end
    local value = options.copy((...), kind)
    if value ~= nil and not options.is(value, kind) then
      error(("bad argument #1 to '%s' (%s)"):format(name, options.complaint(value, kind, type(value))), 2)
    end
    return set(self, name, value)
  end
end

for name, kind in pairs(fields) do Configuration[name] = accessor(name, kind) end

--- Makes a configuration.
-- @function SciSslSocketConfiguration.new
-- @tparam[opt] table given values of fields
-- @treturn SciSslSocketConfiguration
-- @raise for a field that does not exist or a value of another kind
function Configuration.new(given)
  given = options.read("SciSslSocketConfiguration.new", given or {}, fields, 2)
  local configuration = setmetatable({ values = {} }, Configuration)
  for name, value in pairs(given) do set(configuration, name, value) end
  return configuration
end

function Configuration.__eq(a, b)
  return getmetatable(a) == Configuration and getmetatable(b) == Configuration and key_of(a) == key_of(b)
end

-- ---- for people

local secret = {
  privateKey = true, passphrase = true, pskClient = true, pskServer = true, certificates = true, commands = true,
}

local shown

function shown(name, value)
  if secret[name] then return "(set)" end
  if (name == "pkcs12" or name == "ocspResponse") and context_files.isDer(value) then return "(DER)" end
  if type(value) == "string" and value:find("-----BEGIN", 1, true) then return "(PEM)" end
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  for i, item in ipairs(value) do parts[i] = shown(name, item) end
  return "{" .. table.concat(parts, ", ") .. "}"
end

function Configuration:__tostring()
  local parts = {}
  for _, name in ipairs(field_names) do
    local value = self.values[name]
    if value ~= nil then parts[#parts + 1] = name .. "=" .. shown(name, value) end
  end
  return "SciSslSocketConfiguration: " .. (parts[1] and table.concat(parts, ", ") or "all defaults")
end

return receiver.guard(Configuration, { new = true, forgetContexts = true })
