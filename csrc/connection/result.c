/* result.c: SciSslSocket, what its calls return: a result, "not ready", or a SciSslError; and sslGetError.
 * Document: S3, S5, S6. */
#include "connection/connection.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- before a call ----------------------------------------------------------------------------------------------- */

bool sci_ssl_fail(lua_State *L, const char *phase, const char *condition, const char *message) {
    errno = 0;
    sci_clear_errors();
    sci_push_error(L, &(sci_failure){.phase = phase, .condition = condition, .message = message});
    return false;
}

/* Pushes the failure that ended the connection. There is none where memory ran out before it was made. */
static bool fail_again(lua_State *L, const char *phase) {
    if (lua_getiuservalue(L, 1, SCI_SSL_FAILURE) != LUA_TNIL) return false;
    lua_pop(L, 1);
    return sci_ssl_fail(L, phase, "memory_full", "the connection ended when memory ran out");
}

bool sci_ssl_fail_pending(lua_State *L, const sci_sslsocket *socket, const char *phase, const char *message) {
    return socket->result.write_failed ? fail_again(L, phase) : sci_ssl_fail(L, phase, "write_pending", message);
}

void sci_ssl_reset_result(sci_sslsocket *socket) { memset(&socket->result, 0, sizeof socket->result); }

/* A fatal alert makes the session of the connection not resumable (RFC 5246, section 7.2). So must be the copy of it that the
 * caller got. */
static void invalidate_copy(const sci_sslsocket *socket) {
    if (!socket->sessions.latest || SSL_SESSION_is_resumable(socket->sessions.latest)) return;
    (void)SSL_CTX_remove_session(SSL_get_SSL_CTX(socket->ssl), socket->sessions.copy);
}

void sci_ssl_set_failed(lua_State *L, sci_sslsocket *socket, bool write_only) {
    socket->result.write_failed = write_only;
    socket->result.failed = !write_only;
    socket->result.bytes_in_c = false;
    if (socket->result.failed) invalidate_copy(socket);
    lua_pushnil(L);
    lua_setiuservalue(L, 1, SCI_SSL_FAILURE);
}

static bool transport_ready(lua_State *L, sci_sslsocket *socket, const char *phase) {
    sci_failure failure = {.phase = phase};
    if (socket->memory || socket->socket.established) return true;
    int established = sci_socket_establish(&socket->socket, &failure);
    if (established == 0) sci_ssl_push_not_ready(L, socket, SSL_ERROR_WANT_WRITE);
    else if (established < 0) sci_push_error(L, &failure);
    return established > 0;
}

/* For a call that finds bytes of the stream in C memory: inside a finalizer, the call that it interrupts still has them;
 * otherwise they are lost. False: a result was pushed. */
static bool fail_lost(lua_State *L, sci_sslsocket *socket, const char *phase) {
    if (sci_in_finalizer(L)) return sci_ssl_fail(L, phase, "in_finalizer", NULL);
    sci_ssl_set_failed(L, socket, false);
    return true;
}

bool sci_ssl_ready(lua_State *L, sci_sslsocket *socket, const char *phase) {
    if (socket->callback.running) return sci_ssl_fail(L, phase, "in_callback", NULL);
    if (sci_ssl_is_closed(socket)) return sci_ssl_fail(L, phase, "closed", "the socket has been closed");
    if (!socket->ssl) return sci_ssl_fail(L, phase, "not_initialized", "the socket has no SSL structure yet");
    if (socket->result.bytes_in_c && !fail_lost(L, socket, phase)) return false;
    if (socket->result.failed) return fail_again(L, phase);
    return transport_ready(L, socket, phase);
}

/* Fast path: the common case, a socket with a descriptor of its own, in which sci_ssl_ready would find nothing wrong. */
static bool is_ready(const sci_sslsocket *socket) {
    return socket->handshake.done && !socket->result.failed && !socket->result.bytes_in_c &&
           !socket->callback.running && !socket->closed && socket->ssl && socket->socket.established &&
           socket->socket.fd >= 0 && !socket->socket.lower;
}

