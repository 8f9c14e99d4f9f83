--- The handshake's retry loop: does what a handshake waits for, and repeats the call.
-- @module scissl.handshake

local core = require "scissl.core"
local options = require "scissl.options"
local wait = require "scissl.wait"

local steps = {
  connect = function(socket) return socket:sslConnect() end,
  accept = function(socket) return socket:sslAccept() end,
}

local function wait_for(run, events)
  return wait.ready(run.waiter, run.socket, events, run.deadline, run.role, run.timeout, "the TLS handshake")
end

-- What serves each "not yet" of SciSslSocket:sslGetError: function(run) -> true, or nil and a SciSslError.
local services = {
  [core.SSL_ERROR_WANT_READ] = function(run) return wait_for(run, "r") end,
  [core.SSL_ERROR_WANT_WRITE] = function(run) return wait_for(run, "w") end,
}

local function refuse_unserved(run, code)
  return nil, core.SciSslError.new {
    phase = run.role,
    condition = "not_served",
    sslError = code,
    message = ("the handshake asks for something that nobody here supplies (SSL_ERROR code %d)"):format(code),
  }
end

local function repeat_until_done(run)
  local step, socket = steps[run.role], run.socket
  while true do
    local answer = step(socket)
    if core.isSslError(answer) then return nil, answer end
    if answer > 0 then return socket end
    local code = socket:sslGetError(answer)
    local serve = services[code]
    if not serve then return refuse_unserved(run, code) end
    local served, failure = serve(run)
    if not served then return nil, failure end
  end
end

local known_options = { timeout = "seconds", deadline = "number", waiter = "string|callable" }

--- Finishes the handshake of a SciSslSocket that is connected and initialised (or still connecting).
-- A blocking socket is made non-blocking meanwhile where there is a time-out, since nothing else could hold it to that.
-- @function scissl.handshake
-- @tparam SciSslSocket socket
-- @tparam string role `"connect"` (client) or `"accept"` (server)
-- @tparam[opt] table given `timeout`: seconds for the whole handshake; `deadline`: the same as a moment on the clock of
--  `SciSocket.now()`; `waiter`: a name or a function (see `scissl.wait`)
-- @treturn[1] SciSslSocket the socket
-- @treturn[2] nil
-- @treturn[2] SciSslError what sslConnect or sslAccept answered; `timeout`; `cancelled` where the waiter gave up. The
--  socket is the caller's to close
-- @raise for another role, and for unknown options
return function(socket, role, given)
  if not steps[role] then
    error(("bad argument #2 to 'handshake' ('connect' or 'accept' expected, got %s)"):format(tostring(role)), 2)
  end
  given = given or {}
  options.check("handshake", given, known_options, 2)
  local run = {
    socket = socket,
    role = role,
    waiter = wait.find(given.waiter, 2),
    timeout = given.timeout,
    deadline = given.deadline or wait.deadline(given.timeout),
  }
  if not (run.deadline and socket:isBlocking()) then return repeat_until_done(run) end
  socket:setBlocking(false)
  local done, failure = repeat_until_done(run)
  socket:setBlocking(true)
  return done, failure
end
