/* scissl.h: what the classes of scissl.core share.
 *
 * Ownership: a userdata owns exactly one reference to its OpenSSL object, frees it in one function and leaves
 * NULL behind. Constructors push the empty userdata first (`sci_new_…`) and let OpenSSL fill it, so that
 * nothing leaks when Lua runs out of memory. No function here keeps a lua_State beyond its call.
 *
 * Finalizers: whatever makes a value in Lua (lua_push…string, lua_newuserdatauv, lua_createtable, luaL_Buffer,
 * luaL_tolstring …) may run a finalizer, and a finalizer may call any method of ours on any object. So no pointer into
 * OpenSSL's state, its error queue, a queue of ours or another object's memory is held across such a call. Before it,
 * what is needed is copied into C memory, or gets a reference of its own in a userdata on the stack. After it, what may
 * have changed is asked for again: whether the object is open, what a table of the caller's holds, how long a queue is.
 * These may be relied on:
 *   - lua_pushstring and lua_pushlstring copy their bytes before a finalizer runs. luaL_addlstring does not.
 *   - What a finalizer closes is freed when it is collected itself (sci_may_free), and no finalizer gives a socket another
 *     SSL. So the OpenSSL object of an argument, and a socket's SSL, stay; what OpenSSL keeps inside of an SSL, an SSL_CTX
 *     or an SSL_SESSION (chains, names, lists of ciphers, hosts) does not.
 *
 * Out of memory: making a value may raise. What refuses (failed, refused, closed …) is set before the error for it is
 * made. What the peer has sent, and OpenSSL no longer has, is never lost silently (sci_ssl_push_bytes). A setter that
 * fails half-way leaves the object as it was, or unusable. */
#ifndef SCISSL_H
#define SCISSL_H

#include "compat.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <lauxlib.h>
#include <lua.h>

#if LUA_VERSION_NUM < 504
#error "scissl needs Lua 5.4 or later"
#endif

/* Names of the classes: their metatables' names in the registry, and `__name`. */
#define SCI_SOCKET "SciSocket"
#define SCI_POLLER "SciPoller"
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

/* ---- core.c: what a lua_State keeps for all classes, and arguments --------------------------------------------------- */

/* Bytes that one read can take without an allocation: four full TLS records. */
#define SCI_SCRATCH 65536

#define SCI_WARM 32 /* sockets whose OpenSSL buffers are kept; see buffers.c */

typedef struct sci_state {
    BIO_METHOD *descriptor; /* transport.c: a socket, without SIGPIPE */
    BIO_METHOD *memory;     /* transport.c: one direction of a memory transport */
    struct sci_sslsocket *warm[SCI_WARM];
    unsigned int warm_next;
    bool reading; /* a read is using the scratch buffer */
    unsigned char scratch[SCI_SCRATCH];
} sci_state;

sci_state *sci_get_state(lua_State *L);

/* Whether a finalizer runs. It may have interrupted a method that is at work on the very object which it closes: what is
 * closed then is freed when it is collected itself. */
bool sci_in_finalizer(lua_State *L);

/* For the __gc of an object: whether it may be freed. Not where a finalizer has called it by hand, for the same reason. */
bool sci_may_free(lua_State *L);

/* For setters: answers the receiver, at index 1. */
int sci_answer_receiver(lua_State *L);

/* The string argument at `index`, refused (a raised argument error) where it is longer than an int can say. */
const char *sci_check_bytes(lua_State *L, int index, int *length);

/* The string argument at `index`, refused (a raised argument error) where it holds a NUL byte. */
const char *sci_check_text(lua_State *L, int index);

/* Resolves the optional `i, j` at `index` and `index + 1` as string.sub does, for a string of `length` bytes.
 * Answers the number of bytes, and where they begin in `*offset`. */
size_t sci_check_range(lua_State *L, int index, size_t length, size_t *offset);

/* Reads a time-out in seconds at `index` (nil or none: wait for ever) as milliseconds for poll(2); raises for
 * negative numbers and NaN. */
int sci_check_timeout(lua_State *L, int index);

/* ---- classes.c: classes, and what scissl.core answers ----------------------------------------------------------- */

/* Makes the class `name` and leaves its table (functions and methods together, the metatable's __index) on the
 * stack. `metamethods` may be NULL. */
