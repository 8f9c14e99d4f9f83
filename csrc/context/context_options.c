/* context_options.c: SciSslContext, OpenSSL's options (SSL_OP_…), renegotiation among them. */
#include "context/context.h"

static int change_options(lua_State *L, uint64_t (*change)(SSL_CTX *ctx, uint64_t bits)) {
    const sci_context *context = sci_check_context(L, 1);
    uint64_t bits;
    if (!sci_read_flags(L, 2, "SSL_OP_", &bits)) return 2;
    (void)change(context->ctx, bits);
    return sci_return_receiver(L);
}

/***
Sets options. Those that are set already stay.
@function SciSslContext:setOptions
@tparam integer|string|{string,...} options `SSL_OP_…` constants joined by `|`; or their names without `SSL_OP_`, in
 lower case: `"no_ticket"`, `{"no_renegotiation", "cipher_server_preference"}`
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `unknown_flag`; the context is unchanged
@see SSL_CTX_set_options(3)
*/
static int context_set_options(lua_State *L) { return change_options(L, SSL_CTX_set_options); }

/***
Clears options.
@function SciSslContext:clearOptions
@tparam integer|string|{string,...} options as for `setOptions`
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `unknown_flag`; the context is unchanged
@see SSL_CTX_clear_options(3)
*/
static int context_clear_options(lua_State *L) { return change_options(L, SSL_CTX_clear_options); }

/***
Returns the options that are set.
@function SciSslContext:getOptions
@treturn integer `SSL_OP_…` constants joined by `|`
@see SSL_CTX_get_options(3)
*/
static int context_get_options(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)SSL_CTX_get_options(sci_check_context(L, 1)->ctx));
    return 1;
}

/***
Allows or forbids renegotiation: a second handshake on the same connection, which exists up to TLS 1.2. It is forbidden by
default, because each renegotiation costs a server much more work than the client that asks for it. Later connections only.
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
