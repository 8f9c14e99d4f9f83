/* bulk.c: long transfers in plain C, with which bulk.lua compares, and their other end. All sockets are TCP on 127.0.0.1,
 * non-blocking, and wait by poll. With BENCH_STRINGS it is a module of Lua (see bulk.lua), and makes Lua's strings in place of blocks
 * of memory: what they cost any program.
 *   bulk serve WORK BYTES            prints its port; serves one connection: sends so many bytes, or receives them
 *   bulk plain|tuned WORK PORT BYTES prints the microseconds of processor time that the work takes
 * Works: `lines`: each line in memory of its own, which is freed again; `read_all`: everything, into one piece of memory;
 * `write_all`: one piece of memory. The bytes are lines of 80. Under callgrind the instructions of the work alone are counted. */
#include "../peer.h"

#include <poll.h>

#ifdef __has_include
#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#endif
#endif
#ifndef CALLGRIND_START_INSTRUMENTATION
#define CALLGRIND_START_INSTRUMENTATION (void)0
#define CALLGRIND_STOP_INSTRUMENTATION (void)0
#endif

#ifdef BENCH_STRINGS
#include <lauxlib.h>
static lua_State *strings;
#endif

#define LINE 80
#define ROOM 65536

static SSL *ssl;

/* Waits for what `result` of a call on the connection wants. False: the connection has ended. */
static bool wait_for(int result) {
    int code = SSL_get_error(ssl, result);
    struct pollfd entry = {.fd = SSL_get_fd(ssl), .events = code == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN};
    if (code == SSL_ERROR_ZERO_RETURN) return false;
    check(code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE, "transfer");
    check(poll(&entry, 1, -1) == 1, "poll");
    return true;
}

static void send_all(const char *bytes, size_t length) {
    size_t done;
    int result;
    while (ERR_clear_error(), (result = SSL_write_ex(ssl, bytes, length, &done)) <= 0) check(wait_for(result), "write");
}

/* Returns how many bytes came; 0 at the end. */
static size_t receive(char *bytes, size_t size) {
    size_t length;
    int result;
    while (ERR_clear_error(), (result = SSL_read_ex(ssl, bytes, size, &length)) <= 0)
        if (!wait_for(result)) return 0;
    return length;
}

static void shake_hands(SSL_CTX *ctx, int descriptor, bool server) {
    int result;
    prepare(descriptor);
    ssl = SSL_new(ctx);
    check(ssl && SSL_set_fd(ssl, descriptor) == 1, "SSL_new");
    while ((result = server ? SSL_accept(ssl) : SSL_connect(ssl)) <= 0) check(wait_for(result), "handshake");
}

static char *make_lines(size_t length) {
    char *bytes = malloc(length);
    check(bytes != NULL, "malloc");
    memset(bytes, 'x', length);
    for (size_t i = LINE; i <= length; i += LINE) bytes[i - 1] = '\n';
    return bytes;
}

/* Closes only after the other end has: unread bytes, as session tickets, would reset the connection. */
static void part(void) {
    char bytes[4096];
    struct pollfd entry = {.fd = SSL_get_fd(ssl), .events = POLLIN};
    SSL_shutdown(ssl);
    shutdown(entry.fd, SHUT_WR);
    while (poll(&entry, 1, -1) == 1 && read(entry.fd, bytes, sizeof bytes) > 0) {
    }
}

/* ---- the other end ------------------------------------------------------------------------------------------------ */

static void serve(const char *work, size_t length) {
    struct sockaddr_in address;
    int listener = make_listener(&address);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    shake_hands(make_context("TLSv1.3", true, true), accept(listener, NULL, NULL), true);
    char *bytes = make_lines(LINE * 12800);
    if (strcmp(work, "write_all") == 0) {
        while (receive(bytes, ROOM) > 0) {
        }
    } else {
        for (size_t part; length > 0; length -= part) {
            part = length < LINE * 12800 ? length : LINE * 12800;
            send_all(bytes, part);
        }
    }
    part();
}

/* ---- the works ---------------------------------------------------------------------------------------------------- */

static size_t lines_read;

static void take_line(const char *bytes, size_t length) {
#ifdef BENCH_STRINGS
    lua_pushlstring(strings, bytes, length);
    lua_pop(strings, 1);
#else
    char *line = malloc(length + 1);
    check(line != NULL, "malloc");
    memcpy(line, bytes, length);
    line[length] = 0;
    free(line);
#endif
    lines_read++;
}

static void read_lines(size_t length) {
    static char bytes[2 * ROOM];
    size_t size = 0, got;
    while ((got = receive(bytes + size, ROOM)) > 0) {
        char *line = bytes, *found;
        size += got;
        while ((found = memchr(line, '\n', size)) != NULL) {
            take_line(line, (size_t)(found - line));
            size -= (size_t)(found - line) + 1;
            line = found + 1;
        }
        memmove(bytes, line, size);
    }
    check(lines_read == length / LINE, "lines");
}

static void read_all(size_t length) {
    size_t size = 0, capacity = ROOM, got;
    char *bytes = malloc(capacity);
    while ((got = receive(bytes + size, capacity - size)) > 0) {
        size += got;
        if (capacity - size >= CHUNK) continue;
        capacity *= 2;
        bytes = realloc(bytes, capacity);
        check(bytes != NULL, "realloc");
    }
    check(size == length, "all");
#ifdef BENCH_STRINGS
    lua_pushlstring(strings, bytes, size);
#endif
    free(bytes);
}

static double processor_time(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

/* Returns the microseconds that it takes. */
static double work_on(const char *work, size_t length) {
    char *bytes = strcmp(work, "write_all") == 0 ? make_lines(length) : NULL;
    double began = processor_time();
    CALLGRIND_START_INSTRUMENTATION;
    if (bytes) send_all(bytes, length);
    else if (strcmp(work, "lines") == 0) read_lines(length);
    else read_all(length);
    CALLGRIND_STOP_INSTRUMENTATION;
    double took = processor_time() - began;
    part();
    return took;
}

static void connect_to(int port, bool tuned) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    check(connect(descriptor, (struct sockaddr *)&address, sizeof address) == 0, "connect");
    shake_hands(make_context("TLSv1.3", tuned, false), descriptor, false);
}

#ifdef BENCH_STRINGS
/* bench_strings(work, port, bytes) */
static int work_with_strings(lua_State *L) {
    strings = L;
    connect_to((int)luaL_checkinteger(L, 2), true);
    lua_pushnumber(L, work_on(luaL_checkstring(L, 1), (size_t)luaL_checkinteger(L, 3)));
    return 1;
}

int luaopen_bench_strings(lua_State *L) {
    lua_pushcfunction(L, work_with_strings);
    return 1;
}
#endif

int main(int count, char **words) {
    if (count == 4 && strcmp(words[1], "serve") == 0) {
        serve(words[2], strtoull(words[3], NULL, 10));
        return 0;
    }
    check(count == 5, "reading the arguments");
    connect_to(atoi(words[3]), strcmp(words[1], "tuned") == 0);
    printf("%.0f\n", work_on(words[2], strtoull(words[4], NULL, 10)));
    return 0;
}
