/* context_session_cache.c: SciSslContext, the sessions that its servers keep. */
#include "context/context.h"

#include <limits.h>
#include <string.h>
#include <time.h>

void sci_context_keep_sessions(sci_context *context) {
    if (!context->ctx || context->sessions.mode_chosen) return;
    context->sessions.internal = true;
}

#define OWN_SID_LENGTH 8 /* bytes; every ticket carries them */

bool sci_context_make_session_id_context(sci_context *context) {
    context->sessions.id_context_length = OWN_SID_LENGTH;
    return RAND_bytes(context->sessions.id_context, OWN_SID_LENGTH) > 0;
}

void sci_context_inherit_session_id_context(sci_context *context, const sci_context *older) {
    memcpy(context->sessions.id_context, older->sessions.id_context, sizeof context->sessions.id_context);
    context->sessions.id_context_length = older->sessions.id_context_length;
}

/* ---- OpenSSL's own cache ------------------------------------------------------------------------------------------ */

/* Where the table of the cache has no memory for a session, SSL_CTX_add_session (OpenSSL 3.0 to 4.0) links it into the list of
 * the cache all the same, without a reference: SSL_CTX_free would free it a second time. This gives the list a reference, and
 * makes OpenSSL drop the session as an expired one. It cannot be resumed afterwards. */
static void drop_half_added(SSL_CTX *ctx, SSL_SESSION *session) {
    long timeout = SSL_SESSION_get_timeout(session);
    if (!SSL_SESSION_up_ref(session)) return;
    (void)SSL_SESSION_set_timeout(session, 0);
    SSL_CTX_flush_sessions(ctx, (long)time(NULL) + 1);
    (void)SSL_SESSION_set_timeout(session, timeout);
}

static bool is_cached(SSL_CTX *ctx, SSL_SESSION *session) {
    return OPENSSL_LH_retrieve((OPENSSL_LHASH *)SSL_CTX_sessions(ctx), session) != NULL;
}

bool sci_context_add_session(SSL_CTX *ctx, SSL_SESSION *session) {
    if (SSL_CTX_add_session(ctx, session)) return true;
    if (is_cached(ctx, session)) return false;
    drop_half_added(ctx, session);
    return false;
}

void sci_context_cache_session(SSL_CTX *ctx, SSL_SESSION *session) {
    const sci_context *context = SSL_CTX_get_app_data(ctx);
    if (context && context->sessions.internal) (void)sci_context_add_session(ctx, session);
}

long sci_context_cache_mode(const sci_context *context) {
    long mode = SSL_CTX_get_session_cache_mode(context->ctx);
    return context->sessions.internal ? mode & ~SSL_SESS_CACHE_NO_INTERNAL_STORE : mode;
}

/* ---- which sessions may be resumed ------------------------------------------------------------------------------- */

/***
Sets for how long the sessions of later connections may be resumed.
@function SciSslContext:setTimeout
@tparam integer seconds 1 or more
@treturn SciSslContext the receiver
@see SSL_CTX_set_timeout(3)
*/
static int context_set_timeout(lua_State *L) {
    SSL_CTX *ctx = sci_check_context(L, 1)->ctx;
    lua_Integer seconds = sci_check_integer(L, 2, 1, LONG_MAX, "a positive number of seconds");
    SSL_CTX_set_timeout(ctx, (long)seconds);
    return sci_return_receiver(L);
}

/***
Returns for how long sessions may be resumed.
@function SciSslContext:getTimeout
@treturn integer seconds
@see SSL_CTX_get_timeout(3)
*/
static int context_get_timeout(lua_State *L) {
    lua_pushinteger(L, SSL_CTX_get_timeout(sci_check_context(L, 1)->ctx));
    return 1;
}

/***
Sets the session id context: a server resumes only sessions with the same one. Each context has a random one; set the same
name in all processes that are to resume each other's sessions.
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
    memcpy(context->sessions.id_context, name, length);
    context->sessions.id_context_length = (unsigned int)length;
    return sci_return_receiver(L);
}

/* ---- settings of the cache --------------------------------------------------------------------------------------- */

