---Secure sockets for Lua on OpenSSL 3 and later.
---The classes (`SciSocket`, `SciSslSocket`, `SciSslContext` …) and the constants, under OpenSSL's own names, come from
---`scissl.core`. Each is made, and each part that is written in Lua is loaded, when it is first used.
---
---Programs may `require` these modules by name: `scissl.connect`, `scissl.listen`, `scissl.handshake`,
---`scissl.datagram`,
---`scissl.stream`, `scissl.plain`, `scissl.sni`, `scissl.sessions`, `scissl.sessions.memory`, `scissl.sessions.file`,
---`scissl.sessions.redis`,
---`scissl.scheduler`, `scissl.signals`, `scissl.wait`, `scissl.wait.poll`, `scissl.wait.select`,
---`scissl.wait.coroutine`, `scissl.wait.copas`, `scissl.wait.cqueues`, `scissl.wait.luv`, `scissl.copas`, `scissl.luv`,
---`scissl.features`, `scissl.help`, `scissl.luasec`, `scissl.luasec.core`, `scissl.luasec.context`,
---`scissl.luasec.x509`, `scissl.luasec.config`, `scissl.luasec.https`. All other modules are internal: any release
---may change them.
---
---* `scissl.copas`: Sockets with the methods that copas expects, for programs that are written for `copas.addserver` and `copas.wrap`.
---* `scissl.help`: The reference and the chapters at the prompt.
---* `scissl.luasec`: LuaSec's `ssl` on scissl.
---* `scissl.plain`: Streams in plain text, for protocols that begin so (`SciSslStream:startTls`) or that have no TLS.
---* `scissl.signals`: Waiting for signals, such as SIGTERM and SIGHUP, as for a socket.
---
---@meta scissl
---@class scissl : scissl.SslGetError, scissl.VerificationModes, scissl.ProtocolVersions, scissl.Options, scissl.SessionCache, scissl.Alerts, scissl.Shutdown, scissl.VerificationResults, scissl.VerificationFlags, scissl.HostChecks, scissl.Purposes
---@field _VERSION string `scissl` and the version, with a space between
---@field features table What the loaded OpenSSL can do, by name, where OpenSSL versions and builds differ: protocols, key exchange groups, key types and optional parts. Everything else works with every OpenSSL from 3.0 on. Using what is false here returns the condition `not_in_this_openssl`, or that of an unknown name.
---@field hasCertificateTransparency boolean as `features.certificateTransparency`
---@field hasKtls boolean as `features.kTLS`
---@field OSSslSession OSSslSession
---@field OSSslVersion OSSslVersion
---@field SciLookUp SciLookUp
---@field SciPoller SciPoller
---@field SciScheduler SciScheduler
---@field SciSignals SciSignals
---@field SciSocket SciSocket
---@field SciSslAssociation SciSslAssociation
---@field SciSslCipher SciSslCipher
---@field SciSslClientHello SciSslClientHello
---@field SciSslContext SciSslContext
---@field SciSslDatagramListener SciSslDatagramListener
---@field SciSslError SciSslError
---@field SciSslListener SciSslListener
---@field SciSslOcsp SciSslOcsp
---@field SciSslPkcs12 SciSslPkcs12
---@field SciSslPrivateKey SciSslPrivateKey
---@field SciSslSessionFile SciSslSessionFile
---@field SciSslSessionMemory SciSslSessionMemory
---@field SciSslSessionRedis SciSslSessionRedis
---@field SciSslSni SciSslSni
---@field SciSslSocket SciSslSocket
---@field SciSslSocketConfiguration SciSslSocketConfiguration
---@field SciSslStream SciSslStream
---@field SciSslTrySocket SciSslTrySocket
---@field SciSslX509Certificate SciSslX509Certificate
---@field SciSslX509Crl SciSslX509Crl
---@field SciSslX509Request SciSslX509Request
local scissl = {}

---Options of `scissl.connect`.
---@class scissl.ConnectOptions
---@field host string name or address (`"192.0.2.1"`, `"::1"`). The addresses of a name race (RFC 8305): the next one is tried after a quarter of a second, or as soon as one has failed, and the first that replies is used
---@field port integer|string number, or the name of a service
---@field path? string a Unix-domain socket, in place of `port`. `host` is then the name that the certificate must contain
---@field family? family `"inet"` or `"inet6"`: uses addresses of that family only
---@field localAddress? string the own IP address and port of the connection; the system chooses what is not given
---@field localPort? localPort the own IP address and port of the connection; the system chooses what is not given
---@field keepAlive? boolean|keepAlive true: the system checks now and then whether an idle peer is still there (SO_KEEPALIVE); a number: after so many seconds
---@field timeout? number seconds for look-up, connection and handshake together, then for each operation of the stream. Without it there is no limit
---@field resolver? function `resolver(host, port, family, deadline)`: a function that looks up the host in place of the system. It returns a list of tables with `address` (an IP address), and perhaps `port` and `family`; or nil and a reason. It may yield. `family` is `"inet"`, `"inet6"` or nil (both). It is not called for an address
---@field caFile? string the CAs to trust (see SciSslSocketConfiguration). Without them the system trust store is used, or what `SSL_CERT_FILE` and `SSL_CERT_DIR` name. `defaultTrust = true` beside them uses both
---@field caPath? string the CAs to trust (see SciSslSocketConfiguration). Without them the system trust store is used, or what `SSL_CERT_FILE` and `SSL_CERT_DIR` name. `defaultTrust = true` beside them uses both
---@field ca? string|SciSslX509Certificate the CAs to trust (see SciSslSocketConfiguration). Without them the system trust store is used, or what `SSL_CERT_FILE` and `SSL_CERT_DIR` name. `defaultTrust = true` beside them uses both
---@field trustUri? string the CAs to trust (see SciSslSocketConfiguration). Without them the system trust store is used, or what `SSL_CERT_FILE` and `SSL_CERT_DIR` name. `defaultTrust = true` beside them uses both
---@field verifyHost? string|string[]|false the name or address that the certificate must name, if not `host`; a list: one of these names; false: the name is not checked
---@field pins? string[] the public keys that the server may have, in place of CAs and names: a list of pins (see `SciSslContext:setPins`)
---@field serverCertificateTypes? string[] lists of `"rawPublicKey"` (RFC 7250) and `"x509"`. A server's raw public key is accepted only by `pins`
---@field clientCertificateTypes? string[] lists of `"rawPublicKey"` (RFC 7250) and `"x509"`. A server's raw public key is accepted only by `pins`
---@field allowCommonName? boolean true: accepts a certificate that names the host only in the common name (CN) of its subject, which RFC 9525 forbids
---@field serverName? string|false the name to send as SNI, if not `host`; false: none is sent. An address is never sent
---@field verify? boolean false: nothing is verified, so anyone can intercept the connection. Otherwise the anonymous cipher suites of `cipherList` are not offered
---@field certificate? string|SciSslX509Certificate the client's own (see SciSslSocketConfiguration)
---@field privateKey? string|SciSslPrivateKey the client's own (see SciSslSocketConfiguration)
---@field passphrase? string|function the client's own (see SciSslSocketConfiguration)
---@field pkcs12? string the same in one, path or bytes
---@field ocsp? string `"request"` or `"require"`: asks the server for a proof that its certificate has not been revoked (see `SciSslContext:setOcspPolicy`)
---@field psk? table|function a pre-shared key: a table with `identity` and `key`, or a function (see `SciSslContext:setPskClient`)
---@field keylogFile? string|boolean appends the connection's secrets to a file, for debugging: who reads it can decrypt the traffic
---@field alpn? string[] as in SciSslSocketConfiguration
---@field version? string as in SciSslSocketConfiguration
---@field minProtocol? string as in SciSslSocketConfiguration
---@field maxProtocol? string as in SciSslSocketConfiguration
---@field cipherList? string as in SciSslSocketConfiguration
---@field ciphersuites? string as in SciSslSocketConfiguration
---@field groups? string as in SciSslSocketConfiguration
---@field signatureAlgorithms? string as in SciSslSocketConfiguration
---@field securityLevel? integer as in SciSslSocketConfiguration
---@field options? integer|string|string[] as in SciSslSocketConfiguration
---@field commands? table as in SciSslSocketConfiguration
---@field certificates? table[] as in SciSslSocketConfiguration
---@field certificateCompression? string[] as in SciSslSocketConfiguration
---@field verifyDepth? integer as in SciSslSocketConfiguration
---@field verifyFlags? integer|string|string[] as in SciSslSocketConfiguration
---@field verifyTime? integer as in SciSslSocketConfiguration
---@field purpose? string as in SciSslSocketConfiguration
---@field crl? string as in SciSslSocketConfiguration
---@field crlFile? string as in SciSslSocketConfiguration
---@field sessionTimeout? integer as in SciSslSocketConfiguration
---@field configuration? SciSslSocketConfiguration a SciSslSocketConfiguration, or a SciSslContext, in place of all fields of one
---@field context? SciSslContext a SciSslSocketConfiguration, or a SciSslContext, in place of all fields of one
---@field session? OSSslSession an OSSslSession to resume. The server's chain is verified again
---@field sessions? table a store of sessions, such as `scissl.sessions.memory.new()`. Its key is made of host, port, application protocols and everything that decides which servers this connection accepts
---@field tlsa? table[] the TLSA records of the host, one of which the server's certificate must match (DANE): a list of tables with `usage`, `selector`, `matchingType` and `data` (see `SciSslSocket:sslSetDane`). Get them from a resolver that validates DNSSEC
---@field replayable? string data to write first. Where `session` allows it, it is sent as early data, before the handshake is done. An attacker can record early data and send it again: use it only for requests that change nothing. Otherwise, or where the server rejects it, it is written after the handshake; `stream:earlyDataStatus()` tells which
---@field proxy? string|table an HTTP proxy, as `"http://host:port"` or `"https://user:password@host:port"`, or a table with `host`, `port`, `user`, `password` and `tls`: true, or a table of options of `scissl.connect` for the TLS connection to the proxy (`caFile` …). An https proxy is itself verified. A proxy sees host and port, and no plain text
---@field proxyFromEnvironment? boolean true: the proxy that `https_proxy` or `all_proxy` names, in lower or upper case, unless `no_proxy` names the host (names with all hosts below them, addresses, IPv4 networks, `*`)
---@field over? table|userdata a stream to use in place of a TCP connection; or an object with `receive(max, deadline)`, which returns bytes, nil at the end, or nil and a reason, and `send(bytes, deadline)`, which sends all of them and returns true, or nil and a reason. The new stream owns it and closes it. `port` is not needed then
---@field onCertificate? function handlers of the handshake (see `scissl.handshake`)
---@field onVerify? function handlers of the handshake (see `scissl.handshake`)
---@field waiter? string|function how to wait (see `scissl.wait`)
---@field maxLine? integer the stream's limits (see `scissl.stream`)
---@field maxBuffer? integer the stream's limits (see `scissl.stream`)
---@field acceptedIssuers? string|(string|SciSslX509Certificate)[] as in SciSslSocketConfiguration
---@field certificateChainFilename? string as in SciSslSocketConfiguration
---@field certificateFilename? string as in SciSslSocketConfiguration
---@field defaultTrust? boolean as in SciSslSocketConfiguration
---@field maxReplayableData? integer as in SciSslSocketConfiguration
---@field ocspResponse? string as in SciSslSocketConfiguration
---@field privateKeyFilename? string as in SciSslSocketConfiguration
---@field profile? string as in SciSslSocketConfiguration
---@field pskHint? string as in SciSslSocketConfiguration

