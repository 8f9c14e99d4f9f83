/* socket.c: SciSocket, a stream socket (TCP or Unix-domain): its life, its bytes, and what event loops ask. */
#include "net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/***
A TCP socket of IPv4 or IPv6, or a Unix-domain socket. It is made blocking and close-on-exec. A write to a peer that has
gone answers an error and raises no SIGPIPE. Sockets of other libraries are taken over with `SciSocket.on`, and every loop
that polls descriptors can wait for one.
@classmod SciSocket
*/

#define SEND_MOST ((size_t)1 << 30) /* bytes a call: some systems refuse more than an int can say */

static const char socket_classes = 0; /* its address: registry key of the set of metatables of SciSocket's kind */

/* ---- what every file of SciSocket uses -------------------------------------------------------------------------- */

sci_socket *sci_test_socket(lua_State *L, int index) {
    if (lua_type(L, index) != LUA_TUSERDATA || !lua_getmetatable(L, index)) return NULL;
    bool any = lua_rawgetp(L, LUA_REGISTRYINDEX, &socket_classes) != LUA_TNIL;
    lua_insert(L, -2);
    bool known = any && lua_rawget(L, -2) != LUA_TNIL;
    lua_pop(L, 2);
    return known ? lua_touserdata(L, index) : NULL;
}

bool sci_is_socket(lua_State *L, int index) { return sci_test_socket(L, index) != NULL; }

sci_socket *sci_check_socket(lua_State *L, int index) {
    sci_socket *socket = sci_test_socket(L, index);
    if (!socket) luaL_typeerror(L, index, SCI_SOCKET);
    return socket;
}

sci_socket *sci_new_socket(lua_State *L) {
    sci_socket *socket = sci_new_object(L, SCI_SOCKET, sizeof *socket, 1);
    socket->fd = -1;
    return socket;
}

sci_socket *sci_socket_base(sci_socket *socket) {
    while (socket->lower) socket = socket->lower;
    return socket;
}

int sci_socket_descriptor(const sci_socket *socket) {
    while (socket->lower) socket = socket->lower;
    return socket->fd;
}

int sci_socket_fail(lua_State *L, const sci_failure *failure) {
    sci_clear_errors();
    return sci_fail(L, failure);
}

int sci_socket_fail_closed(lua_State *L, const char *phase) {
    return sci_socket_fail(L, &(sci_failure){.phase = phase, .condition = "closed", .message = "used after close"});
}

int sci_socket_fail_system(lua_State *L, const char *phase, const char *subject, int system_errno) {
    return sci_socket_fail(L, &(sci_failure){.phase = phase,
                                             .subject = subject && *subject ? subject : NULL,
                                             .ssl_error = SSL_ERROR_SYSCALL,
                                             .system_errno = system_errno});
}

/* A blocking socket says "not now" only where SO_RCVTIMEO or SO_SNDTIMEO has expired. */
static int fail_not_now(lua_State *L, const sci_socket *base, const char *phase, int wanted) {
    bool expired = sci_socket_blocking(base);
    return sci_socket_fail(L,
                           &(sci_failure){.phase = phase,
                                          .condition = expired ? "timeout" : "not_ready",
                                          .message = expired ? "the socket's own time-out has passed"
                                                             : "not ready: wait for the socket, then repeat the call",
                                          .subject = *base->peer ? base->peer : NULL,
                                          .ssl_error = wanted});
}

/* The system tells once why a connection could not be made, and from then on that there is none. Answers the reason. */
static int find_reason(sci_socket *base, int system_errno) {
    if (system_errno == EPIPE || system_errno == ENOTCONN)
        return base->connect_errno ? base->connect_errno : system_errno;
    if (base->connecting && system_errno != ENOBUFS && system_errno != ENOMEM) {
        base->connect_errno = system_errno;
        base->connecting = false;
    }
    return system_errno;
}

static int fail_listening(lua_State *L, const char *phase) {
    return sci_socket_fail(L, &(sci_failure){.phase = phase,
                                             .condition = "listening",
                                             .message = "the socket listens: use the socket that accept() returns",
                                             .ssl_error = SSL_ERROR_SYSCALL});
}

int sci_socket_fail_io(lua_State *L, sci_socket *socket, const char *phase, int wanted, int system_errno) {
    sci_socket *base = sci_socket_base(socket);
    if (sci_would_block(system_errno)) return fail_not_now(L, base, phase, wanted);
    if (base->listening && (system_errno == EPIPE || system_errno == ENOTCONN)) return fail_listening(L, phase);
    return sci_socket_fail_system(L, phase, base->peer, find_reason(base, system_errno));
}

