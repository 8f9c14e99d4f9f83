---The settings that connections share (SSL_CTX): protocols, ciphers, trust store, certificates, sessions. A connection copies
---them in `SciSslSocket:sslInitialize`; later changes of the context do not reach it. Setters return the receiver, so that calls
---can be chained, or nil and a `SciSslError`. A new context does not verify its peers until `setVerify` is called;
---`scissl.connect` calls it.
---
---@meta SciSslContext
---@class SciSslContext
local SciSslContext = {}

---Makes a context. `TLS` allows TLS 1.2 and later, and `DTLS`, for datagrams, DTLS 1.2; each other method allows one version
---only. `TLSv1`, `TLSv1.1` and `DTLSv1` also need `setSecurityLevel(0)`.
---
---@within Making one, options
---@param method? string (default: "TLS") `TLS`, `TLSv1`, `TLSv1.1`, `TLSv1.2`, `TLSv1.3`, `DTLS`, `DTLSv1` or `DTLSv1.2`
---@param library? SciSslLibrary whose providers do the work of its connections; OpenSSL's own by default
---@return SciSslContext?
---@return SciSslError? # condition `unknown_protocol`
---@see SSL_CTX_new_ex(3)
---@usage
---```lua
---local any = assert(scissl.SciSslContext.new()) -- TLS 1.2 and later
---local modern = assert(scissl.SciSslContext.new "TLSv1.3")
---print(scissl.SciSslContext.new "SSLv3") --> nil …
---```
function SciSslContext.new(method, library) end

---Sets options. Those that are set already stay.
---
---@within Making one, options
---@param options integer|string|string[] `SSL_OP_…` constants joined by `|`; or their names without `SSL_OP_`, in lower case: `"no_ticket"`, `{"no_renegotiation", "cipher_server_preference"}`
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `unknown_flag`; the context is unchanged
---@see SSL_CTX_set_options(3)
---@usage
---```lua
---assert(context:setOptions { "no_ticket", "cipher_server_preference" })
---assert(context:clearOptions(scissl.SSL_OP_NO_TICKET))
---print(context:getOptions() & scissl.SSL_OP_NO_TICKET) --> 0
---```
function SciSslContext:setOptions(options) end

---Clears options.
---
---@within Making one, options
---@param options integer|string|string[] as for `setOptions`
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `unknown_flag`; the context is unchanged
---@see SSL_CTX_clear_options(3)
---@usage
---```lua
---assert(context:setOptions { "no_ticket", "cipher_server_preference" })
---assert(context:clearOptions(scissl.SSL_OP_NO_TICKET))
---print(context:getOptions() & scissl.SSL_OP_NO_TICKET) --> 0
---```
function SciSslContext:clearOptions(options) end

---Returns the options that are set.
---
---@within Making one, options
---@return integer # `SSL_OP_…` constants joined by `|`
---@see SSL_CTX_get_options(3)
---@usage
---```lua
---assert(context:setOptions { "no_ticket", "cipher_server_preference" })
---assert(context:clearOptions(scissl.SSL_OP_NO_TICKET))
---print(context:getOptions() & scissl.SSL_OP_NO_TICKET) --> 0
---```
function SciSslContext:getOptions() end

---Allows or forbids renegotiation: a second handshake on the same connection, which exists up to TLS 1.2. It is forbidden by
---default, because each renegotiation costs a server much more work than the client that asks for it. Later connections only.
---
---@within Making one, options
---@param allowed boolean
---@return SciSslContext # the receiver
---@see SSL_CTX_set_options(3), `SSL_OP_NO_RENEGOTIATION` and `SSL_OP_ALLOW_CLIENT_RENEGOTIATION`
---@usage
---```lua
---context:setRenegotiation(true) -- for a TLS 1.2 peer that needs to renegotiate
---```
function SciSslContext:setRenegotiation(allowed) end

---Sets the application protocols that a client offers or a server accepts, most preferred first (ALPN). A server chooses its
---own most preferred one of those that the client offers; without a common one it ends the handshake.
---
---@within Protocols, ciphers, groups, ALPN
---@param names string[] such as `{"h2", "http/1.1"}`; an empty list switches ALPN off
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `bad_alpn`: a name is empty or longer than 255 bytes
---@see SSL_CTX_set_alpn_protos(3)
---@see RFC 7301
---@usage
---```lua
---assert(context:setAlpn { "h2", "http/1.1" }) -- most preferred first
---```
function SciSslContext:setAlpn(names) end

---Sets the ciphers for TLS 1.2 and earlier, most preferred first.
---
---@within Protocols, ciphers, groups, ALPN
---@param text string OpenSSL's cipher list format, such as `ECDHE+AESGCM`
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `unknown_cipher`; the context is unchanged
---@see SSL_CTX_set_cipher_list(3)
---@usage
---```lua
---assert(context:setCipherList "ECDHE+AESGCM:ECDHE+CHACHA20")
---local done, err = context:setCipherList "no such cipher"
---print(err:condition()) --> unknown_cipher
---```
function SciSslContext:setCipherList(text) end

---Sets the cipher suites for TLS 1.3, most preferred first.
---
---@within Protocols, ciphers, groups, ALPN
---@param text string names separated by colons, such as `TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256`
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `unknown_cipher`; the context is unchanged
---@see SSL_CTX_set_ciphersuites(3)
---@usage
---```lua
---assert(context:setCiphersuites "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256")
---```
function SciSslContext:setCiphersuites(text) end

---Sets the groups for the key exchange, most preferred first.
---
---From OpenSSL 3.5 on, `*` before a name makes a client send a key share of that group (several are possible; without any `*`, it
---sends one of the first group), `?` ignores a name that OpenSSL does not know, `-` removes a group, and `DEFAULT` stands for
---OpenSSL's own list. `/` separates tuples: a server takes a group of its first tuple that the client supports, and within a tuple
---prefers one for which the client has sent a key share.
---
---@within Protocols, ciphers, groups, ALPN
---@param text string names separated by colons, such as `X25519:P-256`
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `unknown_group`, or `not_in_this_openssl`; the context is unchanged
---@see SSL_CTX_set1_groups_list(3)
---@usage
---```lua
---assert(context:setGroups(scissl.features.X25519MLKEM768 and "X25519MLKEM768:X25519" or "X25519:P-256"))
---```
function SciSslContext:setGroups(text) end

---Sets the signature algorithms that connections use and accept, most preferred first.
---
---@within Protocols, ciphers, groups, ALPN
---@param text string names separated by colons, such as `ecdsa_secp256r1_sha256:RSA-PSS+SHA256`
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `unknown_signature_algorithm`, or `not_in_this_openssl`; the context is unchanged
---@see SSL_CTX_set1_sigalgs_list(3)
---@usage
---```lua
---assert(context:setSignatureAlgorithms "ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256")
---```
function SciSslContext:setSignatureAlgorithms(text) end

---Sets the security level: 0 allows everything, and each higher level requires longer keys and stronger digests.
---
---@within Protocols, ciphers, groups, ALPN
---@param level integer 0 … 5
---@return SciSslContext # the receiver
---@see SSL_CTX_set_security_level(3)
---@usage
---```lua
---print(context:setSecurityLevel(2):getSecurityLevel()) --> 2
---```
function SciSslContext:setSecurityLevel(level) end

---Returns the security level.
---
---@within Protocols, ciphers, groups, ALPN
---@return integer # 0 … 5
---@see SSL_CTX_get_security_level(3)
---@usage
---```lua
---print(context:setSecurityLevel(2):getSecurityLevel()) --> 2
---```
function SciSslContext:getSecurityLevel() end

