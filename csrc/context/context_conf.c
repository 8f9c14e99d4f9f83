/* context_conf.c: SciSslContext, settings by the names of OpenSSL's configuration files (SSL_CONF). */
#include "context/context.h"

#include <string.h>

#define COMMAND_FLAGS                                                                                                  \
    (SSL_CONF_FLAG_FILE | SSL_CONF_FLAG_CERTIFICATE | SSL_CONF_FLAG_CLIENT | SSL_CONF_FLAG_SERVER |                    \
     SSL_CONF_FLAG_SHOW_ERRORS)

/* OpenSSL puts these certificates into a second trust store, and then ignores the one that all other methods use. */
static const char *const trust_commands[] = {"VerifyCAFile", "VerifyCAPath", "VerifyCAStore",
                                             "ChainCAFile",  "ChainCAPath",  "ChainCAStore"};

static bool is_trust_command(const char *name) {
    for (size_t i = 0; i < sizeof trust_commands / sizeof *trust_commands; i++)
        if (sci_same_name(trust_commands[i], name)) return true;
    return false;
}

static bool run_command(SSL_CONF_CTX *commands, const char *name, const char *value, sci_failure *failure) {
    int result = SSL_CONF_cmd(commands, name, value);
    if (result > 0) return true;
    failure->subject = name;
    failure->condition = result == -2 ? "unknown_command" : "bad_command_value";
    return false;
}

/* ---- a list of pairs at index 2: checked before OpenSSL gets any of it ------------------------------------------- */

/* "" where a finalizer has changed the list since it was checked. */
static const char *pair_text(lua_State *L, lua_Integer pair, lua_Integer which) {
    const char *text = "";
    int top = lua_gettop(L);
    if (lua_rawgeti(L, 2, pair) == LUA_TTABLE && lua_rawgeti(L, -1, which) == LUA_TSTRING) text = lua_tostring(L, -1);
    lua_settop(L, top); /* the table still holds it */
    return text;
}

static void check_pairs(lua_State *L) {
    lua_Integer count = sci_check_list(L, 2);
    for (lua_Integer i = 1; i <= count; i++) {
        luaL_argcheck(L, lua_rawgeti(L, 2, i) == LUA_TTABLE, 2, "list of {name, value} pairs expected");
        for (lua_Integer which = 1; which <= 2; which++) {
            size_t length;
            luaL_argcheck(L, lua_rawgeti(L, -1, which) == LUA_TSTRING, 2, "list of {name, value} pairs expected");
            const char *text = lua_tolstring(L, -1, &length);
            luaL_argcheck(L, strlen(text) == length, 2, "a command contains a NUL byte");
            lua_pop(L, 1);
        }
        lua_pop(L, 1);
    }
}

static bool run_all(lua_State *L, SSL_CONF_CTX *commands, sci_failure *failure) {
    lua_Integer count = (lua_Integer)lua_rawlen(L, 2);
    bool done = true;
    for (lua_Integer i = 1; done && i <= count; i++)
        done = run_command(commands, pair_text(L, i, 1), pair_text(L, i, 2), failure);
    return done && SSL_CONF_CTX_finish(commands);
}

static bool has_trust_command(lua_State *L, sci_failure *failure) {
    lua_Integer count = (lua_Integer)lua_rawlen(L, 2);
    for (lua_Integer i = 1; i <= count; i++) {
        if (!is_trust_command(pair_text(L, i, 1))) continue;
        failure->subject = pair_text(L, i, 1);
        failure->condition = "trust_command";
        return true;
    }
    return false;
}

/* Tries all commands on a connection that is made for this. */
static bool try_all(lua_State *L, SSL_CTX *ctx, sci_failure *failure) {
    SSL *probe = SSL_new(ctx);
    SSL_CONF_CTX *commands = probe ? SSL_CONF_CTX_new() : NULL;
    bool done = false;
    if (commands) {
        SSL_CONF_CTX_set_flags(commands, COMMAND_FLAGS);
        SSL_CONF_CTX_set_ssl(commands, probe);
        done = run_all(L, commands, failure);
    }
    SSL_CONF_CTX_free(commands);
    SSL_free(probe);
    return done;
}

