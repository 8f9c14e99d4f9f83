/* session_tickets.c: SciSslSocket, the tickets of one connection: application data inside of them, and more tickets
 * (RFC 5077; RFC 8446, section 4.6.1). The keys are those of the context. */
#include "connection/connection.h"

/* ---- application data -------------------------------------------------------------------------------------------- */

static int on_make_ticket(SSL *ssl, void *unused) {
    const sci_sslsocket *socket = SSL_get_app_data(ssl);
    (void)unused;
    if (!socket || !socket->ticket.data) return 1;
    return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), socket->ticket.data, socket->ticket.length);
}

/* A session whose client does not pass verification now is not resumed: the full handshake that follows tells why. */
static SSL_TICKET_RETURN on_open_ticket(SSL *ssl, SSL_SESSION *session, const unsigned char *name, size_t length,
                                        SSL_TICKET_STATUS status, void *unused) {
    (void)name, (void)length, (void)unused;
    if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) return SSL_TICKET_RETURN_IGNORE_RENEW;
    if (!sci_ssl_may_resume(ssl, session)) return SSL_TICKET_RETURN_IGNORE_RENEW;
    return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

bool sci_ssl_install_tickets(SSL_CTX *ctx) {
    return SSL_CTX_set_session_ticket_cb(ctx, on_make_ticket, on_open_ticket, NULL) == 1;
}

void sci_ssl_reset_ticket(sci_sslsocket *socket) {
    socket->ticket.data = NULL;
    socket->ticket.length = 0;
}

/***
Sets application data for the tickets that this server sends. It is encrypted with the ticket, and a server that resumes the
session can read it.
@function SciSslSocket:sslSetTicketAppData
@tparam ?string bytes nil: none
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `not_initialized`, `closed`
@see SSL_SESSION_set1_ticket_appdata(3)
*/
static int sslsocket_set_ticket_app_data(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    size_t length = 0;
    const char *bytes = luaL_optlstring(L, 2, NULL, &length);
    lua_settop(L, 2);
    luaL_argcheck(L, length <= 32768, 2, "at most 32768 bytes expected");
    if (!socket->ssl) return sci_fail_own(L, "option", socket->closed ? "closed" : "not_initialized", NULL);
    lua_setiuservalue(L, 1, SCI_SSL_TICKET_DATA);
    socket->ticket.data = bytes;
    socket->ticket.length = length;
    return sci_return_receiver(L);
}

/***
Returns the application data of the ticket whose session this connection has resumed, see `sslSetTicketAppData`.
@function SciSslSocket:ticketAppData
@treturn ?string nil where there is none
@see SSL_SESSION_get0_ticket_appdata(3)
*/
static int sslsocket_ticket_app_data(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    SSL_SESSION *session = socket->ssl && socket->handshake.done ? SSL_get_session(socket->ssl) : NULL;
    void *bytes = NULL;
    size_t length = 0;
    if (session && SSL_session_reused(socket->ssl)) (void)SSL_SESSION_get0_ticket_appdata(session, &bytes, &length);
    if (length > 0) lua_pushlstring(L, bytes, length);
    else lua_pushnil(L);
    return 1;
}

static bool ask_for_tickets(SSL *ssl, lua_Integer count) {
    bool asked = true;
    for (lua_Integer i = 0; asked && i < count; i++) asked = SSL_new_session_ticket(ssl) == 1;
    return asked;
}

/***
Sends more tickets, on a server of TLS 1.3. Repeat the same call while it returns "not ready".
@function SciSslSocket:sslSendTickets
@tparam[opt=1] integer count 1 … 255
@treturn integer|SciSslError 1: they were sent; 0 or less: not ready; a SciSslError (condition `handshake_needed`,
 `wrong_role`, `protocol_version`, `write_pending`)
@see SSL_new_session_ticket(3)
*/
static int sslsocket_send_tickets(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    lua_Integer count = luaL_optinteger(L, 2, 1);
    luaL_argcheck(L, count >= 1 && count <= 255, 2, "1 to 255 tickets expected");
    lua_settop(L, 1);
    if (!sci_ssl_may_message_client(L, socket, "sendTickets")) return 1;
    sci_ssl_begin(L, socket);
    int asked = !SSL_is_init_finished(socket->ssl) || ask_for_tickets(socket->ssl, count);
    return sci_ssl_send_message(L, socket, asked ? 1 : -1, "sendTickets");
}

static const luaL_Reg ticket_methods[] = {
    {"sslSetTicketAppData", sslsocket_set_ticket_app_data},
    {"ticketAppData", sslsocket_ticket_app_data},
    {"sslSendTickets", sslsocket_send_tickets},
    {NULL, NULL},
};

void sci_open_session_tickets(lua_State *L) { luaL_setfuncs(L, ticket_methods, 0); }
