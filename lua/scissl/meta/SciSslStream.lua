---A connection that is used like one of Lua's files: TLS (`scissl.connect`, `scissl.listen`, `scissl.stream`), or
---plain text (`scissl.plain`) until `startTls`.
---
---Operations wait by the stream's waiter, in blocking and non-blocking mode alike. A failure returns nil and a
---SciSslError. After a time-out nothing is lost: the next read gets what has arrived, and the bytes that were given to
---`write` are sent once, in order, before anything that is written later.
---
---A stream that is garbage-collected sends nothing: its socket is closed, and the peer sees a connection that was cut.
---`close` it, or declare it `<close>`.
---
---@meta SciSslStream
---@class SciSslStream
local SciSslStream = {}

---Returns the stream's socket, for what a stream cannot do. Bytes that the stream has read ahead are not in it.
---
---@return SciSslSocket|SciSocket # a SciSocket before `startTls` and after `stopTls`
---@usage
---```lua
---print(stream:socket():isSecure(), stream:dirty()) --> true false
---```
function SciSslStream:socket() end

---Returns the early data that the client has sent. An attacker may have recorded it and sent it again.
---
---@return string # empty where there was none
---@usage
---```lua
---print(peer:replayableData() == "") --> true
---```
function SciSslStream:replayableData() end

---Reads exactly `count` bytes: where fewer come, that is an error.
---
---@param count integer 0 or more
---@return string?
---@return SciSslError? # phase `read`: `short_read`: the peer has ended its data; `truncated`: it did so without close_notify; or as `read`
---@return string? # the bytes that came, in the first two cases
---@usage
---```lua
---assert(peer:write "1234")
---print(stream:readExactly(4)) --> 1234
---```
function SciSslStream:readExactly(count) end

---Tells whether bytes have been read ahead, so that a read may succeed although the descriptor is not readable.
---
---@return boolean
---@usage
---```lua
---print(stream:socket():isSecure(), stream:dirty()) --> true false
---```
function SciSslStream:dirty() end

---Returns the events that the stream waits for on the descriptor, as cqueues asks for them.
---
---@return string # `"r"` or `"w"`
---@usage
---```lua
---print(stream:events(), stream:timeout()) --> r nil
---print(stream:isSecure(), stream:isSessionReused()) --> true false
---```
function SciSslStream:events() end

---Returns how long a loop may wait for the descriptor, as cqueues asks for it.
---
---@return number? # 0 where the stream is `dirty`; nil: no limit
---@usage
---```lua
---print(stream:events(), stream:timeout()) --> r nil
---print(stream:isSecure(), stream:isSessionReused()) --> true false
---```
function SciSslStream:timeout() end

---Tells whether the stream is TLS, with its handshake done.
---
---@return boolean
---@usage
---```lua
---print(stream:events(), stream:timeout()) --> r nil
---print(stream:isSecure(), stream:isSessionReused()) --> true false
---```
function SciSslStream:isSecure() end

---Tells whether the handshake resumed a session.
---
---@return boolean
---@usage
---```lua
---print(stream:events(), stream:timeout()) --> r nil
---print(stream:isSecure(), stream:isSessionReused()) --> true false
---```
function SciSslStream:isSessionReused() end

---Reads, as `file:read` does. Each format is one of these:
---
---* `"l"` (the default): a line without its end; `"L"`: a line with its end; `"n"`: a number
---* `"a"`: everything until the peer ends its side; `"s"`: the bytes that are there, at least one and up to 64 KiB
---* a count of bytes; 0: `""` where there is more, else nil
---* a letter and a maximum of bytes: `"l:80"` (else `maxLine`), `"a:900"` (else `maxBuffer`), `"n:9"` (spaces before)
---
---@param ... any (default: "l") formats
---@return any # a value for each format, up to the first that the stream's end leaves without one: that is nil. Where reading failed: the values before, nil, and a SciSslError: `timeout`, `line_too_long`, `too_much_data` (the next read gets what has arrived); `busy` (another coroutine is reading, and nothing was taken); `truncated` (the connection ended without close_notify); or another of `sslRead`. After a fatal error a third value holds the incomplete data
---@raise for a format that does not exist
---@usage
---```lua
---assert(peer:write("one line\n", 42, "rest of it"))
---print(stream:read "l") --> one line
---print(stream:read("n", 4)) --> 42 rest
---```
function SciSslStream:read(...) end

