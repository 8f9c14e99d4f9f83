---Sessions of clients, kept in memory for the next connection to the same server.
---
---`scissl.connect { …, sessions = store }` takes a session before the handshake and stores those that the server sends.
---A TLS 1.3 session is handed out once, since observers can link two connections that use the same ticket (RFC 8446,
---appendix C.4); a TLS 1.2 session stays. Any object with the methods `get` and `put` can take its place.
---
---@meta SciSslSessionMemory
---@class SciSslSessionMemory
local SciSslSessionMemory = {}

---Stores a session. One that cannot be resumed is ignored.
---
---@param key string the server that it is for
---@param session OSSslSession
---@usage
---```lua
---local store = scissl.sessions.memory.new { max = 100 }
---store:put("www.example.org:443", session)
---print(store:get "www.example.org:443" == session) --> true
---print(store:get "www.example.org:443" == nil) --> true -- a session of TLS 1.3 is handed out once
---store:remove "www.example.org:443"
---```
function SciSslSessionMemory:put(key, session) end

---Removes and returns the newest session that can still be resumed; a TLS 1.2 session stays in the store.
---
---@param key string
---@return OSSslSession?
---@usage
---```lua
---local store = scissl.sessions.memory.new { max = 100 }
---store:put("www.example.org:443", session)
---print(store:get "www.example.org:443" == session) --> true
---print(store:get "www.example.org:443" == nil) --> true -- a session of TLS 1.3 is handed out once
---store:remove "www.example.org:443"
---```
function SciSslSessionMemory:get(key) end

---Removes the sessions of a key, or one of them.
---
---@param key string
---@param session? OSSslSession the one that is removed; by default all are
---@usage
---```lua
---local store = scissl.sessions.memory.new { max = 100 }
---store:put("www.example.org:443", session)
---print(store:get "www.example.org:443" == session) --> true
---print(store:get "www.example.org:443" == nil) --> true -- a session of TLS 1.3 is handed out once
---store:remove "www.example.org:443"
---```
function SciSslSessionMemory:remove(key, session) end

return SciSslSessionMemory
