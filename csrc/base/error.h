/* error.h: what the files of SciSslError share: error.c makes one, error_queue.c copies OpenSSL's queue for it,
 * error_condition.c finds its condition, error_class.c has its methods. */
#ifndef SCISSL_ERROR_H
#define SCISSL_ERROR_H

#include "base/base.h"

#define SCI_ERROR_FIELDS 1 /* user value of a SciSslError: the table of its fields */

/* ---- error_queue.c ----------------------------------------------------------------------------------------------- */

#define SCI_QUEUE_ENTRIES 16 /* OpenSSL keeps no more */

typedef struct sci_queue_entry {
    unsigned long code;
    int line;
    const char *library, *reason, *function, *file, *data; /* in `texts`, or NULL */
    size_t used;                                           /* bytes of `texts` */
    char texts[1024];
} sci_queue_entry;

/* A copy of OpenSSL's queue, oldest entry first. */
typedef struct sci_error_queue {
    bool no_memory; /* errno was ENOMEM */
    int count;
    sci_queue_entry entries[SCI_QUEUE_ENTRIES];
} sci_error_queue;

/* Moves OpenSSL's queue into `queue`, and clears errno. To be called before Lua allocates anything: finalizers use the
 * same queue. */
void sci_take_errors(sci_error_queue *queue);

/* ---- error_condition.c ------------------------------------------------------------------------------------------- */

typedef struct sci_diagnosis {
    const char *condition;
    bool out_of_memory;
    int received_alert; /* -1: none */
} sci_diagnosis;

sci_diagnosis sci_diagnose(const sci_failure *failure, const sci_error_queue *queue);

#endif
