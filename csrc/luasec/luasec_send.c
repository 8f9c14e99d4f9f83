/* luasec_send.c: `send` of scissl.luasec's connections. */
#include "luasec/luasec.h"

#define FARTHEST 0x1p53 /* bytes; no string is that long */

/* Places on the stack. */
enum { SOCKET = 1, SELF, DATA };

/* The position at `index` in a string of `size` bytes, as LuaSocket reads it. */
static lua_Integer read_position(lua_State *L, int index, lua_Integer usual, size_t size) {
    lua_Number given = luaL_optnumber(L, index, (lua_Number)usual);
    lua_Integer position = given > FARTHEST    ? (lua_Integer)FARTHEST
                           : given > -FARTHEST ? (lua_Integer)given
                                               : -(lua_Integer)FARTHEST;
    return position < 0 ? (lua_Integer)size + position + 1 : position;
}

/* nil, the word on top, and the last byte that was sent. */
static int fail_after(lua_State *L, lua_Integer last) {
    lua_pushnil(L);
    lua_insert(L, -2);
    lua_pushnumber(L, (lua_Number)last);
    return 3;
}

static int return_last(lua_State *L, lua_Integer last) {
    lua_pushnumber(L, (lua_Number)last);
    lua_pushnil(L);
    lua_pushnil(L);
    return 3;
}

/* Sends the bytes from `start` to `end` of the string at DATA. */
static int send_range(lua_State *L, sci_luasec *self, const char *data, lua_Integer start, lua_Integer end) {
    double began = sci_luasec_start(self);
    lua_Integer at = start;
    while (at <= end) {
        if (self->phase != SCI_LUASEC_CONNECTED) {
            lua_pushliteral(L, "closed");
            return fail_after(L, at - 1);
        }
        sci_ssl_push_written(L, self->socket, DATA, data + at - 1, (size_t)(end - at + 1));
        lua_Integer done = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : 0;
        if (done > 0) {
            at += done;
            self->sent += (lua_Number)done;
            lua_pop(L, 1);
        } else if (!sci_luasec_settle(L, self, began)) return fail_after(L, at - 1);
    }
    return return_last(L, end);
}

/* connection:send: see lua/scissl/luasec/connection.lua. */
static int connection_send(lua_State *L) {
    sci_luasec *self = sci_check_luasec(L);
    size_t size;
    const char *data = luaL_checklstring(L, 2, &size);
    lua_Integer start = 1, end = (lua_Integer)size;
    if (lua_gettop(L) > 2) {
        start = read_position(L, 3, 1, size);
        end = read_position(L, 4, -1, size);
        if (start < 1) start = 1;
        if (end > (lua_Integer)size) end = (lua_Integer)size;
    }
    if (start > end) return return_last(L, start - 1);
    lua_settop(L, 2);
    lua_getiuservalue(L, 1, SCI_LUASEC_SOCKET);
    lua_insert(L, SOCKET);
    return send_range(L, self, data, start, end);
}

void sci_luasec_add_send(lua_State *L, int index) {
    static const luaL_Reg functions[] = {{"send", connection_send}, {NULL, NULL}};
    sci_luasec_add(L, index, functions);
}