---Options of `scissl.try`.
---@class scissl.TryOptions
---@field version? string the only protocol version of both, such as `"TLSv1.2"`
---@field alpn? string[] list of the application protocols of both
---@field step? string `"flight"` (default): a call receives all that the other end has sent; `"message"`: one message of it, so that you repeat the call for each message
---@field trace? boolean true: prints each message when it is sent
---@field certificate? string the kind of the server's certificate: `"good"` (default), `"expired"`, `"wrongHost"`, `"selfSigned"`
---@field trust? boolean false: the client does not trust the CA
---@field verify? boolean false: the client verifies nothing
---@field clientCertificate? boolean true: the server requires a certificate, and the client has one; false: the server requires one, and the client has none
---@field serverName? string|false the name that the client asks for and verifies (`"localhost"`); false: none
---@field client? table further fields of a SciSslSocketConfiguration for each
---@field server? table further fields of a SciSslSocketConfiguration for each
---@field session? OSSslSession an OSSslSession for the client to resume
---@field pieces? SciSslTryPieces the third value of an earlier call, so that the server knows the session

---Options of `scissl.listen`.
---@class scissl.ListenOptions
---@field port integer|string number; 0: the system chooses one; or the name of a service
---@field host? string name or address of this machine to listen on; `"*"` (default): all IPv4 addresses; `"::"`: all addresses. A call inside the loop of `waiter` lets other coroutines run while a name is looked up
---@field path? string a Unix-domain socket, in place of `host` and `port`. `close` removes the path, and `scissl.listen` one to which nothing can connect, because its server was killed
---@field certificate? string|SciSslX509Certificate the server's own (see SciSslSocketConfiguration). Needed, unless `pkcs12`, `certificates`, `psk`, `sni` or a handler supplies certificates or keys
---@field privateKey? string|SciSslPrivateKey the server's own (see SciSslSocketConfiguration). Needed, unless `pkcs12`, `certificates`, `psk`, `sni` or a handler supplies certificates or keys
---@field passphrase? string|function the server's own (see SciSslSocketConfiguration). Needed, unless `pkcs12`, `certificates`, `psk`, `sni` or a handler supplies certificates or keys
---@field pkcs12? string the same in one, path or bytes
---@field ocspResponse? string DER, stapled for clients that ask (see `SciSslContext:setOcspResponse`)
---@field psk? table|function keys by identities, or a function that finds them (see `SciSslContext:setPskServer`)
---@field pskHint? string see `SciSslContext:setPskHint`
---@field keylogFile? string|boolean appends the connections' secrets to a file, for debugging: who reads it can decrypt the traffic
---@field caFile? string the CAs that issue the certificates of clients
---@field caPath? string the CAs that issue the certificates of clients
---@field ca? string|SciSslX509Certificate the CAs that issue the certificates of clients
---@field trustUri? string the CAs that issue the certificates of clients
---@field pins? string[] the public keys that clients may have, in place of the CAs (see `SciSslContext:setPins`)
---@field serverCertificateTypes? string[] lists of `"rawPublicKey"` (RFC 7250) and `"x509"`, most preferred first. With raw public keys alone, a `privateKey` needs no certificate
---@field clientCertificateTypes? string[] lists of `"rawPublicKey"` (RFC 7250) and `"x509"`, most preferred first. With raw public keys alone, a `privateKey` needs no certificate
---@field verify? string|integer `"none"`: no certificate request; `"optional"`: asks for a client certificate and verifies one that comes; `"require"`: rejects clients without one (the default where a CA or `pins` are given); or `SSL_VERIFY_…` flags
---@field profile? string protocols and cipher suites under one name: `"modern"`, `"intermediate"`, `"old"`, or `"server"`, the default (see SciSslSocketConfiguration)
---@field alpn? string[] as in SciSslSocketConfiguration
---@field version? string as in SciSslSocketConfiguration
---@field minProtocol? string as in SciSslSocketConfiguration
---@field maxProtocol? string as in SciSslSocketConfiguration
---@field cipherList? string as in SciSslSocketConfiguration
---@field ciphersuites? string as in SciSslSocketConfiguration
---@field groups? string as in SciSslSocketConfiguration
---@field signatureAlgorithms? string as in SciSslSocketConfiguration
---@field securityLevel? integer as in SciSslSocketConfiguration
---@field options? integer|string|string[] as in SciSslSocketConfiguration
---@field commands? table as in SciSslSocketConfiguration
---@field certificates? table[] as in SciSslSocketConfiguration
---@field certificateCompression? string[] as in SciSslSocketConfiguration
---@field verifyDepth? integer as in SciSslSocketConfiguration
---@field verifyFlags? integer|string|string[] as in SciSslSocketConfiguration
---@field verifyTime? integer as in SciSslSocketConfiguration
---@field purpose? string as in SciSslSocketConfiguration
---@field crl? string as in SciSslSocketConfiguration
---@field crlFile? string as in SciSslSocketConfiguration
---@field acceptedIssuers? string|(string|SciSslX509Certificate)[] as in SciSslSocketConfiguration
---@field sessionTimeout? integer as in SciSslSocketConfiguration
---@field configuration? SciSslSocketConfiguration a SciSslSocketConfiguration, or a SciSslContext, in place of all fields of one
---@field context? SciSslContext a SciSslSocketConfiguration, or a SciSslContext, in place of all fields of one
---@field sni? table contexts by server name (see `scissl.sni`). If the listener has no certificate of its own, clients that ask for other names are rejected
---@field onClientHello? function handlers of each handshake (see `scissl.handshake`)
---@field onCertificate? function handlers of each handshake (see `scissl.handshake`)
---@field onVerify? function handlers of each handshake (see `scissl.handshake`)
---@field maxReplayableData? integer bytes of early data that a client may send before the handshake is done (none). `stream:replayableData()` returns it; `stream:read()` does not (see `SciSslContext:setMaxReplayableData`)
---@field timeout? number seconds for each operation of the streams (300; `math.huge`: no limit), and for each handshake
---@field handshakeTimeout? number seconds for each handshake (`timeout`, or 30)
---@field maxHandshakes? integer handshakes that may be unfinished at a time (1,000); beyond that, the oldest one ends with the condition `too_many_handshakes`
---@field maxHandshakesFromOne? integer those from one IPv4 address, or from one IPv6 network of 64 bits (250)
---@field concurrentHandshakes? boolean true: in programs without a loop, `accept` makes the handshakes of several clients at a time, and returns the first that is done
---@field backlog? integer connections that may wait to be accepted (as many as the system allows)
---@field reusePort? boolean true: other processes may listen on the same address and port (SO_REUSEPORT), and the system distributes the connections among them
---@field socket? integer|table|userdata in place of `host`, `port`, `backlog` and `reusePort`, a listening socket, as `SciSocket.on` takes it: for example one that the parent process made and shares with other workers
---@field sessions? table a store that lets other servers resume the sessions of this one, such as `scissl.sessions.redis.new { … }`. Give contexts that `onClientHello` returns to its `serve` beforehand
---@field waiter? string|function how to wait (see `scissl.wait`)
---@field maxLine? integer the streams' limits (see `scissl.stream`)
---@field maxBuffer? integer the streams' limits (see `scissl.stream`)
---@field certificateChainFilename? string as in SciSslSocketConfiguration
---@field certificateFilename? string as in SciSslSocketConfiguration
---@field defaultTrust? boolean as in SciSslSocketConfiguration
---@field privateKeyFilename? string as in SciSslSocketConfiguration

