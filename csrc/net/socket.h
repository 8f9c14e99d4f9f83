/* socket.h: what the files of this room share, and no other room uses. */
#ifndef SCISSL_SOCKET_H
#define SCISSL_SOCKET_H

#include "net/net.h"

#include <sys/socket.h>

/* ---- descriptor.c: what systems do differently. Every descriptor is close-on-exec and raises no SIGPIPE ---------- */

typedef struct sci_address {
    struct sockaddr_storage storage;
    socklen_t length;
} sci_address;

/* -1 and false: errno says why. */
int sci_descriptor_open(int domain, bool blocking);
bool sci_descriptor_pair(int descriptors[2]);
int sci_descriptor_accept(int listener, bool blocking, sci_address *peer);
int sci_descriptor_duplicate(int descriptor);
bool sci_descriptor_set_blocking(int descriptor, bool blocking);
void sci_descriptor_silence(int descriptor);           /* no SIGPIPE */
void sci_descriptor_prepare(int descriptor);           /* no SIGPIPE, and close-on-exec */
int sci_descriptor_option(int descriptor, int option); /* an integer of SOL_SOCKET */
bool sci_would_block(int system_errno);

/* ---- socket_address.c -------------------------------------------------------------------------------------------- */

void sci_address_begin(sci_address *address); /* makes it ready for the system to write into */

/* The address of the other end or, where not `peer`, of this one. False: errno says why. */
bool sci_get_address(int descriptor, bool peer, sci_address *address);

/* Writes it as people do: "127.0.0.1:443", "[::1]:443", a path; cut where it is too long. */
void sci_describe_address(const sci_address *address, char text[SCI_PEER]);

/* Reads host and port at stack index 2 and 3, or the path at 2, for a socket that is open; the host's first address of
 * the socket's family counts. `passive`: for bind. False: `failure` says why there is none. */
bool sci_find_address(lua_State *L, const sci_socket *base, bool passive, sci_address *address, sci_failure *failure);

/* ---- socket.c ---------------------------------------------------------------------------------------------------- */

bool sci_is_socket(lua_State *L, int index);

/* Pushes an empty SciSocket. */
sci_socket *sci_new_socket(lua_State *L);

/* nil, SciSslError: from `failure` alone, since nothing in OpenSSL's queue is about sockets. */
int sci_socket_fail(lua_State *L, const sci_failure *failure);
int sci_socket_fail_system(lua_State *L, const char *phase, const char *subject, int system_errno);

/* nil, SciSslError of input or output that ended in `system_errno`. `wanted`: the SSL_ERROR_WANT_… of "not now". */
int sci_socket_fail_io(lua_State *L, sci_socket *socket, const char *phase, int wanted, int system_errno);

/* ---- socket_connect.c -------------------------------------------------------------------------------------------- */

/* As sci_socket_establish, with the time-out given, without words; for a base that is open and does not listen. */
int sci_socket_probe(sci_socket *base, int milliseconds);

/* ---- socket_adopt.c ---------------------------------------------------------------------------------------------- */

/* Whether sci_find_descriptor has a look at the value at all. */
bool sci_may_have_descriptor(lua_State *L, int index);

/* The descriptor of a SciSocket, a number, or an object with getfd, fileno or pollfd. -1: `failure` says why there is
 * none; what it refers to has been pushed. Objects are asked under lua_pcall. */
int sci_find_descriptor(lua_State *L, int index, sci_failure *failure);

/* ---- socket_poll.c ----------------------------------------------------------------------------------------------- */

/* A signal may have left a hook behind, as the lua program's Ctrl-C does: this lets it run, and raise. */
void sci_run_hooks(lua_State *L);

/* poll(2)'s bits for "r", "w" or "rw" at stack index `value`; raises for anything else, as a fault of `argument`. */
short sci_check_events(lua_State *L, int value, int argument);

#endif
