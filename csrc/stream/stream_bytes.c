/* stream_bytes.c: what a stream in Lua keeps in C: its input, its time-outs, and what decides whether a call need not wait. */
#include "stream/stream.h"

#include <math.h>
#include <string.h>

#define NAME "SciStreamBytes"
#define LITTLE 16384 /* bytes that a read has room for at least */
#define BULK 65536   /* … and where many come */

sci_stream *sci_check_stream(lua_State *L, int index) { return luaL_checkudata(L, index, NAME); }

sci_stream *sci_push_stream(lua_State *L, int class) {
    if (lua_type(L, 1) != LUA_TTABLE) return NULL;
    if (lua_rawgeti(L, 1, 1) != LUA_TUSERDATA || !lua_getmetatable(L, -1)) return NULL;
    bool known = lua_topointer(L, -1) == lua_topointer(L, class);
    lua_pop(L, 1);
    return known ? lua_touserdata(L, -1) : NULL;
}

/* ---- who reads ---------------------------------------------------------------------------------------------------- */

/* As coroutine.status says "dead". */
static bool has_ended(lua_State *thread) {
    lua_Debug call;
    int status = lua_status(thread);
    if (status != LUA_OK) return status != LUA_YIELD;
    return !lua_getstack(thread, 0, &call) && lua_gettop(thread) == 0;
}

/* Whether a handler runs inside of a call that moves the stream's bytes. */
static bool is_in_call(const sci_stream *stream) {
    return (stream->moving || stream->sending) && sci_link_in_call(stream->link);
}

/* Whether a call is at work on the bytes, which a finalizer or a handler has interrupted. A call that has raised has left its
 * mark behind. */
static bool is_interrupted(lua_State *L, sci_stream *stream) {
    if (!stream->moving || is_in_call(stream) || sci_in_finalizer(L)) return stream->moving;
    stream->moving = false;
    return false;
}

/* Bytes are not touched while a call is at work on them. */
static sci_stream *check_at_rest(lua_State *L) {
    sci_stream *stream = sci_check_stream(L, 1);
    if (is_interrupted(L, stream)) luaL_error(L, "a call of this very stream is at work on its bytes");
    return stream;
}

static int bytes_is_in_call(lua_State *L) {
    lua_pushboolean(L, is_in_call(sci_check_stream(L, 1)));
    return 1;
}

/* takenBy(): the coroutine that is in the midst of a read, where it is not the running one; true: a call is at work on the bytes;
 * nil: neither. */
static int bytes_taken_by(lua_State *L) {
    sci_stream *stream = sci_check_stream(L, 1);
    bool interrupted = is_interrupted(L, stream), reads = stream->reader && stream->reader != L;
    if (interrupted) lua_pushboolean(L, true);
    else if (reads && !has_ended(stream->reader)) lua_getiuservalue(L, 1, SCI_STREAM_READER);
    else lua_pushnil(L);
    return 1;
}

/* For the running coroutine, until the to-be-closed variable that gets the receiver goes out of scope. */
static int bytes_take_reading(lua_State *L) {
    sci_stream *stream = sci_check_stream(L, 1);
    lua_settop(L, 1);
    lua_pushthread(L);
    lua_setiuservalue(L, 1, SCI_STREAM_READER);
    stream->reader = L;
    return 1;
}

/* Another coroutine may read by now, where a loop had removed this one. */
static int bytes_close(lua_State *L) {
    sci_stream *stream = sci_check_stream(L, 1);
    if (stream->reader == L) stream->reader = NULL;
    return 0;
}

/* ---- settings ----------------------------------------------------------------------------------------------------- */

static void set_own(sci_stream *stream, bool own) {
    sci_link *link = stream->link;
    stream->own = own && link && !link->in_lua;
    stream->socket = stream->own && !link->lower ? link->ssl : NULL;
    stream->drained = false;
}

/* setOwn(own): whether C may move the bytes by itself. */
static int bytes_set_own(lua_State *L) {
    set_own(sci_check_stream(L, 1), lua_toboolean(L, 2));
    return 0;
}

