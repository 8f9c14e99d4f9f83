--- SciSslContext.new
local any = assert(scissl.SciSslContext.new()) -- TLS 1.2 and later
local modern = assert(scissl.SciSslContext.new "TLSv1.3")
print(scissl.SciSslContext.new "SSLv3") --> nil …

--- SciSslContext:setVerify, SciSslContext:getVerify
assert(context:setVerify(scissl.SSL_VERIFY_PEER | scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT))
print(context:getVerify() & scissl.SSL_VERIFY_PEER ~= 0) --> true
print(context:setVerify(scissl.SSL_VERIFY_CLIENT_ONCE)) --> nil …

--- SciSslContext:setVerifyDepth, SciSslContext:getVerifyDepth
print(context:setVerifyDepth(3):getVerifyDepth()) --> 3

--- SciSslContext:setMaxCertList, SciSslContext:getMaxCertList
print(context:setMaxCertList(20000):getMaxCertList()) --> 20000

--- SciSslContext:setOptions, SciSslContext:clearOptions, SciSslContext:getOptions
assert(context:setOptions { "no_ticket", "cipher_server_preference" })
assert(context:clearOptions(scissl.SSL_OP_NO_TICKET))
print(context:getOptions() & scissl.SSL_OP_NO_TICKET) --> 0

--- SciSslContext:setRenegotiation
context:setRenegotiation(true) -- for a TLS 1.2 peer that needs to renegotiate

--- SciSslContext:setTimeout, SciSslContext:getTimeout
print(context:setTimeout(3600):getTimeout()) --> 3600

--- SciSslContext:setSessionIdContext
context:setSessionIdContext "shop" -- sessions of other contexts are not resumed here

--- SciSslContext:setMinProtocol, SciSslContext:setMaxProtocol
assert(context:setMinProtocol "TLSv1.3")
local done, err = context:setMaxProtocol "TLSv1.2"
print(done, err:condition()) --> nil protocol_version

--- SciSslContext:setCipherList
assert(context:setCipherList "ECDHE+AESGCM:ECDHE+CHACHA20")
local done, err = context:setCipherList "no such cipher"
print(err:condition()) --> unknown_cipher

--- SciSslContext:setCiphersuites
assert(context:setCiphersuites "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256")

--- SciSslContext:setGroups
assert(context:setGroups(scissl.features.X25519MLKEM768 and "X25519MLKEM768:X25519" or "X25519:P-256"))

--- SciSslContext:setSignatureAlgorithms
assert(context:setSignatureAlgorithms "ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256")

--- SciSslContext:setCertificateCompression, SciSslContext:compressCertificates
if scissl.features.zlib then
  assert(context:useCertificate(certificate):usePrivateKey(key))
  assert(context:setCertificateCompression { "zlib" })
  assert(assert(context:useCertificate(certificate)):usePrivateKey(key))
  assert(context:compressCertificates()) -- a server, when its certificates are complete
end
context:setCertificateCompression {} -- none is compressed

--- SciSslContext.newEchKey, SciSslContext.echConfigs, SciSslContext:setEchKeys
if scissl.features.ECH then
  local key, configs = assert(scissl.SciSslContext.newEchKey { publicName = "public.example.org" })
  assert(context:setEchKeys { key }) -- the earlier keys follow it while clients have them
  assert(scissl.SciSslContext.echConfigs(key) == configs)
end

--- SciSslContext:setPins
assert(context:setPins { certificate:spkiPin() }) -- a peer with this key, and no other
print(context:setPins { "nonsense" }) --> nil …

--- SciSslContext:setServerCertificateTypes, SciSslContext:setClientCertificateTypes
if scissl.features.rawPublicKeys then
  assert(context:setServerCertificateTypes { "rawPublicKey", "x509" })
  assert(context:setClientCertificateTypes { "rawPublicKey", "x509" })
end

--- SciSslContext:setAlpn
assert(context:setAlpn { "h2", "http/1.1" }) -- most preferred first

