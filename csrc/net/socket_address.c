/* socket_address.c: SciSocket: resolving hosts, and the addresses of both ends. */
#include "net/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

/* ---- resolving -------------------------------------------------------------------------------------------------- */

void sci_explain_resolver(sci_failure *failure, const char *host, int code, int system_errno) {
    *failure = (sci_failure){.phase = "resolve", .subject = host, .message = gai_strerror(code)};
    switch (code) {
        case EAI_AGAIN: failure->condition = "resolver_unavailable"; break;
        case EAI_SERVICE: failure->condition = "service_unknown"; break;
        case EAI_MEMORY: failure->condition = "memory_full"; break;
        case EAI_FAIL: failure->condition = "resolver_failed"; break;
        case EAI_SYSTEM:
            failure->message = NULL;
            failure->ssl_error = SSL_ERROR_SYSCALL;
            failure->system_errno = system_errno;
            break;
        default: failure->condition = "host_not_found"; /* no such name, or no address of that family */
    }
}

/* NULL: `failure` says why. The caller frees the list. Has no time-out but the system resolver's. */
static struct addrinfo *resolve(const char *host, const char *service, const struct addrinfo *hints,
                                sci_failure *failure) {
    struct addrinfo *list = NULL;
    int code = getaddrinfo(host, service, hints, &list);
    if (code == 0) return list;
    sci_explain_resolver(failure, host, code, errno);
    return NULL;
}

/* Whether there is a number at `index`. False: a text, which may be the name of a service. */
static bool check_number(lua_State *L, int index, uint16_t *port) {
    int is_integer;
    lua_Integer number = lua_tointegerx(L, index, &is_integer);
    if (!is_integer && lua_type(L, index) == LUA_TSTRING) return false;
    if (!is_integer) number = luaL_checkinteger(L, index);
    luaL_argcheck(L, number >= 0 && number <= 65535, index, "port from 0 to 65535 expected");
    *port = (uint16_t)number;
    return true;
}

const char *sci_check_port(lua_State *L, int index, char digits[SCI_PORT_DIGITS]) {
    uint16_t port;
    if (!check_number(L, index, &port)) return sci_check_text(L, index);
    (void)snprintf(digits, SCI_PORT_DIGITS, "%u", (unsigned)port);
    return digits;
}

static void free_list(void *list) { freeaddrinfo(list); }

static sci_address address_of(const struct addrinfo *entry) {
    sci_address address = {.length = entry->ai_addrlen};
    memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
    return address;
}

static void push_entry(lua_State *L, const struct addrinfo *entry) {
    sci_address address = address_of(entry);
    sci_address_text text;
    sci_spell_address(&address, &text);
    lua_createtable(L, 0, 3);
    sci_set_text(L, "address", text.host);
    (void)lua_stringtonumber(L, text.port);
    lua_setfield(L, -2, "port");
    sci_set_text(L, "family", entry->ai_family == AF_INET6 ? "inet6" : "inet");
}

int sci_push_addresses(lua_State *L, const struct addrinfo *entry) {
    lua_newtable(L);
    for (int count = 1; entry; entry = entry->ai_next) {
        push_entry(L, entry);
        lua_rawseti(L, -2, count++);
    }
    return 1;
}

int sci_check_family(lua_State *L, int index) {
    static const char *const families[] = {"any", "inet", "inet6", NULL};
    static const int domains[] = {AF_UNSPEC, AF_INET, AF_INET6};
    return domains[luaL_checkoption(L, index, "any", families)];
}

/***
Finds the addresses of a host, best first. Waits for the system's resolver, which has time-outs of its own; a SciLookUp does
not wait.
@function SciSocket.resolve
@tparam string host a name, or an address
@param port an integer from 0 to 65535, or the name of a service
@tparam[opt] string family `inet` or `inet6`; both by default
@treturn[1] {table,...} each with `address` (string), `port` (integer) and `family`: what `connect` takes
@treturn[2] nil
@treturn[2] SciSslError phase `resolve`: `host_not_found`, `service_unknown`, `resolver_unavailable` …
@see getaddrinfo(3)
*/
static int socket_resolve(lua_State *L) {
    const char *host = sci_check_text(L, 1);
    char digits[SCI_PORT_DIGITS];
    const char *service = sci_check_port(L, 2, digits);
    struct addrinfo hints = {.ai_family = sci_check_family(L, 3), .ai_socktype = SOCK_STREAM};
    sci_failure failure;
    sci_guard *guard = sci_new_guard(L, free_list);
    const struct addrinfo *entry = guard->object = resolve(host, service, &hints, &failure);
    if (!entry) return sci_socket_fail(L, &failure);
    return sci_push_addresses(L, entry);
}

/* AF_UNSPEC: the text is no address. Only the resolver knows zones, and addresses such as 127.1; it takes ten times as long. */
static int family_of(const char *text) {
    struct addrinfo *list = NULL;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    struct in6_addr address;
    if (inet_pton(AF_INET, text, &address) == 1) return AF_INET;
    if (inet_pton(AF_INET6, text, &address) == 1) return AF_INET6;
    if (getaddrinfo(text, NULL, &hints, &list) != 0) return AF_UNSPEC;
    int family = list->ai_family;
    freeaddrinfo(list);
    return family;
}

/***
Tells whether a text is an IP address, which needs no look-up.
@function SciSocket.addressFamily
@tparam string text
@treturn ?string `inet` or `inet6`; nil: it is none
*/
static int socket_address_family(lua_State *L) {
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length);
    int family = strlen(text) == length ? family_of(text) : AF_UNSPEC;
    if (family == AF_UNSPEC) lua_pushnil(L);
    else lua_pushstring(L, family == AF_INET6 ? "inet6" : "inet");
    return 1;
}

