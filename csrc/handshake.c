/* handshake.c: SciSslSocket, the document's handshake and its answers. Document rows S2 to S7 and S10 to S15. */
#include "socket.h"
#include "sslsocket.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>

/* ---- what a call may find before it begins ------------------------------------------------------------------------- */

static bool refuse(lua_State *L, const char *phase, const char *condition, const char *message) {
    sci_push_error(L, &(sci_failure){.phase = phase, .condition = condition, .message = message});
    return false;
}

static bool is_closed(const sci_sslsocket *socket) {
    return socket->closed || (!socket->memory && sci_socket_descriptor(&socket->socket) < 0);
}

static bool transport_ready(lua_State *L, sci_sslsocket *socket, const char *phase) {
    sci_failure failure = {.phase = phase};
    if (socket->memory || socket->socket.established) return true;
    int established = sci_socket_establish(&socket->socket, &failure);
    if (established == 0) sci_ssl_push_not_yet(L, socket, SSL_ERROR_WANT_WRITE);
    else if (established < 0) sci_push_error(L, &failure);
    return established > 0;
}

bool sci_ssl_ready(lua_State *L, sci_sslsocket *socket, const char *phase) {
    if (is_closed(socket)) return refuse(L, phase, "closed", "the socket has been closed");
    if (!socket->ssl) return refuse(L, phase, "not_initialized", "the socket has no SSL structure yet");
    if (socket->failed) {
        lua_getiuservalue(L, 1, SCI_SSL_FAILURE);
        return false;
    }
    return transport_ready(L, socket, phase);
}

bool sci_ssl_ready_for_data(lua_State *L, sci_sslsocket *socket, const char *phase) {
    if (!sci_ssl_ready(L, socket, phase)) return false;
    return socket->secured || refuse(L, phase, "handshake_needed", "the TLS handshake has not been completed");
}

sci_sslsocket *sci_check_before_handshake(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    const char *condition = NULL;
    if (is_closed(socket)) condition = "closed";
    else if (!socket->ssl) condition = "not_initialized";
    else if (socket->role != SCI_NO_ROLE) condition = "handshake_under_way";
    if (!condition) return socket;
    sci_fail_own(L, "option", condition, NULL);
    return NULL;
}

void sci_ssl_begin(sci_sslsocket *socket) {
    ERR_clear_error();
    socket->transport.system_errno = 0;
}

/* ---- answers ---------------------------------------------------------------------------------------------------------- */

void sci_ssl_push_not_yet(lua_State *L, sci_sslsocket *socket, int code) {
    socket->not_yet_code = socket->wanted = code;
    lua_pushinteger(L, -code);
}

void sci_ssl_push_zero(lua_State *L, sci_sslsocket *socket, int code) {
    socket->zero_code = code;
    socket->wanted = SSL_ERROR_NONE;
    lua_pushinteger(L, 0);
}

static bool queue_says(int reason) {
    unsigned long code = ERR_peek_last_error();
    return ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == reason;
}

static bool ended_by_eof(const sci_sslsocket *socket, int code) {
    if (code == SSL_ERROR_SSL) return queue_says(SSL_R_UNEXPECTED_EOF_WHILE_READING);
    return code == SSL_ERROR_ZERO_RETURN || (socket->transport.eof && socket->transport.system_errno == 0);
}

/* The peer's first bytes as text, in `text`: for a peer that does not speak TLS they say what it does speak. */
static const char *describe_first_bytes(const sci_transport *transport, char *text, size_t size) {
    char bytes[sizeof transport->first + 1] = "";
    for (size_t i = 0; i < transport->first_length; i++)
        bytes[i] = isprint(transport->first[i]) ? (char)transport->first[i] : '.';
    (void)snprintf(text, size, "the peer's first bytes are \"%s\"", bytes);
    return text;
}

static bool speaks_http(const sci_transport *transport) {
    return transport->first_length >= 5 && memcmp(transport->first, "HTTP/", 5) == 0;
}

#define SUBJECT_SIZE 256