static bool apply_all(lua_State *L, SSL_CTX *ctx, sci_failure *failure) {
    SSL_CONF_CTX *commands = SSL_CONF_CTX_new();
    if (!commands) return false;
    SSL_CONF_CTX_set_flags(commands, COMMAND_FLAGS);
    SSL_CONF_CTX_set_ssl_ctx(commands, ctx);
    bool done = run_all(L, commands, failure);
    SSL_CONF_CTX_free(commands);
    return done;
}

/* For `describe`: texts that OpenSSL cannot give back. */
static void note_all(lua_State *L) {
    static const struct {
        const char *command, *note;
    } noted[] = {{"Groups", "groups"}, {"Curves", "groups"}, {"SignatureAlgorithms", "signatureAlgorithms"}};
    lua_Integer count = (lua_Integer)lua_rawlen(L, 2);
    for (lua_Integer i = 1; i <= count; i++)
        for (size_t j = 0; j < sizeof noted / sizeof *noted; j++) {
            if (!sci_same_name(pair_text(L, i, 1), noted[j].command)) continue;
            lua_rawgeti(L, 2, i);
            lua_rawgeti(L, -1, 2);
            sci_context_note(L, noted[j].note, -1);
            lua_pop(L, 2);
        }
}

static int do_commands(lua_State *L) {
    sci_context *context = sci_check_context(L, 1);
    sci_failure failure = {.phase = "option"};
    lua_settop(L, 2);
    check_pairs(L);
    sci_clear_errors();
    if (has_trust_command(L, &failure) || !try_all(L, context->ctx, &failure)) return sci_fail(L, &failure);
    sci_clear_errors();
    if (!sci_context_detach(context)) return sci_fail(L, &failure);
    if (!apply_all(L, context->ctx, &failure)) return sci_context_give_up(L, context, failure.subject);
    sci_clear_errors();
    sci_context_compress_again(context);
    note_all(L);
    return sci_return_receiver(L);
}

/***
Changes one setting by the name that it has in OpenSSL's configuration files.
@function SciSslContext:setCommand
@tparam string name `MinProtocol`, `CipherString`, `Groups`, `Options` …
@tparam string value as in those files: `TLSv1.2`, `-SessionTicket,ServerPreference` …
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError condition `unknown_command`, `bad_command_value`, or `trust_command`: for trusted certificates use
 `loadVerifyLocations` or `addTrusted`; the context is unchanged
@see SSL_CONF_cmd(3), "supported configuration file commands"
*/
static int context_set_command(lua_State *L) {
    sci_check_context(L, 1);
    sci_check_text(L, 2);
    sci_check_text(L, 3);
    lua_settop(L, 3);
    lua_createtable(L, 1, 0);
    lua_createtable(L, 2, 0);
    for (int i = 1; i <= 2; i++) {
        lua_pushvalue(L, i + 1);
        lua_rawseti(L, -2, i);
    }
    lua_rawseti(L, -2, 1);
    lua_replace(L, 2);
    return do_commands(L);
}

/***
Changes several settings in the order of the list: all of them, or none where one is rejected.
@function SciSslContext:setCommands
@tparam {{string,string},...} commands pairs of a name and a value: `{ {"MinProtocol", "TLSv1.2"}, … }`
@treturn[1] SciSslContext the receiver
@treturn[2] nil
@treturn[2] SciSslError as for `setCommand`; its subject is the rejected name; the context is unchanged
@see SSL_CONF_cmd(3)
*/
static int context_set_commands(lua_State *L) { return do_commands(L); }

static const luaL_Reg conf_methods[] = {
    {"setCommand", context_set_command},
    {"setCommands", context_set_commands},
    {NULL, NULL},
};

void sci_open_context_conf(lua_State *L) { luaL_setfuncs(L, conf_methods, 0); }
