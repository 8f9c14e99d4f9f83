--- LuaSec's names of protocols, options and flags, and what they are here.
-- @module scissl.luasec.names

local core = require "scissl.core"

local options = {}

--- Methods of SciSslContext by LuaSec's names of protocols.
options.protocols = {
  any = "TLS",
  sslv23 = "TLS",
  tlsv1 = "TLSv1",
  tlsv1_1 = "TLSv1.1",
  tlsv1_2 = "TLSv1.2",
  tlsv1_3 = "TLSv1.3",
}

--- Flags of verification by LuaSec's names.
options.verify = {
  none = core.SSL_VERIFY_NONE,
  peer = core.SSL_VERIFY_PEER,
  client_once = core.SSL_VERIFY_CLIENT_ONCE,
  fail_if_no_peer_cert = core.SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
}

--- Verify flags of SciSslContext by LuaSec's names of further verification.
options.revocation = { crl_check = "crl_check", crl_check_chain = "crl_check_all" }

-- Names that OpenSSL 3 has left without a meaning.
local without_effect = {
  "ephemeral_rsa", "microsoft_big_sslv3_buffer", "microsoft_sess_id_bug", "msie_sslv2_rsa_padding",
  "netscape_ca_dn_bug", "netscape_challenge_bug", "netscape_demo_cipher_change_bug",
  "netscape_reuse_cipher_change_bug", "no_sslv2", "pkcs1_check_1", "pkcs1_check_2", "single_dh_use", "single_ecdh_use",
  "ssleay_080_client_dh_bug", "sslref2_reuse_cert_type_bug", "tls_block_padding_bug", "tls_d5_bug",
}

--- Bits of SSL_OP_… by LuaSec's names of options.
options.bits = {}

for _, name in ipairs(without_effect) do options.bits[name] = 0 end
for name, value in pairs(core) do
  local option = type(name) == "string" and name:match "^SSL_OP_(.*)$"
  if option then options.bits[option:lower()] = value end
end

-- Names of curves that OpenSSL may have for the key exchange.
local curve_names = {
  "P-256", "P-384", "P-521", "prime256v1", "secp384r1", "secp521r1", "prime192v1", "secp160k1", "secp160r1",
  "secp160r2", "secp192k1", "secp224k1", "secp224r1", "secp256k1", "sect163k1", "sect163r1", "sect163r2", "sect193r1",
  "sect193r2", "sect233k1", "sect233r1", "sect239k1", "sect283k1", "sect283r1", "sect409k1", "sect409r1", "sect571k1",
  "sect571r1", "brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1", "X25519", "X448",
}

--- Returns the curves that can be set here.
-- @treturn table true by names
function options.curves()
  local context, known = assert(core.SciSslContext.new()), {}
  for _, name in ipairs(curve_names) do
    if context:setGroups(name) then known[name] = true end
  end
  return known
end

return options
