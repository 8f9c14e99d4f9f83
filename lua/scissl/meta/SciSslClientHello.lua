---What a client offers in its ClientHello, parsed from the received bytes: OpenSSL skips what it does not know, and a
---fingerprint needs it.
---
---@meta SciSslClientHello
---@class SciSslClientHello
local SciSslClientHello = {}

---Parses the records that hold a ClientHello.
---
---@param records string see `SciSslSocket:clientHelloRecords`
---@return SciSslClientHello?
---@return SciSslError? # condition `malformed_hello`
---@usage
---```lua
---assert(newServer:sslSuspendAt "clientHello")
---handshake(newClient, newServer)
---local hello = assert(scissl.SciSslClientHello.fromRecords(newServer:clientHelloRecords()))
---print(hello:serverName()) --> localhost
---```
function SciSslClientHello.fromRecords(records) end

---Returns the host name that the client asks for (SNI).
---
---@return string? # as received; nil where the client sends none
---@see RFC 6066, section 3
---@usage
---```lua
---print(hello:serverName(), #hello:alpn()) --> localhost 0
---```
function SciSslClientHello:serverName() end

---Returns the application protocols that the client offers, most preferred first.
---
---@return string[]
---@see RFC 7301
---@usage
---```lua
---print(hello:serverName(), #hello:alpn()) --> localhost 0
---```
function SciSslClientHello:alpn() end

---Returns the protocol versions that the client offers, most preferred first. Clients without TLS 1.3 send only their
---highest.
---
---@return string[] # `"TLSv1.3"`, `"TLSv1.2"` …, `"GREASE"`, or the number in hexadecimal
---@usage
---```lua
---print(hello:versions()[1], hello:groups()[1] == hello:keyShares()[1]) --> TLSv1.3 true
---```
function SciSslClientHello:versions() end

---Returns the cipher suites, most preferred first.
---
---@return string[] # the names of the RFCs; `"GREASE"`; `"0x…"` for those that this OpenSSL does not know
---@usage
---```lua
---print(hello:cipherSuites()[1]) --> TLS_AES_256_GCM_SHA384
---print(hello:cipherSuiteIds()[1] == 0x1302) --> true
---```
function SciSslClientHello:cipherSuites() end

---Returns the numbers of the cipher suites, most preferred first.
---
---@return integer[]
---@usage
---```lua
---print(hello:cipherSuites()[1]) --> TLS_AES_256_GCM_SHA384
---print(hello:cipherSuiteIds()[1] == 0x1302) --> true
---```
function SciSslClientHello:cipherSuiteIds() end

---Returns the groups for the key exchange, most preferred first.
---
---@return string[] # such as `"x25519"`; `"GREASE"`; `"0x…"`
---@usage
---```lua
---print(hello:versions()[1], hello:groups()[1] == hello:keyShares()[1]) --> TLSv1.3 true
---```
function SciSslClientHello:groups() end

---Returns the groups for which the client has sent a key share (TLS 1.3).
---
---@return string[]
---@usage
---```lua
---print(hello:versions()[1], hello:groups()[1] == hello:keyShares()[1]) --> TLSv1.3 true
---```
function SciSslClientHello:keyShares() end

---Returns the signature algorithms that the client accepts, most preferred first.
---
---@return string[] # the names of RFC 8446, section 4.2.3; `"GREASE"`; `"0x…"`
---@usage
---```lua
---print(table.concat(hello:signatureAlgorithms(), " ")) --> …ecdsa_secp256r1_sha256…
---```
function SciSslClientHello:signatureAlgorithms() end

---Returns the session id. In TLS 1.3 it has no meaning.
---
---@return string # raw bytes, 0 to 32
---@usage
---```lua
---print(#hello:sessionId(), #hello:random(), #hello:compressionMethods()) --> 32 32 1
---```
function SciSslClientHello:sessionId() end

---Returns the client's random.
---
---@return string # 32 raw bytes
---@usage
---```lua
---print(#hello:sessionId(), #hello:random(), #hello:compressionMethods()) --> 32 32 1
---```
function SciSslClientHello:random() end

---Returns the compression methods; today null (0) alone.
---
---@return integer[]
---@usage
---```lua
---print(#hello:sessionId(), #hello:random(), #hello:compressionMethods()) --> 32 32 1
---```
function SciSslClientHello:compressionMethods() end

---Tells whether the client sends early data (TLS 1.3).
---
---@return boolean
---@usage
---```lua
---print(hello:offersEarlyData(), hello:offersPreSharedKey()) --> false false
---```
function SciSslClientHello:offersEarlyData() end

---Tells whether the client offers to resume a session, or another pre-shared key (TLS 1.3).
---
---@return boolean
---@usage
---```lua
---print(hello:offersEarlyData(), hello:offersPreSharedKey()) --> false false
---```
function SciSslClientHello:offersPreSharedKey() end

---Returns all extensions, in the order in which the client sent them.
---
---@return table[] # `type` (integer) and `data` (string, raw bytes)
---@usage
---```lua
---print(#hello:extensions() > 5) --> true
---print(hello:extension(0) ~= nil) --> true -- 0: server_name
---```
function SciSslClientHello:extensions() end

---Returns the data of one extension.
---
---@param kind integer its number in the registry of TLS extensions
---@return string? # raw bytes; nil where the client did not send it
---@usage
---```lua
---print(#hello:extensions() > 5) --> true
---print(hello:extension(0) ~= nil) --> true -- 0: server_name
---```
function SciSslClientHello:extension(kind) end

---Returns the text whose digest is the JA3 fingerprint: version, cipher suites, extensions, groups and point formats.
---
---@return string # such as `"771,4865-4866,0-10-11,29-23,0"`
---@usage
---```lua
---print(hello:ja3Text()) --> 771,4866-4867-4865-…
---print(hello:ja3()) --> …
---```
function SciSslClientHello:ja3Text() end

---Returns the JA3 fingerprint of the client: the same for all connections of one client program.
---
---@return string? # 32 hexadecimal digits; nil where OpenSSL has no MD5
---@usage
---```lua
---print(hello:ja3Text()) --> 771,4866-4867-4865-…
---print(hello:ja3()) --> …
---```
function SciSslClientHello:ja3() end

---Returns a fingerprint in the manner of JA4: its beginning is readable, and it does not depend on the order of the
---extensions, which browsers shuffle.
---
---@return string # such as `"t13d1516h2_8daaf6152771_e5627efa2ab1"`
---@usage
---```lua
---print(hello:ja4()) --> t13d…
---```
function SciSslClientHello:ja4() end

return SciSslClientHello