--- SciSslContext:setSecurityLevel, SciSslContext:getSecurityLevel
print(context:setSecurityLevel(2):getSecurityLevel()) --> 2

--- SciSslContext:useCertificateFile, SciSslContext:usePrivateKeyFile, SciSslContext:checkPrivateKey
assert(context:useCertificateFile "server.pem")
assert(context:usePrivateKeyFile "server.key")
assert(context:checkPrivateKey())

--- SciSslContext:useCertificateChainFile
assert(context:useCertificateChainFile "server.pem") -- the server's own first, then its issuers

--- SciSslContext:useCertificate, SciSslContext:usePrivateKey
assert(context:useCertificate(certificate)) -- or PEM text
assert(context:usePrivateKey(key))

--- SciSslContext:useCertificateChain
assert(context:useCertificateChain { certificate, ca })

--- SciSslContext:addChainCertificate
assert(context:useCertificate(certificate))
assert(context:addChainCertificate(ca))

--- SciSslContext:hasCertificate
print(context:hasCertificate()) --> false
assert(context:useCertificate(certificate))
print(context:hasCertificate()) --> true

--- SciSslContext:usePkcs12, SciSslContext:usePkcs12File
local bytes = assert(scissl.SciSslPkcs12.make { certificate = certificate, key = key, passphrase = "open sesame" })
assert(context:usePkcs12(bytes, "open sesame"))
local done, err = context:usePkcs12File "missing.p12"
print(err:condition()) --> file_missing

--- SciSslContext:addTrustedUri
assert(context:addTrustedUri "ca.pem") -- or file:/etc/ssl/own-ca.pem, pkcs11:… where a provider reads that

--- SciSslContext:loadVerifyLocations
assert(context:loadVerifyLocations "ca.pem")

--- SciSslContext:useDefaultTrust
assert(context:useDefaultTrust()) -- SSL_CERT_FILE and SSL_CERT_DIR are honoured

--- SciSslContext:addTrusted
assert(context:addTrusted(ca)) -- or PEM text, or DER bytes

--- SciSslContext:setPurpose
assert(context:setPurpose "sslclient")

--- SciSslContext:setVerifyTime
context:setVerifyTime(certificate:notAfter() - 60):setVerifyTime(nil)

--- SciSslContext:setAuthLevel
context:setAuthLevel(2) -- as setSecurityLevel, for certificates only

--- SciSslContext:setVerifyFlags, SciSslContext:clearVerifyFlags, SciSslContext:getVerifyFlags
assert(context:setVerifyFlags { "partial_chain", "x509_strict" })
assert(context:clearVerifyFlags "x509_strict")
print(context:getVerifyFlags() & scissl.X509_V_FLAG_PARTIAL_CHAIN ~= 0) --> true

--- SciSslContext:setVerifyHosts
assert(context:setVerifyHosts { "www.example.org", ".example.net" })

--- SciSslContext:setVerifyHostFlags, SciSslContext:getVerifyHostFlags
assert(context:setVerifyHostFlags "no_wildcards")
print(context:getVerifyHostFlags() & scissl.X509_CHECK_FLAG_NO_WILDCARDS ~= 0) --> true

--- SciSslContext:setVerifyIp
assert(context:setVerifyIp "192.0.2.1")

--- SciSslContext:setVerifyEmail
assert(context:setVerifyEmail "postmaster@example.org")

--- SciSslContext:setAcceptedIssuers
assert(context:setAcceptedIssuers { ca, "CN=Another authority,O=Example" })

--- SciSslContext:loadAcceptedIssuers
assert(context:loadAcceptedIssuers "ca.pem")

--- SciSslContext:acceptTrustedIssuers
assert(context:addTrusted(ca))
assert(context:acceptTrustedIssuers()) -- servers name the CAs that they trust

--- SciSslContext:setSessionCacheMode, SciSslContext:setSessionCacheSize
context:setSessionCacheMode("server"):setSessionCacheSize(1000)

