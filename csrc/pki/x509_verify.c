/* x509_verify.c: SciSslX509Certificate, whether it is for a host, an address or a key, and whether it can be
 * trusted. */
#include "pki/values.h"

#include <string.h>

/* ---- names and keys ---------------------------------------------------------------------------------------------- */

/* `result` of an X509_check_… function: 1: it matches; 0: it does not; negative: an error. */
static int push_match(lua_State *L, int result, const char *name) {
    if (result < 0)
        return sci_fail(L, &(sci_failure){.phase = "match", .condition = "malformed_name", .subject = name});
    lua_pushboolean(L, result > 0);
    return 1;
}

/***
Tells whether the certificate is for that host. A wildcard stands for a whole label. The common name of the subject
counts only in a certificate without DNS names.
@function SciSslX509Certificate:matchesHost
@tparam string name in ASCII (Punycode for international names); a dot at its end does not count. An address is no host
 name: see `matchesIp`
@raise for a NUL byte
@treturn[1] boolean
@treturn[2] nil
@treturn[2] SciSslError
@see X509_check_host(3), with X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS
*/
static int certificate_matches_host(lua_State *L) {
    X509 *certificate = sci_check_certificate(L, 1);
    const char *text = sci_check_text(L, 2);
    char name[SCI_HOST_SIZE];
    sci_clear_errors();
    /* For OpenSSL a name that begins with a dot matches all names below it. */
    bool is_name = !sci_parse_host(text, strlen(text), name) && !sci_is_address(name);
    return push_match(
        L, is_name ? X509_check_host(certificate, name, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) : 0, text);
}

/***
Tells whether the certificate is for that IP address.
@function SciSslX509Certificate:matchesIp
@tparam string address IPv4 or IPv6
@treturn[1] boolean
@treturn[2] nil
@treturn[2] SciSslError condition `malformed_name`: `address` is no IP address
@see X509_check_ip_asc(3)
*/
static int certificate_matches_ip(lua_State *L) {
    X509 *certificate = sci_check_certificate(L, 1);
    const char *address = sci_check_text(L, 2);
    sci_clear_errors();
    return push_match(L, X509_check_ip_asc(certificate, address, 0), address);
}

/***
Tells whether the certificate is for that e-mail address.
@function SciSslX509Certificate:matchesEmail
@tparam string address
@treturn[1] boolean
@treturn[2] nil
@treturn[2] SciSslError
@see X509_check_email(3)
*/
static int certificate_matches_email(lua_State *L) {
    X509 *certificate = sci_check_certificate(L, 1);
    const char *address = sci_check_text(L, 2);
    sci_clear_errors();
    return push_match(L, *address ? X509_check_email(certificate, address, strlen(address), 0) : 0, address);
}

/***
Tells whether the certificate belongs to that private key.
@function SciSslX509Certificate:matchesKey
@tparam SciSslPrivateKey key
@treturn boolean
@see X509_check_private_key(3)
*/
static int certificate_matches_key(lua_State *L) {
    const X509 *certificate = sci_check_certificate(L, 1);
    const EVP_PKEY *key = sci_check_key(L, 2);
    sci_clear_errors();
    lua_pushboolean(L, X509_check_private_key(certificate, key) == 1);
    sci_clear_errors();
    return 1;
}

/* ---- trust ------------------------------------------------------------------------------------------------------- */

/***
Tells whether the certificate is its own issuer and is signed with its own key.
@function SciSslX509Certificate:isSelfSigned
@treturn boolean false also where the signature is wrong or cannot be checked
@see X509_self_signed(3)
*/
static int certificate_is_self_signed(lua_State *L) {
    X509 *certificate = sci_check_certificate(L, 1);
    sci_clear_errors();
    lua_pushboolean(L, X509_self_signed(certificate, 1) == 1);
    sci_clear_errors();
    return 1;
}

static const char *const verify_options[] = {"purpose",       "time", "intermediates", "partialChain", "crls",
                                             "securityLevel", NULL};

/* Stack indices of SciSslX509Certificate:verify: the certificate, the trusted ones, the table of options, its
 * values. */
enum { TRUSTED = 2, OPTIONS, PURPOSE, TIME, INTERMEDIATES, PARTIAL_CHAIN, CRLS, SECURITY_LEVEL };

typedef struct verify_request {
    X509 *certificate;
    const char *purpose;
    int purpose_id; /* 0: none */
    time_t time;
    int security_level; /* 0: none */
    bool has_time, partial_chain, has_crls;
} verify_request;

