/* context_ech.c: SciSslContext, the keys by which a server decrypts ClientHellos (Encrypted Client Hello, RFC 9849). */
#include "context/context.h"

#include <string.h>

#define NEEDS "OpenSSL 4.0"
#define MAXIMUM_KEYS 16
#define IDS 256       /* of configurations, one byte */
#define PLACE_OF_ID 6 /* in an ECHConfigList, behind two lengths and a version */

#ifdef OSSL_ECH_CURRENT_VERSION

/* ---- making keys ------------------------------------------------------------------------------------------------- */

static void free_store(void *store) { OSSL_ECHSTORE_free(store); }
static void free_bytes(void *bytes) { OPENSSL_free(bytes); }

/* The first ECHConfigList in PEM text. The caller frees it. NULL: there is none. */
static unsigned char *find_configs(const char *pem, size_t length, long *size) {
    char *name = NULL, *header = NULL;
    unsigned char *bytes = NULL;
    BIO *bio = length <= INT_MAX ? BIO_new_mem_buf(pem, (int)length) : NULL;
    bool found = false;
    while (bio && !found && PEM_read_bio(bio, &name, &header, &bytes, size) == 1) {
        found = strcmp(name, "ECHCONFIG") == 0;
        OPENSSL_free(name);
        OPENSSL_free(header);
        if (found) break;
        OPENSSL_clear_free(bytes, (size_t)*size); /* it may be the private key */
        bytes = NULL;
    }
    BIO_free(bio);
    return bytes;
}

/* The PEM text at `index`. */
static int push_configs(lua_State *L, int index) {
    size_t length;
    long size = 0;
    const char *pem = luaL_checklstring(L, index, &length);
    lua_pushnil(L);
    sci_guard *guard = sci_new_guard(L, free_bytes);
    sci_clear_errors();
    guard->object = find_configs(pem, length, &size);
    if (!guard->object) return sci_fail_own(L, "load", "bad_ech_key", "the PEM text has no ECHCONFIG");
    lua_pushlstring(L, guard->object, (size_t)size);
    lua_replace(L, -3);
    lua_pop(L, 1);
    return 1;
}

static bool make_key(OSSL_ECHSTORE *store, BIO *bio, const char *public_name, const char *suite, uint8_t longest) {
    OSSL_HPKE_SUITE algorithms = OSSL_HPKE_SUITE_DEFAULT;
    if (suite && OSSL_HPKE_str2suite(suite, &algorithms) != 1) return false;
    return OSSL_ECHSTORE_new_config(store, OSSL_ECH_CURRENT_VERSION, longest, public_name, algorithms) == 1 &&
           OSSL_ECHSTORE_write_pem(store, OSSL_ECHSTORE_LAST, bio) == 1;
}

static int new_key(lua_State *L, const char *public_name, const char *suite, uint8_t longest) {
    sci_guard *guard = sci_new_guard(L, free_store);
    OSSL_ECHSTORE *store = guard->object = OSSL_ECHSTORE_new(NULL, NULL);
    BIO *bio = sci_new_memory_bio(L);
    if (!store || !bio || !make_key(store, bio, public_name, suite, longest))
        return sci_fail(L, &(sci_failure){.phase = "key", .condition = "bad_ech_key", .subject = public_name});
    sci_push_bio_bytes(L, bio);
    int pushed = push_configs(L, lua_gettop(L));
    return pushed == 1 ? 2 : pushed;
}

/* The key in PEM text has an id. False: it has no ECHCONFIG. */
static bool note_id(bool ids[IDS], const char *pem, size_t length) {
    long size = 0;
    unsigned char *configs = find_configs(pem, length, &size);
    bool found = configs && size > PLACE_OF_ID;
    if (found) ids[configs[PLACE_OF_ID]] = true;
    OPENSSL_free(configs);
    return found;
}

/* ---- using them -------------------------------------------------------------------------------------------------- */

/* The PEM text of a key, or the file that a path names. The caller frees it. NULL: neither. */
static BIO *open_key(const char *key, size_t length, sci_failure *failure) {
    if (strstr(key, "-----BEGIN ")) return length <= INT_MAX ? BIO_new_mem_buf(key, (int)length) : NULL;
    return strlen(key) == length ? sci_open_file(key, failure) : NULL;
}

