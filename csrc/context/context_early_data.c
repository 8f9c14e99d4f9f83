/* context_early_data.c: SciSslContext, early data: what a client of TLS 1.3 sends before the handshake is complete (RFC 8446,
 * section 2.3). It is off by default. */
#include "context/context.h"

#include <stdint.h>

/***
Sets how many bytes of early data (0-RTT) a server accepts from a client before the handshake is complete. An attacker who
records early data can replay it, to this server or to another one of a fleet: accept it only for requests that change nothing.
Within one process OpenSSL accepts the early data of each ticket once; for a fleet see `setReplayGuard`. Later connections only.
@function SciSslContext:setMaxReplayableData
@tparam integer bytes 0 … 4294967295; 0, the default, accepts none. Sessions carry the number to clients
@treturn SciSslContext the receiver
@see SSL_CTX_set_max_early_data(3)
@see RFC 8446, section 8
*/
static int context_set_max_replayable_data(lua_State *L) {
    SSL_CTX *ctx = sci_check_context(L, 1)->ctx;
    uint32_t bytes = (uint32_t)sci_check_integer(L, 2, 0, UINT32_MAX, "bytes from 0 to 4294967295");
    (void)SSL_CTX_set_max_early_data(ctx, bytes); /* both always succeed */
    (void)SSL_CTX_set_recv_max_early_data(ctx, bytes);
    return sci_return_receiver(L);
}

/***
Returns how many bytes of early data a server accepts.
@function SciSslContext:getMaxReplayableData
@treturn integer
@see SSL_CTX_get_max_early_data(3)
*/
static int context_get_max_replayable_data(lua_State *L) {
    lua_pushinteger(L, SSL_CTX_get_max_early_data(sci_check_context(L, 1)->ctx));
    return 1;
}

/***
Sets a function that decides whether a server accepts early data; it can ask the whole fleet whether the session was used
before. It runs inside the handshake, under lua_pcall, and must not yield. Unless it returns true, the early data is rejected,
the client is informed, and the handshake goes on. If it raises an error, the handshake fails. Later connections only.
@function SciSslContext:setReplayGuard
@tparam ?function guard gets the OSSslSession that the client resumes, and returns true to accept; nil: only OpenSSL's own check
@treturn SciSslContext the receiver
@see SSL_CTX_set_allow_early_data_cb(3)
*/
static int context_set_replay_guard(lua_State *L) { return sci_context_set_function(L, SCI_CONTEXT_REPLAY_GUARD); }

static const luaL_Reg early_data_methods[] = {
    {"setMaxReplayableData", context_set_max_replayable_data},
    {"getMaxReplayableData", context_get_max_replayable_data},
    {"setReplayGuard", context_set_replay_guard},
    {NULL, NULL},
};

void sci_open_context_early_data(lua_State *L) { luaL_setfuncs(L, early_data_methods, 0); }
