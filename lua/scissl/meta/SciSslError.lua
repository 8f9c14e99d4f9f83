---What went wrong, as a value. `tostring` is one line that tells a person what to do, `condition` a short name for programs.
---
---@meta SciSslError
---@class SciSslError
local SciSslError = {}

---Makes a SciSslError from Lua, for failures above the C core.
---
---@param fields table `phase`, `condition`, `message`, `subject`, `peer` (strings), `sslError`, `errno`, `verifyResult` (integers), `cause` (any value), `traceback` (string); each may be missing
---@return SciSslError
---@raise for a field of another name or type
---@usage
---```lua
---local mine = scissl.SciSslError.new { phase = "read", condition = "bad_greeting", message = "the greeting is not ours",
---                                      cause = { greeting = "HELO" } }
---print(mine:message(), mine:cause().greeting, mine:traceback()) --> the greeting is not ours HELO nil
---```
function SciSslError.new(fields) end

---Returns the operating system's error.
---
---@return integer? # errno; nil if the system reported none
---@return string? # its text
---@usage
---```lua
---local done, err = context:useCertificateFile "missing.pem"
---print(err:errno()) --> 2 No such file or directory
---```
function SciSslError:errno() end

---Returns the TLS alert that ended the connection.
---
---@return string? # the alert's name in the RFCs, such as `unknown_ca`; nil if there was none
---@return string? # `"sent"` or `"received"`
---@return integer? # the alert's number
---@see RFC 8446, section 6
---@usage
---```lua
---assert(newClient:sslSetVerifyHost "elsewhere.example")
---local clientErr, serverErr = handshake(newClient, newServer)
---print(clientErr:sslError() == scissl.SSL_ERROR_SSL) --> true
---print(clientErr:verifyResult()) --> 62 hostname mismatch -- scissl.X509_V_ERR_HOSTNAME_MISMATCH
---print(serverErr:alert()) --> bad_certificate received 42
---```
function SciSslError:alert() end

---Returns the result of the certificate verification that caused the failure.
---
---@return integer? # an `X509_V_ERR_…`; nil if no verification failed
---@return string? # its text
---@see X509_STORE_CTX_get_error(3)
---@usage
---```lua
---assert(newClient:sslSetVerifyHost "elsewhere.example")
---local clientErr, serverErr = handshake(newClient, newServer)
---print(clientErr:sslError() == scissl.SSL_ERROR_SSL) --> true
---print(clientErr:verifyResult()) --> 62 hostname mismatch -- scissl.X509_V_ERR_HOSTNAME_MISMATCH
---print(serverErr:alert()) --> bad_certificate received 42
---```
function SciSslError:verifyResult() end

---Calls `handler` with the error and returns what the handler returns.
---
---@param handler function
---@return any # what `handler` returns
---@usage
---```lua
---print(err:ifSslErrorDo(function(failure) return failure:condition() end)) --> file_missing
---```
function SciSslError:ifSslErrorDo(handler) end

---Returns the phase in which the call failed: `connect`, `accept`, `read`, `write`, `shutdown`, `load` …
---
---@return string
---@usage
---```lua
---local done, err = context:useCertificateFile "missing.pem"
---print(err:phase(), err:condition(), err:subject()) --> load file_missing missing.pem
---```
function SciSslError:phase() end

---Returns a short name for what went wrong, such as `certificate_expired`, `timeout` or `connection_refused`. It stays the same
---from version to version: programs compare it.
---
---@return string
---@usage
---```lua
---local done, err = context:useCertificateFile "missing.pem"
---print(err:phase(), err:condition(), err:subject()) --> load file_missing missing.pem
---```
function SciSslError:condition() end

---Returns the message of the layer that failed, if it has one.
---
---@return string?
---@usage
---```lua
---local mine = scissl.SciSslError.new { phase = "read", condition = "bad_greeting", message = "the greeting is not ours",
---                                      cause = { greeting = "HELO" } }
---print(mine:message(), mine:cause().greeting, mine:traceback()) --> the greeting is not ours HELO nil
---```
function SciSslError:message() end

---Returns the file, host or option text that the failure is about.
---
---@return string?
---@usage
---```lua
---local done, err = context:useCertificateFile "missing.pem"
---print(err:phase(), err:condition(), err:subject()) --> load file_missing missing.pem
---```
function SciSslError:subject() end

