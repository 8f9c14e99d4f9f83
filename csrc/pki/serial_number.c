/* serial_number.c: serial numbers of certificates, and numbers of CRLs, from and to Lua. */
#include "pki/values.h"

#include <stdio.h>
#include <string.h>

#include <openssl/bn.h>

void sci_push_serial(lua_State *L, const ASN1_INTEGER *serial) {
    bool negative = ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER;
    int length = ASN1_STRING_length(serial);
    sci_push_hex(L, negative ? "-" : "", ASN1_STRING_get0_data(serial), length > 0 ? (size_t)length : 0);
}

ASN1_INTEGER *sci_parse_serial(const char *digits) {
    BIGNUM *number = NULL;
    ASN1_INTEGER *serial = NULL;
    size_t length = strlen(digits);
    bool good = length > 0 && length <= 40 && strspn(digits, "0123456789abcdefABCDEF") == length;
    if (good && BN_hex2bn(&number, digits) == (int)length && BN_num_bits(number) <= SCI_SERIAL_BITS)
        serial = BN_to_ASN1_INTEGER(number, NULL);
    BN_free(number);
    return serial;
}

const char *sci_to_serial_digits(lua_State *L, int index) {
    if (lua_type(L, index) == LUA_TNUMBER) {
        char digits[24];
        if (!lua_isinteger(L, index) || lua_tointeger(L, index) < 0) return NULL;
        snprintf(digits, sizeof digits, "%llX", (unsigned long long)lua_tointeger(L, index));
        lua_pushstring(L, digits);
        lua_replace(L, index);
    }
    if (lua_type(L, index) != LUA_TSTRING) return NULL;
    const char *text = lua_tostring(L, index);
    return strlen(text) == lua_rawlen(L, index) ? text : NULL;
}
