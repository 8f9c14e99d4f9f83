/* smoke.c: what a plain C program on libssl does, for smoke.lua to be measured against: both ends in one process over
 * a socket pair, default settings. smoke.c CERTIFICATE_FILE KEY_FILE MEBIBYTES ROUND_TRIPS */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#define CHUNK 16384

static void check(int ok, const char *what) {
    if (ok) return;
    fprintf(stderr, "smoke: %s failed\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static SSL *make_end(SSL_CTX *ctx, int descriptor) {
    SSL *ssl = SSL_new(ctx);
    check(ssl != NULL && SSL_set_fd(ssl, descriptor), "SSL_new");
    return ssl;
}

static void shake_hands(SSL *client, SSL *server) {
    int client_done = 0, server_done = 0;
    while (client_done != 1 || server_done != 1) {
        if (client_done != 1) client_done = SSL_connect(client);
        if (server_done != 1) server_done = SSL_accept(server);
        check(client_done == 1 || SSL_get_error(client, client_done) == SSL_ERROR_WANT_READ, "SSL_connect");
        check(server_done == 1 || SSL_get_error(server, server_done) == SSL_ERROR_WANT_READ, "SSL_accept");
    }
}

static void read_all(SSL *ssl, char *buffer, int length) {
    for (int got = 0; got < length;) {
        int result = SSL_read(ssl, buffer + got, length - got);
        check(result > 0, "SSL_read");
        got += result;
    }
}

static double bulk(SSL *from, SSL *to, int mebibytes, char *buffer) {
    double begin = now();
    for (int i = 0; i < mebibytes * (1048576 / CHUNK); i++) {
        check(SSL_write(from, buffer, CHUNK) == CHUNK, "SSL_write");
        read_all(to, buffer, CHUNK);
    }
    return mebibytes / (now() - begin);
}

static double round_trip(SSL *client, SSL *server, int count, char *buffer) {
    double begin = now();
    for (int i = 0; i < count; i++) {
        check(SSL_write(client, buffer, 64) == 64, "SSL_write");
        read_all(server, buffer, 64);
        check(SSL_write(server, buffer, 64) == 64, "SSL_write");
        read_all(client, buffer, 64);
    }
    return (now() - begin) / count * 1e9;
}

int main(int count, char **words) {
    static char buffer[CHUNK];
    int pair[2];
    check(count == 5, "reading four arguments");
    SSL_CTX *client_ctx = SSL_CTX_new(TLS_client_method()), *server_ctx = SSL_CTX_new(TLS_server_method());
    check(client_ctx && server_ctx, "SSL_CTX_new");
    check(SSL_CTX_use_certificate_file(server_ctx, words[1], SSL_FILETYPE_PEM), "certificate");
    check(SSL_CTX_use_PrivateKey_file(server_ctx, words[2], SSL_FILETYPE_PEM), "key");
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0, "socketpair");
    SSL *client = make_end(client_ctx, pair[0]), *server = make_end(server_ctx, pair[1]);
    shake_hands(client, server);
    printf("%.1f %.0f\n", bulk(client, server, atoi(words[3]), buffer),
           round_trip(client, server, atoi(words[4]), buffer));
    SSL_free(client);
    SSL_free(server);
    SSL_CTX_free(client_ctx);
    SSL_CTX_free(server_ctx);
    return 0;
}
