/* descriptor_bio.c: what TLS runs over. BIOs for a descriptor, which never raises SIGPIPE, and for a pair of queues. */
#include "transport/transport.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

/* ---- queues ----------------------------------------------------------------------------------------------------- */

#define QUEUE_KEEPS 32768 /* bytes of capacity that an empty queue does not give back */

void sci_queue_free(sci_queue *queue) {
    free(queue->bytes);
    memset(queue, 0, sizeof *queue);
}

static bool queue_grow(sci_queue *queue, size_t needed) {
    size_t capacity = queue->capacity ? queue->capacity : 4096;
    while (capacity < needed) {
        if (capacity > SIZE_MAX / 2) return false;
        capacity *= 2;
    }
    unsigned char *bytes = realloc(queue->bytes, capacity);
    if (!bytes) return false;
    queue->bytes = bytes;
    queue->capacity = capacity;
    return true;
}

/* Bytes move to the front only where at least as many have been taken out since they moved last: a byte moves once for
 * each that leaves, however small the pieces are. */
bool sci_queue_put(sci_queue *queue, const void *bytes, size_t length) {
    if (length == 0) return true;
    if (length > SIZE_MAX - queue->start - queue->length) return false;
    bool pays = queue->start > 0 && queue->start >= queue->length;
    if (pays && queue->start + queue->length + length > queue->capacity) {
        memmove(queue->bytes, queue->bytes + queue->start, queue->length);
        queue->start = 0;
    }
    size_t needed = queue->start + queue->length + length;
    if (needed > queue->capacity && !queue_grow(queue, needed)) return false;
    memcpy(queue->bytes + queue->start + queue->length, bytes, length);
    queue->length += length;
    return true;
}

void sci_queue_skip(sci_queue *queue, size_t length) {
    if (length > queue->length) length = queue->length;
    queue->start += length;
    queue->length -= length;
    if (queue->length > 0) return;
    queue->start = 0;
    if (queue->capacity > QUEUE_KEEPS) sci_queue_free(queue);
}

/* ---- what both BIOs share --------------------------------------------------------------------------------------- */

static int must_wait(BIO *bio, int retry_flag) {
    BIO_set_flags(bio, retry_flag | BIO_FLAGS_SHOULD_RETRY);
    return 0;
}

static void remember_first(sci_transport *transport, const void *data, size_t length) {
    size_t room = sizeof transport->first - transport->first_length;
    if (length > room) length = room;
    memcpy(transport->first + transport->first_length, data, length);
    transport->first_length += length;
}

void sci_transport_fill_first(sci_transport *transport) {
    char data[sizeof transport->first];
    if (!transport->socket) {
        if (transport->in.length > 0)
            remember_first(transport, transport->in.bytes + transport->in.start, transport->in.length);
        return;
    }
    ssize_t got = recv(sci_socket_descriptor(transport->socket), data, sizeof data, MSG_PEEK | MSG_DONTWAIT);
    if (got > 0) remember_first(transport, data, (size_t)got);
}

static void remember(sci_transport *transport, const char *data, size_t length) {
    remember_first(transport, data, length);
    if (transport->records && !sci_queue_put(&transport->seen, data, length)) sci_transport_forget(transport);
}

void sci_transport_record(sci_transport *transport) { transport->records = true; }

void sci_transport_stop_recording(sci_transport *transport) { transport->records = false; }

void sci_transport_forget(sci_transport *transport) {
    transport->records = transport->replays = false;
    transport->replayed = 0;
    sci_queue_free(&transport->seen);
}

void sci_transport_reset(sci_transport *transport) {
    transport->hold = transport->nowait = transport->eof = transport->spoilt = transport->withheld = false;
    transport->first_length = 0;
    if (transport->socket) sci_queue_free(&transport->out);
    sci_transport_forget(transport);
}

void sci_transport_close(sci_transport *transport) {
    sci_queue_free(&transport->in);
    if (transport->socket) sci_queue_free(&transport->out);
    sci_transport_forget(transport);
}

void sci_transport_free(sci_transport *transport) {
    sci_queue_free(&transport->in);
    sci_queue_free(&transport->out);
    sci_transport_forget(transport);
}

bool sci_transport_replay(sci_transport *transport) {
    transport->replays = transport->records;
    transport->replayed = 0;
    return transport->replays;
}

static bool read_again(sci_transport *transport, char *data, size_t size, size_t *done) {
    size_t left = transport->seen.length - transport->replayed;
    if (!transport->replays || left == 0) return false;
    *done = size < left ? size : left;
    memcpy(data, transport->seen.bytes + transport->seen.start + transport->replayed, *done);
    transport->replayed += *done;
    transport->replays = *done < left;
    return true;
}

/* A record that no protocol allows, over and over: whatever OpenSSL has read before, it ends with an alert. */
static int read_nonsense(char *data, size_t size, size_t *done) {
    static const char header[] = {'\xff', 3, 3, '\xff', '\xff'}; /* type, version, length */
    for (*done = 0; *done < size; ++*done) data[*done] = header[*done % sizeof header];
    return 1;
}

