/* sendfile.c: SciSslSocket, sending a file without a Lua string of its bytes; and whether the kernel encrypts. */
#include "connection/connection.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is to be sent: `left` bytes from `offset` on. */
typedef struct portion {
    int descriptor;
    off_t offset;
    size_t left;
} portion;

static int check_descriptor(lua_State *L) {
    luaL_Stream *file = luaL_checkudata(L, 2, LUA_FILEHANDLE);
    luaL_argcheck(L, file->closef != NULL, 2, "open file expected");
    return fileno(file->f);
}

/* Of a regular file no more than it has, so that no read(2) is in vain. */
static void end_with_file(portion *what) {
    struct stat file;
    if (fstat(what->descriptor, &file) != 0 || !S_ISREG(file.st_mode)) return;
    size_t left = file.st_size > what->offset ? (size_t)(file.st_size - what->offset) : 0;
    if (left < what->left) what->left = left;
}

/* Reads what fits the buffer. 0: the file is at its end; -1: errno says why not. */
static ssize_t read_portion(const portion *what, unsigned char *buffer) {
    ssize_t got;
    do got = pread(what->descriptor, buffer, what->left < SCI_SCRATCH ? what->left : SCI_SCRATCH, what->offset);
    while (got < 0 && errno == EINTR);
    return got;
}

/* For a file of the wrong kind. NULL: the message of the system is clear enough. */
static const char *file_condition(int system_errno) {
    switch (system_errno) {
        case EBADF: return "file_unreadable";
        case EISDIR: return "file_directory";
        case ESPIPE: return "not_seekable";
        default: return NULL;
    }
}

static int fail_reading(lua_State *L, int system_errno) {
    sci_push_error(L, &(sci_failure){.phase = "write",
                                     .condition = file_condition(system_errno),
                                     .message = system_errno == EBADF ? "the file is not open for reading" : NULL,
                                     .subject = "the file",
                                     .ssl_error = SSL_ERROR_SYSCALL,
                                     .system_errno = system_errno});
    return 1;
}

/* Writes what `buffer` has, `got` bytes, and reads on, while the transport takes all. */
static void send_portion(sci_sslsocket *socket, portion *what, unsigned char *buffer, ssize_t got,
                         sci_written *written) {
    for (written->result = 1; got > 0 && written->result > 0;) {
        size_t before = written->total;
        sci_ssl_write_records(socket, (const char *)buffer, (size_t)got, written);
        what->offset += (off_t)(written->total - before);
        what->left -= written->total - before;
        if (written->result > 0) got = what->left > 0 ? read_portion(what, buffer) : 0;
    }
}

/* Every other error is about the file: send_buffered meets it again, and returns it. */
static bool is_about_connection(int system_errno) {
    switch (system_errno) {
        case 0:
        case EPIPE:
        case ECONNRESET:
        case ECONNABORTED:
        case ENOTCONN:
        case ETIMEDOUT:
        case ENETDOWN:
        case ENETUNREACH:
        case EHOSTUNREACH: return true;
        default: return false;
    }
}

/* Not where OpenSSL must first complete a record that a write has begun, or send a message. */
static bool kernel_may_send(const sci_sslsocket *socket) {
    return socket->transport.ktls.on && socket->write.pending_length == 0 && SSL_is_init_finished(socket->ssl) &&
           SSL_get_key_update_type(socket->ssl) == SSL_KEY_UPDATE_NONE;
}

/* Lets the kernel read, encrypt and send. False: it cannot, and nothing was sent; otherwise a result was pushed. */
static bool send_by_kernel(lua_State *L, sci_sslsocket *socket, const portion *what) {
    if (what->left == 0 || !kernel_may_send(socket)) return false;
    if (!sci_ssl_may_write(L, socket, "", 0)) return true;
    sci_ssl_begin(L, socket);
    ossl_ssize_t went = sci_ktls_sendfile(socket->ssl, &socket->transport, what->descriptor, what->offset, what->left);
    sci_ssl_end(socket);
    if (went < 0 && !is_about_connection(socket->transport.failure.system_errno)) return false;
    if (went < 0) sci_ssl_push_failure(L, socket, -1, "write");
    else if (went == 0) sci_ssl_push_zero(L, socket, SSL_ERROR_NONE);
    else sci_ssl_push_count(L, socket, (size_t)went);
    return true;
}

