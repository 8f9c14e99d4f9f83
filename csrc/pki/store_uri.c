/* store_uri.c: opening what is at a URI (OSSL_STORE), and why that failed. */
#include "pki/pki.h"

#include <errno.h>
#include <string.h>

static bool is_out_of_memory(unsigned long code) {
    return !ERR_SYSTEM_ERROR(code) && ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE;
}

/* The loader of a scheme, with a reference. NULL: there is none. */
static OSSL_STORE_LOADER *fetch_loader(const char *scheme, OSSL_LIB_CTX *library) {
    OSSL_STORE_LOADER *loader = OSSL_STORE_LOADER_fetch(library, scheme, NULL);
    sci_clear_errors();
    return loader;
}

/* The loader of the URI's own scheme, where that is another one than `file`. */
static OSSL_STORE_LOADER *fetch_own_loader(const char *uri, OSSL_LIB_CTX *library) {
    char scheme[64];
    size_t length = strcspn(uri, ":");
    if (uri[length] != ':' || length >= sizeof scheme) return NULL;
    (void)OPENSSL_strlcpy(scheme, uri, length + 1);
    return sci_same_name(scheme, "file") ? NULL : fetch_loader(scheme, library);
}

/* Whether OSSL_STORE_open_ex failed in its last allocation, of the OSSL_STORE_CTX, with a loader at hand. */
static bool lacked_last_memory(void) {
    const char *file = NULL;
    unsigned long code = ERR_peek_last_error_all(&file, NULL, NULL, NULL, NULL);
    if (!is_out_of_memory(code)) return false;
    return ERR_GET_LIB(code) == ERR_LIB_OSSL_STORE || (file && strstr(file, "store_lib.c")); /* 3.0; 3.2 and later */
}

/* OSSL_STORE_open_ex (crypto/store/store_lib.c, seen in OpenSSL 3.0.19 and 3.0.22) frees its reference to the loader twice where
 * its last allocation fails: in ossl_store_close_it, and again. Our reference stands for the one that is then missing. Any URI may be
 * a path, so the loader may be that of `file`, or of the URI's own scheme: where both exist, both keep a reference. */
OSSL_STORE_CTX *sci_open_store(const char *uri, const sci_library *library, const UI_METHOD *method, void *data) {
    OSSL_LIB_CTX *context = sci_library_context(library);
    OSSL_STORE_LOADER *file = fetch_loader("file", context), *own = fetch_own_loader(uri, context);
    OSSL_STORE_CTX *store = OSSL_STORE_open_ex(uri, context, NULL, method, data, NULL, NULL, NULL);
    if (store || !lacked_last_memory()) {
        OSSL_STORE_LOADER_free(file);
        OSSL_STORE_LOADER_free(own);
    }
    return store;
}

/* OpenSSL tries a URI as a path first. The last error is about the URI's own scheme. */
bool sci_explain_store(sci_failure *failure) {
    unsigned long code = ERR_peek_last_error();
    int reason = ERR_GET_REASON(code);
    if (is_out_of_memory(code)) return sci_refuse(failure, "memory_full", NULL);
    if (ERR_SYSTEM_ERROR(code) && reason == ENOENT) return sci_refuse(failure, "file_missing", NULL);
    if (ERR_GET_LIB(code) == ERR_LIB_OSSL_STORE &&
        (reason == OSSL_STORE_R_UNREGISTERED_SCHEME || reason == ERR_R_UNSUPPORTED))
        return sci_refuse(failure, "unknown_scheme", NULL);
    return sci_refuse(failure, "store_unreadable", NULL);
}
