/* x509_issue.c: SciSslX509Certificate.issue, self-signed and CA-signed certificates (RFC 5280). */
#include "pki/issue/x509_issue.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>

static const char *const option_names[] = {
    "subject",       "names",      "key",      "issuer",       "issuerKey", "ca",
    "days",          "notBefore",  "notAfter", "serial",       "digest",    "usage",
    "extendedUsage", "pathLength", "ocspUris", "caIssuerUris", "crlUris",   "policies",
    "extensions",    "request",    NULL,
};

static const char *option_name(int index) { return option_names[index - SUBJECT]; }

/* ---- the request ------------------------------------------------------------------------------------------------- */

static const char *string_option(lua_State *L, int index, size_t *length) {
    if (lua_isnil(L, index)) return NULL;
    if (lua_type(L, index) != LUA_TSTRING) sci_option_error(L, OPTIONS, option_name(index), "string", index);
    return lua_tolstring(L, index, length);
}

static lua_Integer integer_option(lua_State *L, int index, lua_Integer missing) {
    int is_integer;
    if (lua_isnil(L, index)) return missing;
    lua_Integer value = lua_tointegerx(L, index, &is_integer);
    if (!is_integer || lua_type(L, index) != LUA_TNUMBER)
        sci_option_error(L, OPTIONS, option_name(index), "integer", index);
    return value;
}

static EVP_PKEY *key_option(lua_State *L, int index) {
    return lua_isnil(L, index) ? NULL : sci_check_key_option(L, OPTIONS, option_name(index), index);
}

static X509_REQ *request_option(lua_State *L) {
    if (lua_isnil(L, REQUEST)) return NULL;
    X509_REQ *request = sci_test_request(L, REQUEST);
    if (!request) sci_option_error(L, OPTIONS, "request", "open " SCI_REQUEST, REQUEST);
    return request;
}

static const char *serial_option(lua_State *L) {
    if (lua_isnil(L, SERIAL)) return NULL;
    const char *digits = sci_to_serial_digits(L, SERIAL);
    if (!digits) sci_option_error(L, OPTIONS, "serial", "hexadecimal digits, or an integer of 0 or more,", SERIAL);
    return digits;
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
    return sci_check_seconds_option(L, OPTIONS, option_name(index), index, missing);
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
    request->names = sci_check_list_option(L, OPTIONS, "names", NAMES);
    request->from = request_option(L);
    if (!request->from && !request->subject && request->names == 0)
        luaL_argerror(L, OPTIONS, "option 'subject' or 'names' expected");
    if (!request->from && !request->subject) request->subject = "";
}

static void check_keys(lua_State *L, issue_request *request) {
    request->key = key_option(L, KEY);
    request->issuer = lua_isnil(L, ISSUER) ? NULL : sci_check_certificate_option(L, OPTIONS, "issuer", ISSUER);
    request->issuer_key = key_option(L, ISSUER_KEY);
    if (request->from && !request->key) request->key = X509_REQ_get0_pubkey(request->from);
    if (!request->key) luaL_argerror(L, OPTIONS, "option 'key' expected");
    if (request->from && !request->issuer) luaL_argerror(L, OPTIONS, "option 'request' needs 'issuer' and 'issuerKey'");
    if (!request->issuer != !request->issuer_key)
        luaL_argerror(L, OPTIONS, "options 'issuer' and 'issuerKey' go together");
}

static void check_usage(lua_State *L, issue_request *request) {
    request->ca = sci_check_boolean_option(L, OPTIONS, "ca", CA);
    request->path_length = integer_option(L, PATH_LENGTH, -1);
    if (!lua_isnil(L, PATH_LENGTH) && (!request->ca || request->path_length < 0 || request->path_length > 1000000))
        luaL_argerror(L, OPTIONS, "option 'pathLength' needs ca = true, and must be 0 or more");
    request->usages = sci_check_list_option(L, OPTIONS, "usage", USAGE);
    request->default_usage = lua_isnil(L, USAGE);
    request->extended_usages = sci_check_list_option(L, OPTIONS, "extendedUsage", EXTENDED_USAGE);
    request->default_extended_usage = lua_isnil(L, EXTENDED_USAGE);
}

