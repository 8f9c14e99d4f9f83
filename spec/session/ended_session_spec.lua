-- Sessions of connections that a fatal alert has ended are not resumed (RFC 5246, 7.2.2; RFC 8446, 6.2); those
-- of connections that were cut are.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

local SciSocket, SciSslSocket = scissl.SciSocket, scissl.SciSslSocket
local GARBAGE = "\23\3\3\0\40" .. ("wrong"):rep(8) -- a record as long as a real one

local function run(...)
  local loop <close> = scissl.scheduler.new { onError = function(raised, traceback)
    error(tostring(raised) .. "\n" .. traceback, 0)
  end }
  for _, f in ipairs { ... } do loop:spawn(f) end
  assert(loop:run())
end

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  for _, tickets in ipairs { true, false } do
    describe(("A session of %s %s tickets"):format(version, tickets and "with" or "without"), function()
      local client_context, server_context

      before_each(function()
        client_context = ends.clientContext { method = version }
        server_context = ends.serverContext { method = version, setup = function(context)
          if not tickets then context:setOptions(scissl.SSL_OP_NO_TICKET) end
        end }
      end)

      local function connect(session)
        local client, server = ends.pair { client = client_context, server = server_context, transport = "memory" }
        if session then client:setSession(session) end
        assert.same({ 1, 1 }, { ends.handshake(client, server) })
        server:sslWrite "x"
        ends.shuttle(client, server)
        assert.equal("x", client:sslRead())
        return client, server
      end

      -- Each end meets the end of its transport.
      local function cut(client, server)
        for _, socket in ipairs { client, server } do
          socket:sslFeedEnd()
          local failure = socket:sslRead()
          assert.same({ "truncated", "unexpected eof while reading" }, { failure:condition(), failure:reason() })
          assert.equal(scissl.SSL_ERROR_SSL, socket:sslGetError(failure))
          assert.equal(-1, failure:alert() or -1)
          assert.equal("", socket:sslDrain())
        end
      end

      it("is resumed where the connection was cut", function()
        local client, server = connect()
        local session = client:getSession()
        cut(client, server)
        assert.is_true(session:isResumable())
        local again, its_server = connect(session)
        assert.is_true(again:isSessionReused())
        session = version == "TLSv1.2" and session or again:getSession()
        cut(again, its_server)
        assert.is_true((connect(session)):isSessionReused())
      end)

      it("is not resumed where an alert has ended the connection", function()
        local client, server = connect()
        local session = client:getSession()
        server:sslFeed(GARBAGE)
        assert.equal("bad_record_mac", server:sslRead():condition())
        local left = version == "TLSv1.3" and not tickets and 1 or 0 -- one of two
        assert.equal(left, server_context:sessionStatistics().number)
        ends.shuttle(client, server)
        assert.equal("alert_received", client:sslRead():condition())
        assert.is_false(session:isResumable())
        assert.is_false((connect(session)):isSessionReused())
      end)
    end)
  end
end