/* The host that is to be verified or asked for; else the other end of the transport. NULL: neither is known. */
static const char *find_subject(sci_sslsocket *socket, char text[SUBJECT_SIZE]) {
    const sci_socket *base = sci_socket_base(&socket->socket);
    X509_VERIFY_PARAM *param = SSL_get0_param(socket->ssl);
    const char *host = X509_VERIFY_PARAM_get0_host(param, 0);
    ERR_set_mark(); /* OpenSSL reports an address that is not there as a failure */
    char *address = X509_VERIFY_PARAM_get1_ip_asc(param);
    ERR_pop_to_mark();
    if (!host) host = address;
    if (!host && socket->role == SCI_CLIENT) host = SSL_get_servername(socket->ssl, TLSEXT_NAMETYPE_host_name);
    if (!host && *base->peer) host = base->peer;
    if (host) (void)OPENSSL_strlcpy(text, host, SUBJECT_SIZE);
    OPENSSL_free(address);
    return host ? text : NULL;
}

static void push_connection_error(lua_State *L, sci_sslsocket *socket, int code, const char *phase) {
    char text[80], subject[SUBJECT_SIZE];
    sci_failure failure = {
        .phase = phase,
        .subject = find_subject(socket, subject),
        .ssl_error = code == SSL_ERROR_ZERO_RETURN ? SSL_ERROR_SSL : code,
        .system_errno = socket->transport.system_errno,
        .alert = socket->alert_sent,
        .alert_sent = socket->alert_sent >= 0,
        .server = socket->role == SCI_SERVER,
    };
    if (queue_says(SSL_R_CERTIFICATE_VERIFY_FAILED)) failure.verify_result = SSL_get_verify_result(socket->ssl);
    if (ended_by_eof(socket, code)) failure.condition = socket->secured ? "truncated" : "handshake_eof";
    if (queue_says(SSL_R_WRONG_VERSION_NUMBER) && !socket->secured) {
        failure.message = describe_first_bytes(&socket->transport, text, sizeof text);
        if (speaks_http(&socket->transport)) failure.condition = "plain_http";
    }
    sci_push_error(L, &failure);
}

/* After these the connection goes on: OpenSSL has refused one call, or one direction of the transport is gone. */
static bool leaves_connection(int code, const char *phase) {
    if (queue_says(SSL_R_APPLICATION_DATA_AFTER_CLOSE_NOTIFY)) return true;
    return code == SSL_ERROR_SYSCALL && strcmp(phase, "write") == 0;
}

static void push_and_keep_error(lua_State *L, sci_sslsocket *socket, int code, const char *phase) {
    bool stays = leaves_connection(code, phase);
    push_connection_error(L, socket, code, phase);
    if (stays) return;
    socket->failed = true;
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, SCI_SSL_FAILURE);
}

int sci_ssl_push_failure(lua_State *L, sci_sslsocket *socket, int result, const char *phase) {
    int code = SSL_get_error(socket->ssl, result);
    switch (code) {
        case SSL_ERROR_NONE:
        case SSL_ERROR_SSL:
        case SSL_ERROR_SYSCALL: push_and_keep_error(L, socket, code, phase); break;
        case SSL_ERROR_ZERO_RETURN:
            if (socket->secured) sci_ssl_push_zero(L, socket, code);
            else push_and_keep_error(L, socket, code, phase);
            break;
        default: sci_ssl_push_not_yet(L, socket, code);
    }
    ERR_clear_error();
    return code;
}

/***
Answers the `SSL_ERROR_…` code behind what a call of this socket answered. Each call captures its code itself, so asking
later, or twice, answers the same. (Row S6)
@function SciSslSocket:sslGetError
@tparam integer|string|SciSslError value the answer of `sslConnect`, `sslRead` …
@treturn integer `SSL_ERROR_NONE` for a result, `SSL_ERROR_WANT_READ`, `SSL_ERROR_WANT_WRITE` … for "not yet",
 `SSL_ERROR_ZERO_RETURN` for a close by the peer, `SSL_ERROR_SSL` or `SSL_ERROR_SYSCALL` for a SciSslError
@raise for a value that no call answers
@see SSL_get_error(3)
*/
static int sslsocket_get_error(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    int code = SSL_ERROR_NONE;
    if (sci_is_error(L, 2)) code = sci_error_ssl_error(L, 2);
    else if (lua_type(L, 2) != LUA_TSTRING) {
        lua_Integer value = luaL_checkinteger(L, 2);
        luaL_argcheck(L, value >= -SSL_ERROR_WANT_RETRY_VERIFY, 2, "an answer of this socket expected");
        if (value == 0) code = socket->zero_code;
        else if (value == -1) code = socket->not_yet_code;
        else if (value < 0) code = (int)-value;
    }
    lua_pushinteger(L, code);
    return 1;
}

