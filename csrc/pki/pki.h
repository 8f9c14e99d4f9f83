/* pki.h: the room of keys, certificates, certificate requests, CRLs, OCSP responses and PKCS#12.
 *
 * What other rooms use is here. What only the files of this room share is in values.h and reading.h, and in
 * issue/issue.h for those that make and sign objects.
 *
 * Ownership: sci_new_… pushes an empty userdata that owns what the caller puts into the slot that it returns.
 * sci_check_… and sci_test_… borrow the object of a userdata, which must stay on the stack. sci_read_… and sci_parse_…
 * return objects that the caller frees. Objects that are shared get a reference of their own (X509_up_ref …).
 *
 * Errors: a function that takes a sci_failure and fails leaves the condition there, or the reason in OpenSSL's queue,
 * or both: sci_fail makes the SciSslError of them. It raises nothing.
 *
 * Lua runs only where a passphrase is a function (sci_read_key, sci_read_key_text, sci_decrypt_pkcs12), under
 * lua_pcall, and in finalizers, as base.h says. */
#ifndef SCISSL_PKI_H
#define SCISSL_PKI_H

#include "base/base.h"

#include <openssl/pkcs12.h>
#include <openssl/store.h>
#include <time.h>

/* ---- private_key.c, private_key_read.c: SciSslPrivateKey --------------------------------------------------------- */

EVP_PKEY *sci_check_key(lua_State *L, int index); /* raises where there is no open SciSslPrivateKey */
EVP_PKEY *sci_test_key(lua_State *L, int index);  /* NULL where there is no open SciSslPrivateKey */

/* Reads a private key from PEM text. The passphrase at `passphrase` (absolute index) is a string, a function, or nil.
 * NULL: `failure` or OpenSSL's queue says why. The function may have closed any object, and what it returned or raised
 * may stay on the stack. */
EVP_PKEY *sci_read_key(lua_State *L, BIO *bio, int passphrase, sci_failure *failure);
EVP_PKEY *sci_read_key_text(lua_State *L, const char *text, int length, int passphrase, sci_failure *failure);
EVP_PKEY *sci_read_key_bytes(lua_State *L, const char *bytes, int length, int passphrase,
                             sci_failure *failure); /* PEM or DER */

/* ---- passphrase.c ------------------------------------------------------------------------------------------------ */

/* Raises where the argument at `index` is no string, function or nil. */
void sci_check_passphrase(lua_State *L, int index);

/* ---- x509.c: SciSslX509Certificate ------------------------------------------------------------------------------- */

X509 **sci_new_certificate(lua_State *L);
X509 *sci_check_certificate(lua_State *L, int index); /* raises where there is no open SciSslX509Certificate */
X509 *sci_test_certificate(lua_State *L, int index);  /* NULL where there is no open SciSslX509Certificate */

/* The certificates of PEM text, one at least; the second reads one certificate in DER as well. NULL: `failure` or
 * OpenSSL's queue says why; no certificate was kept. */
STACK_OF(X509) *sci_read_certificates(BIO *bio, sci_failure *failure);
STACK_OF(X509) *sci_read_certificates_or_der(BIO *bio, sci_failure *failure);

/* ---- x509_chain.c: several certificates -------------------------------------------------------------------------- */

/* The certificates of a peer. */
typedef struct sci_chain {
    STACK_OF(X509) *certificates; /* owned; NULL: none is known */
    bool proven;                  /* they are the verified chain; false: they may help to build one */
} sci_chain;

void sci_copy_chain(sci_chain *to, const sci_chain *from); /* shares the certificates; `to` is empty before */
void sci_free_chain(sci_chain *chain);                     /* leaves an empty one */

/* ---- proven_chains.c: verification of chains that were verified before ------------------------------------------- */

#define SCI_PROVEN_CHAINS 8

/* The chains that were verified last. All zero: there are none. */
typedef struct sci_proven_chains {
    STACK_OF(X509) *list[SCI_PROVEN_CHAINS]; /* owned; NULL: this place is free */
    struct {
        lua_Integer from, until; /* all certificates are valid from … on, and not any more at … */
    } valid[SCI_PROVEN_CHAINS];
    unsigned next; /* the place for the next one */
} sci_proven_chains;

