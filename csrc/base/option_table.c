/* option_table.c: tables of options: names and types are checked. */
#include "base/base.h"

#include <string.h>

static bool is_known(const char *const *names, const char *name) {
    while (*names && strcmp(*names, name) != 0) names++;
    return *names != NULL;
}

static void reject_unknown(lua_State *L, int index, const char *const *names) {
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING) luaL_argerror(L, index, "names of options expected for keys");
        if (!is_known(names, lua_tostring(L, -2)))
            luaL_argerror(L, index, lua_pushfstring(L, "unknown option '%s'", lua_tostring(L, -2)));
    }
}

int sci_push_options(lua_State *L, int index, const char *const *names) {
    luaL_checktype(L, index, LUA_TTABLE);
    luaL_checkstack(L, LUA_MINSTACK, "too many options");
    reject_unknown(L, index, names);
    int first = lua_gettop(L) + 1;
    for (; *names; names++) {
        luaL_checkstack(L, LUA_MINSTACK, "too many options");
        lua_getfield(L, index, *names);
    }
    return first;
}

int sci_option_error(lua_State *L, int index, const char *name, const char *what, int value) {
    value = lua_absindex(L, value);
    bool named = luaL_getmetafield(L, value, "__name") == LUA_TSTRING;
    const char *got = named ? lua_tostring(L, -1) : luaL_typename(L, value);
    /* A number itself, since its type may be right. Texts may be secrets. */
    if (lua_type(L, value) == LUA_TNUMBER) got = luaL_tolstring(L, value, NULL);
    return luaL_argerror(L, index, lua_pushfstring(L, "option '%s': %s expected, got %s", name, what, got));
}

const char *sci_check_text_option(lua_State *L, int index, const char *name, int value) {
    if (lua_isnil(L, value)) return NULL;
    const char *text = lua_type(L, value) == LUA_TSTRING ? lua_tostring(L, value) : NULL;
    if (!text || strlen(text) != lua_rawlen(L, value))
        sci_option_error(L, index, name, "string without NUL bytes", value);
    return text;
}

bool sci_check_boolean_option(lua_State *L, int index, const char *name, int value) {
    if (!lua_isnil(L, value) && !lua_isboolean(L, value)) sci_option_error(L, index, name, "boolean", value);
    return lua_toboolean(L, value);
}

lua_Integer sci_check_list_of(lua_State *L, int index, const char *name, const char *what, int value) {
    if (!lua_istable(L, value)) sci_option_error(L, index, name, what, value);
    lua_Integer hole = sci_find_hole(L, value);
    if (hole == 0) return (lua_Integer)lua_rawlen(L, value);
    const char *text = lua_pushfstring(L, "option '%s': entry %I of the list is missing", name, (LUAI_UACINT)hole);
    return luaL_argerror(L, index, text);
}

lua_Integer sci_check_list_option(lua_State *L, int index, const char *name, int value) {
    if (lua_isnil(L, value)) return 0;
    lua_Integer count = sci_check_list_of(L, index, name, "list of strings", value);
    for (lua_Integer i = 1; i <= count; i++) {
        if (lua_rawgeti(L, value, i) != LUA_TSTRING) sci_option_error(L, index, name, "list of strings", -1);
        lua_pop(L, 1);
    }
    return count;
}

int sci_push_raw_field(lua_State *L, int index, const char *name) {
    index = lua_absindex(L, index);
    lua_pushstring(L, name);
    return lua_rawget(L, index);
}
