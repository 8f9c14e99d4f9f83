/* handshake.c: SciSslSocket, sslAccept and sslConnect. Document: S3 to S7, S10 to S15. */
#include "connection/connection.h"

#include <string.h>

#define ATTEMPTS 16 /* malformed fragments that one call passes over */

void sci_ssl_reset_handshake(sci_sslsocket *socket) { memset(&socket->handshake, 0, sizeof socket->handshake); }

void sci_ssl_forget_handshake(sci_sslsocket *socket) { socket->handshake.done = false; }

static bool begin_as_client(sci_sslsocket *socket) {
    socket->handshake.role = SCI_CLIENT;
    SSL_set_connect_state(socket->ssl);
    if (socket->suspend.points & SCI_AT_VERIFY) sci_ssl_require_verdict(socket);
    /* OpenSSL resumes a session without verifying again. A session that does not pass now is not offered. */
    return sci_ssl_may_offer_session(socket) || SSL_set_session(socket->ssl, NULL);
}

bool sci_ssl_begin_as_server(sci_sslsocket *socket) {
    socket->handshake.role = SCI_SERVER;
    SSL_set_accept_state(socket->ssl);
    sci_context_keep_sessions(socket->context);
    return SSL_set_session_id_context(socket->ssl, socket->sessions.id_context, socket->sessions.id_context_length) ==
           1;
}

bool sci_ssl_take_role(lua_State *L, sci_sslsocket *socket, sci_role role, const char *phase) {
    if (socket->handshake.role == role) return true;
    if (socket->handshake.role != SCI_NO_ROLE)
        return sci_ssl_fail(L, phase, "wrong_role",
                            role == SCI_SERVER ? "this socket is a client: sslConnect was called on it"
                                               : "this socket is a server: sslAccept was called on it");
    sci_ssl_begin(L, socket);
    bool taken = role == SCI_SERVER ? sci_ssl_begin_as_server(socket) : begin_as_client(socket);
    sci_ssl_end(socket);
    if (taken) return true;
    sci_ssl_push_error(L, socket, SSL_ERROR_SSL, phase);
    return false;
}

/* Whether the handshake cannot go on before the caller has decided about the peer. */
static bool awaits_verdict(const sci_sslsocket *socket, int result) {
    return result <= 0 && socket->transport.orders.withheld &&
           SSL_get_error(socket->ssl, result) == SSL_ERROR_WANT_WRITE;
}

static bool has_keys_for_finished(const SSL *ssl) {
    OSSL_HANDSHAKE_STATE state = SSL_get_state(ssl);
    return state == TLS_ST_SR_CHANGE || state == TLS_ST_CR_CHANGE;
}

/* Whether OpenSSL has failed at a malformed fragment of a message, for which it gives no reason. It may go on. */
static bool met_bad_fragment(const sci_sslsocket *socket, int result) {
    return result < 0 && socket->transport.datagrams && ERR_peek_error() == 0 &&
           socket->transport.failure.system_errno == 0 && !socket->transport.read.eof && !socket->callback.failed &&
           SSL_get_error(socket->ssl, result) == SSL_ERROR_SYSCALL;
}

/* OpenSSL's part of a call. Returns what SSL_do_handshake returned. */
static int step(lua_State *L, sci_sslsocket *socket) {
    sci_ssl_begin(L, socket);
    socket->handshake.begun = true;
    sci_ssl_keep_buffers(socket);
    if (socket->transport.datagrams)
        sci_transport_expect_finished(&socket->transport, has_keys_for_finished(socket->ssl));
    int result, attempts = ATTEMPTS;
    do result = SSL_do_handshake(socket->ssl);
    while (met_bad_fragment(socket, result) && --attempts > 0);
    sci_ssl_end(socket);
    if (socket->transport.ktls.on) sci_socket_note_encrypted(&socket->socket);
    return result;
}

/* OpenSSL has completed the handshake. What is left is whether the peer is accepted. */
static void complete(lua_State *L, sci_sslsocket *socket, const char *phase) {
    sci_ktls_end_handshake(socket->ssl, &socket->transport);
    if (!sci_ssl_accept_resumption(L, socket, phase) || !sci_ssl_settle_verdict(L, socket, phase)) return;
    sci_transport_forget(&socket->transport);
    sci_transport_note_associated(&socket->transport);
    /* Where that option is set, OpenSSL takes the end for a close_notify. */
    sci_transport_let_end(&socket->transport, !(SSL_get_options(socket->ssl) & SSL_OP_IGNORE_UNEXPECTED_EOF));
    socket->handshake.done = true;
    sci_ssl_push_count(L, socket, 1);
}

static int do_handshake(lua_State *L, sci_role role, const char *phase) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    lua_settop(L, 1);
    if (!sci_ssl_ready(L, socket, phase) || !sci_ssl_take_role(L, socket, role, phase)) return 1;
    if (socket->transport.orders.withheld && !sci_ssl_settle_verdict(L, socket, phase)) return 1;
    int result = step(L, socket);
    if (awaits_verdict(socket, result)) (void)sci_ssl_settle_verdict(L, socket, phase);
    else if (socket->callback.failed) sci_ssl_push_error(L, socket, SSL_ERROR_SSL, phase);
    else if (result <= 0) sci_ssl_push_failure(L, socket, result, phase);
    else complete(L, socket, phase);
    return 1;
}

/***
Makes the handshake as a server. It needs a connected transport and `sslInitialize`. On a blocking socket it returns when
the handshake is completed or has failed.
@function SciSslSocket:sslAccept
@treturn integer|SciSslError 1: the connection is secure; 0 or less: not ready: do what `sslGetError` says, then repeat the
 call; a SciSslError (phase `accept`): the handshake has failed, or something is missing
@see SSL_accept(3)
*/
static int sslsocket_accept_tls(lua_State *L) { return do_handshake(L, SCI_SERVER, "accept"); }

/***
Makes the handshake as a client. It needs a connected transport and `sslInitialize`. On a blocking socket it returns when
the handshake is completed or has failed.
@function SciSslSocket:sslConnect
@treturn integer|SciSslError 1: the connection is secure; 0 or less: not ready: do what `sslGetError` says, then repeat the
 call; a SciSslError (phase `connect`): the handshake has failed, or something is missing
@see SSL_connect(3)
*/
static int sslsocket_connect_tls(lua_State *L) { return do_handshake(L, SCI_CLIENT, "connect"); }

static const luaL_Reg handshake_methods[] = {
    {"sslAccept", sslsocket_accept_tls},
    {"sslConnect", sslsocket_connect_tls},
    {NULL, NULL},
};

void sci_open_handshake(lua_State *L) { sci_ssl_add_methods(L, handshake_methods); }
