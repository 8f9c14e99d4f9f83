--- Names of the numbers that TLS messages carry (RFC 8446 and the registries of IANA).
-- @module scissl.tls.registry

local SciSslCipher = require "scissl.core".SciSslCipher

local registry = {}

registry.versions = {
  [0xfeff] = "DTLSv1", [0xfefd] = "DTLSv1.2", [0xfefc] = "DTLSv1.3",
  [0x300] = "SSLv3", [0x301] = "TLSv1", [0x302] = "TLSv1.1", [0x303] = "TLSv1.2", [0x304] = "TLSv1.3",
}

registry.groups = {
  [22] = "secp256k1", [23] = "secp256r1", [24] = "secp384r1", [25] = "secp521r1", [26] = "brainpoolP256r1",
  [27] = "brainpoolP384r1", [28] = "brainpoolP512r1", [29] = "x25519", [30] = "x448",
  [31] = "brainpoolP256r1tls13", [32] = "brainpoolP384r1tls13", [33] = "brainpoolP512r1tls13",
  [256] = "ffdhe2048", [257] = "ffdhe3072", [258] = "ffdhe4096", [259] = "ffdhe6144", [260] = "ffdhe8192",
  [512] = "MLKEM512", [513] = "MLKEM768", [514] = "MLKEM1024", [4587] = "SecP256r1MLKEM768",
  [4588] = "X25519MLKEM768", [4589] = "SecP384r1MLKEM1024", [41] = "curveSM2",
  [4590] = "curveSM2MLKEM768", [0x6399] = "X25519Kyber768Draft00",
}

registry.signatures = {
  [0x0201] = "rsa_pkcs1_sha1", [0x0202] = "dsa_sha1", [0x0203] = "ecdsa_sha1", [0x0301] = "rsa_pkcs1_sha224",
  [0x0302] = "dsa_sha224", [0x0303] = "ecdsa_sha224", [0x0401] = "rsa_pkcs1_sha256", [0x0402] = "dsa_sha256",
  [0x0403] = "ecdsa_secp256r1_sha256", [0x0501] = "rsa_pkcs1_sha384", [0x0502] = "dsa_sha384",
  [0x0503] = "ecdsa_secp384r1_sha384", [0x0601] = "rsa_pkcs1_sha512", [0x0602] = "dsa_sha512",
  [0x0603] = "ecdsa_secp521r1_sha512", [0x0804] = "rsa_pss_rsae_sha256", [0x0805] = "rsa_pss_rsae_sha384",
  [0x0806] = "rsa_pss_rsae_sha512", [0x0807] = "ed25519", [0x0808] = "ed448", [0x0809] = "rsa_pss_pss_sha256",
  [0x080a] = "rsa_pss_pss_sha384", [0x080b] = "rsa_pss_pss_sha512", [0x081a] = "ecdsa_brainpoolP256r1tls13_sha256",
  [0x081b] = "ecdsa_brainpoolP384r1tls13_sha384", [0x081c] = "ecdsa_brainpoolP512r1tls13_sha512",
  [0x0904] = "mldsa44", [0x0905] = "mldsa65", [0x0906] = "mldsa87",
}

local ciphers = {} -- by the method of SciSslCipher that returns the name

--- Returns the names of the cipher suites that this OpenSSL knows, by their numbers.
-- @tparam string method `"name"` (OpenSSL's names) or `"standardName"` (those of the RFCs)
-- @treturn table
function registry.ciphers(method)
  if ciphers[method] then return ciphers[method] end
  local names = { [0x00ff] = "TLS_EMPTY_RENEGOTIATION_INFO_SCSV", [0x5600] = "TLS_FALLBACK_SCSV" }
  for _, cipher in ipairs(SciSslCipher.known() or {}) do names[cipher:id() & 0xffff] = cipher[method](cipher) end
  ciphers[method] = names
  return names
end

return registry
