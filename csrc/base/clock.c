/* clock.c: time on a clock that is never set. */
#include "base/base.h"

#include <time.h>

#define NANOSECONDS INT64_C(1000000000)
#define NANOSECONDS_OF_A_MILLISECOND INT64_C(1000000)

int64_t sci_now(void) {
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * NANOSECONDS + time.tv_nsec;
}

int sci_milliseconds_until(int64_t deadline) {
    int64_t nanoseconds = deadline - sci_now();
    if (nanoseconds <= 0) return 0;
    return (int)((nanoseconds + NANOSECONDS_OF_A_MILLISECOND - 1) / NANOSECONDS_OF_A_MILLISECOND);
}
