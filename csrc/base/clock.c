/* clock.c: the monotonic clock, which is never set. */
#include "base/base.h"

#include <time.h>

#define NANOSECONDS_OF_A_SECOND INT64_C(1000000000)
#define NANOSECONDS_OF_A_MILLISECOND INT64_C(1000000)

int64_t sci_now(void) {
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * NANOSECONDS_OF_A_SECOND + time.tv_nsec;
}

double sci_seconds(void) { return (double)sci_now() / (double)NANOSECONDS_OF_A_SECOND; }

int64_t sci_deadline(int milliseconds) { return sci_now() + milliseconds * NANOSECONDS_OF_A_MILLISECOND; }

int sci_milliseconds_until(int64_t deadline) {
    int64_t nanoseconds = deadline - sci_now();
    if (nanoseconds <= 0) return 0;
    return (int)((nanoseconds + NANOSECONDS_OF_A_MILLISECOND - 1) / NANOSECONDS_OF_A_MILLISECOND);
}
