-- Handshakes that stand still until their caller has verified the peer's certificate: by hand, with sslGetError.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"
local suspending = require "spec.support.suspending"

local pair, until_suspended = suspending.pair, suspending.run
local VERDICT = suspending.VERIFY

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("A client suspended at the verdict, " .. version, function()
    local function suspended(options)
      options = options or {}
      options.version = version
      local client, server = pair(options)
      client:sslSuspendAt "verify"
      assert.are.equal(VERDICT, (until_suspended(client, server, client)))
      return client, server
    end

    it("tells OpenSSL's own, the chain as it came and as it was built", function()
      local client = suspended()
      local verdict = client:sslVerdict()
      assert.are.same({ true, scissl.X509_V_OK, "ok", 0, false },
        { verdict.ok, verdict.code, verdict.text, verdict.depth, verdict.resumed })
      assert.are.equal("CN=localhost", verdict.chain[1]:subject())
      assert.are.equal(pki.ca.certificate:subject(), verdict.verified[2]:subject())
    end)

    it("tells what is wrong, and at which depth", function()
      local client = suspended { server = { identity = pki.expired } }
      local verdict = client:sslVerdict()
      assert.are.same({ false, scissl.X509_V_ERR_CERT_HAS_EXPIRED, 0 }, { verdict.ok, verdict.code, verdict.depth })
      assert.are.equal("certificate has expired", verdict.text)
    end)

    it("goes on where OpenSSL is content and nobody says anything", function()
      local client, server = suspended()
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      assert.are.equal(scissl.X509_V_OK, (client:sslVerifyCertificate()))
    end)

    it("fails as without it where OpenSSL is not content and nobody says anything", function()
      local client, server = suspended { server = { identity = pki.expired } }
      local client_answer, server_answer = ends.handshake(client, server)
      assert.are.equal("certificate_expired", client_answer:condition())
      assert.are.equal("certificate_expired", (server_answer:alert()))
    end)

    it("goes on where it is approved, and still tells OpenSSL's result", function()
      local client, server = suspended { server = { identity = pki.selfSigned } }
      assert.are.equal(client, client:sslApprove())
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      assert.are.equal(scissl.X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, (client:sslVerifyCertificate()))
    end)

    for _, alert in ipairs {
      "bad_certificate", "unsupported_certificate", "certificate_revoked", "certificate_expired", "certificate_unknown",
      "unknown_ca", "decrypt_error", "handshake_failure", "internal_error",
    } do
      it("refuses with the alert " .. alert, function()
        local client, server = suspended()
        client:sslRefuse(alert, "I know better")
        local client_answer, server_answer = ends.handshake(client, server)
        assert.are.same({ "refused", "I know better" }, { client_answer:condition(), client_answer:message() })
        refusals.alert(alert, "sent", client_answer)
        refusals.alert(alert, "received", server_answer)
      end)
    end

    it("says certificate_unknown for alerts that OpenSSL cannot send here", function()
      local client, server = suspended()
      client:sslRefuse "access_denied"
      local client_answer = ends.handshake(client, server)
      assert.are.equal("certificate_unknown", (client_answer:alert()))
    end)

    it("stands still with SSL_VERIFY_NONE, too; then silence lets it pass, and a refusal does not", function()
      local client, server = suspended {
        client = { verify = scissl.SSL_VERIFY_NONE }, server = { identity = pki.selfSigned },
      }
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      client, server = suspended {
        client = { verify = scissl.SSL_VERIFY_NONE }, server = { identity = pki.selfSigned },
      }
      client:sslRefuse()
      local client_answer, server_answer = ends.handshake(client, server)
      assert.are.equal("refused", client_answer:condition())
      refusals.alert("bad_certificate", "received", server_answer)
    end)

    it("is asked about a resumed session, too, before any data is handed out", function()
      local context, server_context = ends.clientContext { method = version }, ends.serverContext { method = version }
      local client, server = ends.connected { client = context, server = server_context }
      server:sslWrite "x"
      ends.read(client, server)
      local session = client:getSession()
      client, server = pair { client = context, server = server_context }
      client:setSession(session)
      client:sslSuspendAt "verify"
      assert.are.equal(VERDICT, (until_suspended(client, server, client)))
      assert.is_true(client:sslVerdict().resumed)
      assert.are.equal("CN=localhost", client:sslVerdict().chain[1]:subject())
      assert.are.equal("handshake_needed", client:sslRead():condition())
      client:sslRefuse(nil, "not again")
      local answer = client:sslConnect()
      assert.are.same({ "refused", "not again" }, { answer:condition(), answer:message() })
      assert.are.equal(answer, client:sslRead())
    end)
  end)

  describe("A server suspended at the verdict, " .. version, function()
    local function suspended(options)
      options = options or {}
      options.version = version
      local client, server = pair(options)
      server:sslSuspendAt "verify"
      assert.are.equal(VERDICT, (until_suspended(client, server, server)))
      return client, server
    end
    local asking = { verify = scissl.SSL_VERIFY_PEER }

    it("tells of the client's certificate", function()
      local _, server = suspended { client = { identity = pki.client }, server = asking }
      local verdict = server:sslVerdict()
      assert.is_true(verdict.ok)
      assert.are.equal("CN=client", verdict.chain[1]:subject())
      assert.are.equal(pki.ca.certificate:subject(), verdict.verified[2]:subject())
    end)

    it("tells of a client without one", function()
      local _, server = suspended { server = asking }
      local verdict = server:sslVerdict()
      assert.are.same({}, verdict.chain)
      assert.are.same({ ok = false, text = "the peer presented no certificate" },
        { ok = verdict.ok, code = verdict.code, text = verdict.text })
    end)

    it("hands out no data before the verdict, and all of it after", function()
      local client, server = suspended { client = { identity = pki.client }, server = asking }
      if version == "TLSv1.3" then client:sslWrite "early bird" end
      assert.are.equal("handshake_needed", server:sslRead():condition())
      assert.are.equal("handshake_needed", server:sslWrite("x"):condition())
      assert.is_false(server:isSecure())
      server:sslApprove()
      local client_answer, server_answer = ends.handshake(client, server)
      assert.are.same({ 1, 1 }, { client_answer, server_answer })
      if version == "TLSv1.2" then client:sslWrite "early bird" end
      assert.are.equal("early bird", ends.read(server, client))
    end)

    it("tells what OpenSSL has against the client, and says so where nothing is decided", function()
      local _, server = suspended { client = { identity = pki.stranger }, server = asking }
      local verdict = server:sslVerdict()
      assert.is_false(verdict.ok)
      assert.are.equal("CN=client", verdict.chain[1]:subject())
      assert.are.equal(scissl.X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, verdict.code)
      assert.are.equal("certificate_unknown_issuer", server:sslAccept():condition())
    end)

    it("refuses, and the client learns of it", function()
      local client, server = suspended { client = { identity = pki.client }, server = asking, transport = "pair" }
      server:sslRefuse("access_denied", "not on the list")
      local answer = server:sslAccept()
      assert.are.same({ "refused", "not on the list" }, { answer:condition(), answer:message() })
      assert.are.equal(answer, server:sslRead())
      server:close()
      local client_answer = version == "TLSv1.3" and ends.read(client, server) or client:sslConnect()
      refusals.alert("access_denied", "sent", answer)
      refusals.alert("access_denied", "received", client_answer)
    end)

    it("is asked about a resumed session, too", function()
      local context = ends.clientContext { method = version, identity = pki.client }
      local server_context = ends.serverContext { method = version, verify = scissl.SSL_VERIFY_PEER }
      local client, server = ends.connected { client = context, server = server_context }
      server:sslWrite "x"
      ends.read(client, server)
      local session = client:getSession()
      client, server = pair { client = context, server = server_context }
      client:setSession(session)
      server:sslSuspendAt "verify"
      assert.are.equal(VERDICT, (until_suspended(client, server, server)))
      local verdict = server:sslVerdict()
      assert.is_true(verdict.resumed)
      assert.are.equal("CN=client", verdict.chain[1]:subject())
    end)
  end)
end
