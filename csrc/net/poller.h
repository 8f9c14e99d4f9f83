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

/* A way to wait. `wait` forgets what it returns. Functions that fail set errno.
 *
 * `lasting`: sci_poller_forget will be called before the descriptor is closed, so that the system may go on watching it: to wait
 * again for the same events is then no system call. */
typedef struct sci_way {
    const char *name;
    bool (*open)(sci_poller *poller);
    bool (*arm)(sci_poller *poller, int descriptor, short events, bool lasting);
    void (*disarm)(sci_poller *poller, int descriptor);
    void (*forget)(sci_poller *poller,
                   int descriptor); /* as `disarm`, before it is closed; NULL: it need not be called */
    int (*wait)(sci_poller *poller, int milliseconds, sci_ready *ready); /* how many, or -1 */
    void (*close)(sci_poller *poller);
} sci_way;

/* A poller whose `way` is NULL is closed; its other fields are then unused. */
struct sci_poller {
    const sci_way *way;
    int descriptor; /* epoll's and kqueue's own; -1: none */
    sci_state *state;
    struct sci_poller *next; /* of the state's */

    int process; /* that has made the descriptor */

    /* epoll alone: by descriptor, what is watched and what is armed */
    unsigned char *watched;
    size_t watched_size;

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

/* The descriptor of a wait that needs nothing but `arm`: from the stack index `first` on stand a SciSocket of which `lasting`
 * holds, one event, and nil or a deadline, the last one on top. -1: it is another wait, or `poller` is NULL or closed. `classes`:
 * index of sci_push_socket_classes' set. */
int sci_poller_find_simple(lua_State *L, int first, const sci_poller *poller, int classes, short *events);

#endif
