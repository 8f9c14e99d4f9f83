/* connection.h: SciSslSocket, a connection (SSL).
 *
 * A SciSslSocket is made once and may have several SSLs, one after the other: sslInitialize makes one, sslSetContext replaces
 * it in mid-handshake, close and collection drop it. `ssl` is NULL before sslInitialize and after close. initialize.c and
 * close.c list, in order, what each part of a connection does at these moments:
 *   - sci_ssl_inherit_…  copies what SSL_new does not copy from the context. The context is on top of the stack.
 *   - sci_ssl_reset_…    at sslInitialize: the part is as for a new connection.
 *   - sci_ssl_drop_…     frees what the part holds. May be called again.
 *
 * Calls of the document (sslRead, sslConnect …) push exactly one value: a result, an integer <= 0 ("not ready" or "closed"; the
 * code behind it is kept for sslGetError), or a SciSslError. result.c pushes all of these. Other methods push their value,
 * or nil and a SciSslError. "False: a result was pushed" below means the first kind.
 *
 * Lua runs inside of OpenSSL's calls only by sci_ssl_call_lua, under lua_pcall. In all other functions here Lua may run only
 * as a finalizer, where a value is made (see base.h). A finalizer may close the socket: then `closed` is set, and the SSL stays
 * until the socket is collected. So `socket->ssl`, once it was not NULL, stays valid for the rest of a method.
 *
 * The receiver is at stack index 1 in every function that takes a lua_State and a socket. */
#ifndef SCISSL_CONNECTION_H
#define SCISSL_CONNECTION_H

#include "connection/sslsocket.h"

/* ---- receiver.c: the receiver of a method ------------------------------------------------------------------------ */

/* Any SciSslSocket, closed ones too; raises for anything else. Borrowed. */
sci_sslsocket *sci_check_sslsocket(lua_State *L, int index);

/* The SSL of the receiver once the handshake is completed. NULL: nothing is known of the peer. */
SSL *sci_ssl_get_secured(lua_State *L);

/* Whether the socket is closed, or the object that owns its descriptor has closed that. */
bool sci_ssl_is_closed(const sci_sslsocket *socket);

/* The SciSslSocket at index 1, after sslInitialize and before its handshake, or suspended at the ClientHello. NULL: nil,
 * SciSslError were pushed. */
sci_sslsocket *sci_check_before_handshake(lua_State *L);

/* Adds methods to the class table on top. The metatable of the class is their first upvalue, which makes
 * sci_check_sslsocket fast: for methods that are called for each record. */
void sci_ssl_add_methods(lua_State *L, const luaL_Reg *methods);

/* ---- initialize.c: making an SSL --------------------------------------------------------------------------------- */

/* Gives the socket a new SSL that inherits from `context`. False: OpenSSL's queue says why; nothing has changed. */
bool sci_ssl_make(lua_State *L, sci_sslsocket *socket, sci_context *context);

/* Frees the SSL, and what the parts hold of it. */
void sci_ssl_drop_ssl(sci_sslsocket *socket);

/* Whether a TLS connection has begun and has not ended. */
bool sci_ssl_has_connection(const sci_sslsocket *socket);

/* ---- close.c: methods -------------------------------------------------------------------------------------------- */

int sci_ssl_close(lua_State *L);
int sci_ssl_collect(lua_State *L);

/* ---- result.c: what calls push ----------------------------------------------------------------------------------- */

void sci_ssl_reset_result(sci_sslsocket *socket);

/* Whether a TLS call can be made now. False: a result was pushed: "not ready", or a SciSslError that says what is missing. */
bool sci_ssl_ready(lua_State *L, sci_sslsocket *socket, const char *phase);

/* The same, and the handshake is completed. */
bool sci_ssl_ready_for_data(lua_State *L, sci_sslsocket *socket, const char *phase);

/* Pushes a SciSslError of our own, and returns false. The connection goes on. `message` may be NULL. */
bool sci_ssl_fail(lua_State *L, const char *phase, const char *condition, const char *message);

