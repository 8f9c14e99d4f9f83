/* record_buffers.c: SciSslSocket, OpenSSL's record buffers, 33 kB and more for each connection. SCI_WARM sockets of a
 * lua_State keep theirs, and do not allocate for each record. All other sockets have none between two calls. A socket that becomes
 * busy takes the place of one that is idle, and leaves busy ones alone: where more sockets are busy than there are places, taking
 * buffers from each other would cost more than allocating them. */
#include "connection/connection.h"

#include <string.h>

#define LARGE_BLOCK 262144 /* bytes */
#define CALLS 16384        /* of all sockets, in which one that is busy is called */

/* glibc returns the end of its heap to the system as soon as 128 KiB are free there: two closed connections. The next connection
 * then gets it again, page by page. Once a larger block was freed, the bound is twice the size of that block. */
void sci_ssl_keep_heap(void) { OPENSSL_free(OPENSSL_malloc(LARGE_BLOCK)); }

/* Whether OpenSSL's buffers are empty, without even the header of a record. OpenSSL before 3.0.14 frees them in any case. */
static bool is_idle(const sci_sslsocket *socket) {
    return socket->ssl && !socket->callback.L && socket->write.pending_length == 0 && !SSL_has_pending(socket->ssl) &&
           strcmp(SSL_rstate_string(socket->ssl), "RH") == 0;
}

void sci_ssl_drop_buffers(sci_sslsocket *socket) {
    if (socket->buffers.place) *socket->buffers.place = NULL;
    socket->buffers.place = NULL;
}

/* A connection may have failed because OpenSSL could not allocate its record layer. OpenSSL 3.2 and later dereference NULL when
 * asked about the buffers of such a connection. */
static void release_buffers(sci_sslsocket *socket) {
    sci_ssl_drop_buffers(socket);
    if (socket->result.failed) return;
    if (is_idle(socket)) (void)SSL_free_buffers(socket->ssl);
    if (socket->ssl) SSL_set_mode(socket->ssl, SSL_MODE_RELEASE_BUFFERS); /* as soon as they are empty */
}

/* Whether the socket is one of those that are called again and again. */
static bool is_busy(const sci_sslsocket *socket) { return socket->state->calls - socket->buffers.used < CALLS; }

void sci_ssl_keep_buffers(sci_sslsocket *socket) {
    sci_state *state = socket->state;
    socket->buffers.used = ++state->calls;
    if (socket->buffers.place) return;
    sci_sslsocket **place = &state->warm[state->warm_next];
    state->warm_next = (state->warm_next + 1) % SCI_WARM;
    if (*place && is_busy(*place)) { /* OpenSSL itself keeps those of messages without data */
        if (is_idle(socket)) (void)SSL_free_buffers(socket->ssl);
        return;
    }
    if (*place) release_buffers(*place);
    *place = socket;
    socket->buffers.place = place;
    SSL_clear_mode(socket->ssl, SSL_MODE_RELEASE_BUFFERS);
}
