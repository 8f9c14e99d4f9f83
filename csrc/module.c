/* classes.c: how classes are made, and what scissl.core answers: each class and each constant is made when it is first
 * asked for, since few programs need more than a handful of them. */
#include "pki.h"

#include <stdint.h>
#include <string.h>

typedef struct sci_part {
    const char *name;
    void (*open)(lua_State *L); /* leaves its table on the stack */
} sci_part;

static const sci_part parts[] = {
    {SCI_ERROR, sci_open_error},
    {SCI_SOCKET, sci_open_socket},
    {SCI_POLLER, sci_open_poller},
    {SCI_KEY, sci_open_key},
    {SCI_CERTIFICATE, sci_open_certificate},
    {SCI_CRL, sci_open_crl},
    {SCI_REQUEST, sci_open_request},
    {SCI_CIPHER, sci_open_cipher},
    {"SciSslOcsp", sci_open_ocsp},
    {"SciSslPkcs12", sci_open_pkcs12},
    {SCI_SESSION, sci_open_session},
    {SCI_CONTEXT, sci_open_context},
    {SCI_SSL_SOCKET, sci_open_sslsocket},
    {SCI_VERSION, sci_open_version},
    {NULL, NULL},
};

static const char additions_key = 0; /* its address: registry key of the methods written in Lua, by class */

/* ---- making a class --------------------------------------------------------------------------------------------- */

void sci_new_class(lua_State *L, const char *name, const luaL_Reg *functions, const luaL_Reg *methods,
                   const luaL_Reg *metamethods) {
    lua_newtable(L);
    if (functions) luaL_setfuncs(L, functions, 0);
    if (methods) luaL_setfuncs(L, methods, 0);
    luaL_newmetatable(L, name);
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, "__index");
    if (metamethods) luaL_setfuncs(L, metamethods, 0);
    lua_pop(L, 1);
}

/* Copies the fields of the table on top into the one below it, and takes it off. */
static void copy_fields(lua_State *L) {
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -2);
        lua_rawset(L, -6);
    }
    lua_pop(L, 1);
}

/* Adds the methods written in Lua to the class `name`, whose table is on top. */
static void add_methods(lua_State *L, const char *name) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &additions_key);
    if (lua_getfield(L, -1, name) == LUA_TTABLE) {
        lua_remove(L, -2);
        copy_fields(L);
    } else lua_pop(L, 2);
}

static int open_part(lua_State *L) {
    const sci_part *part = lua_touserdata(L, 1);
    part->open(L);
    add_methods(L, part->name);
    return 1;
}

/* Forgets the metatable whose name is at `name`. Allocates nothing: it comes after a memory error. */
static void forget_class(lua_State *L, int name) {
    lua_pushvalue(L, name);
    if (lua_rawget(L, LUA_REGISTRYINDEX) != LUA_TNIL) {
        lua_pushvalue(L, name);
        lua_pushnil(L);
        lua_rawset(L, LUA_REGISTRYINDEX);
    }
    lua_pop(L, 1);
}

/* Pushes the table of a part that was not made before. One that could not be finished is made anew the next time. */
static void make_part(lua_State *L, const sci_part *part) {
    luaL_checkstack(L, 8, "too many values for a class");
    lua_pushstring(L, part->name);
    lua_pushcfunction(L, open_part);
    lua_pushlightuserdata(L, (void *)(uintptr_t)part);
    if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
        forget_class(L, lua_gettop(L) - 1);
        lua_error(L);
    }
    lua_remove(L, -2);
}

static void push_part(lua_State *L, const sci_part *part) {
    if (luaL_getmetatable(L, part->name) == LUA_TTABLE) {
        lua_getfield(L, -1, "__index");
        lua_remove(L, -2);
    } else {
        lua_pop(L, 1);
        make_part(L, part);
    }
}

static const sci_part *find_part(const char *name) {
    for (const sci_part *part = parts; part->name; part++)
        if (strcmp(part->name, name) == 0) return part;
    return NULL;
}

void sci_push_class(lua_State *L, const char *name) { push_part(L, find_part(name)); }

void *sci_new_object(lua_State *L, const char *name, size_t size, int uservalues) {
    void *object = lua_newuserdatauv(L, size, uservalues);
    memset(object, 0, size);
    if (luaL_getmetatable(L, name) != LUA_TTABLE) {
        lua_pop(L, 1);
        sci_push_class(L, name);
        lua_pop(L, 1);
        luaL_getmetatable(L, name);
    }
    lua_setmetatable(L, -2);
    return object;
}

/* ---- scissl.core ------------------------------------------------------------------------------------------------ */

static bool push_constant(lua_State *L, const char *name) {
    for (const sci_constant *constant = sci_constants; constant->name; constant++)
        if (strcmp(constant->name, name) == 0) {
            lua_pushinteger(L, constant->value);
            return true;
        }
    return false;
}

/* The __index of scissl.core: what has been made is found in the table itself from then on. */
static int module_index(lua_State *L) {
    size_t length;
    luaL_checktype(L, 1, LUA_TTABLE);
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tolstring(L, 2, &length) : NULL;
    if (!name || strlen(name) != length) return 0;
    const sci_part *part = find_part(name);
    if (part) push_part(L, part);
    else if (!push_constant(L, name)) return 0;
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    lua_rawset(L, 1);
    return 1;
}

static int module_next(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    if (lua_next(L, 1)) return 2;
    lua_pushnil(L);
    return 1;
}

static void make_field(lua_State *L, const char *name) {
    lua_getfield(L, 1, name);
    lua_pop(L, 1);
}

/* The __pairs of scissl.core: who looks at everything finds everything. */
static int module_pairs(lua_State *L) {
    luaL_checkany(L, 1);
    for (const sci_part *part = parts; part->name; part++) make_field(L, part->name);
    for (const sci_constant *constant = sci_constants; constant->name; constant++) make_field(L, constant->name);
    lua_pushcfunction(L, module_next);
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

/* extend(class, methods): adds methods that are written in Lua to a class, now, or as soon as it is made. */
SCI_AT_LOAD static int module_extend(lua_State *L) {
    const char *name = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    luaL_argcheck(L, find_part(name), 1, "there is no such class");
    if (luaL_getmetatable(L, name) == LUA_TTABLE) lua_getfield(L, -1, "__index");
    else {
        lua_rawgetp(L, LUA_REGISTRYINDEX, &additions_key);
        luaL_getsubtable(L, -1, name);
    }
    lua_pushvalue(L, 2);
    copy_fields(L);
    return 0;
}

SCI_AT_LOAD void sci_open_classes(lua_State *L) {
    static const luaL_Reg metamethods[] = {
        {"__index", module_index},
        {"__pairs", module_pairs},
        {"extend", module_extend}, /* this and what follows is for the layer above, and no part of the module's face */
        {"stampFiles", sci_stamp_files},
        {"defaultTrust", sci_default_trust},
        {NULL, NULL},
    };
    int module = lua_gettop(L);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &additions_key) != LUA_TTABLE) {
        lua_createtable(L, 0, 2);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &additions_key);
    }
    lua_settop(L, module);
    luaL_newlib(L, metamethods);
    sci_open_closing(L);
    lua_setmetatable(L, -2);
}
