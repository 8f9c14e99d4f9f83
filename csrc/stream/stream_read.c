/* stream_read.c: SciSslStream:read and the iterators of SciSslStream:lines: what the formats take from the input, and reads of
 * the socket that need not wait. What else there is to do is done by functions in Lua, the policy. */
#include "stream/stream.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define READS_IN_A_ROW 16 /* without waiting, after which others get their turn */
#define IDLE_WAITS 64     /* waits that bring nothing, after which the waiter is checked */
#define SOME 65536        /* bytes of format "s" where no number is given */
#define ROOM 65536        /* bytes that a read of the socket may bring at a time */
#define BULK 16384        /* bytes at a time, from which on they are read where they are kept */

/* Upvalues of the functions; and of an iterator: its stream and the stream's userdata. Where the format is not "l", which takes
 * no more, two others follow: the format, and an `iterated`. */
enum { POLICY = 1, BYTES_CLASS };
enum { ITERATED_STREAM = POLICY + 1, ITERATED_BYTES, ITERATED_FORMAT, ITERATED };

/* Functions of the policy, by their place in it. Each gets the stream first.
 *   OTHER(stream, …)                   does the whole read: other formats, several, wrong arguments
 *   REFUSE_SECOND(stream)              returns nil and the SciSslError `busy`, or nothing where the read may go on
 *   FILL(stream, events)               waits and takes in more: true; nil at the end; nil, a failure and whether it passes
 *   NOTE_START(stream)                       sees to what comes with the first bytes
 *   FINISH(stream, failure, passes, all)  what a read returns when no more comes
 *   GIVEN_UP(stream, ready, reason)    nil, a failure, true, for what a coroutine was resumed with in place of true
 *   TOO_LONG(stream, most), TOO_MUCH(stream, most)   nil and a failure
 *   OTHER_LINES(stream, …)             as OTHER, for an iterator */
enum { OTHER = 1, REFUSE_SECOND, FILL, NOTE_START, FINISH, GIVEN_UP, TOO_LONG, TOO_MUCH, OTHER_LINES };

/* Places on the stack of a read that goes on. */
enum { SOCKET = 1, SELF, FORMAT, BYTES, RESULTS };

/* What a continuation has waited for; RAISES is added where a failure is raised and not returned. */
enum { YIELDED = 1, CALLED, FILLED, NOTED_START, RAISES = 16 };

typedef struct item {
    char kind;        /* 'l', 'L', 'c': a count, 's', 'a' */
    lua_Integer most; /* bytes; of 'c': how many */
} item;

typedef struct iterated { /* so that an iterator asks Lua for one thing alone */
    sci_stream *stream;
    item wanted;
} iterated;

/* What a step of a read returns where it is not over; else the number of results. */
enum { READ_ON = -1 };

/* ---- formats ------------------------------------------------------------------------------------------------------ */

static lua_Integer default_most(const sci_stream *stream, char kind) {
    if (kind == 's') return SOME;
    return kind == 'a' ? stream->max_buffer : stream->max_line;
}

/* Reads "l", "*line" as in Lua 5.1, or "l:8192". */
static bool read_letter(const char *text, const sci_stream *stream, item *wanted) {
    if (*text == '*') text++;
    const char *limit = strchr(text, ':');
    if (*text == 0 || !strchr("lLsa", *text)) return false;
    *wanted = (item){*text, default_most(stream, *text)};
    if (!limit) return true;
    char *end;
    long long most = limit[1] >= '0' && limit[1] <= '9' ? strtoll(limit + 1, &end, 10) : -1;
    if (most < 0 || *end != 0) return false;
    wanted->most = most;
    return true;
}

/* Reads the format at `index`. False: the policy knows what to do with it. */
static bool read_format(lua_State *L, int index, const sci_stream *stream, item *wanted) {
    int good;
    if (lua_type(L, index) == LUA_TSTRING) return read_letter(lua_tostring(L, index), stream, wanted);
    *wanted = (item){'c', lua_type(L, index) == LUA_TNUMBER ? lua_tointegerx(L, index, &good) : -1};
    return wanted->most >= 0 && good;
}

/* ---- taking an item ----------------------------------------------------------------------------------------------- */

typedef enum outcome { TAKEN, MORE, REFUSED, UNTRIED } outcome;

static int read_again(lua_State *L, sci_stream *stream, int raises);

