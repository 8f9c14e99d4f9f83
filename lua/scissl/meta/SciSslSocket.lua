---A socket with TLS: everything that a `SciSocket` answers, and the document's messages. Without a descriptor it lives on
---memory (`SciSslSocket.onMemory`).
---
---Messages of the document answer one value: a result, or an integer of 0 or less for "not yet, or closed", which
---`sslGetError` explains, or a `SciSslError`. All others answer their value, or nil and a `SciSslError`. Once `close` has
---been called, what asks the TLS connection answers the condition `closed`, or nil.
---
---@meta SciSslSocket
---@class SciSslSocket : SciSocket
local SciSslSocket = {}

---Makes a socket over a non-blocking stream socket of its own. `connect` it, or `bind`, `listen` and `accept`.
---
---@within Life, and the memory transport
---@param context SciSslContext
---@param family? string (default: "inet") `inet`, `inet6` or `unix`
---@return SciSslSocket?
---@return SciSslError?
---@usage
---```lua
---local socket = assert(scissl.SciSslSocket.new(clientContext)) -- non-blocking
---assert(socket:connect("127.0.0.1", port)) -- answers at once; the first TLS call says "not yet" until it stands
---```
function SciSslSocket.new(context, family) end

---Makes a socket over one that is connected already. The blocking mode stays as it is. An object goes on owning its
---descriptor: closing the SciSslSocket calls the object's own `close`. A descriptor number becomes ours.
---
---@within Life, and the memory transport
---@param transport any a SciSocket, a descriptor number, or an object with `getfd`, `fileno` or `pollfd`
---@param context SciSslContext
---@return SciSslSocket?
---@return SciSslError? # what was given is no socket
---@usage
---```lua
---local near, far = assert(scissl.SciSocket.pair())
---local secure = assert(scissl.SciSslSocket.on(near, clientContext)) -- near goes on owning its descriptor
---secure:close() -- and is closed by this
---```
function SciSslSocket.on(transport, context) end

---Makes a socket without a descriptor: `sslFeed` gives it the peer's bytes, `sslDrain` takes what is for the peer.
---
---@within Life, and the memory transport
---@param context SciSslContext
---@return SciSslSocket
---@usage
---```lua
---local memory = scissl.SciSslSocket.onMemory(clientContext)
---assert(memory:sslInitialize())
---local answer = memory:sslConnect()
---print(memory:sslGetError(answer) == scissl.SSL_ERROR_WANT_READ) --> true
---print(#memory:sslDrain() > 0) --> true -- the client hello: send it to the peer
---memory:sslFeed "HTTP/1.1 400 Bad Request\r\n\r\n" -- what came from the peer
---memory:sslFeedEnd() -- and it has closed
---print(memory:sslConnect():condition()) --> plain_http
---```
function SciSslSocket.onMemory(context) end

---Accepts the next connection of a listening socket. The new socket has the listening one's context and blocking mode; its
---`sslInitialize` and `sslAccept` are still to come.
---
---@within Life, and the memory transport
---@return SciSslSocket?
---@return SciSslError? # as `SciSocket:accept`
---@usage
---```lua
---local server = assert(scissl.SciSslSocket.new(serverContext))
---assert(server:bind("127.0.0.1", 0))
---assert(server:listen())
---local accepted, err = server:accept()
---print(accepted, err:condition()) --> nil not_ready
---```
function SciSslSocket:accept() end

---Makes the handshake as a server. Needs an established transport and `sslInitialize`. On a blocking socket it answers when
---the handshake is finished or has failed. (Rows S3 to S6)
---
---@within The document's protocol
---@return integer|SciSslError # 1: the connection is secure; 0 or less: not yet, `sslGetError` says what it waits for, then repeat the call; a SciSslError (phase `accept`): it failed, or what is missing
---@see SSL_accept(3)
---@usage
---```lua
---local clientAnswer, serverAnswer = newClient:sslConnect(), nil
---repeat
---  serverAnswer = newServer:sslAccept()
---  clientAnswer = newClient:sslConnect()
---until clientAnswer == 1 and serverAnswer == 1 -- a real program waits in between, as sslGetError says
---print(newClient:isSecure()) --> true
---```
function SciSslSocket:sslAccept() end

---Makes the handshake as a client. Needs an established transport and `sslInitialize`. On a blocking socket it answers when
---the handshake is finished or has failed. (Row S7)
---
---@within The document's protocol
---@return integer|SciSslError # 1: the connection is secure; 0 or less: not yet, `sslGetError` says what it waits for, then repeat the call; a SciSslError (phase `connect`): it failed, or what is missing
---@see SSL_connect(3)
---@usage
---```lua
---local clientAnswer, serverAnswer = newClient:sslConnect(), nil
---repeat
---  serverAnswer = newServer:sslAccept()
---  clientAnswer = newClient:sslConnect()
---until clientAnswer == 1 and serverAnswer == 1 -- a real program waits in between, as sslGetError says
---print(newClient:isSecure()) --> true
---```
function SciSslSocket:sslConnect() end

---Answers the `SSL_ERROR_…` code behind what a call of this socket answered. Each call captures its code itself, so asking
---later, or twice, answers the same. (Row S6)
---
---@within The document's protocol
---@param value integer|string|SciSslError the answer of `sslConnect`, `sslRead` …
---@return integer # `SSL_ERROR_NONE` for a result, `SSL_ERROR_WANT_READ`, `SSL_ERROR_WANT_WRITE` … for "not yet", `SSL_ERROR_ZERO_RETURN` for a close by the peer, `SSL_ERROR_SSL` or `SSL_ERROR_SYSCALL` for a SciSslError
---@raise for a value that no call answers
---@see SSL_get_error(3)
---@usage
---```lua
---local answer = server:sslRead()
---print(answer <= 0, server:sslGetError(answer) == scissl.SSL_ERROR_WANT_READ) --> true true
---client:close()
---print(server:sslGetError(server:sslRead()) == scissl.SSL_ERROR_ZERO_RETURN) --> true
---```
function SciSslSocket:sslGetError(value) end

---Reads what the peer has sent: the records that one read of the transport brings, in one string. On a blocking socket it
---waits for the first byte.
---
---@within Bytes and event loops
---@param max? integer (default: 65536) bytes at the most; one call answers 65536 at the most
---@return string|integer|SciSslError # the bytes; 0: the peer has closed (`SSL_ERROR_ZERO_RETURN`); less: not yet; a SciSslError (phase `read`; condition `truncated` where the transport ended without close_notify, `handshake_needed`, `closed`; `too_many_key_updates`, `too_many_tickets`, `too_many_renegotiations` … where the peer sends these and no data)
---@see SSL_read_ex(3)
---@usage
---```lua
---print(client:sslWrite "hello") --> 5
---print(read(server, client)) --> hello
---local text = ("x"):rep(100)
---print(client:sslWrite(text, 11, 20)) --> 10 -- no substring is made
---print(read(server, client, 4)) --> xxxx
---```
function SciSslSocket:sslRead(max) end

---Reads on until a number of bytes is there, for whoever knows how many are to come: they come in one string. A non-blocking
---socket answers fewer where the transport has no more now; a blocking one waits for all.
---
---@within Bytes and event loops
---@param size integer bytes, 1 … 1073741824
---@return string|integer|SciSslError # as `sslRead`; what ends the stream behind some bytes is answered by the next call
---@usage
---```lua
---server:sslWrite "hello"
---print(client:sslReadSized(65536)) --> …
---```
function SciSslSocket:sslReadSized(size) end

---Reads as `sslRead` does, from one record, and leaves the bytes to be read again.
---
---@within Bytes and event loops
---@param max? integer (default: 65536) bytes at the most
---@return string|integer|SciSslError # as `sslRead`
---@see SSL_peek_ex(3)
---@usage
---```lua
---client:sslWrite "hello"
---read(server, client, 1)
---print(server:sslPending()) --> 4
---print(server:sslPeek()) --> ello
---print(server:dirty()) --> true -- there is something that the descriptor does not tell of
---```
function SciSslSocket:sslPeek(max) end

