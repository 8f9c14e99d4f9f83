/* sslsocket.c: the class SciSslSocket: constructors, methods that it inherits from SciSocket, tostring. */
#include "connection/connection.h"

#include <errno.h>

/***
A socket with TLS. It has the methods of a `SciSocket` and those of a TLS connection. It runs over a descriptor, or without
one over memory (`SciSslSocket.onMemory`).

The calls of a TLS connection that may have to wait (`sslConnect`, `sslAccept`, `sslRead`, `sslWrite`, `sslShutdown` …)
return one value: a result; or an integer of 0 or less, which means "not ready" or "closed" and which `sslGetError`
explains; or a `SciSslError`. All other methods return their value, or nil and a `SciSslError`. After `close`, methods
that need the TLS connection return nil, or the condition `closed`.
@classmod SciSslSocket
*/

/* ---- making ------------------------------------------------------------------------------------------------------ */

/* Pushes an empty SciSslSocket that will inherit from the context at `context`. */
static sci_sslsocket *new_sslsocket(lua_State *L, int context) {
    bool datagrams = sci_check_context(L, context)->datagrams;
    sci_sslsocket *socket = sci_new_object(L, SCI_SSL_SOCKET, sizeof *socket, SCI_SSL_USERVALUES);
    socket->state = sci_get_state(L);
    sci_socket_begin(&socket->socket);
    sci_ssl_reset_alerts(socket);
    sci_transport_use_datagrams(&socket->transport, datagrams);
    lua_pushvalue(L, context);
    lua_setiuservalue(L, -2, SCI_SSL_CONTEXT);
    return socket;
}

/***
Makes a socket over a non-blocking stream socket of its own, or over a datagram socket where the context is one of DTLS.
`connect` it, or `bind`, `listen` and `accept`.
@function SciSslSocket.new
@tparam SciSslContext context
@tparam[opt="inet"] string family `inet`, `inet6` or `unix`
@treturn[1] SciSslSocket
@treturn[2] nil
@treturn[2] SciSslError
*/
static int sslsocket_new(lua_State *L) {
    static const char *const families[] = {"inet", "inet6", "unix", NULL};
    const char *family = families[luaL_checkoption(L, 2, "inet", families)];
    sci_sslsocket *socket = new_sslsocket(L, 1);
    sci_failure failure = {.phase = "open", .ssl_error = SSL_ERROR_SYSCALL};
    sci_clear_errors();
    sci_transport_use_socket(&socket->transport, &socket->socket);
    if (sci_socket_open(&socket->socket, family, socket->transport.datagrams, false)) return 1;
    failure.system_errno = errno;
    return sci_fail(L, &failure);
}

/***
Makes a socket over a transport that is already connected. The blocking mode stays as it is. An object keeps its
descriptor: closing the SciSslSocket calls the object's own `close`. A descriptor number is owned by the new socket.
@function SciSslSocket.on
@param transport a SciSocket, a descriptor number, or an object with `getfd`, `fileno` or `pollfd`
@tparam SciSslContext context
@treturn[1] SciSslSocket
@treturn[2] nil
@treturn[2] SciSslError `transport` is no socket; `not_a_stream`, `not_datagrams`: it does not fit the context
*/
static int sslsocket_on(lua_State *L) {
    luaL_checkany(L, 1);
    if (luaL_testudata(L, 1, SCI_SSL_SOCKET))
        return sci_fail_own(L, "adopt", "tls_inside_tls",
                            "two SciSslSockets over one descriptor would mix their bytes");
    sci_sslsocket *socket = new_sslsocket(L, 2);
    sci_clear_errors();
    sci_transport_use_socket(&socket->transport, &socket->socket);
    if (!sci_socket_adopt(L, lua_gettop(L), 1)) return sci_return_pushed_error(L);
    bool datagram = sci_socket_is_datagram(&socket->socket);
    if (datagram == socket->transport.datagrams) return 1;
    (void)sci_socket_release(&socket->socket); /* it stays the caller's */
    return sci_fail_own(L, "adopt", datagram ? "not_a_stream" : "not_datagrams",
                        datagram ? "the context is one of TLS, and the socket is for datagrams"
                                 : "the context is one of DTLS, and the socket is not for datagrams");
}

/***
Makes a socket without a descriptor: `sslFeed` gives it the peer's bytes, and `sslDrain` takes the bytes for the peer.
@function SciSslSocket.onMemory
@tparam SciSslContext context
@treturn SciSslSocket
*/
static int sslsocket_on_memory(lua_State *L) {
    sci_sslsocket *socket = new_sslsocket(L, 1);
    socket->memory = true;
    return 1;
}

/* The key in the registry of a socket that an accept has made in vain, since no connection waited: a server's last call of many.
 * The next one takes it. */
static const char spare_key = 0;

static void keep_spare(lua_State *L) {
    lua_pushnil(L);
    lua_setiuservalue(L, -2, SCI_SSL_CONTEXT);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &spare_key);
}

/* Pushes a socket to accept with. */
static sci_sslsocket *new_or_spare(lua_State *L, int context) {
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &spare_key) != LUA_TUSERDATA) return new_sslsocket(L, context);
    lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &spare_key);
    sci_sslsocket *socket = lua_touserdata(L, -1);
    sci_transport_use_datagrams(&socket->transport, sci_check_context(L, context)->datagrams);
    lua_pushvalue(L, context);
    lua_setiuservalue(L, -2, SCI_SSL_CONTEXT);
    return socket;
}

