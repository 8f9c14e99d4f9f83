--- One line for a person: what failed, why, and what to do about it.
-- Loaded when the first SciSslError is asked for its `errorHint()` or printed.
-- @module scissl.hint

local isSslError = require "scissl.core".isSslError
local text_of = require "scissl.base.safe_text"

-- ---- where it happened

local phase_words = {
  resolve = "looking up the host",
  connect = "connecting",
  accept = "accepting a client",
  listen = "listening",
  read = "reading",
  write = "writing",
  shutdown = "closing the TLS session",
  close = "closing",
  proxy = "asking the proxy",
  startTls = "beginning TLS",
  load = "loading",
  initialize = "preparing the TLS session",
  option = "setting an option",
  open = "opening a socket",
  bind = "choosing an address",
  adopt = "taking over a socket",
  wait = "waiting",
  send = "sending",
  recv = "receiving",
  plain = "sending or receiving in the clear",
  save = "writing a key or certificate",
  issue = "making a certificate",
  verify = "verifying a certificate",
  match = "comparing a certificate with a name",
  digest = "computing a fingerprint",
  seal = "sealing or reading what was sealed",
  key = "making a key",
  renegotiate = "renegotiating",
  export = "deriving secrets",
  sendTickets = "sending tickets",
  verifyClient = "asking the client for a certificate",
  ocsp = "judging an OCSP response",
}

local function given(text)
  return text ~= "" and text or nil
end

local function where(err)
  local phase, subject = given(err:phase()), given(err:subject())
  local words = phase and phase ~= "unknown" and (phase_words[phase] or phase) or "TLS"
  if phase == "load" and not subject then words = "loading a key or certificate" end
  local peer = given(err:peer())
  if subject and peer and not subject:find(peer, 1, true) then subject = ("%s, %s"):format(subject, peer) end
  subject = subject or peer
  return subject and ("%s (%s)"):format(words, subject) or words
end

-- ---- what happened, in OpenSSL's or the system's own words

local function own_words(err)
  local _, errno_text = err:errno()
  local _, verify_text = err:verifyResult()
  local entry = err:queue()[1]
  local words = given(err:message()) or verify_text or err:reason() or errno_text
  if entry and entry.data and entry.data ~= "" and words == err:reason() then
    words = ("%s, %s"):format(words, entry.data)
  end
  return words
end

-- ---- what it means, and what to do: a text for each condition, or a function that makes it

local function is_server(err)
  return err:phase() == "accept"
end

local function is_handshake(err)
  return err:phase() == "accept" or err:phase() == "connect"
end

-- For conditions that tell less than the words of OpenSSL or the system.
local function unless_said(text)
  return function(err) return not own_words(err) and text or nil end
end

local alert_hints = {
  handshake_failure = "it found nothing that both sides can use, or wants a client certificate; compare the "
    .. "protocols, ciphers, groups and certificates of both sides",
  unrecognized_name = "it serves no such host name; check the server name (SNI)",
  access_denied = "it knows who you are and does not let you in",
  internal_error = "something broke on its side; its log says what",
  decrypt_error = "a signature or checksum did not fit; check that certificate and key belong together on both sides, "
    .. "and that a pre-shared key is the same on both",
  unexpected_message = "it got a message out of turn",
  illegal_parameter = "it found a value that the protocol does not allow, or this side's pre-shared key is not its own",
  decode_error = "it could not read a message; something between the two sides may have changed it",
  bad_record_mac = "a record was changed on its way, or the keys (such as pre-shared keys) of the two sides differ",
  user_canceled = "somebody stopped the handshake there",
  inappropriate_fallback = "a newer protocol is possible than the one offered; somebody may be downgrading the "
    .. "connection",
  missing_extension = "the hello lacked something that it needs; for servers with several names set the server "
    .. "name (SNI)",
  unknown_psk_identity = "it does not know the pre-shared key's identity",
}