void sci_new_class(lua_State *L, const char *name, const luaL_Reg *functions, const luaL_Reg *methods,
                   const luaL_Reg *metamethods);

/* Pushes the table of the class `name`, which is made where nobody has asked for it before. */
void sci_push_class(lua_State *L, const char *name);

/* Pushes an empty userdata of `size` zeroed bytes with `uservalues` user values and the metatable of `name`. */
void *sci_new_object(lua_State *L, const char *name, size_t size, int uservalues);

void sci_open_classes(lua_State *L); /* makes the table on top answer all classes and constants */

/* ---- constants.c ------------------------------------------------------------------------------------------------ */

typedef struct sci_constant {
    const char *name; /* NULL: the end of them all */
    lua_Integer value;
} sci_constant;

extern const sci_constant sci_constants[];

/* ---- flags.c: flags by bits and by name ------------------------------------------------------------------------- */

/* Reads flags whose constants begin with `prefix` at `index`: bits, a name, or a list of names. False: one is not known;
 * nil, SciSslError were pushed. Raises for other types. */
bool sci_read_flags(lua_State *L, int index, const char *prefix, uint64_t *bits);

/* Whether the names differ in upper and lower case (of ASCII) at most. */
bool sci_same_name(const char *a, const char *b);

/* Pushes a list of the names of the single flags in `bits`. */
void sci_push_flag_names(lua_State *L, const char *prefix, uint64_t bits);

/* ---- error.c: SciSslError, the one place that reads OpenSSL's queue --------------------------------------------- */

/* Empties OpenSSL's queue, so that nothing stale colours the next call. */
void sci_clear_errors(void);

/* What was being done when it failed. Zero what is not known; the queue is read by sci_push_error itself. */
typedef struct sci_failure {
    const char *phase;     /* "connect", "accept", "read", "write", "shutdown", "load", "initialize", "option" … */
    const char *condition; /* a short stable name such as "not_initialized"; NULL: found from the rest */
    const char *message;   /* our own words; NULL: OpenSSL's or the system's */
    const char *words[2];  /* static texts for each %s in `message`; NULL: it has none */
    const char *subject;   /* the file, host or option text that it is about; NULL: none */
    const char *peer;      /* address and port of the other end; NULL or empty: not known */
    int ssl_error;         /* SSL_ERROR_…; 0 stands for SSL_ERROR_SSL */
    int system_errno;      /* errno, 0: none */
    int alert;             /* the alert that was sent, where `alert_sent`; one received is in the queue */
    bool alert_sent;
    bool server;        /* the failing end is a server: tells whose certificate a received alert is about */
    long verify_result; /* X509_V_…; X509_V_OK: none */
    int cause;          /* stack index of the Lua value behind it; 0: none */
    int traceback;      /* stack index of the text that tells where the cause was raised; 0: none */
} sci_failure;

/* Pushes a SciSslError made of `failure` and everything in OpenSSL's queue, which is left empty. */
void sci_push_error(lua_State *L, const sci_failure *failure);

/* The same behind a nil: `return sci_fail(L, &failure);` */
int sci_fail(lua_State *L, const sci_failure *failure);

/* nil, SciSslError from OpenSSL's queue. `subject` may be NULL. */
int sci_fail_openssl(lua_State *L, const char *phase, const char *subject);

/* nil, SciSslError from `system_errno`. */
int sci_fail_system(lua_State *L, const char *phase, const char *subject, int system_errno);

/* nil, SciSslError of our own: a stable condition name and a sentence. */
int sci_fail_own(lua_State *L, const char *phase, const char *condition, const char *message);

/* needs.c: the later release of OpenSSL that brought what is called `name`; NULL: none. For names that it has refused. */
const char *sci_find_needs(const char *name, size_t length);

/* nil, SciSslError "not in this OpenSSL (3.0.x): needs …" about `what`. */
int sci_fail_missing(lua_State *L, const char *phase, const char *what, const char *needs);

const char *sci_alert_name(int alert);
int sci_find_alert(const char *name); /* the number of the alert that the RFCs call so; -1: there is none */
bool sci_is_error(lua_State *L, int index);
int sci_error_ssl_error(lua_State *L, int index); /* the SSL_ERROR_… of the SciSslError at `index` */
void sci_open_error(lua_State *L);

/* ---- digest.c --------------------------------------------------------------------------------------------------- */

