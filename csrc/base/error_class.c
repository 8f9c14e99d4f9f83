/* error_class.c: SciSslError, what went wrong, as a value. The one place that reads OpenSSL's error queue. */
#include "base/base.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

/***
What went wrong, as a value. `tostring` is one line that tells a person what to do, `condition` a short name for programs.
@classmod SciSslError
*/

#define ERROR_FIELDS 1 /* user value: the table of what is known */

void sci_clear_errors(void) {
    errno = 0;                                    /* see sci_push_error */
    if (ERR_peek_error() != 0) ERR_clear_error(); /* which takes four times as long */
}

/* ---- names ------------------------------------------------------------------------------------------------------ */

typedef struct named_code {
    int code;
    const char *name;
} named_code;

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *find_name(const named_code *names, size_t count, int code) {
    for (size_t i = 0; i < count; i++)
        if (names[i].code == code) return names[i].name;
    return NULL;
}

/* RFC 8446 section 6 and the registry of alerts behind it. */
static const named_code alert_names[] = {
    {SSL_AD_CLOSE_NOTIFY, "close_notify"},
    {SSL_AD_UNEXPECTED_MESSAGE, "unexpected_message"},
    {SSL_AD_BAD_RECORD_MAC, "bad_record_mac"},
    {SSL_AD_DECRYPTION_FAILED, "decryption_failed"},
    {SSL_AD_RECORD_OVERFLOW, "record_overflow"},
    {SSL_AD_DECOMPRESSION_FAILURE, "decompression_failure"},
    {SSL_AD_HANDSHAKE_FAILURE, "handshake_failure"},
    {SSL_AD_NO_CERTIFICATE, "no_certificate"},
    {SSL_AD_BAD_CERTIFICATE, "bad_certificate"},
    {SSL_AD_UNSUPPORTED_CERTIFICATE, "unsupported_certificate"},
    {SSL_AD_CERTIFICATE_REVOKED, "certificate_revoked"},
    {SSL_AD_CERTIFICATE_EXPIRED, "certificate_expired"},
    {SSL_AD_CERTIFICATE_UNKNOWN, "certificate_unknown"},
    {SSL_AD_ILLEGAL_PARAMETER, "illegal_parameter"},
    {SSL_AD_UNKNOWN_CA, "unknown_ca"},
    {SSL_AD_ACCESS_DENIED, "access_denied"},
    {SSL_AD_DECODE_ERROR, "decode_error"},
    {SSL_AD_DECRYPT_ERROR, "decrypt_error"},
    {SSL_AD_EXPORT_RESTRICTION, "export_restriction"},
    {SSL_AD_PROTOCOL_VERSION, "protocol_version"},
    {SSL_AD_INSUFFICIENT_SECURITY, "insufficient_security"},
    {SSL_AD_INTERNAL_ERROR, "internal_error"},
    {SSL_AD_INAPPROPRIATE_FALLBACK, "inappropriate_fallback"},
    {SSL_AD_USER_CANCELLED, "user_canceled"},
    {SSL_AD_NO_RENEGOTIATION, "no_renegotiation"},
    {SSL_AD_MISSING_EXTENSION, "missing_extension"},
    {SSL_AD_UNSUPPORTED_EXTENSION, "unsupported_extension"},
    {SSL_AD_CERTIFICATE_UNOBTAINABLE, "certificate_unobtainable"},
    {SSL_AD_UNRECOGNIZED_NAME, "unrecognized_name"},
    {SSL_AD_BAD_CERTIFICATE_STATUS_RESPONSE, "bad_certificate_status_response"},
    {SSL_AD_BAD_CERTIFICATE_HASH_VALUE, "bad_certificate_hash_value"},
    {SSL_AD_UNKNOWN_PSK_IDENTITY, "unknown_psk_identity"},
    {SSL_AD_CERTIFICATE_REQUIRED, "certificate_required"},
    {SSL_AD_NO_APPLICATION_PROTOCOL, "no_application_protocol"},
};

const char *sci_alert_name(int alert) {
    const char *name = find_name(alert_names, COUNT(alert_names), alert);
    return name ? name : "unknown_alert";
}

int sci_find_alert(const char *name) {
    for (size_t i = 0; i < COUNT(alert_names); i++)
        if (strcmp(alert_names[i].name, name) == 0) return alert_names[i].code;
    return -1;
}

/* ---- conditions: stable names for what went wrong --------------------------------------------------------------- */

