--- Makes a connection to a host: its addresses, and the first of them that replies; or to a Unix-domain socket.
-- @module scissl.client.tcp_dial

local core = require "scissl.core"
local race = require "scissl.client.happy_eyeballs"
local resolve = require "scissl.client.resolve"
local wait = require "scissl.loop.wait"

local SciSocket, now = core.SciSocket, core.SciSocket.now

local ANY = { inet = "0.0.0.0", inet6 = "::" }
local FULL_PAUSE = 0.02 -- seconds before the next try where a Unix-domain socket's queue is full

-- Sets what has to be set before `connect`. Returns true; or nil and a SciSslError.
local function prepare_tcp(socket, run, family)
  local done, failure = true, nil
  if run.localAddress or run.localPort then
    done, failure = socket:bind(run.localAddress or ANY[family], run.localPort or 0)
  end
  if done and run.keepAlive then done, failure = socket:setSockOpt("SO_KEEPALIVE", true) end
  if done and math.type(run.keepAlive) then done, failure = socket:setSockOpt("TCP_KEEPIDLE", run.keepAlive) end
  return done, failure
end

-- Returns a socket that is connecting; or nil and a SciSslError.
local function begin(address, run, how)
  local socket, failure = how.new(run, address.family)
  if not socket then return nil, failure end
  local connecting = true
  if address.family ~= "unix" then connecting, failure = prepare_tcp(socket, run, address.family) end
  if connecting then connecting, failure = socket:connect(address.address, address.port) end
  if connecting then return socket end
  socket:close()
  return nil, failure
end

-- Sleeps, whatever the waiter. Returns true; or nil and a SciSslError: the deadline has passed, or the wait was
-- cancelled.
local function pause(run)
  local near, far = assert(SciSocket.pair())
  local over = run.deadline and math.min(run.deadline, now() + FULL_PAUSE) or now() + FULL_PAUSE
  local _, failure = wait.ready(run.waiter, near, "r", over, "connect", run.timeout, "the connection")
  near:close()
  far:close()
  local late = run.deadline and now() >= run.deadline
  if failure and (late or failure:condition() ~= "timeout") then return nil, failure end
  return true
end

-- The system does not say when a queue that was full has room again (EAGAIN).
local function connect_path(run, how)
  while true do
    local socket, failure = begin({ address = run.path, family = "unix" }, run, how)
    if socket or failure:condition() ~= "not_ready" then return socket, failure end
    local waited
    waited, failure = pause(run)
    if not waited then return nil, failure end
  end
end

local function connect_host(run, how)
  local addresses, failure = resolve.find(run, run.family)
  if not addresses then return nil, failure end
  return race.connect(addresses, run, begin, how)
end

--- Connects.
-- @tparam table run `host` and `port`, or `path`; `subject` (for errors), `waiter`, `deadline`, `timeout`, and what
--  `scissl.client.dial_options` puts into it
-- @tparam table how `new(run, family)` makes a non-blocking socket; `prepare(socket, run)` sets up the one that is
--  connected
-- @treturn[1] socket
-- @treturn[2] nil
-- @treturn[2] SciSslError `host_not_found`, `connection_refused`, `timeout` …
return function(run, how)
  local socket, failure
  if run.path then socket, failure = connect_path(run, how) else socket, failure = connect_host(run, how) end
  if not socket then return nil, failure end
  local ready
  ready, failure = how.prepare(socket, run)
  if ready then return socket end
  socket:close()
  return nil, failure
end
