/* pki.h: keys, certificates, requests, CRLs, OCSP responses, PKCS#12, and whatever else is made of ASN.1. */
#ifndef SCISSL_PKI_H
#define SCISSL_PKI_H

#include "base/base.h"

#include <openssl/pkcs12.h>

/* ---- pem_der.c: objects read from PEM text and DER bytes ----------------------------------------------------------- */

/* A kind of object: its class, how it is read, and what errors call it. All texts are static. */
typedef struct sci_kind {
    const char *class;     /* SCI_CERTIFICATE …; NULL: no userdata holds one */
    const char *closed;    /* message of the error that a method raises after close */
    const char *label;     /* what its PEM labels end in: "PRIVATE KEY" */
    const char *due;       /* as the end of a sentence: "a private key" */
    const char *absent;    /* condition: something else was found in its place */
    const char *malformed; /* condition and message: it was found, and OpenSSL could not read it */
    const char *malformed_message;
    void *(*read_pem)(BIO *bio); /* the next one in PEM text; NULL: there is none, as OpenSSL's queue tells */
    void *(*read_der)(const unsigned char **cursor, long length); /* moves the cursor behind it */
    void (*release)(void *object);
} sci_kind;

/* Each returns an object, which the caller frees; or NULL, and `failure` and OpenSSL's queue say why. `bytes` hold one object
 * and nothing else; PEM text may hold more. */
void *sci_read_pem(BIO *bio, const sci_kind *kind, sci_failure *failure);
void *sci_read_pem_text(const char *text, int length, const sci_kind *kind, sci_failure *failure);
void *sci_read_der(const unsigned char *bytes, int length, const sci_kind *kind, sci_failure *failure);

/* The same for the object that DER bytes begin with. Moves the cursor behind it. */
void *sci_read_der_start(const unsigned char **cursor, int length, const sci_kind *kind, sci_failure *failure);

/* The same for all objects of PEM text, one at least; sci_read_all takes one object in DER as well. They return a stack, such as
 * STACK_OF(X509). */
void *sci_read_all_pem(BIO *bio, const sci_kind *kind, sci_failure *failure);
void *sci_read_all(BIO *bio, const sci_kind *kind, sci_failure *failure);

/* A pem_password_cb that has no passphrase, so that OpenSSL never asks on the terminal. */
int sci_no_passphrase(char *buffer, int size, int writing, void *data);

/* Writes `object` into `bio`; 0 or less: it could not. */
typedef int sci_writer(BIO *bio, const void *object);

/* Pushes what `write` writes, and returns 1; or pushes nil and a SciSslError of phase "save", and returns 2. */
int sci_push_written(lua_State *L, sci_writer *write, const void *object);

/* ---- box.c: userdata that own one object ---------------------------------------------------------------------------- */

/* The userdata of a class whose objects are of one kind. */
typedef struct sci_box {
    void *object; /* owned; NULL: none yet, or freed. Classes store pointers of their own type here, such as X509 * */
    bool closed;  /* by a finalizer: the object is freed when the userdata is collected */
} sci_box;

/* Pushes an empty userdata of `size` bytes, a sci_box first, and returns the address of its object, for the caller to fill. */
void *sci_new_box(lua_State *L, const sci_kind *kind, size_t size);
void *sci_check_box(lua_State *L, int index, const sci_kind *kind); /* borrowed; raises where it is none, or closed */
void *sci_test_box(lua_State *L, int index, const sci_kind *kind);  /* borrowed; NULL where it is none, or closed */

/* For __tostring: the object at index 1; NULL: "CLASS: closed" was pushed. */
void *sci_show_box(lua_State *L, const sci_kind *kind);

/* For close, __gc and __close: frees the object at index 1. Returns 0. */
int sci_close_box(lua_State *L, const sci_kind *kind);

/* The functions fromPem, fromPemFile and fromDer of a class. */
int sci_load_pem(lua_State *L, const sci_kind *kind);
int sci_load_pem_file(lua_State *L, const sci_kind *kind);
int sci_load_der(lua_State *L, const sci_kind *kind);

/* ---- private_key.c: SciSslPrivateKey ----------------------------------------------------------------------------- */

EVP_PKEY **sci_new_key(lua_State *L);             /* pushes an empty one; the caller fills it */
EVP_PKEY *sci_check_key(lua_State *L, int index); /* borrowed; raises where it is not an open SciSslPrivateKey */
EVP_PKEY *sci_test_key(lua_State *L, int index);  /* borrowed; NULL where it is something else */

/* ---- private_key_read.c, passphrase.c -------------------------------------------------------------------------------- */

/* Reads a PEM private key. The passphrase at `passphrase` (absolute index) is a string, a function, or nil. The caller frees
 * the key. NULL: `failure` and OpenSSL's queue say why. A passphrase function runs under lua_pcall; it may have closed
 * anything, and what it raised may stay on the stack, as the cause of `failure`. */
