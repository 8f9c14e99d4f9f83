/* suspend.c: SciSslSocket, handshakes that stand still until their caller has looked, decided, and repeats the call: at the
 * client's hello, where a certificate is needed, and where the peer is judged. OpenSSL's callbacks here note and answer;
 * Lua runs between the calls. */
#include "connection/connection.h"

#include <string.h>

/* ---- what OpenSSL asks ------------------------------------------------------------------------------------------ */

static bool stops_at(const sci_sslsocket *socket, int station) {
    return (socket->suspends_at & station) && !(socket->passed & station);
}

static void stop_at(sci_sslsocket *socket, int station) {
    socket->passed |= station;
    socket->station = station;
    socket->judgement = SCI_NO_OPINION;
}

/* Goes on from the station. False: the caller has refused. */
static bool leave_station(sci_sslsocket *socket) {
    bool refused = socket->station && socket->judgement == SCI_REFUSED;
    socket->station = 0;
    socket->handler_failed = socket->handler_failed || refused;
    return !refused;
}

/* OpenSSL asks for no certificate where the cipher suite is anonymous, not even where the flags insist on one. */
static bool insist_on_certificate(SSL *ssl) {
    return !(SSL_get_verify_mode(ssl) & SSL_VERIFY_FAIL_IF_NO_PEER_CERT) || sci_ssl_refuse_anonymous(ssl);
}

static int on_client_hello(SSL *ssl, int *alert, void *unused) {
    sci_sslsocket *socket = SSL_get_app_data(ssl);
    (void)unused;
    if (stops_at(socket, SCI_AT_CLIENT_HELLO)) {
        stop_at(socket, SCI_AT_CLIENT_HELLO);
        return SSL_CLIENT_HELLO_RETRY;
    }
    bool accepted = leave_station(socket);
    if (accepted) sci_transport_stop_recording(&socket->transport); /* sslSetContext comes no later than here */
    *alert = accepted ? SSL_AD_INTERNAL_ERROR : socket->refusal;
    return accepted && insist_on_certificate(ssl) ? SSL_CLIENT_HELLO_SUCCESS : SSL_CLIENT_HELLO_ERROR;
}

static int on_certificate(SSL *ssl, void *unused) {
    sci_sslsocket *socket = SSL_get_app_data(ssl);
    (void)unused;
    if (!stops_at(socket, SCI_AT_CERTIFICATE)) return leave_station(socket);
    stop_at(socket, SCI_AT_CERTIFICATE);
    return -1;
}

/* The results of verification that OpenSSL says as these alerts; it says every other as certificate_unknown. */
static long result_of_alert(int alert) {
    switch (alert) {
        case SSL_AD_BAD_CERTIFICATE: return X509_V_ERR_CERT_REJECTED;
        case SSL_AD_UNSUPPORTED_CERTIFICATE: return X509_V_ERR_INVALID_PURPOSE;
        case SSL_AD_CERTIFICATE_REVOKED: return X509_V_ERR_CERT_REVOKED;
        case SSL_AD_CERTIFICATE_EXPIRED: return X509_V_ERR_CERT_HAS_EXPIRED;
        case SSL_AD_UNKNOWN_CA: return X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;
        case SSL_AD_DECRYPT_ERROR: return X509_V_ERR_CERT_SIGNATURE_FAILURE;
        case SSL_AD_HANDSHAKE_FAILURE: return X509_V_ERR_APPLICATION_VERIFICATION;
        case SSL_AD_INTERNAL_ERROR: return X509_V_ERR_UNSPECIFIED;
        default: return X509_V_ERR_OCSP_CERT_UNKNOWN;
    }
}

static void note_verdict(sci_sslsocket *socket, X509_STORE_CTX *store, bool verified) {
    socket->rejected = !verified;
    socket->verdict = X509_STORE_CTX_get_error(store);
    socket->verdict_depth = X509_STORE_CTX_get_error_depth(store);
}

/* An approval holds for this certificate until the connection ends: renegotiations show it again. */
static void note_approval(sci_sslsocket *socket, X509 *certificate) {
    if (!socket->rejected || !certificate || !X509_up_ref(certificate)) return;
    X509_free(socket->approved);
    socket->approved = certificate;
}

