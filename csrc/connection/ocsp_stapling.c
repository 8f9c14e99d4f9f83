/* ocsp_stapling.c: SciSslSocket, OCSP stapling (RFC 6066, section 8; RFC 8446, section 4.4.2.1). A server sends an OCSP
 * response with its certificate. A client asks for it and verifies it in mid-handshake, in C. */
#include "connection/connection.h"

#include <time.h>

/* ---- the server -------------------------------------------------------------------------------------------------- */

static bool same_serial(OCSP_SINGLERESP *single, const X509 *certificate) {
    ASN1_INTEGER *serial = NULL;
    (void)OCSP_id_get0_info(NULL, NULL, NULL, &serial, (OCSP_CERTID *)OCSP_SINGLERESP_get0_id(single));
    return serial && ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(certificate)) == 0;
}

/* A server with several certificates has a response for one of them only. */
static bool is_about(const sci_sslsocket *socket, const X509 *certificate) {
    sci_failure failure = {0};
    sci_ocsp ocsp = {0};
    bool about = false;
    if (certificate && sci_read_ocsp(&ocsp, socket->ocsp.response, socket->ocsp.length, &failure))
        for (int i = 0; !about && i < OCSP_resp_count(ocsp.basic); i++)
            about = same_serial(OCSP_resp_get0(ocsp.basic, i), certificate);
    sci_free_ocsp(&ocsp);
    return about;
}

/* OpenSSL's compressed form of a certificate was made without a response, and would be sent without one. */
static void leave_uncompressed(SSL *ssl) {
#ifdef SSL_OP_NO_TX_CERTIFICATE_COMPRESSION
    (void)SSL_set_options(ssl, SSL_OP_NO_TX_CERTIFICATE_COMPRESSION);
#else
    (void)ssl;
#endif
}

static int staple(const sci_sslsocket *socket) {
    if (!socket->ocsp.response || !is_about(socket, SSL_get_certificate(socket->ssl))) return SSL_TLSEXT_ERR_NOACK;
    unsigned char *copy = OPENSSL_memdup(socket->ocsp.response, socket->ocsp.length);
    if (!copy) return SSL_TLSEXT_ERR_NOACK;
    if (!SSL_set_tlsext_status_ocsp_resp(socket->ssl, copy, (long)socket->ocsp.length)) {
        OPENSSL_free(copy);
        return SSL_TLSEXT_ERR_NOACK;
    }
    leave_uncompressed(socket->ssl);
    return SSL_TLSEXT_ERR_OK;
}

/* ---- the client -------------------------------------------------------------------------------------------------- */

#define STATUS_REQUEST 5 /* TLS feature of a certificate that must be stapled (RFC 7633) */

static bool must_staple(const X509 *certificate) {
    TLS_FEATURE *features = X509_get_ext_d2i(certificate, NID_tlsfeature, NULL, NULL);
    bool must = false;
    for (int i = 0; !must && i < sk_ASN1_INTEGER_num(features); i++)
        must = ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features, i)) == STATUS_REQUEST;
    TLS_FEATURE_free(features);
    return must;
}

bool sci_ssl_needs_staple(const sci_sslsocket *socket, const X509 *certificate) {
    if (socket->ocsp.policy == SCI_OCSP_REQUEST) return must_staple(certificate);
    return socket->ocsp.policy == SCI_OCSP_REQUIRE;
}

/* The peer's certificate and its issuer's, as OpenSSL has built the chain. */
static bool find_question(const sci_sslsocket *socket, sci_ocsp_query *question, sci_failure *failure) {
    STACK_OF(X509) *chain = socket->verdict.chain ? socket->verdict.chain : SSL_get0_verified_chain(socket->ssl);
    question->certificate = sk_X509_value(chain, 0);
    question->issuer = sk_X509_value(chain, 1);
    if (!question->issuer && question->certificate && X509_self_signed(question->certificate, 1) == 1)
        question->issuer = question->certificate;
    if (question->issuer) return true;
    failure->condition = "ocsp_no_issuer";
    failure->message = "the certificate of the issuer is missing";
    return false;
}

