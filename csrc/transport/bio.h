/* bio.h: what the three BIOs, descriptor_bio.c, memory_bio.c and datagram_bio.c, share with transport.c, and no other room uses. */
#ifndef SCISSL_BIO_H
#define SCISSL_BIO_H

#include "transport/transport.h"

/* ---- descriptor_bio.c, memory_bio.c: what a BIO_METHOD needs ----------------------------------------------------- */

int sci_descriptor_read(BIO *bio, char *data, size_t size, size_t *done);
int sci_descriptor_write(BIO *bio, const char *data, size_t size, size_t *done);
bool sci_descriptor_send_queued(sci_transport *transport); /* false: not all was sent; errno says why */
void sci_descriptor_drop(sci_transport *transport);        /* what was queued */

/* SO_RCVTIMEO of a blocking descriptor in milliseconds; -1: it has none. */
int sci_descriptor_timeout(const sci_transport *transport, int descriptor);

int sci_memory_read(BIO *bio, char *data, size_t size, size_t *done);
int sci_memory_write(BIO *bio, const char *data, size_t size, size_t *done);
int sci_memory_read_datagram(BIO *bio, char *data, size_t size, size_t *done);
int sci_memory_write_datagram(BIO *bio, const char *data, size_t size, size_t *done);
void sci_memory_drop_fed(sci_transport *transport);
void sci_memory_free(sci_transport *transport);

int sci_datagram_read(BIO *bio, char *data, size_t size, size_t *done);
int sci_datagram_write(BIO *bio, const char *data, size_t size, size_t *done);
bool sci_datagram_control(sci_transport *transport, int command, void *pointer,
                          long *result); /* false: not one of these */
void sci_datagram_reset(sci_transport *transport);

/* route.c: for a transport that has a route. False: the datagram was not sent. */
bool sci_route_send(sci_transport *transport, const char *data, size_t size);
const unsigned char *sci_route_take(sci_transport *transport, size_t *length); /* what has arrived; NULL: nothing */

/* How many bytes of a datagram OpenSSL may see. */
size_t sci_screen_datagram(sci_transport *transport, const char *data, size_t length);
void sci_early_reset(sci_transport *transport);

/* For all: "not ready". */
static inline int sci_bio_must_wait(BIO *bio, int retry_flag) {
    BIO_set_flags(bio, retry_flag | BIO_FLAGS_SHOULD_RETRY);
    return 0;
}

/* ---- bio_read.c: what the BIOs do when they read ----------------------------------------------------------------- */

/* Reads what does not come from the peer: recorded bytes again, or a bad record for a peer that has exceeded a limit. False:
 * read from the peer. */
bool sci_read_substitute(sci_transport *transport, char *data, size_t size, size_t *done);

/* For a call that has read SCI_READ_LIMIT bytes: whether it ends here, and is to be repeated. */
bool sci_read_must_stop(sci_transport *transport);

/* For a new connection. */
void sci_read_reset(sci_transport *transport);

/* The peer has ended its side. */
void sci_note_end(sci_transport *transport);

void sci_keep_read(sci_transport *transport, const char *data, size_t length);

/* The rare cases are tested inline: each record passes here. */
static inline bool sci_has_substitute(const sci_transport *transport) {
    return transport->orders.spoilt || transport->recording.replays;
}

/* The peer has sent these bytes. */
static inline void sci_note_read(sci_transport *transport, const char *data, size_t length) {
    transport->read.taken += length;
    if (transport->recording.records || transport->read.first_length < sizeof transport->read.first)
        sci_keep_read(transport, data, length);
}

static inline bool sci_read_limit_reached(sci_transport *transport) {
    return transport->read.taken >= SCI_READ_LIMIT && sci_read_must_stop(transport);
}

#endif
