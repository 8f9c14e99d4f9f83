/* resolver.c: a library to be preloaded, in which getaddrinfo knows hosts of its own, and a Lua module that forks and runs other
 * lua_States. See resolver.lua. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

typedef int resolver(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **list);

static resolver *system_resolver(void) {
    union {
        void *pointer;
        resolver *function;
    } found = {.pointer = dlsym(RTLD_NEXT, "getaddrinfo")};
    return found.function;
}

/* ---- hosts ------------------------------------------------------------------------------------------------------ */

static pthread_key_t ending;
static int begun[2]; /* a pipe: a byte for each look-up of gate.test or never.test */
static int ended[2]; /* a pipe: a byte for each thread that looked up gate.test and ends */

static void report_end(void *unused) {
    (void)unused;
    (void)!write(ended[1], "!", 1);
}

static void report_begin(void) { (void)!write(begun[1], "!", 1); }

static void pause_for_ever(void) {
    report_begin();
    for (;;) pause();
}

/* Waits until something is written to the FIFO that RESOLVER_GATE names. */
static void pass_gate(void) {
    char byte;
    report_begin();
    int gate = open(getenv("RESOLVER_GATE"), O_RDONLY);
    pthread_setspecific(ending, &ending);
    (void)!read(gate, &byte, 1);
    close(gate);
}

static int are_signals_blocked(void) {
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    return sigismember(&blocked, SIGINT) && sigismember(&blocked, SIGTERM) && sigismember(&blocked, SIGALRM) &&
           sigismember(&blocked, SIGPIPE);
}

/* 127.0.1.1 … 127.0.1.100 */
static int find_hundred(const char *service, const struct addrinfo *hints, struct addrinfo **list) {
    for (int i = 100; i >= 1; i--) {
        char text[INET_ADDRSTRLEN];
        struct addrinfo *one;
        snprintf(text, sizeof text, "127.0.1.%d", i);
        int code = system_resolver()(text, service, hints, &one);
        if (code != 0) return code;
        one->ai_next = *list;
        *list = one;
    }
    return 0;
}

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **list) {
    if (!host || (hints && hints->ai_flags & AI_NUMERICHOST)) return system_resolver()(host, service, hints, list);
    *list = NULL;
    if (strcmp(host, "never.test") == 0) pause_for_ever();
    if (strcmp(host, "nothing.test") == 0) return EAI_NONAME;
    if (strcmp(host, "again.test") == 0) return EAI_AGAIN;
    if (strcmp(host, "hundred.test") == 0) return find_hundred(service, hints, list);
    if (strcmp(host, "signals.test") == 0 && !are_signals_blocked()) return EAI_FAIL;
    if (strcmp(host, "gate.test") == 0) pass_gate();
    size_t length = strlen(host);
    if (length > 5 && strcmp(host + length - 5, ".test") == 0) host = "127.0.0.1";
    return system_resolver()(host, service, hints, list);
}

/* ---- for Lua ---------------------------------------------------------------------------------------------------- */

/* fork(): the child's number; 0 in the child */
static int fork_process(lua_State *L) {
    lua_pushinteger(L, fork());
    return 1;
}

/* wait(number): how the child has ended */
static int wait_for(lua_State *L) {
    int status = -1;
    waitpid((pid_t)luaL_checkinteger(L, 1), &status, 0);
    lua_pushinteger(L, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    return 1;
}

/* exit(code): at once, as a forked child must */
static int exit_process(lua_State *L) { _exit((int)luaL_checkinteger(L, 1)); }

/* run(source): in a lua_State of its own, which is closed then. Returns its result. */
static int run_source(lua_State *L) {
    const char *source = luaL_checkstring(L, 1);
    lua_State *other = luaL_newstate();
    luaL_openlibs(other);
    int failed = luaL_dostring(other, source);
    lua_pushboolean(L, !failed);
    lua_pushstring(L, lua_tostring(other, -1));
    lua_close(other);
    return 2;
}

/* The number of bytes is the first argument, 1 by default. */
static int await(lua_State *L, int end) {
    lua_Integer left = luaL_optinteger(L, 1, 1);
    char byte;
    while (left > 0 && read(end, &byte, 1) == 1) left--;
    lua_pushboolean(L, left == 0);
    return 1;
}

/* Return once so many look-ups of gate.test and never.test have begun, or so many threads have ended that passed the gate. */
static int await_begin(lua_State *L) { return await(L, begun[0]); }
static int await_end(lua_State *L) { return await(L, ended[0]); }

static int is_loaded(lua_State *L) {
    void *library = dlopen(luaL_checkstring(L, 1), RTLD_NOW | RTLD_NOLOAD);
    lua_pushboolean(L, library != NULL);
    return 1;
}

int luaopen_resolver(lua_State *L);

int luaopen_resolver(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"fork", fork_process},  {"wait", wait_for},          {"exit", exit_process},  {"run", run_source},
        {"isLoaded", is_loaded}, {"awaitBegin", await_begin}, {"awaitEnd", await_end}, {NULL, NULL},
    };
    if (begun[1] == 0 && (pipe(begun) != 0 || pipe(ended) != 0 || pthread_key_create(&ending, report_end) != 0))
        return luaL_error(L, "no pipe");
    luaL_newlib(L, functions);
    return 1;
}
