--- The waiter `"coroutine"`: the running coroutine yields `socket, events, deadline` to its scheduler.
-- The scheduler resumes it with true when the socket is ready, with nil when the deadline has passed (seconds on the
-- clock of `SciSocket.now()`; nil: none), or with nil and a reason to cancel the wait.
-- `scissl.scheduler` is such a scheduler; with `SciSocket.poll` another takes twenty lines.
-- @module scissl.loop.coroutine_waiter

return function(socket, events, deadline)
  if not coroutine.isyieldable() then error("the waiter 'coroutine' works only inside a coroutine", 0) end
  return coroutine.yield(socket, events, deadline)
end
