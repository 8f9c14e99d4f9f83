/* context.c: SciSslContext, the settings that connections inherit (SSL_CTX). Document rows S9 to S14. */
#include "context/context.h"

#include <limits.h>
#include <string.h>

/***
The settings that many connections share (SSL_CTX): protocols, ciphers, trust, certificates, sessions. A connection takes
them over with `SciSslSocket:sslInitialize`; what is set later does not reach it. Setters answer the receiver, so that calls can
be chained, or nil and a `SciSslError`. A new context verifies nobody until `setVerify` says so; `scissl.connect` does.
@classmod SciSslContext
*/

/* ---- life ------------------------------------------------------------------------------------------------------- */

bool sci_context_is_open(const sci_context *context) { return context->ctx && !context->closed; }

sci_context *sci_check_context(lua_State *L, int index) {
    sci_context *context = luaL_checkudata(L, index, SCI_CONTEXT);
    luaL_argcheck(L, sci_context_is_open(context), index, "context has been closed");
    return context;
}

void sci_context_link(sci_context *context, sci_dependent *dependent) {
    sci_dependent *head = &context->dependents;
    dependent->previous = head;
    dependent->next = head->next;
    head->next->previous = dependent;
    head->next = dependent;
}

void sci_context_unlink(sci_dependent *dependent) {
    if (!dependent->next) return;
    dependent->previous->next = dependent->next;
    dependent->next->previous = dependent->previous;
    dependent->next = dependent->previous = NULL;
}

static void free_string(char *text) { OPENSSL_free(text); }

static int context_gc(lua_State *L) {
    sci_context *context = luaL_checkudata(L, 1, SCI_CONTEXT);
    context->closed = true;
    if (!sci_may_free(L)) return 0;
    while (context->dependents.next && context->dependents.next != &context->dependents)
        sci_context_unlink(context->dependents.next);
    sk_OPENSSL_STRING_pop_free(context->trust_paths, free_string);
    context->trust_paths = NULL;
    if (context->ctx) (void)SSL_CTX_set_app_data(context->ctx, NULL); /* sessions may hold it for longer */
    SSL_CTX_free(context->ctx);
    context->ctx = NULL;
    return 0;
}

int sci_context_give_up(lua_State *L, sci_context *context, const char *subject) {
    context->closed = true;
    return sci_fail(L, &(sci_failure){.phase = "option",
                                      .condition = "memory_full",
                                      .message = "memory ran out half-way: the context has been closed",
                                      .subject = subject});
}

/* A stricter minimum from the system's configuration of OpenSSL stays. */
static bool apply_method(SSL_CTX *ctx, const sci_protocol *only) {
    if (only)
        return SSL_CTX_set_min_proto_version(ctx, only->version) && SSL_CTX_set_max_proto_version(ctx, only->version);
    return SSL_CTX_get_min_proto_version(ctx) >= TLS1_2_VERSION || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
}

/* Acknowledges the server name, so that OpenSSL notes it in the session: in TLS 1.2 it knows no other after resumption. */
static int on_server_name(SSL *ssl, int *alert, void *unused) {
    (void)alert, (void)unused;
    return SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

#define OWN_SID_LENGTH 8 /* bytes; every ticket carries them */

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
    context->sid_length = OWN_SID_LENGTH;
    context->trust_paths = sk_OPENSSL_STRING_new_null();
    return context->trust_paths && SSL_CTX_set_app_data(ctx, context) == 1 && apply_method(ctx, only) &&
           RAND_bytes(context->sid, OWN_SID_LENGTH) > 0;
}

/***
Makes a context. `TLS` allows TLS 1.2 and later; the other methods allow that one version alone.
TLSv1 and TLSv1.1 also need `setSecurityLevel(0)`.
@function SciSslContext.new
@tparam[opt="TLS"] string method `TLS`, `TLSv1`, `TLSv1.1`, `TLSv1.2` or `TLSv1.3`
@treturn[1] SciSslContext
@treturn[2] nil
@treturn[2] SciSslError condition `unknown_protocol`
@see SSL_CTX_new(3)
*/
static int context_new(lua_State *L) {
    const char *method = lua_isnoneornil(L, 1) ? "TLS" : sci_check_text(L, 1);
    const sci_protocol *only = sci_find_protocol(method);
    if (!only && strcmp(method, "TLS") != 0) return sci_fail_protocol(L, method);
    sci_context *context = sci_new_object(L, SCI_CONTEXT, sizeof *context, SCI_CONTEXT_USERVALUES);
    context->dependents.next = context->dependents.previous = &context->dependents;
    context->method = only ? only->name : "TLS";
    sci_clear_errors();
    context->ctx = SSL_CTX_new(TLS_method());
    if (!context->ctx || !set_up(context, only)) return sci_fail_openssl(L, "option", method);
    return 1;
}

