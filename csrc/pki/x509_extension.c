/* x509_extension.c: SciSslX509Certificate, its extensions (RFC 5280, section 4.2), and its names field by field. */
#include "pki/values.h"

#include <string.h>

#ifndef OPENSSL_NO_CT
#include <openssl/ct.h>
#endif

/* ---- identifiers of keys ----------------------------------------------------------------------------------------- */

static int push_octets(lua_State *L, const ASN1_OCTET_STRING *octets) {
    if (octets) sci_push_asn1_string(L, octets);
    else lua_pushnil(L);
    return 1;
}

/***
Returns the identifier of the certificate's key.
@function SciSslX509Certificate:subjectKeyId
@treturn ?string raw bytes; nil where there is none
@see X509_get0_subject_key_id(3)
*/
static int certificate_subject_key_id(lua_State *L) {
    return push_octets(L, X509_get0_subject_key_id(sci_check_certificate(L, 1)));
}

/***
Returns the identifier of the key that signed the certificate.
@function SciSslX509Certificate:authorityKeyId
@treturn ?string raw bytes; nil where there is none
@see X509_get0_authority_key_id(3)
*/
static int certificate_authority_key_id(lua_State *L) {
    return push_octets(L, X509_get0_authority_key_id(sci_check_certificate(L, 1)));
}

/* ---- URIs of the issuer ------------------------------------------------------------------------------------------ */

/* Appends the URI, if it is one, to the array on top. */
static void append_uri(lua_State *L, const GENERAL_NAME *name) {
    int type;
    const ASN1_STRING *uri = GENERAL_NAME_get0_value(name, &type);
    if (type != GEN_URI) return;
    sci_push_asn1_string(L, uri);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
}

static void push_access(lua_State *L, const AUTHORITY_INFO_ACCESS *access, int method) {
    lua_newtable(L);
    for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(access); i++) {
        const ACCESS_DESCRIPTION *one = sk_ACCESS_DESCRIPTION_value(access, i);
        if (OBJ_obj2nid(one->method) == method) append_uri(L, one->location);
    }
}

static void free_access(void *access) { AUTHORITY_INFO_ACCESS_free(access); }

static bool push_accesses(lua_State *L, const void *access) {
    lua_createtable(L, 0, 2);
    push_access(L, access, NID_ad_OCSP);
    lua_setfield(L, -2, "ocsp");
    push_access(L, access, NID_ad_ca_issuers);
    lua_setfield(L, -2, "caIssuers");
    return true;
}

/***
Returns where to ask for the certificate's status, and where the issuer's certificate is.
@function SciSslX509Certificate:authorityInfoAccess
@treturn[1] table `ocsp` and `caIssuers`: arrays of URIs, empty where there are none
@treturn[2] nil
@treturn[2] SciSslError condition `malformed_extension`
@see RFC 5280, section 4.2.2.1
*/
static int certificate_authority_info_access(lua_State *L) {
    static const sci_extension access = {NID_info_access, "authorityInfoAccess", free_access, push_accesses};
    return sci_push_extension(L, sci_check_certificate(L, 1), &access);
}

static void free_points(void *points) { CRL_DIST_POINTS_free(points); }

static bool push_points(lua_State *L, const void *decoded) {
    const CRL_DIST_POINTS *points = decoded;
    lua_newtable(L);
    for (int i = 0; i < sk_DIST_POINT_num(points); i++) {
        const DIST_POINT_NAME *name = sk_DIST_POINT_value(points, i)->distpoint;
        if (!name || name->type != 0) continue; /* a name relative to the issuer's */
        for (int k = 0; k < sk_GENERAL_NAME_num(name->name.fullname); k++)
            append_uri(L, sk_GENERAL_NAME_value(name->name.fullname, k));
    }
    return true;
}

