/* stream_output.c: what a stream in Lua has written: it is queued here and sent. */
#include "stream/stream.h"

#include <string.h>

/* ---- long texts --------------------------------------------------------------------------------------------------- */

/* Makes sure that texts have places, the last of them with this number. One alone needs no table. */
static void make_places(lua_State *L, int self, size_t last) {
    if (last < 2) return;
    if (lua_getiuservalue(L, self, SCI_STREAM_TEXTS) != LUA_TTABLE) {
        lua_createtable(L, 2, 0);
        if (lua_getiuservalue(L, self, SCI_STREAM_TEXTS) == LUA_TTABLE) lua_pop(L, 2); /* by a finalizer */
        else {
            lua_rawseti(L, -2, 1);
            lua_setiuservalue(L, self, SCI_STREAM_TEXTS);
        }
    }
    lua_pop(L, 1);
}

/* Pops the text, or nil, and keeps it. */
static void keep_text(lua_State *L, int self, int number) {
    if (lua_getiuservalue(L, self, SCI_STREAM_TEXTS) == LUA_TTABLE) {
        lua_insert(L, -2);
        lua_rawseti(L, -2, number);
        lua_pop(L, 1);
        return;
    }
    lua_pop(L, 1);
    lua_setiuservalue(L, self, SCI_STREAM_TEXTS);
}

static void forget_texts(lua_State *L, int self) {
    lua_pushnil(L);
    lua_setiuservalue(L, self, SCI_STREAM_TEXTS);
}

/* Where nothing is queued any more, no table stays: to keep the next text needs no memory. */
static void forget_text(lua_State *L, int self, int number) {
    const sci_stream *stream = lua_touserdata(L, self);
    if (stream->out->total == 0) forget_texts(L, self);
    else if (number > 0) {
        lua_pushnil(L);
        keep_text(L, self, number);
    }
}

static const char *push_text(lua_State *L, int self, int number) {
    if (lua_getiuservalue(L, self, SCI_STREAM_TEXTS) == LUA_TTABLE) {
        lua_rawgeti(L, -1, number);
        lua_remove(L, -2);
    }
    return lua_tostring(L, -1);
}

/* ---- adding ------------------------------------------------------------------------------------------------------- */

/* A text, which stays where it is. A number on the stack becomes a string, and stays one; in a table there are strings alone. */
static const char *nth_text(lua_State *L, const sci_texts *texts, lua_Integer i, size_t *length) {
    if (!texts->listed) return lua_tolstring(L, texts->index + (int)i - 1, length);
    if (lua_rawgeti(L, texts->index, i) != LUA_TSTRING) luaL_error(L, "string expected");
    const char *text = lua_tolstring(L, -1, length);
    lua_pop(L, 1);
    return text;
}

static void count_texts(lua_State *L, const sci_texts *texts, sci_output_need *need) {
    size_t length;
    for (lua_Integer i = 1; i <= texts->count; i++) {
        (void)nth_text(L, texts, i, &length);
        sci_output_count(need, length);
    }
}

/* Keeps the long texts under the numbers that follow. */
static void keep_texts(lua_State *L, int self, const sci_texts *texts, int number) {
    size_t length;
    for (lua_Integer i = 1; i <= texts->count; i++) {
        (void)nth_text(L, texts, i, &length);
        if (length < SCI_LONG_TEXT) continue;
        if (texts->listed) lua_rawgeti(L, texts->index, i);
        else lua_pushvalue(L, texts->index + (int)i - 1);
        keep_text(L, self, ++number);
    }
}

/* No value is made between the look at the output and the end, so no finalizer runs. */
void sci_stream_add(lua_State *L, int self, const sci_texts *texts) {
    sci_stream *stream = lua_touserdata(L, self);
    sci_output_need need = {0};
    size_t length;
    luaL_checkstack(L, 4, NULL);
    count_texts(L, texts, &need);
    if (need.total == 0) {
        sci_stream_note_write(stream);
        return;
    }
    if (need.longs > 0) make_places(L, self, need.longs + (size_t)stream->out->numbers);
    if (!sci_stream_begin_output(stream)) luaL_error(L, "not enough memory");
    sci_output *out = stream->out;
    if (need.longs > (size_t)(INT_MAX - out->numbers)) luaL_error(L, "too many texts are waiting to be sent");
    if (need.longs > 0) keep_texts(L, self, texts, out->numbers);
    if (!sci_output_reserve(out, &need)) luaL_error(L, "not enough memory");
    for (lua_Integer i = 1; i <= texts->count; i++) {
        const char *text = nth_text(L, texts, i, &length);
        sci_output_add(out, text, length, length >= SCI_LONG_TEXT ? sci_output_next_number(out) : 0);
    }
    sci_output_release(out);
    sci_stream_note_write(stream);
}

void sci_stream_keep(lua_State *L, int self, int text, size_t offset) {
    sci_output *out = ((sci_stream *)lua_touserdata(L, self))->out;
    lua_pushvalue(L, text);
    lua_setiuservalue(L, self, SCI_STREAM_TEXTS);
    sci_output_add_long(out, sci_output_next_number(out), offset, (size_t)lua_rawlen(L, text) - offset);
    sci_output_release_all(out);
}

/* ---- sending ------------------------------------------------------------------------------------------------------ */