/* The same for a call that must wait until a write is repeated: pushes why the transport did not take that write, or the
 * condition `write_pending`. */
bool sci_ssl_fail_pending(lua_State *L, const sci_sslsocket *socket, const char *phase, const char *message);

/* Pushes the result of an OpenSSL call that has just returned `result` <= 0: "not ready", 0 for the peer's close_notify, or a
 * SciSslError, which is kept where it ends the connection. Returns the SSL_ERROR_… code. Empties OpenSSL's queue. */
int sci_ssl_push_failure(lua_State *L, sci_sslsocket *socket, int result, const char *phase);

/* The same while looking ahead: pushes nothing, and the next read returns the failure. */
int sci_ssl_keep_failure(lua_State *L, sci_sslsocket *socket, int result);

/* Pushes the SciSslError of a failure with the code `code` of SSL_get_error. It ends the connection, or its writes. */
void sci_ssl_push_error(lua_State *L, sci_sslsocket *socket, int code, const char *phase);

/* Ends the connection, or its writes alone. Called before the error is made: making it may raise, and the connection must not
 * go on then. */
void sci_ssl_set_failed(lua_State *L, sci_sslsocket *socket, bool write_only);

/* A write begins after one that failed: it may succeed. */
void sci_ssl_forget_write_failure(sci_sslsocket *socket);

/* Pushes `-code`, and keeps it for sslGetError and events. */
void sci_ssl_push_not_ready(lua_State *L, sci_sslsocket *socket, int code);

/* Pushes 0, and keeps the code behind it. */
void sci_ssl_push_zero(lua_State *L, sci_sslsocket *socket, int code);

/* For a call that pushes a positive result itself: the socket waits for nothing. */
void sci_ssl_note_success(sci_sslsocket *socket);

/* Pushes a positive result. */
void sci_ssl_push_count(lua_State *L, sci_sslsocket *socket, size_t count);

/* Pushes bytes that OpenSSL no longer has, behind sci_ssl_note_success. Where memory runs out this raises, and the connection
 * has failed. */
void sci_ssl_push_bytes(lua_State *L, sci_sslsocket *socket, const void *bytes, size_t length);

/* Pushes bytes that OpenSSL still has. */
void sci_ssl_push_copy(lua_State *L, sci_sslsocket *socket, const void *bytes, size_t length);

/* Encloses calls that may raise while bytes of the stream are in C memory alone: if they raise, the connection has failed. */
void sci_ssl_hold_bytes(sci_sslsocket *socket, bool held);

/* ---- lua_callback.c: Lua inside of an OpenSSL call --------------------------------------------------------------- */

/* These two enclose each OpenSSL operation: the queue is empty before it, and callbacks find the lua_State. */
void sci_ssl_begin(lua_State *L, sci_sslsocket *socket);
void sci_ssl_end(sci_sslsocket *socket);

/* Whether a callback may use sci_ssl_call_lua. */
bool sci_ssl_in_call(const sci_sslsocket *socket);

/* Calls the function below `arguments` values on the stack of `socket->callback.L`, under lua_pcall. False: it raised, and
 * nothing is left on the stack; what it raised becomes the cause of the SciSslError in which the OpenSSL call ends. Callers
 * reserve stack with lua_checkstack, and push nothing that allocates outside of the function. */
bool sci_ssl_call_lua(sci_sslsocket *socket, int arguments, int results);

/* The handshake ends because of SCI_SSL_CAUSE. */
void sci_ssl_end_by_handler(sci_sslsocket *socket);

/* Says in `failure` what a handler raised, and leaves it on the stack. False: no handler has ended the handshake. */
bool sci_ssl_explain_handler(lua_State *L, sci_sslsocket *socket, sci_failure *failure);

void sci_ssl_reset_callback(sci_sslsocket *socket);
void sci_ssl_drop_callback(sci_sslsocket *socket);

/* ---- handshake.c ------------------------------------------------------------------------------------------------- */

/* Makes the connection a client or a server, once. False: a result was pushed. */
bool sci_ssl_take_role(lua_State *L, sci_sslsocket *socket, sci_role role, const char *phase);
bool sci_ssl_begin_as_server(sci_sslsocket *socket); /* false: OpenSSL's queue says why */

