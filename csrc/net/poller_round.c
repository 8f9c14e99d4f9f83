/* poller_round.c: a round of scissl.scheduler, as far as it needs no function in Lua: makes those tasks ready whose sockets are,
 * resumes their coroutines, and has the poller wait for what these yield. All else is left to lua/scissl/loop/scheduler.lua, which
 * goes on here afterwards. A step may run within another one, and may be ended by an error, as of memory that runs out: so
 * the state of the round is in the scheduler, and right before every call of anything else. */
#include "net/poller.h"

/* Upvalues of runTasks. */
enum { POLLER = 1, SOCKET_CLASSES };

/* Places of a scheduler. */
enum { WAITS = 1, QUEUE, QUEUED, ROUND, NEXT, UNSETTLED, READY, NEXT_READY, LAST_READY };

/* Places of a task. */
enum { THREAD = 1, DESCRIPTOR, EVENTS, FOLLOWING, DEADLINE, AT, PLACE, RESULT = EVENTS, REASON = FOLLOWING };

static bool is_set(lua_State *L, int table, int place) {
    lua_rawgeti(L, table, place);
    bool set = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return set;
}

static void set_false(lua_State *L, int table, lua_Integer place) {
    lua_pushboolean(L, false);
    lua_rawseti(L, table, place);
}

static lua_Integer get_integer(lua_State *L, int place) {
    lua_rawgeti(L, 1, place);
    lua_Integer number = lua_tointeger(L, -1);
    lua_pop(L, 1);
    return number;
}

static void set_integer(lua_State *L, int place, lua_Integer number) {
    lua_pushinteger(L, number);
    lua_rawseti(L, 1, place);
}

/* newThread(f, …): a coroutine that has its arguments already, which takes no table to keep them. */
int sci_new_thread(lua_State *L) {
    int count = lua_gettop(L);
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_State *thread = lua_newthread(L);
    if (!lua_checkstack(thread, count)) return luaL_error(L, "too many arguments");
    lua_insert(L, 1);
    lua_xmove(L, thread, count);
    return 1;
}

/* ---- making tasks ready ----------------------------------------------------------------------------------------- */

/* Places on the stack in wake_ready. */
enum { W_SELF = 1, W_WAITS, W_QUEUE, W_READY, W_DESCRIPTOR, W_EVENTS, W_TASK };

/* Whether the task at W_TASK waits alone for its descriptor, and for these events. */
static bool is_alone(lua_State *L) {
    if (!lua_istable(L, W_TASK) || is_set(L, W_TASK, FOLLOWING)) return false;
    lua_rawgeti(L, W_TASK, EVENTS);
    return lua_rawequal(L, -1, W_EVENTS);
}

/* Puts the task at the place `size` of the queue. Only its growth needs memory, and comes first. */
static void make_ready(lua_State *L, lua_Integer descriptor, lua_Integer size) {
    lua_pushvalue(L, W_TASK);
    lua_rawseti(L, W_QUEUE, size);
    set_integer(L, QUEUED, size);
    set_false(L, W_WAITS, descriptor);
    set_false(L, W_TASK, DESCRIPTOR);
    set_false(L, W_TASK, DEADLINE);
    lua_pushboolean(L, true);
    lua_rawseti(L, W_TASK, RESULT);
}

/* wakeReady(scheduler): makes the tasks ready whose descriptors the poller has returned. Returns nothing; or the first descriptor,
 * and its events, that no task waits for alone: wakeReady is to be called again behind it. Where memory runs out, it is called
 * again with the same list: what was woken waits no more. */
int sci_wake_ready(lua_State *L) {
    lua_settop(L, W_SELF);
    luaL_checktype(L, W_SELF, LUA_TTABLE);
    lua_rawgeti(L, W_SELF, WAITS);
    lua_rawgeti(L, W_SELF, QUEUE);
    lua_rawgeti(L, W_SELF, READY);
    lua_Integer last = get_integer(L, LAST_READY), size = get_integer(L, QUEUED);
    for (lua_Integer i = get_integer(L, NEXT_READY); i <= last; i += 2) {
        lua_rawgeti(L, W_READY, i);
        lua_rawgeti(L, W_READY, i + 1);
        lua_Integer descriptor = lua_tointeger(L, W_DESCRIPTOR);
        lua_rawgeti(L, W_WAITS, descriptor);
        if (!is_alone(L)) {
            set_integer(L, NEXT_READY, i);
            lua_settop(L, W_EVENTS);
            return 2;
        }
        make_ready(L, descriptor, ++size);
        lua_settop(L, W_READY);
    }
    set_integer(L, LAST_READY, 0);
    set_integer(L, NEXT_READY, 1);
    return 0;
}

/* ---- running them ----------------------------------------------------------------------------------------------- */

/* Places on the stack in run_tasks: the task, and what its coroutine has yielded. */
enum { SELF = 1, TASK, SOCKET, WANTED, UNTIL };

/* Puts the next task of the round at TASK. False: there is none. */
static bool find_task(lua_State *L) {
    lua_settop(L, SELF);
    lua_rawgeti(L, SELF, ROUND);
    lua_rawgeti(L, SELF, NEXT);
    lua_Integer next = lua_tointeger(L, -1);
    if (lua_rawgeti(L, SELF + 1, next) != LUA_TTABLE) return false;
    lua_pushnil(L);
    lua_rawseti(L, SELF + 1, next);
    lua_pushinteger(L, next + 1);
    lua_rawseti(L, SELF, NEXT);
    lua_replace(L, TASK);
    return true;
}

