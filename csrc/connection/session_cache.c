/* cache.c: SciSslContext and SciSslSocket, where sessions go to and come from. OpenSSL's callbacks queue what is made; the
 * one that looks sessions up cannot be suspended, and calls Lua under lua_pcall. */
#include "sslsocket.h"

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

/* OpenSSL links a session into the list of one cache: one that two contexts cache must be two, or the lists get mixed up. */
static SSL_SESSION *copy_session(SSL_SESSION *session) {
    unsigned char *bytes = NULL;
    int length = SSL_SESSION_is_resumable(session) ? i2d_SSL_SESSION(session, NULL) : 0;
    if (length > 0) bytes = OPENSSL_malloc((size_t)length);
    unsigned char *end = bytes;
    const unsigned char *cursor = bytes;
    SSL_SESSION *copy =
        bytes && i2d_SSL_SESSION(session, &end) == length ? d2i_SSL_SESSION(NULL, &cursor, length) : NULL;
    if (bytes) OPENSSL_clear_free(bytes, (size_t)length);
    return copy;
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
    SSL_SESSION *own = found && sci_session_may_resume(ssl, found) ? copy_session(found) : NULL;
    /* Early data is taken once of each session. OpenSSL notes that in its own cache, and there is one behind it here. */
    if (own && takes_early_data_once(ssl)) (void)SSL_CTX_remove_session(SSL_get_SSL_CTX(ssl), found);
    SSL_SESSION_free(found);
    return own;
}

/* ---- how a context caches --------------------------------------------------------------------------------------- */

void sci_context_open_cache(SSL_CTX *ctx) {
    SSL_CTX_sess_set_new_cb(ctx, on_new_session);
    SSL_CTX_sess_set_get_cb(ctx, on_get_session);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_BOTH | SSL_SESS_CACHE_NO_INTERNAL_STORE);
}

/* OpenSSL would keep each session of a client for a look-up that never comes: it keeps them as soon as there is a server. */
void sci_context_serve(sci_context *context) {
    if (!context->ctx || context->cache_chosen) return;
    SSL_CTX_set_session_cache_mode(context->ctx, SSL_SESS_CACHE_BOTH);
}

void sci_ssl_inherit_store(lua_State *L, sci_sslsocket *socket) {
    lua_getiuservalue(L, 1, SCI_SSL_CONTEXT);
    socket->has_store = lua_getiuservalue(L, -1, SCI_CONTEXT_SESSION_STORE) != LUA_TNIL;
    lua_setiuservalue(L, 1, SCI_SSL_SESSION_STORE);
    lua_pop(L, 1);
}

/***
Sets whose sessions are kept, and where: for connections that were initialized before, too. Servers keep what they do not put into tickets: sessions up to TLS 1.2 of clients
without tickets, and all where `SSL_OP_NO_TICKET` is set or early data is taken.
@function SciSslContext:setSessionCacheMode
@tparam string mode `"off"`: no sessions but those in tickets, and `newSessions` answers none; `"client"`, `"server"`,
 `"both"`
@tparam[opt=true] boolean internal false: OpenSSL's own cache is neither filled nor looked into; then `setSessionStore`
 says where sessions are found
@treturn SciSslContext the receiver
@see SSL_CTX_set_session_cache_mode(3)
*/
static int context_set_session_cache_mode(lua_State *L) {
    static const char *const names[] = {"off", "client", "server", "both", NULL};
    static const long modes[] = {SSL_SESS_CACHE_OFF, SSL_SESS_CACHE_CLIENT, SSL_SESS_CACHE_SERVER, SSL_SESS_CACHE_BOTH};
    sci_context *context = sci_check_context(L, 1);
    long mode = modes[luaL_checkoption(L, 2, NULL, names)];
    bool internal = lua_isnoneornil(L, 3) || lua_toboolean(L, 3);
    SSL_CTX_set_session_cache_mode(context->ctx, internal ? mode : mode | SSL_SESS_CACHE_NO_INTERNAL);
    context->cache_chosen = true;
    return sci_answer_receiver(L);
}

/***
Sets how many sessions OpenSSL's own cache keeps.
@function SciSslContext:setSessionCacheSize
@tparam integer count 1 or more; 20480 at first
@treturn SciSslContext the receiver
@see SSL_CTX_sess_set_cache_size(3)
*/
static int context_set_session_cache_size(lua_State *L) {
    SSL_CTX *ctx = sci_check_context(L, 1)->ctx;
    lua_Integer count = luaL_checkinteger(L, 2);
    luaL_argcheck(L, count > 0 && count <= INT_MAX, 2, "a positive number of sessions expected");
    SSL_CTX_sess_set_cache_size(ctx, (long)count);
    return sci_answer_receiver(L);
}

/***
Removes the sessions from OpenSSL's own cache whose time is over.
@function SciSslContext:flushSessions
@tparam[opt] integer at seconds since the epoch; without it, now
@treturn SciSslContext the receiver
@see SSL_CTX_flush_sessions(3)
*/
static int context_flush_sessions(lua_State *L) {
    SSL_CTX *ctx = sci_check_context(L, 1)->ctx;
    lua_Integer at = luaL_optinteger(L, 2, (lua_Integer)time(NULL));
    luaL_argcheck(L, at > 0 && at <= LONG_MAX, 2, "seconds since the epoch expected");
    SSL_CTX_flush_sessions(ctx, (long)at);
    return sci_answer_receiver(L);
}

