/* x509_name.c: distinguished names (RFC 2253, RFC 4514) and general names (RFC 5280, section 4.2.1.6), from and to
 * Lua. */
#include "pki/values.h"

#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <string.h>

#include <openssl/asn1t.h>

/* ---- distinguished names, written -------------------------------------------------------------------------------- */

void sci_push_name(lua_State *L, const X509_NAME *name) {
    BIO *bio = sci_new_memory_bio(L);
    if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >= 0)
        sci_push_bio_bytes(L, bio);
    else lua_pushnil(L);
    lua_remove(L, -2);
}

int sci_return_name(lua_State *L, const X509_NAME *name) {
    sci_clear_errors();
    sci_push_name(L, name);
    return lua_isnil(L, -1) ? sci_fail(L, &(sci_failure){.phase = "load", .condition = "malformed_name"}) : 1;
}

static void push_name_der(lua_State *L, const X509_NAME *name) {
    const unsigned char *bytes;
    size_t length;
    if (X509_NAME_get0_der(name, &bytes, &length) == 1) lua_pushlstring(L, (const char *)bytes, length);
    else lua_pushnil(L);
}

bool sci_check_name_format(lua_State *L, int index) {
    static const char *const formats[] = {"text", "der", NULL};
    return luaL_checkoption(L, index, "text", formats) == 1;
}

static void free_names(void *names) { sk_X509_NAME_pop_free(names, X509_NAME_free); }

void sci_push_names(lua_State *L, sci_names *get, const void *owner, bool der) {
    lua_newtable(L);
    sci_guard *guard = sci_new_guard(L, free_names);
    const STACK_OF(X509_NAME) *names = get(owner);
    guard->object = names ? sk_X509_NAME_deep_copy(names, X509_NAME_dup, X509_NAME_free) : NULL;
    if (names && !guard->object) luaL_error(L, "not enough memory");
    for (int i = 0; i < sk_X509_NAME_num(guard->object); i++) {
        (der ? push_name_der : sci_push_name)(L, sk_X509_NAME_value(guard->object, i));
        lua_rawseti(L, -3, i + 1);
    }
    lua_pop(L, 1);
}

/* ---- distinguished names, read ----------------------------------------------------------------------------------- */

typedef struct name_reader {
    const char *at, *end;
    unsigned char *value; /* of the attribute that is being read; room for the whole text */
    int length, kept;     /* of the value; how much of it trailing blanks must not be taken from */
    int type;             /* of the value: MBSTRING_UTF8, or the one that its BER says */
    sci_failure *failure;
} name_reader;

static bool refuse(sci_failure *failure, const char *message) {
    failure->condition = "malformed_name";
    failure->message = message;
    return false;
}

static bool is_text(int type) {
    return type == V_ASN1_UTF8STRING || type == V_ASN1_IA5STRING || type == V_ASN1_PRINTABLESTRING;
}

static bool at_separator(const name_reader *reader) {
    return reader->at == reader->end || *reader->at == ',' || *reader->at == '+';
}

static void skip_blanks(name_reader *reader) {
    while (reader->at < reader->end && *reader->at == ' ') reader->at++;
}

static void put(name_reader *reader, int byte, bool keep) {
    reader->value[reader->length++] = (unsigned char)byte;
    if (keep) reader->kept = reader->length;
}

/* The byte that two hexadecimal digits stand for; -1: there are no two digits. */
static int read_hex(name_reader *reader) {
    if (reader->end - reader->at < 2) return -1;
    int high = OPENSSL_hexchar2int((unsigned char)reader->at[0]);
    int low = OPENSSL_hexchar2int((unsigned char)reader->at[1]);
    if (high < 0 || low < 0) return -1;
    reader->at += 2;
    return high << 4 | low;
}

/* A backslash, and two hexadecimal digits or one special character. */
static bool read_escape(name_reader *reader) {
    reader->at++;
    int byte = read_hex(reader);
    if (byte < 0 && reader->at < reader->end && *reader->at && strchr(",+\"\\<>;= #", *reader->at))
        byte = (unsigned char)*reader->at++;
    if (byte < 0) return refuse(reader->failure, "a backslash before a character that needs none");
    put(reader, byte, true);
    return true;
}

