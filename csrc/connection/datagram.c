/* datagram.c: SciSslSocket over datagrams (DTLS): when a flight is sent again, how long a datagram and a message may be, and
 * writing a message. */
#include "connection/connection.h"

#include <stdio.h>
#include <string.h>
#include <sys/time.h>

/* ---- a new SSL --------------------------------------------------------------------------------------------------- */

/* How long OpenSSL waits for a reply: `last` is how long it has waited now. RFC 6347, section 4.2.4.1: twice as long each time. */
static unsigned int next_wait(SSL *ssl, unsigned int last) {
    const sci_sslsocket *socket = SSL_get_app_data(ssl);
    if (last == 0) return socket->datagram.first;
    return last > socket->datagram.most / 2 ? socket->datagram.most : last * 2;
}

/* OpenSSL would ask the system for the length of datagrams: of a path whose end is not connected there is none, and on the
 * loopback interface it is 65,536. With encrypt-then-MAC, OpenSSL 3.0 ends the connection where a record is forged, and anyone can
 * send one; without it such a record is dropped. The cipher suites that this is about, those of CBC, are the last choice. */
bool sci_ssl_prepare_datagrams(const sci_sslsocket *socket, SSL *ssl) {
    SSL_set_options(ssl, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_ENCRYPT_THEN_MAC);
    if (socket->datagram.first) DTLS_set_timer_cb(ssl, next_wait);
    return SSL_set_mtu(ssl, socket->datagram.mtu ? socket->datagram.mtu : SCI_SSL_MTU) > 0;
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

#define EXPLICIT_NONCE 8
#define TAG 16
#define SHORT_TAG 8

/* What a record has beside its content. 0: OpenSSL drops those that are too short. */
static size_t overhead_of(const SSL_CIPHER *cipher) {
    if (!cipher || !SSL_CIPHER_is_aead(cipher)) return 0;
    if (strstr(SSL_CIPHER_get_name(cipher), "CCM8")) return EXPLICIT_NONCE + SHORT_TAG;
    return SSL_CIPHER_get_cipher_nid(cipher) == NID_chacha20_poly1305 ? TAG : EXPLICIT_NONCE + TAG;
}

void sci_ssl_note_least_record(sci_sslsocket *socket) {
    if (!socket->transport.datagrams) return;
    size_t overhead = overhead_of(SSL_get_current_cipher(socket->ssl));
    sci_transport_note_least_record(&socket->transport, overhead ? overhead + 1 : 0);
}

/* ---- sending again ----------------------------------------------------------------------------------------------- */

bool sci_ssl_resends_in(const sci_sslsocket *socket, double *seconds) {
    struct timeval left;
    if (!socket->ssl || !socket->transport.datagrams || socket->result.failed || socket->closed) return false;
    if (DTLSv1_get_timeout(socket->ssl, &left) != 1) return false;
    *seconds = (double)left.tv_sec + (double)left.tv_usec / 1e6;
    return true;
}

static sci_sslsocket *check_datagrams(lua_State *L, const char *phase) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    const char *condition = NULL;
    if (socket->callback.running) condition = "in_callback";
    else if (sci_ssl_is_closed(socket)) condition = "closed";
    else if (!socket->ssl) condition = "not_initialized";
    else if (!socket->transport.datagrams) condition = "not_dtls";
    if (!condition) return socket;
    sci_fail_own(L, phase, condition, NULL);
    return NULL;
}

