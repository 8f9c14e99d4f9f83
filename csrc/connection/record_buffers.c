/* record_buffers.c: SciSslSocket, OpenSSL's record buffers, 33 kB and more for each connection. Sockets with a place in their
 * lua_State keep theirs, and do not allocate for each record. All other sockets have none between two calls. FEW places are for
 * any socket, the others for sockets that come back after calls of others: most connections are called some times in a row, and
 * are idle then. A socket that was not called for CALLS calls loses its place, and leaves it to the next one. Busy ones keep
 * theirs: where more sockets are busy than there are places, taking buffers from each other would cost more than allocating
 * them.
 *
 * From OpenSSL 3.2 on, the mode belongs to the record layers, which are made when keys change: SSL_clear_mode does not reach one
 * that is there, and SSL_set_mode reaches the one that reads. So a place has an effect where the socket got it before the end of
 * its handshake. The other way, never to set the mode and to free the buffers after each call of a socket without a place, was
 * measured with 3.5: a line there and back between 20 pairs takes 2 % fewer instructions, between 300 pairs 3 % more, and each of
 * these holds 12 kB more of the heap. */
#include "connection/connection.h"

#include <string.h>

#define LARGE_BLOCK 262144 /* bytes */
#define FEW 32             /* places for any socket */
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

void sci_ssl_note_moved(sci_sslsocket *socket) { socket->buffers.moved = true; }

void sci_ssl_note_message(sci_sslsocket *socket) { socket->buffers.freed = false; }

/* OpenSSL itself frees the buffers of records with data, and keeps that of a read that brought another message: 16 KiB for each idle
 * connection. Asking it costs as much as two allocations, so it is not asked after a call that has moved data and nothing else. */
static void free_left(sci_sslsocket *socket, bool moved) {
    if (moved && socket->buffers.freed) return;
    socket->buffers.freed = is_idle(socket) && SSL_free_buffers(socket->ssl) == 1;
}

/* Whether the socket is one of those that are called again and again. */
static bool is_busy(const sci_sslsocket *socket) { return socket->state->calls - socket->buffers.used < CALLS; }

/* Looks at one place after the other, each once in CALLS calls. */
static void release_idle(sci_state *state) {
    sci_sslsocket *socket = state->warm[state->calls / (CALLS / SCI_WARM) % SCI_WARM];
    if (socket && !is_busy(socket)) release_buffers(socket);
}

static sci_sslsocket **next_place(sci_state *state, bool comes_back) {
    state->warm_next = (state->warm_next + 1) % SCI_WARM;
    return &state->warm[comes_back ? state->warm_next : state->warm_next % FEW];
}

/* `before`: when the socket was called last; 0: never. */
SCI_APART static void find_place(sci_sslsocket *socket, uint64_t before) {
    uint64_t since = socket->buffers.used - before;
    bool moved = socket->buffers.moved;
    if (socket->transport.datagrams) return; /* OpenSSL needs them as long as the SSL lives */
    socket->buffers.moved = false;
    sci_sslsocket **place = next_place(socket->state, before > 0 && since > FEW && since < CALLS);
    if (*place && is_busy(*place)) {
        free_left(socket, moved);
        return;
    }
    if (*place) release_buffers(*place);
    *place = socket;
    socket->buffers.place = place;
    socket->buffers.freed = false;
    SSL_clear_mode(socket->ssl, SSL_MODE_RELEASE_BUFFERS);
}

void sci_ssl_keep_buffers(sci_sslsocket *socket) {
    sci_state *state = socket->state;
    uint64_t before = socket->buffers.used;
    socket->buffers.used = ++state->calls;
    if (state->calls % (CALLS / SCI_WARM) == 0) release_idle(state);
    if (!socket->buffers.place) find_place(socket, before);
}