---Options of `scissl.stream`.
---@class scissl.StreamOptions
---@field timeout? number seconds that each operation may take
---@field maxLine? integer bytes that a line may have (1 MiB)
---@field maxBuffer? integer bytes that `read("a")` may return and that may wait to be sent (256 MiB), which limits the memory that a peer can fill
---@field waiter? string|function a name or a function (see `scissl.wait`)
---@field onSession? function|false `onSession(session)`: called for each resumable session of the connection as it arrives

---Options of `scissl.handshake`.
---@class scissl.HandshakeOptions
---@field timeout? number seconds for the whole handshake
---@field deadline? number the same as a moment on the clock of `SciSocket.now()`
---@field waiter? string|function a name or a function (see `scissl.wait`)
---@field onClientHello? function (servers) `onClientHello(socket, hello)`: `hello` is a SciSslClientHello. To continue with another SciSslContext, return it (see `SciSslSocket:sslSetContext`)
---@field onCertificate? function `onCertificate(socket, about)`: on a server, `about` is the SciSslClientHello; on a client, the client CA list that the server sent. Return a certificate, its key and, where needed, a passphrase, as for `SciSslSocket:sslUseCertificate`
---@field replayable? string (clients) early data, sent where the session allows it (see `SciSslSocket:sslWriteReplayable`); afterwards `socket:earlyDataStatus()` tells whether the server accepted it
---@field onReplayable? function (servers) `onReplayable(socket, data)`: gets early data as it arrives (see `SciSslSocket:sslReadReplayable`). An error that it raises is raised to the caller
---@field onVerify? function `onVerify(socket, verdict)`: `verdict` is what `SciSslSocket:sslVerdict` returns. Return true to accept the peer whatever OpenSSL's result, or nothing to leave it to OpenSSL. A server that requires a certificate rejects a client without one before this handler

---Options of `scissl.plain.connect`.
---@class scissl.PlainConnectOptions
---@field host string name or address. The addresses of a name race (see `scissl.connect`)
---@field port integer|string number, or the name of a service
---@field timeout? number seconds for look-up and connection, then for each operation of the stream
---@field path? string a Unix-domain socket, in place of `host` and `port`
---@field resolver? function as for `scissl.connect`
---@field family? family as for `scissl.connect`
---@field localAddress? string as for `scissl.connect`
---@field localPort? localPort as for `scissl.connect`
---@field keepAlive? boolean|keepAlive as for `scissl.connect`
---@field waiter? string|function as for `scissl.stream`
---@field maxLine? integer as for `scissl.stream`
---@field maxBuffer? integer as for `scissl.stream`

---Options of `scissl.plain.listen`.
---@class scissl.PlainListenOptions
---@field host? string as for `scissl.listen`
---@field port? integer|string as for `scissl.listen`
---@field path? string as for `scissl.listen`
---@field backlog? integer as for `scissl.listen`
---@field reusePort? boolean as for `scissl.listen`
---@field socket? integer|table|userdata as for `scissl.listen`
---@field timeout? number seconds for each operation of the streams (300; `math.huge`: no limit)
---@field waiter? string|function as for `scissl.listen`
---@field maxLine? integer as for `scissl.listen`
---@field maxBuffer? integer as for `scissl.listen`

---Options of `scissl.scheduler.new`.
---@class scissl.SchedulerOptions
---@field onError? function `onError(raised, traceback, thread)`: called with an error that a coroutine raised; by default it is written to stderr
---@field poller? string|SciPoller|table the way to wait (see `SciPoller.new`); `"select"`: LuaSocket's select; or an object with the methods `arm`, `disarm`, `wait` and `close` of SciPoller

---Options of `scissl.sessions.file.new`.
---@class scissl.FileOptions
---@field path string the file, which need not exist yet
---@field max? integer number of servers whose sessions are kept (100)
---@field perKey? integer sessions per server (4)

---Options of `scissl.sessions.memory.new`.
---@class scissl.MemoryOptions
---@field max? integer number of servers whose sessions are kept (1000)
---@field perKey? integer sessions per server (4)