---Returns an iterator that reads the same formats each time, as `file:lines` does.
---
---@param ... any (default: "l") formats as for `read`
---@return function # it raises the SciSslError where reading fails, so that a truncated stream never looks complete
---@raise for a format that does not exist
---@usage
---```lua
---assert(peer:write "one\ntwo\n")
---peer:close()
---for line in stream:lines() do print(line) end
-----> one
-----> two
---```
function SciSslStream:lines(...) end

---Reads up to and including a match of a pattern: `stream:readUntil("\r\n\r\n", 65536, true)` reads the head of an
---HTTP message. Bytes that were searched are not searched again, however they arrive.
---
---@param pattern string a Lua pattern, as for `string.find`, whose matches have at most 1024 bytes. It is tried whenever bytes have arrived, so let it end in something definite: `"%d+;"` and not `"%d+"`
---@param max? integer bytes before the match (`maxLine`)
---@param plain? boolean (default: false) true: `pattern` is plain text
---@return string? # the bytes before the match; nil the stream has ended, and there is no rest
---@return string|SciSslError? # the match; nil where the stream has ended, and the first value is its rest; as `read`; `line_too_long`: there is no match within `max` bytes, which are kept
---@raise for a pattern that is malformed, anchored (`^`), or matches the empty string
---@usage
---```lua
---assert(peer:write "Host: localhost\r\nAccept: */*\r\n\r\nbody")
---local head, mark = stream:readUntil("\r\n\r\n", 65536, true)
---print(#head, #mark) --> 28 4
---print(stream:read(4)) --> body
---```
function SciSslStream:readUntil(pattern, max, plain) end

---Writes strings and numbers completely. Several that fit into one record are sent as one.
---
---@param ... string|number what to write
---@return SciSslStream? # the stream
---@return SciSslError? # `timeout`: the rest stays queued and is sent with the next `write`, `flush` or `close`, or while a read waits, so do not write it again; `output_full`: more than `maxBuffer` bytes are queued, and nothing of this was taken; `busy`: another coroutine is in `startTls` or `stopTls`, and nothing was taken; otherwise what `sslWrite` returned, and the rest is dropped
---@raise for values that are neither strings nor numbers
---@usage
---```lua
---assert(stream:write("HTTP/1.0 ", 200, " OK\r\n"))
---assert(stream:flush())
---print(peer:read "L") --> HTTP/1.0 200 OK…
---```
function SciSslStream:write(...) end

---Writes the strings and numbers of a list, in as few records as possible, without copying long strings.
---
---@param texts table a list of strings and numbers
---@return SciSslStream? # the stream
---@return SciSslError? # as `write`
---@raise for anything else than a list of strings and numbers
---@usage
---```lua
---assert(stream:writev { "one ", 2, " three\n" }) -- one record
---assert(stream:setvbuf "full")
---assert(stream:write "kept back, "):write "until\n"
---assert(stream:flush())
---print(peer:read "l") --> one 2 three
---print(peer:read "l") --> kept back, until
---```
function SciSslStream:writev(texts) end

---Sends what `setvbuf` holds back and what is left of a `write` that timed out.
---
---@return SciSslStream? # the stream
---@return SciSslError? # as `write`
---@usage
---```lua
---assert(stream:write("HTTP/1.0 ", 200, " OK\r\n"))
---assert(stream:flush())
---print(peer:read "L") --> HTTP/1.0 200 OK…
---```
function SciSslStream:flush() end

