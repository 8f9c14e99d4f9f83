--- `SciSslListener:accept` for programs without a loop, when the listener has `concurrentHandshakes`: a loop of its own
-- makes the handshakes of several clients while `accept` waits.
-- @module scissl.server.concurrent_accept

local core = require "scissl.core"
local result = require "scissl.loop.wait_result"
local scheduler = require "scissl.loop.scheduler"
local wait = require "scissl.loop.wait"

local now = core.SciSocket.now

-- Accepts until the listener is closed. Other failures are the caller's, one for each call.
local function accept_all(state, listener, accept_socket, shake_hands)
  while not listener.closed do
    local socket, failure = accept_socket(listener, nil, state.waiter)
    if socket then
      state.sockets[socket] = true
      state.loop:spawn(function()
        local made = table.pack(shake_hands(listener, socket, state.waiter))
        state.sockets[socket] = nil
        if not listener.closed then state.results[#state.results + 1] = made
        elseif made[1] then made[1]:close() end
      end)
    elseif not listener.closed then
      state.results[#state.results + 1] = table.pack(nil, failure)
      state.loop:sleep(0)
    end
  end
end

local function begin(listener, accept_socket, shake_hands)
  local loop, failure = scheduler.new { onError = function(raised) error(raised, 0) end }
  if not loop then return nil, failure end
  local state = { loop = loop, results = {}, sockets = {}, waiter = wait.find "coroutine" }
  loop:spawn(accept_all, state, listener, accept_socket, shake_hands)
  return state
end

-- Lets the coroutines whose sockets are closed end.
local function finish(state)
  pcall(state.loop.step, state.loop, 0)
  state.loop:close()
end

local concurrent = {}

--- When the listener closes: ends the handshakes under way, and closes the streams that `accept` has not returned. A
-- handler of such a handshake may be the caller; then the call of `accept` that runs the loop closes it.
function concurrent.close(listener)
  local state = listener.concurrent
  if not state then return end
  listener.concurrent = nil
  for socket in pairs(state.sockets) do socket:close() end
  for _, made in ipairs(state.results) do
    if made[1] then made[1]:close() end
  end
  state.results, state.sockets = {}, {}
  if scheduler.running() ~= state.loop then finish(state) end
end

--- As `SciSslListener:accept`.
-- @tparam SciSslListener listener
-- @tparam ?number timeout seconds
-- @tparam function accept_socket
-- @tparam function shake_hands
function concurrent.accept(listener, timeout, accept_socket, shake_hands)
  if listener.closed then return accept_socket(listener, 0, listener.waiter) end
  local state, failure = listener.concurrent, nil
  if not state then state, failure = begin(listener, accept_socket, shake_hands) end
  if not state then return nil, failure end
  listener.concurrent = state
  local deadline = wait.deadline(timeout)
  while not state.results[1] do
    if listener.closed then
      finish(state)
      return accept_socket(listener, 0, listener.waiter)
    end
    local left = deadline and math.max(0, deadline - now())
    local stepped
    stepped, failure = state.loop:step(left)
    if stepped == nil then return nil, failure end
    if left == 0 and not state.results[1] then
      return nil, result.timedOut(listener.plain, "listen", timeout, "the wait for a client", deadline)
    end
  end
  return table.unpack(table.remove(state.results, 1), 1, 2)
end

return concurrent