static bool read_quoted(name_reader *reader) {
    for (reader->at++; reader->at < reader->end && *reader->at != '"';)
        if (*reader->at != '\\') put(reader, *reader->at++, true);
        else if (!read_escape(reader)) return false;
    if (reader->at == reader->end) return refuse(reader->failure, "a quotation mark is not closed");
    reader->at++;
    skip_blanks(reader);
    return at_separator(reader) || refuse(reader->failure, "text after the closing quotation mark");
}

static bool read_plain(name_reader *reader) {
    while (!at_separator(reader)) {
        if (*reader->at == '\\') {
            if (!read_escape(reader)) return false;
        } else if (!*reader->at || strchr("\";<>", *reader->at)) {
            return refuse(reader->failure, "a character that needs a backslash before it");
        } else {
            put(reader, *reader->at, *reader->at != ' ');
            reader->at++;
        }
    }
    return true;
}

/* Replaces the value, a string in BER, by the contents of that string. */
static bool unpack_ber(name_reader *reader) {
    const unsigned char *cursor = reader->value;
    ASN1_TYPE *ber = d2i_ASN1_TYPE(NULL, &cursor, reader->length);
    bool unpacked = ber && cursor == reader->value + reader->length && is_text(ASN1_TYPE_get(ber));
    if (unpacked) {
        const ASN1_STRING *string = ber->value.asn1_string;
        reader->type = ASN1_TYPE_get(ber);
        reader->kept = ASN1_STRING_length(string);
        memmove(reader->value, ASN1_STRING_get0_data(string), (size_t)reader->kept);
    }
    ASN1_TYPE_free(ber);
    return unpacked || refuse(reader->failure, "the value after # is not a text in BER");
}

static bool read_ber(name_reader *reader) {
    reader->at++;
    while (!at_separator(reader) && *reader->at != ' ') {
        int byte = read_hex(reader);
        if (byte < 0) return refuse(reader->failure, "the value after # is not hexadecimal");
        put(reader, byte, true);
    }
    skip_blanks(reader);
    return at_separator(reader) ? unpack_ber(reader) : refuse(reader->failure, "text after a value in hexadecimal");
}

static bool read_value(name_reader *reader) {
    reader->length = reader->kept = 0;
    reader->type = MBSTRING_UTF8;
    skip_blanks(reader);
    switch (reader->at < reader->end ? *reader->at : '\0') {
        case '#': return read_ber(reader);
        case '"': return read_quoted(reader);
        default: return read_plain(reader);
    }
}

/* The case of an attribute type does not matter, but OpenSSL knows each type in one spelling. */
static ASN1_OBJECT *find_type(char *type) {
    ASN1_OBJECT *oid = OBJ_txt2obj(type, 0);
    if (oid) return oid;
    for (char *letter = type; *letter; letter++)
        if (*letter >= 'a' && *letter <= 'z') *letter = (char)(*letter - 'a' + 'A');
    return OBJ_txt2obj(type, 0);
}

/* The type before the "="; NULL: `failure` says why there is none. */
static ASN1_OBJECT *read_type(name_reader *reader) {
    char type[128];
    size_t length = 0;
    skip_blanks(reader);
    while (!at_separator(reader) && *reader->at != '=' && *reader->at != ' ' && *reader->at && length < sizeof type - 1)
        type[length++] = *reader->at++;
    type[length] = '\0';
    skip_blanks(reader);
    if (reader->at == reader->end || *reader->at != '=' || length == 0) {
        refuse(reader->failure, "attributes are written as TYPE=value");
        return NULL;
    }
    reader->at++;
    ASN1_OBJECT *oid = find_type(type);
    if (!oid) refuse(reader->failure, "an attribute type that OpenSSL does not know");
    return oid;
}

/* `set` 0: the attribute makes a new RDN in front of the others, since the text has them in reverse; 1: it joins the
 * one in front. */
