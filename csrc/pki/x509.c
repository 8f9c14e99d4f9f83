/* x509.c: SciSslX509Certificate, a certificate (X509): reading, writing, subject, issuer, dates, key. */
#include "pki/reading.h"

#include <time.h>

/***
A certificate, to read, make, inspect and verify. Two certificates with the same bytes are equal.
@classmod SciSslX509Certificate
*/

static void *read_pem(BIO *bio) { return PEM_read_bio_X509_AUX(bio, NULL, sci_no_passphrase, NULL); }
static void *read_der(const unsigned char **cursor, long length) { return d2i_X509(NULL, cursor, length); }
static void release(void *certificate) { X509_free(certificate); }

static const sci_kind certificate_kind = {
    .class = SCI_CERTIFICATE,
    .closed = "certificate has been closed",
    .label = "CERTIFICATE",
    .expected = "a certificate",
    .absent = "not_certificate",
    .malformed = "malformed_certificate",
    .malformed_message = "the certificate is malformed",
    .read_pem = read_pem,
    .read_der = read_der,
    .release = release,
};

X509 **sci_new_certificate(lua_State *L) { return sci_new_box(L, &certificate_kind, sizeof(sci_box)); }
X509 *sci_check_certificate(lua_State *L, int index) { return sci_check_box(L, index, &certificate_kind); }
X509 *sci_test_certificate(lua_State *L, int index) { return sci_test_box(L, index, &certificate_kind); }

STACK_OF(X509) *sci_read_certificates(BIO *bio, sci_failure *failure) {
    return sci_read_all_pem(bio, &certificate_kind, failure);
}

STACK_OF(X509) *sci_read_certificates_or_der(BIO *bio, sci_failure *failure) {
    return sci_read_all(bio, &certificate_kind, failure);
}

/* ---- reading and writing ----------------------------------------------------------------------------------------- */

/***
Reads a certificate from PEM text: the first, where there are several. `TRUSTED CERTIFICATE`, which OpenSSL writes with
trust settings, is a certificate as well.
@function SciSslX509Certificate.fromPem
@tparam string text
@treturn[1] SciSslX509Certificate
@treturn[2] nil
@treturn[2] SciSslError phase `load`; condition `not_pem`, `not_certificate` or `malformed_certificate`
@see PEM_read_bio_X509(3)
*/
static int certificate_from_pem(lua_State *L) { return sci_load_pem(L, &certificate_kind); }

/***
Reads a certificate from a PEM file.
@function SciSslX509Certificate.fromPemFile
@tparam string path
@treturn[1] SciSslX509Certificate
@treturn[2] nil
@treturn[2] SciSslError as for `fromPem`, with the path as its subject; also `file_missing`, `file_unreadable` …
*/
static int certificate_from_pem_file(lua_State *L) { return sci_load_pem_file(L, &certificate_kind); }

/***
Reads a certificate from DER bytes.
@function SciSslX509Certificate.fromDer
@tparam string bytes
@treturn[1] SciSslX509Certificate
@treturn[2] nil
@treturn[2] SciSslError phase `load`; condition `not_der`, `not_certificate` or `malformed_certificate`
@see d2i_X509(3)
*/
static int certificate_from_der(lua_State *L) { return sci_load_der(L, &certificate_kind); }

static int write_pem(BIO *bio, const void *certificate) { return PEM_write_bio_X509(bio, certificate); }

/***
Writes the certificate as PEM text.
@function SciSslX509Certificate:toPem
@treturn[1] string
@treturn[2] nil
@treturn[2] SciSslError phase `save`
@see PEM_write_bio_X509(3)
*/
static int certificate_to_pem(lua_State *L) { return sci_push_written(L, write_pem, sci_check_certificate(L, 1)); }

static int write_der(BIO *bio, const void *certificate) { return i2d_X509_bio(bio, certificate); }

/***
Writes the certificate as DER bytes.
@function SciSslX509Certificate:toDer
@treturn[1] string
@treturn[2] nil
@treturn[2] SciSslError phase `save`
@see i2d_X509_bio(3)
*/
static int certificate_to_der(lua_State *L) { return sci_push_written(L, write_der, sci_check_certificate(L, 1)); }

/* ---- names ------------------------------------------------------------------------------------------------------- */

