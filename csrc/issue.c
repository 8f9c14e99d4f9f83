/* issue.c: SciSslX509Certificate.issue, self-signed and CA-signed certificates (RFC 5280). */
#include "pki.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>

#define OPTIONS 1 /* stack index of the table of options */

/* The stack index of each option's value, in the order of the names below. */
enum {
    SUBJECT = OPTIONS + 1,
    NAMES,
    KEY,
    ISSUER,
    ISSUER_KEY,
    CA,
    DAYS,
    NOT_BEFORE,
    NOT_AFTER,
    SERIAL,
    DIGEST,
    USAGE,
    EXTENDED_USAGE,
    PATH_LENGTH,
    OCSP_URIS,
    CA_ISSUER_URIS,
    CRL_URIS,
    POLICIES,
    EXTENSIONS,
};

static const char *const option_names[] = {
    "subject",  "names",    "key",        "issuer", "issuerKey",     "ca",         "days",     "notBefore",
    "notAfter", "serial",   "digest",     "usage",  "extendedUsage", "pathLength", "ocspUris", "caIssuerUris",
    "crlUris",  "policies", "extensions", NULL,
};

static const char *option_name(int index) { return option_names[index - SUBJECT]; }

typedef struct issue_request {
    const char *subject;
    size_t subject_length;
    EVP_PKEY *key;
    X509 *issuer; /* NULL: the certificate is its own issuer */
    EVP_PKEY *issuer_key;
    bool ca;
    lua_Integer not_before, not_after;          /* seconds since the epoch */
    const char *serial;                         /* hexadecimal; NULL: by chance */
    const char *digest;                         /* NULL: what suits the key */
    lua_Integer names, usages, extended_usages; /* lengths of the lists */
    bool default_usage, default_extended_usage;
    lua_Integer path_length;                                               /* -1: not limited */
    lua_Integer ocsp_uris, ca_issuer_uris, crl_uris, policies, extensions; /* lengths of the lists */
} issue_request;

/* ---- the request ------------------------------------------------------------------------------------------------ */

static const char *string_option(lua_State *L, int index, size_t *length) {
    if (lua_isnil(L, index)) return NULL;
    if (lua_type(L, index) != LUA_TSTRING) sci_option_error(L, OPTIONS, option_name(index), "string", index);
    return lua_tolstring(L, index, length);
}

static const char *text_option(lua_State *L, int index) {
    size_t length = 0;
    const char *text = string_option(L, index, &length);
    if (text && strlen(text) != length)
        sci_option_error(L, OPTIONS, option_name(index), "string without NUL bytes", index);
    return text;
}

static lua_Integer integer_option(lua_State *L, int index, lua_Integer missing) {
    int is_integer;
    if (lua_isnil(L, index)) return missing;
    lua_Integer value = lua_tointegerx(L, index, &is_integer);
    if (!is_integer || lua_type(L, index) != LUA_TNUMBER)
        sci_option_error(L, OPTIONS, option_name(index), "integer", index);
    return value;
}

static bool boolean_option(lua_State *L, int index) {
    if (!lua_isnil(L, index) && !lua_isboolean(L, index))
        sci_option_error(L, OPTIONS, option_name(index), "boolean", index);
    return lua_toboolean(L, index);
}

static EVP_PKEY *key_option(lua_State *L, int index) {
    if (lua_isnil(L, index)) return NULL;
    EVP_PKEY **slot = luaL_testudata(L, index, SCI_KEY);
    if (!slot || !*slot) sci_option_error(L, OPTIONS, option_name(index), "open " SCI_KEY, index);
    return slot ? *slot : NULL;
}

static X509 *certificate_option(lua_State *L, int index) {
    if (lua_isnil(L, index)) return NULL;
    X509 *certificate = sci_test_certificate(L, index);
    if (!certificate) sci_option_error(L, OPTIONS, option_name(index), "open " SCI_CERTIFICATE, index);
    return certificate;
}

/* Hexadecimal digits, or an integer that is made such; NULL: missing. */
static const char *serial_option(lua_State *L) {
    if (lua_type(L, SERIAL) == LUA_TNUMBER && integer_option(L, SERIAL, 0) >= 0) {
        char digits[24];
        snprintf(digits, sizeof digits, "%llX", (unsigned long long)lua_tointeger(L, SERIAL));
        lua_pushstring(L, digits);
        lua_replace(L, SERIAL);
    }
    return text_option(L, SERIAL);
}

