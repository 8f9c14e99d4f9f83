/* context.h: SciSslContext, the settings that connections share and inherit (SSL_CTX). Knows no connection. */
#ifndef SCISSL_CONTEXT_H
#define SCISSL_CONTEXT_H

#include "session/session.h"

/* ---- context.c and what it is made of ---------------------------------------------------------------------------- */

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
    bool prepared;                     /* connection/suspend.c has installed there what its connections need */
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

/* OpenSSL would keep each session of a client for a look-up that never comes: it keeps them as soon as there is a server. */
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

#define SCI_PSK_LENGTH 256 /* bytes of a pre-shared key that OpenSSL's sessions of TLS 1.3 can hold */
#define SCI_PSK_IDENTITY_LENGTH 128

int sci_default_trust(lua_State *L); /* context_trust.c: defaultTrust, for the layer in Lua */

/* The OCSP response at index 2, or nil. False: it cannot be stapled, and nil, SciSslError were pushed. */
bool sci_check_ocsp_response(lua_State *L);

/* Appends a line to a key log file. What the system does not take is lost. */
typedef struct sci_keylog sci_keylog;
void sci_keylog_append(const sci_keylog *file, const char *line);

void sci_context_link(sci_context *context, sci_dependent *dependent);
void sci_context_unlink(sci_dependent *dependent);

/* ---- openers ----------------------------------------------------------------------------------------------------- */

void sci_open_context(lua_State *L);

/* Each adds its functions and methods to the table of the class SciSslContext, which is on top. */
void sci_open_context_certificate(lua_State *L);
void sci_open_context_client_ca(lua_State *L);
void sci_open_context_conf(lua_State *L);
void sci_open_context_crl(lua_State *L);
void sci_open_context_describe(lua_State *L);
void sci_open_context_early_data(lua_State *L);
void sci_open_context_keylog(lua_State *L);
void sci_open_context_ocsp(lua_State *L);
void sci_open_context_pkcs12(lua_State *L);
void sci_open_context_protocols(lua_State *L);
void sci_open_context_psk(lua_State *L);
void sci_open_context_records(lua_State *L);
void sci_open_context_session_cache(lua_State *L);
void sci_open_context_tickets(lua_State *L);
void sci_open_context_trust(lua_State *L);
void sci_open_context_trust_uri(lua_State *L);
void sci_open_context_verify(lua_State *L);

#endif