static inline outcome take_line(lua_State *L, sci_stream *stream, const item *wanted) {
    size_t length;
    bool found = sci_input_find_line(&stream->in, &length);
    if (!found) return sci_input_size(&stream->in) > (lua_Unsigned)wanted->most ? REFUSED : MORE;
    if (length > (lua_Unsigned)wanted->most) return REFUSED;
    size_t end = wanted->kind == 'L' ? 1 : 0;
    sci_stream_push(L, stream, length + end, 1 - end);
    return TAKEN;
}

static outcome take(lua_State *L, sci_stream *stream, const item *wanted) {
    size_t size = sci_input_size(&stream->in);
    lua_Unsigned most = (lua_Unsigned)wanted->most; /* may be more than a size_t of 32 bits has */
    switch (wanted->kind) {
        case 'c':
            if (size == 0 || size < most) return MORE;
            sci_stream_push(L, stream, (size_t)most, 0);
            return TAKEN;
        case 's':
            if (size == 0) return MORE;
            sci_stream_push(L, stream, size < most ? size : (size_t)most, 0);
            return TAKEN;
        case 'a': return size > most ? REFUSED : MORE;
        default: return take_line(L, stream, wanted);
    }
}

/* ---- taking in ---------------------------------------------------------------------------------------------------- */

/* Bytes to make room for, where `length` have come: more, if they are many, up to ROOM with what is there. */
static size_t room_for(const sci_input *in, size_t length) {
    size_t size = sci_input_size(in);
    return length >= BULK && size < ROOM - length ? ROOM - size : length;
}

/* Reads a little into memory that all streams share, so that one which waits for its next line holds none. */
static bool read_little(lua_State *L, sci_stream *stream) {
    sci_sslsocket *socket = stream->socket;
    size_t length = 0;
    if (!sci_ssl_ready_for_data(L, socket, "read"))
        return false; /* a call of this socket may have the memory already */
    unsigned char *bytes = sci_ssl_take_scratch(L, socket);
    bool came = sci_ssl_read_into(L, socket, bytes, SCI_SCRATCH, &length);
    bool kept = length == 0 || sci_input_reserve(&stream->in, room_for(&stream->in, length));
    if (kept && length > 0) {
        memcpy(sci_input_room(&stream->in), bytes, length);
        sci_input_added(&stream->in, length);
    }
    sci_ssl_give_scratch_back(socket);
    if (!kept) {
        sci_ssl_hold_bytes(socket, true); /* they are lost: the next call reports that */
        luaL_error(L, "not enough memory");
    }
    return came;
}

/* Whether there is memory for many bytes behind those that have not been read, which may have to move to its beginning. */
static bool has_room(const sci_input *in) {
    const sci_held *held = in->held;
    size_t size = sci_input_size(in);
    if (!held || size >= BULK || sci_input_room_size(in) >= BULK) return held != NULL;
    return held->start >= size && held->capacity - size >= BULK;
}

static sci_moved read_socket(lua_State *L, sci_stream *stream) {
    sci_input *in = &stream->in;
    sci_sslsocket *socket = stream->socket;
    sci_stream_set_moving(stream, true);
    bool came;
    if (has_room(in)) {
        if (!sci_input_reserve(in, BULK)) luaL_error(L, "not enough memory");
        came = sci_ssl_read_into(L, socket, sci_input_room(in), sci_input_room_size(in), sci_input_count(in));
    } else came = read_little(L, stream);
    sci_stream_set_moving(stream, false);
    sci_stream_set_drained(stream, came && stream->waiting != SCI_WAITS_IN_LUA && sci_ssl_has_read_all(socket));
    return came ? SCI_MOVED : sci_judge_answer(L, socket, "read");
}

/* ---- the policy --------------------------------------------------------------------------------------------------- */

static void push_policy(lua_State *L, int place) {
    lua_rawgeti(L, lua_upvalueindex(POLICY), place);
    lua_pushvalue(L, SELF);
}

static int finish_read(lua_State *L, int raises) {
    int count = lua_gettop(L) - BYTES;
    if (!raises || count < 2 || lua_isnil(L, RESULTS + 1)) return count;
    lua_settop(L, RESULTS + 1);
    return lua_error(L);
}

/* Returns nil and a failure that the policy makes about the number of bytes. */
static int refuse(lua_State *L, int place, lua_Integer most, int raises) {
    push_policy(L, place);
    lua_pushinteger(L, most);
    lua_call(L, 2, LUA_MULTRET);
    return finish_read(L, raises);
}

