/* resumption_check.c: SciSslSocket, whether a session may still be resumed. OpenSSL keeps the verification result of the
 * handshake that made the session. A certificate that was revoked or has expired since, or whose CA is no longer trusted, must
 * not pass that way. */
#include "connection/connection.h"

void sci_ssl_take_session_chain(lua_State *L, sci_sslsocket *socket, int index) {
    sci_copy_session_chain(L, index, &socket->resumption.chain);
}

void sci_ssl_drop_session_chain(sci_sslsocket *socket) { sci_free_chain(&socket->resumption.chain); }

static X509_STORE *trust_of(const SSL *ssl) {
    X509_STORE *store = NULL;
    (void)SSL_get0_verify_cert_store((SSL *)ssl, &store);
    return store ? store : SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl));
}

/* OpenSSL gives these flags the same values as those of verification. */
static unsigned long suite_b_flags(const SSL *ssl) {
    return (unsigned long)SSL_set_cert_flags((SSL *)ssl, 0) & SSL_CERT_FLAG_SUITEB_128_LOS;
}

static bool prepare(X509_STORE_CTX *check, const SSL *ssl) {
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(check);
    X509_VERIFY_PARAM_set_auth_level(param, SSL_get_security_level(ssl));
    X509_STORE_CTX_set_flags(check, suite_b_flags(ssl));
    return X509_STORE_CTX_set_default(check, SSL_is_server(ssl) ? "ssl_client" : "ssl_server") &&
           X509_VERIFY_PARAM_set1(param, SSL_get0_param((SSL *)ssl));
}

typedef bool verifier(sci_context *context, X509_STORE_CTX *check, const sci_chain *session);

/* Returns the X509_V_… result. `known`, where it is not NULL, becomes the chain that was verified. */
static long verify_by(verifier *verify, const SSL *ssl, X509 *peer, STACK_OF(X509) *others, sci_chain *known) {
    long result = X509_V_ERR_UNSPECIFIED;
    const sci_sslsocket *socket = SSL_get_app_data(ssl);
    X509_STORE_CTX *check = X509_STORE_CTX_new_ex(sci_library_context(socket->context->library), NULL);
    if (!check || !X509_STORE_CTX_init(check, trust_of(ssl), peer, others) || !prepare(check, ssl)) goto done;
    bool good = verify(socket->context, check, known);
    result = X509_STORE_CTX_get_error(check);
    if (!good && result == X509_V_OK) result = X509_V_ERR_UNSPECIFIED;
    if (known && result == X509_V_OK) {
        sci_free_chain(known);
        known->certificates = X509_STORE_CTX_get1_chain(check);
        known->proven = known->certificates != NULL;
    }
done:
    X509_STORE_CTX_free(check);
    return result;
}

/* Verifies the peer's certificate with the others that it sent, as OpenSSL does in a full handshake. */
static long verify_again(const SSL *ssl, X509 *peer, STACK_OF(X509) *others, sci_chain *known) {
    const sci_sslsocket *socket = SSL_get_app_data(ssl);
    if (socket->pins.count > 0) return sci_ssl_verify_pin(socket, (SSL *)ssl, peer, NULL);
    if (verify_by(sci_context_knows_peer, ssl, peer, others, known) == X509_V_OK) return X509_V_OK;
    return verify_by(sci_context_verify_peer, ssl, peer, others, known);
}

/* A raw public key passes by its pin alone. */
static long verify_raw_key(const SSL *ssl, const EVP_PKEY *raw) {
    const sci_sslsocket *socket = SSL_get_app_data(ssl);
    return socket->pins.count > 0 ? sci_ssl_verify_pin(socket, (SSL *)ssl, NULL, raw) : X509_V_ERR_CERT_REJECTED;
}

