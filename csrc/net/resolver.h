/* resolver.h: look-ups of hosts that run in threads. Knows no Lua, and the threads know none.
 *
 * A process has one pool of at most SCI_RESOLVERS threads, for all its lua_States. A thread starts where a look-up waits and
 * ends where none is left. A look-up belongs to its owner, until sci_query_release; a thread that still works on it then frees
 * it later. Threads have all signals blocked.
 *
 * After fork() the child has none of the threads: its copies of unfinished look-ups are finished, as failed (`forked`), and
 * their descriptors readable. */
#ifndef SCISSL_RESOLVER_H
#define SCISSL_RESOLVER_H

#include "net/socket.h"

#define SCI_RESOLVERS 16

typedef struct sci_query sci_query;

typedef struct sci_found {
    struct addrinfo *list; /* borrowed from the query; NULL: there is none */
    int code;              /* EAI_…, or 0 */
    int system_errno;      /* for EAI_SYSTEM */
    bool forked;           /* the process was forked meanwhile */
} sci_found;

/* A look-up that has not begun. `service`: digits or a name. NULL: out of memory. */
sci_query *sci_query_new(const char *host, const char *service, int family);

/* Finishes the look-up at once where `host` is an IP address. False: it is a name. */
bool sci_query_address(sci_query *query);

/* Begins the look-up. `*descriptor` becomes readable when it is finished: the caller closes it after sci_query_release. Where
 * the system has no thread left, the look-up is made at once, in the caller's. False: errno says why. */
bool sci_query_begin(sci_query *query, int *descriptor);

/* Whether it is finished; fills `found` then. */
bool sci_query_finished(sci_query *query, sci_found *found);

const char *sci_query_host(const sci_query *query);

void sci_query_release(sci_query *query);

#endif
