/* dh_params.c: SciSslSocket, the group of the key exchange DHE (up to TLS 1.2). */
#include "connection/connection.h"

#include <limits.h>

static void free_parameters(void *parameters) { EVP_PKEY_free(parameters); }

static void *read_group(BIO *bio) {
    EVP_PKEY *parameters = PEM_read_bio_Parameters(bio, NULL);
    if (parameters && (EVP_PKEY_is_a(parameters, "DH") || EVP_PKEY_is_a(parameters, "DHX"))) return parameters;
    EVP_PKEY_free(parameters);
    return NULL;
}

static const sci_kind kind = {
    .label = "DH PARAMETERS",
    .expected = "a group of DH parameters",
    .absent = "not_dh_parameters",
    .malformed = "not_dh_parameters",
    .malformed_message = "the DH parameters are malformed",
    .read_pem = read_group,
    .release = free_parameters,
};

static EVP_PKEY *read_parameters(const char *text, int length, sci_failure *failure) {
    EVP_PKEY *parameters = sci_read_pem_text(text, length, &kind, failure);
    if (failure->condition) failure->condition = kind.absent; /* also where it is no PEM text */
    return parameters;
}

/* ---- asking Lua -------------------------------------------------------------------------------------------------- */

void sci_ssl_reset_dh(lua_State *L, sci_sslsocket *socket) {
    if (!socket->dh.asks) return;
    socket->dh.asks = false;
    lua_pushnil(L);
    lua_setiuservalue(L, 1, SCI_SSL_DH);
}

/* Protected. Gets the SSL and the function. */
static int ask(lua_State *L) {
    size_t length;
    sci_failure failure = {0};
    SSL *ssl = lua_touserdata(L, 1);
    sci_guard *guard = sci_new_guard(L, free_parameters);
    lua_pushvalue(L, 2);
    lua_call(L, 0, 1);
    if (lua_isnil(L, -1)) return 0;
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &length) : NULL;
    if (!text || length > INT_MAX) return luaL_error(L, "DH parameters in PEM text expected");
    guard->object = read_parameters(text, (int)length, &failure);
    if (!guard->object) return luaL_error(L, "%s", failure.message ? failure.message : "no DH parameters");
    if (SSL_set0_tmp_dh_pkey(ssl, guard->object) != 1) {
        const char *reason = ERR_reason_error_string(ERR_peek_last_error());
        return luaL_error(L, "%s", reason ? reason : "unusable DH parameters");
    }
    guard->object = NULL; /* the SSL owns it */
    return 0;
}

static bool exchanges_dh(const SSL_CIPHER *cipher) {
    int exchange = SSL_CIPHER_get_kx_nid(cipher);
    return exchange == NID_kx_dhe || exchange == NID_kx_dhe_psk;
}

/* Where Lua has no group, OpenSSL ends the handshake: it needs one next. */
void sci_ssl_choose_dh(sci_sslsocket *socket) {
    lua_State *L = socket->callback.L;
    const SSL_CIPHER *cipher = socket->dh.asks && L ? SSL_get_pending_cipher(socket->ssl) : NULL;
    if (!cipher || !exchanges_dh(cipher) || SSL_session_reused(socket->ssl) || !lua_checkstack(L, 4)) return;
    socket->dh.asks = false;
    SSL_set_dh_auto(socket->ssl, 0);
    lua_pushcfunction(L, ask);
    lua_pushlightuserdata(L, socket->ssl);
    lua_getiuservalue(L, 1, SCI_SSL_DH);
    (void)sci_ssl_call_lua(socket, 2, 0);
}

/* sslSetDhParameters(function) */
static int set_function(lua_State *L) {
    sci_sslsocket *socket = sci_check_before_handshake(L);
    if (!socket) return 2;
    lua_settop(L, 2);
    lua_setiuservalue(L, 1, SCI_SSL_DH);
    socket->dh.asks = true;
    SSL_set_dh_auto(socket->ssl, 1);
    return sci_return_receiver(L);
}

/* ---- methods ------------------------------------------------------------------------------------------------------ */

/***
Sets the group of a server's DHE key exchange for this connection. By default the group fits the strength of the server's
certificate, which is the better choice unless a peer needs a certain group. OpenSSL 4.0 and later negotiate the group with
clients that name one for DHE (RFC 7919): then `setGroups` of both sides counts, and this does not.
@function SciSslSocket:sslSetDhParameters
@tparam string|function pem text with `DH PARAMETERS` or `X9.42 DH PARAMETERS`; or a function that returns it, or nil for none,
 and is called where a cipher suite with DHE was negotiated. It cannot yield; what it raises ends the handshake
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError phase `load`: condition `not_dh_parameters`; `security_level`: the group is too small for it;
 `not_initialized`, `handshake_under_way`, `closed`
@see SSL_set0_tmp_dh_pkey(3)
*/
static int sslsocket_set_dh_parameters(lua_State *L) {
    int length;
    if (lua_isfunction(L, 2)) return set_function(L);
    sci_failure failure = {.phase = "load", .subject = "DH parameters"};
    const char *text = sci_check_bytes(L, 2, &length);
    sci_guard *guard = sci_new_guard(L, free_parameters);
    sci_sslsocket *socket = sci_check_before_handshake(L);
    if (!socket) return 2;
    sci_ssl_reset_dh(L, socket);
    guard->object = read_parameters(text, length, &failure);
    if (!guard->object || SSL_set0_tmp_dh_pkey(socket->ssl, guard->object) != 1) return sci_fail(L, &failure);
    guard->object = NULL; /* the SSL owns it */
    SSL_set_dh_auto(socket->ssl, 0);
    return sci_return_receiver(L);
}

static const luaL_Reg dh_methods[] = {{"sslSetDhParameters", sslsocket_set_dh_parameters}, {NULL, NULL}};

void sci_open_dh_params(lua_State *L) { luaL_setfuncs(L, dh_methods, 0); }
