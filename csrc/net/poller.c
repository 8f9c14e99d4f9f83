/* poller.c: SciPoller: waits for many descriptors at a cost that does not grow with their number. */
#include "net/poller.h"

#include <errno.h>
#include <string.h>

/***
Waits for many descriptors, at a cost that does not grow with their number. `scissl.scheduler` uses it.
@classmod SciPoller
*/

/* ---- the object ------------------------------------------------------------------------------------------------- */

static sci_poller *to_poller(lua_State *L) { return luaL_checkudata(L, 1, SCI_POLLER); }

static int fail_closed(lua_State *L) { return sci_socket_fail_closed(L, "wait"); }

/* ---- making ----------------------------------------------------------------------------------------------------- */

static const sci_way *find_way(const char *name) {
    const sci_way *ways[] = {sci_way_epoll(), sci_way_kqueue(), sci_way_poll()};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (ways[i] && (!name || strcmp(ways[i]->name, name) == 0)) return ways[i];
    return NULL;
}

/***
Makes a SciPoller. A child that `fork` makes must make its own.
@function SciPoller.new
@tparam[opt] string way `epoll` (Linux), `kqueue` (macOS and the BSDs) or `poll` (everywhere, and slower the more it
 waits for); by default the best that the system has
@treturn[1] SciPoller
@treturn[2] nil
@treturn[2] SciSslError phase `open`: `not_in_this_system`, or too many open files
@see epoll(7), kqueue(2), poll(2)
*/
static int poller_new(lua_State *L) {
    static const char *const names[] = {"best", "epoll", "kqueue", "poll", NULL};
    const char *name = names[luaL_checkoption(L, 1, "best", names)];
    const sci_way *way = find_way(strcmp(name, "best") == 0 ? NULL : name);
    if (!way)
        return sci_socket_fail(L, &(sci_failure){.phase = "open",
                                                 .condition = "not_in_this_system",
                                                 .message = "this system does not have that way to wait",
                                                 .subject = name});
    sci_poller *poller = sci_new_object(L, SCI_POLLER, sizeof *poller, 0);
    poller->descriptor = -1;
    if (!way->open(poller)) return sci_socket_fail_system(L, "open", way->name, errno);
    poller->way = way;
    poller->state = sci_get_state(L);
    poller->next = poller->state->pollers;
    poller->state->pollers = poller;
    return 1;
}

/* ---- descriptors that are about to be closed ---------------------------------------------------------------------- */

void sci_poller_forget(sci_state *state, int descriptor) {
    for (sci_poller *poller = state->pollers; poller; poller = poller->next)
        if (poller->way->forget) poller->way->forget(poller, descriptor);
}

static void unlink_poller(sci_poller *poller) {
    sci_poller **link = &poller->state->pollers;
    while (*link != poller) link = &(*link)->next;
    *link = poller->next;
}

/* Whether sci_poller_forget is called before the descriptor of the object at `index` is closed. */
static bool lasts(lua_State *L, int index) {
    sci_socket *socket = sci_test_socket(L, index);
    return socket && !sci_socket_base(socket)->borrowed;
}

/* Whether the value is nil, or a number that can be compared. */
static bool is_deadline(lua_State *L, int index) {
    if (lua_isnil(L, index)) return true;
    lua_Number seconds = lua_tonumber(L, index);
    return lua_type(L, index) == LUA_TNUMBER && seconds <= seconds;
}

int sci_poller_find_simple(lua_State *L, int first, const sci_poller *poller, int classes, short *events) {
    int at = first + 1, deadline = first + 2;
    const char *text = lua_type(L, at) == LUA_TSTRING ? lua_tostring(L, at) : "";
    bool is_socket = poller && lua_type(L, first) == LUA_TUSERDATA && lua_getmetatable(L, first) &&
                     lua_rawget(L, classes) != LUA_TNIL;
    lua_settop(L, deadline);
    sci_socket *socket = is_socket && poller->way ? lua_touserdata(L, first) : NULL;
    int descriptor = socket ? sci_socket_descriptor(socket) : -1;
    bool known = (text[0] == 'r' || text[0] == 'w') && text[1] == 0 && is_deadline(L, deadline);
    *events = text[0] == 'r' ? POLLIN : POLLOUT;
    return descriptor >= 0 && known && !sci_socket_base(socket)->borrowed ? descriptor : -1;
}

/* ---- what it waits for ------------------------------------------------------------------------------------------ */

/***
Adds a descriptor to those that `wait` waits for, once: `wait` returns it and forgets it. A second call for the same
descriptor replaces the first.
@function SciPoller:arm
@param target a descriptor number, a SciSocket, or an object with `getfd`, `fileno` or `pollfd`
@tparam string events `"r"`, `"w"` or `"rw"`
@treturn[1] integer the descriptor, as `wait` returns it
@treturn[2] nil
@treturn[2] SciSslError phase `wait`: `closed`, `not_a_socket`
*/
static int poller_arm(lua_State *L) {
    sci_poller *poller = to_poller(L);
    sci_failure failure = {.phase = "wait"};
    if (!sci_may_have_descriptor(L, 2)) return luaL_typeerror(L, 2, "SciSocket, descriptor or object with getfd");
    short events = sci_check_events(L, 3, 3);
    if (!poller->way) return fail_closed(L);
    int descriptor;
    if (!sci_find_descriptor(L, 2, &descriptor, &failure)) return sci_socket_fail(L, &failure);
    if (!poller->way) return fail_closed(L); /* the object's methods have run Lua code */
    if (!poller->way->arm(poller, descriptor, events, lasts(L, 2)))
        return sci_socket_fail_system(L, "wait", NULL, errno);
    lua_pushinteger(L, descriptor);
    return 1;
}

