/* field.c: fields of the table that is on top. */
#include "base/base.h"

void sci_set_text(lua_State *L, const char *field, const char *text) {
    if (!text) return;
    lua_pushstring(L, text);
    lua_setfield(L, -2, field);
}

void sci_set_integer(lua_State *L, const char *field, lua_Integer number) {
    lua_pushinteger(L, number);
    lua_setfield(L, -2, field);
}

void sci_set_boolean(lua_State *L, const char *field, bool flag) {
    lua_pushboolean(L, flag);
    lua_setfield(L, -2, field);
}
