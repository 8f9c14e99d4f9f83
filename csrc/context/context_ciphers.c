/* context_ciphers.c: SciSslContext, ciphers, groups, signature algorithms, security level. */
#include "context/context.h"

#include <string.h>

/* Tries `set` on a connection that is made for this: OpenSSL replaces the list of a context before it finds that nothing of
 * the new one is usable. */
static bool try_first(SSL_CTX *ctx, const char *text, int (*set)(SSL *, const char *)) {
    SSL *probe = SSL_new(ctx);
    bool accepted = probe && set(probe, text) == 1;
    SSL_free(probe);
    return accepted;
}

static int fail_option(lua_State *L, const char *condition, const char *text) {
    return sci_fail(L, &(sci_failure){.phase = "option", .condition = condition, .subject = text});
}

/* Sets the list at 2 with `set`, where `probe` accepts it. */
static int change_ciphers(lua_State *L, int (*probe)(SSL *, const char *), int (*set)(SSL_CTX *, const char *)) {
    sci_context *context = sci_check_context(L, 1);
    const char *text = sci_check_text(L, 2);
    sci_clear_errors();
    if (!try_first(context->ctx, text, probe)) return fail_option(L, "unknown_cipher", text);
    if (!sci_context_detach(context) || !set(context->ctx, text)) return sci_fail_openssl(L, "option", text);
    return sci_return_receiver(L);
}

/* OpenSSL has rejected a list of names, separated by colons: one may have come with a later release. */
static int fail_list(lua_State *L, SSL_CTX *ctx, const char *condition, const char *text,
                     int (*set)(SSL *, const char *)) {
    for (const char *name = text; *name;) {
        size_t length = strcspn(name, ":");
        const char *release = sci_find_release(name, length);
        if (release) {
            const char *one = lua_pushlstring(L, name, length);
            if (!try_first(ctx, one, set)) return sci_fail_missing(L, "option", one, release);
            lua_pop(L, 1);
        }
        name += length + (name[length] == ':');
    }
    return fail_option(L, condition, text);
}

/***
Sets the ciphers for TLS 1.2 and earlier, most preferred first.
@function SciSslContext:setCipherList
@tparam string text OpenSSL's cipher list format, such as `ECDHE+AESGCM`
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `unknown_cipher`; the context is unchanged
@see SSL_CTX_set_cipher_list(3)
*/
static int context_set_cipher_list(lua_State *L) {
    return change_ciphers(L, SSL_set_cipher_list, SSL_CTX_set_cipher_list);
}

/* OpenSSL 3.0 ignores unknown names. A misspelt one must not silently shorten the list. */
static bool knows_suite(SSL *probe, const char *name) {
    if (!SSL_set_ciphersuites(probe, name)) return false;
    STACK_OF(SSL_CIPHER) *ciphers = SSL_get_ciphers(probe);
    for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++)
        if (strcmp(SSL_CIPHER_standard_name(sk_SSL_CIPHER_value(ciphers, i)), name) == 0) return true;
    return false;
}

static int knows_suites(SSL *probe, const char *text) {
    char name[80];
    for (size_t length; *text; text += length + (text[length] == ':')) {
        length = strcspn(text, ":");
        if (length == 0 || length >= sizeof name) return 0;
        memcpy(name, text, length);
        name[length] = 0;
        if (!knows_suite(probe, name)) return 0;
    }
    return 1;
}

/***
Sets the cipher suites for TLS 1.3, most preferred first.
@function SciSslContext:setCiphersuites
@tparam string text names separated by colons, such as `TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256`
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `unknown_cipher`; the context is unchanged
@see SSL_CTX_set_ciphersuites(3)
*/
static int context_set_ciphersuites(lua_State *L) { return change_ciphers(L, knows_suites, SSL_CTX_set_ciphersuites); }

/* Notes the text at 2 for `describe`, and leaves the earlier note at 3: putting it back then needs no memory. */
static void note_first(lua_State *L, const char *name) {
    lua_settop(L, 2);
    if (lua_getiuservalue(L, 1, SCI_CONTEXT_NOTES) == LUA_TTABLE) lua_getfield(L, 3, name);
    else lua_pushnil(L);
    lua_replace(L, 3);
    lua_settop(L, 3);
    sci_context_note(L, name, 2);
}