/* In seconds. */
static lua_Integer duration_option(lua_State *L) {
    const lua_Number day = 86400, most = 4000000;
    if (lua_isnil(L, DAYS)) return (lua_Integer)(30 * day);
    lua_Number days = lua_tonumber(L, DAYS);
    if (lua_type(L, DAYS) != LUA_TNUMBER || !(days > 0 && days <= most))
        sci_option_error(L, OPTIONS, "days", "positive number of days", DAYS);
    return (lua_Integer)(days * day);
}

static lua_Integer seconds_option(lua_State *L, int index, lua_Integer missing) {
    const lua_Integer limit = (lua_Integer)1 << 40; /* far beyond the year 9999 */
    lua_Integer seconds = integer_option(L, index, missing);
    if (seconds < -limit || seconds > limit)
        sci_option_error(L, OPTIONS, option_name(index), "seconds since the epoch", index);
    return seconds;
}

static void check_dates(lua_State *L, issue_request *request) {
    lua_Integer duration = duration_option(L), now = (lua_Integer)time(NULL);
    bool has_end = !lua_isnil(L, NOT_AFTER);
    lua_Integer end = seconds_option(L, NOT_AFTER, 0);
    request->not_before = seconds_option(L, NOT_BEFORE, has_end && end <= now ? end - duration : now);
    request->not_after = has_end ? end : request->not_before + duration;
}

static void check_names(lua_State *L, issue_request *request) {
    request->subject = string_option(L, SUBJECT, &request->subject_length);
    request->names = sci_check_option_list(L, OPTIONS, "names", NAMES);
    if (!request->subject && request->names == 0) luaL_argerror(L, OPTIONS, "option 'subject' or 'names' expected");
    if (!request->subject) request->subject = "";
}

static void check_keys(lua_State *L, issue_request *request) {
    request->key = key_option(L, KEY);
    request->issuer = certificate_option(L, ISSUER);
    request->issuer_key = key_option(L, ISSUER_KEY);
    if (!request->key) luaL_argerror(L, OPTIONS, "option 'key' expected");
    if (!request->issuer != !request->issuer_key)
        luaL_argerror(L, OPTIONS, "options 'issuer' and 'issuerKey' go together");
}

static void check_usage(lua_State *L, issue_request *request) {
    request->ca = boolean_option(L, CA);
    request->path_length = integer_option(L, PATH_LENGTH, -1);
    if (!lua_isnil(L, PATH_LENGTH) && (!request->ca || request->path_length < 0 || request->path_length > 1000000))
        luaL_argerror(L, OPTIONS, "option 'pathLength' is for a ca, and not negative");
    request->usages = sci_check_option_list(L, OPTIONS, "usage", USAGE);
    request->default_usage = lua_isnil(L, USAGE);
    request->extended_usages = sci_check_option_list(L, OPTIONS, "extendedUsage", EXTENDED_USAGE);
    request->default_extended_usage = lua_isnil(L, EXTENDED_USAGE);
}

/* Pushes a field of the table at `index`; no metamethod may answer another one at the second look. */
static int push_raw_field(lua_State *L, int index, const char *name) {
    index = lua_absindex(L, index);
    lua_pushstring(L, name);
    return lua_rawget(L, index);
}

static void check_raw_extension(lua_State *L, lua_Integer i) {
    if (lua_rawgeti(L, EXTENSIONS, i) != LUA_TTABLE)
        sci_option_error(L, OPTIONS, "extensions", "list of tables with oid, critical and data", -1);
    if (push_raw_field(L, -1, "oid") != LUA_TSTRING) sci_option_error(L, OPTIONS, "extensions", "oid", -1);
    if (push_raw_field(L, -2, "data") != LUA_TSTRING) sci_option_error(L, OPTIONS, "extensions", "data in DER", -1);
    lua_pop(L, 3);
}

