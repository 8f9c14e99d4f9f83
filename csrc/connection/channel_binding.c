/* channel_binding.c: SciSslSocket, secrets of one connection, for the protocols above it: exported keying material (RFC 5705;
 * RFC 8446, section 7.5) and channel bindings (RFC 5929, RFC 9266). */
#include "connection/connection.h"

#include <string.h>

/* The SSL of the receiver once the handshake is completed. NULL: nil, SciSslError were pushed. */
static SSL *check_secured(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    if (socket->handshake.done && socket->ssl) return socket->ssl;
    sci_fail_own(L, "export", socket->closed ? "closed" : "handshake_needed", NULL);
    return NULL;
}

#define EXPORT_LIMIT 8160    /* bytes: the most that HKDF expands with SHA-256 */
#define LABEL_LIMIT 249      /* bytes in TLS 1.3: 255 with the prefix "tls13 " (RFC 8446, section 7.1) */
#define OLD_LABEL_LIMIT 4096 /* bytes up to TLS 1.2, which has no limit of its own */
#define OLD_SEED_LIMIT 958 /* bytes of label and context that every OpenSSL takes: 1024 with two randoms and a length */

static int push_exported(lua_State *L, SSL *ssl, const char *label, size_t label_length, const char *context,
                         size_t context_length, size_t length) {
    luaL_Buffer buffer;
    unsigned char *bytes = (unsigned char *)luaL_buffinitsize(L, &buffer, length);
    sci_clear_errors();
    if (SSL_export_keying_material(ssl, bytes, length, label, label_length, (const unsigned char *)context,
                                   context_length, context != NULL) != 1)
        return label_length + context_length > OLD_SEED_LIMIT
                   ? sci_fail_own(L, "export", "bad_label", "this OpenSSL takes 958 bytes of label and context at most")
                   : sci_fail_openssl(L, "export", NULL);
    luaL_pushresultsize(&buffer, length);
    return 1;
}

/***
Derives secret bytes that only the two ends of this connection can derive.
@function SciSslSocket:sslExport
@tparam string label what they are for, such as `EXPORTER-my-protocol`: 1 to 4096 bytes, in TLS 1.3 at most 249
@tparam integer length 1 to 8160 bytes
@tparam[opt] string context what else they depend on. Up to TLS 1.2, no context and an empty one give different bytes
@treturn[1] string
@treturn[2] nil
@treturn[2] SciSslError phase `export`, condition `handshake_needed`, `closed`, `bad_label`: TLS 1.3 allows no label as long
 as this one; it is too long for OpenSSL 3.0, which takes 958 bytes of label and context up to TLS 1.2; or OpenSSL takes it for one that TLS 1.2 uses itself: one that begins with `client finished`,
 `server finished`, `master secret`, `extended master secret` or `key expansion`
@see SSL_export_keying_material(3)
@see RFC 5705
*/
static int sslsocket_export(lua_State *L) {
    size_t label_length, context_length = 0;
    const char *label = luaL_checklstring(L, 2, &label_length);
    lua_Integer length = luaL_checkinteger(L, 3);
    const char *context = luaL_optlstring(L, 4, NULL, &context_length);
    luaL_argcheck(L, label_length > 0 && label_length <= OLD_LABEL_LIMIT, 2, "1 to 4096 bytes expected");
    luaL_argcheck(L, length >= 1 && length <= EXPORT_LIMIT, 3, "1 to 8160 bytes expected");
    luaL_argcheck(L, context_length <= 65535, 4, "at most 65535 bytes expected");
    SSL *ssl = check_secured(L);
    if (!ssl) return 2;
    if (label_length > LABEL_LIMIT && sci_speaks_tls13(ssl))
        return sci_fail_own(L, "export", "bad_label", "a label of TLS 1.3 has at most 249 bytes");
    return push_exported(L, ssl, label, label_length, context, context_length, (size_t)length);
}

/* ---- Finished messages ------------------------------------------------------------------------------------------- */

static int push_finished(lua_State *L, const SSL *ssl, size_t (*get)(const SSL *, void *, size_t)) {
    unsigned char bytes[EVP_MAX_MD_SIZE];
    size_t length = get(ssl, bytes, sizeof bytes);
    if (length > 0) lua_pushlstring(L, (const char *)bytes, length < sizeof bytes ? length : sizeof bytes);
    else lua_pushnil(L);
    return 1;
}

/***
Returns the Finished message that this end has sent in the latest handshake.
@function SciSslSocket:finished
@treturn[1] string
@treturn[2] nil
@treturn[2] SciSslError condition `handshake_needed`, `closed`
@see SSL_get_finished(3)
*/
static int sslsocket_finished(lua_State *L) {
    const SSL *ssl = check_secured(L);
    return ssl ? push_finished(L, ssl, SSL_get_finished) : 2;
}