/***
Returns where the issuer's CRLs are.
@function SciSslX509Certificate:crlDistributionPoints
@treturn[1] {string,...} URIs; empty where there are none
@treturn[2] nil
@treturn[2] SciSslError condition `malformed_extension`
@see RFC 5280, section 4.2.1.13
*/
static int certificate_crl_distribution_points(lua_State *L) {
    static const sci_extension points = {NID_crl_distribution_points, "cRLDistributionPoints", free_points,
                                         push_points};
    return sci_push_extension(L, sci_check_certificate(L, 1), &points);
}

/* ---- policies ---------------------------------------------------------------------------------------------------- */

static void free_policies(void *policies) { CERTIFICATEPOLICIES_free(policies); }

static bool push_policies(lua_State *L, const void *decoded) {
    const CERTIFICATEPOLICIES *policies = decoded;
    lua_newtable(L);
    for (int i = 0; i < sk_POLICYINFO_num(policies); i++) {
        sci_push_oid(L, sk_POLICYINFO_value(policies, i)->policyid, true);
        lua_rawseti(L, -2, i + 1);
    }
    return true;
}

/***
Returns the policies under which the certificate was issued.
@function SciSslX509Certificate:policies
@treturn[1] {string,...} object identifiers in numbers; empty where there are none
@treturn[2] nil
@treturn[2] SciSslError condition `malformed_extension`
@see RFC 5280, section 4.2.1.4
*/
static int certificate_policies(lua_State *L) {
    static const sci_extension policies = {NID_certificate_policies, "certificatePolicies", free_policies,
                                           push_policies};
    return sci_push_extension(L, sci_check_certificate(L, 1), &policies);
}

/* ---- certificate transparency ------------------------------------------------------------------------------------ */

#ifndef OPENSSL_NO_CT

static void free_scts(void *scts) { SCT_LIST_free(scts); }

static void set_bytes(lua_State *L, const char *name, const unsigned char *bytes, size_t length) {
    lua_pushlstring(L, (const char *)bytes, length);
    lua_setfield(L, -2, name);
}

static void push_sct(lua_State *L, const SCT *sct) {
    unsigned char *bytes = NULL;
    lua_createtable(L, 0, 4);
    sci_set_integer(L, "version", (lua_Integer)SCT_get_version(sct) + 1);
    lua_pushnumber(L, (lua_Number)SCT_get_timestamp(sct) / 1000);
    lua_setfield(L, -2, "time");
    size_t length = SCT_get0_log_id(sct, &bytes);
    set_bytes(L, "logId", bytes, length);
    length = SCT_get0_signature(sct, &bytes);
    set_bytes(L, "signature", bytes, length);
}

static bool push_scts(lua_State *L, const void *decoded) {
    const STACK_OF(SCT) *scts = decoded;
    lua_newtable(L);
    for (int i = 0; i < sk_SCT_num(scts); i++) {
        push_sct(L, sk_SCT_value(scts, i));
        lua_rawseti(L, -2, i + 1);
    }
    return true;
}

/***
Returns the signed timestamps that certificate transparency logs gave for the certificate.
@function SciSslX509Certificate:signedCertificateTimestamps
@treturn[1] {table,...} `version` (integer, 1), `logId` (string, raw bytes), `time` (number, seconds since the epoch),
 `signature` (string, raw bytes); empty where there are none
@treturn[2] nil
@treturn[2] SciSslError condition `malformed_extension`, `not_in_this_openssl`
@see RFC 6962, section 3.3
*/
static int certificate_scts(lua_State *L) {
    static const sci_extension scts = {NID_ct_precert_scts, "signedCertificateTimestampList", free_scts, push_scts};
    return sci_push_extension(L, sci_check_certificate(L, 1), &scts);
}

#else

static int certificate_scts(lua_State *L) {
    sci_check_certificate(L, 1);
    return sci_fail_missing(L, "load", "signedCertificateTimestamps", "certificate transparency compiled in");
}

#endif

/* ---- extensions as they are -------------------------------------------------------------------------------------- */