/* Whether the call at hand has read what it may, and is to be repeated. */
static bool has_enough(sci_transport *transport) {
    if (transport->taken < SCI_READ_LIMIT) return false;
    bool waits = transport->socket && !transport->nowait && sci_socket_blocking(transport->socket);
    transport->stopped = !waits || transport->taken >= SCI_BLOCKING_READ_LIMIT;
    return transport->stopped;
}

static int get_descriptor(const sci_transport *transport, int *descriptor) {
    int found = transport->socket ? sci_socket_descriptor(transport->socket) : -1;
    if (descriptor) *descriptor = found;
    return found;
}

static long transport_ctrl(BIO *bio, int command, long number, void *pointer) {
    sci_transport *transport = BIO_get_data(bio);
    switch (command) {
        case BIO_CTRL_FLUSH: return 1;
        case BIO_CTRL_EOF: return transport->eof;
        case BIO_C_GET_FD: return get_descriptor(transport, pointer);
        case BIO_CTRL_GET_KTLS_SEND: return transport->ktls; /* asked several times a record */
        case BIO_CTRL_GET_KTLS_RECV: return 0;
        default: return transport->socket ? sci_ktls_control(transport, command, number, pointer) : 0;
    }
}

static int transport_create(BIO *bio) {
    BIO_set_init(bio, 1);
    return 1;
}

/* ---- a descriptor ----------------------------------------------------------------------------------------------- */

static int descriptor_failed(BIO *bio, sci_transport *transport, int retry_flag) {
    if (sci_would_block(errno)) return must_wait(bio, retry_flag);
    transport->system_errno = errno;
    transport->unsent = retry_flag == BIO_FLAGS_WRITE;
    return 0;
}

/* Milliseconds that a read of a blocking descriptor may take by SO_RCVTIMEO; -1: as long as it likes. */
static int own_timeout(const sci_transport *transport, int descriptor) {
    struct timeval time = {0};
    socklen_t size = sizeof time;
    if (transport->nowait || !sci_socket_blocking(transport->socket)) return -1;
    if (getsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, &size) != 0) return -1;
    if ((time.tv_sec == 0 && time.tv_usec == 0) || time.tv_sec > INT_MAX / 1000 - 1) return -1;
    return (int)(time.tv_sec * 1000 + (time.tv_usec + 999) / 1000);
}

/* The system counts a descriptor's time-out anew for each of its reads, of which a peer can make one of our calls do many:
 * they share one, from the second on. False: it has passed. */
static bool awaits_more(sci_transport *transport, int descriptor) {
    if (transport->taken == 0 || transport->began < 0) return true;
    int milliseconds = own_timeout(transport, descriptor);
    if (milliseconds < 0) transport->began = -1;
    if (milliseconds < 0) return true;
    int64_t now = sci_now();
    if (transport->began == 0) transport->began = now;
    int64_t left = transport->began + milliseconds * INT64_C(1000000) - now;
    return sci_descriptor_wait(descriptor, POLLIN, left > 0 ? (int)(left / 1000000) : 0) != 0;
}

static int descriptor_read(BIO *bio, char *data, size_t size, size_t *done) {
    sci_transport *transport = BIO_get_data(bio);
    ssize_t got;
    *done = 0;
    BIO_clear_retry_flags(bio);
    if (transport->spoilt) return read_nonsense(data, size, done);
    if (read_again(transport, data, size, done)) return 1;
    if (transport->hold || has_enough(transport)) return must_wait(bio, BIO_FLAGS_READ);
    int descriptor = sci_socket_descriptor(transport->socket);
    if (!awaits_more(transport, descriptor)) return must_wait(bio, BIO_FLAGS_READ);
    do got = recv(descriptor, data, size, transport->nowait ? MSG_DONTWAIT : 0);
    while (got < 0 && errno == EINTR);
    if (got < 0) return descriptor_failed(bio, transport, BIO_FLAGS_READ);
    if (got == 0) {
        transport->eof = true;
        return 0;
    }
    remember(transport, data, (size_t)got);
    *done = (size_t)got;
    transport->taken += *done;
    return 1;
}

/* As send(2). */
static ssize_t send_now(sci_transport *transport, const void *data, size_t size) {
    ssize_t sent;
    int descriptor = sci_socket_descriptor(transport->socket);
    int flags = MSG_NOSIGNAL | (transport->nowait ? MSG_DONTWAIT : 0);
    do sent = transport->ktls ? sci_ktls_send(transport, data, size, flags) : send(descriptor, data, size, flags);
    while (sent < 0 && errno == EINTR);
    return sent;
}

/* Sends what is queued. False: there is more; errno says why. */
static bool send_queued(sci_transport *transport) {
    sci_queue *out = &transport->out;
    while (out->length > 0) {
        ssize_t sent = send_now(transport, out->bytes + out->start, out->length);
        if (sent < 0) return false;
        sci_queue_skip(out, (size_t)sent);
    }
    return true;
}

