/* sslsocket.c: SciSslSocket, its life: over what it runs, sslInitialize, close. Document rows S1 and S9. */
#include "connection/connection.h"

#include <errno.h>
#include <string.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

/***
A socket with TLS: everything that a `SciSocket` answers, and the document's messages. Without a descriptor it lives on
memory (`SciSslSocket.onMemory`).

Messages of the document answer one value: a result, or an integer of 0 or less for "not yet, or closed", which
`sslGetError` explains, or a `SciSslError`. All others answer their value, or nil and a `SciSslError`. Once `close` has
been called, what asks the TLS connection answers the condition `closed`, or nil.
@classmod SciSslSocket
*/

/* Methods of sci_ssl_add_methods need not look for the metatable by its name, which takes five times as long. */
sci_sslsocket *sci_check_sslsocket(lua_State *L, int index) {
    sci_sslsocket *socket = lua_touserdata(L, index);
    if (!socket || !lua_getmetatable(L, index)) return luaL_checkudata(L, index, SCI_SSL_SOCKET);
    bool known = lua_topointer(L, -1) == lua_topointer(L, lua_upvalueindex(1));
    lua_pop(L, 1);
    return known ? socket : luaL_checkudata(L, index, SCI_SSL_SOCKET);
}

void sci_ssl_add_methods(lua_State *L, const luaL_Reg *methods) {
    luaL_getmetatable(L, SCI_SSL_SOCKET);
    luaL_setfuncs(L, methods, 1);
}

/* ---- making ----------------------------------------------------------------------------------------------------- */

/* Pushes an empty SciSslSocket that inherits from the context at `context`. */
static sci_sslsocket *new_sslsocket(lua_State *L, int context) {
    sci_check_context(L, context);
    sci_sslsocket *socket = sci_new_object(L, SCI_SSL_SOCKET, sizeof *socket, SCI_SSL_USERVALUES);
    socket->state = sci_get_state(L);
    socket->socket.fd = -1;
    socket->alert_sent = -1;
    lua_pushvalue(L, context);
    lua_setiuservalue(L, -2, SCI_SSL_CONTEXT);
    return socket;
}

/***
Makes a socket over a non-blocking stream socket of its own. `connect` it, or `bind`, `listen` and `accept`.
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
    socket->transport.socket = &socket->socket;
    if (sci_socket_open(&socket->socket, family, false)) return 1;
    failure.system_errno = errno;
    return sci_fail(L, &failure);
}

/***
Makes a socket over one that is connected already. The blocking mode stays as it is. An object goes on owning its
descriptor: closing the SciSslSocket calls the object's own `close`. A descriptor number becomes ours.
@function SciSslSocket.on
@param transport a SciSocket, a descriptor number, or an object with `getfd`, `fileno` or `pollfd`
@tparam SciSslContext context
@treturn[1] SciSslSocket
@treturn[2] nil
@treturn[2] SciSslError what was given is no socket
*/
static int sslsocket_on(lua_State *L) {
    luaL_checkany(L, 1);
    if (luaL_testudata(L, 1, SCI_SSL_SOCKET))
        return sci_fail_own(L, "adopt", "tls_inside_tls",
                            "two SciSslSockets over one descriptor would mix their bytes");
    sci_sslsocket *socket = new_sslsocket(L, 2);
    sci_clear_errors();
    socket->transport.socket = &socket->socket;
    return sci_socket_adopt(L, lua_gettop(L), 1) ? 1 : sci_return_pushed_error(L);
}

/***
Makes a socket without a descriptor: `sslFeed` gives it the peer's bytes, `sslDrain` takes what is for the peer.
@function SciSslSocket.onMemory
@tparam SciSslContext context
@treturn SciSslSocket
*/
static int sslsocket_on_memory(lua_State *L) {
    sci_sslsocket *socket = new_sslsocket(L, 1);
    socket->memory = true;
    return 1;
}

