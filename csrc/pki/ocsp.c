/* ocsp.c: SciSslOcsp, the status of a certificate as its issuer signed it (RFC 6960): responses read and verified. */
#include "pki/values.h"

#include <limits.h>
#include <string.h>
#include <time.h>

/***
OCSP: the status of one certificate, signed by its issuer. These functions make requests, and make, read and verify
responses. The program itself fetches them. Most clients need `SciSslContext:setOcspPolicy` alone.
@classmod SciSslOcsp
*/

const char *const sci_ocsp_outcomes[] = {"successful", "malformedRequest", "internalError", "tryLater",
                                         NULL,         "sigRequired",      "unauthorized"};
const char *const sci_ocsp_statuses[] = {"good", "revoked", "unknown", NULL};

#define OUTCOMES (sizeof sci_ocsp_outcomes / sizeof *sci_ocsp_outcomes)

/* ---- reading ----------------------------------------------------------------------------------------------------- */

void sci_free_ocsp(sci_ocsp *ocsp) {
    OCSP_BASICRESP_free(ocsp->basic);
    OCSP_RESPONSE_free(ocsp->response);
    memset(ocsp, 0, sizeof *ocsp);
}

static bool read_response(sci_ocsp *ocsp, const unsigned char *bytes, size_t length, sci_failure *failure) {
    const unsigned char *cursor = bytes;
    ocsp->response = length <= LONG_MAX ? d2i_OCSP_RESPONSE(NULL, &cursor, (long)length) : NULL;
    if (!ocsp->response) return sci_refuse(failure, "malformed_ocsp", "the bytes are not an OCSP response");
    if (cursor != bytes + length)
        return sci_refuse(failure, "malformed_ocsp", "there are bytes after the end of the OCSP response");
    if (OCSP_response_status(ocsp->response) != OCSP_RESPONSE_STATUS_SUCCESSFUL) return true;
    ocsp->basic = OCSP_response_get1_basic(ocsp->response);
    return ocsp->basic != NULL ||
           sci_refuse(failure, "malformed_ocsp", "the contents of the OCSP response are malformed");
}

static const char *outcome_of(const sci_ocsp *ocsp) {
    int outcome = OCSP_response_status(ocsp->response);
    bool known = outcome >= 0 && (size_t)outcome < OUTCOMES && sci_ocsp_outcomes[outcome];
    return known ? sci_ocsp_outcomes[outcome] : "unknown";
}

bool sci_read_ocsp(sci_ocsp *ocsp, const unsigned char *bytes, size_t length, sci_failure *failure) {
    if (!read_response(ocsp, bytes, length, failure)) return false;
    return ocsp->basic || sci_refuse(failure, "ocsp_unsuccessful", outcome_of(ocsp));
}

/* ---- verifying --------------------------------------------------------------------------------------------------- */

/* A store that trusts this issuer alone, at the time of the query. */
static X509_STORE *store_of(const sci_ocsp_query *query) {
    X509_STORE *store = X509_STORE_new();
    if (store && X509_STORE_add_cert(store, query->issuer)) {
        X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), (time_t)query->at);
        return store;
    }
    X509_STORE_free(store);
    return NULL;
}

/* Whether the issuer signed the response, or a responder whose certificate the issuer made for that purpose (RFC 6960,
 * section 4.2.2.2). */
static bool is_signed_for_issuer(const sci_ocsp *ocsp, const sci_ocsp_query *query) {
    STACK_OF(X509) *known = sk_X509_new_null();
    X509_STORE *store = store_of(query);
    bool is_signed = known && store && sk_X509_push(known, query->issuer) > 0 &&
                     OCSP_basic_verify(ocsp->basic, known, store, OCSP_PARTIAL_CHAIN | OCSP_NOEXPLICIT) == 1;
    sk_X509_free(known);
    X509_STORE_free(store);
    return is_signed;
}

static OCSP_CERTID *id_of(OCSP_SINGLERESP *single) { return (OCSP_CERTID *)OCSP_SINGLERESP_get0_id(single); }

/* A response names certificates by hashes, with a digest that the responder chose. */
static bool is_about(OCSP_SINGLERESP *single, const sci_ocsp_query *query) {
    ASN1_OBJECT *name = NULL;
    (void)OCSP_id_get0_info(NULL, &name, NULL, NULL, id_of(single));
    const EVP_MD *digest = EVP_get_digestbyobj(name);
    OCSP_CERTID *sought = digest ? OCSP_cert_to_id(digest, query->certificate, query->issuer) : NULL;
    bool found = sought && OCSP_id_cmp(sought, id_of(single)) == 0;
    OCSP_CERTID_free(sought);
    return found;
}

static OCSP_SINGLERESP *find_single(const sci_ocsp *ocsp, const sci_ocsp_query *query) {
    for (int i = 0; i < OCSP_resp_count(ocsp->basic); i++) {
        OCSP_SINGLERESP *single = OCSP_resp_get0(ocsp->basic, i);
        if (is_about(single, query)) return single;
    }
    return NULL;
}

