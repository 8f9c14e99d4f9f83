/* pki.h: what keys, certificates, and whatever else is made of ASN.1, share. */
#ifndef SCISSL_PKI_H
#define SCISSL_PKI_H

#include "scissl.h"

#include <openssl/buffer.h>
#include <openssl/pkcs12.h>

/* ---- pem.c: reading and writing --------------------------------------------------------------------------------- */

/* A kind of object, as its PEM labels and our errors call it. All texts are static. */
typedef struct sci_kind {
    const char *label;     /* what its PEM labels end in: "PRIVATE KEY" */
    const char *due;       /* as the end of a sentence: "a private key" */
    const char *absent;    /* condition where other things are there only */
    const char *malformed; /* condition and message where it is there, and OpenSSL could not read it */
    const char *malformed_message;
} sci_kind;

extern const sci_kind sci_certificate_kind;
extern const sci_kind sci_crl_kind;

/* store.c: says in `failure` why OSSL_STORE_open has failed, and answers false. */
bool sci_explain_store(sci_failure *failure);

/* request.c: the names that a request asks for, NULL where there are none. The caller frees them. False: they are malformed. */
bool sci_request_names(X509_REQ *request, GENERAL_NAMES **names);

/* issue.c: the digest `name`, or where that is NULL the one that suits the key, in `*digest`, NULL for keys that bring their
 * own. The caller frees it. False: `failure` says why there is none. */
bool sci_find_signature_digest(EVP_PKEY *key, const char *name, EVP_MD **digest, sci_failure *failure);

/* A pem_password_cb that has no passphrase, so that OpenSSL never asks on the terminal. */
int sci_no_passphrase(char *buffer, int size, int writing, void *data);

/* chain.c: a release function for guards; and an array of certificates, each up-refed. A guard or an object on the stack
 * owns the list. */
void sci_free_certificates(void *certificates);
void sci_push_certificates(lua_State *L, const STACK_OF(X509) *certificates);

/* Puts a list of its own of certificates that belong to `owner` into `*list`, NULL: there are none. False: out of memory. */
typedef bool sci_certificates(const void *owner, void **list);

/* Pushes an array of such certificates, whatever finalizers do to the owner meanwhile. */
void sci_push_certificates_of(lua_State *L, sci_certificates *get, const void *owner);

/* Says in `failure` why OpenSSL could not read a `kind` from the PEM text in `bio`, which is read again. */
void sci_explain_pem(BIO *bio, const sci_kind *kind, sci_failure *failure);

/* Says in `failure` why OpenSSL could not read a `kind` from DER bytes; or from those in `bio`, which are read again. */
void sci_explain_der(const unsigned char *bytes, int length, const sci_kind *kind, sci_failure *failure);
void sci_explain_der_bio(BIO *bio, const sci_kind *kind, sci_failure *failure);

/* Says in `failure` why there is no `kind` in `bio`, be it PEM text or DER bytes. */
void sci_explain_any(BIO *bio, const sci_kind *kind, sci_failure *failure);

/* What `bio` holds from its beginning on, as far as explanations look. NULL: out of memory. The caller frees it. */
BUF_MEM *sci_read_whole(BIO *bio);

/* ---- recognize.c: what bytes are that are not what is due, in static words ------------------------------------- */

const char *sci_recognize_label(const char *label); /* of a PEM block: "a public key"; never NULL */
const char *sci_recognize_der(const unsigned char *bytes, size_t length);  /* "a certificate"; NULL: not known */
const char *sci_recognize_text(const unsigned char *bytes, size_t length); /* a sentence; NULL: not known */
bool sci_ends_in(const char *text, const char *end);

/* ---- legacy.c: encryption that OpenSSL leaves to its legacy provider -------------------------------------------- */

/* The static name of what the encrypted private key in PEM text or in DER bytes (PKCS#8) needs and OpenSSL does not have.
 * NULL: nothing is missing, or there is no such key. */
const char *sci_missing_in_pem(BIO *bio);
const char *sci_missing_in_der(const unsigned char *bytes, long length);

#define SCI_MISSING_CIPHER "it is encrypted with %s, which this OpenSSL does not have"

/* Whether anything in there is encrypted, and the name of what is missing to decrypt it, or NULL. */
bool sci_pkcs12_is_encrypted(const PKCS12 *sealed, const char **missing);

/* As sci_missing_in_der, for PKCS#8 and PKCS#12; and the condition that says so. */
const char *sci_missing_in_any(const unsigned char *bytes, long length, const char **condition);

/* trust.c: whether what `bio` holds looks like DER; it is at its beginning again. */
bool sci_is_der(BIO *bio);

/* Writes `object` into `bio`; 0 or less: it could not. */
typedef int sci_writer(BIO *bio, const void *object);

/* Pushes what `write` writes, and answers 1; or pushes nil and a SciSslError of phase "save", and answers 2. */
int sci_push_written(lua_State *L, sci_writer *write, const void *object);

