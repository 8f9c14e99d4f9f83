/* alerts.c: SciSslSocket, the alerts that were sent and received, and how to send one where OpenSSL does not. verdict.c decides
 * when; base/alert.c has the alert for each verification error. */
#include "connection/connection.h"

#include <string.h>

/* ---- what was sent and received ---------------------------------------------------------------------------------- */

void sci_ssl_reset_alerts(sci_sslsocket *socket) {
    memset(&socket->alerts, 0, sizeof socket->alerts);
    socket->alerts.fatal_sent = -1;
}

void sci_ssl_note_alert(sci_sslsocket *socket, bool sent, int value) {
    sci_alert alert = {.level = (unsigned char)(value >> 8), .code = (unsigned char)value};
    sci_alert *alerts = sent ? socket->alerts.sent : socket->alerts.received;
    int *count = sent ? &socket->alerts.sent_count : &socket->alerts.received_count;
    if (sent && alert.level == SSL3_AL_FATAL) socket->alerts.fatal_sent = alert.code;
    if (*count < SCI_ALERTS) alerts[(*count)++] = alert;
}

static int push_alerts(lua_State *L, const sci_alert *alerts, int count) {
    lua_createtable(L, count, 0);
    for (int i = 0; i < count; i++) {
        lua_createtable(L, 0, 3);
        sci_set_text(L, "name", sci_alert_name(alerts[i].code));
        sci_set_text(L, "level", alerts[i].level == SSL3_AL_FATAL ? "fatal" : "warning");
        sci_set_integer(L, "code", alerts[i].code);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/***
Returns the first 8 alerts that the peer has sent, in order.
@function SciSslSocket:alertsReceived
@treturn {table,...} `name` (of the RFCs), `level` (`"warning"` or `"fatal"`), `code` (integer)
@see RFC 8446, section 6
*/
static int sslsocket_alerts_received(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    return push_alerts(L, socket->alerts.received, socket->alerts.received_count);
}

/***
Returns the first 8 alerts that this end has sent, in order.
@function SciSslSocket:alertsSent
@treturn {table,...} as `alertsReceived`
@see RFC 8446, section 6
*/
static int sslsocket_alerts_sent(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    return push_alerts(L, socket->alerts.sent, socket->alerts.sent_count);
}

/* ---- sending one ------------------------------------------------------------------------------------------------- */

/* The last flight stays withheld. */
static void send_plain_alert(sci_sslsocket *socket, int alert) {
    int version = SSL_version(socket->ssl);
    unsigned char high = (unsigned char)(version >> 8), low = (unsigned char)version, code = (unsigned char)alert;
    const unsigned char tls[] = {SSL3_RT_ALERT, high, low, 0, 2, SSL3_AL_FATAL, code};
    /* With an epoch, and a number that no record of the handshake has. */
    const unsigned char dtls[] = {SSL3_RT_ALERT, high, low, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, SSL3_AL_FATAL, code};
    bool datagrams = socket->transport.datagrams;
    int length = datagrams ? (int)sizeof dtls : (int)sizeof tls;
    sci_transport_withhold(&socket->transport, false);
    if (BIO_write(SSL_get_wbio(socket->ssl), datagrams ? dtls : tls, length) == length)
        sci_ssl_note_alert(socket, true, SSL3_AL_FATAL << 8 | alert);
    sci_transport_withhold(&socket->transport, true);
}

#define ALERT_EXTENSION 0xff73 /* of private use; never sent */

/* OpenSSL has no function that sends an alert. But a server of TLS 1.3 can: an extension of our own in a session ticket may
 * fail, and then names the alert that OpenSSL sends. */
static int on_ticket_extension(SSL *ssl, unsigned int type, unsigned int context, const unsigned char **bytes,
                               size_t *length, X509 *certificate, size_t index, int *alert, void *unused) {
    const sci_sslsocket *socket = SSL_get_app_data(ssl);
    (void)type, (void)context, (void)bytes, (void)length, (void)certificate, (void)index, (void)unused;
    if (!socket || !socket->alerts.in_ticket) return 0;
    *alert = socket->alerts.in_ticket;
    return -1;
}

bool sci_ssl_install_alerts(SSL_CTX *ctx) {
    return SSL_CTX_add_custom_ext(ctx, ALERT_EXTENSION, SSL_EXT_TLS1_3_ONLY | SSL_EXT_TLS1_3_NEW_SESSION_TICKET,
                                  on_ticket_extension, NULL, NULL, NULL, NULL) == 1;
}

static void send_alert_by_ticket(lua_State *L, sci_sslsocket *socket, int alert) {
    if (socket->handshake.role != SCI_SERVER || !sci_speaks_tls13(socket->ssl)) return;
    sci_ssl_begin(L, socket);
    socket->alerts.in_ticket = alert;
    if (SSL_new_session_ticket(socket->ssl) == 1) (void)SSL_do_handshake(socket->ssl);
    sci_ssl_end(socket);
}

void sci_ssl_send_alert(lua_State *L, sci_sslsocket *socket, int alert) {
    if (socket->transport.orders.withheld) send_plain_alert(socket, alert);
    else send_alert_by_ticket(L, socket, alert);
    sci_clear_errors();
}

static const luaL_Reg alert_methods[] = {
    {"alertsReceived", sslsocket_alerts_received},
    {"alertsSent", sslsocket_alerts_sent},
    {NULL, NULL},
};

void sci_open_alerts(lua_State *L) { luaL_setfuncs(L, alert_methods, 0); }
