/* legacy_encryption.c: encryption that OpenSSL leaves to its legacy provider, which is seldom loaded. */
#include "pki/reading.h"

#include <openssl/pkcs12.h>

static bool has_cipher(int nid) {
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, OBJ_nid2sn(nid), NULL);
    EVP_CIPHER_free(cipher);
    return cipher != NULL;
}

static bool has_digest(int nid) {
    EVP_MD *digest = EVP_MD_fetch(NULL, OBJ_nid2sn(nid), NULL);
    EVP_MD_free(digest);
    return digest != NULL;
}

static const char *name_of(int nid) { return nid == NID_undef ? "an unknown algorithm" : OBJ_nid2sn(nid); }

/* PBES2 (RFC 8018) names its cipher apart from the function that derives the key from the passphrase. */
static const char *missing_in_pbes2(int type, const void *parameter) {
    const ASN1_OBJECT *oid = NULL;
    PBE2PARAM *both = NULL;
    if (type == V_ASN1_SEQUENCE) both = ASN1_item_unpack(parameter, ASN1_ITEM_rptr(PBE2PARAM));
    if (!both) return NULL;
    X509_ALGOR_get0(&oid, NULL, NULL, both->encryption);
    int nid = OBJ_obj2nid(oid);
    PBE2PARAM_free(both);
    return has_cipher(nid) ? NULL : name_of(nid);
}

/* The name of the algorithm that the encryption needs and OpenSSL lacks; NULL: nothing is missing. */
static const char *missing_in(const X509_ALGOR *algorithm) {
    const ASN1_OBJECT *oid;
    const void *parameter;
    int type, cipher, digest;
    X509_ALGOR_get0(&oid, &type, &parameter, algorithm);
    int nid = OBJ_obj2nid(oid);
    if (nid == NID_pbes2) return missing_in_pbes2(type, parameter);
    if (!EVP_PBE_find(EVP_PBE_TYPE_OUTER, nid, &cipher, &digest, NULL)) return name_of(nid);
    bool has_all = (cipher < 0 || has_cipher(cipher)) && (digest < 0 || has_digest(digest));
    return has_all ? NULL : name_of(nid);
}

static const char *missing_in_pkcs8(const X509_SIG *sealed) {
    const X509_ALGOR *algorithm;
    X509_SIG_get0(sealed, &algorithm, NULL);
    return missing_in(algorithm);
}

const char *sci_missing_in_der(const unsigned char *bytes, long length) {
    ERR_set_mark();
    X509_SIG *sealed = d2i_X509_SIG(NULL, &bytes, length);
    const char *missing = sealed ? missing_in_pkcs8(sealed) : NULL;
    X509_SIG_free(sealed);
    ERR_pop_to_mark();
    return missing;
}

/* The older way: the header of the PEM block names the cipher. Nothing is missing for a malformed header. */
static const char *missing_in_header(char *header) {
    EVP_CIPHER_INFO info = {.cipher = NULL};
    if (!PEM_get_EVP_CIPHER_INFO(header, &info))
        return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_UNSUPPORTED_ENCRYPTION ? name_of(NID_undef) : NULL;
    int nid = info.cipher ? EVP_CIPHER_get_nid(info.cipher) : NID_undef;
    return !info.cipher || has_cipher(nid) ? NULL : name_of(nid);
}

const char *sci_missing_in_pem(BIO *bio) {
    char *name = NULL, *header = NULL;
    unsigned char *bytes = NULL;
    long length = 0;
    const char *missing = NULL;
    bool found = false;
    ERR_set_mark();
    (void)BIO_reset(bio);
    while (!found && PEM_read_bio(bio, &name, &header, &bytes, &length)) {
        found = sci_ends_in(name, "PRIVATE KEY");
        if (found) missing = *header ? missing_in_header(header) : sci_missing_in_der(bytes, length);
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_clear_free(bytes, (size_t)length);
    }
    ERR_pop_to_mark();
    return missing;
}

/* ---- PKCS#12 ----------------------------------------------------------------------------------------------------- */

/* A part that is not encrypted may hold encrypted keys. */
static bool find_encrypted_keys(PKCS7 *part, const char **missing) {
    bool encrypted = false;
    STACK_OF(PKCS12_SAFEBAG) *bags = PKCS12_unpack_p7data(part);
    for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags); i++) {
        const X509_SIG *sealed = PKCS12_SAFEBAG_get0_pkcs8(sk_PKCS12_SAFEBAG_value(bags, i));
        if (!sealed) continue;
        encrypted = true;
        if (!*missing) *missing = missing_in_pkcs8(sealed);
    }
    sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
    return encrypted;
}

bool sci_pkcs12_is_encrypted(const PKCS12 *sealed, const char **missing) {
    bool encrypted = false;
    *missing = NULL;
    ERR_set_mark();
    STACK_OF(PKCS7) *parts = PKCS12_unpack_authsafes(sealed);
    for (int i = 0; i < sk_PKCS7_num(parts); i++) {
        PKCS7 *part = sk_PKCS7_value(parts, i);
        if (PKCS7_type_is_data(part) && find_encrypted_keys(part, missing)) encrypted = true;
        if (!PKCS7_type_is_encrypted(part) || !part->d.encrypted) continue;
        encrypted = true;
        if (!*missing) *missing = missing_in(part->d.encrypted->enc_data->algorithm);
    }
    sk_PKCS7_pop_free(parts, PKCS7_free);
    ERR_pop_to_mark();
    return encrypted;
}

const char *sci_missing_in_any(const unsigned char *bytes, long length, const char **condition) {
    const unsigned char *cursor = bytes;
    const char *missing = NULL;
    ERR_set_mark();
    PKCS12 *sealed = d2i_PKCS12(NULL, &cursor, length);
    if (sealed) (void)sci_pkcs12_is_encrypted(sealed, &missing);
    *condition = sealed ? "pkcs12_legacy" : "key_legacy";
    PKCS12_free(sealed);
    ERR_pop_to_mark();
    return sealed ? missing : sci_missing_in_der(bytes, length);
}
