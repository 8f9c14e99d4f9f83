-- The store of a fleet's sessions, with clients of Redis that answer well, badly, late, or not at all.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

local new = scissl.sessions.redis.new
local SECRET, OTHER = ("s"):rep(32), ("t"):rep(32)

-- A Redis in memory, for several clients.
local function new_redis()
  local redis = { values = {}, calls = 0, connections = 0 }
  local function count()
    redis.calls = redis.calls + 1
    if redis.broken then error(redis.broken, 0) end
  end
  local client = {}
  function client.get(_, key)
    count()
    return redis.values[key]
  end
  function client.set(_, key, value, ex, seconds, nx)
    count()
    assert(ex == "EX" and math.type(seconds) == "integer" and seconds > 0)
    if nx and redis.values[key] then return nil end
    redis.values[key] = value
    return "OK"
  end
  function client.del(_, key)
    count()
    local there = redis.values[key] and 1 or 0
    redis.values[key] = nil
    return there
  end
  function redis.connect()
    redis.connections = redis.connections + 1
    if redis.broken then error(redis.broken, 0) end
    return client
  end
  return redis
end

local function store_of(redis, more)
  local given = { secret = SECRET, connect = redis.connect, retry = 1000, maxRetry = 1000 }
  for name, value in pairs(more or {}) do given[name] = value end
  return new(given)
end

local function server_context(version, store)
  local context = ends.serverContext { method = version }
  context:setOptions(scissl.SSL_OP_NO_TICKET)
  return store:serve(context)
end

-- One connection by hand; answers whether it was resumed, and the session to go on with.
local function meet(version, context, store, session)
  local client, server = ends.connected {
    client = ends.clientContext { method = version }, server = context, session = session, transport = "memory",
  }
  store:keep(server)
  server:sslWrite "x"
  assert.are.equal("x", ends.read(client, server))
  return client:isSessionReused(), client:getSession()
end

local function session_key(redis)
  for key in pairs(redis.values) do
    if key:find(":session:", 1, true) then return key end
  end
