/* context_psk.c: SciSslContext, pre-shared keys: keys that both sides have before they connect (RFC 4279, RFC 8446 section
 * 2.2). */
#include "context/context.h"

#include <string.h>

static int fail_key(lua_State *L, const char *message) {
    return sci_fail(L, &(sci_failure){.phase = "option", .condition = "bad_psk", .message = message});
}

static const char *check_key(size_t length) {
    return length == 0 || length > SCI_PSK_LENGTH ? "a pre-shared key has 1 to 512 bytes" : NULL;
}

static const char *check_identity(const char *identity, size_t length) {
    if (length > SCI_PSK_IDENTITY_LENGTH) return "an identity has at most 256 bytes";
    return memchr(identity, 0, length) ? "an identity must not contain a NUL byte" : NULL;
}

/* Whether the option `digest` of the table at `index`, which is at `value`, is SHA-384. */
static bool read_digest(lua_State *L, int index, int value) {
    const char *name = lua_type(L, value) == LUA_TSTRING ? lua_tostring(L, value) : "";
    bool sha384 = strcmp(name, "SHA384") == 0;
    if (!sha384 && !lua_isnil(L, value) && strcmp(name, "SHA256") != 0)
        sci_option_error(L, index, "digest", "'SHA256' or 'SHA384'", value);
    return sha384;
}

/* Whether the key of a client is one of SHA-384, by the table of options at 4. */
static bool read_client_options(lua_State *L) {
    static const char *const names[] = {"digest", NULL};
    return !lua_isnoneornil(L, 4) && read_digest(L, 4, sci_push_options(L, 4, names));
}

/* The table of options of a server, at 3. */
static void read_server_options(lua_State *L, bool *sha384, bool *tell_unknown) {
    static const char *const names[] = {"digest", "tellUnknown", NULL};
    *sha384 = *tell_unknown = false;
    if (lua_isnoneornil(L, 3)) return;
    int value = sci_push_options(L, 3, names);
    *sha384 = read_digest(L, 3, value);
    if (!lua_isnil(L, value + 1) && !lua_isboolean(L, value + 1))
        sci_option_error(L, 3, "tellUnknown", "boolean", value + 1);
    *tell_unknown = lua_toboolean(L, value + 1);
}

/***
Sets the pre-shared key of clients, for TLS 1.2 and TLS 1.3. Later connections only.
@function SciSslContext:setPskClient
@tparam string|function|nil identity at most 255 bytes; or a function that gets the server's hint (a string in TLS
 1.2, or nil), returns identity and key, or nil for no key, and must not yield; nil: no key
@tparam[opt] string key 1 to 512 raw bytes, where the identity is a string
@tparam[opt] table options `digest`: `"SHA256"` (default) or `"SHA384"`: the digest to which TLS 1.3 binds the key. Keys of
 SHA-384 work in TLS 1.3 only, with cipher suites of that digest
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `bad_psk`
@see SSL_set_psk_client_callback(3)
@see SSL_set_psk_use_session_callback(3)
@see RFC 4279
*/
static int context_set_psk_client(lua_State *L) {
    bool sha384 = read_client_options(L);
    sci_check_context(L, 1);
    if (!lua_isnoneornil(L, 2) && !lua_isfunction(L, 2)) {
        size_t identity_length, key_length;
        const char *identity = luaL_checklstring(L, 2, &identity_length);
        (void)luaL_checklstring(L, 3, &key_length);
        const char *message = check_identity(identity, identity_length);
        if (identity_length == SCI_PSK_IDENTITY_LENGTH) message = "a client's identity has at most 255 bytes";
        if (!message) message = check_key(key_length);
        if (message) return fail_key(L, message);
        lua_settop(L, 3);
        lua_createtable(L, 0, 2);
        lua_insert(L, 2);
        lua_setfield(L, 2, "key");
        lua_pushvalue(L, 3);
        lua_setfield(L, 2, "identity");
    }
    lua_settop(L, 2);
    lua_setiuservalue(L, 1, SCI_CONTEXT_PSK_CLIENT);
    sci_check_context(L, 1)->psk.client_sha384 = sha384;
    return sci_return_receiver(L);
}

