/* early_data.c: SciSslSocket, early data of TLS 1.3 (RFC 8446, section 2.3). An attacker who records it can send it again: it is
 * off by default, and its methods are called "replayable". */
#include "connection/connection.h"

#include <stdint.h>
#include <string.h>
#include <time.h>

/* ---- the replay guard: OpenSSL cannot be suspended where it asks ------------------------------------------------- */

/* Protected. Gets the guard and, as light userdata, the session to resume. Returns what the guard returns. */
static int ask_guard(lua_State *L) {
    SSL_SESSION **slot, *session = lua_touserdata(L, 2);
    lua_settop(L, 1);
    slot = sci_new_session(L);
    *slot = SSL_SESSION_dup(session);
    if (!*slot) return luaL_error(L, "not enough memory");
    lua_call(L, 1, 1);
    return 1;
}

/* 0: the early data is rejected, and the handshake goes on. */
static int on_early_data(SSL *ssl, void *unused) {
    sci_sslsocket *socket = SSL_get_app_data(ssl);
    lua_State *L = socket->callback.L;
    (void)unused;
    if (socket->suspend.points & SCI_AT_VERIFY) return 0;                    /* no data before the decision */
    if (SSL_SESSION_get_max_early_data(SSL_get_session(ssl)) == 0) return 0; /* OpenSSL would accept none, and fail */
    if (sci_ssl_verify_resumed(ssl) != X509_V_OK) return 0;
    if (!sci_ssl_in_call(socket) || !lua_checkstack(L, 4)) return 0;
    lua_pushcfunction(L, ask_guard);
    if (lua_getiuservalue(L, 1, SCI_SSL_REPLAY_GUARD) == LUA_TNIL) {
        lua_pop(L, 2);
        return 1;
    }
    lua_pushlightuserdata(L, SSL_get_session(ssl));
    if (!sci_ssl_call_lua(socket, 2, 1)) return 0;
    bool allowed = lua_isboolean(L, -1) && lua_toboolean(L, -1);
    lua_pop(L, 1);
    return allowed;
}

void sci_ssl_inherit_early_data(lua_State *L, sci_sslsocket *socket, const sci_context *context) {
    (void)context;
    lua_getiuservalue(L, -1, SCI_CONTEXT_REPLAY_GUARD);
    lua_setiuservalue(L, 1, SCI_SSL_REPLAY_GUARD);
    SSL_set_allow_early_data_cb(socket->ssl, on_early_data, NULL);
}

void sci_ssl_reset_early_data(sci_sslsocket *socket) { socket->early.over = false; }

/* ---- a client ---------------------------------------------------------------------------------------------------- */

static bool offers_protocol(const sci_sslsocket *socket, const SSL_SESSION *session) {
    const unsigned char *name;
    size_t length;
    SSL_SESSION_get0_alpn_selected(session, &name, &length);
    if (length == 0) return true;
    for (unsigned int at = 0; at < socket->alpn.length; at += 1u + socket->alpn.names[at])
        if (socket->alpn.names[at] == length && memcmp(socket->alpn.names + at + 1, name, length) == 0) return true;
    return false;
}

static bool asks_for_host(const SSL *ssl, const SSL_SESSION *session) {
    const char *host = SSL_SESSION_get0_hostname(session);
    const char *asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    return !host || (asked && strcmp(host, asked) == 0);
}

static bool speaks_tls_1_3(SSL *ssl) {
    long most = SSL_get_max_proto_version(ssl);
    return !SSL_is_dtls(ssl) && (most == 0 || most >= TLS1_3_VERSION) && !(SSL_get_options(ssl) & SSL_OP_NO_TLSv1_3);
}

static bool is_too_old(const SSL_SESSION *session) {
    double age = difftime(time(NULL), (time_t)SSL_SESSION_get_time(session));
    return age > (double)SSL_SESSION_get_ticket_lifetime_hint(session);
}