/* socket(): the lowest socket, nil where there is none; whether the link is TLS. */
static int bytes_socket(lua_State *L) {
    const sci_stream *stream = sci_check_stream(L, 1);
    lua_getiuservalue(L, 1, SCI_STREAM_SOCKET);
    lua_pushboolean(L, stream->link && stream->link->ssl);
    return 2;
}

/* setLink(link, socket): `socket` is the lowest one, which is waited for. */
static int bytes_set_link(lua_State *L) {
    sci_stream *stream = sci_check_stream(L, 1);
    lua_settop(L, 3);
    sci_link *link = sci_check_link(L, 2);
    if (is_in_call(stream)) return luaL_error(L, "a call of this very stream reads its socket");
    stream->own = false;
    stream->socket = NULL;
    stream->link = NULL; /* as long as that of before may go */
    lua_setiuservalue(L, 1, SCI_STREAM_SOCKET);
    lua_setiuservalue(L, 1, SCI_STREAM_LINK);
    stream->link = link;
    return 0;
}

static double opt_seconds(lua_State *L, int index) {
    return lua_isnoneornil(L, index) ? INFINITY : luaL_checknumber(L, index);
}

static int bytes_set_timeout(lua_State *L) {
    sci_check_stream(L, 1)->timeout = opt_seconds(L, 2);
    return 0;
}

/* seconds(): the time-out; nil: none. */
static int bytes_seconds(lua_State *L) {
    sci_push_deadline(L, sci_check_stream(L, 1)->timeout);
    return 1;
}

static int bytes_set_deadline(lua_State *L) {
    sci_check_stream(L, 1)->moment = opt_seconds(L, 2);
    return 0;
}

static int bytes_set_heard(lua_State *L) {
    sci_check_stream(L, 1)->heard = lua_toboolean(L, 2);
    return 0;
}

static int bytes_has_heard(lua_State *L) {
    lua_pushboolean(L, sci_check_stream(L, 1)->heard);
    return 1;
}

/* limits(): bytes of a line, and of what is collected or queued. */
static int bytes_limits(lua_State *L) {
    const sci_stream *stream = sci_check_stream(L, 1);
    lua_pushinteger(L, stream->max_line);
    lua_pushinteger(L, stream->max_buffer);
    return 2;
}

/* Counts a read that did not wait, or (false) begins to count anew. Returns how many there were. */
static int bytes_count_read(lua_State *L) {
    sci_stream *stream = sci_check_stream(L, 1);
    stream->in_a_row = lua_toboolean(L, 2) ? stream->in_a_row + 1 : 0;
    stream->idle_waits = 0;
    lua_pushinteger(L, stream->in_a_row);
    return 1;
}

/* waitInLua(): the policy sees to all waits of reads from now on. */
static int bytes_wait_in_lua(lua_State *L) {
    sci_check_stream(L, 1)->waiting = SCI_WAITS_IN_LUA;
    return 0;
}

/* isIdle(): whether something was written, all of it is sent, and nothing has come since. */
static int bytes_is_idle(lua_State *L) {
    const sci_stream *stream = sci_check_stream(L, 1);
    bool nothing = sci_input_size(&stream->in) == 0 && stream->out->total == 0;
    lua_pushboolean(L, nothing && stream->wrote_at == stream->in.taken + 1);
    return 1;
}

/* ---- deadlines ---------------------------------------------------------------------------------------------------- */

/* Here a stream's time-out and its deadline become the deadline of one operation that begins now. */
static double deadline_from_now(const sci_stream *stream) {
    if (stream->timeout == INFINITY) return stream->moment;
    double by = sci_seconds() + stream->timeout;
    return by < stream->moment ? by : stream->moment;
}

double sci_stream_read_by(sci_stream *stream) {
    if (!stream->read_by_known) stream->read_by = deadline_from_now(stream);
    stream->read_by_known = true;
    return stream->read_by;
}

void sci_push_deadline(lua_State *L, double deadline) {
    if (deadline == INFINITY) lua_pushnil(L);
    else lua_pushnumber(L, deadline);
}