static bool is_approved(const sci_sslsocket *socket, X509_STORE_CTX *store) {
    const X509 *certificate = X509_STORE_CTX_get0_cert(store);
    return socket->approved && certificate && X509_cmp(socket->approved, certificate) == 0;
}

/* The check was made before the handshake was suspended: its result counts, and the chain that goes with it. */
static int carry_out(sci_sslsocket *socket, X509_STORE_CTX *store) {
    sci_judgement judgement = socket->judgement;
    X509_STORE_CTX_set0_verified_chain(store, socket->verdict_chain);
    socket->verdict_chain = NULL;
    X509_STORE_CTX_set_error_depth(store, socket->verdict_depth);
    X509_STORE_CTX_set_error(store, (int)socket->verdict);
    if (!leave_station(socket)) {
        X509_STORE_CTX_set_error(store, (int)result_of_alert(socket->refusal));
        return 0;
    }
    if (judgement == SCI_APPROVED) note_approval(socket, X509_STORE_CTX_get0_cert(store));
    return judgement == SCI_APPROVED || socket->lenient || !socket->rejected;
}

static bool names_host_in_subject(const X509_VERIFY_PARAM *param, X509 *leaf) {
    unsigned int flags = X509_VERIFY_PARAM_get_hostflags(param);
    const char *host;
    if (!(flags & X509_CHECK_FLAG_NEVER_CHECK_SUBJECT)) return false;
    flags &= ~(unsigned int)X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
    for (int i = 0; (host = X509_VERIFY_PARAM_get0_host((X509_VERIFY_PARAM *)param, i)) != NULL; i++)
        if (X509_check_host(leaf, host, 0, flags, NULL) == 1) return true;
    return false;
}

/* RFC 9525 lets no common name count. OpenSSL says no more than that the certificate is for another host. */
static bool has_common_name_only(X509_STORE_CTX *store) {
    X509 *leaf = X509_STORE_CTX_get0_cert(store);
    return X509_STORE_CTX_get_error(store) == X509_V_ERR_HOSTNAME_MISMATCH && leaf &&
           names_host_in_subject(X509_STORE_CTX_get0_param(store), leaf);
}

/* A client stands still right here. A server must never retry, it would accept: it goes on for now, and stands still before
 * it says anything that the client could take for a yes. */
static int await_verdict(sci_sslsocket *socket, X509_STORE_CTX *store, bool verified) {
    note_verdict(socket, store, verified);
    if (socket->role == SCI_SERVER) return 1;
#ifdef SSL_set_retry_verify
    if (X509_STORE_CTX_get0_chain(store)) socket->verdict_chain = X509_STORE_CTX_get1_chain(store);
    stop_at(socket, SCI_AT_VERIFY);
    return SSL_set_retry_verify(socket->ssl);
#else
    return verified;
#endif
}

/* In place of X509_verify_cert. */
static int on_verify(X509_STORE_CTX *store, void *unused) {
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    sci_sslsocket *socket = ssl ? SSL_get_app_data(ssl) : NULL;
    (void)unused;
    if (!socket) return X509_verify_cert(store) > 0;
    if (socket->role == SCI_CLIENT && socket->station == SCI_AT_VERIFY) return carry_out(socket, store);
    bool verified = X509_verify_cert(store) > 0;
    if (!verified) socket->only_common_name = has_common_name_only(store);
    if (stops_at(socket, SCI_AT_VERIFY)) return await_verdict(socket, store, verified);
    return verified || is_approved(socket, store);
}

void sci_ssl_install_suspension(SSL_CTX *ctx) {
    SSL_CTX_set_client_hello_cb(ctx, on_client_hello, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, on_verify, NULL);
}

void sci_ssl_install_stations(const sci_sslsocket *socket, SSL *ssl) {
    if (socket->suspends_at & SCI_AT_CERTIFICATE) SSL_set_cert_cb(ssl, on_certificate, NULL);
}

void sci_ssl_forget_stations(sci_sslsocket *socket) {
    sk_X509_pop_free(socket->verdict_chain, X509_free);
    socket->verdict_chain = NULL;
    socket->passed = socket->station = 0;
    socket->judgement = SCI_NO_OPINION;
    socket->lenient = socket->rejected = false;
    X509_free(socket->approved);
    socket->approved = NULL;
}

