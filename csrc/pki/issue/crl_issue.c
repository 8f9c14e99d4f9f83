/* crl_issue.c: SciSslX509Crl.issue, the making of a CRL (RFC 5280, section 5). */
#include "pki/issue/issue.h"

#include <string.h>
#include <time.h>

#define OPTIONS 1 /* stack index of the table of options */

enum { ISSUER = OPTIONS + 1, ISSUER_KEY, REVOKED, NUMBER, LAST_UPDATE, NEXT_UPDATE, DIGEST, CRL };

static const char *const option_names[] = {"issuer",     "issuerKey",  "revoked", "number",
                                           "lastUpdate", "nextUpdate", "digest",  NULL};

static bool set_times(X509_CRL *crl, lua_Integer last, lua_Integer next, sci_failure *failure) {
    ASN1_TIME *time = ASN1_TIME_new();
    bool set = false;
    if (next < last) sci_refuse_about(failure, "invalid_option", "nextUpdate is before lastUpdate", "nextUpdate");
    else if (time)
        set = (sci_time_from_seconds(time, last) && X509_CRL_set1_lastUpdate(crl, time) &&
               sci_time_from_seconds(time, next) && X509_CRL_set1_nextUpdate(crl, time)) ||
              sci_refuse_about(failure, "invalid_option", "a time is not in the years 1900 to 9999", "lastUpdate");
    ASN1_TIME_free(time);
    return set;
}

static bool set_number(X509_CRL *crl, const char *digits, sci_failure *failure) {
    if (!digits) return true;
    ASN1_INTEGER *number = sci_parse_serial(digits);
    bool set = number && X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, X509V3_ADD_DEFAULT) > 0;
    if (!number)
        sci_refuse_about(failure, "invalid_option", "expected hexadecimal digits, or an integer of 0 or more",
                         "number");
    ASN1_INTEGER_free(number);
    return set;
}

static bool set_reason(X509_REVOKED *entry, int reason) {
    if (reason < 0) return true;
    ASN1_ENUMERATED *value = ASN1_ENUMERATED_new();
    bool set = value && ASN1_ENUMERATED_set(value, reason) &&
               X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, value, 0, X509V3_ADD_DEFAULT) > 0;
    ASN1_ENUMERATED_free(value);
    return set;
}

/* One entry of `revoked`, checked. */
typedef struct revocation {
    const X509 *certificate; /* NULL: the serial number counts */
    const char *serial;
    lua_Integer time;
    int reason; /* -1: none is given */
} revocation;

static bool add_entry(X509_CRL *crl, const revocation *given, sci_failure *failure) {
    ASN1_INTEGER *serial = given->certificate ? ASN1_INTEGER_dup(X509_get0_serialNumber(given->certificate))
                                              : sci_parse_serial(given->serial);
    ASN1_TIME *time = ASN1_TIME_new();
    X509_REVOKED *entry = X509_REVOKED_new();
    bool added = false;
    if (!serial)
        sci_refuse_about(failure, "invalid_option", "hexadecimal digits of a serial number expected", "serial");
    else if (!time || !sci_time_from_seconds(time, given->time))
        sci_refuse_about(failure, "invalid_option", "a time is not in the years 1900 to 9999", "time");
    else
        added = entry && X509_REVOKED_set_serialNumber(entry, serial) && X509_REVOKED_set_revocationDate(entry, time) &&
                set_reason(entry, given->reason) && X509_CRL_add0_revoked(crl, entry);
    if (!added) X509_REVOKED_free(entry);
    ASN1_TIME_free(time);
    ASN1_INTEGER_free(serial);
    return added;
}

static const char *const entry_names[] = {"certificate", "serial", "time", "reason", NULL};

