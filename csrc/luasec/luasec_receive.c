/* luasec_receive.c: `receive` of scissl.luasec's connections, with LuaSocket's patterns.
 *
 * TLS reads record by record here, as LuaSec's does, and a call takes no more records than it needs: what the peer has sent
 * behind them stays in the kernel, where loops see it that watch the descriptor alone. */
#include "luasec/luasec.h"

#include <string.h>

#define RECORD SSL3_RT_MAX_PLAIN_LENGTH
#define LONGEST (SIZE_MAX / 4)

/* Places on the stack. */
enum { SOCKET = 1, SELF, PATTERN, PREFIX };

/* What a step returns where the call is not over; else the number of results. */
enum { RECEIVE_ON = -1 };

typedef struct request {
    char kind;    /* 'l': a line; 'c': a count; 'a': all */
    size_t count; /* of 'c' */
    size_t prefix;
    double start;
    bool any; /* bytes have been received */
} request;

/* ---- arguments ---------------------------------------------------------------------------------------------------- */

static size_t to_count(lua_State *L) {
    lua_Number number = lua_tonumber(L, PATTERN - 1);
    luaL_argcheck(L, number >= 0, PATTERN - 1, "invalid receive pattern");
    return number < (lua_Number)LONGEST ? (size_t)number : LONGEST;
}

static void read_pattern(lua_State *L, request *wanted) {
    wanted->kind = 'l';
    if (lua_isnoneornil(L, PATTERN - 1)) return;
    if (lua_isnumber(L, PATTERN - 1)) {
        wanted->kind = 'c';
        wanted->count = to_count(L);
        return;
    }
    const char *text = luaL_checkstring(L, PATTERN - 1);
    luaL_argcheck(L, text[0] == '*' && (text[1] == 'l' || text[1] == 'a'), PATTERN - 1, "invalid receive pattern");
    wanted->kind = text[1];
}

/* The receiver is at 1 still. */
static void read_request(lua_State *L, request *wanted) {
    lua_settop(L, PREFIX - 1);
    *wanted = (request){0};
    (void)luaL_optlstring(L, PREFIX - 1, "", &wanted->prefix);
    read_pattern(L, wanted);
}

/* ---- bytes -------------------------------------------------------------------------------------------------------- */

/* Takes the carriage returns out of `*length` bytes, as "*l" wants: the others move to the end. Returns how many there were. */
static size_t drop_returns(unsigned char *bytes, size_t length) {
    if (length == 0 || !memchr(bytes, '\r', length)) return 0;
    unsigned char *to = bytes + length;
    for (size_t i = length; i-- > 0;)
        if (bytes[i] != '\r') *--to = bytes[i];
    return (size_t)(to - bytes);
}

