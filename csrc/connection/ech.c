/* ech.c: SciSslSocket, Encrypted Client Hello (RFC 9849): what a client hides, and what became of it. */
#include "connection/connection.h"

#include <string.h>

#ifdef OSSL_ECH_CURRENT_VERSION
#define HAS_ECH 1
#else
#define HAS_ECH 0
#endif

#define NEEDS "OpenSSL 4.0"

#if HAS_ECH

/* ---- what became of it ------------------------------------------------------------------------------------------- */

static const struct {
    int code;
    const char *name;
} statuses[] = {
    {SSL_ECH_STATUS_SUCCESS, "success"},
    {SSL_ECH_STATUS_FAILED, "failed"},
    {SSL_ECH_STATUS_GREASE, "grease"},
    {SSL_ECH_STATUS_GREASE_ECH, "grease_retry"},
    {SSL_ECH_STATUS_BACKEND, "backend"},
    {SSL_ECH_STATUS_NOT_TRIED, "not_tried"},
    {SSL_ECH_STATUS_NOT_CONFIGURED, "not_configured"},
    {SSL_ECH_STATUS_BAD_NAME, "bad_name"},
    {SSL_ECH_STATUS_FAILED_ECH, "rejected"},
    {SSL_ECH_STATUS_FAILED_ECH_BAD_NAME, "rejected_bad_name"},
};

#define NAME_SIZE 256

static void copy_name(char to[NAME_SIZE], char *name) {
    (void)OPENSSL_strlcpy(to, name ? name : "", NAME_SIZE);
    OPENSSL_free(name);
}

/* Until the server has responded OpenSSL calls it a failure. */
static bool is_pending(const sci_sslsocket *socket, int code) {
    bool over = socket->handshake.done || socket->result.failed || socket->handshake.role == SCI_SERVER;
    return code == SSL_ECH_STATUS_FAILED && !over;
}

static void push_status(lua_State *L, const sci_sslsocket *socket) {
    char *inner = NULL, *outer = NULL, names[2][NAME_SIZE];
    const char *status = "failed";
    int code = SSL_ech_get1_status(socket->ssl, &inner, &outer);
    copy_name(names[0], inner);
    copy_name(names[1], outer);
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (statuses[i].code == code) status = statuses[i].name;
    if (is_pending(socket, code)) status = "pending";
    lua_createtable(L, 0, 3);
    sci_set_text(L, "status", status);
    if (*names[0]) sci_set_text(L, "innerName", names[0]);
    if (*names[1]) sci_set_text(L, "outerName", names[1]);
}

static void free_bytes(void *bytes) { OPENSSL_free(bytes); }

/* OpenSSL returns what the server has named, also where its certificate is not for the public name and a handler or
 * SSL_VERIFY_NONE has accepted it. Such a list may come from an attacker, who would learn the name with the next attempt. */
static void push_retry_configs(lua_State *L, SSL *ssl) {
    unsigned char *bytes = NULL;
    size_t length = 0;
    lua_pushnil(L);
    sci_guard *guard = sci_new_guard(L, free_bytes);
    ERR_set_mark();
    bool verified = SSL_get_verify_result(ssl) == X509_V_OK;
    if (verified && SSL_ech_get1_retry_config(ssl, &bytes, &length) == 1) guard->object = bytes;
    ERR_pop_to_mark();
    if (guard->object && length > 0) {
        lua_pushlstring(L, guard->object, length);
        lua_replace(L, -3);
    }
    lua_pop(L, 1);
}

bool sci_ssl_explain_ech(sci_failure *failure) {
    unsigned long code = ERR_peek_error();
    if (ERR_GET_LIB(code) != ERR_LIB_SSL || ERR_GET_REASON(code) != SSL_R_ECH_REQUIRED) return false;
    failure->condition = "ech_rejected";
    return true;
}

void sci_ssl_add_retry_configs(lua_State *L, const sci_sslsocket *socket) {
    push_retry_configs(L, socket->ssl);
    sci_error_set_data(L);
}

bool sci_ssl_keep_ech(SSL *from, SSL *to) {
    OSSL_ECHSTORE *store = SSL_get1_echstore(from);
    bool kept = !store || SSL_set1_echstore(to, store) == 1;
    OSSL_ECHSTORE_free(store);
    return kept;
}

/* ---- the hidden ClientHello of a server -------------------------------------------------------------------------- */

#define HELLO_SIZE 16384 /* bytes that a rebuilt ClientHello may have */

typedef struct writer {
    unsigned char *bytes;
    size_t length;
    bool full;
} writer;

static void put(writer *to, const void *bytes, size_t length) {
    if (to->full || length > HELLO_SIZE - to->length) to->full = true;
    else if (length > 0) {
        memcpy(to->bytes + to->length, bytes, length);
        to->length += length;
    }
}

