/* memory_transport.c: SciSslSocket without a descriptor: the program moves the bytes. */
#include "connection/connection.h"

static sci_sslsocket *check_memory(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    luaL_argcheck(L, socket->memory, 1, "SciSslSocket made by onMemory expected");
    return socket;
}

/***
Gives a memory transport bytes that the peer has sent.
@function SciSslSocket:sslFeed
@tparam string bytes
@treturn[1] integer how many were taken: always all
@treturn[2] nil
@treturn[2] SciSslError condition `closed`
*/
static int sslsocket_feed(lua_State *L) {
    sci_sslsocket *socket = check_memory(L);
    size_t length;
    const char *bytes = luaL_checklstring(L, 2, &length);
    if (socket->closed) return sci_fail_own(L, "read", "closed", "the socket has been closed");
    if (!sci_queue_put(&socket->transport.in, bytes, length))
        return sci_fail_own(L, "read", "memory_full", "out of memory for the bytes");
    lua_pushinteger(L, (lua_Integer)length);
    return 1;
}

/***
Tells a memory transport that the peer has closed its side, so that no more bytes will be fed.
@function SciSslSocket:sslFeedEnd
@treturn SciSslSocket the receiver
*/
static int sslsocket_feed_end(lua_State *L) {
    check_memory(L)->transport.eof = true;
    return sci_return_receiver(L);
}

/* Pushes the first bytes of the queue, then removes them, so that they stay where memory runs out. A finalizer that interrupts
 * this gets none. */
static void push_taken(lua_State *L, sci_queue *queue, size_t length) {
    if (queue->leaving && sci_in_finalizer(L)) length = 0;
    queue->leaving = queue->leaving || length > 0;
    lua_pushlstring(L, length > 0 ? (const char *)queue->bytes + queue->start : "", length);
    if (length == 0) return;
    queue->leaving = false;
    sci_queue_skip(queue, length);
}

/***
Takes back bytes that a memory transport was fed and that TLS has not read: after `sslSetReadAhead(false)`, what the peer has
sent behind its close_notify.
@function SciSslSocket:sslUnread
@treturn string empty where there are none
*/
static int sslsocket_unread(lua_State *L) {
    sci_queue *in = &check_memory(L)->transport.in;
    push_taken(L, in, in->length);
    return 1;
}

/***
Takes the bytes that a memory transport has for the peer.
@function SciSslSocket:sslDrain
@tparam[opt] integer max bytes at most; without it, all
@treturn string empty where there are none
*/
static int sslsocket_drain(lua_State *L) {
    sci_queue *out = &check_memory(L)->transport.out;
    lua_Integer max = luaL_optinteger(L, 2, LUA_MAXINTEGER);
    if (max < 0) sci_refuse_negative(L, 2, "number of bytes");
    push_taken(L, out, (lua_Unsigned)max < out->length ? (size_t)max : out->length);
    return 1;
}

static const luaL_Reg memory_methods[] = {
    {"sslFeed", sslsocket_feed},
    {"sslFeedEnd", sslsocket_feed_end},
    {"sslDrain", sslsocket_drain},
    {"sslUnread", sslsocket_unread},
    {NULL, NULL},
};

void sci_open_memory_transport(lua_State *L) { sci_ssl_add_methods(L, memory_methods); }
