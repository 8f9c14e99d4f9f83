/* verify_errors.c: SciSslSocket, collects every verification error of the peer's chain, and can let the handshake go on. */
#include "connection/connection.h"

static void note_error(sci_sslsocket *socket, int code, int depth) {
    if (socket->verify_errors.count == SCI_VERIFY_ERRORS) return;
    socket->verify_errors.list[socket->verify_errors.count++] =
        (sci_verify_error){.code = (short)code, .depth = (short)depth};
}

static int on_verify_step(int good, X509_STORE_CTX *store) {
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    sci_sslsocket *socket = ssl ? SSL_get_app_data(ssl) : NULL;
    if (good || !socket) return good;
    note_error(socket, X509_STORE_CTX_get_error(store), X509_STORE_CTX_get_error_depth(store));
    return socket->verify_errors.go_on;
}

/* After sslSetContext the new SSL does not have the callback. */
bool sci_ssl_note_resumed_error(sci_sslsocket *socket, long result) {
    if (SSL_get_verify_callback(socket->ssl) != on_verify_step) return false;
    if (socket->verify_errors.count == 0) note_error(socket, (int)result, 0);
    return socket->verify_errors.go_on;
}

void sci_ssl_reset_verify_errors(sci_sslsocket *socket) {
    socket->verify_errors.count = 0;
    socket->verify_errors.go_on = false;
}

/***
Collects every verification error of the peer's certificates for `verifyErrors`. Where `goOn` is true, no verification error ends
the handshake: then the caller itself must decide about the peer. `sslSetContext` and `sslInitialize` turn it off.
@function SciSslSocket:sslNoteVerifyErrors
@tparam[opt=false] boolean goOn
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `not_initialized`, `handshake_under_way`, `closed`
@see SSL_set_verify(3)
*/
static int sslsocket_note_verify_errors(lua_State *L) {
    bool go_on = lua_toboolean(L, 2);
    sci_sslsocket *socket = sci_check_before_handshake(L);
    if (!socket) return 2;
    socket->verify_errors.go_on = go_on;
    socket->verify_errors.count = 0;
    SSL_set_verify(socket->ssl, SSL_get_verify_mode(socket->ssl), on_verify_step);
    return sci_return_receiver(L);
}

/***
Returns the verification errors of the peer's certificates in the order in which they were found.
@function SciSslSocket:verifyErrors
@treturn {table,...} `depth` (integer: which certificate of the chain, 0 is the peer's own), `code` (integer, an
 `X509_V_ERR_…`), `text`; the first 32; empty where there was none, or `sslNoteVerifyErrors` was not called
*/
static int sslsocket_verify_errors(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    lua_createtable(L, socket->verify_errors.count, 0);
    for (int i = 0; i < socket->verify_errors.count; i++) {
        lua_createtable(L, 0, 3);
        sci_set_integer(L, "depth", socket->verify_errors.list[i].depth);
        sci_set_integer(L, "code", socket->verify_errors.list[i].code);
        sci_set_text(L, "text", X509_verify_cert_error_string(socket->verify_errors.list[i].code));
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

static const luaL_Reg verify_error_methods[] = {
    {"sslNoteVerifyErrors", sslsocket_note_verify_errors},
    {"verifyErrors", sslsocket_verify_errors},
    {NULL, NULL},
};

void sci_open_verify_errors(lua_State *L) { luaL_setfuncs(L, verify_error_methods, 0); }