/* A misspelt field must not count as missing. */
static void refuse_other_fields(lua_State *L, int entry) {
    for (lua_pushnil(L); lua_next(L, entry); lua_pop(L, 1)) {
        int known = 0;
        while (lua_type(L, -2) == LUA_TSTRING && entry_names[known] &&
               strcmp(entry_names[known], lua_tostring(L, -2)) != 0)
            known++;
        if (lua_type(L, -2) != LUA_TSTRING || !entry_names[known])
            sci_option_error(L, OPTIONS, "revoked", "fields certificate or serial, time and reason", -2);
    }
}

/* Raises where there is no serial number at `index`. Digits replace an integer. */
static const char *check_entry_serial(lua_State *L, int index) {
    const char *digits = sci_to_serial_digits(L, index);
    if (!digits)
        sci_option_error(L, OPTIONS, "revoked", "certificate, or serial in hexadecimal or as an integer,", index);
    return digits;
}

/* Reads the entry on top of the stack, whose values stay above it. Raises for an entry that is malformed. Calls no
 * metamethod: it might close the issuer's key. */
static revocation read_entry(lua_State *L, lua_Integer now) {
    revocation given = {.time = now, .reason = -1};
    if (!lua_istable(L, -1)) sci_option_error(L, OPTIONS, "revoked", "list of tables", -1);
    int entry = lua_gettop(L), certificate = entry + 1, serial = entry + 2, time = entry + 3, reason = entry + 4;
    refuse_other_fields(L, entry);
    for (int i = 0; entry_names[i]; i++) sci_push_raw_field(L, entry, entry_names[i]);
    given.certificate = sci_test_certificate(L, certificate);
    if (!given.certificate || !lua_isnil(L, serial)) given.serial = check_entry_serial(L, serial);
    if (given.certificate && given.serial)
        sci_option_error(L, OPTIONS, "revoked", "certificate or serial, not both,", serial);
    if (!lua_isnil(L, time) && !lua_isinteger(L, time))
        sci_option_error(L, OPTIONS, "revoked", "time in seconds", time);
    if (!lua_isnil(L, time)) given.time = lua_tointeger(L, time);
    if (lua_isnil(L, reason)) return given;
    given.reason = lua_type(L, reason) == LUA_TSTRING ? sci_find_crl_reason(lua_tostring(L, reason)) : -1;
    if (given.reason < 0) sci_option_error(L, OPTIONS, "revoked", "reason of RFC 5280", reason);
    return given;
}

static bool add_entries(lua_State *L, X509_CRL *crl, lua_Integer now, sci_failure *failure) {
    lua_Unsigned count = lua_isnil(L, REVOKED) ? 0 : lua_rawlen(L, REVOKED);
    luaL_checkstack(L, 8, "too many values");
    for (lua_Unsigned i = 1; i <= count; i++) {
        lua_rawgeti(L, REVOKED, (lua_Integer)i);
        revocation given = read_entry(L, now);
        bool added = add_entry(crl, &given, failure);
        lua_settop(L, CRL);
        if (!added) return false;
    }
    return true;
}

static bool issuer_fits(const X509 *issuer, EVP_PKEY *key, sci_failure *failure) {
    return X509_check_private_key(issuer, key) == 1 || sci_refuse_about(failure, "key_mismatch", NULL, "issuerKey");
}

/* Where the issuer's certificate has an identifier of its key. */
static bool add_identifier(X509_CRL *crl, X509 *issuer) {
    X509V3_CTX context = {0};
    if (!X509_get0_subject_key_id(issuer)) return true;
    X509V3_set_ctx(&context, issuer, NULL, NULL, crl, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, NID_authority_key_identifier, "keyid:always");
    bool added = extension && X509_CRL_add_ext(crl, extension, -1);
    X509_EXTENSION_free(extension);
    return added;
}

static bool sign(X509_CRL *crl, EVP_PKEY *key, const char *digest_name, sci_failure *failure) {
    EVP_MD *digest = NULL;
    bool made = sci_find_signature_digest(key, digest_name, &digest, failure) && X509_CRL_sort(crl) &&
                X509_CRL_sign(crl, key, digest) > 0;
    EVP_MD_free(digest);
    return made;
}

