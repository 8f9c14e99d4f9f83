--- SciSslX509Certificate.issue
local caKey = assert(scissl.SciSslPrivateKey.generate "EC")
local ca = assert(scissl.SciSslX509Certificate.issue { subject = "CN=Our authority", key = caKey, ca = true })
local key = assert(scissl.SciSslPrivateKey.generate "EC")
local certificate = assert(scissl.SciSslX509Certificate.issue {
  subject = "CN=www.example.org", names = { "www.example.org", "192.0.2.1" }, key = key,
  issuer = ca, issuerKey = caKey, days = 90,
})
print(certificate:issuer()) --> CN=Our authority

--- SciSslX509Certificate.fromPem, SciSslX509Certificate:toPem
print(assert(scissl.SciSslX509Certificate.fromPem(certificate:toPem())) == certificate) --> true

--- SciSslX509Certificate.fromPemFile
print(assert(scissl.SciSslX509Certificate.fromPemFile "server.pem"):subject()) --> CN=localhost

--- SciSslX509Certificate.fromDer, SciSslX509Certificate:toDer
print(assert(scissl.SciSslX509Certificate.fromDer(certificate:toDer())) == certificate) --> true

--- SciSslX509Certificate.chainFromPem, SciSslX509Certificate.chainToPem
local text = assert(scissl.SciSslX509Certificate.chainToPem { certificate, ca })
print(#assert(scissl.SciSslX509Certificate.chainFromPem(text))) --> 2

--- SciSslX509Certificate:commonName
print(certificate:commonName()) --> localhost

--- SciSslX509Certificate:subject, SciSslX509Certificate:issuer
print(certificate:subject(), certificate:issuer()) --> CN=localhost CN=scissl test authority

--- SciSslX509Certificate:subjectFields, SciSslX509Certificate:issuerFields
for _, field in ipairs(certificate:subjectFields()) do print(field.name, field.value) end --> CN localhost
print(certificate:issuerFields()[1].oid) --> 2.5.4.3

--- SciSslX509Certificate:subjectAltNames
for _, name in ipairs(assert(certificate:subjectAltNames())) do print(name.type, name.value) end
--> DNS localhost
--> IP 127.0.0.1

--- SciSslX509Certificate:serial, SciSslX509Certificate:version
print(certificate:serial():find "^%x+$" ~= nil, certificate:version()) --> true 3

--- SciSslX509Certificate:notBefore, SciSslX509Certificate:notAfter
local now = os.time()
print(certificate:notBefore() <= now and now <= certificate:notAfter()) --> true

--- SciSslX509Certificate:fingerprint
print(#certificate:fingerprint(), #certificate:fingerprint "SHA1") --> 64 40

--- SciSslX509Certificate:keyType, SciSslX509Certificate:keyBits, SciSslX509Certificate:keyGroup
print(certificate:keyType(), certificate:keyBits(), certificate:keyGroup()) --> EC 256 prime256v1

--- SciSslX509Certificate:publicPem, SciSslX509Certificate:publicDer
print(certificate:publicPem()) --> -----BEGIN PUBLIC KEY-----…
print(#certificate:publicDer()) --> 91

--- SciSslX509Certificate:signatureAlgorithm, SciSslX509Certificate:signatureDigest
print(certificate:signatureAlgorithm(), certificate:signatureDigest()) --> ecdsa-with-SHA256 SHA256

--- SciSslX509Certificate:matchesHost, SciSslX509Certificate:matchesIp, SciSslX509Certificate:matchesEmail
print(certificate:matchesHost "localhost", certificate:matchesIp "127.0.0.1") --> true true
print(certificate:matchesEmail "root@localhost") --> false

--- SciSslX509Certificate:matchesKey
print(certificate:matchesKey(key), certificate:matchesKey(caKey)) --> true false

--- SciSslX509Certificate:isSelfSigned, SciSslX509Certificate:isCa, SciSslX509Certificate:pathLength
print(ca:isSelfSigned(), ca:isCa(), ca:pathLength()) --> true true nil

--- SciSslX509Certificate:verify
local good, chain = certificate:verify({ ca }, { purpose = "sslserver" })
print(good, #chain) --> true 2
local bad, err = certificate:verify { clientCertificate }
print(bad, err:condition()) --> nil certificate_unknown_issuer

--- SciSslX509Certificate:keyUsage, SciSslX509Certificate:extendedKeyUsage
print(table.concat(ca:keyUsage(), " ")) --> …keyCertSign…
print(ca:extendedKeyUsage()) --> nil

--- SciSslX509Certificate:subjectKeyId, SciSslX509Certificate:authorityKeyId
print(certificate:authorityKeyId() == ca:subjectKeyId()) --> true

--- SciSslX509Certificate:authorityInfoAccess, SciSslX509Certificate:crlDistributionPoints, SciSslX509Certificate:policies
print(#certificate:authorityInfoAccess().ocsp, #certificate:crlDistributionPoints(), #certificate:policies()) --> 0 0 0

--- SciSslX509Certificate:signedCertificateTimestamps
if scissl.features.certificateTransparency then print(#certificate:signedCertificateTimestamps()) end

--- SciSslX509Certificate:extensions, SciSslX509Certificate:extension
for _, extension in ipairs(certificate:extensions()) do print(extension.oid, extension.name, extension.critical) end
print(ca:extension "basicConstraints" ~= nil)

--- SciSslX509Certificate:tlsa
print(#certificate:tlsa("SPKI", "SHA2-256")) --> 32 -- for a TLSA record 3 1 1

--- SciSslX509Certificate:spkiPin
print(certificate:spkiPin()) --> sha256//…

--- SciSslX509Certificate:close
local certificate <close> = assert(scissl.SciSslX509Certificate.fromPemFile "server.pem")
