/* session.c: OSSslSession, a resumable TLS session (SSL_SESSION). Document: S2. */
#include "session/session.h"

/***
A session that a later handshake can resume. It holds the session's secret. Sessions with the same id are equal.
@classmod OSSslSession
*/

static void *read_pem(BIO *bio) { return PEM_read_bio_SSL_SESSION(bio, NULL, sci_no_passphrase, NULL); }
static void *read_der(const unsigned char **cursor, long length) { return d2i_SSL_SESSION(NULL, cursor, length); }
static void release(void *session) { SSL_SESSION_free(session); }

static const sci_kind session_kind = {
    .class = SCI_SESSION,
    .closed = "session has been closed",
    .label = "SSL SESSION PARAMETERS",
    .expected = "a TLS session",
    .absent = "not_session",
    .malformed = "malformed_session",
    .malformed_message = "the TLS session is malformed",
    .read_pem = read_pem,
    .read_der = read_der,
    .release = release,
};

typedef struct session_box {
    sci_box box;
    sci_chain chain; /* of the peer, as far as it is known */
} session_box;

static session_box *new_box(lua_State *L) { return sci_new_box(L, &session_kind, sizeof(session_box)); }

SSL_SESSION **sci_new_session(lua_State *L) { return sci_new_box(L, &session_kind, sizeof(session_box)); }
SSL_SESSION *sci_check_session(lua_State *L, int index) { return sci_check_box(L, index, &session_kind); }
SSL_SESSION *sci_test_session(lua_State *L, int index) { return sci_test_box(L, index, &session_kind); }

/* OpenSSL links a session into the list of one cache. For a second context's cache it must be a copy, or the lists
 * mix. */
SSL_SESSION *sci_copy_session(SSL_SESSION *session) {
    unsigned char *bytes = NULL;
    int length = SSL_SESSION_is_resumable(session) ? i2d_SSL_SESSION(session, NULL) : 0;
    if (length > 0) bytes = OPENSSL_malloc((size_t)length);
    unsigned char *end = bytes;
    const unsigned char *cursor = bytes;
    SSL_SESSION *copy =
        bytes && i2d_SSL_SESSION(session, &end) == length ? d2i_SSL_SESSION(NULL, &cursor, length) : NULL;
    if (bytes) OPENSSL_clear_free(bytes, (size_t)length);
    return copy;
}

void sci_keep_session_chain(lua_State *L, const sci_chain *chain) {
    session_box *own = luaL_checkudata(L, -1, SCI_SESSION);
    sci_free_chain(&own->chain);
    sci_copy_chain(&own->chain, chain);
}

void sci_copy_session_chain(lua_State *L, int index, sci_chain *chain) {
    const session_box *own = luaL_checkudata(L, index, SCI_SESSION);
    sci_free_chain(chain);
    sci_copy_chain(chain, &own->chain);
}

static int session_close(lua_State *L) {
    session_box *own = luaL_checkudata(L, 1, SCI_SESSION);
    if (sci_may_free(L)) sci_free_chain(&own->chain);
    return sci_close_box(L, &session_kind);
}

/* ---- reading and writing ----------------------------------------------------------------------------------------- */

/* Adds a certificate, which the chain owns from then on. */
static bool add_to_chain(session_box *own, X509 *certificate) {
    if (!own->chain.certificates) own->chain.certificates = sk_X509_new_null();
    if (own->chain.certificates && sk_X509_push(own->chain.certificates, certificate) > 0) return true;
    X509_free(certificate);
    return false;
}

/* Reads the certificates that follow the session. False: one is damaged. */
static bool read_chain_pem(session_box *own, BIO *bio) {
    X509 *certificate;
    while ((certificate = PEM_read_bio_X509(bio, NULL, sci_no_passphrase, NULL)) != NULL)
        if (!add_to_chain(own, certificate)) return false;
    return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
}

static bool read_chain_der(session_box *own, const unsigned char *cursor, const unsigned char *end) {
    while (cursor < end) {
        X509 *certificate = d2i_X509(NULL, &cursor, end - cursor);
        if (!certificate || !add_to_chain(own, certificate)) return false;
    }
    return true;
}