static void check_raw_extension(lua_State *L, lua_Integer i) {
    if (lua_rawgeti(L, EXTENSIONS, i) != LUA_TTABLE)
        sci_option_error(L, OPTIONS, "extensions", "list of tables with oid, critical and data", -1);
    if (sci_push_raw_field(L, -1, "oid") != LUA_TSTRING) sci_option_error(L, OPTIONS, "extensions", "oid", -1);
    if (sci_push_raw_field(L, -2, "data") != LUA_TSTRING) sci_option_error(L, OPTIONS, "extensions", "data in DER", -1);
    int critical = sci_push_raw_field(L, -3, "critical");
    if (critical != LUA_TNIL && critical != LUA_TBOOLEAN)
        sci_option_error(L, OPTIONS, "extensions", "critical: boolean", -1);
    if (strlen(lua_tostring(L, -3)) != lua_rawlen(L, -3)) sci_option_error(L, OPTIONS, "extensions", "oid", -3);
    lua_pop(L, 4);
}

static void check_lists(lua_State *L, issue_request *request) {
    request->ocsp_uris = sci_check_list_option(L, OPTIONS, "ocspUris", OCSP_URIS);
    request->ca_issuer_uris = sci_check_list_option(L, OPTIONS, "caIssuerUris", CA_ISSUER_URIS);
    request->crl_uris = sci_check_list_option(L, OPTIONS, "crlUris", CRL_URIS);
    request->policies = sci_check_list_option(L, OPTIONS, "policies", POLICIES);
    if (lua_isnil(L, EXTENSIONS)) return;
    request->extensions = sci_check_list_of(L, OPTIONS, "extensions", "list of tables", EXTENSIONS);
    for (lua_Integer i = 1; i <= request->extensions; i++) check_raw_extension(L, i);
}

/* Raises for wrong options, before any object of OpenSSL's is made. The values on the stack own what the result points
 * to. */
static issue_request check_request(lua_State *L) {
    issue_request request = {0};
    lua_settop(L, OPTIONS);
    sci_push_options(L, OPTIONS, option_names);
    request.serial = serial_option(L);
    request.digest = sci_check_text_option(L, OPTIONS, "digest", DIGEST);
    check_names(L, &request);
    check_keys(L, &request);
    check_usage(L, &request);
    check_dates(L, &request);
    check_lists(L, &request);
    return request;
}

/* ---- filling the certificate. Nothing below raises --------------------------------------------------------------- */

static bool set_subject(X509 *certificate, const issue_request *request, sci_failure *failure) {
    if (!request->subject) return X509_set_subject_name(certificate, X509_REQ_get_subject_name(request->from)) == 1;
    failure->subject = request->subject;
    X509_NAME *name = sci_parse_name(request->subject, request->subject_length, failure);
    bool set = name && (X509_set_subject_name(certificate, name) ||
                        sci_refuse_about(failure, "malformed_name", NULL, request->subject));
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
        sci_refuse_about(failure, "invalid_option", "notAfter is before notBefore", "notAfter");
    else if (date)
        set = (sci_time_from_seconds(date, request->not_before) && X509_set1_notBefore(certificate, date) &&
               sci_time_from_seconds(date, request->not_after) && X509_set1_notAfter(certificate, date)) ||
              sci_refuse_about(failure, "invalid_option", "a date is not in the years 1900 to 9999", NULL);
    ASN1_TIME_free(date);
    return set;
}

static bool is_zero(const ASN1_INTEGER *serial) {
    return ASN1_STRING_length(serial) == 1 && *ASN1_STRING_get0_data(serial) == 0;
}

static bool set_given_serial(X509 *certificate, const char *digits, sci_failure *failure) {
    ASN1_INTEGER *serial = sci_parse_serial(digits);
    bool good = serial && !is_zero(serial);
    bool set = good && X509_set_serialNumber(certificate, serial);
    ASN1_INTEGER_free(serial);
    return set || (!good &&
                   sci_refuse_about(failure, "invalid_option",
                                    "a serial number is positive, in hexadecimal, and has at most 159 bits", "serial"));
}

static bool set_random_serial(X509 *certificate) {
    BIGNUM *number = BN_new();
    bool set = number && BN_rand(number, SCI_SERIAL_BITS, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) &&
               BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    return set;
}

static bool set_serial(X509 *certificate, const issue_request *request, sci_failure *failure) {
    return request->serial ? set_given_serial(certificate, request->serial, failure) : set_random_serial(certificate);
}

