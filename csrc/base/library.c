/* library.c: SciSslLibrary: a library context (OSSL_LIB_CTX) with providers of its own. */
#include "base/base.h"

#include <openssl/conf.h>
#include <openssl/provider.h>
#include <string.h>

/***
A library context of OpenSSL, with the providers that were loaded into it: `fips` for validated algorithms, `pkcs11` for keys that
stay in their hardware, `legacy` for old algorithms. `SciSslContext.new`, `SciSslPrivateKey.fromUri` and the option `library` of
`scissl.connect` and `scissl.listen` take one. Other connections of the program do not notice it.

Without a call of `load` it has OpenSSL's own provider, `default`. From the first call on, even one that fails, `default` is there
only if it is loaded as well: a program that wants `fips` alone never gets something else.
OpenSSL's objects point to their library context, so it stays until the Lua state is closed: make one, and keep it.
@classmod SciSslLibrary
*/

/* ---- life -------------------------------------------------------------------------------------------------------- */

#define PROVIDERS 16 /* of one library */

struct sci_library {
    OSSL_LIB_CTX *context;
    OSSL_PROVIDER *providers[PROVIDERS];
    int count;
    sci_library *next; /* of the same lua_State */
};

static void free_libraries(sci_library *library) {
    while (library) {
        sci_library *next = library->next;
        while (library->count > 0) (void)OSSL_PROVIDER_unload(library->providers[--library->count]);
        OSSL_LIB_CTX_free(library->context);
        OPENSSL_free(library);
        library = next;
    }
}

/* NULL: out of memory. The state of the lua_State owns it: that is finalized last, after all objects that use the library. */
static sci_library *make_library(sci_state *state) {
    sci_library *library = OPENSSL_zalloc(sizeof *library);
    if (library) library->context = OSSL_LIB_CTX_new();
    if (!library || !library->context) {
        OPENSSL_free(library);
        return NULL;
    }
    library->next = state->libraries;
    state->libraries = library;
    state->free_libraries = free_libraries;
    return library;
}

/* A finalizer that was made before the state of the lua_State runs after it, at lua_close. */
static sci_library *check_library(lua_State *L, int index) {
    sci_library **box = luaL_checkudata(L, index, SCI_LIBRARY), *library = sci_get_state(L)->libraries;
    while (library && library != *box) library = library->next;
    if (!library) luaL_argerror(L, index, "the library has been freed with the Lua state");
    return library;
}

static sci_library *check_self(lua_State *L) { return check_library(L, 1); }

const sci_library *sci_check_library_option(lua_State *L, int index) {
    return lua_isnoneornil(L, index) ? NULL : check_library(L, index);
}

OSSL_LIB_CTX *sci_library_context(const sci_library *library) { return library ? library->context : NULL; }

/***
Makes a library context.
@function SciSslLibrary.new
@treturn[1] SciSslLibrary
@treturn[2] nil
@treturn[2] SciSslError condition `memory_full`
@see OSSL_LIB_CTX_new(3)
*/
static int library_new(lua_State *L) {
    sci_library **box = sci_new_object(L, SCI_LIBRARY, sizeof *box, 0);
    sci_clear_errors();
    *box = make_library(sci_get_state(L));
    return *box ? 1 : sci_fail(L, &(sci_failure){.phase = "library", .condition = "memory_full"});
}

/* ---- providers --------------------------------------------------------------------------------------------------- */

/* No module of that name was found, or it could not be loaded. */
static bool lacks_module(void) {
    bool lacks = false;
    for (unsigned long code = ERR_get_error(); code != 0 && !lacks; code = ERR_get_error())
        lacks = ERR_GET_LIB(code) == ERR_LIB_DSO;
    return lacks;
}

static int fail_load(lua_State *L, const char *name) {
    bool lacks = lacks_module();
    sci_clear_errors();
    return sci_fail(L,
                    &(sci_failure){
                        .phase = "library",
                        .condition = lacks ? "provider_missing" : "provider_failed",
                        .message = lacks ? "OpenSSL finds no module of this provider" : "the provider does not start",
                        .subject = name,
                    });
}