---Sets whether written data is held back and sent in larger records, as `file:setvbuf` does. In every mode, `flush`,
---`close`, `closeWrite`, `startTls` and a read that has to wait send what is held back.
---
---@param mode string `"no"` (default): each `write` sends at once; `"full"`: sends whole records once there are `size` bytes; `"line"`: sends up to the last line end, or once there are `size` bytes
---@param size? integer (default: 16384) bytes; a record has 16384
---@return SciSslStream? # the stream
---@return SciSslError? # as `write`, for what was held back
---@raise for another mode or size
---@usage
---```lua
---assert(stream:writev { "one ", 2, " three\n" }) -- one record
---assert(stream:setvbuf "full")
---assert(stream:write "kept back, "):write "until\n"
---assert(stream:flush())
---print(peer:read "l") --> one 2 three
---print(peer:read "l") --> kept back, until
---```
function SciSslStream:setvbuf(mode, size) end

---Returns an error: a connection has no positions.
---
---@return nil
---@return SciSslError # condition `not_seekable`
---@usage
---```lua
---print(stream:seek()) --> nil …
---```
function SciSslStream:seek() end

---Ends the writing side: sends close_notify (in plain text: shuts TCP down for writing). The stream can still be read.
---A later write is an error.
---
---@return SciSslStream? # the stream
---@return SciSslError? # as `write`; phase `shutdown`: the connection had ended before
---@usage
---```lua
---assert(stream:write "all that I have to say")
---assert(stream:closeWrite())
---print(peer:read "a") --> all that I have to say
---assert(peer:write "thank you\n")
---print(stream:read "l") --> thank you
---```
function SciSslStream:closeWrite() end

---Sends what is queued, sends close_notify and closes the socket. Calling it again does nothing. Data that the peer
---has sent and that was not read is lost. A TLS 1.3 client that has never read waits up to a second (less with a
---shorter time-out) for the server's session tickets: otherwise the system could discard what was written last.
---
---@return boolean? # true
---@return SciSslError? # the rest of an earlier `write` could not be sent; the socket is closed nevertheless. `in_callback`: OpenSSL calls a handler in the midst of a read of this stream, which stays open
---@usage
---```lua
---do
---  local stream <close> = assert(scissl.connect { host = "localhost", port = port, caFile = "ca.pem" })
---end -- close_notify is sent, and the socket is closed
---```
function SciSslStream:close() end

---Sets a time-out for each later operation, and makes the socket non-blocking.
---
---@param seconds number? nil: no time-out
---@return SciSslStream # the stream
---@usage
---```lua
---stream:settimeout(0.01)
---local line, err = stream:read()
---print(line, err:condition()) --> nil timeout
---```
function SciSslStream:settimeout(seconds) end

---Sets a deadline for all later operations together; the time-out for each still holds. Makes the socket non-blocking.
---
---@param moment number? on the clock of `SciSocket.now()`; nil: no deadline
---@return SciSslStream # the stream
---@usage
---```lua
---stream:setdeadline(scissl.SciSocket.now() + 0.01) -- for all following calls together
---print(select(2, stream:read()):condition()) --> timeout
---```
function SciSslStream:setdeadline(moment) end

