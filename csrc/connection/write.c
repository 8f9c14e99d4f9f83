/* write.c: SciSslSocket, sslWrite and sslWritev, and the length of records. */
#include "connection/connection.h"

#include <string.h>

/* ---- repeated writes --------------------------------------------------------------------------------------------- */

/* OpenSSL does not compare the bytes of a repeated write. Other bytes would be reported as sent, and never be sent. */
static bool repeats_pending(lua_State *L, const sci_sslsocket *socket, const char *bytes, size_t length) {
    if (socket->write.pending_length == 0) return true;
    const char *pending = (const char *)socket->write.kept;
    if (!pending) {
        lua_getiuservalue(L, 1, SCI_SSL_PENDING);
        pending = lua_tostring(L, -1) + socket->write.pending_offset;
        lua_pop(L, 1);
    }
    return length >= socket->write.pending_length &&
           (bytes == pending || memcmp(bytes, pending, socket->write.pending_length) == 0);
}

void sci_ssl_drop_write(sci_sslsocket *socket) {
    OPENSSL_free(socket->write.kept);
    socket->write.kept = NULL;
}

/* The next write must pass again what OpenSSL has made a record of; what follows that may differ. It is in the string at index
 * `string`; 0: in `kept`. */
static void remember_pending(lua_State *L, sci_sslsocket *socket, int string, size_t offset) {
    if (string > 0) sci_ssl_drop_write(socket);
    if (string > 0) lua_pushvalue(L, string);
    else lua_pushnil(L);
    lua_setiuservalue(L, 1, SCI_SSL_PENDING);
    socket->write.pending_offset = offset;
    socket->write.pending_length = socket->write.record_length;
}

static void forget_pending(lua_State *L, sci_sslsocket *socket) {
    if (socket->write.pending_length == 0) return;
    sci_ssl_drop_write(socket);
    lua_pushnil(L);
    lua_setiuservalue(L, 1, SCI_SSL_PENDING);
    socket->write.pending_length = 0;
}

void sci_ssl_reset_write(lua_State *L, sci_sslsocket *socket) {
    forget_pending(L, socket);
    sci_ssl_drop_write(socket);
    memset(&socket->write, 0, sizeof socket->write);
}

static bool fail_write(lua_State *L, const char *condition, const char *message) {
    return sci_ssl_fail(L, "write", condition, message);
}

