---A private key of any algorithm that the loaded OpenSSL knows.
---
---@meta SciSslPrivateKey
---@class SciSslPrivateKey
local SciSslPrivateKey = {}

---Makes a new key.
---
---@param algorithm string `"EC"`, `"RSA"`, `"Ed25519"`, or any other that the loaded OpenSSL can make keys of
---@param parameter? integer|string RSA: the size in bits, 1024 to 16384 (default 2048); EC: the curve (default `"P-256"`); other algorithms: the size or group that they take
---@return SciSslPrivateKey?
---@return SciSslError? # phase `key`; condition `unknown_algorithm`, `not_in_this_openssl`, `unknown_curve`, `key_size`, `wrong_parameter` …
---@see EVP_PKEY_generate(3)
---@usage
---```lua
---local key = assert(scissl.SciSslPrivateKey.generate("EC", "P-384"))
---print(key:type(), key:bits(), key:group()) --> EC 384 P-384
---```
function SciSslPrivateKey.generate(algorithm, parameter) end

---Reads a key from PEM text: PKCS#8, encrypted or not, or the older forms.
---
---@param text string
---@param passphrase? string|function a function is called once, without arguments, if the key is encrypted, and returns the passphrase. OpenSSL never asks on the terminal
---@return SciSslPrivateKey?
---@return SciSslError? # phase `load`; condition `passphrase_missing`, `passphrase_wrong`, `passphrase_too_long`, `passphrase_function` (with what it raised as the cause), `not_pem`, `not_private_key` or `malformed_key`; `key_legacy`: it is encrypted with an algorithm that this OpenSSL does not have; `openssh_key`: it is in OpenSSH's own format
---@see PEM_read_bio_PrivateKey(3)
---@usage
---```lua
---local text = assert(key:toPem "open sesame")
---local again = assert(scissl.SciSslPrivateKey.fromPem(text, function() return "open sesame" end))
---local none, err = scissl.SciSslPrivateKey.fromPem(text)
---print(none, err:condition()) --> nil passphrase_missing
---```
function SciSslPrivateKey.fromPem(text, passphrase) end

---Reads a key from a PEM file.
---
---@param path string
---@param passphrase? string|function as for `fromPem`
---@return SciSslPrivateKey?
---@return SciSslError? # as for `fromPem`, with the path as its subject; also `file_missing`, `file_unreadable` …
---@usage
---```lua
---local key = assert(scissl.SciSslPrivateKey.fromPemFile "server.key")
---```
function SciSslPrivateKey.fromPemFile(path, passphrase) end

---Reads a key from a URI that OpenSSL's stores can open: `file:` in any format, and the schemes of providers, such as
---`pkcs11:` for keys that stay in their hardware.
---
---@param uri string `file:/etc/ssl/private/own.key`; a plain path works as well
---@param passphrase? string|function as for `fromPem`, or the PIN
---@param library? SciSslLibrary whose providers find the key; OpenSSL's own by default
---@return SciSslPrivateKey?
---@return SciSslError? # phase `load`, with the URI as its subject; condition `file_missing`, `unknown_scheme`, `store_unreadable`, `not_private_key`: there is none; `passphrase_missing`, `passphrase_wrong`, `passphrase_function`, `key_legacy`, `pkcs12_legacy` …
---@see OSSL_STORE_open(3)
---@see ossl_store-file(7)
---@usage
---```lua
---local key = assert(scissl.SciSslPrivateKey.fromUri "server.key") -- or file:/…, pkcs11:… where a provider reads that
---```
function SciSslPrivateKey.fromUri(uri, passphrase, library) end

