/* context_protocols.c: SciSslContext, the lowest and the highest protocol version. */
#include "context/context.h"

/* OpenSSL takes a version of TLS for DTLS, or the other way round, and does nothing. */
static int fail_kind(lua_State *L, const sci_context *context, const char *name) {
    const char *message = context->datagrams ? "the context is one of DTLS, for datagrams"
                                             : "the context is one of TLS; DTLS needs SciSslContext.new \"DTLS\"";
    return sci_fail(
        L, &(sci_failure){.phase = "option", .condition = "protocol_version", .message = message, .subject = name});
}

static bool is_above(int low, int high, bool datagrams) { return datagrams ? low < high : low > high; }

/* Sets the lowest version, or the highest one. */
static int set_bound(lua_State *L, bool highest) {
    const sci_context *context = sci_check_context(L, 1);
    SSL_CTX *ctx = context->ctx;
    const char *name = sci_check_text(L, 2);
    const sci_protocol *chosen = sci_find_protocol(name);
    if (!chosen) return sci_fail_protocol(L, name);
    if (chosen->datagrams != context->datagrams) return fail_kind(L, context, name);
    sci_clear_errors();
    int low = highest ? (int)SSL_CTX_get_min_proto_version(ctx) : chosen->version;
    int high = highest ? chosen->version : (int)SSL_CTX_get_max_proto_version(ctx);
    if (low && high && is_above(low, high, chosen->datagrams))
        return sci_fail(L, &(sci_failure){.phase = "option",
                                          .condition = "protocol_version",
                                          .message = "the lowest protocol version would be above the highest",
                                          .subject = name});
    if (!(highest ? SSL_CTX_set_max_proto_version(ctx, high) : SSL_CTX_set_min_proto_version(ctx, low)))
        return sci_fail_openssl(L, "option", name);
    return sci_return_receiver(L);
}

/***
Sets the lowest protocol version of later connections.
@function SciSslContext:setMinProtocol
@tparam string name `TLSv1`, `TLSv1.1`, `TLSv1.2` or `TLSv1.3`; of a context of DTLS `DTLSv1` or `DTLSv1.2`
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `unknown_protocol`, or `protocol_version`: the version is above the highest one
@see SSL_CTX_set_min_proto_version(3)
*/
static int context_set_min_protocol(lua_State *L) { return set_bound(L, false); }

/***
Sets the highest protocol version of later connections.
@function SciSslContext:setMaxProtocol
@tparam string name `TLSv1`, `TLSv1.1`, `TLSv1.2` or `TLSv1.3`; of a context of DTLS `DTLSv1` or `DTLSv1.2`
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `unknown_protocol`, or `protocol_version`: the version is below the lowest one
@see SSL_CTX_set_max_proto_version(3)
*/
static int context_set_max_protocol(lua_State *L) { return set_bound(L, true); }

static const luaL_Reg protocols_methods[] = {
    {"setMinProtocol", context_set_min_protocol},
    {"setMaxProtocol", context_set_max_protocol},
    {NULL, NULL},
};

void sci_open_context_protocols(lua_State *L) { luaL_setfuncs(L, protocols_methods, 0); }
