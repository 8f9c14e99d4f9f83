---SciSslSocketConfiguration: a value that names how connections are to be made.
---
---Each field is read by `cfg:name()` and set by `cfg:name(value)`, which answers the configuration; nil takes it away.
---Configurations with equal fields are equal (`==`), and `getSciSslContext()` answers the same shared context for them.
---
---
---Servers that verify ask for certificates of the issuers in `caFile` and `ca`, unless `acceptedIssuers` names others,
---or none where it is empty. `crl` and `crlFile` switch the flag `crl_check` on.
---
---A shared context is as fresh as its files: each `getSciSslContext()` looks at them, and makes a new context where one
---has changed (another file, size or time). The same holds for the certificates and CRLs in `caPath` and for the
---system's trust store. Connections, listeners and maps of server names keep the context that they have. A file that is
---written anew in place with as many bytes as before, within the resolution of the file system's clock (some
---milliseconds as a rule), cannot be told from the old one: rename a new file over it. What a URI other than `file:`
---names is not looked at: call `SciSslSocketConfiguration.forgetContexts()` when it has changed.
---
---@meta SciSslSocketConfiguration
---@class SciSslSocketConfiguration
local SciSslSocketConfiguration = {}

---Answers the context that all equal configurations share. It is made, and its files read, at the first call, and
---again where a file has changed since. Changing the configuration afterwards never changes that context: the next call
---returns another one.
---
---@return SciSslContext?
---@return SciSslError? # what SciSslContext said to the first field that it refused; a context that was made earlier stays in use where it is
---@usage
---```lua
---local one = scissl.SciSslSocketConfiguration.new { caFile = "ca.pem", minProtocol = "TLSv1.3" }
---local two = scissl.SciSslSocketConfiguration.new():minProtocol "TLSv1.3":caFile "ca.pem"
---print(one == two) --> true
---print(assert(one:getSciSslContext()) == assert(two:getSciSslContext())) --> true
---```
function SciSslSocketConfiguration:getSciSslContext() end

---Lets every shared context go: the next `getSciSslContext()` makes a new one and reads its files anew. Connections
---that stand keep theirs. It is needed only for what is no file, such as a `trustUri` of a provider, and for what the
---class says about files that are written in place.
---
---@usage
---```lua
---scissl.SciSslSocketConfiguration.forgetContexts() -- files are read anew for the next connection
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

---Reads or sets the field `cipherList`: OpenSSL's lists, with colons between.
---
---@overload fun(self:SciSslSocketConfiguration):string|nil
---@param value? string? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:cipherList(value) end

---Reads or sets the field `ciphersuites`: OpenSSL's lists, with colons between.
---
---@overload fun(self:SciSslSocketConfiguration):string|nil
---@param value? string? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:ciphersuites(value) end

---Reads or sets the field `groups`: OpenSSL's lists, with colons between.
---
---@overload fun(self:SciSslSocketConfiguration):string|nil
---@param value? string? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:groups(value) end

---Reads or sets the field `signatureAlgorithms`: OpenSSL's lists, with colons between.
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

---Reads or sets the field `commands`: of OpenSSL's configuration files: `{ {"MinProtocol", "TLSv1.3"}, … }`, or values by name.
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

---Reads or sets the field `caFile`: PEM file, directory: whom to trust.
---
---@overload fun(self:SciSslSocketConfiguration):string|nil
---@param value? string? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:caFile(value) end

---Reads or sets the field `caPath`: PEM file, directory: whom to trust.
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

---Reads or sets the field `defaultTrust`: true: trust what the system trusts, too.
---
---@overload fun(self:SciSslSocketConfiguration):boolean|nil
---@param value? boolean? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:defaultTrust(value) end

---Reads or sets the field `trustUri`: URI of further trust: `file:…` and what else OpenSSL's stores know.
---
---@overload fun(self:SciSslSocketConfiguration):string|nil
---@param value? string? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:trustUri(value) end

---Reads or sets the field `crlFile`: revocation lists: path, PEM text or DER bytes; the peer's certificate is checked.
---
---@overload fun(self:SciSslSocketConfiguration):string|nil
---@param value? string? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:crlFile(value) end

---Reads or sets the field `crl`: revocation lists: path, PEM text or DER bytes; the peer's certificate is checked.
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

---Reads or sets the field `purpose`: what for, if not `sslserver` or `sslclient`; when, if not now, in seconds.
---
---@overload fun(self:SciSslSocketConfiguration):string|nil
---@param value? string? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:purpose(value) end

---Reads or sets the field `verifyTime`: what for, if not `sslserver` or `sslclient`; when, if not now, in seconds.
---
---@overload fun(self:SciSslSocketConfiguration):integer|nil
---@param value? integer? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:verifyTime(value) end

---Reads or sets the field `acceptedIssuers`: whose certificates a server asks for: list of certificates and names, or PEM text.
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

---Reads or sets the field `certificate`: ours, and its issuers: path of a PEM file, PEM text, or SciSslX509Certificate.
---
---@overload fun(self:SciSslSocketConfiguration):string|SciSslX509Certificate|nil
---@param value? string|SciSslX509Certificate? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:certificate(value) end

---Reads or sets the field `certificateChainFilename`: path: ours, and its issuers.
---
---@overload fun(self:SciSslSocketConfiguration):string|nil
---@param value? string? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:certificateChainFilename(value) end

---Reads or sets the field `certificateFilename`: path: ours alone.
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

---Reads or sets the field `privateKeyFilename`: path. Where neither is set, the key is looked for where the certificate came from.
---
---@overload fun(self:SciSslSocketConfiguration):string|nil
---@param value? string? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:privateKeyFilename(value) end

---Reads or sets the field `certificates`: several of ours, one for each type of key: list of `{certificate =, privateKey =, passphrase =}`.
---
---@overload fun(self:SciSslSocketConfiguration):table[]|nil
---@param value? table[]? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:certificates(value) end

---Reads or sets the field `passphrase`: string, or function that answers it.
---
---@overload fun(self:SciSslSocketConfiguration):string|function|nil
---@param value? string|function? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:passphrase(value) end

---Reads or sets the field `pkcs12`: key, certificate and its issuers in one: path of a file, or its bytes; `passphrase` opens it.
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

---Reads or sets the field `keylogFile`: path: the secrets of all connections go there; true: see `SciSslContext:setKeylogFile`.
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

---Reads or sets the field `maxReplayableData`: bytes of early data that servers take (see `SciSslContext:setMaxReplayableData`).
---
---@overload fun(self:SciSslSocketConfiguration):integer|nil
---@param value? integer? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:maxReplayableData(value) end

return SciSslSocketConfiguration
