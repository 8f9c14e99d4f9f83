---A certificate, to read, make, inspect and verify. Two certificates with the same bytes are equal.
---
---@meta SciSslX509Certificate
---@class SciSslX509Certificate
local SciSslX509Certificate = {}

---Options of `SciSslX509Certificate.issue`.
---@class scissl.X509CertificateIssueOptions
---@field subject? any RFC 2253 text in UTF-8, such as `"CN=localhost,O=Test"`
---@field names? any strings for the subjectAltName; each becomes an address, a URI (`scheme:…`), an e-mail address (with `@`) or else a host name. Either `subject` or `names` may be missing
---@field key? any the SciSslPrivateKey that the certificate is for
---@field request? any a SciSslX509Request. Its subject, names and key are used unless they are given here, and nothing else
---@field issuer? any certificate and key of the authority (default: the certificate signs itself)
---@field issuerKey? any certificate and key of the authority (default: the certificate signs itself)
---@field ca? any true makes the certificate of an authority (default false)
---@field days? any how long it is valid, fractions too (default 30)
---@field notBefore? any seconds since the epoch (default: from now, for `days`; before a `notAfter` in the past, for `days`)
---@field notAfter? any seconds since the epoch (default: from now, for `days`; before a `notAfter` in the past, for `days`)
---@field serial? any hexadecimal digits or an integer (default: 159 random bits)
---@field digest? any such as `"SHA384"` (default: the one that suits the key)
---@field usage? any names as `keyUsage` returns them (default: those that suit the key; an empty list leaves the extension out)
---@field extendedUsage? any names as `extendedKeyUsage` returns them (default: none for an authority, `serverAuth` and `clientAuth` for others; an empty list leaves the extension out)
---@field pathLength? any for a `ca`, how many authorities may stand below it
---@field ocspUris? any lists of URIs of the OCSP responder, the issuer's certificate and the CRL
---@field caIssuerUris? any lists of URIs of the OCSP responder, the issuer's certificate and the CRL
---@field crlUris? any lists of URIs of the OCSP responder, the issuer's certificate and the CRL
---@field policies? any list of object identifiers in numbers
---@field extensions? any list of tables with `oid` (numbers, or OpenSSL's name), `data` (DER bytes, not checked) and `critical` (boolean, false)

---Options of `SciSslX509Certificate:verify`.
---@class scissl.X509CertificateVerifyOptions
---@field purpose? any `"sslserver"`, `"sslclient"` or another short name of OpenSSL's (default: any)
---@field time? any seconds since the epoch for which to verify (default: now)
---@field intermediates? any further certificates, not trusted, to build the chain from
---@field partialChain? any true also trusts a certificate of `trusted` that is not self-signed
---@field crls? any list of SciSslX509Crl. The certificate's issuer must have a CRL among them that does not list the certificate
---@field securityLevel? any 0 … 5, the strength that keys and signatures must have (default 0: any; connections have 1, or what `SciSslContext:setSecurityLevel` says)

---Makes a certificate: self-signed, or signed by an authority. For tests, the REPL and small authorities.
---
---@param options scissl.X509CertificateIssueOptions what the certificate says
---@return SciSslX509Certificate?
---@return SciSslError? # phase `issue`; condition `malformed_name`; `name_missing`: there is neither a subject nor a name; `key_mismatch`, `unknown_usage`, `unknown_digest`, `invalid_option`, `wrong_key`, `request_invalid` …
---@raise for an unknown option or one of a wrong type
---@see RFC 5280, section 4; X509_sign(3)
---@usage
---```lua
---local caKey = assert(scissl.SciSslPrivateKey.generate "EC")
---local ca = assert(scissl.SciSslX509Certificate.issue { subject = "CN=Our authority", key = caKey, ca = true })
---local key = assert(scissl.SciSslPrivateKey.generate "EC")
---local certificate = assert(scissl.SciSslX509Certificate.issue {
---  subject = "CN=www.example.org", names = { "www.example.org", "192.0.2.1" }, key = key,
---  issuer = ca, issuerKey = caKey, days = 90,
---})
---print(certificate:issuer()) --> CN=Our authority
---```
function SciSslX509Certificate.issue(options) end

---Returns the data of a TLSA record for the certificate.
---
---@param selector? integer|string (default: "SPKI") 0 `Cert`, 1 `SPKI`
---@param matchingType? integer|string (default: "SHA2-256") 0 `Full`, 1 `SHA2-256`, 2 `SHA2-512`
---@return string? # raw bytes
---@return SciSslError? # OpenSSL could not encode it
---@raise for another selector or matching type
---@see RFC 6698, section 2.1
---@usage
---```lua
---print(#certificate:tlsa("SPKI", "SHA2-256")) --> 32 -- for a TLSA record 3 1 1
---```
function SciSslX509Certificate:tlsa(selector, matchingType) end

---Reads a certificate from PEM text: the first, where there are several. `TRUSTED CERTIFICATE`, which OpenSSL writes with
---trust settings, is a certificate as well.
---
---@param text string
---@return SciSslX509Certificate?
---@return SciSslError? # phase `load`; condition `not_pem`, `not_certificate` or `malformed_certificate`
---@see PEM_read_bio_X509(3)
---@usage
---```lua
---print(assert(scissl.SciSslX509Certificate.fromPem(certificate:toPem())) == certificate) --> true
---```
function SciSslX509Certificate.fromPem(text) end

---Reads a certificate from a PEM file.
---
---@param path string
---@return SciSslX509Certificate?
---@return SciSslError? # as for `fromPem`, with the path as its subject; also `file_missing`, `file_unreadable` …
---@usage
---```lua
---print(assert(scissl.SciSslX509Certificate.fromPemFile "server.pem"):subject()) --> CN=localhost
---```
function SciSslX509Certificate.fromPemFile(path) end

---Reads a certificate from DER bytes.
---
---@param bytes string
---@return SciSslX509Certificate?
---@return SciSslError? # phase `load`; condition `not_der`, `not_certificate` or `malformed_certificate`
---@see d2i_X509(3)
---@usage
---```lua
---print(assert(scissl.SciSslX509Certificate.fromDer(certificate:toDer())) == certificate) --> true
---```
function SciSslX509Certificate.fromDer(bytes) end

---Writes the certificate as PEM text.
---
---@return string?
---@return SciSslError? # phase `save`
---@see PEM_write_bio_X509(3)
---@usage
---```lua
---print(assert(scissl.SciSslX509Certificate.fromPem(certificate:toPem())) == certificate) --> true
---```
function SciSslX509Certificate:toPem() end

---Writes the certificate as DER bytes.
---
---@return string?
---@return SciSslError? # phase `save`
---@see i2d_X509_bio(3)
---@usage
---```lua
---print(assert(scissl.SciSslX509Certificate.fromDer(certificate:toDer())) == certificate) --> true
---```
function SciSslX509Certificate:toDer() end

---Returns the subject, whom the certificate is about.
---
---@return string? # RFC 2253 text in UTF-8, such as `CN=localhost,O=Test`; empty where it has no subject
---@return SciSslError? # condition `malformed_name`
---@see X509_NAME_print_ex(3)
---@usage
---```lua
---print(certificate:subject(), certificate:issuer()) --> CN=localhost CN=scissl test authority
---```
function SciSslX509Certificate:subject() end

---Returns the common name (CN) of the subject, for people to read. It is no proof of a host's name: `matchHost` compares names.
---
---@return string? # in UTF-8, the last one where the subject has several; nil where it has none
---@see X509_NAME_get_index_by_NID(3)
---@usage
---```lua
---print(certificate:commonName()) --> localhost
---```
function SciSslX509Certificate:commonName() end

---Returns the issuer, who signed the certificate.
---
---@return string? # RFC 2253 text in UTF-8
---@return SciSslError? # condition `malformed_name`
---@see X509_NAME_print_ex(3)
---@usage
---```lua
---print(certificate:subject(), certificate:issuer()) --> CN=localhost CN=scissl test authority
---```
function SciSslX509Certificate:issuer() end

---Returns the names that the certificate is for, in its order, as tables with `type` and `value`:
---
---- `"DNS"`, `"email"`, `"URI"`: the bytes as they are, which may include NUL bytes
---- `"IP"`: the text of an IPv4 or IPv6 address
---- `"dirName"`: RFC 2253 text
---- `"RID"`: numbers with dots
---- `"otherName"`: the DER bytes of the value, with `oid` as numbers with dots, and `text` where the value is a text
---- `"x400Address"`, `"ediPartyName"`: DER bytes
---
---@return table[]? # empty where the certificate has none
---@return SciSslError? # condition `malformed_extension`
---@see RFC 5280, section 4.2.1.6
---@usage
---```lua
---for _, name in ipairs(assert(certificate:subjectAltNames())) do print(name.type, name.value) end
-----> DNS localhost
-----> IP 127.0.0.1
---```
function SciSslX509Certificate:subjectAltNames() end

---Returns the serial number.
---
---@return string # upper-case hexadecimal digits, two a byte; after `-` where a broken issuer made it negative
---@see X509_get0_serialNumber(3)
---@usage
---```lua
---print(certificate:serial():find "^%x+$" ~= nil, certificate:version()) --> true 3
---```
function SciSslX509Certificate:serial() end

---Returns the version of the format.
---
---@return integer # 3, or 1 for very old ones
---@see X509_get_version(3)
---@usage
---```lua
---print(certificate:serial():find "^%x+$" ~= nil, certificate:version()) --> true 3
---```
function SciSslX509Certificate:version() end

---Returns the time from which the certificate is valid.
---
---@return integer? # seconds since the epoch; negative before 1970
---@return SciSslError? # condition `malformed_certificate`
---@see X509_get0_notBefore(3)
---@usage
---```lua
---local now = os.time()
---print(certificate:notBefore() <= now and now <= certificate:notAfter()) --> true
---```
function SciSslX509Certificate:notBefore() end

---Returns the time until which the certificate is valid, that second included.
---
---@return integer? # seconds since the epoch; negative before 1970
---@return SciSslError? # condition `malformed_certificate`
---@see X509_get0_notAfter(3)
---@usage
---```lua
---local now = os.time()
---print(certificate:notBefore() <= now and now <= certificate:notAfter()) --> true
---```
function SciSslX509Certificate:notAfter() end

---Returns a digest of the whole certificate, for logs and pinning.
---
---@param digest? string (default: "SHA256")
---@return string? # upper-case hexadecimal digits without colons
---@return SciSslError? # condition `unknown_digest`
---@see X509_digest(3)
---@usage
---```lua
---print(#certificate:fingerprint(), #certificate:fingerprint "SHA1") --> 64 40
---```
function SciSslX509Certificate:fingerprint(digest) end

---Returns OpenSSL's name of the public key's algorithm: `EC`, `RSA`, `ED25519` …
---
---@return string?
---@return SciSslError? # condition `malformed_key`
---@see EVP_PKEY_get0_type_name(3)
---@usage
---```lua
---print(certificate:keyType(), certificate:keyBits(), certificate:keyGroup()) --> EC 256 prime256v1
---```
function SciSslX509Certificate:keyType() end

---Returns the size of the public key.
---
---@return integer?
---@return SciSslError? # condition `malformed_key`
---@see EVP_PKEY_get_bits(3)
---@usage
---```lua
---print(certificate:keyType(), certificate:keyBits(), certificate:keyGroup()) --> EC 256 prime256v1
---```
function SciSslX509Certificate:keyBits() end

---Returns the curve or group of the public key.
---
---@return string? # OpenSSL's name, such as `prime256v1`; nil for keys that have none
---@return SciSslError? # the key is of a kind that this OpenSSL does not know
---@see EVP_PKEY_get_group_name(3)
---@usage
---```lua
---print(certificate:keyType(), certificate:keyBits(), certificate:keyGroup()) --> EC 256 prime256v1
---```
function SciSslX509Certificate:keyGroup() end

---Writes the public key as PEM text (SubjectPublicKeyInfo).
---
---@return string?
---@return SciSslError? # condition `malformed_key` …
---@see PEM_write_bio_PUBKEY(3)
---@usage
---```lua
---print(certificate:publicPem()) --> -----BEGIN PUBLIC KEY-----…
---print(#certificate:publicDer()) --> 91
---```
function SciSslX509Certificate:publicPem() end

---Returns the algorithm of the certificate's signature.
---
---@return string # OpenSSL's short name, such as `ecdsa-with-SHA256`, `RSA-SHA256` or `ED25519`; numbers with dots where it has none
---@see X509_get0_signature(3)
---@usage
---```lua
---print(certificate:signatureAlgorithm(), certificate:signatureDigest()) --> ecdsa-with-SHA256 SHA256
---```
function SciSslX509Certificate:signatureAlgorithm() end

---Frees the certificate, unless a context or connection still uses it. Harmless twice; every other use of a closed
---certificate raises.
---
---@see X509_free(3)
---@usage
---```lua
---local certificate <close> = assert(scissl.SciSslX509Certificate.fromPemFile "server.pem")
---```
function SciSslX509Certificate:close() end

---Reads all certificates of a PEM text, in their order.
---
---@param text string
---@return SciSslX509Certificate[]? # at least one
---@return SciSslError? # phase `load`; condition `not_pem`, `not_certificate` or `malformed_certificate`
---@see PEM_read_bio_X509(3)
---@usage
---```lua
---local text = assert(scissl.SciSslX509Certificate.chainToPem { certificate, ca })
---print(#assert(scissl.SciSslX509Certificate.chainFromPem(text))) --> 2
---```
function SciSslX509Certificate.chainFromPem(text) end

---Writes certificates as one PEM text, in their order.
---
---@param certificates SciSslX509Certificate[]
---@return string?
---@return SciSslError? # phase `save`
---@see PEM_write_bio_X509(3)
---@usage
---```lua
---local text = assert(scissl.SciSslX509Certificate.chainToPem { certificate, ca })
---print(#assert(scissl.SciSslX509Certificate.chainFromPem(text))) --> 2
---```
function SciSslX509Certificate.chainToPem(certificates) end

---Returns the identifier of the certificate's key.
---
---@return string? # raw bytes; nil where there is none
---@see X509_get0_subject_key_id(3)
---@usage
---```lua
---print(certificate:authorityKeyId() == ca:subjectKeyId()) --> true
---```
function SciSslX509Certificate:subjectKeyId() end

---Returns the identifier of the key that signed the certificate.
---
---@return string? # raw bytes; nil where there is none
---@see X509_get0_authority_key_id(3)
---@usage
---```lua
---print(certificate:authorityKeyId() == ca:subjectKeyId()) --> true
---```
function SciSslX509Certificate:authorityKeyId() end

---Returns where to ask for the certificate's status, and where the issuer's certificate is.
---
---@return table? # `ocsp` and `caIssuers`: arrays of URIs, empty where there are none
---@return SciSslError? # condition `malformed_extension`
---@see RFC 5280, section 4.2.2.1
---@usage
---```lua
---print(#certificate:authorityInfoAccess().ocsp, #certificate:crlDistributionPoints(), #certificate:policies()) --> 0 0 0
---```
function SciSslX509Certificate:authorityInfoAccess() end

---Returns where the issuer's CRLs are.
---
---@return string[]? # URIs; empty where there are none
---@return SciSslError? # condition `malformed_extension`
---@see RFC 5280, section 4.2.1.13
---@usage
---```lua
---print(#certificate:authorityInfoAccess().ocsp, #certificate:crlDistributionPoints(), #certificate:policies()) --> 0 0 0
---```
function SciSslX509Certificate:crlDistributionPoints() end

---Returns the policies under which the certificate was issued.
---
---@return string[]? # object identifiers in numbers; empty where there are none
---@return SciSslError? # condition `malformed_extension`
---@see RFC 5280, section 4.2.1.4
---@usage
---```lua
---print(#certificate:authorityInfoAccess().ocsp, #certificate:crlDistributionPoints(), #certificate:policies()) --> 0 0 0
---```
function SciSslX509Certificate:policies() end

---Returns the signed timestamps that certificate transparency logs gave for the certificate.
---
---@return table[]? # `version` (integer, 1), `logId` (string, raw bytes), `time` (number, seconds since the epoch), `signature` (string, raw bytes); empty where there are none
---@return SciSslError? # condition `malformed_extension`, `not_in_this_openssl`
---@see RFC 6962, section 3.3
---@usage
---```lua
---if scissl.features.certificateTransparency then print(#certificate:signedCertificateTimestamps()) end
---```
function SciSslX509Certificate:signedCertificateTimestamps() end

---Returns all extensions, in their order.
---
---@return table[] # `oid` (object identifier in numbers), `name` (OpenSSL's short name, where it knows one), `critical` (boolean), `data` (DER bytes)
---@see X509_get0_extensions(3)
---@usage
---```lua
---for _, extension in ipairs(certificate:extensions()) do print(extension.oid, extension.name, extension.critical) end
---print(ca:extension "basicConstraints" ~= nil)
---```
function SciSslX509Certificate:extensions() end

---Returns one extension.
---
---@param oid string object identifier in numbers, or OpenSSL's short or long name
---@return string? # DER bytes; nil where the certificate has no such extension
---@return boolean? # whether it is critical
---@raise for text that is no object identifier
---@see X509_get_ext_by_OBJ(3)
---@usage
---```lua
---for _, extension in ipairs(certificate:extensions()) do print(extension.oid, extension.name, extension.critical) end
---print(ca:extension "basicConstraints" ~= nil)
---```
function SciSslX509Certificate:extension(oid) end

---Returns the fields of the subject, in the certificate's own order.
---
---@return table[] # `oid` (in numbers), `name` (OpenSSL's short name, such as `CN`; the numbers where it has none), `longName` (such as `commonName`), `value` (UTF-8; the bytes as they are where they are not text), `bytes` (as they are)
---@see X509_NAME_get_entry(3)
---@usage
---```lua
---for _, field in ipairs(certificate:subjectFields()) do print(field.name, field.value) end --> CN localhost
---print(certificate:issuerFields()[1].oid) --> 2.5.4.3
---```
function SciSslX509Certificate:subjectFields() end

---Returns the fields of the issuer, in the certificate's own order.
---
---@return table[] # as `subjectFields`
---@see X509_NAME_get_entry(3)
---@usage
---```lua
---for _, field in ipairs(certificate:subjectFields()) do print(field.name, field.value) end --> CN localhost
---print(certificate:issuerFields()[1].oid) --> 2.5.4.3
---```
function SciSslX509Certificate:issuerFields() end

---Returns the public key, as SubjectPublicKeyInfo.
---
---@return string? # DER bytes
---@return SciSslError? # phase `save`
---@see i2d_X509_PUBKEY(3)
---@usage
---```lua
---print(certificate:publicPem()) --> -----BEGIN PUBLIC KEY-----…
---print(#certificate:publicDer()) --> 91
---```
function SciSslX509Certificate:publicDer() end

---Returns the pin of the public key, as curl and HPKP write it. A certificate that is renewed for the same key has the
---same pin.
---
---@return string? # `sha256//` and base64
---@return SciSslError? # phase `digest`
---@see RFC 7469, section 2.4
---@usage
---```lua
---print(certificate:spkiPin()) --> sha256//…
---```
function SciSslX509Certificate:spkiPin() end

---Returns the digest of the certificate's signature.
---
---@return string? # such as `SHA256`; nil where the algorithm brings its own, as Ed25519 does
---@see X509_get_signature_info(3)
---@usage
---```lua
---print(certificate:signatureAlgorithm(), certificate:signatureDigest()) --> ecdsa-with-SHA256 SHA256
---```
function SciSslX509Certificate:signatureDigest() end

---Returns what the key may be used for: `digitalSignature`, `nonRepudiation`, `keyEncipherment`, `dataEncipherment`,
---`keyAgreement`, `keyCertSign`, `cRLSign`, `encipherOnly`, `decipherOnly`.
---
---@return string[]? # nil where the certificate has no such extension, and so does not restrict the key
---@return SciSslError? # condition `malformed_extension`
---@see RFC 5280, section 4.2.1.3
---@usage
---```lua
---print(table.concat(ca:keyUsage(), " ")) --> …keyCertSign…
---print(ca:extendedKeyUsage()) --> nil
---```
function SciSslX509Certificate:keyUsage() end

---Returns the purposes that the certificate is for: `serverAuth`, `clientAuth`, `codeSigning`, `emailProtection` …;
---numbers with dots for one that OpenSSL does not know.
---
---@return string[]? # nil where the certificate has no such extension, and so does not restrict the purposes
---@return SciSslError? # condition `malformed_extension`
---@see RFC 5280, section 4.2.1.12
---@usage
---```lua
---print(table.concat(ca:keyUsage(), " ")) --> …keyCertSign…
---print(ca:extendedKeyUsage()) --> nil
---```
function SciSslX509Certificate:extendedKeyUsage() end

---Tells whether the certificate belongs to an authority, which may sign others (basicConstraints).
---
---@return boolean
---@see X509_check_ca(3)
---@usage
---```lua
---print(ca:isSelfSigned(), ca:isCa(), ca:pathLength()) --> true true nil
---```
function SciSslX509Certificate:isCa() end

---Returns how many authorities may stand between this one and the certificates at the end (basicConstraints).
---
---@return integer? # nil where the number is not limited, or the certificate belongs to no authority
---@see X509_get_pathlen(3)
---@usage
---```lua
---print(ca:isSelfSigned(), ca:isCa(), ca:pathLength()) --> true true nil
---```
function SciSslX509Certificate:pathLength() end

---Tells whether the certificate is for that host. A wildcard stands for a whole label. The common name of the subject
---counts only in a certificate without DNS names.
---
---@param name string in ASCII (Punycode for international names); a dot at its end does not count. An address is no host name: see `matchesIp`
---@return boolean?
---@return SciSslError?
---@raise for a NUL byte
---@see X509_check_host(3), with X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS
---@usage
---```lua
---print(certificate:matchesHost "localhost", certificate:matchesIp "127.0.0.1") --> true true
---print(certificate:matchesEmail "root@localhost") --> false
---```
function SciSslX509Certificate:matchesHost(name) end

---Tells whether the certificate is for that IP address.
---
---@param address string IPv4 or IPv6
---@return boolean?
---@return SciSslError? # condition `malformed_name`: `address` is no IP address
---@see X509_check_ip_asc(3)
---@usage
---```lua
---print(certificate:matchesHost "localhost", certificate:matchesIp "127.0.0.1") --> true true
---print(certificate:matchesEmail "root@localhost") --> false
---```
function SciSslX509Certificate:matchesIp(address) end

---Tells whether the certificate is for that e-mail address.
---
---@param address string
---@return boolean?
---@return SciSslError?
---@see X509_check_email(3)
---@usage
---```lua
---print(certificate:matchesHost "localhost", certificate:matchesIp "127.0.0.1") --> true true
---print(certificate:matchesEmail "root@localhost") --> false
---```
function SciSslX509Certificate:matchesEmail(address) end

---Tells whether the certificate belongs to that private key.
---
---@param key SciSslPrivateKey
---@return boolean
---@see X509_check_private_key(3)
---@usage
---```lua
---print(certificate:matchesKey(key), certificate:matchesKey(caKey)) --> true false
---```
function SciSslX509Certificate:matchesKey(key) end

---Tells whether the certificate is its own issuer and is signed with its own key.
---
---@return boolean # false also where the signature is wrong or cannot be checked
---@see X509_self_signed(3)
---@usage
---```lua
---print(ca:isSelfSigned(), ca:isCa(), ca:pathLength()) --> true true nil
---```
function SciSslX509Certificate:isSelfSigned() end

---Verifies the certificate: its chain up to a trusted one, each signature, the dates, and what each may be used for.
---
---@param trusted SciSslX509Certificate[] the roots to trust; no others are
---@param options? scissl.X509CertificateVerifyOptions how to verify
---@return boolean? # true
---@return SciSslX509Certificate[]|SciSslError # the chain: the certificate first, a trusted one last; phase `verify`, with a `verifyResult`, condition `certificate_expired`, `security_level` …; or condition `unknown_purpose`
---@see X509_verify_cert(3)
---@usage
---```lua
---local good, chain = certificate:verify({ ca }, { purpose = "sslserver" })
---print(good, #chain) --> true 2
---local bad, err = certificate:verify { clientCertificate }
---print(bad, err:condition()) --> nil certificate_unknown_issuer
---```
function SciSslX509Certificate:verify(trusted, options) end

return SciSslX509Certificate
