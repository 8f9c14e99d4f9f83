/* dh_params.c: SciSslSocket, the group of the key exchange DHE (up to TLS 1.2). */
#include "connection/connection.h"

static void free_parameters(void *parameters) { EVP_PKEY_free(parameters); }

static void *read_group(BIO *bio) {
    EVP_PKEY *parameters = PEM_read_bio_Parameters(bio, NULL);
    if (parameters && (EVP_PKEY_is_a(parameters, "DH") || EVP_PKEY_is_a(parameters, "DHX"))) return parameters;
    EVP_PKEY_free(parameters);
    return NULL;
}

static const sci_kind kind = {
    .label = "DH PARAMETERS",
    .expected = "a group of DH parameters",
    .absent = "not_dh_parameters",
    .malformed = "not_dh_parameters",
    .malformed_message = "the DH parameters are malformed",
    .read_pem = read_group,
    .release = free_parameters,
};

static EVP_PKEY *read_parameters(const char *text, int length, sci_failure *failure) {
    EVP_PKEY *parameters = sci_read_pem_text(text, length, &kind, failure);
    if (failure->condition) failure->condition = kind.absent; /* also where it is no PEM text */
    return parameters;
}

/***
Sets the group of a server's DHE key exchange for this connection. By default the group fits the strength of the server's
certificate, which is the better choice unless a peer needs a certain group.
@function SciSslSocket:sslSetDhParameters
@tparam string pem text with `DH PARAMETERS` or `X9.42 DH PARAMETERS`
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError phase `load`: condition `not_dh_parameters`; `security_level`: the group is too small for it;
 `not_initialized`, `handshake_under_way`, `closed`
@see SSL_set0_tmp_dh_pkey(3)
*/
static int sslsocket_set_dh_parameters(lua_State *L) {
    int length;
    sci_failure failure = {.phase = "load", .subject = "DH parameters"};
    const char *text = sci_check_bytes(L, 2, &length);
    sci_guard *guard = sci_new_guard(L, free_parameters);
    const sci_sslsocket *socket = sci_check_before_handshake(L);
    if (!socket) return 2;
    guard->object = read_parameters(text, length, &failure);
    if (!guard->object || SSL_set0_tmp_dh_pkey(socket->ssl, guard->object) != 1) return sci_fail(L, &failure);
    guard->object = NULL; /* the SSL owns it */
    SSL_set_dh_auto(socket->ssl, 0);
    return sci_return_receiver(L);
}

static const luaL_Reg dh_methods[] = {{"sslSetDhParameters", sslsocket_set_dh_parameters}, {NULL, NULL}};

void sci_open_dh_params(lua_State *L) { luaL_setfuncs(L, dh_methods, 0); }