static const named_code verify_conditions[] = {
    {X509_V_ERR_CERT_HAS_EXPIRED, "certificate_expired"},
    {X509_V_ERR_CERT_NOT_YET_VALID, "certificate_not_yet_valid"},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "certificate_self_signed"},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "certificate_unknown_issuer"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, "certificate_unknown_issuer"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "certificate_unknown_issuer"},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, "certificate_unknown_issuer"},
    {X509_V_ERR_CERT_UNTRUSTED, "certificate_unknown_issuer"},
    {X509_V_ERR_HOSTNAME_MISMATCH, "certificate_wrong_host"},
    {X509_V_ERR_IP_ADDRESS_MISMATCH, "certificate_wrong_ip"},
    {X509_V_ERR_EMAIL_MISMATCH, "certificate_wrong_email"},
    {X509_V_ERR_INVALID_PURPOSE, "certificate_wrong_purpose"},
    {X509_V_ERR_CERT_CHAIN_TOO_LONG, "certificate_chain_too_long"},
    {X509_V_ERR_CERT_REVOKED, "certificate_revoked"},
    {X509_V_ERR_UNABLE_TO_GET_CRL, "crl_missing"},
    {X509_V_ERR_CRL_HAS_EXPIRED, "crl_expired"},
    {X509_V_ERR_CRL_NOT_YET_VALID, "crl_not_yet_valid"},
    {X509_V_ERR_CRL_SIGNATURE_FAILURE, "crl_invalid"},
    {X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE, "crl_invalid"},
    {X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, "crl_invalid"},
    {X509_V_ERR_KEYUSAGE_NO_CRL_SIGN, "crl_invalid"},
    {X509_V_ERR_DANE_NO_MATCH, "dane_mismatch"},
    {X509_V_ERR_EE_KEY_TOO_SMALL, "security_level"},
    {X509_V_ERR_CA_KEY_TOO_SMALL, "security_level"},
    {X509_V_ERR_CA_MD_TOO_WEAK, "security_level"},
    {X509_V_ERR_OUT_OF_MEM, "memory_full"},
};

static const named_code ssl_conditions[] = {
    {SSL_R_HTTP_REQUEST, "plain_http"},
    {SSL_R_HTTPS_PROXY_REQUEST, "plain_http"},
    {SSL_R_WRONG_VERSION_NUMBER, "not_tls"},
    {SSL_R_PACKET_LENGTH_TOO_LONG, "not_tls"},
    {SSL_R_UNSUPPORTED_PROTOCOL, "protocol_version"},
    {SSL_R_NO_PROTOCOLS_AVAILABLE, "no_protocol"},
    {SSL_R_VERSION_TOO_LOW, "protocol_version"},
    {SSL_R_VERSION_TOO_HIGH, "protocol_version"},
    {SSL_R_NO_SHARED_CIPHER, "no_shared_cipher"},
    {SSL_R_NO_CIPHERS_AVAILABLE, "no_shared_cipher"},
    {SSL_R_NO_CIPHER_MATCH, "unknown_cipher"},
    {SSL_R_NO_SHARED_GROUPS, "no_shared_group"},
    {SSL_R_NO_SUITABLE_GROUPS, "no_shared_group"},
    {SSL_R_NO_SUITABLE_KEY_SHARE, "no_shared_group"},
    {SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, "no_shared_signature_algorithm"},
    {SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, "no_shared_signature_algorithm"},
    {SSL_R_NO_APPLICATION_PROTOCOL, "no_shared_alpn"},
    {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, "client_certificate_missing"},
    {SSL_R_NO_CERTIFICATE_ASSIGNED, "no_certificate"},
    {SSL_R_NO_CERTIFICATE_SET, "no_certificate"},
    {SSL_R_PRIVATE_KEY_MISMATCH, "key_mismatch"},
    {SSL_R_EE_KEY_TOO_SMALL, "security_level"},
    {SSL_R_CA_KEY_TOO_SMALL, "security_level"},
    {SSL_R_CA_MD_TOO_WEAK, "security_level"},
    {SSL_R_DH_KEY_TOO_SMALL, "security_level"},
    {SSL_R_LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED, "security_level"}, /* what TLS 1.1 and earlier meet at level 1 */
    {SSL_R_TLS_ILLEGAL_EXPORTER_LABEL, "bad_label"},
    {SSL_R_EXTENSION_NOT_RECEIVED, "post_handshake_refused"},
    {SSL_R_REQUEST_PENDING, "request_sent"},
    {SSL_R_REQUEST_SENT, "request_sent"},
    {SSL_R_NO_RENEGOTIATION, "renegotiation_refused"},
    {SSL_R_SHUTDOWN_WHILE_IN_INIT, "handshake_pending"},
    {SSL_R_STILL_IN_INIT, "handshake_pending"},
    {SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED, "legacy_renegotiation"},
    {SSL_R_BINDER_DOES_NOT_VERIFY, "psk_mismatch"},
    {SSL_R_PSK_IDENTITY_NOT_FOUND, "psk_missing"},
    {SSL_R_APPLICATION_DATA_AFTER_CLOSE_NOTIFY, "unread_data"},
    {SSL_R_UNEXPECTED_EOF_WHILE_READING, "truncated"},
    {SSL_R_TOO_MANY_WARN_ALERTS, "too_many_alerts"},
    {SSL_R_RECORD_TOO_SMALL, "too_many_empty_records"},
};