/* Clients that do not know a current key learn the first one. */
static bool add_key(OSSL_ECHSTORE *store, BIO *bio, bool first) {
    int before = 0, after = 0;
    return OSSL_ECHSTORE_num_keys(store, &before) == 1 &&
           OSSL_ECHSTORE_read_pem(store, bio, first ? OSSL_ECH_FOR_RETRY : OSSL_ECH_NO_RETRY) == 1 &&
           OSSL_ECHSTORE_num_keys(store, &after) == 1 && after > before;
}

/* The key on top of the stack: PEM text, or the path of a file. */
static bool take_key(lua_State *L, OSSL_ECHSTORE *store, bool first, sci_failure *failure) {
    size_t length;
    if (lua_type(L, -1) != LUA_TSTRING) return false; /* a finalizer may have changed the list */
    const char *key = lua_tolstring(L, -1, &length);
    BIO *bio = open_key(key, length, failure);
    bool added = bio && add_key(store, bio, first);
    BIO_free(bio);
    return added;
}

static int use_keys(lua_State *L) {
    sci_guard *guard = sci_new_guard(L, free_store);
    OSSL_ECHSTORE *store = guard->object = OSSL_ECHSTORE_new(NULL, NULL);
    sci_failure failure = {.phase = "load"};
    lua_Integer count = (lua_Integer)lua_rawlen(L, 2);
    bool good = store && count <= MAXIMUM_KEYS;
    for (lua_Integer i = 1; i <= count && good; i++) {
        lua_settop(L, 3);
        lua_rawgeti(L, 2, i);
        good = take_key(L, store, i == 1, &failure);
    }
    if (!good) {
        if (!failure.condition)
            (void)sci_refuse(&failure, "bad_ech_key",
                             "expected 16 PEM texts or files at most, each with a PRIVATE KEY and its ECHCONFIG");
        return sci_fail(L, &failure);
    }
    if (SSL_CTX_set1_echstore(sci_check_context(L, 1)->ctx, store) != 1) return sci_fail_openssl(L, "load", "ECH keys");
    return sci_return_receiver(L);
}

lua_Integer sci_context_count_ech_keys(const SSL_CTX *ctx) {
    int count = 0;
    OSSL_ECHSTORE *store = SSL_CTX_get1_echstore(ctx);
    if (!store || OSSL_ECHSTORE_num_keys(store, &count) != 1) count = 0;
    OSSL_ECHSTORE_free(store);
    return count;
}

#else

static int fail_missing(lua_State *L) { return sci_fail_missing(L, "load", "ECH", NEEDS); }

static int push_configs(lua_State *L, int index) {
    (void)luaL_checkstring(L, index);
    return fail_missing(L);
}

static int new_key(lua_State *L, const char *public_name, const char *suite, uint8_t longest) {
    (void)public_name, (void)suite, (void)longest;
    return fail_missing(L);
}

static bool note_id(bool ids[IDS], const char *pem, size_t length) {
    (void)ids, (void)pem, (void)length;
    return true;
}

static int use_keys(lua_State *L) { return lua_rawlen(L, 2) == 0 ? sci_return_receiver(L) : fail_missing(L); }

lua_Integer sci_context_count_ech_keys(const SSL_CTX *ctx) {
    (void)ctx;
    return 0;
}

#endif

/* ---- methods ----------------------------------------------------------------------------------------------------- */

/* The ids of earlier keys, in the list at `index`, which may be nil. False: one has none. */
static bool note_earlier(lua_State *L, bool ids[IDS], int index) {
    if (lua_isnil(L, index)) return true;
    if (!lua_istable(L, index) || lua_rawlen(L, index) > MAXIMUM_KEYS)
        return sci_option_error(L, 1, "earlierKeys", "table of 16 strings at most", index);
    for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(L, index); i++) {
        size_t length;
        if (lua_rawgeti(L, index, i) != LUA_TSTRING)
            return sci_option_error(L, 1, "earlierKeys", "table of 16 strings at most", index);
        const char *pem = lua_tolstring(L, -1, &length);
        if (!note_id(ids, pem, length)) return false;
        lua_pop(L, 1);
    }
    return true;
}

/* The ECHConfigList on top of the stack, if there is one, has one of these ids. */
static bool has_id_of(lua_State *L, const bool ids[IDS]) {
    size_t length;
    const char *configs = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &length) : NULL;
    return configs && length > PLACE_OF_ID && ids[(unsigned char)configs[PLACE_OF_ID]];
}

