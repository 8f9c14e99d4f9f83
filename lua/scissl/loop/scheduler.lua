--- A loop for coroutines that wait for sockets: the waiter `"coroutine"` yields to it.
--
--    local loop = scissl.scheduler.new()
--    loop:spawn(function()
--      local stream = assert(scissl.connect { host = "localhost", port = 4433, waiter = "coroutine" })
--      …
--    end)
--    loop:run()
--
-- The cost of an event does not grow with the number of connections: SciPoller keeps the descriptors in the kernel, and
-- deadlines stand in a heap, which an operation changes only where its deadline is earlier than the one set for its
-- coroutine. An error in a coroutine ends that coroutine alone.
-- @classmod SciScheduler

local core = require "scissl.core"
local alarms = require "scissl.loop.alarms"
local options = require "scissl.base.option_table"
local receiver = require "scissl.base.receiver"
local rounds = require "scissl.loop.rounds"
local text_of = require "scissl.base.safe_text"
local waiting = require "scissl.loop.wait_registry"

local SciPoller = core.SciPoller
local now = core.SciSocket.now
local hidden = getmetatable(core)
local make_run_tasks, new_thread, wake_ready = hidden.makeRunTasks, hidden.newThread, hidden.wakeReady
local drop_alarm, set_alarm = alarms.drop, alarms.set

local Scheduler = { __name = "SciScheduler" }
Scheduler.__index = Scheduler

local scheduler = {}

-- A *task* is a coroutine and what it waits for: a list, which takes half of the memory of named fields. All its places
-- are filled from the beginning, so that none is added when memory may have run out.
local THREAD <const> = 1
local DESCRIPTOR <const> = 2 -- it waits for this one, or false
local EVENTS <const>, FOLLOWING <const> = 3, 4 -- while it does: for these; the next task that waits for it, or false
local RESULT <const>, REASON <const> = 3, 4 -- while it is ready: what its yield returns; true has no reason
local DEADLINE <const> = 5 -- of its wait, or false
local AT <const> = 6 -- when its alarm rings; then comes its place in the heap, or false

-- What a round in C needs to know of a scheduler is a list, too.
local WAITS <const> = 1 -- the first task of each descriptor's chain; false: none waits any more
local QUEUE <const>, QUEUED <const> = 2, 3 -- the tasks that are ready, and their number
local ROUND <const>, NEXT <const> = 4, 5 -- the tasks that are having their turn, and the place of the next one
local UNSETTLED <const> = 6 -- a task that has yielded and does not wait yet, or false
local READY <const> = 7 -- what the poller has returned
local NEXT_READY <const>, LAST_READY <const> = 8, 9 -- there, the first descriptor whose tasks have not been woken

local NONE = {} -- a round without tasks
local REST = {} -- what a task yields that waits for its next function call: see `spawn_again`
local RESTING_MOST = 16
local KEPT_MOST = 512 -- places of a list for tasks that is used again

-- ---- what tasks wait for

-- Tasks that wait for the same descriptor form a chain, linked by `following`.
local function arm_chain(self, descriptor)
  local task = self[WAITS][descriptor]
  if not task then
    self.poller:disarm(descriptor)
    return true
  end
  local events = task[EVENTS]
  while task[FOLLOWING] do
    task = task[FOLLOWING]
    if task[EVENTS] ~= events then events = "rw" end
  end
  return self.poller:arm(descriptor, events)
end

-- Ends the wait of a task, if there is one. Where memory runs out nothing has changed: the queue grows first, and
-- nothing is called here, since any call may find no memory for the stack.
local function make_ready(self, task, result, reason)
  local queue, size = self[QUEUE], self[QUEUED] + 1
  queue[size] = task
  self[QUEUED] = size
  local descriptor = task[DESCRIPTOR]
  if descriptor then
    local waits = self[WAITS]
    local at = waits[descriptor]
    if at == task then
      waits[descriptor] = task[FOLLOWING]
    else
      while at[FOLLOWING] ~= task do at = at[FOLLOWING] end
      at[FOLLOWING] = task[FOLLOWING]
    end
    task[DESCRIPTOR] = false
  end
  task[DEADLINE] = false
  task[RESULT], task[REASON] = result, reason
end

local function wake(self, task, result, reason)
  local descriptor = task[DESCRIPTOR]
  make_ready(self, task, result, reason)
  if descriptor then arm_chain(self, descriptor) end
