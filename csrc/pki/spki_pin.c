/* spki_pin.c: pins of public keys (RFC 7469, section 2.4), in the form of curl. */
#include "pki/pki.h"

bool sci_digest_spki(const unsigned char *spki, int length, unsigned char digest[SCI_PIN_LENGTH]) {
    return length > 0 && EVP_Digest(spki, (size_t)length, digest, NULL, EVP_sha256(), NULL) == 1;
}

void sci_push_pin(lua_State *L, const unsigned char digest[SCI_PIN_LENGTH]) {
    unsigned char text[48];
    (void)EVP_EncodeBlock(text, digest, SCI_PIN_LENGTH);
    lua_pushfstring(L, SCI_PIN_PREFIX "%s", (const char *)text);
}
