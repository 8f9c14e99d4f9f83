/* bio_read.c: what both BIOs do when they read: the first bytes are kept, a handshake that may begin again is recorded, and a
 * peer that exceeds a limit is stopped. */
#include "transport/bio.h"

#include <string.h>

/* ---- the end of what the peer sends --------------------------------------------------------------------------- */

void sci_read_reset(sci_transport *transport) {
    transport->read.eof = false;
    transport->read.first_length = 0;
}

void sci_note_end(sci_transport *transport) { transport->read.eof = true; }

/* ---- the first bytes -------------------------------------------------------------------------------------------- */

static void remember_first(sci_transport *transport, const void *data, size_t length) {
    size_t room = sizeof transport->read.first - transport->read.first_length;
    if (length > room) length = room;
    memcpy(transport->read.first + transport->read.first_length, data, length);
    transport->read.first_length += length;
}

void sci_transport_fill_first(sci_transport *transport) {
    char data[sizeof transport->read.first];
    if (!transport->socket) {
        const sci_queue *in = &transport->memory.in;
        if (in->length > 0) remember_first(transport, in->bytes + in->start, in->length);
        return;
    }
    ssize_t got = recv(sci_socket_descriptor(transport->socket), data, sizeof data, MSG_PEEK | MSG_DONTWAIT);
    if (got > 0) remember_first(transport, data, (size_t)got);
}

/* ---- recording a handshake -------------------------------------------------------------------------------------- */

/* Before a peer is known, anyone can send datagrams. */
static bool record_datagram(sci_transport *transport, const char *data, size_t length) {
    sci_queue *seen = &transport->recording.seen;
    if (transport->recording.newest) sci_queue_empty(seen);
    return seen->length < SCI_MEMORY_LIMIT && sci_queue_put_datagram(seen, data, length);
}

static bool record(sci_transport *transport, const char *data, size_t length) {
    if (transport->datagrams) return record_datagram(transport, data, length);
    return sci_queue_put(&transport->recording.seen, data, length);
}

void sci_keep_read(sci_transport *transport, const char *data, size_t length) {
    remember_first(transport, data, length);
    if (transport->recording.records && !record(transport, data, length)) sci_transport_forget(transport);
}

void sci_transport_record(sci_transport *transport) { transport->recording.records = true; }

void sci_transport_record_newest(sci_transport *transport, bool on) { transport->recording.newest = on; }

/* The datagram at `*at`; NULL: there is none. */
static const unsigned char *recorded_datagram(const sci_queue *seen, size_t *at, size_t *length) {
    sci_queue rest = *seen;
    rest.start += *at;
    rest.length -= *at;
    const unsigned char *bytes = sci_queue_datagram(&rest, length);
    if (bytes) *at = (size_t)(bytes - seen->bytes) - seen->start + *length;
    return bytes;
}

void sci_transport_stop_recording(sci_transport *transport) { transport->recording.records = false; }

void sci_transport_forget(sci_transport *transport) {
    transport->recording.records = transport->recording.replays = false;
    transport->recording.replayed = 0;
    if (transport->recording.seen.bytes) sci_queue_free(&transport->recording.seen);
    if (transport->recording.hello.bytes) sci_queue_free(&transport->recording.hello);
}

bool sci_transport_replay(sci_transport *transport) {
    transport->recording.replays = transport->recording.records;
    transport->recording.replayed = 0;
    return transport->recording.replays;
}

/* A client can send others that OpenSSL drops: as a repeated record, out of order, of another version. What was seen does not show
 * that. */
void sci_transport_note_hello(sci_transport *transport, const unsigned char *message, size_t length) {
    const unsigned char size[] = {(unsigned char)(length >> 8), (unsigned char)length};
    static const unsigned char head[] = {SSL3_RT_HANDSHAKE, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0};
    sci_queue *hello = &transport->recording.hello;
    if (!transport->recording.records) return;
    sci_queue_empty(hello);
    if (length > UINT16_MAX || !sci_queue_put(hello, head, sizeof head) || !sci_queue_put(hello, size, sizeof size) ||
        !sci_queue_put(hello, message, length))
        sci_transport_forget(transport);
}

const void *sci_transport_recorded(const sci_transport *transport, size_t *length) {
    const sci_queue *queue = transport->datagrams ? &transport->recording.hello : &transport->recording.seen;
    *length = queue->length;
    return queue->length > 0 ? queue->bytes + queue->start : NULL;
}

static bool read_datagram_again(sci_transport *transport, char *data, size_t size, size_t *done) {
    const sci_queue *seen = &transport->recording.seen;
    size_t length;
    const unsigned char *bytes = recorded_datagram(seen, &transport->recording.replayed, &length);
    transport->recording.replays = bytes && transport->recording.replayed < seen->length;
    if (!bytes) return false;
    *done = size < length ? size : length;
    memcpy(data, bytes, *done);
    return true;
}

static bool read_again(sci_transport *transport, char *data, size_t size, size_t *done) {
    const sci_queue *seen = &transport->recording.seen;
    if (transport->datagrams) return read_datagram_again(transport, data, size, done);
    size_t left = seen->length - transport->recording.replayed;
    if (left == 0) return false;
    *done = size < left ? size : left;
    memcpy(data, seen->bytes + seen->start + transport->recording.replayed, *done);
    transport->recording.replayed += *done;
    transport->recording.replays = *done < left;
    return true;
}

/* ---- limits ----------------------------------------------------------------------------------------------------- */

/* A record that no protocol allows, repeated: wherever OpenSSL stands in a record, it soon meets one and sends an alert. */
static void read_nonsense(char *data, size_t size, size_t *done) {
    static const char header[] = {'\xff', 3, 3, '\xff', '\xff'}; /* type, version, length */
    for (*done = 0; *done < size; ++*done) data[*done] = header[*done % sizeof header];
}

bool sci_read_substitute(sci_transport *transport, char *data, size_t size, size_t *done) {
    if (!transport->orders.spoilt) return transport->recording.replays && read_again(transport, data, size, done);
    read_nonsense(data, size, done);
    return true;
}

bool sci_read_must_stop(sci_transport *transport) {
    bool waits = transport->socket && !transport->orders.nowait && sci_socket_blocking(transport->socket);
    transport->read.stopped = !waits || transport->read.taken >= SCI_BLOCKING_READ_LIMIT;
    return transport->read.stopped;
}
