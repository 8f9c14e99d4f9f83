/* socket.c: SciSocket, a socket for a stream or for datagrams: the class, and making and closing a socket. */
#include "net/socket.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/***
A TCP or UDP socket of IPv4 or IPv6, or a Unix-domain socket. It is made blocking and close-on-exec. A write to a peer that
has gone returns an error and raises no SIGPIPE. `SciSocket.on` takes sockets of other libraries. Every loop that polls
descriptors can wait for a SciSocket.
@classmod SciSocket
*/

/* ---- making ----------------------------------------------------------------------------------------------------- */

static const char *const families[] = {"inet", "inet6", "unix", NULL};

bool sci_socket_open(sci_socket *socket, const char *family, bool datagram, bool blocking) {
    socket->family = AF_INET;
    if (strcmp(family, "inet6") == 0) socket->family = AF_INET6;
    if (strcmp(family, "unix") == 0) socket->family = AF_UNIX;
    int descriptor = sci_descriptor_open(socket->family, datagram ? SOCK_DGRAM : SOCK_STREAM, blocking);
    sci_socket_own(socket, descriptor, blocking);
    if (datagram) sci_socket_note_datagram(socket);
    return socket->fd >= 0;
}

static int open_new(lua_State *L, bool datagram) {
    const char *family = families[luaL_checkoption(L, 1, "inet", families)];
    if (sci_socket_open(sci_new_socket(L), family, datagram, true)) return 1;
    return sci_socket_fail_system(L, "open", family, errno);
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
static int socket_new(lua_State *L) { return open_new(L, false); }

/***
Makes a socket for datagrams: UDP, or Unix-domain. It is blocking, close-on-exec and not connected. `bind` gives it an address,
`sendTo` and `recvFrom` exchange datagrams with any peer; `connect` chooses the one peer of `send` and `recv`, and of a
`SciSslSocket` over it.
@function SciSocket.newDatagramSocket
@tparam[opt="inet"] string family `inet` (IPv4), `inet6` or `unix`
@treturn[1] SciSocket
@treturn[2] nil
@treturn[2] SciSslError phase `open`
@see socket(2), udp(7)
*/
static int socket_new_datagram(lua_State *L) { return open_new(L, true); }

/***
Makes two sockets that are connected to each other: blocking, close-on-exec, Unix-domain.
@function SciSocket.pair
@tparam[opt="stream"] string kind `stream` or `datagram`
@treturn[1] SciSocket
@treturn[1] SciSocket
@treturn[2] nil
@treturn[2] SciSslError phase `open`
@see socketpair(2)
*/
static int socket_pair(lua_State *L) {
    static const char *const kinds[] = {"stream", "datagram", NULL};
    bool datagram = luaL_checkoption(L, 1, "stream", kinds) == 1;
    sci_socket *ends[] = {sci_new_socket(L), sci_new_socket(L)};
    int descriptors[2];
    if (!sci_descriptor_pair(datagram ? SOCK_DGRAM : SOCK_STREAM, descriptors))
        return sci_socket_fail_system(L, "open", "unix", errno);
    for (int i = 0; i < 2; i++) {
        sci_socket_own(ends[i], descriptors[i], true);
        if (datagram) sci_socket_note_datagram(ends[i]);
        sci_socket_note_connected(ends[i], NULL);
    }
    return 2;
}

/* ---- closing ---------------------------------------------------------------------------------------------------- */

/* Harmless twice. Does no other I/O than close(2). */
static void release(sci_socket *socket) {
    int descriptor = sci_socket_release(socket);
    if (descriptor >= 0) (void)close(descriptor);
}

static int call_close(lua_State *L) {
    if (lua_getfield(L, 1, "close") == LUA_TNIL) return 0;
    lua_insert(L, 1);
    lua_call(L, 1, 0);
    return 0;
}

/* Pops the owner from the top of the stack and calls its `close`. False: a SciSslError is on top instead. */
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

static void forget_descriptor(lua_State *L, const sci_socket *socket) {
    if (!socket->borrowed && socket->fd >= 0) sci_poller_forget(sci_get_state(L), socket->fd);
}

bool sci_socket_close(lua_State *L, int index) {
    sci_socket *socket = sci_check_socket(L, index);
    index = lua_absindex(L, index);
    if (sci_socket_descriptor(socket) >= 0) sci_notify_closing(L, index);
    forget_descriptor(L, socket);
    bool borrowed = socket->borrowed;
    release(socket);
    if (!borrowed) return true;
    lua_getiuservalue(L, index, SCI_SOCKET_OWNER);
    if (!sci_in_finalizer(L)) { /* a finalizer may have interrupted a call that uses the owner */
        lua_pushnil(L);
        lua_setiuservalue(L, index, SCI_SOCKET_OWNER);
    }
    return close_owner(L);
}

/***
Closes the socket; twice is harmless. Where another object owns the descriptor, this calls that object's `close`, if it
has one. Leaving the scope of a `<close>` variable does the same. The garbage collector closes only descriptors that the
SciSocket owns.
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
    if (!socket->borrowed && socket->fd >= 0) sci_notify_closing(L, index);
    forget_descriptor(L, socket);
    release(socket);
}

static int socket_gc(lua_State *L) {
    sci_socket_collect(L, 1);
    return 0;
}

/* ---- the class -------------------------------------------------------------------------------------------------- */

/* Writes the socket's own address into `text`, and returns `text`. */
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
    {"newDatagramSocket", socket_new_datagram},
    {"pair", socket_pair},
    {NULL, NULL},
};

static const luaL_Reg socket_methods[] = {{"close", socket_close}, {NULL, NULL}};

static const luaL_Reg socket_metamethods[] = {
    {"__gc", socket_gc},
    {"__close", socket_close},
    {"__tostring", socket_tostring},
    {NULL, NULL},
};

static bool is_constructor(const char *name) {
    for (const luaL_Reg *entry = socket_functions; entry->name; entry++)
        if (strcmp(entry->name, name) == 0) return true;
    return false;
}

/* Copies the entry whose key and value are on top into the table at `class`, unless that has one of the name. */
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
    sci_enter_socket_class(L, name);
    sci_push_class(L, SCI_SOCKET);
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) inherit_entry(L, class);
    lua_settop(L, class);
}

void sci_open_socket(lua_State *L) {
    sci_new_class(L, SCI_SOCKET, socket_functions, socket_methods, socket_metamethods);
    sci_enter_socket_class(L, SCI_SOCKET);
}