describe("A client's store", function()
  -- The server sends `spoil` in plain text, and closes its descriptor; then the client closes.
  local function visit(port, plain_listener, server_context, store, spoil, version, is_over)
    local reused, failure
    run(function()
      coroutine.yield(plain_listener, "r", SciSocket.now() + 20)
      local plain = assert(plain_listener:accept())
      plain:setBlocking(false)
      local server = assert(SciSslSocket.on(plain, server_context)):sslInitialize()
      assert(scissl.handshake(server, "accept", { waiter = "coroutine", timeout = 20 }))
      server:sslWrite "hello\n"
      if spoil then plain:send(spoil) end
      plain:close()
    end, function()
      local given = {
        host = "localhost", ca = pki.ca.certificate, waiter = "coroutine", timeout = 20, sessions = store,
        version = version,
      }
      if is_over then
        given.over = assert(scissl.plain.connect { host = "127.0.0.1", port = port, waiter = "coroutine" })
      else given.family, given.port = "inet", port end
      local stream <close> = assert(scissl.connect(given))
      reused = stream:socket():isSessionReused()
      assert.equal("hello", stream:read "l")
      local _
      _, failure = stream:read "l"
    end)
    return reused, failure and failure:condition()
  end

  local function file_store()
    local path = os.tmpname()
    os.remove(path)
    return scissl.sessions.file.new { path = path }, function() os.remove(path) end
  end

  for name, new in pairs {
    memory = scissl.sessions.memory.new, file = file_store, ["file, over a stream"] = file_store,
  } do
    it("forgets what an alert has ended, and keeps what was cut: " .. name, function()
      local store, remove = new()
      local _ <close> = setmetatable({}, { __close = remove or function() end })
      local server_context = ends.serverContext { method = "TLSv1.2" }
      local listener <close> = assert(SciSocket.newStreamSocket())
      assert(listener:bind("127.0.0.1", 0))
      assert(listener:listen())
      local _, port = listener:getSockName()
      local is_over = name:find "over" ~= nil
      local function go(spoil)
        return { visit(port, listener, server_context, store, spoil, "TLSv1.2", is_over) }
      end
      assert.same({ false, "truncated" }, go())
      assert.same({ true, "truncated" }, go())
      assert.same({ true, "bad_record_mac" }, go(GARBAGE))
      assert.same({ false, "truncated" }, go())
      assert.same({ true, "truncated" }, go())
    end)
  end

  -- OpenSSL makes the newest of its tickets alone not resumable.
  it("forgets all tickets of a connection that an alert has ended", function()
    local store = scissl.sessions.memory.new()
    local server_context = ends.serverContext { method = "TLSv1.3" }
    local listener <close> = assert(SciSocket.newStreamSocket())
    assert(listener:bind("127.0.0.1", 0))
    assert(listener:listen())
    local _, port = listener:getSockName()
    local function go(spoil) return { visit(port, listener, server_context, store, spoil, "TLSv1.3") } end
    assert.same({ false, "bad_record_mac" }, go(GARBAGE))
    assert.equal(0, #store)
    assert.same({ false, "truncated" }, go())
    assert.same({ true, "truncated" }, go())
  end)

  -- A session of TLS 1.3 that was used cannot be resumed either.
  for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    it("is left alone where a connection ends in order: " .. version, function()
      local memory, removed, reused = scissl.sessions.memory.new(), {}, {}
      local store = {
        get = function(_, key) return memory:get(key) end,
        put = function(_, key, session) memory:put(key, session) end,
        remove = function(_, key) -- of a store that knows no second argument
          removed[#removed + 1] = key
          memory:remove(key)
        end,
      }
      local listener <close> = assert(scissl.listen {
        host = "127.0.0.1", port = 0, certificate = pki.server.certificate, privateKey = pki.server.key,
        version = version, waiter = "coroutine",
      })
      local _, port = listener:getSockName()
      local function connect()
        local stream = assert(scissl.connect {
          host = "localhost", family = "inet", port = port, ca = pki.ca.certificate, waiter = "coroutine", timeout = 20,
          sessions = store,
        })
        reused[#reused + 1] = stream:isSessionReused()
        assert.equal("hello", stream:read "l")
        return stream
      end
      run(function()
        for _ = 1, 4 do
          local stream = assert(listener:accept(20))
          assert(stream:write "hello\n")
          assert(stream:flush())
        end
      end, function()
        connect():close()
        connect():close()
        local first = connect()
        connect():close() -- with a session of the connection that is open
        first:close()
      end)
      assert.same({ false, true, true, true }, reused)
      assert.same({}, removed)
    end)
  end

  it("takes out one session of several by remove(key, session)", function()
    local client, server = ends.pair { client = ends.clientContext { method = "TLSv1.3" },
      server = ends.serverContext { method = "TLSv1.3" }, transport = "memory" }
    ends.handshake(client, server)
    ends.shuttle(client, server)
    local sessions = client:newSessions()
    assert.is_true(#sessions >= 2)
    local store, clean = file_store()
    local _ <close> = setmetatable({}, { __close = clean })
    for _, kept in ipairs { scissl.sessions.memory.new(), store } do
      for _, session in ipairs(sessions) do kept:put("key", session) end
      kept:remove("key", sessions[#sessions])
      for i = #sessions - 1, 1, -1 do assert.equal(sessions[i]:id(), kept:get("key"):id()) end
      assert.is_nil(kept:get "key")
      kept:remove("key", sessions[1])
      assert.is_nil(kept:get "key")
    end
  end)
end)

describe("A store that several servers share", function()
  it("forgets what an alert has ended, at the end of the stream", function()
    local removed, stored = {}, {}
    local store = {
      serve = function() return true end,
      keep = function(_, socket)
        stored = socket:newSessions()
        return { table.unpack(stored) }
      end,
      onClientHello = function() return nil end,
      put = function() end,
      remove = function(_, session) removed[#removed + 1] = session:id() end,
    }
    for _, spoil in ipairs { false, GARBAGE } do
      local listener = assert(scissl.listen {
        host = "127.0.0.1", port = 0, certificate = pki.server.certificate, privateKey = pki.server.key,
        version = "TLSv1.2", waiter = "coroutine", sessions = store,
      })
      listener:getContext():setSessionStore(function() end):setOptions(scissl.SSL_OP_NO_TICKET)
      local _, port = listener:getSockName()
      run(function()
        local _ <close> = listener
        local stream <close> = assert(listener:accept(20))
        local _, failure = stream:read "l"
        assert.equal(spoil and "bad_record_mac" or "truncated", failure:condition())
      end, function()
        local plain = assert(SciSocket.newStreamSocket())
        plain:setBlocking(false)
        assert(plain:connect("127.0.0.1", port))
        local context = ends.clientContext { method = "TLSv1.2" }
        local client = assert(SciSslSocket.on(plain, context)):sslInitialize()
        assert(scissl.handshake(client, "connect", { waiter = "coroutine", timeout = 20 }))
        if spoil then plain:send(spoil) end
        plain:close()
      end)
      assert.equal(1, #stored)
      assert.same(spoil and { stored[1]:id() } or {}, removed)
    end
  end)

  -- Its methods need not be more than `serve`, `keep` and `onClientHello`.
  it("is asked for what it keeps once, and not changed", function()
    local store = { serve = function() return true end, onClientHello = function() return nil end }
    function store:keep() return self end
    local listener <close> = assert(scissl.listen {
      host = "127.0.0.1", port = 0, certificate = pki.server.certificate, privateKey = pki.server.key,
      waiter = "coroutine", sessions = store,
    })
    listener:getContext():setSessionStore(function() end)
    local _, port = listener:getSockName()
    local sessions = scissl.sessions.memory.new()
    local made = {}
    run(function()
      for _, version in ipairs { "TLSv1.2", "TLSv1.2", "TLSv1.3" } do
        local stream <close> = assert(listener:accept(20))
        if version == "TLSv1.3" then
          stream:socket():newSessions()
          assert.equal(1, stream:socket():sslSendTickets(2))
        end
        assert.equal("hello", stream:read "l")
        made[#made + 1] = #stream:socket():newSessions()
        assert(stream:write "hello\n")
        assert.is_nil(stream:read "l")
      end
    end, function()
      for _, version in ipairs { "TLSv1.2", "TLSv1.2", "TLSv1.3" } do
        local stream <close> = assert(scissl.connect {
          host = "localhost", family = "inet", port = port, ca = pki.ca.certificate, waiter = "coroutine", timeout = 20,
          sessions = sessions, version = version,
        })
        assert(stream:write "hello\n")
        assert.equal("hello", stream:read "l")
      end
    end)
    assert.equal(2, made[3])
    assert.equal(0, #store)
  end)
end)
