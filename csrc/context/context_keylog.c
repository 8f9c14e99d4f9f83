/* context_keylog.c: SciSslContext, the secrets of connections as lines of text (NSS key log format), appended to a file or kept
 * for the program. */
#include "context/context.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* ---- files ------------------------------------------------------------------------------------------------------ */

struct sci_keylog {
    int descriptor; /* -1: closed */
};

static int keylog_gc(lua_State *L) {
    sci_keylog *file = lua_touserdata(L, 1);
    if (file->descriptor >= 0) (void)close(file->descriptor);
    file->descriptor = -1;
    return 0;
}

/* Pushes a userdata that owns a file, none yet. */
static sci_keylog *new_keylog(lua_State *L) {
    sci_keylog *file = lua_newuserdatauv(L, sizeof *file, 0);
    file->descriptor = -1;
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, keylog_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    return file;
}

/* One write a line: the system appends it whole, whoever else does the same. What it does not take is lost. */
void sci_keylog_append(const sci_keylog *file, const char *line) {
    struct iovec parts[] = {{.iov_base = (void *)line, .iov_len = strlen(line)}, {.iov_base = "\n", .iov_len = 1}};
    int system_errno = errno;
    ssize_t written = file->descriptor >= 0 ? writev(file->descriptor, parts, 2) : 0;
    (void)written;
    errno = system_errno;
}

/***
Keeps the secrets of connections made from now on for `SciSslSocket:keylogLines`. They give the connection away: for
debugging, and never where others could read along.
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

/* What the environment names; NULL: nothing, or the program runs with the rights of somebody else. */
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
Appends the secrets of connections made from now on to a file, in the format that Wireshark and others read. A file that is
not there is made, for its owner alone. Whoever can read it can read, and in part forge, everything on these connections:
for debugging only. Several processes may share one file. Lines that the system does not take are lost.
@function SciSslContext:setKeylogFile
@tparam ?string|boolean path true: the file that the environment variable `SSLKEYLOGFILE` names, if it does, and if the
 program does not run with the rights of somebody else; nil or false: none
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError phase `option`, condition `not_found`, `permission_denied` …; the context stays as it was
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