/***
Forgets a descriptor. Harmless where it was not armed.
@function SciPoller:disarm
@tparam integer descriptor
@treturn SciPoller the receiver
*/
static int poller_disarm(lua_State *L) {
    sci_poller *poller = to_poller(L);
    lua_Integer descriptor = luaL_checkinteger(L, 2);
    if (poller->way && descriptor >= 0 && descriptor <= INT32_MAX) poller->way->disarm(poller, (int)descriptor);
    return sci_return_receiver(L);
}

/* ---- waiting ---------------------------------------------------------------------------------------------------- */

/* As sci_way's wait, but signals do not end it. */
static int wait_until(lua_State *L, sci_poller *poller, int milliseconds, sci_ready *ready) {
    int64_t deadline = milliseconds > 0 ? sci_deadline(milliseconds) : 0;
    int count;
    while ((count = poller->way->wait(poller, milliseconds, ready)) < 0 && errno == EINTR) {
        sci_run_hooks(L);
        if (!poller->way) return 0; /* closed by a hook */
        if (milliseconds > 0) milliseconds = sci_milliseconds_until(deadline);
        if (milliseconds == 0) return 0;
    }
    return count;
}

static void push_events(lua_State *L, short events) {
    if (events == POLLIN) lua_pushliteral(L, "r");
    else if (events == POLLOUT) lua_pushliteral(L, "w");
    else lua_pushliteral(L, "rw");
}

/***
Waits until something is ready, or the time has passed. What hung up or failed is ready: the next call on it reports why.
@function SciPoller:wait
@tparam[opt] number seconds for ever by default
@tparam[opt] table results a table to write to instead of a new one; its other fields stay
@treturn[1] integer how many are ready, 0 after the time-out; one call may return only some of them
@treturn[1] table a list of twice as many values: a descriptor, its events (`"r"`, `"w"` or `"rw"`), the next descriptor …
@treturn[2] nil
@treturn[2] SciSslError phase `wait`: `closed`
*/
static int poller_wait(lua_State *L) {
    sci_poller *poller = to_poller(L);
    sci_ready ready[SCI_READY_MOST];
    int milliseconds = sci_check_timeout(L, 2);
    lua_settop(L, 3);
    if (lua_isnil(L, 3)) {
        lua_newtable(L);
        lua_replace(L, 3);
    }
    luaL_checktype(L, 3, LUA_TTABLE);
    if (!poller->way) return fail_closed(L);
    int count = wait_until(L, poller, milliseconds, ready);
    if (count < 0) return sci_socket_fail_system(L, "wait", NULL, errno);
    for (int i = 0; i < count; i++) {
        lua_pushinteger(L, ready[i].descriptor);
        lua_rawseti(L, 3, 2 * (lua_Integer)i + 1);
        push_events(L, ready[i].events);
        lua_rawseti(L, 3, 2 * (lua_Integer)i + 2);
    }
    lua_pushinteger(L, count);
    lua_insert(L, 3);
    return 2;
}

/* ---- the rest --------------------------------------------------------------------------------------------------- */

/***
Returns the way in which it waits.
@function SciPoller:way
@treturn[1] string `epoll`, `kqueue` or `poll`
@treturn[2] nil once closed
*/
static int poller_way(lua_State *L) {
    const sci_poller *poller = to_poller(L);
    lua_pushstring(L, poller->way ? poller->way->name : NULL);
    return 1;
}

/***
Returns a descriptor that is readable as long as `wait` would return at once: one loop can wait for another.
@function SciPoller:getfd
@treturn integer -1 where there is none: once closed, and for `poll`
*/
static int poller_getfd(lua_State *L) {
    const sci_poller *poller = to_poller(L);
    lua_pushinteger(L, poller->way ? poller->descriptor : -1);
    return 1;
}

/***
Closes the poller; what it waits for stays open. Harmless twice.
@function SciPoller:close
@treturn boolean true
*/
static int poller_close(lua_State *L) {
    sci_poller *poller = to_poller(L);
    if (poller->way) sci_notify_closing(L, 1); /* a loop may be waiting for this one */
    const sci_way *way = poller->way;
    if (way) unlink_poller(poller);
    poller->way = NULL;
    if (way) way->close(poller);
    lua_pushboolean(L, true);
    return 1;
}

static int poller_tostring(lua_State *L) {
    const sci_poller *poller = to_poller(L);
    lua_pushfstring(L, SCI_POLLER ": %s", poller->way ? poller->way->name : "closed");
    return 1;
}

static const luaL_Reg poller_functions[] = {
    {"new", poller_new},
    {NULL, NULL},
};

static const luaL_Reg poller_methods[] = {
    {"arm", poller_arm},     {"disarm", poller_disarm}, {"wait", poller_wait}, {"way", poller_way},
    {"getfd", poller_getfd}, {"close", poller_close},   {NULL, NULL},
};

static const luaL_Reg poller_metamethods[] = {
    {"__gc", poller_close},
    {"__close", poller_close},
    {"__tostring", poller_tostring},
    {NULL, NULL},
};

void sci_open_poller(lua_State *L) {
    sci_new_class(L, SCI_POLLER, poller_functions, poller_methods, poller_metamethods);
}
