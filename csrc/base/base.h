/* base.h: what all rooms share: the state of a lua_State, arguments, classes, errors, constants, flags, tables of options,
 * files, the clock, digests.
 *
 * Ownership: a userdata owns exactly one reference to its OpenSSL object, frees it in one function and leaves
 * NULL behind. Constructors push the empty userdata first (`sci_new_…`) and let OpenSSL fill it, so that
 * nothing leaks when Lua runs out of memory. No function here keeps a lua_State beyond its call.
 *
 * Failures: a function that returns bool and takes a sci_failure fills it and returns false (sci_refuse); the caller makes
 * the SciSslError. A function `…_fail…` pushes nil and a SciSslError and returns 2, for `return`. A function `…_check_…`
 * raises an argument error. sci_clear_errors comes before the calls of OpenSSL whose failure is reported.
 *
 * Finalizers: whatever makes a value in Lua (lua_push…string, lua_newuserdatauv, lua_createtable, luaL_Buffer,
 * luaL_tolstring …) may run a finalizer, and a finalizer may call any method of ours on any object. So no pointer into
 * OpenSSL's state, its error queue, a queue of ours or another object's memory is held across such a call. Before the
 * call, copy what is needed into C memory, or take a reference of its own in a userdata on the stack. After the call, ask
 * again for what may have changed: whether the object is open, what a table of the caller's holds, how long a queue is.
 * These are reliable:
 *   - lua_pushstring and lua_pushlstring copy their bytes before a finalizer runs. luaL_addlstring does not.
 *   - An object that a finalizer closes is freed when it is collected itself (sci_may_free), and no finalizer gives a
 *     socket another SSL. So the OpenSSL object of an argument, and a socket's SSL, stay; what OpenSSL keeps inside an
 *     SSL, an SSL_CTX or an SSL_SESSION (chains, names, lists of ciphers, hosts) does not.
 *
 * Out of memory: making a value may raise. Set a refusing state (failed, refused, closed …) before you make the error for
 * it. What the peer has sent, and OpenSSL no longer has, is never lost silently (sci_ssl_push_bytes). A setter that fails
 * half-way leaves the object as it was, or unusable. */
#ifndef SCISSL_BASE_H
#define SCISSL_BASE_H

#include "base/compat.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <lauxlib.h>
#include <lua.h>

#if LUA_VERSION_NUM < 504
#error "scissl needs Lua 5.4 or later"
#endif

/* ---- state.c: what a lua_State keeps for all classes ------------------------------------------------------------- */

/* Bytes that one read can take without an allocation: four full TLS records. */
#define SCI_SCRATCH 65536

#define SCI_WARM 128 /* sockets whose OpenSSL buffers are kept; see connection/record_buffers.c */

typedef struct sci_state {
    const struct sci_class *classes;              /* module.c's list */
    BIO_METHOD *descriptor;                       /* transport/: a socket, without SIGPIPE */
    BIO_METHOD *memory;                           /* transport/: one direction of a memory transport */
    BIO_METHOD *datagram;                         /* transport/: datagrams of either */
    struct sci_poller *pollers;                   /* net/poller.c: the open ones, linked by `next` */
    struct sci_library *libraries;                /* library.c: all, linked by `next` */
    void (*free_libraries)(struct sci_library *); /* NULL: there are none */
    struct sci_output *spare_output;              /* stream/output_memory.c: its memory; NULL: there is none */
    struct sci_sslsocket *warm[SCI_WARM];
    unsigned int warm_next;
    uint64_t calls; /* of these sockets */
    bool reading;   /* a read is using the scratch buffer */
    unsigned char scratch[SCI_SCRATCH];
} sci_state;

sci_state *sci_get_state(lua_State *L);

/* Makes the state, unless the lua_State has one, with module.c's list of classes. */
void sci_open_state(lua_State *L, const struct sci_class *classes);

/* Whether a finalizer runs. It may have interrupted a method of the very object that it closes: such an object is freed
 * when it is collected itself. */