static void push_extension(lua_State *L, SCI_CONST4 X509_EXTENSION *extension) {
    const ASN1_OBJECT *oid = X509_EXTENSION_get_object(extension);
    lua_createtable(L, 0, 4);
    sci_push_oid(L, oid, true);
    lua_setfield(L, -2, "oid");
    if (OBJ_obj2nid(oid) != NID_undef) {
        sci_push_oid(L, oid, false);
        lua_setfield(L, -2, "name");
    }
    sci_set_boolean(L, "critical", X509_EXTENSION_get_critical(extension));
    sci_push_asn1_string(L, X509_EXTENSION_get_data(extension));
    lua_setfield(L, -2, "data");
}

/***
Returns all extensions, in their order.
@function SciSslX509Certificate:extensions
@treturn {table,...} `oid` (object identifier in numbers), `name` (OpenSSL's short name, where it knows one), `critical`
 (boolean), `data` (DER bytes)
@see X509_get0_extensions(3)
*/
static int certificate_extensions(lua_State *L) {
    const X509 *certificate = sci_check_certificate(L, 1);
    int count = X509_get_ext_count(certificate);
    lua_createtable(L, count > 0 ? count : 0, 0);
    for (int i = 0; i < count; i++) {
        push_extension(L, X509_get_ext(certificate, i));
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/***
Returns one extension.
@function SciSslX509Certificate:extension
@tparam string oid object identifier in numbers, or OpenSSL's short or long name
@treturn[1] string DER bytes
@treturn[1] boolean whether it is critical
@treturn[2] nil where the certificate has no such extension
@raise for text that is no object identifier
@see X509_get_ext_by_OBJ(3)
*/
static int certificate_extension(lua_State *L) {
    const X509 *certificate = sci_check_certificate(L, 1);
    ASN1_OBJECT *oid = OBJ_txt2obj(sci_check_text(L, 2), 0);
    int position = oid ? X509_get_ext_by_OBJ(certificate, oid, -1) : -1;
    bool known = oid != NULL;
    ASN1_OBJECT_free(oid);
    sci_clear_errors();
    luaL_argcheck(L, known, 2, "object identifier, or a name that OpenSSL knows, expected");
    SCI_CONST4 X509_EXTENSION *extension = position >= 0 ? X509_get_ext(certificate, position) : NULL;
    if (!extension) {
        lua_pushnil(L);
        return 1;
    }
    sci_push_asn1_string(L, X509_EXTENSION_get_data(extension));
    lua_pushboolean(L, X509_EXTENSION_get_critical(extension));
    return 2;
}

/* ---- names, field by field --------------------------------------------------------------------------------------- */

static void free_utf8(void *bytes) { OPENSSL_free(bytes); }

static void push_field(lua_State *L, const X509_NAME_ENTRY *entry) {
    unsigned char *text = NULL;
    const ASN1_OBJECT *oid = X509_NAME_ENTRY_get_object(entry);
    lua_createtable(L, 0, 5);
    sci_push_oid(L, oid, true);
    lua_setfield(L, -2, "oid");
    sci_push_oid(L, oid, false);
    lua_setfield(L, -2, "name");
    int number = OBJ_obj2nid(oid);
    if (number == NID_undef) sci_push_oid(L, oid, true);
    else lua_pushstring(L, OBJ_nid2ln(number));
    lua_setfield(L, -2, "longName");
    sci_push_asn1_string(L, X509_NAME_ENTRY_get_data(entry));
    lua_setfield(L, -2, "bytes");
    sci_guard *guard = sci_new_guard(L, free_utf8);
    int length = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry));
    guard->object = text;
    if (length >= 0) lua_pushlstring(L, (const char *)text, (size_t)length);
    else sci_push_asn1_string(L, X509_NAME_ENTRY_get_data(entry));
    lua_setfield(L, -3, "value");
    lua_pop(L, 1);
}

static int push_fields(lua_State *L, const X509_NAME *name) {
    int count = X509_NAME_entry_count(name);
    lua_createtable(L, count > 0 ? count : 0, 0);
    for (int i = 0; i < count; i++) {
        push_field(L, X509_NAME_get_entry(name, i));
        lua_rawseti(L, -2, i + 1);
    }
    sci_clear_errors();
    return 1;
}

