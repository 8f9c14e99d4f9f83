/* poller.h: what SciPoller (poller.c) and the ways to wait (poller_epoll.c, poller_kqueue.c, poller_poll.c) share. */
#ifndef SCISSL_POLLER_H
#define SCISSL_POLLER_H

#include "net/socket.h"

#include <poll.h>

#define SCI_READY_MOST 256 /* descriptors that one wait returns; the next wait returns the others */

typedef struct sci_ready {
    int descriptor;
    short events; /* POLLIN, POLLOUT: those asked for and ready; all that were asked for if it hung up or failed */
} sci_ready;

typedef struct sci_poller sci_poller;

/* A way to wait. `wait` forgets what it returns. Functions that fail set errno. */
typedef struct sci_way {
    const char *name;
    bool (*open)(sci_poller *poller);
    bool (*arm)(sci_poller *poller, int descriptor, short events);
    void (*disarm)(sci_poller *poller, int descriptor);
    int (*wait)(sci_poller *poller, int milliseconds, sci_ready *ready); /* how many, or -1 */
    void (*close)(sci_poller *poller);
} sci_way;

/* A poller whose `way` is NULL is closed; its other fields are then unused. */
struct sci_poller {
    const sci_way *way;
    int descriptor; /* epoll's and kqueue's own; -1: none */

    /* poll(2) alone */
    struct pollfd *waiting;
    size_t count, capacity;
    size_t *places; /* 1 + the index in `waiting`, by descriptor; 0: not there */
    size_t places_size;
};

/* NULL: this system does not have it. */
const sci_way *sci_way_epoll(void);
const sci_way *sci_way_kqueue(void);
const sci_way *sci_way_poll(void);

#endif
