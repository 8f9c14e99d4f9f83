---A connection with the manners of Lua's own files: of TLS (`scissl.connect`, `scissl.listen`, `scissl.stream`), or in
---plain text (`scissl.plain`) until `startTls`.
---
---Operations wait, by the stream's waiter, whatever mode the socket is in. A failure of the world answers nil and a
---SciSslError. After a time-out nothing is lost: what has arrived is kept for the next read, and what was given to
---`write` is sent, once and in order, before anything that is written later.
---
---A stream that is collected says nothing to anybody and sends nothing: its socket is closed, and the peer sees a
---connection that was cut. `close` it, or declare it `<close>`.
---
---@meta SciSslStream
---@class SciSslStream
local SciSslStream = {}

---Answers the socket underneath, for what a stream does not do. What the stream has read ahead is not in it.
---
---@return SciSslSocket|SciSocket # a SciSocket before `startTls` and after `stopTls`
---@usage
---```lua
---print(stream:socket():isSecure(), stream:dirty()) --> true false
---```
function SciSslStream:socket() end

---Answers what the client has sent before the handshake was done (early data). It may have been recorded and sent
---again by somebody else.
---
---@return string # empty where there was none
---@usage
---```lua
---print(peer:replayableData() == "") --> true
---```
function SciSslStream:replayableData() end

---Answers whether bytes have been read ahead, so that a read may succeed though the descriptor is not readable.
---
---@return boolean
---@usage
---```lua
---print(stream:socket():isSecure(), stream:dirty()) --> true false
---```
function SciSslStream:dirty() end

---Answers what the stream waits for on the descriptor, in the manner of cqueues.
---
---@return string # `"r"` or `"w"`
---@usage
---```lua
---print(stream:events(), stream:timeout()) --> r nil
---print(stream:isSecure(), stream:isSessionReused()) --> true false
---```
function SciSslStream:events() end

---Answers how long a loop may wait for the descriptor, in the manner of cqueues.
---
---@return number? # 0 where the stream is `dirty`; nil: as long as it likes
---@usage
---```lua
---print(stream:events(), stream:timeout()) --> r nil
---print(stream:isSecure(), stream:isSessionReused()) --> true false
---```
function SciSslStream:timeout() end

---Answers whether the stream is TLS now, its handshake done.
---
---@return boolean
---@usage
---```lua
---print(stream:events(), stream:timeout()) --> r nil
---print(stream:isSecure(), stream:isSessionReused()) --> true false
---```
function SciSslStream:isSecure() end

---Answers whether the handshake resumed a session.
---
---@return boolean
---@usage
---```lua
---print(stream:events(), stream:timeout()) --> r nil
---print(stream:isSecure(), stream:isSessionReused()) --> true false
---```
function SciSslStream:isSessionReused() end

---Reads, as `file:read` does.
---
---@param ... any (default: "l") formats: `"l"` a line without its end, `"L"` with it, `"n"` a numeral, `"a"` all that comes until the peer ends its side, a number of bytes (0 tells whether there is more: `""` or nil), or `"s"`: what there is as soon as there is any, up to 64 KiB. A letter may have a maximum of bytes behind a colon, as in `"l:8192"` (lines and spaces before a numeral: instead of `maxLine`), `"a:1000000"` (instead of `maxBuffer`), `"s:4096"`
---@return any # a value for each format; nil for the first that met the end of the stream, and none behind it. Where reading failed: the values before, nil, and a SciSslError: `timeout` (what has come is kept for the next read), `line_too_long`, `too_much_data` (the same), `busy` (another coroutine is reading, and nothing was taken), `truncated` where the connection ended without close_notify, or another of `sslRead`. Behind an error that is final come the bytes that had arrived and do not make up the format
---@raise for a format that does not exist
---@usage
---```lua
---assert(peer:write("one line\n", 42, "rest of it"))
---print(stream:read "l") --> one line
---print(stream:read("n", 4)) --> 42 rest
---```
function SciSslStream:read(...) end

---Answers an iterator that reads the same formats each time, as `file:lines` does.
---
---@param ... any (default: "l") formats as for `read`
---@return function # it raises the SciSslError where reading fails, so that a cut stream never looks like a whole one
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

