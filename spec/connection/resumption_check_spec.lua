-- A session does not bring back whom a full handshake would refuse today.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

local REQUIRE = scissl.SSL_VERIFY_PEER | scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT

-- A certificate that ends by the clock once `connect` has made a session with it: in the next second, or later on a
-- machine that is slower than that. Answers what `connect` answers, and when the certificate ends.
local function before_the_end(fields, connect)
  local life = 1
  while true do
    local now = os.time()
    fields.notBefore, fields.notAfter = now - 100, now + life
    local session, context = connect(pki.issue(fields))
    if session then return session, context, now + life end
    life = life * 2
  end
end

local function wait_until_after(moment)
  local near <close> = assert(scissl.SciSocket.pair())
  while os.time() <= moment do near:wait("r", 0.05) end
end

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  for _, kind in ipairs { "tickets", "the cache" } do
    describe(("A client that resumes by %s, %s"):format(kind, version), function()
      local server_context, trust
      before_each(function()
        trust = pki.ca
        server_context = ends.serverContext { method = version, verify = REQUIRE, setup = function(context)
          if kind == "the cache" then context:setOptions(scissl.SSL_OP_NO_TICKET) end
        end }
      end)

      local function meet(client_context, session, context)
        return ends.meet { client = client_context, server = context or server_context, session = session }
      end

      it("is let in again while its certificate is good", function()
        assert.truthy(trust)
        local client_context = ends.clientContext { method = version, identity = pki.client }
        local client = meet(client_context)
        local _, server, _, answer = meet(client_context, client:getSession())
        assert.are.equal(1, answer)
        assert.is_true(server:isSessionReused())
        assert.are.equal("CN=client", server:peerCertificate():subject())
      end)

      it("is refused when its certificate has expired since #slow", function()
        local session, client_context, last = before_the_end({ subject = "CN=ephemeral" }, function(identity)
          local context = ends.clientContext { method = version, identity = identity }
          local client, _, _, answer = meet(context)
          if answer ~= 1 then return assert.are.equal("certificate_expired", answer:condition()) and nil end
          return client:getSession(), context
        end)
        wait_until_after(last)
        local again, server, _, answer = meet(client_context, session)
        assert.is_true(scissl.isSslError(answer))
        assert.are.equal("certificate_expired", answer:condition())
        assert.are.equal(scissl.X509_V_ERR_CERT_HAS_EXPIRED, (answer:verifyResult()))
        assert.is_false(server:isSecure())
        assert.are.equal(answer, server:sslRead())
        server:close()
        local told = ends.read(again, server)
        if kind == "tickets" or version == "TLSv1.3" then
          assert.are.equal("certificate_expired", (told:alert()))
        else assert.are.equal("truncated", told:condition()) end
      end)

      it("is refused when a certificate is asked for that the session was made without", function()
        server_context:setVerify(scissl.SSL_VERIFY_NONE)
        local client_context = ends.clientContext { method = version }
        local client = meet(client_context)
        local session = client:getSession()
        server_context:setVerify(REQUIRE)
        local _, server, _, answer = meet(client_context, session)
        assert.is_true(scissl.isSslError(answer))
        assert.is_false(server:isSecure())
      end)

      it("is not judged by a server that does not verify", function()
        server_context:setVerify(scissl.SSL_VERIFY_NONE)
        local client_context = ends.clientContext { method = version }
        local client = meet(client_context)
        local _, server, _, answer = meet(client_context, client:getSession())
        assert.are.equal(1, answer)
        assert.is_true(server:isSessionReused())
      end)
    end)
  end

  describe("A client, " .. version, function()
    it("leaves a session out whose server's certificate has expired since #slow", function()
      local client_context = ends.clientContext { method = version }
      local fields = { subject = "CN=localhost", names = { "localhost" } }
      local session, server_context, last = before_the_end(fields, function(identity)
        local context = ends.serverContext { method = version, identity = identity }
        local client, server = ends.pair { client = client_context, server = context }
        local answer = ends.handshake(client, server)
        if answer ~= 1 then return assert.are.equal("certificate_expired", answer:condition()) and nil end
        server:sslWrite "x"
        ends.read(client, server)
        return client:getSession(), context
      end)
      wait_until_after(last)
      local client, server = ends.pair { client = client_context, server = server_context }
      client:setSession(session)
      assert.are.equal("certificate_expired", (ends.handshake(client, server)):condition())
    end)
  end)
end

describe("Early data of a client whose certificate has expired since #slow", function()
  it("is not taken", function()
    local server_context = ends.serverContext { method = "TLSv1.3", verify = REQUIRE, setup = function(context)
      context:setMaxReplayableData(1000)
    end }
    local session, client_context, last = before_the_end({ subject = "CN=ephemeral" }, function(identity)
      local context = ends.clientContext { method = "TLSv1.3", identity = identity }
      local client, server = ends.pair { client = context, server = server_context, transport = "memory" }
      local _, answer = ends.handshake(client, server)
      if answer ~= 1 then return assert.are.equal("certificate_expired", answer:condition()) and nil end
      server:sslWrite "x"
      ends.read(client, server)
      return client:getSession(), context
    end)
    wait_until_after(last)
    local client, server = ends.pair { client = client_context, server = server_context, transport = "memory" }
    client:setSession(session)
    assert.are.equal(5, client:sslWriteReplayable "GET /")
    ends.shuttle(client, server)
    repeat
      local answer = server:sslReadReplayable()
      assert.are_not.equal("string", type(answer))
      client:sslConnect()
    until ends.shuttle(client, server) == 0 or answer == 0
    local _, answer = ends.handshake(client, server)
    assert.are.equal("certificate_expired", answer:condition())
  end)
end)
