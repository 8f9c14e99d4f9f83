---The settings that many connections share (SSL_CTX): protocols, ciphers, trust, certificates, sessions. A connection takes
---them over with `SciSslSocket:sslInitialize`; what is set later does not reach it. Setters answer the receiver, so that calls can
---be chained, or nil and a `SciSslError`. A new context verifies nobody until `setVerify` says so; `scissl.connect` does.
---
---@meta SciSslContext
---@class SciSslContext
local SciSslContext = {}

---Makes a context. `TLS` allows TLS 1.2 and later; the other methods allow that one version alone.
---TLSv1 and TLSv1.1 also need `setSecurityLevel(0)`.
---
---@within Making one, verification, options
---@param method? string (default: "TLS") `TLS`, `TLSv1`, `TLSv1.1`, `TLSv1.2` or `TLSv1.3`
---@return SciSslContext?
---@return SciSslError? # condition `unknown_protocol`
---@see SSL_CTX_new(3)
---@usage
---```lua
---local any = assert(scissl.SciSslContext.new()) -- TLS 1.2 and later
---local modern = assert(scissl.SciSslContext.new "TLSv1.3")
---print(scissl.SciSslContext.new "SSLv3") --> nil …
---```
function SciSslContext.new(method) end

---Sets the lowest protocol version that connections made from now on may use.
---
---@within Protocols, ciphers, groups
---@param name string `TLSv1`, `TLSv1.1`, `TLSv1.2` or `TLSv1.3`
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `unknown_protocol`, or `protocol_version` where it is above the highest
---@see SSL_CTX_set_min_proto_version(3)
---@usage
---```lua
---assert(context:setMinProtocol "TLSv1.3")
---local done, err = context:setMaxProtocol "TLSv1.2"
---print(done, err:condition()) --> nil protocol_version
---```
function SciSslContext:setMinProtocol(name) end

---Sets the highest protocol version that connections made from now on may use.
---
---@within Protocols, ciphers, groups
---@param name string `TLSv1`, `TLSv1.1`, `TLSv1.2` or `TLSv1.3`
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `unknown_protocol`, or `protocol_version` where it is below the lowest
---@see SSL_CTX_set_max_proto_version(3)
---@usage
---```lua
---assert(context:setMinProtocol "TLSv1.3")
---local done, err = context:setMaxProtocol "TLSv1.2"
---print(done, err:condition()) --> nil protocol_version
---```
function SciSslContext:setMaxProtocol(name) end

---Uses the first certificate of a PEM file as ours.
---
---@within Certificates and keys of one's own
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

---Uses the first certificate of a PEM file as ours, and sends the others, the issuers, along with it.
---
---@within Certificates and keys of one's own
---@param path string
---@return SciSslContext? # the receiver
---@return SciSslError? # as `useCertificateFile`
---@see SSL_CTX_use_certificate_chain_file(3)
---@usage
---```lua
---assert(context:useCertificateChainFile "server.pem") -- the server's own first, then its issuers
---```
function SciSslContext:useCertificateChainFile(path) end

---Uses a certificate as ours. A PEM text may hold the issuers behind it: they are sent along.
---
---@within Certificates and keys of one's own
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

---Uses the first certificate of a list as ours, and sends the others, the issuers, along with it.
---
---@within Certificates and keys of one's own
---@param chain SciSslX509Certificate[]
---@return SciSslContext? # the receiver
---@return SciSslError? # phase `load`, condition `key_mismatch` or `security_level`; the context stays as it was
---@see SSL_CTX_add1_chain_cert(3)
---@usage
---```lua
---assert(context:useCertificateChain { certificate, ca })
---```
function SciSslContext:useCertificateChain(chain) end

---Sends one more issuer along with the certificate that was used last.
---
---@within Certificates and keys of one's own
---@param certificate SciSslX509Certificate
---@return SciSslContext? # the receiver
---@return SciSslError? # phase `load`, condition `no_certificate`: there is none of ours yet; or `security_level`
---@see SSL_CTX_add1_chain_cert(3)
---@usage
---```lua
---assert(context:useCertificate(certificate))
---assert(context:addChainCertificate(ca))
---```
function SciSslContext:addChainCertificate(certificate) end

---Uses the private key of a PEM file.
---
---@within Certificates and keys of one's own
---@param path string
---@param passphrase? string|function of an encrypted key; a function is called without arguments and answers it
---@return SciSslContext? # the receiver
---@return SciSslError? # phase `load`, condition `file_missing`, `file_directory`, `file_unreadable`, `file_empty`, `not_pem`, `not_private_key`, `malformed_key`, `passphrase_missing`, `passphrase_wrong`, `passphrase_function`, `passphrase_too_long`, `key_legacy`, `openssh_key`, `key_mismatch`; the context stays as it was
---@see SSL_CTX_use_PrivateKey_file(3)
---@usage
---```lua
---assert(context:useCertificateFile "server.pem")
---assert(context:usePrivateKeyFile "server.key")
---assert(context:checkPrivateKey())
---```
function SciSslContext:usePrivateKeyFile(path, passphrase) end

---Uses a private key.
---
---@within Certificates and keys of one's own
---@param key SciSslPrivateKey|string an object, or PEM text
---@param passphrase? string|function of an encrypted PEM text
---@return SciSslContext? # the receiver
---@return SciSslError? # phase `load`, condition `not_pem`, `not_private_key`, `malformed_key`, `passphrase_missing`, `passphrase_wrong`, `passphrase_function`, `passphrase_too_long`, `key_legacy`, `openssh_key`, `key_mismatch`; the context stays as it was
---@see SSL_CTX_use_PrivateKey(3)
---@usage
---```lua
---assert(context:useCertificate(certificate)) -- or PEM text
---assert(context:usePrivateKey(key))
---```
function SciSslContext:usePrivateKey(key, passphrase) end

