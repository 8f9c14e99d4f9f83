--- Keeps the sessions of a connection in a store, and takes those out that a fatal alert has ended (RFC 5246, section
-- 7.2.2; RFC 8446, section 6.2). Sessions of a connection that ended in another way stay: the network may have failed.
-- @module scissl.sessions.keeper

local options = require "scissl.base.option_table"

local keeper = {}

local MOST = 8 -- sessions of a connection

-- `store`; `key`: for that, where it has one; `sessions`: those of the connection that are in the store.
local Keeper = {}

-- Puts a session into the store.
function Keeper:__call(session)
  local sessions = self.sessions
  sessions[#sessions + 1] = session
  if #sessions > MOST then table.remove(sessions, 1) end
  self.store:put(self.key, session)
end

--- Returns what a stream calls with each session.
-- @param store with the methods `put(key, session)` and perhaps `remove(key, session)`
-- @param key
-- @param offered the session of the store that the connection has offered, or nil
function keeper.new(store, key, offered)
  return setmetatable({ store = store, key = key, sessions = { offered } }, Keeper)
end

--- The same for sessions that are in the store already.
-- @param store perhaps with the method `remove(session)`
-- @tparam {OSSslSession,...} sessions
function keeper.of(store, sessions)
  return setmetatable({ store = store, sessions = sessions }, Keeper)
end

local function has_fatal(alerts)
  for _, alert in ipairs(alerts) do
    if alert.level == "fatal" then return true end
  end
  return false
end

-- In TLS 1.3 another connection may have used a session: then it cannot be resumed either.
local function is_ended(session, socket)
  if session:isResumable() or not socket.alertsSent then return false end
  return has_fatal(socket:alertsSent()) or has_fatal(socket:alertsReceived())
end

local function remove(kept, session)
  if kept.key then kept.store:remove(kept.key, session) else kept.store:remove(session) end
end

--- At the end of a connection: takes its sessions out of the store where a fatal alert has ended it. OpenSSL makes the
-- newest alone not resumable, where a server has sent several tickets.
-- @param kept what `new` or `of` has returned; does nothing for other values
-- @param socket the connection's
function keeper.finish(kept, socket)
  if getmetatable(kept) ~= Keeper then return end
  local ended = false
  for _, session in ipairs(kept.sessions) do ended = ended or is_ended(session, socket) end
  if not (ended and options.hasMethods(kept.store, "remove")) then return end
  for _, session in ipairs(kept.sessions) do remove(kept, session) end
end

return keeper
