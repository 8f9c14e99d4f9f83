/* count.c: bench_count.start() and .stop(): valgrind's callgrind counts the instructions between them; without it they do nothing. */
#include <lauxlib.h>
#include <lua.h>
#include <valgrind/callgrind.h>

static int start(lua_State *L) {
    (void)L;
    CALLGRIND_START_INSTRUMENTATION;
    return 0;
}

static int stop(lua_State *L) {
    (void)L;
    CALLGRIND_STOP_INSTRUMENTATION;
    return 0;
}

static const luaL_Reg functions[] = {{"start", start}, {"stop", stop}, {NULL, NULL}};

int luaopen_bench_count(lua_State *L) {
    luaL_newlib(L, functions);
    return 1;
}
