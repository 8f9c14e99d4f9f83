/* load.c: starts a server and sends it requests, each after the last reply: load VERSION CONNECTIONS SECONDS COMMAND… prints
 * requests a second. The command prints its port; each request and each reply is a kibibyte. */
#include "peer.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#define MESSAGE 1024
#define EVENTS 256

typedef struct connection {
    SSL *ssl;
    int got;
} connection;

static pid_t server;
static char message[MESSAGE];

static void stop_server(void) {
    if (server > 0) {
        kill(server, SIGTERM);
        waitpid(server, NULL, 0);
    }
}

/* Returns the port. */
static int start_server(char **command) {
    int ends[2], port = 0;
    check(pipe(ends) == 0, "pipe");
    server = fork();
    check(server >= 0, "fork");
    if (server == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execvp(command[0], command);
        _exit(127);
    }
    atexit(stop_server);
    close(ends[1]);
    FILE *output = fdopen(ends[0], "r");
    check(output && fscanf(output, "%d", &port) == 1, "starting the server");
    return port;
}

static void open_connection(connection *made, SSL_CTX *ctx, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    check(connect(descriptor, (struct sockaddr *)&address, sizeof address) == 0, "connect");
    made->ssl = SSL_new(ctx);
    check(made->ssl && SSL_set_fd(made->ssl, descriptor) == 1 && SSL_connect(made->ssl) == 1, "SSL_connect");
    prepare(descriptor);
}

static void ask(connection *of) {
    of->got = 0;
    check(SSL_write(of->ssl, message, MESSAGE) == MESSAGE, "SSL_write");
}

/* Returns the number of complete replies. */
static int hear(connection *of) {
    char bytes[CHUNK];
    int result;
    while (of->got < MESSAGE && (result = SSL_read(of->ssl, bytes, sizeof bytes)) > 0) of->got += result;
    if (of->got < MESSAGE) {
        check(must_wait(of->ssl, result), "SSL_read");
        return 0;
    }
    ask(of);
    return 1;
}

static long run(int poller, double seconds) {
    struct epoll_event events[EVENTS];
    long answers = 0;
    for (double end = now() + seconds; now() < end;) {
        int ready = epoll_wait(poller, events, EVENTS, 1000);
        for (int i = 0; i < ready; i++) answers += hear(events[i].data.ptr);
    }
    return answers;
}

int main(int count, char **words) {
    check(count >= 5, "reading the arguments");
    int connections = atoi(words[2]), poller = epoll_create1(0);
    double seconds = atof(words[3]);
    SSL_CTX *ctx = make_context(words[1], true, false);
    int port = start_server(words + 4);
    connection *all = calloc((size_t)connections, sizeof *all);
    for (int i = 0; i < connections; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
        open_connection(&all[i], ctx, port);
        check(epoll_ctl(poller, EPOLL_CTL_ADD, SSL_get_fd(all[i].ssl), &event) == 0, "epoll_ctl");
    }
    for (int i = 0; i < connections; i++) ask(&all[i]);
    run(poller, seconds / 4); /* warms up */
    printf("%.1f\n", (double)run(poller, seconds) / seconds);
    return 0;
}
