/* datagram_bio.c: the BIO of DTLS: each read is one datagram, and each write sends one, over a descriptor or a memory transport.
 * A datagram that cannot be sent at once is lost, as one may be on its way: DTLS sends its own messages again. */
#include "transport/bio.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/time.h>

#define ATTEMPTS 64 /* datagrams that are empty, and reports of the system, that one read passes over */

void sci_datagram_reset(sci_transport *transport) { memset(&transport->datagram, 0, sizeof transport->datagram); }

void sci_transport_note_associated(sci_transport *transport) { transport->datagram.associated = true; }

bool sci_transport_has_exceeded(sci_transport *transport) {
    bool exceeded = transport->datagram.exceeded;
    transport->datagram.exceeded = false;
    return exceeded;
}

/* ---- what OpenSSL asks of such a BIO ----------------------------------------------------------------------------- */

/* OpenSSL gives the time by the clock that can be set. */
static void set_timer(sci_transport *transport, const struct timeval *when) {
    struct timeval now;
    transport->datagram.resend = 0;
    if (when->tv_sec == 0 && when->tv_usec == 0) return;
    (void)gettimeofday(&now, NULL);
    int64_t left = ((int64_t)when->tv_sec - now.tv_sec) * INT64_C(1000000) + (when->tv_usec - now.tv_usec);
    transport->datagram.resend = sci_now() + (left > 0 ? left : 0) * 1000;
}

static long overhead(const sci_transport *transport) {
    int family = transport->socket ? transport->socket->family : AF_INET6;
    return family == AF_INET ? 28 : 48; /* the headers of IP and UDP */
}

bool sci_datagram_control(sci_transport *transport, int command, void *pointer, long *result) {
    *result = 0;
    switch (command) {
        case BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT: set_timer(transport, pointer); return true;
        case BIO_CTRL_DGRAM_GET_RECV_TIMER_EXP: *result = transport->datagram.expired; return true;
        case BIO_CTRL_DGRAM_MTU_EXCEEDED: return true; /* such a datagram was lost */
        case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD: *result = overhead(transport); return true;
        default: return false;
    }
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static int nearest(int a, int b) {
    if (a < 0) return b;
    return b >= 0 && b < a ? b : a;
}

/* For a blocking descriptor: waits for a datagram, but not longer than until the last flight is sent again, or until the
 * time-out of the descriptor has passed. */
static bool await_datagram(sci_transport *transport, int descriptor) {
    int64_t resend = transport->datagram.resend;
    if (transport->orders.nowait || !sci_socket_blocking(transport->socket)) return true;
    int until = resend ? sci_milliseconds_until(resend) : -1;
    int milliseconds = nearest(until, sci_descriptor_timeout(transport, descriptor));
    bool ready = sci_descriptor_wait(descriptor, POLLIN, milliseconds) != 0;
    transport->datagram.expired = !ready && milliseconds == until;
    return ready;
}

/* Whether an error of the system is only about a datagram that was sent earlier. */
static bool is_report(const sci_transport *transport, int problem) {
    bool unreachable = problem == ECONNREFUSED || problem == EHOSTUNREACH || problem == ENETUNREACH ||
                       problem == ECONNRESET || problem == EHOSTDOWN || problem == ENETDOWN;
    return unreachable && transport->datagram.associated;
}

static int read_descriptor(BIO *bio, sci_transport *transport, char *data, size_t size, size_t *done) {
    int descriptor = sci_socket_descriptor(transport->socket);
    for (int i = 0; i < ATTEMPTS; i++) {
        if (sci_read_limit_reached(transport) || !await_datagram(transport, descriptor)) break;
        ssize_t got = recv(descriptor, data, size, MSG_DONTWAIT);
        if (got > 0) {
            sci_note_read(transport, data, (size_t)got);
            *done = (size_t)got;
            return 1;
        }
        if (got == 0 || errno == EINTR || is_report(transport, errno)) continue;
        if (sci_would_block(errno) && (transport->orders.nowait || !sci_socket_blocking(transport->socket))) break;
        if (sci_would_block(errno)) continue; /* the kernel has dropped what it announced */
        sci_transport_note_failure(transport, errno, false);
        return 0;
    }
    return sci_bio_must_wait(bio, BIO_FLAGS_READ);
}

static int read_datagram(BIO *bio, sci_transport *transport, char *data, size_t size, size_t *done) {
    if (transport->recording.replays && sci_read_substitute(transport, data, size, done)) return 1;
    if (!transport->socket) return sci_memory_read_datagram(bio, data, size, done);
    if (transport->orders.hold) return sci_bio_must_wait(bio, BIO_FLAGS_READ);
    return read_descriptor(bio, transport, data, size, done);
}

int sci_datagram_read(BIO *bio, char *data, size_t size, size_t *done) {
    sci_transport *transport = BIO_get_data(bio);
    *done = 0;
    BIO_clear_retry_flags(bio);
    transport->datagram.expired = false;
    if (transport->orders.spoilt) { /* an invalid record would be dropped */
        sci_transport_note_failure(transport, ECONNABORTED, false);
        return 0;
    }
    int result;
    do {
        result = read_datagram(bio, transport, data, size, done);
        if (result > 0) *done = sci_screen_datagram(transport, data, *done);
    } while (result > 0 && *done == 0); /* ends: a call reads a limited number of bytes */
    return result;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static ssize_t send_datagram(const sci_transport *transport, const char *data, size_t size) {
    ssize_t sent;
    int descriptor = sci_socket_descriptor(transport->socket), attempts = ATTEMPTS;
    int flags = MSG_NOSIGNAL | (transport->orders.nowait ? MSG_DONTWAIT : 0);
    do sent = send(descriptor, data, size, flags);
    while (sent < 0 && attempts-- > 0 && (errno == EINTR || is_report(transport, errno)));
    return sent;
}

static int write_descriptor(BIO *bio, sci_transport *transport, const char *data, size_t size, size_t *done) {
    ssize_t sent = send_datagram(transport, data, size);
    bool exceeds = sent < 0 && errno == EMSGSIZE;
    bool lost = exceeds || (sent < 0 && is_report(transport, errno)); /* as if it had been lost on its way */
    if (exceeds) transport->datagram.exceeded = true;
    if (sent >= 0 || lost) {
        *done = size;
        return 1;
    }
    if (sci_would_block(errno) || errno == ENOBUFS) return sci_bio_must_wait(bio, BIO_FLAGS_WRITE);
    sci_transport_note_failure(transport, errno, true);
    return 0;
}

int sci_datagram_write(BIO *bio, const char *data, size_t size, size_t *done) {
    sci_transport *transport = BIO_get_data(bio);
    *done = 0;
    BIO_clear_retry_flags(bio);
    if (transport->orders.withheld) return sci_bio_must_wait(bio, BIO_FLAGS_WRITE);
    return transport->socket ? write_descriptor(bio, transport, data, size, done)
                             : sci_memory_write_datagram(bio, data, size, done);
}