#if OPENSSL_VERSION_NUMBER >= 0x30200000L
#define PARAMETERS 32

/* Reads the parameters at index 3, which stay in the table; ends them. */
static void read_parameters(lua_State *L, OSSL_PARAM *parameters) {
    int count = 0;
    lua_pushnil(L);
    while (lua_next(L, 3)) {
        luaL_argcheck(L, lua_type(L, -2) == LUA_TSTRING && lua_type(L, -1) == LUA_TSTRING, 3,
                      "table of strings by name expected");
        luaL_argcheck(L, count < PARAMETERS, 3, "at most 32 parameters expected");
        parameters[count++] =
            OSSL_PARAM_construct_utf8_string(lua_tostring(L, -2), (char *)(uintptr_t)lua_tostring(L, -1), 0);
        lua_pop(L, 1);
    }
    parameters[count] = OSSL_PARAM_construct_end();
}

static OSSL_PROVIDER *load(lua_State *L, const sci_library *library, const char *name) {
    OSSL_PARAM parameters[PARAMETERS + 1];
    if (lua_isnil(L, 3)) return OSSL_PROVIDER_load(library->context, name);
    read_parameters(L, parameters);
    return OSSL_PROVIDER_load_ex(library->context, name, parameters);
}
#else
static OSSL_PROVIDER *load(lua_State *L, const sci_library *library, const char *name) {
    (void)L;
    return OSSL_PROVIDER_load(library->context, name);
}
#endif

/***
Loads a provider.
@function SciSslLibrary:load
@tparam string name `default`, `fips`, `legacy`, `pkcs11`, `base`, or another
@tparam[opt] table parameters strings by name, such as `{ ["pkcs11-module-path"] = "/usr/lib/softhsm/libsofthsm2.so" }`. OpenSSL
 3.2 or later; before, `loadConfig` reads them from a file
@treturn[1] SciSslLibrary the receiver
@treturn[2] nil
@treturn[2] SciSslError phase `library`, condition `provider_missing`: OpenSSL finds no such module; `provider_failed`: it does not
 start; `not_in_this_openssl`: there are parameters
@see OSSL_PROVIDER_load(3)
*/
static int library_load(lua_State *L) {
    sci_library *library = check_self(L);
    const char *name = sci_check_text(L, 2);
    lua_settop(L, 3);
    if (!lua_isnil(L, 3)) luaL_checktype(L, 3, LUA_TTABLE);
#if OPENSSL_VERSION_NUMBER < 0x30200000L
    if (!lua_isnil(L, 3)) return sci_fail_missing(L, "library", "parameters of providers", "OpenSSL 3.2");
#endif
    luaL_argcheck(L, library->count < PROVIDERS, 1, "at most 16 providers expected");
    sci_clear_errors();
    OSSL_PROVIDER *provider = load(L, library, name);
    if (!provider) return fail_load(L, name);
    library->providers[library->count++] = provider;
    return sci_return_receiver(L);
}

/* ---- a configuration file ---------------------------------------------------------------------------------------- */

static const char *text_of(const CONF *conf, const char *section, const char *name) {
    ERR_set_mark(); /* OpenSSL reports a missing value as a failure */
    const char *text = NCONF_get_string(conf, section, name);
    ERR_pop_to_mark();
    return text;
}

static bool is_true(const char *text) {
    static const char *const no[] = {"0", "no", "NO", "off", "OFF", "false", "FALSE"};
    for (size_t i = 0; text && i < sizeof no / sizeof *no; i++)
        if (strcmp(text, no[i]) == 0) return false;
    return text != NULL;
}

/* The name of a provider that the section of `entry` activates; NULL: it activates none, or may do without. */
static const char *wanted_provider(const CONF *conf, const CONF_VALUE *entry) {
    const char *name = text_of(conf, entry->value, "identity"), *dot = strchr(entry->name, '.');
    if (!is_true(text_of(conf, entry->value, "activate")) || is_true(text_of(conf, entry->value, "soft_load")))
        return NULL;
    return name ? name : dot ? dot + 1 : entry->name;
}