int sci_digest(lua_State *L); /* scissl.digest */

/* ---- stamp.c ------------------------------------------------------------------------------------------------------ */

int sci_stamp_files(lua_State *L);   /* stampFiles, for scissl.configuration */
int sci_default_trust(lua_State *L); /* trust.c: defaultTrust, for scissl.configuration */

/* ---- seal.c ----------------------------------------------------------------------------------------------------- */

int sci_seal(lua_State *L);   /* scissl.seal */
int sci_unseal(lua_State *L); /* scissl.unseal */

/* ---- file.c: files and BIOs ------------------------------------------------------------------------------------- */

/* Opens `path` for reading. NULL: `failure` says what is wrong (missing, a directory, unreadable, empty), with
 * `path` as its subject. The caller frees the BIO. */
BIO *sci_open_file(const char *path, sci_failure *failure);

/* What an error names for a path or URI: itself, but for a text with a secret in it: PEM, or a PIN (RFC 7512). */
const char *sci_path_subject(const char *path);

/* Pushes a userdata that owns a new memory BIO, NULL when out of memory, and frees it when it is collected: for
 * OpenSSL to write into before Lua makes a string of it. */
BIO *sci_new_memory_bio(lua_State *L);

/* Pushes what was written to a memory BIO, and frees it. The userdata of sci_new_memory_bio is on top. */
void sci_push_bio_bytes(lua_State *L, BIO *bio);

/* ---- socket.c, poll.c: SciSocket -------------------------------------------------------------------------------- */

#define SCI_PEER 112 /* bytes for whom a socket talks to, as text: "127.0.0.1:443", "[::1]:443", a path */

/* First member of every userdata that is a SciSocket or inherits from it. Where `lower` is set, the state of the
 * connection is kept down there. */
typedef struct sci_socket {
    int fd;                   /* the descriptor; -1: none, or closed. Not ours to close where `lent` */
    bool lent;                /* user value SCI_SOCKET_OWNER owns the descriptor */
    struct sci_socket *lower; /* that owner, where it is a SciSocket: its `fd` is the one that counts */
    bool established;         /* a connection is known to stand */
    bool connecting;          /* one is being made; or may be, where the descriptor was adopted */
    bool listening;
    bool nonblocking;    /* made so by us; that counts unless it is `exposed` */
    bool exposed;        /* others may know the descriptor, and change its mode */
    bool encrypted;      /* the kernel encrypts whatever is sent from now on */
    int family;          /* AF_…; 0: not known */
    bool torn;           /* `recv` has taken bytes, and Lua had no memory for them */
    int connect_errno;   /* why a connection attempt failed */
    char peer[SCI_PEER]; /* whom it is, or was to be, connected to; empty: not known */
} sci_socket;

#define SCI_SOCKET_OWNER 1 /* user value: the object that owns the descriptor */

sci_socket *sci_test_socket(lua_State *L, int index); /* NULL where it is something else */

/* The userdata at `index`, a SciSocket or of a class that inherits from it; raises for anything else. */
sci_socket *sci_check_socket(lua_State *L, int index);

/* Makes `name`, whose class table is on top, a class of SciSockets: sci_check_socket takes what has that metatable, and
 * the class gets what SciSocket's has and it has not, but for the constructors. */
void sci_inherit_socket(lua_State *L, const char *name);

/* The descriptor that counts, or -1. */
int sci_socket_descriptor(const sci_socket *socket);

/* Writes address and port of the other end, asked of the system where they are not known yet; empty: there are none. */
void sci_socket_describe_peer(sci_socket *socket, char text[SCI_PEER]);

/* Adopts what is at `index` (SciSocket, descriptor number, object with getfd/fileno/pollfd) into the empty socket
 * userdata at `self`. Answers true, or false with a SciSslError pushed. */
bool sci_socket_adopt(lua_State *L, int self, int index);

/* Makes a stream socket of `family` ("inet", "inet6", "unix") in the empty `socket`; false: errno says why. */
bool sci_socket_open(sci_socket *socket, const char *family, bool blocking);

/* Finds out whether the connection stands. 1: it does; 0: still connecting (on a blocking socket it waits instead);
 * -1: it does not, and `failure` says why (phase "connect"); its subject lives as long as the socket. */