---Tells whether connections have a certificate of their own.
---
---@within Certificates and keys of one's own
---@return boolean
---@see SSL_CTX_get0_certificate(3)
---@usage
---```lua
---print(context:hasCertificate()) --> false
---assert(context:useCertificate(certificate))
---print(context:hasCertificate()) --> true
---```
function SciSslContext:hasCertificate() end

---Checks that the certificate that was used last has its key. A context may hold a pair for each type of key (RSA, ECDSA,
---Ed25519 …), and its connections use the one that the peer's signature algorithms allow.
---
---@within Certificates and keys of one's own
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

---Lets clients made from now on show a certificate later than in the handshake, when a server of TLS 1.3 asks for it (see
---`SciSslSocket:sslVerifyClientPostHandshake`).
---
---@within Certificates and keys of one's own
---@param on boolean
---@return SciSslContext # the receiver
---@see SSL_CTX_set_post_handshake_auth(3)
---@usage
---```lua
---context:setPostHandshakeAuth(true) -- a client that may be asked for its certificate later
---```
function SciSslContext:setPostHandshakeAuth(on) end

---Uses the private key of PKCS#12, and its certificate with the issuers that are there, as ours.
---
---@within Certificates and keys of one's own
---@param bytes string
---@param passphrase? string|function a function is called once, without arguments, and answers it
---@return SciSslContext? # the receiver
---@return SciSslError? # as `SciSslPkcs12.parse`; `pkcs12_incomplete`: there is no key with a certificate in there; `security_level`. The context stays as it was
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
---@within Certificates and keys of one's own
---@param path string
---@param passphrase? string|function
---@return SciSslContext? # the receiver
---@return SciSslError? # as `usePkcs12`, with the path as its subject; also `file_missing`, `file_unreadable` …
---@see PKCS12_parse(3)
---@usage
---```lua
---local bytes = assert(scissl.SciSslPkcs12.make { certificate = certificate, key = key, passphrase = "open sesame" })
---assert(context:usePkcs12(bytes, "open sesame"))
---local done, err = context:usePkcs12File "missing.p12"
---print(err:condition()) --> file_missing
---```
function SciSslContext:usePkcs12File(path, passphrase) end

---Trusts the certificates of a file in PEM, or the one in DER, and those of a directory that `openssl rehash` prepared.
---
---@within Trust
---@param caFile string? path
---@param caPath? string path
---@return SciSslContext? # the receiver
---@return SciSslError? # phase `load`, condition `file_missing`, `file_directory`, `file_unreadable`, `file_empty`, `not_pem`, `not_certificate` or `malformed_certificate`; `file_not_directory`; the context stays as it was
---@see SSL_CTX_load_verify_locations(3)
---@usage
---```lua
---assert(context:loadVerifyLocations "ca.pem")
---```
function SciSslContext:loadVerifyLocations(caFile, caPath) end

---Trusts what the system trusts: OpenSSL's default file and directory, or what the environment variables
---`SSL_CERT_FILE` and `SSL_CERT_DIR` name. An empty variable counts as one that is not set. `SSL_CERT_DIR` may name several
---directories, with colons between; one of them must exist.
---
---@within Trust
---@return SciSslContext? # the receiver
---@return SciSslError? # phase `load`; condition `file_missing`, `not_pem` … for a `SSL_CERT_FILE` or `SSL_CERT_DIR` that cannot be used, with `SSL_CERT_FILE=` and the path as its subject
---@see SSL_CTX_set_default_verify_paths(3)
---@usage
---```lua
---assert(context:useDefaultTrust()) -- SSL_CERT_FILE and SSL_CERT_DIR are honoured
---```
function SciSslContext:useDefaultTrust() end

---Trusts a certificate, or each certificate of a PEM text.
---
---@within Trust
---@param certificate SciSslX509Certificate|string an object, PEM text, or the DER bytes of one
---@return SciSslContext? # the receiver
---@return SciSslError? # phase `load`, condition `not_pem`, `not_certificate` or `malformed_certificate`; the context stays as it was
---@see X509_STORE_add_cert(3)
---@usage
---```lua
---assert(context:addTrusted(ca)) -- or PEM text, or DER bytes
---```
function SciSslContext:addTrusted(certificate) end

---Trusts the certificates that OpenSSL finds behind a URI, and takes the revocation lists that are there. `file:` takes PEM,
---DER, and PKCS#12 without a passphrase; providers may bring other schemes.
---
---@within Trust
---@param uri string `file:/etc/ssl/own-ca.pem`; a plain path is one, too
---@return SciSslContext? # the receiver
---@return SciSslError? # phase `load`, condition `file_missing`, `unknown_scheme`, `store_unreadable`, or `store_empty`: there is neither a certificate nor a revocation list; the context stays as it was
---@see OSSL_STORE_open(3)
---@see ossl_store-file(7)
---@usage
---```lua
---assert(context:addTrustedUri "ca.pem") -- or file:/etc/ssl/own-ca.pem, pkcs11:… where a provider reads that
---```
function SciSslContext:addTrustedUri(uri) end