void sci_ssl_reset_handshake(sci_sslsocket *socket);
void sci_ssl_forget_handshake(sci_sslsocket *socket); /* closed: nothing is known of the peer any more */

/* ---- post_handshake.c -------------------------------------------------------------------------------------------- */

/* Whether a server of TLS 1.3 can send a message after the handshake. False: a result was pushed. */
bool sci_ssl_may_message_client(lua_State *L, sci_sslsocket *socket, const char *phase);

/* Sends the handshake message that OpenSSL was asked for; `asked`: what OpenSSL returned. Ends what sci_ssl_begin began. */
int sci_ssl_send_message(lua_State *L, sci_sslsocket *socket, int asked, const char *phase);

/* ---- suspend.c: suspension points -------------------------------------------------------------------------------- */

/* Whether the handshake is to be suspended at `point`, and was not yet. */
bool sci_ssl_must_suspend(const sci_sslsocket *socket, int point);
void sci_ssl_suspend(sci_sslsocket *socket, int point);
bool sci_ssl_resume(sci_sslsocket *socket); /* false: the caller has rejected; the handshake ends */

/* The caller approves what the handshake is suspended at. */
void sci_ssl_approve(sci_sslsocket *socket);

/* The receiver where it is suspended at one of `points`. NULL: nil, SciSslError were pushed. */
sci_sslsocket *sci_ssl_check_suspended(lua_State *L, int points);

void sci_ssl_install_client_hello(SSL_CTX *ctx);
void sci_ssl_install_certificate(const sci_sslsocket *socket, SSL *ssl);
void sci_ssl_reset_suspend(sci_sslsocket *socket);

/* ---- verdict.c: verification of the peer ------------------------------------------------------------------------- */

void sci_ssl_install_verification(SSL_CTX *ctx);

/* For a client that is suspended at SCI_AT_VERIFY: OpenSSL verifies whatever the flags say. */
void sci_ssl_require_verdict(sci_sslsocket *socket);

/* From the info callback: a server up to TLS 1.2 that waits for a decision sends nothing from its last flight on. */
void sci_ssl_hold_last_flight(sci_sslsocket *socket);

/* For a handshake that is done, or waits to send what the transport withholds: suspends it once at SCI_AT_VERIFY, and carries
 * out the decision. False: a result was pushed. */
bool sci_ssl_settle_verdict(lua_State *L, sci_sslsocket *socket, const char *phase);

/* Whether the client of a resumed session still passes verification. True where the caller decides (SCI_AT_VERIFY). False: a
 * result was pushed. */
bool sci_ssl_accept_resumption(lua_State *L, sci_sslsocket *socket, const char *phase);

void sci_ssl_reset_verdict(sci_sslsocket *socket);
void sci_ssl_drop_verdict(sci_sslsocket *socket);

/* ---- verify_errors.c --------------------------------------------------------------------------------------------- */

/* Notes the error of a resumed session as one of this handshake. Whether the handshake goes on. */
bool sci_ssl_note_resumed_error(sci_sslsocket *socket, long result);
void sci_ssl_reset_verify_errors(sci_sslsocket *socket);

/* ---- resumption_check.c: whether a session may be resumed -------------------------------------------------------- */

/* For a server: whether `session` may be resumed, which OpenSSL would resume. */
bool sci_ssl_may_resume(const SSL *ssl, const SSL_SESSION *session);

/* For a server that has resumed a session: X509_V_OK, or why the client no longer passes. */
long sci_ssl_verify_resumed(const SSL *ssl);

/* For a client: whether it may offer its session. Where it verifies, the server's chain is verified again. */
bool sci_ssl_may_offer_session(sci_sslsocket *socket);

void sci_ssl_take_session_chain(lua_State *L, sci_sslsocket *socket, int index); /* of the OSSslSession at `index` */
void sci_ssl_drop_session_chain(sci_sslsocket *socket);

/* ---- sessions.c -------------------------------------------------------------------------------------------------- */

