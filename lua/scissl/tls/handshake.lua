--- A handshake with its options.
-- @module scissl.tls.handshake

local options = require "scissl.base.option_table"
local run_through = require "scissl.tls.handshake_loop"
local wait = require "scissl.loop.wait"

local roles = { connect = true, accept = true }

local known_options = {
  timeout = "seconds",
  deadline = "number",
  waiter = "string|callable",
  onClientHello = "callable",
  onCertificate = "callable",
  onVerify = "callable",
  replayable = "string",
  onReplayable = "callable",
}

--- Finishes the handshake of a SciSslSocket that is connected and initialised (or still connecting).
-- With a time-out, a blocking socket is made non-blocking until the handshake ends.
--
-- The handlers below are called between the steps of the handshake, never inside OpenSSL: they may yield, take their
-- time, use other sockets, or close this one. An error that a handler raises ends the handshake and is the
-- SciSslError's `cause`. A handler may return `false`, an alert (see `SciSslSocket:sslRefuse`) and a reason: this
-- rejects the peer; or nothing: the handshake goes on as without the handler; or nil and a SciSslError, which counts as
-- raised.
-- @function scissl.handshake
-- @tparam SciSslSocket socket
-- @tparam string role `"connect"` (client) or `"accept"` (server)
-- @tparam[opt] table given options:
--
-- * `timeout`: seconds for the whole handshake
-- * `deadline`: the same as a moment on the clock of `SciSocket.now()`
-- * `waiter`: a name or a function (see `scissl.wait`)
-- * `onClientHello(socket, hello)` (servers): `hello` is a SciSslClientHello. To continue with another SciSslContext,
--   return it (see `SciSslSocket:sslSetContext`)
-- * `onCertificate(socket, about)`: on a server, `about` is the SciSslClientHello; on a client, the client CA list that
--   the server sent. Return a certificate, its key and, where needed, a passphrase, as for
--   `SciSslSocket:sslUseCertificate`
-- * `replayable` (clients): early data, sent where the session allows it (see `SciSslSocket:sslWriteReplayable`);
--   afterwards `socket:earlyDataStatus()` tells whether the server accepted it
-- * `onReplayable(socket, data)` (servers): gets early data as it arrives (see `SciSslSocket:sslReadReplayable`). An
--   error that it raises is raised to the caller
-- * `onVerify(socket, verdict)`: `verdict` is what `SciSslSocket:sslVerdict` returns. Return true to accept the peer
--   whatever OpenSSL's result, or nothing to leave it to OpenSSL. A server that requires a certificate rejects a client
--   without one before this handler
--
-- @treturn[1] SciSslSocket the socket
-- @treturn[2] nil
-- @treturn[2] SciSslError what sslConnect or sslAccept returned; `timeout`; `cancelled`: the waiter gave up; `refused`
--  or `handler_failed`: a handler ended it; `busy`: another coroutine does this handshake. The caller closes the socket
-- @raise for another role, and for unknown options
return function(socket, role, given)
  if not roles[role] then
    error(("bad argument #2 to 'handshake' ('connect' or 'accept' expected, got %s)"):format(tostring(role)), 2)
  end
  given = options.read("handshake", given or {}, known_options, 2)
  options.checkArgument(1, "handshake", socket, "SciSslSocket|SciSslTrySocket", 2)
  local waiter = wait.find(given.waiter, 2)
  local deadline = given.deadline or wait.deadline(given.timeout)
  return run_through(socket, role, waiter, given.timeout, deadline, {
    onClientHello = given.onClientHello,
    onCertificate = given.onCertificate,
    onVerify = given.onVerify,
  }, given.replayable, given.onReplayable)
end
