/* context_trust.c: SciSslContext, the trust store. Document: S10, S11. */
#include "context/context.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void free_string(char *text) { OPENSSL_free(text); }

bool sci_context_make_trust(sci_context *context) {
    context->trust.paths = sk_OPENSSL_STRING_new_null();
    return context->trust.paths != NULL;
}

void sci_context_free_trust(sci_context *context) {
    sk_OPENSSL_STRING_pop_free(context->trust.paths, free_string);
    context->trust.paths = NULL;
}

static bool add_certificates(X509_STORE *store, const STACK_OF(X509) *certificates) {
    bool added = true;
    for (int i = 0; added && i < sk_X509_num(certificates); i++)
        added = X509_STORE_add_cert(store, sk_X509_value(certificates, i)) == 1;
    return added;
}

static STACK_OF(X509) *read_certificates(BIO *bio, sci_failure *failure) {
    STACK_OF(X509) *certificates = bio ? sci_read_certificates_or_der(bio, failure) : NULL;
    BIO_free(bio);
    return certificates;
}

/* The last step of a change: it is not taken back. */
static bool remember_path(sci_context *context, const char *path) {
    char *copy = OPENSSL_strdup(path);
    if (copy && sk_OPENSSL_STRING_push(context->trust.paths, copy) > 0) return true;
    OPENSSL_free(copy);
    return false;
}

static bool add_path(sci_context *context, X509_STORE *store, const char *path) {
    return X509_STORE_load_path(store, path) && remember_path(context, path);
}

/* A directory is two steps: it is added, and remembered. */
static bool trust_all(sci_context *context, const STACK_OF(X509) *certificates, const char *path) {
    int count = certificates ? sk_X509_num(certificates) : 0;
    X509_STORE *store = sci_context_begin_trust(context, count + (path ? 2 : 0));
    bool added = store && add_certificates(store, certificates) && (!path || add_path(context, store, path));
    return sci_context_end_trust(context, store, added);
}

static bool is_directory(const char *path, sci_failure *failure) {
    struct stat status;
    failure->subject = sci_path_subject(path);
    if (stat(path, &status) != 0) {
        failure->condition = "file_missing";
        failure->system_errno = errno;
    } else if (!S_ISDIR(status.st_mode)) {
        failure->condition = "file_not_directory";
        failure->system_errno = ENOTDIR;
    }
    return failure->condition == NULL;
}

/***
Adds certificates to the trust store: those of a file, in PEM or one in DER, and those of a directory that `openssl rehash`
has prepared. OpenSSL reads the directory later, when it looks for a certificate.
@function SciSslContext:loadVerifyLocations
@tparam ?string caFile path; a pipe is read to its end
@tparam[opt] string caPath path of the directory
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError phase `load`, condition `file_missing`, `file_directory`, `file_unreadable`, `file_empty`,
 `not_pem`, `not_certificate` or `malformed_certificate`; `file_not_directory`; the context is unchanged
@see SSL_CTX_load_verify_locations(3)
*/
static int context_load_verify_locations(lua_State *L) {
    sci_context *context = sci_check_context(L, 1);
    const char *file = lua_isnoneornil(L, 2) ? NULL : sci_check_text(L, 2);
    const char *path = lua_isnoneornil(L, 3) ? NULL : sci_check_text(L, 3);
    luaL_argcheck(L, file || path, 2, "a file, a directory or both expected");
    sci_failure failure = {.phase = "load"};
    sci_clear_errors();
    if (path && !is_directory(path, &failure)) return sci_fail(L, &failure);
    STACK_OF(X509) *certificates = file ? read_certificates(sci_open_file(file, &failure), &failure) : NULL;
    bool added = (certificates || !file) && trust_all(context, certificates, path);
    sk_X509_pop_free(certificates, X509_free);
    if (!added) return sci_fail(L, &failure);
    sci_context_compress_again(context);
    return sci_return_receiver(L);
}

/* The value of the environment variable; NULL: not set, or empty; or a setuid program, which trusts no environment. */
static const char *named_by(const char *variable) {
    const char *value = OPENSSL_issetugid() ? NULL : getenv(variable);
    return value && *value ? value : NULL;
}

static const char *default_file(void) {
    const char *named = named_by(X509_get_default_cert_file_env());
    return named ? named : X509_get_default_cert_file();
}

static const char *default_directories(void) {
    const char *named = named_by(X509_get_default_cert_dir_env());
    return named ? named : X509_get_default_cert_dir();
}

/* defaultTrust(): the file and the directories, separated by colons, that useDefaultTrust would use now; and the
 * names of the variables that change them. */
int sci_default_trust(lua_State *L) {
    lua_pushstring(L, default_file());
    lua_pushstring(L, default_directories());
    lua_pushstring(L, X509_get_default_cert_file_env());
    lua_pushstring(L, X509_get_default_cert_dir_env());
    return 4;
}

/* Pushes "SSL_CERT_FILE=/some/path". */
static const char *push_assignment(lua_State *L, const char *variable) {
    return lua_pushfstring(L, "%s=%s", variable, named_by(variable));
}

/* A file in the environment must contain certificates; otherwise the trust store would silently stay empty. */
static bool check_named_file(lua_State *L, sci_failure *failure) {
    const char *variable = X509_get_default_cert_file_env();
    if (!named_by(variable)) return true;
    const char *assignment = push_assignment(L, variable);
    BIO *bio = sci_open_file(named_by(variable), failure);
    STACK_OF(X509) *certificates = bio ? sci_read_certificates(bio, failure) : NULL;
    bool good = certificates != NULL;
    BIO_free(bio);
    sk_X509_pop_free(certificates, X509_free);
    failure->subject = assignment;
    return good;
}

