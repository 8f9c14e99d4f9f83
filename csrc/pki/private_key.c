/* private_key.c: SciSslPrivateKey, a private key (EVP_PKEY): making, writing, and what it is. */
#include "pki/reading.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/params.h>

/***
A private key of any algorithm that the loaded OpenSSL knows.
@classmod SciSslPrivateKey
*/

#define MINIMUM_BITS 1024
#define MAXIMUM_BITS 16384

EVP_PKEY **sci_new_key(lua_State *L) { return sci_new_box(L, &sci_key_kind, sizeof(sci_box)); }
EVP_PKEY *sci_check_key(lua_State *L, int index) { return sci_check_box(L, index, &sci_key_kind); }
EVP_PKEY *sci_test_key(lua_State *L, int index) { return sci_test_box(L, index, &sci_key_kind); }

/* ---- making ------------------------------------------------------------------------------------------------------ */

typedef struct key_request {
    const char *algorithm, *group;
    lua_Integer bits;
    bool sized; /* `bits` was given */
} key_request;

static key_request check_request(lua_State *L) {
    key_request request = {.algorithm = sci_check_text(L, 1)};
    if (lua_type(L, 2) == LUA_TNUMBER) {
        request.bits = luaL_checkinteger(L, 2);
        request.sized = true;
    } else if (!lua_isnoneornil(L, 2)) {
        luaL_argexpected(L, lua_isstring(L, 2), 2, "size in bits or name of a curve");
        request.group = sci_check_text(L, 2);
    }
    return request;
}

static bool takes(EVP_PKEY_CTX *context, const char *parameter) {
    const OSSL_PARAM *known = EVP_PKEY_CTX_settable_params(context);
    return known && OSSL_PARAM_locate_const(known, parameter);
}

static bool set_bits(EVP_PKEY_CTX *context, lua_Integer bits, sci_failure *failure) {
    if (!takes(context, OSSL_PKEY_PARAM_BITS))
        return sci_refuse(failure, "wrong_parameter", "keys of this algorithm have no size in bits to choose");
    if (bits < MINIMUM_BITS || bits > MAXIMUM_BITS)
        return sci_refuse(failure, "key_size", "expected a size of 1024 to 16384 bits");
    size_t size = (size_t)bits;
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_size_t(OSSL_PKEY_PARAM_BITS, &size), OSSL_PARAM_END};
    return EVP_PKEY_CTX_set_params(context, parameters) > 0;
}

static bool refuse_group(sci_failure *failure) {
    return sci_refuse(failure, "unknown_curve", "this OpenSSL has no curve or group of that name");
}

static bool set_group(EVP_PKEY_CTX *context, const char *group, sci_failure *failure) {
    char name[80];
    if (!takes(context, OSSL_PKEY_PARAM_GROUP_NAME))
        return sci_refuse(failure, "wrong_parameter", "keys of this algorithm have no curve or group to choose");
    if (strcmp(group, "secp256r1") == 0) group = "P-256"; /* the one name in TLS that OpenSSL has another for */
    if (OPENSSL_strlcpy(name, group, sizeof name) >= sizeof name) return refuse_group(failure);
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name, 0),
                                     OSSL_PARAM_END};
    return EVP_PKEY_CTX_set_params(context, parameters) > 0 || refuse_group(failure);
}

static bool prepare_generator(EVP_PKEY_CTX *context, const key_request *request, sci_failure *failure) {
    if (!context || EVP_PKEY_keygen_init(context) <= 0)
        return sci_refuse(failure, "unknown_algorithm", "this OpenSSL cannot make keys of that algorithm");
    if (request->sized) return set_bits(context, request->bits, failure);
    if (request->group) return set_group(context, request->group, failure);
    return !EVP_PKEY_CTX_is_a(context, "EC") || set_group(context, "P-256", failure);
}

static EVP_PKEY *run_generator(EVP_PKEY_CTX *context, const key_request *request, sci_failure *failure) {
    EVP_PKEY *key = NULL;
    if (EVP_PKEY_generate(context, &key) > 0) return key;
    if (request->group) refuse_group(failure);
    else if (!ERR_peek_error()) sci_refuse(failure, "wrong_parameter", "keys of this algorithm need a size or group");
    return NULL;
}

