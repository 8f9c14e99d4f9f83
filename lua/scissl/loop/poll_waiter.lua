--- The waiter `"poll"`, the default: the thread sleeps in poll(2).
-- @module scissl.loop.poll_waiter

local SciSocket = require "scissl.core".SciSocket
local inside = require "scissl.loop.inside"

local now = SciSocket.now
local isyieldable = coroutine.isyieldable

local has_wait = { SciSocket = true, SciSslSocket = true, SciSslTrySocket = true }

-- A descriptor number, or an object of another library.
local function poll_foreign(socket, events, seconds)
  local ready, failure = SciSocket.poll({ [socket] = events }, seconds)
  if not ready then return nil, failure end
  return ready[socket] and true or nil
end

-- ---- a program that forgot the option `waiter` inside a loop

local warned = false

-- Warns once, and only where the thread really has to sleep.
local function warn_of_loop()
  local name = inside.name()
  if not name then return end
  warned = true
  warn("scissl: the waiter 'poll' stops the whole event loop until the socket is ready; ",
    "give the option waiter = \"", name, "\"")
end

local function poll(socket, events, seconds)
  local meta = getmetatable(socket)
  if type(meta) == "table" and has_wait[meta.__name] then return socket:wait(events, seconds) end
  return poll_foreign(socket, events, seconds)
end

return function(socket, events, deadline)
  if not warned and isyieldable() then
    if poll(socket, events, 0) then return true end
    if not deadline or deadline > now() then warn_of_loop() end
  end
  return poll(socket, events, deadline and math.max(0, deadline - now()))
end
