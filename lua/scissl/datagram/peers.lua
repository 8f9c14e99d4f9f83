--- The peers of a server of DTLS: gives each datagram to the association of its sender, and makes associations with
-- peers that have returned their cookie. Nothing is kept of a sender before that.
-- @module scissl.datagram.peers

local core = require "scissl.core"
local Association = require "scissl.datagram.association"
local datagram_options = require "scissl.datagram.datagram_options"
local handlers = require "scissl.tls.handshake_handlers"
local new_unfinished = require "scissl.datagram.unfinished"

local SciSslError, SciSslSocket = core.SciSslError, core.SciSslSocket
local now = core.SciSocket.now
local byte, sub = string.byte, string.sub
local datagram_peers = getmetatable(core).datagramPeers

local READ, WRITE = core.SSL_ERROR_WANT_READ, core.SSL_ERROR_WANT_WRITE

local Peers = {}
Peers.__index = Peers

local IPV6, IPV4, LEAST = 1232, 508, 256 -- bytes of a datagram that their paths carry; the least of DTLS
local BURST = 64 -- datagrams that are taken in a row
local DEFAULT_LIST = 102400 -- bytes of certificates, where a context does not say how many
local SWEEP = 1 -- seconds between two looks for idle associations

-- ---- sending

-- The system has refused a datagram as too long for the path: the next ones are shorter, and a handshake sends again.
local function shorten(socket)
  local mtu = socket:sslMtu()
  if mtu and mtu > LEAST then socket:sslSetMtu(mtu > IPV6 and IPV6 or mtu > IPV4 and IPV4 or LEAST) end
end

-- Sends what the socket of a peer has for it. A datagram that the system does not take is lost, unless `deliver` waits.
function Peers:flush(socket, host, port, deliver)
  local plain = self.plain
  while true do
    local datagram = socket:sslDrain()
    if datagram == "" then return true end
    local counts, sent, failure = self.counts, plain:sendTo(datagram, host, port)
    while not sent and deliver and failure:condition() == "not_ready" do
      local ready
      ready, failure = deliver()
      if not ready then return nil, failure end
      sent, failure = plain:sendTo(datagram, host, port)
    end
    if sent then counts.sent, counts.bytesSent = counts.sent + 1, counts.bytesSent + #datagram
    else
      if failure:condition() == "message_too_long" then shorten(socket) end
      if deliver then return nil, failure end
    end
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

-- The messages of an association whose first element is its socket are read in C (datagram_peers.c). Those of others
-- pass here: what comes may be for a successor.
local function read_in_c(association, on)
  association[1] = on and association.routed and association.socket_ or nil
end

local function leave(self, association)
  local key = association.key
  read_in_c(association, false)
  if self.unfinished:remove(association) then self.counts.handshaking = self.counts.handshaking - 1 end
  if self.successors[key] == association then
    self.successors[key] = nil
    read_in_c(self.list[key], self.list[key].done)
  elseif self.list[key] == association then
    self.list[key], self.successors[key] = self.successors[key], nil
    if not self.list[key] then self.counts.peers = self.counts.peers - 1 end
  end
end

-- Ends an association. `failure`: what its calls return from now on; nil: the peer has closed it.
function Peers:finish(association, failure)
  leave(self, association)
  local carried = association.done and not association.ended and association.socket_:statistics()
  association.failure = association.failure or failure
  association.ended = true
  association.socket_:close()
  flush(self, association)
  if carried then self.onEnd(association, carried) end
  self.onMessage(association)
end

local function refuse(self, association, failure)
  local failed = self.counts.failed
  failed[failure:condition()] = (failed[failure:condition()] or 0) + 1
  self:finish(association, failure)
  self.onFailure(failure, association)
end

-- When the association has to send again, or has taken too long.
local function note_timer(self, association)
  local seconds, by = association.socket_:timeout(), association.handshakeBy
  self.unfinished:setDue(association, seconds and math.min(now() + seconds, by) or by)
end

local function take_message(self, association, message, time)
  local counts, inbox = self.counts, association.inbox
  counts.received = counts.received + 1
  association.seen = time -- anyone can send datagrams; a message is the peer's
  local count = #inbox
  if count < self.inboxSize then
    inbox[count + 1] = message
    self.onMessage(association)
  else
    counts.dropped = counts.dropped + 1
  end
