/* transport.h: what TLS runs over: the BIO of a descriptor, and the BIO of a memory transport (sslFeed, sslDrain).
 *
 * A sci_transport is part of its owner, which makes it zeroed, frees it with sci_transport_free, and keeps it in place as
 * long as a BIO works on it. Nothing here runs Lua or touches the stack. Functions of the BIOs return as OpenSSL demands:
 * 0 with BIO_should_retry where the transport is not ready, 0 without it where it failed (`system_errno` says why) or the
 * peer ended it (`eof`). */
#ifndef SCISSL_TRANSPORT_H
#define SCISSL_TRANSPORT_H

#include "net/net.h"

/* ---- queue.c: bytes, first in, first out ------------------------------------------------------------------------- */

/* All zero: empty. The bytes are those from `bytes + start` on. */
typedef struct sci_queue {
    unsigned char *bytes; /* owned; NULL while `capacity` is 0 */
    size_t start, length, capacity;
    bool leaving; /* memory_transport.c of connection/: a string is being made of the first bytes */
} sci_queue;

bool sci_queue_put(sci_queue *queue, const void *bytes, size_t length); /* false: out of memory, and nothing was put */
void sci_queue_empty(sci_queue *queue);                                 /* drops all bytes; keeps some of the memory */
void sci_queue_free(sci_queue *queue);                                  /* leaves an empty queue */

/* Drops the first `length` bytes. */
static inline void sci_queue_skip(sci_queue *queue, size_t length) {
    if (length >= queue->length) {
        sci_queue_empty(queue);
        return;
    }
    queue->start += length;
    queue->length -= length;
}

/* ---- the transport ----------------------------------------------------------------------------------------------- */

typedef struct sci_transport {
    const sci_socket *socket; /* borrowed; NULL: a memory transport */

    /* Set by the caller before a call of OpenSSL's. */
    bool hold;     /* read nothing: only what OpenSSL has buffered counts */
    bool nowait;   /* do not wait, although the descriptor is blocking */
    bool withheld; /* write nothing: a server waits for the verdict about its client */
    bool whole;    /* one record of application data is being written: take all of it, queue what does not fit */
    bool spoilt;   /* the peer exceeded a limit: OpenSSL reads a bad record instead of the peer's bytes */
    size_t taken;  /* bytes that this call has read; the caller sets it to 0 */
    int64_t began; /* sci_now at the second read of this call; 0: none yet; -1: the descriptor has no time-out */

    /* Set by the BIOs. */
    int system_errno; /* of the last call; 0: it did not fail; the caller sets it to 0 */
    bool unsent;      /* the call that failed was a write */
    bool stopped;     /* the read ended at SCI_READ_LIMIT: repeat the call, the transport may be ready */
    bool eof;         /* the peer has ended its side of the transport; for a memory transport the owner sets it */

    /* The first bytes that came: they show what a peer that does not use TLS speaks. */
    unsigned char first[16];
    size_t first_length;

    sci_queue in;  /* of a memory transport: from the peer */
    sci_queue out; /* of a memory transport: for the peer; of a descriptor: the rest of a record that it did not take */

    /* A handshake that may have to begin again. */
    bool records; /* append what is read to `seen` */
    bool replays; /* read `seen` again, from `replayed` on, before the transport */
    sci_queue seen;
    size_t replayed;

    /* ktls.c: the kernel encrypts what is sent. */
    bool ktls;                 /* … and makes the records */
    bool ktls_ends;            /* no more can be sent: TLS changed its keys, which the kernel does not take */
    bool ahead_later;          /* OpenSSL may read ahead after the handshake */
    unsigned char record_type; /* of the next record; 0: application data */
    const char *data_end;      /* the end of the application data that is being written; NULL: none */
} sci_transport;

/* Bytes that one call of OpenSSL's may read before it has to be repeated: more than any record, and than the longest handshake
 * message that OpenSSL accepts. On a blocking socket, which is to wait, one call may read more. */
#define SCI_READ_LIMIT 262144
#define SCI_BLOCKING_READ_LIMIT 16777216

#define SCI_MEMORY_LIMIT 262144 /* bytes in `out` of a memory transport at which writing is not ready, until sslDrain */

/* transport.c. NULL: out of memory. The BIO borrows `transport`. */
BIO *sci_new_transport_bio(sci_state *state, sci_transport *transport);

/* Whether another record may be written; sends what is queued first. False: not ready, or `system_errno` says why not. */
bool sci_transport_has_room(sci_transport *transport);

/* For a new connection: forgets what belongs to the last one. A memory transport keeps its bytes. */
void sci_transport_reset(sci_transport *transport);
void sci_transport_close(sci_transport *transport); /* what a memory transport has for the peer stays */
void sci_transport_free(sci_transport *transport);

/* bio_read.c. Recording: from sci_transport_record on, what is read is kept, until sci_transport_stop_recording.
 * sci_transport_replay makes OpenSSL read it again; false: it is incomplete. sci_transport_forget drops it. */
void sci_transport_record(sci_transport *transport);
void sci_transport_stop_recording(sci_transport *transport);
bool sci_transport_replay(sci_transport *transport);
void sci_transport_forget(sci_transport *transport);

/* Completes `first` from what has come and was not read. */
void sci_transport_fill_first(sci_transport *transport);

/* ---- ktls.c: the kernel encrypts what is sent -------------------------------------------------------------------- */

/* As SSL_set_read_ahead; where SSL_OP_ENABLE_KTLS is set, only after the handshake. */
void sci_ktls_set_read_ahead(SSL *ssl, sci_transport *transport, bool ahead);
void sci_ktls_end_handshake(SSL *ssl, sci_transport *transport);

/* The controls of the descriptor's BIO that OpenSSL uses where SSL_OP_ENABLE_KTLS is set. */
long sci_ktls_control(sci_transport *transport, int command, long number, void *pointer);

/* As send(2), where `transport->ktls`. */
ssize_t sci_ktls_send(sci_transport *transport, const char *data, size_t size, int flags);

/* Sends a part of an open file without a SIGPIPE; the kernel reads it. 0: the file ends there; -1: `ssl` waits for the
 * transport, or transport->system_errno says why not. */
ossl_ssize_t sci_ktls_sendfile(SSL *ssl, sci_transport *transport, int file, off_t offset, size_t count);

#endif
