--- The handlers of a handshake: where it is suspended for them, calling them, and using what they return.
-- @module scissl.tls.handshake_handlers

local core = require "scissl.core"
local options = require "scissl.base.option_table"
local peer_of = require "scissl.base.peer_address"

local handlers = {}

-- ---- calling them: between two steps, where they may yield, raise or close the socket

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

--- What to do for codes of `SciSslSocket:sslGetError`: function(run) returns true; or nil and a SciSslError. `run` has
-- `socket`, `role` and `handlers`.
handlers.services = {
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

--- Returns the service of a code; nil: there is none, or its handler is missing.
function handlers.find(run, code)
  local name = needed[code]
  return (not name or run.handlers[name]) and handlers.services[code] or nil
end

-- ---- suspending

local stations = {
  onClientHello = { accept = "clientHello" },
  onCertificate = { accept = "certificate", connect = "certificate" },
  onVerify = { accept = "verify", connect = "verify" },
}

-- The stations at which the handshake is suspended. A server's onCertificate needs the ClientHello.
local function stations_for(role, given)
  local names, seen = {}, {}
  local function add(name)
    if name and not seen[name] then names[#names + 1], seen[name] = name, true end
  end
  for handler in pairs(given) do add(stations[handler][role]) end
  if role == "accept" and given.onCertificate then add "clientHello" end
  return names
end

--- Sets where a handshake is suspended. Returns true or the socket; or nil and a SciSslError.
function handlers.suspend(socket, role, given)
  if not next(given) then return true end
  return socket:sslSuspendAt(table.unpack(stations_for(role, given)))
end

return handlers