/* ---- the address that connect and bind are given ---------------------------------------------------------------- */

static bool find_path(const char *path, sci_address *address, sci_failure *failure) {
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    failure->subject = path;
    failure->ssl_error = SSL_ERROR_SYSCALL;
    failure->system_errno = length == 0 ? ENOENT : ENAMETOOLONG;
    if (length == 0 || length >= sizeof local.sun_path) return false;
    memcpy(local.sun_path, path, length);
    memcpy(&address->storage, &local, sizeof local);
    address->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
    return true;
}

static int find_family(const sci_socket *base) {
    sci_address own;
    if (base->family) return base->family;
    return sci_get_address(base->fd, false, &own) ? own.storage.ss_family : AF_INET;
}

/* An address in its usual form, without a zone. getaddrinfo would take ten times as long. False: `host` is none of this family. */
static bool read_address(const char *host, int family, uint16_t port, sci_address *address) {
    struct sockaddr_in inet = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 inet6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
#ifdef SIN6_LEN /* macOS and the BSDs have the length in the address, too: some getnameinfo take no other */
    inet.sin_len = sizeof inet;
    inet6.sin6_len = sizeof inet6;
#endif
    if (family == AF_INET && inet_pton(AF_INET, host, &inet.sin_addr) == 1) {
        memcpy(&address->storage, &inet, sizeof inet);
        address->length = sizeof inet;
        return true;
    }
    if (family != AF_INET6 || strchr(host, '%') || inet_pton(AF_INET6, host, &inet6.sin6_addr) != 1) return false;
    memcpy(&address->storage, &inet6, sizeof inet6);
    address->length = sizeof inet6;
    return true;
}

bool sci_find_address(lua_State *L, const sci_socket *base, bool passive, sci_address *address, sci_failure *failure) {
    const char *host = sci_check_text(L, 2);
    char digits[SCI_PORT_DIGITS];
    int family = find_family(base);
    if (family == AF_UNIX) return find_path(host, address, failure);
    uint16_t port;
    if (check_number(L, 3, &port) && read_address(host, family, port, address)) return true;
    const char *service = sci_check_port(L, 3, digits);
    struct addrinfo hints = {.ai_family = family, .ai_socktype = base->datagram ? SOCK_DGRAM : SOCK_STREAM};
    if (passive) hints.ai_flags = AI_PASSIVE;
    struct addrinfo *list = resolve(passive && strcmp(host, "*") == 0 ? NULL : host, service, &hints, failure);
    if (!list) return false;
    *address = address_of(list);
    freeaddrinfo(list);
    return true;
}

/* ---- the addresses of both ends ---------------------------------------------------------------------------------- */

static int push_address(lua_State *L, bool peer) {
    const sci_socket *base = sci_socket_base(sci_check_socket(L, 1));
    sci_address address;
    sci_address_text text;
    if (base->fd < 0) return sci_socket_fail_closed(L, "address");
    if (!sci_get_address(base->fd, peer, &address)) return sci_socket_fail_system(L, "address", base->peer, errno);
    sci_spell_address(&address, &text);
    lua_pushlstring(L, text.host, text.length);
    (void)lua_stringtonumber(L, text.port);
    return 2;
}

void sci_socket_describe_peer(sci_socket *socket, char text[SCI_PEER]) {
    const sci_socket *base = sci_socket_base(socket);
    sci_address address;
    (void)OPENSSL_strlcpy(text, base->peer, SCI_PEER);
    if (!*text && base->fd >= 0 && sci_get_address(base->fd, true, &address)) sci_describe_address(&address, text);
}

/***
Returns the address of the other end as one text, for logs and messages: also while connecting, and after `close`.
@function SciSocket:peerAddress
@treturn ?string such as `127.0.0.1:443`, `[::1]:443` or a path; nil where the socket has no peer with an address
*/
static int socket_peer_address(lua_State *L) {
    char text[SCI_PEER];
    sci_socket_describe_peer(sci_check_socket(L, 1), text);
    if (*text) lua_pushstring(L, text);
    else lua_pushnil(L);
    return 1;
}

/***
Returns the address of the other end.
@function SciSocket:getPeerName
@treturn[1] string address; of a Unix-domain socket its path, empty where it has none
@treturn[1] integer port; 0 for a Unix-domain socket
@treturn[2] nil
@treturn[2] SciSslError phase `address`: `not_connected`, `closed`
@see getpeername(2)
*/
static int socket_get_peer_name(lua_State *L) { return push_address(L, true); }

/***
Returns the socket's own address.
@function SciSocket:getSockName
@treturn[1] string address; of a Unix-domain socket its path, empty where it has none
@treturn[1] integer port; 0 for a Unix-domain socket
@treturn[2] nil
@treturn[2] SciSslError phase `address`: `closed`
@see getsockname(2)
*/
static int socket_get_sock_name(lua_State *L) { return push_address(L, false); }

static const luaL_Reg address_functions[] = {
    {"resolve", socket_resolve},
    {"addressFamily", socket_address_family},
    {NULL, NULL},
};

static const luaL_Reg address_methods[] = {
    {"getPeerName", socket_get_peer_name},
    {"peerAddress", socket_peer_address},
    {"getSockName", socket_get_sock_name},
    {NULL, NULL},
};

void sci_open_socket_address(lua_State *L) {
    luaL_setfuncs(L, address_functions, 0);
    luaL_setfuncs(L, address_methods, 0);
}
