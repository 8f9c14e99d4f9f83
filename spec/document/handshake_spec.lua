-- Document rows S3 to S7: the handshake by hand, what it needs, and what it answers.
local scissl = require "scissl"
local ends = require "spec.support.ends"

local VERSIONS = { "TLSv1.2", "TLSv1.3" }
local CALLS = { sslConnect = "connect", sslAccept = "accept" }

local function sorted(set)
  local names = {}
  for name in pairs(set) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function assert_error(value, condition, phase)
  assert.is_true(scissl.isSslError(value), tostring(value))
  assert.equal(condition, value:condition())
  if phase then assert.equal(phase, value:phase()) end
end

-- A blocking end of ours in a process of its own, which prints what its call answered and reads to the end.
local function blocking_peer(role, version, port)
  return ends.lua(([[
    local scissl, ends = require "scissl", require "spec.support.ends"
    local role, version, port = %q, %q, %d
    local context = role == "accept" and ends.serverContext { method = version }
      or ends.clientContext { method = version, verify = scissl.SSL_VERIFY_NONE }
    local plain
    if role == "accept" then
      local listener
      listener, port = ends.listener()
      io.write("port ", port, "\n") io.flush()
      plain = assert(listener:accept())
    else
      plain = assert(scissl.SciSocket.newStreamSocket())
      assert(plain:connect("127.0.0.1", port))
    end
    local socket = assert(scissl.SciSslSocket.on(plain, context))
    assert(socket:isBlocking())
    assert(socket:sslInitialize())
    local answer = role == "accept" and socket:sslAccept() or socket:sslConnect()
    print("answer " .. tostring(answer), "secure " .. tostring(socket:isSecure()))
    print("read " .. tostring(socket:sslRead()))
    socket:close()
  ]]):format(role, version, port or 0), role == "accept" and "port (%d+)" or nil)
end

describe("what a handshake needs (S3)", function()
  for _, call in ipairs(sorted(CALLS)) do
    local phase = CALLS[call]

    it("is sslInitialize: " .. call .. " says so", function()
      local client = ends.pair { initialize = false }
      assert_error(client[call](client), "not_initialized", phase)
      assert.truthy(tostring(client[call](client)):find("sslInitialize", 1, true))
    end)

    it("is an established transport: " .. call .. " says so", function()
      local socket = assert(scissl.SciSslSocket.new(ends.clientContext()))
      assert(socket:sslInitialize())
      local answer = socket[call](socket)
      assert_error(answer, "not_connected")
      assert.truthy(tostring(answer):find("connect", 1, true))
    end)

    it("is a transport that carries data: " .. call .. " on a listening socket says so", function()
      local socket = assert(scissl.SciSslSocket.new(ends.serverContext()))
      assert(socket:bind("127.0.0.1", 0))
      assert(socket:listen())
      assert(socket:sslInitialize())
      assert_error(socket[call](socket), "listening")
    end)

    it("is an open socket: " .. call .. " after close says so", function()
      local client = ends.pair()
      client:close()
      assert_error(client[call](client), "closed", phase)
    end)
  end

  it("says not yet while TCP is still connecting, and then who refused it", function()
    local listener, port = ends.listener()
    listener:close()
    local socket = assert(scissl.SciSslSocket.new(ends.clientContext()))
    local connecting = socket:connect("127.0.0.1", port)
    if connecting then -- the kernel may refuse at once, or later
      assert.equal(socket, connecting)
      assert(socket:sslInitialize())
      assert(socket:wait("w", 30))
      local answer = socket:sslConnect()
      assert_error(answer, "connection_refused", "connect")
      assert.equal(answer:condition(), socket:sslConnect():condition())
    end
  end)

  it("may be had in either order: sslInitialize before connect", function()
    local listener, port = ends.listener()
    local client = assert(scissl.SciSslSocket.new(ends.clientContext { verify = scissl.SSL_VERIFY_NONE }))
    assert(client:sslInitialize())
    assert(client:connect("127.0.0.1", port))
    local server = assert(scissl.SciSslSocket.on(assert(listener:accept()):setBlocking(false), ends.serverContext()))
    assert(server:sslInitialize())
    assert.same({ 1, 1 }, { ends.handshake(client, server) })
  end)
end)

