/* transport.h: what TLS runs over: the BIO of a descriptor, the BIO of a memory transport (sslFeed, sslDrain), and for DTLS the
 * BIO of datagrams, over either.
 *
 * A sci_transport is part of its owner, which makes it zeroed, frees it with sci_transport_free, and keeps it in place as
 * long as a BIO works on it. Nothing here runs Lua or touches the stack. Functions of the BIOs return as OpenSSL demands:
 * 0 with BIO_should_retry where the transport is not ready, 0 without it where it failed (`failure` says why) or the peer
 * ended it (`read.eof`). */
#ifndef SCISSL_TRANSPORT_H
#define SCISSL_TRANSPORT_H

#include "net/net.h"

/* ---- queue.c: bytes, first in, first out ------------------------------------------------------------------------- */

/* All zero: empty. The bytes are those from `bytes + start` on. */
typedef struct sci_queue {
    /* queue.c writes all, by functions that stand there or below. */
    unsigned char *bytes; /* owned; NULL while `capacity` is 0 */
    size_t start, length, capacity;
} sci_queue;

bool sci_queue_put(sci_queue *queue, const void *bytes, size_t length); /* false: out of memory, and nothing was put */
void sci_queue_empty(sci_queue *queue);                                 /* drops all bytes; keeps some of the memory */
void sci_queue_free(sci_queue *queue);                                  /* leaves an empty queue */

/* A queue of datagrams: each is put, found and dropped whole. sci_queue_datagram returns the first one; NULL: there is none. */
bool sci_queue_put_datagram(sci_queue *queue, const void *bytes, size_t length); /* false: out of memory */
const unsigned char *sci_queue_datagram(const sci_queue *queue, size_t *length);
void sci_queue_skip_datagram(sci_queue *queue);

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

/* The socket of a server, over which many transports send. */
typedef struct sci_outlet {
    const sci_socket *socket; /* borrowed */
    uint64_t sent, bytes_sent;
} sci_outlet;

typedef struct sci_route {
    /* route.c writes all. */
    sci_outlet *outlet; /* borrowed: stays longer than the transport */
    sci_ip_peer peer;
    const unsigned char *arrived; /* borrowed: the datagram that the call under way is to read; NULL: none */
    size_t arrived_length;
    double seen; /* when the peer has sent a message, as of sci_seconds; 0: none */
} sci_route;

/* Each part is written by the file that is named beside it, and by no other (spec/parts_spec.lua): by functions that stand in that file, or, where
 * each record passes, inline in its section of this header or of bio.h. Other files read it. */
typedef struct sci_transport {
    const sci_socket *socket; /* transport.c: borrowed; NULL: a memory transport */
    bool datagrams;           /* transport.c: DTLS: each read and write is one datagram */

    struct {           /* transport.c: what the connection asks of the BIOs */
        bool hold;     /* read nothing: only what OpenSSL has buffered counts */
        bool nowait;   /* do not wait, although the descriptor is blocking */
        bool withheld; /* write nothing: a server waits for the verdict about its client */
        bool whole;    /* one record of application data is being written: take all of it, queue what does not fit */
        bool more;     /* another record follows at once: the system may send both in one packet */
        bool may_end;  /* an end without close_notify does not end the session */
        bool spoilt;   /* the peer exceeded a limit: OpenSSL reads a bad record instead of the peer's bytes */
    } orders;

    struct {              /* transport.c */
        int system_errno; /* of the last call; 0: it did not fail */
        bool unsent;      /* the call that failed was a write */
    } failure;

    struct {                     /* bio_read.c */
        size_t taken;            /* bytes that this call has read */
        bool stopped;            /* this call ended at SCI_READ_LIMIT: repeat it, the transport may be ready */
        bool eof;                /* the peer has ended its side of the transport */
        unsigned char first[16]; /* the first bytes that came: they show what a peer that does not use TLS speaks */
        size_t first_length;
    } read;

    struct {          /* bio_read.c: a handshake that may have to begin again */
        bool records; /* append what is read to `seen` */
        bool replays; /* read `seen` again, from `replayed` on, before the transport */
        bool newest;  /* of datagrams: keep the last one alone */
        sci_queue seen;
        size_t replayed;
        sci_queue hello; /* of datagrams: the ClientHello that OpenSSL uses, as one record */
    } recording;

    struct {            /* descriptor_bio.c */
        int64_t began;  /* sci_now at the second read of this call; 0: none yet; -1: the descriptor has no time-out */
        sci_queue rest; /* of a record that the descriptor has not taken yet */
    } descriptor;

    struct {                    /* memory_bio.c */
        sci_queue in, out;      /* from the peer; for the peer */
        bool in_lent, out_lent; /* a string is being made of their first bytes */
    } memory;

    sci_route *route; /* route.c: owned: of datagrams over memory; NULL: the queues of `memory` alone */

    struct {             /* datagram_bio.c */
        int64_t resend;  /* when OpenSSL sends its last flight again, as of sci_now; 0: it has no timer */
        bool expired;    /* the last read waited until then */
        bool exceeded;   /* a datagram was too long for the path, and was not sent */
        bool associated; /* the handshake is done: a report that the peer cannot be reached may be forged */
    } datagram;

    struct {              /* early_records.c */
        bool expected;    /* the keys are there: OpenSSL does not keep what they encrypt */
        unsigned records; /* that came before */
        size_t least;     /* bytes that an encrypted record has at least */
    } early;

    struct {                       /* ktls.c: the kernel encrypts what is sent … */
        bool on;                   /* … and makes the records */
        bool ends;                 /* no more can be sent: TLS changed its keys, which the kernel does not take */
        bool ahead_later;          /* OpenSSL may read ahead after the handshake */
        unsigned char record_type; /* of the next record; 0: application data */
        const char *data_end;      /* the end of the application data that is being written; NULL: none */
    } ktls;
} sci_transport;

