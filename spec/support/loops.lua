--- spec/support/loops.lua: the event loops that scissl supports, behind one interface.
--
--    local loops = require "spec.support.loops"
--
--    for _, loop in ipairs(loops.all) do   each is a table:
--        loop.name           "scheduler (epoll)", "copas" …       loop.waiter    its waiter's name
--        loop.package        the module that it needs; nil: none
--        loop.missing()      nil, or why it cannot be used here
--        loop.run(f, g, …)   runs each function in a coroutine of the loop until all have returned; returns the
--                            table.pack of each one's results. Raises the error that one of them raises
--        loop.example        an echo server for this loop; its environment is loop.environment
--
--    local it = loops.it(loop)      busted's `it`; `pending` with the reason where the loop is missing

local core = require "scissl.core"
local old_modules = require "spec.support.old_modules"

local loops = {}

local SciSocket = core.SciSocket

-- Seconds until something that must happen counts as failed, on the slowest machine.
local PATIENCE = 60

-- ---- finding them

old_modules.add("copas", "coxpcall")

local function has(name)
  -- copas cannot be loaded after socket.http.
  local http = package.loaded["socket.http"]
  package.loaded["socket.http"] = nil
  local found, problem = pcall(require, name)
  package.loaded["socket.http"] = http
  return found, problem
end

-- ---- running in them

-- Returns functions that store the results of f, g, …; the table of results; and a function that tells whether all have
-- ended.
local function note_results(...)
  local results, wrapped, left = {}, {}, select("#", ...)
  for i, f in ipairs { ... } do
    wrapped[i] = function()
      local result = table.pack(xpcall(f, debug.traceback))
      left = left - 1
      if result[1] then results[i] = table.pack(table.unpack(result, 2, result.n))
      else results.failure = results.failure or result[2] end
    end
  end
  return wrapped, results, function() return left == 0 or results.failure ~= nil end
end

-- `start(f)` starts a coroutine, `step()` runs the loop for a moment at most.
local function run_with(start, step, ...)
  local wrapped, results, over = note_results(...)
  local deadline = SciSocket.now() + PATIENCE
  for _, f in ipairs(wrapped) do start(f) end
  while not over() do
    step()
    if SciSocket.now() > deadline then error("the loop did not end", 2) end
  end
  if results.failure then error(results.failure, 0) end
  return results
end

local function scheduler_loop(poller, needs)
  local loop = { name = "scheduler (" .. poller .. ")", waiter = "coroutine", package = needs }
  function loop.run(...)
    local made = assert(require "scissl.scheduler".new { poller = poller })
    local results = run_with(function(f) made:spawn(f) end, function() assert(made:step(1) ~= nil) end, ...)
    made:close()
    return results
  end
  loop.example, loop.environment = "examples/echo_scheduler.lua", { POLLER = poller }
  return loop
end

local copas = { name = "copas", waiter = "copas", package = "copas", example = "examples/echo_copas.lua" }

function copas.run(...)
  local module = require "copas"
  return run_with(module.addthread, function() module.step(0.5) end, ...)
end

local cqueues = { name = "cqueues", waiter = "cqueues", package = "cqueues", example = "examples/echo_cqueues.lua" }

function cqueues.run(...)
  local made = require "cqueues".new()
  return run_with(function(f) made:wrap(f) end, function() assert(made:step(1)) end, ...)
end

local luv = { name = "luv", waiter = "luv", package = "luv", example = "examples/echo_luv.lua" }

function luv.run(...)
  local module = require "luv"
  local alarm = module.new_timer() -- ends a step in which nothing else happens
  alarm:start(500, 500, function() end)
  local good, results = pcall(run_with, function(f) coroutine.wrap(f)() end, function() module.run("once") end, ...)
  alarm:close()
  module.run("nowait")
  if not good then error(results, 0) end
  return results
end

loops.all = { scheduler_loop("poll"), scheduler_loop("select", "socket"), copas, cqueues, luv }
for _, way in ipairs { "kqueue", "epoll" } do
  local poller = core.SciPoller.new(way)
  if poller then
    poller:close()
    table.insert(loops.all, 1, scheduler_loop(way))
  end
end

for _, loop in ipairs(loops.all) do
  function loop.missing()
    if not loop.package then return nil end
    local found = has(loop.package)
    return not found and loop.package .. " is not installed" or nil
  end
end

function loops.it(loop)
  local missing = loop.missing()
  if not missing then return require "busted".it end
  return function(name) require "busted".pending(("%s (%s)"):format(name, missing)) end
end

return loops
