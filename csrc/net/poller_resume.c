/* poller_resume.c: one step of a task of scissl.scheduler: resumes its coroutine, and has the poller wait for what it yields. */
#include "net/poller.h"

#include <errno.h>

/* Upvalues of resume. */
enum { POLLER = 1, SOCKET_CLASSES };

/* Places on the stack: what the coroutine has yielded, or the scheduler gives it. */
enum { SOCKET = 1, EVENTS, DEADLINE, YIELDED = DEADLINE };

/* Whether the value is nil, or a number that can be compared. */
static bool is_deadline(lua_State *L, int index) {
    lua_Number seconds = lua_tonumber(L, index);
    return lua_isnil(L, index) || (lua_type(L, index) == LUA_TNUMBER && seconds <= seconds);
}

int sci_poller_find_simple(lua_State *L, const sci_poller *poller, int classes, short *events) {
    const char *text = lua_type(L, EVENTS) == LUA_TSTRING ? lua_tostring(L, EVENTS) : "";
    bool is_socket = poller && lua_type(L, SOCKET) == LUA_TUSERDATA && lua_getmetatable(L, SOCKET) &&
                     lua_rawget(L, classes) != LUA_TNIL;
    lua_settop(L, YIELDED);
    sci_socket *socket = is_socket && poller->way ? lua_touserdata(L, SOCKET) : NULL;
    int descriptor = socket ? sci_socket_descriptor(socket) : -1;
    bool known = (text[0] == 'r' || text[0] == 'w') && text[1] == 0 && is_deadline(L, DEADLINE);
    *events = text[0] == 'r' ? POLLIN : POLLOUT;
    return descriptor >= 0 && known && !sci_socket_base(socket)->borrowed ? descriptor : -1;
}

/* Arms the SciSocket at SOCKET. -1: it is not simple, or the system refuses: the scheduler finds out which. */
static int arm(lua_State *L) {
    sci_poller *poller = lua_touserdata(L, lua_upvalueindex(POLLER));
    short events;
    int descriptor = sci_poller_find_simple(L, poller, lua_upvalueindex(SOCKET_CLASSES), &events);
    return descriptor >= 0 && poller->way->arm(poller, descriptor, events, true) ? descriptor : -1;
}

/* Moves what was yielded, and pushes what `resume` returns. */
static int wait_for(lua_State *L, lua_State *thread, int count) {
    if (count > YIELDED) lua_pop(thread, count - YIELDED);
    lua_settop(L, 0);
    lua_xmove(thread, L, count < YIELDED ? count : YIELDED);
    lua_settop(L, YIELDED);
    int descriptor = arm(L);
    if (descriptor < 0) lua_pushboolean(L, false);
    else lua_pushinteger(L, descriptor);
    lua_insert(L, SOCKET);
    return YIELDED + 1;
}

/* nil, true; or nil, false and what was raised. */
static int end(lua_State *L, lua_State *thread, bool good, int count) {
    lua_settop(L, 0);
    lua_pushnil(L);
    lua_pushboolean(L, good);
    if (good) lua_pop(thread, count);
    else lua_xmove(thread, L, 1);
    return good ? 2 : 3;
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

/* Else it has ended, or coroutine.close has ended it. */
static bool has_not_begun(lua_State *thread) { return lua_gettop(thread) > 0; }

/* resume(thread, …): resumes a coroutine; one of newThread that has not begun gets its own arguments. Where it then waits for
 * one event of a SciSocket, the poller is armed. Returns the descriptor, or false: the scheduler arms the poller; and
 * `socket, events, deadline` as the coroutine has yielded them. Where it has ended, see `end`. Nothing here but the coroutine
 * needs memory once it has yielded. */
static int resume(lua_State *L) {
    lua_State *thread = lua_tothread(L, 1);
    int given = lua_gettop(L) - 1, count = 0;
    luaL_argexpected(L, thread, 1, "coroutine");
    if (lua_status(thread) == LUA_OK) given = has_not_begun(thread) ? lua_gettop(thread) - 1 : 0;
    else if (lua_checkstack(thread, given)) lua_xmove(L, thread, given);
    else return luaL_error(L, "too many arguments to resume");
    int status = lua_resume(thread, L, given, &count);
    if (status == LUA_YIELD) return wait_for(L, thread, count);
    return end(L, thread, status == LUA_OK, count);
}

/* makeResume(poller): `resume`, which arms nothing where that is no SciPoller. */
int sci_make_resume(lua_State *L) {
    lua_settop(L, 1);
    if (!luaL_testudata(L, 1, SCI_POLLER) || !sci_push_socket_classes(L)) {
        lua_settop(L, 0);
        lua_pushboolean(L, false); /* no userdata */
        lua_pushnil(L);
    }
    lua_pushcclosure(L, resume, SOCKET_CLASSES);
    return 1;
}
