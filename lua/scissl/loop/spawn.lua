--- Starts coroutines in the loop that a waiter belongs to.
-- @module scissl.loop.spawn

local spawn = {}

-- By name of the waiter: returns a function that starts a coroutine, for a caller that runs in that loop.
local spawners = {}

function spawners.coroutine()
  local loop = require "scissl.loop.scheduler".running()
  if loop then return function(...) loop:spawn(...) end, loop end
end

function spawners.copas()
  local copas = require "copas"
  return function(f, first, second) -- some of its versions lose the arguments of a function
    copas.addthread(function() f(first, second) end)
  end
end

function spawners.cqueues()
  local loop = require "cqueues".running()
  return loop and function(...) loop:wrap(...) end
end

function spawners.luv()
  return function(f, ...) coroutine.wrap(f)(...) end
end

--- Returns a function that starts coroutines beside the running one.
-- @tparam function waiter
-- @treturn[1] function `start(f, first, second)`
-- @treturn[1] ?SciScheduler the loop, if it is ours
-- @treturn[2] nil the waiter belongs to no known loop, or the caller does not run in its loop
function spawn.find(waiter)
  for name, find in pairs(spawners) do
    if package.loaded[("scissl.loop.%s_waiter"):format(name)] == waiter then return find() end
  end
end

return spawn
