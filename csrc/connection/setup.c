/* setup.c: SciSslSocket, settings about the peer before the handshake: verification flags, server name, hosts to verify.
 * Document: S14. */
#include "connection/connection.h"

/***
Sets how this connection verifies the peer's certificate, in place of the flags of the context.
@function SciSslSocket:sslSetVerify
@tparam integer flags as `SciSslContext:setVerify`
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `verify_flags`, `not_initialized`, `handshake_under_way` or `closed`
@see SSL_set_verify(3)
*/
static int sslsocket_set_verify(lua_State *L) {
    int flags;
    if (!sci_check_verify_flags(L, 2, &flags)) return 2;
    const sci_sslsocket *socket = sci_check_before_handshake(L);
    if (!socket) return 2;
    SSL_set_verify(socket->ssl, flags, NULL);
    return sci_return_receiver(L);
}

/***
Sets how long the message with the peer's certificates may be, in place of the length of the context.
@function SciSslSocket:sslSetMaxCertList
@tparam integer bytes as `SciSslContext:setMaxCertList`
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `not_initialized`, `handshake_under_way` or `closed`
@see SSL_set_max_cert_list(3)
*/
static int sslsocket_set_max_cert_list(lua_State *L) {
    long bytes = sci_check_max_cert_list(L, 2);
    const sci_sslsocket *socket = sci_check_before_handshake(L);
    if (!socket) return 2;
    (void)SSL_set_max_cert_list(socket->ssl, bytes); /* returns the old one */
    return sci_return_receiver(L);
}

/***
Sets the server name that a client sends (SNI). An IP address is accepted but not sent, as RFC 6066 demands.
@function SciSslSocket:sslSetServerName
@tparam string name as `sslSetVerifyHost`
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `bad_host_name`, `not_initialized`, `handshake_under_way` or `closed`
@see SSL_set_tlsext_host_name(3)
*/
static int sslsocket_set_server_name(lua_State *L) {
    char name[SCI_HOST_SIZE];
    if (!sci_read_host_name(L, 2, name)) return 2;
    const sci_sslsocket *socket = sci_check_before_handshake(L);
    if (!socket) return 2;
    sci_clear_errors();
    if (!SSL_set_tlsext_host_name(socket->ssl, sci_is_address(name) ? NULL : name))
        return sci_fail_openssl(L, "option", "server name");
    return sci_return_receiver(L);
}

/* OpenSSL drops the old host before it has memory for the new one: the connection must not go on without a host. */
static int give_up(lua_State *L, sci_sslsocket *socket, const char *subject) {
    sci_ssl_set_failed(L, socket, false);
    return sci_fail(L, &(sci_failure){.phase = "option",
                                      .condition = "memory_full",
                                      .message = "out of memory while it was set: the connection cannot be used",
                                      .subject = subject});
}

static bool set_verify_host(SSL *ssl, const char *name) {
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    if (sci_is_address(name))
        return X509_VERIFY_PARAM_set1_host(param, NULL, 0) && X509_VERIFY_PARAM_set1_ip_asc(param, name);
    return X509_VERIFY_PARAM_set1_ip(param, NULL, 0) && X509_VERIFY_PARAM_set1_host(param, name, 0);
}

/***
Sets the host name or IP address that the peer's certificate must match. In a certificate without DNS names the common name of
the subject counts, unless the flag `never_check_subject` is set. The host is verified together with the chain, so the flags of
`sslSetVerify` decide what a mismatch does.
@function SciSslSocket:sslSetVerifyHost
@tparam string nameOrAddress brackets around an address, its zone, and a dot at the end of a name are ignored: `"[::1]"`,
 `"fe80::1%eth0"`, `"example.com."`
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `bad_host_name`, `not_initialized`, `handshake_under_way` or `closed`
@see X509_VERIFY_PARAM_set1_host(3)
@see RFC 6125
*/
static int sslsocket_set_verify_host(lua_State *L) {
    char name[SCI_HOST_SIZE];
    if (!sci_read_host_name(L, 2, name)) return 2;
    sci_sslsocket *socket = sci_check_before_handshake(L);
    if (!socket) return 2;
    sci_clear_errors();
    if (!set_verify_host(socket->ssl, name)) return give_up(L, socket, "host to verify");
    return sci_return_receiver(L);
}

static bool set_verify_hosts(SSL *ssl, X509_VERIFY_PARAM *hosts) {
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    return X509_VERIFY_PARAM_set1_ip(param, NULL, 0) && sci_copy_hosts(param, hosts);
}

/***
Sets host names, of which the peer's certificate must match one, in place of those of `sslSetVerifyHost` or the context. With
an empty list every name is accepted.
@function SciSslSocket:sslSetVerifyHosts
@tparam {string,...} names
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `bad_host_name` (also for an address: `sslSetVerifyHost` takes one), `not_initialized`,
 `handshake_under_way` or `closed`
@see X509_VERIFY_PARAM_add1_host(3)
@see SciSslContext:setVerifyHostFlags
*/
static int sslsocket_set_verify_hosts(lua_State *L) {
    X509_VERIFY_PARAM *hosts = sci_read_hosts(L, 2, false);
    if (!hosts) return 2;
    sci_sslsocket *socket = sci_check_before_handshake(L);
    if (!socket) return 2;
    sci_clear_errors();
    if (!set_verify_hosts(socket->ssl, hosts)) return give_up(L, socket, "hosts to verify");
    return sci_return_receiver(L);
}

/***
Sets how this connection compares host names, in place of the flags of the context.
@function SciSslSocket:sslSetVerifyHostFlags
@tparam integer|string|{string,...} flags as `SciSslContext:setVerifyHostFlags`
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `unknown_flag`, `not_initialized`, `handshake_under_way` or `closed`
@see X509_VERIFY_PARAM_set_hostflags(3)
*/
static int sslsocket_set_verify_host_flags(lua_State *L) {
    uint64_t flags;
    sci_check_sslsocket(L, 1);
    if (!sci_read_flags(L, 2, "X509_CHECK_FLAG_", &flags)) return 2;
    const sci_sslsocket *socket = sci_check_before_handshake(L);
    if (!socket) return 2;
    X509_VERIFY_PARAM_set_hostflags(SSL_get0_param(socket->ssl), (unsigned int)flags);
    return sci_return_receiver(L);
}

static const luaL_Reg setup_methods[] = {
    {"sslSetVerify", sslsocket_set_verify},
    {"sslSetMaxCertList", sslsocket_set_max_cert_list},
    {"sslSetServerName", sslsocket_set_server_name},
    {"sslSetVerifyHost", sslsocket_set_verify_host},
    {"sslSetVerifyHosts", sslsocket_set_verify_hosts},
    {"sslSetVerifyHostFlags", sslsocket_set_verify_host_flags},
    {NULL, NULL},
};

void sci_open_setup(lua_State *L) { sci_ssl_add_methods(L, setup_methods); }
