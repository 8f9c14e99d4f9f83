/* result.c: SciSslSocket, what its calls answer: a result, "not yet", or a SciSslError; and sslGetError.
 * Document rows S3, S5 and S6. */
#include "connection/connection.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- what a call may find before it begins ---------------------------------------------------------------------- */

bool sci_ssl_refuse(lua_State *L, const char *phase, const char *condition, const char *message) {
    errno = 0;
    sci_clear_errors();
    sci_push_error(L, &(sci_failure){.phase = phase, .condition = condition, .message = message});
    return false;
}

/* The failure that ended the connection. There is none where memory was too full to make it. */
static bool refuse_again(lua_State *L, const char *phase) {
    if (lua_getiuservalue(L, 1, SCI_SSL_FAILURE) != LUA_TNIL) return false;
    lua_pop(L, 1);
    return sci_ssl_refuse(L, phase, "memory_full", "the connection ended when memory ran out");
}

bool sci_ssl_refuse_pending(lua_State *L, const sci_sslsocket *socket, const char *phase, const char *message) {
    return socket->write_failed ? refuse_again(L, phase) : sci_ssl_refuse(L, phase, "write_pending", message);
}

bool sci_ssl_is_closed(const sci_sslsocket *socket) {
    return socket->closed || (!socket->memory && sci_socket_descriptor(&socket->socket) < 0);
}

void sci_ssl_set_failed(lua_State *L, sci_sslsocket *socket, bool write_only) {
    socket->write_failed = write_only;
    socket->failed = !write_only;
    socket->torn = false;
    if (socket->failed) sci_ssl_spoil_session(socket);
    lua_pushnil(L);
    lua_setiuservalue(L, 1, SCI_SSL_FAILURE);
}

static bool transport_ready(lua_State *L, sci_sslsocket *socket, const char *phase) {
    sci_failure failure = {.phase = phase};
    if (socket->memory || socket->socket.established) return true;
    int established = sci_socket_establish(&socket->socket, &failure);
    if (established == 0) sci_ssl_push_not_yet(L, socket, SSL_ERROR_WANT_WRITE);
    else if (established < 0) sci_push_error(L, &failure);
    return established > 0;
}

/* A finalizer may have interrupted the call that holds the bytes; any later call finds that they are lost. False: an
 * answer was pushed. */
static bool fail_torn(lua_State *L, sci_sslsocket *socket, const char *phase) {
    if (sci_in_finalizer(L)) return sci_ssl_refuse(L, phase, "in_finalizer", NULL);
    sci_ssl_set_failed(L, socket, false);
    return true;
}

bool sci_ssl_ready(lua_State *L, sci_sslsocket *socket, const char *phase) {
    if (socket->in_callback) return sci_ssl_refuse(L, phase, "in_callback", NULL);
    if (sci_ssl_is_closed(socket)) return sci_ssl_refuse(L, phase, "closed", "the socket has been closed");
    if (!socket->ssl) return sci_ssl_refuse(L, phase, "not_initialized", "the socket has no SSL structure yet");
    if (socket->torn && !fail_torn(L, socket, phase)) return false;
    if (socket->failed) return refuse_again(L, phase);
    return transport_ready(L, socket, phase);
}

/* The rule, looked at first: all that sci_ssl_ready asks, of a socket with a descriptor of its own. */
static bool stands(const sci_sslsocket *socket) {
    return socket->secured && !socket->failed && !socket->torn && !socket->in_callback && !socket->closed &&
           socket->ssl && socket->socket.established && socket->socket.fd >= 0 && !socket->socket.lower;
}

bool sci_ssl_ready_for_data(lua_State *L, sci_sslsocket *socket, const char *phase) {
    if (stands(socket)) return true;
    if (!sci_ssl_ready(L, socket, phase)) return false;
    return socket->secured || sci_ssl_refuse(L, phase, "handshake_needed", "the TLS handshake has not been completed");
}

/* ---- answers ---------------------------------------------------------------------------------------------------- */

