/* keylog.c: SciSslSocket, the secrets of a connection as lines of text (NSS key log format), for programs that decrypt
 * recorded traffic. OpenSSL's callback keeps the lines for keylogLines, or appends them to a file. */
#include "connection/connection.h"

#include <string.h>

#define MOST 16384 /* bytes of lines that are kept; a handshake makes less than 1,000 */

static void keep(sci_sslsocket *socket, const char *line) {
    size_t length = strlen(line) + 1;
    bool fits = socket->keylog.lines.length + length <= MOST;
    if (!fits || !sci_queue_put(&socket->keylog.lines, line, length)) socket->keylog.lost++;
}

static void on_keylog(const SSL *ssl, const char *line) {
    sci_sslsocket *socket = SSL_get_app_data(ssl);
    if (!socket) return;
    if (socket->keylog.collect) keep(socket, line);
    if (socket->keylog.file) sci_keylog_append(socket->keylog.file, line);
}

void sci_ssl_inherit_keylog(lua_State *L, sci_sslsocket *socket, const sci_context *context) {
    lua_getiuservalue(L, -1, SCI_CONTEXT_KEYLOG);
    socket->keylog.file = lua_touserdata(L, -1);
    lua_setiuservalue(L, 1, SCI_SSL_KEYLOG);
    socket->keylog.collect = context->keylog.collect;
    if (socket->keylog.collect || socket->keylog.file) SSL_CTX_set_keylog_callback(context->ctx, on_keylog);
}

void sci_ssl_drop_keylog(sci_sslsocket *socket) {
    if (socket->keylog.lines.bytes) OPENSSL_cleanse(socket->keylog.lines.bytes, socket->keylog.lines.capacity);
    sci_queue_free(&socket->keylog.lines);
    socket->keylog.lost = 0;
}

/***
Takes the lines with the secrets of this connection that have come since the last call, where `SciSslContext:setKeylog` asked
for them. With these secrets everything on the connection can be read, and some of it forged. After `close` the lines can still
be taken.
@function SciSslSocket:keylogLines
@treturn {string,...} such as `CLIENT_TRAFFIC_SECRET_0 …` or, in TLS 1.2, `CLIENT_RANDOM …`
@treturn integer how many more were lost: 16 KiB are kept
@see SSL_CTX_set_keylog_callback(3)
*/
static int sslsocket_keylog_lines(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    lua_Integer lost = socket->keylog.lost;
    size_t length = socket->keylog.lines.length;
    lua_pushlstring(L, length > 0 ? (const char *)socket->keylog.lines.bytes : "", length);
    sci_ssl_drop_keylog(socket);
    const char *line = lua_tostring(L, -1), *end = line + length;
    lua_newtable(L);
    for (lua_Integer i = 1; line < end; i++, line += strlen(line) + 1) {
        lua_pushstring(L, line);
        lua_rawseti(L, -2, i);
    }
    lua_pushinteger(L, lost);
    return 2;
}

static const luaL_Reg keylog_methods[] = {{"keylogLines", sslsocket_keylog_lines}, {NULL, NULL}};

void sci_open_keylog(lua_State *L) { luaL_setfuncs(L, keylog_methods, 0); }
