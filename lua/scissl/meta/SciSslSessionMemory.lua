---Sessions of clients, kept in memory for the next connection to the same server.
---
---`scissl.connect { …, sessions = store }` takes a session out before the handshake and puts in what the server sends.
---A session of TLS 1.3 is handed out once, since using a ticket twice lets others see that both were the same client
---(RFC 8446, appendix C.4); one of TLS 1.2 stays. Any object with these three methods will do in its place.
---
---@meta SciSslSessionMemory
---@class SciSslSessionMemory
local SciSslSessionMemory = {}

---Puts a session in. Those that cannot be resumed are passed over.
---
---@param key string whose it is
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

---Takes the newest session out that can still be resumed; one of TLS 1.2 stays in.
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

---Forgets the sessions of a key.
---
---@param key string
---@usage
---```lua
---local store = scissl.sessions.memory.new { max = 100 }
---store:put("www.example.org:443", session)
---print(store:get "www.example.org:443" == session) --> true
---print(store:get "www.example.org:443" == nil) --> true -- a session of TLS 1.3 is handed out once
---store:remove "www.example.org:443"
---```
function SciSslSessionMemory:remove(key) end

return SciSslSessionMemory