void sci_ssl_push_not_yet(lua_State *L, sci_sslsocket *socket, int code) {
    socket->not_yet_code = socket->wanted = code;
    lua_pushinteger(L, -code);
}

void sci_ssl_push_bytes(lua_State *L, sci_sslsocket *socket, const void *bytes, size_t length) {
    socket->torn = true;
    lua_pushlstring(L, bytes, length);
    socket->torn = false;
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

/* What a handler raised becomes the cause of the failure. Leaves it on the stack. */
static void take_cause(lua_State *L, sci_sslsocket *socket, sci_failure *failure) {
    int story = lua_gettop(L) + 1;
    failure->condition = "handler_failed";
    int kind = lua_getiuservalue(L, 1, SCI_SSL_CAUSE);
    if (kind == LUA_TNIL) failure->condition = "refused"; /* there was no memory for its words */
    else if (kind == LUA_TTABLE) {
        if (lua_getfield(L, story, "cause") == LUA_TNIL) failure->condition = "refused";
        else failure->cause = story + 1;
        if (lua_getfield(L, story, "traceback") != LUA_TNIL) failure->traceback = story + 2;
        lua_getfield(L, story, "reason");
        failure->message = lua_tostring(L, story + 3);
    } else failure->cause = story;
    lua_pushnil(L);
    lua_setiuservalue(L, 1, SCI_SSL_CAUSE);
    socket->handler_failed = false;
}

/* Whether the security level alone rules out the TLS 1.1 or earlier that this end was told to speak. OpenSSL 3.0 fails
 * for want of signatures then, later ones for want of a protocol. */
static bool level_rules_out(SSL *ssl) {
    long lowest = SSL_get_min_proto_version(ssl), highest = SSL_get_max_proto_version(ssl);
    if (SSL_get_security_level(ssl) == 0 || lowest >= TLS1_2_VERSION) return false;
    if (queue_says(SSL_R_NO_PROTOCOLS_AVAILABLE)) return highest > 0 && highest < TLS1_2_VERSION;
    if (queue_says(SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM)) return SSL_version(ssl) < TLS1_2_VERSION;
    return queue_says(SSL_R_UNSUPPORTED_PROTOCOL) && SSL_is_server(ssl) && SSL_client_version(ssl) >= lowest &&
           SSL_client_version(ssl) < TLS1_2_VERSION;
}

/* Up to TLS 1.2 the first record under the new keys fails where the two sides have different pre-shared keys. */
static bool psk_differs(const sci_sslsocket *socket) {
    const SSL_CIPHER *cipher = SSL_get_pending_cipher(socket->ssl);
    if (socket->secured || socket->alert_sent != SSL_AD_BAD_RECORD_MAC || !cipher) return false;
    switch (SSL_CIPHER_get_kx_nid(cipher)) {
        case NID_kx_psk:
        case NID_kx_dhe_psk:
        case NID_kx_ecdhe_psk:
        case NID_kx_rsa_psk: return true;
        default: return false;
    }
}

static void push_connection_error(lua_State *L, sci_sslsocket *socket, int code, const char *phase) {
    char text[80], subject[SUBJECT_SIZE], peer[SCI_PEER];
    int top = lua_gettop(L);
    sci_failure failure = {
        .phase = phase,
        .subject = find_subject(socket, subject),
        .peer = peer,
        .ssl_error = code == SSL_ERROR_ZERO_RETURN ? SSL_ERROR_SSL : code,
        .system_errno = socket->transport.system_errno,
        .alert = socket->alert_sent,
        .alert_sent = socket->alert_sent >= 0,
        .server = socket->role == SCI_SERVER,
    };
    sci_socket_describe_peer(&socket->socket, peer);
    luaL_checkstack(L, 8, "too many values for a SciSslError");
    if (sci_ssl_explain_limit(socket, &failure)) sci_clear_errors(); /* they are about what it was handed instead */
    if (queue_says(SSL_R_CERTIFICATE_VERIFY_FAILED)) failure.verify_result = SSL_get_verify_result(socket->ssl);
    if (failure.verify_result == X509_V_ERR_HOSTNAME_MISMATCH && socket->only_common_name)
        failure.condition = "certificate_common_name";
    if (socket->transport.ktls_ends) failure.condition = "ktls";
    if (level_rules_out(socket->ssl)) failure.condition = "security_level";
    if (socket->psk_unknown && !socket->secured) failure.condition = "psk_unknown";
    else if (psk_differs(socket)) failure.condition = "psk_mismatch";
    if (queue_says(SSL_R_INVALID_STATUS_RESPONSE) && socket->ocsp_condition) {
        failure.condition = socket->ocsp_condition;
        failure.message = socket->ocsp_message;
    }
    if (socket->handler_failed) take_cause(L, socket, &failure);
    else if (ended_by_eof(socket, code)) failure.condition = socket->secured ? "truncated" : "handshake_eof";
    if (queue_says(SSL_R_WRONG_VERSION_NUMBER) && !socket->secured && !failure.cause) {
        sci_transport_fill_first(&socket->transport);
        failure.message = describe_first_bytes(&socket->transport, text, sizeof text);
        if (speaks_http(&socket->transport)) failure.condition = "plain_http";
    }
    sci_push_error(L, &failure);
    lua_insert(L, top + 1);
    lua_settop(L, top + 1);
}

/* The connection goes on where one direction of the transport is gone. */
void sci_ssl_push_error(lua_State *L, sci_sslsocket *socket, int code, const char *phase) {
    sci_ssl_set_failed(L, socket, code == SSL_ERROR_SYSCALL && strcmp(phase, "write") == 0);
    push_connection_error(L, socket, code, phase);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, SCI_SSL_FAILURE);
}

