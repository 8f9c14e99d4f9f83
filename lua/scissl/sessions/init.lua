--- Stores for sessions, by name: `scissl.sessions.memory`, `scissl.sessions.file`.
-- @module scissl.sessions

return setmetatable({}, {
  __index = function(sessions, name)
    local good, store = pcall(require, "scissl.sessions." .. name)
    if not good then return nil end
    rawset(sessions, name, store)
    return store
  end,
})
