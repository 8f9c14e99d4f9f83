/* connection.h: SciSslSocket, a connection (SSL). */
#ifndef SCISSL_CONNECTION_H
#define SCISSL_CONNECTION_H

#include "context/context.h"
#include "transport/transport.h"

/* User values behind SCI_SOCKET_OWNER. */
enum {
    SCI_SSL_CONTEXT = SCI_SOCKET_OWNER + 1,
    SCI_SSL_PENDING,    /* the string that a write which could not be finished was given */
    SCI_SSL_FAILURE,    /* the SciSslError that ended the connection */
    SCI_SSL_ALPN,       /* the context's ALPN list at sslInitialize */
    SCI_SSL_CAUSE,      /* why a handler ended it: a table {reason=, cause=, traceback=}, or what it raised */
    SCI_SSL_OCSP,       /* the OCSP response that a server staples, or nil */
    SCI_SSL_KEYLOG,     /* the open file that its keylog lines go to, or nil */
    SCI_SSL_PSK_CLIENT, /* as in its context at sslInitialize */
    SCI_SSL_PSK_SERVER,
    SCI_SSL_REPLAY_GUARD,
    SCI_SSL_SESSION_STORE,
    SCI_SSL_TICKET_DATA, /* what goes into tickets, or nil */
    SCI_SSL_USERVALUES = SCI_SSL_TICKET_DATA
};

/* Where a handshake can be suspended until its caller has decided something. */
enum { SCI_AT_CLIENT_HELLO = 1, SCI_AT_CERTIFICATE = 2, SCI_AT_VERIFY = 4 };

typedef enum sci_judgement { SCI_NO_OPINION, SCI_APPROVED, SCI_REFUSED } sci_judgement;

#define SCI_NEW_SESSIONS 8 /* that are kept for newSessions */

#define SCI_ALERTS 8 /* of each direction that are kept */

typedef struct sci_alert {
    unsigned char level, code; /* as they are in the record */
} sci_alert;

#define SCI_VERIFY_ERRORS 32 /* that are kept for verifyErrors */

typedef struct sci_verify_error {
    short code, depth;
} sci_verify_error;

typedef struct sci_trace sci_trace; /* see trace.c */

/* Records of `first` bytes until `until` bytes have been sent without a pause of `pause` seconds. */
typedef struct sci_sizing {
    size_t first, until, sent;
    double pause, last; /* seconds; when the last record was sent */
} sci_sizing;

/* Messages that a peer may send after the handshake, and that carry no data. */
enum { SCI_KEY_UPDATES, SCI_TICKETS, SCI_RENEGOTIATIONS, SCI_CERTIFICATE_REQUESTS, SCI_COUNTED };

typedef struct sci_count {
    unsigned messages;
    int64_t since; /* nanoseconds, as of sci_now */
} sci_count;

typedef enum sci_role { SCI_NO_ROLE, SCI_CLIENT, SCI_SERVER } sci_role;