---Sets the lowest protocol version of later connections.
---
---@within Protocols, ciphers, groups, ALPN
---@param name string `TLSv1`, `TLSv1.1`, `TLSv1.2` or `TLSv1.3`; of a context of DTLS `DTLSv1` or `DTLSv1.2`
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `unknown_protocol`, or `protocol_version`: the version is above the highest one
---@see SSL_CTX_set_min_proto_version(3)
---@usage
---```lua
---assert(context:setMinProtocol "TLSv1.3")
---local done, err = context:setMaxProtocol "TLSv1.2"
---print(done, err:condition()) --> nil protocol_version
---```
function SciSslContext:setMinProtocol(name) end

---Sets the highest protocol version of later connections.
---
---@within Protocols, ciphers, groups, ALPN
---@param name string `TLSv1`, `TLSv1.1`, `TLSv1.2` or `TLSv1.3`; of a context of DTLS `DTLSv1` or `DTLSv1.2`
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `unknown_protocol`, or `protocol_version`: the version is below the lowest one
---@see SSL_CTX_set_max_proto_version(3)
---@usage
---```lua
---assert(context:setMinProtocol "TLSv1.3")
---local done, err = context:setMaxProtocol "TLSv1.2"
---print(done, err:condition()) --> nil protocol_version
---```
function SciSslContext:setMaxProtocol(name) end

---Uses the first certificate of a PEM file as the context's own.
---
---@within Own certificates and keys
---@param path string
---@return SciSslContext? # the receiver
---@return SciSslError? # phase `load`, condition `file_missing`, `file_directory`, `file_unreadable`, `file_empty`, `not_pem`, `not_certificate`, `malformed_certificate`, `key_mismatch` or `security_level`
---@see SSL_CTX_use_certificate_file(3)
---@usage
---```lua
---assert(context:useCertificateFile "server.pem")
---assert(context:usePrivateKeyFile "server.key")
---assert(context:checkPrivateKey())
---```
function SciSslContext:useCertificateFile(path) end

---Uses the first certificate of a PEM file as the context's own, and sends the others, its intermediate certificates, with it.
---
---@within Own certificates and keys
---@param path string
---@return SciSslContext? # the receiver
---@return SciSslError? # as for `useCertificateFile`
---@see SSL_CTX_use_certificate_chain_file(3)
---@usage
---```lua
---assert(context:useCertificateChainFile "server.pem") -- the server's own first, then its issuers
---```
function SciSslContext:useCertificateChainFile(path) end

---Uses a certificate as the context's own. In PEM text its intermediate certificates may follow; they are sent with it.
---
---@within Own certificates and keys
---@param certificate SciSslX509Certificate|string
---@return SciSslContext? # the receiver
---@return SciSslError? # phase `load`, condition `not_pem`, `not_certificate`, `malformed_certificate`, `key_mismatch` or `security_level`
---@see SSL_CTX_use_certificate(3)
---@usage
---```lua
---assert(context:useCertificate(certificate)) -- or PEM text
---assert(context:usePrivateKey(key))
---```
function SciSslContext:useCertificate(certificate) end

---Uses the first certificate of a list as the context's own, and sends the others, its intermediate certificates, with it.
---
---@within Own certificates and keys
---@param chain SciSslX509Certificate[]
---@return SciSslContext? # the receiver
---@return SciSslError? # phase `load`, condition `key_mismatch` or `security_level`; the context is unchanged
---@see SSL_CTX_add1_chain_cert(3)
---@usage
---```lua
---assert(context:useCertificateChain { certificate, ca })
---```
function SciSslContext:useCertificateChain(chain) end

---Sends one more intermediate certificate with the certificate that was set last.
---
---@within Own certificates and keys
---@param certificate SciSslX509Certificate
---@return SciSslContext? # the receiver
---@return SciSslError? # phase `load`, condition `no_certificate`: the context has no certificate yet; or `security_level`
---@see SSL_CTX_add1_chain_cert(3)
---@usage
---```lua
---assert(context:useCertificate(certificate))
---assert(context:addChainCertificate(ca))
---```
function SciSslContext:addChainCertificate(certificate) end

---Uses the private key of a PEM file.
---
---@within Own certificates and keys
---@param path string
---@param passphrase? string|function of an encrypted key; or a function without parameters that returns it
---@return SciSslContext? # the receiver
---@return SciSslError? # phase `load`, condition `file_missing`, `file_directory`, `file_unreadable`, `file_empty`, `not_pem`, `not_private_key`, `malformed_key`, `passphrase_missing`, `passphrase_wrong`, `passphrase_function`, `passphrase_too_long`, `key_legacy`, `openssh_key`, `key_mismatch`; the context is unchanged
---@see SSL_CTX_use_PrivateKey_file(3)
---@usage
---```lua
---assert(context:useCertificateFile "server.pem")
---assert(context:usePrivateKeyFile "server.key")
---assert(context:checkPrivateKey())
---```
function SciSslContext:usePrivateKeyFile(path, passphrase) end

---Uses a private key, for the certificate that was set before or is set after it.
---
---@within Own certificates and keys
---@param key SciSslPrivateKey|string an object, or PEM text
---@param passphrase? string|function of an encrypted PEM text, as for `usePrivateKeyFile`
---@return SciSslContext? # the receiver
---@return SciSslError? # phase `load`, condition `not_pem`, `not_private_key`, `malformed_key`, `passphrase_missing`, `passphrase_wrong`, `passphrase_function`, `passphrase_too_long`, `key_legacy`, `openssh_key`, `key_mismatch`; the context is unchanged
---@see SSL_CTX_use_PrivateKey(3)
---@usage
---```lua
---assert(context:useCertificate(certificate)) -- or PEM text
---assert(context:usePrivateKey(key))
---```
function SciSslContext:usePrivateKey(key, passphrase) end

---Tells whether the context has a certificate of its own.
---
---@within Own certificates and keys
---@return boolean
---@see SSL_CTX_get0_certificate(3)
---@usage
---```lua
---print(context:hasCertificate()) --> false
---assert(context:useCertificate(certificate))
---print(context:hasCertificate()) --> true
---```
function SciSslContext:hasCertificate() end

---Checks that the private key belongs to the certificate that was set last. A context may hold a pair for each type of key (RSA,
---ECDSA, Ed25519 …); each connection uses the pair that the peer's signature algorithms allow.
---
---@within Own certificates and keys
---@return SciSslContext? # the receiver
---@return SciSslError? # phase `load`, condition `no_certificate`, `no_private_key` or `key_mismatch`
---@see SSL_CTX_check_private_key(3)
---@usage
---```lua
---assert(context:useCertificateFile "server.pem")
---assert(context:usePrivateKeyFile "server.key")
---assert(context:checkPrivateKey())
---```
function SciSslContext:checkPrivateKey() end

---Lets clients send a certificate after the handshake, when a server asks for it in TLS 1.3 (see
---`SciSslSocket:sslVerifyClientPostHandshake`). Later connections only.
---
---@within Own certificates and keys
---@param on boolean
---@return SciSslContext # the receiver
---@see SSL_CTX_set_post_handshake_auth(3)
---@usage
---```lua
---context:setPostHandshakeAuth(true) -- servers may request the certificate of this client later
---```
function SciSslContext:setPostHandshakeAuth(on) end

---Sets the algorithms by which certificates of TLS 1.3 are compressed (RFC 8879): those that the peer may use, most preferred first, and
---those that this side uses where the peer allows them. Without a call these are all that the loaded OpenSSL was compiled with. Later
---connections only. A server compresses its certificates by `compressCertificates`, once for all connections; a client does it
---in each handshake.
---
---@within Own certificates and keys
---@param names string[] `"zlib"`, `"brotli"`, `"zstd"`; an empty list: no compression in either direction
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `unknown_compression`; `not_in_this_openssl`: the loaded OpenSSL is older than 3.2, or was compiled without that algorithm; the context is unchanged
---@see SSL_CTX_set1_cert_comp_preference(3)
---@see RFC 8879
---@usage
---```lua
---if scissl.features.zlib then
---  assert(context:useCertificate(certificate):usePrivateKey(key))
---  assert(context:setCertificateCompression { "zlib" })
---  assert(assert(context:useCertificate(certificate)):usePrivateKey(key))
---  assert(context:compressCertificates()) -- a server, when its certificates are complete
---end
---context:setCertificateCompression {} -- none is compressed
---```
function SciSslContext:setCertificateCompression(names) end

