/* peer.h: shared by the C programs of the benchmark: contexts, connected ends, the clock. */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#define CHUNK 16384

static void check(bool ok, const char *what) {
    if (ok) return;
    fprintf(stderr, "bench: %s failed\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

/* With BENCH_PROCESSOR_TIME in the environment: of this process's processor time, which other programs disturb less. */
static inline double now(void) {
    struct timespec time;
    clock_gettime(getenv("BENCH_PROCESSOR_TIME") ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* ---- contexts: the files are in the folder BENCH_FOLDER --------------------------------------------------------- */

static const char *file(const char *name) {
    static char path[4096];
    const char *folder = getenv("BENCH_FOLDER");
    snprintf(path, sizeof path, "%s/%s", folder ? folder : ".", name);
    return path;
}

/* `tuned`: with the settings that OpenSSL's manual recommends for speed: read-ahead, and released buffers. */
static SSL_CTX *make_context(const char *version, bool tuned, bool server) {
    SSL_CTX *ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    int number = strcmp(version, "TLSv1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
    check(ctx && SSL_CTX_set_min_proto_version(ctx, number) && SSL_CTX_set_max_proto_version(ctx, number), "context");
    check(SSL_CTX_set1_groups_list(ctx, "X25519:P-256"), "groups");
    if (tuned) {
        SSL_CTX_set_read_ahead(ctx, 1);
        SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    }
    if (server) {
        check(SSL_CTX_use_certificate_file(ctx, file("server.pem"), SSL_FILETYPE_PEM) == 1, "certificate");
        check(SSL_CTX_use_PrivateKey_file(ctx, file("server.key"), SSL_FILETYPE_PEM) == 1, "key");
        return ctx;
    }
    check(SSL_CTX_load_verify_locations(ctx, file("ca.pem"), NULL) == 1, "authority");
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    return ctx;
}

/* ---- sockets ---------------------------------------------------------------------------------------------------- */

static inline void prepare(int descriptor) {
    int on = 1;
    check(fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0, "fcntl");
    check(setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0, "TCP_NODELAY");
}

/* A listening socket on a port of 127.0.0.1 that the kernel chooses, in `*address`. */
static inline int make_listener(struct sockaddr_in *address) {
    socklen_t length = sizeof *address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    memset(address, 0, sizeof *address);
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    check(listener >= 0 && bind(listener, (struct sockaddr *)address, sizeof *address) == 0, "bind");
    check(listen(listener, 1024) == 0, "listen");
    check(getsockname(listener, (struct sockaddr *)address, &length) == 0, "getsockname");
    return listener;
}

static inline bool must_wait(const SSL *ssl, int result) {
    int code = SSL_get_error(ssl, result);
    return code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE;
}

#endif
