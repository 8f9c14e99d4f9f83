/* server.c: a common epoll server on libssl: server VERSION prints its port, and answers each kibibyte with another. */
#include "peer.h"

#include <sys/epoll.h>

#define MESSAGE 1024
#define EVENTS 256

typedef struct connection {
    SSL *ssl;
    int got;
    bool shaken;
} connection;

static int poller;
static char message[MESSAGE];

static void watch(int descriptor, void *connection) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    check(epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event) == 0, "epoll_ctl");
}

static void take_in(int listener, SSL_CTX *ctx) {
    int descriptor = accept(listener, NULL, NULL);
    connection *made = calloc(1, sizeof *made);
    check(descriptor >= 0 && made, "accept");
    prepare(descriptor);
    made->ssl = SSL_new(ctx);
    check(made->ssl && SSL_set_fd(made->ssl, descriptor) == 1, "SSL_new");
    watch(descriptor, made);
}

static void drop(connection *gone) {
    close(SSL_get_fd(gone->ssl));
    SSL_free(gone->ssl);
    free(gone);
}

/* False: the connection has ended. */
static bool serve(connection *of) {
    char bytes[CHUNK];
    int result;
    ERR_clear_error();
    if (!of->shaken) {
        result = SSL_accept(of->ssl);
        of->shaken = result == 1;
        if (result != 1) return must_wait(of->ssl, result);
    }
    while ((result = SSL_read(of->ssl, bytes, sizeof bytes)) > 0) {
        of->got += result;
        for (; of->got >= MESSAGE; of->got -= MESSAGE)
            if (SSL_write(of->ssl, message, MESSAGE) != MESSAGE) return false;
    }
    return must_wait(of->ssl, result);
}

int main(int count, char **words) {
    struct epoll_event events[EVENTS];
    struct sockaddr_in address;
    check(count == 2, "reading the argument");
    SSL_CTX *ctx = make_context(words[1], false, true);
    int listener = make_listener(&address);
    poller = epoll_create1(0);
    watch(listener, NULL);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        int ready = epoll_wait(poller, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            connection *of = events[i].data.ptr;
            if (!of) take_in(listener, ctx);
            else if (!serve(of)) drop(of);
        }
    }
}
