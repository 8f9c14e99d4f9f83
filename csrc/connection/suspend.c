/* suspend.c: SciSslSocket, suspension points: the handshake stands still at the ClientHello, where a certificate is needed, or
 * where the peer is verified, until its caller has decided and repeats the call. OpenSSL's callbacks here only note what they
 * find. Lua runs between the calls. */
#include "connection/connection.h"

#include <string.h>

/* ---- the points -------------------------------------------------------------------------------------------------- */

bool sci_ssl_must_suspend(const sci_sslsocket *socket, int point) {
    return (socket->suspend.points & point) && !(socket->suspend.passed & point);
}

void sci_ssl_suspend(sci_sslsocket *socket, int point) {
    socket->suspend.passed |= point;
    socket->suspend.at = point;
    socket->suspend.decision = SCI_UNDECIDED;
}

bool sci_ssl_resume(sci_sslsocket *socket) {
    bool rejected = socket->suspend.at && socket->suspend.decision == SCI_REJECTED;
    socket->suspend.at = 0;
    if (rejected) sci_ssl_end_by_handler(socket);
    return !rejected;
}

void sci_ssl_approve(sci_sslsocket *socket) { socket->suspend.decision = SCI_APPROVED; }

void sci_ssl_reset_suspend(sci_sslsocket *socket) { memset(&socket->suspend, 0, sizeof socket->suspend); }

/* With an anonymous cipher suite OpenSSL asks for no certificate, not even where the flags require one. */
static bool require_certificate(SSL *ssl) {
    return !(SSL_get_verify_mode(ssl) & SSL_VERIFY_FAIL_IF_NO_PEER_CERT) || sci_ssl_exclude_anonymous(ssl);
}

/* Whether a ClientHello that follows a HelloRetryRequest asks for the same server name as the first one. By that the context was
 * chosen, and OpenSSL accepts another name in the second. */
static bool keeps_name(sci_sslsocket *socket, SSL *ssl) {
    unsigned char digest[SHA256_DIGEST_LENGTH] = {0};
    const unsigned char *data;
    size_t length;
    if (socket->handshake.done) return true;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &data, &length) && !SHA256(data, length, digest))
        return false;
    if (socket->suspend.had_hello) return memcmp(socket->suspend.name, digest, sizeof digest) == 0;
    memcpy(socket->suspend.name, digest, sizeof digest);
    return true;
}

static int on_client_hello(SSL *ssl, int *alert, void *unused) {
    sci_sslsocket *socket = SSL_get_app_data(ssl);
    (void)unused;
    if (!keeps_name(socket, ssl)) {
        *alert = SSL_AD_ILLEGAL_PARAMETER;
        return SSL_CLIENT_HELLO_ERROR;
    }
    if (sci_ssl_must_suspend(socket, SCI_AT_CLIENT_HELLO)) {
        sci_ssl_suspend(socket, SCI_AT_CLIENT_HELLO);
        return SSL_CLIENT_HELLO_RETRY;
    }
    bool accepted = socket->suspend.had_hello = sci_ssl_resume(socket);
    if (accepted) sci_transport_stop_recording(&socket->transport); /* sslSetContext is not possible any more */
    *alert = accepted ? SSL_AD_INTERNAL_ERROR : socket->suspend.alert;
    return accepted && require_certificate(ssl) ? SSL_CLIENT_HELLO_SUCCESS : SSL_CLIENT_HELLO_ERROR;
}

static int on_certificate(SSL *ssl, void *unused) {
    sci_sslsocket *socket = SSL_get_app_data(ssl);
    (void)unused;
    if (!sci_ssl_must_suspend(socket, SCI_AT_CERTIFICATE)) return sci_ssl_resume(socket);
    sci_ssl_suspend(socket, SCI_AT_CERTIFICATE);
    return -1;
}

void sci_ssl_install_client_hello(SSL_CTX *ctx) { SSL_CTX_set_client_hello_cb(ctx, on_client_hello, NULL); }

void sci_ssl_install_certificate(const sci_sslsocket *socket, SSL *ssl) {
    if (socket->suspend.points & SCI_AT_CERTIFICATE) SSL_set_cert_cb(ssl, on_certificate, NULL);
}

/* ---- methods ----------------------------------------------------------------------------------------------------- */

static int read_points(lua_State *L) {
    static const char *const names[] = {"clientHello", "certificate", "verify", NULL};
    int points = 0, top = lua_gettop(L);
    for (int i = 2; i <= top; i++) points |= 1 << luaL_checkoption(L, i, NULL, names);
    return points;
}

