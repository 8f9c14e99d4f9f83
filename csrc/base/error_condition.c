/* error_condition.c: the condition of a SciSslError: a stable short name for what went wrong. A caller that knows the condition
 * names it in its sci_failure; for all others the tables below have it. lua/scissl/hint.lua has a hint for each condition. */
#include "base/error.h"

#include <errno.h>
#include <limits.h>

/* ---- conditions by code ----------------------------------------------------------------------------------------- */

typedef struct named_code {
    unsigned long code;
    const char *condition;
} named_code;

/* By result of certificate verification. */
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
#ifdef X509_V_ERR_RPK_UNTRUSTED
    {X509_V_ERR_RPK_UNTRUSTED, "raw_key_untrusted"},
#endif
    {X509_V_ERR_EE_KEY_TOO_SMALL, "security_level"},
    {X509_V_ERR_CA_KEY_TOO_SMALL, "security_level"},
    {X509_V_ERR_CA_MD_TOO_WEAK, "security_level"},
    {X509_V_ERR_OUT_OF_MEM, "memory_full"},
};

#define REASON(library, name, condition)                                                                               \
    { ERR_PACK(ERR_LIB_##library, 0, library##_R_##name), condition }

/* By OpenSSL's library and reason. */
static const named_code reason_conditions[] = {
    REASON(SSL, HTTP_REQUEST, "plain_http"),
    REASON(SSL, HTTPS_PROXY_REQUEST, "plain_http"),
    REASON(SSL, WRONG_VERSION_NUMBER, "not_tls"),
    REASON(SSL, PACKET_LENGTH_TOO_LONG, "not_tls"),
    REASON(SSL, UNSUPPORTED_PROTOCOL, "protocol_version"),
    REASON(SSL, NO_PROTOCOLS_AVAILABLE, "no_protocol"),
    REASON(SSL, VERSION_TOO_LOW, "protocol_version"),
    REASON(SSL, VERSION_TOO_HIGH, "protocol_version"),
    REASON(SSL, NO_SHARED_CIPHER, "no_shared_cipher"),
    REASON(SSL, NO_CIPHERS_AVAILABLE, "no_shared_cipher"),
    REASON(SSL, NO_CIPHER_MATCH, "unknown_cipher"),
    REASON(SSL, NO_SHARED_GROUPS, "no_shared_group"),
    REASON(SSL, NO_SUITABLE_GROUPS, "no_shared_group"),
    REASON(SSL, NO_SUITABLE_KEY_SHARE, "no_shared_group"),
    REASON(SSL, NO_SHARED_SIGNATURE_ALGORITHMS, "no_shared_signature_algorithm"),
    REASON(SSL, NO_SUITABLE_SIGNATURE_ALGORITHM, "no_shared_signature_algorithm"),
    REASON(SSL, NO_APPLICATION_PROTOCOL, "no_shared_alpn"),
    REASON(SSL, PEER_DID_NOT_RETURN_A_CERTIFICATE, "client_certificate_missing"),
    REASON(SSL, UNKNOWN_CERTIFICATE_TYPE, "key_not_for_tls"),
    REASON(SSL, NO_CERTIFICATE_ASSIGNED, "no_certificate"),
    REASON(SSL, NO_CERTIFICATE_SET, "no_certificate"),
    REASON(SSL, PRIVATE_KEY_MISMATCH, "key_mismatch"),
    REASON(SSL, EE_KEY_TOO_SMALL, "security_level"),
    REASON(SSL, CA_KEY_TOO_SMALL, "security_level"),
    REASON(SSL, CA_MD_TOO_WEAK, "security_level"),
    REASON(SSL, DH_KEY_TOO_SMALL, "security_level"),
    REASON(SSL, LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED,
           "security_level"), /* what TLS 1.1 and earlier meet at level 1 */
    REASON(SSL, TLS_ILLEGAL_EXPORTER_LABEL, "bad_label"),
    REASON(SSL, EXCESSIVE_MESSAGE_SIZE, "handshake_message_too_long"),
    REASON(SSL, EXTENSION_NOT_RECEIVED, "post_handshake_refused"),
    REASON(SSL, REQUEST_PENDING, "request_sent"),
    REASON(SSL, REQUEST_SENT, "request_sent"),
    REASON(SSL, NO_RENEGOTIATION, "renegotiation_refused"),
    REASON(SSL, SHUTDOWN_WHILE_IN_INIT, "handshake_pending"),
    REASON(SSL, STILL_IN_INIT, "handshake_pending"),
    REASON(SSL, UNSAFE_LEGACY_RENEGOTIATION_DISABLED, "legacy_renegotiation"),
    REASON(SSL, BINDER_DOES_NOT_VERIFY, "psk_mismatch"),
    REASON(SSL, PSK_IDENTITY_NOT_FOUND, "psk_missing"),
    REASON(SSL, APPLICATION_DATA_AFTER_CLOSE_NOTIFY, "unread_data"),
    REASON(SSL, UNEXPECTED_EOF_WHILE_READING, "truncated"),
    REASON(SSL, TOO_MANY_WARN_ALERTS, "too_many_alerts"),
    REASON(SSL, RECORD_TOO_SMALL, "too_many_empty_records"),
    REASON(SSL, READ_TIMEOUT_EXPIRED, "no_reply"),
    REASON(SSL, DTLS_MESSAGE_TOO_BIG, "message_too_long"),
    REASON(X509, KEY_VALUES_MISMATCH, "key_mismatch"),
    REASON(X509, KEY_TYPE_MISMATCH, "key_mismatch"),
    REASON(PEM, NO_START_LINE, "not_pem"),
    REASON(PEM, BAD_PASSWORD_READ, "passphrase_missing"),
    REASON(PEM, BAD_DECRYPT, "passphrase_wrong"),
    REASON(EVP, BAD_DECRYPT, "passphrase_wrong"),
};

/* By alert that the peer has sent. Those about certificates depend on the side. */
static const named_code received_alert_conditions[] = {
    {SSL_AD_PROTOCOL_VERSION, "protocol_version"},
    {SSL_AD_NO_APPLICATION_PROTOCOL, "no_shared_alpn"},
    {SSL_AD_CERTIFICATE_REQUIRED, "client_certificate_missing"},
    {SSL_AD_INSUFFICIENT_SECURITY, "security_level"},
    {SSL_AD_NO_RENEGOTIATION, "renegotiation_refused"},
};

/* By alert that this side has sent: what the peer did, where OpenSSL's reason does not say it. */
static const named_code sent_alert_conditions[] = {
    {SSL_AD_UNEXPECTED_MESSAGE, "unexpected_message"}, {SSL_AD_BAD_RECORD_MAC, "bad_record_mac"},
    {SSL_AD_RECORD_OVERFLOW, "malformed_message"},     {SSL_AD_HANDSHAKE_FAILURE, "handshake_failure"},
    {SSL_AD_BAD_CERTIFICATE, "malformed_certificate"}, {SSL_AD_ILLEGAL_PARAMETER, "illegal_parameter"},
    {SSL_AD_DECODE_ERROR, "malformed_message"},        {SSL_AD_DECRYPT_ERROR, "bad_signature"},
    {SSL_AD_PROTOCOL_VERSION, "protocol_version"},     {SSL_AD_INSUFFICIENT_SECURITY, "security_level"},
    {SSL_AD_INTERNAL_ERROR, "internal_error"},         {SSL_AD_INAPPROPRIATE_FALLBACK, "downgrade"},
    {SSL_AD_MISSING_EXTENSION, "illegal_parameter"},   {SSL_AD_UNSUPPORTED_EXTENSION, "illegal_parameter"},
};

/* By errno. */
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
    {EMSGSIZE, "message_too_long"},
    {ENOPROTOOPT, "unknown_option"},
};

#define FIND(table, code) find_condition(table, sizeof(table) / sizeof *(table), (unsigned long)(code))

static const char *find_condition(const named_code *table, size_t count, unsigned long code) {
    for (size_t i = 0; i < count; i++)
        if (table[i].code == code) return table[i].condition;
    return NULL;
}

/* ---- what OpenSSL's queue says ---------------------------------------------------------------------------------- */

/* -1: the entry is not about a received alert. Reasons that all libraries share (ERR_R_…) lie above those of alerts. */
static int received_alert(unsigned long code) {
    int alert = ERR_GET_REASON(code) - SSL_AD_REASON_OFFSET;
    return ERR_GET_LIB(code) == ERR_LIB_SSL && alert >= 0 && alert <= UCHAR_MAX ? alert : -1;
}

static const char *received_alert_condition(int alert, bool server) {
    const char *condition = FIND(received_alert_conditions, alert);
    if (condition) return condition;
    bool about_certificate = (alert >= SSL_AD_BAD_CERTIFICATE && alert <= SSL_AD_CERTIFICATE_UNKNOWN) ||
                             alert == SSL_AD_UNKNOWN_CA || alert == SSL_AD_ACCESS_DENIED;
    if (about_certificate) return server ? "server_certificate_refused" : "client_certificate_refused";
    return "alert_received";
}

static const char *entry_condition(unsigned long code, bool server) {
    int alert = received_alert(code);
    if (alert >= 0) return received_alert_condition(alert, server);
    return FIND(reason_conditions, ERR_PACK(ERR_GET_LIB(code), 0, ERR_GET_REASON(code)));
}

static bool is_out_of_memory(unsigned long code) {
    return ERR_SYSTEM_ERROR(code) ? ERR_GET_REASON(code) == ENOMEM : ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE;
}

typedef struct queue_summary {
    const char *condition; /* of the first entry that has one; or NULL */
    int alert;             /* received; -1: none */
    bool verify_failed, out_of_memory;
} queue_summary;

/* OpenSSL reports "malloc failure" for some malformed data, in a later entry: such an entry does not count where the caller
 * knows the condition. */
static queue_summary summarize(const sci_failure *failure, const sci_error_queue *queue) {
    queue_summary summary = {.alert = -1};
    for (int i = 0; i < queue->count; i++) {
        unsigned long code = queue->entries[i].code;
        if (is_out_of_memory(code) && (i == 0 || !failure->condition)) summary.out_of_memory = true;
        if (!summary.condition) summary.condition = entry_condition(code, failure->server);
        if (summary.alert < 0) summary.alert = received_alert(code);
        if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED)
            summary.verify_failed = true;
    }
    return summary;
}