bool sci_in_finalizer(lua_State *L);

/* Whether a __gc may free its object: true in the collector's own call, false where a finalizer calls the method. */
bool sci_may_free(lua_State *L);

/* ---- argument.c: arguments that many methods take ---------------------------------------------------------------- */

/* For setters: returns the receiver, at index 1. */
int sci_return_receiver(lua_State *L);

/* The string argument at `index`. Raises an argument error if it is longer than INT_MAX. */
const char *sci_check_bytes(lua_State *L, int index, int *length);

/* The string argument at `index`. Raises an argument error if it contains a NUL byte. */
const char *sci_check_text(lua_State *L, int index);

/* Resolves the optional `i, j` at `index` and `index + 1` as string.sub does, for a string of `length` bytes.
 * Returns the number of bytes; `*offset` is the first. */
size_t sci_check_range(lua_State *L, int index, size_t length, size_t *offset);

/* Raises for the negative number at `index`; `what`: "number of bytes" … */
int sci_refuse_negative(lua_State *L, int index, const char *what);

/* The integer argument at `index`, from `lowest` to `highest`. Otherwise raises "EXPECTED expected, got VALUE". */
lua_Integer sci_check_integer(lua_State *L, int index, lua_Integer lowest, lua_Integer highest, const char *expected);

/* A time-out in seconds at `index` as milliseconds for poll(2); -1 (wait for ever) for nil or none. Raises for negative
 * numbers and NaN. */
int sci_check_timeout(lua_State *L, int index);

/* ---- field.c: set a field of the table on top -------------------------------------------------------------------- */

void sci_set_text(lua_State *L, const char *field, const char *text); /* NULL: there is no such field */
void sci_set_integer(lua_State *L, const char *field, lua_Integer number);
void sci_set_boolean(lua_State *L, const char *field, bool flag);

/* ---- class.c: classes -------------------------------------------------------------------------------------------- */

/* Names of the classes: their metatables' names in the registry, and `__name`. */
#define SCI_SOCKET "SciSocket"
#define SCI_POLLER "SciPoller"
#define SCI_SIGNALS "SciSignals"
#define SCI_LOOK_UP "SciLookUp"
#define SCI_SSL_SOCKET "SciSslSocket"
#define SCI_CONTEXT "SciSslContext"
#define SCI_CIPHER "SciSslCipher"
#define SCI_ERROR "SciSslError"
#define SCI_SESSION "OSSslSession"
#define SCI_CERTIFICATE "SciSslX509Certificate"
#define SCI_KEY "SciSslPrivateKey"
#define SCI_CRL "SciSslX509Crl"
#define SCI_REQUEST "SciSslX509Request"
#define SCI_VERSION "OSSslVersion"
#define SCI_LIBRARY "SciSslLibrary"

typedef void sci_opener(lua_State *L);

/* A class of scissl.core. It is made when a program first asks for it, since most programs need only a handful. */
typedef struct sci_class {
    const char *name; /* NULL: the end of the list */
    sci_opener *open; /* leaves the table of the class on the stack */
    sci_opener *const
        *extend;        /* each adds its methods to that table, which is on top; NULL ends them; NULL itself: none */
    sci_opener *finish; /* runs after all of them; NULL: none */
} sci_class;

/* Makes the class `name` and leaves its table (functions and methods together, the metatable's __index) on the
 * stack. `functions`, `methods` and `metamethods` may be NULL. */
void sci_new_class(lua_State *L, const char *name, const luaL_Reg *functions, const luaL_Reg *methods,
                   const luaL_Reg *metamethods);

/* Pushes the table of the class `name`; makes the class if this is the first use. */
void sci_push_class(lua_State *L, const char *name);

/* Pushes an empty userdata of `size` zeroed bytes with `uservalues` user values and the metatable of `name`. */
void *sci_new_object(lua_State *L, const char *name, size_t size, int uservalues);

