--- The socket that a server listens on, for `scissl.listen` and `scissl.plain.listen`.
-- @module scissl.server.listening_socket

local SciSocket = require "scissl.core".SciSocket
local resolve = require "scissl.client.resolve"
local spawn = require "scissl.loop.spawn"
local wait = require "scissl.loop.wait"

local listening = {}

--- Kinds of the options.
listening.kinds = {
  path = "string",
  host = "string",
  port = "port",
  backlog = "count",
  reusePort = "boolean",
  socket = "integer|table|userdata",
}

local BACKLOG = 65535 -- more than any system allows: each takes its own limit in place of it

-- A listening socket that another process may have made and may use as well.
local function adopt(given)
  local plain, failure = SciSocket.on(given)
  if not plain then return nil, failure end
  local done
  done, failure = plain:setBlocking(false)
  if done then return plain end
  return nil, failure
end

-- The look-up lets other coroutines run where the caller runs in the loop of its waiter: many servers listen before
-- their loop begins.
local function find_addresses(host, port, waiter)
  local in_loop = coroutine.isyieldable() and spawn.find(waiter)
  return resolve.find({ host = host, port = port, waiter = in_loop and waiter or wait.find "poll" })
end

local function open(host, port, waiter, backlog, shared)
  local addresses, failure = find_addresses(host == "*" and "0.0.0.0" or host, port, waiter)
  if not addresses then return nil, failure end
  local plain
  plain, failure = SciSocket.newStreamSocket(addresses[1].family)
  if not plain then return nil, failure end
  local done = true
  if shared then done, failure = plain:setSockOpt("SO_REUSEPORT", true) end
  if done then done, failure = plain:bind(addresses[1].address, addresses[1].port) end
  if done then done, failure = plain:listen(backlog) end
  if done then done, failure = plain:setBlocking(false) end
  if done then return plain end
  plain:close()
  return nil, failure
end

-- Whether a server listens on the path. A server that was killed leaves its path behind, to which nothing can connect.
local function is_in_use(path)
  local socket <close> = SciSocket.newStreamSocket("unix")
  if not socket then return true end
  socket:setBlocking(false)
  local connected, failure = socket:connect(path)
  return connected or failure:condition() ~= "connection_refused"
end

local function open_path(path, backlog)
  local plain, failure = SciSocket.newStreamSocket("unix")
  if not plain then return nil, failure end
  local done
  done, failure = plain:bind(path)
  if not done and failure:condition() == "address_in_use" and not is_in_use(path) then
    os.remove(path)
    done, failure = plain:bind(path)
  end
  if done then done, failure = plain:listen(backlog) end
  if done then done, failure = plain:setBlocking(false) end
  if done then return plain end
  plain:close()
  return nil, failure
end

local excluded = {
  path = { "socket", "host", "port", "reusePort" },
  socket = { "host", "port", "backlog", "reusePort" },
}

--- Checks the options.
-- @raise where they exclude each other, or say no place
function listening.check(caller, given, level)
  level = (level or 1) + 1
  for _, name in ipairs { "path", "socket" } do
    for _, other in ipairs(given[name] and excluded[name] or {}) do
      if given[other] ~= nil then
        error(("options '%s' and '%s' to '%s' exclude each other"):format(name, other, caller), level)
      end
    end
  end
  if given.socket or given.path or given.port then return end
  error(("option 'port' to '%s' is missing"):format(caller), level)
end

--- Returns a non-blocking socket that listens; or nil and a SciSslError. `waiter`: waits for the look-up of the host.
function listening.open(given, waiter)
  local backlog = given.backlog or BACKLOG
  if given.socket then return adopt(given.socket) end
  if given.path then return open_path(given.path, backlog) end
  return open(given.host or "*", given.port, waiter, backlog, given.reusePort)
end

return listening
