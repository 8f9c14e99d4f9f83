/* route.c: DTLS: the way of a memory transport to its peer over the socket of a server, which many transports share. A datagram that
 * the system takes at once does not pass through the queue `out`, and one that has arrived not through `in`. */
#include "transport/bio.h"

#include <stdlib.h>

bool sci_transport_set_route(sci_transport *transport, sci_outlet *outlet, const sci_ip_peer *peer) {
    sci_route *route = transport->route ? transport->route : malloc(sizeof *route);
    if (!route) return false;
    *route = (sci_route){.outlet = outlet, .peer = *peer};
    transport->route = route;
    return true;
}

void sci_transport_drop_route(sci_transport *transport) {
    free(transport->route);
    transport->route = NULL;
}

/* What the system does not take at once goes to the queue: the owner of the transport sends it, and finds out why. */
bool sci_route_send(sci_transport *transport, const char *data, size_t size) {
    sci_outlet *outlet = transport->route->outlet;
    if (!sci_send_to(outlet->socket, &transport->route->peer, data, size)) return false;
    outlet->sent++;
    outlet->bytes_sent += size;
    return true;
}

void sci_transport_lay(sci_transport *transport, const unsigned char *bytes, size_t length) {
    transport->route->arrived = bytes;
    transport->route->arrived_length = length;
}

bool sci_transport_clear(sci_transport *transport) {
    bool taken = !transport->route || !transport->route->arrived;
    if (!taken) transport->route->arrived = NULL;
    return taken;
}

void sci_transport_note_seen(sci_transport *transport, double seconds) {
    if (transport->route) transport->route->seen = seconds;
}

const unsigned char *sci_route_take(sci_transport *transport, size_t *length) {
    if (!transport->route) return NULL;
    const unsigned char *bytes = transport->route->arrived;
    *length = transport->route->arrived_length;
    transport->route->arrived = NULL;
    return bytes;
}
