/* asn1.c: values of ASN.1 as values of Lua. */
#include "pki/values.h"

#include <time.h>

#include <openssl/crypto.h>

int sci_fail_extension(lua_State *L, const char *name) {
    return sci_fail(L, &(sci_failure){.phase = "load",
                                      .condition = "malformed_extension",
                                      .message = "an extension of the certificate is malformed",
                                      .subject = name});
}

int sci_push_extension(lua_State *L, const X509 *certificate, const sci_extension *extension) {
    int critical = -1;
    sci_guard *guard = sci_new_guard(L, extension->release);
    sci_clear_errors();
    guard->object = X509_get_ext_d2i(certificate, extension->nid, &critical, NULL);
    bool malformed = !guard->object && critical != -1; /* or it is there twice */
    return !malformed && extension->push(L, guard->object) ? 1 : sci_fail_extension(L, extension->name);
}

void sci_push_hex(lua_State *L, const char *sign, const unsigned char *bytes, size_t length) {
    static const char digits[] = "0123456789ABCDEF";
    luaL_Buffer buffer;
    luaL_buffinit(L, &buffer);
    luaL_addstring(&buffer, sign);
    for (size_t i = 0; i < length; i++) {
        luaL_addchar(&buffer, digits[bytes[i] >> 4]);
        luaL_addchar(&buffer, digits[bytes[i] & 15]);
    }
    luaL_pushresult(&buffer);
}

static void push_oid_numbers(lua_State *L, const ASN1_OBJECT *oid) {
    luaL_Buffer buffer;
    int length = OBJ_obj2txt(NULL, 0, oid, 1);
    if (length < 0) length = 0;
    char *text = luaL_buffinitsize(L, &buffer, (size_t)length + 1);
    if (length > 0) OBJ_obj2txt(text, length + 1, oid, 1);
    luaL_pushresultsize(&buffer, (size_t)length);
}

void sci_push_oid(lua_State *L, const ASN1_OBJECT *oid, bool numbers) {
    int nid = OBJ_obj2nid(oid);
    if (numbers || nid == NID_undef) push_oid_numbers(L, oid);
    else lua_pushstring(L, OBJ_nid2sn(nid));
}

void sci_push_asn1_string(lua_State *L, const ASN1_STRING *string) {
    int length = ASN1_STRING_length(string);
    lua_pushlstring(L, (const char *)ASN1_STRING_get0_data(string), length > 0 ? (size_t)length : 0);
}

#define DAY 86400

bool sci_time_to_seconds(const ASN1_TIME *time, lua_Integer *seconds) {
    static const struct tm epoch = {.tm_year = 70, .tm_mday = 1};
    struct tm calendar;
    int days, rest;
    if (!time || !ASN1_TIME_to_tm(time, &calendar)) return false;
    if (!OPENSSL_gmtime_diff(&days, &rest, &epoch, &calendar)) return false;
    *seconds = (lua_Integer)days * DAY + rest;
    return true;
}

bool sci_time_from_seconds(ASN1_TIME *time, lua_Integer seconds) {
    const lua_Integer year_1900 = -25567, year_10000 = 2932897; /* in days since the epoch */
    lua_Integer days = seconds / DAY, rest = seconds % DAY;
    if (rest < 0) {
        rest += DAY;
        days--;
    }
    if (days < year_1900 || days >= year_10000) return false;
    return ASN1_TIME_adj(time, 0, (int)days, (long)rest) != NULL;
}
