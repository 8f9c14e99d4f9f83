/* sessions.c: SciSslSocket, the session that a connection resumes, and those that it makes. Document: S2. */
#include "connection/connection.h"

#include <string.h>

/* ---- copies ------------------------------------------------------------------------------------------------------ */

/* OpenSSL reads the time-out of a new session from the context in mid-handshake. It is the only such setting (S9). */
void sci_ssl_set_session_timeout(const sci_sslsocket *socket, SSL_SESSION *session) {
    if (session && !SSL_session_reused(socket->ssl) && SSL_SESSION_get_timeout(session) != socket->sessions.timeout)
        SSL_SESSION_set_timeout(session, socket->sessions.timeout);
}

/* OpenSSL sets the host name only where the server has acknowledged the extension, which few do. */
static void set_host_name(const SSL *ssl, SSL_SESSION *session) {
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name && !SSL_is_server(ssl) && !SSL_SESSION_get0_hostname(session))
        (void)SSL_SESSION_set1_hostname(session, name);
}

/* Takes references of its own. */
static void remember_session(sci_sslsocket *socket, SSL_SESSION *session, SSL_SESSION *copy) {
    bool known = SSL_SESSION_up_ref(session) == 1, copied = SSL_SESSION_up_ref(copy) == 1;
    SSL_SESSION_free(socket->sessions.latest);
    SSL_SESSION_free(socket->sessions.copy);
    socket->sessions.latest = known ? session : NULL;
    socket->sessions.copy = copied ? copy : NULL;
}

/* The session for the caller to keep, with a reference of its own. OpenSSL makes sessions not resumable that its cache drops, and
 * those of a context that goes. So this is a copy, one of each session: OpenSSL notes in it that a later connection has used
 * it. NULL: out of memory. */
static SSL_SESSION *copy_session(sci_sslsocket *socket, SSL_SESSION *session) {
    SSL_SESSION *known = socket->sessions.copy;
    if (session == socket->sessions.latest) return SSL_SESSION_up_ref(known) ? known : NULL;
    SSL_SESSION *copy = SSL_SESSION_dup(session);
    if (!copy) return NULL;
    set_host_name(socket->ssl, copy);
    sci_ssl_set_session_timeout(socket, copy);
    remember_session(socket, session, copy);
    return copy;
}

/* The session of a resumed connection has the peer of the connection before it. */
static void keep_chain(lua_State *L, const sci_sslsocket *socket) {
    const SSL *ssl = socket->ssl;
    if (socket->handshake.role != SCI_CLIENT) return;
    if (SSL_session_reused(ssl)) sci_keep_session_chain(L, &socket->resumption.chain);
    else if (SSL_get_verify_result(ssl) == X509_V_OK)
        sci_keep_session_chain(L, &(sci_chain){.certificates = SSL_get0_verified_chain(ssl), .proven = true});
}

void sci_ssl_inherit_sessions(lua_State *L, sci_sslsocket *socket, const sci_context *context) {
    socket->sessions.timeout = SSL_CTX_get_timeout(context->ctx);
    socket->sessions.id_context_length = context->sessions.id_context_length;
    memcpy(socket->sessions.id_context, context->sessions.id_context, context->sessions.id_context_length);
    socket->sessions.has_store = lua_getiuservalue(L, -1, SCI_CONTEXT_SESSION_STORE) != LUA_TNIL;
    lua_setiuservalue(L, 1, SCI_SSL_SESSION_STORE);
}

/* ---- sessions that the connection makes -------------------------------------------------------------------------- */

/* Keeps the newest SCI_NEW_SESSIONS, the oldest first. */
static void keep_new_session(sci_sslsocket *socket, SSL_SESSION *made) {
    SSL_SESSION *session = copy_session(socket, made);
    if (!session) return;
    if (socket->sessions.made_count == SCI_NEW_SESSIONS) {
        SSL_SESSION_free(socket->sessions.made[0]);
        memmove(socket->sessions.made, socket->sessions.made + 1,
                (SCI_NEW_SESSIONS - 1) * sizeof *socket->sessions.made);
        socket->sessions.made_count--;
    }
    socket->sessions.made[socket->sessions.made_count++] = session;
}

bool sci_ssl_takes_early_data_once(const SSL *ssl) {
    return SSL_version(ssl) == TLS1_3_VERSION && SSL_get_max_early_data(ssl) > 0 &&
           !(SSL_get_options(ssl) & SSL_OP_NO_ANTI_REPLAY);
}

/* A ticket of TLS 1.3 holds the whole session, unless it is to be used once, or tickets are off. */
static bool needs_cache(const SSL *ssl) {
    return !sci_speaks_tls13(ssl) || !SSL_is_server(ssl) || sci_ssl_takes_early_data_once(ssl) ||
           (SSL_get_options(ssl) & SSL_OP_NO_TICKET);
}

