/* ocsp_issue.c: SciSslOcsp.request and SciSslOcsp.response: OCSP for authorities, for servers that staple responses,
 * and for tests. */
#include "pki/issue/issue.h"

#include <string.h>
#include <time.h>

#define OPTIONS 1

/* The stack index of each option's value, in the order of the names below. */
enum {
    CERTIFICATE = OPTIONS + 1,
    ISSUER,
    KEY,
    SIGNER,
    STATUS,
    REASON,
    REVOCATION_TIME,
    THIS_UPDATE,
    NEXT_UPDATE,
    OUTCOME,
    DIGEST,
};

static const char *const option_names[] = {"certificate",    "issuer",     "key",        "signer",  "status", "reason",
                                           "revocationTime", "thisUpdate", "nextUpdate", "outcome", "digest", NULL};

static const char *option_name(int index) { return option_names[index - CERTIFICATE]; }

typedef struct response_request {
    int outcome; /* OCSP_RESPONSE_STATUS_… */
    X509 *certificate, *issuer, *signer;
    EVP_PKEY *key;
    int status, reason; /* V_OCSP_CERTSTATUS_…; CRL reason, -1: none */
    lua_Integer revocation_time, this_update, next_update;
    bool ends; /* there is a next update */
    const EVP_MD *digest;
} response_request;

/* What must be freed again; a guard owns it. */
typedef struct workbench {
    OCSP_REQUEST *request;
    OCSP_RESPONSE *response;
    OCSP_BASICRESP *basic;
    OCSP_CERTID *id;
    ASN1_TIME *revoked, *this_update, *next_update;
} workbench;

static void release(void *object) {
    workbench *bench = object;
    OCSP_REQUEST_free(bench->request);
    OCSP_RESPONSE_free(bench->response);
    OCSP_BASICRESP_free(bench->basic);
    OCSP_CERTID_free(bench->id);
    ASN1_TIME_free(bench->revoked);
    ASN1_TIME_free(bench->this_update);
    ASN1_TIME_free(bench->next_update);
    OPENSSL_free(bench);
}

static workbench *new_workbench(lua_State *L) {
    sci_guard *guard = sci_new_guard(L, release);
    sci_clear_errors();
    guard->object = OPENSSL_zalloc(sizeof(workbench));
    return guard->object;
}

/* ---- requests ---------------------------------------------------------------------------------------------------- */

static const EVP_MD *find_digest(lua_State *L, int value, int argument) {
    if (lua_isnoneornil(L, value)) return EVP_sha1();
    const EVP_MD *digest = lua_type(L, value) == LUA_TSTRING ? EVP_get_digestbyname(lua_tostring(L, value)) : NULL;
    luaL_argcheck(L, digest != NULL, argument, "name of a digest expected");
    return digest;
}

static int write_request(BIO *bio, const void *request) { return i2d_OCSP_REQUEST_bio(bio, (void *)request); }

/***
Makes an OCSP request, without a nonce and not signed. Send it with `POST` and the type `application/ocsp-request` to
the responder that the certificate names.
@function SciSslOcsp.request
@tparam SciSslX509Certificate certificate whose status is asked for
@tparam SciSslX509Certificate issuer the certificate of its issuer
@tparam[opt="SHA1"] string digest of the hashes that name the certificate; every responder knows the default
@treturn[1] string DER
@treturn[2] nil
@treturn[2] SciSslError phase `save`
@see OCSP_request_add0_id(3)
@see RFC 6960, section 4.1
*/
static int ocsp_request(lua_State *L) {
    const X509 *certificate = sci_check_certificate(L, 1), *issuer = sci_check_certificate(L, 2);
    const EVP_MD *digest = find_digest(L, 3, 3);
    workbench *bench = new_workbench(L);
    if (bench) bench->request = OCSP_REQUEST_new();
    OCSP_CERTID *id = bench && bench->request ? OCSP_cert_to_id(digest, certificate, issuer) : NULL;
    if (!id || !OCSP_request_add0_id(bench->request, id)) {
        OCSP_CERTID_free(id);
        return sci_fail_openssl(L, "save", "OCSP request");
    }
    return sci_push_written(L, write_request, bench->request);
}

/* ---- responses: the options -------------------------------------------------------------------------------------- */

static X509 *certificate_option(lua_State *L, int index) {
    return sci_check_certificate_option(L, OPTIONS, option_name(index), index);
}

/* The number of a name among `count`; `missing` for nil. */
static int named_option(lua_State *L, int index, const char *(*name_of)(int number), int count, int missing) {
    if (lua_isnil(L, index)) return missing;
    if (lua_type(L, index) != LUA_TSTRING) sci_option_error(L, OPTIONS, option_name(index), "string", index);
    for (int i = 0; i < count; i++)
        if (name_of(i) && strcmp(name_of(i), lua_tostring(L, index)) == 0) return i;
    return luaL_argerror(
        L, OPTIONS, lua_pushfstring(L, "option '%s': there is no '%s'", option_name(index), lua_tostring(L, index)));
}

static const char *outcome_name(int number) { return sci_ocsp_outcomes[number]; }
static const char *status_name(int number) { return sci_ocsp_statuses[number]; }
static const char *reason_name(int number) { return OCSP_crl_reason_str(number); }

