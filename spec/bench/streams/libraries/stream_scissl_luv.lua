-- scissl: streams under luv; see trip.lua.
local luv = require "luv"

local function guarded(f)
  local good, raised = xpcall(f, debug.traceback)
  if good then return end
  io.stderr:write(tostring(raised), "\n")
  os.exit(false)
end

local idle = luv.new_idle() -- a timer of 0 milliseconds that is set again by its callback starves older libuvs
local paused = {} -- coroutines that have let the others run

local function go_on()
  local ready = paused
  paused = {}
  idle:stop()
  for _, thread in ipairs(ready) do assert(coroutine.resume(thread)) end
end

local function pause()
  if #paused == 0 then idle:start(go_on) end
  paused[#paused + 1] = coroutine.running()
  coroutine.yield()
end

return require "scissl_streams"("luv",
  function(f) coroutine.wrap(guarded)(f) end,
  pause,
  function() luv.run() end)
