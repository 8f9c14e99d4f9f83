/* poller_epoll.c: Linux's way to wait for many descriptors. */
#include "net/poller.h"

#ifdef __linux__

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static bool epoll_open(sci_poller *poller) {
    poller->descriptor = epoll_create1(EPOLL_CLOEXEC);
    poller->process = (int)getpid();
    return poller->descriptor >= 0;
}

/* What is known of a descriptor that is watched until it is closed: two bits for what epoll watches, two for what of that is
 * armed. 0: it is not watched so. What is ready and not armed is watched no more, or epoll would report it for ever. */
enum { READS = 1, WRITES = 2, BOTH = READS | WRITES, ARMED = 2 /* bits to shift by */ };

static unsigned char bits_of(short events) {
    return (unsigned char)((events & POLLIN ? READS : 0) | (events & POLLOUT ? WRITES : 0));
}

static short events_of(int bits) { return (short)((bits & READS ? POLLIN : 0) | (bits & WRITES ? POLLOUT : 0)); }

static unsigned char *find_watched(const sci_poller *poller, int descriptor) {
    return (size_t)descriptor < poller->watched_size ? &poller->watched[descriptor] : NULL;
}

static unsigned char *make_watched(sci_poller *poller, int descriptor) {
    size_t needed = (size_t)descriptor + 1, size = poller->watched_size ? poller->watched_size : 64;
    while (size < needed) size *= 2;
    if (size > poller->watched_size) {
        unsigned char *longer = realloc(poller->watched, size);
        if (!longer) return NULL;
        memset(longer + poller->watched_size, 0, size - poller->watched_size);
        poller->watched = longer;
        poller->watched_size = size;
    }
    return &poller->watched[descriptor];
}

/* Only the kernel knows which descriptors it still watches: a closed one leaves it, and its number may come back as another
 * socket. So both calls are tried, the likely one first. */
static bool control(sci_poller *poller, int descriptor, uint32_t flags, unsigned char bits) {
    struct epoll_event event = {.events = flags | (bits & READS ? (uint32_t)EPOLLIN : 0) |
                                          (bits & WRITES ? (uint32_t)EPOLLOUT : 0),
                                .data.u64 = (uint64_t)(unsigned)descriptor | (uint64_t)bits << 32};
    if (epoll_ctl(poller->descriptor, EPOLL_CTL_MOD, descriptor, &event) == 0) return true;
    return errno == ENOENT && epoll_ctl(poller->descriptor, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

static bool epoll_arm(sci_poller *poller, int descriptor, short events, bool lasting) {
    unsigned char bits = bits_of(events), *watched = find_watched(poller, descriptor);
    unsigned char armed = (unsigned char)(bits | bits << ARMED);
    if (lasting && watched && (*watched & BOTH) == bits) {
        *watched = armed;
        return true;
    }
    if (lasting && !watched) watched = make_watched(poller, descriptor);
    if (!watched) lasting = false;
    if (!control(poller, descriptor, lasting ? 0 : (uint32_t)EPOLLONESHOT, bits)) return false;
    if (watched) *watched = lasting ? armed : (unsigned char)0;
    return true;
}

static void drop(sci_poller *poller, int descriptor) {
    (void)epoll_ctl(poller->descriptor, EPOLL_CTL_DEL, descriptor, &(struct epoll_event){0});
}

/* A child that fork made closes what it has inherited: epoll is its parent's, which still waits. */
static void epoll_forget(sci_poller *poller, int descriptor) {
    unsigned char *watched = find_watched(poller, descriptor);
    if (!watched || *watched == 0) return;
    *watched = 0;
    if (poller->process == (int)getpid()) drop(poller, descriptor);
}

static void epoll_disarm(sci_poller *poller, int descriptor) {
    unsigned char *watched = find_watched(poller, descriptor);
    if (watched && *watched != 0) *watched &= BOTH;
    else drop(poller, descriptor);
}

/* False: nothing of it is armed. */
static bool fill_ready(sci_poller *poller, const struct epoll_event *event, sci_ready *ready) {
    int descriptor = (int)(event->data.u64 & 0xFFFFFFFF), asked = (int)(event->data.u64 >> 32), bits = 0;
    unsigned char *watched = find_watched(poller, descriptor);
    if (watched && *watched != 0) asked = *watched >> ARMED;
    if (asked == 0) {
        epoll_forget(poller, descriptor);
        return false;
    }
    if (watched) *watched &= BOTH;
    if (event->events & EPOLLIN) bits |= READS;
    if (event->events & EPOLLOUT) bits |= WRITES;
    if (event->events & (EPOLLERR | EPOLLHUP)) bits = asked;
    ready->descriptor = descriptor;
    ready->events = events_of(bits & asked);
    return true;
}

/* Where nothing that is ready was armed, this says that it was interrupted: the time has not passed. */
static int epoll_sleep(sci_poller *poller, int milliseconds, sci_ready *ready) {
    struct epoll_event events[SCI_READY_MOST];
    int count = epoll_wait(poller->descriptor, events, SCI_READY_MOST, milliseconds), filled = 0;
    for (int i = 0; i < count; i++) filled += fill_ready(poller, &events[i], &ready[filled]);
    if (count <= 0 || filled > 0) return count < 0 ? count : filled;
    errno = EINTR;
    return -1;
}

static void epoll_end(sci_poller *poller) {
    (void)close(poller->descriptor);
    free(poller->watched);
    poller->watched = NULL;
    poller->watched_size = 0;
}

static const sci_way epoll_way = {"epoll", epoll_open, epoll_arm, epoll_disarm, epoll_forget, epoll_sleep, epoll_end};

const sci_way *sci_way_epoll(void) { return &epoll_way; }

#else

const sci_way *sci_way_epoll(void) { return NULL; }

#endif