end

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("A store of a fleet, " .. version, function()
    local redis, store, context
    before_each(function()
      redis = new_redis()
      store = store_of(redis)
      context = server_context(version, store)
    end)

    it("gives sessions to other stores of the same secret", function()
      local _, session = meet(version, context, store)
      local other = store_of(redis)
      assert.is_true((meet(version, server_context(version, other), other, session)))
    end)

    it("takes secrets one after the other, when they change", function()
      local _, session = meet(version, context, store)
      local other = store_of(redis, { secret = { OTHER, SECRET } })
      local other_context = server_context(version, other)
      assert.is_true((meet(version, other_context, other, session)))
      _, session = meet(version, other_context, other)
      local third = store_of(redis, { secret = OTHER })
      assert.is_true((meet(version, server_context(version, third), third, session)))
    end)

    it("passes over what another secret has sealed", function()
      local _, session = meet(version, context, store)
      local other = store_of(redis, { secret = OTHER })
      assert.is_false((meet(version, server_context(version, other), other, session)))
    end)

    it("keeps what prefixes set apart apart", function()
      local _, session = meet(version, context, store)
      local other = store_of(redis, { prefix = "other:" })
      assert.is_false((meet(version, server_context(version, other), other, session)))
    end)

    it("does a full handshake where Redis answers rubbish", function()
      local _, session = meet(version, context, store)
      local kept = {}
      for key, value in pairs(redis.values) do kept[key] = value end
      local function spoilt(spoil)
        for key, value in pairs(kept) do
          if key:find(":session:", 1, true) then redis.values[key] = spoil(value) end
        end
        assert.is_false((meet(version, context, store, session)))
      end
      spoilt(function() return "" end)
      spoilt(function() return "rubbish" end)
      spoilt(function(value) return value:sub(1, #value // 2) end)
      spoilt(function(value) return value .. "\0" end)
      spoilt(function() return ("x"):rep(1 << 20) end)
      spoilt(function() return 17 end)
      spoilt(function() return true end)
      spoilt(function() return {} end)
      spoilt(function() return io.stdout end) -- such as a null of other libraries
      assert.is_false(store:isAway())
    end)

    it("passes over a session that was stored under another's name", function()
      local plain = store_of(redis, { secret = false })
      local plain_context = server_context(version, plain)
      redis.values = {}
      local _, one = meet(version, plain_context, plain)
      local first = session_key(redis)
      local value = redis.values[first]
      redis.values = {}
      meet(version, plain_context, plain)
      redis.values = { [first] = redis.values[session_key(redis)] }
      assert.is_false((meet(version, plain_context, plain, one)))
      redis.values = { [first] = value:sub(1, -20) }
      assert.is_false((meet(version, plain_context, plain, one)))
    end)

    it("does not ask a Redis that is away again and again", function()
      local _, session = meet(version, context, store)
      redis.broken = "connection reset"
      local before = redis.calls + redis.connections
      for _ = 1, 20 do
        local reused
        reused, session = meet(version, context, store, session)
        assert.is_false(reused)
      end
      assert.is_true(redis.calls + redis.connections - before <= 3)
      assert.is_true(store:isAway())
    end)

    it("works with a client that yields, at the client's hello", function()
      local yielded = 0
      local client = {}
      for _, name in ipairs { "get", "set", "del" } do
        client[name] = function(_, ...)
          yielded = yielded + 1
          coroutine.yield()
          local inner = redis.connect()
          return inner[name](inner, ...)
        end
      end
      local yielding = new { secret = SECRET, client = client, yields = true }
      local yielding_context = server_context(version, yielding)
      local _, session = meet(version, context, store)
      local near, far = ends.pair {
        client = ends.clientContext { method = version }, server = yielding_context,
      }
      near:setSession(session)
      local thread = coroutine.wrap(function()
        local done, failure = scissl.handshake(far, "accept", {
          onClientHello = yielding:onClientHello(),
          waiter = function() coroutine.yield() return true end,
        })
        return done or failure
      end)
      local result, client_answer
      repeat
        if client_answer ~= 1 then client_answer = near:sslConnect() end
        result = result or thread()
      until result and client_answer == 1
      assert.are.equal(far, result)
      assert.is_true(near:isSessionReused())
      assert.is_true(yielded > 2)
    end)
  end)
end

describe("A store of a fleet", function()
  it("asks Redis once for an id, not at the hello and inside OpenSSL again", function()
    local redis = new_redis()
    local store = store_of(redis)
    local context = server_context("TLSv1.2", store)
    local _, session = meet("TLSv1.2", context, store)
    for key in pairs(redis.values) do
      if key:find(":session:", 1, true) then redis.values[key] = nil end
    end
    local before = redis.calls
    local client, server = ends.pair { client = ends.clientContext { method = "TLSv1.2" }, server = context }
    client:setSession(session)
    local thread = coroutine.wrap(function()
      return scissl.handshake(server, "accept", {
        onClientHello = store:onClientHello(), waiter = function() coroutine.yield() return true end,
      })
    end)
    local done
    repeat
      client:sslConnect()
      done = done or thread()
    until done and client:isSecure()
    assert.is_false(client:isSessionReused())
    assert.are.equal(1, redis.calls - before)
  end)

  it("never asks with a connection that has failed", function()
    local redis = new_redis()
    local store = store_of(redis, { retry = 0, maxRetry = 0 })
    local context = server_context("TLSv1.2", store)
    local _, session = meet("TLSv1.2", context, store)
    redis.broken = "timeout"
    meet("TLSv1.2", context, store, session)
    redis.broken = nil
    local before = redis.connections
    meet("TLSv1.2", context, store, session)
    assert.is_true(redis.connections > before)
  end)

  it("tells when Redis goes away, why, and when it is back", function()
    local redis, told = new_redis(), {}
    local store = store_of(redis, {
      retry = 0, maxRetry = 0, onOutage = function(reason) told[#told + 1] = reason or "back" end,
    })
    redis.broken = "no route"
    assert.is_nil(store:find "id")
    assert.is_nil(store:find "id")
    redis.broken = nil
    assert.is_nil(store:find "id")
    assert.are.same({ "no route", "back" }, told)
  end)

  it("outlives an onOutage that raises, and clients that are none", function()
    for _, connect in ipairs {
      function() return nil, "no" end, function() return {} end, function() return 1 end, function() error() end,
      function() return nil end,
    } do
      local store = new { secret = SECRET, connect = connect, onOutage = function() error "boom" end }
      local context = server_context("TLSv1.2", store)
      assert.is_false((meet("TLSv1.2", context, store)))
      assert.is_true(store:isAway())
    end
  end)

  it("takes clients that answer nil and why, in place of raising", function()
    local store = new { secret = SECRET, connect = function()
      local function refuse() return nil, "LOADING" end
      return { get = refuse, set = refuse, del = refuse }
    end }
    assert.is_nil(store:find "id")
    assert.is_true(store:isAway())
  end)

  it("serves the contexts of several names in scissl.listen", function()
    local redis = new_redis()
    local store = store_of(redis)
    local function one(version)
      local listener = assert(scissl.listen {
        host = "127.0.0.1", port = 0, waiter = "coroutine", version = version, sessions = store_of(redis),
        sni = { localhost = { certificate = pki.server.certificate, privateKey = pki.server.key,
                              options = scissl.SSL_OP_NO_TICKET } },
      })
      return listener, select(2, listener:getSockName())
    end
    local function visit(listener, port, session)
      local results = ends.run(function()
        local stream = assert(listener:accept())
        stream:write "x\n"
        stream:close()
      end, function()
        local stream = assert(scissl.connect { host = "localhost", port = port, ca = pki.ca.certificate,
                                               session = session, waiter = "coroutine" })
        stream:read "l"
        local reused, next_session = stream:isSessionReused(), stream:getSession()
        stream:close()
        return reused, next_session
      end)
      return results[2][1], results[2][2]
    end
    local listener <close>, port = one()
    local _, session = visit(listener, port)
    assert.is_string(session_key(redis))
    assert.is_true((visit(listener, port, session)))
    assert.is_string(tostring(store))
  end)

  it("is one of each lua_State's own, as two of them show", function()
    local far = ends.lua([[
      local scissl = require "scissl"
      local store = scissl.sessions.redis.new { secret = ("s"):rep(32), connect = function() error "away" end }
      local context = store:serve(assert(scissl.SciSslContext.new()))
      print("done", store:isAway())
      store, context = nil, nil
      collectgarbage()
    ]])
    local output, how, code = far:finish()
    assert.are.same({ "exit", 0 }, { how, code })
    assert.truthy(output:find "done%s+true")
  end)

  it("refuses options that make no sense", function()
    local bad = {
      {}, { secret = "short" }, { secret = {} }, { secret = { SECRET, "short" } }, { secret = 1 },
      { secret = SECRET, client = {} }, { secret = SECRET, client = { get = print, set = print } },
      { secret = SECRET, connect = print, host = "x" }, { secret = SECRET, connect = print, client = {} },
      { secret = SECRET, yields = true }, { secret = SECRET, rotation = 100, refresh = 30 },
      { secret = SECRET, rotation = 10, sessionTimeout = 71 }, { secret = SECRET, prefx = "x" },
    }
    for _, given in ipairs(bad) do assert.error_matches(function() new(given) end, "options? '") end
    assert.error_matches(function() new { secret = SECRET, connect = error }:serve {} end, "bad argument #1 to 'serve'")
  end)

  it("refuses a context whose sessions outlive its ticket keys", function()
    local context = ends.serverContext { setup = function(context) context:setTimeout(7201) end }
    assert.error_matches(function() new { secret = SECRET, connect = error }:serve(context) end,
      "the context's sessions live 7201 seconds")
    assert.are.equal(context, new { secret = SECRET, connect = error, sessionTimeout = 7201 }:serve(context))
  end)
end)
