/* newer_openssl.c: names that later releases of OpenSSL have added, for a clear error where an earlier one rejects them. */
#include "base/base.h"

#include <string.h>

/* Names that contain `part` need that release. */
static const struct {
    const char *part, *release;
    unsigned int major, minor;
} newcomers[] = {
    {"MLKEM", "OpenSSL 3.5", 3, 5},
    {"ML-KEM", "OpenSSL 3.5", 3, 5},
    {"ML-DSA", "OpenSSL 3.5", 3, 5},
    {"SLH-DSA", "OpenSSL 3.5", 3, 5},
};

static bool older_than(unsigned int major, unsigned int minor) {
    unsigned int ours = OPENSSL_version_major();
    return ours < major || (ours == major && OPENSSL_version_minor() < minor);
}

static char upper(char letter) { return letter >= 'a' && letter <= 'z' ? (char)(letter - 'a' + 'A') : letter; }

static bool contains(const char *name, size_t length, const char *part) {
    size_t part_length = strlen(part), same;
    for (size_t i = 0; i + part_length <= length; i++) {
        for (same = 0; same < part_length && upper(name[i + same]) == part[same];) same++;
        if (same == part_length) return true;
    }
    return false;
}

const char *sci_find_release(const char *name, size_t length) {
    for (size_t i = 0; i < sizeof newcomers / sizeof *newcomers; i++)
        if (contains(name, length, newcomers[i].part) && older_than(newcomers[i].major, newcomers[i].minor))
            return newcomers[i].release;
    return NULL;
}