int sci_return_pushed_error(lua_State *L) {
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
}

/* ---- blocking --------------------------------------------------------------------------------------------------- */

bool sci_socket_blocking(const sci_socket *socket) {
    while (socket->lower) socket = socket->lower;
    if (socket->nonblocking && !socket->exposed) return false;
    int flags = fcntl(socket->fd, F_GETFL);
    return flags >= 0 && !(flags & O_NONBLOCK);
}

bool sci_socket_set_blocking(sci_socket *socket, bool blocking) {
    sci_socket *base = sci_socket_base(socket);
    if (!sci_descriptor_set_blocking(base->fd, blocking)) return false;
    base->nonblocking = !blocking;
    return true;
}

/***
Makes the socket wait in its calls, or not. A socket is made blocking.
@function SciSocket:setBlocking
@tparam boolean blocking
@treturn[1] SciSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError `closed`
@see fcntl(2), O_NONBLOCK
*/
static int socket_set_blocking(lua_State *L) {
    sci_socket *socket = sci_check_socket(L, 1);
    luaL_checktype(L, 2, LUA_TBOOLEAN);
    if (sci_socket_descriptor(socket) < 0) return sci_socket_fail_closed(L, "option");
    if (sci_socket_set_blocking(socket, lua_toboolean(L, 2))) return sci_return_receiver(L);
    return sci_socket_fail_system(L, "option", NULL, errno);
}

/***
Lets programs that are started from now on inherit the descriptor, or not. No socket is inherited unless this says so; a
listening one that is can be served by several processes (`scissl.listen { socket = descriptor }`).
@function SciSocket:setInheritable
@tparam boolean inheritable
@treturn[1] SciSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError `closed`
@see fcntl(2), FD_CLOEXEC
*/
static int socket_set_inheritable(lua_State *L) {
    sci_socket *base = sci_socket_base(sci_check_socket(L, 1));
    luaL_checktype(L, 2, LUA_TBOOLEAN);
    int descriptor = base->fd;
    if (descriptor < 0) return sci_socket_fail_closed(L, "option");
    base->exposed = true;
    if (fcntl(descriptor, F_SETFD, lua_toboolean(L, 2) ? 0 : FD_CLOEXEC) == 0) return sci_return_receiver(L);
    return sci_socket_fail_system(L, "option", NULL, errno);
}

/***
Tells whether the socket waits in its calls. What a forked process has made of it is seen only where `getfd`, `pollfd` or
`setInheritable` has been called.
@function SciSocket:isBlocking
@treturn[1] boolean
@treturn[2] nil
@treturn[2] SciSslError `closed`
*/
static int socket_is_blocking(lua_State *L) {
    const sci_socket *socket = sci_check_socket(L, 1);
    if (sci_socket_descriptor(socket) < 0) return sci_socket_fail_closed(L, "option");
    lua_pushboolean(L, sci_socket_blocking(socket));
    return 1;
}

/* ---- making ----------------------------------------------------------------------------------------------------- */

static const char *const families[] = {"inet", "inet6", "unix", NULL};

bool sci_socket_open(sci_socket *socket, const char *family, bool blocking) {
    socket->family = AF_INET;
    if (strcmp(family, "inet6") == 0) socket->family = AF_INET6;
    if (strcmp(family, "unix") == 0) socket->family = AF_UNIX;
    socket->fd = sci_descriptor_open(socket->family, blocking);
    socket->nonblocking = !blocking;
    return socket->fd >= 0;
}

/***
Makes a stream socket: blocking, close-on-exec, not connected.
@function SciSocket.newStreamSocket
@tparam[opt="inet"] string family `inet` (IPv4), `inet6` or `unix`
@treturn[1] SciSocket
@treturn[2] nil
@treturn[2] SciSslError phase `open`
@see socket(2)
*/
static int socket_new(lua_State *L) {
    const char *family = families[luaL_checkoption(L, 1, "inet", families)];
    if (sci_socket_open(sci_new_socket(L), family, true)) return 1;
    return sci_socket_fail_system(L, "open", family, errno);
}

