---A TLS connection with the manners of Lua's own files.
---
---Operations wait, by the stream's waiter, whatever mode the socket is in. A failure of the world answers nil and a
---SciSslError. After a time-out nothing is lost: what has arrived is kept for the next read, and what was given to
---`write` is sent, once and in order, before anything that is written later.
---
---@meta SciSslStream
---@class SciSslStream
local SciSslStream = {}

---Reads, as `file:read` does.
---
---@param ... any (default: "l") formats: `"l"` a line without its end, `"L"` with it, `"n"` a numeral, `"a"` all that comes until the peer closes, or a number of bytes (0 tells whether there is more: `""` or nil)
---@return any # a value for each format; nil for the first that met the end of the stream, and none behind it. Where reading failed: the values before, nil, and a SciSslError: `timeout` (what has come is kept for the next read), `line_too_long` (the same), `truncated` where the connection ended without close_notify, or another of `sslRead`. Behind an error that is final come the bytes that had arrived and do not make up the format
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

---Writes strings and numbers, all of them, however the transport splits them.
---
---@param ... string|number what to write
---@return SciSslStream? # the stream
---@return SciSslError? # `timeout`: what is left stays queued and goes out with the next `write`, `flush` or `close`, so do not give it again; otherwise what `sslWrite` answered, and the rest is dropped
---@raise for values that are neither strings nor numbers
---@usage
---```lua
---assert(stream:write("HTTP/1.0 ", 200, " OK\r\n"))
---assert(stream:flush())
---print(peer:read "L") --> HTTP/1.0 200 OK…
---```
function SciSslStream:write(...) end

---Sends what an earlier `write` that timed out has left. There is no other buffer: `write` sends at once.
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

---Answers the socket underneath, for what a stream does not do. What the stream has read ahead is not in it.
---
---@return SciSslSocket
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

---As `SciSocket:getPeerName`. Answers the address of the other end.
---
---@return string? # address; of a Unix-domain socket its path, empty where it has none
---@return integer|SciSslError # port; 0 for a Unix-domain socket; phase `address`: `not_connected`, `closed`
---@see getpeername(2)
function SciSslStream:getPeerName() end

---As `SciSocket:getSockName`. Answers the socket's own address.
---
---@return string? # address; of a Unix-domain socket its path, empty where it has none
---@return integer|SciSslError # port; 0 for a Unix-domain socket; phase `address`: `closed`
---@see getsockname(2)
function SciSslStream:getSockName() end

---As `SciSocket:getfd`. Answers the descriptor, for LuaSocket's `select`, for `SciSocket.poll` and whoever else waits for it.
---
---@return integer # -1 once closed
function SciSslStream:getfd() end

---As `SciSocket:pollfd`. Answers the descriptor, for cqueues.
---
---@return integer # -1 once closed
function SciSslStream:pollfd() end

---As `SciSslSocket:events`. Answers what the socket waits for on the descriptor, in the manner of cqueues: what the last call wanted, and the end of
---the connection attempt before that.
---
---@within Bytes and event loops
---@return string # `"r"` or `"w"`
function SciSslStream:events() end

---As `SciSslSocket:alpnProtocol`. Answers the application protocol that was agreed on (ALPN).
---
---@within The peer
---@return string? # nil where there is none
---@see SSL_get0_alpn_selected(3)
function SciSslStream:alpnProtocol() end

---As `SciSslSocket:cipher`. Answers the cipher in use. (Row S8)
---
---@within The peer
---@return SciSslCipher? # nil before there is one
---@see SSL_get_current_cipher(3)
function SciSslStream:cipher() end

---As `SciSslSocket:getSession`. Answers the newest session of this connection that can be resumed. In TLS 1.3 the server sends it after the handshake: what
---has arrived by now is looked at first. (Row S2)
---
---@within The peer
---@return OSSslSession? # nil where there is none (yet)
---@see SSL_get1_session(3)
function SciSslStream:getSession() end

---As `SciSslSocket:isSecure`. Tells whether what is written now is protected: false until the handshake is completed, true until the connection is
---closed, shut down or has failed. (Row S2)
---
---@within The peer
---@return boolean
function SciSslStream:isSecure() end

---As `SciSslSocket:isSessionReused`. Tells whether the handshake resumed a session.
---
---@within The peer
---@return boolean
---@see SSL_session_reused(3)
function SciSslStream:isSessionReused() end

---As `SciSslSocket:localCertificate`. Answers the certificate that this side shows: of several, after the handshake, the one that was chosen for this peer. A
---client shows it only where the server asks.
---
---@within The peer
---@return SciSslX509Certificate? # nil where there is none, before sslInitialize, and after close
---@see SSL_get_certificate(3)
function SciSslStream:localCertificate() end

