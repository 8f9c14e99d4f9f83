--- One line for a person: what failed, why, and what to do about it.
-- Loaded when the first SciSslError is asked for its `errorHint()` or printed.
-- @module scissl.hint

local alerts = require "scissl.base.alert_words".known
local isSslError = require "scissl.core".isSslError
local phase_words = require "scissl.base.phase_words"
local text_of = require "scissl.base.safe_text"

-- ---- where it happened

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

-- For conditions that say less than OpenSSL's or the system's own words.
local function unless_said(text)
  return function(err) return not own_words(err) and text or nil end
end

-- A path in place of the text is the usual mistake.
local function not_pem(err)
  local message = err:message()
  if message and message:find("looks like a path", 1, true) then
    return "expected PEM text, got a path; for a path use caFile (or crlFile …), or read the file first"
  end
  return "expected PEM text, with lines -----BEGIN … and -----END …; convert DER with: openssl x509 -inform DER, "
    .. "openssl pkey -inform DER"
end

local function timed_out(err)
  local message = err:message()
  -- What scissl.wait reports says already what to do.
  if message and message:find("^the deadline had already passed") then return nil end
  return "it took too long; check that the peer is up and reachable, or allow more time (timeout)"
end

local on_connection = { read = true, write = true, send = true, recv = true, shutdown = true, close = true }

local function closed(err)
  if on_connection[err:phase()] then return "the connection is closed; make a new one" end
  return "it is closed; make a new one"
end

local function message_too_long(err)
  if err:phase() == "recv" then return "the datagram was longer than the program takes, and its rest is lost" end
  if err:phase() == "read" then return "the message is longer than the program takes; it stays: allow more bytes" end
  return "the message does not fit into one datagram; send smaller ones, or allow more (sslSetMtu)"
end

local function alert_received(err)
  local alert = err:alert() or "unknown"
  local words = alerts[alert]
  local meaning = words and words.meaning:gsub("^the sender ", "it ") .. "; " or ""
  return ("the peer ended the connection with the alert '%s'; %s%s"):format(alert, meaning,
    words and words.advice or "see its log")
end

local function refused(whose)
  return function(err)
    local words = alerts[err:alert()]
    return (words and words.rejection or "the peer rejected %s certificate"):format(whose)
  end
end

-- The message of a map of scissl.sni says already what to do.
local function unless_unknown_name(text)
  return function(err)
    local message = err:message()
    return not (message and message:find "^the client asked for ") and text or nil
  end
end