/***
Makes a new key.
@function SciSslPrivateKey.generate
@tparam string algorithm `"EC"`, `"RSA"`, `"Ed25519"`, or any other that the loaded OpenSSL can make keys of
@tparam[opt] integer|string parameter RSA: the size in bits, 1024 to 16384 (default 2048); EC: the curve (default
 `"P-256"`); other algorithms: the size or group that they take
@treturn[1] SciSslPrivateKey
@treturn[2] nil
@treturn[2] SciSslError phase `key`; condition `unknown_algorithm`, `not_in_this_openssl`, `unknown_curve`, `key_size`,
 `wrong_parameter` …
@see EVP_PKEY_generate(3)
*/
static int key_generate(lua_State *L) {
    const key_request request = check_request(L);
    EVP_PKEY **slot = sci_new_key(L);
    sci_failure failure = {.phase = "key", .subject = request.algorithm};
    sci_clear_errors();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, request.algorithm, NULL);
    if (prepare_generator(context, &request, &failure)) *slot = run_generator(context, &request, &failure);
    EVP_PKEY_CTX_free(context);
    const char *release = *slot ? NULL : sci_find_release(request.algorithm, strlen(request.algorithm));
    if (release && failure.condition && strcmp(failure.condition, "unknown_algorithm") == 0)
        return sci_fail_missing(L, "key", request.algorithm, release);
    return *slot ? 1 : sci_fail(L, &failure);
}

typedef EVP_PKEY *key_reader(lua_State *L, const char *bytes, int length, int passphrase, sci_failure *failure);

static int load_key(lua_State *L, key_reader *read) {
    int length;
    const char *bytes = sci_check_bytes(L, 1, &length);
    sci_check_passphrase(L, 2);
    lua_settop(L, 2);
    EVP_PKEY **slot = sci_new_key(L);
    sci_failure failure = {.phase = "load"};
    *slot = read(L, bytes, length, 2, &failure);
    return *slot ? 1 : sci_fail(L, &failure);
}

/***
Reads a key from PEM text: PKCS#8, encrypted or not, or the older forms.
@function SciSslPrivateKey.fromPem
@tparam string text
@tparam[opt] string|function passphrase a function is called once, without arguments, if the key is encrypted, and
 returns the passphrase. OpenSSL never asks on the terminal
@treturn[1] SciSslPrivateKey
@treturn[2] nil
@treturn[2] SciSslError phase `load`; condition `passphrase_missing`, `passphrase_wrong`, `passphrase_too_long`,
 `passphrase_function` (with what it raised as the cause), `not_pem`, `not_private_key` or `malformed_key`;
 `key_legacy`: it is encrypted with an algorithm that this OpenSSL does not have; `openssh_key`: it is in OpenSSH's own
 format
@see PEM_read_bio_PrivateKey(3)
*/
static int key_from_pem(lua_State *L) { return load_key(L, sci_read_key_text); }

/***
Reads a key from a PEM file.
@function SciSslPrivateKey.fromPemFile
@tparam string path
@tparam[opt] string|function passphrase as for `fromPem`
@treturn[1] SciSslPrivateKey
@treturn[2] nil
@treturn[2] SciSslError as for `fromPem`, with the path as its subject; also `file_missing`, `file_unreadable` …
*/
static int key_from_pem_file(lua_State *L) {
    const char *path = sci_check_text(L, 1);
    sci_check_passphrase(L, 2);
    lua_settop(L, 2);
    EVP_PKEY **slot = sci_new_key(L);
    sci_failure failure = {.phase = "load"};
    BIO *bio = sci_open_file(path, &failure);
    if (bio) *slot = sci_read_key(L, bio, 2, &failure);
    BIO_free(bio);
    return *slot ? 1 : sci_fail(L, &failure);
}