/* Pushes a copy of the table of keys at 2. NULL: all are valid; otherwise what is wrong with one. */
static const char *push_keys(lua_State *L) {
    const char *message = NULL;
    lua_newtable(L);
    for (lua_pushnil(L); !message && lua_next(L, 2);) {
        size_t identity_length, key_length;
        luaL_argcheck(L, lua_type(L, -2) == LUA_TSTRING && lua_type(L, -1) == LUA_TSTRING, 2,
                      "table of keys by identity expected, all of them strings");
        const char *identity = lua_tolstring(L, -2, &identity_length);
        (void)lua_tolstring(L, -1, &key_length);
        message = check_identity(identity, identity_length);
        if (!message) message = check_key(key_length);
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -4);
    }
    return message;
}

/***
Sets the pre-shared keys of servers, for TLS 1.2 and TLS 1.3. A server with keys needs no certificate. In TLS 1.2 a client with
an unknown identity sees the same failure as one with a wrong key, so that an attacker cannot find out which identities exist;
the server's SciSslError has the condition `psk_unknown`. In TLS 1.3 the server goes on with its certificate, if it has one. Later
connections only.
@function SciSslContext:setPskServer
@tparam table|function|nil keys `{[identity] = key}`, identities of at most 256 bytes, keys of 1 to 512 raw bytes; or a
 function that gets an identity, returns its key or nil, and must not yield; nil: no keys
@tparam[opt] table options `digest`: as for `setPskClient`; `tellUnknown = true`: in TLS 1.2 a client with an unknown
 identity gets the alert unknown_psk_identity
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `bad_psk`; the context is unchanged
@see SSL_set_psk_server_callback(3)
@see SSL_set_psk_find_session_callback(3)
*/
static int context_set_psk_server(lua_State *L) {
    bool sha384, tell_unknown;
    read_server_options(L, &sha384, &tell_unknown);
    sci_check_context(L, 1);
    lua_settop(L, 2);
    if (!lua_isnil(L, 2) && !lua_isfunction(L, 2)) {
        luaL_checktype(L, 2, LUA_TTABLE);
        const char *message = push_keys(L);
        if (message) return fail_key(L, message);
    }
    lua_setiuservalue(L, 1, SCI_CONTEXT_PSK_SERVER);
    sci_context *context = sci_check_context(L, 1);
    context->psk.tell_unknown = tell_unknown;
    context->psk.server_sha384 = sha384;
    return sci_return_receiver(L);
}

/***
Sets the hint that servers send in TLS 1.2, so that clients can choose a pre-shared key. Later connections only.
@function SciSslContext:setPskHint
@tparam ?string hint at most 256 bytes; nil: no hint
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `bad_psk`
@see SSL_CTX_use_psk_identity_hint(3)
*/
static int context_set_psk_hint(lua_State *L) {
    SSL_CTX *ctx = sci_check_context(L, 1)->ctx;
    const char *hint = lua_isnoneornil(L, 2) ? NULL : sci_check_text(L, 2);
    if (hint && strlen(hint) > SCI_PSK_IDENTITY_LENGTH) return fail_key(L, "a hint has at most 256 bytes");
    sci_clear_errors();
    if (!SSL_CTX_use_psk_identity_hint(ctx, hint)) return sci_fail_openssl(L, "option", "hint");
    return sci_return_receiver(L);
}

static const luaL_Reg psk_methods[] = {
    {"setPskClient", context_set_psk_client},
    {"setPskServer", context_set_psk_server},
    {"setPskHint", context_set_psk_hint},
    {NULL, NULL},
};

void sci_open_context_psk(lua_State *L) { luaL_setfuncs(L, psk_methods, 0); }
