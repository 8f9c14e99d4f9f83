/* close.c: SciSslSocket, the end of a connection: close, and the collection of a socket. Document: S1. */
#include "connection/connection.h"

#include <sys/socket.h>

/* Where a socket is closed with bytes unread (session tickets, say), the kernel sends a reset, and the peer loses what we
 * have sent last. */
static void discard_arrived(const sci_sslsocket *socket) {
    unsigned char bytes[8192];
    int descriptor = sci_socket_descriptor(&socket->socket), rounds = 128;
    while (rounds-- > 0 && recv(descriptor, bytes, sizeof bytes, MSG_DONTWAIT) == sizeof bytes) continue;
}

/* The alert or the close_notify that we have sent last should arrive. After an alert the peer may still be sending: a shutdown
 * for writing comes first, so that fewer bytes are in flight when the socket is closed. */
static void let_arrive(const sci_sslsocket *socket) {
    bool alerted = socket->alerts.fatal_sent >= 0;
    if (socket->memory || socket->transport.datagrams || sci_ssl_is_closed(socket) ||
        !(socket->handshake.done || alerted))
        return;
    if (alerted) (void)shutdown(sci_socket_descriptor(&socket->socket), SHUT_WR);
    discard_arrived(socket);
}

/* Sends close_notify where there is a connection and the transport takes it. Never waits for the peer's. */
static void send_close_notify(lua_State *L, sci_sslsocket *socket) {
    bool can_send =
        socket->ssl && socket->handshake.done && !socket->result.failed && SSL_is_init_finished(socket->ssl);
    if (!can_send || (SSL_get_shutdown(socket->ssl) & SSL_SENT_SHUTDOWN)) return;
    sci_ssl_begin(L, socket);
    (void)SSL_shutdown(socket->ssl);
    sci_ssl_end(socket);
    sci_clear_errors();
}

/* What the parts hold, but what can still be taken after close: a memory transport's bytes for the peer, keylog lines. */
static void drop(lua_State *L, sci_sslsocket *socket) {
    sci_ssl_drop_ssl(socket);
    sci_ssl_reset_suspend(socket);
    sci_ssl_drop_verdict(socket);
    sci_ssl_drop_trace(socket);
    sci_ssl_reset_write(L, socket);
    sci_transport_close(&socket->transport);
}

/***
Sends close_notify, then closes the socket. It may be called at any time, and again. On a non-blocking socket it never
waits. Bytes that a memory transport has for the peer can still be drained afterwards.
@function SciSslSocket:close
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] SciSslError condition `owner_failed`: the `close` of the transport object raised an error
@see SSL_shutdown(3)
*/
int sci_ssl_close(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    lua_settop(L, 1);
    if (socket->callback.running) return sci_fail_own(L, "close", "in_callback", NULL);
    if (!socket->closed && socket->memory) sci_notify_closing(L, 1); /* sci_socket_close does so for the others */
    if (!socket->closed) {
        send_close_notify(L, socket);
        let_arrive(socket);
        socket->closed = true;
        if (sci_in_finalizer(L)) sci_ssl_forget_handshake(socket); /* the rest goes when the socket is collected */
        else drop(L, socket);
        if (!socket->memory && !sci_socket_close(L, 1)) return sci_return_pushed_error(L);
    }
    lua_pushboolean(L, true);
    return 1;
}

/* Sends nothing: a collected socket may belong to another thread of control, or be in mid-handshake. */
int sci_ssl_collect(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    if (socket->callback.running) return 0; /* called by hand, inside a call of this very socket */
    socket->closed = true;
    if (sci_may_free(L)) {
        sci_ssl_drop_ssl(socket);
        sci_ssl_drop_verdict(socket);
        sci_ssl_drop_trace(socket);
        sci_ssl_drop_keylog(socket);
        sci_transport_free(&socket->transport);
    } else sci_ssl_forget_handshake(socket);
    sci_socket_collect(L, 1);
    return 0;
}

static const luaL_Reg close_methods[] = {
    {"close", sci_ssl_close},
    {NULL, NULL},
};

void sci_open_close(lua_State *L) { sci_ssl_add_methods(L, close_methods); }
