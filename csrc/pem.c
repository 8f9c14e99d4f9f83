/* pem.c: PEM and DER, written for Lua; and what is wrong with those that OpenSSL cannot read. */
#include "pki.h"

#include <string.h>

int sci_no_passphrase(char *buffer, int size, int writing, void *data) {
    (void)buffer, (void)size, (void)writing, (void)data;
    return -1;
}

static void explain(sci_failure *failure, const char *condition, const char *message) {
    failure->condition = condition;
    failure->message = message;
}

static bool ends_in(const char *text, const char *end) {
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* What a PEM text holds, in the order in which it outweighs the others. */
typedef enum pem_contents { PEM_NOTHING, PEM_OTHERS, PEM_DAMAGED, PEM_WANTED } pem_contents;

/* Reads one block. PEM_NOTHING: there is no further one. */
static pem_contents read_block(BIO *bio, const char *label) {
    char *name = NULL, *header = NULL;
    unsigned char *bytes = NULL;
    long length = 0;
    if (!PEM_read_bio(bio, &name, &header, &bytes, &length))
        return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE ? PEM_NOTHING : PEM_DAMAGED;
    pem_contents contents = ends_in(name, label) ? PEM_WANTED : PEM_OTHERS;
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_clear_free(bytes, (size_t)length);
    return contents;
}

static pem_contents look_through(BIO *bio, const char *label) {
    pem_contents found = PEM_NOTHING, block;
    (void)BIO_reset(bio);
    do {
        block = read_block(bio, label);
        if (block > found) found = block;
    } while (block == PEM_OTHERS);
    return found;
}

static void explain_no_pem(BIO *bio, sci_failure *failure) {
    unsigned char first = 0;
    (void)BIO_reset(bio);
    int count = BIO_read(bio, &first, 1);
    const char *message = "it has no line that says -----BEGIN …-----";
    if (count != 1) message = "it is empty";
    else if (first == (V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED)) message = "it is not PEM text: it looks like DER";
    explain(failure, "not_pem", message);
}

void sci_explain_pem(BIO *bio, const sci_kind *kind, sci_failure *failure) {
    ERR_set_mark(); /* what OpenSSL said when it could not read stays the whole of its queue */
    switch (look_through(bio, kind->label)) {
        case PEM_NOTHING: explain_no_pem(bio, failure); break;
        case PEM_OTHERS: explain(failure, kind->absent, kind->absent_message); break;
        case PEM_DAMAGED: explain(failure, kind->malformed, "a block of the PEM text is damaged or cut off"); break;
        case PEM_WANTED: explain(failure, kind->malformed, kind->malformed_message); break;
    }
    ERR_pop_to_mark();
}

static bool looks_like_pem(const unsigned char *bytes, size_t length) {
    static const char begin[] = "-----BEGIN ";
    const size_t begin_length = sizeof begin - 1;
    for (size_t i = 0; i + begin_length <= length; i++)
        if (memcmp(bytes + i, begin, begin_length) == 0) return true;
    return false;
}

void sci_explain_der(const unsigned char *bytes, int length, const sci_kind *kind, sci_failure *failure) {
    if (length == 0) explain(failure, "not_der", "it is empty");
    else if (bytes[0] == (V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED))
        explain(failure, kind->malformed, kind->malformed_message);
    else if (looks_like_pem(bytes, (size_t)length))
        explain(failure, "not_der", "these are no DER bytes: it looks like PEM");
    else explain(failure, "not_der", "these are no DER bytes");
}

int sci_push_written(lua_State *L, sci_writer *write, const void *object) {
    BIO *bio = sci_new_memory_bio(L);
    sci_clear_errors();
    if (!bio || write(bio, object) <= 0) return sci_fail_openssl(L, "save", NULL);
    sci_push_bio_bytes(L, bio);
    return 1;
}
