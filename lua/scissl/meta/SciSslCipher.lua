---A cipher suite. It cannot be changed. Two objects of the same suite are equal.
---
---@meta SciSslCipher
---@class SciSslCipher
local SciSslCipher = {}

---Returns every cipher suite that the OpenSSL in use has, allowed or not.
---
---@return SciSslCipher[]?
---@return SciSslError? # OpenSSL was out of memory
---@see SSL_CTX_get_ciphers(3)
---@usage
---```lua
---for _, suite in ipairs(assert(scissl.SciSslCipher.known())) do
---  if suite:version() == "TLSv1.3" then print(suite) break end
---end
-----> SciSslCipher: …
---```
function SciSslCipher.known() end

---Returns OpenSSL's name, such as `ECDHE-ECDSA-AES128-GCM-SHA256`.
---
---@return string
---@see SSL_CIPHER_get_name(3)
---@usage
---```lua
---local suite = client12:cipher()
---print(suite:name()) --> ECDHE-ECDSA-AES256-GCM-SHA384
---print(suite:standardName()) --> TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
---print(("%04x"):format(suite:id() & 0xffff)) --> c02c
---```
function SciSslCipher:name() end

---Returns the name in the RFCs, such as `TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256`.
---
---@return string
---@see SSL_CIPHER_standard_name(3)
---@usage
---```lua
---local suite = client12:cipher()
---print(suite:name()) --> ECDHE-ECDSA-AES256-GCM-SHA384
---print(suite:standardName()) --> TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
---print(("%04x"):format(suite:id() & 0xffff)) --> c02c
---```
function SciSslCipher:standardName() end

---Returns the strength.
---
---@return integer # secret bits of the key
---@return integer # bits that the algorithm processes
---@see SSL_CIPHER_get_bits(3)
---@usage
---```lua
---print(cipher:bits()) --> 256 256
---print(cipher:version()) --> TLSv1.3
---```
function SciSslCipher:bits() end

---Returns the protocol version that introduced the suite, such as `TLSv1.2`.
---
---@return string
---@see SSL_CIPHER_get_version(3)
---@usage
---```lua
---print(cipher:bits()) --> 256 256
---print(cipher:version()) --> TLSv1.3
---```
function SciSslCipher:version() end

---Returns one line that names each algorithm of the suite.
---
---@return string
---@see SSL_CIPHER_description(3)
---@usage
---```lua
---print(cipher:description()) --> TLS_AES_256_GCM_SHA384 …
---```
function SciSslCipher:description() end

---Returns the suite's number in the IANA registry, such as 0x1301.
---
---@return integer
---@see SSL_CIPHER_get_protocol_id(3)
---@usage
---```lua
---local suite = client12:cipher()
---print(suite:name()) --> ECDHE-ECDSA-AES256-GCM-SHA384
---print(suite:standardName()) --> TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
---print(("%04x"):format(suite:id() & 0xffff)) --> c02c
---```
function SciSslCipher:id() end

---Returns the key exchange, such as `ecdhe` or `rsa`; `any` for a TLS 1.3 suite, which does not fix it.
---
---@return string
---@see SSL_CIPHER_get_kx_nid(3)
---@usage
---```lua
---local suite = client12:cipher()
---print(suite:keyExchange(), suite:authentication(), suite:encryption()) --> …
---print(suite:digest(), suite:isAead()) --> nil true
---```
function SciSslCipher:keyExchange() end

---Returns what authenticates the peer, such as `ecdsa`, `rsa`, `psk` or `null` (nothing: an anonymous suite); `any` for a
---TLS 1.3 suite, which does not fix it.
---
---@return string
---@see SSL_CIPHER_get_auth_nid(3)
---@usage
---```lua
---local suite = client12:cipher()
---print(suite:keyExchange(), suite:authentication(), suite:encryption()) --> …
---print(suite:digest(), suite:isAead()) --> nil true
---```
function SciSslCipher:authentication() end

---Returns the encryption algorithm, such as `id-aes128-GCM`.
---
---@return string? # nil for a suite that does not encrypt
---@see SSL_CIPHER_get_cipher_nid(3)
---@usage
---```lua
---local suite = client12:cipher()
---print(suite:keyExchange(), suite:authentication(), suite:encryption()) --> …
---print(suite:digest(), suite:isAead()) --> nil true
---```
function SciSslCipher:encryption() end

---Returns the digest of the record's MAC.
---
---@return string? # nil for an AEAD suite, which needs none
---@see SSL_CIPHER_get_digest_nid(3)
---@usage
---```lua
---local suite = client12:cipher()
---print(suite:keyExchange(), suite:authentication(), suite:encryption()) --> …
---print(suite:digest(), suite:isAead()) --> nil true
---```
function SciSslCipher:digest() end

---Tells whether the suite encrypts and authenticates in one step (AEAD).
---
---@return boolean
---@see SSL_CIPHER_is_aead(3)
---@usage
---```lua
---local suite = client12:cipher()
---print(suite:keyExchange(), suite:authentication(), suite:encryption()) --> …
---print(suite:digest(), suite:isAead()) --> nil true
---```
function SciSslCipher:isAead() end

return SciSslCipher
