/* context.h: SciSslContext, the settings that connections share (SSL_CTX). This room knows no connection.
 *
 * A program changes a context at any time; a connection keeps the settings of the moment in which it was initialized (S9).
 * Three ways lead to that:
 *   - SSL_new copies most settings from the SSL_CTX.
 *   - Settings of our own stand in `sci_context` and in the user values below. The connection room copies them when it
 *     makes an SSL (`sci_ssl_inherit_…`).
 *   - OpenSSL goes on reading the cipher list, the trust store and the client CA list from the SSL_CTX. A setter that
 *     changes one of them calls sci_context_detach first, which gives each connection a copy of its own.
 *
 * Ownership: a context owns its SSL_CTX. A connection holds the context in a user value, and SSL_new takes a reference to
 * the SSL_CTX. Nothing here points to a connection but the ring `dependents`, which the connection leaves when it ends.
 *
 * Setters push the receiver, or nil and a SciSslError, and return how many values that are. A setter that fails leaves the
 * context as it was; where that is impossible it closes the context (sci_context_give_up). Setters run no Lua of the
 * program's but passphrase functions and metamethods of lists; both, and finalizers, may close the context. So after such a
 * call a setter checks the context again. */
#ifndef SCISSL_CONTEXT_H
#define SCISSL_CONTEXT_H

#include "session/session.h"

/* ---- the object -------------------------------------------------------------------------------------------------- */

/* User values. */
enum {
    SCI_CONTEXT_ALPN = 1,      /* string: the ALPN list in wire format; or nil */
    SCI_CONTEXT_OCSP,          /* string: the OCSP response (DER) that servers staple; or nil */
    SCI_CONTEXT_KEYLOG,        /* sci_keylog, the open key log file; or nil */
    SCI_CONTEXT_PSK_CLIENT,    /* a client's pre-shared key: table {identity, key} or function; or nil */
    SCI_CONTEXT_PSK_SERVER,    /* a server's pre-shared keys: table {[identity] = key} or function; or nil */
    SCI_CONTEXT_REPLAY_GUARD,  /* function; or nil */
    SCI_CONTEXT_SESSION_STORE, /* function; or nil */
    SCI_CONTEXT_TICKETS,       /* sci_ticket_keys; or nil */
    SCI_CONTEXT_NOTES,         /* table: texts that OpenSSL cannot give back, for `describe`; or nil */
    SCI_CONTEXT_PINS,          /* string: SHA-256 digests of the public keys that peers may have; or nil */
    SCI_CONTEXT_USERVALUES = SCI_CONTEXT_PINS
};

/* What a client does about stapled OCSP responses. */
typedef enum sci_ocsp_policy { SCI_OCSP_NONE, SCI_OCSP_REQUEST, SCI_OCSP_REQUIRE } sci_ocsp_policy;

#define SCI_SID_LENGTH 32 /* SSL_MAX_SID_CTX_LENGTH */

#define SCI_COOKIE_SECRET_LENGTH 32
#define SCI_COOKIE_LENGTH 32 /* bytes of a cookie: an HMAC by SHA-256 */

/* A connection that still reads settings from its context; a member of the ring of the context. */
typedef struct sci_dependent {
    struct sci_dependent *previous, *next; /* NULL: in no ring */
    SSL *ssl;                              /* borrowed from the connection */
} sci_dependent;

typedef struct sci_ticket_keys sci_ticket_keys;

