--- Connects to the first of several addresses that replies (RFC 8305, "Happy Eyeballs"). The attempts begin one after
-- the other, and run at the same time: an address that never replies costs a quarter of a second.
-- @module scissl.client.happy_eyeballs

local core = require "scissl.core"
local wait = require "scissl.loop.wait"

local SciPoller, SciSocket, SciSslError = core.SciPoller, core.SciSocket, core.SciSslError
local connect_state = getmetatable(core).connectState
local now = SciSocket.now

local race = {}

local DELAY = 0.25 -- seconds after which the next attempt begins: "Connection Attempt Delay" of RFC 8305, section 8

--- Orders addresses so that the families take turns, beginning with the family of the first (RFC 8305, section 4).
-- @tparam {table,...} addresses each with `family`
-- @treturn {table,...}
function race.interleave(addresses)
  if #addresses == 1 then return addresses end
  local first, others = {}, {}
  for _, address in ipairs(addresses) do
    local list = address.family == addresses[1].family and first or others
    list[#list + 1] = address
  end
  local ordered = {}
  for i = 1, math.max(#first, #others) do
    ordered[#ordered + 1] = first[i]
    ordered[#ordered + 1] = others[i]
  end
  return ordered
end

-- ---- attempts. A race is a table: `addresses`; `started`, how many attempts have begun; `running`, those that are not
-- over; `results`, a SciSslError for each address whose attempt has failed; `nextStart`, when the next one is due.

-- Begins to connect to an address. Returns as `connect_state`, and the socket, which is closed where that is nil.
local function attempt_at(address, run, open, how)
  local socket, failure = open(address, run, how)
  if not socket then return nil, failure end
  local state
  state, failure = connect_state(socket)
  if state == nil then socket:close() end
  return state, failure, socket
end

-- Notes an attempt that has begun and is not connected.
local function note(self, number, state, failure, socket)
  self.started, self.nextStart = number, now() + DELAY
  if state == false then
    table.insert(self.running, { number = number, socket = socket })
  else
    self.results[number], self.nextStart = failure, 0
  end
end

-- Begins the next attempt. Returns its socket where it is connected already.
local function start(self)
  local number = self.started + 1
  local state, failure, socket = attempt_at(self.addresses[number], self.run, self.open, self.how)
  if state then return socket end
  note(self, number, state, failure, socket)
end

-- Returns a socket that is connected; takes out attempts that have failed.
local function check(self)
  local running = self.running
  for i = #running, 1, -1 do
    local attempt = running[i]
    local state, failure = connect_state(attempt.socket)
    if state then
      table.remove(running, i)
      return attempt.socket
    end
    if state == nil then
      table.remove(running, i)
      attempt.socket:close()
      self.results[attempt.number], self.nextStart = failure, 0
    end
  end
end

local function close_all(self)
  for _, attempt in ipairs(self.running) do attempt.socket:close() end
  self.running = {}
  if self.poller then self.poller:close() end
end

-- ---- waiting

-- A waiter waits for one descriptor: that of a poller, where several attempts run. Without one that has a descriptor,
-- the attempts take turns.
local function target_of(self)
  local running = self.running
  if #running == 1 then return running[1].socket, "w" end
  self.poller = self.poller or SciPoller.new()
  if not self.poller or self.poller:getfd() < 0 then
    self.turn = (self.turn or 0) % #running + 1
    return running[self.turn].socket, "w", now() + DELAY
  end
  self.poller:wait(0) -- forgets what it has reported
  for _, attempt in ipairs(running) do self.poller:arm(attempt.socket, "w") end
  return self.poller, "r"
end

local function earlier(a, b)
  if not a or not b then return a or b end
  return math.min(a, b)
end

-- Waits until an attempt may be over, or the next is due. Returns true; or nil and a SciSslError: the race is over.
local function await(self, run)
  local target, events, pause = target_of(self)
  local due = self.started < #self.addresses and self.nextStart or nil
  local until_when = earlier(earlier(due, pause), run.deadline)
  if until_when and until_when <= now() and until_when ~= run.deadline then return true end
  local ready, failure = wait.ready(run.waiter, target, events, until_when, "connect", run.timeout,
    "the TCP connection")
  if ready then return true end
  if failure:condition() ~= "timeout" or run.deadline and now() >= run.deadline then return nil, failure end
  if not (due or pause) then return nil, failure end -- the waiter has a limit of its own
  if due then self.nextStart = 0 end
  return true
end

-- ---- the whole

-- Returns a connected socket; or nil and a SciSslError where the time is over or the wait was cancelled.
local function run_race(self, run)
  while true do
    local more = self.started < #self.addresses
    if more and (#self.running == 0 or now() >= self.nextStart) then
      local socket = start(self)
      if socket then return socket end
    elseif #self.running == 0 then
      return nil
    else
      local waited, failure = await(self, run)
      local socket = check(self)
      if socket then return socket end
      if not waited then return nil, failure end
    end
  end
end

local function words_of(failure)
  return select(2, failure:errno()) or failure:message() or failure:reason() or failure:condition()
end

-- What each address said.
local function describe(self)
  local words = {}
  for i, address in ipairs(self.addresses) do
    local result = self.results[i]
    local text = result and words_of(result) or i <= self.started and "no reply" or "not tried"
    words[i] = ("%s: %s"):format(address.address, text)
  end
  return table.concat(words, "; ")
end

-- The error that says what each address said. `failure`: why the race ended before all attempts did; nil: all failed.
local function explain(self, run, failure)
  local known
  for i = #self.addresses, 1, -1 do known = self.results[i] or known end
  local first = failure or known
  local words = describe(self)
  if failure then words = ("%s (%s)"):format(words_of(failure), words) end
  return SciSslError.new {
    phase = "connect",
    condition = first:condition(),
    subject = run.subject,
    sslError = first:sslError(),
    errno = first:errno(),
    message = words,
    cause = failure and failure:cause() or known,
    traceback = first:traceback(),
  }
end

local closing = { __close = close_all }

--- Connects to the first address that replies.
-- @tparam {table,...} addresses each with `address`, `port` and `family`; one or more
-- @tparam table run `subject` (for errors), `waiter`, `deadline`, `timeout`
-- @tparam function open gets an address, `run` and `how`; returns a non-blocking socket whose `connect` was called; or
--  nil and a SciSslError
-- @param how
-- @treturn[1] socket connected; the others are closed
-- @treturn[2] nil
-- @treturn[2] SciSslError phase `connect`: `connection_refused`, `timeout`, `cancelled` …; its message names each
--  address
function race.connect(addresses, run, open, how)
  local list = race.interleave(addresses)
  local state, failure, socket = attempt_at(list[1], run, open, how)
  if state then return socket end -- at once, as on this machine
  local self <close> = setmetatable({
    addresses = list, started = 0, running = {}, results = {}, nextStart = 0,
    run = run, open = open, how = how,
  }, closing)
  note(self, 1, state, failure, socket)
  socket, failure = run_race(self, run)
  if not socket then return nil, explain(self, run, failure) end
  return socket
end

return race
