/* context_dependents.c: connections that still read settings from their context, and get copies before these change. */
#include "context/context.h"

#include <string.h>

void sci_context_make_dependents(sci_context *context) {
    sci_dependent *head = &context->dependents.ring;
    head->next = head->previous = head;
}

void sci_context_link(sci_context *context, sci_dependent *dependent) {
    sci_dependent *head = &context->dependents.ring;
    dependent->previous = head;
    dependent->next = head->next;
    head->next->previous = dependent;
    head->next = dependent;
}

void sci_context_unlink(sci_dependent *dependent) {
    if (!dependent->next) return;
    dependent->previous->next = dependent->next;
    dependent->next->previous = dependent->previous;
    dependent->next = dependent->previous = NULL;
}

void sci_context_free_dependents(sci_context *context) {
    sci_dependent *head = &context->dependents.ring;
    while (head->next && head->next != head) sci_context_unlink(head->next);
}

/* ---- copies for a connection ------------------------------------------------------------------------------------- */

/* The names of the ciphers up to TLS 1.2. SSL_new has copied the suites of TLS 1.3. */
static char *cipher_names(const SSL *ssl) {
    STACK_OF(SSL_CIPHER) *ciphers = SSL_get_ciphers(ssl);
    int count = sk_SSL_CIPHER_num(ciphers);
    size_t length = 1;
    for (int i = 0; i < count; i++) length += strlen(SSL_CIPHER_get_name(sk_SSL_CIPHER_value(ciphers, i))) + 1;
    char *names = OPENSSL_zalloc(length);
    for (int i = 0; names && i < count; i++) {
        const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(ciphers, i);
        if (SSL_CIPHER_get_kx_nid(cipher) == NID_kx_any) continue;
        if (*names) OPENSSL_strlcat(names, ":", length);
        OPENSSL_strlcat(names, SSL_CIPHER_get_name(cipher), length);
    }
    return names;
}

static bool keep_ciphers(SSL *ssl) {
    char *names = cipher_names(ssl);
    bool kept = names && (*names == 0 || SSL_set_cipher_list(ssl, names) == 1);
    OPENSSL_free(names);
    return kept;
}

static bool keep_trust(SSL *ssl) {
    X509_STORE *store = SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl));
    return SSL_set1_verify_cert_store(ssl, store) == 1 && SSL_set1_chain_cert_store(ssl, store) == 1;
}

/* Servers read the client CA list from the context for each certificate request. An empty list stands for none. */
static STACK_OF(X509_NAME) *copy_names(const STACK_OF(X509_NAME) *names) {
    return names ? SSL_dup_CA_list(names) : sk_X509_NAME_new_null();
}

static bool keep_client_cas(SSL *ssl) {
    SSL_CTX *ctx = SSL_get_SSL_CTX(ssl);
    STACK_OF(X509_NAME) *of_servers = copy_names(SSL_CTX_get_client_CA_list(ctx));
    STACK_OF(X509_NAME) *of_both = copy_names(SSL_CTX_get0_CA_list(ctx));
    SSL_set_client_CA_list(ssl, of_servers);
    SSL_set0_CA_list(ssl, of_both);
    return of_servers && of_both;
}

bool sci_context_detach(sci_context *context) {
    sci_dependent *head = &context->dependents.ring;
    while (head->next != head) {
        sci_dependent *dependent = head->next;
        if (!keep_ciphers(dependent->ssl) || !keep_trust(dependent->ssl) || !keep_client_cas(dependent->ssl))
            return false;
        sci_context_unlink(dependent);
        context->dependents.hold_trust = true;
    }
    return true;
}

/* ---- the trust store --------------------------------------------------------------------------------------------- */

static bool copy_objects(X509_STORE *copy, X509_STORE *store) {
    STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);
    for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
        X509 *certificate = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
        X509_CRL *crl = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(objects, i));
        if (certificate && !X509_STORE_add_cert(copy, certificate)) return false;
        if (crl && !X509_STORE_add_crl(copy, crl)) return false;
    }
    return true;
}

static bool copy_paths(X509_STORE *copy, const STACK_OF(OPENSSL_STRING) *paths) {
    for (int i = 0; i < sk_OPENSSL_STRING_num(paths); i++)
        if (!X509_STORE_load_path(copy, sk_OPENSSL_STRING_value(paths, i))) return false;
    return true;
}

static X509_STORE *copy_trust(const sci_context *context) {
    X509_STORE *copy = X509_STORE_new();
    if (!copy) return NULL;
    if (copy_objects(copy, SSL_CTX_get_cert_store(context->ctx)) && copy_paths(copy, context->trust.paths)) return copy;
    X509_STORE_free(copy);
    return NULL;
}

X509_STORE *sci_context_begin_trust(sci_context *context, int steps) {
    if (steps == 1) return sci_context_own_trust(context);
    return sci_context_detach(context) ? copy_trust(context) : NULL;
}

bool sci_context_end_trust(sci_context *context, X509_STORE *store, bool good) {
    if (store == SSL_CTX_get_cert_store(context->ctx)) return good;
    if (good) {
        SSL_CTX_set_cert_store(context->ctx, store);
        context->dependents.hold_trust = false;
    } else X509_STORE_free(store);
    return good;
}

X509_STORE *sci_context_own_trust(sci_context *context) {
    if (!sci_context_detach(context)) return NULL;
    if (context->dependents.hold_trust) {
        X509_STORE *copy = copy_trust(context);
        if (!sci_context_end_trust(context, copy, copy != NULL)) return NULL;
    }
    return SSL_CTX_get_cert_store(context->ctx);
}