/* ---- leaving earlier connections as they are (S9) --------------------------------------------------------------- */

/* The ciphers up to TLS 1.2 by name; the suites of TLS 1.3 are the connection's own already. */
static char *cipher_names(const SSL *ssl) {
    STACK_OF(SSL_CIPHER) *ciphers = SSL_get_ciphers(ssl);
    int count = sk_SSL_CIPHER_num(ciphers);
    size_t length = 1;
    for (int i = 0; i < count; i++) length += strlen(SSL_CIPHER_get_name(sk_SSL_CIPHER_value(ciphers, i))) + 1;
    char *names = OPENSSL_zalloc(length);
    for (int i = 0; names && i < count; i++) {
        const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(ciphers, i);
        if (SSL_CIPHER_get_kx_nid(cipher) == NID_kx_any) continue;
        if (*names) OPENSSL_strlcat(names, ":", length);
        OPENSSL_strlcat(names, SSL_CIPHER_get_name(cipher), length);
    }
    return names;
}

static bool keep_ciphers(SSL *ssl) {
    char *names = cipher_names(ssl);
    bool kept = names && (*names == 0 || SSL_set_cipher_list(ssl, names) == 1);
    OPENSSL_free(names);
    return kept;
}

static bool keep_trust(SSL *ssl) {
    X509_STORE *store = SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl));
    return SSL_set1_verify_cert_store(ssl, store) == 1 && SSL_set1_chain_cert_store(ssl, store) == 1;
}

/* Servers read the names of accepted issuers from the context at each request; an empty list stands for none. */
static STACK_OF(X509_NAME) *copy_names(const STACK_OF(X509_NAME) *names) {
    return names ? SSL_dup_CA_list(names) : sk_X509_NAME_new_null();
}

static bool keep_issuers(SSL *ssl) {
    SSL_CTX *ctx = SSL_get_SSL_CTX(ssl);
    STACK_OF(X509_NAME) *of_servers = copy_names(SSL_CTX_get_client_CA_list(ctx));
    STACK_OF(X509_NAME) *of_both = copy_names(SSL_CTX_get0_CA_list(ctx));
    SSL_set_client_CA_list(ssl, of_servers);
    SSL_set0_CA_list(ssl, of_both);
    return of_servers && of_both;
}

bool sci_context_detach(sci_context *context) {
    sci_dependent *head = &context->dependents;
    while (head->next != head) {
        sci_dependent *dependent = head->next;
        if (!keep_ciphers(dependent->ssl) || !keep_trust(dependent->ssl) || !keep_issuers(dependent->ssl)) return false;
        sci_context_unlink(dependent);
        context->store_lent = true;
    }
    return true;
}

void sci_context_note(lua_State *L, const char *name, int value) {
    value = lua_absindex(L, value);
    if (lua_getiuservalue(L, 1, SCI_CONTEXT_NOTES) == LUA_TNIL) {
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, 1, SCI_CONTEXT_NOTES);
        lua_replace(L, -2);
    }
    lua_pushvalue(L, value);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
}

/* ---- setters: each answers the receiver ------------------------------------------------------------------------- */

#define VERIFY_COMPANIONS (SSL_VERIFY_FAIL_IF_NO_PEER_CERT | SSL_VERIFY_CLIENT_ONCE | SSL_VERIFY_POST_HANDSHAKE)

bool sci_check_verify_flags(lua_State *L, int index, int *flags) {
    lua_Integer asked = luaL_checkinteger(L, index);
    const char *message = NULL;
    if (asked & ~(lua_Integer)(SSL_VERIFY_PEER | VERIFY_COMPANIONS))
        message = "some of the bits are not SSL_VERIFY_… flags";
    else if ((asked & VERIFY_COMPANIONS) && !(asked & SSL_VERIFY_PEER))
        message = "SSL_VERIFY_FAIL_IF_NO_PEER_CERT and SSL_VERIFY_CLIENT_ONCE need SSL_VERIFY_PEER beside them";
    *flags = (int)asked;
    if (message) sci_fail_own(L, "option", "verify_flags", message);
    return message == NULL;
}