EVP_PKEY *sci_read_key(lua_State *L, BIO *bio, int passphrase, sci_failure *failure);
EVP_PKEY *sci_read_key_text(lua_State *L, const char *text, int length, int passphrase, sci_failure *failure);

/* Raises where the argument at `index` is no string, function or nil. */
void sci_check_passphrase(lua_State *L, int index);

/* ---- x509.c: SciSslX509Certificate ------------------------------------------------------------------------------- */

X509 **sci_new_certificate(lua_State *L);             /* pushes an empty one; the caller fills it */
X509 *sci_check_certificate(lua_State *L, int index); /* borrowed; raises */
X509 *sci_test_certificate(lua_State *L, int index);  /* borrowed; NULL where it is something else */

/* The certificates of PEM text, one at least; the second takes one certificate in DER as well. NULL: `failure` and OpenSSL's
 * queue say why. The caller frees them. */
STACK_OF(X509) *sci_read_certificates(BIO *bio, sci_failure *failure);
STACK_OF(X509) *sci_read_certificates_or_der(BIO *bio, sci_failure *failure);

/* ---- crl.c: SciSslX509Crl ---------------------------------------------------------------------------------------- */

X509_CRL **sci_new_crl(lua_State *L);             /* pushes an empty one; the caller fills it */
X509_CRL *sci_check_crl(lua_State *L, int index); /* borrowed; raises */
X509_CRL *sci_test_crl(lua_State *L, int index);  /* borrowed; NULL where it is something else */

/* The CRLs of PEM text, one at least, or the one in DER. NULL: `failure` and OpenSSL's queue say why. The caller frees them. */
STACK_OF(X509_CRL) *sci_read_crls(BIO *bio, sci_failure *failure);

/* ---- x509_request.c: SciSslX509Request --------------------------------------------------------------------------- */

X509_REQ **sci_new_request(lua_State *L);            /* pushes an empty one; the caller fills it */
X509_REQ *sci_test_request(lua_State *L, int index); /* borrowed; NULL where it is something else */

/* ---- verify_name.c: whose a peer's certificate has to be --------------------------------------------------------- */

#define SCI_HOST_SIZE 256 /* bytes for a host name with its NUL */

bool sci_is_address(const char *text);

/* A host name or an address as it stands in certificates: without brackets, zone and trailing dot. NULL: `name` has it; else
 * what is wrong with it. */
const char *sci_parse_host(const char *text, size_t length, char name[SCI_HOST_SIZE]);

/* The same with the string at `index`. False: nil, SciSslError were pushed. */
bool sci_read_host_name(lua_State *L, int index, char name[SCI_HOST_SIZE]);

/* The list of host names at `index`, in parameters that a userdata on top owns. `domains`: ".example.org" stands for the names
 * below it. NULL: nil, SciSslError were pushed. */
X509_VERIFY_PARAM *sci_read_hosts(lua_State *L, int index, bool domains);

/* Makes the host names of `from` those of `to`. */
bool sci_copy_hosts(X509_VERIFY_PARAM *to, X509_VERIFY_PARAM *from);

/* The certificates of a peer: all of them as they were verified, or, not `proven`, some that may help. */
typedef struct sci_chain {
    STACK_OF(X509) *certificates; /* NULL: none is known */
    bool proven;                  /* each has been found to be signed by the next */
} sci_chain;

void sci_copy_chain(sci_chain *to, const sci_chain *from); /* shares the certificates; `to` is empty before */
void sci_free_chain(sci_chain *chain);

/* Puts a list of its own of certificates that belong to `owner` into `*list`, NULL: there are none. False: out of memory. */
typedef bool sci_certificates(const void *owner, void **list);

/* Pushes an array of such certificates, whatever finalizers do to the owner meanwhile. */
void sci_push_certificates_of(lua_State *L, sci_certificates *get, const void *owner);

/* ---- option.c: options whose values are objects of this room, or moments --------------------------------------------- */

/* Each checks the value on the stack at `value`, of the option `name` in the table at `index`, and raises an argument error for
 * another type. What they return is borrowed. */
X509 *sci_check_certificate_option(lua_State *L, int index, const char *name, int value);
EVP_PKEY *sci_check_key_option(lua_State *L, int index, const char *name, int value);
void sci_check_certificates_option(lua_State *L, int index, const char *name, int value); /* a list, or nil */

/* Seconds, of a moment since the epoch, as far as the years of ASN.1 reach; `missing` for nil. */
lua_Integer sci_check_seconds_option(lua_State *L, int index, const char *name, int value, lua_Integer missing);

/* ---- store_uri.c ------------------------------------------------------------------------------------------------- */

/* Says in `failure` why OSSL_STORE_open has failed, and answers false. */
bool sci_explain_store(sci_failure *failure);

/* ---- asn1.c: values of ASN.1 and of Lua -------------------------------------------------------------------------- */

/* Seconds since the epoch. False: `time` is NULL or malformed. */
bool sci_time_to_seconds(const ASN1_TIME *time, lua_Integer *seconds);

