/* option.c: options whose values are objects of this room, or moments. */
#include "pki/values.h"

X509 *sci_check_certificate_option(lua_State *L, int index, const char *name, int value) {
    X509 *certificate = sci_test_certificate(L, value);
    if (!certificate) sci_option_error(L, index, name, "open " SCI_CERTIFICATE, value);
    return certificate;
}

EVP_PKEY *sci_check_key_option(lua_State *L, int index, const char *name, int value) {
    EVP_PKEY *key = sci_test_key(L, value);
    if (!key) sci_option_error(L, index, name, "open " SCI_KEY, value);
    return key;
}

void sci_check_certificates_option(lua_State *L, int index, const char *name, int value) {
    if (lua_isnil(L, value)) return;
    lua_Integer count = sci_check_list_of(L, index, name, "list of " SCI_CERTIFICATE, value);
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(L, value, i);
        if (!sci_test_certificate(L, -1)) sci_option_error(L, index, name, "list of open " SCI_CERTIFICATE, -1);
        lua_pop(L, 1);
    }
}

lua_Integer sci_check_seconds_option(lua_State *L, int index, const char *name, int value, lua_Integer missing) {
    const lua_Integer limit = (lua_Integer)1 << 40; /* far beyond the year 9999 */
    int is_integer;
    if (lua_isnil(L, value)) return missing;
    lua_Integer seconds = lua_tointegerx(L, value, &is_integer);
    if (!is_integer || lua_type(L, value) != LUA_TNUMBER || seconds < -limit || seconds > limit)
        sci_option_error(L, index, name, "integer of seconds", value);
    return seconds;
}

bool sci_is_time(lua_Integer seconds) { return (lua_Integer)(time_t)seconds == seconds; }

lua_Integer sci_check_time_option(lua_State *L, int index, const char *name, int value, lua_Integer missing) {
    lua_Integer seconds = sci_check_seconds_option(L, index, name, value, missing);
    if (!sci_is_time(seconds)) sci_option_error(L, index, name, SCI_TIME_EXPECTED, value);
    return seconds;
}
