/* session.h: OSSslSession and SciSslCipher, what a handshake has agreed on. */
#ifndef SCISSL_SESSION_H
#define SCISSL_SESSION_H

#include "pki/pki.h"

/* ---- session.c, cipher.c ----------------------------------------------------------------------------------------- */

void sci_push_cipher(lua_State *L, const SSL_CIPHER *cipher); /* nil for NULL */

SSL_SESSION **sci_new_session(lua_State *L);
SSL_SESSION *sci_check_session(lua_State *L, int index);
SSL_SESSION *sci_test_session(lua_State *L, int index); /* borrowed; NULL where it is something else */

/* A copy of `session` for another cache: OpenSSL links a session into the list of one. NULL: it is not resumable, or out of memory.
 * The caller frees it. */
SSL_SESSION *sci_copy_session(SSL_SESSION *session);

/* Keep a copy of `chain` with the session on top of the stack, and give one back. */
void sci_keep_session_chain(lua_State *L, const sci_chain *chain);
void sci_copy_session_chain(lua_State *L, int index, sci_chain *chain);

/* ---- openers ----------------------------------------------------------------------------------------------------- */

void sci_open_session(lua_State *L);
void sci_open_cipher(lua_State *L);

#endif
