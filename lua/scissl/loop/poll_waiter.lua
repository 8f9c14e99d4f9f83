--- The waiter `"poll"`, the default: the thread sleeps in poll(2).
-- @module scissl.loop.poll_waiter

local SciSocket = require "scissl.core".SciSocket

local now = SciSocket.now

local has_wait = { SciSocket = true, SciSslSocket = true, SciSslTrySocket = true }

-- A descriptor number, or an object of another library.
local function poll_foreign(socket, events, seconds)
  local ready, failure = SciSocket.poll({ [socket] = events }, seconds)
  if not ready then return nil, failure end
  return ready[socket] and true or nil
end

return function(socket, events, deadline)
  local seconds = deadline and math.max(0, deadline - now())
  local meta = getmetatable(socket)
  if type(meta) == "table" and has_wait[meta.__name] then return socket:wait(events, seconds) end
  return poll_foreign(socket, events, seconds)
end
