/* content_kind.c: what bytes of the wrong kind are, in static words for error messages. */
#include "pki/reading.h"

#include <limits.h>
#include <string.h>

#include <openssl/pkcs12.h>
#include <openssl/pkcs7.h>

/* ---- PEM labels -------------------------------------------------------------------------------------------------- */

#define PRIVATE_KEY "a private key"
#define PKCS7_WORDS "PKCS#7 (openssl pkcs7 -print_certs takes its certificates out)"
#define PKCS12_WORDS "PKCS#12 (the option pkcs12, usePkcs12File() and SciSslPkcs12.parse() read it)"

bool sci_ends_in(const char *text, const char *end) {
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

const char *sci_recognize_label(const char *label) {
    static const struct {
        const char *end, *words;
    } labels[] = {
        {"PRIVATE KEY", PRIVATE_KEY},
        {"PUBLIC KEY", "a public key"},
        {"CERTIFICATE REQUEST", "a certificate request"},
        {"CERTIFICATE", "a certificate"},
        {"X509 CRL", "a CRL"},
        {"SSL SESSION PARAMETERS", "a TLS session"},
        {"DH PARAMETERS", "DH parameters"},
        {"EC PARAMETERS", "EC parameters"},
        {"PKCS7", PKCS7_WORDS},
        {"CMS", PKCS7_WORDS},
    };
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        if (sci_ends_in(label, labels[i].end)) return labels[i].words;
    return "something else";
}

/* ---- DER --------------------------------------------------------------------------------------------------------- */

#define HOLDS(type)                                                                                                    \
    static bool holds_##type(const unsigned char *bytes, long length) {                                                \
        type *object = d2i_##type(NULL, &bytes, length);                                                               \
        type##_free(object);                                                                                           \
        return object != NULL;                                                                                         \
    }

HOLDS(PKCS12)
HOLDS(X509)
HOLDS(X509_CRL)
HOLDS(X509_REQ)
HOLDS(X509_SIG)
HOLDS(SSL_SESSION)
HOLDS(OCSP_RESPONSE)
HOLDS(PKCS7)

static bool holds_key(const unsigned char *bytes, long length) {
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &bytes, length);
    EVP_PKEY_free(key);
    return key != NULL;
}

static bool holds_public_key(const unsigned char *bytes, long length) {
    EVP_PKEY *key = d2i_PUBKEY(NULL, &bytes, length);
    EVP_PKEY_free(key);
    return key != NULL;
}

const char *sci_recognize_der(const unsigned char *bytes, size_t length) {
    static const struct {
        bool (*holds)(const unsigned char *bytes, long length);
        const char *words;
    } kinds[] = {
        {holds_X509, "a certificate"},
        {holds_PKCS12, PKCS12_WORDS},
        {holds_key, PRIVATE_KEY},
        {holds_X509_SIG, PRIVATE_KEY}, /* encrypted */
        {holds_X509_CRL, "a CRL"},
        {holds_X509_REQ, "a certificate request"},
        {holds_public_key, "a public key"},
        {holds_OCSP_RESPONSE, "an OCSP response"},
        {holds_SSL_SESSION, "a TLS session"},
        {holds_PKCS7, PKCS7_WORDS},
    };
    const char *words = NULL;
    if (length == 0 || length > LONG_MAX || *bytes != (V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED)) return NULL;
    for (size_t i = 0; !words && i < sizeof kinds / sizeof *kinds; i++) {
        ERR_set_mark(); /* for each: the queue has 16 places, and drops the oldest entry, marks included */
        if (kinds[i].holds(bytes, (long)length)) words = kinds[i].words;
        ERR_pop_to_mark();
    }
    return words;
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

typedef struct text {
    const char *bytes;
    size_t length;
} text;

static bool begins(const text *given, const char *beginning, size_t length) {
    return given->length >= length && memcmp(given->bytes, beginning, length) == 0;
}

static bool ends(const text *given, const char *end) {
    size_t length = strlen(end);
    return given->length >= length && memcmp(given->bytes + given->length - length, end, length) == 0;
}

static const char *find(const text *given, const char *what) {
    size_t length = strlen(what);
    for (size_t i = 0; i + length <= given->length; i++)
        if (memcmp(given->bytes + i, what, length) == 0) return given->bytes + i;
    return NULL;
}

/* Formats that their first bytes show. */
static const char *by_beginning(const text *given) {
#define BEGINS(bytes) bytes, sizeof bytes - 1
    static const char utf16[] = "it is text in UTF-16: save it in ASCII or UTF-8";
    static const char ssh[] = "it is a public key of OpenSSH";
    static const struct {
        const char *bytes;
        size_t length;
        const char *words;
    } beginnings[] = {
        {BEGINS("\xFF\xFE"), utf16},
        {BEGINS("\xFE\xFF"), utf16},
        {BEGINS("-\0-\0"), utf16},
        {BEGINS("\0-\0-"), utf16},
        {BEGINS("\xFE\xED\xFE\xED"),
         "it is a Java key store: keytool -importkeystore -deststoretype PKCS12 converts it"},
        {BEGINS("PuTTY-User-Key-File-"),
         "it is a key in PuTTY's format: PuTTYgen exports it in OpenSSH's, and ssh-keygen "
         "-p -m PKCS8 -f FILE makes PEM of that"},
        {BEGINS("ssh-"), ssh},
        {BEGINS("ecdsa-sha2-"), ssh},
        {BEGINS("MII"), "it is base64 without the lines -----BEGIN …----- and -----END …-----"},
        {BEGINS("<"), "it is a page of HTML or XML"},
    };
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
        if (begins(given, beginnings[i].bytes, beginnings[i].length)) return beginnings[i].words;
    return NULL;
}

/* Why OpenSSL found no -----BEGIN line in what looks like PEM text. */
static const char *by_lines(const text *given) {
    const char *line = find(given, "-----BEGIN ");
    if (!line) return NULL;
    if (find(given, "\\n"))
        return "its line breaks are written as backslash and n: replace them by line breaks, as "
               "text:gsub(\"\\\\n\", \"\\n\") does";
    if (!find(given, "\n")) return "its line breaks are missing";
    if (line != given->bytes && line[-1] != '\n')
        return "-----BEGIN is not at the beginning of its line: remove what precedes it";
    return "its line -----BEGIN …----- is damaged";
}

static bool is_path(const text *given) {
    static const char *const names[] = {".pem", ".crt", ".cer", ".key", ".der", ".crl", ".csr", ".p12", ".pfx"};
    if (given->length == 0 || given->length >= 4096) return false;
    bool path = memchr(given->bytes, '/', given->length) != NULL;
    for (size_t i = 0; !path && i < sizeof names / sizeof *names; i++) path = ends(given, names[i]);
    for (size_t i = 0; path && i < given->length; i++) path = (unsigned char)given->bytes[i] > ' ';
    return path;
}

const char *sci_recognize_text(const unsigned char *bytes, size_t length) {
    const text given = {.bytes = (const char *)bytes, .length = length};
    const char *words = by_beginning(&given);
    if (!words) words = by_lines(&given);
    if (!words && is_path(&given)) words = "it looks like a path";
    return words;
}