/***
Reads a key from a URI that OpenSSL's stores can open: `file:` in any format, and the schemes of providers, such as
`pkcs11:` for keys that stay in their hardware.
@function SciSslPrivateKey.fromUri
@tparam string uri `file:/etc/ssl/private/own.key`; a plain path works as well
@tparam[opt] string|function passphrase as for `fromPem`, or the PIN
@tparam[opt] SciSslLibrary library whose providers find the key; OpenSSL's own by default
@treturn[1] SciSslPrivateKey
@treturn[2] nil
@treturn[2] SciSslError phase `load`, with the URI as its subject; condition `file_missing`, `unknown_scheme`,
 `store_unreadable`, `not_private_key`: there is none; `passphrase_missing`, `passphrase_wrong`, `passphrase_function`,
 `key_legacy`, `pkcs12_legacy` …
@see OSSL_STORE_open(3)
@see ossl_store-file(7)
*/
static int key_from_uri(lua_State *L) {
    const char *uri = sci_check_text(L, 1);
    sci_check_passphrase(L, 2);
    const sci_library *library = sci_check_library_option(L, 3);
    lua_settop(L, 2);
    EVP_PKEY **slot = sci_new_key(L);
    sci_failure failure = {.phase = "load", .subject = sci_path_subject(uri)};
    *slot = sci_read_key_uri(L, uri, 2, library, &failure);
    return *slot ? 1 : sci_fail(L, &failure);
}

/***
Reads a key from DER bytes: PKCS#8, encrypted or not, or the older forms.
@function SciSslPrivateKey.fromDer
@tparam string bytes
@tparam[opt] string|function passphrase as for `fromPem`
@treturn[1] SciSslPrivateKey
@treturn[2] nil
@treturn[2] SciSslError phase `load`; condition `not_der`, `not_private_key`, `malformed_key`, `key_legacy`, or one
 about the passphrase
@see d2i_AutoPrivateKey(3)
*/
static int key_from_der(lua_State *L) { return load_key(L, sci_read_key_der); }

/* ---- methods ----------------------------------------------------------------------------------------------------- */

/***
Writes the key as PEM text (PKCS#8). Without a passphrase it is not encrypted: keep it secret.
@function SciSslPrivateKey:toPem
@tparam[opt] string passphrase of 1 to 1024 bytes; encrypts with AES-256-CBC
@treturn[1] string
@treturn[2] nil
@treturn[2] SciSslError phase `save`; condition `passphrase_empty`, `passphrase_too_long` …
@see PEM_write_bio_PKCS8PrivateKey(3)
*/
static int key_to_pem(lua_State *L) {
    const EVP_PKEY *key = sci_check_key(L, 1);
    size_t length = 0;
    const char *secret = luaL_optlstring(L, 2, NULL, &length);
    if (secret && length == 0)
        return sci_fail_own(L, "save", "passphrase_empty", "the passphrase is empty: it would protect nothing");
    if (length > PEM_BUFSIZE)
        return sci_fail_own(L, "save", "passphrase_too_long", "the passphrase is too long: OpenSSL takes 1024 bytes");
    BIO *bio = sci_new_memory_bio(L);
    const EVP_CIPHER *cipher = secret ? EVP_aes_256_cbc() : NULL;
    if (!bio || !PEM_write_bio_PKCS8PrivateKey(bio, key, cipher, secret, (int)length, NULL, NULL))
        return sci_fail_openssl(L, "save", "private key");
    sci_push_bio_bytes(L, bio);
    return 1;
}

static int write_der(BIO *bio, const void *key) { return i2d_PKCS8PrivateKey_bio(bio, key, NULL, NULL, 0, NULL, NULL); }

/***
Writes the key as DER bytes (PKCS#8). It is not encrypted: keep it secret.
@function SciSslPrivateKey:toDer
@treturn[1] string
@treturn[2] nil
@treturn[2] SciSslError phase `save`
@see i2d_PKCS8PrivateKey_bio(3)
*/
static int key_to_der(lua_State *L) { return sci_push_written(L, write_der, sci_check_key(L, 1)); }

static int write_public(BIO *bio, const void *key) { return PEM_write_bio_PUBKEY(bio, key); }

/***
Writes the public key as PEM text (SubjectPublicKeyInfo).
@function SciSslPrivateKey:publicPem
@treturn[1] string
@treturn[2] nil
@treturn[2] SciSslError phase `save`
@see PEM_write_bio_PUBKEY(3)
*/
static int key_public_pem(lua_State *L) { return sci_push_written(L, write_public, sci_check_key(L, 1)); }

/***
Returns the pin of the public key, as curl and HPKP write it, for `SciSslContext:setPins`.
@function SciSslPrivateKey:spkiPin
@treturn[1] string `sha256//` and base64; the same as that of a certificate for this key
@treturn[2] nil
@treturn[2] SciSslError phase `digest`
@see RFC 7469, section 2.4
*/
static int key_spki_pin(lua_State *L) {
    unsigned char *bytes = NULL, digest[SCI_PIN_LENGTH];
    const EVP_PKEY *key = sci_check_key(L, 1);
    sci_clear_errors();
    int length = i2d_PUBKEY(key, &bytes);
    bool made = sci_digest_spki(bytes, length, digest);
    OPENSSL_free(bytes);
    if (!made) return sci_fail_openssl(L, "digest", NULL);
    sci_push_pin(L, digest);
    return 1;
}

