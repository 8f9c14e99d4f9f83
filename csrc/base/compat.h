/* compat.h: OpenSSL's headers, and what differs between its versions and between systems. */
#ifndef SCISSL_COMPAT_H
#define SCISSL_COMPAT_H

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#if OPENSSL_VERSION_NUMBER < 0x30000000L
#error "scissl needs OpenSSL 3.0 or later"
#endif

/* OpenSSL 4 returns pointers to const where 3.x returns plain ones. */
#if OPENSSL_VERSION_MAJOR >= 4
#define SCI_CONST4 const
#else
#define SCI_CONST4
#endif

/* macOS and older BSDs have SO_NOSIGPIPE on the socket instead of a flag on the call. */
#include <sys/socket.h>
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

/* Linux alone can be told that more will follow. */
#ifndef MSG_MORE
#define MSG_MORE 0
#endif

/* kTLS: where OpenSSL was compiled with it, and Linux's headers have what it needs. */
#if defined(__linux__) && defined(SOL_TLS) && !defined(OPENSSL_NO_KTLS) && defined(__has_include)
#if __has_include(<linux/tls.h>)
#define SCI_KTLS
#endif
#endif

#if defined(__GNUC__) || defined(__clang__)
#define SCI_PRINTF(format, first) __attribute__((format(printf, format, first)))
#else
#define SCI_PRINTF(format, first)
#endif

/* SCI_AT_LOAD: for functions that only `require` runs: compilers put cold functions together, so that loading touches few pages.
 * SCI_APART: for the rare part of a function that is called often: inlined, it would make each call save more registers. */
#if defined(__GNUC__) || defined(__clang__)
#define SCI_AT_LOAD __attribute__((cold))
#define SCI_APART __attribute__((noinline))
#else
#define SCI_AT_LOAD
#define SCI_APART
#endif

#endif