/***
Returns the Finished message that the peer has sent in the latest handshake.
@function SciSslSocket:peerFinished
@treturn[1] string
@treturn[2] nil
@treturn[2] SciSslError condition `handshake_needed`, `closed`
@see SSL_get_peer_finished(3)
*/
static int sslsocket_peer_finished(lua_State *L) {
    const SSL *ssl = check_secured(L);
    return ssl ? push_finished(L, ssl, SSL_get_peer_finished) : 2;
}

/* ---- channel bindings -------------------------------------------------------------------------------------------- */

static int fail_binding(lua_State *L, const char *message) {
    return sci_fail_own(L, "export", "binding_undefined", message);
}

/* Without the extended master secret an attacker can make two connections with the same binding (RFC 7627). */
static bool is_unique(SSL *ssl) { return sci_speaks_tls13(ssl) || SSL_get_extms_support(ssl) == 1; }

/* The first Finished of the handshake: the client's, or the server's where a session was resumed. */
static int bind_unique(lua_State *L, SSL *ssl) {
    if (sci_speaks_tls13(ssl)) return fail_binding(L, "TLS 1.3 has no tls-unique; use tls-exporter");
    if (!is_unique(ssl)) return fail_binding(L, "tls-unique is not unique without the extended master secret");
    bool ours = SSL_is_server(ssl) ? SSL_session_reused(ssl) : !SSL_session_reused(ssl);
    return push_finished(L, ssl, ours ? SSL_get_finished : SSL_get_peer_finished);
}

static int bind_exporter(lua_State *L, SSL *ssl) {
    static const char label[] = "EXPORTER-Channel-Binding";
    if (!is_unique(ssl)) return fail_binding(L, "tls-exporter is not unique without the extended master secret");
    return push_exported(L, ssl, label, sizeof label - 1, "", 0, 32);
}

/* The digest of the certificate's signature; SHA-256 in place of a weaker one. NULL: the signature has none. */
static const EVP_MD *binding_digest(X509 *certificate) {
    int digest = NID_undef;
    if (!X509_get_signature_info(certificate, &digest, NULL, NULL, NULL) || digest == NID_undef) return NULL;
    return digest == NID_md5 || digest == NID_sha1 ? EVP_sha256() : EVP_get_digestbynid(digest);
}

static int bind_end_point(lua_State *L, SSL *ssl) {
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    X509 *certificate = SSL_is_server(ssl) ? sci_ssl_own_certificate(ssl) : SSL_get0_peer_certificate(ssl);
    if (!certificate && SSL_get_certificate(ssl) && SSL_is_server(ssl))
        return fail_binding(L, "the resumed session does not say which of the server's certificates it was made with");
    if (!certificate) return fail_binding(L, "the server has no certificate");
    const EVP_MD *digest = binding_digest(certificate);
    if (!digest) return fail_binding(L, "the signature of the server's certificate has no digest of its own");
    sci_clear_errors();
    if (!X509_digest(certificate, digest, bytes, &length)) return sci_fail_openssl(L, "export", NULL);
    lua_pushlstring(L, (const char *)bytes, length);
    return 1;
}

/***
Returns the channel binding: bytes that identify this connection or its server, for the protocols above (SCRAM-…-PLUS,
GSS-API …).
@function SciSslSocket:channelBinding
@tparam string kind `"tls-exporter"`; `"tls-server-end-point"`; or `"tls-unique"`, up to TLS 1.2
@treturn[1] string
@treturn[2] nil
@treturn[2] SciSslError phase `export`, condition `binding_undefined`: this connection has none, and the message tells why;
 `handshake_needed`, `closed`
@see RFC 5929
@see RFC 9266
*/
static int sslsocket_channel_binding(lua_State *L) {
    static const char *const kinds[] = {"tls-unique", "tls-exporter", "tls-server-end-point", NULL};
    static int (*const binders[])(lua_State *, SSL *) = {bind_unique, bind_exporter, bind_end_point};
    int kind = luaL_checkoption(L, 2, NULL, kinds);
    SSL *ssl = check_secured(L);
    return ssl ? binders[kind](L, ssl) : 2;
}

static const luaL_Reg binding_methods[] = {
    {"sslExport", sslsocket_export},
    {"finished", sslsocket_finished},
    {"peerFinished", sslsocket_peer_finished},
    {"channelBinding", sslsocket_channel_binding},
    {NULL, NULL},
};

void sci_open_channel_binding(lua_State *L) { luaL_setfuncs(L, binding_methods, 0); }
