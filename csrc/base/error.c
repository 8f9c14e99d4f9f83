/* error.c: makes SciSslErrors. */
#include "base/error.h"

#include <errno.h>
#include <string.h>

#define SYSTEM_TEXT 128 /* bytes for the system's text about an errno */

/* ---- fields, set in the table on top ---------------------------------------------------------------------------- */

static void set_value(lua_State *L, const char *field, int index) {
    if (!index) return;
    lua_pushvalue(L, index);
    lua_setfield(L, -2, field);
}

static void set_alert(lua_State *L, int alert, const char *direction) {
    sci_set_integer(L, "alert", alert);
    sci_set_text(L, "alertName", sci_alert_name(alert));
    sci_set_text(L, "alertDirection", direction);
}

static void set_errno(lua_State *L, int system_errno, const char *text) {
    sci_set_integer(L, "errno", system_errno);
    sci_set_text(L, "errnoText", text);
}

static void set_verify_result(lua_State *L, long result) {
    sci_set_integer(L, "verifyResult", result);
    sci_set_text(L, "verifyText", X509_verify_cert_error_string(result));
}

static void set_code(lua_State *L, const sci_queue_entry *entry) {
    sci_set_integer(L, "code", (lua_Integer)entry->code);
    sci_set_text(L, "library", entry->library);
    sci_set_text(L, "reason", entry->reason);
}

static void set_queue(lua_State *L, const sci_error_queue *queue) {
    lua_createtable(L, queue->count, 0);
    for (int i = 0; i < queue->count; i++) {
        const sci_queue_entry *entry = &queue->entries[i];
        lua_createtable(L, 0, 7);
        set_code(L, entry);
        sci_set_text(L, "file", entry->file);
        sci_set_text(L, "function", entry->function);
        sci_set_integer(L, "line", entry->line);
        sci_set_text(L, "data", entry->data);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "queue");
}

/* OpenSSL's first entry is the cause, those behind it follow from it. */
static void fill_fields(lua_State *L, const sci_failure *failure, const sci_error_queue *queue,
                        const sci_diagnosis *diagnosis, const char *system_text) {
    set_queue(L, queue);
    if (queue->count > 0) set_code(L, &queue->entries[0]);
    else sci_set_integer(L, "code", 0);
    sci_set_text(L, "phase", failure->phase ? failure->phase : "unknown");
    sci_set_text(L, "condition", diagnosis->condition);
    sci_set_integer(L, "sslError", failure->ssl_error ? failure->ssl_error : SSL_ERROR_SSL);
    if (failure->system_errno) set_errno(L, failure->system_errno, system_text);
    if (diagnosis->received_alert >= 0) set_alert(L, diagnosis->received_alert, "received");
    else if (failure->alert_sent) set_alert(L, failure->alert, "sent");
    if (failure->verify_result != X509_V_OK) set_verify_result(L, failure->verify_result);
}

/* ---- the error -------------------------------------------------------------------------------------------------- */

static void push_empty_error(lua_State *L) {
    sci_new_object(L, SCI_ERROR, 1, 1);
    lua_createtable(L, 0, 16);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, -3, SCI_ERROR_FIELDS);
}

static void copy_system_text(char text[SYSTEM_TEXT], int system_errno) {
    (void)OPENSSL_strlcpy(text, system_errno ? strerror(system_errno) : "", SYSTEM_TEXT);
}

void sci_push_error(lua_State *L, const sci_failure *failure) {
    sci_error_queue queue;
    sci_take_errors(&queue);
    sci_diagnosis diagnosis = sci_diagnose(failure, &queue);
    char system_text[SYSTEM_TEXT], peer[SCI_PEER];
    int cause = failure->cause ? lua_absindex(L, failure->cause) : 0;
    int traceback = failure->traceback ? lua_absindex(L, failure->traceback) : 0;
    luaL_checkstack(L, 10, "too many values for a SciSslError");
    copy_system_text(system_text, failure->system_errno);
    (void)OPENSSL_strlcpy(peer, failure->peer ? failure->peer : "", sizeof peer);
    lua_pushstring(L, failure->subject); /* first: it may belong to an object that a finalizer closes */
    int subject = lua_gettop(L);
    if (diagnosis.out_of_memory) lua_pushnil(L);
    else if (failure->words[0]) lua_pushfstring(L, failure->message, failure->words[0], failure->words[1]);
    else lua_pushstring(L, failure->message);
    push_empty_error(L);
    fill_fields(L, failure, &queue, &diagnosis, system_text);
    set_value(L, "subject", subject);
    set_value(L, "message", subject + 1);
    if (*peer) sci_set_text(L, "peer", peer);
    set_value(L, "cause", cause);
    set_value(L, "traceback", traceback);
    lua_pop(L, 1);
    lua_replace(L, subject);
    lua_pop(L, 1);
}

/* ---- nil and the error ------------------------------------------------------------------------------------------ */

int sci_fail(lua_State *L, const sci_failure *failure) {
    luaL_checkstack(L, 8, "too many values for a SciSslError");
    lua_pushnil(L);
    sci_push_error(L, failure);
    return 2;
}

int sci_fail_openssl(lua_State *L, const char *phase, const char *subject) {
    return sci_fail(L, &(sci_failure){.phase = phase, .subject = subject});
}

int sci_fail_system(lua_State *L, const char *phase, const char *subject, int system_errno) {
    return sci_fail(
        L, &(sci_failure){
               .phase = phase, .subject = subject, .ssl_error = SSL_ERROR_SYSCALL, .system_errno = system_errno});
}

int sci_fail_own(lua_State *L, const char *phase, const char *condition, const char *message) {
    errno = 0;
    return sci_fail(L, &(sci_failure){.phase = phase, .condition = condition, .message = message});
}

int sci_fail_missing(lua_State *L, const char *phase, const char *what, const char *needs) {
    const char *version = OpenSSL_version(OPENSSL_VERSION_STRING);
    return sci_fail(L,
                    &(sci_failure){.phase = phase,
                                   .condition = "not_in_this_openssl",
                                   .message = lua_pushfstring(L, "not in this OpenSSL (%s): needs %s", version, needs),
                                   .subject = what});
}

/* ---- a sci_failure --------------------------------------------------------------------------------------------- */

bool sci_refuse(sci_failure *failure, const char *condition, const char *message) {
    failure->condition = condition;
    failure->message = message;
    return false;
}

bool sci_refuse_about(sci_failure *failure, const char *condition, const char *message, const char *subject) {
    failure->subject = subject;
    return sci_refuse(failure, condition, message);
}
