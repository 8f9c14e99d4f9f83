/* psk.c: SciSslSocket, pre-shared keys (RFC 4279; RFC 8446, section 2.2). OpenSSL cannot be suspended where it needs one: a
 * key is looked up in a table, or by a function under lua_pcall. */
#include "connection/connection.h"

#include <string.h>

#define FALSE_KEY_LENGTH 32

/* ---- asking Lua -------------------------------------------------------------------------------------------------- */

/* What a callback of OpenSSL knows, and where the result goes. */
typedef struct request {
    const char *given; /* for a client the server's hint, for a server the client's identity; NULL: none */
    size_t given_length;
    char *identity; /* a client returns it; NULL on a server */
    size_t identity_size;
    unsigned char *key;
    size_t key_size, key_length; /* key_length 0: there is no key */
} request;

static void take_key(lua_State *L, int index, request *asked) {
    size_t length = 0;
    if (lua_isnil(L, index)) return;
    const char *key = lua_type(L, index) == LUA_TSTRING ? lua_tolstring(L, index, &length) : NULL;
    if (!key || length == 0 || length > asked->key_size)
        luaL_error(L, "a pre-shared key is a string of 1 to %d bytes", (int)asked->key_size);
    memcpy(asked->key, key, length);
    asked->key_length = length;
}

static void take_identity(lua_State *L, int index, const request *asked) {
    size_t length = 0;
    const char *identity = lua_type(L, index) == LUA_TSTRING ? lua_tolstring(L, index, &length) : NULL;
    if (!identity || length >= asked->identity_size || memchr(identity, 0, length))
        luaL_error(L, "the identity of a pre-shared key is a string of at most %d bytes, without NUL",
                   (int)asked->identity_size - 1);
    memcpy(asked->identity, identity, length + 1);
}

/* Protected. Gets the request, and the function to call or the table to look up. */
static int look_up(lua_State *L) {
    request *asked = lua_touserdata(L, 1);
    if (asked->given) lua_pushlstring(L, asked->given, asked->given_length);
    else lua_pushnil(L);
    if (lua_isfunction(L, 2)) {
        lua_pushvalue(L, 2);
        lua_insert(L, 3);
        lua_call(L, 1, 2);
    } else if (asked->identity) {
        lua_settop(L, 2);
        lua_getfield(L, 2, "identity");
        lua_getfield(L, 2, "key");
    } else {
        lua_rawget(L, 2);
        lua_pushnil(L);
    }
    lua_settop(L, 4); /* a client's identity and key, or a server's key */
    if (asked->identity && !lua_isnil(L, 3)) {
        take_identity(L, 3, asked);
        take_key(L, 4, asked);
    } else if (!asked->identity) take_key(L, 3, asked);
    return 0;
}

/* False: there is no key. An error that Lua raised becomes the cause of the failure. */
static bool ask(sci_sslsocket *socket, int source, request *asked) {
    lua_State *L = socket->callback.L;
    if (!sci_ssl_in_call(socket) || socket->callback.failed || !lua_checkstack(L, 4)) return false;
    lua_pushcfunction(L, look_up);
    lua_pushlightuserdata(L, asked);
    lua_getiuservalue(L, 1, source);
    return sci_ssl_call_lua(socket, 2, 0) && asked->key_length > 0;
}

/* ---- OpenSSL's callbacks ----------------------------------------------------------------------------------------- */

/* For all versions: in TLS 1.3 OpenSSL uses the key with SHA-256. */
static unsigned int on_client_key(SSL *ssl, const char *hint, char *identity, unsigned int identity_size,
                                  unsigned char *key, unsigned int key_size) {
    request asked = {
        .given = hint,
        .given_length = hint ? strlen(hint) : 0,
        .identity = identity,
        .identity_size = identity_size,
        .key = key,
        .key_size = key_size < SCI_PSK_LENGTH ? key_size : SCI_PSK_LENGTH,
    };
    return ask(SSL_get_app_data(ssl), SCI_SSL_PSK_CLIENT, &asked) ? (unsigned int)asked.key_length : 0;
}