static const named_code alert_conditions[] = {
    {SSL_AD_PROTOCOL_VERSION, "protocol_version"},
    {SSL_AD_NO_APPLICATION_PROTOCOL, "no_shared_alpn"},
    {SSL_AD_CERTIFICATE_REQUIRED, "client_certificate_missing"},
    {SSL_AD_INSUFFICIENT_SECURITY, "security_level"},
    {SSL_AD_NO_RENEGOTIATION, "renegotiation_refused"},
};

/* By the alert that this side has sent: what the peer did, where OpenSSL's reason alone does not tell. */
static const named_code sent_alert_conditions[] = {
    {SSL_AD_UNEXPECTED_MESSAGE, "unexpected_message"}, {SSL_AD_BAD_RECORD_MAC, "bad_record_mac"},
    {SSL_AD_RECORD_OVERFLOW, "malformed_message"},     {SSL_AD_HANDSHAKE_FAILURE, "handshake_failure"},
    {SSL_AD_BAD_CERTIFICATE, "malformed_certificate"}, {SSL_AD_ILLEGAL_PARAMETER, "illegal_parameter"},
    {SSL_AD_DECODE_ERROR, "malformed_message"},        {SSL_AD_DECRYPT_ERROR, "bad_signature"},
    {SSL_AD_PROTOCOL_VERSION, "protocol_version"},     {SSL_AD_INSUFFICIENT_SECURITY, "security_level"},
    {SSL_AD_INTERNAL_ERROR, "internal_error"},         {SSL_AD_INAPPROPRIATE_FALLBACK, "downgrade"},
    {SSL_AD_MISSING_EXTENSION, "illegal_parameter"},   {SSL_AD_UNSUPPORTED_EXTENSION, "illegal_parameter"},
};

static const named_code errno_conditions[] = {
    {ECONNREFUSED, "connection_refused"},
    {ECONNRESET, "connection_reset"},
    {ECONNABORTED, "connection_reset"},
    {EPIPE, "broken_pipe"},
    {ETIMEDOUT, "timeout"},
    {EHOSTUNREACH, "host_unreachable"},
    {EADDRNOTAVAIL, "address_not_available"},
    {ENETUNREACH, "host_unreachable"},
    {EADDRINUSE, "address_in_use"},
    {EACCES, "permission_denied"},
    {EPERM, "permission_denied"},
    {ENOTCONN, "not_connected"},
    {EBADF, "closed"},
    {ENOMEM, "memory_full"},
    {ENOENT, "not_found"},
    {EISCONN, "already_connected"},
    {EMFILE, "too_many_descriptors"},
    {ENFILE, "too_many_descriptors"},
    {ENAMETOOLONG, "name_too_long"},
    {ENOPROTOOPT, "unknown_option"},
};

static const char *received_alert_condition(int alert, bool server) {
    const char *condition = find_name(alert_conditions, COUNT(alert_conditions), alert);
    if (condition) return condition;
    bool about_certificate = (alert >= SSL_AD_BAD_CERTIFICATE && alert <= SSL_AD_CERTIFICATE_UNKNOWN) ||
                             alert == SSL_AD_UNKNOWN_CA || alert == SSL_AD_ACCESS_DENIED;
    if (about_certificate) return server ? "server_certificate_refused" : "client_certificate_refused";
    return "alert_received";
}

