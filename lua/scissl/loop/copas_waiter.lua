--- The waiter `"copas"`: the running coroutine sleeps until copas wakes it, for every copas from 1.1 to 4.x. The sets
-- of sockets of copas are private, so `copas.receive` or `copas.send` is called with a stand-in that returns "timeout"
-- once: copas then adds the stand-in to its set, and LuaSocket's select asks it for the descriptor to wait for.
-- @module scissl.loop.copas_waiter

local copas = require "copas"
local core = require "scissl.core"
local waiting = require "scissl.loop.wait_registry"

local SciSocket = core.SciSocket
local now = SciSocket.now

-- `alarm` is always readable and writable: a stand-in that must wake up returns a copy of its descriptor.
local alarm, other_end

-- LuaSocket's select identifies sockets by their descriptors, for reading and writing together: of two with the same
-- descriptor only the last would be woken. So every stand-in needs a descriptor of its own.
local users = setmetatable({}, { __mode = "v" }) -- by descriptor: the stand-in that waits for it

local function copy_of(socket)
  if type(socket) == "number" then socket = { getfd = function() return socket end } end
  return assert(SciSocket.on(socket, true))
end

local function ring()
  if not alarm then
    alarm, other_end = assert(SciSocket.pair())
    assert(other_end:send("!"))
  end
  return copy_of(alarm)
end

-- ---- time

local deadlines = setmetatable({}, { __mode = "k" }) -- by stand-in

local function nearest_deadline()
  local nearest
  for _, deadline in pairs(deadlines) do
    if not nearest or deadline < nearest then nearest = deadline end
  end
  return nearest
end

-- copas 1 has no timers and sleeps until a socket is ready. So the first wait with a deadline replaces `copas.step` by
-- one whose rounds end at the nearest deadline.
local is_limited = false

local function limit_rounds()
  if is_limited then return end
  is_limited = true
  local step = copas.step
  function copas.step(timeout, ...)
    local nearest = next(deadlines) and nearest_deadline()
    if not nearest then return step(timeout, ...) end
    local left = math.max(0, nearest - now())
    return step(timeout and timeout >= 0 and math.min(timeout, left) or left, ...)
  end
end

-- ---- the stand-in

local Standin = {}
Standin.__index = Standin

-- copas 4 takes anything that does not begin with "tcp" or "SSL" for UDP.
function Standin:__tostring()
  return "tcp{scissl}: " .. tostring(self.socket)
end

local function is_over(self)
  return self.woken or self.deadline and now() >= self.deadline
end

local function descriptor_of(socket)
  if type(socket) == "number" then return socket end
  return socket:getfd()
end

function Standin:getfd()
  if is_over(self) or descriptor_of(self.socket) < 0 then -- closed: the next call reports it
    self.alarm = self.alarm or ring()
    return self.alarm:getfd()
  end
  return self.descriptor
end

-- Uses the socket's descriptor, or a copy where another stand-in waits for that one.
local function take_descriptor(self)
  local descriptor = descriptor_of(self.socket)
  if users[descriptor] then
    self.copy = copy_of(self.socket)
    descriptor = self.copy:getfd()
  end
  users[descriptor], self.descriptor = self, descriptor
end

local function give_back(self)
  users[self.descriptor] = nil
  if self.copy then self.copy:close() end
  if self.alarm then self.alarm:close() end
end

function Standin:wake(answer, reason)
  self.woken, self.answer, self.reason = true, answer, reason
end

local function once(self)
  if self.asked then return true end
  self.asked = true
  return nil, "timeout", 0
end

function Standin:receive()
  local done, failure = once(self)
  return done, failure
end

Standin.send = once

function Standin.settimeout() return 1 end

-- copas 1 closes the last socket that a coroutine waited for when the coroutine ends; the connection may still be in
-- use.
function Standin.close() return true end

return function(socket, events, deadline)
  if not coroutine.isyieldable() then error("the waiter 'copas' works only inside a coroutine of copas", 0) end
  if events ~= "r" and events ~= "w" then return nil, "copas waits for 'r' or for 'w'" end
  if descriptor_of(socket) < 0 then return true end -- closed: the next call reports it
  local standin = setmetatable({ socket = socket, deadline = deadline }, Standin)
  take_descriptor(standin)
  waiting.enter(socket, standin)
  if deadline then
    limit_rounds()
    deadlines[standin] = deadline
  end
  if events == "r" then copas.receive(standin, 1) else copas.send(standin, "!") end
  deadlines[standin] = nil
  waiting.leave(standin)
  give_back(standin)
  if standin.woken then return standin.answer, standin.reason end
  if deadline and now() >= deadline then return nil end
  return true
end
