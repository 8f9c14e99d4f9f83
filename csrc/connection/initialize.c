/* initialize.c: SciSslSocket, sslInitialize: the SSL of a connection, its callbacks, and what the parts of the connection do
 * about it. Document: S9. */
#include "connection/connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/* ---- callbacks --------------------------------------------------------------------------------------------------- */

/* In C: the parts note what passes. One calls Lua: sci_ssl_choose_dh. */
static void on_info(const SSL *ssl, int where, int value) {
    sci_sslsocket *socket = SSL_get_app_data(ssl);
    if (where & SSL_CB_ALERT) sci_ssl_note_alert(socket, where & SSL_CB_WRITE, value);
    if (where & SSL_CB_LOOP) sci_ssl_count_message(socket);
    sci_ssl_note_state(socket, where);
    if (where & SSL_CB_HANDSHAKE_DONE) sci_ssl_note_least_record(socket);
    if ((where & SSL_CB_ACCEPT_LOOP) == SSL_CB_ACCEPT_LOOP) {
        sci_ssl_hold_last_flight(socket);
        sci_ssl_choose_dh(socket);
    }
    /* Until the handshake is done, the session of a client may be the one that it offers, which belongs to the user. */
    if (where & SSL_CB_HANDSHAKE_DONE || (where & SSL_CB_ACCEPT_LOOP) == SSL_CB_ACCEPT_LOOP)
        sci_ssl_set_session_timeout(socket, SSL_get_session(ssl));
}

/* Once for each context, and before SSL_new, which copies the list of custom extensions. */
static bool prepare_context(sci_context *context) {
    SSL_CTX *ctx = context->ctx;
    if (context->prepared) return true;
    sci_ssl_install_alpn(ctx);
    sci_ssl_install_client_hello(ctx);
    sci_ssl_install_verification(ctx);
    sci_ssl_install_sessions(ctx);
    sci_ssl_install_session_lookup(ctx);
    if (context->datagrams) sci_ssl_install_cookies(ctx);
    context->prepared = sci_ssl_install_tickets(ctx) && sci_ssl_install_alerts(ctx);
    return context->prepared;
}

static bool install_callbacks(sci_sslsocket *socket, SSL *ssl) {
    sci_ssl_watch_messages(socket, ssl);
    SSL_set_info_callback(ssl, on_info);
    sci_ssl_install_certificate(socket, ssl);
    return SSL_set_app_data(ssl, socket) == 1;
}

/* ---- the parts of a connection ----------------------------------------------------------------------------------- */

static void free_ssl(sci_sslsocket *socket) {
    sci_context_unlink(&socket->dependent);
    /* Without this OpenSSL makes the session of a connection not resumable that ends without close_notify. A fatal alert
     * has done that before. */
    if (socket->ssl) SSL_set_shutdown(socket->ssl, SSL_get_shutdown(socket->ssl) | SSL_SENT_SHUTDOWN);
    SSL_free(socket->ssl);
    socket->ssl = NULL;
}

/* Parts that hold something of the SSL. */
void sci_ssl_drop_ssl(sci_sslsocket *socket) {
    sci_ssl_drop_callback(socket);
    sci_ssl_give_scratch_back(socket);
    sci_ssl_drop_buffers(socket);
    free_ssl(socket);
    sci_ssl_drop_psk(socket);
    sci_ssl_drop_write(socket);
    sci_ssl_drop_sessions(socket);
    sci_ssl_drop_session_chain(socket);
}

/* What SSL_new does not copy: the context's later changes do not reach the connection (S9). */
static void inherit(lua_State *L, sci_sslsocket *socket, sci_context *context) {
    lua_getiuservalue(L, 1, SCI_SSL_CONTEXT);
    sci_ssl_inherit_alpn(L, socket, context);
    sci_ssl_inherit_ocsp(L, socket, context);
    sci_ssl_inherit_keylog(L, socket, context);
    sci_ssl_inherit_sessions(L, socket, context);
    sci_ssl_inherit_psk(L, socket, context);
    sci_ssl_inherit_pins(L, socket, context);
    sci_ssl_inherit_early_data(L, socket, context);
    lua_pop(L, 1);
    sci_ssl_reset_dh(L, socket);
    socket->context = context;
    socket->dependent.ssl = socket->ssl;
    sci_context_link(context, &socket->dependent);
}

/* For a connection that begins: sslSetContext leaves all this as it is. */
static void reset(lua_State *L, sci_sslsocket *socket) {
    sci_transport_reset(&socket->transport);
    sci_ssl_reset_result(socket);
    sci_ssl_reset_callback(socket);
    sci_ssl_reset_handshake(socket);
    sci_ssl_reset_suspend(socket);
    sci_ssl_reset_verdict(socket);
    sci_ssl_reset_verify_errors(socket);
    sci_ssl_reset_alerts(socket);
    sci_ssl_reset_limits(socket);
    sci_ssl_reset_cookie(socket);
    sci_ssl_reset_write(L, socket);
    sci_ssl_reset_shutdown(socket);
    sci_ssl_reset_ticket(socket);
    sci_ssl_reset_ocsp(socket);
    sci_ssl_reset_early_data(socket);
    sci_ssl_reset_dane(socket);
    sci_ssl_drop_trace(socket);
}

