/* socket_error.c: SciSslErrors about sockets. */
#include "net/socket.h"

#include <errno.h>

int sci_socket_fail(lua_State *L, const sci_failure *failure) {
    sci_clear_errors();
    return sci_fail(L, failure);
}

int sci_socket_fail_closed(lua_State *L, const char *phase) {
    return sci_socket_fail(L, &(sci_failure){.phase = phase, .condition = "closed", .message = "used after close"});
}

int sci_socket_fail_system(lua_State *L, const char *phase, const char *subject, int system_errno) {
    return sci_socket_fail(L, &(sci_failure){.phase = phase,
                                             .subject = subject && *subject ? subject : NULL,
                                             .ssl_error = SSL_ERROR_SYSCALL,
                                             .system_errno = system_errno});
}

/* A blocking socket reports EAGAIN only where SO_RCVTIMEO or SO_SNDTIMEO has expired. */
static int fail_not_ready(lua_State *L, const sci_socket *base, const char *phase, int wanted) {
    bool expired = sci_socket_blocking(base);
    return sci_socket_fail(L,
                           &(sci_failure){.phase = phase,
                                          .condition = expired ? "timeout" : "not_ready",
                                          .message = expired ? "the socket's own time-out has passed"
                                                             : "not ready: wait for the socket, then repeat the call",
                                          .subject = *base->peer ? base->peer : NULL,
                                          .ssl_error = wanted});
}

/* The system reports once why a connection failed, and after that only that there is none. Returns the reason. */
static int find_reason(sci_socket *base, int system_errno) {
    if (system_errno == EPIPE || system_errno == ENOTCONN)
        return base->connect_errno ? base->connect_errno : system_errno;
    if (base->connecting && system_errno != ENOBUFS && system_errno != ENOMEM)
        sci_socket_note_failure(base, system_errno);
    return system_errno;
}

static int fail_listening(lua_State *L, const char *phase) {
    return sci_socket_fail(L, &(sci_failure){.phase = phase,
                                             .condition = "listening",
                                             .message = "the socket listens: use the socket that accept() returns",
                                             .ssl_error = SSL_ERROR_SYSCALL});
}

int sci_socket_fail_io(lua_State *L, sci_socket *socket, const char *phase, int wanted, int system_errno) {
    sci_socket *base = sci_socket_base(socket);
    if (sci_would_block(system_errno)) return fail_not_ready(L, base, phase, wanted);
    if (base->listening && (system_errno == EPIPE || system_errno == ENOTCONN)) return fail_listening(L, phase);
    return sci_socket_fail_system(L, phase, base->peer, find_reason(base, system_errno));
}

int sci_return_pushed_error(lua_State *L) {
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
}
