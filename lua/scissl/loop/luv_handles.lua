--- The timers and poll handles of luv that the modules of this folder use, and whether they may still be touched.
--
-- At the end of a program luv frees its handles in finalizers, some before the finalizers of our sockets and of the
-- program's objects, which end waits. A call of a freed handle crashes. Lua runs finalizers in the reverse order of
-- their objects' making, so a guard that is younger than every handle learns first that the program ends.
-- @module scissl.loop.luv_handles

local _, is_main = coroutine.running()
if not (is_main or package.loaded.luv) then
  error("luv crashes where a coroutine loads it: write require \"luv\" at the start of the program", 0)
end
local luv = require "luv"

local handles = {}

local guard, is_ending
local ends = {} -- functions to call at the end

local Guard = {}

function Guard.__gc(one)
  if one ~= guard then return end -- it has become garbage
  is_ending = true
  for _, f in ipairs(ends) do f() end
end

--- Must be called after a handle was made, by this module or by the program, and before it is used.
function handles.renewGuard()
  if not is_ending then guard = setmetatable({}, Guard) end
end

--- Whether the program ends: no handle may be touched any more.
-- @treturn ?boolean
function handles.areGone()
  return is_ending
end

--- Calls a function when the program ends.
function handles.atEnd(f)
  ends[#ends + 1] = f
end

--- Whether there is a handle that has not been closed. A program may close all handles of its loop (`luv.walk`).
function handles.isOpen(handle)
  return handle and not handle:is_closing()
end

--- As `luv.new_timer`.
function handles.newTimer()
  local timer = luv.new_timer()
  handles.renewGuard()
  return timer
end

--- As `luv.new_poll`.
function handles.newPoll(descriptor)
  local poll, failure = luv.new_poll(descriptor)
  handles.renewGuard()
  return poll, failure
end

return handles
