/* context_alpn.c: SciSslContext, the application protocols (ALPN, RFC 7301). */
#include "context/context.h"

bool sci_push_alpn(lua_State *L) {
    luaL_Buffer wire;
    lua_Integer count = luaL_len(L, 2);
    luaL_buffinit(L, &wire);
    bool fits = true;
    size_t total = 0;
    for (lua_Integer i = 1; i <= count && fits; i++) {
        size_t length;
        lua_geti(L, 2, i);
        luaL_argexpected(L, lua_type(L, -1) == LUA_TSTRING, 2, "table of strings");
        const char *name = lua_tolstring(L, -1, &length);
        total += length + 1;
        fits = length > 0 && length <= 255 && total <= 65535;
        if (fits) {
            lua_pushfstring(L, "%c", (int)length);
            lua_pushlstring(L, name, length);
            lua_concat(L, 2);
            lua_replace(L, -2);
            luaL_addvalue(&wire);
        } else lua_pop(L, 1);
    }
    luaL_pushresult(&wire);
    return fits;
}

int sci_fail_alpn(lua_State *L) {
    return sci_fail(L, &(sci_failure){.phase = "option", .condition = "bad_alpn", .subject = "setAlpn"});
}

/***
Sets the application protocols that a client offers or a server accepts, most preferred first (ALPN). A server chooses its
own most preferred one of those that the client offers; without a common one it ends the handshake.
@function SciSslContext:setAlpn
@tparam {string,...} names such as `{"h2", "http/1.1"}`; an empty list switches ALPN off
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `bad_alpn`: a name is empty or longer than 255 bytes
@see SSL_CTX_set_alpn_protos(3)
@see RFC 7301
*/
static int context_set_alpn(lua_State *L) {
    size_t length;
    sci_check_context(L, 1);
    (void)sci_check_list(L, 2);
    lua_settop(L, 2);
    if (!sci_push_alpn(L)) return sci_fail_alpn(L);
    SSL_CTX *ctx = sci_check_context(L, 1)->ctx; /* metamethods of the table may have closed it */
    const char *wire = lua_tolstring(L, -1, &length);
    sci_clear_errors();
    if (SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)wire, (unsigned int)length) != 0)
        return sci_fail_openssl(L, "option", "setAlpn");
    if (length == 0) lua_pushnil(L);
    lua_setiuservalue(L, 1, SCI_CONTEXT_ALPN);
    return sci_return_receiver(L);
}

static const luaL_Reg alpn_methods[] = {{"setAlpn", context_set_alpn}, {NULL, NULL}};

void sci_open_context_alpn(lua_State *L) { luaL_setfuncs(L, alpn_methods, 0); }