---Answers how many bytes `sslRead` would answer from the record at hand without asking the transport.
---
---@within Bytes and event loops
---@return integer # bytes
---@see SSL_pending(3)
---@usage
---```lua
---client:sslWrite "hello"
---read(server, client, 1)
---print(server:sslPending()) --> 4
---print(server:sslPeek()) --> ello
---print(server:dirty()) --> true -- there is something that the descriptor does not tell of
---```
function SciSslSocket:sslPending() end

---Sets whether TLS reads as much as the transport has, many records at once (it does), or just the record that is due, so
---that what the peer sends behind its close_notify is left in the transport, for whoever goes on in plain text.
---
---@within Bytes and event loops
---@param ahead boolean
---@return SciSslSocket? # the receiver
---@return SciSslError? # condition `closed` or `not_initialized`
---@see SSL_set_read_ahead(3)
---@usage
---```lua
---assert(memoryClient:sslSetReadAhead(false)) -- what comes behind TLS's end is not for TLS
---print(memoryClient:sslUnread() == "") --> true
---```
function SciSslSocket:sslSetReadAhead(ahead) end

---Tells whether there is something to read that the descriptor will not announce: bytes, the end, or a failure that have
---been received with earlier bytes. Read until it is false before you wait.
---
---@within Bytes and event loops
---@return boolean
---@usage
---```lua
---client:sslWrite "hello"
---read(server, client, 1)
---print(server:sslPending()) --> 4
---print(server:sslPeek()) --> ello
---print(server:dirty()) --> true -- there is something that the descriptor does not tell of
---```
function SciSslSocket:dirty() end

---Answers what the socket waits for on the descriptor, in the manner of cqueues: what the last call wanted, and the end of
---the connection attempt before that.
---
---@within Bytes and event loops
---@return string # `"r"` or `"w"`
---@usage
---```lua
---print(client:events()) --> r
---print(client:timeout()) --> nil
---```
function SciSslSocket:events() end

---Answers how long a loop may wait for the descriptor, in the manner of cqueues.
---
---@within Bytes and event loops
---@return number? # 0 where the socket is `dirty`; nil: as long as it likes
---@usage
---```lua
---print(client:events()) --> r
---print(client:timeout()) --> nil
---```
function SciSslSocket:timeout() end

---Sends a part of a file. Where the kernel encrypts (see `ktls`), it reads the file itself, and no byte of it is copied to this
---process. Elsewhere each byte is read into a buffer that is always there, and encrypted from it; Lua makes no string of it.
---The file's own position does not move; what has been written to it and not flushed is not seen. `sslSetRecordSizing` does not
---reach what the kernel sends.
---
---@within Bytes and event loops
---@param file file* open for reading, a regular one
---@param offset? integer (default: 0) where to begin in the file
---@param count? integer bytes, at the most; without it, to the end of the file
---@return integer|SciSslError # as `sslWrite`: how many bytes were taken; repeat it with `offset` and `count` moved on by that until all are gone; 0: the file ends there. A SciSslError about the file has the phase `write` and the condition `file_unreadable`: it is not open for reading, `file_directory`, or `not_seekable`: a pipe or a terminal
---@see SSL_sendfile(3)
---@see pread(2)
---@usage
---```lua
---local file <close> = assert(io.open "server.pem")
---local size = file:seek "end"
---print(client:sendfile(file, 0, size) == size) --> true
---```
function SciSslSocket:sendfile(file, offset, count) end

---Tells whether the kernel encrypts and decrypts in OpenSSL's place (kTLS). It encrypts what is sent over TCP once the handshake
---has come so far, where the context has the option (`setOptions "enable_ktls"`), OpenSSL was compiled with it
---(`scissl.features.kTLS`), the system is Linux with its module `tls` loaded, and the connection uses an AEAD cipher (AES-GCM,
---ChaCha20-Poly1305) with records of full length and without padding. Elsewhere OpenSSL goes on encrypting, and nothing else
---is different. What is received OpenSSL decrypts.
---
---Keys that the kernel has are not renewed: `sslKeyUpdate`, `sslRenegotiate`, and a second TLS connection over the same
---descriptor are refused. A peer that asks for new keys with a KeyUpdate ends the connection (condition `ktls`).
---
---@within Bytes and event loops
---@return boolean # what is sent
---@return boolean # what is received: false
---@see SSL_CTX_set_options(3)
---@usage
---```lua
---print(client:ktls()) --> false false
---```
function SciSslSocket:ktls() end

---Writes bytes. On a blocking socket it answers when all are sent. On a non-blocking one it may take fewer: repeat it with
---`i` moved on by what it answered. A "not yet" must be repeated with the same bytes; the socket checks that.
---
---@within Bytes and event loops
---@param data string
---@param i? integer (default: 1) first byte, as in `string.sub`
---@param j? integer (default: -1) last byte
---@return integer|SciSslError # how many bytes were taken; 0 where none were given; less: not yet; a SciSslError (phase `write`, condition `handshake_needed`, `write_pending`, `shutdown_sent`, `broken_pipe`, `closed` …)
---@see SSL_write_ex(3)
---@usage
---```lua
---print(client:sslWrite "hello") --> 5
---print(read(server, client)) --> hello
---local text = ("x"):rep(100)
---print(client:sslWrite(text, 11, 20)) --> 10 -- no substring is made
---print(read(server, client, 4)) --> xxxx
---```
function SciSslSocket:sslWrite(data, i, j) end

---Writes strings one behind the other, in full records and without joining them: for heads and bodies, for many small pieces.
---
---@within Bytes and event loops
---@param strings string[]
---@param skip? integer (default: 0) bytes of them all that earlier calls have taken
---@return integer|SciSslError # as `sslWrite`: how many bytes were taken; repeat it with `skip` moved on by that
---@raise where one of them is no string
---@usage
---```lua
---local pieces = { "HTTP/1.0 200 OK\r\n\r\n", "hello" }
---print(client:sslWritev(pieces)) --> 24
---print(#read(server, client)) --> 24
---```
function SciSslSocket:sslWritev(strings, skip) end

---Lets records begin short and become long: the peer can use the first bytes as soon as one packet has come, and a long
---transfer still goes in full records. Off at first, and after `sslInitialize`.
---
---@within Bytes and event loops
---@param first integer? bytes of a record at the beginning, 512 … 16384 (1,300 fit into one packet on most ways); nil: all records are as long as they may be
---@param upTo? integer (default: 65536) bytes that are sent so
---@param pause? number (default: 1) seconds without a write, after which it begins anew
---@return SciSslSocket # the receiver
---@usage
---```lua
---client:sslSetRecordSizing(1300) -- the first bytes are of use as soon as one packet has come
---```
function SciSslSocket:sslSetRecordSizing(first, upTo, pause) end

---Tells whether what is written now is protected: false until the handshake is completed, true until the connection is
---closed, shut down or has failed. (Row S2)
---
---@within The peer
---@return boolean
---@usage
---```lua
---print(newClient:isSecure(), client:isSecure()) --> false true
---```
function SciSslSocket:isSecure() end

---Answers the cipher in use. (Row S8)
---
---@within The peer
---@return SciSslCipher? # nil before there is one
---@see SSL_get_current_cipher(3)
---@usage
---```lua
---print(client:version(), client:cipher():name()) --> TLSv1.3 TLS_AES_256_GCM_SHA384
---```
function SciSslSocket:cipher() end

---Answers the protocol in use.
---
---@within The peer
---@return string? # `TLSv1.2`, `TLSv1.3` …; nil before there is one
---@see SSL_get_version(3)
---@usage
---```lua
---print(client:version(), client:cipher():name()) --> TLSv1.3 TLS_AES_256_GCM_SHA384
---```
function SciSslSocket:version() end