static bool read_attribute(name_reader *reader, X509_NAME *name, int set) {
    ASN1_OBJECT *type = read_type(reader);
    bool done = type && read_value(reader);
    if (done && !X509_NAME_add_entry_by_OBJ(name, type, reader->type, reader->value, reader->kept, 0, set))
        done = refuse(reader->failure, NULL);
    ASN1_OBJECT_free(type);
    return done;
}

static bool read_attributes(name_reader *reader, X509_NAME *name) {
    int set = 0;
    skip_blanks(reader);
    if (reader->at == reader->end) return true;
    while (read_attribute(reader, name, set)) {
        if (reader->at == reader->end) return true;
        set = *reader->at++ == '+';
    }
    return false;
}

X509_NAME *sci_parse_name(const char *text, size_t length, sci_failure *failure) {
    if (length > 65536) {
        refuse(failure, "the name is too long");
        return NULL;
    }
    X509_NAME *name = X509_NAME_new();
    name_reader reader = {.at = text, .end = text + length, .value = OPENSSL_malloc(length + 1), .failure = failure};
    if (!name || !reader.value || !read_attributes(&reader, name)) {
        X509_NAME_free(name);
        name = NULL;
    }
    OPENSSL_free(reader.value);
    return name;
}

X509_NAME *sci_parse_name_der(const char *bytes, size_t length, sci_failure *failure) {
    const unsigned char *at = (const unsigned char *)bytes;
    X509_NAME *name = length <= LONG_MAX ? d2i_X509_NAME(NULL, &at, (long)length) : NULL;
    if (name && at == (const unsigned char *)bytes + length) return name;
    X509_NAME_free(name);
    refuse(failure, "the bytes are not the DER of one name");
    return NULL;
}

/* ---- general names, written -------------------------------------------------------------------------------------- */

static bool push_address(lua_State *L, const ASN1_OCTET_STRING *address) {
    char text[INET6_ADDRSTRLEN];
    int length = ASN1_STRING_length(address);
    if (length != 4 && length != 16) return false;
    if (!inet_ntop(length == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(address), text, sizeof text)) return false;
    lua_pushstring(L, text);
    return true;
}

static bool push_der(lua_State *L, const void *value, const ASN1_ITEM *item) {
    luaL_Buffer buffer;
    int length = ASN1_item_i2d(value, NULL, item);
    if (length <= 0) return false;
    unsigned char *cursor = (unsigned char *)luaL_buffinitsize(L, &buffer, (size_t)length);
    ASN1_item_i2d(value, &cursor, item);
    luaL_pushresultsize(&buffer, (size_t)length);
    return true;
}

/* The table is below the value that is pushed. */
static bool push_other_name(lua_State *L, const OTHERNAME *other) {
    if (!other->type_id || !other->value) return false;
    sci_push_oid(L, other->type_id, true);
    lua_setfield(L, -2, "oid");
    if (is_text(ASN1_TYPE_get(other->value))) {
        sci_push_asn1_string(L, other->value->value.asn1_string);
        lua_setfield(L, -2, "text");
    }
    return push_der(L, other->value, ASN1_ITEM_rptr(ASN1_ANY));
}

static bool push_directory_name(lua_State *L, const X509_NAME *name) {
    sci_push_name(L, name);
    return !lua_isnil(L, -1);
}

static bool push_value(lua_State *L, const GENERAL_NAME *name) {
    int type;
    const void *value = GENERAL_NAME_get0_value(name, &type);
    if (!value) return false;
    switch (type) {
        case GEN_DNS:
        case GEN_EMAIL:
        case GEN_URI: sci_push_asn1_string(L, value); return true;
        case GEN_IPADD: return push_address(L, value);
        case GEN_DIRNAME: return push_directory_name(L, value);
        case GEN_RID: sci_push_oid(L, value, true); return true;
        case GEN_OTHERNAME: return push_other_name(L, value);
        default: return push_der(L, name, ASN1_ITEM_rptr(GENERAL_NAME));
    }
}