---Compresses the context's own certificates now, for the connections of a server, by the algorithms of
---`setCertificateCompression`. Certificates that are set later, and algorithms that are chosen later, count as well. Without this
---call a server compresses none. A certificate that is sent with an OCSP response is not compressed.
---
---@within Own certificates and keys
---@return SciSslContext? # the receiver
---@return SciSslError? # phase `load`; condition `no_certificate`; `not_in_this_openssl`: the loaded OpenSSL has no such algorithm
---@see SSL_CTX_compress_certs(3)
---@usage
---```lua
---if scissl.features.zlib then
---  assert(context:useCertificate(certificate):usePrivateKey(key))
---  assert(context:setCertificateCompression { "zlib" })
---  assert(assert(context:useCertificate(certificate)):usePrivateKey(key))
---  assert(context:compressCertificates()) -- a server, when its certificates are complete
---end
---context:setCertificateCompression {} -- none is compressed
---```
function SciSslContext:compressCertificates() end

---Uses the private key of PKCS#12 data, its certificate, and the intermediate certificates in there, as the context's own.
---
---@within Own certificates and keys
---@param bytes string
---@param passphrase? string|function text; or a function without parameters that returns it, called once
---@return SciSslContext? # the receiver
---@return SciSslError? # as for `SciSslPkcs12.parse`; `pkcs12_incomplete`: no private key with its certificate; `security_level`; the context is unchanged
---@see PKCS12_parse(3)
---@see SSL_CTX_use_cert_and_key(3)
---@usage
---```lua
---local bytes = assert(scissl.SciSslPkcs12.make { certificate = certificate, key = key, passphrase = "open sesame" })
---assert(context:usePkcs12(bytes, "open sesame"))
---local done, err = context:usePkcs12File "missing.p12"
---print(err:condition()) --> file_missing
---```
function SciSslContext:usePkcs12(bytes, passphrase) end

---Uses the private key of a PKCS#12 file, as `usePkcs12` does.
---
---@within Own certificates and keys
---@param path string
---@param passphrase? string|function
---@return SciSslContext? # the receiver
---@return SciSslError? # as for `usePkcs12`, with the path as its subject; also `file_missing`, `file_unreadable` …
---@see PKCS12_parse(3)
---@usage
---```lua
---local bytes = assert(scissl.SciSslPkcs12.make { certificate = certificate, key = key, passphrase = "open sesame" })
---assert(context:usePkcs12(bytes, "open sesame"))
---local done, err = context:usePkcs12File "missing.p12"
---print(err:condition()) --> file_missing
---```
function SciSslContext:usePkcs12File(path, passphrase) end

---Adds certificates to the trust store: those of a file, in PEM or one in DER, and those of a directory that `openssl rehash`
---has prepared. OpenSSL reads the directory later, when it looks for a certificate.
---
---@within Trust store
---@param caFile string? path; a pipe is read to its end
---@param caPath? string path of the directory
---@return SciSslContext? # the receiver
---@return SciSslError? # phase `load`, condition `file_missing`, `file_directory`, `file_unreadable`, `file_empty`, `not_pem`, `not_certificate` or `malformed_certificate`; `file_not_directory`; the context is unchanged
---@see SSL_CTX_load_verify_locations(3)
---@usage
---```lua
---assert(context:loadVerifyLocations "ca.pem")
---```
function SciSslContext:loadVerifyLocations(caFile, caPath) end

---Adds the system's trusted certificates: those of OpenSSL's default file and directory, or of those that the environment
---variables `SSL_CERT_FILE` and `SSL_CERT_DIR` name. An empty variable counts as unset. `SSL_CERT_DIR` may name several
---directories, separated by colons; at least one must exist. OpenSSL's default file may be missing or empty, as the directory may
---have all certificates.
---
---@within Trust store
---@return SciSslContext? # the receiver
---@return SciSslError? # phase `load`; condition `file_missing`, `not_pem` … where `SSL_CERT_FILE` or `SSL_CERT_DIR` cannot be used: its subject is `SSL_CERT_FILE=` or `SSL_CERT_DIR=` with the value; `not_pem`, `malformed_certificate`, `file_unreadable` … where OpenSSL's default file has a defect: its subject is the path; the context is unchanged
---@see SSL_CTX_set_default_verify_paths(3)
---@usage
---```lua
---assert(context:useDefaultTrust()) -- SSL_CERT_FILE and SSL_CERT_DIR are honoured
---```
function SciSslContext:useDefaultTrust() end

---Adds a certificate, or all certificates of a PEM text, to the trust store.
---
---@within Trust store
---@param certificate SciSslX509Certificate|string an object, PEM text, or the DER bytes of one
---@return SciSslContext? # the receiver
---@return SciSslError? # phase `load`, condition `not_pem`, `not_certificate` or `malformed_certificate`; the context is unchanged
---@see X509_STORE_add_cert(3)
---@usage
---```lua
---assert(context:addTrusted(ca)) -- or PEM text, or DER bytes
---```
function SciSslContext:addTrusted(certificate) end

---Adds the certificates and CRLs that OpenSSL finds under a URI. With `file:` these are PEM, DER, and PKCS#12 without a passphrase;
---providers may support other schemes.
---
---@within Trust store
---@param uri string `file:/etc/ssl/own-ca.pem`, or a plain path
---@return SciSslContext? # the receiver
---@return SciSslError? # phase `load`, condition `file_missing`, `unknown_scheme`, `store_unreadable`, or `store_empty`: no certificate and no CRL was found; the context is unchanged
---@see OSSL_STORE_open(3)
---@see ossl_store-file(7)
---@usage
---```lua
---assert(context:addTrustedUri "ca.pem") -- or file:/etc/ssl/own-ca.pem, pkcs11:… where a provider reads that
---```
function SciSslContext:addTrustedUri(uri) end

---Sets whether and how connections verify the peer's certificate. Later connections only.
---
---* `SSL_VERIFY_NONE`: a client verifies the server's certificate, goes on whatever the result is, and
---  `SciSslSocket:sslVerifyCertificate` returns the result. A server asks for no certificate
---* `SSL_VERIFY_PEER`: a failed verification ends the handshake. A server asks the client for a certificate; sending none is
---  allowed unless `SSL_VERIFY_FAIL_IF_NO_PEER_CERT` is set as well
---* `SSL_VERIFY_CLIENT_ONCE`: a server does not ask again when it renegotiates
---
---@within Verification
---@param flags integer `SSL_VERIFY_NONE`, or `SSL_VERIFY_PEER` alone or with `SSL_VERIFY_FAIL_IF_NO_PEER_CERT` and `SSL_VERIFY_CLIENT_ONCE`
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `verify_flags`: unknown bits, or one of the other flags without `SSL_VERIFY_PEER`
---@see SSL_CTX_set_verify(3)
---@usage
---```lua
---assert(context:setVerify(scissl.SSL_VERIFY_PEER | scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT))
---print(context:getVerify() & scissl.SSL_VERIFY_PEER ~= 0) --> true
---print(context:setVerify(scissl.SSL_VERIFY_CLIENT_ONCE)) --> nil …
---```
function SciSslContext:setVerify(flags) end

---Returns the flags that `setVerify` has set.
---
---@within Verification
---@return integer
---@see SSL_CTX_get_verify_mode(3)
---@usage
---```lua
---assert(context:setVerify(scissl.SSL_VERIFY_PEER | scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT))
---print(context:getVerify() & scissl.SSL_VERIFY_PEER ~= 0) --> true
---print(context:setVerify(scissl.SSL_VERIFY_CLIENT_ONCE)) --> nil …
---```
function SciSslContext:getVerify() end