typedef struct sci_sslsocket {
    sci_socket socket; /* first: a SciSslSocket answers whatever a SciSocket does */
    sci_transport transport;
    sci_dependent dependent;     /* in the ring of its context, while it reads settings from there */
    SSL *ssl;                    /* NULL: before sslInitialize, after close */
    sci_state *state;            /* of its lua_State, which finalizes it last */
    struct sci_sslsocket **warm; /* its place among those that keep their buffers, or NULL */
    bool wide;                   /* its read buffer holds several full records */
    sci_role role;               /* which of sslConnect and sslAccept was called first */
    bool memory;                 /* no descriptor: sslFeed and sslDrain */
    bool closed;
    bool secured;      /* the handshake has been completed */
    bool failed;       /* nothing more is possible; SCI_SSL_FAILURE says why */
    bool write_failed; /* the transport did not take a write; SCI_SSL_FAILURE says why */
    bool exact;        /* sslSetReadAhead(false): reads no further than it must */
    bool said_end;     /* our close_notify has left */
    bool torn;         /* bytes of the stream are in C memory alone: where it stays so, Lua had no memory for them */
    bool end_unread;   /* looking ahead met the peer's close_notify; sslRead has not answered it yet */
    int not_yet_code;  /* SSL_ERROR_… behind the last negative answer */
    int zero_code;     /* SSL_ERROR_… behind the last answer 0 */
    int wanted;        /* SSL_ERROR_WANT_… of the last call, or SSL_ERROR_NONE */
    int alert_sent;    /* the fatal alert that we sent, or -1 */
    size_t pending_offset, pending_length; /* of the bytes in SCI_SSL_PENDING that must come again */
    size_t record_length;                  /* of what was given to OpenSSL last */
    size_t made_length; /* of the pending bytes that OpenSSL has made a record of, which the transport has not taken */
    sci_sizing sizing;  /* how long records are; all zero: as long as they may be */
    long session_timeout;              /* inherited at sslInitialize, seconds */
    unsigned char sid[SCI_SID_LENGTH]; /* inherited: session id context */
    unsigned int sid_length;
    const unsigned char *alpn; /* bytes of SCI_SSL_ALPN, or NULL */
    unsigned int alpn_length;
    lua_State *L;            /* of the call that is under way, the receiver at its index 1; NULL: there is none */
    bool in_callback;        /* Lua runs inside that call */
    bool has_scratch;        /* that call is the one that uses the scratch buffer */
    bool handler_failed;     /* SCI_SSL_CAUSE says why it ends */
    int suspends_at;         /* SCI_AT_… that the caller asked for */
    int passed;              /* those that have been passed */
    int station;             /* the one where it is suspended now; 0: it is not */
    sci_judgement judgement; /* what the caller has decided there */
    int refusal;             /* the alert of SCI_REFUSED */
    bool lenient;            /* SSL_VERIFY_NONE was asked for, before SCI_AT_VERIFY needed SSL_VERIFY_PEER */
    long verdict;            /* X509_V_…: OpenSSL's own, at SCI_AT_VERIFY */
    int verdict_depth;
    bool rejected;                 /* that is what OpenSSL would do at SCI_AT_VERIFY */
    X509 *approved;                /* by the caller, though OpenSSL rejects it; NULL: none */
    bool dane;                     /* sslSetDane has been called */
    char *psk_identity;            /* of a server: whose key was found last */
    STACK_OF(X509) *verdict_chain; /* what it was found with; NULL: none was built */
    bool afresh;                   /* no session is resumed: it may have been made with less care than is taken now */
    sci_ocsp_policy ocsp_policy;   /* inherited */
    const char *ocsp_condition, *ocsp_message; /* why the stapled OCSP response ended the handshake */
    const unsigned char *ocsp;                 /* bytes of SCI_SSL_OCSP, or NULL */
    size_t ocsp_length;
    bool keylog;                          /* inherited: keep the secrets for keylogLines */
    const struct sci_keylog *keylog_file; /* in SCI_SSL_KEYLOG, or NULL */
    sci_queue key_lines;                  /* each with a NUL behind it */
    lua_Integer key_lines_lost;
    sci_context *context; /* in SCI_SSL_CONTEXT */
    bool has_store;       /* SCI_SSL_SESSION_STORE is a function: what a server makes is kept for newSessions */
    bool refuses;         /* the handshake is done, and the alert `refusal` is to be sent */
    SSL_SESSION *new_sessions[SCI_NEW_SESSIONS];
    size_t new_count;
    SSL_SESSION *offered;                /* by the caller, at the client's hello */
    SSL_SESSION *session, *session_copy; /* OpenSSL's, and what was handed out of it; one where the caller gave it */
    sci_chain session_chain;             /* of the session that a client was given */
    const char *ticket_data;             /* bytes of SCI_SSL_TICKET_DATA, or NULL */
    size_t ticket_data_length;
    bool psk_client;        /* inherited: SCI_SSL_PSK_CLIENT is set */
    bool psk_server_sha384; /* inherited */
    bool psk_tells;         /* inherited: an unknown identity is told so */
    bool psk_unknown;       /* that is what the client has said */
    sci_alert alerts_sent[SCI_ALERTS], alerts_received[SCI_ALERTS];
    int alerts_sent_count, alerts_received_count;
    sci_verify_error verify_errors[SCI_VERIFY_ERRORS];
    int verify_errors_count;
    bool only_common_name; /* the name to verify stands in the peer's certificate, but where it does not count */
    bool overlooks;        /* what is wrong with the peer's certificates is noted, and does not end the handshake */
    sci_trace *trace;      /* NULL: nothing is noted */
    bool early_over;       /* sslReadReplayable has answered 0 */
    bool shakes;           /* sslConnect or sslAccept has begun: early data comes before them */
    sci_count counts[SCI_COUNTED];
    bool counted; /* there is something in `counts` that application data forgives */
    int exceeded; /* 1 + the one of them that ended the connection; 0: none did */
} sci_sslsocket;

