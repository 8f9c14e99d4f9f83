--- SciSslPkcs12.make, SciSslPkcs12.parse
local bytes = assert(scissl.SciSslPkcs12.make {
  key = key, certificate = certificate, chain = { ca }, passphrase = "open sesame", friendlyName = "web server",
})
local found = assert(scissl.SciSslPkcs12.parse(bytes, "open sesame"))
print(found.certificate == certificate, #found.chain, found.friendlyName) --> true 1 web server
local none, err = scissl.SciSslPkcs12.parse(bytes, "guessed")
print(err:condition()) --> passphrase_wrong