---As `SciSslSocket:localChain`. Answers the certificates that this side shows, its own first, as they were loaded. What OpenSSL adds from the trusted
---ones where none was loaded with it is not among them.
---
---@within The peer
---@return SciSslX509Certificate[] # empty where there is none, before sslInitialize, and after close
---@see SSL_get0_chain_certs(3)
function SciSslStream:localChain() end

---As `SciSslSocket:peerCertificate`. Answers the peer's certificate.
---
---@within The peer
---@return SciSslX509Certificate? # nil where it presented none
---@see SSL_get1_peer_certificate(3)
function SciSslStream:peerCertificate() end

---As `SciSslSocket:peerChain`. Answers the certificates that the peer presented, its own first, as it sent them.
---
---@within The peer
---@return SciSslX509Certificate[] # empty where it presented none
---@see SSL_get_peer_cert_chain(3)
function SciSslStream:peerChain() end

---As `SciSslSocket:serverName`. Answers the server name of the connection (SNI): on a client what it asks for, on a server what it was asked for.
---
---@within The peer
---@return string? # nil where there is none
---@see SSL_get_servername(3)
function SciSslStream:serverName() end

---As `SciSslSocket:sslVerifyCertificate`. Answers the result of the check of the peer's certificate, whatever the verification flags made of it. (Row S16)
---
---@within The peer
---@return integer? # `X509_V_OK` or an `X509_V_ERR_…`; nil the peer presented no certificate, or the handshake has not come so far
---@return string # its text; which of the two
---@see SSL_get_verify_result(3)
function SciSslStream:sslVerifyCertificate() end

---As `SciSslSocket:version`. Answers the protocol in use.
---
---@within The peer
---@return string? # `TLSv1.2`, `TLSv1.3` …; nil before there is one
---@see SSL_get_version(3)
function SciSslStream:version() end

---As `SciSslSocket:earlyDataStatus`. Tells what has become of the early data.
---
---@within Early data
---@return string? # `"accepted"`, `"rejected"`: the server has left it out; nil: none was sent, or the handshake is not done
---@see SSL_get_early_data_status(3)
function SciSslStream:earlyDataStatus() end

---As `SciSslSocket:pskIdentity`. Answers the identity of the pre-shared key that a server's connection was made with. A session that is resumed later has
---none any more.
---
---@within Pre-shared keys
---@return string? # nil where another kind of key exchange was made, and on clients
function SciSslStream:pskIdentity() end

---As `SciSslSocket:ocspResponse`. Answers the OCSP response that the server has stapled. `SciSslOcsp.parse` reads it.
---
---@within Revocation
---@return string? # DER; nil where there is none: it was not asked for, the server has none, a session was resumed
---@see SSL_get_tlsext_status_ocsp_resp(3)
function SciSslStream:ocspResponse() end

---As `SciSslSocket:sslVerifyOcsp`. Judges the OCSP response that the server has stapled, for the server's certificate and the issuer in the chain as OpenSSL
---has built it. Whether that issuer is trusted `sslVerifyCertificate` tells.
---
---@within Revocation
---@param options? table `at`: seconds since the epoch at which to judge (default: now); `skew`: seconds by which clocks may differ (default 300)
---@return table? # as `SciSslOcsp.check`: its `status` is `"good"`, `"revoked"` or `"unknown"`
---@return SciSslError? # phase `ocsp`, condition `ocsp_missing`, `ocsp_no_issuer`, or those of `SciSslOcsp.check`
---@raise for an unknown option or one of a wrong type
function SciSslStream:sslVerifyOcsp(options) end

---As `SciSslSocket:daneAuthority`. Answers the TLSA record that the peer's certificate matched.
---
---@within DANE
---@return table? # `depth` (integer: which certificate of the chain matched, 0 is the peer's own), `usage`, `selector`, `matchingType` (integers), `data` (string, raw bytes), `certificate` (the SciSslX509Certificate that matched; missing where a bare public key did); nil where no record decided
---@see SSL_get0_dane_authority(3)
function SciSslStream:daneAuthority() end

---As `SciSslSocket:keylogLines`. Takes the lines with this connection's secrets that have come since the last call, where `SciSslContext:setKeylog` asked
---for them: whoever has them can read, and in part forge, everything on the connection. After `close` they can still be taken.
---
---@within Traces and key logs
---@return string[] # such as `CLIENT_TRAFFIC_SECRET_0 …` or, in TLS 1.2, `CLIENT_RANDOM …`
---@return integer # how many more were lost, because nobody took them: 16 KiB are kept
---@see SSL_CTX_set_keylog_callback(3)
function SciSslStream:keylogLines() end

return SciSslStream
