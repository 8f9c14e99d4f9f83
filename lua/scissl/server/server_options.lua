--- The options of a TLS server: own certificate and key, client verification, contexts by server name.
-- @module scissl.server.server_options

local core = require "scissl.core"
local context_options = require "scissl.tls.context_options"
local sni = require "scissl.server.sni_map"
local sni_contexts = require "scissl.server.sni_contexts"
local with_profile = require "scissl.server.server_profile"

local server = {}

local fields_of_options = context_options.fieldsOf { psk = "pskServer" }

local verify_flags = {
  none = core.SSL_VERIFY_NONE,
  optional = core.SSL_VERIFY_PEER,
  require = core.SSL_VERIFY_PEER | core.SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
}

-- A CA without `verify` means that client certificates are required. `verify` without a CA is an error.
local function check_verify(caller, verify, names_ca, level)
  if verify == nil then return names_ca and verify_flags.require or verify_flags.none end
  local flags = type(verify) == "string" and verify_flags[verify] or verify
  if type(flags) == "string" then
    error(("bad option 'verify' to '%s' ('none', 'optional', 'require' or flags expected, got '%s')")
      :format(caller, verify), level + 1)
  end
  if flags ~= verify_flags.none and not names_ca then
    error(("option 'verify' to '%s' needs the CA of the clients: caFile, caPath or ca; or pins")
      :format(caller), level + 1)
  end
  return flags
end

-- A server that presents raw public keys needs no certificate.
local function has_raw_key(configuration)
  for _, name in ipairs(configuration:serverCertificateTypes() or {}) do
    if name == "rawPublicKey" then return configuration:privateKey() or configuration:privateKeyFilename() end
  end
  return nil
end

local function has_identity(configuration, given)
  return configuration:certificate() or configuration:certificateFilename() or configuration:pkcs12()
    or configuration:pskServer() or given.sni or given.onCertificate
    or given.onClientHello or configuration:certificateChainFilename() or configuration:cipherList()
    or configuration:certificates() or configuration:commands() or has_raw_key(configuration)
end

--- Makes the context that checked options describe.
-- @tparam string caller the call, for errors
-- @tparam table given its options
-- @tparam integer level the stack level that an error points at, as for `error` in the caller
-- @treturn[1] SciSslContext
-- @treturn[2] nil
-- @treturn[2] SciSslError phase `load`
-- @raise for options that exclude each other, a missing certificate, and `verify` without a CA
function server.context(caller, given, level)
  level = level + 1
  if given.ocsp then
    error(("option 'ocsp' to '%s' is for clients; a server has 'ocspResponse'"):format(caller), level)
  end
  local configuration = context_options.read(caller, given, level, fields_of_options)
  if not configuration then
    if given.verify ~= nil then
      error(("options 'context' and 'verify' to '%s' exclude each other"):format(caller), level)
    end
    return given.context
  end
  local names_ca = configuration:caFile() or configuration:caPath() or configuration:ca()
    or configuration:trustUri() or configuration:defaultTrust() or configuration:pins()
  if given.verify ~= nil or not configuration:verify() then
    configuration:verify(check_verify(caller, given.verify, names_ca, level))
  end
  if not has_identity(configuration, given) then
    error(("option 'certificate' to '%s' is missing"):format(caller), level)
  end
  return with_profile(configuration):getSciSslContext()
end

--- Returns the handler that chooses contexts by server name. Where the server's own context has a certificate, it
-- serves all other names.
-- @raise where the options `sni` and `onClientHello` are both given
function server.helloHandler(caller, given, context, level)
  if not given.sni then return given.onClientHello end
  if given.onClientHello then
    error(("options 'sni' and 'onClientHello' to '%s' exclude each other"):format(caller), level + 1)
  end
  if getmetatable(given.sni) == sni then return given.sni end
  sni_contexts.checkAll(given.sni, level + 1)
  return sni.new(given.sni, { others = context:hasCertificate() })
end

return server