end

-- Takes what reading has returned that is no message.
local function take_answer(self, association, answer)
  if answer == 0 then return self:finish(association) end
  if core.isSslError(answer) then return self:finish(association, answer) end
  flush(self, association)
end

-- Takes the messages that have come.
local function read(self, association)
  while true do
    local answer = association.socket_:sslRead()
    if type(answer) ~= "string" then return take_answer(self, association, answer) end
    take_message(self, association, answer, now())
  end
end

-- The association that a peer had before it began again. Its socket sends nothing: that would be for a peer that is no
-- more.
local function replace(self, association)
  self.counts.replaced = self.counts.replaced + 1
  local carried = association.socket_:statistics()
  association.failure = fail(association, "read", "replaced", "the peer has begun a new association")
  association.ended = true
  read_in_c(association, false)
  if association.routed then self.detach(association.socket_) end
  association.socket_:close()
  self.onEnd(association, carried)
  self.onMessage(association)
end

local function begin(self, association)
  local key, counts = association.key, self.counts
  self.unfinished:remove(association)
  counts.handshaking, counts.handshakes = counts.handshaking - 1, counts.handshakes + 1
  association.done, association.seen, association.run = true, now(), nil
  if association.socket_:isSessionReused() then counts.resumed = counts.resumed + 1 end
  if self.successors[key] == association then
    local former = self.list[key]
    self.list[key], self.successors[key] = association, nil
    replace(self, former)
  end
  association.routed = self.attach and self.attach(association.socket_, key)
  read_in_c(association, true)
  self.onAssociation(association)
end

-- What a peer can make OpenSSL keep before it is authenticated grows with this. A peer that shows no certificate has no
-- long messages. A handler of the program may ask for one.
local function limit_messages(self, socket)
  local context = socket:getContext()
  local asks = self.mayAsk or context:getVerify() ~= core.SSL_VERIFY_NONE
  if not asks then return socket:sslSetMaxCertList(1) end
  local own = context:getMaxCertList()
  return socket:sslSetMaxCertList(own == DEFAULT_LIST and self.maxCertList or own)
end

-- Calls the handler that a suspended handshake waits for. A handler may wait, and take datagrams meanwhile.
local function decide(self, association, code)
  local run = association.run
  local service = handlers.find(run, code)
  if not service then return nil, fail(association, "accept", "not_served") end
  local context = run.socket:getContext()
  association.deciding = true
  local served, failure = service(run)
  association.deciding = false
  if served and not association.ended and run.socket:getContext() ~= context then limit_messages(self, run.socket) end
  return served, failure
end

-- Goes on with a handshake.
local function shake_hands(self, association)
  local socket = association.socket_
  while not association.ended do
    local answer = socket:sslAccept()
    flush(self, association)
    if answer == 1 then return begin(self, association) end
    if core.isSslError(answer) then return refuse(self, association, answer) end
    local code = socket:sslGetError(answer)
    if code == READ or code == WRITE then return note_timer(self, association) end
    local served, failure = decide(self, association, code)
    if not served and not association.ended then return refuse(self, association, failure) end
  end
end

-- Goes on with what has come from a peer.
local function advance(self, association)
  if not association.done and not association.deciding then shake_hands(self, association) end
  if association.done and not association.ended then read(self, association) end
end

-- ---- new peers

local function make(self, key, host, port, socket, random)
  local by = now() + self.handshakeTimeout
  local association = setmetatable({
    key = key, host = host, port = port, peer = name_of(host, port), random = random, inbox = {}, seen = now(),
    handshakeBy = by, dueAt = by, socket_ = socket, listener = self.listener, waiter = self.waiter,
    timeout = self.timeout, run = { socket = socket, role = "accept", handlers = self.handlers },
  }, Association)
  self.unfinished:add(association)
  self.counts.handshaking = self.counts.handshaking + 1
  if self.list[key] then
    read_in_c(self.list[key], false)
    self.successors[key] = association
  else
    self.list[key], self.counts.peers = association, self.counts.peers + 1
  end
  return association
end

-- Who can read on the network can use the cookie of another: so an association stays until its peer has finished a new
-- handshake. An unfinished one makes room at once.
local function drop_unfinished(self, key)
  local known = self.successors[key] or self.list[key]
  if not known or known.done then return end
  leave(self, known)
  known.ended = true
  known.socket_:close()
