/* anonymous_cipher.c: SciSslSocket, cipher suites without a certificate of the server. OpenSSL verifies nothing there, whatever
 * the verification flags are. Document: S15. */
#include "connection/connection.h"

static bool is_anonymous(const SSL_CIPHER *cipher) { return SSL_CIPHER_get_auth_nid(cipher) == NID_auth_null; }

static bool has_anonymous(const SSL *ssl) {
    const STACK_OF(SSL_CIPHER) *ciphers = SSL_get_ciphers(ssl);
    for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++)
        if (is_anonymous(sk_SSL_CIPHER_value(ciphers, i))) return true;
    return false;
}

/* Writes the names of all other cipher suites as a cipher list. It does not apply to those of TLS 1.3, which stay. */
static bool print_others(BIO *bio, const SSL *ssl) {
    const STACK_OF(SSL_CIPHER) *ciphers = SSL_get_ciphers(ssl);
    bool printed = true;
    for (int i = 0; printed && i < sk_SSL_CIPHER_num(ciphers); i++) {
        const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(ciphers, i);
        if (!is_anonymous(cipher)) printed = BIO_printf(bio, "%s:", SSL_CIPHER_get_name(cipher)) > 0;
    }
    return printed && BIO_write(bio, "", 1) == 1;
}

/* OpenSSL reports a list without a suite of TLS 1.2 as empty, but uses it. So look at the result. */
static bool drop_anonymous(SSL *ssl) {
    char *names = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    bool dropped = bio && print_others(bio, ssl) && BIO_get_mem_data(bio, &names) > 0;
    if (dropped) (void)SSL_set_cipher_list(ssl, names);
    BIO_free(bio);
    return dropped && !has_anonymous(ssl);
}

/* Security levels above 0 exclude anonymous suites in any case. */
bool sci_ssl_exclude_anonymous(SSL *ssl) {
    if (SSL_get_security_level(ssl) > 0 || !has_anonymous(ssl)) return true;
    ERR_set_mark();
    bool dropped = drop_anonymous(ssl);
    ERR_pop_to_mark();
    return dropped;
}

static bool is_before_tls13(const SSL_CIPHER *cipher) { return SSL_CIPHER_get_auth_nid(cipher) != NID_auth_any; }

static bool has_choice(SSL *ssl) {
    const STACK_OF(SSL_CIPHER) *ciphers = SSL_get_ciphers(ssl);
    long highest = SSL_get_max_proto_version(ssl);
    bool tls13 = !SSL_is_dtls(ssl) && (highest == 0 || highest >= TLS1_3_VERSION);
    for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++)
        if (tls13 || is_before_tls13(sk_SSL_CIPHER_value(ciphers, i))) return true;
    return false;
}

/***
Rejects a server without a certificate: a client does not offer the anonymous cipher suites of its cipher list. Otherwise a
server that chooses one of them passes, whatever the flags of `sslSetVerify` are. A server that has the pre-shared key still
needs no certificate. A server itself excludes anonymous cipher suites where `sslSetVerify` has
`SSL_VERIFY_FAIL_IF_NO_PEER_CERT`.
@function SciSslSocket:sslRequireCertificate
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `anonymous_ciphers`: the list has no other suites; `not_initialized`, `handshake_under_way` or
 `closed`
@see SSL_CIPHER_get_auth_nid(3)
*/
static int sslsocket_require_certificate(lua_State *L) {
    const sci_sslsocket *socket = sci_check_before_handshake(L);
    if (!socket) return 2;
    sci_clear_errors();
    if (!sci_ssl_exclude_anonymous(socket->ssl)) return sci_fail_own(L, "option", "memory_full", NULL);
    if (!has_choice(socket->ssl)) return sci_fail_own(L, "option", "anonymous_ciphers", NULL);
    return sci_return_receiver(L);
}

static const luaL_Reg anonymous_methods[] = {{"sslRequireCertificate", sslsocket_require_certificate}, {NULL, NULL}};

void sci_open_anonymous_cipher(lua_State *L) { luaL_setfuncs(L, anonymous_methods, 0); }
