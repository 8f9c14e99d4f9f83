/* x509_request_issue.c: SciSslX509Request.new, the making of a certificate request (PKCS#10, RFC 2986). */
#include "pki/issue/issue.h"

#define OPTIONS 1 /* stack index of the table of options */

enum { SUBJECT = OPTIONS + 1, NAMES, KEY, DIGEST };

static const char *const option_names[] = {"subject", "names", "key", "digest", NULL};

static const char *check_options(lua_State *L, size_t *subject_length) {
    lua_settop(L, OPTIONS);
    sci_push_options(L, OPTIONS, option_names);
    sci_check_key_option(L, OPTIONS, "key", KEY);
    lua_Integer names = sci_check_list_option(L, OPTIONS, "names", NAMES);
    if (!lua_isnil(L, SUBJECT) && lua_type(L, SUBJECT) != LUA_TSTRING)
        sci_option_error(L, OPTIONS, "subject", "string", SUBJECT);
    sci_check_text_option(L, OPTIONS, "digest", DIGEST);
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

static bool add_names(lua_State *L, X509_REQ *request, sci_failure *failure) {
    if (lua_isnil(L, NAMES) || lua_rawlen(L, NAMES) == 0) return true;
    GENERAL_NAMES *names = sci_make_general_names(L, NAMES, (lua_Integer)lua_rawlen(L, NAMES), failure);
    STACK_OF(X509_EXTENSION) *extensions = NULL;
    bool added = names && X509V3_add1_i2d(&extensions, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) > 0 &&
                 X509_REQ_add_extensions(request, extensions);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    GENERAL_NAMES_free(names);
    return added;
}

static bool sign(X509_REQ *request, EVP_PKEY *key, const char *name, sci_failure *failure) {
    EVP_MD *digest = NULL;
    bool made = sci_find_signature_digest(key, name, &digest, failure) && X509_REQ_sign(request, key, digest) > 0;
    EVP_MD_free(digest);
    return made;
}

/* A subject of blanks has no entries. */
static bool is_named(lua_State *L, const X509_REQ *request, sci_failure *failure) {
    if (X509_NAME_entry_count(X509_REQ_get_subject_name(request)) > 0) return true;
    if (!lua_isnil(L, NAMES) && lua_rawlen(L, NAMES) > 0) return true;
    return sci_refuse(failure, "name_missing", NULL);
}

/***
Makes a certificate request.
@function SciSslX509Request.new
@tparam table options
 `key`: the SciSslPrivateKey that the certificate is to be for; needed;
 `subject`: RFC 2253 text in UTF-8; `names`: strings for the subjectAltName, as for `SciSslX509Certificate.issue`.
 Either may be missing;
 `digest`: such as `"SHA384"` (default: the one that suits the key)
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

static const luaL_Reg issue_functions[] = {{"new", request_new}, {NULL, NULL}};

void sci_open_x509_request_issue(lua_State *L) { luaL_setfuncs(L, issue_functions, 0); }
