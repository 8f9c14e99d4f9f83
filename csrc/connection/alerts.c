/* alerts.c: SciSslSocket, the alerts of a connection: those that have passed, and those that OpenSSL does not send. */
#include "connection/connection.h"

static void set_text(lua_State *L, const char *name, const char *text) {
    lua_pushstring(L, text);
    lua_setfield(L, -2, name);
}

static void set_number(lua_State *L, const char *name, lua_Integer number) {
    lua_pushinteger(L, number);
    lua_setfield(L, -2, name);
}

/* ---- alerts that have passed ---------------------------------------------------------------------------------------------- */

void sci_ssl_note_alert(sci_sslsocket *socket, bool sent, int value) {
    sci_alert *alerts = sent ? socket->alerts_sent : socket->alerts_received;
    int *count = sent ? &socket->alerts_sent_count : &socket->alerts_received_count;
    if (*count < SCI_ALERTS)
        alerts[(*count)++] = (sci_alert){.level = (unsigned char)(value >> 8), .code = (unsigned char)value};
}

static int push_alerts(lua_State *L, const sci_alert *alerts, int count) {
    lua_createtable(L, count, 0);
    for (int i = 0; i < count; i++) {
        lua_createtable(L, 0, 3);
        set_text(L, "name", sci_alert_name(alerts[i].code));
        set_text(L, "level", alerts[i].level == SSL3_AL_FATAL ? "fatal" : "warning");
        set_number(L, "code", alerts[i].code);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/***
Answers the alerts that the peer has sent, in order; the first 8.
@function SciSslSocket:alertsReceived
@treturn {table,...} `name` (of the RFCs), `level` (`"warning"` or `"fatal"`), `code` (integer)
@see RFC 8446, section 6
*/
static int sslsocket_alerts_received(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    return push_alerts(L, socket->alerts_received, socket->alerts_received_count);
}

/***
Answers the alerts that this end has sent, in order; the first 8.
@function SciSslSocket:alertsSent
@treturn {table,...} as `alertsReceived`
@see RFC 8446, section 6
*/
static int sslsocket_alerts_sent(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    return push_alerts(L, socket->alerts_sent, socket->alerts_sent_count);
}

/* ---- alerts that OpenSSL does not send -------------------------------------------------------------------------------------- */

/* What is withheld stays so. */
static void send_plain_alert(sci_sslsocket *socket) {
    int version = SSL_version(socket->ssl), alert = socket->refusal;
    const unsigned char record[] = {SSL3_RT_ALERT, (unsigned char)(version >> 8), (unsigned char)version, 0, 2,
                                    SSL3_AL_FATAL, (unsigned char)alert};
    socket->transport.withheld = false;
    if (BIO_write(SSL_get_wbio(socket->ssl), record, sizeof record) == (int)sizeof record) {
        socket->alert_sent = alert;
        sci_ssl_note_alert(socket, true, SSL3_AL_FATAL << 8 | alert);
    }
    socket->transport.withheld = true;
}

#define REFUSAL_EXTENSION 0xff73 /* of private use; never sent */

/* OpenSSL has no call that sends an alert. A server can in TLS 1.3: one of its own extensions of a session ticket may
 * name the alert that the ticket fails with. */
static int refuse_in_ticket(SSL *ssl, unsigned int type, unsigned int context, const unsigned char **bytes,
                            size_t *length, X509 *certificate, size_t index, int *alert, void *unused) {
    const sci_sslsocket *socket = SSL_get_app_data(ssl);
    (void)type, (void)context, (void)bytes, (void)length, (void)certificate, (void)index, (void)unused;
    if (!socket || !socket->refuses) return 0;
    *alert = socket->refusal;
    return -1;
}

bool sci_ssl_install_refusal(SSL_CTX *ctx) {
    return SSL_CTX_add_custom_ext(ctx, REFUSAL_EXTENSION, SSL_EXT_TLS1_3_ONLY | SSL_EXT_TLS1_3_NEW_SESSION_TICKET,
                                  refuse_in_ticket, NULL, NULL, NULL, NULL) == 1;
}

static void refuse_by_ticket(lua_State *L, sci_sslsocket *socket) {
    if (socket->role != SCI_SERVER || SSL_version(socket->ssl) < TLS1_3_VERSION) return;
    sci_ssl_begin(L, socket);
    socket->refuses = true;
    if (SSL_new_session_ticket(socket->ssl) == 1) (void)SSL_do_handshake(socket->ssl);
    sci_ssl_end(socket);
    sci_clear_errors();
}

void sci_ssl_send_refusal(lua_State *L, sci_sslsocket *socket) {
    if (socket->transport.withheld) send_plain_alert(socket);
    else refuse_by_ticket(L, socket);
    sci_clear_errors();
}

static const luaL_Reg alert_methods[] = {
    {"alertsReceived", sslsocket_alerts_received},
    {"alertsSent", sslsocket_alerts_sent},
    {NULL, NULL},
};

void sci_open_alerts(lua_State *L) { luaL_setfuncs(L, alert_methods, 0); }
