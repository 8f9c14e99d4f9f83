/* context_pins.c: SciSslContext, pinned public keys, and the types of certificates: X.509 or raw public keys (RFC 7250). */
#include "context/context.h"

#include <string.h>

/* ---- pins -------------------------------------------------------------------------------------------------------- */

#define ENCODED 44 /* base64 letters of 32 bytes */

/* OpenSSL's decoder takes other letters for the last one: so the text of the digest must be the same again. */
static bool read_pin(const char *text, size_t length, unsigned char digest[SCI_PIN_LENGTH]) {
    unsigned char decoded[ENCODED], again[ENCODED + 4];
    const char *encoded = text + sizeof SCI_PIN_PREFIX - 1;
    if (length != sizeof SCI_PIN_PREFIX - 1 + ENCODED || strncmp(text, SCI_PIN_PREFIX, sizeof SCI_PIN_PREFIX - 1) != 0)
        return false;
    if (EVP_DecodeBlock(decoded, (const unsigned char *)encoded, ENCODED) != SCI_PIN_LENGTH + 1) return false;
    memcpy(digest, decoded, SCI_PIN_LENGTH);
    return EVP_EncodeBlock(again, digest, SCI_PIN_LENGTH) == ENCODED && memcmp(again, encoded, ENCODED) == 0;
}

bool sci_push_pins(lua_State *L) {
    unsigned char digest[SCI_PIN_LENGTH];
    luaL_Buffer digests;
    lua_Integer count = luaL_len(L, 2);
    bool good = count > 0;
    luaL_buffinit(L, &digests);
    for (lua_Integer i = 1; i <= count && good; i++) {
        size_t length;
        lua_geti(L, 2, i);
        luaL_argexpected(L, lua_type(L, -1) == LUA_TSTRING, 2, "table of strings");
        const char *text = lua_tolstring(L, -1, &length);
        good = read_pin(text, length, digest);
        lua_pop(L, 1);
        if (!good) break;
        lua_pushlstring(L, (const char *)digest, sizeof digest);
        luaL_addvalue(&digests);
    }
    luaL_pushresult(&digests);
    return good;
}

int sci_fail_pins(lua_State *L) {
    return sci_fail_own(
        L, "option", "bad_pin",
        "expected a list of one pin or more, each 'sha256//' and the 44 base64 letters of a SHA-256 digest");
}

/***
Sets the public keys that a peer may have, by their pins. Where this is set, nothing else counts: a certificate, or raw public
key (see `setServerCertificateTypes`), with one of these keys is accepted, and any other is rejected. CAs, names, dates,
purposes and revocation are not checked; a key that is too weak for the security level is rejected. Later connections only. A
client needs `SSL_VERIFY_PEER` (see `setVerify`), as for any other verification; a server, too.
@function SciSslContext:setPins
@tparam ?{string,...} pins as `SciSslX509Certificate:spkiPin` and `SciSslPrivateKey:spkiPin` return them; nil: peers are
 verified by the trust store
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `bad_pin`: the list is empty, or has something else than pins; the context is unchanged
@see RFC 7469, section 2.4
*/
static int context_set_pins(lua_State *L) {
    sci_check_context(L, 1);
    luaL_checkany(L, 2);
    lua_settop(L, 2);
    if (!lua_isnil(L, 2)) {
        (void)sci_check_list(L, 2);
        if (!sci_push_pins(L)) return sci_fail_pins(L);
    }
    sci_check_context(L, 1); /* metamethods of the list may have closed it */
    lua_setiuservalue(L, 1, SCI_CONTEXT_PINS);
    lua_settop(L, 1);
    return 1;
}

/* ---- types of certificates --------------------------------------------------------------------------------------- */

#ifdef TLSEXT_cert_type_rpk
#define X509_TYPE TLSEXT_cert_type_x509
#define RAW_TYPE TLSEXT_cert_type_rpk
#else
#define X509_TYPE 0
#define RAW_TYPE 2
#endif

static const struct {
    const char *name;
    unsigned char type;
} types[] = {{"x509", X509_TYPE}, {"rawPublicKey", RAW_TYPE}};

#define TYPES (sizeof types / sizeof *types)

typedef struct type_list {
    unsigned char list[TYPES];
    size_t count;
    bool raw;
} type_list;

static bool add_type(type_list *wanted, const char *name, size_t length) {
    for (size_t i = 0; i < TYPES; i++) {
        if (strlen(types[i].name) != length || strcmp(types[i].name, name) != 0) continue;
        if (wanted->count == TYPES || memchr(wanted->list, types[i].type, wanted->count)) return false; /* twice */
        wanted->list[wanted->count++] = types[i].type;
        wanted->raw = wanted->raw || types[i].type == RAW_TYPE;
        return true;
    }
    return false;
}