bool sci_ssl_ready_for_data(lua_State *L, sci_sslsocket *socket, const char *phase) {
    if (is_ready(socket)) return true;
    if (!sci_ssl_ready(L, socket, phase)) return false;
    return socket->handshake.done ||
           sci_ssl_fail(L, phase, "handshake_needed", "the TLS handshake has not been completed");
}

/* ---- results ----------------------------------------------------------------------------------------------------- */

void sci_ssl_push_not_ready(lua_State *L, sci_sslsocket *socket, int code) {
    socket->result.not_ready_code = socket->result.wanted = code;
    lua_pushinteger(L, -code);
}

void sci_ssl_note_success(sci_sslsocket *socket) { socket->result.wanted = SSL_ERROR_NONE; }

void sci_ssl_push_count(lua_State *L, sci_sslsocket *socket, size_t count) {
    socket->result.wanted = SSL_ERROR_NONE;
    lua_pushinteger(L, (lua_Integer)count);
}

void sci_ssl_hold_bytes(sci_sslsocket *socket, bool held) { socket->result.bytes_in_c = held; }

void sci_ssl_push_bytes(lua_State *L, sci_sslsocket *socket, const void *bytes, size_t length) {
    socket->result.bytes_in_c = true;
    lua_pushlstring(L, bytes, length);
    socket->result.bytes_in_c = false;
}

void sci_ssl_push_copy(lua_State *L, sci_sslsocket *socket, const void *bytes, size_t length) {
    socket->result.wanted = SSL_ERROR_NONE;
    lua_pushlstring(L, bytes, length);
}

void sci_ssl_forget_write_failure(sci_sslsocket *socket) { socket->result.write_failed = false; }

void sci_ssl_push_zero(lua_State *L, sci_sslsocket *socket, int code) {
    socket->result.zero_code = code;
    socket->result.wanted = SSL_ERROR_NONE;
    lua_pushinteger(L, 0);
}

static bool queue_says(int reason) {
    unsigned long code = ERR_peek_last_error();
    return ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == reason;
}

#define SUBJECT_SIZE 256

/* The host to verify, or the server name; else the address of the peer. NULL: none of them is known. */
static const char *find_subject(sci_sslsocket *socket, char text[SUBJECT_SIZE]) {
    const sci_socket *base = sci_socket_base(&socket->socket);
    X509_VERIFY_PARAM *param = SSL_get0_param(socket->ssl);
    const char *host = X509_VERIFY_PARAM_get0_host(param, 0);
    ERR_set_mark(); /* OpenSSL reports a missing address as a failure */
    char *address = X509_VERIFY_PARAM_get1_ip_asc(param);
    ERR_pop_to_mark();
    if (!host) host = address;
    if (!host && socket->handshake.role == SCI_CLIENT)
        host = SSL_get_servername(socket->ssl, TLSEXT_NAMETYPE_host_name);
    if (!host && *base->peer) host = base->peer;
    if (host) (void)OPENSSL_strlcpy(text, host, SUBJECT_SIZE);
    OPENSSL_free(address);
    return host ? text : NULL;
}

/* ---- why a connection failed ------------------------------------------------------------------------------------- */

typedef struct diagnosis {
    lua_State *L;
    sci_sslsocket *socket;
    int code; /* of SSL_get_error */
    sci_failure failure;
    char first_bytes[80]; /* of the peer */
} diagnosis;

static bool explain_handler(diagnosis *about) {
    return sci_ssl_explain_handler(about->L, about->socket, &about->failure);
}

static bool explain_limit(diagnosis *about) {
    if (!sci_ssl_explain_limit(about->socket, &about->failure)) return false;
    sci_clear_errors(); /* these are about the invalid record that ended the connection */
    return true;
}

static bool ended_by_eof(const sci_sslsocket *socket, int code) {
    if (code == SSL_ERROR_SSL) return queue_says(SSL_R_UNEXPECTED_EOF_WHILE_READING);
    return code == SSL_ERROR_ZERO_RETURN || (socket->transport.read.eof && socket->transport.failure.system_errno == 0);
}