/* ---- signing ----------------------------------------------------------------------------------------------------- */

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
           sci_refuse_about(failure, "key_mismatch", "the issuerKey is not the key of the issuer's certificate",
                            "issuerKey");
}

/* The requester must have the private key. */
static bool request_is_good(const issue_request *request, sci_failure *failure) {
    if (!request->from || X509_REQ_verify(request->from, X509_REQ_get0_pubkey(request->from)) == 1) return true;
    return sci_refuse_about(failure, "request_invalid", NULL, "request");
}

/* A subject of blanks has no entries, and a request may have neither subject nor names. */
static bool is_named(const X509 *certificate, sci_failure *failure) {
    return X509_NAME_entry_count(X509_get_subject_name(certificate)) > 0 ||
           X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1) >= 0 ||
           sci_refuse_about(failure, "name_missing", NULL, NULL);
}

static bool fill(lua_State *L, X509 *certificate, const issue_request *request, sci_failure *failure) {
    return certificate && X509_set_version(certificate, X509_VERSION_3) && set_subject(certificate, request, failure) &&
           set_issuer(certificate, request) && set_dates(certificate, request, failure) &&
           set_serial(certificate, request, failure) && X509_set_pubkey(certificate, request->key) &&
           sci_add_extensions(L, certificate, request, failure) && is_named(certificate, failure);
}

/***
Makes a certificate: self-signed, or signed by an authority. For tests, the REPL and small authorities.
@function SciSslX509Certificate.issue
@tparam table options what the certificate says:

* `subject`: RFC 2253 text in UTF-8, such as `"CN=localhost,O=Test"`
* `names`: strings for the subjectAltName; each becomes an address, a URI (`scheme:…`), an e-mail address (with `@`) or else
  a host name. Either `subject` or `names` may be missing
* `key`: the SciSslPrivateKey that the certificate is for
* `request`: a SciSslX509Request. Its subject, names and key are used unless they are given here, and nothing else
* `issuer`, `issuerKey`: certificate and key of the authority (default: the certificate signs itself)
* `ca`: true makes the certificate of an authority (default false)
* `days`: how long it is valid, fractions too (default 30)
* `notBefore`, `notAfter`: seconds since the epoch (default: from now, for `days`; before a `notAfter` in the past, for
  `days`)
* `serial`: hexadecimal digits or an integer (default: 159 random bits)
* `digest`: such as `"SHA384"` (default: the one that suits the key)
* `usage`: names as `keyUsage` returns them (default: those that suit the key; an empty list leaves the extension out)
* `extendedUsage`: names as `extendedKeyUsage` returns them (default: none for an authority, `serverAuth` and `clientAuth`
  for others; an empty list leaves the extension out)
* `pathLength`: for a `ca`, how many authorities may stand below it
* `ocspUris`, `caIssuerUris`, `crlUris`: lists of URIs of the OCSP responder, the issuer's certificate and the CRL
* `policies`: list of object identifiers in numbers
* `extensions`: list of tables with `oid` (numbers, or OpenSSL's name), `data` (DER bytes, not checked) and `critical`
  (boolean, false)

@treturn[1] SciSslX509Certificate
@treturn[2] nil
@treturn[2] SciSslError phase `issue`; condition `malformed_name`; `name_missing`: there is neither a subject nor a
 name; `key_mismatch`, `unknown_usage`, `unknown_digest`, `invalid_option`, `wrong_key`, `request_invalid` …
@raise for an unknown option or one of a wrong type
@see RFC 5280, section 4; X509_sign(3)
*/
static int certificate_issue(lua_State *L) {
    const issue_request request = check_request(L);
    X509 **slot = sci_new_certificate(L);
    sci_failure failure = {.phase = "issue"};
    sci_clear_errors();
    *slot = X509_new();
    bool issued = issuer_fits(&request, &failure) && request_is_good(&request, &failure) &&
                  fill(L, *slot, &request, &failure) && sign(*slot, &request, &failure);
    return issued ? 1 : sci_fail(L, &failure);
}

static const luaL_Reg issue_functions[] = {{"issue", certificate_issue}, {NULL, NULL}};

void sci_open_x509_issue(lua_State *L) { luaL_setfuncs(L, issue_functions, 0); }