/* As X509_verify_cert, but a chain that is known from `session` or `proven` (each may be NULL) is verified without its
 * signatures. A chain that passes goes into `proven`. */
bool sci_verify_chain(X509_STORE_CTX *check, const sci_chain *session, sci_proven_chains *proven);

/* The same for a chain that is probably known: it is not verified where it is not, or where there are revocation lists to look at.
 * False: sci_verify_chain has to say why, with another X509_STORE_CTX. */
bool sci_verify_known_chain(X509_STORE_CTX *check, const sci_chain *session, sci_proven_chains *proven);

void sci_free_proven_chains(sci_proven_chains *proven); /* leaves none */

/* Puts a list of certificates of `owner` into `*list`, for the caller to free; NULL: there are none. False: out of
 * memory. */
typedef bool sci_certificates(const void *owner, void **list);

/* Pushes an array of such certificates. A finalizer may change the owner meanwhile: the list is read once. */
void sci_push_certificates_of(lua_State *L, sci_certificates *get, const void *owner);

/* ---- x509_name.c: distinguished names ---------------------------------------------------------------------------- */

/* Pushes the name as RFC 2253 text in UTF-8; nil: OpenSSL cannot write it. An object on the stack must own the name. */
void sci_push_name(lua_State *L, const X509_NAME *name);

/* Pushes an array of the names that `get` finds at `owner`, each as text or as DER. A finalizer may change the owner meanwhile:
 * the list is copied first. */
typedef const STACK_OF(X509_NAME) *sci_names(const void *owner);
void sci_push_names(lua_State *L, sci_names *get, const void *owner, bool der);

/* Whether the argument asks for "der", and not for "text", which is the default. */
bool sci_check_name_format(lua_State *L, int index);

/* Makes a name of RFC 2253 text, which may hold NUL bytes. NULL: `failure` says why. */
X509_NAME *sci_parse_name(const char *text, size_t length, sci_failure *failure);
X509_NAME *sci_parse_name_der(const char *bytes, size_t length, sci_failure *failure);

/* ---- verify_name.c: names that a peer's certificate must match --------------------------------------------------- */

#define SCI_HOST_SIZE 256 /* bytes for a host name with its NUL */

bool sci_is_address(const char *text); /* an IPv4 or IPv6 address */

/* Writes the host name or address at `index` into `name`, as certificates have it: without brackets, zone and trailing
 * dot. Raises for what is no string. False: nil, SciSslError were pushed. */
bool sci_read_host_name(lua_State *L, int index, char name[SCI_HOST_SIZE]);

/* Reads the list of host names at `index` into parameters that a userdata on top of the stack owns. `domains`:
 * ".example.org" stands for the names below it. Raises for what is no list of strings. NULL: nil, SciSslError were
 * pushed. */
X509_VERIFY_PARAM *sci_read_hosts(lua_State *L, int index, bool domains);

/* Gives `to` the host names of `from`. False: out of memory, and `to` has some of them. */
bool sci_copy_hosts(X509_VERIFY_PARAM *to, X509_VERIFY_PARAM *from);

/* ---- crl.c: SciSslX509Crl ---------------------------------------------------------------------------------------- */

X509_CRL *sci_check_crl(lua_State *L, int index); /* raises where there is no open SciSslX509Crl */

/* The CRLs of PEM text, one at least, or the one in DER. NULL: `failure` or OpenSSL's queue says why; no CRL was
 * kept. */
STACK_OF(X509_CRL) *sci_read_crls(BIO *bio, sci_failure *failure);

/* ---- ocsp.c: OCSP responses (RFC 6960) --------------------------------------------------------------------------- */

/* A response; zeroed: none. */
typedef struct sci_ocsp {
    OCSP_RESPONSE *response; /* owned */
    OCSP_BASICRESP *basic;   /* owned; its signed contents, NULL: the responder has sent a failure alone */
    OCSP_SINGLERESP *single; /* borrowed from `basic`; the status of the certificate, NULL before sci_verify_ocsp */
} sci_ocsp;

/* What a response is verified for. */
typedef struct sci_ocsp_query {
    X509 *certificate, *issuer; /* borrowed */
    lua_Integer at, skew;       /* the time, in seconds since the epoch; by how many seconds clocks may differ */
} sci_ocsp_query;

#define SCI_OCSP_SKEW 300

