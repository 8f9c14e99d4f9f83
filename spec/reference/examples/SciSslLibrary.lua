--- SciSslLibrary.new, SciSslLibrary:load, SciSslLibrary:providers
local library = assert(scissl.SciSslLibrary.new())
assert(library:load "default")
print(library:providers()[1].name) --> default
local loaded, err = library:load "no such provider"
print(err:condition()) --> provider_missing
local context = assert(scissl.SciSslContext.new("TLS", library))

--- SciSslLibrary:setProviderPath
assert(assert(scissl.SciSslLibrary.new()):setProviderPath "/usr/local/lib/ossl-modules")

--- SciSslLibrary:loadConfig
print(assert(scissl.SciSslLibrary.new()):loadConfig "/nonexistent/openssl.cnf") --> nil …

--- SciSslLibrary:setProperties
assert(assert(scissl.SciSslLibrary.new()):setProperties "?fips=yes") -- prefers validated algorithms
