/* compat.h: OpenSSL's headers, and its versions told apart by capability. */
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

/* OpenSSL 4 answers pointers to const where 3.x answers plain ones. */
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

/* Bytes of four full records with what belongs to them, to be brought by one read of the transport. From 3.2 on a length that
 * is set after the handshake counts no more until keys change: 0. */
#if OPENSSL_VERSION_NUMBER < 0x30200000L
#define SCI_READ_BUFFER 66560
#else
#define SCI_READ_BUFFER 0
#endif

/* Records that the kernel encrypts: where OpenSSL was compiled for it, and Linux's headers name what it needs. */
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

/* For what `require` runs: compilers put cold functions together, so that loading touches few pages of the code. */
#if defined(__GNUC__) || defined(__clang__)
#define SCI_AT_LOAD __attribute__((cold))
#else
#define SCI_AT_LOAD
#endif

#endif
