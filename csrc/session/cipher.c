/* cipher.c: SciSslCipher, one cipher suite. Document: S8. */
#include "session/session.h"

#include <string.h>

/***
A cipher suite. It cannot be changed. Two objects of the same suite are equal.
@classmod SciSslCipher
*/

/* OpenSSL's cipher tables are static: nothing is owned or freed. */
typedef const SSL_CIPHER *cipher_box;

static const SSL_CIPHER *check_cipher(lua_State *L, int index) {
    const cipher_box *box = luaL_checkudata(L, index, SCI_CIPHER);
    return *box;
}

void sci_push_cipher(lua_State *L, const SSL_CIPHER *cipher) {
    if (!cipher) {
        lua_pushnil(L);
        return;
    }
    cipher_box *box = sci_new_object(L, SCI_CIPHER, sizeof *box, 0);
    *box = cipher;
}

static void free_context(void *object) { SSL_CTX_free(object); }

static int push_nid(lua_State *L, int nid) {
    if (nid == NID_undef) lua_pushnil(L);
    else lua_pushstring(L, OBJ_nid2sn(nid));
    return 1;
}

/* The long name without its prefix: "ecdhe" for `kx-ecdhe`. */
static int push_algorithm(lua_State *L, int nid) {
    const char *name = nid == NID_undef ? NULL : OBJ_nid2ln(nid);
    const char *dash = name ? strchr(name, '-') : NULL;
    lua_pushstring(L, dash ? dash + 1 : name);
    return 1;
}

#define EVERY_SUITE                                                                                                    \
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_CCM_SHA256:"               \
    "TLS_AES_128_CCM_8_SHA256"

