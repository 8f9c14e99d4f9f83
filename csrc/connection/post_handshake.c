/* post_handshake.c: SciSslSocket, messages after the handshake: renegotiation, KeyUpdate, certificate request. */
#include "connection/connection.h"

int sci_ssl_send_message(lua_State *L, sci_sslsocket *socket, int asked, const char *phase) {
    int result = asked == 1 ? SSL_do_handshake(socket->ssl) : -1;
    sci_ssl_end(socket);
    if (result > 0) lua_pushinteger(L, 1);
    else sci_ssl_push_failure(L, socket, result, phase);
    return 1;
}

/* False: a result was pushed. */
static bool may_renew_keys(lua_State *L, const sci_sslsocket *socket, const char *phase) {
    return !socket->transport.ktls.on || sci_ssl_fail(L, phase, "ktls", NULL);
}

/***
Asks for a new handshake on a TLS 1.2 connection. This call sends the request; the handshake itself takes place inside the
reads that follow on both sides.
@function SciSslSocket:sslRenegotiate
@treturn integer|SciSslError 1: the request has gone out; 0 or less: not ready; a SciSslError (condition
 `handshake_needed`, `renegotiation_refused`; `ktls`: the kernel has the keys; `protocol_version`: TLS 1.3 has no
 renegotiation, see `sslKeyUpdate`)
@see SSL_renegotiate(3)
*/
static int sslsocket_renegotiate(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    lua_settop(L, 1);
    if (!sci_ssl_ready_for_data(L, socket, "renegotiate")) return 1;
    if (SSL_version(socket->ssl) == TLS1_3_VERSION) {
        sci_ssl_fail(L, "renegotiate", "protocol_version",
                     "TLS 1.3 has no renegotiation; sslKeyUpdate renews its keys");
        return 1;
    }
    if (!may_renew_keys(L, socket, "renegotiate")) return 1;
    if (SSL_get_options(socket->ssl) & SSL_OP_NO_RENEGOTIATION) { /* OpenSSL 4.0 would end the connection */
        sci_ssl_fail(L, "renegotiate", "renegotiation_refused", "this end does not allow renegotiation");
        return 1;
    }
    sci_ssl_begin(L, socket);
    int asked =
        SSL_renegotiate_pending(socket->ssl) || !SSL_is_init_finished(socket->ssl) ? 1 : SSL_renegotiate(socket->ssl);
    return sci_ssl_send_message(L, socket, asked, "renegotiate");
}

/***
Renews the keys of a TLS 1.3 connection.
@function SciSslSocket:sslKeyUpdate
@tparam[opt=false] boolean both ask the peer to renew its keys as well
@treturn integer|SciSslError 1: the message has gone out; 0 or less: not ready; a SciSslError (condition
 `handshake_needed`, `protocol_version`: TLS 1.2 has none, or `ktls`: the kernel has the keys)
@see SSL_key_update(3)
*/
static int sslsocket_key_update(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    int kind = lua_toboolean(L, 2) ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED;
    lua_settop(L, 1);
    if (!sci_ssl_ready_for_data(L, socket, "keyUpdate")) return 1;
    if (!sci_speaks_tls13(socket->ssl)) {
        sci_ssl_fail(L, "keyUpdate", "protocol_version", "TLS 1.2 has no KeyUpdate; sslRenegotiate renews its keys");
        return 1;
    }
    if (!may_renew_keys(L, socket, "keyUpdate")) return 1;
    if (socket->write.pending_length > 0) {
        sci_ssl_fail(L, "keyUpdate", "write_pending", "an sslWrite returned \"not ready\" and was not repeated");
        return 1;
    }
    sci_ssl_begin(L, socket);
    int asked = SSL_get_key_update_type(socket->ssl) != SSL_KEY_UPDATE_NONE ? 1 : SSL_key_update(socket->ssl, kind);
    return sci_ssl_send_message(L, socket, asked, "keyUpdate");
}

bool sci_ssl_may_message_client(lua_State *L, sci_sslsocket *socket, const char *phase) {
    const char *condition = NULL;
    if (!sci_ssl_ready_for_data(L, socket, phase)) return false;
    if (socket->handshake.role != SCI_SERVER) condition = "wrong_role";
    else if (!sci_speaks_tls13(socket->ssl)) condition = "protocol_version";
    else if (socket->write.pending_length > 0) condition = "write_pending";
    return !condition || sci_ssl_fail(L, phase, condition, NULL);
}

/***
Asks the client for a certificate after the handshake, on a server of TLS 1.3 whose flags have `SSL_VERIFY_PEER`. The
certificate arrives during the reads that follow: then `peerCertificate` returns it, or the read fails as the handshake
would have.
@function SciSslSocket:sslVerifyClientPostHandshake
@treturn integer|SciSslError 1: the request has gone out; 0 or less: not ready; a SciSslError (condition `handshake_needed`,
 `wrong_role`, `protocol_version`, `write_pending`, `post_handshake_refused`: the client does not support it;
 `request_sent`: it was asked before)
@see SSL_verify_client_post_handshake(3)
*/
static int sslsocket_verify_client(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    lua_settop(L, 1);
    if (!sci_ssl_may_message_client(L, socket, "verifyClient")) return 1;
    sci_ssl_begin(L, socket);
    int asked = !SSL_is_init_finished(socket->ssl) || SSL_verify_client_post_handshake(socket->ssl) == 1;
    if (asked) return sci_ssl_send_message(L, socket, 1, "verifyClient");
    sci_ssl_end(socket);
    sci_push_error(L, &(sci_failure){.phase = "verifyClient"});
    return 1;
}

static const luaL_Reg post_handshake_methods[] = {
    {"sslVerifyClientPostHandshake", sslsocket_verify_client},
    {"sslRenegotiate", sslsocket_renegotiate},
    {"sslKeyUpdate", sslsocket_key_update},
    {NULL, NULL},
};

void sci_open_post_handshake(lua_State *L) { luaL_setfuncs(L, post_handshake_methods, 0); }
