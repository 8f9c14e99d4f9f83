/* poller_poll.c: poll(2), every system's way to wait for many descriptors. A wait takes time in proportion to their number. */
#include "net/poller.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static bool poll_open(sci_poller *poller) {
    (void)poller;
    return true;
}

/* Doubles `*size`, the number of entries of `each` bytes at `block`, until `needed` fit. NULL: no memory. */
static void *grow(void *block, size_t *size, size_t needed, size_t each) {
    size_t larger = *size ? *size : 64;
    while (larger < needed) larger *= 2;
    void *moved = realloc(block, larger * each);
    if (moved) *size = larger;
    return moved;
}

/* Makes room for one more entry, and for the descriptor's place. */
static bool make_room(sci_poller *poller, int descriptor) {
    size_t needed = (size_t)descriptor + 1, known = poller->places_size;
    if (needed > known) {
        size_t *places = grow(poller->places, &poller->places_size, needed, sizeof *places);
        if (!places) return false;
        memset(places + known, 0, (poller->places_size - known) * sizeof *places);
        poller->places = places;
    }
    if (poller->count < poller->capacity) return true;
    struct pollfd *waiting = grow(poller->waiting, &poller->capacity, poller->count + 1, sizeof *waiting);
    if (waiting) poller->waiting = waiting;
    return waiting != NULL;
}

/* `places` is as long as the highest descriptor: a number that is no descriptor of this process must not lengthen it, and
 * fails with EBADF as in the other ways. */
static bool poll_arm(sci_poller *poller, int descriptor, short events, bool lasting) {
    (void)lasting;
    if (fcntl(descriptor, F_GETFD) < 0) return false;
    if (!make_room(poller, descriptor)) {
        errno = ENOMEM;
        return false;
    }
    size_t *place = &poller->places[descriptor];
    if (*place == 0) *place = ++poller->count;
    poller->waiting[*place - 1] = (struct pollfd){.fd = descriptor, .events = events};
    return true;
}

/* Moves the last entry to the place that becomes free. */
static void poll_disarm(sci_poller *poller, int descriptor) {
    size_t place = (size_t)descriptor < poller->places_size ? poller->places[descriptor] : 0;
    if (place == 0) return;
    struct pollfd last = poller->waiting[--poller->count];
    poller->waiting[place - 1] = last;
    poller->places[last.fd] = place;
    poller->places[descriptor] = 0;
}

/* A descriptor that is not open counts as ready: the next call on it reports that. */
static short ready_events(const struct pollfd *waiting) {
    bool over = waiting->revents & (POLLERR | POLLHUP | POLLNVAL);
    return over ? waiting->events : (short)(waiting->revents & waiting->events);
}

/* From the back: poll_disarm moves only entries that this loop has seen. */
static int collect(sci_poller *poller, sci_ready *ready) {
    int count = 0;
    for (size_t i = poller->count; i > 0 && count < SCI_READY_MOST; i--) {
        struct pollfd waiting = poller->waiting[i - 1];
        if (waiting.revents == 0) continue;
        ready[count++] = (sci_ready){waiting.fd, ready_events(&waiting)};
        poll_disarm(poller, waiting.fd);
    }
    return count;
}

static int poll_sleep(sci_poller *poller, int milliseconds, sci_ready *ready) {
    int count = poll(poller->waiting, (nfds_t)poller->count, milliseconds);
    return count > 0 ? collect(poller, ready) : count;
}

static void poll_end(sci_poller *poller) {
    free(poller->waiting);
    free(poller->places);
    poller->waiting = NULL;
    poller->places = NULL;
}

static const sci_way poll_way = {"poll", poll_open, poll_arm, poll_disarm, NULL, poll_sleep, poll_end};

const sci_way *sci_way_poll(void) { return &poll_way; }