#define RUNS (-1) /* no status of Lua: the program has begun the coroutine, which runs this step */

/* What a coroutine of newThread that has not begun is given: its own arguments. 0: it has ended, or coroutine.close has ended
 * it. */
static int count_arguments(lua_State *thread) { return lua_gettop(thread) > 0 ? lua_gettop(thread) - 1 : 0; }

static bool is_running(lua_State *thread) {
    lua_Debug call;
    return lua_getstack(thread, 0, &call) == 1;
}

/* Resumes the coroutine of the task, with its result, or the first time with its arguments. `count`: of the values that it has
 * yielded or returned. */
static int resume(lua_State *L, lua_State *thread, int *count) {
    int given = 2;
    if (lua_status(thread) == LUA_OK) {
        if (is_running(thread)) return RUNS; /* lua_resume would take what stands on its stack */
        given = count_arguments(thread);
    } else if (lua_checkstack(thread, given)) {
        lua_rawgeti(L, TASK, RESULT);
        if (lua_isboolean(L, -1) && lua_toboolean(L, -1)) given = 1; /* there is no reason */
        else lua_rawgeti(L, TASK, REASON);
        lua_xmove(L, thread, given);
    } else return luaL_error(L, "not enough memory for the stack of a coroutine");
    return lua_resume(thread, L, given, count);
}

/* Pushes what the coroutine has yielded, which needs no memory. */
static void take_yielded(lua_State *L, lua_State *thread, int count) {
    const int most = UNTIL - TASK;
    if (count > most) lua_pop(thread, count - most);
    lua_xmove(thread, L, count < most ? count : most);
    lua_settop(L, UNTIL);
}

/* Whether the alarm of the task need not be set: it rings before the deadline, and then looks at that. */
static bool has_alarm(lua_State *L) {
    lua_rawgeti(L, TASK, AT);
    bool early = is_set(L, TASK, PLACE) && lua_tonumber(L, -1) <= lua_tonumber(L, UNTIL);
    lua_pop(L, 1);
    return early;
}

/* Makes the task wait for one event of a SciSocket, for which no other task waits, and one has waited before: so nothing needs
 * memory. False: it wants something else. */
static bool wait_alone(lua_State *L) {
    sci_poller *poller = lua_touserdata(L, lua_upvalueindex(POLLER));
    short events;
    int descriptor = sci_poller_find_simple(L, SOCKET, poller, lua_upvalueindex(SOCKET_CLASSES), &events);
    if (descriptor < 0 || (!lua_isnil(L, UNTIL) && !has_alarm(L))) return false;
    lua_rawgeti(L, SELF, WAITS);
    if (lua_rawgeti(L, -1, descriptor) != LUA_TBOOLEAN) return false;
    if (!poller->way->arm(poller, descriptor, events, true)) return false;
    lua_pushvalue(L, TASK);
    lua_rawseti(L, -3, descriptor);
    lua_pushvalue(L, WANTED);
    lua_rawseti(L, TASK, EVENTS);
    set_false(L, TASK, FOLLOWING);
    lua_pushinteger(L, descriptor);
    lua_rawseti(L, TASK, DESCRIPTOR);
    if (lua_isnil(L, UNTIL)) return true;
    lua_pushvalue(L, UNTIL);
    lua_rawseti(L, TASK, DEADLINE);
    return true;
}

/* task, true, good and what was raised. */
static int end(lua_State *L, lua_State *thread, int status, int count) {
    bool good = status == LUA_OK;
    lua_pushboolean(L, true);
    lua_pushboolean(L, good);
    if (good) lua_pop(thread, count);
    else if (status == RUNS) lua_pushliteral(L, "cannot resume non-suspended coroutine");
    else lua_xmove(thread, L, 1);
    return good ? 3 : 4;
}

/* task, false, and what it has yielded. */
static int want(lua_State *L) {
    lua_settop(L, UNTIL);
    lua_pushvalue(L, TASK);
    lua_rawseti(L, SELF, UNSETTLED);
    lua_pushboolean(L, false);
    lua_insert(L, SOCKET);
    return UNTIL;
}

/* runTasks(scheduler): runs the tasks of the round. Returns nothing when all have run; or the first one that has ended, or wants
 * something that is not done here: task, true, good, raised; or task, false, and `socket, events, deadline` as it has yielded them.
 * Then it is UNSETTLED, until it waits. */
static int run_tasks(lua_State *L) {
    luaL_checktype(L, SELF, LUA_TTABLE);
    while (find_task(L)) {
        lua_rawgeti(L, TASK, THREAD);
        lua_State *thread = lua_tothread(L, -1);
        int count = 0, status = resume(L, thread, &count);
        lua_settop(L, TASK);
        if (status != LUA_YIELD) return end(L, thread, status, count);
        take_yielded(L, thread, count);
        if (!wait_alone(L)) return want(L);
    }
    return 0;
}

/* makeRunTasks(poller): `runTasks`, which leaves all waits to Lua where that is no SciPoller. */
int sci_make_run_tasks(lua_State *L) {
    lua_settop(L, 1);
    if (!luaL_testudata(L, 1, SCI_POLLER) || !sci_push_socket_classes(L)) {
        lua_settop(L, 0);
        lua_pushboolean(L, false); /* no userdata */
        lua_pushnil(L);
    }
    lua_pushcclosure(L, run_tasks, SOCKET_CLASSES);
    return 1;
}
