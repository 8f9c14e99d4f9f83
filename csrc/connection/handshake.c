/* handshake.c: SciSslSocket, sslAccept and sslConnect. Document: S3 to S7, S10 to S15. */
#include "connection/connection.h"

/* ---- callbacks in C: they look and note, and never call Lua ----------------------------------------------------- */

static void on_info(const SSL *ssl, int where, int value) {
    sci_sslsocket *socket = SSL_get_app_data(ssl);
    if ((where & SSL_CB_WRITE_ALERT) == SSL_CB_WRITE_ALERT && (value >> 8) == SSL3_AL_FATAL)
        socket->alert_sent = value & 0xff;
    if (where & SSL_CB_ALERT) sci_ssl_note_alert(socket, where & SSL_CB_WRITE, value);
    if (where & SSL_CB_LOOP) sci_ssl_count_message(socket);
    sci_ssl_note_state(socket, where);
    if ((where & SSL_CB_ACCEPT_LOOP) == SSL_CB_ACCEPT_LOOP) sci_ssl_withhold(socket);
    /* A client's session may be the one that is being offered, and the user's, until the handshake is done. */
    if (where & SSL_CB_HANDSHAKE_DONE || (where & SSL_CB_ACCEPT_LOOP) == SSL_CB_ACCEPT_LOOP)
        sci_ssl_keep_timeout(socket, SSL_get_session(ssl));
}

bool sci_ssl_install_callbacks(sci_sslsocket *socket, SSL *ssl) {
    sci_ssl_go_on_tracing(socket, ssl);
    SSL_set_info_callback(ssl, on_info);
    sci_ssl_install_stations(socket, ssl);
    return SSL_set_app_data(ssl, socket) == 1;
}

/* SSL_new copies the list of custom extensions: this comes before. */
bool sci_ssl_prepare_context(sci_context *context) {
    SSL_CTX *ctx = context->ctx;
    if (context->prepared) return true;
    sci_ssl_install_alpn(ctx);
    sci_ssl_install_suspension(ctx);
    sci_ssl_install_verification(ctx);
    sci_ssl_install_sessions(ctx);
    sci_ssl_install_session_lookup(ctx);
    context->prepared = sci_ssl_install_tickets(ctx) && sci_ssl_install_refusal(ctx);
    return context->prepared;
}

/* ---- the handshake ---------------------------------------------------------------------------------------------- */

/* OpenSSL asks nobody about the certificate where it is told that it does not matter. */
static void insist_on_verification(sci_sslsocket *socket) {
    int mode = SSL_get_verify_mode(socket->ssl);
    socket->lenient = !(mode & SSL_VERIFY_PEER);
    SSL_set_verify(socket->ssl, mode | SSL_VERIFY_PEER, NULL);
}

static bool begin_as_client(sci_sslsocket *socket) {
    socket->role = SCI_CLIENT;
    SSL_set_connect_state(socket->ssl);
    if (socket->suspends_at & SCI_AT_VERIFY) insist_on_verification(socket);
    /* OpenSSL would resume without a new look at the certificate: what does not pass now takes a full handshake. */
    return (!socket->afresh && sci_ssl_may_offer_session(socket)) || SSL_set_session(socket->ssl, NULL);
}

bool sci_ssl_begin_as_server(sci_sslsocket *socket) {
    socket->role = SCI_SERVER;
    SSL_set_accept_state(socket->ssl);
    sci_context_keep_sessions(socket->context);
    return SSL_set_session_id_context(socket->ssl, socket->sid, socket->sid_length) == 1;
}

bool sci_ssl_take_role(lua_State *L, sci_sslsocket *socket, sci_role role, const char *phase) {
    if (socket->role == role) return true;
    if (socket->role != SCI_NO_ROLE)
        return sci_ssl_refuse(L, phase, "wrong_role",
                              role == SCI_SERVER ? "sslConnect has begun on this socket: it is a client"
                                                 : "sslAccept has begun on this socket: it is a server");
    sci_ssl_begin(L, socket);
    bool taken = role == SCI_SERVER ? sci_ssl_begin_as_server(socket) : begin_as_client(socket);
    sci_ssl_end(socket);
    if (taken) return true;
    sci_ssl_push_error(L, socket, SSL_ERROR_SSL, phase);
    return false;
}

