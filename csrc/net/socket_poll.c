/* socket_poll.c: SciSocket: waiting for one socket or for many, and what event loops ask of a socket. */
#include "net/socket.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>

/* ---- time ------------------------------------------------------------------------------------------------------- */

/***
Returns the time on a monotonic clock, for deadlines.
@function SciSocket.now
@treturn number seconds since a fixed moment in the past
@see clock_gettime(2), CLOCK_MONOTONIC
*/
static int socket_now(lua_State *L) {
    lua_pushnumber(L, sci_seconds());
    return 1;
}

/* ---- poll(2) that signals do not end ------------------------------------------------------------------------------ */

static int do_nothing(lua_State *L) {
    (void)L;
    return 0;
}

void sci_run_hooks(lua_State *L) {
    lua_pushcfunction(L, do_nothing);
    lua_call(L, 0, 0);
}

/* As poll(2), but never fails with EINTR. `milliseconds` below 0: waits for ever. */
static int poll_until(lua_State *L, struct pollfd *waiting, size_t count, int milliseconds) {
    int64_t deadline = milliseconds > 0 ? sci_deadline(milliseconds) : 0;
    int ready;
    while ((ready = poll(waiting, (nfds_t)count, milliseconds)) < 0 && errno == EINTR) {
        sci_run_hooks(L);
        if (milliseconds > 0) milliseconds = sci_milliseconds_until(deadline);
        if (milliseconds == 0) return 0;
    }
    return ready;
}

int sci_wait_with_hooks(lua_State *L, int descriptor, short events, int milliseconds) {
    struct pollfd waiting = {.fd = descriptor, .events = events};
    return poll_until(L, &waiting, 1, milliseconds);
}

/* ---- events ----------------------------------------------------------------------------------------------------- */

short sci_check_events(lua_State *L, int value, int argument) {
    static const char *const names[] = {"r", "w", "rw", "wr"};
    static const short bits[] = {POLLIN, POLLOUT, POLLIN | POLLOUT, POLLIN | POLLOUT};
    size_t length = 0;
    const char *text = lua_type(L, value) == LUA_TSTRING ? lua_tolstring(L, value, &length) : "";
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++)
        if (strlen(names[i]) == length && memcmp(names[i], text, length) == 0) return bits[i];
    luaL_argerror(L, argument, "events 'r', 'w' or 'rw' expected");
    return 0;
}

/* A socket that hung up or failed is ready for all events that were asked for: the next call on it reports why. */
static void push_events(lua_State *L, const struct pollfd *waiting) {
    int ready = waiting->revents & (POLLERR | POLLHUP) ? waiting->events : waiting->revents & waiting->events;
    lua_pushfstring(L, "%s%s", ready & POLLIN ? "r" : "", ready & POLLOUT ? "w" : "");
}

static int fail_not_open(lua_State *L, int descriptor) {
    const char *subject = lua_pushfstring(L, "descriptor %d", descriptor);
    return sci_socket_fail(L, &(sci_failure){.phase = "wait",
                                             .message = "the descriptor is not open",
                                             .subject = subject,
                                             .ssl_error = SSL_ERROR_SYSCALL,
                                             .system_errno = EBADF});
}

/* ---- one socket ------------------------------------------------------------------------------------------------- */

/***
Waits until the socket is ready. A socket that has hung up or failed is ready: the next call on it reports why.
@function SciSocket:wait
@tparam string events `"r"`, `"w"` or `"rw"`
@tparam[opt] number seconds for ever by default
@treturn[1] string the events that it is ready for
@treturn[2] nil
@treturn[2] SciSslError phase `wait`: `timeout`, `closed`
@see poll(2)
*/
static int socket_wait(lua_State *L) {
    sci_socket *base = sci_socket_base(sci_check_socket(L, 1));
    struct pollfd waiting = {.fd = base->fd, .events = sci_check_events(L, 2, 2)};
    int milliseconds = sci_check_timeout(L, 3);
    if (base->fd < 0) return sci_socket_fail_closed(L, "wait");
    int ready = poll_until(L, &waiting, 1, milliseconds);
    int problem = errno;
    base = sci_socket_base(sci_check_socket(L, 1)); /* a hook may have closed it */
    if (ready < 0) return sci_socket_fail_system(L, "wait", base->peer, problem);
    if (waiting.revents & POLLNVAL) return fail_not_open(L, waiting.fd);
    if (ready == 0)
        return sci_socket_fail(L, &(sci_failure){.phase = "wait",
                                                 .condition = "timeout",
                                                 .message = "not ready within the given time",
                                                 .subject = *base->peer ? base->peer : NULL});
    push_events(L, &waiting);
    return 1;
}

/* ---- many ------------------------------------------------------------------------------------------------------- */

#define INTERESTS 1 /* stack index: the caller's table */
#define KEYS 2      /* stack index: its keys, as a list */

/* Lists the keys: finding their descriptors runs Lua code, which may change the table. */
static size_t list_keys(lua_State *L) {
    lua_Integer count = 0;
    lua_newtable(L);
    for (lua_pushnil(L); lua_next(L, INTERESTS); lua_pop(L, 1)) {
        luaL_argcheck(L, sci_may_have_descriptor(L, -2), INTERESTS,
                      "sockets, descriptors or objects expected for keys");
        lua_pushvalue(L, -2);
        lua_rawseti(L, KEYS, ++count);
    }
    return (size_t)count;
}

