/* tlsa.c: SciSslX509Certificate:tlsa, the TLSA record of a certificate for the DNS (RFC 6698, RFC 7671). */
#include "pki/values.h"

#include <string.h>

/* ---- the numbers of RFC 7218 ------------------------------------------------------------------------------------- */

const char *const sci_tlsa_usages[] = {"PKIX-TA", "PKIX-EE", "DANE-TA", "DANE-EE", NULL};
const char *const sci_tlsa_selectors[] = {"Cert", "SPKI", NULL};
const char *const sci_tlsa_matching_types[] = {"Full", "SHA2-256", "SHA2-512", NULL};

/* The number at `index`, or that of the name there. */
uint8_t sci_check_tlsa_number(lua_State *L, int index, const char *const *names) {
    if (lua_type(L, index) == LUA_TSTRING) return (uint8_t)luaL_checkoption(L, index, NULL, names);
    lua_Integer number = luaL_checkinteger(L, index);
    luaL_argcheck(L, number >= 0 && number <= 255, index, "number from 0 to 255, or its name, expected");
    return (uint8_t)number;
}

/* ---- making records ---------------------------------------------------------------------------------------------- */

static void free_bytes(void *object) { OPENSSL_free(object); }

static int encode(const X509 *certificate, bool spki, unsigned char **bytes) {
    if (spki) return i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), bytes);
    return i2d_X509(certificate, bytes);
}

/***
Returns the data of a TLSA record for the certificate.
@function SciSslX509Certificate:tlsa
@tparam[opt="SPKI"] integer|string selector 0 `Cert`, 1 `SPKI`
@tparam[opt="SHA2-256"] integer|string matchingType 0 `Full`, 1 `SHA2-256`, 2 `SHA2-512`
@treturn[1] string raw bytes
@treturn[2] nil
@treturn[2] SciSslError OpenSSL could not encode it
@raise for another selector or matching type
@see RFC 6698, section 2.1
*/
static int certificate_tlsa(lua_State *L) {
    const X509 *certificate = sci_check_certificate(L, 1);
    uint8_t selector = lua_isnoneornil(L, 2) ? 1 : sci_check_tlsa_number(L, 2, sci_tlsa_selectors);
    uint8_t matching_type = lua_isnoneornil(L, 3) ? 1 : sci_check_tlsa_number(L, 3, sci_tlsa_matching_types);
    luaL_argcheck(L, selector <= 1, 2, "selector 0 or 1 expected");
    luaL_argcheck(L, matching_type <= 2, 3, "matching type 0, 1 or 2 expected");
    unsigned char digest[EVP_MAX_MD_SIZE], *bytes = NULL;
    unsigned int digest_length = 0;
    sci_guard *guard = sci_new_guard(L, free_bytes);
    sci_clear_errors();
    int length = encode(certificate, selector == 1, &bytes);
    guard->object = bytes;
    if (length <= 0) return sci_fail_openssl(L, "save", "TLSA record");
    const EVP_MD *algorithm = matching_type == 1 ? EVP_sha256() : EVP_sha512();
    if (matching_type == 0) lua_pushlstring(L, (const char *)bytes, (size_t)length);
    else if (!EVP_Digest(bytes, (size_t)length, digest, &digest_length, algorithm, NULL))
        return sci_fail_openssl(L, "digest", "TLSA record");
    else lua_pushlstring(L, (const char *)digest, digest_length);
    return 1;
}

static const luaL_Reg tlsa_methods[] = {{"tlsa", certificate_tlsa}, {NULL, NULL}};

void sci_open_tlsa(lua_State *L) { luaL_setfuncs(L, tlsa_methods, 0); }
