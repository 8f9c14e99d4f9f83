/* issue.h: what the files of pki/issue share. They make and sign certificates, requests, CRLs and OCSP messages. */
#ifndef SCISSL_ISSUE_H
#define SCISSL_ISSUE_H

#include "pki/pki.h"

/* ---- signature_digest.c ------------------------------------------------------------------------------------------ */

/* Finds the digest `name`, or for NULL the one that suits the key. `*digest` is NULL for keys that bring their own, such as
 * Ed25519; otherwise the caller frees it. False: `failure` says why there is none. */
bool sci_find_signature_digest(EVP_PKEY *key, const char *name, EVP_MD **digest, sci_failure *failure);

#endif
