/* core.c: scissl.core, the module's entry; how classes are made; what a lua_State keeps for all of them. */
#include "pki.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#if defined(__GNUC__) || defined(__clang__)
#define SCI_EXPORT __attribute__((visibility("default")))
#else
#define SCI_EXPORT
#endif

static const char state_key = 0;

sci_state *sci_get_state(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &state_key);
    sci_state *state = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return state;
}

static int state_gc(lua_State *L) {
    sci_close_transport(lua_touserdata(L, 1));
    return 0;
}

/* Made before every other object, so that lua_close finalizes it after them: their BIOs need its methods. */
static void open_state(lua_State *L) {
    if (sci_get_state(L)) return;
    sci_state *state = lua_newuserdatauv(L, sizeof *state, 0);
    state->descriptor = NULL;
    state->memory = NULL;
    state->reading = false;
    memset(state->warm, 0, sizeof state->warm);
    state->warm_next = 0;
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, state_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    if (!sci_open_transport(state)) luaL_error(L, "scissl: OpenSSL could not make its transports (out of memory?)");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &state_key);
}

void sci_new_class(lua_State *L, const char *name, const luaL_Reg *functions, const luaL_Reg *methods,
                   const luaL_Reg *metamethods) {
    lua_newtable(L);
    if (functions) luaL_setfuncs(L, functions, 0);
    if (methods) luaL_setfuncs(L, methods, 0);
    luaL_newmetatable(L, name);
    if (metamethods) luaL_setfuncs(L, metamethods, 0);
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}

void *sci_new_object(lua_State *L, const char *name, size_t size, int uservalues) {
    void *object = lua_newuserdatauv(L, size, uservalues);
    memset(object, 0, size);
    luaL_setmetatable(L, name);
    return object;
}

/* Lua stops its collector for as long as a finalizer runs, and since 5.4.4 it tells that from a stop by the user. */
bool sci_in_finalizer(lua_State *L) {
    int running = lua_gc(L, LUA_GCISRUNNING);
#if LUA_VERSION_RELEASE_NUM >= 50404
    return running < 0;
#else
    return running != 1;
#endif
}

int sci_answer_receiver(lua_State *L) {
    lua_settop(L, 1);
    return 1;
}

const char *sci_check_bytes(lua_State *L, int index, int *length) {
    size_t bytes;
    const char *text = luaL_checklstring(L, index, &bytes);
    luaL_argcheck(L, bytes <= INT_MAX, index, "string too long");
    *length = (int)bytes;
    return text;
}

const char *sci_check_text(lua_State *L, int index) {
    size_t bytes;
    const char *text = luaL_checklstring(L, index, &bytes);
    luaL_argcheck(L, memchr(text, 0, bytes) == NULL, index, "string contains a NUL byte");
    return text;
}

size_t sci_check_range(lua_State *L, int index, size_t length, size_t *offset) {
    lua_Integer size = (lua_Integer)length;
    lua_Integer first = luaL_optinteger(L, index, 1);
    lua_Integer last = luaL_optinteger(L, index + 1, -1);
    if (first < 0) first = first < -size ? 1 : size + first + 1;
    if (first == 0) first = 1;
    if (last < 0) last = last < -size ? 0 : size + last + 1;
    if (last > size) last = size;
    if (first > last) {
        *offset = 0;
        return 0;
    }
    *offset = (size_t)(first - 1);
    return (size_t)(last - first + 1);
}

int sci_check_timeout(lua_State *L, int index) {
    if (lua_isnoneornil(L, index)) return -1;
    lua_Number seconds = luaL_checknumber(L, index);
    luaL_argcheck(L, seconds >= 0, index, "time-out in seconds expected, not negative");
    lua_Number milliseconds = ceil(seconds * 1000);
    return milliseconds >= INT_MAX ? INT_MAX : (int)milliseconds;
}

/***
Tells a SciSslError from everything else.
@function scissl.isSslError
@param value anything
@treturn boolean
*/
static int is_ssl_error(lua_State *L) {
    lua_pushboolean(L, sci_is_error(L, 1));
    return 1;
}

static void open_class(lua_State *L, const char *name, void (*open)(lua_State *)) {
    open(L);
    lua_setfield(L, -2, name);
}

SCI_EXPORT int luaopen_scissl_core(lua_State *L);

int luaopen_scissl_core(lua_State *L) {
    luaL_checkversion(L);
    sci_check_library(L);
    open_state(L);
    lua_createtable(L, 0, 512);
    sci_open_constants(L);
    open_class(L, SCI_ERROR, sci_open_error);
    open_class(L, SCI_SOCKET, sci_open_socket);
    open_class(L, SCI_POLLER, sci_open_poller);
    open_class(L, SCI_KEY, sci_open_key);
    open_class(L, SCI_CERTIFICATE, sci_open_certificate);
    open_class(L, SCI_CRL, sci_open_crl);
    open_class(L, SCI_REQUEST, sci_open_request);
    open_class(L, SCI_CIPHER, sci_open_cipher);
    open_class(L, "SciSslOcsp", sci_open_ocsp);
    open_class(L, "SciSslPkcs12", sci_open_pkcs12);
    open_class(L, SCI_SESSION, sci_open_session);
    open_class(L, SCI_CONTEXT, sci_open_context);
    open_class(L, SCI_SSL_SOCKET, sci_open_sslsocket);
    open_class(L, SCI_VERSION, sci_open_version);
    lua_pushcfunction(L, is_ssl_error);
    lua_setfield(L, -2, "isSslError");
    lua_pushcfunction(L, sci_digest);
    lua_setfield(L, -2, "digest");
    lua_pushcfunction(L, sci_seal);
    lua_setfield(L, -2, "seal");
    lua_pushcfunction(L, sci_unseal);
    lua_setfield(L, -2, "unseal");
#ifdef OPENSSL_NO_CT
    lua_pushboolean(L, false);
#else
    lua_pushboolean(L, true);
#endif
    lua_setfield(L, -2, "hasCertificateTransparency");
#ifdef SCI_KTLS
    lua_pushboolean(L, true);
#else
    lua_pushboolean(L, false);
#endif
    lua_setfield(L, -2, "hasKtls");
    return 1;
}