---Options of `scissl.sessions.redis.new`.
---@class scissl.RedisOptions
---@field secret string|string[]|false 32 random bytes or more, the same on all servers, that encrypt what is stored; or a list of them: the first encrypts, and all decrypt, so that a secret can be replaced without an interruption: first append the new one on all servers, then put it first, then remove the old one. `false`: nothing is encrypted
---@field host? string of Redis (127.0.0.1, 6379)
---@field port? integer|string of Redis (127.0.0.1, 6379)
---@field path? string of a Unix-domain socket, in their place
---@field username? string for Redis
---@field password? string for Redis
---@field database? integer for Redis
---@field waiter? string|function how to wait for Redis (see `scissl.wait`)
---@field connect? function `connect(timeout)`: in their place, makes a client of another library, such as `function(timeout) return require "redis".connect { host = "…", timeout = timeout } end`. A client has the methods `get(key)`; `set(key, value, "EX", seconds[, "NX"])`, which returns true or `"OK"` where it has set the key; and `del(key)`, which returns the number of keys removed. On failure it raises, or returns nil and why, and is dropped
---@field client? table|userdata in their place, one client that all calls share, also after failures
---@field yields? boolean whether that client yields (false): then Redis is asked only at the ClientHello, never inside OpenSSL, where nothing can yield
---@field timeout? number seconds for each call to Redis (0.5). A client of another library must limit its calls itself
---@field retry? number seconds without calls after the first failure (1), and at most (30)
---@field maxRetry? number seconds without calls after the first failure (1), and at most (30)
---@field onOutage? function `onOutage(reason)`: called with the reason when Redis stops responding, and with nil when it responds again
---@field prefix? string how the keys in Redis begin (`"scissl:"`); fleets with different prefixes share nothing
---@field rotation? integer seconds after which ticket keys change (10800)
---@field refresh? number seconds between two checks for ticket keys in Redis (60, or a quarter of `rotation` where that is less)
---@field sessionTimeout? integer seconds that the longest sessions of the contexts live (7200), at most seven times `rotation`
---@field clock? function returns the time as os.time does, which is the default

---Constants of OpenSSL: sslGetError(3).
---@class scissl.SslGetError
---@field SSL_ERROR_NONE integer
---@field SSL_ERROR_SSL integer
---@field SSL_ERROR_WANT_READ integer
---@field SSL_ERROR_WANT_WRITE integer
---@field SSL_ERROR_WANT_X509_LOOKUP integer
---@field SSL_ERROR_SYSCALL integer
---@field SSL_ERROR_ZERO_RETURN integer
---@field SSL_ERROR_WANT_CONNECT integer
---@field SSL_ERROR_WANT_ACCEPT integer
---@field SSL_ERROR_WANT_ASYNC integer
---@field SSL_ERROR_WANT_ASYNC_JOB integer
---@field SSL_ERROR_WANT_CLIENT_HELLO_CB integer
---@field SSL_ERROR_WANT_RETRY_VERIFY integer

---Constants of OpenSSL: verification modes.
---@class scissl.VerificationModes
---@field SSL_VERIFY_NONE integer
---@field SSL_VERIFY_PEER integer
---@field SSL_VERIFY_FAIL_IF_NO_PEER_CERT integer
---@field SSL_VERIFY_CLIENT_ONCE integer
---@field SSL_VERIFY_POST_HANDSHAKE integer

---Constants of OpenSSL: protocol versions.
---@class scissl.ProtocolVersions
---@field TLS1_VERSION integer
---@field TLS1_1_VERSION integer
---@field TLS1_2_VERSION integer
---@field TLS1_3_VERSION integer

---Constants of OpenSSL: options.
---@class scissl.Options
---@field SSL_OP_NO_EXTENDED_MASTER_SECRET integer
---@field SSL_OP_CLEANSE_PLAINTEXT integer
---@field SSL_OP_LEGACY_SERVER_CONNECT integer
---@field SSL_OP_ENABLE_KTLS integer
---@field SSL_OP_TLSEXT_PADDING integer
---@field SSL_OP_SAFARI_ECDHE_ECDSA_BUG integer
---@field SSL_OP_IGNORE_UNEXPECTED_EOF integer
---@field SSL_OP_ALLOW_CLIENT_RENEGOTIATION integer
---@field SSL_OP_DISABLE_TLSEXT_CA_NAMES integer
---@field SSL_OP_ALLOW_NO_DHE_KEX integer
---@field SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS integer
---@field SSL_OP_NO_QUERY_MTU integer
---@field SSL_OP_COOKIE_EXCHANGE integer
---@field SSL_OP_NO_TICKET integer
---@field SSL_OP_CISCO_ANYCONNECT integer
---@field SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION integer
---@field SSL_OP_NO_COMPRESSION integer
---@field SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION integer
---@field SSL_OP_NO_ENCRYPT_THEN_MAC integer
---@field SSL_OP_ENABLE_MIDDLEBOX_COMPAT integer
---@field SSL_OP_PRIORITIZE_CHACHA integer
---@field SSL_OP_CIPHER_SERVER_PREFERENCE integer
---@field SSL_OP_TLS_ROLLBACK_BUG integer
---@field SSL_OP_NO_ANTI_REPLAY integer
---@field SSL_OP_NO_SSLv3 integer
---@field SSL_OP_NO_TLSv1 integer
---@field SSL_OP_NO_TLSv1_2 integer
---@field SSL_OP_NO_TLSv1_1 integer
---@field SSL_OP_NO_TLSv1_3 integer
---@field SSL_OP_NO_DTLSv1 integer
---@field SSL_OP_NO_DTLSv1_2 integer
---@field SSL_OP_NO_RENEGOTIATION integer
---@field SSL_OP_CRYPTOPRO_TLSEXT_BUG integer
---@field SSL_OP_NO_SSL_MASK integer
---@field SSL_OP_NO_DTLS_MASK integer
---@field SSL_OP_ALL integer

---Constants of OpenSSL: session cache.
---@class scissl.SessionCache
---@field SSL_SESS_CACHE_OFF integer
---@field SSL_SESS_CACHE_CLIENT integer
---@field SSL_SESS_CACHE_SERVER integer
---@field SSL_SESS_CACHE_BOTH integer
---@field SSL_SESS_CACHE_NO_AUTO_CLEAR integer
---@field SSL_SESS_CACHE_NO_INTERNAL_LOOKUP integer
---@field SSL_SESS_CACHE_NO_INTERNAL_STORE integer
---@field SSL_SESS_CACHE_NO_INTERNAL integer
---@field SSL_SESS_CACHE_UPDATE_TIME integer

---Constants of OpenSSL: alerts.
---@class scissl.Alerts
---@field SSL_AD_CLOSE_NOTIFY integer
---@field SSL_AD_UNEXPECTED_MESSAGE integer
---@field SSL_AD_BAD_RECORD_MAC integer
---@field SSL_AD_DECRYPTION_FAILED integer
---@field SSL_AD_RECORD_OVERFLOW integer
---@field SSL_AD_DECOMPRESSION_FAILURE integer
---@field SSL_AD_HANDSHAKE_FAILURE integer
---@field SSL_AD_NO_CERTIFICATE integer
---@field SSL_AD_BAD_CERTIFICATE integer
---@field SSL_AD_UNSUPPORTED_CERTIFICATE integer
---@field SSL_AD_CERTIFICATE_REVOKED integer
---@field SSL_AD_CERTIFICATE_EXPIRED integer
---@field SSL_AD_CERTIFICATE_UNKNOWN integer
---@field SSL_AD_ILLEGAL_PARAMETER integer
---@field SSL_AD_UNKNOWN_CA integer
---@field SSL_AD_ACCESS_DENIED integer
---@field SSL_AD_DECODE_ERROR integer
---@field SSL_AD_DECRYPT_ERROR integer
---@field SSL_AD_EXPORT_RESTRICTION integer
---@field SSL_AD_PROTOCOL_VERSION integer
---@field SSL_AD_INSUFFICIENT_SECURITY integer
---@field SSL_AD_INTERNAL_ERROR integer
---@field SSL_AD_USER_CANCELLED integer
---@field SSL_AD_NO_RENEGOTIATION integer
---@field SSL_AD_MISSING_EXTENSION integer
---@field SSL_AD_CERTIFICATE_REQUIRED integer
---@field SSL_AD_UNSUPPORTED_EXTENSION integer
---@field SSL_AD_CERTIFICATE_UNOBTAINABLE integer
---@field SSL_AD_UNRECOGNIZED_NAME integer
---@field SSL_AD_BAD_CERTIFICATE_STATUS_RESPONSE integer
---@field SSL_AD_BAD_CERTIFICATE_HASH_VALUE integer
---@field SSL_AD_UNKNOWN_PSK_IDENTITY integer
---@field SSL_AD_INAPPROPRIATE_FALLBACK integer
---@field SSL_AD_NO_APPLICATION_PROTOCOL integer