void sci_ssl_drop_psk(sci_sslsocket *socket) {
    OPENSSL_free(socket->psk.identity);
    socket->psk.identity = NULL;
}

/* Remembers the identity: OpenSSL uses the last one that it asks for. */
static bool find_key(sci_sslsocket *socket, request *asked) {
    if (!ask(socket, SCI_SSL_PSK_SERVER, asked)) return false;
    socket->psk.identity = OPENSSL_strndup(asked->given, asked->given_length);
    return socket->psk.identity != NULL;
}

/* A client that tries identities must not learn which of them exist: an unknown one gets a random key. */
static unsigned int make_false_key(sci_sslsocket *socket, unsigned char *key, unsigned int key_size) {
    if (socket->callback.failed) return 0;
    socket->psk.unknown = true;
    bool hides = !socket->psk.tell_unknown && key_size >= FALSE_KEY_LENGTH && RAND_bytes(key, FALSE_KEY_LENGTH) == 1;
    return hides ? FALSE_KEY_LENGTH : 0;
}

static unsigned int on_server_key(SSL *ssl, const char *identity, unsigned char *key, unsigned int key_size) {
    request asked = {
        .given = identity,
        .given_length = strlen(identity),
        .key = key,
        .key_size = key_size < SCI_PSK_LENGTH ? key_size : SCI_PSK_LENGTH,
    };
    if (sci_speaks_tls13(ssl)) return 0; /* on_find_session has looked it up */
    sci_sslsocket *socket = SSL_get_app_data(ssl);
    sci_ssl_drop_psk(socket);
    return find_key(socket, &asked) ? (unsigned int)asked.key_length : make_false_key(socket, key, key_size);
}

/* TLS 1.3 binds a key to a digest: any suite with that digest can stand in the session. */
static SSL_SESSION *session_of_key(SSL *ssl, bool sha384, const unsigned char *key, size_t length) {
    const unsigned char suite[] = {0x13, sha384 ? 0x02 : 0x01};
    const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, suite);
    SSL_SESSION *session = SSL_SESSION_new();
    if (session && cipher && SSL_SESSION_set1_master_key(session, key, length) &&
        SSL_SESSION_set_cipher(session, cipher) && SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION))
        return session;
    SSL_SESSION_free(session);
    return NULL;
}

/* TLS 1.3. OpenSSL calls this for each identity that the client offers, tickets included, until one can be used. So forget the
 * identity before it: its key may not fit the suite, and a ticket behind it is used instead. Returns 0 where Lua has failed,
 * which sends an alert. */
static int on_find_session(SSL *ssl, const unsigned char *identity, size_t length, SSL_SESSION **session) {
    unsigned char key[SCI_PSK_LENGTH];
    request asked = {.given = (const char *)identity, .given_length = length, .key = key, .key_size = sizeof key};
    sci_sslsocket *socket = SSL_get_app_data(ssl);
    *session = NULL;
    sci_ssl_drop_psk(socket);
    if (length > SCI_PSK_IDENTITY_LENGTH || memchr(identity, 0, length)) return 1; /* no identity but a ticket */
    if (find_key(socket, &asked)) *session = session_of_key(ssl, socket->psk.server_sha384, key, asked.key_length);
    OPENSSL_cleanse(key, sizeof key);
    return !socket->callback.failed;
}

/* TLS 1.3, for a key with SHA-384; on_client_key serves SHA-256. `digest` is set after a HelloRetryRequest: the server has chosen
 * it. */
