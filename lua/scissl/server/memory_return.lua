--- Gives memory back to the system after a wave of connections: at once what closing has freed, and after two of the
-- collector's cycles what their objects have kept. In the first of them this finalizer may run before theirs.
-- @module scissl.server.memory_return

local trim_heap = getmetatable(require "scissl.core").trimHeap

local CYCLES = 2

local Watch = {}

local function watch(cycles)
  setmetatable({ cycles = cycles }, Watch)
end

function Watch:__gc()
  if self.cycles > 1 then watch(self.cycles - 1) else trim_heap() end
end

--- @function scissl.server.memory_return
return function()
  if trim_heap() then watch(CYCLES) end
end
