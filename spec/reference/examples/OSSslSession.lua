--- OSSslSession:toPem, OSSslSession.fromPem
local text = assert(session:toPem()) -- keep it as secret as a key
print(assert(scissl.OSSslSession.fromPem(text)) == session) --> true

--- OSSslSession:toDer, OSSslSession.fromDer
print(assert(scissl.OSSslSession.fromDer(assert(session:toDer()))) == session) --> true
local none, err = scissl.OSSslSession.fromDer "rubbish"
print(none, err:condition()) --> nil not_der

--- OSSslSession:id, OSSslSession:isResumable
print(#session:id(), session:isResumable()) --> 32 true

--- OSSslSession:protocol, OSSslSession:cipher, OSSslSession:hostName, OSSslSession:alpnProtocol
print(session:protocol(), session:cipher():name()) --> TLSv1.3 TLS_AES_256_GCM_SHA384
print(session:hostName(), session:alpnProtocol()) --> localhost nil

--- OSSslSession:time, OSSslSession:timeout, OSSslSession:ticketLifetime
print(session:time() + session:timeout() > os.time()) --> true
print(session:ticketLifetime()) --> 7200

--- OSSslSession:maxReplayableData
print(session:maxReplayableData()) --> 0

--- OSSslSession:peerCertificate
print(session:peerCertificate():subject()) --> CN=localhost
