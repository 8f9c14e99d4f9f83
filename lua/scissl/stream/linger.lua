--- The end of a connection that a fatal alert of ours has ended. A system that closes a socket with unread bytes, or
-- that receives more of them later, resets the connection, and the peer may never read the alert. So the socket is
-- closed for writing, and what arrives is read away until the peer closes: for a limited time, beside other work.
-- @module scissl.stream.linger

local core = require "scissl.core"
local spawn = require "scissl.loop.spawn"
local wait = require "scissl.loop.wait"

local now = core.SciSocket.now

local parting = {}

-- For how long, for how many bytes, and of how many sockets at a time: those of strangers.
local SECONDS, BYTES, SOCKETS = 2, 1024 * 1024, 64
local MOST = 65536 -- bytes a read

local count = 0 -- sockets that a coroutine reads from
local parked = {} -- those that have none: the eldest first

local function has_sent_alert(socket)
  local alerts = socket:alertsSent()
  local last = alerts[#alerts]
  return last and last.level == "fatal"
end

-- Reads away what has come. True: nothing more is to come, or it is enough.
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

--- Closes the sockets that have been waiting without a coroutine, once their peers have closed or their time is over.
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

--- Closes a socket. Where it has sent a fatal alert, it is closed for writing now, and altogether when the peer has
-- closed, or after two seconds: by a coroutine of its own, where the waiter belongs to a loop; else by later calls.
-- @tparam SciSslSocket socket over a descriptor
-- @tparam function waiter
-- @return what `socket:close()` returns; true where that is to come
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
