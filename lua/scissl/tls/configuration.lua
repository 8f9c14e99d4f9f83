--- SciSslSocketConfiguration: a value that names how connections are to be made.
--
-- Each field is read by `cfg:name()` and set by `cfg:name(value)`, which answers the configuration; nil takes it away.
-- Configurations with equal fields are equal (`==`), and `getSciSslContext()` answers the same shared context for them.
--
-- | field | kind |
-- |---|---|
-- | `version` | method of the context: `"TLS"` (default), `"TLSv1.2"` … |
-- | `minProtocol`, `maxProtocol` | `"TLSv1.2"` … |
-- | `cipherList`, `ciphersuites`, `groups`, `signatureAlgorithms` | OpenSSL's lists, with colons between |
-- | `securityLevel` | integer, 0 … 5 |
-- | `options` | `SSL_OP_…` or-ed, or names: `{"no_ticket", "no_renegotiation"}` |
-- | `commands` | of OpenSSL's configuration files: `{ {"MinProtocol", "TLSv1.3"}, … }`, or values by name |
-- | `alpn` | list of application protocols |
-- | `caFile`, `caPath` | PEM file, directory: whom to trust |
-- | `ca` | the same as PEM text or SciSslX509Certificate |
-- | `defaultTrust` | true: trust what the system trusts, too |
-- | `trustUri` | URI of further trust: `file:…` and what else OpenSSL's stores know |
-- | `crlFile`, `crl` | revocation lists: path, PEM text or DER bytes; the peer's certificate is checked |
-- | `verifyFlags` | `X509_V_FLAG_…` bits, or names: `{"crl_check_all", "partial_chain"}` |
-- | `purpose`, `verifyTime` | what for, if not `sslserver` or `sslclient`; when, if not now, in seconds |
-- | `acceptedIssuers` | whose certificates a server asks for: list of certificates and names, or PEM text |
-- | `verify`, `verifyDepth` | integers: `SSL_VERIFY_…` flags, length of chains |
-- | `certificate` | ours, and its issuers: path of a PEM file, PEM text, or SciSslX509Certificate |
-- | `certificateChainFilename` | path: ours, and its issuers |
-- | `certificateFilename` | path: ours alone |
-- | `privateKey` | path of a PEM file, PEM text, or SciSslPrivateKey |
-- | `privateKeyFilename` | path. Where neither is set, the key is looked for where the certificate came from |
-- | `certificates` | several of ours, one for each type of key: list of `{certificate =, privateKey =, passphrase =}` |
-- | `passphrase` | string, or function that answers it |
-- | `pkcs12` | key, certificate and its issuers in one: path of a file, or its bytes; `passphrase` opens it |
-- | `ocsp` | `"none"` (default), `"request"`, `"require"`: see `SciSslContext:setOcspPolicy` |
-- | `ocspResponse` | DER: what a server staples |
-- | `pskClient` | pre-shared key: table with `identity` and `key`, or function (`SciSslContext:setPskClient`) |
-- | `pskServer`, `pskHint` | table of keys by identities, or function (`SciSslContext:setPskServer`); text |
-- | `keylogFile` | path: the secrets of all connections go there; true: see `SciSslContext:setKeylogFile` |
-- | `timeout` | seconds for which sessions can be resumed |
-- | `maxReplayableData` | bytes of early data that servers take (see `SciSslContext:setMaxReplayableData`) |
--
-- Servers that verify ask for certificates of the issuers in `caFile` and `ca`, unless `acceptedIssuers` names others,
-- or none where it is empty. `crl` and `crlFile` switch the flag `crl_check` on.
--
-- A shared context is as fresh as its files: each `getSciSslContext()` looks at them, and makes a new context where one
-- has changed (another file, size or time). The same holds for the certificates and CRLs in `caPath` and for the
-- system's trust store. Connections, listeners and maps of server names keep the context that they have. A file that is
-- written anew in place with as many bytes as before, within the resolution of the file system's clock (some
-- milliseconds as a rule), cannot be told from the old one: rename a new file over it. What a URI other than `file:`
-- names is not looked at: call `SciSslSocketConfiguration.forgetContexts()` when it has changed.
-- @classmod SciSslSocketConfiguration

