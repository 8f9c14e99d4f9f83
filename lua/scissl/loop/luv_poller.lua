--- A poller for the waiter `"luv"` on systems where SciPoller has no descriptor: each descriptor has a `uv_poll`.
-- @module scissl.loop.luv_poller

local handles = require "scissl.loop.luv_handles" -- loads luv

local luv_poller = {}

local Poller = {}
Poller.__index = Poller

local function descriptor_of(target)
  return type(target) == "number" and target or target:getfd()
end

-- libuv allows one handle for a descriptor. Handles are stopped, never closed, and serve the next socket of the same
-- number: luv crashes when a program ends before its loop has seen that a handle was closed.
local function make_handle(self, descriptor)
  local handle, failure = handles.newPoll(descriptor)
  if not handle then return nil, failure end
  self.handles[descriptor] = handle
  self.callbacks[descriptor] = function(problem, happened)
    handle:stop()
    self.tell(descriptor, (happened == "r" or happened == "w") and not problem and happened or "rw")
  end
  return handle
end

--- As SciPoller's `arm`. A descriptor that hung up or failed is ready for every event.
function Poller:arm(target, events)
  local descriptor = descriptor_of(target)
  local handle, failure = self.handles[descriptor], nil
  if not handle then handle, failure = make_handle(self, descriptor) end
  if not handle then return nil, failure end
  handle:stop() -- it may have been started for another socket
  handle:start(events, self.callbacks[descriptor])
  return descriptor
end

--- As SciPoller's `disarm`.
function Poller:disarm(descriptor)
  local handle = self.handles[descriptor]
  if handle then handle:stop() end
  return self
end

--- Makes a poller. It calls `tell(descriptor, events)` once for each `arm`.
function luv_poller.new(tell)
  return setmetatable({ tell = tell, handles = {}, callbacks = {} }, Poller)
end

return luv_poller
