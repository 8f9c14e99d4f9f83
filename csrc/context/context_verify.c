/* context_verify.c: SciSslContext, how the peer's certificates are verified (X509_VERIFY_PARAM). Document: S10 to S14. */
#include "context/context.h"

#include <string.h>

static X509_VERIFY_PARAM *check_param(lua_State *L) { return SSL_CTX_get0_param(sci_check_context(L, 1)->ctx); }

/* ---- for connections --------------------------------------------------------------------------------------------- */

/* NULL: the context is collected, and nothing would free a chain. */
static sci_proven_chains *proven_chains(sci_context *context) { return context->ctx ? &context->verify.proven : NULL; }

bool sci_context_verify_peer(sci_context *context, X509_STORE_CTX *check, const sci_chain *session) {
    return sci_verify_chain(check, session, proven_chains(context));
}

bool sci_context_knows_peer(sci_context *context, X509_STORE_CTX *check, const sci_chain *session) {
    return sci_verify_known_chain(check, session, proven_chains(context));
}

void sci_context_free_verify(sci_context *context) { sci_free_proven_chains(&context->verify.proven); }

#define MESSAGE_LIMIT 0xffffff /* bytes: the length of a handshake message has 24 bits */

long sci_check_max_cert_list(lua_State *L, int index) {
    return (long)sci_check_integer(L, index, 1, MESSAGE_LIMIT, "1 to 16777215 bytes");
}

/* ---- whether, and how deep --------------------------------------------------------------------------------------- */

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
Sets whether and how connections verify the peer's certificate. Later connections only.

* `SSL_VERIFY_NONE`: a client verifies the server's certificate, goes on whatever the result is, and
  `SciSslSocket:sslVerifyCertificate` returns the result. A server asks for no certificate
* `SSL_VERIFY_PEER`: a failed verification ends the handshake. A server asks the client for a certificate; sending none is
  allowed unless `SSL_VERIFY_FAIL_IF_NO_PEER_CERT` is set as well
* `SSL_VERIFY_CLIENT_ONCE`: a server does not ask again when it renegotiates
@function SciSslContext:setVerify
@tparam integer flags `SSL_VERIFY_NONE`, or `SSL_VERIFY_PEER` alone or with `SSL_VERIFY_FAIL_IF_NO_PEER_CERT` and
 `SSL_VERIFY_CLIENT_ONCE`
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `verify_flags`: unknown bits, or one of the other flags without `SSL_VERIFY_PEER`
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
Returns the flags that `setVerify` has set.
@function SciSslContext:getVerify
@treturn integer
@see SSL_CTX_get_verify_mode(3)
*/
static int context_get_verify(lua_State *L) {
    lua_pushinteger(L, SSL_CTX_get_verify_mode(sci_check_context(L, 1)->ctx));
    return 1;
}

/***
Sets how long the message with the peer's certificates may be. A longer one ends the handshake with the condition
`handshake_message_too_long`. Later connections only.
@function SciSslContext:setMaxCertList
@tparam integer bytes 1 … 16777215; OpenSSL's default is 102400
@treturn SciSslContext the receiver
@see SSL_CTX_set_max_cert_list(3)
*/
static int context_set_max_cert_list(lua_State *L) {
    SSL_CTX *ctx = sci_check_context(L, 1)->ctx;
    (void)SSL_CTX_set_max_cert_list(ctx, sci_check_max_cert_list(L, 2)); /* returns the old one */
    return sci_return_receiver(L);
}

/***
Returns what `setMaxCertList` has set.
@function SciSslContext:getMaxCertList
@treturn integer bytes
@see SSL_CTX_get_max_cert_list(3)
*/
static int context_get_max_cert_list(lua_State *L) {
    lua_pushinteger(L, SSL_CTX_get_max_cert_list(sci_check_context(L, 1)->ctx));
    return 1;
}