static int on_new_session(SSL *ssl, SSL_SESSION *made) {
    sci_sslsocket *socket = SSL_get_app_data(ssl);
    if (socket && (socket->handshake.role == SCI_CLIENT || socket->sessions.has_store)) keep_new_session(socket, made);
    if (needs_cache(ssl)) sci_context_cache_session(SSL_get_SSL_CTX(ssl), made);
    return 0; /* OpenSSL keeps its own reference */
}

void sci_ssl_drop_sessions(sci_sslsocket *socket) {
    while (socket->sessions.made_count > 0) SSL_SESSION_free(socket->sessions.made[--socket->sessions.made_count]);
    SSL_SESSION_free(socket->sessions.offered);
    SSL_SESSION_free(socket->sessions.latest);
    SSL_SESSION_free(socket->sessions.copy);
    socket->sessions.offered = socket->sessions.latest = socket->sessions.copy = NULL;
}

/***
Returns the sessions that this connection has made since the last call, the oldest first; the newest 8 are kept. A server of
TLS 1.3 sends several, and each should be used once; a client processes here what has arrived. On a server the context must
have a store (see `SciSslContext:setSessionStore`).
@function SciSslSocket:newSessions
@treturn {OSSslSession,...}
@see SSL_CTX_sess_set_new_cb(3)
*/
static int sslsocket_new_sessions(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    lua_settop(L, 1);
    if (socket->ssl && socket->handshake.done && socket->handshake.role == SCI_CLIENT &&
        SSL_version(socket->ssl) == TLS1_3_VERSION)
        sci_ssl_look_ahead(L, socket, false);
    lua_createtable(L, (int)socket->sessions.made_count, 0);
    for (lua_Integer i = 1; socket->sessions.made_count > 0; i++) {
        SSL_SESSION **slot = sci_new_session(L);
        if (!socket->ssl ||
            socket->sessions.made_count == 0) { /* a finalizer has closed the socket, or has taken them */
            lua_pop(L, 1);
            break;
        }
        *slot = socket->sessions.made[0];
        socket->sessions.made_count--;
        memmove(socket->sessions.made, socket->sessions.made + 1,
                socket->sessions.made_count * sizeof *socket->sessions.made);
        keep_chain(L, socket);
        lua_rawseti(L, -2, i);
    }
    return 1;
}

void sci_ssl_install_sessions(SSL_CTX *ctx) { SSL_CTX_sess_set_new_cb(ctx, on_new_session); }

/* ---- the session to resume --------------------------------------------------------------------------------------- */

/* On a server that is suspended at the ClientHello. OpenSSL asks for the session afterwards. */
static int offer(lua_State *L, sci_sslsocket *socket, SSL_SESSION *session) {
    if (!SSL_SESSION_up_ref(session)) return sci_fail_openssl(L, "option", "session");
    SSL_SESSION_free(socket->sessions.offered);
    socket->sessions.offered = session;
    return sci_return_receiver(L);
}

static bool has_id(const SSL_SESSION *session, const unsigned char *id, int length) {
    unsigned int own_length = 0;
    const unsigned char *own = session ? SSL_SESSION_get_id(session, &own_length) : NULL;
    return own && own_length == (unsigned int)length && memcmp(own, id, own_length) == 0;
}

SSL_SESSION *sci_ssl_take_offered(sci_sslsocket *socket, const unsigned char *id, int length) {
    SSL_SESSION *offered = has_id(socket->sessions.offered, id, length) ? socket->sessions.offered : NULL;
    if (offered) socket->sessions.offered = NULL;
    return offered;
}

/***
Sets the session that the handshake should resume. Where the server does not accept it, a full handshake follows. A client
that verifies offers the session only if the server's certificate and its whole chain pass now: trust store, CRLs, time, host,
purpose, security level. Otherwise it makes a full handshake. A server can set the session while the handshake is suspended at
`"clientHello"`; its id must be the `sessionId()` of the ClientHello.
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
    if (socket->suspend.at == SCI_AT_CLIENT_HELLO) return offer(L, socket, session);
    sci_clear_errors();
    if (!SSL_set_session(socket->ssl, session)) return sci_fail_openssl(L, "option", "session");
    sci_ssl_take_session_chain(L, socket, 2);
    remember_session(socket, session, session);
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

/***
Returns the newest session of this connection that can be resumed. In TLS 1.3 the server sends it after the handshake; a client
processes here what has arrived.
@function SciSslSocket:getSession
@treturn[1] ?OSSslSession nil where there is none yet, or another connection has used it. It stays resumable when the
 context drops its own copy or is closed
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
    if (socket->ssl == ssl) *slot = copy_session(socket, SSL_get_session(ssl));
    if (!*slot) return sci_fail_own(L, "session", socket->ssl ? "memory_full" : "closed", NULL);
    keep_chain(L, socket);
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
