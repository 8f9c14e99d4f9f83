/* verdict.c: SciSslSocket, the verification of the peer, the decision of a caller that suspends the handshake there, and the
 * alert for a client that is rejected after OpenSSL's part of the handshake. */
#include "connection/connection.h"

#include <string.h>

static void note_verdict(sci_sslsocket *socket, X509_STORE_CTX *store, bool verified) {
    socket->verdict.rejected = !verified;
    socket->verdict.code = X509_STORE_CTX_get_error(store);
    socket->verdict.depth = X509_STORE_CTX_get_error_depth(store);
}

/* The approval holds for this certificate until the connection ends: a renegotiation verifies it again. */
static void note_approval(sci_sslsocket *socket, X509 *certificate) {
    if (!socket->verdict.rejected || !certificate || !X509_up_ref(certificate)) return;
    X509_free(socket->verdict.approved);
    socket->verdict.approved = certificate;
}

static bool is_approved(const sci_sslsocket *socket, X509_STORE_CTX *store) {
    const X509 *certificate = X509_STORE_CTX_get0_cert(store);
    return socket->verdict.approved && certificate && X509_cmp(socket->verdict.approved, certificate) == 0;
}

/* The verification was made before the handshake was suspended. OpenSSL gets its result, its chain, and the decision. */
static int carry_out(sci_sslsocket *socket, X509_STORE_CTX *store) {
    sci_decision decision = socket->suspend.decision;
    X509_STORE_CTX_set0_verified_chain(store, socket->verdict.chain);
    socket->verdict.chain = NULL;
    X509_STORE_CTX_set_error_depth(store, socket->verdict.depth);
    X509_STORE_CTX_set_error(store, (int)socket->verdict.code);
    if (!sci_ssl_resume(socket)) {
        X509_STORE_CTX_set_error(store, (int)sci_result_of_alert(socket->suspend.alert));
        return 0;
    }
    if (decision == SCI_APPROVED) note_approval(socket, X509_STORE_CTX_get0_cert(store));
    return decision == SCI_APPROVED || socket->verdict.optional || !socket->verdict.rejected;
}

static bool names_host_in_subject(const X509_VERIFY_PARAM *param, X509 *leaf) {
    unsigned int flags = X509_VERIFY_PARAM_get_hostflags(param);
    const char *host;
    if (!(flags & X509_CHECK_FLAG_NEVER_CHECK_SUBJECT)) return false;
    flags &= ~(unsigned int)X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
    for (int i = 0; (host = X509_VERIFY_PARAM_get0_host((X509_VERIFY_PARAM *)param, i)) != NULL; i++)
        if (X509_check_host(leaf, host, 0, flags, NULL) == 1) return true;
    return false;
}

/* By RFC 9525 the common name does not count. OpenSSL only reports that the certificate is for another host. The names come
 * from the SSL, not from `store`: there OpenSSL 4.0 has copied them without their NUL. */
static bool has_common_name_only(const sci_sslsocket *socket, X509_STORE_CTX *store) {
    X509 *leaf = X509_STORE_CTX_get0_cert(store);
    return X509_STORE_CTX_get_error(store) == X509_V_ERR_HOSTNAME_MISMATCH && leaf &&
           names_host_in_subject(SSL_get0_param(socket->ssl), leaf);
}

/* A client is suspended here. On a server, never return "retry": OpenSSL treats that as success. A server goes on, and is
 * suspended before it sends its last flight (see sci_ssl_hold_last_flight), or in TLS 1.3 when the handshake is done. */
static int await_verdict(sci_sslsocket *socket, X509_STORE_CTX *store, bool verified) {
    note_verdict(socket, store, verified);
    if (socket->handshake.role == SCI_SERVER) return 1;
#ifdef SSL_set_retry_verify
    if (X509_STORE_CTX_get0_chain(store)) socket->verdict.chain = X509_STORE_CTX_get1_chain(store);
    sci_ssl_suspend(socket, SCI_AT_VERIFY);
    return SSL_set_retry_verify(socket->ssl);
#else
    return verified;
#endif
}

/* Returns what OpenSSL's callback returns: 1: the handshake goes on, or is suspended. */
static int verify_peer(sci_sslsocket *socket, X509_STORE_CTX *store) {
    bool verified = socket->pins.count > 0 ? sci_ssl_verify_by_pin(socket, store)
                                           : sci_context_verify_peer(socket->context, store, NULL);
    if (!verified) socket->verdict.common_name_only = has_common_name_only(socket, store);
    if (sci_ssl_must_suspend(socket, SCI_AT_VERIFY)) return await_verdict(socket, store, verified);
    return verified || is_approved(socket, store);
}

