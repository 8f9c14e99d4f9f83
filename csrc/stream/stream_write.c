/* stream_write.c: SciSslStream:write where C moves the bytes and need not wait. The rest is done by functions in Lua, the policy. */
#include "stream/stream.h"

/* Upvalues. */
enum { POLICY = 1, BYTES_CLASS };

/* Functions of the policy, by their place in it. Each gets the stream first.
 *   OTHER(stream, …)         does the whole write
 *   GO_ON(stream)            waits, and sends what is queued
 *   FAIL(stream, failure)    what a write returns that has failed */
enum { OTHER = 1, GO_ON, FAIL };

/* Places on the stack of a write. The texts are behind these. */
enum { SOCKET = 1, SELF, BYTES, TEXT };

/* Calls a function of the policy with the `count` values that are on top. */
static int call_policy(lua_State *L, int place, int count) {
    lua_rawgeti(L, lua_upvalueindex(POLICY), place);
    lua_insert(L, -1 - count);
    lua_rotate(L, 1, count + 1);
    lua_settop(L, count + 1);
    lua_callk(L, count, LUA_MULTRET, 0, sci_stream_pass_results);
    return sci_stream_pass_results(L, LUA_OK, 0);
}

/* Whether all `count` texts from TEXT on are strings or numbers. */
static bool are_texts(lua_State *L, int count) {
    for (int i = TEXT; i < TEXT + count; i++) {
        int type = lua_type(L, i);
        if (type != LUA_TSTRING && type != LUA_TNUMBER) return false;
    }
    return count > 0;
}

static int finish(lua_State *L, sci_moved moved) {
    if (moved == SCI_MOVED) {
        lua_settop(L, SELF);
        return 1;
    }
    if (moved == SCI_ENDED) lua_pushnil(L);
    if (moved == SCI_FAILED || moved == SCI_ENDED) {
        lua_pushvalue(L, SELF);
        lua_insert(L, -2);
        return call_policy(L, FAIL, 2);
    }
    lua_settop(L, SELF);
    return call_policy(L, GO_ON, 1);
}

/* What was called since may have given the stream another link. */
static sci_moved send_queued(lua_State *L, const sci_stream *stream) {
    lua_getiuservalue(L, BYTES, SCI_STREAM_SOCKET);
    lua_replace(L, SOCKET);
    return sci_stream_send(L, BYTES, stream->socket);
}

/* Writes one string at once where nothing is queued. No finalizer runs between the socket and the queue. */
static sci_moved write_string(lua_State *L, sci_stream *stream) {
    size_t length, done;
    const char *text = lua_tolstring(L, TEXT, &length);
    sci_moved moved;
    if (length == 0) return SCI_MOVED;
    if (!sci_stream_begin_output(stream)) luaL_error(L, "not enough memory");
    sci_stream_note_write(stream);
    sci_stream_set_sending(stream, true);
    if (stream->socket) moved = sci_write_tls(L, stream->socket, TEXT, text, length, &done);
    else {
        sci_link *link = sci_stream_push_link(L, BYTES);
        moved = sci_link_send(L, TEXT + 1, link, TEXT, text, length, &done);
    }
    sci_stream_set_sending(stream, false);
    if (moved != SCI_ENDED && moved != SCI_FAILED && done < length) sci_stream_keep(L, BYTES, TEXT, done);
    sci_stream_end_output(stream);
    if (moved == SCI_ENDED || moved == SCI_FAILED) return moved;
    return moved == SCI_MOVED ? send_queued(L, stream) : moved;
}

/* Whether a write may go to the socket without the queue. What a handler writes meanwhile is queued, and must not stand before the
 * rest of it. */
static bool is_direct(const sci_stream *stream) {
    return stream->out->mode == SCI_BUFFER_NONE && stream->out->total == 0 && !stream->link->lower &&
           !stream->sending && !sci_link_in_call(stream->link) &&
           !(stream->socket && sci_ssl_renegotiates(stream->socket));
}

static int stream_write(lua_State *L) {
    int count = lua_gettop(L) - 1;
    sci_stream *stream = count >= 0 ? sci_push_stream(L, lua_upvalueindex(BYTES_CLASS)) : NULL;
    if (!stream) {
        lua_settop(L, count + 1);
        return call_policy(L, OTHER, count + 1);
    }
    lua_pushnil(L);
    lua_insert(L, SOCKET);
    lua_insert(L, BYTES);
    bool good = are_texts(L, count);
    if (good && count == 1) (void)lua_tostring(L, TEXT); /* may run a finalizer: the stream is looked at behind this */
    lua_getiuservalue(L, BYTES, SCI_STREAM_SOCKET);
    lua_replace(L, SOCKET);
    if (!good || !stream->own || (lua_Unsigned)stream->out->due > (lua_Unsigned)stream->max_buffer) {
        lua_remove(L, BYTES);
        return call_policy(L, OTHER, count + 1);
    }
    if (count == 1 && is_direct(stream)) return finish(L, write_string(L, stream));
    sci_stream_add(L, BYTES, &(sci_texts){.index = TEXT, .count = count});
    return finish(L, send_queued(L, stream));
}

static int make_write(lua_State *L) {
    sci_stream_push_function(L, stream_write);
    sci_push_stream_class(L);
    lua_getfield(L, -1, "__index");
    sci_stream_add_output(L);
    lua_pop(L, 2);
    return 1;
}

SCI_AT_LOAD void sci_open_stream_write(lua_State *L) {
    static const luaL_Reg functions[] = {{"makeStreamWrite", make_write}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