const sci_class *sci_find_class(lua_State *L, const char *name); /* NULL: there is none of that name */

/* extend(class, methods), for the Lua layer: adds methods to a class, now or as soon as the class is made. */
int sci_extend_class(lua_State *L);

/* ---- constants.c ------------------------------------------------------------------------------------------------- */

typedef struct sci_constant {
    const char *name; /* NULL: the end of the list */
    lua_Integer value;
} sci_constant;

extern const sci_constant sci_constants[];

/* ---- flags.c: flags by bits and by name -------------------------------------------------------------------------- */

/* Reads flags whose constants begin with `prefix` at `index`: bits, a name, or a list of names. False: one is unknown, and
 * nil, SciSslError were pushed. Raises for other types. */
bool sci_read_flags(lua_State *L, int index, const char *prefix, uint64_t *bits);

/* Pushes a list of the names of the single flags in `bits`. */
void sci_push_flag_names(lua_State *L, const char *prefix, uint64_t bits);

/* ---- name.c: names, without regard to the case of ASCII letters -------------------------------------------------- */

char sci_lower_case(char letter);
bool sci_same_name(const char *a, const char *b);

/* How many letters to insert, delete, replace or swap with the next make one name of the other; 128 where one of the names is
 * longer than that. */
int sci_name_distance(const char *from, const char *to);

int sci_measure_names(lua_State *L); /* nameDistance(from, to), for the Lua layer */

/* ---- error.c, error_condition.c, error_queue.c, error_class.c: SciSslError --------------------------------------- */

/* Empties OpenSSL's error queue and clears errno, so that no stale entry gets into the next error. */
void sci_clear_errors(void);

#define SCI_PEER 112 /* bytes for the address of a peer as text: "127.0.0.1:443", "[::1]:443", a path */

/* What failed. Leave at zero what is not known; sci_push_error itself reads OpenSSL's queue. The texts are borrowed: they
 * stay the caller's, and are copied before anything else happens. */
typedef struct sci_failure {
    const char *phase;     /* "connect", "accept", "read", "write", "shutdown", "load", "initialize", "option" … */
    const char *condition; /* a stable short name such as "not_initialized"; NULL: error_condition.c finds it */
    const char *message;   /* a sentence of ours; NULL: OpenSSL's or the system's text */
    const char *words[2];  /* static texts for each %s in `message`; NULL: it has none */
    const char *subject;   /* the file, host or option text that the failure is about; NULL: none */
    const char *peer;      /* address and port of the other end; NULL or empty: not known */
    int ssl_error;         /* SSL_ERROR_…; 0 stands for SSL_ERROR_SSL */
    int system_errno;      /* errno; 0: none */
    int alert;             /* the alert that was sent, if `alert_sent`; a received one is in OpenSSL's queue */
    bool alert_sent;
    bool server;        /* this end is a server; decides whose certificate a received alert is about */
    long verify_result; /* X509_V_…; X509_V_OK: none */
    int cause;          /* stack index of the Lua value behind the failure; 0: none */
    int traceback;      /* stack index of the text that tells where the cause was raised; 0: none */
} sci_failure;

/* Pushes a SciSslError made of `failure` and of OpenSSL's queue, which is then empty. */
void sci_push_error(lua_State *L, const sci_failure *failure);

/* nil, SciSslError: `return sci_fail(L, &failure);` */
int sci_fail(lua_State *L, const sci_failure *failure);

/* nil, SciSslError from OpenSSL's queue. `subject` may be NULL. */
int sci_fail_openssl(lua_State *L, const char *phase, const char *subject);

/* nil, SciSslError from `system_errno`. `subject` may be NULL. */
int sci_fail_system(lua_State *L, const char *phase, const char *subject, int system_errno);

/* nil, SciSslError of our own: a stable condition and a sentence, which may be NULL. */
int sci_fail_own(lua_State *L, const char *phase, const char *condition, const char *message);

/* nil, SciSslError "not in this OpenSSL (3.0.x): needs …" about `what`. */
int sci_fail_missing(lua_State *L, const char *phase, const char *what, const char *needs);

