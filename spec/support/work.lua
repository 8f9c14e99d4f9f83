--- spec/support/work.lua: the cost of a call, in figures that depend little on the machine.
--
--    local work = require "spec.support.work"
--
--    kibibytes = work.allocated(f, …)     what Lua allocates in f(…), freed or not: each concatenated string counts
--    ratio = work.growth(f, size)         how much more f(2 * size) allocates than f(size): 2 where the cost is linear,
--                                         4 where it is quadratic
--    seconds = work.processor(f, …)       processor time, for comparisons

local work = {}

function work.allocated(f, ...)
  collectgarbage()
  collectgarbage()
  collectgarbage "stop"
  local before = collectgarbage "count"
  local good, raised = pcall(f, ...)
  local after = collectgarbage "count"
  collectgarbage "restart"
  if not good then error(raised, 0) end
  return after - before
end

function work.growth(f, size)
  work.allocated(f, size) -- loads what it needs
  return work.allocated(f, 2 * size) / work.allocated(f, size)
end

function work.processor(f, ...)
  collectgarbage()
  local before = os.clock()
  f(...)
  return os.clock() - before
end

return work