/* Each part is written by the file that is named beside it, and by no other (spec/parts_spec.lua). */
typedef struct sci_context {
    SSL_CTX *ctx;       /* context.c: owned; NULL only after collection, or when `new` failed */
    bool closed;        /* context_check.c: __close or __gc ran, perhaps while `ctx` had to stay (sci_may_free) */
    const char *method; /* context.c: static: "TLS", "TLSv1.2", "DTLS" … */
    bool datagrams;     /* context.c: DTLS */
    const sci_library *library; /* context.c: that of `ctx`; NULL: OpenSSL's own */

    struct { /* context_dependents.c */
        sci_dependent ring;
        bool hold_trust; /* connections hold the trust store of `ctx` as theirs: copy it before changing it */
    } dependents;

    struct {                             /* context_trust.c */
        STACK_OF(OPENSSL_STRING) *paths; /* owned: hashed directories that the trust store looks into */
    } trust;

    struct {                      /* context_verify.c */
        int purpose;              /* X509_PURPOSE_…; 0: each side's own */
        sci_proven_chains proven; /* of the peers of connections */
    } verify;

    struct { /* context_session_cache.c */
        unsigned char id_context[SCI_SID_LENGTH];
        unsigned int id_context_length;
        bool mode_chosen; /* setSessionCacheMode was called */
        bool internal;    /* sessions go into OpenSSL's own cache */
    } sessions;

    struct {                         /* context_tickets.c */
        const sci_ticket_keys *keys; /* in SCI_CONTEXT_TICKETS; NULL: OpenSSL's own keys */
    } tickets;

    struct {                               /* context_psk.c */
        bool client_sha384, server_sha384; /* the digest of the keys is SHA-384, not SHA-256 */
        bool tell_unknown;                 /* a server sends the alert unknown_psk_identity */
    } psk;

    struct {                                                /* context_cookie.c: DTLS: the secrets of cookies */
        unsigned char secrets[2][SCI_COOKIE_SECRET_LENGTH]; /* of now, and of the time before */
        int64_t made;                                       /* when the first was made, as of sci_now; 0: never */
    } cookie;

    struct {          /* context_keylog.c */
        bool collect; /* connections collect their secrets for keylogLines */
    } keylog;

    struct { /* context_ocsp.c */
        sci_ocsp_policy policy;
    } ocsp;

    struct {             /* context_compression.c */
        bool compressed; /* compressCertificates was called */
    } compression;

    bool prepared; /* connection/initialize.c: the callbacks of connections are installed in `ctx` */
} sci_context;

/* ---- context_check.c: a context as an argument ------------------------------------------------------------------- */

/* Borrowed. Raises where the argument is no open SciSslContext. */
sci_context *sci_check_context(lua_State *L, int index);
bool sci_context_is_open(const sci_context *context);

/* Marks the context as closed. What is inside stays until it is collected. */
void sci_context_close(sci_context *context);

/* For a setter that has run out of memory between two changes that belong together: closes the context, so that no
 * connection uses half of them. Pushes nil, SciSslError. */
int sci_context_give_up(lua_State *L, sci_context *context, const char *subject);

/* ---- for the connection room ------------------------------------------------------------------------------------- */

/* context_dependents.c. `dependent` must leave the ring before it, or its SSL, is freed. */
void sci_context_link(sci_context *context, sci_dependent *dependent);
void sci_context_unlink(sci_dependent *dependent); /* harmless where it is in no ring */

/* context_session_cache.c: a connection of `context` is a server, so OpenSSL's cache keeps sessions from now on, unless
 * setSessionCacheMode has chosen. (For clients alone the cache would fill with sessions that no lookup asks for.) */
void sci_context_keep_sessions(sci_context *context);

/* context_session_cache.c: adds the session to OpenSSL's own cache, where the context of `ctx` uses that. OpenSSL itself never
 * does (SSL_SESS_CACHE_NO_INTERNAL_STORE), since it fails to when memory runs out. A session for which there was no memory
 * is not resumable afterwards. */
void sci_context_cache_session(SSL_CTX *ctx, SSL_SESSION *session);

/* context_verify.c: reads SSL_VERIFY_… flags at `index`. False: they do not fit together (S14); nil, SciSslError were pushed.
 * Raises for other types. */
bool sci_check_verify_flags(lua_State *L, int index, int *flags);

/* The argument of setMaxCertList: bytes. Raises for all others. */
long sci_check_max_cert_list(lua_State *L, int index);

/* context_verify.c: as X509_verify_cert, for the peer of a connection of `context`. Signatures that were verified before, in the
 * chain of a session (which may be NULL) or for another connection, are left out. */
bool sci_context_verify_peer(sci_context *context, X509_STORE_CTX *check, const sci_chain *session);