/* Pushes the prefix and `length` bytes as one string. Where memory runs out, `socket` has failed: the bytes are lost. */
static void push_string(lua_State *L, sci_sslsocket *socket, const request *wanted, const unsigned char *bytes,
                        size_t length) {
    if (socket) sci_ssl_hold_bytes(socket, true);
    lua_pushlstring(L, length > 0 ? (const char *)bytes : "", length);
    if (wanted->prefix > 0) {
        lua_pushvalue(L, PREFIX);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    if (socket) sci_ssl_hold_bytes(socket, false);
}

/* Whether the request is complete with `size` bytes, the first `searched` of which hold no line end. `*length` bytes are wanted, and
 * `*skip` behind them are dropped. */
static bool is_complete(const request *wanted, const unsigned char *bytes, size_t size, size_t searched, size_t *length,
                        size_t *skip) {
    const unsigned char *end = NULL;
    *skip = 0;
    if (wanted->kind == 'c') {
        *length = wanted->count;
        return size > 0 && size >= wanted->count;
    }
    if (wanted->kind == 'l' && size > searched) end = memchr(bytes + searched, '\n', size - searched);
    if (!end) return false;
    *length = (size_t)(end - bytes);
    *skip = 1;
    return true;
}

/* Pushes `length` bytes of the input and takes them. */
static void push_input(lua_State *L, sci_luasec *self, const request *wanted, size_t length, size_t skip) {
    sci_input *in = &self->in;
    self->received += (lua_Number)(length + skip);
    if (wanted->kind == 'l' && length > 0) {
        size_t dropped = drop_returns(sci_input_first(in), length);
        sci_input_drop(in, dropped);
        length -= dropped;
    }
    self->moving = true;
    push_string(L, NULL, wanted, sci_input_first(in), length);
    self->moving = false;
    sci_input_skip(in, length + skip);
}

/* Appends bytes that are in C memory alone. */
static void keep_bytes(lua_State *L, sci_luasec *self, sci_sslsocket *socket, const unsigned char *bytes,
                       size_t length) {
    if (length == 0) return;
    if (!sci_input_reserve(&self->in, length)) {
        sci_ssl_hold_bytes(socket, true); /* they are lost: the next call reports that */
        luaL_error(L, "not enough memory");
    }
    memcpy(sci_input_room(&self->in), bytes, length);
    sci_input_added(&self->in, length);
}

/* ---- results ------------------------------------------------------------------------------------------------------ */

static int return_string(lua_State *L) {
    lua_pushnil(L);
    lua_pushnil(L);
    return 3;
}

/* The word for why the call ends and the string are on top. */
static int return_partial(lua_State *L) {
    lua_pushnil(L);
    lua_insert(L, -3);
    return 3;
}

/* The word is on top: returns what has come so far, which is a success where all was wanted and the peer has ended. */
static int end_with_input(lua_State *L, sci_luasec *self, const request *wanted) {
    size_t size = sci_input_size(&self->in);
    bool closed = self->phase != SCI_LUASEC_CONNECTED || self->ended;
    push_input(L, self, wanted, size, 0);
    if (wanted->kind == 'a' && closed && size > 0) return return_string(L);
    return return_partial(L);
}

/* ---- through scratch memory --------------------------------------------------------------------------------------- */

/* What a call has read into scratch memory, which spares the input its memory. */
typedef struct gathered {
    unsigned char *bytes;
    size_t size, length, skip;
    bool complete;
    bool came; /* false: the result of sslRead is on top */
} gathered;

/* A short count takes the whole record in: the next call finds the rest. */
static size_t next_size(const request *wanted, size_t size) {
    size_t room = SCI_SCRATCH - size, left = wanted->count - size;
    return wanted->kind == 'c' && wanted->count > size + 1024 && left < room ? left : room;
}

static void gather(lua_State *L, sci_sslsocket *socket, const request *wanted, gathered *got) {
    do {
        size_t searched = got->size;
        got->came = sci_ssl_read_into(L, socket, got->bytes + searched, next_size(wanted, searched), &got->size);
        got->complete = got->came && is_complete(wanted, got->bytes, got->size, searched, &got->length, &got->skip);
    } while (got->came && !got->complete && SCI_SCRATCH - got->size >= RECORD);
}

/* Pushes the string, and keeps what is behind it. */
static void push_gathered(lua_State *L, sci_luasec *self, sci_sslsocket *socket, const request *wanted,
                          const gathered *got) {
    size_t length = got->length, taken = length + got->skip;
    keep_bytes(L, self, socket, got->bytes + taken, got->size - taken);
    size_t dropped = wanted->kind == 'l' ? drop_returns(got->bytes, length) : 0;
    sci_ssl_give_scratch_back(socket);
    self->received += (lua_Number)taken;
    push_string(L, socket, wanted, got->bytes + dropped, length - dropped);
}

/* Whether a call that sslRead has given this result ends at once. */
static bool ends_now(lua_State *L, const sci_luasec *self) {
    return lua_isinteger(L, -1) && (self->block == 0 || lua_tointeger(L, -1) == 0);
}

/* There is no input: reads what has come, and ends the call where that is enough, or where it must not wait. */
static int receive_at_once(lua_State *L, sci_luasec *self, request *wanted) {
    sci_sslsocket *socket = self->socket;
    gathered got = {0};
    if (!sci_ssl_ready_for_data(L, socket, "read"))
        return RECEIVE_ON; /* a call of this socket may have the memory already */
    got.bytes = sci_ssl_take_scratch(L, socket);
    gather(L, socket, wanted, &got);
    bool ends = !got.came && ends_now(L, self);
    if (got.complete) {
        push_gathered(L, self, socket, wanted, &got);
        return return_string(L);
    }
    if (ends) {
        (void)sci_luasec_settle(L, self, 0);
        got.length = got.size;
        push_gathered(L, self, socket, wanted, &got);
        return wanted->kind == 'a' && self->ended && got.size > 0 ? return_string(L) : return_partial(L);
    }
    keep_bytes(L, self, socket, got.bytes, got.size);
    sci_ssl_give_scratch_back(socket);
    if (got.came) lua_pushnil(L);
    return RECEIVE_ON;
}

/* ---- through the input -------------------------------------------------------------------------------------------- */

/* Adds what has come to the input. Pushes the result of sslRead, or nil where bytes have come. */
static void read_more(lua_State *L, sci_luasec *self) {
    sci_input *in = &self->in;
    if (!sci_input_reserve(in, RECORD)) luaL_error(L, "not enough memory");
    self->moving = true;
    bool came = sci_ssl_read_into(L, self->socket, sci_input_room(in), sci_input_room_size(in), sci_input_count(in));
    self->moving = false;
    if (came) lua_pushnil(L);
}

static bool take_input(lua_State *L, sci_luasec *self, const request *wanted) {
    sci_input *in = &self->in;
    size_t size = sci_input_size(in), length, skip;
    if (size == 0) return false;
    if (!is_complete(wanted, sci_input_first(in), size, sci_input_searched(in), &length, &skip)) {
        if (wanted->kind == 'l') sci_input_note_searched(in, size);
        return false;
    }
    push_input(L, self, wanted, length, skip);
    return true;
}

static int receive(lua_State *L, sci_luasec *self, request *wanted) {
    for (;;) {
        lua_settop(L, PREFIX);
        if (take_input(L, self, wanted)) return return_string(L);
        if (self->phase != SCI_LUASEC_CONNECTED) {
            lua_pushliteral(L, "closed");
            return end_with_input(L, self, wanted);
        }
        if (sci_input_size(&self->in) > 0) read_more(L, self);
        else {
            int count = receive_at_once(L, self, wanted);
            if (count != RECEIVE_ON) return count;
        }
        if (!lua_isnil(L, -1) && !sci_luasec_settle(L, self, wanted->start)) return end_with_input(L, self, wanted);
    }
}

/* Bytes are not touched while a call is at work on them, which a finalizer or a handler has interrupted. */
static void check_at_rest(lua_State *L, sci_luasec *self) {
    if (!self->moving) return;
    if (sci_in_finalizer(L) || (self->socket && sci_ssl_in_call(self->socket)))
        luaL_error(L, "a call of this very connection is at work on its bytes");
    self->moving = false; /* a call that has raised has left it behind */
}

/* connection:receive: see lua/scissl/luasec/connection.lua. */
static int connection_receive(lua_State *L) {
    sci_luasec *self = sci_check_luasec(L);
    request wanted;
    read_request(L, &wanted);
    check_at_rest(L, self);
    if (wanted.kind == 'c' && wanted.prefix > 0) {
        if (wanted.count <= wanted.prefix) {
            lua_pushvalue(L, PREFIX - 1);
            return return_string(L);
        }
        wanted.count -= wanted.prefix;
    }
    wanted.start = sci_luasec_start(self);
    lua_getiuservalue(L, 1, SCI_LUASEC_SOCKET);
    lua_insert(L, SOCKET);
    return receive(L, self, &wanted);
}

void sci_luasec_add_receive(lua_State *L, int index) {
    static const luaL_Reg functions[] = {{"receive", connection_receive}, {NULL, NULL}};
    sci_luasec_add(L, index, functions);
}