static void put_number(writer *to, size_t number, int bytes) {
    unsigned char wire[4];
    for (int i = 0; i < bytes; i++) wire[i] = (unsigned char)(number >> 8 * (bytes - 1 - i));
    put(to, wire, (size_t)bytes);
}

static void put_vector(writer *to, const unsigned char *bytes, size_t length, int width) {
    put_number(to, length, width);
    put(to, bytes, length);
}

static void put_extensions(writer *to, SSL *ssl) {
    const unsigned char *data;
    size_t count = 0, length, total = 0;
    int *types = NULL;
    if (SSL_client_hello_get1_extensions_present(ssl, &types, &count) != 1) count = 0;
    for (size_t i = 0; i < count; i++)
        if (SSL_client_hello_get0_ext(ssl, (unsigned int)types[i], &data, &length)) total += 4 + length;
    put_number(to, total, 2);
    for (size_t i = 0; i < count; i++)
        if (SSL_client_hello_get0_ext(ssl, (unsigned int)types[i], &data, &length)) {
            put_number(to, (size_t)types[i], 2);
            put_vector(to, data, length, 2);
        }
    OPENSSL_free(types);
}

/* One record with the ClientHello that OpenSSL has decrypted. */
static bool write_hello(writer *to, SSL *ssl) {
    const unsigned char *bytes;
    writer head = {.bytes = to->bytes};
    to->length = 9;
    put_number(to, SSL_client_hello_get0_legacy_version(ssl), 2);
    size_t length = SSL_client_hello_get0_random(ssl, &bytes);
    put(to, bytes, length);
    length = SSL_client_hello_get0_session_id(ssl, &bytes);
    put_vector(to, bytes, length, 1);
    length = SSL_client_hello_get0_ciphers(ssl, &bytes);
    put_vector(to, bytes, length, 2);
    length = SSL_client_hello_get0_compression_methods(ssl, &bytes);
    put_vector(to, bytes, length, 1);
    put_extensions(to, ssl);
    put_number(&head, 0x160301, 3);
    put_number(&head, to->length - 5, 2);
    put_number(&head, (size_t)1 << 24 | (to->length - 9), 4);
    return !to->full;
}

bool sci_ssl_push_inner_hello(lua_State *L, const sci_sslsocket *socket) {
    char *inner = NULL, *outer = NULL;
    if (socket->suspend.at != SCI_AT_CLIENT_HELLO) return false;
    int status = SSL_ech_get1_status(socket->ssl, &inner, &outer);
    OPENSSL_free(inner);
    OPENSSL_free(outer);
    if (status != SSL_ECH_STATUS_SUCCESS) return false;
    lua_pushnil(L);
    sci_guard *guard = sci_new_guard(L, free_bytes);
    writer to = {.bytes = guard->object = OPENSSL_malloc(HELLO_SIZE)};
    if (guard->object && write_hello(&to, socket->ssl)) {
        lua_pushlstring(L, (const char *)to.bytes, to.length);
        lua_replace(L, -3);
    }
    lua_pop(L, 1);
    return true;
}

/* ---- settings of a client ---------------------------------------------------------------------------------------- */

static int set_configs(lua_State *L, SSL *ssl, const char *outer, bool no_outer) {
    size_t length;
    const char *configs = lua_tolstring(L, 2, &length);
    sci_clear_errors();
    if (SSL_set1_ech_config_list(ssl, (const uint8_t *)configs, length) != 1)
        return sci_fail(L, &(sci_failure){.phase = "option", .condition = "bad_ech_configs"});
    if ((outer || no_outer) && SSL_ech_set1_outer_server_name(ssl, outer, no_outer) != 1)
        return sci_fail(L, &(sci_failure){.phase = "option", .condition = "bad_host_name", .subject = outer});
    return sci_return_receiver(L);
}

static int set_outer_alpn(lua_State *L, SSL *ssl, const char *wire, size_t length) {
    sci_clear_errors();
    if (SSL_ech_set1_outer_alpn_protos(ssl, (const unsigned char *)wire, length) != 1)
        return sci_fail_openssl(L, "option", "ALPN");
    return sci_return_receiver(L);
}

#else

bool sci_ssl_explain_ech(sci_failure *failure) {
    (void)failure;
    return false;
}

void sci_ssl_add_retry_configs(lua_State *L, const sci_sslsocket *socket) { (void)L, (void)socket; }

bool sci_ssl_keep_ech(SSL *from, SSL *to) {
    (void)from, (void)to;
    return true;
}

bool sci_ssl_push_inner_hello(lua_State *L, const sci_sslsocket *socket) {
    (void)L, (void)socket;
    return false;
}

static void push_status(lua_State *L, const sci_sslsocket *socket) {
    (void)socket;
    lua_createtable(L, 0, 1);
    sci_set_text(L, "status", "not_configured");
}

static void push_retry_configs(lua_State *L, SSL *ssl) {
    (void)ssl;
    lua_pushnil(L);
}

static int fail_missing(lua_State *L) { return sci_fail_missing(L, "option", "ECH", NEEDS); }

