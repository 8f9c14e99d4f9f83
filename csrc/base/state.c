/* state.c: what a lua_State keeps for all classes. */
#include "base/base.h"

#include <string.h>

static const char state_key = 0;

sci_state *sci_get_state(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &state_key);
    sci_state *state = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return state;
}

static int state_gc(lua_State *L) {
    sci_state *state = lua_touserdata(L, 1);
    BIO_meth_free(state->descriptor);
    BIO_meth_free(state->memory);
    BIO_meth_free(state->datagram);
    state->descriptor = state->memory = state->datagram = NULL;
    OPENSSL_free(state->spare_output);
    state->spare_output = NULL;
    if (state->free_libraries) state->free_libraries(state->libraries);
    state->libraries = NULL;
    return 0;
}

/* The state is made before all other objects, so that lua_close finalizes it last: their BIOs need its methods, and their
 * keys its library contexts. */
SCI_AT_LOAD void sci_open_state(lua_State *L, const sci_class *classes) {
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &state_key) == LUA_TUSERDATA) {
        lua_pop(L, 1);
        return;
    }
    lua_pop(L, 1);
    sci_state *state = lua_newuserdatauv(L, sizeof *state, 0);
    state->classes = classes;
    state->descriptor = NULL;
    state->memory = NULL;
    state->datagram = NULL;
    state->pollers = NULL;
    state->libraries = NULL;
    state->free_libraries = NULL;
    state->spare_output = NULL;
    state->reading = false;
    memset(state->warm, 0, sizeof state->warm);
    state->warm_next = 0;
    state->calls = 0;
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, state_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &state_key);
}

/* Lua stops its collector while a finalizer runs. Since 5.4.4 LUA_GCISRUNNING distinguishes that from a stop by the user. */
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