/* ---- asn1.c: values of ASN.1 and of Lua ------------------------------------------------------------------------- */

/* Pushes a userdata that frees its `object`, once that is set, when it is collected: for what OpenSSL allocates and
 * Lua then makes values of. */
typedef struct sci_guard {
    void *object;
    void (*release)(void *object);
} sci_guard;

sci_guard *sci_new_guard(lua_State *L, void (*release)(void *object));

/* Decodes the extension `nid` into `*decoded`. 1: it is there; 0: it is not; -1: it is malformed or there twice. */
int sci_read_extension(const X509 *certificate, int nid, void **decoded);

/* nil, SciSslError for an extension that sci_read_extension calls malformed. */
int sci_fail_extension(lua_State *L, const char *name);

/* Pushes two upper-case hexadecimal digits for each byte, behind `sign`. */
void sci_push_hex(lua_State *L, const char *sign, const unsigned char *bytes, size_t length);

/* Pushes an object identifier's short name, or its numbers where it has none or they are asked for. */
void sci_push_oid(lua_State *L, const ASN1_OBJECT *oid, bool numbers);

/* Pushes the bytes of a string of any kind, whatever they are. */
void sci_push_asn1_string(lua_State *L, const ASN1_STRING *string);

/* Seconds since the epoch, and back; false: malformed, or (back) not in the years 1900 to 9999. */
bool sci_time_to_seconds(const ASN1_TIME *time, lua_Integer *seconds);
bool sci_time_from_seconds(ASN1_TIME *time, lua_Integer seconds);

/* ---- ocsp.c, responder.c: OCSP responses ------------------------------------------------------------------------- */

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

/* The integer at `value`, seconds since the epoch within the years that ASN.1 can say; `missing` for nil. */
lua_Integer sci_check_seconds_option(lua_State *L, int index, const char *name, int value, lua_Integer missing);

extern const char *const sci_ocsp_outcomes[]; /* by OCSP_RESPONSE_STATUS_…; NULL where there is none */
extern const char *const sci_ocsp_statuses[]; /* by V_OCSP_CERTSTATUS_… */

int sci_make_ocsp_request(lua_State *L);  /* SciSslOcsp.request */
int sci_make_ocsp_response(lua_State *L); /* SciSslOcsp.response */
void sci_open_ocsp(lua_State *L);

void sci_open_pkcs12(lua_State *L); /* pkcs12.c */

/* ---- options.c: tables of options ------------------------------------------------------------------------------- */

/* Checks the table of options at `index` and pushes the value of each of `names`, which a NULL ends, nil where it is
 * missing. Raises an argument error for a field of another name. The first value is at the index that it answers. */
int sci_push_options(lua_State *L, int index, const char *const *names);

/* Raises the argument error "option 'name': what expected, got …" about the value on the stack at `value`. */
int sci_option_error(lua_State *L, int index, const char *name, const char *what, int value);

/* Pushes a field of the table at `index`, its type answered; no metamethod may answer another one at the second look. */
int sci_push_raw_field(lua_State *L, int index, const char *name);

/* The list of texts at `value`, checked, its length answered; 0 for nil. */
lua_Integer sci_check_option_list(lua_State *L, int index, const char *name, int value);

/* ---- names.c: distinguished names and general names ------------------------------------------------------------- */

/* Pushes the name as RFC 2253 text in UTF-8; nil where that cannot be. It belongs to an object on the stack. */
void sci_push_name(lua_State *L, const X509_NAME *name);

/* Pushes an array of the names that `get` finds at `owner`, whatever finalizers do to it meanwhile. */
typedef const STACK_OF(X509_NAME) *sci_names(const void *owner);
void sci_push_names(lua_State *L, sci_names *get, const void *owner);

/* Makes a name of RFC 2253 text, which may hold NUL bytes; NULL: `failure` says why. */
X509_NAME *sci_parse_name(const char *text, size_t length, sci_failure *failure);

/* Pushes an array of {type=, value=}; false: a name is malformed, and what was pushed is of no use. */
bool sci_push_general_names(lua_State *L, const GENERAL_NAMES *names);

/* Makes the general name that `text` looks like: address, URI, e-mail address or host name; NULL: `failure` says why. */
GENERAL_NAME *sci_parse_general_name(const char *text, size_t length, sci_failure *failure);

/* ---- usage.c, judge.c: more methods of SciSslX509Certificate ---------------------------------------------------- */

/* The bit of a keyUsage's name (RFC 5280, section 4.2.1.3), or -1. */
int sci_find_key_usage(const char *name);

extern const luaL_Reg sci_usage_methods[];
extern const luaL_Reg sci_judge_methods[];
extern const luaL_Reg sci_chain_functions[];
extern const luaL_Reg sci_extension_methods[];
extern const luaL_Reg sci_tlsa_methods[]; /* dane.c */

#endif