---Sets how connections made from now on check the peer's certificate.
---
---@within Verification
---@param flags integer `SSL_VERIFY_NONE`, or `SSL_VERIFY_PEER` alone or with `SSL_VERIFY_FAIL_IF_NO_PEER_CERT` and `SSL_VERIFY_CLIENT_ONCE`
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `verify_flags`: the flags do not fit together (row S14)
---@see SSL_CTX_set_verify(3)
---@usage
---```lua
---assert(context:setVerify(scissl.SSL_VERIFY_PEER | scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT))
---print(context:getVerify() & scissl.SSL_VERIFY_PEER ~= 0) --> true
---print(context:setVerify(scissl.SSL_VERIFY_CLIENT_ONCE)) --> nil …
---```
function SciSslContext:setVerify(flags) end

---Answers the flags that `setVerify` set.
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

---Sets how many certificates may stand between the peer's and a trusted one.
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

---Answers how many certificates may stand between the peer's and a trusted one; -1 is OpenSSL's default, 100.
---
---@within Verification
---@return integer
---@see SSL_CTX_get_verify_depth(3)
---@usage
---```lua
---print(context:setVerifyDepth(3):getVerifyDepth()) --> 3
---```
function SciSslContext:getVerifyDepth() end

---Sets what the peer's certificate must be good for. Unless it is set, a client's peer needs `sslserver`, a server's peer
---`sslclient`.
---
---@within Verification
---@param name string `sslserver`, `sslclient`, `any`, or another short name of OpenSSL's
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `unknown_purpose`
---@see X509_VERIFY_PARAM_set_purpose(3)
---@usage
---```lua
---assert(context:setPurpose "sslclient")
---```
function SciSslContext:setPurpose(name) end

---Sets the time at which certificates and revocation lists are judged.
---
---@within Verification
---@param seconds integer? since the epoch, in the years 1900 to 9999; nil: the time of each handshake
---@return SciSslContext # the receiver
---@see X509_VERIFY_PARAM_set_time(3)
---@usage
---```lua
---context:setVerifyTime(certificate:notAfter() - 60):setVerifyTime(nil)
---```
function SciSslContext:setVerifyTime(seconds) end

---Sets the security level that certificates are held to, where it is not to be that of the connection.
---
---@within Verification
---@param level integer? 0 … 5; nil: that of `setSecurityLevel`
---@return SciSslContext # the receiver
---@see X509_VERIFY_PARAM_set_auth_level(3)
---@usage
---```lua
---context:setAuthLevel(2) -- for certificates alone
---```
function SciSslContext:setAuthLevel(level) end

---Adds flags to the way in which certificates are checked. `crl_check` needs revocation lists: see `addCrl`.
---`trusted_first` is OpenSSL's way in any case.
---
---@within Verification
---@param flags integer|string|string[] `X509_V_FLAG_…` constants, or-ed; or names of them without `X509_V_FLAG_`, in lower case: `{"crl_check", "crl_check_all", "partial_chain", "x509_strict", "policy_check", "no_check_time"}` …
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `unknown_flag`; the context stays as it was
---@see X509_VERIFY_PARAM_set_flags(3)
---@usage
---```lua
---assert(context:setVerifyFlags { "partial_chain", "x509_strict" })
---assert(context:clearVerifyFlags "x509_strict")
---print(context:getVerifyFlags() & scissl.X509_V_FLAG_PARTIAL_CHAIN ~= 0) --> true
---```
function SciSslContext:setVerifyFlags(flags) end

---Takes away flags that `setVerifyFlags` added.
---
---@within Verification
---@param flags integer|string|string[] as `setVerifyFlags`
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `unknown_flag`; the context stays as it was
---@see X509_VERIFY_PARAM_clear_flags(3)
---@usage
---```lua
---assert(context:setVerifyFlags { "partial_chain", "x509_strict" })
---assert(context:clearVerifyFlags "x509_strict")
---print(context:getVerifyFlags() & scissl.X509_V_FLAG_PARTIAL_CHAIN ~= 0) --> true
---```
function SciSslContext:clearVerifyFlags(flags) end

---Answers the flags that `setVerifyFlags` set.
---
---@within Verification
---@return integer # `X509_V_FLAG_…` constants, or-ed
---@see X509_VERIFY_PARAM_get_flags(3)
---@usage
---```lua
---assert(context:setVerifyFlags { "partial_chain", "x509_strict" })
---assert(context:clearVerifyFlags "x509_strict")
---print(context:getVerifyFlags() & scissl.X509_V_FLAG_PARTIAL_CHAIN ~= 0) --> true
---```
function SciSslContext:getVerifyFlags() end

---Sets the host names of which the peer's certificate has to be for one. A socket's `sslSetVerifyHost` and
---`sslSetVerifyHosts` put others in their place.
---
---@within Verification
---@param names string[] one that begins with a dot stands for all names below it; an empty list: any name will do
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `bad_host_name` (also for an address: see `setVerifyIp`); the context stays as it was
---@see X509_VERIFY_PARAM_add1_host(3)
---@usage
---```lua
---assert(context:setVerifyHosts { "www.example.org", ".example.net" })
---```
function SciSslContext:setVerifyHosts(names) end

---Sets how names are compared, in place of how they were: for these hosts and for those of sockets made from now on. The
---default is `no_partial_wildcards`: `*` stands for a whole label.
---
---@within Verification
---@param flags integer|string|string[] `X509_CHECK_FLAG_…` constants, or-ed; or names: `no_wildcards`, `no_partial_wildcards`, `multi_label_wildcards`, `single_label_subdomains`, `always_check_subject`, `never_check_subject`
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `unknown_flag`; the context stays as it was
---@see X509_check_host(3)
---@usage
---```lua
---assert(context:setVerifyHostFlags "no_wildcards")
---print(context:getVerifyHostFlags() & scissl.X509_CHECK_FLAG_NO_WILDCARDS ~= 0) --> true
---```
function SciSslContext:setVerifyHostFlags(flags) end

