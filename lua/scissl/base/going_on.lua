--- Which coroutines can still go on. A loop may remove one that waits: it is not resumed, and stays suspended.
-- @module scissl.base.going_on

local status = coroutine.status

local going_on = {}

local removed = setmetatable({}, { __mode = "k" })

--- Notes that the loop of a coroutine has removed it.
-- @tparam thread thread
function going_on.remove(thread)
  removed[thread] = true
end

--- Tells whether a coroutine that has begun something will end it.
-- @tparam thread thread
-- @treturn boolean
function going_on.goesOn(thread)
  return not removed[thread] and status(thread) ~= "dead"
end

return going_on
