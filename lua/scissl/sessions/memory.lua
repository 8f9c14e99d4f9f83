--- Sessions of clients, kept in memory for the next connection to the same server.
--
-- `scissl.connect { …, sessions = store }` takes a session before the handshake and stores those that the server sends.
-- A TLS 1.3 session is handed out once, since observers can link two connections that use the same ticket (RFC 8446,
-- appendix C.4); a TLS 1.2 session stays. Any object with the methods `get` and `put` can take its place.
-- @classmod SciSslSessionMemory

local options = require "scissl.base.option_table"
local receiver = require "scissl.base.receiver"

local Memory = { __name = "SciSslSessionMemory" }
Memory.__index = Memory

local MAX_KEYS, PER_KEY = 1000, 4

-- A TLS 1.3 server sends the life time of its ticket; up to TLS 1.2 it may be 0, which means unspecified.
local function is_expired(session)
  local seconds, lifetime = session:timeout(), session:ticketLifetime()
  if lifetime and (lifetime > 0 or session:protocol() == "TLSv1.3") then seconds = math.min(seconds, lifetime) end
  return os.time() >= session:time() + seconds
end

-- Notes that a key was used: the least recently used one makes room.
local function touch(self, key)
  self.uses = self.uses + 1
  self.used[key] = self.uses
end

local function forget(self, key)
  if self.lists[key] then self.count = self.count - 1 end
  self.lists[key], self.used[key] = nil, nil
end

local function make_room(self)
  while self.count > self.max do
    local eldest, least = nil, math.huge
    for key, use in pairs(self.used) do
      if use < least then eldest, least = key, use end
    end
    forget(self, eldest)
  end
end

--- Stores a session. One that cannot be resumed is ignored.
-- @function SciSslSessionMemory:put
-- @tparam string key the server that it is for
-- @tparam OSSslSession session
function Memory:put(key, session)
  options.checkArgument(1, "put", key, "string", 2)
  options.checkArgument(2, "put", session, "OSSslSession", 2)
  if not session:isResumable() or is_expired(session) then return end
  local list = self.lists[key]
  if not list then
    list = {}
    self.lists[key] = list
    self.count = self.count + 1
  end
  if session:protocol() ~= "TLSv1.3" then list = { session } end
  if list[#list] ~= session then list[#list + 1] = session end
  if #list > self.perKey then table.remove(list, 1) end
  self.lists[key] = list
  touch(self, key)
  make_room(self)
end

--- Removes and returns the newest session that can still be resumed; a TLS 1.2 session stays in the store.
-- @function SciSslSessionMemory:get
-- @tparam string key
-- @treturn ?OSSslSession
function Memory:get(key)
  options.checkArgument(1, "get", key, "string", 2)
  local list = self.lists[key]
  while list and list[1] do
    local session = table.remove(list)
    if session:isResumable() and not is_expired(session) then
      if session:protocol() ~= "TLSv1.3" then list[#list + 1] = session end
      touch(self, key)
      if not list[1] then forget(self, key) end
      return session
    end
  end
  forget(self, key)
end

--- Removes the sessions of a key, or one of them.
-- @function SciSslSessionMemory:remove
-- @tparam string key
-- @tparam[opt] OSSslSession session the one that is removed; by default all are
function Memory:remove(key, session)
  options.checkArgument(1, "remove", key, "string", 2)
  options.checkArgument(2, "remove", session, "OSSslSession|nil", 2)
  local list = self.lists[key]
  for i = #(session and list or ""), 1, -1 do
    if list[i]:id() == session:id() then table.remove(list, i) end
  end
  if not (session and list and list[1]) then forget(self, key) end
end

function Memory:__len()
  return self.count
end

function Memory:__tostring()
  return ("SciSslSessionMemory: sessions for %d of %d servers"):format(self.count, self.max)
end

receiver.guard(Memory)

local memory = {}

--- Makes a store.
-- @function scissl.sessions.memory.new
-- @tparam[opt] table given options:
--
-- * `max`: number of servers whose sessions are kept (1000)
-- * `perKey`: sessions per server (4)
--
-- @treturn SciSslSessionMemory
-- @raise for unknown options and wrong types
function memory.new(given)
  given = options.read("scissl.sessions.memory.new", given or {}, { max = "count", perKey = "count" }, 2)
  return setmetatable({
    max = given.max or MAX_KEYS, perKey = given.perKey or PER_KEY, lists = {}, used = {}, count = 0, uses = 0,
  }, Memory)
end

return memory
