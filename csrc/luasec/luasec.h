/* luasec.h: the objects of scissl.luasec: full userdata, as LuaSec's are, and what its connections do for each line: `send`,
 * `receive` and waiting. All else is in Lua: lua/scissl/luasec.
 *
 * Each of its classes (connections, contexts, certificates) is a metatable that sci_open_luasec_object makes, and each object of
 * theirs is a sci_luasec, whose user value is a table, its state in Lua. Only connections use the fields. Each field is written by the
 * files that are named beside it, and by no other (spec/parts_spec.lua). */
#ifndef SCISSL_LUASEC_H
#define SCISSL_LUASEC_H

#include "stream/stream.h"

#define SCI_LUASEC_STATE 1  /* user value: the table */
#define SCI_LUASEC_SOCKET 2 /* user value: the SciSslSocket of a connection, or nil */

typedef enum sci_luasec_phase { SCI_LUASEC_NEW, SCI_LUASEC_CONNECTED, SCI_LUASEC_CLOSED } sci_luasec_phase;

typedef struct sci_luasec {
    sci_input in;           /* luasec_receive.c: has been decrypted and was not received */
    sci_sslsocket *socket;  /* luasec_connection.c: in SCI_LUASEC_SOCKET; NULL: none */
    sci_luasec_phase phase; /* luasec_connection.c, luasec_object.c */
    bool moving;            /* luasec_receive.c: a call is adding bytes to `in`, or makes a string of some */
    bool ended;             /* luasec_wait.c: the peer has sent close_notify */
    double block, total;    /* luasec_wait.c, luasec_object.c: settimeout, in seconds; below 0: no limit */
    lua_Number received;    /* luasec_receive.c, luasec_connection.c */
    lua_Number sent;        /* luasec_send.c, luasec_connection.c */
    lua_Number birthday;    /* luasec_object.c, luasec_connection.c */
} sci_luasec;

/* ---- luasec_object.c ---------------------------------------------------------------------------------------------- */

/* Upvalues of functions that take a connection as their first argument. */
enum { SCI_LUASEC_CLASS = 1, SCI_LUASEC_DESCRIBE };

/* The object at 1, of the class at the first upvalue; raises LuaSec's error for anything else. */
sci_luasec *sci_check_luasec(lua_State *L);

/* Adds functions to the table at `index`. Their upvalues are the running function's arguments 1 and 2. */
void sci_luasec_add(lua_State *L, int index, const luaL_Reg *functions);

/* ---- luasec_wait.c ------------------------------------------------------------------------------------------------ */

/* When an operation that begins now has begun. It need not be known where there is no time-out. */
double sci_luasec_start(const sci_luasec *self);

/* The result of a call of the connection's socket that is not ready, or ends, is on top. True: it was waited for and popped, and
 * the call is to be repeated. False: LuaSec's word for why the operation ends has taken its place. */
bool sci_luasec_settle(lua_State *L, sci_luasec *self, double start);

/* ---- openers: each adds to the table on top what lua/scissl/luasec calls ------------------------------------------- */

void sci_open_luasec_object(lua_State *L);     /* newLuasecClass, newLuasecObject, luasecState, luasecMethod */
void sci_open_luasec_password(lua_State *L);   /* luasecAskPassword() */
void sci_open_luasec_connection(lua_State *L); /* luasecConnection(class, describe): functions of connections */

/* ---- each adds functions to the table at `index` by sci_luasec_add ------------------------------------ */

void sci_luasec_add_wait(lua_State *L, int index);
void sci_luasec_add_receive(lua_State *L, int index);
void sci_luasec_add_send(lua_State *L, int index);

#endif
