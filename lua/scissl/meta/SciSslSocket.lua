---A socket with TLS. It has the methods of a `SciSocket` and those of a TLS connection. It runs over a descriptor, or without
---one over memory (`SciSslSocket.onMemory`).
---
---The calls of a TLS connection that may have to wait (`sslConnect`, `sslAccept`, `sslRead`, `sslWrite`, `sslShutdown` …)
---return one value: a result; or an integer of 0 or less, which means "not ready" or "closed" and which `sslGetError`
---explains; or a `SciSslError`. All other methods return their value, or nil and a `SciSslError`. After `close`, methods
---that need the TLS connection return nil, or the condition `closed`.
---
---@meta SciSslSocket
---@class SciSslSocket : SciSocket
local SciSslSocket = {}

---Sends close_notify, then closes the socket. It may be called at any time, and again. On a non-blocking socket it never
---waits. Bytes that a memory transport has for the peer can still be drained afterwards.
---
---@within Making one, closing, the memory transport
---@return boolean? # true
---@return SciSslError? # condition `owner_failed`: the `close` of the transport object raised an error
---@see SSL_shutdown(3)
---@usage
---```lua
---client:close() -- sends close_notify, then closes the socket
---client:close() -- harmless
---print(server:sslRead()) --> 0
---```
function SciSslSocket:close() end

---Gives a memory transport bytes that the peer has sent. With DTLS they are one datagram.
---
---@within Making one, closing, the memory transport
---@param bytes string
---@return integer? # how many were taken: all; 0: the datagram was dropped, since too many wait to be read
---@return SciSslError? # condition `closed`
---@usage
---```lua
---local memory = scissl.SciSslSocket.onMemory(clientContext)
---assert(memory:sslInitialize())
---local answer = memory:sslConnect()
---print(memory:sslGetError(answer) == scissl.SSL_ERROR_WANT_READ) --> true
---print(#memory:sslDrain() > 0) --> true -- the ClientHello: send it to the peer
---memory:sslFeed "HTTP/1.1 400 Bad Request\r\n\r\n" -- bytes that the peer has sent
---memory:sslFeedEnd() -- the peer has closed the connection
---print(memory:sslConnect():condition()) --> plain_http
---```
function SciSslSocket:sslFeed(bytes) end

---Tells a memory transport that the peer has closed its side, so that no more bytes will be fed.
---
---@within Making one, closing, the memory transport
---@return SciSslSocket # the receiver
---@usage
---```lua
---local memory = scissl.SciSslSocket.onMemory(clientContext)
---assert(memory:sslInitialize())
---local answer = memory:sslConnect()
---print(memory:sslGetError(answer) == scissl.SSL_ERROR_WANT_READ) --> true
---print(#memory:sslDrain() > 0) --> true -- the ClientHello: send it to the peer
---memory:sslFeed "HTTP/1.1 400 Bad Request\r\n\r\n" -- bytes that the peer has sent
---memory:sslFeedEnd() -- the peer has closed the connection
---print(memory:sslConnect():condition()) --> plain_http
---```
function SciSslSocket:sslFeedEnd() end

---Takes back bytes that a memory transport was fed and that TLS has not read: after `sslSetReadAhead(false)`, what the peer has
---sent behind its close_notify.
---
---@within Making one, closing, the memory transport
---@return string # empty where there are none
---@usage
---```lua
---assert(memoryClient:sslSetReadAhead(false)) -- so that bytes after the end of TLS stay in the transport
---print(memoryClient:sslUnread() == "") --> true
---```
function SciSslSocket:sslUnread() end

---Takes the bytes that a memory transport has for the peer. With DTLS they are one datagram: call it until there is none.
---
---@within Making one, closing, the memory transport
---@param max? integer bytes at most; without it, all. With DTLS always one whole datagram
---@return string # empty where there are none
---@usage
---```lua
---local memory = scissl.SciSslSocket.onMemory(clientContext)
---assert(memory:sslInitialize())
---local answer = memory:sslConnect()
---print(memory:sslGetError(answer) == scissl.SSL_ERROR_WANT_READ) --> true
---print(#memory:sslDrain() > 0) --> true -- the ClientHello: send it to the peer
---memory:sslFeed "HTTP/1.1 400 Bad Request\r\n\r\n" -- bytes that the peer has sent
---memory:sslFeedEnd() -- the peer has closed the connection
---print(memory:sslConnect():condition()) --> plain_http
---```
function SciSslSocket:sslDrain(max) end

---Makes a socket over a non-blocking stream socket of its own, or over a datagram socket where the context is one of DTLS.
---`connect` it, or `bind`, `listen` and `accept`.
---
---@within Making one, closing, the memory transport
---@param context SciSslContext
---@param family? string (default: "inet") `inet`, `inet6` or `unix`
---@return SciSslSocket?
---@return SciSslError?
---@usage
---```lua
---local socket = assert(scissl.SciSslSocket.new(clientContext)) -- non-blocking
---assert(socket:connect("127.0.0.1", port)) -- returns at once; TLS calls return "not ready" until TCP is connected
---```
function SciSslSocket.new(context, family) end

---Makes a socket over a transport that is already connected. The blocking mode stays as it is. An object keeps its
---descriptor: closing the SciSslSocket calls the object's own `close`. A descriptor number is owned by the new socket.
---
---@within Making one, closing, the memory transport
---@param transport any a SciSocket, a descriptor number, or an object with `getfd`, `fileno` or `pollfd`
---@param context SciSslContext
---@return SciSslSocket?
---@return SciSslError? # `transport` is no socket; `not_a_stream`, `not_datagrams`: it does not fit the context
---@usage
---```lua
---local near, far = assert(scissl.SciSocket.pair())
---local secure = assert(scissl.SciSslSocket.on(near, clientContext)) -- `near` still owns its descriptor
---secure:close() -- closes `near` as well
---```
function SciSslSocket.on(transport, context) end

---Makes a socket without a descriptor: `sslFeed` gives it the peer's bytes, and `sslDrain` takes the bytes for the peer.
---
---@within Making one, closing, the memory transport
---@param context SciSslContext
---@return SciSslSocket
---@usage
---```lua
---local memory = scissl.SciSslSocket.onMemory(clientContext)
---assert(memory:sslInitialize())
---local answer = memory:sslConnect()
---print(memory:sslGetError(answer) == scissl.SSL_ERROR_WANT_READ) --> true
---print(#memory:sslDrain() > 0) --> true -- the ClientHello: send it to the peer
---memory:sslFeed "HTTP/1.1 400 Bad Request\r\n\r\n" -- bytes that the peer has sent
---memory:sslFeedEnd() -- the peer has closed the connection
---print(memory:sslConnect():condition()) --> plain_http
---```
function SciSslSocket.onMemory(context) end

---Accepts the next connection of a listening socket. The new socket has the context and the blocking mode of the listening
---one. Call `sslInitialize` and `sslAccept` on it.
---
---@within Making one, closing, the memory transport
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

---Makes the handshake as a server. It needs a connected transport and `sslInitialize`. On a blocking socket it returns when
---the handshake is completed or has failed.
---
---@within The document's protocol
---@return integer|SciSslError # 1: the connection is secure; 0 or less: not ready: do what `sslGetError` says, then repeat the call; a SciSslError (phase `accept`): the handshake has failed, or something is missing
---@see SSL_accept(3)
---@usage
---```lua
---local clientAnswer, serverAnswer = newClient:sslConnect(), nil
---repeat
---  serverAnswer = newServer:sslAccept()
---  clientAnswer = newClient:sslConnect()
---until clientAnswer == 1 and serverAnswer == 1 -- a real program waits in between for what sslGetError returns
---print(newClient:isSecure()) --> true
---```
function SciSslSocket:sslAccept() end

---Makes the handshake as a client. It needs a connected transport and `sslInitialize`. On a blocking socket it returns when
---the handshake is completed or has failed.
---
---@within The document's protocol
---@return integer|SciSslError # 1: the connection is secure; 0 or less: not ready: do what `sslGetError` says, then repeat the call; a SciSslError (phase `connect`): the handshake has failed, or something is missing
---@see SSL_connect(3)
---@usage
---```lua
---local clientAnswer, serverAnswer = newClient:sslConnect(), nil
---repeat
---  serverAnswer = newServer:sslAccept()
---  clientAnswer = newClient:sslConnect()
---until clientAnswer == 1 and serverAnswer == 1 -- a real program waits in between for what sslGetError returns
---print(newClient:isSecure()) --> true
---```
function SciSslSocket:sslConnect() end

