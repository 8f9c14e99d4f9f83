--- spec/support/collector.lua: the speed of Lua's garbage collector, which Lua 5.4 and 5.5 set in different ways.
--
--    local calm = collector.hurry(pause, multiplier[, size])   as collectgarbage "incremental" of Lua 5.4 has them; the
--        size of a step is a power of 2
--    calm()                                                    sets what was set before

local collector = {}

local has_parameters = pcall(collectgarbage, "param", "pause")

function collector.hurry(pause, multiplier, size)
  if not has_parameters then
    collectgarbage("incremental", pause, multiplier, size or 0)
    return function() collectgarbage("incremental", 200, 100, 13) end
  end
  local before = {
    pause = collectgarbage("param", "pause", pause),
    stepmul = collectgarbage("param", "stepmul", multiplier),
    stepsize = size and collectgarbage("param", "stepsize", 1 << size),
  }
  collectgarbage() -- they count from the next cycle on
  return function()
    for name, value in pairs(before) do collectgarbage("param", name, value) end
  end
end

return collector
