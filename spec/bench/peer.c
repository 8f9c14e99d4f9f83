/* peer.c: a C program on libssl, with which the others are compared. Both ends are in one process, over TCP on 127.0.0.1.
 * peer plain|tuned WORK VERSION COUNT [EXTRA] prints one number; see works.lua. As OpenSSL demands (SSL_get_error(3)), the
 * error queue is emptied before each call whose result is looked at.
 * With BENCH_STRINGS it is a module of Lua, a function of WORK, VERSION, COUNT and EXTRA, which makes a string in Lua of whatever
 * it reads: what any library for Lua does at least. */
#include "peer.h"

#ifdef BENCH_STRINGS
#include <lauxlib.h>
static lua_State *strings;
#endif

typedef struct end {
    SSL *ssl;
    int descriptor;
} end;

static SSL_CTX *contexts[2]; /* client's, server's */
static SSL_SESSION *session;
static char buffer[65536];

static const struct sockaddr_in *address;
static int listener;

/* ---- connections ------------------------------------------------------------------------------------------------ */

static SSL *make_ssl(SSL_CTX *ctx, int descriptor) {
    SSL *ssl = SSL_new(ctx);
    prepare(descriptor);
    check(ssl && SSL_set_fd(ssl, descriptor) == 1, "SSL_new");
    return ssl;
}

static void open_pair(end pair[2]) {
    pair[0].descriptor = socket(AF_INET, SOCK_STREAM, 0);
    check(connect(pair[0].descriptor, (const struct sockaddr *)address, sizeof *address) == 0, "connect");
    pair[1].descriptor = accept(listener, NULL, NULL);
    check(pair[1].descriptor >= 0, "accept");
    for (int i = 0; i < 2; i++) pair[i].ssl = make_ssl(contexts[i], pair[i].descriptor);
}

/* One end after the other, like `close` of the other peers. */
static void close_pair(end pair[2]) {
    for (int i = 0; i < 2; i++) {
        ERR_clear_error();
        SSL_shutdown(pair[i].ssl);
        SSL_free(pair[i].ssl);
        close(pair[i].descriptor);
    }
}

static void shake_hands(end pair[2]) {
    int done[2] = {0, 0};
    if (session) check(SSL_set_session(pair[0].ssl, session) == 1, "SSL_set_session");
    while (done[0] != 1 || done[1] != 1) {
        for (int i = 0; i < 2; i++) {
            if (done[i] == 1) continue;
            ERR_clear_error();
            done[i] = i == 0 ? SSL_connect(pair[i].ssl) : SSL_accept(pair[i].ssl);
            check(done[i] == 1 || must_wait(pair[i].ssl, done[i]), "handshake");
        }
    }
}

/* ---- bytes ------------------------------------------------------------------------------------------------------ */

static int send_some(end *from, const char *data, int length) {
    ERR_clear_error();
    int result = SSL_write(from->ssl, data, length);
    check(result > 0 || must_wait(from->ssl, result), "SSL_write");
    return result > 0 ? result : 0;
}

static int receive_some(end *to) {
    ERR_clear_error();
    int result = SSL_read(to->ssl, buffer, CHUNK);
    check(result > 0 || must_wait(to->ssl, result), "SSL_read");
#ifdef BENCH_STRINGS
    lua_pushlstring(strings, buffer, result > 0 ? (size_t)result : 0);
    lua_pop(strings, 1);
#endif
    return result > 0 ? result : 0;
}

static void transfer(end *from, end *to, const char *data, int length) {
    int sent = 0, got = 0, some;
    while (got < length) {
        if (sent < length) sent += send_some(from, data + sent, length - sent);
        while (got < length && (some = receive_some(to)) > 0) got += some;
    }
}

static void trip(end pair[2], const char *data, int length) {
    transfer(&pair[0], &pair[1], data, length);
    transfer(&pair[1], &pair[0], data, length);
}

static void connect_pair(end pair[2]) {
    open_pair(pair);
    shake_hands(pair);
    trip(pair, "x", 1);
}

/* ---- works ------------------------------------------------------------------------------------------------------ */

static double handshakes(int count, int unused) {
    end pair[2];
    (void)unused;
    double begin = now();
    for (int i = 0; i < count; i++) {
        open_pair(pair);
        shake_hands(pair);
        close_pair(pair);
    }
    return count / (now() - begin);
}

/* In TLS 1.3 the first read receives the ticket. */
static void take_session(end *client) {
    (void)receive_some(client);
    SSL_SESSION_free(session);
    session = SSL_get1_session(client->ssl);
}