/***
Returns the subject, whom the certificate is about.
@function SciSslX509Certificate:subject
@treturn[1] string RFC 2253 text in UTF-8, such as `CN=localhost,O=Test`; empty where it has no subject
@treturn[2] nil
@treturn[2] SciSslError condition `malformed_name`
@see X509_NAME_print_ex(3)
*/
static int certificate_subject(lua_State *L) {
    return sci_return_name(L, X509_get_subject_name(sci_check_certificate(L, 1)));
}

static void free_text(void *text) { OPENSSL_free(text); }

/***
Returns the common name (CN) of the subject, for people to read. It is no proof of a host's name: `matchHost` compares names.
@function SciSslX509Certificate:commonName
@treturn ?string in UTF-8, the last one where the subject has several; nil where it has none
@see X509_NAME_get_index_by_NID(3)
*/
static int certificate_common_name(lua_State *L) {
    const X509_NAME *subject = X509_get_subject_name(sci_check_certificate(L, 1));
    int at = -1;
    for (int next; (next = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0;) at = next;
    const X509_NAME_ENTRY *entry = at >= 0 ? X509_NAME_get_entry(subject, at) : NULL;
    if (!entry) return 0;
    sci_guard *guard = sci_new_guard(L, free_text);
    unsigned char *text = NULL;
    sci_clear_errors();
    int length = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry));
    if (length < 0) return 0;
    guard->object = text;
    lua_pushlstring(L, (const char *)text, (size_t)length);
    return 1;
}

/***
Returns the issuer, who signed the certificate.
@function SciSslX509Certificate:issuer
@treturn[1] string RFC 2253 text in UTF-8
@treturn[2] nil
@treturn[2] SciSslError condition `malformed_name`
@see X509_NAME_print_ex(3)
*/
static int certificate_issuer(lua_State *L) {
    return sci_return_name(L, X509_get_issuer_name(sci_check_certificate(L, 1)));
}

static void free_general_names(void *names) { GENERAL_NAMES_free(names); }
static bool push_alt_names(lua_State *L, const void *names) { return sci_push_general_names(L, names); }

/***
Returns the names that the certificate is for, in its order, as tables with `type` and `value`:

- `"DNS"`, `"email"`, `"URI"`: the bytes as they are, which may include NUL bytes
- `"IP"`: the text of an IPv4 or IPv6 address
- `"dirName"`: RFC 2253 text
- `"RID"`: numbers with dots
- `"otherName"`: the DER bytes of the value, with `oid` as numbers with dots, and `text` where the value is a text
- `"x400Address"`, `"ediPartyName"`: DER bytes

@function SciSslX509Certificate:subjectAltNames
@treturn[1] {table,...} empty where the certificate has none
@treturn[2] nil
@treturn[2] SciSslError condition `malformed_extension`
@see RFC 5280, section 4.2.1.6
*/
static int certificate_subject_alt_names(lua_State *L) {
    static const sci_extension names = {NID_subject_alt_name, "subjectAltName", free_general_names, push_alt_names};
    return sci_push_extension(L, sci_check_certificate(L, 1), &names);
}

/* ---- numbers and times ------------------------------------------------------------------------------------------- */

/***
Returns the serial number.
@function SciSslX509Certificate:serial
@treturn string upper-case hexadecimal digits, two a byte; after `-` where a broken issuer made it negative
@see X509_get0_serialNumber(3)
*/
static int certificate_serial(lua_State *L) {
    sci_push_serial(L, X509_get0_serialNumber(sci_check_certificate(L, 1)));
    return 1;
}

/***
Returns the version of the format.
@function SciSslX509Certificate:version
@treturn integer 3, or 1 for very old ones
@see X509_get_version(3)
*/
static int certificate_version(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)X509_get_version(sci_check_certificate(L, 1)) + 1);
    return 1;
}

static int push_time(lua_State *L, const ASN1_TIME *time) {
    lua_Integer seconds;
    sci_clear_errors();
    if (!sci_time_to_seconds(time, &seconds))
        return sci_fail_own(L, "load", "malformed_certificate", "a date of the certificate is malformed");
    lua_pushinteger(L, seconds);
    return 1;
}

/***
Returns the time from which the certificate is valid.
@function SciSslX509Certificate:notBefore
@treturn[1] integer seconds since the epoch; negative before 1970
@treturn[2] nil
@treturn[2] SciSslError condition `malformed_certificate`
@see X509_get0_notBefore(3)
*/
static int certificate_not_before(lua_State *L) {
    return push_time(L, X509_get0_notBefore(sci_check_certificate(L, 1)));
}

