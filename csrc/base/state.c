/* core.c: scissl.core, the module's entry; what a lua_State keeps for all classes; arguments that many of them take. */
#include "scissl.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#if defined(__GNUC__) || defined(__clang__)
#define SCI_EXPORT __attribute__((visibility("default")))
#else
#define SCI_EXPORT
#endif

static const char state_key = 0;

sci_state *sci_get_state(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &state_key);
    sci_state *state = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return state;
}

static int state_gc(lua_State *L) {
    sci_close_transport(lua_touserdata(L, 1));
    return 0;
}

/* Made before every other object, so that lua_close finalizes it after them: their BIOs need its methods. */
SCI_AT_LOAD static void open_state(lua_State *L) {
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &state_key) == LUA_TUSERDATA) {
        lua_pop(L, 1);
        return;
    }
    lua_pop(L, 1);
    sci_state *state = lua_newuserdatauv(L, sizeof *state, 0);
    state->descriptor = NULL;
    state->memory = NULL;
    state->reading = false;
    memset(state->warm, 0, sizeof state->warm);
    state->warm_next = 0;
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, state_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &state_key);
}

/* Lua stops its collector for as long as a finalizer runs, and since 5.4.4 it tells that from a stop by the user. */
bool sci_in_finalizer(lua_State *L) {
    int running = lua_gc(L, LUA_GCISRUNNING);
#if LUA_VERSION_RELEASE_NUM >= 50404
    return running < 0;
#else
    return running != 1;
#endif
}

bool sci_may_free(lua_State *L) {
    lua_Debug call;
    if (!sci_in_finalizer(L)) return true;
    return lua_getstack(L, 0, &call) && lua_getinfo(L, "n", &call) && strcmp(call.namewhat, "metamethod") == 0 &&
           strcmp(call.name, "__gc") == 0;
}

int sci_answer_receiver(lua_State *L) {
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

int sci_check_timeout(lua_State *L, int index) {
    if (lua_isnoneornil(L, index)) return -1;
    lua_Number seconds = luaL_checknumber(L, index);
    luaL_argcheck(L, seconds >= 0, index, "time-out in seconds expected, not negative");
    lua_Number milliseconds = ceil(seconds * 1000);
    return milliseconds >= INT_MAX ? INT_MAX : (int)milliseconds;
}

/***
Tells a SciSslError from everything else.
@function scissl.isSslError
@param value anything
@treturn boolean
*/
static int is_ssl_error(lua_State *L) {
    lua_pushboolean(L, sci_is_error(L, 1));
    return 1;
}

static const luaL_Reg core_functions[] = {
    {"isSslError", is_ssl_error}, {"digest", sci_digest}, {"seal", sci_seal}, {"unseal", sci_unseal}, {NULL, NULL},
};

SCI_EXPORT int luaopen_scissl_core(lua_State *L);

SCI_AT_LOAD int luaopen_scissl_core(lua_State *L) {
    luaL_checkversion(L);
    sci_check_library(L);
    open_state(L);
    luaL_newlib(L, core_functions);
#ifdef OPENSSL_NO_CT
    lua_pushboolean(L, false);
#else
    lua_pushboolean(L, true);
#endif
    lua_setfield(L, -2, "hasCertificateTransparency");
#ifdef SCI_KTLS
    lua_pushboolean(L, true);
#else
    lua_pushboolean(L, false);
#endif
    lua_setfield(L, -2, "hasKtls");
    sci_open_classes(L);
    return 1;
}
