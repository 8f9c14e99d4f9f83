/* link.c: what carries a stream's bytes: a plain socket, TLS over a socket, or TLS with a memory transport over another link, for
 * which the bytes are moved here. The lowest link may be a table in Lua, which moves bytes by functions of its own. */
#include "stream/stream.h"

#include <stdio.h>

#define NAME "SciStreamLink"
#define CHUNK 16384       /* bytes that are moved into a memory transport at a time */
#define MOST_SENT 65536   /* bytes that are moved out of it at a time */
#define MOVES_IN_A_ROW 16 /* without data for the caller, after which others get their turn */

/* User values. */
enum { LINK_SOCKET = 1, LINK_LOWER };

/* Functions of TLS want their socket at index 1. So each step on a link runs in a function call of its own, where these are the
 * places on the stack. */
enum { SOCKET = 1, LINK, STEP, TEXT };

typedef struct step {
    sci_link *link;
    sci_moved (*run)(lua_State *L, sci_link *link, struct step *step);
    unsigned char *room; /* receives go there */
    const char *text;    /* what is to be sent, of the string at TEXT; or nil is there */
    size_t size;         /* bytes of either */
    size_t length;       /* bytes that were moved */
    bool want_write;     /* TLS waits for writing alone */
    sci_moved outcome;
} step;

static sci_moved receive_any(lua_State *L, sci_link *link, step *step);
static sci_moved send_any(lua_State *L, sci_link *link, step *step);
static sci_moved settle(lua_State *L, sci_link *link, step *step);

sci_link *sci_check_link(lua_State *L, int index) { return luaL_checkudata(L, index, NAME); }

static bool is_object(const sci_link *link) { return !link->plain && !link->ssl; }

/* ---- steps -------------------------------------------------------------------------------------------------------- */

static int run_step(lua_State *L) {
    step *now = lua_touserdata(L, STEP);
    now->outcome = now->run(L, now->link, now);
    return now->outcome == SCI_FAILED ? 1 : 0;
}

/* On a link, see sci_link_receive. `text`: index of the string, or 0. */
static sci_moved do_step(lua_State *L, int index, sci_link *link, step *now, int text) {
    index = lua_absindex(L, index);
    now->link = link;
    luaL_checkstack(L, 8, NULL);
    lua_pushcfunction(L, run_step);
    lua_getiuservalue(L, index, LINK_SOCKET);
    lua_pushvalue(L, index);
    lua_pushlightuserdata(L, now);
    if (text) lua_pushvalue(L, text < 0 ? text - 4 : text);
    else lua_pushnil(L);
    lua_call(L, 4, 1);
    if (now->outcome != SCI_FAILED) lua_pop(L, 1);
    return now->outcome;
}

/* On the link below the one at LINK. */
static sci_moved do_below(lua_State *L, step *now) {
    lua_getiuservalue(L, LINK, LINK_LOWER);
    int below = lua_gettop(L);
    sci_moved outcome = do_step(L, below, lua_touserdata(L, below), now, 0);
    lua_remove(L, below);
    return outcome;
}

/* ---- objects in Lua ----------------------------------------------------------------------------------------------- */

static sci_moved wanted_of(const char *events) {
    if (*events == 'w') return SCI_WANTS_WRITE;
    return events[1] == 'w' ? SCI_WANTS_BOTH : SCI_WANTS_READ;
}

/* Calls a method of the table that is below `count` arguments. SCI_MOVED: its result is on top. */
static sci_moved call_object(lua_State *L, const char *method, int count) {
    int table = lua_gettop(L) - count;
    lua_getfield(L, table, method);
    lua_insert(L, table);
    lua_call(L, count + 1, 3); /* value, failure, events */
    if (lua_toboolean(L, -3)) {
        lua_pop(L, 2);
        return SCI_MOVED;
    }
    sci_moved wanted = lua_isstring(L, -1) ? wanted_of(lua_tostring(L, -1)) : SCI_ENDED;
    bool failed = lua_toboolean(L, -2);
    lua_pop(L, 1);
    lua_remove(L, -2);
    if (failed) return SCI_FAILED;
    lua_pop(L, 1);
    return wanted;
}

sci_moved sci_link_take(lua_State *L, int index) {
    lua_getiuservalue(L, index, LINK_SOCKET);
    return call_object(L, "receive", 0);
}

static sci_moved send_to_object(lua_State *L, step *now) {
    lua_pushvalue(L, SOCKET);
    lua_pushlstring(L, now->text, now->size);
    lua_pushinteger(L, 1);
    lua_pushinteger(L, (lua_Integer)now->size);
    sci_moved moved = call_object(L, "send", 3);
    if (moved != SCI_MOVED) return moved;
    now->length = (size_t)lua_tointeger(L, -1);
    lua_pop(L, 1);
    if (now->length > now->size) luaL_error(L, "more was sent than there is");
    return SCI_MOVED;
}

