/* digest.c: scissl.digest: message digests of any bytes; and base64, for the Lua layer. */
#include "base/base.h"

static unsigned int digest_bytes(const char *name, const char *bytes, size_t length, unsigned char *digest) {
    unsigned int digest_length = 0;
    EVP_MD *algorithm = EVP_MD_fetch(NULL, name, NULL);
    if (algorithm && !EVP_Digest(bytes, length, digest, &digest_length, algorithm, NULL)) digest_length = 0;
    EVP_MD_free(algorithm);
    return digest_length;
}

/***
Computes a message digest.
@function scissl.digest
@tparam string name `SHA256`, `MD5` …
@tparam string bytes
@treturn[1] string raw bytes
@treturn[2] nil
@treturn[2] SciSslError condition `unknown_digest`
@see EVP_Digest(3)
*/
int sci_digest(lua_State *L) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    size_t length;
    const char *name = sci_check_text(L, 1);
    const char *bytes = luaL_checklstring(L, 2, &length);
    sci_clear_errors();
    unsigned int digest_length = digest_bytes(name, bytes, length, digest);
    if (digest_length == 0)
        return sci_fail(L, &(sci_failure){.phase = "digest", .condition = "unknown_digest", .subject = name});
    lua_pushlstring(L, (const char *)digest, digest_length);
    return 1;
}

#define BASE64_LIMIT (1 << 20) /* bytes: the Lua layer encodes short texts */

int sci_base64(lua_State *L) {
    size_t length;
    const char *bytes = luaL_checklstring(L, 1, &length);
    luaL_argcheck(L, length <= BASE64_LIMIT, 1, "too long");
    luaL_Buffer buffer;
    char *text = luaL_buffinitsize(L, &buffer, (length + 2) / 3 * 4 + 1);
    int written = EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)bytes, (int)length);
    luaL_pushresultsize(&buffer, (size_t)written);
    return 1;
}