static bool refuse_chain(sci_failure *failure) {
    return sci_refuse(failure, session_kind.malformed, "a certificate that follows the TLS session is malformed");
}

/***
Reads a session that `toPem` or OpenSSL's programs wrote.
@function OSSslSession.fromPem
@tparam string text
@treturn[1] OSSslSession
@treturn[2] nil
@treturn[2] SciSslError phase `load`, condition `not_pem`, `not_session` or `malformed_session`
@see PEM_read_bio_SSL_SESSION(3)
*/
static int session_from_pem(lua_State *L) {
    int length;
    const char *text = sci_check_bytes(L, 1, &length);
    session_box *own = new_box(L);
    sci_failure failure = {.phase = "load", .subject = "TLS session"};
    sci_clear_errors();
    BIO *bio = BIO_new_mem_buf(text, length);
    if (bio) own->box.object = sci_read_pem(bio, &session_kind, &failure);
    bool read = own->box.object && (read_chain_pem(own, bio) || refuse_chain(&failure));
    BIO_free(bio);
    if (!read) return sci_fail(L, &failure);
    sci_clear_errors(); /* of the search for a further certificate */
    return 1;
}

/***
Reads a session that `toDer` wrote.
@function OSSslSession.fromDer
@tparam string bytes
@treturn[1] OSSslSession
@treturn[2] nil
@treturn[2] SciSslError phase `load`, condition `not_der`, `not_session` or `malformed_session`
@see d2i_SSL_SESSION(3)
*/
static int session_from_der(lua_State *L) {
    int length;
    const unsigned char *bytes = (const unsigned char *)sci_check_bytes(L, 1, &length), *cursor = bytes;
    session_box *own = new_box(L);
    sci_failure failure = {.phase = "load", .subject = "TLS session"};
    own->box.object = sci_read_der_start(&cursor, length, &session_kind, &failure);
    bool read = own->box.object && (read_chain_der(own, cursor, bytes + length) || refuse_chain(&failure));
    return read ? 1 : sci_fail(L, &failure);
}

/* OpenSSL writes the peer's own certificate with the session, and roots come from the trust store. */
static bool is_intermediate(const SSL_SESSION *session, X509 *certificate) {
    const X509 *leaf = SSL_SESSION_get0_peer((SSL_SESSION *)(uintptr_t)session);
    return leaf && X509_cmp(leaf, certificate) != 0 && !(X509_get_extension_flags(certificate) & EXFLAG_SS);
}

typedef int session_writer(BIO *bio, const SSL_SESSION *session);
typedef int certificate_writer(BIO *bio, const X509 *certificate);

static int write_session_pem(BIO *bio, const SSL_SESSION *session) { return PEM_write_bio_SSL_SESSION(bio, session); }
static int write_session_der(BIO *bio, const SSL_SESSION *session) { return i2d_SSL_SESSION_bio(bio, session); }

static bool write_chain(BIO *bio, const SSL_SESSION *session, const sci_chain *chain, certificate_writer *write) {
    bool written = true;
    for (int i = 0; written && i < sk_X509_num(chain->certificates); i++) {
        X509 *certificate = sk_X509_value(chain->certificates, i);
        if (is_intermediate(session, certificate)) written = write(bio, certificate) == 1;
    }
    return written;
}

static int push_written(lua_State *L, session_writer *write, certificate_writer *write_certificate) {
    (void)sci_check_session(L, 1);
    BIO *bio = sci_new_memory_bio(L);
    const SSL_SESSION *session = sci_check_session(L, 1); /* a finalizer may have closed it */
    const session_box *own = lua_touserdata(L, 1);
    if (!bio || write(bio, session) != 1 || !write_chain(bio, session, &own->chain, write_certificate))
        return sci_fail_openssl(L, "save", "TLS session");
    sci_push_bio_bytes(L, bio);
    return 1;
}

