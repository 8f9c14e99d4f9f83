---SciSslSocketConfiguration: a value that names how connections are to be made.
---
---Each field is read by `cfg:name()` and set by `cfg:name(value)`, which answers the configuration; nil takes it away.
---Configurations with equal fields are equal (`==`), and `getSciSslContext()` answers the same shared context for them.
---
---
---Servers that verify ask for certificates of the issuers in `caFile` and `ca`, unless `acceptedIssuers` names others,
---or none where it is empty. `crl` and `crlFile` switch the flag `crl_check` on.
---
---Files are read when the context is made, and not again while it is shared: after a change on disk call
---`SciSslSocketConfiguration.forgetContexts()`.
---
---@meta SciSslSocketConfiguration
---@class SciSslSocketConfiguration
local SciSslSocketConfiguration = {}

---Answers the number of an object.
---
---@param object any anything but nil
---@return integer
function SciSslSocketConfiguration.numberOf(object) end

---Answers the context that all equal configurations share. It is made, and its files read, at the first call.
---Changing the configuration afterwards never changes that context: the next call answers another one.
---
---@return SciSslContext?
---@return SciSslError? # what SciSslContext said to the first field that it refused
function SciSslSocketConfiguration:getSciSslContext() end

---Lets every shared context go: the next `getSciSslContext()` makes a new one and reads its files anew. Connections
---that stand keep theirs.
---
function SciSslSocketConfiguration.forgetContexts() end

---Makes a configuration.
---
---@param given? table values of fields
---@return SciSslSocketConfiguration
---@raise for a field that does not exist or a value of another kind
function SciSslSocketConfiguration.new(given) end

---Answers the kinds of options (see `scissl.options`) of a call that makes connections: its own, `context` or
---`configuration`, and the fields above; `sessionTimeout` is the field `timeout`.
---
---@param own table kinds of the call's own options
---@return table
function SciSslSocketConfiguration.optionKinds(own) end

---Makes the configuration that a call's options name; nil where they bring a `context`.
---
---@param caller string the call, for errors
---@param given table its options, checked
---@param level integer whom an error points at, as for `error` in the caller
---@param other? table fields that options of another name stand for, by these names
---@return SciSslSocketConfiguration? # the caller's to change
---@raise where the options bring a whole `context` or `configuration`, and single fields beside it
function SciSslSocketConfiguration.ofOptions(caller, given, level, other) end

---Reads or sets the field `version`: method of the context: `"TLS"` (default), `"TLSv1.2"` ….
---
---@overload fun(self:SciSslSocketConfiguration):string|nil
---@param value? string? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:version(value) end

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

---Reads or sets the field `options`: `SSL_OP_…` or-ed, or names: `{"no_ticket", "no_renegotiation"}`.
---
---@overload fun(self:SciSslSocketConfiguration):integer|string|string[]|nil
---@param value? integer|string|string[]? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:options(value) end

---Reads or sets the field `alpn`: list of application protocols.
---
---@overload fun(self:SciSslSocketConfiguration):string[]|nil
---@param value? string[]? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:alpn(value) end

---Reads or sets the field `ca`: the same as PEM text or SciSslX509Certificate.
---
---@overload fun(self:SciSslSocketConfiguration):string|SciSslX509Certificate|nil
---@param value? string|SciSslX509Certificate? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:ca(value) end

---Reads or sets the field `trustUri`: URI of further trust: `file:…` and what else OpenSSL's stores know.
---
---@overload fun(self:SciSslSocketConfiguration):string|nil
---@param value? string? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:trustUri(value) end

---Reads or sets the field `verifyFlags`: `X509_V_FLAG_…` bits, or names: `{"crl_check_all", "partial_chain"}`.
---
---@overload fun(self:SciSslSocketConfiguration):integer|string|string[]|nil
---@param value? integer|string|string[]? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:verifyFlags(value) end

---Reads or sets the field `acceptedIssuers`: whose certificates a server asks for: list of certificates and names, or PEM text.
---
---@overload fun(self:SciSslSocketConfiguration):string|(string|SciSslX509Certificate)[]|nil
---@param value? string|(string|SciSslX509Certificate)[]? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:acceptedIssuers(value) end

---Reads or sets the field `certificate`: ours, and its issuers: path of a PEM file, PEM text, or SciSslX509Certificate.
---
---@overload fun(self:SciSslSocketConfiguration):string|SciSslX509Certificate|nil
---@param value? string|SciSslX509Certificate? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:certificate(value) end

---Reads or sets the field `certificateFilename`: path: ours alone.
---
---@overload fun(self:SciSslSocketConfiguration):string|nil
---@param value? string? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:certificateFilename(value) end

---Reads or sets the field `privateKeyFilename`: path. Where neither is set, the key is looked for where the certificate came from.
---
---@overload fun(self:SciSslSocketConfiguration):string|nil
---@param value? string? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:privateKeyFilename(value) end

---Reads or sets the field `passphrase`: string, or function that answers it.
---
---@overload fun(self:SciSslSocketConfiguration):string|function|nil
---@param value? string|function? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:passphrase(value) end

---Reads or sets the field `ocsp`: `"none"` (default), `"request"`, `"require"`: see `SciSslContext:setOcspPolicy`.
---
---@overload fun(self:SciSslSocketConfiguration):string|nil
---@param value? string? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:ocsp(value) end

---Reads or sets the field `pskClient`: pre-shared key: table with `identity` and `key`, or function (`SciSslContext:setPskClient`).
---
---@overload fun(self:SciSslSocketConfiguration):table|function|nil
---@param value? table|function? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:pskClient(value) end

---Reads or sets the field `keylogFile`: path: the secrets of all connections go there; true: see `SciSslContext:setKeylogFile`.
---
---@overload fun(self:SciSslSocketConfiguration):string|boolean|nil
---@param value? string|boolean? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:keylogFile(value) end

---Reads or sets the field `maxReplayableData`: bytes of early data that servers take (see `SciSslContext:setMaxReplayableData`).
---
---@overload fun(self:SciSslSocketConfiguration):integer|nil
---@param value? integer? nil takes it away
---@return any # without an argument the value; else the configuration
---@raise for a value of another kind
function SciSslSocketConfiguration:maxReplayableData(value) end

return SciSslSocketConfiguration