/***
Returns the fields of the subject, in the certificate's own order.
@function SciSslX509Certificate:subjectFields
@treturn {table,...} `oid` (in numbers), `name` (OpenSSL's short name, such as `CN`; the numbers where it has none),
 `longName` (such as `commonName`), `value` (UTF-8; the bytes as they are where they are not text), `bytes` (as they
 are)
@see X509_NAME_get_entry(3)
*/
static int certificate_subject_fields(lua_State *L) {
    return push_fields(L, X509_get_subject_name(sci_check_certificate(L, 1)));
}

/***
Returns the fields of the issuer, in the certificate's own order.
@function SciSslX509Certificate:issuerFields
@treturn {table,...} as `subjectFields`
@see X509_NAME_get_entry(3)
*/
static int certificate_issuer_fields(lua_State *L) {
    return push_fields(L, X509_get_issuer_name(sci_check_certificate(L, 1)));
}

/* ---- the public key and the signature ---------------------------------------------------------------------------- */

static int write_public_key(BIO *bio, const void *certificate) {
    unsigned char *bytes = NULL;
    int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY((const X509 *)certificate), &bytes);
    bool written = length > 0 && BIO_write(bio, bytes, length) == length;
    OPENSSL_free(bytes);
    return written;
}

/***
Returns the public key, as SubjectPublicKeyInfo.
@function SciSslX509Certificate:publicDer
@treturn[1] string DER bytes
@treturn[2] nil
@treturn[2] SciSslError phase `save`
@see i2d_X509_PUBKEY(3)
*/
static int certificate_public_der(lua_State *L) {
    return sci_push_written(L, write_public_key, sci_check_certificate(L, 1));
}

/***
Returns the pin of the public key, as curl and HPKP write it. A certificate that is renewed for the same key has the
same pin.
@function SciSslX509Certificate:spkiPin
@treturn[1] string `sha256//` and base64
@treturn[2] nil
@treturn[2] SciSslError phase `digest`
@see RFC 7469, section 2.4
*/
static int certificate_spki_pin(lua_State *L) {
    unsigned char digest[SCI_PIN_LENGTH];
    const X509 *certificate = sci_check_certificate(L, 1);
    unsigned char *bytes = NULL;
    sci_clear_errors();
    int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &bytes);
    bool made = sci_digest_spki(bytes, length, digest);
    OPENSSL_free(bytes);
    if (!made) return sci_fail_openssl(L, "digest", NULL);
    sci_push_pin(L, digest);
    return 1;
}

/***
Returns the digest of the certificate's signature.
@function SciSslX509Certificate:signatureDigest
@treturn ?string such as `SHA256`; nil where the algorithm brings its own, as Ed25519 does
@see X509_get_signature_info(3)
*/
static int certificate_signature_digest(lua_State *L) {
    int digest = NID_undef;
    X509 *certificate = sci_check_certificate(L, 1);
    sci_clear_errors();
    bool known = X509_get_signature_info(certificate, &digest, NULL, NULL, NULL) == 1 && digest != NID_undef;
    lua_pushstring(L, known ? OBJ_nid2sn(digest) : NULL);
    return 1;
}

static const luaL_Reg extension_methods[] = {
    {"subjectKeyId", certificate_subject_key_id},
    {"authorityKeyId", certificate_authority_key_id},
    {"authorityInfoAccess", certificate_authority_info_access},
    {"crlDistributionPoints", certificate_crl_distribution_points},
    {"policies", certificate_policies},
    {"signedCertificateTimestamps", certificate_scts},
    {"extensions", certificate_extensions},
    {"extension", certificate_extension},
    {"subjectFields", certificate_subject_fields},
    {"issuerFields", certificate_issuer_fields},
    {"publicDer", certificate_public_der},
    {"spkiPin", certificate_spki_pin},
    {"signatureDigest", certificate_signature_digest},
    {NULL, NULL},
};

void sci_open_x509_extension(lua_State *L) { luaL_setfuncs(L, extension_methods, 0); }
