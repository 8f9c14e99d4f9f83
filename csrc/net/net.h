/* net.h: SciSocket, stream sockets (TCP and Unix-domain), and SciPoller. Knows no TLS. */
#ifndef SCISSL_NET_H
#define SCISSL_NET_H

#include "base/base.h"

/* ---- socket.c, socket_connect.c, socket_adopt.c, closing.c: SciSocket -------------------------------------------- */

/* First member of every userdata that is a SciSocket or inherits from it. Where `lower` is set, the state of the
 * connection is kept down there. */
typedef struct sci_socket {
    int fd;                   /* the descriptor; -1: none, or closed. Not ours to close where `lent` */
    bool lent;                /* user value SCI_SOCKET_OWNER owns the descriptor */
    struct sci_socket *lower; /* that owner, where it is a SciSocket: its `fd` is the one that counts */
    bool established;         /* a connection is known to stand */
    bool connecting;          /* one is being made; or may be, where the descriptor was adopted */
    bool listening;
    bool nonblocking;    /* made so by us; that counts unless it is `exposed` */
    bool exposed;        /* others may know the descriptor, and change its mode */
    bool encrypted;      /* the kernel encrypts whatever is sent from now on */
    int family;          /* AF_…; 0: not known */
    bool torn;           /* `recv` has taken bytes, and Lua had no memory for them */
    int connect_errno;   /* why a connection attempt failed */
    char peer[SCI_PEER]; /* whom it is, or was to be, connected to; empty: not known */
} sci_socket;

#define SCI_SOCKET_OWNER 1 /* user value: the object that owns the descriptor */

sci_socket *sci_test_socket(lua_State *L, int index); /* NULL where it is something else */

/* The userdata at `index`, a SciSocket or of a class that inherits from it; raises for anything else. */
sci_socket *sci_check_socket(lua_State *L, int index);

/* Makes `name`, whose class table is on top, a class of SciSockets: sci_check_socket takes what has that metatable, and
 * the class gets what SciSocket's has and it has not, but for the constructors. */
void sci_inherit_socket(lua_State *L, const char *name);

/* The descriptor that counts, or -1. */
int sci_socket_descriptor(const sci_socket *socket);

/* Writes address and port of the other end, asked of the system where they are not known yet; empty: there are none. */
void sci_socket_describe_peer(sci_socket *socket, char text[SCI_PEER]);

/* Adopts what is at `index` (SciSocket, descriptor number, object with getfd/fileno/pollfd) into the empty socket
 * userdata at `self`. Answers true, or false with a SciSslError pushed. */
bool sci_socket_adopt(lua_State *L, int self, int index);

/* Makes a stream socket of `family` ("inet", "inet6", "unix") in the empty `socket`; false: errno says why. */
bool sci_socket_open(sci_socket *socket, const char *family, bool blocking);

/* Finds out whether the connection stands. 1: it does; 0: still connecting (on a blocking socket it waits instead);
 * -1: it does not, and `failure` says why (phase "connect"); its subject lives as long as the socket. */
int sci_socket_establish(sci_socket *socket, sci_failure *failure);

/* O_NONBLOCK as it is now. */
bool sci_socket_blocking(const sci_socket *socket);
bool sci_socket_set_blocking(sci_socket *socket, bool blocking);

/* Accepts a connection into the empty `accepted`. False: errno says why not, and so does what sci_socket_fail_accept
 * answers: nil, SciSslError. */
bool sci_socket_accept(const sci_socket *listener, sci_socket *accepted, bool blocking);
int sci_socket_fail_accept(lua_State *L, sci_socket *listener, int system_errno);

/* Closes the socket at `index` as SciSocket:close does: tells those who wait for it, releases the descriptor, and calls
 * the owner's own `close` where lent, whose Lua errors are caught. Answers true, or false with a SciSslError pushed. */
bool sci_socket_close(lua_State *L, int index);

/* The same for __gc, which leaves what is lent alone. */
void sci_socket_collect(lua_State *L, int index);

/* closing.c: tells those who wait for the object at `index` that it is about to be closed. Runs Lua code, whose errors are
 * caught; that may close the object. */
void sci_tell_closing(lua_State *L, int index);

/* The socket that keeps the state of the connection: the lowest one. */
sci_socket *sci_socket_base(sci_socket *socket);

/* nil, SciSslError about a socket that has been closed; nil, and the SciSslError on top. */
int sci_socket_fail_closed(lua_State *L, const char *phase);
int sci_return_pushed_error(lua_State *L);

/* ---- descriptor.c ------------------------------------------------------------------------------------------------ */

/* poll(2) for one descriptor. 1: ready; 0: time-out; -1: errno says why. */
int sci_descriptor_wait(int descriptor, short events, int milliseconds);

/* ---- openers ----------------------------------------------------------------------------------------------------- */

void sci_open_socket(lua_State *L);
void sci_open_poller(lua_State *L);

/* Each adds its functions and methods to the table of the class SciSocket, which is on top. */
void sci_open_socket_address(lua_State *L);
void sci_open_socket_adopt(lua_State *L);
void sci_open_socket_connect(lua_State *L);
void sci_open_socket_option(lua_State *L);
void sci_open_socket_poll(lua_State *L);

void sci_open_closing(lua_State *L); /* adds what the Lua layer needs for that to the table on top */

#endif