int sci_socket_establish(sci_socket *socket, sci_failure *failure);

/* O_NONBLOCK as it is now. */
bool sci_socket_blocking(const sci_socket *socket);
bool sci_socket_set_blocking(sci_socket *socket, bool blocking);

/* Accepts a connection into the empty `accepted`. False: errno says why not, and so does what sci_socket_fail_accept
 * answers: nil, SciSslError. */
bool sci_socket_accept(const sci_socket *listener, sci_socket *accepted, bool blocking);
int sci_socket_fail_accept(lua_State *L, sci_socket *listener, int system_errno);

/* Closes the socket at `index` as SciSocket:close does: tells those who wait for it, releases the descriptor, and calls
 * the owner's own `close` where lent, whose Lua errors are caught. Answers true, or false with a SciSslError pushed. */
bool sci_socket_close(lua_State *L, int index);

/* The same for __gc, which leaves what is lent alone. */
void sci_socket_collect(lua_State *L, int index);

/* closing.c: tells those who wait for the object at `index` that it is about to be closed. Runs Lua code, whose errors are
 * caught; that may close the object. */
void sci_tell_closing(lua_State *L, int index);
void sci_open_closing(lua_State *L); /* adds what the Lua layer needs for that to the table on top */

void sci_open_socket(lua_State *L);
void sci_open_poller(lua_State *L);
void sci_open_poll(lua_State *L); /* adds wait and poll to the class table of SciSocket, which is on top */

/* ---- key.c: SciSslPrivateKey ------------------------------------------------------------------------------------ */

EVP_PKEY **sci_new_key(lua_State *L);             /* pushes an empty one; the caller fills it */
EVP_PKEY *sci_check_key(lua_State *L, int index); /* borrowed; raises where it is not an open SciSslPrivateKey */
EVP_PKEY *sci_test_key(lua_State *L, int index);  /* borrowed; NULL where it is something else */

/* Reads a PEM private key. The passphrase at `passphrase` (absolute index) is a string, a function, or nil/none. NULL:
 * the queue and `failure` (condition, cause) say why. Lua runs under lua_pcall alone; may push a cause. */
EVP_PKEY *sci_read_key(lua_State *L, BIO *bio, int passphrase, sci_failure *failure);
void sci_open_key(lua_State *L);

/* ---- certificate.c, issue.c: SciSslX509Certificate -------------------------------------------------------------- */

X509 **sci_new_certificate(lua_State *L);             /* pushes an empty one; the caller fills it */
X509 *sci_check_certificate(lua_State *L, int index); /* borrowed; raises */
X509 *sci_test_certificate(lua_State *L, int index);  /* borrowed; NULL where it is something else */
int sci_issue_certificate(lua_State *L);              /* SciSslX509Certificate.issue */
void sci_open_certificate(lua_State *L);

/* ---- crl.c: SciSslX509Crl --------------------------------------------------------------------------------------- */

X509_CRL **sci_new_crl(lua_State *L);             /* pushes an empty one; the caller fills it */
X509_CRL *sci_check_crl(lua_State *L, int index); /* borrowed; raises */
X509_CRL *sci_test_crl(lua_State *L, int index);  /* borrowed; NULL where it is something else */
void sci_open_crl(lua_State *L);

/* ---- request.c: SciSslX509Request ------------------------------------------------------------------------------- */

X509_REQ *sci_test_request(lua_State *L, int index); /* borrowed; NULL where it is something else */
void sci_open_request(lua_State *L);

/* ---- cipher.c, session.c ---------------------------------------------------------------------------------------- */

void sci_push_cipher(lua_State *L, const SSL_CIPHER *cipher); /* nil for NULL */
void sci_open_cipher(lua_State *L);

SSL_SESSION **sci_new_session(lua_State *L);
SSL_SESSION *sci_check_session(lua_State *L, int index);
SSL_SESSION *sci_test_session(lua_State *L, int index); /* borrowed; NULL where it is something else */

/* The certificates of a session's peer: all of them as they were verified, or, not `proven`, some that may help. */
typedef struct sci_chain {
    STACK_OF(X509) *certificates; /* NULL: none is known */
    bool proven;                  /* each has been found to be signed by the next */
} sci_chain;

void sci_copy_chain(sci_chain *to, const sci_chain *from); /* shares the certificates; `to` is empty before */
void sci_free_chain(sci_chain *chain);