---Sets how long the message with the peer's certificates may be. A longer one ends the handshake with the condition
---`handshake_message_too_long`. Later connections only.
---
---@within Verification
---@param bytes integer 1 … 16777215; OpenSSL's default is 102400
---@return SciSslContext # the receiver
---@see SSL_CTX_set_max_cert_list(3)
---@usage
---```lua
---print(context:setMaxCertList(20000):getMaxCertList()) --> 20000
---```
function SciSslContext:setMaxCertList(bytes) end

---Returns what `setMaxCertList` has set.
---
---@within Verification
---@return integer # bytes
---@see SSL_CTX_get_max_cert_list(3)
---@usage
---```lua
---print(context:setMaxCertList(20000):getMaxCertList()) --> 20000
---```
function SciSslContext:getMaxCertList() end

---Sets how many intermediate certificates may stand between the peer's certificate and a trusted one.
---
---@within Verification
---@param depth integer 0 … 1000
---@return SciSslContext # the receiver
---@see SSL_CTX_set_verify_depth(3)
---@usage
---```lua
---print(context:setVerifyDepth(3):getVerifyDepth()) --> 3
---```
function SciSslContext:setVerifyDepth(depth) end

---Returns how many intermediate certificates may stand between the peer's certificate and a trusted one; -1 stands for
---OpenSSL's default, 100.
---
---@within Verification
---@return integer
---@see SSL_CTX_get_verify_depth(3)
---@usage
---```lua
---print(context:setVerifyDepth(3):getVerifyDepth()) --> 3
---```
function SciSslContext:getVerifyDepth() end

---Sets the purpose that the peer's certificate must allow. By default a client requires `sslserver`, and a server `sslclient`.
---
---@within Verification
---@param name string `sslserver`, `sslclient`, `any`, or another short name of an `X509_PURPOSE`
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `unknown_purpose`
---@see X509_VERIFY_PARAM_set_purpose(3)
---@usage
---```lua
---assert(context:setPurpose "sslclient")
---```
function SciSslContext:setPurpose(name) end

---Sets the time for which the dates of certificates and CRLs are checked.
---
---@within Verification
---@param seconds integer? since the epoch, in the years 1900 to 9999; nil: the time of the handshake
---@return SciSslContext # the receiver
---@see X509_VERIFY_PARAM_set_time(3)
---@usage
---```lua
---context:setVerifyTime(certificate:notAfter() - 60):setVerifyTime(nil)
---```
function SciSslContext:setVerifyTime(seconds) end

---Sets the security level for the keys and signatures of certificates.
---
---@within Verification
---@param level integer? 0 … 5; nil: the level of `setSecurityLevel`
---@return SciSslContext # the receiver
---@see X509_VERIFY_PARAM_set_auth_level(3)
---@usage
---```lua
---context:setAuthLevel(2) -- as setSecurityLevel, for certificates only
---```
function SciSslContext:setAuthLevel(level) end

---Sets flags for the verification of certificates. Those that are set already stay. `crl_check` needs CRLs: see `addCrl`.
---OpenSSL always behaves as if `trusted_first` were set.
---
---@within Verification
---@param flags integer|string|string[] `X509_V_FLAG_…` constants joined by `|`; or their names without `X509_V_FLAG_`, in lower case: `{"crl_check", "crl_check_all", "partial_chain", "x509_strict", "policy_check", "no_check_time"}` …
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `unknown_flag`; the context is unchanged
---@see X509_VERIFY_PARAM_set_flags(3)
---@usage
---```lua
---assert(context:setVerifyFlags { "partial_chain", "x509_strict" })
---assert(context:clearVerifyFlags "x509_strict")
---print(context:getVerifyFlags() & scissl.X509_V_FLAG_PARTIAL_CHAIN ~= 0) --> true
---```
function SciSslContext:setVerifyFlags(flags) end

---Clears flags that `setVerifyFlags` has set.
---
---@within Verification
---@param flags integer|string|string[] as for `setVerifyFlags`
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `unknown_flag`; the context is unchanged
---@see X509_VERIFY_PARAM_clear_flags(3)
---@usage
---```lua
---assert(context:setVerifyFlags { "partial_chain", "x509_strict" })
---assert(context:clearVerifyFlags "x509_strict")
---print(context:getVerifyFlags() & scissl.X509_V_FLAG_PARTIAL_CHAIN ~= 0) --> true
---```
function SciSslContext:clearVerifyFlags(flags) end

---Returns the flags that `setVerifyFlags` has set.
---
---@within Verification
---@return integer # `X509_V_FLAG_…` constants joined by `|`
---@see X509_VERIFY_PARAM_get_flags(3)
---@usage
---```lua
---assert(context:setVerifyFlags { "partial_chain", "x509_strict" })
---assert(context:clearVerifyFlags "x509_strict")
---print(context:getVerifyFlags() & scissl.X509_V_FLAG_PARTIAL_CHAIN ~= 0) --> true
---```
function SciSslContext:getVerifyFlags() end

---Sets the host names that are accepted in the peer's certificate: it must be for one of them. `sslSetVerifyHost` and
---`sslSetVerifyHosts` of a socket replace them for that socket.
---
---@within Verification
---@param names string[] a name that begins with a dot stands for all names below it; an empty list: every name is accepted
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `bad_host_name` (also for an IP address: see `setVerifyIp`); the context is unchanged
---@see X509_VERIFY_PARAM_add1_host(3)
---@usage
---```lua
---assert(context:setVerifyHosts { "www.example.org", ".example.net" })
---```
function SciSslContext:setVerifyHosts(names) end

---Sets how host names are compared with those of certificates: the names of `setVerifyHosts`, and those that later sockets
---set. These flags replace the earlier ones. The default is `no_partial_wildcards`: `*` stands for a whole label.
---
---@within Verification
---@param flags integer|string|string[] `X509_CHECK_FLAG_…` constants joined by `|`; or names: `no_wildcards`, `no_partial_wildcards`, `multi_label_wildcards`, `single_label_subdomains`, `always_check_subject`, `never_check_subject`
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `unknown_flag`; the context is unchanged
---@see X509_check_host(3)
---@usage
---```lua
---assert(context:setVerifyHostFlags "no_wildcards")
---print(context:getVerifyHostFlags() & scissl.X509_CHECK_FLAG_NO_WILDCARDS ~= 0) --> true
---```
function SciSslContext:setVerifyHostFlags(flags) end

---Returns the flags of `setVerifyHostFlags`.
---
---@within Verification
---@return integer # `X509_CHECK_FLAG_…` constants joined by `|`
---@see X509_VERIFY_PARAM_get_hostflags(3)
---@usage
---```lua
---assert(context:setVerifyHostFlags "no_wildcards")
---print(context:getVerifyHostFlags() & scissl.X509_CHECK_FLAG_NO_WILDCARDS ~= 0) --> true
---```
function SciSslContext:getVerifyHostFlags() end

---Sets the IP address that the peer's certificate must be for. Where host names are set as well, both must match.
---
---@within Verification
---@param address string? IPv4 or IPv6; nil: every certificate is accepted
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `bad_address`; the context is unchanged
---@see X509_VERIFY_PARAM_set1_ip_asc(3)
---@usage
---```lua
---assert(context:setVerifyIp "192.0.2.1")
---```
function SciSslContext:setVerifyIp(address) end

---Sets the e-mail address that the peer's certificate must be for, as certificates of persons are.
---
---@within Verification
---@param address string? nil: every certificate is accepted
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `bad_email`; the context is unchanged
---@see X509_VERIFY_PARAM_set1_email(3)
---@usage
---```lua
---assert(context:setVerifyEmail "postmaster@example.org")
---```
function SciSslContext:setVerifyEmail(address) end

