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

local function run_through(run, replayable, take)
  local done, failure = run.socket, nil
  if replayable and run.role == "connect" then done, failure = write_replayable(run, replayable) end
  if take and run.role == "accept" then done, failure = read_replayable(run, take) end
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

-- A *run* is the record of a handshake: `socket`, `role`, `waiter`, `timeout`, `deadline`, `handlers`, and what a
-- handler needs. It is used again: each would be garbage between what the connections keep.
local Run = {}

local kept, kept_count = {}, 0
for i = 1, 16 do kept[i] = false end -- so that keeping one needs no memory

local function take_run()
  if kept_count == 0 then
    return setmetatable({ -- there is room for so many
      socket = nil, role = nil, waiter = nil, timeout = nil, deadline = nil, handlers = nil, hello = nil,
    }, Run)
  end
  local run = kept[kept_count]
  kept[kept_count], kept_count = false, kept_count - 1
  return run
end

function Run:__close()
  local socket = self.socket -- nil: memory has run out at once
  if socket and holders[socket] == running() then holders[socket] = nil end -- else another coroutine has taken it over
  self.socket, self.waiter, self.timeout, self.deadline, self.handlers, self.hello = nil, nil, nil, nil, nil, nil
  if kept_count == #kept then return end
  kept_count = kept_count + 1
  kept[kept_count] = self
end

local no_handlers = {}

--- Makes a handshake, as `scissl.handshake`. It checks no arguments.
-- @tparam SciSslSocket socket
-- @tparam string role
-- @tparam function waiter
-- @tparam ?number timeout
-- @tparam ?number deadline
-- @tparam[opt] table by name: `onClientHello`, `onCertificate`, `onVerify`
-- @tparam[opt] string replayable of a client
-- @tparam[opt] function take a server's `onReplayable`
-- @treturn[1] SciSslSocket the socket
-- @treturn[2] nil
-- @treturn[2] SciSslError
return function(socket, role, waiter, timeout, deadline, by_name, replayable, take)
  if is_taken(socket) then
    return nil, core.SciSslError.new {
      phase = role, condition = "busy", message = "another coroutine makes this handshake", peer = peer_of(socket),
    }
  end
  by_name = by_name or no_handlers
  local run <close> = take_run()
  run.socket, run.role, run.waiter, run.timeout, run.deadline = socket, role, waiter, timeout, deadline
  run.handlers = by_name
  holders[socket] = running()
  local ready, refusal = handlers.suspend(socket, role, by_name)
  if not ready then return nil, refusal end
  if not (deadline and socket:isBlocking()) then
    local done, failure = run_through(run, replayable, take)
    return done, failure
  end
  socket:setBlocking(false)
  local done, failure = run_through(run, replayable, take)
  socket:setBlocking(true)
  return done, failure
end
