--- SciSslClientHello.fromRecords
assert(newServer:sslSuspendAt "clientHello")
handshake(newClient, newServer)
local hello = assert(scissl.SciSslClientHello.fromRecords(newServer:clientHelloRecords()))
print(hello:serverName()) --> localhost

--- SciSslClientHello:serverName, SciSslClientHello:alpn
print(hello:serverName(), #hello:alpn()) --> localhost 0

--- SciSslClientHello:versions, SciSslClientHello:groups, SciSslClientHello:keyShares
print(hello:versions()[1], hello:groups()[1] == hello:keyShares()[1]) --> TLSv1.3 true

--- SciSslClientHello:cipherSuites, SciSslClientHello:cipherSuiteIds
print(hello:cipherSuites()[1]) --> TLS_AES_256_GCM_SHA384
print(hello:cipherSuiteIds()[1] == 0x1302) --> true

--- SciSslClientHello:signatureAlgorithms
print(table.concat(hello:signatureAlgorithms(), " ")) --> …ecdsa_secp256r1_sha256…

--- SciSslClientHello:sessionId, SciSslClientHello:random, SciSslClientHello:compressionMethods
print(#hello:sessionId(), #hello:random(), #hello:compressionMethods()) --> 32 32 1

--- SciSslClientHello:offersEarlyData, SciSslClientHello:offersPreSharedKey
print(hello:offersEarlyData(), hello:offersPreSharedKey()) --> false false

--- SciSslClientHello:extensions, SciSslClientHello:extension
print(#hello:extensions() > 5) --> true
print(hello:extension(0) ~= nil) --> true -- 0: server_name

--- SciSslClientHello:ja3, SciSslClientHello:ja3Text
print(hello:ja3Text()) --> 771,4866-4867-4865-…
print(hello:ja3()) --> …

--- SciSslClientHello:ja4
print(hello:ja4()) --> t13d…
