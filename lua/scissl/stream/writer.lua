--- What `SciSslStream:write` and its kin do: a stream's output, pushed through its link.
-- @module scissl.stream.writer

local wait = require "scissl.loop.wait"

local writer = {}

--- Answers when an operation that begins now has to be over; nil: as long as it takes.
function writer.deadline(self)
  local deadline = wait.deadline(self.seconds)
  local moment = self.moment
  if moment and not (deadline and deadline < moment) then return moment end
  return deadline
end

-- Sends what is on its way as far as the link takes it now. True: all of it; or nil and a failure; or nil, nil, events.
local function push_now(self)
  local output, way = self.output, self.link
  while output.tail >= output.head do
    local count, failure, events = way:send(output:next())
    if not count then return nil, failure, events end
    output:sent(count)
  end
  return way:settle()
end

--- Sends what is on its way, all of it. True; or nil and a failure.
function writer.push(self)
  local deadline
  while true do
    local done, failure, events = push_now(self)
    if done then return true end
    if not events then
      self.output:forget()
      return nil, failure
    end
    deadline = deadline or writer.deadline(self)
    done, failure = self.link:await(self.waiter, events, deadline, "write", self.seconds)
    if not done then return nil, failure end
  end
end

--- Sends what the peer takes now, for a read that is about to wait. True: there is more. What fails will fail again,
-- and be told, when something is written.
function writer.pushSome(self)
  local output = self.output
  if output.queued == 0 and output.held == 0 then return false end
  output:release()
  local _, _, events = push_now(self)
  return events == "w"
end

--- Tells the peer that nothing more comes. True; or nil and a failure.
function writer.sayEnd(self, phase)
  local deadline
  while true do
    local done, failure, events = self.link:sayEnd()
    if not events then return done, failure end
    deadline = deadline or writer.deadline(self)
    done, failure = self.link:await(self.waiter, events, deadline, phase, self.seconds)
    if not done then return nil, failure end
  end
end

return writer
