/* x509_request.c: SciSslX509Request, a certificate request (PKCS#10, RFC 2986): reading, writing, contents. */
#include "pki/reading.h"

/***
A certificate request (PKCS#10), to make, read and verify. `SciSslX509Certificate.issue` makes a certificate of it.
@classmod SciSslX509Request
*/

static void *read_pem(BIO *bio) { return PEM_read_bio_X509_REQ(bio, NULL, sci_no_passphrase, NULL); }
static void *read_der(const unsigned char **cursor, long length) { return d2i_X509_REQ(NULL, cursor, length); }
static void release(void *request) { X509_REQ_free(request); }

static const sci_kind request_kind = {
    .class = SCI_REQUEST,
    .closed = "certificate request has been closed",
    .label = "CERTIFICATE REQUEST",
    .expected = "a certificate request",
    .absent = "not_request",
    .malformed = "malformed_request",
    .malformed_message = "the certificate request is malformed",
    .read_pem = read_pem,
    .read_der = read_der,
    .release = release,
};

X509_REQ **sci_new_request(lua_State *L) { return sci_new_box(L, &request_kind, sizeof(sci_box)); }
X509_REQ *sci_test_request(lua_State *L, int index) { return sci_test_box(L, index, &request_kind); }

static X509_REQ *check_request(lua_State *L) { return sci_check_box(L, 1, &request_kind); }

static int request_close(lua_State *L) { return sci_close_box(L, &request_kind); }

/* ---- reading and writing ----------------------------------------------------------------------------------------- */

/***
Reads a certificate request from PEM text.
@function SciSslX509Request.fromPem
@tparam string text
@treturn[1] SciSslX509Request
@treturn[2] nil
@treturn[2] SciSslError phase `load`; condition `not_pem`, `not_request` or `malformed_request`
@see PEM_read_bio_X509_REQ(3)
*/
static int request_from_pem(lua_State *L) { return sci_load_pem(L, &request_kind); }

/***
Reads a certificate request from DER bytes.
@function SciSslX509Request.fromDer
@tparam string bytes
@treturn[1] SciSslX509Request
@treturn[2] nil
@treturn[2] SciSslError phase `load`; condition `not_der`, `not_request` or `malformed_request`
@see d2i_X509_REQ(3)
*/
static int request_from_der(lua_State *L) { return sci_load_der(L, &request_kind); }

static int write_pem(BIO *bio, const void *request) { return PEM_write_bio_X509_REQ(bio, request); }
static int write_der(BIO *bio, const void *request) { return i2d_X509_REQ_bio(bio, request); }

static int write_public(BIO *bio, const void *request) {
    const EVP_PKEY *key = X509_REQ_get0_pubkey((X509_REQ *)(uintptr_t)request);
    return key ? PEM_write_bio_PUBKEY(bio, key) : 0;
}

/***
Writes the request as PEM text.
@function SciSslX509Request:toPem
@treturn[1] string
@treturn[2] nil
@treturn[2] SciSslError phase `save`
@see PEM_write_bio_X509_REQ(3)
*/
static int request_to_pem(lua_State *L) { return sci_push_written(L, write_pem, check_request(L)); }

/***
Writes the request as DER bytes.
@function SciSslX509Request:toDer
@treturn[1] string
@treturn[2] nil
@treturn[2] SciSslError phase `save`
@see i2d_X509_REQ_bio(3)
*/
static int request_to_der(lua_State *L) { return sci_push_written(L, write_der, check_request(L)); }

/***
Writes the public key that the certificate is to be for, as PEM text.
@function SciSslX509Request:publicPem
@treturn[1] string
@treturn[2] nil
@treturn[2] SciSslError phase `save`: this OpenSSL does not know the kind of key
@see PEM_write_bio_PUBKEY(3)
*/
static int request_public_pem(lua_State *L) { return sci_push_written(L, write_public, check_request(L)); }

/* ---- contents ---------------------------------------------------------------------------------------------------- */

/***
Returns the subject that the certificate is to have.
@function SciSslX509Request:subject
@treturn[1] string RFC 2253 text in UTF-8
@treturn[2] nil
@treturn[2] SciSslError condition `malformed_name`
@see X509_REQ_get_subject_name(3)
*/
static int request_subject(lua_State *L) { return sci_return_name(L, X509_REQ_get_subject_name(check_request(L))); }

static void free_extensions(void *extensions) { sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free); }
static void free_names(void *names) { GENERAL_NAMES_free(names); }

bool sci_request_names(X509_REQ *request, GENERAL_NAMES **names) {
    int critical = -1;
    STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(request);
    *names = X509V3_get_d2i(extensions, NID_subject_alt_name, &critical, NULL);
    free_extensions(extensions);
    return *names || critical == -1;
}

/***
Returns the names that the certificate is to be for.
@function SciSslX509Request:subjectAltNames
@treturn[1] {table,...} as `SciSslX509Certificate:subjectAltNames`; empty where there are none
@treturn[2] nil
@treturn[2] SciSslError condition `malformed_extension`
@see X509_REQ_get_extensions(3)
*/
static int request_subject_alt_names(lua_State *L) {
    X509_REQ *request = check_request(L);
    sci_guard *guard = sci_new_guard(L, free_names);
    sci_clear_errors();
    GENERAL_NAMES *names = NULL;
    bool good = sci_request_names(request, &names);
    guard->object = names;
    sci_clear_errors();
    return good && sci_push_general_names(L, names) ? 1 : sci_fail_extension(L, "subjectAltName");
}

/***
Verifies that the requester has the private key.
@function SciSslX509Request:verify
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] SciSslError phase `verify`, condition `request_invalid`
@see X509_REQ_verify(3)
*/
static int request_verify(lua_State *L) {
    X509_REQ *request = check_request(L);
    sci_clear_errors();
    EVP_PKEY *key = X509_REQ_get0_pubkey(request);
    if (!key || X509_REQ_verify(request, key) != 1)
        return sci_fail(L, &(sci_failure){.phase = "verify", .condition = "request_invalid"});
    lua_pushboolean(L, true);
    return 1;
}

/* ---- the class --------------------------------------------------------------------------------------------------- */

static int request_tostring(lua_State *L) {
    X509_REQ *request = sci_show_box(L, &request_kind);
    if (!request) return 1;
    sci_push_name(L, X509_REQ_get_subject_name(request));
    lua_pushfstring(L, SCI_REQUEST ": %s", luaL_tolstring(L, -1, NULL));
    return 1;
}

static const luaL_Reg request_functions[] = {
    {"fromPem", request_from_pem}, {"fromDer", request_from_der}, {NULL, NULL}};

static const luaL_Reg request_methods[] = {
    {"toPem", request_to_pem},
    {"toDer", request_to_der},
    {"publicPem", request_public_pem},
    {"subject", request_subject},
    {"subjectAltNames", request_subject_alt_names},
    {"verify", request_verify},
    {NULL, NULL},
};

static const luaL_Reg request_metamethods[] = {
    {"__gc", request_close}, {"__close", request_close}, {"__tostring", request_tostring}, {NULL, NULL}};

void sci_open_request(lua_State *L) {
    sci_new_class(L, SCI_REQUEST, request_functions, request_methods, request_metamethods);
}