---Sets the client CA list: the names of issuers that a server sends in its certificate request, so that a client with several
---certificates can choose one. The list does not decide which certificates are accepted; the trust store does. Without a list the
---request names no issuers.
---
---@within Client CA list
---@param issuers (SciSslX509Certificate|string)[]|string a list of certificates, of which the subjects are taken, and of names as RFC 2253 text; or PEM text with certificates. An empty list: no names
---@param format? string (default: "text") `"der"`: the names of a list are DER, as `SciSslSocket:acceptedIssuers "der"` returns them
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `malformed_name`, or as for `addTrusted`; the context is unchanged
---@see SSL_CTX_set_client_CA_list(3)
---@usage
---```lua
---assert(context:setAcceptedIssuers { ca, "CN=Another authority,O=Example" })
---```
function SciSslContext:setAcceptedIssuers(issuers, format) end

---Sets the client CA list to the subjects of the certificates in a file, in PEM or DER. See `setAcceptedIssuers`.
---
---@within Client CA list
---@param path string
---@return SciSslContext? # the receiver
---@return SciSslError? # as for `loadVerifyLocations`; the context is unchanged
---@see SSL_load_client_CA_file(3)
---@usage
---```lua
---assert(context:loadAcceptedIssuers "ca.pem")
---```
function SciSslContext:loadAcceptedIssuers(path) end

---Sets the client CA list to the subjects of all certificates that are trusted now. Certificates in directories are not among
---them, because OpenSSL reads a directory only when it looks for a certificate. See `setAcceptedIssuers`.
---
---@within Client CA list
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `memory_full`
---@see SSL_CTX_set0_CA_list(3)
---@usage
---```lua
---assert(context:addTrusted(ca))
---assert(context:acceptTrustedIssuers()) -- servers name the CAs that they trust
---```
function SciSslContext:acceptTrustedIssuers() end

---Makes the sessions of another context resumable here: a server that has made a new context, for example with a renewed
---certificate, keeps its clients' sessions. Takes over the keys for session tickets, the session id context and copies of the
---sessions in OpenSSL's own cache; and the session store and the replay guard, unless this context has its own. Early data with
---such a copy is rejected, since the older context could accept the same data again; the client's next session allows it.
---
---Where this context has ticket keys of its own (`setTicketKeys`), its first key goes on to encrypt, and the older context's keys
---decrypt as well, up to 16 keys in all. The older context's own keys are those of `setTicketKeys`, or else OpenSSL's.
---
---@within Sessions
---@param older SciSslContext the context in use until now, which stays as it is
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `memory_full`
---@see SSL_CTX_set_tlsext_ticket_keys(3)
---@see SSL_CTX_set_session_id_context(3)
---@see SSL_CTX_add_session(3)
---@usage
---```lua
---local renewed = assert(scissl.SciSslContext.new())
---assert(renewed:inheritSessions(context)) -- clients of `context` resume their sessions here
---```
function SciSslContext:inheritSessions(older) end

---Sets for how long the sessions of later connections may be resumed.
---
---@within Sessions
---@param seconds integer 1 or more
---@return SciSslContext # the receiver
---@see SSL_CTX_set_timeout(3)
---@usage
---```lua
---print(context:setTimeout(3600):getTimeout()) --> 3600
---```
function SciSslContext:setTimeout(seconds) end

---Returns for how long sessions may be resumed.
---
---@within Sessions
---@return integer # seconds
---@see SSL_CTX_get_timeout(3)
---@usage
---```lua
---print(context:setTimeout(3600):getTimeout()) --> 3600
---```
function SciSslContext:getTimeout() end

---Sets the session id context: a server resumes only sessions with the same one. Each context has a random one; set the same
---name in all processes that are to resume each other's sessions.
---
---@within Sessions
---@param name string 1 to 32 bytes
---@return SciSslContext # the receiver
---@see SSL_CTX_set_session_id_context(3)
---@usage
---```lua
---context:setSessionIdContext "shop" -- sessions of other contexts are not resumed here
---```
function SciSslContext:setSessionIdContext(name) end

---Sets which sessions are kept, and where. This holds for existing connections as well. A server keeps the sessions that it does
---not put into tickets: up to TLS 1.2 those of clients without ticket support, and all where `SSL_OP_NO_TICKET` is set or early
---data is accepted.
---
---@within Sessions
---@param mode string `"off"`: only tickets work, and `newSessions` returns no sessions; `"client"`, `"server"` or `"both"`
---@param internal? boolean (default: true) false: OpenSSL's own cache is not used; sessions are looked up by the function of `setSessionStore` only
---@return SciSslContext # the receiver
---@see SSL_CTX_set_session_cache_mode(3)
---@usage
---```lua
---context:setSessionCacheMode("server"):setSessionCacheSize(1000)
---```
function SciSslContext:setSessionCacheMode(mode, internal) end

---Sets how many sessions OpenSSL's own cache holds.
---
---@within Sessions
---@param count integer 1 or more; the default is 20480
---@return SciSslContext # the receiver
---@see SSL_CTX_sess_set_cache_size(3)
---@usage
---```lua
---context:setSessionCacheMode("server"):setSessionCacheSize(1000)
---```
function SciSslContext:setSessionCacheSize(count) end

---Removes expired sessions from OpenSSL's own cache.
---
---@within Sessions
---@param at? integer seconds since the epoch; now by default
---@return SciSslContext # the receiver
---@see SSL_CTX_flush_sessions(3)
---@usage
---```lua
---context:flushSessions() -- removes those that have expired
---```
function SciSslContext:flushSessions(at) end

---Adds a copy of a session to OpenSSL's own cache, in which servers look sessions up.
---
---@within Sessions
---@param session OSSslSession
---@return boolean # false: the session was there already, or cannot be resumed
---@see SSL_CTX_add_session(3)
---@usage
---```lua
---print(context:addSession(session)) --> true
---print(context:removeSession(session)) --> true
---print(context:removeSession(session)) --> false
---```
function SciSslContext:addSession(session) end

---Removes a session from OpenSSL's own cache. It cannot be resumed from there any more.
---
---@within Sessions
---@param session OSSslSession
---@return boolean # false: the session was not there
---@see SSL_CTX_remove_session(3)
---@usage
---```lua
---print(context:addSession(session)) --> true
---print(context:removeSession(session)) --> true
---print(context:removeSession(session)) --> false
---```
function SciSslContext:removeSession(session) end

---Sets a function that looks up sessions which OpenSSL's own cache does not hold. It runs inside the handshake of a server, under
---lua_pcall, and must not yield; an error that it raises ends the handshake. For a lookup that has to wait, suspend the handshake
---at the ClientHello, take the session id from `clientHello()`, and pass the session to `setSession`. Later connections only.
---
---@within Sessions
---@param store function? gets a session id (string, raw bytes) and returns an OSSslSession or nil; nil: no function
---@return SciSslContext # the receiver
---@see SSL_CTX_sess_set_get_cb(3)
---@usage
---```lua
---local kept = {}
---context:setSessionStore(function(id) return kept[id] end)
----- After each handshake: for _, session in ipairs(socket:newSessions()) do kept[session:id()] = session end
---```
function SciSslContext:setSessionStore(store) end

---Returns counts of the sessions that were made and used.
---
---@within Sessions
---@return table # of integers: - `number`: sessions in OpenSSL's own cache now - `connect`, `connectGood`, `connectRenegotiate`: client handshakes begun, completed, and renegotiations - `accept`, `acceptGood`, `acceptRenegotiate`: the same of servers - `hits`: sessions resumed - `callbackHits`: sessions found by the function of `setSessionStore` - `misses`: sessions not found - `timeouts`: sessions found, but expired - `cacheFull`: sessions removed for a newer one - `cacheSize`: see `setSessionCacheSize`
---@see SSL_CTX_sess_number(3)
---@usage
---```lua
---print(context:sessionStatistics().hits) --> 0
---```
function SciSslContext:sessionStatistics() end

