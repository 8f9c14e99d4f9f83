/* ip_peer.c: datagrams of many peers over one socket of IPv4 or IPv6: without an allocation, a string or a look-up for each. */
#include "net/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

bool sci_socket_has_ip_peers(const sci_socket *socket) {
    sci_address own;
    int descriptor = sci_socket_descriptor(socket);
    if (descriptor < 0 || !sci_get_address(descriptor, false, &own)) return false;
    return own.storage.ss_family == AF_INET || own.storage.ss_family == AF_INET6;
}

/* What does not belong to the address is 0, so that equal peers have equal bytes. */
static void take_address(sci_ip_peer *peer, const struct sockaddr_in6 *from, socklen_t length) {
    struct sockaddr_in6 clean = *from;
    clean.sin6_flowinfo = 0;
    if (from->sin6_family == AF_INET) {
        struct sockaddr_in inet;
        memcpy(&inet, from, sizeof inet);
        memset(inet.sin_zero, 0, sizeof inet.sin_zero);
        memcpy(&clean, &inet, sizeof inet);
    }
    memset(peer, 0, sizeof *peer);
    peer->length = (unsigned char)(length < sizeof clean ? length : sizeof clean);
    memcpy(peer->bytes, &clean, peer->length);
}

/* Failures beside these are reports about what was sent to some peer. */
sci_arrival sci_receive_from(const sci_socket *socket, void *bytes, size_t size, size_t *length, sci_ip_peer *peer) {
    struct sockaddr_in6 from = {0};
    socklen_t room = sizeof from;
    int descriptor = sci_socket_descriptor(socket);
    if (descriptor < 0) return SCI_ARRIVAL_CLOSED;
    ssize_t got = recvfrom(descriptor, bytes, size, MSG_DONTWAIT, (struct sockaddr *)&from, &room);
    if (got < 0) return sci_would_block(errno) ? SCI_ARRIVAL_NONE : SCI_ARRIVAL_REPORT;
    *length = (size_t)got;
    take_address(peer, &from, room);
    return SCI_ARRIVAL_DATAGRAM;
}

bool sci_send_to(const sci_socket *socket, const sci_ip_peer *peer, const void *bytes, size_t length) {
    struct sockaddr_in6 to;
    ssize_t sent;
    int descriptor = sci_socket_descriptor(socket), flags = MSG_NOSIGNAL | MSG_DONTWAIT;
    memcpy(&to, peer->bytes, peer->length);
    do sent = sendto(descriptor, bytes, length, flags, (const struct sockaddr *)&to, peer->length);
    while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

bool sci_read_ip_peer(const char *bytes, size_t length, sci_ip_peer *peer) {
    memset(peer, 0, sizeof *peer);
    if (length != sizeof(struct sockaddr_in) && length != sizeof(struct sockaddr_in6)) return false;
    memcpy(peer->bytes, bytes, length);
    peer->length = (unsigned char)length;
    return true;
}

void sci_push_ip_peer(lua_State *L, const sci_ip_peer *peer) {
    sci_address address = {.length = peer->length};
    sci_address_text text;
    memcpy(&address.storage, peer->bytes, peer->length);
    sci_spell_address(&address, &text);
    lua_pushlstring(L, text.host, text.length);
    (void)lua_stringtonumber(L, text.port);
}