/* -1: the queue entry is not a received alert. Reasons that all libraries share (ERR_R_…) lie above those of alerts. */
static int received_alert(unsigned long code) {
    int alert = ERR_GET_REASON(code) - SSL_AD_REASON_OFFSET;
    return ERR_GET_LIB(code) == ERR_LIB_SSL && alert >= 0 && alert <= UCHAR_MAX ? alert : -1;
}

/* What the other libraries of OpenSSL report under several names, by what it means to a person. */
static const char *library_condition(int library, int reason) {
    if (library == ERR_LIB_X509 && (reason == X509_R_KEY_VALUES_MISMATCH || reason == X509_R_KEY_TYPE_MISMATCH))
        return "key_mismatch";
    if (library == ERR_LIB_PEM && reason == PEM_R_NO_START_LINE) return "not_pem";
    if (library == ERR_LIB_PEM && reason == PEM_R_BAD_PASSWORD_READ) return "passphrase_missing";
    if (library == ERR_LIB_PEM && reason == PEM_R_BAD_DECRYPT) return "passphrase_wrong";
    if (library == ERR_LIB_EVP && reason == EVP_R_BAD_DECRYPT) return "passphrase_wrong";
    return NULL;
}

static bool is_out_of_memory(unsigned long code) {
    return ERR_SYSTEM_ERROR(code) ? ERR_GET_REASON(code) == ENOMEM : ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE;
}

static const char *queue_condition(unsigned long code, bool server) {
    int alert = received_alert(code);
    if (alert >= 0) return received_alert_condition(alert, server);
    if (ERR_GET_LIB(code) == ERR_LIB_SSL) return find_name(ssl_conditions, COUNT(ssl_conditions), ERR_GET_REASON(code));
    return library_condition(ERR_GET_LIB(code), ERR_GET_REASON(code));
}

static const char *verify_condition(long result) {
    const char *condition = find_name(verify_conditions, COUNT(verify_conditions), (int)result);
    return condition ? condition : "certificate_invalid";
}

/* ---- filling the table of fields -------------------------------------------------------------------------------- */

static void set_text(lua_State *L, const char *field, const char *text) {
    if (!text) return;
    lua_pushstring(L, text);
    lua_setfield(L, -2, field);
}

static void set_number(lua_State *L, const char *field, lua_Integer number) {
    lua_pushinteger(L, number);
    lua_setfield(L, -2, field);
}

static void set_value(lua_State *L, const char *field, int index) {
    if (!index) return;
    lua_pushvalue(L, index);
    lua_setfield(L, -2, field);
}

static void set_alert(lua_State *L, int alert, const char *direction) {
    set_number(L, "alert", alert);
    set_text(L, "alertName", sci_alert_name(alert));
    set_text(L, "alertDirection", direction);
}

static void set_errno(lua_State *L, int system_errno, const char *text) {
    set_number(L, "errno", system_errno);
    set_text(L, "errnoText", text);
}

static void set_verify_result(lua_State *L, long result) {
    set_number(L, "verifyResult", result);
    set_text(L, "verifyText", X509_verify_cert_error_string(result));
}

/* ---- OpenSSL's queue, in memory of ours ------------------------------------------------------------------------- */

#define QUEUE_ENTRIES 16 /* OpenSSL keeps no more */
#define ENTRY_TEXTS 1024 /* bytes for all texts of one entry */
#define SYSTEM_TEXT 128  /* bytes for what the system says about an errno */

typedef struct queue_entry {
    unsigned long code;
    int line;
    const char *library, *reason, *function, *file, *data; /* in `texts`, or NULL */
    size_t used;
    char texts[ENTRY_TEXTS];
} queue_entry;

/* A copy of OpenSSL's queue. Making the table of fields may run finalizers, which use that queue themselves. */
typedef struct error_queue {
    int count;
    queue_entry entries[QUEUE_ENTRIES];
} error_queue;

/* Copies as much of `text` as there is room for, and no half characters. */
static const char *keep_text(queue_entry *entry, const char *text) {
    size_t room = sizeof entry->texts - entry->used;
    if (!text || room == 0) return NULL;
    size_t length = strlen(text);
    if (length >= room)
        for (length = room - 1; length > 0 && (text[length] & 0xC0) == 0x80;) length--;
    char *kept = entry->texts + entry->used;
    memcpy(kept, text, length);
    kept[length] = 0;
    entry->used += length + 1;
    return kept;
}

