--- spec/support/sockets.lua: plain SciSockets for specs, and checks of their failures.
--
--    local sockets = require "spec.support.sockets"
--
-- Sockets; the last value closes the others when its variable, marked <close>, goes out of scope:
--    near, far, keeper = sockets.pair()
--    client, server, keeper = sockets.tcp()              connected over 127.0.0.1
--    listener, port, keeper = sockets.listening()
--    port, holder, keeper = sockets.refusing()           a port of 127.0.0.1 that refuses until holder:listen()
--    socket = sockets.new([family])
--    sockets.foreign(descriptor[, method])               an object that returns the descriptor and counts `closed`
--
-- Failures, given all results of a call:
--    condition, phase, subject = sockets.refusal(...)    the call must have returned nil, SciSslError
--    sockets.fails_with(condition, phase, ...)
--    sockets.wants(SSL_ERROR_WANT_…, ...)                it must have the condition not_ready
--
-- The surroundings:
--    sockets.lowest_free()     the lowest free descriptor: the same before and after a test that leaks none
--    sockets.path()            a path for a new Unix-domain socket
--    sockets.has_ipv6()   sockets.optional(module)   sockets.exists(path)   sockets.collect()

local assert = require "luassert"
local core = require "scissl.core"
local pki = require "spec.support.pki"

local sockets = {}

local SciSocket = core.SciSocket

local function keeper_of(...)
  local kept = { ... }
  return setmetatable(kept, { __close = function()
    for _, socket in ipairs(kept) do socket:close() end
  end })
end

function sockets.new(family)
  return assert(SciSocket.newStreamSocket(family))
end

function sockets.pair()
  local near, far = assert(SciSocket.pair())
  return near, far, keeper_of(near, far)
end

function sockets.listening()
  local listener = assert(assert(sockets.new():bind("127.0.0.1", 0)):listen(16))
  local _, port = assert(listener:getSockName())
  return listener, port, listener
end

function sockets.tcp()
  local listener <close>, port = sockets.listening()
  local client = assert(sockets.new():connect("127.0.0.1", port))
  local server = assert(listener:accept())
  return client, server, keeper_of(client, server)
end

function sockets.refusing()
  local holder = assert(sockets.new():bind("127.0.0.1", 0))
  local _, port = assert(holder:getSockName())
  return port, holder, holder
end

function sockets.foreign(descriptor, method)
  local object = { closed = 0 }
  object[method or "getfd"] = function() return descriptor end
  function object:close() self.closed = self.closed + 1 end
  return object
end

function sockets.refusal(...)
  local value, failure = ...
  assert.is_nil(value)
  assert.is_true(core.isSslError(failure))
  assert.is_true(#tostring(failure) > 0)
  return failure:condition(), failure:phase(), failure:subject()
end

function sockets.fails_with(condition, phase, ...)
  local found_condition, found_phase = sockets.refusal(...)
  assert.same({ condition, phase }, { found_condition, found_phase })
end

function sockets.wants(code, ...)
  local _, failure = ...
  assert.equal("not_ready", (sockets.refusal(...)))
  assert.equal(code, failure:sslError())
end

function sockets.lowest_free()
  sockets.collect() -- objects of earlier specs may be collected at any moment
  local socket <close> = sockets.new()
  return socket:getfd()
end

local paths = 0

function sockets.path()
  paths = paths + 1
  return ("%s/socket%d"):format(pki.folder(), paths)
end

function sockets.has_ipv6()
  local socket <close> = SciSocket.newStreamSocket("inet6")
  return socket and socket:bind("::1", 0) ~= nil
end

function sockets.optional(name)
  local found, module = pcall(require, name)
  return found and module or nil
end

function sockets.exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

function sockets.collect()
  collectgarbage()
  collectgarbage()
end

return sockets