#define DAY 86400 /* for which a response without nextUpdate is valid */

static bool is_current(OCSP_SINGLERESP *single, const sci_ocsp_query *query, sci_failure *failure) {
    ASN1_GENERALIZEDTIME *this_update = NULL, *next_update = NULL;
    lua_Integer from, until;
    (void)OCSP_single_get0_status(single, NULL, NULL, &this_update, &next_update);
    if (!sci_time_to_seconds(this_update, &from) || (next_update && !sci_time_to_seconds(next_update, &until)))
        return sci_refuse(failure, "malformed_ocsp", "a date in the OCSP response is malformed");
    if (!next_update) until = from + DAY;
    if (until < from)
        return sci_refuse(failure, "malformed_ocsp", "nextUpdate of the OCSP response is before its thisUpdate");
    if (from > query->at + query->skew)
        return sci_refuse(failure, "ocsp_not_yet_valid", "the OCSP response is not valid yet");
    if (until < query->at - query->skew) return sci_refuse(failure, "ocsp_expired", "the OCSP response has expired");
    return true;
}

bool sci_verify_ocsp(sci_ocsp *ocsp, const sci_ocsp_query *query, int *status, sci_failure *failure) {
    if (!is_signed_for_issuer(ocsp, query))
        return sci_refuse(failure, "ocsp_untrusted",
                          "the OCSP response is not signed by the certificate's issuer or its delegate");
    OCSP_SINGLERESP *single = find_single(ocsp, query);
    if (!single)
        return sci_refuse(failure, "ocsp_other_certificate", "the OCSP response has no entry for this certificate");
    if (!is_current(single, query, failure)) return false;
    ocsp->single = single;
    *status = OCSP_single_get0_status(single, NULL, NULL, NULL, NULL);
    return true;
}

/* ---- for Lua ----------------------------------------------------------------------------------------------------- */

static void set_time(lua_State *L, const char *field, const ASN1_GENERALIZEDTIME *time) {
    lua_Integer seconds;
    if (!time || !sci_time_to_seconds(time, &seconds)) return;
    sci_set_integer(L, field, seconds);
}

static void set_id(lua_State *L, OCSP_SINGLERESP *single) {
    ASN1_INTEGER *serial = NULL;
    ASN1_OBJECT *digest = NULL;
    (void)OCSP_id_get0_info(NULL, &digest, NULL, &serial, id_of(single));
    sci_push_oid(L, digest, false);
    lua_setfield(L, -2, "digest");
    sci_push_serial(L, serial);
    lua_setfield(L, -2, "serial");
}

static void push_single(lua_State *L, OCSP_SINGLERESP *single) {
    ASN1_GENERALIZEDTIME *revoked = NULL, *this_update = NULL, *next_update = NULL;
    int reason = -1;
    int status = OCSP_single_get0_status(single, &reason, &revoked, &this_update, &next_update);
    lua_createtable(L, 0, 8);
    sci_set_text(L, "status", sci_ocsp_statuses[status >= 0 && status <= 2 ? status : V_OCSP_CERTSTATUS_UNKNOWN]);
    if (status == V_OCSP_CERTSTATUS_REVOKED) {
        set_time(L, "revocationTime", revoked);
        if (reason >= 0) sci_set_text(L, "reason", OCSP_crl_reason_str(reason));
    }
    set_time(L, "thisUpdate", this_update);
    set_time(L, "nextUpdate", next_update);
    set_id(L, single);
}

static void push_ocsp(lua_State *L, const sci_ocsp *ocsp) {
    push_single(L, ocsp->single);
    set_time(L, "producedAt", OCSP_resp_get0_produced_at(ocsp->basic));
}

static void release(void *object) {
    sci_free_ocsp(object);
    OPENSSL_free(object);
}

sci_ocsp *sci_new_ocsp(lua_State *L) {
    sci_guard *guard = sci_new_guard(L, release);
    sci_clear_errors();
    guard->object = OPENSSL_zalloc(sizeof(sci_ocsp));
    return guard->object;
}

int sci_push_verified_ocsp(lua_State *L, sci_ocsp *ocsp, const unsigned char *bytes, size_t length,
                           const sci_ocsp_query *query) {
    sci_failure failure = {.phase = "ocsp"};
    int status;
    if (!ocsp || !sci_read_ocsp(ocsp, bytes, length, &failure) || !sci_verify_ocsp(ocsp, query, &status, &failure))
        return sci_fail(L, &failure);
    sci_clear_errors();
    push_ocsp(L, ocsp);
    return 1;
}