static const char *type_name(int type) {
    switch (type) {
        case GEN_DNS: return "DNS";
        case GEN_EMAIL: return "email";
        case GEN_URI: return "URI";
        case GEN_IPADD: return "IP";
        case GEN_DIRNAME: return "dirName";
        case GEN_RID: return "RID";
        case GEN_OTHERNAME: return "otherName";
        case GEN_X400: return "x400Address";
        case GEN_EDIPARTY: return "ediPartyName";
        default: return "unknown";
    }
}

bool sci_push_general_names(lua_State *L, const GENERAL_NAMES *names) {
    int count = sk_GENERAL_NAME_num(names);
    luaL_checkstack(L, 10, "too many values for a general name");
    lua_createtable(L, count > 0 ? count : 0, 0);
    for (int i = 0; i < count; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        lua_createtable(L, 0, 2);
        sci_set_text(L, "type", type_name(name->type));
        if (!push_value(L, name)) return false;
        lua_setfield(L, -2, "value");
        lua_rawseti(L, -2, i + 1);
    }
    return true;
}

/* ---- general names, read ----------------------------------------------------------------------------------------- */

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static bool is_printable(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] > '~') return false;
    return length > 0;
}

/* The text after the colon of "scheme:…"; NULL: `text` has no scheme. */
static const char *after_scheme(const char *text) {
    size_t length = strspn(text, LETTERS DIGITS "+-.");
    if (length == 0 || !strchr(LETTERS, *text) || text[length] != ':') return NULL;
    return text + length + 1;
}

static bool is_uri(const char *text, sci_failure *failure) {
    const char *rest = after_scheme(text);
    if (!rest || *rest == ':') return refuse(failure, "neither a host name nor an address nor a URI");
    if (strspn(rest, DIGITS) == strlen(rest)) return refuse(failure, "a certificate holds host names without a port");
    return true;
}

static bool is_email(const char *text, sci_failure *failure) {
    const char *at = strchr(text, '@');
    if (at && at > text && at[1] && !strchr(at + 1, '@')) return true;
    return refuse(failure, "an e-mail address is written as local@domain");
}

static bool is_host(const char *text, sci_failure *failure) {
    if (strspn(text, LETTERS DIGITS "-._*") != strlen(text) || *text == '.' || strstr(text, ".."))
        return refuse(failure, "neither a host name nor an address nor a URI");
    const char *dot = strrchr(text, '.');
    if (dot && dot[1] && strspn(dot + 1, DIGITS) == strlen(dot + 1))
        return refuse(failure, "an IP address that is not well formed");
    return true;
}

static int find_kind(const char *text, sci_failure *failure) {
    if (strchr(text, ':')) return is_uri(text, failure) ? GEN_URI : -1;
    if (strchr(text, '@')) return is_email(text, failure) ? GEN_EMAIL : -1;
    return is_host(text, failure) ? GEN_DNS : -1;
}

/* Owns the string from then on. */
static GENERAL_NAME *make_general_name(int kind, ASN1_STRING *string, const void *bytes, size_t length) {
    GENERAL_NAME *name = GENERAL_NAME_new();
    if (name && string && ASN1_STRING_set(string, bytes, (int)length)) {
        GENERAL_NAME_set0_value(name, kind, string);
        return name;
    }
    GENERAL_NAME_free(name);
    ASN1_STRING_free(string);
    return NULL;
}

GENERAL_NAME *sci_parse_general_name(const char *text, size_t length, sci_failure *failure) {
    unsigned char address[16];
    failure->subject = text;
    if (length > 65536 || !is_printable(text, length)) {
        refuse(failure,
               "a name must have printable ASCII characters only (write an international host name in Punycode)");
        return NULL;
    }
    if (inet_pton(AF_INET, text, address) == 1)
        return make_general_name(GEN_IPADD, ASN1_OCTET_STRING_new(), address, 4);
    if (inet_pton(AF_INET6, text, address) == 1)
        return make_general_name(GEN_IPADD, ASN1_OCTET_STRING_new(), address, 16);
    int kind = find_kind(text, failure);
    return kind < 0 ? NULL : make_general_name(kind, ASN1_IA5STRING_new(), text, length);
}
