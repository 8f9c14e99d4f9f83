/* negotiated.c: SciSslSocket, what the handshake has negotiated, the state of the handshake, and statistics. */
#include "connection/connection.h"

/* ---- what was negotiated ----------------------------------------------------------------------------------------- */

/* From OpenSSL 3.2 on it knows the names of all groups, those of providers as well. */
static const char *group_name(SSL *ssl, int group) {
#if OPENSSL_VERSION_NUMBER >= 0x30200000L
    const char *name = SSL_get0_group_name(ssl);
    if (name) return name;
#endif
    return SSL_group_to_name(ssl, group);
}

/***
Returns the group of the key exchange.
@function SciSslSocket:negotiatedGroup
@treturn ?string OpenSSL's name, such as `x25519` or `secp256r1`; nil where there was no key exchange, or OpenSSL does
 not know
@see SSL_get_negotiated_group(3)
*/
static int sslsocket_negotiated_group(lua_State *L) {
    SSL *ssl = sci_ssl_get_secured(L);
    int group = ssl ? (int)SSL_get_negotiated_group(ssl) : 0;
    lua_pushstring(L, group > 0 ? group_name(ssl, group) : NULL);
    return 1;
}

/* Names of RFC 8446, section 4.2.3. */
static const struct {
    int type, digest;
    const char *name;
} schemes[] = {
    {EVP_PKEY_EC, NID_sha1, "ecdsa_sha1"},
    {EVP_PKEY_EC, NID_sha224, "ecdsa_sha224"},
    {EVP_PKEY_EC, NID_sha256, "ecdsa_secp256r1_sha256"},
    {EVP_PKEY_EC, NID_sha384, "ecdsa_secp384r1_sha384"},
    {EVP_PKEY_EC, NID_sha512, "ecdsa_secp521r1_sha512"},
    {EVP_PKEY_ED25519, NID_undef, "ed25519"},
    {EVP_PKEY_ED448, NID_undef, "ed448"},
    {EVP_PKEY_RSA, NID_sha1, "rsa_pkcs1_sha1"},
    {EVP_PKEY_RSA, NID_sha224, "rsa_pkcs1_sha224"},
    {EVP_PKEY_RSA, NID_sha256, "rsa_pkcs1_sha256"},
    {EVP_PKEY_RSA, NID_sha384, "rsa_pkcs1_sha384"},
    {EVP_PKEY_RSA, NID_sha512, "rsa_pkcs1_sha512"},
    {EVP_PKEY_RSA_PSS, NID_sha256, "rsa_pss_rsae_sha256"},
    {EVP_PKEY_RSA_PSS, NID_sha384, "rsa_pss_rsae_sha384"},
    {EVP_PKEY_RSA_PSS, NID_sha512, "rsa_pss_rsae_sha512"},
};

/* For other schemes, such as ML-DSA's, OpenSSL from 3.5 on tells the name. */
static const char *scheme_name(int type, int digest) {
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (schemes[i].type == type && schemes[i].digest == digest) return schemes[i].name;
    return NULL;
}

/***
Returns the signature scheme with which this end has signed the handshake.
@function SciSslSocket:signatureScheme
@treturn ?string the name of RFC 8446, section 4.2.3, such as `ecdsa_secp256r1_sha256`, or OpenSSL's, such as `mldsa65`; for RSA-PSS always
 `rsa_pss_rsae_…`; nil where this end has not signed, and for unknown schemes
@see SSL_get_signature_type_nid(3)
@see SSL_get0_signature_name(3)
*/
static int sslsocket_signature_scheme(lua_State *L) {
    const SSL *ssl = sci_ssl_get_secured(L);
    int type, digest = NID_undef;
    bool known = ssl && SSL_get_signature_type_nid(ssl, &type) == 1;
    if (known) (void)SSL_get_signature_nid((SSL *)ssl, &digest);
    const char *name = known ? scheme_name(type, digest) : NULL;
#if OPENSSL_VERSION_NUMBER >= 0x30500000L
    if (ssl && !name && SSL_get0_signature_name((SSL *)ssl, &name) != 1) name = NULL;
#endif
    lua_pushstring(L, name);
    return 1;
}

