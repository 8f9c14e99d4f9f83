--- SciSslPrivateKey.generate, SciSslPrivateKey:type, SciSslPrivateKey:bits, SciSslPrivateKey:group
local key = assert(scissl.SciSslPrivateKey.generate("EC", "P-384"))
print(key:type(), key:bits(), key:group()) --> EC 384 P-384

--- SciSslPrivateKey:toPem, SciSslPrivateKey.fromPem
local text = assert(key:toPem "open sesame")
local again = assert(scissl.SciSslPrivateKey.fromPem(text, function() return "open sesame" end))
local none, err = scissl.SciSslPrivateKey.fromPem(text)
print(none, err:condition()) --> nil passphrase_missing

--- SciSslPrivateKey.fromPemFile
local key = assert(scissl.SciSslPrivateKey.fromPemFile "server.key")

--- SciSslPrivateKey.fromUri
local key = assert(scissl.SciSslPrivateKey.fromUri "server.key") -- or file:/…, pkcs11:… where a provider reads that

--- SciSslPrivateKey:toDer, SciSslPrivateKey.fromDer
print(assert(scissl.SciSslPrivateKey.fromDer(assert(key:toDer()))) == key) --> true

--- SciSslPrivateKey:publicPem
print(key:publicPem() == certificate:publicPem()) --> true

--- SciSslPrivateKey:spkiPin
print(key:spkiPin()) --> sha256//…

--- SciSslPrivateKey:close
local key <close> = assert(scissl.SciSslPrivateKey.generate "EC") -- freed at the end of the scope, or by close()
