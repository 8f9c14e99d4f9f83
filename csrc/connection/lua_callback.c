/* lua_callback.c: Lua called from inside an OpenSSL call, for what OpenSSL cannot suspend: always under lua_pcall, so that no
 * Lua error jumps across OpenSSL's frames. */
#include "connection/connection.h"

void sci_ssl_begin(lua_State *L, sci_sslsocket *socket) {
    sci_clear_errors();
    socket->transport.system_errno = 0;
    socket->transport.taken = 0;
    socket->transport.stopped = false;
    socket->transport.unsent = false;
    socket->transport.began = 0;
    socket->L = L;
}

void sci_ssl_end(sci_sslsocket *socket) {
    socket->L = NULL;
    if (!socket->warm && socket->secured) sci_ssl_warm_up(socket);
}

bool sci_ssl_in_call(const sci_sslsocket *socket) { return socket->L != NULL; }

/* The message handler: a table of the value that was raised and a traceback. Text gets the traceback behind it, too. */
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
    lua_State *L = socket->L;
    int handler = lua_gettop(L) - arguments;
    if (!lua_checkstack(L, 4)) {
        lua_settop(L, handler - 1);
        lua_pushboolean(L, false); /* no text: it would have to be made, and that may raise */
        lua_setiuservalue(L, 1, SCI_SSL_CAUSE);
        socket->handler_failed = true;
        return false;
    }
    lua_pushcfunction(L, note_traceback);
    lua_insert(L, handler);
    socket->in_callback = true;
    int status = lua_pcall(L, arguments, results, handler);
    socket->in_callback = false;
    socket->L = L;
    lua_remove(L, handler);
    if (status == LUA_OK) return true;
    lua_setiuservalue(L, 1, SCI_SSL_CAUSE);
    socket->handler_failed = true;
    return false;
}
