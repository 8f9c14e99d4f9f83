--- SciSslX509Request.new
local key = assert(scissl.SciSslPrivateKey.generate "EC")
local request = assert(scissl.SciSslX509Request.new {
  key = key, subject = "CN=www.example.org", names = { "www.example.org", "example.org" },
})
assert(request:toPem()) -- send it to an authority

--- SciSslX509Request.fromPem, SciSslX509Request:toPem
print(scissl.SciSslX509Request.fromPem(request:toPem()):subject()) --> CN=www.example.org

--- SciSslX509Request.fromDer, SciSslX509Request:toDer
print(scissl.SciSslX509Request.fromDer(request:toDer()):subject()) --> CN=www.example.org

--- SciSslX509Request:subject, SciSslX509Request:subjectAltNames
print(request:subject(), request:subjectAltNames()[1].value) --> CN=www.example.org www.example.org

--- SciSslX509Request:publicPem
print(request:publicPem() == key:publicPem()) --> true

--- SciSslX509Request:verify
print(request:verify()) --> true -- the request is signed with its own key