---Answers how names are compared.
---
---@within Verification
---@return integer # `X509_CHECK_FLAG_…` constants, or-ed
---@see X509_VERIFY_PARAM_get_hostflags(3)
---@usage
---```lua
---assert(context:setVerifyHostFlags "no_wildcards")
---print(context:getVerifyHostFlags() & scissl.X509_CHECK_FLAG_NO_WILDCARDS ~= 0) --> true
---```
function SciSslContext:getVerifyHostFlags() end

---Sets the IP address that the peer's certificate has to be for. Where host names are set as well, it has to be for both.
---
---@within Verification
---@param address string? IPv4 or IPv6; nil: any
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `bad_address`; the context stays as it was
---@see X509_VERIFY_PARAM_set1_ip_asc(3)
---@usage
---```lua
---assert(context:setVerifyIp "192.0.2.1")
---```
function SciSslContext:setVerifyIp(address) end

---Sets the e-mail address that the peer's certificate has to be for, as those of people are.
---
---@within Verification
---@param address string? nil: any
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `bad_email`; the context stays as it was
---@see X509_VERIFY_PARAM_set1_email(3)
---@usage
---```lua
---assert(context:setVerifyEmail "postmaster@example.org")
---```
function SciSslContext:setVerifyEmail(address) end

---Sets the issuers that a server names when it asks a client for its certificate, so that the client can choose one that
---will do. They are a hint: whom the server trusts is another matter. Without names it asks for any certificate.
---
---@within Whose certificates servers ask for
---@param issuers (SciSslX509Certificate|string)[]|string a list of certificates, whose subjects count, and of names as RFC 2253 text; or PEM text with certificates. An empty list: none are named
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `malformed_name`, or as `addTrusted`; the context stays as it was
---@see SSL_CTX_set_client_CA_list(3)
---@usage
---```lua
---assert(context:setAcceptedIssuers { ca, "CN=Another authority,O=Example" })
---```
function SciSslContext:setAcceptedIssuers(issuers) end

---The same with the certificates of a file, in PEM or DER.
---
---@within Whose certificates servers ask for
---@param path string
---@return SciSslContext? # the receiver
---@return SciSslError? # as `loadVerifyLocations`; the context stays as it was
---@see SSL_load_client_CA_file(3)
---@usage
---```lua
---assert(context:loadAcceptedIssuers "ca.pem")
---```
function SciSslContext:loadAcceptedIssuers(path) end

---The same with all certificates that are trusted now; those in directories are left out, since nobody has read them yet.
---
---@within Whose certificates servers ask for
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `memory_full`
---@see SSL_CTX_set0_CA_list(3)
---@usage
---```lua
---assert(context:addTrusted(ca))
---assert(context:acceptTrustedIssuers()) -- servers name the CAs that they trust
---```
function SciSslContext:acceptTrustedIssuers() end

---Sets how long the sessions of connections made from now on may be resumed.
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

---Answers how long sessions may be resumed.
---
---@within Sessions
---@return integer # seconds
---@see SSL_CTX_get_timeout(3)
---@usage
---```lua
---print(context:setTimeout(3600):getTimeout()) --> 3600
---```
function SciSslContext:getTimeout() end

---Sets the name under which servers file their sessions. Each context has a random one of its own: set the same where
---several processes are to resume each other's sessions.
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

---Sets whose sessions are kept, and where: for connections that were initialized before, too. Servers keep what they do not put into tickets: sessions up to TLS 1.2 of clients
---without tickets, and all where `SSL_OP_NO_TICKET` is set or early data is taken.
---
---@within Sessions
---@param mode string `"off"`: no sessions but those in tickets, and `newSessions` answers none; `"client"`, `"server"`, `"both"`
---@param internal? boolean (default: true) false: OpenSSL's own cache is neither filled nor looked into; then `setSessionStore` says where sessions are found
---@return SciSslContext # the receiver
---@see SSL_CTX_set_session_cache_mode(3)
---@usage
---```lua
---context:setSessionCacheMode("server"):setSessionCacheSize(1000)
---```
function SciSslContext:setSessionCacheMode(mode, internal) end

---Sets how many sessions OpenSSL's own cache keeps.
---
---@within Sessions
---@param count integer 1 or more; 20480 at first
---@return SciSslContext # the receiver
---@see SSL_CTX_sess_set_cache_size(3)
---@usage
---```lua
---context:setSessionCacheMode("server"):setSessionCacheSize(1000)
---```
function SciSslContext:setSessionCacheSize(count) end

---Removes the sessions from OpenSSL's own cache whose time is over.
---
---@within Sessions
---@param at? integer seconds since the epoch; without it, now
---@return SciSslContext # the receiver
---@see SSL_CTX_flush_sessions(3)
---@usage
---```lua
---context:flushSessions() -- those that have expired by now
---```
function SciSslContext:flushSessions(at) end

---Puts a session into OpenSSL's own cache, for servers to find.
---
---@within Sessions
---@param session OSSslSession
---@return boolean # true; false where it was there, or cannot be resumed
---@see SSL_CTX_add_session(3)
---@usage
---```lua
---print(context:addSession(session)) --> true
---print(context:removeSession(session)) --> true
---print(context:removeSession(session)) --> false
---```
function SciSslContext:addSession(session) end

---Takes a session out of OpenSSL's own cache; nobody can resume it any more.
---
---@within Sessions
---@param session OSSslSession
---@return boolean # true; false where it was not there
---@see SSL_CTX_remove_session(3)
---@usage
---```lua
---print(context:addSession(session)) --> true
---print(context:removeSession(session)) --> true
---print(context:removeSession(session)) --> false
---```
function SciSslContext:removeSession(session) end

