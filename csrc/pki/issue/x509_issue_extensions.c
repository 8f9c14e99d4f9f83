/* x509_issue_extensions.c: the extensions of a certificate that is being made (RFC 5280, section 4.2). */
#include "pki/issue/x509_issue.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* ---- extensions of every certificate ----------------------------------------------------------------------------- */

/* `value` as in OpenSSL's configuration files. */
static bool add_extension(X509 *certificate, X509V3_CTX *context, int nid, const char *value) {
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, context, nid, value);
    bool added = extension && X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return added;
}

static bool add_constraints(X509 *certificate, X509V3_CTX *context, const issue_request *request) {
    char value[64];
    if (request->path_length >= 0)
        snprintf(value, sizeof value, "critical,CA:TRUE,pathlen:%d", (int)request->path_length);
    else snprintf(value, sizeof value, "%s", request->ca ? "critical,CA:TRUE" : "CA:FALSE");
    return add_extension(certificate, context, NID_basic_constraints, value);
}

static bool add_identifiers(X509 *certificate, X509V3_CTX *context, const issue_request *request) {
    return add_extension(certificate, context, NID_subject_key_identifier, "hash") &&
           add_extension(certificate, context, NID_authority_key_identifier,
                         request->issuer ? "keyid,issuer" : "keyid:always");
}

static const char *default_usage(const issue_request *request) {
    if (request->ca) return "critical,keyCertSign,cRLSign";
    if (EVP_PKEY_is_a(request->key, "RSA")) return "critical,digitalSignature,keyEncipherment";
    return EVP_PKEY_can_sign(request->key) ? "critical,digitalSignature" : "critical,keyAgreement";
}

static bool set_usages(lua_State *L, ASN1_BIT_STRING *bits, const issue_request *request, sci_failure *failure) {
    for (lua_Integer i = 1; i <= request->usages; i++) {
        const char *name = sci_list_text(L, USAGE, i);
        int bit = sci_find_key_usage(name);
        if (bit < 0) return sci_refuse_about(failure, "unknown_usage", "there is no such key usage", name);
        if (!ASN1_BIT_STRING_set_bit(bits, bit, 1)) return false;
    }
    return true;
}

static bool add_usage(lua_State *L, X509 *certificate, X509V3_CTX *context, const issue_request *request,
                      sci_failure *failure) {
    if (request->default_usage) return add_extension(certificate, context, NID_key_usage, default_usage(request));
    if (request->usages == 0) return true;
    ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
    bool added = bits && set_usages(L, bits, request, failure) &&
                 X509_add1_ext_i2d(certificate, NID_key_usage, bits, 1, X509V3_ADD_DEFAULT) > 0;
    ASN1_BIT_STRING_free(bits);
    return added;
}

static bool put_extended_usages(lua_State *L, EXTENDED_KEY_USAGE *list, const issue_request *request,
                                sci_failure *failure) {
    for (lua_Integer i = 1; i <= request->extended_usages; i++) {
        const char *name = sci_list_text(L, EXTENDED_USAGE, i);
        ASN1_OBJECT *oid = OBJ_txt2obj(name, 0);
        if (!oid) return sci_refuse_about(failure, "unknown_usage", "OpenSSL knows no such extended key usage", name);
        if (sk_ASN1_OBJECT_push(list, oid) > 0) continue;
        ASN1_OBJECT_free(oid);
        return false;
    }
    return true;
}

static bool add_extended_usage(lua_State *L, X509 *certificate, X509V3_CTX *context, const issue_request *request,
                               sci_failure *failure) {
    if (request->default_extended_usage)
        return request->ca || add_extension(certificate, context, NID_ext_key_usage, "serverAuth,clientAuth");
    if (request->extended_usages == 0) return true;
    EXTENDED_KEY_USAGE *list = EXTENDED_KEY_USAGE_new();
    bool added = list && put_extended_usages(L, list, request, failure) &&
                 X509_add1_ext_i2d(certificate, NID_ext_key_usage, list, 0, X509V3_ADD_DEFAULT) > 0;
    EXTENDED_KEY_USAGE_free(list);
    return added;
}