void sci_ssl_install_sessions(SSL_CTX *ctx);

/* The session that setSession has set at the ClientHello, if it has that id. The caller owns it. NULL: there is none. */
SSL_SESSION *sci_ssl_take_offered(sci_sslsocket *socket, const unsigned char *id, int length);

/* Whether a server accepts early data, once for each session: OpenSSL finds out by its own cache. */
bool sci_ssl_takes_early_data_once(const SSL *ssl);

/* Gives a session that this connection makes the time-out that the connection inherited. */
void sci_ssl_set_session_timeout(const sci_sslsocket *socket, SSL_SESSION *session);

void sci_ssl_inherit_sessions(lua_State *L, sci_sslsocket *socket, const sci_context *context);
void sci_ssl_drop_sessions(sci_sslsocket *socket);

/* ---- session_lookup.c, session_tickets.c ------------------------------------------------------------------------- */

void sci_ssl_install_session_lookup(SSL_CTX *ctx);
bool sci_ssl_install_tickets(SSL_CTX *ctx); /* false: OpenSSL's queue says why */
void sci_ssl_reset_ticket(sci_sslsocket *socket);

/* ---- alerts.c ---------------------------------------------------------------------------------------------------- */

void sci_ssl_note_alert(sci_sslsocket *socket, bool sent, int value); /* `value` as of the info callback */

/* Sends a fatal alert where OpenSSL does not: a server's last flight is withheld, or a server of TLS 1.3 has completed the
 * handshake. A client sends nothing. Leaves OpenSSL's queue empty. */
void sci_ssl_send_alert(lua_State *L, sci_sslsocket *socket, int alert);

/* Before SSL_new, which copies custom extensions. False: OpenSSL's queue says why. */
bool sci_ssl_install_alerts(SSL_CTX *ctx);
void sci_ssl_reset_alerts(sci_sslsocket *socket);

/* ---- message_limits.c: messages that carry no data --------------------------------------------------------------- */

void sci_ssl_count_message(sci_sslsocket *socket); /* the one that OpenSSL has just read */
void sci_ssl_note_data(sci_sslsocket *socket);     /* application data came */

/* Says in `failure` which limit has ended the connection. False: none did. */
bool sci_ssl_explain_limit(const sci_sslsocket *socket, sci_failure *failure);
void sci_ssl_reset_limits(sci_sslsocket *socket);

/* ---- read.c ------------------------------------------------------------------------------------------------------ */

/* Lets OpenSSL process what has come, without waiting and without taking application data. `buffered_only`: without reading
 * the transport. */
void sci_ssl_look_ahead(lua_State *L, sci_sslsocket *socket, bool buffered_only);

/* Whether sslRead would return something else than "not ready" before the transport becomes readable. */
bool sci_ssl_dirty(lua_State *L, sci_sslsocket *socket);
bool sci_ssl_is_clean(const sci_sslsocket *socket); /* nothing is read ahead: it is not dirty, wherever it stands */

/* As sslRead, where a server has a datagram for a socket that has a route. The first raises nothing. */
void sci_ssl_read_laid(lua_State *L, sci_sslsocket *socket, sci_laid *laid);
void sci_ssl_push_laid(lua_State *L, sci_sslsocket *socket, const sci_laid *laid);

/* The scratch buffer of the lua_State, SCI_SCRATCH bytes. Inside of a callback or a finalizer the call outside uses that, so
 * another buffer is pushed. A call that raises leaves it to the next call, or to the end of the SSL, to give it back. */
unsigned char *sci_ssl_take_scratch(lua_State *L, sci_sslsocket *socket);
void sci_ssl_give_scratch_back(sci_sslsocket *socket);

/* Reads what has come into `bytes`, which hold `size`, and adds its length to `*length`. False: the result of sslRead was
 * pushed. */
bool sci_ssl_read_into(lua_State *L, sci_sslsocket *socket, unsigned char *bytes, size_t size, size_t *length);

/* Whether the read that has just succeeded has probably left nothing behind, so that the next read would find nothing. */
bool sci_ssl_has_read_all(const sci_sslsocket *socket);

