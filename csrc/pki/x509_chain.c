/* x509_chain.c: SciSslX509Certificate, several certificates at once; and the chain of a peer. */
#include "pki/values.h"

void sci_free_certificates(void *certificates) { sk_X509_pop_free(certificates, X509_free); }

void sci_copy_chain(sci_chain *to, const sci_chain *from) {
    to->certificates = from->certificates ? X509_chain_up_ref(from->certificates) : NULL;
    to->proven = to->certificates && from->proven;
}

void sci_free_chain(sci_chain *chain) {
    sci_free_certificates(chain->certificates);
    *chain = (sci_chain){0};
}

void sci_push_certificates(lua_State *L, const STACK_OF(X509) *certificates) {
    int count = sk_X509_num(certificates);
    lua_createtable(L, count > 0 ? count : 0, 0);
    for (int i = 0; i < count; i++) {
        X509 **slot = sci_new_certificate(L);
        if (X509_up_ref(sk_X509_value(certificates, i))) *slot = sk_X509_value(certificates, i);
        lua_rawseti(L, -2, i + 1);
    }
}

void sci_push_certificates_of(lua_State *L, sci_certificates *get, const void *owner) {
    lua_pushnil(L);
    sci_guard *guard = sci_new_guard(L, sci_free_certificates);
    if (!get(owner, &guard->object)) luaL_error(L, "not enough memory");
    sci_push_certificates(L, guard->object);
    lua_replace(L, -3);
    lua_pop(L, 1);
}

/***
Reads all certificates of a PEM text, in their order.
@function SciSslX509Certificate.chainFromPem
@tparam string text
@treturn[1] {SciSslX509Certificate,...} at least one
@treturn[2] nil
@treturn[2] SciSslError phase `load`; condition `not_pem`, `not_certificate` or `malformed_certificate`
@see PEM_read_bio_X509(3)
*/
static int chain_from_pem(lua_State *L) {
    int length;
    const char *text = sci_check_bytes(L, 1, &length);
    sci_failure failure = {.phase = "load"};
    sci_guard *guard = sci_new_guard(L, sci_free_certificates);
    sci_clear_errors();
    BIO *bio = BIO_new_mem_buf(text, length);
    if (bio) guard->object = sci_read_certificates(bio, &failure);
    BIO_free(bio);
    if (!guard->object) return sci_fail(L, &failure);
    sci_push_certificates(L, guard->object);
    return 1;
}

/***
Writes certificates as one PEM text, in their order.
@function SciSslX509Certificate.chainToPem
@tparam {SciSslX509Certificate,...} certificates
@treturn[1] string
@treturn[2] nil
@treturn[2] SciSslError phase `save`
@see PEM_write_bio_X509(3)
*/
static int chain_to_pem(lua_State *L) {
    lua_settop(L, 1);
    lua_Integer count = sci_check_list(L, 1);
    BIO *bio = sci_new_memory_bio(L);
    bool written = bio != NULL;
    for (lua_Integer i = 1; written && i <= count; i++) {
        lua_rawgeti(L, 1, i);
        X509 *certificate = sci_test_certificate(L, -1);
        luaL_argcheck(L, certificate != NULL, 1, "list of open certificates expected");
        written = PEM_write_bio_X509(bio, certificate) == 1;
        lua_pop(L, 1);
    }
    if (!written) return sci_fail_openssl(L, "save", NULL);
    sci_push_bio_bytes(L, bio);
    return 1;
}

static const luaL_Reg chain_functions[] = {
    {"chainFromPem", chain_from_pem}, {"chainToPem", chain_to_pem}, {NULL, NULL}};

void sci_open_x509_chain(lua_State *L) { luaL_setfuncs(L, chain_functions, 0); }
