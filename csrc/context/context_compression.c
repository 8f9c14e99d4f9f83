/* context_compression.c: SciSslContext, compression of certificates (RFC 8879). */
#include "context/context.h"

#include <string.h>

/* The numbers of RFC 8879, and whether this OpenSSL was compiled with the algorithm. OPENSSL_NO_COMP_ALG: with none of them. */
#if defined(TLSEXT_comp_cert_zlib) && !defined(OPENSSL_NO_COMP_ALG)
#define COMPRESSES 1
#else
#define COMPRESSES 0
#endif
#if COMPRESSES && !defined(OPENSSL_NO_ZLIB)
#define HAS_ZLIB true
#else
#define HAS_ZLIB false
#endif
#if COMPRESSES && !defined(OPENSSL_NO_BROTLI)
#define HAS_BROTLI true
#else
#define HAS_BROTLI false
#endif
#if COMPRESSES && !defined(OPENSSL_NO_ZSTD)
#define HAS_ZSTD true
#else
#define HAS_ZSTD false
#endif

static const struct {
    const char *name;
    int number;
    bool known;
} algorithms[] = {{"zlib", 1, HAS_ZLIB}, {"brotli", 2, HAS_BROTLI}, {"zstd", 3, HAS_ZSTD}};

#define ALGORITHMS (sizeof algorithms / sizeof *algorithms)
#define NEEDS "an OpenSSL 3.2 or later that was compiled with it"

typedef struct preference {
    int list[ALGORITHMS];
    size_t count;
    const char *missing; /* static: an algorithm that this OpenSSL does not have */
} preference;

static bool add_algorithm(preference *wanted, const char *name, size_t length) {
    for (size_t i = 0; i < ALGORITHMS; i++) {
        if (strlen(algorithms[i].name) != length || strcmp(algorithms[i].name, name) != 0) continue;
        for (size_t j = 0; j < wanted->count; j++)
            if (wanted->list[j] == algorithms[i].number) return false;
        wanted->list[wanted->count++] = algorithms[i].number;
        if (!algorithms[i].known) wanted->missing = algorithms[i].name;
        return true;
    }
    return false;
}

static bool read_preference(lua_State *L, preference *wanted) {
    lua_Integer count = sci_check_list(L, 2);
    bool good = true;
    for (lua_Integer i = 1; i <= count && good; i++) {
        size_t length;
        lua_rawgeti(L, 2, i);
        luaL_argexpected(L, lua_type(L, -1) == LUA_TSTRING, 2, "table of strings");
        const char *name = lua_tolstring(L, -1, &length);
        good = add_algorithm(wanted, name, length);
        lua_pop(L, 1);
    }
    return good;
}

#if COMPRESSES
/* Without the compressed forms of all certificates none is sent compressed. */
void sci_context_compress_again(const sci_context *context) {
    if (!context->compression.compressed) return;
    ERR_set_mark();
    if (SSL_CTX_compress_certs(context->ctx, 0) != 1)
        SSL_CTX_set_options(context->ctx, SSL_OP_NO_TX_CERTIFICATE_COMPRESSION);
    ERR_pop_to_mark();
}

/* A certificate may have changed while an algorithm that is chosen now was not: its compressed form would be the earlier one's. */
static bool prefer(const sci_context *context, preference *wanted) {
    SSL_CTX *ctx = context->ctx;
    const uint64_t off = SSL_OP_NO_TX_CERTIFICATE_COMPRESSION | SSL_OP_NO_RX_CERTIFICATE_COMPRESSION;
    if (wanted->count == 0) {
        SSL_CTX_set_options(ctx, off);
        return true;
    }
    if (SSL_CTX_set1_cert_comp_preference(ctx, wanted->list, wanted->count) != 1) return false;
    SSL_CTX_clear_options(ctx, off);
    sci_context_compress_again(context);
    return true;
}
#else
void sci_context_compress_again(const sci_context *context) { (void)context; }

static bool prefer(const sci_context *context, preference *wanted) {
    (void)context;
    return wanted->count == 0;
}
#endif

/***
Sets the algorithms by which certificates of TLS 1.3 are compressed (RFC 8879): those that the peer may use, most preferred first, and
those that this side uses where the peer allows them. Without a call these are all that the loaded OpenSSL was compiled with. Later
connections only. A server compresses its certificates by `compressCertificates`, once for all connections; a client does it
in each handshake.
@function SciSslContext:setCertificateCompression
@tparam {string,...} names `"zlib"`, `"brotli"`, `"zstd"`; an empty list: no compression in either direction
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `unknown_compression`; `not_in_this_openssl`: the loaded OpenSSL is older than 3.2, or was
 compiled without that algorithm; the context is unchanged
@see SSL_CTX_set1_cert_comp_preference(3)
@see RFC 8879
*/
static int context_set_certificate_compression(lua_State *L) {
    const sci_context *context = sci_check_context(L, 1);
    preference wanted = {.count = 0};
    if (!read_preference(L, &wanted))
        return sci_fail_own(L, "option", "unknown_compression",
                            "expected a list of 'zlib', 'brotli' and 'zstd', each once at most");
    if (wanted.missing) return sci_fail_missing(L, "option", wanted.missing, NEEDS);
    sci_clear_errors();
    if (!prefer(context, &wanted)) return sci_fail_openssl(L, "option", "setCertificateCompression");
    return sci_return_receiver(L);
}

/***
Compresses the context's own certificates now, for the connections of a server, by the algorithms of
`setCertificateCompression`. Certificates that are set later, and algorithms that are chosen later, count as well. Without this
call a server compresses none. A certificate that is sent with an OCSP response is not compressed.
@function SciSslContext:compressCertificates
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError phase `load`; condition `no_certificate`; `not_in_this_openssl`: the loaded OpenSSL has no such
 algorithm
@see SSL_CTX_compress_certs(3)
*/
static int context_compress_certificates(lua_State *L) {
    sci_context *context = sci_check_context(L, 1);
    sci_clear_errors();
    if (!SSL_CTX_get0_certificate(context->ctx)) return sci_fail_own(L, "load", "no_certificate", NULL);
#if COMPRESSES
    if (SSL_CTX_compress_certs(context->ctx, 0) != 1) return sci_fail_openssl(L, "load", "compressCertificates");
    context->compression.compressed = true;
    return sci_return_receiver(L);
#else
    return sci_fail_missing(L, "load", "compressCertificates", NEEDS);
#endif
}

static const luaL_Reg compression_methods[] = {
    {"setCertificateCompression", context_set_certificate_compression},
    {"compressCertificates", context_compress_certificates},
    {NULL, NULL},
};

void sci_open_context_compression(lua_State *L) { luaL_setfuncs(L, compression_methods, 0); }
