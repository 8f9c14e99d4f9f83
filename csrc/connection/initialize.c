/* initialize.c: SciSslSocket, sslInitialize: the SSL of a connection, and what it inherits from its context. Document: S9. */
#include "connection/connection.h"

#include <string.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

void sci_ssl_drop(sci_sslsocket *socket) {
    socket->L = NULL;
    sci_ssl_give_scratch_back(socket);
    sci_ssl_leave_warm(socket);
    sci_context_unlink(&socket->dependent);
    /* OpenSSL spoils the session of a connection that goes without close_notify; fatal alerts have spoilt it already. */
    if (socket->ssl) SSL_set_shutdown(socket->ssl, SSL_get_shutdown(socket->ssl) | SSL_SENT_SHUTDOWN);
    SSL_free(socket->ssl);
    socket->ssl = NULL;
    OPENSSL_free(socket->psk_identity);
    socket->psk_identity = NULL;
    sci_ssl_drop_sessions(socket);
}

static void reset_connection(sci_sslsocket *socket) {
    sci_transport *transport = &socket->transport;
    transport->hold = transport->nowait = transport->eof = transport->spoilt = transport->withheld = false;
    memset(&socket->sizing, 0, sizeof socket->sizing);
    transport->first_length = 0;
    if (!socket->memory) sci_queue_free(&transport->out);
    socket->role = SCI_NO_ROLE;
    socket->write_failed = socket->wide = socket->said_end = false;
    socket->secured = socket->failed = socket->torn = socket->end_unread = socket->handler_failed = false;
    socket->not_yet_code = socket->zero_code = socket->wanted = SSL_ERROR_NONE;
    socket->alert_sent = -1;
    memset(socket->counts, 0, sizeof socket->counts);
    socket->exceeded = 0;
    socket->suspends_at = 0;
    sci_ssl_end_trace(socket);
    socket->refuses = socket->early_over = socket->shakes = false;
    socket->alerts_sent_count = socket->alerts_received_count = 0;
    socket->ticket_data = NULL;
    socket->ticket_data_length = 0;
    socket->dane = socket->only_common_name = false;
    socket->ocsp_condition = socket->ocsp_message = NULL;
    sci_ssl_forget_stations(socket);
    sci_transport_forget(transport);
}

/* TLS writes whole records: to hold one back until the peer has acknowledged the last, as TCP does unless told otherwise,
 * costs a delayed acknowledgement, 40 ms, for nothing. Does nothing to a Unix-domain socket. */
static void send_at_once(const sci_sslsocket *socket) {
    int on = 1;
    if (!socket->memory)
        (void)setsockopt(sci_socket_descriptor(&socket->socket), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static bool make_ssl(sci_sslsocket *socket, sci_context *context) {
    SSL *ssl = sci_ssl_prepare_context(context) ? SSL_new(context->ctx) : NULL;
    BIO *bio = ssl ? sci_new_transport_bio(socket->state, &socket->transport) : NULL;
    if (bio) SSL_set_bio(ssl, bio, bio);
    if (!bio || !sci_ssl_install_callbacks(socket, ssl)) {
        SSL_free(ssl);
        return false;
    }
    sci_ssl_drop(socket);
    socket->ssl = ssl;
    sci_ktls_set_read_ahead(ssl, &socket->transport, SSL_get_read_ahead(ssl) && !socket->exact);
    return true;
}

/* What SSL_new does not copy: S9 wants it all to stay as it was at this moment. */
static void inherit(lua_State *L, sci_sslsocket *socket, sci_context *context) {
    size_t length = 0;
    lua_getiuservalue(L, 1, SCI_SSL_CONTEXT);
    lua_getiuservalue(L, -1, SCI_CONTEXT_ALPN);
    socket->alpn = (const unsigned char *)lua_tolstring(L, -1, &length);
    socket->alpn_length = (unsigned int)length;
    lua_setiuservalue(L, 1, SCI_SSL_ALPN);
    sci_ssl_inherit_ocsp(L, socket, context);
    sci_ssl_inherit_keylog(L, socket, context);
    lua_pop(L, 1);
    socket->session_timeout = SSL_CTX_get_timeout(context->ctx);
    memcpy(socket->sid, context->sessions.id_context, context->sessions.id_context_length);
    socket->sid_length = context->sessions.id_context_length;
    sci_ssl_inherit_psk(L, socket, context);
    sci_ssl_inherit_replay_guard(L, socket);
    sci_ssl_inherit_store(L, socket);
    socket->context = context;
    socket->dependent.ssl = socket->ssl;
    sci_context_link(context, &socket->dependent);
}

bool sci_ssl_make(lua_State *L, sci_sslsocket *socket, sci_context *context) {
    if (!make_ssl(socket, context)) return false;
    inherit(L, socket, context);
    return true;
}

bool sci_ssl_has_connection(const sci_sslsocket *socket) {
    if (!socket->ssl || socket->role == SCI_NO_ROLE || socket->failed) return false;
    return SSL_get_shutdown(socket->ssl) != (SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

static sci_context *get_context(lua_State *L) {
    lua_getiuservalue(L, 1, SCI_SSL_CONTEXT);
    sci_context *context = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return context;
}

/***
Makes a new SSL structure that inherits the context's settings as they are at this moment: method, options, verification,
time-outs, certificates, trust. The context's later changes do not reach it. (Row S9)
A TCP socket gets `TCP_NODELAY`; `setSockOpt("TCP_NODELAY", false)` takes it away again.
@function SciSslSocket:sslInitialize
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `closed`, `handshake_under_way` where a TLS connection stands, `ktls`: the kernel encrypts
 what this socket sends, and goes on doing so, or `in_finalizer`: an initialized socket is not initialized again inside a
 finalizer
@see SSL_new(3)
*/
static int sslsocket_initialize(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    sci_context *context = get_context(L);
    lua_settop(L, 1);
    if (socket->in_callback) return sci_fail_own(L, "initialize", "in_callback", NULL);
    if (socket->closed) return sci_fail_own(L, "initialize", "closed", "the socket has been closed");
    if (!sci_context_is_open(context))
        return sci_fail_own(L, "initialize", "closed", "the socket's context has been closed");
    if (socket->ssl && sci_in_finalizer(L)) return sci_fail_own(L, "initialize", "in_finalizer", NULL);
    if (sci_socket_base(&socket->socket)->encrypted) return sci_fail_own(L, "initialize", "ktls", NULL);
    if (sci_ssl_has_connection(socket))
        return sci_fail_own(L, "initialize", "handshake_under_way", "there is a TLS connection: shut it down first");
    sci_clear_errors();
    socket->exact = false;
    if (!sci_ssl_make(L, socket, context)) return sci_fail_openssl(L, "initialize", NULL);
    send_at_once(socket);
    reset_connection(socket);
    sci_ssl_forget_write(L, socket);
    return sci_return_receiver(L);
}

static const luaL_Reg initialize_methods[] = {
    {"sslInitialize", sslsocket_initialize},
    {NULL, NULL},
};

void sci_open_initialize(lua_State *L) { sci_ssl_add_methods(L, initialize_methods); }
