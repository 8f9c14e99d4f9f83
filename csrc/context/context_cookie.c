/* context_cookie.c: SciSslContext, the cookies of a server of DTLS: an HMAC of the client's address, by a secret of the context.
 * The secret changes every minute, and the one before it is still good: a cookie is good for one minute, and for two at most. */
#include "context/context.h"

#include <openssl/hmac.h>
#include <string.h>

#define SECRET_TIME (INT64_C(60) * 1000000000) /* nanoseconds */

/* Renews the secrets where it is time. False: there is no randomness. */
static bool refresh(sci_context *context) {
    int64_t now = sci_now(), age = now - context->cookie.made;
    unsigned char fresh[SCI_COOKIE_SECRET_LENGTH], older[SCI_COOKIE_SECRET_LENGTH];
    if (context->cookie.made && age < SECRET_TIME) return true;
    if (RAND_bytes(fresh, sizeof fresh) != 1 || RAND_bytes(older, sizeof older) != 1) return false;
    bool follows = context->cookie.made && age < 2 * SECRET_TIME;
    memcpy(context->cookie.secrets[1], follows ? context->cookie.secrets[0] : older, sizeof older);
    memcpy(context->cookie.secrets[0], fresh, sizeof fresh);
    context->cookie.made = follows ? context->cookie.made + SECRET_TIME : now; /* the older one ends in time */
    OPENSSL_cleanse(fresh, sizeof fresh);
    OPENSSL_cleanse(older, sizeof older);
    return true;
}

static bool compute(const unsigned char *secret, const char *peer, size_t length, unsigned char *cookie) {
    unsigned int size = 0;
    return HMAC(EVP_sha256(), secret, SCI_COOKIE_SECRET_LENGTH, (const unsigned char *)peer, length, cookie, &size) &&
           size == SCI_COOKIE_LENGTH;
}

bool sci_context_make_cookie(sci_context *context, const char *peer, size_t length, unsigned char *cookie) {
    return refresh(context) && compute(context->cookie.secrets[0], peer, length, cookie);
}

bool sci_context_check_cookie(sci_context *context, const char *peer, size_t length, const unsigned char *cookie,
                              size_t cookie_length) {
    unsigned char expected[SCI_COOKIE_LENGTH];
    if (cookie_length != SCI_COOKIE_LENGTH || !refresh(context)) return false;
    for (int i = 0; i < 2; i++)
        if (compute(context->cookie.secrets[i], peer, length, expected) &&
            CRYPTO_memcmp(cookie, expected, sizeof expected) == 0)
            return true;
    return false;
}