static const char *type_name(const EVP_PKEY *key) {
    const char *name = EVP_PKEY_get0_type_name(key);
    return name ? name : "unknown";
}

/***
Returns OpenSSL's name of the algorithm: `EC`, `RSA`, `ED25519` …
@function SciSslPrivateKey:type
@treturn string
@see EVP_PKEY_get0_type_name(3)
*/
static int key_type(lua_State *L) {
    lua_pushstring(L, type_name(sci_check_key(L, 1)));
    return 1;
}

/***
Returns the size of the key.
@function SciSslPrivateKey:bits
@treturn integer 256 for the curve P-256, 2048 for an RSA key of that size …
@see EVP_PKEY_get_bits(3)
*/
static int key_bits(lua_State *L) {
    lua_pushinteger(L, EVP_PKEY_get_bits(sci_check_key(L, 1)));
    return 1;
}

/* Writes the name of the key's curve or group, NIST's name if there is one. False: the key has none. */
static bool find_group(const EVP_PKEY *key, char *name, size_t size) {
    size_t length;
    if (!EVP_PKEY_get_group_name(key, name, size, &length)) return false;
    const char *nist = EC_curve_nid2nist(OBJ_sn2nid(name));
    if (nist) OPENSSL_strlcpy(name, nist, size);
    return *name != '\0';
}

/***
Returns the curve or group of the key.
@function SciSslPrivateKey:group
@treturn ?string `P-256`, `secp256k1`, `ffdhe2048` …; nil for a key of an algorithm that has none
@see EVP_PKEY_get_group_name(3)
*/
static int key_group(lua_State *L) {
    char name[80];
    const EVP_PKEY *key = sci_check_key(L, 1);
    bool found = find_group(key, name, sizeof name);
    sci_clear_errors();
    if (found) lua_pushstring(L, name);
    else lua_pushnil(L);
    return 1;
}

/***
Frees the key, and wipes it from memory unless a context or connection still uses it. Harmless twice; every other use
of a closed key raises. A key that a finalizer closes is wiped when the key itself is collected.
@function SciSslPrivateKey:close
@see EVP_PKEY_free(3)
*/
static int key_close(lua_State *L) { return sci_close_box(L, &sci_key_kind); }

static int key_eq(lua_State *L) {
    const EVP_PKEY *a = sci_test_key(L, 1), *b = sci_test_key(L, 2);
    bool equal = a && b && EVP_PKEY_eq(a, b) == 1;
    sci_clear_errors();
    lua_pushboolean(L, equal);
    return 1;
}

static int key_tostring(lua_State *L) {
    char group[80];
    const EVP_PKEY *key = sci_show_box(L, &sci_key_kind);
    if (!key) return 1;
    if (find_group(key, group, sizeof group)) lua_pushfstring(L, SCI_KEY ": %s %s", type_name(key), group);
    else lua_pushfstring(L, SCI_KEY ": %s, %d bits", type_name(key), EVP_PKEY_get_bits(key));
    sci_clear_errors();
    return 1;
}

static const luaL_Reg key_functions[] = {
    {"generate", key_generate}, {"fromPem", key_from_pem}, {"fromPemFile", key_from_pem_file},
    {"fromUri", key_from_uri},  {"fromDer", key_from_der}, {NULL, NULL},
};

static const luaL_Reg key_methods[] = {
    {"toPem", key_to_pem},     {"toDer", key_to_der}, {"publicPem", key_public_pem},
    {"spkiPin", key_spki_pin}, {"type", key_type},    {"bits", key_bits},
    {"group", key_group},      {"close", key_close},  {NULL, NULL},
};

static const luaL_Reg key_metamethods[] = {
    {"__gc", key_close}, {"__close", key_close}, {"__eq", key_eq}, {"__tostring", key_tostring}, {NULL, NULL},
};

void sci_open_key(lua_State *L) { sci_new_class(L, SCI_KEY, key_functions, key_methods, key_metamethods); }