/* The providers that a file names; NULL: none. */
static STACK_OF(CONF_VALUE) *providers_of(const CONF *conf) {
    const char *main_section = text_of(conf, NULL, "openssl_conf");
    const char *section = main_section ? text_of(conf, main_section, "providers") : NULL;
    return section ? NCONF_get_section(conf, section) : NULL;
}

/* OpenSSL before 3.2 starts a provider whatever `activate` says. */
static bool starts_what_is_off(const CONF *conf, char *name, size_t size) {
    STACK_OF(CONF_VALUE) *entries = providers_of(conf);
    if (OpenSSL_version_num() >= 0x30200000UL) return false;
    for (int i = 0; i < sk_CONF_VALUE_num(entries); i++) {
        const CONF_VALUE *entry = sk_CONF_VALUE_value(entries, i);
        const char *text = text_of(conf, entry->value, "activate");
        if (!text || is_true(text)) continue;
        (void)OPENSSL_strlcpy(name, entry->name, size);
        return true;
    }
    return false;
}

/* OpenSSL calls it a success where a provider of the file does not start. Copies the name of the first such provider. */
static bool all_started(const sci_library *library, const CONF *conf, char *missing, size_t size) {
    STACK_OF(CONF_VALUE) *entries = providers_of(conf);
    for (int i = 0; i < sk_CONF_VALUE_num(entries); i++) {
        const char *name = wanted_provider(conf, sk_CONF_VALUE_value(entries, i));
        if (!name || OSSL_PROVIDER_available(library->context, name)) continue;
        (void)OPENSSL_strlcpy(missing, name, size);
        return false;
    }
    return true;
}

static bool load_config(const sci_library *library, const char *path, sci_failure *failure, char *name, size_t size) {
    CONF *conf = NCONF_new_ex(library->context, NULL);
    bool readable = conf && NCONF_load(conf, path, NULL) > 0, off = readable && starts_what_is_off(conf, name, size);
    bool loaded = readable && !off && OSSL_LIB_CTX_load_config(library->context, path) == 1;
    if (off) {
        (void)sci_refuse(failure, "not_in_this_openssl",
                         "OpenSSL before 3.2 starts a provider also where \"activate\" is 0 or no: remove that line");
        failure->subject = name;
    } else if (!loaded) failure->condition = "malformed_config";
    else if (!all_started(library, conf, name, size)) {
        loaded = sci_refuse(failure, "provider_failed", "a provider of the configuration file does not start");
        failure->subject = name;
        sci_clear_errors();
    }
    NCONF_free(conf);
    return loaded;
}

/***
Reads a configuration file of OpenSSL, which may load providers and set their parameters.
@function SciSslLibrary:loadConfig
@tparam string path
@treturn[1] SciSslLibrary the receiver
@treturn[2] nil
@treturn[2] SciSslError phase `library`, condition `file_missing`, `malformed_config` or another of the file; `provider_failed`:
 a provider of the file is missing or does not start; the others are loaded. `not_in_this_openssl`: the file says `activate = 0`,
 and OpenSSL is older than 3.2, which starts the provider nevertheless; nothing was loaded
@see OSSL_LIB_CTX_load_config(3)
@see config(5)
*/
static int library_load_config(lua_State *L) {
    sci_library *library = check_self(L);
    const char *path = sci_check_text(L, 2);
    sci_failure failure = {.phase = "library", .subject = path};
    BIO *bio = sci_open_file(path, &failure);
    if (!bio) return sci_fail(L, &failure);
    BIO_free(bio);
    sci_clear_errors();
    char name[64];
    if (load_config(library, path, &failure, name, sizeof name)) return sci_return_receiver(L);
    return sci_fail(L, &failure);
}

/***
Sets the folder in which OpenSSL looks for modules of providers, in place of its own (`openssl version -m`).
@function SciSslLibrary:setProviderPath
@tparam string folder
@treturn[1] SciSslLibrary the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `memory_full`
@see OSSL_PROVIDER_set_default_search_path(3)
*/
static int library_set_provider_path(lua_State *L) {
    sci_library *library = check_self(L);
    const char *folder = sci_check_text(L, 2);
    sci_clear_errors();
    if (OSSL_PROVIDER_set_default_search_path(library->context, folder) != 1)
        return sci_fail_openssl(L, "library", folder);
    return sci_return_receiver(L);
}