/* ---- ocsp.c, issue/ocsp_issue.c: OCSP responses ------------------------------------------------------------------ */

/* One that is being looked at; what belongs to it goes with sci_free_ocsp. */
typedef struct sci_ocsp {
    OCSP_RESPONSE *response;
    OCSP_BASICRESP *basic;   /* NULL: the responder has nothing to say */
    OCSP_SINGLERESP *single; /* what `basic` says of the certificate in question; NULL: not known yet */
} sci_ocsp;

typedef struct sci_ocsp_question {
    X509 *certificate, *issuer;
    lua_Integer at, skew; /* seconds since the epoch at which to judge, and by which clocks may differ */
} sci_ocsp_question;

#define SCI_OCSP_SKEW 300

/* Reads a response into the zeroed `ocsp`, where the responder has something to say. False: `failure` says why. */
bool sci_read_ocsp(sci_ocsp *ocsp, const unsigned char *bytes, size_t length, sci_failure *failure);

/* Finds what a response says of the certificate, in the name of its issuer and at that time: `ocsp->single`, and its
 * V_OCSP_CERTSTATUS_… in `status`. False: it says nothing that counts, and `failure` says why. */
bool sci_judge_ocsp(sci_ocsp *ocsp, const sci_ocsp_question *question, int *status, sci_failure *failure);

/* Pushes a table of what `ocsp->single` says. */
void sci_push_ocsp(lua_State *L, const sci_ocsp *ocsp);

/* Pushes a userdata that owns an empty one. NULL: there is no memory. */
sci_ocsp *sci_new_ocsp(lua_State *L);

/* Reads a response into the empty `ocsp` and judges it. Pushes that table, or nil and a SciSslError; answers how many. */
int sci_answer_ocsp(lua_State *L, sci_ocsp *ocsp, const unsigned char *bytes, size_t length,
                    const sci_ocsp_question *question);

void sci_free_ocsp(sci_ocsp *ocsp);

/* ---- pkcs12.c ---------------------------------------------------------------------------------------------------- */

/* What a PKCS#12 holds. */
typedef struct sci_pkcs12 {
    PKCS12 *sealed;
    EVP_PKEY *key;
    X509 *certificate;
    STACK_OF(X509) *chain;
} sci_pkcs12;

/* Pushes a userdata that owns an empty one. NULL: there is no memory. */
sci_pkcs12 *sci_new_pkcs12(lua_State *L);

/* As sci_check_passphrase; also raises for a NUL byte, which no passphrase of PKCS#12 has. */
void sci_check_pkcs12_passphrase(lua_State *L, int index);

/* Opens `bytes`, which a value on the stack keeps, with the passphrase at index 2. False: `failure` says why. A passphrase
 * function is called as sci_read_key does. */
bool sci_open_pkcs12_bytes(lua_State *L, sci_pkcs12 *held, const char *bytes, size_t length, sci_failure *failure);

/* ---- x509_name.c: distinguished names and general names ---------------------------------------------------------- */

/* Pushes the name as RFC 2253 text in UTF-8; nil where that cannot be. It belongs to an object on the stack. */
void sci_push_name(lua_State *L, const X509_NAME *name);

/* Pushes an array of the names that `get` finds at `owner`, whatever finalizers do to it meanwhile. */
typedef const STACK_OF(X509_NAME) *sci_names(const void *owner);
void sci_push_names(lua_State *L, sci_names *get, const void *owner);

/* Makes a name of RFC 2253 text, which may hold NUL bytes; NULL: `failure` says why. */
X509_NAME *sci_parse_name(const char *text, size_t length, sci_failure *failure);

/* ---- tlsa.c -----------------------------------------------------------------------------------------------------------*/

/* The names that RFC 7218 gives to the numbers of a TLSA record, from 0 on. */
extern const char *const sci_tlsa_usages[], *const sci_tlsa_selectors[], *const sci_tlsa_matching_types[];

/* The number at `index`, 0 to 255, or one of those names; raises for anything else. */
uint8_t sci_check_tlsa_number(lua_State *L, int index, const char *const *names);

/* ---- openers ----------------------------------------------------------------------------------------------------- */

void sci_open_key(lua_State *L);
void sci_open_certificate(lua_State *L);
void sci_open_crl(lua_State *L);
void sci_open_request(lua_State *L);
void sci_open_ocsp(lua_State *L);
void sci_open_pkcs12(lua_State *L);

/* Each adds its functions and methods to the table of the class on top: SciSslX509Certificate's, … */
void sci_open_x509_chain(lua_State *L);
void sci_open_x509_extension(lua_State *L);
void sci_open_x509_issue(lua_State *L);
void sci_open_x509_request_issue(lua_State *L);
void sci_open_crl_issue(lua_State *L);
void sci_open_x509_key_usage(lua_State *L);
void sci_open_x509_verify(lua_State *L);
void sci_open_tlsa(lua_State *L);

void sci_open_ocsp_issue(lua_State *L); /* … and SciSslOcsp's */

#endif