void sci_ssl_reset_read(sci_sslsocket *socket);

/* ---- write.c ----------------------------------------------------------------------------------------------------- */

/* How far a write has come. */
typedef struct sci_written {
    size_t total;     /* bytes written */
    int result;       /* > 0: all; 0: OpenSSL has failed; below 0: the transport is full */
    const char *rest; /* what was not written */
} sci_written;

/* Whether `length` bytes may be written now. False: a result was pushed. */
bool sci_ssl_may_write(lua_State *L, sci_sslsocket *socket, const char *bytes, size_t length);

/* Writes record after record, and adds to `written`. */
void sci_ssl_write_records(sci_sslsocket *socket, const char *bytes, size_t length, sci_written *written);

/* Pushes the result of a write, and keeps the bytes that the next write must pass again. They are part of the string at
 * index `string`; 0: they are in C memory, and a string is made of them. */
int sci_ssl_return_written(lua_State *L, sci_sslsocket *socket, const sci_written *written, int string);

/* Writes `length` bytes at `bytes`, which are in the string at index `string`, and pushes the result of sslWrite. */
void sci_ssl_push_written(lua_State *L, sci_sslsocket *socket, int string, const char *bytes, size_t length);

/* Whether a write has to go on with a renegotiation before OpenSSL takes bytes. That may call handlers, which may call anything
 * that moves or frees bytes in C memory. So where bytes are there, and not in a string, sci_ssl_renegotiate_first comes before the
 * write. It returns true: try again, with the bytes where they are now; false: a result of sslWrite was pushed. */
bool sci_ssl_renegotiates(const sci_sslsocket *socket);
bool sci_ssl_renegotiate_first(lua_State *L, sci_sslsocket *socket, const char *bytes, size_t length);

void sci_ssl_reset_write(lua_State *L, sci_sslsocket *socket);
void sci_ssl_drop_write(sci_sslsocket *socket);

/* ---- record_buffers.c -------------------------------------------------------------------------------------------- */

void sci_ssl_keep_heap(void); /* once, before there are connections */

/* Notes that the socket is busy, and lets it keep OpenSSL's record buffers where another one that is idle can lose them. */
void sci_ssl_keep_buffers(sci_sslsocket *socket);

void sci_ssl_note_moved(sci_sslsocket *socket); /* before the end of a call that has moved data */

void sci_ssl_note_message(sci_sslsocket *socket); /* OpenSSL has read a message that is no data */

void sci_ssl_drop_buffers(sci_sslsocket *socket);

/* ---- own_certificate.c, peer.c ----------------------------------------------------------------------------------- */

X509 *sci_ssl_own_certificate(SSL *ssl);               /* borrowed; NULL: none, or unknown which of several */
void sci_push_presented(lua_State *L, const SSL *ssl); /* pushes an array of the certificates that the peer sent */

/* A list of its own: the certificate, if there is one, and those of the chain. False: out of memory. */
bool sci_copy_certificates(X509 *first, STACK_OF(X509) *chain, void **list);

/* ---- alpn.c ------------------------------------------------------------------------------------------------------ */

void sci_ssl_install_alpn(SSL_CTX *ctx);
void sci_ssl_inherit_alpn(lua_State *L, sci_sslsocket *socket, const sci_context *context);

/* ---- anonymous_cipher.c ------------------------------------------------------------------------------------------ */

/* Takes the anonymous cipher suites out of what the connection offers or accepts. False: out of memory. */
bool sci_ssl_exclude_anonymous(SSL *ssl);

/* ---- dh_params.c ------------------------------------------------------------------------------------------------- */

/* From the info callback of a server: gets the group from Lua where one is needed next. */
void sci_ssl_choose_dh(sci_sslsocket *socket);
void sci_ssl_reset_dh(lua_State *L, sci_sslsocket *socket);

/* ---- fit_path.c -------------------------------------------------------------------------------------------------- */

#define SCI_SSL_LEAST_MTU 256

