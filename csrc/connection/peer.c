/* peer.c: SciSslSocket, the peer and its certificates, and the cipher. Document: S2, S8, S16. */
#include "connection/connection.h"

/***
Tells whether TLS protects what is written now: true from the end of the handshake until the connection is closed, shut down
or has failed.
@function SciSslSocket:isSecure
@treturn boolean
*/
static int sslsocket_is_secure(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    const SSL *ssl = sci_ssl_get_secured(L);
    lua_pushboolean(L, ssl && !socket->result.failed && !(SSL_get_shutdown(ssl) & SSL_SENT_SHUTDOWN));
    return 1;
}

/***
Returns the cipher in use.
@function SciSslSocket:cipher
@treturn ?SciSslCipher nil before there is one
@see SSL_get_current_cipher(3)
*/
static int sslsocket_cipher(lua_State *L) {
    const SSL *ssl = sci_ssl_get_secured(L);
    sci_push_cipher(L, ssl ? SSL_get_current_cipher(ssl) : NULL);
    return 1;
}

/***
Returns the protocol version in use.
@function SciSslSocket:version
@treturn ?string `TLSv1.2`, `TLSv1.3` …; nil before there is one
@see SSL_get_version(3)
*/
static int sslsocket_version(lua_State *L) {
    const SSL *ssl = sci_ssl_get_secured(L);
    lua_pushstring(L, ssl ? SSL_get_version(ssl) : NULL);
    return 1;
}

/***
Returns the verification result of the peer's certificate or raw public key, whatever the verification flags are.
@function SciSslSocket:sslVerifyCertificate
@treturn[1] integer `X509_V_OK` or an `X509_V_ERR_…`
@treturn[1] string its text
@treturn[2] nil the peer presented no certificate, or the handshake is not completed
@treturn[2] string which of these
@see SSL_get_verify_result(3)
*/
static int sslsocket_verify_certificate(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    bool begun = socket->ssl && (socket->handshake.done || socket->result.failed);
    long result = begun ? SSL_get_verify_result(socket->ssl) : X509_V_OK;
    if (begun && (result != X509_V_OK || SSL_get0_peer_certificate(socket->ssl) || sci_ssl_raw_key(socket->ssl))) {
        lua_pushinteger(L, result);
        lua_pushstring(L, X509_verify_cert_error_string(result));
        return 2;
    }
    lua_pushnil(L);
    if (begun) lua_pushliteral(L, "the peer presented no certificate");
    else if (socket->closed) lua_pushliteral(L, "the socket has been closed");
    else lua_pushliteral(L, "the handshake has not been completed");
    return 2;
}

/***
Returns the peer's certificate.
@function SciSslSocket:peerCertificate
@treturn ?SciSslX509Certificate nil where it presented none
@see SSL_get1_peer_certificate(3)
*/
static int sslsocket_peer_certificate(lua_State *L) {
    const SSL *ssl = sci_ssl_get_secured(L);
    X509 **slot = sci_new_certificate(L);
    if (ssl) *slot = SSL_get1_peer_certificate(ssl);
    if (!*slot) lua_pushnil(L);
    return 1;
}

/* A list of its own: the certificate, if there is one, and those of the chain. */
bool sci_copy_certificates(X509 *first, STACK_OF(X509) *chain, void **list) {
    STACK_OF(X509) *copy = chain ? X509_chain_up_ref(chain) : sk_X509_new_null();
    *list = copy;
    if (!copy) return false;
    if (!first) return true;
    if (!X509_up_ref(first)) return false;
    if (sk_X509_unshift(copy, first) > 0) return true;
    X509_free(first);
    return false;
}

/* OpenSSL's chain has the peer's own certificate on a client, but not on a server. */
static bool get_presented(const void *owner, void **list) {
    const SSL *ssl = owner;
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
    return sci_copy_certificates(!chain || SSL_is_server(ssl) ? SSL_get0_peer_certificate(ssl) : NULL, chain, list);
}

void sci_push_presented(lua_State *L, const SSL *ssl) { sci_push_certificates_of(L, get_presented, ssl); }

/***
Returns the certificates that the peer presented, as it sent them, its own first.
@function SciSslSocket:peerChain
@treturn {SciSslX509Certificate,...} empty where it presented none
@see SSL_get_peer_cert_chain(3)
*/
static int sslsocket_peer_chain(lua_State *L) {
    const SSL *ssl = sci_ssl_get_secured(L);
    if (ssl) sci_push_presented(L, ssl);
    else lua_newtable(L);
    return 1;
}

/***
Returns the server name of the connection (SNI): on a client the name to send, on a server the name that was received.
@function SciSslSocket:serverName
@treturn ?string nil where there is none
@see SSL_get_servername(3)
*/
static int sslsocket_server_name(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    bool open = socket->ssl && !socket->closed;
    lua_pushstring(L, open ? SSL_get_servername(socket->ssl, TLSEXT_NAMETYPE_host_name) : NULL);
    return 1;
}

static const luaL_Reg peer_methods[] = {
    {"isSecure", sslsocket_is_secure},
    {"cipher", sslsocket_cipher},
    {"version", sslsocket_version},
    {"sslVerifyCertificate", sslsocket_verify_certificate},
    {"peerCertificate", sslsocket_peer_certificate},
    {"peerChain", sslsocket_peer_chain},
    {"serverName", sslsocket_server_name},
    {NULL, NULL},
};

void sci_open_peer(lua_State *L) { sci_ssl_add_methods(L, peer_methods); }