/* The BIO does not tell OpenSSL that the transport has ended after the handshake (see transport.c), so this is what OpenSSL would
 * have said. */
static void report_eof(diagnosis *about) {
    if (about->failure.ssl_error != SSL_ERROR_SYSCALL || ERR_peek_error() != 0) return;
    about->failure.ssl_error = SSL_ERROR_SSL;
    ERR_raise(ERR_LIB_SSL, SSL_R_UNEXPECTED_EOF_WHILE_READING);
}

static bool explain_end(diagnosis *about) {
    if (!ended_by_eof(about->socket, about->code)) return false;
    if (about->socket->handshake.done) report_eof(about);
    about->failure.condition = about->socket->handshake.done ? "truncated" : "handshake_eof";
    return true;
}

/* The first bytes of a peer that does not speak TLS show what it speaks. */
static const char *describe_first_bytes(const sci_transport *transport, char *text, size_t size) {
    char bytes[sizeof transport->read.first + 1] = "";
    for (size_t i = 0; i < transport->read.first_length; i++)
        bytes[i] = isprint(transport->read.first[i]) ? (char)transport->read.first[i] : '.';
    (void)snprintf(text, size, "the peer's first bytes are \"%s\"", bytes);
    return text;
}

static bool speaks_http(const sci_transport *transport) {
    return transport->read.first_length >= 5 && memcmp(transport->read.first, "HTTP/", 5) == 0;
}

static bool explain_plain_text(diagnosis *about) {
    sci_transport *transport = &about->socket->transport;
    if (about->socket->handshake.done || !queue_says(SSL_R_WRONG_VERSION_NUMBER)) return false;
    sci_transport_fill_first(transport);
    about->failure.message = describe_first_bytes(transport, about->first_bytes, sizeof about->first_bytes);
    if (speaks_http(transport)) about->failure.condition = "plain_http";
    return true;
}

static bool explain_ocsp(diagnosis *about) {
    return queue_says(SSL_R_INVALID_STATUS_RESPONSE) && sci_ssl_explain_ocsp(about->socket, &about->failure);
}

static bool explain_psk(diagnosis *about) { return sci_ssl_explain_psk(about->socket, &about->failure); }

/* Whether this end is set to speak TLS 1.1 or earlier, which its security level excludes. OpenSSL 3.0 then finds no signature
 * algorithm, later releases find no protocol. */
static bool level_rules_out_dtls(SSL *ssl) {
    if (SSL_get_security_level(ssl) == 0 || SSL_get_min_proto_version(ssl) != DTLS1_VERSION) return false;
    return queue_says(SSL_R_NO_PROTOCOLS_AVAILABLE) || queue_says(SSL_R_UNSUPPORTED_PROTOCOL) ||
           queue_says(SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM);
}

static bool level_rules_out(SSL *ssl) {
    if (SSL_is_dtls(ssl)) return level_rules_out_dtls(ssl);
    long lowest = SSL_get_min_proto_version(ssl), highest = SSL_get_max_proto_version(ssl);
    if (SSL_get_security_level(ssl) == 0 || lowest >= TLS1_2_VERSION) return false;
    if (queue_says(SSL_R_NO_PROTOCOLS_AVAILABLE)) return highest > 0 && highest < TLS1_2_VERSION;
    if (queue_says(SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM)) return SSL_version(ssl) < TLS1_2_VERSION;
    return queue_says(SSL_R_UNSUPPORTED_PROTOCOL) && SSL_is_server(ssl) && SSL_client_version(ssl) >= lowest &&
           SSL_client_version(ssl) < TLS1_2_VERSION;
}

static bool explain_level(diagnosis *about) {
    if (!level_rules_out(about->socket->ssl)) return false;
    about->failure.condition = "security_level";
    return true;
}

static bool explain_ktls(diagnosis *about) {
    if (!about->socket->transport.ktls.ends) return false;
    about->failure.condition = "ktls";
    return true;
}

