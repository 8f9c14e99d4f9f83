/* option_list.c: the strings in lists that options hold, and general names made of them. */
#include "pki/issue/issue.h"

#include <string.h>

const char *sci_list_string(lua_State *L, int list, lua_Integer i, size_t *length) {
    const char *text = "";
    *length = 0;
    if (lua_rawgeti(L, list, i) == LUA_TSTRING) text = lua_tolstring(L, -1, length);
    lua_pop(L, 1); /* the list keeps it */
    return text;
}

const char *sci_list_text(lua_State *L, int list, lua_Integer i) {
    size_t length;
    const char *text = sci_list_string(L, list, i, &length);
    return strlen(text) == length ? text : "";
}

static bool put_names(lua_State *L, GENERAL_NAMES *names, int list, lua_Integer count, sci_failure *failure) {
    for (lua_Integer i = 1; i <= count; i++) {
        size_t length;
        const char *text = sci_list_string(L, list, i, &length);
        GENERAL_NAME *name = sci_parse_general_name(text, length, failure);
        if (name && sk_GENERAL_NAME_push(names, name) > 0) continue;
        GENERAL_NAME_free(name);
        return false;
    }
    failure->subject = NULL;
    return true;
}

GENERAL_NAMES *sci_make_general_names(lua_State *L, int list, lua_Integer count, sci_failure *failure) {
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    if (names && put_names(L, names, list, count, failure)) return names;
    GENERAL_NAMES_free(names);
    return NULL;
}
