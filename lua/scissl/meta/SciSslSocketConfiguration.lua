---A value that describes how connections are made.
---
---`cfg:name()` reads a field; `cfg:name(value)` sets it and returns the configuration; nil removes it.
---Configurations with equal fields are equal (`==`), and `getSciSslContext()` returns the same shared context for them.
---
---
---Profiles: `"modern"`: TLS 1.3 alone. `"intermediate"`: TLS 1.2 and 1.3, with authenticated encryption and forward
---secrecy. `"old"`: from TLS 1.0 on, at security level 0, for clients that have nothing better. These three follow
---Mozilla's recommendations for servers, version 6.0, and 5.8 for `"old"` (https://ssl-config.mozilla.org). `"server"`:
---authenticated encryption and forward secrecy in the server's order, but ChaCha20 for clients that put it first; it is
---the default of `scissl.listen` and of the tables in an SNI map. A field that the configuration sets itself comes
---before the profile's; `options` add to the profile's.
---
---A server that verifies sends the CAs of `caFile` and `ca` as its client CA list, unless `acceptedIssuers` names
---others; an empty `acceptedIssuers` sends none. `crl` and `crlFile` set the flag `crl_check`.
---
---A shared context follows its files: each `getSciSslContext()` checks them, and makes a new context where one has
---changed (another file, size or time). The same holds for the certificates and CRLs in `caPath` and for the system
---trust store. Existing connections, listeners and SNI maps keep their context. A file that is rewritten in place with
---the same size, within the resolution of the file system's clock (usually some milliseconds), looks unchanged: rename
---a new file over it. URIs other than `file:` are not checked: call `SciSslSocketConfiguration.forgetContexts()` after
---a change.
---
---@meta SciSslSocketConfiguration
---@class SciSslSocketConfiguration
local SciSslSocketConfiguration = {}

---Returns the context that all equal configurations share. The first call makes it and reads its files; a later call
---makes a new one where a file has changed. A change of the configuration does not change that context: the next call
---returns another one.
---
---@return SciSslContext?
---@return SciSslError? # what SciSslContext returned for the first field that it rejected; a context that was made earlier stays in use
---@usage
---```lua
---local one = scissl.SciSslSocketConfiguration.new { caFile = "ca.pem", minProtocol = "TLSv1.3" }
---local two = scissl.SciSslSocketConfiguration.new():minProtocol "TLSv1.3":caFile "ca.pem"
---print(one == two) --> true
---print(assert(one:getSciSslContext()) == assert(two:getSciSslContext())) --> true
---```
function SciSslSocketConfiguration:getSciSslContext() end

---Forgets all shared contexts: the next `getSciSslContext()` makes a new one and reads its files again. Existing
---connections keep theirs. It is needed only for sources that are no files, such as the `trustUri` of a provider, and
---for files that are rewritten in place (see above).
---
---@usage
---```lua
---scissl.SciSslSocketConfiguration.forgetContexts() -- the next connection reads the files again
---```
function SciSslSocketConfiguration.forgetContexts() end

---Makes a configuration.
---
---@param given? table values of fields
---@return SciSslSocketConfiguration
---@raise for a field that does not exist or a value of another kind
---@usage
---```lua
---local one = scissl.SciSslSocketConfiguration.new { caFile = "ca.pem", minProtocol = "TLSv1.3" }
---local two = scissl.SciSslSocketConfiguration.new():minProtocol "TLSv1.3":caFile "ca.pem"
---print(one == two) --> true
---print(assert(one:getSciSslContext()) == assert(two:getSciSslContext())) --> true
---```
function SciSslSocketConfiguration.new(given) end

---Reads or sets the field `profile`: protocols, cipher suites, groups and options under one name: see below.
---
---@overload fun(self:SciSslSocketConfiguration):string|nil
---@param value? string? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:profile(value) end

---Reads or sets the field `library`: SciSslLibrary, whose providers do the work; OpenSSL's own by default.
---
---@overload fun(self:SciSslSocketConfiguration):SciSslLibrary|nil
---@param value? SciSslLibrary? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:library(value) end

---Reads or sets the field `version`: method of the context: `"TLS"` (default), `"TLSv1.2"` ….
---
---@overload fun(self:SciSslSocketConfiguration):string|nil
---@param value? string? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:version(value) end

---Reads or sets the field `minProtocol`: `"TLSv1.2"` ….
---
---@overload fun(self:SciSslSocketConfiguration):string|nil
---@param value? string? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:minProtocol(value) end

---Reads or sets the field `maxProtocol`: `"TLSv1.2"` ….
---
---@overload fun(self:SciSslSocketConfiguration):string|nil
---@param value? string? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:maxProtocol(value) end

---Reads or sets the field `cipherList`: OpenSSL's lists, separated by colons.
---
---@overload fun(self:SciSslSocketConfiguration):string|nil
---@param value? string? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:cipherList(value) end

