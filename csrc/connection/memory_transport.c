/* memory_transport.c: SciSslSocket without a descriptor: the program moves the bytes. */
#include "connection/connection.h"

static sci_sslsocket *check_memory(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    luaL_argcheck(L, socket->memory, 1, "SciSslSocket made by onMemory expected");
    return socket;
}

/***
Gives a memory transport bytes that the peer has sent. With DTLS they are one datagram.
@function SciSslSocket:sslFeed
@tparam string bytes
@treturn[1] integer how many were taken: all; 0: the datagram was dropped, since too many wait to be read
@treturn[2] nil
@treturn[2] SciSslError condition `closed`
*/
static int sslsocket_feed(lua_State *L) {
    sci_sslsocket *socket = check_memory(L);
    size_t length;
    bool taken;
    const char *bytes = luaL_checklstring(L, 2, &length);
    if (socket->closed) return sci_fail_own(L, "read", "closed", "the socket has been closed");
    if (!sci_transport_feed(&socket->transport, bytes, length, &taken))
        return sci_fail_own(L, "read", "memory_full", "out of memory for the bytes");
    lua_pushinteger(L, taken ? (lua_Integer)length : 0);
    return 1;
}

/***
Tells a memory transport that the peer has closed its side, so that no more bytes will be fed.
@function SciSslSocket:sslFeedEnd
@treturn SciSslSocket the receiver
*/
static int sslsocket_feed_end(lua_State *L) {
    sci_transport_feed_end(&check_memory(L)->transport);
    return sci_return_receiver(L);
}

/* Takes `length` bytes at most. */
static void push_taken(lua_State *L, sci_transport *transport, bool fed, size_t length) {
    const void *bytes = sci_transport_lend(transport, fed, &length, sci_in_finalizer(L));
    lua_pushlstring(L, bytes, length);
    sci_transport_take(transport, fed, length);
}

/***
Takes back bytes that a memory transport was fed and that TLS has not read: after `sslSetReadAhead(false)`, what the peer has
sent behind its close_notify.
@function SciSslSocket:sslUnread
@treturn string empty where there are none
*/
static int sslsocket_unread(lua_State *L) {
    push_taken(L, &check_memory(L)->transport, true, SIZE_MAX);
    return 1;
}

/***
Takes the bytes that a memory transport has for the peer. With DTLS they are one datagram: call it until there is none.
@function SciSslSocket:sslDrain
@tparam[opt] integer max bytes at most; without it, all. With DTLS always one whole datagram
@treturn string empty where there are none
*/
static int sslsocket_drain(lua_State *L) {
    sci_transport *transport = &check_memory(L)->transport;
    lua_Integer max = luaL_optinteger(L, 2, LUA_MAXINTEGER);
    if (max < 0) sci_refuse_negative(L, 2, "number of bytes");
    push_taken(L, transport, false, (lua_Unsigned)max < SIZE_MAX ? (size_t)max : SIZE_MAX);
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