---Reads up to a pattern, and takes that, too: `stream:readUntil("\r\n\r\n", 65536, true)` reads the head of an HTTP
---message. What was searched is not searched again, so that the cost grows with the bytes, however they arrive.
---
---@param pattern string a Lua pattern, as for `string.find`, whose matches have at most 1024 bytes. It is tried whenever something has come, so it should end in something definite: `"%d+;"` and not `"%d+"`
---@param max? integer bytes before the match (`maxLine`)
---@param plain? boolean (default: false) the pattern is none: each of its characters stands for itself
---@return string? # what came before the match; nil the stream has ended, and there is no rest
---@return string|SciSslError? # the match; nil where the stream has ended, and this is its rest; as `read`; `line_too_long`: the match does not come within `max` bytes, which are kept
---@raise for a pattern that is malformed, anchored (`^`), or matches the empty string
---@usage
---```lua
---assert(peer:write "Host: localhost\r\nAccept: */*\r\n\r\nbody")
---local head, mark = stream:readUntil("\r\n\r\n", 65536, true)
---print(#head, #mark) --> 28 4
---print(stream:read(4)) --> body
---```
function SciSslStream:readUntil(pattern, max, plain) end

---Writes strings and numbers, all of them, however the transport splits them. Several that fit a record leave as one.
---
---@param ... string|number what to write
---@return SciSslStream? # the stream
---@return SciSslError? # `timeout`: what is left stays queued and goes out with the next `write`, `flush` or `close`, or while a read waits, so do not give it again; `output_full`: more than `maxBuffer` bytes are queued so, and nothing of this was taken; `busy`: another coroutine is in `startTls` or `stopTls`, and nothing was taken; otherwise what `sslWrite` answered, and the rest is dropped
---@raise for values that are neither strings nor numbers
---@usage
---```lua
---assert(stream:write("HTTP/1.0 ", 200, " OK\r\n"))
---assert(stream:flush())
---print(peer:read "L") --> HTTP/1.0 200 OK…
---```
function SciSslStream:write(...) end

---Writes the strings and numbers of a list, in the fewest records, and without making one string of long ones.
---
---@param texts table a list of strings and numbers
---@return SciSslStream? # the stream
---@return SciSslError? # as `write`
---@raise for anything else than a table, and values in it that are neither strings nor numbers
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

---Sends what `setvbuf` keeps back, and what an earlier `write` that timed out has left.
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

---Sets whether what is written is kept back to leave in larger records, as `file:setvbuf` does. Whatever the mode,
---`flush`, `close`, `closeWrite`, `startTls` and a read that has to wait send what is kept.
---
---@param mode string `"no"` (default): each `write` sends at once; `"full"`: once `size` bytes are together, those that fill whole records; `"line"`: what comes up to a line's end, or `size` bytes
---@param size? integer (default: 16384) bytes; a record has 16384
---@return SciSslStream? # the stream
---@return SciSslError? # as `write`, of what was kept back until now
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

---Refused: a connection has no positions.
---
---@return nil
---@return SciSslError # condition `not_seekable`
---@usage
---```lua
---print(stream:seek()) --> nil …
---```
function SciSslStream:seek() end

