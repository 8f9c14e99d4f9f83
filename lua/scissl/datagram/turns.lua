--- Several coroutines that wait for one socket, with any waiter: one of them, the *leader*, waits for the socket and
-- works for all; the others sleep until the leader rings them. When the leader goes, one of the others takes its place.
-- @module scissl.datagram.turns

local core = require "scissl.core"
local wait = require "scissl.loop.wait"
local waiting = require "scissl.loop.wait_registry"

local now = core.SciSocket.now
local running, status = coroutine.running, coroutine.status

local Turns = {}
Turns.__index = Turns

local SPARE_BELLS = 16
local LONG_ROW = 128 -- datagrams that come in a row, then others get their turn

-- ---- bells: a pair of sockets each, since that works with every waiter

local function take_bell(self)
  local bell = table.remove(self.bells)
  if bell then return bell end
  local near, far = core.SciSocket.pair "datagram"
  if not near then return nil, far end
  near:setBlocking(false)
  far:setBlocking(false)
  return { near = near, far = far }
end

local function give_back(self, bell)
  while bell.near:recv(1) do end -- luacheck: ignore 542
  if #self.bells < SPARE_BELLS and not self.closed then
    self.bells[#self.bells + 1] = bell
  else
    bell.near:close()
    bell.far:close()
  end
end

-- ---- followers, by what they wait for: an association, or the listener

local function ring(follower)
  follower.bell.far:send "!"
end

-- Where no coroutine works for all, one of those that sleep has to.
local function pass_on(self)
  local follower = not self.leader and next(self.followers)
  if follower then ring(follower) end
end

--- Wakes those that wait for `subject`.
function Turns:wake(subject)
  if self.peers.interrupt then self.peers.interrupt() end
  if self.sleeps and self.subject == subject and self.leader ~= running() then waiting.wake(self.plain, true) end
  if self.following == 0 then return end
  for follower in pairs(self.followers) do
    if follower.subject == subject then ring(follower) end
  end
end

--- Wakes all, for the last time.
function Turns:close()
  self.closed = true
  for follower in pairs(self.followers) do ring(follower) end
  for _, bell in ipairs(self.bells) do
    bell.near:close()
    bell.far:close()
  end
  self.bells = {}
end

local function follow(self, subject, deadline, phase, timeout, what)
  local bell, failure = take_bell(self)
  if not bell then return nil, failure end
  local follower = { bell = bell, subject = subject }
  local awake = false
  self.followers[follower], self.following = true, self.following + 1
  local _ <close> = setmetatable({}, { __close = function()
    self.followers[follower], self.following = nil, self.following - 1
    give_back(self, bell)
    if not awake then pass_on(self) end
  end })
  awake, failure = wait.ready(self.waiter, bell.near, "r", deadline, phase, timeout, what)
  return awake, failure
end

-- ---- the leader

local Leadership = {}

function Leadership:__close()
  local turns = self.turns
  turns.leader, turns.subject, turns.sleeps = nil, nil, false
  if turns.following > 0 then pass_on(turns) end
end

local function is_led(self)
  return self.leader and self.leader ~= running() and status(self.leader) ~= "dead"
end

-- Does what is due, which may end the wait; and waits for the socket, or until something is due. Returns whether the
-- work goes on.
local function sleep(self, is_over, deadline, phase, timeout, what)
  local due = self.peers:runTimers()
  if is_over() then return true end
  local until_ = deadline
  if due and (not deadline or due < deadline) then until_ = due end
  if until_ and until_ <= now() and until_ ~= deadline then return true end
  self.sleeps, self.drained = true, false
  local ready, failure = wait.ready(self.waiter, self.plain, "r", until_, phase, timeout, what)
  self.sleeps = false
  if ready or until_ ~= deadline and failure:condition() == "timeout" then return true end
  return nil, failure
end

-- Works once, and waits for the socket where nothing had come. Returns how many datagrams had.
local function work(self, is_over, deadline, phase, timeout, what)
  local good, failure
  if self.drained and not deadline then
    good, failure = sleep(self, is_over, nil, phase, timeout, what)
    if not good then return nil, failure end
  end
  local count, drained = self.peers:pump()
  if not count then return nil, drained end
  self.row = count > 0 and self.row + count or 0
  self.drained = drained and count > 0
  if count > 0 then
    if deadline or not drained then self.peers:runTimers() end
    return count
  end
  good, failure = sleep(self, is_over, deadline, phase, timeout, what)
  return good and 0, failure
end

-- Gives others their turn after many datagrams in a row.
local function take_turn(self, deadline, phase, timeout)
  self.row = 0
  return wait.turn(self.waiter, self.plain, deadline, phase, timeout)
end

local function lead(self, subject, is_over, deadline, phase, timeout, what)
  local me = running()
  local nested = self.leader == me
  local _ <close> = not nested and self.leadership or nil
  if not nested then self.leader, self.subject = me, subject end
  while not is_over() do
    local good, failure
    if self.row >= LONG_ROW then
      good, failure = take_turn(self, deadline, phase, timeout)
      if not good then return nil, failure end
    end
    good, failure = work(self, is_over, deadline, phase, timeout, what)
    if not good then return nil, failure end
  end
  return true
end

--- Returns whether a coroutine works for all, or one waits until it is woken.
function Turns:isUsed()
  return self.leader ~= nil or self.following > 0
end

--- Waits until `is_over()` returns true. Returns true; or nil and a SciSslError.
-- @param subject what `wake` is called with where `is_over` may have changed
function Turns:await(subject, is_over, deadline, phase, timeout, what)
  local followed
  while not is_over() do
    if not is_led(self) then return lead(self, subject, is_over, deadline, phase, timeout, what) end
    local done, failure = follow(self, subject, deadline, phase, timeout, what)
    if not done then return nil, failure end
    followed = true
  end
  if followed then pass_on(self) end -- it may have been woken to work for all
  return true
end

--- Makes the turns of a server.
return function(peers, waiter)
  local self = setmetatable({
    peers = peers, plain = peers.plain, waiter = waiter, followers = {}, following = 0, bells = {},
    sleeps = false, -- the leader waits for the socket
    row = 0, -- datagrams that have come since others got their turn
    drained = false, -- the last round took all that had come, and none waited since
  }, Turns)
  self.leadership = setmetatable({ turns = self }, Leadership)
  return self
end