static bool next_entry(queue_entry *entry) {
    const char *file, *function, *data;
    int flags;
    entry->used = 0;
    entry->code = ERR_peek_error_all(&file, &entry->line, &function, &data, &flags);
    if (entry->code == 0) return false;
    bool system = ERR_SYSTEM_ERROR(entry->code);
    entry->library = keep_text(entry, ERR_lib_error_string(entry->code));
    entry->reason =
        keep_text(entry, system ? strerror(ERR_GET_REASON(entry->code)) : ERR_reason_error_string(entry->code));
    entry->function = keep_text(entry, function);
    entry->file = keep_text(entry, file);
    /* OpenSSL may quote the path or URI that it was given. */
    bool shown = (flags & ERR_TXT_STRING) && *data && sci_path_subject(data) == data;
    entry->data = shown ? keep_text(entry, data) : NULL;
    (void)ERR_get_error();
    return true;
}

static void drain_queue(error_queue *queue) {
    queue->count = 0;
    while (queue->count < QUEUE_ENTRIES && next_entry(&queue->entries[queue->count])) queue->count++;
    sci_clear_errors();
}

static void set_code(lua_State *L, const queue_entry *entry) {
    set_number(L, "code", (lua_Integer)entry->code);
    set_text(L, "library", entry->library);
    set_text(L, "reason", entry->reason);
}

static void set_queue(lua_State *L, const error_queue *queue) {
    lua_createtable(L, queue->count, 0);
    for (int i = 0; i < queue->count; i++) {
        const queue_entry *entry = &queue->entries[i];
        lua_createtable(L, 0, 7);
        set_code(L, entry);
        set_text(L, "file", entry->file);
        set_text(L, "function", entry->function);
        set_number(L, "line", entry->line);
        set_text(L, "data", entry->data);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "queue");
}

/* What the queue tells of the failure as a whole. */
typedef struct queue_summary {
    const char *condition;
    int alert;
    bool verify_failed, out_of_memory;
} queue_summary;

/* `diagnosed`: the caller knows the condition. OpenSSL says "malloc failure" of some malformed data, behind other words. */
static queue_summary summarize(const error_queue *queue, bool server, bool diagnosed) {
    queue_summary summary = {.alert = -1};
    for (int i = 0; i < queue->count; i++) {
        unsigned long code = queue->entries[i].code;
        if (is_out_of_memory(code) && (i == 0 || !diagnosed)) summary.out_of_memory = true;
        if (!summary.condition) summary.condition = queue_condition(code, server);
        if (summary.alert < 0) summary.alert = received_alert(code);
        if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED)
            summary.verify_failed = true;
    }
    return summary;
}

/* ---- SciSslError ------------------------------------------------------------------------------------------------ */

static const char *find_condition(const sci_failure *failure, const error_queue *queue, const queue_summary *summary) {
    if (summary->out_of_memory) return "memory_full"; /* whatever else it led to */
    if (failure->condition && *failure->condition) return failure->condition;
    if (failure->verify_result != X509_V_OK && (summary->verify_failed || !summary->condition))
        return verify_condition(failure->verify_result);
    if (summary->condition) return summary->condition;
    if (queue->count > 0 && failure->alert_sent) {
        const char *condition = find_name(sent_alert_conditions, COUNT(sent_alert_conditions), failure->alert);
        if (condition) return condition;
    }
    if (failure->system_errno) {
        const char *condition = find_name(errno_conditions, COUNT(errno_conditions), failure->system_errno);
        return condition ? condition : "system";
    }
    return queue->count > 0 ? "openssl" : "unknown";
}

/* What came first is what OpenSSL met, before what followed from it. */
static void fill_fields(lua_State *L, const sci_failure *failure, const error_queue *queue,
                        const queue_summary *summary, const char *system_text) {
    set_queue(L, queue);
    if (queue->count > 0) set_code(L, &queue->entries[0]);
    else set_number(L, "code", 0);
    set_text(L, "phase", failure->phase ? failure->phase : "unknown");
    set_text(L, "condition", find_condition(failure, queue, summary));
    set_number(L, "sslError", failure->ssl_error ? failure->ssl_error : SSL_ERROR_SSL);
    if (failure->system_errno) set_errno(L, failure->system_errno, system_text);
    if (summary->alert >= 0) set_alert(L, summary->alert, "received");
    else if (failure->alert_sent) set_alert(L, failure->alert, "sent");
    if (failure->verify_result != X509_V_OK) set_verify_result(L, failure->verify_result);
}