/* OpenSSL calls this in place of X509_verify_cert. Where the handshake goes on, errors of a verification must not stay: OpenSSL
 * would take them for the reason why it has to wait. */
static int on_verify(X509_STORE_CTX *store, void *unused) {
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    sci_sslsocket *socket = ssl ? SSL_get_app_data(ssl) : NULL;
    (void)unused;
    if (!socket) return X509_verify_cert(store) > 0;
    if (socket->handshake.role == SCI_CLIENT && socket->suspend.at == SCI_AT_VERIFY) return carry_out(socket, store);
    ERR_set_mark();
    int result = verify_peer(socket, store);
    if (result > 0) ERR_pop_to_mark();
    else ERR_clear_last_mark();
    return result;
}

void sci_ssl_install_verification(SSL_CTX *ctx) { SSL_CTX_set_cert_verify_callback(ctx, on_verify, NULL); }

/* With SSL_VERIFY_NONE OpenSSL does not suspend. */
void sci_ssl_require_verdict(sci_sslsocket *socket) {
    int mode = SSL_get_verify_mode(socket->ssl);
    socket->verdict.optional = !(mode & SSL_VERIFY_PEER);
    SSL_set_verify(socket->ssl, mode | SSL_VERIFY_PEER, NULL);
}

void sci_ssl_drop_verdict(sci_sslsocket *socket) {
    sk_X509_pop_free(socket->verdict.chain, X509_free);
    X509_free(socket->verdict.approved);
    socket->verdict.chain = NULL;
    socket->verdict.approved = NULL;
}

void sci_ssl_reset_verdict(sci_sslsocket *socket) {
    sci_ssl_drop_verdict(socket);
    memset(&socket->verdict, 0, sizeof socket->verdict);
}

/* ---- after OpenSSL's part of the handshake ----------------------------------------------------------------------- */

/* Up to TLS 1.2 a server has sent nothing encrypted before its last flight, which begins after the client's Finished or,
 * where a session is resumed, with the ServerHello. Until that flight leaves, an alert is a record in plain text. */
void sci_ssl_hold_last_flight(sci_sslsocket *socket) {
    const SSL *ssl = socket->ssl;
    if (!sci_ssl_must_suspend(socket, SCI_AT_VERIFY) || sci_speaks_tls13(ssl)) return;
    OSSL_HANDSHAKE_STATE last = SSL_session_reused(ssl) ? TLS_ST_SW_SRVR_HELLO : TLS_ST_SR_FINISHED;
    if (SSL_get_state(ssl) == last) sci_transport_withhold(&socket->transport, true);
}

/* A resumed session has the result of an earlier handshake. What counts is a verification now. */
static void note_result(sci_sslsocket *socket) {
    long now = sci_ssl_verify_resumed(socket->ssl);
    if (now != X509_V_OK) SSL_set_verify_result(socket->ssl, now);
    if (SSL_session_reused(socket->ssl)) {
        socket->verdict.rejected = now != X509_V_OK && !sci_ssl_note_resumed_error(socket, now);
        socket->verdict.depth = 0;
    }
    socket->verdict.code = SSL_get_verify_result(socket->ssl);
}

/* The peer does not pass. Pushes the result of the call, and returns false. */
static bool end_rejected(lua_State *L, sci_sslsocket *socket, long result, const char *phase) {
    (void)SSL_CTX_remove_session(SSL_get_SSL_CTX(socket->ssl), SSL_get_session(socket->ssl));
    sci_ssl_send_alert(L, socket, sci_alert_of_result(result));
    ERR_raise(ERR_LIB_SSL, SSL_R_CERTIFICATE_VERIFY_FAILED);
    sci_ssl_push_error(L, socket, SSL_ERROR_SSL, phase);
    return false;
}

bool sci_ssl_accept_resumption(lua_State *L, sci_sslsocket *socket, const char *phase) {
    if (socket->suspend.points & SCI_AT_VERIFY) return true; /* the caller decides */
    long result = socket->suspend.at ? X509_V_OK : sci_ssl_verify_resumed(socket->ssl);
    if (result == X509_V_OK) return true;
    SSL_set_verify_result(socket->ssl, result);
    return sci_ssl_note_resumed_error(socket, result) || end_rejected(L, socket, result, phase);
}

static bool suspend_at_verify(lua_State *L, sci_sslsocket *socket) {
    note_result(socket);
    sci_ssl_suspend(socket, SCI_AT_VERIFY);
    sci_ssl_push_not_ready(L, socket, SSL_ERROR_WANT_RETRY_VERIFY);
    return false;
}