/* ---- plain sockets ------------------------------------------------------------------------------------------------ */

static sci_moved pass_failure(lua_State *L) {
    lua_remove(L, -2); /* nil, failure */
    return SCI_FAILED;
}

static sci_moved receive_plain(lua_State *L, sci_link *link, step *now) {
    int result = sci_socket_receive(L, link->plain, now->room, now->size, &now->length);
    if (result > 0) return now->length > 0 ? SCI_MOVED : SCI_ENDED;
    return result == 0 ? SCI_WANTS_READ : pass_failure(L);
}

static sci_moved send_plain(lua_State *L, sci_link *link, step *now) {
    int result = sci_socket_send(L, link->plain, now->text, now->size, &now->length);
    if (result > 0) return SCI_MOVED;
    return result == 0 ? SCI_WANTS_WRITE : pass_failure(L);
}

/* ---- TLS ---------------------------------------------------------------------------------------------------------- */

static sci_moved fail_not_served(lua_State *L, sci_sslsocket *socket, int code, const char *phase) {
    char message[80];
    (void)snprintf(message, sizeof message, "TLS needs something that a stream cannot give (SSL_ERROR code %d)", code);
    sci_clear_errors();
    sci_push_error(L, &(sci_failure){.phase = phase,
                                     .condition = "not_served",
                                     .message = message,
                                     .peer = sci_socket_base(&socket->socket)->peer,
                                     .ssl_error = code});
    return SCI_FAILED;
}

sci_moved sci_judge_answer(lua_State *L, sci_sslsocket *socket, const char *phase) {
    if (!lua_isinteger(L, -1)) return SCI_FAILED;
    int code = -(int)lua_tointeger(L, -1);
    lua_pop(L, 1);
    if (code == SSL_ERROR_WANT_READ) return SCI_WANTS_READ;
    if (code == SSL_ERROR_WANT_WRITE) return SCI_WANTS_WRITE;
    if (code == 0) code = socket->result.zero_code;
    return code == SSL_ERROR_ZERO_RETURN ? SCI_ENDED : fail_not_served(L, socket, code, phase);
}

static sci_moved receive_tls(lua_State *L, sci_link *link, step *now) {
    if (sci_ssl_read_into(L, link->ssl, now->room, now->size, &now->length)) return SCI_MOVED;
    return sci_judge_answer(L, link->ssl, "read");
}

sci_moved sci_write_tls(lua_State *L, sci_sslsocket *socket, int string, const char *bytes, size_t size,
                        size_t *length) {
    *length = 0;
    if (string == 0 && sci_ssl_renegotiates(socket)) {
        if (!sci_ssl_renegotiate_first(L, socket, bytes, size)) return sci_judge_answer(L, socket, "write");
        if (!sci_ssl_renegotiates(socket)) return SCI_MOVED; /* else it cannot begin yet */
    }
    sci_ssl_push_written(L, socket, string, bytes, size);
    lua_Integer count = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : 0;
    *length = count > 0 ? (size_t)count : 0;
    if (count <= 0) return sci_judge_answer(L, socket, "write");
    lua_pop(L, 1);
    return SCI_MOVED;
}

static sci_moved send_tls(lua_State *L, sci_link *link, step *now) {
    return sci_write_tls(L, link->ssl, lua_isnil(L, TEXT) ? 0 : TEXT, now->text, now->size, &now->length);
}

/* ---- TLS over another link ---------------------------------------------------------------------------------------- */

/* Puts what the link below has received into the memory transport, or its end. */
static sci_moved take_in(lua_State *L, sci_link *link) {
    unsigned char room[CHUNK];
    step below = {.run = receive_any, .room = room, .size = sizeof room};
    sci_moved moved;
    bool good = true, taken;
    if (link->ended) return SCI_ENDED;
    if (is_object(link->lower)) {
        lua_getiuservalue(L, LINK, LINK_LOWER);
        int lower = lua_gettop(L);
        moved = sci_link_take(L, lower);
        if (moved == SCI_MOVED) {
            const char *bytes = luaL_checklstring(L, -1, &below.length);
            good = sci_transport_feed(&link->ssl->transport, bytes, below.length, &taken);
        }
        if (moved == SCI_FAILED) lua_remove(L, lower);
        else lua_settop(L, lower - 1);
    } else {
        moved = do_below(L, &below);
        if (moved == SCI_MOVED) good = sci_transport_feed(&link->ssl->transport, room, below.length, &taken);
    }
    if (!good) {
        sci_ssl_hold_bytes(link->ssl, true); /* they are lost: the next call reports that */
        luaL_error(L, "not enough memory");
    }
    if (moved != SCI_ENDED) return moved;
    sci_transport_feed_end(&link->ssl->transport);
    link->ended = true;
    return SCI_MOVED;
}

