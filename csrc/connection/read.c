/* read.c: SciSslSocket, sslRead, sslPeek and sslReadSized, and what a loop that polls the socket asks (dirty, events, timeout).
 * result.c tells the peer's close_notify, a cut connection and "not ready" apart. */
#include "connection/connection.h"

#include <string.h>

void sci_ssl_reset_read(sci_sslsocket *socket) { socket->read.no_read_ahead = socket->read.end_unread = false; }

/* ---- looking ahead ----------------------------------------------------------------------------------------------- */

/* The next read returns this failure. */
static void keep_failure(lua_State *L, sci_sslsocket *socket, int result) {
    socket->read.end_unread = sci_ssl_keep_failure(L, socket, result) == SSL_ERROR_ZERO_RETURN;
}

/* Whether the next read returns the end of the stream or a failure. */
static bool ends_next(const sci_sslsocket *socket) {
    return socket->result.failed || socket->result.bytes_in_c || socket->read.end_unread;
}

void sci_ssl_look_ahead(lua_State *L, sci_sslsocket *socket, bool buffered_only) {
    unsigned char byte;
    size_t length;
    if (!socket->ssl || !socket->handshake.done || socket->callback.running || ends_next(socket)) return;
    /* Nothing is read behind a close_notify. From OpenSSL 3.2 on its record stays pending for ever. */
    if (SSL_get_shutdown(socket->ssl) & SSL_RECEIVED_SHUTDOWN) return;
    sci_ssl_begin(L, socket);
    sci_transport_stop_waiting(&socket->transport, buffered_only);
    int result = SSL_peek_ex(socket->ssl, &byte, 1, &length);
    sci_transport_wait_again(&socket->transport);
    sci_ssl_end(socket);
    if (result <= 0) keep_failure(L, socket, result);
}

/* Whether the last call stopped at SCI_READ_LIMIT and left bytes in a memory transport. */
static bool was_stopped(const sci_sslsocket *socket) {
    return socket->transport.read.stopped && socket->transport.memory.in.length > 0;
}

bool sci_ssl_is_clean(const sci_sslsocket *socket) {
    return socket->ssl && socket->handshake.done && !ends_next(socket) && !SSL_has_pending(socket->ssl) &&
           socket->transport.memory.in.length == 0;
}