bool sci_ssl_settle_verdict(lua_State *L, sci_sslsocket *socket, const char *phase) {
    if (sci_ssl_must_suspend(socket, SCI_AT_VERIFY)) return suspend_at_verify(L, socket);
    bool decides = socket->suspend.at == SCI_AT_VERIFY, approved = decides && socket->suspend.decision == SCI_APPROVED;
    if (!sci_ssl_resume(socket)) {
        sci_ssl_send_alert(L, socket, socket->suspend.alert);
        sci_ssl_push_error(L, socket, SSL_ERROR_SSL, phase);
        return false;
    }
    if (decides && socket->verdict.rejected && !approved) return end_rejected(L, socket, socket->verdict.code, phase);
    if (approved) note_approval(socket, SSL_get0_peer_certificate(socket->ssl));
    sci_transport_withhold(&socket->transport, false);
    return true;
}

/* ---- methods ----------------------------------------------------------------------------------------------------- */

/***
Approves the peer in a handshake that is suspended at `"verify"`, whatever OpenSSL's verification result is. Then repeat the
call. The approval holds for that certificate until the connection ends. `sslVerifyCertificate` still returns OpenSSL's own
result. With `SSL_VERIFY_FAIL_IF_NO_PEER_CERT` a client without a certificate is rejected before this point.
@function SciSslSocket:sslApprove
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `not_suspended`, `closed`
*/
static int sslsocket_approve(lua_State *L) {
    sci_sslsocket *socket = sci_ssl_check_suspended(L, SCI_AT_VERIFY);
    if (!socket) return 2;
    sci_ssl_approve(socket);
    return sci_return_receiver(L);
}

static bool get_verified(const void *owner, void **list) {
    const sci_sslsocket *socket = owner;
    STACK_OF(X509) *chain = socket->verdict.chain ? socket->verdict.chain : SSL_get0_verified_chain(socket->ssl);
    *list = chain ? X509_chain_up_ref(chain) : NULL;
    return !chain || *list;
}

/***
Returns OpenSSL's verification result for the peer, while the handshake is suspended at `"verify"`.
@function SciSslSocket:sslVerdict
@treturn[1] table with the fields

- `ok`: boolean: the peer has presented a certificate or a raw public key, and it passes
- `code`: integer, `X509_V_OK` or an `X509_V_ERR_…`; nil where there is no certificate
- `text`: the code in words
- `depth`: integer: the certificate of the chain that the code is about; 0 is the peer's own
- `chain`: array of SciSslX509Certificate: what the peer presented, its own first; empty where it presented none
- `rawPublicKey`: table as of `peerRawPublicKey`; nil where the peer presented none
- `verified`: array: the chain that OpenSSL built; empty where it could not build one
- `resumed`: boolean: the certificates are those of a resumed session

@treturn[2] nil
@treturn[2] SciSslError condition `not_suspended`, `closed`
@see X509_STORE_CTX_get_error(3)
*/
static int sslsocket_verdict(lua_State *L) {
    const sci_sslsocket *socket = sci_ssl_check_suspended(L, SCI_AT_VERIFY);
    if (!socket) return 2;
    bool presented = SSL_get0_peer_certificate(socket->ssl) || sci_ssl_raw_key(socket->ssl) ||
                     sk_X509_num(SSL_get_peer_cert_chain(socket->ssl)) > 0;
    lua_createtable(L, 0, 8);
    sci_set_boolean(L, "ok", presented && socket->verdict.code == X509_V_OK);
    if (presented) lua_pushinteger(L, socket->verdict.code);
    else lua_pushnil(L);
    lua_setfield(L, -2, "code");
    if (presented) lua_pushstring(L, X509_verify_cert_error_string(socket->verdict.code));
    else lua_pushliteral(L, "the peer presented no certificate");
    lua_setfield(L, -2, "text");
    sci_set_integer(L, "depth", socket->verdict.depth);
    sci_set_boolean(L, "resumed", SSL_session_reused(socket->ssl));
    sci_push_presented(L, socket->ssl);
    lua_setfield(L, -2, "chain");
    sci_ssl_push_raw_key(L, socket->ssl);
    lua_setfield(L, -2, "rawPublicKey");
    sci_push_certificates_of(L, get_verified, socket);
    lua_setfield(L, -2, "verified");
    return 1;
}

static const luaL_Reg verdict_methods[] = {
    {"sslApprove", sslsocket_approve},
    {"sslVerdict", sslsocket_verdict},
    {NULL, NULL},
};

void sci_open_verdict(lua_State *L) { luaL_setfuncs(L, verdict_methods, 0); }
