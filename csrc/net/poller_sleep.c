/* poller_sleep.c: coroutines that wait in the loop of another library, which waits for the descriptor of a SciPoller. What most
 * waits need is done here; for all others, functions in Lua are called (lua/scissl/loop/luv_waiter.lua). */
#include "net/poller.h"

/* Upvalues of all functions that Lua gets. The last five are functions in Lua. */
enum { SLEEPERS = 1, TICKETS, AWAKE, SOCKET_CLASSES, SLEEP_IN_LUA, WAKE_CHAIN, FINISH, HOLD, COMPLAIN };

/* Places of a ticket: a table by which a coroutine waits. */
enum { T_THREAD = 1, T_EVENTS = 3, T_FOLLOWING, T_DEADLINE, T_AT, T_PLACE, T_SOCKET };

/* Places on the stack in fall_asleep. */
enum { SOCKET = 1, EVENTS, DEADLINE, TICKET };

typedef struct sleepers {
    sci_poller *poller;     /* NULL: all is done in Lua */
    lua_Integer count;      /* coroutines that wait */
    bool held;              /* the loop goes on for them */
    lua_Integer next, last; /* of AWAKE: those that are to be resumed */
    bool chained;           /* FINISH must be called */
    int seen, found;        /* of `ready` */
    sci_ready ready[SCI_READY_MOST];
} sleepers;

static sleepers *get_sleepers(lua_State *L) { return lua_touserdata(L, lua_upvalueindex(SLEEPERS)); }

/* Has the loop go on, or end when nothing else keeps it. Calls Lua. */
static void hold(lua_State *L, sleepers *all, bool held) {
    if (all->held == held) return;
    lua_pushvalue(L, lua_upvalueindex(HOLD));
    lua_pushboolean(L, held);
    lua_call(L, 1, 0);
    all->held = held;
}

/* note(change): so many coroutines more wait, or fewer. After the last one, note(0) lets the loop end. */
static int note(lua_State *L) {
    sleepers *all = get_sleepers(L);
    lua_Integer change = luaL_checkinteger(L, 1);
    if (change > 0 || (change == 0 && all->count == 0)) hold(L, all, change > 0);
    all->count += change;
    return 0;
}

/* ---- to sleep --------------------------------------------------------------------------------------------------- */

static bool is_set(lua_State *L, int place) {
    lua_rawgeti(L, TICKET, place);
    bool set = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return set;
}

/* Whether the ticket has an alarm that rings before the deadline: what it does then depends on the deadline. */
static bool has_alarm(lua_State *L) {
    lua_rawgeti(L, TICKET, T_AT);
    bool before = is_set(L, T_PLACE) && lua_tonumber(L, -1) <= lua_tonumber(L, DEADLINE);
    lua_pop(L, 1);
    return before;
}

/* Puts the descriptor's ticket at TICKET. False: it has none, or another coroutine waits, or the alarm must be set. */
static bool find_ticket(lua_State *L, int descriptor) {
    if (lua_rawgeti(L, lua_upvalueindex(TICKETS), descriptor) != LUA_TTABLE) return false;
    return !is_set(L, T_THREAD) && !is_set(L, T_FOLLOWING) && (lua_isnil(L, DEADLINE) || has_alarm(L));
}

static void set(lua_State *L, int place, int index) {
    lua_pushvalue(L, index);
    lua_rawseti(L, TICKET, place);
}

static int pass_results(lua_State *L, int status, lua_KContext context) {
    (void)status, (void)context;
    return lua_gettop(L);
}

static int sleep_in_lua(lua_State *L) {
    lua_settop(L, DEADLINE);
    lua_pushvalue(L, lua_upvalueindex(SLEEP_IN_LUA));
    lua_insert(L, SOCKET);
    lua_callk(L, DEADLINE, LUA_MULTRET, 0, pass_results);
    return pass_results(L, LUA_OK, 0);
}

/* sleep(socket, events, deadline): the waiter. Once the ticket is changed, nothing here needs memory. */
static int fall_asleep(lua_State *L) {
    sleepers *all = get_sleepers(L);
    short events;
    lua_settop(L, DEADLINE);
    int descriptor = sci_poller_find_simple(L, SOCKET, all->poller, lua_upvalueindex(SOCKET_CLASSES), &events);
    if (descriptor < 0 || !lua_isyieldable(L) || !find_ticket(L, descriptor)) return sleep_in_lua(L);
    hold(L, all, true);
    if (!all->poller->way->arm(all->poller, descriptor, events, true)) return sleep_in_lua(L);
    set(L, T_EVENTS, EVENTS);
    if (!lua_isnil(L, DEADLINE)) set(L, T_DEADLINE, DEADLINE);
    lua_pushthread(L);
    lua_rawseti(L, TICKET, T_THREAD);
    all->count++;
    return lua_yield(L, 0);
}

/* ---- to wake ---------------------------------------------------------------------------------------------------- */

