/* cache.c: SciSslContext and SciSslSocket, where sessions go to and come from. OpenSSL's callbacks queue what is made; the
 * one that looks sessions up cannot be suspended, and calls Lua under lua_pcall. */
#include "connection/connection.h"

#include <limits.h>
#include <string.h>
#include <time.h>

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

/* ---- sessions that a server looks up ---------------------------------------------------------------------------- */

typedef struct lookup {
    const unsigned char *id;
    int length;
    SSL_SESSION *found;
} lookup;

/* Protected. Gets the look-up and the store's function. */
static int ask_store(lua_State *L) {
    lookup *asked = lua_touserdata(L, 1);
    lua_settop(L, 2);
    lua_pushlstring(L, (const char *)asked->id, (size_t)asked->length);
    lua_call(L, 1, 1);
    if (lua_isnil(L, -1)) return 0;
    SSL_SESSION *session = sci_test_session(L, -1);
    if (!session)
        return luaL_error(L, "a session store answers an OSSslSession or nil, not a %s", luaL_typename(L, -1));
    if (SSL_SESSION_up_ref(session)) asked->found = session;
    return 0;
}

static SSL_SESSION *look_up(sci_sslsocket *socket, lookup *asked) {
    lua_State *L = socket->L;
    if (!sci_ssl_in_call(socket) || !lua_checkstack(L, 4)) return NULL;
    lua_pushcfunction(L, ask_store);
    lua_pushlightuserdata(L, asked);
    if (lua_getiuservalue(L, 1, SCI_SSL_SESSION_STORE) == LUA_TNIL) lua_pop(L, 3);
    else (void)sci_ssl_call_lua(socket, 2, 0);
    return asked->found;
}

static bool has_id(const SSL_SESSION *session, const unsigned char *id, int length) {
    unsigned int own_length = 0;
    const unsigned char *own = session ? SSL_SESSION_get_id(session, &own_length) : NULL;
    return own && own_length == (unsigned int)length && memcmp(own, id, own_length) == 0;
}

static bool takes_early_data_once(const SSL *ssl) {
    return SSL_version(ssl) == TLS1_3_VERSION && SSL_get_max_early_data(ssl) > 0 &&
           !(SSL_get_options(ssl) & SSL_OP_NO_ANTI_REPLAY);
}

static SSL_SESSION *on_get_session(SSL *ssl, const unsigned char *id, int length, int *copy) {
    sci_sslsocket *socket = SSL_get_app_data(ssl);
    lookup asked = {.id = id, .length = length};
    *copy = 0; /* the reference is OpenSSL's */
    if (!socket) return NULL;
    SSL_SESSION *found = NULL;
    if (has_id(socket->offered, id, length)) {
        found = socket->offered;
        socket->offered = NULL;
    } else found = look_up(socket, &asked);
    SSL_SESSION *own = found && sci_session_may_resume(ssl, found) ? sci_copy_session(found) : NULL;
    /* Early data is taken once of each session. OpenSSL notes that in its own cache, and there is one behind it here. */
    if (own && takes_early_data_once(ssl)) (void)SSL_CTX_remove_session(SSL_get_SSL_CTX(ssl), found);
    SSL_SESSION_free(found);
    return own;
}

/* ---- what a context and a connection need ------------------------------------------------------------------------ */

void sci_ssl_install_session_cache(SSL_CTX *ctx) {
    SSL_CTX_sess_set_new_cb(ctx, on_new_session);
    SSL_CTX_sess_set_get_cb(ctx, on_get_session);
}

void sci_ssl_inherit_store(lua_State *L, sci_sslsocket *socket) {
    lua_getiuservalue(L, 1, SCI_SSL_CONTEXT);
    socket->has_store = lua_getiuservalue(L, -1, SCI_CONTEXT_SESSION_STORE) != LUA_TNIL;
    lua_setiuservalue(L, 1, SCI_SSL_SESSION_STORE);
    lua_pop(L, 1);
}

static const luaL_Reg socket_methods[] = {{"newSessions", sslsocket_new_sessions}, {NULL, NULL}};

void sci_open_session_cache(lua_State *L) { luaL_setfuncs(L, socket_methods, 0); }