/* Each handshake resumes the session of the one before, as RFC 8446 recommends. */
static double resumptions(int count, int unused) {
    end pair[2];
    (void)unused;
    connect_pair(pair);
    take_session(&pair[0]);
    close_pair(pair);
    double begin = now();
    for (int i = 0; i < count; i++) {
        open_pair(pair);
        shake_hands(pair);
        check(SSL_session_reused(pair[0].ssl), "resuming");
        take_session(&pair[0]);
        close_pair(pair);
    }
    return count / (now() - begin);
}

static double bulk(int mebibytes, int length) {
    char *data = calloc(1, (size_t)length);
    int count = (int)((double)mebibytes * 1048576 / length);
    end pair[2];
    connect_pair(pair);
    double begin = now();
    for (int i = 0; i < count; i++) transfer(&pair[0], &pair[1], data, length);
    double took = now() - begin;
    free(data);
    return mebibytes / took;
}

static double trips(int count, int length) {
    char data[CHUNK] = {0};
    end pair[2];
    connect_pair(pair);
    double begin = now();
    for (int i = 0; i < count; i++) trip(pair, data, length);
    return (now() - begin) / count * 1e9;
}

#define BATCH 64

static double one_way(int count, int length) {
    char data[CHUNK] = {0};
    end pair[2];
    connect_pair(pair);
    double begin = now();
    for (int i = 0; i < count; i += BATCH) {
        for (int j = 0; j < BATCH; j++) check(send_some(&pair[0], data, length) == length, "sending at once");
        for (int got = 0; got < BATCH * length;) got += receive_some(&pair[1]);
    }
    return (now() - begin) / count * 1e9;
}

static double resident(void) {
    long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    check(statm && fscanf(statm, "%*d %ld", &pages) == 1, "reading /proc/self/statm");
    fclose(statm);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static end (*open_many(int count))[2] {
    end(*pairs)[2] = calloc((size_t)count, sizeof *pairs);
    for (int i = 0; i < count; i++) connect_pair(pairs[i]);
    return pairs;
}

static double idle(int count, int unused) {
    (void)unused;
    open_many(20);
    double before = resident();
    open_many(count);
    return (resident() - before) / count;
}

#define ACTIVE 10
#define SCALE_TRIPS 20000

/* `count` connections are open; ten of them do the work. */
static double scale(int count, int length) {
    char data[CHUNK] = {0};
    end(*pairs)[2] = open_many(count);
    double begin = now();
    for (int i = 0; i < SCALE_TRIPS; i++) trip(pairs[(size_t)(i % ACTIVE) * (size_t)(count / ACTIVE)], data, length);
    return (now() - begin) / SCALE_TRIPS * 1e9;
}

/* For callgrind: `count` writes, each followed by a read if `reads`. */
static double instructions(int count, int reads) {
    char data[64] = {0};
    end pair[2];
    connect_pair(pair);
    for (int i = 0; i < count; i++) {
        check(SSL_write(pair[0].ssl, data, sizeof data) == sizeof data, "SSL_write");
        if (reads) check(SSL_read(pair[1].ssl, buffer, CHUNK) == sizeof data, "SSL_read");
    }
    return count;
}

static const struct {
    const char *name;
    double (*run)(int count, int extra);
} works[] = {{"handshake", handshakes}, {"resume", resumptions}, {"bulk", bulk},   {"trip", trips},
             {"oneway", one_way},       {"idle", idle},          {"scale", scale}, {"instructions", instructions}};

static double run(bool tuned, const char *work, const char *version, int count, int extra) {
    struct sockaddr_in where;
    for (int i = 0; i < 2; i++) contexts[i] = make_context(version, tuned, i == 1);
    listener = make_listener(&where);
    address = &where;
    for (size_t i = 0; i < sizeof works / sizeof *works; i++)
        if (strcmp(works[i].name, work) == 0) return works[i].run(count, extra);
    check(false, "finding the work");
    return 0;
}

#ifdef BENCH_STRINGS
static int run_with_strings(lua_State *L) {
    strings = L;
    lua_pushnumber(L, run(false, luaL_checkstring(L, 1), luaL_checkstring(L, 2), (int)luaL_checkinteger(L, 3),
                          (int)luaL_optinteger(L, 4, 0)));
    return 1;
}

int luaopen_bench_peer(lua_State *L) {
    lua_pushcfunction(L, run_with_strings);
    return 1;
}
#endif

int main(int count, char **words) {
    check(count >= 5, "reading the arguments");
    bool tuned = strcmp(words[1], "tuned") == 0;
    printf("%.3f\n", run(tuned, words[2], words[3], atoi(words[4]), count > 5 ? atoi(words[5]) : 0));
    return 0;
}