static void check_lists(lua_State *L, issue_request *request) {
    request->ocsp_uris = sci_check_option_list(L, OPTIONS, "ocspUris", OCSP_URIS);
    request->ca_issuer_uris = sci_check_option_list(L, OPTIONS, "caIssuerUris", CA_ISSUER_URIS);
    request->crl_uris = sci_check_option_list(L, OPTIONS, "crlUris", CRL_URIS);
    request->policies = sci_check_option_list(L, OPTIONS, "policies", POLICIES);
    if (lua_isnil(L, EXTENSIONS)) return;
    if (!lua_istable(L, EXTENSIONS)) sci_option_error(L, OPTIONS, "extensions", "list of tables", EXTENSIONS);
    request->extensions = (lua_Integer)lua_rawlen(L, EXTENSIONS);
    for (lua_Integer i = 1; i <= request->extensions; i++) check_raw_extension(L, i);
}

/* Raises for what the caller did wrong, before anything of OpenSSL's is made. What it points to is on the stack. */
static issue_request check_request(lua_State *L) {
    issue_request request = {0};
    lua_settop(L, OPTIONS);
    sci_push_options(L, OPTIONS, option_names);
    request.serial = serial_option(L);
    request.digest = text_option(L, DIGEST);
    check_names(L, &request);
    check_keys(L, &request);
    check_usage(L, &request);
    check_dates(L, &request);
    check_lists(L, &request);
    return request;
}

/* ---- filling the certificate. Nothing below raises -------------------------------------------------------------- */

static bool refuse(sci_failure *failure, const char *condition, const char *message, const char *subject) {
    failure->condition = condition;
    failure->message = message;
    failure->subject = subject;
    return false;
}

static const char *list_item(lua_State *L, int list, lua_Integer i, size_t *length) {
    lua_rawgeti(L, list, i);
    const char *text = lua_tolstring(L, -1, length);
    lua_pop(L, 1); /* the list keeps it */
    return text;
}

static bool set_subject(X509 *certificate, const issue_request *request, sci_failure *failure) {
    failure->subject = request->subject;
    X509_NAME *name = sci_parse_name(request->subject, request->subject_length, failure);
    bool set =
        name && (X509_set_subject_name(certificate, name) || refuse(failure, "malformed_name", NULL, request->subject));
    X509_NAME_free(name);
    if (set) failure->subject = NULL;
    return set;
}

static bool set_issuer(X509 *certificate, const issue_request *request) {
    return X509_set_issuer_name(certificate, X509_get_subject_name(request->issuer ? request->issuer : certificate));
}

static bool set_dates(X509 *certificate, const issue_request *request, sci_failure *failure) {
    ASN1_TIME *date = ASN1_TIME_new();
    bool set = false;
    if (request->not_after < request->not_before)
        refuse(failure, "invalid_option", "the certificate would end before it begins", "notAfter");
    else if (date)
        set = (sci_time_from_seconds(date, request->not_before) && X509_set1_notBefore(certificate, date) &&
               sci_time_from_seconds(date, request->not_after) && X509_set1_notAfter(certificate, date)) ||
              refuse(failure, "invalid_option", "a date is not in the years 1900 to 9999", NULL);
    ASN1_TIME_free(date);
    return set;
}

#define SERIAL_BITS 159 /* positive, in the 20 octets that RFC 5280 allows */

static bool read_serial(BIGNUM **number, const char *digits) {
    size_t length = strlen(digits);
    if (length == 0 || length > 40 || strspn(digits, "0123456789abcdefABCDEF") != length) return false;
    return BN_hex2bn(number, digits) == (int)length && BN_num_bits(*number) <= SERIAL_BITS;
}

static bool set_serial(X509 *certificate, const issue_request *request, sci_failure *failure) {
    BIGNUM *number = BN_new();
    bool made = number != NULL;
    if (made && request->serial)
        made = read_serial(&number, request->serial) ||
               refuse(failure, "invalid_option", "a serial number is at most 159 bits in hexadecimal", "serial");
    else if (made) made = BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY);
    bool set = made && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    return set;
}

/* ---- extensions ------------------------------------------------------------------------------------------------- */

/* `value` in the words of OpenSSL's configuration files. */
static bool add_extension(X509 *certificate, X509V3_CTX *context, int nid, const char *value) {
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, context, nid, value);
    bool added = extension && X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return added;
}

