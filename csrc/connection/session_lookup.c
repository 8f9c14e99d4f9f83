/* session_lookup.c: SciSslSocket, a server looks up the session that a client offers. OpenSSL cannot be suspended here, so
 * the store's function is called under lua_pcall. */
#include "connection/connection.h"

typedef struct lookup {
    const unsigned char *id;
    int length;
    SSL_SESSION *found;
} lookup;

/* Protected. Gets the lookup and the function of the store. */
static int ask_store(lua_State *L) {
    lookup *asked = lua_touserdata(L, 1);
    lua_settop(L, 2);
    lua_pushlstring(L, (const char *)asked->id, (size_t)asked->length);
    lua_call(L, 1, 1);
    if (lua_isnil(L, -1)) return 0;
    SSL_SESSION *session = sci_test_session(L, -1);
    if (!session)
        return luaL_error(L, "a session store must return an OSSslSession or nil, not a %s", luaL_typename(L, -1));
    if (SSL_SESSION_up_ref(session)) asked->found = session;
    return 0;
}

static SSL_SESSION *look_up(sci_sslsocket *socket, lookup *asked) {
    lua_State *L = socket->callback.L;
    if (!sci_ssl_in_call(socket) || !lua_checkstack(L, 4)) return NULL;
    lua_pushcfunction(L, ask_store);
    lua_pushlightuserdata(L, asked);
    if (lua_getiuservalue(L, 1, SCI_SSL_SESSION_STORE) == LUA_TNIL) lua_pop(L, 3);
    else (void)sci_ssl_call_lua(socket, 2, 0);
    return asked->found;
}

static SSL_SESSION *on_get_session(SSL *ssl, const unsigned char *id, int length, int *copy) {
    sci_sslsocket *socket = SSL_get_app_data(ssl);
    lookup asked = {.id = id, .length = length};
    *copy = 0; /* OpenSSL owns the reference */
    if (!socket) return NULL;
    SSL_SESSION *found = sci_ssl_take_offered(socket, id, length);
    if (!found) found = look_up(socket, &asked);
    SSL_SESSION *own = found && sci_ssl_may_resume(ssl, found) ? sci_copy_session(found) : NULL;
    /* Early data is accepted once for each session. OpenSSL notes that in its own cache, which does not know the store. */
    if (own && sci_ssl_takes_early_data_once(ssl)) (void)SSL_CTX_remove_session(SSL_get_SSL_CTX(ssl), found);
    SSL_SESSION_free(found);
    if (own) sci_context_cache_session(SSL_get_SSL_CTX(ssl), own);
    return own;
}

void sci_ssl_install_session_lookup(SSL_CTX *ctx) { SSL_CTX_sess_set_get_cb(ctx, on_get_session); }