---Sets where servers made from now on find sessions that OpenSSL's own cache has not. The function runs inside the handshake,
---under lua_pcall, and must not yield; what it raises ends the handshake. To look further away, take the session id from
---`clientHello()` while the handshake is suspended there, and give what was found to `setSession`.
---
---@within Sessions
---@param store function? gets a session id (string, raw bytes), answers an OSSslSession or nil; nil: none
---@return SciSslContext # the receiver
---@see SSL_CTX_sess_set_get_cb(3)
---@usage
---```lua
---local kept = {}
---context:setSessionStore(function(id) return kept[id] end)
----- After each handshake: for _, session in ipairs(socket:newSessions()) do kept[session:id()] = session end
---```
function SciSslContext:setSessionStore(store) end

---Answers how sessions have been made and used.
---
---@within Sessions
---@return table # of integers: `number` (in OpenSSL's own cache now), `connect`, `connectGood`, `connectRenegotiate`, `accept`, `acceptGood`, `acceptRenegotiate`, `hits` (resumed), `callbackHits` (found by `setSessionStore`), `misses` (not found), `timeouts` (found, and too old), `cacheFull` (made room for another), `cacheSize`
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
---@return SciSslError? # OpenSSL has no randomness to give
---@see RAND_priv_bytes(3)
---@usage
---```lua
---local secret = assert(scissl.SciSslContext.newTicketKey())
---print(#secret) --> 80
---context:setTicketKeys { secret } -- the same on every server of a fleet
---context:rotateTicketKeys(assert(scissl.SciSslContext.newTicketKey())) -- tickets of the old one still do
---```
function SciSslContext.newTicketKey() end

---Sets the keys that seal the sessions which clients keep in tickets: the first seals new ones, all of them open those that
---come, and what an older one opens is renewed. Processes and machines with the same keys, and the same
---`setSessionIdContext`, resume each other's sessions. Without this each context has a random key of its own.
---
---Unlike other settings this reaches the connections that were initialized before: the keys are the server's. Whoever has a
---key can read what its tickets protected up to TLS 1.2, so change it every few hours.
---
---@within Sessions
---@param secrets string[] 1 to 16 secrets of 80 bytes (see `newTicketKey`)
---@return SciSslContext # the receiver
---@raise for something else; the context stays as it was
---@see SSL_CTX_set_tlsext_ticket_key_evp_cb(3)
---@see RFC 5077
---@usage
---```lua
---local secret = assert(scissl.SciSslContext.newTicketKey())
---print(#secret) --> 80
---context:setTicketKeys { secret } -- the same on every server of a fleet
---context:rotateTicketKeys(assert(scissl.SciSslContext.newTicketKey())) -- tickets of the old one still do
---```
function SciSslContext:setTicketKeys(secrets) end

---Puts a new key before those that `setTicketKeys` set; the oldest goes. Tickets sealed before stay good as long as their key
---is there.
---
---@within Sessions
---@param secret string 80 bytes (see `newTicketKey`)
---@param keep? integer how many keys there are afterwards, 1 to 16; without it, as many as before, and 3 at the least
---@return SciSslContext # the receiver
---@see setTicketKeys
---@usage
---```lua
---local secret = assert(scissl.SciSslContext.newTicketKey())
---print(#secret) --> 80
---context:setTicketKeys { secret } -- the same on every server of a fleet
---context:rotateTicketKeys(assert(scissl.SciSslContext.newTicketKey())) -- tickets of the old one still do
---```
function SciSslContext:rotateTicketKeys(secret, keep) end

---Sets how many tickets servers made from now on send after a full handshake of TLS 1.3.
---
---@within Sessions
---@param count integer 0 … 255; 2 at first
---@return SciSslContext # the receiver
---@see SSL_CTX_set_num_tickets(3)
---@usage
---```lua
---print(context:setNumTickets(1):getNumTickets()) --> 1
---```
function SciSslContext:setNumTickets(count) end

---Answers how many tickets servers send after a full handshake of TLS 1.3.
---
---@within Sessions
---@return integer
---@see SSL_CTX_get_num_tickets(3)
---@usage
---```lua
---print(context:setNumTickets(1):getNumTickets()) --> 1
---```
function SciSslContext:getNumTickets() end

---Sets how many bytes a client may send before the handshake is done (early data, 0-RTT), for servers made from now on. What
---comes so can be sent again by anybody who records it, to this server or to another one of a fleet: take it only for
---requests that change nothing. Within one process OpenSSL takes each ticket's data once; for a fleet see `setReplayGuard`.
---
---@within Early data
---@param bytes integer 0 (the default: none) … 4294967295; sessions made with it tell clients
---@return SciSslContext # the receiver
---@see SSL_CTX_set_max_early_data(3)
---@see RFC 8446, section 8
---@usage
---```lua
---print(context:setMaxReplayableData(16384):getMaxReplayableData()) --> 16384
---```
function SciSslContext:setMaxReplayableData(bytes) end

---Answers how many bytes a client may send before the handshake is done.
---
---@within Early data
---@return integer
---@see SSL_CTX_get_max_early_data(3)
---@usage
---```lua
---print(context:setMaxReplayableData(16384):getMaxReplayableData()) --> 16384
---```
function SciSslContext:getMaxReplayableData() end