static lua_Integer time_option(lua_State *L, int index, lua_Integer missing) {
    return sci_check_seconds_option(L, OPTIONS, option_name(index), index, missing);
}

static response_request check_request(lua_State *L) {
    response_request request = {0};
    lua_settop(L, OPTIONS);
    sci_push_options(L, OPTIONS, option_names);
    request.outcome = named_option(L, OUTCOME, outcome_name, 7, OCSP_RESPONSE_STATUS_SUCCESSFUL);
    if (request.outcome != OCSP_RESPONSE_STATUS_SUCCESSFUL) return request;
    request.status = named_option(L, STATUS, status_name, 3, V_OCSP_CERTSTATUS_GOOD);
    request.reason = named_option(L, REASON, reason_name, 11, -1);
    request.this_update = time_option(L, THIS_UPDATE, (lua_Integer)time(NULL));
    request.next_update = time_option(L, NEXT_UPDATE, 0);
    request.ends = !lua_isnil(L, NEXT_UPDATE);
    request.revocation_time = time_option(L, REVOCATION_TIME, request.this_update);
    request.digest = find_digest(L, DIGEST, OPTIONS);
    request.certificate = certificate_option(L, CERTIFICATE);
    request.issuer = certificate_option(L, ISSUER);
    request.signer = lua_isnil(L, SIGNER) ? request.issuer : certificate_option(L, SIGNER);
    request.key = sci_check_key_option(L, OPTIONS, "key", KEY);
    return request;
}

/* ---- responses: making them. Nothing below raises ---------------------------------------------------------------- */

static bool make_time(ASN1_TIME **time, lua_Integer seconds) {
    ASN1_TIME *any = ASN1_TIME_new();
    if (any && sci_time_from_seconds(any, seconds)) *time = ASN1_TIME_to_generalizedtime(any, NULL);
    ASN1_TIME_free(any);
    return *time != NULL;
}

static bool make_times(workbench *bench, const response_request *request, sci_failure *failure) {
    bool revoked = request->status == V_OCSP_CERTSTATUS_REVOKED;
    return (make_time(&bench->this_update, request->this_update) &&
            (!request->ends || make_time(&bench->next_update, request->next_update)) &&
            (!revoked || make_time(&bench->revoked, request->revocation_time))) ||
           sci_refuse(failure, "invalid_option", "a date is not in the years 1900 to 9999");
}

static bool sign(workbench *bench, const response_request *request, sci_failure *failure) {
    unsigned long flags = X509_cmp(request->signer, request->issuer) == 0 ? OCSP_NOCERTS : 0;
    if (X509_check_private_key(request->signer, request->key) != 1)
        return sci_refuse(failure, "key_mismatch", "the key is not that of the signer's certificate");
    return OCSP_basic_sign(bench->basic, request->signer, request->key, NULL, NULL, flags) == 1;
}

static bool make_basic(workbench *bench, const response_request *request, sci_failure *failure) {
    bench->basic = OCSP_BASICRESP_new();
    bench->id = OCSP_cert_to_id(request->digest, request->certificate, request->issuer);
    return bench->basic && bench->id && make_times(bench, request, failure) &&
           OCSP_basic_add1_status(bench->basic, bench->id, request->status, request->reason, bench->revoked,
                                  bench->this_update, bench->next_update) &&
           sign(bench, request, failure);
}

static int write_response(BIO *bio, const void *response) { return i2d_OCSP_RESPONSE_bio(bio, (void *)response); }

/***
Makes an OCSP response.
@function SciSslOcsp.response
@tparam table options what the response says:

* `certificate`: the SciSslX509Certificate whose status the response reports
* `issuer`: the certificate of its issuer
* `key`: the SciSslPrivateKey that signs it
* `signer`: the certificate of that key, which the response includes (default: the issuer signs). It needs the extended key
  usage `OCSPSigning`
* `status`: `"good"` (default), `"revoked"` or `"unknown"`
* `reason`: of a revocation, such as `"keyCompromise"`
* `revocationTime`: seconds since the epoch (default: `thisUpdate`)
* `thisUpdate`: seconds since the epoch (default: now)
* `nextUpdate`: seconds since the epoch (default: none)
* `digest`: of the hashes that name the certificate (default `"SHA1"`)
* `outcome`: in place of all others, such as `"tryLater"`: a response without a status

@treturn[1] string DER
@treturn[2] nil
@treturn[2] SciSslError phase `issue`; condition `key_mismatch`, `invalid_option`
@raise for an unknown option or one of a wrong type
@see OCSP_basic_sign(3)
@see RFC 6960, section 4.2
*/
static int ocsp_response(lua_State *L) {
    const response_request request = check_request(L);
    sci_failure failure = {.phase = "issue", .subject = "OCSP response"};
    workbench *bench = new_workbench(L);
    bool has_status = request.outcome == OCSP_RESPONSE_STATUS_SUCCESSFUL;
    if (bench && (!has_status || make_basic(bench, &request, &failure)))
        bench->response = OCSP_response_create(request.outcome, bench->basic);
    if (!bench || !bench->response) return sci_fail(L, &failure);
    return sci_push_written(L, write_response, bench->response);
}

static const luaL_Reg issue_functions[] = {{"request", ocsp_request}, {"response", ocsp_response}, {NULL, NULL}};

void sci_open_ocsp_issue(lua_State *L) { luaL_setfuncs(L, issue_functions, 0); }