/* Writes what is in the buffer, and what follows it in the file. */
static int send_from(lua_State *L, sci_sslsocket *socket, portion *what, unsigned char *buffer, ssize_t got) {
    sci_written written = {.rest = ""};
    bool may = sci_ssl_may_write(L, socket, (const char *)buffer, got > 0 ? (size_t)got : 0);
    if (may) {
        sci_ssl_begin(L, socket);
        send_portion(socket, what, buffer, got, &written);
        sci_ssl_end(socket);
    }
    sci_ssl_give_scratch_back(socket);
    return may ? sci_ssl_return_written(L, socket, &written, 0) : 1;
}

/* Reads the file into the scratch buffer, and encrypts from there. */
static int send_buffered(lua_State *L, sci_sslsocket *socket, portion *what) {
    unsigned char *buffer = sci_ssl_take_scratch(L, socket);
    ssize_t got = what->left > 0 ? read_portion(what, buffer) : 0;
    int problem = errno;
    if (got > 0 || socket->write.pending_length > 0) return send_from(L, socket, what, buffer, got);
    sci_ssl_give_scratch_back(socket);
    if (got < 0) return fail_reading(L, problem);
    sci_ssl_push_zero(L, socket, SSL_ERROR_NONE);
    return 1;
}

/* Reads the arguments behind the file. */
static portion check_portion(lua_State *L) {
    portion what = {.descriptor = check_descriptor(L)};
    lua_Integer offset = luaL_optinteger(L, 3, 0), count = luaL_optinteger(L, 4, LUA_MAXINTEGER);
    if (offset < 0) sci_refuse_negative(L, 3, "offset");
    if (count < 0) sci_refuse_negative(L, 4, "number of bytes");
    what.offset = (off_t)offset;
    luaL_argcheck(L, what.offset >= 0 && what.offset == offset, 3, "offset too large");
    what.left = (lua_Unsigned)count < SIZE_MAX ? (size_t)count : SIZE_MAX;
    end_with_file(&what);
    return what;
}

/***
Sends a part of a file. Where the kernel encrypts (see `ktls`), the kernel also reads the file, and no byte of it is copied to
this process. Elsewhere the file is read into a buffer and encrypted from there, without a Lua string. The position of the
file does not move. Bytes that were written to the file and not flushed are not sent. `sslSetRecordSizing` has no effect on
what the kernel sends.
@function SciSslSocket:sendfile
@tparam file file a regular file, open for reading
@tparam[opt=0] integer offset where to begin in the file
@tparam[opt] integer count bytes at most; without it, to the end of the file
@treturn integer|SciSslError as `sslWrite`: how many bytes were taken; call again with `offset` and `count` moved on by the
 result until all are sent; 0: the file ends there. A SciSslError about the file has the phase `write` and the condition
 `datagrams`: the connection is one of DTLS; `file_unreadable`: the file is not open for reading; `file_directory`; `not_seekable`: a pipe or a terminal
@see SSL_sendfile(3)
@see pread(2)
*/
static int sslsocket_sendfile(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    portion what = check_portion(L);
    lua_settop(L, 2);
    if (sci_ssl_refuse_datagrams(L, socket, "write")) return 1;
    if (!sci_ssl_ready_for_data(L, socket, "write") || send_by_kernel(L, socket, &what)) return 1;
    return send_buffered(L, socket, &what);
}

/***
Tells whether the kernel encrypts and decrypts in place of OpenSSL (kTLS). After the handshake the kernel encrypts what is sent
over TCP, where the context has the option (`setOptions "enable_ktls"`), OpenSSL was compiled with it
(`scissl.features.kTLS`), the system is Linux with the module `tls` loaded, and the connection uses an AEAD cipher (AES-GCM,
ChaCha20-Poly1305) with records of full length and without padding. Elsewhere OpenSSL encrypts, and nothing else is
different. OpenSSL always decrypts what is received.

The keys of the kernel cannot be renewed: `sslKeyUpdate`, `sslRenegotiate` and a second TLS connection over the same descriptor
fail. A peer that asks for new keys with a KeyUpdate ends the connection (condition `ktls`).
@function SciSslSocket:ktls
@treturn boolean what is sent
@treturn boolean what is received: false
@see SSL_CTX_set_options(3)
*/
static int sslsocket_ktls(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    lua_pushboolean(L, socket->ssl && BIO_get_ktls_send(SSL_get_wbio(socket->ssl)));
    lua_pushboolean(L, socket->ssl && BIO_get_ktls_recv(SSL_get_rbio(socket->ssl)));
    return 2;
}

static const luaL_Reg sendfile_methods[] = {{"sendfile", sslsocket_sendfile}, {"ktls", sslsocket_ktls}, {NULL, NULL}};

void sci_open_sendfile(lua_State *L) { sci_ssl_add_methods(L, sendfile_methods); }
