/* context_describe.c: SciSslContext, all settings as a table, for people and for specs. The table is a copy. */
#include "context/context.h"

#include <string.h>

/* Each sets one field of the table on top. */

static void set_flags(lua_State *L, const char *name, const char *prefix, uint64_t bits) {
    sci_push_flag_names(L, prefix, bits);
    lua_setfield(L, -2, name);
}

static void append(lua_State *L, const char *text) {
    lua_pushstring(L, text);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
}

/* ---- protocols and ciphers --------------------------------------------------------------------------------------- */

static void free_ciphers(void *ciphers) { sk_SSL_CIPHER_free(ciphers); }

static void set_ciphers(lua_State *L, const SSL_CTX *ctx, const char *name, bool suites) {
    sci_guard *guard = sci_new_guard(L, free_ciphers);
    STACK_OF(SSL_CIPHER) *ciphers = guard->object = sk_SSL_CIPHER_dup(SSL_CTX_get_ciphers(ctx));
    if (!ciphers) luaL_error(L, "not enough memory");
    lua_newtable(L);
    for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++) {
        const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(ciphers, i);
        if ((SSL_CIPHER_get_kx_nid(cipher) == NID_kx_any) == suites) append(L, SSL_CIPHER_get_name(cipher));
    }
    lua_setfield(L, -3, name);
    lua_pop(L, 1);
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

static void set_note(lua_State *L, const char *name) {
    if (lua_getiuservalue(L, 1, SCI_CONTEXT_NOTES) == LUA_TTABLE) {
        lua_getfield(L, -1, name);
        lua_setfield(L, -3, name);
    }
    lua_pop(L, 1);
}

static void set_alpn(lua_State *L) {
    size_t length = 0;
    lua_getiuservalue(L, 1, SCI_CONTEXT_ALPN);
    const char *wire = lua_tolstring(L, -1, &length);
    lua_newtable(L);
    for (size_t at = 0; wire && at < length; at += 1 + (unsigned char)wire[at]) {
        lua_pushlstring(L, wire + at + 1, (unsigned char)wire[at]);
        lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    }
    lua_setfield(L, -3, "alpn");
    lua_pop(L, 1);
}

static void set_protocol(lua_State *L, const char *name, long version) {
    if (version) sci_set_text(L, name, sci_protocol_name((int)version));
}

static void set_protocols(lua_State *L, const sci_context *context, SSL_CTX *ctx) {
    sci_set_text(L, "method", context->method);
    set_protocol(L, "minProtocol", SSL_CTX_get_min_proto_version(ctx));
    set_protocol(L, "maxProtocol", SSL_CTX_get_max_proto_version(ctx));
    set_ciphers(L, ctx, "ciphers", false);
    set_ciphers(L, ctx, "ciphersuites", true);
    set_note(L, "groups");
    set_note(L, "signatureAlgorithms");
    sci_set_integer(L, "securityLevel", SSL_CTX_get_security_level(ctx));
    set_flags(L, "options", "SSL_OP_", SSL_CTX_get_options(ctx));
    set_alpn(L);
    sci_context_describe_types(L, ctx);
}

/* ---- verification ------------------------------------------------------------------------------------------------ */

static void free_text(void *text) { OPENSSL_free(text); }
static void free_param(void *param) { X509_VERIFY_PARAM_free(param); }

static void set_hosts(lua_State *L, X509_VERIFY_PARAM *param) {
    const char *host;
    sci_guard *guard = sci_new_guard(L, free_param);
    X509_VERIFY_PARAM *copy = guard->object = X509_VERIFY_PARAM_new();
    if (!copy || !sci_copy_hosts(copy, param)) luaL_error(L, "not enough memory");
    lua_newtable(L);
    for (int i = 0; (host = X509_VERIFY_PARAM_get0_host(copy, i)) != NULL; i++) append(L, host);
    lua_setfield(L, -3, "verifyHosts");
    lua_pop(L, 1);
    guard = sci_new_guard(L, free_text);
    guard->object = X509_VERIFY_PARAM_get1_ip_asc(param);
    lua_pushstring(L, guard->object); /* nil where there is none */
    lua_setfield(L, -3, "verifyIp");
    lua_pop(L, 1);
    sci_set_text(L, "verifyEmail", X509_VERIFY_PARAM_get0_email(param));
}

/* As setPins takes them. */
static void set_pins(lua_State *L) {
    size_t length = 0;
    lua_getiuservalue(L, 1, SCI_CONTEXT_PINS);
    const char *digests = lua_tolstring(L, -1, &length);
    lua_newtable(L);
    for (size_t at = 0; at < length; at += SCI_PIN_LENGTH) {
        sci_push_pin(L, (const unsigned char *)digests + at);
        lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    }
    lua_setfield(L, -3, "pins");
    lua_pop(L, 1);
}