---Answers the result of the check of the peer's certificate, whatever the verification flags made of it. (Row S16)
---
---@within The peer
---@return integer? # `X509_V_OK` or an `X509_V_ERR_…`; nil the peer presented no certificate, or the handshake has not come so far
---@return string # its text; which of the two
---@see SSL_get_verify_result(3)
---@usage
---```lua
---local code, text = client:sslVerifyCertificate()
---print(code == scissl.X509_V_OK, text) --> true ok
---print(server:sslVerifyCertificate()) --> nil …
---```
function SciSslSocket:sslVerifyCertificate() end

---Answers the peer's certificate.
---
---@within The peer
---@return SciSslX509Certificate? # nil where it presented none
---@see SSL_get1_peer_certificate(3)
---@usage
---```lua
---print(client:peerCertificate():subject()) --> CN=localhost
---print(#client:peerChain()) --> 2
---```
function SciSslSocket:peerCertificate() end

---Answers the certificates that the peer presented, its own first, as it sent them.
---
---@within The peer
---@return SciSslX509Certificate[] # empty where it presented none
---@see SSL_get_peer_cert_chain(3)
---@usage
---```lua
---print(client:peerCertificate():subject()) --> CN=localhost
---print(#client:peerChain()) --> 2
---```
function SciSslSocket:peerChain() end

---Answers the server name of the connection (SNI): on a client what it asks for, on a server what it was asked for.
---
---@within The peer
---@return string? # nil where there is none
---@see SSL_get_servername(3)
---@usage
---```lua
---print(client:alpnProtocol()) --> nil
---print(server:serverName()) --> localhost
---```
function SciSslSocket:serverName() end

---Notes each single thing that is found to be wrong with the peer's certificates: for `verifyErrors`. Where `goOn` is true the
---check goes on behind each of them and the handshake does not fail by any: whoever asks for that has to judge the peer, since
---nobody else does. `sslSetContext` ends the noting.
---
---@within The peer
---@param goOn? boolean (default: false)
---@return SciSslSocket? # the receiver
---@return SciSslError? # condition `not_initialized`, `handshake_under_way`, `closed`
---@see SSL_set_verify(3)
---@usage
---```lua
---assert(newClient:sslSetVerifyHost "elsewhere.example")
---assert(newClient:sslNoteVerifyErrors(true)) -- goes on whatever is wrong: now it is for us to judge
---handshake(newClient, newServer)
---print(newClient:verifyErrors()[1].text) --> hostname mismatch
---```
function SciSslSocket:sslNoteVerifyErrors(goOn) end

---Answers what was found to be wrong with the peer's certificates, in the order in which it was found.
---
---@within The peer
---@return table[] # `depth` (integer: which certificate of the chain, 0 is the peer's own), `code` (integer, an `X509_V_ERR_…`), `text`; empty where nothing was, or `sslNoteVerifyErrors` has not asked for it; 32 at the most
---@usage
---```lua
---assert(newClient:sslSetVerifyHost "elsewhere.example")
---assert(newClient:sslNoteVerifyErrors(true)) -- goes on whatever is wrong: now it is for us to judge
---handshake(newClient, newServer)
---print(newClient:verifyErrors()[1].text) --> hostname mismatch
---```
function SciSslSocket:verifyErrors() end

---Sets the group of a server's DHE key exchange for this connection. Without it the group fits the strength of the server's
---certificate, which is the better choice unless a peer insists.
---
---@within Settings of one connection
---@param pem string text that has `DH PARAMETERS` or `X9.42 DH PARAMETERS`
---@return SciSslSocket? # the receiver
---@return SciSslError? # phase `load`: condition `not_dh_parameters`; `security_level`: the group is too small for it; `not_initialized`, `handshake_under_way`, `closed`
---@see SSL_set0_tmp_dh_pkey(3)
---@usage
---```lua
---local done, err = newServer:sslSetDhParameters "rubbish"
---print(err:condition()) --> not_dh_parameters -- they begin with -----BEGIN DH PARAMETERS-----
---```
function SciSslSocket:sslSetDhParameters(pem) end

---Sets how this connection checks the peer's certificate, in place of what the context said.
---
---@within Settings of one connection
---@param flags integer as `SciSslContext:setVerify`
---@return SciSslSocket? # the receiver
---@return SciSslError? # condition `verify_flags` (row S14), `not_initialized`, `handshake_under_way` or `closed`
---@see SSL_set_verify(3)
---@usage
---```lua
---assert(newClient:sslSetVerify(scissl.SSL_VERIFY_PEER))
---```
function SciSslSocket:sslSetVerify(flags) end

---Sets the name that the client asks the server for (SNI). An IP address is accepted and not sent: RFC 6066 leaves addresses out.
---
---@within Settings of one connection
---@param name string as `sslSetVerifyHost`
---@return SciSslSocket? # the receiver
---@return SciSslError? # condition `bad_host_name`, `not_initialized`, `handshake_under_way` or `closed`
---@see SSL_set_tlsext_host_name(3)
---@usage
---```lua
---local socket = scissl.SciSslSocket.onMemory(clientContext)
---assert(socket:sslInitialize())
---assert(socket:sslSetServerName "www.example.org")
---assert(socket:sslSetVerifyHost "www.example.org") -- or an address
---```
function SciSslSocket:sslSetServerName(name) end

---Sets the host name or IP address that the peer's certificate has to be for. The common name of the subject counts in a
---certificate without DNS names, unless the flag `never_check_subject` is set. It is checked with the chain, so the flags of
---`sslSetVerify` say what a mismatch does.
---
---@within Settings of one connection
---@param nameOrAddress string brackets around an address, its zone, and a dot at the end of a name do not count: `"[::1]"`, `"fe80::1%eth0"`, `"example.com."`
---@return SciSslSocket? # the receiver
---@return SciSslError? # condition `bad_host_name`, `not_initialized`, `handshake_under_way` or `closed`
---@see X509_VERIFY_PARAM_set1_host(3)
---@see RFC 6125
---@usage
---```lua
---local socket = scissl.SciSslSocket.onMemory(clientContext)
---assert(socket:sslInitialize())
---assert(socket:sslSetServerName "www.example.org")
---assert(socket:sslSetVerifyHost "www.example.org") -- or an address
---```
function SciSslSocket:sslSetVerifyHost(nameOrAddress) end

---Sets the host names of which the peer's certificate has to be for one, in place of what `sslSetVerifyHost` or the context
---said. An empty list: any name will do.
---
---@within Settings of one connection
---@param names string[]
---@return SciSslSocket? # the receiver
---@return SciSslError? # condition `bad_host_name` (also for an address: `sslSetVerifyHost` takes one), `not_initialized`, `handshake_under_way` or `closed`
---@see X509_VERIFY_PARAM_add1_host(3)
---@see SciSslContext:setVerifyHostFlags
---@usage
---```lua
---assert(newClient:sslSetVerifyHosts { "www.example.org", "example.org" })
---```
function SciSslSocket:sslSetVerifyHosts(names) end

---Sets how names are compared on this connection, in place of what its context said.
---
---@within Settings of one connection
---@param flags integer|string|string[] as `SciSslContext:setVerifyHostFlags`
---@return SciSslSocket? # the receiver
---@return SciSslError? # condition `unknown_flag`, `not_initialized`, `handshake_under_way` or `closed`
---@see X509_VERIFY_PARAM_set_hostflags(3)
---@usage
---```lua
---assert(newClient:sslSetVerifyHostFlags { "no_partial_wildcards", "never_check_subject" }) -- names as in RFC 9525
---```
function SciSslSocket:sslSetVerifyHostFlags(flags) end

