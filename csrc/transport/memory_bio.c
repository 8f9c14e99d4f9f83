/* memory_bio.c: the memory transport: the BIO reads from the queue `in` and writes to the queue `out`; the owner fills the one and
 * empties the other. */
#include "transport/bio.h"

#include <errno.h>
#include <string.h>

/* ---- the BIO ----------------------------------------------------------------------------------------------------- */

int sci_memory_read(BIO *bio, char *data, size_t size, size_t *done) {
    sci_transport *transport = BIO_get_data(bio);
    sci_queue *in = &transport->memory.in;
    *done = 0;
    BIO_clear_retry_flags(bio);
    if (sci_has_substitute(transport) && sci_read_substitute(transport, data, size, done)) return 1;
    if (in->length > 0 && sci_read_limit_reached(transport)) return sci_bio_must_wait(bio, BIO_FLAGS_READ);
    if (in->length == 0) return transport->read.eof ? 0 : sci_bio_must_wait(bio, BIO_FLAGS_READ);
    *done = size < in->length ? size : in->length;
    memcpy(data, in->bytes + in->start, *done);
    sci_note_read(transport, data, *done);
    sci_queue_skip(in, *done);
    return 1;
}

int sci_memory_write(BIO *bio, const char *data, size_t size, size_t *done) {
    sci_transport *transport = BIO_get_data(bio);
    sci_queue *out = &transport->memory.out;
    bool whole = transport->orders.whole;
    *done = 0;
    BIO_clear_retry_flags(bio);
    if (transport->orders.withheld || (out->length >= SCI_MEMORY_LIMIT && !whole))
        return sci_bio_must_wait(bio, BIO_FLAGS_WRITE);
    size_t room = whole ? size : SCI_MEMORY_LIMIT - out->length;
    size_t length = size < room ? size : room;
    if (!sci_queue_put(out, data, length)) {
        sci_transport_note_failure(transport, ENOMEM, true);
        return 0;
    }
    *done = length;
    return 1;
}

/* ---- the same for datagrams: no part of one, and no two at once --------------------------------------------------- */

/* A datagram that is longer than OpenSSL's buffer is no record of DTLS: its rest is dropped. */
int sci_memory_read_datagram(BIO *bio, char *data, size_t size, size_t *done) {
    sci_transport *transport = BIO_get_data(bio);
    size_t length;
    const unsigned char *laid = sci_route_take(transport, &length), *bytes = laid;
    if (!bytes) bytes = sci_queue_datagram(&transport->memory.in, &length);
    if (bytes && !laid && sci_read_limit_reached(transport)) return sci_bio_must_wait(bio, BIO_FLAGS_READ);
    if (!bytes) return transport->read.eof ? 0 : sci_bio_must_wait(bio, BIO_FLAGS_READ);
    *done = size < length ? size : length;
    memcpy(data, bytes, *done);
    if (!laid) sci_queue_skip_datagram(&transport->memory.in);
    sci_note_read(transport, data, *done);
    return 1;
}

int sci_memory_write_datagram(BIO *bio, const char *data, size_t size, size_t *done) {
    sci_transport *transport = BIO_get_data(bio);
    if (transport->route && sci_route_send(transport, data, size)) {
        *done = size;
        return 1;
    }
    if (transport->memory.out.length >= SCI_MEMORY_LIMIT) return sci_bio_must_wait(bio, BIO_FLAGS_WRITE);
    if (!sci_queue_put_datagram(&transport->memory.out, data, size)) {
        sci_transport_note_failure(transport, ENOMEM, true);
        return 0;
    }
    *done = size;
    return 1;
}

/* ---- the owner's side -------------------------------------------------------------------------------------------- */

bool sci_transport_feed(sci_transport *transport, const void *bytes, size_t length, bool *taken) {
    sci_queue *in = &transport->memory.in;
    *taken = true;
    if (!transport->datagrams) return sci_queue_put(in, bytes, length);
    *taken = in->length < SCI_MEMORY_LIMIT && length <= SCI_DATAGRAM_LENGTH;
    return !*taken || length == 0 || sci_queue_put_datagram(in, bytes, length);
}

void sci_transport_feed_end(sci_transport *transport) { sci_note_end(transport); }

const void *sci_transport_lend(sci_transport *transport, bool fed, size_t *length, bool interrupts) {
    const sci_queue *queue = fed ? &transport->memory.in : &transport->memory.out;
    bool *lent = fed ? &transport->memory.in_lent : &transport->memory.out_lent;
    const unsigned char *bytes = queue->bytes + queue->start;
    if (transport->datagrams) bytes = sci_queue_datagram(queue, length);
    else if (*length > queue->length) *length = queue->length;
    if (*lent && interrupts) *length = 0;
    if (*length == 0) return "";
    *lent = true;
    return bytes;
}

void sci_transport_take(sci_transport *transport, bool fed, size_t length) {
    if (length == 0) return;
    if (fed) transport->memory.in_lent = false;
    else transport->memory.out_lent = false;
    sci_queue *queue = fed ? &transport->memory.in : &transport->memory.out;
    if (transport->datagrams) sci_queue_skip_datagram(queue);
    else sci_queue_skip(queue, length);
}

void sci_memory_drop_fed(sci_transport *transport) { sci_queue_free(&transport->memory.in); }

void sci_memory_free(sci_transport *transport) {
    sci_memory_drop_fed(transport);
    sci_queue_free(&transport->memory.out);
}
