/* scarce.c: a Lua module that makes allocations fail while a function is called, and counts OpenSSL's bytes. See scarce.lua. */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include <openssl/crypto.h>

#include <lauxlib.h>
#include <lua.h>

typedef struct supply {
    long left;   /* allocations that still succeed; below 0: all do */
    bool once;   /* one fails, and the later ones succeed */
    long failed; /* allocations that have failed */
} supply;

static supply openssl = {.left = -1};
static lua_Alloc lua_allocate;
static bool replaced; /* by allocate_lua */
static void *lua_data;
static supply lua_supply = {.left = -1};

static bool is_empty(supply *from) {
    if (from->left < 0) return false;
    if (from->left > 0) {
        from->left--;
        return false;
    }
    from->failed++;
    errno = ENOMEM; /* as malloc does */
    if (from->once) from->left = -1;
    return true;
}

static void *allocate_lua(void *unused, void *block, size_t old_size, size_t size) {
    (void)unused;
    if (size > 0 && (!block || size > old_size) && is_empty(&lua_supply)) return NULL;
    return lua_allocate(lua_data, block, old_size, size);
}

/* Before each block of OpenSSL's stands its size. */
typedef union header {
    size_t size;
    max_align_t aligned;
} header;

static size_t held; /* bytes of OpenSSL's blocks */

static void *resize(header *old, size_t size) {
    size_t before = old ? old->size : 0;
    header *block = is_empty(&openssl) ? NULL : realloc(old, sizeof(header) + size);
    if (!block) return NULL;
    block->size = size;
    held += size - before;
    return block + 1;
}

static void *allocate_openssl(size_t size, const char *file, int line) {
    (void)file, (void)line;
    return size > 0 ? resize(NULL, size) : NULL;
}

static void free_openssl(void *block, const char *file, int line) {
    (void)file, (void)line;
    if (!block) return;
    header *old = (header *)block - 1;
    held -= old->size;
    free(old);
}

static void *reallocate_openssl(void *block, size_t size, const char *file, int line) {
    if (size > 0) return resize(block ? (header *)block - 1 : NULL, size);
    free_openssl(block, file, line);
    return NULL;
}

static int get_held(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)held);
    return 1;
}

/* Arguments: how many allocations succeed, `once`, a function and its arguments. Returns how many failed, then what pcall
 * returns. */
static int call_with(lua_State *L, supply *from) {
    lua_Integer left = luaL_checkinteger(L, 1);
    from->once = lua_toboolean(L, 2);
    luaL_checktype(L, 3, LUA_TFUNCTION);
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    from->failed = 0;
    from->left = (long)left;
    int status = lua_pcall(L, lua_gettop(L) - 3, LUA_MULTRET, 0);
    from->left = -1;
    lua_pushinteger(L, from->failed);
    lua_replace(L, 1);
    lua_pushboolean(L, status == LUA_OK);
    lua_replace(L, 2);
    return lua_gettop(L);
}

static int call_without_lua(lua_State *L) { return call_with(L, &lua_supply); }
static int call_without_openssl(lua_State *L) { return call_with(L, &openssl); }

/* Runs before the library is unloaded. */
static int end(lua_State *L) {
    if (replaced) lua_setallocf(L, lua_allocate, lua_data);
    replaced = false; /* lua_allocate stays: the last block that lua_close of Lua 5.5 frees comes after this */
    return 0;
}

int luaopen_scarce(lua_State *L);

int luaopen_scarce(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"lua", call_without_lua}, {"openssl", call_without_openssl}, {"held", get_held}, {NULL, NULL}};
    if (!replaced) {
        lua_allocate = lua_getallocf(L, &lua_data);
        lua_setallocf(L, allocate_lua, NULL);
        replaced = true;
    }
    luaL_newlib(L, functions);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, end);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    lua_pushboolean(L, CRYPTO_set_mem_functions(allocate_openssl, reallocate_openssl, free_openssl));
    lua_setfield(L, -2, "hasOpenssl");
    return 1;
}