---Says where the handshake is to be suspended, so that its caller can look and decide. There `sslAccept` or `sslConnect`
---answers "not yet", and `sslGetError` tells which it is. Repeating the call goes on, each point comes once.
---
---* `"clientHello"`, `SSL_ERROR_WANT_CLIENT_HELLO_CB`, servers: `clientHello()` tells what the client offers; `sslSetContext`,
---  `sslUseCertificate`, `sslSetAlpn`, `sslSetVerify`, `setSession` and `sslRefuse` may answer it
---* `"certificate"`, `SSL_ERROR_WANT_X509_LOOKUP`: ours is needed; `sslUseCertificate` supplies it. On a client
---  `acceptedIssuers()` tells whose the server accepts
---* `"verify"`, `SSL_ERROR_WANT_RETRY_VERIFY`: `sslVerdict()` tells what OpenSSL thinks of the peer; `sslApprove` and
---  `sslRefuse` overrule it, and without either it counts. A client and, up to TLS 1.2, a server stand still in
---  mid-handshake, so that the peer gets an alert. A server of TLS 1.3, and a client that resumes a session, stand still when
---  the handshake is done and before any application data is handed out; such a server takes no early data
---
---@within Suspended handshakes
---@param ... string any of these names; none: nowhere
---@return SciSslSocket? # the receiver
---@return SciSslError? # condition `not_initialized`, `handshake_under_way`, `closed`; `not_in_this_openssl`: `"verify"` needs OpenSSL 3.0.2
---@see SSL_CTX_set_client_hello_cb(3)
---@see SSL_set_cert_cb(3)
---@see SSL_set_retry_verify(3)
---@usage
---```lua
---assert(newServer:sslSuspendAt("clientHello", "certificate"))
---newClient:sslConnect()
---local answer = newServer:sslAccept()
---print(newServer:sslGetError(answer) == scissl.SSL_ERROR_WANT_CLIENT_HELLO_CB) --> true
---```
function SciSslSocket:sslSuspendAt(...) end

---Ends a suspended handshake: the next call sends the alert and answers the SciSslError. Its condition is `refused`, or
---`handler_failed` where there is a `cause`.
---
---At `"clientHello"` any alert can be sent. At `"certificate"` OpenSSL always sends internal_error. At `"verify"` a client
---sends bad_certificate, unsupported_certificate, certificate_revoked, certificate_expired, unknown_ca, decrypt_error,
---handshake_failure or internal_error, and certificate_unknown in place of all others; a server sends any. A client that has
---resumed a session cuts the connection: OpenSSL offers nothing else once the handshake is done.
---
---@within Suspended handshakes
---@param alert? string|integer its name in the RFCs, or its number; without it `bad_certificate` at `"verify"`, else `handshake_failure`
---@param reason? string for our own SciSslError: its message
---@param cause? any any value, for our own SciSslError
---@param traceback? string of the cause
---@return SciSslSocket? # the receiver
---@return SciSslError? # condition `not_suspended`, `closed`
---@raise for an alert that there is not
---@see RFC 8446, section 6
---@usage
---```lua
---assert(newClient:sslSuspendAt "verify")
---handshake(newClient, newServer)
---local verdict = newClient:sslVerdict()
---print(verdict.ok, verdict.chain[1]:subject()) --> true CN=localhost
---assert(newClient:sslRefuse("access_denied", "not on our list")) -- or sslApprove(), or neither
---print(newClient:sslConnect():message()) --> not on our list
---```
function SciSslSocket:sslRefuse(alert, reason, cause, traceback) end

---Answers the records that the client's hello came in, as they came. `clientHello()` reads them.
---
---@within Suspended handshakes
---@return string? # nil where the handshake is not suspended, or was never to be suspended at `"clientHello"`
---@see RFC 8446, section 4.1.2
---@usage
---```lua
---assert(newServer:sslSuspendAt "clientHello")
---newClient:sslConnect()
---newServer:sslAccept()
---print(newServer:clientHello():serverName()) --> localhost
---print(newServer:clientHelloRecords():byte() == 22) --> true -- a handshake record, as it came
---assert(newServer:sslSetContext(serverContext)) -- go on with this one
---```
function SciSslSocket:clientHelloRecords() end

---Answers what the client offers, while the handshake is suspended at `"clientHello"` (see `sslSuspendAt`), or at a
---later station of the same handshake.
---
---@within Suspended handshakes
---@return SciSslClientHello? # nil where the handshake is not suspended, or was never to be suspended at `"clientHello"`
---@return SciSslError? # condition `malformed_hello`
---@usage
---```lua
---assert(newServer:sslSuspendAt "clientHello")
---newClient:sslConnect()
---newServer:sslAccept()
---print(newServer:clientHello():serverName()) --> localhost
---print(newServer:clientHelloRecords():byte() == 22) --> true -- a handshake record, as it came
---assert(newServer:sslSetContext(serverContext)) -- go on with this one
---```
function SciSslSocket:clientHello() end

---Sets what is put into the tickets that this server sends, sealed: a server that resumes the session finds it again.
---
---@within Sessions
---@param bytes string? nil: nothing
---@return SciSslSocket? # the receiver
---@return SciSslError? # condition `not_initialized`, `closed`
---@see SSL_SESSION_set1_ticket_appdata(3)
---@usage
---```lua
---assert(newServer:sslSetTicketAppData "user 12")
---print(newServer:ticketAppData()) --> nil -- only where a session with one is resumed
---```
function SciSslSocket:sslSetTicketAppData(bytes) end

---Answers what `sslSetTicketAppData` put into the ticket whose session this connection has resumed.
---
---@within Sessions
---@return string? # nil where there is nothing
---@see SSL_SESSION_get0_ticket_appdata(3)
---@usage
---```lua
---assert(newServer:sslSetTicketAppData "user 12")
---print(newServer:ticketAppData()) --> nil -- only where a session with one is resumed
---```
function SciSslSocket:ticketAppData() end

---Sends more tickets, on a server of TLS 1.3. Repeat it as it is while it answers "not yet".
---
---@within Sessions
---@param count? integer (default: 1) 1 … 255
---@return integer|SciSslError # 1: they have gone out; 0 or less: not yet; a SciSslError (condition `handshake_needed`, `wrong_role`, `protocol_version`, `write_pending`)
---@see SSL_new_session_ticket(3)
---@usage
---```lua
---print(server:sslSendTickets(2)) --> 1
---```
function SciSslSocket:sslSendTickets(count) end

---Sends data before the handshake is done, in TLS 1.3: after `setSession` and before `sslConnect`, in one or more calls.
---Whoever records it can send it again: use it only for requests that change nothing. Whether the server has taken it
---`earlyDataStatus` tells after the handshake; if not, it is for the caller to send it again.
---
---@within Early data
---@param data string
---@param i? integer (default: 1) first byte, as in `string.sub`
---@param j? integer (default: -1) last byte
---@return integer|SciSslError # how many bytes were taken; 0 or less: not yet, as in `sslConnect`; a SciSslError (phase `connect`, condition `not_replayable`: there is no session, it does not allow early data, has been used or is too old, or this connection asks for another server name, protocol or version: a full handshake follows; `too_late`: the handshake is done; `wrong_role` …)
---@see SSL_write_early_data(3)
---@usage
---```lua
---local answer = newClient:sslWriteReplayable "GET / HTTP/1.0\r\n\r\n"
---print(answer:condition()) --> not_replayable -- there is no session that allows it
---print(newServer:sslReadReplayable() <= 0) --> true
---print(client:earlyDataStatus()) --> nil
---```
function SciSslSocket:sslWriteReplayable(data, i, j) end

---Tells what has become of the early data.
---
---@within Early data
---@return string? # `"accepted"`, `"rejected"`: the server has left it out; nil: none was sent, or the handshake is not done
---@see SSL_get_early_data_status(3)
---@usage
---```lua
---local answer = newClient:sslWriteReplayable "GET / HTTP/1.0\r\n\r\n"
---print(answer:condition()) --> not_replayable -- there is no session that allows it
---print(newServer:sslReadReplayable() <= 0) --> true
---print(client:earlyDataStatus()) --> nil
---```
function SciSslSocket:earlyDataStatus() end