/***
Verifies an OCSP response about a certificate: whether the issuer signed it, or a responder with a certificate that the
issuer made for that purpose; and whether it is current. A nonce is not checked, so that responses can be kept and
stapled. A response without `nextUpdate` is valid for a day.
@function SciSslOcsp.check
@tparam string der
@tparam table options
 `certificate`: the SciSslX509Certificate whose status is wanted;
 `issuer`: the certificate of its issuer. It is trusted here: `SciSslX509Certificate:verify` it before;
 `at`: seconds since the epoch for which to verify (default: now);
 `skew`: seconds by which clocks may differ (default 300)
@treturn[1] table `status` (`"good"`, `"revoked"` or `"unknown"`), `thisUpdate`, `producedAt`, and where they are given
 `nextUpdate`, `revocationTime` (seconds since the epoch), `reason` (such as `keyCompromise`); `serial`, `digest`
@treturn[2] nil
@treturn[2] SciSslError phase `ocsp`, condition `malformed_ocsp`, `ocsp_unsuccessful`, `ocsp_untrusted`,
 `ocsp_other_certificate`, `ocsp_expired`, `ocsp_not_yet_valid`
@raise for an unknown option or one of a wrong type
@see OCSP_basic_verify(3)
@see RFC 6960
*/
static int ocsp_check(lua_State *L) {
    static const char *const options[] = {"certificate", "issuer", "at", "skew", NULL};
    size_t length;
    const char *bytes = luaL_checklstring(L, 1, &length);
    lua_settop(L, 2);
    sci_ocsp *ocsp = sci_new_ocsp(L);
    int first = sci_push_options(L, 2, options);
    const sci_ocsp_query query = {
        .certificate = sci_check_certificate_option(L, 2, "certificate", first),
        .issuer = sci_check_certificate_option(L, 2, "issuer", first + 1),
        .at = sci_check_time_option(L, 2, "at", first + 2, (lua_Integer)time(NULL)),
        .skew = sci_check_seconds_option(L, 2, "skew", first + 3, SCI_OCSP_SKEW),
    };
    return sci_push_verified_ocsp(L, ocsp, (const unsigned char *)bytes, length, &query);
}

static void set_responder(lua_State *L, const sci_ocsp *ocsp) {
    const ASN1_OCTET_STRING *key = NULL;
    const X509_NAME *name = NULL;
    if (OCSP_resp_get0_id(ocsp->basic, &key, &name) != 1) return;
    if (name) sci_push_name(L, name);
    else sci_push_hex(L, "", ASN1_STRING_get0_data(key), (size_t)ASN1_STRING_length(key));
    lua_setfield(L, -2, name ? "responderName" : "responderKey");
}

static void set_certificates(lua_State *L, const sci_ocsp *ocsp) {
    const STACK_OF(X509) *list = OCSP_resp_get0_certs(ocsp->basic);
    lua_newtable(L);
    for (int i = 0; i < sk_X509_num(list); i++) {
        X509 **slot = sci_new_certificate(L);
        if (X509_up_ref(sk_X509_value(list, i))) *slot = sk_X509_value(list, i);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "certificates");
}

static void set_responses(lua_State *L, const sci_ocsp *ocsp) {
    lua_newtable(L);
    for (int i = 0; i < OCSP_resp_count(ocsp->basic); i++) {
        push_single(L, OCSP_resp_get0(ocsp->basic, i));
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "responses");
}

/***
Reads an OCSP response. Its signature is not verified: use `check` for that.
@function SciSslOcsp.parse
@tparam string der
@treturn[1] table `outcome`: `"successful"`, `"malformedRequest"`, `"internalError"`, `"tryLater"`, `"sigRequired"` or
 `"unauthorized"`; where it is successful also `producedAt` (seconds since the epoch), `responderName` (RFC 2253 text)
 or `responderKey` (SHA-1, hexadecimal), `certificates` (array of SciSslX509Certificate), and `responses`: array of
 tables as `check` returns them
@treturn[2] nil
@treturn[2] SciSslError phase `ocsp`, condition `malformed_ocsp`
@see OCSP_response_status(3)
*/
static int ocsp_parse(lua_State *L) {
    sci_failure failure = {.phase = "ocsp"};
    size_t length;
    const char *bytes = luaL_checklstring(L, 1, &length);
    sci_ocsp *ocsp = sci_new_ocsp(L);
    if (!ocsp || !read_response(ocsp, (const unsigned char *)bytes, length, &failure)) return sci_fail(L, &failure);
    lua_createtable(L, 0, 5);
    sci_set_text(L, "outcome", outcome_of(ocsp));
    if (!ocsp->basic) return 1;
    set_time(L, "producedAt", OCSP_resp_get0_produced_at(ocsp->basic));
    set_responder(L, ocsp);
    set_certificates(L, ocsp);
    set_responses(L, ocsp);
    return 1;
}

static const luaL_Reg ocsp_functions[] = {
    {"parse", ocsp_parse},
    {"check", ocsp_check},
    {NULL, NULL},
};

void sci_open_ocsp(lua_State *L) {
    lua_newtable(L);
    luaL_setfuncs(L, ocsp_functions, 0);
}
