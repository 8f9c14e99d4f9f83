-- Data that TLS 1.3 carries before the handshake is done.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local client_context, server_context, session

-- A session whose server takes early data. `setup` sees the server's context first.
local function prepare(setup)
  client_context = ends.clientContext { method = "TLSv1.3" }
  server_context = ends.serverContext { method = "TLSv1.3", setup = function(context)
    context:setMaxReplayableData(1000)
    if setup then setup(context) end
  end }
  local client, server = ends.connected { client = client_context, server = server_context, transport = "memory" }
  server:sslWrite "x"
  ends.read(client, server)
  session = assert(client:getSession())
end

local function again()
  local client, server = ends.pair { client = client_context, server = server_context, transport = "memory" }
  assert(client:setSession(session))
  return client, server
end

-- What the server reads before the handshake is done, all of it; and its last answer.
local function read_early(client, server)
  local parts = {}
  while true do
    ends.shuttle(client, server)
    local answer = server:sslReadReplayable()
    if type(answer) == "string" then parts[#parts + 1] = answer
    elseif not (ends.notYet(server, answer) and answer < 0) then return table.concat(parts), answer
    elseif ends.shuttle(client, server) == 0 then
      client:sslConnect()
      if ends.shuttle(client, server) == 0 then return table.concat(parts), answer end
    end
  end
end

describe("Early data (TLS 1.3)", function()
  before_each(function() prepare() end)

  it("is read by the server before the handshake is done, and both know that it was taken", function()
    local client, server = again()
    assert.are.equal(6, client:sslWriteReplayable "GET / ")
    assert.are.equal(3, client:sslWriteReplayable("-abc-", 2, 4))
    assert.is_nil(client:earlyDataStatus())
    local data, answer = read_early(client, server)
    assert.are.equal("GET / abc", data)
    assert.are.equal(0, answer)
    assert.are.equal(scissl.SSL_ERROR_NONE, server:sslGetError(answer))
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    assert.are.same({ "accepted", "accepted" }, { client:earlyDataStatus(), server:earlyDataStatus() })
    client:sslWrite "later"
    assert.are.equal("later", ends.read(server, client))
  end)

  it("is not taken by a server that does not ask for it, and is not among what it reads", function()
    local client, server = again()
    client:sslWriteReplayable "GET /"
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    assert.are.equal("rejected", client:earlyDataStatus())
    client:sslWrite "once more"
    assert.are.equal("once more", ends.read(server, client))
  end)

  it("is taken once: what was recorded and is sent again is not read again", function()
    local client, server = again()
    client:sslWriteReplayable "pay 10"
    client:sslConnect()
    local recorded = client:sslDrain()
    server:sslFeed(recorded)
    assert.are.equal("pay 10", server:sslReadReplayable())
    local _, victim = again()
    victim:sslFeed(recorded)
    assert.are.equal("integer", math.type(victim:sslReadReplayable()))
  end)

  it("cannot be written without a session, or with one that does not allow it", function()
    local client = ends.pair { client = client_context, server = server_context, transport = "memory" }
    refusals.answer("not_replayable", client:sslWriteReplayable "x")
    prepare(function(context) context:setMaxReplayableData(0) end)
    client = again()
    refusals.answer("not_replayable", client:sslWriteReplayable "x")
  end)

  it("goes on as a plain handshake where it could not be written", function()
    local client, server = ends.pair { client = client_context, server = server_context, transport = "memory" }
    client:sslWriteReplayable "x"
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    assert.is_nil(client:earlyDataStatus())
  end)

  it("answers 0 to a server whose client sends none", function()
    local client, server = ends.pair { client = client_context, server = server_context, transport = "memory" }
    client:sslConnect()
    local data, answer = read_early(client, server)
    assert.are.same({ "", 0 }, { data, answer })
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    assert.is_nil(server:earlyDataStatus())
  end)

  it("has its time before the end of the handshake", function()
    local client, server = ends.connected { client = client_context, server = server_context }
    refusals.answer("too_late", client:sslWriteReplayable "x")
    refusals.answer("too_late", server:sslReadReplayable())
    refusals.answer("wrong_role", server:sslWriteReplayable "x")
    refusals.answer("wrong_role", client:sslReadReplayable())
    client:close()
    refusals.answer("closed", client:sslWriteReplayable "x")
  end)

  it("is too late once sslConnect or sslAccept has begun, and the handshake goes on", function()
    local client, server = again()
    client:sslConnect()
    refusals.answer("too_late", client:sslWriteReplayable "x")
    server:sslAccept()
    refusals.answer("too_late", server:sslReadReplayable())
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
  end)

  it("answers 0 as often as it is asked when it is over", function()
    local client, server = again()
    client:sslWriteReplayable "GET /"
    assert.are.equal("GET /", (read_early(client, server)))
    assert.are.equal(0, server:sslReadReplayable())
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
  end)

  it("ends the handshake where a client sends more than was allowed", function()
    local client = again()
    local sent = 0
    repeat
      local answer = client:sslWriteReplayable(("x"):rep(600))
      if math.type(answer) == "integer" and answer > 0 then sent = sent + answer end
    until sent >= 1200 or scissl.isSslError(answer)
    assert.is_true(sent <= 1000)
  end)

  it("is not taken where the server is to judge the client first", function()
    local client, server = again()
    server:sslSuspendAt "verify"
    client:sslWriteReplayable "GET /"
    local data = read_early(client, server)
    assert.are.equal("", data)
  end)

  it("is not resumed, and not taken, without TLS 1.3", function()
    local context = ends.serverContext { method = "TLSv1.2" }
    local client, server = ends.pair {
      client = ends.clientContext { setup = function(c) c:setMinProtocol "TLSv1.2" end }, server = context,
      transport = "memory",
    }
    client:setSession(session)
    client:sslWriteReplayable "x"
    local client_answer = ends.handshake(client, server)
    assert.is_true(scissl.isSslError(client_answer))
  end)

  describe("with a guard", function()
    local function guarded(guard)
      server_context:setReplayGuard(guard)
      local client, server = again()
      client:sslWriteReplayable "GET /"
      local data, answer = read_early(client, server)
      return data, answer, client, server
    end

    it("is taken where the guard answers true, who has seen the session", function()
      local seen
      local data = guarded(function(one)
        seen = one
        return true
      end)
      assert.are.equal("GET /", data)
      assert.are.equal("TLSv1.3", seen:protocol())
    end)

    for _, answer in ipairs { false, 1, "true", {} } do
      it(("is left out where the guard answers %s"):format(type(answer)), function()
        local data, _, client, server = guarded(function() return answer end)
        assert.are.equal("", data)
        assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
        assert.are.equal("rejected", client:earlyDataStatus())
      end)
    end

    it("ends the handshake where the guard raises", function()
      local _, answer = guarded(function() error "boom" end)
      refusals.answer("handler_failed", answer)
      assert.truthy(answer:cause():find("boom", 1, true))
    end)

    it("cannot be read from inside the guard", function()
      local inside
      server_context:setReplayGuard(nil)
      local client, server
      server_context:setReplayGuard(function()
        inside = server:sslReadReplayable()
        return true
      end)
      client, server = again()
      client:sslWriteReplayable "GET /"
      assert.are.equal("GET /", (read_early(client, server)))
      refusals.answer("in_callback", inside)
    end)

    it("of a context that is changed later does not reach a connection made before (S9)", function()
      local client, server = again()
      server_context:setReplayGuard(function() return false end)
      server_context:setMaxReplayableData(0)
      client:sslWriteReplayable "GET /"
      assert.are.equal("GET /", (read_early(client, server)))
    end)
  end)
end)

describe("Settings of early data", function()
  local context = scissl.SciSslContext.new()
  it("are none by default", function() assert.are.equal(0, context:getMaxReplayableData()) end)
  it("answer what was set", function()
    assert.are.equal(context, context:setMaxReplayableData(4294967295))
    assert.are.equal(4294967295, context:getMaxReplayableData())
  end)
  it("refuse what does not fit", function()
    for _, bytes in ipairs { -1, 4294967296, 1.5, "many" } do
      assert.error_matches(function() context:setMaxReplayableData(bytes) end,
        "bad argument #1 to 'setMaxReplayableData'")
    end
    assert.are.equal(4294967295, context:getMaxReplayableData())
    assert.error_matches(function() context:setReplayGuard "guard" end, "bad argument #1 to 'setReplayGuard'")
    local client = ends.pair()
    assert.error_matches(function() client:sslReadReplayable(0) end, "bad argument #1 to 'sslReadReplayable'")
    assert.error_matches(function() client:sslReadReplayable(-1) end, "bad argument #1 to 'sslReadReplayable'")
    assert.error_matches(function() client:sslWriteReplayable() end, "bad argument #1 to 'sslWriteReplayable'")
  end)
end)

describe("scissl.connect and scissl.listen with early data", function()
  -- One connection; answers what the client saw, and what the server did.
  local function meet(listener, saved)
    local _, port = listener:getSockName()
    local results = ends.run(function()
      local stream = assert(listener:accept())
      local early = stream:replayableData()
      local rest = #early < 5 and stream:read(5 - #early) or ""
      stream:write "done\n"
      stream:close()
      return { early = early, rest = rest }
    end, function()
      local stream = assert(scissl.connect {
        host = "127.0.0.1", port = port, ca = pki.ca.certificate, session = saved, replayable = "GET /",
        waiter = "coroutine",
      })
      assert.are.equal("done", stream:read "l")
      local seen = { status = stream:earlyDataStatus(), session = stream:getSession() }
      stream:close()
      return seen
    end)
    return results[2][1], results[1][1]
  end

  local function listen(bytes)
    return assert(scissl.listen {
      host = "127.0.0.1", port = 0, certificate = pki.server.certificate, privateKey = pki.server.key,
      maxReplayableData = bytes, waiter = "coroutine",
    })
  end

  it("write it after the handshake the first time, and before it the next", function()
    local listener <close> = listen(1000)
    local seen, got = meet(listener)
    assert.is_nil(seen.status)
    assert.are.same({ early = "", rest = "GET /" }, got)
    seen, got = meet(listener, seen.session)
    assert.are.equal("accepted", seen.status)
    assert.are.same({ early = "GET /", rest = "" }, got)
  end)

  it("write it again where the server does not take it", function()
    local listener <close> = listen(1000)
    local seen = meet(listener)
    listener:getContext():setReplayGuard(function() return false end)
    local got
    seen, got = meet(listener, seen.session)
    assert.are.equal("rejected", seen.status)
    assert.are.same({ early = "", rest = "GET /" }, got)
  end)

  it("do not send it early where the server does not want any", function()
    local listener <close> = listen(nil)
    local seen, got = meet(listener, meet(listener).session)
    assert.is_nil(seen.status)
    assert.are.same({ early = "", rest = "GET /" }, got)
  end)
end)

describe("Early data that the session is not fit for", function()
  -- `change(client)` makes the connection another one than the session's; `setup` the contexts of both.
  local function assert_full_handshake(setup, change)
    prepare(setup)
    local client, server = again()
    change(client)
    refusals.answer("not_replayable", client:sslWriteReplayable "early")
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    assert.is_false(client:isSessionReused())
    assert.is_nil(client:earlyDataStatus())
    assert.are.equal(4, client:sslWrite "late")
    assert.are.equal("late", ends.read(server, client))
  end

  it("is refused where it has been used, and a full handshake follows", function()
    assert_full_handshake(nil, function()
      local first, server = again()
      assert.are.equal(5, first:sslWriteReplayable "early")
      assert.are.equal("early", (read_early(first, server)))
      assert.are.same({ 1, 1 }, { ends.handshake(first, server) })
      assert.is_false(session:isResumable())
    end)
  end)

  it("is refused where an older connection has used it without early data", function()
    assert_full_handshake(nil, function()
      local first, server = again()
      assert.are.same({ 1, 1 }, { ends.handshake(first, server) })
      assert.is_true(first:isSessionReused())
    end)
  end)

  it("is refused where the connection asks for another host", function()
    prepare()
    local client, server = again()
    assert(client:sslSetServerName "elsewhere.example")
    refusals.answer("not_replayable", client:sslWriteReplayable "early")
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
  end)

  it("is refused where the connection offers another protocol", function()
    prepare(function(context)
      context:setAlpn { "one", "two" }
      client_context:setAlpn { "one" }
    end)
    local client, server = again()
    assert(client:sslSetAlpn { "two" })
    refusals.answer("not_replayable", client:sslWriteReplayable "early")
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    assert.are.equal("two", client:alpnProtocol())
  end)

  it("is refused where the connection does not speak TLS 1.3", function()
    prepare()
    local old = ends.clientContext { setup = function(context) context:setMaxProtocol "TLSv1.2" end }
    local client = ends.pair { client = old, server = ends.serverContext(), transport = "memory" }
    assert(client:setSession(session))
    refusals.answer("not_replayable", client:sslWriteReplayable "early")
  end)

  it("is left out by scissl.handshake", function()
    prepare()
    for _, status in ipairs { "accepted", "none" } do
      local client, server = ends.pair { client = client_context, server = server_context, transport = "pair" }
      assert(client:setSession(session))
      local early = ""
      local results = ends.run(function()
        return scissl.handshake(client, "connect", { waiter = "coroutine", replayable = "early" })
      end, function()
        return scissl.handshake(server, "accept", { waiter = "coroutine",
          onReplayable = function(_, data) early = early .. data end })
      end)
      assert.are.same({ client, server }, { results[1][1], results[2][1] })
      assert.are.equal(status, client:earlyDataStatus() or "none")
      assert.are.equal(status == "accepted" and "early" or "", early)
    end
  end)
end)

describe("Early data with openssl", function()
  it("is taken from s_client", function()
    prepare()
    local listener, port = ends.listener()
    local session_file = pki.folder() .. "/early_session.pem"
    local function serve()
      assert(listener:wait("r", 30))
      local plain = assert(listener:accept())
      local server = assert(scissl.SciSslSocket.on(plain, server_context))
      server:sslInitialize()
      local early = {}
      assert(scissl.handshake(server, "accept", {
        timeout = 30, onReplayable = function(_, data) early[#early + 1] = data end,
      }))
      server:sslWrite "welcome\n"
      return server, table.concat(early)
    end
    local command = ("openssl s_client -connect 127.0.0.1:%d -tls1_3 "):format(port)
    local first = ends.start(command .. "-sess_out " .. session_file)
    local server = serve()
    repeat local line = first.pipe:read "L" until not line or line:find "welcome"
    server:close()
    first:finish()
    local second = ends.start(command .. ("-sess_in %s -early_data %s"):format(session_file, pki.write "GET /early"))
    local early
    server, early = serve()
    assert.are.equal("GET /early", early)
    server:close()
    assert.truthy(second:finish():find "Early data was accepted")
    listener:close()
  end)

  it("is taken by s_server", function()
    local peer <close> = ends.openssl(("-cert %s -key %s -tls1_3 -early_data"):format(
      pki.server.certificateFile, pki.server.keyFile))
    local context, saved = ends.clientContext { method = "TLSv1.3" }, nil
    local function connect()
      local client = assert(scissl.SciSslSocket.new(context))
      assert(client:connect("127.0.0.1", peer.port))
      client:sslInitialize()
      if saved then client:setSession(saved) end
      assert(scissl.handshake(client, "connect", { timeout = 30, replayable = "GET /early\n" }))
      return client
    end
    local client = connect()
    assert.is_nil(client:earlyDataStatus())
    peer:write "well\n"
    assert.are.equal("well\n", ends.read(client))
    saved = assert(client:getSession())
    client:sslShutdown()
    client:close()
    client = connect()
    assert.are.equal("accepted", client:earlyDataStatus())
    client:close()
  end)
end)
