/* context_trust_uri.c: SciSslContext, trusted certificates from a URI (OSSL_STORE): files, and what providers support. */
#include "context/context.h"

#include <openssl/ui.h>

typedef struct findings {
    STACK_OF(X509) *certificates;
    STACK_OF(X509_CRL) *crls;
} findings;

static bool add_certificate(findings *found, OSSL_STORE_INFO *info) {
    X509 *certificate = OSSL_STORE_INFO_get1_CERT(info);
    if (certificate && sk_X509_push(found->certificates, certificate)) return true;
    X509_free(certificate);
    return false;
}

static bool add_crl(findings *found, OSSL_STORE_INFO *info) {
    X509_CRL *crl = OSSL_STORE_INFO_get1_CRL(info);
    if (crl && sk_X509_CRL_push(found->crls, crl)) return true;
    X509_CRL_free(crl);
    return false;
}

/* Ignores keys, parameters, and the names of further stores. */
static bool add_found(findings *found, OSSL_STORE_INFO *info) {
    switch (OSSL_STORE_INFO_get_type(info)) {
        case OSSL_STORE_INFO_CERT: return add_certificate(found, info);
        case OSSL_STORE_INFO_CRL: return add_crl(found, info);
        default: return true;
    }
}

/* Only the queue tells whether there was an error: OSSL_STORE_error is true at the end of good files as well. */
static bool read_store(OSSL_STORE_CTX *store, findings *found) {
    bool good = found->certificates && found->crls;
    while (good && !OSSL_STORE_eof(store)) {
        OSSL_STORE_INFO *info = OSSL_STORE_load(store);
        good = info ? add_found(found, info) : ERR_peek_error() == 0;
        OSSL_STORE_INFO_free(info);
    }
    return good;
}

static bool find_all(const char *uri, const sci_library *library, findings *found, sci_failure *failure) {
    /* No passphrase: trusted certificates are not secret. */
    OSSL_STORE_CTX *store = sci_open_store(uri, library, UI_null(), NULL);
    if (!store) return sci_explain_store(failure);
    bool good = read_store(store, found) || sci_refuse(failure, "store_unreadable", NULL);
    OSSL_STORE_close(store);
    if (good && sk_X509_num(found->certificates) + sk_X509_CRL_num(found->crls) == 0)
        return sci_refuse(failure, "store_empty", NULL);
    return good;
}

static bool trust_all(sci_context *context, const findings *found) {
    X509_STORE *store =
        sci_context_begin_trust(context, sk_X509_num(found->certificates) + sk_X509_CRL_num(found->crls));
    bool added = store != NULL;
    for (int i = 0; added && i < sk_X509_num(found->certificates); i++)
        added = X509_STORE_add_cert(store, sk_X509_value(found->certificates, i)) == 1;
    for (int i = 0; added && i < sk_X509_CRL_num(found->crls); i++)
        added = X509_STORE_add_crl(store, sk_X509_CRL_value(found->crls, i)) == 1;
    return sci_context_end_trust(context, store, added);
}

/***
Adds the certificates and CRLs that OpenSSL finds under a URI. With `file:` these are PEM, DER, and PKCS#12 without a passphrase;
providers may support other schemes.
@function SciSslContext:addTrustedUri
@tparam string uri `file:/etc/ssl/own-ca.pem`, or a plain path
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError phase `load`, condition `file_missing`, `unknown_scheme`, `store_unreadable`, or `store_empty`: no
 certificate and no CRL was found; the context is unchanged
@see OSSL_STORE_open(3)
@see ossl_store-file(7)
*/
static int context_add_trusted_uri(lua_State *L) {
    sci_context *context = sci_check_context(L, 1);
    const char *uri = sci_check_text(L, 2);
    sci_failure failure = {.phase = "load", .subject = sci_path_subject(uri)};
    sci_clear_errors();
    findings found = {.certificates = sk_X509_new_null(), .crls = sk_X509_CRL_new_null()};
    bool added = find_all(uri, context->library, &found, &failure);
    if (added) {
        sci_clear_errors();
        added = trust_all(context, &found);
    }
    sk_X509_pop_free(found.certificates, X509_free);
    sk_X509_CRL_pop_free(found.crls, X509_CRL_free);
    if (!added) return sci_fail(L, &failure);
    sci_context_compress_again(context);
    return sci_return_receiver(L);
}

static const luaL_Reg trust_uri_methods[] = {{"addTrustedUri", context_add_trusted_uri}, {NULL, NULL}};

void sci_open_context_trust_uri(lua_State *L) { luaL_setfuncs(L, trust_uri_methods, 0); }
