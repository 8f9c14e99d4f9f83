/* session.h: the room of TLS sessions (OSSslSession) and cipher suites (SciSslCipher).
 *
 * An OSSslSession owns a reference to its SSL_SESSION, and a copy of the peer's chain: OpenSSL forgets the intermediate
 * certificates, and a client needs them to verify the peer's certificate again when it resumes the session. A
 * SciSslCipher owns nothing: OpenSSL's ciphers are static. No function here calls Lua. */
#ifndef SCISSL_SESSION_H
#define SCISSL_SESSION_H

#include "pki/pki.h"

/* ---- cipher.c: SciSslCipher -------------------------------------------------------------------------------------- */

void sci_push_cipher(lua_State *L, const SSL_CIPHER *cipher); /* pushes nil for NULL */

/* ---- session.c: OSSslSession ------------------------------------------------------------------------------------- */

SSL_SESSION **sci_new_session(lua_State *L);             /* pushes an empty one; the caller fills the slot */
SSL_SESSION *sci_check_session(lua_State *L, int index); /* borrowed; raises where there is no open OSSslSession */
SSL_SESSION *sci_test_session(lua_State *L, int index);  /* borrowed; NULL where there is no open OSSslSession */

/* A copy of `session` for another cache: OpenSSL links a session into the list of one. NULL: it is not resumable, or
 * out of memory. The caller frees it. */
SSL_SESSION *sci_copy_session(SSL_SESSION *session);

/* Keeps a copy of `chain` with the session on top of the stack. */
void sci_keep_session_chain(lua_State *L, const sci_chain *chain);

/* Replaces `chain` by a copy of the one that the session at `index` keeps. */
void sci_copy_session_chain(lua_State *L, int index, sci_chain *chain);

/* ---- openers ----------------------------------------------------------------------------------------------------- */

void sci_open_session(lua_State *L);
void sci_open_cipher(lua_State *L);

#endif