/***
Makes two sockets that are connected to each other: blocking, close-on-exec, Unix-domain.
@function SciSocket.pair
@treturn[1] SciSocket
@treturn[1] SciSocket
@treturn[2] nil
@treturn[2] SciSslError phase `open`
@see socketpair(2)
*/
static int socket_pair(lua_State *L) {
    sci_socket *ends[] = {sci_new_socket(L), sci_new_socket(L)};
    int descriptors[2];
    if (!sci_descriptor_pair(descriptors)) return sci_socket_fail_system(L, "open", "unix", errno);
    for (int i = 0; i < 2; i++) {
        ends[i]->fd = descriptors[i];
        ends[i]->established = true;
    }
    return 2;
}

/* ---- bytes ------------------------------------------------------------------------------------------------------ */

/* Sends until all is gone or the system refuses. Answers the errno of that, and how far it came in `*sent`. */
static int send_all(int descriptor, const char *data, size_t length, size_t *sent) {
    for (*sent = 0; *sent < length;) {
        size_t left = length - *sent;
        ssize_t done = send(descriptor, data + *sent, left < SEND_MOST ? left : SEND_MOST, MSG_NOSIGNAL);
        if (done >= 0) *sent += (size_t)done;
        else if (errno != EINTR) return errno;
    }
    return 0;
}

/***
Sends bytes. A peer that is gone is an error to be answered, never a SIGPIPE.
@function SciSocket:send
@tparam string data
@tparam[opt=1] integer i first byte to send, as in `string.sub`
@tparam[opt=-1] integer j last byte to send
@treturn[1] integer bytes sent: all of them on a blocking socket, maybe fewer on a non-blocking one or where SO_SNDTIMEO
 expires
@treturn[2] nil
@treturn[2] SciSslError phase `send`; `not_ready`, with `SSL_ERROR_WANT_WRITE`, where a non-blocking socket takes none
@see send(2)
*/
static int socket_send(lua_State *L) {
    sci_socket *socket = sci_check_socket(L, 1);
    size_t length, offset, sent;
    const char *data = luaL_checklstring(L, 2, &length);
    length = sci_check_range(L, 3, length, &offset);
    int descriptor = sci_socket_descriptor(socket);
    if (descriptor < 0) return sci_socket_fail_closed(L, "send");
    if (sci_socket_base(socket)->encrypted)
        return sci_socket_fail(L, &(sci_failure){.phase = "send", .condition = "ktls"});
    int problem = send_all(descriptor, data + offset, length, &sent);
    if (problem && !(sent > 0 && sci_would_block(problem)))
        return sci_socket_fail_io(L, socket, "send", SSL_ERROR_WANT_WRITE, problem);
    lua_pushinteger(L, (lua_Integer)sent);
    return 1;
}

/* A finalizer may have interrupted the call that holds the bytes; any later call finds that they are lost. */
static int fail_torn(lua_State *L) {
    return sci_socket_fail(L, &(sci_failure){.phase = "recv",
                                             .condition = sci_in_finalizer(L) ? "in_finalizer" : "memory_full",
                                             .message = "bytes were lost when memory ran out"});
}

static ssize_t receive(int descriptor, void *bytes, size_t size) {
    ssize_t got;
    do got = recv(descriptor, bytes, size, 0);
    while (got < 0 && errno == EINTR);
    return got;
}

/***
Receives what there is, as soon as there is anything.
@function SciSocket:recv
@tparam integer max bytes, at the most; one call never brings more than 65536
@treturn[1] string the bytes; empty once the peer has ended its side, and for `max` 0
@treturn[2] nil
@treturn[2] SciSslError phase `recv`; `not_ready`, with `SSL_ERROR_WANT_READ`, where a non-blocking socket has none
@see recv(2)
*/
static int socket_recv(lua_State *L) {
    sci_socket *socket = sci_check_socket(L, 1), *base = sci_socket_base(socket);
    lua_Integer max = luaL_checkinteger(L, 2);
    if (max < 0) sci_refuse_negative(L, 2, "number of bytes");
    if (base->fd < 0) return sci_socket_fail_closed(L, "recv");
    if (base->torn) return fail_torn(L);
    sci_state *state = sci_get_state(L);
    size_t size = max < SCI_SCRATCH ? (size_t)max : SCI_SCRATCH;
    /* One of its own inside a callback: that of the read outside may hold bytes. */
    unsigned char *bytes = state->reading ? lua_newuserdatauv(L, size, 0) : state->scratch;
    ssize_t got = size == 0 ? 0 : receive(base->fd, bytes, size);
    if (got < 0) return sci_socket_fail_io(L, socket, "recv", SSL_ERROR_WANT_READ, errno);
    base->torn = true;
    lua_pushlstring(L, (const char *)bytes, (size_t)got);
    base->torn = false;
    return 1;
}

