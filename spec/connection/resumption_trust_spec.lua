-- A client that verifies resumes a session only while the server's whole chain would pass a full handshake now
-- (the class of CVE-2025-68121). Otherwise a full handshake takes place, which says what is wrong.
local scissl = require "scissl"
local crl = require "spec.support.crl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

local DAY = 24 * 60 * 60

local intermediate = pki.issue { subject = "CN=intermediate", ca = true, days = 20 }
local server = pki.issue { subject = "CN=localhost", names = { "localhost" }, issuer = intermediate, days = 40 }

-- How a session comes to the client that resumes it.
local ways = {
  ["that was kept"] = function(session) return session end,
  ["out of PEM"] = function(session) return assert(scissl.OSSslSession.fromPem(assert(session:toPem()))) end,
  ["out of DER"] = function(session) return assert(scissl.OSSslSession.fromDer(assert(session:toDer()))) end,
}

-- What does not pass any more: `first` and `now` describe the client's contexts.
local changes = {
  {
    what = "under another authority",
    now = { trust = pki.otherCa },
    condition = "certificate_unknown_issuer",
  },
  {
    what = "whose intermediate certificate has been revoked since",
    now = { setup = function(context)
      assert(context:addCrl(crl.make { revoked = { intermediate } }))
      assert(context:addCrl(crl.make { issuer = intermediate, revoked = {} }))
      context:setVerifyFlags { "crl_check", "crl_check_all" }
    end },
    condition = "certificate_revoked",
  },
  {
    what = "whose own certificate has been revoked since",
    now = { setup = function(context)
      assert(context:addCrl(crl.make { issuer = intermediate, revoked = { server } }))
      context:setVerifyFlags "crl_check"
    end },
    condition = "certificate_revoked",
  },
  {
    what = "for whose issuer there is no revocation list",
    now = { setup = function(context) context:setVerifyFlags "crl_check" end },
    condition = "crl_missing",
  },
  {
    what = "whose intermediate certificate has expired since",
    now = { setup = function(context) context:setVerifyTime(os.time() + 30 * DAY) end },
    condition = "certificate_expired",
  },
  {
    what = "whose intermediate certificate was trusted and is not any more",
    first = { trust = intermediate, setup = function(context) context:setVerifyFlags "partial_chain" end },
    now = { trust = false },
    condition = "certificate_unknown_issuer",
  },
  {
    what = "below a security level that is asked for now",
    now = { setup = function(context) context:setAuthLevel(4) end },
    condition = "security_level",
  },
  {
    what = "for another host",
    host = "elsewhere.example",
    condition = "certificate_wrong_host",
  },
  {
    what = "for another address",
    host = "192.0.2.1",
    condition = "certificate_wrong_ip",
  },
  {
    what = "further from the root than verifyDepth allows now",
    now = { setup = function(context) context:setVerifyDepth(0) end },
    condition = "certificate_chain_too_long",
  },
}

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  local server_context = ends.serverContext { method = version, identity = false, setup = function(context)
    assert(context:useCertificateChain { server.certificate, intermediate.certificate })
    assert(context:usePrivateKey(server.key))
  end }

  local function meet(options, session, host)
    local given = { method = version }
    for name, value in pairs(options or {}) do given[name] = value end
    local client, _, answer = ends.meet {
      client = given, server = server_context, session = session, verifyHost = host,
    }
    return client, answer
  end

  for way, bring in pairs(ways) do
    describe(("A client with a session %s, %s"):format(way, version), function()
      it("resumes it while all is well", function()
        local first = meet()
        local client, answer = meet(nil, bring(first:getSession()))
        assert.are.equal(1, answer)
        assert.is_true(client:isSessionReused())
        assert.are.equal(scissl.X509_V_OK, (client:sslVerifyCertificate()))
      end)

      it("resumes what the resumed connection brings, too", function()
        local session = bring(meet():getSession())
        for _ = 1, 2 do
          local client = meet(nil, session)
          assert.is_true(client:isSessionReused())
          session = bring(client:getSession())
        end
      end)

      for _, change in ipairs(changes) do
        it("makes a full handshake with a server " .. change.what, function()
          local client, answer = meet(change.now, bring(meet(change.first):getSession()), change.host)
          assert.is_true(scissl.isSslError(answer), tostring(answer))
          assert.are.equal(change.condition, answer:condition())
          assert.is_false(client:isSecure())
        end)
      end
    end)
  end

  describe("A client whose context has verified the server before, " .. version, function()
    local function meet_with(context, session, host)
      local client, _, answer = ends.meet {
        client = context, server = server_context, session = session, verifyHost = host,
      }
      return client, answer
    end

    -- The context, and a session that it has resumed.
    local function knowing(options)
      options.method = version
      local context = ends.clientContext(options)
      local resumed = meet_with(context, meet_with(context):getSession())
      assert.is_true(resumed:isSessionReused())
      return context, resumed:getSession()
    end

    for _, change in ipairs(changes) do
      local setup = change.now and change.now.setup
      if setup or change.host then
        it("makes a full handshake with a server " .. change.what, function()
          local context, session = knowing {}
          if setup then setup(context) end
          local _, answer = meet_with(context, session, change.host)
          assert.is_true(scissl.isSslError(answer), tostring(answer))
          assert.are.equal(change.condition, answer:condition())
        end)
      end
    end

    it("makes a full handshake where no certificate is valid yet", function()
      local context, session = knowing {}
      assert(context:setVerifyTime(os.time() - 30 * DAY))
      local _, answer = meet_with(context, session)
      assert.are.equal("certificate_not_yet_valid", answer:condition())
    end)

    it("resumes where only one of the certificates of its authority is valid now", function()
      local fields = {
        subject = "CN=scissl test authority", ca = true, issuer = false, key = pki.ca.key,
        notBefore = os.time() - 20 * DAY, notAfter = os.time() - 10 * DAY,
      }
      local expired = pki.issue(fields)
      for _, first in ipairs { expired, pki.ca } do
        local context, session = knowing { trust = first, setup = function(context)
          assert(context:addTrusted((first == expired and pki.ca or expired).certificate))
        end }
        assert(context:setVerifyTime(os.time() - 15 * DAY)) -- of the expired one, and no other
        local _, answer = meet_with(context, session)
        assert.are.equal("certificate_not_yet_valid", answer:condition())
      end
    end)
  end)

  describe("A client that verifies, " .. version, function()
    it("makes a full handshake where the session came without its intermediate certificates", function()
      local pem = meet():getSession():toPem()
      local bare = pem:match "^.-%-%-%-%-%-END SSL SESSION PARAMETERS%-%-%-%-%-\n"
      assert.is_true(#bare < #pem)
      local client, answer = meet(nil, assert(scissl.OSSslSession.fromPem(bare)))
      assert.are.equal(1, answer)
      assert.is_false(client:isSessionReused())
    end)

    it("resumes such a session where it knows the intermediate certificates itself", function()
      local bare = meet():getSession():toPem():match "^.-%-%-%-%-%-END SSL SESSION PARAMETERS%-%-%-%-%-\n"
      local function knows(context) assert(context:addTrusted(intermediate.certificate)) end
      local client = meet({ setup = knows }, assert(scissl.OSSslSession.fromPem(bare)))
      assert.is_true(client:isSessionReused())
    end)

    it("makes a full handshake in scissl.connect { session = … } under another authority", function()
      local listener <close> = assert(scissl.listen {
        host = "127.0.0.1", port = 0, context = server_context, waiter = "coroutine", timeout = 10,
      })
      local _, port = listener:getSockName()
      local results = ends.run(function() return listener:accept(10) end, function()
        return scissl.connect {
          host = "localhost", port = port, ca = pki.otherCa.certificate, session = meet():getSession(),
          waiter = "coroutine", timeout = 10,
        }
      end)
      assert.is_nil(results[2][1])
      assert.are.equal("certificate_unknown_issuer", results[2][2]:condition())
    end)

    it("makes a full handshake in place of a session of a pre-shared key that it has not", function()
      local key = ("k"):rep(32)
      local function suites(made)
        assert(made:setCipherList "PSK:ECDHE+AESGCM")
        assert(made:setCiphersuites "TLS_AES_128_GCM_SHA256")
      end
      local context = ends.serverContext { method = version, setup = function(made)
        made:setPskServer { alice = key }
        suites(made)
      end }
      local function client_of(psk)
        return ends.clientContext { method = version, setup = function(made)
          if psk then made:setPskClient("alice", key) end
          suites(made)
        end }
      end
      local knowing = client_of(true)
      local first, far = ends.connected { client = knowing, server = context }
      far:sslWrite "x"
      ends.read(first, far)
      assert.is_nil(first:peerCertificate())
      local session = assert(first:getSession())
      local client, other = ends.pair { client = client_of(false), server = context }
      client:setSession(session)
      assert.are.same({ 1, 1 }, { ends.handshake(client, other) })
      assert.are.equal("CN=localhost", client:peerCertificate():subject())
    end)

    it("resumes whatever it is given where it does not verify", function()
      local client = meet({ trust = false, verify = scissl.SSL_VERIFY_NONE }, meet():getSession())
      assert.is_true(client:isSessionReused())
    end)
  end)
end
