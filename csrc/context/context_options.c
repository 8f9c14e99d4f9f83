/* context_options.c: SciSslContext, OpenSSL's options (SSL_OP_…), renegotiation among them. */
#include "context/context.h"

/***
Adds options.
@function SciSslContext:setOptions
@tparam integer|string|{string,...} options `SSL_OP_…` constants, or-ed; or names of them without `SSL_OP_`, in lower
 case: `"no_ticket"`, `{"no_renegotiation", "cipher_server_preference"}`
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `unknown_flag`; the context stays as it was
@see SSL_CTX_set_options(3)
*/
static int context_set_options(lua_State *L) {
    const sci_context *context = sci_check_context(L, 1);
    uint64_t bits;
    if (!sci_read_flags(L, 2, "SSL_OP_", &bits)) return 2;
    SSL_CTX_set_options(context->ctx, bits);
    return sci_return_receiver(L);
}

/***
Takes options away.
@function SciSslContext:clearOptions
@tparam integer|string|{string,...} options as `setOptions`
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `unknown_flag`; the context stays as it was
@see SSL_CTX_clear_options(3)
*/
static int context_clear_options(lua_State *L) {
    const sci_context *context = sci_check_context(L, 1);
    uint64_t bits;
    if (!sci_read_flags(L, 2, "SSL_OP_", &bits)) return 2;
    SSL_CTX_clear_options(context->ctx, bits);
    return sci_return_receiver(L);
}

/***
Answers the options that are set.
@function SciSslContext:getOptions
@treturn integer `SSL_OP_…` constants, or-ed
@see SSL_CTX_get_options(3)
*/
static int context_get_options(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)SSL_CTX_get_options(sci_check_context(L, 1)->ctx));
    return 1;
}

/***
Allows or forbids new handshakes on connections made from now on, which TLS up to 1.2 knows: whether the peer asks for one or
we do. They are forbidden at first; allowed, clients can make a server work for little of their own.
@function SciSslContext:setRenegotiation
@tparam boolean allowed
@treturn SciSslContext the receiver
@see SSL_CTX_set_options(3), `SSL_OP_NO_RENEGOTIATION` and `SSL_OP_ALLOW_CLIENT_RENEGOTIATION`
*/
static int context_set_renegotiation(lua_State *L) {
    SSL_CTX *ctx = sci_check_context(L, 1)->ctx;
    luaL_checktype(L, 2, LUA_TBOOLEAN);
    bool allowed = lua_toboolean(L, 2);
    SSL_CTX_clear_options(ctx, allowed ? SSL_OP_NO_RENEGOTIATION : SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
    SSL_CTX_set_options(ctx, allowed ? SSL_OP_ALLOW_CLIENT_RENEGOTIATION : SSL_OP_NO_RENEGOTIATION);
    return sci_return_receiver(L);
}

static const luaL_Reg options_methods[] = {
    {"setOptions", context_set_options},
    {"clearOptions", context_clear_options},
    {"getOptions", context_get_options},
    {"setRenegotiation", context_set_renegotiation},
    {NULL, NULL},
};

void sci_open_context_options(lua_State *L) { luaL_setfuncs(L, options_methods, 0); }