/***
Puts a session into OpenSSL's own cache, for servers to find.
@function SciSslContext:addSession
@tparam OSSslSession session
@treturn boolean true; false where it was there, or cannot be resumed
@see SSL_CTX_add_session(3)
*/
static int context_add_session(lua_State *L) {
    SSL_CTX *ctx = sci_check_context(L, 1)->ctx;
    SSL_SESSION *session = sci_check_session(L, 2);
    bool there = OPENSSL_LH_retrieve((OPENSSL_LHASH *)SSL_CTX_sessions(ctx), session) != NULL;
    sci_clear_errors();
    SSL_SESSION *copy = there ? NULL : copy_session(session);
    bool added = copy && SSL_CTX_add_session(ctx, copy);
    SSL_SESSION_free(copy);
    sci_clear_errors();
    lua_pushboolean(L, added);
    return 1;
}

/***
Takes a session out of OpenSSL's own cache; nobody can resume it any more.
@function SciSslContext:removeSession
@tparam OSSslSession session
@treturn boolean true; false where it was not there
@see SSL_CTX_remove_session(3)
*/
static int context_remove_session(lua_State *L) {
    SSL_CTX *ctx = sci_check_context(L, 1)->ctx;
    lua_pushboolean(L, SSL_CTX_remove_session(ctx, sci_check_session(L, 2)));
    return 1;
}

/***
Sets where servers made from now on find sessions that OpenSSL's own cache has not. The function runs inside the handshake,
under lua_pcall, and must not yield; what it raises ends the handshake. To look further away, take the session id from
`clientHello()` while the handshake is suspended there, and give what was found to `setSession`.
@function SciSslContext:setSessionStore
@tparam ?function store gets a session id (string, raw bytes), answers an OSSslSession or nil; nil: none
@treturn SciSslContext the receiver
@see SSL_CTX_sess_set_get_cb(3)
*/
static int context_set_session_store(lua_State *L) {
    sci_check_context(L, 1);
    lua_settop(L, 2);
    if (!lua_isnil(L, 2)) luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_setiuservalue(L, 1, SCI_CONTEXT_SESSION_STORE);
    return sci_answer_receiver(L);
}

/***
Answers how sessions have been made and used.
@function SciSslContext:sessionStatistics
@treturn table of integers: `number` (in OpenSSL's own cache now), `connect`, `connectGood`, `connectRenegotiate`, `accept`,
 `acceptGood`, `acceptRenegotiate`, `hits` (resumed), `callbackHits` (found by `setSessionStore`), `misses` (not found),
 `timeouts` (found, and too old), `cacheFull` (made room for another), `cacheSize`
@see SSL_CTX_sess_number(3)
*/
static int context_session_statistics(lua_State *L) {
    SSL_CTX *ctx = sci_check_context(L, 1)->ctx;
    const struct {
        const char *name;
        long count;
    } counts[] = {
        {"number", SSL_CTX_sess_number(ctx)},
        {"connect", SSL_CTX_sess_connect(ctx)},
        {"connectGood", SSL_CTX_sess_connect_good(ctx)},
        {"connectRenegotiate", SSL_CTX_sess_connect_renegotiate(ctx)},
        {"accept", SSL_CTX_sess_accept(ctx)},
        {"acceptGood", SSL_CTX_sess_accept_good(ctx)},
        {"acceptRenegotiate", SSL_CTX_sess_accept_renegotiate(ctx)},
        {"hits", SSL_CTX_sess_hits(ctx)},
        {"callbackHits", SSL_CTX_sess_cb_hits(ctx)},
        {"misses", SSL_CTX_sess_misses(ctx)},
        {"timeouts", SSL_CTX_sess_timeouts(ctx)},
        {"cacheFull", SSL_CTX_sess_cache_full(ctx)},
        {"cacheSize", SSL_CTX_sess_get_cache_size(ctx)},
    };
    const size_t length = sizeof counts / sizeof *counts;
    lua_createtable(L, 0, (int)length);
    for (size_t i = 0; i < length; i++) {
        lua_pushinteger(L, counts[i].count);
        lua_setfield(L, -2, counts[i].name);
    }
    return 1;
}

static const luaL_Reg context_methods[] = {
    {"setSessionCacheMode", context_set_session_cache_mode},
    {"setSessionCacheSize", context_set_session_cache_size},
    {"flushSessions", context_flush_sessions},
    {"addSession", context_add_session},
    {"removeSession", context_remove_session},
    {"setSessionStore", context_set_session_store},
    {"sessionStatistics", context_session_statistics},
    {NULL, NULL},
};

void sci_open_context_cache(lua_State *L) { luaL_setfuncs(L, context_methods, 0); }

static const luaL_Reg socket_methods[] = {{"newSessions", sslsocket_new_sessions}, {NULL, NULL}};

void sci_open_cache(lua_State *L) { luaL_setfuncs(L, socket_methods, 0); }