static void check_trusted(lua_State *L) {
    luaL_argexpected(L, lua_istable(L, TRUSTED), TRUSTED, "list of certificates");
    lua_Integer count = sci_check_list(L, TRUSTED);
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(L, TRUSTED, i);
        if (!sci_test_certificate(L, -1)) luaL_argerror(L, TRUSTED, "list of open certificates expected");
        lua_pop(L, 1);
    }
}

static void check_crls(lua_State *L) {
    lua_Integer count = sci_check_list_of(L, OPTIONS, "crls", "list of " SCI_CRL, CRLS);
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(L, CRLS, i);
        if (!sci_test_crl(L, -1)) sci_option_error(L, OPTIONS, "crls", "list of open " SCI_CRL, -1);
        lua_pop(L, 1);
    }
}

static int check_security_level(lua_State *L) {
    int is_level = lua_isnil(L, SECURITY_LEVEL);
    lua_Integer level = is_level ? 0 : lua_tointegerx(L, SECURITY_LEVEL, &is_level);
    if (!is_level || level < 0 || level > 5)
        sci_option_error(L, OPTIONS, "securityLevel", "security level from 0 to 5", SECURITY_LEVEL);
    return (int)level;
}

/* Lua code may make the fields of the table, and a finalizer may run at each allocation: either may close a
 * certificate. So the certificates are checked last, and nothing allocates in Lua until they have been used. */
static verify_request check_verify_request(lua_State *L, sci_guard **chain) {
    lua_settop(L, OPTIONS);
    if (lua_isnil(L, OPTIONS)) {
        lua_newtable(L);
        lua_replace(L, OPTIONS);
    }
    sci_push_options(L, OPTIONS, verify_options);
    if (!lua_isnil(L, PURPOSE) && lua_type(L, PURPOSE) != LUA_TSTRING)
        sci_option_error(L, OPTIONS, "purpose", "string", PURPOSE);
    bool partial_chain = sci_check_boolean_option(L, OPTIONS, "partialChain", PARTIAL_CHAIN);
    int is_time = lua_isnil(L, TIME);
    lua_Integer time = is_time ? 0 : lua_tointegerx(L, TIME, &is_time);
    if (!is_time || !sci_is_time(time)) sci_option_error(L, OPTIONS, "time", SCI_TIME_EXPECTED, TIME);
    int level = check_security_level(L);
    *chain = sci_new_guard(L, sci_free_certificates);
    sci_check_certificates_option(L, OPTIONS, "intermediates", INTERMEDIATES);
    if (!lua_isnil(L, CRLS)) check_crls(L);
    check_trusted(L);
    return (verify_request){.certificate = sci_check_certificate(L, 1),
                            .purpose = lua_tostring(L, PURPOSE),
                            .has_time = !lua_isnil(L, TIME),
                            .time = (time_t)time,
                            .security_level = level,
                            .partial_chain = partial_chain,
                            .has_crls = !lua_isnil(L, CRLS)};
}

/* The lists were checked: these three raise nothing. */
static bool add_trusted(lua_State *L, X509_STORE *store) {
    lua_Integer count = (lua_Integer)lua_rawlen(L, TRUSTED);
    bool added = store != NULL;
    for (lua_Integer i = 1; added && i <= count; i++) {
        lua_rawgeti(L, TRUSTED, i);
        added = X509_STORE_add_cert(store, sci_test_certificate(L, -1));
        lua_pop(L, 1);
    }
    return added;
}

static bool add_crls(lua_State *L, X509_STORE *store) {
    lua_Integer count = lua_isnil(L, CRLS) ? 0 : (lua_Integer)lua_rawlen(L, CRLS);
    bool added = true;
    for (lua_Integer i = 1; added && i <= count; i++) {
        lua_rawgeti(L, CRLS, i);
        added = X509_STORE_add_crl(store, sci_test_crl(L, -1));
        lua_pop(L, 1);
    }
    return added;
}

static STACK_OF(X509) *make_intermediates(lua_State *L) {
    STACK_OF(X509) *list = sk_X509_new_null();
    lua_Integer count = lua_isnil(L, INTERMEDIATES) ? 0 : (lua_Integer)lua_rawlen(L, INTERMEDIATES);
    bool added = list != NULL;
    for (lua_Integer i = 1; added && i <= count; i++) {
        lua_rawgeti(L, INTERMEDIATES, i);
        added = sk_X509_push(list, sci_test_certificate(L, -1)) > 0;
        lua_pop(L, 1);
    }
    if (added) return list;
    sk_X509_free(list);
    return NULL;
}

