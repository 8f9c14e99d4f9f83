/* context_tickets.c: SciSslContext, the ring of keys that encrypt session tickets, which may be shared by a fleet, and how many
 * tickets are sent (RFC 5077, RFC 8446 section 4.6.1). */
#include "context/context.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <string.h>

/* ---- the ring of keys ------------------------------------------------------------------------------------------- */

#define NAME_LENGTH 16
#define SECRET_LENGTH 80 /* name, key of the HMAC, key of the cipher */
#define RING_LENGTH 16

typedef struct ticket_key {
    unsigned char name[NAME_LENGTH], hmac[32], aes[32];
} ticket_key;

struct sci_ticket_ring {
    int count;
    ticket_key keys[RING_LENGTH]; /* the first seals, all of them open */
};

static int ring_gc(lua_State *L) {
    OPENSSL_cleanse(lua_touserdata(L, 1), sizeof(sci_ticket_ring));
    return 0;
}

static sci_ticket_ring *push_ring(lua_State *L) {
    sci_ticket_ring *ring = lua_newuserdatauv(L, sizeof *ring, 0);
    ring->count = 0;
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, ring_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    return ring;
}

/* ---- sealing and opening ---------------------------------------------------------------------------------------- */

static bool prepare_mac(EVP_MAC_CTX *mac, const ticket_key *key) {
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)(uintptr_t)key->hmac, sizeof key->hmac),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_CTX_set_params(mac, params) == 1;
}

static int seal(const ticket_key *key, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                EVP_MAC_CTX *mac) {
    memcpy(name, key->name, NAME_LENGTH);
    bool ready = RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) > 0 &&
                 EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->aes, iv) == 1 && prepare_mac(mac, key);
    return ready ? 1 : -1;
}

/* 0: of no key of ours, the handshake goes on without it; 2: good, and to be renewed, as tickets of TLS 1.3 always are. */
static int unseal(const SSL *ssl, const sci_ticket_ring *ring, const unsigned char *name, const unsigned char *iv,
                  EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac) {
    for (int i = 0; i < ring->count; i++) {
        const ticket_key *key = &ring->keys[i];
        if (memcmp(key->name, name, NAME_LENGTH) != 0) continue;
        if (!prepare_mac(mac, key) || EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->aes, iv) != 1) return -1;
        return i == 0 && SSL_version(ssl) < TLS1_3_VERSION ? 1 : 2;
    }
    return 0;
}

static int on_ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
                         int sealing) {
    const sci_context *context = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    const sci_ticket_ring *ring = context ? context->tickets : NULL;
    if (!ring || ring->count == 0) return sealing ? -1 : 0;
    return sealing ? seal(&ring->keys[0], name, iv, cipher, mac) : unseal(ssl, ring, name, iv, cipher, mac);
}

/* ---- settings of a context -------------------------------------------------------------------------------------- */

static const char *check_secret(lua_State *L, int index, int argument) {
    size_t length = 0;
    const char *secret = lua_type(L, index) == LUA_TSTRING ? lua_tolstring(L, index, &length) : NULL;
    luaL_argcheck(L, length == SECRET_LENGTH, argument, "strings of 80 bytes expected: see newTicketKey");
    return secret;
}

static void use_ring(lua_State *L, sci_context *context, sci_ticket_ring *ring) {
    lua_setiuservalue(L, 1, SCI_CONTEXT_TICKETS);
    context->tickets = ring;
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context->ctx, on_ticket_key);
}

/***
Makes a secret for `setTicketKeys`.
@function SciSslContext.newTicketKey
@treturn[1] string 80 random bytes
@treturn[2] nil
@treturn[2] SciSslError OpenSSL has no randomness to give
@see RAND_priv_bytes(3)
*/
static int context_new_ticket_key(lua_State *L) {
    unsigned char secret[SECRET_LENGTH];
    sci_clear_errors();
    if (RAND_priv_bytes(secret, sizeof secret) <= 0) return sci_fail_openssl(L, "key", "ticket key");
    lua_pushlstring(L, (const char *)secret, sizeof secret);
    OPENSSL_cleanse(secret, sizeof secret);
    return 1;
}