---Makes a new SSL structure with the settings that the context has at this moment: method, options, verification, time-outs,
---certificates, trust. Later changes of the context do not reach it. A TCP socket gets `TCP_NODELAY`;
---`setSockOpt("TCP_NODELAY", false)` takes it away again.
---
---@within The document's protocol
---@return SciSslSocket? # the receiver
---@return SciSslError? # condition `closed`; `handshake_under_way`: there is a TLS connection; `ktls`: the kernel encrypts what this socket sends, and cannot stop; `in_finalizer`: an initialized socket cannot be initialized again inside a finalizer
---@see SSL_new(3)
---@usage
---```lua
---local socket = scissl.SciSslSocket.onMemory(context)
---assert(socket:sslInitialize()) -- copies the context's present settings
---```
function SciSslSocket:sslInitialize() end

---Returns the `SSL_ERROR_…` code behind a result of this socket. The code is kept with the result, so it stays the same however
---late, and however often, it is asked for.
---
---@within The document's protocol
---@param value integer|string|SciSslError what `sslConnect`, `sslRead` … returned
---@return integer # `SSL_ERROR_NONE` for a result, `SSL_ERROR_WANT_READ`, `SSL_ERROR_WANT_WRITE` … for "not ready", `SSL_ERROR_ZERO_RETURN` where the peer has closed, `SSL_ERROR_SSL` or `SSL_ERROR_SYSCALL` for a SciSslError
---@raise for a value that no call returns
---@see SSL_get_error(3)
---@usage
---```lua
---local answer = server:sslRead()
---print(answer <= 0, server:sslGetError(answer) == scissl.SSL_ERROR_WANT_READ) --> true true
---client:close()
---print(server:sslGetError(server:sslRead()) == scissl.SSL_ERROR_ZERO_RETURN) --> true
---```
function SciSslSocket:sslGetError(value) end

---Ends the TLS connection and leaves the transport open. The first call sends our close_notify, the following ones wait for
---the peer's. Read first what the peer has sent before its close_notify: a call that finds such data returns the condition
---`unread_data` and changes nothing.
---
---@within The document's protocol
---@return integer|SciSslError # 1: both sides have closed; 0: ours is sent, the peer's has not come (`sslGetError` returns `SSL_ERROR_WANT_READ`); less: not ready, as in `sslConnect`; a SciSslError (phase `shutdown`, condition `handshake_needed`, `unread_data`, `write_pending`, `handshake_pending`: a renegotiation or another message has begun and is not complete …), or the failure of the write before it
---@see SSL_shutdown(3)
---@usage
---```lua
---print(client:sslShutdown()) --> 0 -- our close_notify is sent
---print(server:sslRead()) --> 0 -- the peer has closed
---print(server:sslShutdown()) --> 1
---print(read(client, server)) --> 0
---print(client:sslShutdown()) --> 1
---```
function SciSslSocket:sslShutdown() end

---Reads what the peer has sent: all records that one read of the transport brings, in one string. A blocking socket waits for
---the first byte. With DTLS it reads one message, whole.
---
---@within Bytes and event loops
---@param max? integer (default: 65536) bytes at most; one call returns at most 65536
---@return string|integer|SciSslError # the bytes; 0: the peer has sent close_notify (`SSL_ERROR_ZERO_RETURN`); less: not ready; a SciSslError (phase `read`, condition `truncated`: the transport ended without close_notify; `handshake_needed`, `closed`; `too_many_key_updates`, `too_many_tickets`, `too_many_renegotiations` …: the peer sends these and no data; `message_too_long`: DTLS: the message has more than `max` bytes, and stays)
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

---Reads a number of bytes into one string, for protocols that say how many follow. A blocking socket waits for all of them. A
---non-blocking socket returns fewer where no more have arrived.
---
---@within Bytes and event loops
---@param size integer bytes, 1 … 1073741824
---@return string|integer|SciSslError # as `sslRead`; where the stream ends behind some bytes, the next call returns the end. Of DTLS: condition `datagrams`
---@usage
---```lua
---server:sslWrite "hello"
---print(client:sslReadSized(65536)) --> …
---```
function SciSslSocket:sslReadSized(size) end

---Reads as `sslRead` does, but from one record, and leaves the bytes to be read again.
---
---@within Bytes and event loops
---@param max? integer (default: 65536) bytes at most
---@return string|integer|SciSslError # as `sslRead`
---@see SSL_peek_ex(3)
---@usage
---```lua
---client:sslWrite "hello"
---read(server, client, 1)
---print(server:sslPending()) --> 4
---print(server:sslPeek()) --> ello
---print(server:dirty()) --> true -- decrypted bytes wait, which poll(2) does not see
---```
function SciSslSocket:sslPeek(max) end

