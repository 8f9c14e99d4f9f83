/* handshake.c: SciSslSocket, the document's handshake, and what else the two sides say to each other beside data.
 * Document rows S3 to S7 and S10 to S15. */
#include "connection/connection.h"

/* ---- callbacks in C: they look and note, and never call Lua ----------------------------------------------------- */

/* The session's time-out is the one thing of S9 that OpenSSL reads from the context in mid-handshake. */
void sci_ssl_keep_timeout(const sci_sslsocket *socket, SSL_SESSION *session) {
    if (session && !SSL_session_reused(socket->ssl) && SSL_SESSION_get_timeout(session) != socket->session_timeout)
        SSL_SESSION_set_timeout(session, socket->session_timeout);
}

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

/* A server takes the first of its own protocols that the client offers; none in common is fatal (RFC 7301). */
static int on_alpn(SSL *ssl, const unsigned char **chosen, unsigned char *length, const unsigned char *offered,
                   unsigned int offered_length, void *unused) {
    const sci_sslsocket *socket = SSL_get_app_data(ssl);
    unsigned char *selected = NULL;
    (void)unused;
    if (!socket->alpn) return SSL_TLSEXT_ERR_NOACK;
    int outcome = SSL_select_next_proto(&selected, length, socket->alpn, socket->alpn_length, offered, offered_length);
    *chosen = selected;
    return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
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
    SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
    sci_ssl_install_suspension(ctx);
    sci_ssl_install_session_cache(ctx);
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

/* OpenSSL returns 0, as for a close_notify that has left, where it tries again in vain. */
static int say_end(sci_sslsocket *socket) {
    int result = SSL_shutdown(socket->ssl);
    bool stuck = socket->transport.unsent || SSL_want(socket->ssl) == SSL_WRITING;
    return result == 0 && stuck ? -1 : result;
}

/* Waits for the peer's close_notify as SSL_shutdown does, which would give the connection up where there is data before it. */
static int await_end(SSL *ssl, bool *unread) {
    unsigned char byte;
    size_t length = 0;
    int result = SSL_peek_ex(ssl, &byte, 1, &length);
    *unread = result > 0;
    if (result > 0) return -1;
    return SSL_get_error(ssl, result) == SSL_ERROR_ZERO_RETURN ? SSL_shutdown(ssl) : -1;
}

/***
Ends the TLS connection and leaves the transport open. The first call sends our close_notify, the next ones wait for the
peer's. What the peer has sent before its own must be read first: a call that meets such data returns the condition
`unread_data`, and changes nothing.
@function SciSslSocket:sslShutdown
@treturn integer|SciSslError 1: both sides have closed; 0: ours is sent, the peer's has not come (`sslGetError` answers
 `SSL_ERROR_WANT_READ`); less: not yet, as in `sslConnect`; a SciSslError (phase `shutdown`, condition
 `handshake_needed`, `unread_data`, `write_pending`, `handshake_pending`: a renegotiation or another message has begun and is
 not complete …), or the failure of the write before it
@see SSL_shutdown(3)
*/
static int sslsocket_shutdown_tls(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    lua_settop(L, 1);
    if (!sci_ssl_ready_for_data(L, socket, "shutdown")) return 1;
    if (socket->pending_length > 0) {
        sci_ssl_refuse_pending(L, socket, "shutdown", "an sslWrite has answered \"not yet\" and has not been repeated");
        return 1;
    }
    bool unread = false;
    sci_ssl_begin(L, socket);
    int result = socket->said_end ? await_end(socket->ssl, &unread) : say_end(socket);
    sci_ssl_end(socket);
    socket->said_end = socket->said_end || result >= 0;
    if (unread) sci_ssl_refuse(L, "shutdown", "unread_data", NULL);
    else if (result < 0) sci_ssl_push_failure(L, socket, result, "shutdown");
    else if (result == 0) sci_ssl_push_zero(L, socket, SSL_ERROR_WANT_READ);
    else lua_pushinteger(L, 1);
    sci_clear_errors();
    return 1;
}

/***
Sets whether TLS reads as much as the transport has, many records at once (it does), or just the record that is due, so
that what the peer sends behind its close_notify is left in the transport, for whoever goes on in plain text.
@function SciSslSocket:sslSetReadAhead
@tparam boolean ahead
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `closed` or `not_initialized`
@see SSL_set_read_ahead(3)
*/
static int sslsocket_set_read_ahead(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    luaL_checktype(L, 2, LUA_TBOOLEAN);
    if (sci_ssl_is_closed(socket)) return sci_fail_own(L, "option", "closed", NULL);
    if (!socket->ssl) return sci_fail_own(L, "option", "not_initialized", NULL);
    socket->exact = !lua_toboolean(L, 2);
    if (!socket->failed) sci_ktls_set_read_ahead(socket->ssl, &socket->transport, !socket->exact); /* see cool_down */
    return sci_return_receiver(L);
}

int sci_ssl_send_message(lua_State *L, sci_sslsocket *socket, int asked, const char *phase) {
    int result = asked == 1 ? SSL_do_handshake(socket->ssl) : -1;
    sci_ssl_end(socket);
    if (result > 0) lua_pushinteger(L, 1);
    else sci_ssl_push_failure(L, socket, result, phase);
    return 1;
}

/* False: an answer was pushed. */
static bool may_renew_keys(lua_State *L, const sci_sslsocket *socket, const char *phase) {
    return !socket->transport.ktls || sci_ssl_refuse(L, phase, "ktls", NULL);
}

/***
Asks for a new handshake on a TLS 1.2 connection. A server sends its request with this call, and the exchange goes on
inside the reads that follow on both sides.
@function SciSslSocket:sslRenegotiate
@treturn integer|SciSslError 1: the request has gone out; 0 or less: not yet; a SciSslError (condition
 `handshake_needed`, `renegotiation_refused`, `ktls`: the kernel has the keys, or `protocol_version`: TLS 1.3 has no
 renegotiation, see `sslKeyUpdate`)
@see SSL_renegotiate(3)
*/
static int sslsocket_renegotiate(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    lua_settop(L, 1);
    if (!sci_ssl_ready_for_data(L, socket, "renegotiate")) return 1;
    if (SSL_version(socket->ssl) == TLS1_3_VERSION) {
        sci_ssl_refuse(L, "renegotiate", "protocol_version",
                       "TLS 1.3 has no renegotiation: sslKeyUpdate renews its keys");
        return 1;
    }
    if (!may_renew_keys(L, socket, "renegotiate")) return 1;
    sci_ssl_begin(L, socket);
    int asked =
        SSL_renegotiate_pending(socket->ssl) || !SSL_is_init_finished(socket->ssl) ? 1 : SSL_renegotiate(socket->ssl);
    return sci_ssl_send_message(L, socket, asked, "renegotiate");
}

/***
Renews the keys of a TLS 1.3 connection.
@function SciSslSocket:sslKeyUpdate
@tparam[opt=false] boolean both ask the peer to renew its own as well
@treturn integer|SciSslError 1: the message has gone out; 0 or less: not yet; a SciSslError (condition
 `handshake_needed`, `protocol_version`: TLS 1.2 has none, or `ktls`: the kernel has the keys)
@see SSL_key_update(3)
*/
static int sslsocket_key_update(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    int kind = lua_toboolean(L, 2) ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED;
    lua_settop(L, 1);
    if (!sci_ssl_ready_for_data(L, socket, "keyUpdate")) return 1;
    if (SSL_version(socket->ssl) < TLS1_3_VERSION) {
        sci_ssl_refuse(L, "keyUpdate", "protocol_version", "key updates came with TLS 1.3");
        return 1;
    }
    if (!may_renew_keys(L, socket, "keyUpdate")) return 1;
    if (socket->pending_length > 0) {
        sci_ssl_refuse(L, "keyUpdate", "write_pending",
                       "an sslWrite has answered \"not yet\" and has not been repeated");
        return 1;
    }
    sci_ssl_begin(L, socket);
    int asked = SSL_get_key_update_type(socket->ssl) != SSL_KEY_UPDATE_NONE ? 1 : SSL_key_update(socket->ssl, kind);
    return sci_ssl_send_message(L, socket, asked, "keyUpdate");
}

bool sci_ssl_may_tell_client(lua_State *L, sci_sslsocket *socket, const char *phase) {
    const char *condition = NULL;
    if (!sci_ssl_ready_for_data(L, socket, phase)) return false;
    if (socket->role != SCI_SERVER) condition = "wrong_role";
    else if (SSL_version(socket->ssl) < TLS1_3_VERSION) condition = "protocol_version";
    else if (socket->pending_length > 0) condition = "write_pending";
    return !condition || sci_ssl_refuse(L, phase, condition, NULL);
}

/***
Asks the client for a certificate after the handshake, on a server of TLS 1.3 whose flags have `SSL_VERIFY_PEER`. The answer
comes with the reads that follow: then `peerCertificate` has it, or the read fails as the handshake would have.
@function SciSslSocket:sslVerifyClientPostHandshake
@treturn integer|SciSslError 1: the request has gone out; 0 or less: not yet; a SciSslError (condition `handshake_needed`,
 `wrong_role`, `protocol_version`, `write_pending`, `post_handshake_refused`: the client does not do that;
 `request_sent`: it has been asked already)
@see SSL_verify_client_post_handshake(3)
*/
static int sslsocket_verify_client(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    lua_settop(L, 1);
    if (!sci_ssl_may_tell_client(L, socket, "verifyClient")) return 1;
    sci_ssl_begin(L, socket);
    int asked = !SSL_is_init_finished(socket->ssl) || SSL_verify_client_post_handshake(socket->ssl) == 1;
    if (asked) return sci_ssl_send_message(L, socket, 1, "verifyClient");
    sci_ssl_end(socket);
    sci_push_error(L, &(sci_failure){.phase = "verifyClient"});
    return 1;
}

static const luaL_Reg handshake_methods[] = {
    {"sslVerifyClientPostHandshake", sslsocket_verify_client},
    {"sslAccept", sslsocket_accept_tls},
    {"sslConnect", sslsocket_connect_tls},
    {"sslShutdown", sslsocket_shutdown_tls},
    {"sslSetReadAhead", sslsocket_set_read_ahead},
    {"sslRenegotiate", sslsocket_renegotiate},
    {"sslKeyUpdate", sslsocket_key_update},
    {NULL, NULL},
};

void sci_open_handshake(lua_State *L) { sci_ssl_add_methods(L, handshake_methods); }