---Constants of OpenSSL: shutdown.
---@class scissl.Shutdown
---@field SSL_SENT_SHUTDOWN integer
---@field SSL_RECEIVED_SHUTDOWN integer

---Constants of OpenSSL: verification results.
---@class scissl.VerificationResults
---@field X509_V_OK integer
---@field X509_V_ERR_UNSPECIFIED integer
---@field X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT integer
---@field X509_V_ERR_UNABLE_TO_GET_CRL integer
---@field X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE integer
---@field X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE integer
---@field X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY integer
---@field X509_V_ERR_CERT_SIGNATURE_FAILURE integer
---@field X509_V_ERR_CRL_SIGNATURE_FAILURE integer
---@field X509_V_ERR_CERT_NOT_YET_VALID integer
---@field X509_V_ERR_CERT_HAS_EXPIRED integer
---@field X509_V_ERR_CRL_NOT_YET_VALID integer
---@field X509_V_ERR_CRL_HAS_EXPIRED integer
---@field X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD integer
---@field X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD integer
---@field X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD integer
---@field X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD integer
---@field X509_V_ERR_OUT_OF_MEM integer
---@field X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT integer
---@field X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN integer
---@field X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY integer
---@field X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE integer
---@field X509_V_ERR_CERT_CHAIN_TOO_LONG integer
---@field X509_V_ERR_CERT_REVOKED integer
---@field X509_V_ERR_NO_ISSUER_PUBLIC_KEY integer
---@field X509_V_ERR_PATH_LENGTH_EXCEEDED integer
---@field X509_V_ERR_INVALID_PURPOSE integer
---@field X509_V_ERR_CERT_UNTRUSTED integer
---@field X509_V_ERR_CERT_REJECTED integer
---@field X509_V_ERR_SUBJECT_ISSUER_MISMATCH integer
---@field X509_V_ERR_AKID_SKID_MISMATCH integer
---@field X509_V_ERR_AKID_ISSUER_SERIAL_MISMATCH integer
---@field X509_V_ERR_KEYUSAGE_NO_CERTSIGN integer
---@field X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER integer
---@field X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION integer
---@field X509_V_ERR_KEYUSAGE_NO_CRL_SIGN integer
---@field X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION integer
---@field X509_V_ERR_INVALID_NON_CA integer
---@field X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED integer
---@field X509_V_ERR_KEYUSAGE_NO_DIGITAL_SIGNATURE integer
---@field X509_V_ERR_PROXY_CERTIFICATES_NOT_ALLOWED integer
---@field X509_V_ERR_INVALID_EXTENSION integer
---@field X509_V_ERR_INVALID_POLICY_EXTENSION integer
---@field X509_V_ERR_NO_EXPLICIT_POLICY integer
---@field X509_V_ERR_DIFFERENT_CRL_SCOPE integer
---@field X509_V_ERR_UNSUPPORTED_EXTENSION_FEATURE integer
---@field X509_V_ERR_UNNESTED_RESOURCE integer
---@field X509_V_ERR_PERMITTED_VIOLATION integer
---@field X509_V_ERR_EXCLUDED_VIOLATION integer
---@field X509_V_ERR_SUBTREE_MINMAX integer
---@field X509_V_ERR_APPLICATION_VERIFICATION integer
---@field X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE integer
---@field X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX integer
---@field X509_V_ERR_UNSUPPORTED_NAME_SYNTAX integer
---@field X509_V_ERR_CRL_PATH_VALIDATION_ERROR integer
---@field X509_V_ERR_PATH_LOOP integer
---@field X509_V_ERR_SUITE_B_INVALID_VERSION integer
---@field X509_V_ERR_SUITE_B_INVALID_ALGORITHM integer
---@field X509_V_ERR_SUITE_B_INVALID_CURVE integer
---@field X509_V_ERR_SUITE_B_INVALID_SIGNATURE_ALGORITHM integer
---@field X509_V_ERR_SUITE_B_LOS_NOT_ALLOWED integer
---@field X509_V_ERR_SUITE_B_CANNOT_SIGN_P_384_WITH_P_256 integer
---@field X509_V_ERR_HOSTNAME_MISMATCH integer
---@field X509_V_ERR_EMAIL_MISMATCH integer
---@field X509_V_ERR_IP_ADDRESS_MISMATCH integer
---@field X509_V_ERR_DANE_NO_MATCH integer
---@field X509_V_ERR_EE_KEY_TOO_SMALL integer
---@field X509_V_ERR_CA_KEY_TOO_SMALL integer
---@field X509_V_ERR_CA_MD_TOO_WEAK integer
---@field X509_V_ERR_INVALID_CALL integer
---@field X509_V_ERR_STORE_LOOKUP integer
---@field X509_V_ERR_NO_VALID_SCTS integer
---@field X509_V_ERR_PROXY_SUBJECT_NAME_VIOLATION integer
---@field X509_V_ERR_OCSP_VERIFY_NEEDED integer
---@field X509_V_ERR_OCSP_VERIFY_FAILED integer
---@field X509_V_ERR_OCSP_CERT_UNKNOWN integer
---@field X509_V_ERR_UNSUPPORTED_SIGNATURE_ALGORITHM integer
---@field X509_V_ERR_SIGNATURE_ALGORITHM_MISMATCH integer
---@field X509_V_ERR_SIGNATURE_ALGORITHM_INCONSISTENCY integer
---@field X509_V_ERR_INVALID_CA integer
---@field X509_V_ERR_PATHLEN_INVALID_FOR_NON_CA integer
---@field X509_V_ERR_PATHLEN_WITHOUT_KU_KEY_CERT_SIGN integer
---@field X509_V_ERR_KU_KEY_CERT_SIGN_INVALID_FOR_NON_CA integer
---@field X509_V_ERR_ISSUER_NAME_EMPTY integer
---@field X509_V_ERR_SUBJECT_NAME_EMPTY integer
---@field X509_V_ERR_MISSING_AUTHORITY_KEY_IDENTIFIER integer
---@field X509_V_ERR_MISSING_SUBJECT_KEY_IDENTIFIER integer
---@field X509_V_ERR_EMPTY_SUBJECT_ALT_NAME integer
---@field X509_V_ERR_EMPTY_SUBJECT_SAN_NOT_CRITICAL integer
---@field X509_V_ERR_CA_BCONS_NOT_CRITICAL integer
---@field X509_V_ERR_AUTHORITY_KEY_IDENTIFIER_CRITICAL integer
---@field X509_V_ERR_SUBJECT_KEY_IDENTIFIER_CRITICAL integer
---@field X509_V_ERR_CA_CERT_MISSING_KEY_USAGE integer
---@field X509_V_ERR_EXTENSIONS_REQUIRE_VERSION_3 integer
---@field X509_V_ERR_EC_KEY_EXPLICIT_PARAMS integer

