--- The waiter `"coroutine"`: the running coroutine yields `socket, events, deadline` to whoever resumes it.
-- That scheduler resumes it with true when the socket is ready, and with nil when the deadline has passed
-- (seconds on the clock of `SciSocket.now()`; nil: none), or with nil and a reason to give up.
-- `scissl.scheduler` is one; `SciSocket.poll` is enough to write another in twenty lines.
-- @module scissl.loop.coroutine_waiter

return function(socket, events, deadline)
  if not coroutine.isyieldable() then error("the waiter 'coroutine' works inside a coroutine only", 0) end
  return coroutine.yield(socket, events, deadline)
end
