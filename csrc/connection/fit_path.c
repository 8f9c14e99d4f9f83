/* fit_path.c: SciSslSocket over datagrams (DTLS): how long a datagram may be, by the path to the peer. */
#include "connection/connection.h"

#define LONGEST_MTU 16384 /* of a path that the system knows: the loopback interface carries more than a record has */

long sci_ssl_current_mtu(const sci_sslsocket *socket) {
    return socket->datagram.mtu ? socket->datagram.mtu : SCI_SSL_MTU;
}

bool sci_ssl_apply_mtu(sci_sslsocket *socket, long bytes) {
    if (!socket->result.failed && SSL_set_mtu(socket->ssl, bytes) <= 0) return false;
    socket->datagram.mtu = bytes;
    return true;
}

/* 0: unknown. */
static long path_mtu(const sci_sslsocket *socket) {
    return socket->transport.socket ? sci_socket_path_mtu(socket->transport.socket) : 0;
}

/* What the system knows of the path; or a length that most paths carry. */
static long shorter_mtu(const sci_sslsocket *socket) {
    static const long plateaus[] = {SCI_SSL_MTU, 508, SCI_SSL_LEAST_MTU}; /* of IPv6, of IPv4, of DTLS */
    long now = sci_ssl_current_mtu(socket), path = path_mtu(socket);
    if (path >= SCI_SSL_LEAST_MTU && path < now) return path;
    for (size_t i = 0; i < sizeof plateaus / sizeof *plateaus; i++)
        if (plateaus[i] < now) return plateaus[i];
    return SCI_SSL_LEAST_MTU;
}

void sci_ssl_fit_path(sci_sslsocket *socket) {
    if (!sci_transport_has_exceeded(&socket->transport)) return;
    socket->datagram.unsent = true;
    if (socket->ssl) (void)sci_ssl_apply_mtu(socket, shorter_mtu(socket));
}

void sci_ssl_follow_path(sci_sslsocket *socket) {
    long path = path_mtu(socket);
    if (path < SCI_SSL_LEAST_MTU) return;
    (void)sci_socket_forbid_fragments(socket->transport.socket);
    (void)sci_ssl_apply_mtu(socket, path < LONGEST_MTU ? path : LONGEST_MTU);
}
