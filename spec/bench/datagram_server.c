/* datagram_server.c: a common server of DTLS on libssl: it prints its port, and sends each message back. As in OpenSSL's examples, a
 * peer that has returned its cookie gets a connected socket of its own. */
#include "peer.h"

#include <sys/epoll.h>

#define EVENTS 256
#define COOKIE "a cookie" /* a true server makes them of a secret and the address: that costs time, and no memory */

typedef struct association {
    SSL *ssl;
    int descriptor;
    bool shaken;
} association;

static const unsigned char key[] = "sixteen bytes ...";

static unsigned find_key(SSL *ssl, const char *identity, unsigned char *place, unsigned room) {
    (void)ssl;
    if (strcmp(identity, "sensor") != 0 || room < sizeof key - 1) return 0;
    memcpy(place, key, sizeof key - 1);
    return sizeof key - 1;
}

static int make_cookie(SSL *ssl, unsigned char *cookie, unsigned *length) {
    (void)ssl;
    memcpy(cookie, COOKIE, sizeof COOKIE);
    *length = sizeof COOKIE;
    return 1;
}

static int check_cookie(SSL *ssl, const unsigned char *cookie, unsigned length) {
    (void)ssl;
    return length == sizeof COOKIE && memcmp(cookie, COOKIE, length) == 0;
}

static SSL_CTX *make_datagram_context(void) {
    SSL_CTX *ctx = SSL_CTX_new(DTLS_server_method());
    check(ctx && SSL_CTX_set_cipher_list(ctx, "ECDHE-PSK-CHACHA20-POLY1305"), "context");
    SSL_CTX_set_psk_server_callback(ctx, find_key);
    SSL_CTX_set_cookie_generate_cb(ctx, make_cookie);
    SSL_CTX_set_cookie_verify_cb(ctx, check_cookie);
    return ctx;
}

static int poller;
static struct sockaddr_in own;

static void watch(int descriptor, void *association) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = association};
    check(epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event) == 0, "epoll_ctl");
}

static int open_socket(void) {
    int on = 1, descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    check(descriptor >= 0 && setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0, "socket");
    check(bind(descriptor, (struct sockaddr *)&own, sizeof own) == 0, "bind");
    return descriptor;
}

static SSL *make_ssl(SSL_CTX *ctx, int descriptor) {
    SSL *ssl = SSL_new(ctx);
    BIO *bio = BIO_new_dgram(descriptor, BIO_NOCLOSE);
    check(ssl && bio, "SSL_new");
    SSL_set_bio(ssl, bio, bio);
    SSL_set_options(ssl, SSL_OP_COOKIE_EXCHANGE | SSL_OP_NO_QUERY_MTU);
    SSL_set_mtu(ssl, 1232);
    return ssl;
}

static void take_in(SSL_CTX *ctx, int listener) {
    static SSL *ssl;
    static BIO_ADDR *peer;
    if (!peer) peer = BIO_ADDR_new();
    if (!ssl) ssl = make_ssl(ctx, listener);
    if (DTLSv1_listen(ssl, peer) <= 0) return;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = BIO_ADDR_rawport(peer)};
    size_t length = sizeof address.sin_addr;
    check(BIO_ADDR_rawaddress(peer, &address.sin_addr, &length) == 1, "address");
    association *made = calloc(1, sizeof *made);
    check(made != NULL, "calloc");
    made->ssl = ssl;
    made->descriptor = open_socket();
    check(connect(made->descriptor, (struct sockaddr *)&address, sizeof address) == 0, "connect");
    BIO_set_fd(SSL_get_rbio(ssl), made->descriptor, BIO_NOCLOSE);
    BIO_ctrl(SSL_get_rbio(ssl), BIO_CTRL_DGRAM_SET_CONNECTED, 0, peer);
    made->shaken = SSL_accept(ssl) == 1;
    watch(made->descriptor, made);
    ssl = NULL;
}

static void drop(association *gone) {
    close(gone->descriptor);
    SSL_free(gone->ssl);
    free(gone);
}

/* False: the association has ended. */
static bool serve(association *of) {
    char bytes[CHUNK];
    int result;
    if (!of->shaken) {
        result = SSL_accept(of->ssl);
        of->shaken = result == 1;
        if (result != 1) return must_wait(of->ssl, result);
    }
    while ((result = SSL_read(of->ssl, bytes, sizeof bytes)) > 0)
        if (SSL_write(of->ssl, bytes, result) != result) return false;
    return must_wait(of->ssl, result);
}

int main(void) {
    struct epoll_event events[EVENTS];
    socklen_t length = sizeof own;
    SSL_CTX *ctx = make_datagram_context();
    own = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = open_socket();
    check(getsockname(listener, (struct sockaddr *)&own, &length) == 0, "getsockname");
    poller = epoll_create1(0);
    watch(listener, NULL);
    printf("%d\n", ntohs(own.sin_port));
    fflush(stdout);
    for (;;) {
        int ready = epoll_wait(poller, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            association *of = events[i].data.ptr;
            if (!of) take_in(ctx, listener);
            else if (!serve(of)) drop(of);
        }
    }
}