/* ---- a refusal of our own -------------------------------------------------------------------------------------- */

/* Up to TLS 1.2 a server has sent nothing encrypted before its last flight, which begins here: after the client's Finished,
 * or, where a session is resumed, with the server's hello. Until that leaves, an alert is a record in plain text. */
void sci_ssl_withhold(sci_sslsocket *socket) {
    const SSL *ssl = socket->ssl;
    if (!stops_at(socket, SCI_AT_VERIFY) || SSL_version(ssl) >= TLS1_3_VERSION) return;
    OSSL_HANDSHAKE_STATE last = SSL_session_reused(ssl) ? TLS_ST_SW_SRVR_HELLO : TLS_ST_SR_FINISHED;
    if (SSL_get_state(ssl) == last) socket->transport.withheld = true;
}

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

/* Where a session is resumed nothing has been verified in this handshake: OpenSSL's verdict is that of now. */
static void take_verdict(sci_sslsocket *socket) {
    long now = sci_ssl_judge_resumed(socket->ssl);
    if (now != X509_V_OK) SSL_set_verify_result(socket->ssl, now);
    if (SSL_session_reused(socket->ssl)) {
        socket->rejected = now != X509_V_OK && !sci_ssl_overlooks_resumed(socket, now);
        socket->verdict_depth = 0;
    }
    socket->verdict = SSL_get_verify_result(socket->ssl);
}

/* Neither the caller nor OpenSSL lets the peer in. */
static void end_as_rejected(lua_State *L, sci_sslsocket *socket, const char *phase) {
    socket->refusal = sci_alert_of_result(socket->verdict);
    (void)SSL_CTX_remove_session(SSL_get_SSL_CTX(socket->ssl), SSL_get_session(socket->ssl));
    sci_ssl_send_refusal(L, socket);
    ERR_raise(ERR_LIB_SSL, SSL_R_CERTIFICATE_VERIFY_FAILED);
    sci_ssl_push_error(L, socket, SSL_ERROR_SSL, phase);
}

bool sci_ssl_pass_judgement(lua_State *L, sci_sslsocket *socket, const char *phase) {
    if (stops_at(socket, SCI_AT_VERIFY)) {
        take_verdict(socket);
        stop_at(socket, SCI_AT_VERIFY);
        sci_ssl_push_not_yet(L, socket, SSL_ERROR_WANT_RETRY_VERIFY);
        return false;
    }
    bool judged = socket->station == SCI_AT_VERIFY, approved = judged && socket->judgement == SCI_APPROVED;
    if (!leave_station(socket)) {
        sci_ssl_send_refusal(L, socket);
        sci_ssl_push_error(L, socket, SSL_ERROR_SSL, phase);
        return false;
    }
    if (judged && socket->rejected && !approved) {
        end_as_rejected(L, socket, phase);
        return false;
    }
    if (approved) note_approval(socket, SSL_get0_peer_certificate(socket->ssl));
    socket->transport.withheld = false;
    return true;
}

/* ---- what the caller asks for, sees and decides ----------------------------------------------------------------- */

static int read_stations(lua_State *L) {
    static const char *const names[] = {"clientHello", "certificate", "verify", NULL};
    int stations = 0, top = lua_gettop(L);
    for (int i = 2; i <= top; i++) stations |= 1 << luaL_checkoption(L, i, NULL, names);
    return stations;
}