static int on_use_session(SSL *ssl, const EVP_MD *digest, const unsigned char **identity, size_t *length,
                          SSL_SESSION **session) {
    sci_sslsocket *socket = SSL_get_app_data(ssl);
    char name[PSK_MAX_IDENTITY_LEN + 1];
    unsigned char key[SCI_PSK_LENGTH];
    request asked = {.identity = name, .identity_size = sizeof name, .key = key, .key_size = sizeof key};
    *session = NULL;
    sci_ssl_drop_psk(socket);
    if (digest && !EVP_MD_is_a(digest, "SHA384")) return 1;
    if (ask(socket, SCI_SSL_PSK_CLIENT, &asked)) {
        socket->psk.identity = OPENSSL_strdup(name); /* OpenSSL copies it after this call */
        if (socket->psk.identity) *session = session_of_key(ssl, true, key, asked.key_length);
    }
    *identity = (const unsigned char *)socket->psk.identity;
    *length = socket->psk.identity ? strlen(socket->psk.identity) : 0;
    OPENSSL_cleanse(key, sizeof key);
    return !socket->callback.failed;
}

/* ---- the part of a connection ------------------------------------------------------------------------------------ */

static bool copy_value(lua_State *L, int from, int to) {
    bool there = lua_getiuservalue(L, -1, from) != LUA_TNIL;
    lua_setiuservalue(L, 1, to);
    return there;
}

void sci_ssl_inherit_psk(lua_State *L, sci_sslsocket *socket, const sci_context *context) {
    SSL *ssl = socket->ssl;
    socket->psk.client = copy_value(L, SCI_CONTEXT_PSK_CLIENT, SCI_SSL_PSK_CLIENT);
    if (socket->psk.client) {
        if (context->psk.client_sha384) SSL_set_psk_use_session_callback(ssl, on_use_session);
        else SSL_set_psk_client_callback(ssl, on_client_key);
    }
    if (copy_value(L, SCI_CONTEXT_PSK_SERVER, SCI_SSL_PSK_SERVER)) {
        if (!context->psk.server_sha384) SSL_set_psk_server_callback(ssl, on_server_key);
        SSL_set_psk_find_session_callback(ssl, on_find_session);
    }
    socket->psk.server_sha384 = context->psk.server_sha384;
    socket->psk.tell_unknown = context->psk.tell_unknown;
    socket->psk.unknown = false;
}

/* ---- why a handshake failed -------------------------------------------------------------------------------------- */

/* Up to TLS 1.2: where the two sides have different pre-shared keys, the first encrypted record is not valid. */
static bool keys_differ(const sci_sslsocket *socket) {
    const SSL_CIPHER *cipher = SSL_get_pending_cipher(socket->ssl);
    if (socket->handshake.done || socket->alerts.fatal_sent != SSL_AD_BAD_RECORD_MAC || !cipher) return false;
    switch (SSL_CIPHER_get_kx_nid(cipher)) {
        case NID_kx_psk:
        case NID_kx_dhe_psk:
        case NID_kx_ecdhe_psk:
        case NID_kx_rsa_psk: return true;
        default: return false;
    }
}

bool sci_ssl_explain_psk(const sci_sslsocket *socket, sci_failure *failure) {
    if (socket->psk.unknown && !socket->handshake.done) failure->condition = "psk_unknown";
    else if (keys_differ(socket)) failure->condition = "psk_mismatch";
    return failure->condition != NULL;
}

/* ---- methods ----------------------------------------------------------------------------------------------------- */

/***
Returns the identity of the pre-shared key with which a client has made this connection to a server. A connection that resumes
its session has none.
@function SciSslSocket:pskIdentity
@treturn ?string nil where no pre-shared key was used, and on clients
*/
static int sslsocket_psk_identity(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    bool used = socket->ssl && socket->handshake.done && socket->handshake.role == SCI_SERVER;
    if (used && sci_speaks_tls13(socket->ssl)) used = SSL_session_reused(socket->ssl);
    lua_pushstring(L, used ? socket->psk.identity : NULL);
    return 1;
}

static const luaL_Reg psk_methods[] = {{"pskIdentity", sslsocket_psk_identity}, {NULL, NULL}};

void sci_open_psk(lua_State *L) { luaL_setfuncs(L, psk_methods, 0); }
