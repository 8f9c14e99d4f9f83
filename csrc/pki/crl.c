/* crl.c: SciSslX509Crl, which certificates their issuer has taken back (RFC 5280, section 5): reading, writing, making. */
#include "pki/issue/issue.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/bn.h>

/***
A certificate revocation list: read, made, asked and verified.
@classmod SciSslX509Crl
*/

static void *read_pem(BIO *bio) { return PEM_read_bio_X509_CRL(bio, NULL, sci_no_passphrase, NULL); }
static void *read_der(const unsigned char **cursor, long length) { return d2i_X509_CRL(NULL, cursor, length); }
static void release(void *crl) { X509_CRL_free(crl); }

static const sci_kind crl_kind = {
    .class = SCI_CRL,
    .closed = "CRL has been closed",
    .label = "X509 CRL",
    .due = "a CRL",
    .absent = "not_crl",
    .malformed = "malformed_crl",
    .malformed_message = "the CRL is malformed",
    .read_pem = read_pem,
    .read_der = read_der,
    .release = release,
};

X509_CRL **sci_new_crl(lua_State *L) { return sci_new_box(L, &crl_kind, sizeof(sci_box)); }
X509_CRL *sci_check_crl(lua_State *L, int index) { return sci_check_box(L, index, &crl_kind); }
X509_CRL *sci_test_crl(lua_State *L, int index) { return sci_test_box(L, index, &crl_kind); }

STACK_OF(X509_CRL) *sci_read_crls(BIO *bio, sci_failure *failure) { return sci_read_all(bio, &crl_kind, failure); }

static int crl_close(lua_State *L) { return sci_close_box(L, &crl_kind); }

/* ---- reading and writing ---------------------------------------------------------------------------------------- */

/***
Reads a revocation list from PEM text: the first, where there are several.
@function SciSslX509Crl.fromPem
@tparam string text
@treturn[1] SciSslX509Crl
@treturn[2] nil
@treturn[2] SciSslError phase `load`; condition `not_pem`, `not_crl` or `malformed_crl`
@see PEM_read_bio_X509_CRL(3)
*/
static int crl_from_pem(lua_State *L) { return sci_load_pem(L, &crl_kind); }

/***
Reads a revocation list from DER bytes.
@function SciSslX509Crl.fromDer
@tparam string bytes
@treturn[1] SciSslX509Crl
@treturn[2] nil
@treturn[2] SciSslError phase `load`; condition `not_der`, `not_crl` or `malformed_crl`
@see d2i_X509_CRL(3)
*/
static int crl_from_der(lua_State *L) { return sci_load_der(L, &crl_kind); }

static int write_pem(BIO *bio, const void *crl) { return PEM_write_bio_X509_CRL(bio, crl); }
static int write_der(BIO *bio, const void *crl) { return i2d_X509_CRL_bio(bio, crl); }

/***
Writes the revocation list as PEM text.
@function SciSslX509Crl:toPem
@treturn[1] string
@treturn[2] nil
@treturn[2] SciSslError phase `save`
@see PEM_write_bio_X509_CRL(3)
*/
static int crl_to_pem(lua_State *L) { return sci_push_written(L, write_pem, sci_check_crl(L, 1)); }

/***
Writes the revocation list as DER bytes.
@function SciSslX509Crl:toDer
@treturn[1] string
@treturn[2] nil
@treturn[2] SciSslError phase `save`
@see i2d_X509_CRL_bio(3)
*/
static int crl_to_der(lua_State *L) { return sci_push_written(L, write_der, sci_check_crl(L, 1)); }

/* ---- what it says ----------------------------------------------------------------------------------------------- */

static int push_time(lua_State *L, const ASN1_TIME *time) {
    lua_Integer seconds;
    if (time && sci_time_to_seconds(time, &seconds)) lua_pushinteger(L, seconds);
    else lua_pushnil(L);
    return 1;
}

