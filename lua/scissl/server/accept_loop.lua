--- A server's loop: accepts connections and serves each in a coroutine of its own, until the listener closes or stops.
-- @module scissl.server.accept_loop

local core = require "scissl.core"
local options = require "scissl.base.option_table"
local report = require "scissl.server.failure_log"
local scheduler = require "scissl.loop.scheduler"
local spawn = require "scissl.loop.spawn"
local wait = require "scissl.loop.wait"

local SciSslError = core.SciSslError
local make_serve = getmetatable(core).makeServe
local now = core.SciSocket.now

local PAUSE = 0.1 -- seconds before the next try where accepting failed
local LAST_SECONDS = 1 -- for handlers whose connection has been cut

local known_options = {
  maxConnections = "count",
  whenFull = "whenFull",
  endIdle = "seconds",
  onAccept = "callable",
  onHandshake = "callable",
  onClose = "callable",
  onError = "callable",
  spawn = "callable",
}

-- ---- what the program is told

local function note_traceback(raised)
  if type(raised) == "string" then return debug.traceback(raised, 2) end
  return raised == nil and "nil was raised" or raised
end

local function complain(run, failure, phase, subject)
  local good, raised = pcall(run.onError, failure, phase, subject)
  if not good then report(raised, "handler") end
end

-- Calls a function of the program, if there is one. Returns false where it raised an error, or returned false.
local function call_hook(run, hook, subject, ...)
  if not hook then return true end
  local good, returned = xpcall(hook, note_traceback, subject, ...)
  if not good then complain(run, returned, "handler", subject) end
  return good and returned ~= false
end

-- ---- serving

-- Sends a byte that wakes the accepting coroutine: this works with every waiter.
local function ring(run)
  run.bell:send "!"
end

-- Returns true when it has been rung, or the time is over; or nil and a SciSslError: the waiter gave up.
local function sleep(run, seconds)
  local ready, failure = wait.ready(run.waiter, run.ear, "r", wait.deadline(seconds), "listen", seconds)
  if ready then run.ear:recv(64) end
  if ready or failure:condition() == "timeout" then return true end
  return nil, failure
end

local function refuse(run, subject, socket)
  local counts = run.connections
  counts.refused = counts.refused + 1
  subject:close()
  complain(run, SciSslError.new {
    phase = "accept", condition = "too_many_connections", peer = core.SciSocket.peerAddress(socket),
    message = ("%d connections are open"):format(run.most),
  }, "accept", run.listener)
end

-- Whether a handler was ended by `endIdle`: in a loop over `lines`, or by `assert`.
local function is_stopping(raised)
  return core.isSslError(raised) and raised:condition() == "stopping"
end

local function close_stream(run, stream)
  local good, raised = xpcall(stream.close, note_traceback, stream)
  if not good then complain(run, raised, "handler", stream) end
end

-- A coroutine has ended.
local function count_ended(run)
  run.count = run.count - 1
  if run.sleeps then ring(run) end
end

local Service = {}

-- Where the coroutine was closed, another one serves the connection that has waited longest.
function Service.__close(service)
  local run = service.run
  local following = table.remove(run.waiting, 1)
  if following then
    local good, raised = pcall(run.spawn, run.serveStreams, following)
    if good then return end
    close_stream(run, following)
    complain(run, raised, "handler", following)
  end
  run.serving = run.serving - 1
  count_ended(run)
end

-- Returns what a coroutine runs while its handler waits (csrc/stream/serve.c). A connection that has ended makes room
-- for the one that has waited longest, which the same coroutine serves. The first one counts as served already.
local function stream_server(run)
  local function before(stream)
    return call_hook(run, run.onHandshake, stream)
  end
  local function after(stream, good, raised)
    if not good and not is_stopping(raised) then complain(run, raised, "handler", stream) end
    close_stream(run, stream)
    return table.remove(run.waiting, 1)
  end
  return make_serve(run.handler, note_traceback, run.service, run.onHandshake and before or false, after)
end

