--- Makes a TCP connection to a host. The addresses are tried one after the other.
-- @module scissl.client.tcp_dial

local core = require "scissl.core"
local wait = require "scissl.loop.wait"

local SciSslError, SciSocket = core.SciSslError, core.SciSocket

-- Each address gets its share of the remaining time, so that one that never responds leaves time for the others.
local function deadline_for(run, addresses_left)
  if not run.deadline then return nil end
  local now = SciSocket.now()
  local share = math.max(0, run.deadline - now) / addresses_left
  return now + share, share
end

-- Returns a connected socket; or nil and a SciSslError.
local function reach(address, run, how, deadline, share)
  local socket, failure = how.new(run, address.family)
  if not socket then return nil, failure end
  local connecting
  connecting, failure = socket:connect(address.address, address.port)
  if connecting then connecting, failure = how.prepare(socket, run) end
  if connecting then
    connecting, failure = wait.ready(run.waiter, socket, "w", deadline, "connect", share, "the TCP connection")
  end
  if connecting and socket:getPeerName() then return socket end
  if connecting then
    connecting, failure = how.explain(socket, run, deadline)
    if connecting then return socket end
  end
  socket:close()
  return nil, failure
end

local function reach_any(addresses, run, how)
  local failures, words = {}, {}
  for i, address in ipairs(addresses) do
    local deadline, share = deadline_for(run, #addresses - i + 1)
    local socket, failure = reach(address, run, how, deadline, share)
    if socket then return socket end
    failures[i] = failure
    words[i] = ("%s: %s"):format(address.address, select(2, failure:errno()) or failure:message() or failure:reason()
      or failure:condition())
  end
  local first = failures[1]
  return nil, SciSslError.new {
    phase = "connect",
    condition = first:condition(),
    subject = run.subject,
    sslError = first:sslError(),
    errno = first:errno(),
    message = table.concat(words, "; "),
    cause = first,
  }
end

--- Connects.
-- @tparam table run `host`, `port`, `subject` (for errors), `waiter`, `deadline`
-- @tparam table how `new(run, family)` makes a non-blocking socket; `prepare(socket, run)` sets it up;
--  `explain(socket, run, deadline)` returns nil and a SciSslError that says why it is not connected
-- @treturn[1] socket
-- @treturn[2] nil
-- @treturn[2] SciSslError `host_not_found`, `connection_refused`, `timeout` …
return function(run, how)
  local addresses, failure = SciSocket.resolve(run.host, run.port)
  if not addresses then return nil, failure end
  return reach_any(addresses, run, how)
end