/***
Answers who has issued the list.
@function SciSslX509Crl:issuer
@treturn[1] string RFC 2253 text in UTF-8
@treturn[2] nil
@treturn[2] SciSslError condition `malformed_name`
@see X509_CRL_get_issuer(3)
*/
static int crl_issuer(lua_State *L) {
    sci_clear_errors();
    sci_push_name(L, X509_CRL_get_issuer(sci_check_crl(L, 1)));
    return lua_isnil(L, -1) ? sci_fail(L, &(sci_failure){.phase = "load", .condition = "malformed_name"}) : 1;
}

/***
Answers when the list was made.
@function SciSslX509Crl:lastUpdate
@treturn ?integer seconds since the epoch
@see X509_CRL_get0_lastUpdate(3)
*/
static int crl_last_update(lua_State *L) { return push_time(L, X509_CRL_get0_lastUpdate(sci_check_crl(L, 1))); }

/***
Answers by when there will be a newer list.
@function SciSslX509Crl:nextUpdate
@treturn ?integer seconds since the epoch; nil where the issuer does not say
@see X509_CRL_get0_nextUpdate(3)
*/
static int crl_next_update(lua_State *L) { return push_time(L, X509_CRL_get0_nextUpdate(sci_check_crl(L, 1))); }

static void push_number(lua_State *L, const ASN1_INTEGER *number) {
    bool negative = ASN1_STRING_type(number) == V_ASN1_NEG_INTEGER;
    int length = ASN1_STRING_length(number);
    sci_push_hex(L, negative ? "-" : "", ASN1_STRING_get0_data(number), length > 0 ? (size_t)length : 0);
}

static void free_integer(void *number) { ASN1_INTEGER_free(number); }

/***
Answers the number of the list, which grows from one to the next.
@function SciSslX509Crl:number
@treturn ?string upper-case hexadecimal digits, two a byte; nil where it has none
@see RFC 5280, section 5.2.3
*/
static int crl_number(lua_State *L) {
    X509_CRL *crl = sci_check_crl(L, 1);
    sci_guard *guard = sci_new_guard(L, free_integer);
    sci_clear_errors();
    guard->object = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
    sci_clear_errors();
    if (guard->object) push_number(L, guard->object);
    else lua_pushnil(L);
    return 1;
}

/***
Answers the algorithm of the signature.
@function SciSslX509Crl:signatureAlgorithm
@treturn string OpenSSL's short name, or the numbers of one that it does not know
@see X509_CRL_get_signature_nid(3)
*/
static int crl_signature_algorithm(lua_State *L) {
    const X509_ALGOR *algorithm = NULL;
    const ASN1_OBJECT *oid = NULL;
    X509_CRL_get0_signature(sci_check_crl(L, 1), NULL, &algorithm);
    X509_ALGOR_get0(&oid, NULL, NULL, algorithm);
    sci_push_oid(L, oid, false);
    return 1;
}

/* ---- entries ---------------------------------------------------------------------------------------------------- */

/* RFC 5280, section 5.3.1; 7 is not used. */
static const char *const reasons[] = {"unspecified",   "keyCompromise",        "CACompromise",    "affiliationChanged",
                                      "superseded",    "cessationOfOperation", "certificateHold", NULL,
                                      "removeFromCRL", "privilegeWithdrawn",   "AACompromise"};
#define REASONS ((int)(sizeof reasons / sizeof *reasons))

static const char *reason_of(const X509_REVOKED *entry) {
    ASN1_ENUMERATED *value = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
    long reason = value ? ASN1_ENUMERATED_get(value) : -1;
    ASN1_ENUMERATED_free(value);
    return reason >= 0 && reason < REASONS ? reasons[reason] : NULL;
}

static void push_entry(lua_State *L, const X509_REVOKED *entry) {
    lua_createtable(L, 0, 3);
    push_number(L, X509_REVOKED_get0_serialNumber(entry));
    lua_setfield(L, -2, "serial");
    push_time(L, X509_REVOKED_get0_revocationDate(entry));
    lua_setfield(L, -2, "time");
    lua_pushstring(L, reason_of(entry));
    lua_setfield(L, -2, "reason");
}