static bool explain_common_name(diagnosis *about) {
    bool mismatch = about->failure.verify_result == X509_V_ERR_HOSTNAME_MISMATCH;
    if (!mismatch || !about->socket->verdict.common_name_only) return false;
    about->failure.condition = "certificate_common_name";
    return true;
}

static bool explain_ech(diagnosis *about) {
    if (!sci_ssl_explain_ech(&about->failure)) return false;
    about->failure.verify_result = SSL_get_verify_result(about->socket->ssl); /* a handler may have accepted it */
    return true;
}

static bool explain_pin(diagnosis *about) { return sci_ssl_explain_pin(about->socket, &about->failure); }

/* The first that returns true has found the reason. This program's own reasons come first, then the end of the transport, then
 * what OpenSSL's queue does not say clearly. Where none returns true, OpenSSL's queue is clear enough. */
static bool (*const explanations[])(diagnosis *about) = {
    explain_handler, explain_limit, explain_end,         explain_plain_text, explain_ocsp, explain_psk,
    explain_level,   explain_ktls,  explain_common_name, explain_pin,        explain_ech,
};

static void push_connection_error(lua_State *L, sci_sslsocket *socket, int code, const char *phase) {
    char subject[SUBJECT_SIZE], peer[SCI_PEER];
    int top = lua_gettop(L);
    diagnosis about = {.L = L, .socket = socket, .code = code};
    about.failure = (sci_failure){
        .phase = phase,
        .subject = find_subject(socket, subject),
        .peer = peer,
        .ssl_error = code == SSL_ERROR_ZERO_RETURN ? SSL_ERROR_SSL : code,
        .system_errno = socket->transport.failure.system_errno,
        .alert = socket->alerts.fatal_sent,
        .alert_sent = socket->alerts.fatal_sent >= 0,
        .server = socket->handshake.role == SCI_SERVER,
    };
    sci_socket_describe_peer(&socket->socket, peer);
    luaL_checkstack(L, 8, "too many values for a SciSslError");
    if (queue_says(SSL_R_CERTIFICATE_VERIFY_FAILED)) about.failure.verify_result = SSL_get_verify_result(socket->ssl);
    for (size_t i = 0; i < sizeof explanations / sizeof *explanations && !explanations[i](&about); i++) continue;
    sci_push_error(L, &about.failure);
    if (about.failure.condition && strcmp(about.failure.condition, "ech_rejected") == 0)
        sci_ssl_add_retry_configs(L, socket);
    lua_insert(L, top + 1);
    lua_settop(L, top + 1);
}

/* Where only the sending direction of the transport has failed, the connection can still read. */
void sci_ssl_push_error(lua_State *L, sci_sslsocket *socket, int code, const char *phase) {
    sci_ssl_set_failed(L, socket, code == SSL_ERROR_SYSCALL && strcmp(phase, "write") == 0);
    push_connection_error(L, socket, code, phase);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, SCI_SSL_FAILURE);
}

/* After the peer's close_notify OpenSSL reports every failure as SSL_ERROR_ZERO_RETURN. For a call that reads, that is the
 * result; a call that sends has failed. */
static int find_code(sci_sslsocket *socket, int result, const char *phase) {
    int code = SSL_get_error(socket->ssl, result);
    bool failed = socket->transport.failure.system_errno != 0;
    bool reads = strcmp(phase, "read") == 0 || strcmp(phase, "shutdown") == 0;
    if (code != SSL_ERROR_ZERO_RETURN || !socket->handshake.done || (reads && !failed)) return code;
    if (!failed) sci_transport_note_failure(&socket->transport, EPIPE, true);
    return SSL_ERROR_SYSCALL;
}

static bool has_ended(const sci_sslsocket *socket) { return strcmp(SSL_state_string(socket->ssl), "SSLERR") == 0; }

/* Whether only this call has failed, and OpenSSL can go on with the connection. Where the transport did not take our
 * close_notify, what the peer has sent can still be read. */
