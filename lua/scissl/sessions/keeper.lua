--- Keeps the sessions of a connection in a store, and takes those out that a fatal alert has ended (RFC 5246, section
-- 7.2.2; RFC 8446, section 6.2). Sessions of a connection that ended in another way stay: the network may have failed.
-- @module scissl.sessions.keeper

local options = require "scissl.base.option_table"

local keeper = {}

local MOST = 8 -- sessions of a connection

local endings = setmetatable({}, { __mode = "k" }) -- by the function that `new` has returned, or the stream of `watch`

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

-- OpenSSL makes the newest session alone not resumable, where a server has sent several tickets.
local function make_ending(sessions, remove)
  return function(socket)
    local ended = false
    for _, session in ipairs(sessions) do ended = ended or is_ended(session, socket) end
    if not ended then return end
    for _, session in ipairs(sessions) do remove(session) end
  end
end

--- Returns a function that puts a session into the store.
-- @param store a store with the methods `put(key, session)` and perhaps `remove(key, session)`
-- @param key for `store`
-- @param offered the session that the connection has taken out of the store, or nil
function keeper.new(store, key, offered)
  local sessions = { offered }
  local function keep(session)
    sessions[#sessions + 1] = session
    if #sessions > MOST then table.remove(sessions, 1) end
    store:put(key, session)
  end
  if options.hasMethods(store, "remove") then
    endings[keep] = make_ending(sessions, function(session) store:remove(key, session) end)
  end
  return keep
end

--- The same for sessions that are in the store already.
-- @param stream the connection's
-- @param store perhaps with the method `remove(session)`
-- @tparam {OSSslSession,...} sessions
function keeper.watch(stream, store, sessions)
  if not options.hasMethods(store, "remove") then return end
  endings[stream] = make_ending(sessions, function(session) store:remove(session) end)
end

--- At the end of a connection: takes its sessions out of the store where a fatal alert has ended it.
-- @param by the function that `new` has returned, or the stream that `watch` got; does nothing for others
-- @param socket the connection's
function keeper.finish(by, socket)
  local ending = endings[by]
  if ending then ending(socket) end
end

return keeper
