-- LuaSec on LuaSocket, in luv's loop by uv_poll; see trip.lua. A handle stays started where the coroutine waits again
-- for the same, which is the least that a program has to do.
local luv = require "luv"

local polls = {} -- by socket: { handle =, events =, thread = }
local kinds = { wantread = "r", wantwrite = "w", timeout = "r" }

local function resume(thread, ...)
  local good, raised = coroutine.resume(thread, ...)
  if good then return end
  io.stderr:write(debug.traceback(thread, raised), "\n")
  os.exit(false)
end

local function make_poll(socket)
  local poll = { handle = assert(luv.new_poll(socket:getfd())), events = "" }
  function poll.on_event()
    local thread = poll.thread
    poll.thread = nil
    if thread then resume(thread) end
    if poll.thread then return end
    poll.handle:stop()
    poll.events = ""
  end
  polls[socket] = poll
  return poll
end

local function wait(socket, reason)
  local events = kinds[reason] or error(reason)
  local poll = polls[socket] or make_poll(socket)
  poll.thread = coroutine.running()
  if poll.events ~= events then
    poll.events = events
    poll.handle:start(events, poll.on_event)
  end
  coroutine.yield()
end

local idle = luv.new_idle()
local paused = {} -- coroutines that have let the others run

local function go_on()
  local ready = paused
  paused = {}
  idle:stop()
  for _, thread in ipairs(ready) do resume(thread) end
end

return require "luasec_coroutines" {
  spawn = function(work, ...) resume(coroutine.create(work), ...) end,
  wait = wait,
  run = luv.run,
  pause = function()
    if #paused == 0 then idle:start(go_on) end
    paused[#paused + 1] = coroutine.running()
    coroutine.yield()
  end,
}
