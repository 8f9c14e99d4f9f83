-- Handshakes that stand still until their caller has chosen a certificate: by hand, with sslGetError.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"
local suspending = require "spec.support.suspending"

local pair, until_suspended = suspending.pair, suspending.run
local HELLO, CERTIFICATE = suspending.CLIENT_HELLO, suspending.CERTIFICATE

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("An end suspended where it needs a certificate, " .. version, function()
    it("is given one on a server", function()
      local client, server = pair { version = version, server = { identity = false } }
      server:sslSuspendAt("clientHello", "certificate")
      assert.are.equal(HELLO, until_suspended(client, server, server))
      assert.are.equal(CERTIFICATE, until_suspended(client, server, server))
      assert.are.equal("localhost", server:clientHello():serverName())
      assert(server:sslUseCertificate(pki.server.certificate:toPem(), pki.server.key:toPem()))
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      assert.are.equal("CN=localhost", client:peerCertificate():subject())
    end)

    it("is given one as DER", function()
      for _, key in ipairs { pki.server.key, assert(scissl.SciSslPrivateKey.generate "Ed25519") } do
        local identity = key == pki.server.key and pki.server
          or pki.issue { subject = "CN=localhost", names = { "localhost" }, key = key }
        local client, server = pair { version = version, server = { identity = false } }
        server:sslSuspendAt "certificate"
        assert.are.equal(CERTIFICATE, until_suspended(client, server, server))
        assert(server:sslUseCertificate(identity.certificate:toDer(), key:toDer()))
        assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
        assert.are.equal(identity.certificate:toDer(), client:peerCertificate():toDer())
      end
    end)

    it("knows as a client the names of the issuers as text and as they came", function()
      local REQUIRE = scissl.SSL_VERIFY_PEER | scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT
      local names = { "CN=first,O=caf\xc3\xa9", "CN=second" }
      local client, server = pair { version = version, server = { verify = REQUIRE, trust = pki.ca,
        setup = function(context) assert(context:setAcceptedIssuers(names)) end } }
      client:sslSuspendAt "certificate"
      assert.are.equal(CERTIFICATE, until_suspended(client, server, client))
      assert.are.same(names, client:acceptedIssuers())
      assert.are.same(names, client:acceptedIssuers "text")
      local raw = client:acceptedIssuers "der"
      assert.are.same({ "\x30", "\x30" }, { raw[1]:sub(1, 1), raw[2]:sub(1, 1) })
      local context = scissl.SciSslContext.new(version)
      assert(context:setAcceptedIssuers(raw, "der"))
      assert.are.same(names, context:describe().acceptedIssuers)
      refusals.condition("malformed_name", context:setAcceptedIssuers({ raw[1] .. "x" }, "der"))
      refusals.condition("malformed_name", context:setAcceptedIssuers({ raw[1]:sub(1, -2) }, "der"))
      refusals.condition("malformed_name", context:setAcceptedIssuers({ "CN=first" }, "der"))
      assert.are.same(names, context:describe().acceptedIssuers)
      assert.error_matches(function() client:acceptedIssuers "pem" end, "bad argument #1 to 'acceptedIssuers'")
      assert.error_matches(function() context:setAcceptedIssuers({}, "pem") end,
        "bad argument #2 to 'setAcceptedIssuers'")
    end)

    it("is given one on a client, which knows whose certificates are accepted", function()
      local server <close> = ends.openssl(("-cert %s -key %s -CAfile %s -Verify 1"):format(
        pki.server.certificateFile, pki.server.keyFile, pki.ca.certificateFile))
      local client = assert(scissl.SciSslSocket.new(ends.clientContext { method = version }))
      assert(client:connect("127.0.0.1", server.port))
      client:sslInitialize()
      client:sslSuspendAt "certificate"
      local asked
      local function step()
        local answer = client:sslConnect()
        if answer == -CERTIFICATE then
          asked = client:acceptedIssuers()
          assert(client:sslUseCertificate(pki.client.certificate, pki.client.key))
          return step()
        elseif ends.notYet(client, answer) then
          client:wait(client:sslGetError(answer) == scissl.SSL_ERROR_WANT_WRITE and "w" or "r", 30)
          return step()
        end
        return answer
      end
      assert.are.equal(1, step())
      assert.are.same({ pki.ca.certificate:subject() }, asked)
      server:write "well\n"
      assert.are.equal("well\n", ends.read(client))
      client:close()
    end)

    it("uses it in place of what the context has, of whatever kind their keys are #slow", function()
      local key = pki.rsaKey()
      local other = pki.issue { subject = "CN=other", names = { "localhost" }, key = key }
      local client, server = pair { version = version }
      server:sslSuspendAt "certificate"
      until_suspended(client, server, server)
      assert(server:sslUseCertificate(other.certificate, key))
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      assert.are.equal("CN=other", client:peerCertificate():subject())
    end)

    it("sends the issuers that come with it", function()
      local intermediate = pki.issue { subject = "CN=intermediate", ca = true }
      local leaf = pki.issue { subject = "CN=localhost", names = { "localhost" }, issuer = intermediate }
      local client, server = pair { version = version }
      server:sslSuspendAt "certificate"
      assert.are.equal(CERTIFICATE, until_suspended(client, server, server))
      assert(server:sslUseCertificate({ leaf.certificate, intermediate.certificate }, leaf.key))
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      assert.are.equal(2, #client:peerChain())
    end)

    it("goes on with what the context has, when nothing is given", function()
      local client, server = pair { version = version }
      server:sslSuspendAt "certificate"
      assert.are.equal(CERTIFICATE, until_suspended(client, server, server))
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    end)

    it("ends with internal_error where it is refused", function()
      local client, server = pair { version = version }
      server:sslSuspendAt "certificate"
      until_suspended(client, server, server)
      server:sslRefuse(nil, "none for you")
      local client_answer, server_answer = ends.handshake(client, server)
      assert.are.same({ "refused", "none for you" }, { server_answer:condition(), server_answer:message() })
      refusals.alert("internal_error", "sent", server_answer)
      assert.are.equal("internal_error", (client_answer:alert()))
    end)

    it("keeps the certificate that it has when another one is refused", function()
      local client, server = pair { version = version }
      server:sslSuspendAt "certificate"
      until_suspended(client, server, server)
      refusals.condition("key_mismatch", server:sslUseCertificate(pki.wrongHost.certificate, pki.server.key))
      refusals.condition("not_pem", server:sslUseCertificate("", pki.server.key))
      refusals.condition("not_pem", server:sslUseCertificate(pki.server.certificate, "nonsense"))
      refusals.condition("not_certificate", server:sslUseCertificate(pki.server.key:toPem(), pki.server.key))
      assert.error_matches(function() server:sslUseCertificate({}, pki.server.key) end,
        "bad argument #1 to 'sslUseCertificate'")
      assert.error_matches(function() server:sslUseCertificate({ 1 }, pki.server.key) end,
        "bad argument #1 to 'sslUseCertificate'")
      assert.error_matches(function() server:sslUseCertificate(pki.server.certificate) end,
        "bad argument #2 to 'sslUseCertificate'")
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      assert.are.equal("CN=localhost", client:peerCertificate():subject())
    end)
  end)
end