/* False: nil, SciSslError were pushed. */
static bool read_types(lua_State *L, type_list *wanted) {
    lua_Integer count = sci_check_list(L, 2);
    bool good = count > 0;
    for (lua_Integer i = 1; i <= count && good; i++) {
        lua_rawgeti(L, 2, i);
        luaL_argexpected(L, lua_type(L, -1) == LUA_TSTRING, 2, "table of strings");
        size_t length;
        const char *name = lua_tolstring(L, -1, &length);
        good = add_type(wanted, name, length);
        lua_pop(L, 1);
    }
    if (!good)
        sci_fail_own(L, "option", "unknown_certificate_type",
                     "expected a list of 'rawPublicKey' or 'x509' or both, each once");
    return good;
}

typedef int type_setter(SSL_CTX *ctx, const unsigned char *list, size_t count);

static int set_types(lua_State *L, type_setter *set, const char *option) {
    SSL_CTX *ctx = sci_check_context(L, 1)->ctx;
    type_list wanted = {.count = 0};
    if (!read_types(L, &wanted)) return 2;
    if (wanted.raw && !set) return sci_fail_missing(L, "option", option, "OpenSSL 3.2");
    sci_clear_errors();
    if (set && set(ctx, wanted.list, wanted.count) != 1) return sci_fail_openssl(L, "option", option);
    return sci_return_receiver(L);
}

#ifdef TLSEXT_cert_type_rpk
#define SERVER_SETTER SSL_CTX_set1_server_cert_type
#define CLIENT_SETTER SSL_CTX_set1_client_cert_type
#else
#define SERVER_SETTER NULL
#define CLIENT_SETTER NULL
#endif

/***
Sets what a server may present as its certificate: X.509 certificates, raw public keys (RFC 7250), or both. A server chooses
the first one of its own list that the client's list has, too. A server that presents raw public keys alone needs a private key and
no certificate. A client accepts a raw public key only by its pin (see `setPins`). A server that does not know raw public
keys presents a certificate. Later connections only. Without a call: X.509 certificates.
@function SciSslContext:setServerCertificateTypes
@tparam {string,...} names `"rawPublicKey"`, `"x509"`, most preferred first
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `unknown_certificate_type`; `not_in_this_openssl`: raw public keys need OpenSSL 3.2; the
 context is unchanged
@see SSL_CTX_set1_server_cert_type(3)
@see RFC 7250
*/
static int context_set_server_certificate_types(lua_State *L) {
    return set_types(L, SERVER_SETTER, "setServerCertificateTypes");
}

/***
Sets what a client may present as its certificate, where a server asks for one (see `setVerify`): X.509 certificates, raw public
keys (RFC 7250), or both. The server chooses the first one of its own list that the client's list has, too.
@function SciSslContext:setClientCertificateTypes
@tparam {string,...} names as for `setServerCertificateTypes`
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError as for `setServerCertificateTypes`
@see SSL_CTX_set1_client_cert_type(3)
@see RFC 7250
*/
static int context_set_client_certificate_types(lua_State *L) {
    return set_types(L, CLIENT_SETTER, "setClientCertificateTypes");
}

#ifdef TLSEXT_cert_type_rpk
static void set_type_names(lua_State *L, const char *field, const unsigned char *list, size_t count) {
    unsigned char copy[TYPES];
    size_t length = list ? (count < TYPES ? count : TYPES) : 0;
    if (length == 0) return;
    memcpy(copy, list, length);
    lua_createtable(L, (int)length, 0);
    for (size_t i = 0; i < length; i++) {
        lua_pushstring(L, copy[i] == RAW_TYPE ? "rawPublicKey" : "x509");
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, field);
}
#endif

void sci_context_describe_types(lua_State *L, const SSL_CTX *ctx) {
#ifdef TLSEXT_cert_type_rpk
    unsigned char *list = NULL;
    size_t count = 0;
    if (SSL_CTX_get0_server_cert_type(ctx, &list, &count) == 1)
        set_type_names(L, "serverCertificateTypes", list, count);
    list = NULL;
    if (SSL_CTX_get0_client_cert_type(ctx, &list, &count) == 1)
        set_type_names(L, "clientCertificateTypes", list, count);
#else
    (void)L, (void)ctx;
#endif
}

static const luaL_Reg pin_methods[] = {
    {"setPins", context_set_pins},
    {"setServerCertificateTypes", context_set_server_certificate_types},
    {"setClientCertificateTypes", context_set_client_certificate_types},
    {NULL, NULL},
};

void sci_open_context_pins(lua_State *L) { luaL_setfuncs(L, pin_methods, 0); }