static void set_verification(lua_State *L, const sci_context *context, SSL_CTX *ctx) {
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);
    unsigned long flags = X509_VERIFY_PARAM_get_flags(param);
    int depth = X509_VERIFY_PARAM_get_depth(param), level = X509_VERIFY_PARAM_get_auth_level(param);
    int purpose = context->verify.purpose ? X509_PURPOSE_get_by_id(context->verify.purpose) : -1;
    sci_set_integer(L, "verify", SSL_CTX_get_verify_mode(ctx));
    set_flags(L, "verifyFlags", "X509_V_FLAG_", flags & ~(unsigned long)X509_V_FLAG_USE_CHECK_TIME);
    set_flags(L, "verifyHostFlags", "X509_CHECK_FLAG_", X509_VERIFY_PARAM_get_hostflags(param));
    if (flags & X509_V_FLAG_USE_CHECK_TIME) sci_set_integer(L, "verifyTime", X509_VERIFY_PARAM_get_time(param));
    if (depth >= 0) sci_set_integer(L, "verifyDepth", depth);
    if (level >= 0) sci_set_integer(L, "authLevel", level);
    if (purpose >= 0) sci_set_text(L, "purpose", X509_PURPOSE_get0_sname(X509_PURPOSE_get0(purpose)));
    set_hosts(L, param);
    set_pins(L);
}

/* ---- trust store and client CA list ------------------------------------------------------------------------------ */

static void set_paths(lua_State *L, const sci_context *context) {
    lua_newtable(L);
    for (int i = 0; i < sk_OPENSSL_STRING_num(context->trust.paths); i++)
        append(L, sk_OPENSSL_STRING_value(context->trust.paths, i));
    lua_setfield(L, -2, "trustedPaths");
}

static const STACK_OF(X509_NAME) *client_cas_of(const void *ctx) { return SSL_CTX_get_client_CA_list(ctx); }

static void set_client_cas(lua_State *L, const SSL_CTX *ctx) {
    sci_push_names(L, client_cas_of, ctx, false);
    lua_setfield(L, -2, "acceptedIssuers");
}

static void set_trust(lua_State *L, const sci_context *context, SSL_CTX *ctx) {
    STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(SSL_CTX_get_cert_store(ctx));
    lua_Integer certificates = 0, crls = 0;
    for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
        X509_LOOKUP_TYPE type = X509_OBJECT_get_type(sk_X509_OBJECT_value(objects, i));
        certificates += type == X509_LU_X509;
        crls += type == X509_LU_CRL;
    }
    sci_set_integer(L, "trustedCertificates", certificates);
    sci_set_integer(L, "crls", crls);
    set_paths(L, context);
    set_client_cas(L, ctx);
}

/* ---- own certificates and keys ----------------------------------------------------------------------------------- */

static void free_ssl(void *ssl) { SSL_free(ssl); }

/* Appends the current certificate of `ssl` to the list on top. */
static void append_certificate(lua_State *L, SSL *ssl) {
    const X509 *certificate = SSL_get_certificate(ssl);
    STACK_OF(X509) *chain = NULL;
    lua_Integer expiry;
    (void)SSL_get0_chain_certs(ssl, &chain);
    lua_newtable(L);
    sci_push_name(L, X509_get_subject_name(certificate));
    lua_setfield(L, -2, "subject");
    sci_set_text(L, "keyType", EVP_PKEY_get0_type_name(X509_get0_pubkey(certificate)));
    if (sci_time_to_seconds(X509_get0_notAfter(certificate), &expiry)) sci_set_integer(L, "notAfter", expiry);
    sci_set_integer(L, "issuers", chain ? sk_X509_num(chain) : 0);
    sci_set_boolean(L, "hasKey", SSL_get_privatekey(ssl) != NULL);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
}

/* A connection that is made for this has all certificates. Stepping through them in the context itself would change which is
 * current there. */
static void set_certificates(lua_State *L, SSL_CTX *ctx) {
    sci_guard *guard = sci_new_guard(L, free_ssl);
    SSL *ssl = guard->object = SSL_new(ctx);
    lua_newtable(L);
    if (ssl && SSL_get_certificate(ssl) && !SSL_get_privatekey(ssl)) append_certificate(L, ssl);
    int more = ssl && SSL_set_current_cert(ssl, SSL_CERT_SET_FIRST) == 1;
    for (; more; more = SSL_set_current_cert(ssl, SSL_CERT_SET_NEXT) == 1) append_certificate(L, ssl);
    lua_setfield(L, -3, "certificates");
    lua_pop(L, 1);
}

/* ---- sessions ---------------------------------------------------------------------------------------------------- */

static void set_sessions(lua_State *L, const sci_context *context, SSL_CTX *ctx) {
    sci_set_integer(L, "sessionTimeout", SSL_CTX_get_timeout(ctx));
    sci_set_integer(L, "sessionCacheMode", sci_context_cache_mode(context));
    sci_set_integer(L, "sessionCacheSize", SSL_CTX_sess_get_cache_size(ctx));
    sci_set_integer(L, "tickets", (lua_Integer)SSL_CTX_get_num_tickets(ctx));
    sci_set_boolean(L, "ticketsAllowed", !(SSL_CTX_get_options(ctx) & SSL_OP_NO_TICKET));
    sci_set_boolean(L, "sharedTicketKeys", context->tickets.keys != NULL);
    sci_set_integer(L, "maxReplayableData", SSL_CTX_get_max_early_data(ctx));
}

