/* sessions.c: SciSslSocket, the session that a connection resumes, and those that it makes. Document: S2. */
#include "connection/connection.h"

#include <string.h>

/* ---- sessions that a connection makes --------------------------------------------------------------------------- */

void sci_ssl_know_session(sci_sslsocket *socket, SSL_SESSION *session, SSL_SESSION *copy) {
    bool known = SSL_SESSION_up_ref(session) == 1, copied = SSL_SESSION_up_ref(copy) == 1;
    SSL_SESSION_free(socket->session);
    SSL_SESSION_free(socket->session_copy);
    socket->session = known ? session : NULL;
    socket->session_copy = copied ? copy : NULL;
}

SSL_SESSION *sci_ssl_copy_session(sci_sslsocket *socket, SSL_SESSION *session) {
    if (session == socket->session) return SSL_SESSION_up_ref(socket->session_copy) ? socket->session_copy : NULL;
    SSL_SESSION *copy = SSL_SESSION_dup(session);
    if (!copy) return NULL;
    sci_ssl_name_session(socket->ssl, copy);
    sci_ssl_keep_timeout(socket, copy);
    sci_ssl_know_session(socket, session, copy);
    return copy;
}

void sci_ssl_spoil_session(sci_sslsocket *socket) {
    if (!socket->session || SSL_SESSION_is_resumable(socket->session)) return;
    (void)SSL_CTX_remove_session(SSL_get_SSL_CTX(socket->ssl), socket->session_copy);
}

/* The newest SCI_NEW_SESSIONS are kept, the oldest first. */
static int on_new_session(SSL *ssl, SSL_SESSION *made) {
    sci_sslsocket *socket = SSL_get_app_data(ssl);
    if (!socket || (socket->role == SCI_SERVER && !socket->has_store)) return 0;
    SSL_SESSION *session = sci_ssl_copy_session(socket, made);
    if (!session) return 0;
    if (socket->new_count == SCI_NEW_SESSIONS) {
        SSL_SESSION_free(socket->new_sessions[0]);
        memmove(socket->new_sessions, socket->new_sessions + 1, (SCI_NEW_SESSIONS - 1) * sizeof *socket->new_sessions);
        socket->new_count--;
    }
    socket->new_sessions[socket->new_count++] = session;
    return 0; /* the one that was made stays OpenSSL's */
}

void sci_ssl_drop_sessions(sci_sslsocket *socket) {
    while (socket->new_count > 0) SSL_SESSION_free(socket->new_sessions[--socket->new_count]);
    SSL_SESSION_free(socket->offered);
    SSL_SESSION_free(socket->session);
    SSL_SESSION_free(socket->session_copy);
    socket->offered = socket->session = socket->session_copy = NULL;
    sci_free_chain(&socket->session_chain);
}

/***
Answers the sessions that this connection has made since the last call, the oldest first; 8 at the most are kept. A server
of TLS 1.3 sends several, each to be used once: what has arrived by now is looked at first. A server answers them where its
context has a store (see `SciSslContext:setSessionStore`).
@function SciSslSocket:newSessions
@treturn {OSSslSession,...}
@see SSL_CTX_sess_set_new_cb(3)
*/
static int sslsocket_new_sessions(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    lua_settop(L, 1);
    if (socket->ssl && socket->secured && socket->role == SCI_CLIENT && SSL_version(socket->ssl) == TLS1_3_VERSION)
        sci_ssl_look_ahead(L, socket, false);
    lua_createtable(L, (int)socket->new_count, 0);
    for (lua_Integer i = 1; socket->new_count > 0; i++) {
        SSL_SESSION **slot = sci_new_session(L);
        if (!socket->ssl || socket->new_count == 0) { /* a finalizer has closed the socket, or has asked, too */
            lua_pop(L, 1);
            break;
        }
        *slot = socket->new_sessions[0];
        socket->new_count--;
        memmove(socket->new_sessions, socket->new_sessions + 1, socket->new_count * sizeof *socket->new_sessions);
        sci_ssl_keep_chain(L, socket);
        lua_rawseti(L, -2, i);
    }
    return 1;
}

void sci_ssl_install_sessions(SSL_CTX *ctx) { SSL_CTX_sess_set_new_cb(ctx, on_new_session); }

/* ---- the session to resume ----------------------------------------------------------------------------------------- */

/* The session's time-out is the one thing of S9 that OpenSSL reads from the context in mid-handshake. */
void sci_ssl_keep_timeout(const sci_sslsocket *socket, SSL_SESSION *session) {
    if (session && !SSL_session_reused(socket->ssl) && SSL_SESSION_get_timeout(session) != socket->session_timeout)
        SSL_SESSION_set_timeout(session, socket->session_timeout);
}

