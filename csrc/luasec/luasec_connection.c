/* luasec_connection.c: what scissl.luasec's connections are in C: their socket, their phase, and what loops ask of them. */
#include "luasec/luasec.h"

/* ---- life --------------------------------------------------------------------------------------------------------- */

/* attach(connection, socket): the SciSslSocket, or nil */
static int connection_attach(lua_State *L) {
    sci_luasec *self = sci_check_luasec(L);
    lua_settop(L, 2);
    sci_sslsocket *socket = lua_isnil(L, 2) ? NULL : luaL_checkudata(L, 2, SCI_SSL_SOCKET);
    self->socket = NULL; /* as long as that of before may go */
    lua_setiuservalue(L, 1, SCI_LUASEC_SOCKET);
    self->socket = socket;
    if (socket) sci_socket_trust_mode(&socket->socket); /* as LuaSec does */
    return 0;
}

/* complete(connection): the handshake is done. */
static int connection_complete(lua_State *L) {
    sci_check_luasec(L)->phase = SCI_LUASEC_CONNECTED;
    return 0;
}

/* finish(connection): it is closed. What was not received stays, as in LuaSec. */
static int connection_finish(lua_State *L) {
    sci_luasec *self = sci_check_luasec(L);
    lua_settop(L, 1);
    self->phase = SCI_LUASEC_CLOSED;
    self->socket = NULL;
    lua_pushnil(L);
    lua_setiuservalue(L, 1, SCI_LUASEC_SOCKET);
    return 0;
}

/* ---- what loops ask ----------------------------------------------------------------------------------------------- */

/* connection:getfd: see lua/scissl/luasec/connection.lua. */
static int connection_getfd(lua_State *L) {
    const sci_luasec *self = sci_check_luasec(L);
    lua_pushnumber(L, self->socket ? sci_socket_descriptor(&self->socket->socket) : -1);
    return 1;
}

/* connection:dirty: see lua/scissl/luasec/connection.lua. */
static int connection_dirty(lua_State *L) {
    sci_luasec *self = sci_check_luasec(L);
    bool dirty = self->phase != SCI_LUASEC_CLOSED && sci_input_size(&self->in) > 0;
    if (!dirty && self->socket && !sci_ssl_is_clean(self->socket)) {
        lua_getiuservalue(L, 1, SCI_LUASEC_SOCKET);
        lua_insert(L, 1);
        dirty = sci_ssl_dirty(L, self->socket);
    }
    lua_pushboolean(L, dirty);
    return 1;
}

/* connection:want: see lua/scissl/luasec/connection.lua. */
static int connection_want(lua_State *L) {
    const sci_luasec *self = sci_check_luasec(L);
    const sci_sslsocket *socket = self->socket;
    int wanted = socket ? socket->result.wanted : SSL_ERROR_NONE;
    if (socket && socket->ssl && socket->result.failed)
        wanted = SSL_want_read(socket->ssl) ? SSL_ERROR_WANT_READ : SSL_ERROR_NONE;
    if (wanted == SSL_ERROR_WANT_READ) lua_pushliteral(L, "read");
    else if (wanted == SSL_ERROR_WANT_WRITE) lua_pushliteral(L, "write");
    else lua_pushliteral(L, "nothing");
    return 1;
}

/* ---- how much ----------------------------------------------------------------------------------------------------- */

/* connection:getstats: see lua/scissl/luasec/connection.lua. */
static int connection_getstats(lua_State *L) {
    const sci_luasec *self = sci_check_luasec(L);
    lua_pushnumber(L, self->received);
    lua_pushnumber(L, self->sent);
    lua_pushnumber(L, sci_seconds() - self->birthday);
    return 3;
}

/* connection:setstats: see lua/scissl/luasec/connection.lua. */
static int connection_setstats(lua_State *L) {
    sci_luasec *self = sci_check_luasec(L);
    self->received = luaL_optnumber(L, 2, self->received);
    self->sent = luaL_optnumber(L, 3, self->sent);
    if (lua_isnumber(L, 4)) self->birthday = sci_seconds() - lua_tonumber(L, 4);
    lua_pushnumber(L, 1);
    return 1;
}

/* luasecConnection(class, describe): a table of functions, those that are methods among them. `describe` returns LuaSec's words
 * for a SciSslError. */
static int make_connection(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"attach", connection_attach},     {"complete", connection_complete}, {"finish", connection_finish},
        {"getfd", connection_getfd},       {"dirty", connection_dirty},       {"want", connection_want},
        {"getstats", connection_getstats}, {"setstats", connection_setstats}, {NULL, NULL},
    };
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    lua_createtable(L, 0, 16);
    sci_luasec_add(L, 3, functions);
    sci_luasec_add_wait(L, 3);
    sci_luasec_add_receive(L, 3);
    sci_luasec_add_send(L, 3);
    return 1;
}

SCI_AT_LOAD void sci_open_luasec_connection(lua_State *L) {
    static const luaL_Reg functions[] = {{"luasecConnection", make_connection}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
