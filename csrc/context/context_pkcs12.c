/* context_pkcs12.c: SciSslContext, its own certificate, chain and key from PKCS#12 (RFC 7292; .p12, .pfx). */
#include "context/context.h"

static bool use_pkcs12(const sci_context *context, sci_pkcs12 *held, sci_failure *failure) {
    if (!sci_context_is_open(context)) /* the passphrase function has closed it */
        return sci_refuse(failure, "closed", "the context has been closed");
    if (!held->key || !held->certificate)
        return sci_refuse(failure, "pkcs12_incomplete", "the PKCS#12 contains no private key with its certificate");
    if (SSL_CTX_use_cert_and_key(context->ctx, held->certificate, held->key, held->chain, 1) != 1) return false;
    sci_context_compress_again(context);
    return true;
}

/* The passphrase is at index 3. */
static int decrypt_and_use(lua_State *L, const sci_context *context, sci_pkcs12 *held, sci_failure *failure) {
    if (!sci_decrypt_pkcs12(L, held, 3, failure) || !use_pkcs12(context, held, failure)) return sci_fail(L, failure);
    return sci_return_receiver(L);
}

/***
Uses the private key of PKCS#12 data, its certificate, and the intermediate certificates in there, as the context's own.
@function SciSslContext:usePkcs12
@tparam string bytes
@tparam[opt] string|function passphrase text; or a function without parameters that returns it, called once
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError as for `SciSslPkcs12.parse`; `pkcs12_incomplete`: no private key with its certificate;
 `security_level`; the context is unchanged
@see PKCS12_parse(3)
@see SSL_CTX_use_cert_and_key(3)
*/
static int context_use_pkcs12(lua_State *L) {
    sci_failure failure = {.phase = "load", .subject = "PKCS#12"};
    const sci_context *context = sci_check_context(L, 1);
    size_t length;
    const char *bytes = luaL_checklstring(L, 2, &length);
    lua_settop(L, 3);
    sci_check_pkcs12_passphrase(L, 3);
    sci_pkcs12 *held = sci_new_pkcs12(L);
    if (!held || !sci_read_pkcs12(held, bytes, length, &failure)) return sci_fail(L, &failure);
    return decrypt_and_use(L, context, held, &failure);
}

/***
Uses the private key of a PKCS#12 file, as `usePkcs12` does.
@function SciSslContext:usePkcs12File
@tparam string path
@tparam[opt] string|function passphrase
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError as for `usePkcs12`, with the path as its subject; also `file_missing`, `file_unreadable` …
@see PKCS12_parse(3)
*/
static int context_use_pkcs12_file(lua_State *L) {
    sci_failure failure = {.phase = "load"};
    const sci_context *context = sci_check_context(L, 1);
    const char *path = sci_check_text(L, 2);
    lua_settop(L, 3);
    sci_check_pkcs12_passphrase(L, 3);
    sci_pkcs12 *held = sci_new_pkcs12(L);
    sci_clear_errors();
    BIO *bio = held ? sci_open_file(path, &failure) : NULL;
    bool read = bio && sci_read_pkcs12_file(held, bio, &failure);
    BIO_free(bio);
    if (!read) return sci_fail(L, &failure);
    return decrypt_and_use(L, context, held, &failure);
}

static const luaL_Reg pkcs12_methods[] = {
    {"usePkcs12", context_use_pkcs12},
    {"usePkcs12File", context_use_pkcs12_file},
    {NULL, NULL},
};

void sci_open_context_pkcs12(lua_State *L) { luaL_setfuncs(L, pkcs12_methods, 0); }
