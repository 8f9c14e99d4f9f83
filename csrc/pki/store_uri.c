/* store_uri.c: why OpenSSL could not open a URI (OSSL_STORE). */
#include "pki/pki.h"

#include <errno.h>
#include <openssl/store.h>

/* OpenSSL tries a URI as a path first. The last error is about the URI's own scheme. */
bool sci_explain_store(sci_failure *failure) {
    unsigned long code = ERR_peek_last_error();
    int reason = ERR_GET_REASON(code);
    if (ERR_SYSTEM_ERROR(code) && reason == ENOENT) return sci_refuse(failure, "file_missing", NULL);
    if (ERR_GET_LIB(code) == ERR_LIB_OSSL_STORE &&
        (reason == OSSL_STORE_R_UNREGISTERED_SCHEME || reason == ERR_R_UNSUPPORTED))
        return sci_refuse(failure, "unknown_scheme", NULL);
    return sci_refuse(failure, "store_unreadable", NULL);
}
