/* certificate_file.c: certificates read from PEM text or DER bytes. */
#include "pki/pki.h"

STACK_OF(X509) *sci_read_certificates(BIO *bio, sci_failure *failure) {
    STACK_OF(X509) *certificates = sk_X509_new_null();
    X509 *certificate;
    if (!certificates) return NULL;
    while ((certificate = PEM_read_bio_X509_AUX(bio, NULL, sci_no_passphrase, NULL)) != NULL)
        if (!sk_X509_push(certificates, certificate)) {
            X509_free(certificate);
            goto failed;
        }
    unsigned long code = ERR_peek_last_error();
    bool at_end = ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
    if (at_end && sk_X509_num(certificates) > 0) {
        sci_clear_errors();
        return certificates;
    }
    sci_explain_pem(bio, &sci_certificate_kind, failure);
failed:
    sk_X509_pop_free(certificates, X509_free);
    return NULL;
}

/* PEM text holds no byte like the second one of anything in DER that is as long as a certificate. */
bool sci_is_der(BIO *bio) {
    unsigned char first[2] = {0, 0};
    int count = BIO_read(bio, first, sizeof first);
    (void)BIO_reset(bio);
    return count == 2 && first[0] == (V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED) && first[1] > 0x80;
}

static STACK_OF(X509) *read_der(BIO *bio, sci_failure *failure) {
    char rest;
    STACK_OF(X509) *certificates = sk_X509_new_null();
    X509 *certificate = certificates ? d2i_X509_bio(bio, NULL) : NULL;
    if (certificate && BIO_read(bio, &rest, 1) <= 0 && sk_X509_push(certificates, certificate)) return certificates;
    if (certificates) sci_explain_der_bio(bio, &sci_certificate_kind, failure);
    X509_free(certificate);
    sk_X509_free(certificates);
    return NULL;
}

STACK_OF(X509) *sci_read_certificates_or_der(BIO *bio, sci_failure *failure) {
    return sci_is_der(bio) ? read_der(bio, failure) : sci_read_certificates(bio, failure);
}