/***
Sets where the handshake is suspended, so that its caller can decide something. At such a point `sslAccept` or `sslConnect`
returns "not ready", and `sslGetError` tells which point it is. The repeated call goes on. Each point comes once.

* `"clientHello"`, `SSL_ERROR_WANT_CLIENT_HELLO_CB`, servers: `clientHello()` returns the ClientHello; `sslSetContext`,
  `sslUseCertificate`, `sslSetAlpn`, `sslSetVerify`, `setSession` and `sslRefuse` can be called
* `"certificate"`, `SSL_ERROR_WANT_X509_LOOKUP`: this end needs its certificate; `sslUseCertificate` sets it. On a client
  `acceptedIssuers()` returns the issuers that the server accepts
* `"verify"`, `SSL_ERROR_WANT_RETRY_VERIFY`: `sslVerdict()` returns OpenSSL's verification result for the peer, which counts
  unless `sslApprove` or `sslRefuse` is called. A client, and a server up to TLS 1.2, are suspended in mid-handshake, so that
  a rejected peer gets an alert. A server of TLS 1.3, and a client that resumes a session, are suspended when the handshake is
  done, before any application data is read; such a server accepts no early data
@function SciSslSocket:sslSuspendAt
@tparam string ... any of these names; none: the handshake is not suspended
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `not_initialized`, `handshake_under_way`, `closed`; `not_in_this_openssl`: `"verify"`
 needs OpenSSL 3.0.2
@see SSL_CTX_set_client_hello_cb(3)
@see SSL_set_cert_cb(3)
@see SSL_set_retry_verify(3)
*/
static int sslsocket_suspend_at(lua_State *L) {
    int points = read_points(L);
    sci_sslsocket *socket = sci_check_before_handshake(L);
    if (!socket) return 2;
#ifndef SSL_set_retry_verify
    if (points & SCI_AT_VERIFY) return sci_fail_missing(L, "option", "verify", "OpenSSL 3.0.2");
#endif
    socket->suspend.points = points;
    SSL_set_cert_cb(socket->ssl, points & SCI_AT_CERTIFICATE ? on_certificate : NULL, NULL);
    if (points & SCI_AT_CLIENT_HELLO) sci_transport_record(&socket->transport);
    sci_ssl_watch_messages(socket, socket->ssl);
    return sci_return_receiver(L);
}

/* The receiver where it is suspended at one of `points`. NULL: nil, SciSslError were pushed. */
sci_sslsocket *sci_ssl_check_suspended(lua_State *L, int points) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    if (!socket->closed && !socket->result.failed && (socket->suspend.at & points)) return socket;
    sci_fail_own(L, "option", socket->closed ? "closed" : "not_suspended", NULL);
    return NULL;
}

static int read_alert(lua_State *L, const sci_sslsocket *socket) {
    if (lua_isnoneornil(L, 2))
        return socket->suspend.at == SCI_AT_VERIFY ? SSL_AD_BAD_CERTIFICATE : SSL_AD_HANDSHAKE_FAILURE;
    lua_Integer alert = -1;
    if (lua_type(L, 2) == LUA_TNUMBER) alert = luaL_checkinteger(L, 2);
    else alert = sci_find_alert(sci_check_text(L, 2));
    luaL_argcheck(L, alert > 0 && alert <= 255, 2, "name or number of a TLS alert expected, such as 'access_denied'");
    return (int)alert;
}

/***
Rejects the peer in a suspended handshake: the next call sends the alert and returns the SciSslError. Its condition is
`refused`, or `handler_failed` where there is a `cause`.

At `"clientHello"` any alert can be sent. At `"certificate"` OpenSSL always sends internal_error. At `"verify"` a server can
send any alert; a client can send bad_certificate, unsupported_certificate, certificate_revoked, certificate_expired,
unknown_ca, decrypt_error, handshake_failure and internal_error, and sends certificate_unknown in place of all others. A
client that has resumed a session sends no alert: after the handshake OpenSSL has no function for that.
@function SciSslSocket:sslRefuse
@tparam[opt] string|integer alert its name in the RFCs, or its number; default `bad_certificate` at `"verify"`, else
 `handshake_failure`
@tparam[opt] string reason for our own SciSslError: its message
@param[opt] cause any value, for our own SciSslError
@tparam[opt] string traceback of the cause
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `not_suspended`, `closed`
@raise for an unknown alert
@see RFC 8446, section 6
*/
static int sslsocket_refuse(lua_State *L) {
    lua_settop(L, 5);
    (void)luaL_optstring(L, 3, NULL);
    (void)luaL_optstring(L, 5, NULL);
    sci_sslsocket *socket = sci_ssl_check_suspended(L, SCI_AT_CLIENT_HELLO | SCI_AT_CERTIFICATE | SCI_AT_VERIFY);
    if (!socket) return 2;
    socket->suspend.alert = read_alert(L, socket);
    socket->suspend.decision = SCI_REJECTED; /* before the words, for which memory may run out */
    lua_createtable(L, 0, 3);
    lua_insert(L, 3);
    lua_setfield(L, 3, "traceback");
    lua_setfield(L, 3, "cause");
    lua_setfield(L, 3, "reason");
    lua_setiuservalue(L, 1, SCI_SSL_CAUSE);
    return sci_return_receiver(L);
}

/***
Returns the records of the ClientHello as they came; with DTLS one record with the message that OpenSSL uses, whatever
fragments came. `clientHello()` parses them. Where the client has hidden its ClientHello (ECH) and
this server has decrypted it, the hidden one is returned, as one record.
@function SciSslSocket:clientHelloRecords
@treturn ?string nil where the handshake is not suspended, or `sslSuspendAt` has not named `"clientHello"`
@see RFC 8446, section 4.1.2
*/
static int sslsocket_client_hello_records(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    size_t length;
    if (sci_ssl_push_inner_hello(L, socket)) return 1;
    const void *bytes = sci_transport_recorded(&socket->transport, &length);
    if (socket->suspend.at && bytes) lua_pushlstring(L, bytes, length);
    else lua_pushnil(L);
    return 1;
}

static const luaL_Reg suspend_methods[] = {
    {"sslSuspendAt", sslsocket_suspend_at},
    {"sslRefuse", sslsocket_refuse},
    {"clientHelloRecords", sslsocket_client_hello_records},
    {NULL, NULL},
};

void sci_open_suspend(lua_State *L) { luaL_setfuncs(L, suspend_methods, 0); }
