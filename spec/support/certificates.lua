--- spec/support/certificates.lua: certificates to look at.
--
--    local certificates = require "spec.support.certificates"
--
--    certificates.key, .caKey                      keys of certificates and of authorities
--    certificates.ca                               an authority, whose key is caKey
--    certificates.leaf, .names                     a certificate of `ca` for `key`, and its names
--    certificate = certificates.issue{ … }         of SciSslX509Certificate.issue, self-signed, for `key`
--    certificate = certificates.signed{ … }        the same, signed by `caKey`
--    certificate = certificates.byOpenssl(text)    self-signed, made by the openssl command, with these lines in its
--                                                  section of extensions
--    certificate = certificates.changed(certificate, from, to)
--                                                  with some bytes of its DER replaced by as many others

local scissl = require "scissl"
local judge = require "spec.support.judge"

local SciSslPrivateKey = scissl.SciSslPrivateKey
local SciSslX509Certificate = scissl.SciSslX509Certificate

local certificates = {}

local key = assert(SciSslPrivateKey.generate("EC"))
local ca_key = assert(SciSslPrivateKey.generate("EC"))

local function issue(options)
  options.key = options.key or key
  return assert(SciSslX509Certificate.issue(options))
end

local function signed(options)
  options.issuer, options.issuerKey = options.issuer or issue { subject = "CN=unused", key = ca_key }, ca_key
  return issue(options)
end

local ca = issue { subject = "CN=test CA", ca = true, key = ca_key }
local names = { "localhost", "*.example.com", "127.0.0.1", "::1", "me@example.com", "https://example.com/x" }
local leaf = signed { subject = "CN=localhost,O=Test", names = names, issuer = ca }

local function made_by_openssl(extensions)
  local config, made = judge.path(), judge.path()
  local file <close> = assert(io.open(config, "wb"))
  file:write("[req]\ndistinguished_name=dn\nx509_extensions=ext\nutf8=yes\n[dn]\n[ext]\n", extensions)
  file:close()
  local output, success = judge.openssl("req -x509 -utf8 -key %s -config %s -subj /CN=made -days 2 -out %s",
    judge.file(key:toPem()), config, made)
  assert(success, output)
  return assert(SciSslX509Certificate.fromPem(judge.read(made)))
end

local function changed(certificate, from, to)
  assert(#from == #to)
  local der = certificate:toDer()
  local first, last = der:find(from, 1, true)
  assert(first, "the bytes to change are not there")
  return assert(SciSslX509Certificate.fromDer(der:sub(1, first - 1) .. to .. der:sub(last + 1)))
end

certificates.key, certificates.caKey, certificates.ca = key, ca_key, ca
certificates.leaf, certificates.names = leaf, names
certificates.issue, certificates.signed = issue, signed
certificates.byOpenssl, certificates.changed = made_by_openssl, changed

return certificates
