--- The handshake's retry loop: serves what a handshake waits for, and repeats the call.
-- @module scissl.tls.handshake_loop

local core = require "scissl.core"
local handlers = require "scissl.tls.handshake_handlers"
local peer_of = require "scissl.base.peer_address"
local wait = require "scissl.loop.wait"

local now = core.SciSocket.now
local running, status = coroutine.running, coroutine.status

local steps = {
  connect = function(socket) return socket:sslConnect() end,
  accept = function(socket) return socket:sslAccept() end,
}

-- A handshake of DTLS waits for a reply until it has to send again what it has sent last. The repeated call does that.
local function wait_for_reply(run, events, seconds)
  local deadline = now() + seconds
  if run.deadline and run.deadline <= deadline then deadline = run.deadline end
  local ready, failure = wait.ready(run.waiter, run.socket, events, deadline, run.role, run.timeout,
    "the DTLS handshake")
  if ready or deadline ~= run.deadline and failure:condition() == "timeout" then return true end
  return nil, failure
end

local function wait_for(run, events)
  local seconds = events == "r" and run.socket:timeout()
  -- A call reads a bounded number of bytes; a memory transport may hold more.
  if seconds == 0 then return true end
  if seconds then return wait_for_reply(run, events, seconds) end
  return wait.ready(run.waiter, run.socket, events, run.deadline, run.role, run.timeout, "the TLS handshake")
end

-- What to do for each code of SciSslSocket:sslGetError: function(run) returns true, or nil and a SciSslError.
local services = {
  [core.SSL_ERROR_WANT_READ] = function(run) return wait_for(run, "r") end,
  [core.SSL_ERROR_WANT_WRITE] = function(run) return wait_for(run, "w") end,
}

local function refuse_unserved(run, code)
  return nil, core.SciSslError.new {
    phase = run.role,
    condition = "not_served",
    sslError = code,
    message = ("the handshake needs something that no handler gives (SSL_ERROR code %d)"):format(code),
    peer = peer_of(run.socket),
  }
end

-- Does what a call that was not ready waits for. Returns true; or nil and a SciSslError.
local function serve(run, result)
  local code = run.socket:sslGetError(result)
  local service = services[code] or handlers.find(run, code)
  if service then return service(run) end
  return refuse_unserved(run, code)
end

local function repeat_until_done(run)
  local step, socket = steps[run.role], run.socket
  while true do
    local result = step(socket)
    if core.isSslError(result) then return nil, result end
    if result > 0 then return socket end
    local served, failure = serve(run, result)
    if not served then return nil, failure end
  end
end

-- ---- early data

-- A session without early data is no error: `earlyDataStatus` tells the caller that nothing was sent.
local function write_replayable(run, data)
  local socket, sent = run.socket, 0
  while sent < #data do
    local result = socket:sslWriteReplayable(data, sent + 1)
    if core.isSslError(result) then
      if sent == 0 and result:condition() == "not_replayable" then return socket end
      return nil, result
    end
    if result > 0 then sent = sent + result
    else
      local served, failure = serve(run, result)
      if not served then return nil, failure end
    end
  end
  return socket
end

local function read_replayable(run, take)
  local socket = run.socket
  while true do
    local result = socket:sslReadReplayable()
    if core.isSslError(result) then return nil, result end
    if result == 0 then return socket end
    if type(result) == "string" then
      take(socket, result)
      local went, failure = wait.turn(run.waiter, socket, run.deadline, run.role, run.timeout)
      if not went then return nil, failure end
    else
      local served, failure = serve(run, result)
      if not served then return nil, failure end
    end
  end
end

local function run_through(run)
  local done, failure = run.socket, nil
  if run.replayable and run.role == "connect" then done, failure = write_replayable(run, run.replayable) end
  if run.onReplayable and run.role == "accept" then done, failure = read_replayable(run, run.onReplayable) end
  if not done then return nil, failure end
  return repeat_until_done(run)
end

-- ---- the whole

local holders = setmetatable({}, { __mode = "k" }) -- by socket: the coroutine that makes the handshake

-- Two coroutines must not step the same handshake. One that has died of an error makes none.
local function is_taken(socket)
  local by = holders[socket]
  return by ~= nil and by ~= running() and status(by) ~= "dead"
end

local Run = {}

function Run:__close()
  holders[self.socket] = nil
end

local no_handlers = {}

--- Makes a handshake, as `scissl.handshake`. It checks no arguments.
-- @tparam table run which becomes the loop's own: `socket`, `role`, `waiter` (a function), `timeout`, `deadline`,
--  `replayable`, `onReplayable`, and in `handlers` (nil: there are none) `onClientHello`, `onCertificate`, `onVerify`
-- @treturn[1] SciSslSocket the socket
-- @treturn[2] nil
-- @treturn[2] SciSslError
return function(run)
  local socket = run.socket
  if is_taken(socket) then
    return nil, core.SciSslError.new {
      phase = run.role, condition = "busy", message = "another coroutine makes this handshake",
      peer = peer_of(socket),
    }
  end
  run.handlers = run.handlers or no_handlers
  holders[socket] = running()
  local _ <close> = setmetatable(run, Run)
  local ready, refusal = handlers.suspend(run.socket, run.role, run.handlers)
  if not ready then return nil, refusal end
  if not (run.deadline and socket:isBlocking()) then
    local done, failure = run_through(run)
    return done, failure
  end
  socket:setBlocking(false)
  local done, failure = run_through(run)
  socket:setBlocking(true)
  return done, failure
end
