/* context_certificate.c: SciSslContext, its own certificate, chain and key. */
#include "context/context.h"

/* ---- certificates ------------------------------------------------------------------------------------------------ */

/* OpenSSL drops a key that does not belong to a new certificate. That is right where both are being replaced. Where the key was
 * set first and its certificate is still missing, the caller has mixed up two pairs. */
static bool fits_waiting_key(SSL_CTX *ctx, X509 *certificate) {
    EVP_PKEY *waiting = SSL_CTX_get0_certificate(ctx) ? NULL : SSL_CTX_get0_privatekey(ctx);
    return !waiting || X509_check_private_key(certificate, waiting);
}

static bool use_leaf(SSL_CTX *ctx, X509 *certificate) {
    return fits_waiting_key(ctx, certificate) && SSL_CTX_use_certificate(ctx, certificate) == 1 &&
           SSL_CTX_clear_chain_certs(ctx);
}

/* Tries the intermediate certificates on a connection that is made for this: the security level may reject one of them after
 * our own certificate has been set. */
static bool allows_intermediates(SSL_CTX *ctx, const STACK_OF(X509) *chain) {
    SSL *probe = SSL_new(ctx);
    bool allowed = probe != NULL;
    for (int i = 1; allowed && i < sk_X509_num(chain); i++)
        allowed = SSL_add1_chain_cert(probe, sk_X509_value(chain, i)) != 0;
    SSL_free(probe);
    return allowed;
}

static STACK_OF(X509) *copy_intermediates(STACK_OF(X509) *chain) {
    STACK_OF(X509) *intermediates = X509_chain_up_ref(chain);
    if (intermediates) X509_free(sk_X509_shift(intermediates));
    return intermediates;
}

/* The first is our own, the others lead to the root. What needs memory comes before the first change. An empty
 * chain would not be the same as none. */
static bool use_chain(SSL_CTX *ctx, STACK_OF(X509) *chain) {
    STACK_OF(X509) *intermediates = copy_intermediates(chain);
    bool used = intermediates && allows_intermediates(ctx, chain) && use_leaf(ctx, sk_X509_value(chain, 0));
    bool given = used && sk_X509_num(intermediates) > 0 && SSL_CTX_set0_chain(ctx, intermediates);
    if (!given) sk_X509_pop_free(intermediates, X509_free);
    return used;
}

static bool use_pem(SSL_CTX *ctx, BIO *bio, bool whole_chain, sci_failure *failure) {
    STACK_OF(X509) *chain = sci_read_certificates(bio, failure);
    bool used = chain && (whole_chain ? use_chain(ctx, chain) : use_leaf(ctx, sk_X509_value(chain, 0)));
    sk_X509_pop_free(chain, X509_free);
    return used;
}

static int use_file(lua_State *L, bool whole_chain) {
    const sci_context *context = sci_check_context(L, 1);
    const char *path = sci_check_text(L, 2);
    sci_failure failure = {.phase = "load"};
    sci_clear_errors();
    BIO *bio = sci_open_file(path, &failure);
    bool used = bio && use_pem(context->ctx, bio, whole_chain, &failure);
    BIO_free(bio);
    if (!used) return sci_fail(L, &failure);
    sci_context_compress_again(context);
    return sci_return_receiver(L);
}

/***
Uses the first certificate of a PEM file as the context's own.
@function SciSslContext:useCertificateFile
@tparam string path
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError phase `load`, condition `file_missing`, `file_directory`, `file_unreadable`, `file_empty`,
 `not_pem`, `not_certificate`, `malformed_certificate`, `key_mismatch` or `security_level`
@see SSL_CTX_use_certificate_file(3)
*/
static int context_use_certificate_file(lua_State *L) { return use_file(L, false); }

/***
Uses the first certificate of a PEM file as the context's own, and sends the others, its intermediate certificates, with it.
@function SciSslContext:useCertificateChainFile
@tparam string path
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError as for `useCertificateFile`
@see SSL_CTX_use_certificate_chain_file(3)
*/
static int context_use_certificate_chain_file(lua_State *L) { return use_file(L, true); }

static bool use_text(SSL_CTX *ctx, const char *text, int length, sci_failure *failure) {
    BIO *bio = BIO_new_mem_buf(text, length);
    bool used = bio && use_pem(ctx, bio, true, failure);
    BIO_free(bio);
    return used;
}

