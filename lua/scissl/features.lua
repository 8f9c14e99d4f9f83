--- What the loaded OpenSSL can do, by name, where OpenSSL versions and builds differ: protocols, key exchange groups,
-- key types and optional parts. Everything else works with every OpenSSL from 3.0 on. Using what is false here returns
-- the condition `not_in_this_openssl`, or that of an unknown name.
-- @module scissl.features
-- @usage if scissl.features.X25519MLKEM768 then context:setGroups "X25519MLKEM768:X25519" end

local core = require "scissl.core"

local SciSslContext, SciSslSocket, SciSslPrivateKey = core.SciSslContext, core.SciSslSocket, core.SciSslPrivateKey

local protocols = { "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3", "DTLSv1", "DTLSv1.2" }
local groups = {
  "P-256", "P-384", "P-521", "X25519", "X448", "ffdhe2048", "ffdhe3072", "ffdhe4096",
  "MLKEM512", "MLKEM768", "MLKEM1024", "X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024",
  "brainpoolP256r1tls13", "brainpoolP384r1tls13", "brainpoolP512r1tls13", "curveSM2", "curveSM2MLKEM768",
}
local keys = { -- fast to generate
  "Ed25519", "Ed448", "SM2", "ML-DSA-44", "ML-DSA-65", "ML-DSA-87", "SLH-DSA-SHA2-128f",
}

local features = {}
for _, name in ipairs(protocols) do features[name] = SciSslContext.new(name) ~= nil end
for _, name in ipairs(groups) do features[name] = assert(SciSslContext.new()):setGroups(name) ~= nil end
for _, name in ipairs(keys) do features[name] = SciSslPrivateKey.generate(name) ~= nil end

-- Suspending a handshake for verification (`sslSuspendAt "verify"`) needs OpenSSL 3.0.2.
features.suspendAtVerify =
  assert(SciSslSocket.onMemory(assert(SciSslContext.new()))):sslInitialize():sslSuspendAt "verify" ~= nil

-- Raw public keys in place of certificates (`setServerCertificateTypes`) need OpenSSL 3.2.
features.rawPublicKeys = assert(SciSslContext.new()):setServerCertificateTypes { "rawPublicKey" } ~= nil

-- Algorithms that compress certificates (`setCertificateCompression`): OpenSSL 3.2 may be compiled with them.
for _, name in ipairs { "zlib", "brotli", "zstd" } do
  features[name] = assert(SciSslContext.new()):setCertificateCompression { name } ~= nil
end

-- Encrypted Client Hello (`setEchKeys`, `sslSetEchConfigs`) needs OpenSSL 4.0.
features.ECH = SciSslContext.newEchKey { publicName = "example.com" } ~= nil

-- `signedCertificateTimestamps` needs certificate transparency, which builds of OpenSSL may leave out.
features.certificateTransparency = core.hasCertificateTransparency

-- Whether OpenSSL can let the kernel encrypt (`SciSslSocket:ktls`). Whether it does, each connection tells.
features.kTLS = core.hasKtls

-- DTLS 1.2; OpenSSL has neither DTLS 1.3 (RFC 9147) nor connection ids (RFC 9146).
features.DTLS = features["DTLSv1.2"]
features["DTLSv1.3"], features.connectionIds = false, false

-- What scissl does not implement.
features.QUIC = false

return features
