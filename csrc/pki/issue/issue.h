/* issue.h: what the files of pki/issue share. They make and sign certificates, requests, CRLs and OCSP messages. */
#ifndef SCISSL_ISSUE_H
#define SCISSL_ISSUE_H

#include "pki/values.h"

/* ---- signature_digest.c ------------------------------------------------------------------------------------------ */

/* Finds the digest `name`, or for NULL the one that suits the key. `*digest` is NULL for keys that bring their own,
 * such as Ed25519; otherwise the caller frees it. False: `failure` says why there is none. */
bool sci_find_signature_digest(EVP_PKEY *key, const char *name, EVP_MD **digest, sci_failure *failure);

/* ---- option_list.c: lists of strings that were checked ----------------------------------------------------------- */

/* The string at `i` in the list at the stack index `list`; "" where a finalizer has put something else there. None of
 * these raises, but for out of memory. */
const char *sci_list_string(lua_State *L, int list, lua_Integer i, size_t *length);
const char *sci_list_text(lua_State *L, int list, lua_Integer i); /* "" also for a string with NUL bytes */

/* Makes a general name of each of the first `count` strings. NULL: `failure` says why. The caller frees them. */
GENERAL_NAMES *sci_make_general_names(lua_State *L, int list, lua_Integer count, sci_failure *failure);

#endif