/***
Sets how many intermediate certificates may stand between the peer's certificate and a trusted one.
@function SciSslContext:setVerifyDepth
@tparam integer depth 0 … 1000
@treturn SciSslContext the receiver
@see SSL_CTX_set_verify_depth(3)
*/
static int context_set_verify_depth(lua_State *L) {
    SSL_CTX *ctx = sci_check_context(L, 1)->ctx;
    SSL_CTX_set_verify_depth(ctx, (int)sci_check_integer(L, 2, 0, 1000, "depth from 0 to 1000"));
    return sci_return_receiver(L);
}

/***
Returns how many intermediate certificates may stand between the peer's certificate and a trusted one; -1 stands for
OpenSSL's default, 100.
@function SciSslContext:getVerifyDepth
@treturn integer
@see SSL_CTX_get_verify_depth(3)
*/
static int context_get_verify_depth(lua_State *L) {
    lua_pushinteger(L, SSL_CTX_get_verify_depth(sci_check_context(L, 1)->ctx));
    return 1;
}

/* ---- purpose, time, level ---------------------------------------------------------------------------------------- */

/***
Sets the purpose that the peer's certificate must allow. By default a client requires `sslserver`, and a server `sslclient`.
@function SciSslContext:setPurpose
@tparam string name `sslserver`, `sslclient`, `any`, or another short name of an `X509_PURPOSE`
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `unknown_purpose`
@see X509_VERIFY_PARAM_set_purpose(3)
*/
static int context_set_purpose(lua_State *L) {
    sci_context *context = sci_check_context(L, 1);
    const char *name = sci_check_text(L, 2);
    int index = X509_PURPOSE_get_by_sname(name);
    if (index < 0)
        return sci_fail(L, &(sci_failure){.phase = "option", .condition = "unknown_purpose", .subject = name});
    int purpose = X509_PURPOSE_get_id(X509_PURPOSE_get0(index));
    sci_clear_errors();
    if (!X509_VERIFY_PARAM_set_purpose(SSL_CTX_get0_param(context->ctx), purpose))
        return sci_fail_openssl(L, "option", name);
    context->verify.purpose = purpose;
    return sci_return_receiver(L);
}

/* The years 1900 to 9999, as for the dates of certificates. */
#define EARLIEST (-2208988800LL)
#define LATEST 253402300799LL

/***
Sets the time for which the dates of certificates and CRLs are checked.
@function SciSslContext:setVerifyTime
@tparam ?integer seconds since the epoch, in the years 1900 to 9999; nil: the time of the handshake
@treturn SciSslContext the receiver
@see X509_VERIFY_PARAM_set_time(3)
*/
static int context_set_verify_time(lua_State *L) {
    X509_VERIFY_PARAM *param = check_param(L);
    luaL_checkany(L, 2);
    if (lua_isnil(L, 2)) X509_VERIFY_PARAM_clear_flags(param, X509_V_FLAG_USE_CHECK_TIME);
    else {
        lua_Integer seconds = luaL_checkinteger(L, 2);
        luaL_argcheck(L, seconds >= EARLIEST && seconds <= LATEST, 2, "seconds since the epoch expected");
        luaL_argcheck(L, sci_is_time(seconds), 2, "too early or too late for this system: its time_t has 1902 to 2037");
        X509_VERIFY_PARAM_set_time(param, (time_t)seconds);
    }
    return sci_return_receiver(L);
}

/***
Sets the security level for the keys and signatures of certificates.
@function SciSslContext:setAuthLevel
@tparam ?integer level 0 … 5; nil: the level of `setSecurityLevel`
@treturn SciSslContext the receiver
@see X509_VERIFY_PARAM_set_auth_level(3)
*/
static int context_set_auth_level(lua_State *L) {
    X509_VERIFY_PARAM *param = check_param(L);
    luaL_checkany(L, 2);
    lua_Integer level = lua_isnil(L, 2) ? -1 : sci_check_integer(L, 2, 0, 5, "security level from 0 to 5");
    X509_VERIFY_PARAM_set_auth_level(param, (int)level);
    return sci_return_receiver(L);
}

/* ---- flags ------------------------------------------------------------------------------------------------------- */

