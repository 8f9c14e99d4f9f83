/* class.c: makes classes, each when it is first used. */
#include "base/base.h"

#include <stdint.h>
#include <string.h>

static const char additions_key = 0; /* its address: registry key of the table of methods written in Lua, by class */

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

/* Copies the fields of the table on top into the table below it, and pops it. */
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
    int class = lua_gettop(L);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &additions_key) == LUA_TTABLE && lua_getfield(L, -1, name) == LUA_TTABLE) {
        lua_remove(L, -2);
        copy_fields(L);
    }
    lua_settop(L, class);
}

static int open_class(lua_State *L) {
    const sci_class *class = lua_touserdata(L, 1);
    class->open(L);
    for (sci_opener *const *extend = class->extend; extend && *extend; extend++) (*extend)(L);
    if (class->finish) class->finish(L);
    add_methods(L, class->name);
    return 1;
}

/* Removes the metatable whose name is at `name`. Allocates nothing: it runs after a memory error. */
static void forget_class(lua_State *L, int name) {
    lua_pushvalue(L, name);
    if (lua_rawget(L, LUA_REGISTRYINDEX) != LUA_TNIL) {
        lua_pushvalue(L, name);
        lua_pushnil(L);
        lua_rawset(L, LUA_REGISTRYINDEX);
    }
    lua_pop(L, 1);
}

/* Makes a class and pushes its table. After an error the class is made again the next time. */
static void make_class(lua_State *L, const sci_class *class) {
    luaL_checkstack(L, 8, "too many values for a class");
    lua_pushstring(L, class->name);
    lua_pushcfunction(L, open_class);
    lua_pushlightuserdata(L, (void *)(uintptr_t) class);
    if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
        forget_class(L, lua_gettop(L) - 1);
        lua_error(L);
    }
    lua_remove(L, -2);
}

static void push_class(lua_State *L, const sci_class *class) {
    if (luaL_getmetatable(L, class->name) == LUA_TTABLE) {
        lua_getfield(L, -1, "__index");
        lua_remove(L, -2);
    } else {
        lua_pop(L, 1);
        make_class(L, class);
    }
}

const sci_class *sci_find_class(lua_State *L, const char *name) {
    for (const sci_class *class = sci_get_state(L)->classes; class->name; class ++)
        if (strcmp(class->name, name) == 0) return class;
    return NULL;
}

void sci_push_class(lua_State *L, const char *name) { push_class(L, sci_find_class(L, name)); }

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

SCI_AT_LOAD int sci_extend_class(lua_State *L) {
    const char *name = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    luaL_argcheck(L, sci_find_class(L, name), 1, "there is no such class");
    if (luaL_getmetatable(L, name) == LUA_TTABLE) lua_getfield(L, -1, "__index");
    else {
        if (lua_rawgetp(L, LUA_REGISTRYINDEX, &additions_key) != LUA_TTABLE) {
            lua_createtable(L, 0, 2);
            lua_pushvalue(L, -1);
            lua_rawsetp(L, LUA_REGISTRYINDEX, &additions_key);
        }
        luaL_getsubtable(L, -1, name);
    }
    lua_pushvalue(L, 2);
    copy_fields(L);
    return 0;
}
