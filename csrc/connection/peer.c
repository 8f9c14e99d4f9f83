/* peer.c: SciSslSocket, what is known of the other side, and what we show it. Document rows S2, S8 and S16. */
#include "connection/connection.h"

#include <stdint.h>

/* The SSL of the receiver once the handshake is completed; NULL: nothing is known of the peer. */
static SSL *check_secured(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    return socket->secured ? socket->ssl : NULL;
}

static void push_text(lua_State *L, const char *text, size_t length) {
    if (length > 0) lua_pushlstring(L, text, length);
    else lua_pushnil(L);
}

/***
Tells whether what is written now is protected: false until the handshake is completed, true until the connection is
closed, shut down or has failed. (Row S2)
@function SciSslSocket:isSecure
@treturn boolean
*/
static int sslsocket_is_secure(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    const SSL *ssl = check_secured(L);
    lua_pushboolean(L, ssl && !socket->failed && !(SSL_get_shutdown(ssl) & SSL_SENT_SHUTDOWN));
    return 1;
}

/***
Answers the cipher in use. (Row S8)
@function SciSslSocket:cipher
@treturn ?SciSslCipher nil before there is one
@see SSL_get_current_cipher(3)
*/
static int sslsocket_cipher(lua_State *L) {
    const SSL *ssl = check_secured(L);
    sci_push_cipher(L, ssl ? SSL_get_current_cipher(ssl) : NULL);
    return 1;
}

/***
Answers the protocol in use.
@function SciSslSocket:version
@treturn ?string `TLSv1.2`, `TLSv1.3` …; nil before there is one
@see SSL_get_version(3)
*/
static int sslsocket_version(lua_State *L) {
    const SSL *ssl = check_secured(L);
    lua_pushstring(L, ssl ? SSL_get_version(ssl) : NULL);
    return 1;
}

