/* sslsocket.h: sci_sslsocket, what a connection consists of: parts, each of which one file makes, resets and frees. Its functions
 * stand in connection.h. */
#ifndef SCISSL_SSLSOCKET_H
#define SCISSL_SSLSOCKET_H

#include "context/context.h"
#include "transport/transport.h"

#include <openssl/sha.h>

/* User values, behind SCI_SOCKET_OWNER. "Inherited": as its context had it at sslInitialize. */
enum {
    SCI_SSL_CONTEXT = SCI_SOCKET_OWNER + 1,
    SCI_SSL_PENDING,      /* string: begins with the bytes that a repeated write must pass again; or nil */
    SCI_SSL_FAILURE,      /* SciSslError: ended the connection, or its writes; or nil */
    SCI_SSL_ALPN,         /* string: the ALPN list in wire format; inherited, or by sslSetAlpn */
    SCI_SSL_CAUSE,        /* why a handler ended the handshake: table {reason, cause, traceback}, or the value raised */
    SCI_SSL_OCSP,         /* string: the OCSP response that a server staples; or nil */
    SCI_SSL_KEYLOG,       /* sci_keylog; or nil; inherited */
    SCI_SSL_PSK_CLIENT,   /* table, function or nil; inherited */
    SCI_SSL_PSK_SERVER,   /* the same */
    SCI_SSL_REPLAY_GUARD, /* function or nil; inherited */
    SCI_SSL_SESSION_STORE, /* function or nil; inherited */
    SCI_SSL_TICKET_DATA,   /* string that goes into tickets; or nil */
    SCI_SSL_DH,            /* function that returns DH parameters; or nil */
    SCI_SSL_PINS,          /* string: SHA-256 digests of the public keys that the peer may have; or nil; inherited */
    SCI_SSL_USERVALUES = SCI_SSL_PINS
};

typedef enum sci_role { SCI_NO_ROLE, SCI_CLIENT, SCI_SERVER } sci_role;

/* Suspension points: where a handshake can stand still until its caller has decided something. */
enum { SCI_AT_CLIENT_HELLO = 1, SCI_AT_CERTIFICATE = 2, SCI_AT_VERIFY = 4 };

typedef enum sci_decision { SCI_UNDECIDED, SCI_APPROVED, SCI_REJECTED } sci_decision;

#define SCI_NEW_SESSIONS 8   /* sessions kept for newSessions */
#define SCI_ALERTS 8         /* alerts kept, of each direction */
#define SCI_VERIFY_ERRORS 32 /* errors kept for verifyErrors */

typedef struct sci_alert {
    unsigned char level, code; /* as in the record */
} sci_alert;

typedef struct sci_verify_error {
    short code, depth;
} sci_verify_error;

typedef struct sci_trace sci_trace; /* see trace.c */

/* Records of `first` bytes until `until` bytes were sent without a pause of `pause` seconds. All zero: full records. */
typedef struct sci_sizing {
    size_t first, until, sent;
    double pause, last; /* seconds; `last`: when the last record was sent */
} sci_sizing;

/* Messages after the handshake that carry no data. */
enum { SCI_KEY_UPDATES, SCI_TICKETS, SCI_RENEGOTIATIONS, SCI_CERTIFICATE_REQUESTS, SCI_COUNTED };

typedef struct sci_count {
    unsigned messages;
    int64_t since; /* nanoseconds, as of sci_now */
} sci_count;

/* A datagram, the memory for its message, and what came of it. */
typedef struct sci_laid {
    const unsigned char *datagram;
    size_t datagram_length;
    unsigned char *message;
    size_t size, length; /* of the memory, and of the message */
    int result;          /* of SSL_read_ex */
    bool more;           /* another message may be there */
} sci_laid;