---Starts TLS on a stream in plain text, in a protocol that has just agreed on it (STARTTLS); or, on a TLS stream, TLS
---inside TLS. Data that is held back or queued is sent first, without the new TLS.
---
---If plain text has arrived that was not read, `startTls` fails: an attacker may have sent commands behind the one that
---starts TLS, so that they pass for secured ones.
---
---@param given table options; the stream's own time-outs hold for the handshake: - `role`: `"client"` (default) or `"server"` - of a client, those of `scissl.connect` for TLS: `host` (needed unless `verify = false`), `caFile`, `verifyHost`, `certificate`, `session`, `sessions` … - of a server, those of `scissl.listen`: `certificate`, `privateKey`, `caFile`, `verify`, `sni`, `onClientHello` …
---@return SciSslStream? # the stream
---@return SciSslError? # condition `plaintext_pending`: there are unread bytes; `busy`: another coroutine is reading, or in `startTls` or `stopTls`; `carries_tls`; phase `load`: a file or setting was rejected. After these the stream is unchanged. Phase `connect` or `accept`: the handshake failed, or its coroutine was closed; the stream is closed
---@raise for unknown options and wrong types
---@usage
---```lua
---local near, far = assert(scissl.SciSocket.pair())
---local loop = assert(scissl.scheduler.new())
---loop:spawn(function()
---  local client = assert(scissl.plain.on(near, { waiter = "coroutine", timeout = 10 }))
---  client:write "STARTTLS\n"
---  print(client:read "l") --> go ahead
---  assert(client:startTls { host = "localhost", caFile = "ca.pem" })
---  print(client:read "l", client:isSecure()) --> welcome true
---  assert(client:stopTls())
---  print(client:isSecure()) --> false
---  client:close()
---end)
---loop:spawn(function()
---  local server = assert(scissl.plain.on(far, { waiter = "coroutine", timeout = 10 }))
---  server:read "l"
---  server:write "go ahead\n"
---  assert(server:startTls { role = "server", certificate = "server.pem", privateKey = "server.key" })
---  server:write "welcome\n"
---  assert(server:stopTls())
---  server:close()
---end)
---assert(loop:run())
---```
function SciSslStream:startTls(given) end

---Ends TLS on both sides and continues in plain text. Waits for the peer's close_notify.
---
---@return SciSslStream? # the stream
---@return SciSslError? # condition `not_secure`; `busy`, as for `startTls`; `unread_data`: the peer has sent bytes that were not read, which must not be mixed with plain text: read up to the end (nil), then call this again; `timeout`; `truncated`: the peer closed without close_notify
---@usage
---```lua
---local near, far = assert(scissl.SciSocket.pair())
---local loop = assert(scissl.scheduler.new())
---loop:spawn(function()
---  local client = assert(scissl.plain.on(near, { waiter = "coroutine", timeout = 10 }))
---  client:write "STARTTLS\n"
---  print(client:read "l") --> go ahead
---  assert(client:startTls { host = "localhost", caFile = "ca.pem" })
---  print(client:read "l", client:isSecure()) --> welcome true
---  assert(client:stopTls())
---  print(client:isSecure()) --> false
---  client:close()
---end)
---loop:spawn(function()
---  local server = assert(scissl.plain.on(far, { waiter = "coroutine", timeout = 10 }))
---  server:read "l"
---  server:write "go ahead\n"
---  assert(server:startTls { role = "server", certificate = "server.pem", privateKey = "server.key" })
---  server:write "welcome\n"
---  assert(server:stopTls())
---  server:close()
---end)
---assert(loop:run())
---```
function SciSslStream:stopTls() end

---As `SciSocket:getPeerName`. Returns the address of the other end.
---
---@return string? # address; of a Unix-domain socket its path, empty where it has none
---@return integer|SciSslError # port; 0 for a Unix-domain socket; phase `address`: `not_connected`, `closed`
---@see getpeername(2)
function SciSslStream:getPeerName() end

---As `SciSocket:getSockName`. Returns the socket's own address.
---
---@return string? # address; of a Unix-domain socket its path, empty where it has none
---@return integer|SciSslError # port; 0 for a Unix-domain socket; phase `address`: `closed`
---@see getsockname(2)
function SciSslStream:getSockName() end

---As `SciSocket:getfd`. Returns the descriptor, for LuaSocket's `select`, `SciSocket.poll` and other ways to wait.
---
---@return integer # -1 once closed
function SciSslStream:getfd() end

---As `SciSocket:pollfd`. Returns the descriptor, for cqueues.
---
---@return integer # -1 once closed
function SciSslStream:pollfd() end

---As `SciSslSocket:cipher`. Returns the cipher in use.
---
---@within The peer
---@return SciSslCipher? # nil before there is one
---@see SSL_get_current_cipher(3)
function SciSslStream:cipher() end