---Reads a key from DER bytes: PKCS#8, encrypted or not, or the older forms.
---
---@param bytes string
---@param passphrase? string|function as for `fromPem`
---@return SciSslPrivateKey?
---@return SciSslError? # phase `load`; condition `not_der`, `not_private_key`, `malformed_key`, `key_legacy`, or one about the passphrase
---@see d2i_AutoPrivateKey(3)
---@usage
---```lua
---print(assert(scissl.SciSslPrivateKey.fromDer(assert(key:toDer()))) == key) --> true
---```
function SciSslPrivateKey.fromDer(bytes, passphrase) end

---Writes the key as PEM text (PKCS#8). Without a passphrase it is not encrypted: keep it secret.
---
---@param passphrase? string of 1 to 1024 bytes; encrypts with AES-256-CBC
---@return string?
---@return SciSslError? # phase `save`; condition `passphrase_empty`, `passphrase_too_long` …
---@see PEM_write_bio_PKCS8PrivateKey(3)
---@usage
---```lua
---local text = assert(key:toPem "open sesame")
---local again = assert(scissl.SciSslPrivateKey.fromPem(text, function() return "open sesame" end))
---local none, err = scissl.SciSslPrivateKey.fromPem(text)
---print(none, err:condition()) --> nil passphrase_missing
---```
function SciSslPrivateKey:toPem(passphrase) end

---Writes the key as DER bytes (PKCS#8). It is not encrypted: keep it secret.
---
---@return string?
---@return SciSslError? # phase `save`
---@see i2d_PKCS8PrivateKey_bio(3)
---@usage
---```lua
---print(assert(scissl.SciSslPrivateKey.fromDer(assert(key:toDer()))) == key) --> true
---```
function SciSslPrivateKey:toDer() end

---Writes the public key as PEM text (SubjectPublicKeyInfo).
---
---@return string?
---@return SciSslError? # phase `save`
---@see PEM_write_bio_PUBKEY(3)
---@usage
---```lua
---print(key:publicPem() == certificate:publicPem()) --> true
---```
function SciSslPrivateKey:publicPem() end

---Returns the pin of the public key, as curl and HPKP write it, for `SciSslContext:setPins`.
---
---@return string? # `sha256//` and base64; the same as that of a certificate for this key
---@return SciSslError? # phase `digest`
---@see RFC 7469, section 2.4
---@usage
---```lua
---print(key:spkiPin()) --> sha256//…
---```
function SciSslPrivateKey:spkiPin() end

---Returns OpenSSL's name of the algorithm: `EC`, `RSA`, `ED25519` …
---
---@return string
---@see EVP_PKEY_get0_type_name(3)
---@usage
---```lua
---local key = assert(scissl.SciSslPrivateKey.generate("EC", "P-384"))
---print(key:type(), key:bits(), key:group()) --> EC 384 P-384
---```
function SciSslPrivateKey:type() end

---Returns the size of the key.
---
---@return integer # 256 for the curve P-256, 2048 for an RSA key of that size …
---@see EVP_PKEY_get_bits(3)
---@usage
---```lua
---local key = assert(scissl.SciSslPrivateKey.generate("EC", "P-384"))
---print(key:type(), key:bits(), key:group()) --> EC 384 P-384
---```
function SciSslPrivateKey:bits() end

---Returns the curve or group of the key.
---
---@return string? # `P-256`, `secp256k1`, `ffdhe2048` …; nil for a key of an algorithm that has none
---@see EVP_PKEY_get_group_name(3)
---@usage
---```lua
---local key = assert(scissl.SciSslPrivateKey.generate("EC", "P-384"))
---print(key:type(), key:bits(), key:group()) --> EC 384 P-384
---```
function SciSslPrivateKey:group() end

---Frees the key, and wipes it from memory unless a context or connection still uses it. Harmless twice; every other use
---of a closed key raises. A key that a finalizer closes is wiped when the key itself is collected.
---
---@see EVP_PKEY_free(3)
---@usage
---```lua
---local key <close> = assert(scissl.SciSslPrivateKey.generate "EC") -- freed at the end of the scope, or by close()
---```
function SciSslPrivateKey:close() end

return SciSslPrivateKey
