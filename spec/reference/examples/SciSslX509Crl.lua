--- SciSslX509Crl.issue
local crl = assert(scissl.SciSslX509Crl.issue {
  issuer = ca, issuerKey = caKey, number = 8, nextUpdate = os.time() + 7 * 86400,
  revoked = { { certificate = clientCertificate, reason = "keyCompromise" } },
})

--- SciSslX509Crl.fromPem, SciSslX509Crl:toPem
print(scissl.SciSslX509Crl.fromPem(crl:toPem()):number()) --> 07

--- SciSslX509Crl.fromDer, SciSslX509Crl:toDer
print(scissl.SciSslX509Crl.fromDer(crl:toDer()):number()) --> 07

--- SciSslX509Crl:issuer, SciSslX509Crl:number, SciSslX509Crl:signatureAlgorithm
print(crl:issuer(), crl:number(), crl:signatureAlgorithm()) --> CN=scissl test authority 07 ecdsa-with-SHA256

--- SciSslX509Crl:lastUpdate, SciSslX509Crl:nextUpdate
print(crl:nextUpdate() - crl:lastUpdate()) --> 604800

--- SciSslX509Crl:revoked
for _, entry in ipairs(crl:revoked()) do print(entry.serial, os.date("%F", entry.time), entry.reason) end
--> … keyCompromise

--- SciSslX509Crl:isRevoked
print(crl:isRevoked(clientCertificate).reason, crl:isRevoked(certificate)) --> keyCompromise nil

--- SciSslX509Crl:verify
print(crl:verify(ca)) --> true
