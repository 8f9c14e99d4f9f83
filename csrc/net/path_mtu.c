/* path_mtu.c: how long a datagram may be on the path to the peer, as the system knows it. Linux, and what has its options, tells
 * it for a connected socket; elsewhere it is unknown. */
#include "net/socket.h"

#include <netinet/in.h>

#define UDP_HEADER 8
#define IPV4_HEADER 20
#define IPV6_HEADER 40

static int read_option(int descriptor, int level, int name) {
    int value = 0;
    socklen_t size = sizeof value;
    return getsockopt(descriptor, level, name, &value, &size) == 0 ? value : 0;
}

static bool is_ipv6(int descriptor) {
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    return getsockname(descriptor, (struct sockaddr *)&address, &length) == 0 && address.ss_family == AF_INET6;
}

long sci_socket_path_mtu(const sci_socket *socket) {
    int descriptor = sci_socket_descriptor(socket), mtu = 0, headers = UDP_HEADER + IPV4_HEADER;
    if (descriptor < 0 || !sci_socket_is_datagram(socket)) return 0;
    if (is_ipv6(descriptor)) {
        headers = UDP_HEADER + IPV6_HEADER;
#ifdef IPV6_MTU
        mtu = read_option(descriptor, IPPROTO_IPV6, IPV6_MTU);
#endif
    } else {
#ifdef IP_MTU
        mtu = read_option(descriptor, IPPROTO_IP, IP_MTU);
#endif
    }
    return mtu > headers ? mtu - headers : 0;
}

bool sci_socket_forbid_fragments(const sci_socket *socket) {
    int descriptor = sci_socket_descriptor(socket), level = 0, name = -1, value = 1;
    bool ipv6 = is_ipv6(descriptor);
    (void)ipv6; /* a system may have neither */
#if defined(IP_MTU_DISCOVER) && defined(IPV6_MTU_DISCOVER)
    level = ipv6 ? IPPROTO_IPV6 : IPPROTO_IP;
    name = ipv6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER;
    value = ipv6 ? IPV6_PMTUDISC_DO : IP_PMTUDISC_DO;
#elif defined(IP_DONTFRAG) && defined(IPV6_DONTFRAG)
    level = ipv6 ? IPPROTO_IPV6 : IPPROTO_IP;
    name = ipv6 ? IPV6_DONTFRAG : IP_DONTFRAG;
#endif
    if (name < 0) return false;
    return setsockopt(descriptor, level, name, &value, sizeof value) == 0;
}

/***
Returns how many bytes a datagram may have on the path to the peer that the socket is connected with, without the headers of IP
and UDP, as the system knows it now. The system learns it from the routers on the path.
@function SciSocket:pathMtu
@treturn ?integer nil: the system does not know it: the socket is not connected, or is none for datagrams of IP, or the system is
 not Linux
@see ip(7)
*/
static int socket_path_mtu(lua_State *L) {
    long mtu = sci_socket_path_mtu(sci_socket_base(sci_check_socket(L, 1)));
    if (mtu > 0) lua_pushinteger(L, mtu);
    else lua_pushnil(L);
    return 1;
}

static const luaL_Reg path_methods[] = {{"pathMtu", socket_path_mtu}, {NULL, NULL}};

void sci_open_path_mtu(lua_State *L) { luaL_setfuncs(L, path_methods, 0); }