---Reads or sets the field `ciphersuites`: OpenSSL's lists, separated by colons.
---
---@overload fun(self:SciSslSocketConfiguration):string|nil
---@param value? string? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:ciphersuites(value) end

---Reads or sets the field `groups`: OpenSSL's lists, separated by colons.
---
---@overload fun(self:SciSslSocketConfiguration):string|nil
---@param value? string? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:groups(value) end

---Reads or sets the field `signatureAlgorithms`: OpenSSL's lists, separated by colons.
---
---@overload fun(self:SciSslSocketConfiguration):string|nil
---@param value? string? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:signatureAlgorithms(value) end

---Reads or sets the field `securityLevel`: integer, 0 … 5.
---
---@overload fun(self:SciSslSocketConfiguration):integer|nil
---@param value? integer? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:securityLevel(value) end

---Reads or sets the field `options`: `SSL_OP_…` or-ed, or names: `{"no_ticket", "no_renegotiation"}`.
---
---@overload fun(self:SciSslSocketConfiguration):integer|string|string[]|nil
---@param value? integer|string|string[]? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:options(value) end

---Reads or sets the field `commands`: commands of OpenSSL's configuration files: `{ {"MinProtocol", "TLSv1.3"}, … }`, or a table by name.
---
---@overload fun(self:SciSslSocketConfiguration):table|nil
---@param value? table? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:commands(value) end

---Reads or sets the field `alpn`: list of application protocols.
---
---@overload fun(self:SciSslSocketConfiguration):string[]|nil
---@param value? string[]? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:alpn(value) end

---Reads or sets the field `caFile`: PEM file and directory with the CAs to trust.
---
---@overload fun(self:SciSslSocketConfiguration):string|nil
---@param value? string? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:caFile(value) end

---Reads or sets the field `caPath`: PEM file and directory with the CAs to trust.
---
---@overload fun(self:SciSslSocketConfiguration):string|nil
---@param value? string? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:caPath(value) end

---Reads or sets the field `ca`: the same as PEM text or SciSslX509Certificate.
---
---@overload fun(self:SciSslSocketConfiguration):string|SciSslX509Certificate|nil
---@param value? string|SciSslX509Certificate? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:ca(value) end

---Reads or sets the field `defaultTrust`: true: trusts the system trust store as well.
---
---@overload fun(self:SciSslSocketConfiguration):boolean|nil
---@param value? boolean? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:defaultTrust(value) end

---Reads or sets the field `trustUri`: URI of further CAs: `file:…`, or another that OpenSSL's stores can read.
---
---@overload fun(self:SciSslSocketConfiguration):string|nil
---@param value? string? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:trustUri(value) end

---Reads or sets the field `crlFile`: CRLs: path, PEM text or DER bytes; the peer's certificate is checked against them.
---
---@overload fun(self:SciSslSocketConfiguration):string|nil
---@param value? string? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:crlFile(value) end

---Reads or sets the field `crl`: CRLs: path, PEM text or DER bytes; the peer's certificate is checked against them.
---
---@overload fun(self:SciSslSocketConfiguration):string|nil
---@param value? string? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:crl(value) end

---Reads or sets the field `verifyFlags`: `X509_V_FLAG_…` bits, or names: `{"crl_check_all", "partial_chain"}`.
---
---@overload fun(self:SciSslSocketConfiguration):integer|string|string[]|nil
---@param value? integer|string|string[]? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:verifyFlags(value) end

---Reads or sets the field `purpose`: purpose to verify for, if not `sslserver` or `sslclient`; time, if not now, in seconds.
---
---@overload fun(self:SciSslSocketConfiguration):string|nil
---@param value? string? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:purpose(value) end

---Reads or sets the field `verifyTime`: purpose to verify for, if not `sslserver` or `sslclient`; time, if not now, in seconds.
---
---@overload fun(self:SciSslSocketConfiguration):integer|nil
---@param value? integer? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:verifyTime(value) end

---Reads or sets the field `pins`: public keys that a peer may have, in place of CAs: list of pins (see `SciSslContext:setPins`).
---
---@overload fun(self:SciSslSocketConfiguration):string[]|nil
---@param value? string[]? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:pins(value) end

---Reads or sets the field `serverCertificateTypes`: lists: see `SciSslContext:setServerCertificateTypes`.
---
---@overload fun(self:SciSslSocketConfiguration):string[]|nil
---@param value? string[]? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:serverCertificateTypes(value) end

---Reads or sets the field `clientCertificateTypes`: lists: see `SciSslContext:setServerCertificateTypes`.
---
---@overload fun(self:SciSslSocketConfiguration):string[]|nil
---@param value? string[]? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:clientCertificateTypes(value) end

---Reads or sets the field `acceptedIssuers`: client CA list that a server sends: list of certificates and names, or PEM text.
---
---@overload fun(self:SciSslSocketConfiguration):string|(string|SciSslX509Certificate)[]|nil
---@param value? string|(string|SciSslX509Certificate)[]? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:acceptedIssuers(value) end

