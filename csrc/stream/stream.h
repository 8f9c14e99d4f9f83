/* stream.h: the bytes of a SciSslStream: what has arrived and has not been read, what is written and has not been sent, and how
 * they move. Waiting, handlers and failures are in Lua: lua/scissl/stream. Deadlines are computed here (stream_bytes.c).
 *
 * A stream in Lua is a table. Its field 1 is a userdata, sci_stream, whose user values keep what C has pointers to. Its link is a
 * userdata, sci_link; or, where it is no more than a socket from the beginning, a part of the sci_stream. */
#ifndef SCISSL_STREAM_H
#define SCISSL_STREAM_H

#include "connection/connection.h"

#include <string.h>

/* ---- input.c: bytes in one piece of memory; knows no Lua --------------------------------------------------------- */

typedef struct sci_held {
    size_t start, end, capacity; /* of `bytes` */
    size_t searched;             /* so many bytes behind `start` hold no line end */
    struct sci_held *spare;      /* memory for what is left when it parts with this; or NULL */
    unsigned char bytes[];
} sci_held;

typedef struct sci_input {
    /* input.c writes all, by functions that stand there or below. */
    sci_held *held; /* NULL: no memory is held, as while nothing comes */
    uint64_t taken; /* bytes in all */
} sci_input;

static inline size_t sci_input_size(const sci_input *input) {
    return input->held ? input->held->end - input->held->start : 0;
}

/* The first byte, where there is one. */
static inline unsigned char *sci_input_first(const sci_input *input) {
    return input->held ? input->held->bytes + input->held->start : NULL;
}

/* Makes room for `length` bytes behind the end. False: out of memory; nothing has changed. */
bool sci_input_reserve(sci_input *input, size_t length);

/* The place behind the end, and how many bytes it has room for. There is memory. */
static inline unsigned char *sci_input_room(const sci_input *input) { return input->held->bytes + input->held->end; }
static inline size_t sci_input_room_size(const sci_input *input) { return input->held->capacity - input->held->end; }

/* Gives back the memory of an empty input, unless it is of a size that reads fill again and again. */
void sci_input_emptied(sci_input *input);

/* Takes `length` bytes from the beginning. Memory that is no longer needed is given back. */
static inline void sci_input_skip(sci_input *input, size_t length) {
    sci_held *held = input->held;
    if (!held) return;
    held->start += length;
    input->taken += length;
    held->searched = held->searched > length ? held->searched - length : 0;
    if (held->start == held->end) sci_input_emptied(input);
}

/* `length` bytes were written behind the end, where there was room. */
static inline void sci_input_added(sci_input *input, size_t length) { input->held->end += length; }

/* The same for a function that itself adds to a count what it writes behind the end. */
static inline size_t *sci_input_count(sci_input *input) { return &input->held->end; }

/* Of an input that has bytes: drops `length` bytes from the beginning, which do not count as taken. */
static inline void sci_input_drop(sci_input *input, size_t length) {
    input->held->start += length;
    input->held->searched = 0;
}

static inline size_t sci_input_searched(const sci_input *input) { return input->held->searched; }
static inline void sci_input_note_searched(sci_input *input, size_t length) { input->held->searched = length; }

void sci_input_free(sci_input *input);

/* Another owner can get the memory, with the first `length` bytes and `extra` more behind them. sci_input_prepare_parting makes
 * it as large as it has to be; false: it has to stay, as too much is in it, or out of memory. sci_input_part gives it away, and
 * takes the first `length` and `skip` bytes; sci_input_free_bytes frees it. */
bool sci_input_prepare_parting(sci_input *input, size_t length, size_t skip, size_t extra);
void sci_input_part(sci_input *input, size_t length, size_t skip);
void sci_input_free_bytes(unsigned char *bytes);

/* Finds the first line end: how many bytes stand before it. No byte is searched twice. False: there is none yet. */
static inline bool sci_input_find_line(sci_input *input, size_t *length) {
    sci_held *held = input->held;
    if (!held) return false;
    size_t size = held->end - held->start;
    const unsigned char *start = held->bytes + held->start;
    const unsigned char *found =
        size > held->searched ? memchr(start + held->searched, '\n', size - held->searched) : NULL;
    held->searched = found ? (size_t)(found - start) : size;
    if (found) *length = (size_t)(found - start);
    return found != NULL;
}

/* ---- output.c: what is written and not sent yet; knows no Lua ------------------------------------------------------ */

#define SCI_LONG_TEXT 65536 /* bytes from which on a text is not copied: a string in Lua, known by its number */