/* Sends the records that TLS has made. The link below may run Lua, so the queue is looked at again each time. */
static sci_moved send_records(lua_State *L, sci_link *link) {
    sci_transport *transport = &link->ssl->transport;
    const sci_queue *out = &transport->memory.out;
    while (out->length > 0) {
        step below = {.run = send_any, .text = (const char *)out->bytes + out->start};
        below.size = out->length < MOST_SENT ? out->length : MOST_SENT;
        sci_moved moved = do_below(L, &below);
        if (moved != SCI_MOVED) return moved;
        sci_transport_take(transport, false, below.length);
    }
    return SCI_MOVED;
}

/* Sends what TLS has made, down to the socket. A finalizer leaves that to the call which it has interrupted. */
static sci_moved settle(lua_State *L, sci_link *link, step *now) {
    step below = {.run = settle};
    (void)now;
    if (!link->lower || (link->sending && sci_in_finalizer(L))) return SCI_MOVED;
    link->sending = true;
    sci_moved moved = send_records(L, link);
    link->sending = false;
    return moved == SCI_MOVED ? do_below(L, &below) : moved;
}

/* Moves bytes without waiting, as TLS needs it. SCI_MOVED: its call can be repeated. While it waits for reading, reading goes on
 * though sending has to wait. */
static sci_moved move(lua_State *L, sci_link *link, step *now) {
    sci_moved out = settle(L, link, now);
    if (out == SCI_FAILED || now->want_write) return out;
    sci_moved in = take_in(L, link);
    bool waits = in != SCI_MOVED && in != SCI_FAILED && in != SCI_ENDED;
    return waits && out != SCI_MOVED ? SCI_WANTS_BOTH : in;
}

static sci_moved look_for_bytes(lua_State *L, sci_link *link, step *now) {
    if (is_object(link)) {
        lua_pushvalue(L, SOCKET);
        now->length = call_object(L, "dirty", 0) == SCI_MOVED;
    } else now->length = link->ssl && sci_ssl_dirty(L, link->ssl);
    if (now->length > 0 || !link->lower) return SCI_MOVED;
    return do_below(L, now);
}

/* Whether there is something to read that does not make the lowest socket readable. */
static bool is_dirty(lua_State *L, sci_link *link) {
    step look = {.run = look_for_bytes};
    (void)look_for_bytes(L, link, &look);
    return look.length > 0;
}

/* Reads from the link below until there is data for the caller, for some rounds at most. It stops only when no byte is left
 * here, so that the lowest socket becomes readable when the next one arrives. */
static sci_moved receive_over(lua_State *L, sci_link *link, step *now) {
    for (int rounds = 1;; rounds++) {
        sci_moved moved = receive_tls(L, link, now);
        if (moved != SCI_WANTS_READ && moved != SCI_WANTS_WRITE) return moved;
        if (rounds > MOVES_IN_A_ROW && moved == SCI_WANTS_READ && !is_dirty(L, link)) return moved;
        now->want_write = moved == SCI_WANTS_WRITE;
        moved = move(L, link, now);
        if (moved != SCI_MOVED) return moved;
    }
}

/* SCI_MOVED with no bytes: the caller repeats it. What this calls may have moved the bytes in memory. The records stay in the
 * memory transport until settle: what could fail here after TLS has the bytes would have them sent twice. */
static sci_moved send_over(lua_State *L, sci_link *link, step *now) {
    sci_moved moved = send_tls(L, link, now);
    if (moved != SCI_WANTS_READ && moved != SCI_WANTS_WRITE) return moved;
    now->want_write = moved == SCI_WANTS_WRITE;
    return move(L, link, now);
}

/* ---- all links ---------------------------------------------------------------------------------------------------- */

static sci_moved receive_any(lua_State *L, sci_link *link, step *now) {
    if (link->plain) return receive_plain(L, link, now);
    return link->lower ? receive_over(L, link, now) : receive_tls(L, link, now);
}

static sci_moved send_any(lua_State *L, sci_link *link, step *now) {
    if (link->plain) return send_plain(L, link, now);
    if (!link->ssl) return send_to_object(L, now);
    return link->lower ? send_over(L, link, now) : send_tls(L, link, now);
}

/* A plain socket needs no call of its own, but stays while its link may change. */
static sci_moved do_plain(lua_State *L, int index, sci_link *link, step *now) {
    luaL_checkstack(L, 4, NULL);
    lua_getiuservalue(L, index, LINK_SOCKET);
    int socket = lua_gettop(L);
    sci_moved moved = now->run(L, link, now);
    lua_remove(L, socket);
    return moved;
}

