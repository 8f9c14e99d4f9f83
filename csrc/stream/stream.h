/* stream.h: the bytes of a SciSslStream: what has arrived and has not been read, and the reads and writes that need not wait.
 * What waits, has a time-out, asks a handler or fails is Lua's: lua/scissl/stream.
 *
 * A stream in Lua is a table. Its field 1 is a userdata, sci_stream, whose user values keep the socket and the coroutine
 * that reads. */
#ifndef SCISSL_STREAM_H
#define SCISSL_STREAM_H

#include "connection/connection.h"

/* ---- input.c: bytes in one piece of memory; knows no Lua --------------------------------------------------------- */

typedef struct sci_input {
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
void sci_input_free(sci_input *input);

/* Finds the first line end: how many bytes stand before it. No byte is searched twice. False: there is none yet. */
bool sci_input_find_line(sci_input *input, size_t *length);

/* ---- stream_bytes.c: the userdata --------------------------------------------------------------------------------- */

#define SCI_STREAM_SOCKET 1 /* user value: the SciSslSocket that bytes are read from and written to, or nil */
#define SCI_STREAM_READER 2 /* user value: the coroutine that waits in the midst of a read, or nil */

typedef struct sci_stream {
    sci_input in;
    sci_sslsocket *socket; /* in SCI_STREAM_SOCKET; NULL: Lua moves the bytes */
    lua_State *reader;     /* in SCI_STREAM_READER; NULL: none */
    bool moving;           /* a call is adding bytes, or makes a string of some: a finalizer must not touch them */
    bool direct;           /* nothing is queued or kept back: a write may go to the socket at once */
    bool heard;            /* Lua has seen that the first bytes have come */
    bool drained;   /* the last read has probably left nothing behind: it is better to wait before the next one */
    bool yields;    /* waiting is to yield `socket, events, deadline` */
    int in_a_row;   /* reads since the last wait */
    int idle_waits; /* waits since bytes have come last */
    double timeout; /* seconds for each operation; below 0: none */
    double moment;  /* by when all of them have to be over; below 0: none */
    double read_by; /* the same of the read at hand; 0: it has not been looked at; below 0: none */
    lua_Integer max_line, max_buffer;
} sci_stream;

void sci_push_stream_class(lua_State *L); /* the metatable */

/* The stream's userdata at `index`; raises for anything else. */
sci_stream *sci_check_stream(lua_State *L, int index);

/* The userdata of the stream, a table, at index 1, pushed. NULL: it is none, and what was pushed is of no use. `class` is the index of
 * the metatable, which takes less time than its name. */
sci_stream *sci_push_stream(lua_State *L, int class);

/* Whether a coroutine other than L's waits in the midst of a read, or a finalizer has interrupted a call. */
bool sci_stream_is_taken(lua_State *L, const sci_stream *stream);

/* When the read at hand has to be over, on sci_now's clock in seconds; below 0: as long as it takes. */
double sci_stream_read_by(sci_stream *stream);

/* Pushes the next `length` bytes and takes them and `skip` more. Where memory runs out they stay. */
void sci_stream_push(lua_State *L, sci_stream *stream, size_t length, size_t skip);

/* ---- openers: each adds to the table on top what lua/scissl/stream calls ------------------------------------------- */

void sci_open_stream_bytes(lua_State *L); /* newBytes(maxLine, maxBuffer, yields) */
void sci_open_stream_read(lua_State *L);  /* read, lines, part = makeStreamRead(policy) */
void sci_open_stream_write(lua_State *L); /* write = makeStreamWrite(policy) */

#endif
