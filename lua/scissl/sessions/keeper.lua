--- Keeps the sessions of a connection in a store, and takes those out that a fatal alert has ended (RFC 5246, section
-- 7.2.2; RFC 8446, section 6.2). Sessions of a connection that ended in another way stay: the network may have failed.
-- @module scissl.sessions.keeper

local options = require "scissl.base.option_table"

local keeper = {}

local MOST = 8 -- sessions of a connection

local endings = setmetatable({}, { __mode = "k" }) -- by the function that `new` has returned

--- Returns a function that puts a session into the store.
-- @param store a store with the methods `put(key, session)` and perhaps `remove(key, session)`
-- @param key for `store`
-- @param sessions a list of those of this connection that are in the store already
function keeper.new(store, key, sessions)
  local function keep(session)
    sessions[#sessions + 1] = session
    if #sessions > MOST then table.remove(sessions, 1) end
    store:put(key, session)
  end
  endings[keep] = options.hasMethods(store, "remove") and function()
    for _, session in ipairs(sessions) do
      if not session:isResumable() then store:remove(key, session) end
    end
  end or nil
  return keep
end

--- At the end of a connection: takes the sessions out of the store that nobody can resume. Does nothing for a function
-- that `new` has not returned.
function keeper.finish(keep)
  local ending = endings[keep]
  if ending then ending() end
end

return keeper