/* use_check_time needs a time, so only setVerifyTime sets it. */
static bool read_verify_flags(lua_State *L, unsigned long *flags) {
    uint64_t bits;
    if (!sci_read_flags(L, 2, "X509_V_FLAG_", &bits)) return false;
    *flags = (unsigned long)bits;
    if (!(bits & X509_V_FLAG_USE_CHECK_TIME)) return true;
    sci_fail_own(L, "option", "unknown_flag", "use_check_time needs a time: call setVerifyTime");
    return false;
}

static int change_verify_flags(lua_State *L, int (*change)(X509_VERIFY_PARAM *param, unsigned long flags)) {
    unsigned long flags;
    sci_check_context(L, 1);
    if (!read_verify_flags(L, &flags)) return 2;
    sci_clear_errors();
    if (!change(check_param(L), flags)) return sci_fail_openssl(L, "option", "verify flags");
    return sci_return_receiver(L);
}

/***
Sets flags for the verification of certificates. Those that are set already stay. `crl_check` needs CRLs: see `addCrl`.
OpenSSL always behaves as if `trusted_first` were set.
@function SciSslContext:setVerifyFlags
@tparam integer|string|{string,...} flags `X509_V_FLAG_…` constants joined by `|`; or their names without `X509_V_FLAG_`,
 in lower case: `{"crl_check", "crl_check_all", "partial_chain", "x509_strict", "policy_check", "no_check_time"}` …
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `unknown_flag`; the context is unchanged
@see X509_VERIFY_PARAM_set_flags(3)
*/
static int context_set_verify_flags(lua_State *L) { return change_verify_flags(L, X509_VERIFY_PARAM_set_flags); }

/***
Clears flags that `setVerifyFlags` has set.
@function SciSslContext:clearVerifyFlags
@tparam integer|string|{string,...} flags as for `setVerifyFlags`
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `unknown_flag`; the context is unchanged
@see X509_VERIFY_PARAM_clear_flags(3)
*/
static int context_clear_verify_flags(lua_State *L) { return change_verify_flags(L, X509_VERIFY_PARAM_clear_flags); }

/***
Returns the flags that `setVerifyFlags` has set.
@function SciSslContext:getVerifyFlags
@treturn integer `X509_V_FLAG_…` constants joined by `|`
@see X509_VERIFY_PARAM_get_flags(3)
*/
static int context_get_verify_flags(lua_State *L) {
    unsigned long flags = X509_VERIFY_PARAM_get_flags(check_param(L));
    lua_pushinteger(L, (lua_Integer)(flags & ~(unsigned long)X509_V_FLAG_USE_CHECK_TIME));
    return 1;
}

/* ---- the names that the certificate must have -------------------------------------------------------------------- */

/***
Sets the host names that are accepted in the peer's certificate: it must be for one of them. `sslSetVerifyHost` and
`sslSetVerifyHosts` of a socket replace them for that socket.
@function SciSslContext:setVerifyHosts
@tparam {string,...} names a name that begins with a dot stands for all names below it; an empty list: every name is accepted
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `bad_host_name` (also for an IP address: see `setVerifyIp`); the context is unchanged
@see X509_VERIFY_PARAM_add1_host(3)
*/
static int context_set_verify_hosts(lua_State *L) {
    sci_check_context(L, 1);
    X509_VERIFY_PARAM *hosts = sci_read_hosts(L, 2, true);
    if (!hosts) return 2;
    sci_context *context = sci_check_context(L, 1);
    sci_clear_errors();
    if (!sci_copy_hosts(SSL_CTX_get0_param(context->ctx), hosts))
        return sci_context_give_up(L, context, "hosts to verify");
    return sci_return_receiver(L);
}

/***
Sets how host names are compared with those of certificates: the names of `setVerifyHosts`, and those that later sockets
set. These flags replace the earlier ones. The default is `no_partial_wildcards`: `*` stands for a whole label.
@function SciSslContext:setVerifyHostFlags
@tparam integer|string|{string,...} flags `X509_CHECK_FLAG_…` constants joined by `|`; or names: `no_wildcards`,
 `no_partial_wildcards`, `multi_label_wildcards`, `single_label_subdomains`, `always_check_subject`,
 `never_check_subject`
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `unknown_flag`; the context is unchanged
@see X509_check_host(3)
*/
static int context_set_verify_host_flags(lua_State *L) {
    uint64_t flags;
    sci_check_context(L, 1);
    if (!sci_read_flags(L, 2, "X509_CHECK_FLAG_", &flags)) return 2;
    X509_VERIFY_PARAM_set_hostflags(check_param(L), (unsigned int)flags);
    return sci_return_receiver(L);
}