-- The reason in the words of the alert that came, for those about a certificate.
local refusals = {
  unknown_ca = "the peer does not trust the issuer of %s certificate; let it trust that CA, or send the whole chain",
  certificate_expired = "the peer says that %s certificate has expired or is not valid yet; renew it, or compare "
    .. "the clocks",
  certificate_revoked = "the peer says that %s certificate was revoked; use another one",
  unsupported_certificate = "the peer cannot use %s kind of certificate; check its key type and key usage",
  bad_certificate = "the peer could not accept %s certificate: damaged, for another host or purpose, or badly signed",
  certificate_unknown = "the peer refuses %s certificate without saying why; its log may tell",
  access_denied = "the peer knows the owner of %s certificate and denies access",
}

local function refused(whose)
  return function(err)
    local alert = err:alert()
    return (refusals[alert] or "the peer refuses %s certificate"):format(whose)
  end
end

local hints = {
  -- the peer
  plain_http = "the peer speaks plain HTTP, not TLS; check the port (HTTPS is usually 443) and the scheme",
  not_tls = "the peer does not speak TLS on this port; check the port, and whether the protocol wants STARTTLS first",
  handshake_eof = "the peer closed the connection during the handshake; it may not speak TLS here, may not like "
    .. "what was offered, or may want another server name (SNI); its log may tell",
  truncated = "the connection ended without TLS's close_notify; the data may be cut off, so trust it only if its "
    .. "own length or end mark says that it is whole",
  alert_received = function(err)
    local alert = err:alert() or "unknown"
    return ("the peer ended it with the alert '%s'; %s"):format(alert, alert_hints[alert] or "its log may tell why")
  end,

  too_many_key_updates = "the peer only renews its keys and sends nothing; it wastes this side's time, or is broken",
  too_many_tickets = "the server sends session tickets and nothing else; it wastes this side's time, or is broken",
  too_many_renegotiations = "the peer begins one handshake after the other, which costs this side much time; it means "
    .. "harm, or is broken",
  too_many_certificate_requests = "the server asks again and again for a certificate, which costs this side much time; "
    .. "it means harm, or is broken",
  too_many_empty_records = "the peer sends records without a byte in them; it wastes this side's time, or is broken",
  too_many_alerts = "the peer sends warnings and nothing else; it wastes this side's time, or is broken",

  -- nothing in common
  protocol_version = function(err)
    local phase = err:phase()
    if phase == "option" or phase == "load" then
      return "these settings allow no TLS version; the lowest (minProtocol) must not be above the highest "
        .. "(maxProtocol), and both must fit the method (version)"
    end
    if phase ~= "connect" and phase ~= "accept" then return "the TLS version of this connection has no such message" end
    return "the two sides have no TLS version in common; compare minProtocol, maxProtocol and version of both; TLS 1.1 "
      .. "and earlier also need setSecurityLevel(0) on both"
  end,
  no_protocol = "the settings of this side alone leave no TLS version; check minProtocol, maxProtocol, version and the "
    .. "options no_tlsv1_2 and no_tlsv1_3 (versions before TLS 1.2 need setSecurityLevel(0) as well)",
  handshake_failure = "this side found no way to go on with what the peer sent; compare the protocols, ciphers, groups "
    .. "and certificates of both sides",
  legacy_renegotiation = "the peer does not know secure renegotiation (RFC 5746); update it, or accept the risk with "
    .. "options = \"legacy_server_connect\"",
  downgrade = "the client repeated its offer with an older TLS version than both sides know; an attacker may be "
    .. "downgrading the connection",

  -- messages that break the protocol
  malformed_message = "the peer sent a message that cannot be decoded; it may not speak TLS correctly, or something "
    .. "between the two sides changed the message",
  unexpected_message = "the peer sent a message that is not allowed at this point of the protocol",
  illegal_parameter = "the peer sent a value that the protocol does not allow",
  bad_record_mac = "a record failed its integrity check; something changed it on its way, or the two sides have "
    .. "different keys",
  bad_signature = "a signature or checksum in the peer's handshake is wrong; its certificate and key may not belong "
    .. "together, or a message was changed on its way",
  internal_error = "OpenSSL failed on this side; the reason in its queue() tells more",
  no_shared_cipher = function(err)
    local text = "the two sides have no cipher in common; compare cipherList (up to TLS 1.2) and ciphersuites "
      .. "(TLS 1.3) of both"
    return is_server(err) and text .. ", and see that the server has a certificate" or text
  end,
  anonymous_ciphers = "every cipher of the list is anonymous: the server would show no certificate; add others to "
    .. "cipherList, or name verify = false if the server need not prove who it is",
  no_shared_group = "the two sides have no key exchange group in common; compare the groups of both",
  no_shared_signature_algorithm = "the two sides have no signature algorithm in common that fits the "
    .. "certificate's key; compare signatureAlgorithms, or use a certificate with another key type",
  no_shared_alpn = "the two sides have no application protocol (ALPN) in common; compare the alpn lists of both",

  -- the peer's certificate
  certificate_expired = "the peer's certificate, or one above it, has expired; let its owner renew it, and check "
    .. "this machine's clock",
  certificate_not_yet_valid = "the peer's certificate, or one above it, is not valid yet; check this machine's clock",
  certificate_self_signed = "the peer's certificate is self-signed and not trusted here; if it is yours, name it "
    .. "as caFile",
  certificate_unknown_issuer = "nobody trusted here signed the peer's certificate; name its CA with caFile or "
    .. "caPath, or let the peer send its intermediate certificates",
  certificate_wrong_host = "the peer's certificate is for another host name; connect by a name that stands in it, "
    .. "or name the one to expect with verifyHost",
  certificate_common_name = "the peer's certificate names the host in its subject (CN) alone, where no name counts "
    .. "(RFC 9525); let its owner get one with the name as subjectAltName, or name allowCommonName = true",
  certificate_wrong_ip = "the peer's certificate does not name this IP address; connect by a host name that "
    .. "stands in it",
  certificate_revoked = "the peer's certificate was revoked by its issuer; do not trust this peer",
  dane_mismatch = "no TLSA record of the host vouches for the server's certificate; do not trust it, or let its owner "
    .. "publish the right record",
  dane_twice = "sslSetDane() has been called on this connection",
  dane_needed = "call sslSetDane(host) first",
  tlsa_unusable = "OpenSSL does not know this kind of TLSA record",
  bad_tlsa = "the data of the TLSA record do not fit its selector and matching type",
  certificate_wrong_email = "the peer's certificate is for another e-mail address than the one that was asked for",
  certificate_wrong_purpose = "the peer's certificate, or one above it, is not meant for this (clients need "
    .. "clientAuth, servers serverAuth); let its issuer make a fitting one, or choose another purpose",
  certificate_chain_too_long = "there are more certificates between the peer's and a trusted one than verifyDepth "
    .. "allows",
  certificate_invalid = "the peer's certificate was not accepted",

  ocsp_missing = "there is no OCSP response for the peer's certificate; let the server staple one, or ask for less "
    .. "than ocsp = \"require\"",
  ocsp_untrusted = "the OCSP response is not signed in the name of the certificate's issuer; do not trust it",
  ocsp_other_certificate = "the OCSP response is about another certificate; let the server staple the right one",
  ocsp_expired = "the OCSP response has expired; let the server fetch a new one, and check this machine's clock",
  ocsp_not_yet_valid = "the OCSP response is from the future; check this machine's clock",
  ocsp_unknown = "the issuer's OCSP responder does not know the certificate; do not trust this peer",
  ocsp_unsuccessful = "the OCSP responder has nothing to say; ask it again later",
  ocsp_no_issuer = "the issuer of the peer's certificate is not known, so nobody can vouch for it by OCSP; name its "
    .. "CA with caFile or caPath",
  malformed_ocsp = "this is no OCSP response in DER, or a damaged one; fetch it again",
  -- revocation lists
  crl_missing = "revocation is to be checked, and there is no list of the issuer of this certificate; add it with "
    .. "addCrl() or loadCrlFile(), or take the flag crl_check (crl_check_all) away",
  crl_expired = "the issuer's revocation list is out of date; fetch the new one, and check this machine's clock",
  crl_not_yet_valid = "the issuer's revocation list is not valid yet; check this machine's clock",
  crl_invalid = "the issuer's revocation list cannot be trusted: it is not signed by that issuer, or damaged",
  not_crl = "there is no certificate revocation list (CRL) in it; give the file or text that holds one",
  malformed_crl = "the revocation list is damaged; fetch it again",

  -- our certificate
  client_certificate_missing = function(err)
    local _, direction = err:alert()
    if direction ~= "received" then return "the client sent no certificate, and this server requires one" end
    return "the peer requires a client certificate; set certificate and privateKey"
  end,
  client_certificate_refused = refused("this client's"),
  server_certificate_refused = refused("this server's"),
  no_certificate = "the server has no certificate; set certificate and privateKey on its context",
  key_mismatch = "the private key does not belong to the certificate; load the pair that was made together",

  -- files, keys and passphrases
  passphrase_missing = "the private key is encrypted; give its passphrase",
  passphrase_wrong = "the passphrase does not open the private key",
  passphrase_function = "the function that should answer the passphrase failed",
  no_private_key = "the certificate has no private key yet; set privateKey",
  unknown_scheme = "this OpenSSL has nothing that reads such URIs; use file: …, or load the provider that does",
  store_unreadable = "nothing could be read there; check the URI, its permissions, and that it is not encrypted",
  store_empty = "there is neither a certificate nor a revocation list behind this URI",
  file_missing = "there is no such file; check the path",
  file_unreadable = "the file cannot be read; check its permissions and its owner, and that it was opened for reading",
  file_directory = function(err)
    if err:phase() ~= "load" then return "expected a file, got a directory" end
    return "expected a file, got a directory; for a directory of CA certificates use caPath"
  end,
  file_empty = "the file is empty; see whether it was ever written, and how",
  file_not_directory = "a directory is due, and this is none; for a file of CA certificates use caFile",
  not_pem = "PEM text is due, which has lines -----BEGIN … and -----END …; convert DER with: openssl x509 -inform DER, "
    .. "openssl pkey -inform DER",
  not_certificate = "there is no certificate in it; give the file or text that holds the certificate",
  not_private_key = "there is no private key in it; give the file or text that holds the key",
  not_request = "there is no certificate request in it; give the file or text that holds one",
  malformed_request = "the certificate request is damaged; make it again",
  request_invalid = "the request is not signed with the key that it names; refuse it",
  malformed_certificate = function(err)
    if is_handshake(err) then return "the peer's certificate is damaged; its owner must replace it" end
    return "the certificate is damaged; fetch or make it again"
  end,
  malformed_extension = "a part of the certificate is damaged; do not trust it, and tell its owner",
  malformed_name = function(err)
    if err:phase() == "issue" then
      return "this is no name for a certificate; write a subject as CN=localhost,O=Example"
    end
    if err:phase() == "match" then return "this is not a name or address that a certificate can be compared with" end
    return "a name in the certificate is damaged; do not trust it, and tell its owner"
  end,
  name_missing = "there is neither a subject nor a name; give subject = \"CN=…\", or names = { \"localhost\" }",
  not_session = "there is no TLS session in it; OSSslSession:toPem() and toDer() make one",
  not_sealed = "this was sealed with another secret, for another purpose, or changed since; compare the secrets of all "
    .. "who share it",
  malformed_session = "the saved TLS session is damaged; make a full handshake and save the new one",
  malformed_key = "the key is damaged, or of a kind that this OpenSSL does not know",
  passphrase_empty = "an empty passphrase protects nothing; give one, or none at all (nil)",
  passphrase_too_long = "the passphrase is longer than OpenSSL takes (1024 bytes)",
  key_legacy = "the private key is encrypted with an old algorithm that OpenSSL 3 has put aside; encrypt it anew: "
    .. "openssl pkey -provider legacy -provider default -in old.key -aes256 -out new.key",
  openssh_key = "the private key is in OpenSSH's own format; convert a copy to PEM: ssh-keygen -p -m PKCS8 -f copy.key",
  malformed_pkcs12 = "this is no PKCS#12 (.p12, .pfx), or a damaged one; see whether a PEM file was taken for it",
  pkcs12_legacy = "it is encrypted with old algorithms that OpenSSL 3 has put aside; convert it: openssl pkcs12 "
    .. "-legacy -in old.p12 -nodes -out all.pem, then openssl pkcs12 -export -in all.pem -out new.p12",
  pkcs12_incomplete = "there is no private key with its certificate in there; export both together",
  not_der = "this is not DER; PEM text begins with -----BEGIN and goes to fromPem or a loader for PEM",

  -- the network
  timeout = "it took too long; see whether the peer is up and reachable, or allow more time (timeout)",
  bad_waiter = "the waiter does not do what waiters must: return true when the socket is ready, or nil and a reason",
  too_many = "this way to wait takes no descriptor of that number; use the waiter poll, or coroutine with "
    .. "scissl.scheduler",
  redis_refused = "Redis rejected the command; see its words, and check user, password and permissions",
  redis_protocol = "the reply is not of Redis; check address and port, and whether the server expects TLS",
  not_in_this_system = "this system does not have it; leave the choice out to get the best way that it has",
  cancelled = "whoever schedules this gave up waiting",
  transport_failed = "the object below TLS failed; see its own words",
  proxy_refused = "the proxy does not make that connection; see its answer, and whether it wants a user and a password",
  proxy_malformed = "what answers there is no HTTP proxy; check host, port and scheme of the proxy",
  connection_refused = "nobody listens there; check host and port, and that the server runs",
  connection_reset = "the peer, or something in between, cut the connection",
  broken_pipe = "the peer has gone; it will not take more data",
  host_unreachable = "there is no way to that host; check the address, the network and the firewall",
  host_not_found = "no such host name; check its spelling and the name service",
  service_unknown = "the system knows no service of that name; use the port's number",
  resolver_unavailable = "the name service does not answer; check the network, or try again later",
  resolver_failed = "the name service failed; check the system's resolver settings, or try again later",
  address_not_available = "this machine has no such address; choose one of its own, or none for all of them",
  already_connected = "the socket is connected already; make a new one for another connection",
  not_found = "there is no such file or socket; check the path",
  name_too_long = "the path is too long for a socket; choose a shorter one",
  too_many_descriptors = "this process or the system has no descriptor left; close what is not used, or raise the "
    .. "limit (ulimit -n)",
  address_in_use = "another program listens on this port; stop it or choose another port",
  permission_denied = "the system does not allow it; ports below 1024 usually need more rights, and a firewall "
    .. "may refuse",

  -- the order of calls
  not_initialized = "the socket has no TLS session yet; call sslInitialize() first",
  not_connected = "the transport is not connected; call connect() first, or hand over a connected one",
  closed = "it was closed before; make a new one",
  listening = "a listening socket carries no data; use the one that accept() answers",
  not_listening = "call bind() and listen() first",
  not_a_socket = "a SciSocket, a descriptor number, or an object with getfd, fileno or pollfd is due",
  tls_inside_tls = "TLS inside TLS needs a transport of its own; use SciSslSocket.onMemory() and move the bytes",
  not_a_stream = "TLS needs a stream: a TCP or Unix-domain socket",
  owner_failed = "the object that owns the descriptor failed when it was closed; the descriptor may still be open",
  unread_data = "the peer sent data that nobody has read; read to the end before shutting down",
  not_ready = "nothing is ready yet; wait and try again",
  handshake_needed = "finish the handshake first: repeat sslConnect() or sslAccept() until it answers 1",
  handshake_pending = "a handshake message after the first handshake is under way: repeat the call that sent it, or "
    .. "read; then repeat this call",
  handshake_under_way = "this has to be set before the handshake begins",
  wrong_role = "this socket is the other side of the connection; a client uses sslConnect(), a server sslAccept()",
  too_late = "data that may be replayed belongs before the end of the handshake; now use sslWrite() and sslRead()",
  not_replayable = "early data needs a session of TLS 1.3 whose server allows it (setMaxReplayableData); send the data "
    .. "after the handshake",
  ktls = "the kernel encrypts what this connection sends (kTLS), and takes no new keys; make a new connection, or "
    .. "leave the option enable_ktls out",
  write_pending = "an earlier sslWrite() is not finished; repeat it with the same data first",
  binding_undefined = "this connection has no such channel binding; see the message",
  bad_label = "TLS 1.2 uses this label itself; choose another one, such as EXPORTER-my-protocol",
  post_handshake_refused = "the client does not show certificates after the handshake; there it needs "
    .. "setPostHandshakeAuth(true)",
  request_sent = "the client has been asked for its certificate; read until it has answered",
  shutdown_sent = "this side has already closed the TLS session; nothing more can be written",
  renegotiation_refused = "the peer, or this version of TLS, does not renegotiate",
  handler_failed = "a function of this program that the handshake needed raised an error; see cause() and traceback()",
  in_callback = "this function runs inside a call on the same socket; do it when that call has answered",
  in_finalizer = "a finalizer may have interrupted a call on the same socket; do this outside of finalizers",
  refused = "a handler of this program refused the peer",
  not_suspended = "the handshake is not suspended there now; see sslSuspendAt()",
  malformed_hello = "the bytes are no whole client hello",
  not_served = "the handshake waits for a decision; serve what sslGetError() asks for and repeat the call",
  busy = "another coroutine is in the midst of the same here; let it finish first, or give each its own",
  too_much_data = "the peer sent more than is to be held at once; read in parts, or raise the limit (maxBuffer, or the "
    .. "one given to the read)",
  output_full = "the peer does not read, and too much is waiting to be sent; nothing of this was taken: flush() first",
  not_seekable = function(err)
    if err:phase() == "write" then
      return "sendfile() needs a regular file; read a pipe or a terminal, and write its bytes"
    end
    return "a connection has no positions: what was read is gone, what was written has left"
  end,
  plaintext_pending = "bytes came in plain text before TLS was asked for, and would pass for secured ones; somebody "
    .. "may be injecting commands: close the connection",
  carries_tls = "TLS of another stream runs over this one now; use that stream",
  not_secure = "the stream is not secure; startTls() makes it so",
  line_too_long = "the line is longer than maxLine; read it by a count of bytes, or raise maxLine",

  -- settings
  verify_flags = "SSL_VERIFY_FAIL_IF_NO_PEER_CERT and SSL_VERIFY_CLIENT_ONCE mean something together with "
    .. "SSL_VERIFY_PEER only",
  unknown_flag = "there is no such flag; take OpenSSL's name without its prefix and in lower case, such as no_ticket, "
    .. "crl_check or no_wildcards",
  bad_address = "this is no IP address; one looks like 192.0.2.1 or 2001:db8::1, without brackets and zone",
  bad_email = "this is no e-mail address that can be checked; one looks like name@host",
  unknown_command = "OpenSSL's configuration files have no such command; see SSL_CONF_cmd(3)",
  bad_command_value = "this command of OpenSSL's configuration files takes no such value; see SSL_CONF_cmd(3)",
  trust_command = "this command would make a second trust store; use loadVerifyLocations() or addTrusted()",
  unknown_protocol = "no such protocol version; use \"TLSv1.2\" or \"TLSv1.3\" (older ones: \"TLSv1\", \"TLSv1.1\"); "
    .. "\"TLS\", which is any of them, is a method of contexts alone",
  unknown_cipher = "this OpenSSL knows no such cipher; `openssl ciphers -v` lists them, and TLS 1.3 has ciphersuites",
  unknown_group = "this OpenSSL knows no such key exchange group; usual ones are X25519, P-256, P-384",
  unknown_signature_algorithm = "this OpenSSL knows no such signature algorithm; one looks like ECDSA+SHA256 or "
    .. "rsa_pss_rsae_sha256",
  bad_host_name = "this is not a host name that can be checked or sent",
  psk_unknown = "the client names a pre-shared key that this server does not know; see setPskServer(), and the "
    .. "client's identity",
  psk_mismatch = "the two sides have different pre-shared keys for this identity; compare setPskClient() and "
    .. "setPskServer()",
  psk_missing = "the server chose a pre-shared key, and the function of setPskClient() gave none; return an identity "
    .. "and its key",
  not_dh_parameters = "expected PEM text with DH PARAMETERS; `openssl dhparam 2048` makes it",
  bad_psk = "a pre-shared key is 1 to 256 bytes, its identity and its hint 128 at the most",
  bad_alpn = "application protocols are names of 1 to 255 bytes, such as h2 or http/1.1, and take 65535 bytes "
    .. "together at most, one more byte counted for each",
  unknown_algorithm = "this OpenSSL makes no such keys; usual ones are EC, RSA and Ed25519",
  unknown_curve = "this OpenSSL knows no such curve; usual ones are P-256 and P-384",
  unknown_digest = "this OpenSSL knows no such digest; the usual one is SHA256",
  unknown_option = "this system has no such socket option",
  unknown_purpose = "OpenSSL knows no such purpose; usual ones are sslserver and sslclient",
  unknown_usage = "there is no such key usage; usual ones are digitalSignature, serverAuth and clientAuth",
  invalid_option = "this value is not possible",
  key_size = "keys of that size are not made; 2048 bits and more are usual for RSA",
  wrong_parameter = "keys of that kind are chosen otherwise: RSA by a size in bits, EC by the name of a curve",
  wrong_key = "a key of this kind cannot sign certificates; use EC, RSA or Ed25519",
  security_level = "OpenSSL's security level forbids it: a key, digest, cipher or protocol is too weak; use a "
    .. "stronger one, or lower the level knowingly with setSecurityLevel(0)",
  system = unless_said "the operating system refused it",
  openssl = unless_said "OpenSSL rejected it and said no more",
  unknown = unless_said "neither OpenSSL nor the system said why it failed; memory may be full",
  not_in_this_openssl = "the OpenSSL in use cannot do this; OSSslVersion.current() tells which one it is",
  memory_full = "there is not enough memory",
}

local function meaning(err)
  local hint = hints[err:condition()]
  if type(hint) == "function" then hint = hint(err) end
  return hint
end

local function cause_words(err)
  local cause = err:cause()
  -- The same again, one layer down, tells nothing new.
  if cause == nil or isSslError(cause) and cause:condition() == err:condition() then return nil end
  return text_of(cause):match("^[^\n]*")
end

-- Peers, files and callers choose some of the words: none of them may break the line or play with the terminal.
local function one_line(text)
  return (text:gsub("[%c\127]+", " "):gsub("^ +", ""):gsub(" +$", ""))
end

--- Answers what a person should know and do about an error.
-- @function errorHint
-- @tparam SciSslError err
-- @treturn string one line, never empty
return function(err)
  local hint, words, cause = meaning(err), own_words(err), cause_words(err)
  if cause and words and words:find(cause, 1, true) then cause = nil end
  local text = ("%s: %s"):format(where(err), hint or words or "it failed without a reason; is memory full?")
  if hint and words and not hint:find(words, 1, true) then text = ("%s [%s]"):format(text, words) end
  if cause then text = ("%s [caused by: %s]"):format(text, cause) end
  return one_line(text)
end