/***
Returns the signature scheme with which the peer has signed the handshake.
@function SciSslSocket:peerSignatureScheme
@treturn ?string as `signatureScheme`
@see SSL_get_peer_signature_type_nid(3)
*/
static int sslsocket_peer_signature_scheme(lua_State *L) {
    const SSL *ssl = sci_ssl_get_secured(L);
    int type, digest = NID_undef;
    bool known = ssl && SSL_get_peer_signature_type_nid(ssl, &type) == 1;
    if (known) (void)SSL_get_peer_signature_nid((SSL *)ssl, &digest);
    const char *name = known ? scheme_name(type, digest) : NULL;
#if OPENSSL_VERSION_NUMBER >= 0x30500000L
    if (ssl && !name && SSL_get0_peer_signature_name((SSL *)ssl, &name) != 1) name = NULL;
#endif
    lua_pushstring(L, name);
    return 1;
}

/* The key of the key exchange, owned by the caller. With encapsulation (X25519MLKEM768) only the client has made a key. In
 * TLS 1.3 a resumed session may have no key exchange, where both sides allow that. */
static EVP_PKEY *find_temporary_key(SSL *ssl) {
    EVP_PKEY *key = NULL;
    bool skipped = SSL_session_reused(ssl) == 1 && (SSL_get_options(ssl) & SSL_OP_ALLOW_NO_DHE_KEX) != 0;
    if (SSL_get_peer_tmp_key(ssl, &key) == 1) return key;
    if (SSL_is_server(ssl) || SSL_version(ssl) != TLS1_3_VERSION || skipped) return NULL;
    return SSL_get_tmp_key(ssl, &key) == 1 ? key : NULL;
}

/***
Returns the temporary key of the key exchange: the peer's; with encapsulation, such as `X25519MLKEM768`, the client's, which
is the only one.
@function SciSslSocket:temporaryKey
@treturn ?table `type` (`X25519`, `EC`, `DH`, `X25519MLKEM768` …), `bits` (integer), `group` (string, where it has one);
 nil where there was no key exchange
@see SSL_get_peer_tmp_key(3)
@see SSL_get_tmp_key(3)
*/
static int sslsocket_temporary_key(lua_State *L) {
    SSL *ssl = sci_ssl_get_secured(L);
    char group[64];
    size_t length = 0;
    EVP_PKEY *key = ssl ? find_temporary_key(ssl) : NULL;
    if (!key) {
        lua_pushnil(L);
        return 1;
    }
    const char *type = EVP_PKEY_get0_type_name(key);
    lua_Integer bits = EVP_PKEY_get_bits(key);
    bool named = EVP_PKEY_get_group_name(key, group, sizeof group, &length) == 1;
    char kind[32];
    (void)OPENSSL_strlcpy(kind, type ? type : "unknown", sizeof kind);
    EVP_PKEY_free(key);
    lua_createtable(L, 0, 3);
    sci_set_text(L, "type", kind);
    sci_set_integer(L, "bits", bits);
    if (named) sci_set_text(L, "group", group);
    return 1;
}

static bool get_verified(const void *ssl, void **list) {
    STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
    *list = chain ? X509_chain_up_ref(chain) : NULL;
    return !chain || *list;
}

/***
Returns the verified chain, from the peer's certificate to a trusted one.
@function SciSslSocket:verifiedChain
@treturn ?{SciSslX509Certificate,...} nil where the peer was not verified, or did not pass
@see SSL_get0_verified_chain(3)
*/
static int sslsocket_verified_chain(lua_State *L) {
    const SSL *ssl = sci_ssl_get_secured(L);
    if (ssl && SSL_get0_verified_chain(ssl) && SSL_get_verify_result(ssl) == X509_V_OK)
        sci_push_certificates_of(L, get_verified, ssl);
    else lua_pushnil(L);
    return 1;
}