---Reads data that the client sends before the handshake is done: in place of the first `sslAccept`, until it answers 0; then
---call `sslAccept`. A server that does not call it takes no early data. What it answers may have been recorded and sent again
---by somebody else.
---
---@within Early data
---@param max? integer (default: 16384) bytes at the most; one call answers 16384 at the most
---@return string|integer|SciSslError # the bytes; 0: no (more) early data, `sslGetError` answers `SSL_ERROR_NONE`; less: not yet, as in `sslAccept`; a SciSslError (phase `accept`, condition `too_late`, `wrong_role` …)
---@see SSL_read_early_data(3)
---@usage
---```lua
---local answer = newClient:sslWriteReplayable "GET / HTTP/1.0\r\n\r\n"
---print(answer:condition()) --> not_replayable -- there is no session that allows it
---print(newServer:sslReadReplayable() <= 0) --> true
---print(client:earlyDataStatus()) --> nil
---```
function SciSslSocket:sslReadReplayable(max) end

---Answers the identity of the pre-shared key that a server's connection was made with. A session that is resumed later has
---none any more.
---
---@within Pre-shared keys
---@return string? # nil where another kind of key exchange was made, and on clients
---@usage
---```lua
---print(server:pskIdentity()) --> nil
---```
function SciSslSocket:pskIdentity() end

---Sets the OCSP response that this server connection staples, in place of the context's: before the handshake, or while it is
---suspended at `"clientHello"` or `"certificate"`.
---
---@within Revocation
---@param der string? nil: none
---@return SciSslSocket? # the receiver
---@return SciSslError? # as `SciSslContext:setOcspResponse`; `not_initialized`, `handshake_under_way`, `closed`
---@usage
---```lua
---assert(newServer:sslSetOcspResponse(assert(scissl.SciSslOcsp.response {
---  certificate = certificate, issuer = ca, key = caKey,
---})))
---```
function SciSslSocket:sslSetOcspResponse(der) end

---Answers the OCSP response that the server has stapled. `SciSslOcsp.parse` reads it. While the handshake is suspended at
---`"verify"` it is there in TLS 1.3; up to TLS 1.2 it comes after the verification.
---
---@within Revocation
---@return string? # DER; nil where there is none: it was not asked for, the server has none, a session was resumed
---@see SSL_get_tlsext_status_ocsp_resp(3)
---@usage
---```lua
---print(client:ocspResponse()) --> nil
---local status, err = client:sslVerifyOcsp()
---print(status, err:condition()) --> nil ocsp_missing
---```
function SciSslSocket:ocspResponse() end

---Judges the OCSP response that the server has stapled, for the server's certificate and the issuer in the chain as OpenSSL
---has built it. Whether that issuer is trusted `sslVerifyCertificate` tells.
---
---@within Revocation
---@param options? table `at`: seconds since the epoch at which to judge (default: now); `skew`: seconds by which clocks may differ (default 300)
---@return table? # as `SciSslOcsp.check`: its `status` is `"good"`, `"revoked"` or `"unknown"`
---@return SciSslError? # phase `ocsp`, condition `ocsp_missing`, `ocsp_no_issuer`, or those of `SciSslOcsp.check`
---@raise for an unknown option or one of a wrong type
---@usage
---```lua
---print(client:ocspResponse()) --> nil
---local status, err = client:sslVerifyOcsp()
---print(status, err:condition()) --> nil ocsp_missing
---```
function SciSslSocket:sslVerifyOcsp(options) end

---Prepares a client for TLSA records: before the handshake, then `sslAddTlsa` for each record. Sets the host that the
---certificate must be for and, unless it is set already, the name that the server is asked for (SNI). With at least one
---usable record the server's certificate must match one; those of usage DANE-TA and DANE-EE need no other trust. Sessions
---are then not resumed, since they may have been made without this check.
---
---The records must come from a resolver that has validated them with DNSSEC; nobody here can tell.
---
---@within DANE
---@param host string the name of the TLSA records' base domain
---@param options? table `eeNameChecks = false`: a certificate that matches a DANE-EE record may be for any name (RFC 7671, section 5.1)
---@return SciSslSocket? # the receiver
---@return SciSslError? # condition `bad_host_name`, `not_initialized`, `handshake_under_way`, `closed`, or `dane_twice`
---@see SSL_dane_enable(3)
---@usage
---```lua
---assert(newClient:sslSetDane "localhost")
---assert(newClient:sslAddTlsa("DANE-EE", "SPKI", "SHA2-256", certificate:tlsa("SPKI", "SHA2-256")))
---print(handshake(newClient, newServer)) --> 1 1
---print(newClient:daneAuthority().depth) --> 0
---```
function SciSslSocket:sslSetDane(host, options) end

---Adds a TLSA record that the server's certificate may match.
---
---@within DANE
---@param usage integer|string 0 `PKIX-TA`, 1 `PKIX-EE`, 2 `DANE-TA`, 3 `DANE-EE`
---@param selector integer|string 0 `Cert`, 1 `SPKI`
---@param matchingType integer|string 0 `Full`, 1 `SHA2-256`, 2 `SHA2-512`
---@param data string raw bytes
---@return SciSslSocket? # the receiver
---@return SciSslError? # condition `tlsa_unusable`: numbers that OpenSSL does not know, which leaves the connection as if the record were not there; `bad_tlsa`: the data do not fit the numbers; `dane_needed`: `sslSetDane` comes first; `not_initialized`, `handshake_under_way`, `closed`
---@see SSL_dane_tlsa_add(3)
---@usage
---```lua
---assert(newClient:sslSetDane "localhost")
---assert(newClient:sslAddTlsa("DANE-EE", "SPKI", "SHA2-256", certificate:tlsa("SPKI", "SHA2-256")))
---print(handshake(newClient, newServer)) --> 1 1
---print(newClient:daneAuthority().depth) --> 0
---```
function SciSslSocket:sslAddTlsa(usage, selector, matchingType, data) end

---Answers the TLSA record that the peer's certificate matched.
---
---@within DANE
---@return table? # `depth` (integer: which certificate of the chain matched, 0 is the peer's own), `usage`, `selector`, `matchingType` (integers), `data` (string, raw bytes), `certificate` (the SciSslX509Certificate that matched; missing where a bare public key did); nil where no record decided
---@see SSL_get0_dane_authority(3)
---@usage
---```lua
---print(client:daneAuthority()) --> nil
---```
function SciSslSocket:daneAuthority() end

---Answers the group of the key exchange.
---
---@within What was negotiated
---@return string? # OpenSSL's name, such as `x25519` or `secp256r1`; nil where there was no exchange, or it is not known
---@see SSL_get_negotiated_group(3)
---@usage
---```lua
---print(client:negotiatedGroup()) --> …25519… -- X25519MLKEM768 from OpenSSL 3.5 on, x25519 before
---print(client:temporaryKey().type) --> X25519…
---```
function SciSslSocket:negotiatedGroup() end

---Answers how this end has signed the handshake.
---
---@within What was negotiated
---@return string? # the name of RFC 8446, section 4.2.3, such as `ecdsa_secp256r1_sha256`; all of RSA-PSS are `rsa_pss_rsae_…`. nil where it has not signed, and for schemes without a name here
---@see SSL_get_signature_type_nid(3)
---@usage
---```lua
---print(server:signatureScheme()) --> ecdsa_secp256r1_sha256
---print(client:peerSignatureScheme()) --> ecdsa_secp256r1_sha256
---```
function SciSslSocket:signatureScheme() end

---Answers how the peer has signed the handshake.
---
---@within What was negotiated
---@return string? # as `signatureScheme`
---@see SSL_get_peer_signature_type_nid(3)
---@usage
---```lua
---print(server:signatureScheme()) --> ecdsa_secp256r1_sha256
---print(client:peerSignatureScheme()) --> ecdsa_secp256r1_sha256
---```
function SciSslSocket:peerSignatureScheme() end

---Returns what is known of the temporary key of the key exchange: the peer's; in an exchange by encapsulation, such as
---`X25519MLKEM768`, the client's, which is the only one.
---
---@within What was negotiated
---@return table? # `type` (`X25519`, `EC`, `DH`, `X25519MLKEM768` …), `bits` (integer), `group` (string, where it has one); nil where there was no exchange of keys
---@see SSL_get_peer_tmp_key(3)
---@see SSL_get_tmp_key(3)
---@usage
---```lua
---print(client:negotiatedGroup()) --> …25519… -- X25519MLKEM768 from OpenSSL 3.5 on, x25519 before
---print(client:temporaryKey().type) --> X25519…
---```
function SciSslSocket:temporaryKey() end

