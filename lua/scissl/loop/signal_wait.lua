--- What `SciSignals:wait` does.
-- @module scissl.loop.signal_wait

local options = require "scissl.base.option_table"
local wait = require "scissl.loop.wait"

local signal_wait = {}

local waiters = setmetatable({}, { __mode = "k" }) -- by object

--- Sets the waiter of an object.
-- @tparam SciSignals signals
-- @tparam function waiter
function signal_wait.use(signals, waiter)
  waiters[signals] = waiter
end

--- As `SciSignals:wait`.
-- @tparam SciSignals signals
-- @tparam ?number timeout
-- @tparam integer level the stack level that an error points at, as for `error` in the caller
function signal_wait.wait(signals, timeout, level)
  options.checkArgument(1, "wait", timeout, "seconds|nil", level + 1)
  local waiter, deadline = waiters[signals] or wait.find(), wait.deadline(timeout)
  while true do
    local name, failure = signals:take()
    if name then return name end
    if failure:condition() ~= "not_ready" then return nil, failure end
    local ready
    ready, failure = wait.ready(waiter, signals, "r", deadline, "wait", timeout, "the wait for a signal")
    if not ready then return nil, failure end
  end
end

return signal_wait
