--- The peers of a server of DTLS: gives each datagram to the association of its sender, and makes associations with
-- peers that have returned their cookie. Nothing is kept of a sender before that.
-- @module scissl.datagram.peers

local core = require "scissl.core"
local Association = require "scissl.datagram.association"
local datagram_options = require "scissl.datagram.datagram_options"

local SciSslError, SciSslSocket = core.SciSslError, core.SciSslSocket
local now = core.SciSocket.now
local byte, sub = string.byte, string.sub

local READ, WRITE = core.SSL_ERROR_WANT_READ, core.SSL_ERROR_WANT_WRITE

local Peers = {}
Peers.__index = Peers

local BURST = 64 -- datagrams that are taken in a row
local SWEEP = 1 -- seconds between two looks for idle associations

-- ---- sending

-- Sends what the socket of a peer has for it. A datagram that the system does not take is lost, unless `deliver` waits.
function Peers:flush(socket, host, port, deliver)
  local plain = self.plain
  while true do
    local datagram = socket:sslDrain()
    if datagram == "" then return true end
    local sent, failure = plain:sendTo(datagram, host, port)
    while not sent and deliver and failure:condition() == "not_ready" do
      local ready
      ready, failure = deliver()
      if not ready then return nil, failure end
      sent, failure = plain:sendTo(datagram, host, port)
    end
    if sent then self.counts.sent = self.counts.sent + 1
    elseif deliver then return nil, failure end
  end
end

local function flush(self, association)
  return self:flush(association.socket_, association.host, association.port)
end

-- ---- the life of an association

local function name_of(host, port)
  return (host:find(":", 1, true) and "[%s]:%d" or "%s:%d"):format(host, port)
end

local function fail(association, phase, condition, message)
  return SciSslError.new { phase = phase, condition = condition, message = message, peer = association.peer }
end

local function leave(self, association)
  if self.list[association.key] == association then
    self.list[association.key] = nil
    self.counts.peers = self.counts.peers - 1
  end
  if self.unfinished[association] then
    self.unfinished[association] = nil
    self.counts.handshaking = self.counts.handshaking - 1
  end
end

-- Ends an association. `failure`: what its calls return from now on; nil: the peer has closed it.
function Peers:finish(association, failure)
  leave(self, association)
  association.failure = association.failure or failure
  association.ended = true
  association.socket_:close()
  flush(self, association)
  self.onMessage(association)
end

local function refuse(self, association, failure)
  local failed = self.counts.failed
  failed[failure:condition()] = (failed[failure:condition()] or 0) + 1
  self:finish(association, failure)
  self.onFailure(failure, association)
end

local function note_timer(association)
  local seconds = association.socket_:timeout()
  association.resendAt = seconds and now() + seconds
end

