/* signal_handler.c: what runs when a signal arrives. Knows no Lua.
 *
 * Signals belong to the process, so this is the module's only state outside of a lua_State. Threads share it: a lock protects
 * changes, and the handler, which takes no lock, reads a list whose members are freed only after all handlers have returned.
 *
 * A child that `fork` made has the list of its parent, whose members belong to another process. There the handler restores what
 * was set before and raises the signal again, so that a child which waits for no signals ends by SIGTERM as usual. */
#include "net/signals.h"
#include "net/socket.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* In the order of their numbers here. Errors of the program (SIGSEGV …), and those that a process cannot catch, are missing. */
static const struct {
    const char *name;
    int number;
} known[] = {
    {"SIGHUP", SIGHUP},   {"SIGINT", SIGINT},   {"SIGQUIT", SIGQUIT}, {"SIGTERM", SIGTERM}, {"SIGUSR1", SIGUSR1},
    {"SIGUSR2", SIGUSR2}, {"SIGALRM", SIGALRM}, {"SIGCHLD", SIGCHLD}, {"SIGCONT", SIGCONT}, {"SIGWINCH", SIGWINCH},
};

#define KNOWN ((int)(sizeof known / sizeof *known))

static _Atomic(sci_signals *) first;   /* all that have begun and not ended */
static atomic_int running;             /* handlers */
static atomic_int holder;              /* of the lock: a process; 0: free */
static int process;                    /* that has last held it */
static struct sigaction former[KNOWN]; /* what was set before ours */

int sci_signal_find(const char *name) {
    int i = KNOWN - 1;
    while (i >= 0 && strcmp(known[i].name, name) != 0) i--;
    return i;
}

const char *sci_signal_name(int signal_index) { return signal_index < KNOWN ? known[signal_index].name : NULL; }

/* ---- the lock ---------------------------------------------------------------------------------------------------- */

/* A child may have been made while another thread of its parent held the lock, or ran a handler: it has neither. */
static void lock(void) {
    int own = (int)getpid(), other = 0;
    while (!atomic_compare_exchange_strong(&holder, &other, own)) {
        if (other != own && atomic_compare_exchange_strong(&holder, &other, own)) break;
        sched_yield();
        other = 0;
    }
    if (process != own) atomic_store(&running, 0);
    process = own;
}

static void unlock(void) { atomic_store(&holder, 0); }

static void await_handlers(void) {
    while (atomic_load(&running) > 0) sched_yield();
}

/* ---- the handler: it calls nothing that a handler may not call --------------------------------------------------- */

static bool waits(const sci_signals *signals, int own, int i) {
    return signals->process == own && signals->set & 1u << i;
}

/* A signal that arrives again before it was taken is one signal, as in the system: so the pipe is never full. */
static void note(sci_signals *signals, int i) {
    unsigned char byte = (unsigned char)i;
    if (atomic_fetch_or(&signals->arrived, 1u << i) & 1u << i) return;
    (void)send(signals->writer, &byte, 1, MSG_NOSIGNAL);
}

/* The signal is blocked while its handler runs: it is delivered after that. */
static void raise_again(int i) {
    (void)sigaction(known[i].number, &former[i], NULL);
    (void)raise(known[i].number);
}

static void handle(int number) {
    int kept = errno, own = (int)getpid(), i = 0;
    bool taken = false;
    atomic_fetch_add(&running, 1);
    while (i < KNOWN - 1 && known[i].number != number) i++;
    for (sci_signals *signals = atomic_load(&first); signals; signals = atomic_load(&signals->next)) {
        if (!waits(signals, own, i)) continue;
        note(signals, i);
        taken = true;
    }
    if (!taken) raise_again(i);
    atomic_fetch_sub(&running, 1);
    errno = kept;
}

/* ---- what is set for a signal ------------------------------------------------------------------------------------ */

static bool is_ours(int i) {
    struct sigaction now;
    return sigaction(known[i].number, NULL, &now) == 0 && !(now.sa_flags & SA_SIGINFO) && now.sa_handler == handle;
}

static bool catch_signal(int i) {
    struct sigaction ours;
    memset(&ours, 0, sizeof ours);
    ours.sa_handler = handle;
    ours.sa_flags = SA_RESTART;
    (void)sigemptyset(&ours.sa_mask);
    if (is_ours(i)) return true;
    return sigaction(known[i].number, NULL, &former[i]) == 0 && sigaction(known[i].number, &ours, NULL) == 0;
}

/* Where other code has set something since, that stays. */
static void restore(int i) {
    for (sci_signals *signals = atomic_load(&first); signals; signals = atomic_load(&signals->next))
        if (waits(signals, process, i)) return;
    if (is_ours(i)) (void)sigaction(known[i].number, &former[i], NULL);
}

/* ---- the list ---------------------------------------------------------------------------------------------------- */

/* Under the lock. */
static void leave(sci_signals *signals) {
    _Atomic(sci_signals *) *link = &first;
    while (atomic_load(link) && atomic_load(link) != signals) link = &atomic_load(link)->next;
    if (atomic_load(link)) atomic_store(link, atomic_load(&signals->next));
    for (int i = 0; i < KNOWN; i++)
        if (signals->set & 1u << i) restore(i);
}

static bool enter(sci_signals *signals) {
    bool caught = true;
    lock();
    atomic_store(&signals->next, atomic_load(&first));
    atomic_store(&first, signals);
    for (int i = 0; i < KNOWN && caught; i++) caught = !(signals->set & 1u << i) || catch_signal(i);
    unlock();
    return caught;
}

bool sci_signals_begin(sci_signals *signals, unsigned int set, const void *owner) {
    int pair[2];
    if (!sci_descriptor_pair(SOCK_STREAM, pair)) return false;
    atomic_init(&signals->arrived, 0);
    signals->reader = pair[0];
    signals->writer = pair[1];
    signals->set = set;
    signals->owner = owner;
    signals->process = (int)getpid();
    if (sci_descriptor_set_blocking(pair[0], false) && sci_descriptor_set_blocking(pair[1], false) && enter(signals))
        return true;
    int problem = errno;
    sci_signals_end(signals);
    errno = problem;
    return false;
}

void sci_signals_end(sci_signals *signals) {
    int reader = signals->reader, writer = signals->writer;
    if (reader < 0) return;
    lock();
    leave(signals);
    unlock();
    await_handlers();
    signals->reader = signals->writer = -1;
    (void)close(reader);
    (void)close(writer);
}

static sci_signals *find_one(const void *owner) {
    sci_signals *signals;
    lock();
    for (signals = atomic_load(&first); signals && signals->owner != owner;) signals = atomic_load(&signals->next);
    unlock();
    return signals;
}

void sci_signals_end_all(const void *owner) {
    for (sci_signals *signals; (signals = find_one(owner));) sci_signals_end(signals);
}

/* ---- taking ------------------------------------------------------------------------------------------------------ */

/* A signal that arrives between the two steps counts as this one, which the program has not seen yet. */
int sci_signals_take(sci_signals *signals) {
    unsigned char byte;
    ssize_t count;
    do count = recv(signals->reader, &byte, 1, 0);
    while (count < 0 && errno == EINTR);
    if (count != 1) return -1;
    atomic_fetch_and(&signals->arrived, ~(1u << byte));
    return byte;
}

bool sci_signals_are_own(const sci_signals *signals) { return signals->process == (int)getpid(); }
