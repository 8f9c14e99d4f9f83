/* close.c: SciSslSocket, the end of a connection: close, and the collection of a socket. Document: S1. */
#include "connection/connection.h"

#include <sys/socket.h>

/* The kernel answers a close with bytes left unread, such as session tickets that nobody waited for, by a reset, which
 * takes from the peer what we have sent last. */
static void discard_arrived(const sci_sslsocket *socket) {
    unsigned char bytes[8192];
    int descriptor = sci_socket_descriptor(&socket->socket), rounds = 128;
    while (rounds-- > 0 && recv(descriptor, bytes, sizeof bytes, MSG_DONTWAIT) == sizeof bytes) continue;
}

/* What we have sent last, an alert or a close_notify, shall arrive. The peer of an alert may go on sending: it is told first
 * that nothing more comes, so that what is in flight when the socket is closed is the less. */
static void let_arrive(const sci_sslsocket *socket) {
    bool alerted = socket->alerts.fatal_sent >= 0;
    if (socket->memory || sci_ssl_is_closed(socket) || !(socket->handshake.done || alerted)) return;
    if (alerted) (void)shutdown(sci_socket_descriptor(&socket->socket), SHUT_WR);
    discard_arrived(socket);
}

/* Sends close_notify where there is a connection to close and the transport takes it; never waits for the peer's. */
static void say_goodbye(lua_State *L, sci_sslsocket *socket) {
    bool speaks = socket->ssl && socket->handshake.done && !socket->result.failed && SSL_is_init_finished(socket->ssl);
    if (!speaks || (SSL_get_shutdown(socket->ssl) & SSL_SENT_SHUTDOWN)) return;
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
Ends the TLS connection with a close_notify, then closes the no longer secure socket. Harmless at any time and twice;
never waits on a non-blocking socket. What a memory transport still has for the peer can be drained afterwards. (Row S1)
@function SciSslSocket:close
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] SciSslError condition `owner_failed`: the transport's own `close` raised an error
@see SSL_shutdown(3)
*/
int sci_ssl_close(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    lua_settop(L, 1);
    if (socket->callback.running) return sci_fail_own(L, "close", "in_callback", NULL);
    if (!socket->closed && socket->memory) sci_tell_closing(L, 1); /* others are told with their descriptor */
    if (!socket->closed) {
        say_goodbye(L, socket);
        let_arrive(socket);
        socket->closed = true;
        if (sci_in_finalizer(L)) sci_ssl_forget_handshake(socket); /* the rest goes when the socket is collected */
        else drop(L, socket);
        if (!socket->memory && !sci_socket_close(L, 1)) return sci_return_pushed_error(L);
    }
    lua_pushboolean(L, true);
    return 1;
}

/* Speaks to nobody: a collected socket may be of another thread of control, or in mid-handshake. */
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