static int set_configs(lua_State *L, SSL *ssl, const char *outer, bool no_outer) {
    (void)ssl, (void)outer, (void)no_outer;
    return fail_missing(L);
}

static int set_outer_alpn(lua_State *L, SSL *ssl, const char *wire, size_t length) {
    (void)ssl, (void)wire, (void)length;
    return fail_missing(L);
}

#endif

/* ---- methods ----------------------------------------------------------------------------------------------------- */

/***
Hides the ClientHello of this client (Encrypted Client Hello): before the handshake. The server name of `sslSetServerName` and all
else in the ClientHello are encrypted for the server; an observer sees the public name of the ECHConfigList. A server that
does not accept this ends the handshake with the condition `ech_rejected`, and the error's data() are the ECHConfigList to try next.
TLS 1.3 alone.
@function SciSslSocket:sslSetEchConfigs
@tparam string configs an ECHConfigList: bytes, or base64 as it is in the DNS
@tparam[opt] table options `outerName`: the server name that is sent in plain text, in place of the public name; false: none
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `bad_ech_configs`, `bad_host_name`; `not_in_this_openssl`: ECH needs OpenSSL 4.0;
 `not_initialized`, `handshake_under_way`, `closed`
@see SSL_set1_ech_config_list(3)
@see RFC 9849
*/
static int sslsocket_set_ech_configs(lua_State *L) {
    static const char *const names[] = {"outerName", NULL};
    const char *outer = NULL;
    bool no_outer = false;
    luaL_argexpected(L, lua_type(L, 2) == LUA_TSTRING, 2, "string");
    lua_settop(L, 3);
    if (!lua_isnil(L, 3)) {
        int value = sci_push_options(L, 3, names);
        no_outer = lua_isboolean(L, value) && !lua_toboolean(L, value);
        if (!no_outer) outer = sci_check_text_option(L, 3, names[0], value);
    }
    const sci_sslsocket *socket = sci_check_before_handshake(L);
    return socket ? set_configs(L, socket->ssl, outer, no_outer) : 2;
}

/***
Sets the application protocols (ALPN) that a client shows in plain text where it hides its ClientHello. Without a call these are
the hidden ones, too.
@function SciSslSocket:sslSetEchOuterAlpn
@tparam {string,...} names as for `SciSslContext:setAlpn`
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `bad_alpn`, `not_in_this_openssl`, `not_initialized`, `handshake_under_way`, `closed`
@see SSL_ech_set1_outer_alpn_protos(3)
*/
static int sslsocket_set_ech_outer_alpn(lua_State *L) {
    size_t length;
    sci_check_sslsocket(L, 1);
    (void)sci_check_list(L, 2);
    lua_settop(L, 2);
    if (!sci_push_alpn(L)) return sci_fail_alpn(L);
    const sci_sslsocket *socket = sci_check_before_handshake(L); /* the table's metamethods may have closed it */
    const char *wire = lua_tolstring(L, 3, &length);
    return socket ? set_outer_alpn(L, socket->ssl, wire, length) : 2;
}

/***
Tells what became of Encrypted Client Hello.
@function SciSslSocket:echStatus
@treturn table `status`: `"success"`: the ClientHello was hidden; `"rejected"`: the server did not decrypt it, and named other
 keys; `"rejected_bad_name"`: the same, and its certificate is not for the public name; `"bad_name"`: the certificate is for
 neither name; `"grease"`: the client sent random bytes in its place (option `ech_grease`); `"grease_retry"`: the same, and
 the server named keys; `"pending"`: the server has not responded; `"not_tried"`, `"not_configured"`, `"failed"`, `"backend"`; `innerName` (string): the name that is
 hidden; `outerName` (string): the name that everybody sees; each nil where there is none
@see SSL_ech_get1_status(3)
*/
static int sslsocket_ech_status(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    if (socket->ssl) push_status(L, socket);
    else {
        lua_createtable(L, 0, 1);
        sci_set_text(L, "status", "not_tried");
    }
    return 1;
}

/***
Returns the ECHConfigList that the server has named for the next attempt.
@function SciSslSocket:echRetryConfigs
@treturn ?string bytes, for `sslSetEchConfigs`; nil where it has named none, or its certificate was not verified
@see SSL_ech_get1_retry_config(3)
*/
static int sslsocket_ech_retry_configs(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    if (socket->ssl) push_retry_configs(L, socket->ssl);
    else lua_pushnil(L);
    return 1;
}

static const luaL_Reg ech_methods[] = {
    {"sslSetEchConfigs", sslsocket_set_ech_configs},
    {"sslSetEchOuterAlpn", sslsocket_set_ech_outer_alpn},
    {"echStatus", sslsocket_ech_status},
    {"echRetryConfigs", sslsocket_ech_retry_configs},
    {NULL, NULL},
};

void sci_open_ech(lua_State *L) { luaL_setfuncs(L, ech_methods, 0); }
