/* context_check.c: SciSslContext as an argument: open, or closed. */
#include "context/context.h"

bool sci_context_is_open(const sci_context *context) { return context->ctx && !context->closed; }

sci_context *sci_check_context(lua_State *L, int index) {
    sci_context *context = luaL_checkudata(L, index, SCI_CONTEXT);
    luaL_argcheck(L, sci_context_is_open(context), index, "context has been closed");
    return context;
}

int sci_context_set_function(lua_State *L, int uservalue) {
    sci_check_context(L, 1);
    lua_settop(L, 2);
    if (!lua_isnil(L, 2)) luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_setiuservalue(L, 1, uservalue);
    return sci_return_receiver(L);
}

void sci_context_close(sci_context *context) { context->closed = true; }

int sci_context_give_up(lua_State *L, sci_context *context, const char *subject) {
    sci_context_close(context);
    return sci_fail(L, &(sci_failure){.phase = "option",
                                      .condition = "memory_full",
                                      .message = "memory ran out half-way: the context has been closed",
                                      .subject = subject});
}
