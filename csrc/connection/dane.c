/* dane.c: SciSslSocket, verification by TLSA records of the DNS (DANE, RFC 6698, RFC 7671). */
#include "connection/connection.h"

#include <string.h>

void sci_ssl_reset_dane(sci_sslsocket *socket) { socket->dane.enabled = false; }

/***
Prepares a client for TLSA records. Call it before the handshake, then call `sslAddTlsa` for each record. It sets the host to
verify and, unless that is set already, the server name (SNI). With at least one usable record the server's certificate must
match one of them; with usage DANE-TA or DANE-EE the trust store does not count. The connection resumes no session, since a
session may have been made without this check.

The records must come from a resolver that has validated them with DNSSEC. scissl cannot check that.
@function SciSslSocket:sslSetDane
@tparam string host the base domain of the TLSA records
@tparam[opt] table options `eeNameChecks = false`: a certificate that matches a DANE-EE record may be for any name
 (RFC 7671, section 5.1)
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `bad_host_name`, `not_initialized`, `handshake_under_way`, `closed`, or `dane_twice`
@see SSL_dane_enable(3)
*/
static int sslsocket_set_dane(lua_State *L) {
    static const char *const names[] = {"eeNameChecks", NULL};
    char host[SCI_HOST_SIZE];
    if (!sci_read_host_name(L, 2, host)) return 2;
    bool name_checks = true;
    if (!lua_isnoneornil(L, 3)) {
        int value = sci_push_options(L, 3, names);
        name_checks = lua_isnil(L, value) || lua_toboolean(L, value);
    }
    sci_sslsocket *socket = sci_check_before_handshake(L);
    if (!socket) return 2;
    if (socket->dane.enabled) return sci_fail_own(L, "option", "dane_twice", NULL);
    sci_clear_errors();
    if (SSL_CTX_dane_enable(SSL_get_SSL_CTX(socket->ssl)) <= 0 || SSL_dane_enable(socket->ssl, host) <= 0)
        return sci_fail_openssl(L, "option", "DANE");
    if (!name_checks) SSL_dane_set_flags(socket->ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
    socket->dane.enabled = true;
    return sci_return_receiver(L);
}

static bool numbers_unknown(void) {
    int reason = ERR_GET_REASON(ERR_peek_last_error());
    return reason == SSL_R_DANE_TLSA_BAD_CERTIFICATE_USAGE || reason == SSL_R_DANE_TLSA_BAD_SELECTOR ||
           reason == SSL_R_DANE_TLSA_BAD_MATCHING_TYPE;
}

/***
Adds a TLSA record, which the server's certificate may match.
@function SciSslSocket:sslAddTlsa
@tparam integer|string usage 0 `PKIX-TA`, 1 `PKIX-EE`, 2 `DANE-TA`, 3 `DANE-EE`
@tparam integer|string selector 0 `Cert`, 1 `SPKI`
@tparam integer|string matchingType 0 `Full`, 1 `SHA2-256`, 2 `SHA2-512`
@tparam string data raw bytes
@treturn[1] SciSslSocket the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `tlsa_unusable`: OpenSSL does not know the numbers, and the record is ignored; `bad_tlsa`:
 the data do not fit the numbers; `dane_needed`: call `sslSetDane` first;
 `not_initialized`, `handshake_under_way`, `closed`
@see SSL_dane_tlsa_add(3)
*/
static int sslsocket_add_tlsa(lua_State *L) {
    uint8_t usage = sci_check_tlsa_number(L, 2, sci_tlsa_usages),
            selector = sci_check_tlsa_number(L, 3, sci_tlsa_selectors);
    uint8_t matching_type = sci_check_tlsa_number(L, 4, sci_tlsa_matching_types);
    size_t length;
    const unsigned char *data = (const unsigned char *)luaL_checklstring(L, 5, &length);
    const sci_sslsocket *socket = sci_check_before_handshake(L);
    if (!socket) return 2;
    if (!socket->dane.enabled) return sci_fail_own(L, "option", "dane_needed", NULL);
    if (length == 0) return sci_fail_own(L, "option", "bad_tlsa", "the data are empty");
    sci_clear_errors();
    if (SSL_dane_tlsa_add(socket->ssl, usage, selector, matching_type, data, length) > 0) return sci_return_receiver(L);
    return sci_fail(L,
                    &(sci_failure){.phase = "option", .condition = numbers_unknown() ? "tlsa_unusable" : "bad_tlsa"});
}

/***
Returns the TLSA record that the peer's certificate matched.
@function SciSslSocket:daneAuthority
@treturn ?table `depth` (integer: which certificate of the chain matched, 0 is the peer's own), `usage`, `selector`,
 `matchingType` (integers), `data` (string, raw bytes), `certificate` (the SciSslX509Certificate that matched; missing
 where a bare public key did); nil where no record matched
@see SSL_get0_dane_authority(3)
*/
static int sslsocket_dane_authority(lua_State *L) {
    const sci_sslsocket *socket = sci_check_sslsocket(L, 1);
    X509 **slot = sci_new_certificate(L), *certificate = NULL;
    const unsigned char *data = NULL;
    uint8_t usage = 0, selector = 0, matching_type = 0;
    size_t length = 0;
    int depth = socket->ssl && socket->dane.enabled ? SSL_get0_dane_authority(socket->ssl, &certificate, NULL) : -1;
    if (depth < 0 || SSL_get0_dane_tlsa(socket->ssl, &usage, &selector, &matching_type, &data, &length) < 0) {
        lua_pushnil(L);
        return 1;
    }
    if (certificate && X509_up_ref(certificate)) *slot = certificate;
    lua_pushlstring(L, (const char *)data, length);
    lua_createtable(L, 0, 6);
    lua_insert(L, -2);
    lua_setfield(L, -2, "data");
    sci_set_integer(L, "depth", depth);
    sci_set_integer(L, "usage", usage);
    sci_set_integer(L, "selector", selector);
    sci_set_integer(L, "matchingType", matching_type);
    if (*slot) {
        lua_pushvalue(L, -2);
        lua_setfield(L, -2, "certificate");
    }
    return 1;
}

static const luaL_Reg dane_methods[] = {
    {"sslSetDane", sslsocket_set_dane},
    {"sslAddTlsa", sslsocket_add_tlsa},
    {"daneAuthority", sslsocket_dane_authority},
    {NULL, NULL},
};

void sci_open_dane(lua_State *L) { luaL_setfuncs(L, dane_methods, 0); }
