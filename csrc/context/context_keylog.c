/* context_keylog.c: SciSslContext, the secrets of connections as lines of text (NSS key log format), appended to a file or
 * collected for the program. */
#include "context/context.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* ---- files ------------------------------------------------------------------------------------------------------- */

struct sci_keylog {
    int descriptor; /* -1: closed */
};

static int keylog_gc(lua_State *L) {
    sci_keylog *file = lua_touserdata(L, 1);
    if (file->descriptor >= 0) (void)close(file->descriptor);
    file->descriptor = -1;
    return 0;
}

/* Pushes a userdata that will own a file. */
static sci_keylog *new_keylog(lua_State *L) {
    sci_keylog *file = lua_newuserdatauv(L, sizeof *file, 0);
    file->descriptor = -1;
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, keylog_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    return file;
}

/* One system call a line: so the lines of several processes do not mix. */
void sci_keylog_append(const sci_keylog *file, const char *line) {
    struct iovec parts[] = {{.iov_base = (void *)line, .iov_len = strlen(line)}, {.iov_base = "\n", .iov_len = 1}};
    int system_errno = errno;
    ssize_t written = file->descriptor >= 0 ? writev(file->descriptor, parts, 2) : 0;
    (void)written;
    errno = system_errno;
}

/***
Collects the secrets of later connections for `SciSslSocket:keylogLines`. A program that has them can decrypt the connection:
use them for debugging only.
@function SciSslContext:setKeylog
@tparam boolean wanted
@treturn SciSslContext the receiver
@see SSL_CTX_set_keylog_callback(3)
*/
static int context_set_keylog(lua_State *L) {
    luaL_checktype(L, 2, LUA_TBOOLEAN);
    sci_check_context(L, 1)->keylog.collect = lua_toboolean(L, 2);
    return sci_return_receiver(L);
}

/* The path in the environment; NULL: none, or the program is set-user-ID or set-group-ID. */
static const char *named_by_environment(void) {
    const char *path = getuid() == geteuid() && getgid() == getegid() ? getenv("SSLKEYLOGFILE") : NULL;
    return path && *path ? path : NULL;
}

static int use_file(lua_State *L, const char *path) {
    sci_keylog *file = new_keylog(L);
    file->descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
    if (file->descriptor < 0) return sci_fail_system(L, "option", path, errno);
    lua_setiuservalue(L, 1, SCI_CONTEXT_KEYLOG);
    return sci_return_receiver(L);
}

/***
Appends the secrets of later connections to a file, in the format that Wireshark reads. A missing file is created, readable
for its owner only. A program that can read the file can decrypt these connections, and forge parts of them: use it for
debugging only. Several processes may share one file. Lines that cannot be written are lost.
@function SciSslContext:setKeylogFile
@tparam ?string|boolean path true: the file that the environment variable `SSLKEYLOGFILE` names, or none where it is not
 set or the program is set-user-ID or set-group-ID; nil or false: no file
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError phase `option`, condition `not_found`, `permission_denied` …; the context is unchanged
@see SSL_CTX_set_keylog_callback(3)
*/
static int context_set_keylog_file(lua_State *L) {
    sci_check_context(L, 1);
    lua_settop(L, 2);
    const char *path = NULL;
    if (lua_isboolean(L, 2)) path = lua_toboolean(L, 2) ? named_by_environment() : NULL;
    else if (!lua_isnil(L, 2)) path = sci_check_text(L, 2);
    if (path) return use_file(L, path);
    lua_pushnil(L);
    lua_setiuservalue(L, 1, SCI_CONTEXT_KEYLOG);
    return sci_return_receiver(L);
}

static const luaL_Reg keylog_methods[] = {
    {"setKeylog", context_set_keylog},
    {"setKeylogFile", context_set_keylog_file},
    {NULL, NULL},
};

void sci_open_context_keylog(lua_State *L) { luaL_setfuncs(L, keylog_methods, 0); }