bool sci_transport_has_room(sci_transport *transport) {
    if (!transport->socket) return transport->out.length < SCI_MEMORY_LIMIT;
    if (transport->out.length == 0 || send_queued(transport)) return true;
    if (!sci_would_block(errno)) transport->system_errno = errno;
    return false;
}

/* Of a record of data the rest that the descriptor does not take is queued. The kernel's own records are its own affair. */
static int descriptor_write(BIO *bio, const char *data, size_t size, size_t *done) {
    sci_transport *transport = BIO_get_data(bio);
    ssize_t sent = -1;
    *done = 0;
    BIO_clear_retry_flags(bio);
    if (transport->withheld) return must_wait(bio, BIO_FLAGS_WRITE);
    if (transport->out.length == 0 || send_queued(transport)) sent = send_now(transport, data, size);
    bool queues = transport->whole && !transport->ktls;
    if (sent < 0 && !(queues && sci_would_block(errno))) return descriptor_failed(bio, transport, BIO_FLAGS_WRITE);
    *done = sent > 0 ? (size_t)sent : 0;
    if (!queues || *done == size) return 1;
    if (!sci_queue_put(&transport->out, data + *done, size - *done)) {
        transport->system_errno = ENOMEM;
        return 0;
    }
    *done = size;
    return 1;
}

/* ---- memory ----------------------------------------------------------------------------------------------------- */

static int memory_read(BIO *bio, char *data, size_t size, size_t *done) {
    sci_transport *transport = BIO_get_data(bio);
    *done = 0;
    BIO_clear_retry_flags(bio);
    if (transport->spoilt) return read_nonsense(data, size, done);
    if (read_again(transport, data, size, done)) return 1;
    if (transport->in.length > 0 && has_enough(transport)) return must_wait(bio, BIO_FLAGS_READ);
    if (transport->in.length == 0) return transport->eof ? 0 : must_wait(bio, BIO_FLAGS_READ);
    *done = size < transport->in.length ? size : transport->in.length;
    memcpy(data, transport->in.bytes + transport->in.start, *done);
    remember(transport, data, *done);
    sci_queue_skip(&transport->in, *done);
    transport->taken += *done;
    return 1;
}

static int memory_write(BIO *bio, const char *data, size_t size, size_t *done) {
    sci_transport *transport = BIO_get_data(bio);
    *done = 0;
    BIO_clear_retry_flags(bio);
    if (transport->withheld || (transport->out.length >= SCI_MEMORY_LIMIT && !transport->whole))
        return must_wait(bio, BIO_FLAGS_WRITE);
    size_t room = transport->whole ? size : SCI_MEMORY_LIMIT - transport->out.length;
    size_t length = size < room ? size : room;
    if (!sci_queue_put(&transport->out, data, length)) {
        transport->system_errno = ENOMEM;
        return 0;
    }
    *done = length;
    return 1;
}

static long memory_ctrl(BIO *bio, int command, long number, void *pointer) {
    const sci_transport *transport = BIO_get_data(bio);
    if (command == BIO_CTRL_EOF) return transport->eof && transport->in.length == 0;
    return transport_ctrl(bio, command, number, pointer);
}

/* ---- the two methods, one of each for a lua_State that needs it -------------------------------------------------- */

/* The types are OpenSSL's own: BIO_get_new_index has few to give, and a program may load us many times. */
static BIO_METHOD *new_method(int type, const char *name, int (*read)(BIO *, char *, size_t, size_t *),
                              int (*write)(BIO *, const char *, size_t, size_t *),
                              long (*control)(BIO *, int, long, void *)) {
    BIO_METHOD *method = BIO_meth_new(type, name);
    if (method && BIO_meth_set_read_ex(method, read) && BIO_meth_set_write_ex(method, write) &&
        BIO_meth_set_ctrl(method, control) && BIO_meth_set_create(method, transport_create))
        return method;
    BIO_meth_free(method);
    return NULL;
}

static BIO_METHOD *descriptor_method(sci_state *state) {
    if (!state->descriptor)
        state->descriptor = new_method(BIO_TYPE_SOURCE_SINK | BIO_TYPE_DESCRIPTOR, "scissl descriptor", descriptor_read,
                                       descriptor_write, transport_ctrl);
    return state->descriptor;
}

static BIO_METHOD *memory_method(sci_state *state) {
    if (!state->memory)
        state->memory = new_method(BIO_TYPE_MEM, "scissl memory", memory_read, memory_write, memory_ctrl);
    return state->memory;
}

void sci_close_transport(sci_state *state) {
    BIO_meth_free(state->descriptor);
    BIO_meth_free(state->memory);
    state->descriptor = NULL;
    state->memory = NULL;
}

BIO *sci_new_transport_bio(sci_state *state, sci_transport *transport) {
    const BIO_METHOD *method = transport->socket ? descriptor_method(state) : memory_method(state);
    BIO *bio = method ? BIO_new(method) : NULL;
    if (bio) BIO_set_data(bio, transport);
    return bio;
}