---Answers the chain as it was verified: from the peer's certificate to a trusted one.
---
---@within What was negotiated
---@return SciSslX509Certificate[]? # nil where the peer was not verified, or did not pass
---@see SSL_get0_verified_chain(3)
---@usage
---```lua
---for _, certificate in ipairs(client:verifiedChain()) do print(certificate:subject()) end
-----> CN=localhost
-----> CN=scissl test authority
---```
function SciSslSocket:verifiedChain() end

---Answers how long the records may be that the two sides have agreed on.
---
---@within What was negotiated
---@return integer? # bytes; nil where they have agreed on none, so that it is 16384
---@see SSL_SESSION_get_max_fragment_length(3)
---@usage
---```lua
---print(client:maxFragmentLength()) --> nil
---```
function SciSslSocket:maxFragmentLength() end

---Answers where the handshake stands, in OpenSSL's words.
---
---@within What was negotiated
---@return string
---@see SSL_state_string_long(3)
---@usage
---```lua
---print(client:stateString()) --> SSL negotiation finished successfully
---```
function SciSslSocket:stateString() end

---Answers how much has gone over the transport.
---
---@within What was negotiated
---@return table # `bytesReceived`, `bytesSent` (integers, with all that TLS adds), `renegotiations` (integer: that this end has asked for)
---@see BIO_number_read(3)
---@see SSL_num_renegotiations(3)
---@usage
---```lua
---print(client:statistics().bytesSent > 0) --> true
---```
function SciSslSocket:statistics() end

---Derives secret bytes that both ends of this connection can make and nobody else.
---
---@within Keying material
---@param label string what they are for, such as `EXPORTER-my-protocol`
---@param length integer 1 to 8160 bytes
---@param context? string what else they depend on. Up to TLS 1.2 none is another thing than an empty one
---@return string?
---@return SciSslError? # phase `export`, condition `handshake_needed`, `closed`, `bad_label`: TLS 1.2 keeps it for itself
---@see SSL_export_keying_material(3)
---@see RFC 5705
---@usage
---```lua
---local secret = client:sslExport("EXPORTER-my-protocol", 32)
---print(secret == server:sslExport("EXPORTER-my-protocol", 32)) --> true
---```
function SciSslSocket:sslExport(label, length, context) end

---Answers the Finished message of the latest handshake that this end has sent.
---
---@within Keying material
---@return string?
---@return SciSslError? # condition `handshake_needed`, `closed`
---@see SSL_get_finished(3)
---@usage
---```lua
---print(client:finished() == server:peerFinished()) --> true
---```
function SciSslSocket:finished() end

---Answers the Finished message of the latest handshake that the peer has sent.
---
---@within Keying material
---@return string?
---@return SciSslError? # condition `handshake_needed`, `closed`
---@see SSL_get_peer_finished(3)
---@usage
---```lua
---print(client:finished() == server:peerFinished()) --> true
---```
function SciSslSocket:peerFinished() end

---Answers what names this connection, or its server, in the protocols above (SCRAM-…-PLUS, GSS-API …).
---
---@within Keying material
---@param kind string `"tls-exporter"`; `"tls-server-end-point"`; or `"tls-unique"`, up to TLS 1.2
---@return string?
---@return SciSslError? # phase `export`, condition `binding_undefined`: why there is none for this connection; `handshake_needed`, `closed`
---@see RFC 5929
---@see RFC 9266
---@usage
---```lua
---print(client:channelBinding "tls-exporter" == server:channelBinding "tls-exporter") --> true
---```
function SciSslSocket:channelBinding(kind) end

---Takes the lines with this connection's secrets that have come since the last call, where `SciSslContext:setKeylog` asked
---for them: whoever has them can read, and in part forge, everything on the connection. After `close` they can still be taken.
---
---@within Traces and key logs
---@return string[] # such as `CLIENT_TRAFFIC_SECRET_0 …` or, in TLS 1.2, `CLIENT_RANDOM …`
---@return integer # how many more were lost, because nobody took them: 16 KiB are kept
---@see SSL_CTX_set_keylog_callback(3)
---@usage
---```lua
---serverContext:setKeylog(true)
---local socket = scissl.SciSslSocket.onMemory(serverContext):sslInitialize()
---print(#socket:keylogLines()) --> 0 -- lines come with the handshake
---```
function SciSslSocket:keylogLines() end

---Switches the noting of messages and states on or off, from now on: 256 events are kept until `traceEvents` takes them.
---
---@within Traces and key logs
---@param on boolean
---@return SciSslSocket? # the receiver
---@return SciSslError? # condition `not_initialized`, `closed`, `memory_full`
---@see SSL_set_msg_callback(3)
---@see SSL_set_info_callback(3)
---@usage
---```lua
---assert(newClient:sslTrace(true))
---handshake(newClient, newServer)
---for _, event in ipairs(newClient:traceEvents()) do
---  if event.kind == "handshake" then print(event.direction, event.name) break end
---end
-----> sent ClientHello
---```
function SciSslSocket:sslTrace(on) end

---Answers what has been noted since the last call, in order.
---
---@within Traces and key logs
---@return table[] # `time` (number, seconds on the clock of `SciSocket.now()`), `kind` (`"handshake"`, `"alert"`, `"changeCipherSpec"`, `"state"`), `name` (such as `"ClientHello"`; of a state OpenSSL's words) and, but for states, `direction` (`"sent"`, `"received"`), `length` (bytes), `version`
---@return integer # how many came when there was no room any more
---@usage
---```lua
---assert(newClient:sslTrace(true))
---handshake(newClient, newServer)
---for _, event in ipairs(newClient:traceEvents()) do
---  if event.kind == "handshake" then print(event.direction, event.name) break end
---end
-----> sent ClientHello
---```
function SciSslSocket:traceEvents() end

---Answers the alerts that the peer has sent, in order; the first 8.
---
---@within More
---@return table[] # `name` (of the RFCs), `level` (`"warning"` or `"fatal"`), `code` (integer)
---@see RFC 8446, section 6
---@usage
---```lua
---client:sslShutdown()
---read(server, client)
---print(client:alertsSent()[1].name, server:alertsReceived()[1].name) --> close_notify close_notify
---```
function SciSslSocket:alertsReceived() end

---Answers the alerts that this end has sent, in order; the first 8.
---
---@within More
---@return table[] # as `alertsReceived`
---@see RFC 8446, section 6
---@usage
---```lua
---client:sslShutdown()
---read(server, client)
---print(client:alertsSent()[1].name, server:alertsReceived()[1].name) --> close_notify close_notify
---```
function SciSslSocket:alertsSent() end

---Sets this connection's application protocols, in place of the context's: before the handshake, or while it is suspended at
---`"clientHello"`, where a server with one name takes that or none.
---
---@within More
---@param names string[] as `SciSslContext:setAlpn`
---@return SciSslSocket? # the receiver
---@return SciSslError? # condition `bad_alpn`, `not_initialized`, `handshake_under_way`, `closed`
---@see SSL_set_alpn_protos(3)
---@see RFC 7301
---@usage
---```lua
---assert(newServer:sslSetAlpn { "h2" }) -- for this connection alone
---```
function SciSslSocket:sslSetAlpn(names) end

---Answers the application protocol that was agreed on (ALPN).
---
---@within More
---@return string? # nil where there is none
---@see SSL_get0_alpn_selected(3)
---@usage
---```lua
---print(client:alpnProtocol()) --> nil
---print(server:serverName()) --> localhost
---```
function SciSslSocket:alpnProtocol() end

