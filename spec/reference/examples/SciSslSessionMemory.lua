--- SciSslSessionMemory:put, SciSslSessionMemory:get, SciSslSessionMemory:remove
local store = scissl.sessions.memory.new { max = 100 }
store:put("www.example.org:443", session)
print(store:get "www.example.org:443" == session) --> true
print(store:get "www.example.org:443" == nil) --> true -- a session of TLS 1.3 is handed out once
store:remove "www.example.org:443"
