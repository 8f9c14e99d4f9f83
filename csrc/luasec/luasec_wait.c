/* luasec_wait.c: the time-outs of scissl.luasec's connections, as LuaSocket has them, and waiting. */
#include "luasec/luasec.h"

#include <limits.h>
#include <math.h>
#include <poll.h>

/* ---- how long ----------------------------------------------------------------------------------------------------- */

static bool has_limit(const sci_luasec *self) { return self->block > 0 || self->total >= 0; }

double sci_luasec_start(const sci_luasec *self) { return has_limit(self) ? sci_seconds() : 0; }

/* Seconds that an operation which has begun at `start` may still wait. */
static double time_left(const sci_luasec *self, double start) {
    double passed = sci_seconds() - start;
    if (self->total < 0) return self->block - passed;
    double left = self->total - passed;
    return self->block >= 0 && self->block < left ? self->block : left;
}

/* The same in milliseconds, rounded up, for poll(2). */
static int milliseconds_left(const sci_luasec *self, double start) {
    if (!has_limit(self)) return -1;
    double left = ceil(time_left(self, start) * 1000);
    if (!(left > 0)) return 0;
    return left < INT_MAX ? (int)left : INT_MAX;
}

/* ---- waiting ------------------------------------------------------------------------------------------------------ */

/* Pushes LuaSec's word where the time is over. */
static bool wait_for(lua_State *L, const sci_luasec *self, short events, const char *word, double start) {
    int descriptor = self->socket ? sci_socket_descriptor(&self->socket->socket) : -1;
    if (descriptor < 0) return true; /* it was closed meanwhile, which the next call reports */
    if (self->block != 0 && sci_wait_with_hooks(L, descriptor, events, milliseconds_left(self, start)) > 0) return true;
    lua_pushstring(L, word);
    return false;
}

/* Replaces the SciSslError on top by LuaSec's words for it. */
static bool describe(lua_State *L) {
    lua_pushvalue(L, lua_upvalueindex(SCI_LUASEC_DESCRIBE));
    lua_insert(L, -2);
    lua_call(L, 1, 1);
    return false;
}

bool sci_luasec_settle(lua_State *L, sci_luasec *self, double start) {
    if (!lua_isinteger(L, -1)) return describe(L);
    int code = -(int)lua_tointeger(L, -1);
    lua_pop(L, 1);
    if (code == SSL_ERROR_WANT_READ) return wait_for(L, self, POLLIN, "wantread", start);
    if (code == SSL_ERROR_WANT_WRITE) return wait_for(L, self, POLLOUT, "wantwrite", start);
    if (code == 0) self->ended = true;
    lua_pushstring(L, code == 0 ? "closed" : "Unknown SSL error");
    return false;
}

/* await(connection, result, start): waits for what a handshake needs before it goes on. Returns when the handshake has begun, and
 * LuaSec's word where it ends. */
static int connection_await(lua_State *L) {
    sci_luasec *self = sci_check_luasec(L);
    double start = lua_isnoneornil(L, 3) ? sci_luasec_start(self) : luaL_checknumber(L, 3);
    lua_settop(L, 2);
    lua_pushnumber(L, start);
    lua_insert(L, 2);
    return sci_luasec_settle(L, self, start) ? 1 : 2;
}

/* ---- settings ----------------------------------------------------------------------------------------------------- */

/* connection:settimeout: see lua/scissl/luasec/connection.lua. */
static int connection_settimeout(lua_State *L) {
    sci_luasec *self = sci_check_luasec(L);
    double seconds = luaL_optnumber(L, 2, -1);
    const char *mode = luaL_optstring(L, 3, "b");
    if (*mode == 'b') self->block = seconds;
    else if (*mode == 't' || *mode == 'r') self->total = seconds;
    else return luaL_argerror(L, 3, "invalid timeout mode");
    lua_pushnumber(L, 1);
    return 1;
}

void sci_luasec_add_wait(lua_State *L, int index) {
    static const luaL_Reg functions[] = {
        {"await", connection_await},
        {"settimeout", connection_settimeout},
        {NULL, NULL},
    };
    sci_luasec_add(L, index, functions);
}
