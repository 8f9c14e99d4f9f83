--- A ring of ticket keys that a fleet of servers shares, and that rotates without making a ticket useless.
--
-- Time is divided into epochs, each with its own key. The first server makes it, and the store decides where two do.
-- The key of the next epoch is shared during the whole current one, so every server can decrypt with it before any
-- server, even one whose clock is ahead, encrypts with it. Old keys are kept as long as their tickets can be resumed.
-- @module scissl.sessions.redis.key_ring

local core = require "scissl.core"

local now, new_key = core.SciSocket.now, core.SciSslContext.newTicketKey

local Ring = {}
Ring.__index = Ring

local KEY_BYTES, RING_LENGTH, SPARES = 80, 16, 4
local RECORD = ">s1 i8" -- the key, and the time from which it encrypts

-- ---- what is in the store

local function name_of(self, epoch)
  return ("key:%d:%d"):format(self.period, epoch)
end

-- Until its last ticket has expired, and an epoch more: clocks differ, and the store may not respond.
local function lifetime_of(self, epoch, time)
  return (epoch + self.older + 2) * self.period - time
end

-- Asks the store for the key of an epoch. Returns "found" and the entry; "missing"; or "unusable", where the store is
-- away or holds something else.
local function fetch(self, epoch)
  local there, record = self.store:fetch(name_of(self, epoch))
  if there and not record then return "missing" end
  local good, key, from
  if there then good, key, from = pcall(string.unpack, RECORD, record) end
  if good and #key == KEY_BYTES then return "found", { key = key, from = from } end
  return "unusable"
end

-- Where all servers know an older key, a new one waits until they have had time to see it.
local function make(self, epoch, time)
  return { key = assert(new_key()), from = self.entries[epoch - 1] and math.ceil(time + 2 * self.refresh) or 0 }
end

-- Stores a key, unless another server was faster. Returns the entry that all servers use; nil where the store does not
-- respond.
local function announce(self, epoch, time)
  local entry = self.entries[epoch] or make(self, epoch, time)
  local record = string.pack(RECORD, entry.key, entry.from)
  local there, first = self.store:announce(name_of(self, epoch), record, lifetime_of(self, epoch, time))
  if not there then return nil end
  if first then return entry end
  return select(2, fetch(self, epoch))
end

local function adopt(self, epoch, entry)
  local mine = self.entries[epoch]
  if mine and mine.key == entry.key then return end
  if mine then table.insert(self.spares, 1, { key = mine.key, epoch = epoch }) end
  self.spares[SPARES + 1] = nil
  self.entries[epoch] = entry
  self.changed = true
end

-- No key is made for an old epoch. For a server whose clock is behind, the last epoch is not old.
local function may_make(epoch, current)
  return epoch >= current - 1
end

-- Uses the key of an epoch that all servers use. Where the store has none, it gets this server's key, or a new one.
local function agree(self, epoch, current, time)
  local state, entry = fetch(self, epoch)
  local has_key = self.entries[epoch] ~= nil
  if state == "missing" and (has_key or may_make(epoch, current)) then entry = announce(self, epoch, time) end
  if entry then adopt(self, epoch, entry) end
end

-- Returns whether the store responded to all calls.
local function synchronize(self, current, time)
  for epoch = current - self.older, current + 1 do
    agree(self, epoch, current, time)
    if self.store:isAway() then return false end
  end
  for _, entry in pairs(self.entries) do entry.known = entry.known or entry.from <= time end
  return true
end

-- ---- what the servers use

-- Without the store a key lasts one epoch longer; then each server makes its own.
local function make_up(self, current)
  if self.entries[current] or self.entries[current - 1] then return end
  self.entries[current] = { key = assert(new_key()), from = 0 }
  self.changed = true
end

local function forget(self, current)
  for epoch in pairs(self.entries) do
    if epoch < current - self.older - 1 or epoch > current + 2 then self.entries[epoch] = nil end
  end
  for i = #self.spares, 1, -1 do
    if self.spares[i].epoch < current - self.older then table.remove(self.spares, i) end
  end
end

-- The epoch whose key encrypts: one that all servers know, since the store responded long enough after it was made.
local function sealing(self, current)
  local newest
  for epoch = current, current - 2, -1 do
    local entry = self.entries[epoch]
    if entry and entry.known then return epoch end
    newest = newest or entry and epoch
  end
  return newest
end

local function list(self, seals)
  local epochs = {}
  for epoch in pairs(self.entries) do
    if epoch ~= seals then epochs[#epochs + 1] = epoch end
  end
  table.sort(epochs, function(a, b) return a > b end)
  local keys = { self.entries[seals].key }
  for _, epoch in ipairs(epochs) do keys[#keys + 1] = self.entries[epoch].key end
  for _, spare in ipairs(self.spares) do keys[#keys + 1] = spare.key end
  return { table.unpack(keys, 1, RING_LENGTH) }
end

local function rearrange(self, time)
  local current = time // self.period
  make_up(self, current)
  local seals = sealing(self, current)
  if not self.changed and seals == self.seals and current == self.current then return end
  forget(self, current)
  self.keys, self.seals, self.current, self.changed = list(self, seals), seals, current, false
  self.version = self.version + 1
end

--- Updates the keys, and asks the store where that is due.
-- @treturn {string,...} keys for `SciSslContext:setTicketKeys`
-- @treturn integer a number that changes with them
function Ring:update()
  if now() >= self.due then
    local time = math.floor(self.clock())
    self.due = now() + self.refresh -- for calls that come while this one yields
    if not synchronize(self, time // self.period, time) then self.due = now() end
  end
  rearrange(self, math.floor(self.clock()))
  return self.keys, self.version
end

local ring = {}

--- The longest life time of sessions for which the ring has room for all keys.
function ring.mostSeconds(period)
  return (RING_LENGTH - SPARES - 5) * period
end

--- Makes a ring.
-- @tparam table given `store`, with `fetch(name)` → there, record; `announce(name, record, seconds)` → there, whether
--  it was the first; `isAway()`; `period`: seconds of an epoch; `sessions`: seconds that sessions last; `refresh`:
--  seconds between two checks of the store; `clock`: returns seconds since 1970
function ring.new(given)
  return setmetatable({
    store = given.store,
    period = given.period,
    older = -(-given.sessions // given.period) + 1,
    refresh = given.refresh,
    clock = given.clock,
    entries = {}, -- by epoch
    spares = {},  -- keys that another server's replaced: they have encrypted, so they can still decrypt
    due = 0,
    version = 0,
  }, Ring)
end

return ring
