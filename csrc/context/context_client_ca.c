/* context_client_ca.c: SciSslContext, the client CA list: the names that a server sends in its certificate request. */
#include "context/context.h"

static void free_names(void *names) { sk_X509_NAME_pop_free(names, X509_NAME_free); }

/* Takes ownership of the name, which may be NULL. */
static bool push_name(STACK_OF(X509_NAME) *names, X509_NAME *name) {
    if (name && sk_X509_NAME_push(names, name)) return true;
    X509_NAME_free(name);
    return false;
}

static bool push_subject(STACK_OF(X509_NAME) *names, const X509 *certificate) {
    return push_name(names, X509_NAME_dup(X509_get_subject_name(certificate)));
}

static bool push_subjects(STACK_OF(X509_NAME) *names, const STACK_OF(X509) *certificates) {
    bool pushed = certificates != NULL;
    for (int i = 0; pushed && i < sk_X509_num(certificates); i++)
        pushed = push_subject(names, sk_X509_value(certificates, i));
    return pushed;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static void check_list(lua_State *L) {
    lua_Integer count = sci_check_list(L, 2);
    for (lua_Integer i = 1; i <= count; i++) {
        if (lua_rawgeti(L, 2, i) != LUA_TSTRING && !sci_test_certificate(L, -1))
            luaL_argerror(L, 2, "list of open certificates and names expected");
        lua_pop(L, 1);
    }
}

static bool push_item(lua_State *L, STACK_OF(X509_NAME) *names, bool der, sci_failure *failure) {
    const X509 *certificate = sci_test_certificate(L, -1);
    if (certificate) return push_subject(names, certificate);
    size_t length;
    const char *text = lua_tolstring(L, -1, &length);
    if (der) return push_name(names, sci_parse_name_der(text, length, failure));
    failure->subject = text;
    return push_name(names, sci_parse_name(text, length, failure));
}

static bool read_list(lua_State *L, STACK_OF(X509_NAME) *names, bool der, sci_failure *failure) {
    lua_Integer count = (lua_Integer)lua_rawlen(L, 2);
    bool read = names != NULL;
    for (lua_Integer i = 1; read && i <= count; i++) {
        lua_rawgeti(L, 2, i);
        read = push_item(L, names, der, failure);
        lua_pop(L, 1);
    }
    return read;
}

static bool read_bio(BIO *bio, STACK_OF(X509_NAME) *names, sci_failure *failure) {
    STACK_OF(X509) *certificates = bio && names ? sci_read_certificates_or_der(bio, failure) : NULL;
    bool read = push_subjects(names, certificates);
    sk_X509_pop_free(certificates, X509_free);
    BIO_free(bio);
    return read;
}

/* Pushes a guard with an empty list. */
static sci_guard *new_names(lua_State *L) {
    sci_guard *guard = sci_new_guard(L, free_names);
    sci_clear_errors();
    guard->object = sk_X509_NAME_new_null();
    return guard;
}

/* Existing connections read the names from the context: they get copies first. */
static int use_names(lua_State *L, sci_guard *guard) {
    sci_context *context = sci_check_context(L, 1);
    if (!sci_context_detach(context)) return sci_fail_openssl(L, "option", "accepted issuers");
    SSL_CTX_set_client_CA_list(context->ctx, guard->object);
    guard->object = NULL;
    return sci_return_receiver(L);
}

/* ---- methods ----------------------------------------------------------------------------------------------------- */

/***
Sets the client CA list: the names of issuers that a server sends in its certificate request, so that a client with several
certificates can choose one. The list does not decide which certificates are accepted; the trust store does. Without a list the
request names no issuers.
@function SciSslContext:setAcceptedIssuers
@tparam {SciSslX509Certificate|string,...}|string issuers a list of certificates, of which the subjects are taken, and of names as
 RFC 2253 text; or PEM text with certificates. An empty list: no names
@tparam[opt="text"] string format `"der"`: the names of a list are DER, as `SciSslSocket:acceptedIssuers "der"` returns them
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `malformed_name`, or as for `addTrusted`; the context is unchanged
@see SSL_CTX_set_client_CA_list(3)
*/
static int context_set_accepted_issuers(lua_State *L) {
    sci_failure failure = {.phase = "load", .subject = "accepted issuers"};
    sci_check_context(L, 1);
    bool der = sci_check_name_format(L, 3);
    lua_settop(L, 2);
    bool read;
    sci_guard *guard;
    if (lua_istable(L, 2)) {
        check_list(L);
        guard = new_names(L);
        check_list(L); /* making the guard may have run finalizers, which may have closed certificates */
        read = read_list(L, guard->object, der, &failure);
    } else {
        int length;
        const char *text = sci_check_bytes(L, 2, &length);
        guard = new_names(L);
        read = read_bio(BIO_new_mem_buf(text, length), guard->object, &failure);
    }
    if (!read) return sci_fail(L, &failure);
    return use_names(L, guard);
}

/***
Sets the client CA list to the subjects of the certificates in a file, in PEM or DER. See `setAcceptedIssuers`.
@function SciSslContext:loadAcceptedIssuers
@tparam string path
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError as for `loadVerifyLocations`; the context is unchanged
@see SSL_load_client_CA_file(3)
*/
static int context_load_accepted_issuers(lua_State *L) {
    sci_check_context(L, 1);
    const char *path = sci_check_text(L, 2);
    sci_failure failure = {.phase = "load"};
    sci_guard *guard = new_names(L);
    if (!read_bio(sci_open_file(path, &failure), guard->object, &failure)) return sci_fail(L, &failure);
    return use_names(L, guard);
}

static bool push_trusted(STACK_OF(X509_NAME) *names, const SSL_CTX *ctx) {
    STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(SSL_CTX_get_cert_store(ctx));
    bool pushed = names != NULL;
    for (int i = 0; pushed && i < sk_X509_OBJECT_num(objects); i++) {
        const X509 *certificate = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
        if (certificate) pushed = push_subject(names, certificate);
    }
    return pushed;
}

/***
Sets the client CA list to the subjects of all certificates that are trusted now. Certificates in directories are not among
them, because OpenSSL reads a directory only when it looks for a certificate. See `setAcceptedIssuers`.
@function SciSslContext:acceptTrustedIssuers
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `memory_full`
@see SSL_CTX_set0_CA_list(3)
*/
static int context_accept_trusted_issuers(lua_State *L) {
    sci_check_context(L, 1);
    sci_guard *guard = new_names(L);
    if (!push_trusted(guard->object, sci_check_context(L, 1)->ctx))
        return sci_fail_openssl(L, "option", "accepted issuers");
    return use_names(L, guard);
}

static const luaL_Reg client_ca_methods[] = {
    {"acceptTrustedIssuers", context_accept_trusted_issuers},
    {"setAcceptedIssuers", context_set_accepted_issuers},
    {"loadAcceptedIssuers", context_load_accepted_issuers},
    {NULL, NULL},
};

void sci_open_context_client_ca(lua_State *L) { luaL_setfuncs(L, client_ca_methods, 0); }
