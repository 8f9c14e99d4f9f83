-- What a socket knows of the certificate that it shows itself.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

local function texts(chain)
  local all = {}
  for i, certificate in ipairs(chain) do all[i] = certificate:toPem() end
  return all
end

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("localCertificate and localChain, " .. version, function()
    it("answer what each side shows", function()
      local client, server = ends.connected { version = version, client = { method = version, identity = pki.client } }
      assert.are.equal(pki.client.certificate, client:localCertificate())
      assert.are.equal(pki.server.certificate, server:localCertificate())
      assert.are.same({ pki.client.certificatePem }, texts(client:localChain()))
      assert.are.same({ pki.server.certificatePem }, texts(server:localChain()))
    end)

    it("answer none where there is none", function()
      local client = ends.connected { version = version }
      assert.is_nil(client:localCertificate())
      assert.are.same({}, client:localChain())
    end)

    it("answer what the socket inherited, from sslInitialize until close", function()
      local context = ends.serverContext { method = version }
      local server = assert(scissl.SciSslSocket.onMemory(context))
      assert.is_nil(server:localCertificate())
      assert.are.same({}, server:localChain())
      assert(server:sslInitialize())
      assert(context:useCertificate(pki.wrongHost.certificate))
      assert.are.equal(pki.server.certificate, server:localCertificate())
      server:close()
      assert.is_nil(server:localCertificate())
      assert.are.same({}, server:localChain())
    end)

    it("answer the whole chain that was loaded", function()
      local between = pki.issue { subject = "CN=between", ca = true }
      local leaf = pki.issue { subject = "CN=localhost", names = { "localhost" }, issuer = between }
      local client, server = ends.connected { version = version, server = { method = version, identity = false,
        setup = function(context)
          assert(context:useCertificate(leaf.certificatePem .. between.certificatePem))
          assert(context:usePrivateKey(leaf.key))
        end } }
      assert.are.same({ leaf.certificatePem, between.certificatePem }, texts(server:localChain()))
      assert.are.same(texts(server:localChain()), texts(client:peerChain()))
    end)

    it("answer, of several, the one that was chosen for this peer #slow", function()
      local rsa = pki.issue { subject = "CN=localhost", names = { "localhost" },
        key = pki.rsaKey() }
      local server_context = ends.serverContext { method = version, setup = function(context)
        assert(context:useCertificate(rsa.certificate))
        assert(context:usePrivateKey(rsa.key))
      end }
      for algorithm, identity in pairs {
        ["ecdsa_secp256r1_sha256"] = pki.server, ["rsa_pss_rsae_sha256"] = rsa,
      } do
        -- The authority's signature is of one kind only, so the client does not check it.
        local client, server = ends.connected { server = server_context, client = { method = version,
          verify = scissl.SSL_VERIFY_NONE, setup = function(context)
            assert(context:setSignatureAlgorithms(algorithm))
          end } }
        assert.are.equal(identity.certificate, client:peerCertificate(), algorithm)
        assert.are.equal(identity.certificate, server:localCertificate(), algorithm)
        assert.are.same({ identity.certificatePem }, texts(server:localChain()))
      end
    end)
  end)
end

it("localCertificate and localChain have methods for their receivers alone", function()
  local socket = assert(scissl.SciSslSocket.onMemory(ends.clientContext()))
  for _, name in ipairs { "localCertificate", "localChain" } do
    assert.error_matches(function() socket[name](ends.clientContext()) end, "bad argument #1 to")
    assert.error_matches(function() socket[name]() end, "bad argument #1 to")
  end
end)