end

-- Called by scissl.loop.wait_registry.
local function wake_descriptor(self, descriptor, result, reason)
  local count, task = 0, self[WAITS][descriptor]
  while task do
    wake(self, task, result, reason)
    count, task = count + 1, self[WAITS][descriptor]
  end
  return count
end

-- Has the poller watch for what a task has yielded. The descriptor; or nil and why not.
local function arm(self, socket, events)
  local poller = self.poller
  local good, armed, failure = pcall(poller.arm, poller, socket, events)
  if good then return armed, failure end
  return nil, armed
end

-- A task that rests is no task of the loop.
local function rest(self, task)
  local resting = self.resting
  if #resting == RESTING_MOST then return make_ready(self, task, nil) end -- it ends
  resting[#resting + 1] = task
  if self.tasks then self.tasks[task[THREAD]] = nil end
  self.count = self.count - 1
  drop_alarm(self.alarms, task)
  task[RESULT], task[REASON] = false, false -- the arguments of its last call, where that has not waited
end

-- Makes a task wait for what it has yielded.
local function begin_waiting(self, task, socket, events, deadline)
  if deadline ~= nil and not (type(deadline) == "number" and deadline == deadline) then -- NaN cannot stand in the heap
    return make_ready(self, task, nil, "bad deadline")
  end
  if socket == REST then return rest(self, task) end
  if socket ~= nil then
    local descriptor, failure = arm(self, socket, events)
    if not descriptor then return make_ready(self, task, nil, failure) end
    local waits = self[WAITS]
    local following = waits[descriptor]
    waits[descriptor] = task
    task[EVENTS], task[DESCRIPTOR], task[FOLLOWING] = events, descriptor, following or false
    if following then arm_chain(self, descriptor) end
  elseif deadline == nil then
    return make_ready(self, task, true) -- lets the others run
  end
  if deadline then
    task[DEADLINE] = deadline
    set_alarm(self.alarms, task)
  end
end

-- ---- running tasks

local function finish(self, task, good, raised)
  local thread = task[THREAD]
  if self.tasks then self.tasks[thread] = nil end
  self.count = self.count - 1
  drop_alarm(self.alarms, task)
  if good then return end
  local traceback = debug.traceback(thread)
  if coroutine.status(thread) == "dead" then coroutine.close(thread) end -- closes its variables; else it runs this step
  self.onError(raised, traceback, thread)
end

-- Where memory ran out before a task waited for what it had yielded, that wait ends at once.
local function settle(self)
  local task = self[UNSETTLED]
  if not task then return end
  wake(self, task, nil, "not enough memory")
  self[UNSETTLED] = false
end

-- The queue becomes the round. The list of the round before is the next queue: it is empty.
local function begin_round(self)
  local queue = self[QUEUE]
  self[QUEUE], self.kept = self.kept or {}, self[QUEUED] <= KEPT_MOST and queue
  self[ROUND], self[NEXT], self[QUEUED] = queue, 1, 0
end

-- Tasks that become ready meanwhile run in the next round. A task may run another step, and an error may end this one:
-- the round goes on where it is.
local function run_queue(self)
  if not self[ROUND][self[NEXT]] then
    if self[QUEUED] == 0 then return end
    begin_round(self)
  end
  local _ <close> = rounds.begin(self)
  local run = self.runTasks
  local task, ended, first, second, third = run(self)
  while task do
    if ended then
      finish(self, task, first, second)
    else
      begin_waiting(self, task, first, second, third)
      self[UNSETTLED] = false
    end
    task, ended, first, second, third = run(self)
  end
  self[ROUND], self[NEXT] = NONE, 1
end

-- Makes those ready that share a descriptor, some of which may wait for something else.
local function wake_chain(self, descriptor, events)
  local task, others = self[WAITS][descriptor], false
  while task do
    local following = task[FOLLOWING]
    if events == "rw" or task[EVENTS] == "rw" or task[EVENTS] == events then
      make_ready(self, task, true)
    else
      others = true
    end
    task = following
  end
  if others then arm_chain(self, descriptor) end
end

-- Makes those ready that the poller has found ready. An error may end this: the next step goes on.
local function run_ready(self)
  local descriptor, events = wake_ready(self)
  while descriptor do
    wake_chain(self, descriptor, events)
    self[NEXT_READY] = self[NEXT_READY] + 2
    descriptor, events = wake_ready(self)
  end
  run_queue(self)
end

-- The alarm goes last: where memory runs out before, it rings again.
local function ring(self, task)
  local deadline = task[DEADLINE]
  if deadline and deadline <= now() then wake(self, task, nil) end
  drop_alarm(self.alarms, task)
  if task[DEADLINE] then set_alarm(self.alarms, task) end
end

local function run_alarms(self)
  local heap = self.alarms
  if not heap[1] then return end
  local time = now()
  while heap[1] and heap[1][AT] <= time do ring(self, heap[1]) end
  run_queue(self)
end

-- ---- the public methods

local function call(f, ...) f(...) end -- for what is no function, but callable

--- Starts a coroutine: it runs when the loop does.
-- @function SciScheduler:spawn
-- @tparam function f
-- @param[opt] ... arguments of the function
-- @treturn thread
-- @raise for anything but a function
function Scheduler:spawn(f, ...)
  options.checkArgument(1, "spawn", f, "callable", 2)
  local thread
  if type(f) == "function" then thread = new_thread(f, ...) else thread = new_thread(call, f, ...) end
  local task = { thread, false, false, false, false, 0, false }
  if self.tasks then self.tasks[thread] = task end
  make_ready(self, task)
  self.count = self.count + 1
  return thread
end

local function call_again(f, first, second)
  while first ~= nil do
    f(first, second)
    first = nil -- luacheck: ignore 311 (while it rests, it keeps nothing)
    second = nil -- luacheck: ignore 311
    first, second = coroutine.yield(REST)
  end
end

-- As `spawn` for a function of our own, always the same: a coroutine that is done with it rests, and runs it again. Its
-- stack has grown then. The program must not get hold of the coroutine.
local function spawn_again(self, f, first, second)
  local resting = self.resting
  local task = resting[#resting]
  if not task then return self:spawn(call_again, f, first, second) end
  if self.tasks then self.tasks[task[THREAD]] = task end
  make_ready(self, task, first, second)
  resting[#resting] = nil
  self.count = self.count + 1
end

--- Runs one round: waits until something is ready, and runs that.
-- @function SciScheduler:step
-- @tparam[opt] number timeout seconds to wait at most; without it, no limit
-- @treturn[1] boolean whether coroutines are left
-- @treturn[2] nil
-- @treturn[2] SciSslError phase `wait`: waiting itself failed
function Scheduler:step(timeout)
  settle(self)
  if self[LAST_READY] > 0 then run_ready(self) else run_queue(self) end
  if self.count == 0 then return false end
  local first = self.alarms[1]
  local seconds = first and math.max(0, first[AT] - now()) or timeout
  if timeout then seconds = math.min(seconds, timeout) end
  if self[QUEUED] > 0 or self.stopped then seconds = 0 end
  local count, failure = self.poller:wait(seconds, self[READY])
  if not count then return nil, failure end
  self[NEXT_READY], self[LAST_READY] = 1, 2 * count
  run_ready(self)
  run_alarms(self)
  return self.count > 0
end

--- Runs until all coroutines have ended, or `stop` is called.
-- @function SciScheduler:run
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] SciSslError as `step`
function Scheduler:run()
  self.stopped = false
  local left, failure
  repeat left, failure = self:step() until not left or self.stopped
  if left == nil then return nil, failure end
  return true
end

--- Makes `run` return after the current round. Waits stay, and a later `run` continues.
-- @function SciScheduler:stop
-- @treturn SciScheduler the receiver
function Scheduler:stop()
  self.stopped = true
  return self
end

--- Lets the running coroutine sleep while the others run.
-- @function SciScheduler:sleep
-- @tparam number seconds 0: one round
-- @treturn[1] boolean true
-- @treturn[2] nil it was cancelled
-- @treturn[2] reason
function Scheduler:sleep(seconds) -- luacheck: ignore 212
  options.checkArgument(1, "sleep", seconds, "seconds", 2)
  local result, reason = coroutine.yield(nil, nil, seconds > 0 and now() + seconds or nil)
  if not result and reason ~= nil then return nil, reason end
  return true
end

local function note_all(self)
  local tasks = {}
  for _, task in pairs(self[WAITS]) do
    while task do
      tasks[task[THREAD]] = task
      task = task[FOLLOWING]
    end
  end
  for _, list in ipairs { self.alarms, self[QUEUE], self[ROUND] } do
    for _, task in pairs(list) do tasks[task[THREAD]] = task end
  end
  self.tasks = tasks
end

-- Tasks are found by their thread from the first call of `cancel` on: a program without one saves that memory. Those
-- that were running then are missing.
local function find_task(self, thread)
  local known = self.tasks and self.tasks[thread]
  if known or type(thread) ~= "thread" or coroutine.status(thread) ~= "suspended" then return known end
  note_all(self)
  return self.tasks[thread]
end

--- Cancels the wait of a coroutine: its operation returns nil and a SciSslError, `cancelled`, with the reason.
-- @function SciScheduler:cancel
-- @tparam thread thread what `spawn` returned
-- @param[opt="cancelled"] reason
-- @treturn boolean whether it was waiting
function Scheduler:cancel(thread, reason)
  local task = find_task(self, thread)
  if not task or not (task[DESCRIPTOR] or task[DEADLINE]) then return false end
  wake(self, task, nil, reason == nil and "cancelled" or reason)
  return true
end

--- Returns the number of coroutines that have not ended.
-- @function SciScheduler:size
-- @treturn integer
function Scheduler:size()
  return self.count
end

--- Returns a descriptor that is readable when the loop has something to do, so that another loop can wait for it and
-- then call `step(0)`. It does not become readable for deadlines.
-- @function SciScheduler:getfd
-- @treturn integer -1 where the poller has none
function Scheduler:getfd()
  return self.poller.getfd and self.poller:getfd() or -1
end

--- Frees the loop's resources. Coroutines that have not ended never continue.
-- @function SciScheduler:close
-- @treturn boolean true
function Scheduler:close()
  return self.poller:close()
end

Scheduler.__close = Scheduler.close

function Scheduler:__tostring()
  return ("SciScheduler: %d coroutines"):format(self.count)
end

receiver.guard(Scheduler)

local function report(raised, traceback)
  io.stderr:write(text_of(raised), "\n", traceback, "\n")
end

local known_options = { poller = "string|poller", onError = "callable" }

local READY_MOST = 256 -- descriptors that SciPoller returns at a time

-- The poller forgets what it returns: there must be memory for it before.
local function room_for_ready()
  local found = {}
  for i = 1, 2 * READY_MOST do found[i] = false end
  return found
end

--- Makes a loop.
-- @function scissl.scheduler.new
-- @tparam[opt] table given options:
--
-- * `onError(raised, traceback, thread)`: called with an error that a coroutine raised; by default it is written to
--   stderr
-- * `poller`: the way to wait (see `SciPoller.new`); `"select"`: LuaSocket's select; or an object with the methods
--   `arm`, `disarm`, `wait` and `close` of SciPoller
--
-- @treturn[1] SciScheduler
-- @treturn[2] nil
-- @treturn[2] SciSslError as `SciPoller.new`
-- @raise for unknown options
function scheduler.new(given)
  given = options.read("scheduler.new", given or {}, known_options, 2)
  local poller, failure = given.poller, nil
  if poller == "select" then poller = require "scissl.loop.select_poller".new() end
  if poller == nil or type(poller) == "string" then poller, failure = SciPoller.new(poller) end
  if not poller then return nil, failure end
  if not options.hasMethods(poller, "arm", "disarm", "wait", "close") then
    error("bad option 'poller' to 'scheduler.new' (an object with arm, disarm, wait and close expected)", 2)
  end
  local loop = setmetatable({
    {}, {}, 0, NONE, 1, false, room_for_ready(), 1, 0, -- from WAITS to LAST_READY
    poller = poller,
    runTasks = make_run_tasks(poller),
    onError = given.onError or report,
    tasks = false, -- by thread: see `find_task`
    count = 0,
    kept = false, -- a list for the next queue
    alarms = {},
    resting = {}, spawnAgain = spawn_again,
  }, Scheduler)
  waiting.addLoop(loop, wake_descriptor)
  return loop
end

--- Returns the loop in which the running coroutine runs.
-- @function scissl.scheduler.running
-- @treturn[1] SciScheduler
-- @treturn[2] nil it runs in none
function scheduler.running()
  return rounds.running()
end

return scheduler
