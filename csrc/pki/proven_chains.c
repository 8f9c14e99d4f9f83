/* proven_chains.c: verification of a chain whose signatures were verified before. Signatures take nearly all the time of a
 * verification, and whether one is valid depends on the two certificates alone: it stays valid for ever. Everything else is
 * checked each time: trust, times, revocation, names, purposes, policies, lengths of keys. */
#include "pki/values.h"

#include <time.h>

typedef struct verification {
    const sci_chain *session;        /* may be NULL */
    const sci_proven_chains *proven; /* may be NULL */
    X509_STORE_CTX_verify_fn all; /* OpenSSL's own, of signatures and times; NULL: nothing but a known chain passes */
    bool left_out;                /* the signatures were known */
} verification;

static bool same_chain(const STACK_OF(X509) *a, const STACK_OF(X509) *b) {
    bool same = a && b && sk_X509_num(a) == sk_X509_num(b);
    for (int i = 0; same && i < sk_X509_num(a); i++) same = X509_cmp(sk_X509_value(a, i), sk_X509_value(b, i)) == 0;
    return same;
}

/* OpenSSL has no function for this that exists in all releases and is deprecated in none. */
static bool is_current(const X509 *certificate, lua_Integer now) {
    lua_Integer from, until;
    return sci_time_to_seconds(X509_get0_notBefore(certificate), &from) &&
           sci_time_to_seconds(X509_get0_notAfter(certificate), &until) && from <= now && now < until;
}

static bool are_current(const STACK_OF(X509) *chain, lua_Integer now) {
    bool current = true;
    for (int i = 0; current && i < sk_X509_num(chain); i++) current = is_current(sk_X509_value(chain, i), now);
    return current;
}

static lua_Integer time_of(X509_STORE_CTX *check) {
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(check);
    bool other_time = X509_VERIFY_PARAM_get_flags(param) & X509_V_FLAG_USE_CHECK_TIME;
    return (lua_Integer)(other_time ? X509_VERIFY_PARAM_get_time(param) : time(NULL));
}

/* Whether the signatures are known, and all certificates valid now. */
static bool is_known(const verification *about, const STACK_OF(X509) *chain, lua_Integer now) {
    const sci_proven_chains *proven = about->proven;
    for (int i = 0; proven && i < SCI_PROVEN_CHAINS; i++)
        if (same_chain(chain, proven->list[i])) return proven->valid[i].from <= now && now < proven->valid[i].until;
    const sci_chain *session = about->session;
    return session && session->proven && same_chain(chain, session->certificates) && are_current(chain, now);
}

/* OpenSSL calls this in place of its own function for signatures and times. */
static int verify_signatures(X509_STORE_CTX *check) {
    verification *about = X509_STORE_CTX_get_app_data(check);
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(check);
    bool roots = X509_VERIFY_PARAM_get_flags(X509_STORE_CTX_get0_param(check)) & X509_V_FLAG_CHECK_SS_SIGNATURE;
    if (roots || !is_known(about, chain, time_of(check))) return about->all ? about->all(check) : 0;
    about->left_out = true;
    X509_STORE_CTX_set_error_depth(check, 0);
    X509_STORE_CTX_set_current_cert(check, sk_X509_value(chain, 0));
    return 1;
}

/* False: it says no times that are times. */
static bool find_times(const STACK_OF(X509) *chain, lua_Integer *from, lua_Integer *until) {
    lua_Integer first, last;
    *from = LUA_MININTEGER;
    *until = LUA_MAXINTEGER;
    for (int i = 0; i < sk_X509_num(chain); i++) {
        const X509 *certificate = sk_X509_value(chain, i);
        if (!sci_time_to_seconds(X509_get0_notBefore(certificate), &first)) return false;
        if (!sci_time_to_seconds(X509_get0_notAfter(certificate), &last)) return false;
        if (first > *from) *from = first;
        if (last < *until) *until = last;
    }
    return true;
}

static void note_chain(sci_proven_chains *proven, X509_STORE_CTX *check) {
    lua_Integer from, until;
    STACK_OF(X509) *chain = X509_STORE_CTX_get1_chain(check);
    if (!chain || !find_times(chain, &from, &until)) {
        sci_free_certificates(chain);
        return;
    }
    sci_free_certificates(proven->list[proven->next]);
    proven->list[proven->next] = chain;
    proven->valid[proven->next].from = from;
    proven->valid[proven->next].until = until;
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

/* OpenSSL looks at the times of each certificate that may be an issuer, which takes a third of a verification without signatures.
 * Without that it may choose another issuer, but only one that is not valid now: then this fails. */
bool sci_verify_known_chain(X509_STORE_CTX *check, const sci_chain *session, sci_proven_chains *proven) {
    verification about = {.session = session, .proven = proven};
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(check);
    if (X509_VERIFY_PARAM_get_flags(param) & (X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL)) return false;
    if (!X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_NO_CHECK_TIME)) return false;
    if (!X509_STORE_CTX_set_app_data(check, &about)) return false;
    X509_STORE_CTX_set_verify(check, verify_signatures);
    bool good = X509_verify_cert(check) > 0;
    (void)X509_STORE_CTX_set_app_data(check, NULL);
    return good && about.left_out && X509_STORE_CTX_get_error(check) == X509_V_OK;
}

void sci_free_proven_chains(sci_proven_chains *proven) {
    for (int i = 0; i < SCI_PROVEN_CHAINS; i++) sci_free_certificates(proven->list[i]);
    *proven = (sci_proven_chains){0};
}