/* OpenSSL prepares a CRL for look-ups and comparisons when it decodes one. */
static bool decode_again(X509_CRL **slot) {
    unsigned char *bytes = NULL;
    int length = i2d_X509_CRL(*slot, &bytes);
    const unsigned char *cursor = bytes;
    X509_CRL *decoded = length > 0 ? d2i_X509_CRL(NULL, &cursor, length) : NULL;
    OPENSSL_free(bytes);
    if (!decoded) return false;
    X509_CRL_free(*slot);
    *slot = decoded;
    return true;
}

static void check_options(lua_State *L) {
    lua_settop(L, OPTIONS);
    sci_push_options(L, OPTIONS, option_names);
    sci_check_certificate_option(L, OPTIONS, "issuer", ISSUER);
    sci_check_key_option(L, OPTIONS, "issuerKey", ISSUER_KEY);
    if (!lua_isnil(L, REVOKED)) (void)sci_check_list_of(L, OPTIONS, "revoked", "list of tables", REVOKED);
    if (!lua_isnil(L, NUMBER) && !sci_to_serial_digits(L, NUMBER))
        sci_option_error(L, OPTIONS, "number", "hexadecimal digits, or an integer of 0 or more,", NUMBER);
    sci_check_text_option(L, OPTIONS, "digest", DIGEST);
}

#define WEEK (7 * 86400)

/***
Makes a CRL, and signs it.
@function SciSslX509Crl.issue
@tparam table options what the CRL says:

* `issuer` (needed), `issuerKey` (needed): certificate and key of the authority
* `revoked`: list of tables with `certificate` (SciSslX509Certificate) or `serial` (hexadecimal digits, or an integer),
  `time` (seconds since the epoch; that of `lastUpdate`) and `reason` (of RFC 5280, section 5.3.1, such as `keyCompromise`;
  none)
* `number`: hexadecimal digits, or an integer (none)
* `lastUpdate`: seconds since the epoch (now)
* `nextUpdate`: seconds since the epoch (a week after `lastUpdate`)
* `digest`: such as `"SHA384"` (default: the one that suits the key)

@treturn[1] SciSslX509Crl
@treturn[2] nil
@treturn[2] SciSslError phase `issue`; condition `key_mismatch`, `unknown_digest`, `invalid_option`
@raise for an unknown option or one of a wrong type
@see X509_CRL_sign(3)
@see RFC 5280, section 5
*/
static int crl_issue(lua_State *L) {
    check_options(L);
    lua_Integer now = (lua_Integer)time(NULL);
    lua_Integer last = sci_check_seconds_option(L, OPTIONS, "lastUpdate", LAST_UPDATE, now);
    lua_Integer next = sci_check_seconds_option(L, OPTIONS, "nextUpdate", NEXT_UPDATE, last + WEEK);
    X509 *issuer = sci_check_certificate(L, ISSUER);
    EVP_PKEY *key = sci_check_key(L, ISSUER_KEY);
    X509_CRL **slot = sci_new_crl(L);
    sci_failure failure = {.phase = "issue"};
    sci_clear_errors();
    X509_CRL *crl = *slot = X509_CRL_new();
    bool made = crl && issuer_fits(issuer, key, &failure) && X509_CRL_set_version(crl, X509_CRL_VERSION_2) &&
                X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer)) && set_times(crl, last, next, &failure) &&
                add_entries(L, crl, last, &failure) && add_identifier(crl, issuer) &&
                set_number(crl, lua_tostring(L, NUMBER), &failure) &&
                sign(crl, key, lua_tostring(L, DIGEST), &failure) && decode_again(slot);
    lua_settop(L, CRL);
    return made ? 1 : sci_fail(L, &failure);
}

static const luaL_Reg issue_functions[] = {{"issue", crl_issue}, {NULL, NULL}};

void sci_open_crl_issue(lua_State *L) { luaL_setfuncs(L, issue_functions, 0); }