sci_moved sci_link_receive(lua_State *L, int index, sci_link *link, unsigned char *room, size_t size, size_t *length) {
    step now = {.run = link->plain ? receive_plain : receive_any, .room = room, .size = size};
    sci_moved moved = link->plain ? do_plain(L, index, link, &now) : do_step(L, index, link, &now, 0);
    *length = now.length;
    return moved;
}

sci_moved sci_link_send(lua_State *L, int index, sci_link *link, int string, const char *bytes, size_t size,
                        size_t *length) {
    step now = {.run = link->plain ? send_plain : send_any, .text = bytes, .size = size};
    sci_moved moved = link->plain ? do_plain(L, index, link, &now) : do_step(L, index, link, &now, string);
    *length = now.length;
    return moved;
}

sci_moved sci_link_settle(lua_State *L, int index, sci_link *link) {
    step now = {.run = settle};
    return link->lower ? do_step(L, index, link, &now, 0) : SCI_MOVED;
}

bool sci_link_in_call(const sci_link *link) {
    for (; link; link = link->lower)
        if (link->ssl && sci_ssl_in_call(link->ssl)) return true;
    return false;
}

bool sci_link_is_sending(const sci_link *link) {
    for (; link; link = link->lower)
        if (link->sending) return true;
    return false;
}

/* ---- for Lua ------------------------------------------------------------------------------------------------------ */

int sci_return_moved(lua_State *L, sci_moved moved) {
    static const char *const events[] = {[SCI_WANTS_READ] = "r", [SCI_WANTS_WRITE] = "w", [SCI_WANTS_BOTH] = "rw"};
    if (moved == SCI_MOVED) {
        lua_pushboolean(L, true);
        return 1;
    }
    lua_pushnil(L);
    if (moved == SCI_ENDED) return 1;
    if (moved == SCI_FAILED) {
        lua_insert(L, -2);
        return 2;
    }
    lua_pushnil(L);
    lua_pushstring(L, events[moved]);
    return 3;
}

/* settle(): sends what TLS has made. */
static int link_settle(lua_State *L) { return sci_return_moved(L, sci_link_settle(L, 1, sci_check_link(L, 1))); }

/* move(events): moves bytes for TLS that waits for `events`. */
static int link_move(lua_State *L) {
    step now = {.run = move, .want_write = *luaL_checkstring(L, 2) == 'w'};
    sci_link *link = sci_check_link(L, 1);
    luaL_argcheck(L, link->lower, 1, "TLS over a link expected");
    return sci_return_moved(L, do_step(L, 1, link, &now, 0));
}

static int link_dirty(lua_State *L) {
    step now = {.run = look_for_bytes};
    (void)do_step(L, 1, sci_check_link(L, 1), &now, 0);
    lua_pushboolean(L, now.length > 0);
    return 1;
}

/* Whether bytes that TLS has made wait to be sent. */
static int link_is_full(lua_State *L) {
    const sci_link *link = sci_check_link(L, 1);
    lua_pushboolean(L, link->lower && link->ssl->transport.memory.out.length > 0);
    return 1;
}

static const luaL_Reg methods[] = {
    {"settle", link_settle}, {"move", link_move}, {"dirty", link_dirty}, {"isFull", link_is_full}, {NULL, NULL},
};

void sci_link_use_socket(lua_State *L, int index, sci_link *link) {
    sci_sslsocket *ssl = luaL_testudata(L, index, SCI_SSL_SOCKET);
    *link = (sci_link){.ssl = ssl, .plain = ssl ? NULL : sci_check_socket(L, index)};
}

/* newLink(socket, lower): of a SciSocket or a SciSslSocket; of a table with functions receive, send and dirty. `lower`: the link
 * below a memory transport. */
static int new_link(lua_State *L) {
    lua_settop(L, 2);
    sci_link made = {0};
    if (!lua_istable(L, 1)) sci_link_use_socket(L, 1, &made);
    made.lower = lua_isnil(L, 2) ? NULL : sci_check_link(L, 2);
    sci_link *link = lua_newuserdatauv(L, sizeof *link, 2), *lower = made.lower;
    *link = made;
    link->in_lua = lower ? lower->in_lua : is_object(link);
    for (int i = LINK_LOWER; i >= LINK_SOCKET; i--) {
        lua_pushvalue(L, i);
        lua_setiuservalue(L, 3, i);
    }
    if (luaL_getmetatable(L, NAME) != LUA_TTABLE) {
        lua_pop(L, 1);
        sci_new_class(L, NAME, NULL, methods, NULL);
        lua_pop(L, 1);
        luaL_getmetatable(L, NAME);
    }
    lua_setmetatable(L, 3);
    return 1;
}

SCI_AT_LOAD void sci_open_stream_link(lua_State *L) {
    static const luaL_Reg functions[] = {{"newLink", new_link}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
