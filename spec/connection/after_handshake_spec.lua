-- What either end may begin on a connection that is established: half-closing, new keys, renegotiation, authentication.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("Half-closing, " .. version, function()
    it("leaves the other direction open until it is closed, too", function()
      local client, server = ends.memory { version = version }
      assert.are.equal(0, client:sslShutdown())
      ends.shuttle(client, server)
      assert.are.equal(0, server:sslRead())
      assert.are.equal(10, server:sslWrite "still here")
      assert.are.equal("still here", ends.read(client, server))
      refusals.answer("shutdown_sent", client:sslWrite "x")
      assert.are.equal(1, server:sslShutdown())
      ends.shuttle(client, server)
      assert.are.equal(0, client:sslRead())
      assert.are.equal(1, client:sslShutdown())
    end)
  end)

  describe("Key updates, " .. version, function()
    it("go both ways, with data before, between and after", function()
      if version == "TLSv1.2" then return end
      local client, server = ends.memory { version = version }
      for round = 1, 5 do
        assert.are.equal(1, client:sslKeyUpdate(round % 2 == 0))
        assert.are.equal(1, server:sslKeyUpdate(round % 2 == 1))
        client:sslWrite "a"
        server:sslWrite "b"
        assert.are.equal("a", ends.read(server, client))
        assert.are.equal("b", ends.read(client, server))
      end
    end)
  end)
end

describe("Renegotiation (TLS 1.2)", function()
  local function connected(client_may, server_may)
    return ends.connected {
      version = "TLSv1.2", transport = "memory",
      client = { setup = function(context) if client_may then context:setRenegotiation(true) end end },
      server = { setup = function(context) if server_may then context:setRenegotiation(true) end end },
    }
  end

  it("is refused at first, and the connection goes on", function()
    local client, server = connected(true, false)
    client:sslRenegotiate()
    ends.shuttle(client, server)
    assert.is_true(ends.notYet(server, server:sslRead()))
    assert.are.same({ { name = "no_renegotiation", level = "warning", code = 100 } }, server:alertsSent())
    server:sslWrite "still here"
    ends.shuttle(client, server)
    refusals.answer("renegotiation_refused", client:sslRead())
  end)

  it("is not asked for by an end that does not allow it", function()
    local client, server = connected(false, false)
    refusals.answer("renegotiation_refused", client:sslRenegotiate())
    refusals.answer("renegotiation_refused", server:sslRenegotiate())
  end)

  it("is done where both allow it", function()
    local client, server = connected(true, true)
    assert.is_true(ends.notYet(client, client:sslRenegotiate()))
    repeat
      client:sslRead()
      server:sslRead()
    until ends.shuttle(client, server) == 0
    client:sslWrite "with new keys"
    assert.are.equal("with new keys", ends.read(server, client))
    assert.are.same({ 1, 0 }, { client:statistics().renegotiations, server:statistics().renegotiations })
  end)

  it("can be forbidden again", function()
    local context = ends.serverContext()
    context:setRenegotiation(true)
    assert.are.equal(0, context:getOptions() & scissl.SSL_OP_NO_RENEGOTIATION)
    context:setRenegotiation(false)
    assert.are_not.equal(0, context:getOptions() & scissl.SSL_OP_NO_RENEGOTIATION)
    assert.are.equal(0, context:getOptions() & scissl.SSL_OP_ALLOW_CLIENT_RENEGOTIATION)
    assert.error_matches(function() context:setRenegotiation() end, "bad argument #1 to 'setRenegotiation'")
  end)
end)

describe("Authentication after the handshake (TLS 1.3)", function()
  local LATER = scissl.SSL_VERIFY_PEER | scissl.SSL_VERIFY_POST_HANDSHAKE

  local function connected(identity, may, flags)
    return ends.connected {
      version = "TLSv1.3", transport = "memory",
      client = { identity = identity, setup = function(context)
        if may then assert.are.equal(context, context:setPostHandshakeAuth(true)) end
      end },
      server = { verify = flags or LATER },
    }
  end

  it("shows the client's certificate when it is asked for", function()
    local client, server = connected(pki.client, true)
    assert.is_nil(server:peerCertificate())
    assert.are.equal(1, server:sslVerifyClientPostHandshake())
    ends.shuttle(client, server)
    client:sslRead()
    ends.shuttle(client, server)
    assert.is_true(ends.notYet(server, server:sslRead()))
    assert.are.equal("CN=client", server:peerCertificate():subject())
    assert.are.equal(scissl.X509_V_OK, (server:sslVerifyCertificate()))
    client:sslWrite "after"
    assert.are.equal("after", ends.read(server, client))
  end)

  it("ends the connection where the certificate is not accepted", function()
    local client, server = connected(pki.stranger, true)
    server:sslVerifyClientPostHandshake()
    ends.shuttle(client, server)
    client:sslRead()
    ends.shuttle(client, server)
    refusals.answer("certificate_unknown_issuer", server:sslRead())
    ends.shuttle(client, server)
    refusals.answer("client_certificate_refused", client:sslRead())
  end)

  it("ends the connection where a certificate is required and there is none", function()
    local client, server = connected(nil, true, LATER | scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT)
    server:sslVerifyClientPostHandshake()
    ends.shuttle(client, server)
    client:sslRead()
    ends.shuttle(client, server)
    refusals.answer("client_certificate_missing", server:sslRead())
  end)

  it("is refused where the client has not offered it", function()
    local _, server = connected(pki.client, false)
    refusals.answer("post_handshake_refused", server:sslVerifyClientPostHandshake())
    assert.is_true(server:isSecure())
  end)

  it("is asked for once at a time", function()
    local _, server = connected(pki.client, true)
    server:sslVerifyClientPostHandshake()
    refusals.answer("request_sent", server:sslVerifyClientPostHandshake())
  end)

  it("is for servers of TLS 1.3 whose handshake is done", function()
    local client = connected(pki.client, true)
    refusals.answer("wrong_role", client:sslVerifyClientPostHandshake())
    local _, old = ends.connected { version = "TLSv1.2" }
    refusals.answer("protocol_version", old:sslVerifyClientPostHandshake())
    local _, fresh = ends.pair()
    refusals.answer("handshake_needed", fresh:sslVerifyClientPostHandshake())
  end)
end)