---Tells the peer that nothing more will be written (close_notify; in plain text, the end of TCP's one direction), and
---leaves the stream to be read. What is written afterwards is refused.
---
---@return SciSslStream? # the stream
---@return SciSslError? # as `write`; phase `shutdown`: what ended before
---@usage
---```lua
---assert(stream:write "all that I have to say")
---assert(stream:closeWrite())
---print(peer:read "a") --> all that I have to say
---assert(peer:write "thank you\n")
---print(stream:read "l") --> thank you
---```
function SciSslStream:closeWrite() end

---Sends what is left, ends the TLS session politely and closes the socket. Harmless twice. What the peer has sent and
---nobody has read is lost. A TLS 1.3 client that has never read anything waits up to a second (less where the time-out
---is shorter) for the server's session tickets: without that the system may throw away what was written last.
---
---@return boolean? # true
---@return SciSslError? # what was left of an earlier `write` could not be sent; the socket is closed all the same
---@usage
---```lua
---do
---  local stream <close> = assert(scissl.connect { host = "localhost", port = port, caFile = "ca.pem" })
---end -- said close_notify, and closed
---```
function SciSslStream:close() end

---Sets how long each later operation may take. The socket is made non-blocking for that.
---
---@param seconds number? nil: as long as it takes
---@return SciSslStream # the stream
---@usage
---```lua
---stream:settimeout(0.01)
---local line, err = stream:read()
---print(line, err:condition()) --> nil timeout
---```
function SciSslStream:settimeout(seconds) end

---Sets when all later operations have to be over, together; each still has its own time-out, too. The socket is made
---non-blocking for that.
---
---@param moment number? on the clock of `SciSocket.now()`; nil: none
---@return SciSslStream # the stream
---@usage
---```lua
---stream:setdeadline(scissl.SciSocket.now() + 0.01) -- for all that follows, together
---print(select(2, stream:read()):condition()) --> timeout
---```
function SciSslStream:setdeadline(moment) end

---Goes on as TLS, in a protocol that has agreed on it in plain text (STARTTLS); or, on a stream that is TLS already,
---as TLS inside TLS. What is kept back or queued is sent before, in plain text.
---
---Bytes that have come in plain text and have not been read are never taken for secured ones, as an attacker who adds
---commands behind the word that asks for TLS would like to have it: they are refused.
---
---@param given table options. `role`: `"client"` (default) or `"server"`. A client's are those of `scissl.connect` for TLS: `host` (needed unless `verify = false`), `caFile`, `verifyHost`, `certificate`, `session`, `sessions` …; a server's those of `scissl.listen`: `certificate`, `privateKey`, `caFile`, `verify`, `sni`, `onClientHello` …; the stream's own time-outs hold for the handshake
---@return SciSslStream? # the stream
---@return SciSslError? # condition `plaintext_pending`: there are unread bytes; `busy`: another coroutine is reading, or in `startTls` or `stopTls`; phase `load`: a file or setting is refused; in these the stream stays as it was. Phase `connect` or `accept`: the handshake failed, and the stream is closed, since neither TLS nor plain text could go on
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

---Ends TLS on both sides and goes on in plain text. Waits for the peer's close_notify.
---
---@return SciSslStream? # the stream
---@return SciSslError? # condition `not_secure`; `busy`, as of `startTls`; `unread_data`: the peer sent bytes that have not been read, and which plain text must not be mixed with: read to the end (nil), then call this again; `timeout`; `truncated`: the peer never said that it had finished
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

---As `SciSslSocket:sslVerifyCertificate`. Returns the verification result of the peer's certificate, whatever the verification flags are.
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

---As `SciSslSocket:daneAuthority`. Returns the TLSA record that the peer's certificate matched.
---
---@within DANE
---@return table? # `depth` (integer: which certificate of the chain matched, 0 is the peer's own), `usage`, `selector`, `matchingType` (integers), `data` (string, raw bytes), `certificate` (the SciSslX509Certificate that matched; missing where a bare public key did); nil where no record matched
---@see SSL_get0_dane_authority(3)
function SciSslStream:daneAuthority() end

---As `SciSslSocket:keylogLines`. Takes the lines with the secrets of this connection that have come since the last call, where `SciSslContext:setKeylog` asked
---for them. With these secrets everything on the connection can be read, and some of it forged. After `close` the lines can still
---be taken.
---
---@within Traces and key logs
---@return string[] # such as `CLIENT_TRAFFIC_SECRET_0 …` or, in TLS 1.2, `CLIENT_RANDOM …`
---@return integer # how many more were lost: 16 KiB are kept
---@see SSL_CTX_set_keylog_callback(3)
function SciSslStream:keylogLines() end

---As `SciSslSocket:alpnProtocol`. Returns the negotiated application protocol (ALPN).
---
---@within More
---@return string? # nil where there is none
---@see SSL_get0_alpn_selected(3)
function SciSslStream:alpnProtocol() end

---As `SciSslSocket:getSession`. Returns the newest session of this connection that can be resumed. In TLS 1.3 the server sends it after the handshake; a client
---processes here what has arrived.
---
---@within More
---@return OSSslSession? # nil where there is none yet, or another connection has used it. It stays resumable when the context drops its own copy or is closed
---@return SciSslError? # condition `memory_full`
---@see SSL_get1_session(3)
function SciSslStream:getSession() end

---As `SciSslSocket:localCertificate`. Returns the certificate of this end: of several, after the handshake, the one that was chosen for this peer. A client sends it
---only where the server asks for one.
---
---@within More
---@return SciSslX509Certificate? # nil where there is none, before `sslInitialize`, after `close`, and where a session was resumed and there are several: the session does not say which of them it was made with
---@see SSL_get_certificate(3)
function SciSslStream:localCertificate() end

---As `SciSslSocket:localChain`. Returns the certificates of this end as they were loaded, its own first. Where no issuers were loaded, OpenSSL adds them from
---the trust store when it sends the chain; those are not returned.
---
---@within More
---@return SciSslX509Certificate[] # empty where `localCertificate` is nil
---@see SSL_get0_chain_certs(3)
function SciSslStream:localChain() end

return SciSslStream
