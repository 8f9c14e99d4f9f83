/* crl.c: SciSslX509Crl, a certificate revocation list (CRL, RFC 5280, section 5): reading, writing, entries. */
#include "pki/reading.h"

#include <string.h>

/***
A certificate revocation list (CRL), to read, make, inspect and verify.
@classmod SciSslX509Crl
*/

static void *read_pem(BIO *bio) { return PEM_read_bio_X509_CRL(bio, NULL, sci_no_passphrase, NULL); }
static void *read_der(const unsigned char **cursor, long length) { return d2i_X509_CRL(NULL, cursor, length); }
static void release(void *crl) { X509_CRL_free(crl); }

static const sci_kind crl_kind = {
    .class = SCI_CRL,
    .closed = "CRL has been closed",
    .label = "X509 CRL",
    .expected = "a CRL",
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

/* ---- reading and writing ----------------------------------------------------------------------------------------- */

/***
Reads a CRL from PEM text: the first, where there are several.
@function SciSslX509Crl.fromPem
@tparam string text
@treturn[1] SciSslX509Crl
@treturn[2] nil
@treturn[2] SciSslError phase `load`; condition `not_pem`, `not_crl` or `malformed_crl`
@see PEM_read_bio_X509_CRL(3)
*/
static int crl_from_pem(lua_State *L) { return sci_load_pem(L, &crl_kind); }

/***
Reads a CRL from DER bytes.
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
Writes the CRL as PEM text.
@function SciSslX509Crl:toPem
@treturn[1] string
@treturn[2] nil
@treturn[2] SciSslError phase `save`
@see PEM_write_bio_X509_CRL(3)
*/
static int crl_to_pem(lua_State *L) { return sci_push_written(L, write_pem, sci_check_crl(L, 1)); }

/***
Writes the CRL as DER bytes.
@function SciSslX509Crl:toDer
@treturn[1] string
@treturn[2] nil
@treturn[2] SciSslError phase `save`
@see i2d_X509_CRL_bio(3)
*/
static int crl_to_der(lua_State *L) { return sci_push_written(L, write_der, sci_check_crl(L, 1)); }

/* ---- contents ---------------------------------------------------------------------------------------------------- */

static int push_time(lua_State *L, const ASN1_TIME *time) {
    lua_Integer seconds;
    if (time && sci_time_to_seconds(time, &seconds)) lua_pushinteger(L, seconds);
    else lua_pushnil(L);
    return 1;
}

/***
Returns the issuer of the CRL.
@function SciSslX509Crl:issuer
@treturn[1] string RFC 2253 text in UTF-8
@treturn[2] nil
@treturn[2] SciSslError condition `malformed_name`
@see X509_CRL_get_issuer(3)
*/
static int crl_issuer(lua_State *L) { return sci_return_name(L, X509_CRL_get_issuer(sci_check_crl(L, 1))); }

/***
Returns when the CRL was issued.
@function SciSslX509Crl:lastUpdate
@treturn ?integer seconds since the epoch
@see X509_CRL_get0_lastUpdate(3)
*/
static int crl_last_update(lua_State *L) { return push_time(L, X509_CRL_get0_lastUpdate(sci_check_crl(L, 1))); }

/***
Returns when the next CRL is due at the latest.
@function SciSslX509Crl:nextUpdate
@treturn ?integer seconds since the epoch; nil where the issuer does not say
@see X509_CRL_get0_nextUpdate(3)
*/
static int crl_next_update(lua_State *L) { return push_time(L, X509_CRL_get0_nextUpdate(sci_check_crl(L, 1))); }

static void free_integer(void *number) { ASN1_INTEGER_free(number); }

/***
Returns the number of the CRL, which grows from one CRL to the next.
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
    if (guard->object) sci_push_serial(L, guard->object);
    else lua_pushnil(L);
    return 1;
}

/***
Returns the algorithm of the signature.
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

/* ---- entries ----------------------------------------------------------------------------------------------------- */

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

int sci_find_crl_reason(const char *name) {
    for (int i = 0; i < REASONS; i++)
        if (reasons[i] && strcmp(reasons[i], name) == 0) return i;
    return -1;
}

static void push_entry(lua_State *L, const X509_REVOKED *entry) {
    lua_createtable(L, 0, 3);
    sci_push_serial(L, X509_REVOKED_get0_serialNumber(entry));
    lua_setfield(L, -2, "serial");
    push_time(L, X509_REVOKED_get0_revocationDate(entry));
    lua_setfield(L, -2, "time");
    sci_set_text(L, "reason", reason_of(entry));
}

/***
Returns the revoked certificates that the CRL lists.
@function SciSslX509Crl:revoked
@treturn {table,...} `serial` (upper-case hexadecimal digits, as `SciSslX509Certificate:serial`), `time` (seconds since
 the epoch), `reason` (of RFC 5280, section 5.3.1, such as `keyCompromise`; nil where the issuer gives none)
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

/* Pushes the table of the entry, or nil. `found` 2: the entry is removeFromCRL, which revokes nothing. */
static int return_entry(lua_State *L, int found, const X509_REVOKED *entry) {
    if (found == 1) push_entry(L, entry);
    else lua_pushnil(L);
    return 1;
}

/***
Looks for a certificate in the CRL.
@function SciSslX509Crl:isRevoked
@tparam SciSslX509Certificate|string|integer certificate or its serial number: hexadecimal digits, or an integer
@treturn ?table as an entry of `revoked`; nil where the CRL does not list the certificate, or another issuer made it.
 Look in a CRL of several issuers (an indirect CRL) by serial number
@raise for a malformed serial number
@see X509_CRL_get0_by_serial(3)
*/
static int crl_is_revoked(lua_State *L) {
    X509_CRL *crl = sci_check_crl(L, 1);
    X509_REVOKED *entry = NULL;
    X509 *certificate = sci_test_certificate(L, 2);
    if (certificate) {
        bool same = X509_NAME_cmp(X509_get_issuer_name(certificate), X509_CRL_get_issuer(crl)) == 0;
        int found = same ? X509_CRL_get0_by_cert(crl, &entry, certificate) : 0;
        return return_entry(L, found, entry);
    }
    const char *digits = sci_to_serial_digits(L, 2);
    ASN1_INTEGER *serial = digits ? sci_parse_serial(digits) : NULL;
    int found = serial ? X509_CRL_get0_by_serial(crl, &entry, serial) : 0;
    bool good = serial != NULL;
    ASN1_INTEGER_free(serial);
    luaL_argcheck(L, good, 2, "certificate, or hexadecimal digits of a serial number, expected");
    return return_entry(L, found, entry);
}

/***
Verifies the signature of the CRL.
@function SciSslX509Crl:verify
@tparam SciSslX509Certificate issuer
@treturn[1] boolean true: the issuer signed it
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

/* ---- the class --------------------------------------------------------------------------------------------------- */

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

static const luaL_Reg crl_functions[] = {{"fromPem", crl_from_pem}, {"fromDer", crl_from_der}, {NULL, NULL}};

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
