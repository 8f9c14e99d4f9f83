/* guard.c: userdata that own an object of OpenSSL's while Lua makes values of it. */
#include "base/base.h"

static int guard_gc(lua_State *L) {
    sci_guard *guard = lua_touserdata(L, 1);
    if (guard->object) guard->release(guard->object);
    guard->object = NULL;
    return 0;
}

sci_guard *sci_new_guard(lua_State *L, void (*release)(void *object)) {
    sci_guard *guard = lua_newuserdatauv(L, sizeof *guard, 0);
    guard->object = NULL;
    guard->release = release;
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, guard_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    return guard;
}