static bool add_constraints(X509 *certificate, X509V3_CTX *context, const issue_request *request) {
    char value[64];
    if (request->path_length >= 0)
        snprintf(value, sizeof value, "critical,CA:TRUE,pathlen:%d", (int)request->path_length);
    else snprintf(value, sizeof value, "%s", request->ca ? "critical,CA:TRUE" : "CA:FALSE");
    return add_extension(certificate, context, NID_basic_constraints, value);
}

static bool add_identifiers(X509 *certificate, X509V3_CTX *context, const issue_request *request) {
    return add_extension(certificate, context, NID_subject_key_identifier, "hash") &&
           add_extension(certificate, context, NID_authority_key_identifier,
                         request->issuer ? "keyid,issuer" : "keyid:always");
}

static const char *default_usage(const issue_request *request) {
    if (request->ca) return "critical,keyCertSign,cRLSign";
    if (EVP_PKEY_is_a(request->key, "RSA")) return "critical,digitalSignature,keyEncipherment";
    return EVP_PKEY_can_sign(request->key) ? "critical,digitalSignature" : "critical,keyAgreement";
}

static bool set_usages(lua_State *L, ASN1_BIT_STRING *bits, const issue_request *request, sci_failure *failure) {
    for (lua_Integer i = 1; i <= request->usages; i++) {
        const char *name = list_item(L, USAGE, i, NULL);
        int bit = sci_find_key_usage(name);
        if (bit < 0) return refuse(failure, "unknown_usage", "there is no key usage of that name", name);
        if (!ASN1_BIT_STRING_set_bit(bits, bit, 1)) return false;
    }
    return true;
}

static bool add_usage(lua_State *L, X509 *certificate, X509V3_CTX *context, const issue_request *request,
                      sci_failure *failure) {
    if (request->default_usage) return add_extension(certificate, context, NID_key_usage, default_usage(request));
    if (request->usages == 0) return true;
    ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
    bool added = bits && set_usages(L, bits, request, failure) &&
                 X509_add1_ext_i2d(certificate, NID_key_usage, bits, 1, X509V3_ADD_DEFAULT) > 0;
    ASN1_BIT_STRING_free(bits);
    return added;
}

static bool put_extended_usages(lua_State *L, EXTENDED_KEY_USAGE *list, const issue_request *request,
                                sci_failure *failure) {
    for (lua_Integer i = 1; i <= request->extended_usages; i++) {
        const char *name = list_item(L, EXTENDED_USAGE, i, NULL);
        ASN1_OBJECT *oid = OBJ_txt2obj(name, 0);
        if (!oid) return refuse(failure, "unknown_usage", "OpenSSL knows no purpose of that name", name);
        if (sk_ASN1_OBJECT_push(list, oid) > 0) continue;
        ASN1_OBJECT_free(oid);
        return false;
    }
    return true;
}

static bool add_extended_usage(lua_State *L, X509 *certificate, X509V3_CTX *context, const issue_request *request,
                               sci_failure *failure) {
    if (request->default_extended_usage)
        return request->ca || add_extension(certificate, context, NID_ext_key_usage, "serverAuth,clientAuth");
    if (request->extended_usages == 0) return true;
    EXTENDED_KEY_USAGE *list = EXTENDED_KEY_USAGE_new();
    bool added = list && put_extended_usages(L, list, request, failure) &&
                 X509_add1_ext_i2d(certificate, NID_ext_key_usage, list, 0, X509V3_ADD_DEFAULT) > 0;
    EXTENDED_KEY_USAGE_free(list);
    return added;
}

static bool put_names(lua_State *L, GENERAL_NAMES *list, const issue_request *request, sci_failure *failure) {
    for (lua_Integer i = 1; i <= request->names; i++) {
        size_t length;
        const char *text = list_item(L, NAMES, i, &length);
        GENERAL_NAME *name = sci_parse_general_name(text, length, failure);
        if (!name) return false;
        if (sk_GENERAL_NAME_push(list, name) > 0) continue;
        GENERAL_NAME_free(name);
        return false;
    }
    failure->subject = NULL;
    return true;
}

