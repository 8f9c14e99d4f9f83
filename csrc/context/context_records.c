/* context_records.c: SciSslContext, the length of records, and their padding. */
#include "context/context.h"

/***
Sets the longest record that a client asks its server to use, in both directions: for clients with little memory. Later
connections only.
@function SciSslContext:setMaxFragmentLength
@tparam ?integer bytes 512, 1024, 2048 or 4096; nil: clients do not ask
@treturn SciSslContext the receiver
@raise an argument error for other numbers
@see SSL_CTX_set_tlsext_max_fragment_length(3)
@see RFC 6066, section 4
*/
static int context_set_max_fragment_length(lua_State *L) {
    SSL_CTX *ctx = sci_check_context(L, 1)->ctx;
    uint8_t mode = TLSEXT_max_fragment_length_DISABLED;
    if (!lua_isnoneornil(L, 2)) {
        lua_Integer bytes = luaL_checkinteger(L, 2);
        while (mode < TLSEXT_max_fragment_length_4096 && bytes != 256 << mode) mode++;
        luaL_argcheck(L, mode > 0 && bytes == 256 << mode, 2, "512, 1024, 2048 or 4096 expected");
    }
    (void)SSL_CTX_set_tlsext_max_fragment_length(ctx, mode); /* cannot fail for these */
    return sci_return_receiver(L);
}

/***
Sets the most bytes that a record carries when we send. A peer can decrypt a short record sooner. Later connections only.
@function SciSslContext:setMaxSendFragment
@tparam integer bytes 512 … 16384
@treturn SciSslContext the receiver
@see SSL_CTX_set_max_send_fragment(3)
*/
static int context_set_max_send_fragment(lua_State *L) {
    SSL_CTX *ctx = sci_check_context(L, 1)->ctx;
    lua_Integer bytes = sci_check_integer(L, 2, 512, SSL3_RT_MAX_PLAIN_LENGTH, "512 to 16384 bytes");
    (void)SSL_CTX_set_max_send_fragment(ctx, (long)bytes); /* cannot fail for these */
    return sci_return_receiver(L);
}

/***
Pads the records of TLS 1.3 to multiples of a length, so that their length tells an observer less about the messages. Later
connections only.
@function SciSslContext:setBlockPadding
@tparam integer bytes 0 … 16384; 0 and 1 switch padding off
@treturn SciSslContext the receiver
@see SSL_CTX_set_block_padding(3)
@see RFC 8446, section 5.4
*/
static int context_set_block_padding(lua_State *L) {
    SSL_CTX *ctx = sci_check_context(L, 1)->ctx;
    lua_Integer bytes = sci_check_integer(L, 2, 0, SSL3_RT_MAX_PLAIN_LENGTH, "0 to 16384 bytes");
    (void)SSL_CTX_set_block_padding(ctx, (size_t)bytes); /* cannot fail for these */
    return sci_return_receiver(L);
}

static const luaL_Reg records_methods[] = {
    {"setMaxFragmentLength", context_set_max_fragment_length},
    {"setMaxSendFragment", context_set_max_send_fragment},
    {"setBlockPadding", context_set_block_padding},
    {NULL, NULL},
};

void sci_open_context_records(lua_State *L) { luaL_setfuncs(L, records_methods, 0); }