static bool copy_names(X509 *certificate, const issue_request *request, sci_failure *failure) {
    int critical = X509_NAME_entry_count(X509_get_subject_name(certificate)) == 0;
    GENERAL_NAMES *names;
    if (!sci_request_names(request->from, &names))
        return sci_refuse_about(failure, "malformed_extension", NULL, "subjectAltName");
    bool copied =
        !names || X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, critical, X509V3_ADD_DEFAULT) > 0;
    GENERAL_NAMES_free(names);
    return copied;
}

/* Critical where the subject is empty (RFC 5280, section 4.2.1.6). */
static bool add_names(lua_State *L, X509 *certificate, const issue_request *request, sci_failure *failure) {
    if (request->from && lua_isnil(L, NAMES)) return copy_names(certificate, request, failure);
    if (request->names == 0) return true;
    int critical = X509_NAME_entry_count(X509_get_subject_name(certificate)) == 0;
    GENERAL_NAMES *list = sci_make_general_names(L, NAMES, request->names, failure);
    bool added = list && X509_add1_ext_i2d(certificate, NID_subject_alt_name, list, critical, X509V3_ADD_DEFAULT) > 0;
    GENERAL_NAMES_free(list);
    return added;
}

/* The URI at `i` in the list, as a general name; NULL: out of memory, or `failure` says what is wrong. */
static GENERAL_NAME *make_uri(lua_State *L, int list, lua_Integer i, sci_failure *failure) {
    size_t length;
    const char *text = sci_list_string(L, list, i, &length);
    GENERAL_NAME *name = sci_parse_general_name(text, length, failure);
    if (name && name->type == GEN_URI) return name;
    if (name) sci_refuse_about(failure, "invalid_option", "a URI is expected", text);
    GENERAL_NAME_free(name);
    return NULL;
}

static bool put_access(lua_State *L, AUTHORITY_INFO_ACCESS *access, int method, int list, lua_Integer count,
                       sci_failure *failure) {
    for (lua_Integer i = 1; i <= count; i++) {
        GENERAL_NAME *uri = make_uri(L, list, i, failure);
        ACCESS_DESCRIPTION *one = uri ? ACCESS_DESCRIPTION_new() : NULL;
        if (!one || !sk_ACCESS_DESCRIPTION_push(access, one)) {
            ACCESS_DESCRIPTION_free(one);
            GENERAL_NAME_free(uri);
            return false;
        }
        GENERAL_NAME_free(one->location);
        one->location = uri;
        ASN1_OBJECT_free(one->method);
        one->method = OBJ_nid2obj(method); /* static: never freed */
    }
    failure->subject = NULL;
    return true;
}

static bool add_access(lua_State *L, X509 *certificate, const issue_request *request, sci_failure *failure) {
    if (request->ocsp_uris + request->ca_issuer_uris == 0) return true;
    AUTHORITY_INFO_ACCESS *access = AUTHORITY_INFO_ACCESS_new();
    bool added = access && put_access(L, access, NID_ad_OCSP, OCSP_URIS, request->ocsp_uris, failure) &&
                 put_access(L, access, NID_ad_ca_issuers, CA_ISSUER_URIS, request->ca_issuer_uris, failure) &&
                 X509_add1_ext_i2d(certificate, NID_info_access, access, 0, X509V3_ADD_DEFAULT) > 0;
    AUTHORITY_INFO_ACCESS_free(access);
    return added;
}

/* One point with all URIs, since all of them are of the same CRL. */
static bool put_point(lua_State *L, DIST_POINT *point, const issue_request *request, sci_failure *failure) {
    point->distpoint = DIST_POINT_NAME_new();
    if (!point->distpoint) return false;
    point->distpoint->type = 0;
    point->distpoint->name.fullname = GENERAL_NAMES_new();
    for (lua_Integer i = 1; i <= request->crl_uris; i++) {
        GENERAL_NAME *uri = point->distpoint->name.fullname ? make_uri(L, CRL_URIS, i, failure) : NULL;
        if (uri && sk_GENERAL_NAME_push(point->distpoint->name.fullname, uri) > 0) continue;
        GENERAL_NAME_free(uri);
        return false;
    }
    failure->subject = NULL;
    return true;
}

