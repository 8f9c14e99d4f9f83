/* argument.c: arguments that many methods take. */
#include "base/base.h"

#include <limits.h>
#include <math.h>
#include <string.h>

int sci_return_receiver(lua_State *L) {
    lua_settop(L, 1);
    return 1;
}

const char *sci_check_bytes(lua_State *L, int index, int *length) {
    size_t bytes;
    const char *text = luaL_checklstring(L, index, &bytes);
    luaL_argcheck(L, bytes <= INT_MAX, index, "string too long");
    *length = (int)bytes;
    return text;
}

const char *sci_check_text(lua_State *L, int index) {
    size_t bytes;
    const char *text = luaL_checklstring(L, index, &bytes);
    luaL_argcheck(L, memchr(text, 0, bytes) == NULL, index, "string contains a NUL byte");
    return text;
}

size_t sci_check_range(lua_State *L, int index, size_t length, size_t *offset) {
    lua_Integer size = (lua_Integer)length;
    lua_Integer first = luaL_optinteger(L, index, 1);
    lua_Integer last = luaL_optinteger(L, index + 1, -1);
    if (first < 0) first = first < -size ? 1 : size + first + 1;
    if (first == 0) first = 1;
    if (last < 0) last = last < -size ? 0 : size + last + 1;
    if (last > size) last = size;
    if (first > last) {
        *offset = 0;
        return 0;
    }
    *offset = (size_t)(first - 1);
    return (size_t)(last - first + 1);
}

int sci_refuse_negative(lua_State *L, int index, const char *what) {
    const char *got = luaL_tolstring(L, index, NULL);
    return luaL_argerror(L, index, lua_pushfstring(L, "%s of 0 or more expected, got %s", what, got));
}

lua_Integer sci_check_integer(lua_State *L, int index, lua_Integer lowest, lua_Integer highest, const char *expected) {
    lua_Integer value = luaL_checkinteger(L, index);
    if (value < lowest || value > highest)
        luaL_argerror(L, index, lua_pushfstring(L, "%s expected, got %I", expected, (LUAI_UACINT)value));
    return value;
}

int sci_check_timeout(lua_State *L, int index) {
    if (lua_isnoneornil(L, index)) return -1;
    lua_Number seconds = luaL_checknumber(L, index);
    if (!(seconds >= 0)) sci_refuse_negative(L, index, "number of seconds");
    lua_Number milliseconds = ceil(seconds * 1000);
    return milliseconds >= INT_MAX ? INT_MAX : (int)milliseconds;
}
