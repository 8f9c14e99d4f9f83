--- The handshakes of LuaSec's connections.
-- @module scissl.luasec.dohandshake

local alpn = require "scissl.luasec.alpn"
local ClientHello = require "scissl.tls.client_hello"
local contexts = require "scissl.luasec.context"
local core = require "scissl.core"
local describe = require "scissl.luasec.failure"
local strictness = require "scissl.luasec.strictness"

local SciSslSocket = core.SciSslSocket
local CLIENT_HELLO = core.SSL_ERROR_WANT_CLIENT_HELLO_CB

local handshake = {}

-- ---- what is set on each connection

-- LuaSec's flags name both roles; each role uses those that have a meaning for it.
local function verify_flags(context)
  local flags = context.verify
  if flags == core.SSL_VERIFY_NONE then return flags end
  if context.mode == "client" then return core.SSL_VERIFY_PEER end
  return flags & core.SSL_VERIFY_PEER ~= 0 and flags or core.SSL_VERIFY_NONE
end

local function note_verify_errors(self)
  if not self.context.notes then return true end
  return self.tls:sslNoteVerifyErrors(self.context.continues and not (strictness.isOn() and not self.server))
end

-- The function gets what OpenSSL gives LuaSec for it.
local function use_dh_parameters(self, context)
  local dhparam = context.dhparam
  if not dhparam then return true end
  local done, failure = self.tls:sslSetDhParameters(function()
    local pem = dhparam(false, 1024.0)
    return type(pem) == "string" and pem or nil
  end)
  return done, failure and describe(failure)
end

local function set_server(self, context)
  local done, failure = self.tls:sslSetVerify(self.verify)
  if done then done, failure = note_verify_errors(self) end
  if not done then return nil, describe(failure) end
  return use_dh_parameters(self, context)
end

-- A connection that is older than its context's trust store starts again. With DANE the TLSA records decide.
local function renew(self)
  local known = self.context.trusts
  local done, failure = strictness.trust(self.context)
  if not done or known == self.context.trusts or self.dane then return done, failure end
  return self:initialize(self.tls)
end

local function set_client(self)
  local tls = self.tls
  local done, failure = renew(self)
  if done then done, failure = tls:sslSetVerify(self.verify) end
  if done and self.context.host then done, failure = tls:sslSetVerifyHost(self.context.host) end
  if done then done, failure = note_verify_errors(self) end
  if not done then return nil, describe(failure) end
  if strictness.isOn() then return strictness.prepare(self) end
  return true
end

local function prepare(self)
  self.verify = verify_flags(self.context)
  if not self.server then return set_client(self) end
  if self.map or self.context.alpn then self.tls:sslSuspendAt "clientHello" end
  return set_server(self, self.context)
end

-- ---- a server after the ClientHello

-- LuaSec takes certificate and trust store from the new context, and keeps the verify mode.
local function change_context(self, context)
  local done, failure = self.tls:sslSetContext(context.tls)
  if not done then return nil, describe(failure) end
  if strictness.isOn() then self.verify = self.verify | verify_flags(context) end
  self.chosen = context
  return set_server(self, context)
end

local function choose_context(self, name)
  if not self.map or not name then return true end
  local context = contexts.state(self.map[name] or self.map[name:lower()])
  if context then return change_context(self, context) end
  if self.insists then self.tls:sslRefuse("unrecognized_name", "callback failed") end
  return true
end

local function choose_protocol(self, offered)
  local ours = (self.chosen or self.context).alpn
  if not ours or not offered or #offered == 0 then return end
  local called, name = xpcall(alpn.choose, debug.traceback, ours, offered)
  if not called then return self.tls:sslRefuse("internal_error", nil, name) end
  if name or not strictness.isOn() then return self.tls:sslSetAlpn { name } end
  return self.tls:sslRefuse("no_application_protocol", "no application protocol")
end

local function on_hello(self)
  local records = self.tls:clientHelloRecords()
  local hello = records and ClientHello.fromRecords(records)
  if not hello then return true end -- OpenSSL will report what is wrong with it
  self.asked = hello:serverName()
  local done, problem = choose_context(self, self.asked)
  if done then choose_protocol(self, hello:alpn()) end
  return done, problem
end

-- ---- the handshake

local NOT_CONNECTED = "Transport endpoint is not connected" -- as failure.lua says it
-- What LuaSec says then: a server reads first, which OpenSSL repeats; a client writes first.
local without_peer = { [true] = "wantread", [false] = "Broken pipe" }

local function give_up(self, problem)
  self.ended = problem
  if self.tls then self.tls:close() end
  return false, problem
end

local function complete(self)
  if not self.server and strictness.isOn() then
    local done, problem = strictness.conclude(self)
    if not done then return give_up(self, problem) end
  end
  self.connected = true
  self.bytes.complete(self.handle)
  return true
end

local function begin(self)
  if self.ended then return false, self.ended end
  if not self.tls then return false, "closed" end
  if self.prepared then return true end
  self.prepared = true
  local done, problem = prepare(self)
  if done then return true end
  return give_up(self, problem)
end

--- Makes the handshake, or continues it.
-- @function connection:dohandshake
-- @treturn[1] boolean true
-- @treturn[2] boolean false
-- @treturn[2] string `"wantread"` or `"wantwrite"` after a time-out: call again; or why it failed
function handshake.dohandshake(self)
  local done, problem = begin(self)
  if not done then return false, problem end
  if self.connected then return true end
  local tls, await, started = self.tls, self.bytes.await, nil
  local shake = self.server and SciSslSocket.sslAccept or SciSslSocket.sslConnect
  while true do
    local result = shake(tls)
    if result == 1 then return complete(self) end
    if type(result) == "number" and tls:sslGetError(result) == CLIENT_HELLO then
      done, problem = on_hello(self)
      if not done then return give_up(self, problem) end
    else
      started, problem = await(self.handle, result, started)
      if problem then return false, problem == NOT_CONNECTED and without_peer[self.server] or problem end
    end
  end
end

return handshake