typedef struct sci_piece {
    size_t length, offset; /* bytes that are left; of a long text: behind so many */
    int number;            /* 0: they are the next ones in the output's `bytes` */
} sci_piece;

/* SCI_BUFFER_…: what setvbuf sets. */
enum { SCI_BUFFER_NONE, SCI_BUFFER_FULL, SCI_BUFFER_LINES };

typedef struct sci_output {
    /* output.c writes all, by functions that stand there or below. */
    sci_input bytes;
    sci_piece *pieces, only;   /* those from `first` on, `count` ends them; `only`: the place of one needs no memory */
    size_t first, count, room; /* of pieces */
    size_t total, due;         /* bytes in all, and of these the first ones, which need not wait for more */
    size_t lines;              /* up to the last line end in mode "line" */
    size_t size;               /* that setvbuf has set */
    int mode;
    int numbers; /* that are used */
} sci_output;

typedef struct sci_output_need {
    size_t bytes, pieces, longs; /* bytes: those that are copied */
    size_t total;                /* bytes */
} sci_output_need;

extern const sci_output sci_no_output; /* an empty one that does not hold anything back, in place of others like it */

void sci_output_init(sci_output *output);
void sci_output_drop(sci_output *output); /* all bytes */

void sci_output_count(sci_output_need *need, size_t length); /* adds what a text needs */

/* Makes room for texts. False: out of memory; nothing has changed. */
bool sci_output_reserve(sci_output *output, const sci_output_need *need);

/* Adds a text, for which there is room; `number`: of a long one, else 0. */
void sci_output_add(sci_output *output, const char *text, size_t length, int number);

/* Adds a part of a long text. Needs no memory where there is nothing else. */
void sci_output_add_long(sci_output *output, int number, size_t offset, size_t length);

/* Makes due what the mode lets go, after texts were added. */
void sci_output_release(sci_output *output);

static inline void sci_output_release_all(sci_output *output) { output->due = output->total; }
static inline int sci_output_next_number(sci_output *output) { return ++output->numbers; }
static inline void sci_output_set_mode(sci_output *output, int mode, size_t size) {
    output->mode = mode;
    output->size = size;
}

/* What is to be sent next. False: nothing. */
bool sci_output_next(const sci_output *output, sci_piece *next);

/* Takes bytes off the beginning. Returns the number of a long text that has been sent whole; else 0. */
int sci_output_sent(sci_output *output, size_t length);

/* ---- link.c: what carries the bytes of a stream ------------------------------------------------------------------- */

/* How a move of bytes has ended, which does not wait, except on a blocking socket. */
typedef enum sci_moved {
    SCI_MOVED,
    SCI_ENDED,  /* the peer has ended its side */
    SCI_FAILED, /* a SciSslError was pushed */
    SCI_WANTS_READ,
    SCI_WANTS_WRITE,
    SCI_WANTS_BOTH
} sci_moved;

typedef struct sci_link {
    /* link.c writes all. */
    sci_sslsocket *ssl;     /* a user value keeps it; NULL: there is no TLS */
    sci_socket *plain;      /* the same; NULL: there is TLS; or both are NULL, and it is a table in Lua */
    struct sci_link *lower; /* the same: the link below a memory transport; NULL: there is none */
    bool in_lua;            /* the lowest link is a table in Lua */
    bool ended;             /* the link below has ended */
    bool sending;           /* records are being sent */
} sci_link;

sci_link *sci_check_link(lua_State *L, int index); /* raises for anything else */

/* Makes `link` that of a SciSslSocket or a SciSocket at `index`, which something keeps as long as the link is used. */
void sci_link_use_socket(lua_State *L, int index, sci_link *link);

/* These act on a link. At `index` is the userdata that it is, or of which it is a part: either has the socket at its first user
 * value. Received bytes go into C memory which nothing else uses meanwhile. `string`: index of the
 * string of which `bytes` are a part; 0: they are in C memory, which may be given up once Lua has run. Then SCI_MOVED may also
 * mean that nothing was sent, and the call has to be repeated with the bytes where they are now. */
sci_moved sci_link_receive(lua_State *L, int index, sci_link *link, unsigned char *room, size_t size, size_t *length);
sci_moved sci_link_send(lua_State *L, int index, sci_link *link, int string, const char *bytes, size_t size,
                        size_t *length);

sci_moved sci_link_settle(lua_State *L, int index, sci_link *link); /* sends the records that TLS has made */

