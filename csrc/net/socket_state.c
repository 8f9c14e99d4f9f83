/* socket_state.c: what is known of a socket's connection: whether it is established, runs, has failed, or listens. */
#include "net/socket.h"

#include <poll.h>

/* ---- noting ------------------------------------------------------------------------------------------------------ */

void sci_socket_note_connected(sci_socket *base, const sci_address *peer) {
    base->established = true;
    base->connecting = false;
    if (peer) sci_describe_address(peer, base->peer);
}

void sci_socket_note_failure(sci_socket *base, int system_errno) {
    base->connect_errno = system_errno;
    base->connecting = false;
}

void sci_socket_note_listening(sci_socket *base) { base->listening = true; }

void sci_socket_note_attempt(sci_socket *base, const sci_address *address, int problem) {
    sci_describe_address(address, base->peer);
    base->established = problem == 0;
    base->connecting = sci_is_under_way(problem);
    base->connect_errno = base->established || base->connecting || sci_would_block(problem) ? 0 : problem;
}

/* ---- asking the system ------------------------------------------------------------------------------------------- */

void sci_socket_learn_state(sci_socket *base) {
    sci_address peer;
    base->listening = sci_descriptor_option(base->fd, SO_ACCEPTCONN) > 0;
    if (sci_get_address(base->fd, true, &peer)) sci_socket_note_connected(base, &peer);
    else base->connecting = !base->listening;
}

/* 1: established; -1: failed; 0: not known. */
static int connection_state(sci_socket *base) {
    sci_address peer;
    if (base->established || sci_get_address(base->fd, true, &peer)) {
        sci_socket_note_connected(base, NULL);
        return 1;
    }
    int problem = base->connect_errno ? base->connect_errno : sci_descriptor_option(base->fd, SO_ERROR);
    if (problem <= 0) return 0;
    sci_socket_note_failure(base, problem);
    return -1;
}

/* A connecting socket becomes writable when it is connected or has failed. poll(2) reports a socket that was never
 * connected as hung up, at once. */
int sci_socket_probe(sci_socket *base, int milliseconds) {
    int state = connection_state(base);
    if (state != 0) return state;
    if (!base->connecting) return -1;
    if (sci_descriptor_wait(base->fd, POLLOUT, milliseconds) == 0) return 0;
    base->connecting = false;
    return connection_state(base) > 0 ? 1 : -1;
}
