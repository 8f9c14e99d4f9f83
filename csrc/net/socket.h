/* socket.h: what the files of this room share, and no other room uses. */
#ifndef SCISSL_SOCKET_H
#define SCISSL_SOCKET_H

#include "net/net.h"

#include <netdb.h>
#include <sys/socket.h>

/* ---- address.c: addresses, without Lua --------------------------------------------------------------------------- */

typedef struct sci_address {
    struct sockaddr_storage storage;
    socklen_t length;
} sci_address;

typedef struct sci_address_text {
    char host[NI_MAXHOST]; /* an IP address; or a path, which may hold NUL bytes */
    size_t length;         /* of `host` */
    char port[NI_MAXSERV]; /* digits; "0" for a path */
} sci_address_text;

void sci_address_begin(sci_address *address); /* prepares it for the system to write into */

/* The address of the other end if `peer`, else of this end. False: errno says why. */
bool sci_get_address(int descriptor, bool peer, sci_address *address);

void sci_spell_address(const sci_address *address, sci_address_text *text);

/* Writes one text: "127.0.0.1:443", "[::1]:443" or a path. Cuts it where it is too long. */
void sci_describe_address(const sci_address *address, char text[SCI_PEER]);

/* ---- descriptor.c: what systems do differently. Every descriptor is close-on-exec and raises no SIGPIPE ---------- */

/* -1 and false: errno says why. */
int sci_descriptor_open(int domain, int kind, bool blocking); /* `kind`: SOCK_STREAM or SOCK_DGRAM */
bool sci_descriptor_pair(int kind, int descriptors[2]);
int sci_descriptor_accept(int listener, bool blocking, sci_address *peer);
int sci_descriptor_duplicate(int descriptor);
bool sci_descriptor_set_blocking(int descriptor, bool blocking);
void sci_descriptor_silence(int descriptor);           /* no SIGPIPE */
void sci_descriptor_prepare(int descriptor);           /* no SIGPIPE, and close-on-exec */
int sci_descriptor_option(int descriptor, int option); /* an integer of SOL_SOCKET */

/* ---- socket_object.c: the userdata ------------------------------------------------------------------------------- */

bool sci_is_socket(lua_State *L, int index);

/* Pushes the set of the metatables of all kinds of sockets. False: there is none, and nothing is pushed. */
bool sci_push_socket_classes(lua_State *L);

/* Pushes an empty SciSocket. */
sci_socket *sci_new_socket(lua_State *L);

/* Gives the empty `socket` a descriptor that this module has made, and that it owns. -1: it stays empty. */
void sci_socket_own(sci_socket *socket, int descriptor, bool blocking);

/* Gives the empty `socket` a descriptor that other code has made. `borrowed`: another object owns it; `lower`: that object, if
 * it is a SciSocket, else NULL. */
void sci_socket_take(sci_socket *socket, int descriptor, bool borrowed, sci_socket *lower);

/* The descriptor that the socket has got sends and receives datagrams. */
void sci_socket_note_datagram(sci_socket *socket);

/* Gives the socket in place of its borrowed descriptor a duplicate of that, which it owns, with the state of its base. */
void sci_socket_take_over(sci_socket *socket, int duplicate);

/* Adds the metatable `name` to the set of those that sci_check_socket accepts. */
void sci_enter_socket_class(lua_State *L, const char *name);

/* ---- socket_error.c ---------------------------------------------------------------------------------------------- */

/* nil, SciSslError: from `failure` alone, since nothing in OpenSSL's queue is about sockets. */
int sci_socket_fail(lua_State *L, const sci_failure *failure);
int sci_socket_fail_system(lua_State *L, const char *phase, const char *subject, int system_errno);

/* nil, SciSslError of input or output that ended in `system_errno`. `wanted`: the SSL_ERROR_WANT_… for "not ready". */
int sci_socket_fail_io(lua_State *L, sci_socket *socket, const char *phase, int wanted, int system_errno);

/* ---- socket_address.c -------------------------------------------------------------------------------------------- */

#define SCI_PORT_DIGITS 12 /* bytes for any `unsigned` with its NUL */

/* The port at `index` for getaddrinfo: a number, written into `digits`, or the name of a service. */
const char *sci_check_port(lua_State *L, int index, char digits[SCI_PORT_DIGITS]);

int sci_check_family(lua_State *L, int index); /* AF_…; AF_UNSPEC for none */

/* Why getaddrinfo has returned `code`. */
void sci_explain_resolver(sci_failure *failure, const char *host, int code, int system_errno);

/* Pushes the list of the addresses as tables, and returns 1. The list must stay meanwhile: it is read between allocations. */
int sci_push_addresses(lua_State *L, const struct addrinfo *entry);

/* Reads host and port at stack indices 2 and 3, or the path at 2, for a socket that is open; takes the host's first
 * address of the socket's family. `passive`: for bind. False: `failure` says why there is none. */
bool sci_find_address(lua_State *L, const sci_socket *base, bool passive, sci_address *address, sci_failure *failure);

/* ---- socket_state.c: what is known of the connection ------------------------------------------------------------- */

void sci_socket_note_connected(sci_socket *base,
                               const sci_address *peer);          /* NULL: its address is known, or it has none */
void sci_socket_note_failure(sci_socket *base, int system_errno); /* the connection attempt has failed */
void sci_socket_note_listening(sci_socket *base);

/* connect(2) to `address` has returned 0, or failed with `problem`. */
void sci_socket_note_attempt(sci_socket *base, const sci_address *address, int problem);

/* Whether connect(2) has failed with this, and the attempt goes on. */
static inline bool sci_is_under_way(int system_errno) {
    return system_errno == EINPROGRESS || system_errno == EALREADY || system_errno == EINTR;
}

/* Asks the system for the state of a descriptor that another library has made. */
void sci_socket_learn_state(sci_socket *base);

/* As sci_socket_establish, but waits `milliseconds` at most and fills no sci_failure. `base` is open and does not listen. */
int sci_socket_probe(sci_socket *base, int milliseconds);

/* ---- socket_adopt.c ---------------------------------------------------------------------------------------------- */

/* Whether the value is of a type that sci_find_descriptor accepts. */
bool sci_may_have_descriptor(lua_State *L, int index);

/* The descriptor of a SciSocket, a number, or an object with getfd, fileno or pollfd. False: `failure` says why there is
 * none; it refers to values that were pushed. Calls the objects' methods under lua_pcall. */
bool sci_find_descriptor(lua_State *L, int index, int *descriptor, sci_failure *failure);

/* ---- poller.c ---------------------------------------------------------------------------------------------------- */

/* A descriptor is about to be closed: no poller of the lua_State watches it any more. */
void sci_poller_forget(sci_state *state, int descriptor);

/* ---- socket_poll.c ----------------------------------------------------------------------------------------------- */

/* Runs a hook that a signal has left, as the lua program's Ctrl-C does. The hook may raise. */
void sci_run_hooks(lua_State *L);

/* poll(2)'s bits for "r", "w" or "rw" at stack index `value`; raises an error about `argument` for anything else. */
short sci_check_events(lua_State *L, int value, int argument);

#endif
