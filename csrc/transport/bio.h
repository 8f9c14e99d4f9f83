/* bio.h: what the two BIOs, descriptor_bio.c and memory_bio.c, share with transport.c, and no other room uses. */
#ifndef SCISSL_BIO_H
#define SCISSL_BIO_H

#include "transport/transport.h"

/* ---- descriptor_bio.c, memory_bio.c: what a BIO_METHOD needs ----------------------------------------------------- */

int sci_descriptor_read(BIO *bio, char *data, size_t size, size_t *done);
int sci_descriptor_write(BIO *bio, const char *data, size_t size, size_t *done);
bool sci_descriptor_send_queued(sci_transport *transport); /* false: not all was sent; errno says why */

int sci_memory_read(BIO *bio, char *data, size_t size, size_t *done);
int sci_memory_write(BIO *bio, const char *data, size_t size, size_t *done);

/* For both: "not ready". */
static inline int sci_bio_must_wait(BIO *bio, int retry_flag) {
    BIO_set_flags(bio, retry_flag | BIO_FLAGS_SHOULD_RETRY);
    return 0;
}

/* ---- bio_read.c: what both BIOs do when they read ---------------------------------------------------------------- */

/* Reads what does not come from the peer: recorded bytes again, or a bad record for a peer that has exceeded a limit. False:
 * read from the peer. */
bool sci_read_substitute(sci_transport *transport, char *data, size_t size, size_t *done);

/* For a call that has read SCI_READ_LIMIT bytes: whether it ends here, and is to be repeated. */
bool sci_read_must_stop(sci_transport *transport);

void sci_note_read(sci_transport *transport, const char *data, size_t length);

/* The rare cases are tested inline: each record passes here. */
static inline bool sci_has_substitute(const sci_transport *transport) {
    return transport->spoilt || transport->replays;
}

static inline bool sci_is_noting(const sci_transport *transport) {
    return transport->records || transport->first_length < sizeof transport->first;
}

static inline bool sci_read_limit_reached(sci_transport *transport) {
    return transport->taken >= SCI_READ_LIMIT && sci_read_must_stop(transport);
}

#endif