---Makes a secret for `setTicketKeys`.
---
---@within Sessions
---@return string? # 80 random bytes
---@return SciSslError? # OpenSSL has no random bytes
---@see RAND_priv_bytes(3)
---@usage
---```lua
---local secret = assert(scissl.SciSslContext.newTicketKey())
---print(#secret) --> 80
---context:setTicketKeys { secret } -- the same on every server of a fleet
---context:rotateTicketKeys(assert(scissl.SciSslContext.newTicketKey())) -- tickets of the old key are still accepted
---```
function SciSslContext.newTicketKey() end

---Sets the keys for session tickets, in which a server hands its sessions to the clients. The first key encrypts new tickets. All
---keys decrypt; a client whose ticket was encrypted by an older key gets a new one. Servers with the same keys and the same
---`setSessionIdContext` resume each other's sessions. By default each context has a random key of its own.
---
---Unlike most settings this one holds for existing connections as well. An attacker who gets a key can decrypt recorded connections
---up to TLS 1.2 whose tickets it encrypted, so change keys every few hours.
---
---@within Sessions
---@param secrets string[] 1 to 16 secrets of 80 bytes (see `newTicketKey`)
---@return SciSslContext # the receiver
---@raise an argument error for other values; the context is unchanged
---@see SSL_CTX_set_tlsext_ticket_key_evp_cb(3)
---@see RFC 5077
---@usage
---```lua
---local secret = assert(scissl.SciSslContext.newTicketKey())
---print(#secret) --> 80
---context:setTicketKeys { secret } -- the same on every server of a fleet
---context:rotateTicketKeys(assert(scissl.SciSslContext.newTicketKey())) -- tickets of the old key are still accepted
---```
function SciSslContext:setTicketKeys(secrets) end

---Adds a new first key for session tickets, and drops the oldest keys. A ticket can be decrypted as long as its key is kept.
---
---@within Sessions
---@param secret string 80 bytes (see `newTicketKey`)
---@param keep? integer how many keys to keep, 1 to 16; by default as many as before, and at least 3
---@return SciSslContext # the receiver
---@see setTicketKeys
---@usage
---```lua
---local secret = assert(scissl.SciSslContext.newTicketKey())
---print(#secret) --> 80
---context:setTicketKeys { secret } -- the same on every server of a fleet
---context:rotateTicketKeys(assert(scissl.SciSslContext.newTicketKey())) -- tickets of the old key are still accepted
---```
function SciSslContext:rotateTicketKeys(secret, keep) end

---Sets how many session tickets a server sends after a full handshake of TLS 1.3. Later connections only.
---
---@within Sessions
---@param count integer 0 … 255; the default is 2
---@return SciSslContext # the receiver
---@see SSL_CTX_set_num_tickets(3)
---@usage
---```lua
---print(context:setNumTickets(1):getNumTickets()) --> 1
---```
function SciSslContext:setNumTickets(count) end

---Returns how many session tickets a server sends after a full handshake of TLS 1.3.
---
---@within Sessions
---@return integer
---@see SSL_CTX_get_num_tickets(3)
---@usage
---```lua
---print(context:setNumTickets(1):getNumTickets()) --> 1
---```
function SciSslContext:getNumTickets() end

---Sets how many bytes of early data (0-RTT) a server accepts from a client before the handshake is complete. An attacker who
---records early data can replay it, to this server or to another one of a fleet: accept it only for requests that change nothing.
---Within one process OpenSSL accepts the early data of each ticket once; for a fleet see `setReplayGuard`. Later connections only.
---
---@within Early data
---@param bytes integer 0 … 4294967295; 0, the default, accepts none. Sessions carry the number to clients
---@return SciSslContext # the receiver
---@see SSL_CTX_set_max_early_data(3)
---@see RFC 8446, section 8
---@usage
---```lua
---print(context:setMaxReplayableData(16384):getMaxReplayableData()) --> 16384
---```
function SciSslContext:setMaxReplayableData(bytes) end

---Returns how many bytes of early data a server accepts.
---
---@within Early data
---@return integer
---@see SSL_CTX_get_max_early_data(3)
---@usage
---```lua
---print(context:setMaxReplayableData(16384):getMaxReplayableData()) --> 16384
---```
function SciSslContext:getMaxReplayableData() end

---Sets a function that decides whether a server accepts early data; it can ask the whole fleet whether the session was used
---before. It runs inside the handshake, under lua_pcall, and must not yield. Unless it returns true, the early data is rejected,
---the client is informed, and the handshake goes on. If it raises an error, the handshake fails. Later connections only.
---
---@within Early data
---@param guard function? gets the OSSslSession that the client resumes, and returns true to accept; nil: only OpenSSL's own check
---@return SciSslContext # the receiver
---@see SSL_CTX_set_allow_early_data_cb(3)
---@usage
---```lua
---local seen = {}
---context:setReplayGuard(function(session)
---  local id = session:id()
---  local fresh = not seen[id]
---  seen[id] = true
---  return fresh
---end)
---```
function SciSslContext:setReplayGuard(guard) end

---Sets the pre-shared key of clients, for TLS 1.2 and TLS 1.3. Later connections only.
---
---@within Pre-shared keys
---@param identity string|function? at most 255 bytes; or a function that gets the server's hint (a string in TLS 1.2, or nil), returns identity and key, or nil for no key, and must not yield; nil: no key
---@param key? string 1 to 512 raw bytes, where the identity is a string
---@param options? table `digest`: `"SHA256"` (default) or `"SHA384"`: the digest to which TLS 1.3 binds the key. Keys of SHA-384 work in TLS 1.3 only, with cipher suites of that digest
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `bad_psk`
---@see SSL_set_psk_client_callback(3)
---@see SSL_set_psk_use_session_callback(3)
---@see RFC 4279
---@usage
---```lua
---assert(context:setPskClient("sensor 12", ("k"):rep(32)))
---```
function SciSslContext:setPskClient(identity, key, options) end

---Sets the pre-shared keys of servers, for TLS 1.2 and TLS 1.3. A server with keys needs no certificate. In TLS 1.2 a client with
---an unknown identity sees the same failure as one with a wrong key, so that an attacker cannot find out which identities exist;
---the server's SciSslError has the condition `psk_unknown`. In TLS 1.3 the server goes on with its certificate, if it has one. Later
---connections only.
---
---@within Pre-shared keys
---@param keys table|function? `{[identity] = key}`, identities of at most 256 bytes, keys of 1 to 512 raw bytes; or a function that gets an identity, returns its key or nil, and must not yield; nil: no keys
---@param options? table `digest`: as for `setPskClient`; `tellUnknown = true`: in TLS 1.2 a client with an unknown identity gets the alert unknown_psk_identity
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `bad_psk`; the context is unchanged
---@see SSL_set_psk_server_callback(3)
---@see SSL_set_psk_find_session_callback(3)
---@usage
---```lua
---assert(context:setPskServer { ["sensor 12"] = ("k"):rep(32) })
---assert(context:setPskHint "sensors")
---```
function SciSslContext:setPskServer(keys, options) end

---Sets the hint that servers send in TLS 1.2, so that clients can choose a pre-shared key. Later connections only.
---
---@within Pre-shared keys
---@param hint string? at most 256 bytes; nil: no hint
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `bad_psk`
---@see SSL_CTX_use_psk_identity_hint(3)
---@usage
---```lua
---assert(context:setPskServer { ["sensor 12"] = ("k"):rep(32) })
---assert(context:setPskHint "sensors")
---```
function SciSslContext:setPskHint(hint) end

---Adds certificate revocation lists (CRLs). They are used once `setVerifyFlags` has set `crl_check`, for the peer's certificate,
---or `crl_check` and `crl_check_all`, for the intermediate certificates as well. Then a peer whose issuer has no CRL here, or an
---expired one, is rejected (`crl_missing`, `crl_expired`). Of several CRLs of one issuer the newest counts.
---
---@within Revocation
---@param crl SciSslX509Crl|string an object; PEM text with one or several CRLs; or the DER bytes of one
---@return SciSslContext? # the receiver
---@return SciSslError? # phase `load`, condition `not_pem`, `not_crl` or `malformed_crl`; the context is unchanged
---@see X509_STORE_add_crl(3)
---@usage
---```lua
---assert(context:addCrl(crl))
---assert(context:setVerifyFlags "crl_check") -- without this flag the list has no effect
---```
function SciSslContext:addCrl(crl) end

