/* socket_object.c: the userdata of SciSocket and of the classes that inherit from it. */
#include "net/socket.h"

#include <fcntl.h>

static const char socket_classes =
    0; /* its address: registry key of the set of metatables of SciSocket and its subclasses */

sci_socket *sci_test_socket(lua_State *L, int index) {
    if (lua_type(L, index) != LUA_TUSERDATA || !lua_getmetatable(L, index)) return NULL;
    bool any = lua_rawgetp(L, LUA_REGISTRYINDEX, &socket_classes) != LUA_TNIL;
    lua_insert(L, -2);
    bool known = any && lua_rawget(L, -2) != LUA_TNIL;
    lua_pop(L, 2);
    return known ? lua_touserdata(L, index) : NULL;
}

bool sci_push_socket_classes(lua_State *L) {
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &socket_classes) == LUA_TTABLE) return true;
    lua_pop(L, 1);
    return false;
}

bool sci_is_socket(lua_State *L, int index) { return sci_test_socket(L, index) != NULL; }

sci_socket *sci_check_socket(lua_State *L, int index) {
    sci_socket *socket = sci_test_socket(L, index);
    if (!socket) luaL_typeerror(L, index, SCI_SOCKET);
    return socket;
}

sci_socket *sci_new_socket(lua_State *L) {
    sci_socket *socket = sci_new_object(L, SCI_SOCKET, sizeof *socket, 1);
    sci_socket_begin(socket);
    return socket;
}

/* ---- the descriptor ---------------------------------------------------------------------------------------------- */

void sci_socket_begin(sci_socket *socket) { socket->fd = -1; }

void sci_socket_own(sci_socket *socket, int descriptor, bool blocking) {
    socket->fd = descriptor;
    socket->nonblocking = !blocking;
}

void sci_socket_take(sci_socket *socket, int descriptor, bool borrowed, sci_socket *lower) {
    socket->fd = descriptor;
    socket->borrowed = borrowed;
    socket->lower = lower;
    socket->exposed = true;
}

void sci_socket_take_over(sci_socket *socket, int duplicate) {
    sci_socket_expose(sci_socket_base(socket)); /* the two share one mode */
    *socket = *sci_socket_base(socket);
    socket->fd = duplicate;
    socket->borrowed = false;
}

void sci_socket_note_datagram(sci_socket *socket) { socket->datagram = true; }

void sci_socket_expose(sci_socket *base) { base->exposed = true; }

int sci_socket_release(sci_socket *socket) {
    int descriptor = socket->borrowed ? -1 : socket->fd;
    socket->fd = -1;
    socket->borrowed = false;
    socket->lower = NULL;
    return descriptor;
}

sci_socket *sci_socket_base(sci_socket *socket) {
    while (socket->lower) socket = socket->lower;
    return socket;
}

int sci_socket_descriptor(const sci_socket *socket) {
    while (socket->lower) socket = socket->lower;
    return socket->fd;
}

bool sci_socket_is_datagram(const sci_socket *socket) {
    while (socket->lower) socket = socket->lower;
    return socket->datagram;
}

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

void sci_socket_trust_mode(sci_socket *socket) {
    if (!socket->borrowed) socket->exposed = false;
}

/* ---- subclasses -------------------------------------------------------------------------------------------------- */

void sci_enter_socket_class(lua_State *L, const char *name) {
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