long sci_ssl_current_mtu(const sci_sslsocket *socket);
bool sci_ssl_apply_mtu(sci_sslsocket *socket, long bytes); /* false: OpenSSL's queue says why */
void sci_ssl_follow_path(sci_sslsocket *socket);           /* does nothing where the system does not know the path */

/* At the end of a call: where a datagram was too long for the path, the next ones are shorter. */
void sci_ssl_fit_path(sci_sslsocket *socket);

/* ---- datagram.c: DTLS -------------------------------------------------------------------------------------------- */

#define SCI_SSL_MTU 1232 /* bytes of a datagram that every path of IPv6 carries: 1,280 without the headers */

/* For a new SSL of DTLS. False: OpenSSL's queue says why. */
bool sci_ssl_prepare_datagrams(const sci_sslsocket *socket, SSL *ssl);

/* At the end of a handshake. */
void sci_ssl_note_least_record(sci_sslsocket *socket);

/* Whether OpenSSL waits for a reply, and in how many seconds it sends its last flight again. */
bool sci_ssl_resends_in(const sci_sslsocket *socket, double *seconds);

/* For a call that needs a stream of bytes. True: the connection is one of DTLS, and a SciSslError was pushed. */
bool sci_ssl_refuse_datagrams(lua_State *L, const sci_sslsocket *socket, const char *phase);

/* Writes one message, which is one datagram, and pushes the result of sslWrite. Where `length` is more than a record takes, it is
 * refused, and `bytes` need not have so many. */
void sci_ssl_push_message_sent(lua_State *L, sci_sslsocket *socket, const char *bytes, size_t length);

/* ---- dtls_listen.c ----------------------------------------------------------------------------------------------- */

void sci_ssl_install_cookies(SSL_CTX *ctx);
void sci_ssl_reset_cookie(sci_sslsocket *socket);

/* For a new SSL that reads the ClientHello again: it need not return its cookie once more. False: OpenSSL has failed. */
bool sci_ssl_listen_again(lua_State *L, sci_sslsocket *socket);

/* ---- dane.c, early_data.c ---------------------------------------------------------------------------------------- */

void sci_ssl_reset_dane(sci_sslsocket *socket);

void sci_ssl_inherit_early_data(lua_State *L, sci_sslsocket *socket, const sci_context *context);
void sci_ssl_reset_early_data(sci_sslsocket *socket);

/* ---- keylog.c ---------------------------------------------------------------------------------------------------- */

void sci_ssl_inherit_keylog(lua_State *L, sci_sslsocket *socket, const sci_context *context);
void sci_ssl_drop_keylog(sci_sslsocket *socket); /* wipes the lines, which close leaves for their owner */

/* ---- ocsp_stapling.c --------------------------------------------------------------------------------------------- */

/* Whether a client accepts that certificate only with a good OCSP response. */
bool sci_ssl_needs_staple(const sci_sslsocket *socket, const X509 *certificate);

/* Says in `failure` why the stapled OCSP response ended the handshake. False: it did not. */
bool sci_ssl_explain_ocsp(const sci_sslsocket *socket, sci_failure *failure);
void sci_ssl_inherit_ocsp(lua_State *L, sci_sslsocket *socket, const sci_context *context);
void sci_ssl_reset_ocsp(sci_sslsocket *socket);

/* ---- ech.c ------------------------------------------------------------------------------------------------------- */

/* Says in `failure` that the server has not decrypted the ClientHello. False: that is not the reason. */
bool sci_ssl_explain_ech(sci_failure *failure);
void sci_ssl_add_retry_configs(lua_State *L, const sci_sslsocket *socket); /* to the SciSslError on top that says so */

bool sci_ssl_keep_ech(SSL *from, SSL *to); /* the keys of a server. False: out of memory */

/* Where a server has decrypted the ClientHello at which it is suspended: pushes a record with it. False: nothing was pushed. */
bool sci_ssl_push_inner_hello(lua_State *L, const sci_sslsocket *socket);

/* ---- pins.c ------------------------------------------------------------------------------------------------------ */

