/* datagram_peers.c: SciSslSocket, many of them over one socket of a server of DTLS: what scissl.datagram does for each message, in
 * one call. */
#include "connection/connection.h"

#include <math.h>
#include <poll.h>

#define MESSAGE SSL3_RT_MAX_PLAIN_LENGTH /* bytes of the scratch buffer for a message; the datagram is behind them */
#define HEADER 13                        /* of a record: type, version, epoch, number, length */

/* What the functions of one server share: a userdata, which keeps its socket. The SciSslSockets that have a route keep it. */
typedef struct peers_server {
    sci_outlet outlet;
    sci_state *state;
    uint64_t bytes_received, messages; /* `messages`: those that `serve` gave to its handler */
    bool has_scratch;                  /* a call of `take` is using the scratch buffer, or has raised … */
    bool reads;                        /* … and this one is inside of OpenSSL, which may call Lua */
    bool interrupted;                  /* `serve` has to return */
} peers_server;

/* Upvalues of the functions. The first one is as sci_check_sslsocket has it. */
enum { METATABLE = 1, SERVER, PEERS, HANDLER, TRACEBACK, COMPLAIN }; /* from HANDLER on: of `serve` alone */

static peers_server *this_server(lua_State *L) { return lua_touserdata(L, lua_upvalueindex(SERVER)); }

/* ---- a message of a peer ----------------------------------------------------------------------------------------- */

/* As sci_ssl_take_scratch. */
static unsigned char *take_scratch(lua_State *L, peers_server *server) {
    sci_state *state = server->state;
    if (server->has_scratch && !server->reads && !sci_in_finalizer(L)) server->has_scratch = state->reading = false;
    if (state->reading) return lua_newuserdatauv(L, SCI_SCRATCH, 0);
    server->has_scratch = state->reading = true;
    return state->scratch;
}

static void give_scratch_back(peers_server *server, const unsigned char *scratch) {
    if (scratch == server->state->scratch) server->has_scratch = server->state->reading = false;
}

/* Whether the datagram begins with a record that is encrypted. */
static bool is_encrypted(const unsigned char *datagram, size_t length) {
    return length >= HEADER && (datagram[3] != 0 || datagram[4] != 0);
}

/* Finds the association of a peer whose messages need nothing else: a table whose first element is its SciSslSocket, with a route.
 * Pushes both, the socket at index 1; or nothing. */
static sci_sslsocket *find_association(lua_State *L, const sci_ip_peer *peer) {
    lua_settop(L, 0);
    lua_pushlstring(L, (const char *)peer->bytes, peer->length);
    if (lua_rawget(L, lua_upvalueindex(PEERS)) == LUA_TTABLE && lua_rawgeti(L, 1, 1) == LUA_TUSERDATA) {
        lua_insert(L, 1);
        sci_sslsocket *socket = sci_check_sslsocket(L, 1);
        if (socket->transport.route) return socket;
    }
    lua_settop(L, 0);
    return NULL;
}

/* The association; its message, or what sslRead returns else; whether another one may be there. */
static int return_message(lua_State *L, peers_server *server, sci_sslsocket *socket, unsigned char *scratch,
                          size_t length) {
    sci_laid laid = {.datagram = scratch + MESSAGE, .datagram_length = length, .message = scratch, .size = MESSAGE};
    if (sci_ssl_ready_for_data(L, socket, "read")) {
        server->reads = true;
        sci_ssl_read_laid(L, socket, &laid);
        server->reads = false;
        sci_ssl_push_laid(L, socket, &laid);
    }
    lua_pushboolean(L, laid.more);
    return 3;
}

/* false, and what the caller needs to find out what the datagram is: the datagram, the bytes of the peer, host and port. */
static int return_datagram(lua_State *L, const unsigned char *datagram, size_t length, const sci_ip_peer *peer) {
    lua_pushboolean(L, false);
    lua_pushlstring(L, (const char *)datagram, length);
    lua_pushlstring(L, (const char *)peer->bytes, peer->length);
    sci_push_ip_peer(L, peer);
    return 5;
}

