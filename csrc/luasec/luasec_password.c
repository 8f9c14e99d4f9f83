/* luasec_password.c: the password of a key, from the person at the terminal, as OpenSSL asks where a program gives none. */
#include "luasec/luasec.h"

#include <openssl/pem.h>

/* luasecAskPassword(): the password; nil: there is no terminal, or no password came. */
static int ask_password(lua_State *L) {
    char *text = lua_newuserdatauv(L, PEM_BUFSIZE, 0);
    int length = PEM_def_callback(text, PEM_BUFSIZE, 0, NULL);
    sci_clear_errors();
    if (length < 0) return 0;
    lua_pushlstring(L, text, (size_t)length);
    OPENSSL_cleanse(text, PEM_BUFSIZE);
    return 1;
}

SCI_AT_LOAD void sci_open_luasec_password(lua_State *L) {
    static const luaL_Reg functions[] = {{"luasecAskPassword", ask_password}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
