/* ktls.c: kTLS: the kernel makes records of what is sent, and encrypts them. Knows no Lua.
 *
 * OpenSSL passes the keys to its BIO in a structure that only its own socket BIO can read: we make such a BIO for that moment.
 * From then on OpenSSL gives our BIO plain bytes, which are sent without SIGPIPE as before. OpenSSL still decrypts what is
 * received: there kTLS would save no copy. */
#include "transport/transport.h"

/* ---- OpenSSL's option ------------------------------------------------------------------------------------------- */

/* From 3.2 on (measured: 3.5, 3.6, 4.0) OpenSSL asks for kTLS of the receiving direction whenever its keys change, and loses what
 * it has read ahead when the BIO rejects that. So it does not read ahead until the handshake is done, and the option is cleared then. */
static bool wants_ktls(const SSL *ssl) { return (SSL_get_options(ssl) & SSL_OP_ENABLE_KTLS) != 0; }

void sci_ktls_set_read_ahead(SSL *ssl, sci_transport *transport, bool ahead) {
    transport->ktls.ahead_later = ahead && wants_ktls(ssl);
    SSL_set_read_ahead(ssl, ahead && !wants_ktls(ssl));
}

void sci_ktls_end_handshake(SSL *ssl, sci_transport *transport) {
    if (!wants_ktls(ssl)) return;
    SSL_clear_options(ssl, SSL_OP_ENABLE_KTLS);
    if (transport->ktls.on) SSL_set_options(ssl, SSL_OP_NO_RENEGOTIATION);
    sci_ktls_set_read_ahead(ssl, transport, transport->ktls.ahead_later);
}

#ifdef SCI_KTLS

#include <errno.h>
#include <string.h>
#include <time.h>

#include <linux/tls.h>
#include <signal.h>

/* Commands of OpenSSL's record layer to a BIO. <openssl/bio.h> names these numbers in comments only. */
enum { SET_KEYS = 72, SET_RECORD_TYPE = 74, CLEAR_RECORD_TYPE = 75, SEND_FILES_WITHOUT_COPY = 90 };

/* ---- controls of the BIO ---------------------------------------------------------------------------------------- */

static bool ask_socket_bio(const sci_transport *transport, int command, long number, void *pointer) {
    BIO *bio = BIO_new_socket(sci_socket_descriptor(transport->socket), BIO_NOCLOSE);
    bool done = bio && BIO_ctrl(bio, command, number, pointer) > 0;
    BIO_free(bio);
    return done;
}

/* Most kernels reject new keys in place of others, and would go on with the old ones. */
static bool set_keys(sci_transport *transport, long sending, void *keys) {
    if (!sending) return false;
    if (transport->ktls.on) transport->ktls.ends = true;
    else transport->ktls.on = ask_socket_bio(transport, SET_KEYS, sending, keys);
    return transport->ktls.on && !transport->ktls.ends;
}

long sci_ktls_control(sci_transport *transport, int command, long number, void *pointer) {
    switch (command) {
        case SET_KEYS: return set_keys(transport, number, pointer);
        case SET_RECORD_TYPE: transport->ktls.record_type = (unsigned char)number; return 0;
        case CLEAR_RECORD_TYPE: transport->ktls.record_type = 0; return 0;
        case SEND_FILES_WITHOUT_COPY: return ask_socket_bio(transport, command, number, pointer);
        default: return 0;
    }
}

/* ---- sending ---------------------------------------------------------------------------------------------------- */

/* A record of another type than application data is sent whole, or not at all. */
static ssize_t send_record(int descriptor, unsigned char type, const char *data, size_t size, int flags) {
    union {
        struct cmsghdr header; /* for its alignment */
        unsigned char bytes[CMSG_SPACE(sizeof type)];
    } control = {.bytes = {0}};
    struct iovec part = {.iov_base = (void *)(uintptr_t)data, .iov_len = size}; /* which sendmsg does not write to */
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_TLS;
    header->cmsg_type = TLS_SET_RECORD_TYPE;
    header->cmsg_len = CMSG_LEN(sizeof type);
    memcpy(CMSG_DATA(header), &type, sizeof type);
    return sendmsg(descriptor, &message, flags);
}