---Constants of OpenSSL: verification flags.
---@class scissl.VerificationFlags
---@field X509_V_FLAG_USE_CHECK_TIME integer
---@field X509_V_FLAG_CRL_CHECK integer
---@field X509_V_FLAG_CRL_CHECK_ALL integer
---@field X509_V_FLAG_IGNORE_CRITICAL integer
---@field X509_V_FLAG_X509_STRICT integer
---@field X509_V_FLAG_ALLOW_PROXY_CERTS integer
---@field X509_V_FLAG_POLICY_CHECK integer
---@field X509_V_FLAG_EXPLICIT_POLICY integer
---@field X509_V_FLAG_INHIBIT_ANY integer
---@field X509_V_FLAG_INHIBIT_MAP integer
---@field X509_V_FLAG_NOTIFY_POLICY integer
---@field X509_V_FLAG_EXTENDED_CRL_SUPPORT integer
---@field X509_V_FLAG_USE_DELTAS integer
---@field X509_V_FLAG_CHECK_SS_SIGNATURE integer
---@field X509_V_FLAG_TRUSTED_FIRST integer
---@field X509_V_FLAG_SUITEB_128_LOS_ONLY integer
---@field X509_V_FLAG_SUITEB_192_LOS integer
---@field X509_V_FLAG_SUITEB_128_LOS integer
---@field X509_V_FLAG_PARTIAL_CHAIN integer
---@field X509_V_FLAG_NO_ALT_CHAINS integer
---@field X509_V_FLAG_NO_CHECK_TIME integer
---@field X509_V_FLAG_POLICY_MASK integer

---Constants of OpenSSL: host checks.
---@class scissl.HostChecks
---@field X509_CHECK_FLAG_ALWAYS_CHECK_SUBJECT integer
---@field X509_CHECK_FLAG_NO_WILDCARDS integer
---@field X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS integer
---@field X509_CHECK_FLAG_MULTI_LABEL_WILDCARDS integer
---@field X509_CHECK_FLAG_SINGLE_LABEL_SUBDOMAINS integer
---@field X509_CHECK_FLAG_NEVER_CHECK_SUBJECT integer

---Constants of OpenSSL: purposes.
---@class scissl.Purposes
---@field X509_PURPOSE_SSL_CLIENT integer
---@field X509_PURPOSE_SSL_SERVER integer
---@field X509_PURPOSE_NS_SSL_SERVER integer
---@field X509_PURPOSE_SMIME_SIGN integer
---@field X509_PURPOSE_SMIME_ENCRYPT integer
---@field X509_PURPOSE_CRL_SIGN integer
---@field X509_PURPOSE_ANY integer
---@field X509_PURPOSE_OCSP_HELPER integer
---@field X509_PURPOSE_TIMESTAMP_SIGN integer
---@field SSL_OP_ENABLE_KTLS_TX_ZEROCOPY_SENDFILE integer
---@field SSL_OP_NO_TX_CERTIFICATE_COMPRESSION integer
---@field SSL_OP_NO_RX_CERTIFICATE_COMPRESSION integer
---@field SSL_OP_PREFER_NO_DHE_KEX integer
---@field SSL_OP_LEGACY_EC_POINT_FORMATS integer

---Computes a message digest.
---
---@param name string `SHA256`, `MD5` …
---@param bytes string
---@return string? # raw bytes
---@return SciSslError? # condition `unknown_digest`
---@see EVP_Digest(3)
---@usage
---```lua
---print(#scissl.digest("SHA256", "hello")) --> 32
---```
function scissl.digest(name, bytes) end

---Returns random bytes of OpenSSL's generator, which are fit for keys.
---
---@param count integer from 0 to 16,777,216
---@return string?
---@return SciSslError? # phase `random`: the generator has failed
---@see RAND_bytes(3)
---@usage
---```lua
---print(#scissl.randomBytes(32)) --> 32
---```
function scissl.randomBytes(count) end

---Encrypts and authenticates bytes, for stores that others can read and change, such as a shared store of sessions. Only
---`unseal` with the same secret and purpose can read them. The cipher is AES-256-GCM, with a key for each call that HKDF-SHA256
---derives from the secret and 32 random bytes.
---
---@param secret string 32 random bytes or more; not a passphrase
---@param bytes string
---@param purpose string what the bytes are for, and whose; it is authenticated, and is not part of the result
---@return string? # 49 bytes longer than `bytes`
---@return SciSslError? # phase `seal`: OpenSSL has no random bytes, or no memory
---@see EVP_EncryptInit(3)
---@see RFC 5869
---@usage
---```lua
---local secret = ("s"):rep(32) -- use 32 random bytes
---local sealed = assert(scissl.seal(secret, "the bytes", "session 12"))
---print(scissl.unseal(secret, sealed, "session 12")) --> the bytes
---print(select(2, scissl.unseal(secret, sealed, "session 13")):condition()) --> not_sealed
---```
function scissl.seal(secret, bytes, purpose) end

---Decrypts what `seal` returned.
---
---@param secret string
---@param sealed string
---@param purpose string
---@return string?
---@return SciSslError? # phase `seal`, condition `not_sealed`: the secret or purpose is another one, or the bytes were changed
---@see EVP_DecryptInit(3)
---@usage
---```lua
---local secret = ("s"):rep(32) -- use 32 random bytes
---local sealed = assert(scissl.seal(secret, "the bytes", "session 12"))
---print(scissl.unseal(secret, sealed, "session 12")) --> the bytes
---print(select(2, scissl.unseal(secret, sealed, "session 13")):condition()) --> not_sealed
---```
function scissl.unseal(secret, sealed, purpose) end

---Tells whether a value is a SciSslError.
---
---@param value any anything
---@return boolean
---@usage
---```lua
---print(scissl.isSslError(err), scissl.isSslError "an error") --> true false
---```
function scissl.isSslError(value) end

---Connects to a server and does the handshake. The server's certificate must be issued by a trusted CA and name the
---host; otherwise the connection fails.
---
---@param given scissl.ConnectOptions options
---@return SciSslStream?
---@return SciSslError? # phase `load`: a file or setting was rejected; `resolve`: `host_not_found`; `connect`: `timeout`, `connection_refused`, `certificate_expired`, `certificate_wrong_host` …: the handshake failed
---@raise for unknown options and wrong types
---@usage
---```lua
---local stream = assert(scissl.connect { host = "localhost", port = port, caFile = "ca.pem", timeout = 10 })
---stream:write "hello\n"
---print(stream:read()) --> you said: hello
---stream:close()
---```
function scissl.connect(given) end

---Explains an error or a code in plain sentences.
---
---@param value any a SciSslError; an integer: what `sslConnect` and its like, `sslGetError` or `sslVerifyCertificate` returned, or an alert's number, in each meaning that it can have; or a name: of a constant (`"SSL_ERROR_WANT_READ"`, `"X509_V_ERR_CERT_HAS_EXPIRED"`, `"SSL_AD_UNKNOWN_CA"`), an alert (`"unknown_ca"`) or a condition (`"certificate_expired"`)
---@return string # lines of 80 columns, paragraphs with an empty line between
---@raise for a value of another type
---@usage
---```lua
---print(scissl.explain "certificate_expired") --> …
---print(scissl.explain(scissl.SSL_ERROR_WANT_READ)) --> …
---```
function scissl.explain(value) end

---Prints the reference: what has this name, the chapter with this title, or without an argument a list of everything.
---For a name that does not exist it prints the nearest names.
---
---@param what? any a class (`"SciSslSocket"`), a module (`"scissl.plain"`), a method (`"sslAccept"`), a function (`"scissl.connect"`), an option (`"onError"`), a constant (`"SSL_VERIFY_PEER"`), a chapter (`"getting started"`), or an object, which stands for its class
---@usage
---```lua
---scissl.help "SciSslStream:read" -- prints the entry; scissl.help() lists what there is
---print(scissl.help.text "SSL_VERIFY_PEER") --> scissl.SSL_VERIFY_PEER = 1…
---print(scissl.help.text "sslConect") --> nil nothing has the name 'sslConect'; did you mean 'sslConnect'?
---```
function scissl.help(what) end

