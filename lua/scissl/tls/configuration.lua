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

local core = require "scissl.core"
local options = require "scissl.base.option_table"
local receiver = require "scissl.base.receiver"

local internal = getmetatable(core)

local Configuration = { __name = "SciSslSocketConfiguration" }
Configuration.__index = Configuration

local fields = {
  version = "string",
  minProtocol = "string",
  maxProtocol = "string",
  cipherList = "string",
  ciphersuites = "string",
  groups = "string",
  signatureAlgorithms = "string",
  securityLevel = "level",
  options = "integer|string|strings",
  commands = "commands",
  alpn = "strings",
  caFile = "string",
  caPath = "string",
  ca = "string|SciSslX509Certificate",
  defaultTrust = "boolean",
  trustUri = "string",
  crl = "string",
  crlFile = "string",
  verifyFlags = "integer|string|strings",
  purpose = "string",
  verifyTime = "integer",
  acceptedIssuers = "string|issuers",
  verify = "integer",
  verifyDepth = "depth",
  certificate = "string|SciSslX509Certificate",
  certificateChainFilename = "string",
  certificateFilename = "string",
  certificates = "identities",
  privateKey = "string|SciSslPrivateKey",
  privateKeyFilename = "string",
  passphrase = "string|function",
  pkcs12 = "string",
  ocsp = "ocspPolicy",
  ocspResponse = "string",
  pskClient = "psk|function",
  pskServer = "psks|function",
  pskHint = "string",
  keylogFile = "string|boolean",
  timeout = "count",
  maxReplayableData = "count",
}

