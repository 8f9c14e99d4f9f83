/* values.h: objects and values of ASN.1, from and to Lua, as the files of pki share them. */
#ifndef SCISSL_VALUES_H
#define SCISSL_VALUES_H

#include "pki/pki.h"

/* ---- objects: empty userdata for the caller to fill; borrowed objects, NULL where there is no open one ----------- */

EVP_PKEY **sci_new_key(lua_State *L);
X509_CRL **sci_new_crl(lua_State *L);
X509_CRL *sci_test_crl(lua_State *L, int index);
X509_REQ **sci_new_request(lua_State *L);
X509_REQ *sci_test_request(lua_State *L, int index);

/* ---- pem_der.c --------------------------------------------------------------------------------------------------- */

/* Writes `object` into `bio`; 0 or less: OpenSSL could not. */
typedef int sci_writer(BIO *bio, const void *object);

/* Pushes what `write` writes, and returns 1; or pushes nil and a SciSslError of phase "save", and returns 2. */
int sci_push_written(lua_State *L, sci_writer *write, const void *object);

/* ---- option.c: options whose values are objects ------------------------------------------------------------------ */

/* Each checks the value on the stack at `value`, of the option `name` in the table at `index`, and raises an argument
 * error for another type. The objects are borrowed. */
X509 *sci_check_certificate_option(lua_State *L, int index, const char *name, int value);
EVP_PKEY *sci_check_key_option(lua_State *L, int index, const char *name, int value);
void sci_check_certificates_option(lua_State *L, int index, const char *name, int value); /* a list, or nil */

/* ---- asn1.c ------------------------------------------------------------------------------------------------------ */

/* An extension of certificates, for a method that returns what it holds. */
typedef struct sci_extension {
    int nid;
    const char *name; /* as errors call it */
    void (*release)(void *decoded);
    bool (*push)(lua_State *L, const void *decoded); /* one value; NULL: there is no such extension. False: malformed */
} sci_extension;

/* Pushes what the extension of the certificate, an argument, holds, and returns 1; or pushes nil and a SciSslError, and
 * returns 2. */
int sci_push_extension(lua_State *L, const X509 *certificate, const sci_extension *extension);

/* nil, SciSslError: the extension is malformed. */
int sci_fail_extension(lua_State *L, const char *name);

/* Pushes two upper-case hexadecimal digits for each byte, after `sign`. */
void sci_push_hex(lua_State *L, const char *sign, const unsigned char *bytes, size_t length);

/* Pushes the short name of an object identifier; its numbers where it has none, or where `numbers` asks for them. */
void sci_push_oid(lua_State *L, const ASN1_OBJECT *oid, bool numbers);

/* Pushes the bytes of a string of any type as they are. */
void sci_push_asn1_string(lua_State *L, const ASN1_STRING *string);

/* Sets `time`, seconds since the epoch. False: it is not in the years 1900 to 9999, or out of memory. */
bool sci_time_from_seconds(ASN1_TIME *time, lua_Integer seconds);

/* ---- serial_number.c --------------------------------------------------------------------------------------------- */

#define SCI_SERIAL_BITS 159 /* a positive number in the 20 octets that RFC 5280 allows */

/* Pushes upper-case hexadecimal digits, two a byte; after "-" where the number is negative. */
void sci_push_serial(lua_State *L, const ASN1_INTEGER *serial);

/* The digits at `index`, or those of the integer there, which they replace. NULL: it is neither, or negative. */
const char *sci_to_serial_digits(lua_State *L, int index);

/* NULL: `digits` are not hexadecimal digits of SCI_SERIAL_BITS at the most, or out of memory. The caller frees it. */
ASN1_INTEGER *sci_parse_serial(const char *digits);

/* ---- x509_name.c: names ------------------------------------------------------ */

/* Pushes the name as RFC 2253 text and returns 1; or pushes nil and a SciSslError, and returns 2. */
int sci_return_name(lua_State *L, const X509_NAME *name);

/* Pushes an array of general names (RFC 5280, section 4.2.1.6), {type=, value=}. False: a name is malformed, and what was pushed is of no use. */
bool sci_push_general_names(lua_State *L, const GENERAL_NAMES *names);

/* Makes the general name that `text` looks like: address, URI, e-mail address or host name. NULL: `failure` says why.
 * The caller frees it. */
GENERAL_NAME *sci_parse_general_name(const char *text, size_t length, sci_failure *failure);

/* ---- verify_name.c ----------------------------------------------------------------------------------------------- */

/* Writes a host name or an address into `name`, as certificates have it. Returns NULL, or what is wrong with it. */
const char *sci_parse_host(const char *text, size_t length, char name[SCI_HOST_SIZE]);

/* ---- x509_request.c ---------------------------------------------------------------------------------------------- */

/* Decodes the names that a request asks for; NULL: it asks for none. The caller frees them. False: they are
 * malformed. */
bool sci_request_names(X509_REQ *request, GENERAL_NAMES **names);

/* ---- x509_key_usage.c -------------------------------------------------------------------------------------------- */

/* The bit of a keyUsage's name (RFC 5280, section 4.2.1.3), or -1. */
int sci_find_key_usage(const char *name);

/* ---- crl.c ------------------------------------------------------------------------------------------------------- */

/* The number of a reason's name (RFC 5280, section 5.3.1), or -1. */
int sci_find_crl_reason(const char *name);

/* ---- x509_chain.c ------------------------------------------------------------------------------------------------ */

void sci_free_certificates(void *certificates); /* a STACK_OF(X509), for guards */

/* Pushes an array of the certificates. A guard or an object on the stack must own the list. */
void sci_push_certificates(lua_State *L, const STACK_OF(X509) *certificates);

/* ---- ocsp.c ------------------------------------------------------------------------------------------------------ */

extern const char *const sci_ocsp_outcomes[]; /* by OCSP_RESPONSE_STATUS_…; NULL where there is none */
extern const char *const sci_ocsp_statuses[]; /* by V_OCSP_CERTSTATUS_… */

#endif