/* Keep a copy of `chain` with the session on top of the stack, and give one back. */
void sci_keep_session_chain(lua_State *L, const sci_chain *chain);
void sci_copy_session_chain(lua_State *L, int index, sci_chain *chain);
void sci_open_session(lua_State *L);

/* ---- transport.c: BIOs ------------------------------------------------------------------------------------------ */

typedef struct sci_queue {
    unsigned char *bytes;
    size_t start, length, capacity;
    bool leaving; /* a string is being made of its first bytes */
} sci_queue;

/* What a BIO of ours works on. `hold` keeps it from reading the transport: what is buffered above it is all there is.
 * `nowait` makes a blocking descriptor answer at once. */
typedef struct sci_transport {
    const sci_socket *socket; /* NULL: a memory transport */
    int system_errno;         /* of the last call; 0: it did not fail */
    bool unsent;              /* that was in sending */
    bool hold, nowait;
    bool withheld;             /* nothing is written: what there is depends on the verdict about the peer */
    size_t taken;              /* bytes that the call at hand has read … */
    bool stopped;              /* … until it was stopped, at SCI_READ_LIMIT */
    int64_t began;             /* nanoseconds: its second read, where the descriptor has a time-out; below 0: none */
    bool spoilt;               /* the peer has exceeded a limit: what is read from now on is no record */
    bool ktls;                 /* the kernel makes records of what is sent … */
    bool ktls_ends;            /* … and no more of them: it was to take new keys */
    unsigned char record_type; /* of the next one; 0: application data */
    const char *data_end;      /* behind the application data that are being written, or NULL */
    bool ahead_later;          /* OpenSSL may read ahead once the handshake is done */
    bool eof;                  /* the peer has ended its side of the transport */
    unsigned char first[16];   /* the first bytes that came: they tell what a peer that does not speak TLS speaks */
    size_t first_length;
    sci_queue in;   /* of a memory transport */
    sci_queue out;  /* the same; of a descriptor, the rest of a record that it did not take whole */
    bool whole;     /* a record is written now, and taken whole */
    sci_queue seen; /* what has been read since `records` was set, for a handshake that may have to begin again */
    bool records, replays;
    size_t replayed; /* bytes of `seen` that were read again, where it `replays` */
} sci_transport;

/* Bytes that one call of OpenSSL's reads before it has to be repeated: more than the longest handshake message that it
 * accepts, and than any record. A blocking socket reads on, as it has been asked to wait. */
#define SCI_READ_LIMIT 262144
#define SCI_BLOCKING_READ_LIMIT 16777216

#define SCI_MEMORY_LIMIT 262144 /* bytes that a memory transport holds before writing has to wait for sslDrain */

void sci_transport_record(sci_transport *transport);     /* from now on, until … */
void sci_transport_forget(sci_transport *transport);     /* … now */
void sci_transport_fill_first(sci_transport *transport); /* where OpenSSL has read less than `first` takes */
bool sci_transport_replay(sci_transport *transport);     /* reads what was recorded again; false: it is incomplete */
bool sci_transport_has_room(sci_transport *transport);   /* for another record; tries to send what is queued */
void sci_transport_stop_recording(sci_transport *transport);            /* what has been recorded stays */
BIO *sci_new_transport_bio(sci_state *state, sci_transport *transport); /* does not own `transport` */
bool sci_queue_put(sci_queue *queue, const void *bytes, size_t length); /* false: out of memory */
void sci_queue_skip(sci_queue *queue, size_t length);
void sci_queue_free(sci_queue *queue);
void sci_close_transport(sci_state *state);

/* ---- ktls.c: what is sent is encrypted by the kernel ------------------------------------------------------------- */

/* As SSL_set_read_ahead, in so far as SSL_OP_ENABLE_KTLS lets it be. */
void sci_ktls_set_read_ahead(SSL *ssl, sci_transport *transport, bool ahead);
void sci_ktls_end_handshake(SSL *ssl, sci_transport *transport);

/* The part of the descriptor BIO's control that is about it: OpenSSL asks for it where SSL_OP_ENABLE_KTLS is set. */
long sci_ktls_control(sci_transport *transport, int command, long number, void *pointer);

/* As send(2), where `transport->ktls`. */
ssize_t sci_ktls_send(sci_transport *transport, const char *data, size_t size, int flags);