bool sci_ssl_may_write(lua_State *L, sci_sslsocket *socket, const char *bytes, size_t length) {
    if (!sci_ssl_ready_for_data(L, socket, "write")) return false;
    if (SSL_get_shutdown(socket->ssl) & SSL_SENT_SHUTDOWN)
        return fail_write(L, "shutdown_sent", "close_notify was sent: nothing can be written after it");
    return repeats_pending(L, socket, bytes, length) ||
           sci_ssl_fail_pending(L, socket, "write",
                                "an sslWrite returned \"not ready\": repeat it with the same bytes first");
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

/* Whether records must be short now: at the beginning, and after a pause. */
static bool are_short(sci_sizing *sizing) {
    double now = sci_seconds();
    if (now - sizing->last > sizing->pause) sizing->sent = 0;
    sizing->last = now;
    return sizing->sent < sizing->until;
}

/* How many of `length` bytes go into the next record. A repeated SSL_write must pass at least as many bytes as the
 * first try. */
static size_t next_length(sci_sslsocket *socket, size_t length, bool again) {
    size_t most = SSL3_RT_MAX_PLAIN_LENGTH;
    if (again) most = socket->write.pending_length;
    else if (socket->write.sizing.first > 0 && are_short(&socket->write.sizing)) most = socket->write.sizing.first;
    return length < most ? length : most;
}

/* Lets OpenSSL make one record, which the transport takes whole. OpenSSL must not keep an unsent record: it could not reply to a
 * KeyUpdate or take part in a renegotiation until that is sent, and would end the connection where the peer asks for
 * either. Returns 1; 0 where OpenSSL fails; below 0 where the transport is full. */
static int write_record(sci_sslsocket *socket, const char *bytes, size_t length, size_t *done) {
    sci_transport *transport = &socket->transport;
    if (!sci_transport_has_room(transport)) return -1;
    if (socket->write.made_length == 0) {
        sci_transport_take_whole(transport, true);
        int result = SSL_write_ex(socket->ssl, bytes, length, done);
        sci_transport_take_whole(transport, false);
        if (result <= 0) return 0;
        socket->write.made_length = *done;
        if (transport->socket && !sci_transport_has_room(transport)) return -1;
    }
    *done = socket->write.made_length;
    socket->write.made_length = 0;
    return 1;
}

void sci_ssl_write_records(sci_sslsocket *socket, const char *bytes, size_t length, sci_written *written) {
    size_t left = length, done = 0;
    bool again = socket->write.pending_length > 0;
    if (!again) socket->write.made_length = 0;
    if (socket->result.write_failed) sci_ssl_forget_write_failure(socket);
    do {
        size_t part = next_length(socket, left, again);
        again = false;
        socket->write.record_length = part;
        sci_ktls_set_data_end(&socket->transport, bytes + part);
        sci_transport_expect_more(&socket->transport, left > part);
        written->result = write_record(socket, bytes, part, &done);
        if (written->result <= 0) break;
        bytes += done;
        left -= done;
        socket->write.sizing.sent += done;
    } while (left > 0);
    sci_ktls_set_data_end(&socket->transport, NULL);
    sci_transport_expect_more(&socket->transport, false);
    written->total += length - left;
    written->rest = bytes;
}

/* Pushes why the rest was not written. */
static void push_reason(lua_State *L, sci_sslsocket *socket, int result) {
    if (result == 0) sci_ssl_push_failure(L, socket, result, "write");
    else if (socket->transport.failure.system_errno != 0) sci_ssl_push_error(L, socket, SSL_ERROR_SYSCALL, "write");
    else sci_ssl_push_not_ready(L, socket, SSL_ERROR_WANT_WRITE);
}

/* Copies bytes that the next write must pass again: making an error may run finalizers, which read into the scratch buffer. The
 * copy of before is of the same bytes. */
static void keep_bytes(lua_State *L, sci_sslsocket *socket, const char *bytes, size_t length) {
    if (socket->write.kept && socket->write.pending_length == length && memcmp(socket->write.kept, bytes, length) == 0)
        return;
    sci_ssl_drop_write(socket);
    socket->write.kept = OPENSSL_memdup(bytes, length);
    if (!socket->write.kept) luaL_error(L, "not enough memory");
}

/* Pushes the reason, and keeps what the next write must pass again. */
static void push_unwritten(lua_State *L, sci_sslsocket *socket, const sci_written *written, int string) {
    size_t offset = string > 0 ? (size_t)(written->rest - lua_tostring(L, string)) : 0;
    sci_ssl_hold_bytes(socket, true);
    if (string == 0) keep_bytes(L, socket, written->rest, socket->write.record_length);
    push_reason(L, socket, written->result);
    if (lua_isinteger(L, -1) || socket->result.write_failed) remember_pending(L, socket, string, offset);
    sci_ssl_hold_bytes(socket, false);
}

int sci_ssl_return_written(lua_State *L, sci_sslsocket *socket, const sci_written *written, int string) {
    if (written->result > 0) forget_pending(L, socket);
    else {
        push_unwritten(L, socket, written, string);
        if (!lua_isinteger(L, -1) || written->total == 0) return 1; /* an error, or "not ready" */
    }
    sci_ssl_push_count(L, socket, written->total);
    return 1;
}

/* ---- one string -------------------------------------------------------------------------------------------------- */

/* There is nothing to write. */
static int return_zero(lua_State *L, sci_sslsocket *socket) {
    if (sci_ssl_ready_for_data(L, socket, "write")) sci_ssl_push_zero(L, socket, SSL_ERROR_NONE);
    return 1;
}

void sci_ssl_push_written(lua_State *L, sci_sslsocket *socket, int string, const char *bytes, size_t length) {
    sci_written written = {0};
    if (socket->transport.datagrams) {
        sci_ssl_push_message_sent(L, socket, bytes, length);
        return;
    }
    if (length == 0 && socket->write.pending_length == 0) {
        (void)return_zero(L, socket);
        return;
    }
    if (!sci_ssl_may_write(L, socket, bytes, length)) return;
    sci_ssl_begin(L, socket);
    sci_ssl_write_records(socket, bytes, length, &written);
    if (written.result > 0) sci_ssl_note_moved(socket);
    sci_ssl_end(socket);
    (void)sci_ssl_return_written(L, socket, &written, string);
}

/* A client's own renegotiation may have had to wait until what had arrived was read. */
bool sci_ssl_renegotiates(const sci_sslsocket *socket) {
    const SSL *ssl = socket->ssl;
    if (!ssl || !socket->handshake.done || sci_speaks_tls13(ssl)) return false;
    return SSL_in_init(ssl) ||
           (!SSL_is_server(ssl) && SSL_renegotiate_pending((SSL *)(uintptr_t)ssl) && !SSL_has_pending(ssl));
}

bool sci_ssl_renegotiate_first(lua_State *L, sci_sslsocket *socket, const char *bytes, size_t length) {
    if (!sci_ssl_may_write(L, socket, bytes, length)) return false;
    sci_ssl_begin(L, socket);
    int result = SSL_do_handshake(socket->ssl);
    sci_ssl_end(socket);
    if (result > 0) return true;
    sci_ssl_push_failure(L, socket, result, "write");
    return false;
}

/***
Writes bytes. A blocking socket returns when all are sent. A non-blocking one may take fewer: call again with `i` moved on by
the result. After "not ready" repeat the call with the same bytes; the socket checks that. With DTLS the bytes are one message,
which is sent in one datagram; after "not ready" it was not sent, and need not be repeated.
@function SciSslSocket:sslWrite
@tparam string data
@tparam[opt=1] integer i first byte, as in `string.sub`
@tparam[opt=-1] integer j last byte
@treturn integer|SciSslError how many bytes were taken; 0 where `data` is empty; less: not ready; a SciSslError (phase
 `write`, condition `handshake_needed`, `write_pending`, `shutdown_sent`, `broken_pipe`, `closed` …; of DTLS
 `message_too_long`, `empty_message`)
@see SSL_write_ex(3)
*/
static int sslsocket_write(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    size_t length, offset = 0;
    const char *data = luaL_checklstring(L, 2, &length);
    if (lua_gettop(L) > 2) length = sci_check_range(L, 3, length, &offset);
    lua_settop(L, 2);
    sci_ssl_push_written(L, socket, 2, data + offset, length);
    return 1;
}

/* ---- many strings ------------------------------------------------------------------------------------------------ */

#define STRINGS 2 /* stack index: the caller's table */
#define CURRENT 3 /* stack index: the string that is being written, so that it stays */

/* A place in the table: `offset` bytes into the string `number`; `left` bytes in all are behind it. */
typedef struct cursor {
    lua_Integer number;
    size_t offset, left;
} cursor;

/* Finds the place behind the first `skip` bytes. */
static void find_start(lua_State *L, cursor *at, size_t skip) {
    size_t total = 0;
    lua_Integer count = sci_check_list(L, STRINGS);
    *at = (cursor){.number = 1};
    for (lua_Integer i = 1; i <= count; i++) {
        if (lua_rawgeti(L, STRINGS, i) != LUA_TSTRING)
            luaL_error(L, "bad argument #1 to 'sslWritev' (string expected at index %I, got %s)", (LUAI_UACINT)i,
                       luaL_typename(L, -1));
        size_t length = (size_t)lua_rawlen(L, -1);
        lua_pop(L, 1);
        luaL_argcheck(L, length <= SIZE_MAX - total, STRINGS, "more bytes than memory has");
        if (total + length <= skip) at->number = i + 1;
        else if (total < skip) at->offset = skip - total;
        total += length;
    }
    luaL_argcheck(L, skip <= total, 3, "more bytes than the strings have");
    at->left = total - skip;
}

/* The rest of the string at `at`, which goes to CURRENT. NULL: a finalizer or a handler has changed the table. */
static const char *current_string(lua_State *L, const cursor *at, size_t *length) {
    lua_rawgeti(L, STRINGS, at->number);
    lua_replace(L, CURRENT);
    const char *bytes = lua_type(L, CURRENT) == LUA_TSTRING ? lua_tolstring(L, CURRENT, length) : NULL;
    if (!bytes || *length < at->offset) return NULL;
    *length -= at->offset;
    return bytes + at->offset;
}

static void advance(cursor *at, size_t done, size_t length) {
    at->left -= done;
    at->offset += done;
    if (done < length) return;
    at->number++;
    at->offset = 0;
}

/* The next bytes: full records inside of a long string, or a record that is joined from short strings in `buffer`. NULL: the
 * table has changed. */
static const char *next_bytes(lua_State *L, cursor *at, unsigned char *buffer, size_t *length) {
    const char *bytes = current_string(L, at, length);
    if (bytes && *length >= SSL3_RT_MAX_PLAIN_LENGTH) {
        *length -= *length % SSL3_RT_MAX_PLAIN_LENGTH;
        at->left -= *length;
        at->offset += *length;
        return bytes;
    }
    size_t filled = 0, rest;
    while (filled < SSL3_RT_MAX_PLAIN_LENGTH && at->left > 0) {
        bytes = current_string(L, at, &rest);
        if (!bytes) return NULL;
        size_t room = SSL3_RT_MAX_PLAIN_LENGTH - filled, part = rest < room ? rest : room;
        memcpy(buffer + filled, bytes, part);
        filled += part;
        advance(at, part, rest);
    }
    *length = filled;
    return (const char *)buffer;
}

/* A write of many strings under way: the next piece is `length` bytes at `written.rest`; `at` stands behind it. */
typedef struct gathering {
    cursor at;
    unsigned char *buffer; /* for what is joined from short strings */
    size_t length;
    sci_written written;
} gathering;

/* False: the table has changed. */
static bool gather_next(lua_State *L, gathering *all) {
    all->written.rest = all->at.left > 0 ? next_bytes(L, &all->at, all->buffer, &all->length) : "";
    return all->written.rest != NULL;
}

/* Writes all, or until the transport is full. False: the table has changed. */
static bool write_strings(lua_State *L, sci_sslsocket *socket, gathering *all) {
    for (;;) {
        sci_ssl_write_records(socket, all->written.rest, all->length, &all->written);
        if (all->written.result <= 0 || all->at.left == 0) return true;
        if (!gather_next(L, all)) return false;
    }
}

static int raise_changed(lua_State *L) {
    return luaL_error(L, "the table given to 'sslWritev' was changed while it was written");
}

/***
Writes the strings of a table in full records, without making a joined string: for a head and a body, or many small pieces.
With DTLS they are one message.
@function SciSslSocket:sslWritev
@tparam {string,...} strings
@tparam[opt=0] integer skip bytes that earlier calls have taken
@treturn integer|SciSslError as `sslWrite`: how many bytes were taken; call again with `skip` moved on by the result
@raise where one of `strings` is no string, or is missing
*/
static int sslsocket_writev(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    gathering all = {0};
    lua_Integer skip = luaL_optinteger(L, 3, 0);
    if (skip < 0) sci_refuse_negative(L, 3, "number of bytes");
    find_start(L, &all.at, (size_t)skip);
    lua_settop(L, CURRENT);
    luaL_checkstack(L, 4, NULL);
    if (all.at.left == 0 && socket->write.pending_length == 0) return return_zero(L, socket);
    if (!sci_ssl_ready_for_data(L, socket, "write")) return 1;
    all.buffer = sci_ssl_take_scratch(L, socket);
    bool same = gather_next(L, &all);
    if (same && socket->transport.datagrams) {
        sci_ssl_push_message_sent(L, socket, all.written.rest, all.length + all.at.left);
        sci_ssl_give_scratch_back(socket);
        return 1;
    }
    if (same && !sci_ssl_may_write(L, socket, all.written.rest, all.length)) {
        sci_ssl_give_scratch_back(socket);
        return 1;
    }
    if (same) {
        sci_ssl_begin(L, socket);
        same = write_strings(L, socket, &all);
        sci_ssl_end(socket);
    }
    sci_ssl_give_scratch_back(socket);
    return same ? sci_ssl_return_written(L, socket, &all.written, 0) : raise_changed(L);
}

/* ---- settings ---------------------------------------------------------------------------------------------------- */

/***
Makes the first records short and later ones full: the peer can use the first bytes as soon as one packet has come, and a long
transfer is still efficient. `sslInitialize` turns it off.
@function SciSslSocket:sslSetRecordSizing
@tparam ?integer first bytes of a short record, 512 … 16384 (1,300 fit into one packet on most networks); nil: all records
 are full
@tparam[opt=65536] integer upTo bytes that are sent in short records
@tparam[opt=1] number pause seconds without a write, after which records are short again
@treturn SciSslSocket the receiver
*/
static int sslsocket_set_record_sizing(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    sci_sizing sizing = {0};
    if (!lua_isnoneornil(L, 2)) {
        lua_Integer first = luaL_checkinteger(L, 2), until = luaL_optinteger(L, 3, 65536);
        luaL_argcheck(L, first >= 512 && first <= SSL3_RT_MAX_PLAIN_LENGTH, 2, "512 to 16384 bytes expected");
        if (until < 0) sci_refuse_negative(L, 3, "number of bytes");
        sizing = (sci_sizing){.first = (size_t)first, .until = (size_t)until, .pause = luaL_optnumber(L, 4, 1)};
        if (!(sizing.pause >= 0)) sci_refuse_negative(L, 4, "number of seconds");
    }
    socket->write.sizing = sizing;
    return sci_return_receiver(L);
}

static const luaL_Reg write_methods[] = {
    {"sslWrite", sslsocket_write},
    {"sslWritev", sslsocket_writev},
    {"sslSetRecordSizing", sslsocket_set_record_sizing},
    {NULL, NULL},
};

void sci_open_write(lua_State *L) { sci_ssl_add_methods(L, write_methods); }