/* Reads a successful response into the zeroed `ocsp`. False: `failure` says why. Free `ocsp` in either case. */
bool sci_read_ocsp(sci_ocsp *ocsp, const unsigned char *bytes, size_t length, sci_failure *failure);

/* Verifies that the response is signed for the issuer, is about the certificate and is current. Sets `ocsp->single`,
 * and `*status` to a V_OCSP_CERTSTATUS_…. False: `failure` says why. */
bool sci_verify_ocsp(sci_ocsp *ocsp, const sci_ocsp_query *query, int *status, sci_failure *failure);

void sci_free_ocsp(sci_ocsp *ocsp);

/* Pushes a userdata that owns an empty sci_ocsp. NULL: OpenSSL is out of memory. */
sci_ocsp *sci_new_ocsp(lua_State *L);

/* Reads and verifies a response in such a userdata. Pushes the table of its status and returns 1; or pushes nil and a
 * SciSslError, and returns 2. */
int sci_push_verified_ocsp(lua_State *L, sci_ocsp *ocsp, const unsigned char *bytes, size_t length,
                           const sci_ocsp_query *query);

/* ---- pkcs12.c: PKCS#12 (RFC 7292) -------------------------------------------------------------------------------- */

/* A PKCS#12 and its contents, all owned. */
typedef struct sci_pkcs12 {
    PKCS12 *sealed;
    EVP_PKEY *key;         /* NULL: there is none */
    X509 *certificate;     /* of the key; NULL: there is none */
    STACK_OF(X509) *chain; /* the other certificates; may be NULL */
} sci_pkcs12;

/* Pushes a userdata that owns an empty sci_pkcs12. NULL: OpenSSL is out of memory. */
sci_pkcs12 *sci_new_pkcs12(lua_State *L);

/* As sci_check_passphrase; also raises for a NUL byte, which no passphrase of PKCS#12 has. */
void sci_check_pkcs12_passphrase(lua_State *L, int index);

/* Reads PKCS#12, still encrypted, into the empty `held`: bytes, or a file. False: `failure` or OpenSSL's queue says why. */
bool sci_read_pkcs12(sci_pkcs12 *held, const void *bytes, size_t length, sci_failure *failure);
bool sci_read_pkcs12_file(sci_pkcs12 *held, BIO *bio, sci_failure *failure);

/* Decrypts it with the passphrase at `passphrase` (absolute index), which is as for sci_read_key. */
bool sci_decrypt_pkcs12(lua_State *L, sci_pkcs12 *held, int passphrase, sci_failure *failure);

/* ---- spki_pin.c: pins of public keys ----------------------------------------------------------------------------- */

#define SCI_PIN_PREFIX "sha256//"
#define SCI_PIN_LENGTH 32 /* bytes of the digest */

/* The SHA-256 digest of a SubjectPublicKeyInfo (DER). False: `length` is not positive, or OpenSSL's queue says why. */
bool sci_digest_spki(const unsigned char *spki, int length, unsigned char digest[SCI_PIN_LENGTH]);

/* Pushes the pin as text. */
void sci_push_pin(lua_State *L, const unsigned char digest[SCI_PIN_LENGTH]);

/* ---- tlsa.c: TLSA records (RFC 7218) ----------------------------------------------------------------------------- */

/* The names of the numbers in a record, from 0 on; NULL ends each list. */
extern const char *const sci_tlsa_usages[], *const sci_tlsa_selectors[], *const sci_tlsa_matching_types[];

/* The number at `index`, 0 to 255, or that of one of `names`. Raises for anything else. */
uint8_t sci_check_tlsa_number(lua_State *L, int index, const char *const *names);

/* ---- store_uri.c ------------------------------------------------------------------------------------------------- */

/* OSSL_STORE_open, safe where memory runs out. Clears OpenSSL's error queue first. */
OSSL_STORE_CTX *sci_open_store(const char *uri, const sci_library *library, const UI_METHOD *method, void *data);

/* Says in `failure` why OSSL_STORE_open has failed, and returns false. */
bool sci_explain_store(sci_failure *failure);

/* ---- asn1.c, option.c: moments ----------------------------------------------------------------------------------- */

/* Seconds since the epoch. False: `time` is NULL or malformed. */
bool sci_time_to_seconds(const ASN1_TIME *time, lua_Integer *seconds);