---Sets who decides whether early data is taken, for servers made from now on: a function that can ask the whole fleet whether
---it has seen the session before. It runs inside the handshake, under lua_pcall, and must not yield. Where it answers
---anything but true the data is left out, the client learns that, and the handshake goes on; where it raises, the handshake
---ends for that.
---
---@within Early data
---@param guard function? gets the OSSslSession that the client resumes; nil: OpenSSL's own check alone
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

---Sets the pre-shared key of clients made from now on, for TLS 1.2 and TLS 1.3.
---
---@within Pre-shared keys
---@param identity string|function? 128 bytes at the most; or a function that gets the server's hint (a string of TLS 1.2, or nil) and answers identity and key, or nil for none, and must not yield; nil: no key any more
---@param key? string 1 to 256 raw bytes, with an identity
---@param options? table `digest`: `"SHA256"` (default) or `"SHA384"`, to which TLS 1.3 binds a key. Keys of SHA-384 are for TLS 1.3 alone, and its suites with that digest
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

---Sets the pre-shared keys of servers made from now on, for TLS 1.2 and TLS 1.3. A server with keys needs no certificate.
---In TLS 1.2 an unknown identity fails just as a wrong key does, so that nobody learns by trying which identities exist; our
---own SciSslError has the condition `psk_unknown`. In TLS 1.3 the server goes on with its certificate, if it has any.
---
---@within Pre-shared keys
---@param keys table|function? keys (1 to 256 raw bytes) by identities (128 bytes at the most); or a function that gets an identity and answers its key or nil, and must not yield; nil: no keys any more
---@param options? table `digest`: as for `setPskClient`; `tellUnknown = true`: an unknown identity gets the alert unknown_psk_identity (TLS 1.2)
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `bad_psk`; the context stays as it was
---@see SSL_set_psk_server_callback(3)
---@see SSL_set_psk_find_session_callback(3)
---@usage
---```lua
---assert(context:setPskServer { ["sensor 12"] = ("k"):rep(32) })
---assert(context:setPskHint "sensors")
---```
function SciSslContext:setPskServer(keys, options) end

---Sets what servers made from now on tell their clients about the key that they want, in TLS 1.2.
---
---@within Pre-shared keys
---@param hint string? 128 bytes at the most; nil: none
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `bad_psk`
---@see SSL_CTX_use_psk_identity_hint(3)
---@usage
---```lua
---assert(context:setPskServer { ["sensor 12"] = ("k"):rep(32) })
---assert(context:setPskHint "sensors")
---```
function SciSslContext:setPskHint(hint) end

---Adds certificate revocation lists. They are looked at where `setVerifyFlags` says so: `crl_check` for the peer's
---certificate, `crl_check_all` with it for those above it as well. With the flag, a missing or expired list refuses the peer
---(`crl_missing`, `crl_expired`); of several lists of one issuer the newest counts.
---
---@within Revocation
---@param crl SciSslX509Crl|string an object; PEM text, with one or several; or the DER bytes of one
---@return SciSslContext? # the receiver
---@return SciSslError? # phase `load`, condition `not_pem`, `not_crl` or `malformed_crl`; the context stays as it was
---@see X509_STORE_add_crl(3)
---@usage
---```lua
---assert(context:addCrl(crl))
---assert(context:setVerifyFlags "crl_check") -- or nobody looks at it
---```
function SciSslContext:addCrl(crl) end

---Adds the certificate revocation lists of a file: PEM, with one or several, or DER.
---
---@within Revocation
---@param path string
---@return SciSslContext? # the receiver
---@return SciSslError? # as `addCrl`; or condition `file_missing`, `file_directory`, `file_unreadable`, `file_empty`
---@see X509_load_crl_file(3)
---@usage
---```lua
---local file <close> = assert(io.open("ca.crl", "w"))
---assert(file:write(crl:toPem())):flush()
---assert(context:loadCrlFile "ca.crl")
---```
function SciSslContext:loadCrlFile(path) end

---Sets what clients made from now on do about OCSP stapling, by which a server proves that its certificate has not been
---revoked.
---
---* `"none"`: nothing. This is the default
---* `"request"`: the client asks. The handshake goes on where the server has no response, or one that does not count; but
---  not without a good one where the certificate says that it comes with one (must-staple, RFC 7633), and not with one by
---  which the issuer says that the certificate is revoked
---* `"require"`: no handshake without a good response. No session is resumed: it may have been made with less care
---
---What ends the handshake has the alert bad_certificate_status_response, and one of the conditions `ocsp_missing`,
---`certificate_revoked`, `ocsp_unknown`, `ocsp_no_issuer`, or those of `SciSslOcsp.check`. Responses are judged as there, for
---the issuer in the chain as OpenSSL has built it.
---
---@within Revocation
---@param policy string `"none"`, `"request"` or `"require"`
---@return SciSslContext # the receiver
---@see SSL_CTX_set_tlsext_status_type(3)
---@usage
---```lua
---context:setOcspPolicy "require" -- no proof that the certificate is not revoked, no connection
---print(context:getOcspPolicy()) --> require
---```
function SciSslContext:setOcspPolicy(policy) end

---Answers what `setOcspPolicy` set.
---
---@within Revocation
---@return string
---@see SSL_CTX_set_tlsext_status_type(3)
---@usage
---```lua
---context:setOcspPolicy "require" -- no proof that the certificate is not revoked, no connection
---print(context:getOcspPolicy()) --> require
---```
function SciSslContext:getOcspPolicy() end

