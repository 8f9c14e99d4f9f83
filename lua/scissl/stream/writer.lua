--- What `SciSslStream:write`, `flush` and `close` do: send a stream's queue through its link.
-- @module scissl.stream.writer

local writer = {}

-- Sends as much of the queue as the link takes now. Returns true: all; or nil and a failure; or nil, nil and events.
local function push_now(self)
  local output, way = self.output, self.link
  output:takeRest()
  while output.tail >= output.head do
    local count, failure, events = way:send(output:next())
    if not count then return nil, failure, events end
    output:sent(count)
  end
  return way:settle()
end

--- Sends the whole queue. Returns true; or nil and a failure.
function writer.push(self)
  local deadline
  while true do
    local done, failure, events = push_now(self)
    if done then return true end
    if not events then
      self.output:forget()
      return nil, failure
    end
    deadline = deadline or self.bytes:deadline()
    done, failure = self.link:await(self.waiter, events, deadline, "write", self.seconds)
    if not done then return nil, failure end
  end
end

--- Sends what the peer takes now, for a read that is about to wait. Returns true where more is left. A failure is not
-- reported here: the next write meets it again.
function writer.pushSome(self)
  local output = self.output
  output:takeRest()
  if output.queued == 0 and output.held == 0 then return false end
  output:release()
  local _, _, events = push_now(self)
  return events == "w"
end

--- Ends the writing side. Returns true; or nil and a failure.
function writer.sayEnd(self, phase)
  local deadline
  while true do
    local done, failure, events = self.link:sayEnd()
    if not events then return done, failure end
    deadline = deadline or self.bytes:deadline()
    done, failure = self.link:await(self.waiter, events, deadline, phase, self.seconds)
    if not done then return nil, failure end
  end
end

return writer
