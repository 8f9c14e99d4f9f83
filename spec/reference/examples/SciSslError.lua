--- SciSslError:errorHint
local done, err = context:useCertificateFile "missing.pem"
print(err:errorHint()) --> loading … there is no such file; check the path …
print(tostring(err) == err:errorHint()) --> true

--- SciSslError:phase, SciSslError:condition, SciSslError:subject
local done, err = context:useCertificateFile "missing.pem"
print(err:phase(), err:condition(), err:subject()) --> load file_missing missing.pem

--- SciSslError:errno
local done, err = context:useCertificateFile "missing.pem"
print(err:errno()) --> 2 No such file or directory

--- SciSslError:code, SciSslError:library, SciSslError:reason, SciSslError:queue
local done, err = context:setCipherList "no such cipher"
print(err:code() ~= 0, err:library(), err:reason()) --> true SSL routines no cipher match
print(err:queue()[1].reason) --> no cipher match

--- SciSslError:sslError, SciSslError:alert, SciSslError:verifyResult
assert(newClient:sslSetVerifyHost "elsewhere.example")
local clientErr, serverErr = handshake(newClient, newServer)
print(clientErr:sslError() == scissl.SSL_ERROR_SSL) --> true
print(clientErr:verifyResult()) --> 62 hostname mismatch -- scissl.X509_V_ERR_HOSTNAME_MISMATCH
print(serverErr:alert()) --> bad_certificate received 42

--- SciSslError:peer
print(scissl.SciSslError.new { condition = "timeout", peer = "192.0.2.1:443" }:peer()) --> 192.0.2.1:443

--- SciSslError:ifSslErrorDo
print(err:ifSslErrorDo(function(failure) return failure:condition() end)) --> file_missing

--- SciSslError.new, SciSslError:message, SciSslError:cause, SciSslError:traceback
local mine = scissl.SciSslError.new { phase = "read", condition = "bad_greeting", message = "the greeting is not ours",
                                      cause = { greeting = "HELO" } }
print(mine:message(), mine:cause().greeting, mine:traceback()) --> the greeting is not ours HELO nil

--- SciSslError:data
print(err:data()) --> nil