/* Any SciSslSocket, closed ones too; raises for anything else. */
sci_sslsocket *sci_check_sslsocket(lua_State *L, int index);

/* The SSL of the receiver once the handshake is completed; NULL: nothing is known of the peer yet. */
SSL *sci_ssl_get_secured(lua_State *L);

/* Adds methods to the class table on top; the class's metatable is their first upvalue. */
void sci_ssl_add_methods(lua_State *L, const luaL_Reg *methods);

/* ---- buffers.c -------------------------------------------------------------------------------------------------- */

void sci_ssl_keep_heap(void); /* once, before there are connections */

/* Lets the socket keep its buffers, and takes those of another; it leaves that round when its SSL goes. */
void sci_ssl_warm_up(sci_sslsocket *socket);
void sci_ssl_leave_warm(sci_sslsocket *socket);

/* Gives whoever has read `length` bytes at once, and reads full records, a buffer for several. */
void sci_ssl_note_length(sci_sslsocket *socket, size_t length);

/* ---- answer.c: what calls answer -------------------------------------------------------------------------------- */

/* Closed, or the object below has closed the descriptor. */
bool sci_ssl_is_closed(const sci_sslsocket *socket);

/* Pushes a SciSslError of our own, and answers false. */
bool sci_ssl_refuse(lua_State *L, const char *phase, const char *condition, const char *message);

/* The same, where a write must come again first: why the transport did not take it, or that it is still to come. */
bool sci_ssl_refuse_pending(lua_State *L, const sci_sslsocket *socket, const char *phase, const char *message);

/* Ends the connection, or its writes alone. This comes before the error is made: that may raise, and nothing may go on then. */
void sci_ssl_set_failed(lua_State *L, sci_sslsocket *socket, bool write_only);

/* Whether a TLS call can be made now. False: the document's one answer was pushed instead: "not yet", or a
 * SciSslError that says what is missing. The receiver is at index 1. */
bool sci_ssl_ready(lua_State *L, sci_sslsocket *socket, const char *phase);

/* The same, and the handshake has been completed. */
bool sci_ssl_ready_for_data(lua_State *L, sci_sslsocket *socket, const char *phase);

/* Pushes the document's answer for an OpenSSL call that has just answered `result` <= 0: an integer for "not yet" or
 * "closed", else a SciSslError, which is kept where it ends the connection. Answers the SSL_ERROR_… code. */
int sci_ssl_push_failure(lua_State *L, sci_sslsocket *socket, int result, const char *phase);

/* Pushes the SciSslError of a failure, `code` being what SSL_get_error said, and keeps it where it ends the connection.
 * The receiver is at index 1. */
void sci_ssl_push_error(lua_State *L, sci_sslsocket *socket, int code, const char *phase);

/* Pushes `-code` and remembers it for sslGetError and events. */
void sci_ssl_push_not_yet(lua_State *L, sci_sslsocket *socket, int code);

/* Pushes bytes that OpenSSL has handed out. Where memory runs out it raises, and the connection has failed. */
void sci_ssl_push_bytes(lua_State *L, sci_sslsocket *socket, const void *bytes, size_t length);

/* Pushes 0 and remembers what it stands for. */
void sci_ssl_push_zero(lua_State *L, sci_sslsocket *socket, int code);

/* ---- callback.c: Lua inside an OpenSSL call ---------------------------------------------------------------------- */

/* These two enclose each OpenSSL operation: nothing stale may colour its result, and callbacks know whom to call. The
 * receiver is at index 1. */