/***
Answers the certificates that the list takes back.
@function SciSslX509Crl:revoked
@treturn {table,...} `serial` (upper-case hexadecimal digits, as `SciSslX509Certificate:serial`), `time` (seconds since the
 epoch), `reason` (of RFC 5280, section 5.3.1, such as `keyCompromise`; nil where the issuer gives none)
@see X509_CRL_get_REVOKED(3)
*/
static int crl_revoked(lua_State *L) {
    STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(sci_check_crl(L, 1));
    int count = sk_X509_REVOKED_num(entries);
    lua_createtable(L, count > 0 ? count : 0, 0);
    sci_clear_errors();
    for (int i = 0; i < count; i++) {
        push_entry(L, sk_X509_REVOKED_value(entries, i));
        lua_rawseti(L, -2, i + 1);
    }
    sci_clear_errors();
    return 1;
}

#define SERIAL_BITS 159 /* positive, in the 20 octets that RFC 5280 allows */

/* NULL: these are no digits of a serial number. */
static ASN1_INTEGER *parse_serial(const char *digits) {
    BIGNUM *number = NULL;
    ASN1_INTEGER *serial = NULL;
    size_t length = strlen(digits);
    bool good = length > 0 && length <= 40 && strspn(digits, "0123456789abcdefABCDEF") == length;
    if (good && BN_hex2bn(&number, digits) == (int)length && BN_num_bits(number) <= SERIAL_BITS)
        serial = BN_to_ASN1_INTEGER(number, NULL);
    BN_free(number);
    return serial;
}

/* The digits of the serial number at `index`, where an integer becomes its digits; NULL: it is none. */
static const char *serial_digits(lua_State *L, int index) {
    if (lua_type(L, index) == LUA_TNUMBER) {
        char digits[24];
        if (!lua_isinteger(L, index) || lua_tointeger(L, index) < 0) return NULL;
        snprintf(digits, sizeof digits, "%llX", (unsigned long long)lua_tointeger(L, index));
        lua_pushstring(L, digits);
        lua_replace(L, index);
    }
    if (lua_type(L, index) != LUA_TSTRING) return NULL;
    const char *text = lua_tostring(L, index);
    return strlen(text) == lua_rawlen(L, index) ? text : NULL;
}

/* Pushes the table of the entry, or nil. Entries that an issuer takes back again revoke nothing. */
static int answer_entry(lua_State *L, int found, const X509_REVOKED *entry) {
    if (found == 1) push_entry(L, entry);
    else lua_pushnil(L);
    return 1;
}

/***
Tells whether the list takes a certificate back.
@function SciSslX509Crl:isRevoked
@tparam SciSslX509Certificate|string|integer certificate or its serial number: hexadecimal digits, or an integer
@treturn ?table as an entry of `revoked`; nil where it does not, and where another issuer has made the certificate: lists
 that speak for other issuers, too (indirect ones), are asked by serial number
@raise for a serial number that is none
@see X509_CRL_get0_by_serial(3)
*/
static int crl_is_revoked(lua_State *L) {
    X509_CRL *crl = sci_check_crl(L, 1);
    X509_REVOKED *entry = NULL;
    X509 *certificate = sci_test_certificate(L, 2);
    if (certificate) {
        bool same = X509_NAME_cmp(X509_get_issuer_name(certificate), X509_CRL_get_issuer(crl)) == 0;
        int found = same ? X509_CRL_get0_by_cert(crl, &entry, certificate) : 0;
        return answer_entry(L, found, entry);
    }
    const char *digits = serial_digits(L, 2);
    ASN1_INTEGER *serial = digits ? parse_serial(digits) : NULL;
    int found = serial ? X509_CRL_get0_by_serial(crl, &entry, serial) : 0;
    bool good = serial != NULL;
    ASN1_INTEGER_free(serial);
    luaL_argcheck(L, good, 2, "certificate, or hexadecimal digits of a serial number, expected");
    return answer_entry(L, found, entry);
}

