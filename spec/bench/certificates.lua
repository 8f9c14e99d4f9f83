-- Makes certificates for all peers: lua5.4 certificates.lua FOLDER writes ca.pem, server.pem, server.key (EC P-256).
local scissl = require "scissl"
local SciSslPrivateKey, SciSslX509Certificate = scissl.SciSslPrivateKey, scissl.SciSslX509Certificate

local function write(name, text)
  local file <close> = assert(io.open(arg[1] .. "/" .. name, "w"))
  assert(file:write(text))
end

local authorityKey, key = assert(SciSslPrivateKey.generate "EC"), assert(SciSslPrivateKey.generate "EC")
local authority = assert(SciSslX509Certificate.issue { subject = "CN=bench authority", key = authorityKey, ca = true })
local server = assert(SciSslX509Certificate.issue {
  subject = "CN=localhost",
  names = { "localhost", "127.0.0.1" },
  key = key,
  issuer = authority,
  issuerKey = authorityKey,
})
write("ca.pem", authority:toPem())
write("server.pem", server:toPem())
write("server.key", key:toPem())