/***
Accepts the next connection of a listening socket. The new socket has the listening one's context and blocking mode; its
`sslInitialize` and `sslAccept` are still to come.
@function SciSslSocket:accept
@treturn[1] SciSslSocket
@treturn[2] nil
@treturn[2] SciSslError as `SciSocket:accept`
*/
static int sslsocket_accept(lua_State *L) {
    sci_socket *listener = sci_socket_base(&sci_check_sslsocket(L, 1)->socket);
    lua_settop(L, 1);
    if (listener->fd < 0) return sci_socket_fail_closed(L, "accept");
    lua_getiuservalue(L, 1, SCI_SSL_CONTEXT);
    sci_sslsocket *socket = new_sslsocket(L, 2);
    socket->transport.socket = &socket->socket;
    if (sci_socket_accept(listener, &socket->socket, sci_socket_blocking(listener))) return 1;
    return sci_socket_fail_accept(L, listener, errno);
}

/* ---- sslInitialize ---------------------------------------------------------------------------------------------- */

static void forget_write(lua_State *L, int index, sci_sslsocket *socket) {
    lua_pushnil(L);
    lua_setiuservalue(L, index, SCI_SSL_PENDING);
    socket->pending_offset = socket->pending_length = socket->made_length = 0;
}

static void drop_ssl(sci_sslsocket *socket) {
    socket->L = NULL;
    sci_ssl_give_scratch_back(socket);
    sci_ssl_leave_warm(socket);
    sci_context_unlink(&socket->dependent);
    /* OpenSSL spoils the session of a connection that goes without close_notify; fatal alerts have spoilt it already. */
    if (socket->ssl) SSL_set_shutdown(socket->ssl, SSL_get_shutdown(socket->ssl) | SSL_SENT_SHUTDOWN);
    SSL_free(socket->ssl);
    socket->ssl = NULL;
    OPENSSL_free(socket->psk_identity);
    socket->psk_identity = NULL;
    sci_ssl_drop_sessions(socket);
}

static void reset_connection(sci_sslsocket *socket) {
    sci_transport *transport = &socket->transport;
    transport->hold = transport->nowait = transport->eof = transport->spoilt = transport->withheld = false;
    memset(&socket->sizing, 0, sizeof socket->sizing);
    transport->first_length = 0;
    if (!socket->memory) sci_queue_free(&transport->out);
    socket->role = SCI_NO_ROLE;
    socket->write_failed = socket->wide = socket->said_end = false;
    socket->secured = socket->failed = socket->torn = socket->end_unread = socket->handler_failed = false;
    socket->not_yet_code = socket->zero_code = socket->wanted = SSL_ERROR_NONE;
    socket->alert_sent = -1;
    memset(socket->counts, 0, sizeof socket->counts);
    socket->exceeded = 0;
    socket->suspends_at = 0;
    sci_ssl_end_trace(socket);
    socket->refuses = socket->early_over = socket->shakes = false;
    socket->alerts_sent_count = socket->alerts_received_count = 0;
    socket->ticket_data = NULL;
    socket->ticket_data_length = 0;
    socket->dane = socket->only_common_name = false;
    socket->ocsp_condition = socket->ocsp_message = NULL;
    sci_ssl_forget_stations(socket);
    sci_transport_forget(transport);
}

/* TLS writes whole records: to hold one back until the peer has acknowledged the last, as TCP does unless told otherwise,
 * costs a delayed acknowledgement, 40 ms, for nothing. Does nothing to a Unix-domain socket. */