local hints = {
  -- the peer
  plain_http = "the peer speaks plain HTTP, not TLS; check the port (HTTPS is usually 443) and the scheme",
  not_tls = "the peer does not speak TLS on this port; check the port, and whether the protocol needs STARTTLS first",
  handshake_eof = "the peer closed the connection during the handshake; it may not speak TLS here, or may need "
    .. "another protocol version or server name (SNI); see its log",
  short_read = "the peer ended its data before the message was complete; the peer may have failed, or a length may be "
    .. "wrong",
  malformed_session_file = "the store takes the file for empty, and replaces it when it stores the next session",
  not_session_file = "the path belongs to a file of another kind, which the store does not touch; choose another path",
  truncated = "the connection ended without TLS's close_notify, so the data may be incomplete; trust the data only "
    .. "where its own length or end mark shows that it is complete",
  alert_received = alert_received,

  too_many_key_updates = "the peer sent many KeyUpdates and no data, which costs this side time; the peer is hostile "
    .. "or broken",
  too_many_handshakes = "the client had not finished its handshake when too many others began theirs; see "
    .. "maxHandshakes and maxHandshakesFromOne of scissl.listen",
  stopping = "the server stops (see listener:stop, and endIdle of serve); let the handler return",
  too_many_connections = "the server serves no more clients at a time; see maxConnections and whenFull of serve",
  too_many_tickets = "the server sent many session tickets and no data, which costs this side time; the server is "
    .. "hostile or broken",
  too_many_renegotiations = "the peer began many handshakes in a short time, which costs this side time; the peer is "
    .. "hostile or broken",
  too_many_certificate_requests = "the server requested a certificate many times in a short time, which costs this "
    .. "side time; the server is hostile or broken",
  too_many_empty_records = "the peer sent many empty records, which cost this side time; the peer is hostile or broken",
  too_many_alerts = "the peer sent many warning alerts and no data, which cost this side time; the peer is hostile or "
    .. "broken",

  -- nothing in common
  protocol_version = function(err)
    local phase = err:phase()
    if phase == "option" or phase == "load" then
      return "these settings allow no TLS version; minProtocol must not be above maxProtocol, and both must fit "
        .. "the version"
    end
    if phase ~= "connect" and phase ~= "accept" then return "the TLS version of this connection has no such message" end
    return "the two sides have no TLS version in common; compare both sides' minProtocol, maxProtocol and version; "
      .. "TLS 1.1 and earlier also need setSecurityLevel(0) on both sides"
  end,
  no_protocol = "the settings of this side alone leave no TLS version; check minProtocol, maxProtocol, version and the "
    .. "options no_tlsv1_2 and no_tlsv1_3 (versions before TLS 1.2 need setSecurityLevel(0) as well)",
  handshake_failure = "this side cannot continue with what the peer sent; compare both sides' protocols, ciphers, "
    .. "groups and certificates",
  legacy_renegotiation = "the peer does not know secure renegotiation (RFC 5746); update it, or accept the risk with "
    .. "options = \"legacy_server_connect\"",
  downgrade = "the client connected again with an older TLS version than both sides know; an attacker may be "
    .. "downgrading the connection",

  -- messages that break the protocol
  malformed_message = "the peer sent a message that cannot be decoded; the peer may not speak TLS correctly, or "
    .. "something between the two sides changed the message",
  unexpected_message = "the peer sent a message that is not allowed at this point of the protocol",
  illegal_parameter = "the peer sent a value that the protocol does not allow",
  bad_record_mac = "a record failed its integrity check; it was changed on its way, or the two sides have different "
    .. "keys",
  bad_signature = "a signature or checksum in the peer's handshake is wrong; the peer's certificate and key may not "
    .. "belong together, or a message was changed on its way",
  internal_error = "OpenSSL failed on this side; err:queue() has the reason",
  no_shared_cipher = function(err)
    local text = "the two sides have no cipher in common; compare both sides' cipherList (up to TLS 1.2) and "
      .. "ciphersuites (TLS 1.3)"
    return is_server(err) and text .. ", and check that the server has a certificate" or text
  end,
  anonymous_ciphers = "cipherList has only anonymous ciphers, with which a server shows no certificate; add other "
    .. "ciphers, or set verify = false if the server need not prove its identity",
  no_shared_group = "the two sides have no key exchange group in common; compare both sides' groups",
  no_shared_signature_algorithm = "the two sides have no signature algorithm in common that fits the "
    .. "certificate's key; compare signatureAlgorithms, or use a certificate with another key type",
  no_shared_alpn = "the two sides have no application protocol (ALPN) in common; compare both sides' alpn",

  -- the peer's certificate
  certificate_expired = "the peer's certificate, or one above it, has expired; its owner must renew it; also check "
    .. "this machine's clock",
  certificate_not_yet_valid = "the peer's certificate, or one above it, is not valid yet; check this machine's clock",
  certificate_self_signed = "the peer's certificate is self-signed and not trusted here; if it is yours, set caFile "
    .. "to it",
  certificate_unknown_issuer = "no trusted CA signed the peer's certificate; set caFile or caPath to its CA, or "
    .. "configure the peer to send its intermediate certificates",
  certificate_wrong_host = "the peer's certificate is for another host name; connect by a name that the certificate "
    .. "has, or set verifyHost to the name to expect",
  certificate_common_name = "the peer's certificate has the host name only in its subject (CN), where it does not "
    .. "count (RFC 9525); its owner must get one with a subjectAltName, or set allowCommonName = true",
  certificate_wrong_ip = "the peer's certificate does not have this IP address; connect by a host name that the "
    .. "certificate has",
  certificate_revoked = "the issuer has revoked the peer's certificate; do not trust this peer",
  dane_mismatch = "the server's certificate matches no TLSA record of the host; do not trust it, or ask its owner to "
    .. "publish the right record",
  pin_mismatch = "the peer has none of the public keys in pins; do not trust it, unless its owner has "
    .. "changed the key and tells you the new pin",
  raw_key_untrusted = "the peer presented a raw public key, which only a pin can verify; set pins to the spkiPin() of "
    .. "the key that you expect",
  bad_pin = "give a list of pins, as spkiPin() of a certificate or key returns them; nil switches pins off",
  unknown_certificate_type = "the types of certificates are 'x509' and 'rawPublicKey'",
  unknown_compression = "certificates are compressed by 'zlib', 'brotli' or 'zstd'; scissl.features says "
    .. "which ones this OpenSSL has",
  ech_rejected = "the server cannot decrypt this ClientHello (ECH); try again with the error's data() as echConfigs, "
    .. "or, where that is nil, get a fresh HTTPS record of the host",
  bad_ech_key = "make keys with SciSslContext.newEchKey { publicName = … }, or with the command openssl ech",
  bad_ech_configs = "give an ECHConfigList with a version and algorithms that OpenSSL knows, as bytes or base64",
  key_not_for_tls = "TLS in this OpenSSL cannot sign with keys of this kind; use a certificate with an EC, RSA, "
    .. "Ed25519 or ML-DSA key",
  dane_twice = "sslSetDane() was called twice on this connection",
  dane_needed = "call sslSetDane(host) first",
  tlsa_unusable = "OpenSSL does not know this kind of TLSA record",
  bad_tlsa = "the data of the TLSA record do not fit its selector and matching type",
  certificate_wrong_email = "the peer's certificate is for another e-mail address than the expected one",
  certificate_wrong_purpose = "the peer's certificate, or one above it, is not made for this purpose (clients need "
    .. "clientAuth, servers serverAuth); its issuer must make another one, or choose another purpose here",
  handshake_message_too_long = "the peer sent a longer handshake message than is allowed; for long certificate "
    .. "chains see setMaxCertList()",
  certificate_chain_too_long = "there are more certificates between the peer's and a trusted one than verifyDepth "
    .. "allows",
  certificate_invalid = "the peer's certificate failed the verification",

  ocsp_missing = "there is no OCSP response for the peer's certificate; the server must staple one, or set another "
    .. "policy than ocsp = \"require\"",
  ocsp_untrusted = "the OCSP response is not signed by the certificate's issuer or its delegate; do not trust it",
  ocsp_other_certificate = "the OCSP response is about another certificate; the server must staple the right one",
  ocsp_expired = "the OCSP response has expired; the server must fetch a new one; also check this machine's clock",
  ocsp_not_yet_valid = "the OCSP response is not valid yet; check this machine's clock",
  ocsp_unknown = "the issuer's OCSP responder does not know the certificate; do not trust this peer",
  ocsp_unsuccessful = "the OCSP responder returned an error instead of a status; ask it again later",
  ocsp_no_issuer = "the issuer of the peer's certificate is not known, so its OCSP response cannot be checked; set "
    .. "caFile or caPath to its CA",
  malformed_ocsp = "this is not an OCSP response in DER, or it is damaged; fetch it again",
  -- revocation lists
  crl_missing = "revocation must be checked, and there is no CRL of this certificate's issuer; add it with "
    .. "addCrl() or loadCrlFile(), or remove the flag crl_check (crl_check_all)",
  crl_expired = "the issuer's CRL is out of date; fetch the new one, and check this machine's clock",
  crl_not_yet_valid = "the issuer's CRL is not valid yet; check this machine's clock",
  crl_invalid = "the issuer's CRL is damaged, or not signed by that issuer",
  not_crl = "it contains no certificate revocation list (CRL); give the file or text that has one",
  malformed_crl = "the certificate revocation list (CRL) is damaged; fetch it again",

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
  passphrase_wrong = "the passphrase does not decrypt the private key",
  passphrase_function = "the function that returns the passphrase failed",
  no_private_key = "the certificate has no private key yet; set privateKey",
  unknown_scheme = "this OpenSSL cannot read URIs of this kind; use file: …, or load the provider that reads them",
  store_unreadable = "the URI cannot be read; check it and its permissions, and that the content is not encrypted",
  store_empty = "the URI has neither a certificate nor a CRL",
  file_missing = "there is no such file; check the path",
  file_unreadable = "the file cannot be read; check its permissions and its owner, and that it was opened for reading",
  file_directory = function(err)
    if err:phase() ~= "load" then return "expected a file, got a directory" end
    return "expected a file, got a directory; for a directory of CA certificates use caPath"
  end,
  file_empty = "the file is empty; check how and when it was written",
  file_not_directory = "expected a directory, got something else; for a file of CA certificates use caFile",
  not_pem = not_pem,
  not_certificate = "it contains no certificate; give the file or text that has the certificate",
  not_private_key = "it contains no private key; set privateKey to the file or text that has the key",
  not_request = "it contains no certificate request; give the file or text that has one",
  malformed_request = "the certificate request is damaged; make it again",
  request_invalid = "the signature of the certificate request does not fit its key; reject it",
  malformed_certificate = function(err)
    if is_handshake(err) then return "the peer's certificate is damaged; its owner must replace it" end
    return "the certificate is damaged; fetch or make it again"
  end,
  malformed_extension = "an extension of the certificate is damaged; do not trust the certificate, and tell its owner",
  malformed_name = function(err)
    if err:phase() == "issue" then
      return "this is not a name for a certificate; write the subject as CN=localhost,O=Example"
    end
    if err:phase() == "match" then return "this is not a name or address that a certificate can be compared with" end
    return "a name in the certificate is damaged; do not trust it, and tell its owner"
  end,
  name_missing = "there is neither a subject nor a name; give subject = \"CN=…\", or names = { \"localhost\" }",
  not_session = "it contains no TLS session; OSSslSession:toPem() and toDer() write one",
  not_sealed = "the data were sealed with another secret or for another purpose, or were changed; compare the secrets "
    .. "of all machines that share them",
  malformed_session = "the saved TLS session is damaged; make a full handshake and save the new session",
  malformed_key = "the key is damaged, or of a kind that this OpenSSL does not know",
  passphrase_empty = "an empty passphrase protects nothing; give a passphrase, or nil for none",
  passphrase_too_long = "the passphrase is longer than OpenSSL accepts (1024 bytes)",
  key_legacy = "the private key is encrypted with an algorithm that OpenSSL 3 has moved to its legacy provider; "
    .. "encrypt it anew: openssl pkey -provider legacy -provider default -in old.key -aes256 -out new.key",
  openssh_key = "the private key is in OpenSSH's own format; convert a copy to PEM: ssh-keygen -p -m PKCS8 -f copy.key",
  malformed_pkcs12 = "this is not PKCS#12 (.p12, .pfx), or it is damaged; check that it is not a PEM file",
  pkcs12_legacy = "it is encrypted with algorithms that OpenSSL 3 has moved to its legacy provider; convert it: "
    .. "openssl pkcs12 -legacy -in old.p12 -nodes -out all.pem, then openssl pkcs12 -export -in all.pem -out new.p12",
  pkcs12_incomplete = "it contains no private key with its certificate; export both together",
  not_der = "this is not DER; PEM text begins with -----BEGIN and needs fromPem or a loader for PEM",

  -- the network
  timeout = timed_out,
  not_reloadable = "only the files of options can be read again; make a new context and pass it to setContext",
  bad_waiter = "the waiter must return true when the socket is ready, or nil and a reason",
  too_many = "this way of waiting cannot take a descriptor with such a high number; use the waiter poll, or coroutine "
    .. "with scissl.scheduler",
  redis_refused = "Redis rejected the command; see its message, and check user, password and permissions",
  redis_protocol = "the reply does not come from Redis; check address and port, and whether the server expects TLS",
  not_in_this_system = "this system does not have it; leave the argument out to get the best way that it has",
  cancelled = "the scheduler cancelled the wait",
  transport_failed = "the object below TLS failed; see its message",
  proxy_refused = "the proxy rejected the connection; see its reply, and check whether it needs a user and a password",
  bad_proxy = "correct the environment variable, or use the option proxy in place of proxyFromEnvironment",
  proxy_malformed = "the reply does not come from an HTTP proxy; check host, port and scheme of the proxy",
  connection_refused = "no server listens there; check host and port, and that the server runs",
  connection_reset = "the peer, or something in between, cut the connection",
  broken_pipe = "the peer has closed the connection and accepts no more data",
  host_unreachable = "there is no route to that host; check the address, the network and the firewall",
  host_not_found = function(err)
    local scheme = (err:subject() or ""):match "^%a+://"
    if scheme then return ("give the host's name alone, without %s"):format(scheme) end
    return "there is no such host; check the spelling of its name, and the name service"
  end,
  service_unknown = "the system knows no service of that name; use the port's number",
  resolver_unavailable = "the name service does not reply; check the network, or try again later",
  bad_resolver = "the option resolver is a function that returns a list of tables with the field address, which is an "
    .. "IP address",
  resolver_failed = "the name service failed; check the system's resolver settings, or try again later",
  address_not_available = "this machine has no such address; choose one of its own addresses, or no host for all of "
    .. "them",
  already_connected = "the socket is connected already; make a new one for another connection",
  not_found = "there is no such file or socket; check the path",
  name_too_long = "the path is too long for a socket; choose a shorter one",
  too_many_descriptors = "this process or the system has no free descriptor; close those that are not used, or raise "
    .. "the limit (ulimit -n)",
  address_in_use = "another program listens on this port; stop it or choose another port",
  permission_denied = "the system does not allow it; ports below 1024 usually need more rights, and a firewall "
    .. "may forbid it",

  -- the order of calls
  not_initialized = "the socket has no TLS session yet; call sslInitialize() first",
  not_connected = "the transport is not connected; call connect() first, or give a connected one",
  closed = closed,
  listening = "a listening socket carries no data; use the socket that accept() returns",
  not_listening = "call bind() and listen() first",
  not_a_socket = "expected a SciSocket, a descriptor number, or an object with getfd, fileno or pollfd",
  tls_inside_tls = "TLS inside TLS needs a transport of its own; use SciSslSocket.onMemory() and move the bytes",
  not_a_stream = "TLS needs a stream (TCP, or Unix-domain); DTLS needs datagrams (UDP): see scissl.datagram",
  not_datagrams = "expected a socket for datagrams: SciSocket.newDatagramSocket()",
  idle = "the peer has sent nothing for the time that idleTimeout allows; to go on, it makes a new association",
  replaced = "the peer has begun a new association, as it does after a restart; the server's accept or serve has it",
  not_dtls = "the connection is one of TLS; DTLS needs SciSslContext.new \"DTLS\" and a socket for datagrams",
  datagrams = "DTLS cannot do this: it carries messages, not a stream of bytes",
  empty_message = "a message of DTLS has one byte or more; a protocol of your own can send one byte that means nothing",
  message_too_long = message_too_long,
  no_reply = "the peer has replied to none of the retransmissions; check that it is up and reachable by UDP, and that "
    .. "it speaks DTLS",
  owner_failed = "the object that owns the descriptor failed when it was closed; the descriptor may still be open",
  unread_data = "the peer sent data that this program has not read; read to the end before shutting down",
  not_ready = "the socket is not ready; wait and try again",
  other_process = "a child that fork made cannot use this object of its parent; make a new one in the child",
  handshake_needed = "finish the handshake first: repeat sslConnect() or sslAccept() until it returns 1",
  handshake_pending = "a message after the handshake is not sent or received completely; repeat the call that sent it, "
    .. "or read; then repeat this call",
  handshake_under_way = "set this before the handshake begins",
  wrong_role = "this socket has the other role; a client uses sslConnect(), a server sslAccept()",
  too_late = "early data belongs before the end of the handshake; now use sslWrite() and sslRead()",
  provider_missing = "OpenSSL finds no module of this name in its folder (`openssl version -m`); install it (Debian: "
    .. "openssl-provider-legacy, openssl-provider-fips, pkcs11-provider), or name its folder: setProviderPath()",
  provider_failed = "OpenSSL has the module, but it does not start: it may need parameters (load(name, parameters)) "
    .. "or a configuration file (loadConfig()); fips needs the file that `openssl fipsinstall` writes",
  malformed_config = "OpenSSL cannot read this configuration file, or a provider in it does not start; see config(5)",
  malformed_properties = "a property query is like fips=yes or ?provider=pkcs11; see property(7)",
  early_data_first = "call sslReadReplayable() until it returns 0; then this server can write",
  client_unverified = "data before the end of the handshake goes to an unverified client; ask for no client "
    .. "certificate, or write after sslAccept()",
  not_replayable = "early data needs a TLS 1.3 session whose server allows it (setMaxReplayableData); send the data "
    .. "after the handshake",
  ktls = "the kernel encrypts what this connection sends (kTLS) and cannot change keys; make a new connection, or "
    .. "leave out the option enable_ktls",
  write_pending = "an earlier sslWrite() is not finished; repeat it with the same data first",
  binding_undefined = "this connection has no channel binding of this kind; see the message",
  bad_label = "the label is too long, or TLS 1.2 uses it itself; choose another one, such as EXPORTER-my-protocol",
  post_handshake_refused = "the client sends no certificate after the handshake; it must call "
    .. "setPostHandshakeAuth(true)",
  request_sent = "the client's certificate is requested already; read until the client has replied",
  shutdown_sent = "this side has closed the TLS session; it can write nothing more",
  renegotiation_refused = "the peer, or this version of TLS, does not renegotiate",
  handler_failed = "a function of this program, called for the handshake, raised an error; see err:cause() and "
    .. "err:traceback()",
  in_callback = "this function runs inside a call on the same socket; call it after that call has returned",
  in_finalizer = "a finalizer may have interrupted a call on the same object; do this outside of finalizers",
  refused = unless_unknown_name "a handler of this program rejected the peer",
  not_suspended = "the handshake is not suspended there now; see sslSuspendAt()",
  malformed_hello = "the bytes are not a complete ClientHello",
  not_served = "the handshake waits for a decision; do what sslGetError() says and repeat the call",
  busy = "another coroutine uses it at this moment; wait until that one has finished, or give each coroutine its own",
  too_much_data = "the peer sent more than the limit; read in parts, or raise the limit (maxBuffer, or the maximum of "
    .. "the read)",
  output_full = "the peer does not read, and maxBuffer bytes wait to be sent; none of these bytes was taken: flush() "
    .. "first",
  not_seekable = function(err)
    if err:phase() == "write" then
      return "sendfile() needs a regular file; read a pipe or a terminal, and write its bytes"
    end
    return "a connection has no positions; read and write in order"
  end,
  plaintext_pending = "plain text arrived before TLS began, and would be taken for protected data; an attacker may "
    .. "have inserted commands: close the connection",
  carries_tls = "TLS of another stream runs over this stream; use the other stream",
  not_secure = "the stream is not secure; call startTls() first",
  line_too_long = "the line is longer than maxLine; read it by a count of bytes, or raise maxLine",

  -- settings
  verify_flags = "SSL_VERIFY_FAIL_IF_NO_PEER_CERT and SSL_VERIFY_CLIENT_ONCE need SSL_VERIFY_PEER beside them",
  unknown_flag = "there is no such flag; use OpenSSL's name without its prefix and in lower case, such as no_ticket, "
    .. "crl_check or no_wildcards",
  bad_address = "this is not an IP address; write one like 192.0.2.1 or 2001:db8::1, without brackets and zone",
  bad_email = "this is not an e-mail address; write one like name@host",
  unknown_command = "OpenSSL's configuration files have no such command; see SSL_CONF_cmd(3)",
  bad_command_value = "this command of OpenSSL's configuration files does not take this value; see SSL_CONF_cmd(3)",
  trust_command = "this command would make a second trust store; use loadVerifyLocations() or addTrusted()",
  unknown_protocol = "there is no such protocol version; use \"TLSv1.2\" or \"TLSv1.3\" (older ones: \"TLSv1\", "
    .. "\"TLSv1.1\"); \"TLS\", for all of them, is a method of contexts only",
  unknown_cipher = "this OpenSSL knows no such cipher; `openssl ciphers -v` lists them; for TLS 1.3 use ciphersuites",
  unknown_group = "this OpenSSL knows no such key exchange group; usual ones are X25519, P-256, P-384",
  unknown_signature_algorithm = "this OpenSSL knows no such signature algorithm; write one like ECDSA+SHA256 or "
    .. "rsa_pss_rsae_sha256",
  bad_host_name = "this is not a host name that can be verified or sent",
  psk_unknown = "the client uses a pre-shared key that this server does not know; check setPskServer() and the "
    .. "client's identity",
  psk_mismatch = "the two sides have different pre-shared keys for this identity; compare setPskClient() and "
    .. "setPskServer()",
  psk_missing = "the server chose a pre-shared key, and the function of setPskClient() returned none; return an "
    .. "identity and its key",
  not_dh_parameters = "expected PEM text with DH PARAMETERS; `openssl dhparam 2048` makes it",
  bad_psk = "a pre-shared key has 1 to 512 bytes, an identity at most 256 (a client's 255), a hint at most 256",
  bad_alpn = "application protocols are names of 1 to 255 bytes, such as h2 or http/1.1; together they have at most "
    .. "65535 bytes, with one more byte for each",
  unknown_algorithm = "this OpenSSL makes no such keys; usual ones are EC, RSA and Ed25519",
  unknown_curve = "this OpenSSL knows no such curve; usual ones are P-256 and P-384",
  unknown_digest = "this OpenSSL knows no such digest; the usual one is SHA256",
  unknown_option = "this system has no such socket option",
  unknown_purpose = "OpenSSL knows no such purpose; usual ones are sslserver and sslclient",
  unknown_usage = "there is no such key usage; usual ones are digitalSignature, serverAuth and clientAuth",
  invalid_option = "this value is not possible here",
  key_size = "OpenSSL makes no keys of that size; 2048 bits and more are usual for RSA",
  wrong_parameter = "this parameter does not fit the kind of key: RSA takes a size in bits, EC the name of a curve",
  wrong_key = "a key of this kind cannot sign certificates; use EC, RSA or Ed25519",
  security_level = "OpenSSL's security level forbids it: a key, digest, cipher or protocol is too weak; use a "
    .. "stronger one, or accept the risk with setSecurityLevel(0)",
  system = unless_said "the operating system rejected it",
  openssl = unless_said "OpenSSL rejected it and gave no reason",
  unknown = unless_said "neither OpenSSL nor the system gave a reason; memory may be full",
  not_in_this_openssl = "the OpenSSL in use cannot do this; OSSslVersion.current() says which one it is",
  memory_full = "there is not enough memory",
}

local function meaning(err)
  local hint = hints[err:condition()]
  if type(hint) == "function" then hint = hint(err) end
  return hint
end

local function cause_words(err)
  local cause = err:cause()
  -- The same condition one layer down adds nothing.
  if cause == nil or isSslError(cause) and cause:condition() == err:condition() then return nil end
  return text_of(cause):match("^[^\n]*")
end

-- Some of the words come from peers, files and callers: they must not break the line or send control characters to
-- the terminal.
local function one_line(text)
  return (text:gsub("[%c\127]+", " "):gsub("^ +", ""):gsub(" +$", ""))
end

--- Returns what a person should know and do about an error.
-- @function errorHint
-- @tparam SciSslError err
-- @treturn string one line, never empty
return function(err)
  local hint, words, cause = meaning(err), own_words(err), cause_words(err)
  if cause and words and words:find(cause, 1, true) then cause = nil end
  local text = ("%s: %s"):format(where(err), hint or words or "it failed without a reason; memory may be full")
  if hint and words and not hint:find(words, 1, true) then text = ("%s [%s]"):format(text, words) end
  if cause then text = ("%s [caused by: %s]"):format(text, cause) end
  return one_line(text)
end