-- Takes the messages that have come.
local function read(self, association)
  local socket, inbox = association.socket_, association.inbox
  while true do
    local answer = socket:sslRead()
    if type(answer) == "string" then
      self.counts.received = self.counts.received + 1
      if #inbox < self.inboxSize then
        inbox[#inbox + 1] = answer
        self.onMessage(association)
      else
        self.counts.dropped = self.counts.dropped + 1
      end
    elseif answer == 0 then
      return self:finish(association)
    elseif core.isSslError(answer) then
      return self:finish(association, answer)
    else
      return flush(self, association)
    end
  end
end

local function begin(self, association)
  association.done, association.resendAt = true, nil
  self.unfinished[association] = nil
  self.counts.handshaking = self.counts.handshaking - 1
  self.counts.handshakes = self.counts.handshakes + 1
  self.onAssociation(association)
end

-- Goes on with what has come from a peer.
local function advance(self, association)
  if association.done then return read(self, association) end
  local socket = association.socket_
  local answer = socket:sslAccept()
  flush(self, association)
  if answer == 1 then
    begin(self, association)
    return read(self, association)
  end
  if core.isSslError(answer) then return refuse(self, association, answer) end
  local code = socket:sslGetError(answer)
  if code == READ or code == WRITE then return note_timer(association) end
  refuse(self, association, fail(association, "accept", "not_served"))
end

-- ---- new peers

local function oldest(self)
  local found
  for association in pairs(self.unfinished) do
    if not found or association.handshakeBy < found.handshakeBy then found = association end
  end
  return found
end

local function make(self, key, host, port, socket, random)
  local association = setmetatable({
    key = key, host = host, port = port, peer = name_of(host, port), random = random, inbox = {}, seen = now(),
    handshakeBy = now() + self.handshakeTimeout, socket_ = socket, listener = self.listener,
    waiter = self.waiter, timeout = self.timeout,
  }, Association)
  self.list[key], self.unfinished[association] = association, true
  self.counts.peers, self.counts.handshaking = self.counts.peers + 1, self.counts.handshaking + 1
  return association
end

-- A peer that has returned its cookie. One that had an association has lost it.
local function welcome(self, key, host, port, socket, random)
  local counts, known = self.counts, self.list[key]
  if known then
    counts.replaced = counts.replaced + 1
    leave(self, known)
    known.failure = fail(known, "read", "replaced", "the peer has begun a new association")
    known.ended = true
    known.socket_:close() -- what it sends is for a peer that is no more
    self.onMessage(known)
  end
  if counts.peers >= self.maxPeers then
    counts.refused = counts.refused + 1
    return socket:close()
  end
  if counts.handshaking >= self.maxHandshakes then
    local last = oldest(self)
    refuse(self, last, fail(last, "accept", "too_many_handshakes"))
  end
  advance(self, make(self, key, host, port, socket, random))
end

-- The socket that replies to all ClientHellos, until one has a cookie: then it is that peer's.
local function greeter(self)
  if self.greeter then return self.greeter end
  local socket = SciSslSocket.onMemory(self.context)
  local ready, failure = socket:sslInitialize()
  if ready then ready, failure = datagram_options.apply(socket, self) end
  if not ready then return nil, failure end
  self.greeter = socket
  return socket
end

local function greet(self, key, host, port, datagram, random)
  local socket, failure = greeter(self)
  if not socket then return self.onFailure(failure) end
  self.counts.hellos = self.counts.hellos + 1
  socket:sslFeed(datagram)
  local answer = socket:sslListen(key)
  self:flush(socket, host, port)
  if answer == 1 then
    self.greeter = nil
    return welcome(self, key, host, port, socket, random)
  end
  if core.isSslError(answer) then self.greeter = nil end
end

-- ---- datagrams

-- The client's random bytes, if the datagram begins with a ClientHello that is not encrypted; else nil. The record has
-- 13 bytes before its content: type, version, epoch, number, length. The message has 12: type, length, number,
-- fragment.
local function hello_random(datagram)
  if #datagram < 59 then return nil end
  local kind, _, _, epoch_high, epoch_low = byte(datagram, 1, 5)
  if kind ~= 22 or epoch_high ~= 0 or epoch_low ~= 0 or byte(datagram, 14) ~= 1 then return nil end
  return sub(datagram, 28, 59)
end

-- A ClientHello with other random bytes is of a peer that has begun again. What an association has received is its own
-- again where its reply was lost.
local function take(self, datagram, host, port)
  local key = host .. " " .. port
  local association, random = self.list[key], hello_random(datagram)
  if random and not (association and association.random == random) then
    return greet(self, key, host, port, datagram, random)
  end
  if not association then
    self.counts.strangers = self.counts.strangers + 1
    return
  end
  association.seen = now()
  association.socket_:sslFeed(datagram)
  advance(self, association)
end

--- Takes the datagrams that have come. Returns how many; or nil and a SciSslError: the socket is closed.
function Peers:pump()
  for count = 0, BURST - 1 do
    local datagram, host, port = self.plain:recvFrom()
    if datagram then take(self, datagram, host, port)
    elseif host:condition() == "not_ready" then return count
    elseif host:condition() == "closed" then return nil, host end
    -- Other failures are reports about what was sent to some peer.
  end
  return BURST
end

-- ---- time

local function go_on(self, association, time)
  if time >= association.handshakeBy then
    return refuse(self, association, fail(association, "accept", "timeout", "the handshake did not finish in time"))
  end
  local sent, failure = association.socket_:sslHandleTimeout()
  if sent == nil then return refuse(self, association, failure) end
  flush(self, association)
  note_timer(association)
end

local function due_at(association)
  return math.min(association.handshakeBy, association.resendAt or math.huge)
end

-- A handler of the program, which is told of failures, may take datagrams: the table changes.
local function run_unfinished(self, time)
  local due = {}
  for association in pairs(self.unfinished) do
    if time >= due_at(association) then due[#due + 1] = association end
  end
  for _, association in ipairs(due) do
    if self.unfinished[association] then go_on(self, association, time) end
  end
end

local function end_idle(self, time)
  self.sweepAt = time + SWEEP
  for _, association in pairs(self.list) do
    if association.done and time - association.seen >= self.idleTimeout then
      self.counts.idle = self.counts.idle + 1
      local failure = fail(association, "read", "idle", "the peer has sent nothing for a long time")
      self:finish(association, failure)
    end
  end
end

--- Does what is due.
function Peers:runTimers()
  local time = now()
  if next(self.unfinished) then run_unfinished(self, time) end
  if time >= self.sweepAt then end_idle(self, time) end
end

--- Returns when something is due next; nil: nothing is.
function Peers:due()
  local at = next(self.list) and self.idleTimeout < math.huge and self.sweepAt or nil
  for association in pairs(self.unfinished) do
    local next_at = due_at(association)
    if not at or next_at < at then at = next_at end
  end
  return at
end

--- Makes the peers of a server. `self`: `plain` (its socket), `context`, `listener`, the limits, and the functions
-- `onMessage(association)`, `onAssociation(association)` and `onFailure(failure, association)`.
return function(self)
  self.list, self.unfinished, self.sweepAt = {}, {}, now() + SWEEP
  self.counts = {
    peers = 0, handshaking = 0, handshakes = 0, hellos = 0, failed = {}, refused = 0, replaced = 0, idle = 0,
    received = 0, sent = 0, dropped = 0, strangers = 0,
  }
  return setmetatable(self, Peers)
end
