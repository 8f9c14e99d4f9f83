/* error_class.c: SciSslError, what went wrong, as a value: the class and its methods. */
#include "base/error.h"

#include <limits.h>

/***
What went wrong, as a value. `tostring` is one line that tells a person what to do, `condition` a short name for programs.
@classmod SciSslError
*/

bool sci_is_error(lua_State *L, int index) { return luaL_testudata(L, index, SCI_ERROR) != NULL; }

int sci_error_ssl_error(lua_State *L, int index) {
    lua_getiuservalue(L, index, SCI_ERROR_FIELDS);
    lua_getfield(L, -1, "sslError");
    int ssl_error = (int)lua_tointeger(L, -1);
    lua_pop(L, 2);
    return ssl_error;
}

void sci_error_set_data(lua_State *L) {
    lua_getiuservalue(L, -2, SCI_ERROR_FIELDS);
    lua_insert(L, -2);
    lua_setfield(L, -2, "data");
    lua_pop(L, 1);
}

/* ---- methods ---------------------------------------------------------------------------------------------------- */

/* Pushes the table of fields of the SciSslError at index 1, or raises. */
static void push_fields(lua_State *L) {
    luaL_checkudata(L, 1, SCI_ERROR);
    lua_getiuservalue(L, 1, SCI_ERROR_FIELDS);
}

static int push_two_fields(lua_State *L, const char *first, const char *second) {
    push_fields(L);
    lua_getfield(L, 2, first);
    lua_getfield(L, 2, second);
    return 2;
}

/* The number at `index` as an int; 0 for nil. */
static int number_option(lua_State *L, int index, const char *name) {
    lua_Integer number = luaL_optinteger(L, index, 0);
    if (number < INT_MIN || number > INT_MAX)
        luaL_argerror(L, 1, lua_pushfstring(L, "field '%s' is out of range", name));
    return (int)number;
}

/***
Makes a SciSslError from Lua, for failures above the C core.
@function SciSslError.new
@tparam table fields `phase`, `condition`, `message`, `subject`, `peer` (strings), `sslError`, `errno`, `verifyResult`
 (integers), `cause` (any value), `traceback` (string); each may be missing
@treturn SciSslError
@raise for a field of another name or type
*/
static int error_new(lua_State *L) {
    static const char *const known[] = {"phase", "condition",    "message",   "subject", "sslError", "errno",
                                        "cause", "verifyResult", "traceback", "peer",    NULL};
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
        luaL_argexpected(L, lua_type(L, 2) == LUA_TSTRING, 1, "table with names for keys");
        lua_pushvalue(L, 2);
        luaL_checkoption(L, 4, NULL, known);
        lua_pop(L, 1);
    }
    for (int i = 0; i < 10; i++) lua_getfield(L, 1, known[i]); /* at stack index 2 + i */
    const sci_failure failure = {
        .phase = luaL_optstring(L, 2, NULL),
        .condition = luaL_optstring(L, 3, NULL),
        .message = luaL_optstring(L, 4, NULL),
        .subject = luaL_optstring(L, 5, NULL),
        .ssl_error = number_option(L, 6, known[4]),
        .system_errno = number_option(L, 7, known[5]),
        .cause = lua_isnil(L, 8) ? 0 : 8,
        .verify_result = number_option(L, 9, known[7]),
        .traceback = luaL_optstring(L, 10, NULL) ? 10 : 0,
        .peer = luaL_optstring(L, 11, NULL),
    };
    sci_clear_errors();
    sci_push_error(L, &failure);
    return 1;
}

/* Each method that returns one field has the name of the field for an upvalue. */
static int error_field(lua_State *L) {
    push_fields(L);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_gettable(L, 2);
    return 1;
}

/***
Returns the operating system's error.
@function SciSslError:errno
@treturn[1] integer errno
@treturn[1] string its text
@treturn[2] nil if the system reported none
*/
static int error_errno(lua_State *L) { return push_two_fields(L, "errno", "errnoText"); }

/***
Returns the TLS alert that ended the connection.
@function SciSslError:alert
@treturn[1] string the alert's name in the RFCs, such as `unknown_ca`
@treturn[1] string `"sent"` or `"received"`
@treturn[1] integer the alert's number
@treturn[2] nil if there was none
@see RFC 8446, section 6
*/
static int error_alert(lua_State *L) {
    push_two_fields(L, "alertName", "alertDirection");
    lua_getfield(L, 2, "alert");
    return 3;
}

/***
Returns the result of the certificate verification that caused the failure.
@function SciSslError:verifyResult
@treturn[1] integer an `X509_V_ERR_…`
@treturn[1] string its text
@treturn[2] nil if no verification failed
@see X509_STORE_CTX_get_error(3)
*/
static int error_verify_result(lua_State *L) { return push_two_fields(L, "verifyResult", "verifyText"); }