void sci_ssl_begin(lua_State *L, sci_sslsocket *socket);
void sci_ssl_end(sci_sslsocket *socket);
bool sci_ssl_in_call(const sci_sslsocket *socket); /* whether a callback of OpenSSL's may use sci_ssl_call_lua */

/* Calls the function below `arguments` values on the stack of `socket->L`, under lua_pcall. False: it raised, nothing
 * is left on the stack, and the error is the cause of the SciSslError that the OpenSSL call is going to end in. Callers
 * reserve the stack that they use with lua_checkstack, and push nothing that allocates outside of the function. */
bool sci_ssl_call_lua(sci_sslsocket *socket, int arguments, int results);

/* ---- limits.c --------------------------------------------------------------------------------------------------- */

void sci_ssl_count_message(sci_sslsocket *socket); /* the one that OpenSSL has just read */
void sci_ssl_forgive(sci_sslsocket *socket);       /* application data have come */

/* Says in `failure` which limit has ended the connection. False: none did. */
bool sci_ssl_explain_limit(const sci_sslsocket *socket, sci_failure *failure);

/* ---- io.c, handshake.c ------------------------------------------------------------------------------------------ */

/* Lets OpenSSL work through what has come, without waiting and without taking application data. `buffered_only`:
 * not even the transport is asked. */
void sci_ssl_look_ahead(lua_State *L, sci_sslsocket *socket, bool buffered_only);

/* The scratch buffer, SCI_SCRATCH bytes; one of its own, pushed, for a call from inside a callback or a finalizer, since the
 * one of the call outside holds bytes. A call that raises leaves that to the next one, or to the end of the SSL. */
unsigned char *sci_ssl_take_scratch(lua_State *L, sci_sslsocket *socket);
void sci_ssl_give_scratch_back(sci_sslsocket *socket);

/* Whether sslRead would answer without the transport becoming readable. */
bool sci_ssl_dirty(lua_State *L, sci_sslsocket *socket);

/* ---- write.c ---------------------------------------------------------------------------------------------------- */

/* Whether `length` bytes may be written now. False: an answer was pushed. */
bool sci_ssl_may_write(lua_State *L, sci_sslsocket *socket, const char *bytes, size_t length);

/* Writes record after record. Returns the bytes that went; `*result` is what OpenSSL has returned last, or below 0 where the
 * transport is full. */
size_t sci_ssl_write_records(sci_sslsocket *socket, const char *bytes, size_t length, int *result);

/* Answers for `total` bytes written, the last call having answered `result`. `rest` is what was given to it, and must
 * come again where it was "not yet": the string at index `string` from `offset` on; 0: a string is made of it. */
int sci_ssl_answer_written(lua_State *L, sci_sslsocket *socket, size_t total, int result, const char *rest, int string,
                           size_t offset);

/* settings.c: the SciSslSocket at 1 once initialized and before its handshake, or while the client's hello is looked at.
 * NULL: nil, SciSslError were pushed. */
sci_sslsocket *sci_check_before_handshake(lua_State *L);

void sci_ssl_forget_write(lua_State *L, sci_sslsocket *socket); /* write.c: the receiver is at index 1 */

/* initialize.c: whether there is a TLS connection that has begun and has not ended. */
bool sci_ssl_has_connection(const sci_sslsocket *socket);
void sci_ssl_drop(sci_sslsocket *socket); /* the SSL, and what goes with it */

/* close.c: methods */
int sci_ssl_close(lua_State *L);
int sci_ssl_collect(lua_State *L);

void sci_ssl_install_alpn(SSL_CTX *ctx);         /* alpn.c */
void sci_ssl_install_verification(SSL_CTX *ctx); /* verdict.c */

/* suspend.c */
bool sci_ssl_stops_at(const sci_sslsocket *socket, int station);
void sci_ssl_stop_at(sci_sslsocket *socket, int station);
bool sci_ssl_leave_station(sci_sslsocket *socket); /* false: the caller has refused */

/* The receiver where it is suspended at one of `stations`. NULL: nil, SciSslError were pushed. */
sci_sslsocket *sci_ssl_check_suspended(lua_State *L, int stations);