/* Sends a part of an open file without a SIGPIPE; the kernel reads it. 0: the file ends there; -1: `ssl` waits for the
 * transport, or transport->system_errno says why not. */
ossl_ssize_t sci_ktls_sendfile(SSL *ssl, sci_transport *transport, int file, off_t offset, size_t count);

/* ---- host.c: whose a peer's certificate has to be --------------------------------------------------------------- */

#define SCI_HOST_SIZE 256 /* bytes for a host name with its NUL */

bool sci_is_address(const char *text);

/* A host name or an address as it stands in certificates: without brackets, zone and trailing dot. NULL: `name` has it; else
 * what is wrong with it. */
const char *sci_parse_host(const char *text, size_t length, char name[SCI_HOST_SIZE]);

/* The same with the string at `index`. False: nil, SciSslError were pushed. */
bool sci_read_host_name(lua_State *L, int index, char name[SCI_HOST_SIZE]);

/* The list of host names at `index`, in parameters that a userdata on top owns. `domains`: ".example.org" stands for the names
 * below it. NULL: nil, SciSslError were pushed. */
X509_VERIFY_PARAM *sci_read_hosts(lua_State *L, int index, bool domains);

/* Makes the host names of `from` those of `to`. */
bool sci_copy_hosts(X509_VERIFY_PARAM *to, X509_VERIFY_PARAM *from);

/* ---- context.c, offer.c, trust.c, identity.c, policy.c …: SciSslContext ----------------------------------------- */

/* User values. */
enum {
    SCI_CONTEXT_ALPN = 1,      /* the ALPN list in wire format, or nil */
    SCI_CONTEXT_OCSP,          /* the OCSP response that servers staple, DER, or nil */
    SCI_CONTEXT_KEYLOG,        /* the open file that keylog lines go to, or nil */
    SCI_CONTEXT_PSK_CLIENT,    /* a client's pre-shared key: table or function, or nil */
    SCI_CONTEXT_PSK_SERVER,    /* those that a server knows: table or function, or nil */
    SCI_CONTEXT_REPLAY_GUARD,  /* a function, or nil */
    SCI_CONTEXT_SESSION_STORE, /* a function, or nil */
    SCI_CONTEXT_TICKETS,       /* the ring of ticket keys, or nil */
    SCI_CONTEXT_NOTES,         /* table: texts that OpenSSL does not tell again, for `describe` */
    SCI_CONTEXT_USERVALUES = SCI_CONTEXT_NOTES
};

/* What a client does about OCSP responses that servers staple; see staple.c. */
typedef enum sci_ocsp_policy { SCI_OCSP_NONE, SCI_OCSP_REQUEST, SCI_OCSP_REQUIRE } sci_ocsp_policy;

#define SCI_SID_LENGTH 32 /* SSL_MAX_SID_CTX_LENGTH */

/* A connection that was made from a context and must not feel the context's later changes: SSL_new copies most
 * settings, but reads the cipher list and the trust store from the SSL_CTX each time. */
typedef struct sci_dependent {
    struct sci_dependent *previous, *next; /* NULL: in no ring */
    SSL *ssl;
} sci_dependent;

typedef struct sci_ticket_ring sci_ticket_ring;

typedef struct sci_context {
    SSL_CTX *ctx;
    bool closed;                       /* by a finalizer, and `ctx` is still there */
    const char *method;                /* "TLS", "TLSv1.2" … */
    unsigned char sid[SCI_SID_LENGTH]; /* session id context of its servers */
    unsigned int sid_length;
    sci_dependent dependents;       /* head of the ring of connections that still read from `ctx` */
    bool store_lent;                /* connections of earlier settings hold the trust store: copy before changing it */
    bool cache_chosen;              /* setSessionCacheMode has been called */
    const sci_ticket_ring *tickets; /* in SCI_CONTEXT_TICKETS; NULL: OpenSSL's own key */
    STACK_OF(OPENSSL_STRING) *trust_paths; /* hashed directories that the trust store looks into */
    sci_ocsp_policy ocsp_policy;
    bool psk_client_sha384, psk_server_sha384; /* the digest of the keys, in place of SHA-256 */
    bool psk_tells;                            /* clients hear that the identity of their key is not known */
    bool keylog;                               /* connections keep their secrets for keylogLines */
    int purpose;                               /* X509_PURPOSE_… that was set; 0: each side's own */
} sci_context;