/***
Answers the result of the check of the peer's certificate, whatever the verification flags made of it. (Row S16)
@function SciSslSocket:sslVerifyCertificate
@treturn[1] integer `X509_V_OK` or an `X509_V_ERR_…`
@treturn[1] string its text
@treturn[2] nil the peer presented no certificate, or the handshake has not come so far
@treturn[2] string which of the two
@see SSL_get_verify_result(3)
*/
static int sslsocket_verify_certificate(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    bool begun = socket->ssl && (socket->secured || socket->failed);
    long result = begun ? SSL_get_verify_result(socket->ssl) : X509_V_OK;
    if (begun && (result != X509_V_OK || SSL_get0_peer_certificate(socket->ssl))) {
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
Answers the peer's certificate.
@function SciSslSocket:peerCertificate
@treturn ?SciSslX509Certificate nil where it presented none
@see SSL_get1_peer_certificate(3)
*/
static int sslsocket_peer_certificate(lua_State *L) {
    const SSL *ssl = check_secured(L);
    X509 **slot = sci_new_certificate(L);
    if (ssl) *slot = SSL_get1_peer_certificate(ssl);
    if (!*slot) lua_pushnil(L);
    return 1;
}

/* A list of its own: the certificate, if there is one, and those of the chain. */
static bool copy_certificates(X509 *first, STACK_OF(X509) *chain, void **list) {
    STACK_OF(X509) *copy = chain ? X509_chain_up_ref(chain) : sk_X509_new_null();
    *list = copy;
    if (!copy) return false;
    if (!first) return true;
    if (!X509_up_ref(first)) return false;
    if (sk_X509_unshift(copy, first) > 0) return true;
    X509_free(first);
    return false;
}

/* OpenSSL keeps the peer's own certificate out of the chain on a server, and in it on a client. */
static bool get_presented(const void *owner, void **list) {
    const SSL *ssl = owner;
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
    return copy_certificates(!chain || SSL_is_server(ssl) ? SSL_get0_peer_certificate(ssl) : NULL, chain, list);
}

void sci_push_presented(lua_State *L, const SSL *ssl) { sci_push_certificates_of(L, get_presented, ssl); }

/***
Answers the certificates that the peer presented, its own first, as it sent them.
@function SciSslSocket:peerChain
@treturn {SciSslX509Certificate,...} empty where it presented none
@see SSL_get_peer_cert_chain(3)
*/
static int sslsocket_peer_chain(lua_State *L) {
    const SSL *ssl = check_secured(L);
    if (ssl) sci_push_presented(L, ssl);
    else lua_newtable(L);
    return 1;
}

/* A handshake that resumes a session chooses no certificate, and OpenSSL does not keep which one made the session. */
static bool is_ambiguous(SSL *ssl) {
    if (!SSL_session_reused(ssl) || SSL_set_current_cert(ssl, SSL_CERT_SET_FIRST) != 1) return false;
    bool several = SSL_set_current_cert(ssl, SSL_CERT_SET_NEXT) == 1;
    (void)SSL_set_current_cert(ssl, SSL_CERT_SET_FIRST);
    return several;
}

X509 *sci_ssl_own_certificate(SSL *ssl) { return is_ambiguous(ssl) ? NULL : SSL_get_certificate(ssl); }

/***
Answers the certificate that this side shows: of several, after the handshake, the one that was chosen for this peer. A
client shows it only where the server asks.
@function SciSslSocket:localCertificate
@treturn ?SciSslX509Certificate nil where there is none, before sslInitialize, after close, and where a session was resumed
 and there are several: the session does not say which of them it was made with
@see SSL_get_certificate(3)
*/
static int sslsocket_local_certificate(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    X509 **slot = sci_new_certificate(L);
    X509 *own = socket->ssl && !socket->closed ? sci_ssl_own_certificate(socket->ssl) : NULL;
    if (own && X509_up_ref(own)) *slot = own;
    if (!*slot) lua_pushnil(L);
    return 1;
}

static bool get_local(const void *owner, void **list) {
    SSL *ssl = (SSL *)(uintptr_t)owner; /* OpenSSL asks for one that is not const, and does not change it */
    STACK_OF(X509) *chain = NULL;
    X509 *own = ssl ? sci_ssl_own_certificate(ssl) : NULL;
    if (own) (void)SSL_get0_chain_certs(ssl, &chain);
    return copy_certificates(own, chain, list);
}

/***
Answers the certificates that this side shows, its own first, as they were loaded. What OpenSSL adds from the trusted
ones where none was loaded with it is not among them.
@function SciSslSocket:localChain
@treturn {SciSslX509Certificate,...} empty where `localCertificate` is nil
@see SSL_get0_chain_certs(3)
*/
static int sslsocket_local_chain(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    sci_push_certificates_of(L, get_local, socket->closed ? NULL : socket->ssl);
    return 1;
}

/***
Answers the application protocol that was agreed on (ALPN).
@function SciSslSocket:alpnProtocol
@treturn ?string nil where there is none
@see SSL_get0_alpn_selected(3)
*/
static int sslsocket_alpn_protocol(lua_State *L) {
    const SSL *ssl = check_secured(L);
    const unsigned char *name = NULL;
    unsigned int length = 0;
    if (ssl) SSL_get0_alpn_selected(ssl, &name, &length);
    push_text(L, (const char *)name, length);
    return 1;
}

/***
Answers the server name of the connection (SNI): on a client what it asks for, on a server what it was asked for.
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

/***
Tells whether the handshake resumed a session.
@function SciSslSocket:isSessionReused
@treturn boolean
@see SSL_session_reused(3)
*/
static int sslsocket_is_session_reused(lua_State *L) {
    const SSL *ssl = check_secured(L);
    lua_pushboolean(L, ssl && SSL_session_reused(ssl));
    return 1;
}

static bool is_resumable(const SSL *ssl) {
    const SSL_SESSION *session = SSL_get_session(ssl);
    return session && SSL_SESSION_is_resumable(session);
}

/* OpenSSL notes the server name in the session only where the server has acknowledged it, which few do. */
void sci_ssl_name_session(const SSL *ssl, SSL_SESSION *session) {
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name && !SSL_is_server(ssl) && !SSL_SESSION_get0_hostname(session))
        (void)SSL_SESSION_set1_hostname(session, name);
}

/* A session of a resumed connection has the peer of the one before. */
void sci_ssl_keep_chain(lua_State *L, const sci_sslsocket *socket) {
    const SSL *ssl = socket->ssl;
    if (socket->role != SCI_CLIENT) return;
    if (SSL_session_reused(ssl)) sci_keep_session_chain(L, &socket->session_chain);
    else if (SSL_get_verify_result(ssl) == X509_V_OK)
        sci_keep_session_chain(L, &(sci_chain){.certificates = SSL_get0_verified_chain(ssl), .proven = true});
}

/***
Answers the newest session of this connection that can be resumed. In TLS 1.3 the server sends it after the handshake: what
has arrived by now is looked at first. (Row S2)
@function SciSslSocket:getSession
@treturn[1] ?OSSslSession nil where there is none (yet), or another connection has used it. It stays resumable when the
 context drops its own or is closed
@treturn[2] nil
@treturn[2] SciSslError condition `memory_full`
@see SSL_get1_session(3)
*/
static int sslsocket_get_session(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    lua_settop(L, 1);
    SSL *ssl = check_secured(L);
    if (ssl && SSL_version(ssl) == TLS1_3_VERSION && !SSL_is_server(ssl)) sci_ssl_look_ahead(L, socket, false);
    if (!ssl || !is_resumable(ssl)) {
        lua_pushnil(L);
        return 1;
    }
    SSL_SESSION **slot = sci_new_session(L);
    if (socket->ssl == ssl) *slot = sci_ssl_copy_session(socket, SSL_get_session(ssl));
    if (!*slot) return sci_fail_own(L, "session", socket->ssl ? "memory_full" : "closed", NULL);
    sci_ssl_keep_chain(L, socket);
    if (!SSL_SESSION_is_resumable(*slot)) lua_pushnil(L); /* another connection has used it */
    return 1;
}

static const luaL_Reg peer_methods[] = {
    {"isSecure", sslsocket_is_secure},
    {"cipher", sslsocket_cipher},
    {"version", sslsocket_version},
    {"sslVerifyCertificate", sslsocket_verify_certificate},
    {"peerCertificate", sslsocket_peer_certificate},
    {"peerChain", sslsocket_peer_chain},
    {"localCertificate", sslsocket_local_certificate},
    {"localChain", sslsocket_local_chain},
    {"alpnProtocol", sslsocket_alpn_protocol},
    {"serverName", sslsocket_server_name},
    {"isSessionReused", sslsocket_is_session_reused},
    {"getSession", sslsocket_get_session},
    {NULL, NULL},
};

void sci_open_peer(lua_State *L) { sci_ssl_add_methods(L, peer_methods); }