static void clear(lua_State *L, int ticket, int place) {
    lua_pushboolean(L, false);
    lua_rawseti(L, ticket, place);
}

/* Ends the wait of the one coroutine that waits for the descriptor, whose ticket is on top. False: there are several. A ticket
 * that stays must not keep the socket: the program may leave its end to the collector. */
static bool wake_one(lua_State *L, sleepers *all) {
    int ticket = lua_gettop(L);
    if (lua_rawgeti(L, ticket, T_FOLLOWING), lua_toboolean(L, -1)) return false;
    if (lua_rawgeti(L, ticket, T_THREAD) != LUA_TTHREAD) return true; /* it waits no more */
    lua_rawseti(L, lua_upvalueindex(AWAKE), all->last + 1);
    all->last++;
    all->count--;
    clear(L, ticket, T_THREAD);
    clear(L, ticket, T_SOCKET);
    if (lua_rawgeti(L, ticket, T_DEADLINE), lua_toboolean(L, -1)) clear(L, ticket, T_DEADLINE);
    return true;
}

static void wake_ready(lua_State *L, sleepers *all, const sci_ready *ready) {
    lua_rawgeti(L, lua_upvalueindex(TICKETS), ready->descriptor);
    if (lua_istable(L, -1) && !wake_one(L, all)) {
        all->chained = true;
        lua_pushvalue(L, lua_upvalueindex(WAKE_CHAIN));
        lua_pushinteger(L, ready->descriptor);
        lua_pushstring(L, ready->events == POLLIN ? "r" : ready->events == POLLOUT ? "w" : "rw");
        lua_call(L, 2, 0);
    }
    lua_settop(L, 0);
}

/* Ends the waits for all that is ready, before any coroutine goes on: it may close sockets, and their numbers come back. Where
 * memory runs out, the next call goes on here. */
static void wake_all(lua_State *L, sleepers *all) {
    if (all->seen >= all->found && all->next == all->last && all->poller->way) {
        int count = all->poller->way->wait(all->poller, 0, all->ready);
        all->found = count > 0 ? count : 0;
        all->seen = 0;
    }
    for (; all->seen < all->found; all->seen++) wake_ready(L, all, &all->ready[all->seen]);
}

/* Resumes the coroutine at index 1. */
static void resume(lua_State *L) {
    lua_State *thread = lua_tothread(L, 1);
    int count = 0;
    lua_pushboolean(thread, true);
    int status = lua_resume(thread, L, 1, &count);
    if (status == LUA_OK || status == LUA_YIELD) {
        lua_pop(thread, count);
        return;
    }
    lua_pushvalue(L, lua_upvalueindex(COMPLAIN));
    lua_insert(L, 1);
    lua_xmove(thread, L, 1);
    lua_call(L, 2, 0);
}

/* wake(): what the loop calls when the poller's descriptor is readable. Resumes the coroutines for which something is ready. */
static int wake(lua_State *L) {
    sleepers *all = get_sleepers(L);
    lua_settop(L, 0);
    wake_all(L, all);
    while (all->next < all->last) {
        lua_rawgeti(L, lua_upvalueindex(AWAKE), ++all->next);
        lua_pushboolean(L, false);
        lua_rawseti(L, lua_upvalueindex(AWAKE), all->next);
        resume(L);
        lua_settop(L, 0);
    }
    all->next = all->last = 0;
    if (all->chained) {
        all->chained = false;
        lua_pushvalue(L, lua_upvalueindex(FINISH)); /* resumes those that WAKE_CHAIN has woken */
        lua_call(L, 0, 0);
    }
    if (all->count == 0) hold(L, all, false);
    return 0;
}

/* ---- for Lua ---------------------------------------------------------------------------------------------------- */

/* AWAKE has its memory from the beginning. */
static void push_places(lua_State *L) {
    lua_createtable(L, SCI_READY_MOST, 0);
    for (int i = 1; i <= SCI_READY_MOST; i++) {
        lua_pushboolean(L, false);
        lua_rawseti(L, -2, i);
    }
}

/* makeSleepers(poller, tickets, sleepInLua, wakeChain, finish, hold, complain): the functions sleep, wake and note. poller: nil
 * where all waits are Lua's. */
int sci_make_sleepers(lua_State *L) {
    lua_settop(L, COMPLAIN - 2);
    sleepers *all = lua_newuserdatauv(L, sizeof *all, 1);
    *all = (sleepers){.poller = luaL_testudata(L, 1, SCI_POLLER)};
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    lua_replace(L, 1);
    push_places(L);
    lua_insert(L, AWAKE);
    if (!sci_push_socket_classes(L)) lua_newtable(L);
    lua_insert(L, SOCKET_CLASSES);
    static const lua_CFunction functions[] = {fall_asleep, wake, note};
    for (int i = 0; i < 3; i++) {
        for (int upvalue = SLEEPERS; upvalue <= COMPLAIN; upvalue++) lua_pushvalue(L, upvalue);
        lua_pushcclosure(L, functions[i], COMPLAIN);
    }
    return 3;
}