/* No more comes: a failure and whether it passes are at RESULTS and behind it. */
static int end_read(lua_State *L, int raises) {
    item wanted;
    (void)read_format(L, FORMAT, lua_touserdata(L, BYTES), &wanted);
    lua_settop(L, RESULTS + 1);
    push_policy(L, FINISH);
    lua_rotate(L, RESULTS, 2);
    lua_pushboolean(L, wanted.kind == 'a');
    lua_call(L, 4, LUA_MULTRET);
    return finish_read(L, raises);
}

/* ---- waiting ------------------------------------------------------------------------------------------------------ */

/* What a coroutine was resumed with, or the waiter has returned, stands at RESULTS. */
static int look_at_resumed(lua_State *L, sci_stream *stream, int raises) {
    if (stream->reader == L) sci_stream_set_reader(stream, NULL);
    if (lua_isboolean(L, RESULTS) && lua_toboolean(L, RESULTS)) return READ_ON;
    lua_settop(L, RESULTS + 1);
    push_policy(L, GIVEN_UP);
    lua_rotate(L, RESULTS, 2);
    lua_call(L, 3, 3); /* true, or nil, failure, passes */
    if (lua_toboolean(L, RESULTS)) return READ_ON;
    lua_remove(L, RESULTS);
    return end_read(L, raises);
}

/* What the waiter has returned, or raised, stands at RESULTS. */
static int look_at_called(lua_State *L, sci_stream *stream, int status, int raises) {
    if (status == LUA_OK || status == LUA_YIELD) return look_at_resumed(L, stream, raises);
    if (stream->reader == L) sci_stream_set_reader(stream, NULL);
    return lua_error(L);
}

/* What FILL has returned stands at RESULTS. */
static int look_at_filled(lua_State *L, int raises) {
    if (lua_toboolean(L, RESULTS)) return READ_ON;
    lua_settop(L, RESULTS + 2);
    lua_remove(L, RESULTS);
    return end_read(L, raises);
}

static int read_on(lua_State *L, int status, lua_KContext context) {
    int raises = (int)context & RAISES, waited = (int)context & ~RAISES, count = READ_ON;
    sci_stream *stream = lua_touserdata(L, BYTES);
    if (waited == YIELDED) count = look_at_resumed(L, stream, raises);
    else if (waited == CALLED) count = look_at_called(L, stream, status, raises);
    else if (waited == FILLED) count = look_at_filled(L, raises);
    return count == READ_ON ? read_again(L, stream, raises) : count;
}

static int call_fill(lua_State *L, const char *events, int raises) {
    lua_settop(L, BYTES);
    push_policy(L, FILL);
    lua_pushstring(L, events);
    lua_callk(L, 2, 3, FILLED | raises, read_on);
    return look_at_filled(L, raises);
}

/* The first bytes have come. Where nothing is to be told, no function is called: it could make the stack grow. */
static int call_note_start(lua_State *L, sci_stream *stream, int raises) {
    (void)lua_getfield(L, SELF, "onSession");
    bool told = lua_toboolean(L, -1);
    lua_pop(L, 1);
    if (!told) {
        sci_stream_set_heard(stream);
        return READ_ON;
    }
    push_policy(L, NOTE_START);
    lua_callk(L, 1, 0, NOTED_START | raises, read_on);
    return READ_ON;
}

static void push_waiter(lua_State *L, const sci_stream *stream) {
    (void)lua_getmetatable(L, BYTES);
    lua_rawgeti(L, -1, stream->waiter);
    lua_remove(L, -2);
}

/* The socket is not ready for `events`. Where waiting is no more than to yield, or to call the waiter, that is done here. */
static int await(lua_State *L, sci_stream *stream, const char *events, int raises) {
    double by = sci_stream_read_by(stream);
    bool simple = stream->waiting != SCI_WAITS_IN_LUA && stream->out->total == 0 &&
                  sci_stream_count_wait(stream) < IDLE_WAITS && lua_isyieldable(L);
    sci_stream_end_row(stream);
    if (!simple || (by != INFINITY && sci_seconds() >= by)) return call_fill(L, events, raises);
    bool calls = stream->waiting == SCI_WAITS_BY_CALL;
    lua_settop(L, BYTES);
    lua_pushthread(L);
    lua_setiuservalue(L, BYTES, SCI_STREAM_READER);
    sci_stream_set_reader(stream, L);
    if (calls) push_waiter(L, stream);
    lua_pushvalue(L, SOCKET);
    lua_pushstring(L, events);
    sci_push_deadline(L, by);
    if (!calls) return lua_yieldk(L, 3, YIELDED | raises, read_on);
    return look_at_called(L, stream, lua_pcallk(L, 3, 2, 0, CALLED | raises, read_on), raises);
}

