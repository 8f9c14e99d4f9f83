/* shutdown.c: SciSslSocket, sslShutdown: the exchange of close_notify. */
#include "connection/connection.h"

void sci_ssl_reset_shutdown(sci_sslsocket *socket) { socket->shutdown.sent = false; }

/* OpenSSL returns 0 not only when the close_notify has left, but also when a repeated attempt to send it fails. */
static int send_to_memory(sci_sslsocket *socket) {
    int result = SSL_shutdown(socket->ssl);
    bool stuck = socket->transport.failure.unsent || SSL_want(socket->ssl) == SSL_WRITING;
    return result == 0 && stuck ? -1 : result;
}

#define UNSENT (-2) /* the message is made, and the descriptor has not taken it: not yet, or it has failed */

/* OpenSSL 4.0 ends a connection whose descriptor fails; what the peer had sent before could not be read. So the descriptor's BIO
 * takes the message whole. */
static int send_to_descriptor(sci_sslsocket *socket) {
    int made = SSL_get_shutdown(socket->ssl), result = made & SSL_RECEIVED_SHUTDOWN ? 1 : 0;
    if (!(made & SSL_SENT_SHUTDOWN) || SSL_want(socket->ssl) == SSL_WRITING) {
        sci_transport_take_whole(&socket->transport, true);
        result = send_to_memory(socket);
        sci_transport_take_whole(&socket->transport, false);
    }
    if (result < 0 && SSL_want(socket->ssl) == SSL_WRITING) return result;
    return sci_transport_has_room(&socket->transport) ? result : UNSENT;
}

static int send_close_notify(sci_sslsocket *socket) {
    return socket->memory ? send_to_memory(socket) : send_to_descriptor(socket);
}

static void push_unsent(lua_State *L, sci_sslsocket *socket) {
    if (socket->transport.failure.system_errno == 0) sci_ssl_push_not_ready(L, socket, SSL_ERROR_WANT_WRITE);
    else sci_ssl_push_failure(L, socket, -1, "shutdown");
}

/* Waits for the peer's close_notify as SSL_shutdown does, but does not fail the connection where data comes before it. */
static int await_close_notify(SSL *ssl, bool *unread) {
    unsigned char byte;
    size_t length = 0;
    int result = SSL_peek_ex(ssl, &byte, 1, &length);
    *unread = result > 0;
    if (result > 0) return -1;
    return SSL_get_error(ssl, result) == SSL_ERROR_ZERO_RETURN ? SSL_shutdown(ssl) : -1;
}

/***
Ends the TLS connection and leaves the transport open. The first call sends our close_notify, the following ones wait for
the peer's. Read first what the peer has sent before its close_notify: a call that finds such data returns the condition
`unread_data` and changes nothing.
@function SciSslSocket:sslShutdown
@treturn integer|SciSslError 1: both sides have closed; 0: ours is sent, the peer's has not come (`sslGetError` returns
 `SSL_ERROR_WANT_READ`); less: not ready, as in `sslConnect`; a SciSslError (phase `shutdown`, condition
 `handshake_needed`, `unread_data`, `write_pending`, `handshake_pending`: a renegotiation or another message has begun and is
 not complete …), or the failure of the write before it
@see SSL_shutdown(3)
*/
static int sslsocket_shutdown_tls(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    lua_settop(L, 1);
    if (!sci_ssl_ready_for_data(L, socket, "shutdown")) return 1;
    if (socket->write.pending_length > 0) {
        sci_ssl_fail_pending(L, socket, "shutdown", "an sslWrite returned \"not ready\" and was not repeated");
        return 1;
    }
    bool unread = false;
    sci_ssl_begin(L, socket);
    int result = socket->shutdown.sent ? await_close_notify(socket->ssl, &unread) : send_close_notify(socket);
    sci_ssl_end(socket);
    socket->shutdown.sent = socket->shutdown.sent || result >= 0;
    if (unread) sci_ssl_fail(L, "shutdown", "unread_data", NULL);
    else if (result == UNSENT) push_unsent(L, socket);
    else if (result < 0) sci_ssl_push_failure(L, socket, result, "shutdown");
    else if (result == 0) sci_ssl_push_zero(L, socket, SSL_ERROR_WANT_READ);
    else lua_pushinteger(L, 1);
    sci_clear_errors();
    return 1;
}

static const luaL_Reg shutdown_methods[] = {
    {"sslShutdown", sslsocket_shutdown_tls},
    {NULL, NULL},
};

void sci_open_shutdown(lua_State *L) { luaL_setfuncs(L, shutdown_methods, 0); }