/* OpenSSL's names are macros, which have no address. */
static int try_groups(SSL *ssl, const char *text) { return (int)SSL_set1_groups_list(ssl, text); }
static int try_signature_algorithms(SSL *ssl, const char *text) { return (int)SSL_set1_sigalgs_list(ssl, text); }

/***
Sets the groups for the key exchange, most preferred first.

From OpenSSL 3.5 on, `*` before a name makes a client send a key share of that group (several are possible; without any `*`, it
sends one of the first group), `?` ignores a name that OpenSSL does not know, `-` removes a group, and `DEFAULT` stands for
OpenSSL's own list. `/` separates tuples: a server takes a group of its first tuple that the client supports, and within a tuple
prefers one for which the client has sent a key share.
@function SciSslContext:setGroups
@tparam string text names separated by colons, such as `X25519:P-256`
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `unknown_group`, or `not_in_this_openssl`; the context is unchanged
@see SSL_CTX_set1_groups_list(3)
*/
static int context_set_groups(lua_State *L) {
    SSL_CTX *ctx = sci_check_context(L, 1)->ctx;
    const char *text = sci_check_text(L, 2);
    note_first(L, "groups");
    sci_clear_errors();
    if (*text && SSL_CTX_set1_groups_list(ctx, text)) return sci_return_receiver(L);
    sci_context_note(L, "groups", 3);
    return fail_list(L, ctx, "unknown_group", text, try_groups);
}

/***
Sets the signature algorithms that connections use and accept, most preferred first.
@function SciSslContext:setSignatureAlgorithms
@tparam string text names separated by colons, such as `ecdsa_secp256r1_sha256:RSA-PSS+SHA256`
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `unknown_signature_algorithm`, or `not_in_this_openssl`; the context is unchanged
@see SSL_CTX_set1_sigalgs_list(3)
*/
static int context_set_signature_algorithms(lua_State *L) {
    SSL_CTX *ctx = sci_check_context(L, 1)->ctx;
    const char *text = sci_check_text(L, 2);
    note_first(L, "signatureAlgorithms");
    sci_clear_errors();
    if (*text && SSL_CTX_set1_sigalgs_list(ctx, text)) return sci_return_receiver(L);
    sci_context_note(L, "signatureAlgorithms", 3);
    return fail_list(L, ctx, "unknown_signature_algorithm", text, try_signature_algorithms);
}

/***
Sets the security level: 0 allows everything, and each higher level requires longer keys and stronger digests.
@function SciSslContext:setSecurityLevel
@tparam integer level 0 … 5
@treturn SciSslContext the receiver
@see SSL_CTX_set_security_level(3)
*/
static int context_set_security_level(lua_State *L) {
    SSL_CTX *ctx = sci_check_context(L, 1)->ctx;
    SSL_CTX_set_security_level(ctx, (int)sci_check_integer(L, 2, 0, 5, "level from 0 to 5"));
    return sci_return_receiver(L);
}

/***
Returns the security level.
@function SciSslContext:getSecurityLevel
@treturn integer 0 … 5
@see SSL_CTX_get_security_level(3)
*/
static int context_get_security_level(lua_State *L) {
    lua_pushinteger(L, SSL_CTX_get_security_level(sci_check_context(L, 1)->ctx));
    return 1;
}

static const luaL_Reg ciphers_methods[] = {
    {"setCipherList", context_set_cipher_list},
    {"setCiphersuites", context_set_ciphersuites},
    {"setGroups", context_set_groups},
    {"setSignatureAlgorithms", context_set_signature_algorithms},
    {"setSecurityLevel", context_set_security_level},
    {"getSecurityLevel", context_get_security_level},
    {NULL, NULL},
};

void sci_open_context_ciphers(lua_State *L) { luaL_setfuncs(L, ciphers_methods, 0); }
