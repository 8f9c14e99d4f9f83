/* memory_bio.c: the BIO of a memory transport: reads from the queue `in`, writes to the queue `out`. */
#include "transport/bio.h"

#include <errno.h>
#include <string.h>

int sci_memory_read(BIO *bio, char *data, size_t size, size_t *done) {
    sci_transport *transport = BIO_get_data(bio);
    *done = 0;
    BIO_clear_retry_flags(bio);
    if (sci_has_substitute(transport) && sci_read_substitute(transport, data, size, done)) return 1;
    if (transport->in.length > 0 && sci_read_limit_reached(transport)) return sci_bio_must_wait(bio, BIO_FLAGS_READ);
    if (transport->in.length == 0) return transport->eof ? 0 : sci_bio_must_wait(bio, BIO_FLAGS_READ);
    *done = size < transport->in.length ? size : transport->in.length;
    memcpy(data, transport->in.bytes + transport->in.start, *done);
    if (sci_is_noting(transport)) sci_note_read(transport, data, *done);
    sci_queue_skip(&transport->in, *done);
    transport->taken += *done;
    return 1;
}

int sci_memory_write(BIO *bio, const char *data, size_t size, size_t *done) {
    sci_transport *transport = BIO_get_data(bio);
    *done = 0;
    BIO_clear_retry_flags(bio);
    if (transport->withheld || (transport->out.length >= SCI_MEMORY_LIMIT && !transport->whole))
        return sci_bio_must_wait(bio, BIO_FLAGS_WRITE);
    size_t room = transport->whole ? size : SCI_MEMORY_LIMIT - transport->out.length;
    size_t length = size < room ? size : room;
    if (!sci_queue_put(&transport->out, data, length)) {
        transport->system_errno = ENOMEM;
        return 0;
    }
    *done = length;
    return 1;
}