/***
Returns the time until which the certificate is valid, that second included.
@function SciSslX509Certificate:notAfter
@treturn[1] integer seconds since the epoch; negative before 1970
@treturn[2] nil
@treturn[2] SciSslError condition `malformed_certificate`
@see X509_get0_notAfter(3)
*/
static int certificate_not_after(lua_State *L) { return push_time(L, X509_get0_notAfter(sci_check_certificate(L, 1))); }

/* The length of the digest; 0: there is no such digest, or it failed. */
static unsigned int digest_certificate(const X509 *certificate, const char *name, unsigned char *digest) {
    unsigned int length = 0;
    EVP_MD *algorithm = EVP_MD_fetch(NULL, name, NULL);
    if (algorithm && !X509_digest(certificate, algorithm, digest, &length)) length = 0;
    EVP_MD_free(algorithm);
    return length;
}

/***
Returns a digest of the whole certificate, for logs and pinning.
@function SciSslX509Certificate:fingerprint
@tparam[opt="SHA256"] string digest
@treturn[1] string upper-case hexadecimal digits without colons
@treturn[2] nil
@treturn[2] SciSslError condition `unknown_digest`
@see X509_digest(3)
*/
static int certificate_fingerprint(lua_State *L) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    const X509 *certificate = sci_check_certificate(L, 1);
    const char *name = lua_isnoneornil(L, 2) ? "SHA256" : sci_check_text(L, 2);
    sci_clear_errors();
    unsigned int length = digest_certificate(certificate, name, digest);
    if (length == 0)
        return sci_fail(L, &(sci_failure){.phase = "digest", .condition = "unknown_digest", .subject = name});
    sci_push_hex(L, "", digest, length);
    return 1;
}

/* ---- the key, and the signature ---------------------------------------------------------------------------------- */

static int fail_public_key(lua_State *L) {
    return sci_fail(L, &(sci_failure){.phase = "load",
                                      .condition = "malformed_key",
                                      .message = "the certificate's public key is malformed, or of an algorithm that "
                                                 "this OpenSSL does not know"});
}

/* Borrowed; NULL: OpenSSL cannot make a key of it. */
static const EVP_PKEY *public_key(const X509 *certificate) {
    sci_clear_errors();
    return X509_get0_pubkey(certificate);
}

/***
Returns OpenSSL's name of the public key's algorithm: `EC`, `RSA`, `ED25519` …
@function SciSslX509Certificate:keyType
@treturn[1] string
@treturn[2] nil
@treturn[2] SciSslError condition `malformed_key`
@see EVP_PKEY_get0_type_name(3)
*/
static int certificate_key_type(lua_State *L) {
    const EVP_PKEY *key = public_key(sci_check_certificate(L, 1));
    if (!key) return fail_public_key(L);
    const char *name = EVP_PKEY_get0_type_name(key);
    lua_pushstring(L, name ? name : "unknown");
    return 1;
}

/***
Returns the size of the public key.
@function SciSslX509Certificate:keyBits
@treturn[1] integer
@treturn[2] nil
@treturn[2] SciSslError condition `malformed_key`
@see EVP_PKEY_get_bits(3)
*/
static int certificate_key_bits(lua_State *L) {
    const EVP_PKEY *key = public_key(sci_check_certificate(L, 1));
    if (!key) return fail_public_key(L);
    lua_pushinteger(L, EVP_PKEY_get_bits(key));
    return 1;
}

/***
Returns the curve or group of the public key.
@function SciSslX509Certificate:keyGroup
@treturn[1] ?string OpenSSL's name, such as `prime256v1`; nil for keys that have none
@treturn[2] nil
@treturn[2] SciSslError the key is of a kind that this OpenSSL does not know
@see EVP_PKEY_get_group_name(3)
*/
static int certificate_key_group(lua_State *L) {
    char group[80];
    size_t length = 0;
    const EVP_PKEY *key = public_key(sci_check_certificate(L, 1));
    if (!key) return fail_public_key(L);
    bool named = EVP_PKEY_get_group_name(key, group, sizeof group, &length) == 1;
    sci_clear_errors();
    lua_pushstring(L, named ? group : NULL);
    return 1;
}

static int write_public(BIO *bio, const void *key) { return PEM_write_bio_PUBKEY(bio, key); }