---Makes a CA for this test, and a client and a server that are connected within this process.
---Call `c:sslConnect()`, `c:sslGetError(-1)`, `s:sslAccept()` and so on in turn, and look at `c:trace()`. The bytes
---move by themselves: each call first receives what the other end has sent.
---
---@param given? scissl.TryOptions options
---@return SciSslTrySocket # the client: all methods of a SciSslSocket, and `trace`
---@return SciSslTrySocket # the server
---@return SciSslTryPieces # the parts of both: `ca`, `caKey`, `serverCertificate`, `serverKey`, `clientContext`, `serverContext`, and perhaps `clientCertificate`, `clientKey`
---@raise for unknown options and settings that OpenSSL rejects
---@usage
---```lua
---local c, s = scissl.try()
---print(c:sslConnect() <= 0, c:sslGetError(-1) == scissl.SSL_ERROR_WANT_READ) --> true true
---s:sslAccept()
---print(c:sslConnect()) --> 1
---```
function scissl.try(given) end

---Listens for TLS connections.
---
---@param given scissl.ListenOptions options
---@return SciSslListener?
---@return SciSslError? # phase `load`: a file or setting was rejected; `host_not_found`, `address_in_use`, `permission_denied` …
---@raise for unknown options and wrong types, a missing certificate, and `verify` without a CA
---@usage
---```lua
---local listener = assert(scissl.listen {
---  host = "127.0.0.1", port = 0, certificate = "server.pem", privateKey = "server.key",
---  caFile = "ca.pem", verify = "optional", -- a client may send a certificate, or none
---})
---listener:close()
---```
function scissl.listen(given) end

---Makes a stream of a SciSslSocket whose handshake is done. (For plain text: `scissl.plain`.)
---
---@param socket SciSslSocket
---@param given? scissl.StreamOptions options
---@return SciSslStream
---@raise for anything but a SciSslSocket, and for unknown options
---@usage
---```lua
---local stream = scissl.stream(client, { timeout = 5, maxLine = 8192 })
---server:sslWrite "hello\n"
---print(stream:read()) --> hello
---```
function scissl.stream(socket, given) end

---Returns where OpenSSL looks for the CAs that it trusts by default, now: in a file and in directories. Environment
---variables can name others.
---
---@return table # `file` (path), `directories` (list of paths), `fileVariable`, `directoriesVariable` (the names of the environment variables, `SSL_CERT_FILE` and `SSL_CERT_DIR`)
---@usage
---```lua
---local trust = scissl.defaultTrust()
---print(trust.fileVariable, #trust.directories > 0) --> SSL_CERT_FILE true
---```
function scissl.defaultTrust() end

---Finishes the handshake of a SciSslSocket that is connected and initialised (or still connecting).
---With a time-out, a blocking socket is made non-blocking until the handshake ends.
---
---The handlers below are called between the steps of the handshake, never inside OpenSSL: they may yield, take their
---time, use other sockets, or close this one. An error that a handler raises ends the handshake and is the
---SciSslError's `cause`. A handler may return `false`, an alert (see `SciSslSocket:sslRefuse`) and a reason: this
---rejects the peer; or nothing: the handshake goes on as without the handler; or nil and a SciSslError, which counts as
---raised.
---
---@param socket SciSslSocket
---@param role string `"connect"` (client) or `"accept"` (server)
---@param given? scissl.HandshakeOptions options
---@return SciSslSocket? # the socket
---@return SciSslError? # what sslConnect or sslAccept returned; `timeout`; `cancelled`: the waiter gave up; `refused` or `handler_failed`: a handler ended it; `busy`: another coroutine does this handshake. The caller closes the socket
---@raise for another role, and for unknown options
---@usage
---```lua
---local socket = assert(scissl.SciSslSocket.new(clientContext))
---assert(socket:connect("127.0.0.1", port))
---assert(socket:sslInitialize())
---assert(socket:sslSetVerifyHost "localhost")
---assert(scissl.handshake(socket, "connect", { timeout = 10 }))
---print(socket:isSecure()) --> true
---```
function scissl.handshake(socket, role, given) end

scissl.copas = {}

---Makes a socket for copas of a connection. Bytes that a stream has read ahead are not in it.
---
---@param connection SciSslStream|SciSslSocket a stream whose handshake is done; or the connected and initialized socket of a client: its first call does the handshake
---@return table # for `copas.wrap`
---@usage
---```lua
---if package.searchpath("copas", package.path) then
---  local faces = require "scissl.copas"
---  local listener = assert(scissl.listen {
---    host = "127.0.0.1", port = 0, certificate = "server.pem", privateKey = "server.key", waiter = "copas",
---  })
---  local forCopas = faces.server(listener) -- for copas.addserver(forCopas, handler)
---  local alike = faces.socket(stream) -- for copas.wrap(alike)
---end
---```
function scissl.copas.socket(connection) end

---Makes a server socket for copas of a listener. Accepting does no handshake: the connection's first call does it, in
---the coroutine that copas has made for it.
---
---@param listener SciSslListener with the waiter `"copas"`
---@return table # for `copas.addserver`
---@raise for a listener with another waiter
---@usage
---```lua
---if package.searchpath("copas", package.path) then
---  local faces = require "scissl.copas"
---  local listener = assert(scissl.listen {
---    host = "127.0.0.1", port = 0, certificate = "server.pem", privateKey = "server.key", waiter = "copas",
---  })
---  local forCopas = faces.server(listener) -- for copas.addserver(forCopas, handler)
---  local alike = faces.socket(stream) -- for copas.wrap(alike)
---end
---```
function scissl.copas.server(listener) end

scissl.help = {}

---Returns what `scissl.help` prints.
---
---@param what? any as for `scissl.help`
---@return string?
---@return string? # that nothing has this name, with the nearest names
---@usage
---```lua
---scissl.help "SciSslStream:read" -- prints the entry; scissl.help() lists what there is
---print(scissl.help.text "SSL_VERIFY_PEER") --> scissl.SSL_VERIFY_PEER = 1…
---print(scissl.help.text "sslConect") --> nil nothing has the name 'sslConect'; did you mean 'sslConnect'?
---```
function scissl.help.text(what) end

scissl.luasec = {}

---Reads a certificate from PEM text.
---
---@param pem string
---@return any # a certificate with LuaSec's methods (`scissl.luasec.x509`); nil where the text contains none
---@usage
---```lua
---print(require "scissl.luasec".loadcertificate(certificate:toPem()):serial()) --> …
---```
function scissl.luasec.loadcertificate(pem) end

---Makes a context.
---
---@param given table `mode` and `protocol`, needed; `key`, `certificate`, `password`, or several of these as `certificates`; `cafile`, `capath`, `ciphers`, `ciphersuites`, `verify`, `verifyext`, `options`, `depth`, `dhparam`, `curve`, `curveslist`, `alpn`, `psk`, `dane`; and, not in LuaSec, `verifyhost`: the name that a server's certificate must name
---@return any? # the context
---@return string? # why not
---@raise where `mode` or `protocol` is missing
---@usage
---```lua
---local ssl = require "scissl.luasec"
---local tcp = assert(scissl.SciSocket.newStreamSocket())
---assert(tcp:connect("127.0.0.1", port))
---local context = assert(ssl.newcontext {
---  mode = "client", protocol = "any", cafile = "ca.pem", verify = "peer", verifyhost = "localhost",
---})
---local conn = assert(ssl.wrap(tcp, context))
---assert(conn:dohandshake())
---conn:send "hello\n"
---print((conn:receive "*l")) --> you said: hello
---conn:close()
---```
function scissl.luasec.newcontext(given) end

---Puts TLS over a connected socket. Call `dohandshake` next.
---
---@param socket any LuaSocket's, which gives up its descriptor; or any that scissl adopts, which is closed with the connection
---@param context any or the parameters of one
---@return any? # a connection with LuaSec's methods (`scissl.luasec.connection`)
---@return string? # why not
---@usage
---```lua
---local ssl = require "scissl.luasec"
---local tcp = assert(scissl.SciSocket.newStreamSocket())
---assert(tcp:connect("127.0.0.1", port))
---local context = assert(ssl.newcontext {
---  mode = "client", protocol = "any", cafile = "ca.pem", verify = "peer", verifyhost = "localhost",
---})
---local conn = assert(ssl.wrap(tcp, context))
---assert(conn:dohandshake())
---conn:send "hello\n"
---print((conn:receive "*l")) --> you said: hello
---conn:close()
---```
function scissl.luasec.wrap(socket, context) end

