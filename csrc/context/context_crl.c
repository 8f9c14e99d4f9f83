/* context_crl.c: SciSslContext, certificate revocation lists (CRL, RFC 5280 section 5). */
#include "context/context.h"

static bool add_all(sci_context *context, const STACK_OF(X509_CRL) *crls) {
    X509_STORE *store = sci_context_begin_trust(context, sk_X509_CRL_num(crls));
    bool added = store != NULL;
    for (int i = 0; added && i < sk_X509_CRL_num(crls); i++)
        added = X509_STORE_add_crl(store, sk_X509_CRL_value(crls, i)) == 1;
    return sci_context_end_trust(context, store, added);
}

static bool add_from(sci_context *context, BIO *bio, sci_failure *failure) {
    STACK_OF(X509_CRL) *crls = bio ? sci_read_crls(bio, failure) : NULL;
    bool added = crls && add_all(context, crls);
    sk_X509_CRL_pop_free(crls, X509_CRL_free);
    return added;
}

/***
Adds certificate revocation lists (CRLs). They are used once `setVerifyFlags` has set `crl_check`, for the peer's certificate,
or `crl_check` and `crl_check_all`, for the intermediate certificates as well. Then a peer whose issuer has no CRL here, or an
expired one, is rejected (`crl_missing`, `crl_expired`). Of several CRLs of one issuer the newest counts.
@function SciSslContext:addCrl
@tparam SciSslX509Crl|string crl an object; PEM text with one or several CRLs; or the DER bytes of one
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError phase `load`, condition `not_pem`, `not_crl` or `malformed_crl`; the context is unchanged
@see X509_STORE_add_crl(3)
*/
static int context_add_crl(lua_State *L) {
    sci_context *context = sci_check_context(L, 1);
    sci_failure failure = {.phase = "load", .subject = "revocation list"};
    bool added;
    sci_clear_errors();
    if (luaL_testudata(L, 2, SCI_CRL)) {
        X509_CRL *crl = sci_check_crl(L, 2);
        X509_STORE *store = sci_context_own_trust(context);
        added = store && X509_STORE_add_crl(store, crl) == 1;
    } else {
        int length;
        const char *bytes = sci_check_bytes(L, 2, &length);
        BIO *bio = BIO_new_mem_buf(bytes, length);
        added = add_from(context, bio, &failure);
        BIO_free(bio);
    }
    if (!added) return sci_fail(L, &failure);
    return sci_return_receiver(L);
}

/***
Adds the CRLs of a file: one or several in PEM, or one in DER. See `addCrl`.
@function SciSslContext:loadCrlFile
@tparam string path
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError as for `addCrl`; or condition `file_missing`, `file_directory`, `file_unreadable`, `file_empty`
@see X509_load_crl_file(3)
*/
static int context_load_crl_file(lua_State *L) {
    sci_context *context = sci_check_context(L, 1);
    const char *path = sci_check_text(L, 2);
    sci_failure failure = {.phase = "load"};
    sci_clear_errors();
    BIO *bio = sci_open_file(path, &failure);
    bool added = bio && add_from(context, bio, &failure);
    BIO_free(bio);
    if (!added) return sci_fail(L, &failure);
    return sci_return_receiver(L);
}

static const luaL_Reg crl_methods[] = {
    {"addCrl", context_add_crl},
    {"loadCrlFile", context_load_crl_file},
    {NULL, NULL},
};

void sci_open_context_crl(lua_State *L) { luaL_setfuncs(L, crl_methods, 0); }
