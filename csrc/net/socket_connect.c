/* socket_connect.c: SciSocket: connect, bind, listen and accept. */
#include "net/socket.h"

#include <errno.h>

/* ---- whether the connection is established ----------------------------------------------------------------------- */

static bool may_connect(const sci_socket *base, sci_failure *failure) {
    if (base->fd < 0) return sci_refuse(failure, "closed", "used after close");
    return !base->listening ||
           sci_refuse(failure, "listening", "the socket listens: use the socket that accept() returns");
}

static void explain_no_connection(const sci_socket *base, sci_failure *failure) {
    if (base->connect_errno == 0) {
        sci_refuse(failure, "not_connected", "there is no connection: call connect, or accept, first");
        return;
    }
    failure->subject = *base->peer ? base->peer : NULL;
    failure->ssl_error = SSL_ERROR_SYSCALL;
    failure->system_errno = base->connect_errno;
}

int sci_socket_establish(sci_socket *socket, sci_failure *failure) {
    sci_socket *base = sci_socket_base(socket);
    if (base->established && base->fd >= 0) return 1;
    failure->phase = "connect";
    if (!may_connect(base, failure)) return -1;
    int state = sci_socket_probe(base, 0);
    if (state == 0 && sci_socket_blocking(base)) state = sci_socket_probe(base, -1);
    if (state < 0) explain_no_connection(base, failure);
    return state;
}

/* connectState(socket): true: connected; false: still connecting; nil, SciSslError: it has failed. */
int sci_connect_state(lua_State *L) {
    sci_socket *socket = sci_check_socket(L, 1);
    sci_failure failure = {.phase = "connect"};
    int state = sci_socket_establish(socket, &failure);
    if (state < 0) return sci_socket_fail(L, &failure);
    lua_pushboolean(L, state > 0);
    return 1;
}

/* ---- connecting ------------------------------------------------------------------------------------------------- */

/* 0, or errno. */
static int start_connecting(int descriptor, const sci_address *address) {
    return connect(descriptor, (const struct sockaddr *)&address->storage, address->length) == 0 ? 0 : errno;
}

/* Returns the receiver: at once if it is non-blocking, else once it is connected. After EINTR the attempt continues. A
 * blocking socket reports EINPROGRESS only where SO_SNDTIMEO has expired. */
static int await_connection(lua_State *L, sci_socket *base, int problem) {
    sci_failure failure = {.phase = "connect"};
    bool blocking = sci_socket_blocking(base);
    if (blocking && problem == EINPROGRESS) return sci_socket_fail_system(L, "connect", base->peer, ETIMEDOUT);
    if (blocking && sci_socket_establish(base, &failure) < 0) return sci_socket_fail(L, &failure);
    return sci_return_receiver(L);
}

/***
Connects the socket to a host, or to a path where it is a Unix-domain one. The host's first address of the socket's
family is tried. On a non-blocking socket this returns at once, while TCP is still connecting.
@function SciSocket:connect
@tparam string host a name or an address; or the path
@param port an integer from 0 to 65535, or the name of a service
@treturn[1] SciSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError phase `resolve` or `connect`: `host_not_found`, `connection_refused`, `timeout` …
@see connect(2)
*/
static int socket_connect(lua_State *L) {
    sci_socket *base = sci_socket_base(sci_check_socket(L, 1));
    sci_failure failure = {.phase = "connect"};
    sci_address address;
    sci_check_text(L, 2);
    if (base->fd < 0) return sci_socket_fail_closed(L, "connect");
    if (!sci_find_address(L, base, false, &address, &failure)) return sci_socket_fail(L, &failure);
    int problem = start_connecting(base->fd, &address);
    /* Linux reports an earlier failed attempt a second time, although SO_ERROR has reported it. */
    if (problem == ECONNABORTED && base->connect_errno) problem = start_connecting(base->fd, &address);
    if (problem == EISCONN) return sci_socket_fail_system(L, "connect", base->peer, problem);
    if (problem != EALREADY) sci_socket_note_attempt(base, &address, problem);
    if (problem == 0 || sci_is_under_way(problem)) return await_connection(L, base, problem);
    return sci_socket_fail_io(L, base, "connect", SSL_ERROR_WANT_WRITE, problem);
}