---Turns verification on or off for all clients of this program, those of `wrap` and of `ssl.https`, also for contexts
---that exist already. Then the chain must lead to a CA that the context trusts, or, where it names none, the system;
---the certificate must name the host of `conn:sni(name)` or of the parameter `verifyhost`, and without either the
---handshake fails; `"lsec_continue"` has no effect; the protocol is at least TLS 1.2. A server rejects a client with
---which it has no application protocol (ALPN) in common.
---
---@param on boolean? nil: no change
---@return boolean # whether it is on now
---@usage
---```lua
---local ssl = require "scissl.luasec"
---print(ssl.strict(true)) --> true -- verifies chain and host name, in the whole program
---ssl.strict(false)
---```
function scissl.luasec.strict(on) end

---Makes `require "ssl"`, `"ssl.core"`, `"ssl.context"`, `"ssl.x509"`, `"ssl.config"` and `"ssl.https"` return scissl's
---replacements in this program, from now on. As in LuaSec, `ssl.https` needs LuaSocket.
---
---@return table # this module
---@usage
---```lua
---require "scissl.luasec".install()
---print(require "ssl" == require "scissl.luasec") --> true
---```
function scissl.luasec.install() end

scissl.plain = {}

---Connects to a server in plain text.
---
---@param given scissl.PlainConnectOptions options
---@return SciSslStream?
---@return SciSslError? # phase `resolve` or `connect`
---@raise for unknown options and wrong types, and where host or port is missing
---@usage
---```lua
---local near, far = assert(scissl.SciSocket.pair())
---local stream = assert(scissl.plain.on(near)) -- or scissl.plain.connect { host = …, port = … }
---far:send "in plain text\n"
---print(stream:read()) --> in plain text
---```
function scissl.plain.connect(given) end

---Listens for connections in plain text.
---
---@param given scissl.PlainListenOptions options
---@return SciSslListener? # whose streams are in plain text: `accept` and `serve` make no handshake
---@return SciSslError? # `address_in_use`, `permission_denied` …
---@raise for unknown options and wrong types, and where there is no port or path
---@usage
---```lua
---local listener <close> = assert(scissl.plain.listen { host = "127.0.0.1", port = 0 })
---local _, port = listener:getSockName()
---local client = assert(scissl.plain.connect { host = "127.0.0.1", port = port })
---client:write "hello\n"
---print(listener:accept():read()) --> hello
---```
function scissl.plain.listen(given) end

---Makes a stream in plain text of a connected socket: for servers, and for sockets of a loop.
---
---@param socket any a SciSocket, or what `SciSocket.on` adopts: a descriptor, or an object of LuaSocket, luv, cqueues …
---@param given? table options of `scissl.stream`
---@return SciSslStream?
---@return SciSslError? # phase `adopt`: `not_a_socket`, `closed` …; `unread_data`: the object has read bytes ahead that only it can return
---@raise for a SciSslSocket (use `scissl.stream`), and for unknown options
---@usage
---```lua
---local near, far = assert(scissl.SciSocket.pair())
---local stream = assert(scissl.plain.on(near)) -- or scissl.plain.connect { host = …, port = … }
---far:send "in plain text\n"
---print(stream:read()) --> in plain text
---```
function scissl.plain.on(socket, given) end

scissl.scheduler = {}

---Makes a loop.
---
---@param given? scissl.SchedulerOptions options
---@return SciScheduler?
---@return SciSslError? # as `SciPoller.new`
---@raise for unknown options
---@usage
---```lua
---local loop = assert(scissl.scheduler.new())
---loop:spawn(function() print(scissl.scheduler.running() == loop) end) --> true
---assert(loop:run())
---```
function scissl.scheduler.new(given) end

---Returns the loop in which the running coroutine runs.
---
---@return SciScheduler? # nil it runs in none
---@usage
---```lua
---local loop = assert(scissl.scheduler.new())
---loop:spawn(function() print(scissl.scheduler.running() == loop) end) --> true
---assert(loop:run())
---```
function scissl.scheduler.running() end

scissl.sessions = {}
scissl.sessions.file = {}

---Makes a store. Beside the file, it makes an empty one whose name ends in `.lock`.
---
---@param given scissl.FileOptions options
---@return SciSslSessionFile
---@raise for unknown options and wrong types
---@usage
---```lua
---local kept = scissl.sessions.file.new { path = "sessions" } -- lasts from one run of the program to the next
---print(kept) --> SciSslSessionFile: sessions
---```
function scissl.sessions.file.new(given) end

scissl.sessions.memory = {}

---Makes a store.
---
---@param given? scissl.MemoryOptions options
---@return SciSslSessionMemory
---@raise for unknown options and wrong types
---@usage
---```lua
---local store = scissl.sessions.memory.new()
---for _ = 1, 2 do
---  local stream = assert(scissl.connect { host = "localhost", port = port, caFile = "ca.pem", sessions = store })
---  stream:write "hello\n"
---  stream:read()
---  print(stream:isSessionReused())
---  stream:close()
---end
-----> false
-----> true
---```
function scissl.sessions.memory.new(given) end

scissl.sessions.redis = {}

---Makes a store.
---
---@param given scissl.RedisOptions options
---@return SciSslSessionRedis
---@raise for unknown options and wrong types, and without `secret`
---@usage
---```lua
---local store = scissl.sessions.redis.new { host = "127.0.0.1", secret = ("s"):rep(32), timeout = 0.1 }
---print(store) --> …
---store:close()
---```
function scissl.sessions.redis.new(given) end

scissl.signals = {}

---Catches signals from now on, in place of what was set for them.
---
---@param ... string names: `"SIGHUP"`, `"SIGINT"`, `"SIGQUIT"`, `"SIGTERM"`, `"SIGUSR1"`, `"SIGUSR2"`, `"SIGALRM"`, `"SIGCHLD"`, `"SIGCONT"`, `"SIGWINCH"`; and, behind them, perhaps a table of options: * `waiter`: how to wait (see `scissl.wait`)
---@return SciSignals?
---@return SciSslError? # phase `open`: too many open files
---@raise for no name, names of other signals, and unknown options
---@usage
---```lua
---local signals = assert(scissl.signals.new("SIGUSR1", "SIGTERM"))
---os.execute "kill -USR1 $PPID" -- in a program: another process sends it
---print(signals:wait()) --> SIGUSR1
---print(select(2, signals:wait(0)):condition()) --> timeout
---signals:close()
---```
function scissl.signals.new(...) end

scissl.sni = {}

---Makes a map.
---
---@param given table contexts by names: SciSslContext, SciSslSocketConfiguration, or a table of its fields. The `profile` is `"server"` where none is named. A name is a host name; `"*.example.org"`, where the star stands for one label; or `"*"`: all other names, and clients that send none. Exact names come before wildcards
---@param more? table `others = true`: clients with other names keep the context that the handshake began with; otherwise, without a `"*"`, the alert unrecognized_name rejects them
---@return SciSslSni?
---@return SciSslError? # why the first context that failed could not be made
---@raise for malformed names, and for values of another kind
---@see RFC 6066, section 3
---@usage
---```lua
---local hosts = assert(scissl.sni.new {
---  ["www.example.org"] = { certificate = "server.pem", privateKey = "server.key" },
---  ["*.example.org"] = serverContext,
---  ["*"] = serverContext,
---})
---print(hosts:find "a.example.org" == serverContext) --> true
---```
function scissl.sni.new(given, more) end

return scissl
