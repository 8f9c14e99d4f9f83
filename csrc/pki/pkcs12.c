/* pkcs12.c: SciSslPkcs12, a key, its certificate and the issuers in one encrypted file (RFC 7292; .p12, .pfx). */
#include "pki/reading.h"

#include <limits.h>
#include <string.h>

#include <openssl/pkcs12.h>

/***
PKCS#12 (.p12, .pfx): a private key, its certificate and the issuers' certificates in one file.
@classmod SciSslPkcs12
*/

static void release(void *object) {
    sci_pkcs12 *held = object;
    PKCS12_free(held->sealed);
    EVP_PKEY_free(held->key);
    X509_free(held->certificate);
    sk_X509_pop_free(held->chain, X509_free);
    OPENSSL_free(held);
}

sci_pkcs12 *sci_new_pkcs12(lua_State *L) {
    sci_guard *guard = sci_new_guard(L, release);
    sci_clear_errors();
    guard->object = OPENSSL_zalloc(sizeof(sci_pkcs12));
    return guard->object;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

void sci_check_pkcs12_passphrase(lua_State *L, int index) {
    sci_check_passphrase(L, index);
    if (lua_type(L, index) == LUA_TSTRING) sci_check_text(L, index);
}

static void *decode(const unsigned char **cursor, long length) { return d2i_PKCS12(NULL, cursor, length); }
static void free_sealed(void *sealed) { PKCS12_free(sealed); }

static const sci_kind sealed_kind = {
    .label = "PKCS12",
    .expected = "PKCS#12",
    .absent = "malformed_pkcs12",
    .malformed = "malformed_pkcs12",
    .malformed_message = "the bytes are not PKCS#12",
    .read_der = decode,
    .release = free_sealed,
};

bool sci_read_pkcs12(sci_pkcs12 *held, const void *bytes, size_t length, sci_failure *failure) {
    if (length > INT_MAX) return sci_refuse(failure, sealed_kind.malformed, "the bytes are too long for PKCS#12");
    held->sealed = sci_read_der(bytes, (int)length, &sealed_kind, failure);
    if (failure->condition) failure->condition = sealed_kind.malformed; /* also where the bytes are not DER */
    return held->sealed != NULL;
}

#define LONGEST (16 << 20) /* bytes of a PKCS#12 file */

bool sci_read_pkcs12_file(sci_pkcs12 *held, BIO *bio, sci_failure *failure) {
    sci_clear_errors();
    BUF_MEM *whole = sci_read_whole(bio, LONGEST + 1);
    bool fits = whole && whole->length <= LONGEST;
    bool read = fits && sci_read_pkcs12(held, whole->data, whole->length, failure);
    if (whole && !fits) sci_refuse(failure, sealed_kind.malformed, "the file is too long for PKCS#12");
    BUF_MEM_free(whole);
    return read;
}

/* ---- decrypting -------------------------------------------------------------------------------------------------- */

/* OpenSSL leaves weak old algorithms, such as RC2 with 40 bits, to its legacy provider, which is seldom loaded. */
static bool needs_legacy(void) {
    unsigned long code = ERR_peek_error();
    return ERR_GET_REASON(code) == ERR_R_UNSUPPORTED || ERR_GET_REASON(code) == EVP_R_UNSUPPORTED_ALGORITHM;
}

static bool refuse_passphrase(sci_failure *failure, bool given) {
    return sci_refuse(failure, given ? "passphrase_wrong" : "passphrase_missing",
                      given ? "the passphrase is wrong, or the PKCS#12 is damaged"
                            : "the PKCS#12 is encrypted, and no passphrase was given");
}

/* PKCS#12 tells "" from no passphrase. A caller that gives no passphrase may mean either. */
static bool fits(PKCS12 *sealed, const char **passphrase) {
    if (PKCS12_verify_mac(sealed, *passphrase, -1)) return true;
    bool given = *passphrase && **passphrase;
    *passphrase = *passphrase ? NULL : "";
    return !given && PKCS12_verify_mac(sealed, *passphrase, -1);
}

static bool refuse_legacy(sci_failure *failure, const char *missing) {
    failure->words[0] = missing;
    return sci_refuse(failure, "pkcs12_legacy", missing ? SCI_MISSING_CIPHER : NULL);
}

static bool parse(sci_pkcs12 *held, const char *passphrase) {
    sci_clear_errors();
    return PKCS12_parse(held->sealed, passphrase, &held->key, &held->certificate, &held->chain) == 1;
}

/* PKCS12_parse requires a MAC, so one is added. */
static bool parse_with_own_mac(sci_pkcs12 *held, const char *passphrase) {
    return PKCS12_set_mac(held->sealed, passphrase, -1, NULL, 0, 1, NULL) && parse(held, passphrase);
}

/* Without a MAC the decryption shows whether the passphrase is right. */
static bool open_without_mac(sci_pkcs12 *held, const char *passphrase, sci_failure *failure) {
    const char *missing;
    bool encrypted = sci_pkcs12_is_encrypted(held->sealed, &missing), given = passphrase && *passphrase;
    if (missing) return refuse_legacy(failure, missing);
    if (given && parse_with_own_mac(held, passphrase)) return true;
    if (!given && (parse_with_own_mac(held, NULL) || parse_with_own_mac(held, ""))) return true;
    if (!encrypted) return sci_refuse(failure, "malformed_pkcs12", "the contents of the PKCS#12 cannot be read");
    return refuse_passphrase(failure, passphrase != NULL);
}

static bool open_sealed(sci_pkcs12 *held, const char *passphrase, sci_failure *failure) {
    bool given = passphrase != NULL;
    const char *missing;
    if (!PKCS12_mac_present(held->sealed)) return open_without_mac(held, passphrase, failure);
    if (!fits(held->sealed, &passphrase))
        return needs_legacy() ? refuse_legacy(failure, NULL) : refuse_passphrase(failure, given);
    if (parse(held, passphrase)) return true;
    (void)sci_pkcs12_is_encrypted(held->sealed, &missing);
    if (missing || needs_legacy()) return refuse_legacy(failure, missing);
    return sci_refuse(failure, "malformed_pkcs12", "the contents of the PKCS#12 cannot be read");
}

/* The text of the passphrase, NULL where none was given, in `*text`. False: `failure` says why it cannot be had. */
static bool find_text(sci_passphrase *asked, const char **text) {
    *text = NULL;
    if (!sci_find_passphrase(asked)) return false;
    if (!asked->text) return true;
    *text = lua_tostring(asked->L, asked->text);
    return strlen(*text) == lua_rawlen(asked->L, asked->text) ||
           sci_refuse(asked->failure, "passphrase_function",
                      "the passphrase function returned a string with NUL bytes");
}

bool sci_decrypt_pkcs12(lua_State *L, sci_pkcs12 *held, int passphrase, sci_failure *failure) {
    sci_passphrase asked = sci_prepare_passphrase(L, passphrase, failure);
    const char *text;
    if (!find_text(&asked, &text)) return false;
    sci_clear_errors();
    return open_sealed(held, text, failure);
}

/* ---- SciSslPkcs12.parse ------------------------------------------------------------------------------------------ */

static void set_certificate(lua_State *L, const char *field, X509 *certificate) {
    if (!certificate) return;
    X509 **slot = sci_new_certificate(L);
    if (X509_up_ref(certificate)) *slot = certificate;
    lua_setfield(L, -2, field);
}

static void set_key(lua_State *L, EVP_PKEY *key) {
    if (!key) return;
    EVP_PKEY **slot = sci_new_key(L);
    if (EVP_PKEY_up_ref(key)) *slot = key;
    lua_setfield(L, -2, "key");
}

static void set_chain(lua_State *L, const STACK_OF(X509) *chain) {
    lua_newtable(L);
    for (int i = 0; i < sk_X509_num(chain); i++) {
        X509 **slot = sci_new_certificate(L);
        if (X509_up_ref(sk_X509_value(chain, i))) *slot = sk_X509_value(chain, i);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "chain");
}

static void set_name(lua_State *L, X509 *certificate) {
    int length = 0;
    const unsigned char *name = certificate ? X509_alias_get0(certificate, &length) : NULL;
    if (!name || length <= 0) return;
    lua_pushlstring(L, (const char *)name, (size_t)length);
    lua_setfield(L, -2, "friendlyName");
}

/***
Reads PKCS#12. Without a MAC in it, a change on its way is not noticed.
@function SciSslPkcs12.parse
@tparam string bytes
@tparam[opt] string|function passphrase a function is called once, without arguments, and returns it
@treturn[1] table `key` (SciSslPrivateKey), `certificate` (SciSslX509Certificate, the key's), `chain` (array of the
 other certificates), `friendlyName`. A field is nil where the PKCS#12 has nothing for it
@treturn[2] nil
@treturn[2] SciSslError phase `load`; condition `malformed_pkcs12`, `passphrase_missing`, `passphrase_wrong`,
 `passphrase_function`; `pkcs12_legacy`: it is encrypted with old algorithms that this OpenSSL does not have
@see PKCS12_parse(3)
@see RFC 7292
*/
static int pkcs12_parse(lua_State *L) {
    sci_failure failure = {.phase = "load", .subject = "PKCS#12"};
    size_t length;
    const char *bytes = luaL_checklstring(L, 1, &length);
    lua_settop(L, 2);
    sci_check_pkcs12_passphrase(L, 2);
    sci_pkcs12 *held = sci_new_pkcs12(L);
    if (!held || !sci_read_pkcs12(held, bytes, length, &failure) || !sci_decrypt_pkcs12(L, held, 2, &failure))
        return sci_fail(L, &failure);
    sci_clear_errors();
    lua_createtable(L, 0, 4);
    set_key(L, held->key);
    set_certificate(L, "certificate", held->certificate);
    set_chain(L, held->chain);
    set_name(L, held->certificate);
    return 1;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

#define OPTIONS 1

enum { KEY = OPTIONS + 1, CERTIFICATE, CHAIN, PASSPHRASE, FRIENDLY_NAME, ITERATIONS };

static const char *const option_names[] = {"key",          "certificate", "chain", "passphrase",
                                           "friendlyName", "iterations",  NULL};

static int iterations_option(lua_State *L) {
    const lua_Integer usual = PKCS12_DEFAULT_ITER, most = 100000000;
    int is_integer;
    if (lua_isnil(L, ITERATIONS)) return (int)usual;
    lua_Integer count = lua_tointegerx(L, ITERATIONS, &is_integer);
    if (!is_integer || count < 1 || count > most)
        sci_option_error(L, OPTIONS, "iterations", "integer from 1 to 100000000", ITERATIONS);
    return (int)count;
}

/* The list was checked: nothing raises here. */
static bool copy_chain(lua_State *L, sci_pkcs12 *held) {
    held->chain = sk_X509_new_null();
    lua_Integer count = lua_isnil(L, CHAIN) ? 0 : (lua_Integer)lua_rawlen(L, CHAIN);
    for (lua_Integer i = 1; held->chain && i <= count; i++) {
        lua_rawgeti(L, CHAIN, i);
        X509 *certificate = sci_test_certificate(L, -1);
        lua_pop(L, 1);
        if (!X509_add_cert(held->chain, certificate, X509_ADD_FLAG_UP_REF)) return false;
    }
    return held->chain != NULL;
}

static int write_sealed(BIO *bio, const void *sealed) { return i2d_PKCS12_bio(bio, sealed); }

/***
Writes PKCS#12, encrypted with AES-256-CBC. PBKDF2 derives the key from the passphrase.
@function SciSslPkcs12.make
@tparam table options
 `key`: the SciSslPrivateKey; `certificate`: the SciSslX509Certificate that goes with it;
 `chain`: array of further certificates, its issuers;
 `passphrase`: string, not empty; `friendlyName`: a name that programs show;
 `iterations`: of PBKDF2 (default 2048, as in OpenSSL; more make guessing slower, and reading as well)
@treturn[1] string
@treturn[2] nil
@treturn[2] SciSslError phase `save`; condition `passphrase_empty`, `key_mismatch`
@raise for an unknown option or one of a wrong type
@see PKCS12_create(3)
*/
static int pkcs12_make(lua_State *L) {
    sci_failure failure = {.phase = "save", .subject = "PKCS#12"};
    lua_settop(L, OPTIONS);
    sci_push_options(L, OPTIONS, option_names);
    sci_pkcs12 *held = sci_new_pkcs12(L);
    const char *passphrase = sci_check_text_option(L, OPTIONS, "passphrase", PASSPHRASE);
    const char *name = sci_check_text_option(L, OPTIONS, "friendlyName", FRIENDLY_NAME);
    int iterations = iterations_option(L);
    EVP_PKEY *key = sci_check_key_option(L, OPTIONS, "key", KEY);
    X509 *certificate = sci_check_certificate_option(L, OPTIONS, "certificate", CERTIFICATE);
    sci_check_certificates_option(L, OPTIONS, "chain", CHAIN);
    if (!passphrase) sci_option_error(L, OPTIONS, "passphrase", "string", PASSPHRASE);
    if (passphrase && !*passphrase)
        return sci_fail_own(L, "save", "passphrase_empty", "the passphrase is empty: it would protect nothing");
    if (held) sci_clear_errors();
    if (held && copy_chain(L, held))
        held->sealed = PKCS12_create(passphrase, name, key, certificate, held->chain, 0, 0, iterations, iterations, 0);
    if (!held || !held->sealed) return sci_fail(L, &failure);
    return sci_push_written(L, write_sealed, held->sealed);
}

static const luaL_Reg pkcs12_functions[] = {{"parse", pkcs12_parse}, {"make", pkcs12_make}, {NULL, NULL}};

void sci_open_pkcs12(lua_State *L) {
    lua_newtable(L);
    luaL_setfuncs(L, pkcs12_functions, 0);
}
