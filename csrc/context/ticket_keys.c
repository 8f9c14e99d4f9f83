/* ticket_keys.c: a ring of the keys that encrypt and decrypt session tickets (RFC 5077, section 4). No methods: the settings of
 * contexts are in context_tickets.c. */
#include "context/context.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <string.h>

#define NAME_LENGTH 16

/* What a secret consists of: its name, which tickets carry in the clear, and a key each for the HMAC and the cipher. */
typedef struct ticket_key {
    unsigned char name[NAME_LENGTH], hmac[32], aes[32];
} ticket_key;

struct sci_ticket_keys {
    int count;
    ticket_key keys[SCI_TICKET_KEYS]; /* the first encrypts; all of them decrypt */
};

static int ticket_keys_gc(lua_State *L) {
    OPENSSL_cleanse(lua_touserdata(L, 1), sizeof(sci_ticket_keys));
    return 0;
}

sci_ticket_keys *sci_new_ticket_keys(lua_State *L) {
    sci_ticket_keys *ring = lua_newuserdatauv(L, sizeof *ring, 0);
    ring->count = 0;
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, ticket_keys_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    return ring;
}

int sci_ticket_keys_count(const sci_ticket_keys *ring) { return ring ? ring->count : 0; }

void sci_add_ticket_key(sci_ticket_keys *ring, const char *secret) {
    memcpy(&ring->keys[ring->count++], secret, sizeof(ticket_key));
}

static bool has_key(const sci_ticket_keys *ring, const ticket_key *key) {
    for (int i = 0; i < ring->count; i++)
        if (memcmp(ring->keys[i].name, key->name, NAME_LENGTH) == 0) return true;
    return false;
}

void sci_add_ticket_keys(sci_ticket_keys *ring, const sci_ticket_keys *others, int keep) {
    for (int i = 0; others && i < others->count && ring->count < keep; i++)
        if (!has_key(ring, &others->keys[i])) ring->keys[ring->count++] = others->keys[i];
}

/* ---- encrypting and decrypting ----------------------------------------------------------------------------------- */

static bool prepare_mac(EVP_MAC_CTX *mac, const ticket_key *key) {
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)(uintptr_t)key->hmac, sizeof key->hmac),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_CTX_set_params(mac, params) == 1;
}

int sci_encrypt_ticket(const sci_ticket_keys *ring, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                       EVP_MAC_CTX *mac) {
    if (!ring || ring->count == 0) return -1;
    const ticket_key *key = &ring->keys[0];
    memcpy(name, key->name, NAME_LENGTH);
    bool ready = RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) > 0 &&
                 EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->aes, iv) == 1 && prepare_mac(mac, key);
    return ready ? 1 : -1;
}

int sci_decrypt_ticket(const sci_ticket_keys *ring, const SSL *ssl, const unsigned char *name, const unsigned char *iv,
                       EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac) {
    for (int i = 0; ring && i < ring->count; i++) {
        const ticket_key *key = &ring->keys[i];
        if (memcmp(key->name, name, NAME_LENGTH) != 0) continue;
        if (!prepare_mac(mac, key) || EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->aes, iv) != 1) return -1;
        return i == 0 && !sci_speaks_tls13(ssl) ? 1 : 2; /* tickets of TLS 1.3 are always renewed */
    }
    return 0;
}