local context_files = require "scissl.tls.context_files"
local fields = require "scissl.tls.configuration_fields"
local make_context = require "scissl.tls.context_maker"
local number_of = require "scissl.base.object_number"
local options = require "scissl.base.option_table"
local receiver = require "scissl.base.receiver"

local Configuration = { __name = "SciSslSocketConfiguration" }
Configuration.__index = Configuration

local field_names = {}
for name in pairs(fields) do field_names[#field_names + 1] = name end
table.sort(field_names)

-- ---- equality by value: the text that stands for a configuration

-- Every part says its length, so that no two different values have the same text.
local encode

local encoders = {
  string = function(text) return ("s%d:%s"):format(#text, text) end,
  number = function(number) return ("i%d;"):format(number) end,
  boolean = function(boolean) return boolean and "t" or "f" end,
  table = function(given)
    local parts = {}
    for key, item in pairs(given) do parts[#parts + 1] = encode(key) .. encode(item) end
    table.sort(parts)
    return ("l%d:%s"):format(#parts, table.concat(parts))
  end,
}

function encode(value)
  local encoder = encoders[type(value)]
  if encoder then return encoder(value) end
  if options.is(value, "SciSslX509Certificate") then return encode(value:toPem()) end
  return ("o%d;"):format(number_of(value))
end

local function key_of(configuration)
  if configuration.key then return configuration.key end
  local parts = {}
  for _, name in ipairs(field_names) do
    local value = configuration.values[name]
    if name == "version" and value == "TLS" then value = nil end
    if value ~= nil then parts[#parts + 1] = encode(name) .. encode(value) end
  end
  configuration.key = table.concat(parts)
  return configuration.key
end

-- ---- sharing contexts

-- A context lives as long as something uses it; the ones used last stay a little longer, so that one connection after
-- the other does not load the trust store each time.
local shared = setmetatable({}, { __mode = "v" })
local stamps = setmetatable({}, { __mode = "k" }) -- of the files, when each of the contexts was made of them
local recent, RECENT_MAX = {}, 8

local function forget(context)
  for i, known in ipairs(recent) do
    if known == context then table.remove(recent, i) break end
  end
end

local function remember(context)
  forget(context)
  table.insert(recent, 1, context)
  recent[RECENT_MAX + 1] = nil
  return context
end

-- A program may have closed the context that it was given: every method of it raises then.
local function is_open(context)
  return (pcall(context.getVerify, context))
end

--- Answers the context that all equal configurations share. It is made, and its files read, at the first call, and
-- again where a file has changed since. Changing the configuration afterwards never changes that context: the next call
-- returns another one.
-- @function SciSslSocketConfiguration:getSciSslContext
-- @treturn[1] SciSslContext
-- @treturn[2] nil
-- @treturn[2] SciSslError what SciSslContext said to the first field that it refused; a context that was made earlier
--  stays in use where it is
function Configuration:getSciSslContext()
  local key = key_of(self)
  -- Taken before the files are read: the next call sees a change that happens meanwhile.
  local stamp = context_files.stampOf(self.values)
  local known = shared[key]
  if known and stamps[known] == stamp and is_open(known) then return remember(known) end
  local context, failure = make_context(self.values)
  if not context then return nil, failure end
  if known then forget(known) end
  shared[key], stamps[context] = context, stamp
  return remember(context)
end

--- Lets every shared context go: the next `getSciSslContext()` makes a new one and reads its files anew. Connections
-- that stand keep theirs. It is needed only for what is no file, such as a `trustUri` of a provider, and for what the
-- class says about files that are written in place.
-- @function SciSslSocketConfiguration.forgetContexts
function Configuration.forgetContexts()
  recent = {}
  for key in pairs(shared) do shared[key] = nil end
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
    local value = ...
    if value ~= nil and not options.is(value, kind) then
      error(("bad argument #1 to '%s' (%s expected, got %s)"):format(name, options.expected(kind), type(value)), 2)
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
  given = given or {}
  options.check("SciSslSocketConfiguration.new", given, fields, 2)
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
