--- Makes a TCP connection to a host: its addresses, and the first of them that replies.
-- @module scissl.client.tcp_dial

local race = require "scissl.client.happy_eyeballs"
local resolve = require "scissl.client.resolve"

-- Returns a socket that is connecting; or nil and a SciSslError.
local function begin(address, run, how)
  local socket, failure = how.new(run, address.family)
  if not socket then return nil, failure end
  local connecting
  connecting, failure = socket:connect(address.address, address.port)
  if connecting then return socket end
  socket:close()
  return nil, failure
end

--- Connects.
-- @tparam table run `host`, `port`, `subject` (for errors), `waiter`, `deadline`, `timeout`, `resolver`
-- @tparam table how `new(run, family)` makes a non-blocking socket; `prepare(socket, run)` sets up the one that is
--  connected
-- @treturn[1] socket
-- @treturn[2] nil
-- @treturn[2] SciSslError `host_not_found`, `connection_refused`, `timeout` …
return function(run, how)
  local addresses, failure = resolve.find(run)
  if not addresses then return nil, failure end
  local socket
  socket, failure = race.connect(addresses, run, function(address) return begin(address, run, how) end)
  if not socket then return nil, failure end
  local ready
  ready, failure = how.prepare(socket, run)
  if ready then return socket end
  socket:close()
  return nil, failure
end