--- SciSslContext:flushSessions
context:flushSessions() -- removes those that have expired

--- SciSslContext:addSession, SciSslContext:removeSession
print(context:addSession(session)) --> true
print(context:removeSession(session)) --> true
print(context:removeSession(session)) --> false

--- SciSslContext:setSessionStore
local kept = {}
context:setSessionStore(function(id) return kept[id] end)
-- After each handshake: for _, session in ipairs(socket:newSessions()) do kept[session:id()] = session end

--- SciSslContext:sessionStatistics
print(context:sessionStatistics().hits) --> 0

--- SciSslContext.newTicketKey, SciSslContext:setTicketKeys, SciSslContext:rotateTicketKeys
local secret = assert(scissl.SciSslContext.newTicketKey())
print(#secret) --> 80
context:setTicketKeys { secret } -- the same on every server of a fleet
context:rotateTicketKeys(assert(scissl.SciSslContext.newTicketKey())) -- tickets of the old key are still accepted

--- SciSslContext:inheritSessions
local renewed = assert(scissl.SciSslContext.new())
assert(renewed:inheritSessions(context)) -- clients of `context` resume their sessions here

--- SciSslContext:setNumTickets, SciSslContext:getNumTickets
print(context:setNumTickets(1):getNumTickets()) --> 1

--- SciSslContext:setMaxReplayableData, SciSslContext:getMaxReplayableData
print(context:setMaxReplayableData(16384):getMaxReplayableData()) --> 16384

--- SciSslContext:setReplayGuard
local seen = {}
context:setReplayGuard(function(session)
  local id = session:id()
  local fresh = not seen[id]
  seen[id] = true
  return fresh
end)

--- SciSslContext:setPskClient
assert(context:setPskClient("sensor 12", ("k"):rep(32)))

--- SciSslContext:setPskServer, SciSslContext:setPskHint
assert(context:setPskServer { ["sensor 12"] = ("k"):rep(32) })
assert(context:setPskHint "sensors")

--- SciSslContext:setOcspPolicy, SciSslContext:getOcspPolicy
context:setOcspPolicy "require" -- a server without a valid OCSP response is rejected
print(context:getOcspPolicy()) --> require

--- SciSslContext:setOcspResponse
local response = assert(scissl.SciSslOcsp.response { certificate = certificate, issuer = ca, key = caKey })
assert(context:setOcspResponse(response))

--- SciSslContext:addCrl
assert(context:addCrl(crl))
assert(context:setVerifyFlags "crl_check") -- without this flag the list has no effect

--- SciSslContext:loadCrlFile
local file <close> = assert(io.open("ca.crl", "w"))
assert(file:write(crl:toPem())):flush()
assert(context:loadCrlFile "ca.crl")

--- SciSslContext:setPostHandshakeAuth
context:setPostHandshakeAuth(true) -- servers may request the certificate of this client later

--- SciSslContext:setMaxSendFragment
context:setMaxSendFragment(4096)

--- SciSslContext:setMaxFragmentLength
context:setMaxFragmentLength(1024)

--- SciSslContext:setBlockPadding
context:setBlockPadding(512) -- on the network, records have lengths of 512, 1024 …

--- SciSslContext:setCommand
assert(context:setCommand("MinProtocol", "TLSv1.3"))

--- SciSslContext:setCommands
assert(context:setCommands { { "Curves", "X25519" }, { "Options", "-SessionTicket" } })

--- SciSslContext:trustedCertificates
for _, trusted in ipairs(context:trustedCertificates()) do print(trusted:commonName()) end

--- SciSslContext:describe
print(context:describe().minProtocol) --> TLSv1.2

--- SciSslContext:setKeylog
serverContext:setKeylog(true) -- for debugging: SciSslSocket:keylogLines returns the secrets

--- SciSslContext:setKeylogFile
assert(context:setKeylogFile "keys.log") -- Wireshark decrypts with it, as can anyone who has the file
assert(context:setKeylogFile(nil))