/***
Returns the flags of `setVerifyHostFlags`.
@function SciSslContext:getVerifyHostFlags
@treturn integer `X509_CHECK_FLAG_…` constants joined by `|`
@see X509_VERIFY_PARAM_get_hostflags(3)
*/
static int context_get_verify_host_flags(lua_State *L) {
    lua_pushinteger(L, X509_VERIFY_PARAM_get_hostflags(check_param(L)));
    return 1;
}

/***
Sets the IP address that the peer's certificate must be for. Where host names are set as well, both must match.
@function SciSslContext:setVerifyIp
@tparam ?string address IPv4 or IPv6; nil: every certificate is accepted
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `bad_address`; the context is unchanged
@see X509_VERIFY_PARAM_set1_ip_asc(3)
*/
static int context_set_verify_ip(lua_State *L) {
    X509_VERIFY_PARAM *param = check_param(L);
    luaL_checkany(L, 2);
    const char *address = lua_isnil(L, 2) ? NULL : sci_check_text(L, 2);
    if (address && !sci_is_address(address))
        return sci_fail(L, &(sci_failure){.phase = "option", .condition = "bad_address", .subject = address});
    sci_clear_errors();
    if (!(address ? X509_VERIFY_PARAM_set1_ip_asc(param, address) : X509_VERIFY_PARAM_set1_ip(param, NULL, 0)))
        return sci_fail_openssl(L, "option", address);
    return sci_return_receiver(L);
}

/* A local part and a host, with one @ between them; no further checks. */
static bool is_email(const char *text, size_t length) {
    const char *at = memchr(text, '@', length);
    return at && at != text && at + 1 < text + length && strlen(text) == length && length <= 254 &&
           !strchr(at + 1, '@');
}

/***
Sets the e-mail address that the peer's certificate must be for, as certificates of persons are.
@function SciSslContext:setVerifyEmail
@tparam ?string address nil: every certificate is accepted
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `bad_email`; the context is unchanged
@see X509_VERIFY_PARAM_set1_email(3)
*/
static int context_set_verify_email(lua_State *L) {
    X509_VERIFY_PARAM *param = check_param(L);
    size_t length = 0;
    luaL_checkany(L, 2);
    const char *address = lua_isnil(L, 2) ? NULL : luaL_checklstring(L, 2, &length);
    if (address && !is_email(address, length)) return sci_fail_own(L, "option", "bad_email", NULL);
    sci_clear_errors();
    if (!X509_VERIFY_PARAM_set1_email(param, address, length)) return sci_fail_openssl(L, "option", address);
    return sci_return_receiver(L);
}

static const luaL_Reg verify_methods[] = {
    {"setVerify", context_set_verify},
    {"getVerify", context_get_verify},
    {"setVerifyDepth", context_set_verify_depth},
    {"setMaxCertList", context_set_max_cert_list},
    {"getMaxCertList", context_get_max_cert_list},
    {"getVerifyDepth", context_get_verify_depth},
    {"setPurpose", context_set_purpose},
    {"setVerifyTime", context_set_verify_time},
    {"setAuthLevel", context_set_auth_level},
    {"setVerifyFlags", context_set_verify_flags},
    {"clearVerifyFlags", context_clear_verify_flags},
    {"getVerifyFlags", context_get_verify_flags},
    {"setVerifyHosts", context_set_verify_hosts},
    {"setVerifyHostFlags", context_set_verify_host_flags},
    {"getVerifyHostFlags", context_get_verify_host_flags},
    {"setVerifyIp", context_set_verify_ip},
    {"setVerifyEmail", context_set_verify_email},
    {NULL, NULL},
};

void sci_open_context_verify(lua_State *L) { luaL_setfuncs(L, verify_methods, 0); }