static void push_empty_error(lua_State *L) {
    sci_new_object(L, SCI_ERROR, 1, 1);
    lua_createtable(L, 0, 16);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, -3, ERROR_FIELDS);
}

static void copy_system_text(char text[SYSTEM_TEXT], int system_errno) {
    const char *said = system_errno ? strerror(system_errno) : "";
    size_t length = strnlen(said, SYSTEM_TEXT - 1);
    memcpy(text, said, length);
    text[length] = 0;
}

/* OpenSSL does not always report that memory has run out: it may name what that led to, or nothing at all. Then errno
 * tells, as malloc has left it. What a handler raised, and what we refuse ourselves, has another reason. */
static queue_summary take_errors(const sci_failure *failure, error_queue *queue) {
    bool no_memory = errno == ENOMEM;
    drain_queue(queue);
    queue_summary summary = summarize(queue, failure->server, failure->condition != NULL);
    summary.out_of_memory = (summary.out_of_memory || no_memory) && !failure->cause;
    return summary;
}

void sci_push_error(lua_State *L, const sci_failure *failure) {
    error_queue queue;
    queue_summary summary = take_errors(failure, &queue);
    char system_text[SYSTEM_TEXT], peer[SCI_PEER];
    int cause = failure->cause ? lua_absindex(L, failure->cause) : 0;
    int traceback = failure->traceback ? lua_absindex(L, failure->traceback) : 0;
    luaL_checkstack(L, 10, "too many values for a SciSslError");
    copy_system_text(system_text, failure->system_errno);
    (void)OPENSSL_strlcpy(peer, failure->peer ? failure->peer : "", sizeof peer);
    lua_pushstring(L, failure->subject); /* first: it may be an object's, which a finalizer closes */
    int subject = lua_gettop(L);
    if (summary.out_of_memory) lua_pushnil(L);
    else if (failure->words[0]) lua_pushfstring(L, failure->message, failure->words[0], failure->words[1]);
    else lua_pushstring(L, failure->message);
    push_empty_error(L);
    fill_fields(L, failure, &queue, &summary, system_text);
    set_value(L, "subject", subject);
    set_value(L, "message", subject + 1);
    if (*peer) set_text(L, "peer", peer);
    set_value(L, "cause", cause);
    set_value(L, "traceback", traceback);
    lua_pop(L, 1);
    lua_replace(L, subject);
    lua_pop(L, 1);
}

int sci_fail(lua_State *L, const sci_failure *failure) {
    luaL_checkstack(L, 8, "too many values for a SciSslError");
    lua_pushnil(L);
    sci_push_error(L, failure);
    return 2;
}

int sci_fail_openssl(lua_State *L, const char *phase, const char *subject) {
    return sci_fail(L, &(sci_failure){.phase = phase, .subject = subject});
}

int sci_fail_system(lua_State *L, const char *phase, const char *subject, int system_errno) {
    return sci_fail(
        L, &(sci_failure){
               .phase = phase, .subject = subject, .ssl_error = SSL_ERROR_SYSCALL, .system_errno = system_errno});
}

int sci_fail_own(lua_State *L, const char *phase, const char *condition, const char *message) {
    errno = 0;
    return sci_fail(L, &(sci_failure){.phase = phase, .condition = condition, .message = message});
}

int sci_fail_missing(lua_State *L, const char *phase, const char *what, const char *needs) {
    const char *version = OpenSSL_version(OPENSSL_VERSION_STRING);
    return sci_fail(L,
                    &(sci_failure){.phase = phase,
                                   .condition = "not_in_this_openssl",
                                   .message = lua_pushfstring(L, "not in this OpenSSL (%s): needs %s", version, needs),
                                   .subject = what});
}

const char *sci_path_subject(const char *path) {
    if (strstr(path, "-----BEGIN ")) return "PEM text";
    return strstr(path, "pin-value=") ? "URI with a PIN" : path;
}

bool sci_refuse(sci_failure *failure, const char *condition, const char *message) {
    failure->condition = condition;
    failure->message = message;
    return false;
}

bool sci_refuse_about(sci_failure *failure, const char *condition, const char *message, const char *subject) {
    failure->subject = subject;
    return sci_refuse(failure, condition, message);
}

bool sci_is_error(lua_State *L, int index) { return luaL_testudata(L, index, SCI_ERROR) != NULL; }

