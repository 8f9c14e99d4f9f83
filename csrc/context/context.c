/* context.c: SciSslContext, the settings that connections share (SSL_CTX): making and closing one. Document: S9. */
#include "context/context.h"

#include <string.h>

/***
The settings that connections share (SSL_CTX): protocols, ciphers, trust store, certificates, sessions. A connection copies
them in `SciSslSocket:sslInitialize`; later changes of the context do not reach it. Setters return the receiver, so that calls
can be chained, or nil and a `SciSslError`. A new context does not verify its peers until `setVerify` is called;
`scissl.connect` calls it.
@classmod SciSslContext
*/

/* ---- life -------------------------------------------------------------------------------------------------------- */

static int context_gc(lua_State *L) {
    sci_context *context = luaL_checkudata(L, 1, SCI_CONTEXT);
    sci_context_close(context);
    if (!sci_may_free(L)) return 0;
    sci_context_free_dependents(context);
    sci_context_free_trust(context);
    sci_context_free_verify(context);
    if (context->ctx) (void)SSL_CTX_set_app_data(context->ctx, NULL); /* sessions may keep `ctx` alive */
    SSL_CTX_free(context->ctx);
    context->ctx = NULL;
    return 0;
}

/* Keeps a higher minimum that OpenSSL's configuration file has set. */
static bool apply_method(SSL_CTX *ctx, const sci_protocol *only, bool datagrams) {
    if (only)
        return SSL_CTX_set_min_proto_version(ctx, only->version) && SSL_CTX_set_max_proto_version(ctx, only->version);
    if (datagrams) return SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION); /* the highest that OpenSSL has */
    return SSL_CTX_get_min_proto_version(ctx) >= TLS1_2_VERSION || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
}

/* Acknowledges the server name, so that OpenSSL stores it in the session: after a resumption in TLS 1.2 it takes the name from
 * there. */
static int on_server_name(SSL *ssl, int *alert, void *unused) {
    (void)alert, (void)unused;
    return SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

static bool set_up(sci_context *context, const sci_protocol *only) {
    SSL_CTX *ctx = context->ctx;
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_dh_auto(ctx, 1);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_BOTH | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_set_default_passwd_cb(ctx, sci_no_passphrase);
    X509_VERIFY_PARAM_set_hostflags(SSL_CTX_get0_param(ctx), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    SSL_CTX_set_tlsext_servername_callback(ctx, on_server_name);
    return sci_context_make_trust(context) && sci_context_make_session_id_context(context) &&
           SSL_CTX_set_app_data(ctx, context) == 1 && apply_method(ctx, only, context->datagrams);
}

static const char *general_method(const char *method) {
    if (strcmp(method, "TLS") == 0) return "TLS";
    return strcmp(method, "DTLS") == 0 ? "DTLS" : NULL;
}

/***
Makes a context. `TLS` allows TLS 1.2 and later, and `DTLS`, for datagrams, DTLS 1.2; each other method allows one version
only. `TLSv1`, `TLSv1.1` and `DTLSv1` also need `setSecurityLevel(0)`.
@function SciSslContext.new
@tparam[opt="TLS"] string method `TLS`, `TLSv1`, `TLSv1.1`, `TLSv1.2`, `TLSv1.3`, `DTLS`, `DTLSv1` or `DTLSv1.2`
@tparam[opt] SciSslLibrary library whose providers do the work of its connections; OpenSSL's own by default
@treturn[1] SciSslContext
@treturn[2] nil
@treturn[2] SciSslError condition `unknown_protocol`
@see SSL_CTX_new_ex(3)
*/
static int context_new(lua_State *L) {
    const char *method = lua_isnoneornil(L, 1) ? "TLS" : sci_check_text(L, 1);
    const sci_protocol *only = sci_find_protocol(method);
    const sci_library *library = sci_check_library_option(L, 2);
    const char *general = general_method(method);
    if (!only && !general) return sci_fail_protocol(L, method);
    sci_context *context = sci_new_object(L, SCI_CONTEXT, sizeof *context, SCI_CONTEXT_USERVALUES);
    sci_context_make_dependents(context);
    context->method = only ? only->name : general;
    context->datagrams = *context->method == 'D';
    sci_clear_errors();
    context->library = library;
    context->ctx =
        SSL_CTX_new_ex(sci_library_context(library), NULL, context->datagrams ? DTLS_method() : TLS_method());
    if (!context->ctx || !set_up(context, only)) return sci_fail_openssl(L, "option", method);
    return 1;
}

/* ---- for the REPL ------------------------------------------------------------------------------------------------ */

static void push_subject(lua_State *L, const X509 *certificate) {
    if (certificate) sci_push_name(L, X509_get_subject_name(certificate));
    else lua_pushliteral(L, "no certificate");
}

static int context_tostring(lua_State *L) {
    const sci_context *context = luaL_checkudata(L, 1, SCI_CONTEXT);
    if (!sci_context_is_open(context)) {
        lua_pushliteral(L, SCI_CONTEXT ": closed");
        return 1;
    }
    bool verifies = SSL_CTX_get_verify_mode(context->ctx) & SSL_VERIFY_PEER;
    push_subject(L, SSL_CTX_get0_certificate(context->ctx));
    lua_pushfstring(L, SCI_CONTEXT ": %s, %s to %s, %s, %s", context->method,
                    sci_protocol_name((int)SSL_CTX_get_min_proto_version(context->ctx)),
                    sci_protocol_name((int)SSL_CTX_get_max_proto_version(context->ctx)),
                    verifies ? "verifies its peers" : "does not require verification", luaL_tolstring(L, -1, NULL));
    return 1;
}

static const luaL_Reg context_functions[] = {{"new", context_new}, {NULL, NULL}};

static const luaL_Reg context_metamethods[] = {
    {"__gc", context_gc},
    {"__close", context_gc},
    {"__tostring", context_tostring},
    {NULL, NULL},
};

void sci_open_context(lua_State *L) { sci_new_class(L, SCI_CONTEXT, context_functions, NULL, context_metamethods); }
