/* flags.c: flags, as bits or by OpenSSL's names, in lower case and without their prefix: "no_ticket", "crl_check". */
#include "base/base.h"

#include <stdlib.h>
#include <string.h>

/* ---- names ------------------------------------------------------------------------------------------------------ */

#define NAME_SIZE 64 /* the longest name of a flag, and more */

/* The constant's name without `prefix`, in lower case. False: it is not one of them. */
static bool short_name(const sci_constant *constant, const char *prefix, char name[NAME_SIZE]) {
    size_t length = strlen(prefix);
    if (strncmp(constant->name, prefix, length) != 0 || strlen(constant->name) >= NAME_SIZE) return false;
    const char *from = constant->name + length;
    do *name++ = sci_lower_case(*from);
    while (*from++);
    return true;
}

static bool find_flag(const char *prefix, const char *wanted, uint64_t *bits) {
    char name[NAME_SIZE];
    for (const sci_constant *constant = sci_constants; constant->name; constant++)
        if (short_name(constant, prefix, name) && (strcmp(name, wanted) == 0 || strcmp(constant->name, wanted) == 0)) {
            *bits |= (uint64_t)constant->value;
            return true;
        }
    return false;
}

/* The name at `index`; one with a NUL byte is no flag's. */
static bool find_named(lua_State *L, int index, const char *prefix, uint64_t *bits) {
    size_t length;
    const char *name = lua_tolstring(L, index, &length);
    return strlen(name) == length && find_flag(prefix, name, bits);
}

static bool are_known(const char *prefix, uint64_t bits) {
    size_t length = strlen(prefix);
    for (const sci_constant *constant = sci_constants; bits != 0 && constant->name; constant++)
        if (*constant->name == *prefix && strncmp(constant->name, prefix, length) == 0)
            bits &= ~(uint64_t)constant->value;
    return bits == 0;
}

/* ---- the nearest name ------------------------------------------------------------------------------------------- */

/* Pushes "did you mean '…'?", or that there is no such constant. */
static const char *push_advice(lua_State *L, const char *prefix, const char *wanted) {
    char name[NAME_SIZE];
    const char *near = NULL;
    int best = (int)strlen(wanted) / 3 + 1;
    for (const sci_constant *constant = sci_constants; strlen(wanted) < NAME_SIZE && constant->name; constant++) {
        int steps = short_name(constant, prefix, name) ? sci_name_distance(wanted, name) : best;
        if (steps < best) near = constant->name;
        if (steps < best) best = steps;
    }
    if (!near) return lua_pushfstring(L, "no %s… constant has that name", prefix);
    for (const sci_constant *constant = sci_constants; constant->name; constant++)
        if (constant->name == near) (void)short_name(constant, prefix, name);
    return lua_pushfstring(L, "did you mean '%s'?", name);
}

/* ---- reading flags ---------------------------------------------------------------------------------------------- */

static bool fail_unknown(lua_State *L, const char *prefix, const char *name) {
    const char *message = push_advice(L, prefix, name);
    sci_fail(L, &(sci_failure){.phase = "option", .condition = "unknown_flag", .message = message, .subject = name});
    return false;
}

static bool read_bits(lua_State *L, int index, const char *prefix, uint64_t *bits) {
    *bits = (uint64_t)luaL_checkinteger(L, index);
    if (are_known(prefix, *bits)) return true;
    const char *message = lua_pushfstring(L, "some of the bits are no %s… constant", prefix);
    sci_fail_own(L, "option", "unknown_flag", message);
    return false;
}

static bool read_list(lua_State *L, int index, const char *prefix, uint64_t *bits) {
    lua_Integer count = sci_check_list(L, index);
    for (lua_Integer i = 1; i <= count; i++) {
        if (lua_rawgeti(L, index, i) != LUA_TSTRING) luaL_argerror(L, index, "list of names expected");
        if (!find_named(L, -1, prefix, bits)) return fail_unknown(L, prefix, lua_tostring(L, -1));
        lua_pop(L, 1);
    }
    return true;
}

bool sci_read_flags(lua_State *L, int index, const char *prefix, uint64_t *bits) {
    *bits = 0;
    switch (lua_type(L, index)) {
        case LUA_TNUMBER: return read_bits(L, index, prefix, bits);
        case LUA_TTABLE: return read_list(L, index, prefix, bits);
        case LUA_TSTRING: return find_named(L, index, prefix, bits) || fail_unknown(L, prefix, lua_tostring(L, index));
        default: luaL_typeerror(L, index, "integer, name or list of names"); return false;
    }
}

void sci_push_flag_names(lua_State *L, const char *prefix, uint64_t bits) {
    char name[NAME_SIZE];
    lua_Integer count = 0;
    lua_newtable(L);
    for (const sci_constant *constant = sci_constants; constant->name; constant++) {
        uint64_t bit = (uint64_t)constant->value;
        bool single = bit != 0 && (bit & (bit - 1)) == 0;
        if (!single || !(bits & bit) || !short_name(constant, prefix, name)) continue;
        lua_pushstring(L, name);
        lua_rawseti(L, -2, ++count);
    }
}