/* initialize.c: gives the socket a new SSL that inherits from `context`. False: the queue says why; nothing has changed. */
bool sci_ssl_make(lua_State *L, sci_sslsocket *socket, sci_context *context);

/* psk.c */
void sci_ssl_inherit_psk(lua_State *L, sci_sslsocket *socket, const sci_context *context);

/* early.c */
void sci_ssl_inherit_replay_guard(lua_State *L, sci_sslsocket *socket);

/* handshake.c */
bool sci_ssl_take_role(lua_State *L, sci_sslsocket *socket, sci_role role, const char *phase);
bool sci_ssl_begin_as_server(sci_sslsocket *socket);

/* Whether a server of TLS 1.3 can send its client a message after the handshake. False: an answer was pushed. */
bool sci_ssl_may_tell_client(lua_State *L, sci_sslsocket *socket, const char *phase);

/* Sends the handshake message that OpenSSL was asked for; `asked` is what it answered. Ends what sci_ssl_begin began. */
int sci_ssl_send_message(lua_State *L, sci_sslsocket *socket, int asked, const char *phase);

/* Gives a session that this connection has made the time-out that the connection inherited. */
void sci_ssl_keep_timeout(const sci_sslsocket *socket, SSL_SESSION *session);

/* facts.c, trace.c: what the info callback hears */
void sci_ssl_note_alert(sci_sslsocket *socket, bool sent, int value);
void sci_ssl_note_state(const sci_sslsocket *socket, int where);
void sci_ssl_go_on_tracing(const sci_sslsocket *socket, SSL *ssl);
void sci_ssl_end_trace(sci_sslsocket *socket);

/* anonymous.c: takes the anonymous cipher suites out of what the connection offers or accepts. False: out of memory. */
bool sci_ssl_refuse_anonymous(SSL *ssl);

/* cache.c */
void sci_ssl_drop_sessions(sci_sslsocket *socket);

/* The session for the caller to keep, with a reference of its own. OpenSSL spoils those that its cache drops and those of a
 * context that goes, so it is a copy: one of each session, in which OpenSSL notes that a later connection has used it.
 * NULL: out of memory. */
SSL_SESSION *sci_ssl_copy_session(sci_sslsocket *socket, SSL_SESSION *session);
void sci_ssl_know_session(sci_sslsocket *socket, SSL_SESSION *session, SSL_SESSION *copy);

/* For a connection that has failed. A fatal alert spoils the session (RFC 5246, section 7.2), and so its copy. */
void sci_ssl_spoil_session(sci_sslsocket *socket);
void sci_ssl_inherit_store(lua_State *L, sci_sslsocket *socket);
void sci_ssl_install_sessions(SSL_CTX *ctx);
void sci_ssl_install_session_lookup(SSL_CTX *ctx);
bool sci_ssl_install_tickets(SSL_CTX *ctx); /* session_tickets.c */

/* resumption.c: whether a session may be resumed that OpenSSL would resume, and what is to be said to a client that has
 * resumed one: X509_V_OK, or why not. */
bool sci_session_may_resume(const SSL *ssl, const SSL_SESSION *session);
long sci_ssl_judge_resumed(const SSL *ssl);

/* overlook.c: notes that result as a check in the handshake does. Whether it ends nothing. */
bool sci_ssl_overlooks_resumed(sci_sslsocket *socket, long result);

/* Whether a client may offer its session: where it verifies, the server's chain is verified again as if it had come now. */
bool sci_ssl_may_offer_session(sci_sslsocket *socket);
int sci_alert_of_result(long result);

/* Installs in `context`, once, the callbacks that its connections need. False: the queue says why. */
bool sci_ssl_prepare_context(sci_context *context);

/* suspend.c: sends the alert `refusal` where OpenSSL does not. Leaves OpenSSL's queue empty. */
void sci_ssl_send_refusal(lua_State *L, sci_sslsocket *socket);

/* Callbacks in C, which look and note, and never call Lua. */
bool sci_ssl_install_callbacks(sci_sslsocket *socket, SSL *ssl);

