--- What TLS alerts mean: for hints, `scissl.explain` and the log of `scissl.try`.
-- @module scissl.base.alert_words

local alert_words = {}

--- By an alert's name: `meaning`, where "the sender" is the side that sent the alert; perhaps `advice`, what to
-- do about it; and for an alert that rejects a certificate `rejection`, a hint with %s for whose certificate it is.
alert_words.known = {
  close_notify = { meaning = "the sender sends nothing more" },
  unexpected_message = { meaning = "the sender received a message at the wrong point of the protocol" },
  bad_record_mac = {
    meaning = "the sender received a record that was changed on its way, or the keys of the two sides differ",
    advice = "if the two sides have pre-shared keys, compare these",
  },
  decryption_failed = { meaning = "the sender could not decrypt a record (no longer in use)" },
  record_overflow = { meaning = "the sender received a record that was longer than allowed" },
  decompression_failure = { meaning = "the sender could not read compressed data (compression is no longer in use)" },
  handshake_failure = {
    meaning = "the sender found nothing that both sides can use, or it requires a client certificate",
    advice = "compare both sides' protocols, ciphers, groups and certificates",
  },
  no_certificate = { meaning = "the sender has no certificate (SSL 3 only)" },
  bad_certificate = {
    meaning = "the certificate is damaged, badly signed, or for another host or purpose",
    rejection = "the peer rejected %s certificate: it is damaged, badly signed, or for another host or purpose",
  },
  unsupported_certificate = {
    meaning = "the sender cannot use a certificate of this kind",
    rejection = "the peer cannot use %s kind of certificate; check its key type and key usage",
  },
  certificate_revoked = {
    meaning = "the certificate was revoked by its issuer",
    rejection = "the peer says that %s certificate was revoked; use another one",
  },
  certificate_expired = {
    meaning = "the certificate has expired, or is not valid yet",
    rejection = "the peer says that %s certificate has expired or is not valid yet; renew it, or compare both clocks",
  },
  certificate_unknown = {
    meaning = "the sender rejects the certificate and reports no reason",
    rejection = "the peer rejected %s certificate and gave no reason; see its log",
  },
  illegal_parameter = {
    meaning = "the sender received a value that the protocol does not allow, or the two pre-shared keys differ",
  },
  unknown_ca = {
    meaning = "no CA that the sender trusts has signed the certificate",
    rejection = "the peer does not trust the issuer of %s certificate; the peer must trust that CA, or this side must "
      .. "send its intermediate certificates",
  },
  access_denied = {
    meaning = "the certificate is valid, and the sender denies its owner access",
    rejection = "the peer knows the owner of %s certificate and denies access",
  },
  decode_error = {
    meaning = "the sender could not decode a message",
    advice = "something between the two sides may have changed the message",
  },
  decrypt_error = {
    meaning = "a signature, or a checksum of the handshake, was wrong",
    advice = "check that certificate and key belong together on both sides, and that a pre-shared key is the same on "
      .. "both",
  },
  export_restriction = { meaning = "the keys were too strong for an export law of the 1990s" },
  protocol_version = { meaning = "the sender does not speak the TLS version of the other side" },
  insufficient_security = { meaning = "the ciphers of the other side are too weak for the sender" },
  internal_error = { meaning = "the sender failed for a reason that has nothing to do with the other side" },
  inappropriate_fallback = {
    meaning = "the client used an older version than both sides know",
    advice = "an attacker may be downgrading the connection",
  },
  user_canceled = { meaning = "a user of the sender stopped the handshake" },
  no_renegotiation = { meaning = "the sender does not renegotiate" },
  missing_extension = {
    meaning = "the ClientHello had no extension that the sender needs",
    advice = "for a server with several names set the server name (SNI)",
  },
  unsupported_extension = { meaning = "the sender received an extension that it did not request" },
  certificate_unobtainable = { meaning = "the sender could not fetch the certificate from its URL" },
  unrecognized_name = {
    meaning = "the sender serves no host of that name", advice = "check the server name (SNI)",
  },
  bad_certificate_status_response = { meaning = "the OCSP response is not valid" },
  bad_certificate_hash_value = { meaning = "the certificate that the sender fetched is another one" },
  unknown_psk_identity = { meaning = "the sender knows no pre-shared key of that identity" },
  certificate_required = { meaning = "the client must send a certificate, and has sent none" },
  no_application_protocol = { meaning = "the two sides have no application protocol (ALPN) in common" },
}

--- Returns what an alert means.
-- @tparam string name
-- @treturn string
function alert_words.meaning(name)
  local words = alert_words.known[name]
  return words and words.meaning or "scissl has no explanation of it"
end

return alert_words