/* ---- callbacks in C: they look and note, and never call Lua ------------------------------------------------------------ */

/* The session's time-out is the one thing of S9 that OpenSSL reads from the context in mid-handshake. */
static void keep_session_timeout(const sci_sslsocket *socket) {
    SSL_SESSION *session = SSL_get_session(socket->ssl);
    if (session && !SSL_session_reused(socket->ssl) && SSL_SESSION_get_timeout(session) != socket->session_timeout)
        SSL_SESSION_set_timeout(session, socket->session_timeout);
}

static void on_info(const SSL *ssl, int where, int value) {
    sci_sslsocket *socket = SSL_get_app_data(ssl);
    if ((where & SSL_CB_WRITE_ALERT) == SSL_CB_WRITE_ALERT && (value >> 8) == SSL3_AL_FATAL)
        socket->alert_sent = value & 0xff;
    /* A client's session may be the one that is being offered, and the user's, until the handshake is done. */
    if (where & SSL_CB_HANDSHAKE_DONE || (where & SSL_CB_ACCEPT_LOOP) == SSL_CB_ACCEPT_LOOP)
        keep_session_timeout(socket);
}

/* A server takes the first of its own protocols that the client offers; none in common is fatal (RFC 7301). */
static int on_alpn(SSL *ssl, const unsigned char **chosen, unsigned char *length, const unsigned char *offered,
                   unsigned int offered_length, void *unused) {
    const sci_sslsocket *socket = SSL_get_app_data(ssl);
    unsigned char *selected = NULL;
    (void)unused;
    if (!socket->alpn) return SSL_TLSEXT_ERR_NOACK;
    int outcome = SSL_select_next_proto(&selected, length, socket->alpn, socket->alpn_length, offered, offered_length);
    *chosen = selected;
    return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

void sci_ssl_install_callbacks(sci_sslsocket *socket, SSL_CTX *ctx) {
    SSL_set_app_data(socket->ssl, socket);
    SSL_set_info_callback(socket->ssl, on_info);
    SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
}

/* ---- the handshake ------------------------------------------------------------------------------------------------------ */

static bool matches_host(const X509_VERIFY_PARAM *param, X509 *certificate) {
    const char *host = X509_VERIFY_PARAM_get0_host((X509_VERIFY_PARAM *)param, 0);
    return !host || X509_check_host(certificate, host, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
}

static bool matches_ip(const X509_VERIFY_PARAM *param, X509 *certificate) {
    char *ip = X509_VERIFY_PARAM_get1_ip_asc((X509_VERIFY_PARAM *)param);
    bool matches = !ip || X509_check_ip_asc(certificate, ip, 0) == 1;
    OPENSSL_free(ip);
    return matches;
}

/* OpenSSL resumes without a new look at the certificate: a session that was made without verification, or with another
 * host, must not slip past a client that verifies now. It is left out, and a full handshake follows. */
static bool session_fits(const SSL *ssl) {
    SSL_SESSION *session = SSL_get_session(ssl);
    if (!session || !(SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER)) return true;
    X509 *certificate = SSL_SESSION_get0_peer(session);
    const X509_VERIFY_PARAM *param = SSL_get0_param((SSL *)ssl);
    return SSL_get_verify_result(ssl) == X509_V_OK &&
           (!certificate || (matches_host(param, certificate) && matches_ip(param, certificate)));
}

static bool begin_as_client(sci_sslsocket *socket) {
    socket->role = SCI_CLIENT;
    SSL_set_connect_state(socket->ssl);
    return session_fits(socket->ssl) || SSL_set_session(socket->ssl, NULL);
}

static bool begin_as_server(sci_sslsocket *socket) {
    socket->role = SCI_SERVER;
    SSL_set_accept_state(socket->ssl);
    return SSL_set_session_id_context(socket->ssl, socket->sid, socket->sid_length) == 1;
}

static bool take_role(lua_State *L, sci_sslsocket *socket, sci_role role, const char *phase) {
    if (socket->role == role) return true;
    if (socket->role != SCI_NO_ROLE)
        return refuse(L, phase, "wrong_role",
                      role == SCI_SERVER ? "sslConnect has begun on this socket: it is a client"
                                         : "sslAccept has begun on this socket: it is a server");
    sci_ssl_begin(socket);
    if (role == SCI_SERVER ? begin_as_server(socket) : begin_as_client(socket)) return true;
    push_and_keep_error(L, socket, SSL_ERROR_SSL, phase);
    return false;
}

static int do_handshake(lua_State *L, sci_role role, const char *phase) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    lua_settop(L, 1);
    if (!sci_ssl_ready(L, socket, phase) || !take_role(L, socket, role, phase)) return 1;
    sci_ssl_begin(socket);
    int result = SSL_do_handshake(socket->ssl);
    if (result <= 0) {
        sci_ssl_push_failure(L, socket, result, phase);
        return 1;
    }
    socket->secured = true;
    socket->wanted = SSL_ERROR_NONE;
    lua_pushinteger(L, 1);
    return 1;
}

/***
Makes the handshake as a server. Needs an established transport and `sslInitialize`. On a blocking socket it answers when
the handshake is finished or has failed. (Rows S3 to S6)
@function SciSslSocket:sslAccept
@treturn integer|SciSslError 1: the connection is secure; 0 or less: not yet, `sslGetError` says what it waits for, then
 repeat the call; a SciSslError (phase `accept`): it failed, or what is missing
@see SSL_accept(3)
*/
static int sslsocket_accept_tls(lua_State *L) { return do_handshake(L, SCI_SERVER, "accept"); }

/***
Makes the handshake as a client. Needs an established transport and `sslInitialize`. On a blocking socket it answers when
the handshake is finished or has failed. (Row S7)
@function SciSslSocket:sslConnect
@treturn integer|SciSslError 1: the connection is secure; 0 or less: not yet, `sslGetError` says what it waits for, then
 repeat the call; a SciSslError (phase `connect`): it failed, or what is missing
@see SSL_connect(3)
*/
static int sslsocket_connect_tls(lua_State *L) { return do_handshake(L, SCI_CLIENT, "connect"); }

/***
Ends the TLS connection and leaves the transport open. The first call sends our close_notify, the next ones wait for the
peer's. What the peer has sent before its own must be read first.
@function SciSslSocket:sslShutdown
@treturn integer|SciSslError 1: both sides have closed; 0: ours is sent, the peer's has not come (`sslGetError` answers
 `SSL_ERROR_WANT_READ`); less: not yet, as in `sslConnect`; a SciSslError (phase `shutdown`, condition
 `handshake_needed`, `unread_data`, `write_pending` …)
@see SSL_shutdown(3)
*/
static int sslsocket_shutdown_tls(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    lua_settop(L, 1);
    if (!sci_ssl_ready_for_data(L, socket, "shutdown")) return 1;
    if (socket->pending_length > 0) {
        refuse(L, "shutdown", "write_pending", "an sslWrite has answered \"not yet\" and has not been repeated");
        return 1;
    }
    sci_ssl_begin(socket);
    int result = SSL_shutdown(socket->ssl);
    if (result < 0) sci_ssl_push_failure(L, socket, result, "shutdown");
    else if (result == 0) sci_ssl_push_zero(L, socket, SSL_ERROR_WANT_READ);
    else lua_pushinteger(L, 1);
    ERR_clear_error();
    return 1;
}

/* Both end in a handshake message that has to leave. */
static int send_message(lua_State *L, sci_sslsocket *socket, int asked, const char *phase) {
    int result = asked == 1 ? SSL_do_handshake(socket->ssl) : asked;
    if (result > 0) lua_pushinteger(L, 1);
    else sci_ssl_push_failure(L, socket, result, phase);
    return 1;
}

/***
Asks for a new handshake on a TLS 1.2 connection. A server sends its request with this call, and the exchange goes on
inside the reads that follow on both sides.
@function SciSslSocket:sslRenegotiate
@treturn integer|SciSslError 1: the request has gone out; 0 or less: not yet; a SciSslError (condition
 `handshake_needed`, `renegotiation_refused`, or `protocol_version`: TLS 1.3 has no renegotiation, see `sslKeyUpdate`)
@see SSL_renegotiate(3)
*/
static int sslsocket_renegotiate(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    lua_settop(L, 1);
    if (!sci_ssl_ready_for_data(L, socket, "renegotiate")) return 1;
    if (SSL_version(socket->ssl) == TLS1_3_VERSION) {
        refuse(L, "renegotiate", "protocol_version", "TLS 1.3 has no renegotiation: sslKeyUpdate renews its keys");
        return 1;
    }
    sci_ssl_begin(socket);
    int asked =
        SSL_renegotiate_pending(socket->ssl) || !SSL_is_init_finished(socket->ssl) ? 1 : SSL_renegotiate(socket->ssl);
    return send_message(L, socket, asked, "renegotiate");
}

/***
Renews the keys of a TLS 1.3 connection.
@function SciSslSocket:sslKeyUpdate
@tparam[opt=false] boolean both ask the peer to renew its own as well
@treturn integer|SciSslError 1: the message has gone out; 0 or less: not yet; a SciSslError (condition
 `handshake_needed`, or `protocol_version`: TLS 1.2 has none)
@see SSL_key_update(3)
*/
static int sslsocket_key_update(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    int kind = lua_toboolean(L, 2) ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED;
    lua_settop(L, 1);
    if (!sci_ssl_ready_for_data(L, socket, "keyUpdate")) return 1;
    if (SSL_version(socket->ssl) < TLS1_3_VERSION) {
        refuse(L, "keyUpdate", "protocol_version", "key updates came with TLS 1.3");
        return 1;
    }
    if (socket->pending_length > 0) {
        refuse(L, "keyUpdate", "write_pending", "an sslWrite has answered \"not yet\" and has not been repeated");
        return 1;
    }
    sci_ssl_begin(socket);
    int asked = SSL_get_key_update_type(socket->ssl) != SSL_KEY_UPDATE_NONE ? 1 : SSL_key_update(socket->ssl, kind);
    return send_message(L, socket, asked, "keyUpdate");
}

/* ---- settings of one connection ------------------------------------------------------------------------------------------- */

/***
Sets how this connection checks the peer's certificate, in place of what the context said.
@function SciSslSocket:sslSetVerify
@tparam integer flags as `SciSslContext:setVerify`
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `verify_flags` (row S14), `not_initialized`, `handshake_under_way` or `closed`
@see SSL_set_verify(3)
*/
static int sslsocket_set_verify(lua_State *L) {
    int flags;
    if (!sci_check_verify_flags(L, 2, &flags)) return 2;
    const sci_sslsocket *socket = sci_check_before_handshake(L);
    if (!socket) return 2;
    SSL_set_verify(socket->ssl, flags, NULL);
    lua_settop(L, 1);
    return 1;
}

static bool is_address(const char *text) {
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

static bool is_host_byte(unsigned char byte) { return isgraph(byte) && byte < 0x80 && !strchr("/\\@\"", byte); }

/* A host name as DNS and certificates know it: 1 to 253 bytes of ASCII without a trailing dot, labels to 63. */
static const char *check_host_name(const char *name, size_t length) {
    size_t label = 0;
    if (length == 0) return "the name is empty";
    if (memchr(name, 0, length)) return "the name holds a NUL byte";
    if (length > 253) return "the name is longer than 253 bytes";
    for (size_t i = 0; i < length; i++) {
        if (!is_host_byte((unsigned char)name[i]))
            return "the name holds a byte that no host name has (IDN: use A-labels)";
        label = name[i] == '.' ? 0 : label + 1;
        if (name[i] == '.' && (i == 0 || name[i - 1] == '.')) return "the name has an empty label";
        if (label > 63) return "the name has a label longer than 63 bytes";
    }
    return NULL;
}

/* The host name at 2 in `name`, without a trailing dot. False: nil, SciSslError were pushed. */
static bool read_host_name(lua_State *L, char name[256]) {
    size_t length;
    const char *text = luaL_checklstring(L, 2, &length);
    size_t used = length > 1 && text[length - 1] == '.' ? length - 1 : length;
    const char *message = check_host_name(text, used);
    if (message) {
        sci_fail_own(L, "option", "bad_host_name", message);
        return false;
    }
    memcpy(name, text, used);
    name[used] = 0;
    return true;
}

/***
Sets the name that the client asks the server for (SNI). An IP address is taken, and sent to nobody: RFC 6066 leaves
addresses out.
@function SciSslSocket:sslSetServerName
@tparam string name
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `bad_host_name`, `not_initialized`, `handshake_under_way` or `closed`
@see SSL_set_tlsext_host_name(3)
*/
static int sslsocket_set_server_name(lua_State *L) {
    char name[256];
    if (!read_host_name(L, name)) return 2;
    const sci_sslsocket *socket = sci_check_before_handshake(L);
    if (!socket) return 2;
    ERR_clear_error();
    if (!SSL_set_tlsext_host_name(socket->ssl, is_address(name) ? NULL : name))
        return sci_fail_openssl(L, "option", "server name");
    lua_settop(L, 1);
    return 1;
}

static bool set_verify_host(SSL *ssl, const char *name) {
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (is_address(name))
        return X509_VERIFY_PARAM_set1_host(param, NULL, 0) && X509_VERIFY_PARAM_set1_ip_asc(param, name);
    return X509_VERIFY_PARAM_set1_ip(param, NULL, 0) && X509_VERIFY_PARAM_set1_host(param, name, 0);
}

/***
Sets the host name or IP address that the peer's certificate has to be for. It is checked with the chain, so the flags of
`sslSetVerify` say what a mismatch does.
@function SciSslSocket:sslSetVerifyHost
@tparam string nameOrAddress
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `bad_host_name`, `not_initialized`, `handshake_under_way` or `closed`
@see X509_VERIFY_PARAM_set1_host(3)
@see RFC 6125
*/
static int sslsocket_set_verify_host(lua_State *L) {
    char name[256];
    if (!read_host_name(L, name)) return 2;
    const sci_sslsocket *socket = sci_check_before_handshake(L);
    if (!socket) return 2;
    ERR_clear_error();
    if (!set_verify_host(socket->ssl, name)) return sci_fail_openssl(L, "option", "host to verify");
    lua_settop(L, 1);
    return 1;
}

/***
Sets the session that the handshake shall resume. Where the server does not take it, and where this client verifies and
the session was made with a peer that would not pass, a full handshake follows. (Row S2)
@function SciSslSocket:setSession
@tparam OSSslSession session
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `not_initialized`, `handshake_under_way` or `closed`
@see SSL_set_session(3)
*/
static int sslsocket_set_session(lua_State *L) {
    SSL_SESSION *session = sci_check_session(L, 2);
    const sci_sslsocket *socket = sci_check_before_handshake(L);
    if (!socket) return 2;
    ERR_clear_error();
    if (!SSL_set_session(socket->ssl, session)) return sci_fail_openssl(L, "option", "session");
    lua_settop(L, 1);
    return 1;
}

static const luaL_Reg handshake_methods[] = {
    {"sslAccept", sslsocket_accept_tls},
    {"sslConnect", sslsocket_connect_tls},
    {"sslGetError", sslsocket_get_error},
    {"sslShutdown", sslsocket_shutdown_tls},
    {"sslRenegotiate", sslsocket_renegotiate},
    {"sslKeyUpdate", sslsocket_key_update},
    {"sslSetVerify", sslsocket_set_verify},
    {"sslSetServerName", sslsocket_set_server_name},
    {"sslSetVerifyHost", sslsocket_set_verify_host},
    {"setSession", sslsocket_set_session},
    {NULL, NULL},
};

void sci_open_handshake(lua_State *L) { luaL_setfuncs(L, handshake_methods, 0); }