---Sets the OCSP response that servers made from now on staple for clients that ask, until it is set anew: it has to be
---fetched again before its `nextUpdate`. It is left out where the connection uses another certificate.
---
---@within Revocation
---@param der string? as the issuer's responder has sent it; nil: none
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `malformed_ocsp`, or `ocsp_unsuccessful`: the responder says nothing in it; the context stays as it was
---@see SciSslOcsp.request
---@see SSL_set_tlsext_status_ocsp_resp(3)
---@usage
---```lua
---local response = assert(scissl.SciSslOcsp.response { certificate = certificate, issuer = ca, key = caKey })
---assert(context:setOcspResponse(response))
---```
function SciSslContext:setOcspResponse(der) end

---Sets how long the records are that clients made from now on ask their server for, both ways: for peers with little memory.
---
---@within Records
---@param bytes integer? 512, 1024, 2048 or 4096; nil: they do not ask
---@return SciSslContext # the receiver
---@raise for other numbers
---@see SSL_CTX_set_tlsext_max_fragment_length(3)
---@see RFC 6066, section 4
---@usage
---```lua
---context:setMaxFragmentLength(1024)
---```
function SciSslContext:setMaxFragmentLength(bytes) end

---Sets how many bytes go into a record at the most, on connections made from now on: short ones are sooner complete.
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

---Pads the records of TLS 1.3 to multiples of a length, on connections made from now on: an observer sees less of how long
---the messages are.
---
---@within Records
---@param bytes integer 0 or 1: none; to 16384
---@return SciSslContext # the receiver
---@see SSL_CTX_set_block_padding(3)
---@see RFC 8446, section 5.4
---@usage
---```lua
---context:setBlockPadding(512) -- who listens sees lengths of 512, 1024 …
---```
function SciSslContext:setBlockPadding(bytes) end

---Changes one setting by its name in OpenSSL's configuration files.
---
---@within Settings by name
---@param name string `MinProtocol`, `CipherString`, `Groups`, `Options` …
---@param value string as in those files: `TLSv1.2`, `-SessionTicket,ServerPreference` …
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `unknown_command`, `bad_command_value`, or `trust_command`: `loadVerifyLocations` and `addTrusted` are there for those; the context stays as it was
---@see SSL_CONF_cmd(3), "supported configuration file commands"
---@usage
---```lua
---assert(context:setCommand("MinProtocol", "TLSv1.3"))
---```
function SciSslContext:setCommand(name, value) end

---Changes several settings, in their order, or none of them.
---
---@within Settings by name
---@param commands string[][] pairs of a name and a value: `{ {"MinProtocol", "TLSv1.2"}, … }`
---@return SciSslContext? # the receiver
---@return SciSslError? # as `setCommand`, with the refused name for its subject; the context stays as it was
---@see SSL_CONF_cmd(3)
---@usage
---```lua
---assert(context:setCommands { { "Curves", "X25519" }, { "Options", "-SessionTicket" } })
---```
function SciSslContext:setCommands(commands) end

---Answers what is set. The table is a copy: changing it changes nothing, and the context's later changes do not show in it.
---
---* `method`, `minProtocol`, `maxProtocol` (nil: any): names; `ciphers` (up to TLS 1.2), `ciphersuites` (TLS 1.3), `alpn`:
---  lists; `groups`, `signatureAlgorithms`: texts as they were set, nil for OpenSSL's own; `securityLevel`: integer;
---  `options`: list of names
---* `verify`: `SSL_VERIFY_…` flags; `verifyFlags`, `verifyHostFlags`, `verifyHosts`: lists; `verifyIp`, `verifyEmail`,
---  `verifyTime`, `verifyDepth`, `authLevel`, `purpose`: nil where not set
---* `trustedCertificates`, `crls`: how many are in memory; `trustedPaths`: directories; `acceptedIssuers`: names
---* `certificates`: list of tables with `subject`, `keyType`, `notAfter` (seconds since the epoch), `issuers` (how many are
---  sent along), `hasKey`
---* `sessionTimeout`: seconds; `sessionCacheMode`: `SSL_SESS_CACHE_…` flags; `sessionCacheSize`; `tickets`: how many a
---  handshake of TLS 1.3 sends; `ticketsAllowed`, `sharedTicketKeys`: booleans; `maxReplayableData`: bytes
---* `ocsp`: `"none"`, `"request"`, `"require"`; `ocspResponse`, `pskClient`, `pskServer`, `sessionStore`, `replayGuard`,
---  `keylog`: booleans, whether there is one
---
---@within Settings by name
---@return table
---@see SSL_CTX_get_options(3)
---@usage
---```lua
---print(context:describe().minProtocol) --> TLSv1.2
---```
function SciSslContext:describe() end

---Keeps the secrets of connections made from now on for `SciSslSocket:keylogLines`. They give the connection away: for
---debugging, and never where others could read along.
---
---@within Traces and key logs
---@param wanted boolean
---@return SciSslContext # the receiver
---@see SSL_CTX_set_keylog_callback(3)
---@usage
---```lua
---serverContext:setKeylog(true) -- for debugging: SciSslSocket:keylogLines answers the secrets
---```
function SciSslContext:setKeylog(wanted) end

---Appends the secrets of connections made from now on to a file, in the format that Wireshark and others read. A file that is
---not there is made, for its owner alone. Whoever can read it can read, and in part forge, everything on these connections:
---for debugging only. Several processes may share one file. Lines that the system does not take are lost.
---
---@within Traces and key logs
---@param path string|boolean? true: the file that the environment variable `SSLKEYLOGFILE` names, if it does, and if the program does not run with the rights of somebody else; nil or false: none
---@return SciSslContext? # the receiver
---@return SciSslError? # phase `option`, condition `not_found`, `permission_denied` …; the context stays as it was
---@see SSL_CTX_set_keylog_callback(3)
---@usage
---```lua
---assert(context:setKeylogFile "keys.log") -- Wireshark reads it; so can anybody else who gets it
---assert(context:setKeylogFile(nil))
---```
function SciSslContext:setKeylogFile(path) end