/***
Says where the handshake is to be suspended, so that its caller can look and decide. There `sslAccept` or `sslConnect`
answers "not yet", and `sslGetError` tells which it is. Repeating the call goes on, each station comes once.

* `"clientHello"`, `SSL_ERROR_WANT_CLIENT_HELLO_CB`, servers: `clientHello()` tells what the client offers; `sslSetContext`,
  `sslUseCertificate`, `sslSetAlpn`, `sslSetVerify`, `setSession` and `sslRefuse` may answer it
* `"certificate"`, `SSL_ERROR_WANT_X509_LOOKUP`: ours is needed; `sslUseCertificate` supplies it. On a client
  `acceptedIssuers()` tells whose the server accepts
* `"verify"`, `SSL_ERROR_WANT_RETRY_VERIFY`: `sslVerdict()` tells what OpenSSL thinks of the peer; `sslApprove` and
  `sslRefuse` overrule it, and without either it counts. A client and, up to TLS 1.2, a server stand still in
  mid-handshake, so that the peer gets an alert. A server of TLS 1.3, and a client that resumes a session, stand still when
  the handshake is done and before any application data is handed out; such a server takes no early data
@function SciSslSocket:sslSuspendAt
@tparam string ... any of these names; none: nowhere
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `not_initialized`, `handshake_under_way`, `closed`; `not_in_this_openssl`: `"verify"`
 needs OpenSSL 3.0.2
@see SSL_CTX_set_client_hello_cb(3)
@see SSL_set_cert_cb(3)
@see SSL_set_retry_verify(3)
*/
static int sslsocket_suspend_at(lua_State *L) {
    int stations = read_stations(L);
    sci_sslsocket *socket = sci_check_before_handshake(L);
    if (!socket) return 2;
#ifndef SSL_set_retry_verify
    if (stations & SCI_AT_VERIFY) return sci_fail_missing(L, "option", "verify", "OpenSSL 3.0.2");
#endif
    socket->suspends_at = stations;
    SSL_set_cert_cb(socket->ssl, stations & SCI_AT_CERTIFICATE ? on_certificate : NULL, NULL);
    if (stations & SCI_AT_CLIENT_HELLO) sci_transport_record(&socket->transport);
    return sci_return_receiver(L);
}

/* The receiver where it is suspended at one of `stations`. NULL: nil, SciSslError were pushed. */
static sci_sslsocket *check_suspended(lua_State *L, int stations) {
    sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    if (!socket->closed && !socket->failed && (socket->station & stations)) return socket;
    sci_fail_own(L, "option", socket->closed ? "closed" : "not_suspended", NULL);
    return NULL;
}

/***
Approves the peer, whatever OpenSSL thinks of its certificate: for a handshake that is suspended at `"verify"`. Then repeat
the call. The approval holds for that certificate until the connection ends. `sslVerifyCertificate` goes on answering OpenSSL's
own result. A client without a certificate is refused before, where `SSL_VERIFY_FAIL_IF_NO_PEER_CERT` insists on one.
@function SciSslSocket:sslApprove
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `not_suspended`, `closed`
*/
static int sslsocket_approve(lua_State *L) {
    sci_sslsocket *socket = check_suspended(L, SCI_AT_VERIFY);
    if (!socket) return 2;
    socket->judgement = SCI_APPROVED;
    return sci_return_receiver(L);
}

static int read_alert(lua_State *L, const sci_sslsocket *socket) {
    if (lua_isnoneornil(L, 2))
        return socket->station == SCI_AT_VERIFY ? SSL_AD_BAD_CERTIFICATE : SSL_AD_HANDSHAKE_FAILURE;
    lua_Integer alert = -1;
    if (lua_type(L, 2) == LUA_TNUMBER) alert = luaL_checkinteger(L, 2);
    else alert = sci_find_alert(sci_check_text(L, 2));
    luaL_argcheck(L, alert > 0 && alert <= 255, 2, "name or number of a TLS alert expected, such as 'access_denied'");
    return (int)alert;
}

/***
Ends a suspended handshake: the next call sends the alert and answers the SciSslError. Its condition is `refused`, or
`handler_failed` where there is a `cause`.

At `"clientHello"` any alert can be sent. At `"certificate"` OpenSSL always sends internal_error. At `"verify"` a client
sends bad_certificate, unsupported_certificate, certificate_revoked, certificate_expired, unknown_ca, decrypt_error,
handshake_failure or internal_error, and certificate_unknown in place of all others; a server sends any. A client that has
resumed a session cuts the connection: OpenSSL offers nothing else once the handshake is done.
@function SciSslSocket:sslRefuse
@tparam[opt] string|integer alert its name in the RFCs, or its number; without it `bad_certificate` at `"verify"`, else
 `handshake_failure`
@tparam[opt] string reason for our own SciSslError: its message
@param[opt] cause any value, for our own SciSslError
@tparam[opt] string traceback of the cause
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `not_suspended`, `closed`
@raise for an alert that there is not
@see RFC 8446, section 6
*/
static int sslsocket_refuse(lua_State *L) {
    lua_settop(L, 5);
    (void)luaL_optstring(L, 3, NULL);
    (void)luaL_optstring(L, 5, NULL);
    sci_sslsocket *socket = check_suspended(L, SCI_AT_CLIENT_HELLO | SCI_AT_CERTIFICATE | SCI_AT_VERIFY);
    if (!socket) return 2;
    socket->refusal = read_alert(L, socket);
    socket->judgement = SCI_REFUSED; /* whether or not there is memory for the words */
    lua_createtable(L, 0, 3);
    lua_insert(L, 3);
    lua_setfield(L, 3, "traceback");
    lua_setfield(L, 3, "cause");
    lua_setfield(L, 3, "reason");
    lua_setiuservalue(L, 1, SCI_SSL_CAUSE);
    return sci_return_receiver(L);
}