static size_t find_response(SSL *ssl, const unsigned char **bytes) {
    long length = (long)SSL_get_tlsext_status_ocsp_resp(ssl, bytes);
    return length > 0 && *bytes ? (size_t)length : 0;
}

static bool verify_staple(const sci_sslsocket *socket, int *status, sci_failure *failure) {
    sci_ocsp_query question = {.at = (lua_Integer)time(NULL), .skew = SCI_OCSP_SKEW};
    const unsigned char *bytes = NULL;
    sci_ocsp ocsp = {0};
    size_t length = find_response(socket->ssl, &bytes);
    if (length == 0) {
        failure->condition = "ocsp_missing";
        return false;
    }
    bool verified = find_question(socket, &question, failure) && sci_read_ocsp(&ocsp, bytes, length, failure) &&
                    sci_verify_ocsp(&ocsp, &question, status, failure);
    sci_free_ocsp(&ocsp);
    return verified;
}

/* No response can be about a raw public key. */
static bool accepts_raw_key(sci_sslsocket *socket) {
    if (!sci_ssl_raw_key(socket->ssl) || socket->ocsp.policy != SCI_OCSP_REQUIRE) return true;
    socket->ocsp.condition = "ocsp_missing";
    return false;
}

/* Whether the handshake may go on. */
static bool accepts(sci_sslsocket *socket) {
    SSL *ssl = socket->ssl;
    sci_failure failure = {0};
    int status = V_OCSP_CERTSTATUS_UNKNOWN;
    const X509 *certificate = SSL_get0_peer_certificate(ssl);
    if (socket->ocsp.policy == SCI_OCSP_NONE || SSL_session_reused(ssl)) return true;
    if (!certificate) return accepts_raw_key(socket);
    bool required = sci_ssl_needs_staple(socket, certificate);
    bool verified = verify_staple(socket, &status, &failure);
    if (verified && status == V_OCSP_CERTSTATUS_GOOD) return true;
    if (verified) failure.condition = status == V_OCSP_CERTSTATUS_REVOKED ? "certificate_revoked" : "ocsp_unknown";
    socket->ocsp.condition = failure.condition ? failure.condition : "memory_full";
    socket->ocsp.message = failure.message;
    return !required && !(verified && status == V_OCSP_CERTSTATUS_REVOKED);
}

static int on_status(SSL *ssl, void *unused) {
    sci_sslsocket *socket = SSL_get_app_data(ssl);
    (void)unused;
    ERR_set_mark();
    int result = SSL_is_server(ssl) ? staple(socket) : accepts(socket);
    ERR_pop_to_mark();
    return result;
}

/* ---- the part of a connection ------------------------------------------------------------------------------------ */

void sci_ssl_inherit_ocsp(lua_State *L, sci_sslsocket *socket, const sci_context *context) {
    lua_getiuservalue(L, -1, SCI_CONTEXT_OCSP);
    socket->ocsp.response = (const unsigned char *)lua_tolstring(L, -1, &socket->ocsp.length);
    lua_setiuservalue(L, 1, SCI_SSL_OCSP);
    socket->ocsp.policy = context->ocsp.policy;
    SSL_CTX_set_tlsext_status_cb(context->ctx, on_status);
}

void sci_ssl_reset_ocsp(sci_sslsocket *socket) { socket->ocsp.condition = socket->ocsp.message = NULL; }

bool sci_ssl_explain_ocsp(const sci_sslsocket *socket, sci_failure *failure) {
    if (!socket->ocsp.condition) return false;
    failure->condition = socket->ocsp.condition;
    failure->message = socket->ocsp.message;
    return true;
}

/* ---- methods ----------------------------------------------------------------------------------------------------- */