local field_names = {}
for name in pairs(fields) do field_names[#field_names + 1] = name end
table.sort(field_names)

-- ---- equality by value: the text that stands for a configuration

-- Values without a text of their own, such as functions and keys, are told apart by a number, which is never used
-- again, as an address is.
local numbers, last_number = setmetatable({}, { __mode = "k" }), 0

--- Answers the number of an object.
-- @function SciSslSocketConfiguration.numberOf
-- @param object anything but nil
-- @treturn integer
function Configuration.numberOf(object)
  if not numbers[object] then
    last_number = last_number + 1
    numbers[object] = last_number
  end
  return numbers[object]
end

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
  return ("o%d;"):format(Configuration.numberOf(value))
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

-- ---- making a context

-- The first two bytes of a DER sequence of more than 127 bytes are none that a path begins with.
local function is_der(text)
  return text:find("^0[\x81-\x84]") ~= nil
end

-- Whether a text is a path, where it may be a PEM text or DER bytes as well.
local function is_path(text)
  return type(text) == "string" and not text:find("-----BEGIN", 1, true) and not text:find "[\0\n]"
    and not is_der(text)
end

local function load_certificate(context, certificate)
  if is_path(certificate) then return context:useCertificateChainFile(certificate) end
  return context:useCertificate(certificate)
end

local function load_key(context, key, passphrase)
  if is_path(key) then return context:usePrivateKeyFile(key, passphrase) end
  return context:usePrivateKey(key, passphrase)
end

local function load_pkcs12(context, pkcs12, passphrase)
  if is_path(pkcs12) then return context:usePkcs12File(pkcs12, passphrase) end
  return context:usePkcs12(pkcs12, passphrase)
end

local function set_psk_client(context, psk)
  if type(psk) == "table" then return context:setPskClient(psk.identity, psk.key) end
  return context:setPskClient(psk)
end

-- In their order; values by name in that of the names, where a certificate comes before its key.
local function load_commands(context, given)
  local commands, names = table.move(given, 1, #given, 1, {}), {}
  for name in pairs(given) do
    if type(name) == "string" then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do commands[#commands + 1] = { name, given[name] } end
  return context:setCommands(commands)
end

local function load_identities(context, identities)
  for _, identity in ipairs(identities) do
    local done, failure = load_certificate(context, identity.certificate)
    if done then
      done, failure = load_key(context, identity.privateKey or identity.certificate, identity.passphrase)
    end
    if not done then return nil, failure end
  end
  return context
end

-- Where the private key is, when nothing says so: in the file or text of the certificate.
local function key_beside_certificate(values)
  local certificate = values.certificate
  return values.certificateChainFilename or values.certificateFilename
    or type(certificate) == "string" and certificate or nil
end

-- In this order: a level before what it judges, a certificate before its key.
local steps = {
  { "securityLevel", function(context, level) return context:setSecurityLevel(level) end },
  { "minProtocol", function(context, name) return context:setMinProtocol(name) end },
  { "maxProtocol", function(context, name) return context:setMaxProtocol(name) end },
  { "cipherList", function(context, text) return context:setCipherList(text) end },
  { "ciphersuites", function(context, text) return context:setCiphersuites(text) end },
  { "groups", function(context, text) return context:setGroups(text) end },
  { "signatureAlgorithms", function(context, text) return context:setSignatureAlgorithms(text) end },
  { "options", function(context, wanted) return context:setOptions(wanted) end },
  { "commands", load_commands },
  { "alpn", function(context, names) return context:setAlpn(names) end },
  { "verify", function(context, flags) return context:setVerify(flags) end },
  { "verifyDepth", function(context, depth) return context:setVerifyDepth(depth) end },
  { "timeout", function(context, seconds) return context:setTimeout(seconds) end },
  { "maxReplayableData", function(context, bytes) return context:setMaxReplayableData(bytes) end },
  { "ca", function(context, certificates) return context:addTrusted(certificates) end },
  { "defaultTrust", function(context, wanted)
    if wanted then return context:useDefaultTrust() end
    return context
  end },
  { "ocsp", function(context, policy) return context:setOcspPolicy(policy) end },
  { "ocspResponse", function(context, der) return context:setOcspResponse(der) end },
  { "pskClient", set_psk_client },
  { "pskServer", function(context, keys) return context:setPskServer(keys) end },
  { "pskHint", function(context, hint) return context:setPskHint(hint) end },
  { "keylogFile", function(context, path) return context:setKeylogFile(path) end },
  { "pkcs12", load_pkcs12 },
  { "trustUri", function(context, uri) return context:addTrustedUri(uri) end },
  { "crl", function(context, crl) return context:addCrl(crl) end },
  { "crlFile", function(context, path) return context:loadCrlFile(path) end },
  { "verifyFlags", function(context, flags) return context:setVerifyFlags(flags) end },
  { "purpose", function(context, name) return context:setPurpose(name) end },
  { "verifyTime", function(context, seconds) return context:setVerifyTime(seconds) end },
  { "acceptedIssuers", function(context, issuers) return context:setAcceptedIssuers(issuers) end },
  { "certificates", load_identities },
  { "certificateFilename", function(context, path) return context:useCertificateFile(path) end },
  { "certificateChainFilename", function(context, path) return context:useCertificateChainFile(path) end },
  { "certificate", load_certificate },
}

-- The system's roots are too many to name, and no client of one's own has its certificate from them.
local function names_issuers(values)
  local verifies = (values.verify or core.SSL_VERIFY_NONE) & core.SSL_VERIFY_PEER ~= 0
  return verifies and values.acceptedIssuers == nil and (values.caFile or values.ca) and not values.defaultTrust
end

local function make_context(values)
  local context, failure = core.SciSslContext.new(values.version)
  if not context then return nil, failure end
  for _, step in ipairs(steps) do
    local value = values[step[1]]
    if value ~= nil then
      local done
      done, failure = step[2](context, value, values.passphrase)
      if not done then return nil, failure end
    end
  end
  if values.caFile or values.caPath then
    local done
    done, failure = context:loadVerifyLocations(values.caFile, values.caPath)
    if not done then return nil, failure end
  end
  -- Lists that nobody looks at would be a false comfort.
  if values.crl or values.crlFile then assert(context:setVerifyFlags("crl_check")) end
  if names_issuers(values) then
    local done
    done, failure = context:acceptTrustedIssuers()
    if not done then return nil, failure end
  end
  local key = values.privateKey or values.privateKeyFilename or key_beside_certificate(values)
  if key then
    local done
    done, failure = load_key(context, key, values.passphrase)
    if not done then return nil, failure end
  end
  return context
end

-- ---- the files that a context is made of

-- Fields that may hold a path. The file of `keylogFile` is written, and not read.
local path_fields = {
  "caFile", "caPath", "certificate", "certificateChainFilename", "certificateFilename", "crlFile", "pkcs12",
  "privateKey", "privateKeyFilename",
}

local function add_path(paths, path)
  if is_path(path) then paths[#paths + 1] = path end
end

-- As OpenSSL reads it: a path, or a file: URI.
local function add_uri(paths, uri)
  add_path(paths, uri)
  local path = uri:match "^[Ff][Ii][Ll][Ee]:(.*)$"
  if path then add_path(paths, path:match "^//[^/]*(/.*)$" or path) end
end

local function add_default_trust(paths)
  local file, directories = internal.defaultTrust()
  add_path(paths, file)
  for directory in directories:gmatch "[^:]+" do add_path(paths, directory) end
end

local function paths_of(values)
  local paths = {}
  for _, name in ipairs(path_fields) do add_path(paths, values[name]) end
  for _, identity in ipairs(values.certificates or {}) do
    add_path(paths, identity.certificate)
    add_path(paths, identity.privateKey)
  end
  -- Some commands take paths. The value of another one is the name of no file, and a look at it finds nothing.
  for _, command in pairs(values.commands or {}) do
    add_path(paths, type(command) == "table" and command[2] or command)
  end
  if values.trustUri then add_uri(paths, values.trustUri) end
  if values.defaultTrust then add_default_trust(paths) end
  return paths
end

local function stamp_of(values)
  local paths = paths_of(values)
  return paths[1] and internal.stampFiles(paths) or ""
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
  local stamp = stamp_of(self.values) -- before the files are read: what changes meanwhile is seen at the next call
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

-- ---- for scissl.connect and scissl.listen, whose options hold these fields among their own

-- Fields with another name or meaning among their options.
local other_among_options = { timeout = true, verify = true, pskClient = true, pskServer = true }

--- Answers the kinds of options (see `base.option_table`) of a call that makes connections: its own, `context` or
-- `configuration`, and the fields above; `sessionTimeout` is the field `timeout`.
-- @function SciSslSocketConfiguration.optionKinds
-- @tparam table own kinds of the call's own options
-- @treturn table
function Configuration.optionKinds(own)
  local known = { context = "SciSslContext", configuration = "SciSslSocketConfiguration", sessionTimeout = "count" }
  for name, kind in pairs(fields) do
    if not other_among_options[name] then known[name] = kind end
  end
  for name, kind in pairs(own) do known[name] = kind end
  return known
end

local function refuse_both(caller, whole, name, level)
  error(("options '%s' and '%s' to '%s' exclude each other"):format(whole, name, caller), level + 1)
end

--- Makes the configuration that a call's options name; nil where they bring a `context`.
-- @function SciSslSocketConfiguration.ofOptions
-- @tparam string caller the call, for errors
-- @tparam table given its options, checked
-- @tparam integer level whom an error points at, as for `error` in the caller
-- @tparam[opt] table other fields that options of another name stand for, by these names
-- @treturn ?SciSslSocketConfiguration the caller's to change
-- @raise where the options bring a whole `context` or `configuration`, and single fields beside it
function Configuration.ofOptions(caller, given, level, other)
  local configuration = Configuration.new(given.configuration and given.configuration.values)
  local whole = given.context and "context" or given.configuration and "configuration"
  if given.context and given.configuration then refuse_both(caller, "context", "configuration", level + 1) end
  local function take(option, name)
    local value = given[option]
    if value == nil or value == false then return end
    if whole then refuse_both(caller, whole, option, level + 2) end
    set(configuration, name, value)
  end
  take("sessionTimeout", "timeout")
  for option, name in pairs(other or {}) do take(option, name) end
  for name in pairs(fields) do
    if not other_among_options[name] then take(name, name) end
  end
  return not given.context and configuration or nil
end

-- ---- for people

local secret = {
  privateKey = true, passphrase = true, pskClient = true, pskServer = true, certificates = true, commands = true,
}

local shown

function shown(name, value)
  if secret[name] then return "(set)" end
  if (name == "pkcs12" or name == "ocspResponse") and is_der(value) then return "(DER)" end
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

return receiver.guard(Configuration, {
  new = true, numberOf = true, forgetContexts = true, optionKinds = true, ofOptions = true,
})
