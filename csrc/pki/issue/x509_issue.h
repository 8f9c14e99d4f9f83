/* x509_issue.h: what the files that make certificates share: x509_issue.c (options, names, dates, signature) and
 * x509_issue_extensions.c. */
#ifndef SCISSL_X509_ISSUE_H
#define SCISSL_X509_ISSUE_H

#include "pki/issue/issue.h"

#define OPTIONS 1 /* stack index of the table of options */

/* The stack index of each option's value, in the order of the names below. */
enum {
    SUBJECT = OPTIONS + 1,
    NAMES,
    KEY,
    ISSUER,
    ISSUER_KEY,
    CA,
    DAYS,
    NOT_BEFORE,
    NOT_AFTER,
    SERIAL,
    DIGEST,
    USAGE,
    EXTENDED_USAGE,
    PATH_LENGTH,
    OCSP_URIS,
    CA_ISSUER_URIS,
    CRL_URIS,
    POLICIES,
    EXTENSIONS,
    REQUEST,
};

typedef struct issue_request {
    const char *subject;
    size_t subject_length;
    EVP_PKEY *key;
    X509_REQ *from; /* NULL: there is no request */
    X509 *issuer;   /* NULL: the certificate is its own issuer */
    EVP_PKEY *issuer_key;
    bool ca;
    lua_Integer not_before, not_after;          /* seconds since the epoch */
    const char *serial;                         /* hexadecimal; NULL: random */
    const char *digest;                         /* NULL: the one that suits the key */
    lua_Integer names, usages, extended_usages; /* lengths of the lists */
    bool default_usage, default_extended_usage;
    lua_Integer path_length;                                               /* -1: not limited */
    lua_Integer ocsp_uris, ca_issuer_uris, crl_uris, policies, extensions; /* lengths of the lists */
} issue_request;

/* x509_issue_extensions.c: adds the extensions. Raises only when Lua is out of memory. */
bool sci_add_extensions(lua_State *L, X509 *certificate, const issue_request *request, sci_failure *failure);

#endif