/* ---- suspend.c -------------------------------------------------------------------------------------------------- */

void sci_ssl_install_stations(const sci_sslsocket *socket, SSL *ssl);
void sci_ssl_install_suspension(SSL_CTX *ctx);
bool sci_ssl_install_refusal(SSL_CTX *ctx);          /* lets a server refuse in TLS 1.3 when the handshake is done */
void sci_ssl_forget_stations(sci_sslsocket *socket); /* for a handshake that begins anew */

/* What the info callback hears: a server up to TLS 1.2 that has a verdict to wait for sends nothing from here on. */
void sci_ssl_withhold(sci_sslsocket *socket);

/* A handshake whose peer has still to be judged, and which is done, or waits to send what `withheld` keeps back: suspends
 * it there, once; and carries out the judgement. False: an answer was pushed. */
bool sci_ssl_pass_judgement(lua_State *L, sci_sslsocket *socket, const char *phase);

/* ---- staple.c --------------------------------------------------------------------------------------------------- */

/* Whether a client takes that certificate only along with a good OCSP response. */
bool sci_ssl_needs_staple(const sci_sslsocket *socket, const X509 *certificate);

void sci_ssl_inherit_ocsp(lua_State *L, sci_sslsocket *socket, const sci_context *context); /* which is on top */

/* ---- keylog.c --------------------------------------------------------------------------------------------------- */

void sci_ssl_inherit_keylog(lua_State *L, sci_sslsocket *socket, const sci_context *context); /* which is on top */
void sci_ssl_forget_key_lines(sci_sslsocket *socket);

/* ---- peer.c ----------------------------------------------------------------------------------------------------- */

STACK_OF(X509) *
sci_ssl_peer_chain(const sci_sslsocket *socket); /* borrowed: what the peer sent, or did when it was new */
X509 *sci_ssl_own_certificate(SSL *ssl);         /* NULL: there is none, or it is not known which of several it was */
void sci_ssl_keep_chain(lua_State *L, const sci_sslsocket *socket); /* with the session of a client on top */
void sci_ssl_name_session(const SSL *ssl, SSL_SESSION *session);    /* notes whom a client asked for */
void sci_push_presented(lua_State *L, const SSL *ssl);              /* an array of what the peer sent */

/* A list of its own: the certificate, if there is one, and those of the chain. False: out of memory. */
bool sci_copy_certificates(X509 *first, STACK_OF(X509) *chain, void **list);

/* ---- openers ----------------------------------------------------------------------------------------------------- */

void sci_open_sslsocket(lua_State *L);
void sci_finish_sslsocket(lua_State *L); /* gives the class what it inherits from SciSocket */

/* Each adds its methods to the table of the class SciSslSocket, which is on top. */
void sci_open_alerts(lua_State *L);
void sci_open_alpn(lua_State *L);
void sci_open_anonymous_cipher(lua_State *L);
void sci_open_channel_binding(lua_State *L);
void sci_open_close(lua_State *L);
void sci_open_dane(lua_State *L);
void sci_open_dh_params(lua_State *L);
void sci_open_early_data(lua_State *L);
void sci_open_handshake(lua_State *L);
void sci_open_initialize(lua_State *L);
void sci_open_keylog(lua_State *L);
void sci_open_memory_transport(lua_State *L);
void sci_open_negotiated(lua_State *L);
void sci_open_ocsp_stapling(lua_State *L);
void sci_open_own_certificate(lua_State *L);
void sci_open_peer(lua_State *L);
void sci_open_post_handshake(lua_State *L);
void sci_open_psk(lua_State *L);
void sci_open_read(lua_State *L);
void sci_open_result(lua_State *L);
void sci_open_sendfile(lua_State *L);
void sci_open_session_tickets(lua_State *L);
void sci_open_sessions(lua_State *L);
void sci_open_setup(lua_State *L);
void sci_open_shutdown(lua_State *L);
void sci_open_suspend(lua_State *L);
void sci_open_switch_context(lua_State *L);
void sci_open_trace(lua_State *L);
void sci_open_verdict(lua_State *L);
void sci_open_verify_errors(lua_State *L);
void sci_open_write(lua_State *L);

#endif