bool sci_stream_is_sending(lua_State *L, const sci_stream *stream) {
    if (sci_link_in_call(stream->link)) return true; /* a read, too: its TLS would take nothing */
    return (stream->sending || sci_link_is_sending(stream->link)) && sci_in_finalizer(L);
}

/* Sends a piece, or a part of it. */
static sci_moved send_piece(lua_State *L, int self, const sci_piece *piece, sci_sslsocket *socket, size_t *length) {
    sci_stream *stream = lua_touserdata(L, self);
    int top = lua_gettop(L), string = 0;
    const char *text = (const char *)sci_input_first(&stream->out->bytes);
    if (piece->number > 0) {
        text = push_text(L, self, piece->number) + piece->offset;
        string = top + 1;
    }
    sci_moved moved;
    sci_stream_set_sending(stream, true);
    if (socket) moved = sci_write_tls(L, socket, string, text, piece->length, length);
    else {
        sci_link *link = sci_stream_push_link(L, self);
        moved = sci_link_send(L, lua_gettop(L), link, string, text, piece->length, length);
    }
    sci_stream_set_sending(stream, false);
    if (moved == SCI_FAILED) lua_replace(L, top + 1);
    lua_settop(L, moved == SCI_FAILED ? top + 1 : top);
    return moved;
}

static sci_moved settle(lua_State *L, int self) {
    sci_link *link = sci_stream_push_link(L, self);
    int keeper = lua_gettop(L);
    sci_moved moved = sci_link_settle(L, keeper, link);
    lua_remove(L, keeper);
    return moved;
}

sci_moved sci_stream_send(lua_State *L, int self, sci_sslsocket *socket) {
    sci_stream *stream = lua_touserdata(L, self);
    sci_piece next;
    size_t length;
    if (sci_stream_is_sending(L, stream)) return SCI_MOVED;
    luaL_checkstack(L, 8, NULL);
    while (sci_output_next(stream->out, &next)) {
        sci_moved moved = send_piece(L, self, &next, socket, &length);
        if (moved != SCI_MOVED) return moved;
        if (!sci_stream_has_output(stream)) break; /* dropped by an object in Lua that has sent */
        bool any_long = stream->out->numbers > 0;
        int number = sci_output_sent(stream->out, length);
        if (any_long) forget_text(L, self, number);
    }
    sci_stream_end_output(stream);
    return socket ? SCI_MOVED : settle(L, self);
}

void sci_stream_drop_output(lua_State *L, int self) {
    sci_stream *stream = lua_touserdata(L, self);
    if (sci_stream_is_sending(L, stream)) return;
    if (sci_stream_has_output(stream)) sci_output_drop(stream->out);
    sci_stream_end_output(stream);
    forget_texts(L, self);
}

/* ---- for Lua ------------------------------------------------------------------------------------------------------ */

/* add(text), addList(texts, count): the texts are strings. True: there is something to be sent. */
static int output_add(lua_State *L) {
    const sci_stream *stream = sci_check_stream(L, 1);
    bool listed = lua_istable(L, 2);
    if (!listed) (void)luaL_checkstring(L, 2);
    sci_stream_add(L, 1, &(sci_texts){2, listed ? luaL_checkinteger(L, 3) : 1, listed});
    lua_pushboolean(L, stream->out->due > 0);
    return 1;
}

/* send(): true: all was sent that is due; nil, SciSslError; or nil, nil and the events to wait for. */
static int output_send(lua_State *L) {
    (void)sci_check_stream(L, 1);
    lua_settop(L, 1);
    return sci_return_moved(L, sci_stream_send(L, 1, NULL));
}

/* release(): what is held back is due. */
static int output_release(lua_State *L) {
    const sci_stream *stream = sci_check_stream(L, 1);
    if (sci_stream_has_output(stream)) sci_output_release_all(stream->out);
    return 0;
}

static int output_drop(lua_State *L) {
    (void)sci_check_stream(L, 1);
    lua_settop(L, 1);
    sci_stream_drop_output(L, 1);
    return 0;
}

/* queued(): bytes that are due, and bytes that are held back. */
static int output_queued(lua_State *L) {
    const sci_output *out = sci_check_stream(L, 1)->out;
    lua_pushinteger(L, (lua_Integer)out->due);
    lua_pushinteger(L, (lua_Integer)(out->total - out->due));
    return 2;
}

static int output_set_mode(lua_State *L) {
    static const char *const modes[] = {
        [SCI_BUFFER_NONE] = "no", [SCI_BUFFER_FULL] = "full", [SCI_BUFFER_LINES] = "line", NULL};
    sci_stream *stream = sci_check_stream(L, 1);
    int mode = luaL_checkoption(L, 2, NULL, modes);
    size_t size = (size_t)luaL_optinteger(L, 3, SSL3_RT_MAX_PLAIN_LENGTH);
    if (!sci_stream_begin_output(stream)) return luaL_error(L, "not enough memory");
    sci_output_set_mode(stream->out, mode, size);
    sci_stream_end_output(stream);
    return 0;
}

void sci_stream_add_output(lua_State *L) {
    static const luaL_Reg methods[] = {
        {"add", output_add},   {"send", output_send},     {"release", output_release},
        {"drop", output_drop}, {"queued", output_queued}, {"setMode", output_set_mode},
        {NULL, NULL},
    };
    luaL_setfuncs(L, methods, 0);
}
