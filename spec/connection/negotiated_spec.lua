-- What both ends have agreed on: group, signature schemes, chain.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("What was agreed on, " .. version, function()
    for group, key in pairs { X25519 = { "X25519", 253 }, ["P-384"] = { "EC", 384 } } do
      it("tells the group and the peer's key: " .. group, function()
        local client, server = ends.memory { version = version,
          client = { setup = function(context) assert(context:setGroups(group .. ":P-521:P-256")) end },
          server = { setup = function(context) assert(context:setGroups(group .. ":P-521:P-256")) end },
        }
        local name = ({ X25519 = "x25519", ["P-384"] = "secp384r1" })[group]
        assert.are.equal(name, client:negotiatedGroup())
        assert.are.equal(name, server:negotiatedGroup())
        assert.are.same(key, { client:temporaryKey().type, client:temporaryKey().bits })
      end)
    end

    it("tells the key of the exchange under OpenSSL's own groups, and of a resumed connection as well", function()
      local method = { method = version }
      local contexts = { client = ends.clientContext(method), server = ends.serverContext(method) }
      local session
      for _ = 1, version == "TLSv1.3" and 2 or 1 do
        local client, server = ends.pair { transport = "memory", client = contexts.client, server = contexts.server }
        if session then assert(client:setSession(session)) end
        assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
        assert.are.equal(session ~= nil, client:isSessionReused())
        local key = client:temporaryKey()
        assert.is_true(#key.type > 0 and key.bits > 200)
        if version == "TLSv1.3" then assert.are.same(key, server:temporaryKey()) end
        session = client:getSession()
      end
    end)

    for scheme, make in pairs {
      ecdsa_secp256r1_sha256 = { "EC", "P-256" }, ed25519 = { "Ed25519" }, rsa_pss_rsae_sha256 = { "RSA", 2048 },
    } do
      it("tells who has signed how: " .. scheme .. (make[1] == "RSA" and " #slow" or ""), function()
        local key = assert(scissl.SciSslPrivateKey.generate(table.unpack(make)))
        local identity = pki.issue { subject = "CN=localhost", names = { "localhost" }, key = key }
        local client, server = ends.memory { version = version, server = { identity = identity } }
        assert.are.equal(scheme, client:peerSignatureScheme())
        assert.are.equal(scheme, server:signatureScheme())
        assert.is_nil(client:signatureScheme())
      end)
    end

    it("tells the verified chain, where it was verified", function()
      local client, server = ends.memory { version = version }
      local chain = client:verifiedChain()
      assert.are.same({ "CN=localhost", pki.ca.certificate:subject() }, { chain[1]:subject(), chain[2]:subject() })
      assert.is_nil(server:verifiedChain())
      client = ends.memory {
        version = version, client = { verify = scissl.SSL_VERIFY_NONE }, server = { identity = pki.selfSigned },
      }
      assert.is_nil(client:verifiedChain())
    end)

    it("tells whether the secrets are bound to the handshake, and whether renegotiation is secure", function()
      local renegotiation
      if version == "TLSv1.2" then renegotiation = true end
      for _, socket in ipairs { ends.memory { version = version } } do
        assert.is_true(socket:hasExtendedMasterSecret())
        assert.are.equal(renegotiation, socket:hasSecureRenegotiation())
      end
    end)

    it("tells that a peer without the extended master secret has none", function()
      local function setup(context) assert(context:setCommand("Options", "-ExtendedMasterSecret")) end
      for _, socket in ipairs { ends.memory { version = version, server = { setup = setup } } } do
        assert.are.equal(version == "TLSv1.3", socket:hasExtendedMasterSecret())
      end
    end)

    it("tells nothing before the handshake", function()
      local client = ends.pair { version = version }
      for _, method in ipairs {
        "negotiatedGroup", "signatureScheme", "peerSignatureScheme", "temporaryKey", "verifiedChain",
        "maxFragmentLength", "hasExtendedMasterSecret", "hasSecureRenegotiation",
      } do assert.is_nil(client[method](client)) end
      assert.are.equal("before SSL initialization", client:stateString())
      client:close()
      assert.are.equal("closed", client:stateString())
    end)

    it("tells how much has gone over the transport", function()
      local client, server = ends.memory { version = version }
      local before = client:statistics()
      assert.is_true(before.bytesReceived > 500 and before.bytesSent > 200)
      client:sslWrite(("x"):rep(10000))
      assert.is_true(client:statistics().bytesSent > before.bytesSent + 10000)
      assert.are.equal(0, before.renegotiations)
      ends.read(server, client)
      assert.is_true(server:statistics().bytesReceived > 10000)
      assert.are.equal("SSL negotiation finished successfully", client:stateString())
    end)
  end)
end
