/* pins.c: SciSslSocket, pinned public keys, and raw public keys in place of certificates (RFC 7250). */
#include "connection/connection.h"

/* ---- the key of the peer ----------------------------------------------------------------------------------------- */

const EVP_PKEY *sci_ssl_raw_key(const SSL *ssl) {
#ifdef TLSEXT_cert_type_rpk
    return SSL_get0_peer_rpk(ssl);
#else
    (void)ssl;
    return NULL;
#endif
}

const EVP_PKEY *sci_ssl_session_raw_key(SSL_SESSION *session) {
#ifdef TLSEXT_cert_type_rpk
    return SSL_SESSION_get0_peer_rpk(session);
#else
    (void)session;
    return NULL;
#endif
}

static const EVP_PKEY *raw_key_of(const X509_STORE_CTX *store) {
#ifdef TLSEXT_cert_type_rpk
    return X509_STORE_CTX_get0_rpk(store);
#else
    (void)store;
    return NULL;
#endif
}

/* The digest of the key as it stands in the certificate, or as OpenSSL writes the raw key. */
static bool digest_key(const X509 *certificate, const EVP_PKEY *raw, unsigned char digest[SCI_PIN_LENGTH]) {
    unsigned char *bytes = NULL;
    int length = certificate ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &bytes) : i2d_PUBKEY(raw, &bytes);
    bool made = sci_digest_spki(bytes, length, digest);
    OPENSSL_free(bytes);
    return made;
}

/* ---- verification ------------------------------------------------------------------------------------------------ */

/* By level, as SSL_CTX_set_security_level(3) has them. */
static bool is_strong(SSL *ssl, const EVP_PKEY *key) {
    static const int bits[] = {0, 80, 112, 128, 192, 256};
    int level = X509_VERIFY_PARAM_get_auth_level(SSL_get0_param(ssl));
    if (level < 0) level = SSL_get_security_level(ssl);
    return EVP_PKEY_get_security_bits(key) >= bits[level < 5 ? level : 5];
}

static bool is_pinned(const sci_sslsocket *socket, const unsigned char digest[SCI_PIN_LENGTH]) {
    for (size_t i = 0; i < socket->pins.count; i++)
        if (CRYPTO_memcmp(socket->pins.digests + i * SCI_PIN_LENGTH, digest, SCI_PIN_LENGTH) == 0) return true;
    return false;
}

long sci_ssl_verify_pin(const sci_sslsocket *socket, SSL *ssl, X509 *certificate, const EVP_PKEY *raw) {
    unsigned char digest[SCI_PIN_LENGTH];
    const EVP_PKEY *key = certificate ? X509_get0_pubkey(certificate) : raw;
    if (!key || !digest_key(certificate, raw, digest)) return X509_V_ERR_UNSPECIFIED;
    if (!is_pinned(socket, digest)) return X509_V_ERR_CERT_REJECTED;
    return is_strong(ssl, key) ? X509_V_OK : X509_V_ERR_EE_KEY_TOO_SMALL;
}

bool sci_ssl_verify_by_pin(const sci_sslsocket *socket, X509_STORE_CTX *store) {
    X509 *certificate = X509_STORE_CTX_get0_cert(store);
    X509_STORE_CTX_verify_cb step = X509_STORE_CTX_get_verify_cb(store);
    long result = sci_ssl_verify_pin(socket, socket->ssl, certificate, raw_key_of(store));
    X509_STORE_CTX_set_error_depth(store, 0);
    X509_STORE_CTX_set_current_cert(store, certificate);
    X509_STORE_CTX_set_error(store, (int)result);
    return step ? step(result == X509_V_OK, store) != 0 : result == X509_V_OK;
}

bool sci_ssl_explain_pin(const sci_sslsocket *socket, sci_failure *failure) {
    if (socket->pins.count == 0 || failure->verify_result != X509_V_ERR_CERT_REJECTED) return false;
    failure->condition = "pin_mismatch";
    return true;
}

/* ---- the part of a connection ------------------------------------------------------------------------------------ */

/* Keeps the digests in the string on top, or nil, and pops it. */
static void keep_pins(lua_State *L, sci_sslsocket *socket) {
    size_t length = 0;
    socket->pins.digests = (const unsigned char *)lua_tolstring(L, -1, &length);
    socket->pins.count = length / SCI_PIN_LENGTH;
    lua_setiuservalue(L, 1, SCI_SSL_PINS);
}

void sci_ssl_inherit_pins(lua_State *L, sci_sslsocket *socket, const sci_context *context) {
    (void)context;
    lua_getiuservalue(L, -1, SCI_CONTEXT_PINS);
    keep_pins(L, socket);
}

