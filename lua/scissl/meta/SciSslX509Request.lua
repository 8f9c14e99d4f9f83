---A certificate request (PKCS#10), to make, read and verify. `SciSslX509Certificate.issue` makes a certificate of it.
---
---@meta SciSslX509Request
---@class SciSslX509Request
local SciSslX509Request = {}

---Makes a certificate request.
---
---@param options table `key`: the SciSslPrivateKey that the certificate is to be for; needed; `subject`: RFC 2253 text in UTF-8; `names`: strings for the subjectAltName, as for `SciSslX509Certificate.issue`. Either may be missing; `digest`: such as `"SHA384"` (default: the one that suits the key)
---@return SciSslX509Request?
---@return SciSslError? # phase `issue`; condition `malformed_name`, `name_missing`, `unknown_digest`, `wrong_key`
---@raise for an unknown option or one of a wrong type
---@see X509_REQ_sign(3)
---@usage
---```lua
---local key = assert(scissl.SciSslPrivateKey.generate "EC")
---local request = assert(scissl.SciSslX509Request.new {
---  key = key, subject = "CN=www.example.org", names = { "www.example.org", "example.org" },
---})
---assert(request:toPem()) -- send it to an authority
---```
function SciSslX509Request.new(options) end

---Reads a certificate request from PEM text.
---
---@param text string
---@return SciSslX509Request?
---@return SciSslError? # phase `load`; condition `not_pem`, `not_request` or `malformed_request`
---@see PEM_read_bio_X509_REQ(3)
---@usage
---```lua
---print(scissl.SciSslX509Request.fromPem(request:toPem()):subject()) --> CN=www.example.org
---```
function SciSslX509Request.fromPem(text) end

---Reads a certificate request from DER bytes.
---
---@param bytes string
---@return SciSslX509Request?
---@return SciSslError? # phase `load`; condition `not_der`, `not_request` or `malformed_request`
---@see d2i_X509_REQ(3)
---@usage
---```lua
---print(scissl.SciSslX509Request.fromDer(request:toDer()):subject()) --> CN=www.example.org
---```
function SciSslX509Request.fromDer(bytes) end

---Writes the request as PEM text.
---
---@return string?
---@return SciSslError? # phase `save`
---@see PEM_write_bio_X509_REQ(3)
---@usage
---```lua
---print(scissl.SciSslX509Request.fromPem(request:toPem()):subject()) --> CN=www.example.org
---```
function SciSslX509Request:toPem() end

---Writes the request as DER bytes.
---
---@return string?
---@return SciSslError? # phase `save`
---@see i2d_X509_REQ_bio(3)
---@usage
---```lua
---print(scissl.SciSslX509Request.fromDer(request:toDer()):subject()) --> CN=www.example.org
---```
function SciSslX509Request:toDer() end

---Writes the public key that the certificate is to be for, as PEM text.
---
---@return string?
---@return SciSslError? # phase `save`: this OpenSSL does not know the kind of key
---@see PEM_write_bio_PUBKEY(3)
---@usage
---```lua
---print(request:publicPem() == key:publicPem()) --> true
---```
function SciSslX509Request:publicPem() end

---Returns the subject that the certificate is to have.
---
---@return string? # RFC 2253 text in UTF-8
---@return SciSslError? # condition `malformed_name`
---@see X509_REQ_get_subject_name(3)
---@usage
---```lua
---print(request:subject(), request:subjectAltNames()[1].value) --> CN=www.example.org www.example.org
---```
function SciSslX509Request:subject() end

---Returns the names that the certificate is to be for.
---
---@return table[]? # as `SciSslX509Certificate:subjectAltNames`; empty where there are none
---@return SciSslError? # condition `malformed_extension`
---@see X509_REQ_get_extensions(3)
---@usage
---```lua
---print(request:subject(), request:subjectAltNames()[1].value) --> CN=www.example.org www.example.org
---```
function SciSslX509Request:subjectAltNames() end

---Verifies that the requester has the private key.
---
---@return boolean? # true
---@return SciSslError? # phase `verify`, condition `request_invalid`
---@see X509_REQ_verify(3)
---@usage
---```lua
---print(request:verify()) --> true -- the request is signed with its own key
---```
function SciSslX509Request:verify() end

return SciSslX509Request
