/* box.c: userdata that own one object of OpenSSL's, read from PEM or DER. */
#include "pki/reading.h"

#include <string.h>

/* What was stored as an X509 * is not read as a void *. */
static void *object_in(const sci_box *box) {
    void *object;
    memcpy(&object, &box->object, sizeof object);
    return object;
}

static void *open_object(const sci_box *box) { return box && !box->closed ? object_in(box) : NULL; }

void *sci_new_box(lua_State *L, const sci_kind *kind, size_t size) { return sci_new_object(L, kind->class, size, 0); }

void *sci_test_box(lua_State *L, int index, const sci_kind *kind) {
    return open_object(luaL_testudata(L, index, kind->class));
}

void *sci_check_box(lua_State *L, int index, const sci_kind *kind) {
    void *object = open_object(luaL_checkudata(L, index, kind->class));
    luaL_argcheck(L, object != NULL, index, kind->closed);
    return object;
}

void *sci_show_box(lua_State *L, const sci_kind *kind) {
    void *object = open_object(luaL_checkudata(L, 1, kind->class));
    if (!object) lua_pushfstring(L, "%s: closed", kind->class);
    return object;
}

int sci_close_box(lua_State *L, const sci_kind *kind) {
    sci_box *box = luaL_checkudata(L, 1, kind->class);
    box->closed = true;
    if (!sci_may_free(L)) return 0;
    void *object = object_in(box);
    box->object = NULL;
    if (object) kind->release(object);
    return 0;
}

/* ---- functions of the classes ------------------------------------------------------------------------------------ */

int sci_load_pem(lua_State *L, const sci_kind *kind) {
    int length;
    const char *text = sci_check_bytes(L, 1, &length);
    sci_box *box = sci_new_box(L, kind, sizeof *box);
    sci_failure failure = {.phase = "load"};
    box->object = sci_read_pem_text(text, length, kind, &failure);
    return box->object ? 1 : sci_fail(L, &failure);
}

int sci_load_pem_file(lua_State *L, const sci_kind *kind) {
    const char *path = sci_check_text(L, 1);
    sci_box *box = sci_new_box(L, kind, sizeof *box);
    sci_failure failure = {.phase = "load"};
    sci_clear_errors();
    BIO *bio = sci_open_file(path, &failure);
    if (bio) box->object = sci_read_pem(bio, kind, &failure);
    BIO_free(bio);
    return box->object ? 1 : sci_fail(L, &failure);
}

int sci_load_der(lua_State *L, const sci_kind *kind) {
    int length;
    const char *bytes = sci_check_bytes(L, 1, &length);
    sci_box *box = sci_new_box(L, kind, sizeof *box);
    sci_failure failure = {.phase = "load"};
    box->object = sci_read_der((const unsigned char *)bytes, length, kind, &failure);
    return box->object ? 1 : sci_fail(L, &failure);
}