/* Fills the entry of key `number`. False: nil, SciSslError were pushed. */
static bool fill_entry(lua_State *L, struct pollfd *waiting, lua_Integer number) {
    sci_failure failure = {.phase = "wait"};
    lua_rawgeti(L, KEYS, number);
    if (!sci_find_descriptor(L, -1, &waiting->fd, &failure)) {
        sci_socket_fail(L, &failure);
        return false;
    }
    lua_rawget(L, INTERESTS);
    waiting->events = sci_check_events(L, -1, INTERESTS);
    waiting->revents = 0;
    lua_pop(L, 1);
    return true;
}

/* Pushes the table of what is ready, or nil, SciSslError. */
static int push_ready(lua_State *L, const struct pollfd *waiting, size_t count) {
    lua_newtable(L);
    for (size_t i = 0; i < count; i++) {
        if (waiting[i].revents == 0) continue;
        if (waiting[i].revents & POLLNVAL) return fail_not_open(L, waiting[i].fd);
        lua_rawgeti(L, KEYS, (lua_Integer)i + 1);
        push_events(L, &waiting[i]);
        lua_rawset(L, -3);
    }
    return 1;
}

/***
Waits until at least one of several is ready. What has hung up or failed is ready: the next call on it reports why.
@function SciSocket.poll
@tparam table interests events (`"r"`, `"w"`, `"rw"`), each under its socket: a SciSocket, a descriptor number, or an
 object with `getfd`, `fileno` or `pollfd`
@tparam[opt] number seconds for ever by default
@treturn[1] table events under the same keys, for those that are ready; empty after the time-out
@treturn[2] nil
@treturn[2] SciSslError phase `wait`: `closed`, `not_a_socket`
@see poll(2)
*/
static int socket_poll(lua_State *L) {
    luaL_checktype(L, INTERESTS, LUA_TTABLE);
    int milliseconds = sci_check_timeout(L, 2);
    lua_settop(L, INTERESTS);
    size_t count = list_keys(L);
    struct pollfd *waiting = lua_newuserdatauv(L, count * sizeof *waiting, 0);
    for (size_t i = 0; i < count; i++)
        if (!fill_entry(L, &waiting[i], (lua_Integer)i + 1)) return 2;
    if (poll_until(L, waiting, count, milliseconds) < 0) return sci_socket_fail_system(L, "wait", NULL, errno);
    return push_ready(L, waiting, count);
}

/* ---- what event loops ask of a socket ---------------------------------------------------------------------------- */

/***
Returns the descriptor, for LuaSocket's `select`, `SciSocket.poll` and other ways to wait.
@function SciSocket:getfd
@treturn integer -1 once closed
*/
/***
Returns the descriptor, for cqueues.
@function SciSocket:pollfd
@treturn integer -1 once closed
*/
static int socket_getfd(lua_State *L) {
    sci_socket *base = sci_socket_base(sci_check_socket(L, 1));
    sci_socket_expose(base);
    lua_pushinteger(L, base->fd);
    return 1;
}

/***
Tells whether bytes are buffered that poll(2) does not see: never. For LuaSocket's `select`.
@function SciSocket:dirty
@treturn boolean false
*/
static int socket_dirty(lua_State *L) {
    sci_check_socket(L, 1);
    lua_pushboolean(L, false);
    return 1;
}

/***
Returns the events that the socket waits for, for cqueues.
@function SciSocket:events
@treturn ?string `"w"` while connecting, else `"r"`; nil once closed
*/
static int socket_events(lua_State *L) {
    sci_socket *base = sci_socket_base(sci_check_socket(L, 1));
    if (base->fd < 0) lua_pushnil(L);
    else lua_pushstring(L, !base->listening && sci_socket_probe(base, 0) == 0 ? "w" : "r");
    return 1;
}

/***
Returns how long a loop may wait for the socket, for cqueues: it has no time-out of its own.
@function SciSocket:timeout
@treturn nil
*/
static int socket_timeout(lua_State *L) {
    sci_check_socket(L, 1);
    lua_pushnil(L);
    return 1;
}

/* countWaits(socket, count): notes `count` with a socket; without it, adds one. Returns the count; nil: that is no SciSocket. */
int sci_count_waits(lua_State *L) {
    sci_socket *socket = sci_test_socket(L, 1);
    if (!socket) return 0;
    if (!lua_isnoneornil(L, 2)) socket->waits = (uint16_t)lua_tointeger(L, 2);
    else if (socket->waits < UINT16_MAX) socket->waits++;
    lua_pushinteger(L, socket->waits);
    return 1;
}

static const luaL_Reg poll_functions[] = {
    {"now", socket_now},
    {"poll", socket_poll},
    {NULL, NULL},
};

static const luaL_Reg poll_methods[] = {
    {"wait", socket_wait},
    {"getfd", socket_getfd},
    {"pollfd", socket_getfd},
    {"dirty", socket_dirty},
    {"events", socket_events},
    {"timeout", socket_timeout},
    {NULL, NULL},
};

void sci_open_socket_poll(lua_State *L) {
    luaL_setfuncs(L, poll_functions, 0);
    luaL_setfuncs(L, poll_methods, 0);
}
