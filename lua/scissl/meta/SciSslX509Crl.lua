---A certificate revocation list (CRL), to read, make, inspect and verify.
---
---@meta SciSslX509Crl
---@class SciSslX509Crl
local SciSslX509Crl = {}

---Options of `SciSslX509Crl.issue`.
---@class scissl.X509CrlIssueOptions
---@field issuer any certificate and key of the authority
---@field issuerKey any certificate and key of the authority
---@field revoked? any list of tables with `certificate` (SciSslX509Certificate) or `serial` (hexadecimal digits, or an integer), `time` (seconds since the epoch; that of `lastUpdate`) and `reason` (of RFC 5280, section 5.3.1, such as `keyCompromise`; none)
---@field number? any hexadecimal digits, or an integer (none)
---@field lastUpdate? any seconds since the epoch (now)
---@field nextUpdate? any seconds since the epoch (a week after `lastUpdate`)
---@field digest? any such as `"SHA384"` (default: the one that suits the key)

---Reads a CRL from PEM text: the first, where there are several.
---
---@param text string
---@return SciSslX509Crl?
---@return SciSslError? # phase `load`; condition `not_pem`, `not_crl` or `malformed_crl`
---@see PEM_read_bio_X509_CRL(3)
---@usage
---```lua
---print(scissl.SciSslX509Crl.fromPem(crl:toPem()):number()) --> 07
---```
function SciSslX509Crl.fromPem(text) end

---Reads a CRL from DER bytes.
---
---@param bytes string
---@return SciSslX509Crl?
---@return SciSslError? # phase `load`; condition `not_der`, `not_crl` or `malformed_crl`
---@see d2i_X509_CRL(3)
---@usage
---```lua
---print(scissl.SciSslX509Crl.fromDer(crl:toDer()):number()) --> 07
---```
function SciSslX509Crl.fromDer(bytes) end

---Writes the CRL as PEM text.
---
---@return string?
---@return SciSslError? # phase `save`
---@see PEM_write_bio_X509_CRL(3)
---@usage
---```lua
---print(scissl.SciSslX509Crl.fromPem(crl:toPem()):number()) --> 07
---```
function SciSslX509Crl:toPem() end

---Writes the CRL as DER bytes.
---
---@return string?
---@return SciSslError? # phase `save`
---@see i2d_X509_CRL_bio(3)
---@usage
---```lua
---print(scissl.SciSslX509Crl.fromDer(crl:toDer()):number()) --> 07
---```
function SciSslX509Crl:toDer() end

---Returns the issuer of the CRL.
---
---@return string? # RFC 2253 text in UTF-8
---@return SciSslError? # condition `malformed_name`
---@see X509_CRL_get_issuer(3)
---@usage
---```lua
---print(crl:issuer(), crl:number(), crl:signatureAlgorithm()) --> CN=scissl test authority 07 ecdsa-with-SHA256
---```
function SciSslX509Crl:issuer() end

---Returns when the CRL was issued.
---
---@return integer? # seconds since the epoch
---@see X509_CRL_get0_lastUpdate(3)
---@usage
---```lua
---print(crl:nextUpdate() - crl:lastUpdate()) --> 604800
---```
function SciSslX509Crl:lastUpdate() end

---Returns when the next CRL is due at the latest.
---
---@return integer? # seconds since the epoch; nil where the issuer does not say
---@see X509_CRL_get0_nextUpdate(3)
---@usage
---```lua
---print(crl:nextUpdate() - crl:lastUpdate()) --> 604800
---```
function SciSslX509Crl:nextUpdate() end

---Returns the number of the CRL, which grows from one CRL to the next.
---
---@return string? # upper-case hexadecimal digits, two a byte; nil where it has none
---@see RFC 5280, section 5.2.3
---@usage
---```lua
---print(crl:issuer(), crl:number(), crl:signatureAlgorithm()) --> CN=scissl test authority 07 ecdsa-with-SHA256
---```
function SciSslX509Crl:number() end

---Returns the algorithm of the signature.
---
---@return string # OpenSSL's short name, or the numbers of one that it does not know
---@see X509_CRL_get_signature_nid(3)
---@usage
---```lua
---print(crl:issuer(), crl:number(), crl:signatureAlgorithm()) --> CN=scissl test authority 07 ecdsa-with-SHA256
---```
function SciSslX509Crl:signatureAlgorithm() end

---Returns the revoked certificates that the CRL lists.
---
---@return table[] # `serial` (upper-case hexadecimal digits, as `SciSslX509Certificate:serial`), `time` (seconds since the epoch), `reason` (of RFC 5280, section 5.3.1, such as `keyCompromise`; nil where the issuer gives none)
---@see X509_CRL_get_REVOKED(3)
---@usage
---```lua
---for _, entry in ipairs(crl:revoked()) do print(entry.serial, os.date("%F", entry.time), entry.reason) end
-----> … keyCompromise
---```
function SciSslX509Crl:revoked() end

---Looks for a certificate in the CRL.
---
---@param certificate SciSslX509Certificate|string|integer or its serial number: hexadecimal digits, or an integer
---@return table? # as an entry of `revoked`; nil where the CRL does not list the certificate, or another issuer made it. Look in a CRL of several issuers (an indirect CRL) by serial number
---@raise for a malformed serial number
---@see X509_CRL_get0_by_serial(3)
---@usage
---```lua
---print(crl:isRevoked(clientCertificate).reason, crl:isRevoked(certificate)) --> keyCompromise nil
---```
function SciSslX509Crl:isRevoked(certificate) end

---Verifies the signature of the CRL.
---
---@param issuer SciSslX509Certificate
---@return boolean? # true: the issuer signed it
---@return SciSslError? # phase `verify`, condition `crl_invalid`
---@see X509_CRL_verify(3)
---@usage
---```lua
---print(crl:verify(ca)) --> true
---```
function SciSslX509Crl:verify(issuer) end

---Makes a CRL, and signs it.
---
---@param options scissl.X509CrlIssueOptions what the CRL says
---@return SciSslX509Crl?
---@return SciSslError? # phase `issue`; condition `key_mismatch`, `unknown_digest`, `invalid_option`
---@raise for an unknown option or one of a wrong type
---@see X509_CRL_sign(3)
---@see RFC 5280, section 5
---@usage
---```lua
---local crl = assert(scissl.SciSslX509Crl.issue {
---  issuer = ca, issuerKey = caKey, number = 8, nextUpdate = os.time() + 7 * 86400,
---  revoked = { { certificate = clientCertificate, reason = "keyCompromise" } },
---})
---```
function SciSslX509Crl.issue(options) end

return SciSslX509Crl
