/* passphrase.c: passphrases of keys and PKCS#12, given as a string or by a function. */
#include "pki/reading.h"

#include <string.h>

void sci_check_passphrase(lua_State *L, int index) {
    bool fits = lua_isnoneornil(L, index) || lua_type(L, index) == LUA_TSTRING || lua_isfunction(L, index);
    luaL_argexpected(L, fits, index, "string or function");
}

sci_passphrase sci_prepare_passphrase(lua_State *L, int index, sci_failure *failure) {
    int type = lua_type(L, index);
    sci_passphrase prepared = {.L = L, .failure = failure};
    if (type == LUA_TSTRING) prepared.given = prepared.text = index;
    if (type == LUA_TFUNCTION) prepared.given = index;
    return prepared;
}

static bool refuse_function(sci_failure *failure, const char *message) {
    return sci_refuse(failure, "passphrase_function", message);
}

bool sci_find_passphrase(sci_passphrase *asked) {
    lua_State *L = asked->L;
    if (!asked->given || asked->text) return true;
    if (!lua_checkstack(L, 4)) return refuse_function(asked->failure, "the Lua stack is full");
    lua_pushvalue(L, asked->given);
    ERR_set_mark();
    int status = lua_pcall(L, 0, 1, 0);
    ERR_pop_to_mark();
    if (status != LUA_OK) {
        asked->failure->cause = lua_gettop(L);
        return refuse_function(asked->failure, "the passphrase function raised an error");
    }
    if (lua_type(L, -1) != LUA_TSTRING)
        return refuse_function(asked->failure, "the passphrase function did not return a string");
    asked->text = lua_gettop(L);
    return true;
}

int sci_give_passphrase(char *buffer, int size, int writing, void *data) {
    sci_passphrase *asked = data;
    (void)writing;
    asked->asked = true;
    if (asked->failure->condition) return -1;
    if (!asked->given) {
        sci_refuse(asked->failure, "passphrase_missing", "the private key is encrypted, and no passphrase was given");
        return -1;
    }
    if (!sci_find_passphrase(asked)) return -1;
    size_t length;
    const char *text = lua_tolstring(asked->L, asked->text, &length);
    if (size < 0 || length > (size_t)size) {
        sci_refuse(asked->failure, "passphrase_too_long", "the passphrase is too long: OpenSSL takes 1024 bytes");
        return -1;
    }
    memcpy(buffer, text, length);
    return (int)length;
}
