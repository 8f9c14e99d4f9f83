/* signals.c: SciSignals: waits for signals as for a socket. */
#include "net/signals.h"
#include "net/socket.h"

#include <errno.h>
#include <string.h>

/***
Waits for signals as for a socket: in every loop, beside connections. A handler in C notes that a signal has arrived; no Lua
runs in it.
@classmod SciSignals
*/

static sci_signals *to_signals(lua_State *L) { return luaL_checkudata(L, 1, SCI_SIGNALS); }

/* ---- what ends the objects of a lua_State ------------------------------------------------------------------------ */

static const char owner_key = 0; /* its address: registry key of the owner */

/* lua_close runs this after the finalizers of all objects that were made later, but those made by a finalizer have no
 * finalizer of their own: a handler would stay, and core.so would not. */
static int owner_gc(lua_State *L) {
    bool *ended = lua_touserdata(L, 1);
    *ended = true;
    sci_signals_end_all(ended);
    return 0;
}

/* Returns the owner of the lua_State's objects; NULL: lua_close has ended it. */
static const bool *find_owner(lua_State *L) {
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &owner_key) != LUA_TUSERDATA) {
        lua_pop(L, 1);
        bool *ended = lua_newuserdatauv(L, sizeof *ended, 0);
        *ended = false;
        lua_createtable(L, 0, 1);
        lua_pushcfunction(L, owner_gc);
        lua_setfield(L, -2, "__gc");
        lua_setmetatable(L, -2);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &owner_key);
    }
    const bool *owner = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return *owner ? NULL : owner;
}

/* ---- making ------------------------------------------------------------------------------------------------------ */

static unsigned int check_signal(lua_State *L, int index) {
    const char *name = sci_check_text(L, index);
    int found = sci_signal_find(name);
    if (found < 0) luaL_argerror(L, index, lua_pushfstring(L, "a program cannot wait for the signal '%s'", name));
    return 1u << found;
}

/***
Makes a SciSignals, which catches signals from now on. `scissl.signals.new` does the same and takes a waiter.
@function SciSignals.new
@tparam string ... names of signals (see `scissl.signals.new`)
@treturn[1] SciSignals
@treturn[2] nil
@treturn[2] SciSslError phase `open`: too many open files
@raise for no name, and for names of other signals
*/
static int signals_new(lua_State *L) {
    int count = lua_gettop(L);
    unsigned int set = 0;
    luaL_checkstring(L, 1);
    for (int i = 1; i <= count; i++) set |= check_signal(L, i);
    const bool *owner = find_owner(L);
    if (!owner) return sci_socket_fail_closed(L, "open");
    sci_signals *signals = sci_new_object(L, SCI_SIGNALS, sizeof *signals, 0);
    signals->reader = signals->writer = -1;
    if (!sci_signals_begin(signals, set, owner)) return sci_socket_fail_system(L, "open", NULL, errno);
    return 1;
}

/* ---- using ------------------------------------------------------------------------------------------------------- */

static int fail_foreign(lua_State *L) {
    return sci_socket_fail(L, &(sci_failure){.phase = "wait",
                                             .condition = "other_process",
                                             .message = "the process that forked this one made the object"});
}

static int fail_not_ready(lua_State *L) {
    return sci_socket_fail(L, &(sci_failure){.phase = "wait",
                                             .condition = "not_ready",
                                             .message = "no signal has arrived",
                                             .ssl_error = SSL_ERROR_WANT_READ});
}

/***
Returns the signal that arrived first, without waiting, and forgets it. A signal that arrives several times before that counts
once.
@function SciSignals:take
@treturn[1] string its name
@treturn[2] nil
@treturn[2] SciSslError phase `wait`: `not_ready` (no signal has arrived), `closed`; `other_process` in a child that `fork` made
*/
static int signals_take(lua_State *L) {
    sci_signals *signals = to_signals(L);
    if (signals->reader < 0) return sci_socket_fail_closed(L, "wait");
    if (!sci_signals_are_own(signals)) return fail_foreign(L);
    int found = sci_signals_take(signals);
    if (found >= 0) {
        lua_pushstring(L, sci_signal_name(found));
        return 1;
    }
    if (sci_would_block(errno)) return fail_not_ready(L);
    return sci_socket_fail_system(L, "wait", NULL, errno);
}

/***
Returns the descriptor that is readable when a signal has arrived, for event loops. Read it with `take` alone.
@function SciSignals:getfd
@treturn integer -1 once closed, and in a child that `fork` made
*/
static int signals_getfd(lua_State *L) {
    const sci_signals *signals = to_signals(L);
    lua_pushinteger(L, sci_signals_are_own(signals) ? signals->reader : -1);
    return 1;
}

/***
Handles the signals as before this object was made, unless another object waits for them, or other code has set a handler
since. A wait ends with the condition `closed`. Calling it again does nothing. The collector does the same.
@function SciSignals:close
@treturn boolean true
@see sigaction(2)
*/
static int signals_close(lua_State *L) {
    sci_signals *signals = to_signals(L);
    if (signals->reader >= 0 && sci_signals_are_own(signals)) sci_notify_closing(L, 1);
    sci_signals_end(signals);
    lua_pushboolean(L, true);
    return 1;
}

static int signals_tostring(lua_State *L) {
    const sci_signals *signals = to_signals(L);
    unsigned int set = signals->reader < 0 ? 0 : signals->set;
    int pieces = 1;
    lua_pushliteral(L, SCI_SIGNALS ":");
    for (int i = 0; sci_signal_name(i); i++)
        if (set & 1u << i) {
            lua_pushfstring(L, " %s", sci_signal_name(i));
            pieces++;
        }
    lua_concat(L, pieces);
    if (!set) lua_pushliteral(L, SCI_SIGNALS ": closed");
    return 1;
}

static const luaL_Reg signals_functions[] = {
    {"new", signals_new},
    {NULL, NULL},
};

static const luaL_Reg signals_methods[] = {
    {"take", signals_take},
    {"getfd", signals_getfd},
    {"close", signals_close},
    {NULL, NULL},
};

static const luaL_Reg signals_metamethods[] = {
    {"__gc", signals_close},
    {"__close", signals_close},
    {"__tostring", signals_tostring},
    {NULL, NULL},
};

void sci_open_signals(lua_State *L) {
    sci_new_class(L, SCI_SIGNALS, signals_functions, signals_methods, signals_metamethods);
}