bool sci_ssl_dirty(lua_State *L, sci_sslsocket *socket) {
    if (!socket->ssl) return false;
    if (!socket->handshake.done) return was_stopped(socket);
    if (sci_ssl_is_clean(socket)) return false;
    if (ends_next(socket) || SSL_pending(socket->ssl) > 0) return true;
    sci_ssl_look_ahead(L, socket, true);
    return was_stopped(socket) || ends_next(socket) || SSL_pending(socket->ssl) > 0;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* Reads the records that arrived together with the first one, without reading the transport again. `*result`: what OpenSSL has
 * returned last. */
static size_t read_buffered(sci_sslsocket *socket, unsigned char *buffer, size_t size, int *result) {
    size_t total = 0;
    if (size == 0 || !SSL_has_pending(socket->ssl)) return 0;
    sci_transport_stop_waiting(&socket->transport, true);
    while (*result > 0 && total < size && SSL_has_pending(socket->ssl)) {
        size_t length = 0;
        *result = SSL_read_ex(socket->ssl, buffer + total, size - total, &length);
        total += length;
    }
    sci_transport_wait_again(&socket->transport);
    return total;
}

/* The argument `max`, at most what the scratch buffer takes. */
static size_t check_max(lua_State *L) {
    if (lua_isnoneornil(L, 2)) return SCI_SCRATCH;
    lua_Integer max = luaL_checkinteger(L, 2);
    if (max < 0) sci_refuse_negative(L, 2, "number of bytes");
    return max < SCI_SCRATCH ? (size_t)max : SCI_SCRATCH;
}

void sci_ssl_give_scratch_back(sci_sslsocket *socket) {
    if (socket->read.has_scratch) socket->state->reading = false;
    socket->read.has_scratch = false;
}

unsigned char *sci_ssl_take_scratch(lua_State *L, sci_sslsocket *socket) {
    sci_state *state = socket->state;
    if (socket->read.has_scratch && !sci_in_finalizer(L)) sci_ssl_give_scratch_back(socket);
    unsigned char *buffer = state->reading ? lua_newuserdatauv(L, SCI_SCRATCH, 0) : state->scratch;
    if (!state->reading) socket->read.has_scratch = true; /* else a call that a finalizer interrupts has it */
    state->reading = true;
    return buffer;
}

static void note_data(sci_sslsocket *socket) {
    if (socket->limits.counting) sci_ssl_note_data(socket);
}

/* Returns bytes that were read; `result` is what OpenSSL has returned last. */
static int return_bytes(lua_State *L, sci_sslsocket *socket, const unsigned char *bytes, size_t length, int result) {
    sci_ssl_note_success(socket); /* first: behind the bytes OpenSSL may have met something that it has to reply to */
    if (result <= 0) {
        sci_ssl_hold_bytes(socket, true);
        keep_failure(L, socket, result); /* may raise */
    }
    sci_ssl_give_scratch_back(socket);
    note_data(socket);
    sci_ssl_push_bytes(L, socket, bytes, length);
    return 1;
}

static int return_no_bytes(lua_State *L, sci_sslsocket *socket, int result) {
    sci_ssl_give_scratch_back(socket);
    socket->read.end_unread = false;
    sci_ssl_push_failure(L, socket, result, "read");
    return 1;
}

/* A read that brought less than a record's worth has taken what there was. */
bool sci_ssl_has_read_all(const sci_sslsocket *socket) {
    return socket->ssl && socket->transport.read.taken < SSL3_RT_MAX_PLAIN_LENGTH && !socket->memory &&
           !ends_next(socket) && !SSL_has_pending(socket->ssl);
}

bool sci_ssl_read_into(lua_State *L, sci_sslsocket *socket, unsigned char *bytes, size_t size, size_t *length) {
    size_t count = 0;
    if (!sci_ssl_ready_for_data(L, socket, "read")) return false;
    sci_ssl_begin(L, socket);
    int result = SSL_read_ex(socket->ssl, bytes, size, &count), last = result;
    if (result > 0) {
        sci_ssl_note_moved(socket);
        count += read_buffered(socket, bytes + count, size - count, &last);
    }
    sci_ssl_end(socket);
    if (result <= 0) {
        socket->read.end_unread = false;
        sci_ssl_push_failure(L, socket, result, "read");
        return false;
    }
    *length += count;
    sci_ssl_note_success(socket);
    note_data(socket);
    if (last > 0) return true;
    sci_ssl_hold_bytes(socket, true);
    keep_failure(L, socket, last); /* may raise */
    sci_ssl_hold_bytes(socket, false);
    return true;
}

/* DTLS, and `max` is less than a message may have: a longer one stays, for a call that takes more. Returns how many values were
 * pushed; 0: the message may be read. */
static int refuse_longer(lua_State *L, sci_sslsocket *socket, unsigned char *buffer, size_t max) {
    size_t length = 0;
    if (!socket->transport.datagrams || max >= SSL3_RT_MAX_PLAIN_LENGTH) return 0;
    int result = SSL_peek_ex(socket->ssl, buffer, SCI_SCRATCH, &length);
    if (result > 0 && length <= max) return 0;
    sci_ssl_end(socket);
    if (result <= 0) return return_no_bytes(L, socket, result);
    sci_ssl_give_scratch_back(socket);
    sci_ssl_fail(L, "read", "message_too_long",
                 "the message is longer than the number of bytes that this call may take");
    return 1;
}

void sci_ssl_read_laid(lua_State *L, sci_sslsocket *socket, sci_laid *laid) {
    bool taken = true;
    sci_ssl_begin(L, socket);
    sci_transport_lay(&socket->transport, laid->datagram, laid->datagram_length);
    laid->length = 0;
    laid->result = SSL_read_ex(socket->ssl, laid->message, laid->size, &laid->length);
    laid->more = !sci_transport_clear(&socket->transport); /* OpenSSL had a message of an earlier one */
    if (laid->more) (void)sci_transport_feed(&socket->transport, laid->datagram, laid->datagram_length, &taken);
    laid->more = laid->more || (laid->result > 0 && SSL_has_pending(socket->ssl));
    sci_ssl_end(socket);
}

void sci_ssl_push_laid(lua_State *L, sci_sslsocket *socket, const sci_laid *laid) {
    if (laid->result <= 0) {
        socket->read.end_unread = false;
        sci_ssl_push_failure(L, socket, laid->result, "read");
        return;
    }
    sci_ssl_note_success(socket);
    note_data(socket);
    sci_ssl_push_bytes(L, socket, laid->message, laid->length);
}

static int read_max(lua_State *L, bool peek) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    size_t max = check_max(L), length = 0;
    lua_settop(L, 1);
    if (!sci_ssl_ready_for_data(L, socket, "read")) return 1;
    if (max == 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    unsigned char *buffer = sci_ssl_take_scratch(L, socket);
    sci_ssl_begin(L, socket);
    if (refuse_longer(L, socket, buffer, max) > 0) return 1;
    int result = peek ? SSL_peek_ex(socket->ssl, buffer, max, &length) : SSL_read_ex(socket->ssl, buffer, max, &length);
    int last = result;
    if (result > 0 && !peek && !socket->transport.datagrams)
        length += read_buffered(socket, buffer + length, max - length, &last);
    sci_ssl_end(socket);
    if (result <= 0) return return_no_bytes(L, socket, result);
    if (!peek) return return_bytes(L, socket, buffer, length, last);
    sci_ssl_give_scratch_back(socket);
    note_data(socket);
    sci_ssl_push_copy(L, socket, buffer, length);
    return 1;
}

/***
Reads what the peer has sent: all records that one read of the transport brings, in one string. A blocking socket waits for
the first byte. With DTLS it reads one message, whole.
@function SciSslSocket:sslRead
@tparam[opt=65536] integer max bytes at most; one call returns at most 65536
@treturn string|integer|SciSslError the bytes; 0: the peer has sent close_notify (`SSL_ERROR_ZERO_RETURN`); less: not ready;
 a SciSslError (phase `read`, condition `truncated`: the transport ended without close_notify; `handshake_needed`, `closed`;
 `too_many_key_updates`, `too_many_tickets`, `too_many_renegotiations` …: the peer sends these and no data;
 `message_too_long`: DTLS: the message has more than `max` bytes, and stays)
@see SSL_read_ex(3)
*/
static int sslsocket_read(lua_State *L) { return read_max(L, false); }

/* Records that one call reads for `size` bytes before other sockets get their turn. Only an unusual peer sends so short ones. */
#define FILLING_RECORDS(size) ((size) / 512 + 64)

/* Reads until the buffer is full. Returns how many bytes; `*result`: what OpenSSL has returned last. After too many short records
 * a non-blocking socket leaves the rest in the descriptor, which stays readable. */
static size_t fill(sci_sslsocket *socket, unsigned char *buffer, size_t size, int *result) {
    size_t total = 0, length = 0, records = FILLING_RECORDS(size);
    do {
        sci_transport_begin_reading(&socket->transport);
        if (records-- == 0 && !socket->memory && !sci_socket_blocking(&socket->socket))
            sci_transport_stop_waiting(&socket->transport, true);
        *result = SSL_read_ex(socket->ssl, buffer + total, size - total, &length);
        if (*result > 0) total += length;
    } while (*result > 0 && total < size);
    sci_transport_wait_again(&socket->transport);
    return total;
}

/***
Reads a number of bytes into one string, for protocols that say how many follow. A blocking socket waits for all of them. A
non-blocking socket returns fewer where no more have arrived.
@function SciSslSocket:sslReadSized
@tparam integer size bytes, 1 … 1073741824
@treturn string|integer|SciSslError as `sslRead`; where the stream ends behind some bytes, the next call returns the end. Of
 DTLS: condition `datagrams`
*/
static int sslsocket_read_sized(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    lua_Integer wanted = luaL_checkinteger(L, 2);
    luaL_argcheck(L, wanted > 0 && wanted <= 1 << 30, 2, "1 to 1073741824 bytes expected");
    lua_settop(L, 1);
    if (!sci_ssl_ready_for_data(L, socket, "read")) return 1;
    if (sci_ssl_refuse_datagrams(L, socket, "read")) return 1;
    size_t size = (size_t)wanted;
    int result;
    unsigned char *buffer = size > SCI_SCRATCH ? lua_newuserdatauv(L, size, 0) : sci_ssl_take_scratch(L, socket);
    sci_ssl_begin(L, socket);
    size_t length = fill(socket, buffer, size, &result);
    sci_ssl_end(socket);
    return length > 0 ? return_bytes(L, socket, buffer, length, result) : return_no_bytes(L, socket, result);
}

/***
Reads as `sslRead` does, but from one record, and leaves the bytes to be read again.
@function SciSslSocket:sslPeek
@tparam[opt=65536] integer max bytes at most
@treturn string|integer|SciSslError as `sslRead`
@see SSL_peek_ex(3)
*/
static int sslsocket_peek(lua_State *L) { return read_max(L, true); }

/***
Returns how many bytes of the current record `sslRead` would return without reading the transport.
@function SciSslSocket:sslPending
@treturn integer bytes
@see SSL_pending(3)
*/
static int sslsocket_pending(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    lua_settop(L, 1);
    (void)sci_ssl_dirty(L, socket);
    lua_pushinteger(L, socket->ssl && socket->handshake.done && !socket->result.failed ? SSL_pending(socket->ssl) : 0);
    return 1;
}

/***
Sets whether TLS reads many records at once from the transport (the default), or one record at a time. With `false`, what the
peer sends behind its close_notify stays in the transport, for a program that goes on in plain text.
@function SciSslSocket:sslSetReadAhead
@tparam boolean ahead
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `closed` or `not_initialized`
@see SSL_set_read_ahead(3)
*/
static int sslsocket_set_read_ahead(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    luaL_checktype(L, 2, LUA_TBOOLEAN);
    if (sci_ssl_is_closed(socket)) return sci_fail_own(L, "option", "closed", NULL);
    if (!socket->ssl) return sci_fail_own(L, "option", "not_initialized", NULL);
    socket->read.no_read_ahead = !lua_toboolean(L, 2);
    if (!socket->result.failed)
        sci_ktls_set_read_ahead(socket->ssl, &socket->transport, !socket->read.no_read_ahead); /* see release_buffers */
    return sci_return_receiver(L);
}

/* ---- for loops --------------------------------------------------------------------------------------------------- */

/***
Tells whether there is something to read that does not make the descriptor readable: bytes, the end or a failure that
arrived together with earlier bytes. Read until it is false, then wait.
@function SciSslSocket:dirty
@treturn boolean
*/
static int sslsocket_dirty(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    lua_settop(L, 1);
    lua_pushboolean(L, sci_ssl_dirty(L, socket));
    return 1;
}

/***
Returns what the socket waits for on its descriptor, as cqueues asks for it: what the last call wanted, or the end of the
connection attempt.
@function SciSslSocket:events
@treturn string `"r"` or `"w"`
*/
static int sslsocket_events(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    lua_pushstring(
        L, sci_socket_base(&socket->socket)->connecting || socket->result.wanted == SSL_ERROR_WANT_WRITE ? "w" : "r");
    return 1;
}

/***
Returns how long a loop may wait for the descriptor, as cqueues asks for it. In a handshake of DTLS this is the time until what
was sent last has to be sent again: then call `sslHandleTimeout`.
@function SciSslSocket:timeout
@treturn ?number seconds; 0 where the socket is `dirty`; nil: without a limit
*/
static int sslsocket_timeout(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    lua_settop(L, 1);
    double seconds;
    if (sci_ssl_dirty(L, socket)) lua_pushinteger(L, 0);
    else if (sci_ssl_resends_in(socket, &seconds)) lua_pushnumber(L, seconds);
    else lua_pushnil(L);
    return 1;
}

static const luaL_Reg read_methods[] = {
    {"sslReadSized", sslsocket_read_sized},
    {"sslRead", sslsocket_read},
    {"sslPeek", sslsocket_peek},
    {"sslPending", sslsocket_pending},
    {"sslSetReadAhead", sslsocket_set_read_ahead},
    {"dirty", sslsocket_dirty},
    {"events", sslsocket_events},
    {"timeout", sslsocket_timeout},
    {NULL, NULL},
};

void sci_open_read(lua_State *L) { sci_ssl_add_methods(L, read_methods); }