/* Critical where there is no subject beside it (RFC 5280, section 4.2.1.6). */
static bool add_names(lua_State *L, X509 *certificate, const issue_request *request, sci_failure *failure) {
    if (request->names == 0) return true;
    int critical = X509_NAME_entry_count(X509_get_subject_name(certificate)) == 0;
    GENERAL_NAMES *list = GENERAL_NAMES_new();
    bool added = list && put_names(L, list, request, failure) &&
                 X509_add1_ext_i2d(certificate, NID_subject_alt_name, list, critical, X509V3_ADD_DEFAULT) > 0;
    GENERAL_NAMES_free(list);
    return added;
}

/* The URI at `i` in the list, as a general name; NULL: out of memory, or `failure` says why it is none. */
static GENERAL_NAME *make_uri(lua_State *L, int list, lua_Integer i, sci_failure *failure) {
    size_t length;
    const char *text = list_item(L, list, i, &length);
    GENERAL_NAME *name = sci_parse_general_name(text, length, failure);
    if (name && name->type == GEN_URI) return name;
    if (name) refuse(failure, "invalid_option", "a URI is expected", text);
    GENERAL_NAME_free(name);
    return NULL;
}

static bool put_access(lua_State *L, AUTHORITY_INFO_ACCESS *access, int method, int list, lua_Integer count,
                       sci_failure *failure) {
    for (lua_Integer i = 1; i <= count; i++) {
        GENERAL_NAME *uri = make_uri(L, list, i, failure);
        ACCESS_DESCRIPTION *one = uri ? ACCESS_DESCRIPTION_new() : NULL;
        if (!one || !sk_ACCESS_DESCRIPTION_push(access, one)) {
            ACCESS_DESCRIPTION_free(one);
            GENERAL_NAME_free(uri);
            return false;
        }
        GENERAL_NAME_free(one->location);
        one->location = uri;
        ASN1_OBJECT_free(one->method);
        one->method = OBJ_nid2obj(method); /* static: never freed */
    }
    failure->subject = NULL;
    return true;
}

static bool add_access(lua_State *L, X509 *certificate, const issue_request *request, sci_failure *failure) {
    if (request->ocsp_uris + request->ca_issuer_uris == 0) return true;
    AUTHORITY_INFO_ACCESS *access = AUTHORITY_INFO_ACCESS_new();
    bool added = access && put_access(L, access, NID_ad_OCSP, OCSP_URIS, request->ocsp_uris, failure) &&
                 put_access(L, access, NID_ad_ca_issuers, CA_ISSUER_URIS, request->ca_issuer_uris, failure) &&
                 X509_add1_ext_i2d(certificate, NID_info_access, access, 0, X509V3_ADD_DEFAULT) > 0;
    AUTHORITY_INFO_ACCESS_free(access);
    return added;
}

/* One point with all URIs: they are places of the same list. */
static bool put_point(lua_State *L, DIST_POINT *point, const issue_request *request, sci_failure *failure) {
    point->distpoint = DIST_POINT_NAME_new();
    if (!point->distpoint) return false;
    point->distpoint->type = 0;
    point->distpoint->name.fullname = GENERAL_NAMES_new();
    for (lua_Integer i = 1; i <= request->crl_uris; i++) {
        GENERAL_NAME *uri = point->distpoint->name.fullname ? make_uri(L, CRL_URIS, i, failure) : NULL;
        if (uri && sk_GENERAL_NAME_push(point->distpoint->name.fullname, uri) > 0) continue;
        GENERAL_NAME_free(uri);
        return false;
    }
    failure->subject = NULL;
    return true;
}

static bool add_points(lua_State *L, X509 *certificate, const issue_request *request, sci_failure *failure) {
    if (request->crl_uris == 0) return true;
    CRL_DIST_POINTS *points = CRL_DIST_POINTS_new();
    DIST_POINT *point = points ? DIST_POINT_new() : NULL;
    bool held = point && sk_DIST_POINT_push(points, point) > 0;
    if (!held) DIST_POINT_free(point);
    bool added = held && put_point(L, point, request, failure) &&
                 X509_add1_ext_i2d(certificate, NID_crl_distribution_points, points, 0, X509V3_ADD_DEFAULT) > 0;
    CRL_DIST_POINTS_free(points);
    return added;
}

