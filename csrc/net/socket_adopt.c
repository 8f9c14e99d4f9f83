/* socket_adopt.c: SciSocket.on: sockets that other libraries have made: a descriptor, or an object that has one. */
#include "net/socket.h"

#include <errno.h>
#include <limits.h>

#define MOST_OBJECTS 4 /* how often an object may return another object for its descriptor */

/* ---- the descriptor of a value ---------------------------------------------------------------------------------- */

bool sci_may_have_descriptor(lua_State *L, int index) {
    int type = lua_type(L, index);
    return type == LUA_TNUMBER || type == LUA_TTABLE || (type == LUA_TUSERDATA && !sci_is_error(L, index));
}

/* Replaces the object at 1 by what its getfd, fileno or pollfd returns. False: it has none of them. */
static bool ask_once(lua_State *L) {
    static const char *const names[] = {"getfd", "fileno", "pollfd", NULL};
    for (const char *const *name = names; *name; name++) {
        if (lua_getfield(L, 1, *name) == LUA_TFUNCTION) {
            lua_insert(L, 1);
            lua_call(L, 1, 1);
            return true;
        }
        lua_pop(L, 1);
    }
    return false;
}

/* Runs under lua_pcall. Returns what the object gives for its descriptor; nothing if it has none of the methods. */
static int ask_object(lua_State *L) {
    for (int i = 0; i < MOST_OBJECTS; i++) {
        if (lua_type(L, 1) != LUA_TUSERDATA && lua_type(L, 1) != LUA_TTABLE) return 1;
        if (!ask_once(L)) return 0;
    }
    return 1;
}

static bool is_descriptor(lua_Integer number) { return number >= 0 && number <= INT_MAX; }

static bool find_in_object(lua_State *L, int index, int *descriptor, sci_failure *failure) {
    int top = lua_gettop(L), is_integer;
    lua_pushcfunction(L, ask_object);
    lua_pushvalue(L, index);
    if (lua_pcall(L, 1, LUA_MULTRET, 0) != LUA_OK) {
        failure->cause = top + 1;
        return sci_refuse(failure, "not_a_socket", "the object raised an error when it was asked for its descriptor");
    }
    if (lua_gettop(L) == top)
        return sci_refuse(failure, "not_a_socket",
                          "expected an object with getfd, fileno or pollfd: this one has none of them");
    lua_Integer number = lua_tointegerx(L, -1, &is_integer);
    lua_settop(L, top);
    *descriptor = is_integer && is_descriptor(number) ? (int)number : -1;
    return *descriptor >= 0 || sci_refuse(failure, "closed", "the object has no open descriptor");
}

bool sci_find_descriptor(lua_State *L, int index, int *descriptor, sci_failure *failure) {
    index = lua_absindex(L, index);
    if (lua_type(L, index) == LUA_TNUMBER) {
        lua_Integer number = luaL_checkinteger(L, index);
        *descriptor = is_descriptor(number) ? (int)number : -1;
        return *descriptor >= 0 || sci_refuse(failure, "closed", "the number is not an open descriptor");
    }
    if (!sci_is_socket(L, index)) return find_in_object(L, index, descriptor, failure);
    *descriptor = sci_socket_descriptor(lua_touserdata(L, index));
    return *descriptor >= 0 || sci_refuse(failure, "closed", "used after close");
}

/* ---- adopting --------------------------------------------------------------------------------------------------- */

static bool check_kind(int kind, sci_failure *failure) {
    if (kind == SOCK_STREAM || kind == SOCK_DGRAM) return true;
    if (kind >= 0)
        return sci_refuse(failure, "not_a_stream", "it is a socket neither for a stream (TCP) nor for datagrams (UDP)");
    failure->system_errno = errno;
    failure->ssl_error = SSL_ERROR_SYSCALL;
    if (errno == ENOTSOCK) return sci_refuse(failure, "not_a_socket", "the descriptor is not a socket");
    return sci_refuse(failure, NULL, "the descriptor is not open");
}

static bool adopt(lua_State *L, int self, int index, sci_failure *failure) {
    sci_socket *socket = lua_touserdata(L, self);
    sci_socket *lower = sci_is_socket(L, index) ? lua_touserdata(L, index) : NULL;
    bool borrowed = lua_type(L, index) != LUA_TNUMBER;
    int descriptor;
    if (!sci_find_descriptor(L, index, &descriptor, failure)) return false;
    int kind = lower ? 0 : sci_descriptor_option(descriptor, SO_TYPE);
    if (!lower && !check_kind(kind, failure)) return false;
    if (!borrowed) {
        sci_descriptor_prepare(descriptor);
    } else {
        sci_descriptor_silence(descriptor);
        lua_pushvalue(L, index);
        lua_setiuservalue(L, self, SCI_SOCKET_OWNER);
    }
    sci_socket_take(socket, descriptor, borrowed, lower);
    if (kind == SOCK_DGRAM) sci_socket_note_datagram(socket);
    if (!lower) sci_socket_learn_state(socket);
    return true;
}

bool sci_socket_adopt(lua_State *L, int self, int index) {
    int top = lua_gettop(L);
    sci_failure failure = {.phase = "adopt"};
    if (!sci_may_have_descriptor(L, index)) luaL_typeerror(L, index, "SciSocket, descriptor or object with getfd");
    if (adopt(L, self, lua_absindex(L, index), &failure)) return true;
    sci_clear_errors();
    sci_push_error(L, &failure);
    lua_insert(L, top + 1);
    lua_settop(L, top + 1);
    return false;
}

/* Gives the socket at `self` a duplicate of the borrowed descriptor, which it owns. False: errno says why. */
static bool take_over(lua_State *L, int self) {
    sci_socket *socket = lua_touserdata(L, self);
    int descriptor = sci_descriptor_duplicate(sci_socket_descriptor(socket));
    if (descriptor < 0) return false;
    sci_socket_take_over(socket, descriptor);
    sci_descriptor_prepare(descriptor);
    lua_pushnil(L);
    lua_setiuservalue(L, self, SCI_SOCKET_OWNER);
    return true;
}

/***
Adopts a socket that another library has made. Its blocking mode stays as it is.
@function SciSocket.on
@param transport a descriptor number, which the SciSocket then owns; or a SciSocket or any object with `getfd`, `fileno` or
 `pollfd` (LuaSocket, luv, cqueues), which stays alive and still owns its descriptor: `close` calls the object's `close`
@tparam[opt=false] boolean own takes a duplicate of the object's descriptor, close-on-exec, and releases the object
@treturn[1] SciSocket
@treturn[2] nil
@treturn[2] SciSslError phase `adopt`: `not_a_socket`, `not_a_stream`, `closed`
*/
static int socket_on(lua_State *L) {
    bool own = lua_toboolean(L, 2);
    lua_settop(L, 1);
    const sci_socket *socket = sci_new_socket(L);
    if (!sci_socket_adopt(L, 2, 1)) return sci_return_pushed_error(L);
    if (!own || !socket->borrowed || take_over(L, 2)) return 1;
    return sci_socket_fail_system(L, "adopt", NULL, errno);
}

static const luaL_Reg adopt_functions[] = {{"on", socket_on}, {NULL, NULL}};

void sci_open_socket_adopt(lua_State *L) { luaL_setfuncs(L, adopt_functions, 0); }
