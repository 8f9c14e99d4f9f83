/* own_certificate.c: SciSslSocket, the certificate and key of this end. */
#include "connection/connection.h"

#include <stdint.h>

/* ---- setting it -------------------------------------------------------------------------------------------------- */

typedef struct identity {
    STACK_OF(X509) *chain; /* our own certificate first */
    EVP_PKEY *key;
} identity;

static void free_identity(void *object) {
    identity *given = object;
    sk_X509_pop_free(given->chain, X509_free);
    EVP_PKEY_free(given->key);
    OPENSSL_free(given);
}

static bool add_certificate(STACK_OF(X509) *chain, X509 *certificate) {
    if (!X509_up_ref(certificate)) return false;
    if (sk_X509_push(chain, certificate) > 0) return true;
    X509_free(certificate);
    return false;
}

/* Reads the certificate, the PEM or DER or the array of certificates at 2. */
static bool read_chain(lua_State *L, identity *given, sci_failure *failure) {
    if (lua_type(L, 2) == LUA_TSTRING) {
        int length;
        const char *text = sci_check_bytes(L, 2, &length);
        BIO *bio = BIO_new_mem_buf(text, length);
        given->chain = bio ? sci_read_certificates_or_der(bio, failure) : NULL;
        BIO_free(bio);
        return given->chain != NULL;
    }
    given->chain = sk_X509_new_null();
    if (!given->chain) return false;
    if (!lua_istable(L, 2)) return add_certificate(given->chain, sci_check_certificate(L, 2));
    lua_Integer count = sci_check_list(L, 2);
    luaL_argcheck(L, count > 0, 2, "at least one certificate expected");
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(L, 2, i);
        X509 *certificate = sci_test_certificate(L, -1);
        luaL_argcheck(L, certificate != NULL, 2, "array of SciSslX509Certificate expected");
        lua_pop(L, 1);
        if (!add_certificate(given->chain, certificate)) return false;
    }
    return true;
}

/* Reads the key, or its PEM or DER, at 3, and the passphrase at 4. */
static bool read_key(lua_State *L, identity *given, sci_failure *failure) {
    if (lua_type(L, 3) != LUA_TSTRING) {
        EVP_PKEY *key = sci_check_key(L, 3);
        if (EVP_PKEY_up_ref(key)) given->key = key;
        return given->key != NULL;
    }
    int length;
    const char *text = sci_check_bytes(L, 3, &length);
    given->key = sci_read_key_bytes(L, text, length, 4, failure);
    return given->key != NULL;
}

static bool use(SSL *ssl, identity *given) {
    X509 *own = sk_X509_shift(given->chain);
    bool used = SSL_use_cert_and_key(ssl, own, given->key, given->chain, 1) == 1;
    (void)sk_X509_unshift(given->chain, own);
    return used;
}

/* Another SSL of the same context tries certificate and key first: if they do not fit, this one must keep what it has. */
static bool try_and_use(SSL *ssl, identity *given) {
    SSL *probe = SSL_new(SSL_get_SSL_CTX(ssl));
    bool used = probe && use(probe, given);
    SSL_free(probe);
    if (!used) return false;
    SSL_certs_clear(ssl);
    return use(ssl, given);
}

/***
Sets the certificate of this connection, in place of those of the context: before the handshake, or while it is suspended at
`"clientHello"` or `"certificate"`.
@function SciSslSocket:sslUseCertificate
@tparam SciSslX509Certificate|string|table certificate one; or PEM text, or an array, with this end's own first and its
 issuers behind it; or the DER of one certificate
@tparam SciSslPrivateKey|string key an object; or PEM text, or DER
@tparam[opt] string|function passphrase of an encrypted PEM text or DER
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `not_initialized`, `handshake_under_way`, `closed`; phase `load`: as
 `SciSslContext:useCertificate` and `SciSslContext:usePrivateKey`; the connection stays as it was
@see SSL_use_cert_and_key(3)
*/
static int sslsocket_use_certificate(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    sci_failure failure = {.phase = "load", .subject = "certificate"};
    luaL_checkany(L, 2);
    luaL_checkany(L, 3);
    lua_settop(L, 4);
    sci_check_passphrase(L, 4);
    if (socket->suspend.at != SCI_AT_CERTIFICATE && !sci_check_before_handshake(L)) return 2;
    sci_guard *guard = sci_new_guard(L, free_identity);
    sci_clear_errors();
    identity *given = guard->object = OPENSSL_zalloc(sizeof *given);
    if (!given || !read_chain(L, given, &failure)) return sci_fail(L, &failure);
    failure.subject = "private key";
    if (!read_key(L, given, &failure)) return sci_fail(L, &failure);
    if (socket->suspend.at != SCI_AT_CERTIFICATE && !sci_check_before_handshake(L))
        return 2; /* the passphrase function may have begun the handshake */
    if (!socket->ssl || socket->closed) return sci_fail_own(L, "load", "closed", NULL);
    if (!try_and_use(socket->ssl, given)) return sci_fail(L, &failure);
    return sci_return_receiver(L);
}

