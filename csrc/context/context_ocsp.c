/* context_ocsp.c: SciSslContext, OCSP stapling: what clients do about it, and what servers staple (RFC 6066, section 8). */
#include "context/context.h"

static const char *const policies[] = {"none", "request", "require", NULL};

/***
Sets what clients made from now on do about OCSP stapling, by which a server proves that its certificate has not been
revoked.

* `"none"`: nothing. This is the default
* `"request"`: the client asks. The handshake goes on where the server has no response, or one that does not count; but
  not without a good one where the certificate says that it comes with one (must-staple, RFC 7633), and not with one by
  which the issuer says that the certificate is revoked
* `"require"`: no handshake without a good response. No session is resumed: it may have been made with less care

What ends the handshake has the alert bad_certificate_status_response, and one of the conditions `ocsp_missing`,
`certificate_revoked`, `ocsp_unknown`, `ocsp_no_issuer`, or those of `SciSslOcsp.check`. Responses are judged as there, for
the issuer in the chain as OpenSSL has built it.
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
Answers what `setOcspPolicy` set.
@function SciSslContext:getOcspPolicy
@treturn string
@see SSL_CTX_set_tlsext_status_type(3)
*/
static int context_get_ocsp_policy(lua_State *L) {
    lua_pushstring(L, policies[sci_check_context(L, 1)->ocsp.policy]);
    return 1;
}

#define LONGEST 65535 /* far beyond any response; what a handshake message holds is more */

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
Sets the OCSP response that servers made from now on staple for clients that ask, until it is set anew: it has to be
fetched again before its `nextUpdate`. It is left out where the connection uses another certificate.
@function SciSslContext:setOcspResponse
@tparam ?string der as the issuer's responder has sent it; nil: none
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `malformed_ocsp`, or `ocsp_unsuccessful`: the responder says nothing in it; the context
 stays as it was
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