/***
Uses a certificate as the context's own. In PEM text its intermediate certificates may follow; they are sent with it.
@function SciSslContext:useCertificate
@tparam SciSslX509Certificate|string certificate
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError phase `load`, condition `not_pem`, `not_certificate`, `malformed_certificate`, `key_mismatch` or
 `security_level`
@see SSL_CTX_use_certificate(3)
*/
static int context_use_certificate(lua_State *L) {
    const sci_context *context = sci_check_context(L, 1);
    X509 *certificate = sci_test_certificate(L, 2);
    sci_failure failure = {.phase = "load", .subject = "certificate"};
    bool used;
    sci_clear_errors();
    if (certificate) used = use_leaf(context->ctx, certificate);
    else {
        int length;
        const char *text = sci_check_bytes(L, 2, &length);
        used = use_text(context->ctx, text, length, &failure);
    }
    if (!used) return sci_fail(L, &failure);
    sci_context_compress_again(context);
    return sci_return_receiver(L);
}

static void check_chain(lua_State *L) {
    lua_Integer count = sci_check_list(L, 2);
    luaL_argcheck(L, count > 0, 2, "a list with at least the own certificate expected");
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(L, 2, i);
        if (!sci_test_certificate(L, -1)) luaL_argerror(L, 2, "list of open certificates expected");
        lua_pop(L, 1);
    }
}

/***
Uses the first certificate of a list as the context's own, and sends the others, its intermediate certificates, with it.
@function SciSslContext:useCertificateChain
@tparam {SciSslX509Certificate,...} chain
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError phase `load`, condition `key_mismatch` or `security_level`; the context is unchanged
@see SSL_CTX_add1_chain_cert(3)
*/
static int context_use_certificate_chain(lua_State *L) {
    const sci_context *context = sci_check_context(L, 1);
    sci_failure failure = {.phase = "load", .subject = "certificate chain"};
    check_chain(L);
    sci_clear_errors();
    lua_Integer count = (lua_Integer)lua_rawlen(L, 2);
    STACK_OF(X509) *chain = sk_X509_new_null();
    bool used = chain != NULL;
    for (lua_Integer i = 1; used && i <= count; i++) {
        lua_rawgeti(L, 2, i);
        used = sk_X509_push(chain, sci_test_certificate(L, -1)) > 0;
        lua_pop(L, 1);
    }
    used = used && use_chain(context->ctx, chain);
    sk_X509_free(chain); /* the list at 2 holds the certificates */
    if (!used) return sci_fail(L, &failure);
    sci_context_compress_again(context);
    return sci_return_receiver(L);
}

/***
Sends one more intermediate certificate with the certificate that was set last.
@function SciSslContext:addChainCertificate
@tparam SciSslX509Certificate certificate
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError phase `load`, condition `no_certificate`: the context has no certificate yet; or `security_level`
@see SSL_CTX_add1_chain_cert(3)
*/
static int context_add_chain_certificate(lua_State *L) {
    const sci_context *context = sci_check_context(L, 1);
    SSL_CTX *ctx = context->ctx;
    X509 *certificate = sci_check_certificate(L, 2);
    sci_clear_errors();
    if (!SSL_CTX_get0_certificate(ctx)) return sci_fail_own(L, "load", "no_certificate", NULL);
    if (!SSL_CTX_add1_chain_cert(ctx, certificate)) return sci_fail_openssl(L, "load", "certificate chain");
    sci_context_compress_again(context);
    return sci_return_receiver(L);
}

/* ---- keys -------------------------------------------------------------------------------------------------------- */

/* Raises before a file is opened. */
static void check_passphrase(lua_State *L) {
    lua_settop(L, 3);
    sci_check_passphrase(L, 3);
}

/* The passphrase function is Lua, and may have closed the context. */
static bool still_open(const sci_context *context, sci_failure *failure) {
    if (sci_context_is_open(context)) return true;
    failure->condition = "closed";
    failure->message = "the context has been closed";
    return false;
}

/* Takes the key over. */
static bool use_key(const sci_context *context, EVP_PKEY *key, sci_failure *failure) {
    bool used = key && still_open(context, failure) && SSL_CTX_use_PrivateKey(context->ctx, key) == 1;
    EVP_PKEY_free(key);
    return used;
}

/***
Uses the private key of a PEM file.
@function SciSslContext:usePrivateKeyFile
@tparam string path
@tparam[opt] string|function passphrase of an encrypted key; or a function without parameters that returns it
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError phase `load`, condition `file_missing`, `file_directory`, `file_unreadable`, `file_empty`,
 `not_pem`, `not_private_key`, `malformed_key`, `passphrase_missing`, `passphrase_wrong`, `passphrase_function`,
 `passphrase_too_long`, `key_legacy`, `openssh_key`, `key_mismatch`; the context is unchanged
@see SSL_CTX_use_PrivateKey_file(3)
*/
static int context_use_private_key_file(lua_State *L) {
    const sci_context *context = sci_check_context(L, 1);
    const char *path = sci_check_text(L, 2);
    sci_failure failure = {.phase = "load"};
    check_passphrase(L);
    sci_clear_errors();
    BIO *bio = sci_open_file(path, &failure);
    bool used = bio && use_key(context, sci_read_key(L, bio, 3, &failure), &failure);
    BIO_free(bio);
    if (!used) return sci_fail(L, &failure);
    return sci_return_receiver(L);
}

