/* context_early_data.c: SciSslContext, data that TLS 1.3 carries before the handshake is done (RFC 8446, section 2.3). It is off
 * unless asked for. */
#include "context/context.h"

#include <stdint.h>

/***
Sets how many bytes a client may send before the handshake is done (early data, 0-RTT), for servers made from now on. What
comes so can be sent again by anybody who records it, to this server or to another one of a fleet: take it only for
requests that change nothing. Within one process OpenSSL takes each ticket's data once; for a fleet see `setReplayGuard`.
@function SciSslContext:setMaxReplayableData
@tparam integer bytes 0 (the default: none) … 4294967295; sessions made with it tell clients
@treturn SciSslContext the receiver
@see SSL_CTX_set_max_early_data(3)
@see RFC 8446, section 8
*/
static int context_set_max_replayable_data(lua_State *L) {
    SSL_CTX *ctx = sci_check_context(L, 1)->ctx;
    lua_Integer bytes = luaL_checkinteger(L, 2);
    luaL_argcheck(L, bytes >= 0 && bytes <= UINT32_MAX, 2, "bytes from 0 to 4294967295 expected");
    (void)SSL_CTX_set_max_early_data(ctx, (uint32_t)bytes); /* these two always succeed */
    (void)SSL_CTX_set_recv_max_early_data(ctx, (uint32_t)bytes);
    return sci_return_receiver(L);
}

/***
Answers how many bytes a client may send before the handshake is done.
@function SciSslContext:getMaxReplayableData
@treturn integer
@see SSL_CTX_get_max_early_data(3)
*/
static int context_get_max_replayable_data(lua_State *L) {
    lua_pushinteger(L, SSL_CTX_get_max_early_data(sci_check_context(L, 1)->ctx));
    return 1;
}

/***
Sets who decides whether early data is taken, for servers made from now on: a function that can ask the whole fleet whether
it has seen the session before. It runs inside the handshake, under lua_pcall, and must not yield. Where it answers
anything but true the data is left out, the client learns that, and the handshake goes on; where it raises, the handshake
ends for that.
@function SciSslContext:setReplayGuard
@tparam ?function guard gets the OSSslSession that the client resumes; nil: OpenSSL's own check alone
@treturn SciSslContext the receiver
@see SSL_CTX_set_allow_early_data_cb(3)
*/
static int context_set_replay_guard(lua_State *L) {
    sci_check_context(L, 1);
    lua_settop(L, 2);
    if (!lua_isnil(L, 2)) luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_setiuservalue(L, 1, SCI_CONTEXT_REPLAY_GUARD);
    return sci_return_receiver(L);
}

static const luaL_Reg early_data_methods[] = {
    {"setMaxReplayableData", context_set_max_replayable_data},
    {"getMaxReplayableData", context_get_max_replayable_data},
    {"setReplayGuard", context_set_replay_guard},
    {NULL, NULL},
};

void sci_open_context_early_data(lua_State *L) { luaL_setfuncs(L, early_data_methods, 0); }
