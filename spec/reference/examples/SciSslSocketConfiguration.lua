--- SciSslSocketConfiguration.new, SciSslSocketConfiguration:getSciSslContext
local one = scissl.SciSslSocketConfiguration.new { caFile = "ca.pem", minProtocol = "TLSv1.3" }
local two = scissl.SciSslSocketConfiguration.new():minProtocol "TLSv1.3":caFile "ca.pem"
print(one == two) --> true
print(assert(one:getSciSslContext()) == assert(two:getSciSslContext())) --> true

--- SciSslSocketConfiguration.forgetContexts
scissl.SciSslSocketConfiguration.forgetContexts() -- files are read anew for the next connection

--- SciSslSocketConfiguration.numberOf, SciSslSocketConfiguration.optionKinds, SciSslSocketConfiguration.ofOptions
local Configuration = scissl.SciSslSocketConfiguration -- what scissl.connect and scissl.listen are made with
print(Configuration.numberOf(key) == Configuration.numberOf(key)) --> true
print(Configuration.optionKinds({ host = "string" }).caFile) --> string
print(Configuration.ofOptions("fetch", { caFile = "ca.pem" }, 1):caFile()) --> ca.pem
