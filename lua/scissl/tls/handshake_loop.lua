--- The handshake's retry loop: serves what a handshake waits for, and repeats the call.
-- @module scissl.tls.handshake_loop

local core = require "scissl.core"
local options = require "scissl.base.option_table"
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

-- ---- handlers: called between two steps, where they may yield, raise or close the socket

local function note_traceback(raised)
  local traceback = debug.traceback("", 2)
  if type(raised) == "string" then raised = raised .. traceback end
  if raised == nil then raised = "nil was raised" end
  return { cause = raised, traceback = traceback }
end

local function refuse_for(run, cause, traceback)
  if run.socket:sslRefuse("internal_error", nil, cause, traceback) then return true end
  -- The handler has closed the socket as well.
  return nil, core.SciSslError.new {
    phase = run.role, condition = "handler_failed", cause = cause, traceback = traceback, peer = peer_of(run.socket),
  }
end

-- Calls the handler `name`. `apply(socket, result, …)` uses what it returned, unless that is nothing or a rejection,
-- and returns nil for a value that the handler must not return.
local function handle(run, name, apply, ...)
  local socket, handler = run.socket, run.handlers[name]
  local good, raised = xpcall(function(...)
    local result, second, third = handler(socket, ...)
    if result == nil and core.isSslError(second) then error(second, 0) end
    if result == nil then return end
    if result == false then return socket:sslRefuse(second, third) end
    local applied, failure = apply(socket, result, second, third)
    if failure then error(failure, 0) end
    if not applied then
      local kind = math.type(result) or type(result)
      error(("%s returned a value of type %s, which has no meaning: see scissl.handshake"):format(name, kind), 0)
    end
  end, note_traceback, ...)
  if good then return true end
  return refuse_for(run, raised.cause, raised.traceback)
end

local function apply_client_hello(socket, result)
  if result == true then return true end
  return options.is(result, "SciSslContext") and socket:sslSetContext(result)
end

-- All handlers of one handshake get the same SciSslClientHello.
local function hello_of(run)
  local failure
  if not run.hello then run.hello, failure = run.socket:clientHello() end
  return run.hello, failure
end

local function serve_client_hello(run)
  local hello, failure = hello_of(run)
  if not hello then return refuse_for(run, failure or "the ClientHello is missing") end
  return handle(run, "onClientHello", apply_client_hello, hello)
end

local function apply_certificate(socket, result, key, passphrase)
  if result == true then return true end
  if not options.is(result, "string|table|SciSslX509Certificate") then return nil end
  return socket:sslUseCertificate(result, key, passphrase)
end

local function serve_certificate(run)
  local socket = run.socket
  local about
  if run.role == "accept" then about = hello_of(run) else about = socket:acceptedIssuers() end
  return handle(run, "onCertificate", apply_certificate, about)
end

local function apply_verdict(socket, result)
  return result == true and socket:sslApprove()
end

local function serve_verdict(run)
  return handle(run, "onVerify", apply_verdict, assert(run.socket:sslVerdict()))
end

-- What to do for each code of SciSslSocket:sslGetError: function(run) returns true, or nil and a SciSslError.
local services = {
  [core.SSL_ERROR_WANT_READ] = function(run) return wait_for(run, "r") end,
  [core.SSL_ERROR_WANT_WRITE] = function(run) return wait_for(run, "w") end,
  [core.SSL_ERROR_WANT_CLIENT_HELLO_CB] = function(run)
    if not run.handlers.onClientHello then -- suspended only because onCertificate needs the ClientHello
      hello_of(run) -- now: later OpenSSL no longer has one that it has decrypted
      return true
    end
    return serve_client_hello(run)
  end,
  [core.SSL_ERROR_WANT_X509_LOOKUP] = serve_certificate,
  [core.SSL_ERROR_WANT_RETRY_VERIFY] = serve_verdict,
}

-- Codes that need a handler.
local needed = {
  [core.SSL_ERROR_WANT_X509_LOOKUP] = "onCertificate",
  [core.SSL_ERROR_WANT_RETRY_VERIFY] = "onVerify",
}

local function find_service(run, code)
  local name = needed[code]
  return (not name or run.handlers[name]) and services[code]
end

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
  local service = find_service(run, code)
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

-- ---- suspending

local stations = {
  onClientHello = { accept = "clientHello" },
  onCertificate = { accept = "certificate", connect = "certificate" },
  onVerify = { accept = "verify", connect = "verify" },
}

-- The stations at which the handshake is suspended. A server's onCertificate needs the ClientHello.
local function stations_for(role, handlers)
  local names, seen = {}, {}
  local function add(name)
    if name and not seen[name] then names[#names + 1], seen[name] = name, true end
  end
  for handler in pairs(handlers) do add(stations[handler][role]) end
  if role == "accept" and handlers.onCertificate then add "clientHello" end
  return names
end

local function suspend(run)
  if not next(run.handlers) then return true end
  local names = stations_for(run.role, run.handlers)
  return run.socket:sslSuspendAt(table.unpack(names))
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
  local ready, refusal = suspend(run)
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
