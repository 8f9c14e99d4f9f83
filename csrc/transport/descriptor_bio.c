/* descriptor_bio.c: the BIO of a descriptor. It raises no SIGPIPE. */
#include "transport/bio.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/time.h>

static int descriptor_failed(BIO *bio, sci_transport *transport, int retry_flag) {
    if (sci_would_block(errno)) return sci_bio_must_wait(bio, retry_flag);
    sci_transport_note_failure(transport, errno, retry_flag == BIO_FLAGS_WRITE);
    return 0;
}

int sci_descriptor_timeout(const sci_transport *transport, int descriptor) {
    struct timeval time = {0};
    socklen_t size = sizeof time;
    if (transport->orders.nowait || !sci_socket_blocking(transport->socket)) return -1;
    if (getsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, &size) != 0) return -1;
    if ((time.tv_sec == 0 && time.tv_usec == 0) || time.tv_sec > INT_MAX / 1000 - 1) return -1;
    return (int)(time.tv_sec * 1000 + (time.tv_usec + 999) / 1000);
}

/* The system starts a descriptor's time-out again for each recv(2), and a peer can make one call do many of them. So the
 * reads of one call share a time-out, from the second read on. False: it has passed. */
static bool awaits_more(sci_transport *transport, int descriptor) {
    if (transport->read.taken == 0 || transport->descriptor.began < 0) return true;
    int milliseconds = sci_descriptor_timeout(transport, descriptor);
    if (milliseconds < 0) {
        transport->descriptor.began = -1;
        return true;
    }
    int64_t now = sci_now();
    if (transport->descriptor.began == 0) transport->descriptor.began = now;
    int64_t left = transport->descriptor.began + milliseconds * INT64_C(1000000) - now;
    return sci_descriptor_wait(descriptor, POLLIN, left > 0 ? (int)(left / 1000000) : 0) != 0;
}

int sci_descriptor_read(BIO *bio, char *data, size_t size, size_t *done) {
    sci_transport *transport = BIO_get_data(bio);
    ssize_t got;
    *done = 0;
    BIO_clear_retry_flags(bio);
    if (sci_has_substitute(transport) && sci_read_substitute(transport, data, size, done)) return 1;
    if (transport->orders.hold || sci_read_limit_reached(transport)) return sci_bio_must_wait(bio, BIO_FLAGS_READ);
    int descriptor = sci_socket_descriptor(transport->socket);
    if (!awaits_more(transport, descriptor)) return sci_bio_must_wait(bio, BIO_FLAGS_READ);
    do got = recv(descriptor, data, size, transport->orders.nowait ? MSG_DONTWAIT : 0);
    while (got < 0 && errno == EINTR);
    if (got < 0) return descriptor_failed(bio, transport, BIO_FLAGS_READ);
    if (got == 0) {
        sci_note_end(transport);
        return 0;
    }
    sci_note_read(transport, data, (size_t)got);
    *done = (size_t)got;
    return 1;
}

/* As send(2). */
static ssize_t send_now(sci_transport *transport, const void *data, size_t size) {
    ssize_t sent;
    int descriptor = sci_socket_descriptor(transport->socket);
    int flags = MSG_NOSIGNAL | (transport->orders.nowait ? MSG_DONTWAIT : 0);
    if (transport->orders.more && !transport->ktls.on) flags |= MSG_MORE;
    do sent = transport->ktls.on ? sci_ktls_send(transport, data, size, flags) : send(descriptor, data, size, flags);
    while (sent < 0 && errno == EINTR);
    return sent;
}

bool sci_descriptor_send_queued(sci_transport *transport) {
    sci_queue *rest = &transport->descriptor.rest;
    while (rest->length > 0) {
        ssize_t sent = send_now(transport, rest->bytes + rest->start, rest->length);
        if (sent < 0) return false;
        sci_queue_skip(rest, (size_t)sent);
    }
    return true;
}

void sci_descriptor_drop(sci_transport *transport) { sci_queue_free(&transport->descriptor.rest); }

/* Queues the part of a data record that the descriptor does not take, unless the kernel makes the records. OpenSSL is not told of
 * a failure then, since OpenSSL 4.0 ends a connection whose write has failed; what the peer had sent before could not be read. */
int sci_descriptor_write(BIO *bio, const char *data, size_t size, size_t *done) {
    sci_transport *transport = BIO_get_data(bio);
    ssize_t sent = -1;
    *done = 0;
    BIO_clear_retry_flags(bio);
    if (transport->orders.withheld) return sci_bio_must_wait(bio, BIO_FLAGS_WRITE);
    if (transport->descriptor.rest.length == 0 || sci_descriptor_send_queued(transport))
        sent = send_now(transport, data, size);
    bool queues = transport->orders.whole && !transport->ktls.on;
    if (sent < 0 && !queues) return descriptor_failed(bio, transport, BIO_FLAGS_WRITE);
    if (sent < 0 && !sci_would_block(errno)) sci_transport_note_failure(transport, errno, true);
    *done = sent > 0 ? (size_t)sent : 0;
    if (!queues || *done == size) return 1;
    if (!sci_queue_put(&transport->descriptor.rest, data + *done, size - *done)) {
        sci_transport_note_failure(transport, ENOMEM, true);
        return 0;
    }
    *done = size;
    return 1;
}
