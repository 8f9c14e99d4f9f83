/* net.h: SciSocket, sockets for streams (TCP, Unix-domain) and for datagrams (UDP, Unix-domain), and SciPoller. Knows no TLS.
 *
 * Ownership: a sci_socket owns its descriptor, unless `borrowed`: then another Lua object owns it (user value
 * SCI_SOCKET_OWNER), and closing calls that object's `close`. Where that object is a SciSocket too, `lower` points to it:
 * the lowest socket, the base, alone keeps the descriptor and the connection's state.
 *
 * Lua code runs in sci_notify_closing, sci_socket_close and sci_socket_collect (the function that onClosing set; an owner's
 * `close`) and in sci_socket_adopt (an object's getfd, fileno or pollfd); its errors are caught. It may close the socket:
 * ask for the descriptor again afterwards.
 *
 * Failures: functions that take a lua_State and fail push nil and a SciSslError (`…_fail…`), or a SciSslError alone where
 * their comment says so. The others leave errno or fill a sci_failure. OpenSSL's error queue plays no part. */
#ifndef SCISSL_NET_H
#define SCISSL_NET_H

#include "base/base.h"

#include <errno.h>

/* ---- the userdata (socket_object.c) ------------------------------------------------------------------------------ */

/* First member of every userdata that is a SciSocket or inherits from it. If `lower` is set, the fields below `lower` are
 * unused: the base has them. Each field is written by the file that is named beside it, and by no other
 * (spec/parts_spec.lua); but socket_object.c copies all where a socket takes a descriptor over. Other files read it. */
typedef struct sci_socket {
    int fd;                   /* socket_object.c: the descriptor; -1: none, or closed */
    bool borrowed;            /* socket_object.c: user value SCI_SOCKET_OWNER owns it: do not close(2) it */
    uint16_t waits;           /* socket_poll.c: a waiter said so often that it is ready since that was checked last */
    struct sci_socket *lower; /* socket_object.c: that owner, if it is a SciSocket, kept by the user value; else NULL */
    bool nonblocking;         /* socket_object.c: we set O_NONBLOCK; holds unless `exposed` */
    bool exposed;             /* socket_object.c: other code may know the descriptor and change its O_NONBLOCK */
    bool datagram;            /* socket_object.c: sends and receives datagrams; else a stream of bytes */
    int family;               /* socket.c: AF_…; 0: not known */
    bool established;         /* socket_state.c: connected, as far as is known */
    bool connecting;          /* socket_state.c: an attempt runs; or may run, for a descriptor that was adopted */
    bool listening;           /* socket_state.c */
    int connect_errno;        /* socket_state.c: why a connection attempt failed; 0: none has */
    char peer[SCI_PEER];      /* socket_state.c: its address, also after a failed attempt; empty: not known */
    bool encrypted;           /* socket_io.c: the kernel encrypts what is sent (kTLS): no plain `send` */
    bool torn;                /* socket_io.c: `recv` took bytes from the system that Lua had no memory for */
} sci_socket;

#define SCI_SOCKET_OWNER 1 /* user value: the object that owns the descriptor */

sci_socket *sci_test_socket(lua_State *L, int index); /* NULL: it is something else */

/* The userdata at `index`, a SciSocket or of a class that inherits from it; raises for anything else. */
sci_socket *sci_check_socket(lua_State *L, int index);

void sci_socket_begin(sci_socket *socket); /* makes zeroed memory an empty socket */

/* The lowest socket, which keeps descriptor and state; `socket` itself if it has no `lower`. */
sci_socket *sci_socket_base(sci_socket *socket);

int sci_socket_descriptor(const sci_socket *socket); /* the base's, or -1 */

/* O_NONBLOCK as it is now. */
bool sci_socket_blocking(const sci_socket *socket);
bool sci_socket_set_blocking(sci_socket *socket, bool blocking); /* false: errno says why */

/* For a socket that owns its descriptor, whose O_NONBLOCK no other code changes: calls need not ask the system for it. */
void sci_socket_trust_mode(sci_socket *socket);

/* ---- making, adopting, connecting (socket.c, socket_adopt.c, socket_connect.c, socket_address.c) ------------------ */

/* Makes the class `name`, whose table is on top, a subclass of SciSocket: sci_check_socket accepts its objects, and it
 * gets those functions of SciSocket that it does not define, except the constructors. */
void sci_inherit_socket(lua_State *L, const char *name);

/* Opens a socket of `family` ("inet", "inet6", "unix") in the empty `socket`, for datagrams or for a stream of bytes; false:
 * errno says why. */
bool sci_socket_open(sci_socket *socket, const char *family, bool datagram, bool blocking);

bool sci_socket_is_datagram(const sci_socket *socket); /* the base's */

/* Adopts what is at `index` (SciSocket, descriptor number, object with getfd, fileno or pollfd) into the empty socket
 * userdata at `self`. False: a SciSslError was pushed. */
bool sci_socket_adopt(lua_State *L, int self, int index);

/* Makes the socket empty. Returns the descriptor that has to be closed, or -1. */
int sci_socket_release(sci_socket *socket);

/* Whether the socket is connected. 1: yes; 0: still connecting (a blocking socket waits for the result instead); -1: no,
 * and `failure` says why (phase "connect"); its subject points into the socket. */
int sci_socket_establish(sci_socket *socket, sci_failure *failure);

/* Accepts a connection into the empty `accepted`. False: errno says why; sci_socket_fail_accept returns nil and a
 * SciSslError for it. */
bool sci_socket_accept(const sci_socket *listener, sci_socket *accepted, bool blocking);
int sci_socket_fail_accept(lua_State *L, sci_socket *listener, int system_errno);

