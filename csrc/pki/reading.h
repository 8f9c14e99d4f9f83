/* reading.h: what the files of pki share that read keys, certificates and the like, and that explain what they cannot read. */
#ifndef SCISSL_READING_H
#define SCISSL_READING_H

#include "pki/pki.h"

#include <openssl/buffer.h>

/* ---- explain.c: why OpenSSL could not read something -------------------------------------------------------------- */

/* Each says in `failure` why there is no `kind` in what it is given. A BIO is read again from its beginning. Nothing is
 * added to OpenSSL's queue. */
void sci_explain_pem(BIO *bio, const sci_kind *kind, sci_failure *failure);
void sci_explain_der(const unsigned char *bytes, int length, const sci_kind *kind, sci_failure *failure);
void sci_explain_any(BIO *bio, const sci_kind *kind, sci_failure *failure); /* PEM or DER */

#define SCI_EXPLAINED (1 << 20) /* bytes that explanations look at */

/* What `bio` holds from its beginning on, `most` bytes or a little more at the most. NULL: out of memory. The caller frees
 * it. */
BUF_MEM *sci_read_whole(BIO *bio, size_t most);

/* ---- content_kind.c: names for contents of the wrong kind, all static --------------------------------------------- */

const char *sci_recognize_label(const char *label); /* of a PEM block: "a public key"; never NULL */
const char *sci_recognize_der(const unsigned char *bytes, size_t length);  /* "a certificate"; NULL: not known */
const char *sci_recognize_text(const unsigned char *bytes, size_t length); /* a sentence; NULL: not known */
bool sci_ends_in(const char *text, const char *end);

/* ---- legacy_encryption.c: encryption that OpenSSL leaves to its legacy provider ------------------------------------ */

/* The static name of the algorithm that the encrypted private key in PEM text or in DER bytes (PKCS#8) needs and OpenSSL
 * does not have. NULL: nothing is missing, or there is no such key. */
const char *sci_missing_in_pem(BIO *bio);
const char *sci_missing_in_der(const unsigned char *bytes, long length);

#define SCI_MISSING_CIPHER "it is encrypted with %s, which this OpenSSL does not have"

/* Whether anything in the PKCS#12 is encrypted; and the name of the algorithm that is missing to decrypt it, or NULL. */
bool sci_pkcs12_is_encrypted(const PKCS12 *sealed, const char **missing);

/* As sci_missing_in_der, for PKCS#8 and PKCS#12; and the condition of the error. */
const char *sci_missing_in_any(const unsigned char *bytes, long length, const char **condition);

#endif
