-- Where sessions are kept and found: OpenSSL's own cache, a store, and a client's memory.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

local function meet(client_context, server_context, session, prepare)
  return ends.meet {
    client = client_context, server = server_context, session = session, prepare = prepare, transport = "memory",
  }
end

-- Servers that put nothing into tickets.
local function stateful(version, setup)
  return ends.serverContext { method = version, setup = function(context)
    context:setOptions(scissl.SSL_OP_NO_TICKET)
    if setup then setup(context) end
  end }
end

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("OpenSSL's own cache, " .. version, function()
    local client_context
    before_each(function() client_context = ends.clientContext { method = version } end)

    it("keeps what servers do not put into tickets", function()
      local server_context = stateful(version)
      local first = meet(client_context, server_context)
      assert.is_true((meet(client_context, server_context, first:getSession())):isSessionReused())
      local statistics = server_context:sessionStatistics()
      assert.are.equal(2, statistics.acceptGood)
      assert.are.equal(1, statistics.hits)
      assert.is_true(statistics.number >= 1)
      assert.are.equal(20480, statistics.cacheSize)
    end)

    it("keeps nothing for clients, who would never look it up", function()
      local context = stateful(version)
      meet(client_context, context)
      local statistics = client_context:sessionStatistics()
      assert.are.equal(0, statistics.number)
      assert.are.equal(1, statistics.connectGood)
    end)

    it("can be switched off", function()
      local server_context = stateful(version, function(context)
        assert.are.equal(context, context:setSessionCacheMode "off")
      end)
      local first = meet(client_context, server_context)
      local session = first:getSession()
      if session then
        assert.is_false((meet(client_context, server_context, session)):isSessionReused())
      end
      assert.are.equal(0, server_context:sessionStatistics().number)
    end)

    it("forgets what is removed, or flushed", function()
      local server_context = stateful(version)
      local first = meet(client_context, server_context)
      local session = first:getSession()
      server_context:flushSessions(os.time() + 1000000)
      assert.are.equal(0, server_context:sessionStatistics().number)
      assert.is_false((meet(client_context, server_context, session)):isSessionReused())
    end)

    it("has the size that it was given", function()
      local server_context = stateful(version, function(context)
        assert.are.equal(context, context:setSessionCacheSize(1))
      end)
      for _ = 1, 3 do meet(client_context, server_context) end
      local statistics = server_context:sessionStatistics()
      assert.are.equal(1, statistics.number)
      assert.is_true(statistics.cacheFull > 0)
    end)
  end)

  describe("A store of sessions, " .. version, function()
    local client_context, store, server_context, asked
    before_each(function()
      client_context, store, asked = ends.clientContext { method = version }, {}, 0
      server_context = stateful(version, function(context)
        context:setSessionCacheMode("server", false)
        context:setSessionStore(function(id)
          asked = asked + 1
          return store[id]
        end)
      end)
    end)

    local function save(server)
      for _, session in ipairs(server:newSessions()) do store[session:id()] = session end
    end

    it("gets the sessions that servers make, and gives them back", function()
      local first, server = meet(client_context, server_context)
      save(server)
      local second = meet(client_context, server_context, first:getSession())
      assert.is_true(second:isSessionReused())
      assert.are.equal(1, asked)
      assert.are.equal(1, server_context:sessionStatistics().callbackHits)
    end)

    it("may have written them down meanwhile", function()
      local first, server = meet(client_context, server_context)
      save(server)
      for id, session in pairs(store) do store[id] = assert(scissl.OSSslSession.fromDer(session:toDer())) end
      assert.is_true((meet(client_context, server_context, first:getSession())):isSessionReused())
    end)

    it("that knows nothing leads to a full handshake", function()
      local first = meet(client_context, server_context)
      local second, _, client_answer = meet(client_context, server_context, first:getSession())
      assert.are.equal(1, client_answer)
      assert.is_false(second:isSessionReused())
    end)

    it("that raises ends the handshake, and what it raised is the cause", function()
      local first = meet(client_context, server_context)
      server_context:setSessionStore(function() error "boom" end)
      local _, _, _, answer = meet(client_context, server_context, first:getSession())
      assert.are.equal("handler_failed", answer:condition())
      assert.truthy(answer:cause():find("boom", 1, true))
    end)

    it("that answers something else ends the handshake", function()
      local first = meet(client_context, server_context)
      for _, rubbish in ipairs { 1, "session", {}, false } do
        server_context:setSessionStore(function() return rubbish end)
        local _, _, _, answer = meet(client_context, server_context, first:getSession())
        assert.are.equal("handler_failed", answer:condition())
      end
    end)

    it("can be asked while the handshake is suspended at the hello, where one may yield", function()
      local first, server = meet(client_context, server_context)
      save(server)
      server_context:setSessionStore(nil)
      local session = first:getSession()
      local client
      client, server = ends.pair { client = client_context, server = server_context, transport = "memory" }
      client:setSession(session)
      server:sslSuspendAt "clientHello"
      client:sslConnect()
      ends.shuttle(client, server)
      assert.are.equal(-scissl.SSL_ERROR_WANT_CLIENT_HELLO_CB, server:sslAccept())
      if version == "TLSv1.2" then
        assert.are.equal(server, server:setSession(assert(store[server:clientHello():sessionId()])))
      else
        for _, one in pairs(store) do if one == session then server:setSession(one) end end
      end
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      if version == "TLSv1.2" then assert.is_true(client:isSessionReused()) end
    end)
  end)

  describe("A client's new sessions, " .. version, function()
    it("are answered once, and can be resumed", function()
      local client_context, server_context = ends.clientContext { method = version }, ends.serverContext {
        method = version,
      }
      local client = meet(client_context, server_context)
      local sessions = client:newSessions()
      assert.are.equal(version == "TLSv1.2" and 1 or 2, #sessions)
      assert.are.same({}, client:newSessions())
      assert.are.equal("localhost", sessions[1]:hostName())
      for _, session in ipairs(sessions) do
        assert.is_true((meet(client_context, server_context, session)):isSessionReused())
      end
    end)

    it("are none on a server without a store", function()
      local _, server = meet(ends.clientContext { method = version }, stateful(version))
      assert.are.same({}, server:newSessions())
    end)
  end)
end

describe("Sessions", function()
  it("tell their protocol, peer and early data", function()
    local client = meet(
      ends.clientContext { setup = function(context) context:setAlpn { "h2" } end },
      ends.serverContext { setup = function(context)
        context:setAlpn { "h2" }
        context:setMaxReplayableData(77)
      end })
    local session = client:getSession()
    assert.are.equal("h2", session:alpnProtocol())
    assert.are.equal(77, session:maxReplayableData())
    assert.are.equal("CN=localhost", session:peerCertificate():subject())
    local other = meet(ends.clientContext(), ends.serverContext()):getSession()
    assert.is_nil(other:alpnProtocol())
    assert.are.equal(0, other:maxReplayableData())
  end)
end)

describe("Settings of the cache", function()
  local context = scissl.SciSslContext.new()
  it("refuse what does not fit", function()
    for _, mode in ipairs { "on", "", 1 } do
      assert.error_matches(function() context:setSessionCacheMode(mode) end, "bad argument #1 to 'setSessionCacheMode'")
    end
    for _, size in ipairs { 0, -1, 2 ^ 40, 1.5, "many" } do
      assert.error_matches(function() context:setSessionCacheSize(size) end, "bad argument #1 to 'setSessionCacheSize'")
    end
    for _, at in ipairs { 0, -1, 1.5, "now" } do
      assert.error_matches(function() context:flushSessions(at) end, "bad argument #1 to 'flushSessions'")
    end
    for _, session in ipairs { 1, {}, "id" } do
      assert.error_matches(function() context:addSession(session) end, "bad argument #1 to 'addSession'")
      assert.error_matches(function() context:removeSession(session) end, "bad argument #1 to 'removeSession'")
    end
    assert.error_matches(function() context:setSessionStore {} end, "bad argument #1 to 'setSessionStore'")
  end)

  it("add and remove single sessions", function()
    local session = meet(ends.clientContext { method = "TLSv1.2" }, stateful "TLSv1.2"):getSession()
    assert.is_true(context:addSession(session))
    assert.is_false(context:addSession(session))
    assert.is_true(context:removeSession(session))
    assert.is_false(context:removeSession(session))
  end)
end)

describe("scissl.sessions.memory", function()
  local memory = scissl.sessions.memory
  local function session_of(version)
    return meet(ends.clientContext { method = version }, ends.serverContext { method = version }):getSession()
  end

  it("hands sessions of TLS 1.3 out once, the newest first", function()
    local store = memory.new()
    local first, second = session_of "TLSv1.3", session_of "TLSv1.3"
    store:put("a", first)
    store:put("a", second)
    assert.are.equal(1, #store)
    assert.are.equal(second, store:get "a")
    assert.are.equal(first, store:get "a")
    assert.is_nil(store:get "a")
    assert.are.equal(0, #store)
  end)

  it("keeps one session of TLS 1.2, the newest", function()
    local store = memory.new()
    local first, second = session_of "TLSv1.2", session_of "TLSv1.2"
    store:put("a", first)
    store:put("a", second)
    assert.are.equal(second, store:get "a")
    assert.are.equal(second, store:get "a")
  end)

  it("keeps servers apart, and forgets the one that was used longest ago", function()
    local store = memory.new { max = 2 }
    local session = session_of "TLSv1.2"
    store:put("a", session)
    store:put("b", session)
    store:get "a"
    store:put("c", session)
    assert.are.equal(session, store:get "a")
    assert.is_nil(store:get "b")
    assert.are.equal(session, store:get "c")
    assert.is_nil(store:get "d")
  end)

  it("keeps a bounded number for each", function()
    local store = memory.new { perKey = 2 }
    local sessions = { session_of "TLSv1.3", session_of "TLSv1.3", session_of "TLSv1.3" }
    for _, session in ipairs(sessions) do store:put("a", session) end
    assert.are.equal(sessions[3], store:get "a")
    assert.are.equal(sessions[2], store:get "a")
    assert.is_nil(store:get "a")
  end)

  it("hands out none whose time is over", function()
    local store = memory.new()
    local session = session_of "TLSv1.3"
    store:put("a", session)
    local now = os.time
    os.time = function() return now() + 1000000 end -- luacheck: ignore
    local got = store:get "a"
    os.time = now -- luacheck: ignore
    assert.is_nil(got)
  end)

  it("forgets what is removed", function()
    local store = memory.new()
    store:put("a", session_of "TLSv1.2")
    store:remove "a"
    store:remove "b"
    assert.is_nil(store:get "a")
    assert.are.equal(0, #store)
  end)

  it("refuses options that it does not know", function()
    assert.error_matches(function() memory.new { size = 1 } end, "unknown option 'size'")
    assert.error_matches(function() memory.new { max = 0 } end, "bad option 'max'")
  end)

  for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    it("serves scissl.connect, and keeps apart what is checked in another way, " .. version, function()
      local listener <close> = assert(scissl.listen {
        host = "127.0.0.1", port = 0, certificate = pki.server.certificate, privateKey = pki.server.key,
        waiter = "coroutine",
      })
      local _, port = listener:getSockName()
      local store = memory.new()
      local function connect(more)
        local given = {
          host = "127.0.0.1", port = port, ca = pki.ca.certificate, version = version, sessions = store,
          waiter = "coroutine",
        }
        for name, value in pairs(more or {}) do given[name] = value end
        local results = ends.run(function()
          local stream = assert(listener:accept())
          stream:write "hello\n"
          stream:close()
        end, function()
          local stream = assert(scissl.connect(given))
          local reused = stream:isSessionReused()
          assert.are.equal("hello", stream:read "l")
          stream:close()
          return reused
        end)
        return results[2][1]
      end
      assert.is_false(connect())
      assert.is_true(connect())
      assert.is_true(connect())
      assert.is_false(connect { verify = false })
      assert.is_false(connect { verifyHost = "localhost" })
      assert.is_true(connect { verifyHost = "localhost" })
      assert.is_true(connect())
    end)

    it("gets the sessions of a client that writes and reads nothing, " .. version, function()
      local listener <close> = assert(scissl.listen {
        host = "127.0.0.1", port = 0, certificate = pki.server.certificate, privateKey = pki.server.key,
        waiter = "coroutine",
      })
      local _, port = listener:getSockName()
      local store = memory.new()
      local function report()
        local results = ends.run(function()
          local stream = assert(listener:accept())
          assert.are.equal("done", stream:read "l")
          stream:close()
        end, function()
          local stream = assert(scissl.connect {
            host = "127.0.0.1", port = port, ca = pki.ca.certificate, version = version, sessions = store,
            waiter = "coroutine",
          })
          local reused = stream:isSessionReused()
          assert(stream:write "done\n")
          assert.is_true(stream:close())
          return reused
        end)
        return results[2][1]
      end
      assert.is_false(report())
      assert.is_true(report())
    end)
  end
end)

describe("A stream whose store raises", function()
  it("is closed all the same, and raises", function()
    local client, server = ends.connected { version = "TLSv1.2" }
    local stream = scissl.stream(client, { onSession = function() error "full" end })
    assert.error_matches(function() stream:close() end, "full")
    assert.are.equal("closed", client:sslRead():condition())
    server:close()
  end)
end)
