/* socket_io.c: SciSocket: send, recv and shutdown. */
#include "net/socket.h"

#include <errno.h>

#define SEND_MOST ((size_t)1 << 30) /* bytes a call: some systems reject more than INT_MAX */

void sci_socket_note_encrypted(sci_socket *socket) { sci_socket_base(socket)->encrypted = true; }

/* Sends until all bytes are sent or send(2) fails. Returns its errno, or 0; `*sent`: the bytes that were sent. */
static int send_all(int descriptor, const char *data, size_t length, size_t *sent) {
    for (*sent = 0; *sent < length;) {
        size_t left = length - *sent;
        ssize_t done = send(descriptor, data + *sent, left < SEND_MOST ? left : SEND_MOST, MSG_NOSIGNAL);
        if (done >= 0) *sent += (size_t)done;
        else if (errno != EINTR) return errno;
    }
    return 0;
}

int sci_socket_send(lua_State *L, sci_socket *socket, const char *data, size_t length, size_t *sent) {
    int descriptor = sci_socket_descriptor(socket);
    *sent = 0;
    if (descriptor < 0) (void)sci_socket_fail_closed(L, "send");
    else if (sci_socket_base(socket)->encrypted)
        (void)sci_socket_fail(L, &(sci_failure){.phase = "send", .condition = "ktls"});
    else {
        int problem = send_all(descriptor, data, length, sent);
        if (!problem || (*sent > 0 && sci_would_block(problem))) return 1;
        if (sci_would_block(problem) && !sci_socket_blocking(socket)) return 0;
        (void)sci_socket_fail_io(L, socket, "send", SSL_ERROR_WANT_WRITE, problem);
    }
    return -1;
}

/***
Sends bytes. A peer that has gone causes an error, never a SIGPIPE.
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
    int result = sci_socket_send(L, socket, data + offset, length, &sent);
    if (result == 0) return sci_socket_fail_io(L, socket, "send", SSL_ERROR_WANT_WRITE, EAGAIN);
    if (result < 0) return 2;
    lua_pushinteger(L, (lua_Integer)sent);
    return 1;
}

/* In a finalizer, recv may be running and still hold the bytes. Later calls find them lost. */
static int fail_torn(lua_State *L) {
    return sci_socket_fail(L, &(sci_failure){.phase = "recv",
                                             .condition = sci_in_finalizer(L) ? "in_finalizer" : "memory_full",
                                             .message = "received bytes were lost when memory ran out"});
}

static ssize_t receive(int descriptor, void *bytes, size_t size) {
    ssize_t got;
    do got = recv(descriptor, bytes, size, 0);
    while (got < 0 && errno == EINTR);
    return got;
}

int sci_socket_receive(lua_State *L, sci_socket *socket, void *bytes, size_t size, size_t *length) {
    sci_socket *base = sci_socket_base(socket);
    *length = 0;
    if (base->fd < 0) (void)sci_socket_fail_closed(L, "recv");
    else if (base->torn) (void)fail_torn(L);
    else {
        ssize_t got = size == 0 ? 0 : receive(base->fd, bytes, size);
        if (got >= 0) {
            *length = (size_t)got;
            return 1;
        }
        if (sci_would_block(errno) && !sci_socket_blocking(socket)) return 0;
        (void)sci_socket_fail_io(L, socket, "recv", SSL_ERROR_WANT_READ, errno);
    }
    return -1;
}

/***
Receives the bytes that have arrived. Waits for the first, not for `max`.
@function SciSocket:recv
@tparam integer max bytes at most; one call returns no more than 65536. The rest of a longer datagram is lost
@treturn[1] string the bytes; empty once the peer has ended its side, and for `max` 0
@treturn[2] nil
@treturn[2] SciSslError phase `recv`; `not_ready`, with `SSL_ERROR_WANT_READ`, where a non-blocking socket has none
@see recv(2)
*/
static int socket_recv(lua_State *L) {
    sci_socket *socket = sci_check_socket(L, 1), *base = sci_socket_base(socket);
    lua_Integer max = luaL_checkinteger(L, 2);
    if (max < 0) sci_refuse_negative(L, 2, "number of bytes");
    sci_state *state = sci_get_state(L);
    size_t size = max < SCI_SCRATCH ? (size_t)max : SCI_SCRATCH, length;
    /* Inside a callback the shared buffer may hold bytes of the outer read, so allocate another. */
    unsigned char *bytes = state->reading ? lua_newuserdatauv(L, size, 0) : state->scratch;
    int result = sci_socket_receive(L, socket, bytes, size, &length);
    if (result == 0) return sci_socket_fail_io(L, socket, "recv", SSL_ERROR_WANT_READ, EAGAIN);
    if (result < 0) return 2;
    base->torn = true;
    lua_pushlstring(L, (const char *)bytes, length);
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

static const luaL_Reg io_methods[] = {
    {"send", socket_send},
    {"recv", socket_recv},
    {"shutdown", socket_shutdown},
    {NULL, NULL},
};

void sci_open_socket_io(lua_State *L) { luaL_setfuncs(L, io_methods, 0); }
