/* message_limits.c: SciSslSocket, how many messages without data a peer may send.
 *
 * OpenSSL reads until application data comes, so a peer that sends other messages could keep one call busy for ever. After
 * SCI_READ_LIMIT bytes the transport makes the call return "not ready". Where a peer exceeds a limit of this file, the
 * transport gives OpenSSL a record that no protocol allows, and OpenSSL ends the connection with an alert. */
#include "connection/connection.h"

#include <string.h>

#define SECOND INT64_C(1000000000) /* nanoseconds */

/* More than `most` messages within `most` seconds end the connection. With `per_data`, application data sets the count back to
 * 0. Other libraries allow 16 to 32 messages between data, and do not use a clock. */
static const struct limit {
    const char *condition, *message;
    unsigned most;
    bool per_data;
} limits[SCI_COUNTED] = {
    [SCI_KEY_UPDATES] = {"too_many_key_updates", "more than 32 KeyUpdates arrived in a row, without data between them",
                         32, true},
    [SCI_TICKETS] = {"too_many_tickets", "more than 32 session tickets arrived in a row, without data between them", 32,
                     true},
    [SCI_RENEGOTIATIONS] = {"too_many_renegotiations", "the peer began more than 8 handshakes within 8 seconds", 8,
                            false},
    [SCI_CERTIFICATE_REQUESTS] = {"too_many_certificate_requests",
                                  "the server asked more than 8 times within 8 seconds for a certificate", 8, false},
};

void sci_ssl_reset_limits(sci_sslsocket *socket) { memset(&socket->limits, 0, sizeof socket->limits); }

/* The message that OpenSSL has just read, by the state after it. */
static int counted_message(const SSL *ssl) {
    switch (SSL_get_state(ssl)) {
        case TLS_ST_SR_KEY_UPDATE:
        case TLS_ST_CR_KEY_UPDATE: return SCI_KEY_UPDATES;
        case TLS_ST_CR_SESSION_TICKET: return SCI_TICKETS;
        case TLS_ST_CR_HELLO_REQ:
        case TLS_ST_SR_CLNT_HELLO: return SCI_RENEGOTIATIONS;
        case TLS_ST_CR_CERT_REQ: return SCI_CERTIFICATE_REQUESTS;
        default: return -1;
    }
}

void sci_ssl_count_message(sci_sslsocket *socket) {
    sci_ssl_note_message(socket);
    int kind = socket->handshake.done ? counted_message(socket->ssl) : -1;
    if (kind < 0) return;
    sci_count *count = &socket->limits.counts[kind];
    int64_t now = sci_now();
    if (count->messages == 0 || now - count->since >= (int64_t)limits[kind].most * SECOND)
        *count = (sci_count){.since = now};
    count->messages++;
    socket->limits.counting = true;
    if (count->messages <= limits[kind].most || socket->limits.exceeded) return;
    socket->limits.exceeded = kind + 1;
    sci_transport_spoil(&socket->transport);
}

void sci_ssl_note_data(sci_sslsocket *socket) {
    for (int kind = 0; kind < SCI_COUNTED; kind++)
        if (limits[kind].per_data) socket->limits.counts[kind].messages = 0;
    socket->limits.counting = false;
}

bool sci_ssl_explain_limit(const sci_sslsocket *socket, sci_failure *failure) {
    if (!socket->limits.exceeded) return false;
    failure->condition = limits[socket->limits.exceeded - 1].condition;
    failure->message = limits[socket->limits.exceeded - 1].message;
    return true;
}