static void send_at_once(const sci_sslsocket *socket) {
    int on = 1;
    if (!socket->memory)
        (void)setsockopt(sci_socket_descriptor(&socket->socket), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static bool make_ssl(sci_sslsocket *socket, sci_context *context) {
    SSL *ssl = sci_ssl_prepare_context(context) ? SSL_new(context->ctx) : NULL;
    BIO *bio = ssl ? sci_new_transport_bio(socket->state, &socket->transport) : NULL;
    if (bio) SSL_set_bio(ssl, bio, bio);
    if (!bio || !sci_ssl_install_callbacks(socket, ssl)) {
        SSL_free(ssl);
        return false;
    }
    drop_ssl(socket);
    socket->ssl = ssl;
    sci_ktls_set_read_ahead(ssl, &socket->transport, SSL_get_read_ahead(ssl) && !socket->exact);
    return true;
}

/* What SSL_new does not copy: S9 wants it all to stay as it was at this moment. */
static void inherit(lua_State *L, sci_sslsocket *socket, sci_context *context) {
    size_t length = 0;
    lua_getiuservalue(L, 1, SCI_SSL_CONTEXT);
    lua_getiuservalue(L, -1, SCI_CONTEXT_ALPN);
    socket->alpn = (const unsigned char *)lua_tolstring(L, -1, &length);
    socket->alpn_length = (unsigned int)length;
    lua_setiuservalue(L, 1, SCI_SSL_ALPN);
    sci_ssl_inherit_ocsp(L, socket, context);
    sci_ssl_inherit_keylog(L, socket, context);
    lua_pop(L, 1);
    socket->session_timeout = SSL_CTX_get_timeout(context->ctx);
    memcpy(socket->sid, context->sessions.id_context, context->sessions.id_context_length);
    socket->sid_length = context->sessions.id_context_length;
    sci_ssl_inherit_psk(L, socket, context);
    sci_ssl_inherit_replay_guard(L, socket);
    sci_ssl_inherit_store(L, socket);
    socket->context = context;
    socket->dependent.ssl = socket->ssl;
    sci_context_link(context, &socket->dependent);
}

bool sci_ssl_make(lua_State *L, sci_sslsocket *socket, sci_context *context) {
    if (!make_ssl(socket, context)) return false;
    inherit(L, socket, context);
    return true;
}

static bool connection_stands(const sci_sslsocket *socket) {
    if (!socket->ssl || socket->role == SCI_NO_ROLE || socket->failed) return false;
    return SSL_get_shutdown(socket->ssl) != (SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

static sci_context *get_context(lua_State *L) {
    lua_getiuservalue(L, 1, SCI_SSL_CONTEXT);
    sci_context *context = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return context;
}

/***
Makes a new SSL structure that inherits the context's settings as they are at this moment: method, options, verification,
time-outs, certificates, trust. The context's later changes do not reach it. (Row S9)
A TCP socket gets `TCP_NODELAY`; `setSockOpt("TCP_NODELAY", false)` takes it away again.
@function SciSslSocket:sslInitialize
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `closed`, `handshake_under_way` where a TLS connection stands, `ktls`: the kernel encrypts
 what this socket sends, and goes on doing so, or `in_finalizer`: an initialized socket is not initialized again inside a
 finalizer
@see SSL_new(3)
*/
static int sslsocket_initialize(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    sci_context *context = get_context(L);
    lua_settop(L, 1);
    if (socket->in_callback) return sci_fail_own(L, "initialize", "in_callback", NULL);
    if (socket->closed) return sci_fail_own(L, "initialize", "closed", "the socket has been closed");
    if (!sci_context_is_open(context))
        return sci_fail_own(L, "initialize", "closed", "the socket's context has been closed");
    if (socket->ssl && sci_in_finalizer(L)) return sci_fail_own(L, "initialize", "in_finalizer", NULL);
    if (sci_socket_base(&socket->socket)->encrypted) return sci_fail_own(L, "initialize", "ktls", NULL);
    if (connection_stands(socket))
        return sci_fail_own(L, "initialize", "handshake_under_way", "there is a TLS connection: shut it down first");
    sci_clear_errors();
    socket->exact = false;
    if (!sci_ssl_make(L, socket, context)) return sci_fail_openssl(L, "initialize", NULL);
    send_at_once(socket);
    reset_connection(socket);
    forget_write(L, 1, socket);
    return sci_return_receiver(L);
}

/* ---- the end ---------------------------------------------------------------------------------------------------- */

/* The kernel answers a close with bytes left unread, such as session tickets that nobody waited for, by a reset, which
 * takes from the peer what we have sent last. */
static void discard_arrived(const sci_sslsocket *socket) {
    unsigned char bytes[8192];
    int descriptor = sci_socket_descriptor(&socket->socket), rounds = 128;
    while (rounds-- > 0 && recv(descriptor, bytes, sizeof bytes, MSG_DONTWAIT) == sizeof bytes) continue;
}

/* What we have sent last, an alert or a close_notify, shall arrive. The peer of an alert may go on sending: it is told first
 * that nothing more comes, so that what is in flight when the socket is closed is the less. */
static void let_arrive(const sci_sslsocket *socket) {
    bool alerted = socket->alert_sent >= 0;
    if (socket->memory || sci_ssl_is_closed(socket) || !(socket->secured || alerted)) return;
    if (alerted) (void)shutdown(sci_socket_descriptor(&socket->socket), SHUT_WR);
    discard_arrived(socket);
}

/* Sends close_notify where there is a connection to close and the transport takes it; never waits for the peer's. */
static void say_goodbye(lua_State *L, sci_sslsocket *socket) {
    bool speaks = socket->ssl && socket->secured && !socket->failed && SSL_is_init_finished(socket->ssl);
    if (!speaks || (SSL_get_shutdown(socket->ssl) & SSL_SENT_SHUTDOWN)) return;
    sci_ssl_begin(L, socket);
    (void)SSL_shutdown(socket->ssl);
    sci_ssl_end(socket);
    sci_clear_errors();
}

static void drop_connection(lua_State *L, sci_sslsocket *socket) {
    drop_ssl(socket);
    sci_ssl_end_trace(socket);
    sci_queue_free(&socket->transport.in);
    if (!socket->memory) sci_queue_free(&socket->transport.out);
    sci_transport_forget(&socket->transport);
    sci_ssl_forget_stations(socket);
    forget_write(L, 1, socket);
}

/***
Ends the TLS connection with a close_notify, then closes the no longer secure socket. Harmless at any time and twice;
never waits on a non-blocking socket. What a memory transport still has for the peer can be drained afterwards. (Row S1)
@function SciSslSocket:close
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] SciSslError condition `owner_failed`: the transport's own `close` raised an error
@see SSL_shutdown(3)
*/
static int sslsocket_close(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    lua_settop(L, 1);
    if (socket->in_callback) return sci_fail_own(L, "close", "in_callback", NULL);
    if (!socket->closed && socket->memory) sci_tell_closing(L, 1); /* others are told with their descriptor */
    if (!socket->closed) {
        say_goodbye(L, socket);
        let_arrive(socket);
        socket->closed = true;
        if (sci_in_finalizer(L)) socket->secured = false; /* what else there is goes when the socket is collected */
        else drop_connection(L, socket);
        if (!socket->memory && !sci_socket_close(L, 1)) return sci_return_pushed_error(L);
    }
    lua_pushboolean(L, true);
    return 1;
}

/* Speaks to nobody: a collected socket may be of another thread of control, or in mid-handshake. */
static int sslsocket_gc(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    if (socket->in_callback) return 0; /* called by hand, inside a call of this very socket */
    socket->closed = true;
    if (!sci_may_free(L)) {
        socket->secured = false;
        sci_socket_collect(L, 1);
        return 0;
    }
    drop_ssl(socket);
    sci_ssl_end_trace(socket);
    sci_queue_free(&socket->transport.in);
    sci_queue_free(&socket->transport.out);
    sci_transport_forget(&socket->transport);
    sci_ssl_forget_stations(socket);
    sci_ssl_forget_key_lines(socket);
    sci_socket_collect(L, 1);
    return 0;
}

/* ---- the memory transport --------------------------------------------------------------------------------------- */

static sci_sslsocket *check_memory(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    luaL_argcheck(L, socket->memory, 1, "SciSslSocket made by onMemory expected");
    return socket;
}

/***
Gives a memory transport bytes that came from the peer.
@function SciSslSocket:sslFeed
@tparam string bytes
@treturn[1] integer how many were taken: all of them
@treturn[2] nil
@treturn[2] SciSslError condition `closed`
*/
static int sslsocket_feed(lua_State *L) {
    sci_sslsocket *socket = check_memory(L);
    size_t length;
    const char *bytes = luaL_checklstring(L, 2, &length);
    if (socket->closed) return sci_fail_own(L, "read", "closed", "the socket has been closed");
    if (!sci_queue_put(&socket->transport.in, bytes, length))
        return sci_fail_own(L, "read", "memory_full", "there is no memory for the bytes");
    lua_pushinteger(L, (lua_Integer)length);
    return 1;
}

/***
Tells a memory transport that the peer has closed its side: no more bytes will be fed.
@function SciSslSocket:sslFeedEnd
@treturn SciSslSocket the receiver
*/
static int sslsocket_feed_end(lua_State *L) {
    check_memory(L)->transport.eof = true;
    return sci_return_receiver(L);
}

/* Pushes the first bytes of the queue and takes them away, which a finalizer that interrupts this finds done. They are still
 * there where memory runs out. */
static void push_taken(lua_State *L, sci_queue *queue, size_t length) {
    if (queue->leaving && sci_in_finalizer(L)) length = 0;
    queue->leaving = queue->leaving || length > 0;
    lua_pushlstring(L, length > 0 ? (const char *)queue->bytes + queue->start : "", length);
    if (length == 0) return;
    queue->leaving = false;
    sci_queue_skip(queue, length);
}

/***
Takes back the bytes that a memory transport was fed and that TLS has not read: what the peer has sent behind the end of
TLS, where `sslSetReadAhead(false)` came before.
@function SciSslSocket:sslUnread
@treturn string empty where there are none
*/
static int sslsocket_unread(lua_State *L) {
    sci_queue *in = &check_memory(L)->transport.in;
    push_taken(L, in, in->length);
    return 1;
}

/***
Takes the bytes that a memory transport has for the peer.
@function SciSslSocket:sslDrain
@tparam[opt] integer max bytes at the most; without it, all
@treturn string empty where there are none
*/
static int sslsocket_drain(lua_State *L) {
    sci_queue *out = &check_memory(L)->transport.out;
    lua_Integer max = luaL_optinteger(L, 2, LUA_MAXINTEGER);
    if (max < 0) sci_refuse_negative(L, 2, "number of bytes");
    push_taken(L, out, (lua_Unsigned)max < out->length ? (size_t)max : out->length);
    return 1;
}

/* ---- plain traffic ---------------------------------------------------------------------------------------------- */

/* `send`, `recv` and `setBlocking` are SciSocket's, their upvalue, where they can do no harm. */
static int call_inherited(lua_State *L) {
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

static int sslsocket_plain(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    if (!connection_stands(socket)) return call_inherited(L);
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

/* ---- for the REPL ----------------------------------------------------------------------------------------------- */

static const char *state_text(const sci_sslsocket *socket) {
    if (socket->closed) return "closed";
    if (!socket->ssl) return "not initialized";
    if (socket->failed) return "failed";
    if (socket->role == SCI_NO_ROLE) return "initialized";
    return socket->secured ? NULL : "handshake under way";
}

static void push_peer_text(lua_State *L, const sci_sslsocket *socket) {
    X509 **peer = sci_new_certificate(L);
    *peer = SSL_get1_peer_certificate(socket->ssl);
    if (!*peer) {
        lua_pushliteral(L, "peer without certificate");
        return;
    }
    sci_push_name(L, X509_get_subject_name(*peer));
    lua_pushfstring(L, "peer %s %s", luaL_tolstring(L, -1, NULL),
                    SSL_get_verify_result(socket->ssl) == X509_V_OK ? "verified" : "NOT verified");
    X509_free(*peer); /* at once: what a finalizer makes while the lua_State closes is never collected */
    *peer = NULL;
}

static int sslsocket_tostring(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    const char *state = state_text(socket);
    const char *role = socket->role == SCI_CLIENT ? "client, " : socket->role == SCI_SERVER ? "server, " : "";
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

static const luaL_Reg sslsocket_methods[] = {
    {"accept", sslsocket_accept},       {"sslInitialize", sslsocket_initialize},
    {"close", sslsocket_close},         {"sslFeed", sslsocket_feed},
    {"sslFeedEnd", sslsocket_feed_end}, {"sslDrain", sslsocket_drain},
    {"sslUnread", sslsocket_unread},    {NULL, NULL},
};

static const luaL_Reg sslsocket_metamethods[] = {
    {"__gc", sslsocket_gc},
    {"__close", sslsocket_close},
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
