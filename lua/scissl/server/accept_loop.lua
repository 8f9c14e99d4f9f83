--- A server's loop: accepts connections and serves each in a coroutine of its own.
-- @module scissl.server.accept_loop

local core = require "scissl.core"
local options = require "scissl.base.option_table"
local scheduler = require "scissl.loop.scheduler"
local spawn = require "scissl.loop.spawn"
local wait = require "scissl.loop.wait"

local PAUSE = 0.1 -- seconds before the next try where accepting failed

local known_options = {
  maxConnections = "count",
  onError = "callable",
  spawn = "callable",
}

-- Reports errors of the program itself. Failed handshakes are the clients' matter.
local function report(failure, phase)
  if phase == "handler" then io.stderr:write(tostring(failure), "\n") end
end

local function note_traceback(raised)
  if type(raised) == "string" then return debug.traceback(raised, 2) end
  return raised == nil and "nil was raised" or raised
end

local function complain(run, failure, phase, subject)
  local good, raised = pcall(run.onError, failure, phase, subject)
  if not good then report(raised, "handler") end
end

local function serve_connection(run, socket)
  local stream, failure = run.listener:handshake(socket)
  if not stream then return complain(run, failure, "handshake", socket) end
  local good, raised = xpcall(run.handler, note_traceback, stream)
  if not good then complain(run, raised, "handler", stream) end
  stream:close()
end

-- ---- how many at a time

-- Sends a byte that wakes the accepting coroutine: this works with every waiter.
local function connection_over(run)
  run.count = run.count - 1
  if run.full then
    run.full = false
    run.bell:send("!")
  end
end

local function sleep(run, seconds)
  if run.waiter(run.ear, "r", seconds and wait.deadline(seconds)) then run.ear:recv(64) end
end

local function start(run, socket)
  run.count = run.count + 1
  run.spawn(function()
    local good, raised = xpcall(serve_connection, note_traceback, run, socket)
    connection_over(run)
    if not good then complain(run, raised, "handler", socket) end
  end)
end

-- ---- accepting

-- An error of one connection, or a temporary shortage, does not end the accept loop.
local function is_final(failure)
  local condition = failure:condition()
  return condition == "closed" or condition == "cancelled" or condition == "bad_waiter"
end

local function accept_all(run)
  local listener = run.listener
  while not listener.closed do
    while run.count >= run.most do
      run.full = true
      sleep(run)
      if listener.closed then return true end
    end
    local socket, failure = listener:acceptSocket()
    if socket then
      start(run, socket)
    elseif listener.closed then
      return true
    elseif is_final(failure) then
      return nil, failure
    else
      complain(run, failure, "accept", listener)
      sleep(run, PAUSE)
    end
  end
  return true
end

local function accept_with_bell(run)
  local ear, bell = core.SciSocket.pair()
  if not ear then return nil, bell end
  ear:setBlocking(false)
  bell:setBlocking(false)
  run.ear, run.bell = ear, bell
  run.listener.bell = bell
  local good, done, failure = xpcall(accept_all, note_traceback, run)
  run.listener.bell = nil
  ear:close()
  bell:close()
  if not good then error(done, 0) end
  return done, failure
end

-- The waiters that block the thread can wait for one socket only, so this runs a scheduler until the listener is
-- closed.
local function run_own_loop(run)
  local loop, failure = scheduler.new()
  if not loop then return nil, failure end
  local listener, waiter = run.listener, run.waiter
  run.waiter = wait.find("coroutine")
  listener.waiter = run.waiter
  run.spawn = function(f) loop:spawn(f) end
  local done
  loop:spawn(function()
    done, failure = accept_with_bell(run)
  end)
  local ran, raised = pcall(loop.run, loop)
  listener.waiter = waiter
  loop:close()
  if not ran then error(raised, 0) end
  return done, failure
end

local thread_sleeps = { poll = true, select = true }

local function sleeps_thread(waiter)
  for name in pairs(thread_sleeps) do
    if package.loaded[("scissl.loop.%s_waiter"):format(name)] == waiter then return true end
  end
  return false
end

return function(listener, handler, given)
  options.checkArgument(1, "serve", handler, "callable", 3)
  given = options.read("serve", given or {}, known_options, 3)
  local run = {
    listener = listener,
    waiter = listener.waiter,
    handler = handler,
    onError = given.onError or report,
    most = given.maxConnections or math.huge,
    spawn = given.spawn,
    count = 0,
  }
  if run.spawn then return accept_with_bell(run) end
  if sleeps_thread(run.waiter) then return run_own_loop(run) end
  run.spawn = spawn.find(run.waiter)
  if not run.spawn then
    error("call 'serve' inside the loop of its waiter, or give the option 'spawn'", 3)
  end
  return accept_with_bell(run)
end