/***
Sets the keys that seal the sessions which clients keep in tickets: the first seals new ones, all of them open those that
come, and what an older one opens is renewed. Processes and machines with the same keys, and the same
`setSessionIdContext`, resume each other's sessions. Without this each context has a random key of its own.

Unlike other settings this reaches the connections that were initialized before: the keys are the server's. Whoever has a
key can read what its tickets protected up to TLS 1.2, so change it every few hours.
@function SciSslContext:setTicketKeys
@tparam {string,...} secrets 1 to 16 secrets of 80 bytes (see `newTicketKey`)
@treturn SciSslContext the receiver
@raise for something else; the context stays as it was
@see SSL_CTX_set_tlsext_ticket_key_evp_cb(3)
@see RFC 5077
*/
static int context_set_ticket_keys(lua_State *L) {
    sci_context *context = sci_check_context(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    lua_Unsigned count = lua_rawlen(L, 2);
    luaL_argcheck(L, count > 0 && count <= RING_LENGTH, 2, "1 to 16 secrets expected");
    sci_ticket_ring *ring = push_ring(L);
    for (lua_Unsigned i = 0; i < count; i++) {
        lua_rawgeti(L, 2, (lua_Integer)i + 1);
        memcpy(&ring->keys[i], check_secret(L, -1, 2), SECRET_LENGTH);
        lua_pop(L, 1);
    }
    ring->count = (int)count;
    use_ring(L, context, ring);
    return sci_return_receiver(L);
}

/***
Puts a new key before those that `setTicketKeys` set; the oldest goes. Tickets sealed before stay good as long as their key
is there.
@function SciSslContext:rotateTicketKeys
@tparam string secret 80 bytes (see `newTicketKey`)
@tparam[opt] integer keep how many keys there are afterwards, 1 to 16; without it, as many as before, and 3 at the least
@treturn SciSslContext the receiver
@see setTicketKeys
*/
static int context_rotate_ticket_keys(lua_State *L) {
    sci_context *context = sci_check_context(L, 1);
    const char *secret = check_secret(L, 2, 2);
    const sci_ticket_ring *older = context->tickets;
    lua_Integer keep = luaL_optinteger(L, 3, older && older->count > 3 ? older->count : 3);
    luaL_argcheck(L, keep >= 1 && keep <= RING_LENGTH, 3, "1 to 16 keys expected");
    sci_ticket_ring *ring = push_ring(L);
    older = context->tickets; /* a finalizer may have set others */
    memcpy(&ring->keys[0], secret, SECRET_LENGTH);
    ring->count = 1;
    for (int i = 0; older && i < older->count && ring->count < keep; i++) ring->keys[ring->count++] = older->keys[i];
    use_ring(L, context, ring);
    return sci_return_receiver(L);
}

/***
Sets how many tickets servers made from now on send after a full handshake of TLS 1.3.
@function SciSslContext:setNumTickets
@tparam integer count 0 … 255; 2 at first
@treturn SciSslContext the receiver
@see SSL_CTX_set_num_tickets(3)
*/
static int context_set_num_tickets(lua_State *L) {
    SSL_CTX *ctx = sci_check_context(L, 1)->ctx;
    lua_Integer count = luaL_checkinteger(L, 2);
    luaL_argcheck(L, count >= 0 && count <= 255, 2, "0 to 255 tickets expected");
    (void)SSL_CTX_set_num_tickets(ctx, (size_t)count); /* always succeeds */
    return sci_return_receiver(L);
}

/***
Answers how many tickets servers send after a full handshake of TLS 1.3.
@function SciSslContext:getNumTickets
@treturn integer
@see SSL_CTX_get_num_tickets(3)
*/
static int context_get_num_tickets(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)SSL_CTX_get_num_tickets(sci_check_context(L, 1)->ctx));
    return 1;
}

static const luaL_Reg context_functions[] = {
    {"newTicketKey", context_new_ticket_key},         {"setTicketKeys", context_set_ticket_keys},
    {"rotateTicketKeys", context_rotate_ticket_keys}, {"setNumTickets", context_set_num_tickets},
    {"getNumTickets", context_get_num_tickets},       {NULL, NULL},
};

void sci_open_context_tickets(lua_State *L) { luaL_setfuncs(L, context_functions, 0); }
