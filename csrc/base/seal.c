/* seal.c: scissl.seal: encrypts and authenticates bytes with a secret, for stores that others can read and change, such as a
 * fleet's store of sessions. HKDF derives a key for each call from the secret and random bytes, so that one secret may seal any
 * number of them. */
#include "base/base.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>

#define FORMAT 1
#define SALT_LENGTH 32
#define TAG_LENGTH 16
#define HEAD_LENGTH (1 + SALT_LENGTH)
#define KEY_LENGTH 32
#define NONCE_LENGTH 12
#define SECRET_LEAST 32

typedef struct sealing {
    const char *secret, *purpose;
    size_t secret_length, purpose_length;
    unsigned char key[KEY_LENGTH + NONCE_LENGTH]; /* the key, then the nonce */
} sealing;

static bool derive(sealing *with, const unsigned char *salt) {
    char digest[] = "SHA256", info[] = "scissl seal 1";
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)with->secret, with->secret_length),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt, SALT_LENGTH),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, sizeof info - 1),
        OSSL_PARAM_construct_end(),
    };
    bool derived = context && EVP_KDF_derive(context, with->key, sizeof with->key, params) == 1;
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    return derived;
}

static bool start(EVP_CIPHER_CTX *cipher, sealing *with, const unsigned char *salt, int encrypts) {
    int ignored;
    return cipher && derive(with, salt) &&
           EVP_CipherInit_ex(cipher, EVP_aes_256_gcm(), NULL, with->key, with->key + KEY_LENGTH, encrypts) == 1 &&
           EVP_CipherUpdate(cipher, NULL, &ignored, (const unsigned char *)with->purpose, (int)with->purpose_length) ==
               1;
}

/* `out` has room for the head, the bytes and the tag. */
static bool seal(EVP_CIPHER_CTX *cipher, sealing *with, const char *bytes, size_t length, unsigned char *out) {
    int done = 0, more = 0;
    unsigned char *body = out + HEAD_LENGTH;
    out[0] = FORMAT;
    return RAND_bytes(out + 1, SALT_LENGTH) > 0 && start(cipher, with, out + 1, 1) &&
           EVP_CipherUpdate(cipher, body, &done, (const unsigned char *)bytes, (int)length) == 1 &&
           EVP_CipherFinal_ex(cipher, body + done, &more) == 1 &&
           EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, TAG_LENGTH, body + length) == 1;
}

/* `out` has room for `length` bytes, those without head and tag. */
static bool unseal(EVP_CIPHER_CTX *cipher, sealing *with, const unsigned char *sealed, size_t length,
                   unsigned char *out) {
    int done = 0, more = 0;
    const unsigned char *body = sealed + HEAD_LENGTH;
    return start(cipher, with, sealed + 1, 0) && EVP_CipherUpdate(cipher, out, &done, body, (int)length) == 1 &&
           EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, TAG_LENGTH, (void *)(uintptr_t)(body + length)) == 1 &&
           EVP_CipherFinal_ex(cipher, out + done, &more) == 1;
}

/* Reads `secret, bytes, purpose`. */
static const char *check_arguments(lua_State *L, sealing *with, int *length) {
    int purpose_length;
    with->secret = luaL_checklstring(L, 1, &with->secret_length);
    luaL_argcheck(L, with->secret_length >= SECRET_LEAST, 1, "at least 32 bytes expected");
    const char *bytes = sci_check_bytes(L, 2, length);
    luaL_argcheck(L, *length <= INT_MAX - HEAD_LENGTH - TAG_LENGTH, 2, "string too long");
    with->purpose = sci_check_bytes(L, 3, &purpose_length);
    with->purpose_length = (size_t)purpose_length;
    return bytes;
}

/***
Encrypts and authenticates bytes, for stores that others can read and change, such as a shared store of sessions. Only
`unseal` with the same secret and purpose can read them. The cipher is AES-256-GCM, with a key for each call that HKDF-SHA256
derives from the secret and 32 random bytes.
@function scissl.seal
@tparam string secret 32 random bytes or more; not a passphrase
@tparam string bytes
@tparam string purpose what the bytes are for, and whose; it is authenticated, and is not part of the result
@treturn[1] string 49 bytes longer than `bytes`
@treturn[2] nil
@treturn[2] SciSslError phase `seal`: OpenSSL has no random bytes, or no memory
@see EVP_EncryptInit(3)
@see RFC 5869
*/
int sci_seal(lua_State *L) {
    sealing with;
    luaL_Buffer buffer;
    int length;
    const char *bytes = check_arguments(L, &with, &length);
    size_t sealed_length = HEAD_LENGTH + (size_t)length + TAG_LENGTH;
    unsigned char *sealed = (unsigned char *)luaL_buffinitsize(L, &buffer, sealed_length);
    sci_clear_errors();
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    bool done = seal(cipher, &with, bytes, (size_t)length, sealed);
    EVP_CIPHER_CTX_free(cipher);
    OPENSSL_cleanse(with.key, sizeof with.key);
    if (!done) return sci_fail_openssl(L, "seal", NULL);
    luaL_pushresultsize(&buffer, sealed_length);
    return 1;
}

/***
Decrypts what `seal` returned.
@function scissl.unseal
@tparam string secret
@tparam string sealed
@tparam string purpose
@treturn[1] string
@treturn[2] nil
@treturn[2] SciSslError phase `seal`, condition `not_sealed`: the secret or purpose is another one, or the bytes were changed
@see EVP_DecryptInit(3)
*/
int sci_unseal(lua_State *L) {
    sealing with;
    luaL_Buffer buffer;
    int length;
    const unsigned char *sealed = (const unsigned char *)check_arguments(L, &with, &length);
    if (length < HEAD_LENGTH + TAG_LENGTH || sealed[0] != FORMAT) return sci_fail_own(L, "seal", "not_sealed", NULL);
    size_t plain_length = (size_t)length - HEAD_LENGTH - TAG_LENGTH;
    unsigned char *plain = (unsigned char *)luaL_buffinitsize(L, &buffer, plain_length);
    sci_clear_errors();
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    bool done = unseal(cipher, &with, sealed, plain_length, plain);
    EVP_CIPHER_CTX_free(cipher);
    OPENSSL_cleanse(with.key, sizeof with.key);
    sci_clear_errors();
    if (!done) {
        OPENSSL_cleanse(plain, plain_length); /* bytes that were decrypted before the tag was checked */
        return sci_fail_own(L, "seal", "not_sealed", NULL);
    }
    luaL_pushresultsize(&buffer, plain_length);
    return 1;
}