/* The end, or a failure, which is on top. */
static int end_at_link(lua_State *L, sci_moved moved, int raises) {
    if (moved == SCI_ENDED) lua_pushnil(L);
    lua_insert(L, RESULTS);
    lua_settop(L, RESULTS);
    lua_pushboolean(L, false);
    return end_read(L, raises);
}

/* Whether there is time left to wait: where there is none, the socket is read all the same. So it is where another call, as
 * sslPeek, has left something in OpenSSL since. */
static bool may_wait(sci_stream *stream) {
    double by = sci_stream_read_by(stream);
    sci_stream_set_drained(stream, false);
    if (!sci_ssl_has_read_all(stream->socket)) return false;
    return by == INFINITY || sci_seconds() < by;
}

/* Takes in what has come. */
static int read_more(lua_State *L, sci_stream *stream, int raises) {
    sci_moved moved = stream->socket ? read_socket(L, stream) : sci_stream_receive(L, BYTES);
    switch (moved) {
        case SCI_MOVED: break;
        case SCI_WANTS_READ: return await(L, stream, "r", raises);
        case SCI_WANTS_WRITE: return await(L, stream, "w", raises);
        case SCI_WANTS_BOTH: return await(L, stream, "rw", raises);
        default: return end_at_link(L, moved, raises);
    }
    sci_stream_count_read(stream);
    return stream->heard ? READ_ON : call_note_start(L, stream, raises);
}

/* Sees to it that more comes. */
static int wait_or_read(lua_State *L, sci_stream *stream, int raises) {
    if (!stream->own || stream->in_a_row >= READS_IN_A_ROW) return call_fill(L, NULL, raises);
    if (stream->drained && stream->socket && may_wait(stream)) return await(L, stream, "r", raises);
    return read_more(L, stream, raises);
}

/* What the policy calls, and finalizers, may have given the stream another socket; that which is read stands at SOCKET. */
static void find_socket(lua_State *L) {
    lua_settop(L, BYTES);
    lua_getiuservalue(L, BYTES, SCI_STREAM_SOCKET);
    lua_replace(L, SOCKET);
}

/* Reads until the item is there. The stack is as a continuation finds it. `out`: of the last attempt to take it. */
static int go_on(lua_State *L, sci_stream *stream, const item *wanted, outcome out, int raises) {
    for (;;) {
        if (out == UNTRIED) out = take(L, stream, wanted);
        if (out == TAKEN) return 1;
        if (out == REFUSED) return refuse(L, wanted->kind == 'a' ? TOO_MUCH : TOO_LONG, wanted->most, raises);
        int count = wait_or_read(L, stream, raises);
        if (count != READ_ON) return count;
        find_socket(L);
        out = UNTRIED;
    }
}

/* Where the item is known only by its format, which was checked. */
static int read_again(lua_State *L, sci_stream *stream, int raises) {
    item wanted;
    (void)read_format(L, FORMAT, stream, &wanted);
    find_socket(L);
    return go_on(L, stream, &wanted, UNTRIED, raises);
}

/* ---- the functions ------------------------------------------------------------------------------------------------ */

/* Whether something else is at work on the bytes. */
static inline bool is_taken(const sci_stream *stream) { return stream->reader || stream->moving; }

/* The stream, its format, or nothing, and its bytes are on the stack. `out`: of take, or UNTRIED. */
static int begin(lua_State *L, sci_stream *stream, const item *wanted, outcome out, int raises) {
    lua_pushnil(L);
    lua_insert(L, SOCKET);
    if (out == UNTRIED) {
        push_policy(L, REFUSE_SECOND);
        lua_call(L, 1, LUA_MULTRET);
        if (lua_gettop(L) > BYTES) return finish_read(L, raises);
    }
    sci_stream_begin_read(stream);
    find_socket(L);
    return go_on(L, stream, wanted, out, raises);
}

