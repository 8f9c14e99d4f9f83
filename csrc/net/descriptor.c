/* descriptor.c: descriptors of sockets, and what systems do differently with them. Knows no Lua. */
#include "net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The BSDs and macOS switch SIGPIPE off for a socket; elsewhere each send does (MSG_NOSIGNAL). A failure means that the
 * peer has gone already. */
void sci_descriptor_silence(int descriptor) {
#ifdef SO_NOSIGPIPE
    int on = 1;
    (void)setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#else
    (void)descriptor;
#endif
}

void sci_descriptor_prepare(int descriptor) {
    (void)fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    sci_descriptor_silence(descriptor);
}

bool sci_descriptor_set_blocking(int descriptor, bool blocking) {
    int on = !blocking;
    return ioctl(descriptor, FIONBIO, &on) == 0;
}

/* A system has SOCK_CLOEXEC, SOCK_NONBLOCK and accept4, or none of them. accept4 does not inherit O_NONBLOCK from the
 * listening socket; accept does on the BSDs and macOS. */
#ifdef SOCK_CLOEXEC

#define NEW_FLAGS SOCK_CLOEXEC

static void finish(int descriptor) { sci_descriptor_silence(descriptor); }

static int open_one(int domain, int kind, bool blocking) {
    return socket(domain, blocking ? kind | NEW_FLAGS : kind | NEW_FLAGS | SOCK_NONBLOCK, 0);
}

static int accept_one(int listener, bool blocking, sci_address *peer) {
    sci_address_begin(peer);
    return accept4(listener, (struct sockaddr *)&peer->storage, &peer->length,
                   blocking ? SOCK_CLOEXEC : SOCK_CLOEXEC | SOCK_NONBLOCK);
}

#else

#define NEW_FLAGS 0

static void finish(int descriptor) { sci_descriptor_prepare(descriptor); }

static int open_one(int domain, int kind, bool blocking) {
    int descriptor = socket(domain, kind, 0);
    if (descriptor >= 0 && !blocking) (void)sci_descriptor_set_blocking(descriptor, false);
    return descriptor;
}

static int accept_one(int listener, bool blocking, sci_address *peer) {
    sci_address_begin(peer);
    int descriptor = accept(listener, (struct sockaddr *)&peer->storage, &peer->length);
    if (descriptor >= 0) (void)sci_descriptor_set_blocking(descriptor, blocking);
    return descriptor;
}

#endif

int sci_descriptor_open(int domain, int kind, bool blocking) {
    int descriptor = open_one(domain, kind, blocking);
    if (descriptor >= 0) finish(descriptor);
    return descriptor;
}

bool sci_descriptor_pair(int kind, int descriptors[2]) {
    if (socketpair(AF_UNIX, kind | NEW_FLAGS, 0, descriptors) != 0) return false;
    finish(descriptors[0]);
    finish(descriptors[1]);
    return true;
}

/* ECONNABORTED: the first connection of the queue went away. Accepts the next one instead. */
int sci_descriptor_accept(int listener, bool blocking, sci_address *peer) {
    int descriptor;
    do descriptor = accept_one(listener, blocking, peer);
    while (descriptor < 0 && (errno == EINTR || errno == ECONNABORTED));
    if (descriptor >= 0) finish(descriptor);
    return descriptor;
}

int sci_descriptor_duplicate(int descriptor) { return fcntl(descriptor, F_DUPFD_CLOEXEC, 0); }

int sci_descriptor_option(int descriptor, int option) {
    int value = 0;
    socklen_t size = sizeof value;
    return getsockopt(descriptor, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

/* An interrupted wait begins anew. That is right where `milliseconds` is 0 or -1 (for ever), and so it is here. */
int sci_descriptor_wait(int descriptor, short events, int milliseconds) {
    struct pollfd waiting = {.fd = descriptor, .events = events};
    int ready;
    do ready = poll(&waiting, 1, milliseconds);
    while (ready < 0 && errno == EINTR);
    return ready;
}