/* ---- the issuers that the peer accepts --------------------------------------------------------------------------- */

static const STACK_OF(X509_NAME) *issuers_of(const void *ssl) { return ssl ? SSL_get0_peer_CA_list(ssl) : NULL; }

/***
Returns the client CA list of the server: the names of the issuers whose certificates the peer accepts.
@function SciSslSocket:acceptedIssuers
@tparam[opt="text"] string format `"text"`: RFC 2253; `"der"`: the names as they came
@treturn {string,...} empty where the peer has sent none
@see SSL_get0_peer_CA_list(3)
*/
static int sslsocket_accepted_issuers(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    sci_push_names(L, issuers_of, socket->ssl, sci_check_name_format(L, 2));
    return 1;
}

/* ---- the certificate that was chosen ----------------------------------------------------------------------------- */

/* A handshake that resumes a session chooses no certificate, and OpenSSL does not keep the one that the session was made with. */
static bool is_ambiguous(SSL *ssl) {
    if (!SSL_session_reused(ssl) || SSL_set_current_cert(ssl, SSL_CERT_SET_FIRST) != 1) return false;
    bool several = SSL_set_current_cert(ssl, SSL_CERT_SET_NEXT) == 1;
    (void)SSL_set_current_cert(ssl, SSL_CERT_SET_FIRST);
    return several;
}

X509 *sci_ssl_own_certificate(SSL *ssl) { return is_ambiguous(ssl) ? NULL : SSL_get_certificate(ssl); }

/***
Returns the certificate of this end: of several, after the handshake, the one that was chosen for this peer. A client sends it
only where the server asks for one.
@function SciSslSocket:localCertificate
@treturn ?SciSslX509Certificate nil where there is none, before `sslInitialize`, after `close`, and where a session was
 resumed and there are several: the session does not say which of them it was made with
@see SSL_get_certificate(3)
*/
static int sslsocket_local_certificate(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    X509 **slot = sci_new_certificate(L);
    X509 *own = socket->ssl && !socket->closed ? sci_ssl_own_certificate(socket->ssl) : NULL;
    if (own && X509_up_ref(own)) *slot = own;
    if (!*slot) lua_pushnil(L);
    return 1;
}

static bool get_local(const void *owner, void **list) {
    SSL *ssl = (SSL *)(uintptr_t)owner; /* the function is not const, but changes nothing */
    STACK_OF(X509) *chain = NULL;
    X509 *own = ssl ? sci_ssl_own_certificate(ssl) : NULL;
    if (own) (void)SSL_get0_chain_certs(ssl, &chain);
    return sci_copy_certificates(own, chain, list);
}

/***
Returns the certificates of this end as they were loaded, its own first. Where no issuers were loaded, OpenSSL adds them from
the trust store when it sends the chain; those are not returned.
@function SciSslSocket:localChain
@treturn {SciSslX509Certificate,...} empty where `localCertificate` is nil
@see SSL_get0_chain_certs(3)
*/
static int sslsocket_local_chain(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    sci_push_certificates_of(L, get_local, socket->closed ? NULL : socket->ssl);
    return 1;
}

static const luaL_Reg certificate_methods[] = {
    {"sslUseCertificate", sslsocket_use_certificate},
    {"acceptedIssuers", sslsocket_accepted_issuers},
    {"localCertificate", sslsocket_local_certificate},
    {"localChain", sslsocket_local_chain},
    {NULL, NULL},
};

void sci_open_own_certificate(lua_State *L) { luaL_setfuncs(L, certificate_methods, 0); }
