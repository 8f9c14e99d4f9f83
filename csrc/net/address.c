/* address.c: addresses of sockets: asked of the system, and as text. Knows no Lua. */
#include "net/socket.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

void sci_address_begin(sci_address *address) {
    address->storage.ss_family = AF_UNIX; /* where the system writes nothing at all, it is one without a name */
    address->length = sizeof address->storage;
}

bool sci_get_address(int descriptor, bool peer, sci_address *address) {
    struct sockaddr *generic = (struct sockaddr *)&address->storage;
    sci_address_begin(address);
    if (peer) return getpeername(descriptor, generic, &address->length) == 0;
    return getsockname(descriptor, generic, &address->length) == 0;
}

/* ---- as text ---------------------------------------------------------------------------------------------------- */

/* A path ends at its first NUL; a name of Linux's abstract kind begins with one and is as long as it is. */
static void spell_path(const sci_address *address, sci_address_text *text) {
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    size_t start = offsetof(struct sockaddr_un, sun_path);
    memcpy(&local, &address->storage, address->length < sizeof local ? address->length : sizeof local);
    size_t length = address->length > start ? address->length - start : 0;
    if (length > sizeof local.sun_path) length = sizeof local.sun_path;
    if (local.sun_path[0] != '\0' && memchr(local.sun_path, '\0', length)) length = strlen(local.sun_path);
    memcpy(text->host, local.sun_path, length);
    text->host[length] = '\0';
    text->length = length;
    strcpy(text->port, "0");
}

void sci_spell_address(const sci_address *address, sci_address_text *text) {
    const struct sockaddr *generic = (const struct sockaddr *)&address->storage;
    if (generic->sa_family == AF_UNIX) {
        spell_path(address, text);
        return;
    }
    if (getnameinfo(generic, address->length, text->host, sizeof text->host, text->port, sizeof text->port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        strcpy(text->host, "?");
        strcpy(text->port, "0");
    }
    text->length = strlen(text->host);
}

static char *spell_number(char *text, unsigned number) {
    char digits[10];
    size_t count = 0;
    do digits[count++] = (char)('0' + number % 10);
    while (number /= 10);
    while (count > 0) *text++ = digits[--count];
    return text;
}

/* By hand: getnameinfo takes thousands of instructions, and each connection is described. */
static void describe_inet(const sci_address *address, char *text) {
    struct sockaddr_in inet;
    unsigned char bytes[4];
    memcpy(&inet, &address->storage, sizeof inet);
    memcpy(bytes, &inet.sin_addr, sizeof bytes);
    for (int i = 0; i < 4; i++) {
        text = spell_number(text, bytes[i]);
        *text++ = i < 3 ? '.' : ':';
    }
    *spell_number(text, ntohs(inet.sin_port)) = '\0';
}

void sci_describe_address(const sci_address *address, char text[SCI_PEER]) {
    sci_address_text parts;
    const char *format = "%.80s:%.8s";
    if (address->storage.ss_family == AF_INET) {
        describe_inet(address, text);
        return;
    }
    sci_spell_address(address, &parts);
    if (address->storage.ss_family == AF_INET6) format = "[%.80s]:%.8s";
    if (address->storage.ss_family == AF_UNIX) format = "%.110s";
    (void)snprintf(text, SCI_PEER, format, parts.host, parts.port);
}
