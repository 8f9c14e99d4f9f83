/* private_key_read.c: private keys read from PEM, DER and URIs. */
#include "pki/reading.h"

#include <string.h>
#include <sys/stat.h>

#include <openssl/store.h>
#include <openssl/ui.h>

static void release(void *key) { EVP_PKEY_free(key); }

const sci_kind sci_key_kind = {
    .class = SCI_KEY,
    .closed = "private key has been closed",
    .release = release,
    .label = "PRIVATE KEY",
    .expected = "a private key",
    .absent = "not_private_key",
    .malformed = "malformed_key",
    .malformed_message = "the private key is malformed, or of an algorithm that this OpenSSL does not know",
};

/* OpenSSL could not decrypt the key. `missing`: the algorithm that it lacks, or NULL. */
static void refuse_decryption(sci_failure *failure, const char *missing) {
    failure->words[0] = missing;
    if (missing) sci_refuse(failure, "key_legacy", SCI_MISSING_CIPHER);
    else sci_refuse(failure, "passphrase_wrong", "the passphrase is wrong");
}

/* ---- PEM and DER ------------------------------------------------------------------------------------------------- */

EVP_PKEY *sci_read_key(lua_State *L, BIO *bio, int index, sci_failure *failure) {
    int top = lua_gettop(L);
    sci_passphrase asked = sci_prepare_passphrase(L, index, failure);
    sci_clear_errors();
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, sci_give_passphrase, &asked);
    if (key) lua_settop(L, top);
    if (key || failure->condition) return key;
    const char *missing = sci_missing_in_pem(bio);
    if (asked.asked || missing) refuse_decryption(failure, missing);
    else sci_explain_pem(bio, &sci_key_kind, failure);
    return NULL;
}

EVP_PKEY *sci_read_key_text(lua_State *L, const char *text, int length, int index, sci_failure *failure) {
    sci_clear_errors();
    BIO *bio = BIO_new_mem_buf(text, length);
    EVP_PKEY *key = bio ? sci_read_key(L, bio, index, failure) : NULL;
    BIO_free(bio);
    return key;
}

/* An encrypted PKCS#8 structure. */
static EVP_PKEY *read_encrypted_der(lua_State *L, const unsigned char *bytes, int length, int index,
                                    sci_failure *failure) {
    int top = lua_gettop(L);
    sci_passphrase asked = sci_prepare_passphrase(L, index, failure);
    BIO *bio = BIO_new_mem_buf(bytes, length);
    EVP_PKEY *key = bio ? d2i_PKCS8PrivateKey_bio(bio, NULL, sci_give_passphrase, &asked) : NULL;
    BIO_free(bio);
    if (key) lua_settop(L, top);
    if (key || failure->condition) return key;
    const char *missing = sci_missing_in_der(bytes, length);
    if (asked.asked || missing) refuse_decryption(failure, missing);
    else sci_explain_der(bytes, length, &sci_key_kind, failure);
    return NULL;
}

EVP_PKEY *sci_read_key_der(lua_State *L, const char *text, int length, int index, sci_failure *failure) {
    const unsigned char *bytes = (const unsigned char *)text;
    const unsigned char *cursor = bytes;
    sci_clear_errors();
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &cursor, length);
    if (!key) return read_encrypted_der(L, bytes, length, index, failure);
    if (cursor == bytes + length) return key;
    EVP_PKEY_free(key);
    sci_refuse(failure, sci_key_kind.malformed, "there are bytes after the end of the private key");
    return NULL;
}

/* DER is one SEQUENCE, and a short one says in its second byte how long it is. */
static bool is_der(const char *bytes, int length) {
    const unsigned char *first = (const unsigned char *)bytes;
    return length > 2 && first[0] == (V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED) &&
           (first[1] > 0x80 || first[1] == length - 2);
}

EVP_PKEY *sci_read_key_bytes(lua_State *L, const char *bytes, int length, int index, sci_failure *failure) {
    return (is_der(bytes, length) ? sci_read_key_der : sci_read_key_text)(L, bytes, length, index, failure);
}

/* ---- URIs -------------------------------------------------------------------------------------------------------- */

/* The first private key in the store. NULL: there is none, or OpenSSL's queue says why it cannot be read. */
static EVP_PKEY *first_key(OSSL_STORE_CTX *store) {
    EVP_PKEY *key = NULL;
    while (!key && !OSSL_STORE_eof(store)) {
        OSSL_STORE_INFO *info = OSSL_STORE_load(store);
        if (!info && ERR_peek_error() != 0) break;
        if (info && OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY) key = OSSL_STORE_INFO_get1_PKEY(info);
        OSSL_STORE_INFO_free(info);
    }
    return key;
}

/* The path in a "file:" URI. Any other URI is returned as it is: OpenSSL takes a path for one. */
static const char *path_of(const char *uri) {
    char scheme[sizeof "file:"];
    (void)OPENSSL_strlcpy(scheme, uri, sizeof scheme);
    if (!sci_same_name(scheme, "file:")) return uri;
    const char *path = uri + 5, *slash = strncmp(path, "//", 2) == 0 ? strchr(path + 2, '/') : NULL;
    return slash ? slash : path;
}

/* OpenSSL's store tries every decoder and reports nothing in particular. The bytes of the file tell more. */
static void explain_source(sci_passphrase *asked, BIO *bio) {
    const char *missing = sci_missing_in_pem(bio), *condition = NULL;
    BUF_MEM *whole = missing ? NULL : sci_read_whole(bio, SCI_EXPLAINED);
    if (whole) missing = sci_missing_in_any((const unsigned char *)whole->data, (long)whole->length, &condition);
    BUF_MEM_free(whole);
    if (asked->asked || missing) refuse_decryption(asked->failure, missing);
    else sci_explain_any(bio, &sci_key_kind, asked->failure);
    if (missing && condition) asked->failure->condition = condition;
}

/* Whether it can be read again. Opening a pipe again would wait for another writer. */
static bool is_file(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

static void explain_uri(sci_passphrase *asked, const char *uri) {
    sci_failure unused = {.phase = NULL};
    const char *path = path_of(uri);
    BIO *bio = is_file(path) ? sci_open_file(path, &unused) : NULL;
    if (bio) explain_source(asked, bio);
    else if (asked->asked) /* providers of tokens do not tell which */
        sci_refuse(asked->failure, "passphrase_wrong", "the passphrase or PIN is wrong, or there is no such key");
    else asked->failure->condition = sci_key_kind.absent;
    BIO_free(bio);
}

EVP_PKEY *sci_read_key_uri(lua_State *L, const char *uri, int index, const sci_library *library, sci_failure *failure) {
    int top = lua_gettop(L);
    sci_passphrase asked = sci_prepare_passphrase(L, index, failure);
    UI_METHOD *method = UI_UTIL_wrap_read_pem_callback(sci_give_passphrase, 0);
    sci_clear_errors();
    OSSL_STORE_CTX *store = method ? sci_open_store(uri, library, method, &asked) : NULL;
    EVP_PKEY *key = NULL;
    if (method && !store) (void)sci_explain_store(failure);
    if (store) {
        sci_clear_errors();
        key = first_key(store);
    }
    OSSL_STORE_close(store);
    UI_destroy_method(method);
    if (key) lua_settop(L, top);
    else if (!failure->condition) explain_uri(&asked, uri);
    return key;
}