/***
Sets how connections made from now on check the peer's certificate.
@function SciSslContext:setVerify
@tparam integer flags `SSL_VERIFY_NONE`, or `SSL_VERIFY_PEER` alone or with `SSL_VERIFY_FAIL_IF_NO_PEER_CERT` and
 `SSL_VERIFY_CLIENT_ONCE`
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `verify_flags`: the flags do not fit together (row S14)
@see SSL_CTX_set_verify(3)
*/
static int context_set_verify(lua_State *L) {
    SSL_CTX *ctx = sci_check_context(L, 1)->ctx;
    int flags;
    if (!sci_check_verify_flags(L, 2, &flags)) return 2;
    SSL_CTX_set_verify(ctx, flags, NULL);
    return sci_return_receiver(L);
}

/***
Answers the flags that `setVerify` set.
@function SciSslContext:getVerify
@treturn integer
@see SSL_CTX_get_verify_mode(3)
*/
static int context_get_verify(lua_State *L) {
    lua_pushinteger(L, SSL_CTX_get_verify_mode(sci_check_context(L, 1)->ctx));
    return 1;
}

/***
Sets how many certificates may stand between the peer's and a trusted one.
@function SciSslContext:setVerifyDepth
@tparam integer depth 0 … 1000
@treturn SciSslContext the receiver
@see SSL_CTX_set_verify_depth(3)
*/
static int context_set_verify_depth(lua_State *L) {
    SSL_CTX *ctx = sci_check_context(L, 1)->ctx;
    lua_Integer depth = luaL_checkinteger(L, 2);
    luaL_argcheck(L, depth >= 0 && depth <= 1000, 2, "depth from 0 to 1000 expected");
    SSL_CTX_set_verify_depth(ctx, (int)depth);
    return sci_return_receiver(L);
}

/***
Answers how many certificates may stand between the peer's and a trusted one; -1 is OpenSSL's default, 100.
@function SciSslContext:getVerifyDepth
@treturn integer
@see SSL_CTX_get_verify_depth(3)
*/
static int context_get_verify_depth(lua_State *L) {
    lua_pushinteger(L, SSL_CTX_get_verify_depth(sci_check_context(L, 1)->ctx));
    return 1;
}

/***
Adds options.
@function SciSslContext:setOptions
@tparam integer|string|{string,...} options `SSL_OP_…` constants, or-ed; or names of them without `SSL_OP_`, in lower
 case: `"no_ticket"`, `{"no_renegotiation", "cipher_server_preference"}`
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `unknown_flag`; the context stays as it was
@see SSL_CTX_set_options(3)
*/
static int context_set_options(lua_State *L) {
    const sci_context *context = sci_check_context(L, 1);
    uint64_t bits;
    if (!sci_read_flags(L, 2, "SSL_OP_", &bits)) return 2;
    SSL_CTX_set_options(context->ctx, bits);
    return sci_return_receiver(L);
}

/***
Takes options away.
@function SciSslContext:clearOptions
@tparam integer|string|{string,...} options as `setOptions`
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `unknown_flag`; the context stays as it was
@see SSL_CTX_clear_options(3)
*/
static int context_clear_options(lua_State *L) {
    const sci_context *context = sci_check_context(L, 1);
    uint64_t bits;
    if (!sci_read_flags(L, 2, "SSL_OP_", &bits)) return 2;
    SSL_CTX_clear_options(context->ctx, bits);
    return sci_return_receiver(L);
}

/***
Answers the options that are set.
@function SciSslContext:getOptions
@treturn integer `SSL_OP_…` constants, or-ed
@see SSL_CTX_get_options(3)
*/
static int context_get_options(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)SSL_CTX_get_options(sci_check_context(L, 1)->ctx));
    return 1;
}