/***
Writes the session as PEM text, followed by the intermediate certificates that the peer sent: a client needs them to
verify the peer's certificate again. The text holds the session's secret: keep it as safe as a key.
@function OSSslSession:toPem
@treturn[1] string
@treturn[2] nil
@treturn[2] SciSslError
@see PEM_write_bio_SSL_SESSION(3)
*/
static int session_to_pem(lua_State *L) { return push_written(L, write_session_pem, PEM_write_bio_X509); }

/***
Writes the session as DER bytes, followed by the intermediate certificates that the peer sent. The bytes hold the
session's secret: keep them as safe as a key.
@function OSSslSession:toDer
@treturn[1] string
@treturn[2] nil
@treturn[2] SciSslError
@see i2d_SSL_SESSION(3)
*/
static int session_to_der(lua_State *L) { return push_written(L, write_session_der, i2d_X509_bio); }

/***
Returns the session's id. In TLS 1.3 it names the session on this side only.
@function OSSslSession:id
@treturn string raw bytes, 32 at the most; empty where the session has no id
@see SSL_SESSION_get_id(3)
*/
static int session_id(lua_State *L) {
    unsigned int length = 0;
    const unsigned char *id = SSL_SESSION_get_id(sci_check_session(L, 1), &length);
    lua_pushlstring(L, (const char *)id, length);
    return 1;
}

/***
Tells whether a handshake with this session can skip the full exchange.
@function OSSslSession:isResumable
@treturn boolean
@see SSL_SESSION_is_resumable(3)
*/
static int session_is_resumable(lua_State *L) {
    lua_pushboolean(L, SSL_SESSION_is_resumable(sci_check_session(L, 1)));
    return 1;
}

static const char *protocol_of(const SSL_SESSION *session) {
    return sci_protocol_name(SSL_SESSION_get_protocol_version(session));
}

/***
Returns the protocol of the session.
@function OSSslSession:protocol
@treturn string `TLSv1.2`, `TLSv1.3` …
@see SSL_SESSION_get_protocol_version(3)
*/
static int session_protocol(lua_State *L) {
    lua_pushstring(L, protocol_of(sci_check_session(L, 1)));
    return 1;
}

/***
Returns the cipher suite of the session.
@function OSSslSession:cipher
@treturn ?SciSslCipher
@see SSL_SESSION_get0_cipher(3)
*/
static int session_cipher(lua_State *L) {
    sci_push_cipher(L, SSL_SESSION_get0_cipher(sci_check_session(L, 1)));
    return 1;
}

/***
Returns the server name that the client asked for (SNI).
@function OSSslSession:hostName
@treturn ?string
@see SSL_SESSION_get0_hostname(3)
*/
static int session_host_name(lua_State *L) {
    lua_pushstring(L, SSL_SESSION_get0_hostname(sci_check_session(L, 1)));
    return 1;
}

/***
Returns when the session was made.
@function OSSslSession:time
@treturn integer seconds since the epoch
@see SSL_SESSION_get_time(3)
*/
static int session_time(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)SSL_SESSION_get_time(sci_check_session(L, 1)));
    return 1;
}

/***
Returns how long the session may be resumed.
@function OSSslSession:timeout
@treturn integer seconds from `time`
@see SSL_SESSION_get_timeout(3)
*/
static int session_timeout(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)SSL_SESSION_get_timeout(sci_check_session(L, 1)));
    return 1;
}

#define WEEK 604800 /* seconds: no client may keep a ticket of TLS 1.3 for longer (RFC 8446, section 4.6.1) */

/***
Returns how long the server will accept the session's ticket. In TLS 1.3 that is a week at most, whatever the server says.
@function OSSslSession:ticketLifetime
@treturn ?integer seconds; nil where the session has no ticket
@see SSL_SESSION_get_ticket_lifetime_hint(3)
@see RFC 8446, section 4.6.1
*/
static int session_ticket_lifetime(lua_State *L) {
    const SSL_SESSION *session = sci_check_session(L, 1);
    if (!SSL_SESSION_has_ticket(session)) {
        lua_pushnil(L);
        return 1;
    }
    lua_Integer seconds = (lua_Integer)SSL_SESSION_get_ticket_lifetime_hint(session);
    bool limited = SSL_SESSION_get_protocol_version(session) == TLS1_3_VERSION && seconds > WEEK;
    lua_pushinteger(L, limited ? WEEK : seconds);
    return 1;
}

