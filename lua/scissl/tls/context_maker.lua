--- Makes a SciSslContext from the fields of a SciSslSocketConfiguration.
-- @module scissl.tls.context_maker

local core = require "scissl.core"
local is_path = require "scissl.tls.context_files".isPath
local with_profile = require "scissl.tls.profiles"

-- ---- fields that take more than one call

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

local function use_default_trust(context, wanted)
  if wanted then return context:useDefaultTrust() end
  return context
end

-- A list keeps its order. A table by name is applied in the order of the names, in which Certificate stands before
-- PrivateKey.
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

-- A field, and the method of SciSslContext, or the function, that sets it. The order matters: the security level comes
-- before what it restricts, a certificate before its key.
local steps = {
  { "securityLevel", "setSecurityLevel" },
  { "minProtocol", "setMinProtocol" },
  { "maxProtocol", "setMaxProtocol" },
  { "cipherList", "setCipherList" },
  { "ciphersuites", "setCiphersuites" },
  { "groups", "setGroups" },
  { "signatureAlgorithms", "setSignatureAlgorithms" },
  { "profileOptions", "setOptions" },
  { "options", "setOptions" },
  { "commands", load_commands },
  { "alpn", "setAlpn" },
  { "verify", "setVerify" },
  { "verifyDepth", "setVerifyDepth" },
  { "timeout", "setTimeout" },
  { "maxReplayableData", "setMaxReplayableData" },
  { "ca", "addTrusted" },
  { "defaultTrust", use_default_trust },
  { "ocsp", "setOcspPolicy" },
  { "ocspResponse", "setOcspResponse" },
  { "pskClient", set_psk_client },
  { "pskServer", "setPskServer" },
  { "pskHint", "setPskHint" },
  { "keylogFile", "setKeylogFile" },
  { "pkcs12", load_pkcs12 },
  { "trustUri", "addTrustedUri" },
  { "crl", "addCrl" },
  { "crlFile", "loadCrlFile" },
  { "verifyFlags", "setVerifyFlags" },
  { "purpose", "setPurpose" },
  { "verifyTime", "setVerifyTime" },
  { "acceptedIssuers", "setAcceptedIssuers" },
  { "pins", "setPins" },
  { "echKeys", "setEchKeys" },
  { "certificateCompression", "setCertificateCompression" },
  { "serverCertificateTypes", "setServerCertificateTypes" },
  { "clientCertificateTypes", "setClientCertificateTypes" },
  { "certificates", load_identities },
  { "certificateFilename", "useCertificateFile" },
  { "certificateChainFilename", "useCertificateChainFile" },
  { "certificate", load_certificate },
}

local function apply(context, setter, value, passphrase)
  if type(setter) == "function" then return setter(context, value, passphrase) end
  return context[setter](context, value)
end

-- ---- steps that look at several fields

local function load_trusted_files(context, values)
  if not (values.caFile or values.caPath) then return context end
  return context:loadVerifyLocations(values.caFile, values.caPath)
end

-- OpenSSL reads CRLs only where this flag is set.
local function check_revocation(context, values)
  if not (values.crl or values.crlFile) then return context end
  return context:setVerifyFlags "crl_check"
end

-- The client CA list of a server that verifies: the CAs of `caFile` and `ca`. The system's CAs are left out: they are
-- too many to send, and clients rarely have a certificate from them.
local function send_client_ca_list(context, values)
  local verifies = (values.verify or core.SSL_VERIFY_NONE) & core.SSL_VERIFY_PEER ~= 0
  if not verifies or values.acceptedIssuers ~= nil or values.defaultTrust then return context end
  if not (values.caFile or values.ca) then return context end
  return context:acceptTrustedIssuers()
end

-- Without a field that names the key, it is expected in the file or text of the certificate.
local function load_own_key(context, values)
  local certificate = values.certificate
  local key = values.privateKey or values.privateKeyFilename or values.certificateChainFilename
    or values.certificateFilename or type(certificate) == "string" and certificate
  if not key then return context end
  return load_key(context, key, values.passphrase)
end

-- Once, for all connections. Clients compress in each handshake.
local function compress_own_certificates(context, values)
  local names = values.certificateCompression
  if not (names and names[1] and context:hasCertificate()) then return context end
  return context:compressCertificates()
end

local last_steps = {
  load_trusted_files, check_revocation, send_client_ca_list, load_own_key, compress_own_certificates,
}

--- Makes a context.
-- @function scissl.tls.context_maker
-- @tparam table values checked fields of a SciSslSocketConfiguration
-- @treturn[1] SciSslContext
-- @treturn[2] nil
-- @treturn[2] SciSslError what SciSslContext returned for the first field that it rejected
return function(values)
  if values.profile then values = with_profile(values) end
  local context, failure = core.SciSslContext.new(values.version, values.library)
  if not context then return nil, failure end
  for _, step in ipairs(steps) do
    local value, done = values[step[1]], context
    if value ~= nil then done, failure = apply(context, step[2], value, values.passphrase) end
    if not done then return nil, failure end
  end
  for _, step in ipairs(last_steps) do
    local done
    done, failure = step(context, values)
    if not done then return nil, failure end
  end
  return context
end