---Sets the application protocols: what a client offers, and what a server takes, most preferred first.
---
---@within More
---@param names string[] such as `{"h2", "http/1.1"}`; none switches ALPN off
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `bad_alpn`: a name is empty or longer than 255 bytes
---@see SSL_CTX_set_alpn_protos(3)
---@see RFC 7301
---@usage
---```lua
---assert(context:setAlpn { "h2", "http/1.1" }) -- most preferred first
---```
function SciSslContext:setAlpn(names) end

---Sets the ciphers for TLS 1.2 and earlier.
---
---@within More
---@param text string OpenSSL's cipher list format, such as `ECDHE+AESGCM`
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `unknown_cipher`; the context stays as it was
---@see SSL_CTX_set_cipher_list(3)
---@usage
---```lua
---assert(context:setCipherList "ECDHE+AESGCM:ECDHE+CHACHA20")
---local done, err = context:setCipherList "no such cipher"
---print(err:condition()) --> unknown_cipher
---```
function SciSslContext:setCipherList(text) end

---Sets the cipher suites for TLS 1.3.
---
---@within More
---@param text string names with colons between, such as `TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256`
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `unknown_cipher`; the context stays as it was
---@see SSL_CTX_set_ciphersuites(3)
---@usage
---```lua
---assert(context:setCiphersuites "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256")
---```
function SciSslContext:setCiphersuites(text) end

---Sets the groups for the key exchange, most preferred first.
---
---@within More
---@param text string names with colons between, such as `X25519:P-256`
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `unknown_group`, or `not_in_this_openssl`; the context stays as it was
---@see SSL_CTX_set1_groups_list(3)
---@usage
---```lua
---assert(context:setGroups(scissl.features.X25519MLKEM768 and "X25519MLKEM768:X25519" or "X25519:P-256"))
---```
function SciSslContext:setGroups(text) end

---Sets the signature algorithms that are accepted and used, most preferred first.
---
---@within More
---@param text string names with colons between, such as `ecdsa_secp256r1_sha256:RSA-PSS+SHA256`
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `unknown_signature_algorithm`, or `not_in_this_openssl`; the context stays as it was
---@see SSL_CTX_set1_sigalgs_list(3)
---@usage
---```lua
---assert(context:setSignatureAlgorithms "ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256")
---```
function SciSslContext:setSignatureAlgorithms(text) end

---Sets the security level: 0 allows everything, and each level above asks for longer keys and stronger digests.
---
---@within More
---@param level integer 0 … 5
---@return SciSslContext # the receiver
---@see SSL_CTX_set_security_level(3)
---@usage
---```lua
---print(context:setSecurityLevel(2):getSecurityLevel()) --> 2
---```
function SciSslContext:setSecurityLevel(level) end

---Answers the security level.
---
---@within More
---@return integer # 0 … 5
---@see SSL_CTX_get_security_level(3)
---@usage
---```lua
---print(context:setSecurityLevel(2):getSecurityLevel()) --> 2
---```
function SciSslContext:getSecurityLevel() end

---Adds options.
---
---@within More
---@param options integer|string|string[] `SSL_OP_…` constants, or-ed; or names of them without `SSL_OP_`, in lower case: `"no_ticket"`, `{"no_renegotiation", "cipher_server_preference"}`
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `unknown_flag`; the context stays as it was
---@see SSL_CTX_set_options(3)
---@usage
---```lua
---assert(context:setOptions { "no_ticket", "cipher_server_preference" })
---assert(context:clearOptions(scissl.SSL_OP_NO_TICKET))
---print(context:getOptions() & scissl.SSL_OP_NO_TICKET) --> 0
---```
function SciSslContext:setOptions(options) end

---Takes options away.
---
---@within More
---@param options integer|string|string[] as `setOptions`
---@return SciSslContext? # the receiver
---@return SciSslError? # condition `unknown_flag`; the context stays as it was
---@see SSL_CTX_clear_options(3)
---@usage
---```lua
---assert(context:setOptions { "no_ticket", "cipher_server_preference" })
---assert(context:clearOptions(scissl.SSL_OP_NO_TICKET))
---print(context:getOptions() & scissl.SSL_OP_NO_TICKET) --> 0
---```
function SciSslContext:clearOptions(options) end

---Answers the options that are set.
---
---@within More
---@return integer # `SSL_OP_…` constants, or-ed
---@see SSL_CTX_get_options(3)
---@usage
---```lua
---assert(context:setOptions { "no_ticket", "cipher_server_preference" })
---assert(context:clearOptions(scissl.SSL_OP_NO_TICKET))
---print(context:getOptions() & scissl.SSL_OP_NO_TICKET) --> 0
---```
function SciSslContext:getOptions() end

---Allows or forbids new handshakes on connections made from now on, which TLS up to 1.2 knows: whether the peer asks for one or
---we do. They are forbidden at first; allowed, clients can make a server work for little of their own.
---
---@within More
---@param allowed boolean
---@return SciSslContext # the receiver
---@see SSL_CTX_set_options(3), `SSL_OP_NO_RENEGOTIATION` and `SSL_OP_ALLOW_CLIENT_RENEGOTIATION`
---@usage
---```lua
---context:setRenegotiation(true) -- for a peer of TLS 1.2 that cannot do without
---```
function SciSslContext:setRenegotiation(allowed) end

return SciSslContext
