/* version.c: OSSslVersion: the loaded OpenSSL, and whether it fits the headers that scissl was compiled with. */
#include "base/base.h"

#include <openssl/crypto.h>

/***
The OpenSSL in use: of the headers that scissl was compiled with, and of the library that was loaded.
@classmod OSSslVersion
*/

typedef struct sci_version {
    unsigned long headers, library;
} sci_version;

static sci_version *check_version(lua_State *L) { return luaL_checkudata(L, 1, SCI_VERSION); }

/* OpenSSL promises that a library of the same major version works if it is not older than the headers. */
SCI_AT_LOAD void sci_check_library(lua_State *L) {
    unsigned long library = OpenSSL_version_num();
    bool same_major = library >> 28 == (unsigned long)OPENSSL_VERSION_NUMBER >> 28;
    bool older = library >> 4 < (unsigned long)OPENSSL_VERSION_NUMBER >> 4;
    if (same_major && !older) return;
    luaL_error(L,
               "scissl was compiled with the headers of %s, but the library that was loaded is %s: "
               "rebuild scissl for that library, or let the loader find the one that fits",
               OPENSSL_VERSION_TEXT, OpenSSL_version(OPENSSL_VERSION));
}

/***
Returns the OpenSSL in use.
@function OSSslVersion.current
@treturn OSSslVersion
@see OpenSSL_version(3)
*/
static int version_current(lua_State *L) {
    sci_version *version = sci_new_object(L, SCI_VERSION, sizeof *version, 0);
    version->headers = (unsigned long)OPENSSL_VERSION_NUMBER;
    version->library = OpenSSL_version_num();
    return 1;
}

/***
Returns the loaded library's version, such as `OpenSSL 3.0.19 27 Jan 2026`.
@function OSSslVersion:text
@treturn string
*/
static int version_text(lua_State *L) {
    check_version(L);
    lua_pushstring(L, OpenSSL_version(OPENSSL_VERSION));
    return 1;
}

/***
Returns the loaded library's version as a number, `0xMNN00PP0`.
@function OSSslVersion:number
@treturn integer
@see OpenSSL_version_num(3)
*/
static int version_number(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)check_version(L)->library);
    return 1;
}

/***
Returns the version of the headers that scissl was compiled with.
@function OSSslVersion:headersText
@treturn string
*/
static int version_headers_text(lua_State *L) {
    check_version(L);
    lua_pushliteral(L, OPENSSL_VERSION_TEXT);
    return 1;
}

/***
Returns the version of the headers as a number, `0xMNN00PP0`.
@function OSSslVersion:headersNumber
@treturn integer
*/
static int version_headers_number(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)check_version(L)->headers);
    return 1;
}

static int version_tostring(lua_State *L) {
    check_version(L);
    lua_pushfstring(L, SCI_VERSION ": %s (headers: %s)", OpenSSL_version(OPENSSL_VERSION), OPENSSL_VERSION_TEXT);
    return 1;
}

static int version_eq(lua_State *L) {
    const sci_version *a = luaL_testudata(L, 1, SCI_VERSION);
    const sci_version *b = luaL_testudata(L, 2, SCI_VERSION);
    lua_pushboolean(L, a && b && a->headers == b->headers && a->library == b->library);
    return 1;
}

static const luaL_Reg version_functions[] = {{"current", version_current}, {NULL, NULL}};

static const luaL_Reg version_methods[] = {
    {"text", version_text},
    {"number", version_number},
    {"headersText", version_headers_text},
    {"headersNumber", version_headers_number},
    {NULL, NULL},
};

static const luaL_Reg version_metamethods[] = {{"__tostring", version_tostring}, {"__eq", version_eq}, {NULL, NULL}};

void sci_open_version(lua_State *L) {
    sci_new_class(L, SCI_VERSION, version_functions, version_methods, version_metamethods);
}