/* The result that a server gets now for the client of a session. */
static long verify_client(const SSL *ssl, const SSL_SESSION *session, STACK_OF(X509) *chain) {
    int mode = SSL_get_verify_mode(ssl);
    X509 *peer = SSL_SESSION_get0_peer((SSL_SESSION *)session);
    const EVP_PKEY *raw = sci_ssl_session_raw_key((SSL_SESSION *)session);
    if (!(mode & SSL_VERIFY_PEER)) return X509_V_OK;
    if (!peer && raw) return verify_raw_key(ssl, raw);
    if (!peer) return mode & SSL_VERIFY_FAIL_IF_NO_PEER_CERT ? X509_V_ERR_CERT_REJECTED : X509_V_OK;
    return verify_again(ssl, peer, chain, NULL);
}

static bool offers(const SSL *ssl, const SSL_CIPHER *cipher) {
    const STACK_OF(SSL_CIPHER) *ciphers = SSL_get_ciphers(ssl);
    for (int i = 0; cipher && i < sk_SSL_CIPHER_num(ciphers); i++)
        if (SSL_CIPHER_get_id(sk_SSL_CIPHER_value(ciphers, i)) == SSL_CIPHER_get_id(cipher)) return true;
    return false;
}

/* A session without a certificate was made with an anonymous cipher suite, or with a pre-shared key. */
static bool may_lack_certificate(const sci_sslsocket *socket, const SSL_SESSION *session) {
    const SSL_CIPHER *cipher = SSL_SESSION_get0_cipher(session);
    bool anonymous = cipher && SSL_CIPHER_get_auth_nid(cipher) == NID_auth_null;
    return anonymous ? offers(socket->ssl, cipher) : socket->psk.client;
}

/* A session that was loaded from PEM or DER does not have the certificates that the peer sent. */
static long verify_server(sci_sslsocket *socket, X509 *peer) {
    STACK_OF(X509) *sent = SSL_get_peer_cert_chain(socket->ssl);
    return verify_again(socket->ssl, peer, sent ? sent : socket->resumption.chain.certificates,
                        &socket->resumption.chain);
}

/* Such a connection makes checks without which an earlier session may have been made. */
static bool needs_full_handshake(const sci_sslsocket *socket) {
    return socket->dane.enabled || socket->ocsp.policy == SCI_OCSP_REQUIRE;
}

bool sci_ssl_may_offer_session(sci_sslsocket *socket) {
    if (needs_full_handshake(socket)) return false;
    SSL_SESSION *session = SSL_get_session(socket->ssl);
    if (!session || !(SSL_get_verify_mode(socket->ssl) & SSL_VERIFY_PEER)) return true;
    if (SSL_get_verify_result(socket->ssl) != X509_V_OK) return false;
    X509 *peer = SSL_SESSION_get0_peer(session);
    const EVP_PKEY *raw = sci_ssl_session_raw_key(session);
    if (!peer && raw) return verify_raw_key(socket->ssl, raw) == X509_V_OK;
    if (!peer) return may_lack_certificate(socket, session);
    if (sci_ssl_needs_staple(socket, peer)) return false; /* only a full handshake brings a response */
    ERR_set_mark();
    bool may = verify_server(socket, peer) == X509_V_OK;
    ERR_pop_to_mark();
    return may;
}

bool sci_ssl_may_resume(const SSL *ssl, const SSL_SESSION *session) {
    ERR_set_mark();
    bool may = verify_client(ssl, session, NULL) == X509_V_OK;
    ERR_pop_to_mark();
    return may;
}

/* OpenSSL calls nothing for sessions in its own cache. They are verified when the handshake is done. */
long sci_ssl_verify_resumed(const SSL *ssl) {
    if (!SSL_is_server(ssl) || !SSL_session_reused(ssl)) return X509_V_OK;
    ERR_set_mark();
    long result = verify_client(ssl, SSL_get_session(ssl), SSL_get_peer_cert_chain(ssl));
    ERR_pop_to_mark();
    return result;
}
