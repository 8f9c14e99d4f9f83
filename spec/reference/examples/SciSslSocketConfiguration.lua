--- SciSslSocketConfiguration.new, SciSslSocketConfiguration:getSciSslContext
local one = scissl.SciSslSocketConfiguration.new { caFile = "ca.pem", minProtocol = "TLSv1.3" }
local two = scissl.SciSslSocketConfiguration.new():minProtocol "TLSv1.3":caFile "ca.pem"
print(one == two) --> true
print(assert(one:getSciSslContext()) == assert(two:getSciSslContext())) --> true

--- SciSslSocketConfiguration.forgetContexts
scissl.SciSslSocketConfiguration.forgetContexts() -- the next connection reads the files again
