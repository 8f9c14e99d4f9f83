/* long_string.c: long strings. From Lua 5.5 on the memory into which a socket was read becomes the string; before that Lua makes
 * a copy. */
#include "stream/stream.h"

/* ---- without a copy ----------------------------------------------------------------------------------------------- */

#if LUA_VERSION_NUM >= 505

/* Two bytes are behind a string: a zero, as Lua demands, and who owns the memory. */
enum { BEHIND = 2 };
enum { OWNED_BY_LUA, OWNED_BY_INPUT };

/* Lua calls this when it collects the string, and where memory runs out before there is one: then the two bytes become again what
 * they were, which is in `before`. */
static void *free_memory(void *before, void *memory, size_t size, size_t unused) {
    unsigned char *bytes = memory;
    (void)unused;
    if (bytes[size] == OWNED_BY_INPUT) {
        bytes[size - 1] = (unsigned char)((uintptr_t)before & 0xff);
        bytes[size] = (unsigned char)((uintptr_t)before >> 8);
    } else sci_input_free_bytes(bytes);
    return NULL;
}

/* Lua does not count the memory of such strings. Without this it would collect too few of them. */
static void tell_collector(lua_State *L, size_t length) {
    if (lua_gc(L, LUA_GCISRUNNING)) (void)lua_gc(L, LUA_GCSTEP, length);
}

/* False: they have to be copied. */
static bool hand_over(lua_State *L, sci_stream *stream, size_t length, size_t skip) {
    sci_input *in = &stream->in;
    if (!sci_input_prepare_parting(in, length, skip, BEHIND)) return false;
    unsigned char *bytes = in->held->bytes;
    sci_stay_loaded(); /* lua_close unloads C modules before it frees strings */
    uintptr_t before = bytes[length] | (uintptr_t)bytes[length + 1] << 8;
    bytes[length] = 0;
    bytes[length + 1] = OWNED_BY_INPUT;
    sci_stream_set_moving(stream, true);
    lua_pushexternalstring(L, (const char *)bytes, length, free_memory, (void *)before);
    bytes[length + 1] = OWNED_BY_LUA;
    sci_input_part(in, length, skip);
    sci_stream_set_moving(stream, false);
    tell_collector(L, length);
    return true;
}

#else

static bool hand_over(lua_State *L, sci_stream *stream, size_t length, size_t skip) {
    (void)L, (void)stream, (void)length, (void)skip;
    return false;
}

#endif

/* ---- with a copy -------------------------------------------------------------------------------------------------- */

/* Lua's own allocator, of which one block is asked for large pages. */
typedef struct allocator {
    lua_State *L;
    lua_Alloc allocate;
    void *data;
} allocator;

/* lua_pushlstring allocates the string first of all. From then on Lua has its own allocator again. */
static void *allocate_string(void *data, void *block, size_t old_size, size_t size) {
    const allocator *own = data;
    lua_setallocf(own->L, own->allocate, own->data);
    void *memory = own->allocate(own->data, block, old_size, size);
    if (memory && !block) sci_prefer_large_pages(memory, size);
    return memory;
}

static void push_copy(lua_State *L, const sci_input *in, size_t length) {
    allocator own = {.L = L};
    own.allocate = lua_getallocf(L, &own.data);
    lua_setallocf(L, allocate_string, &own);
    lua_pushlstring(L, (const char *)sci_input_first(in), length);
}

void sci_stream_push_long(lua_State *L, sci_stream *stream, size_t length, size_t skip) {
    if (hand_over(L, stream, length, skip)) return;
    sci_stream_set_moving(stream, true);
    push_copy(L, &stream->in, length);
    sci_stream_set_moving(stream, false);
    sci_input_skip(&stream->in, length + skip);
}
