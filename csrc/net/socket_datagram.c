/* socket_datagram.c: SciSocket: datagrams of any peer: sendTo and recvFrom. */
#include "net/socket.h"

#include <errno.h>

/***
Tells whether the socket sends and receives datagrams.
@function SciSocket:isDatagram
@treturn boolean false for a stream, such as a TCP connection
*/
static int socket_is_datagram(lua_State *L) {
    lua_pushboolean(L, sci_socket_is_datagram(sci_check_socket(L, 1)));
    return 1;
}

/* nil, SciSslError for a stream socket. */
static int fail_stream(lua_State *L, const char *phase) {
    return sci_socket_fail(L, &(sci_failure){.phase = phase,
                                             .condition = "not_datagrams",
                                             .message = "the socket is one for a stream, not for datagrams"});
}

/* A socket of the datagram kind at index 1. NULL: nil, SciSslError were pushed. */
static sci_socket *check_datagram_socket(lua_State *L, const char *phase) {
    sci_socket *base = sci_socket_base(sci_check_socket(L, 1));
    if (base->fd < 0) (void)sci_socket_fail_closed(L, phase);
    else if (!base->datagram) (void)fail_stream(L, phase);
    else return base;
    return NULL;
}

/* The bytes sent, or -1: errno says why. */
static ssize_t send_to(int descriptor, const char *data, size_t length, const sci_address *address) {
    ssize_t sent;
    do
        sent =
            sendto(descriptor, data, length, MSG_NOSIGNAL, (const struct sockaddr *)&address->storage, address->length);
    while (sent < 0 && errno == EINTR);
    return sent;
}

/***
Sends one datagram to an address.
@function SciSocket:sendTo
@tparam string data may be empty
@tparam string host an address, as `recvFrom` returns it, or a name, which is looked up each time; or a path
@param port an integer from 0 to 65535, or the name of a service; not needed for a path
@treturn[1] integer bytes sent: all of them
@treturn[2] nil
@treturn[2] SciSslError phase `send` or `resolve`; `not_ready`, with `SSL_ERROR_WANT_WRITE`, where a non-blocking socket does not
 take the datagram; `message_too_long`; `not_datagrams`
@see sendto(2)
*/
static int socket_send_to(lua_State *L) {
    sci_failure failure = {.phase = "send"};
    sci_address address;
    size_t length;
    char name[SCI_PEER];
    sci_check_socket(L, 1);
    const char *data = luaL_checklstring(L, 2, &length);
    sci_check_text(L, 3);
    lua_settop(L, 4);
    lua_pushvalue(L, 2); /* the data stays, behind host and port */
    lua_remove(L, 2);
    sci_socket *base = check_datagram_socket(L, "send");
    if (!base) return 2;
    if (!sci_find_address(L, base, false, &address, &failure)) return sci_socket_fail(L, &failure);
    if (send_to(base->fd, data, length, &address) >= 0) {
        lua_pushinteger(L, (lua_Integer)length);
        return 1;
    }
    if (sci_would_block(errno)) return sci_socket_fail_io(L, base, "send", SSL_ERROR_WANT_WRITE, errno);
    int problem = errno;
    sci_describe_address(&address, name);
    return sci_socket_fail_system(L, "send", name, problem);
}

/* A datagram, or a part of one, and who sent it. */
typedef struct received {
    unsigned char *bytes;
    size_t size; /* of the memory there */
    ssize_t length;
    bool cut; /* it has more bytes than that */
    sci_address sender;
} received;

/* False: errno says why. */
static bool receive(int descriptor, received *one, int flags) {
    sci_address_begin(&one->sender);
    struct iovec place = {.iov_base = one->bytes, .iov_len = one->size};
    struct msghdr message = {
        .msg_name = &one->sender.storage, .msg_namelen = one->sender.length, .msg_iov = &place, .msg_iovlen = 1};
    do one->length = recvmsg(descriptor, &message, flags);
    while (one->length < 0 && errno == EINTR);
    one->sender.length = message.msg_namelen;
    one->cut = (message.msg_flags & MSG_TRUNC) != 0;
    return one->length >= 0;
}

#define MOST ((size_t)1 << 30) /* bytes of a datagram */

/* Datagrams of UDP fit into the scratch buffer, those of Unix-domain sockets need not: finds the memory that one needs. A
 * finalizer may close the socket meanwhile. */
static bool receive_whole(lua_State *L, const sci_socket *base, received *one) {
    bool may_be_long = base->family == AF_UNIX || base->family == 0, there = true;
    while (may_be_long && (there = receive(base->fd, one, MSG_PEEK)) && one->cut && one->size < MOST) {
        one->size *= 2;
        one->bytes = lua_newuserdatauv(L, one->size, 0);
    }
    return there && receive(base->fd, one, 0);
}

static int fail_cut(lua_State *L) {
    return sci_socket_fail(
        L,
        &(sci_failure){.phase = "recv", .condition = "message_too_long", .message = "a part of the datagram is lost"});
}

/***
Receives one datagram, whole.
@function SciSocket:recvFrom
@treturn[1] string the datagram, which may be empty
@treturn[1] string the sender's address; of a Unix-domain socket its path, empty where it has none
@treturn[1] integer the sender's port; 0 for a Unix-domain socket
@treturn[2] nil
@treturn[2] SciSslError phase `recv`; `not_ready`, with `SSL_ERROR_WANT_READ`, where a non-blocking socket has none;
 `not_datagrams`; `message_too_long`: from a Unix-domain socket, longer than a gibibyte
@see recvmsg(2)
*/
static int socket_recv_from(lua_State *L) {
    sci_address_text text;
    sci_socket *base = check_datagram_socket(L, "recv");
    if (!base) return 2;
    sci_state *state = sci_get_state(L);
    /* Inside a callback the shared buffer may hold bytes of the outer read, so allocate another. */
    unsigned char *bytes = state->reading ? lua_newuserdatauv(L, SCI_SCRATCH, 0) : state->scratch;
    received one = {.bytes = bytes, .size = SCI_SCRATCH};
    bool good = receive_whole(L, base, &one);
    if (base->fd < 0) return sci_socket_fail_closed(L, "recv");
    if (!good) return sci_socket_fail_io(L, base, "recv", SSL_ERROR_WANT_READ, errno);
    if (one.cut) return fail_cut(L);
    lua_pushlstring(L, (const char *)one.bytes, (size_t)one.length);
    sci_spell_address(&one.sender, &text);
    lua_pushlstring(L, text.host, text.length);
    (void)lua_stringtonumber(L, text.port);
    return 3;
}

static const luaL_Reg datagram_methods[] = {
    {"isDatagram", socket_is_datagram},
    {"sendTo", socket_send_to},
    {"recvFrom", socket_recv_from},
    {NULL, NULL},
};

void sci_open_socket_datagram(lua_State *L) { luaL_setfuncs(L, datagram_methods, 0); }