/* ---- the rest ---------------------------------------------------------------------------------------------------- */

static bool has_value(lua_State *L, int value) {
    bool has = lua_getiuservalue(L, 1, value) != LUA_TNIL;
    lua_pop(L, 1);
    return has;
}

static void set_rest(lua_State *L, const sci_context *context) {
    static const char *const policies[] = {"none", "request", "require"};
    sci_set_text(L, "ocsp", policies[context->ocsp.policy]);
    sci_set_integer(L, "echKeys", sci_context_count_ech_keys(context->ctx));
    sci_set_boolean(L, "ocspResponse", has_value(L, SCI_CONTEXT_OCSP));
    sci_set_boolean(L, "pskClient", has_value(L, SCI_CONTEXT_PSK_CLIENT));
    sci_set_boolean(L, "pskServer", has_value(L, SCI_CONTEXT_PSK_SERVER));
    sci_set_boolean(L, "sessionStore", has_value(L, SCI_CONTEXT_SESSION_STORE));
    sci_set_boolean(L, "replayGuard", has_value(L, SCI_CONTEXT_REPLAY_GUARD));
    sci_set_boolean(L, "keylog", context->keylog.collect || has_value(L, SCI_CONTEXT_KEYLOG));
}

static void free_context(void *ctx) { SSL_CTX_free(ctx); }

/***
Returns all settings in a table. The table is a copy: changing it does not change the context, and later changes of the context
do not change it.

* `method`, `minProtocol`, `maxProtocol` (nil: no bound): names; `ciphers` (up to TLS 1.2), `ciphersuites` (TLS 1.3), `alpn`:
  lists; `groups`, `signatureAlgorithms`: the texts that were set, nil for OpenSSL's defaults; `securityLevel`: integer;
  `options`: list of names; `serverCertificateTypes`, `clientCertificateTypes`: lists, nil where not set
* `verify`: `SSL_VERIFY_…` flags; `verifyFlags`, `verifyHostFlags`, `verifyHosts`, `pins`: lists; `verifyIp`, `verifyEmail`,
  `verifyTime`, `verifyDepth`, `authLevel`, `purpose`: nil where not set
* `trustedCertificates`, `crls`: the numbers of those in memory; `trustedPaths`: directories; `acceptedIssuers`: names
* `certificates`: list of tables with `subject`, `keyType`, `notAfter` (seconds since the epoch), `issuers` (the number of
  intermediate certificates that are sent), `hasKey`
* `sessionTimeout`: seconds; `sessionCacheMode`: `SSL_SESS_CACHE_…` flags; `sessionCacheSize`; `tickets`: how many a
  server sends after a full handshake of TLS 1.3; `ticketsAllowed`, `sharedTicketKeys`: booleans; `maxReplayableData`: bytes
* `ocsp`: `"none"`, `"request"`, `"require"`; `echKeys`: how many; `ocspResponse`, `pskClient`, `pskServer`,
  `sessionStore`, `replayGuard`, `keylog`: booleans: whether it is set
@function SciSslContext:describe
@treturn table
@see SSL_CTX_get_options(3)
*/
static int context_describe(lua_State *L) {
    lua_settop(L, 1);
    sci_guard *guard = sci_new_guard(L, free_context);
    const sci_context *context = sci_check_context(L, 1);
    SSL_CTX *ctx = SSL_CTX_up_ref(context->ctx) ? context->ctx : NULL;
    guard->object = ctx; /* making values runs finalizers, which may close the context */
    if (!ctx) return sci_fail_openssl(L, "describe", NULL);
    sci_clear_errors();
    lua_createtable(L, 0, 32);
    set_protocols(L, context, ctx);
    set_verification(L, context, ctx);
    set_trust(L, context, ctx);
    set_certificates(L, ctx);
    set_sessions(L, context, ctx);
    set_rest(L, context);
    sci_clear_errors();
    return 1;
}

static bool copy_trusted(const void *owner, void **list) {
    *list = X509_STORE_get1_all_certs(SSL_CTX_get_cert_store(owner));
    return *list != NULL;
}

/***
Returns the certificates of the trust store. Those of a directory (`caPath`) are in it once a verification has read them.
@function SciSslContext:trustedCertificates
@treturn {SciSslX509Certificate,...} in no order
@see X509_STORE_get1_all_certs(3)
*/
static int context_trusted_certificates(lua_State *L) {
    const sci_context *context = sci_check_context(L, 1);
    sci_clear_errors();
    sci_push_certificates_of(L, copy_trusted, context->ctx);
    return 1;
}

static const luaL_Reg describe_methods[] = {
    {"describe", context_describe},
    {"trustedCertificates", context_trusted_certificates},
    {NULL, NULL},
};

void sci_open_context_describe(lua_State *L) { luaL_setfuncs(L, describe_methods, 0); }
