--- SciSslSocket.new
local socket = assert(scissl.SciSslSocket.new(clientContext)) -- non-blocking
assert(socket:connect("127.0.0.1", port)) -- returns at once; TLS calls return "not ready" until TCP is connected

--- SciSslSocket.on
local near, far = assert(scissl.SciSocket.pair())
local secure = assert(scissl.SciSslSocket.on(near, clientContext)) -- `near` still owns its descriptor
secure:close() -- closes `near` as well

--- SciSslSocket.onMemory, SciSslSocket:sslFeed, SciSslSocket:sslDrain, SciSslSocket:sslFeedEnd
local memory = scissl.SciSslSocket.onMemory(clientContext)
assert(memory:sslInitialize())
local answer = memory:sslConnect()
print(memory:sslGetError(answer) == scissl.SSL_ERROR_WANT_READ) --> true
print(#memory:sslDrain() > 0) --> true -- the ClientHello: send it to the peer
memory:sslFeed "HTTP/1.1 400 Bad Request\r\n\r\n" -- bytes that the peer has sent
memory:sslFeedEnd() -- the peer has closed the connection
print(memory:sslConnect():condition()) --> plain_http

--- SciSslSocket:accept
local server = assert(scissl.SciSslSocket.new(serverContext))
assert(server:bind("127.0.0.1", 0))
assert(server:listen())
local accepted, err = server:accept()
print(accepted, err:condition()) --> nil not_ready

--- SciSslSocket:sslInitialize
local socket = scissl.SciSslSocket.onMemory(context)
assert(socket:sslInitialize()) -- copies the context's present settings

--- SciSslSocket:close
client:close() -- sends close_notify, then closes the socket
client:close() -- harmless
print(server:sslRead()) --> 0

--- SciSslSocket:sslGetError
local answer = server:sslRead()
print(answer <= 0, server:sslGetError(answer) == scissl.SSL_ERROR_WANT_READ) --> true true
client:close()
print(server:sslGetError(server:sslRead()) == scissl.SSL_ERROR_ZERO_RETURN) --> true

--- SciSslSocket:sslConnect, SciSslSocket:sslAccept
local clientAnswer, serverAnswer = newClient:sslConnect(), nil
repeat
  serverAnswer = newServer:sslAccept()
  clientAnswer = newClient:sslConnect()
until clientAnswer == 1 and serverAnswer == 1 -- a real program waits in between for what sslGetError returns
print(newClient:isSecure()) --> true

--- SciSslSocket:sslShutdown
print(client:sslShutdown()) --> 0 -- our close_notify is sent
print(server:sslRead()) --> 0 -- the peer has closed
print(server:sslShutdown()) --> 1
print(read(client, server)) --> 0
print(client:sslShutdown()) --> 1

--- SciSslSocket:sslRequireCertificate
assert(newClient:sslRequireCertificate()) -- offers no cipher suite without a certificate or a pre-shared key

--- SciSslSocket:sslRenegotiate
print(client:sslRenegotiate():condition()) --> protocol_version -- TLS 1.3 has none
print(client12:sslRenegotiate():condition()) --> renegotiation_refused

--- SciSslSocket:sslKeyUpdate
print(client:sslKeyUpdate(true)) --> 1

--- SciSslSocket:sslVerifyClientPostHandshake
print(server:sslVerifyClientPostHandshake():condition()) --> post_handshake_refused
-- With setPostHandshakeAuth(true) on the client's context, and SSL_VERIFY_PEER here, it returns 1.

--- SciSslSocket:sslRead, SciSslSocket:sslWrite
print(client:sslWrite "hello") --> 5
print(read(server, client)) --> hello
local text = ("x"):rep(100)
print(client:sslWrite(text, 11, 20)) --> 10 -- no substring is made
print(read(server, client, 4)) --> xxxx

--- SciSslSocket:sslPeek, SciSslSocket:sslPending, SciSslSocket:dirty
client:sslWrite "hello"
read(server, client, 1)
print(server:sslPending()) --> 4
print(server:sslPeek()) --> ello
print(server:dirty()) --> true -- decrypted bytes wait, which poll(2) does not see

--- SciSslSocket:events, SciSslSocket:timeout
print(client:events()) --> r
print(client:timeout()) --> nil

--- SciSslSocket:isSecure
print(newClient:isSecure(), client:isSecure()) --> false true

--- SciSslSocket:cipher, SciSslSocket:version
print(client:version(), client:cipher():name()) --> TLSv1.3 TLS_AES_256_GCM_SHA384

--- SciSslSocket:sslVerifyCertificate
local code, text = client:sslVerifyCertificate()
print(code == scissl.X509_V_OK, text) --> true ok
print(server:sslVerifyCertificate()) --> nil …

--- SciSslSocket:peerCertificate, SciSslSocket:peerChain
print(client:peerCertificate():subject()) --> CN=localhost
print(#client:peerChain()) --> 2

--- SciSslSocket:verifiedChain
for _, certificate in ipairs(client:verifiedChain()) do print(certificate:subject()) end
--> CN=localhost
--> CN=scissl test authority

--- SciSslSocket:localCertificate, SciSslSocket:localChain
print(server:localCertificate() == certificate) --> true
print(#server:localChain()) --> 1

--- SciSslSocket:alpnProtocol, SciSslSocket:serverName
print(client:alpnProtocol()) --> nil
print(server:serverName()) --> localhost

--- SciSslSocket:getSession, SciSslSocket:setSession, SciSslSocket:isSessionReused
assert(newClient:setSession(session)) -- of an earlier connection: client:getSession()
print(newClient:isSessionReused()) --> false -- the handshake has not begun

--- SciSslSocket:newSessions
server:sslWrite "hello"
read(client, server)
print(#client:newSessions()) --> 2

--- SciSslSocket:sslSetServerName, SciSslSocket:sslSetVerifyHost
local socket = scissl.SciSslSocket.onMemory(clientContext)
assert(socket:sslInitialize())
assert(socket:sslSetServerName "www.example.org")
assert(socket:sslSetVerifyHost "www.example.org") -- or an address

--- SciSslSocket:sslSetMaxCertList
assert(newClient:sslSetMaxCertList(20000)) -- bytes

--- SciSslSocket:sslSetVerifyHosts
assert(newClient:sslSetVerifyHosts { "www.example.org", "example.org" })

--- SciSslSocket:sslSetVerifyHostFlags
assert(newClient:sslSetVerifyHostFlags { "no_partial_wildcards", "never_check_subject" }) -- names as in RFC 9525

--- SciSslSocket:sslSetVerify
assert(newClient:sslSetVerify(scissl.SSL_VERIFY_PEER))

--- SciSslSocket:sslSuspendAt
assert(newServer:sslSuspendAt("clientHello", "certificate"))
newClient:sslConnect()
local answer = newServer:sslAccept()
print(newServer:sslGetError(answer) == scissl.SSL_ERROR_WANT_CLIENT_HELLO_CB) --> true

--- SciSslSocket:clientHello, SciSslSocket:clientHelloRecords, SciSslSocket:sslSetContext
assert(newServer:sslSuspendAt "clientHello")
newClient:sslConnect()
newServer:sslAccept()
print(newServer:clientHello():serverName()) --> localhost
print(newServer:clientHelloRecords():byte() == 22) --> true -- a handshake record, as it was received
assert(newServer:sslSetContext(serverContext)) -- continue with this context

--- SciSslSocket:sslUseCertificate
assert(newServer:sslSuspendAt "certificate")
newClient:sslConnect()
print(newServer:sslGetError(newServer:sslAccept()) == scissl.SSL_ERROR_WANT_X509_LOOKUP) --> true
assert(newServer:sslUseCertificate(certificate, key))

--- SciSslSocket:sslSetAlpn
assert(newServer:sslSetAlpn { "h2" }) -- for this connection alone

--- SciSslSocket:acceptedIssuers
print(#newClient:acceptedIssuers()) --> 0

--- SciSslSocket:sslVerdict, SciSslSocket:sslApprove, SciSslSocket:sslRefuse
assert(newClient:sslSuspendAt "verify")
handshake(newClient, newServer)
local verdict = newClient:sslVerdict()
print(verdict.ok, verdict.chain[1]:subject()) --> true CN=localhost
assert(newClient:sslRefuse("access_denied", "not on our list")) -- or sslApprove(), or neither
print(newClient:sslConnect():message()) --> not on our list

--- SciSslSocket:sslSetTicketAppData, SciSslSocket:ticketAppData
assert(newServer:sslSetTicketAppData "user 12")
print(newServer:ticketAppData()) --> nil -- only after a session that has such data was resumed

--- SciSslSocket:sslSendTickets
print(server:sslSendTickets(2)) --> 1

--- SciSslSocket:sslWriteReplayable, SciSslSocket:sslReadReplayable, SciSslSocket:earlyDataStatus
local answer = newClient:sslWriteReplayable "GET / HTTP/1.0\r\n\r\n"
print(answer:condition()) --> not_replayable -- there is no session that allows it
print(newServer:sslReadReplayable() <= 0) --> true
print(client:earlyDataStatus()) --> nil

--- SciSslSocket:sslWriteHalfRtt
print(newServer:sslWriteHalfRtt("220 ready\r\n"):condition()) --> early_data_first -- call sslReadReplayable first

--- SciSslSocket:pskIdentity
print(server:pskIdentity()) --> nil

--- SciSslSocket:sslSetOcspResponse
assert(newServer:sslSetOcspResponse(assert(scissl.SciSslOcsp.response {
  certificate = certificate, issuer = ca, key = caKey,
})))

--- SciSslSocket:ocspResponse, SciSslSocket:sslVerifyOcsp
print(client:ocspResponse()) --> nil
local status, err = client:sslVerifyOcsp()
print(status, err:condition()) --> nil ocsp_missing

--- SciSslSocket:sslSetDane, SciSslSocket:sslAddTlsa
assert(newClient:sslSetDane "localhost")
assert(newClient:sslAddTlsa("DANE-EE", "SPKI", "SHA2-256", certificate:tlsa("SPKI", "SHA2-256")))
print(handshake(newClient, newServer)) --> 1 1
print(newClient:daneAuthority().depth) --> 0

--- SciSslSocket:daneAuthority
print(client:daneAuthority()) --> nil

--- SciSslSocket:sslSetEchConfigs, SciSslSocket:sslSetEchOuterAlpn
if scissl.features.ECH then
  local _, configs = assert(scissl.SciSslContext.newEchKey { publicName = "public.example.org" })
  assert(newClient:sslSetEchConfigs(configs))
  assert(newClient:sslSetEchOuterAlpn { "http/1.1" })
end

--- SciSslSocket:echStatus, SciSslSocket:echRetryConfigs
print(client:echStatus().status) --> not_configured
print(client:echRetryConfigs()) --> nil

--- SciSslSocket:sslSetPins
assert(newClient:sslSetPins { certificate:spkiPin() })
print(handshake(newClient, newServer)) --> 1 1

--- SciSslSocket:peerRawPublicKey, SciSslSocket:certificateTypes
print(client:peerRawPublicKey()) --> nil
print(client:certificateTypes().server) --> x509

--- SciSslSocket:negotiatedGroup, SciSslSocket:temporaryKey
print(client:negotiatedGroup()) --> …25519… -- X25519MLKEM768 from OpenSSL 3.5 on, x25519 before
print(client:temporaryKey().type) --> X25519…

--- SciSslSocket:signatureScheme, SciSslSocket:peerSignatureScheme
print(server:signatureScheme()) --> ecdsa_secp256r1_sha256
print(client:peerSignatureScheme()) --> ecdsa_secp256r1_sha256

--- SciSslSocket:hasExtendedMasterSecret, SciSslSocket:hasSecureRenegotiation
print(client:hasExtendedMasterSecret()) --> true
print(client:hasSecureRenegotiation()) --> nil -- TLS 1.3 has no renegotiation

--- SciSslSocket:maxFragmentLength
print(client:maxFragmentLength()) --> nil

--- SciSslSocket:alertsReceived, SciSslSocket:alertsSent
client:sslShutdown()
read(server, client)
print(client:alertsSent()[1].name, server:alertsReceived()[1].name) --> close_notify close_notify

--- SciSslSocket:stateString
print(client:stateString()) --> SSL negotiation finished successfully

--- SciSslSocket:getContext
print(client:getContext():describe().minProtocol) --> …

--- SciSslSocket:statistics
print(client:statistics().bytesSent > 0) --> true

--- SciSslSocket:sslExport
local secret = client:sslExport("EXPORTER-my-protocol", 32)
print(secret == server:sslExport("EXPORTER-my-protocol", 32)) --> true

--- SciSslSocket:finished, SciSslSocket:peerFinished
print(client:finished() == server:peerFinished()) --> true

--- SciSslSocket:channelBinding
print(client:channelBinding "tls-exporter" == server:channelBinding "tls-exporter") --> true

--- SciSslSocket:sslTrace, SciSslSocket:traceEvents
assert(newClient:sslTrace(true))
handshake(newClient, newServer)
for _, event in ipairs(newClient:traceEvents()) do
  if event.kind == "handshake" then print(event.direction, event.name) break end
end
--> sent ClientHello

--- SciSslSocket:keylogLines
serverContext:setKeylog(true)
local socket = scissl.SciSslSocket.onMemory(serverContext):sslInitialize()
print(#socket:keylogLines()) --> 0 -- lines come with the handshake

--- SciSslSocket:sslSetReadAhead, SciSslSocket:sslUnread
assert(memoryClient:sslSetReadAhead(false)) -- so that bytes after the end of TLS stay in the transport
print(memoryClient:sslUnread() == "") --> true

--- SciSslSocket:sslSetDhParameters
local done, err = newServer:sslSetDhParameters "rubbish"
print(err:condition()) --> not_dh_parameters -- PEM text with -----BEGIN DH PARAMETERS----- was expected

--- SciSslSocket:sslNoteVerifyErrors, SciSslSocket:verifyErrors
assert(newClient:sslSetVerifyHost "elsewhere.example")
assert(newClient:sslNoteVerifyErrors(true)) -- verification errors do not end the handshake: look at verifyErrors()
handshake(newClient, newServer)
print(newClient:verifyErrors()[1].text) --> hostname mismatch

--- SciSslSocket:sslReadSized
server:sslWrite "hello"
print(client:sslReadSized(65536)) --> …

--- SciSslSocket:sslWritev
local pieces = { "HTTP/1.0 200 OK\r\n\r\n", "hello" }
print(client:sslWritev(pieces)) --> 24
print(#read(server, client)) --> 24

--- SciSslSocket:sendfile
local file <close> = assert(io.open "server.pem")
local size = file:seek "end"
print(client:sendfile(file, 0, size) == size) --> true

--- SciSslSocket:ktls
print(client:ktls()) --> false false

--- SciSslSocket:sslSetRecordSizing
client:sslSetRecordSizing(1300) -- the peer can decrypt the first bytes as soon as one packet has arrived

--- SciSslSocket:sslListen, SciSslSocket:sslMtu, SciSslSocket:sslSetMtu, SciSslSocket:sslSetRetransmission, SciSslSocket:sslHandleTimeout, SciSslSocket:isDatagram
local context = scissl.SciSslContext.new "DTLS"
local client = scissl.SciSslSocket.onMemory(context):sslInitialize():sslSetMtu(1400):sslSetRetransmission(0.5, 10)
local server = scissl.SciSslSocket.onMemory(context):sslInitialize()
print(client:sslMtu()) --> 1400 nil
client:sslConnect() -- makes a ClientHello
print(client:timeout() > 0.4, client:sslHandleTimeout()) --> true false
server:sslFeed(client:sslDrain())
print(server:sslListen "192.0.2.1:5684") --> -2
client:sslFeed(server:sslDrain()) -- a cookie
client:sslConnect()
server:sslFeed(client:sslDrain())
print(server:sslListen "192.0.2.1:5684") --> 1
print(server:isDatagram()) --> true
