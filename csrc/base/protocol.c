/* protocol.c: the names of protocol versions. */
#include "base/base.h"

#include <string.h>

static const sci_protocol protocols[] = {
    {"TLSv1", TLS1_VERSION, false},     {"TLSv1.1", TLS1_1_VERSION, false}, {"TLSv1.2", TLS1_2_VERSION, false},
    {"TLSv1.3", TLS1_3_VERSION, false}, {"DTLSv1", DTLS1_VERSION, true},    {"DTLSv1.2", DTLS1_2_VERSION, true},
};

const sci_protocol *sci_find_protocol(const char *name) {
    for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++)
        if (strcmp(protocols[i].name, name) == 0) return &protocols[i];
    return NULL;
}

const char *sci_protocol_name(int version) {
    for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++)
        if (protocols[i].version == version) return protocols[i].name;
    return version ? "unknown" : "any";
}

int sci_fail_protocol(lua_State *L, const char *name) {
    return sci_fail(
        L, &(sci_failure){.phase = "option",
                          .condition = "unknown_protocol",
                          .message =
                              "known are TLSv1, TLSv1.1, TLSv1.2 and TLSv1.3, and for datagrams DTLSv1 and DTLSv1.2",
                          .subject = name});
}