---Adds the CRLs of a file: one or several in PEM, or one in DER. See `addCrl`.
---
---@within Revocation
---@param path string
---@return SciSslContext? # the receiver
---@return SciSslError? # as for `addCrl`; or condition `file_missing`, `file_directory`, `file_unreadable`, `file_empty`
---@see X509_load_crl_file(3)
---@usage
---```lua
---local file <close> = assert(io.open("ca.crl", "w"))
---assert(file:write(crl:toPem())):flush()
---assert(context:loadCrlFile "ca.crl")
---```
function SciSslContext:loadCrlFile(path) end

---Sets what a client requires of OCSP stapling, by which a server proves that its certificate has not been revoked. Later
---connections only.
---
---* `"none"`, the default: the client does not ask for a response
---* `"request"`: the client asks. The handshake goes on without a response, or with one that is not valid. It fails where the
---  response says that the certificate is revoked, and where the certificate demands a staple (must-staple, RFC 7633) and there
---  is no good response
---* `"require"`: the handshake fails without a good response. The client resumes no session, because the session may come from a
---  handshake without this check
---
---A handshake that fails sends the alert bad_certificate_status_response. The condition of the error is `ocsp_missing`,
---`certificate_revoked`, `ocsp_unknown`, `ocsp_no_issuer`, or one of `SciSslOcsp.check`. Responses are verified as by
---`SciSslOcsp.check`, with the issuer in the chain that OpenSSL has built.
---
---@within Revocation
---@param policy string `"none"`, `"request"` or `"require"`
---@return SciSslContext # the receiver
---@see SSL_CTX_set_tlsext_status_type(3)
---@usage
---```lua
---context:setOcspPolicy "require" -- a server without a valid OCSP response is rejected
---print(context:getOcspPolicy()) --> require
---```
function SciSslContext:setOcspPolicy(policy) end

---Returns the policy that `setOcspPolicy` has set.
---
---@within Revocation
---@return string # `"none"`, `"request"` or `"require"`
---@see SSL_CTX_set_tlsext_status_type(3)
---@usage
---```lua
---context:setOcspPolicy "require" -- a server without a valid OCSP response is rejected
---print(context:getOcspPolicy()) --> require
---```
function SciSslContext:getOcspPolicy() end

---Sets the OCSP response that servers staple for clients that ask. Fetch a new response and set it before the `nextUpdate` of
---this one. A connection that uses another certificate does not send it. OpenSSL 3.6 and later also send none for a self-signed
---certificate. Later connections only.
---
---@within Revocation
---@param der string? the bytes from the issuer's OCSP responder; nil: no response
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `malformed_ocsp`, or `ocsp_unsuccessful`: the responder has reported an error instead of a status; the context is unchanged
---@see SciSslOcsp.request
---@see SSL_set_tlsext_status_ocsp_resp(3)
---@usage
---```lua
---local response = assert(scissl.SciSslOcsp.response { certificate = certificate, issuer = ca, key = caKey })
---assert(context:setOcspResponse(response))
---```
function SciSslContext:setOcspResponse(der) end

---Makes a key for Encrypted Client Hello, and the ECHConfigList that clients need. Publish the list in the HTTPS record of the
---hidden names (`ech=`, in base64), and give the key to `setEchKeys`.
---
---@within Encrypted Client Hello
---@param options table `publicName` (string, needed): the name that everybody may see, for which the server has a certificate, too; `suite` (string): algorithms of HPKE as OpenSSL names them, default `x25519,hkdf-sha256,aes-128-gcm`; `maxNameLength` (integer, 0 to 255): the length of the longest hidden name, to which shorter ones are padded, default 0: not known; `earlierKeys` ({string,...}): PEM texts of up to 16 keys that the server keeps beside this one. Each key has an id of one byte, and a server tries the first key of the id that the client names: the new key gets another id than these
---@return string? # PEM text with the private key and the list (RFC 9934): keep it secret
---@return string|SciSslError # the ECHConfigList, as bytes; condition `not_in_this_openssl`: ECH needs OpenSSL 4.0; `bad_ech_key`: a wrong name or suite
---@see OSSL_ECHSTORE_new_config(3)
---@see RFC 9849
---@usage
---```lua
---if scissl.features.ECH then
---  local key, configs = assert(scissl.SciSslContext.newEchKey { publicName = "public.example.org" })
---  assert(context:setEchKeys { key }) -- the earlier keys follow it while clients have them
---  assert(scissl.SciSslContext.echConfigs(key) == configs)
---end
---```
function SciSslContext.newEchKey(options) end

---Returns the ECHConfigList in the PEM text of an ECH key, for clients.
---
---@within Encrypted Client Hello
---@param pem string as `newEchKey` or `openssl ech` makes it
---@return string? # bytes
---@return SciSslError? # condition `bad_ech_key`, `not_in_this_openssl`
---@see RFC 9934
---@usage
---```lua
---if scissl.features.ECH then
---  local key, configs = assert(scissl.SciSslContext.newEchKey { publicName = "public.example.org" })
---  assert(context:setEchKeys { key }) -- the earlier keys follow it while clients have them
---  assert(scissl.SciSslContext.echConfigs(key) == configs)
---end
---```
function SciSslContext.echConfigs(pem) end

---Sets the keys by which a server decrypts ClientHellos (Encrypted Client Hello). The first one is current: clients that know none
---of the keys learn it, and can try again. Earlier keys behind it keep clients going that still have them; to rotate keys, put
---a new one in front. A connection that `sslSetContext` moves to another context keeps the keys. Later connections only.
---
---@within Encrypted Client Hello
---@param keys string[] PEM texts as of `newEchKey`, or paths of files with such a text, 16 at most; an empty list: none
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `bad_ech_key`, `file_missing`, `file_directory`, `file_unreadable`, `file_empty`; `not_in_this_openssl`: ECH needs OpenSSL 4.0; the context is unchanged
---@see SSL_CTX_set1_echstore(3)
---@see RFC 9849
---@usage
---```lua
---if scissl.features.ECH then
---  local key, configs = assert(scissl.SciSslContext.newEchKey { publicName = "public.example.org" })
---  assert(context:setEchKeys { key }) -- the earlier keys follow it while clients have them
---  assert(scissl.SciSslContext.echConfigs(key) == configs)
---end
---```
function SciSslContext:setEchKeys(keys) end

---Sets the public keys that a peer may have, by their pins. Where this is set, nothing else counts: a certificate, or raw public
---key (see `setServerCertificateTypes`), with one of these keys is accepted, and any other is rejected. CAs, names, dates,
---purposes and revocation are not checked; a key that is too weak for the security level is rejected. Later connections only. A
---client needs `SSL_VERIFY_PEER` (see `setVerify`), as for any other verification; a server, too.
---
---@within Pins and raw public keys
---@param pins string[]? as `SciSslX509Certificate:spkiPin` and `SciSslPrivateKey:spkiPin` return them; nil: peers are verified by the trust store
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `bad_pin`: the list is empty, or has something else than pins; the context is unchanged
---@see RFC 7469, section 2.4
---@usage
---```lua
---assert(context:setPins { certificate:spkiPin() }) -- a peer with this key, and no other
---print(context:setPins { "nonsense" }) --> nil …
---```
function SciSslContext:setPins(pins) end

