/* poller_epoll.c: Linux's way to wait for many descriptors. */
#include "net/poller.h"

#ifdef __linux__

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

static bool epoll_open(sci_poller *poller) {
    poller->descriptor = epoll_create1(EPOLL_CLOEXEC);
    return poller->descriptor >= 0;
}

/* Only the kernel knows which descriptors it still watches: it drops a closed one, and the number may return for another
 * socket. So each call asks the kernel, the likely case (a watched descriptor) first. */
static bool epoll_arm(sci_poller *poller, int descriptor, short events) {
    struct epoll_event event = {.events = EPOLLONESHOT | (events & POLLIN ? (uint32_t)EPOLLIN : 0) |
                                          (events & POLLOUT ? (uint32_t)EPOLLOUT : 0),
                                .data.u64 = (uint64_t)(unsigned)descriptor | (uint64_t)(unsigned short)events << 32};
    if (epoll_ctl(poller->descriptor, EPOLL_CTL_MOD, descriptor, &event) == 0) return true;
    return errno == ENOENT && epoll_ctl(poller->descriptor, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

static void epoll_disarm(sci_poller *poller, int descriptor) {
    (void)epoll_ctl(poller->descriptor, EPOLL_CTL_DEL, descriptor, &(struct epoll_event){0});
}

static void fill_ready(const struct epoll_event *event, sci_ready *ready) {
    short asked = (short)(event->data.u64 >> 32), events = 0;
    if (event->events & EPOLLIN) events |= POLLIN;
    if (event->events & EPOLLOUT) events |= POLLOUT;
    ready->descriptor = (int)(event->data.u64 & 0xFFFFFFFF);
    ready->events = event->events & (EPOLLERR | EPOLLHUP) ? asked : events & asked;
}

static int epoll_sleep(sci_poller *poller, int milliseconds, sci_ready *ready) {
    struct epoll_event events[SCI_READY_MOST];
    int count = epoll_wait(poller->descriptor, events, SCI_READY_MOST, milliseconds);
    for (int i = 0; i < count; i++) fill_ready(&events[i], &ready[i]);
    return count;
}

static void epoll_end(sci_poller *poller) { (void)close(poller->descriptor); }

static const sci_way epoll_way = {"epoll", epoll_open, epoll_arm, epoll_disarm, epoll_sleep, epoll_end};

const sci_way *sci_way_epoll(void) { return &epoll_way; }

#else

const sci_way *sci_way_epoll(void) { return NULL; }

#endif
