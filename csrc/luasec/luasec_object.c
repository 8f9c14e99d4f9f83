/* luasec_object.c: the objects of scissl.luasec as userdata, and methods in Lua that get their state. */
#include "luasec/luasec.h"

#include <string.h>

/* ---- classes ------------------------------------------------------------------------------------------------------ */

/* Programs can call it, since it is in the metatable, and other finalizers can use the object after it. */
static int object_gc(lua_State *L) {
    sci_luasec *self = sci_check_luasec(L);
    if (!sci_may_free(L) || (self->socket && sci_ssl_in_call(self->socket))) return 0;
    sci_input_free(&self->in);
    self->phase = SCI_LUASEC_CLOSED;
    return 0;
}

/* newLuasecClass(name): a metatable */
static int new_class(lua_State *L) {
    luaL_checkstring(L, 1);
    lua_createtable(L, 0, 6);
    lua_pushvalue(L, 1);
    lua_setfield(L, -2, "__name");
    lua_pushvalue(L, -1);
    lua_pushcclosure(L, object_gc, SCI_LUASEC_CLASS);
    lua_setfield(L, -2, "__gc");
    return 1;
}

/* Raises unless the table at `index` is a class: its finalizer knows that its objects are sci_luasec. */
static void check_class(lua_State *L, int index) {
    luaL_checktype(L, index, LUA_TTABLE);
    lua_pushliteral(L, "__gc");
    lua_rawget(L, index);
    luaL_argcheck(L, lua_tocfunction(L, -1) == object_gc, index, "a class of scissl.luasec expected");
    lua_pop(L, 1);
}

/* newLuasecObject(class, state) */
static int new_object(lua_State *L) {
    check_class(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    sci_luasec *self = lua_newuserdatauv(L, sizeof *self, SCI_LUASEC_SOCKET);
    memset(self, 0, sizeof *self);
    self->block = self->total = -1;
    self->birthday = sci_seconds();
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, -2, SCI_LUASEC_STATE);
    lua_pushvalue(L, 1);
    lua_setmetatable(L, -2);
    return 1;
}

/* The object at `index`, of the class at the index `class`; NULL: it is something else. */
static sci_luasec *test_object(lua_State *L, int index, int class) {
    sci_luasec *self = lua_touserdata(L, index);
    if (!self || !lua_getmetatable(L, index)) return NULL;
    bool known = lua_topointer(L, -1) == lua_topointer(L, class);
    lua_pop(L, 1);
    return known ? self : NULL;
}

sci_luasec *sci_check_luasec(lua_State *L) {
    sci_luasec *self = test_object(L, 1, lua_upvalueindex(SCI_LUASEC_CLASS));
    if (self) return self;
    bool none = lua_isnone(L, 1);
    lua_getfield(L, lua_upvalueindex(SCI_LUASEC_CLASS), "__name");
    if (none) luaL_argerror(L, 1, lua_pushfstring(L, "%s expected, got no value", lua_tostring(L, -1)));
    else luaL_typeerror(L, 1, lua_tostring(L, -1));
    return NULL;
}

void sci_luasec_add(lua_State *L, int index, const luaL_Reg *functions) {
    lua_pushvalue(L, index);
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    luaL_setfuncs(L, functions, 2);
    lua_pop(L, 1);
}

/* luasecState(value, class): the state of an object of that class; nothing for other values. */
static int get_state(lua_State *L) {
    if (!test_object(L, 1, 2)) return 0;
    lua_getiuservalue(L, 1, SCI_LUASEC_STATE);
    return 1;
}

/* ---- methods in Lua ----------------------------------------------------------------------------------------------- */

#define FUNCTION 2 /* upvalue */

static int pass_results(lua_State *L, int status, lua_KContext context) {
    (void)status, (void)context;
    return lua_gettop(L);
}

static int call_method(lua_State *L) {
    (void)sci_check_luasec(L);
    lua_getiuservalue(L, 1, SCI_LUASEC_STATE);
    lua_replace(L, 1);
    lua_pushvalue(L, lua_upvalueindex(FUNCTION));
    lua_insert(L, 1);
    lua_callk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, pass_results);
    return pass_results(L, LUA_OK, 0);
}

/* luasecMethod(class, function): a function whose first argument is an object of the class, in whose place `function` gets its
 * state. */
static int make_method(lua_State *L) {
    check_class(L, 1);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    lua_pushcclosure(L, call_method, 2);
    return 1;
}

SCI_AT_LOAD void sci_open_luasec_object(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"newLuasecClass", new_class},
        {"newLuasecObject", new_object},
        {"luasecState", get_state},
        {"luasecMethod", make_method},
        {NULL, NULL},
    };
    luaL_setfuncs(L, functions, 0);
}
