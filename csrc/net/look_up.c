/* look_up.c: SciLookUp: the look-up of a host that does not block its caller. */
#include "net/resolver.h"

#include <errno.h>
#include <unistd.h>

/***
The look-up of a host that runs in a thread of its own, so that it does not block the caller: its descriptor becomes readable
when it is finished. `scissl.connect` uses it. A process has at most 16 such threads; further look-ups wait for one.
@classmod SciLookUp
*/

typedef struct sci_look_up {
    sci_query *query; /* NULL: closed */
    int descriptor;   /* -1: there is nothing to wait for */
} sci_look_up;

static sci_look_up *to_look_up(lua_State *L) { return luaL_checkudata(L, 1, SCI_LOOK_UP); }

/***
Begins to look up the addresses of a host. The time-outs are the system resolver's; `close` ends the wait at any time.
@function SciLookUp.new
@tparam string host a name, or an address
@param port an integer from 0 to 65535, or the name of a service
@tparam[opt] string family `inet` or `inet6`; both by default
@treturn[1] SciLookUp
@treturn[2] nil
@treturn[2] SciSslError phase `resolve`: too many open files
@see getaddrinfo(3)
*/
static int look_up_new(lua_State *L) {
    char digits[SCI_PORT_DIGITS];
    const char *host = sci_check_text(L, 1);
    const char *service = sci_check_port(L, 2, digits);
    int family = sci_check_family(L, 3);
    sci_look_up *self = sci_new_object(L, SCI_LOOK_UP, sizeof *self, 0);
    self->descriptor = -1;
    self->query = sci_query_new(host, service, family);
    if (!self->query) return sci_socket_fail_system(L, "resolve", host, ENOMEM);
    if (sci_query_address(self->query) || sci_query_begin(self->query, &self->descriptor)) return 1;
    return sci_socket_fail_system(L, "resolve", host, errno);
}

static int fail_unfinished(lua_State *L, const sci_look_up *self) {
    return sci_socket_fail(L, &(sci_failure){.phase = "resolve",
                                             .condition = "not_ready",
                                             .message = "not ready: wait until the look-up is readable",
                                             .subject = sci_query_host(self->query),
                                             .ssl_error = SSL_ERROR_WANT_READ});
}

static int fail_forked(lua_State *L, const sci_look_up *self) {
    return sci_socket_fail(L, &(sci_failure){.phase = "resolve",
                                             .condition = "resolver_failed",
                                             .message = "the process was forked during the look-up: begin another one",
                                             .subject = sci_query_host(self->query)});
}

/***
Returns the addresses of the host, best first, once the look-up is finished.
@function SciLookUp:result
@treturn[1] {table,...} as `SciSocket.resolve`
@treturn[2] nil
@treturn[2] SciSslError phase `resolve`: `not_ready`: wait until the look-up is readable; `closed`; or as
 `SciSocket.resolve`
*/
static int look_up_result(lua_State *L) {
    const sci_look_up *self = to_look_up(L);
    sci_found found;
    sci_failure failure;
    if (!self->query) return sci_socket_fail_closed(L, "resolve");
    if (!sci_query_finished(self->query, &found)) return fail_unfinished(L, self);
    if (found.forked) return fail_forked(L, self);
    if (found.list) return sci_push_addresses(L, found.list);
    sci_explain_resolver(&failure, sci_query_host(self->query), found.code, found.system_errno);
    return sci_socket_fail(L, &failure);
}

/***
Returns the descriptor that becomes readable when the look-up is finished. Do not read from it.
@function SciLookUp:getfd
@treturn integer -1 where there is nothing to wait for: the host is an address, or the look-up is closed
*/
static int look_up_getfd(lua_State *L) {
    lua_pushinteger(L, to_look_up(L)->descriptor);
    return 1;
}

/* The query goes first: after a fork the child must not touch a descriptor that is no longer the query's. */
static void release(lua_State *L, sci_look_up *self) {
    sci_query *query = self->query;
    int descriptor = self->descriptor;
    self->query = NULL;
    self->descriptor = -1;
    if (query) sci_query_release(query);
    if (descriptor < 0) return;
    sci_poller_forget(sci_get_state(L), descriptor);
    (void)close(descriptor);
}

/***
Ends the look-up: its result is no longer wanted. Harmless twice. Leaving the scope of a `<close>` variable does the same.
@function SciLookUp:close
@treturn boolean true
*/
static int look_up_close(lua_State *L) {
    sci_look_up *self = to_look_up(L);
    if (self->descriptor >= 0) sci_notify_closing(L, 1); /* a loop may be waiting for this one */
    if (sci_may_free(L)) release(L, self);
    lua_pushboolean(L, true);
    return 1;
}

static int look_up_tostring(lua_State *L) {
    const sci_look_up *self = to_look_up(L);
    sci_found found;
    bool finished = self->query && sci_query_finished(self->query, &found);
    if (!self->query) lua_pushliteral(L, SCI_LOOK_UP ": closed");
    else lua_pushfstring(L, SCI_LOOK_UP ": %s%s", sci_query_host(self->query), finished ? ", finished" : "");
    return 1;
}

static const luaL_Reg look_up_functions[] = {{"new", look_up_new}, {NULL, NULL}};

static const luaL_Reg look_up_methods[] = {
    {"result", look_up_result},
    {"getfd", look_up_getfd},
    {"close", look_up_close},
    {NULL, NULL},
};

static const luaL_Reg look_up_metamethods[] = {
    {"__gc", look_up_close},
    {"__close", look_up_close},
    {"__tostring", look_up_tostring},
    {NULL, NULL},
};

void sci_open_look_up(lua_State *L) {
    sci_new_class(L, SCI_LOOK_UP, look_up_functions, look_up_methods, look_up_metamethods);
}
