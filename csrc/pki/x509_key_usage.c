/* x509_key_usage.c: SciSslX509Certificate, what its key may be used for: keyUsage, extendedKeyUsage,
 * basicConstraints. */
#include "pki/values.h"

#include <string.h>

/* In the order of the bits in RFC 5280, section 4.2.1.3. */
static const char *const key_usages[] = {
    "digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement",
    "keyCertSign",      "cRLSign",        "encipherOnly",    "decipherOnly",     NULL,
};

int sci_find_key_usage(const char *name) {
    for (int bit = 0; key_usages[bit]; bit++)
        if (strcmp(key_usages[bit], name) == 0) return bit;
    return -1;
}

static void free_bit_string(void *bits) { ASN1_BIT_STRING_free(bits); }

static void push_nil_or_table(lua_State *L, const void *decoded) {
    if (decoded) lua_newtable(L);
    else lua_pushnil(L);
}

static bool push_key_usages(lua_State *L, const void *bits) {
    int count = 0;
    push_nil_or_table(L, bits);
    for (int bit = 0; bits && key_usages[bit]; bit++) {
        if (!ASN1_BIT_STRING_get_bit(bits, bit)) continue;
        lua_pushstring(L, key_usages[bit]);
        lua_rawseti(L, -2, ++count);
    }
    return true;
}

/***
Returns what the key may be used for: `digitalSignature`, `nonRepudiation`, `keyEncipherment`, `dataEncipherment`,
`keyAgreement`, `keyCertSign`, `cRLSign`, `encipherOnly`, `decipherOnly`.
@function SciSslX509Certificate:keyUsage
@treturn[1] {string,...}
@treturn[2] nil where the certificate has no such extension, and so does not restrict the key
@treturn[3] nil
@treturn[3] SciSslError condition `malformed_extension`
@see RFC 5280, section 4.2.1.3
*/
static int certificate_key_usage(lua_State *L) {
    static const sci_extension usage = {NID_key_usage, "keyUsage", free_bit_string, push_key_usages};
    return sci_push_extension(L, sci_check_certificate(L, 1), &usage);
}

static void free_extended_usage(void *usages) { EXTENDED_KEY_USAGE_free(usages); }

static bool push_extended_usages(lua_State *L, const void *decoded) {
    const EXTENDED_KEY_USAGE *usages = decoded;
    push_nil_or_table(L, usages);
    for (int i = 0; i < sk_ASN1_OBJECT_num(usages); i++) {
        sci_push_oid(L, sk_ASN1_OBJECT_value(usages, i), false);
        lua_rawseti(L, -2, i + 1);
    }
    return true;
}

/***
Returns the purposes that the certificate is for: `serverAuth`, `clientAuth`, `codeSigning`, `emailProtection` …;
numbers with dots for one that OpenSSL does not know.
@function SciSslX509Certificate:extendedKeyUsage
@treturn[1] {string,...}
@treturn[2] nil where the certificate has no such extension, and so does not restrict the purposes
@treturn[3] nil
@treturn[3] SciSslError condition `malformed_extension`
@see RFC 5280, section 4.2.1.12
*/
static int certificate_extended_key_usage(lua_State *L) {
    static const sci_extension usage = {NID_ext_key_usage, "extendedKeyUsage", free_extended_usage,
                                        push_extended_usages};
    return sci_push_extension(L, sci_check_certificate(L, 1), &usage);
}

/***
Tells whether the certificate belongs to an authority, which may sign others (basicConstraints).
@function SciSslX509Certificate:isCa
@treturn boolean
@see X509_check_ca(3)
*/
static int certificate_is_ca(lua_State *L) {
    X509 *certificate = sci_check_certificate(L, 1);
    sci_clear_errors();
    lua_pushboolean(L, X509_check_ca(certificate) == 1);
    return 1;
}

/***
Returns how many authorities may stand between this one and the certificates at the end (basicConstraints).
@function SciSslX509Certificate:pathLength
@treturn ?integer nil where the number is not limited, or the certificate belongs to no authority
@see X509_get_pathlen(3)
*/
static int certificate_path_length(lua_State *L) {
    long length = X509_get_pathlen(sci_check_certificate(L, 1));
    if (length >= 0) lua_pushinteger(L, length);
    else lua_pushnil(L);
    return 1;
}

static const luaL_Reg usage_methods[] = {
    {"keyUsage", certificate_key_usage},
    {"extendedKeyUsage", certificate_extended_key_usage},
    {"isCa", certificate_is_ca},
    {"pathLength", certificate_path_length},
    {NULL, NULL},
};

void sci_open_x509_key_usage(lua_State *L) { luaL_setfuncs(L, usage_methods, 0); }