end

local function is_full(self, key)
  return self.counts.peers >= self.maxPeers and not self.list[key]
end

local function turn_away(self, socket)
  self.counts.refused = self.counts.refused + 1
  socket:close()
end

-- The association that has begun with these random bytes; nil: there is none.
local function begun_with(self, key, random)
  local association, successor = self.list[key], self.successors[key]
  if association and association.random == random then return association end
  if successor and successor.random == random then return successor end
end

-- A peer that has returned its cookie. The program's functions, which are told of it and of failures, may take
-- datagrams: also this one, which was sent again.
local function welcome(self, key, host, port, socket, random)
  drop_unfinished(self, key)
  if is_full(self, key) or not self.onAccept(host, port) then return turn_away(self, socket) end
  local last, why = self.unfinished:inTheWay(host)
  if last then refuse(self, last, fail(last, "accept", "too_many_handshakes", why)) end
  if begun_with(self, key, random) then return socket:close() end
  if is_full(self, key) then return turn_away(self, socket) end
  drop_unfinished(self, key)
  advance(self, make(self, key, host, port, socket, random))
end

-- The socket that replies to all ClientHellos, until one has a cookie: then it is that peer's.
local function greeter(self)
  if self.greeter then return self.greeter end
  local socket = SciSslSocket.onMemory(self.context)
  local ready, failure = socket:sslInitialize()
  if ready then ready, failure = datagram_options.apply(socket, self) end
  if ready then ready, failure = limit_messages(self, socket) end
  if ready then ready, failure = handlers.suspend(socket, "accept", self.handlers) end
  if not ready then return nil, failure end
  self.greeter = socket
  return socket
end

local function greet(self, key, host, port, datagram, random)
  local socket, failure = greeter(self)
  if not socket then return self.onFailure(failure) end
  self.counts.hellos = self.counts.hellos + 1
  if self.attach then self.attach(socket, key) end
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

local function give(self, association, datagram)
  association.socket_:sslFeed(datagram)
  advance(self, association)
end

-- A ClientHello with other random bytes is of a peer that has begun again. What an association has received is its own
-- again where its reply was lost.
local function take_hello(self, key, host, port, datagram, random)
  local association = begun_with(self, key, random)
  if association then return give(self, association, datagram) end
  if self.stopping then
    self.counts.refused = self.counts.refused + 1
    return
  end
  greet(self, key, host, port, datagram, random)
end

-- Whether a datagram begins with a record that is not encrypted.
local function is_plain(datagram)
  return sub(datagram, 4, 5) == "\0\0"
end

-- Encrypted records are those of an association, or the last ones of the handshake that is to replace it: each drops
-- what it cannot decrypt.
local function take_datagram(self, datagram, key, host, port)
  local random = hello_random(datagram)
  if random then return take_hello(self, key, host, port, datagram, random) end
  local association, successor = self.list[key], self.successors[key]
  if not association then
    self.counts.strangers = self.counts.strangers + 1
    return
  end
  if not (successor and is_plain(datagram)) then give(self, association, datagram) end
  if successor and not successor.ended then give(self, successor, datagram) end
end

--- As `take` of csrc/connection/datagram_peers.c, for a socket that is none of IPv4 or IPv6.
function Peers:receive()
  local datagram, host, port = self.plain:recvFrom()
  if datagram then
    self.counts.bytesReceived = self.counts.bytesReceived + #datagram
    return false, datagram, host .. " " .. port, host, port
  end
  local condition = host:condition()
  if condition == "not_ready" then return nil end
  if condition == "closed" then return nil, host end
  return true
end

-- Takes what an association has read. `more`: another message may be there.
local function take_read(self, association, answer, more, time)
  if type(answer) == "string" then take_message(self, association, answer, time)
  else take_answer(self, association, answer) end
  if more and not association.ended then read(self, association) end
end

--- Takes the datagrams that have come. Returns how many, and whether no more had; or nil and a SciSslError: the socket
-- is closed.
function Peers:pump()
  local take, time = self.take, nil
  for count = 0, BURST - 1 do
    local found, datagram, key, host, port = take(self)
    if found == nil then
      if datagram then return nil, datagram end
      return count, true
    elseif found == false then
      take_datagram(self, datagram, key, host, port)
      time = nil -- handlers of the program may have waited
    elseif found ~= true then
      time = time or now()
      take_read(self, found, datagram, key, time)
    end
  end
  return BURST, false
