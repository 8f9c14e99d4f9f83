/* digest.c: scissl.digest: message digests of any bytes; scissl.randomBytes; and base64, for the Lua layer. */
#include "base/base.h"

#include <openssl/rand.h>

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

#define RANDOM_LIMIT (1 << 24)

/***
Returns random bytes of OpenSSL's generator, which are fit for keys.
@function scissl.randomBytes
@tparam integer count from 0 to 16,777,216
@treturn[1] string
@treturn[2] nil
@treturn[2] SciSslError phase `random`: the generator has failed
@see RAND_bytes(3)
*/
int sci_random_bytes(lua_State *L) {
    size_t count = (size_t)sci_check_integer(L, 1, 0, RANDOM_LIMIT, "integer from 0 to 16777216");
    luaL_Buffer buffer;
    unsigned char *bytes = (unsigned char *)luaL_buffinitsize(L, &buffer, count);
    sci_clear_errors();
    if (RAND_bytes(bytes, (int)count) != 1) return sci_fail_openssl(L, "random", NULL);
    luaL_pushresultsize(&buffer, count);
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
