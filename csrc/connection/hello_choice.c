/* choose.c: SciSslSocket, what can be chosen for one connection when it is known who the peer is or what it wants. */
#include "connection/connection.h"

/* ---- another context -------------------------------------------------------------------------------------------- */

/* The hello is read again by the new SSL alone: without one the old goes on from where it is. */
static bool begin_again(lua_State *L, sci_sslsocket *socket, sci_context *context) {
    if (!sci_ssl_make(L, socket, context)) return false;
    (void)sci_transport_replay(&socket->transport);
    return sci_ssl_begin_as_server(socket);
}

/***
Goes on with another context, while the handshake is suspended at `"clientHello"`: as if the socket had been initialized
with that one, all of whose settings hold, and the client's hello had come now. What the socket was told itself in place of
the context is told again after this call: `sslSetVerify`, `sslUseCertificate`, `sslSetAlpn`, `sslSetOcspResponse`,
`sslSetDhParameters`, `sslNoteVerifyErrors`, `setSession`. What a context does not set stays: `sslSetReadAhead`,
`sslSetRecordSizing`, `sslSuspendAt`, `sslSetTicketAppData`, `sslTrace`.
@function SciSslSocket:sslSetContext
@tparam SciSslContext context
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `not_suspended`, `closed`, `in_finalizer`; the handshake stays as it was
@see sslSuspendAt
*/
static int sslsocket_set_context(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    sci_context *context = sci_check_context(L, 2);
    lua_settop(L, 2);
    if (socket->closed || socket->failed || socket->station != SCI_AT_CLIENT_HELLO)
        return sci_fail_own(L, "option", socket->closed ? "closed" : "not_suspended", NULL);
    if (sci_in_finalizer(L)) return sci_fail_own(L, "option", "in_finalizer", NULL);
    lua_getiuservalue(L, 1, SCI_SSL_CONTEXT); /* at 3, where it outlives the exchange */
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, 1, SCI_SSL_CONTEXT);
    sci_failure failure = {.phase = "option", .subject = "context"};
    sci_clear_errors();
    if (!socket->transport.records) failure.condition = "memory_full"; /* for the hello */
    else if (begin_again(L, socket, context)) return sci_return_receiver(L);
    lua_pushvalue(L, 3);
    lua_setiuservalue(L, 1, SCI_SSL_CONTEXT);
    return sci_fail(L, &failure);
}

/* ---- our certificate -------------------------------------------------------------------------------------------- */

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

/* Reads the certificate, PEM text or array of certificates at 2. */
static bool read_chain(lua_State *L, identity *given, sci_failure *failure) {
    if (lua_type(L, 2) == LUA_TSTRING) {
        int length;
        const char *text = sci_check_bytes(L, 2, &length);
        BIO *bio = BIO_new_mem_buf(text, length);
        given->chain = bio ? sci_read_certificates(bio, failure) : NULL;
        BIO_free(bio);
        return given->chain != NULL;
    }
    given->chain = sk_X509_new_null();
    if (!given->chain) return false;
    if (!lua_istable(L, 2)) return add_certificate(given->chain, sci_check_certificate(L, 2));
    lua_Integer count = (lua_Integer)lua_rawlen(L, 2);
    luaL_argcheck(L, count > 0, 2, "one certificate at least expected");
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(L, 2, i);
        X509 *certificate = sci_test_certificate(L, -1);
        luaL_argcheck(L, certificate != NULL, 2, "array of SciSslX509Certificate expected");
        lua_pop(L, 1);
        if (!add_certificate(given->chain, certificate)) return false;
    }
    return true;
}

/* Reads the key or PEM text at 3, and the passphrase at 4. */
static bool read_key(lua_State *L, identity *given, sci_failure *failure) {
    if (lua_type(L, 3) != LUA_TSTRING) {
        EVP_PKEY *key = sci_check_key(L, 3);
        if (EVP_PKEY_up_ref(key)) given->key = key;
        return given->key != NULL;
    }
    int length;
    const char *text = sci_check_bytes(L, 3, &length);
    BIO *bio = BIO_new_mem_buf(text, length);
    given->key = bio ? sci_read_key(L, bio, 4, failure) : NULL;
    BIO_free(bio);
    return given->key != NULL;
}