/* A client that has resumed a session, and would not be let in today. */
static bool pass_resumption(lua_State *L, sci_sslsocket *socket, const char *phase) {
    if (socket->suspends_at & SCI_AT_VERIFY) return true; /* it is the verdict that the caller decides about */
    long result = socket->station ? X509_V_OK : sci_ssl_judge_resumed(socket->ssl);
    if (result == X509_V_OK) return true;
    SSL_set_verify_result(socket->ssl, result);
    if (sci_ssl_overlooks_resumed(socket, result)) return true;
    socket->refusal = sci_alert_of_result(result);
    (void)SSL_CTX_remove_session(SSL_get_SSL_CTX(socket->ssl), SSL_get_session(socket->ssl));
    sci_ssl_send_refusal(L, socket);
    ERR_raise(ERR_LIB_SSL, SSL_R_CERTIFICATE_VERIFY_FAILED);
    sci_ssl_push_error(L, socket, SSL_ERROR_SSL, phase);
    return false;
}

/* The handshake goes no further until there is a verdict. */
static bool is_withheld(const sci_sslsocket *socket, int result) {
    return result <= 0 && socket->transport.withheld && SSL_get_error(socket->ssl, result) == SSL_ERROR_WANT_WRITE;
}

static int do_handshake(lua_State *L, sci_role role, const char *phase) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    lua_settop(L, 1);
    if (!sci_ssl_ready(L, socket, phase) || !sci_ssl_take_role(L, socket, role, phase)) return 1;
    if (socket->transport.withheld && !sci_ssl_pass_judgement(L, socket, phase)) return 1;
    sci_ssl_begin(L, socket);
    socket->shakes = true;
    sci_ssl_warm_up(socket);
    int result = SSL_do_handshake(socket->ssl);
    sci_ssl_end(socket);
    if (socket->transport.ktls) sci_socket_base(&socket->socket)->encrypted = true;
    if (is_withheld(socket, result)) {
        (void)sci_ssl_pass_judgement(L, socket, phase);
        return 1;
    }
    if (result <= 0 && !socket->handler_failed) {
        sci_ssl_push_failure(L, socket, result, phase);
        return 1;
    }
    if (socket->handler_failed) {
        sci_ssl_push_error(L, socket, SSL_ERROR_SSL, phase);
        return 1;
    }
    sci_ktls_end_handshake(socket->ssl, &socket->transport);
    if (!pass_resumption(L, socket, phase) || !sci_ssl_pass_judgement(L, socket, phase)) return 1;
    sci_transport_forget(&socket->transport);
    socket->secured = true;
    socket->wanted = SSL_ERROR_NONE;
    lua_pushinteger(L, 1);
    return 1;
}

/***
Makes the handshake as a server. Needs an established transport and `sslInitialize`. On a blocking socket it answers when
the handshake is finished or has failed. (Rows S3 to S6)
@function SciSslSocket:sslAccept
@treturn integer|SciSslError 1: the connection is secure; 0 or less: not yet, `sslGetError` says what it waits for, then
 repeat the call; a SciSslError (phase `accept`): it failed, or what is missing
@see SSL_accept(3)
*/
static int sslsocket_accept_tls(lua_State *L) { return do_handshake(L, SCI_SERVER, "accept"); }

/***
Makes the handshake as a client. Needs an established transport and `sslInitialize`. On a blocking socket it answers when
the handshake is finished or has failed. (Row S7)
@function SciSslSocket:sslConnect
@treturn integer|SciSslError 1: the connection is secure; 0 or less: not yet, `sslGetError` says what it waits for, then
 repeat the call; a SciSslError (phase `connect`): it failed, or what is missing
@see SSL_connect(3)
*/
static int sslsocket_connect_tls(lua_State *L) { return do_handshake(L, SCI_CLIENT, "connect"); }

static const luaL_Reg handshake_methods[] = {
    {"sslAccept", sslsocket_accept_tls},
    {"sslConnect", sslsocket_connect_tls},
    {NULL, NULL},
};

void sci_open_handshake(lua_State *L) { sci_ssl_add_methods(L, handshake_methods); }
