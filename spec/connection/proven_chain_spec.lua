-- A context verifies the signatures of a chain once. All else about the chain is checked for each connection, and the
-- signatures of a certificate that only resembles a verified one are verified.
local scissl = require "scissl"
local crl = require "spec.support.crl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local suspending = require "spec.support.suspending"

local BAD_SIGNATURE = scissl.X509_V_ERR_CERT_SIGNATURE_FAILURE
local DAY = 24 * 60 * 60
local Certificate = scissl.SciSslX509Certificate

local intermediate = pki.issue { subject = "CN=intermediate", ca = true, days = 20 }
local function leaf_of(issuer, key)
  return pki.issue { subject = "CN=localhost", names = { "localhost" }, issuer = issuer, days = 40, key = key }
end
local leaf = leaf_of(intermediate)

-- The certificate with another signature.
local function forged(identity)
  local der = identity.certificate:toDer()
  return assert(Certificate.fromDer(der:sub(1, -2) .. string.char(der:byte(-1) ~ 1)))
end

-- An authority of the same name with a key of its own.
local impostor = pki.issue { subject = "CN=intermediate", ca = true, issuer = false }
local impostors_leaf = leaf_of(impostor)

local function serves(version, key, ...)
  local chain = { ... }
  return ends.serverContext { method = version, identity = false, setup = function(context)
    assert(context:useCertificateChain(chain))
    assert(context:usePrivateKey(key))
  end }
end

-- What happens to the client's context after connections that succeeded.
local changes = {
  {
    what = "whose own certificate has been revoked since",
    change = function(context)
      assert(context:addCrl(crl.make { issuer = intermediate, revoked = { leaf } }))
      context:setVerifyFlags "crl_check"
    end,
    reason = "certificate_revoked",
  },
  {
    what = "whose intermediate certificate has been revoked since",
    change = function(context)
      assert(context:addCrl(crl.make { revoked = { intermediate } }))
      assert(context:addCrl(crl.make { issuer = intermediate, revoked = {} }))
      context:setVerifyFlags { "crl_check", "crl_check_all" }
    end,
    reason = "certificate_revoked",
  },
  {
    what = "whose intermediate certificate has expired since",
    change = function(context) context:setVerifyTime(os.time() + 30 * DAY) end,
    reason = "certificate_expired",
  },
  {
    what = "whose own certificate is not valid yet at the time that is set now",
    change = function(context) context:setVerifyTime(os.time() - 30 * DAY) end,
    reason = "certificate_not_yet_valid",
  },
  {
    what = "below a security level that is asked for now",
    change = function(context) context:setAuthLevel(4) end,
    reason = "security_level",
  },
  {
    what = "further from the root than verifyDepth allows now",
    change = function(context) context:setVerifyDepth(0) end,
    reason = "certificate_chain_too_long",
  },
  {
    what = "whose certificates are not for the purpose that is set now",
    change = function(context) context:setPurpose "crlsign" end,
    reason = scissl.X509_V_ERR_INVALID_PURPOSE,
  },
  { what = "for another host", host = "elsewhere.example", reason = "certificate_wrong_host" },
  { what = "for another address", host = "192.0.2.1", reason = "certificate_wrong_ip" },
}

-- `reason`: a condition, or an X509_V_ERR_… code.
local function refused(answer, reason)
  assert.is_true(scissl.isSslError(answer), tostring(answer))
  assert.are.equal(reason, type(reason) == "string" and answer:condition() or answer:verifyResult())
