--- A heap of the tasks of a scheduler that have an alarm, the earliest first. Each stands in it once at most and knows
-- its place, so that it can be removed when its coroutine ends.
-- @module scissl.loop.alarms

local alarms = {}

local DEADLINE <const>, AT <const>, PLACE <const> = 5, 6, 7 -- of a task: see scheduler.lua

-- Puts a task where it belongs, from the place `i` on, which is free. Nothing is called here, since any call may find
-- no memory for the stack: the growth of the heap alone can fail, and that comes first.
local function sift(heap, i, task)
  local at, size = task[AT], #heap
  while i > 1 do
    local above = i // 2
    local other = heap[above]
    if other[AT] <= at then break end
    heap[i] = other
    other[PLACE] = i
    i = above
  end
  while 2 * i <= size do
    local below = 2 * i
    local other = heap[below]
    if below < size and heap[below + 1][AT] < other[AT] then
      below = below + 1
      other = heap[below]
    end
    if at <= other[AT] then break end
    heap[i] = other
    other[PLACE] = i
    i = below
  end
  heap[i] = task
  task[PLACE] = i
end

--- Removes a task.
function alarms.drop(heap, task)
  local i, size = task[PLACE], #heap
  if not i then return end
  local last = heap[size]
  if last ~= task then sift(heap, i, last) end
  heap[size] = nil
  task[PLACE] = false
end

-- An alarm that rings too early is set again then. Most operations end before their deadline, so this is cheaper than
-- removing the alarm each time.
--- Sets the alarm of a task to its deadline.
function alarms.set(heap, task)
  if task[PLACE] and task[AT] <= task[DEADLINE] then return end
  task[AT] = task[DEADLINE]
  sift(heap, task[PLACE] or #heap + 1, task)
end

return alarms
