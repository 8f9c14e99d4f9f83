/* module.c: scissl.core: the module's entry and the list of all classes. Only this file knows all rooms. */
#include "luasec/luasec.h"

#include <string.h>

/* The Lua files compare this with theirs: an older or newer core.so may lack what they call. It is the version, and a digest of
 * the names in C, which spec/support/reference/generate.lua writes here and into lua/scissl/init.lua. */
#define NAMES "2a9ede15"
#define BUILD SCISSL_VERSION " " NAMES

/* ---- classes, and the files that their methods are in -------------------------------------------------------------- */

static sci_opener *const socket_files[] = {
    sci_open_socket_adopt,    sci_open_socket_address, sci_open_socket_connect,
    sci_open_socket_datagram, sci_open_path_mtu,       sci_open_socket_io,
    sci_open_socket_option,   sci_open_socket_poll,    NULL,
};

static sci_opener *const certificate_files[] = {
    sci_open_x509_key_usage,
    sci_open_x509_chain,
    sci_open_x509_verify,
    sci_open_x509_extension,
    sci_open_x509_issue,
    sci_open_tlsa,
    NULL,
};

static sci_opener *const crl_files[] = {sci_open_crl_issue, NULL};

static sci_opener *const request_files[] = {sci_open_x509_request_issue, NULL};

static sci_opener *const ocsp_files[] = {sci_open_ocsp_issue, NULL};

static sci_opener *const context_files[] = {
    sci_open_context_alpn,
    sci_open_context_certificate,
    sci_open_context_ciphers,
    sci_open_context_client_ca,
    sci_open_context_compression,
    sci_open_context_conf,
    sci_open_context_crl,
    sci_open_context_describe,
    sci_open_context_early_data,
    sci_open_context_ech,
    sci_open_context_inherit,
    sci_open_context_keylog,
    sci_open_context_ocsp,
    sci_open_context_options,
    sci_open_context_pins,
    sci_open_context_pkcs12,
    sci_open_context_protocols,
    sci_open_context_psk,
    sci_open_context_records,
    sci_open_context_session_cache,
    sci_open_context_tickets,
    sci_open_context_trust,
    sci_open_context_trust_uri,
    sci_open_context_verify,
    NULL,
};

static sci_opener *const connection_files[] = {
    sci_open_alerts,
    sci_open_alpn,
    sci_open_anonymous_cipher,
    sci_open_channel_binding,
    sci_open_close,
    sci_open_dane,
    sci_open_datagram,
    sci_open_dh_params,
    sci_open_dtls_listen,
    sci_open_early_data,
    sci_open_ech,
    sci_open_handshake,
    sci_open_initialize,
    sci_open_keylog,
    sci_open_memory_transport,
    sci_open_negotiated,
    sci_open_ocsp_stapling,
    sci_open_own_certificate,
    sci_open_peer,
    sci_open_pins,
    sci_open_post_handshake,
    sci_open_psk,
    sci_open_read,
    sci_open_result,
    sci_open_sendfile,
    sci_open_session_tickets,
    sci_open_sessions,
    sci_open_setup,
    sci_open_shutdown,
    sci_open_suspend,
    sci_open_switch_context,
    sci_open_trace,
    sci_open_verdict,
    sci_open_verify_errors,
    sci_open_write,
    NULL,
};

static const sci_class classes[] = {
    {SCI_ERROR, sci_open_error, NULL, NULL},
    {SCI_SOCKET, sci_open_socket, socket_files, NULL},
    {SCI_POLLER, sci_open_poller, NULL, NULL},
    {SCI_SIGNALS, sci_open_signals, NULL, NULL},
    {SCI_LOOK_UP, sci_open_look_up, NULL, NULL},
    {SCI_KEY, sci_open_key, NULL, NULL},
    {SCI_CERTIFICATE, sci_open_certificate, certificate_files, NULL},
    {SCI_CRL, sci_open_crl, crl_files, NULL},
    {SCI_REQUEST, sci_open_request, request_files, NULL},
    {SCI_CIPHER, sci_open_cipher, NULL, NULL},
    {"SciSslOcsp", sci_open_ocsp, ocsp_files, NULL},
    {"SciSslPkcs12", sci_open_pkcs12, NULL, NULL},
    {SCI_SESSION, sci_open_session, NULL, NULL},
    {SCI_CONTEXT, sci_open_context, context_files, NULL},
    {SCI_SSL_SOCKET, sci_open_sslsocket, connection_files, sci_finish_sslsocket},
    {SCI_VERSION, sci_open_version, NULL, NULL},
    {SCI_LIBRARY, sci_open_library, NULL, NULL},
    {NULL, NULL, NULL, NULL},
};