/***
Calls `handler` with the error and returns what the handler returns.
@function SciSslError:ifSslErrorDo
@tparam function handler
@return what `handler` returns
*/
static int error_if_ssl_error_do(lua_State *L) {
    luaL_checkudata(L, 1, SCI_ERROR);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    lua_pushvalue(L, 1);
    lua_call(L, 1, LUA_MULTRET);
    return lua_gettop(L) - 1;
}

/* The technical text, where the Lua layer with its hints is not loaded. */
static void push_plain_text(lua_State *L) {
    static const char *const candidates[] = {"message", "verifyText", "reason", "errnoText", "condition", NULL};
    lua_getiuservalue(L, 1, SCI_ERROR_FIELDS);
    int fields = lua_gettop(L);
    lua_getfield(L, fields, "phase");
    int i = 0;
    while (lua_getfield(L, fields, candidates[i]) == LUA_TNIL && candidates[i + 1]) {
        lua_pop(L, 1);
        i++;
    }
    lua_pushfstring(L, SCI_ERROR ": %s: %s", lua_tostring(L, -2), lua_tostring(L, -1));
}

static int error_tostring(lua_State *L) {
    luaL_checkudata(L, 1, SCI_ERROR);
    lua_settop(L, 1);
    if (lua_getfield(L, 1, "errorHint") == LUA_TFUNCTION) {
        lua_pushvalue(L, 1);
        if (lua_pcall(L, 1, 1, 0) == LUA_OK && lua_type(L, -1) == LUA_TSTRING && lua_rawlen(L, -1) > 0) return 1;
    }
    push_plain_text(L);
    return 1;
}

static int error_concat(lua_State *L) {
    luaL_tolstring(L, 1, NULL);
    luaL_tolstring(L, 2, NULL);
    lua_concat(L, 2);
    return 1;
}

static const luaL_Reg error_functions[] = {{"new", error_new}, {NULL, NULL}};

static const luaL_Reg error_methods[] = {
    {"errno", error_errno},
    {"alert", error_alert},
    {"verifyResult", error_verify_result},
    {"ifSslErrorDo", error_if_ssl_error_do},
    {NULL, NULL},
};

/***
Returns the phase in which the call failed: `connect`, `accept`, `read`, `write`, `shutdown`, `load` …
@function SciSslError:phase
@treturn string
*/
/***
Returns a short name for what went wrong, such as `certificate_expired`, `timeout` or `connection_refused`. It stays the same
from version to version: programs compare it.
@function SciSslError:condition
@treturn string
*/
/***
Returns the message of the layer that failed, if it has one.
@function SciSslError:message
@treturn ?string
*/
/***
Returns the file, host or option text that the failure is about.
@function SciSslError:subject
@treturn ?string
*/
/***
Returns the address and port of the other end of the connection that failed, as one text, such as `127.0.0.1:443`.
@function SciSslError:peer
@treturn ?string nil if the failure is not about a connection, or the transport has no address
*/
/***
Returns OpenSSL's packed code of the first entry of its queue; 0 if OpenSSL reported nothing.
@function SciSslError:code
@treturn integer
@see ERR_get_error(3)
*/
/***
Returns the name of the OpenSSL library that reported the failure, such as `SSL routines`.
@function SciSslError:library
@treturn ?string
*/
/***
Returns OpenSSL's reason, such as `certificate verify failed`.
@function SciSslError:reason
@treturn ?string
*/
/***
Returns what `sslGetError` returns for this error: `SSL_ERROR_SSL`, `SSL_ERROR_SYSCALL` …
@function SciSslError:sslError
@treturn integer
@see SSL_get_error(3)
*/
/***
Returns OpenSSL's whole queue, oldest entry first, as tables with `code`, `library`, `reason`, `function`, `file`, `line` and,
if there is any, `data`.
@function SciSslError:queue
@treturn {table,...}
*/
/***
Returns the Lua value that caused the failure: what a handler raised. A string ends with the traceback.
@function SciSslError:cause
@return the value, or nil
*/
/***
Returns where the cause was raised.
@function SciSslError:traceback
@treturn ?string nil if no handler raised anything
*/
/***
Returns what the peer has sent for the next attempt: for the condition `ech_rejected` the ECHConfigList that
`scissl.connect { echConfigs = … }` takes.
@function SciSslError:data
@treturn ?string
*/
static const char *const error_field_methods[] = {"phase", "condition", "message", "subject",  "peer",
                                                  "code",  "library",   "reason",  "sslError", "queue",
                                                  "cause", "traceback", "data",    NULL};

static const luaL_Reg error_metamethods[] = {{"__tostring", error_tostring}, {"__concat", error_concat}, {NULL, NULL}};

void sci_open_error(lua_State *L) {
    sci_new_class(L, SCI_ERROR, error_functions, error_methods, error_metamethods);
    for (const char *const *name = error_field_methods; *name; name++) {
        lua_pushstring(L, *name);
        lua_pushcclosure(L, error_field, 1);
        lua_setfield(L, -2, *name);
    }
}