/* Bytes that one call of OpenSSL's may read before it has to be repeated: more than any record, and than the longest handshake
 * message that OpenSSL accepts. On a blocking socket, which is to wait, one call may read more. */
#define SCI_READ_LIMIT 262144
#define SCI_BLOCKING_READ_LIMIT 16777216

#define SCI_MEMORY_LIMIT                                                                                               \
    262144 /* bytes for the peer at which a memory transport is not ready for writing, until sslDrain */

/* ---- transport.c ------------------------------------------------------------------------------------------------- */

/* For a new object, before all other functions: what it carries. Without this call it is a memory transport. */
void sci_transport_use_socket(sci_transport *transport, const sci_socket *socket);

/* For a new SSL: whether it is one of DTLS. */
void sci_transport_use_datagrams(sci_transport *transport, bool datagrams);

/* NULL: out of memory. The BIO borrows `transport`. */
BIO *sci_new_transport_bio(sci_state *state, sci_transport *transport);

/* Whether another record may be written; sends what is queued first. False: not ready, or `failure` says why not. */
bool sci_transport_has_room(sci_transport *transport);

/* For a new connection: forgets what belongs to the last one. A memory transport keeps its bytes. */
void sci_transport_reset(sci_transport *transport);
void sci_transport_close(sci_transport *transport); /* what a memory transport has for the peer stays */
void sci_transport_free(sci_transport *transport);

/* Between these two calls OpenSSL never waits. `buffered_only`: it processes what it has, and reads nothing from the
 * transport. */
static inline void sci_transport_stop_waiting(sci_transport *transport, bool buffered_only) {
    transport->orders.hold = buffered_only;
    transport->orders.nowait = true;
}

static inline void sci_transport_wait_again(sci_transport *transport) {
    transport->orders.hold = transport->orders.nowait = false;
}

static inline void sci_transport_withhold(sci_transport *transport, bool on) { transport->orders.withheld = on; }
static inline void sci_transport_take_whole(sci_transport *transport, bool on) { transport->orders.whole = on; }
static inline void sci_transport_expect_more(sci_transport *transport, bool on) { transport->orders.more = on; }
static inline void sci_transport_spoil(sci_transport *transport) { transport->orders.spoilt = true; }

/* The handshake is done. */
static inline void sci_transport_let_end(sci_transport *transport, bool may_end) {
    transport->orders.may_end = may_end;
}

static inline void sci_transport_note_failure(sci_transport *transport, int system_errno, bool unsent) {
    transport->failure.system_errno = system_errno;
    transport->failure.unsent = unsent;
}

/* ---- bio_read.c -------------------------------------------------------------------------------------------------- */

/* Recording: from sci_transport_record on, what is read is kept, until sci_transport_stop_recording. sci_transport_replay makes
 * OpenSSL read it again; false: it is incomplete. sci_transport_forget drops it. */
void sci_transport_record(sci_transport *transport);
void sci_transport_record_newest(sci_transport *transport,
                                 bool on); /* each datagram takes the place of the one before */

/* The message in which OpenSSL has put fragments of datagrams together. */
void sci_transport_note_hello(sci_transport *transport, const unsigned char *message, size_t length);

/* The records of the ClientHello; NULL: there are none. */
const void *sci_transport_recorded(const sci_transport *transport, size_t *length);
void sci_transport_stop_recording(sci_transport *transport);
bool sci_transport_replay(sci_transport *transport);
void sci_transport_forget(sci_transport *transport);