int sci_error_ssl_error(lua_State *L, int index) {
    lua_getiuservalue(L, index, ERROR_FIELDS);
    lua_getfield(L, -1, "sslError");
    int ssl_error = (int)lua_tointeger(L, -1);
    lua_pop(L, 2);
    return ssl_error;
}

/* ---- methods ---------------------------------------------------------------------------------------------------- */

/* Pushes the table of fields of the SciSslError at index 1, or raises. */
static void push_fields(lua_State *L) {
    luaL_checkudata(L, 1, SCI_ERROR);
    lua_getiuservalue(L, 1, ERROR_FIELDS);
}

static int push_two_fields(lua_State *L, const char *first, const char *second) {
    push_fields(L);
    lua_getfield(L, 2, first);
    lua_getfield(L, 2, second);
    return 2;
}

/* The number at `index`, as C has them; 0 for nil. */
static int number_option(lua_State *L, int index, const char *name) {
    lua_Integer number = luaL_optinteger(L, index, 0);
    if (number < INT_MIN || number > INT_MAX)
        luaL_argerror(L, 1, lua_pushfstring(L, "field '%s' is out of range", name));
    return (int)number;
}

/***
Makes a SciSslError from Lua, for what goes wrong above the C core.
@function SciSslError.new
@tparam table fields `phase`, `condition`, `message`, `subject`, `peer` (strings), `sslError`, `errno`, `verifyResult`
 (integers), `cause` (any value), `traceback` (string); each may be missing
@treturn SciSslError
@raise for a field of another name or type
*/
static int error_new(lua_State *L) {
    static const char *const known[] = {"phase", "condition",    "message",   "subject", "sslError", "errno",
                                        "cause", "verifyResult", "traceback", "peer",    NULL};
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
        luaL_argexpected(L, lua_type(L, 2) == LUA_TSTRING, 1, "table with names for keys");
        lua_pushvalue(L, 2);
        luaL_checkoption(L, 4, NULL, known);
        lua_pop(L, 1);
    }
    for (int i = 0; i < 10; i++) lua_getfield(L, 1, known[i]); /* at stack index 2 + i */
    const sci_failure failure = {
        .phase = luaL_optstring(L, 2, NULL),
        .condition = luaL_optstring(L, 3, NULL),
        .message = luaL_optstring(L, 4, NULL),
        .subject = luaL_optstring(L, 5, NULL),
        .ssl_error = number_option(L, 6, known[4]),
        .system_errno = number_option(L, 7, known[5]),
        .cause = lua_isnil(L, 8) ? 0 : 8,
        .verify_result = number_option(L, 9, known[7]),
        .traceback = luaL_optstring(L, 10, NULL) ? 10 : 0,
        .peer = luaL_optstring(L, 11, NULL),
    };
    sci_clear_errors();
    sci_push_error(L, &failure);
    return 1;
}

/* Each method that answers one field has its name for an upvalue. */
static int error_field(lua_State *L) {
    push_fields(L);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_gettable(L, 2);
    return 1;
}

/***
Answers the operating system's error.
@function SciSslError:errno
@treturn[1] integer errno
@treturn[1] string its text
@treturn[2] nil where the system reported none
*/
static int error_errno(lua_State *L) { return push_two_fields(L, "errno", "errnoText"); }

/***
Answers the TLS alert that ended the connection.
@function SciSslError:alert
@treturn[1] string the alert's name in the RFCs, such as `unknown_ca`
@treturn[1] string `"sent"` or `"received"`
@treturn[1] integer the alert's number
@treturn[2] nil where there was none
@see RFC 8446, section 6
*/
static int error_alert(lua_State *L) {
    push_two_fields(L, "alertName", "alertDirection");
    lua_getfield(L, 2, "alert");
    return 3;
}

/***
Answers the result of the certificate check behind the failure.
@function SciSslError:verifyResult
@treturn[1] integer an `X509_V_ERR_…`
@treturn[1] string its text
@treturn[2] nil where no check failed
@see X509_STORE_CTX_get_error(3)
*/
static int error_verify_result(lua_State *L) { return push_two_fields(L, "verifyResult", "verifyText"); }

/***
Calls `handler` with the error and answers what it answers.
@function SciSslError:ifSslErrorDo
@tparam function handler
@return whatever `handler` answers
*/
static int error_if_ssl_error_do(lua_State *L) {
    luaL_checkudata(L, 1, SCI_ERROR);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    lua_pushvalue(L, 1);
    lua_call(L, 1, LUA_MULTRET);
    return lua_gettop(L) - 1;
}