/***
Ends one direction of the connection, or both; the descriptor stays.
@function SciSocket:shutdown
@tparam string how `"r"`, `"w"` (the peer's `recv` comes to the end of the stream) or `"rw"`
@treturn[1] SciSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError phase `shutdown`
@see shutdown(2)
*/
static int socket_shutdown(lua_State *L) {
    static const char *const names[] = {"r", "w", "rw", NULL};
    static const int ways[] = {SHUT_RD, SHUT_WR, SHUT_RDWR};
    sci_socket *base = sci_socket_base(sci_check_socket(L, 1));
    int how = ways[luaL_checkoption(L, 2, NULL, names)];
    if (base->fd < 0) return sci_socket_fail_closed(L, "shutdown");
    if (shutdown(base->fd, how) == 0) return sci_return_receiver(L);
    return sci_socket_fail_system(L, "shutdown", base->peer, errno);
}

/* ---- closing ---------------------------------------------------------------------------------------------------- */

/* Harmless twice. Does no other I/O. */
static void release(sci_socket *socket) {
    int descriptor = socket->lent ? -1 : socket->fd;
    socket->fd = -1;
    socket->lent = false;
    socket->lower = NULL;
    if (descriptor >= 0) (void)close(descriptor);
}

static int call_close(lua_State *L) {
    if (lua_getfield(L, 1, "close") == LUA_TNIL) return 0;
    lua_insert(L, 1);
    lua_call(L, 1, 0);
    return 0;
}

/* Closes the owner on top of the stack and takes it away. False: a SciSslError stands there instead. */
static bool close_owner(lua_State *L) {
    lua_pushcfunction(L, call_close);
    lua_insert(L, -2);
    if (lua_pcall(L, 1, 0, 0) == LUA_OK) return true;
    sci_clear_errors();
    sci_push_error(L, &(sci_failure){.phase = "close",
                                     .condition = "owner_failed",
                                     .message = "the object that owns the descriptor raised an error in its `close`",
                                     .cause = -1});
    lua_remove(L, -2);
    return false;
}

bool sci_socket_close(lua_State *L, int index) {
    sci_socket *socket = sci_check_socket(L, index);
    index = lua_absindex(L, index);
    if (sci_socket_descriptor(socket) >= 0) sci_tell_closing(L, index);
    bool lent = socket->lent;
    release(socket);
    if (!lent) return true;
    lua_getiuservalue(L, index, SCI_SOCKET_OWNER);
    if (!sci_in_finalizer(L)) { /* which may have interrupted a call that works with the owner */
        lua_pushnil(L);
        lua_setiuservalue(L, index, SCI_SOCKET_OWNER);
    }
    return close_owner(L);
}

/***
Closes the socket; twice is harmless. Where an object owns the descriptor, that object's own `close` does it (and
nothing does where it has none). Leaving the scope of a `<close>` variable does the same; being collected closes only
what is ours.
@function SciSocket:close
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] SciSslError `owner_failed`, with its `cause`, where the object's `close` raised an error
@see close(2)
*/
static int socket_close(lua_State *L) {
    if (!sci_socket_close(L, 1)) return sci_return_pushed_error(L);
    lua_pushboolean(L, true);
    return 1;
}

void sci_socket_collect(lua_State *L, int index) {
    sci_socket *socket = sci_check_socket(L, index);
    if (!socket->lent && socket->fd >= 0) sci_tell_closing(L, index);
    release(socket);
}

static int socket_gc(lua_State *L) {
    sci_socket_collect(L, 1);
    return 0;
}

/* ---- what event loops ask --------------------------------------------------------------------------------------- */

/***
Answers the descriptor, for LuaSocket's `select`, for `SciSocket.poll` and whoever else waits for it.
@function SciSocket:getfd
@treturn integer -1 once closed
*/
/***
Answers the descriptor, for cqueues.
@function SciSocket:pollfd
@treturn integer -1 once closed
*/
static int socket_getfd(lua_State *L) {
    sci_socket *base = sci_socket_base(sci_check_socket(L, 1));
    base->exposed = true;
    lua_pushinteger(L, base->fd);
    return 1;
}

