/* alpn.c: SciSslSocket, application protocols (ALPN, RFC 7301). */
#include "connection/connection.h"

/* A server chooses the first of its own protocols that the client offers. None in common is fatal (RFC 7301). */
static int on_alpn(SSL *ssl, const unsigned char **chosen, unsigned char *length, const unsigned char *offered,
                   unsigned int offered_length, void *unused) {
    const sci_sslsocket *socket = SSL_get_app_data(ssl);
    unsigned char *selected = NULL;
    (void)unused;
    if (!socket->alpn.names) return SSL_TLSEXT_ERR_NOACK;
    int outcome =
        SSL_select_next_proto(&selected, length, socket->alpn.names, socket->alpn.length, offered, offered_length);
    *chosen = selected;
    return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* ---- application protocols --------------------------------------------------------------------------------------- */

void sci_ssl_install_alpn(SSL_CTX *ctx) { SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL); }

void sci_ssl_inherit_alpn(lua_State *L, sci_sslsocket *socket, const sci_context *context) {
    size_t length = 0;
    (void)context;
    lua_getiuservalue(L, -1, SCI_CONTEXT_ALPN);
    socket->alpn.names = (const unsigned char *)lua_tolstring(L, -1, &length);
    socket->alpn.length = (unsigned int)length;
    lua_setiuservalue(L, 1, SCI_SSL_ALPN);
}

/***
Sets the application protocols of this connection, in place of those of the context: before the handshake, or while it is
suspended at `"clientHello"`.
@function SciSslSocket:sslSetAlpn
@tparam {string,...} names as `SciSslContext:setAlpn`
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `bad_alpn`, `not_initialized`, `handshake_under_way`, `closed`
@see SSL_set_alpn_protos(3)
@see RFC 7301
*/
static int sslsocket_set_alpn(lua_State *L) {
    size_t length;
    sci_check_sslsocket(L, 1);
    (void)sci_check_list(L, 2);
    lua_settop(L, 2);
    if (!sci_push_alpn(L)) return sci_fail_alpn(L);
    sci_sslsocket *socket = sci_check_before_handshake(L); /* the table's metamethods may have closed it */
    if (!socket) return 2;
    const unsigned char *wire = (const unsigned char *)lua_tolstring(L, 3, &length);
    sci_clear_errors();
    if (SSL_set_alpn_protos(socket->ssl, wire, (unsigned int)length) != 0) return sci_fail_openssl(L, "option", "ALPN");
    lua_setiuservalue(L, 1, SCI_SSL_ALPN);
    socket->alpn.names = length > 0 ? wire : NULL;
    socket->alpn.length = (unsigned int)length;
    return sci_return_receiver(L);
}

/***
Returns the negotiated application protocol (ALPN).
@function SciSslSocket:alpnProtocol
@treturn ?string nil where there is none
@see SSL_get0_alpn_selected(3)
*/
static int sslsocket_alpn_protocol(lua_State *L) {
    const SSL *ssl = sci_ssl_get_secured(L);
    const unsigned char *name = NULL;
    unsigned int length = 0;
    if (ssl) SSL_get0_alpn_selected(ssl, &name, &length);
    if (length > 0) lua_pushlstring(L, (const char *)name, length);
    else lua_pushnil(L);
    return 1;
}

static const luaL_Reg alpn_methods[] = {
    {"sslSetAlpn", sslsocket_set_alpn},
    {"alpnProtocol", sslsocket_alpn_protocol},
    {NULL, NULL},
};

void sci_open_alpn(lua_State *L) { luaL_setfuncs(L, alpn_methods, 0); }