end

--- Does what is due. Unless `is_over()` then returns true, waits, and calls a handler for each message, in C (`serve`
-- of datagram_peers.c, made by `makeServe`), until there is something else to do, which it does. Returns true; or nil
-- and a SciSslError: the socket is closed.
function Peers:serve(serve, is_over)
  local due = self:runTimers()
  if is_over() then return true end
  local found, datagram, key, host, port = serve(due)
  if found == nil then return nil, datagram end
  if found == false then take_datagram(self, datagram, key, host, port)
  elseif found ~= true then take_read(self, found, datagram, key, now()) end
  return true
end

-- ---- time

local function go_on(self, association, time)
  if time >= association.handshakeBy then
    return refuse(self, association, fail(association, "accept", "timeout", "the handshake did not finish in time"))
  end
  local sent, failure = association.socket_:sslHandleTimeout()
  if sent == nil then return refuse(self, association, failure) end
  flush(self, association)
  note_timer(self, association)
end

-- A handler of the program, which is told of failures, may take datagrams: others come and go. Each association is
-- looked after once.
local function run_unfinished(self, time)
  for _ = 1, self.unfinished:count() do
    local at, association = self.unfinished:nextDue()
    if not at or at > time then return end
    go_on(self, association, time)
  end
end

-- Whether the peer of an association has sent nothing for too long.
local function is_idle(self, association, time)
  local seen = association.seen
  if association.routed then seen = math.max(seen, self.seenInC(association.socket_)) end
  return time - seen >= self.idleTimeout
end

local function find_idle(self, time)
  local idle = {}
  for _, association in pairs(self.list) do
    if association.done and is_idle(self, association, time) then idle[#idle + 1] = association end
  end
  return idle
end

-- A function of the program, which is told of each end, may take datagrams: others come and go.
local function end_idle(self, time)
  self.sweepAt = time + SWEEP
  for _, association in ipairs(find_idle(self, time)) do
    if not association.ended and is_idle(self, association, time) then
      self.counts.idle = self.counts.idle + 1
      local failure = fail(association, "read", "idle", "the peer has sent nothing for a long time")
      self:finish(association, failure)
    end
  end
end

-- When something is due next; nil: nothing is.
local function next_due(self)
  local at = self.idleTimeout < math.huge and next(self.list) and self.sweepAt or nil
  local first = self.unfinished:nextDue()
  if first and (not at or first < at) then return first end
  return at
end

--- Does what is due. Returns when something is due next; nil: nothing is.
function Peers:runTimers()
  local time = now()
  if self.unfinished:nextDue() then run_unfinished(self, time) end
  if time >= self.sweepAt then end_idle(self, time) end
  return next_due(self)
end

--- Returns counts that C has: datagrams sent, their bytes, the bytes of those that have come, and messages.
function Peers:traffic()
  if self.countInC then return self.countInC() end
  return 0, 0, 0, 0
end

--- Uses another context for the handshakes that begin from now on.
function Peers:useContext(context)
  self.context = context
  if self.greeter then self.greeter:close() end
  self.greeter = nil
end

--- Makes the peers of a server. `self`: `plain` (its socket), `context`, `handlers`, `listener`, the limits, and the
-- functions `onAccept(host, port)`, `onAssociation(association)`, `onMessage(association)`, `onEnd(association,
-- statistics)` and `onFailure(failure, association)`.
return function(self)
  self.list, self.successors, self.sweepAt = {}, {}, now() + SWEEP -- both by address
  self.unfinished = new_unfinished(self.maxHandshakes, self.maxHandshakesFromOne)
  self.counts = {
    peers = 0, handshaking = 0, handshakes = 0, hellos = 0, failed = {}, refused = 0, replaced = 0, idle = 0,
    resumed = 0, bytesReceived = 0, bytesSent = 0, received = 0, sent = 0, dropped = 0, strangers = 0,
  }
  local functions = datagram_peers(self.plain, self.list) or { take = Peers.receive }
  self.take, self.attach, self.detach = functions.take, functions.attach, functions.detach
  self.countInC, self.seenInC = functions.count, functions.seen
  self.makeServe, self.interrupt = functions.server, functions.interrupt
  return setmetatable(self, Peers)
end
