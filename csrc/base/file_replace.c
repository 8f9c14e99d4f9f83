/* file_replace.c: files that several processes change, for the Lua layer: replaced as a whole, and locked meanwhile. */
#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

static bool write_all(int descriptor, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t written = write(descriptor, bytes, length);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        bytes += written;
        length -= (size_t)written;
    }
    return true;
}

/* Leaves errno. mkstemp makes files that only their owner may read. */
static bool write_beside(char *name, const char *path, const char *bytes, size_t length) {
    int descriptor = mkstemp(name);
    if (descriptor < 0) return false;
    (void)fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    bool good = write_all(descriptor, bytes, length); /* no fsync: it holds the lock for long */
    int problem = errno;
    if (close(descriptor) != 0 && good) {
        good = false;
        problem = errno;
    }
    if (good && rename(name, path) == 0) return true;
    if (good) problem = errno;
    (void)unlink(name);
    errno = problem;
    return false;
}

/* replaceFile(path, bytes): writes a file that only its owner may read, and puts it in the place of `path` in one step. true; or
 * nil, SciSslError. */
int sci_replace_file(lua_State *L) {
    size_t length;
    const char *path = sci_check_text(L, 1);
    const char *bytes = luaL_checklstring(L, 2, &length);
    const char *pattern = lua_pushfstring(L, "%s.XXXXXX", path);
    size_t size = strlen(pattern) + 1;
    char *name = lua_newuserdatauv(L, size, 0);
    memcpy(name, pattern, size);
    if (!write_beside(name, path, bytes, length)) return sci_fail_system(L, "save", path, errno);
    lua_pushboolean(L, true);
    return 1;
}

#define TRIES 1000 /* of ten milliseconds each: a process that was stopped may hold the lock for ever */

static void release(void *lock) { (void)close((int)(intptr_t)lock - 1); }

static bool lock(int descriptor) { return flock(descriptor, LOCK_EX | LOCK_NB) == 0; }

/* lockFile(path, function): calls the function while this process has the lock of the file, which it makes, and returns true and
 * the result. Where it cannot have the lock within ten seconds, or at all, it calls the function without. A finalizer does not
 * wait, since it may have interrupted the holder of the lock: false; nothing was called. */
int sci_lock_file(lua_State *L) {
    const char *path = sci_check_text(L, 1);
    luaL_checkany(L, 2);
    lua_settop(L, 2);
    sci_guard *guard = sci_new_guard(L, release);
    int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor >= 0) guard->object = (void *)((intptr_t)descriptor + 1);
    bool locked = descriptor < 0 || lock(descriptor);
    if (!locked && sci_in_finalizer(L)) {
        lua_pushboolean(L, false);
        return 1;
    }
    for (int i = 0; !locked && i < TRIES; i++) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        locked = lock(descriptor);
    }
    lua_pushboolean(L, true);
    lua_pushvalue(L, 2);
    lua_call(L, 0, 1);
    return 2;
}
