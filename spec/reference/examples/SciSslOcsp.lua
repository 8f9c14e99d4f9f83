--- SciSslOcsp.request
local der = assert(scissl.SciSslOcsp.request(certificate, ca)) -- POST it to the responder
print(certificate:authorityInfoAccess().ocsp[1]) --> nil -- its address, where the certificate has one

--- SciSslOcsp.response, SciSslOcsp.check
local der = assert(scissl.SciSslOcsp.response {
  certificate = certificate, issuer = ca, key = caKey, nextUpdate = os.time() + 3600,
})
print(assert(scissl.SciSslOcsp.check(der, { certificate = certificate, issuer = ca })).status) --> good

--- SciSslOcsp.parse
local der = assert(scissl.SciSslOcsp.response { outcome = "tryLater" })
print(assert(scissl.SciSslOcsp.parse(der)).outcome) --> tryLater