static bool put_policies(lua_State *L, CERTIFICATEPOLICIES *policies, const issue_request *request,
                         sci_failure *failure) {
    for (lua_Integer i = 1; i <= request->policies; i++) {
        const char *text = list_item(L, POLICIES, i, NULL);
        ASN1_OBJECT *oid = OBJ_txt2obj(text, 1);
        if (!oid) return refuse(failure, "invalid_option", "an object identifier in numbers is expected", text);
        POLICYINFO *one = POLICYINFO_new();
        if (!one || !sk_POLICYINFO_push(policies, one)) {
            POLICYINFO_free(one);
            ASN1_OBJECT_free(oid);
            return false;
        }
        ASN1_OBJECT_free(one->policyid);
        one->policyid = oid;
    }
    return true;
}

static bool add_policies(lua_State *L, X509 *certificate, const issue_request *request, sci_failure *failure) {
    if (request->policies == 0) return true;
    CERTIFICATEPOLICIES *policies = CERTIFICATEPOLICIES_new();
    bool added = policies && put_policies(L, policies, request, failure) &&
                 X509_add1_ext_i2d(certificate, NID_certificate_policies, policies, 0, X509V3_ADD_DEFAULT) > 0;
    CERTIFICATEPOLICIES_free(policies);
    return added;
}

/* The fields were checked; the strings stay in the table. */
static bool add_raw_extension(lua_State *L, X509 *certificate, lua_Integer i, sci_failure *failure) {
    size_t length;
    lua_rawgeti(L, EXTENSIONS, i);
    push_raw_field(L, -1, "oid");
    push_raw_field(L, -2, "data");
    push_raw_field(L, -3, "critical");
    const char *name = lua_tostring(L, -3), *data = lua_tolstring(L, -2, &length);
    bool critical = lua_toboolean(L, -1);
    lua_pop(L, 4);
    ASN1_OBJECT *oid = OBJ_txt2obj(name, 0);
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension = NULL;
    bool added = false;
    if (!oid) refuse(failure, "invalid_option", "an object identifier is expected", name);
    else if (X509_get_ext_by_OBJ(certificate, oid, -1) >= 0)
        refuse(failure, "invalid_option", "there is such an extension already", name);
    else if (octets && length <= INT_MAX && ASN1_OCTET_STRING_set(octets, (const unsigned char *)data, (int)length)) {
        extension = X509_EXTENSION_create_by_OBJ(NULL, oid, critical, octets);
        added = extension && X509_add_ext(certificate, extension, -1);
    }
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(octets);
    ASN1_OBJECT_free(oid);
    return added;
}

static bool add_raw_extensions(lua_State *L, X509 *certificate, const issue_request *request, sci_failure *failure) {
    bool added = true;
    for (lua_Integer i = 1; added && i <= request->extensions; i++)
        added = add_raw_extension(L, certificate, i, failure);
    return added;
}

static bool add_extensions(lua_State *L, X509 *certificate, const issue_request *request, sci_failure *failure) {
    X509V3_CTX context = {0};
    X509V3_set_ctx(&context, request->issuer ? request->issuer : certificate, certificate, NULL, NULL, 0);
    return add_constraints(certificate, &context, request) && add_identifiers(certificate, &context, request) &&
           add_usage(L, certificate, &context, request, failure) &&
           add_extended_usage(L, certificate, &context, request, failure) &&
           add_names(L, certificate, request, failure) && add_access(L, certificate, request, failure) &&
           add_points(L, certificate, request, failure) && add_policies(L, certificate, request, failure) &&
           add_raw_extensions(L, certificate, request, failure);
}

/* ---- signing ---------------------------------------------------------------------------------------------------- */

/* The digest that suits the key, written into `name`; NULL: the algorithm brings its own, as Ed25519 does. */
static const char *suitable_digest(EVP_PKEY *key, char *name, size_t size) {
    bool known = EVP_PKEY_get_default_digest_name(key, name, size) > 0;
    if (!known) return "SHA256";
    return *name == '\0' || strcmp(name, "UNDEF") == 0 ? NULL : name;
}