/* One format of several: the read has begun. */
static int read_part(lua_State *L) {
    sci_stream *stream = sci_push_stream(L, lua_upvalueindex(BYTES_CLASS));
    luaL_argcheck(L, stream != NULL, 1, "SciSslStream expected");
    lua_pushnil(L);
    lua_insert(L, SOCKET);
    return read_again(L, stream, 0);
}

/* Has the policy do with the arguments what is not done here. */
static int call_other(lua_State *L, int place) {
    lua_rawgeti(L, lua_upvalueindex(POLICY), place);
    lua_insert(L, 1);
    lua_callk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, sci_stream_pass_results);
    return sci_stream_pass_results(L, LUA_OK, 0);
}

static int stream_read(lua_State *L) {
    int count = lua_gettop(L);
    item wanted;
    sci_stream *stream = count == 1 || count == 2 ? sci_push_stream(L, lua_upvalueindex(BYTES_CLASS)) : NULL;
    if (stream && count == 1) {
        lua_pushliteral(L, "l");
        lua_insert(L, 2);
    }
    if (stream && read_format(L, 2, stream, &wanted)) {
        outcome out = is_taken(stream) ? UNTRIED : take(L, stream, &wanted);
        return out == TAKEN ? 1 : begin(L, stream, &wanted, out, 0);
    }
    lua_settop(L, count);
    return call_other(L, OTHER);
}

/* The next item is not there yet. `plain`: of lines alone, where the format is no upvalue. */
SCI_APART static int begin_next(lua_State *L, sci_stream *stream, const item *wanted, outcome out, bool plain) {
    lua_settop(L, 0);
    lua_pushvalue(L, lua_upvalueindex(ITERATED_STREAM));
    if (plain) lua_pushliteral(L, "l");
    else lua_pushvalue(L, lua_upvalueindex(ITERATED_FORMAT));
    lua_pushvalue(L, lua_upvalueindex(ITERATED_BYTES));
    return begin(L, stream, wanted, out, RAISES);
}

/* Lines pass here one by one. */
static int next_line(lua_State *L) {
    sci_stream *stream = lua_touserdata(L, lua_upvalueindex(ITERATED_BYTES));
    item wanted = {'l', stream->max_line};
    outcome out = is_taken(stream) ? UNTRIED : take_line(L, stream, &wanted);
    return out == TAKEN ? 1 : begin_next(L, stream, &wanted, out, true);
}

static int next_item(lua_State *L) {
    const iterated *of = lua_touserdata(L, lua_upvalueindex(ITERATED));
    outcome out = is_taken(of->stream) ? UNTRIED : take(L, of->stream, &of->wanted);
    return out == TAKEN ? 1 : begin_next(L, of->stream, &of->wanted, out, false);
}

/* The stream, its userdata and the format become an iterator. */
static int make_iterator(lua_State *L, sci_stream *stream, item wanted) {
    lua_pushvalue(L, lua_upvalueindex(POLICY));
    lua_insert(L, 1);
    if (wanted.kind == 'l' && wanted.most == stream->max_line) {
        lua_settop(L, ITERATED_BYTES);
        lua_pushcclosure(L, next_line, ITERATED_BYTES);
        return 1;
    }
    iterated *of = lua_newuserdatauv(L, sizeof *of, 0);
    *of = (iterated){stream, wanted};
    lua_pushcclosure(L, next_item, ITERATED);
    return 1;
}

/* In C, since each call between a handler and its reads would cost memory for each connection. */
static int stream_lines(lua_State *L) {
    int count = lua_gettop(L);
    item wanted;
    sci_stream *stream = count == 1 || count == 2 ? sci_push_stream(L, lua_upvalueindex(BYTES_CLASS)) : NULL;
    if (stream) {
        if (count == 1) lua_pushliteral(L, "l");
        else lua_insert(L, 2); /* stream, bytes, format */
        if (read_format(L, 3, stream, &wanted)) return make_iterator(L, stream, wanted);
        lua_remove(L, 2);
    }
    lua_settop(L, count);
    return call_other(L, OTHER_LINES);
}

static int make_read(lua_State *L) {
    sci_stream_push_function(L, stream_read);
    sci_stream_push_function(L, stream_lines);
    sci_stream_push_function(L, read_part);
    return 3;
}

SCI_AT_LOAD void sci_open_stream_read(lua_State *L) {
    static const luaL_Reg functions[] = {{"makeStreamRead", make_read}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