/* Of a write, a handshake or a shutdown that begins now. */
static int bytes_deadline(lua_State *L) {
    sci_push_deadline(L, deadline_from_now(sci_check_stream(L, 1)));
    return 1;
}

static int bytes_begin_read(lua_State *L) {
    sci_check_stream(L, 1)->read_by_known = false;
    return 0;
}

static int bytes_read_by(lua_State *L) {
    sci_push_deadline(L, sci_stream_read_by(sci_check_stream(L, 1)));
    return 1;
}

/* ---- bytes -------------------------------------------------------------------------------------------------------- */

/* What has come is in memory before Lua runs again. */
static sci_moved receive_text(lua_State *L, sci_input *in, int link) {
    size_t length;
    sci_moved moved = sci_link_take(L, link);
    if (moved != SCI_MOVED) return moved;
    const char *text = luaL_checklstring(L, -1, &length);
    if (!sci_input_reserve(in, length)) luaL_error(L, "not enough memory");
    if (length > 0) memcpy(sci_input_room(in), text, length);
    sci_input_added(in, length);
    lua_pop(L, 1);
    return moved;
}

static sci_moved receive_bytes(lua_State *L, sci_stream *stream, int keeper, sci_link *link) {
    size_t length;
    sci_input *in = &stream->in;
    size_t size = sci_input_size(in);
    size_t least =
        stream->bulk && size < BULK - LITTLE ? BULK - size : LITTLE; /* in memory that is kept, where it can be */
    if (!sci_input_reserve(in, least)) luaL_error(L, "not enough memory");
    sci_moved moved = sci_link_receive(L, keeper, link, sci_input_room(in), sci_input_room_size(in), &length);
    sci_input_added(in, length);
    stream->bulk = length >= LITTLE;
    if (length == 0) sci_input_skip(in, 0); /* gives memory back */
    return moved;
}

sci_moved sci_stream_receive(lua_State *L, int self) {
    sci_stream *stream = lua_touserdata(L, self);
    luaL_checkstack(L, 4, NULL);
    sci_link *link = sci_stream_push_link(L, self);
    int keeper = lua_gettop(L);
    bool is_text = !link->ssl && !link->plain;
    stream->moving = true;
    sci_moved moved = is_text ? receive_text(L, &stream->in, keeper) : receive_bytes(L, stream, keeper, link);
    stream->moving = false;
    lua_remove(L, keeper);
    return moved;
}

/* receive(): true; nil at the end; nil, SciSslError; or nil, nil and the events to wait for. A finalizer gets nothing in the
 * midst of a call. */
static int bytes_receive(lua_State *L) {
    sci_stream *stream = sci_check_stream(L, 1);
    lua_settop(L, 1);
    return sci_return_moved(L, is_interrupted(L, stream) ? SCI_ENDED : sci_stream_receive(L, 1));
}

static int bytes_size(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)sci_input_size(&sci_check_stream(L, 1)->in));
    return 1;
}

static int bytes_put(lua_State *L) {
    size_t length;
    sci_stream *stream = check_at_rest(L);
    const char *bytes = luaL_checklstring(L, 2, &length);
    if (!sci_input_reserve(&stream->in, length)) return luaL_error(L, "not enough memory");
    if (length > 0) memcpy(sci_input_room(&stream->in), bytes, length);
    sci_input_added(&stream->in, length);
    return 0;
}

static size_t check_count(lua_State *L, const sci_stream *stream) {
    lua_Integer count = luaL_checkinteger(L, 2);
    size_t size = sci_input_size(&stream->in);
    if (count < 0) return 0;
    return (lua_Unsigned)count < size ? (size_t)count : size;
}

static int bytes_take(lua_State *L) {
    sci_stream *stream = check_at_rest(L);
    sci_stream_push(L, stream, check_count(L, stream), 0);
    return 1;
}

