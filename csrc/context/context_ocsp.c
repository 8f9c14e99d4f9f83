/* context_ocsp.c: SciSslContext, OCSP stapling: what clients require, and what servers staple (RFC 6066, section 8). */
#include "context/context.h"

static const char *const policies[] = {"none", "request", "require", NULL};

/***
Sets what a client requires of OCSP stapling, by which a server proves that its certificate has not been revoked. Later
connections only.

* `"none"`, the default: the client does not ask for a response
* `"request"`: the client asks. The handshake goes on without a response, or with one that is not valid. It fails where the
  response says that the certificate is revoked, and where the certificate demands a staple (must-staple, RFC 7633) and there
  is no good response
* `"require"`: the handshake fails without a good response. The client resumes no session, because the session may come from a
  handshake without this check

A handshake that fails sends the alert bad_certificate_status_response. The condition of the error is `ocsp_missing`,
`certificate_revoked`, `ocsp_unknown`, `ocsp_no_issuer`, or one of `SciSslOcsp.check`. Responses are verified as by
`SciSslOcsp.check`, with the issuer in the chain that OpenSSL has built.
@function SciSslContext:setOcspPolicy
@tparam string policy `"none"`, `"request"` or `"require"`
@treturn SciSslContext the receiver
@see SSL_CTX_set_tlsext_status_type(3)
*/
static int context_set_ocsp_policy(lua_State *L) {
    sci_context *context = sci_check_context(L, 1);
    context->ocsp.policy = (sci_ocsp_policy)luaL_checkoption(L, 2, NULL, policies);
    int type = context->ocsp.policy == SCI_OCSP_NONE ? -1 : TLSEXT_STATUSTYPE_ocsp;
    (void)SSL_CTX_set_tlsext_status_type(context->ctx, type);
    return sci_return_receiver(L);
}

/***
Returns the policy that `setOcspPolicy` has set.
@function SciSslContext:getOcspPolicy
@treturn string `"none"`, `"request"` or `"require"`
@see SSL_CTX_set_tlsext_status_type(3)
*/
static int context_get_ocsp_policy(lua_State *L) {
    lua_pushstring(L, policies[sci_check_context(L, 1)->ocsp.policy]);
    return 1;
}

#define LONGEST 65535 /* bytes: far longer than any response, and short enough for a handshake message */

bool sci_check_ocsp_response(lua_State *L) {
    sci_failure failure = {.phase = "option", .subject = "OCSP response"};
    sci_ocsp ocsp = {0};
    size_t length = 0;
    lua_settop(L, 2);
    const char *bytes = luaL_optlstring(L, 2, NULL, &length);
    if (!bytes) return true;
    sci_clear_errors();
    bool fits = length <= LONGEST;
    if (!fits) failure.condition = "malformed_ocsp";
    else fits = sci_read_ocsp(&ocsp, (const unsigned char *)bytes, length, &failure);
    sci_free_ocsp(&ocsp);
    if (!fits) sci_fail(L, &failure);
    return fits;
}

/***
Sets the OCSP response that servers staple for clients that ask. Fetch a new response and set it before the `nextUpdate` of
this one. A connection that uses another certificate does not send it. OpenSSL 3.6 and later also send none for a self-signed
certificate. Later connections only.
@function SciSslContext:setOcspResponse
@tparam ?string der the bytes from the issuer's OCSP responder; nil: no response
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `malformed_ocsp`, or `ocsp_unsuccessful`: the responder has reported an error instead of a
 status; the context is unchanged
@see SciSslOcsp.request
@see SSL_set_tlsext_status_ocsp_resp(3)
*/
static int context_set_ocsp_response(lua_State *L) {
    sci_check_context(L, 1);
    if (!sci_check_ocsp_response(L)) return 2;
    lua_setiuservalue(L, 1, SCI_CONTEXT_OCSP);
    return sci_return_receiver(L);
}

static const luaL_Reg ocsp_methods[] = {
    {"setOcspPolicy", context_set_ocsp_policy},
    {"getOcspPolicy", context_get_ocsp_policy},
    {"setOcspResponse", context_set_ocsp_response},
    {NULL, NULL},
};

void sci_open_context_ocsp(lua_State *L) { luaL_setfuncs(L, ocsp_methods, 0); }
