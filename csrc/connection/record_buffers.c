/* record_buffers.c: OpenSSL's record buffers, 33 kB a connection and more. They stay with the SCI_WARM sockets of a lua_State that
 * became busy last, so that those do not allocate for every record; all others have none. */
#include "connection/connection.h"

#include <string.h>

#define LARGE_BLOCK 262144 /* bytes */

/* glibc gives the end of its heap back to the system as soon as 128 KiB are free there, which two closed connections are, and
 * takes it again for the next, page by page. Once a larger block has been freed it waits for twice that block's size. */
void sci_ssl_keep_heap(void) { OPENSSL_free(OPENSSL_malloc(LARGE_BLOCK)); }

/* Whether OpenSSL has nothing in its buffers, not even the header of a record whose rest has not come: releases of
 * OpenSSL before 3.0.14 free them all the same. */
static bool is_idle(const sci_sslsocket *socket) {
    return socket->ssl && !sci_ssl_in_call(socket) && socket->write.pending_length == 0 &&
           !SSL_has_pending(socket->ssl) && strcmp(SSL_rstate_string(socket->ssl), "RH") == 0;
}

void sci_ssl_reset_buffers(sci_sslsocket *socket) { socket->buffers.large = false; }

void sci_ssl_drop_buffers(sci_sslsocket *socket) {
    if (socket->buffers.place) *socket->buffers.place = NULL;
    socket->buffers.place = NULL;
}

/* A connection that has failed may have failed for want of a record layer: OpenSSL 3.2 and later read through NULL when
 * they are asked about its buffers. */
static void cool_down(sci_sslsocket *socket) {
    sci_ssl_drop_buffers(socket);
    if (socket->result.failed) return;
    if (is_idle(socket)) (void)SSL_free_buffers(socket->ssl);
    else if (socket->ssl) SSL_set_mode(socket->ssl, SSL_MODE_RELEASE_BUFFERS); /* as soon as they are empty */
}

void sci_ssl_keep_buffers(sci_sslsocket *socket) {
    sci_state *state = socket->state;
    if (socket->buffers.place) return;
    sci_sslsocket **place = &state->warm[state->warm_next];
    state->warm_next = (state->warm_next + 1) % SCI_WARM;
    if (*place) cool_down(*place);
    *place = socket;
    socket->buffers.place = place;
    SSL_clear_mode(socket->ssl, SSL_MODE_RELEASE_BUFFERS);
}

void sci_ssl_note_length(sci_sslsocket *socket, size_t length) {
    if (SCI_READ_BUFFER == 0 || length < SSL3_RT_MAX_PLAIN_LENGTH || socket->buffers.large || !is_idle(socket)) return;
    (void)SSL_free_buffers(socket->ssl);
    SSL_set_default_read_buffer_len(socket->ssl, SCI_READ_BUFFER);
    socket->buffers.large = true;
}