/* ---- the SSL ----------------------------------------------------------------------------------------------------- */

/* SSL_new of OpenSSL 4.0 copies the hosts to verify without their NUL: X509_VERIFY_PARAM_get0_host would then return a text
 * that does not end. */
static SSL *new_ssl(SSL_CTX *ctx) {
    SSL *ssl = SSL_new(ctx);
    X509_VERIFY_PARAM *hosts = SSL_CTX_get0_param(ctx);
    if (!ssl || !X509_VERIFY_PARAM_get0_host(hosts, 0) || sci_copy_hosts(SSL_get0_param(ssl), hosts)) return ssl;
    SSL_free(ssl);
    return NULL;
}

static bool make_ssl(sci_sslsocket *socket, sci_context *context) {
    bool switches = socket->ssl && socket->suspend.at == SCI_AT_CLIENT_HELLO;
    SSL *ssl = prepare_context(context) ? new_ssl(context->ctx) : NULL;
    BIO *bio = ssl ? sci_new_transport_bio(socket->state, &socket->transport) : NULL;
    if (bio) SSL_set_bio(ssl, bio, bio);
    bool ready = bio && install_callbacks(socket, ssl) && (!switches || sci_ssl_keep_ech(socket->ssl, ssl));
    if (!ready || (context->datagrams && !sci_ssl_prepare_datagrams(socket, ssl))) {
        SSL_free(ssl);
        return false;
    }
    sci_ssl_drop_ssl(socket);
    socket->ssl = ssl;
    sci_ktls_set_read_ahead(ssl, &socket->transport, SSL_get_read_ahead(ssl) && !socket->read.no_read_ahead);
    return true;
}

bool sci_ssl_make(lua_State *L, sci_sslsocket *socket, sci_context *context) {
    if (!make_ssl(socket, context)) return false;
    inherit(L, socket, context);
    return true;
}

bool sci_ssl_has_connection(const sci_sslsocket *socket) {
    if (!socket->ssl || socket->handshake.role == SCI_NO_ROLE || socket->result.failed) return false;
    return SSL_get_shutdown(socket->ssl) != (SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

/* TLS writes whole records. TCP would hold back a record until the peer has acknowledged the last one, which costs a delayed
 * acknowledgement, 40 ms, for nothing. Does nothing to a Unix-domain socket. */
static void send_at_once(const sci_sslsocket *socket) {
    int on = 1;
    if (!socket->memory && !socket->transport.datagrams)
        (void)setsockopt(sci_socket_descriptor(&socket->socket), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static sci_context *get_context(lua_State *L) {
    lua_getiuservalue(L, 1, SCI_SSL_CONTEXT);
    sci_context *context = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return context;
}

/***
Makes a new SSL structure with the settings that the context has at this moment: method, options, verification, time-outs,
certificates, trust. Later changes of the context do not reach it. A TCP socket gets `TCP_NODELAY`;
`setSockOpt("TCP_NODELAY", false)` takes it away again.
@function SciSslSocket:sslInitialize
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `closed`; `handshake_under_way`: there is a TLS connection; `ktls`: the kernel encrypts
 what this socket sends, and cannot stop; `in_finalizer`: an initialized socket cannot be initialized again inside a
 finalizer
@see SSL_new(3)
*/
static int sslsocket_initialize(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    sci_context *context = get_context(L);
    lua_settop(L, 1);
    if (socket->callback.running) return sci_fail_own(L, "initialize", "in_callback", NULL);
    if (socket->closed) return sci_fail_own(L, "initialize", "closed", "the socket has been closed");
    if (!sci_context_is_open(context))
        return sci_fail_own(L, "initialize", "closed", "the socket's context has been closed");
    if (socket->ssl && sci_in_finalizer(L)) return sci_fail_own(L, "initialize", "in_finalizer", NULL);
    if (sci_socket_base(&socket->socket)->encrypted) return sci_fail_own(L, "initialize", "ktls", NULL);
    if (sci_ssl_has_connection(socket))
        return sci_fail_own(L, "initialize", "handshake_under_way", "there is a TLS connection: shut it down first");
    sci_clear_errors();
    sci_ssl_reset_read(socket); /* first: the new SSL reads ahead */
    if (!sci_ssl_make(L, socket, context)) return sci_fail_openssl(L, "initialize", NULL);
    send_at_once(socket);
    reset(L, socket);
    return sci_return_receiver(L);
}

static const luaL_Reg initialize_methods[] = {
    {"sslInitialize", sslsocket_initialize},
    {NULL, NULL},
};

void sci_open_initialize(lua_State *L) { sci_ssl_add_methods(L, initialize_methods); }