/* As sslWrite of the SciSslSocket at index 1; or as sci_link_send. */
sci_moved sci_write_tls(lua_State *L, sci_sslsocket *socket, int string, const char *bytes, size_t size,
                        size_t *length);

/* For a table in Lua: SCI_MOVED: a string was pushed. */
sci_moved sci_link_take(lua_State *L, int index);

bool sci_link_in_call(const sci_link *link); /* whether a handler runs inside of a call of its TLS */

bool sci_link_is_sending(const sci_link *link); /* whether a call, which a finalizer has interrupted, sends records */

/* What sslRead or sslWrite has pushed, which is no success. */
sci_moved sci_judge_answer(lua_State *L, sci_sslsocket *socket, const char *phase);

/* Pushes true; nil at the end; nil, SciSslError; or nil, nil and events. */
int sci_return_moved(lua_State *L, sci_moved moved);

/* ---- stream_bytes.c: the userdata --------------------------------------------------------------------------------- */

/* User values. */
enum {
    SCI_STREAM_SOCKET = 1, /* what a coroutine yields to wait for the link: the lowest socket */
    SCI_STREAM_READER,     /* the coroutine that waits in the midst of a read, or nil */
    SCI_STREAM_LINK,       /* nil: it is a part of the stream */
    SCI_STREAM_TEXTS,      /* the long text number 1 of the output; or a table of all by their number; or nil */
    SCI_STREAM_USERVALUES = SCI_STREAM_TEXTS
};

/* How a read waits that has nothing else to do meanwhile. */
typedef enum sci_waiting {
    SCI_WAITS_IN_LUA,   /* the policy in Lua sees to it */
    SCI_WAITS_BY_YIELD, /* it yields `socket, events, deadline` */
    SCI_WAITS_BY_CALL   /* it calls a function of our own, which yields in its way: the class has it at [waiter] */
} sci_waiting;

typedef struct sci_stream {
    /* stream_bytes.c writes all but `in` and `out`, by functions that stand there or below. */
    sci_input in;
    sci_output *out;       /* output_memory.c: sci_no_output, which has no memory, or owned */
    sci_link *link;        /* in SCI_STREAM_LINK, or `direct`; NULL: none yet */
    sci_link direct;       /* of the socket that the stream was made of; it does not change */
    sci_sslsocket *socket; /* of a link that is TLS over a socket, where `own`; else NULL */
    lua_State *reader;     /* in SCI_STREAM_READER; NULL: none */
    uint64_t wrote_at;     /* at the last write: 1 and how many bytes had come in all; 0: there was none */
    double timeout;        /* settimeout: seconds for each operation; INFINITY: none */
    double moment;         /* setdeadline: of all operations; INFINITY: none */
    double read_by;        /* the deadline of the current read, where read_by_known; INFINITY: none */
    unsigned in_a_row;     /* reads since the last wait */
    uint16_t idle_waits;   /* waits since bytes have come last */
    uint8_t waiting;       /* sci_waiting */
    uint8_t waiter;        /* of SCI_WAITS_BY_CALL */
    bool own;     /* C moves the bytes by itself: no object in Lua does, and startTls or stopTls is not under way */
    bool moving;  /* a call is adding bytes, or makes a string of some: a finalizer or a handler must not touch them */
    bool sending; /* a call is sending the first bytes of `out`: the same */
    bool bulk;    /* the last read brought many bytes */
    bool heard;   /* Lua has seen that the first bytes have come */
    bool drained; /* the last read has probably left nothing behind: it is better to wait before the next one */
    bool read_by_known; /* it is computed before the first wait of a read */
    lua_Integer max_line, max_buffer;
} sci_stream;

void sci_push_stream_class(lua_State *L); /* the metatable */

/* The stream's userdata at `index`; raises for anything else. */
sci_stream *sci_check_stream(lua_State *L, int index);

/* Pushes the userdata of the stream (a table) at index 1. NULL: that is no stream, and the caller must drop what was pushed.
 * `class`: index of the metatable, which is found faster than its name. */
sci_stream *sci_push_stream(lua_State *L, int class);

/* Pushes the userdata that has the link of the stream's userdata at `self`, and returns the link. */
static inline sci_link *sci_stream_push_link(lua_State *L, int self) {
    sci_stream *stream = lua_touserdata(L, self);
    if (stream->link == &stream->direct) lua_pushvalue(L, self);
    else lua_getiuservalue(L, self, SCI_STREAM_LINK);
    return stream->link;
}