/* Of directories in the environment one must exist, for the same reason. */
static bool check_named_directories(lua_State *L, sci_failure *failure) {
    const char *variable = X509_get_default_cert_dir_env(), *end;
    if (!named_by(variable)) return true;
    const char *assignment = push_assignment(L, variable);
    const char *directories = strchr(assignment, '=') + 1;
    bool good = false;
    for (; !good && *directories; directories = *end ? end + 1 : end) {
        end = directories + strcspn(directories, ":");
        *failure = (sci_failure){.phase = failure->phase};
        good = is_directory(lua_pushlstring(L, directories, (size_t)(end - directories)), failure);
        lua_pop(L, 1);
    }
    failure->subject = assignment;
    return good;
}

/* For a file that OpenSSL could not load: whether it has nothing to load. Systems that have only the directories have no such
 * file, or an empty one. */
static bool has_nothing(const char *file, sci_failure *failure) {
    sci_failure found = *failure;
    ERR_set_mark();
    BIO *bio = sci_open_file(file, &found);
    STACK_OF(X509) *certificates = bio ? sci_read_certificates(bio, &found) : NULL;
    BIO_free(bio);
    if (certificates) ERR_pop_to_mark(); /* what OpenSSL has said about the first try is the reason */
    sk_X509_pop_free(certificates, X509_free);
    const char *condition = found.condition ? found.condition : "";
    if (strcmp(condition, "file_missing") == 0 || strcmp(condition, "file_empty") == 0) return true;
    *failure = found;
    return false;
}

/* X509_STORE_set_default_paths does the same, but ignores what is wrong with the file, and looks for a file with an empty name
 * where a variable is empty. */
static bool add_defaults(X509_STORE *store, sci_failure *failure) {
    const char *file = default_file(), *directories = default_directories();
    if (!X509_STORE_load_file(store, file) && !has_nothing(file, failure)) return false;
    if (!X509_STORE_load_path(store, directories)) return false;
    (void)X509_STORE_load_store(store, directories); /* for other file names; it cannot take several directories */
    return true;
}

/***
Adds the system's trusted certificates: those of OpenSSL's default file and directory, or of those that the environment
variables `SSL_CERT_FILE` and `SSL_CERT_DIR` name. An empty variable counts as unset. `SSL_CERT_DIR` may name several
directories, separated by colons; at least one must exist. OpenSSL's default file may be missing or empty, as the directory may
have all certificates.
@function SciSslContext:useDefaultTrust
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError phase `load`; condition `file_missing`, `not_pem` … where `SSL_CERT_FILE` or `SSL_CERT_DIR` cannot be used:
 its subject is `SSL_CERT_FILE=` or `SSL_CERT_DIR=` with the value; `not_pem`, `malformed_certificate`, `file_unreadable` … where
 OpenSSL's default file has a defect: its subject is the path; the context is unchanged
@see SSL_CTX_set_default_verify_paths(3)
*/
static int context_use_default_trust(lua_State *L) {
    sci_context *context = sci_check_context(L, 1);
    sci_failure failure = {.phase = "load"};
    sci_clear_errors();
    if (!check_named_file(L, &failure) || !check_named_directories(L, &failure)) return sci_fail(L, &failure);
    X509_STORE *store = sci_context_begin_trust(context, 3); /* file, directories, their names */
    failure.subject = "the system's trust store";
    bool added = store && add_defaults(store, &failure) && remember_path(context, default_directories());
    if (!sci_context_end_trust(context, store, added)) return sci_fail(L, &failure);
    sci_context_compress_again(context);
    sci_clear_errors();
    return sci_return_receiver(L);
}

/* All certificates of a text, or none. */
static bool trust_text(sci_context *context, const char *text, int length, sci_failure *failure) {
    STACK_OF(X509) *certificates = read_certificates(BIO_new_mem_buf(text, length), failure);
    bool added = certificates && trust_all(context, certificates, NULL);
    sk_X509_pop_free(certificates, X509_free);
    return added;
}

/***
Adds a certificate, or all certificates of a PEM text, to the trust store.
@function SciSslContext:addTrusted
@tparam SciSslX509Certificate|string certificate an object, PEM text, or the DER bytes of one
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError phase `load`, condition `not_pem`, `not_certificate` or `malformed_certificate`; the context is
 unchanged
@see X509_STORE_add_cert(3)
*/
static int context_add_trusted(lua_State *L) {
    sci_context *context = sci_check_context(L, 1);
    X509 *certificate = sci_test_certificate(L, 2);
    sci_failure failure = {.phase = "load", .subject = "trusted certificate"};
    bool added;
    sci_clear_errors();
    if (certificate) {
        X509_STORE *store = sci_context_own_trust(context);
        added = store && X509_STORE_add_cert(store, certificate);
    } else {
        int length;
        const char *text = sci_check_bytes(L, 2, &length);
        added = trust_text(context, text, length, &failure);
    }
    if (!added) return sci_fail(L, &failure);
    sci_context_compress_again(context);
    return sci_return_receiver(L);
}

static const luaL_Reg trust_methods[] = {
    {"loadVerifyLocations", context_load_verify_locations},
    {"useDefaultTrust", context_use_default_trust},
    {"addTrusted", context_add_trusted},
    {NULL, NULL},
};

void sci_open_context_trust(lua_State *L) { luaL_setfuncs(L, trust_methods, 0); }
