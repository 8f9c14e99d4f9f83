/* pem_der.c: objects read from PEM text and DER bytes, and written for Lua. */
#include "pki/reading.h"

#define LONGEST (1 << 30) /* bytes of a DER file */

int sci_no_passphrase(char *buffer, int size, int writing, void *data) {
    (void)buffer, (void)size, (void)writing, (void)data;
    return -1;
}

/* ---- one object -------------------------------------------------------------------------------------------------- */

void *sci_read_pem(BIO *bio, const sci_kind *kind, sci_failure *failure) {
    sci_clear_errors();
    void *object = kind->read_pem(bio);
    if (!object) sci_explain_pem(bio, kind, failure);
    return object;
}

void *sci_read_pem_text(const char *text, int length, const sci_kind *kind, sci_failure *failure) {
    sci_clear_errors();
    BIO *bio = BIO_new_mem_buf(text, length);
    void *object = bio ? sci_read_pem(bio, kind, failure) : NULL;
    BIO_free(bio);
    return object;
}

void *sci_read_der_start(const unsigned char **cursor, int length, const sci_kind *kind, sci_failure *failure) {
    const unsigned char *bytes = *cursor;
    sci_clear_errors();
    void *object = kind->read_der(cursor, length);
    if (!object) sci_explain_der(bytes, length, kind, failure);
    return object;
}

void *sci_read_der(const unsigned char *bytes, int length, const sci_kind *kind, sci_failure *failure) {
    const unsigned char *cursor = bytes;
    void *object = sci_read_der_start(&cursor, length, kind, failure);
    if (!object || cursor == bytes + length) return object;
    kind->release(object);
    failure->words[0] = kind->expected;
    sci_refuse(failure, kind->malformed, "there are bytes after the end of %s");
    return NULL;
}

/* ---- a file with several ----------------------------------------------------------------------------------------- */

static bool read_blocks(BIO *bio, OPENSSL_STACK *objects, const sci_kind *kind, sci_failure *failure) {
    void *object;
    while ((object = kind->read_pem(bio)) != NULL)
        if (OPENSSL_sk_push(objects, object) <= 0) {
            kind->release(object);
            return false;
        }
    unsigned long code = ERR_peek_last_error();
    bool at_end = ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
    if (!at_end || OPENSSL_sk_num(objects) == 0) {
        sci_explain_pem(bio, kind, failure);
        return false;
    }
    sci_clear_errors();
    return true;
}

static bool read_der_file(BIO *bio, OPENSSL_STACK *objects, const sci_kind *kind, sci_failure *failure) {
    BUF_MEM *whole = sci_read_whole(bio, LONGEST);
    void *object = whole ? sci_read_der((const unsigned char *)whole->data, (int)whole->length, kind, failure) : NULL;
    bool added = object && OPENSSL_sk_push(objects, object) > 0;
    if (object && !added) kind->release(object);
    BUF_MEM_free(whole);
    return added;
}

typedef bool file_reader(BIO *bio, OPENSSL_STACK *objects, const sci_kind *kind, sci_failure *failure);

static OPENSSL_STACK *read_file(BIO *bio, file_reader *read, const sci_kind *kind, sci_failure *failure) {
    sci_clear_errors();
    OPENSSL_STACK *objects = OPENSSL_sk_new_null();
    if (objects && read(bio, objects, kind, failure)) return objects;
    OPENSSL_sk_pop_free(objects, kind->release);
    return NULL;
}

void *sci_read_all_pem(BIO *bio, const sci_kind *kind, sci_failure *failure) {
    return read_file(bio, read_blocks, kind, failure);
}

/* PEM text holds no byte like the second one of anything in DER that is as long as a certificate. */
static bool is_der(BIO *bio) {
    unsigned char first[2] = {0, 0};
    int count = BIO_read(bio, first, sizeof first);
    (void)BIO_reset(bio);
    return count == 2 && first[0] == (V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED) && first[1] > 0x80;
}

void *sci_read_all(BIO *bio, const sci_kind *kind, sci_failure *failure) {
    return read_file(bio, is_der(bio) ? read_der_file : read_blocks, kind, failure);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

int sci_push_written(lua_State *L, sci_writer *write, const void *object) {
    BIO *bio = sci_new_memory_bio(L);
    if (!bio || write(bio, object) <= 0) return sci_fail_openssl(L, "save", NULL);
    sci_push_bio_bytes(L, bio);
    return 1;
}