/* From now on other code may know the descriptor of `base`, and change its O_NONBLOCK. */
void sci_socket_expose(sci_socket *base);

/* From now on the kernel encrypts what is sent. */
void sci_socket_note_encrypted(sci_socket *socket);

/* Writes the peer's address as text; asks the system where the base does not know it. Empty: there is none. */
void sci_socket_describe_peer(sci_socket *socket, char text[SCI_PEER]);

/* ---- bytes (socket_io.c) ------------------------------------------------------------------------------------------ */

/* As SciSocket:send and SciSocket:recv, between C memory and the descriptor. 1: so many bytes; 0: a non-blocking socket is not
 * ready; -1: nil and a SciSslError were pushed. */
int sci_socket_send(lua_State *L, sci_socket *socket, const char *data, size_t length, size_t *sent);
int sci_socket_receive(lua_State *L, sci_socket *socket, void *bytes, size_t size, size_t *length);

/* ---- datagrams of many peers (ip_peer.c) -------------------------------------------------------------------------- */

/* An address of IPv4 or IPv6, and a port. */
typedef struct sci_ip_peer {
    unsigned char bytes[28]; /* as the system has it: equal bytes, equal peers */
    unsigned char length;    /* of `bytes` */
} sci_ip_peer;

typedef enum sci_arrival {
    SCI_ARRIVAL_NONE,
    SCI_ARRIVAL_DATAGRAM,
    SCI_ARRIVAL_REPORT, /* of the system, about what was sent to some peer */
    SCI_ARRIVAL_CLOSED
} sci_arrival;

bool sci_socket_has_ip_peers(const sci_socket *socket); /* datagrams come from addresses of IPv4 or IPv6 */

/* Receives a datagram, if there is one; what does not fit into `size` bytes is lost. */
sci_arrival sci_receive_from(const sci_socket *socket, void *bytes, size_t size, size_t *length, sci_ip_peer *peer);

/* False: errno says why. Never waits. */
bool sci_send_to(const sci_socket *socket, const sci_ip_peer *peer, const void *bytes, size_t length);

bool sci_read_ip_peer(const char *bytes, size_t length, sci_ip_peer *peer); /* of bytes that a sci_ip_peer had */
void sci_push_ip_peer(lua_State *L, const sci_ip_peer *peer);               /* pushes host and port */

/* ---- the path to the peer (path_mtu.c) ---------------------------------------------------------------------------- */

/* How many bytes a datagram may have, without the headers of IP and UDP. 0: the system does not know. */
long sci_socket_path_mtu(const sci_socket *socket);

/* From now on a datagram that is too long for the path is not divided: sending it fails with EMSGSIZE, as soon as the system knows
 * the path. False: the system has no such option. */
bool sci_socket_forbid_fragments(const sci_socket *socket);

/* ---- closing (socket.c, closing.c) ------------------------------------------------------------------------------- */

/* Closes the socket at `index` as SciSocket:close does: notifies those who wait for it, releases the descriptor, and calls
 * the `close` of an owner. False: the owner's `close` raised, and a SciSslError was pushed. */
bool sci_socket_close(lua_State *L, int index);

/* For __gc: the same, but does not call an owner's `close`. */
void sci_socket_collect(lua_State *L, int index);

/* Notifies those who wait for the object at `index` that it is about to be closed. Runs Lua, which may close the object. */
void sci_notify_closing(lua_State *L, int index);

/* ---- errors (socket_error.c) ------------------------------------------------------------------------------------- */

/* nil, SciSslError "closed". */
int sci_socket_fail_closed(lua_State *L, const char *phase);

/* nil, and the SciSslError that is on top. */
int sci_return_pushed_error(lua_State *L);

/* Whether a call on a non-blocking descriptor failed because it would have to wait. */
static inline bool sci_would_block(int system_errno) { return system_errno == EAGAIN || system_errno == EWOULDBLOCK; }

/* ---- descriptor.c ------------------------------------------------------------------------------------------------ */

/* poll(2) for one descriptor. 1: ready; 0: time-out; -1: errno says why. */
int sci_descriptor_wait(int descriptor, short events, int milliseconds);

/* The same where Lua code waits (socket_poll.c): a signal runs the hooks, which may raise. */
int sci_wait_with_hooks(lua_State *L, int descriptor, short events, int milliseconds);

/* ---- for module.c ------------------------------------------------------------------------------------------------ */

void sci_open_socket(lua_State *L);
void sci_open_poller(lua_State *L);
void sci_open_signals(lua_State *L);
void sci_open_look_up(lua_State *L);
int sci_count_waits(lua_State *L);    /* countWaits, for scissl.wait */
int sci_connect_state(lua_State *L);  /* connectState, for scissl.connect */
int sci_new_thread(lua_State *L);     /* newThread, for scissl.scheduler */
int sci_wake_ready(lua_State *L);     /* wakeReady, for the same */
int sci_make_run_tasks(lua_State *L); /* makeRunTasks, for the same */
int sci_make_sleepers(lua_State *L);  /* makeSleepers, for loops of other libraries */

/* Each adds its functions and methods to the table of the class SciSocket, which is on top. */
void sci_open_socket_address(lua_State *L);
void sci_open_socket_adopt(lua_State *L);
void sci_open_socket_connect(lua_State *L);
void sci_open_socket_datagram(lua_State *L);
void sci_open_path_mtu(lua_State *L);
void sci_open_socket_io(lua_State *L);
void sci_open_socket_option(lua_State *L);
void sci_open_socket_poll(lua_State *L);

void sci_open_closing(lua_State *L); /* adds onClosing and ownerOf to the table on top, for the Lua layer */

#endif