static bool get_verified(const void *owner, void **list) {
    const sci_sslsocket *socket = owner;
    STACK_OF(X509) *chain = socket->verdict_chain ? socket->verdict_chain : SSL_get0_verified_chain(socket->ssl);
    *list = chain ? X509_chain_up_ref(chain) : NULL;
    return !chain || *list;
}

/***
Answers what OpenSSL thinks of the peer, while the handshake is suspended at `"verify"`.
@function SciSslSocket:sslVerdict
@treturn[1] table `ok` (boolean: it has presented a certificate that OpenSSL would accept), `code` (integer, `X509_V_OK` or
 an `X509_V_ERR_…`; nil where it has presented none), `text`, `depth` (integer: which certificate of the chain the code is
 about, 0 is the peer's own), `chain` (array of SciSslX509Certificate: what the peer presented, its own first; empty where
 it presented none), `verified` (array: the chain as OpenSSL built it, empty where it could not), `resumed` (boolean: by a
 session that was judged before)
@treturn[2] nil
@treturn[2] SciSslError condition `not_suspended`, `closed`
@see X509_STORE_CTX_get_error(3)
*/
static int sslsocket_verdict(lua_State *L) {
    const sci_sslsocket *socket = check_suspended(L, SCI_AT_VERIFY);
    if (!socket) return 2;
    bool presented = SSL_get0_peer_certificate(socket->ssl) || sk_X509_num(SSL_get_peer_cert_chain(socket->ssl)) > 0;
    lua_createtable(L, 0, 7);
    lua_pushboolean(L, presented && socket->verdict == X509_V_OK);
    lua_setfield(L, -2, "ok");
    if (presented) lua_pushinteger(L, socket->verdict);
    else lua_pushnil(L);
    lua_setfield(L, -2, "code");
    if (presented) lua_pushstring(L, X509_verify_cert_error_string(socket->verdict));
    else lua_pushliteral(L, "the peer presented no certificate");
    lua_setfield(L, -2, "text");
    lua_pushinteger(L, socket->verdict_depth);
    lua_setfield(L, -2, "depth");
    lua_pushboolean(L, SSL_session_reused(socket->ssl));
    lua_setfield(L, -2, "resumed");
    sci_push_presented(L, socket->ssl);
    lua_setfield(L, -2, "chain");
    sci_push_certificates_of(L, get_verified, socket);
    lua_setfield(L, -2, "verified");
    return 1;
}

/***
Answers the records that the client's hello came in, as they came. `clientHello()` reads them.
@function SciSslSocket:clientHelloRecords
@treturn ?string nil where the handshake is not suspended, or was never to be suspended at `"clientHello"`
@see RFC 8446, section 4.1.2
*/
static int sslsocket_client_hello_records(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    const sci_queue *seen = &socket->transport.seen;
    if (socket->station && seen->length > 0) lua_pushlstring(L, (const char *)seen->bytes + seen->start, seen->length);
    else lua_pushnil(L);
    return 1;
}

static const luaL_Reg suspend_methods[] = {
    {"sslSuspendAt", sslsocket_suspend_at},
    {"sslApprove", sslsocket_approve},
    {"sslRefuse", sslsocket_refuse},
    {"sslVerdict", sslsocket_verdict},
    {"clientHelloRecords", sslsocket_client_hello_records},
    {NULL, NULL},
};

void sci_open_suspend(lua_State *L) { luaL_setfuncs(L, suspend_methods, 0); }