/***
Gives the socket its own address. A TCP socket may take a port that another socket has just left (SO_REUSEADDR).
@function SciSocket:bind
@tparam string host a name or an address, `*` for every address of this machine; or the path of a Unix-domain socket,
 which must not exist yet, and which `close` does not remove
@param port an integer from 0 (any that is free) to 65535, or the name of a service
@treturn[1] SciSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError phase `resolve` or `bind`: `address_in_use`, `permission_denied` …
@see bind(2)
*/
static int socket_bind(lua_State *L) {
    const sci_socket *base = sci_socket_base(sci_check_socket(L, 1));
    sci_failure failure = {.phase = "bind"};
    sci_address address;
    char name[SCI_PEER];
    int on = 1;
    sci_check_text(L, 2);
    if (base->fd < 0) return sci_socket_fail_closed(L, "bind");
    if (!sci_find_address(L, base, true, &address, &failure)) return sci_socket_fail(L, &failure);
    sci_describe_address(&address, name);
    /* Not for datagrams: another socket could then take the same address, and get the datagrams. */
    if (address.storage.ss_family != AF_UNIX && !base->datagram)
        (void)setsockopt(base->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(base->fd, (const struct sockaddr *)&address.storage, address.length) != 0)
        return sci_socket_fail_system(L, "bind", name, errno);
    return sci_return_receiver(L);
}

/* ---- listening -------------------------------------------------------------------------------------------------- */

/***
Lets peers connect to a bound socket.
@function SciSocket:listen
@tparam[opt] integer backlog connections that may wait to be accepted; the system's maximum by default
@treturn[1] SciSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError phase `listen`
@see listen(2)
*/
static int socket_listen(lua_State *L) {
    sci_socket *base = sci_socket_base(sci_check_socket(L, 1));
    lua_Integer backlog = luaL_optinteger(L, 2, SOMAXCONN);
    luaL_argcheck(L, backlog >= 0 && backlog <= 0x7fffffff, 2, "number of connections out of range");
    if (base->fd < 0) return sci_socket_fail_closed(L, "listen");
    if (listen(base->fd, (int)backlog) != 0) return sci_socket_fail_system(L, "listen", NULL, errno);
    sci_socket_note_listening(base);
    return sci_return_receiver(L);
}

int sci_socket_fail_accept(lua_State *L, sci_socket *listener, int system_errno) {
    if (listener->listening || (system_errno != EINVAL && system_errno != EOPNOTSUPP))
        return sci_socket_fail_io(L, listener, "accept", SSL_ERROR_WANT_READ, system_errno);
    return sci_socket_fail(L, &(sci_failure){.phase = "accept",
                                             .condition = "not_listening",
                                             .message = "the socket does not listen: call bind() and listen() first",
                                             .ssl_error = SSL_ERROR_SYSCALL,
                                             .system_errno = system_errno});
}

bool sci_socket_accept(const sci_socket *listener, sci_socket *accepted, bool blocking) {
    sci_address peer;
    int descriptor = sci_descriptor_accept(listener->fd, blocking, &peer);
    if (descriptor < 0) return false;
    sci_socket_own(accepted, descriptor, blocking);
    sci_socket_note_connected(accepted, &peer);
    return true;
}

/***
Accepts the next connection of a listening socket.
@function SciSocket:accept
@treturn[1] SciSocket the connection: blocking, close-on-exec
@treturn[2] nil
@treturn[2] SciSslError phase `accept`; `not_ready`, with `SSL_ERROR_WANT_READ`, where the listening socket is
 non-blocking and no connection waits
@see accept(2)
*/
static int socket_accept(lua_State *L) {
    sci_socket *listener = sci_socket_base(sci_check_socket(L, 1));
    if (listener->fd < 0) return sci_socket_fail_closed(L, "accept");
    if (sci_socket_accept(listener, sci_new_socket(L), true)) return 1;
    return sci_socket_fail_accept(L, listener, errno);
}

static const luaL_Reg connect_methods[] = {
    {"connect", socket_connect}, {"bind", socket_bind}, {"listen", socket_listen},
    {"accept", socket_accept},   {NULL, NULL},
};

void sci_open_socket_connect(lua_State *L) { luaL_setfuncs(L, connect_methods, 0); }