/* The raw public key that the peer presented in place of a certificate. Borrowed; NULL: none. */
const EVP_PKEY *sci_ssl_raw_key(const SSL *ssl);
const EVP_PKEY *sci_ssl_session_raw_key(SSL_SESSION *session);
void sci_ssl_push_raw_key(lua_State *L, const SSL *ssl); /* pushes a table, or nil */

/* Where the socket has pins: X509_V_OK, or why the key in the certificate, or without one the raw key, does not pass. */
long sci_ssl_verify_pin(const sci_sslsocket *socket, SSL *ssl, X509 *certificate, const EVP_PKEY *raw);

/* The same in place of X509_verify_cert. */
bool sci_ssl_verify_by_pin(const sci_sslsocket *socket, X509_STORE_CTX *store);

/* Says in `failure` that the peer has none of the keys. False: that is not the reason. */
bool sci_ssl_explain_pin(const sci_sslsocket *socket, sci_failure *failure);
void sci_ssl_inherit_pins(lua_State *L, sci_sslsocket *socket, const sci_context *context);

/* ---- psk.c ------------------------------------------------------------------------------------------------------- */

/* Says in `failure` what is wrong with the pre-shared key. False: nothing that is known. */
bool sci_ssl_explain_psk(const sci_sslsocket *socket, sci_failure *failure);
void sci_ssl_inherit_psk(lua_State *L, sci_sslsocket *socket, const sci_context *context);
void sci_ssl_drop_psk(sci_sslsocket *socket);

/* ---- shutdown.c, trace.c ----------------------------------------------------------------------------------------- */

void sci_ssl_reset_shutdown(sci_sslsocket *socket);

void sci_ssl_note_state(const sci_sslsocket *socket, int where);    /* from the info callback */
void sci_ssl_watch_messages(const sci_sslsocket *socket, SSL *ssl); /* where a trace, or the ClientHello, needs them */
void sci_ssl_drop_trace(sci_sslsocket *socket);

/* ---- openers ----------------------------------------------------------------------------------------------------- */

void sci_open_sslsocket(lua_State *L);
int sci_ssl_accept_now(lua_State *L);    /* acceptNow, for scissl.listen */
void sci_finish_sslsocket(lua_State *L); /* gives the class what it inherits from SciSocket */

/* Each adds its methods to the table of the class SciSslSocket, which is on top. */
void sci_open_alerts(lua_State *L);
void sci_open_alpn(lua_State *L);
void sci_open_anonymous_cipher(lua_State *L);
void sci_open_channel_binding(lua_State *L);
void sci_open_close(lua_State *L);
void sci_open_dane(lua_State *L);
void sci_open_datagram(lua_State *L);
void sci_open_datagram_peers(lua_State *L); /* adds what scissl.datagram uses to the table on top */
void sci_open_dh_params(lua_State *L);
void sci_open_dtls_listen(lua_State *L);
void sci_open_early_data(lua_State *L);
void sci_open_ech(lua_State *L);
void sci_open_handshake(lua_State *L);
void sci_open_initialize(lua_State *L);
void sci_open_keylog(lua_State *L);
void sci_open_memory_transport(lua_State *L);
void sci_open_negotiated(lua_State *L);
void sci_open_ocsp_stapling(lua_State *L);
void sci_open_own_certificate(lua_State *L);
void sci_open_peer(lua_State *L);
void sci_open_pins(lua_State *L);
void sci_open_post_handshake(lua_State *L);
void sci_open_psk(lua_State *L);
void sci_open_read(lua_State *L);
void sci_open_result(lua_State *L);
void sci_open_sendfile(lua_State *L);
void sci_open_session_tickets(lua_State *L);
void sci_open_sessions(lua_State *L);
void sci_open_setup(lua_State *L);
void sci_open_shutdown(lua_State *L);
void sci_open_suspend(lua_State *L);
void sci_open_switch_context(lua_State *L);
void sci_open_trace(lua_State *L);
void sci_open_verdict(lua_State *L);
void sci_open_verify_errors(lua_State *L);
void sci_open_write(lua_State *L);

#endif
