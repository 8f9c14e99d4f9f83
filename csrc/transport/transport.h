/* transport.h: what TLS runs over: BIOs for a descriptor and for memory. */
#ifndef SCISSL_TRANSPORT_H
#define SCISSL_TRANSPORT_H

#include "net/net.h"

/* ---- transport.c: BIOs ------------------------------------------------------------------------------------------- */

typedef struct sci_queue {
    unsigned char *bytes;
    size_t start, length, capacity;
    bool leaving; /* a string is being made of its first bytes */
} sci_queue;

/* What a BIO of ours works on. `hold` keeps it from reading the transport: what is buffered above it is all there is.
 * `nowait` makes a blocking descriptor answer at once. */
typedef struct sci_transport {
    const sci_socket *socket; /* NULL: a memory transport */
    int system_errno;         /* of the last call; 0: it did not fail */
    bool unsent;              /* that was in sending */
    bool hold, nowait;
    bool withheld;             /* nothing is written: what there is depends on the verdict about the peer */
    size_t taken;              /* bytes that the call at hand has read … */
    bool stopped;              /* … until it was stopped, at SCI_READ_LIMIT */
    int64_t began;             /* nanoseconds: its second read, where the descriptor has a time-out; below 0: none */
    bool spoilt;               /* the peer has exceeded a limit: what is read from now on is no record */
    bool ktls;                 /* the kernel makes records of what is sent … */
    bool ktls_ends;            /* … and no more of them: it was to take new keys */
    unsigned char record_type; /* of the next one; 0: application data */
    const char *data_end;      /* behind the application data that are being written, or NULL */
    bool ahead_later;          /* OpenSSL may read ahead once the handshake is done */
    bool eof;                  /* the peer has ended its side of the transport */
    unsigned char first[16];   /* the first bytes that came: they tell what a peer that does not speak TLS speaks */
    size_t first_length;
    sci_queue in;   /* of a memory transport */
    sci_queue out;  /* the same; of a descriptor, the rest of a record that it did not take whole */
    bool whole;     /* a record is written now, and taken whole */
    sci_queue seen; /* what has been read since `records` was set, for a handshake that may have to begin again */
    bool records, replays;
    size_t replayed; /* bytes of `seen` that were read again, where it `replays` */
} sci_transport;

/* Bytes that one call of OpenSSL's reads before it has to be repeated: more than the longest handshake message that it
 * accepts, and than any record. A blocking socket reads on, as it has been asked to wait. */
#define SCI_READ_LIMIT 262144
#define SCI_BLOCKING_READ_LIMIT 16777216

#define SCI_MEMORY_LIMIT 262144 /* bytes that a memory transport holds before writing has to wait for sslDrain */

void sci_transport_record(sci_transport *transport);     /* from now on, until … */
void sci_transport_forget(sci_transport *transport);     /* … now */
void sci_transport_fill_first(sci_transport *transport); /* where OpenSSL has read less than `first` takes */
bool sci_transport_replay(sci_transport *transport);     /* reads what was recorded again; false: it is incomplete */
bool sci_transport_has_room(sci_transport *transport);   /* for another record; tries to send what is queued */
/* For a new connection: forgets what belongs to the last one. A memory transport keeps its bytes. */
void sci_transport_reset(sci_transport *transport);
void sci_transport_close(sci_transport *transport); /* what a memory transport has for the peer stays */
void sci_transport_free(sci_transport *transport);
void sci_transport_stop_recording(sci_transport *transport);            /* what has been recorded stays */
BIO *sci_new_transport_bio(sci_state *state, sci_transport *transport); /* does not own `transport` */
bool sci_queue_put(sci_queue *queue, const void *bytes, size_t length); /* false: out of memory */
void sci_queue_skip(sci_queue *queue, size_t length);
void sci_queue_free(sci_queue *queue);

/* ---- ktls.c: what is sent is encrypted by the kernel ------------------------------------------------------------- */

/* As SSL_set_read_ahead, in so far as SSL_OP_ENABLE_KTLS lets it be. */
void sci_ktls_set_read_ahead(SSL *ssl, sci_transport *transport, bool ahead);
void sci_ktls_end_handshake(SSL *ssl, sci_transport *transport);

/* The part of the descriptor BIO's control that is about it: OpenSSL asks for it where SSL_OP_ENABLE_KTLS is set. */
long sci_ktls_control(sci_transport *transport, int command, long number, void *pointer);

/* As send(2), where `transport->ktls`. */
ssize_t sci_ktls_send(sci_transport *transport, const char *data, size_t size, int flags);

/* Sends a part of an open file without a SIGPIPE; the kernel reads it. 0: the file ends there; -1: `ssl` waits for the
 * transport, or transport->system_errno says why not. */
ossl_ssize_t sci_ktls_sendfile(SSL *ssl, sci_transport *transport, int file, off_t offset, size_t count);

#endif