/***
Checks the signature of the list.
@function SciSslX509Crl:verify
@tparam SciSslX509Certificate issuer
@treturn[1] boolean true: it is the issuer's
@treturn[2] nil
@treturn[2] SciSslError phase `verify`, condition `crl_invalid`
@see X509_CRL_verify(3)
*/
static int crl_verify(lua_State *L) {
    X509_CRL *crl = sci_check_crl(L, 1);
    X509 *issuer = sci_check_certificate(L, 2);
    sci_clear_errors();
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    bool good = key && X509_NAME_cmp(X509_get_subject_name(issuer), X509_CRL_get_issuer(crl)) == 0 &&
                X509_CRL_verify(crl, key) == 1;
    if (!good) return sci_fail(L, &(sci_failure){.phase = "verify", .condition = "crl_invalid"});
    lua_pushboolean(L, true);
    return 1;
}

/* ---- making one ------------------------------------------------------------------------------------------------- */

#define OPTIONS 1 /* stack index of the table of options */

enum { ISSUER = OPTIONS + 1, ISSUER_KEY, REVOKED, NUMBER, LAST_UPDATE, NEXT_UPDATE, DIGEST, CRL };

static const char *const option_names[] = {"issuer",     "issuerKey",  "revoked", "number",
                                           "lastUpdate", "nextUpdate", "digest",  NULL};

static lua_Integer seconds_option(lua_State *L, int index, lua_Integer missing) {
    int is_integer;
    if (lua_isnil(L, index)) return missing;
    const lua_Integer limit = (lua_Integer)1 << 40; /* far beyond the year 9999 */
    lua_Integer seconds = lua_tointegerx(L, index, &is_integer);
    if (!is_integer || lua_type(L, index) != LUA_TNUMBER || seconds < -limit || seconds > limit)
        sci_option_error(L, OPTIONS, option_names[index - ISSUER], "seconds since the epoch", index);
    return seconds;
}

static bool refuse(sci_failure *failure, const char *message, const char *subject) {
    failure->condition = "invalid_option";
    failure->message = message;
    failure->subject = subject;
    return false;
}

static bool set_times(X509_CRL *crl, lua_Integer last, lua_Integer next, sci_failure *failure) {
    ASN1_TIME *time = ASN1_TIME_new();
    bool set = false;
    if (next < last) refuse(failure, "the list would end before it begins", "nextUpdate");
    else if (time)
        set = (sci_time_from_seconds(time, last) && X509_CRL_set1_lastUpdate(crl, time) &&
               sci_time_from_seconds(time, next) && X509_CRL_set1_nextUpdate(crl, time)) ||
              refuse(failure, "a time is not in the years 1900 to 9999", "lastUpdate");
    ASN1_TIME_free(time);
    return set;
}

static bool set_number(X509_CRL *crl, const char *digits, sci_failure *failure) {
    if (!digits) return true;
    ASN1_INTEGER *number = parse_serial(digits);
    bool set = number && X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, X509V3_ADD_DEFAULT) > 0;
    if (!number) refuse(failure, "expected hexadecimal digits, or an integer of 0 or more", "number");
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

/* What one entry of `revoked` says, all of it checked. */
typedef struct revocation {
    const X509 *certificate; /* NULL: the serial number counts */
    const char *serial;
    lua_Integer time;
    int reason; /* -1: none is given */
} revocation;

static bool add_entry(X509_CRL *crl, const revocation *told, sci_failure *failure) {
    ASN1_INTEGER *serial =
        told->certificate ? ASN1_INTEGER_dup(X509_get0_serialNumber(told->certificate)) : parse_serial(told->serial);
    ASN1_TIME *time = ASN1_TIME_new();
    X509_REVOKED *entry = X509_REVOKED_new();
    bool added = false;
    if (!serial) refuse(failure, "hexadecimal digits of a serial number expected", "serial");
    else if (!time || !sci_time_from_seconds(time, told->time))
        refuse(failure, "a time is not in the years 1900 to 9999", "time");
    else
        added = entry && X509_REVOKED_set_serialNumber(entry, serial) && X509_REVOKED_set_revocationDate(entry, time) &&
                set_reason(entry, told->reason) && X509_CRL_add0_revoked(crl, entry);
    if (!added) X509_REVOKED_free(entry);
    ASN1_TIME_free(time);
    ASN1_INTEGER_free(serial);
    return added;
}