---Refuses a server that shows no certificate: the anonymous cipher suites of the cipher list are not offered. Without this, a
---server that chooses one of them passes whatever `sslSetVerify` says (row S15). A server that proves itself by a pre-shared
---key still needs no certificate. A server refuses anonymous cipher suites by itself where `sslSetVerify` has
---`SSL_VERIFY_FAIL_IF_NO_PEER_CERT`.
---
---@within More
---@return SciSslSocket? # the receiver
---@return SciSslError? # condition `anonymous_ciphers`: the list has no others; `not_initialized`, `handshake_under_way` or `closed`
---@see SSL_CIPHER_get_auth_nid(3)
---@usage
---```lua
---assert(newClient:sslRequireCertificate()) -- offers no cipher suite without a certificate or a pre-shared key
---```
function SciSslSocket:sslRequireCertificate() end

---Ends the TLS connection with a close_notify, then closes the no longer secure socket. Harmless at any time and twice;
---never waits on a non-blocking socket. What a memory transport still has for the peer can be drained afterwards. (Row S1)
---
---@within More
---@return boolean? # true
---@return SciSslError? # condition `owner_failed`: the transport's own `close` raised an error
---@see SSL_shutdown(3)
---@usage
---```lua
---client:close() -- sends close_notify, then closes the socket
---client:close() -- harmless
---print(server:sslRead()) --> 0
---```
function SciSslSocket:close() end

---Makes a new SSL structure that inherits the context's settings as they are at this moment: method, options, verification,
---time-outs, certificates, trust. The context's later changes do not reach it. (Row S9)
---A TCP socket gets `TCP_NODELAY`; `setSockOpt("TCP_NODELAY", false)` takes it away again.
---
---@within More
---@return SciSslSocket? # the receiver
---@return SciSslError? # condition `closed`, `handshake_under_way` where a TLS connection stands, `ktls`: the kernel encrypts what this socket sends, and goes on doing so, or `in_finalizer`: an initialized socket is not initialized again inside a finalizer
---@see SSL_new(3)
---@usage
---```lua
---local socket = scissl.SciSslSocket.onMemory(context)
---assert(socket:sslInitialize()) -- takes the context's settings over as they are now
---```
function SciSslSocket:sslInitialize() end

---Gives a memory transport bytes that came from the peer.
---
---@within More
---@param bytes string
---@return integer? # how many were taken: all of them
---@return SciSslError? # condition `closed`
---@usage
---```lua
---local memory = scissl.SciSslSocket.onMemory(clientContext)
---assert(memory:sslInitialize())
---local answer = memory:sslConnect()
---print(memory:sslGetError(answer) == scissl.SSL_ERROR_WANT_READ) --> true
---print(#memory:sslDrain() > 0) --> true -- the client hello: send it to the peer
---memory:sslFeed "HTTP/1.1 400 Bad Request\r\n\r\n" -- what came from the peer
---memory:sslFeedEnd() -- and it has closed
---print(memory:sslConnect():condition()) --> plain_http
---```
function SciSslSocket:sslFeed(bytes) end

---Tells a memory transport that the peer has closed its side: no more bytes will be fed.
---
---@within More
---@return SciSslSocket # the receiver
---@usage
---```lua
---local memory = scissl.SciSslSocket.onMemory(clientContext)
---assert(memory:sslInitialize())
---local answer = memory:sslConnect()
---print(memory:sslGetError(answer) == scissl.SSL_ERROR_WANT_READ) --> true
---print(#memory:sslDrain() > 0) --> true -- the client hello: send it to the peer
---memory:sslFeed "HTTP/1.1 400 Bad Request\r\n\r\n" -- what came from the peer
---memory:sslFeedEnd() -- and it has closed
---print(memory:sslConnect():condition()) --> plain_http
---```
function SciSslSocket:sslFeedEnd() end

---Takes back the bytes that a memory transport was fed and that TLS has not read: what the peer has sent behind the end of
---TLS, where `sslSetReadAhead(false)` came before.
---
---@within More
---@return string # empty where there are none
---@usage
---```lua
---assert(memoryClient:sslSetReadAhead(false)) -- what comes behind TLS's end is not for TLS
---print(memoryClient:sslUnread() == "") --> true
---```
function SciSslSocket:sslUnread() end

---Takes the bytes that a memory transport has for the peer.
---
---@within More
---@param max? integer bytes at the most; without it, all
---@return string # empty where there are none
---@usage
---```lua
---local memory = scissl.SciSslSocket.onMemory(clientContext)
---assert(memory:sslInitialize())
---local answer = memory:sslConnect()
---print(memory:sslGetError(answer) == scissl.SSL_ERROR_WANT_READ) --> true
---print(#memory:sslDrain() > 0) --> true -- the client hello: send it to the peer
---memory:sslFeed "HTTP/1.1 400 Bad Request\r\n\r\n" -- what came from the peer
---memory:sslFeedEnd() -- and it has closed
---print(memory:sslConnect():condition()) --> plain_http
---```
function SciSslSocket:sslDrain(max) end

---Sets this connection's own certificate, in place of those of the context: before the handshake, or while it is suspended at
---`"clientHello"` or `"certificate"`.
---
---@within More
---@param certificate SciSslX509Certificate|string|table one, or PEM text or an array with our own first and then its issuers
---@param key SciSslPrivateKey|string an object, or PEM text
---@param passphrase? string|function of an encrypted PEM text
---@return SciSslSocket? # the receiver
---@return SciSslError? # condition `not_initialized`, `handshake_under_way`, `closed`; phase `load`: as `SciSslContext:useCertificate` and `SciSslContext:usePrivateKey`; the connection stays as it was
---@see SSL_use_cert_and_key(3)
---@usage
---```lua
---assert(newServer:sslSuspendAt "certificate")
---newClient:sslConnect()
---print(newServer:sslGetError(newServer:sslAccept()) == scissl.SSL_ERROR_WANT_X509_LOOKUP) --> true
---assert(newServer:sslUseCertificate(certificate, key))
---```
function SciSslSocket:sslUseCertificate(certificate, key, passphrase) end

---Answers the names of the issuers whose certificates the peer says that it accepts: for a client that is asked for its own.
---
---@within More
---@return string[] # RFC 2253 text; empty where the peer does not say
---@see SSL_get0_peer_CA_list(3)
---@usage
---```lua
---print(#newClient:acceptedIssuers()) --> 0
---```
function SciSslSocket:acceptedIssuers() end

---Answers the certificate that this side shows: of several, after the handshake, the one that was chosen for this peer. A
---client shows it only where the server asks.
---
---@within More
---@return SciSslX509Certificate? # nil where there is none, before sslInitialize, after close, and where a session was resumed and there are several: the session does not say which of them it was made with
---@see SSL_get_certificate(3)
---@usage
---```lua
---print(server:localCertificate() == certificate) --> true
---print(#server:localChain()) --> 1
---```
function SciSslSocket:localCertificate() end

---Answers the certificates that this side shows, its own first, as they were loaded. What OpenSSL adds from the trusted
---ones where none was loaded with it is not among them.
---
---@within More
---@return SciSslX509Certificate[] # empty where `localCertificate` is nil
---@see SSL_get0_chain_certs(3)
---@usage
---```lua
---print(server:localCertificate() == certificate) --> true
---print(#server:localChain()) --> 1
---```
function SciSslSocket:localChain() end

---Asks for a new handshake on a TLS 1.2 connection. A server sends its request with this call, and the exchange goes on
---inside the reads that follow on both sides.
---
---@within More
---@return integer|SciSslError # 1: the request has gone out; 0 or less: not yet; a SciSslError (condition `handshake_needed`, `renegotiation_refused`, `ktls`: the kernel has the keys, or `protocol_version`: TLS 1.3 has no renegotiation, see `sslKeyUpdate`)
---@see SSL_renegotiate(3)
---@usage
---```lua
---print(client:sslRenegotiate():condition()) --> protocol_version -- TLS 1.3 has none
---print(client12:sslRenegotiate():condition()) --> renegotiation_refused
---```
function SciSslSocket:sslRenegotiate() end