/* peek(count, offset): leaves the bytes where they are. */
static int bytes_peek(lua_State *L) {
    sci_stream *stream = check_at_rest(L);
    size_t size = sci_input_size(&stream->in), count = check_count(L, stream);
    lua_Integer offset = luaL_optinteger(L, 3, 0);
    if (offset < 0 || (lua_Unsigned)offset > size) offset = (lua_Integer)size;
    if (count > size - (size_t)offset) count = size - (size_t)offset;
    lua_pushlstring(L, count > 0 ? (const char *)sci_input_first(&stream->in) + offset : "", count);
    return 1;
}

/* Drops all bytes; those that a finalizer finds at work stay, for the call that it has interrupted. */
static int bytes_clear(lua_State *L) {
    sci_stream *stream = sci_check_stream(L, 1);
    if (!is_interrupted(L, stream)) sci_input_free(&stream->in);
    return 0;
}

/* Takes white space from the beginning. Returns how many bytes that were. */
static int bytes_skip_space(lua_State *L) {
    sci_stream *stream = check_at_rest(L);
    size_t size = sci_input_size(&stream->in), count = 0;
    const unsigned char *bytes = sci_input_first(&stream->in);
    while (count < size && strchr(" \f\n\r\t\v", bytes[count]) && bytes[count] != 0) count++;
    sci_input_skip(&stream->in, count);
    lua_pushinteger(L, (lua_Integer)count);
    return 1;
}

static const unsigned char *find_bytes(const unsigned char *in, size_t size, const char *text, size_t length) {
    while (size >= length) {
        const unsigned char *found = memchr(in, (unsigned char)*text, size - length + 1);
        if (!found || memcmp(found, text, length) == 0) return found;
        size -= (size_t)(found - in) + 1;
        in = found + 1;
    }
    return NULL;
}

/* taken(): how many bytes have been taken in all, so that a place can be told by its distance from the first byte ever. */
static int bytes_taken(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)sci_check_stream(L, 1)->in.taken);
    return 1;
}

/* takeLine(most, kept): the first line, with its end where `kept` is 1; nil, true: it has more than `most` bytes; nil: it has
 * not come yet. No byte is searched twice. */
static int bytes_take_line(lua_State *L) {
    size_t length;
    sci_stream *stream = check_at_rest(L);
    lua_Number most = luaL_checknumber(L, 2);
    size_t kept = lua_tointeger(L, 3) == 1 ? 1 : 0;
    bool found = sci_input_find_line(&stream->in, &length);
    if ((lua_Number)(found ? length : sci_input_size(&stream->in)) > most) {
        lua_pushnil(L);
        lua_pushboolean(L, true);
        return 2;
    }
    if (!found) return 0;
    sci_stream_push(L, stream, length + kept, 1 - kept);
    return 1;
}

/* find(text, from): the first `text` behind `from` bytes: how many bytes stand before it. nil: it is not there. */
static int bytes_find(lua_State *L) {
    size_t length, size;
    sci_stream *stream = check_at_rest(L);
    const char *text = luaL_checklstring(L, 2, &length);
    lua_Integer from = luaL_optinteger(L, 3, 0);
    size = sci_input_size(&stream->in);
    luaL_argcheck(L, length > 0, 2, "it is empty");
    if (from < 0 || (lua_Unsigned)from > size) from = (lua_Integer)size;
    const unsigned char *start = sci_input_first(&stream->in);
    const unsigned char *found =
        size > (size_t)from ? find_bytes(start + from, size - (size_t)from, text, length) : NULL;
    if (found) lua_pushinteger(L, (lua_Integer)(found - start));
    else lua_pushnil(L);
    return 1;
}

/* ---- life --------------------------------------------------------------------------------------------------------- */

/* Other finalizers can use the stream after it: its link stays. */
static int bytes_gc(lua_State *L) {
    sci_stream *stream = sci_check_stream(L, 1);
    if (!sci_may_free(L) || is_in_call(stream)) return 0;
    sci_input_free(&stream->in);
    sci_stream_free_output(stream);
    return 0;
}