/* False where OpenSSL would not resume the session, or would end the connection. A session that was used is not resumable. */
static bool allows_early_data(const sci_sslsocket *socket) {
    const SSL_SESSION *session = SSL_get_session(socket->ssl);
    return session && SSL_SESSION_get_max_early_data(session) > 0 && SSL_SESSION_is_resumable(session) &&
           speaks_tls_1_3(socket->ssl) && !is_too_old(session) && asks_for_host(socket->ssl, session) &&
           offers_protocol(socket, session);
}

/* Writes the arguments of the call where `may` agrees, which pushes a result otherwise. */
static int write_early(lua_State *L, sci_role role, const char *phase,
                       bool (*may)(lua_State *L, sci_sslsocket *socket)) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    size_t size, offset, written = 0;
    const char *data = luaL_checklstring(L, 2, &size);
    size_t length = sci_check_range(L, 3, size, &offset);
    lua_settop(L, 2);
    if (!sci_ssl_ready(L, socket, phase) || !sci_ssl_take_role(L, socket, role, phase) || !may(L, socket)) return 1;
    sci_ssl_begin(L, socket);
    int result = SSL_write_early_data(socket->ssl, data + offset, length, &written);
    sci_ssl_end(socket);
    if (result <= 0) sci_ssl_push_failure(L, socket, result, phase);
    else sci_ssl_push_count(L, socket, written);
    return 1;
}

static bool may_write(lua_State *L, sci_sslsocket *socket) {
    if (socket->handshake.done || socket->handshake.begun) return sci_ssl_fail(L, "connect", "too_late", NULL);
    return allows_early_data(socket) || sci_ssl_fail(L, "connect", "not_replayable", NULL);
}

/***
Sends early data in TLS 1.3, before the handshake is done: after `setSession` and before `sslConnect`, in one or more calls.
An attacker who records it can send it again: use it only for requests that change nothing. After the handshake
`earlyDataStatus` tells whether the server has accepted it; if not, the caller must send it again.
@function SciSslSocket:sslWriteReplayable
@tparam string data
@tparam[opt=1] integer i first byte, as in `string.sub`
@tparam[opt=-1] integer j last byte
@treturn integer|SciSslError how many bytes were taken; 0 or less: not ready, as in `sslConnect`; a SciSslError (phase
 `connect`, condition `not_replayable`: there is no session; or it does not allow early data, was used or is too old; or
 this connection asks for another server name, protocol or version. Then `sslConnect` makes a full handshake. `too_late`:
 the handshake has begun; `wrong_role` …)
@see SSL_write_early_data(3)
*/
static int sslsocket_write_replayable(lua_State *L) { return write_early(L, SCI_CLIENT, "connect", may_write); }

/***
Tells whether the server has accepted the early data.
@function SciSslSocket:earlyDataStatus
@treturn ?string `"accepted"` or `"rejected"`; nil: none was sent, or the handshake is not done
@see SSL_get_early_data_status(3)
*/
static int sslsocket_early_data_status(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    int status =
        socket->ssl && socket->handshake.done ? SSL_get_early_data_status(socket->ssl) : SSL_EARLY_DATA_NOT_SENT;
    if (status == SSL_EARLY_DATA_NOT_SENT) lua_pushnil(L);
    else lua_pushstring(L, status == SSL_EARLY_DATA_ACCEPTED ? "accepted" : "rejected");
    return 1;
}

/* ---- a server ---------------------------------------------------------------------------------------------------- */

/* Pushes the result. `status`: what SSL_read_early_data has returned. */
static int return_read(lua_State *L, sci_sslsocket *socket, int status, const unsigned char *bytes, size_t length) {
    if (status == SSL_READ_EARLY_DATA_ERROR) sci_ssl_push_failure(L, socket, 0, "accept");
    else if (status == SSL_READ_EARLY_DATA_FINISH) {
        socket->early.over = true;
        sci_ssl_push_zero(L, socket, SSL_ERROR_NONE);
    } else {
        sci_ssl_note_success(socket);
        sci_ssl_push_bytes(L, socket, bytes, length);
    }
    return 1;
}

