/* poller.h: what poller.c asks of the systems' ways to wait for many descriptors, a file for each way. */
#ifndef SCISSL_POLLER_H
#define SCISSL_POLLER_H

#include "net/socket.h"

#include <poll.h>

#define SCI_READY_MOST 256 /* descriptors that one wait answers; the others come with the next */

typedef struct sci_ready {
    int descriptor;
    short events; /* POLLIN, POLLOUT: those asked for that it is ready for, all of them where it hung up or failed */
} sci_ready;

typedef struct sci_poller sci_poller;

/* A way to wait. What is armed is forgotten as soon as it has been answered once. Functions that fail leave errno. */
typedef struct sci_way {
    const char *name;
    bool (*open)(sci_poller *poller);
    bool (*arm)(sci_poller *poller, int descriptor, short events);
    void (*disarm)(sci_poller *poller, int descriptor);
    int (*wait)(sci_poller *poller, int milliseconds, sci_ready *ready); /* how many, or -1 */
    void (*close)(sci_poller *poller);
} sci_way;

/* Any bytes are a closed one, as long as `way` is NULL. */
struct sci_poller {
    const sci_way *way;
    int descriptor; /* epoll's and kqueue's own; -1: none */

    /* poll(2) alone */
    struct pollfd *waiting;
    size_t count, capacity;
    size_t *places; /* 1 + the index in `waiting`, by descriptor; 0: not there */
    size_t places_size;
};

/* NULL where the system does not have it. */
const sci_way *sci_way_epoll(void);
const sci_way *sci_way_kqueue(void);
const sci_way *sci_way_poll(void);

#endif