/***
Uses a private key, for the certificate that was set before or is set after it.
@function SciSslContext:usePrivateKey
@tparam SciSslPrivateKey|string key an object, or PEM text
@tparam[opt] string|function passphrase of an encrypted PEM text, as for `usePrivateKeyFile`
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError phase `load`, condition `not_pem`, `not_private_key`, `malformed_key`, `passphrase_missing`,
 `passphrase_wrong`, `passphrase_function`, `passphrase_too_long`, `key_legacy`, `openssh_key`, `key_mismatch`; the context is
 unchanged
@see SSL_CTX_use_PrivateKey(3)
*/
static int context_use_private_key(lua_State *L) {
    const sci_context *context = sci_check_context(L, 1);
    sci_failure failure = {.phase = "load", .subject = "private key"};
    bool used;
    check_passphrase(L);
    if (luaL_testudata(L, 2, SCI_KEY)) {
        EVP_PKEY *key = sci_check_key(L, 2);
        sci_clear_errors();
        used = SSL_CTX_use_PrivateKey(context->ctx, key) == 1;
    } else {
        int length;
        const char *text = sci_check_bytes(L, 2, &length);
        sci_clear_errors();
        used = use_key(context, sci_read_key_text(L, text, length, 3, &failure), &failure);
    }
    if (!used) return sci_fail(L, &failure);
    return sci_return_receiver(L);
}

/***
Tells whether the context has a certificate of its own.
@function SciSslContext:hasCertificate
@treturn boolean
@see SSL_CTX_get0_certificate(3)
*/
static int context_has_certificate(lua_State *L) {
    lua_pushboolean(L, SSL_CTX_get0_certificate(sci_check_context(L, 1)->ctx) != NULL);
    return 1;
}

/***
Checks that the private key belongs to the certificate that was set last. A context may hold a pair for each type of key (RSA,
ECDSA, Ed25519 …); each connection uses the pair that the peer's signature algorithms allow.
@function SciSslContext:checkPrivateKey
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError phase `load`, condition `no_certificate`, `no_private_key` or `key_mismatch`
@see SSL_CTX_check_private_key(3)
*/
static int context_check_private_key(lua_State *L) {
    SSL_CTX *ctx = sci_check_context(L, 1)->ctx;
    sci_clear_errors();
    if (!SSL_CTX_get0_certificate(ctx)) return sci_fail_own(L, "load", "no_certificate", NULL);
    if (!SSL_CTX_get0_privatekey(ctx)) return sci_fail_own(L, "load", "no_private_key", NULL);
    if (!SSL_CTX_check_private_key(ctx)) return sci_fail_openssl(L, "load", "private key");
    return sci_return_receiver(L);
}

/* ---- when a client sends its certificate ------------------------------------------------------------------------- */

/***
Lets clients send a certificate after the handshake, when a server asks for it in TLS 1.3 (see
`SciSslSocket:sslVerifyClientPostHandshake`). Later connections only.
@function SciSslContext:setPostHandshakeAuth
@tparam boolean on
@treturn SciSslContext the receiver
@see SSL_CTX_set_post_handshake_auth(3)
*/
static int context_set_post_handshake_auth(lua_State *L) {
    SSL_CTX *ctx = sci_check_context(L, 1)->ctx;
    luaL_checktype(L, 2, LUA_TBOOLEAN);
    SSL_CTX_set_post_handshake_auth(ctx, lua_toboolean(L, 2));
    return sci_return_receiver(L);
}

static const luaL_Reg certificate_methods[] = {
    {"useCertificateChain", context_use_certificate_chain},
    {"addChainCertificate", context_add_chain_certificate},
    {"checkPrivateKey", context_check_private_key},
    {"hasCertificate", context_has_certificate},
    {"useCertificateFile", context_use_certificate_file},
    {"useCertificateChainFile", context_use_certificate_chain_file},
    {"useCertificate", context_use_certificate},
    {"usePrivateKeyFile", context_use_private_key_file},
    {"usePrivateKey", context_use_private_key},
    {"setPostHandshakeAuth", context_set_post_handshake_auth},
    {NULL, NULL},
};

void sci_open_context_certificate(lua_State *L) { luaL_setfuncs(L, certificate_methods, 0); }
