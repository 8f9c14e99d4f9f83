/* context_inherit.c: SciSslContext, a context that resumes the sessions of an older one: a server has read its files again. */
#include "context/context.h"

#include <openssl/crypto.h>
#include <string.h>

#define OPENSSL_TICKET_KEYS 80 /* bytes of OpenSSL's own keys for tickets */

/* The keys of a ring are never changed, so both contexts share it. */
static void share_ring(lua_State *L, sci_context *context, const sci_context *older) {
    lua_getiuservalue(L, 2, SCI_CONTEXT_TICKETS);
    sci_use_ticket_keys(L, context, older->tickets.keys);
}

/* OpenSSL's own keys are made as ours are: a name, a key for HMAC-SHA256, and one for AES-256-CBC. */
static bool add_openssl_key(sci_ticket_keys *ring, SSL_CTX *older) {
    unsigned char keys[OPENSSL_TICKET_KEYS];
    if (sci_ticket_keys_count(ring) == SCI_TICKET_KEYS) return true;
    bool done = SSL_CTX_get_tlsext_ticket_keys(older, keys, sizeof keys) == 1;
    if (done) sci_add_ticket_key(ring, (const char *)keys);
    OPENSSL_cleanse(keys, sizeof keys);
    return done;
}

/* A ring of this context's own keys, which go on to encrypt, and of the older one's. */
static bool merge_rings(lua_State *L) {
    sci_ticket_keys *ring = sci_new_ticket_keys(L);
    sci_context *context = sci_check_context(L, 1); /* a finalizer may have closed it, or set other keys */
    const sci_context *older = sci_check_context(L, 2);
    sci_add_ticket_keys(ring, context->tickets.keys, SCI_TICKET_KEYS);
    sci_add_ticket_keys(ring, older->tickets.keys, SCI_TICKET_KEYS);
    if (!older->tickets.keys && !add_openssl_key(ring, older->ctx)) return false;
    sci_use_ticket_keys(L, context, ring);
    return true;
}

static bool inherit_ticket_keys(lua_State *L, sci_context *context, const sci_context *older) {
    unsigned char keys[OPENSSL_TICKET_KEYS];
    if (context->tickets.keys) return merge_rings(L);
    if (older->tickets.keys) {
        share_ring(L, context, older);
        return true;
    }
    bool done = SSL_CTX_get_tlsext_ticket_keys(older->ctx, keys, sizeof keys) == 1 &&
                SSL_CTX_set_tlsext_ticket_keys(context->ctx, keys, sizeof keys) == 1;
    OPENSSL_cleanse(keys, sizeof keys);
    return done;
}

/* OpenSSL links a session into the list of one cache, so the other gets a copy. A copy for which there is no memory costs its
 * client a full handshake. Early data is accepted once for each session, and each cache notes that for itself: an
 * attacker could send recorded early data to both contexts, so the copy allows none. */
static void copy_into(void *session, void *ctx) {
    SSL_SESSION *copy = sci_copy_session(session);
    if (copy && SSL_SESSION_set_max_early_data(copy, 0)) (void)sci_context_add_session(ctx, copy);
    SSL_SESSION_free(copy);
}

static void inherit_cache(SSL_CTX *ctx, SSL_CTX *older) {
    OPENSSL_LH_doall_arg((OPENSSL_LHASH *)SSL_CTX_sessions(older), copy_into, ctx);
}

static void inherit_function(lua_State *L, int uservalue) {
    if (lua_getiuservalue(L, 1, uservalue) == LUA_TNIL && lua_getiuservalue(L, 2, uservalue) == LUA_TFUNCTION)
        lua_setiuservalue(L, 1, uservalue);
    lua_settop(L, 2);
}

/***
Makes the sessions of another context resumable here: a server that has made a new context, for example with a renewed
certificate, keeps its clients' sessions. Takes over the keys for session tickets, the session id context and copies of the
sessions in OpenSSL's own cache; and the session store and the replay guard, unless this context has its own. Early data with
such a copy is rejected, since the older context could accept the same data again; the client's next session allows it.

Where this context has ticket keys of its own (`setTicketKeys`), its first key goes on to encrypt, and the older context's keys
decrypt as well, up to 16 keys in all. The older context's own keys are those of `setTicketKeys`, or else OpenSSL's.
@function SciSslContext:inheritSessions
@tparam SciSslContext older the context in use until now, which stays as it is
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `memory_full`
@see SSL_CTX_set_tlsext_ticket_keys(3)
@see SSL_CTX_set_session_id_context(3)
@see SSL_CTX_add_session(3)
*/
static int context_inherit_sessions(lua_State *L) {
    sci_context *context = sci_check_context(L, 1);
    sci_context *older = sci_check_context(L, 2);
    lua_settop(L, 2);
    if (context == older) return sci_return_receiver(L);
    inherit_function(L, SCI_CONTEXT_SESSION_STORE);
    inherit_function(L, SCI_CONTEXT_REPLAY_GUARD);
    sci_clear_errors();
    if (!inherit_ticket_keys(L, context, older)) return sci_fail_openssl(L, "option", "session tickets");
    sci_context_inherit_session_id_context(context, older);
    inherit_cache(context->ctx, older->ctx);
    sci_clear_errors();
    return sci_return_receiver(L);
}

static const luaL_Reg inherit_methods[] = {
    {"inheritSessions", context_inherit_sessions},
    {NULL, NULL},
};

void sci_open_context_inherit(lua_State *L) { luaL_setfuncs(L, inherit_methods, 0); }