for _, version in ipairs(VERSIONS) do
  describe("a blocking handshake, " .. version, function()
    it("answers sslAccept only once it is finished (S4)", function()
      local peer <close> = blocking_peer("accept", version)
      local client = assert(scissl.SciSslSocket.new(ends.clientContext {
        method = version, verify = scissl.SSL_VERIFY_NONE })) -- the other process has an authority of its own
      assert(client:connect("127.0.0.1", peer.port))
      assert(client:sslInitialize())
      assert(scissl.handshake(client, "connect", { timeout = 30 }))
      assert.equal(5, client:sslWrite "hello")
      local output = peer:finish()
      assert.truthy(output:find("answer 1%s+secure true"), output)
      assert.truthy(output:find("read hello", 1, true), output)
    end)

    it("answers sslConnect only once it is finished (S4, S7)", function()
      local listener, port = ends.listener()
      local peer <close> = blocking_peer("connect", version, port)
      local server = assert(scissl.SciSslSocket.on(assert(listener:accept()):setBlocking(false),
        ends.serverContext { method = version }))
      assert(server:sslInitialize())
      assert(scissl.handshake(server, "accept", { timeout = 30 }))
      assert.equal(5, server:sslWrite "hello")
      local output = peer:finish()
      assert.truthy(output:find("answer 1%s+secure true"), output)
      assert.truthy(output:find("read hello", 1, true), output)
    end)

    it("answers a SciSslError once it has failed (S4, S5)", function()
      local peer <close> = blocking_peer("accept", version)
      local plain = assert(scissl.SciSocket.newStreamSocket())
      assert(plain:connect("127.0.0.1", peer.port))
      plain:close()
      local output = peer:finish()
      assert.truthy(output:find("answer accepting a client", 1, true), output)
    end)
  end)

  describe("a non-blocking handshake by hand, " .. version, function()
    for _, transport in ipairs { "pair", "tcp", "memory" } do
      it("goes through sslGetError to 1 on both sides, over " .. transport .. " (S6, S7)", function()
        local client, server = ends.pair { version = version, transport = transport }
        local client_answer = client:sslConnect()
        assert.is_true(math.type(client_answer) == "integer" and client_answer <= 0)
        assert.equal(scissl.SSL_ERROR_WANT_READ, client:sslGetError(client_answer))
        assert.is_false(client:isSecure())
        assert.same({ 1, 1 }, { ends.handshake(client, server) })
        assert.is_true(client:isSecure())
        assert.is_true(server:isSecure())
        assert.equal(version, client:version())
      end)
    end

    it("goes one byte at a time", function()
      local client, server = ends.pair { version = version, transport = "memory" }
      assert.same({ 1, 1 }, { ends.handshake(client, server, 1) })
      assert.equal(2, client:sslWrite "hi")
      assert.equal("hi", ends.read(server, client))
    end)

    it("answers WANT_WRITE where the transport takes no more (S6)", function()
      local client, server = ends.connected { version = version }
      local data, answer = ("x"):rep(1 << 20), 1
      while answer > 0 do answer = client:sslWrite(data) end
      assert.equal(scissl.SSL_ERROR_WANT_WRITE, client:sslGetError(answer))
      assert.equal("w", client:events())
      assert.is_true(server:isSecure())
    end)

    it("answers 1 again when it is repeated after its end", function()
      local client, server = ends.connected { version = version }
      assert.equal(1, client:sslConnect())
      assert.equal(1, server:sslAccept())
    end)

    it("answers exactly one value, whatever it is (S5)", function()
      local client, server = ends.pair { version = version, transport = "memory" }
      assert.equal(1, select("#", client:sslConnect()))
      server:sslFeed "this is no TLS, and long enough to see that"
      assert.equal(1, select("#", server:sslAccept()))
      assert.equal(1, select("#", server:sslAccept()))
      assert.equal(1, select("#", server:sslRead()))
      assert.equal(1, select("#", server:sslWrite "x"))
      assert.equal(1, select("#", server:sslShutdown()))
    end)
  end)

  describe("sslGetError (S6), " .. version, function()
    it("answers the same when it is asked late and twice, whatever else happens in between", function()
      local client = ends.pair { version = version, transport = "memory" }
      local answer = client:sslConnect()
      local other, peer = ends.connected { version = version, transport = "memory" }
      assert.equal(1, other:sslWrite "x")
      peer:sslFeed "rubbish"
      scissl.SciSslX509Certificate.fromPem "rubbish"
      for _ = 1, 2 do assert.equal(scissl.SSL_ERROR_WANT_READ, client:sslGetError(answer)) end
    end)

    it("answers SSL_ERROR_NONE for a result", function()
      local client, server = ends.connected { version = version }
      assert.equal(scissl.SSL_ERROR_NONE, client:sslGetError(1))
      assert.equal(scissl.SSL_ERROR_NONE, client:sslGetError(client:sslWrite "hello"))
      assert.equal(scissl.SSL_ERROR_NONE, server:sslGetError(ends.read(server, client)))
      assert.equal(scissl.SSL_ERROR_NONE, client:sslGetError(client:sslWrite ""))
    end)

    it("answers what a SciSslError holds", function()
      local client = ends.pair { version = version, transport = "memory" }
      client:sslFeed "this is no TLS at all"
      local failure = client:sslConnect()
      assert.is_true(scissl.isSslError(failure))
      assert.equal(scissl.SSL_ERROR_SSL, client:sslGetError(failure))
    end)

    it("answers for -1 the code behind the last call that was not yet done", function()
      local client = ends.pair { version = version, transport = "memory" }
      client:sslConnect()
      assert.equal(scissl.SSL_ERROR_WANT_READ, client:sslGetError(-1))
    end)

    it("raises for what no call answers", function()
      local client = ends.pair { version = version }
      assert.error_matches(function() client:sslGetError(-77) end, "bad argument #1 to 'sslGetError'")
      assert.error_matches(function() client:sslGetError {} end, "bad argument #1 to 'sslGetError'")
      assert.error_matches(function() client:sslGetError() end, "bad argument #1 to 'sslGetError'")
    end)
  end)

  describe("a failed handshake (S5), " .. version, function()
    it("answers an instance of SciSslError with what OpenSSL reported, and raises nothing", function()
      local _, server = ends.pair { version = version, transport = "memory" }
      server:sslFeed "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
      local failure = server:sslAccept()
      assert_error(failure, "plain_http", "accept")
      assert.equal("SSL routines", failure:library())
      assert.truthy(failure:reason())
      assert.is_true(failure:code() > 0)
      assert.is_true(#failure:queue() > 0)
    end)

    it("answers the same SciSslError when it is repeated", function()
      local _, server = ends.pair { version = version, transport = "memory" }
      server:sslFeed "GET / HTTP/1.1\r\n\r\n"
      local failure = server:sslAccept()
      assert.equal(failure, server:sslAccept())
      assert.equal(failure, server:sslRead())
      assert.equal(failure, server:sslWrite "x")
    end)

    it("is told from a peer that closes in the middle", function()
      local client, server = ends.pair { version = version }
      client:sslConnect()
      client:close()
      local answer = server:sslAccept()
      while ends.notYet(server, answer) do
        assert(server:wait("r", 30))
        answer = server:sslAccept()
      end
      assert.is_true(scissl.isSslError(answer))
      assert.is_true(answer:condition() == "handshake_eof" or answer:condition() == "broken_pipe"
        or answer:condition() == "connection_reset", answer:condition())
    end)
  end)
end

describe("the two roles", function()
  it("are not mixed: sslAccept after sslConnect is a clear error, and the handshake goes on", function()
    local client, server = ends.pair()
    client:sslConnect()
    assert_error(client:sslAccept(), "wrong_role", "accept")
    assert.same({ 1, 1 }, { ends.handshake(client, server) })
    assert_error(server:sslConnect(), "wrong_role", "connect")
  end)
end)

describe("a stale OpenSSL error", function()
  it("does not colour the next call of another socket (S5)", function()
    local client, server = ends.connected()
    for _ = 1, 3 do
      assert.is_nil((scissl.SciSslX509Certificate.fromPem "rubbish"))
      assert.is_nil((scissl.SciSslPrivateKey.fromPem "rubbish"))
      assert.is_nil((scissl.SciSslContext.new():setCipherList "NO-SUCH-CIPHER"))
      local answer = server:sslRead()
      assert.equal(scissl.SSL_ERROR_WANT_READ, server:sslGetError(answer))
    end
    assert.equal(2, client:sslWrite "ok")
    assert.equal("ok", ends.read(server, client))
  end)
end)
