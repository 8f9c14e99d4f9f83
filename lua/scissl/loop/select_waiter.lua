--- The waiter `"select"`: the thread sleeps in LuaSocket's select, which works for descriptors below 1024.
-- @module scissl.loop.select_waiter

local select = require "socket".select
local now = require "scissl.core".SciSocket.now

local none = {}

return function(socket, events, deadline)
  local asked = { socket }
  local readers, writers = events ~= "w" and asked or none, events ~= "r" and asked or none
  local readable, writable, failure = select(readers, writers, deadline and math.max(0, deadline - now()))
  if readable[1] or writable[1] then return true end
  return nil, failure ~= "timeout" and failure or nil
end