/* The same, faster, where all signatures of the chain are known. False: sci_context_verify_peer has to say why. */
bool sci_context_knows_peer(sci_context *context, X509_STORE_CTX *check, const sci_chain *session);

/* context_alpn.c: pushes the names of application protocols in the table at index 2 in the wire format of RFC 7301. False: one
 * is empty or too long; what was pushed is then of no use, and sci_fail_alpn pushes nil, SciSslError. Raises where the
 * table has something else than strings. May run Lua: metamethods of the table. */
bool sci_push_alpn(lua_State *L);
int sci_fail_alpn(lua_State *L);

/* context_ocsp.c: checks the OCSP response (DER, or nil) at index 2, and leaves it on top. False: it cannot be stapled; nil,
 * SciSslError were pushed. */
bool sci_check_ocsp_response(lua_State *L);

/* context_pins.c: pushes the digests of the pins in the list at index 2, one after the other. False: one is malformed, or there is
 * none; what was pushed is then of no use, and sci_fail_pins pushes nil, SciSslError. Raises where the list has something
 * else than strings. May run Lua: metamethods of the list. */
bool sci_push_pins(lua_State *L);
int sci_fail_pins(lua_State *L);

/* context_keylog.c: appends a line to a key log file. Lines that cannot be written are lost; errno is kept. */
typedef struct sci_keylog sci_keylog;
void sci_keylog_append(const sci_keylog *file, const char *line);

/* context_cookie.c: the cookie for a peer of a server of DTLS, and whether one that came back is of the last two minutes. False:
 * no randomness, no memory, or no such cookie. */
bool sci_context_make_cookie(sci_context *context, const char *peer, size_t length, unsigned char *cookie);
bool sci_context_check_cookie(sci_context *context, const char *peer, size_t length, const unsigned char *cookie,
                              size_t cookie_length);

/* context_psk.c: the bounds of OpenSSL, in bytes. A client's identity ends with a NUL within its bound. */
#define SCI_PSK_LENGTH 512
#define SCI_PSK_IDENTITY_LENGTH 256
_Static_assert(SCI_PSK_LENGTH <= PSK_MAX_PSK_LEN && SCI_PSK_IDENTITY_LENGTH <= PSK_MAX_IDENTITY_LEN,
               "OpenSSL takes less");

/* ---- for module.c ------------------------------------------------------------------------------------------------ */

int sci_default_trust(lua_State *L); /* context_trust.c: defaultTrust, for the layer in Lua */

/* ---- inside this room -------------------------------------------------------------------------------------------- */

/* Parts of a context that need more than zeroed memory. False: out of memory, or of randomness. The second of each pair may be
 * called on a part that was never made. */
void sci_context_make_dependents(sci_context *context);
void sci_context_free_dependents(sci_context *context);
bool sci_context_make_trust(sci_context *context);
void sci_context_free_trust(sci_context *context);
void sci_context_free_verify(sci_context *context);
bool sci_context_make_session_id_context(sci_context *context);
void sci_context_inherit_session_id_context(sci_context *context, const sci_context *older);

/* context_check.c: the setter of a user value that is a function, or nil: the argument at index 2. Returns the receiver. */
int sci_context_set_function(lua_State *L, int uservalue);

/* context_dependents.c: call before the ciphers, the trust or the client CA list of `context` change: its connections get
 * copies of the current ones. False: out of memory; some connections may have their copies, and nothing else has changed. */
bool sci_context_detach(sci_context *context);

/* The trust store of `context` for one addition, detached from its connections. Borrowed. NULL: out of memory. */
X509_STORE *sci_context_own_trust(sci_context *context);

/* For `steps` additions, of which all or none are to hold. The caller adds to what this returns: the trust store itself for one,
 * a copy for more. NULL: out of memory. Then sci_context_end_trust makes the copy the trust store if `good`, or frees it; it
 * returns `good`. A copy costs more than its size: it is not made where each call adds one certificate. */
X509_STORE *sci_context_begin_trust(sci_context *context, int steps);
bool sci_context_end_trust(sci_context *context, X509_STORE *store, bool good);