/* Whether time_t has this time: where it has 32 bits, it ends in 2038. Errors say what is expected with the second. */
bool sci_is_time(lua_Integer seconds);
#define SCI_TIME_EXPECTED                                                                                              \
    (sizeof(time_t) > 4 ? "seconds since the epoch"                                                                    \
                        : "seconds since the epoch in 1902 to 2037: others are too early or too late for this system")

/* As sci_check_seconds_option, for a time that must be one of time_t. */
lua_Integer sci_check_time_option(lua_State *L, int index, const char *name, int value, lua_Integer missing);

/* The value on the stack at `value`, of the option `name` in the table at `index`: seconds, as far as the years of
 * ASN.1 reach; `missing` for nil. Raises an argument error for another type. */
lua_Integer sci_check_seconds_option(lua_State *L, int index, const char *name, int value, lua_Integer missing);

/* ---- pem_der.c: reading PEM and DER ------------------------------------------------------------------------------ */

/* A kind of object: its class, how it is read, and what errors call it. All texts are static. */
typedef struct sci_kind {
    const char *class;     /* SCI_CERTIFICATE …; NULL: no userdata owns one */
    const char *closed;    /* message of the error that a method raises after close */
    const char *label;     /* the end of its PEM labels: "PRIVATE KEY" */
    const char *expected;  /* the end of a sentence: "a private key" */
    const char *absent;    /* condition: an object of another kind was found */
    const char *malformed; /* condition and message: it was found, and OpenSSL could not read it */
    const char *malformed_message;
    void *(*read_pem)(BIO *bio); /* the next one in PEM text; NULL: there is none, as OpenSSL's queue tells */
    void *(*read_der)(const unsigned char **cursor, long length); /* moves the cursor to what follows it */
    void (*release)(void *object);
} sci_kind;

/* Each returns the first object, which the caller frees; NULL: `failure` and OpenSSL's queue say why. */
void *sci_read_pem(BIO *bio, const sci_kind *kind, sci_failure *failure);
void *sci_read_pem_text(const char *text, int length, const sci_kind *kind, sci_failure *failure);
void *sci_read_der_start(const unsigned char **cursor, int length, const sci_kind *kind, sci_failure *failure);

/* A pem_password_cb that has no passphrase, so that OpenSSL never asks on the terminal. */
int sci_no_passphrase(char *buffer, int size, int writing, void *data);

/* ---- box.c: userdata that own one object ------------------------------------------------------------------------- */

/* The beginning of the userdata of a class whose objects are of one kind. */
typedef struct sci_box {
    void *object; /* owned; NULL: none yet, or freed. Classes store pointers of their own type here, such as X509 * */
    bool closed;  /* by a finalizer: the object is freed when the userdata is collected */
} sci_box;

/* Pushes an empty userdata of `size` bytes and returns its address, which is that of its object, for the caller to
 * fill. */
void *sci_new_box(lua_State *L, const sci_kind *kind, size_t size);
void *sci_check_box(lua_State *L, int index,
                    const sci_kind *kind); /* raises where there is no open object of the class */
void *sci_test_box(lua_State *L, int index, const sci_kind *kind); /* NULL where there is none */

/* For __tostring: the object at index 1; NULL: "CLASS: closed" was pushed. */
void *sci_show_box(lua_State *L, const sci_kind *kind);

/* For close, __gc and __close: frees the object at index 1. Returns 0. */
int sci_close_box(lua_State *L, const sci_kind *kind);

/* ---- openers: each makes a class, or adds methods to the class on top -------------------------------------------- */

void sci_open_key(lua_State *L);
void sci_open_certificate(lua_State *L);
void sci_open_x509_chain(lua_State *L);
void sci_open_x509_extension(lua_State *L);
void sci_open_x509_issue(lua_State *L);
void sci_open_x509_key_usage(lua_State *L);
void sci_open_x509_verify(lua_State *L);
void sci_open_tlsa(lua_State *L);
void sci_open_crl(lua_State *L);
void sci_open_crl_issue(lua_State *L);
void sci_open_request(lua_State *L);
void sci_open_x509_request_issue(lua_State *L);
void sci_open_ocsp(lua_State *L);
void sci_open_ocsp_issue(lua_State *L);
void sci_open_pkcs12(lua_State *L);

#endif