/* The technical text, for when the Lua layer with its hints is not there. */
static void push_plain_text(lua_State *L) {
    static const char *const candidates[] = {"message", "verifyText", "reason", "errnoText", "condition", NULL};
    lua_getiuservalue(L, 1, ERROR_FIELDS);
    int fields = lua_gettop(L);
    lua_getfield(L, fields, "phase");
    int i = 0;
    while (lua_getfield(L, fields, candidates[i]) == LUA_TNIL && candidates[i + 1]) {
        lua_pop(L, 1);
        i++;
    }
    lua_pushfstring(L, SCI_ERROR ": %s: %s", lua_tostring(L, -2), lua_tostring(L, -1));
}

static int error_tostring(lua_State *L) {
    luaL_checkudata(L, 1, SCI_ERROR);
    lua_settop(L, 1);
    if (lua_getfield(L, 1, "errorHint") == LUA_TFUNCTION) {
        lua_pushvalue(L, 1);
        if (lua_pcall(L, 1, 1, 0) == LUA_OK && lua_type(L, -1) == LUA_TSTRING && lua_rawlen(L, -1) > 0) return 1;
    }
    push_plain_text(L);
    return 1;
}

static int error_concat(lua_State *L) {
    luaL_tolstring(L, 1, NULL);
    luaL_tolstring(L, 2, NULL);
    lua_concat(L, 2);
    return 1;
}

static const luaL_Reg error_functions[] = {{"new", error_new}, {NULL, NULL}};

static const luaL_Reg error_methods[] = {
    {"errno", error_errno},
    {"alert", error_alert},
    {"verifyResult", error_verify_result},
    {"ifSslErrorDo", error_if_ssl_error_do},
    {NULL, NULL},
};

/***
Answers the phase in which it failed: `connect`, `accept`, `read`, `write`, `shutdown`, `load` …
@function SciSslError:phase
@treturn string
*/
/***
Answers a short name for what went wrong that stays the same from version to version, such as
`certificate_expired`, `timeout` or `connection_refused`: the thing to compare in a program.
@function SciSslError:condition
@treturn string
*/
/***
Answers the words of the layer that failed, where it has any of its own.
@function SciSslError:message
@treturn ?string
*/
/***
Answers the file, host or option text that the failure is about.
@function SciSslError:subject
@treturn ?string
*/
/***
Returns the address and port of the other end of the connection that failed, as one text, such as `127.0.0.1:443`.
@function SciSslError:peer
@treturn ?string nil where the failure is not about a connection, or the transport has no address
*/
/***
Answers OpenSSL's packed code of the first entry of its queue; 0 where OpenSSL reported nothing.
@function SciSslError:code
@treturn integer
@see ERR_get_error(3)
*/
/***
Answers the name of the OpenSSL library that reported it, such as `SSL routines`.
@function SciSslError:library
@treturn ?string
*/
/***
Answers OpenSSL's reason, such as `certificate verify failed`.
@function SciSslError:reason
@treturn ?string
*/
/***
Answers what `sslGetError` answers for this error: `SSL_ERROR_SSL`, `SSL_ERROR_SYSCALL` …
@function SciSslError:sslError
@treturn integer
@see SSL_get_error(3)
*/
/***
Answers OpenSSL's whole queue, oldest first, as tables with `code`, `library`, `reason`, `function`, `file`, `line` and,
where there is any, `data`.
@function SciSslError:queue
@treturn {table,...}
*/
/***
Answers the Lua value behind the failure: what a handler raised. Text has the traceback behind it.
@function SciSslError:cause
@return the value, or nil
*/
/***
Answers where the cause was raised.
@function SciSslError:traceback
@treturn ?string nil where no handler raised anything
*/
static const char *const error_field_methods[] = {"phase", "condition", "message", "subject",  "peer",
                                                  "code",  "library",   "reason",  "sslError", "queue",
                                                  "cause", "traceback", NULL};

static const luaL_Reg error_metamethods[] = {{"__tostring", error_tostring}, {"__concat", error_concat}, {NULL, NULL}};

void sci_open_error(lua_State *L) {
    sci_new_class(L, SCI_ERROR, error_functions, error_methods, error_metamethods);
    for (const char *const *name = error_field_methods; *name; name++) {
        lua_pushstring(L, *name);
        lua_pushcclosure(L, error_field, 1);
        lua_setfield(L, -2, *name);
    }
}
