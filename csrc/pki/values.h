/* values.h: values of ASN.1, from and to Lua, as the files of pki share them. */
#ifndef SCISSL_VALUES_H
#define SCISSL_VALUES_H

#include "pki/pki.h"

/* ---- asn1.c ------------------------------------------------------------------------------------------------------ */

/* Decodes the extension `nid` into `*decoded`. 1: it is there; 0: it is not; -1: it is malformed or there twice. */
int sci_read_extension(const X509 *certificate, int nid, void **decoded);

/* nil, SciSslError for an extension that sci_read_extension calls malformed. */
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

/* ---- x509_name.c: general names (RFC 5280, section 4.2.1.6) -------------------------------------------------------- */

/* Pushes an array of {type=, value=}. False: a name is malformed, and what was pushed is of no use. */
bool sci_push_general_names(lua_State *L, const GENERAL_NAMES *names);

/* Makes the general name that `text` looks like: address, URI, e-mail address or host name. NULL: `failure` says why. The
 * caller frees it. */
GENERAL_NAME *sci_parse_general_name(const char *text, size_t length, sci_failure *failure);

/* ---- x509_request.c ---------------------------------------------------------------------------------------------- */

/* Decodes the names that a request asks for; NULL: it asks for none. The caller frees them. False: they are malformed. */
bool sci_request_names(X509_REQ *request, GENERAL_NAMES **names);

/* ---- x509_key_usage.c -------------------------------------------------------------------------------------------- */

/* The bit of a keyUsage's name (RFC 5280, section 4.2.1.3), or -1. */
int sci_find_key_usage(const char *name);

/* ---- crl.c ------------------------------------------------------------------------------------------------------- */

/* The number of a reason's name (RFC 5280, section 5.3.1), or -1. */
int sci_find_crl_reason(const char *name);

/* ---- x509_chain.c ------------------------------------------------------------------------------------------------ */

void sci_free_certificates(void *certificates); /* a STACK_OF(X509), for guards */

/* Pushes an array of the certificates, each with a reference of its own. A guard or an object on the stack owns the list. */
void sci_push_certificates(lua_State *L, const STACK_OF(X509) *certificates);

/* ---- ocsp.c ------------------------------------------------------------------------------------------------------ */

extern const char *const sci_ocsp_outcomes[]; /* by OCSP_RESPONSE_STATUS_…; NULL where there is none */
extern const char *const sci_ocsp_statuses[]; /* by V_OCSP_CERTSTATUS_… */

#endif