/***
Sets which sessions are kept, and where. This holds for existing connections as well. A server keeps the sessions that it does
not put into tickets: up to TLS 1.2 those of clients without ticket support, and all where `SSL_OP_NO_TICKET` is set or early
data is accepted.
@function SciSslContext:setSessionCacheMode
@tparam string mode `"off"`: only tickets work, and `newSessions` returns no sessions; `"client"`, `"server"` or `"both"`
@tparam[opt=true] boolean internal false: OpenSSL's own cache is not used; sessions are looked up by the function of
 `setSessionStore` only
@treturn SciSslContext the receiver
@see SSL_CTX_set_session_cache_mode(3)
*/
static int context_set_session_cache_mode(lua_State *L) {
    static const char *const names[] = {"off", "client", "server", "both", NULL};
    static const long modes[] = {SSL_SESS_CACHE_OFF, SSL_SESS_CACHE_CLIENT, SSL_SESS_CACHE_SERVER, SSL_SESS_CACHE_BOTH};
    sci_context *context = sci_check_context(L, 1);
    long mode = modes[luaL_checkoption(L, 2, NULL, names)];
    bool internal = lua_isnoneornil(L, 3) || lua_toboolean(L, 3);
    long own = internal ? SSL_SESS_CACHE_NO_INTERNAL_STORE : SSL_SESS_CACHE_NO_INTERNAL;
    SSL_CTX_set_session_cache_mode(context->ctx, mode | own);
    context->sessions.internal = internal;
    context->sessions.mode_chosen = true;
    return sci_return_receiver(L);
}

/***
Sets how many sessions OpenSSL's own cache holds.
@function SciSslContext:setSessionCacheSize
@tparam integer count 1 or more; the default is 20480
@treturn SciSslContext the receiver
@see SSL_CTX_sess_set_cache_size(3)
*/
static int context_set_session_cache_size(lua_State *L) {
    SSL_CTX *ctx = sci_check_context(L, 1)->ctx;
    lua_Integer count = sci_check_integer(L, 2, 1, INT_MAX, "a positive number of sessions");
    SSL_CTX_sess_set_cache_size(ctx, (long)count);
    return sci_return_receiver(L);
}

/***
Removes expired sessions from OpenSSL's own cache.
@function SciSslContext:flushSessions
@tparam[opt] integer at seconds since the epoch; now by default
@treturn SciSslContext the receiver
@see SSL_CTX_flush_sessions(3)
*/
static int context_flush_sessions(lua_State *L) {
    SSL_CTX *ctx = sci_check_context(L, 1)->ctx;
    lua_Integer at = luaL_optinteger(L, 2, (lua_Integer)time(NULL));
    luaL_argcheck(L, at > 0 && at <= LONG_MAX, 2, "seconds since the epoch expected");
    SSL_CTX_flush_sessions(ctx, (long)at);
    return sci_return_receiver(L);
}

/***
Adds a copy of a session to OpenSSL's own cache, in which servers look sessions up.
@function SciSslContext:addSession
@tparam OSSslSession session
@treturn boolean false: the session was there already, or cannot be resumed
@see SSL_CTX_add_session(3)
*/
static int context_add_session(lua_State *L) {
    SSL_CTX *ctx = sci_check_context(L, 1)->ctx;
    SSL_SESSION *session = sci_check_session(L, 2);
    sci_clear_errors();
    SSL_SESSION *copy = is_cached(ctx, session) ? NULL : sci_copy_session(session);
    bool added = copy && sci_context_add_session(ctx, copy);
    SSL_SESSION_free(copy);
    sci_clear_errors();
    lua_pushboolean(L, added);
    return 1;
}