---As `SciSslSocket:peerCertificate`. Returns the peer's certificate.
---
---@within The peer
---@return SciSslX509Certificate? # nil where it presented none
---@see SSL_get1_peer_certificate(3)
function SciSslStream:peerCertificate() end

---As `SciSslSocket:peerChain`. Returns the certificates that the peer presented, as it sent them, its own first.
---
---@within The peer
---@return SciSslX509Certificate[] # empty where it presented none
---@see SSL_get_peer_cert_chain(3)
function SciSslStream:peerChain() end

---As `SciSslSocket:serverName`. Returns the server name of the connection (SNI): on a client the name to send, on a server the name that was received.
---
---@within The peer
---@return string? # nil where there is none
---@see SSL_get_servername(3)
function SciSslStream:serverName() end

---As `SciSslSocket:sslVerifyCertificate`. Returns the verification result of the peer's certificate or raw public key, whatever the verification flags are.
---
---@within The peer
---@return integer? # `X509_V_OK` or an `X509_V_ERR_…`; nil the peer presented no certificate, or the handshake is not completed
---@return string # its text; which of these
---@see SSL_get_verify_result(3)
function SciSslStream:sslVerifyCertificate() end

---As `SciSslSocket:version`. Returns the protocol version in use.
---
---@within The peer
---@return string? # `TLSv1.2`, `TLSv1.3` …; nil before there is one
---@see SSL_get_version(3)
function SciSslStream:version() end

---As `SciSslSocket:alpnProtocol`. Returns the negotiated application protocol (ALPN).
---
---@within Protocols, ciphers, groups, ALPN
---@return string? # nil where there is none
---@see SSL_get0_alpn_selected(3)
function SciSslStream:alpnProtocol() end

---As `SciSslSocket:localCertificate`. Returns the certificate of this end: of several, after the handshake, the one that was chosen for this peer. A client sends it
---only where the server asks for one.
---
---@within Own certificates and keys
---@return SciSslX509Certificate? # nil where there is none, before `sslInitialize`, after `close`, and where a session was resumed and there are several: the session does not say which of them it was made with
---@see SSL_get_certificate(3)
function SciSslStream:localCertificate() end

---As `SciSslSocket:localChain`. Returns the certificates of this end as they were loaded, its own first. Where no issuers were loaded, OpenSSL adds them from
---the trust store when it sends the chain; those are not returned.
---
---@within Own certificates and keys
---@return SciSslX509Certificate[] # empty where `localCertificate` is nil
---@see SSL_get0_chain_certs(3)
function SciSslStream:localChain() end

---As `SciSslSocket:getContext`. Returns the context of the connection: the one that it was made with, or that `sslSetContext` has set.
---
---@within Suspended handshakes
---@return SciSslContext
function SciSslStream:getContext() end

---As `SciSslSocket:getSession`. Returns the newest session of this connection that can be resumed. In TLS 1.3 the server sends it after the handshake; a client
---processes here what has arrived.
---
---@within Sessions
---@return OSSslSession? # nil where there is none yet, or another connection has used it. It stays resumable when the context drops its own copy or is closed
---@return SciSslError? # condition `memory_full`
---@see SSL_get1_session(3)
function SciSslStream:getSession() end

---As `SciSslSocket:earlyDataStatus`. Tells whether the server has accepted the early data.
---
---@within Early data
---@return string? # `"accepted"` or `"rejected"`; nil: none was sent, or the handshake is not done
---@see SSL_get_early_data_status(3)
function SciSslStream:earlyDataStatus() end

---As `SciSslSocket:pskIdentity`. Returns the identity of the pre-shared key with which a client has made this connection to a server. A connection that resumes
---its session has none.
---
---@within Pre-shared keys
---@return string? # nil where no pre-shared key was used, and on clients
function SciSslStream:pskIdentity() end

