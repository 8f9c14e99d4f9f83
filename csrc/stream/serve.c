/* serve.c: what a coroutine of a server runs while its handler waits. In C it takes one call for what takes two in Lua, a function
 * and its xpcall: each would cost memory for each connection. */
#include "stream/stream.h"

/* Upvalues: see makeServe. */
enum { HANDLER = 1, TRACEBACK, SERVICE, BEFORE, AFTER };

/* Places on the stack. The service is closed with the function. */
enum { STREAM = 1, CLOSED, NOTE, FREE };

/* What is done next. */
enum { BEGIN, BEGUN, HANDLED, ENDED };

static int serve_on(lua_State *L, int status, lua_KContext stage);

/* Calls BEFORE, if there is one. */
static int begin(lua_State *L) {
    if (!lua_toboolean(L, lua_upvalueindex(BEFORE))) {
        lua_pushboolean(L, true);
        return BEGUN;
    }
    lua_pushvalue(L, lua_upvalueindex(BEFORE));
    lua_pushvalue(L, STREAM);
    lua_callk(L, 1, 1, BEGUN, serve_on);
    return BEGUN;
}

/* Calls the handler, unless BEFORE has returned false. Returns the status. */
static int handle(lua_State *L) {
    bool wanted = lua_toboolean(L, FREE);
    lua_settop(L, NOTE);
    if (!wanted) return LUA_OK;
    lua_pushvalue(L, lua_upvalueindex(HANDLER));
    lua_pushvalue(L, STREAM);
    return lua_pcallk(L, 1, 0, NOTE, HANDLED, serve_on);
}

/* Calls AFTER. What the handler has raised stands at FREE where it has failed. */
static void end(lua_State *L, int status) {
    bool good = status == LUA_OK || status == LUA_YIELD;
    lua_settop(L, good ? NOTE : FREE);
    lua_pushvalue(L, lua_upvalueindex(AFTER));
    lua_pushvalue(L, STREAM);
    lua_pushboolean(L, good);
    if (good) lua_pushnil(L);
    else lua_pushvalue(L, FREE);
    lua_callk(L, 3, 1, ENDED, serve_on);
}

/* A loop, since many streams may be served whose handlers do not wait. */
static int serve_on(lua_State *L, int status, lua_KContext stage) {
    for (;;) {
        switch (stage) {
            case BEGIN: stage = begin(L); break;
            case BEGUN:
                status = handle(L);
                stage = HANDLED;
                break;
            case HANDLED:
                end(L, status);
                stage = ENDED;
                break;
            default:
                if (!lua_toboolean(L, -1)) return 0;
                lua_replace(L, STREAM);
                lua_settop(L, NOTE);
                stage = BEGIN;
        }
    }
}

static int serve(lua_State *L) {
    lua_settop(L, STREAM);
    lua_pushvalue(L, lua_upvalueindex(SERVICE));
    lua_toclose(L, CLOSED);
    lua_pushvalue(L, lua_upvalueindex(TRACEBACK));
    return serve_on(L, LUA_OK, BEGIN);
}

/* serve = makeServe(handler, traceback, service, before, after): serve(stream) calls before(stream), unless that is false; if it
 * returns true, handler(stream), with `traceback` for what that raises; and after(stream, good, raised), which returns the stream
 * to be served next, or nil. At the end, however it comes, the service is closed. */
static int make_serve(lua_State *L) {
    lua_settop(L, AFTER);
    lua_pushcclosure(L, serve, AFTER);
    return 1;
}

SCI_AT_LOAD void sci_open_stream_serve(lua_State *L) {
    static const luaL_Reg functions[] = {{"makeServe", make_serve}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