---Returns how many bytes of the current record `sslRead` would return without reading the transport.
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
---print(server:dirty()) --> true -- decrypted bytes wait, which poll(2) does not see
---```
function SciSslSocket:sslPending() end

---Sets whether TLS reads many records at once from the transport (the default), or one record at a time. With `false`, what the
---peer sends behind its close_notify stays in the transport, for a program that goes on in plain text.
---
---@within Bytes and event loops
---@param ahead boolean
---@return SciSslSocket? # the receiver
---@return SciSslError? # condition `closed` or `not_initialized`
---@see SSL_set_read_ahead(3)
---@usage
---```lua
---assert(memoryClient:sslSetReadAhead(false)) -- so that bytes after the end of TLS stay in the transport
---print(memoryClient:sslUnread() == "") --> true
---```
function SciSslSocket:sslSetReadAhead(ahead) end

---Tells whether there is something to read that does not make the descriptor readable: bytes, the end or a failure that
---arrived together with earlier bytes. Read until it is false, then wait.
---
---@within Bytes and event loops
---@return boolean
---@usage
---```lua
---client:sslWrite "hello"
---read(server, client, 1)
---print(server:sslPending()) --> 4
---print(server:sslPeek()) --> ello
---print(server:dirty()) --> true -- decrypted bytes wait, which poll(2) does not see
---```
function SciSslSocket:dirty() end

---Returns what the socket waits for on its descriptor, as cqueues asks for it: what the last call wanted, or the end of the
---connection attempt.
---
---@within Bytes and event loops
---@return string # `"r"` or `"w"`
---@usage
---```lua
---print(client:events()) --> r
---print(client:timeout()) --> nil
---```
function SciSslSocket:events() end

---Returns how long a loop may wait for the descriptor, as cqueues asks for it. In a handshake of DTLS this is the time until what
---was sent last has to be sent again: then call `sslHandleTimeout`.
---
---@within Bytes and event loops
---@return number? # seconds; 0 where the socket is `dirty`; nil: without a limit
---@usage
---```lua
---print(client:events()) --> r
---print(client:timeout()) --> nil
---```
function SciSslSocket:timeout() end

---Sends a part of a file. Where the kernel encrypts (see `ktls`), the kernel also reads the file, and no byte of it is copied to
---this process. Elsewhere the file is read into a buffer and encrypted from there, without a Lua string. The position of the
---file does not move. Bytes that were written to the file and not flushed are not sent. `sslSetRecordSizing` has no effect on
---what the kernel sends.
---
---@within Bytes and event loops
---@param file file* a regular file, open for reading
---@param offset? integer (default: 0) where to begin in the file
---@param count? integer bytes at most; without it, to the end of the file
---@return integer|SciSslError # as `sslWrite`: how many bytes were taken; call again with `offset` and `count` moved on by the result until all are sent; 0: the file ends there. A SciSslError about the file has the phase `write` and the condition `datagrams`: the connection is one of DTLS; `file_unreadable`: the file is not open for reading; `file_directory`; `not_seekable`: a pipe or a terminal
---@see SSL_sendfile(3)
---@see pread(2)
---@usage
---```lua
---local file <close> = assert(io.open "server.pem")
---local size = file:seek "end"
---print(client:sendfile(file, 0, size) == size) --> true
---```
function SciSslSocket:sendfile(file, offset, count) end

---Tells whether the kernel encrypts and decrypts in place of OpenSSL (kTLS). After the handshake the kernel encrypts what is sent
---over TCP, where the context has the option (`setOptions "enable_ktls"`), OpenSSL was compiled with it
---(`scissl.features.kTLS`), the system is Linux with the module `tls` loaded, and the connection uses an AEAD cipher (AES-GCM,
---ChaCha20-Poly1305) with records of full length and without padding. Elsewhere OpenSSL encrypts, and nothing else is
---different. OpenSSL always decrypts what is received.
---
---The keys of the kernel cannot be renewed: `sslKeyUpdate`, `sslRenegotiate` and a second TLS connection over the same descriptor
---fail. A peer that asks for new keys with a KeyUpdate ends the connection (condition `ktls`).
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

---Writes bytes. A blocking socket returns when all are sent. A non-blocking one may take fewer: call again with `i` moved on by
---the result. After "not ready" repeat the call with the same bytes; the socket checks that. With DTLS the bytes are one message,
---which is sent in one datagram; after "not ready" it was not sent, and need not be repeated.
---
---@within Bytes and event loops
---@param data string
---@param i? integer (default: 1) first byte, as in `string.sub`
---@param j? integer (default: -1) last byte
---@return integer|SciSslError # how many bytes were taken; 0 where `data` is empty; less: not ready; a SciSslError (phase `write`, condition `handshake_needed`, `write_pending`, `shutdown_sent`, `broken_pipe`, `closed` …; of DTLS `message_too_long`, `empty_message`)
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

---Writes the strings of a table in full records, without making a joined string: for a head and a body, or many small pieces.
---With DTLS they are one message.
---
---@within Bytes and event loops
---@param strings string[]
---@param skip? integer (default: 0) bytes that earlier calls have taken
---@return integer|SciSslError # as `sslWrite`: how many bytes were taken; call again with `skip` moved on by the result
---@raise where one of `strings` is no string, or is missing
---@usage
---```lua
---local pieces = { "HTTP/1.0 200 OK\r\n\r\n", "hello" }
---print(client:sslWritev(pieces)) --> 24
---print(#read(server, client)) --> 24
---```
function SciSslSocket:sslWritev(strings, skip) end

---Makes the first records short and later ones full: the peer can use the first bytes as soon as one packet has come, and a long
---transfer is still efficient. `sslInitialize` turns it off.
---
---@within Bytes and event loops
---@param first integer? bytes of a short record, 512 … 16384 (1,300 fit into one packet on most networks); nil: all records are full
---@param upTo? integer (default: 65536) bytes that are sent in short records
---@param pause? number (default: 1) seconds without a write, after which records are short again
---@return SciSslSocket # the receiver
---@usage
---```lua
---client:sslSetRecordSizing(1300) -- the peer can decrypt the first bytes as soon as one packet has arrived
---```
function SciSslSocket:sslSetRecordSizing(first, upTo, pause) end

---Tells whether TLS protects what is written now: true from the end of the handshake until the connection is closed, shut down
---or has failed.
---
---@within The peer
---@return boolean
---@usage
---```lua
---print(newClient:isSecure(), client:isSecure()) --> false true
---```
function SciSslSocket:isSecure() end

---Returns the cipher in use.
---
---@within The peer
---@return SciSslCipher? # nil before there is one
---@see SSL_get_current_cipher(3)
---@usage
---```lua
---print(client:version(), client:cipher():name()) --> TLSv1.3 TLS_AES_256_GCM_SHA384
---```
function SciSslSocket:cipher() end

---Returns the protocol version in use.
---
---@within The peer
---@return string? # `TLSv1.2`, `TLSv1.3` …; nil before there is one
---@see SSL_get_version(3)
---@usage
---```lua
---print(client:version(), client:cipher():name()) --> TLSv1.3 TLS_AES_256_GCM_SHA384
---```
function SciSslSocket:version() end

---Returns the verification result of the peer's certificate or raw public key, whatever the verification flags are.
---
---@within The peer
---@return integer? # `X509_V_OK` or an `X509_V_ERR_…`; nil the peer presented no certificate, or the handshake is not completed
---@return string # its text; which of these
---@see SSL_get_verify_result(3)
---@usage
---```lua
---local code, text = client:sslVerifyCertificate()
---print(code == scissl.X509_V_OK, text) --> true ok
---print(server:sslVerifyCertificate()) --> nil …
---```
function SciSslSocket:sslVerifyCertificate() end

---Returns the peer's certificate.
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

---Returns the certificates that the peer presented, as it sent them, its own first.
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

---Returns the server name of the connection (SNI): on a client the name to send, on a server the name that was received.
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

---Collects every verification error of the peer's certificates for `verifyErrors`. Where `goOn` is true, no verification error ends
---the handshake: then the caller itself must decide about the peer. `sslSetContext` and `sslInitialize` turn it off.
---
---@within The peer
---@param goOn? boolean (default: false)
---@return SciSslSocket? # the receiver
---@return SciSslError? # condition `not_initialized`, `handshake_under_way`, `closed`
---@see SSL_set_verify(3)
---@usage
---```lua
---assert(newClient:sslSetVerifyHost "elsewhere.example")
---assert(newClient:sslNoteVerifyErrors(true)) -- verification errors do not end the handshake: look at verifyErrors()
---handshake(newClient, newServer)
---print(newClient:verifyErrors()[1].text) --> hostname mismatch
---```
function SciSslSocket:sslNoteVerifyErrors(goOn) end

---Returns the verification errors of the peer's certificates in the order in which they were found.
---
---@within The peer
---@return table[] # `depth` (integer: which certificate of the chain, 0 is the peer's own), `code` (integer, an `X509_V_ERR_…`), `text`; the first 32; empty where there was none, or `sslNoteVerifyErrors` was not called
---@usage
---```lua
---assert(newClient:sslSetVerifyHost "elsewhere.example")
---assert(newClient:sslNoteVerifyErrors(true)) -- verification errors do not end the handshake: look at verifyErrors()
---handshake(newClient, newServer)
---print(newClient:verifyErrors()[1].text) --> hostname mismatch
---```
function SciSslSocket:verifyErrors() end

---Sets the group of a server's DHE key exchange for this connection. By default the group fits the strength of the server's
---certificate, which is the better choice unless a peer needs a certain group. OpenSSL 4.0 and later negotiate the group with
---clients that name one for DHE (RFC 7919): then `setGroups` of both sides counts, and this does not.
---
---@within Settings of one connection
---@param pem string|function text with `DH PARAMETERS` or `X9.42 DH PARAMETERS`; or a function that returns it, or nil for none, and is called where a cipher suite with DHE was negotiated. It cannot yield; what it raises ends the handshake
---@return SciSslSocket? # the receiver
---@return SciSslError? # phase `load`: condition `not_dh_parameters`; `security_level`: the group is too small for it; `not_initialized`, `handshake_under_way`, `closed`
---@see SSL_set0_tmp_dh_pkey(3)
---@usage
---```lua
---local done, err = newServer:sslSetDhParameters "rubbish"
---print(err:condition()) --> not_dh_parameters -- PEM text with -----BEGIN DH PARAMETERS----- was expected
---```
function SciSslSocket:sslSetDhParameters(pem) end

---Sets how this connection verifies the peer's certificate, in place of the flags of the context.
---
---@within Settings of one connection
---@param flags integer as `SciSslContext:setVerify`
---@return SciSslSocket? # the receiver
---@return SciSslError? # condition `verify_flags`, `not_initialized`, `handshake_under_way` or `closed`
---@see SSL_set_verify(3)
---@usage
---```lua
---assert(newClient:sslSetVerify(scissl.SSL_VERIFY_PEER))
---```
function SciSslSocket:sslSetVerify(flags) end

---Sets how long the message with the peer's certificates may be, in place of the length of the context.
---
---@within Settings of one connection
---@param bytes integer as `SciSslContext:setMaxCertList`
---@return SciSslSocket? # the receiver
---@return SciSslError? # condition `not_initialized`, `handshake_under_way` or `closed`
---@see SSL_set_max_cert_list(3)
---@usage
---```lua
---assert(newClient:sslSetMaxCertList(20000)) -- bytes
---```
function SciSslSocket:sslSetMaxCertList(bytes) end

---Sets the server name that a client sends (SNI). An IP address is accepted but not sent, as RFC 6066 demands.
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

---Sets the host name or IP address that the peer's certificate must match. In a certificate without DNS names the common name of
---the subject counts, unless the flag `never_check_subject` is set. The host is verified together with the chain, so the flags of
---`sslSetVerify` decide what a mismatch does.
---
---@within Settings of one connection
---@param nameOrAddress string brackets around an address, its zone, and a dot at the end of a name are ignored: `"[::1]"`, `"fe80::1%eth0"`, `"example.com."`
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

---Sets host names, of which the peer's certificate must match one, in place of those of `sslSetVerifyHost` or the context. With
---an empty list every name is accepted.
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

---Sets how this connection compares host names, in place of the flags of the context.
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

---Sets the application protocols of this connection, in place of those of the context: before the handshake, or while it is
---suspended at `"clientHello"`.
---
---@within Protocols, ciphers, groups, ALPN
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

---Returns the negotiated application protocol (ALPN).
---
---@within Protocols, ciphers, groups, ALPN
---@return string? # nil where there is none
---@see SSL_get0_alpn_selected(3)
---@usage
---```lua
---print(client:alpnProtocol()) --> nil
---print(server:serverName()) --> localhost
---```
function SciSslSocket:alpnProtocol() end

---Sets the certificate of this connection, in place of those of the context: before the handshake, or while it is suspended at
---`"clientHello"` or `"certificate"`.
---
---@within Own certificates and keys
---@param certificate SciSslX509Certificate|string|table one; or PEM text, or an array, with this end's own first and its issuers behind it; or the DER of one certificate
---@param key SciSslPrivateKey|string an object; or PEM text, or DER
---@param passphrase? string|function of an encrypted PEM text or DER
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

---Returns the client CA list of the server: the names of the issuers whose certificates the peer accepts.
---
---@within Own certificates and keys
---@param format? string (default: "text") `"text"`: RFC 2253; `"der"`: the names as they came
---@return string[] # empty where the peer has sent none
---@see SSL_get0_peer_CA_list(3)
---@usage
---```lua
---print(#newClient:acceptedIssuers()) --> 0
---```
function SciSslSocket:acceptedIssuers(format) end

---Returns the certificate of this end: of several, after the handshake, the one that was chosen for this peer. A client sends it
---only where the server asks for one.
---
---@within Own certificates and keys
---@return SciSslX509Certificate? # nil where there is none, before `sslInitialize`, after `close`, and where a session was resumed and there are several: the session does not say which of them it was made with
---@see SSL_get_certificate(3)
---@usage
---```lua
---print(server:localCertificate() == certificate) --> true
---print(#server:localChain()) --> 1
---```
function SciSslSocket:localCertificate() end

---Returns the certificates of this end as they were loaded, its own first. Where no issuers were loaded, OpenSSL adds them from
---the trust store when it sends the chain; those are not returned.
---
---@within Own certificates and keys
---@return SciSslX509Certificate[] # empty where `localCertificate` is nil
---@see SSL_get0_chain_certs(3)
---@usage
---```lua
---print(server:localCertificate() == certificate) --> true
---print(#server:localChain()) --> 1
---```
function SciSslSocket:localChain() end

---Rejects a server without a certificate: a client does not offer the anonymous cipher suites of its cipher list. Otherwise a
---server that chooses one of them passes, whatever the flags of `sslSetVerify` are. A server that has the pre-shared key still
---needs no certificate. A server itself excludes anonymous cipher suites where `sslSetVerify` has
---`SSL_VERIFY_FAIL_IF_NO_PEER_CERT`.
---
---@within Verification
---@return SciSslSocket? # the receiver
---@return SciSslError? # condition `anonymous_ciphers`: the list has no other suites; `not_initialized`, `handshake_under_way` or `closed`
---@see SSL_CIPHER_get_auth_nid(3)
---@usage
---```lua
---assert(newClient:sslRequireCertificate()) -- offers no cipher suite without a certificate or a pre-shared key
---```
function SciSslSocket:sslRequireCertificate() end

---Sets where the handshake is suspended, so that its caller can decide something. At such a point `sslAccept` or `sslConnect`
---returns "not ready", and `sslGetError` tells which point it is. The repeated call goes on. Each point comes once.
---
---* `"clientHello"`, `SSL_ERROR_WANT_CLIENT_HELLO_CB`, servers: `clientHello()` returns the ClientHello; `sslSetContext`,
---  `sslUseCertificate`, `sslSetAlpn`, `sslSetVerify`, `setSession` and `sslRefuse` can be called
---* `"certificate"`, `SSL_ERROR_WANT_X509_LOOKUP`: this end needs its certificate; `sslUseCertificate` sets it. On a client
---  `acceptedIssuers()` returns the issuers that the server accepts
---* `"verify"`, `SSL_ERROR_WANT_RETRY_VERIFY`: `sslVerdict()` returns OpenSSL's verification result for the peer, which counts
---  unless `sslApprove` or `sslRefuse` is called. A client, and a server up to TLS 1.2, are suspended in mid-handshake, so that
---  a rejected peer gets an alert. A server of TLS 1.3, and a client that resumes a session, are suspended when the handshake is
---  done, before any application data is read; such a server accepts no early data
---
---@within Suspended handshakes
---@param ... string any of these names; none: the handshake is not suspended
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

---Rejects the peer in a suspended handshake: the next call sends the alert and returns the SciSslError. Its condition is
---`refused`, or `handler_failed` where there is a `cause`.
---
---At `"clientHello"` any alert can be sent. At `"certificate"` OpenSSL always sends internal_error. At `"verify"` a server can
---send any alert; a client can send bad_certificate, unsupported_certificate, certificate_revoked, certificate_expired,
---unknown_ca, decrypt_error, handshake_failure and internal_error, and sends certificate_unknown in place of all others. A
---client that has resumed a session sends no alert: after the handshake OpenSSL has no function for that.
---
---@within Suspended handshakes
---@param alert? string|integer its name in the RFCs, or its number; default `bad_certificate` at `"verify"`, else `handshake_failure`
---@param reason? string for our own SciSslError: its message
---@param cause? any any value, for our own SciSslError
---@param traceback? string of the cause
---@return SciSslSocket? # the receiver
---@return SciSslError? # condition `not_suspended`, `closed`
---@raise for an unknown alert
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

---Returns the records of the ClientHello as they came; with DTLS one record with the message that OpenSSL uses, whatever
---fragments came. `clientHello()` parses them. Where the client has hidden its ClientHello (ECH) and
---this server has decrypted it, the hidden one is returned, as one record.
---
---@within Suspended handshakes
---@return string? # nil where the handshake is not suspended, or `sslSuspendAt` has not named `"clientHello"`
---@see RFC 8446, section 4.1.2
---@usage
---```lua
---assert(newServer:sslSuspendAt "clientHello")
---newClient:sslConnect()
---newServer:sslAccept()
---print(newServer:clientHello():serverName()) --> localhost
---print(newServer:clientHelloRecords():byte() == 22) --> true -- a handshake record, as it was received
---assert(newServer:sslSetContext(serverContext)) -- continue with this context
---```
function SciSslSocket:clientHelloRecords() end

---Switches to another context, while the handshake is suspended at `"clientHello"`. All settings of that context hold, as if the
---socket had been initialized with it and the ClientHello had come now. Settings of the socket that replace those of a context
---are lost, and must be made again after this call: `sslSetVerify`, `sslSetPins`, `sslUseCertificate`, `sslSetAlpn`,
---`sslSetOcspResponse`, `sslSetDhParameters`, `sslNoteVerifyErrors`, `setSession`. Settings that a context does not have stay: `sslSetReadAhead`,
---`sslSetRecordSizing`, `sslSuspendAt`, `sslSetTicketAppData`, `sslTrace`; of DTLS `sslSetMtu` and `sslSetRetransmission`.
---
---@within Suspended handshakes
---@param context SciSslContext
---@return SciSslSocket? # the receiver
---@return SciSslError? # condition `not_suspended`, `closed`, `in_finalizer`; `not_dtls`, `not_a_stream`: the context is one of TLS, and the socket speaks DTLS, or the other way round. The handshake stays as it was; or it has ended, where memory ran out for the new one
---@see sslSuspendAt
---@usage
---```lua
---assert(newServer:sslSuspendAt "clientHello")
---newClient:sslConnect()
---newServer:sslAccept()
---print(newServer:clientHello():serverName()) --> localhost
---print(newServer:clientHelloRecords():byte() == 22) --> true -- a handshake record, as it was received
---assert(newServer:sslSetContext(serverContext)) -- continue with this context
---```
function SciSslSocket:sslSetContext(context) end

---Returns the context of the connection: the one that it was made with, or that `sslSetContext` has set.
---
---@within Suspended handshakes
---@return SciSslContext
---@usage
---```lua
---print(client:getContext():describe().minProtocol) --> …
---```
function SciSslSocket:getContext() end

---Approves the peer in a handshake that is suspended at `"verify"`, whatever OpenSSL's verification result is. Then repeat the
---call. The approval holds for that certificate until the connection ends. `sslVerifyCertificate` still returns OpenSSL's own
---result. With `SSL_VERIFY_FAIL_IF_NO_PEER_CERT` a client without a certificate is rejected before this point.
---
---@within Suspended handshakes
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

---Returns OpenSSL's verification result for the peer, while the handshake is suspended at `"verify"`.
---
---@within Suspended handshakes
---@return table? # with the fields - `ok`: boolean: the peer has presented a certificate or a raw public key, and it passes - `code`: integer, `X509_V_OK` or an `X509_V_ERR_…`; nil where there is no certificate - `text`: the code in words - `depth`: integer: the certificate of the chain that the code is about; 0 is the peer's own - `chain`: array of SciSslX509Certificate: what the peer presented, its own first; empty where it presented none - `rawPublicKey`: table as of `peerRawPublicKey`; nil where the peer presented none - `verified`: array: the chain that OpenSSL built; empty where it could not build one - `resumed`: boolean: the certificates are those of a resumed session
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

---Returns what the client offers, while the handshake is suspended at `"clientHello"` (see `sslSuspendAt`), or at a
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
---print(newServer:clientHelloRecords():byte() == 22) --> true -- a handshake record, as it was received
---assert(newServer:sslSetContext(serverContext)) -- continue with this context
---```
function SciSslSocket:clientHello() end

---Asks for a new handshake on a TLS 1.2 connection. This call sends the request; the handshake itself takes place inside the
---reads that follow on both sides.
---
---@within After the handshake
---@return integer|SciSslError # 1: the request has gone out; 0 or less: not ready; a SciSslError (condition `handshake_needed`, `renegotiation_refused`; `ktls`: the kernel has the keys; `protocol_version`: TLS 1.3 has no renegotiation, see `sslKeyUpdate`)
---@see SSL_renegotiate(3)
---@usage
---```lua
---print(client:sslRenegotiate():condition()) --> protocol_version -- TLS 1.3 has none
---print(client12:sslRenegotiate():condition()) --> renegotiation_refused
---```
function SciSslSocket:sslRenegotiate() end

---Renews the keys of a TLS 1.3 connection.
---
---@within After the handshake
---@param both? boolean (default: false) ask the peer to renew its keys as well
---@return integer|SciSslError # 1: the message has gone out; 0 or less: not ready; a SciSslError (condition `handshake_needed`, `protocol_version`: TLS 1.2 has none, or `ktls`: the kernel has the keys)
---@see SSL_key_update(3)
---@usage
---```lua
---print(client:sslKeyUpdate(true)) --> 1
---```
function SciSslSocket:sslKeyUpdate(both) end

---Asks the client for a certificate after the handshake, on a server of TLS 1.3 whose flags have `SSL_VERIFY_PEER`. The
---certificate arrives during the reads that follow: then `peerCertificate` returns it, or the read fails as the handshake
---would have.
---
---@within After the handshake
---@return integer|SciSslError # 1: the request has gone out; 0 or less: not ready; a SciSslError (condition `handshake_needed`, `wrong_role`, `protocol_version`, `write_pending`, `post_handshake_refused`: the client does not support it; `request_sent`: it was asked before)
---@see SSL_verify_client_post_handshake(3)
---@usage
---```lua
---print(server:sslVerifyClientPostHandshake():condition()) --> post_handshake_refused
----- With setPostHandshakeAuth(true) on the client's context, and SSL_VERIFY_PEER here, it returns 1.
---```
function SciSslSocket:sslVerifyClientPostHandshake() end

---Sets application data for the tickets that this server sends. It is encrypted with the ticket, and a server that resumes the
---session can read it.
---
---@within Sessions
---@param bytes string? nil: none
---@return SciSslSocket? # the receiver
---@return SciSslError? # condition `not_initialized`, `closed`
---@see SSL_SESSION_set1_ticket_appdata(3)
---@usage
---```lua
---assert(newServer:sslSetTicketAppData "user 12")
---print(newServer:ticketAppData()) --> nil -- only after a session that has such data was resumed
---```
function SciSslSocket:sslSetTicketAppData(bytes) end

---Returns the application data of the ticket whose session this connection has resumed, see `sslSetTicketAppData`.
---
---@within Sessions
---@return string? # nil where there is none
---@see SSL_SESSION_get0_ticket_appdata(3)
---@usage
---```lua
---assert(newServer:sslSetTicketAppData "user 12")
---print(newServer:ticketAppData()) --> nil -- only after a session that has such data was resumed
---```
function SciSslSocket:ticketAppData() end

---Sends more tickets, on a server of TLS 1.3. Repeat the same call while it returns "not ready".
---
---@within Sessions
---@param count? integer (default: 1) 1 … 255
---@return integer|SciSslError # 1: they were sent; 0 or less: not ready; a SciSslError (condition `handshake_needed`, `wrong_role`, `protocol_version`, `write_pending`)
---@see SSL_new_session_ticket(3)
---@usage
---```lua
---print(server:sslSendTickets(2)) --> 1
---```
function SciSslSocket:sslSendTickets(count) end

---Returns the sessions that this connection has made since the last call, the oldest first; the newest 8 are kept. A server of
---TLS 1.3 sends several, and each should be used once; a client processes here what has arrived. On a server the context must
---have a store (see `SciSslContext:setSessionStore`).
---
---@within Sessions
---@return OSSslSession[]
---@see SSL_CTX_sess_set_new_cb(3)
---@usage
---```lua
---server:sslWrite "hello"
---read(client, server)
---print(#client:newSessions()) --> 2
---```
function SciSslSocket:newSessions() end

---Sets the session that the handshake should resume. Where the server does not accept it, a full handshake follows. A client
---that verifies offers the session only if the server's certificate and its whole chain pass now: trust store, CRLs, time, host,
---purpose, security level. Otherwise it makes a full handshake. A server can set the session while the handshake is suspended at
---`"clientHello"`; its id must be the `sessionId()` of the ClientHello.
---
---@within Sessions
---@param session OSSslSession
---@return SciSslSocket? # the receiver
---@return SciSslError? # condition `not_initialized`, `handshake_under_way` or `closed`
---@see SSL_set_session(3)
---@usage
---```lua
---assert(newClient:setSession(session)) -- of an earlier connection: client:getSession()
---print(newClient:isSessionReused()) --> false -- the handshake has not begun
---```
function SciSslSocket:setSession(session) end

---Tells whether the handshake resumed a session.
---
---@within Sessions
---@return boolean
---@see SSL_session_reused(3)
---@usage
---```lua
---assert(newClient:setSession(session)) -- of an earlier connection: client:getSession()
---print(newClient:isSessionReused()) --> false -- the handshake has not begun
---```
function SciSslSocket:isSessionReused() end

---Returns the newest session of this connection that can be resumed. In TLS 1.3 the server sends it after the handshake; a client
---processes here what has arrived.
---
---@within Sessions
---@return OSSslSession? # nil where there is none yet, or another connection has used it. It stays resumable when the context drops its own copy or is closed
---@return SciSslError? # condition `memory_full`
---@see SSL_get1_session(3)
---@usage
---```lua
---assert(newClient:setSession(session)) -- of an earlier connection: client:getSession()
---print(newClient:isSessionReused()) --> false -- the handshake has not begun
---```
function SciSslSocket:getSession() end

---Sends early data in TLS 1.3, before the handshake is done: after `setSession` and before `sslConnect`, in one or more calls.
---An attacker who records it can send it again: use it only for requests that change nothing. After the handshake
---`earlyDataStatus` tells whether the server has accepted it; if not, the caller must send it again.
---
---@within Early data
---@param data string
---@param i? integer (default: 1) first byte, as in `string.sub`
---@param j? integer (default: -1) last byte
---@return integer|SciSslError # how many bytes were taken; 0 or less: not ready, as in `sslConnect`; a SciSslError (phase `connect`, condition `not_replayable`: there is no session; or it does not allow early data, was used or is too old; or this connection asks for another server name, protocol or version. Then `sslConnect` makes a full handshake. `too_late`: the handshake has begun; `wrong_role` …)
---@see SSL_write_early_data(3)
---@usage
---```lua
---local answer = newClient:sslWriteReplayable "GET / HTTP/1.0\r\n\r\n"
---print(answer:condition()) --> not_replayable -- there is no session that allows it
---print(newServer:sslReadReplayable() <= 0) --> true
---print(client:earlyDataStatus()) --> nil
---```
function SciSslSocket:sslWriteReplayable(data, i, j) end

---Tells whether the server has accepted the early data.
---
---@within Early data
---@return string? # `"accepted"` or `"rejected"`; nil: none was sent, or the handshake is not done
---@see SSL_get_early_data_status(3)
---@usage
---```lua
---local answer = newClient:sslWriteReplayable "GET / HTTP/1.0\r\n\r\n"
---print(answer:condition()) --> not_replayable -- there is no session that allows it
---print(newServer:sslReadReplayable() <= 0) --> true
---print(client:earlyDataStatus()) --> nil
---```
function SciSslSocket:earlyDataStatus() end

---Reads early data that the client sends before the handshake is done. Call it in place of the first `sslAccept` until it returns
---0, then call `sslAccept`. A server that does not call it accepts no early data. The data may be a replay: recorded and sent
---again by an attacker.
---
---@within Early data
---@param max? integer (default: 16384) bytes at most; one call returns at most 16384
---@return string|integer|SciSslError # the bytes; 0: no more early data, `sslGetError` returns `SSL_ERROR_NONE`; less: not ready, as in `sslAccept`; a SciSslError (phase `accept`, condition `too_late`, `wrong_role` …)
---@see SSL_read_early_data(3)
---@usage
---```lua
---local answer = newClient:sslWriteReplayable "GET / HTTP/1.0\r\n\r\n"
---print(answer:condition()) --> not_replayable -- there is no session that allows it
---print(newServer:sslReadReplayable() <= 0) --> true
---print(client:earlyDataStatus()) --> nil
---```
function SciSslSocket:sslReadReplayable(max) end

---Sends data from a server of TLS 1.3 before the client's last message of the handshake has come ("0.5-RTT data"): after
---`sslReadReplayable` has returned 0, and before `sslAccept`. The client may be anybody, and may have replayed a recorded
---ClientHello: send only what is for everybody, such as a greeting.
---
---@within Early data
---@param data string
---@param i? integer (default: 1) first byte, as in `string.sub`
---@param j? integer (default: -1) last byte
---@return integer|SciSslError # how many bytes were taken; 0 or less: not ready, as in `sslAccept`; a SciSslError (phase `accept`, condition `early_data_first`: `sslReadReplayable` has not returned 0; `client_unverified`: this server asks for a client certificate, or is suspended at `"verify"`; `too_late`: the handshake is done, as always up to TLS 1.2; `wrong_role` …)
---@see SSL_write_early_data(3)
---@see RFC 8446, section 4.6.1
---@usage
---```lua
---print(newServer:sslWriteHalfRtt("220 ready\r\n"):condition()) --> early_data_first -- call sslReadReplayable first
---```
function SciSslSocket:sslWriteHalfRtt(data, i, j) end

---Returns the identity of the pre-shared key with which a client has made this connection to a server. A connection that resumes
---its session has none.
---
---@within Pre-shared keys
---@return string? # nil where no pre-shared key was used, and on clients
---@usage
---```lua
---print(server:pskIdentity()) --> nil
---```
function SciSslSocket:pskIdentity() end

---Sets the OCSP response that this connection of a server staples, in place of that of the context: before the handshake, or
---while it is suspended at `"clientHello"` or `"certificate"`.
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

---Returns the OCSP response that the server has stapled. `SciSslOcsp.parse` reads it. In TLS 1.3 it is there while the handshake
---is suspended at `"verify"`; up to TLS 1.2 it comes after the verification.
---
---@within Revocation
---@return string? # DER; nil where there is none: the client did not ask, the server has none, or a session was resumed
---@see SSL_get_tlsext_status_ocsp_resp(3)
---@usage
---```lua
---print(client:ocspResponse()) --> nil
---local status, err = client:sslVerifyOcsp()
---print(status, err:condition()) --> nil ocsp_missing
---```
function SciSslSocket:ocspResponse() end

---Verifies the OCSP response that the server has stapled, for the server's certificate and its issuer in the chain that OpenSSL
---has built. `sslVerifyCertificate` tells whether that issuer is trusted.
---
---@within Revocation
---@param options? table `at`: seconds since the epoch, the time of the verification (default: now); `skew`: seconds by which clocks may differ (default 300)
---@return table? # as `SciSslOcsp.check`: its `status` is `"good"`, `"revoked"` or `"unknown"`
---@return SciSslError? # phase `ocsp`, condition `ocsp_missing`, `ocsp_no_issuer`, or those of `SciSslOcsp.check`
---@raise for an unknown option, or an option of a wrong type
---@usage
---```lua
---print(client:ocspResponse()) --> nil
---local status, err = client:sslVerifyOcsp()
---print(status, err:condition()) --> nil ocsp_missing
---```
function SciSslSocket:sslVerifyOcsp(options) end

---Sends the last flight of a handshake of DTLS again, if the time for that has come (see `timeout`). The wait for the next time is
---twice as long. `sslConnect` and `sslAccept` do the same when they are repeated.
---
---@within DTLS
---@return boolean? # whether the flight was sent again
---@return SciSslError? # condition `no_reply`: the peer has replied to none of twelve flights, and the handshake has failed; `not_dtls`, `closed`, `not_initialized` …
---@see DTLSv1_handle_timeout(3)
---@usage
---```lua
---local context = scissl.SciSslContext.new "DTLS"
---local client = scissl.SciSslSocket.onMemory(context):sslInitialize():sslSetMtu(1400):sslSetRetransmission(0.5, 10)
---local server = scissl.SciSslSocket.onMemory(context):sslInitialize()
---print(client:sslMtu()) --> 1400 nil
---client:sslConnect() -- makes a ClientHello
---print(client:timeout() > 0.4, client:sslHandleTimeout()) --> true false
---server:sslFeed(client:sslDrain())
---print(server:sslListen "192.0.2.1:5684") --> -2
---client:sslFeed(server:sslDrain()) -- a cookie
---client:sslConnect()
---server:sslFeed(client:sslDrain())
---print(server:sslListen "192.0.2.1:5684") --> 1
---print(server:isDatagram()) --> true
---```
function SciSslSocket:sslHandleTimeout() end

---Sets how long a handshake of DTLS waits for a reply before it sends its last flight again: each time twice as long as before. By
---default this is a second at first, and at most a minute (RFC 6347, section 4.2.4.1). Shorter times are for networks that are
---known to be fast, longer ones for slow ones.
---
---@within DTLS
---@param first number seconds before the first time, 0.05 … 3600
---@param most? number (default: 60) seconds at most
---@return SciSslSocket? # the receiver
---@return SciSslError? # condition `not_dtls`, `not_initialized`, `closed`
---@see DTLS_set_timer_cb(3)
---@usage
---```lua
---local context = scissl.SciSslContext.new "DTLS"
---local client = scissl.SciSslSocket.onMemory(context):sslInitialize():sslSetMtu(1400):sslSetRetransmission(0.5, 10)
---local server = scissl.SciSslSocket.onMemory(context):sslInitialize()
---print(client:sslMtu()) --> 1400 nil
---client:sslConnect() -- makes a ClientHello
---print(client:timeout() > 0.4, client:sslHandleTimeout()) --> true false
---server:sslFeed(client:sslDrain())
---print(server:sslListen "192.0.2.1:5684") --> -2
---client:sslFeed(server:sslDrain()) -- a cookie
---client:sslConnect()
---server:sslFeed(client:sslDrain())
---print(server:sslListen "192.0.2.1:5684") --> 1
---print(server:isDatagram()) --> true
---```
function SciSslSocket:sslSetRetransmission(first, most) end

---Sets how many bytes a datagram of DTLS may have, without the headers of UDP and IP. Messages of the handshake are divided into
---such datagrams, and `sslWrite` refuses what does not fit into one. The default, 1,232, passes through every network; a longer
---datagram that the path does not carry is divided on its way, or lost. Where the system refuses one as too long for the path, the
---following ones are shorter: `sslWrite` returns `message_too_long`, and a flight of the handshake is sent again.
---
---`"path"`: as long as the system says that the path carries (see `SciSocket:pathMtu`), and datagrams are not divided on their way.
---Where it does not say so, the length stays as it is.
---
---@within DTLS
---@param bytes integer|string 256 … 65507; or `"path"`
---@return SciSslSocket? # the receiver
---@return SciSslError? # condition `not_dtls`, `not_initialized`, `closed`
---@see SSL_set_mtu(3)
---@usage
---```lua
---local context = scissl.SciSslContext.new "DTLS"
---local client = scissl.SciSslSocket.onMemory(context):sslInitialize():sslSetMtu(1400):sslSetRetransmission(0.5, 10)
---local server = scissl.SciSslSocket.onMemory(context):sslInitialize()
---print(client:sslMtu()) --> 1400 nil
---client:sslConnect() -- makes a ClientHello
---print(client:timeout() > 0.4, client:sslHandleTimeout()) --> true false
---server:sslFeed(client:sslDrain())
---print(server:sslListen "192.0.2.1:5684") --> -2
---client:sslFeed(server:sslDrain()) -- a cookie
---client:sslConnect()
---server:sslFeed(client:sslDrain())
---print(server:sslListen "192.0.2.1:5684") --> 1
---print(server:isDatagram()) --> true
---```
function SciSslSocket:sslSetMtu(bytes) end

---Returns how many bytes a datagram of DTLS may have, and how many bytes of a message fit into one.
---
---@within DTLS
---@return integer? # bytes of a datagram
---@return integer|SciSslError? # bytes of a message; nil before the handshake is completed; condition `not_dtls`, `not_initialized`, `closed`
---@see DTLS_get_data_mtu(3)
---@usage
---```lua
---local context = scissl.SciSslContext.new "DTLS"
---local client = scissl.SciSslSocket.onMemory(context):sslInitialize():sslSetMtu(1400):sslSetRetransmission(0.5, 10)
---local server = scissl.SciSslSocket.onMemory(context):sslInitialize()
---print(client:sslMtu()) --> 1400 nil
---client:sslConnect() -- makes a ClientHello
---print(client:timeout() > 0.4, client:sslHandleTimeout()) --> true false
---server:sslFeed(client:sslDrain())
---print(server:sslListen "192.0.2.1:5684") --> -2
---client:sslFeed(server:sslDrain()) -- a cookie
---client:sslConnect()
---server:sslFeed(client:sslDrain())
---print(server:sslListen "192.0.2.1:5684") --> 1
---print(server:isDatagram()) --> true
---```
function SciSslSocket:sslMtu() end

---Tells whether the socket speaks DTLS, over datagrams.
---
---@within DTLS
---@return boolean # false for TLS
---@usage
---```lua
---local context = scissl.SciSslContext.new "DTLS"
---local client = scissl.SciSslSocket.onMemory(context):sslInitialize():sslSetMtu(1400):sslSetRetransmission(0.5, 10)
---local server = scissl.SciSslSocket.onMemory(context):sslInitialize()
---print(client:sslMtu()) --> 1400 nil
---client:sslConnect() -- makes a ClientHello
---print(client:timeout() > 0.4, client:sslHandleTimeout()) --> true false
---server:sslFeed(client:sslDrain())
---print(server:sslListen "192.0.2.1:5684") --> -2
---client:sslFeed(server:sslDrain()) -- a cookie
---client:sslConnect()
---server:sslFeed(client:sslDrain())
---print(server:sslListen "192.0.2.1:5684") --> 1
---print(server:isDatagram()) --> true
---```
function SciSslSocket:isDatagram() end

---Answers the ClientHello of a client of DTLS by a cookie, and keeps nothing of it. A client that receives at its address returns
---the cookie in a second ClientHello; then this returns 1, and `sslAccept` makes the handshake with that client. Anything else
---that comes is dropped: the same socket serves one client after the other, until one has returned its cookie. The cookie is an
---HMAC of the address, by a secret of the context that changes every minute.
---
---Over memory: feed the datagram, call this with the address of its sender, and send what `sslDrain` returns to that address.
---A ClientHello in several datagrams is dropped, since it would have to be kept.
---
---@within DTLS
---@param peer string the address of the sender, in any form that is different for each address and port
---@return integer|SciSslError # 1: the client has returned its cookie; less: not ready (`SSL_ERROR_WANT_READ`): nothing has come, or what came needed no more than a reply; a SciSslError (phase `accept`, condition `not_dtls`, `handshake_under_way` …)
---@see DTLSv1_listen(3)
---@usage
---```lua
---local context = scissl.SciSslContext.new "DTLS"
---local client = scissl.SciSslSocket.onMemory(context):sslInitialize():sslSetMtu(1400):sslSetRetransmission(0.5, 10)
---local server = scissl.SciSslSocket.onMemory(context):sslInitialize()
---print(client:sslMtu()) --> 1400 nil
---client:sslConnect() -- makes a ClientHello
---print(client:timeout() > 0.4, client:sslHandleTimeout()) --> true false
---server:sslFeed(client:sslDrain())
---print(server:sslListen "192.0.2.1:5684") --> -2
---client:sslFeed(server:sslDrain()) -- a cookie
---client:sslConnect()
---server:sslFeed(client:sslDrain())
---print(server:sslListen "192.0.2.1:5684") --> 1
---print(server:isDatagram()) --> true
---```
function SciSslSocket:sslListen(peer) end

---Hides the ClientHello of this client (Encrypted Client Hello): before the handshake. The server name of `sslSetServerName` and all
---else in the ClientHello are encrypted for the server; an observer sees the public name of the ECHConfigList. A server that
---does not accept this ends the handshake with the condition `ech_rejected`, and the error's data() are the ECHConfigList to try next.
---TLS 1.3 alone.
---
---@within Encrypted Client Hello
---@param configs string an ECHConfigList: bytes, or base64 as it is in the DNS
---@param options? table `outerName`: the server name that is sent in plain text, in place of the public name; false: none
---@return SciSslSocket? # the receiver
---@return SciSslError? # condition `bad_ech_configs`, `bad_host_name`; `not_in_this_openssl`: ECH needs OpenSSL 4.0; `not_initialized`, `handshake_under_way`, `closed`
---@see SSL_set1_ech_config_list(3)
---@see RFC 9849
---@usage
---```lua
---if scissl.features.ECH then
---  local _, configs = assert(scissl.SciSslContext.newEchKey { publicName = "public.example.org" })
---  assert(newClient:sslSetEchConfigs(configs))
---  assert(newClient:sslSetEchOuterAlpn { "http/1.1" })
---end
---```
function SciSslSocket:sslSetEchConfigs(configs, options) end

---Sets the application protocols (ALPN) that a client shows in plain text where it hides its ClientHello. Without a call these are
---the hidden ones, too.
---
---@within Encrypted Client Hello
---@param names string[] as for `SciSslContext:setAlpn`
---@return SciSslSocket? # the receiver
---@return SciSslError? # condition `bad_alpn`, `not_in_this_openssl`, `not_initialized`, `handshake_under_way`, `closed`
---@see SSL_ech_set1_outer_alpn_protos(3)
---@usage
---```lua
---if scissl.features.ECH then
---  local _, configs = assert(scissl.SciSslContext.newEchKey { publicName = "public.example.org" })
---  assert(newClient:sslSetEchConfigs(configs))
---  assert(newClient:sslSetEchOuterAlpn { "http/1.1" })
---end
---```
function SciSslSocket:sslSetEchOuterAlpn(names) end

---Tells what became of Encrypted Client Hello.
---
---@within Encrypted Client Hello
---@return table # `status`: `"success"`: the ClientHello was hidden; `"rejected"`: the server did not decrypt it, and named other keys; `"rejected_bad_name"`: the same, and its certificate is not for the public name; `"bad_name"`: the certificate is for neither name; `"grease"`: the client sent random bytes in its place (option `ech_grease`); `"grease_retry"`: the same, and the server named keys; `"pending"`: the server has not responded; `"not_tried"`, `"not_configured"`, `"failed"`, `"backend"`; `innerName` (string): the name that is hidden; `outerName` (string): the name that everybody sees; each nil where there is none
---@see SSL_ech_get1_status(3)
---@usage
---```lua
---print(client:echStatus().status) --> not_configured
---print(client:echRetryConfigs()) --> nil
---```
function SciSslSocket:echStatus() end

---Returns the ECHConfigList that the server has named for the next attempt.
---
---@within Encrypted Client Hello
---@return string? # bytes, for `sslSetEchConfigs`; nil where it has named none, or its certificate was not verified
---@see SSL_ech_get1_retry_config(3)
---@usage
---```lua
---print(client:echStatus().status) --> not_configured
---print(client:echRetryConfigs()) --> nil
---```
function SciSslSocket:echRetryConfigs() end

---Prepares a client for TLSA records. Call it before the handshake, then call `sslAddTlsa` for each record. It sets the host to
---verify and, unless that is set already, the server name (SNI). With at least one usable record the server's certificate must
---match one of them; with usage DANE-TA or DANE-EE the trust store does not count. The connection resumes no session, since a
---session may have been made without this check.
---
---The records must come from a resolver that has validated them with DNSSEC. scissl cannot check that.
---
---@within DANE
---@param host string the base domain of the TLSA records
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

---Adds a TLSA record, which the server's certificate may match.
---
---@within DANE
---@param usage integer|string 0 `PKIX-TA`, 1 `PKIX-EE`, 2 `DANE-TA`, 3 `DANE-EE`
---@param selector integer|string 0 `Cert`, 1 `SPKI`
---@param matchingType integer|string 0 `Full`, 1 `SHA2-256`, 2 `SHA2-512`
---@param data string raw bytes
---@return SciSslSocket? # the receiver
---@return SciSslError? # condition `tlsa_unusable`: OpenSSL does not know the numbers, and the record is ignored; `bad_tlsa`: the data do not fit the numbers; `dane_needed`: call `sslSetDane` first; `not_initialized`, `handshake_under_way`, `closed`
---@see SSL_dane_tlsa_add(3)
---@usage
---```lua
---assert(newClient:sslSetDane "localhost")
---assert(newClient:sslAddTlsa("DANE-EE", "SPKI", "SHA2-256", certificate:tlsa("SPKI", "SHA2-256")))
---print(handshake(newClient, newServer)) --> 1 1
---print(newClient:daneAuthority().depth) --> 0
---```
function SciSslSocket:sslAddTlsa(usage, selector, matchingType, data) end

---Returns the TLSA record that the peer's certificate matched.
---
---@within DANE
---@return table? # `depth` (integer: which certificate of the chain matched, 0 is the peer's own), `usage`, `selector`, `matchingType` (integers), `data` (string, raw bytes), `certificate` (the SciSslX509Certificate that matched; missing where a bare public key did); nil where no record matched
---@see SSL_get0_dane_authority(3)
---@usage
---```lua
---print(client:daneAuthority()) --> nil
---```
function SciSslSocket:daneAuthority() end

---Sets the public keys that the peer of this connection may have, in place of those of the context: before the handshake, or while
---it is suspended at `"clientHello"`.
---
---@within Pins and raw public keys
---@param pins string[]? as for `SciSslContext:setPins`
---@return SciSslSocket? # the receiver
---@return SciSslError? # condition `bad_pin`, `not_initialized`, `handshake_under_way`, `closed`
---@usage
---```lua
---assert(newClient:sslSetPins { certificate:spkiPin() })
---print(handshake(newClient, newServer)) --> 1 1
---```
function SciSslSocket:sslSetPins(pins) end

---Returns the raw public key that the peer presented in place of a certificate (RFC 7250).
---
---@within Pins and raw public keys
---@return table? # `type` (OpenSSL's name: `EC`, `ED25519` …), `bits` (integer), `group` (string, where it has one), `pin` (as `SciSslContext:setPins` takes it), `der` (SubjectPublicKeyInfo); nil where the peer presented a certificate or nothing
---@see SSL_get0_peer_rpk(3)
---@usage
---```lua
---print(client:peerRawPublicKey()) --> nil
---print(client:certificateTypes().server) --> x509
---```
function SciSslSocket:peerRawPublicKey() end

---Returns the types of certificates that the handshake has negotiated.
---
---@within Pins and raw public keys
---@return table? # `server`, `client`: `"x509"` or `"rawPublicKey"`, whether or not that side has presented one; nil before the handshake is completed
---@see SSL_get_negotiated_server_cert_type(3)
---@usage
---```lua
---print(client:peerRawPublicKey()) --> nil
---print(client:certificateTypes().server) --> x509
---```
function SciSslSocket:certificateTypes() end

---Returns the group of the key exchange.
---
---@within What was negotiated
---@return string? # OpenSSL's name, such as `x25519` or `secp256r1`; nil where there was no key exchange, or OpenSSL does not know
---@see SSL_get_negotiated_group(3)
---@usage
---```lua
---print(client:negotiatedGroup()) --> …25519… -- X25519MLKEM768 from OpenSSL 3.5 on, x25519 before
---print(client:temporaryKey().type) --> X25519…
---```
function SciSslSocket:negotiatedGroup() end

---Returns the signature scheme with which this end has signed the handshake.
---
---@within What was negotiated
---@return string? # the name of RFC 8446, section 4.2.3, such as `ecdsa_secp256r1_sha256`, or OpenSSL's, such as `mldsa65`; for RSA-PSS always `rsa_pss_rsae_…`; nil where this end has not signed, and for unknown schemes
---@see SSL_get_signature_type_nid(3)
---@see SSL_get0_signature_name(3)
---@usage
---```lua
---print(server:signatureScheme()) --> ecdsa_secp256r1_sha256
---print(client:peerSignatureScheme()) --> ecdsa_secp256r1_sha256
---```
function SciSslSocket:signatureScheme() end

---Returns the signature scheme with which the peer has signed the handshake.
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

---Returns the temporary key of the key exchange: the peer's; with encapsulation, such as `X25519MLKEM768`, the client's, which
---is the only one.
---
---@within What was negotiated
---@return table? # `type` (`X25519`, `EC`, `DH`, `X25519MLKEM768` …), `bits` (integer), `group` (string, where it has one); nil where there was no key exchange
---@see SSL_get_peer_tmp_key(3)
---@see SSL_get_tmp_key(3)
---@usage
---```lua
---print(client:negotiatedGroup()) --> …25519… -- X25519MLKEM768 from OpenSSL 3.5 on, x25519 before
---print(client:temporaryKey().type) --> X25519…
---```
function SciSslSocket:temporaryKey() end

---Returns the verified chain, from the peer's certificate to a trusted one.
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

---Returns the negotiated maximum length of records.
---
---@within What was negotiated
---@return integer? # bytes; nil where none was negotiated, so that it is 16384
---@see SSL_SESSION_get_max_fragment_length(3)
---@usage
---```lua
---print(client:maxFragmentLength()) --> nil
---```
function SciSslSocket:maxFragmentLength() end

---Tells whether the secrets of the connection are bound to its handshake, so that no attacker in the middle can make two
---connections with the same secrets.
---
---@within What was negotiated
---@return boolean? # in TLS 1.3 always true; up to TLS 1.2 whether both ends have used the extended master secret; nil before the handshake is done, and after `close`
---@see SSL_get_extms_support(3)
---@see RFC 7627
---@usage
---```lua
---print(client:hasExtendedMasterSecret()) --> true
---print(client:hasSecureRenegotiation()) --> nil -- TLS 1.3 has no renegotiation
---```
function SciSslSocket:hasExtendedMasterSecret() end

---Tells whether the peer supports secure renegotiation. Without it, OpenSSL does not renegotiate.
---
---@within What was negotiated
---@return boolean? # nil in TLS 1.3, which has no renegotiation; before the handshake is done; and after `close`
---@see SSL_get_secure_renegotiation_support(3)
---@see RFC 5746
---@usage
---```lua
---print(client:hasExtendedMasterSecret()) --> true
---print(client:hasSecureRenegotiation()) --> nil -- TLS 1.3 has no renegotiation
---```
function SciSslSocket:hasSecureRenegotiation() end

---Returns the state of the handshake as OpenSSL's text.
---
---@within What was negotiated
---@return string
---@see SSL_state_string_long(3)
---@usage
---```lua
---print(client:stateString()) --> SSL negotiation finished successfully
---```
function SciSslSocket:stateString() end

---Returns how many bytes the transport has carried.
---
---@within What was negotiated
---@return table # `bytesReceived`, `bytesSent` (integers, including what TLS adds), `renegotiations` (integer: those that this end has asked for)
---@see BIO_number_read(3)
---@see SSL_num_renegotiations(3)
---@usage
---```lua
---print(client:statistics().bytesSent > 0) --> true
---```
function SciSslSocket:statistics() end

---Derives secret bytes that only the two ends of this connection can derive.
---
---@within Keying material
---@param label string what they are for, such as `EXPORTER-my-protocol`: 1 to 4096 bytes, in TLS 1.3 at most 249
---@param length integer 1 to 8160 bytes
---@param context? string what else they depend on. Up to TLS 1.2, no context and an empty one give different bytes
---@return string?
---@return SciSslError? # phase `export`, condition `handshake_needed`, `closed`, `bad_label`: TLS 1.3 allows no label as long as this one; it is too long for OpenSSL 3.0, which takes 958 bytes of label and context up to TLS 1.2; or OpenSSL takes it for one that TLS 1.2 uses itself: one that begins with `client finished`, `server finished`, `master secret`, `extended master secret` or `key expansion`
---@see SSL_export_keying_material(3)
---@see RFC 5705
---@usage
---```lua
---local secret = client:sslExport("EXPORTER-my-protocol", 32)
---print(secret == server:sslExport("EXPORTER-my-protocol", 32)) --> true
---```
function SciSslSocket:sslExport(label, length, context) end

---Returns the Finished message that this end has sent in the latest handshake.
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

---Returns the Finished message that the peer has sent in the latest handshake.
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

---Returns the channel binding: bytes that identify this connection or its server, for the protocols above (SCRAM-…-PLUS,
---GSS-API …).
---
---@within Keying material
---@param kind string `"tls-exporter"`; `"tls-server-end-point"`; or `"tls-unique"`, up to TLS 1.2
---@return string?
---@return SciSslError? # phase `export`, condition `binding_undefined`: this connection has none, and the message tells why; `handshake_needed`, `closed`
---@see RFC 5929
---@see RFC 9266
---@usage
---```lua
---print(client:channelBinding "tls-exporter" == server:channelBinding "tls-exporter") --> true
---```
function SciSslSocket:channelBinding(kind) end

---Returns the first 8 alerts that the peer has sent, in order.
---
---@within Alerts, traces and key logs
---@return table[] # `name` (of the RFCs), `level` (`"warning"` or `"fatal"`), `code` (integer)
---@see RFC 8446, section 6
---@usage
---```lua
---client:sslShutdown()
---read(server, client)
---print(client:alertsSent()[1].name, server:alertsReceived()[1].name) --> close_notify close_notify
---```
function SciSslSocket:alertsReceived() end

---Returns the first 8 alerts that this end has sent, in order.
---
---@within Alerts, traces and key logs
---@return table[] # as `alertsReceived`
---@see RFC 8446, section 6
---@usage
---```lua
---client:sslShutdown()
---read(server, client)
---print(client:alertsSent()[1].name, server:alertsReceived()[1].name) --> close_notify close_notify
---```
function SciSslSocket:alertsSent() end

---Takes the lines with the secrets of this connection that have come since the last call, where `SciSslContext:setKeylog` asked
---for them. With these secrets everything on the connection can be read, and some of it forged. After `close` the lines can still
---be taken.
---
---@within Alerts, traces and key logs
---@return string[] # such as `CLIENT_TRAFFIC_SECRET_0 …` or, in TLS 1.2, `CLIENT_RANDOM …`
---@return integer # how many more were lost: 16 KiB are kept
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
---@within Alerts, traces and key logs
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

---Returns the events since the last call, in order.
---
---@within Alerts, traces and key logs
---@return table[] # `time` (number, seconds on the clock of `SciSocket.now()`), `kind` (`"handshake"`, `"alert"`, `"changeCipherSpec"`, `"state"`), `name` (such as `"ClientHello"`; for a state OpenSSL's text) and, except for states, `direction` (`"sent"`, `"received"`), `length` (bytes), `version`
---@return integer # how many more were lost: 256 are kept
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

return SciSslSocket
