/* closing.c: notifies those who wait for a descriptor that it is about to be closed. epoll and kqueue drop a closed descriptor
 * silently: its waiters would sleep for ever, or wake for the next socket of that number. */
#include "net/socket.h"

static const char listener_key = 0; /* its address: registry key of the function to call */

void sci_notify_closing(lua_State *L, int index) {
    index = lua_absindex(L, index);
    if (!lua_checkstack(L, 2)) return;
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &listener_key) != LUA_TFUNCTION) {
        lua_pop(L, 1);
        return;
    }
    lua_pushvalue(L, index);
    if (lua_pcall(L, 1, 0, 0) == LUA_OK) return;
    lua_pop(L, 1); /* the error: closing goes on */
}

/* onClosing(f): calls f with each object whose descriptor or memory transport is about to be closed. */
SCI_AT_LOAD static int module_on_closing(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &listener_key);
    return 0;
}

/* ownerOf(value): the object that owns the descriptor of a SciSocket, through any number of SciSockets; else `value`. */
static int module_owner_of(lua_State *L) {
    lua_settop(L, 1);
    for (const sci_socket *socket; (socket = sci_test_socket(L, 1)) && socket->borrowed; lua_replace(L, 1))
        lua_getiuservalue(L, 1, SCI_SOCKET_OWNER);
    return 1;
}

SCI_AT_LOAD void sci_open_closing(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"onClosing", module_on_closing},
        {"ownerOf", module_owner_of},
        {NULL, NULL},
    };
    luaL_setfuncs(L, functions, 0);
}