/* After the peer's close_notify OpenSSL reports each failure as the end of what the peer sends. That is a result for a call
 * that reads; a call that sends has lost what it was given. */
static int find_code(sci_sslsocket *socket, int result, const char *phase) {
    int code = SSL_get_error(socket->ssl, result);
    int *problem = &socket->transport.system_errno;
    bool reads = strcmp(phase, "read") == 0 || strcmp(phase, "shutdown") == 0;
    if (code != SSL_ERROR_ZERO_RETURN || !socket->secured || (reads && *problem == 0)) return code;
    if (*problem == 0) *problem = EPIPE;
    return SSL_ERROR_SYSCALL;
}

/* Whether OpenSSL has refused this one call: it has not given the connection up, which goes on. The close_notify that the
 * transport did not take ends nothing either: what the peer has sent can still be read. */
static bool connection_goes_on(const sci_sslsocket *socket, int code, const char *phase) {
    if (!socket->secured || socket->handler_failed) return false;
    if (code == SSL_ERROR_SYSCALL) return socket->transport.unsent && strcmp(phase, "shutdown") == 0;
    return strcmp(SSL_state_string(socket->ssl), "SSLERR") != 0;
}

int sci_ssl_push_failure(lua_State *L, sci_sslsocket *socket, int result, const char *phase) {
    int code = find_code(socket, result, phase);
    switch (code) {
        case SSL_ERROR_NONE:
        case SSL_ERROR_SSL:
        case SSL_ERROR_SYSCALL:
            if (connection_goes_on(socket, code, phase)) push_connection_error(L, socket, code, phase);
            else sci_ssl_push_error(L, socket, code, phase);
            break;
        case SSL_ERROR_ZERO_RETURN:
            if (socket->secured) sci_ssl_push_zero(L, socket, code);
            else sci_ssl_push_error(L, socket, code, phase);
            break;
        default: sci_ssl_push_not_yet(L, socket, code);
    }
    sci_clear_errors();
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

static const luaL_Reg answer_methods[] = {{"sslGetError", sslsocket_get_error}, {NULL, NULL}};

void sci_open_result(lua_State *L) { sci_ssl_add_methods(L, answer_methods); }