/***
Tells whether there is something to read that the descriptor does not tell of: never. For LuaSocket's `select`.
@function SciSocket:dirty
@treturn boolean false
*/
static int socket_dirty(lua_State *L) {
    sci_check_socket(L, 1);
    lua_pushboolean(L, false);
    return 1;
}

/***
Answers what the socket waits for, for cqueues.
@function SciSocket:events
@treturn ?string `"w"` while connecting, else `"r"`; nil once closed
*/
static int socket_events(lua_State *L) {
    sci_socket *base = sci_socket_base(sci_check_socket(L, 1));
    if (base->fd < 0) lua_pushnil(L);
    else lua_pushstring(L, !base->listening && sci_socket_probe(base, 0) == 0 ? "w" : "r");
    return 1;
}

/***
Answers how long a loop may wait for the socket at the most, for cqueues: it has no time-out of its own.
@function SciSocket:timeout
@treturn nil
*/
static int socket_timeout(lua_State *L) {
    sci_check_socket(L, 1);
    lua_pushnil(L);
    return 1;
}

/* ---- the class -------------------------------------------------------------------------------------------------- */

/* Writes the socket's own address into `text`, and answers it. */
static const char *describe_here(int descriptor, char text[SCI_PEER]) {
    sci_address here;
    *text = '\0';
    if (sci_get_address(descriptor, false, &here)) sci_describe_address(&here, text);
    return text;
}

static int socket_tostring(lua_State *L) {
    sci_socket *base = sci_socket_base(sci_check_socket(L, 1));
    char here[SCI_PEER];
    if (base->fd < 0) {
        lua_pushliteral(L, SCI_SOCKET ": closed");
        return 1;
    }
    if (base->listening) {
        lua_pushfstring(L, SCI_SOCKET ": listening %s", describe_here(base->fd, here));
        return 1;
    }
    int state = sci_socket_probe(base, 0);
    const char *words = state > 0 ? "connected" : state == 0 ? "connecting" : "not connected";
    lua_pushfstring(L, SCI_SOCKET ": %s%s%s", words, *base->peer ? " " : "", base->peer);
    return 1;
}

static const luaL_Reg socket_functions[] = {
    {"newStreamSocket", socket_new},
    {"pair", socket_pair},
    {NULL, NULL},
};

static const luaL_Reg socket_methods[] = {
    {"setBlocking", socket_set_blocking},
    {"setInheritable", socket_set_inheritable},
    {"isBlocking", socket_is_blocking},
    {"send", socket_send},
    {"recv", socket_recv},
    {"shutdown", socket_shutdown},
    {"close", socket_close},
    {"getfd", socket_getfd},
    {"dirty", socket_dirty},
    {"pollfd", socket_getfd},
    {"events", socket_events},
    {"timeout", socket_timeout},
    {NULL, NULL},
};

static const luaL_Reg socket_metamethods[] = {
    {"__gc", socket_gc},
    {"__close", socket_close},
    {"__tostring", socket_tostring},
    {NULL, NULL},
};

/* Puts the metatable `name` into the set of those of SciSocket's kind. */
static void enter_class(lua_State *L, const char *name) {
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &socket_classes) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &socket_classes);
    }
    luaL_getmetatable(L, name);
    lua_pushboolean(L, true);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

static bool is_constructor(const char *name) {
    for (const luaL_Reg *entry = socket_functions; entry->name; entry++)
        if (strcmp(entry->name, name) == 0) return true;
    return false;
}

/* Copies the entry whose key and value are on top into the table at `class`, where it has none of that name. */
static void inherit_entry(lua_State *L, int class) {
    const char *name = lua_tostring(L, -2);
    if (is_constructor(name)) return;
    if (lua_getfield(L, class, name) == LUA_TNIL) {
        lua_pushvalue(L, -2);
        lua_setfield(L, class, name);
    }
    lua_pop(L, 1);
}

void sci_inherit_socket(lua_State *L, const char *name) {
    int class = lua_gettop(L);
    enter_class(L, name);
    sci_push_class(L, SCI_SOCKET);
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) inherit_entry(L, class);
    lua_settop(L, class);
}

void sci_open_socket(lua_State *L) {
    sci_new_class(L, SCI_SOCKET, socket_functions, socket_methods, socket_metamethods);
    enter_class(L, SCI_SOCKET);
}