/* `quiet`: returns false, and makes no error, where no connection waits. */
static int accept_next(lua_State *L, bool quiet) {
    sci_socket *listener = sci_socket_base(&sci_check_sslsocket(L, 1)->socket);
    lua_settop(L, 1);
    if (listener->fd < 0) return sci_socket_fail_closed(L, "accept");
    lua_getiuservalue(L, 1, SCI_SSL_CONTEXT);
    sci_sslsocket *socket = new_or_spare(L, 2);
    sci_transport_use_socket(&socket->transport, &socket->socket);
    bool blocking = sci_socket_blocking(listener);
    if (sci_socket_accept(listener, &socket->socket, blocking)) return 1;
    int system_errno = errno;
    keep_spare(L);
    if (!quiet || blocking || !sci_would_block(system_errno)) return sci_socket_fail_accept(L, listener, system_errno);
    lua_pushboolean(L, false);
    return 1;
}

/* acceptNow(socket): as `accept`, or false. */
int sci_ssl_accept_now(lua_State *L) { return accept_next(L, true); }

/***
Accepts the next connection of a listening socket. The new socket has the context and the blocking mode of the listening
one. Call `sslInitialize` and `sslAccept` on it.
@function SciSslSocket:accept
@treturn[1] SciSslSocket
@treturn[2] nil
@treturn[2] SciSslError as `SciSocket:accept`
*/
static int sslsocket_accept(lua_State *L) { return accept_next(L, false); }

/* ---- plain traffic ----------------------------------------------------------------------------------------------- */

/* `send`, `recv` and `setBlocking` call the method of SciSocket, their upvalue, where that does no harm. */
static int call_inherited(lua_State *L) {
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

static int sslsocket_plain(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    if (!sci_ssl_has_connection(socket)) return call_inherited(L);
    return sci_fail_own(L, "plain", "handshake_under_way",
                        "send and recv would bypass TLS: use sslWrite and sslRead, or sslShutdown first");
}

static int sslsocket_set_blocking(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    if (!socket->memory) return call_inherited(L);
    luaL_checktype(L, 2, LUA_TBOOLEAN);
    if (lua_toboolean(L, 2))
        return sci_fail_own(L, "option", "not_ready", "a memory transport cannot wait: it has nothing to wait for");
    return sci_return_receiver(L);
}

/* ---- for the REPL ------------------------------------------------------------------------------------------------ */

static const char *state_text(const sci_sslsocket *socket) {
    if (socket->closed) return "closed";
    if (!socket->ssl) return "not initialized";
    if (socket->result.failed) return "failed";
    if (socket->handshake.role == SCI_NO_ROLE) return "initialized";
    return socket->handshake.done ? NULL : "handshake under way";
}

static void push_peer_text(lua_State *L, const sci_sslsocket *socket) {
    X509 **peer = sci_new_certificate(L);
    *peer = SSL_get1_peer_certificate(socket->ssl);
    if (!*peer) {
        if (!sci_ssl_raw_key(socket->ssl)) lua_pushliteral(L, "peer without certificate");
        else
            lua_pushfstring(L, "peer's raw public key %s",
                            SSL_get_verify_result(socket->ssl) == X509_V_OK ? "verified" : "NOT verified");
        return;
    }
    sci_push_name(L, X509_get_subject_name(*peer));
    lua_pushfstring(L, "peer %s %s", luaL_tolstring(L, -1, NULL),
                    SSL_get_verify_result(socket->ssl) == X509_V_OK ? "verified" : "NOT verified");
    X509_free(*peer); /* at once: a value that a finalizer makes while the lua_State closes is never collected */
    *peer = NULL;
}

static int sslsocket_tostring(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    const char *state = state_text(socket);
    const char *role = socket->handshake.role == SCI_CLIENT   ? "client, "
                       : socket->handshake.role == SCI_SERVER ? "server, "
                                                              : "";
    if (state) {
        lua_pushfstring(L, SCI_SSL_SOCKET ": %s%s", role, state);
        return 1;
    }
    push_peer_text(L, socket);
    lua_pushfstring(L, SCI_SSL_SOCKET ": %s%s, %s, %s", role, SSL_get_version(socket->ssl),
                    SSL_get_cipher_name(socket->ssl), lua_tostring(L, -1));
    return 1;
}

static const luaL_Reg sslsocket_functions[] = {
    {"new", sslsocket_new},
    {"on", sslsocket_on},
    {"onMemory", sslsocket_on_memory},
    {NULL, NULL},
};

static const luaL_Reg sslsocket_methods[] = {{"accept", sslsocket_accept}, {NULL, NULL}};

static const luaL_Reg sslsocket_metamethods[] = {
    {"__gc", sci_ssl_collect},
    {"__close", sci_ssl_close},
    {"__tostring", sslsocket_tostring},
    {NULL, NULL},
};

/* Wraps the inherited method `name` of the class table on top. */
static void wrap_inherited(lua_State *L, const char *name, lua_CFunction wrapper) {
    lua_getfield(L, -1, name);
    lua_pushcclosure(L, wrapper, 1);
    lua_setfield(L, -2, name);
}

void sci_open_sslsocket(lua_State *L) {
    sci_ssl_keep_heap();
    sci_new_class(L, SCI_SSL_SOCKET, sslsocket_functions, NULL, sslsocket_metamethods);
    sci_ssl_add_methods(L, sslsocket_methods);
}

void sci_finish_sslsocket(lua_State *L) {
    sci_inherit_socket(L, SCI_SSL_SOCKET);
    wrap_inherited(L, "send", sslsocket_plain);
    wrap_inherited(L, "recv", sslsocket_plain);
    wrap_inherited(L, "setBlocking", sslsocket_set_blocking);
}
