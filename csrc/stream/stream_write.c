/* stream_write.c: SciSslStream:write where nothing is queued or kept back, and the socket takes all. The rest is done by functions
 * in Lua, the policy. */
#include "stream/stream.h"

#define JOINED 65536 /* bytes of several strings that are put together without making one of them in Lua */

/* Upvalues. */
enum { BYTES_CLASS = 1, POLICY };

/* Functions of the policy, by their place in it. Each gets the stream first.
 *   OTHER(stream, …)             does the whole write
 *   GO_ON(stream, text, answer)  goes on with a write that returned `answer`: fewer bytes than there are, or not ready, or a
 *                                SciSslError */
enum { OTHER = 1, GO_ON };

/* Places on the stack of a write to the socket. */
enum { SOCKET = 1, SELF, TEXT };

/* Calls a function of the policy with the `count` values that are on the stack. */
static int call_policy(lua_State *L, int place, int count) {
    lua_settop(L, count);
    lua_rawgeti(L, lua_upvalueindex(POLICY), place);
    lua_insert(L, 1);
    lua_callk(L, count, LUA_MULTRET, 0, sci_stream_pass_results);
    return sci_stream_pass_results(L, LUA_OK, 0);
}

/* The stream at 1 where its writes may go to the socket, its userdata pushed; NULL: Lua has to do the write. */
static sci_stream *find_direct(lua_State *L) {
    sci_stream *stream = sci_push_stream(L, lua_upvalueindex(BYTES_CLASS));
    return stream && stream->direct && stream->socket ? stream : NULL;
}

/* Makes one string of the strings and numbers from 2 on. False: Lua has to say what is wrong with them, or they are long. */
static bool join(lua_State *L, int count) {
    size_t total = 0, length;
    for (int i = 2; i <= count; i++) {
        int type = lua_type(L, i);
        if (type != LUA_TSTRING && type != LUA_TNUMBER) return false;
        (void)lua_tolstring(L, i, &length);
        total += length;
        if (count > 2 && total > JOINED) return false;
    }
    if (total == 0) return false;
    lua_settop(L, count);
    if (count > 2) lua_concat(L, count - 1);
    return true;
}

/* Keeps what the socket did not take, before Lua is called, which may find no memory: stream, text, answer are on the stack. */
static void keep_rest(lua_State *L) {
    lua_Integer written = lua_tointeger(L, 3);
    lua_rawgeti(L, 1, 1);
    sci_stream *stream = sci_check_stream(L, -1);
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, -2, SCI_STREAM_REST);
    lua_pop(L, 1);
    sci_stream_keep_rest(stream, written > 0 ? (size_t)written : 0);
}

static int stream_write(lua_State *L) {
    int count = lua_gettop(L);
    size_t length;
    const sci_stream *stream = count >= 2 ? find_direct(L) : NULL;
    if (!stream || !join(L, count)) return call_policy(L, OTHER, count);
    stream = find_direct(L); /* joining may have run finalizers, which may have closed or written to it */
    if (!stream) return call_policy(L, OTHER, 2);
    lua_getiuservalue(L, -1, SCI_STREAM_SOCKET);
    lua_insert(L, SOCKET);
    lua_settop(L, TEXT);
    const char *text = lua_tolstring(L, TEXT, &length);
    sci_ssl_push_written(L, stream->socket, TEXT, text, length);
    bool whole = lua_isinteger(L, -1) && lua_tointeger(L, -1) == (lua_Integer)length;
    lua_insert(L, TEXT + 1);
    lua_remove(L, SOCKET);
    if (!whole && lua_isinteger(L, TEXT)) keep_rest(L);
    if (!whole) return call_policy(L, GO_ON, 3);
    lua_settop(L, 1);
    return 1;
}

static int make_write(lua_State *L) {
    sci_stream_push_function(L, stream_write);
    return 1;
}

SCI_AT_LOAD void sci_open_stream_write(lua_State *L) {
    static const luaL_Reg functions[] = {{"makeStreamWrite", make_write}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