bool sci_find_signature_digest(EVP_PKEY *key, const char *name, EVP_MD **digest, sci_failure *failure) {
    char suitable[80] = "";
    if (!EVP_PKEY_can_sign(key)) return refuse(failure, "wrong_key", "a key of this algorithm cannot sign", NULL);
    const char *used = name ? name : suitable_digest(key, suitable, sizeof suitable);
    *digest = used ? EVP_MD_fetch(NULL, used, NULL) : NULL;
    return !used || *digest || refuse(failure, "unknown_digest", "this OpenSSL knows no such digest", name);
}

static bool sign(X509 *certificate, const issue_request *request, sci_failure *failure) {
    EVP_MD *digest = NULL;
    EVP_PKEY *key = request->issuer ? request->issuer_key : request->key;
    if (!sci_find_signature_digest(key, request->digest, &digest, failure)) return false;
    bool signed_well = X509_sign(certificate, key, digest) > 0;
    EVP_MD_free(digest);
    return signed_well;
}

static bool issuer_fits(const issue_request *request, sci_failure *failure) {
    return !request->issuer || X509_check_private_key(request->issuer, request->issuer_key) == 1 ||
           refuse(failure, "key_mismatch", "the issuerKey is not the key of the issuer's certificate", "issuerKey");
}

static bool fill(lua_State *L, X509 *certificate, const issue_request *request, sci_failure *failure) {
    return certificate && X509_set_version(certificate, X509_VERSION_3) && set_subject(certificate, request, failure) &&
           set_issuer(certificate, request) && set_dates(certificate, request, failure) &&
           set_serial(certificate, request, failure) && X509_set_pubkey(certificate, request->key) &&
           add_extensions(L, certificate, request, failure);
}

/***
Makes a certificate: self-signed, or signed by an authority. Meant for tests, the REPL and authorities of one's own.
@function SciSslX509Certificate.issue
@tparam table options
 `subject`: RFC 2253 text in UTF-8, such as `"CN=localhost,O=Test"`;
 `names`: strings for the subjectAltName; each becomes an address, a URI (`scheme:…`), an e-mail address (with `@`) or
 else a host name. Either `subject` or `names` may be missing;
 `key`: the SciSslPrivateKey that the certificate is for;
 `issuer`, `issuerKey`: certificate and key of the authority (default: the certificate signs itself);
 `ca`: true makes an authority (default false);
 `days`: how long it is valid, fractions too (default 30);
 `notBefore`, `notAfter`: seconds since the epoch (default: from now, for `days`; before a `notAfter` in the past, for
 `days`);
 `serial`: hexadecimal digits or an integer (default: 159 random bits);
 `digest`: such as `"SHA384"` (default: what suits the key);
 `usage`: names as `keyUsage` answers them (default: what suits; an empty list leaves the extension out);
 `extendedUsage`: names as `extendedKeyUsage` answers them (default: none for an authority, `serverAuth` and
 `clientAuth` for others; an empty list leaves the extension out);
 `pathLength`: for a `ca`, how many authorities may stand below it;
 `ocspUris`, `caIssuerUris`, `crlUris`: lists of URIs where to ask about the certificate, its issuer, and what was revoked;
 `policies`: list of object identifiers in numbers;
 `extensions`: list of tables with `oid` (numbers, or OpenSSL's name), `data` (DER bytes, not looked at) and `critical`
 (boolean, false)
@treturn[1] SciSslX509Certificate
@treturn[2] nil
@treturn[2] SciSslError phase `issue`; condition `malformed_name`, `key_mismatch`, `unknown_usage`, `unknown_digest`,
 `invalid_option`, `wrong_key` …
@raise for an unknown option or one of a wrong type
@see RFC 5280, section 4; X509_sign(3)
*/
int sci_issue_certificate(lua_State *L) {
    const issue_request request = check_request(L);
    X509 **slot = sci_new_certificate(L);
    sci_failure failure = {.phase = "issue"};
    ERR_clear_error();
    *slot = X509_new();
    bool issued =
        issuer_fits(&request, &failure) && fill(L, *slot, &request, &failure) && sign(*slot, &request, &failure);
    return issued ? 1 : sci_fail(L, &failure);
}
