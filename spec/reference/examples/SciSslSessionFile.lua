--- SciSslSessionFile:put, SciSslSessionFile:get, SciSslSessionFile:remove, SciSslSessionFile:lastFailure
local path = os.tmpname()
local store = scissl.sessions.file.new { path = path, max = 100 }
store:put("www.example.org:443", session)
print(store:get "www.example.org:443" == session) --> true
store:remove "www.example.org:443"
print(store:lastFailure()) --> nil
os.remove(path)
os.remove(path .. ".lock")