/***
Returns the negotiated maximum length of records.
@function SciSslSocket:maxFragmentLength
@treturn ?integer bytes; nil where none was negotiated, so that it is 16384
@see SSL_SESSION_get_max_fragment_length(3)
*/
static int sslsocket_max_fragment_length(lua_State *L) {
    const SSL *ssl = sci_ssl_get_secured(L);
    const SSL_SESSION *session = ssl ? SSL_get_session(ssl) : NULL;
    int mode = session ? SSL_SESSION_get_max_fragment_length(session) : TLSEXT_max_fragment_length_DISABLED;
    if (mode == TLSEXT_max_fragment_length_DISABLED) lua_pushnil(L);
    else lua_pushinteger(L, 256 << mode);
    return 1;
}

/***
Tells whether the secrets of the connection are bound to its handshake, so that no attacker in the middle can make two
connections with the same secrets.
@function SciSslSocket:hasExtendedMasterSecret
@treturn ?boolean in TLS 1.3 always true; up to TLS 1.2 whether both ends have used the extended master secret; nil before the
 handshake is done, and after `close`
@see SSL_get_extms_support(3)
@see RFC 7627
*/
static int sslsocket_has_extended_master_secret(lua_State *L) {
    SSL *ssl = sci_ssl_get_secured(L);
    if (ssl) lua_pushboolean(L, sci_speaks_tls13(ssl) || SSL_get_extms_support(ssl) == 1);
    else lua_pushnil(L);
    return 1;
}

/***
Tells whether the peer supports secure renegotiation. Without it, OpenSSL does not renegotiate.
@function SciSslSocket:hasSecureRenegotiation
@treturn ?boolean nil in TLS 1.3, which has no renegotiation; before the handshake is done; and after `close`
@see SSL_get_secure_renegotiation_support(3)
@see RFC 5746
*/
static int sslsocket_has_secure_renegotiation(lua_State *L) {
    SSL *ssl = sci_ssl_get_secured(L);
    if (ssl && !sci_speaks_tls13(ssl)) lua_pushboolean(L, SSL_get_secure_renegotiation_support(ssl) == 1);
    else lua_pushnil(L);
    return 1;
}

/* ---- the state of the connection --------------------------------------------------------------------------------- */

/***
Returns the state of the handshake as OpenSSL's text.
@function SciSslSocket:stateString
@treturn string
@see SSL_state_string_long(3)
*/
static int sslsocket_state_string(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    if (socket->closed) lua_pushliteral(L, "closed");
    else lua_pushstring(L, socket->ssl ? SSL_state_string_long(socket->ssl) : "not initialized");
    return 1;
}

/***
Returns how many bytes the transport has carried.
@function SciSslSocket:statistics
@treturn table `bytesReceived`, `bytesSent` (integers, including what TLS adds), `renegotiations` (integer: those that
 this end has asked for)
@see BIO_number_read(3)
@see SSL_num_renegotiations(3)
*/
static int sslsocket_statistics(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    SSL *ssl = socket->ssl;
    lua_createtable(L, 0, 3);
    sci_set_integer(L, "bytesReceived", ssl ? (lua_Integer)BIO_number_read(SSL_get_rbio(ssl)) : 0);
    sci_set_integer(L, "bytesSent", ssl ? (lua_Integer)BIO_number_written(SSL_get_wbio(ssl)) : 0);
    sci_set_integer(L, "renegotiations", ssl ? SSL_num_renegotiations(ssl) : 0);
    return 1;
}

static const luaL_Reg negotiated_methods[] = {
    {"negotiatedGroup", sslsocket_negotiated_group},
    {"signatureScheme", sslsocket_signature_scheme},
    {"peerSignatureScheme", sslsocket_peer_signature_scheme},
    {"temporaryKey", sslsocket_temporary_key},
    {"verifiedChain", sslsocket_verified_chain},
    {"maxFragmentLength", sslsocket_max_fragment_length},
    {"hasExtendedMasterSecret", sslsocket_has_extended_master_secret},
    {"hasSecureRenegotiation", sslsocket_has_secure_renegotiation},
    {"stateString", sslsocket_state_string},
    {"statistics", sslsocket_statistics},
    {NULL, NULL},
};

void sci_open_negotiated(lua_State *L) { luaL_setfuncs(L, negotiated_methods, 0); }
