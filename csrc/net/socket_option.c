/* socket_option.c: SciSocket: its options, its blocking mode, and whether programs inherit it. */
#include "net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/time.h>

typedef enum option_kind { A_BOOLEAN, AN_INTEGER, A_LINGER, A_TIME } option_kind;

typedef struct socket_option {
    const char *name;
    int level, code;
    option_kind kind;
} socket_option;

typedef struct option_value {
    union {
        int number;
        struct linger linger;
        struct timeval time;
    } as;
    socklen_t size;
} option_value;

static const socket_option options[] = {
    {"SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR, A_BOOLEAN},
#ifdef SO_REUSEPORT
    {"SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT, A_BOOLEAN},
#endif
    {"SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, A_BOOLEAN},
    {"SO_RCVBUF", SOL_SOCKET, SO_RCVBUF, AN_INTEGER},
    {"SO_SNDBUF", SOL_SOCKET, SO_SNDBUF, AN_INTEGER},
#ifdef SO_LINGER_SEC /* macOS counts SO_LINGER in clock ticks */
    {"SO_LINGER", SOL_SOCKET, SO_LINGER_SEC, A_LINGER},
#else
    {"SO_LINGER", SOL_SOCKET, SO_LINGER, A_LINGER},
#endif
    {"SO_ERROR", SOL_SOCKET, SO_ERROR, AN_INTEGER},
    {"SO_TYPE", SOL_SOCKET, SO_TYPE, AN_INTEGER},
    {"SO_RCVTIMEO", SOL_SOCKET, SO_RCVTIMEO, A_TIME},
    {"SO_SNDTIMEO", SOL_SOCKET, SO_SNDTIMEO, A_TIME},
    {"IPV6_V6ONLY", IPPROTO_IPV6, IPV6_V6ONLY, A_BOOLEAN},
    {"TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY, A_BOOLEAN},
#ifdef TCP_KEEPIDLE
    {"TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE, AN_INTEGER},
#elif defined(TCP_KEEPALIVE)
    {"TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPALIVE, AN_INTEGER},
#endif
#ifdef TCP_KEEPINTVL
    {"TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL, AN_INTEGER},
#endif
#ifdef TCP_KEEPCNT
    {"TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT, AN_INTEGER},
#endif
};

static const socket_option *find_option(const char *name) {
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (strcmp(options[i].name, name) == 0) return &options[i];
    return NULL;
}

static int fail_unknown(lua_State *L, const char *name) {
    return sci_socket_fail(L, &(sci_failure){.phase = "option",
                                             .condition = "unknown_option",
                                             .message = "this system has no such socket option",
                                             .subject = name});
}

/* ---- values ----------------------------------------------------------------------------------------------------- */

static socklen_t size_of(option_kind kind) {
    switch (kind) {
        case A_LINGER: return sizeof(struct linger);
        case A_TIME: return sizeof(struct timeval);
        default: return sizeof(int);
    }
}

static int check_int(lua_State *L, int index) {
    lua_Integer number = luaL_checkinteger(L, index);
    luaL_argcheck(L, number >= INT_MIN && number <= INT_MAX, index, "number out of range");
    return (int)number;
}

static struct linger check_linger(lua_State *L, int index) {
    struct linger linger = {0, 0};
    if (lua_isboolean(L, index) && !lua_toboolean(L, index)) return linger;
    lua_Integer seconds = luaL_checkinteger(L, index);
    luaL_argcheck(L, seconds >= 0 && seconds <= 0x7fff, index, "seconds from 0 to 32767, or false, expected");
    linger.l_onoff = 1;
    linger.l_linger = (int)seconds;
    return linger;
}

/* A time above 0 is never rounded to 0, which means no time-out. */
static struct timeval check_time(lua_State *L, int index) {
    lua_Number seconds = luaL_checknumber(L, index);
    if (!(seconds >= 0)) sci_refuse_negative(L, index, "number of seconds");
    luaL_argcheck(L, seconds <= INT_MAX, index, "fewer seconds expected");
    struct timeval time = {.tv_sec = (time_t)seconds};
    time.tv_usec = (suseconds_t)((seconds - (lua_Number)time.tv_sec) * 1e6);
    if (seconds > 0 && time.tv_sec == 0 && time.tv_usec == 0) time.tv_usec = 1;
    return time;
}

static option_value check_value(lua_State *L, int index, option_kind kind) {
    option_value value = {.size = size_of(kind)};
    switch (kind) {
        case A_BOOLEAN:
            luaL_checktype(L, index, LUA_TBOOLEAN);
            value.as.number = lua_toboolean(L, index);
            break;
        case AN_INTEGER: value.as.number = check_int(L, index); break;
        case A_LINGER: value.as.linger = check_linger(L, index); break;
        case A_TIME: value.as.time = check_time(L, index); break;
    }
    return value;
}

static void push_value(lua_State *L, const option_value *value, option_kind kind) {
    switch (kind) {
        case A_BOOLEAN: lua_pushboolean(L, value->as.number != 0); break;
        case AN_INTEGER: lua_pushinteger(L, value->as.number); break;
        case A_LINGER:
            if (value->as.linger.l_onoff) lua_pushinteger(L, value->as.linger.l_linger);
            else lua_pushboolean(L, false);
            break;
        case A_TIME:
            lua_pushnumber(L, (lua_Number)value->as.time.tv_sec + (lua_Number)value->as.time.tv_usec / 1e6);
            break;
    }
}

/* ---- methods ---------------------------------------------------------------------------------------------------- */

/* Reading SO_ERROR clears it: keep the error for the next TLS call, which checks the connection. */
static void remember_error(sci_socket *base, const socket_option *option, const option_value *value) {
    if (option->code != SO_ERROR || option->level != SOL_SOCKET || !base->connecting || value->as.number == 0) return;
    sci_socket_note_failure(base, value->as.number);
}

/***
Returns an option of the socket.
@function SciSocket:getSockOpt
@tparam string name `SO_REUSEADDR`, `SO_REUSEPORT`, `SO_KEEPALIVE`, `TCP_NODELAY`, `IPV6_V6ONLY` (booleans);
 `SO_RCVBUF`, `SO_SNDBUF`, `SO_ERROR` (an errno, which reading clears; 0: none), `SO_TYPE`, `TCP_KEEPIDLE`, `TCP_KEEPINTVL`
 (seconds), `TCP_KEEPCNT` (integers); `SO_LINGER` (seconds, or false); `SO_RCVTIMEO`, `SO_SNDTIMEO` (seconds, 0: none)
@return[1] its value
@treturn[2] nil
@treturn[2] SciSslError phase `option`; `unknown_option` where the system has no such option
@see getsockopt(2)
*/
static int socket_get_sock_opt(lua_State *L) {
    sci_socket *base = sci_socket_base(sci_check_socket(L, 1));
    const char *name = sci_check_text(L, 2);
    const socket_option *option = find_option(name);
    if (base->fd < 0) return sci_socket_fail_closed(L, "option");
    if (!option) return fail_unknown(L, name);
    option_value value = {.size = size_of(option->kind)};
    if (getsockopt(base->fd, option->level, option->code, &value.as, &value.size) != 0)
        return sci_socket_fail_system(L, "option", name, errno);
    remember_error(base, option, &value);
    push_value(L, &value, option->kind);
    return 1;
}

/***
Sets an option of the socket.
@function SciSocket:setSockOpt
@tparam string name as for `getSockOpt`
@param value of the type that `getSockOpt` returns
@treturn[1] SciSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError phase `option`; `unknown_option` where the system has no such option
@see setsockopt(2)
*/
static int socket_set_sock_opt(lua_State *L) {
    const sci_socket *base = sci_socket_base(sci_check_socket(L, 1));
    const char *name = sci_check_text(L, 2);
    const socket_option *option = find_option(name);
    if (base->fd < 0) return sci_socket_fail_closed(L, "option");
    if (!option) return fail_unknown(L, name);
    option_value value = check_value(L, 3, option->kind);
    if (setsockopt(base->fd, option->level, option->code, &value.as, value.size) != 0)
        return sci_socket_fail_system(L, "option", name, errno);
    return sci_return_receiver(L);
}

/* ---- the descriptor's flags -------------------------------------------------------------------------------------- */

/***
Sets whether calls on the socket wait. A new socket is blocking.
@function SciSocket:setBlocking
@tparam boolean blocking
@treturn[1] SciSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError `closed`
@see fcntl(2), O_NONBLOCK
*/
static int socket_set_blocking(lua_State *L) {
    sci_socket *socket = sci_check_socket(L, 1);
    luaL_checktype(L, 2, LUA_TBOOLEAN);
    if (sci_socket_descriptor(socket) < 0) return sci_socket_fail_closed(L, "option");
    if (sci_socket_set_blocking(socket, lua_toboolean(L, 2))) return sci_return_receiver(L);
    return sci_socket_fail_system(L, "option", NULL, errno);
}

/***
Sets whether programs that are started later inherit the descriptor. By default they do not. Several processes can serve one
listening socket that they inherit (`scissl.listen { socket = descriptor }`).
@function SciSocket:setInheritable
@tparam boolean inheritable
@treturn[1] SciSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError `closed`
@see fcntl(2), FD_CLOEXEC
*/
static int socket_set_inheritable(lua_State *L) {
    sci_socket *base = sci_socket_base(sci_check_socket(L, 1));
    luaL_checktype(L, 2, LUA_TBOOLEAN);
    int descriptor = base->fd;
    if (descriptor < 0) return sci_socket_fail_closed(L, "option");
    sci_socket_expose(base);
    if (fcntl(descriptor, F_SETFD, lua_toboolean(L, 2) ? 0 : FD_CLOEXEC) == 0) return sci_return_receiver(L);
    return sci_socket_fail_system(L, "option", NULL, errno);
}

/***
Tells whether calls on the socket wait. A change by a forked process is seen only after `getfd`, `pollfd` or
`setInheritable` has been called.
@function SciSocket:isBlocking
@treturn[1] boolean
@treturn[2] nil
@treturn[2] SciSslError `closed`
*/
static int socket_is_blocking(lua_State *L) {
    const sci_socket *socket = sci_check_socket(L, 1);
    if (sci_socket_descriptor(socket) < 0) return sci_socket_fail_closed(L, "option");
    lua_pushboolean(L, sci_socket_blocking(socket));
    return 1;
}

static const luaL_Reg option_methods[] = {
    {"getSockOpt", socket_get_sock_opt},        {"setSockOpt", socket_set_sock_opt},
    {"setBlocking", socket_set_blocking},       {"isBlocking", socket_is_blocking},
    {"setInheritable", socket_set_inheritable}, {NULL, NULL},
};

void sci_open_socket_option(lua_State *L) { luaL_setfuncs(L, option_methods, 0); }