/* context_session_cache.c: SSL_CTX_add_session, which does not leave the session in the cache without a reference when memory
 * runs out. False: it was there already, or there was no memory; then it is not resumable any more. */
bool sci_context_add_session(SSL_CTX *ctx, SSL_SESSION *session);

/* context_session_cache.c: SSL_SESS_CACHE_… as setSessionCacheMode has set it. */
long sci_context_cache_mode(const sci_context *context);

/* context_describe.c: remembers in the context at index 1 the text at `value`, for `describe`. */
void sci_context_note(lua_State *L, const char *name, int value);

/* context_compression.c: call where an own certificate or chain has changed, or the trust store, in which OpenSSL finds the issuers
 * of a certificate that has no chain. OpenSSL would go on sending the compressed form of the earlier one. */
void sci_context_compress_again(const sci_context *context);

lua_Integer sci_context_count_ech_keys(const SSL_CTX *ctx); /* context_ech.c */

/* context_pins.c: sets the fields of the table on top about the types of certificates. */
void sci_context_describe_types(lua_State *L, const SSL_CTX *ctx);

/* ticket_keys.c: the ring of keys that encrypt and decrypt session tickets. */
#define SCI_TICKET_KEYS 16          /* keys in a ring at most */
#define SCI_TICKET_SECRET_LENGTH 80 /* bytes of a key: its name, and a key each for the HMAC and the cipher */

/* context_tickets.c: uses the ring `keys`, which is on top of the stack, and pops it. The context is at index 1. */
void sci_use_ticket_keys(lua_State *L, sci_context *context, const sci_ticket_keys *keys);

sci_ticket_keys *sci_new_ticket_keys(lua_State *L); /* pushes an empty ring; its keys are wiped when it is collected */
int sci_ticket_keys_count(const sci_ticket_keys *ring);             /* 0 for NULL */
void sci_add_ticket_key(sci_ticket_keys *ring, const char *secret); /* there is room for one more */
void sci_add_ticket_keys(sci_ticket_keys *ring, const sci_ticket_keys *others, int keep); /* until there are `keep` */

/* What OpenSSL's callback returns (SSL_CTX_set_tlsext_ticket_key_evp_cb). `ring` may be NULL. Decrypting: 0: no key of the ring
 * made this ticket, and the handshake goes on without it; 2: it is good, and the client gets a new one. */
int sci_encrypt_ticket(const sci_ticket_keys *ring, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                       EVP_MAC_CTX *mac);
int sci_decrypt_ticket(const sci_ticket_keys *ring, const SSL *ssl, const unsigned char *name, const unsigned char *iv,
                       EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac);

/* ---- openers ----------------------------------------------------------------------------------------------------- */

void sci_open_context(lua_State *L);

/* Each adds its functions and methods to the table of the class SciSslContext, which is on top. */
void sci_open_context_alpn(lua_State *L);
void sci_open_context_certificate(lua_State *L);
void sci_open_context_ciphers(lua_State *L);
void sci_open_context_client_ca(lua_State *L);
void sci_open_context_compression(lua_State *L);
void sci_open_context_conf(lua_State *L);
void sci_open_context_crl(lua_State *L);
void sci_open_context_describe(lua_State *L);
void sci_open_context_early_data(lua_State *L);
void sci_open_context_keylog(lua_State *L);
void sci_open_context_ocsp(lua_State *L);
void sci_open_context_options(lua_State *L);
void sci_open_context_pins(lua_State *L);
void sci_open_context_pkcs12(lua_State *L);
void sci_open_context_protocols(lua_State *L);
void sci_open_context_psk(lua_State *L);
void sci_open_context_records(lua_State *L);
void sci_open_context_ech(lua_State *L);
void sci_open_context_inherit(lua_State *L);
void sci_open_context_session_cache(lua_State *L);
void sci_open_context_tickets(lua_State *L);
void sci_open_context_trust(lua_State *L);
void sci_open_context_trust_uri(lua_State *L);
void sci_open_context_verify(lua_State *L);

#endif