/* A server that has looked at the client's hello: OpenSSL asks for the session afterwards. */
static int offer(lua_State *L, sci_sslsocket *socket, SSL_SESSION *session) {
    if (!SSL_SESSION_up_ref(session)) return sci_fail_openssl(L, "option", "session");
    SSL_SESSION_free(socket->offered);
    socket->offered = session;
    return sci_return_receiver(L);
}

/***
Sets the session that the handshake shall resume. Where the server does not accept it a full handshake follows. A client
that verifies offers it only if the server's certificate and its whole chain pass now: trust store, revocation lists, time,
host, purpose, security level. It makes a full handshake otherwise. A server may set it while the handshake
is suspended at the client's hello, where its id is the hello's `sessionId()`. (Row S2)
@function SciSslSocket:setSession
@tparam OSSslSession session
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `not_initialized`, `handshake_under_way` or `closed`
@see SSL_set_session(3)
*/
static int sslsocket_set_session(lua_State *L) {
    SSL_SESSION *session = sci_check_session(L, 2);
    sci_sslsocket *socket = sci_check_before_handshake(L);
    if (!socket) return 2;
    if (socket->station == SCI_AT_CLIENT_HELLO) return offer(L, socket, session);
    sci_clear_errors();
    if (!SSL_set_session(socket->ssl, session)) return sci_fail_openssl(L, "option", "session");
    sci_copy_session_chain(L, 2, &socket->session_chain);
    sci_ssl_know_session(socket, session, session);
    return sci_return_receiver(L);
}

/***
Tells whether the handshake resumed a session.
@function SciSslSocket:isSessionReused
@treturn boolean
@see SSL_session_reused(3)
*/
static int sslsocket_is_session_reused(lua_State *L) {
    const SSL *ssl = sci_ssl_get_secured(L);
    lua_pushboolean(L, ssl && SSL_session_reused(ssl));
    return 1;
}

static bool is_resumable(const SSL *ssl) {
    const SSL_SESSION *session = SSL_get_session(ssl);
    return session && SSL_SESSION_is_resumable(session);
}

/* OpenSSL notes the server name in the session only where the server has acknowledged it, which few do. */
void sci_ssl_name_session(const SSL *ssl, SSL_SESSION *session) {
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name && !SSL_is_server(ssl) && !SSL_SESSION_get0_hostname(session))
        (void)SSL_SESSION_set1_hostname(session, name);
}

/* A session of a resumed connection has the peer of the one before. */
void sci_ssl_keep_chain(lua_State *L, const sci_sslsocket *socket) {
    const SSL *ssl = socket->ssl;
    if (socket->role != SCI_CLIENT) return;
    if (SSL_session_reused(ssl)) sci_keep_session_chain(L, &socket->session_chain);
    else if (SSL_get_verify_result(ssl) == X509_V_OK)
        sci_keep_session_chain(L, &(sci_chain){.certificates = SSL_get0_verified_chain(ssl), .proven = true});
}

/***
Answers the newest session of this connection that can be resumed. In TLS 1.3 the server sends it after the handshake: what
has arrived by now is looked at first. (Row S2)
@function SciSslSocket:getSession
@treturn[1] ?OSSslSession nil where there is none (yet), or another connection has used it. It stays resumable when the
 context drops its own or is closed
@treturn[2] nil
@treturn[2] SciSslError condition `memory_full`
@see SSL_get1_session(3)
*/
static int sslsocket_get_session(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    lua_settop(L, 1);
    SSL *ssl = sci_ssl_get_secured(L);
    if (ssl && SSL_version(ssl) == TLS1_3_VERSION && !SSL_is_server(ssl)) sci_ssl_look_ahead(L, socket, false);
    if (!ssl || !is_resumable(ssl)) {
        lua_pushnil(L);
        return 1;
    }
    SSL_SESSION **slot = sci_new_session(L);
    if (socket->ssl == ssl) *slot = sci_ssl_copy_session(socket, SSL_get_session(ssl));
    if (!*slot) return sci_fail_own(L, "session", socket->ssl ? "memory_full" : "closed", NULL);
    sci_ssl_keep_chain(L, socket);
    if (!SSL_SESSION_is_resumable(*slot)) lua_pushnil(L); /* another connection has used it */
    return 1;
}

static const luaL_Reg session_methods[] = {
    {"newSessions", sslsocket_new_sessions},
    {"setSession", sslsocket_set_session},
    {"getSession", sslsocket_get_session},
    {"isSessionReused", sslsocket_is_session_reused},
    {NULL, NULL},
};

void sci_open_sessions(lua_State *L) { sci_ssl_add_methods(L, session_methods); }