/* Writes condition, message (may be NULL) and subject into `failure`, and returns false. */
bool sci_refuse(sci_failure *failure, const char *condition, const char *message);
bool sci_refuse_about(sci_failure *failure, const char *condition, const char *message, const char *subject);

bool sci_is_error(lua_State *L, int index);
void sci_error_set_data(lua_State *L); /* pops a value, and keeps it as the data of the SciSslError below it */
int sci_error_ssl_error(lua_State *L, int index); /* the SSL_ERROR_… of the SciSslError at `index` */

/* The subject of an error about a path or URI: `path` itself, or a description where it contains a secret: PEM text, or a
 * PIN (RFC 7512). */
const char *sci_path_subject(const char *path);

void sci_open_error(lua_State *L);

/* ---- alert.c: TLS alerts ----------------------------------------------------------------------------------------- */

const char *sci_alert_name(int alert); /* its name in the RFCs, or "unknown_alert" */
int sci_find_alert(const char *name);  /* the alert of that name; -1: there is none */

/* The alert that OpenSSL sends for a verification error (X509_V_ERR_…), and a verification error that makes it send
 * `alert`. */
int sci_alert_of_result(long result);
long sci_result_of_alert(int alert);

/* ---- newer_openssl.c: what later releases of OpenSSL have added -------------------------------------------------- */

/* The release of OpenSSL, later than the loaded one, that added what `name` contains; NULL: none. For names that OpenSSL
 * has rejected. */
const char *sci_find_release(const char *name, size_t length);

/* ---- protocol.c: names of protocol versions ---------------------------------------------------------------------- */

typedef struct sci_protocol {
    const char *name; /* "TLSv1.2" … */
    int version;
    bool datagrams; /* a version of DTLS, whose numbers descend */
} sci_protocol;

const sci_protocol *sci_find_protocol(const char *name); /* NULL: there is none of that name */
const char *sci_protocol_name(int version);              /* "any" for 0, "unknown" for other numbers */
int sci_fail_protocol(lua_State *L, const char *name);   /* nil, SciSslError "unknown_protocol" */

/* Whether a connection speaks TLS 1.3. The numbers of DTLS are greater than all of TLS. */
static inline bool sci_speaks_tls13(const SSL *ssl) { return SSL_version(ssl) == TLS1_3_VERSION; }

/* ---- version.c: OSSslVersion ------------------------------------------------------------------------------------- */

void sci_check_library(lua_State *L); /* raises if the loaded OpenSSL does not fit the headers */
void sci_open_version(lua_State *L);

/* ---- list.c: lists ----------------------------------------------------------------------------------------------- */

/* Finds an entry that is missing from the table at `index`: one of 1 to n, where n is its highest numeric key. What stands behind it
 * would be lost, or not, as the table's memory happens to be laid out. Returns its number; 0: there is none. */
lua_Integer sci_find_hole(lua_State *L, int index);

/* The length of the list that is the argument `index`, a table. Raises an argument error where an entry is missing. */
lua_Integer sci_check_list(lua_State *L, int index);

int sci_return_hole(lua_State *L); /* findHole(table), for the Lua layer: that number, or nothing */

/* ---- library.c: SciSslLibrary ------------------------------------------------------------------------------------ */

typedef struct sci_library sci_library; /* lives as long as the lua_State */

const sci_library *sci_check_library_option(lua_State *L, int index); /* NULL for nil and none: OpenSSL's own */
OSSL_LIB_CTX *sci_library_context(const sci_library *library);        /* NULL for NULL */
void sci_open_library(lua_State *L);

/* ---- option_table.c: tables of options --------------------------------------------------------------------------- */

/* Checks the table of options at `index` and pushes the value of each of `names`, which a NULL ends; nil where it is
 * missing. Raises an argument error for a field of another name. Returns the index of the first value. */
int sci_push_options(lua_State *L, int index, const char *const *names);