/* After a KeyUpdate the peer expects records under new keys, which the kernel does not have. */
static bool announces_new_keys(unsigned char type, const char *data, size_t size) {
    return type == SSL3_RT_HANDSHAKE && size > 0 && data[0] == SSL3_MT_KEY_UPDATE;
}

ssize_t sci_ktls_send(sci_transport *transport, const char *data, size_t size, int flags) {
    int descriptor = sci_socket_descriptor(transport->socket);
    unsigned char type = transport->ktls.record_type;
    if (announces_new_keys(type, data, size)) transport->ktls.ends = true;
    if (transport->ktls.ends) {
        errno = EOPNOTSUPP;
        return -1;
    }
    if (type != 0) {
        ssize_t sent = send_record(descriptor, type, data, size, flags);
        if (sent >= 0) transport->ktls.record_type = 0;
        return sent;
    }
    /* Where OpenSSL repeats a write it uses the address of the first call; the bytes may have moved. */
    if (transport->ktls.data_end) data = transport->ktls.data_end - size;
    return send(descriptor, data, size, flags);
}

/* ---- files ------------------------------------------------------------------------------------------------------ */

/* sendfile(2) has no MSG_NOSIGNAL. Between these two calls SIGPIPE is blocked in this thread; end_quiet removes one that
 * came. The process's signal dispositions stay as they are. */
typedef struct quiet {
    sigset_t pipe, before;
    bool pending;
} quiet;

static void begin_quiet(quiet *state) {
    sigset_t pending;
    sigemptyset(&state->pipe);
    sigaddset(&state->pipe, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &state->pipe, &state->before);
    state->pending = sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
}

static void end_quiet(const quiet *state) {
    static const struct timespec at_once = {0, 0};
    int signal = 0;
    while (!state->pending && signal != SIGPIPE) {
        signal = sigtimedwait(&state->pipe, NULL, &at_once);
        if (signal < 0 && errno != EINTR) break;
    }
    (void)pthread_sigmask(SIG_SETMASK, &state->before, NULL);
}

/* Repeats SSL_sendfile while the transport takes bytes. `*last`: the result of the last call. Returns the bytes sent. */
static size_t send_on(SSL *ssl, int file, off_t offset, size_t count, ossl_ssize_t *last) {
    size_t total = 0;
    do {
        BIO_clear_retry_flags(SSL_get_wbio(ssl));
        *last = SSL_sendfile(ssl, file, offset + (off_t)total, count - total, 0);
        if (*last > 0) total += (size_t)*last;
    } while (total < count && (*last > 0 || (*last < 0 && errno == EINTR)));
    return total;
}

ossl_ssize_t sci_ktls_sendfile(SSL *ssl, sci_transport *transport, int file, off_t offset, size_t count) {
    BIO *bio = SSL_get_wbio(ssl);
    quiet state;
    ossl_ssize_t last;
    begin_quiet(&state);
    size_t total = send_on(ssl, file, offset, count, &last);
    int problem = errno;
    bool again = BIO_should_retry(bio);
    end_quiet(&state);
    sci_clear_errors(); /* OpenSSL reports "uninitialized" for every error of the system */
    if (total > 0 || (last == 0 && !again))
        return (ossl_ssize_t)total; /* the next call reports an error that came after them */
    sci_transport_note_failure(transport, again ? 0 : problem, !again);
    return -1;
}

#else

long sci_ktls_control(sci_transport *transport, int command, long number, void *pointer) {
    (void)transport, (void)command, (void)number, (void)pointer;
    return 0;
}

ssize_t sci_ktls_send(sci_transport *transport, const char *data, size_t size, int flags) {
    return send(sci_socket_descriptor(transport->socket), data, size, flags);
}

ossl_ssize_t sci_ktls_sendfile(SSL *ssl, sci_transport *transport, int file, off_t offset, size_t count) {
    (void)ssl, (void)transport, (void)file, (void)offset, (void)count;
    return -1;
}

#endif
