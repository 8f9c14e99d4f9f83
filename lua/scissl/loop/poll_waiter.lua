--- The waiter `"poll"`, the default: the thread sleeps in poll(2).
-- @module scissl.loop.poll_waiter

local now = require "scissl.core".SciSocket.now

return function(socket, events, deadline)
  return socket:wait(events, deadline and math.max(0, deadline - now()))
end