/***
Allows or forbids new handshakes on connections made from now on, which TLS up to 1.2 knows: whether the peer asks for one or
we do. They are forbidden at first; allowed, clients can make a server work for little of their own.
@function SciSslContext:setRenegotiation
@tparam boolean allowed
@treturn SciSslContext the receiver
@see SSL_CTX_set_options(3), `SSL_OP_NO_RENEGOTIATION` and `SSL_OP_ALLOW_CLIENT_RENEGOTIATION`
*/
static int context_set_renegotiation(lua_State *L) {
    SSL_CTX *ctx = sci_check_context(L, 1)->ctx;
    luaL_checktype(L, 2, LUA_TBOOLEAN);
    bool allowed = lua_toboolean(L, 2);
    SSL_CTX_clear_options(ctx, allowed ? SSL_OP_NO_RENEGOTIATION : SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
    SSL_CTX_set_options(ctx, allowed ? SSL_OP_ALLOW_CLIENT_RENEGOTIATION : SSL_OP_NO_RENEGOTIATION);
    return sci_return_receiver(L);
}

/***
Sets how long the sessions of connections made from now on may be resumed.
@function SciSslContext:setTimeout
@tparam integer seconds 1 or more
@treturn SciSslContext the receiver
@see SSL_CTX_set_timeout(3)
*/
static int context_set_timeout(lua_State *L) {
    SSL_CTX *ctx = sci_check_context(L, 1)->ctx;
    lua_Integer seconds = luaL_checkinteger(L, 2);
    luaL_argcheck(L, seconds > 0 && seconds <= LONG_MAX, 2, "a positive number of seconds expected");
    SSL_CTX_set_timeout(ctx, (long)seconds);
    return sci_return_receiver(L);
}

/***
Answers how long sessions may be resumed.
@function SciSslContext:getTimeout
@treturn integer seconds
@see SSL_CTX_get_timeout(3)
*/
static int context_get_timeout(lua_State *L) {
    lua_pushinteger(L, SSL_CTX_get_timeout(sci_check_context(L, 1)->ctx));
    return 1;
}

/***
Sets the name under which servers file their sessions. Each context has a random one of its own: set the same where
several processes are to resume each other's sessions.
@function SciSslContext:setSessionIdContext
@tparam string name 1 to 32 bytes
@treturn SciSslContext the receiver
@see SSL_CTX_set_session_id_context(3)
*/
static int context_set_session_id_context(lua_State *L) {
    sci_context *context = sci_check_context(L, 1);
    size_t length;
    const char *name = luaL_checklstring(L, 2, &length);
    luaL_argcheck(L, length > 0 && length <= SCI_SID_LENGTH, 2, "1 to 32 bytes expected");
    memcpy(context->sid, name, length);
    context->sid_length = (unsigned int)length;
    return sci_return_receiver(L);
}

/* ---- for the REPL ----------------------------------------------------------------------------------------------- */

static void push_identity(lua_State *L, const X509 *certificate) {
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
    push_identity(L, SSL_CTX_get0_certificate(context->ctx));
    lua_pushfstring(L, SCI_CONTEXT ": %s, %s to %s, %s, %s", context->method,
                    sci_protocol_name((int)SSL_CTX_get_min_proto_version(context->ctx)),
                    sci_protocol_name((int)SSL_CTX_get_max_proto_version(context->ctx)),
                    verifies ? "verifies its peers" : "does not insist on verification", luaL_tolstring(L, -1, NULL));
    return 1;
}

static const luaL_Reg context_functions[] = {{"new", context_new}, {NULL, NULL}};

static const luaL_Reg context_methods[] = {
    {"setVerify", context_set_verify},
    {"getVerify", context_get_verify},
    {"setVerifyDepth", context_set_verify_depth},
    {"getVerifyDepth", context_get_verify_depth},
    {"setOptions", context_set_options},
    {"clearOptions", context_clear_options},
    {"getOptions", context_get_options},
    {"setRenegotiation", context_set_renegotiation},
    {"setTimeout", context_set_timeout},
    {"getTimeout", context_get_timeout},
    {"setSessionIdContext", context_set_session_id_context},
    {NULL, NULL},
};

static const luaL_Reg context_metamethods[] = {
    {"__gc", context_gc},
    {"__close", context_gc},
    {"__tostring", context_tostring},
    {NULL, NULL},
};

void sci_open_context(lua_State *L) {
    sci_new_class(L, SCI_CONTEXT, context_functions, context_methods, context_metamethods);
}
