/* trace.c: SciSslSocket, the messages and states of a handshake: OpenSSL's callbacks note them, traceEvents returns them. */
#include "connection/connection.h"

#include <string.h>

#define EVENTS 256 /* events that are kept; more are only counted */

typedef struct event {
    double time;
    const char *kind, *name; /* static texts */
    int version;
    size_t length;
    char direction; /* '>' sent, '<' received, 0 neither */
} event;

struct sci_trace {
    size_t count;
    lua_Integer lost;
    event events[EVENTS];
};

static void note(sci_trace *trace, const event *noted) {
    if (trace->count == EVENTS) {
        trace->lost++;
        return;
    }
    trace->events[trace->count] = *noted;
    trace->events[trace->count++].time = sci_seconds();
}

/* ---- OpenSSL's callbacks ----------------------------------------------------------------------------------------- */

/* Names of RFC 8446, section 4, and of earlier versions. */
static const char *message_name(int type) {
    switch (type) {
        case SSL3_MT_HELLO_REQUEST: return "HelloRequest";
        case SSL3_MT_CLIENT_HELLO: return "ClientHello";
        case SSL3_MT_SERVER_HELLO: return "ServerHello";
        case SSL3_MT_NEWSESSION_TICKET: return "NewSessionTicket";
        case SSL3_MT_END_OF_EARLY_DATA: return "EndOfEarlyData";
        case SSL3_MT_ENCRYPTED_EXTENSIONS: return "EncryptedExtensions";
        case SSL3_MT_CERTIFICATE: return "Certificate";
        case SSL3_MT_SERVER_KEY_EXCHANGE: return "ServerKeyExchange";
        case SSL3_MT_CERTIFICATE_REQUEST: return "CertificateRequest";
        case SSL3_MT_SERVER_DONE: return "ServerHelloDone";
        case SSL3_MT_CERTIFICATE_VERIFY: return "CertificateVerify";
        case SSL3_MT_CLIENT_KEY_EXCHANGE: return "ClientKeyExchange";
        case SSL3_MT_FINISHED: return "Finished";
        case SSL3_MT_CERTIFICATE_STATUS: return "CertificateStatus";
        case SSL3_MT_KEY_UPDATE: return "KeyUpdate";
        case 25: return "CompressedCertificate"; /* SSL3_MT_COMPRESSED_CERTIFICATE, from OpenSSL 3.2 on */
        default: return "unknown";
    }
}

/* A server of DTLS that is to be suspended at the ClientHello has to know which one OpenSSL uses. */
static bool awaits_hello(const sci_sslsocket *socket) {
    return socket->transport.datagrams && socket->suspend.points & SCI_AT_CLIENT_HELLO;
}

static void on_message(int sent, int version, int content, const void *data, size_t length, SSL *ssl, void *unused) {
    sci_sslsocket *socket = SSL_get_app_data(ssl);
    const unsigned char *bytes = data;
    event noted = {.version = version, .length = length, .direction = sent ? '>' : '<'};
    (void)unused;
    if (!socket || length == 0) return;
    if (!sent && content == SSL3_RT_HANDSHAKE && bytes[0] == SSL3_MT_CLIENT_HELLO && awaits_hello(socket))
        sci_transport_note_hello(&socket->transport, bytes, length);
    if (!socket->trace) return;
    switch (content) {
        case SSL3_RT_HANDSHAKE:
            noted.kind = "handshake";
            noted.name = message_name(bytes[0]);
            break;
        case SSL3_RT_ALERT:
            noted.kind = "alert";
            noted.name = length > 1 ? sci_alert_name(bytes[1]) : "unknown";
            break;
        case SSL3_RT_CHANGE_CIPHER_SPEC:
            noted.kind = "changeCipherSpec";
            noted.name = "ChangeCipherSpec";
            break;
        default: return; /* record headers and the like */
    }
    note(socket->trace, &noted);
}

void sci_ssl_note_state(const sci_sslsocket *socket, int where) {
    if (!socket->trace || !(where & SSL_CB_LOOP)) return;
    note(socket->trace, &(event){.kind = "state", .name = SSL_state_string_long(socket->ssl)});
}

/* ---- what Lua asks ----------------------------------------------------------------------------------------------- */

void sci_ssl_watch_messages(const sci_sslsocket *socket, SSL *ssl) {
    SSL_set_msg_callback(ssl, socket->trace || awaits_hello(socket) ? on_message : NULL);
}

void sci_ssl_drop_trace(sci_sslsocket *socket) {
    OPENSSL_free(socket->trace);
    socket->trace = NULL;
}

/***
Switches the noting of messages and states on or off, from now on: 256 events are kept until `traceEvents` takes them.
@function SciSslSocket:sslTrace
@tparam boolean on
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `not_initialized`, `closed`, `memory_full`
@see SSL_set_msg_callback(3)
@see SSL_set_info_callback(3)
*/
static int sslsocket_trace(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    luaL_checktype(L, 2, LUA_TBOOLEAN);
    bool on = lua_toboolean(L, 2);
    if (!socket->ssl) return sci_fail_own(L, "option", socket->closed ? "closed" : "not_initialized", NULL);
    if (on && !socket->trace) socket->trace = OPENSSL_zalloc(sizeof *socket->trace);
    if (on && !socket->trace) return sci_fail_own(L, "option", "memory_full", NULL);
    if (!on) sci_ssl_drop_trace(socket);
    sci_ssl_watch_messages(socket, socket->ssl);
    return sci_return_receiver(L);
}

static void push_event(lua_State *L, const event *noted) {
    lua_createtable(L, 0, 6);
    lua_pushnumber(L, noted->time);
    lua_setfield(L, -2, "time");
    sci_set_text(L, "kind", noted->kind);
    sci_set_text(L, "name", noted->name);
    if (!noted->direction) return;
    sci_set_text(L, "direction", noted->direction == '>' ? "sent" : "received");
    sci_set_integer(L, "length", (lua_Integer)noted->length);
    sci_set_text(L, "version", sci_protocol_name(noted->version));
}

/***
Returns the events since the last call, in order.
@function SciSslSocket:traceEvents
@treturn {table,...} `time` (number, seconds on the clock of `SciSocket.now()`), `kind` (`"handshake"`, `"alert"`,
 `"changeCipherSpec"`, `"state"`), `name` (such as `"ClientHello"`; for a state OpenSSL's text) and, except for states,
 `direction` (`"sent"`, `"received"`), `length` (bytes), `version`
@treturn integer how many more were lost: 256 are kept
*/
static int sslsocket_trace_events(lua_State *L) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    lua_createtable(L, socket->trace ? (int)socket->trace->count : 0, 0);
    /* A finalizer may end the trace, or take its events, while values are made here. */
    for (size_t i = 0; socket->trace && i < socket->trace->count; i++) {
        const event noted = socket->trace->events[i];
        push_event(L, &noted);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_pushinteger(L, socket->trace ? socket->trace->lost : 0);
    if (socket->trace) socket->trace->count = 0;
    if (socket->trace) socket->trace->lost = 0;
    return 2;
}

static const luaL_Reg trace_methods[] = {
    {"sslTrace", sslsocket_trace}, {"traceEvents", sslsocket_trace_events}, {NULL, NULL}};

void sci_open_trace(lua_State *L) { luaL_setfuncs(L, trace_methods, 0); }
