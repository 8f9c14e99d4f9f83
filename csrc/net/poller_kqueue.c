/* poller_kqueue.c: macOS's and the BSDs' way to wait for many descriptors. */
#include "net/poller.h"

#if defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) || defined(__OpenBSD__) || defined(__DragonFly__)
#define HAS_KQUEUE
#endif

#ifdef HAS_KQUEUE

#include <errno.h>
#include <fcntl.h>
#include <sys/event.h>
#include <sys/time.h>
#include <unistd.h>

static bool kqueue_open(sci_poller *poller) {
    poller->descriptor = kqueue();
    if (poller->descriptor < 0) return false;
    (void)fcntl(poller->descriptor, F_SETFD, FD_CLOEXEC);
    poller->process = (int)getpid();
    return true;
}

/* Makes the change. Returns 0 or errno. The event brings `asked` back. */
static int change(const sci_poller *poller, int descriptor, bool reads, unsigned short flags, short asked) {
    struct kevent event;
    EV_SET(&event, (uintptr_t)descriptor, reads ? EVFILT_READ : EVFILT_WRITE, flags, 0, 0, 0);
    event.udata = (void *)(intptr_t)asked;
    return kevent(poller->descriptor, &event, 1, NULL, 0, NULL) < 0 ? errno : 0;
}

static int arm_filter(const sci_poller *poller, int descriptor, bool reads, short asked) {
    if (asked & (reads ? POLLIN : POLLOUT)) return change(poller, descriptor, reads, EV_ADD | EV_ONESHOT, asked);
    (void)change(poller, descriptor, reads, EV_DELETE, 0);
    return 0;
}

static bool kqueue_arm(sci_poller *poller, int descriptor, short events, bool lasting) {
    (void)lasting;
    int failed = arm_filter(poller, descriptor, true, events);
    if (!failed) failed = arm_filter(poller, descriptor, false, events);
    errno = failed;
    return !failed;
}

static void kqueue_disarm(sci_poller *poller, int descriptor) {
    (void)change(poller, descriptor, true, EV_DELETE, 0);
    (void)change(poller, descriptor, false, EV_DELETE, 0);
}

/* Where a descriptor was armed for both and one filter fired, deletes the other filter as well. */
static void fill_ready(sci_poller *poller, const struct kevent *event, sci_ready *ready) {
    short asked = (short)(intptr_t)event->udata;
    bool reads = event->filter == EVFILT_READ;
    ready->descriptor = (int)event->ident;
    ready->events = event->flags & (EV_EOF | EV_ERROR) ? asked : reads ? POLLIN : POLLOUT;
    if (asked == (POLLIN | POLLOUT)) (void)change(poller, ready->descriptor, !reads, EV_DELETE, 0);
}

static int kqueue_sleep(sci_poller *poller, int milliseconds, sci_ready *ready) {
    struct kevent events[SCI_READY_MOST];
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
    int count = kevent(poller->descriptor, NULL, 0, events, SCI_READY_MOST, milliseconds < 0 ? NULL : &time);
    for (int i = 0; i < count; i++) fill_ready(poller, &events[i], &ready[i]);
    return count;
}

/* A child that fork made does not inherit a kqueue: the number may be another file's there. */
static void kqueue_end(sci_poller *poller) {
    if (poller->process == (int)getpid()) (void)close(poller->descriptor);
}

static const sci_way kqueue_way = {"kqueue", kqueue_open, kqueue_arm, kqueue_disarm, NULL, kqueue_sleep, kqueue_end};

const sci_way *sci_way_kqueue(void) { return &kqueue_way; }

#else

const sci_way *sci_way_kqueue(void) { return NULL; }

#endif
