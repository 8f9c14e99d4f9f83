/* file_stamp.c: stamps of files, which differ where a file has changed: identity, size and times. */
#include "base/base.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#ifdef __APPLE__
#define st_mtim st_mtimespec
#define st_ctim st_ctimespec
#endif

typedef struct file_stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed; /* changed: by rename, chmod, or a write that puts `modified` back */
    int missing;                       /* errno of stat, where it failed */
} file_stamp;

static bool write_bytes(BIO *stamps, const void *bytes, size_t length) {
    size_t written;
    return BIO_write_ex(stamps, bytes, length, &written) && written == length;
}

/* `name` is relative to `directory`. Sets `*is_directory`. */
static bool stamp_file(BIO *stamps, int directory, const char *name, bool *is_directory) {
    struct stat status;
    file_stamp stamp;
    memset(&stamp, 0, sizeof stamp); /* the padding is compared as well */
    *is_directory = false;
    if (fstatat(directory, name, &status, 0) != 0) {
        stamp.missing = errno;
    } else {
        *is_directory = S_ISDIR(status.st_mode);
        stamp.device = status.st_dev;
        stamp.inode = status.st_ino;
        stamp.size = status.st_size;
        stamp.modified = status.st_mtim;
        stamp.changed = status.st_ctim;
    }
    return write_bytes(stamps, name, strlen(name) + 1) && write_bytes(stamps, &stamp, sizeof stamp);
}

/* A name that OpenSSL looks for in directories, and `openssl rehash` makes: 9d66eef0.0, 9d66eef0.r0. */
static bool is_hashed(const char *name) {
    size_t digits = strspn(name, "0123456789abcdef");
    if (digits != 8 || name[8] != '.') return false;
    const char *number = name + 9 + (name[9] == 'r');
    return isdigit((unsigned char)*number) && number[strspn(number, "0123456789")] == '\0';
}

/* The directory's own times show added and removed files; the entries' times show files that were written in place. */
static bool stamp_entries(BIO *stamps, const char *path) {
    DIR *directory = opendir(path);
    if (!directory) return true; /* the loader reports why */
    const struct dirent *entry;
    bool good = true, unused;
    while (good && (entry = readdir(directory)) != NULL)
        if (is_hashed(entry->d_name)) good = stamp_file(stamps, dirfd(directory), entry->d_name, &unused);
    (void)closedir(directory);
    return good;
}

/* stampFiles(paths): returns bytes that differ from those of an earlier call if one of the files, or a certificate or CRL in one
 * of the directories, has changed since. A path that does not exist has a stamp as well. */
int sci_stamp_files(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Integer count = (lua_Integer)lua_rawlen(L, 1);
    BIO *stamps = sci_new_memory_bio(L);
    bool good = stamps != NULL, is_directory;
    for (lua_Integer i = 1; good && i <= count; i++) {
        lua_rawgeti(L, 1, i);
        const char *path = luaL_checkstring(L, -1);
        good = stamp_file(stamps, AT_FDCWD, path, &is_directory) && (!is_directory || stamp_entries(stamps, path));
        lua_pop(L, 1);
    }
    sci_clear_errors();
    if (!good) return luaL_error(L, "not enough memory");
    sci_push_bio_bytes(L, stamps);
    return 1;
}