---Renews the keys of a TLS 1.3 connection.
---
---@within More
---@param both? boolean (default: false) ask the peer to renew its own as well
---@return integer|SciSslError # 1: the message has gone out; 0 or less: not yet; a SciSslError (condition `handshake_needed`, `protocol_version`: TLS 1.2 has none, or `ktls`: the kernel has the keys)
---@see SSL_key_update(3)
---@usage
---```lua
---print(client:sslKeyUpdate(true)) --> 1
---```
function SciSslSocket:sslKeyUpdate(both) end

---Asks the client for a certificate after the handshake, on a server of TLS 1.3 whose flags have `SSL_VERIFY_PEER`. The answer
---comes with the reads that follow: then `peerCertificate` has it, or the read fails as the handshake would have.
---
---@within More
---@return integer|SciSslError # 1: the request has gone out; 0 or less: not yet; a SciSslError (condition `handshake_needed`, `wrong_role`, `protocol_version`, `write_pending`, `post_handshake_refused`: the client does not do that; `request_sent`: it has been asked already)
---@see SSL_verify_client_post_handshake(3)
---@usage
---```lua
---print(server:sslVerifyClientPostHandshake():condition()) --> post_handshake_refused
----- With setPostHandshakeAuth(true) on the client's context, and SSL_VERIFY_PEER here, it answers 1.
---```
function SciSslSocket:sslVerifyClientPostHandshake() end

---Answers the sessions that this connection has made since the last call, the oldest first; 8 at the most are kept. A server
---of TLS 1.3 sends several, each to be used once: what has arrived by now is looked at first. A server answers them where its
---context has a store (see `SciSslContext:setSessionStore`).
---
---@within More
---@return OSSslSession[]
---@see SSL_CTX_sess_set_new_cb(3)
---@usage
---```lua
---server:sslWrite "hello"
---read(client, server)
---print(#client:newSessions()) --> 2
---```
function SciSslSocket:newSessions() end

---Sets the session that the handshake shall resume. Where the server does not accept it a full handshake follows. A client
---that verifies offers it only if the server's certificate and its whole chain pass now: trust store, revocation lists, time,
---host, purpose, security level. It makes a full handshake otherwise. A server may set it while the handshake
---is suspended at the client's hello, where its id is the hello's `sessionId()`. (Row S2)
---
---@within More
---@param session OSSslSession
---@return SciSslSocket? # the receiver
---@return SciSslError? # condition `not_initialized`, `handshake_under_way` or `closed`
---@see SSL_set_session(3)
---@usage
---```lua
---assert(newClient:setSession(session)) -- of an earlier connection: client:getSession()
---print(newClient:isSessionReused()) --> false -- the handshake is still to come
---```
function SciSslSocket:setSession(session) end

---Tells whether the handshake resumed a session.
---
---@within More
---@return boolean
---@see SSL_session_reused(3)
---@usage
---```lua
---assert(newClient:setSession(session)) -- of an earlier connection: client:getSession()
---print(newClient:isSessionReused()) --> false -- the handshake is still to come
---```
function SciSslSocket:isSessionReused() end

---Answers the newest session of this connection that can be resumed. In TLS 1.3 the server sends it after the handshake: what
---has arrived by now is looked at first. (Row S2)
---
---@within More
---@return OSSslSession? # nil where there is none (yet), or another connection has used it. It stays resumable when the context drops its own or is closed
---@return SciSslError? # condition `memory_full`
---@see SSL_get1_session(3)
---@usage
---```lua
---assert(newClient:setSession(session)) -- of an earlier connection: client:getSession()
---print(newClient:isSessionReused()) --> false -- the handshake is still to come
---```
function SciSslSocket:getSession() end

---Ends the TLS connection and leaves the transport open. The first call sends our close_notify, the next ones wait for the
---peer's. What the peer has sent before its own must be read first: a call that meets such data returns the condition
---`unread_data`, and changes nothing.
---
---@within More
---@return integer|SciSslError # 1: both sides have closed; 0: ours is sent, the peer's has not come (`sslGetError` answers `SSL_ERROR_WANT_READ`); less: not yet, as in `sslConnect`; a SciSslError (phase `shutdown`, condition `handshake_needed`, `unread_data`, `write_pending`, `handshake_pending`: a renegotiation or another message has begun and is not complete …), or the failure of the write before it
---@see SSL_shutdown(3)
---@usage
---```lua
---print(client:sslShutdown()) --> 0 -- ours has gone out
---print(server:sslRead()) --> 0 -- the peer has closed
---print(server:sslShutdown()) --> 1
---print(read(client, server)) --> 0
---print(client:sslShutdown()) --> 1
---```
function SciSslSocket:sslShutdown() end

---Goes on with another context, while the handshake is suspended at `"clientHello"`: as if the socket had been initialized
---with that one, all of whose settings hold, and the client's hello had come now. What the socket was told itself in place of
---the context is told again after this call: `sslSetVerify`, `sslUseCertificate`, `sslSetAlpn`, `sslSetOcspResponse`,
---`sslSetDhParameters`, `sslNoteVerifyErrors`, `setSession`. What a context does not set stays: `sslSetReadAhead`,
---`sslSetRecordSizing`, `sslSuspendAt`, `sslSetTicketAppData`, `sslTrace`.
---
---@within More
---@param context SciSslContext
---@return SciSslSocket? # the receiver
---@return SciSslError? # condition `not_suspended`, `closed`, `in_finalizer`; the handshake stays as it was
---@see sslSuspendAt
---@usage
---```lua
---assert(newServer:sslSuspendAt "clientHello")
---newClient:sslConnect()
---newServer:sslAccept()
---print(newServer:clientHello():serverName()) --> localhost
---print(newServer:clientHelloRecords():byte() == 22) --> true -- a handshake record, as it came
---assert(newServer:sslSetContext(serverContext)) -- go on with this one
---```
function SciSslSocket:sslSetContext(context) end

---Approves the peer, whatever OpenSSL thinks of its certificate: for a handshake that is suspended at `"verify"`. Then repeat
---the call. The approval holds for that certificate until the connection ends. `sslVerifyCertificate` goes on answering OpenSSL's
---own result. A client without a certificate is refused before, where `SSL_VERIFY_FAIL_IF_NO_PEER_CERT` insists on one.
---
---@within More
---@return SciSslSocket? # the receiver
---@return SciSslError? # condition `not_suspended`, `closed`
---@usage
---```lua
---assert(newClient:sslSuspendAt "verify")
---handshake(newClient, newServer)
---local verdict = newClient:sslVerdict()
---print(verdict.ok, verdict.chain[1]:subject()) --> true CN=localhost
---assert(newClient:sslRefuse("access_denied", "not on our list")) -- or sslApprove(), or neither
---print(newClient:sslConnect():message()) --> not on our list
---```
function SciSslSocket:sslApprove() end

---Answers what OpenSSL thinks of the peer, while the handshake is suspended at `"verify"`.
---
---@within More
---@return table? # `ok` (boolean: it has presented a certificate that OpenSSL would accept), `code` (integer, `X509_V_OK` or an `X509_V_ERR_…`; nil where it has presented none), `text`, `depth` (integer: which certificate of the chain the code is about, 0 is the peer's own), `chain` (array of SciSslX509Certificate: what the peer presented, its own first; empty where it presented none), `verified` (array: the chain as OpenSSL built it, empty where it could not), `resumed` (boolean: by a session that was judged before)
---@return SciSslError? # condition `not_suspended`, `closed`
---@see X509_STORE_CTX_get_error(3)
---@usage
---```lua
---assert(newClient:sslSuspendAt "verify")
---handshake(newClient, newServer)
---local verdict = newClient:sslVerdict()
---print(verdict.ok, verdict.chain[1]:subject()) --> true CN=localhost
---assert(newClient:sslRefuse("access_denied", "not on our list")) -- or sslApprove(), or neither
---print(newClient:sslConnect():message()) --> not on our list
---```
function SciSslSocket:sslVerdict() end

return SciSslSocket
