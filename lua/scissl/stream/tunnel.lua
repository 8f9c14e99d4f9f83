--- A link that is TLS over another link: TLS inside TLS, as through an https proxy, or over a foreign object. Its
-- SciSslSocket has a memory transport; C moves the bytes.
-- @module scissl.stream.tunnel

local core = require "scissl.core"
local link = require "scissl.stream.link"
local wait = require "scissl.loop.wait"
local Claim = require "scissl.base.claim"

local SciSslError, isSslError = core.SciSslError, core.isSslError
local new_link = getmetatable(core).newLink

-- ---- TLS over a link

local Tunnel = { secure = true }
Tunnel.__index = Tunnel

-- Sends the bytes that TLS has made. Returns true: all of them.
function Tunnel:settle()
  return self[1]:settle()
end

function Tunnel:sayEnd()
  if not self.said then
    local result = self.socket:sslShutdown()
    if isSslError(result) then return nil, result end
    self.said = true
  end
  return self:settle()
end

function Tunnel:await(...)
  return self.lower:await(...)
end

function Tunnel:turn(...)
  return self.lower:turn(...)
end

function Tunnel:close(waiter)
  self.socket:close()
  self:settle() -- sends an alert or the close_notify
  return self.lower:close(waiter)
end

function Tunnel:base()
  return self.lower:base()
end

function Tunnel:dirty()
  return self[1]:dirty()
end

function Tunnel:events()
  return self[1]:isFull() and "w" or self.lower:events()
end

--- Returns the link below, and the bytes read from it behind the end of TLS, after TLS has ended on both sides.
function Tunnel:stripped()
  local rest = self.socket:sslUnread()
  self.socket:close()
  return self.lower, rest
end

local tunnel = {}

--- Makes a link of a SciSslSocket with a memory transport.
function tunnel.new(socket, lower)
  local carrier = new_link(socket, link.inC(lower))
  return setmetatable({ carrier, socket = socket, lower = lower, sending = lower.sending }, Tunnel)
end

-- ---- a foreign object as transport

local CHUNK = 65536 -- bytes that are asked for at a time

local Relay = { secure = false }
Relay.__index = Relay

local function as_failure(reason, phase)
  if isSslError(reason) then return reason end
  return SciSslError.new {
    phase = phase,
    condition = reason == "timeout" and "timeout" or "transport_failed",
    message = ("the transport returned: %s"):format(tostring(reason)),
    cause = reason,
  }
end

local function check_bytes(bytes, phase)
  if bytes == nil or type(bytes) == "string" then return bytes end
  return nil, ("a value of type %s, where bytes or nil are expected, while %s"):format(type(bytes), phase)
end

-- The object's calls wait, so they are made in `await`; `receive` and `send` then return their results.
function Relay:receive()
  local bytes = self.bytes
  self.bytes = nil
  if bytes or self.ended then return bytes end
  return nil, nil, "r"
end

function Relay:send(text, from, to)
  local count = self.outgoing and self.outgoing.count
  if count then
    self.outgoing = nil
    return count
  end
  self.outgoing = self.outgoing or { text = text:sub(from, to) }
  return nil, nil, "w"
end

local function relay_out(self, deadline)
  local _ <close> = self.sending:take()
  local outgoing = self.outgoing
  local sent, reason = self.object:send(outgoing.text, deadline)
  if not sent then return nil, as_failure(reason, "write") end
  outgoing.count = #outgoing.text
  return true
end

local function relay_in(self, deadline)
  local _ <close> = self.receiving:take()
  local bytes, reason = self.object:receive(CHUNK, deadline)
  if bytes ~= nil then bytes, reason = check_bytes(bytes, "reading") end
  if bytes == nil and reason ~= nil then return nil, as_failure(reason, "read") end
  self.bytes, self.ended = bytes ~= "" and bytes or nil, bytes == nil
  return true
end

-- The waiter of a relay: makes the call of the object that is waited for, unless another coroutine is in it.
local function relay(self, events, deadline)
  local sends = self.outgoing and not self.outgoing.count and events:find "w"
  if sends and not self.sending:isTaken() then return relay_out(self, deadline) end
  if not self.receiving:isTaken() and not (sends and events == "w") then return relay_in(self, deadline) end
  return nil, SciSslError.new {
    phase = "wait", condition = "busy", message = "another coroutine is in a call of the transport",
  }
end

function Relay:await(_, ...)
  return wait.ready(relay, self, ...)
end

-- Each call of the object waits, and lets other coroutines run.
function Relay:turn(_, ...)
  return wait.turn(function() return true end, self, ...)
end

function Relay.settle()
  return true
end

Relay.sayEnd = Relay.settle

function Relay:close()
  if self.object.close then self.object:close() end
  return true
end

function Relay.getfd() -- scissl.wait asks for it
  return -1
end

function Relay:base()
  return self.object
end

function Relay:dirty()
  return self.bytes ~= nil
end

function Relay.events()
  return "r"
end

--- Makes a link of an object that moves bytes: `object:receive(max, deadline)` waits for bytes and returns them, nil at
-- the end, or nil and a reason; `object:send(bytes, deadline)` sends all bytes and returns true, or nil and a reason;
-- `object:close()` is optional.
function tunnel.relay(object)
  local relayed = setmetatable({
    object = object, socket = object, sending = Claim.new(), receiving = Claim.new(),
  }, Relay)
  relayed[1] = new_link(relayed)
  return relayed
end

return tunnel
