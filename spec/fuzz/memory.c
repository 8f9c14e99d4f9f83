/* memory.c: runs a Lua script, as `lua` does, whose allocations and those of OpenSSL fail when it says so:
 *     memory.arm("lua" | "openssl", n, times)   the nth allocation from now on fails, and those after it: `times` in all
 *     memory.disarm() -> lua, openssl, failed   ends that; how many allocations there were of both, how many failed
 *     memory.pause(boolean)                     whether allocations succeed, and are not counted, until the next call
 *     memory.leaks() -> boolean                 whether LeakSanitizer finds a leak now, and reports it */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <openssl/crypto.h>
#include <sanitizer/lsan_interface.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct plan {
    const char *name;
    lua_Integer count; /* allocations since the plan was armed */
    lua_Integer first; /* the first that fails; 0: none */
    lua_Integer times;
} plan;

static plan plans[] = {{.name = "lua"}, {.name = "openssl"}};
static lua_Integer failed;
static bool paused;

static bool fails(plan *p) {
    if (paused) return false;
    lua_Integer at = ++p->count - p->first;
    if (p->first == 0 || at < 0 || at >= p->times) return false;
    failed++;
    return true;
}

/* Lua relies on it that blocks can shrink. */
static void *lua_memory(void *data, void *block, size_t before, size_t size) {
    plan *p = data;
    if (size == 0) {
        free(block);
        return NULL;
    }
    if ((!block || size > before) && fails(p)) return NULL;
    return realloc(block, size);
}

static void *openssl_malloc(size_t size, const char *file, int line) {
    (void)file, (void)line;
    return fails(&plans[1]) ? NULL : malloc(size);
}

static void *openssl_realloc(void *block, size_t size, const char *file, int line) {
    (void)file, (void)line;
    if (size == 0) {
        free(block);
        return NULL;
    }
    return fails(&plans[1]) ? NULL : realloc(block, size);
}

static void openssl_free(void *block, const char *file, int line) {
    (void)file, (void)line;
    free(block);
}

static int memory_arm(lua_State *L) {
    plan *p = strcmp(luaL_checkstring(L, 1), "lua") == 0 ? &plans[0] : &plans[1];
    lua_Integer first = luaL_checkinteger(L, 2);
    lua_Integer times = luaL_checkinteger(L, 3);
    failed = plans[0].count = plans[1].count = 0;
    p->first = first;
    p->times = times;
    return 0;
}

static int memory_disarm(lua_State *L) {
    plans[0].first = plans[1].first = 0;
    lua_pushinteger(L, plans[0].count);
    lua_pushinteger(L, plans[1].count);
    lua_pushinteger(L, failed);
    return 3;
}

static int memory_pause(lua_State *L) {
    paused = lua_toboolean(L, 1);
    return 0;
}

static int memory_leaks(lua_State *L) {
    lua_pushboolean(L, __lsan_do_recoverable_leak_check());
    return 1;
}

static const luaL_Reg functions[] = {
    {"arm", memory_arm}, {"disarm", memory_disarm}, {"pause", memory_pause}, {"leaks", memory_leaks}, {NULL, NULL}};

static int run(lua_State *L) {
    char **words = lua_touserdata(L, 1);
    luaL_openlibs(L);
    luaL_newlib(L, functions);
    lua_setglobal(L, "memory");
    if (luaL_loadfile(L, words[1]) != LUA_OK) return lua_error(L);
    int count = 0;
    for (char **word = words + 2; *word; word++, count++) lua_pushstring(L, *word);
    lua_call(L, count, 0);
    return 0;
}

int main(int argc, char **argv) {
    if (argc < 2 || !CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free)) return 2;
    lua_State *L = lua_newstate(lua_memory, &plans[0]);
    if (!L) return 2;
    lua_pushcfunction(L, run);
    lua_pushlightuserdata(L, argv);
    int status = lua_pcall(L, 1, 0, 0);
    if (status != LUA_OK) lua_writestringerror("%s\n", lua_tostring(L, -1));
    lua_close(L);
    return status == LUA_OK ? 0 : 1;
}
