-- SciSslContext, who we are: several certificates in one context, chains, and whether the key fits.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local SciSslContext, SciSslPrivateKey = scissl.SciSslContext, scissl.SciSslPrivateKey

local function server(key)
  return pki.issue { subject = "CN=localhost", names = { "localhost" }, key = assert(key) }
end

local identities = {
  RSA = server(pki.rsaKey()),
  EC = server(SciSslPrivateKey.generate("EC", "P-256")),
  ED25519 = server(SciSslPrivateKey.generate("Ed25519")),
}
local algorithms = { RSA = "rsa_pss_rsae_sha256:RSA+SHA256", EC = "ECDSA+SHA256", ED25519 = "ed25519" }

local function use(context, identity)
  assert(context:useCertificate(identity.certificate))
  assert(context:usePrivateKey(identity.key))
end

local function with_all(context)
  for _, name in ipairs { "RSA", "EC", "ED25519" } do use(context, identities[name]) end
end

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("Several certificates in one context, " .. version .. ",", function()
    for name, list in pairs(algorithms) do
      it("are chosen by the client's signature algorithms: " .. name, function()
        local client = ends.connected { transport = "memory", version = version,
          server = { identity = false, setup = with_all },
          client = { setup = function(context)
            assert(context:setSignatureAlgorithms(list))
          end } }
        assert.are.equal(name, client:peerCertificate():keyType())
      end)
    end

    it("are a client's, too", function()
      local _, far = ends.connected { transport = "memory", version = version,
        client = { setup = with_all },
        server = { verify = scissl.SSL_VERIFY_PEER, trust = pki.ca, setup = function(context)
          assert(context:setSignatureAlgorithms("ed25519:ECDSA+SHA384"))
        end, identity = identities.ED25519 } }
      assert.are.equal("ED25519", far:peerCertificate():keyType())
    end)

    it("have chains of their own", function()
      local middle = pki.issue { subject = "CN=middle", ca = true }
      local leaf = pki.issue { subject = "CN=localhost", names = { "localhost" }, issuer = middle,
        key = identities.RSA.key }
      local function setup(context)
        assert(context:useCertificateChain { leaf.certificate, middle.certificate })
        assert(context:usePrivateKey(leaf.key))
        use(context, identities.EC)
      end
      for name, length in pairs { RSA = 2, EC = 1 } do
        local client = ends.connected { transport = "memory", version = version,
          -- Without trust: OpenSSL would send what it finds there along.
          server = { identity = false, trust = false, setup = setup },
          client = { setup = function(context)
            assert(context:setSignatureAlgorithms(algorithms[name]))
          end } }
        assert.are.equal(length, #client:peerChain(), name)
      end
    end)
  end)

  describe("A chain, " .. version .. ",", function()
    local middle = pki.issue { subject = "CN=middle", ca = true }
    local leaf = pki.issue { subject = "CN=localhost", names = { "localhost" }, issuer = middle }

    local function met(setup)
      local client, far = ends.pair { transport = "memory", version = version,
        server = { identity = false, setup = function(context)
          setup(context)
          assert(context:usePrivateKey(leaf.key))
        end } }
      return (ends.handshake(client, far))
    end

    it("is sent as a list of certificates", function()
      assert.are.equal(1, met(function(context)
        assert(context:useCertificateChain { leaf.certificate, middle.certificate })
      end))
      refusals.failed("certificate_unknown_issuer", "connect", met(function(context)
        assert(context:useCertificateChain { leaf.certificate })
      end))
    end)

    it("is sent where it came piece by piece", function()
      assert.are.equal(1, met(function(context)
        assert(context:useCertificate(leaf.certificate):addChainCertificate(middle.certificate))
      end))
    end)

    it("of later does not reach a connection of before (S9)", function()
      local context = ends.serverContext { method = version, identity = leaf }
      local client, far = ends.pair { transport = "memory", version = version, server = context }
      assert(context:addChainCertificate(middle.certificate))
      refusals.failed("certificate_unknown_issuer", "connect", (ends.handshake(client, far)))
      assert.are.equal(1, (ends.handshake(ends.pair { transport = "memory", version = version, server = context })))
    end)
  end)
end

describe("checkPrivateKey", function()
  it("tells whether the certificate that was used last has its key", function()
    local context = SciSslContext.new()
    refusals.refused("no_certificate", "load", nil, context:checkPrivateKey())
    assert(context:useCertificate(identities.EC.certificate))
    refusals.refused("no_private_key", "load", nil, context:checkPrivateKey())
    assert(context:usePrivateKey(identities.EC.key))
    assert.are.equal(context, context:checkPrivateKey())
    assert(context:useCertificate(identities.RSA.certificate))
    refusals.refused("no_private_key", "load", nil, context:checkPrivateKey())
  end)

  it("is hardly needed: a key that does not fit is refused at once", function()
    local context = assert(SciSslContext.new():useCertificate(identities.EC.certificate))
    refusals.refused("key_mismatch", "load", nil, context:usePrivateKey(pki.server.key))
    refusals.refused("no_private_key", "load", nil, context:checkPrivateKey())
  end)
end)

describe("Bad input to identities", function()
  it("raises where a chain is empty, or holds other things", function()
    local closed = pki.issue { subject = "CN=closed" }.certificate
    closed:close()
    local context = SciSslContext.new()
    for _, list in ipairs { {}, { "PEM" }, { closed }, { pki.server.certificate, pki.server.key }, "x", 1, true } do
      assert.error_matches(function() context:useCertificateChain(list) end, "bad argument #1 to 'useCertificateChain'")
    end
    assert.error_matches(function() context:useCertificateChain() end, "bad argument #1 to 'useCertificateChain'")
    for _, value in ipairs { closed, "x", true } do
      assert.error_matches(function() context:addChainCertificate(value) end,
        "bad argument #1 to 'addChainCertificate'")
    end
    assert.are.same({}, context:describe().certificates)
  end)

  it("is refused where nothing is there to be chained to, or the key that waits is another's", function()
    local context = SciSslContext.new()
    refusals.refused("no_certificate", "load", nil, context:addChainCertificate(pki.ca.certificate))
    assert(context:usePrivateKey(identities.EC.key))
    refusals.refused("key_mismatch", "load", nil, context:useCertificateChain { pki.server.certificate })
  end)

  it("leaves what was there where the security level forbids an issuer", function()
    local weak = pki.issue { subject = "CN=weak", ca = true, key = assert(SciSslPrivateKey.generate("RSA", 1024)) }
    local context = assert(SciSslContext.new():setSecurityLevel(2):useCertificate(pki.server.certificate))
    local before = context:describe()
    refusals.refused("security_level", "load", nil,
      context:useCertificateChain { identities.EC.certificate, weak.certificate })
    refusals.refused("security_level", "load", nil, context:addChainCertificate(weak.certificate))
    assert.are.same(before, context:describe())
  end)
end)