/* Each part is written by the file that is named beside it, and by no other (spec/parts_spec.lua). Other files read it. */
typedef struct sci_sslsocket {
    sci_socket socket;       /* first: a SciSslSocket has the methods of a SciSocket; see net.h */
    sci_transport transport; /* what the BIOs work on; see transport.h */

    sci_state *state;        /* sslsocket.c: of the lua_State, which finalizes it last */
    bool memory;             /* sslsocket.c: no descriptor: sslFeed and sslDrain */
    bool closed;             /* close.c */
    SSL *ssl;                /* initialize.c: owned */
    sci_context *context;    /* initialize.c: in SCI_SSL_CONTEXT */
    sci_dependent dependent; /* initialize.c: in the ring of the context */

    struct { /* handshake.c */
        sci_role role;
        bool begun; /* sslConnect or sslAccept was called: early data comes before that */
        bool done;
    } handshake;

    struct {                /* result.c */
        bool failed;        /* nothing more is possible; SCI_SSL_FAILURE says why */
        bool write_failed;  /* the transport did not take a write; SCI_SSL_FAILURE says why */
        bool bytes_in_c;    /* bytes of the stream are in C memory alone. A later call that finds this set: Lua had no
                             * memory for them, and they are lost */
        int not_ready_code; /* SSL_ERROR_… behind the last -1 … */
        int zero_code;      /* … and behind the last 0 */
        int wanted;         /* SSL_ERROR_WANT_… of the last call, or SSL_ERROR_NONE */
    } result;

    struct {          /* lua_callback.c */
        lua_State *L; /* of the call under way; NULL: there is none */
        bool running; /* Lua runs inside of that call */
        bool failed;  /* SCI_SSL_CAUSE says why the handshake ends */
    } callback;

    struct {                /* read.c */
        bool no_read_ahead; /* sslSetReadAhead(false) */
        bool end_unread;    /* looking ahead met the peer's close_notify, which sslRead has not returned yet */
        bool has_scratch;   /* the call under way uses the scratch buffer of the lua_State */
    } read;

    struct {                                   /* write.c */
        size_t pending_offset, pending_length; /* of the bytes in SCI_SSL_PENDING that the next write must pass again */
        unsigned char *kept;  /* owned: a copy of these bytes that were in C memory; NULL: SCI_SSL_PENDING has them */
        size_t record_length; /* given to OpenSSL last */
        size_t made_length;   /* pending bytes in a record that OpenSSL made, and the transport did not take */
        sci_sizing sizing;
    } write;

    struct {       /* shutdown.c */
        bool sent; /* our close_notify has left */
    } shutdown;

    struct {                          /* record_buffers.c */
        struct sci_sslsocket **place; /* among the sockets that keep their buffers; NULL: it does not keep them */
        uint64_t used;                /* the number of its last call, of all calls in the lua_State */
        bool moved;                   /* the call that ends has moved data */
        bool freed;                   /* it had no buffers after a call, and those since have moved data alone */
    } buffers;

    struct { /* alerts.c */
        sci_alert sent[SCI_ALERTS], received[SCI_ALERTS];
        int sent_count, received_count;
        int fatal_sent; /* the fatal alert that we sent; -1: none */
        int in_ticket;  /* the alert that the next session ticket fails with; 0: none */
    } alerts;

    struct { /* message_limits.c */
        sci_count counts[SCI_COUNTED];
        bool counting; /* application data sets some of `counts` back to 0 */
        int exceeded;  /* 1 + the one that ended the connection; 0: none did */
    } limits;

    struct {                                      /* suspend.c */
        int points;                               /* SCI_AT_… that the caller asked for */
        int passed;                               /* of these */
        int at;                                   /* the one where the handshake is suspended now; 0: it is not */
        sci_decision decision;                    /* of the caller, there */
        int alert;                                /* of SCI_REJECTED */
        bool had_hello;                           /* the handshake has gone on after a ClientHello … */
        unsigned char name[SHA256_DIGEST_LENGTH]; /* … that had this digest of its server name; all 0: it had none */
    } suspend;

    struct {                   /* verdict.c */
        long code;             /* X509_V_…: OpenSSL's result … */
        int depth;             /* … and the certificate that it is about */
        bool rejected;         /* OpenSSL rejects the peer, unless the caller approves */
        bool optional;         /* flags were SSL_VERIFY_NONE before SCI_AT_VERIFY needed SSL_VERIFY_PEER */
        bool common_name_only; /* the host is in the subject of the certificate, where it does not count */
        STACK_OF(X509) *chain; /* owned: as OpenSSL built it; NULL: it could not */
        X509 *approved;        /* owned: the caller approved this one, which OpenSSL rejects; NULL: none */
    } verdict;

    struct { /* verify_errors.c */
        sci_verify_error list[SCI_VERIFY_ERRORS];
        int count;
        bool go_on; /* verification errors do not end the handshake */
    } verify_errors;

    struct {                                      /* sessions.c */
        long timeout;                             /* seconds; inherited */
        unsigned char id_context[SCI_SID_LENGTH]; /* inherited */
        unsigned int id_context_length;
        bool has_store;                      /* a server keeps what it makes for newSessions; inherited */
        SSL_SESSION *made[SCI_NEW_SESSIONS]; /* owned: for newSessions, the oldest first */
        size_t made_count;
        SSL_SESSION *offered;       /* owned: for a server to resume, set at the ClientHello */
        SSL_SESSION *latest, *copy; /* owned: OpenSSL's session, and the copy that getSession returned */
    } sessions;

    struct {             /* resumption_check.c */
        sci_chain chain; /* of the session that setSession gave to a client */
    } resumption;

    struct {              /* session_tickets.c */
        const char *data; /* bytes of SCI_SSL_TICKET_DATA, or NULL */
        size_t length;
    } ticket;

    struct {                        /* alpn.c */
        const unsigned char *names; /* bytes of SCI_SSL_ALPN, or NULL */
        unsigned int length;
    } alpn;

    struct {                          /* pins.c */
        const unsigned char *digests; /* bytes of SCI_SSL_PINS, or NULL */
        size_t count;                 /* of digests; 0: the peer is verified by the trust store */
    } pins;

    struct {                /* psk.c */
        bool client;        /* SCI_SSL_PSK_CLIENT is set */
        bool server_sha384; /* inherited */
        bool tell_unknown;  /* inherited */
        bool unknown;       /* the client sent an identity that has no key */
        char *identity;     /* owned: of the key that was found last; NULL: none */
    } psk;

    struct {         /* datagram.c, fit_path.c */
        long mtu;    /* bytes of a datagram at most; 0: SCI_SSL_MTU */
        bool unsent; /* the last datagram was too long for the path */
        unsigned first,
            most; /* microseconds before a flight is sent again, the first time, and at most; 0: OpenSSL's */
    } datagram;

    struct {              /* dtls_listen.c */
        const char *peer; /* the address that a cookie is made for, while sslListen runs; NULL: it does not */
        size_t length;
        unsigned char proven[SCI_COOKIE_LENGTH]; /* the cookie that the client has returned */
        bool is_proven;
    } cookie;

    struct {                           /* ocsp_stapling.c */
        sci_ocsp_policy policy;        /* inherited */
        const unsigned char *response; /* bytes of SCI_SSL_OCSP, or NULL */
        size_t length;
        const char *condition, *message; /* static: why the stapled response ended the handshake; NULL: it did not */
    } ocsp;

    struct {       /* early_data.c */
        bool over; /* sslReadReplayable has returned 0 */
    } early;

    struct {       /* dh_params.c */
        bool asks; /* SCI_SSL_DH is set and was not called */
    } dh;

    struct {          /* dane.c */
        bool enabled; /* by sslSetDane */
    } dane;

    struct {                    /* keylog.c */
        bool collect;           /* keep the secrets for keylogLines; inherited */
        const sci_keylog *file; /* in SCI_SSL_KEYLOG, or NULL */
        sci_queue lines;        /* each with a NUL behind it */
        lua_Integer lost;       /* lines that did not fit */
    } keylog;

    sci_trace *trace; /* trace.c: owned; NULL: sslTrace is off */
} sci_sslsocket;

#endif
