/* system_call.c: prints the nanoseconds of a system call that does nothing. What streams cost beside it depends on the machine. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define CALLS 1000000

int main(void) {
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (int i = 0; i < CALLS; i++) (void)getppid();
    clock_gettime(CLOCK_MONOTONIC, &to);
    printf("%.0f\n", ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / CALLS);
    return 0;
}
