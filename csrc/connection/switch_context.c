/* switch_context.c: SciSslSocket, sslSetContext: another context for a connection, chosen by the ClientHello. */
#include "connection/connection.h"

/* Only a new SSL reads the ClientHello again: where there is no memory for it, the old one goes on. False with another SSL: the
 * new one cannot begin. */
static bool begin_again(lua_State *L, sci_sslsocket *socket, sci_context *context) {
    if (!sci_ssl_make(L, socket, context)) return false;
    (void)sci_transport_replay(&socket->transport);
    return sci_ssl_begin_as_server(socket) && sci_ssl_listen_again(L, socket);
}

/* The old SSL and the old context are gone, and the new ones stay together. */
static int fail_begun(lua_State *L, sci_sslsocket *socket) {
    sci_ssl_push_error(L, socket, SSL_ERROR_SSL, "option");
    return sci_return_pushed_error(L);
}

/***
Switches to another context, while the handshake is suspended at `"clientHello"`. All settings of that context hold, as if the
socket had been initialized with it and the ClientHello had come now. Settings of the socket that replace those of a context
are lost, and must be made again after this call: `sslSetVerify`, `sslSetPins`, `sslUseCertificate`, `sslSetAlpn`,
`sslSetOcspResponse`, `sslSetDhParameters`, `sslNoteVerifyErrors`, `setSession`. Settings that a context does not have stay: `sslSetReadAhead`,
`sslSetRecordSizing`, `sslSuspendAt`, `sslSetTicketAppData`, `sslTrace`; of DTLS `sslSetMtu` and `sslSetRetransmission`.
@function SciSslSocket:sslSetContext
@tparam SciSslContext context
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `not_suspended`, `closed`, `in_finalizer`; `not_dtls`, `not_a_stream`: the context is one of TLS, and the socket speaks DTLS, or the other
 way round. The handshake stays as it was; or it has ended, where memory ran out for the new one
@see sslSuspendAt
*/
static int sslsocket_set_context(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    sci_context *context = sci_check_context(L, 2);
    lua_settop(L, 2);
    if (socket->closed || socket->result.failed || socket->suspend.at != SCI_AT_CLIENT_HELLO)
        return sci_fail_own(L, "option", socket->closed ? "closed" : "not_suspended", NULL);
    if (sci_in_finalizer(L)) return sci_fail_own(L, "option", "in_finalizer", NULL);
    lua_getiuservalue(L, 1, SCI_SSL_CONTEXT); /* at 3: it must outlive its SSL */
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, 1, SCI_SSL_CONTEXT);
    const SSL *former = socket->ssl;
    sci_failure failure = {.phase = "option", .subject = "context"};
    sci_clear_errors();
    if (socket->transport.datagrams != context->datagrams)
        failure.condition = context->datagrams ? "not_a_stream" : "not_dtls";
    else if (!socket->transport.recording.records)
        failure.condition = "memory_full"; /* the ClientHello was not recorded */
    else if (begin_again(L, socket, context)) return sci_return_receiver(L);
    else if (socket->ssl != former) return fail_begun(L, socket);
    lua_pushvalue(L, 3);
    lua_setiuservalue(L, 1, SCI_SSL_CONTEXT);
    return sci_fail(L, &failure);
}

/***
Returns the context of the connection: the one that it was made with, or that `sslSetContext` has set.
@function SciSslSocket:getContext
@treturn SciSslContext
*/
static int sslsocket_get_context(lua_State *L) {
    (void)sci_check_sslsocket(L, 1);
    lua_getiuservalue(L, 1, SCI_SSL_CONTEXT);
    return 1;
}

static const luaL_Reg switch_methods[] = {
    {"getContext", sslsocket_get_context},
    {"sslSetContext", sslsocket_set_context},
    {NULL, NULL},
};

void sci_open_switch_context(lua_State *L) { luaL_setfuncs(L, switch_methods, 0); }
