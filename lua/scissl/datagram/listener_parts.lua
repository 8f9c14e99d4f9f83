--- What associations and peers ask of a SciSslDatagramListener, which is no business of programs.
-- @module scissl.datagram.listener_parts

local report = require "scissl.server.failure_log"
local SciSslError = require "scissl.core".SciSslError
local wait = require "scissl.loop.wait"

local inner = {}

function inner.closedFailure(phase)
  return SciSslError.new { phase = phase, condition = "closed", message = "the listener has been closed" }
end

-- Takes the first element of a list, which has one.
function inner.takeFirst(list)
  local first = list[1]
  if list[2] == nil then list[1] = nil else table.remove(list, 1) end
  return first
end

-- ---- what associations ask

function inner.receive(self, association, deadline, timeout)
  local inbox = association.inbox
  local function is_over() return inbox[1] or association.failure or association.ended or self.closed end
  local done, failure = self.turns:await(association, is_over, deadline, "read", timeout, "the wait for a message")
  if inbox[1] then return inner.takeFirst(inbox) end
  if association.failure then return nil, association.failure end
  if association.ended then return nil end
  if self.closed then return nil, inner.closedFailure "read" end
  return nil, not done and failure or nil
end

function inner.flush(self, association, deadline)
  if self.closed then return nil, inner.closedFailure "write" end
  return self.peers:flush(association.socket_, association.host, association.port, function()
    return wait.ready(self.waiter, self.plain, "w", deadline, "write", self.timeout, "the wait to send")
  end)
end

function inner.remove(self, association)
  if not self.closed then self.peers:finish(association, association.failure) end
end

-- ---- what the peers report

-- An association has a message, or has ended.
function inner.noteMessage(self, association)
  local run = self.run
  if run and association.inbox[1] and not run.queued[association] then
    run.queued[association] = true
    run.busy[#run.busy + 1] = association
    self.turns:wake(run)
  else
    self.turns:wake(association)
  end
end

-- Those that have ended may be more than the peers that there can be at a time.
local function forget_ended(self)
  local fresh, kept = self.fresh, {}
  for i = self.first, self.last do
    if not fresh[i].ended then kept[#kept + 1] = fresh[i] end
  end
  self.fresh, self.first, self.last = kept, 1, #kept
end

function inner.noteAssociation(self, association)
  if self.last - self.first + 1 >= 2 * self.peers.maxPeers then forget_ended(self) end
  self.last = self.last + 1
  self.fresh[self.last] = association
  self.turns:wake(self.run or self)
end

-- Calls a function of the program. Returns what it returned; or false after an error.
local function call_hook(run, name, subject, ...)
  local hook = run and run[name]
  if not hook then return true end
  local good, returned = xpcall(hook, inner.noteTraceback, subject, ...)
  if good then return returned end
  inner.complain(run, returned, "handler", subject)
  return false
end

function inner.noteTraceback(raised)
  if type(raised) == "string" then return debug.traceback(raised, 2) end
  return raised == nil and "nil was raised" or raised
end

function inner.complain(run, failure, phase, subject)
  local good, raised = pcall(run.onError, failure, phase, subject)
  if not good then report(raised, "handler") end
end

-- Whether the program takes a peer that has shown its address.
function inner.mayBegin(self, host, port)
  return call_hook(self.run, "onAccept", host, port) ~= false
end

function inner.noteEnd(self, association, carried)
  call_hook(self.run, "onClose", association, carried)
end

function inner.noteFailure(self, failure, association)
  if self.run then inner.complain(self.run, failure, "handshake", association) end
end

return inner
