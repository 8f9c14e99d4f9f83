/* reading.h: how the files of pki read keys, certificates and the like, and explain what they cannot read. */
#ifndef SCISSL_READING_H
#define SCISSL_READING_H

#include "pki/values.h"

#include <openssl/buffer.h>

/* ---- passphrase.c ------------------------------------------------------------------------------------------------ */

/* A passphrase that may be needed. */
typedef struct sci_passphrase {
    lua_State *L;
    int given;  /* stack index of the string or function; 0: none was given */
    int text;   /* stack index of the string, once it is known; 0: not yet */
    bool asked; /* OpenSSL has asked for it */
    sci_failure *failure;
} sci_passphrase;

/* That of the argument at the absolute `index`, which sci_check_passphrase has checked. */
sci_passphrase sci_prepare_passphrase(lua_State *L, int index, sci_failure *failure);

/* Calls the function, once and under lua_pcall, and leaves what it returned on the stack. False: `failure` says why
 * there is no string. */
bool sci_find_passphrase(sci_passphrase *asked);

/* A pem_password_cb; `data` is the sci_passphrase. OpenSSL may call it several times. Raises nothing. */
int sci_give_passphrase(char *buffer, int size, int writing, void *data);

/* ---- private_key_read.c ------------------------------------------------------------------------------------------ */

extern const sci_kind sci_key_kind;

/* As sci_read_key, for DER bytes and for what OSSL_STORE finds at a URI. */
EVP_PKEY *sci_read_key_der(lua_State *L, const char *bytes, int length, int passphrase, sci_failure *failure);
EVP_PKEY *sci_read_key_uri(lua_State *L, const char *uri, int passphrase, const sci_library *library,
                           sci_failure *failure);

/* ---- pem_der.c --------------------------------------------------------------------------------------------------- */

/* Reads the one object that `bytes` are. NULL: `failure` and OpenSSL's queue say why. The caller frees it. */
void *sci_read_der(const unsigned char *bytes, int length, const sci_kind *kind, sci_failure *failure);

/* All objects of PEM text, one at least; sci_read_all reads one object in DER as well. Both return a stack, such as
 * STACK_OF(X509). NULL: `failure` or OpenSSL's queue says why; no object was kept. */
void *sci_read_all_pem(BIO *bio, const sci_kind *kind, sci_failure *failure);
void *sci_read_all(BIO *bio, const sci_kind *kind, sci_failure *failure);

/* ---- box.c: the functions fromPem, fromPemFile and fromDer of a class -------------------------------------------- */

int sci_load_pem(lua_State *L, const sci_kind *kind);
int sci_load_pem_file(lua_State *L, const sci_kind *kind);
int sci_load_der(lua_State *L, const sci_kind *kind);

/* ---- explain.c: why OpenSSL could not read something ------------------------------------------------------------- */

/* Each says in `failure` why there is no `kind` in what it is given. A BIO is read again from its beginning. Nothing is
 * added to OpenSSL's queue. */
void sci_explain_pem(BIO *bio, const sci_kind *kind, sci_failure *failure);
void sci_explain_der(const unsigned char *bytes, int length, const sci_kind *kind, sci_failure *failure);
void sci_explain_any(BIO *bio, const sci_kind *kind, sci_failure *failure); /* PEM or DER */

#define SCI_EXPLAINED (1 << 20) /* bytes that explanations look at */

/* What `bio` holds from its beginning on, `most` bytes or a little more at the most. NULL: out of memory. The caller
 * frees it. */
BUF_MEM *sci_read_whole(BIO *bio, size_t most);

/* ---- content_kind.c: names for contents of the wrong kind, all static -------------------------------------------- */

const char *sci_recognize_label(const char *label); /* of a PEM block: "a public key"; never NULL */
const char *sci_recognize_der(const unsigned char *bytes, size_t length);  /* "a certificate"; NULL: not known */
const char *sci_recognize_text(const unsigned char *bytes, size_t length); /* a sentence; NULL: not known */
bool sci_ends_in(const char *text, const char *end);

/* ---- legacy_encryption.c: encryption that OpenSSL leaves to its legacy provider ---------------------------------- */

/* The static name of the algorithm that the encrypted private key in PEM text or in DER bytes (PKCS#8) needs and
 * OpenSSL does not have. NULL: nothing is missing, or there is no such key. */
const char *sci_missing_in_pem(BIO *bio);
const char *sci_missing_in_der(const unsigned char *bytes, long length);

#define SCI_MISSING_CIPHER "it is encrypted with %s, which this OpenSSL does not have"

/* Whether anything in the PKCS#12 is encrypted; and the name of the algorithm that is missing to decrypt it, or
 * NULL. */
bool sci_pkcs12_is_encrypted(const PKCS12 *sealed, const char **missing);

/* As sci_missing_in_der, for PKCS#8 and PKCS#12; and the condition of the error. */
const char *sci_missing_in_any(const unsigned char *bytes, long length, const char **condition);

#endif