/***
Sends the last flight of a handshake of DTLS again, if the time for that has come (see `timeout`). The wait for the next time is
twice as long. `sslConnect` and `sslAccept` do the same when they are repeated.
@function SciSslSocket:sslHandleTimeout
@treturn[1] boolean whether the flight was sent again
@treturn[2] nil
@treturn[2] SciSslError condition `no_reply`: the peer has replied to none of twelve flights, and the handshake has failed;
 `not_dtls`, `closed`, `not_initialized` …
@see DTLSv1_handle_timeout(3)
*/
static int sslsocket_handle_timeout(lua_State *L) {
    const char *phase = "connect";
    lua_settop(L, 1);
    sci_sslsocket *socket = check_datagrams(L, phase);
    if (!socket) return 2;
    if (socket->handshake.role == SCI_SERVER) phase = "accept";
    if (!sci_ssl_ready(L, socket, phase)) return sci_return_pushed_error(L);
    sci_ssl_begin(L, socket);
    long result = DTLSv1_handle_timeout(socket->ssl);
    sci_ssl_end(socket);
    if (result < 0 && socket->transport.failure.system_errno == 0 && SSL_want(socket->ssl) == SSL_WRITING) result = 1;
    if (result < 0) {
        sci_ssl_push_error(L, socket, SSL_get_error(socket->ssl, -1), phase);
        return sci_return_pushed_error(L);
    }
    sci_clear_errors();
    lua_pushboolean(L, result > 0);
    return 1;
}

/* A positive number of seconds as microseconds. */
static unsigned check_wait(lua_State *L, int index, lua_Number default_value) {
    lua_Number seconds = luaL_optnumber(L, index, default_value);
    luaL_argcheck(L, seconds >= 0.05 && seconds <= 3600, index, "0.05 to 3600 seconds expected");
    return (unsigned)(seconds * 1e6);
}

/***
Sets how long a handshake of DTLS waits for a reply before it sends its last flight again: each time twice as long as before. By
default this is a second at first, and at most a minute (RFC 6347, section 4.2.4.1). Shorter times are for networks that are
known to be fast, longer ones for slow ones.
@function SciSslSocket:sslSetRetransmission
@tparam number first seconds before the first time, 0.05 … 3600
@tparam[opt=60] number most seconds at most
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `not_dtls`, `not_initialized`, `closed`
@see DTLS_set_timer_cb(3)
*/
static int sslsocket_set_retransmission(lua_State *L) {
    (void)sci_check_sslsocket(L, 1);
    luaL_checknumber(L, 2);
    unsigned first = check_wait(L, 2, 1);
    unsigned most = check_wait(L, 3, first > 60000000 ? 3600 : 60);
    luaL_argcheck(L, most >= first, 3, "it must not be less than the first time");
    sci_sslsocket *socket = check_datagrams(L, "option");
    if (!socket) return 2;
    socket->datagram.first = first;
    socket->datagram.most = most;
    if (!socket->result.failed) DTLS_set_timer_cb(socket->ssl, next_wait);
    return sci_return_receiver(L);
}

/* ---- lengths ----------------------------------------------------------------------------------------------------- */

/* Bytes of a message that fits into one datagram, and into one record. 0: not known before the handshake. */
static size_t longest_message(SSL *ssl) {
    size_t most = DTLS_get_data_mtu(ssl);
    return most < SSL3_RT_MAX_PLAIN_LENGTH ? most : SSL3_RT_MAX_PLAIN_LENGTH;
}

/***
Sets how many bytes a datagram of DTLS may have, without the headers of UDP and IP. Messages of the handshake are divided into
such datagrams, and `sslWrite` refuses what does not fit into one. The default, 1,232, passes through every network; a longer
datagram that the path does not carry is divided on its way, or lost. Where the system refuses one as too long for the path, the
following ones are shorter: `sslWrite` returns `message_too_long`, and a flight of the handshake is sent again.

`"path"`: as long as the system says that the path carries (see `SciSocket:pathMtu`), and datagrams are not divided on their way.
Where it does not say so, the length stays as it is.
@function SciSslSocket:sslSetMtu
@tparam integer|string bytes 256 … 65507; or `"path"`
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `not_dtls`, `not_initialized`, `closed`
@see SSL_set_mtu(3)
*/
static int sslsocket_set_mtu(lua_State *L) {
    (void)sci_check_sslsocket(L, 1);
    bool follows = lua_type(L, 2) == LUA_TSTRING && strcmp(lua_tostring(L, 2), "path") == 0;
    lua_Integer bytes =
        follows ? 0 : sci_check_integer(L, 2, SCI_SSL_LEAST_MTU, 65507, "256 to 65507 bytes, or \"path\",");
    sci_sslsocket *socket = check_datagrams(L, "option");
    if (!socket) return 2;
    sci_clear_errors();
    if (follows) sci_ssl_follow_path(socket);
    else if (!sci_ssl_apply_mtu(socket, (long)bytes)) return sci_fail_openssl(L, "option", "MTU");
    return sci_return_receiver(L);
}