static int find_reason(const char *name) {
    for (int i = 0; i < REASONS; i++)
        if (reasons[i] && strcmp(reasons[i], name) == 0) return i;
    return -1;
}

static const char *const entry_names[] = {"certificate", "serial", "time", "reason", NULL};

/* A misspelt field must not mean that it is missing. */
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

/* Raises where the serial number at `index` is none; an integer becomes its digits. */
static const char *check_entry_serial(lua_State *L, int index) {
    const char *digits = serial_digits(L, index);
    if (!digits)
        sci_option_error(L, OPTIONS, "revoked", "certificate, or serial in hexadecimal or as an integer,", index);
    return digits;
}

/* Reads the entry on top of the stack, whose values stay above it. Raises for what is none. No metamethod is asked: it
 * might close the issuer's key. */
static revocation read_entry(lua_State *L, lua_Integer now) {
    revocation told = {.time = now, .reason = -1};
    if (!lua_istable(L, -1)) sci_option_error(L, OPTIONS, "revoked", "list of tables", -1);
    int entry = lua_gettop(L), certificate = entry + 1, serial = entry + 2, time = entry + 3, reason = entry + 4;
    refuse_other_fields(L, entry);
    for (int i = 0; entry_names[i]; i++) sci_push_raw_field(L, entry, entry_names[i]);
    told.certificate = sci_test_certificate(L, certificate);
    if (!told.certificate || !lua_isnil(L, serial)) told.serial = check_entry_serial(L, serial);
    if (told.certificate && told.serial)
        sci_option_error(L, OPTIONS, "revoked", "certificate or serial, not both,", serial);
    if (!lua_isnil(L, time) && !lua_isinteger(L, time))
        sci_option_error(L, OPTIONS, "revoked", "time in seconds", time);
    if (!lua_isnil(L, time)) told.time = lua_tointeger(L, time);
    if (lua_isnil(L, reason)) return told;
    told.reason = lua_type(L, reason) == LUA_TSTRING ? find_reason(lua_tostring(L, reason)) : -1;
    if (told.reason < 0) sci_option_error(L, OPTIONS, "revoked", "reason of RFC 5280", reason);
    return told;
}

static bool add_entries(lua_State *L, X509_CRL *crl, lua_Integer now, sci_failure *failure) {
    lua_Unsigned count = lua_isnil(L, REVOKED) ? 0 : lua_rawlen(L, REVOKED);
    luaL_checkstack(L, 8, "too many values");
    for (lua_Unsigned i = 1; i <= count; i++) {
        lua_rawgeti(L, REVOKED, (lua_Integer)i);
        revocation told = read_entry(L, now);
        bool added = add_entry(crl, &told, failure);
        lua_settop(L, CRL);
        if (!added) return false;
    }
    return true;
}

static bool issuer_fits(const X509 *issuer, EVP_PKEY *key, sci_failure *failure) {
    if (X509_check_private_key(issuer, key) == 1) return true;
    failure->condition = "key_mismatch";
    failure->subject = "issuerKey";
    return false;
}

static bool add_identifier(X509_CRL *crl, X509 *issuer) {
    X509V3_CTX context = {0};
    X509V3_set_ctx(&context, issuer, NULL, NULL, crl, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, NID_authority_key_identifier, "keyid:always");
    bool added = extension && X509_CRL_add_ext(crl, extension, -1);
    X509_EXTENSION_free(extension);
    if (!added) sci_clear_errors(); /* an issuer without an identifier of its key */
    return true;
}

static bool sign(X509_CRL *crl, EVP_PKEY *key, const char *digest_name, sci_failure *failure) {
    EVP_MD *digest = NULL;
    bool made = sci_find_signature_digest(key, digest_name, &digest, failure) && X509_CRL_sort(crl) &&
                X509_CRL_sign(crl, key, digest) > 0;
    EVP_MD_free(digest);
    return made;
}

