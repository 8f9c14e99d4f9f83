/* file.c: opens files for reading, and says what is wrong with those that it cannot open. */
#include "base/base.h"

#include <errno.h>
#include <sys/stat.h>

#define LONGEST_STREAM (16 << 20) /* bytes that are read from a pipe or a device */

/* False: out of memory, or the file cannot be read. */
static bool copy_stream(BIO *memory, BIO *file, sci_failure *failure) {
    char buffer[4096];
    int count = 0;
    long total = 0;
    bool copied = true;
    while (copied && total <= LONGEST_STREAM && (count = BIO_read(file, buffer, sizeof buffer)) > 0) {
        copied = BIO_write(memory, buffer, count) == count;
        total += count;
    }
    OPENSSL_cleanse(buffer, sizeof buffer); /* it may hold a key */
    if (!copied) return false;
    if (count < 0) return sci_refuse(failure, "file_unreadable", NULL);
    if (total > LONGEST_STREAM) return sci_refuse(failure, "file_unreadable", "it has more than 16 MiB");
    return total > 0 || sci_refuse(failure, "file_empty", "the file is empty");
}

/* A pipe or a device as a BIO that can be read more than once, as the readers of PEM and DER do. Frees `file`. */
static BIO *read_all(BIO *file, sci_failure *failure) {
    BIO *memory = BIO_new(BIO_s_mem());
    bool read = memory && copy_stream(memory, file, failure);
    BIO_free(file);
    if (read) {
        BIO_set_flags(memory, BIO_FLAGS_NONCLEAR_RST);
        (void)BIO_set_mem_eof_return(memory, 0);
        return memory;
    }
    BIO_free(memory);
    return NULL;
}

static bool refuse_by_errno(sci_failure *failure, int system_errno) {
    failure->system_errno = system_errno;
    bool missing = system_errno == ENOENT || system_errno == ENOTDIR;
    return sci_refuse(failure, missing ? "file_missing" : "file_unreadable", failure->message);
}

/* Whether there is something to read at `path`. */
static bool check_path(const char *path, struct stat *status, sci_failure *failure) {
    if (failure->subject != path)
        return sci_refuse(failure, "file_missing", "it is PEM text, expected the path of a file");
    if (stat(path, status) != 0) return refuse_by_errno(failure, errno);
    if (S_ISDIR(status->st_mode)) return sci_refuse(failure, "file_directory", "it is a directory");
    if (S_ISREG(status->st_mode) && status->st_size == 0) return sci_refuse(failure, "file_empty", "the file is empty");
    return true;
}

BIO *sci_open_file(const char *path, sci_failure *failure) {
    struct stat status;
    failure->subject = sci_path_subject(path);
    if (!check_path(path, &status, failure)) return NULL;
    errno = 0;
    BIO *bio = BIO_new_file(path, "rb");
    if (bio) return S_ISREG(status.st_mode) ? bio : read_all(bio, failure);
    int system_errno = errno ? errno : EIO;
    sci_clear_errors();
    (void)refuse_by_errno(failure, system_errno);
    return NULL;
}
