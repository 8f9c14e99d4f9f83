/* resolver.c: look-ups of hosts that run in threads. */
#include "net/resolver.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef enum query_state { NEW, QUEUED, RUNNING, FINISHED } query_state;

/* Between sci_query_begin and the end of the look-up the lock of the pool guards all fields but host, service and hints. */
struct sci_query {
    sci_query *next;
    query_state state;
    bool abandoned; /* its owner has released it: the thread frees it */
    int descriptor; /* the owner's end of a pair of sockets */
    int bell;       /* the other end */
    sci_found found;
    struct addrinfo hints;
    const char *service; /* in `host`, behind the host's NUL */
    char host[];
};

/* Queries that are queued or running, the oldest first. */
static struct {
    pthread_mutex_t lock;
    sci_query *first;
    int threads;
    sci_query *lost; /* by a fork: a thread of the parent would have freed them */
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void lock_pool(void) { (void)pthread_mutex_lock(&pool.lock); }
static void unlock_pool(void) { (void)pthread_mutex_unlock(&pool.lock); }

/* ---- one query -------------------------------------------------------------------------------------------------- */

sci_query *sci_query_new(const char *host, const char *service, int family) {
    size_t host_size = strlen(host) + 1, service_size = strlen(service) + 1;
    sci_query *query = calloc(1, sizeof *query + host_size + service_size);
    if (!query) return NULL;
    memcpy(query->host, host, host_size);
    memcpy(query->host + host_size, service, service_size);
    query->service = query->host + host_size;
    query->hints.ai_family = family;
    query->hints.ai_socktype = SOCK_STREAM;
    query->descriptor = query->bell = -1;
    return query;
}

const char *sci_query_host(const sci_query *query) { return query->host; }

static void free_query(sci_query *query) {
    if (query->found.list) freeaddrinfo(query->found.list);
    free(query);
}

static sci_found look_up(const sci_query *query, int flags) {
    sci_found found = {.list = NULL};
    struct addrinfo hints = query->hints;
    hints.ai_flags = flags;
    found.code = getaddrinfo(query->host, query->service, &hints, &found.list);
    found.system_errno = errno;
    if (found.code != 0) found.list = NULL;
    return found;
}

bool sci_query_address(sci_query *query) {
    sci_found found = look_up(query, AI_NUMERICHOST);
    if (found.code == EAI_NONAME) return false;
    query->found = found;
    query->state = FINISHED;
    return true;
}

/* ---- the list of the pool, under its lock ------------------------------------------------------------------------ */

static void append(sci_query *query) {
    sci_query **link = &pool.first;
    while (*link) link = &(*link)->next;
    *link = query;
    query->state = QUEUED;
}

static void take_out(sci_query *query) {
    sci_query **link = &pool.first;
    while (*link != query) link = &(*link)->next;
    *link = query->next;
    query->next = NULL;
}

static sci_query *first_queued(void) {
    sci_query *query = pool.first;
    while (query && query->state != QUEUED) query = query->next;
    return query;
}

static void finish(sci_query *query, sci_found found) {
    take_out(query);
    query->found = found;
    query->state = FINISHED;
    /* A byte, since a forked child may hold a copy of the bell, so that closing alone would not be seen. It always fits. */
    if (!query->abandoned) (void)!write(query->bell, "!", 1);
    (void)close(query->bell);
    query->bell = -1;
    if (query->abandoned) free_query(query);
}

/* ---- threads ---------------------------------------------------------------------------------------------------- */

/* Holds the lock before and after. */
static void run(sci_query *query) {
    query->state = RUNNING;
    unlock_pool();
    sci_found found = look_up(query, 0);
    lock_pool();
    finish(query, found);
}

static void *run_all(void *unused) {
    (void)unused;
    lock_pool();
    for (sci_query *query; (query = first_queued());) run(query);
    pool.threads--;
    unlock_pool();
    return NULL;
}

/* Returns 0, or an errno. A thread inherits the signals that its maker blocks. */
static int start_thread(void) {
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    int problem = pthread_attr_init(&attributes);
    if (problem) return problem;
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    problem = pthread_create(&thread, &attributes, run_all, NULL);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    return problem;
}

/* ---- fork() ----------------------------------------------------------------------------------------------------- */

/* In the place of a descriptor that only the parent's thread could make readable. */
static void replace_by_readable(int descriptor) {
    int ends[2];
    if (pipe(ends) != 0) return;
    (void)close(ends[1]);
    (void)dup2(ends[0], descriptor);
    (void)fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    (void)close(ends[0]);
}

static void forget_threads(void) {
    for (sci_query *query; (query = pool.first);) {
        pool.first = query->next;
        query->next = NULL;
        query->state = FINISHED;
        query->found = (sci_found){.code = EAI_FAIL, .forked = true};
        (void)close(query->bell);
        query->bell = -1;
        if (!query->abandoned) {
            replace_by_readable(query->descriptor);
            continue;
        }
        query->next = pool.lost; /* free(3) is not allowed here */
        pool.lost = query;
    }
    pool.threads = 0;
    unlock_pool();
}

static void prepare_pool(void) {
    sci_stay_loaded(); /* a thread may still run its code */
    (void)pthread_atfork(lock_pool, unlock_pool, forget_threads);
}

/* ---- what the owner calls ---------------------------------------------------------------------------------------- */

bool sci_query_begin(sci_query *query, int *descriptor) {
    static pthread_once_t prepared = PTHREAD_ONCE_INIT;
    int ends[2];
    (void)pthread_once(&prepared, prepare_pool);
    if (!sci_descriptor_pair(SOCK_STREAM, ends)) return false;
    lock_pool();
    query->descriptor = *descriptor = ends[0];
    query->bell = ends[1];
    append(query);
    if (pool.threads < SCI_RESOLVERS) {
        pool.threads++;
        if (start_thread() != 0 && --pool.threads == 0) run(query);
    }
    unlock_pool();
    return true;
}

bool sci_query_finished(sci_query *query, sci_found *found) {
    lock_pool();
    bool finished = query->state == FINISHED;
    if (finished) *found = query->found;
    unlock_pool();
    return finished;
}

void sci_query_release(sci_query *query) {
    lock_pool();
    if (query->state == QUEUED) {
        take_out(query);
        (void)close(query->bell);
    }
    bool running = query->state == RUNNING;
    query->abandoned = true;
    unlock_pool();
    if (!running) free_query(query);
}
