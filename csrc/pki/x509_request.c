/* request.c: SciSslX509Request, what is sent to an authority for a certificate (PKCS#10, RFC 2986). */
#include "pki/issue/issue.h"

#include <string.h>

/***
A request for a certificate (PKCS#10): made, read and verified. `SciSslX509Certificate.issue` grants it.
@classmod SciSslX509Request
*/

static void *read_pem(BIO *bio) { return PEM_read_bio_X509_REQ(bio, NULL, sci_no_passphrase, NULL); }
static void *read_der(const unsigned char **cursor, long length) { return d2i_X509_REQ(NULL, cursor, length); }
static void release(void *request) { X509_REQ_free(request); }

static const sci_kind request_kind = {
    .class = SCI_REQUEST,
    .closed = "certificate request has been closed",
    .label = "CERTIFICATE REQUEST",
    .due = "a certificate request",
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

/* ---- reading and writing ---------------------------------------------------------------------------------------- */

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
Writes the public key for which the certificate is wanted, as PEM text.
@function SciSslX509Request:publicPem
@treturn[1] string
@treturn[2] nil
@treturn[2] SciSslError phase `save`: this OpenSSL does not know the kind of key
@see PEM_write_bio_PUBKEY(3)
*/
static int request_public_pem(lua_State *L) { return sci_push_written(L, write_public, check_request(L)); }

/* ---- what it says ----------------------------------------------------------------------------------------------- */

/***
Answers whom the certificate is to be about.
@function SciSslX509Request:subject
@treturn[1] string RFC 2253 text in UTF-8
@treturn[2] nil
@treturn[2] SciSslError condition `malformed_name`
@see X509_REQ_get_subject_name(3)
*/
static int request_subject(lua_State *L) {
    sci_clear_errors();
    sci_push_name(L, X509_REQ_get_subject_name(check_request(L)));
    return lua_isnil(L, -1) ? sci_fail(L, &(sci_failure){.phase = "load", .condition = "malformed_name"}) : 1;
}

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
Answers the names that the certificate is to be for.
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
Checks that whoever made the request has the private key.
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

/* ---- making one ------------------------------------------------------------------------------------------------- */

#define OPTIONS 1 /* stack index of the table of options */

enum { SUBJECT = OPTIONS + 1, NAMES, KEY, DIGEST };

static const char *const option_names[] = {"subject", "names", "key", "digest", NULL};

static const char *check_options(lua_State *L, size_t *subject_length) {
    lua_settop(L, OPTIONS);
    sci_push_options(L, OPTIONS, option_names);
    if (!sci_test_key(L, KEY)) sci_option_error(L, OPTIONS, "key", "open " SCI_KEY, KEY);
    lua_Integer names = sci_check_option_list(L, OPTIONS, "names", NAMES);
    if (!lua_isnil(L, SUBJECT) && lua_type(L, SUBJECT) != LUA_TSTRING)
        sci_option_error(L, OPTIONS, "subject", "string", SUBJECT);
    bool has_text = lua_type(L, DIGEST) == LUA_TSTRING && strlen(lua_tostring(L, DIGEST)) == lua_rawlen(L, DIGEST);
    if (!lua_isnil(L, DIGEST) && !has_text) sci_option_error(L, OPTIONS, "digest", "string without NUL bytes", DIGEST);
    if (lua_isnil(L, SUBJECT) && names == 0) luaL_argerror(L, OPTIONS, "option 'subject' or 'names' expected");
    *subject_length = 0;
    return lua_isnil(L, SUBJECT) ? "" : lua_tolstring(L, SUBJECT, subject_length);
}

static bool set_subject(X509_REQ *request, const char *subject, size_t length, sci_failure *failure) {
    failure->subject = subject;
    X509_NAME *name = sci_parse_name(subject, length, failure);
    bool set = name && X509_REQ_set_subject_name(request, name);
    X509_NAME_free(name);
    if (set) failure->subject = NULL;
    return set;
}

static bool put_names(lua_State *L, GENERAL_NAMES *list, sci_failure *failure) {
    lua_Integer count = (lua_Integer)lua_rawlen(L, NAMES);
    for (lua_Integer i = 1; i <= count; i++) {
        size_t length = 0;
        const char *text = ""; /* where a finalizer has changed the list since it was checked */
        if (lua_rawgeti(L, NAMES, i) == LUA_TSTRING) text = lua_tolstring(L, -1, &length);
        lua_pop(L, 1); /* the list keeps it */
        GENERAL_NAME *name = sci_parse_general_name(text, length, failure);
        if (name && sk_GENERAL_NAME_push(list, name) > 0) continue;
        GENERAL_NAME_free(name);
        return false;
    }
    failure->subject = NULL;
    return true;
}

static bool add_names(lua_State *L, X509_REQ *request, sci_failure *failure) {
    if (lua_isnil(L, NAMES) || lua_rawlen(L, NAMES) == 0) return true;
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    STACK_OF(X509_EXTENSION) *extensions = NULL;
    bool added = names && put_names(L, names, failure) &&
                 X509V3_add1_i2d(&extensions, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) > 0 &&
                 X509_REQ_add_extensions(request, extensions);
    free_extensions(extensions);
    GENERAL_NAMES_free(names);
    return added;
}

static bool sign(X509_REQ *request, EVP_PKEY *key, const char *name, sci_failure *failure) {
    EVP_MD *digest = NULL;
    bool made = sci_find_signature_digest(key, name, &digest, failure) && X509_REQ_sign(request, key, digest) > 0;
    EVP_MD_free(digest);
    return made;
}

/* Of blanks a subject is made that says nothing. */
static bool is_named(lua_State *L, const X509_REQ *request, sci_failure *failure) {
    if (X509_NAME_entry_count(X509_REQ_get_subject_name(request)) > 0) return true;
    if (!lua_isnil(L, NAMES) && lua_rawlen(L, NAMES) > 0) return true;
    failure->condition = "name_missing";
    return false;
}

/***
Makes a certificate request.
@function SciSslX509Request.new
@tparam table options
 `key`: the SciSslPrivateKey for which a certificate is wanted, needed;
 `subject`: RFC 2253 text in UTF-8; `names`: strings for the subjectAltName, as for `SciSslX509Certificate.issue`. Either
 may be missing;
 `digest`: such as `"SHA384"` (what suits the key)
@treturn[1] SciSslX509Request
@treturn[2] nil
@treturn[2] SciSslError phase `issue`; condition `malformed_name`, `name_missing`, `unknown_digest`, `wrong_key`
@raise for an unknown option or one of a wrong type
@see X509_REQ_sign(3)
*/
static int request_new(lua_State *L) {
    size_t length;
    const char *subject = check_options(L, &length);
    EVP_PKEY *key = sci_check_key(L, KEY);
    X509_REQ **slot = sci_new_request(L);
    sci_failure failure = {.phase = "issue"};
    sci_clear_errors();
    X509_REQ *request = *slot = X509_REQ_new();
    bool made = request && X509_REQ_set_version(request, X509_REQ_VERSION_1) &&
                set_subject(request, subject, length, &failure) && X509_REQ_set_pubkey(request, key) &&
                add_names(L, request, &failure) && is_named(L, request, &failure) &&
                sign(request, key, lua_tostring(L, DIGEST), &failure);
    return made ? 1 : sci_fail(L, &failure);
}

/* ---- for the REPL ----------------------------------------------------------------------------------------------- */

static int request_tostring(lua_State *L) {
    X509_REQ *request = sci_show_box(L, &request_kind);
    if (!request) return 1;
    sci_push_name(L, X509_REQ_get_subject_name(request));
    lua_pushfstring(L, SCI_REQUEST ": %s", luaL_tolstring(L, -1, NULL));
    return 1;
}

static const luaL_Reg request_functions[] = {
    {"new", request_new}, {"fromPem", request_from_pem}, {"fromDer", request_from_der}, {NULL, NULL}};

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