/* What OpenSSL notes of a list, for look-ups and comparisons, it notes when it decodes one. */
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
    if (!sci_test_certificate(L, ISSUER)) sci_option_error(L, OPTIONS, "issuer", "open " SCI_CERTIFICATE, ISSUER);
    if (!sci_test_key(L, ISSUER_KEY)) sci_option_error(L, OPTIONS, "issuerKey", "open " SCI_KEY, ISSUER_KEY);
    if (!lua_isnil(L, REVOKED) && !lua_istable(L, REVOKED))
        sci_option_error(L, OPTIONS, "revoked", "list of tables", REVOKED);
    if (!lua_isnil(L, NUMBER) && !serial_digits(L, NUMBER))
        sci_option_error(L, OPTIONS, "number", "hexadecimal digits, or an integer of 0 or more,", NUMBER);
    bool has_text = lua_type(L, DIGEST) == LUA_TSTRING && strlen(lua_tostring(L, DIGEST)) == lua_rawlen(L, DIGEST);
    if (!lua_isnil(L, DIGEST) && !has_text) sci_option_error(L, OPTIONS, "digest", "string without NUL bytes", DIGEST);
}

#define WEEK (7 * 86400)

/***
Makes a revocation list.
@function SciSslX509Crl.issue
@tparam table options
 `issuer`, `issuerKey`: certificate and key of the authority, both needed;
 `revoked`: list of tables with `certificate` (SciSslX509Certificate) or `serial` (hexadecimal digits, or an integer),
 `time` (seconds since the epoch; that of `lastUpdate`) and `reason` (of RFC 5280, section 5.3.1, such as `keyCompromise`; none);
 `number`: hexadecimal digits, or an integer (none);
 `lastUpdate`, `nextUpdate`: seconds since the epoch (now, and a week later);
 `digest`: such as `"SHA384"` (what suits the key)
@treturn[1] SciSslX509Crl
@treturn[2] nil
@treturn[2] SciSslError phase `issue`; condition `key_mismatch`, `unknown_digest`, `invalid_option`
@raise for an unknown option or one of a wrong type
@see X509_CRL_sign(3)
@see RFC 5280, section 5
*/
static int crl_issue(lua_State *L) {
    check_options(L);
    lua_Integer now = (lua_Integer)time(NULL), last = seconds_option(L, LAST_UPDATE, now);
    lua_Integer next = seconds_option(L, NEXT_UPDATE, last + WEEK);
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

/* ---- for the REPL ----------------------------------------------------------------------------------------------- */

static int crl_eq(lua_State *L) {
    X509_CRL *a = sci_test_crl(L, 1), *b = sci_test_crl(L, 2);
    lua_pushboolean(L, a && b && X509_CRL_match(a, b) == 0);
    return 1;
}

static int crl_tostring(lua_State *L) {
    X509_CRL *crl = sci_show_box(L, &crl_kind);
    if (!crl) return 1;
    int count = sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl));
    sci_push_name(L, X509_CRL_get_issuer(crl));
    lua_pushfstring(L, SCI_CRL ": %s, %d revoked", luaL_tolstring(L, -1, NULL), count > 0 ? count : 0);
    return 1;
}

static const luaL_Reg crl_functions[] = {
    {"fromPem", crl_from_pem}, {"fromDer", crl_from_der}, {"issue", crl_issue}, {NULL, NULL}};

static const luaL_Reg crl_methods[] = {
    {"toPem", crl_to_pem},
    {"toDer", crl_to_der},
    {"issuer", crl_issuer},
    {"lastUpdate", crl_last_update},
    {"nextUpdate", crl_next_update},
    {"number", crl_number},
    {"signatureAlgorithm", crl_signature_algorithm},
    {"revoked", crl_revoked},
    {"isRevoked", crl_is_revoked},
    {"verify", crl_verify},
    {NULL, NULL},
};

static const luaL_Reg crl_metamethods[] = {
    {"__gc", crl_close}, {"__close", crl_close}, {"__eq", crl_eq}, {"__tostring", crl_tostring}, {NULL, NULL}};

void sci_open_crl(lua_State *L) { sci_new_class(L, SCI_CRL, crl_functions, crl_methods, crl_metamethods); }
