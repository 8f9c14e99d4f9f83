/* heap.c: what the system is told about memory. */
#include "base/base.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <sys/mman.h>
#include <unistd.h>

/* glibc gives back what is free at the end of its heap alone. After a wave of connections the heap is full of holes, and one
 * block at its end keeps all of them: 1,000 connections left 58 MB, of which 1.5 MB were in use. malloc_trim gives back the
 * whole pages in the holes, at a cost of some milliseconds for each 10 MB. Other systems do so by themselves. */
int sci_trim_heap(lua_State *L) {
#ifdef __GLIBC__
    (void)malloc_trim(0);
    lua_pushboolean(L, true);
#else
    lua_pushboolean(L, false);
#endif
    return 1;
}

/* A fresh page costs the system more than filling it with bytes costs us. */
void sci_prefer_large_pages(void *memory, size_t size) {
#ifdef MADV_HUGEPAGE
    size_t before = (uintptr_t)memory % (size_t)sysconf(_SC_PAGESIZE);
    (void)madvise((unsigned char *)memory - before, before + size, MADV_HUGEPAGE);
#else
    (void)memory, (void)size;
#endif
}