/* Pushes a function whose upvalues are the policy in Lua, the table at 1, and the metatable. Raises for anything else there. */
void sci_stream_push_function(lua_State *L, lua_CFunction function);

/* The continuation of a call of that policy: all that it returned is what the function returns. */
int sci_stream_pass_results(lua_State *L, int status, lua_KContext context);

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

/* Nothing was to be done about the first bytes. */
static inline void sci_stream_set_heard(sci_stream *stream) { stream->heard = true; }

/* A read is going to wait. */
static inline void sci_stream_end_row(sci_stream *stream) { stream->in_a_row = 0; }

/* … without Lua. Returns how many waits there were since bytes have come. */
static inline int sci_stream_count_wait(sci_stream *stream) {
    if (stream->idle_waits < UINT16_MAX) stream->idle_waits++;
    return stream->idle_waits;
}

/* Between two of these a call is sending the first bytes of the output. */
static inline void sci_stream_set_sending(sci_stream *stream, bool sending) { stream->sending = sending; }

/* Something is written. */
static inline void sci_stream_note_write(sci_stream *stream) {
    stream->wrote_at = stream->in.taken + sci_input_size(&stream->in) + 1;
}

/* The deadline of the current read, a moment of sci_seconds; INFINITY: none. */
double sci_stream_read_by(sci_stream *stream);
void sci_push_deadline(lua_State *L, double deadline); /* a number; nil for INFINITY */

#define SCI_LONG_STRING 4194304 /* bytes from which on making a string is worth some care */

/* long_string.c: sci_stream_push for SCI_LONG_STRING bytes and more. */
void sci_stream_push_long(lua_State *L, sci_stream *stream, size_t length, size_t skip);

/* Pushes the next `length` bytes and takes them and `skip` more. Where memory runs out they stay. */
static inline void sci_stream_push(lua_State *L, sci_stream *stream, size_t length, size_t skip) {
    if (length >= SCI_LONG_STRING) {
        sci_stream_push_long(L, stream, length, skip);
        return;
    }
    stream->moving = true;
    lua_pushlstring(L, length > 0 ? (const char *)sci_input_first(&stream->in) : "", length);
    stream->moving = false;
    sci_input_skip(&stream->in, length + skip);
}

/* Takes in what has arrived at the link of the stream's userdata at `self`. */
sci_moved sci_stream_receive(lua_State *L, int self);

/* ---- output_memory.c ---------------------------------------------------------------------------------------------- */

static inline bool sci_stream_has_output(const sci_stream *stream) { return stream->out != &sci_no_output; }

/* Between two of these the output has memory. False: there is none. */
bool sci_stream_begin_output(sci_stream *stream);
void sci_stream_end_output(sci_stream *stream);

void sci_stream_free_output(sci_stream *stream);

/* ---- stream_output.c ---------------------------------------------------------------------------------------------- */

/* Texts, each a string: those from `index` on; or, where `listed`, those of the table there. */
typedef struct sci_texts {
    int index;
    lua_Integer count;
    bool listed;
} sci_texts;

/* Adds texts to the output of the stream's userdata at `self`: all, or none where memory runs out. */
void sci_stream_add(lua_State *L, int self, const sci_texts *texts);

/* Keeps what the socket did not take of the string at `text`, from `offset` on. Nothing is queued. Needs no memory, but for that
 * of the output. */
void sci_stream_keep(lua_State *L, int self, int text, size_t offset);

/* Sends what is due. `socket`: that of the stream, which is at index 1; NULL: the link does it. SCI_MOVED: all was sent; or a
 * finalizer or a handler leaves it to the call that it has interrupted. */
sci_moved sci_stream_send(lua_State *L, int self, sci_sslsocket *socket);

bool sci_stream_is_sending(lua_State *L,
                           const sci_stream *stream); /* a call that a finalizer or a handler interrupts */
void sci_stream_drop_output(lua_State *L, int self);

void sci_stream_add_output(lua_State *L); /* adds its methods to the table of the class, which is on top */

/* ---- openers: each adds to the table on top what lua/scissl/stream calls ------------------------------------------- */

void sci_open_stream_bytes(lua_State *L); /* newBytes(maxLine, maxBuffer, waiting, socket) */
void sci_open_stream_link(lua_State *L);  /* newLink(socket, lower) */
void sci_open_stream_read(lua_State *L);  /* read, lines, part = makeStreamRead(policy) */
void sci_open_stream_write(lua_State *L); /* write = makeStreamWrite(policy) */
void sci_open_stream_serve(lua_State *L); /* serve = makeServe(…), see serve.c */

#endif
