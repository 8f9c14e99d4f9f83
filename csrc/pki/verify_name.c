/* verify_name.c: the names that a peer's certificate must match: host names and IP addresses, checked and
 * normalized. */
#include "pki/values.h"

#include <ctype.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>

/* ---- host names -------------------------------------------------------------------------------------------------- */

bool sci_is_address(const char *text) {
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

static bool is_host_byte(unsigned char byte) { return isgraph(byte) && byte < 0x80 && !strchr("/\\@\"", byte); }

/* A host name as DNS and certificates know it: 1 to 253 bytes of ASCII without a trailing dot, labels to 63. */
static const char *check_host_name(const char *name, size_t length) {
    size_t label = 0;
    if (length == 0) return "the name is empty";
    if (memchr(name, 0, length)) return "the name contains a NUL byte";
    if (length > 253) return "the name is longer than 253 bytes";
    for (size_t i = 0; i < length; i++) {
        if (!is_host_byte((unsigned char)name[i]))
            return "the name contains a byte that no host name has (IDN: use A-labels)";
        label = name[i] == '.' ? 0 : label + 1;
        if (name[i] == '.' && (i == 0 || name[i - 1] == '.')) return "the name has an empty label";
        if (label > 63) return "the name has a label longer than 63 bytes";
    }
    return label == 0 ? "the name has an empty label" : NULL;
}

/* Takes off what names in certificates and SNI do not have: brackets, the dot at the end, and the zone of an address,
 * as in "[::1]", "example.com." and "fe80::1%eth0". */
static size_t strip(const char **text, size_t length) {
    if (length > 1 && **text == '[' && (*text)[length - 1] == ']') {
        (*text)++;
        length -= 2;
    } else if (length > 1 && (*text)[length - 1] == '.') length--;
    const char *zone = memchr(*text, '%', length);
    return zone && memchr(*text, ':', (size_t)(zone - *text)) ? (size_t)(zone - *text) : length;
}

const char *sci_parse_host(const char *text, size_t length, char name[SCI_HOST_SIZE]) {
    size_t used = strip(&text, length);
    const char *message = check_host_name(text, used);
    if (message) return message;
    memcpy(name, text, used);
    name[used] = 0;
    return NULL;
}

bool sci_read_host_name(lua_State *L, int index, char name[SCI_HOST_SIZE]) {
    size_t length;
    const char *text = luaL_checklstring(L, index, &length);
    const char *message = sci_parse_host(text, length, name);
    if (message) sci_fail_own(L, "option", "bad_host_name", message);
    return !message;
}

/* ---- lists of host names ----------------------------------------------------------------------------------------- */

static void free_param(void *param) { X509_VERIFY_PARAM_free(param); }

/* Adds the name on top of the stack. `domains`: a name that begins with a dot stands for the names below it. False:
 * nil, SciSslError were pushed. */
static bool add_host(lua_State *L, X509_VERIFY_PARAM *param, bool domains) {
    char name[SCI_HOST_SIZE + 1] = ".";
    size_t length, dot = domains && *lua_tostring(L, -1) == '.';
    const char *text = lua_tolstring(L, -1, &length);
    lua_pushlstring(L, text + dot, length - dot);
    if (!sci_read_host_name(L, -1, name + dot)) return false;
    lua_pop(L, 1);
    if (sci_is_address(name)) {
        sci_fail(L, &(sci_failure){.phase = "option",
                                   .condition = "bad_host_name",
                                   .message = "an address cannot be in a list of host names",
                                   .subject = name});
        return false;
    }
    if (X509_VERIFY_PARAM_add1_host(param, name, 0)) return true;
    sci_fail_openssl(L, "option", name);
    return false;
}

X509_VERIFY_PARAM *sci_read_hosts(lua_State *L, int index, bool domains) {
    lua_Integer count = sci_check_list(L, index);
    for (lua_Integer i = 1; i <= count; i++) {
        if (lua_rawgeti(L, index, i) != LUA_TSTRING) luaL_argerror(L, index, "list of strings expected");
        lua_pop(L, 1);
    }
    sci_guard *guard = sci_new_guard(L, free_param);
    sci_clear_errors();
    X509_VERIFY_PARAM *param = guard->object = X509_VERIFY_PARAM_new();
    if (!param) sci_fail_openssl(L, "option", "hosts to verify");
    for (lua_Integer i = 1; param && i <= count; i++) {
        if (lua_rawgeti(L, index, i) != LUA_TSTRING) luaL_argerror(L, index, "list of strings expected");
        if (!add_host(L, param, domains)) return NULL;
        lua_pop(L, 1);
    }
    return param;
}

bool sci_copy_hosts(X509_VERIFY_PARAM *to, X509_VERIFY_PARAM *from) {
    const char *host;
    bool copied = X509_VERIFY_PARAM_set1_host(to, NULL, 0) == 1;
    for (int i = 0; copied && (host = X509_VERIFY_PARAM_get0_host(from, i)) != NULL; i++)
        copied = X509_VERIFY_PARAM_add1_host(to, host, 0) == 1;
    return copied;
}
