---OCSP: the status of one certificate, signed by its issuer. These functions make requests, and make, read and verify
---responses. The program itself fetches them. Most clients need `SciSslContext:setOcspPolicy` alone.
---
---@meta SciSslOcsp
---@class SciSslOcsp
local SciSslOcsp = {}

---Options of `SciSslOcsp.response`.
---@class scissl.OcspResponseOptions
---@field certificate? any the SciSslX509Certificate whose status the response reports
---@field issuer? any the certificate of its issuer
---@field key? any the SciSslPrivateKey that signs it
---@field signer? any the certificate of that key, which the response includes (default: the issuer signs). It needs the extended key usage `OCSPSigning`
---@field status? any `"good"` (default), `"revoked"` or `"unknown"`
---@field reason? any of a revocation, such as `"keyCompromise"`
---@field revocationTime? any seconds since the epoch (default: `thisUpdate`)
---@field thisUpdate? any seconds since the epoch (default: now)
---@field nextUpdate? any seconds since the epoch (default: none)
---@field digest? any of the hashes that name the certificate (default `"SHA1"`)
---@field outcome? any in place of all others, such as `"tryLater"`: a response without a status

---Makes an OCSP request, without a nonce and not signed. Send it with `POST` and the type `application/ocsp-request` to
---the responder that the certificate names.
---
---@param certificate SciSslX509Certificate whose status is asked for
---@param issuer SciSslX509Certificate the certificate of its issuer
---@param digest? string (default: "SHA1") of the hashes that name the certificate; every responder knows the default
---@return string? # DER
---@return SciSslError? # phase `save`
---@see OCSP_request_add0_id(3)
---@see RFC 6960, section 4.1
---@usage
---```lua
---local der = assert(scissl.SciSslOcsp.request(certificate, ca)) -- POST it to the responder
---print(certificate:authorityInfoAccess().ocsp[1]) --> nil -- its address, where the certificate has one
---```
function SciSslOcsp.request(certificate, issuer, digest) end

---Makes an OCSP response.
---
---@param options scissl.OcspResponseOptions what the response says
---@return string? # DER
---@return SciSslError? # phase `issue`; condition `key_mismatch`, `invalid_option`
---@raise for an unknown option or one of a wrong type
---@see OCSP_basic_sign(3)
---@see RFC 6960, section 4.2
---@usage
---```lua
---local der = assert(scissl.SciSslOcsp.response {
---  certificate = certificate, issuer = ca, key = caKey, nextUpdate = os.time() + 3600,
---})
---print(assert(scissl.SciSslOcsp.check(der, { certificate = certificate, issuer = ca })).status) --> good
---```
function SciSslOcsp.response(options) end

---Verifies an OCSP response about a certificate: whether the issuer signed it, or a responder with a certificate that the
---issuer made for that purpose; and whether it is current. A nonce is not checked, so that responses can be kept and
---stapled. A response without `nextUpdate` is valid for a day.
---
---@param der string
---@param options table `certificate`: the SciSslX509Certificate whose status is wanted; `issuer`: the certificate of its issuer. It is trusted here: `SciSslX509Certificate:verify` it before; `at`: seconds since the epoch for which to verify (default: now); `skew`: seconds by which clocks may differ (default 300)
---@return table? # `status` (`"good"`, `"revoked"` or `"unknown"`), `thisUpdate`, `producedAt`, and where they are given `nextUpdate`, `revocationTime` (seconds since the epoch), `reason` (such as `keyCompromise`); `serial`, `digest`
---@return SciSslError? # phase `ocsp`, condition `malformed_ocsp`, `ocsp_unsuccessful`, `ocsp_untrusted`, `ocsp_other_certificate`, `ocsp_expired`, `ocsp_not_yet_valid`
---@raise for an unknown option or one of a wrong type
---@see OCSP_basic_verify(3)
---@see RFC 6960
---@usage
---```lua
---local der = assert(scissl.SciSslOcsp.response {
---  certificate = certificate, issuer = ca, key = caKey, nextUpdate = os.time() + 3600,
---})
---print(assert(scissl.SciSslOcsp.check(der, { certificate = certificate, issuer = ca })).status) --> good
---```
function SciSslOcsp.check(der, options) end

---Reads an OCSP response. Its signature is not verified: use `check` for that.
---
---@param der string
---@return table? # `outcome`: `"successful"`, `"malformedRequest"`, `"internalError"`, `"tryLater"`, `"sigRequired"` or `"unauthorized"`; where it is successful also `producedAt` (seconds since the epoch), `responderName` (RFC 2253 text) or `responderKey` (SHA-1, hexadecimal), `certificates` (array of SciSslX509Certificate), and `responses`: array of tables as `check` returns them
---@return SciSslError? # phase `ocsp`, condition `malformed_ocsp`
---@see OCSP_response_status(3)
---@usage
---```lua
---local der = assert(scissl.SciSslOcsp.response { outcome = "tryLater" })
---print(assert(scissl.SciSslOcsp.parse(der)).outcome) --> tryLater
---```
function SciSslOcsp.parse(der) end

return SciSslOcsp
