-- Sessions that a caller keeps: OpenSSL spoils those that its cache drops, and those of a context that goes.
local scissl = require "scissl"
local ends = require "spec.support.ends"

local function without_tickets(context)
  context:setOptions(scissl.SSL_OP_NO_TICKET)
end

-- The handshake of one connection, which both ends have read to the end of.
local function connect(client_context, server_context, session)
  local client, server = ends.connected {
    client = client_context, server = server_context, session = session, transport = "memory",
  }
  ends.read(client, server)
  return client, server
end

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  local function contexts(setup)
    return ends.clientContext { method = version }, ends.serverContext { method = version, setup = setup }
  end

  describe("A session that is kept, " .. version .. ",", function()
    it("is resumed out of a store when the server's own cache has dropped it", function()
      local kept = {}
      local client_context, server_context = contexts(function(context)
        without_tickets(context)
        context:setSessionCacheSize(1)
        context:setSessionStore(function(id) return kept[id] end)
      end)
      local sessions = {}
      for i = 1, 3 do
        local client, server = connect(client_context, server_context)
        for _, made in ipairs(server:newSessions()) do kept[made:id()] = made end
        sessions[i] = client:getSession()
      end
      for i = 1, 3 do
        local client = connect(client_context, server_context, sessions[i])
        assert.is_true(client:isSessionReused(), "session " .. i)
      end
      for _, made in pairs(kept) do assert.is_true(made:isResumable()) end
    end)

    it("of a server outlives that the cache is flushed", function()
      local client_context, server_context = contexts(without_tickets)
      local _, server = connect(client_context, server_context)
      local session = server:getSession()
      server_context:flushSessions((1 << 31) - 1)
      assert.is_true(session:isResumable())
    end)

    it("of a client outlives that the cache of its context is flushed", function()
      local client_context, server_context = contexts()
      client_context:setSessionCacheMode "both"
      local client = connect(client_context, server_context)
      local one, others = client:getSession(), client:newSessions()
      client_context:flushSessions((1 << 31) - 1)
      assert.is_true(one:isResumable())
      assert.is_true(#others > 0)
      for _, session in ipairs(others) do assert.is_true(session:isResumable()) end
      assert.is_true(connect(client_context, server_context, one):isSessionReused())
    end)

    it("outlives its context", function()
      local client_context, server_context = contexts()
      client_context:setSessionCacheMode "both"
      local client = connect(client_context, server_context)
      local session = client:getSession()
      client:close()
      client, client_context = nil, nil -- luacheck: ignore
      collectgarbage()
      collectgarbage()
      assert.is_true(session:isResumable())
      local again = connect(ends.clientContext { method = version }, server_context, session)
      assert.is_true(again:isSessionReused())
    end)

    it("is the same for each who asks", function()
      local client = connect(contexts())
      local one, other, made = client:getSession(), client:getSession(), client:newSessions()
      assert.are.equal(one, other)
      assert.are.equal(one:id(), other:id())
      assert.are.equal(one, made[#made])
      assert.are.equal("localhost", one:hostName())
    end)

    it("has the time-out of the connection's context", function()
      local client_context, server_context = contexts(function(context)
        without_tickets(context)
        context:setTimeout(55)
        context:setSessionStore(function() end)
      end)
      client_context:setTimeout(77)
      local client, server = connect(client_context, server_context)
      assert.are.equal(77, client:newSessions()[1]:timeout())
      assert.are.equal(77, client:getSession():timeout())
      assert.are.equal(55, server:newSessions()[1]:timeout())
    end)

    it("is spoilt by a fatal alert of its connection", function()
      local client, server = connect(contexts())
      local session = client:getSession()
      assert.is_true(session:isResumable())
      client:sslFeed "\23\3\3\0\5wrong"
      assert.is_true(scissl.isSslError(client:sslRead()))
      assert.is_false(session:isResumable())
      assert.is_nil(client:getSession())
      server:close()
    end)
  end)
end

describe("A session of TLS 1.3 that is kept", function()
  local client_context, server_context

  local function prepare(setup)
    client_context = ends.clientContext { method = "TLSv1.3" }
    server_context = ends.serverContext { method = "TLSv1.3", setup = function(context)
      context:setMaxReplayableData(1000)
      if setup then setup(context) end
    end }
  end

  -- What becomes of early data with that session: its answer, and what the server has read.
  local function try_early(session)
    local client, server = ends.pair { client = client_context, server = server_context, transport = "memory" }
    client:setSession(session)
    local answer, early = client:sslWriteReplayable "early", ""
    repeat
      ends.shuttle(client, server)
      local read = server:sslReadReplayable()
      if type(read) == "string" then early = early .. read end
    until read == 0 or type(read) ~= "string" and not ends.notYet(server, read)
      or type(read) ~= "string" and ends.shuttle(client, server) == 0 and client:sslConnect() ~= 1
        and ends.shuttle(client, server) == 0
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    return answer, early, client
  end

  it("carries early data once, whichever copy of it is used", function()
    prepare()
    local client = connect(client_context, server_context)
    local made = client:newSessions()
    local one, other = client:getSession(), client:getSession()
    local answer, early = try_early(one)
    assert.are.same({ 5, "early" }, { answer, early })
    for _, session in ipairs { one, other, made[#made] } do
      answer, early = try_early(session)
      assert.are.equal("not_replayable", answer:condition())
      assert.are.equal("", early)
    end
    assert.is_nil(client:getSession())
  end)

  it("lets a server take its early data once, out of a store, too", function()
    local kept, asked = {}, 0
    prepare(function(context)
      context:setSessionStore(function(id)
        asked = asked + 1
        return kept[id]
      end)
    end)
    local client, server = connect(client_context, server_context)
    for _, made in ipairs(server:newSessions()) do kept[made:id()] = made end
    local recorded = client:getSession():toPem()
    server_context:flushSessions((1 << 31) - 1) -- the store alone knows it
    for attempt = 1, 3 do
      local _, early, again = try_early(scissl.OSSslSession.fromPem(recorded))
      assert.are.equal(attempt == 1 and "early" or "", early)
      assert.are.equal(attempt == 1, again:isSessionReused())
    end
    assert.are.equal(3, asked)
  end)

  it("is the guard's to keep", function()
    local seen
    prepare(function(context)
      context:setReplayGuard(function(session)
        seen = session
        return true
      end)
    end)
    local client = connect(client_context, server_context)
    local session = client:getSession()
    local _, early = try_early(session)
    assert.are.equal("early", early)
    server_context:flushSessions((1 << 31) - 1)
    assert.truthy(#seen:id() > 0)
    assert.are.equal("TLSv1.3", seen:protocol())
  end)
end)