---Sets what a server may present as its certificate: X.509 certificates, raw public keys (RFC 7250), or both. A server chooses
---the first one of its own list that the client's list has, too. A server that presents raw public keys alone needs a private key and
---no certificate. A client accepts a raw public key only by its pin (see `setPins`). A server that does not know raw public
---keys presents a certificate. Later connections only. Without a call: X.509 certificates.
---
---@within Pins and raw public keys
---@param names string[] `"rawPublicKey"`, `"x509"`, most preferred first
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `unknown_certificate_type`; `not_in_this_openssl`: raw public keys need OpenSSL 3.2; the context is unchanged
---@see SSL_CTX_set1_server_cert_type(3)
---@see RFC 7250
---@usage
---```lua
---if scissl.features.rawPublicKeys then
---  assert(context:setServerCertificateTypes { "rawPublicKey", "x509" })
---  assert(context:setClientCertificateTypes { "rawPublicKey", "x509" })
---end
---```
function SciSslContext:setServerCertificateTypes(names) end

---Sets what a client may present as its certificate, where a server asks for one (see `setVerify`): X.509 certificates, raw public
---keys (RFC 7250), or both. The server chooses the first one of its own list that the client's list has, too.
---
---@within Pins and raw public keys
---@param names string[] as for `setServerCertificateTypes`
---@return SciSslContext? # the receiver
---@return SciSslError? # as for `setServerCertificateTypes`
---@see SSL_CTX_set1_client_cert_type(3)
---@see RFC 7250
---@usage
---```lua
---if scissl.features.rawPublicKeys then
---  assert(context:setServerCertificateTypes { "rawPublicKey", "x509" })
---  assert(context:setClientCertificateTypes { "rawPublicKey", "x509" })
---end
---```
function SciSslContext:setClientCertificateTypes(names) end

---Sets the longest record that a client asks its server to use, in both directions: for clients with little memory. Later
---connections only.
---
---@within Records
---@param bytes integer? 512, 1024, 2048 or 4096; nil: clients do not ask
---@return SciSslContext # the receiver
---@raise an argument error for other numbers
---@see SSL_CTX_set_tlsext_max_fragment_length(3)
---@see RFC 6066, section 4
---@usage
---```lua
---context:setMaxFragmentLength(1024)
---```
function SciSslContext:setMaxFragmentLength(bytes) end

---Sets the most bytes that a record carries when we send. A peer can decrypt a short record sooner. Later connections only.
---
---@within Records
---@param bytes integer 512 … 16384
---@return SciSslContext # the receiver
---@see SSL_CTX_set_max_send_fragment(3)
---@usage
---```lua
---context:setMaxSendFragment(4096)
---```
function SciSslContext:setMaxSendFragment(bytes) end

---Pads the records of TLS 1.3 to multiples of a length, so that their length tells an observer less about the messages. Later
---connections only.
---
---@within Records
---@param bytes integer 0 … 16384; 0 and 1 switch padding off
---@return SciSslContext # the receiver
---@see SSL_CTX_set_block_padding(3)
---@see RFC 8446, section 5.4
---@usage
---```lua
---context:setBlockPadding(512) -- on the network, records have lengths of 512, 1024 …
---```
function SciSslContext:setBlockPadding(bytes) end

---Changes one setting by the name that it has in OpenSSL's configuration files.
---
---@within Settings by name
---@param name string `MinProtocol`, `CipherString`, `Groups`, `Options` …
---@param value string as in those files: `TLSv1.2`, `-SessionTicket,ServerPreference` …
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `unknown_command`, `bad_command_value`, or `trust_command`: for trusted certificates use `loadVerifyLocations` or `addTrusted`; the context is unchanged
---@see SSL_CONF_cmd(3), "supported configuration file commands"
---@usage
---```lua
---assert(context:setCommand("MinProtocol", "TLSv1.3"))
---```
function SciSslContext:setCommand(name, value) end

---Changes several settings in the order of the list: all of them, or none where one is rejected.
---
---@within Settings by name
---@param commands string[][] pairs of a name and a value: `{ {"MinProtocol", "TLSv1.2"}, … }`
---@return SciSslContext? # the receiver
---@return SciSslError? # as for `setCommand`; its subject is the rejected name; the context is unchanged
---@see SSL_CONF_cmd(3)
---@usage
---```lua
---assert(context:setCommands { { "Curves", "X25519" }, { "Options", "-SessionTicket" } })
---```
function SciSslContext:setCommands(commands) end

---Returns all settings in a table. The table is a copy: changing it does not change the context, and later changes of the context
---do not change it.
---
---* `method`, `minProtocol`, `maxProtocol` (nil: no bound): names; `ciphers` (up to TLS 1.2), `ciphersuites` (TLS 1.3), `alpn`:
---  lists; `groups`, `signatureAlgorithms`: the texts that were set, nil for OpenSSL's defaults; `securityLevel`: integer;
---  `options`: list of names; `serverCertificateTypes`, `clientCertificateTypes`: lists, nil where not set
---* `verify`: `SSL_VERIFY_…` flags; `verifyFlags`, `verifyHostFlags`, `verifyHosts`, `pins`: lists; `verifyIp`, `verifyEmail`,
---  `verifyTime`, `verifyDepth`, `authLevel`, `purpose`: nil where not set
---* `trustedCertificates`, `crls`: the numbers of those in memory; `trustedPaths`: directories; `acceptedIssuers`: names
---* `certificates`: list of tables with `subject`, `keyType`, `notAfter` (seconds since the epoch), `issuers` (the number of
---  intermediate certificates that are sent), `hasKey`
---* `sessionTimeout`: seconds; `sessionCacheMode`: `SSL_SESS_CACHE_…` flags; `sessionCacheSize`; `tickets`: how many a
---  server sends after a full handshake of TLS 1.3; `ticketsAllowed`, `sharedTicketKeys`: booleans; `maxReplayableData`: bytes
---* `ocsp`: `"none"`, `"request"`, `"require"`; `echKeys`: how many; `ocspResponse`, `pskClient`, `pskServer`,
---  `sessionStore`, `replayGuard`, `keylog`: booleans: whether it is set
---
---@within Settings by name
---@return table
---@see SSL_CTX_get_options(3)
---@usage
---```lua
---print(context:describe().minProtocol) --> TLSv1.2
---```
function SciSslContext:describe() end

---Returns the certificates of the trust store. Those of a directory (`caPath`) are in it once a verification has read them.
---
---@within Settings by name
---@return SciSslX509Certificate[] # in no order
---@see X509_STORE_get1_all_certs(3)
---@usage
---```lua
---for _, trusted in ipairs(context:trustedCertificates()) do print(trusted:commonName()) end
---```
function SciSslContext:trustedCertificates() end

---Collects the secrets of later connections for `SciSslSocket:keylogLines`. A program that has them can decrypt the connection:
---use them for debugging only.
---
---@within Alerts, traces and key logs
---@param wanted boolean
---@return SciSslContext # the receiver
---@see SSL_CTX_set_keylog_callback(3)
---@usage
---```lua
---serverContext:setKeylog(true) -- for debugging: SciSslSocket:keylogLines returns the secrets
---```
function SciSslContext:setKeylog(wanted) end

---Appends the secrets of later connections to a file, in the format that Wireshark reads. A missing file is created, readable
---for its owner only. A program that can read the file can decrypt these connections, and forge parts of them: use it for
---debugging only. Several processes may share one file. Lines that cannot be written are lost.
---
---@within Alerts, traces and key logs
---@param path string|boolean? true: the file that the environment variable `SSLKEYLOGFILE` names, or none where it is not set or the program is set-user-ID or set-group-ID; nil or false: no file
---@return SciSslContext? # the receiver
---@return SciSslError? # phase `option`, condition `not_found`, `permission_denied` …; the context is unchanged
---@see SSL_CTX_set_keylog_callback(3)
---@usage
---```lua
---assert(context:setKeylogFile "keys.log") -- Wireshark decrypts with it, as can anyone who has the file
---assert(context:setKeylogFile(nil))
---```
function SciSslContext:setKeylogFile(path) end

return SciSslContext