end

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("A client that has verified the server's chain before, " .. version, function()
    local server = serves(version, leaf.key, leaf.certificate, intermediate.certificate)

    local function meet(context, other, host)
      return (select(3, ends.meet { client = context, server = other or server, verifyHost = host }))
    end

    local function knowing()
      local context = ends.clientContext { method = version }
      for _ = 1, 2 do assert.are.equal(1, meet(context)) end
      return context
    end

    it("reports the same result and the same chain", function()
      local context, seen = ends.clientContext { method = version }, {}
      for i = 1, 2 do
        local client, peer = ends.pair { client = context, server = server }
        client:sslSuspendAt "verify"
        suspending.run(client, peer, client)
        local verdict = client:sslVerdict()
        local names = {}
        for k, certificate in ipairs(verdict.verified) do names[k] = certificate:subject() end
        seen[i] = { verdict.ok, verdict.code, verdict.depth, names }
        assert.are.same({ 1, 1 }, { ends.handshake(client, peer) })
        assert.are.equal(scissl.X509_V_OK, (client:sslVerifyCertificate()))
      end
      assert.are.same({ true, 0, 0, { "CN=localhost", "CN=intermediate", pki.ca.certificate:subject() } }, seen[1])
      assert.are.same(seen[1], seen[2])
    end)

    for _, case in ipairs(changes) do
      it("rejects a server " .. case.what, function()
        local context = knowing()
        if case.change then case.change(context) end
        refused(meet(context, nil, case.host), case.reason)
      end)
    end

    it("rejects the same certificate with another signature", function()
      local context = knowing()
      refused(meet(context, serves(version, leaf.key, forged(leaf), intermediate.certificate)), BAD_SIGNATURE)
      assert.are.equal(1, meet(context))
    end)

    it("rejects the same intermediate certificate with another signature", function()
      refused(meet(knowing(), serves(version, leaf.key, leaf.certificate, forged(intermediate))),
        BAD_SIGNATURE)
    end)

    it("rejects a server of an authority that has only the same name", function()
      local context = knowing()
      local function rejects(identity, issuer, reason)
        refused(meet(context, serves(version, identity.key, identity.certificate, issuer.certificate)), reason)
      end
      rejects(impostors_leaf, impostor, "certificate_unknown_issuer")
      rejects(impostors_leaf, intermediate, "certificate_unknown_issuer")
      rejects(leaf, impostor, "certificate_unknown_issuer")
    end)

    it("does not take a chain for good whose errors were passed over", function()
      local context = ends.clientContext { method = version }
      local bad = serves(version, leaf.key, forged(leaf), intermediate.certificate)
      for _ = 1, 2 do
        local client, peer = ends.pair { client = context, server = bad }
        client:sslNoteVerifyErrors(true)
        assert.are.same({ 1, 1 }, { ends.handshake(client, peer) })
        assert.are.equal(1, #client:verifyErrors())
      end
      refused(meet(context, bad), BAD_SIGNATURE)
    end)

    it("does not take a chain for good that the caller has approved", function()
      local context = ends.clientContext { method = version }
      local bad = serves(version, leaf.key, forged(leaf), intermediate.certificate)
      local client, peer = ends.pair { client = context, server = bad }
      client:sslSuspendAt "verify"
      suspending.run(client, peer, client)
      assert.is_false(client:sslVerdict().ok)
      client:sslApprove()
      assert.are.same({ 1, 1 }, { ends.handshake(client, peer) })
      refused(meet(context, bad), BAD_SIGNATURE)
    end)

    it("verifies more chains than it remembers #slow", function()
      local context, contexts = ends.clientContext { method = version }, {}
      for i = 1, 20 do
        local identity = leaf_of(intermediate)
        contexts[i] = serves(version, identity.key, identity.certificate, intermediate.certificate)
      end
      for _ = 1, 2 do
        for i = 1, 20 do assert.are.equal(1, meet(context, contexts[i])) end
      end
      refused(meet(context, serves(version, leaf.key, forged(leaf), intermediate.certificate)), BAD_SIGNATURE)
    end)
  end)

  it("A server that has verified a client's chain before rejects a forged one, " .. version, function()
    local client_of = pki.issue { subject = "CN=client", issuer = intermediate }
    local server = ends.serverContext { method = version,
      verify = scissl.SSL_VERIFY_PEER | scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT }
    local function answer_to(certificate)
      local context = ends.clientContext { method = version, setup = function(context)
        assert(context:useCertificateChain { certificate, intermediate.certificate })
        assert(context:usePrivateKey(client_of.key))
      end }
      return (select(4, ends.meet { client = context, server = server }))
    end
    for _ = 1, 2 do assert.are.equal(1, answer_to(client_of.certificate)) end
    refused(answer_to(forged(client_of)), BAD_SIGNATURE)
    assert.are.equal(1, answer_to(client_of.certificate))
  end)
end
