---What went wrong, as a value. `tostring` is one line that tells a person what to do, `condition` a short name for programs.
---
---@meta SciSslError
---@class SciSslError
local SciSslError = {}

---Makes a SciSslError from Lua, for what goes wrong above the C core.
---
---@param fields table `phase`, `condition`, `message`, `subject` (strings), `sslError`, `errno`, `verifyResult` (integers), `cause` (any value), `traceback` (string); each may be missing
---@return SciSslError
---@raise for a field of another name or type
function SciSslError.new(fields) end

---Answers the operating system's error.
---
---@return integer? # errno; where the system reported none
---@return string? # its text
function SciSslError:errno() end

---Answers the TLS alert that ended the connection.
---
---@return string? # the alert's name in the RFCs, such as `unknown_ca`; where there was none
---@return string? # `"sent"` or `"received"`
---@return integer? # the alert's number
---@see RFC 8446, section 6
function SciSslError:alert() end

---Answers the result of the certificate check behind the failure.
---
---@return integer? # an `X509_V_ERR_…`; where no check failed
---@return string? # its text
---@see X509_STORE_CTX_get_error(3)
function SciSslError:verifyResult() end

---Calls `handler` with the error and answers what it answers.
---
---@param handler function
---@return any # whatever `handler` answers
function SciSslError:ifSslErrorDo(handler) end

---Answers the phase in which it failed: `connect`, `accept`, `read`, `write`, `shutdown`, `load` …
---
---@return string
function SciSslError:phase() end

---Answers a short name for what went wrong that stays the same from version to version, such as
---`certificate_expired`, `timeout` or `connection_refused`: the thing to compare in a program.
---
---@return string
function SciSslError:condition() end

---Answers the words of the layer that failed, where it has any of its own.
---
---@return string?
function SciSslError:message() end

---Answers the file, host or option text that the failure is about.
---
---@return string?
function SciSslError:subject() end

---Answers OpenSSL's packed code of the first entry of its queue; 0 where OpenSSL reported nothing.
---
---@return integer
---@see ERR_get_error(3)
function SciSslError:code() end

---Answers the name of the OpenSSL library that reported it, such as `SSL routines`.
---
---@return string?
function SciSslError:library() end

---Answers OpenSSL's reason, such as `certificate verify failed`.
---
---@return string?
function SciSslError:reason() end

---Answers what `sslGetError` answers for this error: `SSL_ERROR_SSL`, `SSL_ERROR_SYSCALL` …
---
---@return integer
---@see SSL_get_error(3)
function SciSslError:sslError() end

---Answers OpenSSL's whole queue, oldest first, as tables with `code`, `library`, `reason`, `function`, `file`, `line` and,
---where there is any, `data`.
---
---@return table[]
function SciSslError:queue() end

---Answers the Lua value behind the failure: what a handler raised. Text has the traceback behind it.
---
---@return any # the value, or nil
function SciSslError:cause() end

---Answers where the cause was raised.
---
---@return string? # nil where no handler raised anything
function SciSslError:traceback() end

---One line that tells a person what went wrong and what to do about it. `tostring(err)` is the same line.
---
---@return string # never empty
function SciSslError:errorHint() end

return SciSslError