static bool find_purpose(verify_request *request, sci_failure *failure) {
    if (!request->purpose) return true;
    int index = X509_PURPOSE_get_by_sname(request->purpose);
    if (index >= 0) {
        request->purpose_id = X509_PURPOSE_get_id(X509_PURPOSE_get0(index));
        return true;
    }
    return sci_refuse_about(failure, "unknown_purpose", NULL, request->purpose);
}

static bool prepare_check(X509_STORE_CTX *check, const verify_request *request) {
    X509_VERIFY_PARAM *parameters = X509_STORE_CTX_get0_param(check);
    unsigned long flags = 0;
    if (request->partial_chain) flags |= X509_V_FLAG_PARTIAL_CHAIN;
    if (request->has_crls) flags |= X509_V_FLAG_CRL_CHECK;
    X509_VERIFY_PARAM_set_auth_level(parameters, request->security_level);
    if (request->has_time) X509_VERIFY_PARAM_set_time(parameters, request->time);
    return X509_VERIFY_PARAM_set_flags(parameters, flags) &&
           (!request->purpose_id || X509_STORE_CTX_set_purpose(check, request->purpose_id));
}

/* Returns the chain up to a trusted certificate, which the caller frees. NULL: `failure` says why there is none. */
static STACK_OF(X509) *run_check(X509_STORE *store, STACK_OF(X509) *intermediates, const verify_request *request,
                                 sci_failure *failure) {
    X509_STORE_CTX *check = X509_STORE_CTX_new();
    STACK_OF(X509) *chain = NULL;
    if (check && X509_STORE_CTX_init(check, store, request->certificate, intermediates) &&
        prepare_check(check, request)) {
        bool trusted = X509_verify_cert(check) == 1;
        if (trusted) chain = X509_STORE_CTX_get1_chain(check);
        if (!trusted) failure->verify_result = X509_STORE_CTX_get_error(check);
        if (!trusted && failure->verify_result == X509_V_OK) failure->verify_result = X509_V_ERR_UNSPECIFIED;
    }
    X509_STORE_CTX_free(check);
    return chain;
}

/***
Verifies the certificate: its chain up to a trusted one, each signature, the dates, and what each may be used for.
@function SciSslX509Certificate:verify
@tparam {SciSslX509Certificate,...} trusted the roots to trust; no others are
@tparam[opt] table options how to verify:

* `purpose`: `"sslserver"`, `"sslclient"` or another short name of OpenSSL's (default: any)
* `time`: seconds since the epoch for which to verify (default: now)
* `intermediates`: further certificates, not trusted, to build the chain from
* `partialChain`: true also trusts a certificate of `trusted` that is not self-signed
* `crls`: list of SciSslX509Crl. The certificate's issuer must have a CRL among them that does not list the certificate
* `securityLevel`: 0 … 5, the strength that keys and signatures must have (default 0: any; connections have 1, or what
  `SciSslContext:setSecurityLevel` says)

@treturn[1] boolean true
@treturn[1] {SciSslX509Certificate,...} the chain: the certificate first, a trusted one last
@treturn[2] nil
@treturn[2] SciSslError phase `verify`, with a `verifyResult`, condition `certificate_expired`, `security_level` …; or
 condition `unknown_purpose`
@see X509_verify_cert(3)
*/
static int certificate_verify(lua_State *L) {
    sci_guard *chain;
    verify_request request = check_verify_request(L, &chain);
    sci_failure failure = {.phase = "verify"};
    sci_clear_errors();
    X509_STORE *store = X509_STORE_new();
    STACK_OF(X509) *intermediates = make_intermediates(L);
    if (find_purpose(&request, &failure) && intermediates && add_trusted(L, store) && add_crls(L, store))
        chain->object = run_check(store, intermediates, &request, &failure);
    sk_X509_free(intermediates);
    X509_STORE_free(store);
    if (!chain->object) return sci_fail(L, &failure);
    lua_pushboolean(L, true);
    sci_push_certificates(L, chain->object);
    return 2;
}

static const luaL_Reg verify_methods[] = {
    {"matchesHost", certificate_matches_host},
    {"matchesIp", certificate_matches_ip},
    {"matchesEmail", certificate_matches_email},
    {"matchesKey", certificate_matches_key},
    {"isSelfSigned", certificate_is_self_signed},
    {"verify", certificate_verify},
    {NULL, NULL},
};

void sci_open_x509_verify(lua_State *L) { luaL_setfuncs(L, verify_methods, 0); }
