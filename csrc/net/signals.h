/* signals.h: what SciSignals (signals.c) and the handler of signals (signal_handler.c) share. */
#ifndef SCISSL_SIGNALS_H
#define SCISSL_SIGNALS_H

#include <stdatomic.h>
#include <stdbool.h>

/* The signals that a program can wait for, numbered from 0. */
int sci_signal_find(const char *name);         /* -1: there is none of that name, or a program cannot wait for it */
const char *sci_signal_name(int signal_index); /* NULL: behind the last one */

/* What waits for signals. `set`, `process`, `owner` and the descriptors do not change between sci_signals_begin and
 * sci_signals_end, so that the handler may read them. */
typedef struct sci_signals {
    _Atomic(struct sci_signals *) next; /* signal_handler.c: in the process's list */
    atomic_uint arrived;                /* a bit for each signal that has arrived and was not taken */
    unsigned int set;                   /* a bit for each signal that it waits for */
    int process;                        /* that has made it */
    int reader, writer;                 /* connected; -1: closed */
    const void *owner;                  /* what ends it where nothing else does */
} sci_signals;

/* Opens its descriptors, and catches the signals of `set`. False: errno says why. */
bool sci_signals_begin(sci_signals *signals, unsigned int set, const void *owner);

/* Handles the signals as before, unless another object waits for them, and closes the descriptors. When it has returned, no
 * handler uses the object. Harmless twice. */
void sci_signals_end(sci_signals *signals);

void sci_signals_end_all(const void *owner);

/* The signal that arrived first, as a number of sci_signal_name; -1: errno says why there is none. */
int sci_signals_take(sci_signals *signals);

/* Whether this process has made it: a child that `fork` made shares the descriptors with its parent. */
bool sci_signals_are_own(const sci_signals *signals);

#endif