/***
Reads early data that the client sends before the handshake is done. Call it in place of the first `sslAccept` until it returns
0, then call `sslAccept`. A server that does not call it accepts no early data. The data may be a replay: recorded and sent
again by an attacker.
@function SciSslSocket:sslReadReplayable
@tparam[opt=16384] integer max bytes at most; one call returns at most 16384
@treturn string|integer|SciSslError the bytes; 0: no more early data, `sslGetError` returns `SSL_ERROR_NONE`; less: not
 ready, as in `sslAccept`; a SciSslError (phase `accept`, condition `too_late`, `wrong_role` …)
@see SSL_read_early_data(3)
*/
static int sslsocket_read_replayable(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    unsigned char bytes[SSL3_RT_MAX_PLAIN_LENGTH];
    size_t length = 0;
    lua_Integer max = luaL_optinteger(L, 2, sizeof bytes);
    luaL_argcheck(L, max > 0, 2, "positive number of bytes expected");
    lua_settop(L, 1);
    if (!sci_ssl_ready(L, socket, "accept") || !sci_ssl_take_role(L, socket, SCI_SERVER, "accept")) return 1;
    if (socket->handshake.done || socket->handshake.begun) {
        sci_ssl_fail(L, "accept", "too_late", NULL);
        return 1;
    }
    if (socket->early.over) return return_read(L, socket, SSL_READ_EARLY_DATA_FINISH, NULL, 0);
    sci_ssl_begin(L, socket);
    int status =
        SSL_read_early_data(socket->ssl, bytes, max < (lua_Integer)sizeof bytes ? (size_t)max : sizeof bytes, &length);
    sci_ssl_end(socket);
    if (!socket->callback.failed) return return_read(L, socket, status, bytes, length);
    sci_ssl_push_error(L, socket, SSL_ERROR_SSL, "accept");
    return 1;
}

/* False: a result was pushed. */
static bool may_write_half_rtt(lua_State *L, sci_sslsocket *socket) {
    if (SSL_is_init_finished(socket->ssl)) return sci_ssl_fail(L, "accept", "too_late", NULL);
    if (!socket->early.over) return sci_ssl_fail(L, "accept", "early_data_first", NULL);
    if (SSL_get_verify_mode(socket->ssl) & SSL_VERIFY_PEER || socket->suspend.points & SCI_AT_VERIFY)
        return sci_ssl_fail(L, "accept", "client_unverified", NULL);
    return true;
}

/***
Sends data from a server of TLS 1.3 before the client's last message of the handshake has come ("0.5-RTT data"): after
`sslReadReplayable` has returned 0, and before `sslAccept`. The client may be anybody, and may have replayed a recorded
ClientHello: send only what is for everybody, such as a greeting.
@function SciSslSocket:sslWriteHalfRtt
@tparam string data
@tparam[opt=1] integer i first byte, as in `string.sub`
@tparam[opt=-1] integer j last byte
@treturn integer|SciSslError how many bytes were taken; 0 or less: not ready, as in `sslAccept`; a SciSslError (phase
 `accept`, condition `early_data_first`: `sslReadReplayable` has not returned 0; `client_unverified`: this server asks for a
 client certificate, or is suspended at `"verify"`; `too_late`: the handshake is done, as always up to TLS 1.2; `wrong_role` …)
@see SSL_write_early_data(3)
@see RFC 8446, section 4.6.1
*/
static int sslsocket_write_half_rtt(lua_State *L) { return write_early(L, SCI_SERVER, "accept", may_write_half_rtt); }

static const luaL_Reg early_data_methods[] = {
    {"sslWriteReplayable", sslsocket_write_replayable},
    {"sslReadReplayable", sslsocket_read_replayable},
    {"sslWriteHalfRtt", sslsocket_write_half_rtt},
    {"earlyDataStatus", sslsocket_early_data_status},
    {NULL, NULL},
};

void sci_open_early_data(lua_State *L) { luaL_setfuncs(L, early_data_methods, 0); }
