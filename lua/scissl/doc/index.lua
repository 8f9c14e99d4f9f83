-- What the reference has; made by spec/support/reference/generate.lua.
return {
  stubs = {
    "OSSslSession",
    "OSSslVersion",
    "SciSocket",
    "SciSslCipher",
    "SciSslClientHello",
    "SciSslContext",
    "SciSslError",
    "SciSslListener",
    "SciSslOcsp",
    "SciSslPkcs12",
    "SciSslPrivateKey",
    "SciSslSessionMemory",
    "SciSslSni",
    "SciSslSocket",
    "SciSslSocketConfiguration",
    "SciSslStream",
    "SciSslX509Certificate",
    "SciSslX509Crl",
    "SciSslX509Request",
    "scissl",
    "scissl.wait",
  },
  chapters = {
    { file = "getting-started.md", title = "Getting started" },
  },
}
