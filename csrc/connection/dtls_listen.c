/* dtls_listen.c: SciSslSocket, sslListen: a server of DTLS keeps nothing of a client before the client has shown, by a cookie,
 * that it receives at its address (RFC 6347, section 4.2.1). */
#include "connection/connection.h"

#include <string.h>

static int on_make_cookie(SSL *ssl, unsigned char *cookie, unsigned int *length) {
    const sci_sslsocket *socket = SSL_get_app_data(ssl);
    *length = SCI_COOKIE_LENGTH;
    return socket && socket->cookie.peer &&
           sci_context_make_cookie(socket->context, socket->cookie.peer, socket->cookie.length, cookie);
}

/* SSL_accept reads the ClientHello of DTLSv1_listen once more, and has its cookie checked again. */
static int on_check_cookie(SSL *ssl, const unsigned char *cookie, unsigned int length) {
    sci_sslsocket *socket = SSL_get_app_data(ssl);
    if (!socket) return 0;
    if (!socket->cookie.peer)
        return socket->cookie.is_proven && length == SCI_COOKIE_LENGTH &&
               CRYPTO_memcmp(cookie, socket->cookie.proven, SCI_COOKIE_LENGTH) == 0;
    if (!sci_context_check_cookie(socket->context, socket->cookie.peer, socket->cookie.length, cookie, length))
        return 0;
    memcpy(socket->cookie.proven, cookie, SCI_COOKIE_LENGTH);
    socket->cookie.is_proven = true;
    return 1;
}

void sci_ssl_reset_cookie(sci_sslsocket *socket) { memset(&socket->cookie, 0, sizeof socket->cookie); }

void sci_ssl_install_cookies(SSL_CTX *ctx) {
    SSL_CTX_set_cookie_generate_cb(ctx, on_make_cookie);
    SSL_CTX_set_cookie_verify_cb(ctx, on_check_cookie);
}

/* OpenSSL's part. 1: the peer has returned its cookie; 0: not yet; -1: OpenSSL cannot go on. */
static int exchange(lua_State *L, sci_sslsocket *socket, const char *peer, size_t length) {
    BIO_ADDR *address = BIO_ADDR_new(); /* OpenSSL writes to it, and knows no address of a BIO of ours */
    if (!address) return -1;
    socket->cookie.peer = peer;
    socket->cookie.length = length;
    sci_ssl_begin(L, socket);
    int result = DTLSv1_listen(socket->ssl, address);
    sci_ssl_end(socket);
    socket->cookie.peer = NULL;
    BIO_ADDR_free(address);
    return result;
}

bool sci_ssl_listen_again(lua_State *L, sci_sslsocket *socket) {
    return !socket->cookie.is_proven || exchange(L, socket, NULL, 0) > 0;
}

/* The ClientHello with the cookie may have to be read again, by the SSL of another context. */
static int exchange_recorded(lua_State *L, sci_sslsocket *socket, const char *peer, size_t length) {
    sci_transport_record_newest(&socket->transport, true);
    int result = exchange(L, socket, peer, length);
    sci_transport_record_newest(&socket->transport, false);
    return result;
}

/* Over a descriptor, the replies of OpenSSL go where that is connected to. False: a result was pushed. */
static bool is_connected(lua_State *L, sci_sslsocket *socket) {
    sci_failure failure = {0};
    if (socket->memory || sci_socket_establish(&socket->socket, &failure) >= 0) return true;
    if (!failure.condition || strcmp(failure.condition, "not_connected") != 0) return true;
    return sci_ssl_fail(L, "accept", "not_connected",
                        "sslListen needs a descriptor that is connected to the client's address; for clients of any "
                        "address use scissl.datagram.listen, or SciSslSocket.onMemory with SciSocket:recvFrom");
}

/***
Answers the ClientHello of a client of DTLS by a cookie, and keeps nothing of it. A client that receives at its address returns
the cookie in a second ClientHello; then this returns 1, and `sslAccept` makes the handshake with that client. Anything else
that comes is dropped: the same socket serves one client after the other, until one has returned its cookie. The cookie is an
HMAC of the address, by a secret of the context that changes every minute.

Over memory: feed the datagram, call this with the address of its sender, and send what `sslDrain` returns to that address.
A ClientHello in several datagrams is dropped, since it would have to be kept.
@function SciSslSocket:sslListen
@tparam string peer the address of the sender, in any form that is different for each address and port
@treturn integer|SciSslError 1: the client has returned its cookie; less: not ready (`SSL_ERROR_WANT_READ`): nothing has come,
 or what came needed no more than a reply; a SciSslError (phase `accept`, condition `not_dtls`, `handshake_under_way` …)
@see DTLSv1_listen(3)
*/
static int sslsocket_listen(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    size_t length;
    const char *peer = luaL_checklstring(L, 2, &length);
    lua_settop(L, 2);
    if (!is_connected(L, socket) || !sci_ssl_ready(L, socket, "accept")) return 1;
    const char *condition = NULL;
    if (!socket->transport.datagrams) condition = "not_dtls";
    else if (socket->handshake.begun) condition = "handshake_under_way";
    if (condition) {
        sci_ssl_fail(L, "accept", condition, NULL);
        return 1;
    }
    if (!sci_ssl_take_role(L, socket, SCI_SERVER, "accept")) return 1;
    int result = exchange_recorded(L, socket, peer, length);
    if (result < 0 && ERR_GET_LIB(ERR_peek_last_error()) != ERR_LIB_SSL) sci_ssl_push_failure(L, socket, -1, "accept");
    else if (result > 0) sci_ssl_push_count(L, socket, 1);
    else sci_ssl_push_not_ready(L, socket, SSL_ERROR_WANT_READ);
    sci_clear_errors();
    return 1;
}

static const luaL_Reg listen_methods[] = {{"sslListen", sslsocket_listen}, {NULL, NULL}};

void sci_open_dtls_listen(lua_State *L) { sci_ssl_add_methods(L, listen_methods); }