/* Completes `read.first` from what has come and was not read. */
void sci_transport_fill_first(sci_transport *transport);

/* From now on SCI_READ_LIMIT more bytes may be read. */
static inline void sci_transport_begin_reading(sci_transport *transport) {
    transport->read.taken = 0;
    transport->read.stopped = false;
}

/* ---- descriptor_bio.c -------------------------------------------------------------------------------------------- */

static inline void sci_transport_begin_waiting(sci_transport *transport) { transport->descriptor.began = 0; }

/* Before each call of OpenSSL's. */
static inline void sci_transport_begin(sci_transport *transport) {
    sci_transport_note_failure(transport, 0, false);
    sci_transport_begin_reading(transport);
    sci_transport_begin_waiting(transport);
}

/* ---- datagram_bio.c ---------------------------------------------------------------------------------------------- */

#define SCI_DATAGRAM_LENGTH 65535 /* no datagram is longer */

/* From now on a report of the system that the peer cannot be reached does not end the connection (RFC 9147, section 4.5.2). */
void sci_transport_note_associated(sci_transport *transport);

/* Whether a datagram was too long for the path since this was asked last. For OpenSSL it was sent, and lost on its way. */
bool sci_transport_has_exceeded(sci_transport *transport);

/* ---- route.c ----------------------------------------------------------------------------------------------------- */

/* From now on datagrams for the peer leave over the outlet at once. False: out of memory. */
bool sci_transport_set_route(sci_transport *transport, sci_outlet *outlet, const sci_ip_peer *peer);
void sci_transport_drop_route(sci_transport *transport);

/* For a transport that has a route: these two enclose a call that reads the datagram without a copy. sci_transport_clear returns
 * whether it was read. */
void sci_transport_lay(sci_transport *transport, const unsigned char *bytes, size_t length);
bool sci_transport_clear(sci_transport *transport);
void sci_transport_note_seen(sci_transport *transport, double seconds);

/* ---- early_records.c --------------------------------------------------------------------------------------------- */

/* Before each call of a handshake: whether OpenSSL has the keys that the peer's Finished is encrypted with. */
void sci_transport_expect_finished(sci_transport *transport, bool expected);

/* How many bytes an encrypted record has at least: OpenSSL before 3.0.22 ends the connection where one is too short to be
 * decrypted, and anyone can send such a record. */
void sci_transport_note_least_record(sci_transport *transport, size_t least);

/* ---- memory_bio.c: what the owner of a memory transport calls ---------------------------------------------------- */

/* Of datagrams, one; where SCI_MEMORY_LIMIT bytes wait, it is dropped, and `*taken` is false. False: out of memory. */
bool sci_transport_feed(sci_transport *transport, const void *bytes, size_t length, bool *taken);
void sci_transport_feed_end(sci_transport *transport);

/* Bytes leave in two steps, so that they stay where memory runs out for the string that is made of them. Lends at most `*length`
 * bytes, and says how many. `interrupts`: a finalizer asks; it gets none where it has interrupted a call that was lent some.
 * `fed`: those that the peer has sent, and TLS has not read; else those for the peer. Of datagrams: the first one, whole. */
const void *sci_transport_lend(sci_transport *transport, bool fed, size_t *length, bool interrupts);
void sci_transport_take(sci_transport *transport, bool fed, size_t length);

/* ---- ktls.c: the kernel encrypts what is sent -------------------------------------------------------------------- */

/* As SSL_set_read_ahead; where SSL_OP_ENABLE_KTLS is set, only after the handshake. */
void sci_ktls_set_read_ahead(SSL *ssl, sci_transport *transport, bool ahead);
void sci_ktls_end_handshake(SSL *ssl, sci_transport *transport);

/* The application data that OpenSSL is about to write ends before `end`; NULL: there is none. */
static inline void sci_ktls_set_data_end(sci_transport *transport, const char *end) { transport->ktls.data_end = end; }

/* The controls of the descriptor's BIO that OpenSSL uses where SSL_OP_ENABLE_KTLS is set. */
long sci_ktls_control(sci_transport *transport, int command, long number, void *pointer);

/* As send(2), where `transport->ktls.on`. */
ssize_t sci_ktls_send(sci_transport *transport, const char *data, size_t size, int flags);

/* Sends a part of an open file without a SIGPIPE; the kernel reads it. 0: the file ends there; -1: `ssl` waits for the
 * transport, or `failure` says why not. */
ossl_ssize_t sci_ktls_sendfile(SSL *ssl, sci_transport *transport, int file, off_t offset, size_t count);

#endif