---Reads or sets the field `verify`: integers: `SSL_VERIFY_…` flags, length of chains.
---
---@overload fun(self:SciSslSocketConfiguration):integer|nil
---@param value? integer? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:verify(value) end

---Reads or sets the field `verifyDepth`: integers: `SSL_VERIFY_…` flags, length of chains.
---
---@overload fun(self:SciSslSocketConfiguration):integer|nil
---@param value? integer? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:verifyDepth(value) end

---Reads or sets the field `certificate`: own certificate and its chain: path of a PEM file, PEM text, or SciSslX509Certificate.
---
---@overload fun(self:SciSslSocketConfiguration):string|SciSslX509Certificate|nil
---@param value? string|SciSslX509Certificate? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:certificate(value) end

---Reads or sets the field `certificateChainFilename`: path: own certificate and its chain.
---
---@overload fun(self:SciSslSocketConfiguration):string|nil
---@param value? string? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:certificateChainFilename(value) end

---Reads or sets the field `certificateFilename`: path: own certificate alone.
---
---@overload fun(self:SciSslSocketConfiguration):string|nil
---@param value? string? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:certificateFilename(value) end

---Reads or sets the field `privateKey`: path of a PEM file, PEM text, or SciSslPrivateKey.
---
---@overload fun(self:SciSslSocketConfiguration):string|SciSslPrivateKey|nil
---@param value? string|SciSslPrivateKey? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:privateKey(value) end

---Reads or sets the field `privateKeyFilename`: path. Without either, the key is expected in the file or text of the certificate.
---
---@overload fun(self:SciSslSocketConfiguration):string|nil
---@param value? string? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:privateKeyFilename(value) end

---Reads or sets the field `certificates`: several own ones, one for each key type: list of `{certificate =, privateKey =, passphrase =}`.
---
---@overload fun(self:SciSslSocketConfiguration):table[]|nil
---@param value? table[]? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:certificates(value) end

---Reads or sets the field `certificateCompression`: list of `"zlib"`, `"brotli"`, `"zstd"` (`SciSslContext:setCertificateCompression`).
---
---@overload fun(self:SciSslSocketConfiguration):string[]|nil
---@param value? string[]? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:certificateCompression(value) end

---Reads or sets the field `echKeys`: PEM texts or paths of keys of Encrypted Client Hello, current one first (`SciSslContext:setEchKeys`).
---
---@overload fun(self:SciSslSocketConfiguration):string[]|nil
---@param value? string[]? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:echKeys(value) end

---Reads or sets the field `passphrase`: string, or function that returns it.
---
---@overload fun(self:SciSslSocketConfiguration):string|function|nil
---@param value? string|function? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:passphrase(value) end

---Reads or sets the field `pkcs12`: key, certificate and chain in one: path of a file, or its bytes; `passphrase` decrypts it.
---
---@overload fun(self:SciSslSocketConfiguration):string|nil
---@param value? string? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:pkcs12(value) end

---Reads or sets the field `ocsp`: `"none"` (default), `"request"`, `"require"`: see `SciSslContext:setOcspPolicy`.
---
---@overload fun(self:SciSslSocketConfiguration):string|nil
---@param value? string? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:ocsp(value) end

---Reads or sets the field `ocspResponse`: DER: what a server staples.
---
---@overload fun(self:SciSslSocketConfiguration):string|nil
---@param value? string? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:ocspResponse(value) end

---Reads or sets the field `pskClient`: pre-shared key: table with `identity` and `key`, or function (`SciSslContext:setPskClient`).
---
---@overload fun(self:SciSslSocketConfiguration):table|function|nil
---@param value? table|function? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:pskClient(value) end

---Reads or sets the field `pskServer`: table of keys by identities, or function (`SciSslContext:setPskServer`); text.
---
---@overload fun(self:SciSslSocketConfiguration):table|function|nil
---@param value? table|function? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:pskServer(value) end

---Reads or sets the field `pskHint`: table of keys by identities, or function (`SciSslContext:setPskServer`); text.
---
---@overload fun(self:SciSslSocketConfiguration):string|nil
---@param value? string? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:pskHint(value) end

---Reads or sets the field `keylogFile`: path: appends the secrets of all connections; true: see `SciSslContext:setKeylogFile`.
---
---@overload fun(self:SciSslSocketConfiguration):string|boolean|nil
---@param value? string|boolean? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:keylogFile(value) end

---Reads or sets the field `timeout`: seconds for which sessions can be resumed.
---
---@overload fun(self:SciSslSocketConfiguration):integer|nil
---@param value? integer? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:timeout(value) end

---Reads or sets the field `maxReplayableData`: bytes of early data that servers accept (see `SciSslContext:setMaxReplayableData`).
---
---@overload fun(self:SciSslSocketConfiguration):integer|nil
---@param value? integer? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:maxReplayableData(value) end

return SciSslSocketConfiguration
