--- SciSslCipher.known
for _, suite in ipairs(assert(scissl.SciSslCipher.known())) do
  if suite:version() == "TLSv1.3" then print(suite) break end
end
--> SciSslCipher: …

--- SciSslCipher:name, SciSslCipher:standardName, SciSslCipher:id
local suite = client12:cipher()
print(suite:name()) --> ECDHE-ECDSA-AES256-GCM-SHA384
print(suite:standardName()) --> TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
print(("%04x"):format(suite:id() & 0xffff)) --> c02c

--- SciSslCipher:bits, SciSslCipher:version
print(cipher:bits()) --> 256 256
print(cipher:version()) --> TLSv1.3

--- SciSslCipher:keyExchange, SciSslCipher:authentication, SciSslCipher:encryption, SciSslCipher:digest, SciSslCipher:isAead
local suite = client12:cipher()
print(suite:keyExchange(), suite:authentication(), suite:encryption()) --> …
print(suite:digest(), suite:isAead()) --> nil true

--- SciSslCipher:description
print(cipher:description()) --> TLS_AES_256_GCM_SHA384 …