static bool add_points(lua_State *L, X509 *certificate, const issue_request *request, sci_failure *failure) {
    if (request->crl_uris == 0) return true;
    CRL_DIST_POINTS *points = CRL_DIST_POINTS_new();
    DIST_POINT *point = points ? DIST_POINT_new() : NULL;
    bool held = point && sk_DIST_POINT_push(points, point) > 0;
    if (!held) DIST_POINT_free(point);
    bool added = held && put_point(L, point, request, failure) &&
                 X509_add1_ext_i2d(certificate, NID_crl_distribution_points, points, 0, X509V3_ADD_DEFAULT) > 0;
    CRL_DIST_POINTS_free(points);
    return added;
}

static bool put_policies(lua_State *L, CERTIFICATEPOLICIES *policies, const issue_request *request,
                         sci_failure *failure) {
    for (lua_Integer i = 1; i <= request->policies; i++) {
        const char *text = sci_list_text(L, POLICIES, i);
        ASN1_OBJECT *oid = OBJ_txt2obj(text, 1);
        if (!oid)
            return sci_refuse_about(failure, "invalid_option", "an object identifier in numbers is expected", text);
        POLICYINFO *one = POLICYINFO_new();
        if (!one || !sk_POLICYINFO_push(policies, one)) {
            POLICYINFO_free(one);
            ASN1_OBJECT_free(oid);
            return false;
        }
        ASN1_OBJECT_free(one->policyid);
        one->policyid = oid;
    }
    return true;
}

static bool add_policies(lua_State *L, X509 *certificate, const issue_request *request, sci_failure *failure) {
    if (request->policies == 0) return true;
    CERTIFICATEPOLICIES *policies = CERTIFICATEPOLICIES_new();
    bool added = policies && put_policies(L, policies, request, failure) &&
                 X509_add1_ext_i2d(certificate, NID_certificate_policies, policies, 0, X509V3_ADD_DEFAULT) > 0;
    CERTIFICATEPOLICIES_free(policies);
    return added;
}

/* The fields were checked; the strings stay in the table. */
static bool add_raw_extension(lua_State *L, X509 *certificate, lua_Integer i, sci_failure *failure) {
    size_t length;
    if (lua_rawgeti(L, EXTENSIONS, i) != LUA_TTABLE) return false; /* any more */
    sci_push_raw_field(L, -1, "oid");
    sci_push_raw_field(L, -2, "data");
    sci_push_raw_field(L, -3, "critical");
    const char *name = lua_tostring(L, -3), *data = lua_tolstring(L, -2, &length);
    bool critical = lua_toboolean(L, -1);
    lua_pop(L, 4);
    if (!name || !data) return false;
    ASN1_OBJECT *oid = OBJ_txt2obj(name, 0);
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension = NULL;
    bool added = false;
    if (!oid) sci_refuse_about(failure, "invalid_option", "an object identifier is expected", name);
    else if (X509_get_ext_by_OBJ(certificate, oid, -1) >= 0)
        sci_refuse_about(failure, "invalid_option", "the certificate has such an extension already", name);
    else if (octets && length <= INT_MAX && ASN1_OCTET_STRING_set(octets, (const unsigned char *)data, (int)length)) {
        extension = X509_EXTENSION_create_by_OBJ(NULL, oid, critical, octets);
        added = extension && X509_add_ext(certificate, extension, -1);
    }
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(octets);
    ASN1_OBJECT_free(oid);
    return added;
}

static bool add_raw_extensions(lua_State *L, X509 *certificate, const issue_request *request, sci_failure *failure) {
    bool added = true;
    for (lua_Integer i = 1; added && i <= request->extensions; i++)
        added = add_raw_extension(L, certificate, i, failure);
    return added;
}

bool sci_add_extensions(lua_State *L, X509 *certificate, const issue_request *request, sci_failure *failure) {
    X509V3_CTX context = {0};
    X509V3_set_ctx(&context, request->issuer ? request->issuer : certificate, certificate, NULL, NULL, 0);
    return add_constraints(certificate, &context, request) && add_identifiers(certificate, &context, request) &&
           add_usage(L, certificate, &context, request, failure) &&
           add_extended_usage(L, certificate, &context, request, failure) &&
           add_names(L, certificate, request, failure) && add_access(L, certificate, request, failure) &&
           add_points(L, certificate, request, failure) && add_policies(L, certificate, request, failure) &&
           add_raw_extensions(L, certificate, request, failure);
}
