/* signature_digest.c: the digest of a signature that is about to be made. */
#include "pki/issue/issue.h"

#include <string.h>

/* The digest that suits the key, written into `name`; NULL: the algorithm brings its own, as Ed25519 does. */
static const char *suitable_digest(EVP_PKEY *key, char *name, size_t size) {
    bool known = EVP_PKEY_get_default_digest_name(key, name, size) > 0;
    if (!known) return "SHA256";
    return *name == '\0' || strcmp(name, "UNDEF") == 0 ? NULL : name;
}

bool sci_find_signature_digest(EVP_PKEY *key, const char *name, EVP_MD **digest, sci_failure *failure) {
    char suitable[80] = "";
    if (!EVP_PKEY_can_sign(key)) return sci_refuse(failure, "wrong_key", "a key of this algorithm cannot sign");
    const char *used = name ? name : suitable_digest(key, suitable, sizeof suitable);
    *digest = used ? EVP_MD_fetch(NULL, used, NULL) : NULL;
    return !used || *digest || sci_refuse_about(failure, "unknown_digest", "this OpenSSL knows no such digest", name);
}
