--- Closes a connection after this side has sent a fatal alert. A system that closes a socket with unread bytes, or that
-- receives more of them later, resets the connection, and the peer may never read the alert. So the socket is closed
-- for writing first, and what arrives is dropped until the peer closes: for a limited time, beside other work.
-- @module scissl.stream.linger

local core = require "scissl.core"
local spawn = require "scissl.loop.spawn"
local wait = require "scissl.loop.wait"

local now = core.SciSocket.now

local parting = {}

-- Limits for a peer that does not close: seconds, bytes, and sockets at a time.
local SECONDS, BYTES, SOCKETS = 2, 1024 * 1024, 64
local MOST = 65536 -- bytes a read

local count = 0 -- sockets that a coroutine reads from
local parked = {} -- sockets without a coroutine, the oldest first

local function has_sent_alert(socket)
  local alerts = socket:alertsSent()
  local last = alerts[#alerts]
  return last and last.level == "fatal"
end

-- Reads what has arrived. Returns true where nothing more will come, or a limit is reached.
local function is_over(visit)
  while visit.left > 0 and now() < visit.deadline do
    local bytes, failure = visit.socket:recv(MOST)
    if not bytes then return failure:condition() ~= "not_ready" end
    if bytes == "" then return true end
    visit.left = visit.left - #bytes
  end
  return true
end

local function linger(visit, waiter)
  while not is_over(visit) do
    if not wait.ready(waiter, visit.socket, "r", visit.deadline, "close") then break end
  end
  visit.socket:close()
end

local function linger_beside(start, visit, waiter)
  count = count + 1
  start(function()
    local good, raised = pcall(linger, visit, waiter)
    count = count - 1
    if not good then
      visit.socket:close()
      error(raised, 0)
    end
  end)
end

--- Closes the parked sockets whose peers have closed, or whose time has passed.
function parting.sweep()
  for i = #parked, 1, -1 do
    if is_over(parked[i]) then table.remove(parked, i).socket:close() end
  end
end

local function park(visit)
  parting.sweep()
  parked[#parked + 1] = visit
  if #parked > SOCKETS then table.remove(parked, 1).socket:close() end
end

--- Closes a socket. If it has sent a fatal alert, it is closed for writing now, and fully when the peer has closed, or
-- after two seconds: by a coroutine of its own where the waiter belongs to a loop, otherwise by later calls.
-- @tparam SciSslSocket socket over a descriptor
-- @tparam function waiter
-- @return what `socket:close()` returns; true where it is closed later
function parting.leave(socket, waiter)
  local ready = has_sent_alert(socket) and socket:shutdown "w" and socket:setBlocking(false)
  if not ready then return socket:close() end
  local visit = { socket = socket, deadline = now() + SECONDS, left = BYTES }
  if is_over(visit) then return socket:close() end
  local start = waiter and spawn.find(waiter)
  if not start then park(visit)
  elseif count < SOCKETS then linger_beside(start, visit, waiter)
  else return socket:close() end
  return true
end

return parting
