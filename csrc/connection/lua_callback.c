/* lua_callback.c: SciSslSocket, calls of Lua inside of an OpenSSL call, where OpenSSL cannot be suspended. They run under
 * lua_pcall, so that no Lua error jumps across OpenSSL's frames. */
#include "connection/connection.h"

void sci_ssl_reset_callback(sci_sslsocket *socket) { socket->callback.failed = false; }

void sci_ssl_drop_callback(sci_sslsocket *socket) { socket->callback.L = NULL; }

void sci_ssl_end_by_handler(sci_sslsocket *socket) { socket->callback.failed = true; }

void sci_ssl_begin(lua_State *L, sci_sslsocket *socket) {
    sci_clear_errors();
    sci_transport_begin(&socket->transport);
    socket->callback.L = L;
}

void sci_ssl_end(sci_sslsocket *socket) {
    socket->callback.L = NULL;
    if (socket->transport.datagrams) sci_ssl_fit_path(socket);
    if (socket->handshake.done) sci_ssl_keep_buffers(socket);
}

bool sci_ssl_in_call(const sci_sslsocket *socket) { return socket->callback.L != NULL; }

/* The message handler: makes a table of the value that was raised and a traceback. The traceback is also appended to a text. */
static int note_traceback(lua_State *L) {
    const char *text = lua_tostring(L, 1);
    lua_settop(L, 1);
    lua_createtable(L, 0, 2);
    luaL_traceback(L, L, NULL, 1);
    if (text) {
        lua_pushfstring(L, "%s\n%s", text, lua_tostring(L, -1));
        lua_replace(L, 1);
    }
    lua_setfield(L, 2, "traceback");
    lua_pushvalue(L, 1);
    lua_setfield(L, 2, "cause");
    return 1;
}

bool sci_ssl_call_lua(sci_sslsocket *socket, int arguments, int results) {
    lua_State *L = socket->callback.L;
    int handler = lua_gettop(L) - arguments;
    if (!lua_checkstack(L, 4)) {
        lua_settop(L, handler - 1);
        lua_pushboolean(L, false); /* no text: making one may raise */
        lua_setiuservalue(L, 1, SCI_SSL_CAUSE);
        sci_ssl_end_by_handler(socket);
        return false;
    }
    lua_pushcfunction(L, note_traceback);
    lua_insert(L, handler);
    socket->callback.running = true;
    int status = lua_pcall(L, arguments, results, handler);
    socket->callback.running = false;
    socket->callback.L = L;
    lua_remove(L, handler);
    if (status == LUA_OK) return true;
    lua_setiuservalue(L, 1, SCI_SSL_CAUSE);
    sci_ssl_end_by_handler(socket);
    return false;
}

/* Pushes SCI_SSL_CAUSE, and what it has. */
static void push_cause(lua_State *L, sci_failure *failure) {
    int story = lua_gettop(L) + 1;
    int kind = lua_getiuservalue(L, 1, SCI_SSL_CAUSE);
    failure->condition = "refused"; /* without a cause, or where memory ran out before there was one */
    if (kind == LUA_TTABLE) {
        if (lua_getfield(L, story, "cause") != LUA_TNIL) failure->cause = story + 1;
        if (lua_getfield(L, story, "traceback") != LUA_TNIL) failure->traceback = story + 2;
        lua_getfield(L, story, "reason");
        failure->message = lua_tostring(L, story + 3);
    } else if (kind != LUA_TNIL) failure->cause = story;
    if (failure->cause > 0) failure->condition = "handler_failed";
}

bool sci_ssl_explain_handler(lua_State *L, sci_sslsocket *socket, sci_failure *failure) {
    if (!socket->callback.failed) return false;
    push_cause(L, failure);
    lua_pushnil(L);
    lua_setiuservalue(L, 1, SCI_SSL_CAUSE);
    socket->callback.failed = false;
    return true;
}
