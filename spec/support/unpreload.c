/* unpreload.c: part of sanitized builds alone. AddressSanitizer's runtime is preloaded into the interpreter; the
 * programs that specs start must not inherit it, because some of them hang or fail with it. */
#include <stdlib.h>

__attribute__((constructor)) static void unpreload(void) { unsetenv("LD_PRELOAD"); }
