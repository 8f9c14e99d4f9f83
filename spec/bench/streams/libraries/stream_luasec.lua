-- LuaSec on LuaSocket, with a loop of its own that waits by select(2); see trip.lua.
local socket = require "socket"

-- A coroutine waits by yielding a socket and what for; without a socket it lets the others run

local running, readers, writers = {}, {}, {}
local waiting = { wantread = {}, wantwrite = {} } -- coroutines by sockets, by what LuaSec returned
waiting.timeout = waiting.wantread -- what LuaSocket returned

local function wait(of, reason)
  if not waiting[reason] then error(reason) end
  coroutine.yield(of, reason)
end

local function go_on(thread, ...)
  local good, of, reason = coroutine.resume(thread, ...)
  if not good then error(debug.traceback(thread, of), 0) end
  if of then waiting[reason][of] = thread
  elseif coroutine.status(thread) ~= "dead" then running[#running + 1] = thread end
end

local function spawn(work, ...)
  go_on(coroutine.create(work), ...)
end

local function list(of, into)
  local count = 0
  for one in pairs(of) do
    count = count + 1
    into[count] = one
  end
  for i = count + 1, #into do into[i] = nil end
  return into
end

local function wake(ready, of)
  for _, one in ipairs(ready) do
    local thread = of[one]
    of[one] = nil
    go_on(thread)
  end
end

local function step()
  local due = running
  running = {}
  for _, thread in ipairs(due) do go_on(thread) end
  local readable, writable = socket.select(list(waiting.wantread, readers), list(waiting.wantwrite, writers),
    running[1] and 0 or nil)
  wake(readable, waiting.wantread)
  wake(writable, waiting.wantwrite)
end

return require "luasec_coroutines" {
  spawn = spawn,
  wait = wait,
  run = function()
    while true do step() end
  end,
  pause = coroutine.yield,
}
