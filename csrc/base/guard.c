/* guard.c: userdata that free an object of OpenSSL's, whatever Lua raises meanwhile; and memory BIOs in such userdata. */
#include "base/base.h"

static int guard_free(lua_State *L) {
    sci_guard *guard = lua_touserdata(L, 1);
    if (guard->object) guard->release(guard->object);
    guard->object = NULL;
    return 0;
}

static sci_guard *push_guard(lua_State *L, void (*release)(void *object)) {
    sci_guard *guard = lua_newuserdatauv(L, sizeof *guard, 0);
    guard->object = NULL;
    guard->release = release;
    lua_createtable(L, 0, 2);
    lua_pushcfunction(L, guard_free);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "__gc");
    lua_setfield(L, -2, "__close");
    lua_setmetatable(L, -2);
    return guard;
}

/* Not left to the collector: what finalizers make while a lua_State closes is never collected. */
sci_guard *sci_new_guard(lua_State *L, void (*release)(void *object)) {
    sci_guard *guard = push_guard(L, release);
    lua_toclose(L, -1);
    return guard;
}

/* ---- memory BIOs ------------------------------------------------------------------------------------------------- */

static void free_bio(void *bio) { BIO_free(bio); }

BIO *sci_new_memory_bio(lua_State *L) {
    sci_guard *guard = push_guard(L, free_bio);
    sci_clear_errors();
    guard->object = BIO_new(BIO_s_mem());
    return guard->object;
}

void sci_push_bio_bytes(lua_State *L, BIO *bio) {
    char *bytes = NULL;
    long length = BIO_get_mem_data(bio, &bytes);
    lua_pushlstring(L, bytes, length > 0 ? (size_t)length : 0);
    sci_guard *guard = lua_touserdata(L, -2);
    guard->object = NULL;
    BIO_free(bio); /* now: it may hold a key */
}
