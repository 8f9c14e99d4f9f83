--- SciSslSessionRedis:put, SciSslSessionRedis:find, SciSslSessionRedis:remove, SciSslSessionRedis:isAway
local redis = {} -- any client with these methods; without `client` the store connects to Redis itself
local client = {
  get = function(_, key) return redis[key] end,
  set = function(_, key, value) redis[key] = value return true end,
  del = function(_, key)
    local count = redis[key] and 1 or 0
    redis[key] = nil
    return count
  end,
}
local store = scissl.sessions.redis.new { secret = ("s"):rep(32), client = client }
print(store:put(session)) --> …
print(store:find "no such id", store:remove "no such id", store:isAway()) --> nil false false
store:close()

--- SciSslSessionRedis:serve, SciSslSessionRedis:refresh, SciSslSessionRedis:onClientHello, SciSslSessionRedis:keep, SciSslSessionRedis:close
local redis = {}
local client = {
  get = function(_, key) return redis[key] end,
  set = function(_, key, value) redis[key] = value return true end,
  del = function() return 0 end,
}
local store = scissl.sessions.redis.new { secret = ("s"):rep(32), client = client }
store:serve(serverContext, "shop") -- scissl.listen { sessions = store } does all of this
store:refresh()
local handler = store:onClientHello() -- for scissl.handshake
store:keep(server) -- after its handshake
store:close()