static bool use(SSL *ssl, identity *given) {
    X509 *own = sk_X509_shift(given->chain);
    bool used = SSL_use_cert_and_key(ssl, own, given->key, given->chain, 1) == 1;
    (void)sk_X509_unshift(given->chain, own);
    return used;
}

/* A connection of the same context tries them first: what does not fit must leave what is there. */
static bool try_and_use(SSL *ssl, identity *given) {
    SSL *probe = SSL_new(SSL_get_SSL_CTX(ssl));
    bool used = probe && use(probe, given);
    SSL_free(probe);
    if (!used) return false;
    SSL_certs_clear(ssl);
    return use(ssl, given);
}

/***
Sets this connection's own certificate, in place of those of the context: before the handshake, or while it is suspended at
`"clientHello"` or `"certificate"`.
@function SciSslSocket:sslUseCertificate
@tparam SciSslX509Certificate|string|table certificate one, or PEM text or an array with our own first and then its
 issuers
@tparam SciSslPrivateKey|string key an object, or PEM text
@tparam[opt] string|function passphrase of an encrypted PEM text
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
    if (!lua_isnil(L, 4) && !lua_isfunction(L, 4)) (void)luaL_checkstring(L, 4);
    if (socket->station != SCI_AT_CERTIFICATE && !sci_check_before_handshake(L)) return 2;
    sci_guard *guard = sci_new_guard(L, free_identity);
    sci_clear_errors();
    identity *given = guard->object = OPENSSL_zalloc(sizeof *given);
    if (!given || !read_chain(L, given, &failure)) return sci_fail(L, &failure);
    failure.subject = "private key";
    if (!read_key(L, given, &failure)) return sci_fail(L, &failure);
    if (socket->station != SCI_AT_CERTIFICATE && !sci_check_before_handshake(L))
        return 2; /* the function may do much */
    if (!socket->ssl || socket->closed) return sci_fail_own(L, "load", "closed", NULL);
    if (!try_and_use(socket->ssl, given)) return sci_fail(L, &failure);
    return sci_return_receiver(L);
}

/* ---- application protocols -------------------------------------------------------------------------------------- */

/***
Sets this connection's application protocols, in place of the context's: before the handshake, or while it is suspended at
`"clientHello"`, where a server with one name takes that or none.
@function SciSslSocket:sslSetAlpn
@tparam {string,...} names as `SciSslContext:setAlpn`
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `bad_alpn`, `not_initialized`, `handshake_under_way`, `closed`
@see SSL_set_alpn_protos(3)
@see RFC 7301
*/
static int sslsocket_set_alpn(lua_State *L) {
    size_t length;
    sci_check_sslsocket(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    if (!sci_push_alpn(L)) return sci_fail_alpn(L);
    sci_sslsocket *socket = sci_check_before_handshake(L); /* the table's metamethods may have closed it */
    if (!socket) return 2;
    const unsigned char *wire = (const unsigned char *)lua_tolstring(L, 3, &length);
    sci_clear_errors();
    if (SSL_set_alpn_protos(socket->ssl, wire, (unsigned int)length) != 0) return sci_fail_openssl(L, "option", "ALPN");
    lua_setiuservalue(L, 1, SCI_SSL_ALPN);
    socket->alpn = length > 0 ? wire : NULL;
    socket->alpn_length = (unsigned int)length;
    return sci_return_receiver(L);
}

/* ---- whose certificate the server accepts ----------------------------------------------------------------------- */

static const STACK_OF(X509_NAME) *issuers_of(const void *ssl) { return ssl ? SSL_get0_peer_CA_list(ssl) : NULL; }

/***
Answers the names of the issuers whose certificates the peer says that it accepts: for a client that is asked for its own.
@function SciSslSocket:acceptedIssuers
@treturn {string,...} RFC 2253 text; empty where the peer does not say
@see SSL_get0_peer_CA_list(3)
*/
static int sslsocket_accepted_issuers(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    sci_push_names(L, issuers_of, socket->ssl);
    return 1;
}

static const luaL_Reg choose_methods[] = {
    {"sslSetContext", sslsocket_set_context},
    {"sslUseCertificate", sslsocket_use_certificate},
    {"sslSetAlpn", sslsocket_set_alpn},
    {"acceptedIssuers", sslsocket_accepted_issuers},
    {NULL, NULL},
};

void sci_open_hello_choice(lua_State *L) { luaL_setfuncs(L, choose_methods, 0); }