/***
Writes the public key as PEM text (SubjectPublicKeyInfo).
@function SciSslX509Certificate:publicPem
@treturn[1] string
@treturn[2] nil
@treturn[2] SciSslError condition `malformed_key` …
@see PEM_write_bio_PUBKEY(3)
*/
static int certificate_public_pem(lua_State *L) {
    const EVP_PKEY *key = public_key(sci_check_certificate(L, 1));
    return key ? sci_push_written(L, write_public, key) : fail_public_key(L);
}

/***
Returns the algorithm of the certificate's signature.
@function SciSslX509Certificate:signatureAlgorithm
@treturn string OpenSSL's short name, such as `ecdsa-with-SHA256`, `RSA-SHA256` or `ED25519`; numbers with dots where it
 has none
@see X509_get0_signature(3)
*/
static int certificate_signature_algorithm(lua_State *L) {
    const X509_ALGOR *algorithm;
    const ASN1_OBJECT *oid;
    X509_get0_signature(NULL, &algorithm, sci_check_certificate(L, 1));
    X509_ALGOR_get0(&oid, NULL, NULL, algorithm);
    sci_push_oid(L, oid, false);
    return 1;
}

/* ---- the class --------------------------------------------------------------------------------------------------- */

/***
Frees the certificate, unless a context or connection still uses it. Harmless twice; every other use of a closed
certificate raises.
@function SciSslX509Certificate:close
@see X509_free(3)
*/
static int certificate_close(lua_State *L) { return sci_close_box(L, &certificate_kind); }

static int certificate_eq(lua_State *L) {
    const X509 *a = sci_test_certificate(L, 1);
    const X509 *b = sci_test_certificate(L, 2);
    bool equal = a && b && X509_cmp(a, b) == 0;
    sci_clear_errors();
    lua_pushboolean(L, equal);
    return 1;
}

static const char *push_name_or_mark(lua_State *L, const X509_NAME *name) {
    sci_push_name(L, name);
    return lua_isnil(L, -1) ? "?" : lua_tostring(L, -1);
}

static const char *push_date(lua_State *L, const ASN1_TIME *time) {
    struct tm calendar;
    if (!ASN1_TIME_to_tm(time, &calendar)) return "?";
    char text[40];
    strftime(text, sizeof text, "%Y-%m-%d", &calendar);
    return lua_pushstring(L, text);
}

static int certificate_tostring(lua_State *L) {
    X509 *certificate = sci_show_box(L, &certificate_kind);
    if (!certificate) return 1;
    const char *subject = push_name_or_mark(L, X509_get_subject_name(certificate));
    const char *issuer = push_name_or_mark(L, X509_get_issuer_name(certificate));
    const char *end = push_date(L, X509_get0_notAfter(certificate));
    sci_clear_errors();
    lua_pushfstring(L, SCI_CERTIFICATE ": %s, issuer %s, until %s", subject, issuer, end);
    return 1;
}

static const luaL_Reg certificate_functions[] = {
    {"fromPem", certificate_from_pem},
    {"fromPemFile", certificate_from_pem_file},
    {"fromDer", certificate_from_der},
    {NULL, NULL},
};

static const luaL_Reg certificate_methods[] = {
    {"toPem", certificate_to_pem},
    {"toDer", certificate_to_der},
    {"subject", certificate_subject},
    {"commonName", certificate_common_name},
    {"issuer", certificate_issuer},
    {"subjectAltNames", certificate_subject_alt_names},
    {"serial", certificate_serial},
    {"version", certificate_version},
    {"notBefore", certificate_not_before},
    {"notAfter", certificate_not_after},
    {"fingerprint", certificate_fingerprint},
    {"keyType", certificate_key_type},
    {"keyBits", certificate_key_bits},
    {"keyGroup", certificate_key_group},
    {"publicPem", certificate_public_pem},
    {"signatureAlgorithm", certificate_signature_algorithm},
    {"close", certificate_close},
    {NULL, NULL},
};

static const luaL_Reg certificate_metamethods[] = {
    {"__gc", certificate_close},
    {"__close", certificate_close},
    {"__eq", certificate_eq},
    {"__tostring", certificate_tostring},
    {NULL, NULL},
};

void sci_open_certificate(lua_State *L) {
    sci_new_class(L, SCI_CERTIFICATE, certificate_functions, certificate_methods, certificate_metamethods);
}
