/* resumption.c: whether a session may still be resumed. OpenSSL takes the verdict of the handshake that made it; what has
 * been revoked, removed or has expired since must not come back that way. */
#include "sslsocket.h"

#include <time.h>

static X509_STORE *trust_of(const SSL *ssl) {
    X509_STORE *store = NULL;
    (void)SSL_get0_verify_cert_store((SSL *)ssl, &store);
    return store ? store : SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl));
}

/* The leaf with what came along with it, against the trust, the purpose and the time of now. */
static long judge_again(const SSL *ssl, X509 *peer, STACK_OF(X509) *chain) {
    X509_STORE *store = trust_of(ssl);
    long result = X509_V_ERR_UNSPECIFIED;
    X509_STORE_CTX *check = X509_STORE_CTX_new();
    if (!check || !X509_STORE_CTX_init(check, store, peer, chain)) goto done;
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(check);
    X509_VERIFY_PARAM_set_auth_level(param, SSL_get_security_level(ssl));
    if (!X509_STORE_CTX_set_default(check, SSL_is_server(ssl) ? "ssl_client" : "ssl_server")) goto done;
    if (!X509_VERIFY_PARAM_set1(param, SSL_get0_param((SSL *)ssl))) goto done;
    bool good = X509_verify_cert(check) > 0;
    result = X509_STORE_CTX_get_error(check);
    if (!good && result == X509_V_OK) result = X509_V_ERR_UNSPECIFIED;
done:
    X509_STORE_CTX_free(check);
    return result;
}

/* What a server that verifies would say to the client of the session today. */
static long judge_client(const SSL *ssl, const SSL_SESSION *session, STACK_OF(X509) *chain) {
    int mode = SSL_get_verify_mode(ssl);
    X509 *peer = SSL_SESSION_get0_peer((SSL_SESSION *)session);
    if (!(mode & SSL_VERIFY_PEER)) return X509_V_OK;
    if (!peer) return mode & SSL_VERIFY_FAIL_IF_NO_PEER_CERT ? X509_V_ERR_CERT_REJECTED : X509_V_OK;
    return judge_again(ssl, peer, chain);
}

static bool has_expired(X509_VERIFY_PARAM *param, const X509 *leaf) {
    unsigned long flags = X509_VERIFY_PARAM_get_flags(param);
    if (flags & X509_V_FLAG_NO_CHECK_TIME) return false;
    time_t at = flags & X509_V_FLAG_USE_CHECK_TIME ? X509_VERIFY_PARAM_get_time(param) : time(NULL);
    return ASN1_TIME_cmp_time_t(X509_get0_notAfter(leaf), at) <= 0; /* -2: it is no time */
}

/* Any list that names it will do: the full handshake that follows finds out whether the list can be believed. */
static bool is_revoked(const SSL *ssl, X509 *leaf) {
    STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(trust_of(ssl));
    X509_REVOKED *entry;
    for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
        X509_CRL *crl = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(objects, i));
        if (crl && X509_CRL_get0_by_cert(crl, &entry, leaf) == 1) return true;
    }
    return false;
}

bool sci_ssl_leaf_holds(const SSL *ssl, X509 *leaf) {
    X509_VERIFY_PARAM *param = SSL_get0_param((SSL *)ssl);
    bool checks_crls = X509_VERIFY_PARAM_get_flags(param) & X509_V_FLAG_CRL_CHECK;
    return sci_policy_accepts(param, leaf) && !has_expired(param, leaf) && !(checks_crls && is_revoked(ssl, leaf));
}

bool sci_session_may_resume(const SSL *ssl, const SSL_SESSION *session) {
    ERR_set_mark();
    bool may = judge_client(ssl, session, NULL) == X509_V_OK;
    ERR_pop_to_mark();
    return may;
}

/* Sessions out of OpenSSL's own cache pass no callback: they are judged when the handshake is done. */
long sci_ssl_judge_resumed(const SSL *ssl) {
    if (!SSL_is_server(ssl) || !SSL_session_reused(ssl)) return X509_V_OK;
    ERR_set_mark();
    long result = judge_client(ssl, SSL_get_session(ssl), SSL_get_peer_cert_chain(ssl));
    ERR_pop_to_mark();
    return result;
}

int sci_alert_of_result(long result) {
    switch (result) {
        case X509_V_ERR_CERT_HAS_EXPIRED: return SSL_AD_CERTIFICATE_EXPIRED;
        case X509_V_ERR_CERT_REVOKED: return SSL_AD_CERTIFICATE_REVOKED;
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN: return SSL_AD_UNKNOWN_CA;
        case X509_V_ERR_CERT_NOT_YET_VALID:
        case X509_V_ERR_CERT_REJECTED: return SSL_AD_BAD_CERTIFICATE;
        default: return SSL_AD_CERTIFICATE_UNKNOWN;
    }
}