/* ---- scissl.core: a field is made when it is first used ------------------------------------------------------------- */

static bool push_constant(lua_State *L, const char *name) {
    for (const sci_constant *constant = sci_constants; constant->name; constant++)
        if (strcmp(constant->name, name) == 0) {
            lua_pushinteger(L, constant->value);
            return true;
        }
    return false;
}

/* The __index of scissl.core: makes the field, and stores it in the table. */
static int module_index(lua_State *L) {
    size_t length;
    luaL_checktype(L, 1, LUA_TTABLE);
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tolstring(L, 2, &length) : NULL;
    if (!name || strlen(name) != length) return 0;
    if (sci_find_class(L, name)) sci_push_class(L, name);
    else if (!push_constant(L, name)) return 0;
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    lua_rawset(L, 1);
    return 1;
}

static int module_next(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    if (lua_next(L, 1)) return 2;
    lua_pushnil(L);
    return 1;
}

static void make_field(lua_State *L, const char *name) {
    lua_getfield(L, 1, name);
    lua_pop(L, 1);
}

/* The __pairs of scissl.core: makes all fields first. */
static int module_pairs(lua_State *L) {
    luaL_checkany(L, 1);
    for (const sci_class *class = classes; class->name; class ++) make_field(L, class->name);
    for (const sci_constant *constant = sci_constants; constant->name; constant++) make_field(L, constant->name);
    lua_pushcfunction(L, module_next);
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

/***
Tells whether a value is a SciSslError.
@function scissl.isSslError
@param value anything
@treturn boolean
*/
static int is_ssl_error(lua_State *L) {
    lua_pushboolean(L, sci_is_error(L, 1));
    return 1;
}

static const luaL_Reg core_functions[] = {
    {"isSslError", is_ssl_error}, {"digest", sci_digest}, {"randomBytes", sci_random_bytes},
    {"seal", sci_seal},           {"unseal", sci_unseal}, {NULL, NULL},
};

SCI_AT_LOAD static void set_metatable(lua_State *L) {
    static const luaL_Reg metamethods[] = {
        {"__index", module_index},
        {"__pairs", module_pairs},
        {"extend", sci_extend_class}, /* this and the following are internal, for the Lua layer */
        {"nameDistance", sci_measure_names},
        {"findHole", sci_return_hole},
        {"connectState", sci_connect_state},
        {"countWaits", sci_count_waits},
        {"makeRunTasks", sci_make_run_tasks},
        {"wakeReady", sci_wake_ready},
        {"newThread", sci_new_thread},
        {"acceptNow", sci_ssl_accept_now},
        {"makeSleepers", sci_make_sleepers},
        {"stampFiles", sci_stamp_files},
        {"replaceFile", sci_replace_file},
        {"lockFile", sci_lock_file},
        {"defaultTrust", sci_default_trust},
        {"base64", sci_base64},
        {"trimHeap", sci_trim_heap},
        {NULL, NULL},
    };
    luaL_newlib(L, metamethods);
    sci_set_text(L, "build", BUILD);
    sci_open_closing(L);
    sci_open_datagram_peers(L);
    sci_open_stream_bytes(L);
    sci_open_stream_link(L);
    sci_open_stream_read(L);
    sci_open_stream_write(L);
    sci_open_stream_serve(L);
    sci_open_luasec_object(L);
    sci_open_luasec_connection(L);
    sci_open_luasec_password(L);
    lua_setmetatable(L, -2);
}

#if defined(__GNUC__) || defined(__clang__)
#define SCI_EXPORT __attribute__((visibility("default")))
#else
#define SCI_EXPORT
#endif

SCI_EXPORT int luaopen_scissl_core(lua_State *L);

SCI_AT_LOAD int luaopen_scissl_core(lua_State *L) {
    luaL_checkversion(L);
    sci_check_library(L);
    sci_open_state(L, classes);
    luaL_newlib(L, core_functions);
#ifdef OPENSSL_NO_CT
    lua_pushboolean(L, false);
#else
    lua_pushboolean(L, true);
#endif
    lua_setfield(L, -2, "hasCertificateTransparency");
#ifdef SCI_KTLS
    lua_pushboolean(L, true);
#else
    lua_pushboolean(L, false);
#endif
    lua_setfield(L, -2, "hasKtls");
    set_metatable(L);
    return 1;
}