static int return_nothing(lua_State *L, sci_arrival arrival) {
    if (arrival == SCI_ARRIVAL_CLOSED) return sci_socket_fail_closed(L, "recv");
    if (arrival == SCI_ARRIVAL_NONE) lua_pushnil(L);
    else lua_pushboolean(L, true);
    return 1;
}

/* Takes what has arrived, and pushes what `take` returns. */
static int take_arrived(lua_State *L, peers_server *server, sci_arrival *arrival) {
    sci_ip_peer peer;
    size_t length = 0;
    int count;
    lua_settop(L, 0);
    unsigned char *scratch = take_scratch(L, server);
    *arrival = sci_receive_from(server->outlet.socket, scratch + MESSAGE, SCI_SCRATCH - MESSAGE, &length, &peer);
    if (*arrival == SCI_ARRIVAL_DATAGRAM) {
        server->bytes_received += length;
        bool own = scratch == server->state->scratch; /* else the userdata that holds it stays for this call */
        sci_sslsocket *socket = own && is_encrypted(scratch + MESSAGE, length) ? find_association(L, &peer) : NULL;
        count = socket ? return_message(L, server, socket, scratch, length)
                       : return_datagram(L, scratch + MESSAGE, length, &peer);
    } else count = return_nothing(L, *arrival);
    give_scratch_back(server, scratch);
    return count;
}

/* take(): receives one datagram. Returns what `return_message` or `return_datagram` returns; true: there was a report of the system
 * in its place; nil: there was none, or with a SciSslError: the socket is closed. */
static int take(lua_State *L) {
    sci_arrival arrival;
    this_server(L)->interrupted = true;
    return take_arrived(L, this_server(L), &arrival);
}

/* ---- a server that has nothing else to do ------------------------------------------------------------------------ */

/* Calls the handler with the association at index 2 and its message at index 3. */
static void call_handler(lua_State *L) {
    lua_settop(L, 3);
    lua_pushvalue(L, lua_upvalueindex(TRACEBACK));
    lua_pushvalue(L, lua_upvalueindex(HANDLER));
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 3);
    if (lua_pcall(L, 2, 0, 4) == LUA_OK) return;
    lua_pushvalue(L, lua_upvalueindex(COMPLAIN));
    lua_insert(L, -2);
    lua_pushvalue(L, 2);
    lua_call(L, 2, 0);
}

/* Waits for a datagram. False: something is due before. */
static bool await_datagram(lua_State *L, const peers_server *server, double due) {
    double left = (due - sci_seconds()) * 1000;
    int milliseconds = left < INT_MAX ? (int)ceil(left) : -1;
    if (left <= 0) return false;
    return sci_wait_with_hooks(L, sci_socket_descriptor(server->outlet.socket), POLLIN, milliseconds) != 0;
}

/* After a message: whether `serve` may go on. */
static bool serve_message(lua_State *L, peers_server *server, double due) {
    double now = sci_seconds();
    sci_transport_note_seen(&((sci_sslsocket *)lua_touserdata(L, 1))->transport, now);
    server->messages++;
    call_handler(L);
    return !server->interrupted && now < due;
}

/* serve(due): receives datagrams, and calls the handler for each message. Returns what `take` returns where there is something else
 * to do; true: other functions were called meanwhile, or it is `due`, a time of SciSocket.now. */
static int serve(lua_State *L) {
    peers_server *server = this_server(L);
    double due = luaL_optnumber(L, 1, HUGE_VAL);
    bool goes_on = true;
    server->interrupted = false;
    while (goes_on) {
        sci_arrival arrival;
        int count = take_arrived(L, server, &arrival);
        bool is_message = count == 3 && lua_type(L, 3) == LUA_TSTRING && !lua_toboolean(L, 4);
        if (is_message) goes_on = serve_message(L, server, due);
        else if (arrival != SCI_ARRIVAL_NONE) return count;
        else goes_on = await_datagram(L, server, due) && !server->interrupted;
    }
    lua_pushboolean(L, true);
    return 1;
}

/* interrupt(): `serve` is to return before it waits again. */
static int interrupt(lua_State *L) {
    this_server(L)->interrupted = true;
    return 0;
}

/* ---- a message for a peer ---------------------------------------------------------------------------------------- */