/***
Removes a session from OpenSSL's own cache. It cannot be resumed from there any more.
@function SciSslContext:removeSession
@tparam OSSslSession session
@treturn boolean false: the session was not there
@see SSL_CTX_remove_session(3)
*/
static int context_remove_session(lua_State *L) {
    SSL_CTX *ctx = sci_check_context(L, 1)->ctx;
    lua_pushboolean(L, SSL_CTX_remove_session(ctx, sci_check_session(L, 2)));
    return 1;
}

/***
Sets a function that looks up sessions which OpenSSL's own cache does not hold. It runs inside the handshake of a server, under
lua_pcall, and must not yield; an error that it raises ends the handshake. For a lookup that has to wait, suspend the handshake
at the ClientHello, take the session id from `clientHello()`, and pass the session to `setSession`. Later connections only.
@function SciSslContext:setSessionStore
@tparam ?function store gets a session id (string, raw bytes) and returns an OSSslSession or nil; nil: no function
@treturn SciSslContext the receiver
@see SSL_CTX_sess_set_get_cb(3)
*/
static int context_set_session_store(lua_State *L) { return sci_context_set_function(L, SCI_CONTEXT_SESSION_STORE); }

/***
Returns counts of the sessions that were made and used.
@function SciSslContext:sessionStatistics
@treturn table of integers:

- `number`: sessions in OpenSSL's own cache now
- `connect`, `connectGood`, `connectRenegotiate`: client handshakes begun, completed, and renegotiations
- `accept`, `acceptGood`, `acceptRenegotiate`: the same of servers
- `hits`: sessions resumed
- `callbackHits`: sessions found by the function of `setSessionStore`
- `misses`: sessions not found
- `timeouts`: sessions found, but expired
- `cacheFull`: sessions removed for a newer one
- `cacheSize`: see `setSessionCacheSize`

@see SSL_CTX_sess_number(3)
*/
static int context_session_statistics(lua_State *L) {
    SSL_CTX *ctx = sci_check_context(L, 1)->ctx;
    const struct {
        const char *name;
        long count;
    } counts[] = {
        {"number", SSL_CTX_sess_number(ctx)},
        {"connect", SSL_CTX_sess_connect(ctx)},
        {"connectGood", SSL_CTX_sess_connect_good(ctx)},
        {"connectRenegotiate", SSL_CTX_sess_connect_renegotiate(ctx)},
        {"accept", SSL_CTX_sess_accept(ctx)},
        {"acceptGood", SSL_CTX_sess_accept_good(ctx)},
        {"acceptRenegotiate", SSL_CTX_sess_accept_renegotiate(ctx)},
        {"hits", SSL_CTX_sess_hits(ctx)},
        {"callbackHits", SSL_CTX_sess_cb_hits(ctx)},
        {"misses", SSL_CTX_sess_misses(ctx)},
        {"timeouts", SSL_CTX_sess_timeouts(ctx)},
        {"cacheFull", SSL_CTX_sess_cache_full(ctx)},
        {"cacheSize", SSL_CTX_sess_get_cache_size(ctx)},
    };
    const size_t length = sizeof counts / sizeof *counts;
    lua_createtable(L, 0, (int)length);
    for (size_t i = 0; i < length; i++) {
        sci_set_integer(L, counts[i].name, counts[i].count);
    }
    return 1;
}

static const luaL_Reg session_cache_methods[] = {
    {"setTimeout", context_set_timeout},
    {"getTimeout", context_get_timeout},
    {"setSessionIdContext", context_set_session_id_context},
    {"setSessionCacheMode", context_set_session_cache_mode},
    {"setSessionCacheSize", context_set_session_cache_size},
    {"flushSessions", context_flush_sessions},
    {"addSession", context_add_session},
    {"removeSession", context_remove_session},
    {"setSessionStore", context_set_session_store},
    {"sessionStatistics", context_session_statistics},
    {NULL, NULL},
};

void sci_open_context_session_cache(lua_State *L) { luaL_setfuncs(L, session_cache_methods, 0); }