/* ---- the condition ---------------------------------------------------------------------------------------------- */

static const char *verify_condition(long result) {
    const char *condition = FIND(verify_conditions, result);
    return condition ? condition : "certificate_invalid";
}

static const char *errno_condition(int system_errno) {
    const char *condition = FIND(errno_conditions, system_errno);
    return condition ? condition : "system";
}

/* The first rule that applies gives the condition. */
static const char *choose_condition(const sci_failure *failure, bool any_entry, const queue_summary *summary) {
    const char *condition;
    if (failure->condition && *failure->condition) return failure->condition;
    if (failure->verify_result != X509_V_OK && (summary->verify_failed || !summary->condition))
        return verify_condition(failure->verify_result);
    if (summary->condition) return summary->condition;
    if (any_entry && failure->alert_sent && (condition = FIND(sent_alert_conditions, failure->alert))) return condition;
    if (failure->system_errno) return errno_condition(failure->system_errno);
    return any_entry ? "openssl" : "unknown";
}

/* Out of memory comes first, whatever else it led to; but not where a Lua error is the cause. */
sci_diagnosis sci_diagnose(const sci_failure *failure, const sci_error_queue *queue) {
    queue_summary summary = summarize(failure, queue);
    bool out_of_memory = (summary.out_of_memory || queue->no_memory) && !failure->cause;
    return (sci_diagnosis){
        .condition = out_of_memory ? "memory_full" : choose_condition(failure, queue->count > 0, &summary),
        .out_of_memory = out_of_memory,
        .received_alert = summary.alert,
    };
}
