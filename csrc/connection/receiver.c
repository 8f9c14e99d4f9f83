/* receiver.c: SciSslSocket, the receiver of a method: what methods check about it first. */
#include "connection/connection.h"

/* Methods of sci_ssl_add_methods have the metatable as an upvalue. To find it by its name takes five times as long. */
sci_sslsocket *sci_check_sslsocket(lua_State *L, int index) {
    sci_sslsocket *socket = lua_touserdata(L, index);
    if (!socket || !lua_getmetatable(L, index)) return luaL_checkudata(L, index, SCI_SSL_SOCKET);
    bool known = lua_rawequal(L, -1, lua_upvalueindex(1));
    lua_pop(L, 1);
    return known ? socket : luaL_checkudata(L, index, SCI_SSL_SOCKET);
}

SSL *sci_ssl_get_secured(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    return socket->handshake.done ? socket->ssl : NULL;
}

void sci_ssl_add_methods(lua_State *L, const luaL_Reg *methods) {
    luaL_getmetatable(L, SCI_SSL_SOCKET);
    luaL_setfuncs(L, methods, 1);
}

bool sci_ssl_is_closed(const sci_sslsocket *socket) {
    return socket->closed || (!socket->memory && sci_socket_descriptor(&socket->socket) < 0);
}

sci_sslsocket *sci_check_before_handshake(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    const char *condition = NULL;
    if (socket->callback.running) condition = "in_callback";
    else if (sci_ssl_is_closed(socket)) condition = "closed";
    else if (!socket->ssl) condition = "not_initialized";
    else if (socket->handshake.role != SCI_NO_ROLE && socket->suspend.at != SCI_AT_CLIENT_HELLO)
        condition = "handshake_under_way";
    if (!condition) return socket;
    sci_fail_own(L, "option", condition, NULL);
    return NULL;
}