sci_context *sci_check_context(lua_State *L, int index);
bool sci_context_is_open(const sci_context *context);

/* Memory ran out while a setting changed that had been found good, and half of it holds: no connection may use that. */
int sci_context_give_up(lua_State *L, sci_context *context, const char *subject);

/* Lets a server refuse in TLS 1.3 when the handshake is done; see suspend.c. */
bool sci_context_add_refusal(SSL_CTX *ctx);

/* cache.c, tickets.c: what a new context needs, and one whose first server begins. */
void sci_context_open_cache(SSL_CTX *ctx);
bool sci_context_open_tickets(SSL_CTX *ctx);
void sci_context_serve(sci_context *context);

/* Pushes the names of application protocols in the table at index 2 in the wire format of RFC 7301. False: one does not
 * fit; what was pushed is of no use. Raises where it is no table of strings. */
bool sci_push_alpn(lua_State *L);
int sci_fail_alpn(lua_State *L);

/* Reads verification flags at `index`. False: they do not fit together (row S14); nil, SciSslError were pushed. */
bool sci_check_verify_flags(lua_State *L, int index, int *flags);

/* Call before the ciphers or the trust of `context` change: its connections get what stands now as their own. */
bool sci_context_detach(sci_context *context);

/* The trust store of `context` for changing, detached from the connections that stand; NULL: the queue says why. */
X509_STORE *sci_context_own_trust(sci_context *context);

/* Remembers in the context at index 1 the text at `value`, for `describe`. */
void sci_context_note(lua_State *L, const char *name, int value);

void sci_context_link(sci_context *context, sci_dependent *dependent);
void sci_context_unlink(sci_dependent *dependent);

/* Reads the certificates of PEM text, one at the least. NULL: `failure` and the queue say why. The caller frees them. */
STACK_OF(X509) *sci_read_certificates(BIO *bio, sci_failure *failure);

/* The same, and takes one certificate in DER as well. */
STACK_OF(X509) *sci_read_certificates_or_der(BIO *bio, sci_failure *failure);

typedef struct sci_protocol {
    const char *name; /* "TLSv1.2" … */
    int version;
} sci_protocol;

const sci_protocol *sci_find_protocol(const char *name); /* NULL: there is none of that name */
const char *sci_protocol_name(int version);
int sci_fail_protocol(lua_State *L, const char *name);

void sci_open_offer(lua_State *L);           /* adds its methods to the class table on top */
void sci_open_trust(lua_State *L);           /* adds its methods to the class table on top */
void sci_open_identity(lua_State *L);        /* adds its methods to the class table on top */
void sci_open_context_psk(lua_State *L);     /* adds its methods to the class table on top */
void sci_open_context_ocsp(lua_State *L);    /* staple.c: adds its methods to the class table on top */
void sci_open_context_early(lua_State *L);   /* early.c: the same */
void sci_open_context_cache(lua_State *L);   /* cache.c: the same */
void sci_open_context_tickets(lua_State *L); /* tickets.c: the same */
void sci_open_record(lua_State *L);          /* record.c: the same */
void sci_open_context_pkcs12(lua_State *L);  /* pkcs12.c: the same */
void sci_open_context_keylog(lua_State *L);  /* keylog.c: the same */
void sci_open_policy(lua_State *L);          /* adds its methods to the class table on top */
void sci_open_revocation(lua_State *L);      /* adds its methods to the class table on top */
void sci_open_store(lua_State *L);           /* adds its methods to the class table on top */
void sci_open_issuers(lua_State *L);         /* adds its methods to the class table on top */
void sci_open_command(lua_State *L);         /* adds its methods to the class table on top */
void sci_open_describe(lua_State *L);        /* adds its methods to the class table on top */
void sci_open_context(lua_State *L);

/* ---- sslsocket.c, handshake.c, io.c, peer.c: SciSslSocket; see sslsocket.h -------------------------------------- */

void sci_open_sslsocket(lua_State *L);

/* ---- version.c: OSSslVersion ------------------------------------------------------------------------------------ */

void sci_check_library(lua_State *L); /* raises where the loaded OpenSSL does not fit the headers */
void sci_open_version(lua_State *L);

#endif