---Returns the address and port of the other end of the connection that failed, as one text, such as `127.0.0.1:443`.
---
---@return string? # nil if the failure is not about a connection, or the transport has no address
---@usage
---```lua
---print(scissl.SciSslError.new { condition = "timeout", peer = "192.0.2.1:443" }:peer()) --> 192.0.2.1:443
---```
function SciSslError:peer() end

---Returns OpenSSL's packed code of the first entry of its queue; 0 if OpenSSL reported nothing.
---
---@return integer
---@see ERR_get_error(3)
---@usage
---```lua
---local done, err = context:setCipherList "no such cipher"
---print(err:code() ~= 0, err:library(), err:reason()) --> true SSL routines no cipher match
---print(err:queue()[1].reason) --> no cipher match
---```
function SciSslError:code() end

---Returns the name of the OpenSSL library that reported the failure, such as `SSL routines`.
---
---@return string?
---@usage
---```lua
---local done, err = context:setCipherList "no such cipher"
---print(err:code() ~= 0, err:library(), err:reason()) --> true SSL routines no cipher match
---print(err:queue()[1].reason) --> no cipher match
---```
function SciSslError:library() end

---Returns OpenSSL's reason, such as `certificate verify failed`.
---
---@return string?
---@usage
---```lua
---local done, err = context:setCipherList "no such cipher"
---print(err:code() ~= 0, err:library(), err:reason()) --> true SSL routines no cipher match
---print(err:queue()[1].reason) --> no cipher match
---```
function SciSslError:reason() end

---Returns what `sslGetError` returns for this error: `SSL_ERROR_SSL`, `SSL_ERROR_SYSCALL` …
---
---@return integer
---@see SSL_get_error(3)
---@usage
---```lua
---assert(newClient:sslSetVerifyHost "elsewhere.example")
---local clientErr, serverErr = handshake(newClient, newServer)
---print(clientErr:sslError() == scissl.SSL_ERROR_SSL) --> true
---print(clientErr:verifyResult()) --> 62 hostname mismatch -- scissl.X509_V_ERR_HOSTNAME_MISMATCH
---print(serverErr:alert()) --> bad_certificate received 42
---```
function SciSslError:sslError() end

---Returns OpenSSL's whole queue, oldest entry first, as tables with `code`, `library`, `reason`, `function`, `file`, `line` and,
---if there is any, `data`.
---
---@return table[]
---@usage
---```lua
---local done, err = context:setCipherList "no such cipher"
---print(err:code() ~= 0, err:library(), err:reason()) --> true SSL routines no cipher match
---print(err:queue()[1].reason) --> no cipher match
---```
function SciSslError:queue() end

---Returns the Lua value that caused the failure: what a handler raised. A string ends with the traceback.
---
---@return any # the value, or nil
---@usage
---```lua
---local mine = scissl.SciSslError.new { phase = "read", condition = "bad_greeting", message = "the greeting is not ours",
---                                      cause = { greeting = "HELO" } }
---print(mine:message(), mine:cause().greeting, mine:traceback()) --> the greeting is not ours HELO nil
---```
function SciSslError:cause() end

---Returns where the cause was raised.
---
---@return string? # nil if no handler raised anything
---@usage
---```lua
---local mine = scissl.SciSslError.new { phase = "read", condition = "bad_greeting", message = "the greeting is not ours",
---                                      cause = { greeting = "HELO" } }
---print(mine:message(), mine:cause().greeting, mine:traceback()) --> the greeting is not ours HELO nil
---```
function SciSslError:traceback() end

---Returns what the peer has sent for the next attempt: for the condition `ech_rejected` the ECHConfigList that
---`scissl.connect { echConfigs = … }` takes.
---
---@return string?
---@usage
---```lua
---print(err:data()) --> nil
---```
function SciSslError:data() end

---One line that tells a person what went wrong and what to do about it. `tostring(err)` is the same line.
---
---@return string # never empty
---@usage
---```lua
---local done, err = context:useCertificateFile "missing.pem"
---print(err:errorHint()) --> loading … there is no such file; check the path …
---print(tostring(err) == err:errorHint()) --> true
---```
function SciSslError:errorHint() end

return SciSslError