/* send(socket, message): as sslWrite; but true where nothing is left for the caller to send. */
static int send_message(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    size_t length;
    const char *message = luaL_checklstring(L, 2, &length);
    lua_settop(L, 2);
    sci_ssl_push_written(L, socket, 2, message, length);
    bool done = lua_isinteger(L, -1) && lua_tointeger(L, -1) > 0 && socket->transport.memory.out.length == 0;
    if (done) lua_pushboolean(L, true);
    return 1;
}

/* ---- routes ------------------------------------------------------------------------------------------------------ */

/* attach(socket, peer): from now on the socket sends to that peer by itself. Returns whether it does. */
static int attach(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    sci_ip_peer peer;
    size_t length;
    const char *bytes = luaL_checklstring(L, 2, &length);
    bool fits = socket->memory && socket->transport.datagrams && !socket->closed;
    fits = fits && sci_read_ip_peer(bytes, length, &peer);
    lua_pushvalue(L, lua_upvalueindex(SERVER));
    lua_setiuservalue(L, 1, SCI_SOCKET_OWNER);
    lua_pushboolean(L, fits && sci_transport_set_route(&socket->transport, &this_server(L)->outlet, &peer));
    return 1;
}

/* detach(socket): from now on it does not. */
static int detach(lua_State *L) {
    sci_transport_drop_route(&sci_check_sslsocket(L, 1)->transport);
    return 0;
}

/* seen(socket): when `serve` got a message of that peer last; 0: never, or it has no route. */
static int seen(lua_State *L) {
    const sci_route *route = sci_check_sslsocket(L, 1)->transport.route;
    lua_pushnumber(L, route ? route->seen : 0);
    return 1;
}

/* count(): how many datagrams have left over routes, their bytes, the bytes of all that have come, and the messages of `serve`. */
static int count(lua_State *L) {
    const peers_server *server = this_server(L);
    lua_pushinteger(L, (lua_Integer)server->outlet.sent);
    lua_pushinteger(L, (lua_Integer)server->outlet.bytes_sent);
    lua_pushinteger(L, (lua_Integer)server->bytes_received);
    lua_pushinteger(L, (lua_Integer)server->messages);
    return 4;
}

/* ---- the functions ----------------------------------------------------------------------------------------------- */

static void make_server(lua_State *L) {
    peers_server *server = lua_newuserdatauv(L, sizeof *server, 1);
    *server = (peers_server){.state = sci_get_state(L), .outlet = {.socket = sci_check_socket(L, 1)}};
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
}

/* server(handler, traceback, complain): makes `serve`. Where handler(association, message) raises, traceback(raised) is called, and
 * complain(what that returned, association). The handler may be anything that can be called. */
static int make_serve(lua_State *L) {
    for (int i = 2; i <= 3; i++) luaL_checktype(L, i, LUA_TFUNCTION);
    lua_settop(L, 3);
    for (int i = PEERS; i >= METATABLE; i--) {
        lua_pushvalue(L, lua_upvalueindex(i));
        lua_insert(L, 1);
    }
    lua_pushcclosure(L, serve, COMPLAIN);
    return 1;
}

/* datagramPeers(socket, peers): the functions above for the socket of a server, as fields of a table. `peers`: associations by what
 * `take` returns as bytes of a peer. nil: the socket is none of IPv4 or IPv6. */
static int make_functions(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"take", take}, {"attach", attach},       {"detach", detach},     {"count", count},
        {"seen", seen}, {"interrupt", interrupt}, {"server", make_serve}, {NULL, NULL},
    };
    bool fits = sci_socket_has_ip_peers(sci_check_socket(L, 1));
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    if (!fits) return 0;
    luaL_newlibtable(L, functions);
    luaL_getmetatable(L, SCI_SSL_SOCKET);
    make_server(L);
    lua_pushvalue(L, 2);
    luaL_setfuncs(L, functions, PEERS);
    return 1;
}

/* messageSender(): `send`. */
static int make_sender(lua_State *L) {
    luaL_getmetatable(L, SCI_SSL_SOCKET);
    lua_pushcclosure(L, send_message, METATABLE);
    return 1;
}

void sci_open_datagram_peers(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"datagramPeers", make_functions},
        {"messageSender", make_sender},
        {NULL, NULL},
    };
    luaL_setfuncs(L, functions, 0);
}
