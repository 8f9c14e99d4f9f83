/* context_tickets.c: SciSslContext, session tickets: their keys, which a fleet of servers may share, and how many are sent
 * (RFC 5077, RFC 8446 section 4.6.1). */
#include "context/context.h"

#include <openssl/crypto.h>

static int on_ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
                         int encrypt) {
    const sci_context *context = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    const sci_ticket_keys *keys = context ? context->tickets.keys : NULL;
    return encrypt ? sci_encrypt_ticket(keys, name, iv, cipher, mac)
                   : sci_decrypt_ticket(keys, ssl, name, iv, cipher, mac);
}

void sci_use_ticket_keys(lua_State *L, sci_context *context, const sci_ticket_keys *keys) {
    lua_setiuservalue(L, 1, SCI_CONTEXT_TICKETS);
    context->tickets.keys = keys;
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context->ctx, on_ticket_key);
}

static const char *check_secret(lua_State *L, int index, int argument) {
    size_t length = 0;
    const char *secret = lua_type(L, index) == LUA_TSTRING ? lua_tolstring(L, index, &length) : NULL;
    luaL_argcheck(L, length == SCI_TICKET_SECRET_LENGTH, argument, "strings of 80 bytes expected: see newTicketKey");
    return secret;
}

/***
Makes a secret for `setTicketKeys`.
@function SciSslContext.newTicketKey
@treturn[1] string 80 random bytes
@treturn[2] nil
@treturn[2] SciSslError OpenSSL has no random bytes
@see RAND_priv_bytes(3)
*/
static int context_new_ticket_key(lua_State *L) {
    unsigned char secret[SCI_TICKET_SECRET_LENGTH];
    sci_clear_errors();
    if (RAND_priv_bytes(secret, sizeof secret) <= 0) return sci_fail_openssl(L, "key", "ticket key");
    lua_pushlstring(L, (const char *)secret, sizeof secret);
    OPENSSL_cleanse(secret, sizeof secret);
    return 1;
}

/***
Sets the keys for session tickets, in which a server hands its sessions to the clients. The first key encrypts new tickets. All
keys decrypt; a client whose ticket was encrypted by an older key gets a new one. Servers with the same keys and the same
`setSessionIdContext` resume each other's sessions. By default each context has a random key of its own.

Unlike most settings this one holds for existing connections as well. An attacker who gets a key can decrypt recorded connections
up to TLS 1.2 whose tickets it encrypted, so change keys every few hours.
@function SciSslContext:setTicketKeys
@tparam {string,...} secrets 1 to 16 secrets of 80 bytes (see `newTicketKey`)
@treturn SciSslContext the receiver
@raise an argument error for other values; the context is unchanged
@see SSL_CTX_set_tlsext_ticket_key_evp_cb(3)
@see RFC 5077
*/
static int context_set_ticket_keys(lua_State *L) {
    sci_context *context = sci_check_context(L, 1);
    lua_settop(L, 2);
    lua_Unsigned count = (lua_Unsigned)sci_check_list(L, 2);
    luaL_argcheck(L, count > 0 && count <= SCI_TICKET_KEYS, 2, "1 to 16 secrets expected");
    sci_ticket_keys *keys = sci_new_ticket_keys(L);
    for (lua_Unsigned i = 0; i < count; i++) {
        lua_rawgeti(L, 2, (lua_Integer)i + 1);
        sci_add_ticket_key(keys, check_secret(L, -1, 2));
        lua_pop(L, 1);
    }
    sci_use_ticket_keys(L, context, keys);
    return sci_return_receiver(L);
}

/***
Adds a new first key for session tickets, and drops the oldest keys. A ticket can be decrypted as long as its key is kept.
@function SciSslContext:rotateTicketKeys
@tparam string secret 80 bytes (see `newTicketKey`)
@tparam[opt] integer keep how many keys to keep, 1 to 16; by default as many as before, and at least 3
@treturn SciSslContext the receiver
@see setTicketKeys
*/
static int context_rotate_ticket_keys(lua_State *L) {
    sci_context *context = sci_check_context(L, 1);
    const char *secret = check_secret(L, 2, 2);
    int older = sci_ticket_keys_count(context->tickets.keys);
    lua_Integer keep = older > 3 ? older : 3;
    if (!lua_isnoneornil(L, 3)) keep = sci_check_integer(L, 3, 1, SCI_TICKET_KEYS, "1 to 16 keys");
    sci_ticket_keys *keys = sci_new_ticket_keys(L);
    sci_add_ticket_key(keys, secret);
    sci_add_ticket_keys(keys, context->tickets.keys, (int)keep); /* as they are now: a finalizer may have set others */
    sci_use_ticket_keys(L, context, keys);
    return sci_return_receiver(L);
}

/***
Sets how many session tickets a server sends after a full handshake of TLS 1.3. Later connections only.
@function SciSslContext:setNumTickets
@tparam integer count 0 … 255; the default is 2
@treturn SciSslContext the receiver
@see SSL_CTX_set_num_tickets(3)
*/
static int context_set_num_tickets(lua_State *L) {
    SSL_CTX *ctx = sci_check_context(L, 1)->ctx;
    lua_Integer count = sci_check_integer(L, 2, 0, 255, "0 to 255 tickets");
    (void)SSL_CTX_set_num_tickets(ctx, (size_t)count); /* always succeeds */
    return sci_return_receiver(L);
}

/***
Returns how many session tickets a server sends after a full handshake of TLS 1.3.
@function SciSslContext:getNumTickets
@treturn integer
@see SSL_CTX_get_num_tickets(3)
*/
static int context_get_num_tickets(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)SSL_CTX_get_num_tickets(sci_check_context(L, 1)->ctx));
    return 1;
}

static const luaL_Reg tickets_functions[] = {
    {"newTicketKey", context_new_ticket_key},         {"setTicketKeys", context_set_ticket_keys},
    {"rotateTicketKeys", context_rotate_ticket_keys}, {"setNumTickets", context_set_num_tickets},
    {"getNumTickets", context_get_num_tickets},       {NULL, NULL},
};

void sci_open_context_tickets(lua_State *L) { luaL_setfuncs(L, tickets_functions, 0); }
