---Sessions of clients, kept in a file for the next run of the program, or for another program.
---
---`scissl.connect { …, sessions = scissl.sessions.file.new { path = "…" } }` resumes the sessions of earlier runs.
---Several processes can use the file. It contains the secrets of its sessions, so only its owner may read it. The other
---rules are those of SciSslSessionMemory.
---
---@meta SciSslSessionFile
---@class SciSslSessionFile
local SciSslSessionFile = {}

---Stores a session. One that cannot be resumed is ignored.
---
---@param key string the server that it is for
---@param session OSSslSession
---@usage
---```lua
---local path = os.tmpname()
---local store = scissl.sessions.file.new { path = path, max = 100 }
---store:put("www.example.org:443", session)
---print(store:get "www.example.org:443" == session) --> true
---store:remove "www.example.org:443"
---print(store:lastFailure()) --> nil
---os.remove(path)
---os.remove(path .. ".lock")
---```
function SciSslSessionFile:put(key, session) end

---Removes and returns the newest session that can still be resumed; a TLS 1.2 session stays in the file.
---
---@param key string
---@return OSSslSession?
---@usage
---```lua
---local path = os.tmpname()
---local store = scissl.sessions.file.new { path = path, max = 100 }
---store:put("www.example.org:443", session)
---print(store:get "www.example.org:443" == session) --> true
---store:remove "www.example.org:443"
---print(store:lastFailure()) --> nil
---os.remove(path)
---os.remove(path .. ".lock")
---```
function SciSslSessionFile:get(key) end

---Removes the sessions of a key, or one of them.
---
---@param key string
---@param session? OSSslSession the one that is removed; by default all are
---@usage
---```lua
---local path = os.tmpname()
---local store = scissl.sessions.file.new { path = path, max = 100 }
---store:put("www.example.org:443", session)
---print(store:get "www.example.org:443" == session) --> true
---store:remove "www.example.org:443"
---print(store:lastFailure()) --> nil
---os.remove(path)
---os.remove(path .. ".lock")
---```
function SciSslSessionFile:remove(key, session) end

---Returns what went wrong in the last call. A client then makes full handshakes, so calls return no error.
---
---@return SciSslError? # `malformed_session_file`: the file is damaged and counts as empty; `not_session_file`: it is another kind of file, and is left alone; `in_finalizer`: it was in use, and a finalizer does not wait for it; `permission_denied` …: it could not be written
---@usage
---```lua
---local path = os.tmpname()
---local store = scissl.sessions.file.new { path = path, max = 100 }
---store:put("www.example.org:443", session)
---print(store:get "www.example.org:443" == session) --> true
---store:remove "www.example.org:443"
---print(store:lastFailure()) --> nil
---os.remove(path)
---os.remove(path .. ".lock")
---```
function SciSslSessionFile:lastFailure() end

return SciSslSessionFile
