---PKCS#12 (.p12, .pfx): a private key, its certificate and the issuers' certificates in one file.
---
---@meta SciSslPkcs12
---@class SciSslPkcs12
local SciSslPkcs12 = {}

---Reads PKCS#12. Without a MAC in it, a change on its way is not noticed.
---
---@param bytes string
---@param passphrase? string|function a function is called once, without arguments, and returns it
---@return table? # `key` (SciSslPrivateKey), `certificate` (SciSslX509Certificate, the key's), `chain` (array of the other certificates), `friendlyName`. A field is nil where the PKCS#12 has nothing for it
---@return SciSslError? # phase `load`; condition `malformed_pkcs12`, `passphrase_missing`, `passphrase_wrong`, `passphrase_function`; `pkcs12_legacy`: it is encrypted with old algorithms that this OpenSSL does not have
---@see PKCS12_parse(3)
---@see RFC 7292
---@usage
---```lua
---local bytes = assert(scissl.SciSslPkcs12.make {
---  key = key, certificate = certificate, chain = { ca }, passphrase = "open sesame", friendlyName = "web server",
---})
---local found = assert(scissl.SciSslPkcs12.parse(bytes, "open sesame"))
---print(found.certificate == certificate, #found.chain, found.friendlyName) --> true 1 web server
---local none, err = scissl.SciSslPkcs12.parse(bytes, "guessed")
---print(err:condition()) --> passphrase_wrong
---```
function SciSslPkcs12.parse(bytes, passphrase) end

---Writes PKCS#12, encrypted with AES-256-CBC. PBKDF2 derives the key from the passphrase.
---
---@param options table `key`: the SciSslPrivateKey; `certificate`: the SciSslX509Certificate that goes with it; `chain`: array of further certificates, its issuers; `passphrase`: string, not empty; `friendlyName`: a name that programs show; `iterations`: of PBKDF2 (default 2048, as in OpenSSL; more make guessing slower, and reading as well)
---@return string?
---@return SciSslError? # phase `save`; condition `passphrase_empty`, `key_mismatch`
---@raise for an unknown option or one of a wrong type
---@see PKCS12_create(3)
---@usage
---```lua
---local bytes = assert(scissl.SciSslPkcs12.make {
---  key = key, certificate = certificate, chain = { ca }, passphrase = "open sesame", friendlyName = "web server",
---})
---local found = assert(scissl.SciSslPkcs12.parse(bytes, "open sesame"))
---print(found.certificate == certificate, #found.chain, found.friendlyName) --> true 1 web server
---local none, err = scissl.SciSslPkcs12.parse(bytes, "guessed")
---print(err:condition()) --> passphrase_wrong
---```
function SciSslPkcs12.make(options) end

return SciSslPkcs12
