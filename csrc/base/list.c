/* list.c: lists without holes. */
#include "base/base.h"

/* The first entry that is nil. */
static lua_Integer first_missing(lua_State *L, int index) {
    lua_Integer number = 0;
    int type;
    do {
        type = lua_rawgeti(L, index, ++number);
        lua_pop(L, 1);
    } while (type != LUA_TNIL);
    return number;
}

lua_Integer sci_find_hole(lua_State *L, int index) {
    index = lua_absindex(L, index);
    luaL_checkstack(L, 3, NULL);
    lua_Integer count = (lua_Integer)lua_rawlen(L, index), numbers = 0;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        lua_Number key = lua_type(L, -2) == LUA_TNUMBER ? lua_tonumber(L, -2) : 0;
        if (key < 1) continue; /* as in Lua's own `arg` */
        numbers++;
        if (key <= (lua_Number)count && lua_isinteger(L, -2)) continue;
        lua_pop(L, 2);
        return first_missing(L, index);
    }
    return numbers < count ? first_missing(L, index) : 0;
}

lua_Integer sci_check_list(lua_State *L, int index) {
    luaL_checktype(L, index, LUA_TTABLE);
    lua_Integer hole = sci_find_hole(L, index);
    if (hole > 0) luaL_argerror(L, index, lua_pushfstring(L, "entry %I of the list is missing", (LUAI_UACINT)hole));
    return (lua_Integer)lua_rawlen(L, index);
}

int sci_return_hole(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Integer hole = sci_find_hole(L, 1);
    if (hole == 0) return 0;
    lua_pushinteger(L, hole);
    return 1;
}
