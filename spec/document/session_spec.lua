-- Document row S2: sessions, and isSecure.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

-- Connects, and closes; answers the session, whether it was resumed, and the server's view of that.
local function visit(server_context, options)
  options = options or {}
  options.server = server_context
  local client, server, client_answer, server_answer = ends.meet(options)
  assert.same({ 1, 1 }, { client_answer, server_answer })
  local session, reused, seen = client:getSession(), client:isSessionReused(), server:isSessionReused()
  client:close()
  server:close()
  assert.equal(reused, seen)
  return session, reused
end

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("a session (S2), " .. version, function()
    local server_context
    before_each(function() server_context = ends.serverContext { method = version } end)

    it("is resumed by the next connection that is given it", function()
      local session, reused = visit(server_context)
      assert.is_false(reused)
      assert.is_true(session:isResumable())
      assert.equal(version, session:protocol())
      assert.is_true((select(2, visit(server_context, { session = session }))))
    end)

    it("answered by a resumed connection is resumed in turn", function()
      local session = visit(server_context)
      local reused
      for _ = 1, 3 do
        session, reused = visit(server_context, { session = session })
        assert.is_true(reused)
      end
    end)

    it("outlives the client's context and socket", function()
      local session = visit(server_context, { client = ends.clientContext { method = version } })
      collectgarbage()
      collectgarbage()
      local _, reused = visit(server_context, { session = session, client = ends.clientContext { method = version } })
      assert.is_true(reused)
    end)

    for _, form in ipairs { "Pem", "Der" } do
      it("is resumed after it went through to" .. form .. " and from" .. form, function()
        local session = visit(server_context)
        local text = assert(session["to" .. form](session))
        local copy = assert(scissl.OSSslSession["from" .. form](text))
        local _, reused = visit(server_context, { session = copy })
        assert.is_true(reused)
      end)
    end

    it("survives a connection that ended without close_notify", function()
      local client, server = ends.connected { version = version, server = server_context }
      assert.equal(2, server:sslWrite "hi")
      assert.equal("hi", ends.read(client, server))
      local session = assert(client:getSession())
      client, server = nil, nil -- luacheck: ignore
      collectgarbage()
      collectgarbage()
      local _, reused = visit(server_context, { session = session })
      assert.is_true(reused)
    end)

    it("of another server is not taken: a full handshake follows", function()
      local session = visit(server_context)
      local _, reused = visit(ends.serverContext { method = version }, { session = session })
      assert.is_false(reused)
    end)

    it("that was made without verification is not resumed by a client that verifies", function()
      local session = visit(server_context, { client = ends.clientContext {
        method = version, trust = false, verify = scissl.SSL_VERIFY_NONE } })
      local _, reused = visit(server_context, { session = session })
      assert.is_false(reused)
    end)

    it("with one host is not resumed by a client that verifies another", function()
      local everywhere = pki.issue { subject = "CN=localhost", names = { "localhost", "other.example" } }
      local named = ends.serverContext { method = version, identity = everywhere }
      local session = visit(named, { verifyHost = "other.example" })
      local _, reused = visit(named, { session = session, verifyHost = "localhost" })
      assert.is_true(reused) -- its certificate is good for both
      session = visit(server_context, { verifyHost = "localhost" })
      local client, server = ends.pair { version = version, server = server_context, verifyHost = "other.example" }
      assert(client:setSession(session))
      local answer = ends.handshake(client, server)
      assert.is_true(scissl.isSslError(answer))
      assert.equal("certificate_wrong_host", answer:condition())
    end)

    it("is resumed with client certificates at once, the certificate still known", function()
      local flags = scissl.SSL_VERIFY_PEER | scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT
      local strict = ends.serverContext { method = version, trust = pki.ca, verify = flags }
      local client_context = ends.clientContext { method = version, identity = pki.client }
      local session = visit(strict, { client = client_context })
      local client, server = ends.pair { client = client_context, server = strict }
      assert(client:setSession(session))
      assert.same({ 1, 1 }, { ends.handshake(client, server) })
      assert.is_true(server:isSessionReused())
      assert.equal("CN=client", server:peerCertificate():subject())
      assert.equal(scissl.X509_V_OK, (server:sslVerifyCertificate()))
    end)

    it("cannot be set before sslInitialize, after the handshake began, or after close", function()
      local session = visit(server_context)
      local client, server = ends.pair { version = version, initialize = false }
      local _, err = client:setSession(session)
      assert.equal("not_initialized", err:condition())
      assert(client:sslInitialize())
      assert.equal(client, client:setSession(session))
      client:sslConnect()
      _, err = client:setSession(session)
      assert.equal("handshake_under_way", err:condition())
      client:close()
      _, err = client:setSession(session)
      assert.equal("closed", err:condition())
      server:close()
    end)

    it("is nil while there is none that resumes", function()
      local client = ends.pair { version = version }
      assert.is_nil(client:getSession())
      client:sslConnect()
      assert.is_nil(client:getSession())
      client:close()
      assert.is_nil(client:getSession())
    end)

    it("is nil where the server gives none", function()
      local none = ends.serverContext { method = version, setup = function(context)
        context:setOptions(scissl.SSL_OP_NO_TICKET)
      end }
      local client, server = ends.connected { version = version, server = none }
      if version == "TLSv1.2" then
        assert.is_true(client:getSession() == nil or client:getSession():isResumable())
      else
        assert.equal(2, server:sslWrite "hi")
        assert.equal("hi", ends.read(client, server))
        assert.is_true(client:getSession() == nil or client:getSession():isResumable())
      end
    end)
  end)

  describe("isSecure (S2), " .. version, function()
    it("is false until the handshake completes, and true until close", function()
      local client, server = ends.pair { version = version, initialize = false }
      assert.is_false(client:isSecure())
      assert(client:sslInitialize())
      assert(server:sslInitialize())
      assert.is_false(client:isSecure())
      client:sslConnect()
      assert.is_false(client:isSecure())
      assert.same({ 1, 1 }, { ends.handshake(client, server) })
      assert.is_true(client:isSecure())
      client:close()
      assert.is_false(client:isSecure())
    end)

    it("is false after sslShutdown and after a failure", function()
      local client, server = ends.connected { version = version, transport = "memory" }
      client:sslShutdown()
      assert.is_false(client:isSecure())
      server:sslFeed(("\0"):rep(100))
      assert.is_true(scissl.isSslError(server:sslRead()))
      assert.is_false(server:isSecure())
    end)
  end)
end

describe("getSession (S2), TLSv1.3", function()
  it("answers nil while the handshake is done and no ticket has come", function()
    local client, server = ends.pair { version = "TLSv1.3", transport = "memory" }
    client:sslConnect()
    server:sslFeed(client:sslDrain())
    server:sslAccept()
    client:sslFeed(server:sslDrain())
    assert.equal(1, client:sslConnect())
    assert.is_nil(client:getSession())
    server:sslFeed(client:sslDrain())
    assert.equal(1, server:sslAccept())
    client:sslFeed(server:sslDrain())
    assert.is_true(client:getSession():isResumable())
  end)

  it("looks at the tickets that have arrived, without a read", function()
    local client, server = ends.connected { version = "TLSv1.3", transport = "memory" }
    ends.shuttle(client, server)
    assert.is_true(client:getSession():isResumable())
  end)

  it("takes no application data while it looks", function()
    local client, server = ends.connected { version = "TLSv1.3", transport = "memory" }
    assert.equal(5, server:sslWrite "hello")
    ends.shuttle(client, server)
    assert.is_true(client:getSession():isResumable())
    assert.equal("hello", client:sslRead())
  end)
end)