/***
Returns every cipher suite that the OpenSSL in use has, allowed or not.
@function SciSslCipher.known
@treturn[1] {SciSslCipher,...}
@treturn[2] nil
@treturn[2] SciSslError OpenSSL was out of memory
@see SSL_CTX_get_ciphers(3)
*/
static int cipher_known(lua_State *L) {
    sci_guard *guard = sci_new_guard(L, free_context);
    sci_clear_errors();
    SSL_CTX *ctx = guard->object = SSL_CTX_new(TLS_method());
    if (!ctx || !SSL_CTX_set_cipher_list(ctx, "ALL:COMPLEMENTOFALL:@SECLEVEL=0") ||
        !SSL_CTX_set_ciphersuites(ctx, EVERY_SUITE))
        return sci_fail_openssl(L, "option", NULL);
    const STACK_OF(SSL_CIPHER) *ciphers = SSL_CTX_get_ciphers(ctx);
    lua_createtable(L, sk_SSL_CIPHER_num(ciphers), 0);
    for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++) {
        sci_push_cipher(L, sk_SSL_CIPHER_value(ciphers, i));
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/***
Returns OpenSSL's name, such as `ECDHE-ECDSA-AES128-GCM-SHA256`.
@function SciSslCipher:name
@treturn string
@see SSL_CIPHER_get_name(3)
*/
static int cipher_name(lua_State *L) {
    lua_pushstring(L, SSL_CIPHER_get_name(check_cipher(L, 1)));
    return 1;
}

/***
Returns the name in the RFCs, such as `TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256`.
@function SciSslCipher:standardName
@treturn string
@see SSL_CIPHER_standard_name(3)
*/
static int cipher_standard_name(lua_State *L) {
    lua_pushstring(L, SSL_CIPHER_standard_name(check_cipher(L, 1)));
    return 1;
}

/***
Returns the strength.
@function SciSslCipher:bits
@treturn integer secret bits of the key
@treturn integer bits that the algorithm processes
@see SSL_CIPHER_get_bits(3)
*/
static int cipher_bits(lua_State *L) {
    int algorithm_bits = 0;
    lua_pushinteger(L, SSL_CIPHER_get_bits(check_cipher(L, 1), &algorithm_bits));
    lua_pushinteger(L, algorithm_bits);
    return 2;
}

/***
Returns the protocol version that introduced the suite, such as `TLSv1.2`.
@function SciSslCipher:version
@treturn string
@see SSL_CIPHER_get_version(3)
*/
static int cipher_version(lua_State *L) {
    lua_pushstring(L, SSL_CIPHER_get_version(check_cipher(L, 1)));
    return 1;
}

/***
Returns one line that names each algorithm of the suite.
@function SciSslCipher:description
@treturn string
@see SSL_CIPHER_description(3)
*/
static int cipher_description(lua_State *L) {
    char text[256];
    SSL_CIPHER_description(check_cipher(L, 1), text, sizeof text);
    size_t length = strcspn(text, "\n");
    lua_pushlstring(L, text, length);
    return 1;
}

/***
Returns the suite's number in the IANA registry, such as 0x1301.
@function SciSslCipher:id
@treturn integer
@see SSL_CIPHER_get_protocol_id(3)
*/
static int cipher_id(lua_State *L) {
    lua_pushinteger(L, SSL_CIPHER_get_protocol_id(check_cipher(L, 1)));
    return 1;
}

/***
Returns the key exchange, such as `ecdhe` or `rsa`; `any` for a TLS 1.3 suite, which does not fix it.
@function SciSslCipher:keyExchange
@treturn string
@see SSL_CIPHER_get_kx_nid(3)
*/
static int cipher_key_exchange(lua_State *L) { return push_algorithm(L, SSL_CIPHER_get_kx_nid(check_cipher(L, 1))); }

/***
Returns what authenticates the peer, such as `ecdsa`, `rsa`, `psk` or `null` (nothing: an anonymous suite); `any` for a
TLS 1.3 suite, which does not fix it.
@function SciSslCipher:authentication
@treturn string
@see SSL_CIPHER_get_auth_nid(3)
*/
static int cipher_authentication(lua_State *L) {
    return push_algorithm(L, SSL_CIPHER_get_auth_nid(check_cipher(L, 1)));
}

/***
Returns the encryption algorithm, such as `id-aes128-GCM`.
@function SciSslCipher:encryption
@treturn ?string nil for a suite that does not encrypt
@see SSL_CIPHER_get_cipher_nid(3)
*/
static int cipher_encryption(lua_State *L) { return push_nid(L, SSL_CIPHER_get_cipher_nid(check_cipher(L, 1))); }

/***
Returns the digest of the record's MAC.
@function SciSslCipher:digest
@treturn ?string nil for an AEAD suite, which needs none
@see SSL_CIPHER_get_digest_nid(3)
*/
static int cipher_digest(lua_State *L) { return push_nid(L, SSL_CIPHER_get_digest_nid(check_cipher(L, 1))); }

/***
Tells whether the suite encrypts and authenticates in one step (AEAD).
@function SciSslCipher:isAead
@treturn boolean
@see SSL_CIPHER_is_aead(3)
*/
static int cipher_is_aead(lua_State *L) {
    lua_pushboolean(L, SSL_CIPHER_is_aead(check_cipher(L, 1)));
    return 1;
}

static int cipher_eq(lua_State *L) {
    const cipher_box *a = luaL_testudata(L, 1, SCI_CIPHER), *b = luaL_testudata(L, 2, SCI_CIPHER);
    lua_pushboolean(L, a && b && SSL_CIPHER_get_id(*a) == SSL_CIPHER_get_id(*b));
    return 1;
}

static int cipher_tostring(lua_State *L) {
    const SSL_CIPHER *cipher = check_cipher(L, 1);
    lua_pushfstring(L, SCI_CIPHER ": %s, %d bits, %s", SSL_CIPHER_get_name(cipher), SSL_CIPHER_get_bits(cipher, NULL),
                    SSL_CIPHER_get_version(cipher));
    return 1;
}

static const luaL_Reg cipher_methods[] = {
    {"name", cipher_name},
    {"standardName", cipher_standard_name},
    {"bits", cipher_bits},
    {"version", cipher_version},
    {"description", cipher_description},
    {"id", cipher_id},
    {"keyExchange", cipher_key_exchange},
    {"authentication", cipher_authentication},
    {"encryption", cipher_encryption},
    {"digest", cipher_digest},
    {"isAead", cipher_is_aead},
    {NULL, NULL},
};

static const luaL_Reg cipher_metamethods[] = {{"__tostring", cipher_tostring}, {"__eq", cipher_eq}, {NULL, NULL}};

static const luaL_Reg cipher_functions[] = {{"known", cipher_known}, {NULL, NULL}};

void sci_open_cipher(lua_State *L) {
    sci_new_class(L, SCI_CIPHER, cipher_functions, cipher_methods, cipher_metamethods);
}
