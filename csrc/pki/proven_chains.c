/* proven_chains.c: verification of a chain whose signatures were verified before. Signatures take nearly all the time of a
 * verification, and whether one is valid depends on the two certificates alone: it stays valid for ever. Everything else is
 * checked each time: trust, times, revocation, names, purposes, policies, lengths of keys. */
#include "pki/values.h"

#include <time.h>

typedef struct verification {
    const sci_chain *session;        /* may be NULL */
    const sci_proven_chains *proven; /* may be NULL */
    X509_STORE_CTX_verify_fn all;    /* OpenSSL's own, of signatures and times */
    bool left_out;                   /* the signatures were known */
} verification;

static bool same_chain(const STACK_OF(X509) *a, const STACK_OF(X509) *b) {
    bool same = a && b && sk_X509_num(a) == sk_X509_num(b);
    for (int i = 0; same && i < sk_X509_num(a); i++) same = X509_cmp(sk_X509_value(a, i), sk_X509_value(b, i)) == 0;
    return same;
}

static bool is_known(const verification *about, const STACK_OF(X509) *chain) {
    const sci_proven_chains *proven = about->proven;
    if (about->session && about->session->proven && same_chain(chain, about->session->certificates)) return true;
    for (int i = 0; proven && i < SCI_PROVEN_CHAINS; i++)
        if (same_chain(chain, proven->list[i])) return true;
    return false;
}

/* OpenSSL has no function for this that exists in all releases and is deprecated in none. */
static bool is_current(const X509 *certificate, lua_Integer now) {
    lua_Integer from, until;
    return sci_time_to_seconds(X509_get0_notBefore(certificate), &from) &&
           sci_time_to_seconds(X509_get0_notAfter(certificate), &until) && from <= now && now < until;
}

static bool are_current(X509_STORE_CTX *check, const STACK_OF(X509) *chain) {
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(check);
    bool other_time = X509_VERIFY_PARAM_get_flags(param) & X509_V_FLAG_USE_CHECK_TIME, current = true;
    lua_Integer now = (lua_Integer)(other_time ? X509_VERIFY_PARAM_get_time(param) : time(NULL));
    for (int i = 0; current && i < sk_X509_num(chain); i++) current = is_current(sk_X509_value(chain, i), now);
    return current;
}

/* OpenSSL calls this in place of its own function for signatures and times. */
static int verify_signatures(X509_STORE_CTX *check) {
    verification *about = X509_STORE_CTX_get_app_data(check);
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(check);
    bool roots = X509_VERIFY_PARAM_get_flags(X509_STORE_CTX_get0_param(check)) & X509_V_FLAG_CHECK_SS_SIGNATURE;
    if (roots || !is_known(about, chain) || !are_current(check, chain)) return about->all(check);
    about->left_out = true;
    X509_STORE_CTX_set_error_depth(check, 0);
    X509_STORE_CTX_set_current_cert(check, sk_X509_value(chain, 0));
    return 1;
}

static void note_chain(sci_proven_chains *proven, X509_STORE_CTX *check) {
    STACK_OF(X509) *chain = X509_STORE_CTX_get1_chain(check);
    if (!chain) return;
    sci_free_certificates(proven->list[proven->next]);
    proven->list[proven->next] = chain;
    proven->next = (proven->next + 1) % SCI_PROVEN_CHAINS;
}

bool sci_verify_chain(X509_STORE_CTX *check, const sci_chain *session, sci_proven_chains *proven) {
    verification about = {.session = session, .proven = proven, .all = X509_STORE_CTX_get_verify(check)};
    if (!about.all || !X509_STORE_CTX_set_app_data(check, &about)) return X509_verify_cert(check) > 0;
    X509_STORE_CTX_set_verify(check, verify_signatures);
    bool good = X509_verify_cert(check) > 0;
    X509_STORE_CTX_set_verify(check, about.all);
    (void)X509_STORE_CTX_set_app_data(check, NULL);
    /* An error that a callback has passed over stays the result. */
    if (good && proven && !about.left_out && X509_STORE_CTX_get_error(check) == X509_V_OK) note_chain(proven, check);
    return good;
}

void sci_free_proven_chains(sci_proven_chains *proven) {
    for (int i = 0; i < SCI_PROVEN_CHAINS; i++) sci_free_certificates(proven->list[i]);
    *proven = (sci_proven_chains){0};
}
