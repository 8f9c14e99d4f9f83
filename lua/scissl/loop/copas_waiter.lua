--- The waiter `"copas"`: the running coroutine sleeps until copas wakes it, for every copas from 1.1 to 4.x. It yields
-- a stand-in for the socket and one of copas's sets of sockets, as copas's own functions do; LuaSocket's select asks
-- the stand-in for the descriptor to wait for.
-- @module scissl.loop.copas_waiter

local copas = require "copas"
local core = require "scissl.core"
local going_on = require "scissl.base.going_on"
local waiting = require "scissl.loop.wait_registry"

local SciSocket = core.SciSocket
local now = SciSocket.now
local isyieldable, running, yield = coroutine.isyieldable, coroutine.running, coroutine.yield

-- `alarm` is always readable and writable: a stand-in that must wake up returns a copy of its descriptor.
local alarm, other_end

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

-- The stand-ins whose deadline has passed ring in the next round. Later they are of no use here: a coroutine that was
-- removed or closed meanwhile never takes out its own, and the rounds would never sleep again.
local function forget_passed()
  local time = now()
  for standin, deadline in pairs(deadlines) do
    if deadline <= time then deadlines[standin] = nil end
  end
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
    if left == 0 then forget_passed() end
    return step(timeout and timeout >= 0 and math.min(timeout, left) or left, ...)
  end
end

-- ---- coroutines that never go on

-- copas does not resume a coroutine that was removed, and does not say so.
local remove_thread = copas.removethread -- copas 1 has none
if remove_thread then
  function copas.removethread(thread)
    if type(thread) == "thread" then going_on.remove(thread) end
    return remove_thread(thread)
  end
end

-- Whether the coroutine of a stand-in that sleeps will end its wait.
local function goes_on(standin)
  return going_on.goesOn(standin.thread)
end

-- ---- stand-ins

-- Waits for a socket of ours, which tells `scissl.loop.wait_registry` before it is closed. It is kept for all waits, as
-- long as the socket below TLS lives. So it does not know its own socket, which may be collected earlier.
local Standin = {}
Standin.__index = Standin

-- Waits once: for a socket of another library, or for one whose own stand-in is waiting.
local Foreign = {}
Foreign.__index = Foreign

-- copas 4 takes anything that does not begin with "tcp" or "SSL" for UDP.
function Standin:__tostring()
  return "tcp{scissl}: " .. self.descriptor
end

local function descriptor_of(socket)
  if type(socket) == "number" then return socket end
  return socket:getfd()
end

function Standin:getfd()
  local deadline = self.deadline
  if self.woken or deadline and now() >= deadline then
    self.alarm = self.alarm or ring()
    return self.alarm:getfd()
  end
  return self.descriptor
end

function Standin:wake(answer, reason)
  if not self.sleeps then return false end
  self.woken, self.answer, self.reason = true, answer, reason
  if goes_on(self) then return true end
  if self.copy then self.copy:close() end -- else the socket would stay open until the coroutine is collected
  return false
end

-- copas 1 closes the last socket that a coroutine waited for when the coroutine ends; the connection may still be in
-- use.
function Standin.close() return true end

for name, method in pairs(Standin) do
  if name ~= "__index" then Foreign[name] = method end
end

function Foreign:getfd()
  if descriptor_of(self.socket) < 0 then self:wake(true) end -- closed: the next call reports it
  return Standin.getfd(self)
end

local kept = setmetatable({}, { __mode = "k" }) -- by socket

-- LuaSocket's select identifies sockets by their descriptors, for reading and writing together: of two with the same
-- descriptor only the last would be woken. So every stand-in that waits needs a descriptor of its own. One that has
-- been woken has that of the alarm.
local users = setmetatable({}, { __mode = "v" }) -- by descriptor: the stand-in that waited last for it

local function is_free(descriptor, standin)
  local user = users[descriptor]
  return not user or user == standin or not user.sleeps or user.woken
end

-- The stand-in of a coroutine that never goes on rings once, so that copas forgets it.
local function drop(standin, socket)
  waiting.leave(standin)
  kept[socket], deadlines[standin] = nil, nil
  standin.sleeps, standin.woken = false, true
end

local function keep(socket)
  if not waiting.knows(socket) then return nil end
  local standin = setmetatable({ descriptor = -1, sleeps = false, woken = false, thread = false }, Standin)
  kept[socket] = standin
  waiting.enter(socket, standin)
  return standin
end

-- ---- the sets of copas, which are private

local Probe = {}
Probe.__index = Probe
function Probe.__tostring() return "tcp{scissl}" end

function Probe:receive()
  if self.ready then return true end
  return nil, "timeout", 0
end

Probe.send = Probe.receive

-- Returns what `copas.receive` or `copas.send` yields with a socket that is not ready. copas 4 sometimes lets others
-- run before.
local function find_set(call, argument)
  local probe = setmetatable({}, Probe)
  local thread = coroutine.create(call)
  local good, yielded, set = coroutine.resume(thread, probe, argument)
  while good and yielded ~= probe do good, yielded, set = coroutine.resume(thread) end
  assert(good, yielded)
  probe.ready = true
  while coroutine.status(thread) ~= "dead" do assert(coroutine.resume(thread)) end
  return set
end

local reading, writing

-- ---- waiting

-- Sleeps until copas, a wake or the deadline ends it.
local function sleep(standin, descriptor, events, deadline)
  if not writing then reading, writing = find_set(copas.receive, 1), find_set(copas.send, "!") end
  users[descriptor] = standin
  standin.descriptor, standin.sleeps, standin.thread = descriptor, true, running()
  if deadline then
    limit_rounds()
    standin.deadline, deadlines[standin] = deadline, deadline
  end
  yield(standin, events == "r" and reading or writing)
  standin.sleeps, standin.thread = false, false
  if deadline then standin.deadline, deadlines[standin] = nil, nil end
  if standin.alarm then
    standin.alarm:close()
    standin.alarm = nil
  end
  if standin.woken then
    standin.woken = false
    return standin.answer, standin.reason
  end
  if deadline and now() >= deadline then return nil end
  return true
end

-- Sleeps with a stand-in for this wait alone; with a copy of the descriptor where another one waits for that.
local function sleep_once(socket, descriptor, events, deadline)
  local standin = { socket = socket, descriptor = -1, sleeps = false, woken = false, thread = false }
  setmetatable(standin, Foreign)
  local copy <close> = not is_free(descriptor) and copy_of(socket) or nil
  standin.copy = copy
  waiting.enter(socket, standin)
  local answer, reason = sleep(standin, copy and copy:getfd() or descriptor, events, deadline)
  waiting.leave(standin)
  return answer, reason
end

return function(socket, events, deadline)
  if not isyieldable() then error("the waiter 'copas' works only inside a coroutine of copas", 0) end
  if events ~= "r" and events ~= "w" then return nil, "copas waits for 'r' or for 'w'" end
  local descriptor = descriptor_of(socket)
  if descriptor < 0 then return true end -- closed: the next call reports it
  local standin = kept[socket] or keep(socket)
  if standin and standin.sleeps and not goes_on(standin) then
    drop(standin, socket)
    standin = keep(socket)
  end
  if standin and not standin.sleeps and is_free(descriptor, standin) then
    return sleep(standin, descriptor, events, deadline)
  end
  return sleep_once(socket, descriptor, events, deadline)
end