/***
Sets the OCSP response that this connection of a server staples, in place of that of the context: before the handshake, or
while it is suspended at `"clientHello"` or `"certificate"`.
@function SciSslSocket:sslSetOcspResponse
@tparam ?string der nil: none
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError as `SciSslContext:setOcspResponse`; `not_initialized`, `handshake_under_way`, `closed`
*/
static int sslsocket_set_ocsp_response(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    if (!sci_check_ocsp_response(L)) return 2;
    if (socket->suspend.at != SCI_AT_CERTIFICATE && !sci_check_before_handshake(L)) return 2;
    socket->ocsp.response = (const unsigned char *)lua_tolstring(L, 2, &socket->ocsp.length);
    lua_setiuservalue(L, 1, SCI_SSL_OCSP);
    return sci_return_receiver(L);
}

/* The receiver, a client that has the server's certificate. NULL: nothing can have been stapled. */
static const sci_sslsocket *check_client(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    bool come = socket->handshake.done || socket->suspend.at == SCI_AT_VERIFY;
    return come && socket->ssl && socket->handshake.role == SCI_CLIENT ? socket : NULL;
}

/***
Returns the OCSP response that the server has stapled. `SciSslOcsp.parse` reads it. In TLS 1.3 it is there while the handshake
is suspended at `"verify"`; up to TLS 1.2 it comes after the verification.
@function SciSslSocket:ocspResponse
@treturn ?string DER; nil where there is none: the client did not ask, the server has none, or a session was resumed
@see SSL_get_tlsext_status_ocsp_resp(3)
*/
static int sslsocket_ocsp_response(lua_State *L) {
    const unsigned char *bytes = NULL;
    const sci_sslsocket *socket = check_client(L);
    size_t length = socket ? find_response(socket->ssl, &bytes) : 0;
    if (length > 0) lua_pushlstring(L, (const char *)bytes, length);
    else lua_pushnil(L);
    return 1;
}

/***
Verifies the OCSP response that the server has stapled, for the server's certificate and its issuer in the chain that OpenSSL
has built. `sslVerifyCertificate` tells whether that issuer is trusted.
@function SciSslSocket:sslVerifyOcsp
@tparam[opt] table options `at`: seconds since the epoch, the time of the verification (default: now); `skew`: seconds by
 which clocks may differ (default 300)
@treturn[1] table as `SciSslOcsp.check`: its `status` is `"good"`, `"revoked"` or `"unknown"`
@treturn[2] nil
@treturn[2] SciSslError phase `ocsp`, condition `ocsp_missing`, `ocsp_no_issuer`, or those of `SciSslOcsp.check`
@raise for an unknown option, or an option of a wrong type
*/
static int sslsocket_verify_ocsp(lua_State *L) {
    static const char *const options[] = {"at", "skew", NULL};
    sci_failure failure = {.phase = "ocsp", .condition = "ocsp_missing"};
    const unsigned char *bytes = NULL;
    lua_settop(L, 2);
    sci_check_sslsocket(L, 1);
    if (lua_isnil(L, 2)) lua_newtable(L), lua_replace(L, 2);
    sci_ocsp *ocsp = sci_new_ocsp(L);
    int first = sci_push_options(L, 2, options);
    sci_ocsp_query question = {
        .at = sci_check_time_option(L, 2, "at", first, (lua_Integer)time(NULL)),
        .skew = sci_check_seconds_option(L, 2, "skew", first + 1, SCI_OCSP_SKEW),
    };
    const sci_sslsocket *socket = check_client(L);
    size_t length = socket ? find_response(socket->ssl, &bytes) : 0;
    sci_clear_errors();
    if (length == 0 || !find_question(socket, &question, &failure)) return sci_fail(L, &failure);
    return sci_push_verified_ocsp(L, ocsp, bytes, length, &question);
}

static const luaL_Reg ocsp_methods[] = {
    {"sslSetOcspResponse", sslsocket_set_ocsp_response},
    {"ocspResponse", sslsocket_ocsp_response},
    {"sslVerifyOcsp", sslsocket_verify_ocsp},
    {NULL, NULL},
};

void sci_open_ocsp_stapling(lua_State *L) { luaL_setfuncs(L, ocsp_methods, 0); }
