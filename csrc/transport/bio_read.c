/* bio_read.c: what both BIOs do when they read: the first bytes are kept, a handshake that may begin again is recorded, and a
 * peer that exceeds a limit is stopped. */
#include "transport/bio.h"

#include <string.h>

/* ---- the first bytes -------------------------------------------------------------------------------------------- */

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

/* ---- recording a handshake -------------------------------------------------------------------------------------- */

void sci_note_read(sci_transport *transport, const char *data, size_t length) {
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

bool sci_transport_replay(sci_transport *transport) {
    transport->replays = transport->records;
    transport->replayed = 0;
    return transport->replays;
}

static bool read_again(sci_transport *transport, char *data, size_t size, size_t *done) {
    size_t left = transport->seen.length - transport->replayed;
    if (left == 0) return false;
    *done = size < left ? size : left;
    memcpy(data, transport->seen.bytes + transport->seen.start + transport->replayed, *done);
    transport->replayed += *done;
    transport->replays = *done < left;
    return true;
}

/* ---- limits ----------------------------------------------------------------------------------------------------- */

/* A record that no protocol allows, repeated: wherever OpenSSL stands in a record, it soon meets one and sends an alert. */
static void read_nonsense(char *data, size_t size, size_t *done) {
    static const char header[] = {'\xff', 3, 3, '\xff', '\xff'}; /* type, version, length */
    for (*done = 0; *done < size; ++*done) data[*done] = header[*done % sizeof header];
}

bool sci_read_substitute(sci_transport *transport, char *data, size_t size, size_t *done) {
    if (!transport->spoilt) return transport->replays && read_again(transport, data, size, done);
    read_nonsense(data, size, done);
    return true;
}

bool sci_read_must_stop(sci_transport *transport) {
    bool waits = transport->socket && !transport->nowait && sci_socket_blocking(transport->socket);
    transport->stopped = !waits || transport->taken >= SCI_BLOCKING_READ_LIMIT;
    return transport->stopped;
}