-- Returns a stream that can be served now, and counts it at once: until its handler runs, others may be ready, too.
local function shake_hands(run, socket)
  run.starting[socket] = nil
  local stream, failure = run.listener:handshake(socket)
  if not stream then return complain(run, failure, "handshake", socket) end
  if run.serving < run.most then
    run.serving = run.serving + 1
    return stream
  end
  if run.refuses then return refuse(run, stream, stream:socket()) end
  run.waiting[#run.waiting + 1] = stream
end

-- The same, also after an error.
local function make_stream(run, socket)
  local good, stream = xpcall(shake_hands, note_traceback, run, socket)
  if good and stream then return stream end
  count_ended(run)
  if not good then complain(run, stream, "handler", socket) end
end

local function serve_connection(run, socket)
  local stream = make_stream(run, socket)
  if stream then return run.serveStreams(stream) end
end

-- In our own loop, the handler gets a fresh coroutine: a handshake makes the stack grow, which stays so. Coroutines for
-- handshakes are used again.
local function begin_connection(run, socket)
  local stream = make_stream(run, socket)
  if not stream then return end
  local good, raised = pcall(run.spawn, run.serveStreams, stream)
  if good then return end
  local _ <close> = run.service -- no coroutine was made: memory has run out
  close_stream(run, stream)
  complain(run, raised, "handler", stream)
end

-- The program's functions that a handshake calls may keep the coroutine.
local function may_use_again(run)
  local listener = run.listener
  local calls = listener.onClientHello or listener.onCertificate or listener.onVerify or listener.sessions
  return run.loop and listener.context and not calls
end

local function start(run, socket)
  run.count = run.count + 1
  run.starting[socket] = true
  if may_use_again(run) then
    return run.loop:spawnAgain(begin_connection, run, socket)
  end
  run.spawn(serve_connection, run, socket)
end

-- ---- accepting

-- An error of one connection, or a temporary shortage, does not end the accept loop.
local function is_final(failure)
  local condition = failure:condition()
  return condition == "closed" or condition == "cancelled" or condition == "bad_waiter"
end

local function take_socket(run, socket)
  if not call_hook(run, run.onAccept, socket) then
    run.connections.refused = run.connections.refused + 1
    return socket:close()
  end
  if run.refuses and run.serving >= run.most then return refuse(run, socket, socket) end
  start(run, socket)
end

local function sleep_until_rung(run, seconds)
  run.sleeps = true
  local slept, failure = sleep(run, seconds)
  run.sleeps = false
  return slept, failure
end

-- Returns true to go on; or nil and the failure that ends the loop.
local function survive(run, failure)
  if is_final(failure) then return nil, failure end
  complain(run, failure, "accept", run.listener)
  local full = failure:condition() == "too_many_descriptors"
  if full and run.connections:endOldestHandshake() then return true end
  return sleep(run, PAUSE)
end

-- Returns as `survive`.
local function accept_one(run)
  local listener = run.listener
  local socket, failure = listener:acceptSocket()
  if socket then take_socket(run, socket)
  elseif not (listener.closed or listener.stopBy) then return survive(run, failure) end
  return true
end

local function accept_all(run)
  local listener = run.listener
  while not (listener.closed or listener.stopBy) do
    local full = run.serving >= run.most and not run.refuses
    local goes_on, failure = (full and sleep_until_rung or accept_one)(run)
    if not goes_on then return nil, failure end
  end
  return true
end

-- ---- stopping

-- The clients that the system has accepted are served as well: closing the listening socket would reset them.
local function accept_the_rest(run)
  while not run.listener.closed do
    local socket = run.listener:acceptSocket(0)
    if not socket then break end
    take_socket(run, socket)
  end
  run.listener:close()
end

local function cut_all(run)
  local connections = run.connections
  local sockets, streams = connections:unfinishedSockets(), connections:list()
  for socket in pairs(run.starting) do sockets[#sockets + 1] = socket end
  run.waiting = {}
  for _, socket in ipairs(sockets) do socket:close() end
  for _, stream in ipairs(streams) do connections:cut(stream) end
  return #sockets + #streams
end

-- Where the waiter gives up, the time is over.
local function await_end(run, deadline)
  while run.count > 0 do
    local left = deadline() - now()
    if left <= 0 or not sleep_until_rung(run, left) then break end
  end
end

-- The clients that send requests one after the other get the chance to be told that the server stops.
local function end_idle(run)
  local moment = now() + run.endIdle
  await_end(run, function() return math.min(moment, run.listener.stopBy) end)
  run.connections:endIdle()
end

-- Returns how many connections were cut.
local function stop(run)
  accept_the_rest(run)
  if run.endIdle then end_idle(run) end
  await_end(run, function() return run.listener.stopBy end)
  if run.count == 0 then return 0 end
  local count = cut_all(run)
  local last = now() + LAST_SECONDS
  await_end(run, function() return last end)
  return count
end

local function accept_until_stopped(run)
  local done, failure = accept_all(run)
  if not done then return nil, failure end
  if run.listener.stopBy then return true, stop(run) end
  return true, 0
end

-- ---- the loop in which it runs

local function accept_with_bell(run)
  local ear, bell = core.SciSocket.pair()
  if not ear then return nil, bell end
  ear:setBlocking(false)
  bell:setBlocking(false)
  run.ear, run.bell = ear, bell
  run.listener.servedBy = coroutine.running()
  run.listener.bell, run.connections.onClose = bell, run.onClose and function(...) call_hook(run, run.onClose, ...) end
  local good, done, result = xpcall(accept_until_stopped, note_traceback, run)
  run.listener.bell = nil
  ear:close()
  bell:close()
  if not good then error(done, 0) end
  return done, result
end

-- The waiters that block the thread can wait for one socket only, so this runs a scheduler until the listener is
-- closed. Handlers that still run some time after `stop` has cut their connections never continue.
local function run_own_loop(run)
  local loop, failure = scheduler.new()
  if not loop then return nil, failure end
  local listener, waiter = run.listener, run.waiter
  run.waiter = wait.find("coroutine")
  listener.waiter = run.waiter
  run.loop, run.spawn = loop, function(...) loop:spawn(...) end
  local good, done, result
  loop:spawn(function()
    good, done, result = pcall(accept_with_bell, run)
    if listener.stopBy or not good then loop:stop() end
  end)
  local ran, went, problem = pcall(loop.run, loop)
  listener.waiter, listener.bell = waiter, nil
  loop:close()
  if not ran then error(went, 0) end
  if not went then return nil, problem end
  if not good then error(done, 0) end
  return done, result
end

-- `given(f)` with arguments for f, as the loops that we know have it.
local function spawn_by(given)
  return function(f, run, socket) given(function() f(run, socket) end) end
end

return function(listener, handler, given)
  options.checkArgument(1, "serve", handler, "callable", 3)
  given = options.read("serve", given or {}, known_options, 3)
  if listener.bell then error("'serve' runs already for this listener", 3) end
  local run = {
    listener = listener,
    connections = listener.connections,
    waiter = listener.waiter,
    handler = handler,
    onAccept = given.onAccept,
    onHandshake = given.onHandshake,
    onClose = given.onClose,
    onError = given.onError or report,
    most = given.maxConnections or math.huge,
    refuses = given.whenFull == "refuse",
    endIdle = given.endIdle,
    spawn = given.spawn and spawn_by(given.spawn),
    count = 0, -- coroutines
    starting = {}, -- sockets whose coroutine has not run yet
    serving = 0, -- those whose handshake is done
    waiting = {}, -- streams that wait for one of them
    sleeps = false, -- whether the accepting coroutine is to be rung when another ends
  }
  run.service = setmetatable({ run = run }, Service)
  run.serveStreams = stream_server(run)
  if run.spawn then return accept_with_bell(run) end
  if wait.blocksThread(run.waiter) then return run_own_loop(run) end
  run.spawn, run.loop = spawn.find(run.waiter)
  if not run.spawn then
    error("call 'serve' inside the loop of its waiter, or give the option 'spawn'", 3)
  end
  return accept_with_bell(run)
end