static bool connection_goes_on(const sci_sslsocket *socket, int code, const char *phase) {
    if (!socket->handshake.done || socket->callback.failed) return false;
    if (has_ended(socket)) return false;
    return code != SSL_ERROR_SYSCALL || (socket->transport.failure.unsent && strcmp(phase, "shutdown") == 0);
}

/* OpenSSL 4.0 ends a connection whose write has failed, and gives no reason from then on: the first failure is the reason. */
static bool push_first_failure(lua_State *L, sci_sslsocket *socket, int code) {
    bool silent = code == SSL_ERROR_SSL && ERR_peek_error() == 0 && socket->transport.failure.system_errno == 0;
    if (!silent || !has_ended(socket)) return false;
    if (lua_getiuservalue(L, 1, SCI_SSL_FAILURE) == LUA_TNIL) {
        lua_pop(L, 1);
        return false;
    }
    socket->result.failed = true;
    return true;
}

int sci_ssl_push_failure(lua_State *L, sci_sslsocket *socket, int result, const char *phase) {
    int code = find_code(socket, result, phase);
    if (push_first_failure(L, socket, code)) return code;
    switch (code) {
        case SSL_ERROR_NONE:
        case SSL_ERROR_SSL:
        case SSL_ERROR_SYSCALL:
            if (connection_goes_on(socket, code, phase)) push_connection_error(L, socket, code, phase);
            else sci_ssl_push_error(L, socket, code, phase);
            break;
        case SSL_ERROR_ZERO_RETURN:
            if (socket->handshake.done) sci_ssl_push_zero(L, socket, code);
            else sci_ssl_push_error(L, socket, code, phase);
            break;
        default: sci_ssl_push_not_ready(L, socket, code);
    }
    sci_clear_errors();
    return code;
}

/* Where the transport did not take a message that OpenSSL had to send (in a renegotiation, say), the socket goes on waiting for
 * that. */
int sci_ssl_keep_failure(lua_State *L, sci_sslsocket *socket, int result) {
    int wanted = socket->result.wanted, not_ready_code = socket->result.not_ready_code;
    int zero_code = socket->result.zero_code;
    int code = sci_ssl_push_failure(L, socket, result, "read");
    lua_pop(L, 1);
    if (socket->result.wanted != SSL_ERROR_WANT_WRITE) socket->result.wanted = wanted;
    socket->result.not_ready_code = not_ready_code;
    socket->result.zero_code = zero_code;
    return code;
}

/***
Returns the `SSL_ERROR_…` code behind a result of this socket. The code is kept with the result, so it stays the same however
late, and however often, it is asked for.
@function SciSslSocket:sslGetError
@tparam integer|string|SciSslError value what `sslConnect`, `sslRead` … returned
@treturn integer `SSL_ERROR_NONE` for a result, `SSL_ERROR_WANT_READ`, `SSL_ERROR_WANT_WRITE` … for "not ready",
 `SSL_ERROR_ZERO_RETURN` where the peer has closed, `SSL_ERROR_SSL` or `SSL_ERROR_SYSCALL` for a SciSslError
@raise for a value that no call returns
@see SSL_get_error(3)
*/
static int sslsocket_get_error(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    int code = SSL_ERROR_NONE;
    if (sci_is_error(L, 2)) code = sci_error_ssl_error(L, 2);
    else if (lua_type(L, 2) != LUA_TSTRING) {
        lua_Integer value = luaL_checkinteger(L, 2);
        luaL_argcheck(L, value >= -SSL_ERROR_WANT_RETRY_VERIFY, 2, "result of a call of this socket expected");
        if (value == 0) code = socket->result.zero_code;
        else if (value == -1) code = socket->result.not_ready_code;
        else if (value < 0) code = (int)-value;
    }
    lua_pushinteger(L, code);
    return 1;
}

static const luaL_Reg result_methods[] = {{"sslGetError", sslsocket_get_error}, {NULL, NULL}};

void sci_open_result(lua_State *L) { sci_ssl_add_methods(L, result_methods); }
