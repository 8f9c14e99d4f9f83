/* settings.c: SciSslSocket, what one connection is told before its handshake. Document rows S2 and S14. */
#include "sslsocket.h"

#include <ctype.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>

sci_sslsocket *sci_check_before_handshake(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    const char *condition = NULL;
    if (socket->in_callback) condition = "in_callback";
    else if (sci_ssl_is_closed(socket)) condition = "closed";
    else if (!socket->ssl) condition = "not_initialized";
    else if (socket->role != SCI_NO_ROLE && socket->station != SCI_AT_CLIENT_HELLO) condition = "handshake_under_way";
    if (!condition) return socket;
    sci_fail_own(L, "option", condition, NULL);
    return NULL;
}

/***
Sets how this connection checks the peer's certificate, in place of what the context said.
@function SciSslSocket:sslSetVerify
@tparam integer flags as `SciSslContext:setVerify`
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `verify_flags` (row S14), `not_initialized`, `handshake_under_way` or `closed`
@see SSL_set_verify(3)
*/
static int sslsocket_set_verify(lua_State *L) {
    int flags;
    if (!sci_check_verify_flags(L, 2, &flags)) return 2;
    const sci_sslsocket *socket = sci_check_before_handshake(L);
    if (!socket) return 2;
    SSL_set_verify(socket->ssl, flags, NULL);
    return sci_answer_receiver(L);
}

static bool is_address(const char *text) {
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

static bool is_host_byte(unsigned char byte) { return isgraph(byte) && byte < 0x80 && !strchr("/\\@\"", byte); }

/* A host name as DNS and certificates know it: 1 to 253 bytes of ASCII without a trailing dot, labels to 63. */
static const char *check_host_name(const char *name, size_t length) {
    size_t label = 0;
    if (length == 0) return "the name is empty";
    if (memchr(name, 0, length)) return "the name holds a NUL byte";
    if (length > 253) return "the name is longer than 253 bytes";
    for (size_t i = 0; i < length; i++) {
        if (!is_host_byte((unsigned char)name[i]))
            return "the name holds a byte that no host name has (IDN: use A-labels)";
        label = name[i] == '.' ? 0 : label + 1;
        if (name[i] == '.' && (i == 0 || name[i - 1] == '.')) return "the name has an empty label";
        if (label > 63) return "the name has a label longer than 63 bytes";
    }
    return label == 0 ? "the name has an empty label" : NULL;
}

bool sci_read_host_name(lua_State *L, char name[SCI_HOST_SIZE]) {
    size_t length;
    const char *text = luaL_checklstring(L, 2, &length);
    size_t used = length > 1 && text[length - 1] == '.' ? length - 1 : length;
    const char *message = check_host_name(text, used);
    if (message) {
        sci_fail_own(L, "option", "bad_host_name", message);
        return false;
    }
    memcpy(name, text, used);
    name[used] = 0;
    return true;
}

/***
Sets the name that the client asks the server for (SNI). An IP address is taken, and sent to nobody: RFC 6066 leaves
addresses out.
@function SciSslSocket:sslSetServerName
@tparam string name
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `bad_host_name`, `not_initialized`, `handshake_under_way` or `closed`
@see SSL_set_tlsext_host_name(3)
*/
static int sslsocket_set_server_name(lua_State *L) {
    char name[SCI_HOST_SIZE];
    if (!sci_read_host_name(L, name)) return 2;
    const sci_sslsocket *socket = sci_check_before_handshake(L);
    if (!socket) return 2;
    ERR_clear_error();
    if (!SSL_set_tlsext_host_name(socket->ssl, is_address(name) ? NULL : name))
        return sci_fail_openssl(L, "option", "server name");
    return sci_answer_receiver(L);
}

static bool set_verify_host(SSL *ssl, const char *name) {
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (is_address(name))
        return X509_VERIFY_PARAM_set1_host(param, NULL, 0) && X509_VERIFY_PARAM_set1_ip_asc(param, name);
    return X509_VERIFY_PARAM_set1_ip(param, NULL, 0) && X509_VERIFY_PARAM_set1_host(param, name, 0);
}

/***
Sets the host name or IP address that the peer's certificate has to be for. It is checked with the chain, so the flags of
`sslSetVerify` say what a mismatch does.
@function SciSslSocket:sslSetVerifyHost
@tparam string nameOrAddress
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `bad_host_name`, `not_initialized`, `handshake_under_way` or `closed`
@see X509_VERIFY_PARAM_set1_host(3)
@see RFC 6125
*/
static int sslsocket_set_verify_host(lua_State *L) {
    char name[SCI_HOST_SIZE];
    if (!sci_read_host_name(L, name)) return 2;
    const sci_sslsocket *socket = sci_check_before_handshake(L);
    if (!socket) return 2;
    ERR_clear_error();
    if (!set_verify_host(socket->ssl, name)) return sci_fail_openssl(L, "option", "host to verify");
    return sci_answer_receiver(L);
}

/* A server that has looked at the client's hello: OpenSSL asks for the session afterwards. */
static int offer(lua_State *L, sci_sslsocket *socket, SSL_SESSION *session) {
    if (!SSL_SESSION_up_ref(session)) return sci_fail_openssl(L, "option", "session");
    SSL_SESSION_free(socket->offered);
    socket->offered = session;
    return sci_answer_receiver(L);
}

/***
Sets the session that the handshake shall resume. Where the server does not take it, and where this client verifies and
the session was made with a peer that would not pass, a full handshake follows. A server may set it while the handshake
is suspended at the client's hello, where its id is the hello's `sessionId()`. (Row S2)
@function SciSslSocket:setSession
@tparam OSSslSession session
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `not_initialized`, `handshake_under_way` or `closed`
@see SSL_set_session(3)
*/
static int sslsocket_set_session(lua_State *L) {
    SSL_SESSION *session = sci_check_session(L, 2);
    sci_sslsocket *socket = sci_check_before_handshake(L);
    if (!socket) return 2;
    if (socket->station == SCI_AT_CLIENT_HELLO) return offer(L, socket, session);
    ERR_clear_error();
    if (!SSL_set_session(socket->ssl, session)) return sci_fail_openssl(L, "option", "session");
    return sci_answer_receiver(L);
}

static const luaL_Reg settings_methods[] = {
    {"sslSetVerify", sslsocket_set_verify},
    {"sslSetServerName", sslsocket_set_server_name},
    {"sslSetVerifyHost", sslsocket_set_verify_host},
    {"setSession", sslsocket_set_session},
    {NULL, NULL},
};

void sci_open_settings(lua_State *L) { luaL_setfuncs(L, settings_methods, 0); }