/***
Returns how many bytes of early data the server accepts when the session is resumed.
@function OSSslSession:maxReplayableData
@treturn integer bytes; 0: none
@see SSL_SESSION_get_max_early_data(3)
*/
static int session_max_replayable_data(lua_State *L) {
    lua_pushinteger(L, SSL_SESSION_get_max_early_data(sci_check_session(L, 1)));
    return 1;
}

/***
Returns the application protocol of the session (ALPN).
@function OSSslSession:alpnProtocol
@treturn ?string
@see SSL_SESSION_get0_alpn_selected(3)
*/
static int session_alpn_protocol(lua_State *L) {
    const unsigned char *name = NULL;
    size_t length = 0;
    SSL_SESSION_get0_alpn_selected(sci_check_session(L, 1), &name, &length);
    if (length > 0) lua_pushlstring(L, (const char *)name, length);
    else lua_pushnil(L);
    return 1;
}

/***
Returns the certificate that the peer sent when the session was made.
@function OSSslSession:peerCertificate
@treturn ?SciSslX509Certificate
@see SSL_SESSION_get0_peer(3)
*/
static int session_peer_certificate(lua_State *L) {
    SSL_SESSION *session = sci_check_session(L, 1);
    X509 **slot = sci_new_certificate(L);
    X509 *peer = SSL_SESSION_get0_peer(session);
    if (peer && X509_up_ref(peer)) *slot = peer;
    if (!*slot) lua_pushnil(L);
    return 1;
}

static bool same_id(const SSL_SESSION *a, const SSL_SESSION *b) {
    unsigned int a_length, b_length;
    const unsigned char *a_id = SSL_SESSION_get_id(a, &a_length), *b_id = SSL_SESSION_get_id(b, &b_length);
    return a_length > 0 && a_length == b_length && CRYPTO_memcmp(a_id, b_id, a_length) == 0;
}

static int session_eq(lua_State *L) {
    const SSL_SESSION *a = sci_test_session(L, 1), *b = sci_test_session(L, 2);
    lua_pushboolean(L, a && b && (a == b || same_id(a, b)));
    return 1;
}

static int session_tostring(lua_State *L) {
    SSL_SESSION *session = sci_show_box(L, &session_kind);
    if (!session) return 1;
    const char *host = SSL_SESSION_get0_hostname(session);
    const SSL_CIPHER *cipher = SSL_SESSION_get0_cipher(session);
    lua_pushfstring(L, SCI_SESSION ": %s, %s%s%s, %s", protocol_of(session),
                    cipher ? SSL_CIPHER_get_name(cipher) : "no cipher", host ? ", " : "", host ? host : "",
                    SSL_SESSION_is_resumable(session) ? "resumable" : "not resumable");
    return 1;
}

static const luaL_Reg session_functions[] = {
    {"fromPem", session_from_pem},
    {"fromDer", session_from_der},
    {NULL, NULL},
};

static const luaL_Reg session_methods[] = {
    {"toPem", session_to_pem},
    {"toDer", session_to_der},
    {"id", session_id},
    {"isResumable", session_is_resumable},
    {"protocol", session_protocol},
    {"cipher", session_cipher},
    {"hostName", session_host_name},
    {"time", session_time},
    {"timeout", session_timeout},
    {"ticketLifetime", session_ticket_lifetime},
    {"maxReplayableData", session_max_replayable_data},
    {"alpnProtocol", session_alpn_protocol},
    {"peerCertificate", session_peer_certificate},
    {NULL, NULL},
};

static const luaL_Reg session_metamethods[] = {
    {"__gc", session_close},
    {"__close", session_close},
    {"__eq", session_eq},
    {"__tostring", session_tostring},
    {NULL, NULL},
};

void sci_open_session(lua_State *L) {
    sci_new_class(L, SCI_SESSION, session_functions, session_methods, session_metamethods);
}