static const luaL_Reg methods[] = {
    {"size", bytes_size},
    {"receive", bytes_receive},
    {"put", bytes_put},
    {"take", bytes_take},
    {"peek", bytes_peek},
    {"find", bytes_find},
    {"takeLine", bytes_take_line},
    {"taken", bytes_taken},
    {"skipSpace", bytes_skip_space},
    {"clear", bytes_clear},
    {"takenBy", bytes_taken_by},
    {"isInCall", bytes_is_in_call},
    {"takeReading", bytes_take_reading},
    {"beginRead", bytes_begin_read},
    {"readBy", bytes_read_by},
    {"deadline", bytes_deadline},
    {"countRead", bytes_count_read},
    {"setLink", bytes_set_link},
    {"setOwn", bytes_set_own},
    {"socket", bytes_socket},
    {"limits", bytes_limits},
    {"seconds", bytes_seconds},
    {"setTimeout", bytes_set_timeout},
    {"setDeadline", bytes_set_deadline},
    {"hasHeard", bytes_has_heard},
    {"setHeard", bytes_set_heard},
    {"waitInLua", bytes_wait_in_lua},
    {"isIdle", bytes_is_idle},
    {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
    {"__gc", bytes_gc},
    {"__close", bytes_close},
    {NULL, NULL},
};

void sci_push_stream_class(lua_State *L) {
    if (luaL_getmetatable(L, NAME) == LUA_TTABLE) return;
    sci_new_class(L, NAME, NULL, methods, metamethods);
    lua_pop(L, 2);
    luaL_getmetatable(L, NAME);
}

void sci_stream_push_function(lua_State *L, lua_CFunction function) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_pushvalue(L, 1);
    sci_push_stream_class(L);
    lua_pushcclosure(L, function, 2);
}

int sci_stream_pass_results(lua_State *L, int status, lua_KContext context) {
    (void)status, (void)context;
    return lua_gettop(L);
}

/* The place of the function at `index` in the list that the class on top has: there are few, all our own. */
static uint8_t number_of_waiter(lua_State *L, int index) {
    for (uint8_t i = 1; i < UINT8_MAX; i++) {
        bool free = lua_rawgeti(L, -1, i) == LUA_TNIL, found = free || lua_rawequal(L, -1, index);
        lua_pop(L, 1);
        if (free) lua_pushvalue(L, index);
        if (free) lua_rawseti(L, -2, i);
        if (found) return i;
    }
    luaL_error(L, "too many waiters");
    return 0;
}

/* newBytes(maxLine, maxBuffer, waiting, socket): `waiting`: true: by yielding; a function: by calling it, see sci_waiting.
 * `socket`: a SciSslSocket or SciSocket; nil: setLink is called, or there is no link. */
static int bytes_new(lua_State *L) {
    lua_Integer max_line = luaL_optinteger(L, 1, LUA_MAXINTEGER), max_buffer = luaL_optinteger(L, 2, LUA_MAXINTEGER);
    bool calls = lua_isfunction(L, 3), yields = !calls && lua_toboolean(L, 3);
    sci_stream *stream = lua_newuserdatauv(L, sizeof *stream, SCI_STREAM_USERVALUES);
    memset(stream, 0, sizeof *stream);
    stream->out = (sci_output *)&sci_no_output;
    stream->timeout = stream->moment = INFINITY;
    stream->max_line = max_line;
    stream->max_buffer = max_buffer;
    stream->waiting = calls ? SCI_WAITS_BY_CALL : yields ? SCI_WAITS_BY_YIELD : SCI_WAITS_IN_LUA;
    sci_push_stream_class(L);
    if (calls) stream->waiter = number_of_waiter(L, 3);
    lua_setmetatable(L, -2);
    if (lua_isnoneornil(L, 4)) return 1;
    sci_link_use_socket(L, 4, &stream->direct);
    stream->link = &stream->direct;
    set_own(stream, true);
    lua_pushvalue(L, 4);
    lua_setiuservalue(L, -2, SCI_STREAM_SOCKET);
    return 1;
}

SCI_AT_LOAD void sci_open_stream_bytes(lua_State *L) {
    static const luaL_Reg functions[] = {{"newBytes", bytes_new}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