/***
Makes a key for Encrypted Client Hello, and the ECHConfigList that clients need. Publish the list in the HTTPS record of the
hidden names (`ech=`, in base64), and give the key to `setEchKeys`.
@function SciSslContext.newEchKey
@tparam table options `publicName` (string, needed): the name that everybody may see, for which the server has a
 certificate, too; `suite` (string): algorithms of HPKE as OpenSSL names them, default `x25519,hkdf-sha256,aes-128-gcm`;
 `maxNameLength` (integer, 0 to 255): the length of the longest hidden name, to which shorter ones are padded, default 0:
 not known; `earlierKeys` ({string,...}): PEM texts of up to 16 keys that the server keeps beside this one. Each key has an id of
 one byte, and a server tries the first key of the id that the client names: the new key gets another id than these
@treturn[1] string PEM text with the private key and the list (RFC 9934): keep it secret
@treturn[1] string the ECHConfigList, as bytes
@treturn[2] nil
@treturn[2] SciSslError condition `not_in_this_openssl`: ECH needs OpenSSL 4.0; `bad_ech_key`: a wrong name or suite
@see OSSL_ECHSTORE_new_config(3)
@see RFC 9849
*/
static int context_new_ech_key(lua_State *L) {
    static const char *const names[] = {"publicName", "suite", "maxNameLength", "earlierKeys", NULL};
    lua_settop(L, 1);
    int first = sci_push_options(L, 1, names);
    const char *public_name = sci_check_text_option(L, 1, names[0], first);
    const char *suite = sci_check_text_option(L, 1, names[1], first + 1);
    int is_integer = 1;
    lua_Integer longest = lua_isnil(L, first + 2) ? 0 : lua_tointegerx(L, first + 2, &is_integer);
    if (!public_name) return luaL_argerror(L, 1, "option 'publicName' is missing");
    if (!is_integer || longest < 0 || longest > UINT8_MAX)
        return sci_option_error(L, 1, names[2], "integer from 0 to 255", first + 2);
    sci_clear_errors();
    bool ids[IDS] = {false};
    if (!note_earlier(L, ids, first + 3))
        return sci_fail_own(L, "key", "bad_ech_key", "an earlier key has no ECHCONFIG");
    int pushed, top = lua_gettop(L);
    do { /* ends: most ids are free */
        lua_settop(L, top);
        pushed = new_key(L, public_name, suite, (uint8_t)longest);
    } while (has_id_of(L, ids));
    return pushed;
}

/***
Returns the ECHConfigList in the PEM text of an ECH key, for clients.
@function SciSslContext.echConfigs
@tparam string pem as `newEchKey` or `openssl ech` makes it
@treturn[1] string bytes
@treturn[2] nil
@treturn[2] SciSslError condition `bad_ech_key`, `not_in_this_openssl`
@see RFC 9934
*/
static int context_ech_configs(lua_State *L) {
    lua_settop(L, 1);
    return push_configs(L, 1);
}

/***
Sets the keys by which a server decrypts ClientHellos (Encrypted Client Hello). The first one is current: clients that know none
of the keys learn it, and can try again. Earlier keys behind it keep clients going that still have them; to rotate keys, put
a new one in front. A connection that `sslSetContext` moves to another context keeps the keys. Later connections only.
@function SciSslContext:setEchKeys
@tparam {string,...} keys PEM texts as of `newEchKey`, or paths of files with such a text, 16 at most; an empty list: none
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `bad_ech_key`, `file_missing`, `file_directory`, `file_unreadable`, `file_empty`;
 `not_in_this_openssl`: ECH needs OpenSSL 4.0; the context is unchanged
@see SSL_CTX_set1_echstore(3)
@see RFC 9849
*/
static int context_set_ech_keys(lua_State *L) {
    sci_check_context(L, 1);
    lua_settop(L, 2);
    lua_Integer count = sci_check_list(L, 2);
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(L, 2, i);
        luaL_argexpected(L, lua_type(L, -1) == LUA_TSTRING, 2, "table of strings");
        lua_pop(L, 1);
    }
    sci_clear_errors();
    return use_keys(L);
}

static const luaL_Reg ech_functions[] = {
    {"newEchKey", context_new_ech_key},
    {"echConfigs", context_ech_configs},
    {"setEchKeys", context_set_ech_keys},
    {NULL, NULL},
};

void sci_open_context_ech(lua_State *L) { luaL_setfuncs(L, ech_functions, 0); }
