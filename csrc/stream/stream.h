/* stream.h: the bytes of a SciSslStream: what has arrived and has not been read, and the reads and writes that need not wait.
 * Waiting, handlers and failures are in Lua: lua/scissl/stream. Deadlines are computed here (stream_bytes.c).
 *
 * A stream in Lua is a table. Its field 1 is a userdata, sci_stream, whose user values keep the socket and the coroutine
 * that reads. */
#ifndef SCISSL_STREAM_H
#define SCISSL_STREAM_H

#include "connection/connection.h"

/* ---- input.c: bytes in one piece of memory; knows no Lua --------------------------------------------------------- */

typedef struct sci_input {
    /* input.c writes all, by functions that stand there or below. */
    unsigned char *bytes; /* NULL: no memory is held */
    size_t start, end, capacity;
    size_t searched; /* so many bytes behind `start` hold no line end */
    uint64_t taken;  /* bytes in all */
} sci_input;

size_t sci_input_size(const sci_input *input);

/* Makes room for `length` bytes behind the end. False: out of memory; nothing has changed. */
bool sci_input_reserve(sci_input *input, size_t length);

/* Takes `length` bytes from the beginning. Memory that is no longer needed is given back, unless it is of a size that
 * reads fill again and again. */
void sci_input_skip(sci_input *input, size_t length);

/* `length` bytes were written behind the end, where there was room. */
static inline void sci_input_added(sci_input *input, size_t length) { input->end += length; }

/* The same for a function that itself adds to a count what it writes behind the end. */
static inline size_t *sci_input_count(sci_input *input) { return &input->end; }

/* Drops `length` bytes from the beginning, which do not count as taken. */
static inline void sci_input_drop(sci_input *input, size_t length) {
    input->start += length;
    input->searched = 0;
}

static inline void sci_input_note_searched(sci_input *input, size_t length) { input->searched = length; }

void sci_input_free(sci_input *input);

/* Finds the first line end: how many bytes stand before it. No byte is searched twice. False: there is none yet. */
bool sci_input_find_line(sci_input *input, size_t *length);

/* ---- stream_bytes.c: the userdata --------------------------------------------------------------------------------- */

#define SCI_STREAM_SOCKET 1 /* user value: the SciSslSocket that bytes are read from and written to, or nil */
#define SCI_STREAM_REST 3   /* user value: the string whose rest the socket has not taken yet, or nil */
#define SCI_STREAM_READER 2 /* user value: the coroutine that waits in the midst of a read, or nil */

typedef struct sci_stream {
    /* stream_bytes.c writes all but `in`, by functions that stand there or below. */
    sci_input in;
    sci_sslsocket *socket; /* in SCI_STREAM_SOCKET; NULL: Lua moves the bytes */
    size_t rest_from;      /* so many bytes of the string in SCI_STREAM_REST were written */
    lua_State *reader;     /* in SCI_STREAM_READER; NULL: none */
    bool moving;  /* a call is adding bytes, or makes a string of some: a finalizer or a handler must not touch them */
    bool direct;  /* nothing is queued or kept back: a write may go to the socket at once */
    bool heard;   /* Lua has seen that the first bytes have come */
    bool drained; /* the last read has probably left nothing behind: it is better to wait before the next one */
    bool yields;  /* waiting is to yield `socket, events, deadline` */
    int in_a_row; /* reads since the last wait */
    int idle_waits;     /* waits since bytes have come last */
    double timeout;     /* settimeout: seconds for each operation; INFINITY: none */
    double moment;      /* setdeadline: of all operations; INFINITY: none */
    double read_by;     /* the deadline of the current read, where read_by_known; INFINITY: none */
    bool read_by_known; /* it is computed before the first wait of a read */
    lua_Integer max_line, max_buffer;
} sci_stream;

void sci_push_stream_class(lua_State *L); /* the metatable */

/* The stream's userdata at `index`; raises for anything else. */
sci_stream *sci_check_stream(lua_State *L, int index);

/* Pushes the userdata of the stream (a table) at index 1. NULL: that is no stream, and the caller must drop what was pushed.
 * `class`: index of the metatable, which is found faster than its name. */
sci_stream *sci_push_stream(lua_State *L, int class);

/* Pushes a function whose upvalues are the metatable and the policy in Lua, the table at 1. Raises for anything else there. */
void sci_stream_push_function(lua_State *L, lua_CFunction function);

/* The continuation of a call of that policy: all that it returned is what the function returns. */
int sci_stream_pass_results(lua_State *L, int status, lua_KContext context);

/* Whether a coroutine other than L's waits in the midst of a read, or a finalizer or a handler has interrupted a call. */
bool sci_stream_is_taken(lua_State *L, sci_stream *stream);

static inline void sci_stream_begin_read(sci_stream *stream) { stream->read_by_known = false; }
static inline void sci_stream_set_reader(sci_stream *stream, lua_State *reader) { stream->reader = reader; }

/* Between two of these a call is at work on the bytes. */
static inline void sci_stream_set_moving(sci_stream *stream, bool moving) { stream->moving = moving; }

/* Whether the read that has brought bytes has probably left none behind. */
static inline void sci_stream_set_drained(sci_stream *stream, bool drained) { stream->drained = drained; }

/* A read has brought bytes. */
static inline void sci_stream_count_read(sci_stream *stream) {
    stream->in_a_row++;
    stream->idle_waits = 0;
}

/* A read is going to wait. */
static inline void sci_stream_end_row(sci_stream *stream) { stream->in_a_row = 0; }

/* … without Lua. Returns how many waits there were since bytes have come. */
static inline int sci_stream_count_wait(sci_stream *stream) { return ++stream->idle_waits; }

/* The socket has taken `written` bytes of the string in SCI_STREAM_REST. No write goes to the socket before the rest. */
static inline void sci_stream_keep_rest(sci_stream *stream, size_t written) {
    stream->rest_from = written;
    stream->direct = false;
}

/* The deadline of the current read, a moment of sci_seconds; INFINITY: none. */
double sci_stream_read_by(sci_stream *stream);
void sci_push_deadline(lua_State *L, double deadline); /* a number; nil for INFINITY */

/* Pushes the next `length` bytes and takes them and `skip` more. Where memory runs out they stay. */
void sci_stream_push(lua_State *L, sci_stream *stream, size_t length, size_t skip);

/* ---- openers: each adds to the table on top what lua/scissl/stream calls ------------------------------------------- */

void sci_open_stream_bytes(lua_State *L); /* newBytes(maxLine, maxBuffer, yields) */
void sci_open_stream_read(lua_State *L);  /* read, lines, part = makeStreamRead(policy) */
void sci_open_stream_write(lua_State *L); /* write = makeStreamWrite(policy) */

#endif
