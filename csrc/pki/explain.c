/* explain.c: why OpenSSL could not read PEM text or DER bytes. */
#include "pki/reading.h"

#include <string.h>

static void explain(sci_failure *failure, const char *condition, const char *message) {
    failure->condition = condition;
    failure->message = message;
}

/* `message` has a %s for `what` and one for the expected kind. */
static void explain_other(sci_failure *failure, const sci_kind *kind, const char *message, const char *what) {
    explain(failure, kind->absent, message);
    failure->words[0] = what;
    failure->words[1] = kind->expected;
}

/* ---- PEM text ---------------------------------------------------------------------------------------------------- */

/* What a PEM text contains. The greater one of two decides the explanation. */
typedef enum pem_contents { PEM_NOTHING, PEM_OTHERS, PEM_DAMAGED, PEM_WANTED, PEM_OPENSSH } pem_contents;

/* Reads one block. PEM_NOTHING: there is none left. */
static pem_contents read_block(BIO *bio, const char *label, const char **other) {
    char *name = NULL, *header = NULL;
    unsigned char *bytes = NULL;
    long length = 0;
    if (!PEM_read_bio(bio, &name, &header, &bytes, &length))
        return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE ? PEM_NOTHING : PEM_DAMAGED;
    pem_contents contents = sci_ends_in(name, label) ? PEM_WANTED : PEM_OTHERS;
    if (contents == PEM_WANTED && strncmp(name, "OPENSSH ", 8) == 0) contents = PEM_OPENSSH;
    if (contents == PEM_OTHERS && !*other) *other = sci_recognize_label(name);
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_clear_free(bytes, (size_t)length);
    return contents;
}

/* `other`: the contents of the first block of another kind. */
static pem_contents look_through(BIO *bio, const char *label, const char **other) {
    pem_contents found = PEM_NOTHING, block;
    *other = NULL;
    (void)BIO_reset(bio);
    do {
        block = read_block(bio, label, other);
        if (block > found) found = block;
    } while (block == PEM_OTHERS);
    return found;
}

#define CHUNK 16384

BUF_MEM *sci_read_whole(BIO *bio, size_t most) {
    BUF_MEM *whole = BUF_MEM_new();
    size_t length = 0;
    int count = 1;
    (void)BIO_reset(bio);
    while (whole && count > 0 && length < most) {
        if (!BUF_MEM_grow(whole, length + CHUNK)) {
            BUF_MEM_free(whole);
            return NULL;
        }
        count = BIO_read(bio, whole->data + length, CHUNK);
        if (count > 0) length += (size_t)count;
    }
    if (whole) whole->length = length;
    return whole;
}

static void explain_no_pem(const unsigned char *bytes, size_t length, sci_failure *failure) {
    const char *words = sci_recognize_text(bytes, length), *held = sci_recognize_der(bytes, length);
    explain(failure, "not_pem", words ? words : "it has no line -----BEGIN …-----");
    if (length == 0) failure->message = "it is empty";
    else if (held) {
        failure->message = "it is not PEM text: it looks like DER and contains %s";
        failure->words[0] = held;
    } else if (bytes[0] == (V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED))
        failure->message = "it is not PEM text: it looks like DER";
}

static void explain_bio(BIO *bio, sci_failure *failure) {
    BUF_MEM *whole = sci_read_whole(bio, SCI_EXPLAINED);
    if (whole) explain_no_pem((const unsigned char *)whole->data, whole->length, failure);
    BUF_MEM_free(whole);
}

void sci_explain_pem(BIO *bio, const sci_kind *kind, sci_failure *failure) {
    const char *other;
    ERR_set_mark(); /* OpenSSL's queue keeps the errors of the failed read alone */
    switch (look_through(bio, kind->label, &other)) {
        case PEM_NOTHING: explain_bio(bio, failure); break;
        case PEM_OTHERS: explain_other(failure, kind, "the PEM text contains %s, expected %s", other); break;
        case PEM_DAMAGED: explain(failure, kind->malformed, "a block of the PEM text is damaged or cut off"); break;
        case PEM_WANTED: explain(failure, kind->malformed, kind->malformed_message); break;
        case PEM_OPENSSH: explain(failure, "openssh_key", "it is a private key in OpenSSH's own format"); break;
    }
    ERR_pop_to_mark();
}

/* ---- DER --------------------------------------------------------------------------------------------------------- */

static void explain_no_der(const unsigned char *bytes, size_t length, sci_failure *failure) {
    BIO *bio = BIO_new_mem_buf(bytes, (int)length);
    const char *first, *words = sci_recognize_text(bytes, length);
    explain(failure, "not_der", words ? words : "it is not DER");
    if (bio && look_through(bio, "", &first) != PEM_NOTHING) failure->message = "it is not DER: it looks like PEM";
    BIO_free(bio);
}

void sci_explain_der(const unsigned char *bytes, int length, const sci_kind *kind, sci_failure *failure) {
    const char *held = sci_recognize_der(bytes, (size_t)length);
    ERR_set_mark();
    if (length == 0) explain(failure, "not_der", "it is empty");
    else if (held && strcmp(held, kind->expected) != 0)
        explain_other(failure, kind, "the DER bytes contain %s, expected %s", held);
    else if (bytes[0] == (V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED))
        explain(failure, kind->malformed, kind->malformed_message);
    else explain_no_der(bytes, (size_t)length, failure);
    ERR_pop_to_mark();
}

static void explain_neither(const unsigned char *bytes, int length, const sci_kind *kind, sci_failure *failure) {
    sci_explain_der(bytes, length, kind, failure);
    if (strcmp(failure->condition, "not_der") != 0) return;
    const char *words = sci_recognize_text(bytes, (size_t)length);
    explain(failure, kind->absent, words ? words : "it is neither PEM text nor DER");
}

void sci_explain_any(BIO *bio, const sci_kind *kind, sci_failure *failure) {
    const char *other;
    ERR_set_mark();
    pem_contents contents = look_through(bio, kind->label, &other);
    ERR_pop_to_mark();
    BUF_MEM *whole = contents == PEM_NOTHING ? sci_read_whole(bio, SCI_EXPLAINED) : NULL;
    if (contents != PEM_NOTHING) sci_explain_pem(bio, kind, failure);
    else if (whole) explain_neither((const unsigned char *)whole->data, (int)whole->length, kind, failure);
    BUF_MEM_free(whole);
}