---As `SciSslSocket:ocspResponse`. Returns the OCSP response that the server has stapled. `SciSslOcsp.parse` reads it. In TLS 1.3 it is there while the handshake
---is suspended at `"verify"`; up to TLS 1.2 it comes after the verification.
---
---@within Revocation
---@return string? # DER; nil where there is none: the client did not ask, the server has none, or a session was resumed
---@see SSL_get_tlsext_status_ocsp_resp(3)
function SciSslStream:ocspResponse() end

---As `SciSslSocket:sslVerifyOcsp`. Verifies the OCSP response that the server has stapled, for the server's certificate and its issuer in the chain that OpenSSL
---has built. `sslVerifyCertificate` tells whether that issuer is trusted.
---
---@within Revocation
---@param options? table `at`: seconds since the epoch, the time of the verification (default: now); `skew`: seconds by which clocks may differ (default 300)
---@return table? # as `SciSslOcsp.check`: its `status` is `"good"`, `"revoked"` or `"unknown"`
---@return SciSslError? # phase `ocsp`, condition `ocsp_missing`, `ocsp_no_issuer`, or those of `SciSslOcsp.check`
---@raise for an unknown option, or an option of a wrong type
function SciSslStream:sslVerifyOcsp(options) end

---As `SciSslSocket:echStatus`. Tells what became of Encrypted Client Hello.
---
---@within Encrypted Client Hello
---@return table # `status`: `"success"`: the ClientHello was hidden; `"rejected"`: the server did not decrypt it, and named other keys; `"rejected_bad_name"`: the same, and its certificate is not for the public name; `"bad_name"`: the certificate is for neither name; `"grease"`: the client sent random bytes in its place (option `ech_grease`); `"grease_retry"`: the same, and the server named keys; `"pending"`: the server has not responded; `"not_tried"`, `"not_configured"`, `"failed"`, `"backend"`; `innerName` (string): the name that is hidden; `outerName` (string): the name that everybody sees; each nil where there is none
---@see SSL_ech_get1_status(3)
function SciSslStream:echStatus() end

---As `SciSslSocket:daneAuthority`. Returns the TLSA record that the peer's certificate matched.
---
---@within DANE
---@return table? # `depth` (integer: which certificate of the chain matched, 0 is the peer's own), `usage`, `selector`, `matchingType` (integers), `data` (string, raw bytes), `certificate` (the SciSslX509Certificate that matched; missing where a bare public key did); nil where no record matched
---@see SSL_get0_dane_authority(3)
function SciSslStream:daneAuthority() end

---As `SciSslSocket:certificateTypes`. Returns the types of certificates that the handshake has negotiated.
---
---@within Pins and raw public keys
---@return table? # `server`, `client`: `"x509"` or `"rawPublicKey"`, whether or not that side has presented one; nil before the handshake is completed
---@see SSL_get_negotiated_server_cert_type(3)
function SciSslStream:certificateTypes() end

---As `SciSslSocket:peerRawPublicKey`. Returns the raw public key that the peer presented in place of a certificate (RFC 7250).
---
---@within Pins and raw public keys
---@return table? # `type` (OpenSSL's name: `EC`, `ED25519` …), `bits` (integer), `group` (string, where it has one), `pin` (as `SciSslContext:setPins` takes it), `der` (SubjectPublicKeyInfo); nil where the peer presented a certificate or nothing
---@see SSL_get0_peer_rpk(3)
function SciSslStream:peerRawPublicKey() end

---As `SciSslSocket:keylogLines`. Takes the lines with the secrets of this connection that have come since the last call, where `SciSslContext:setKeylog` asked
---for them. With these secrets everything on the connection can be read, and some of it forged. After `close` the lines can still
---be taken.
---
---@within Alerts, traces and key logs
---@return string[] # such as `CLIENT_TRAFFIC_SECRET_0 …` or, in TLS 1.2, `CLIENT_RANDOM …`
---@return integer # how many more were lost: 16 KiB are kept
---@see SSL_CTX_set_keylog_callback(3)
function SciSslStream:keylogLines() end

return SciSslStream