/***
Sets which implementations are used: those whose properties match. Set it after the providers are loaded.
@function SciSslLibrary:setProperties
@tparam string query such as `fips=yes`; `?fips=yes` prefers them; the empty string: all
@treturn[1] SciSslLibrary the receiver
@treturn[2] nil
@treturn[2] SciSslError phase `library`, condition `malformed_properties`
@see EVP_set_default_properties(3)
@see property(7)
*/
static int library_set_properties(lua_State *L) {
    sci_library *library = check_self(L);
    const char *query = sci_check_text(L, 2);
    sci_failure failure = {.phase = "library", .condition = "malformed_properties", .subject = query};
    sci_clear_errors();
    if (EVP_set_default_properties(library->context, query) != 1) return sci_fail(L, &failure);
    return sci_return_receiver(L);
}

/* ---- what there is ----------------------------------------------------------------------------------------------- */

typedef struct listed {
    char name[64], version[64], build[128];
    bool running;
} listed;

typedef struct listing {
    listed entries[PROVIDERS + 1];
    int count;
} listing;

static void copy_text(char *to, size_t size, const char *text) { (void)OPENSSL_strlcpy(to, text ? text : "", size); }

static int add_provider(OSSL_PROVIDER *provider, void *data) {
    listing *found = data;
    char *version = NULL, *build = NULL;
    int running = 0;
    OSSL_PARAM asked[] = {OSSL_PARAM_utf8_ptr("version", &version, 0), OSSL_PARAM_utf8_ptr("buildinfo", &build, 0),
                          OSSL_PARAM_int("status", &running), OSSL_PARAM_END};
    if (found->count == PROVIDERS + 1) return 1;
    listed *entry = &found->entries[found->count++];
    (void)OSSL_PROVIDER_get_params(provider, asked); /* what it does not tell stays as it is */
    copy_text(entry->name, sizeof entry->name, OSSL_PROVIDER_get0_name(provider));
    copy_text(entry->version, sizeof entry->version, version);
    copy_text(entry->build, sizeof entry->build, build);
    entry->running = running != 0;
    return 1;
}

/***
Returns the providers that are loaded.
@function SciSslLibrary:providers
@treturn {table,...} each with `name`, `version`, `build` (strings) and `running` (boolean: it works, and has passed its self-tests)
@see OSSL_PROVIDER_do_all(3)
*/
static int library_providers(lua_State *L) {
    const sci_library *library = check_self(L);
    listing found = {.count = 0};
    sci_clear_errors();
    (void)OSSL_PROVIDER_do_all(library->context, add_provider, &found);
    sci_clear_errors();
    lua_createtable(L, found.count, 0);
    for (int i = 0; i < found.count; i++) {
        const listed *entry = &found.entries[i];
        lua_createtable(L, 0, 4);
        sci_set_text(L, "name", entry->name);
        sci_set_text(L, "version", entry->version);
        sci_set_text(L, "build", entry->build);
        sci_set_boolean(L, "running", entry->running);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

static int library_tostring(lua_State *L) {
    lua_pushfstring(L, SCI_LIBRARY ": %d loaded", check_self(L)->count);
    return 1;
}

static const luaL_Reg library_functions[] = {{"new", library_new}, {NULL, NULL}};

static const luaL_Reg library_methods[] = {
    {"load", library_load},
    {"loadConfig", library_load_config},
    {"setProviderPath", library_set_provider_path},
    {"setProperties", library_set_properties},
    {"providers", library_providers},
    {NULL, NULL},
};

static const luaL_Reg library_metamethods[] = {{"__tostring", library_tostring}, {NULL, NULL}};

void sci_open_library(lua_State *L) {
    sci_new_class(L, SCI_LIBRARY, library_functions, library_methods, library_metamethods);
}