/***
Returns how many bytes a datagram of DTLS may have, and how many bytes of a message fit into one.
@function SciSslSocket:sslMtu
@treturn[1] integer bytes of a datagram
@treturn[1] ?integer bytes of a message; nil before the handshake is completed
@treturn[2] nil
@treturn[2] SciSslError condition `not_dtls`, `not_initialized`, `closed`
@see DTLS_get_data_mtu(3)
*/
static int sslsocket_mtu(lua_State *L) {
    sci_sslsocket *socket = check_datagrams(L, "option");
    if (!socket) return 2;
    lua_pushinteger(L, sci_ssl_current_mtu(socket));
    if (socket->handshake.done && !socket->result.failed) lua_pushinteger(L, (lua_Integer)longest_message(socket->ssl));
    else lua_pushnil(L);
    return 2;
}

/* ---- messages ---------------------------------------------------------------------------------------------------- */

static bool fail_length(lua_State *L, size_t length, size_t most) {
    char message[120];
    (void)snprintf(message, sizeof message, "the message has %zu bytes; %zu fit into one datagram", length, most);
    return sci_ssl_fail(L, "write", "message_too_long", message);
}

static bool may_send(lua_State *L, sci_sslsocket *socket, size_t length) {
    if (!sci_ssl_ready_for_data(L, socket, "write")) return false;
    if (SSL_get_shutdown(socket->ssl) & SSL_SENT_SHUTDOWN)
        return sci_ssl_fail(L, "write", "shutdown_sent", "close_notify was sent: nothing can be written after it");
    if (length == 0) return sci_ssl_fail(L, "write", "empty_message", "OpenSSL sends no message without bytes");
    size_t most = longest_message(socket->ssl);
    return length <= most || fail_length(L, length, most);
}

/* A datagram that the transport does not take is dropped by OpenSSL: the next call makes another one. */
void sci_ssl_push_message_sent(lua_State *L, sci_sslsocket *socket, const char *bytes, size_t length) {
    size_t done = 0;
    if (!may_send(L, socket, length)) return;
    if (socket->result.write_failed) sci_ssl_forget_write_failure(socket);
    socket->datagram.unsent = false;
    sci_ssl_begin(L, socket);
    int result = SSL_write_ex(socket->ssl, bytes, length, &done);
    sci_ssl_end(socket);
    if (result > 0 && socket->datagram.unsent) (void)fail_length(L, length, longest_message(socket->ssl));
    else if (result > 0) sci_ssl_push_count(L, socket, done);
    else sci_ssl_push_failure(L, socket, result, "write");
}

bool sci_ssl_refuse_datagrams(lua_State *L, const sci_sslsocket *socket, const char *phase) {
    if (!socket->transport.datagrams) return false;
    sci_ssl_fail(L, phase, "datagrams", "this is for a stream of bytes; DTLS has messages: sslRead, sslWrite");
    return true;
}

/***
Tells whether the socket speaks DTLS, over datagrams.
@function SciSslSocket:isDatagram
@treturn boolean false for TLS
*/
static int sslsocket_is_datagram(lua_State *L) {
    lua_pushboolean(L, sci_check_sslsocket(L, 1)->transport.datagrams);
    return 1;
}

static const luaL_Reg datagram_methods[] = {
    {"isDatagram", sslsocket_is_datagram},
    {"sslHandleTimeout", sslsocket_handle_timeout},
    {"sslSetRetransmission", sslsocket_set_retransmission},
    {"sslSetMtu", sslsocket_set_mtu},
    {"sslMtu", sslsocket_mtu},
    {NULL, NULL},
};

void sci_open_datagram(lua_State *L) { sci_ssl_add_methods(L, datagram_methods); }