/* Raises the argument error "option 'name': what expected, got …" about the value on the stack at `value`. */
int sci_option_error(lua_State *L, int index, const char *name, const char *what, int value);

/* Pushes a field of the table at `index` and returns its type. Raw: a metamethod could return another value to a second
 * look. */
int sci_push_raw_field(lua_State *L, int index, const char *name);

/* The value at `value`; each raises that error for another type. */
const char *sci_check_text_option(lua_State *L, int index, const char *name,
                                  int value);                                        /* NULL for nil; no NUL bytes */
bool sci_check_boolean_option(lua_State *L, int index, const char *name, int value); /* false for nil */

/* The length of the list at `value`. Raises that error for what is no table, and another where an entry is missing. */
lua_Integer sci_check_list_of(lua_State *L, int index, const char *name, const char *what, int value);

/* The length of the list of strings at `value`; 0 for nil. */
lua_Integer sci_check_list_option(lua_State *L, int index, const char *name, int value);

/* ---- file.c, file_stamp.c: files --------------------------------------------------------------------------------- */

/* Opens `path` for reading. NULL: `failure` says what is wrong (missing, a directory, unreadable, empty), with `path` as its
 * subject. The caller frees the BIO. A pipe is read to its end at once, since it can be read only once: the BIO is then one of
 * memory. */
BIO *sci_open_file(const char *path, sci_failure *failure);

int sci_replace_file(lua_State *L); /* file_replace.c: replaceFile and lockFile, for the Lua layer */
int sci_lock_file(lua_State *L);

int sci_stamp_files(lua_State *L); /* stampFiles, for the Lua layer */

/* ---- guard.c: owners of OpenSSL's objects while Lua makes values of them ----------------------------------------- */

typedef struct sci_guard {
    void *object; /* owned, set by the caller; NULL: nothing to free */
    void (*release)(void *object);
} sci_guard;

/* Pushes a guard. It frees its object when the C function that Lua has called returns or raises, or when the guard is popped
 * (lua_pop, lua_settop). Its slot is to be closed: do not move or remove it (lua_remove, lua_insert, lua_replace). */
sci_guard *sci_new_guard(lua_State *L, void (*release)(void *object));

/* Pushes a userdata that owns a new memory BIO: OpenSSL writes into the BIO before Lua makes a string of its bytes. NULL: out
 * of memory. The collector frees it, unless sci_push_bio_bytes has. */
BIO *sci_new_memory_bio(lua_State *L);

/* Pushes what was written to a memory BIO, and frees the BIO. Its userdata is on top. */
void sci_push_bio_bytes(lua_State *L, BIO *bio);

/* ---- heap.c ------------------------------------------------------------------------------------------------------ */

int sci_trim_heap(lua_State *L); /* trimHeap, for the Lua layer: gives free memory back; true with glibc */
void sci_prefer_large_pages(void *memory, size_t size); /* which is large, and not filled yet */

/* ---- stay.c ------------------------------------------------------------------------------------------------------ */

void sci_stay_loaded(void); /* before the first use of its code behind lua_close; may be called again */

/* ---- clock.c: the monotonic clock -------------------------------------------------------------------------------- */

int64_t sci_now(void);                        /* nanoseconds */
double sci_seconds(void);                     /* the same time in seconds */
int64_t sci_deadline(int milliseconds);       /* the time in so many milliseconds, in nanoseconds */
int sci_milliseconds_until(int64_t deadline); /* rounded up, so that nothing wakes too early; 0: it has passed */

/* ---- digest.c, seal.c -------------------------------------------------------------------------------------------- */

int sci_digest(lua_State *L);       /* scissl.digest */
int sci_random_bytes(lua_State *L); /* scissl.randomBytes */
int sci_base64(lua_State *L);       /* base64(bytes), for the Lua layer */
int sci_seal(lua_State *L);         /* scissl.seal */
int sci_unseal(lua_State *L);       /* scissl.unseal */

#endif
