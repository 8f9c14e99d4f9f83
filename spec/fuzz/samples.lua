--- spec/fuzz/samples.lua: good examples of everything that scissl reads or makes; made once a process.
--
--    samples.text.NAME, samples.der.NAME   PEM texts and DER bytes: certificate, key, encryptedKey, crl, request,
--                                          session, chain, pkcs12 (passphrase "secret"), ocsp, dh
--    samples.file.NAME                     paths of files with the same
--    samples.hello(version)                the records of a ClientHello

local core = require "scissl.core"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

local samples = { text = {}, der = {}, file = {} }
local text, der = samples.text, samples.der

local certificate = pki.issue { subject = "CN=localhost,O=b+OU=c", names = { "localhost", "127.0.0.1", "::1",
  "mailto:a@b", "*.example.com" }, ocspUris = { "http://127.0.0.1:1/" }, crlUris = { "http://127.0.0.1:1/" },
  caIssuerUris = { "http://127.0.0.1:1/" }, policies = { "1.2.3" }, usage = { "digitalSignature" },
  extendedUsage = { "serverAuth", "clientAuth" },
  extensions = { { oid = "1.2.3.4", data = "\48\3\2\1\1" } } }.certificate
local key = pki.server.key

text.certificate, der.certificate = certificate:toPem(), certificate:toDer()
text.own, der.own = pki.server.certificatePem, pki.server.certificate:toDer()
text.chain = pki.server.certificatePem .. pki.ca.certificatePem
text.key, der.key = key:toPem(), key:toDer()
text.encryptedKey = key:toPem "secret"

local crl = assert(core.SciSslX509Crl.issue { issuer = pki.ca.certificate, issuerKey = pki.ca.key, number = 7,
  revoked = { { serial = "1", reason = "keyCompromise" }, { serial = "2" } } })
text.crl, der.crl = crl:toPem(), crl:toDer()

local request = assert(core.SciSslX509Request.new { subject = "CN=x,O=y", names = { "x.example" }, key = key })
text.request, der.request = request:toPem(), request:toDer()

der.pkcs12 = assert(core.SciSslPkcs12.make { key = key, certificate = pki.server.certificate,
  chain = { pki.ca.certificate }, passphrase = "secret", iterations = 1 })
der.ocsp = assert(core.SciSslOcsp.response { certificate = pki.server.certificate, issuer = pki.ca.certificate,
  key = pki.ca.key })
der.ocspRequest = assert(core.SciSslOcsp.request(pki.server.certificate, pki.ca.certificate))

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  local client, server = ends.connected { transport = "memory", version = version }
  ends.read(client, server)
  local session = assert(client:getSession())
  local name = version == "TLSv1.2" and "session12" or "session13"
  text[name], der[name] = session:toPem(), session:toDer()
  client:close()
  server:close()
end

for name, pem in pairs(text) do samples.file[name .. "Pem"] = pki.write(pem) end
for name, bytes in pairs(der) do samples.file[name .. "Der"] = pki.write(bytes) end
samples.file.empty = pki.write ""
samples.file.folder = pki.folder()
samples.file.missing = pki.folder() .. "/missing"

function samples.hello(version)
  local client = ends.pair { transport = "memory", version = version }
  client:sslConnect()
  return client:sslDrain()
end

-- The elements of a table of samples, in an order that does not change.
function samples.list(of)
  local names, list = {}, {}
  for name in pairs(of) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do list[i] = of[name] end
  return list, names
end

return samples
