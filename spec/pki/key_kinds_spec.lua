-- Kinds of keys that newer OpenSSLs have: ML-DSA, SLH-DSA, SM2: made, written, read, in certificates, and in TLS.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local refusals = require "spec.support.refusals"

local SciSslPrivateKey, SciSslX509Certificate = scissl.SciSslPrivateKey, scissl.SciSslX509Certificate
local REQUIRE = scissl.SSL_VERIFY_PEER | scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT

-- Name of the key, and of the signature in certificates and in TLS (nil: TLS has none).
local kinds = {
  { "ML-DSA-44", "id-ml-dsa-44", "mldsa44" },
  { "ML-DSA-65", "id-ml-dsa-65", "mldsa65" },
  { "ML-DSA-87", "id-ml-dsa-87", "mldsa87" },
  { "SLH-DSA-SHA2-128f", "id-slh-dsa-sha2-128f" },
}

local function identity(kind, ca)
  local key = assert(SciSslPrivateKey.generate(kind))
  local certificate = assert(SciSslX509Certificate.issue { subject = "CN=localhost", names = { "localhost" }, key = key,
    ca = ca })
  return key, certificate
end

local function context(key, certificate)
  local made = assert(scissl.SciSslContext.new())
  assert(made:useCertificate(certificate):usePrivateKey(key))
  assert(made:addTrusted(certificate):setVerify(REQUIRE))
  return made
end

for _, names in ipairs(kinds) do
  local kind, signature, scheme = table.unpack(names)
  describe("keys of the kind " .. kind, function()
    if not scissl.features[kind] then
      it("are not in this OpenSSL", function()
        refusals.condition("not_in_this_openssl", SciSslPrivateKey.generate(kind))
      end)
      return
    end

    it("are made, written, and read again", function()
      local key = assert(SciSslPrivateKey.generate(kind))
      assert.are.equal(kind, key:type())
      assert.are.equal(key, SciSslPrivateKey.fromPem(key:toPem()))
      assert.are.equal(key, SciSslPrivateKey.fromDer(key:toDer()))
      assert.are.equal(key, SciSslPrivateKey.fromPem(key:toPem "secret", "secret"))
    end)

    it("issue certificates, which are verified", function()
      local key, certificate = identity(kind, true)
      assert.are.same({ kind, signature, true, true },
        { certificate:keyType(), certificate:signatureAlgorithm(), certificate:isSelfSigned(),
          certificate:matchesKey(key) })
      local leaf_key = assert(SciSslPrivateKey.generate "EC")
      local leaf = assert(SciSslX509Certificate.issue { subject = "CN=leaf", key = leaf_key, issuer = certificate,
        issuerKey = key })
      leaf = assert(SciSslX509Certificate.fromDer(leaf:toDer()))
      assert.are.equal(signature, leaf:signatureAlgorithm())
      assert.truthy(leaf:verify { certificate })
      local _, other = identity(kind, true)
      assert.is_nil((leaf:verify { other }))
    end)

    if scheme then
      it("authenticate both sides of TLS 1.3", function()
        local key, certificate = identity(kind)
        local client, server = ends.pair { client = context(key, certificate), server = context(key, certificate),
          transport = "memory" }
        assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
        assert.are.same({ scheme, scheme, scheme, scheme },
          { client:signatureScheme(), client:peerSignatureScheme(), server:signatureScheme(),
            server:peerSignatureScheme() })
        assert.are.equal(certificate, client:peerCertificate())
      end)
    else
      it("are refused clearly by TLS", function()
        local _, certificate = identity(kind)
        local failure = refusals.condition("key_not_for_tls",
          assert(scissl.SciSslContext.new()):useCertificate(certificate))
        assert.truthy(failure:errorHint():find("TLS in this OpenSSL cannot sign with keys of this kind", 1, true))
      end)
    end
  end)
end

describe("SM2", function()
  if not scissl.features.SM2 then
    it("is not in this OpenSSL", function()
      assert.is_nil((SciSslPrivateKey.generate "SM2"))
    end)
    return
  end

  it("makes keys and certificates", function()
    local key, certificate = identity "SM2"
    assert.are.same({ "SM2", "SM2-SM3", true }, { key:type(), certificate:signatureAlgorithm(),
      certificate:isSelfSigned() })
    assert.are.equal(key, SciSslPrivateKey.fromPem(key:toPem()))
    assert.truthy(certificate:verify { certificate })
  end)

  if scissl.features.curveSM2 then
    it("authenticates, exchanges keys and encrypts in TLS 1.3", function()
      local key, certificate = identity "SM2"
      local function national()
        local made = context(key, certificate)
        assert(made:setGroups "curveSM2":setSignatureAlgorithms "sm2sig_sm3":setCiphersuites "TLS_SM4_GCM_SM3")
        return made
      end
      local client, server = ends.pair { client = national(), server = national(), transport = "memory" }
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      assert.are.same({ "sm2sig_sm3", "sm2sig_sm3", "curveSM2", "TLS_SM4_GCM_SM3" },
        { client:peerSignatureScheme(), server:peerSignatureScheme(), client:negotiatedGroup(),
          client:cipher():name() })
    end)
  else
    it("is told as missing in TLS", function()
      refusals.check(select(2, assert(scissl.SciSslContext.new()):setGroups "curveSM2"))
      local key, certificate = identity "SM2"
      local made, failure = assert(scissl.SciSslContext.new()):useCertificate(certificate)
      if made then
        assert(made:usePrivateKey(key))
        local trusting = assert(scissl.SciSslContext.new())
        assert(trusting:addTrusted(certificate):setVerify(scissl.SSL_VERIFY_PEER))
        local client, server = ends.pair { client = trusting, server = made, transport = "memory" }
        local _, answer = ends.handshake(client, server)
        refusals.answer("no_shared_signature_algorithm", answer)
      else refusals.check(failure) end
    end)
  end
end)