/* ---- methods ----------------------------------------------------------------------------------------------------- */

/***
Sets the public keys that the peer of this connection may have, in place of those of the context: before the handshake, or while
it is suspended at `"clientHello"`.
@function SciSslSocket:sslSetPins
@tparam ?{string,...} pins as for `SciSslContext:setPins`
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `bad_pin`, `not_initialized`, `handshake_under_way`, `closed`
*/
static int sslsocket_set_pins(lua_State *L) {
    sci_check_sslsocket(L, 1);
    luaL_checkany(L, 2);
    lua_settop(L, 2);
    if (!lua_isnil(L, 2)) {
        (void)sci_check_list(L, 2);
        if (!sci_push_pins(L)) return sci_fail_pins(L);
    }
    sci_sslsocket *socket = sci_check_before_handshake(L); /* metamethods of the list may have closed it */
    if (!socket) return 2;
    keep_pins(L, socket);
    return sci_return_receiver(L);
}

static void free_bytes(void *bytes) { OPENSSL_free(bytes); }

void sci_ssl_push_raw_key(lua_State *L, const SSL *ssl) {
    lua_pushnil(L);
    sci_guard *guard = sci_new_guard(L, free_bytes);
    const EVP_PKEY *key = sci_ssl_raw_key(ssl);
    unsigned char *bytes = NULL, digest[SCI_PIN_LENGTH];
    char type[32], group[64];
    int length = key ? i2d_PUBKEY(key, &bytes) : 0;
    guard->object = bytes;
    if (!sci_digest_spki(bytes, length, digest)) {
        lua_pop(L, 1);
        return;
    }
    const char *name = EVP_PKEY_get0_type_name(key);
    (void)OPENSSL_strlcpy(type, name ? name : "unknown", sizeof type);
    bool grouped = EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1;
    int bits = EVP_PKEY_get_bits(key);
    lua_createtable(L, 0, 5);
    sci_set_text(L, "type", type);
    sci_set_integer(L, "bits", bits);
    if (grouped) sci_set_text(L, "group", group);
    sci_push_pin(L, digest);
    lua_setfield(L, -2, "pin");
    lua_pushlstring(L, guard->object, (size_t)length);
    lua_setfield(L, -2, "der");
    lua_replace(L, -3);
    lua_pop(L, 1);
}

/***
Returns the raw public key that the peer presented in place of a certificate (RFC 7250).
@function SciSslSocket:peerRawPublicKey
@treturn ?table `type` (OpenSSL's name: `EC`, `ED25519` …), `bits` (integer), `group` (string, where it has one), `pin` (as
 `SciSslContext:setPins` takes it), `der` (SubjectPublicKeyInfo); nil where the peer presented a certificate or nothing
@see SSL_get0_peer_rpk(3)
*/
static int sslsocket_peer_raw_public_key(lua_State *L) {
    const SSL *ssl = sci_ssl_get_secured(L);
    if (ssl) sci_ssl_push_raw_key(L, ssl);
    else lua_pushnil(L);
    return 1;
}

/***
Returns the types of certificates that the handshake has negotiated.
@function SciSslSocket:certificateTypes
@treturn ?table `server`, `client`: `"x509"` or `"rawPublicKey"`, whether or not that side has presented one; nil before the
 handshake is completed
@see SSL_get_negotiated_server_cert_type(3)
*/
static int sslsocket_certificate_types(lua_State *L) {
    const SSL *ssl = sci_ssl_get_secured(L);
    bool raw_server = false, raw_client = false;
    if (!ssl) {
        lua_pushnil(L);
        return 1;
    }
#ifdef TLSEXT_cert_type_rpk
    raw_server = SSL_get_negotiated_server_cert_type(ssl) == TLSEXT_cert_type_rpk;
    raw_client = SSL_get_negotiated_client_cert_type(ssl) == TLSEXT_cert_type_rpk;
#endif
    lua_createtable(L, 0, 2);
    sci_set_text(L, "server", raw_server ? "rawPublicKey" : "x509");
    sci_set_text(L, "client", raw_client ? "rawPublicKey" : "x509");
    return 1;
}

static const luaL_Reg pin_methods[] = {
    {"sslSetPins", sslsocket_set_pins},
    {"peerRawPublicKey", sslsocket_peer_raw_public_key},
    {"certificateTypes", sslsocket_certificate_types},
    {NULL, NULL},
};

void sci_open_pins(lua_State *L) { luaL_setfuncs(L, pin_methods, 0); }
