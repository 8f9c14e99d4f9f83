---A session that a later handshake can resume. It holds the session's secret. Sessions with the same id are equal.
---
---@meta OSSslSession
---@class OSSslSession
local OSSslSession = {}

---Reads a session that `toPem` or OpenSSL's programs wrote.
---
---@param text string
---@return OSSslSession?
---@return SciSslError? # phase `load`, condition `not_pem`, `not_session` or `malformed_session`
---@see PEM_read_bio_SSL_SESSION(3)
---@usage
---```lua
---local text = assert(session:toPem()) -- keep it as secret as a key
---print(assert(scissl.OSSslSession.fromPem(text)) == session) --> true
---```
function OSSslSession.fromPem(text) end

---Reads a session that `toDer` wrote.
---
---@param bytes string
---@return OSSslSession?
---@return SciSslError? # phase `load`, condition `not_der`, `not_session` or `malformed_session`
---@see d2i_SSL_SESSION(3)
---@usage
---```lua
---print(assert(scissl.OSSslSession.fromDer(assert(session:toDer()))) == session) --> true
---local none, err = scissl.OSSslSession.fromDer "rubbish"
---print(none, err:condition()) --> nil not_der
---```
function OSSslSession.fromDer(bytes) end

---Writes the session as PEM text, followed by the intermediate certificates that the peer sent: a client needs them to
---verify the peer's certificate again. The text holds the session's secret: keep it as safe as a key.
---
---@return string?
---@return SciSslError?
---@see PEM_write_bio_SSL_SESSION(3)
---@usage
---```lua
---local text = assert(session:toPem()) -- keep it as secret as a key
---print(assert(scissl.OSSslSession.fromPem(text)) == session) --> true
---```
function OSSslSession:toPem() end

---Writes the session as DER bytes, followed by the intermediate certificates that the peer sent. The bytes hold the
---session's secret: keep them as safe as a key.
---
---@return string?
---@return SciSslError?
---@see i2d_SSL_SESSION(3)
---@usage
---```lua
---print(assert(scissl.OSSslSession.fromDer(assert(session:toDer()))) == session) --> true
---local none, err = scissl.OSSslSession.fromDer "rubbish"
---print(none, err:condition()) --> nil not_der
---```
function OSSslSession:toDer() end

---Returns the session's id. In TLS 1.3 it names the session on this side only.
---
---@return string # raw bytes, 32 at the most; empty where the session has no id
---@see SSL_SESSION_get_id(3)
---@usage
---```lua
---print(#session:id(), session:isResumable()) --> 32 true
---```
function OSSslSession:id() end

---Tells whether a handshake with this session can skip the full exchange.
---
---@return boolean
---@see SSL_SESSION_is_resumable(3)
---@usage
---```lua
---print(#session:id(), session:isResumable()) --> 32 true
---```
function OSSslSession:isResumable() end

---Returns the protocol of the session.
---
---@return string # `TLSv1.2`, `TLSv1.3` …
---@see SSL_SESSION_get_protocol_version(3)
---@usage
---```lua
---print(session:protocol(), session:cipher():name()) --> TLSv1.3 TLS_AES_256_GCM_SHA384
---print(session:hostName(), session:alpnProtocol()) --> localhost nil
---```
function OSSslSession:protocol() end

---Returns the cipher suite of the session.
---
---@return SciSslCipher?
---@see SSL_SESSION_get0_cipher(3)
---@usage
---```lua
---print(session:protocol(), session:cipher():name()) --> TLSv1.3 TLS_AES_256_GCM_SHA384
---print(session:hostName(), session:alpnProtocol()) --> localhost nil
---```
function OSSslSession:cipher() end

---Returns the server name that the client asked for (SNI).
---
---@return string?
---@see SSL_SESSION_get0_hostname(3)
---@usage
---```lua
---print(session:protocol(), session:cipher():name()) --> TLSv1.3 TLS_AES_256_GCM_SHA384
---print(session:hostName(), session:alpnProtocol()) --> localhost nil
---```
function OSSslSession:hostName() end

---Returns when the session was made.
---
---@return integer # seconds since the epoch
---@see SSL_SESSION_get_time(3)
---@usage
---```lua
---print(session:time() + session:timeout() > os.time()) --> true
---print(session:ticketLifetime()) --> 7200
---```
function OSSslSession:time() end

---Returns how long the session may be resumed.
---
---@return integer # seconds from `time`
---@see SSL_SESSION_get_timeout(3)
---@usage
---```lua
---print(session:time() + session:timeout() > os.time()) --> true
---print(session:ticketLifetime()) --> 7200
---```
function OSSslSession:timeout() end

---Returns how long the server will accept the session's ticket. In TLS 1.3 that is a week at most, whatever the server says.
---
---@return integer? # seconds; nil where the session has no ticket
---@see SSL_SESSION_get_ticket_lifetime_hint(3)
---@see RFC 8446, section 4.6.1
---@usage
---```lua
---print(session:time() + session:timeout() > os.time()) --> true
---print(session:ticketLifetime()) --> 7200
---```
function OSSslSession:ticketLifetime() end

---Returns how many bytes of early data the server accepts when the session is resumed.
---
---@return integer # bytes; 0: none
---@see SSL_SESSION_get_max_early_data(3)
---@usage
---```lua
---print(session:maxReplayableData()) --> 0
---```
function OSSslSession:maxReplayableData() end

---Returns the application protocol of the session (ALPN).
---
---@return string?
---@see SSL_SESSION_get0_alpn_selected(3)
---@usage
---```lua
---print(session:protocol(), session:cipher():name()) --> TLSv1.3 TLS_AES_256_GCM_SHA384
---print(session:hostName(), session:alpnProtocol()) --> localhost nil
---```
function OSSslSession:alpnProtocol() end

---Returns the certificate that the peer sent when the session was made.
---
---@return SciSslX509Certificate?
---@see SSL_SESSION_get0_peer(3)
---@usage
---```lua
---print(session:peerCertificate():subject()) --> CN=localhost
---```
function OSSslSession:peerCertificate() end

return OSSslSession
